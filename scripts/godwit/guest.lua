-- Inside a recipe's own state: loads the recipe, runs it on drafts, and checks what it returns. Called by
-- bindings/sandbox.c with the C module; nothing of this file is visible to the recipe.

local core = ...

-- Our own modules see `require`; the recipe's environment does not have it.
local loaded = { ["godwit.core"] = core }
local trusted = setmetatable({}, { __index = _G })
function trusted.require(name)
  if loaded[name] == nil then
    local chunk = core.script(name, trusted)
    if not chunk then error(("the script '%s' is missing"):format(name)) end
    loaded[name] = chunk(name)
  end
  return loaded[name]
end

local gw = trusted.require "godwit"
local habits = trusted.require "godwit.habits"
local recipe = trusted.require "godwit.recipe"
local manifest = trusted.require "godwit.manifest"
gw.open = nil
core.draft_methods.save = nil
trusted.require "godwit.vocab".read = nil

local run, description, expression
local content -- what the recipe's file returned
local globals -- what its file sees
local title -- the recipe's name in messages

local function copy(t)
  local copied = {}
  for key, value in pairs(t) do copied[key] = value end
  return copied
end

local RANK = { number = 1, string = 2, boolean = 3 }

local function comes_first(a, b)
  local rank_a, rank_b = RANK[type(a)], RANK[type(b)]
  if rank_a ~= rank_b then return rank_a < rank_b end
  if rank_a == 3 then return not a and b end
  return a < b
end

--- pairs in the order of keys: numbers, texts, false and true; what has no order comes last. Lua's own order changes from
--- run to run, and a recipe gives the same result every time.
local function ordered_pairs(t)
  if t == nil then core.fail { class = "recipe", what = "bad argument #1 to 'pairs' (a table expected, got nil)" } end
  local meta = type(t) == "table" and getmetatable(t)
  if meta == false or meta and (type(meta) ~= "table" or rawget(meta, "__pairs")) then return pairs(t) end
  local keys, others = {}, {}
  for key in next, t do
    local list = RANK[type(key)] and keys or others
    list[#list + 1] = key
  end
  table.sort(keys, comes_first)
  table.move(others, 1, #others, #keys + 1, keys)
  local position = 0
  return function()
    local key, value
    repeat
      position = position + 1
      key = keys[position]
      value = key ~= nil and rawget(t, key)
    until key == nil or value ~= nil
    return key, value
  end, t, nil
end

-- ---- Helper modules and other recipes: files of the recipe's own folder and of the recipe path, and nothing else

local path = {} -- folders
local modules_read = {} -- the files beside the recipe's own that took part: {file =, sha256 =, text =}
local LONGEST_TEXT = 256 << 10 -- bytes of those whose text is kept

local function remember(chunk_name, source)
  modules_read[#modules_read + 1] = {
    file = chunk_name:sub(2), sha256 = core.sha256(source), text = #source <= LONGEST_TEXT and source or nil,
  }
end

local notes, noted = {}, {} -- what a person should know, in the order that it was found out; each once

local function note(text)
  if not noted[text] then notes[#notes + 1] = text end
  noted[text] = true
end

local check_library

--- Of different files that GODWIT_PATH has for one name the first is taken: whoever wrote another one should know. `what`:
--- "module".
local function note_others(what, name, position, source)
  for i = position + 1, #path do
    local other = core.read_inside(path[i], name .. ".lua")
    if other and other ~= source then
      note(("the %s '%s' is in two folders of GODWIT_PATH: %s/%s.lua is used, %s/%s.lua is not"):format(what, (name:gsub("/", ".")), path[position],
        name, path[i], name))
    end
  end
end

--- The text of `name`.lua in the first folder that has it, and its path. `what`: "module" or "recipe".
local function find_file(what, name, folder)
  local tried = {}
  for i, place in ipairs { folder or false, table.unpack(path) } do
    if place and not (i > 1 and place == folder) then
      local file = ("%s/%s.lua"):format(place, name)
      local source, problem = core.read_inside(place, name .. ".lua")
      if source then
        if place ~= folder then
          check_library(place)
          note_others(what, name, i - 1, source)
        end
        return source, file
      end
      if problem then core.fail { class = "recipe", what = ("%s: %s"):format(file, problem) } end
      tried[#tried + 1] = file
    end
  end
  return nil, #tried > 0 and "there is no " .. table.concat(tried, ", no ") or "GODWIT_PATH names no folder"
end

local new_environment

local function load_text(source, chunk_name, env)
  local chunk, problem = core.load(source, chunk_name, env)
  if not chunk then error(problem, 0) end
  return chunk
end

--- `require` of one recipe: a module is loaded once, with the recipe's own globals.
local function requirer(env, folder)
  local modules, loading = {}, {}
  return function(name)
    if type(name) ~= "string" or not ("." .. name):match("^%.[%w_%-]+") or ("." .. name):find("%.[^%w_%-]") or name:find("[^%w_%-.]")
      or name:sub(-1) == "." then
      core.fail {
        class = "recipe", what = ("require takes a module's name like \"names\" or \"team.names\", not %s"):format(
          type(name) == "string" and ("\"%s\""):format(name) or core.what(name)),
        hint = "modules lie in the recipe's own folder and in those of GODWIT_PATH, and nowhere else",
      }
    end
    if modules[name] == nil then
      if loading[name] then core.fail { class = "recipe", what = ("the module '%s' requires itself"):format(name) } end
      local source, file = nil, ("recipes/%s.lua"):format((name:gsub("%.", "/")))
      local chunk_name = "=" .. file
      if not folder then source = name:match "^modules%." and core.script_source("recipes." .. name) end -- of what comes with godwit
      if not source then
        source, file = find_file("module", name:gsub("%.", "/"), folder)
        chunk_name = source and "@" .. file
      end
      if not source then
        core.fail {
          class = "recipe", what = ("there is no module '%s': %s"):format(name, file),
          hint = "modules lie in the recipe's own folder and in those of GODWIT_PATH",
        }
      end
      remember(chunk_name, source)
      loading[name] = true
      local module = load_text(source, chunk_name, env)(name)
      loading[name] = nil
      modules[name] = module == nil and true or module
    end
    return modules[name]
  end
end

--- gw.recipe: a recipe of the same folder, of the recipe path, or one that comes with godwit.
local function recipe_caller(folder)
  local known = {}
  return function(name)
    if type(name) ~= "string" or not name:match("^[%w_%-]+$") then
      core.fail { class = "recipe", what = ("gw.recipe takes a recipe's name like \"cast\", not %s"):format(
        type(name) == "string" and ("\"%s\""):format(name) or core.what(name)) }
    end
    if known[name] then return known[name] end
    local source, file = find_file("recipe", name, folder)
    local chunk_name, home = source and "@" .. file, file
    if not source then
      source, chunk_name = core.script_source("recipes." .. name), ("=recipes/%s.lua"):format(name)
      home = nil
    end
    if not source then
      core.fail { class = "recipe", what = ("there is no recipe '%s': %s, and none that comes with godwit"):format(name, file) }
    end
    remember(chunk_name, source)
    local called_description, called = recipe.describe(load_text(source, chunk_name, new_environment(home and home:match("^(.*)/")))(), name)
    known[name] = function(ckpt, params, inputs)
      local arranged = recipe.by_name(recipe.arrange(name, called_description.inputs, ckpt, inputs))
      local result = called(arranged[1], recipe.check_params(called_description.params, params or {}, name), arranged)
      if result == nil then return arranged[1] end
      return result
    end
    return known[name]
  end
end

local manifests = {} -- folder -> its manifest, or false

local function manifest_of(folder)
  if manifests[folder] == nil then
    local file = folder .. "/manifest.lua"
    local source, problem = core.read_inside(folder, "manifest.lua")
    if problem then core.fail { class = "recipe", file = file, what = problem } end
    manifests[folder] = source and manifest.check(load_text(source, "@" .. file, new_environment())(), file) or false
  end
  return manifests[folder]
end

local checked = {} -- folders whose libraries are all there; nil when nobody asked

--- Raises what the library in `folder` needs and does not find, before its recipes fail in other ways.
function check_library(folder)
  if not checked or checked[folder] then return end
  local problems, more = manifest.examine(folder, path, manifest_of)
  if problems[1] then
    problems[1].class = "recipe"
    core.fail(problems[1])
  end
  for _, text in ipairs(more) do note(text) end
  checked[folder] = true
end

--- A recipe's globals: copies, so that what it overwrites is its own. `folder`: where its file lies.
function new_environment(folder)
  local env = {}
  for key, value in pairs(_G) do env[key] = type(value) == "table" and key ~= "_G" and copy(value) or value end
  env._G = env
  env.gw = copy(gw)
  env.gw.graph = copy(gw.graph)
  env.gw.recipe = recipe_caller(folder)
  env.pairs = ordered_pairs
  env.require = requirer(env, folder)
  return env
end

-- What Lua programs have and recipes do not, with the reason and the way that there is.
local FILES = "a recipe opens no files itself"
local ABSENT = {
  io = { FILES, "a parameter of type file gives it one: -p NAME=@FILE" },
  os = { "a recipe sees no clock, no environment and no other program, so that it gives the same result everywhere",
    "take what it needs as a parameter: -p NAME=VALUE" },
  load = { "a recipe runs no code but its own text", "write a function" },
  debug = { "a recipe does not reach out of its own state" },
  collectgarbage = { "a recipe does not reach out of its own state" },
  save = { "a recipe writes nothing itself, it says what to write", "return the checkpoint, and give its path by -o" },
}
ABSENT.dofile = { FILES, "require loads a module from the recipe's own folder" }
ABSENT.loadfile, ABSENT.package = ABSENT.dofile, ABSENT.dofile
ABSENT.loadstring = ABSENT.load

-- What those forget who turn a one-liner into a file.
local FUNCTION = "a recipe file returns its function: return function(ckpt, p, inputs) ... end"
local GIVEN = { ckpt = true, p = true, inputs = true }

--- "attempt to index a nil value (global 'io')" says little to who wrote `io.open` as in every Lua program.
local function absent(what)
  local kind, name = what:match("a nil value %((%a+) '(%w+)'%)$")
  if kind == "field" or kind == "method" then return what end
  if what == "<name> expected near '('" or kind == "global" and GIVEN[name] then return what, FUNCTION end
  name = name or what:match("^a checkpoint has no field or method '(save)'")
  if ABSENT[name] == nil then return what end
  local reason, way = table.unpack(ABSENT[name])
  return ("there is no %s in recipes: %s"):format(name, reason), way
end

--- Errors leave as tables with a class. A text's position becomes a field; one inside of godwit is no use to the reader,
--- who wants the recipe's own line.
local function normal(raised)
  if type(raised) == "table" and getmetatable(raised) == "godwit.Error" then return raised end
  if type(raised) ~= "string" then
    local meta = type(raised) == "table" and getmetatable(raised)
    local text = type(meta) == "table" and meta.__tostring and tostring(raised)
    return { class = "recipe", line = core.where(), what = text or ("an error that is %s, not a text"):format(core.what(raised)) }
  end
  local line, what = raised:match("^([^\n]-:%d+): (.*)$")
  if line and line:find("^%[godwit ") then line = core.where() end
  local shown, hint = absent(what or raised)
  return { class = "recipe", line = line, what = shown, hint = hint or habits(shown) }
end

--- Raises what is wrong with the recipe as a whole: there is no line to blame.
local function wrong(what, hint) core.fail { class = "recipe", file = title, what = what, hint = hint } end

--- `return gw.objects(...)` is a tail call: the recipe's line is gone by the time something is wrong. Its name is not.
local function with_place(problem)
  if getmetatable(problem) ~= "godwit.Error" or problem.class ~= "recipe" or problem.line or problem.file or not title then return problem end
  local fields = { file = title }
  for key, value in pairs(problem) do fields[key] = value end
  return select(2, pcall(core.fail, fields))
end

local function guarded(fn)
  return function(...)
    local results = table.pack(core.xpcall(fn, normal, ...))
    if not results[1] then error(with_place(results[2]), 0) end
    return table.unpack(results, 2, results.n)
  end
end

local guest = {}

--- request: source, chunk (its name), expression (true: a one-liner that sees ckpt, inputs, p), folder (of its file), path
--- (folders), unchecked (true: whether its library is complete is another's business), silent (it prints nothing). Returns the
--- description.
guest.load = guarded(function(request)
  if request.silent then _G.print = function() end end
  title = request.chunk:sub(2)
  path = request.path
  if request.unchecked then checked = nil end
  if request.folder then check_library(request.folder) end
  local env = new_environment(request.folder)
  local chunk, problem = core.load(request.source, request.chunk, env)
  if not chunk then
    if request.source:sub(1, 4) == "\27Lua" then wrong("this is Lua bytecode, and a recipe is text", "give its source") end
    error(problem, 0)
  end
  if request.expression then
    expression = { chunk = chunk, env = env }
    description = { params = {} }
  else
    content, globals = chunk(), env
    if request.any and recipe.is_module(content) then return { module = true } end
    description, run = recipe.describe(content, title)
    description.detects = type(content) == "table" and content.detect ~= nil
    description.tests = recipe.tests(content, title)
  end
  return description
end)

--- A folder's manifest, checked. request: source, chunk.
guest.manifest = guarded(function(request)
  title = request.chunk:sub(2)
  return manifest.check(load_text(request.source, request.chunk, new_environment())(), title)
end)

--- What a person should know of how the recipe, its modules and the recipes that it called were found, since it was last asked.
guest.notes = guarded(function()
  local given = notes
  notes = {}
  return given
end)

--- request: draft. Whether the recipe is meant for such a checkpoint: {fits =, why =}.
guest.detect = guarded(function(request)
  if not description.detects then return {} end
  local fits, why = content.detect(request.draft)
  return { fits = not not fits, why = type(why) == "string" and why or nil }
end)

--- A file parameter: what it was called, its bytes, its lines without their ends.
local function file_object(file)
  local object = { name = file.name }
  function object:bytes() return file.content end -- luacheck: ignore self
  function object:lines() -- luacheck: ignore self
    local whole = file.content == "" or file.content:sub(-1) == "\n"
    return (whole and file.content or file.content .. "\n"):gmatch("(.-)\r?\n")
  end
  return object
end

local function is_draft(value) return type(value) == "userdata" and getmetatable(value) == "godwit.Draft" end

--- The outputs by name; "" is the only one.
local function collect(result, inputs)
  if result == nil then return { [""] = inputs[1] } end
  if is_draft(result) then return { [""] = result } end
  if type(result) ~= "table" then
    wrong(("a recipe returns nothing, a checkpoint, or a table from names to checkpoints, not %s"):format(core.what(result)))
  end
  local outputs, any = {}, false
  for name, draft in pairs(result) do
    if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
      wrong(("an output's name is a word, to be said as -o NAME=PREFIX, not '%s'"):format(tostring(name)),
        "a recipe with several outputs returns a table like {encoder = ckpt, decoder = other}")
    end
    if not is_draft(draft) then wrong(("the output '%s' is %s, not a checkpoint"):format(name, core.what(draft))) end
    outputs[name], any = draft, true
  end
  if not any then wrong("the recipe returned a table without any checkpoint") end
  return outputs
end

--- An edited input that goes nowhere is a mistake that would otherwise be silent. `before`: which were edited when they came.
local function check_unused(inputs, names, outputs, before)
  for i, input in ipairs(inputs) do
    local used = before[i] or not input:core_edited()
    for _, output in pairs(outputs) do used = used or output:core_same(input) or output:core_reads(input) end
    if not used then
      local name = names[i] and names[i].name or ("input %d"):format(i)
      wrong(("%s was edited, but it is neither saved nor read by what is"):format(name), "return it as an output, or leave it as it is")
    end
  end
end

--- Runs the recipe on `drafts`, whose names are beside them, and gives its outputs by name.
local function run_on(drafts, names, params)
  local inputs, edited, result = recipe.by_name(drafts, names), {}
  for i, draft in ipairs(drafts) do edited[i] = draft:core_edited() end
  if expression then
    expression.env.ckpt, expression.env.inputs, expression.env.p = inputs[1], inputs, params
    result = expression.chunk()
  else
    result = run(inputs[1], params, inputs)
  end
  local outputs = collect(result, inputs)
  check_unused(drafts, names, outputs, edited)
  return outputs
end

local taken = {}

--- The values of the parameters, files with their content.
guest.take = guarded(function(values)
  for name, value in pairs(values) do taken[name] = type(value) == "table" and value.file and file_object(value) or value end
end)

--- request: drafts, names (of inputs). Returns name -> draft.
guest.run = guarded(function(request) return run_on(request.drafts, request.names, taken) end)

--- The modules and the other recipes that took part, in the order in which they were asked for.
guest.modules = guarded(function() return modules_read end)

-- ---- The recipe's own tests

local function test_params(case)
  local params = {}
  for name, value in pairs(case.params or {}) do
    local param = description.params[name]
    local is_text = param and param.type == "file" and type(value) == "string"
    params[name] = is_text and file_object { name = name, content = value } or value
  end
  return recipe.check_params(description.params, params, title)
end

--- request: index. The checkpoints that a test works on, as a sequence of drafts and what the recipe calls them.
guest.test_input = guarded(function(request)
  local case = content.tests[request.index]
  local given = table.pack((case.input or case.inputs)())
  if not is_draft(given[1]) then given = given[1] end
  if type(given) ~= "table" then wrong(("the test's input gives %s, not a checkpoint"):format(core.what(given))) end
  local drafts, names = recipe.arrange(title, description.inputs, given[1], given)
  for i, draft in ipairs(drafts) do
    if not is_draft(draft) then wrong(("input %d of the test is %s, not a checkpoint"):format(i, core.what(draft))) end
  end
  if #drafts == 0 then wrong("the test's input gives no checkpoint") end
  return { drafts = drafts, names = names }
end)

local function run_case(case, drafts, names)
  local outputs = run_on(drafts, names, test_params(case))
  for _, draft in pairs(outputs) do core.plan(draft, {}) end
  return outputs
end

local function is_failing(case, drafts, names)
  local results = table.pack(core.xpcall(run_case, normal, case, drafts, names))
  if results[1] then wrong(("the recipe should fail with \"%s\", and did not"):format(case.fails)) end
  local problem = results[2]
  if problem.class == "interrupted" or problem.class == "limit" then error(problem, 0) end
  local place = problem.line and problem.line .. ": " or ""
  local found = tostring(problem.message or place .. problem.what) .. (problem.hint and "\n" .. problem.hint or "")
  if not found:find(case.fails, 1, true) then wrong(("the recipe should fail with \"%s\", and says: %s"):format(case.fails, found)) end
end

local function check_plan(draft, wanted)
  local totals = core.plan(draft, {}):totals()
  local names = {}
  for action in pairs(wanted) do names[#names + 1] = action end
  table.sort(names)
  for _, action in ipairs(names) do
    if totals[action] ~= wanted[action] then
      wrong(("the plan has %s %s, and should have %s"):format(tostring(totals[action]), action, tostring(wanted[action])))
    end
  end
end

local function check_detect(draft, wanted)
  local fits, why = content.detect(draft)
  if (not fits) ~= (not wanted) then
    wrong(wanted and "the recipe's detect should take such a checkpoint, and does not"
      or ("the recipe's detect should not take such a checkpoint, and does: %s"):format(tostring(why)))
  end
  if not fits then return end
  if type(why) ~= "string" then wrong(("the recipe's detect should say why it takes a checkpoint, and gives %s"):format(core.what(why))) end
  if type(wanted) == "string" and not why:find(wanted, 1, true) then
    wrong(("the recipe's detect should say \"%s\", and says: %s"):format(wanted, why))
  end
end

--- What the recipe prints from now on goes into a sequence of lines, until the second result is called.
local function catch_prints()
  local original, lines = globals.print, {}
  function globals.print(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    lines[#lines + 1] = table.concat(words, "\t")
  end
  return lines, function() globals.print = original end
end

local function check_prints(lines, wanted)
  local found = table.concat(lines, "\n")
  if wanted == "" and found ~= "" then wrong("the recipe should print nothing, and prints: " .. found) end
  if not found:find(wanted, 1, true) then
    wrong(("the recipe should print \"%s\", and prints%s"):format(wanted, found == "" and " nothing" or ": " .. found))
  end
end

--- request: index, drafts, names. Runs the recipe and looks at its plan: {outputs =}, or {} when it failed as it should.
guest.test_run = guarded(function(request)
  local case = content.tests[request.index]
  if case.detects ~= nil then check_detect(request.drafts[1], case.detects) end
  local lines, release = catch_prints()
  if case.fails then
    is_failing(case, request.drafts, request.names)
    return {}
  end
  local outputs = run_case(case, request.drafts, request.names)
  release()
  if case.prints then check_prints(lines, case.prints) end
  if case.plan then
    if not outputs[""] then wrong("a test of several outputs has no plan") end
    check_plan(outputs[""], case.plan)
  end
  return { outputs = outputs }
end)

--- request: index, outputs (as they were saved). Raises what is wrong.
guest.test_judge = guarded(function(request)
  local case = content.tests[request.index]
  local only = request.outputs[""] or request.outputs
  if case.output then
    local expected = case.output()
    local compare = trusted.require "godwit.compare"
    local differences = is_draft(expected) and is_draft(only) and compare.drafts(expected, only) or compare.outputs(expected, only)
    if #differences > 0 then wrong("the output is not what it should be:\n  " .. table.concat(differences, "\n  ")) end
  end
  if case.expect then case.expect(only) end
  return true
end)

return guest

-- Where recipes are found, and how one is run in a state of its own.

local core = require "godwit.core"
local manifest = require "godwit.manifest"
local problem = require "godwit.problem"
local recipe = require "godwit.recipe"

local library = {}

--- The whole of a file; `what` says what it was wanted for, `hint` what else to try when it is not there.
local function read_file(path, what, hint)
  local file, reason, number = io.open(path, "rb")
  if not file then
    -- io.open's text is "path: reason".
    reason = number == 2 and "is not there" or "cannot be read: " .. reason:sub(#path + 3)
    if number ~= 2 then hint = number == 13 and "check the owner and the rights of the file and of its folder (ls -ld)" or nil end
    core.fail { class = number == 2 and "usage" or "system", file = path, what = ("%s %s"):format(what, reason), hint = hint }
  end
  local content = file:read("a")
  file:close()
  if not content then core.fail { class = "usage", file = path, what = what .. " is a folder, not a file" } end
  return content
end

--- The folders of GODWIT_PATH, each once.
function library.folders()
  local list, seen = {}, {}
  for folder in (os.getenv("GODWIT_PATH") or ""):gmatch("[^:]+") do
    folder = folder:gsub("(.)/+$", "%1")
    if not seen[folder] then list[#list + 1] = folder end
    seen[folder] = true
  end
  return list
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- Names of the recipes that come with godwit; recipes/modules/ has what they require.
function library.bundled()
  local names = {}
  for _, name in ipairs(core.scripts "recipes.") do
    name = name:sub(#"recipes." + 1)
    if not name:find(".", 1, true) then names[#names + 1] = name end
  end
  return names
end

--- What a folder's manifest.lua says, or nil when there is none.
function library.manifest(folder)
  local file = folder .. "/manifest.lua"
  local source, reason = core.read_inside(folder, "manifest.lua")
  if reason then core.fail { class = "recipe", file = file, what = reason } end
  return source and core.sandbox({ title = file }):call("manifest", { source = source, chunk = "@" .. file })
end

--- What is wrong with the library in a folder: problems and notes as manifest.examine gives them, and its manifest, if it is one.
function library.examine(folder)
  if not folder then return {}, {} end -- what comes with godwit, or is no file
  local known = {}
  local function read(place)
    known[place] = known[place] or table.pack(problem.try(library.manifest, place))
    if not known[place][1] then error(known[place][2], 0) end
    return known[place][2]
  end
  local ok, problems, notes = problem.try(manifest.examine, folder, library.folders(), read)
  if not ok then return { problems }, {} end
  return problems, notes, read(folder)
end

--- The files that GODWIT_PATH has for a name, in its order, without copies of the first one.
function library.places(name)
  local found, first = {}, nil
  for _, folder in ipairs(library.folders()) do
    local source = core.read_inside(folder, name .. ".lua")
    if source and source ~= first then found[#found + 1] = ("%s/%s.lua"):format(folder, name) end
    first = first or source
  end
  return found
end

--- The Lua files of a folder, but for its manifest, as {name =, file =}, by name.
local function files_of(folder)
  local found, files = {}, core.list_folder(folder)
  table.sort(files)
  for _, file in ipairs(files) do
    local name = file:match("^([%w_%-]+)%.lua$")
    if name and name ~= "manifest" then found[#found + 1] = { name = name, file = folder .. "/" .. file, folder = folder } end
  end
  return found
end
library.files_of = files_of

--- Every recipe of the library: those of GODWIT_PATH's folders in their order, then those that come with godwit. A sequence
--- of {name =, file =, folder =, shadowed =}: `shadowed` by the file of an earlier folder; without file it comes with godwit.
--- A folder that cannot be listed is an error, unless `tolerant`.
function library.all(tolerant)
  local found, first = {}, {}
  for _, folder in ipairs(library.folders()) do
    local ok, entries = problem.try(files_of, folder)
    if not ok and not tolerant then error(entries, 0) end
    for _, entry in ipairs(ok and entries or {}) do found[#found + 1] = entry end
  end
  for _, name in ipairs(library.bundled()) do found[#found + 1] = { name = name } end
  for _, entry in ipairs(found) do
    entry.shadowed = first[entry.name]
    first[entry.name] = first[entry.name] or entry.file
  end
  return found
end

--- The source and the chunk's name of one of those.
function library.source(entry)
  if entry.file then return read_file(entry.file, "the recipe"), "@" .. entry.file end
  return core.script_source("recipes." .. entry.name), ("=recipes/%s.lua"):format(entry.name)
end

local FORMS = "a recipe is a Lua file, the name of one in the library, or an argument: -e 'LUA'"
local ORDER = "the recipe comes first, then what it works on: godwit run RECIPE INPUT... -o OUT"

--- The mistake of those who forget the recipe: its place is taken by the checkpoint.
local function refuse_checkpoint(path)
  local member = path:match("%.index$") or path:match("%.meta$") or path:match("%.data%-%d+%-of%-%d+$")
  if member or exists(path .. ".index") or exists(path .. "/checkpoint") then
    core.fail { class = "usage", file = path, what = "this is a checkpoint, not a recipe", hint = ORDER }
  end
end

--- A RECIPE as typed: with `/` or ending in `.lua` it is a file, else a name in the library. Returns its source, the name of its
--- chunk, as messages show it, and a note when another folder has a recipe of this name, too.
function library.find(name)
  if name:find("/", 1, true) or name:match("%.lua$") then
    if not name:match("%.lua$") then refuse_checkpoint(name) end
    return read_file(name, "the recipe", FORMS), "@" .. name
  end
  for _, folder in ipairs(library.folders()) do
    local path = ("%s/%s.lua"):format(folder, name)
    if exists(path) then
      local others = library.places(name)
      local note = others[1] == path and others[2]
        and ("the recipe '%s' is in two folders of GODWIT_PATH: %s is used, %s is not"):format(name, others[1], others[2])
      return read_file(path, "the recipe"), "@" .. path, note
    end
  end
  local source = not name:find(".", 1, true) and core.script_source("recipes." .. name)
  if source then return source, ("=recipes/%s.lua"):format(name) end
  refuse_checkpoint(name)
  local guess = require "godwit.nearest"(name, library.bundled())
  local hint = guess and ("did you mean the recipe %s?"):format(guess) or "recipes that come with godwit: " .. table.concat(library.bundled(), ", ")
  if exists(name .. ".lua") then hint = ("did you mean the file %s.lua?"):format(name) end
  core.fail { class = "usage", what = ("there is no recipe '%s'"):format(name), hint = hint }
end

--- What the program says when a recipe's time is over inside a C function, which nothing but the program's end stops.
local function last_words(title, seconds, json)
  local what = ("the recipe computed for more than %g s without leaving one function of Lua's library"):format(seconds)
  local hint = "--max-recipe-time SECONDS allows more; a pattern that never ends?"
  local found = { class = "limit", what = what, file = title, hint = hint }
  return ("godwit: %s: %s\n  %s\n"):format(core.printable(title), what, hint), json and ('{"error": %s}\n'):format(problem.json(found)) or ""
end

local function folder_of(chunk) return chunk:match("^@(.*)/[^/]*$") or chunk:sub(1, 1) == "@" and "." or nil end

--- `outcome`: true, or the error that the sandbox ended with; at its limits it answers no more.
local function say_notes(sandbox, say, outcome)
  if outcome ~= true and outcome.class ~= "recipe" then return end
  for _, note in ipairs(sandbox:call "notes") do say(note) end
end

--- Opens a recipe in a sandbox. `options`: expression (a one-liner), any (a module is no error), unchecked (libraries that it
--- needs may be missing: library.examine says so), say (called with each note about how modules were found, also when loading fails:
--- that may be the reason),
--- steps, memory, seconds (its limits), end_program (when a C function does not
--- return in time; json: then, too), silent (prints nothing, whatever the recipe does, and ends the program without a word).
--- Returns the sandbox and what the recipe says of itself.
function library.load(source, chunk, options)
  local title = chunk:sub(2)
  local words, json
  if options.end_program then words, json = last_words(title, options.seconds or core.recipe_seconds, options.json) end
  if options.silent then words = "" end
  local sandbox = core.sandbox {
    title = title, steps = options.steps, memory = options.memory, seconds = options.seconds, last_words = words, last_json = json,
  }
  local ok, description = problem.try(sandbox.call, sandbox, "load", {
    source = source, chunk = chunk, expression = options.expression, any = options.any, unchecked = options.unchecked, folder = folder_of(chunk),
    path = library.folders(), silent = options.silent,
  })
  if options.say then say_notes(sandbox, options.say, ok or description) end
  if not ok then error(description, 0) end
  return sandbox, description
end

--- Calls visit(entry, description) for each of `entries` that can be loaded, in their order, until `patience` seconds of computing are over. All
--- are loaded in one state, which is quicker than a state for each and good enough for a list of summaries: a recipe could
--- change what those behind it say of themselves, and one that hits a limit (`options`, as above) is the last.
function library.look_through(entries, patience, options, visit)
  local sandbox <close> = setmetatable({ core.sandbox {
    title = "recipes", memory = options.memory, seconds = options.seconds, last_words = options.silent and "" or nil,
  } }, { __close = function(box) box[1]:close() end })
  local started = os.clock()
  for _, entry in ipairs(entries) do
    if os.clock() - started > patience then return end
    local ok, description = problem.try(function()
      if entry.file and not core.is_file(entry.file) then return nil end -- reading a pipe would wait
      local source, chunk = library.source(entry)
      return sandbox[1]:call("load", {
        source = source, chunk = chunk, any = true, folder = folder_of(chunk), path = library.folders(), silent = options.silent,
      })
    end)
    if ok and description then visit(entry, description) end
  end
end

--- A recipe as a function of drafts, for Lua programs; it runs in its sandbox. Inside of recipes see guest.lua.
function library.callable(name)
  local source, chunk = library.find(name)
  local _, description = library.load(source, chunk, {})
  return function(ckpt, params, inputs)
    local sandbox = library.load(source, chunk, {})
    local drafts, names = recipe.arrange(name, description.inputs, ckpt, inputs)
    sandbox:call("take", recipe.check_params(description.params, params or {}, name))
    local outputs = sandbox:call("run", { drafts = drafts, names = names })
    return outputs[""] or outputs
  end
end

--- Parameters as they are remembered: files by their checksums.
local function traced(values)
  local params = {}
  for name, value in pairs(values) do
    params[name] = type(value) == "table" and value.file and { file = value.name, bytes = #value.content, sha256 = core.sha256(value.content) } or value
  end
  return params
end

--- Opens every input and runs the recipe: returns name -> draft, the inputs' prefixes, notes about what was typed, and with
--- `trace` what took part: params (name -> value or {file =, bytes =, sha256 =}), inputs ({name =, rest =, prefix =, bundle =,
--- index =}), modules ({file =, sha256 =, text =}). `say` is called with each note about how recipes and modules were found, also
--- when the recipe fails: it may be the reason.
function library.run(sandbox, description, arguments, given, say, trace)
  local inputs = recipe.match_inputs(description.inputs, arguments)
  local origin = trace and { inputs = {} }
  do
    local values = recipe.parse_params(description.params, given, read_file)
    sandbox:call("take", values)
    if trace then origin.params = traced(values) end
  end
  -- Files may be large, and two states would each have a copy of them for as long as the recipe runs.
  collectgarbage()
  local drafts, names, prefixes, notes = {}, {}, {}, {}
  for i, input in ipairs(inputs) do
    local prefix, note = core.locate(input.path)
    prefixes[i], notes[#notes + 1] = prefix, note
    local bundle = core.open(prefix)
    drafts[i] = bundle:draft()
    names[i] = { name = input.name, rest = input.rest }
    -- Asked for before the work: minutes later the files may be others than those that were read.
    if trace then
      origin.inputs[i] = { name = input.name, rest = input.rest, prefix = prefix, bundle = bundle, index = require "godwit.origin".index(bundle) }
    end
  end
  local ok, outputs = problem.try(sandbox.call, sandbox, "run", { drafts = drafts, names = names })
  say_notes(sandbox, say, ok or outputs)
  if not ok then error(outputs, 0) end
  if trace then origin.modules = sandbox:call "modules" end
  return outputs, prefixes, notes, origin
end

return library

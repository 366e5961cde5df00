-- godwit recipes [NAME]: the library, one recipe's help, which fit a checkpoint, and lint

local core = require "godwit.core"
local library = require "godwit.library"
local problem = require "godwit.problem"
local terminal = require "godwit.terminal"

local recipes = { summary = "list the library's recipes, explain one, find those that fit, check a folder" }

function recipes.parser(argparse)
  local parser = argparse("godwit recipes", recipes.summary)
  parser:argument("name", "a recipe to explain: a name in the library or a file"):argname("NAME"):args("?")
  parser:mutex(
    parser:option("--for", "only recipes that say they fit this checkpoint, and why"):argname("PREFIX"):target("prefix"),
    parser:option("--check", "look for mistakes in a folder of recipes, or in one file"):argname("FOLDER"))
  parser:flag("--json", "print JSON")
  return parser
end

-- ---- One recipe

--- "required", "default: x", or nil.
function recipes.default_text(param)
  if param.required then return "required" end
  if param.default == nil then return nil end
  if type(param.default) == "table" then return "default: " .. (#param.default > 0 and table.concat(param.default, ",") or "empty") end
  return "default: " .. (param.default == "" and "empty" or tostring(param.default))
end

--- What a person reads of a recipe's description.
function recipes.help(name, description)
  local out = {}
  local function add(text) out[#out + 1] = text end
  local title = description.name or name
  add(("%s%s%s"):format(title, description.version and " " .. description.version or "", description.summary and ": " .. description.summary or ""))
  if description.description then
    add ""
    add((description.description:gsub("%s+$", "")))
  end
  add ""
  local inputs = description.inputs and table.concat(description.inputs, " ") or "checkpoint..."
  add(("Usage: godwit run %s %s -o OUT [-p NAME=VALUE]..."):format(name, inputs:upper()))
  local names = {}
  for param in pairs(description.params) do names[#names + 1] = param end
  table.sort(names, function(a, b)
    local first, second = description.params[a].required, description.params[b].required
    if (first or false) ~= (second or false) then return first or false end
    return a < b
  end)
  if #names > 0 then
    add ""
    add "Parameters:"
  end
  for _, param_name in ipairs(names) do
    local param = description.params[param_name]
    local kind = param.type == "choice" and table.concat(param.choices, " | ") or param.type == "file" and "@FILE" or param.type
    local notes = { recipes.default_text(param) }
    add(("  -p %s=%s%s"):format(param_name, param.type == "choice" and kind or kind:upper(), notes[1] and ("  (%s)"):format(notes[1]) or ""))
    if param.help then add("      " .. param.help) end
  end
  if description.examples and #description.examples > 0 then
    add ""
    add "Examples:"
    for _, example in ipairs(description.examples) do add("  " .. example) end
  end
  return table.concat(out, "\n") .. "\n"
end

local function description_json(name, description, more)
  local params, names = {}, {}
  for param in pairs(description.params or {}) do names[#names + 1] = param end
  table.sort(names)
  for i, param_name in ipairs(names) do
    local param = description.params[param_name]
    params[i] = core.object {
      { "name", param_name }, { "type", param.type }, { "default", param.default }, { "required", param.required or false },
      { "choices", param.choices and param.choices }, { "help", param.help },
    }
  end
  local fields = {
    { "name", name }, { "version", description.version }, { "summary", description.summary }, { "description", description.description },
    { "inputs", description.inputs and description.inputs }, { "params", params },
    { "examples", description.examples and description.examples }, { "tests", description.tests and #description.tests or 0 },
  }
  for _, field in ipairs(more or {}) do fields[#fields + 1] = field end
  return core.object(fields)
end

local function message_of(found) return found.message or found.file and ("%s: %s"):format(found.file, found.what) or found.what end

--- A recipe explains itself also where it could not run: what it lacks is a note.
local function explain(values)
  local source, chunk, note = library.find(values.name)
  if note then terminal.note(note) end
  local _, description = library.load(source, chunk, { unchecked = true, say = terminal.note })
  local folder = chunk:match "^@(.*)/[^/]*$" or chunk:sub(1, 1) == "@" and "."
  local problems, notes = library.examine(folder or nil)
  for _, found in ipairs(problems) do terminal.note(message_of(found)) end
  for _, text in ipairs(notes) do terminal.note(text) end
  if values.json then
    io.stdout:write(core.json(core.object { { "schema", 1 }, { "recipe", description_json(values.name, description) } }, 1), "\n")
  else
    io.stdout:write(recipes.help(values.name, description))
  end
  return 0
end

-- ---- The list

--- Every recipe that can be loaded, with what it says of itself; one that cannot has `problem`. `say(entry, note)`.
local function loaded(say)
  local found = {}
  for _, entry in ipairs(library.all()) do
    local ok, sandbox, description = problem.try(function()
      local source, chunk = library.source(entry)
      return library.load(source, chunk, { any = true, unchecked = true, say = function(note) say(entry, note) end })
    end)
    if not ok then entry.problem = sandbox
    else entry.sandbox, entry.description = sandbox, description end
    if not ok or not description.module then found[#found + 1] = entry end
  end
  return found
end

--- The libraries of the path, with what is wrong with them: a sequence of {folder =, manifest =, problems =, notes =}, which finds
--- them by their folders, too.
local function libraries()
  local found = {}
  for i, folder in ipairs(library.folders()) do
    local problems, notes, manifest = library.examine(folder)
    found[i] = { folder = folder, manifest = manifest, problems = problems, notes = notes }
    found[folder] = found[i]
  end
  return found
end

local function add_note(where, note)
  for _, known in ipairs(where.notes) do
    if known == note then return end
  end
  where.notes[#where.notes + 1] = note
end

--- Adds to each recipe whether it fits, and why; those that do not say so do not.
local function select_fitting(found, path)
  local prefix, note = core.locate(path)
  if note then terminal.note(note) end
  local bundle = core.open(prefix)
  local fitting = {}
  for _, entry in ipairs(found) do
    if entry.description then
      local ok, answer = problem.try(entry.sandbox.call, entry.sandbox, "detect", { draft = bundle:draft() })
      if not ok then entry.problem = answer end
      if ok and answer.fits then entry.why = answer.why or "it says so" end
      if not ok or answer.fits then fitting[#fitting + 1] = entry end
    end
  end
  return fitting
end

local function print_head(where)
  local manifest = where.manifest
  io.stdout:write(where.folder, manifest and (" · %s %s"):format(manifest.name, manifest.version) or "", "\n")
  for _, found in ipairs(where.problems) do
    io.stdout:write("  ! ", core.printable(message_of(found)), "\n")
    if found.hint then io.stdout:write("    ", core.printable(found.hint), "\n") end
  end
  for _, note in ipairs(where.notes) do io.stdout:write("  ! ", core.printable(note), "\n") end
end

--- `fitting`: only recipes were wanted.
local function print_list(found, places, fitting)
  local width, of, first = 0, {}, true
  for _, entry in ipairs(found) do
    local where = entry.folder or ""
    width, of[where] = math.max(width, #entry.name), of[where] or {}
    table.insert(of[where], entry)
  end
  local function print_place(entries, print_its_head)
    if not first then io.stdout:write "\n" end
    first = false
    print_its_head()
    for _, entry in ipairs(entries) do
      local text = entry.problem and "! " .. message_of(entry.problem) or entry.why or entry.description.summary or "(no summary)"
      if entry.shadowed then text = text .. (" (never found: %s comes first)"):format(entry.shadowed) end
      io.stdout:write(("  %s%s  %s\n"):format(entry.name, (" "):rep(width - #entry.name), (core.printable(text))))
    end
  end
  for _, where in ipairs(places) do
    local worth_saying = not fitting and #where.problems + #where.notes > 0
    if of[where.folder] or worth_saying then print_place(of[where.folder] or {}, function() print_head(where) end) end
  end
  if of[""] then print_place(of[""], function() io.stdout:write "with godwit\n" end) end
end

local function library_json(where)
  local problems, requires, manifest = {}, nil, where.manifest or {}
  for i, found in ipairs(where.problems) do problems[i] = message_of(found) end
  if manifest.requires then
    local names = {}
    for name in pairs(manifest.requires) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do names[i] = { name, manifest.requires[name] } end
    requires = core.object(names)
  end
  return core.object {
    { "folder", where.folder }, { "name", manifest.name }, { "version", manifest.version }, { "godwit", manifest.godwit },
    { "summary", manifest.summary }, { "requires", requires }, { "problems", problems }, { "notes", where.notes },
  }
end

local function list(values)
  local places = libraries()
  local found = loaded(function(entry, note)
    if entry.folder then add_note(places[entry.folder], note) end
  end)
  if values.prefix then found = select_fitting(found, values.prefix) end
  if values.json then
    local items, about = {}, {}
    for i, entry in ipairs(found) do
      items[i] = description_json(entry.name, entry.description or {}, {
        { "file", entry.file }, { "why", entry.why }, { "shadowed_by", entry.shadowed }, { "problem", entry.problem and message_of(entry.problem) },
      })
    end
    for i, where in ipairs(places) do about[i] = library_json(where) end
    io.stdout:write(core.json(core.object { { "schema", 1 }, { "recipes", items }, { "libraries", about } }, 1), "\n")
  elseif #found == 0 then
    io.stdout:write(("no recipe of the library says that it is for %s\n"):format(core.printable(values.prefix)))
  else
    print_list(found, places, values.prefix ~= nil)
  end
  return values.prefix and #found == 0 and 1 or 0
end

function recipes.run(values)
  if values.check then return require("godwit.lint").run(values.check, values.json) end
  if values.name then
    if values.prefix then core.fail { class = "usage", what = "--for takes no NAME: it goes through the whole library" } end
    return explain(values)
  end
  return list(values)
end

return recipes

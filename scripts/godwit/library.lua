-- Where recipes are found, and how one is run in a state of its own.

local core = require "godwit.core"
local recipe = require "godwit.recipe"

local library = {}

local function read_file(path)
  local file, problem, number = io.open(path, "rb")
  if not file then
    -- io.open's text is "path: reason".
    core.fail { class = number == 2 and "usage" or "system", file = path, what = problem:sub(#path + 3) }
  end
  local content = file:read("a")
  file:close()
  if not content then core.fail { class = "usage", file = path, what = "cannot be read as a file" } end
  return content
end
library.read_file = read_file

local function folders()
  local list = {}
  for folder in (os.getenv("GODWIT_PATH") or ""):gmatch("[^:]+") do list[#list + 1] = folder end
  return list
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- Names of the recipes that come with godwit.
function library.bundled()
  local names = {}
  for _, name in ipairs(core.scripts "recipes.") do names[#names + 1] = name:sub(#"recipes." + 1) end
  return names
end

--- A RECIPE as typed: with `/` or ending in `.lua` it is a file, else a name in the library. Returns its source and the
--- name of its chunk, as messages show it.
function library.find(name)
  if name:find("/", 1, true) or name:match("%.lua$") then return read_file(name), "@" .. name end
  for _, folder in ipairs(folders()) do
    local path = ("%s/%s.lua"):format(folder, name)
    if exists(path) then return read_file(path), "@" .. path end
  end
  local source = core.script_source("recipes." .. name)
  if source then return source, ("=recipes/%s.lua"):format(name) end
  local known = table.concat(library.bundled(), ", ")
  local hint = "recipes that come with godwit: " .. known
  if exists(name .. ".lua") then hint = ("did you mean the file %s.lua?"):format(name) end
  if exists(name) or exists(name .. ".index") then
    hint = "that is a file or checkpoint, and the recipe comes first: godwit run RECIPE INPUT... -o OUT"
  end
  core.fail { class = "usage", what = ("there is no recipe '%s'"):format(name), hint = hint }
end

--- Opens a recipe in a sandbox. Returns the sandbox and what the recipe says of itself.
function library.load(source, chunk, expression)
  local sandbox = core.sandbox()
  local description = sandbox:call("load", { source = source, chunk = chunk, expression = expression })
  return sandbox, description
end

--- Opens every input and runs the recipe: returns name -> draft, the inputs' prefixes, and notes about what was typed.
function library.run(sandbox, description, arguments, given)
  local inputs = recipe.match_inputs(description.inputs, arguments)
  local params = recipe.parse_params(description.params, given, read_file)
  local drafts, names, prefixes, notes = {}, {}, {}, {}
  for i, input in ipairs(inputs) do
    local prefix, note = core.locate(input.path)
    prefixes[i], notes[#notes + 1] = prefix, note
    drafts[i] = core.open(prefix):draft()
    names[i] = { name = input.name, rest = input.rest }
  end
  local outputs = sandbox:call("run", { drafts = drafts, names = names, params = params })
  return outputs, prefixes, notes
end

return library

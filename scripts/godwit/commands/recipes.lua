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

local function explain(values)
  local source, chunk = library.find(values.name)
  local _, description = library.load(source, chunk, {})
  if values.json then
    io.stdout:write(core.json(core.object { { "schema", 1 }, { "recipe", description_json(values.name, description) } }, 1), "\n")
  else
    io.stdout:write(recipes.help(values.name, description))
  end
  return 0
end

-- ---- The list

--- Every recipe that can be loaded, with what it says of itself; one that cannot has `problem`.
local function loaded()
  local found = {}
  for _, entry in ipairs(library.all()) do
    local ok, sandbox, description = problem.try(function()
      local source, chunk = library.source(entry)
      return library.load(source, chunk, { any = true })
    end)
    if not ok then entry.problem = sandbox
    else entry.sandbox, entry.description = sandbox, description end
    if not ok or not description.module then found[#found + 1] = entry end
  end
  return found
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

local function print_list(found)
  local width, place = 0, false
  for _, entry in ipairs(found) do width = math.max(width, #entry.name) end
  for _, entry in ipairs(found) do
    local where = entry.folder or "with godwit"
    if where ~= place then
      local _, manifest = problem.try(library.manifest, entry.folder or "")
      local about = entry.folder and type(manifest) == "table" and manifest.name and (" · %s %s"):format(manifest.name, manifest.version) or ""
      io.stdout:write(place and "\n" or "", where, about, "\n")
      if entry.folder and type(manifest) == "table" and manifest.class then io.stdout:write("  ! ", manifest.message or manifest.what, "\n") end
      place = where
    end
    local text = entry.problem and "! " .. (entry.problem.message or entry.problem.what) or entry.why or entry.description.summary or "(no summary)"
    if entry.shadowed then text = text .. (" (never found: %s comes first)"):format(entry.shadowed) end
    io.stdout:write(("  %s%s  %s\n"):format(entry.name, (" "):rep(width - #entry.name), (core.printable(text))))
  end
end

local function list(values)
  local found = loaded()
  if values.prefix then found = select_fitting(found, values.prefix) end
  if values.json then
    local items = {}
    for i, entry in ipairs(found) do
      items[i] = description_json(entry.name, entry.description or {}, {
        { "file", entry.file }, { "why", entry.why }, { "shadowed_by", entry.shadowed },
        { "problem", entry.problem and (entry.problem.message or entry.problem.what) },
      })
    end
    io.stdout:write(core.json(core.object { { "schema", 1 }, { "recipes", items } }, 1), "\n")
  elseif #found == 0 then
    io.stdout:write(("no recipe of the library says that it is for %s\n"):format(core.printable(values.prefix)))
  else
    print_list(found)
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

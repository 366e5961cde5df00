-- What manifest.lua of a folder of recipes says, checked; and whether the libraries are there that it needs. Used by the command
-- line and inside a recipe's own state, which read manifests in their own ways.

local core = require "godwit.core"
local recipe = require "godwit.recipe"
local version = require "godwit.version"

local manifest = {}

local FIELDS = { name = "string", version = "string", godwit = "string", summary = "string", requires = "table" }

local function check_requires(requires, name, wrong)
  local checked = {}
  for other, range in next, requires do
    if type(other) ~= "string" or type(range) ~= "string" then
      wrong("requires is a table like {shapes = \">= 1.2\"}, and has %s for %s", core.what(range), tostring(other))
    end
    local _, problem, form = version.range(range)
    if problem then core.fail { class = "recipe", file = wrong(), what = ("requires %s: %s"):format(other, problem), hint = form } end
    if other == name then wrong("the library %s requires itself", name) end
    checked[other] = range
  end
  return checked
end

--- What manifest.lua returned, checked, as a table of its own. `title`: its path, for messages.
function manifest.check(value, title)
  local function wrong(what, ...)
    if not what then return title end
    core.fail { class = "recipe", file = title, what = what:format(...) }
  end
  if type(value) ~= "table" then
    wrong("a manifest returns a table like {name = \"vision\", version = \"1.0\", godwit = \"1\"}, not %s", core.what(value))
  end
  -- First of all: a manifest for another godwit may have fields that this one does not know.
  local needs = rawget(value, "godwit")
  if type(needs) == "string" then recipe.check_godwit(needs, title, "these recipes need") end
  local checked = {}
  for field, content in next, value do
    local expected = FIELDS[field]
    if not expected then wrong("a manifest has no field '%s' (%s)", tostring(field), recipe.listed(FIELDS)) end
    if type(content) ~= expected then wrong("the manifest's %s is a %s, not a %s", field, type(content), expected) end
    checked[field] = content
  end
  for _, field in ipairs { "name", "version", "godwit" } do
    if not checked[field] then wrong("the manifest says no %s", field) end
  end
  recipe.check_version(checked.version, title, "the manifest's version")
  if checked.requires then checked.requires = check_requires(checked.requires, checked.name, wrong) end
  return checked
end

-- ---- What libraries need of each other

--- The libraries of `places` called `name`, in their order: a sequence of {folder =, version =}.
local function holders(name, places, read)
  local found = {}
  for _, place in ipairs(places) do
    local ok, other = pcall(read, place)
    if ok and other and other.name == name then found[#found + 1] = { folder = place, version = other.version } end
  end
  return found
end

--- What each of `places` is, for who looks for a library in vain.
local function described(places, read)
  local list = {}
  for i, place in ipairs(places) do
    local ok, found = pcall(read, place)
    local about = not ok and "its manifest is wrong" or not found and "no manifest" or ("%s %s"):format(found.name, found.version)
    list[i] = ("%s (%s)"):format(place, about)
  end
  return #list == 0 and "GODWIT_PATH names no folder" or "GODWIT_PATH has " .. table.concat(list, ", ")
end

local function missing_problem(name, range, places, read)
  return ("needs the library %s %s, and no folder of GODWIT_PATH is %s"):format(name, range, name),
    ("%s: add the folder of %s"):format(described(places, read), name)
end

local function version_problem(name, range, found)
  local first, fitting = found[1], nil
  for _, other in ipairs(found) do
    if not fitting and version.is_in(other.version, range) then fitting = other end
  end
  local hint = fitting and ("%s has %s %s: put it before %s on GODWIT_PATH"):format(fitting.folder, name, fitting.version, first.folder)
    or ("put a folder with %s %s on GODWIT_PATH, before %s or in its place"):format(name, range, first.folder)
  return ("needs the library %s %s, and %s has %s %s"):format(name, range, first.folder, name, first.version), hint
end

--- Another version of a library further down the path is not used, and whoever put it there should know. `found`: as holders gives
--- it.
local function twice(name, found)
  for i = 2, #found do
    if version.compare(found[i].version, found[1].version) ~= 0 then
      return ("the library %s is there twice: %s (%s) comes first and is used, %s (%s) is not"):format(name, found[1].folder, found[1].version,
        found[i].folder, found[i].version)
    end
  end
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- Whether all is there that the library in `folder` needs, and what its libraries need in turn. `path`: GODWIT_PATH's folders;
--- `read(folder)` gives a checked manifest, nil where there is none, and raises what is wrong. A folder without manifest needs
--- nothing, and no other folder is looked at. Returns two sequences: problems, as {file =, what =, hint =}, and notes.
function manifest.examine(folder, path, read)
  local problems, notes, seen = {}, {}, {}
  local places, on_path = { folder }, false
  for _, place in ipairs(path) do
    if place == folder then on_path = true else places[#places + 1] = place end
  end
  local function visit(place)
    local own = not seen[place] and read(place)
    seen[place] = true
    if not own then return end
    if place == folder then notes[1] = twice(own.name, holders(own.name, on_path and path or places, read)) end
    for _, name in ipairs(sorted_keys(own.requires or {})) do
      local range, found = own.requires[name], holders(name, places, read)
      local what, hint
      if #found == 0 then what, hint = missing_problem(name, range, path, read)
      elseif not version.is_in(found[1].version, range) then what, hint = version_problem(name, range, found) end
      if what then
        problems[#problems + 1] = { file = place .. "/manifest.lua", what = ("%s %s %s"):format(own.name, own.version, what), hint = hint }
      else
        if not seen[found[1].folder] then notes[#notes + 1] = twice(name, found) end
        visit(found[1].folder)
      end
    end
  end
  visit(folder)
  return problems, notes
end

return manifest

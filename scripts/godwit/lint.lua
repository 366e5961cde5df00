-- godwit recipes --check: mistakes in recipes that one sees without running them.

local core = require "godwit.core"
local library = require "godwit.library"
local problem = require "godwit.problem"
local plural = require "godwit.plural"

local lint = {}

local LUACHECK = "luacheck --no-config --no-cache --no-color --std lua54 --read-globals gw --only 1 --formatter plain %s 2>/dev/null"

--- Undeclared globals, by luacheck where it is installed: false when it is not.
local function check_globals(file, add)
  local pipe = io.popen(LUACHECK:format("'" .. file:gsub("'", "'\\''") .. "'"))
  local text = pipe:read "a"
  local _, how, status = pipe:close()
  if how ~= "exit" or status >= 126 then return false end
  for line, what in text:gmatch "[^\n]*:(%d+):%d+: ([^\n]*)" do
    local name = what:match "variable '?([%w_]+)"
    if name then add(tonumber(line), "the global '%s' is not declared: a typing error, or `local` is missing", name) end
  end
  return true
end

--- A recipe's text with those of the modules that it requires from its own folder: they may use its parameters.
local function with_modules(source, folder, seen)
  local texts = { source }
  for name in source:gmatch "require%s*%(?%s*[\"']([%w_%-.]+)[\"']" do
    local text = not seen[name] and core.read_inside(folder, name:gsub("%.", "/") .. ".lua")
    seen[name] = true
    if text then texts[#texts + 1] = with_modules(text, folder, seen) end
  end
  return table.concat(texts, "\n")
end

--- What a recipe takes from elsewhere must be somewhere, and in one place. `call`: a pattern of what stands before a name;
--- `what`: "module".
local function check_references(source, folder, call, what, add)
  local seen = {}
  for name in source:gmatch(call .. "%s*%(?%s*[\"']([%w_%-.]+)[\"']") do
    local file = name:gsub("%.", "/")
    local own = core.read_inside(folder, file .. ".lua")
    local bundled = what == "recipe" and core.script_source("recipes." .. name)
    local found = not seen[name] and not own and library.places(file) or {}
    if not seen[name] and not own and not bundled and #found == 0 then
      add(nil, "it needs the %s '%s', which is neither in its folder nor on GODWIT_PATH", what, name)
    end
    if #found > 1 then add(nil, "the %s '%s' is in two folders of GODWIT_PATH: %s is used, %s is not", what, name, found[1], found[2]) end
    seen[name] = true
  end
end

--- A parameter is used as p.NAME or p["NAME"].
local function check_params(source, params, add)
  local names = {}
  for name in pairs(params) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local used = source:find("%." .. name .. "%f[^%w_]") or source:find("[\"']" .. name .. "[\"']")
    if not used then add(nil, "the parameter %s is declared and never used", name) end
    if not params[name].help then add(nil, "the parameter %s has no help", name) end
  end
end

local function check_description(source, description, add)
  local plain = not description.summary and not description.version and not next(description.params)
  if plain and #description.tests == 0 and not source:find("%f[%w_]run%f[^%w_]") then
    add(nil, "it is a function alone: a table around it (run = ...) can say what it does, and have tests")
    return
  end
  for _, field in ipairs { "summary", "version", "godwit" } do
    if not description[field] then add(nil, "it has no %s", field) end
  end
  if #description.tests == 0 then add(nil, "it has no tests") end
  check_params(source, description.params, add)
end

--- The findings of one file: a sequence of {line =, what =}; and whether globals were looked for.
local function check_file(entry)
  local found = {}
  local function add(line, what, ...) found[#found + 1] = { line = line, what = what:format(...) } end
  local source, chunk = library.source(entry)
  local globals = check_globals(entry.file, add)
  local folder = entry.folder or entry.file:match "^(.*)/[^/]*$" or "."
  local ok, sandbox, description = problem.try(library.load, source, chunk, { any = true, unchecked = true })
  if not ok then
    add(sandbox.line and tonumber(sandbox.line:match(":(%d+)$")), "%s", sandbox.what)
  elseif not description.module then
    check_description(with_modules(source, folder, {}), description, add)
    if entry.shadowed then add(nil, "it is never found by its name: %s comes first on GODWIT_PATH", entry.shadowed) end
  end
  if ok then
    local code = source:gsub("%-%-[^\n]*", "")
    check_references(code, folder, "%f[%w_.]require", "module", add)
    check_references(code, folder, "gw%.recipe", "recipe", add)
  end
  return found, globals
end

local function check_manifest(folder)
  local problems, notes, manifest = library.examine(folder)
  local findings = {}
  for _, found in ipairs(problems) do
    local elsewhere = found.file and found.file ~= folder .. "/manifest.lua" and found.file .. ": " or ""
    findings[#findings + 1] = { what = elsewhere .. found.what .. (found.hint and "; " .. found.hint or "") }
  end
  for _, note in ipairs(notes) do findings[#findings + 1] = { what = note } end
  if #findings == 0 and not manifest then
    findings[1] = { what = "there is no manifest: manifest.lua returns {name =, version =, godwit = \"1\"}" }
  end
  return findings
end

--- The Lua files of a folder; of a folder on GODWIT_PATH also which of them another one hides.
local function entries_of(folder)
  local hidden = {}
  for _, entry in ipairs(library.all()) do
    if entry.file then hidden[entry.file] = entry.shadowed end
  end
  local entries = library.files_of(folder)
  for _, entry in ipairs(entries) do entry.shadowed = hidden[entry.file] end
  return entries
end

function lint.run(path, json)
  local entries = {}
  if core.is_folder(path) then
    path = path:gsub("(.)/+$", "%1")
    entries = entries_of(path)
    if #entries == 0 then core.fail { class = "usage", file = path, what = "there is no Lua file in this folder" } end
  else
    entries[1] = { name = path:match("([^/]*)%.lua$") or path, file = path }
  end
  local files, count, globals = {}, 0, true
  for _, entry in ipairs(entries) do
    local found, looked = check_file(entry)
    globals = globals and looked
    files[#files + 1] = { file = entry.file, found = found }
  end
  if core.is_folder(path) then files[#files + 1] = { file = path .. "/manifest.lua", found = check_manifest(path) } end
  for _, file in ipairs(files) do count = count + #file.found end
  if json then
    local items = {}
    for _, file in ipairs(files) do
      for _, found in ipairs(file.found) do items[#items + 1] = core.object { { "file", file.file }, { "line", found.line }, { "what", found.what } } end
    end
    io.stdout:write(core.json(core.object { { "schema", 1 }, { "findings", items } }, 1), "\n")
    return count == 0 and 0 or 1
  end
  for _, file in ipairs(files) do
    for _, found in ipairs(file.found) do
      io.stdout:write(("%s%s: %s\n"):format(file.file, found.line and ":" .. found.line or "", core.printable(found.what)))
    end
  end
  if not globals then io.stdout:write("undeclared globals were not looked for: luacheck is not installed (Debian: lua-check)\n") end
  io.stdout:write(("%s · %s\n"):format(plural(#entries, "file"), count == 0 and "nothing found" or plural(count, "finding")))
  return count == 0 and 0 or 1
end

return lint

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
  local ok, sandbox, description = problem.try(library.load, source, chunk, { any = true })
  if not ok then
    add(sandbox.line and tonumber(sandbox.line:match(":(%d+)$")), "%s", sandbox.what)
  elseif not description.module then
    check_description(with_modules(source, entry.folder or entry.file:match "^(.*)/[^/]*$" or ".", {}), description, add)
  end
  return found, globals
end

local function check_manifest(folder)
  local ok, found = problem.try(library.manifest, folder)
  if not ok then return { { what = found.what } } end
  if not found then return { { what = "there is no manifest: manifest.lua returns {name =, version =, godwit = \"1\"}" } } end
  return {}
end

function lint.run(path, json)
  local entries = {}
  if core.is_folder(path) then
    path = path:gsub("(.)/+$", "%1")
    entries = library.files_of(path)
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

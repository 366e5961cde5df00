-- Turns Lua files into a C file of byte arrays (bindings/embed.h), sorted by module name, so that equal scripts give
-- equal bytes. Run by make, never embedded itself:
--
--   build/*/embed scripts/embed.lua OUT.c [MODULE=]FILE...
--
-- A module's name comes from its place: scripts/godwit/init.lua is "godwit", scripts/godwit/commands/run.lua is
-- "godwit.commands.run", scripts/recipes/x.lua is "recipes.x". MODULE= names files that live elsewhere.
--
-- Each script goes in as text and compiled: compiling at start costs more than all that `inspect` then does. Lines and
-- names of variables stay in, for messages. The program runs compiled code only on the very release of Lua that made it,
-- LUA_RELEASE of bindings/embed.c; a plain Lua does not know its release, and gives code that nobody runs.

local BYTES_PER_LINE = 24

local function module_name(path)
  local name = path:match("^scripts/(.+)%.lua$")
  if not name then error("no module name for " .. path .. " (write MODULE=FILE)", 0) end
  return (name:gsub("/init$", ""):gsub("/", "."))
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

local function collect(arguments)
  local scripts, seen = {}, {}
  for i = 2, #arguments do
    local name, path = arguments[i]:match("^([%w_.]+)=(.+)$")
    if not name then name, path = module_name(arguments[i]), arguments[i] end
    if seen[name] then error(name .. " is both " .. seen[name] .. " and " .. path, 0) end
    seen[name] = path
    local source = read(path)
    assert(load(source, "@" .. path, "t")) -- a syntax error stops the build, not the first user, and names the file
    scripts[#scripts + 1] = { name = name, data = source, code = string.dump(load(source, ("=[godwit %s]"):format(name), "t")) }
  end
  table.sort(scripts, function(a, b) return a.name < b.name end)
  return scripts
end

local function write_bytes(out, array, data)
  out:write("static const unsigned char ", array, "[] = {\n")
  for first = 1, #data, BYTES_PER_LINE do
    local last = math.min(first + BYTES_PER_LINE - 1, #data)
    out:write("  ", table.concat({ data:byte(first, last) }, ","), ",\n")
  end
  out:write("  0};\n\n") -- so that no array is empty; not counted
end

local function write_scripts(out, scripts)
  out:write('/* Made by scripts/embed.lua. */\n#include "embed.h"\n\n')
  for i, script in ipairs(scripts) do
    write_bytes(out, "script_" .. i, script.data)
    write_bytes(out, "code_" .. i, script.code)
  end
  out:write("const struct gwl_script gwl_scripts[] = {\n")
  for i, script in ipairs(scripts) do
    out:write(('  {"%s", script_%d, %d, code_%d, %d},\n'):format(script.name, i, #script.data, i, #script.code))
  end
  out:write("  {0, 0, 0, 0, 0}};\n\nconst size_t gwl_script_count = ", #scripts, ";\n")
  out:write(("\nconst char gwl_lua_release[] = %q;\n"):format(LUA_RELEASE or ""))
end

local scripts = collect(arg)
local out <close> = assert(io.open(arg[1], "wb"))
write_scripts(out, scripts)

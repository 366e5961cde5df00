-- Who may include what, and what core may not call (`make lint`): the rules of the folders' README.md, checked in the
-- text of core/ and bindings/. Prints each violation; the last line is "N passed, N failed", a rule each.

local MODULES = { "base", "file", "table", "tensor", "expr", "bundle", "graph", "draft", "plan", "run" }
local LEVEL = {}
for level, name in ipairs(MODULES) do LEVEL[name] = level end

-- Core neither prints nor ends the process; messages travel in gw_error.
local FORBIDDEN_CALLS = {
  "printf", "vprintf", "fprintf", "vfprintf", "puts", "fputs", "putchar", "putc", "fputc", "perror", "psignal", "dprintf",
  "exit", "_exit", "_Exit", "quick_exit", "abort", "atexit", "system", "popen", "longjmp", "setjmp", "setlocale",
}
-- What bindings may include: the public header, Lua, JSON, each other, and headers of the C library and the system.
local BINDINGS_INCLUDES = { ["../core/godwit.h"] = true, ["godwit.h"] = true, ["jansson.h"] = true, ["sha2.h"] = true }
local FOREIGN = { -- libraries whose headers belong to core alone
  ["snappy-c.h"] = true, ["pcre2.h"] = true, ["isa-l.h"] = true, ["isa-l/crc.h"] = true,
  ["protobuf-c/protobuf-c.h"] = true,
}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function files(pattern)
  local list = {}
  local pipe = assert(io.popen("ls -1 " .. pattern .. " 2>/dev/null"))
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

-- The text without comments and the contents of literals, its lines kept. Walks once, so that quotes in comments and
-- comment marks in quotes are what they are.
local function code_of(text)
  local out, at = {}, 1
  local function blank(from, to)
    out[#out + 1] = text:sub(from, to):gsub("[^\n]", " ")
    at = to + 1
  end
  while at <= #text do
    local from = text:find("[/\"']", at)
    if not from then break end
    out[#out + 1] = text:sub(at, from - 1)
    at = from
    local two, one = text:sub(from, from + 1), text:sub(from, from)
    if two == "/*" then
      blank(from, select(2, text:find("*/", from + 2, true)) or #text)
    elseif two == "//" then
      blank(from, (text:find("\n", from, true) or #text + 1) - 1)
    elseif one == "/" then
      out[#out + 1], at = one, from + 1
    else
      local stop = from + 1
      while stop <= #text and text:sub(stop, stop) ~= one do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      blank(from, math.min(stop, #text))
    end
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

local function lines_of(text)
  local number, rest = 0, text:gmatch("([^\n]*)\n?")
  return function()
    local line = rest()
    number = number + 1
    if line then return number, line end
  end
end

local function includes_of(path)
  local list = {}
  for number, line in lines_of(read(path)) do
    local name = line:match('^%s*#%s*include%s*[<"]([^>"]+)[>"]')
    if name then list[#list + 1] = { name = name, line = number, quoted = line:find('"') ~= nil } end
  end
  return list
end

local passed, failed = 0, 0
local problems
local function report(path, line, text) problems[#problems + 1] = ("%s:%d: %s"):format(path, line, text) end

local function rule(name, check)
  problems = {}
  check()
  if #problems == 0 then passed = passed + 1 return end
  failed = failed + 1
  print("broken rule: " .. name)
  for _, problem in ipairs(problems) do print("  " .. problem) end
end

local core, bindings = files("core/*/*.[ch] core/*.h"), files("bindings/*.[ch]")

local function each_include(paths, visit)
  for _, path in ipairs(paths) do
    for _, include in ipairs(includes_of(path)) do visit(path, include) end
  end
end

rule("core knows no Lua", function()
  each_include(core, function(path, include)
    if include.name:match("^lua") or include.name == "lauxlib.h" then report(path, include.line, include.name) end
  end)
end)

rule("a core module uses only those on its left: " .. table.concat(MODULES, " < "), function()
  each_include(core, function(path, include)
    local module = path:match("^core/(%w+)/")
    local other = include.name:match("^%.%./(%w+)/") or include.name:match("^core/(%w+)/")
    if module and not LEVEL[module] then
      report(path, include.line, "an unknown module: " .. module)
    elseif include.quoted and include.name:find("/", 1, true) and not other and include.name ~= "../godwit.h" then
      report(path, include.line, "neither a module of core nor godwit.h: " .. include.name)
    elseif other and (not LEVEL[other] or LEVEL[other] >= LEVEL[module]) then
      report(path, include.line, module .. " may not use " .. include.name)
    end
  end)
end)

rule("only files that end in _pb.c see generated messages and protobuf-c", function()
  for _, paths in ipairs { core, bindings } do
    each_include(paths, function(path, include)
      local generated = include.name:match("%.pb%-c%.h$")
      -- A header that is called pb_... is written for those files.
      local library = include.name:match("^protobuf%-c/") or include.name:match("%f[%w]pb_%w+%.h$")
      local allowed = path:match("_pb%.c$") or library and path:match("/pb_%w+%.[ch]$")
      if (generated or library) and not allowed then report(path, include.line, include.name) end
    end)
  end
end)

rule("core does not print, and does not end the process", function()
  for _, path in ipairs(core) do
    for number, line in lines_of(code_of(read(path))) do
      for _, name in ipairs(FORBIDDEN_CALLS) do
        if line:find("%f[%w_]" .. name .. "%s*%(") then report(path, number, name) end
      end
      if line:find("%f[%w_]stdout%f[^%w_]") or line:find("%f[%w_]stderr%f[^%w_]") then report(path, number, "a standard stream") end
    end
  end
end)

rule("bindings include godwit.h, Lua, JSON and each other", function()
  each_include(bindings, function(path, include)
    local name = include.name
    local own = include.quoted and not name:find("/", 1, true)
    if name:match("^%.%./") and not BINDINGS_INCLUDES[name] or FOREIGN[name] or name:match("^core/") then
      report(path, include.line, name)
    elseif include.quoted and not own and not BINDINGS_INCLUDES[name] then
      report(path, include.line, name)
    end
  end)
end)

rule("no module is called util", function()
  for _, path in ipairs(files("core/*/*.[ch] bindings/*.[ch] scripts/*.lua scripts/*/*.lua scripts/*/*/*.lua")) do
    if path:match("[/_]utils?[._]") then report(path, 1, "say what it is for") end
  end
end)

rule("scripts require downwards: commands, then the API, then godwit.core", function()
  for _, path in ipairs(files("scripts/godwit/*.lua")) do
    for number, line in lines_of(read(path)) do
      local name = line:match("require%s*%(?%s*[\"']([%w_.]+)[\"']")
      local entry = path:match("/cli%.lua$") or path:match("/main%.lua$") -- the program's own, above the commands
      if name and name:match("^godwit%.commands") and not entry then report(path, number, name) end
    end
  end
end)

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0, true)

-- Recipes that try to get out, to stay for ever, or to take everything. Each ends with exit code 3 and a message, within
-- its limits, and nothing outside of it has changed.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local slow = (os.getenv "SANITIZE" or "") ~= ""
local LIMITS = ("--max-steps 3000000 --max-recipe-memory 48M --max-recipe-time %s"):format(slow and "20" or "0.7")

local folder
local function fresh_folder()
  folder = scratch.folder()
  gw.variables({ a = gw.scalar(1), b = gw.tensor { 1, 2, 3 } }):save(folder .. "/in")
  scratch.write(folder .. "/canary", "alive")
  os.execute(("mkdir '%s/recipes' && ln -s /etc/passwd '%s/recipes/link.lua'"):format(folder, folder))
  scratch.write(folder .. "/outside.lua", "return 1")
  scratch.write(folder .. "/recipes/itself.lua", "return require 'itself'")
  scratch.write(folder .. "/recipes/bytecode.lua", string.dump(function() end))
end

local function listing()
  local pipe <close> = assert(io.popen(("cd '%s' && find . -not -name r.lua | sort && cat canary in.index | cksum"):format(folder)))
  return pipe:read "a"
end

local function run(source, more)
  scratch.write(folder .. "/recipes/r.lua", source)
  return program.shell(("exec %s run recipes/r.lua in -o out %s %s </dev/null"):format(program.quoted(program.PATH), LIMITS, more or ""), folder)
end

-- { what it tries, its text, what the message says }. A text without `return function` is the body of the recipe.
local STEPS, TIME, MEMORY = "took more than 3,000,000 steps", "computed for more than", "needs more memory than a recipe may take (48M)"
local HOSTILE = {
  -- files
  { "opens a file", "io.open('canary', 'w')", "there is no io in recipes" },
  { "reads lines", "for line in io.lines '/etc/passwd' do print(line) end", "there is no io in recipes" },
  { "removes a file", "os.remove 'canary'", "there is no os in recipes" },
  { "renames a file", "os.rename('canary', 'gone')", "there is no os in recipes" },
  { "runs another file", "dofile '/etc/passwd'", "there is no dofile in recipes" },
  { "loads another file", "loadfile 'outside.lua'", "there is no loadfile in recipes" },
  { "opens a checkpoint", "gw.open 'in'", "attempt to call a nil value (field 'open')" },
  { "saves by itself", "ckpt:save 'elsewhere'", "there is no save in recipes" },
  { "reaches for the core", "gw.core.open 'in'", "field 'core'" },
  -- processes and the machine
  { "runs a program", "os.execute 'rm canary'", "there is no os in recipes" },
  { "opens a pipe", "io.popen 'rm canary'", "there is no io in recipes" },
  { "leaves", "os.exit(0)", "there is no os in recipes" },
  { "reads the environment", "os.getenv 'HOME'", "there is no os in recipes" },
  { "asks the clock", "os.time()", "there is no os in recipes" },
  { "steers the collector", "collectgarbage 'stop'", "there is no collectgarbage in recipes" },
  -- other code
  { "is bytecode", string.dump(function() end), "this is Lua bytecode, and a recipe is text" },
  { "loads text", "load 'x = 1'", "there is no load in recipes" },
  { "loads bytecode", "load('\\27Lua')", "there is no load in recipes" },
  { "dumps a function", "string.dump(print)", "attempt to call a nil value (field 'dump')" },
  { "dumps through a string", "(''):dump()", "attempt to call a nil value (method 'dump')" },
  { "goes through package", "package.loadlib('libc.so.6', 'system')", "there is no package in recipes" },
  { "goes through debug", "debug.getregistry()", "there is no debug in recipes" },
  { "sets a hook", "debug.sethook()", "there is no debug in recipes" },
  { "exchanges _ENV", "local _ENV = {} print 'x'", "attempt to call a nil value (global 'print')" },
  { "looks for globals behind globals", "local g = getmetatable(_G) or _G._G g.io.open 'x'", "field 'io'" },
  -- require and gw.recipe
  { "requires the folder above", "require '../outside'", "require takes a module's name" },
  { "requires the folder above by dots", "require '...outside'", "require takes a module's name" },
  { "requires an absolute path", "require '/etc/passwd'", "require takes a module's name" },
  { "requires a link out of the folder", "require 'link'", "recipes/link.lua: leads out of its folder" },
  { "requires bytecode", "require 'bytecode'", "attempt to load a binary chunk" },
  { "requires what requires itself", "require 'itself'", "the module 'itself' requires itself" },
  { "requires nothing", "require(nil)", "require takes a module's name like \"names\" or \"team.names\", not nil" },
  { "requires a name with a NUL", "require 'a\\0b'", "require takes a module's name" },
  { "calls a recipe from above", "gw.recipe '../outside'", "gw.recipe takes a recipe's name" },
  { "calls itself for ever", "return gw.recipe 'r'(ckpt)", "" },
  -- metatables
  { "changes the methods of strings", "getmetatable('').__index = {}", "" },
  { "gives strings a metatable", "setmetatable('', {})", "table expected" },
  { "opens a checkpoint's metatable", "getmetatable(ckpt).__index = nil", "" },
  { "changes a shape's metatable", "setmetatable(ckpt.vars.a.shape, {})", "" },
  { "has a finalizer", "setmetatable({}, { __gc = function() while true do end end })", "cannot have __gc" },
  { "adds a finalizer afterwards",
    "local m = {} for _ = 1, 1000 do setmetatable({}, m) end m.__gc = function() while true do end end while true do local _ = {} end", STEPS },
  { "chases its own index", "local t = {} setmetatable(t, { __index = t, __newindex = t }) return t.x", "" },
  -- loops
  { "loops", "while true do end", STEPS },
  { "loops while it is loaded", "while true do end return function() end", STEPS },
  { "loops by goto", "::again:: goto again", STEPS },
  { "loops by tail calls", "local function f() return f() end f()", STEPS },
  { "loops in a rename", "ckpt:rename(function() while true do end end)", STEPS },
  { "loops in a map", "ckpt:map('a', function() while true do end end)", STEPS },
  { "loops in a comparison", "table.sort({ 1, 2, 3 }, function() while true do end end)", STEPS },
  { "loops in a metamethod", "return setmetatable({}, { __add = function() while true do end end }) + 1", STEPS },
  { "loops in an iterator", "for _ in function() return 1 end do end", STEPS },
  { "loops in __close", "do local _ <close> = setmetatable({}, { __close = function() while true do end end }) end", STEPS },
  { "loops in __close after a limit", "local _ <close> = setmetatable({}, { __close = function() while true do end end }) while true do end", STEPS },
  { "loops in its error's text", "error(setmetatable({}, { __tostring = function() while true do end end }))", "" },
  -- pcall
  { "catches its errors for ever", "while true do pcall(error, 'x') end", STEPS },
  { "catches the limit", "while true do pcall(function() while true do end end) end", STEPS },
  { "catches the limit, and works on", "pcall(function() while true do end end) ckpt:rename { a = 'c' }", STEPS },
  { "handles the limit for ever", "xpcall(function() while true do end end, function() while true do end end)", STEPS },
  { "catches the lack of memory", "while true do pcall(string.rep, 'x', 1 << 30) end", STEPS },
  { "catches the lack of memory, and keeps all", "local all = {} while true do pcall(function() all[#all + 1] = ('x'):rep(1 << 20) .. #all end) end", "" },
  { "nests pcall", "local function f() return pcall(f) end f() error 'deep'", "deep" },
  { "nests xpcall in its handler", "local function f() return xpcall(error, f) end while true do f() end", "" },
  -- coroutines
  { "loops in a coroutine", "coroutine.wrap(function() while true do end end)()", STEPS },
  { "catches the limit in coroutines", "while true do pcall(coroutine.wrap(function() while true do end end)) end", STEPS },
  { "spreads its steps over coroutines", "while true do coroutine.wrap(function() for _ = 1, 900 do end end)() end", STEPS },
  { "makes coroutines for ever", "local all = {} while true do all[#all + 1] = coroutine.create(print) end", "" },
  { "resumes itself deeper and deeper", "local function f() return coroutine.wrap(f)() end f()", "" },
  { "closes a coroutine that does not end", [[
    local co = coroutine.create(function() local _ <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield() end)
    coroutine.resume(co) coroutine.close(co)]], STEPS },
  { "ends a coroutine by the limit with __close in it", [[
    coroutine.wrap(function() local _ <close> = setmetatable({}, { __close = function() while true do end end }) while true do end end)()]], STEPS },
  { "closes a coroutine that the limit has ended", [[
    local ended = coroutine.create(function() local _ <close> = setmetatable({}, { __close = function() while true do end end }) while true do end end)
    coroutine.wrap(function() coroutine.resume(ended) coroutine.close(ended) end)()]], STEPS },
  { "yields to nobody", "coroutine.yield()", "attempt to yield from outside a coroutine" },
  { "returns from the middle", "coroutine.wrap(function() ckpt:rename(function() coroutine.yield() end) end)() error 'left'", "left" },
  -- loops inside of C
  { "matches a pattern that never ends", "(('a'):rep(3000)):find(('.-'):rep(12) .. 'b')", TIME },
  { "catches what never ends", "while true do pcall(string.find, ('a'):rep(3000), ('.-'):rep(12) .. 'b') end", TIME },
  { "moves a table that never ends", "table.move(setmetatable({}, { __index = function() return 1 end, __newindex = rawlen }), 1, 1 << 50, 2)", "" },
  { "moves nothing for ever", "table.move({}, 1, 1 << 50, 2, setmetatable({}, { __newindex = math.abs and {} }))", "" },
  { "concatenates what does not end", "table.concat(setmetatable({}, { __index = function() return '' end }), '', 1, 1 << 50)", "" },
  { "matches an expression that never ends", "gw.match(('a'):rep(100) .. '!', [[^(a+)+$]])", "match limit exceeded" },
  { "renames by one that never ends", "ckpt.vars[('a'):rep(100) .. '!'] = gw.scalar(1) ckpt:rename([[(a|aa)+$]], 'x')", "match limit exceeded" },
  { "compiles a huge expression", "gw.match('a', ('(a{1,1000}'):rep(5) .. (')'):rep(5) .. '{1000}')", "" },
  { "compiles expressions for ever", "local i = 0 while true do i = i + 1 gw.match('a', ('(%d)?'):rep(200):format(table.unpack({}, 1, 0)) .. i) end", "" },
  -- memory
  { "repeats a text", "return ('x'):rep(1 << 29)", MEMORY },
  { "doubles a text", "local s = 'x' while true do s = s .. s end", MEMORY },
  { "doubles by gsub", "local s = 'x' while true do s = s:gsub('x', 'xx') end", "" },
  { "fills a table", "local t = {} while true do t[#t + 1] = #t end", "" },
  { "fills a table with texts", "local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end", MEMORY },
  { "joins a large table", "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1 << 18) end return table.concat(t, t[1])", MEMORY },
  { "keeps its memory when it ends", "big = {} for i = 1, 1 << 20 do big[i] = ('x'):rep(100) .. i end", "" },
  { "unpacks too much", "return table.unpack({}, 1, 1e8)", "too many results to unpack" },
  { "packs too much", "return string.pack('s' , ('x'):rep(1 << 25)) .. string.pack('s' , ('x'):rep(1 << 25))", MEMORY },
  { "formats too wide", "return ('%1000d'):format(1)", "invalid conversion" },
  { "adds variables for ever", "local i = 0 while true do i = i + 1 ckpt.vars[('v'):rep(2000) .. i] = gw.scalar(1) end", "" },
  { "copies the checkpoint for ever", "local all = {} while true do all[#all + 1] = ckpt:copy() end", "" },
  { "keeps tensors for ever", "local all = {} while true do all[#all + 1] = gw.full({ 100 }, #all) end", "" },
  { "makes a tensor of a large list", "local t = {} for i = 1, 1 << 19 do t[i] = 1 end local all = {} while true do all[#all + 1] = gw.tensor(t) end", "" },
  -- core's own work
  { "looks at a huge tensor", "return gw.full({ 1 << 30 }, 0):value { limit = 1 << 40 }", "" },
  { "sums up a tensor that never ends", "return gw.full({ 1 << 50 }, 0):stats()", STEPS },
  { "compares tensors that never end", "return gw.full({ 1 << 50 }, 0):equal(gw.full({ 1 << 50 }, 0))", STEPS },
  { "makes a shape that overflows", "return gw.full({ 1 << 40, 1 << 40 }, 0)", "" },
  { "makes an expression of a million terms", "local t = gw.scalar(1) for _ = 1, 100000 do t = t + 1 end return t:value()", "" },
  { "looks at everything again and again", "while true do ckpt:rename('a', 'a', { optional = true }) ckpt:has 'a' end", STEPS },
  { "builds objects without end", "local t = { a = gw.scalar(1) } while true do t = gw.objects({ t = t.root or t, u = t.root }) end", "" },
  { "builds objects too deep", "local t = gw.scalar(1) for _ = 1, 200000 do t = { t = t } end return gw.objects(t)", "" },
  -- depth
  { "recurses", "local function f() return 1 + f() end f()", "" },
  { "recurses through C", "local function f() return ('x'):gsub('x', f) end f()", "overflow" },
  { "recurses through tostring", "local t = setmetatable({}, { __tostring = function(t) return tostring(t) end }) tostring(t)", "overflow" },
  { "is nested too deep", "return " .. ("("):rep(100000) .. "1" .. (")"):rep(100000), "" },
  { "is nested too deep in tables", "return " .. ("{"):rep(100000) .. ("}"):rep(100000), "" },
  { "has too many variables", ("local a = 1 "):rep(300), "too many local variables" },
  -- what it returns, and its errors
  { "returns a function", "return function() end", "a recipe returns nothing, a checkpoint, or a table" },
  { "returns itself", "local t = {} t.t = t return t", "not a checkpoint" },
  { "returns outputs with paths", "return { ['../out'] = ckpt }", "an output's name is a word" },
  { "raises nothing", "error(nil)", "an error that is nil, not a text" },
  { "raises a table", "error({})", "an error that is a table, not a text" },
  { "raises an error of godwit's", "error({ class = 'internal', what = 'a bug', trace = 'trace' })", "an error that is a table, not a text" },
  { "raises an error that answers", "error(setmetatable({}, { __metatable = 'godwit.Error', __index = function() while true do end end }))", "" },
  { "raises one that is a tree of a million million texts", [[
    local _, problem = pcall(ckpt.drop, ckpt, 'nothing')
    problem.key = 'x' for _ = 1, 40 do problem.key = { problem.key, problem.key } end error(problem)]], "" },
  { "raises Ctrl-C", "error(setmetatable({ class = 'interrupted', what = 'stop' }, { __metatable = 'godwit.Error' }))", "stop" },
  { "raises one without a class or a text", "error(setmetatable({ class = 'none' }, { __metatable = 'godwit.Error' }))", "an error object" },
  { "raises one whose text fails", "error(setmetatable({}, { __tostring = function() error 'again' end }))", "" },
  { "raises a long text", "error(('x'):rep(1 << 20))", "xxx" },
  { "raises control bytes", "error('\\27[2J\\0\\7')", "\\x1b[2J\\x00\\x07" },
  -- poison
  { "poisons the libraries", [[
    string.format, table.insert, table.concat, table.sort, tostring, type, pairs, ipairs, error, select, next, setmetatable = nil
    math, string, table = nil, nil, nil
    for name in next or function() end, _G do _G[name] = nil end
    ckpt:drop 'nothing' ]], "" },
  { "poisons gw", "for name in pairs(gw) do gw[name] = nil end for name in pairs(_G) do _G[name] = nil end ckpt:drop 'nothing'", "" },
  { "poisons gw.graph", "gw.graph.rename = nil gw.graph.rename(ckpt.root, 'a', 'b')", "" },
}

-- That one hands a signal over only when the program calls the C library, which such loops never do.
if os.getenv "SANITIZE" == "thread" then
  describe("a recipe that", function() pending "the thread sanitizer holds signals back" end)
  return
end

describe("a recipe that", function()
  setup(fresh_folder)

  for _, case in ipairs(HOSTILE) do
    local what, text, message = case[1], case[2], case[3]
    it(what, function()
      local before = listing()
      local source = text
      local whole = text:find("^\27Lua") or what:find("while it is loaded", 1, true)
      if not whole then source = "return function(ckpt)\n" .. text .. "\nend" end
      local started = os.time()
      local out, err, status = run(source)
      assert.equal(3, status, err)
      assert.equal("", out)
      assert.matches("^godwit: [^\n]", err)
      assert.matches(message, err, 1, true)
      assert.equal(before, listing())
      assert.is_true(os.time() - started <= (slow and 100 or 30), "it took too long")
    end)
  end

  it("hits a limit hears which, and by which flag it is raised", function()
    local _, err = run "return function()\n  while true do end\nend"
    assert.equal("godwit: recipes/r.lua:2: the recipe took more than 3,000,000 steps\n"
      .. "  a loop that never ends? --max-steps N allows more\n", err)
    _, err = run "return function()\n  return ('x'):rep(1 << 29)\nend"
    assert.equal("godwit: recipes/r.lua: the recipe needs more memory than a recipe may take (48M)\n"
      .. "  --max-recipe-memory SIZE allows more\n", err)
  end)

  it("stays below its limits is not held up", function()
    local _, err, status = run("return function(ckpt) for _ = 1, 1000 do pcall(coroutine.wrap(function() end)) end ckpt:rename { a = 'c' } end",
      "--force")
    assert.equal(0, status, err)
    for _, file in ipairs { "out.index", "out.data-00000-of-00001" } do os.remove(folder .. "/" .. file) end
  end)

  it("says in JSON, too, that its time was over", function()
    local out, _, status = run("return function() (('a'):rep(3000)):find(('.-'):rep(12) .. 'b') end", "--json")
    assert.equal(3, status)
    local found = require "spec.support.json".parse(out)
    assert.equal("limit", found.error.class)
    assert.matches("max%-recipe%-time", found.error.hint)
  end)

  it("says so of a file with a long path, too", function()
    local deep = ("/" .. ("d"):rep(200)):rep(10)
    os.execute(("mkdir -p '%s%s'"):format(folder, deep))
    scratch.write(folder .. deep .. "/r.lua", "return function() (('a'):rep(3000)):find(('.-'):rep(12) .. 'b') end")
    local out, _, status = program.shell(("exec %s run .%s/r.lua in -o out --json %s"):format(program.quoted(program.PATH), deep, LIMITS), folder)
    assert.equal(3, status)
    assert.equal("." .. deep .. "/r.lua", require "spec.support.json".parse(out).error.file)
    os.execute(("rm -r '%s/%s'"):format(folder, ("d"):rep(200)))
  end)
end)

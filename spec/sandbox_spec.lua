-- What a recipe finds in its own Lua, and what it does not: an allow list, text chunks only, a state for each run.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local made = scratch.folder() .. "/in"
gw.variables({ a = gw.scalar(1) }):save(made)

local folder
before_each(function()
  folder = scratch.folder()
  scratch.copy(made, folder .. "/in")
end)

local function run(source, more)
  scratch.write(folder .. "/r.lua", source)
  return program.shell(("%s run r.lua in -o out --force %s"):format(program.quoted(program.PATH), more or ""), folder)
end

local function printed(source)
  local _, err, status = run(source)
  assert.equal(0, status, err)
  return err
end

-- Everything a recipe has beside `gw`. A name that is added here has a reason in bindings/sandbox.c.
local GLOBALS = [[
_G _VERSION assert coroutine.close coroutine.create coroutine.isyieldable coroutine.resume coroutine.running
coroutine.status coroutine.wrap coroutine.yield error getmetatable ipairs math.abs math.acos math.asin math.atan math.ceil
math.cos math.exp math.floor math.fmod math.huge math.log math.max math.maxinteger math.min math.mininteger math.modf
math.pi math.random math.sin math.sqrt math.tan math.tointeger math.type math.ult next pairs pcall print rawequal rawget
rawlen rawset require select setmetatable string.byte string.char string.find string.format string.gmatch string.gsub string.len
string.lower string.match string.pack string.packsize string.rep string.reverse string.sub string.unpack string.upper
table.concat table.insert table.move table.pack table.remove table.sort table.unpack tonumber tostring type utf8.char
utf8.charpattern utf8.codepoint utf8.codes utf8.len utf8.offset xpcall]]

describe("a recipe's globals", function()
  it("are these and no others", function()
    local found = printed [[
      local names = {}
      for name, value in pairs(_G) do
        if name == "gw" then -- listed below
        elseif type(value) == "table" and name ~= "_G" then
          for field in pairs(value) do names[#names + 1] = name .. "." .. field end
        else
          names[#names + 1] = name
        end
      end
      table.sort(names)
      print(table.concat(names, " "))
      return function() end]]
    assert.equal((GLOBALS:gsub("\n", " ")), (found:gsub("\n$", "")))
  end)

  for _, name in ipairs { "io", "os", "load", "loadstring", "loadfile", "dofile", "package", "debug", "collectgarbage", "warn",
    "string.dump", "math.randomseed", "gw.open", "gw.core" } do
    it(("have no %s"):format(name), function()
      assert.equal("nil\n", printed(("print(%s) return function() end"):format(name)))
    end)
  end

  it("have no way to dump or load code through a string's methods", function()
    assert.equal("nil nil\n", printed [[print(("").dump, ("").load) return function() end]]:gsub("\t", " "))
  end)

  it("hold the drafts without save", function()
    local _, err, status = run "return function(ckpt)\n  ckpt:save('elsewhere')\nend"
    assert.equal(3, status)
    assert.equal("godwit: r.lua:2: there is no save in recipes: a recipe writes nothing itself, it says what to write\n"
      .. "  return the checkpoint, and give its path by -o\n", err)
    assert.is_false(scratch.exists(folder .. "/elsewhere.index"))
  end)

  it("that are missing fail at the recipe's line, with the reason", function()
    local _, err, status = run "return function()\n  local f = io.open('x')\nend"
    assert.same({ "godwit: r.lua:2: there is no io in recipes: a recipe opens no files itself\n"
      .. "  a parameter of type file gives it one: -p NAME=@FILE\n", 3 }, { err, status })
    for source, reason in pairs {
      ["local clock = os.time"] = "there is no os in recipes: a recipe sees no clock, no environment and no other program",
      ["local os = os return function() os.exit() end"] = "there is no os in recipes",
      ["load('x')"] = "there is no load in recipes: a recipe runs no code but its own text",
      ["debug.getinfo(1)"] = "there is no debug in recipes: a recipe does not reach out of its own state",
    } do
      _, err, status = run(source)
      assert.equal(3, status)
      assert.matches("godwit: r.lua:1: " .. reason, err, 1, true)
    end
  end)

  it("that nobody has are what Lua says of them", function()
    local _, err = run "return function()\n  chkpt:drop 'a'\nend"
    assert.equal("godwit: r.lua:2: attempt to index a nil value (global 'chkpt')\n", err)
  end)
end)

describe("pairs in a recipe", function()
  it("goes in the order of keys, whatever they are", function()
    local source = [[
      local t = { 7, 8, [10] = 1, [2.5] = 2, b = 3, a = 4, [true] = 5, [false] = 6, [print] = 7 }
      local parts = {}
      for key, value in pairs(t) do parts[#parts + 1] = (type(key) == "function" and "print" or tostring(key)) .. "=" .. value end
      print(table.concat(parts, " ")) return function() end]]
    assert.equal("1=7 2=8 2.5=2 10=1 a=4 b=3 false=6 true=5 print=7\n", printed(source))
  end)

  it("skips what the loop has removed, and takes what it has changed", function()
    assert.equal("a1 c9\n", printed [[
      local t, parts = { a = 1, b = 2, c = 3 }, {}
      for key, value in pairs(t) do t.b, t.c, t.d = nil, 9, 4 parts[#parts + 1] = key .. value end
      print(table.concat(parts, " ")) return function() end]])
  end)

  it("leaves __pairs and its own errors as they are", function()
    assert.equal("1 2\n", printed [[
      for a, b in pairs(setmetatable({}, { __pairs = function() return function(_, last) if not last then return 1, 2 end end end })) do print(a, b) end
      return function() end]]:gsub("\t", " "))
    local _, err, status = run "return function()\n  for _ in pairs(nil) do end\nend"
    assert.equal(3, status)
    assert.matches("^godwit: r.lua:2: bad argument #1 to 'pairs' %(a table expected, got nil%)", err)
  end)
end)

describe("require in a recipe", function()
  it("loads a module of the recipe's own folder once, with the recipe's globals", function()
    scratch.write(folder .. "/names.lua", "print 'loaded' return { rules = { a = 'b' }, gw = gw }")
    assert.equal("loaded\ntrue\n", printed [[
      local names = require "names"
      print(names == require "names" and names.gw == gw)
      return function(ckpt) ckpt:rename(names.rules) end]])
  end)

  it("looks in folders below, and in those of GODWIT_PATH", function()
    os.execute(("mkdir -p '%s/team/bert' '%s/shared'"):format(folder, folder))
    scratch.write(folder .. "/team/bert/names.lua", "return 'below'")
    scratch.write(folder .. "/shared/common.lua", "return 'shared'")
    scratch.write(folder .. "/r.lua", "print(require 'team.bert.names', require 'common') return function() end")
    local _, err, status = program.shell(("GODWIT_PATH=%s/shared %s run r.lua in -o out"):format(program.quoted(folder), program.quoted(program.PATH)),
      folder)
    assert.same({ "below\tshared\n", 0 }, { err, status })
  end)

  it("says where it looked", function()
    local _, err, status = run "return function() end, require 'nothing'"
    assert.same({ 3, "godwit: r.lua:1: there is no module 'nothing': there is no ./nothing.lua\n"
      .. "  modules lie in the recipe's own folder and in those of GODWIT_PATH\n" }, { status, err })
  end)

  it("shows a module's own mistakes at the module's line", function()
    scratch.write(folder .. "/broken.lua", "local x\nreturn x.y")
    local _, err = run "require 'broken' return function() end"
    assert.matches("^godwit: %./broken.lua:2: attempt to index a nil value", err)
  end)
end)

describe("gw.recipe", function()
  it("calls a recipe that comes with godwit, with its defaults", function()
    local _, err, status = run [[return function(ckpt) gw.recipe "rename_scope"(ckpt, { from = "/", to = "new/" }) end]]
    assert.equal(0, status, err)
    assert.is_true(gw.open(folder .. "/out"):has "new/a")
  end)

  it("calls one of the same folder, whose globals are its own", function()
    scratch.write(folder .. "/other.lua", "gw.scalar, leaked = nil, 1 return function(ckpt) ckpt:rename { a = 'b' } end")
    local _, err, status = run [[return function(ckpt)
      local result = gw.recipe "other"(ckpt)
      print(leaked, gw.scalar ~= nil, result == ckpt or #result)
    end]]
    assert.equal(0, status, err)
    assert.matches("^nil\ttrue\t", err)
    assert.is_true(gw.open(folder .. "/out"):has "b")
  end)

  it("checks parameters as the command line does", function()
    for call, message in pairs {
      ["gw.recipe 'rename_scope'(ckpt, { from = '/' })"] = "recipe rename_scope: parameter 'to' is missing",
      ["gw.recipe 'rename_scope'(ckpt, { fro = '/' })"] = "recipe rename_scope: there is no parameter 'fro'",
      ["gw.recipe 'rename_scope'(ckpt, { from = 1, to = 'x' })"] = "recipe rename_scope: parameter from is of type string, and cannot be a number",
      ["gw.recipe 'rename_scop'"] = "there is no recipe 'rename_scop'",
    } do
      local _, err, status = run("return function(ckpt)\n  local _ = " .. call .. "\nend")
      assert.equal(3, status)
      assert.matches("godwit: r.lua:2: " .. message, err, 1, true)
    end
  end)

  it("in a Lua program runs the recipe in its sandbox, a file's too", function()
    scratch.write(folder .. "/other.lua", "return function(ckpt) ckpt:rename { a = 'b' } assert(io == nil and gw.open == nil) end")
    local ckpt = gw.open(folder .. "/in")
    assert.is_true(gw.recipe(folder .. "/other.lua")(ckpt):has "b")
    assert.is_true(gw.recipe "rename_scope"(ckpt, { from = "/", to = "x/" }):has "x/b")
    assert.has_error(function() gw.recipe "rename_scope"(ckpt, { fro = "/" }) end)
  end)

  it("hands other checkpoints over by position or by name", function()
    scratch.write(folder .. "/two.lua", [[return { inputs = { "base", "donor" },
      run = function(base, p, inputs) base.vars.b = inputs.donor.vars.a base.vars.c = inputs[2].vars.a end }]])
    for _, given in ipairs { "{ ckpt, ckpt:copy() }", "{ donor = ckpt:copy() }" } do
      local _, err, status = run(("return function(ckpt) return gw.recipe 'two'(ckpt, {}, %s) end"):format(given))
      assert.equal(0, status, err)
      assert.is_true(gw.open(folder .. "/out"):has "c")
    end
    local _, err = run "return function(ckpt)\n  local _ = gw.recipe 'two'(ckpt)\nend"
    assert.matches("r.lua:2: the recipe two takes the inputs base, donor: donor is missing", err, 1, true)
  end)
end)

describe("a recipe", function()
  it("of bytecode is refused", function()
    local _, err, status = run(string.dump(function() end))
    assert.same({ "godwit: r.lua: this is Lua bytecode, and a recipe is text\n  give its source\n", 3 }, { err, status })
  end)

  it("may begin with a byte order mark or a #! line only where Lua's own loader takes them", function()
    local _, err, status = run "#!/usr/bin/env godwit\nreturn function() end"
    assert.equal(3, status)
    assert.matches("r.lua:1:", err, 1, true)
  end)

  it("prints to stderr: stdout belongs to results", function()
    local out, err = run "print('a', 1, nil) return function() print(gw.scalar(1.5)) end"
    assert.equal("a\t1\tnil\nfloat32[] 1.5\n", err)
    assert.matches("^out ", out)
  end)

  it("cannot see the values of a run before it, nor change godwit's own", function()
    local source = [[
      print(leaked, ("x").leaked, gw.leaked, string.leaked)
      leaked, gw.leaked, string.leaked = 1, 1, 1
      pcall(function() getmetatable("").__index.leaked = 1 end)
      gw.scalar = nil
      tostring, pairs, type, error = nil, nil, nil, nil
      return function(ckpt) ckpt:rename { a = "b" } end]]
    for _ = 1, 2 do
      assert.equal("nil\tnil\tnil\tnil\n", printed(source))
      assert.is_true(gw.open(folder .. "/out"):has "b")
    end
  end)

  it("draws the same random numbers every time", function()
    local source = "print(math.random(1000000), math.random()) return function() end"
    assert.equal(printed(source), printed(source))
  end)

  it("has coroutines as Lua has them", function()
    local text = printed [[
      local closed = {}
      local function closing(what) return setmetatable({}, { __close = function() closed[#closed + 1] = what end }) end
      local f = coroutine.wrap(function(...)
        local _ <close> = closing "failed"
        print(..., select("#", coroutine.yield(1, nil)))
        error { code = 7 }
      end)
      print(select("#", f "a"))
      print(select(2, pcall(f, nil, nil)).code, closed[1])
      print(select(2, pcall(f)))
      print(select(2, pcall(coroutine.wrap(function() local _ <close> = setmetatable({}, { __close = function() error("last", 0) end }) error "first" end))))
      print(pcall(coroutine.wrap, 1))
      local co = coroutine.create(function() local _ <close> = closing "closed" coroutine.yield() end)
      coroutine.resume(co)
      print(coroutine.close(co), coroutine.status(co), closed[2])
      return function() end]]
    assert.equal("2\na\t2\n7\tfailed\ncannot resume dead coroutine\nlast\nfalse\tbad argument #1 to '?' (function expected, got number)\n"
      .. "true\tdead\tclosed\n", text)
  end)

  it("ends as any program where the shell limits its time", function()
    scratch.write(folder .. "/r.lua", "while true do end")
    local _, err, status = program.shell(("ulimit -S -t 1; exec %s run r.lua in -o out --max-steps 1000000000000000"):format(
      program.quoted(program.PATH)), folder)
    assert.equal(128 + 24, status) -- SIGXCPU
    assert.not_matches("recipe", err)
  end)

  it("cannot have finalizers", function()
    local _, err = run "setmetatable({}, { __gc = function() end })"
    assert.equal("godwit: r.lua:1: a recipe's metatable cannot have __gc\n", err)
  end)

  it("is there until what it gives has been read", function()
    local core = require "godwit.core"
    local pause = collectgarbage("setpause", 1)
    finally(function() collectgarbage("setpause", pause) end)
    local description = core.sandbox({ title = "r" }):call("load", { chunk = "@r", path = {}, source = [[
      local params = {}
      for i = 1, 20000 do params["p" .. i] = { type = "string", default = "the text number " .. i } end
      return { params = params, run = function() end }]] })
    for i = 1, 20000 do assert.equal("the text number " .. i, description.params["p" .. i].default) end
  end)

  it("describes itself by its tables as they are, whatever they say", function()
    local tree = "local t = {} for _ = 1, 40 do t = { t, t } end\n"
    local lies = "setmetatable(t, { __pairs = function() return next, {} end, __index = { name = 'x', version = '1', godwit = '1', run = print } })"
    os.execute(("mkdir %s"):format(program.quoted(folder .. "/recipes")))
    scratch.write(folder .. "/recipes/r.lua", "return function() end")
    scratch.write(folder .. "/recipes/manifest.lua", tree .. "return " .. lies)
    local _, err, status = run(tree .. "return " .. lies)
    assert.equal(3, status)
    assert.matches("a recipe has no field '[12]'", err)
    local out = program.shell(("%s recipes --check recipes"):format(program.quoted(program.PATH)), folder)
    assert.matches("a manifest has no field '[12]'", out)
    _, err = run(tree .. "return { params = t, run = print }")
    assert.matches("r.lua", err, 1, true)
    _, err = run("local t = {} for _ = 1, 18 do t = { t, t } end return { params = { a = { type = 'list', choices = t } }, run = print }",
      "--max-recipe-memory 20M")
    assert.matches("r.lua", err, 1, true)
  end)

  it("cannot reach the metatables of godwit's types, nor that of strings", function()
    assert.equal("godwit.Draft godwit.Vars godwit.Tensor godwit.Shape godwit.Error string\n", printed [[return function(ckpt)
      local _, problem = pcall(function() ckpt:drop "x" end)
      print(getmetatable(ckpt), getmetatable(ckpt.vars), getmetatable(ckpt.vars.a), getmetatable(ckpt.vars.a.shape), getmetatable(problem),
        getmetatable "")
    end]]:gsub("\t", " "))
    local _, err = run "return function(ckpt)\n  setmetatable(ckpt.vars.a.shape, {})\nend"
    assert.matches("r.lua:2: cannot change a protected metatable", err, 1, true)
  end)

  for what, source in pairs {
    ["computes for ever"] = "return function() while true do end end",
    ["computes for ever and catches errors"] = "return function() while true do pcall(function() while true do end end) end end",
    ["computes for ever in coroutines"] = "return function() while true do pcall(coroutine.wrap(function() while true do end end)) end end",
  } do
    it(("that %s ends with Ctrl-C"):format(what), function()
      -- That one hands a signal over only when the program calls the C library, which such a loop never does.
      if os.getenv "SANITIZE" == "thread" then return pending "the thread sanitizer holds signals back" end
      scratch.write(folder .. "/r.lua", "print 'begun'\n" .. source)
      local _, err, status = program.shell(([[
        "%s" run r.lua in -o out 2>messages & pid=$!
        until grep -q begun messages 2>/dev/null; do sleep 0.01; done
        kill -INT $pid; wait $pid; code=$?; cat messages >&2; exit $code]]):format(program.PATH), folder)
      assert.equal(130, status)
      assert.matches("^begun\ngodwit: .*interrupted\n$", err)
    end)
  end
end)

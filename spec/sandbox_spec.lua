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
rawlen rawset select setmetatable string.byte string.char string.find string.format string.gmatch string.gsub string.len
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

  for _, name in ipairs { "io", "os", "load", "loadstring", "loadfile", "dofile", "require", "package", "debug", "collectgarbage", "warn",
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
      ["require 'helpers'"] = "there is no require in recipes: a recipe opens no files itself",
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

  it("cannot have finalizers", function()
    local _, err = run "setmetatable({}, { __gc = function() end })"
    assert.equal("godwit: r.lua:1: a recipe's metatable cannot have __gc\n", err)
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

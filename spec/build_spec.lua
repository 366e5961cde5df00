-- The tools behind make: the scripts inside the program, the counting of tests, the rules of who may include what.

local function run(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; echo \"status $?\""))
  local output = pipe:read("a")
  pipe:close()
  local text, status = output:match("^(.*)status (%d+)\n$")
  return text, tonumber(status)
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local ROOT = os.getenv("ROOT") or run("pwd"):match("%S+")
local folder

before_each(function()
  folder = run("mktemp -d"):match("%S+")
end)

after_each(function()
  run("rm -rf " .. folder)
end)

describe("embedding scripts", function()
  local function embed(arguments)
    return run(("cd %s && lua5.4 %s/scripts/embed.lua out.c %s"):format(folder, ROOT, arguments))
  end

  before_each(function()
    run("mkdir -p " .. folder .. "/scripts/godwit/commands " .. folder .. "/scripts/recipes")
    write(folder .. "/scripts/godwit/init.lua", "return 1")
    write(folder .. "/scripts/godwit/commands/run.lua", "return 2")
    write(folder .. "/scripts/recipes/x.lua", "return 3")
    write(folder .. "/other.lua", "")
  end)

  local ALL = "scripts/recipes/x.lua scripts/godwit/commands/run.lua other=other.lua scripts/godwit/init.lua"
  local REVERSED = "scripts/godwit/init.lua other=other.lua scripts/godwit/commands/run.lua scripts/recipes/x.lua"

  it("names modules by their place, sorted", function()
    embed(ALL)
    local names = {}
    for name in read(folder .. "/out.c"):gmatch('{"([%w.]+)",') do names[#names + 1] = name end
    assert.same({ "godwit", "godwit.commands.run", "other", "recipes.x" }, names)
  end)

  it("gives the same bytes in whatever order files are named", function()
    embed(ALL)
    local first = read(folder .. "/out.c")
    embed(REVERSED)
    assert.equal(first, read(folder .. "/out.c"))
  end)

  it("refuses two files for one module", function()
    local text, status = embed("godwit=other.lua scripts/godwit/init.lua")
    assert.equal(1, status)
    assert.matches("godwit is both other.lua and scripts/godwit/init.lua", text, 1, true)
  end)

  it("refuses a script with a syntax error", function()
    write(folder .. "/scripts/recipes/x.lua", "return return")
    local text, status = embed("scripts/recipes/x.lua")
    assert.equal(1, status)
    assert.matches("scripts/recipes/x.lua:1:", text, 1, true)
  end)

  it("refuses a file whose module nobody could name", function()
    local text, status = embed("other.lua")
    assert.equal(1, status)
    assert.matches("no module name for other.lua", text, 1, true)
  end)
end)

describe("counting tests", function()
  local function last_line(steps)
    local text, status = run("bash -c '. spec/support/counts.sh\n" .. steps .. "\nfinish'")
    return text:match("([^\n]*)\n$"), status
  end
  local function check(expected, expected_status, steps)
    local line, status = last_line(steps)
    assert.equal(expected, line)
    assert.equal(expected_status, status)
  end

  it("adds up what programs print last", function()
    check("5 passed, 0 failed", 0, 'step a 5 echo "2 passed, 0 failed"\nstep b 5 echo "3 passed, 0 failed"')
  end)

  it("takes a crash for a failure", function()
    check("2 passed, 1 failed", 1, 'step a 5 echo "2 passed, 0 failed"\nstep b 5 sh -c "kill -SEGV \\$\\$"')
  end)

  it("takes an end without counts for a failure, whatever the status", function()
    check("0 passed, 1 failed", 1, "step a 5 true")
  end)

  it("takes counts without a failure and a failing status for a failure", function()
    check("2 passed, 1 failed", 1, 'step a 5 sh -c "echo 2 passed, 0 failed; exit 3"')
  end)

  it("takes running out of time for a failure", function()
    check("0 passed, 1 failed", 1, "step a 1 sleep 5")
  end)

  it("takes no test at all for a failure", function()
    check("0 passed, 1 failed", 1, "")
  end)

  it("understands busted, and counts its errors as failures", function()
    check("12 passed, 3 failed", 1, 'step a 5 sh -c "echo 12 successes / 1 failure / 2 errors / 4 pending : 0.1 seconds; exit 3"')
  end)

  it("believes only whole lines", function()
    check("0 passed, 1 failed", 1, 'step a 5 echo "so 2 passed, 0 failed"')
  end)
end)

describe("the rules of includes", function()
  local function rules(path, text)
    run(("mkdir -p %s/$(dirname %s)"):format(folder, path))
    write(folder .. "/" .. path, text)
    local script = ROOT .. "/spec/support/rules.lua"
    return run(("cd %s && lua5.4 %s"):format(folder, script))
  end

  for _, case in ipairs {
    { "a core module that uses one on its right", "core/base/a.c", '#include "../run/run.h"\n',
      "core/base/a.c:1: base may not use ../run/run.h" },
    { "Lua in core", "core/run/a.c", "\n#include <lua.h>\n", "core/run/a.c:2: lua.h" },
    { "generated messages outside _pb.c", "core/bundle/a.c", '#include "bundle.pb-c.h"\n', "core/bundle/a.c:1: bundle.pb-c.h" },
    { "printing in core", "core/run/a.c", '/* printf(1) */\nvoid f(void) { printf("x"); }\n', "core/run/a.c:2: printf" },
    { "ending the process in core", "core/run/a.c", "void f(void) { exit(1); }\n", "core/run/a.c:1: exit" },
    { "a private header of core in bindings", "bindings/a.c", '#include "../core/base/buf.h"\n',
      "bindings/a.c:1: ../core/base/buf.h" },
    { "an API script that uses a command", "scripts/godwit/a.lua", 'local x = require "godwit.commands.run"\n',
      "scripts/godwit/a.lua:1: godwit.commands.run" },
  } do
    local what, path, source, message = table.unpack(case)
    it("refuse " .. what, function()
      local text, status = rules(path, source)
      assert.equal(1, status)
      assert.matches(message, text, 1, true)
    end)
  end

  it("allow what is allowed", function()
    rules("core/run/a_pb.c", [[
#include "../base/buf.h"
#include "../godwit.h"
#include "bundle.pb-c.h"
/* exit(1) */
const char *a = "printf(";
]])
    local text, status = rules("bindings/a.c", [[
#include <lua.h>
#include <jansson.h>
#include "../core/godwit.h"
#include "embed.h"
]])
    assert.equal(0, status, text)
  end)
end)

describe("make help", function()
  it("has a line for every target that a person calls", function()
    local text = run("make help")
    local targets = "all help deps deps-dev test accept test-gc asan tsan valgrind fuzz bench interop lint docs install uninstall dist clean demo"
    for target in targets:gmatch("%S+") do
      assert.matches("\n  " .. target .. " ", "\n" .. text, 1, true)
    end
  end)
end)

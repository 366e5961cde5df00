-- godwit recipes and godwit test: the library, what its recipes say of themselves, and their own tests.

local gw = require "godwit"
local json = require "spec.support.json"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder

before_each(function()
  folder = scratch.folder()
  os.execute(("mkdir '%s/team' '%s/other'"):format(folder, folder))
end)

local function write(name, text) scratch.write(folder .. "/" .. name, text) end

local function godwit(arguments, path)
  return program.shell(("GODWIT_PATH=%s %s %s"):format(path or "", program.quoted(program.PATH), arguments), folder)
end

local GOOD = [[
return {
  name = "shout", version = "1.2", godwit = "1", summary = "Names become loud", description = "Adds a mark.",
  inputs = { "checkpoint" },
  params = { mark = { type = "string", default = "!", help = "what is added" }, which = { type = "string", required = true, help = "which names" } },
  examples = { "godwit run shout a -o b -p which=." },
  detect = function(ckpt) return ckpt:has "quiet", "it has a quiet variable" end,
  run = function(ckpt, p) ckpt:rename("^(" .. p.which .. ")$", "$1" .. p.mark) end,
  tests = { {
    name = "a mark is added",
    input = function() return gw.variables { quiet = gw.scalar(1), other = gw.tensor { 1, 2 } } end,
    params = { which = "quiet" },
    output = function() return gw.variables { ["quiet!"] = gw.scalar(1), other = gw.tensor { 1, 2 } } end,
    plan = { renamed = 1, unchanged = 1, dropped = 0 },
  }, {
    name = "nothing to shout at",
    input = function() return gw.variables { a = gw.scalar(1) } end,
    params = { which = "quiet" },
    fails = "no tensor matches",
  } },
}]]

describe("godwit recipes", function()
  it("lists the folders of the recipe path, then what comes with godwit", function()
    write("team/shout.lua", GOOD)
    write("team/manifest.lua", "return { name = 'vision', version = '2.0', godwit = '1' }")
    write("team/names.lua", "return { a = 'b' }") -- a module
    write("other/broken.lua", "return {")
    write("other/shout.lua", GOOD)
    local out, _, status = godwit("recipes", "team:other")
    assert.equal(0, status)
    assert.matches("^team · vision 2%.0\n  shout +Names become loud\n\nother\n  broken +! other/broken%.lua:1: unexpected symbol", out)
    assert.matches("\n  shout +Names become loud %(never found: team/shout%.lua comes first%)\n\nwith godwit\n", out)
    assert.matches("\n  rename_scope +%u", out)
    assert.is_nil(out:find("  names ", 1, true))
  end)

  it("explains a recipe, and so does --help behind run and plan", function()
    write("team/shout.lua", GOOD)
    local out = godwit("recipes shout", "team")
    assert.equal([[
shout 1.2: Names become loud

Adds a mark.

Usage: godwit run shout CHECKPOINT -o OUT [-p NAME=VALUE]...

Parameters:
  -p which=STRING  (required)
      which names
  -p mark=STRING  (default: !)
      what is added

Examples:
  godwit run shout a -o b -p which=.
]], out)
    assert.equal(out, (godwit("run shout --help", "team")))
    assert.equal(out, (godwit("plan shout x -h", "team")))
    assert.matches("^Usage: godwit run RECIPE", (godwit "run --help"))
  end)

  it("finds those that fit a checkpoint, and says why", function()
    write("team/shout.lua", GOOD)
    write("team/wrong.lua", "return { summary = 'x', run = print, detect = function() error 'no idea' end }")
    gw.variables({ quiet = gw.scalar(1) }):save(folder .. "/quiet")
    gw.objects({ a = gw.scalar(1) }):save(folder .. "/objects")
    local out = godwit("recipes --for quiet", "team")
    assert.matches("team\n  shout +it has a quiet variable\n  wrong +! team/wrong.lua:1: no idea\n", out)
    assert.is_nil((godwit("recipes --for objects", "team")):find("shout", 1, true))
    local _, err, status = godwit "recipes --for nothing"
    assert.equal(4, status)
    assert.matches("there is no checkpoint of this name", err)
  end)

  it("prints all of it as JSON", function()
    write("team/shout.lua", GOOD)
    local found = json.parse((godwit("recipes --json", "team")))
    assert.equal(1, found.schema)
    local first = found.recipes[1]
    assert.same({ "shout", "1.2", 2, "team/shout.lua", "mark", "which", true },
      { first.name, first.version, first.tests, first.file, first.params[1].name, first.params[2].name, first.params[2].required })
    assert.equal("shout", json.parse((godwit("recipes shout --json", "team"))).recipe.name)
  end)

  it("says when a folder's manifest asks for another godwit, and when a folder is not there", function()
    write("team/manifest.lua", "return { name = 'vision', version = '2.0', godwit = '7' }")
    write("team/shout.lua", GOOD)
    assert.matches("  ! team/manifest.lua: these recipes need version 7 of the Lua API, this is version 1\n", (godwit("recipes", "team")), 1, true)
    local _, err, status = godwit("recipes", "nowhere")
    assert.equal(2, status)
    assert.matches("nowhere: this folder cannot be used: No such file or directory", err, 1, true)
  end)
end)

describe("godwit recipes --check", function()
  it("finds nothing in a good folder", function()
    write("team/shout.lua", GOOD)
    write("team/manifest.lua", "return { name = 'vision', version = '2.0', godwit = '1' }")
    local out, _, status = godwit "recipes --check team"
    assert.equal(0, status, out)
    assert.matches("1 file · nothing found\n$", out)
  end)

  for what, case in pairs {
    ["syntax"] = { "return {", "shout.lua:1: unexpected symbol near <eof>" },
    ["metadata"] = { "return { summary = 1, run = print }", "shout.lua: the recipe's summary is a number, not a string" },
    ["missing tests"] = { (GOOD:gsub("tests = .*$", "}")), "shout.lua: it has no tests" },
    ["unused parameters"] = { (GOOD:gsub('%.%. p%.mark', '.. "?"')), "shout.lua: the parameter mark is declared and never used" },
    ["parameters without help"] = { (GOOD:gsub(', help = "what is added"', "")), "shout.lua: the parameter mark has no help" },
    ["a test that expects nothing"] = { (GOOD:gsub('fails = "no tensor matches",', "")), "test 2 (nothing to shout at) expects nothing" },
    ["a test with a wrong field"] = { (GOOD:gsub('fails = ', "fail = ")), "test 2 has an unknown field 'fail'" },
    ["a test whose input is not a function"] = { (GOOD:gsub("input = function%(%) return (gw.variables { a = .- }) end", "input = %1")),
      "test 2: its input is a " },
    ["a test whose inputs are functions in a table"] = {
      (GOOD:gsub("input = (function%(%) return gw.variables { a = .- } end)", "inputs = { checkpoint = %1 }")),
      "test 2: its inputs is a table, not a function: function() return { NAME = gw.variables { ... }, ... } end" },
  } do
    it("finds " .. what, function()
      write("team/shout.lua", case[1])
      write("team/manifest.lua", "return { name = 'vision', version = '2.0', godwit = '1' }")
      local out, _, status = godwit "recipes --check team"
      assert.equal(1, status)
      assert.matches(case[2], out, 1, true)
      local found = json.parse((godwit "recipes --check team --json"))
      assert.is_true(#found.findings > 0)
    end)
  end

  it("looks for parameters in the modules that a recipe requires, too", function()
    os.execute(("mkdir '%s/team/deep'"):format(folder))
    write("team/manifest.lua", "return { name = 'vision', version = '2.0', godwit = '1' }")
    write("team/shout.lua", (GOOD:gsub("return {", "local loud = require 'deep.loud'\nreturn {", 1):gsub("%$1\" .. p%.mark", "$1\" .. loud(p)")))
    write("team/deep/loud.lua", "local once = require 'deep.once'\nreturn once")
    write("team/deep/once.lua", "return function(p) return p.mark end")
    local out = godwit "recipes --check team"
    assert.matches("nothing found", out, 1, true)
    write("team/deep/once.lua", "return function() return '!' end")
    assert.matches("team/shout.lua: the parameter mark is declared and never used", (godwit "recipes --check team/shout.lua"), 1, true)
  end)

  it("finds undeclared globals, with luacheck", function()
    if not os.execute "command -v luacheck >/dev/null" then return pending "luacheck is not installed" end
    write("team/shout.lua", (GOOD:gsub("ckpt:rename", "chkpt:rename")))
    assert.matches("team/shout.lua:7: the global 'chkpt' is not declared", (godwit "recipes --check team/shout.lua"), 1, true)
  end)
end)

describe("godwit test", function()
  it("passes over the library that comes with godwit, and every recipe there has tests", function()
    local out, _, status = godwit "test"
    assert.is_nil(out:match "[^\n]*\n  FAIL[^\n]*\n[^\n]*")
    assert.is_nil(out:match "([^\n]*)\n  no tests")
    assert.matches("\n%d+ passed, 0 failed\n$", out)
    assert.equal(0, status)
  end)

  it("runs a file, a folder, a name", function()
    write("team/shout.lua", GOOD)
    local expected = "shout\n  ok    a mark is added\n  ok    nothing to shout at\n1 recipe\n2 passed, 0 failed\n"
    assert.equal(expected, (godwit("test shout", "team"):gsub("^team/shout.lua", "shout")))
    assert.equal(expected, (godwit "test team/shout.lua"))
    assert.equal(expected, (godwit "test team":gsub("^team/shout.lua", "shout")))
    assert.equal("1 recipe\n1 passed, 0 failed\n", (godwit "test -q --match mark team"))
  end)

  it("does not pass when --match finds no test", function()
    write("team/shout.lua", GOOD)
    local _, err, status = godwit "test --match marks team"
    assert.equal(2, status)
    assert.equal("godwit: --match: no test has 'marks' in its name\n  without --match all tests run, with their names\n", err)
  end)

  local function failing(change, to)
    write("team/shout.lua", (GOOD:gsub(change, to)))
    local out, _, status = godwit "test team"
    assert.equal(1, status, out)
    return out
  end

  local function failing_output(other)
    return failing("other = gw.tensor { 1, 2 } } end,\n    plan", ("other = %s } end,\n    plan"):format(other))
  end

  it("shows how an output differs from what it should be", function()
    assert.matches([[
  FAIL  a mark is added
        team/shout.lua: the output is not what it should be:
          quiet! is missing
          quiet? is there, and should not be
]], failing('%.%. p%.mark', '.. "?"'), 1, true)
    assert.matches("other is int32[2] [1 2], and should be int32[2] [1 3]", failing_output "gw.tensor { 1, 3 }", 1, true)
    assert.matches("other is int32[2], and should be float32[]", failing_output "gw.scalar(1.5)", 1, true)
    assert.matches("the plan has 1 renamed, and should have 2", failing("renamed = 1", "renamed = 2"), 1, true)
  end)

  it("shows how objects differ", function()
    write("team/o.lua", [[return { run = function(ckpt) gw.graph.rename(ckpt.root, "a", "z") end, tests = { {
      name = "objects",
      input = function() return gw.objects { a = gw.scalar(1), b = { c = gw.scalar(2) } } end,
      output = function() return gw.objects { a = gw.scalar(1), b = { d = gw.scalar(2) } } end } } }]])
    local out = godwit "test team/o.lua"
    assert.matches("the root is {b, z}, and should be {a, b}", out, 1, true)
    assert.matches("the object b is {c}, and should be {d}", out, 1, true)
    assert.matches("there is an object z too much", out, 1, true)
  end)

  it("catches a recipe that should fail and does not, or otherwise", function()
    assert.matches('the recipe should fail with "no tensor matches", and did not', failing('a = gw.scalar%(1%) }', 'quiet = gw.scalar(1) }'), 1, true)
    assert.matches('should fail with "no such thing", and says: team/shout.lua:7: no tensor matches', failing("no tensor matches", "no such thing"),
      1, true)
  end)

  it("looks at what a recipe's detect says, and why", function()
    assert.matches("the recipe's detect should take such a checkpoint, and does not", failing('params = { which = "quiet" },\n    fails',
      'params = { which = "quiet" },\n    detects = true, fails'), 1, true)
    assert.matches("the recipe's detect should not take such a checkpoint, and does: it has a quiet variable",
      failing("plan = {", "detects = false, plan = {"), 1, true)
    write("team/shout.lua", (GOOD:gsub("plan = {", "detects = true, plan = {"):gsub("    fails = ", "    detects = false, fails = ")))
    assert.matches("2 passed, 0 failed", (godwit "test team"), 1, true)
    assert.matches("the recipe's detect should say \"loud\", and says: it has a quiet variable", failing("plan = {", "detects = 'loud', plan = {"), 1, true)
    write("team/shout.lua", (GOOD:gsub("plan = {", "detects = true, plan = {"):gsub(', "it has a quiet variable"', "")))
    assert.matches("the recipe's detect should say why it takes a checkpoint, and gives nil", (godwit "test team"), 1, true)
    write("team/shout.lua", (GOOD:gsub("plan = {", "detects = true, plan = {"):gsub("detect = function.-end,", "")))
    assert.matches("test 1 (a mark is added) has detects, and the recipe has no detect", (godwit "test team"), 1, true)
  end)

  it("looks at what a recipe prints", function()
    local function printing(statement, text)
      write("team/print.lua", ([[return { run = function(ckpt) %s ckpt:rename { a = "b" } end, tests = { { name = "x", prints = %q,
        input = function() return gw.variables { a = gw.scalar(1) } end } } }]]):format(statement, text))
      local out, err, status = godwit "test team/print.lua"
      assert.equal("", err)
      return out, status
    end
    assert.equal(0, select(2, printing("print('one', 2) print(nil)", "one\t2\nnil")))
    assert.equal(0, select(2, printing("", "")))
    assert.matches('the recipe should print "two", and prints: one', (printing("print 'one'", "two")), 1, true)
    assert.matches('the recipe should print "two", and prints nothing', (printing("", "two")), 1, true)
    assert.matches("the recipe should print nothing, and prints: one", (printing("print 'one'", "")), 1, true)
  end)

  it("shows the line of an error, in the recipe or in its test", function()
    assert.matches("FAIL  a mark is added\n        team/shout.lua:7: attempt to index a nil value", failing("ckpt:rename", "chkpt:rename"), 1, true)
    assert.matches("team/shout.lua:10: oh", failing("input = function%(%)", "input = function() error 'oh'"), 1, true)
    assert.matches("  FAIL  can be loaded\n        team/shout.lua:20: ", failing("return {", "return {{"), 1, true)
  end)

  it("keeps one test from the next", function()
    write("team/leak.lua", [[
      local test = { name = "a", input = function() return gw.variables { a = gw.scalar(1) } end,
        expect = function() assert(not leaked) leaked = true gw.leaked = true end }
      return { run = function(ckpt) assert(not gw.leaked) ckpt:rename { a = "b" } end, tests = { test, test } }]])
    assert.matches("2 passed, 0 failed", (godwit "test team/leak.lua"), 1, true)
  end)

  it("hands file parameters over as texts, and several inputs", function()
    write("team/two.lua", [[return {
      inputs = { "base", "donors..." }, params = { list = { type = "file", required = true } },
      run = function(base, p, inputs)
        for line in p.list:lines() do base.vars[line] = inputs.donors[1].vars.a end
        assert(#inputs.donors == 2 and p.list.name == "list")
      end,
      tests = { { name = "x", params = { list = "b\nc\n" },
        inputs = function() local one = gw.variables { a = gw.scalar(1) } return { one, one:copy(), one:copy() } end,
        expect = function(out) assert(#out == 3 and out:has "c") end } } }]])
    assert.matches("1 passed, 0 failed", (godwit "test team/two.lua"), 1, true)
  end)

  it("prints TAP", function()
    write("team/shout.lua", (GOOD:gsub("renamed = 1", "renamed = 2")))
    local out, _, status = godwit "test --tap team"
    assert.equal(1, status)
    assert.equal("not ok 1 - shout: a mark is added\n  ---\n  message: |\n    team/shout.lua: the plan has 1 renamed, and should have 2\n  ...\n"
      .. "ok 2 - shout: nothing to shout at\n1..2\n", out)
  end)

  it("writes a JUnit report", function()
    write("team/shout.lua", (GOOD:gsub("renamed = 1", "renamed = 2"):gsub("nothing to shout at", "a < b & 'c'")))
    local _, _, status = godwit "test --junit report.xml team"
    assert.equal(1, status)
    local text = scratch.read(folder .. "/report.xml")
    assert.matches('<testsuite name="shout" tests="2" failures="1">', text, 1, true)
    assert.matches('<failure message="team/shout.lua: the plan has 1 renamed, and should have 2"/>', text, 1, true)
    assert.matches([[name="a &lt; b &amp; 'c'" time=]], text, 1, true)
    local _, err, code = godwit "test --junit nowhere/report.xml team"
    assert.equal(5, code)
    assert.matches("nowhere/report.xml: the report cannot be written: No such file or directory", err, 1, true)
  end)

  it("says what there is not", function()
    for arguments, message in pairs { ["test nothing"] = "there is no recipe 'nothing'", ["test team"] = "there is no recipe there",
      ["test nothing.lua"] = "nothing.lua: the recipe is not there" } do
      local _, err, status = godwit(arguments)
      assert.equal(2, status)
      assert.matches(message, err, 1, true)
    end
  end)
end)

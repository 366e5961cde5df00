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

-- ---- Versions, and what libraries need of each other

local version = require "godwit.version"

describe("a version", function()
  it("is whole numbers with dots between them", function()
    for _, text in ipairs { "0", "1", "1.2", "1.02.3", "2024.11", "999999999.0" } do assert.is_true(version.is_valid(text), text) end
    for _, text in ipairs { "", ".", "1.", ".1", "1..2", "1.2-rc1", "v1", "1,2", " 1", "1 ", "-1", "1e3", "1234567890", "1.\0" } do
      assert.is_false(version.is_valid(text), text)
    end
  end)

  it("is compared by its numbers, what is missing being 0", function()
    for _, case in ipairs { { "1.9", "1.10", -1 }, { "1", "1.0.0", 0 }, { "2", "1.99", 1 }, { "1.0.1", "1", 1 }, { "01.2", "1.2", 0 } } do
      local sign = version.compare(case[1], case[2])
      assert.equal(case[3], sign < 0 and -1 or sign > 0 and 1 or 0, case[1] .. " and " .. case[2])
    end
  end)
end)

describe("a range of versions", function()
  for range, case in pairs {
    [">= 1.2"] = { "1.2 1.2.0 1.10 2", "1.1.9 0" },
    [">=1.2,<2"] = { "1.2 1.99.9", "1.1 2 2.0 3" }, ["== 1.2"] = { "1.2 1.2.0", "1.2.1 1.20" },
    ["!= 1.2, > 1"] = { "1.1 1.2.1", "1.2 1 1.0 0.9" }, ["<= 1.2"] = { "1.2 0", "1.2.1" }, ["< 1.2"] = { "1.1.99", "1.2" },
    ["~= 1.4.2"] = { "1.4.2 1.4.10", "1.4.1 1.5 2.4.2" }, ["~= 1.4"] = { "1.4 1.9.9", "1.3 2.0 0.4" }, [" >  0 "] = { "0.0.1", "0 0.0" },
  } do
    it(("%s has %s"):format(range, case[1]), function()
      for text in case[1]:gmatch "%S+" do assert.is_true(version.is_in(text, range), text) end
      for text in case[2]:gmatch "%S+" do assert.is_false(version.is_in(text, range), text) end
    end)
  end

  for range, message in pairs {
    ["1.2"] = [['1.2' does not compare: ">= 1.2" or "== 1.2"?]],
    [""] = "'' has nothing between its commas", [">= 1,"] = "'>= 1,' has nothing between its commas",
    ["^1.2"] = "'^1.2' compares with '^'", ["=> 1"] = "'=> 1' compares with '=>'",
    ["~> 1.2"] = "'~> 1.2' compares with '~>'", ["= 1"] = "'= 1' compares with '='",
    [">= 1.x"] = "'>= 1.x' compares with '1.x', which is no version", [">="] = "'>=' compares with '', which is no version",
    ["== 1.*"] = "'== 1.*' compares with '1.*', which is no version", ["~= 1"] = [['~= 1' needs two numbers behind ~=: "~= 1.0"]],
    [">= 1 < 2"] = "'>= 1 < 2' compares with '1 < 2', which is no version", ["newest"] = "'newest' compares with 'newest'",
  } do
    it(("is not %q"):format(range), function()
      local clauses, problem, form = version.range(range)
      assert.same({ nil, message }, { clauses, problem })
      assert.matches('a range is written like ">= 1.2"', form, 1, true)
    end)
  end
end)

describe("a manifest", function()
  for what, case in pairs {
    ["that asks for a later godwit"] = { "godwit = '>= 7.1'", "these recipes need godwit >= 7.1, this is " .. gw.version },
    ["that asks for a later godwit beside the API"] = { "godwit = '1, >= 7'", "these recipes need godwit >= 7, this is " .. gw.version },
    ["that asks for a later godwit, and has a field of it"] = { "godwit = '>= 7', colours = {}", "these recipes need godwit >= 7, this is" },
    ["whose godwit is no version"] = { "godwit = '>= new'", "godwit = '>= new' compares with 'new', which is no version" },
    ["whose godwit is a program's version"] = { "godwit = '0.1'", "these recipes need version 0.1 of the Lua API, this is version 1" },
    ["whose version is none"] = { "godwit = '1', version = '1.0-rc1'", "the manifest's version is '1.0-rc1', not whole numbers with dots like \"1.2\"" },
    ["without a version"] = { "godwit = '1', version = nil", "the manifest says no version" },
    ["that requires no range"] = { "godwit = '1', requires = { shapes = '1.2' }", "requires shapes: '1.2' does not compare" },
    ["that requires a list"] = { "godwit = '1', requires = { 'shapes' }",
      "requires is a table like {shapes = \">= 1.2\"}, and has a string for 1" },
    ["that requires a table"] = { "godwit = '1', requires = { shapes = {} }", "and has a table for shapes" },
    ["that requires itself"] = { "godwit = '1', requires = { vision = '>= 1' }", "the library vision requires itself" },
    ["that requires by a text"] = { "godwit = '1', requires = 'shapes'", "the manifest's requires is a string, not a table" },
  } do
    it(what .. " stops its recipes, and is found by recipes and --check", function()
      write("team/shout.lua", GOOD)
      write("team/manifest.lua", "return { name = 'vision', version = '2.0', " .. case[1] .. " }")
      for arguments, expected in pairs { ["test shout"] = 1, ["recipes --check team"] = 1, ["recipes"] = 0 } do
        local out, err, status = godwit(arguments, "team")
        assert.equal(expected, status, err)
        assert.matches(case[2], out, 1, true)
      end
      local _, err, status = godwit("plan team/shout.lua nothing")
      assert.equal(3, status)
      assert.matches(case[2], err, 1, true)
    end)
  end

  it("lies in its folder: a link out of it is refused wherever it is read", function()
    write("team/shout.lua", GOOD)
    write("outside.lua", "return { name = 'vision', version = '2.0', godwit = '1' }")
    os.execute(("ln -s ../outside.lua '%s/team/manifest.lua'"):format(folder))
    for arguments, expected in pairs { ["test shout"] = 1, ["recipes --check team"] = 1, ["recipes"] = 0 } do
      local out, err, status = godwit(arguments, "team")
      assert.equal(expected, status, err)
      assert.matches("team/manifest.lua: leads out of its folder", out, 1, true)
    end
  end)

  it("may ask for this godwit in every way", function()
    write("team/shout.lua", GOOD)
    for _, text in ipairs { "1", "1.0", ">= 0.1", "1, >= 0.1", ">= 0, < 1000, 1", "== " .. gw.version } do
      write("team/manifest.lua", ("return { name = 'vision', version = '2.0', godwit = %q }"):format(text))
      assert.equal(0, select(3, godwit "test team"), text)
    end
  end)
end)

describe("a recipe", function()
  for what, case in pairs {
    ["for a later godwit says so before its unknown fields"] = { "godwit = '1, >= 7.1', colours = 1,", "shout.lua: the recipe needs godwit >= 7.1, this is " },
    ["says when its version is none"] = { "version = 'two',", "shout.lua: the recipe's version is 'two', not whole numbers with dots" },
    ["says when its godwit is no range"] = { "godwit = '~1',", "shout.lua: godwit = '~1' compares with '~'" },
  } do
    it(what, function()
      write("team/shout.lua", "return { " .. case[1] .. " run = function() end }")
      gw.variables({ quiet = gw.scalar(1) }):save(folder .. "/quiet")
      local _, err, status = godwit "plan team/shout.lua quiet"
      assert.equal(3, status)
      assert.matches(case[2], err, 1, true)
    end)
  end
end)

describe("libraries that need each other", function()
  local function make(place, name, number, requires)
    os.execute(("mkdir -p '%s/%s'"):format(folder, place))
    write(place .. "/manifest.lua", ("return { name = %q, version = %q, godwit = '1', requires = { %s } }"):format(name, number, requires or ""))
  end

  local CALL = "return { summary = 'x', run = function(ckpt) gw.recipe 'shared'(ckpt) print(require('tables')) end, tests = { { name = 'x', prints = '', "
    .. "input = function() return gw.variables { a = gw.scalar(1) } end } } }"

  before_each(function()
    gw.variables({ a = gw.scalar(1) }):save(folder .. "/in")
    make("team", "vision", "2.0", "shapes = '>= 1.2, < 2'")
    write("team/call.lua", CALL:gsub("prints = ''", "prints = 'from'"))
    for place, number in pairs { new = "1.3", old = "1.0" } do
      make(place, "shapes", number)
      write(place .. "/shared.lua", ("return function() print 'called in %s' end"):format(place))
      write(place .. "/tables.lua", ("return 'from %s'"):format(place))
    end
  end)

  local function says(arguments, path, status, text)
    local out, err, found = godwit(arguments, path)
    assert.equal(status, found, out .. err)
    assert.matches(text, out .. err, 1, true)
    return out .. err
  end

  it("run where all fit, without a word", function()
    local _, err, status = godwit("run call in -o out", "team:new")
    assert.same({ 0, "called in new\nfrom new\n" }, { status, err })
  end)

  local MISSING = "team/manifest.lua: vision 2.0 needs the library shapes >= 1.2, < 2, and no folder of GODWIT_PATH is shapes"
  local WRONG = "team/manifest.lua: vision 2.0 needs the library shapes >= 1.2, < 2, and old has shapes 1.0"

  for arguments, status in pairs { ["plan call in"] = 3, ["run call in -o out"] = 3, ["run team/call.lua in -o out"] = 3, ["test call"] = 1,
    ["test team"] = 1, ["recipes"] = 0, ["recipes --json"] = 0, ["recipes call"] = 0 } do
    it(("are missed by %s"):format(arguments), function()
      says(arguments, "team:other", status, MISSING)
      says(arguments, "team:old", status, WRONG)
    end)
  end

  it("are missed by --check, by a recipe that calls one, in the REPL and in Lua programs", function()
    says("recipes --check team", "team:old", 1, "needs the library shapes >= 1.2, < 2, and old has shapes 1.0")
    says("plan -e 'gw.recipe [[call]](ckpt)' in", "team:old", 3, WRONG)
    says("repl in <script", "team:old", 3, WRONG, write("script", ".load call\n"))
    says("repl in <script", "team:old", 3, WRONG, write("script", "gw.recipe 'call'(ckpt)\n"))
  end)

  it("are looked for with what is there in mind", function()
    says("plan call in", "team:other", 3, "\n  GODWIT_PATH has team (vision 2.0), other (no manifest): add the folder of shapes\n")
    says("plan call in", "team:old", 3, "\n  put a folder with shapes >= 1.2, < 2 on GODWIT_PATH, before old or in its place\n")
    says("plan call in", "team:old:new", 3, "\n  new has shapes 1.3: put it before old on GODWIT_PATH\n")
    write("other/manifest.lua", "return {")
    says("plan call in", "team:other", 3, "other (its manifest is wrong)")
  end)

  it("are missed further down", function()
    make("new", "shapes", "1.3", "base = '>= 3'")
    says("plan call in", "team:new", 3, "new/manifest.lua: shapes 1.3 needs the library base >= 3, and no folder of GODWIT_PATH is base")
    make("other", "base", "3.0", "vision = '>= 1', shapes = '< 1.1'")
    says("plan call in", "team:new:other", 3, "other/manifest.lua: base 3.0 needs the library shapes < 1.1, and new has shapes 1.3")
    make("other", "base", "3.0", "vision = '>= 1'")
    says("run call in -o out", "team:new:other", 0, "called in new")
  end)

  it("are missed when a module is taken from a folder whose manifest was not asked for", function()
    make("other", "base", "3.0", "nothing = '>= 1'")
    write("other/deep.lua", "return 1")
    write("r.lua", "return function() require 'deep' end")
    says("plan r.lua in", "other", 3, "other/manifest.lua: base 3.0 needs the library nothing >= 1")
  end)

  it("say which of two versions is used", function()
    local twice = "godwit: the library shapes is there twice: new (1.3) comes first and is used, old (1.0) is not\n"
    local text = says("run call in -o out", "team:new:old", 0, twice)
    assert.matches("called in new", text, 1, true)
    assert.equal(1, select(2, text:gsub("is there twice", "")))
    assert.is_nil(says("run -q call in -o out --force", "team:new:old", 0, "called in new"):find("twice", 1, true))
    says("plan shared in", "new:old", 0, twice)
    says("test team", "team:new:old", 0, twice)
    says("recipes --check team", "team:new:old", 1, "is there twice: new (1.3) comes first")
    says("recipes", "team:new:old", 0, "\nold · shapes 1.0\n  ! the library shapes is there twice: new (1.3) comes first and is used, old (1.0) is not\n")
    make("old", "shapes", "1.3")
    assert.is_nil(says("run call in -o out2", "team:new:old", 0, "called in new"):find("twice", 1, true))
  end)

  it("say which of two files is used where GODWIT_PATH has both, once each", function()
    local module = "the module 'tables' is in two folders of GODWIT_PATH: new/tables.lua is used, old/tables.lua is not"
    local called = "the recipe 'shared' is in two folders of GODWIT_PATH: new/shared.lua is used, old/shared.lua is not"
    local text = says("run call in -o out", "team:new:old", 0, module)
    assert.matches(called, text, 1, true)
    text = says("recipes --check team", "team:new:old", 1, module)
    assert.matches(called, text, 1, true)
    for _, arguments in ipairs { "plan shared in", "run shared in -o out3", "test shared", "recipes shared" } do
      assert.equal(1, select(2, says(arguments, "new:old", 0, called):gsub("in two folders", "")), arguments)
    end
    says("recipes --check old", "new:old", 1, "old/shared.lua: it is never found by its name: new/shared.lua comes first on GODWIT_PATH")
  end)

  it("say so also when the recipe then fails", function()
    write("r.lua", "local t = require 'tables' error(t)")
    says("plan r.lua in", "old:new", 3, "old/tables.lua is used, new/tables.lua is not")
    write("r.lua", "return function() error(require 'tables') end")
    says("plan r.lua in", "old:new", 3, "old/tables.lua is used, new/tables.lua is not")
  end)

  it("are silent about a folder named twice, about copies, and about what a folder has itself", function()
    write("old/shared.lua", scratch.read(folder .. "/new/shared.lua"))
    write("old/tables.lua", scratch.read(folder .. "/new/tables.lua"))
    make("old", "shapes", "1.3")
    for _, path in ipairs { "team:new:new/:new", "team:new:old" } do
      local _, err = godwit("run call in -o out --force", path)
      assert.equal("called in new\nfrom new\n", err)
    end
    write("old/tables.lua", "return 'from old'")
    write("old/use.lua", "return function() print(require 'tables') end")
    assert.equal("from old\n", select(2, godwit("run old/use.lua in -o out --force", "new:old")))
  end)

  it("are in the JSON of the list", function()
    local found = json.parse((godwit("recipes --json", "team:old"))).libraries
    assert.same({ "team", "vision", "2.0", "1", ">= 1.2, < 2" },
      { found[1].folder, found[1].name, found[1].version, found[1].godwit, found[1].requires.shapes })
    assert.same({ { WRONG }, {} }, { found[1].problems, found[1].notes })
    assert.same({}, found[2].problems)
  end)

  it("are found missing by --check where the text names them", function()
    write("r.lua", "-- require 'comment'\nreturn { summary = 'x', run = function() require 'gone' gw.recipe('lost') gw.recipe 'cast' end }")
    local text = says("recipes --check r.lua", "", 1, "r.lua: it needs the module 'gone', which is neither in its folder nor on GODWIT_PATH")
    assert.matches("r.lua: it needs the recipe 'lost', which is neither", text, 1, true)
    assert.is_nil(text:find("comment", 1, true) or text:find("'cast'", 1, true))
  end)

  it("cost nothing to whoever needs none: manifests of other folders are not read", function()
    make("team", "vision", "2.0")
    write("other/manifest.lua", "while true do end")
    write("r.lua", "return function() end")
    assert.equal(0, select(3, godwit("plan r.lua in", "team:other")))
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

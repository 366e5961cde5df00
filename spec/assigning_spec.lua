-- ckpt:assign. What TensorFlow's init_from_checkpoint does in each case is asked in spec/tensorflow/assign_test.py; here is what Lua
-- sees of it.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local function source()
  return gw.variables {
    one = gw.tensor { { 1.0, 2.0 }, { 3.0, 4.0 }, { 5.0, 6.0 } },
    ["old/a"] = gw.scalar(7.0), ["old/in/b"] = gw.scalar(8.0), ["old_1/a"] = gw.scalar(9.0),
    ["cut/part_0"] = gw.tensor { 1.0, 2.0 }, ["cut/part_1"] = gw.tensor { 3.0 },
  }
end

local function model()
  return gw.variables {
    x = gw.zeros { 3, 2 }, ["new/a"] = gw.scalar(0.0), ["new/in/b"] = gw.scalar(0.0), ["new_1/a"] = gw.scalar(0.0),
    ["rows/part_0"] = gw.zeros { 2, 2 }, ["rows/part_1"] = gw.zeros { 1, 2 },
    ["columns/part_0"] = gw.zeros { 3, 1 }, ["columns/part_1"] = gw.zeros { 3, 1 },
    whole = gw.zeros { 3 }, ["again/part_0"] = gw.zeros { 1 }, ["again/part_1"] = gw.zeros { 2 },
  }
end

local function values(ckpt, ...)
  local found = {}
  for i, name in ipairs { ... } do found[i] = ckpt.vars[name]:value() end
  return found
end

describe("assigning", function()
  local ckpt, from
  before_each(function() ckpt, from = model(), source() end)

  it("fills a name from a name", function()
    assert.equal(1, ckpt:assign(from, { one = "x" }))
    assert.is_true(ckpt.vars.x:equal(from.vars.one))
    assert.equal(0, ckpt.vars["new/a"]:value())
  end)

  it("fills a scope from a scope, which ends at its slash", function()
    assert.equal(2, ckpt:assign(from, { ["old/"] = "new/" }))
    assert.same({ 7, 8, 0 }, values(ckpt, "new/a", "new/in/b", "new_1/a"))
  end)

  it("takes / for the root, on both sides", function()
    local inner = gw.variables { a = gw.scalar(1.0), ["in/b"] = gw.scalar(2.0) }
    assert.equal(2, ckpt:assign(inner, { ["/"] = "new/" }))
    assert.same({ 1, 2 }, values(ckpt, "new/a", "new/in/b"))
    assert.equal(2, inner:assign(from, { ["old/"] = "/" }))
    assert.same({ 7, 8 }, values(inner, "a", "in/b"))
    assert.equal(2, inner:assign(gw.variables { a = gw.scalar(5.0), ["in/b"] = gw.scalar(6.0) }, { ["/"] = "/" }))
    assert.same({ 5, 6 }, values(inner, "a", "in/b"))
  end)

  it("splits and joins parts where the shapes say so", function()
    assert.equal(7, ckpt:assign(from, { { "one", "rows" }, { "one", { "columns/part_0", "columns/part_1" } }, { "cut", "whole" }, { "cut", "again" } }))
    assert.same({ { { 1, 2 }, { 3, 4 } }, { { 5, 6 } } }, values(ckpt, "rows/part_0", "rows/part_1"))
    assert.same({ { { 1 }, { 3 }, { 5 } }, { { 2 }, { 4 }, { 6 } } }, values(ckpt, "columns/part_0", "columns/part_1"))
    assert.same({ { 1, 2, 3 }, { 1 }, { 2, 3 } }, values(ckpt, "whole", "again/part_0", "again/part_1"))
  end)

  it("takes parts for one variable in a scope, too", function()
    local parts = gw.variables { ["s/w/part_0"] = gw.zeros { 2, 2 }, ["s/w/part_1"] = gw.zeros { 1, 2 }, ["s/part_of"] = gw.scalar(0.0) }
    assert.equal(3, parts:assign(gw.variables { w = from.vars.one, part_of = gw.scalar(3.0) }, { ["/"] = "s/" }))
    assert.same({ { { 5, 6 } }, 3 }, values(parts, "s/w/part_1", "s/part_of"))
  end)

  it("changes values on the way with a function", function()
    ckpt:assign(from, { one = { "x", function(t, name) return t * (name == "x" and 10 or 0) end } })
    assert.same({ { 10, 20 }, { 30, 40 }, { 50, 60 } }, ckpt.vars.x:value())
  end)

  it("feeds several targets from one source, the later of two rules for one target counts", function()
    ckpt:assign(from, { { "old/a", "new/a" }, { "old/a", "new/in/b" }, { "old/", "new/" }, { "old_1/a", "new/in/b" } })
    assert.same({ 7, 9 }, values(ckpt, "new/a", "new/in/b"))
  end)

  it("assigns a draft to itself, all at once", function()
    ckpt.vars["new/a"], ckpt.vars["new/in/b"] = gw.scalar(1.0), gw.scalar(2.0)
    ckpt:assign(ckpt, { ["new/a"] = "new/in/b", ["new/in/b"] = "new/a" })
    assert.same({ 2, 1 }, values(ckpt, "new/a", "new/in/b"))
  end)

  it("knows variables of an object graph by path, by key and as objects", function()
    local objects = gw.objects { net = { a = gw.scalar(0.0), b = gw.scalar(0.0), ["c/d"] = gw.scalar(0.0) } }
    local named = gw.variables { a = gw.scalar(1.0), b = gw.scalar(2.0), ["c.Sd"] = gw.scalar(3.0), c = gw.scalar(4.0) }
    assert.equal(3, objects:assign(named, { ["/"] = "net/" }))
    assert.equal(3, objects.vars["net/c.Sd/.ATTRIBUTES/VARIABLE_VALUE"]:value())
    objects:assign(named, { b = objects.root.net.a, c = objects.root.net["c/d"], a = "net/b/.ATTRIBUTES/VARIABLE_VALUE" })
    assert.same({ 2, 1, 4 }, { gw.graph.tensor(objects.root.net.a):value(), gw.graph.tensor(objects.root.net.b):value(),
      gw.graph.tensor(objects.root.net["c/d"]):value() })
    named:assign(objects, { ["net/b"] = "a", ["net/"] = { "c", function(t) return t end } , ["net/a/.ATTRIBUTES/VARIABLE_VALUE"] = "b" }, { optional = true })
    assert.same({ 1, 2 }, values(named, "a", "b"))
  end)

  it("passes over what the source lacks when it is optional", function()
    local options = { optional = true }
    assert.equal(1, ckpt:assign(gw.variables { ["old/a"] = gw.scalar(1.0) }, { ["old/"] = "new/", nothing = "x", ["old/b"] = { "x", error } }, options))
    assert.same({ 1, 0 }, values(ckpt, "new/a", "new/in/b"))
    assert.equal(0, ckpt:assign(from, { ["old/"] = "nowhere/" }, options))
  end)

  it("is in the plan, with its line and what was replaced", function()
    ckpt = gw.open(scratch.DIGITS)
    ckpt:assign(gw.open(scratch.DIGITS), { ["classifier/dense/bias"] = "classifier/dense/bias" })
    for _, entry in ipairs(ckpt:plan().outputs[1].tensors) do
      if entry.name == "classifier/dense/bias" then
        assert.matches("assigning_spec.lua:%d+$", entry.line)
        return
      end
    end
    error "not in the plan"
  end)

  local FORM = "\n  a map is {[\"old/\"] = \"new/\", name = \"name\"}, or a sequence of {from, to}; a target is a name, a scope, " ..
    "a variable (ckpt.root.kernel), a list of these, or {target, function(tensor, name) ... end}"
  local AGREE = "dtype and shape must agree; {name, function(t) return t:cast(...) end} as the target changes it on the way"
  for what, case in pairs {
    ["a source's name that is not there"] = { { two = "x" }, 'the source has no tensor "two" for it (the nearest: "one", "old/a", "old_1/a")', key = "x" },
    ["a target that is not there"] = { { one = "y" }, 'there is no tensor "y" (the nearest: "x", "new/a", "whole")' },
    ["another shape"] = { { one = "whole" }, 'it is float32[3], and what comes from "one" is float32[3,2]', key = "whole", hint = AGREE },
    ["another dtype"] = { { one = { "x", function(t) return t:cast "float64" end } },
      'it is float32[3,2], and what comes from "one" is float64[3,2]', key = "x" },
    ["parts that do not add up"] = { { one = { "rows/part_0", "columns/part_0" } },
      'it is float32[2,2] (the first of 2 parts), and what comes from "one" is float32[3,2]', key = "rows/part_0", hint = AGREE },
    ["a scope that lacks a member in the source"] = { { ["old_1/"] = "new/" },
      'the source has no tensor "old_1/in/b" for it (the nearest: "old/in/b", "old_1/a", "old/a")', key = "new/in/b" },
    ["a scope without tensors"] = { { ["old/"] = "nowhere/" }, 'no tensor is in the scope "nowhere/" (the nearest: "whole", "new/a", "new/in/b")' },
    ["a scope for a name"] = { { ["old/"] = "x" }, "a scope goes to a scope, and both end in '/': \"old/\" and \"x\" do not" },
    ["a name for a scope"] = { { one = "new/" }, "a scope goes to a scope, and both end in '/': \"one\" and \"new/\" do not" },
    ["an empty target"] = { { one = "" }, "a target is a name or a scope, not an empty text (\"/\" is the root)" },
    ["an empty map"] = { {}, "the assignment map is empty", form = true },
    ["a list that is no list of pairs"] = { { "one", "x" }, "rule 1 of the map is not {from, to}", form = true },
    ["a mixture"] = { { { "one", "x" }, one = "x" }, "a map has either names as keys, or is a sequence of {from, to}", form = true },
    ["a target of another type"] = { { one = 5 }, 'what "one" goes to is a number, not a name', form = true },
    ["two functions"] = { { one = { "x", print, print } }, 'what "one" goes to is no target', form = true },
    ["a function that returns nothing"] = { { one = { "x", function() end } }, 'the function for "one" returned nil, not a tensor' },
  } do
    it("refuses " .. what .. ", and edits nothing", function()
      local ok, problem = pcall(function() ckpt:assign(from, case[1]) end)
      assert.is_false(ok)
      assert.equal(case[2], problem.what)
      assert.equal(case.key, problem.key)
      assert.matches("assigning_spec.lua:%d+$", problem.line)
      if case.hint then assert.equal(case.hint, problem.hint) end
      if case.form then assert.equal(FORM, "\n  " .. problem.hint) end
      for name, tensor in model():each() do assert.is_true(ckpt.vars[name]:equal(tensor)) end
    end)
  end

  it("refuses other arguments", function()
    assert.error_matches(function() ckpt:assign({ one = "x" }) end, "assign takes a checkpoint and a map, not a table")
    assert.error_matches(function() ckpt:assign(from, "x") end, "an assignment map is a table, not a string")
    assert.error_matches(function() ckpt:assign(from, { one = "x" }, { missing = true }) end, "there is no option 'missing'")
    assert.error_matches(function() gw.objects({}):assign(from, { one = gw.objects({ a = gw.scalar(1) }).root.a }) end, "an object of another checkpoint")
  end)
end)

describe("the recipe assignment_map", function()
  local folder
  before_each(function()
    folder = scratch.folder()
    model():save(folder .. "/model")
    source():save(folder .. "/source")
  end)

  local function run(arguments)
    return program.shell(("%s run assignment_map %s -o out"):format(program.quoted(program.PATH), arguments), folder)
  end

  it("takes rules as a list and from a file", function()
    scratch.write(folder .. "/map.txt", "# rules\n\none x\r\none\tcolumns/part_0 columns/part_1")
    local _, err, status = run "model source -p map=old/=new/,cut=whole -p file=@map.txt"
    assert.same({ "", 0 }, { err, status })
    local out = gw.open(folder .. "/out")
    assert.same({ 7, 8, { 1, 2, 3 }, { { 2 }, { 4 }, { 6 } } }, values(out, "new/a", "new/in/b", "whole", "columns/part_1"))
    assert.is_true(out.vars.x:equal(source().vars.one))
  end)

  it("says which rule is none", function()
    scratch.write(folder .. "/map.txt", "one x\ntwo\n")
    for arguments, message in pairs {
      ["model source"] = "there is no rule: give them with -p map=FROM=TO or -p file=@FILE",
      ["model source -p map=one"] = "map: 'one' is not FROM=TO",
      ["model source -p file=@map.txt"] = "map.txt:2: 'two' goes nowhere: a line is FROM TO, or FROM and the names of parts",
    } do
      local _, err, status = run(arguments)
      assert.same({ "godwit: " .. message .. "\n", 3 }, { err, status })
    end
    assert.is_false(scratch.exists(folder .. "/out.index"))
  end)
end)

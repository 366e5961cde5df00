-- Object graphs in Lua: looking, editing, building, copying; what keys, roles and plans become of it. What TensorFlow says to
-- the results is in spec/tensorflow/convert_test.py.

local failure = require "spec.support.failure"
local gw = require "godwit"
local scratch = require "spec.support.scratch"

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

--- Paths of the variables, in key order.
local function paths(ckpt)
  local list = {}
  for name in pairs(ckpt.vars) do list[#list + 1] = (name:gsub("/%.ATTRIBUTES/VARIABLE_VALUE$", "")) end
  return list
end

local function names(node)
  local list = {}
  for name in pairs(node) do list[#list + 1] = name end
  return list
end

local function value(ckpt, path) return ckpt.vars[path .. SUFFIX]:value() end

--- Written and read again: what a program would find.
local function again(ckpt)
  local prefix = scratch.folder() .. "/out"
  ckpt:save(prefix)
  return gw.open(prefix)
end

local function model()
  return gw.objects({
    net = { blocks = { { w = gw.scalar(0.0) }, { w = gw.scalar(1.0) }, { w = gw.scalar(2.0) } }, head = gw.scalar(3.0) },
    step = gw.scalar(7, "int64"),
  }, { save_counter = 1 })
end

describe("gw.objects", function()
  it("has keyword arguments in the order of their names, and save_counter last", function()
    local made = gw.objects({ z = gw.scalar(1.0), a = gw.scalar(2.0) }, { save_counter = 3 })
    assert.same({ "a", "z", "save_counter" }, names(made.root))
    assert.same({ "a", "save_counter", "z" }, paths(made))
    assert.equal(3, value(made, "save_counter"))
    assert.equal("objects", made.kind)
    assert.equal("", made.path)
  end)

  it("keeps a dictionary's order, and escapes names in keys", function()
    local made = gw.objects { d = gw.dict { { "z/y", gw.scalar(1.0) }, { "a.b", gw.scalar(2.0) } } }
    assert.same({ "z/y", "a.b" }, names(made.root.d))
    assert.same({ "d/a..b", "d/z.Sy" }, paths(made))
    assert.same({ "z/y", "a.b" }, names(again(made).root.d))
  end)

  it("makes lists of sequences, and empty objects of empty tables", function()
    local made = again(gw.objects { l = { gw.scalar(1.0), { gw.scalar(2.0) }, {} }, e = {} })
    assert.same({ "0", "1", "2" }, names(made.root.l))
    assert.same({ "l/0", "l/1/0" }, paths(made))
    assert.equal(0, #made.root.e)
  end)

  it("makes one object of a table, or of a gw.variable, that is used twice", function()
    local layer, weight = { w = gw.scalar(1.0) }, gw.variable(gw.scalar(2.0), { full_name = "emb" })
    local made = again(gw.objects { a = layer, b = layer, c = weight, d = { weight } })
    assert.equal(made.root.a, made.root.b)
    assert.equal(made.root.c, made.root.d["0"])
    assert.equal("emb", gw.graph.full_name(made.root.c))
    assert.same({ "a/w", "c" }, paths(made))
  end)

  it("makes a cycle of a table that holds itself", function()
    local tree = { v = gw.scalar(1.0) }
    tree.me = tree
    local made = again(gw.objects(tree))
    assert.equal(made.root, made.root.me)
    assert.same({ "v" }, paths(made))
  end)

  it("takes ckpt.vars as a dictionary, with their names as full names", function()
    local source = gw.variables { ["scoped/c"] = gw.scalar(3.0), a = gw.scalar(1.0) }
    source:rename("^a$", "b")
    local made = gw.objects { vars = source.vars }
    assert.same({ "b", "scoped/c" }, names(made.root.vars))
    assert.equal("scoped/c", gw.graph.full_name(made.root.vars["scoped/c"]))
    assert.equal("b", gw.graph.full_name(made.root.vars.b))
    assert.equal("Variable", gw.graph.full_name(gw.objects({ x = gw.scalar(1) }).root.x))
  end)

  it("has full names that are text, whatever bytes a key has", function()
    local source = gw.variables { ["\xff"] = gw.scalar(1.0) }
    assert.equal("Variable", gw.graph.full_name(again(gw.objects { x = source.vars["\xff"] }).root.x))
    assert.matches("UTF-8", failure(gw.objects, { x = gw.variable(gw.scalar(1), { full_name = "\xff" }) }).what, 1, true)
  end)

  for what, make in pairs {
    ["the list has a hole"] = function() gw.objects { l = { gw.scalar(1), nil, gw.scalar(2) } } end,
    ["has names or is a list, not both"] = function() gw.objects { l = { gw.scalar(1), x = gw.scalar(2) } } end,
    ["an object is a tensor, a table or an object of a checkpoint, not a number"] = function() gw.objects { l = { 1.5 } } end,
    ["a child's name cannot be empty"] = function() gw.objects { [""] = gw.scalar(1) } end,
    ["UTF-8"] = function() gw.objects { ["\xff"] = gw.scalar(1) } end,
    ["has the key 'a' twice"] = function() gw.dict { { "a", gw.scalar(1) }, { "a", gw.scalar(2) } } end,
    ["there is no option 'counter'"] = function() gw.objects({}, { counter = 1 }) end,
    ["takes a tensor"] = function() gw.variable(1) end,
    ["there is no option 'name'"] = function() gw.variable(gw.scalar(1), { name = "x" }) end,
  } do
    it(("refuses what is wrong: %s"):format(what), function()
      local problem = failure(make)
      assert.matches(what, problem.what, 1, true)
      assert.matches("^spec/graph_spec.lua:%d+$", problem.line)
    end)
  end
end)

describe("a node", function()
  local ckpt
  before_each(function() ckpt = model() end)

  it("has its children as fields, in the graph's order", function()
    assert.same({ "blocks", "head" }, names(ckpt.root.net))
    assert.equal(3, #ckpt.root.net.blocks)
    assert.equal(ckpt.root.net, ckpt.root.net)
    assert.equal("object net with 2 children", tostring(ckpt.root.net))
    assert.equal("variable net/head: float32[] 3.0", tostring(ckpt.root.net.head))
  end)

  it("says what it has when a child is not there", function()
    assert.equal("net has no child 'body' (it has blocks, head)", failure(function() return ckpt.root.net.body end).what)
    assert.equal("net/head is a variable and has no child 'x' (gw.graph.tensor gives its tensor)", failure(function() return ckpt.root.net.head.x end).what)
    assert.matches('position 0 of a list is "0"', failure(function() return ckpt.root.net.blocks[0] end).what, 1, true)
    assert.matches("has no child 'gone'", failure(function() ckpt.root.net.gone = nil end).what, 1, true)
  end)

  it("takes a tensor as a variable's value, wherever the variable is", function()
    ckpt.root.also = ckpt.root.net.head
    ckpt.root.also = gw.scalar(9.0)
    assert.equal(9.0, gw.graph.tensor(ckpt.root.net.head):value())
    assert.equal(ckpt.root.also, ckpt.root.net.head)
  end)

  it("serves as a tensor", function()
    local made = gw.variables { a = ckpt.root.net.head }
    assert.equal(3.0, made.vars.a:value())
    assert.equal(1.0, (7.0 - ckpt.root.net.head * 2):value())
    assert.same({ 3.0, -3.0 }, gw.stack({ ckpt.root.net.head, -ckpt.root.net.head }, 0):value())
    assert.matches("net is no variable", failure(function() gw.variables { a = ckpt.root.net } end).what, 1, true)
  end)

  it("leads elsewhere in its place, or gets a new child last", function()
    ckpt.root.net.blocks = { gw.scalar(5.0) }
    ckpt.root.net.extra = gw.scalar(6.0)
    assert.same({ "blocks", "head", "extra" }, names(ckpt.root.net))
    assert.same({ "net/blocks/0", "net/extra", "net/head", "save_counter", "step" }, paths(ckpt))
  end)

  it("lists what was taken away as dropped, by the line that did it, and brings it back when it returns", function()
    local original = again(ckpt)
    local head = original.root.net.head
    original.root.net.head = nil -- the line
    assert.same({ "net/blocks/0/w", "net/blocks/1/w", "net/blocks/2/w", "save_counter", "step" }, paths(original))
    local dropped = original:plan().outputs[1].dropped
    assert.equal(1, #dropped)
    assert.equal("net/head" .. SUFFIX, dropped[1].name)
    assert.matches("^spec/graph_spec.lua:%d+$", dropped[1].line)
    original.root.net.head = head
    local plan = original:plan()
    assert.equal(0, #plan.outputs[1].dropped)
    for _, entry in ipairs(plan.outputs[1].tensors) do assert.equal("unchanged", entry.action, entry.name) end
  end)
end)

describe("gw.graph", function()
  local ckpt
  before_each(function() ckpt = model() end)

  it("asks", function()
    assert.is_true(gw.graph.has(ckpt.root, "net"))
    assert.is_false(gw.graph.has(ckpt.root, "nets"))
    assert.equal(ckpt.root.net.blocks["2"].w, gw.graph.find(ckpt.root, "net/blocks/2/w"))
    assert.is_nil(gw.graph.find(ckpt.root, "net/blocks/3/w"))
    assert.equal(ckpt.root, gw.graph.find(ckpt.root, ""))
    assert.equal("net/blocks/2/w", gw.graph.path(ckpt.root.net.blocks["2"].w))
    assert.equal("", gw.graph.path(ckpt.root))
    assert.equal(3, #gw.graph.list(ckpt.root.net.blocks))
    assert.matches("takes a list", failure(function() gw.graph.list(ckpt.root.net) end).what, 1, true)
  end)

  it("walks breadth first, each object once", function()
    ckpt.root.net.blocks["0"].up = ckpt.root
    local found = {}
    for path, node in gw.graph.walk(ckpt.root) do
      found[#found + 1] = path
      assert.equal(path, gw.graph.path(node))
    end
    assert.same({ "", "net", "step", "save_counter", "net/blocks", "net/head", "net/blocks/0", "net/blocks/1", "net/blocks/2",
      "net/blocks/0/w", "net/blocks/1/w", "net/blocks/2/w" }, found)
  end)

  it("renames in place", function()
    gw.graph.rename(ckpt.root.net, "blocks", "layers")
    assert.same({ "layers", "head" }, names(ckpt.root.net))
    assert.equal(1.0, value(ckpt, "net/layers/1/w"))
    assert.equal("net already has a child 'head'", failure(gw.graph.rename, ckpt.root.net, "layers", "head").what)
  end)

  it("reorders lists: place i gets what was at order[i]", function()
    gw.graph.reorder(ckpt.root.net.blocks, { 2, 0, 1 })
    assert.equal(2.0, value(ckpt, "net/blocks/0/w"))
    assert.equal(0.0, value(ckpt, "net/blocks/1/w"))
    for order, why in pairs {
      [{ 0, 1 }] = "the list has 3 elements, and 2 positions are given", [{ 0, 1, 3 }] = "'3' is no position of this list",
      [{ 0, 1, 1 }] = "position 1 is given twice",
    } do
      assert.matches(why, failure(gw.graph.reorder, ckpt.root.net.blocks, order).what, 1, true)
    end
  end)

  it("puts children in another order", function()
    gw.graph.order(ckpt.root, { "step", "save_counter", "net" })
    assert.same({ "step", "save_counter", "net" }, names(again(ckpt).root))
    assert.matches("'step' is not named", failure(gw.graph.order, ckpt.root, { "net", "save_counter" }).what, 1, true)
  end)

  it("moves, but nothing below itself", function()
    gw.graph.move(ckpt.root.net, "head", ckpt.root, "top")
    assert.same({ "net", "step", "top", "save_counter" }, names(again(ckpt).root))
    assert.equal(3.0, value(ckpt, "top"))
    assert.matches("below itself", failure(gw.graph.move, ckpt.root, "net", ckpt.root.net.blocks).what, 1, true)
  end)

  it("wraps, and unwraps by assigning the root", function()
    ckpt.root = gw.graph.wrap("model", ckpt.root)
    assert.same({ "model", "save_counter" }, names(ckpt.root))
    assert.equal(7, value(ckpt, "model/step"))
    local counter = ckpt.root.save_counter
    ckpt.root = ckpt.root.model
    ckpt.root.save_counter = counter
    assert.same(paths(model()), paths(ckpt))
  end)

  it("changes full names", function()
    assert.equal("Variable", gw.graph.full_name(ckpt.root.step, "global_step"))
    assert.equal("global_step", gw.graph.full_name(again(ckpt).root.step))
  end)

  it("escapes as TensorFlow does", function()
    assert.equal("a.Sb..c", gw.graph.escape "a/b.c")
    assert.equal("a/b.c", gw.graph.unescape "a.Sb..c")
  end)

  it("refuses what is no object", function()
    for name, call in pairs(gw.graph) do
      if name ~= "escape" and name ~= "unescape" then
        assert.equal("recipe", failure(call, 1, 2, 3, 4).class, name)
      end
    end
    assert.matches("name-based", failure(function() return gw.variables({ a = gw.scalar(1) }).root end).what, 1, true)
  end)
end)

describe("slots", function()
  local ckpt
  before_each(function()
    ckpt = gw.objects { v = gw.scalar(1.0), opt = { iter = gw.scalar(3, "int64") } }
    gw.graph.set_slot(ckpt.root.opt, ckpt.root.v, "m", gw.scalar(2.0))
  end)

  local KEY = "v/.OPTIMIZER_SLOT/opt/m"

  it("have the variable's path and the optimizer's", function()
    assert.same({ "opt/iter", "v", KEY }, paths(ckpt))
    assert.equal("slot", ckpt:role(KEY .. SUFFIX))
    assert.equal("Variable/m", gw.graph.full_name((select(3, gw.graph.slots(ckpt.root.opt)()))))
    assert.equal(2.0, ckpt:slots("v").m:value())
  end)

  it("have names that are text", function()
    assert.matches("UTF-8", failure(gw.graph.set_slot, ckpt.root.opt, ckpt.root.v, "\xff", gw.scalar(2.0)).what, 1, true)
    assert.matches("UTF-8", failure(gw.graph.full_name, ckpt.root.v, "\xff").what, 1, true)
  end)

  it("follow their variable and their optimizer", function()
    gw.graph.rename(ckpt.root, "v", "w")
    gw.graph.rename(ckpt.root, "opt", "optimizer")
    assert.same({ "optimizer/iter", "w", "w/.OPTIMIZER_SLOT/optimizer/m" }, paths(again(ckpt)))
  end)

  it("get new values", function()
    gw.graph.set_slot(ckpt.root.opt, ckpt.root.v, "m", gw.scalar(5.0))
    assert.equal(5.0, value(ckpt, KEY))
    assert.equal(3, #ckpt)
  end)

  it("go with their variable, with their optimizer, or by their role", function()
    local other = ckpt:copy()
    ckpt.root.v = nil
    assert.same({ "opt/iter" }, paths(ckpt))
    local third = other:copy()
    other.root.opt = nil
    assert.same({ "v" }, paths(other))
    assert.equal(1, third:drop { role = "slot" })
    assert.same({ "opt/iter", "v" }, paths(again(third)))
  end)

  it("come along when optimizer and variable are copied, in whichever order", function()
    for _, order in ipairs { { "v", "opt" }, { "opt", "v" } } do
      local made = gw.objects {}
      for _, name in ipairs(order) do made.root["my_" .. name] = ckpt.root[name] end
      assert.same({ "my_opt/iter", "my_v", "my_v/.OPTIMIZER_SLOT/my_opt/m" }, paths(again(made)))
    end
    assert.same({ "v" }, paths(gw.objects { v = ckpt.root.v }))
  end)
end)

describe("copying between checkpoints", function()
  it("copies once what is copied twice", function()
    local from = model()
    local made = gw.objects { a = from.root.net, b = from.root.net.head }
    assert.equal(made.root.a.head, made.root.b)
    assert.same({ "a/blocks/0/w", "a/blocks/1/w", "a/blocks/2/w", "b" }, paths(made))
  end)

  it("keeps the full names, and carries the bytes over", function()
    local from = again(gw.objects { v = gw.variable(gw.scalar(4.0), { full_name = "scope/v" }) })
    local made = gw.objects { moved = from.root.v }
    assert.equal("scope/v", gw.graph.full_name(made.root.moved))
    assert.equal("renamed", made:plan().outputs[1].tensors[2].action)
    assert.equal("scope/v", gw.graph.full_name(gw.objects({ x = from.vars["v" .. SUFFIX] }).root.x))
  end)

  it("of a whole draft are independent", function()
    local from = model()
    gw.graph.rename(from.root, "net", "a")
    local copy = from:copy()
    gw.graph.rename(copy.root, "a", "b")
    copy.root.b.head = gw.scalar(0.5)
    assert.equal(3.0, value(from, "a/head"))
    assert.equal(0.5, value(again(copy), "b/head"))
  end)
end)

describe("bulk rules on objects", function()
  local ckpt
  before_each(function()
    local shared = { kernel = gw.scalar(1.0), bias = gw.scalar(2.0) }
    ckpt = gw.objects { model = { ["layer-0"] = shared, ["layer_with_weights-0"] = shared, empty = {} }, optimizer = { lr = gw.scalar(0.1) } }
  end)

  it("find a variable by every path", function()
    local found = {}
    for name in ckpt:each "layer_with_weights%-0/kernel" do found[#found + 1] = name end
    assert.same({}, found)
    for name in ckpt:each "layer_with_weights-0/kernel$" do found[#found + 1] = name end
    for name in ckpt:each "^model/layer-0/kernel$" do found[#found + 1] = name end
    assert.same({ "model/layer-0/kernel" .. SUFFIX, "model/layer-0/kernel" .. SUFFIX }, found)
  end)

  it("drop objects, and branches that nothing is left in", function()
    assert.equal(2, ckpt:drop "^model/layer-0/")
    assert.same({ "optimizer" }, names(ckpt.root))
    ckpt = again(ckpt)
    assert.same({ "optimizer/lr" }, paths(ckpt))
  end)

  it("leave what never had anything", function()
    ckpt:drop "bias$"
    assert.same({ "empty", "layer-0", "layer_with_weights-0" }, names(ckpt.root.model))
    assert.equal(1, ckpt:keep_only "kernel$")
    assert.same({ "model/layer-0/kernel" }, paths(ckpt))
  end)

  it("rename edges, all at once", function()
    assert.equal(2, ckpt:rename { ["model"] = "net", ["model/layer-0"] = "model/dense" })
    assert.same({ "net/dense/bias", "net/dense/kernel", "optimizer/lr" }, paths(ckpt))
    assert.same({ "empty", "dense", "layer_with_weights-0" }, names(ckpt.root.net))
    ckpt:rename("(dense|layer_with_weights-0)/kernel", "$1/weight")
    assert.same({ "net/dense/bias", "net/dense/weight", "optimizer/lr" }, paths(ckpt))
    ckpt:rename(function(path) return path:match "^net/dense/bias$" and "net/dense/b" or nil end)
    assert.equal("net/dense/b", (paths(ckpt)[1]))
  end)

  it("rename above and below with one rule", function()
    ckpt.root.model["layer-0"].layer = gw.scalar(1.0)
    ckpt:rename("layer", "l")
    assert.same({ "model/l-0/bias", "model/l-0/kernel", "model/l-0/l", "optimizer/lr" }, paths(ckpt))
  end)

  it("swap", function()
    ckpt:rename { ["model"] = "optimizer", ["optimizer"] = "model" }
    assert.same({ "model/lr", "optimizer/layer-0/bias", "optimizer/layer-0/kernel" }, paths(ckpt))
  end)

  for what, rule in pairs {
    ["that is another place"] = { "^model/", "net/" }, ["that is deeper"] = { "^model$", "a/b" },
    ["two objects would get this name"] = { "layer-0$|empty$", "x" }, ["the name would be empty"] = { "^model$", "" },
    ["no tensor matches"] = { "nothing", "x" },
  } do
    it(("refuse: %s"):format(what), function()
      local before = paths(ckpt)
      local problem = failure(ckpt.rename, ckpt, rule[1], rule[2])
      assert.matches(what, problem.what, 1, true)
      assert.same(before, paths(ckpt))
    end)
  end

  it("refuse a name that is not there", function()
    assert.matches('there is no object at "modle"', failure(ckpt.rename, ckpt, { modle = "net" }).what, 1, true)
    assert.equal(0, ckpt:rename({ modle = "net" }, { optional = true }))
  end)
end)

describe("Keras optimizers since 2.11", function()
  --- A model of `layers` with its optimizer, as Keras 2.15 saves it.
  local function trained(layers, full_names)
    local function list(kind, slot)
      local entries = {}
      for i, layer in ipairs(layers) do
        entries[i] = gw.variable(gw.scalar(10.0 * i + (kind == "m" and 1 or 2)), { full_name = ("Adam/%s/%s"):format(slot, full_names[i] .. layer) })
      end
      return entries
    end
    local weights = {}
    for i, layer in ipairs(layers) do weights[i] = { w = gw.variable(gw.scalar(1.0 * i), { full_name = full_names[i] .. layer }) } end
    local m, v = list("m", "m"), list("v", "v")
    local iterations = gw.variable(gw.scalar(5, "int64"), { full_name = "iteration" })
    local all = { iterations }
    for i in ipairs(layers) do all[#all + 1], all[#all + 2] = m[i], v[i] end
    local ckpt = gw.objects {
      model = { blocks = weights },
      optimizer = gw.dict { { "_variables", all }, { "_iterations", iterations }, { "_learning_rate", gw.scalar(0.1) }, { "_index_dict", {} },
        { "_momentums", m }, { "_velocities", v } },
    }
    return again(ckpt)
  end

  local function values(list)
    local found = {}
    for i, node in ipairs(gw.graph.list(list)) do found[i] = gw.graph.tensor(node):value() end
    return found
  end

  it("have lists that follow their variables", function()
    local ckpt = trained({ "a", "b", "c" }, { "", "", "" })
    gw.graph.reorder(ckpt.root.model.blocks, { 2, 0, 1 })
    local made = again(ckpt)
    assert.same({ 31.0, 11.0, 21.0 }, values(made.root.optimizer._momentums))
    assert.same({ 32.0, 12.0, 22.0 }, values(made.root.optimizer._velocities))
    assert.same({ 5, 31.0, 32.0, 11.0, 12.0, 21.0, 22.0 }, values(made.root.optimizer._variables))
  end)

  it("are told by order where full names are all the same", function()
    local ckpt = trained({ "", "" }, { "Variable", "Variable" })
    gw.graph.reorder(ckpt.root.model.blocks, { 1, 0 })
    assert.same({ 5, 21.0, 22.0, 11.0, 12.0 }, values(again(ckpt).root.optimizer._variables))
  end)

  it("lose the entries of what is dropped", function()
    local ckpt = trained({ "a", "b" }, { "", "" })
    ckpt:drop "blocks/0/w"
    local made = again(ckpt)
    assert.same({ 5, 21.0, 22.0 }, values(made.root.optimizer._variables))
    assert.same({ 21.0 }, values(made.root.optimizer._momentums))
  end)

  it("follow variables that went and came back, and copies that came in pieces", function()
    local ckpt = trained({ "a", "b", "c" }, { "", "", "" })
    local block = ckpt.root.model.blocks["0"]
    ckpt.root.model.blocks["0"] = nil
    assert.same({ 21.0, 31.0 }, values(again(ckpt).root.optimizer._momentums))
    ckpt.root.model.later = block
    assert.same({ 21.0, 31.0, 11.0 }, values(again(ckpt).root.optimizer._momentums))
    local made = gw.objects { o = ckpt.root.optimizer, m = ckpt.root.model }
    gw.graph.rename(made.root.m.blocks, "2", "0") -- elements are listed by their numbers
    assert.same({ 31.0, 21.0, 11.0 }, values(again(made).root.o._momentums))
    made.root.b = ckpt.root.model.later -- copied once more, from what was copied before
    assert.same({ 11.0, 31.0, 21.0 }, values(again(made).root.o._momentums))
  end)

  it("follow the names that sort a root", function()
    local ckpt = trained({ "a", "b" }, { "", "" })
    local made = gw.objects { optimizer = ckpt.root.optimizer, p = ckpt.root.model.blocks["0"], q = ckpt.root.model.blocks["1"] }
    gw.graph.rename(made.root, "p", "z")
    assert.same({ 21.0, 11.0 }, values(again(made).root.optimizer._momentums))
  end)

  it("have slots by name", function()
    local ckpt = trained({ "a", "b" }, { "", "" })
    local found = {}
    for slot, variable, node in gw.graph.slots(ckpt.root.optimizer) do
      found[#found + 1] = ("%s %s %g"):format(slot, gw.graph.path(variable), gw.graph.tensor(node):value())
    end
    assert.same({ "m model/blocks/0/w 11", "m model/blocks/1/w 21", "v model/blocks/0/w 12", "v model/blocks/1/w 22" }, found)
    gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.model.blocks["1"].w, "v", gw.scalar(0.5))
    assert.equal(0.5, ckpt:slots("model/blocks/1/w").v:value())
    assert.matches("has none called", failure(gw.graph.set_slot, ckpt.root.optimizer, ckpt.root.model.blocks["1"].w, "x", gw.scalar(0.5)).what, 1, true)
  end)

  it("are left alone by a rename, when copied alone, and where a recipe edits the lists itself", function()
    local ckpt = trained({ "a", "b" }, { "", "" })
    ckpt:rename("blocks", "layers")
    assert.same({ 5, 11.0, 12.0, 21.0, 22.0 }, values(ckpt.root.optimizer._variables))
    assert.same({ 11.0, 21.0 }, values(again(gw.objects { o = ckpt.root.optimizer }).root.o._momentums))
    gw.graph.reorder(ckpt.root.optimizer._momentums, { 1, 0 })
    gw.graph.reorder(ckpt.root.model.layers, { 1, 0 })
    assert.same({ 12.0, 22.0 }, values(again(ckpt).root.optimizer._velocities))
  end)

  it("refuse what they cannot follow", function()
    -- Two orders are possible: that of assignment and that of names; nothing tells which it was.
    local first, second = gw.variable(gw.scalar(1.0), { full_name = "v" }), gw.variable(gw.scalar(2.0), { full_name = "v" })
    local ckpt = gw.objects { model = gw.dict { { "z", first }, { "a", second } } }
    local iterations = gw.variable(gw.scalar(5, "int64"))
    local m = { gw.variable(gw.scalar(1.0), { full_name = "Adam/m/v" }), gw.variable(gw.scalar(2.0), { full_name = "Adam/m/v" }) }
    ckpt.root.optimizer = gw.dict { { "_variables", { iterations, m[1], m[2] } }, { "_iterations", iterations }, { "_momentums", m } }
    ckpt = again(ckpt)
    gw.graph.order(ckpt.root.model, { "a", "z" })
    local problem = failure(ckpt.plan, ckpt)
    assert.matches("it cannot be told which entry is whose", problem.what, 1, true)
    assert.matches("gw.graph.reorder", problem.hint, 1, true)
    assert.equal("optimizer", problem.key)
    assert.matches("^spec/graph_spec.lua:%d+$", problem.line)
  end)
end)

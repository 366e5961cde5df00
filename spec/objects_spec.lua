-- Object-based checkpoints (tf.train.Checkpoint, Keras): their values can be replaced; their keys follow from the object
-- graph and can be read, but neither come, go nor change.

local gw = require "godwit"
local failure = require "spec.support.failure"
local scratch = require "spec.support.scratch"

local TF2, KERAS = scratch.GUIDE .. "tf2-ckpt-1", scratch.GUIDE .. "keras-weights"
local VARIABLE = "variables/0/.ATTRIBUTES/VARIABLE_VALUE"
local GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

local function here(offset) return ("spec/objects_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

local function names_of(ckpt, which)
  local names = {}
  for name in ckpt:each(which) do names[#names + 1] = name end
  return names
end

describe("an object-based draft", function()
  local ckpt
  before_each(function() ckpt = gw.open(TF2) end)

  it("says so", function() assert.equal("objects", ckpt.kind) end)

  it("has the tensors under their keys, without the object graph itself", function()
    assert.same({ "save_counter/.ATTRIBUTES/VARIABLE_VALUE", VARIABLE, "variables/1/.ATTRIBUTES/VARIABLE_VALUE",
      "variables/2/.ATTRIBUTES/VARIABLE_VALUE" }, names_of(ckpt))
    assert.equal(4, #ckpt)
    assert.is_false(ckpt:has(GRAPH))
    assert.matches("there is no tensor", failure(function() return ckpt.vars[GRAPH] end).what, 1, true)
  end)

  it("knows the roles of its keys", function()
    assert.equal("counter", ckpt:role "save_counter/.ATTRIBUTES/VARIABLE_VALUE")
    assert.equal("weight", ckpt:role(VARIABLE))
    assert.same({ "save_counter/.ATTRIBUTES/VARIABLE_VALUE" }, names_of(ckpt, { role = "counter" }))
  end)

  it("takes new values under its keys, and saves them beside the same graph", function()
    local folder = scratch.folder()
    ckpt.vars[VARIABLE] = gw.scalar(42.0)
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.equal("objects", out.kind)
    assert.equal(42.0, out.vars[VARIABLE]:value())
    for name, tensor in gw.open(TF2):each() do
      if name ~= VARIABLE then assert.is_true(out.vars[name]:equal(tensor), name) end
    end
  end)

  it("gives the very bytes back when every value is replaced by itself", function()
    local folder = scratch.folder()
    for _, path in ipairs { TF2, KERAS } do
      local draft = gw.open(path)
      for name, tensor in draft:each() do draft.vars[name] = tensor end
      draft:save(folder .. "/out", { force = true })
      assert.same(scratch.files_of(path), scratch.files_of(folder .. "/out"))
    end
  end)

  it("maps values", function()
    assert.equal(3, ckpt:map("^variables/", function(t, name) return gw.full(t.shape, tonumber(name:match "%d"), t.dtype) end))
    assert.equal(2.0, ckpt.vars["variables/2/.ATTRIBUTES/VARIABLE_VALUE"]:value())
  end)

  it("plans the graph as an unchanged tensor", function()
    ckpt.vars[VARIABLE] = gw.scalar(42.0)
    local plan = ckpt:plan()
    assert.equal("objects", plan.outputs[1].kind)
    local actions = {}
    for _, entry in ipairs(plan.outputs[1].tensors) do actions[entry.name] = entry.action end
    assert.equal("unchanged", actions[GRAPH])
    assert.equal("new", actions[VARIABLE])
  end)

  for what, edit in pairs {
    ["adding a key"] = function(draft) draft.vars.new = gw.scalar(1) end,
    ["removing a key"] = function(draft) draft.vars[VARIABLE] = nil end,
    ["replacing the graph"] = function(draft) draft.vars[GRAPH] = gw.strings "" end,
    rename_scope = function(draft) draft:rename_scope("variables/", "v/") end,
    merge = function(draft) draft:merge(gw.variables { a = gw.scalar(1) }) end,
    ["merge into another"] = function(draft) gw.variables({ a = gw.scalar(1) }):merge(draft) end,
  } do
    it(("refuses %s and says what works instead"):format(what), function()
      local problem = failure(edit, ckpt)
      assert.matches("the keys of an object-based checkpoint follow from its object graph", problem.what, 1, true)
      assert.matches("gw.variables(ckpt.vars)", problem.hint, 1, true)
      assert.matches("^spec/objects_spec.lua:%d+$", problem.line)
      assert.equal(4, #ckpt)
    end)
  end

  it("becomes a name-based one by gw.variables", function()
    local folder = scratch.folder()
    local tensors = {}
    for name, tensor in ckpt:each "^variables" do tensors[name:match("^(.-)/%.ATTRIBUTES")] = tensor end
    gw.variables(tensors):save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.equal("variables", out.kind)
    assert.same({ "variables/0", "variables/1", "variables/2" }, names_of(out))
  end)

  it("refuses removing a key that is not there by its nearest names, like any other", function()
    local problem = failure(function() ckpt.vars["variables/9"] = nil end)
    assert.matches('there is no tensor "variables/9"', problem.what, 1, true)
    assert.equal(here(-2), problem.line)
  end)
end)

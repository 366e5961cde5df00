-- ckpt:plan(): what saving a draft would do, as data.

local gw = require "godwit"
local failure = require "spec.support.failure"
local scratch = require "spec.support.scratch"

local NAMES = scratch.KINDS .. "names"

local function here(offset) return ("spec/plans_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

local function entries_of(plan)
  local entries = {}
  for _, entry in ipairs(plan.outputs[1].tensors) do entries[entry.name] = entry end
  return entries
end

describe("the plan of an untouched checkpoint", function()
  local plan = gw.open(NAMES):plan()

  it("keeps every tensor, in key order", function()
    local names = {}
    for i, entry in ipairs(plan.outputs[1].tensors) do
      names[i] = entry.name
      assert.equal("unchanged", entry.action)
      assert.same({ entry.name }, entry.from)
      assert.equal(entry.name, entry.expression)
      assert.is_nil(entry.line)
    end
    assert.same({ "a", "dense/bias", "dense/kernel", "global_step", "π/ü" }, names)
  end)

  it("says dtype, shape and bytes of each", function()
    local entry = entries_of(plan)["dense/kernel"]
    assert.equal("float32", entry.dtype)
    assert.is_true(entry.shape == { 3, 4 })
    assert.equal(48, entry.bytes)
    assert.equal(0, entry.shard)
  end)

  it("moves all bytes, and drops and computes nothing", function()
    assert.equal(1, plan.schema)
    assert.equal(1, #plan.outputs)
    assert.equal("variables", plan.outputs[1].kind)
    assert.same({}, plan.outputs[1].dropped)
    assert.same({ 92, 0, 0, 0 }, { plan.bytes_moved, plan.bytes_computed, plan.bytes_shared, plan.bytes_unverified })
  end)
end)

describe("a plan", function()
  local ckpt
  before_each(function() ckpt = gw.open(NAMES) end)

  it("calls a new name renamed, says from which, and at which line", function()
    ckpt:rename_scope("dense/", "layer/")
    local line = here(-1)
    local entry = entries_of(ckpt:plan())["layer/kernel"]
    assert.equal("renamed", entry.action)
    assert.same({ "dense/kernel" }, entry.from)
    assert.equal("dense/kernel", entry.expression)
    assert.equal(line, entry.line)
  end)

  it("calls a name that came back unchanged", function()
    ckpt:rename_scope("dense/", "layer/")
    ckpt:rename_scope("layer/", "dense/")
    assert.equal("unchanged", entries_of(ckpt:plan())["dense/kernel"].action)
  end)

  it("calls what no input has new, with the expression that makes it", function()
    ckpt.vars.b = gw.zeros { 2, 3 }
    local line = here(-1)
    local entry = entries_of(ckpt:plan()).b
    assert.equal("new", entry.action)
    assert.same({}, entry.from)
    assert.equal("zeros([2,3], float32)", entry.expression)
    assert.equal(line, entry.line)
    assert.is_nil(entry.replaces)
  end)

  it("says which tensor of the input a new value replaces", function()
    ckpt.vars.a = gw.scalar(5)
    local entry = entries_of(ckpt:plan()).a
    assert.equal("new", entry.action)
    assert.equal("a", entry.replaces)
    assert.equal("scalar(5, int32)", entry.expression)
  end)

  it("calls a second name for one tensor renamed", function()
    ckpt.vars.b = ckpt.vars.a
    local entries = entries_of(ckpt:plan())
    assert.equal("unchanged", entries.a.action)
    assert.equal("renamed", entries.b.action)
    assert.same({ "a" }, entries.b.from)
  end)

  it("lists what is dropped, with the line that did it", function()
    ckpt:drop "^dense/"
    ckpt.vars.a = nil
    local line, last = here(-2), here(-1)
    assert.same({ { name = "a", line = last }, { name = "dense/bias", line = line }, { name = "dense/kernel", line = line } },
      ckpt:plan().outputs[1].dropped)
  end)

  it("lists under its old name what was renamed and then dropped", function()
    ckpt:rename { a = "b" }
    ckpt.vars.b = nil
    assert.equal("a", ckpt:plan().outputs[1].dropped[1].name)
  end)

  it("does not list as dropped what lives on under another name", function()
    ckpt.vars.b = ckpt.vars.a
    ckpt.vars.a = nil
    assert.same({}, ckpt:plan().outputs[1].dropped)
  end)

  it("does not list what came and went", function()
    ckpt.vars.b = gw.scalar(1)
    ckpt.vars.b = nil
    assert.same({}, ckpt:plan().outputs[1].dropped)
  end)

  it("adds up bytes by what happens to them", function()
    ckpt.vars.b = gw.zeros({ 5 }, "int64")
    ckpt.vars.a = nil
    local plan = ckpt:plan()
    assert.same({ 80, 40, 0, 0 }, { plan.bytes_moved, plan.bytes_computed, plan.bytes_shared, plan.bytes_unverified })
  end)

  it("knows what linking would share, unverified", function()
    ckpt.vars.b = gw.zeros({ 5 }, "int64")
    local plan = ckpt:plan { data = "link" }
    assert.same({ 0, 40, 92, 92 }, { plan.bytes_moved, plan.bytes_computed, plan.bytes_shared, plan.bytes_unverified })
    assert.equal(0, ckpt:plan({ data = "link", verify = true }).bytes_unverified)
    assert.equal(92, ckpt:plan({ no_verify = true }).bytes_unverified)
  end)

  it("knows the shard of each tensor", function()
    local shards = {}
    for _, entry in ipairs(ckpt:plan({ shards = 2 }).outputs[1].tensors) do shards[#shards + 1] = entry.shard end
    assert.same({ 0, 0, 1, 1, 1 }, shards) -- 28 of 92 bytes are nearer to half than 76
  end)

  it("is no view: later edits do not change it", function()
    local plan = ckpt:plan()
    ckpt.vars.a = nil
    assert.equal(5, #plan.outputs[1].tensors)
  end)

  it("of tensors from several checkpoints says their names there", function()
    local other = gw.open(scratch.KINDS .. "two-shards")
    other:drop "^a$"
    ckpt:merge(other)
    local line = here(-1)
    local entry = entries_of(ckpt:plan()).b
    assert.same({ "b" }, entry.from)
    assert.equal(line, entry.line)
    assert.equal(8, #ckpt:plan().outputs[1].tensors)
  end)

  it("of a draft without tensors cannot be made", function()
    ckpt:drop "."
    local problem = failure(function() ckpt:plan() end)
    assert.matches("the checkpoint to write has no tensors", problem.what, 1, true)
    assert.equal("recipe", problem.class)
    assert.equal(here(-3), problem.line)
  end)

  it("knows before anything is written that data is missing", function()
    local folder = scratch.folder()
    scratch.write(folder .. "/x.index", scratch.read(NAMES .. ".index"))
    local draft = gw.open(folder .. "/x")
    local problem = failure(function() draft:plan() end)
    assert.equal("damaged", problem.class)
    assert.equal(folder .. "/x.data-00000-of-00001", problem.file)
    assert.equal("the data file is missing", problem.what)
    assert.matches("copy it beside", problem.hint, 1, true)
  end)

  for what, case in pairs {
    ["an unknown option"] = { { shard = 2 }, "there is no option 'shard'" },
    ["an unknown way"] = { { data = "move" }, "option 'data' is copy, clone or link, not 'move'" },
    ["a way that is no string"] = { { data = 3 }, "option 'data' is copy, clone or link, not 'number'" },
    ["a shard count that is none"] = { { shards = 1.5 }, "option 'shards' must be a whole number from 0 to 99999" },
    ["more shards than tensors"] = { { shards = 6 }, "6 shards for 5 tensors" },
    ["shards with linked data"] = { { shards = 2, data = "link" }, "--data link keeps the input's shards: it cannot be combined with --shards" },
  } do
    it(("refuses %s"):format(what), function()
      local problem = failure(function() ckpt:plan(case[1]) end)
      assert.equal(case[2], problem.what)
      assert.equal(here(-2), problem.line)
    end)
  end
end)

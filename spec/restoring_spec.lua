-- ckpt:restore, ckpt:like, ckpt:assert_like. What TensorFlow does in each case is asked in spec/tensorflow/match_test.py; here is what
-- Lua sees of it.

local gw = require "godwit"
local scratch = require "spec.support.scratch"

local GUIDE = "spec/fixtures/valid/guide/"

local function model(a, b, counter)
  return gw.objects({ net = { a = gw.scalar(a), b = { gw.scalar(b) } } }, counter and { save_counter = counter } or nil)
end

local function value(ckpt, path) return ckpt.vars[path .. "/.ATTRIBUTES/VARIABLE_VALUE"]:value() end

local function names(list)
  local found = {}
  for i, item in ipairs(list) do found[i] = item.name end
  return found
end

describe("restoring", function()
  it("takes over values by structure", function()
    local fresh, old = model(0, 0), model(1, 2)
    local report = fresh:restore(old)
    assert.is_true(report.consumed and report.existing)
    assert.is_false(report.raises or report.by_names)
    assert.equal("read", report.mode)
    assert.equal(1, value(fresh, "net/a"))
    assert.equal(2, value(fresh, "net/b/0"))
    assert.equal("net/a/.ATTRIBUTES/VARIABLE_VALUE", report.restored[1].key)
    assert.equal(2, report:count "restored")
    assert.equal(0, report:count "missing")
  end)

  it("keeps what the source lacks, and says so", function()
    local fresh, old = model(0, 0, 5), gw.objects { net = { a = gw.scalar(1), c = gw.scalar(3) } }
    local report = fresh:restore(old)
    assert.same({ "(root).net.b.0", "(root).save_counter" }, names(report.missing))
    assert.same({ "(root).net.c" }, names(report.unexpected))
    assert.is_false(report.consumed or report.existing)
    assert.equal("restore", report.mode)
    assert.equal(1, value(fresh, "net/a"))
    assert.equal(0, value(fresh, "net/b/0"))
    assert.equal(5, value(fresh, "save_counter"))
  end)

  it("edits nothing when TensorFlow would raise, and names the variable", function()
    local fresh, old = model(0, 0), gw.objects { net = { a = gw.scalar(1), b = { gw.zeros { 3 } } } }
    assert.error_matches(function() fresh:restore(old) end, "%(root%)%.net%.b%.0: tensor_name = net/b/0.*expected dtype int32.*original dtype float")
    assert.equal(0, value(fresh, "net/a"))
    old.root.net.b["0"] = gw.zeros({ 3 }, "int32")
    assert.error_matches(function() fresh:restore(old) end, "incompatible tensor with shape %(3,%) when attempting to restore variable with shape %(%)")
    assert.is_true(old:like(fresh).raises)
    assert.same({ "(root).net.b.0" }, names(old:like(fresh).mismatched))
  end)

  it("sees what recipes have edited", function()
    local fresh, old = model(0, 0), model(1, 2)
    gw.graph.rename(old.root, "net", "model")
    gw.graph.rename(fresh.root, "net", "model")
    old.root.model.b = nil
    old.root.model.c = gw.scalar(7)
    old.root = gw.graph.wrap("outer", old.root)
    fresh.root = gw.graph.wrap("outer", fresh.root)
    local report = fresh:restore(old)
    assert.same({ "(root).outer.model.b.0" }, names(report.missing))
    assert.same({ "(root).outer.model.c" }, names(report.unexpected))
    assert.equal(1, value(fresh, "outer/model/a"))
    local folder = scratch.folder()
    fresh:save(folder .. "/out")
    assert.equal(1, value(gw.open(folder .. "/out"), "outer/model/a"))
  end)

  it("restores parts, by path or by object", function()
    local fresh, old = gw.objects { x = { n = { a = gw.scalar(0), b = { gw.scalar(0) } } }, a = gw.scalar(9) }, model(1, 2, 3)
    for _, options in ipairs { { from = "net", into = "x/n" }, { from = old.root.net, into = fresh.root.x.n } } do
      local report = fresh:restore(old, options)
      assert.is_true(report.consumed)
      assert.equal(1, value(fresh, "x/n/a"))
      assert.equal(9, value(fresh, "a"))
    end
    assert.error_matches(function() fresh:restore(old, { from = "net/z" }) end, 'there is no object "z" on this path')
    assert.error_matches(function() fresh:restore(old, { from = fresh.root.x }) end, "from is a node of another checkpoint")
    assert.error_matches(function() fresh:restore(old, { from = 1 }) end, "from is an object")
    assert.error_matches(function() fresh:restore(gw.variables { a = gw.scalar(1) }, { into = "x" }) end, "one of the two checkpoints is name%-based")
  end)

  it("makes the slots that TensorFlow makes", function()
    local old = gw.objects { o = { iter = gw.scalar(4, "int64") }, v = gw.tensor { 1.0, 2.0 } }
    gw.graph.set_slot(old.root.o, old.root.v, "m", gw.tensor { 3.0, 4.0 })
    local fresh = gw.objects { o = { iter = gw.scalar(0, "int64") }, v = gw.tensor { 0.0, 0.0 } }
    local report = fresh:restore(old)
    assert.is_true(report.consumed)
    assert.same({ "(root).o's state 'm' for (root).v" }, names(report.notes))
    assert.same({ 3.0, 4.0 }, value(fresh, "v/.OPTIMIZER_SLOT/o/m"))
    assert.is_true(fresh:like(old).consumed)
    fresh.vars["v/.OPTIMIZER_SLOT/o/m/.ATTRIBUTES/VARIABLE_VALUE"] = gw.zeros { 2 }
    assert.equal(0, fresh:restore(old):count "notes")
    assert.same({ 3.0, 4.0 }, value(fresh, "v/.OPTIMIZER_SLOT/o/m"))
  end)

  it("makes slots of slots, which only an odd file has", function()
    local old = gw.objects { o = { iter = gw.scalar(4, "int64") }, v = gw.tensor { 1.0, 2.0 } }
    gw.graph.set_slot(old.root.o, old.root.v, "m", gw.tensor { 3.0, 4.0 })
    for _, _, m in gw.graph.slots(old.root.o) do gw.graph.set_slot(old.root.o, m, "n", gw.tensor { 5.0, 6.0 }) end
    local fresh = gw.objects { o = { iter = gw.scalar(0, "int64") }, v = gw.tensor { 0.0, 0.0 } }
    local report = fresh:restore(old)
    assert.same({ "(root).o's state 'm' for (root).v", "(root).o's state 'n' for (root).o's state 'm' for (root).v" }, names(report.notes))
    assert.equal(#old, #fresh)
  end)

  it("goes by names where one is name-based", function()
    local objects = gw.open(GUIDE .. "tf2-lists-1")
    local ckpt = gw.variables { a = gw.scalar(7.0), b = gw.scalar(8.0), ["scoped/c"] = gw.scalar(9.0), more = gw.scalar(1) }
    local report = objects:restore(ckpt)
    assert.is_true(report.by_names and report.existing)
    assert.same({ "more" }, names(report.unexpected))
    assert.equal(9.0, value(objects, "scoped/0"))
    local back = gw.variables { a = gw.scalar(0.0), ["scoped/c"] = gw.scalar(0.0) }
    assert.is_true(back:restore(objects).existing)
    assert.equal(7.0, back.vars.a:value())
    back.vars.z = gw.scalar(1)
    assert.equal("z", objects:like(back).missing[1].name)
  end)

  it("gives a report that reads", function()
    local text = tostring(model(1, 2):like(model(1, 2, 3)))
    assert.matches("^assert_consumed fails, assert_existing_objects_matched fails, 2 restored\n  missing    %(root%)%.save_counter", text)
    local report = model(1, 2):like(model(1, 2))
    assert.equal("assert_consumed passes, assert_existing_objects_matched passes, 2 restored", tostring(report))
    assert.error_matches(function() return report.nothing end, "a report has no field 'nothing'")
    report:close()
    assert.error_matches(function() return report.consumed end, "closed")
  end)

  it("reads or restores as it is asked to", function()
    assert.is_true(model(1, 2):like(model(0, 0, 1), { as = "read" }).consumed)
    assert.is_false(model(1, 2):like(model(0, 0), { as = "restore" }).existing)
    assert.error_matches(function() model(1, 2):like(model(0, 0), { as = "load" }) end, 'as is "restore" or "read", not load')
    assert.error_matches(function() model(1, 2):like(model(0, 0), { how = "read" }) end, "there is no option 'how'")
    assert.error_matches(function() model(1, 2):restore(model(0, 0), { as = "read" }) end, "there is no option 'as'")
    assert.error_matches(function() model(1, 2):restore "path" end, "restore takes a checkpoint, not a string")
    local ckpt = model(1, 2)
    assert.error_matches(function() ckpt:restore(ckpt) end, "cannot be restored from itself")
  end)

  it("asserts", function()
    local old, fresh = model(1, 2, 3), model(0, 0)
    assert.is_true(old:assert_like(fresh, "existing").existing)
    assert.error_matches(function() old:assert_like(fresh) end, 'not "consumed".*unexpected %(root%)%.save_counter')
    assert.error_matches(function() old:assert_like(fresh, "everything") end, 'the assertion is "consumed" or "existing", not everything')
    local ckpt = gw.variables { a = gw.scalar(1), b = gw.scalar(2) }
    assert.is_true(ckpt:assert_like(gw.variables { a = gw.scalar(0) }).existing)
    assert.has_error(function() ckpt:assert_like(gw.variables { a = gw.scalar(0) }, "consumed") end)
  end)
end)

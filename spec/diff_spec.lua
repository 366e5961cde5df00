-- godwit diff: what differs between two checkpoints, as text, as JSON, as an exit code. spec/c/diff_test.c compares elements
-- of every dtype with a plain rule.

local gw = require "godwit"
local json = require "spec.support.json"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local KINDS, GUIDE = scratch.KINDS, scratch.GUIDE

local folder
before_each(function() folder = scratch.folder() end)

local function save(name, tensors)
  local draft = type(tensors) == "table" and gw.variables(tensors) or tensors
  draft:save(folder .. "/" .. name)
  return folder .. "/" .. name
end

--- What `diff --json` says of two tables of tensors: {name = row}, the document, the exit code.
local function diff(a, b, ...)
  local out, err, status = program.run("diff", "--json", type(a) == "string" and a or save("a", a), type(b) == "string" and b or save("b", b), ...)
  assert.equal("", err)
  local found, rows = json.parse(out), {}
  for _, row in ipairs(found.tensors) do rows[row.name] = row end
  assert.equal(found.same and 0 or 1, status)
  return rows, found, status
end

local function changes(rows)
  local list = {}
  for name, row in pairs(rows) do list[#list + 1] = name .. " " .. row.change end
  table.sort(list)
  return list
end

describe("diff", function()
  it("says that a checkpoint is like itself, whatever its kind", function()
    for _, prefix in ipairs { "dtypes", "empty", "names", "objects", "partitioned", "strings", "two-shards", "variants" } do
      local out, err, status = program.run("diff", KINDS .. prefix, KINDS .. prefix)
      assert.same({ "", 0 }, { err, status }, prefix)
      assert.matches("· the same · %d+ tensors? · [%d.]+ k?B compared\n$", out)
    end
  end)

  it("finds what was added, removed, changed in dtype, shape and value", function()
    local rows, found = diff(
      { kept = gw.scalar(1.0), gone = gw.scalar(2.0), cast = gw.scalar(1.0),
        longer = gw.zeros { 2, 3 }, other = gw.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } } },
      { kept = gw.scalar(1.0), new = gw.scalar(3.0), cast = gw.scalar(1.0, "float64"),
        longer = gw.zeros { 2, 4 }, other = gw.tensor { { 1.0, 2.5 }, { 7.0, 4.0 } } })
    assert.same({ "cast type", "gone removed", "longer type", "new added", "other values" }, changes(rows))
    assert.same({ same = 1, values = 1, type = 2, added = 1, removed = 1 }, found.counts)
    assert.same({ dtype = "float32", shape = {}, bytes = 4 }, rows.cast.a)
    assert.same({ dtype = "float64", shape = {}, bytes = 8 }, rows.cast.b)
    assert.same({ { 2, 3 }, { 2, 4 } }, { rows.longer.a.shape, rows.longer.b.shape })
    assert.is_nil(rows.gone.b)
    assert.is_nil(rows.new.a)
    assert.same({ 4, 2, { difference = 4, at = { 1, 0 }, a = 3, b = 7 } }, { rows.other.elements, rows.other.different, rows.other.largest })
  end)

  it("compares integers exactly", function()
    local big = math.maxinteger
    local rows = diff(
      { i = gw.scalar(big, "int64"), far = gw.scalar(math.mininteger, "int64"), u = gw.tensor({ "18446744073709551615", 0 }, "uint64") },
      { i = gw.scalar(big - 1, "int64"), far = gw.scalar(big, "int64"), u = gw.tensor({ "18446744073709551614", 0 }, "uint64") })
    assert.same({ difference = 1, at = {}, a = big, b = big - 1 }, rows.i.largest)
    assert.equal("18446744073709551615", rows.far.largest.difference)
    assert.same({ difference = 1, at = { 0 }, a = "18446744073709551615", b = "18446744073709551614" }, rows.u.largest)
  end)

  it("takes NaN for NaN, an infinity for itself alone, and -0 for 0", function()
    local nan, inf = 0 / 0, math.huge
    local rows, found = diff({ x = gw.tensor { nan, inf, -inf, 0.0 }, y = gw.tensor { 1.0, 5.0, inf }, z = gw.tensor { inf, 9.0 } },
      { x = gw.tensor { nan, inf, -inf, -0.0 }, y = gw.tensor { nan, 6.0, -inf }, z = gw.tensor { 1.0, 1.0 } }, "--rtol", "2", "--atol", "100")
    assert.same({ "y values", "z values" }, changes(rows))
    assert.equal(1, found.counts.same)
    assert.same({ 2, { difference = "NaN", at = { 0 }, a = 1, b = "NaN" } }, { rows.y.different, rows.y.largest })
    assert.same({ 1, { difference = "Infinity", at = { 0 }, a = "Infinity", b = 1 } }, { rows.z.different, rows.z.largest })
  end)

  it("takes tolerances as numpy.isclose does", function()
    local a, b = { x = gw.tensor({ 100.0, 1.0 }, "float64") }, { x = gw.tensor({ 101.0, 1.0 }, "float64") }
    save("a", a)
    save("b", b)
    local function status(...) return select(3, program.run("diff", "-q", folder .. "/a", folder .. "/b", ...)) end
    assert.same({ 1, 1, 0, 1, 0, 0, 0 }, { status(), status("--atol", "0.99"), status("--atol", "1"), status("--rtol", "0.0099"),
      status("--rtol", "0.00990099009901"), status("--rtol", "0.005", "--atol", "0.5"), status("--match", "y") })
    -- Relative to the second one.
    assert.equal(1, select(3, program.run("diff", "-q", folder .. "/b", folder .. "/a", "--rtol", "0.00990099009901")))
    assert.matches("the same within rtol 0, atol 1 ", (program.run("diff", folder .. "/a", folder .. "/b", "--atol", "1")), 1, true)
  end)

  it("compares complex numbers by the modulus of their difference", function()
    local a, b = { x = gw.tensor({ { 1, 2 }, { 3, 4 } }, "complex64") }, { x = gw.tensor({ { 1, 2 }, { 6, 8 } }, "complex64") }
    local rows = diff(a, b)
    assert.same({ 1, { difference = 5, at = { 1 }, a = { 3, 4 }, b = { 6, 8 } } }, { rows.x.different, rows.x.largest })
    assert.equal(0, select(3, program.run("diff", "-q", folder .. "/a", folder .. "/b", "--atol", "5")))
    assert.equal(1, select(3, program.run("diff", "-q", folder .. "/a", folder .. "/b", "--atol", "4.99")))
  end)

  it("compares strings by their bytes", function()
    local rows = diff({ s = gw.strings { "a", "b\0", "c" } }, { s = gw.strings { "a", "b\255", "d" } })
    assert.same({ 3, 2, { at = { 1 }, a = "b\0", b = { base64 = "Yv8=" } } }, { rows.s.elements, rows.s.different, rows.s.largest })
    local out = program.run("diff", folder .. "/a", folder .. "/b")
    assert.matches([[2 of 3 differ, first at [1]: "b\x00" -> "b\xff"]], out, 1, true)
  end)

  it("compares what is partitioned with what is whole", function()
    local whole = gw.open(KINDS .. "partitioned")
    local tensors = {}
    for name, tensor in whole:each() do tensors[name] = tensor:reshape { tensor.size }:reshape(tensor.shape) end
    local _, found = diff(KINDS .. "partitioned", tensors)
    assert.same({ true, 3 }, { found.same, found.counts.same })
    local first = next(tensors)
    tensors[first] = tensors[first] + gw.full({}, 1, tensors[first].dtype)
    local rows = diff(KINDS .. "partitioned", save("changed", tensors))
    assert.same({ first .. " values" }, changes(rows))
    assert.equal(rows[first].elements, rows[first].different)
  end)

  it("hints at what was renamed, by names that end alike where contents are the same", function()
    local zeros = gw.zeros { 4 }
    local rows = diff({ ["old/a/bias"] = zeros, ["old/b/bias"] = zeros, ["old/kernel"] = gw.scalar(7.0), lone = gw.scalar(1.0) },
      { ["new/b/bias"] = zeros, ["new/a/bias"] = zeros, ["new/kernel"] = gw.scalar(7.0), other = gw.scalar(2.0) })
    assert.equal("new/a/bias", rows["old/a/bias"].renamed_to)
    assert.equal("old/b/bias", rows["new/b/bias"].renamed_from)
    assert.equal("old/kernel", rows["new/kernel"].renamed_from)
    assert.same({}, { rows.lone.renamed_to, rows.other.renamed_from })
  end)

  it("hints at nothing where one is in V1, which has no checksums of tensors", function()
    local V1 = "spec/fixtures/valid/v1/"
    for _, pair in ipairs { { V1 .. "saver", V1 .. "dtypes" }, { V1 .. "saver-v2", V1 .. "dtypes" }, { V1 .. "dtypes", V1 .. "saver-v2" } } do
      for _, row in pairs((diff(pair[1], pair[2]))) do assert.same({}, { row.renamed_to, row.renamed_from }) end
    end
  end)

  it("reads the values: equal checksums do not make equal tensors", function()
    local a, b = save("a", { x = gw.tensor { 1.0, 2.0 } }), save("b", { x = gw.tensor { 1.0, 3.0 } })
    -- The index of one beside the data of the other: what is stored says "the same", what is there does not.
    scratch.write(b .. ".index", scratch.read(a .. ".index"))
    local _, err, status = program.run("diff", a, b)
    assert.equal(4, status)
    assert.matches("b.data%-00000%-of%-00001: x: offset 0: the checksum of its 8 bytes does not match", err)
  end)

  it("looks only at what --match means", function()
    local a, b = { x = gw.scalar(1.0), y = gw.scalar(1.0) }, { x = gw.scalar(2.0), y = gw.scalar(1.0), yz = gw.scalar(1.0) }
    local rows, found = diff(a, b, "--match", "^y")
    assert.same({ "yz added" }, changes(rows))
    assert.equal(8, found.bytes)
    local out, err, status = program.run("diff", folder .. "/a", folder .. "/b", "--match", "nothing")
    assert.same({ 0, "godwit: no name matches nothing\n" }, { status, err })
    assert.matches("the same · 0 tensors", out, 1, true)
  end)

  it("has its fields in order", function()
    local out = program.run("diff", "--json", save("a", { x = gw.scalar(1.0), y = gw.scalar(1.0) }), save("b", { x = gw.scalar(2.0), z = gw.scalar(1.0) }))
    local function keys(object) return table.concat(json.fields(object), " ") end
    local found = json.parse(out)
    assert.equal("schema a b same rtol atol bytes counts tensors objects", keys(found))
    assert.equal("same values type added removed", keys(found.counts))
    assert.equal("name change a b elements different largest", keys(found.tensors[1]))
    assert.equal("difference at a b", keys(found.tensors[1].largest))
    assert.equal("name change a renamed_to", keys(found.tensors[2]))
    assert.equal("name change b renamed_from", keys(found.tensors[3]))
  end)

  it("is interrupted by Ctrl-C", function()
    local a = save("a", { x = gw.zeros { 64 << 20 } })
    local _, err, status = program.shell(([[
      "%s" diff %s %s 2>messages & pid=$!
      sleep 0.02; kill -INT $pid; wait $pid; code=$?; cat messages >&2; exit $code]]):format(program.PATH, a, a), folder)
    -- A fast machine may be done before.
    if status == 0 then return pending "the work was done before it could be interrupted" end
    assert.same({ 130, "godwit: interrupted\n" }, { status, err })
  end)
end)

describe("diff of object graphs", function()
  local function objects(a, b)
    local _, found = diff(a, b)
    local list = {}
    for i, change in ipairs(found.objects) do list[i] = ("%s %s%s"):format(change.change, change.path, change.what and ": " .. change.what or "") end
    return list, found
  end

  local function model() return { model = { w = gw.scalar(1.0), v = gw.scalar(2.0) } } end

  it("names objects that only one of them has", function()
    local changed = model()
    changed.model.v = nil
    changed.extra = { x = gw.scalar(1.0) }
    local list, found = objects(gw.objects(model()), gw.objects(changed))
    assert.same({ "removed model/v", "added extra" }, { list[2], list[1] })
    assert.same({ same = 1, values = 0, type = 0, added = 1, removed = 1 }, found.counts)
  end)

  it("sees what is shared in only one of them", function()
    local shared = gw.variable(gw.scalar(1.0))
    assert.same({ "shared y: is x in B, an object of its own in A" },
      objects(gw.objects { x = gw.scalar(1.0), y = gw.scalar(1.0) }, gw.objects { x = shared, y = shared }))
  end)

  it("sees other full names", function()
    assert.same({ [[full_name x: full name "Variable" -> "w"]] },
      objects(gw.objects { x = gw.variable(gw.scalar(1.0), { full_name = "Variable" }) }, gw.objects { x = gw.variable(gw.scalar(1.0), { full_name = "w" }) }))
  end)

  it("sees slots of an optimizer come and go", function()
    local function trained(slot)
      local draft = gw.objects { model = { w = gw.scalar(1.0) }, opt = { rate = gw.scalar(0.5) } }
      gw.graph.set_slot(draft.root.opt, draft.root.model.w, slot, gw.scalar(0.0))
      return draft
    end
    local list, found = objects(trained "m", trained "v")
    assert.same({ "removed opt: slot m of model/w", "added opt: slot v of model/w" }, list)
    assert.same({ 1, 1 }, { found.counts.added, found.counts.removed })
    assert.same({}, (objects(folder .. "/a", folder .. "/a")))
  end)

  it("is silent about the same graph", function()
    local a = save("a", gw.objects(model()))
    local b = gw.open(a)
    b.vars["model/w/.ATTRIBUTES/VARIABLE_VALUE"] = gw.scalar(5.0)
    local list, found = objects(a, b)
    assert.same({ {}, 1 }, { list, found.counts.values })
  end)

  it("says which of the two is object-based", function()
    local out, _, status = program.run("diff", GUIDE .. "tf1-ckpt", GUIDE .. "tf2-ckpt-1")
    assert.equal(1, status)
    assert.matches(" · different · name-based against object-based · ", out, 1, true)
  end)
end)

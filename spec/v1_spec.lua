-- Checkpoints in the V1 format of before TensorFlow 0.12: read like any other, written as V2.

local gw = require "godwit"
local json = require "spec.support.json"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local V1 = "spec/fixtures/valid/v1/"
local MANIFEST = json.parse(scratch.read(V1 .. "manifest.json")).checkpoints
local SHARDED = V1 .. "sharded-?????-of-00003"

local folder
before_each(function() folder = scratch.folder() end)

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

--- The elements of a saved tensor as the manifest has them.
local function bytes_of(t)
  gw.variables({ t = t:partition(1) }):save(folder .. "/value", { force = true })
  return hex(scratch.read(folder .. "/value.data-00000-of-00001"))
end

local function flat(value, out)
  out = out or {}
  if type(value) == "table" then
    for _, item in ipairs(value) do flat(item, out) end
  else
    out[#out + 1] = hex(value)
  end
  return out
end

describe("a V1 checkpoint", function()
  for _, case in ipairs { { "dtypes", V1 .. "dtypes" }, { "saver", V1 .. "saver" }, { "sharded", SHARDED } } do
    it("has the tensors that TensorFlow saved: " .. case[1], function()
      local ckpt, count = gw.open(case[2]), 0
      assert.same({ "v1", "variables" }, { ckpt.format, ckpt.kind })
      for name, expected in pairs(MANIFEST[case[1]]) do
        local t = ckpt.vars[name]
        count = count + 1
        assert.same({ name, expected.dtype, table.concat(expected.shape, ",") }, { name, t.dtype, table.concat(t.shape, ",") })
        if expected.bytes then assert.equal(expected.bytes, bytes_of(t), name) end
        if expected.strings then assert.same(expected.strings, flat(t:value()), name) end
      end
      assert.equal(count, #ckpt)
    end)
  end

  it("becomes what the same Saver writes in V2", function()
    gw.open(V1 .. "saver"):save(folder .. "/out")
    assert.same(scratch.files_of(V1 .. "saver-v2"), scratch.files_of(folder .. "/out"))
    gw.open(SHARDED):save(folder .. "/sharded", { threads = 3, memory = 1 })
    assert.same(scratch.files_of(V1 .. "sharded-v2"), scratch.files_of(folder .. "/sharded"))
    local _, err, status = program.run("run", "v1_to_v2", V1 .. "saver", "-o", folder .. "/recipe")
    assert.same({ 0, "" }, { status, err })
    assert.same(scratch.files_of(V1 .. "saver-v2"), scratch.files_of(folder .. "/recipe"))
  end)

  it("keeps the slices of partitioned variables, and what a recipe makes of them", function()
    local ckpt = gw.open(V1 .. "saver")
    assert.equal(3, ckpt.vars["emb/table"].parts)
    ckpt:map("emb", function(t) return t:partition(1) end)
    ckpt:rename_scope("emb/", "embedding/")
    ckpt.vars.sum = ckpt.vars.w0 + ckpt.vars.w1
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.same({ 1, "v2" }, { out.vars["embedding/table"].parts, out.format })
    assert.same({ { 1, 3, 5 }, { 7, 9, 11 } }, out.vars.sum:value())
    assert.is_true(out.vars["embedding/table"]:equal(gw.open(V1 .. "saver-v2").vars["emb/table"]))
  end)

  it("compares and counts like its V2 twin", function()
    local old, new = gw.open(V1 .. "saver"), gw.open(V1 .. "saver-v2")
    for name, t in new:each() do
      assert.is_true(old.vars[name]:equal(t), name)
      assert.equal(t.nbytes, old.vars[name].nbytes)
      if t.dtype ~= "string" then assert.same(t:stats(), old.vars[name]:stats()) end
    end
    assert.is_true(old:like(new).consumed)
    assert.is_true(new:like(old).consumed)
  end)

  it("is left as it is, and never overwritten", function()
    scratch.write(folder .. "/m", scratch.read(V1 .. "saver"))
    local ok, problem = pcall(function() gw.open(folder .. "/m"):save(folder .. "/m", { force = true }) end)
    assert.is_false(ok)
    assert.equal("is an input, and inputs are never written to", problem.what)
    assert.equal(scratch.read(V1 .. "saver"), scratch.read(folder .. "/m"))
  end)

  it("has no data files to link", function()
    local ok, problem = pcall(function() gw.open(V1 .. "saver"):save(folder .. "/out", { data = "link" }) end)
    assert.is_false(ok)
    assert.matches("cannot share the data of a V1 checkpoint", problem.what, 1, true)
  end)

  it("is merged with V2 checkpoints", function()
    local ckpt = gw.variables { new = gw.scalar(1.0) }
    ckpt:merge(gw.open(V1 .. "saver"))
    ckpt:save(folder .. "/out")
    assert.equal(7, #gw.open(folder .. "/out"))
  end)
end)

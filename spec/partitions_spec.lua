-- Partitioned variables (TF1's partitioners): one tensor for whoever reads, slices in the file.

local gw = require "godwit"
local scratch = require "spec.support.scratch"

local PARTITIONED = scratch.KINDS .. "partitioned"

describe("a partitioned variable", function()
  local ckpt, folder
  before_each(function()
    ckpt = gw.open(PARTITIONED)
    folder = scratch.folder()
  end)

  it("is one tensor with the whole shape", function()
    assert.equal(3, #ckpt)
    local names = {}
    for name, tensor in pairs(ckpt.vars) do names[#names + 1] = name .. tostring(tensor.shape) end
    assert.same({ "emb/table[10,4]", "grid[4,6]", "plain[2]" }, names)
  end)

  it("has the values of all its slices, along one axis and along two", function()
    local rows = ckpt.vars["emb/table"]:value()
    for row = 0, 9 do assert.same({ row * 4.0, row * 4.0 + 1, row * 4.0 + 2, row * 4.0 + 3 }, rows[row + 1]) end
    local grid = ckpt.vars.grid:value()
    for i = 0, 23 do assert.equal(i, grid[i // 6 + 1][i % 6 + 1]) end
  end)

  it("compares and counts as a whole", function()
    assert.equal(40, ckpt.vars["emb/table"].size)
    assert.equal(160, ckpt.vars["emb/table"].nbytes)
    local stats = ckpt.vars["emb/table"]:stats()
    assert.same({ 40, 0.0, 39.0, 19.5 }, { stats.count, stats.min, stats.max, stats.mean })
    assert.is_true(ckpt.vars.grid:equal(gw.tensor(ckpt.vars.grid:value())))
  end)

  it("keeps its slices when it is renamed", function()
    ckpt:rename_scope("emb/", "embedding/")
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.is_true(out.vars["embedding/table"]:equal(gw.open(PARTITIONED).vars["emb/table"]))
    out:rename_scope("embedding/", "emb/")
    out:save(folder .. "/back")
    assert.same(scratch.files_of(PARTITIONED)[".index"], scratch.files_of(folder .. "/back")[".index"])
  end)

  it("loses them when its value is replaced", function()
    ckpt.vars.grid = gw.zeros({ 2, 2 }, "int32")
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.same({ { 0, 0 }, { 0, 0 } }, out.vars.grid:value())
    assert.equal(9.0, out.vars["emb/table"]:value()[3][2])
  end)

  it("goes with all its slices when it is dropped", function()
    ckpt:drop "emb"
    ckpt:save(folder .. "/out")
    assert.equal(2, #gw.open(folder .. "/out"))
  end)

  it("may be there twice", function()
    ckpt.vars.copy = ckpt.vars.grid
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.is_true(out.vars.copy:equal(out.vars.grid))
  end)
end)

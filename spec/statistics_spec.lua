-- inspect --stats: statistics and histograms of whole checkpoints. tensors_spec.lua has those of one tensor.

local gw = require "godwit"
local json = require "spec.support.json"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder
before_each(function() folder = scratch.folder() end)

--- {name = stats} by `inspect --json --stats`.
local function stats_of(prefix)
  local out, err, status = program.run("inspect", "--json", "--stats", prefix)
  assert.same({ "", 0 }, { err, status })
  local found = {}
  for _, tensor in ipairs(json.parse(out).tensors) do found[tensor.name] = tensor.stats end
  return found
end

local function saved(tensors)
  gw.variables(tensors):save(folder .. "/x", { force = true })
  return stats_of(folder .. "/x")
end

local function total(counts)
  local sum = 0
  for _, count in ipairs(counts) do sum = sum + count end
  return sum
end

--- What the documentation says, in Lua: 16 equal bins, the last one with its upper edge.
local function histogram(values, low, high)
  local counts = {}
  for i = 1, 16 do counts[i] = 0 end
  for _, value in ipairs(values) do
    local bin = math.min(15, math.floor((value - low) * (16 / (high - low))))
    counts[bin + 1] = counts[bin + 1] + 1
  end
  return counts
end

describe("inspect --stats", function()
  it("counts what lies between equal edges, the maximum in the last bin", function()
    local values = {}
    for i = 0, 32 do values[i + 1] = i + 0.0 end
    for _, dtype in ipairs { "float32", "float64", "bfloat16", "int32", "uint8", "uint64" } do
      local given = {}
      for i, value in ipairs(values) do given[i] = dtype:find "int" and math.tointeger(value) or value end
      local found = saved({ x = gw.tensor(given, dtype) }).x.histogram
      assert.equal("counts edges", table.concat(json.fields(found), " "))
      assert.same(histogram(values, 0, 32), found.counts, dtype)
      assert.same({ 17, 0, 2, 32 }, { #found.edges, found.edges[1], found.edges[2], found.edges[17] })
    end
  end)

  it("is the same for large tensors in many pieces as for one after the other", function()
    -- 13 MB in four data types: what one job takes ends inside of them.
    local tensors = {
      n = gw.random_normal { 1500, 1000 }, u = gw.random_uniform { 1000, 777 }, d = gw.random_normal({ 500, 500 }, { dtype = "float64" }),
      h = gw.random_normal({ 300, 1000 }):cast "bfloat16", s = gw.scalar(3.0), e = gw.zeros { 0 }, text = gw.strings { "x" },
    }
    local found = saved(tensors)
    for name, tensor in pairs(tensors) do
      if name ~= "text" then
        local one, whole = tensor:stats(), found[name]
        assert.same({ one.min, one.max, one.zeros, one.nan, one.inf }, { whole.min, whole.max, whole.zeros, whole.nan, whole.inf }, name)
        if one.mean then
          assert.is_true(math.abs(one.mean - whole.mean) <= 1e-12 and math.abs(one.std - whole.std) <= 1e-12, name)
        end
      end
    end
    for _, name in ipairs { "n", "u", "d", "h" } do
      assert.equal(tensors[name].size, total(found[name].histogram.counts))
      local values = {}
      if name == "d" then
        for _, row in ipairs(tensors.d:value()) do table.move(row, 1, #row, #values + 1, values) end
        assert.same(histogram(values, found.d.min, found.d.max), found.d.histogram.counts)
      end
    end
    assert.same({}, { found.s.histogram, found.e.histogram, found.text })
  end)

  it("counts finite elements only, and shows nothing where all are equal", function()
    local nan, inf = 0 / 0, math.huge
    local found = saved { odd = gw.tensor { nan, 1.0, 2.0, inf, -inf, 1.0 }, same = gw.full({ 100 }, 7.0), none = gw.tensor { nan, inf },
      complex = gw.tensor({ { 1, 2 }, { 3, 4 } }, "complex64"), bool = gw.tensor { true, false, true } }
    assert.same({ 2, 1 }, { found.odd.histogram.counts[1], found.odd.histogram.counts[16] })
    assert.same({ 1, 2 }, { found.bool.histogram.counts[1], found.bool.histogram.counts[16] })
    assert.same({}, { found.same.histogram, found.none.histogram, found.complex.histogram })
  end)

  it("has a mean, a deviation and edges for the largest and the smallest numbers", function()
    local found = saved { large = gw.tensor({ 1.7e308, -1.7e308, 1.0, 0.0 }, "float64"), small = gw.tensor({ 1e-323, 0.0, 5e-324 }, "float64"),
      half = gw.tensor({ 3.4e38, -3.4e38 }, "float32"), int = gw.tensor({ math.mininteger, math.maxinteger, 0 }, "int64") }
    for name, stats in pairs(found) do
      local edges = stats.histogram.edges
      assert.same({ 1, 1 }, { stats.histogram.counts[1], stats.histogram.counts[16] }, name)
      assert.is_true(math.abs(stats.mean) < math.huge and stats.std < math.huge, name)
      for i = 2, 17 do assert.is_true(edges[i] >= edges[i - 1] and edges[i] < math.huge, name) end
      assert.is_true(edges[1] == stats.min + 0.0 and edges[17] == stats.max + 0.0, name)
    end
    assert.same({ math.mininteger, math.maxinteger }, { found.int.min, found.int.max })
  end)

  it("keeps the deviation of float32 far from zero", function()
    local found = saved { x = gw.tensor({ { 10000.0, 10001.0 } }):gather({ 0, 1, 0, 1 }, 1):transpose { 1, 0 } }
    assert.same({ 10000.5, 0.5 }, { found.x.mean, found.x.std })
  end)

  it("draws one column, blank where there is nothing to draw", function()
    saved { a = gw.tensor { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 15.0, 16.0 }, b = gw.scalar(1.0) }
    local out = program.run("inspect", "--stats", folder .. "/x")
    assert.matches("40 B  │█" .. (" "):rep(14) .. "▂│  min 0  max 16  ", out, 1, true)
    assert.matches("4 B " .. (" "):rep(20) .. "  min 1  max 1  ", out, 1, true)
  end)

  it("reads what is partitioned, and finds damage", function()
    local found = stats_of(scratch.KINDS .. "partitioned")
    for name, tensor in gw.open(scratch.KINDS .. "partitioned"):each() do
      assert.same({ tensor:stats().min, tensor:stats().mean }, { found[name].min, found[name].mean })
    end
    saved { x = gw.random_normal { 1000, 1500 } }
    local path = folder .. "/x.data-00000-of-00001"
    local bytes = scratch.read(path)
    scratch.write(path, bytes:sub(1, 5000000) .. "x" .. bytes:sub(5000002))
    local out, err, status = program.run("inspect", "--stats", folder .. "/x")
    assert.same({ "", 4 }, { out, status })
    assert.matches("x: offset 0: the checksum of its 6000000 bytes does not match", err, 1, true)
  end)
end)

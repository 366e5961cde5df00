-- Whatever the checkpoint: what is written reads back equal, and there and back again gives the same bytes. The numbers
-- come from busted's seed, which the suite prints.

local gw = require "godwit"
local scratch = require "spec.support.scratch"

local DTYPES = { "float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
  "bool", "complex64", "complex128", "string" }
local RANGE = { int8 = 7, uint8 = 8, int16 = 15, uint16 = 16, int32 = 31, uint32 = 32, int64 = 62, uint64 = 62 }
local ROUNDS = package.loaded["spec.support.gc"] and 2 or 12 -- of up to three saves, each with its syncs

local random = math.random

local function random_text(most)
  local bytes = {}
  for i = 1, random(0, most) do bytes[i] = string.char(random(0, 255)) end
  return table.concat(bytes)
end

local function random_element(dtype)
  if dtype == "string" then return random_text(random(4) == 1 and 300 or 6) end
  if dtype == "bool" then return random(2) == 1 end
  if dtype:match "^complex" then return { random(-1000, 1000) / 8, random(-1000, 1000) / 8 } end
  local bits = RANGE[dtype]
  if not bits then return random(-1000, 1000) / 8 end
  local value = random(0, (1 << bits) - 1)
  return dtype:sub(1, 1) == "i" and random(2) == 1 and -value or value
end

local function random_values(dtype, shape, axis)
  if axis > #shape then return random_element(dtype) end
  local values = {}
  for i = 1, shape[axis] do values[i] = random_values(dtype, shape, axis + 1) end
  return values
end

--- A tensor and the nested values that it was made of.
local function random_tensor()
  local dtype, shape = DTYPES[random(#DTYPES)], {}
  for axis = 1, random(0, 3) do shape[axis] = random(1, 5) end
  local values = random_values(dtype, shape, 1)
  local tensor = gw.tensor(values, dtype)
  return tensor, tensor:value()
end

local PARTS = { "layer", "kernel", "w", "π", "a b", "..", ".S", "Adam", "x-1", "\xff" }

local function random_name()
  local parts = {}
  for i = 1, random(1, 4) do parts[i] = PARTS[random(#PARTS)] .. (random(2) == 1 and random(0, 99) or "") end
  return table.concat(parts, "/")
end

local function random_checkpoint()
  local tensors, values = {}, {}
  for _ = 1, random(1, 30) do
    local name = random_name()
    tensors[name], values[name] = random_tensor()
  end
  return gw.variables(tensors), values
end

describe("a random checkpoint", function()
  it("reads back as it was written, with any number of shards", function()
    for _ = 1, ROUNDS do
      local prefix = scratch.folder() .. "/x"
      local draft, values = random_checkpoint()
      draft:save(prefix, { shards = random(1, math.min(4, #draft)) })
      local found = {}
      for name, tensor in gw.open(prefix):each() do
        found[name] = tensor:value()
        assert.is_true(tensor:equal(draft.vars[name]), name)
        assert.equal(draft.vars[name].dtype, tensor.dtype)
        assert.is_true(draft.vars[name].shape == tensor.shape)
      end
      assert.same(values, found)
    end
  end)

  it("that is read and saved again keeps every byte", function()
    for _ = 1, ROUNDS do
      local folder = scratch.folder()
      random_checkpoint():save(folder .. "/x")
      gw.open(folder .. "/x"):save(folder .. "/y")
      assert.same(scratch.files_of(folder .. "/x"), scratch.files_of(folder .. "/y"))
    end
  end)

  it("that is renamed there and back keeps every byte", function()
    for _ = 1, ROUNDS do
      local folder = scratch.folder()
      random_checkpoint():save(folder .. "/x")
      local draft = gw.open(folder .. "/x")
      draft:rename_scope("/", "some/scope/")
      draft:save(folder .. "/y")
      local back = gw.open(folder .. "/y")
      back:rename("^some/scope/", "")
      back:save(folder .. "/z")
      assert.same(scratch.files_of(folder .. "/x"), scratch.files_of(folder .. "/z"))
    end
  end)

  it("gives the same bytes whether a tensor is copied, made anew or merged from another file", function()
    for _ = 1, ROUNDS do
      local folder = scratch.folder()
      local draft = random_checkpoint()
      draft:save(folder .. "/whole")
      local one, other, i = {}, {}, 0
      for name, tensor in draft:each() do
        i = i + 1
        if i % 2 == 1 then one[name] = tensor else other[name] = tensor end
      end
      gw.variables(one):save(folder .. "/one")
      local merged = gw.open(folder .. "/one")
      if next(other) then
        gw.variables(other):save(folder .. "/other")
        merged:merge(gw.open(folder .. "/other"))
      end
      gw.variables(merged.vars):save(folder .. "/merged")
      assert.same(scratch.files_of(folder .. "/whole"), scratch.files_of(folder .. "/merged"))
    end
  end)

  it("renamed by any permutation has its tensors under the new names", function()
    for _ = 1, ROUNDS do
      local draft = random_checkpoint()
      local names, shuffled = {}, {}
      for name in pairs(draft.vars) do table.insert(shuffled, random(#shuffled + 1), name) names[#names + 1] = name end
      local before, map = draft:copy(), {}
      for i, name in ipairs(names) do map[name] = shuffled[i] end
      assert.equal(#names, draft:rename(map))
      for i, name in ipairs(names) do assert.is_true(draft.vars[shuffled[i]]:equal(before.vars[name])) end
    end
  end)
end)

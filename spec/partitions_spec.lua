-- Partitioned variables (TF1's partitioners): one tensor for whoever reads, slices in the file.

local gw = require "godwit"
local scratch = require "spec.support.scratch"

local PARTITIONED = scratch.KINDS .. "partitioned"

local function refusal(fn)
  local ok, problem = pcall(fn)
  assert.is_false(ok)
  return problem.what
end

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

  it("says in how many slices it is stored", function()
    assert.same({ 3, 3, 1 }, { ckpt.vars["emb/table"].parts, ckpt.vars.grid.parts, ckpt.vars.plain.parts })
    assert.is_false(ckpt.vars.grid.partial)
  end)

  it("becomes whole by partition(1)", function()
    ckpt:map("emb|grid", function(t) return t:partition(1) end)
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.same({ 1, 1 }, { out.vars["emb/table"].parts, out.vars.grid.parts })
    assert.is_true(out.vars.grid:equal(gw.open(PARTITIONED).vars.grid))
  end)

  it("without elements becomes whole, too", function()
    -- tf.raw_ops.SaveV2(prefix, ["x"], ["0 3 -:0,2"], [tf.zeros([0, 2])]), TensorFlow 2.15.1
    local index = [[
      00000608011a020801000a0f007800010102807f80820801120612001202080235d8ea82a200011278080112061200120208033a060a000a02100200
      0000000100000000ac19046d000000000100000000c0f2a1b0000102790043000000000100000000af818c574808550e000000000000000000000000
      00000000000000000000000000000000000000000000000057fb808b247547db]]
    scratch.write(folder .. "/in.index", (index:gsub("%s", ""):gsub("..", function(byte) return string.char(tonumber(byte, 16)) end)))
    scratch.write(folder .. "/in.data-00000-of-00001", "")
    local draft = gw.open(folder .. "/in")
    assert.same({ 1, 0 }, { draft.vars.x.parts, draft.vars.x.size })
    for axis = 0, 1 do draft.vars.x = draft.vars.x:partition(1, axis) end
    draft:save(folder .. "/out")
    assert.equal("[0,3]", tostring(gw.open(folder .. "/out").vars.x.shape))
    assert.equal("a tensor without elements is stored whole", refusal(function() return draft.vars.x:partition(2, 1) end):match("float32%[0,3%]: (.*)"))
  end)

  it("stays as it is when it is cut as it was", function()
    local same = ckpt.vars["emb/table"]:partition(3)
    assert.equal(ckpt.vars["emb/table"].origin, same.origin)
    ckpt.vars["emb/table"] = same
    assert.equal("unchanged", ckpt:plan().outputs[1].tensors[1].action)
  end)

  it("is cut anew, whatever its slices were", function()
    for parts = 1, 11 do
      for axis = 0, 1 do
        local before = gw.open(PARTITIONED)
        before:map("emb|grid", function(t) return t:partition(parts, axis) end)
        before:save(folder .. "/out", { force = true, memory = 1 })
        local out = gw.open(folder .. "/out")
        for _, name in ipairs { "emb/table", "grid" } do
          assert.equal(math.min(parts, ckpt.vars[name]:dim(axis)), out.vars[name].parts)
          assert.is_true(out.vars[name]:equal(ckpt.vars[name]))
        end
      end
    end
  end)
end)

describe("partition", function()
  local folder
  before_each(function() folder = scratch.folder() end)

  local function saved(tensor, options)
    gw.variables({ t = tensor, other = gw.scalar(1) }):save(folder .. "/out", options)
    return gw.open(folder .. "/out").vars.t
  end

  it("cuts nearly equal parts, the first ones longer by one, and no more than there are positions", function()
    for _, case in ipairs { { 7, 3 }, { 10, 4 }, { 2, 9 }, { 5, 5 }, { 1, 4 } } do
      local t = gw.random_normal({ case[1], 3 }, { seed = 1 })
      local out = saved(t:partition(case[2]), { force = true })
      assert.equal(math.min(case[1], case[2]), out.parts)
      assert.is_true(out:equal(t))
    end
  end)

  it("lists the slices of a variable by name and those of an object by position, and shows them in the plan", function()
    local function order(draft)
      local starts = {}
      for _, tensor in ipairs(draft:plan().outputs[1].tensors) do
        for _, slice in ipairs(tensor.slices or {}) do starts[#starts + 1] = slice.start[1] end
      end
      return table.concat(starts, " ")
    end
    local t = gw.zeros({ 12, 2 }):partition(12)
    assert.equal("0 10 11 1 2 3 4 5 6 7 8 9", order(gw.variables { t = t }))
    assert.equal("0 1 2 3 4 5 6 7 8 9 10 11", order(gw.objects { t = t }))
  end)

  it("holds for the result only", function()
    local t = gw.zeros({ 4, 4 }):partition(2)
    assert.same({ 2, 1, 1, 3, 1 }, { t.parts, (t + 1).parts, t:cast("int32").parts, t:partition(3).parts, t:partition(1).parts })
  end)

  it("takes strings, which know their length only when they are written", function()
    local texts = {}
    for i = 1, 50 do texts[i] = ("x"):rep(i * 7 % 40) end
    local out = saved(gw.strings(texts):partition(7))
    assert.equal(7, out.parts)
    assert.same(texts, out:value())
    gw.variables({ t = out:partition(1) }):save(folder .. "/whole")
    assert.same({ 1, texts }, { gw.open(folder .. "/whole").vars.t.parts, gw.open(folder .. "/whole").vars.t:value() })
  end)

  it("takes dtypes that are only moved", function()
    local kinds = gw.open(scratch.KINDS .. "dtypes")
    local count = 0
    for name, t in kinds:each() do
      if t.rank > 0 and t:dim(0) > 1 then
        kinds.vars[name] = t:partition(2)
        count = count + 1
      end
    end
    assert.is_true(count > 10)
    kinds:save(folder .. "/out")
    kinds = gw.open(folder .. "/out")
    for name, t in kinds:each() do kinds.vars[name] = t:partition(1) end
    kinds:save(folder .. "/back")
    assert.same(scratch.files_of(scratch.KINDS .. "dtypes")[".index"], scratch.files_of(folder .. "/back")[".index"])
    assert.same(scratch.files_of(scratch.KINDS .. "dtypes"), scratch.files_of(folder .. "/back"))
  end)

  it("is spread over shards, and gives the same files whatever the threads and memory", function()
    local function files(name, options)
      gw.variables({ t = gw.random_normal({ 999, 7 }, { seed = 3 }):partition(5, 1) }):save(folder .. "/" .. name, options)
      return scratch.files_of(folder .. "/" .. name)
    end
    assert.same(files("a", { threads = 1, memory = 1, shards = 3 }), files("b", { threads = 4, shards = 3 }))
    assert.is_truthy(files("c", { shards = 5 })[".data-00004-of-00005"])
  end)

  it("checks what it reads", function()
    gw.variables({ t = gw.zeros { 1000 } }):save(folder .. "/in")
    local path = folder .. "/in.data-00000-of-00001"
    local bytes = scratch.read(path)
    scratch.write(path, bytes:sub(1, 3000) .. "\1" .. bytes:sub(3002))
    local draft = gw.open(folder .. "/in")
    draft.vars.t = draft.vars.t:partition(4)
    assert.matches("the checksum of its 4000 bytes does not match", refusal(function() draft:save(folder .. "/out") end), 1, true)
    assert.same({ "in.data-00000-of-00001", "in.index" }, scratch.list(folder))
  end)

  it("is refused where there is nothing to cut", function()
    assert.equal("partition of float32[]: there is no axis 0 (axes count from 0)", refusal(function() gw.scalar(1.0):partition(2) end))
    assert.equal("partition of float32[0,3]: a tensor without elements is stored whole", refusal(function() gw.zeros({ 0, 3 }):partition(2) end))
    assert.equal("partition of float32[3]: 0 parts (at least 1, which is the whole tensor)", refusal(function() gw.zeros({ 3 }):partition(0) end))
    assert.equal("partition of float32[20000]: 10001 parts (at most 10000)", refusal(function() gw.zeros({ 20000 }):partition(10001) end))
    local variants = gw.open(scratch.KINDS .. "variants")
    for _, t in variants:each() do
      if t.rank > 0 and t.dtype == "variant" then
        assert.matches("tensors of this dtype can only be kept", refusal(function() t:partition(2) end), 1, true)
      end
    end
  end)
end)

-- What --json prints: documents whose fields, and their order, are promised (semantic versioning from 1.0).

local gw = require "godwit"
local json = require "spec.support.json"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local KINDS, GUIDE = scratch.KINDS, scratch.GUIDE

local function document(...)
  local out, err, status = program.run(...)
  assert.equal(0, status, err)
  return json.parse(out), out
end

local function fields(object) return table.concat(json.fields(object), " ") end

local function by_name(list)
  local found = {}
  for _, item in ipairs(list) do found[item.name] = item end
  return found
end

describe("inspect --json", function()
  it("begins with schema 1 and has its fields in order", function()
    local found = document("inspect", "--json", KINDS .. "two-shards")
    assert.equal("schema path format kind shards bytes tensors", fields(found))
    assert.same({ 1, KINDS .. "two-shards", "v2", "variables", 2, 37 },
      { found.schema, found.path, found.format, found.kind, found.shards, found.bytes })
    assert.equal("name dtype shape bytes shard offset crc32c role", fields(found.tensors[1]))
    assert.equal("integer", math.type(found.tensors[1].crc32c))
  end)

  it("says where each tensor lies", function()
    local found = by_name(document("inspect", "--json", KINDS .. "two-shards").tensors)
    assert.same({ 1, 0, 8, { 2 } }, { found.a.shard, found.a.offset, found.a.bytes, found.a.shape })
    assert.same({ 0, 12, "string" }, { found["d/strings"].shard, found["d/strings"].offset, found["d/strings"].dtype })
  end)

  it("lists slices of partitioned tensors", function()
    local found = by_name(document("inspect", "--json", KINDS .. "partitioned").tensors)
    local slices = found["emb/table"].slices
    assert.equal("name dtype shape bytes shard offset crc32c role slices", fields(found["emb/table"]))
    assert.equal("start length shard offset bytes crc32c", fields(slices[1]))
    assert.same({ { 0, 0 }, { 4, 0 }, { 7, 0 } }, { slices[1].start, slices[2].start, slices[3].start })
  end)

  it("lists the object graph's key like every other", function()
    local found = document("inspect", "--json", GUIDE .. "tf2-ckpt-1")
    assert.equal("objects", found.kind)
    assert.equal("_CHECKPOINTABLE_OBJECT_GRAPH", found.tensors[1].name)
    assert.equal("state", found.tensors[1].role)
  end)

  it("puts value and stats last, and only when they are asked for", function()
    local found = document("inspect", "--json", "--values", "--stats", "--match", "^a$", KINDS .. "names")
    assert.equal("name dtype shape bytes shard offset crc32c role value stats", fields(found.tensors[1]))
    assert.equal("min max mean std zeros nan inf histogram", fields(found.tensors[1].stats))
    assert.same({ 1.5, -2.0, 3.25 }, found.tensors[1].value)
    assert.equal("zeros nan inf", fields(document("inspect", "--json", "--stats", "--match", "nothing", KINDS .. "empty").tensors[1].stats))
  end)

  it("writes values as nested arrays, and integers exactly", function()
    local folder = scratch.folder()
    gw.variables {
      int64 = gw.tensor({ math.mininteger, math.maxinteger, (2 ^ 53 | 0) + 1 }, "int64"),
      uint64 = gw.tensor({ "18446744073709551615", 1 }, "uint64"),
      matrix = gw.tensor { { true, false }, { false, true } },
      complex = gw.tensor({ { 1.5, -2 }, { 0, 0 }, { 1, 1 } }, "complex64"),
      empty = gw.zeros { 2, 0 },
    }:save(folder .. "/x")
    local found = by_name(document("inspect", "--json", "--values", "--stats", folder .. "/x").tensors)
    assert.same({ math.mininteger, math.maxinteger, 9007199254740993 }, found.int64.value)
    assert.same({ "18446744073709551615", 1 }, found.uint64.value)
    assert.same({ { true, false }, { false, true } }, found.matrix.value)
    assert.same({ { 1.5, -2.0 }, { 0.0, 0.0 }, { 1.0, 1.0 } }, found.complex.value)
    assert.same({ {}, {} }, found.empty.value)
    assert.same({ math.mininteger, math.maxinteger }, { found.int64.stats.min, found.int64.stats.max })
    assert.same({ 1, "18446744073709551615" }, { found.uint64.stats.min, found.uint64.stats.max })
  end)

  it("writes doubles so that they read back, and NaN and infinities as strings", function()
    local folder = scratch.folder()
    local numbers = { 0.1, 1e300, 5e-324, 1 / 3, -0.0, 2 ^ 53, 1.7976931348623157e308 }
    gw.variables({ x = gw.tensor(numbers, "float64"), y = gw.tensor { 1 / 0, -1 / 0, 0 / 0 } }):save(folder .. "/x")
    local found = by_name(document("inspect", "--json", "--values", folder .. "/x").tensors)
    for i, number in ipairs(numbers) do
      assert.equal(number, found.x.value[i])
      assert.equal("float", math.type(found.x.value[i]))
    end
    assert.same({ "Infinity", "-Infinity", "NaN" }, found.y.value)
  end)

  it("writes strings that are no UTF-8 as base64, in values and names", function()
    local folder = scratch.folder()
    gw.variables({ ["\xff"] = gw.strings { "a\"\\\n\u{1f600}", "\0\xff\n", "\x80", "\xc3" } }):save(folder .. "/x")
    local found = document("inspect", "--json", "--values", folder .. "/x").tensors[1]
    assert.same({ base64 = "/w==" }, found.name)
    assert.same({ "a\"\\\n\u{1f600}", { base64 = "AP8K" }, { base64 = "gA==" }, { base64 = "ww==" } }, found.value)
  end)

  it("leaves out the values of what has none that could be shown", function()
    local found = by_name(document("inspect", "--json", "--values", "--stats", KINDS .. "variants").tensors)
    assert.equal("name dtype shape bytes shard offset crc32c role", fields(found.list))
  end)

  it("leaves out the values of few but huge strings, and says so", function()
    local folder = scratch.folder()
    gw.variables({ x = gw.strings { ("x"):rep(16000011) }, y = gw.strings { "y" } }):save(folder .. "/x")
    local out, err = program.run("inspect", "--json", "--values", folder .. "/x")
    local found = by_name(json.parse(out).tensors)
    assert.is_true(found.x.value == nil)
    assert.same({ "y" }, found.y.value)
    assert.equal("godwit: 1 tensor with more than 1000000 elements (16 bytes of strings count as one): values left out\n", err)
  end)

  it("of nothing that matches is still a document", function()
    local found = document("inspect", "--json", "--match", "nothing-like-it", KINDS .. "names")
    assert.same({}, found.tensors)
    assert.equal(0, found.bytes)
  end)
end)

describe("plan --json", function()
  local PLAN = "schema outputs bytes_computed bytes_moved bytes_shared bytes_unverified memory"

  it("has its fields in order", function()
    local found = document("plan", "--json", KINDS .. "names", "-e",
      'ckpt:rename_scope("dense/", "layer/") ckpt.vars.a = nil ckpt.vars.new = gw.zeros { 2 }')
    assert.equal(PLAN, fields(found))
    assert.equal(1, found.schema)
    assert.equal("path kind tensors dropped", fields(found.outputs[1]))
    assert.same({ json.null, "variables" }, { found.outputs[1].path, found.outputs[1].kind })
    local tensors = by_name(found.outputs[1].tensors)
    assert.equal("name dtype shape bytes action from expression line", fields(tensors["layer/kernel"]))
    assert.equal("name dtype shape bytes action from expression", fields(tensors.global_step))
    assert.same({ "renamed", { "dense/kernel" }, "dense/kernel", "-e:1" },
      { tensors["layer/kernel"].action, tensors["layer/kernel"].from, tensors["layer/kernel"].expression, tensors["layer/kernel"].line })
    assert.same({ "new", {}, "zeros([2], float32)" }, { tensors.new.action, tensors.new.from, tensors.new.expression })
    assert.equal("name line", fields(found.outputs[1].dropped[1]))
    assert.same({ { name = "a", line = "-e:1" } }, found.outputs[1].dropped)
    assert.same({ 8, 80, 0, 0 }, { found.bytes_computed, found.bytes_moved, found.bytes_shared, found.bytes_unverified })
  end)

  it("says what a new value takes the place of", function()
    local found = document("plan", "--json", KINDS .. "names", "-e", 'ckpt.vars.a = gw.scalar(5) ckpt:rename("^a$", "z") ckpt.vars.new = gw.scalar(1)')
    local tensors = by_name(found.outputs[1].tensors)
    assert.equal("name dtype shape bytes action from replaces expression line", fields(tensors.z))
    assert.same({ "new", "a" }, { tensors.z.action, tensors.z.replaces })
    assert.equal("name dtype shape bytes action from expression line", fields(tensors.new))
  end)

  it("knows where each output would go", function()
    local found = document("plan", "--json", KINDS .. "names", "-e", "return { b = ckpt, a = ckpt:copy() }", "-o", "a=x/a")
    assert.same({ "x/a", json.null }, { found.outputs[1].path, found.outputs[2].path })
  end)

  it("says the same as ckpt:plan() in Lua", function()
    local found = document("plan", "--json", KINDS .. "names", "-e", "ckpt:drop 'dense'")
    local ckpt = gw.open(KINDS .. "names")
    ckpt:drop "dense"
    local plan = ckpt:plan()
    for _, field in ipairs { "bytes_computed", "bytes_moved", "bytes_shared", "bytes_unverified", "memory" } do assert.equal(plan[field], found[field]) end
    for i, tensor in ipairs(found.outputs[1].tensors) do
      local own = plan.outputs[1].tensors[i]
      for field, value in pairs(tensor) do
        if field == "shape" then value, own.shape = table.concat(value, ","), table.concat(own.shape, ",") end
        assert.same(value, own[field])
      end
    end
  end)

  it("is what run --json prints when it has run", function()
    local folder = scratch.folder()
    local planned = document("plan", "--json", KINDS .. "names", "-e", "ckpt:drop 'dense'", "-o", folder .. "/out")
    local done = document("run", "--json", KINDS .. "names", "-e", "ckpt:drop 'dense'", "-o", folder .. "/out")
    assert.same(planned, done)
    assert.is_true(scratch.exists(folder .. "/out.index"))
  end)
end)

describe("verify --json", function()
  it("has its fields in order, for each checkpoint", function()
    local folder = scratch.folder()
    scratch.copy(KINDS .. "names", folder .. "/x")
    scratch.write(folder .. "/x.data-00000-of-00001", ("x"):rep(92))
    local out, _, status = program.run("verify", "--json", KINDS .. "names", folder .. "/x")
    local found = json.parse(out)
    assert.equal(1, status)
    assert.equal("schema checkpoints", fields(found))
    local sound, damaged = table.unpack(found.checkpoints)
    assert.equal("path sound tensors bytes findings", fields(sound))
    assert.same({ KINDS .. "names", true, 5, 92, {} }, { sound.path, sound.sound, sound.tensors, sound.bytes, sound.findings })
    assert.equal(false, damaged.sound)
    assert.equal(5, #damaged.findings)
    assert.equal("fatal what file key offset hint", fields(damaged.findings[1]))
    assert.same({ true, "a", 0 }, { damaged.findings[1].fatal, damaged.findings[1].key, damaged.findings[1].offset })
  end)
end)

describe("an error with --json", function()
  local function problem(expected_status, ...)
    local out, err, status = program.run(...)
    assert.equal(expected_status, status)
    assert.matches("^godwit: ", err)
    local found = json.parse(out)
    assert.equal("error", fields(found))
    return found.error
  end

  it("is a document with class and what, and what is known of the rest, in order", function()
    local found = problem(3, "run", "--json", "-e", "\nckpt:drop 'nothing'", KINDS .. "names", "-o", "x")
    assert.equal("class what line hint", fields(found))
    assert.same({ "recipe", "-e:2", "no tensor matches 'nothing'" }, { found.class, found.line, found.what })
  end)

  it("of damage has file, key and offset", function()
    local folder = scratch.folder()
    scratch.copy(KINDS .. "names", folder .. "/x")
    scratch.write(folder .. "/x.data-00000-of-00001", ("x"):rep(92))
    local found = problem(4, "run", "--json", "-e", "ckpt:keep_only 'bias'", folder .. "/x", "-o", folder .. "/y")
    assert.equal("class what file key offset hint", fields(found))
    assert.same({ "damaged", "dense/bias", 12 }, { found.class, found.key, found.offset })
  end)

  it("ends the document that was begun before it was met", function()
    local folder = scratch.folder()
    scratch.copy(KINDS .. "names", folder .. "/x")
    local bytes = scratch.read(folder .. "/x.data-00000-of-00001")
    scratch.write(folder .. "/x.data-00000-of-00001", bytes:sub(1, 12) .. "xxxx" .. bytes:sub(17))
    -- Statistics of all tensors are made before the first is printed.
    for wanted, printed in pairs { ["--values"] = 1, ["--stats"] = 0 } do
      local out, err, status = program.run("inspect", "--json", wanted, folder .. "/x")
      assert.equal(4, status)
      local found = json.parse(out)
      assert.equal("schema path format kind shards bytes tensors error", fields(found))
      assert.equal(printed, #found.tensors)
      assert.equal("class what file key offset hint", fields(found.error))
      assert.same({ "damaged", "dense/bias", 12 }, { found.error.class, found.error.key, found.error.offset })
      assert.matches("^godwit: [^\n]*dense/bias", err)
    end
  end)

  for class, case in pairs {
    usage = { 2, "inspect", "--json" },
    damaged = { 4, "inspect", "--json", "nothing-there" },
    recipe = { 3, "plan", "--json", "-e", "error 'x'", KINDS .. "names" },
    limit = { 3, "plan", "--json", "-e", "gw.match(('a'):rep(40) .. 'b', '(a|aa)+$')", KINDS .. "names" },
  } do
    it("of class " .. class, function() assert.equal(class, problem(table.unpack(case)).class) end)
  end

  it("escapes what a name can hold", function()
    local found = problem(3, "plan", "--json", "-e", [[error("tab\t quote\" \xff", 0)]], KINDS .. "names")
    assert.same({ base64 = "dGFiCSBxdW90ZSIg/w==" }, found.what)
  end)
end)

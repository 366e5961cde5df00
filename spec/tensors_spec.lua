-- Tensors: fields, values of every dtype, statistics, comparison, text.

local gw = require "godwit"
local failure = require "spec.support.failure"
local scratch = require "spec.support.scratch"

local KINDS = scratch.KINDS

local function here(offset) return ("spec/tensors_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

describe("a tensor's fields", function()
  it("say its dtype, shape, rank, elements, bytes and origin", function()
    local t = gw.open(KINDS .. "names").vars["dense/kernel"]
    assert.equal("float32", t.dtype)
    assert.same({ 3, 4 }, { table.unpack(t.shape) })
    assert.equal(2, t.rank)
    assert.equal(12, t.size)
    assert.equal(48, t.nbytes)
    assert.matches("names:dense/kernel$", t.origin)
  end)

  it("of a scalar have no axis", function()
    local t = gw.scalar(1.5)
    assert.same({ 0, 1, 0 }, { #t.shape, t.size, t.rank })
  end)

  it("of an empty tensor count nothing", function()
    local t = gw.open(KINDS .. "empty").vars.middle
    assert.equal("[3,0,2]", tostring(t.shape))
    assert.same({ 0, 0, 3 }, { t.size, t.nbytes, t.rank })
  end)

  it("of strings count the bytes that they take in a file", function()
    -- One length and a checksum of the lengths precede them.
    assert.equal(1 + 4 + 5, gw.strings("hello").nbytes)
  end)

  it("of a constant say what it is", function()
    assert.equal("zeros([2,3], float32)", gw.zeros({ 2, 3 }).origin)
  end)

  it("are what there is: others are an error", function()
    local problem = failure(function() return gw.scalar(1).foo end)
    assert.equal("a tensor has no field or method 'foo'", problem.what)
    assert.equal(here(-2), problem.line)
    for typed, meant in pairs { shpae = "shape", Stats = "stats", values = "value", is_floating = "is_float", nbyte = "nbytes" } do
      assert.equal(("a tensor has no field or method '%s'; did you mean %s?"):format(typed, meant),
        failure(function() return gw.scalar(1)[typed] end).what)
    end
    assert.equal("a tensor has no field or method '1'", failure(function() return gw.scalar(1)[1] end).what)
  end)

  it("cannot be assigned", function()
    local problem = failure(function() gw.scalar(1).dtype = "int64" end)
    assert.matches("a tensor cannot be changed ('dtype')", problem.what, 1, true)
    assert.equal("godwit.Tensor", getmetatable(gw.scalar(1)))
  end)
end)

describe("a shape", function()
  it("compares with others by its sizes", function()
    assert.is_true(gw.zeros({ 2, 3 }).shape == gw.full({ 2, 3 }, 1).shape)
    assert.is_false(gw.zeros({ 2, 3 }).shape == gw.zeros({ 3, 2 }).shape)
    assert.is_false(gw.zeros({ 2 }).shape == gw.zeros({ 2, 1 }).shape)
    assert.is_true(gw.zeros({ 2, 3 }).shape == { 2, 3 })
  end)

  it("prints as TensorFlow's shapes do", function()
    assert.equal("[]", tostring(gw.scalar(1).shape))
    assert.equal("[2,3]", tostring(gw.zeros({ 2, 3 }).shape))
  end)

  it("is a copy: changing it changes no tensor", function()
    local t = gw.zeros { 2, 3 }
    t.shape[1] = 7
    assert.equal(2, t.shape[1])
  end)
end)

describe("dim", function()
  local t = gw.zeros { 2, 3, 5 }

  it("counts axes from 0, and from the end with negative numbers", function()
    assert.same({ 2, 3, 5 }, { t:dim(0), t:dim(1), t:dim(2) })
    assert.same({ 5, 2 }, { t:dim(-1), t:dim(-3) })
  end)

  it("refuses an axis that the tensor does not have", function()
    for _, axis in ipairs { 3, -4, 100 } do
      local problem = failure(function() t:dim(axis) end)
      assert.matches(("axis %d of a tensor of rank 3 (axes count from 0)"):format(axis), problem.what, 1, true)
      assert.equal(here(-2), problem.line)
    end
    assert.matches("rank 0", failure(function() gw.scalar(1):dim(0) end).what, 1, true)
  end)
end)

describe("is_float and is_integer", function()
  it("know every dtype", function()
    local floats, integers = {}, {}
    for name, t in gw.open(KINDS .. "dtypes"):each() do
      if t:is_float() then floats[#floats + 1] = name end
      if t:is_integer() then integers[#integers + 1] = name end
    end
    assert.equal("bfloat16 float16 float32 float64 float8_e4m3fn float8_e5m2", table.concat(floats, " "))
    assert.equal("int16 int32 int4 int64 int8 qint16 qint32 qint8 quint16 quint8 uint16 uint32 uint4 uint64 uint8",
      table.concat(integers, " "))
    assert.is_false(gw.scalar(true):is_integer())
    assert.is_false(gw.strings("x"):is_float())
  end)
end)

describe("value", function()
  local dtypes = gw.open(KINDS .. "dtypes")

  -- What make_kinds.py wrote there.
  for name, t in dtypes:each() do
    it(("of %s is what TensorFlow wrote"):format(name), function()
      local expected = { 0, 1, 1, 0, 3 }
      if name:match("^q") then expected = { 5, 4, 3 } end
      if name == "bool" then expected = { false, true, true, false, true } end
      if name:match("^complex") then expected = { { 0.0, 0.0 }, { 1.0, 0.0 }, { 1.0, 0.0 }, { 0.0, 0.0 }, { 3.0, 0.0 } } end
      local value = t:value()
      assert.same(expected, value)
      if t:is_integer() then assert.equal("integer", math.type(value[1])) end
      if t:is_float() then assert.equal("float", math.type(value[1])) end
    end)
  end

  it("nests sequences as deep as the rank", function()
    assert.same({ { 1, 2 }, { 3, 4 } }, gw.open(KINDS .. "names").vars["dense/bias"]:value())
    assert.equal(7, gw.open(KINDS .. "names").vars["global_step"]:value())
    assert.same({ {}, {}, {} }, gw.open(KINDS .. "empty").vars.middle:value())
    assert.same({}, gw.open(KINDS .. "empty").vars.nothing:value())
  end)

  it("of strings keeps every byte", function()
    local strings = gw.open(KINDS .. "strings").vars
    assert.same({ "\0\xff\n", "", ("\x80"):rep(40) }, strings.binary:value())
    assert.same({ { "a", "bc" }, { "", ("d"):rep(200) } }, strings.matrix:value())
    assert.equal("", strings.none:value())
    assert.same({}, strings.empty:value())
  end)

  for _, number in ipairs { math.mininteger, math.maxinteger, 2 ^ 53 | 0, (2 ^ 53 | 0) + 1, -1 } do
    it(("of int64 %d is exact"):format(number), function()
      local value = gw.scalar(number, "int64"):value()
      assert.equal(number, value)
      assert.equal("integer", math.type(value))
    end)
  end

  it("of uint64 is an integer up to 2^63 - 1 and decimal digits beyond", function()
    local t = gw.tensor({ math.maxinteger, "9223372036854775808", "18446744073709551615" }, "uint64")
    assert.same({ math.maxinteger, "9223372036854775808", "18446744073709551615" }, t:value())
  end)

  it("of floats keeps infinities, NaN and the sign of zero", function()
    local value = gw.tensor({ 1 / 0, -1 / 0, 0 / 0, -0.0 }):value()
    assert.equal(1 / 0, value[1])
    assert.equal(-1 / 0, value[2])
    assert.is_true(value[3] ~= value[3])
    assert.equal(-1 / 0, 1 / value[4])
  end)

  it("of variants cannot be had, and the message says what can", function()
    local problem = failure(function() gw.open(KINDS .. "variants").vars.list:value() end)
    assert.equal("values of dtype variant cannot be shown; the tensor can be kept, renamed and dropped", problem.what)
    assert.equal(here(-2), problem.line)
  end)

  it("of more than a million elements is asked for twice", function()
    local t = gw.zeros({ 1001, 1000 }, "int8")
    local problem = failure(function() t:value() end)
    assert.equal("a tensor of 1001000 elements is more than value() gives by itself (1000000); look at t:stats(), or pass {limit = n}",
      problem.what)
    assert.equal(1001, #t:value { limit = 2000000 })
    assert.matches("a tensor of 2 elements", failure(function() gw.zeros({ 2 }):value { limit = 1 } end).what, 1, true)
  end)

  it("counts the bytes of strings, which may be few and huge", function()
    local t = gw.strings { ("x"):rep(6000), ("y"):rep(6000) }
    assert.equal(6000, #t:value()[2])
    assert.matches("a tensor of 12008 bytes, of which 16 count as an element, is more than value() gives by itself (749); pass {limit = n}",
      failure(function() t:value { limit = 749 } end).what, 1, true)
    assert.equal(6000, #t:value({ limit = 750 })[2])
    assert.same({ "a", "b" }, gw.strings({ "a", "b" }):value { limit = 2 })
  end)
end)

describe("stats", function()
  it("of values near the largest double are finite, and right", function()
    local largest = 0x1.fffffffffffffp+1023
    local function mean_and_std(...)
      local found = gw.tensor({ ... }, "float64"):stats()
      return { found.mean, found.std }
    end
    assert.same({ 0.0, largest }, mean_and_std(largest, -largest))
    assert.same({ largest, 0.0 }, mean_and_std(largest, largest, largest))
    assert.same({ -largest, 0.0 }, mean_and_std(-largest, -largest))
    assert.same({ 0x1p+1000, 0x1p+1000 }, mean_and_std(0.0, 0x1p+1001))
    assert.same({ 0x1.8p+1000, 0x1p+999 }, mean_and_std(0x1p+1000, 0x1p+1001))
    local small = gw.tensor({ 1.0, 3.0, 1e200 }, "float64"):stats()
    assert.is_true(math.abs(small.mean / (1e200 / 3) - 1) < 1e-15 and math.abs(small.std / (1e200 * math.sqrt(2) / 3) - 1) < 1e-15)
  end)

  it("count elements, zeros, NaN and infinities, and give the range of what is finite", function()
    local stats = gw.tensor({ 1.0, 3.0, 0.0, 0 / 0, 1 / 0, -1 / 0, -0.0, 4.0 }, "float64"):stats()
    assert.same({ count = 8, zeros = 2, nan = 1, inf = 2, min = 0.0, max = 4.0, mean = 1.6, std = stats.std }, stats)
    -- NumPy's: std([1, 3, 0, -0., 4])
    assert.is_true(math.abs(stats.std - 1.624807680927192) < 1e-15)
  end)

  it("of integers are exact", function()
    local stats = gw.tensor({ math.mininteger, math.maxinteger }, "int64"):stats()
    assert.equal(math.mininteger, stats.min)
    assert.equal(math.maxinteger, stats.max)
    assert.equal("integer", math.type(stats.max))
    assert.equal("18446744073709551615", gw.tensor({ 0, "18446744073709551615" }, "uint64"):stats().max)
  end)

  it("of a tensor without finite elements have no range", function()
    assert.same({ count = 1, zeros = 0, nan = 1, inf = 0 }, gw.scalar(0 / 0):stats())
    assert.same({ count = 0, zeros = 0, nan = 0, inf = 0 }, gw.zeros({ 0 }):stats())
  end)

  it("of bool count", function()
    local stats = gw.tensor({ true, false, true }):stats()
    assert.same({ 3, 1, 0, 1 }, { stats.count, stats.zeros, stats.min, stats.max })
  end)

  it("of a big tensor need no memory for it", function()
    local stats = gw.full({ 3000, 1000 }, 0.5):stats()
    assert.same({ 3000000, 0.5, 0.5, 0.5, 0.0 }, { stats.count, stats.min, stats.max, stats.mean, stats.std })
  end)

  it("of strings and variants cannot be had", function()
    for _, t in ipairs { gw.strings "a", gw.open(KINDS .. "variants").vars.list } do
      local problem = failure(function() t:stats() end)
      assert.matches(t.dtype, problem.what, 1, true)
      assert.equal(here(-2), problem.line)
    end
  end)
end)

describe("equal", function()
  it("means dtype, shape and every element", function()
    local a = gw.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }
    assert.is_true(a:equal(gw.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }))
    assert.is_false(a:equal(gw.tensor { { 1.0, 2.0 }, { 3.0, 5.0 } }))
    assert.is_false(a:equal(gw.tensor { 1.0, 2.0, 3.0, 4.0 }))
    assert.is_false(a:equal(gw.tensor({ { 1, 2 }, { 3, 4 } }, "float64")))
  end)

  it("takes NaN for equal to NaN and -0 to 0", function()
    assert.is_true(gw.tensor({ 0 / 0, -0.0 }):equal(gw.tensor { 0 / 0, 0.0 }))
  end)

  it("takes a tolerance", function()
    local a, b = gw.tensor({ 1.0, 2.0 }, "float64"), gw.tensor({ 1.25, 2.0 }, "float64")
    assert.is_false(a:equal(b))
    assert.is_true(a:equal(b, 0.25))
    assert.is_false(a:equal(b, 0.2))
    assert.matches("a tolerance is not negative", failure(function() a:equal(b, -1) end).what, 1, true)
  end)

  it("compares strings by their bytes", function()
    assert.is_true(gw.strings({ "a\0b" }):equal(gw.strings { "a\0b" }))
    assert.is_false(gw.strings({ "a\0b" }):equal(gw.strings { "a\0c" }))
  end)

  it("compares int64 exactly", function()
    assert.is_false(gw.scalar(2 ^ 53 | 0, "int64"):equal(gw.scalar((2 ^ 53 | 0) + 1, "int64")))
  end)

  it("compares what is in files with what is not, and what is huge", function()
    assert.is_true(gw.open(KINDS .. "names").vars.a:equal(gw.tensor { 1.5, -2.0, 3.25 }))
    assert.is_true(gw.zeros({ 1000, 1000 }):equal(gw.full({ 1000, 1000 }, 0.0)))
  end)

  it("is not ==, which raises", function()
    local problem = failure(function() return gw.scalar(1) == gw.scalar(1) end)
    assert.equal("tensors are compared by value with a:equal(b), or a:equal(b, tolerance)", problem.what)
    assert.equal(here(-2), problem.line)
  end)

  it("takes a tensor", function()
    local t = gw.scalar(1)
    assert.matches("(a tensor expected, got a number)", failure(function() t:equal(1) end).what, 1, true)
    assert.matches("(a tensor expected, got a checkpoint)", failure(function() t:equal(gw.variables { a = t }) end).what, 1, true)
    assert.matches("(a tensor expected, got no value)", failure(function() t:equal() end).what, 1, true)
    assert.matches("(a tensor expected, got a table)", failure(function() t.stats {} end).what, 1, true)
  end)
end)

describe("a tensor as text", function()
  for _, case in ipairs {
    { gw.scalar(1.5), "float32[] 1.5" },
    { gw.scalar(2.0), "float32[] 2.0" },
    { gw.scalar(7), "int32[] 7" },
    { gw.scalar(true), "bool[] True" },
    { gw.scalar(0.1), "float32[] 0.1" },
    { gw.scalar(1e20), "float32[] 1e+20" },
    { gw.scalar(-1 / 0), "float32[] -inf" },
    { gw.scalar({ 1, -2 }, "complex64"), "complex64[] 1.-2.j" },
    { gw.scalar("18446744073709551615", "uint64"), "uint64[] 18446744073709551615" },
    { gw.strings "a\nb", [[string[] "a\x0ab"]] },
    { gw.tensor { { 1, 2 }, { 3, 4 } }, "int32[2,2] [[1 2] [3 4]]" },
    { gw.tensor { 0.5, -2.0 }, "float32[2] [0.5 -2.]" },
    { gw.zeros { 0 }, "float32[0] []" },
    { gw.zeros { 2, 0 }, "float32[2,0] []" },
    { gw.zeros({ 100 }, "int8"), "int8[100] [0 0 0 ... 0 0 0]" },
    { gw.zeros({ 10, 10 }, "int8"),
      "int8[10,10] [" .. ("[0 0 0 ... 0 0 0] "):rep(3) .. "... " .. ("[0 0 0 ... 0 0 0] "):rep(3):sub(1, -2) .. "]" },
  } do
    it("is " .. case[2], function() assert.equal(case[2], tostring(case[1])) end)
  end

  it("is short however many axes there are", function()
    assert.is_true(#tostring(gw.zeros { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 }) < 2000)
  end)

  it("previews as much as one asks for", function()
    local t = gw.tensor { 1, 2, 3, 4, 5, 6 }
    assert.equal("[1 2 3 4 5 6]", t:preview())
    assert.equal("[1 2 3 4 5 6]", t:preview(6, 1))
    assert.equal("[1 ... 6]", t:preview(5, 1))
    assert.equal("[1 2 ... 5 6]", t:preview(0, 2))
  end)
end)

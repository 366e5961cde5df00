-- gw.scalar, gw.tensor, gw.strings, gw.zeros, gw.full: what tf.constant makes of the same values (2.15.1).

local gw = require "godwit"
local failure = require "spec.support.failure"

local function here(offset) return ("spec/constants_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

local NAN = 0 / 0

describe("without a dtype", function()
  for _, case in ipairs {
    { 1.0, "float32" }, { 1, "int32" }, { true, "bool" }, { "x", "string" }, { { 1, 2 }, "int32" }, { { 1.0 }, "float32" },
    { { 1, 2.5 }, "float32" }, { { { 1, 2 }, { 3, 4.0 } }, "float32" }, { {}, "float32" }, { { {}, {} }, "float32" },
    { { "a" }, "string" }, { { { false } }, "bool" },
  } do
    it(("%s is %s"):format(type(case[1]) == "table" and "a table" or tostring(case[1]), case[2]), function()
      assert.equal(case[2], gw.tensor(case[1]).dtype)
    end)
  end

  it("zeros and full follow the same rule, zeros being float32", function()
    assert.equal("float32", gw.zeros({ 2 }).dtype)
    assert.equal("int32", gw.full({ 2 }, 3).dtype)
    assert.equal("float32", gw.full({ 2 }, 3.0).dtype)
    assert.equal("bool", gw.full({ 2 }, true).dtype)
  end)

  it("an integer beyond int32 is an error that says what to give", function()
    for _, make in ipairs { gw.scalar, gw.tensor, function(value) return gw.full({ 2 }, value) end } do
      local problem = failure(function() make(2 ^ 31 | 0) end)
      assert.equal("2147483648 is not a value of int32", problem.what)
      assert.equal('without a dtype an integer is int32, as in tf.constant; give another one, like "int64"', problem.hint)
    end
  end)
end)

describe("a shape", function()
  for _, case in ipairs {
    { 5, "[]" }, { {}, "[0]" }, { { {}, {} }, "[2,0]" }, { { 1, 2, 3 }, "[3]" }, { { { 1 }, { 2 } }, "[2,1]" }, { { { { 1, 2 } } }, "[1,1,2]" },
  } do
    it("follows the nesting: " .. case[2], function() assert.equal(case[2], tostring(gw.tensor(case[1]).shape)) end)
  end

  it("of 254 axes is the most", function()
    local value = 1
    for _ = 1, 254 do value = { value } end
    assert.equal(254, gw.tensor(value).rank)
    assert.matches("nested deeper than 254 dimensions", failure(gw.tensor, { value }).what, 1, true)
    local circle = {}
    circle[1] = circle
    assert.matches("nested deeper", failure(gw.tensor, circle).what, 1, true)
  end)

  for what, case in pairs {
    ["a longer row"] = { { { 1 }, { 2, 3 } }, "axis 1 has 1 elements in one place and 2 in another" },
    ["a missing row"] = { { { 1 }, 2 }, "axis 1 has 1 elements in one place and number in another" },
    ["a deeper row"] = { { 1, { 2 } }, "a table is not a value of int32" },
  } do
    it(("with %s is refused"):format(what), function()
      local problem = failure(function() gw.tensor(case[1]) end)
      assert.matches(case[2], problem.what, 1, true)
      assert.equal(here(-2), problem.line)
    end)
  end

  it("given as a table is checked", function()
    assert.equal("a shape is a table like {2, 3} ({} for a scalar), not a number", failure(gw.zeros, 2).what)
    assert.equal("axis 1 of the shape is not a size", failure(gw.zeros, { 2, -1 }).what)
    assert.equal("axis 0 of the shape is not a size", failure(gw.zeros, { 2.5 }).what)
    assert.equal("axis 0 of the shape is not a size", failure(gw.zeros, { "x" }).what)
    assert.equal("[2]", tostring(gw.zeros({ 2.0 }).shape))
    assert.equal("[2,3]", tostring(gw.zeros(gw.zeros({ 2, 3 }).shape).shape))
  end)

  it("whose elements cannot be counted is refused", function()
    assert.matches("shape", failure(gw.zeros, { 2 ^ 40 | 0, 2 ^ 40 | 0 }).what, 1, true)
  end)
end)

describe("a value in range", function()
  for _, case in ipairs {
    { "int8", -128, 127 }, { "uint8", 0, 255 }, { "int16", -32768, 32767 }, { "uint16", 0, 65535 },
    { "int32", -2147483648, 2147483647 }, { "uint32", 0, 4294967295 }, { "int64", math.mininteger, math.maxinteger },
  } do
    local dtype, least, most = table.unpack(case)
    it(("of %s is from %d to %d"):format(dtype, least, most), function()
      assert.same({ least, most }, gw.tensor({ least, most }, dtype):value())
      if dtype == "int64" then return end
      for _, wrong in ipairs { least - 1, most + 1 } do
        local problem = failure(function() gw.scalar(wrong, dtype) end)
        assert.equal(("%d is not a value of %s"):format(wrong, dtype), problem.what)
        assert.equal(here(-2), problem.line)
      end
    end)
  end

  it("of uint64 beyond a Lua integer is given as digits", function()
    assert.equal("18446744073709551615", gw.scalar("18446744073709551615", "uint64"):value())
    assert.matches("'18446744073709551616' is not a value of uint64", failure(gw.scalar, "18446744073709551616", "uint64").what, 1, true)
    assert.matches("'-1' is not a value of uint64", failure(gw.scalar, "-1", "uint64").what, 1, true)
    assert.equal("-1 is not a value of uint64", failure(gw.scalar, -1, "uint64").what)
  end)

  it("of an integer dtype may be a whole float", function()
    assert.equal(3, gw.scalar(3.0, "int64"):value())
    assert.equal(-4611686018427387904, gw.scalar(-2.0 ^ 62, "int64"):value())
  end)

  for _, wrong in ipairs { 1.5, NAN, 1 / 0, 2.0 ^ 63 } do
    it(("of int64 is not %s"):format(wrong), function()
      assert.matches("is not a value of int64", failure(gw.scalar, wrong, "int64").what, 1, true)
    end)
  end

  it("of bool is true, false, 0 or 1", function()
    assert.same({ true, false, true, false }, gw.tensor({ true, false, 1, 0 }, "bool"):value())
    assert.equal("2 is not a value of bool", failure(gw.scalar, 2, "bool").what)
  end)

  it("of a float dtype may be an integer or a boolean", function()
    assert.same({ 3.0, 1.0 }, gw.tensor({ 3, true }, "float64"):value())
  end)
end)

describe("rounding", function()
  -- What tf.constant(x, dtype).numpy() gives.
  for _, case in ipairs {
    { "float32", 16777217, 16777216.0 }, { "float32", 0.1, 0.10000000149011612 }, { "float32", 1e40, 1 / 0 },
    { "float32", -1e-46, -0.0 }, { "float32", 1e-45, 1.401298464324817e-45 },
    { "float16", 65504, 65504.0 }, { "float16", 65519.99, 65504.0 }, { "float16", 65520, 1 / 0 },
    { "float16", 2049, 2048.0 }, { "float16", 2051, 2052.0 }, { "float16", 0.1, 0.0999755859375 },
    { "float16", 2.0 ^ -24, 2.0 ^ -24 }, { "float16", 2.0 ^ -25, 0.0 }, { "float16", 1.5 * 2.0 ^ -25, 2.0 ^ -24 },
    { "bfloat16", 1.00390625, 1.0 }, { "bfloat16", 1.01171875, 1.015625 }, { "bfloat16", 257, 256.0 },
    { "bfloat16", 259, 260.0 }, { "bfloat16", 3.4e38, 1 / 0 }, { "bfloat16", -0.1, -0.10009765625 },
  } do
    local dtype, value, expected = table.unpack(case)
    it(("%s to %s gives %s"):format(value, dtype, expected), function()
      local found = gw.scalar(value, dtype):value()
      assert.equal(expected, found)
      assert.equal(1 / expected, 1 / found)
    end)
  end

  for _, dtype in ipairs { "float16", "bfloat16", "float32", "float64" } do
    it("keeps NaN and infinities in " .. dtype, function()
      local value = gw.tensor({ NAN, 1 / 0, -1 / 0 }, dtype):value()
      assert.is_true(value[1] ~= value[1])
      assert.same({ 1 / 0, -1 / 0 }, { value[2], value[3] })
    end)
  end
end)

describe("complex numbers", function()
  it("are {re, im}", function()
    assert.same({ 1.5, -2.0 }, gw.scalar({ 1.5, -2 }, "complex64"):value())
    local t = gw.tensor({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, "complex128")
    assert.equal("[3]", tostring(t.shape))
    assert.same({ { 1.0, 2.0 }, { 3.0, 4.0 }, { 5.0, 6.0 } }, t:value())
  end)

  it("may be real numbers, too", function()
    assert.same({ 3.0, 0.0 }, gw.scalar(3, "complex64"):value())
    assert.same({ { 1.0, 0.0 }, { 2.0, 0.0 }, { 3.0, 0.0 } }, gw.tensor({ 1, 2, 3 }, "complex64"):value())
    assert.same({ { 0.0, 0.0 }, { 0.0, 0.0 } }, gw.zeros({ 2 }, "complex64"):value())
  end)

  it("have two parts that are numbers", function()
    assert.matches("a complex number is {re, im}", failure(gw.tensor, { { 1, 2 }, { 3 } }, "complex64").what, 1, true)
    assert.matches("a complex number is {re, im}", failure(gw.tensor, { { 1, 2 }, { 3, "4" } }, "complex64").what, 1, true)
  end)
end)

describe("strings", function()
  it("keep every byte", function()
    local all = {}
    for byte = 0, 255 do all[#all + 1] = string.char(byte) end
    assert.equal(table.concat(all), gw.strings(table.concat(all)):value())
  end)

  it("nest like numbers", function()
    local t = gw.strings { { "a", "" }, { "c", "d" } }
    assert.equal("string", t.dtype)
    assert.equal("[2,2]", tostring(t.shape))
    assert.equal("[0]", tostring(gw.strings({}).shape))
  end)

  it("are strings and not numbers", function()
    local problem = failure(function() gw.strings { "a", 1 } end)
    assert.equal("a number is not a string", problem.what)
    assert.equal(here(-2), problem.line)
    assert.matches("the string 'a' is not a value of float32", failure(gw.scalar, "a", "float32").what, 1, true)
  end)

  it("cannot be repeated by zeros or full", function()
    assert.matches("use gw.strings", failure(gw.zeros, { 2 }, "string").what, 1, true)
    assert.matches("use gw.strings", failure(gw.full, { 2 }, "x").what, 1, true)
  end)
end)

describe("a dtype", function()
  it("has TensorFlow's other names", function()
    assert.equal("float16", gw.scalar(1, "half").dtype)
    assert.equal("float64", gw.scalar(1, "double").dtype)
  end)

  it("that does not exist is an error at the caller's line", function()
    local problem = failure(function() gw.zeros({ 2 }, "float23") end)
    assert.equal("there is no dtype 'float23'", problem.what)
    assert.equal(here(-2), problem.line)
    assert.equal('a dtype is a string like "float32", not a number', failure(gw.scalar, 1, 32).what)
  end)

  for _, dtype in ipairs { "qint8", "float8_e5m2", "int4", "variant", "resource" } do
    it(("%s can be kept, but not made"):format(dtype), function()
      assert.matches(dtype, failure(gw.tensor, { 1 }, dtype).what, 1, true)
      assert.matches(dtype, failure(gw.full, { 1 }, 1, dtype).what, 1, true)
    end)
  end
end)

describe("zeros and full", function()
  it("fill a shape with one value", function()
    assert.same({ { 0.0, 0.0 }, { 0.0, 0.0 } }, gw.zeros({ 2, 2 }):value())
    assert.same({ 7, 7, 7 }, gw.full({ 3 }, 7, "int64"):value())
    assert.equal(2.5, gw.full({}, 2.5):value())
    assert.same({ false, false }, gw.zeros({ 2 }, "bool"):value())
  end)

  it("take no memory for a big shape", function()
    collectgarbage()
    local before = collectgarbage "count"
    local t = gw.full({ 1000000, 1000000 }, 0.5)
    assert.equal(1000000000000, t.size)
    assert.is_true(collectgarbage "count" - before < 100)
  end)

  it("need a value", function()
    assert.equal("gw.full takes a shape and a value", failure(gw.full, { 2 }).what)
    assert.equal("gw.scalar takes a value", failure(gw.scalar).what)
    assert.equal("gw.scalar takes one value; gw.tensor takes nested tables", failure(gw.scalar, { 1 }).what)
    assert.matches("gw.tensor takes a value", failure(gw.tensor).what, 1, true)
    assert.matches("gw.strings takes a string", failure(gw.strings).what, 1, true)
    assert.matches("a function is not a value of a tensor", failure(gw.scalar, print).what, 1, true)
  end)
end)

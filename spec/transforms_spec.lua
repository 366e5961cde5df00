-- The recipes that compute: cast, average, ema_to_model, transpose, as the command line runs them.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder

local function run(...)
  local out, err, status = program.run("run", ...)
  assert.equal(0, status, err)
  return gw.open(folder .. "/out"), out, err
end

local function refused(...)
  local _, err, status = program.run("run", ...)
  assert.equal(3, status)
  return err
end

before_each(function() folder = scratch.folder() end)

describe("cast", function()
  it("changes the floats that the pattern finds", function()
    local out = run("cast", scratch.DIGITS, "-o", folder .. "/out", "-p", "dtype=bfloat16", "-p", "which=kernel")
    for name, t in gw.open(scratch.DIGITS):each() do
      local cast = name:find "kernel" and t:is_float()
      assert.is_true(out.vars[name]:equal(cast and t:cast "bfloat16" or t), name)
    end
  end)

  it("leaves slots alone when asked", function()
    local out = run("cast", scratch.DIGITS, "-o", folder .. "/out", "-p", "dtype=float16", "-p", "keep_slots=true")
    assert.equal("float16", out.vars["classifier/dense/kernel"].dtype)
    assert.equal("float32", out.vars["classifier/dense/kernel/Adam"].dtype)
    assert.equal(gw.open(scratch.DIGITS).vars.global_step.dtype, out.vars.global_step.dtype)
  end)

  it("says what overflows", function()
    gw.variables({ a = gw.tensor { 1.0, 70000.0, -1 / 0, -1e30 }, b = gw.tensor { 1.0 } }):save(folder .. "/in")
    local _, _, err = run("cast", folder .. "/in", "-o", folder .. "/out", "-p", "dtype=float16", "-p", "report=true")
    assert.equal("a: 2 of 4 values overflow float16\n2 values overflow\n", err)
  end)
end)

describe("average", function()
  local function save(name, value, step)
    gw.variables({ w = gw.full({ 3 }, value), step = gw.scalar(step, "int64"), name = gw.strings(name) }):save(folder .. "/" .. name)
    return folder .. "/" .. name
  end

  it("is the mean of floats and the last of everything else", function()
    local out = run("average", save("a", 1.0, 10), save("b", 2.0, 20), save("c", 6.0, 30), "-o", folder .. "/out")
    assert.same({ 3.0, 3.0, 3.0 }, out.vars.w:value())
    assert.same({ 30, "c" }, { out.vars.step:value(), out.vars.name:value() })
  end)

  it("takes as many as the command line holds", function() -- more than fit on Lua's first stack wrote behind it
    local words = { "average" }
    local input = save("a", 1.0, 10)
    for i = 1, 300 do words[i + 1] = input end
    words[#words + 1] = "-o"
    words[#words + 1] = folder .. "/out"
    assert.same({ 1.0, 1.0, 1.0 }, run(table.unpack(words)).vars.w:value())
  end)

  it("takes weights, and the first of everything else", function()
    local out = run("average", save("a", 1.0, 10), save("b", 2.0, 20), "-o", folder .. "/out", "-p", "weights=1,3", "-p", "others=first")
    assert.same({ 1.75, 10 }, { out.vars.w:value()[1], out.vars.step:value() })
  end)

  it("is refused where names or steps differ", function()
    local a, b = save("a", 1.0, 10), save("b", 2.0, 20)
    assert.matches('"name" is not the same in all checkpoints', refused("average", a, b, "-o", folder .. "/out", "-p", "others=error"), 1, true)
    assert.matches("1 weights for 2 checkpoints", refused("average", a, b, "-o", folder .. "/out", "-p", "weights=1"), 1, true)
    gw.variables({ w = gw.full({ 3 }, 1.0) }):save(folder .. "/less")
    assert.matches('checkpoint 2 has no "name"', refused("average", a, folder .. "/less", "-o", folder .. "/out", "-p", "others=first"), 1, true)
    assert.matches('checkpoint 1 has "name", and', refused("average", a, folder .. "/less", "-o", folder .. "/out"), 1, true)
  end)
end)

describe("ema_to_model", function()
  it("puts the averages in the variables' places", function()
    local before, out = gw.open(scratch.DIGITS), run("ema_to_model", scratch.DIGITS, "-o", folder .. "/out", "-p", "drop_slots=true")
    local found = 0
    for name, t in before:each "/ExponentialMovingAverage$" do
      assert.is_true(out.vars[name:gsub("/ExponentialMovingAverage$", "")]:equal(t))
      found = found + 1
    end
    assert.equal(4, found)
    assert.equal(found + 1, #out) -- and the step
  end)

  it("is refused where there are none", function()
    gw.variables({ a = gw.scalar(1.0) }):save(folder .. "/in")
    assert.matches("there is no VARIABLE/ExponentialMovingAverage", refused("ema_to_model", folder .. "/in", "-o", folder .. "/out"), 1, true)
  end)
end)

describe("transpose", function()
  it("changes the order of axes", function()
    gw.variables({ k = gw.random_normal({ 2, 3, 4 }, { seed = 1 }), b = gw.zeros { 2 } }):save(folder .. "/in")
    local before = gw.open(folder .. "/in").vars.k
    assert.is_true(run("transpose", folder .. "/in", "-o", folder .. "/out", "-p", "which=^k$").vars.k:equal(before:transpose()))
    local out = run("transpose", folder .. "/in", "-o", folder .. "/out", "--force", "-p", "which=^k$", "-p", "perm=2,0,1")
    assert.is_true(out.vars.k:equal(before:transpose { 2, 0, 1 }))
    local err = refused("transpose", folder .. "/in", "-o", folder .. "/o", "-p", "which=.", "-p", "perm=2,0,1")
    assert.matches("transpose of float32[2]: 3 axes are given for 1", err, 1, true)
  end)
end)

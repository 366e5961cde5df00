-- Which tensors: patterns, lists, roles; and the rules that take them: drop, keep_only, map; slots.

local gw = require "godwit"
local failure = require "spec.support.failure"
local scratch = require "spec.support.scratch"

local OPTIONAL = { optional = true }

local function here(offset) return ("spec/selecting_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

local function made(...)
  local tensors = {}
  for _, name in ipairs { ... } do tensors[name] = gw.scalar(name) end
  return gw.variables(tensors)
end

local function names_of(ckpt, which)
  local names = {}
  for name in ckpt:each(which) do names[#names + 1] = name end
  return table.concat(names, " ")
end

describe("a selection", function()
  it("is a pattern, searched anywhere", function()
    assert.equal("ab bc", names_of(made("ab", "bc", "c"), "b"))
  end)

  it("is a list of patterns, any of which may match", function()
    assert.equal("ab c", names_of(made("ab", "bd", "c"), { "^a", "c$" }))
  end)

  it("is a role", function()
    local digits = gw.open(scratch.DIGITS)
    assert.equal("classifier/dense/bias classifier/dense/kernel classifier/logits/bias classifier/logits/kernel",
      names_of(digits, { role = "weight" }))
    assert.equal("beta1_power beta2_power", names_of(digits, { role = "power" }))
    assert.equal("global_step", names_of(digits, { role = "step" }))
  end)

  it("is a role and patterns: either is enough", function()
    assert.equal("a a/Adam b", names_of(made("a", "a/Adam", "b"), { role = "slot", "^[ab]$" }))
  end)

  for what, case in pairs {
    ["a number"] = { 3, "a selection is a pattern, a list of patterns or {role = ...}, not a number" },
    ["nothing"] = { nil, "a selection is a pattern, a list of patterns or {role = ...}, not nil" },
    ["an empty table"] = { {}, "an empty selection: it takes a pattern, a list of patterns or {role = ...}" },
    ["an unknown field"] = { { rolle = "slot" }, "a selection has no field 'rolle' (only role)" },
    ["an unknown role"] = { { role = "slots" }, "there is no role 'slots' (weight, slot, power, average, step, counter, table, state)" },
    ["a list with a number"] = { { "a", 1 }, "a pattern is a string, not a number" },
  } do
    it(("cannot be %s"):format(what), function()
      for _, rule in ipairs { "drop", "keep_only" } do
        local problem = failure(function()
          local ckpt = made("a")
          ckpt[rule](ckpt, case[1])
        end)
        assert.equal(case[2], problem.what)
        assert.equal(here(-3), problem.line)
      end
    end)
  end

  it("for each is checked alike", function()
    local problem = failure(function() made("a"):each(3) end)
    assert.equal("a selection is a pattern, a list of patterns or {role = ...}, not a number", problem.what)
    assert.equal(here(-2), problem.line)
    assert.matches("no role 'x'", failure(function() made("a"):each { role = "x" } end).what, 1, true)
  end)
end)

describe("drop", function()
  it("removes what is selected and returns how many", function()
    local ckpt = made("a", "b", "ab")
    assert.equal(2, ckpt:drop "a")
    assert.equal("b", names_of(ckpt))
  end)

  it("settles what it means before the first one goes: a slot is one only beside its variable", function()
    local ckpt = made("w", "w/Adam", "w/Adam_1")
    assert.equal(3, ckpt:drop { role = "slot", "^w$" })
    assert.equal(0, #ckpt)
  end)

  it("that matches nothing is an error at its line, unless optional", function()
    local ckpt = made("a")
    local problem = failure(function() ckpt:drop { "x", "y" } end)
    assert.equal("no tensor matches 'x', 'y'", problem.what)
    assert.equal(here(-2), problem.line)
    assert.equal("no tensor matches role slot", failure(function() ckpt:drop { role = "slot" } end).what)
    assert.equal(0, ckpt:drop("x", OPTIONAL))
    assert.equal(1, #ckpt)
  end)
end)

describe("keep_only", function()
  it("removes everything else and returns how many stay", function()
    local ckpt = made("a", "b", "ab")
    assert.equal(2, ckpt:keep_only "a")
    assert.equal("a ab", names_of(ckpt))
  end)

  it("that matches nothing is an error and removes nothing", function()
    local ckpt = made("a", "b")
    assert.equal("no tensor matches 'x'", failure(function() ckpt:keep_only "x" end).what)
    assert.equal("a b", names_of(ckpt))
  end)

  it("that matches nothing removes nothing when it is optional", function()
    local ckpt = made("a", "b")
    assert.equal(0, ckpt:keep_only("x", OPTIONAL))
    assert.equal("a b", names_of(ckpt))
  end)
end)

describe("map", function()
  it("puts what the function gives in the place of each selected tensor", function()
    local ckpt = made("a1", "a2", "b")
    local seen = {}
    assert.equal(2, ckpt:map("a", function(tensor, name)
      seen[#seen + 1] = name .. "=" .. tensor:value()
      return gw.scalar(#seen)
    end))
    assert.same({ "a1=a1", "a2=a2" }, seen)
    assert.equal(2, ckpt.vars.a2:value())
    assert.equal("b", ckpt.vars.b:value())
  end)

  it("keeps a tensor that the function returns as it got it", function()
    local ckpt = gw.open(scratch.DIGITS)
    ckpt:map("kernel", function(tensor) return tensor end)
    for _, entry in ipairs(ckpt:plan().outputs[1].tensors) do assert.equal("unchanged", entry.action) end
  end)

  it("refuses nil, and says what to return", function()
    local problem = failure(function() made("a"):map("a", function() end) end)
    assert.equal('the function of map returned nothing for "a"', problem.what)
    assert.equal("return the tensor itself to keep it; drop removes", problem.hint)
    assert.equal(here(-3), problem.line)
  end)

  it("refuses what is no tensor", function()
    assert.matches('vars["a"] takes a tensor, not a number', failure(function() made("a"):map("a", function() return 1 end) end).what, 1, true)
  end)

  it("lets the function's own errors through, with their line", function()
    local problem = failure(function() made("a"):map("a", function() error("mine") end) end)
    assert.equal("mine", problem.what)
    assert.equal(here(-2), problem.line)
  end)

  it("lets the function yield", function()
    local ckpt = made("a", "b")
    local walk = coroutine.wrap(function() ckpt:map(".", function(tensor, name) coroutine.yield(name) return tensor end) end)
    assert.equal("a", walk())
    assert.equal("b", walk())
  end)

  it("needs a function, and a match unless optional", function()
    assert.equal("map takes a function(tensor, name), not nil", failure(function() made("a"):map "a" end).what)
    assert.equal("no tensor matches 'x'", failure(function() made("a"):map("x", print) end).what)
    assert.equal(0, made("a"):map("x", print, OPTIONAL))
  end)
end)

describe("role", function()
  local cases = {
    -- names around it, name, role: the Saver of a TF1 program (tf.compat.v1.train)
    { { "w" }, "w", "weight" },
    { { "w", "w/Adam" }, "w/Adam", "slot" },
    { { "w", "w/Adam_1" }, "w/Adam_1", "slot" },
    { { "w", "w/Momentum" }, "w/Momentum", "slot" },
    { { "w", "w/adam_m" }, "w/adam_m", "slot" },
    { { "w/Adam" }, "w/Adam", "weight" }, -- without its variable it is a name like others
    { { "w", "w/ExponentialMovingAverage" }, "w/ExponentialMovingAverage", "average" },
    { { "beta1_power" }, "beta1_power", "power" },
    { { "opt/beta2_power_1" }, "opt/beta2_power_1", "power" },
    { { "global_step" }, "global_step", "step" },
    { { "t-keys", "t-values" }, "t-keys", "table" },
    { { "t-keys" }, "t-keys", "weight" },
    -- an optimizer of Keras in a graph (tf.estimator of TF2, model_to_estimator)
    { { "a/w" }, "training/Adam/a/w/m", "slot", true },
    { { "w" }, "training/Ftrl/w/linear", "slot", true },
    { { "w" }, "training/Adam/a/w/m", "weight", true }, -- of another variable
    { {}, "training/Adam/learning_rate", "power", true },
    { {}, "training/RMSprop/rho", "power", true },
    { {}, "training/Ftrl/iter", "step", true },
    { {}, "training/learning_rate", "weight", true },
    { {}, "training/net/rho/kernel", "weight", true },
    { {}, "training//decay", "weight", true },
  }
  for _, case in ipairs(cases) do
    it(("of %s beside %s is %s"):format(case[2], table.concat(case[1], ", "), case[3]), function()
      local ckpt = made(table.unpack(case[1]))
      if case[4] then ckpt.vars[case[2]] = gw.scalar(1.0) end
      assert.equal(case[3], ckpt:role(case[2]))
    end)
  end

  it("follows edits: a slot whose variable is gone is a weight", function()
    local ckpt = made("w", "w/Adam")
    assert.equal("slot", ckpt:role "w/Adam")
    ckpt.vars.w = nil
    assert.equal("weight", ckpt:role "w/Adam")
  end)

  it("of a name that is not there raises the nearest", function()
    local problem = failure(function() made("kernel"):role "kernal" end)
    assert.equal('there is no tensor "kernal" (the nearest: "kernel")', problem.what)
    assert.equal(here(-2), problem.line)
  end)
end)

describe("slots", function()
  it("are one variable's, by their names", function()
    local digits = gw.open(scratch.DIGITS)
    local slots = digits:slots "classifier/dense/bias"
    local names = {}
    for name, tensor in pairs(slots) do
      names[#names + 1] = name
      assert.is_true(tensor:equal(digits.vars["classifier/dense/bias/" .. name]))
    end
    table.sort(names)
    assert.same({ "Adam", "Adam_1" }, names)
  end)

  it("are found in an optimizer's scope, and behind the only part's name", function()
    local ckpt = made("a/w", "training/Adam/a/w/m", "b", "b/part_0/Ftrl", "dnn/c", "dnn/c/t_0/Adagrad", "s/d", "opt/s/d/Adam", "e", "e/part_0/Adam")
    for variable, slot in pairs { ["a/w"] = "m", b = "Ftrl", ["dnn/c"] = "Adagrad", ["s/d"] = "Adam", e = "Adam" } do
      assert.equal(slot, next(ckpt:slots(variable)))
      assert.is_nil(next(ckpt:slots(variable), slot))
    end
  end)

  it("of a variable without any are an empty table", function()
    assert.same({}, made("a", "ab", "ab/Adam"):slots "a")
  end)

  it("of a name that is not there raise the nearest", function()
    assert.matches('there is no tensor "b"', failure(function() made("a"):slots "b" end).what, 1, true)
    assert.equal("slots takes a variable's name", failure(function() made("a"):slots() end).what)
  end)
end)

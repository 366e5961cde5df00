return {
  name = "reshape", version = "1.0", godwit = "1",
  summary = "Variables with the same elements in another shape",
  description = [[Reshapes the variables that the pattern finds, as tf.reshape. Slots and moving averages that have their variable's shape
follow it, unless -p slots=false; what a pattern like 'kernel' finds by itself is reshaped anyway.]],
  examples = {
    "godwit run reshape examples/data/digits.ckpt-100 -o out/digits.ckpt-100 -p which='dense/kernel$' -p shape=4,4,12",
    "godwit run reshape model.ckpt-1000 -o out/model.ckpt-1000 -p which='attention/\\w+/kernel$' -p shape=-1,12,64",
  },
  inputs = { "checkpoint" },
  params = {
    which = { type = "string", required = true, help = "a regular expression that the name has to match" },
    shape = { type = "list", required = true, help = "the new sizes of the axes, separated by commas; one may be -1; empty for a scalar" },
    slots = { type = "boolean", default = true, help = "false leaves slots and averages as they are" },
  },
  run = function(ckpt, p)
    local shape = {}
    for i, text in ipairs(p.shape) do
      shape[i] = math.tointeger(tonumber(text)) or error(("shape: '%s' is not a whole number"):format(text), 0)
    end
    ckpt:map(p.which, function(t, name)
      local ok, problem = pcall(t.reshape, t, shape)
      if not ok then error(("\"%s\": %s"):format(name, type(problem) == "table" and problem.what or problem), 0) end
      return problem
    end, { slots = p.slots })
  end,
  tests = { {
    name = "slots follow, others stay",
    input = function()
      return gw.variables {
        k = gw.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }, ["k/Adam"] = gw.zeros { 2, 2 }, ["k/Adagrad"] = gw.zeros { 2 }, b = gw.zeros { 2, 2 },
      }
    end,
    params = { which = "^k$", shape = { "1", "-1" } },
    output = function()
      return gw.variables {
        k = gw.tensor { { 1.0, 2.0, 3.0, 4.0 } }, ["k/Adam"] = gw.zeros { 1, 4 }, ["k/Adagrad"] = gw.zeros { 2 }, b = gw.zeros { 2, 2 },
      }
    end,
    plan = { computed = 2, unchanged = 2 },
  }, {
    name = "or stay",
    input = function() return gw.variables { k = gw.tensor { { 1, 2 }, { 3, 4 } }, ["k/Adam"] = gw.zeros { 2, 2 } } end,
    params = { which = "^k$", shape = { "4" }, slots = false },
    output = function() return gw.variables { k = gw.tensor { 1, 2, 3, 4 }, ["k/Adam"] = gw.zeros { 2, 2 } } end,
  }, {
    name = "one element is a scalar",
    input = function() return gw.objects { m = { s = gw.tensor { { 5 } } } } end,
    params = { which = "m/s", shape = {} },
    output = function() return gw.objects { m = { s = gw.scalar(5) } } end,
  }, {
    name = "other sizes",
    input = function() return gw.variables { k = gw.zeros { 2, 2 } } end,
    params = { which = "k", shape = { "3" } },
    fails = "\"k\": reshape of float32[2,2]: 4 elements do not fill [3]",
  }, {
    name = "a size is a whole number",
    input = function() return gw.variables { k = gw.zeros { 2, 2 } } end,
    params = { which = "k", shape = { "4", "x" } },
    fails = "shape: 'x' is not a whole number",
  }, {
    name = "nothing found",
    input = function() return gw.variables { k = gw.zeros { 2, 2 } } end,
    params = { which = "x", shape = { "4" } },
    fails = "no tensor matches 'x'",
  } },
}

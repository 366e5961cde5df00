return {
  name = "transpose", version = "1.0", godwit = "1",
  summary = "Variables with their axes in another order",
  description = [[Transposes the variables that the pattern finds: by perm, as tf.transpose counts axes (from 0), or, without it, the axes the
other way round. A variable of another rank than perm is an error. Slots and moving averages that have their variable's shape
follow it, unless -p slots=false.]],
  examples = {
    "godwit run transpose examples/data/digits.ckpt-100 -o out/digits.ckpt-100 -p which='dense/kernel$'",
    "godwit run transpose model.ckpt-1000 -o out/model.ckpt-1000 -p which='conv\\d+/kernel$' -p perm=3,2,0,1",
  },
  inputs = { "checkpoint" },
  params = {
    which = { type = "string", required = true, help = "a regular expression that the name has to match" },
    perm = { type = "list", help = "the old axis of each new one" },
    slots = { type = "boolean", default = true, help = "false leaves slots and averages as they are" },
  },
  run = function(ckpt, p)
    local perm
    if p.perm then
      perm = {}
      for i, text in ipairs(p.perm) do
        perm[i] = math.tointeger(tonumber(text)) or error(("perm: '%s' is not a whole number"):format(text), 0)
      end
    end
    ckpt:map(p.which, function(t, name)
      local ok, problem = pcall(t.transpose, t, perm)
      if not ok then error(("\"%s\": %s"):format(name, type(problem) == "table" and problem.what or problem), 0) end
      return problem
    end, { slots = p.slots })
  end,
  tests = { {
    name = "rows become columns, slots follow, others stay",
    input = function()
      return gw.variables {
        k = gw.tensor { { 1, 2, 3 } }, ["k/Momentum"] = gw.tensor { { 4, 5, 6 } }, ["k/Adagrad"] = gw.tensor { 7 }, b = gw.tensor { { 1, 2 } },
      }
    end,
    params = { which = "^k$" },
    output = function()
      return gw.variables {
        k = gw.tensor { { 1 }, { 2 }, { 3 } }, ["k/Momentum"] = gw.tensor { { 4 }, { 5 }, { 6 } }, ["k/Adagrad"] = gw.tensor { 7 }, b = gw.tensor { { 1, 2 } },
      }
    end,
    plan = { computed = 2, unchanged = 2 },
  }, {
    name = "by perm, and slots stay",
    input = function() return gw.variables { k = gw.tensor { { { 1, 2, 3 }, { 4, 5, 6 } } }, ["k/Momentum"] = gw.zeros { 1, 2, 3 } } end,
    params = { which = "^k$", perm = { "1", "2", "0" }, slots = false },
    output = function() return gw.variables { k = gw.tensor { { { 1 }, { 2 }, { 3 } }, { { 4 }, { 5 }, { 6 } } }, ["k/Momentum"] = gw.zeros { 1, 2, 3 } } end,
  }, {
    name = "objects",
    input = function() return gw.objects { m = { k = gw.tensor { { 1, 2 } } } } end,
    params = { which = "m/k", perm = { "1", "0" } },
    output = function() return gw.objects { m = { k = gw.tensor { { 1 }, { 2 } } } } end,
  }, {
    name = "another rank",
    input = function() return gw.variables { k = gw.tensor { { 1, 2 } }, b = gw.tensor { 1 } } end,
    params = { which = ".", perm = { "1", "0" } },
    fails = "\"b\": transpose of int32[1]: 2 axes are given for 1",
  }, {
    name = "an axis is a whole number",
    input = function() return gw.variables { k = gw.tensor { { 1, 2 } } } end,
    params = { which = ".", perm = { "1", "a" } },
    fails = "perm: 'a' is not a whole number",
  }, {
    name = "nothing found",
    input = function() return gw.variables { k = gw.tensor { { 1, 2 } } } end,
    params = { which = "x" },
    fails = "no tensor matches 'x'",
  } },
}

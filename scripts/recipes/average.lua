return {
  name = "average", version = "1.0", godwit = "1",
  summary = "The mean of several checkpoints",
  description = [[Averages the float variables of checkpoints with the same names, each weighted or not: sums in float64, rounded once.
Everything else (steps, counters, strings, the object graph) is the last checkpoint's, the first's, or, with others=error,
must be the same in all.]],
  examples = {
    "godwit run average run/ckpt-8 run/ckpt-9 run/ckpt-10 -o out/ckpt-10",
    "godwit run average a/ckpt b/ckpt -o out/ckpt -p weights=0.25,0.75 -p others=first",
  },
  inputs = { "checkpoints..." },
  params = {
    weights = { type = "list", help = "one number for each checkpoint; they need not add up to 1" },
    others = { type = "choice", choices = { "last", "first", "error" }, default = "last", help = "whose value is taken of what is no float" },
  },
  run = function(_, p, inputs)
    local weights
    if p.weights then
      weights = {}
      for i, text in ipairs(p.weights) do
        weights[i] = tonumber(text) or error(("weights: '%s' is not a number"):format(text), 0)
      end
      if #weights ~= #inputs then error(("%d weights for %d checkpoints"):format(#weights, #inputs), 0) end
      local sum = 0
      for _, weight in ipairs(weights) do sum = sum + weight end
      if sum == 0 then error("the weights add up to 0: there is no such mean", 0) end
    end
    local out = p.others == "first" and inputs[1] or inputs[#inputs]
    for _, ckpt in ipairs(inputs) do
      for name in ckpt:each() do
        if not out:has(name) then error(("%s has \"%s\", and %s has not"):format(ckpt.path, name, out.path), 0) end
      end
    end
    for name, t in out:each() do
      local all = {}
      for i, ckpt in ipairs(inputs) do
        all[i] = ckpt:get(name)
        if not all[i] then error(("%s has no \"%s\", and %s has"):format(ckpt.path, name, out.path), 0) end
      end
      if t:is_float() then
        local ok, mean = pcall(gw.mean, all, weights)
        if not ok then error(("\"%s\": %s"):format(name, type(mean) == "table" and mean.what or mean), 0) end
        out.vars[name] = mean
      elseif p.others == "error" then
        for i = 1, #all - 1 do
          if not all[i]:equal(t) then error(("\"%s\" is not the same in all checkpoints"):format(name), 0) end
        end
      end
    end
    return out
  end,
  tests = { {
    name = "floats are averaged, the last step stays",
    inputs = function()
      return {
        gw.variables { w = gw.tensor({ 1, 2 }, "float32"), step = gw.scalar(7, "int64") },
        gw.variables { w = gw.tensor({ 3, 6 }, "float32"), step = gw.scalar(9, "int64") },
      }
    end,
    output = function() return gw.variables { w = gw.tensor({ 2, 4 }, "float32"), step = gw.scalar(9, "int64") } end,
    plan = { computed = 1, unchanged = 1 },
  }, {
    name = "weights count, the first step stays",
    inputs = function()
      return {
        gw.variables { w = gw.tensor({ 1, 2 }, "float32"), step = gw.scalar(7, "int64") },
        gw.variables { w = gw.tensor({ 3, 6 }, "float32"), step = gw.scalar(9, "int64") },
      }
    end,
    params = { weights = { "1", "3" }, others = "first" },
    output = function() return gw.variables { w = gw.tensor({ 2.5, 5 }, "float32"), step = gw.scalar(7, "int64") } end,
  }, {
    name = "objects, as many as there are",
    inputs = function()
      local list = {}
      for i = 1, 3 do list[i] = gw.objects({ w = gw.scalar(i * i, "float64"), text = gw.strings { "a" } }, { save_counter = i }) end
      return list
    end,
    params = { weights = { "0.5", "-1", "1.5" } },
    output = function() return gw.objects({ w = gw.scalar(10.0, "float64"), text = gw.strings { "a" } }, { save_counter = 3 }) end,
  }, {
    name = "what is the same in all is no error",
    inputs = function()
      local one = gw.variables { w = gw.scalar(1.0), step = gw.scalar(7, "int64") }
      return { one, one:copy() }
    end,
    params = { others = "error" },
    output = function() return gw.variables { w = gw.scalar(1.0), step = gw.scalar(7, "int64") } end,
  }, {
    name = "a first step that differs is one, if wanted",
    inputs = function()
      local list = {}
      for i, step in ipairs { 8, 7, 7 } do list[i] = gw.variables { w = gw.scalar(1.0), step = gw.scalar(step, "int64") } end
      return list
    end,
    params = { others = "error" },
    fails = "\"step\" is not the same in all checkpoints",
  }, {
    name = "and so is one in between",
    inputs = function()
      local list = {}
      for i, step in ipairs { 7, 8, 7 } do list[i] = gw.variables { w = gw.scalar(1.0), step = gw.scalar(step, "int64") } end
      return list
    end,
    params = { others = "error" },
    fails = "\"step\" is not the same in all checkpoints",
  }, {
    name = "a variable that the first lacks",
    inputs = function() return { gw.variables { w = gw.scalar(1.0) }, gw.variables { v = gw.scalar(1), w = gw.scalar(1.0) } } end,
    fails = "input-1 has no \"v\", and",
  }, {
    name = "a variable that the last lacks",
    inputs = function() return { gw.variables { v = gw.scalar(1), w = gw.scalar(1.0) }, gw.variables { w = gw.scalar(1.0) } } end,
    fails = "input-1 has \"v\", and",
  }, {
    name = "other shapes",
    inputs = function() return { gw.variables { w = gw.scalar(1.0) }, gw.variables { w = gw.tensor { 1.0 } } } end,
    fails = "\"w\": mean",
  }, {
    name = "a weight for each",
    inputs = function() return { gw.variables { w = gw.scalar(1.0) }, gw.variables { w = gw.scalar(2.0) } } end,
    params = { weights = { "1" } },
    fails = "1 weights for 2 checkpoints",
  }, {
    name = "a weight is a number",
    inputs = function() return { gw.variables { w = gw.scalar(1.0) }, gw.variables { w = gw.scalar(2.0) } } end,
    params = { weights = { "1", "x" } },
    fails = "weights: 'x' is not a number",
  }, {
    name = "weights that say nothing",
    inputs = function() return { gw.variables { w = gw.scalar(1.0) }, gw.variables { w = gw.scalar(2.0) } } end,
    params = { weights = { "1", "-1" } },
    fails = "the weights add up to 0: there is no such mean",
  } },
}

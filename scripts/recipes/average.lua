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
    end
    local out = p.others == "first" and inputs[1] or inputs[#inputs]
    for i, ckpt in ipairs(inputs) do
      for name in ckpt:each() do
        if not out:has(name) then error(("checkpoint %d has \"%s\", and %s has not"):format(i, name, out.path), 0) end
      end
    end
    for name, t in out:each() do
      local all = {}
      for i, ckpt in ipairs(inputs) do
        all[i] = ckpt:get(name)
        if not all[i] then error(("checkpoint %d has no \"%s\""):format(i, name), 0) end
      end
      if t:is_float() then
        out.vars[name] = gw.mean(all, weights)
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
  } },
}

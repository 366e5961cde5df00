local ENDING = [[/ExponentialMovingAverage$]]

return {
  name = "ema_to_model", version = "1.0", godwit = "1",
  summary = "Moving averages take the place of the variables that they follow",
  description = [[Each VARIABLE/ExponentialMovingAverage (tf.train.ExponentialMovingAverage) becomes VARIABLE, whose own value is dropped. With
drop_slots=true an optimizer's slots go too: what is left is what one serves.]],
  examples = { "godwit run ema_to_model model.ckpt-1000 -o serve/model.ckpt-1000 -p drop_slots=true" },
  inputs = { "checkpoint" },
  params = { drop_slots = { type = "boolean", default = false, help = "drop the optimizer's slots and powers" } },
  detect = function(ckpt)
    return ckpt:each({ role = "average" })() ~= nil, "it has moving averages"
  end,
  run = function(ckpt, p)
    if p.drop_slots then
      ckpt:drop({ role = "slot" }, { optional = true })
      ckpt:drop({ role = "power" }, { optional = true })
    end
    local averages = {}
    for name, average in ckpt:each(ENDING) do averages[name] = average end
    if not next(averages) then error("there is no VARIABLE/ExponentialMovingAverage", 0) end
    for name in pairs(averages) do
      local variable = gw.sub(name, ENDING, "")
      if ckpt:has(variable) then ckpt.vars[variable] = nil end
    end
    ckpt:rename(ENDING, "")
  end,
  tests = { {
    name = "the average is the variable",
    input = function() return gw.variables { a = gw.scalar(1.0), ["a/ExponentialMovingAverage"] = gw.scalar(2.0), b = gw.scalar(3.0) } end,
    expect = function(out) assert(#out == 2 and out.vars.a:value() == 2.0 and out.vars.b:value() == 3.0) end,
  } },
}

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
    return ckpt.kind == "variables" and ckpt:each(ENDING)() ~= nil, "it has moving averages"
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based: its averages are an optimizer's, without such names"):format(ckpt.path), 0) end
    if p.drop_slots then
      ckpt:drop({ role = "slot" }, { optional = true })
      ckpt:drop({ role = "power" }, { optional = true })
    end
    local any = false
    for name in ckpt:each(ENDING) do
      local variable = gw.sub(name, ENDING, "")
      if ckpt:has(variable) then ckpt.vars[variable] = nil end
      any = true
    end
    if not any then error(("%s has no VARIABLE/ExponentialMovingAverage"):format(ckpt.path), 0) end
    ckpt:rename(ENDING, "")
  end,
  tests = { {
    name = "the average is the variable",
    input = function()
      return gw.variables {
        a = gw.scalar(1.0), ["a/ExponentialMovingAverage"] = gw.scalar(2.0), ["a/Adam"] = gw.scalar(4.0), b = gw.scalar(3.0), beta1_power = gw.scalar(0.9),
      }
    end,
    output = function() return gw.variables { a = gw.scalar(2.0), ["a/Adam"] = gw.scalar(4.0), b = gw.scalar(3.0), beta1_power = gw.scalar(0.9) } end,
    plan = { renamed = 1, unchanged = 3, dropped = 1 },
    detects = true,
  }, {
    name = "what is served has no slots and no powers",
    input = function()
      return gw.variables {
        a = gw.scalar(1.0), ["a/ExponentialMovingAverage"] = gw.scalar(2.0), ["a/Adam"] = gw.scalar(4.0), beta1_power = gw.scalar(0.9),
        global_step = gw.scalar(5, "int64"),
      }
    end,
    params = { drop_slots = true },
    output = function() return gw.variables { a = gw.scalar(2.0), global_step = gw.scalar(5, "int64") } end,
  }, {
    name = "averages alone, and nothing to drop",
    input = function() return gw.variables { ["s/a/ExponentialMovingAverage"] = gw.scalar(2.0) } end,
    params = { drop_slots = true },
    output = function() return gw.variables { ["s/a"] = gw.scalar(2.0) } end,
    detects = true,
  }, {
    name = "no averages is a mistake",
    input = function() return gw.variables { a = gw.scalar(1.0), ["a/ExponentialMovingAverage/b"] = gw.scalar(1.0) } end,
    fails = "has no VARIABLE/ExponentialMovingAverage",
    detects = false,
  }, {
    name = "objects have none of these names",
    input = function() return gw.objects { a = { ExponentialMovingAverage = gw.scalar(1.0) } } end,
    fails = "is object-based",
    detects = false,
  } },
}

-- Training starts anew from these weights: the step is reset, and with it what Adam derives from the number of steps.
-- Slots stay, so that the optimizer keeps its momentum; -p slots=drop leaves them behind as well.
--
--   godwit run examples/restart_step.lua examples/data/digits.ckpt-100 -o out/digits.ckpt-0
--   godwit run examples/restart_step.lua examples/data/bert-tiny.ckpt-20 -p step=1000 -p slots=drop -o out/bert-tiny.ckpt-1000
return {
  name = "restart_step", version = "1.0", godwit = "1",
  summary = "The step is set, Adam's powers of beta with it",
  inputs = { "checkpoint" },
  params = {
    step = { type = "integer", default = 0, help = "the new value of the step" },
    slots = { type = "choice", choices = { "keep", "drop" }, default = "keep", help = "what becomes of the optimizer's slots" },
    beta1 = { type = "number", default = 0.9 },
    beta2 = { type = "number", default = 0.999 },
  },
  run = function(ckpt, p)
    ckpt:map({ role = "step" }, function(old) return gw.scalar(p.step, old.dtype) end)
    -- tf.compat.v1.train.AdamOptimizer keeps beta ** (step + 1).
    for name, old in ckpt:each { role = "power" } do
      local beta = gw.match(name, "beta1") and p.beta1 or p.beta2
      ckpt.vars[name] = gw.scalar(beta ^ (p.step + 1), old.dtype)
    end
    if p.slots == "drop" then ckpt:drop { role = "slot" } end
  end,
}

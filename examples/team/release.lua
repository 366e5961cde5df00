return {
  name = "release", version = "1.0", godwit = "1",
  summary = "What the digits team serves: averages, in the second code's names",
  description = [[The moving averages take the variables' places, what training alone needs goes, the layers get their new names, and the
values another dtype, if wanted. Two recipes that come with godwit do most of it, and one of this folder the rest.]],
  examples = {
    "godwit run examples/team/release.lua examples/data/digits.ckpt-100 -o out/release/digits",
    "godwit run examples/team/release.lua examples/data/digits.ckpt-100 -o out/small/digits -p dtype=bfloat16",
  },
  inputs = { "checkpoint" },
  params = { dtype = { type = "choice", choices = { "float16", "bfloat16", "float32" }, default = "float32", help = "the values' dtype" } },
  detect = function(ckpt) return ckpt:has "classifier/logits/kernel/ExponentialMovingAverage", "it has the averages of the digits model's first code" end,
  run = function(ckpt, p)
    gw.recipe "ema_to_model"(ckpt, { drop_slots = true })
    ckpt:drop { role = "step" }
    gw.recipe "rename_layers"(ckpt)
    gw.recipe "cast"(ckpt, { dtype = p.dtype })
  end,
  tests = { {
    name = "averages under new names, and nothing else",
    input = function()
      return gw.variables {
        ["classifier/dense/kernel"] = gw.scalar(1.0), ["classifier/dense/kernel/ExponentialMovingAverage"] = gw.scalar(1.5),
        ["classifier/logits/kernel"] = gw.scalar(2.0), ["classifier/logits/kernel/ExponentialMovingAverage"] = gw.scalar(2.5),
        ["classifier/dense/kernel/Adam"] = gw.scalar(0.1), beta1_power = gw.scalar(0.9), global_step = gw.scalar(7, "int64"),
      }
    end,
    params = { dtype = "float16" },
    output = function() return gw.variables { ["backbone/hidden/kernel"] = gw.scalar(1.5, "float16"), ["head/kernel"] = gw.scalar(2.5, "float16") } end,
    detects = true,
  }, {
    name = "a checkpoint without averages is not released",
    input = function() return gw.variables { ["classifier/dense/kernel"] = gw.scalar(1.0), ["classifier/logits/kernel"] = gw.scalar(2.0) } end,
    fails = "has no VARIABLE/ExponentialMovingAverage",
    detects = false,
  } },
}

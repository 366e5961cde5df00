local SCOPES = require "digits.names" -- of the library digits, which the manifest requires

--- "backbone/hidden/" goes to the part called backbone.
local function part_of(scope) return scope.second:match "^[^/]+" end

return {
  name = "split_release", version = "1.0", godwit = "1",
  summary = "A release of the digits team in two checkpoints: backbone and head",
  description = [[The digits team's recipe `release` makes the model that is served; each of its parts then goes to a checkpoint of its own, so
that several heads share one backbone. GODWIT_PATH must have the digits team's folder.]],
  examples = {
    "GODWIT_PATH=examples/team godwit run examples/serving/split_release.lua examples/data/digits.ckpt-100 "
      .. "-o backbone=out/serving/backbone -o head=out/serving/head",
  },
  inputs = { "checkpoint" },
  params = { dtype = { type = "choice", choices = { "float16", "bfloat16", "float32" }, default = "bfloat16", help = "the values' dtype" } },
  run = function(ckpt, p)
    gw.recipe "release"(ckpt, { dtype = p.dtype })
    local parts = {}
    for _, scope in ipairs(SCOPES) do
      local part = ckpt:copy()
      part:keep_only("^" .. scope.second)
      parts[part_of(scope)] = part
    end
    return parts
  end,
  tests = { {
    name = "each part has its own, averaged",
    input = function()
      return gw.variables {
        ["classifier/dense/kernel"] = gw.scalar(1.0), ["classifier/dense/kernel/ExponentialMovingAverage"] = gw.scalar(1.5),
        ["classifier/logits/kernel"] = gw.scalar(2.0), ["classifier/logits/kernel/ExponentialMovingAverage"] = gw.scalar(2.5),
        global_step = gw.scalar(7, "int64"),
      }
    end,
    output = function()
      return {
        backbone = gw.variables { ["backbone/hidden/kernel"] = gw.scalar(1.5, "bfloat16") },
        head = gw.variables { ["head/kernel"] = gw.scalar(2.5, "bfloat16") },
      }
    end,
  }, {
    name = "what the digits team would not release",
    input = function() return gw.variables { ["classifier/dense/kernel"] = gw.scalar(1.0), ["classifier/logits/kernel"] = gw.scalar(2.0) } end,
    fails = "has no VARIABLE/ExponentialMovingAverage",
  } },
}

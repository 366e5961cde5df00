local SCOPES = require "digits.names"

return {
  name = "rename_layers", version = "1.0", godwit = "1",
  summary = "The digits model's layers get the names of its second code",
  description = [[classifier/dense becomes backbone/hidden, classifier/logits becomes head, slots and averages with them.]],
  examples = {
    "godwit run examples/team/rename_layers.lua examples/data/digits.ckpt-100 -o out/second/digits.ckpt-100",
    "godwit run examples/team/rename_layers.lua out/second/digits.ckpt-100 -o out/first/digits.ckpt-100 -p back=true",
  },
  inputs = { "checkpoint" },
  params = { back = { type = "boolean", default = false, help = "from the second code's names to the first's" } },
  detect = function(ckpt) return ckpt:has "classifier/logits/kernel", "it has the layers of the digits model's first code" end,
  run = function(ckpt, p)
    for _, scope in ipairs(SCOPES) do
      local from, to = scope.first, scope.second
      if p.back then from, to = to, from end
      ckpt:rename_scope(from, to)
    end
  end,
  tests = { {
    name = "layers and their slots, nothing else",
    input = function()
      return gw.variables {
        ["classifier/dense/kernel"] = gw.scalar(1.0), ["classifier/logits/kernel"] = gw.scalar(2.0), ["classifier/logits/kernel/Adam"] = gw.scalar(3.0),
        global_step = gw.scalar(7, "int64"),
      }
    end,
    output = function()
      return gw.variables {
        ["backbone/hidden/kernel"] = gw.scalar(1.0), ["head/kernel"] = gw.scalar(2.0), ["head/kernel/Adam"] = gw.scalar(3.0),
        global_step = gw.scalar(7, "int64"),
      }
    end,
    plan = { renamed = 3, unchanged = 1 },
    detects = true,
  }, {
    name = "and back",
    input = function() return gw.variables { ["backbone/hidden/kernel"] = gw.scalar(1.0), ["head/kernel"] = gw.scalar(2.0) } end,
    params = { back = true },
    output = function() return gw.variables { ["classifier/dense/kernel"] = gw.scalar(1.0), ["classifier/logits/kernel"] = gw.scalar(2.0) } end,
    detects = false,
  }, {
    name = "half of the model is a mistake",
    input = function() return gw.variables { ["classifier/dense/kernel"] = gw.scalar(1.0) } end,
    fails = "no tensor is in the scope 'classifier/logits/'",
  } },
}

-- The head of either code: "classifier/logits/" or "head/".
local function find_head(ckpt)
  local scopes = require "digits.names"
  local head = scopes[#scopes]
  for _, scope in ipairs { head.first, head.second } do
    if ckpt:has(scope .. "kernel") then return scope end
  end
end

return {
  name = "new_head", version = "1.0", godwit = "1",
  summary = "The digits model for another number of classes",
  description = [[The head's kernel is drawn anew (Glorot, as tf.keras.layers.Dense), its bias is 0, and slots and averages of both go, so that
training starts afresh where it has to.]],
  examples = { "godwit run examples/team/new_head.lua examples/data/digits.ckpt-100 -o out/letters/model.ckpt -p classes=26" },
  inputs = { "checkpoint" },
  params = {
    classes = { type = "integer", required = true, help = "how many there are" },
    seed = { type = "integer", default = 0, help = "of the kernel's values" },
  },
  detect = function(ckpt) return find_head(ckpt) ~= nil, "it has the digits model's head" end,
  run = function(ckpt, p)
    local head = find_head(ckpt)
    if not head then error(("%s has no head of the digits model"):format(ckpt.path), 0) end
    if p.classes < 2 then error(("classes: %d cannot be told apart"):format(p.classes), 0) end
    ckpt:drop("^" .. head .. "(kernel|bias)/", { optional = true })
    local kernel = ckpt.vars[head .. "kernel"]
    ckpt.vars[head .. "kernel"] = gw.glorot_uniform({ kernel:dim(0), p.classes }, { dtype = kernel.dtype, seed = p.seed })
    ckpt.vars[head .. "bias"] = gw.zeros({ p.classes }, kernel.dtype)
  end,
  tests = { {
    name = "other sizes, no slots, the rest as it was",
    input = function()
      return gw.variables {
        ["head/kernel"] = gw.zeros { 4, 10 }, ["head/kernel/Adam"] = gw.zeros { 4, 10 }, ["head/bias"] = gw.zeros { 10 }, ["backbone/w"] = gw.scalar(1.0),
      }
    end,
    params = { classes = 3, seed = 5 },
    output = function()
      return gw.variables {
        ["head/kernel"] = gw.glorot_uniform({ 4, 3 }, { seed = 5 }), ["head/bias"] = gw.zeros { 3 }, ["backbone/w"] = gw.scalar(1.0),
      }
    end,
    plan = { unchanged = 1, dropped = 1 },
    detects = true,
  }, {
    name = "the first code's head",
    input = function() return gw.variables { ["classifier/logits/kernel"] = gw.zeros { 4, 10 }, ["classifier/logits/bias"] = gw.full({ 10 }, 1.0) } end,
    params = { classes = 2 },
    expect = function(out)
      assert(out.vars["classifier/logits/kernel"].shape == { 4, 2 } and out.vars["classifier/logits/bias"]:equal(gw.zeros { 2 }))
    end,
  }, {
    name = "one class is none",
    input = function() return gw.variables { ["head/kernel"] = gw.zeros { 4, 10 } } end,
    params = { classes = 1 },
    fails = "classes: 1 cannot be told apart",
  }, {
    name = "another model",
    input = function() return gw.variables { ["bert/kernel"] = gw.zeros { 4, 10 } } end,
    params = { classes = 3 },
    fails = "has no head of the digits model",
    detects = false,
  } },
}

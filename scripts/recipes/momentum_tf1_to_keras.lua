local optimizers = require "modules.optimizers"

return {
  name = "momentum_tf1_to_keras", version = "1.0", godwit = "1",
  summary = "Training with TF1's Momentum goes on with Keras' SGD(momentum=...)",
  description = [[The model's variables, the optimizer's slots and iterations of a TF1 Saver's checkpoint are written into a
checkpoint of the freshly built TF2 model and optimizer, legacy or of Keras 2.11 and later; training goes on with the update
that TF1 would have made. Variables are matched by full names, or by the file of the parameter names. TF1's slot is the sum of
gradients and Keras' the step itself, so the slots are multiplied by -learning_rate: give the rate of the next step. Where
gradients are sparse, TF1 and legacy Keras touch only the rows that they have; Keras 2.11 and later lets the slots of all rows
decay.]],
  examples = {
    "godwit run momentum_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p learning_rate=0.01",
    "godwit run momentum_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p learning_rate=0.01 -p names=@names.txt",
  },
  inputs = optimizers.inputs,
  params = optimizers.to_keras_params {
    learning_rate = { type = "number", required = true, help = "of the next step; the slots are scaled by it" },
    momentum = { type = "number", help = "without it: into's stays" },
  },
  detect = function(ckpt)
    return ckpt.kind == "variables" and ckpt:each([[/Momentum(_\d+)?$]])() ~= nil, "it has slots of TF1's Momentum"
  end,
  run = function(ckpt, p, inputs) return optimizers.to_keras("momentum", ckpt, p, inputs) end,
  tests = { {
    name = "slots and iterations come from TF1",
    input = function()
      local into = gw.objects {
        w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64"), learning_rate = gw.scalar(0.1) },
      }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "momentum", gw.zeros { 2 })
      return { gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Momentum"] = gw.tensor { 2.0, 4.0 }, global_step = gw.scalar(2, "int64") }, into }
    end,
    params = { learning_rate = 0.5 },
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.momentum:equal(gw.tensor { -1.0, -2.0 }))
      assert(gw.graph.tensor(out.root.w):equal(gw.tensor { 1.0, 2.0 }) and gw.graph.tensor(out.root.optimizer.iter):value() == 2)
    end,
    detects = "it has slots of TF1's Momentum",
  }, {
    name = "slots in a scope, steps that are given",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "momentum", gw.zeros { 2 })
      local tf1 = gw.variables {
        w = gw.tensor { 1.0, 2.0 },
        ["train/w/Momentum"] = gw.tensor { 2.0, 4.0 },
      }
      return { tf1, into }
    end,
    params = { learning_rate = 0.5, scope = "train/", iterations = 7 },
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.momentum:equal(gw.tensor { -1.0, -2.0 }))
      assert(gw.graph.tensor(out.root.optimizer.iter):value() == 7)
    end,
    prints = "iterations=7",
  }, {
    name = "a checkpoint of another optimizer",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "momentum", gw.zeros { 2 })
      return { gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Other"] = gw.zeros { 2 }, global_step = gw.scalar(2, "int64") }, into }
    end,
    params = { learning_rate = 0.5 },
    fails = "has no VARIABLE/Momentum for any variable of into",
    detects = false,
  }, {
    name = "the inputs in the wrong order",
    input = function()
      return { gw.objects { ["w/Momentum"] = gw.scalar(1.0) }, gw.variables { w = gw.scalar(1.0) } }
    end,
    params = { learning_rate = 0.5 },
    fails = "is object-based: the first input is TF1's checkpoint",
    detects = false,
  } },
}

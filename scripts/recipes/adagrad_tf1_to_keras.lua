local optimizers = require "modules.optimizers"

return {
  name = "adagrad_tf1_to_keras", version = "1.0", godwit = "1",
  summary = "Training with TF1's Adagrad goes on with Keras' Adagrad",
  description = [[The model's variables, the optimizer's slots and iterations of a TF1 Saver's checkpoint are written into a
checkpoint of the freshly built TF2 model and optimizer, legacy or of Keras 2.11 and later; training goes on with the update
that TF1 would have made. Variables are matched by full names, or by the file of the parameter names. TF1 divides by
sqrt(accumulator): make the Keras optimizer with epsilon=0, in legacy Keras (which takes 0 for its default) with
epsilon=1e-30.]],
  examples = {
    "godwit run adagrad_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1",
    "godwit run adagrad_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p names=@names.txt -p learning_rate=0.01",
  },
  inputs = optimizers.inputs,
  params = optimizers.to_keras_params {},
  detect = function(ckpt)
    return ckpt.kind == "variables" and ckpt:each([[/Adagrad(_\d+)?$]])() ~= nil, "it has slots of TF1's Adagrad"
  end,
  run = function(ckpt, p, inputs) return optimizers.to_keras("adagrad", ckpt, p, inputs) end,
  tests = { {
    name = "slots and iterations come from TF1",
    input = function()
      local into = gw.objects {
        w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64"), learning_rate = gw.scalar(0.1) },
      }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "accumulator", gw.zeros { 2 })
      return { gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Adagrad"] = gw.tensor { 2.0, 4.0 }, global_step = gw.scalar(2, "int64") }, into }
    end,
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.accumulator:equal(gw.tensor { 2.0, 4.0 }))
      assert(gw.graph.tensor(out.root.w):equal(gw.tensor { 1.0, 2.0 }) and gw.graph.tensor(out.root.optimizer.iter):value() == 2)
    end,
    detects = "it has slots of TF1's Adagrad",
  }, {
    name = "slots in a scope, steps that are given",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "accumulator", gw.zeros { 2 })
      local tf1 = gw.variables {
        w = gw.tensor { 1.0, 2.0 },
        ["train/w/Adagrad"] = gw.tensor { 2.0, 4.0 },
      }
      return { tf1, into }
    end,
    params = { scope = "train/", iterations = 7 },
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.accumulator:equal(gw.tensor { 2.0, 4.0 }))
      assert(gw.graph.tensor(out.root.optimizer.iter):value() == 7)
    end,
    prints = "iterations=7",
  }, {
    name = "a checkpoint of another optimizer",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "accumulator", gw.zeros { 2 })
      return { gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Other"] = gw.zeros { 2 }, global_step = gw.scalar(2, "int64") }, into }
    end,
    fails = "has no VARIABLE/Adagrad for any variable of into",
    detects = false,
  }, {
    name = "the inputs in the wrong order",
    input = function()
      return { gw.objects { ["w/Adagrad"] = gw.scalar(1.0) }, gw.variables { w = gw.scalar(1.0) } }
    end,
    fails = "is object-based: the first input is TF1's checkpoint",
    detects = false,
  } },
}

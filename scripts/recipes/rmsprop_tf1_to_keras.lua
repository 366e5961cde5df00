local optimizers = require "modules.optimizers"

return {
  name = "rmsprop_tf1_to_keras", version = "1.0", godwit = "1",
  summary = "Training with TF1's RMSProp goes on with Keras' RMSprop",
  description = [[The model's variables, the optimizer's slots and iterations of a TF1 Saver's checkpoint are written into a
checkpoint of the freshly built TF2 model and optimizer, legacy or of Keras 2.11 and later; training goes on with the update
that TF1 would have made. Variables are matched by full names, or by the file of the parameter names. Give Keras TF1's
epsilon, which is inside of the root in both, but in legacy Keras without momentum outside of it: there the update is the same
only as far as epsilon is small beside rms. Where gradients are sparse, TF1 and legacy Keras with momentum touch only the rows
that they have; Keras 2.11 and later lets the slots of all rows decay.]],
  examples = {
    "godwit run rmsprop_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p rho=0.9 -p momentum=0.9",
    "godwit run rmsprop_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p learning_rate=0.01 -p names=@names.txt",
  },
  inputs = optimizers.inputs,
  params = optimizers.to_keras_params {
    rho = { type = "number", help = "TF1's decay of the mean of squares (0.9 unless the program says otherwise); without it: into's stays" },
    decay = false, -- in TF1 that is what Keras calls rho, in legacy Keras another thing
    momentum = { type = "number", help = "without it: into's stays" },
  },
  detect = function(ckpt)
    return ckpt.kind == "variables" and ckpt:each([[/RMSProp(_\d+)?$]])() ~= nil, "it has slots of TF1's RMSProp"
  end,
  run = function(ckpt, p, inputs) return optimizers.to_keras("rmsprop", ckpt, p, inputs) end,
  tests = { {
    name = "slots and iterations come from TF1",
    input = function()
      local into = gw.objects {
        w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64"), learning_rate = gw.scalar(0.1) },
      }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "rms", gw.zeros { 2 })
      gw.graph.set_slot(into.root.optimizer, into.root.w, "momentum", gw.zeros { 2 })
      local tf1 = gw.variables {
        w = gw.tensor { 1.0, 2.0 }, ["w/RMSProp"] = gw.tensor { 2.0, 4.0 },
        ["w/RMSProp_1"] = gw.tensor { 3.0, 4.0 }, global_step = gw.scalar(2, "int64"),
      }
      return { tf1, into }
    end,
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.rms:equal(gw.tensor { 2.0, 4.0 }))
      assert(slots.momentum:equal(gw.tensor { 3.0, 4.0 }))
      assert(gw.graph.tensor(out.root.w):equal(gw.tensor { 1.0, 2.0 }) and gw.graph.tensor(out.root.optimizer.iter):value() == 2)
    end,
    detects = "it has slots of TF1's RMSProp",
  }, {
    name = "slots in a scope, steps that are given",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "rms", gw.zeros { 2 })
      gw.graph.set_slot(into.root.optimizer, into.root.w, "momentum", gw.zeros { 2 })
      local tf1 = gw.variables {
        w = gw.tensor { 1.0, 2.0 },
        ["train/w/RMSProp"] = gw.tensor { 2.0, 4.0 },
        ["train/w/RMSProp_1"] = gw.tensor { 3.0, 4.0 },
      }
      return { tf1, into }
    end,
    params = { scope = "train/", iterations = 7 },
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.rms:equal(gw.tensor { 2.0, 4.0 }))
      assert(slots.momentum:equal(gw.tensor { 3.0, 4.0 }))
      assert(gw.graph.tensor(out.root.optimizer.iter):value() == 7)
    end,
    prints = "iterations=7",
  }, {
    name = "a checkpoint of another optimizer",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "rms", gw.zeros { 2 })
      gw.graph.set_slot(into.root.optimizer, into.root.w, "momentum", gw.zeros { 2 })
      return { gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Other"] = gw.zeros { 2 }, global_step = gw.scalar(2, "int64") }, into }
    end,
    fails = "has no VARIABLE/RMSProp for any variable of into",
    detects = false,
  }, {
    name = "the inputs in the wrong order",
    input = function()
      return { gw.objects { ["w/RMSProp"] = gw.scalar(1.0) }, gw.variables { w = gw.scalar(1.0) } }
    end,
    fails = "is object-based: the first input is TF1's checkpoint",
    detects = false,
  } },
}

local optimizers = require "modules.optimizers"

return {
  name = "adam_tf1_to_keras", version = "1.0", godwit = "1",
  summary = "Training with TF1's Adam goes on with Keras' Adam",
  description = [[The model's variables, the optimizer's slots and iterations of a TF1 Saver's checkpoint are written into a
checkpoint of the freshly built TF2 model and optimizer, legacy or of Keras 2.11 and later; training goes on with the update
that TF1 would have made. Variables are matched by full names, or by the file of the parameter names. iterations is the number
of steps that leaves TF1's beta1_power and beta2_power. epsilon is in no checkpoint: 1e-08 by default in TF1, 1e-07 in Keras.
beta_1 and beta_2 are written into a legacy optimizer; one of Keras 2.11 and later has them in the program only.]],
  examples = {
    "godwit run adam_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p beta_1=0.9 -p beta_2=0.999",
    "godwit run adam_tf1_to_keras tf1/model.ckpt-1000 into=fresh/ckpt-1 -o tf2/ckpt-1 -p beta_1=0.9 -p beta_2=0.999 -p names=@names.txt",
  },
  inputs = optimizers.inputs,
  params = optimizers.to_keras_params {
    beta_1 = { type = "number", required = true, help = "TF1's beta1 (0.9 unless the program says otherwise)" },
    beta_2 = { type = "number", required = true, help = "TF1's beta2 (0.999 unless the program says otherwise)" },
    beta1_power = { type = "string", help = "the variable of this name, where several optimizers have one: train/beta1_power" },
  },
  detect = function(ckpt)
    return ckpt.kind == "variables" and ckpt:each([[/Adam(_\d+)?$]])() ~= nil, "it has slots of TF1's Adam"
  end,
  run = function(ckpt, p, inputs) return optimizers.to_keras("adam", ckpt, p, inputs) end,
  tests = { {
    name = "slots and iterations come from TF1",
    input = function()
      local into = gw.objects {
        w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64"), learning_rate = gw.scalar(0.1) },
      }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "m", gw.zeros { 2 })
      gw.graph.set_slot(into.root.optimizer, into.root.w, "v", gw.zeros { 2 })
      local tf1 = gw.variables {
        w = gw.tensor { 1.0, 2.0 }, ["w/Adam"] = gw.tensor { 2.0, 4.0 },
        ["w/Adam_1"] = gw.tensor { 3.0, 4.0 }, beta1_power = gw.scalar(0.125), beta2_power = gw.scalar(0.125),
      }
      return { tf1, into }
    end,
    params = { beta_1 = 0.5, beta_2 = 0.5 },
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.m:equal(gw.tensor { 2.0, 4.0 }))
      assert(slots.v:equal(gw.tensor { 3.0, 4.0 }))
      assert(gw.graph.tensor(out.root.w):equal(gw.tensor { 1.0, 2.0 }) and gw.graph.tensor(out.root.optimizer.iter):value() == 2)
    end,
    detects = "it has slots of TF1's Adam",
  }, {
    name = "slots in a scope, steps that are given",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "m", gw.zeros { 2 })
      gw.graph.set_slot(into.root.optimizer, into.root.w, "v", gw.zeros { 2 })
      local tf1 = gw.variables {
        w = gw.tensor { 1.0, 2.0 },
        ["train/w/Adam"] = gw.tensor { 2.0, 4.0 },
        ["train/w/Adam_1"] = gw.tensor { 3.0, 4.0 },
      }
      return { tf1, into }
    end,
    params = { beta_1 = 0.5, beta_2 = 0.5, scope = "train/", iterations = 7 },
    expect = function(out)
      local slots = {}
      for name, _, slot in gw.graph.slots(out.root.optimizer) do slots[name] = gw.graph.tensor(slot) end
      assert(slots.m:equal(gw.tensor { 2.0, 4.0 }))
      assert(slots.v:equal(gw.tensor { 3.0, 4.0 }))
      assert(gw.graph.tensor(out.root.optimizer.iter):value() == 7)
    end,
    prints = "iterations=7",
  }, {
    name = "a checkpoint of another optimizer",
    input = function()
      local into = gw.objects { w = gw.variable(gw.zeros { 2 }, { full_name = "w" }), optimizer = { iter = gw.scalar(0, "int64") } }
      gw.graph.set_slot(into.root.optimizer, into.root.w, "m", gw.zeros { 2 })
      gw.graph.set_slot(into.root.optimizer, into.root.w, "v", gw.zeros { 2 })
      return { gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Other"] = gw.zeros { 2 }, global_step = gw.scalar(2, "int64") }, into }
    end,
    params = { beta_1 = 0.5, beta_2 = 0.5 },
    fails = "has no VARIABLE/Adam for any variable of into",
    detects = false,
  }, {
    name = "the inputs in the wrong order",
    input = function()
      return { gw.objects { ["w/Adam"] = gw.scalar(1.0) }, gw.variables { w = gw.scalar(1.0) } }
    end,
    params = { beta_1 = 0.5, beta_2 = 0.5 },
    fails = "is object-based: the first input is TF1's checkpoint",
    detects = false,
  } },
}

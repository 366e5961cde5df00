local optimizers = require "modules.optimizers"

return {
  name = "momentum_keras_to_tf1", version = "1.0", godwit = "1",
  summary = "Training with Keras' SGD(momentum=...) goes on with TF1's Momentum",
  description = [[The model's variables, the optimizer's slots and its iterations (as global_step) become a TF1 Saver's
checkpoint, from a tf.train.Checkpoint with an optimizer of Keras, legacy or of 2.11 and later. Names are the variables' full
names, or those of the file of the parameter names. Keras' slots are divided by -learning_rate: the rate of the last step,
from the checkpoint, or given where it has a schedule.]],
  examples = {
    "godwit run momentum_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000",
    "godwit run momentum_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000 -p learning_rate=0.01 -p names=@names.txt",
  },
  inputs = { "checkpoint" },
  params = optimizers.to_tf1_params {
    learning_rate = { type = "number", help = "of the last step; where the checkpoint does not have it" },
  },
  detect = function(ckpt) return optimizers.is_of("momentum", ckpt), "its optimizer has the slots of Keras' SGD(momentum=...)" end,
  run = function(ckpt, p) return optimizers.to_tf1("momentum", ckpt, p) end,
  tests = { {
    name = "slots and iterations go to TF1",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }), optimizer = { iter = gw.scalar(2, "int64"), learning_rate = gw.scalar(0.5) },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "momentum", gw.tensor { -1.0, -2.0 })
      return ckpt
    end,
    expect = function(out)
      assert(out.vars["w/Momentum"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(out.vars.w:equal(gw.tensor { 1.0, 2.0 }) and out.vars.global_step:value() == 2)
    end,
    detects = "its optimizer has the slots of Keras' SGD(momentum=...)",
  }, {
    name = "slots in a scope and of another name, no step",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }), optimizer = { iter = gw.scalar(2, "int64"), learning_rate = gw.scalar(0.5) },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "momentum", gw.tensor { -1.0, -2.0 })
      return ckpt
    end,
    params = { scope = "train/", tf1_name = "Mine", global_step = "" },
    expect = function(out)
      assert(out.vars["train/w/Mine"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(#out == 2)
    end,
  }, {
    name = "an optimizer without slots",
    input = function() return gw.objects { w = gw.scalar(1.0), optimizer = { iter = gw.scalar(2, "int64") } } end,
    fails = "has no slots yet: make one step",
    detects = false,
  }, {
    name = "a model without its optimizer",
    input = function() return gw.objects { w = gw.scalar(1.0) } end,
    fails = "has no Keras optimizer",
    detects = false,
  }, {
    name = "a checkpoint of TF1",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/Momentum"] = gw.scalar(1.0) } end,
    fails = "is name-based already",
    detects = false,
  } },
}

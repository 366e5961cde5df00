local optimizers = require "modules.optimizers"

return {
  name = "adagrad_keras_to_tf1", version = "1.0", godwit = "1",
  summary = "Training with Keras' Adagrad goes on with TF1's Adagrad",
  description = [[The model's variables, the optimizer's slots and its iterations (as global_step) become a TF1 Saver's
checkpoint, from a tf.train.Checkpoint with an optimizer of Keras, legacy or of 2.11 and later. Names are the variables' full
names, or those of the file of the parameter names. TF1 has no epsilon: the update is Keras' with epsilon=0.]],
  examples = {
    "godwit run adagrad_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000",
    "godwit run adagrad_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000 -p global_step=step -p names=@names.txt",
  },
  inputs = { "checkpoint" },
  params = optimizers.to_tf1_params {},
  detect = function(ckpt) return optimizers.is_of("adagrad", ckpt), "its optimizer has the slots of Keras' Adagrad" end,
  run = function(ckpt, p) return optimizers.to_tf1("adagrad", ckpt, p) end,
  tests = { {
    name = "slots and iterations go to TF1",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }), optimizer = { iter = gw.scalar(2, "int64") },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "accumulator", gw.tensor { 2.0, 4.0 })
      return ckpt
    end,
    expect = function(out)
      assert(out.vars["w/Adagrad"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(out.vars.w:equal(gw.tensor { 1.0, 2.0 }) and out.vars.global_step:value() == 2)
    end,
    detects = "its optimizer has the slots of Keras' Adagrad",
  }, {
    name = "slots in a scope and of another name, no step",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }), optimizer = { iter = gw.scalar(2, "int64") },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "accumulator", gw.tensor { 2.0, 4.0 })
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
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/Adagrad"] = gw.scalar(1.0) } end,
    fails = "is name-based already",
    detects = false,
  } },
}

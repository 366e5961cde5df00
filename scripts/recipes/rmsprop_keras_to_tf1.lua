local optimizers = require "modules.optimizers"

return {
  name = "rmsprop_keras_to_tf1", version = "1.0", godwit = "1",
  summary = "Training with Keras' RMSprop goes on with TF1's RMSProp",
  description = [[The model's variables, the optimizer's slots and its iterations (as global_step) become a TF1 Saver's
checkpoint, from a tf.train.Checkpoint with an optimizer of Keras, legacy or of 2.11 and later. Names are the variables' full
names, or those of the file of the parameter names. Without momentum TF1 still has the slot: it becomes zeros. Legacy Keras
without momentum adds epsilon outside of the root, TF1 inside.]],
  examples = {
    "godwit run rmsprop_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000",
    "godwit run rmsprop_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000 -p global_step=step -p names=@names.txt",
  },
  inputs = { "checkpoint" },
  params = optimizers.to_tf1_params {},
  detect = function(ckpt) return optimizers.is_of("rmsprop", ckpt), "its optimizer has the slots of Keras' RMSprop" end,
  run = function(ckpt, p) return optimizers.to_tf1("rmsprop", ckpt, p) end,
  tests = { {
    name = "slots and iterations go to TF1",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }), optimizer = { iter = gw.scalar(2, "int64") },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "rms", gw.tensor { 2.0, 4.0 })
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "momentum", gw.tensor { 3.0, 4.0 })
      return ckpt
    end,
    expect = function(out)
      assert(out.vars["w/RMSProp"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(out.vars["w/RMSProp_1"]:equal(gw.tensor { 3.0, 4.0 }))
      assert(out.vars.w:equal(gw.tensor { 1.0, 2.0 }) and out.vars.global_step:value() == 2)
    end,
    detects = "its optimizer has the slots of Keras' RMSprop",
  }, {
    name = "slots in a scope and of another name, no step",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }), optimizer = { iter = gw.scalar(2, "int64") },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "rms", gw.tensor { 2.0, 4.0 })
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "momentum", gw.tensor { 3.0, 4.0 })
      return ckpt
    end,
    params = { scope = "train/", tf1_name = "Mine", global_step = "" },
    expect = function(out)
      assert(out.vars["train/w/Mine"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(out.vars["train/w/Mine_1"]:equal(gw.tensor { 3.0, 4.0 }))
      assert(#out == 3)
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
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/RMSProp"] = gw.scalar(1.0) } end,
    fails = "is name-based already",
    detects = false,
  } },
}

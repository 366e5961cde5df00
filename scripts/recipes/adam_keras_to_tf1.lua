local optimizers = require "modules.optimizers"

return {
  name = "adam_keras_to_tf1", version = "1.0", godwit = "1",
  summary = "Training with Keras' Adam goes on with TF1's Adam",
  description = [[The model's variables, the optimizer's slots and its iterations (as global_step) become a TF1 Saver's
checkpoint, from a tf.train.Checkpoint with an optimizer of Keras, legacy or of 2.11 and later. Names are the variables' full
names, or those of the file of the parameter names. beta1_power and beta2_power are what TF1 would have after as many steps.
Keras 2.11 and later has beta_1 and beta_2 in no checkpoint: give them.]],
  examples = {
    "godwit run adam_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000",
    "godwit run adam_keras_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt-1000 -p beta_1=0.9 -p beta_2=0.999 -p names=@names.txt",
  },
  inputs = { "checkpoint" },
  params = optimizers.to_tf1_params {
    beta_1 = { type = "number", help = "where the checkpoint does not have it" },
    beta_2 = { type = "number", help = "where the checkpoint does not have it" },
  },
  detect = function(ckpt) return optimizers.is_of("adam", ckpt), "its optimizer has the slots of Keras' Adam" end,
  run = function(ckpt, p) return optimizers.to_tf1("adam", ckpt, p) end,
  tests = { {
    name = "slots and iterations go to TF1",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }),
        optimizer = { iter = gw.scalar(2, "int64"), beta_1 = gw.scalar(0.5), beta_2 = gw.scalar(0.25) },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "m", gw.tensor { 2.0, 4.0 })
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "v", gw.tensor { 3.0, 4.0 })
      return ckpt
    end,
    expect = function(out)
      assert(out.vars["w/Adam"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(out.vars["w/Adam_1"]:equal(gw.tensor { 3.0, 4.0 }))
      assert(out.vars.beta1_power:value() == 0.125 and out.vars.beta2_power:value() == 0.015625)
      assert(out.vars.w:equal(gw.tensor { 1.0, 2.0 }) and out.vars.global_step:value() == 2)
    end,
    detects = "its optimizer has the slots of Keras' Adam",
  }, {
    name = "slots in a scope and of another name, no step",
    input = function()
      local ckpt = gw.objects {
        w = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "w" }),
        optimizer = { iter = gw.scalar(2, "int64"), beta_1 = gw.scalar(0.5), beta_2 = gw.scalar(0.25) },
      }
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "m", gw.tensor { 2.0, 4.0 })
      gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.w, "v", gw.tensor { 3.0, 4.0 })
      return ckpt
    end,
    params = { scope = "train/", tf1_name = "Mine", global_step = "" },
    expect = function(out)
      assert(out.vars["train/w/Mine"]:equal(gw.tensor { 2.0, 4.0 }))
      assert(out.vars["train/w/Mine_1"]:equal(gw.tensor { 3.0, 4.0 }))
      assert(#out == 5)
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
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/Adam"] = gw.scalar(1.0) } end,
    fails = "is name-based already",
    detects = false,
  } },
}

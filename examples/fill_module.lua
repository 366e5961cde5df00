-- A TF1 classifier's weights go into a tf.Module of another shape: its layers are a list, its weights are turned around.
-- The module, freshly built and saved once, says what is wanted; what it misses is an error.
--
--   godwit run examples/fill_module.lua examples/data/digits.ckpt-100 fresh=examples/data/digits-module-1 -o out/module/ckpt-1
--     --like examples/data/digits-module-1
return {
  name = "fill_module", version = "1.0", godwit = "1",
  summary = "The digits' weights go into a tf.Module",
  inputs = { "old", "fresh" },
  run = function(old, _, inputs)
    old:rename {
      { [[^classifier/dense/kernel$]], "model/layers/0/weight" },
      { [[^classifier/dense/bias$]], "model/layers/0/offset" },
      { [[^classifier/logits/kernel$]], "model/layers/1/weight" },
      { [[^classifier/logits/bias$]], "model/layers/1/offset" },
    }
    old:map("/weight$", function(t) return t:transpose() end)
    inputs.fresh:assign(old, { ["model/"] = "model/", global_step = "step" })
    return inputs.fresh
  end,
  tests = { {
    name = "weights are turned around, the step goes along",
    inputs = function()
      return {
        old = gw.variables {
          ["classifier/dense/kernel"] = gw.tensor { { 1.0, 2.0 } }, ["classifier/dense/bias"] = gw.tensor { 3.0, 4.0 },
          ["classifier/logits/kernel"] = gw.tensor { { 5.0 }, { 6.0 } }, ["classifier/logits/bias"] = gw.tensor { 7.0 },
          ["classifier/dense/kernel/Adam"] = gw.zeros { 1, 2 }, global_step = gw.scalar(100, "int64"),
        },
        fresh = gw.objects {
          model = { layers = {
            { weight = gw.zeros { 2, 1 }, offset = gw.zeros { 2 } },
            { weight = gw.zeros { 1, 2 }, offset = gw.zeros { 1 } },
          } },
          step = gw.scalar(0, "int64"),
        },
      }
    end,
    output = function()
      return gw.objects {
        model = { layers = {
          { weight = gw.tensor { { 1.0 }, { 2.0 } }, offset = gw.tensor { 3.0, 4.0 } },
          { weight = gw.tensor { { 5.0, 6.0 } }, offset = gw.tensor { 7.0 } },
        } },
        step = gw.scalar(100, "int64"),
      }
    end,
  } },
}

-- A new model from the parts of others: layers of a Keras model, and variables of a TF1 checkpoint. What both have to do with
-- each other (shared variables, an optimizer's slots) comes along with what is copied.
--
--   godwit run examples/graft_layers.lua examples/data/guide/keras-attribute-1 examples/data/guide/tf1-ckpt -o out/grafted
return {
  inputs = { "keras", "tf1" },
  run = function(_, _, inputs)
    local model = inputs.keras.root.model
    return gw.objects({
      encoder = model["layer_with_weights-0"],
      heads = { model["layer_with_weights-1"], { scale = inputs.tf1.vars["scoped/c"] } },
    }, { save_counter = 1 })
  end,
}

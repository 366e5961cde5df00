-- "Keras" of the guide: save_weights and Checkpoint(model) write the model as the root; code that restores with
-- Checkpoint(model=model) wants it below an attribute, and a save_counter.
--
--   godwit run examples/guide_keras.lua examples/data/guide/keras-weights -o out/keras/ckpt-1
return function(ckpt)
  ckpt.root = gw.graph.wrap("model", ckpt.root)
  ckpt.root.save_counter = gw.variable(gw.scalar(1, "int64"), { full_name = "save_counter" })
end

-- "Convert TF2 to TF1" of TensorFlow's guide: the keys of a dictionary become the names of a Saver's variables. The guide cuts
-- them out of checkpoint keys; the object graph has them as they are ("scoped/c", which a key writes scoped.Sc).
--
--   godwit run examples/guide_tf2_to_tf1.lua examples/data/guide/tf2-ckpt-saved-in-session-1 -o out/tf1/model.ckpt
return function(ckpt)
  return gw.variables(ckpt.root.var_list)
end

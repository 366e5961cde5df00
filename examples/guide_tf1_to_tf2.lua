-- "Convert TF1 to TF2" of TensorFlow's guide: a Saver's variables become one dictionary of a tf.train.Checkpoint, under their
-- names. In the library this is the recipe tf1_to_tf2, with parameters; here is what it does.
--
--   godwit run examples/guide_tf1_to_tf2.lua examples/data/guide/tf1-ckpt -o out/tf2/ckpt-1
--
-- A program then reads it by
--   variables = {"a": tf.Variable(0.), "b": tf.Variable(0.), "scoped/c": tf.Variable(0.)}
--   tf.train.Checkpoint(vars=variables).restore("out/tf2/ckpt-1").assert_consumed()
-- and TF1's Saver does too, by the full names.
return function(ckpt)
  return gw.objects({ vars = gw.dict(ckpt.vars) }, { save_counter = 1 })
end

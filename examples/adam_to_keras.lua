-- A TF1 classifier's training goes on in Keras: its variables and Adam's slots go into the checkpoint of the Keras model. The
-- moving averages go nowhere, and the learning rate starts lower.
--
--   godwit run examples/adam_to_keras.lua examples/data/digits.ckpt-100 into=examples/data/digits-keras-1 -o out/keras/ckpt-1
--   godwit run examples/adam_to_keras.lua examples/data/digits.ckpt-100 into=examples/data/digits-keras-1 -o out/keras/ckpt-2
--     -p learning_rate=0.001
return {
  name = "adam_to_keras", version = "1.0", godwit = "1",
  summary = "The digits' training goes on in Keras",
  inputs = { "checkpoint", "into" },
  params = {
    learning_rate = { type = "number", default = 0.01, help = "the rate from here on" },
  },
  run = function(ckpt, p, inputs)
    ckpt:drop { role = "average" }
    ckpt:rename_scope("classifier/", "/") -- Keras calls it dense/kernel
    local betas_and_rate = { beta_1 = 0.9, beta_2 = 0.999, learning_rate = p.learning_rate }
    return gw.recipe "adam_tf1_to_keras"(ckpt, betas_and_rate, { into = inputs.into })
  end,
}

-- What serving needs of a training checkpoint: each variable's moving average, under the variable's own name and a new
-- scope. The optimizer's slots, the step and the raw weights stay behind.
--
--   godwit run examples/serve_averages.lua examples/data/digits.ckpt-100 -o out/digits.ckpt
return function(ckpt)
  ckpt:keep_only [[/ExponentialMovingAverage$]]
  ckpt:rename([[/ExponentialMovingAverage$]], "")
  ckpt:rename_scope("classifier/", "digits/")
end

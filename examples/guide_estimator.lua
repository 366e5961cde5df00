-- "Estimators" of the guide: an Estimator's checkpoint becomes what one with saver=tf.train.Checkpoint(var_list=..., step=...)
-- in its Scaffold writes. With -p restart=true the step starts at 0, as it does after a warm start.
--
--   godwit run examples/guide_estimator.lua examples/data/guide/est-tf1 -o out/est/ckpt-1
--   godwit run examples/guide_estimator.lua examples/data/guide/est-tf1 -p restart=true -o out/est/ckpt-0
return {
  params = { restart = { type = "boolean", default = false, help = "the step starts at 0" } },
  run = function(ckpt, p)
    local step = p.restart and gw.scalar(0, "int64") or ckpt.vars.global_step
    ckpt.vars.global_step = nil
    return gw.objects { var_list = gw.dict(ckpt.vars), step = gw.variable(step, { full_name = "global_step" }) }
  end,
}

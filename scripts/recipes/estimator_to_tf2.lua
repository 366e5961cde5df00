return {
  name = "estimator_to_tf2", version = "1.0", godwit = "1",
  summary = "An Estimator's TF1 checkpoint becomes Checkpoint(var_list={...}, step=...)",
  description = [[What an Estimator saves whose Scaffold has saver=tf.train.Checkpoint(var_list={...}, step=global_step): the variables under
their names in one dictionary, the global step beside it.]],
  examples = { "godwit run estimator_to_tf2 est/ -o tf2/ckpt-1" },
  inputs = { "checkpoint" },
  params = {
    container = { type = "string", default = "var_list", help = "the attribute of the Checkpoint that has the variables" },
    step = { type = "string", default = "global_step", help = "the step variable's name" },
    attribute = { type = "string", default = "step", help = "the attribute of the Checkpoint that has the step" },
    keep_step = { type = "boolean", default = true, help = "false restarts at 0, as a warm start does" },
    save_counter = { type = "boolean", default = false, help = "as Checkpoint.save gives; an Estimator's Scaffold has none" },
  },
  detect = function(ckpt) return ckpt.kind == "variables" and ckpt:has "global_step", "a TF1 checkpoint with a step" end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based already"):format(ckpt.path), 0) end
    if p.attribute == p.container then error(("the variables and the step cannot both be '%s'"):format(p.container), 0) end
    local step = ckpt.vars[p.step]
    if not p.keep_step then step = gw.zeros(step.shape, step.dtype) end
    ckpt.vars[p.step] = nil
    return gw.objects({ [p.container] = gw.dict(ckpt.vars), [p.attribute] = gw.variable(step, { full_name = p.step }) },
      { save_counter = p.save_counter and 1 or nil })
  end,
  tests = { {
    name = "the step moves to the root",
    input = function() return gw.variables { var = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    expect = function(out)
      assert(gw.graph.tensor(out.root.step):value() == 1 and gw.graph.full_name(out.root.step) == "global_step")
      assert(gw.graph.tensor(out.root.var_list.var):value() == 2.0 and #out == 2)
    end,
  } },
}

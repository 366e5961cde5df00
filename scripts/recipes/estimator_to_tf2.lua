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
    if p.container == "" or p.attribute == "" then error("container and attribute: a name cannot be empty", 0) end
    if not ckpt:has(p.step) then error(("%s has no step \"%s\": say which it is with -p step=NAME"):format(ckpt.path, p.step), 0) end
    local step = ckpt.vars[p.step]
    if not p.keep_step then step = gw.zeros(step.shape, step.dtype) end
    ckpt.vars[p.step] = nil
    return gw.objects({ [p.container] = gw.dict(ckpt.vars), [p.attribute] = gw.variable(step, { full_name = p.step }) },
      { save_counter = p.save_counter and 1 or nil })
  end,
  tests = { {
    name = "the step moves to the root",
    input = function() return gw.variables { ["a/var"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    output = function()
      return gw.objects {
        var_list = { ["a/var"] = gw.variable(gw.scalar(2.0), { full_name = "a/var" }) },
        step = gw.variable(gw.scalar(1, "int64"), { full_name = "global_step" }),
      }
    end,
    plan = { renamed = 2, dropped = 0 },
    detects = true,
  }, {
    name = "other names, and a counter",
    input = function() return gw.variables { var = gw.scalar(2.0), it = gw.scalar(1, "int32") } end,
    params = { container = "model", step = "it", attribute = "iterations", keep_step = false, save_counter = true },
    output = function()
      return gw.objects({
        model = { var = gw.variable(gw.scalar(2.0), { full_name = "var" }) },
        iterations = gw.variable(gw.scalar(0, "int32"), { full_name = "it" }),
      }, { save_counter = 1 })
    end,
    detects = false,
  }, {
    name = "one attribute for both",
    input = function() return gw.variables { var = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { container = "all", attribute = "all" },
    fails = "the variables and the step cannot both be 'all'",
  }, {
    name = "an empty attribute",
    input = function() return gw.variables { var = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { attribute = "" },
    fails = "container and attribute: a name cannot be empty",
  }, {
    name = "an empty container",
    input = function() return gw.variables { var = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { container = "" },
    fails = "container and attribute: a name cannot be empty",
  }, {
    name = "no such step",
    input = function() return gw.variables { var = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { step = "step" },
    fails = "has no step \"step\": say which it is with -p step=NAME",
  }, {
    name = "objects already",
    input = function() return gw.objects { global_step = gw.scalar(1, "int64") } end,
    fails = "is object-based already",
    detects = false,
  } },
}

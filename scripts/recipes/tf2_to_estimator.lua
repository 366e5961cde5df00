return {
  name = "tf2_to_estimator", version = "1.0", godwit = "1",
  summary = "Checkpoint(var_list={...}, step=...) becomes an Estimator's TF1 checkpoint",
  description = [[The other way of estimator_to_tf2: the dictionary's keys are the variables' names, the step becomes global_step. Written into
the Estimator's model_dir with --latest, it is what training continues from.]],
  examples = { "godwit run tf2_to_estimator tf2/ckpt-1 -o est/model.ckpt-1 --latest" },
  inputs = { "checkpoint" },
  params = {
    container = { type = "string", default = "var_list", help = "the attribute of the Checkpoint that has the variables" },
    step = { type = "string", default = "global_step", help = "the step variable's name in the Estimator" },
    attribute = { type = "string", default = "step", help = "the attribute of the Checkpoint that has the step" },
  },
  detect = function(ckpt) return ckpt.kind == "objects" and gw.graph.has(ckpt.root, "var_list"), "a Checkpoint with a var_list" end,
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based already"):format(ckpt.path), 0) end
    for name in pairs(ckpt.root) do
      if name ~= p.container and name ~= p.attribute and name ~= "save_counter" then
        error(("the root also has '%s', which an Estimator's checkpoint has no place for: drop it first"):format(name), 0)
      end
    end
    for name, what in pairs { [p.container] = "container=NAME: the attribute with the variables", [p.attribute] = "attribute=NAME: the step" } do
      if not gw.graph.has(ckpt.root, name) then error(("the root has no '%s': say -p %s"):format(name, what), 0) end
    end
    local out = gw.variables(ckpt.root[p.container])
    if out:has(p.step) then error(("a variable is called '%s' like the step"):format(p.step), 0) end
    out.vars[p.step] = ckpt.root[p.attribute]
    return out
  end,
  tests = { {
    name = "the step becomes global_step",
    input = function() return gw.objects({ var_list = { ["a/var"] = gw.scalar(2.0) }, step = gw.scalar(1, "int64") }, { save_counter = 4 }) end,
    output = function() return gw.variables { ["a/var"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    plan = { renamed = 2, dropped = 1 },
    detects = true,
  }, {
    name = "other names",
    input = function() return gw.objects { model = { var = gw.scalar(2.0) }, iterations = gw.scalar(1, "int64") } end,
    params = { container = "model", attribute = "iterations", step = "it" },
    output = function() return gw.variables { var = gw.scalar(2.0), it = gw.scalar(1, "int64") } end,
    detects = false,
  }, {
    name = "an optimizer has no place",
    input = function() return gw.objects { var_list = { var = gw.scalar(2.0) }, step = gw.scalar(1, "int64"), optimizer = { lr = gw.scalar(0.1) } } end,
    fails = "the root also has 'optimizer', which an Estimator's checkpoint has no place for: drop it first",
  }, {
    name = "a variable like the step",
    input = function() return gw.objects { var_list = { it = gw.scalar(2.0) }, step = gw.scalar(1, "int64") } end,
    params = { step = "it" },
    fails = "a variable is called 'it' like the step",
  }, {
    name = "no variables",
    input = function() return gw.objects { step = gw.scalar(1, "int64") } end,
    fails = "the root has no 'var_list': say -p container=NAME",
    detects = false,
  }, {
    name = "no step",
    input = function() return gw.objects { var_list = { var = gw.scalar(2.0) } } end,
    fails = "the root has no 'step': say -p attribute=NAME",
  }, {
    name = "names already",
    input = function() return gw.variables { var_list = gw.scalar(2.0) } end,
    fails = "is name-based already",
    detects = false,
  } },
}

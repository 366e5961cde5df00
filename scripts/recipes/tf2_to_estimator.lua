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
    local out = gw.variables(ckpt.root[p.container])
    if out:has(p.step) then error(("a variable is called '%s' like the step"):format(p.step), 0) end
    out.vars[p.step] = ckpt.root[p.attribute]
    return out
  end,
  tests = { {
    name = "the step becomes global_step",
    input = function() return gw.objects { var_list = { var = gw.scalar(2.0) }, step = gw.scalar(1, "int64") } end,
    expect = function(out) assert(#out == 2 and out.vars.global_step:value() == 1 and out.vars.var:value() == 2.0) end,
  } },
}

return {
  name = "wrap_model", version = "1.0", godwit = "1",
  summary = "Checkpoint(model), or save_weights, becomes Checkpoint(model=model)",
  description = [[The root gets a new root above it, which has it as an attribute. A save_counter stays with the root; Keras' save_weights and
Checkpoint.write give none, so that restoring the result with Checkpoint.restore needs one: -p save_counter=true.]],
  examples = { "godwit run wrap_model weights -o out/ckpt-1 -p save_counter=true" },
  inputs = { "checkpoint" },
  params = {
    attribute = { type = "string", default = "model", help = "the attribute's name" },
    save_counter = { type = "boolean", default = false, help = "true adds a save_counter of 1 where there is none" },
  },
  run = function(ckpt, p)
    ckpt.root = gw.graph.wrap(p.attribute, ckpt.root)
    if p.save_counter and not gw.graph.has(ckpt.root, "save_counter") then
      ckpt.root.save_counter = gw.variable(gw.scalar(1, "int64"), { full_name = "save_counter" })
    end
  end,
  tests = { {
    name = "the model becomes an attribute",
    input = function() return gw.objects { w = gw.scalar(1.0) } end,
    expect = function(out) assert(out:has "model/w/.ATTRIBUTES/VARIABLE_VALUE" and #out == 1) end,
  } },
}

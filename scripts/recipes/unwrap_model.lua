return {
  name = "unwrap_model", version = "1.0", godwit = "1",
  summary = "Checkpoint(model=model) becomes Checkpoint(model), as save_weights writes it",
  description = [[One attribute of the root becomes the root. A save_counter comes along unless -p save_counter=false, which gives what Keras'
save_weights and Checkpoint.write give; other attributes, such as an optimizer, are dropped, and the plan lists them.]],
  examples = { "godwit run unwrap_model ckpt-1 -o out/weights -p save_counter=false" },
  inputs = { "checkpoint" },
  params = {
    attribute = { type = "string", default = "model", help = "the attribute's name" },
    save_counter = { type = "boolean", default = true, help = "false drops it" },
  },
  run = function(ckpt, p)
    local old = ckpt.root
    local model = old[p.attribute]
    local counter = p.save_counter and gw.graph.has(old, "save_counter") and old.save_counter
    ckpt.root = model
    -- Checkpoint(model) keeps itself on the model, and so its root.
    if not gw.graph.has(model, "root") then model.root = model end
    if counter then model.save_counter = counter end
  end,
  tests = { {
    name = "the attribute becomes the root",
    input = function() return gw.objects({ model = { w = gw.scalar(1.0) } }, { save_counter = 4 }) end,
    expect = function(out) assert(out:has "w/.ATTRIBUTES/VARIABLE_VALUE" and out:has "save_counter/.ATTRIBUTES/VARIABLE_VALUE" and #out == 2) end,
  } },
}

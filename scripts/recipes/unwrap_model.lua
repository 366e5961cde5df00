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
  detect = function(ckpt) return ckpt.kind == "objects" and gw.graph.has(ckpt.root, "model"), "it has a model: Checkpoint(model=...)" end,
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based: it has no object to unwrap"):format(ckpt.path), 0) end
    local old = ckpt.root
    local model = old[p.attribute]
    if gw.graph.is_variable(model) then error(("attribute: '%s' is a variable, not a model"):format(p.attribute), 0) end
    local counter = p.save_counter and gw.graph.has(old, "save_counter") and old.save_counter
    ckpt.root = model
    -- Checkpoint(model) keeps itself on the model, and so its root.
    if not gw.graph.has(model, "root") then model.root = model end
    if counter then model.save_counter = counter end
  end,
  tests = { {
    name = "the attribute becomes the root, as Checkpoint(model) keeps it",
    input = function() return gw.objects({ model = { w = gw.scalar(1.0) }, optimizer = { lr = gw.scalar(0.1) } }, { save_counter = 4 }) end,
    output = function()
      local out = gw.objects { w = gw.scalar(1.0) }
      out.root.root = out.root
      out.root.save_counter = gw.variable(gw.scalar(4, "int64"), { full_name = "save_counter" })
      gw.graph.order(out.root, { "root", "w", "save_counter" })
      return out
    end,
    plan = { renamed = 1, unchanged = 1, dropped = 1 },
    detects = true,
  }, {
    name = "another attribute, without the counter",
    input = function() return gw.objects({ net = { w = gw.scalar(1.0) } }, { save_counter = 4 }) end,
    params = { attribute = "net", save_counter = false },
    output = function()
      local out = gw.objects { w = gw.scalar(1.0) }
      out.root.root = out.root
      gw.graph.order(out.root, { "root", "w" })
      return out
    end,
    detects = false,
  }, {
    name = "no counter, and a root of its own",
    input = function() return gw.objects { model = { w = gw.scalar(1.0), root = { v = gw.scalar(2.0) } } } end,
    output = function() return gw.objects { w = gw.scalar(1.0), root = { v = gw.scalar(2.0) } } end,
  }, {
    name = "no such attribute",
    input = function() return gw.objects { net = { w = gw.scalar(1.0) } } end,
    fails = "the root has no child 'model'",
  }, {
    name = "a variable is no model",
    input = function() return gw.objects { model = gw.scalar(1.0) } end,
    fails = "attribute: 'model' is a variable, not a model",
  }, {
    name = "names have no model",
    input = function() return gw.variables { model = gw.scalar(1.0) } end,
    fails = "is name-based: it has no object to unwrap",
    detects = false,
  } },
}

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
  detect = function(ckpt)
    if ckpt.kind ~= "objects" then return false end
    for _, name in ipairs { "layer-0", "layer_with_weights-0" } do
      if gw.graph.has(ckpt.root, name) then return true, "its root is a Keras model, as save_weights writes it" end
    end
    return gw.graph.has(ckpt.root, "root"), "its root is a model: Checkpoint(model)"
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based: convert it with tf1_to_tf2 first"):format(ckpt.path), 0) end
    if p.attribute == "save_counter" then error("attribute: save_counter is the Checkpoint's own", 0) end
    ckpt.root = gw.graph.wrap(p.attribute, ckpt.root)
    if p.save_counter and not gw.graph.has(ckpt.root, "save_counter") then
      ckpt.root.save_counter = gw.variable(gw.scalar(1, "int64"), { full_name = "save_counter" })
    end
  end,
  tests = { {
    name = "the model becomes an attribute",
    input = function() return gw.objects { w = gw.scalar(1.0) } end,
    output = function() return gw.objects { model = { w = gw.scalar(1.0) } } end,
    plan = { renamed = 1 },
    detects = false,
  }, {
    name = "a counter stays with the root",
    input = function()
      local out = gw.objects({ w = gw.scalar(1.0) }, { save_counter = 5 })
      out.root.root = out.root
      return out
    end,
    params = { attribute = "net", save_counter = true },
    output = function() return gw.objects({ net = { w = gw.scalar(1.0) } }, { save_counter = 5 }) end,
    detects = true,
  }, {
    name = "or is made",
    input = function() return gw.objects { ["layer_with_weights-0"] = { w = gw.scalar(1.0) } } end,
    params = { save_counter = true },
    output = function() return gw.objects({ model = { ["layer_with_weights-0"] = { w = gw.scalar(1.0) } } }, { save_counter = 1 }) end,
    detects = true,
  }, {
    name = "the counter's name is taken",
    input = function() return gw.objects { ["layer-0"] = { w = gw.scalar(1.0) } } end,
    params = { attribute = "save_counter" },
    fails = "attribute: save_counter is the Checkpoint's own",
    detects = true,
  }, {
    name = "an attribute has a name",
    input = function() return gw.objects { w = gw.scalar(1.0) } end,
    params = { attribute = "" },
    fails = "the attribute cannot be empty",
  }, {
    name = "names have no model",
    input = function() return gw.variables { w = gw.scalar(1.0) } end,
    fails = "is name-based: convert it with tf1_to_tf2 first",
    detects = false,
  } },
}

return {
  name = "unstack_layers", version = "1.0", godwit = "1",
  summary = "Stacked variables become one for each layer",
  description = [[layers/kernel becomes layer_0/kernel, layer_1/kernel, ... along an axis, which goes (tf.unstack): what stack_layers joins.
Slots and moving averages are taken apart in the same way. Every variable that the pattern finds must have as many layers.
For name-based checkpoints.]],
  examples = {
    "godwit run stack_layers examples/data/bert-tiny.ckpt-20 -o out/stacked && godwit run unstack_layers out/stacked -o out/bert-tiny.ckpt-20",
    "godwit run unstack_layers scanned/model.ckpt-1000 -o out/model.ckpt-1000 -p pattern='blocks/' -p to='block_{}/' -p first=1",
  },
  inputs = { "checkpoint" },
  params = {
    pattern = { type = "string", default = "layers/", help = "a regular expression: where the layer's number belongs in the name" },
    to = { type = "string", default = "layer_{}/", help = "what takes the place of what the pattern matches; {} is the number" },
    axis = { type = "integer", default = 0, help = "the axis that goes; negative ones count from the last" },
    first = { type = "integer", default = 0, help = "the first layer's number" },
  },
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based: its layers are objects, not names; convert it with tf2_to_tf1 first"):format(ckpt.path), 0) end
    if not p.to:find("{}", 1, true) then error(("to: '%s' has no {} for the layer's number"):format(p.to), 0) end
    local before, after = p.to:match "^(.-){}(.*)$"
    local count, of
    for name, tensor in ckpt:each(p.pattern) do
      local axis = p.axis < 0 and p.axis + tensor.rank or p.axis
      if axis < 0 or axis >= tensor.rank then
        error(("\"%s\" is %s%s and has no axis %d: leave it out by a narrower -p pattern"):format(name, tensor.dtype, tostring(tensor.shape), p.axis), 0)
      end
      if count and tensor:dim(axis) ~= count then
        error(("\"%s\" has %d layers along axis %d, and \"%s\" has %d"):format(of, count, p.axis, name, tensor:dim(axis)), 0)
      end
      count, of = tensor:dim(axis), name
      ckpt.vars[name] = nil
      for i = 0, count - 1 do
        local layer = gw.sub(name, p.pattern, ("%s%d%s"):format(before, p.first + i, after))
        if ckpt:has(layer) then error(("there is a \"%s\" already: give another -p to=NAME"):format(layer), 0) end
        ckpt.vars[layer] = tensor:gather(i, axis)
      end
    end
    if not count then error(("no variable matches '%s'"):format(p.pattern), 0) end
    if count == 0 then error(("\"%s\" has no layers: axis %d has size 0"):format(of, p.axis), 0) end
  end,
  tests = { {
    name = "each layer has its row",
    input = function() return gw.variables { ["layers/w"] = gw.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } } } end,
    params = { first = 1 },
    expect = function(out) assert(#out == 3 and out.vars["layer_3/w"]:equal(gw.tensor { 5, 6 })) end,
  } },
}

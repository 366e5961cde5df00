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
  detect = function(ckpt)
    local count
    for _, tensor in (ckpt.kind == "variables" and ckpt or gw.variables {}):each "(^|/)layers/" do
      if tensor.rank == 0 or count and tensor:dim(0) ~= count then return false end
      count = tensor:dim(0)
    end
    if count then return true, ("it has variables of %d stacked layers"):format(count) end
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based: its layers are objects, not names; convert it with tf2_to_tf1 first"):format(ckpt.path), 0) end
    if not p.to:find "{}" then error(("to: '%s' has no {} for the layer's number"):format(p.to), 0) end
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
      if select(2, gw.sub(name, p.pattern, "")) > 1 then error(("pattern: '%s' matches several times in \"%s\""):format(p.pattern, name), 0) end
      ckpt.vars[name] = nil
      for i = 0, count - 1 do
        local layer = gw.sub(name, p.pattern, (p.to:gsub("{}", p.first + i)))
        if ckpt:has(layer) then error(("there is a \"%s\" already: give another -p to=NAME"):format(layer), 0) end
        ckpt.vars[layer] = tensor:gather(i, axis)
      end
    end
    if not count then error(("no variable matches '%s'"):format(p.pattern), 0) end
    if count == 0 then error(("\"%s\" has no layers: axis %d has size 0"):format(of, p.axis), 0) end
  end,
  tests = { {
    name = "each layer has its row, slots too",
    input = function()
      return gw.variables { ["m/layers/w"] = gw.tensor { { 1, 2, 3 }, { 3, 4, 5 } }, ["m/layers/w/Adam"] = gw.tensor { { 5 }, { 6 } }, other = gw.scalar(7) }
    end,
    output = function()
      return gw.variables {
        ["m/layer_0/w"] = gw.tensor { 1, 2, 3 }, ["m/layer_1/w"] = gw.tensor { 3, 4, 5 }, ["m/layer_0/w/Adam"] = gw.tensor { 5 },
        ["m/layer_1/w/Adam"] = gw.tensor { 6 }, other = gw.scalar(7),
      }
    end,
    plan = { computed = 4, unchanged = 1 },
    detects = "it has variables of 2 stacked layers",
  }, {
    name = "another pattern, another axis, layers from 3 on",
    input = function() return gw.variables { ["blocks/w"] = gw.tensor { { 1, 2 }, { 3, 4 } } } end,
    params = { pattern = "blocks/", to = "b{}/b{}_", axis = -1, first = 3 },
    output = function() return gw.variables { ["b3/b3_w"] = gw.tensor { 1, 3 }, ["b4/b4_w"] = gw.tensor { 2, 4 } } end,
    detects = false,
  }, {
    name = "counts that differ",
    input = function() return gw.variables { ["layers/a"] = gw.zeros { 2 }, ["layers/b"] = gw.zeros { 3 } } end,
    fails = "\"layers/a\" has 2 layers along axis 0, and \"layers/b\" has 3",
    detects = false,
  }, {
    name = "a scalar has no layers",
    input = function() return gw.variables { ["layers/a"] = gw.scalar(1) } end,
    fails = "\"layers/a\" is int32[] and has no axis 0: leave it out by a narrower -p pattern",
    detects = false,
  }, {
    name = "an axis after the last",
    input = function() return gw.variables { ["layers/a"] = gw.zeros { 2 } } end,
    params = { axis = 1 },
    fails = "\"layers/a\" is float32[2] and has no axis 1",
  }, {
    name = "an axis before the first",
    input = function() return gw.variables { ["layers/a"] = gw.zeros { 2 } } end,
    params = { axis = -2 },
    fails = "\"layers/a\" is float32[2] and has no axis -2",
  }, {
    name = "the name is taken",
    input = function() return gw.variables { ["layers/a"] = gw.zeros { 2 }, ["layer_1/a"] = gw.scalar(1) } end,
    fails = "there is a \"layer_1/a\" already: give another -p to=NAME",
  }, {
    name = "no place for the number",
    input = function() return gw.variables { ["layers/a"] = gw.zeros { 2 } } end,
    params = { to = "layer" },
    fails = "to: 'layer' has no {} for the layer's number",
  }, {
    name = "two places in one name",
    input = function() return gw.variables { ["l/l/a"] = gw.zeros { 2 } } end,
    params = { pattern = "l/" },
    fails = "pattern: 'l/' matches several times in \"l/l/a\"",
  }, {
    name = "no layers at all",
    input = function() return gw.variables { ["layers/a"] = gw.zeros { 0, 2 } } end,
    fails = "\"layers/a\" has no layers: axis 0 has size 0",
  }, {
    name = "nothing stacked",
    input = function() return gw.variables { a = gw.zeros { 2 }, ["my_layers/b"] = gw.zeros { 2 } } end,
    params = { pattern = "^layers/" },
    fails = "no variable matches '^layers/'",
    detects = false,
  }, {
    name = "objects are no names",
    input = function() return gw.objects { layers = { w = gw.zeros { 2 } } } end,
    fails = "is object-based: its layers are objects, not names",
    detects = false,
  } },
}

--- A sequence of {name =, [number] = {name =, tensor =}}, and the lowest and highest number of all.
local function layers_of(ckpt, p)
  local stacks, low, high = {}, math.huge, -math.huge
  local by_name = {}
  for name, tensor in ckpt:each(p.pattern) do
    local number, more = gw.match(name, p.pattern)
    local layer = math.tointeger(tonumber(number))
    if more ~= nil or not layer then
      error(("pattern: '%s' finds '%s' in \"%s\": it takes one group, the layer's number, as in layer_(\\d+)/"):format(p.pattern, tostring(number), name), 0)
    end
    local stacked, count = gw.sub(name, p.pattern, p.to)
    if count ~= 1 then error(("pattern: '%s' matches %d times in \"%s\""):format(p.pattern, count, name), 0) end
    local stack = by_name[stacked]
    if not stack then
      stack = { name = stacked }
      stacks[#stacks + 1], by_name[stacked] = stack, stack
    elseif stack[layer] then
      error(("\"%s\" and \"%s\" would both be layer %d of \"%s\""):format(stack[layer].name, name, layer, stacked), 0)
    end
    stack[layer] = { name = name, tensor = tensor }
    low, high = math.min(low, layer), math.max(high, layer)
  end
  if not stacks[1] then error(("no variable matches '%s'"):format(p.pattern), 0) end
  return stacks, low, high
end

--- The layers' tensors in order. Slots and averages are stacks like others: VARIABLE/Adam of each layer.
local function in_order(stack, low, high)
  local list, first = {}, nil
  for layer = low, high do
    local found = stack[layer]
    if not found then error(("layer %d has no part in \"%s\", and others have (they go from %d to %d)"):format(layer, stack.name, low, high), 0) end
    first = first or found
    if found.tensor.dtype ~= first.tensor.dtype or found.tensor.shape ~= first.tensor.shape then
      error(("\"%s\" is %s%s, and \"%s\" is %s%s: only equals can be stacked"):format(first.name, first.tensor.dtype, tostring(first.tensor.shape),
        found.name, found.tensor.dtype, tostring(found.tensor.shape)), 0)
    end
    list[#list + 1] = found.tensor
  end
  return list
end

return {
  name = "stack_layers", version = "1.0", godwit = "1",
  summary = "The variables of numbered layers become one variable each, stacked along an axis",
  description = [[layer_0/kernel, layer_1/kernel, ... become layers/kernel with one more axis (tf.stack), in the order of the numbers, whatever
the first one is. Slots and moving averages are stacked in the same way: layers/kernel/Adam. Every layer must have the same
variables of the same dtypes and shapes. unstack_layers is the way back. For name-based checkpoints.]],
  examples = {
    "godwit run stack_layers examples/data/bert-tiny.ckpt-20 -o out/bert-tiny.ckpt-20",
    "godwit run stack_layers t5/model.ckpt-1000 -o out/model.ckpt-1000 -p pattern='block_(\\d+)/' -p to=blocks/ -p axis=1",
  },
  inputs = { "checkpoint" },
  params = {
    pattern = { type = "string", default = [[layer_(\d+)/]], help = "a regular expression with one group: the layer's number" },
    to = { type = "string", default = "layers/", help = "what takes the place of what the pattern matches" },
    axis = { type = "integer", default = 0, help = "the new axis; negative ones count from the last" },
  },
  detect = function(ckpt)
    return ckpt.kind == "variables" and ckpt:each [[layer_\d+/]]() ~= nil, "it has variables of numbered layers"
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based: its layers are objects, not names; convert it with tf2_to_tf1 first"):format(ckpt.path), 0) end
    local stacks, low, high = layers_of(ckpt, p)
    for _, stack in ipairs(stacks) do
      local list = in_order(stack, low, high)
      local ok, new = pcall(gw.stack, list, p.axis)
      if not ok then error(("\"%s\": %s"):format(stack.name, type(new) == "table" and new.what or new), 0) end
      for layer = low, high do ckpt.vars[stack[layer].name] = nil end
      if ckpt:has(stack.name) then error(("there is a \"%s\" already: give another -p to=NAME"):format(stack.name), 0) end
      ckpt.vars[stack.name] = new
    end
  end,
  tests = { {
    name = "layer 10 comes after layer 9, slots along",
    input = function()
      local vars = { other = gw.scalar(5) }
      for i = 0, 10 do vars[("m/layer_%d/w"):format(i)], vars[("m/layer_%d/w/Adam"):format(i)] = gw.scalar(i), gw.scalar(-i) end
      return gw.variables(vars)
    end,
    output = function()
      return gw.variables {
        other = gw.scalar(5), ["m/layers/w"] = gw.tensor { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
        ["m/layers/w/Adam"] = gw.tensor { 0, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10 },
      }
    end,
    plan = { computed = 2, unchanged = 1 },
    detects = true,
  }, {
    name = "another pattern, another axis, layers from 3 on",
    input = function() return gw.variables { b3_w = gw.tensor { 1, 2 }, b4_w = gw.tensor { 3, 4 }, b5_w = gw.tensor { 5, 6 } } end,
    params = { pattern = [[b(\d+)_]], to = "blocks/", axis = -1 },
    output = function() return gw.variables { ["blocks/w"] = gw.tensor { { 1, 3, 5 }, { 2, 4, 6 } } } end,
    detects = false,
  }, {
    name = "the new axis is the first",
    input = function() return gw.variables { ["layer_1/w"] = gw.tensor { 1, 2 }, ["layer_2/w"] = gw.tensor { 3, 4 } } end,
    output = function() return gw.variables { ["layers/w"] = gw.tensor { { 1, 2 }, { 3, 4 } } } end,
  }, {
    name = "a layer that is not there",
    input = function() return gw.variables { ["layer_0/w"] = gw.scalar(1), ["layer_2/w"] = gw.scalar(2) } end,
    fails = "layer 1 has no part in \"layers/w\", and others have (they go from 0 to 2)",
  }, {
    name = "a variable that the last layer lacks",
    input = function() return gw.variables { ["layer_0/w"] = gw.scalar(1), ["layer_1/w"] = gw.scalar(2), ["layer_0/b"] = gw.scalar(1) } end,
    fails = "layer 1 has no part in \"layers/b\"",
  }, {
    name = "other shapes",
    input = function() return gw.variables { ["layer_0/w"] = gw.scalar(1), ["layer_1/w"] = gw.tensor { 2 } } end,
    fails = "\"layer_0/w\" is int32[], and \"layer_1/w\" is int32[1]: only equals can be stacked",
  }, {
    name = "other dtypes",
    input = function() return gw.variables { ["layer_0/w"] = gw.scalar(1), ["layer_1/w"] = gw.scalar(2.0) } end,
    fails = "\"layer_0/w\" is int32[], and \"layer_1/w\" is float32[]: only equals can be stacked",
  }, {
    name = "an axis that is not there",
    input = function() return gw.variables { ["layer_0/w"] = gw.scalar(1), ["layer_1/w"] = gw.scalar(2) } end,
    params = { axis = 1 },
    fails = "\"layers/w\": stack",
  }, {
    name = "the name is taken",
    input = function() return gw.variables { ["layer_0/w"] = gw.scalar(1), ["layers/w"] = gw.scalar(2) } end,
    fails = "there is a \"layers/w\" already: give another -p to=NAME",
  }, {
    name = "one layer twice",
    input = function() return gw.variables { ["layer_1/w"] = gw.scalar(1), ["layer_01/w"] = gw.scalar(2) } end,
    fails = "\"layer_01/w\" and \"layer_1/w\" would both be layer 1 of \"layers/w\"",
  }, {
    name = "two numbers in one name",
    input = function() return gw.variables { ["layer_1/layer_2/w"] = gw.scalar(1) } end,
    fails = "matches 2 times in \"layer_1/layer_2/w\"",
  }, {
    name = "two groups",
    input = function() return gw.variables { ["layer_1/w"] = gw.scalar(1) } end,
    params = { pattern = [[layer_(\d)/(w)]] },
    fails = "finds '1' in \"layer_1/w\": it takes one group, the layer's number",
  }, {
    name = "no number",
    input = function() return gw.variables { ["layer_1/w"] = gw.scalar(1) } end,
    params = { pattern = "layer_" },
    fails = "finds 'layer_' in \"layer_1/w\": it takes one group",
  }, {
    name = "no layers",
    input = function() return gw.variables { ["layer_x/w"] = gw.scalar(1) } end,
    fails = [[no variable matches 'layer_(\d+)/']],
    detects = false,
  }, {
    name = "objects are no names",
    input = function() return gw.objects { layer_0 = { w = gw.scalar(1) } } end,
    fails = "is object-based: its layers are objects, not names",
    detects = false,
  } },
}

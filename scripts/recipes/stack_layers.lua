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
      local vars = {}
      for i = 0, 10 do vars[("layer_%d/w"):format(i)], vars[("layer_%d/w/Adam"):format(i)] = gw.scalar(i), gw.scalar(-i) end
      return gw.variables(vars)
    end,
    expect = function(out)
      assert(#out == 2 and out.vars["layers/w"].shape == { 11 } and out.vars["layers/w"]:value()[11] == 10)
      assert(out.vars["layers/w/Adam"]:value()[10] == -9)
    end,
  } },
}

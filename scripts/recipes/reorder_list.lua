--- Whether the children of an object are positions: "0", "1", ...
local function is_list(node)
  if #node < 2 then return false end
  for i = 0, #node - 1 do
    if not gw.graph.has(node, tostring(i)) then return false end
  end
  return true
end

return {
  name = "reorder_list", version = "1.0", godwit = "1",
  summary = "The elements of a list in an object graph get another order",
  description = [[Position i gets what was at the i-th number of `order`; positions count from 0. What refers to the list's variables by
position, as Keras optimizers since 2.11 do, follows.]],
  examples = { "godwit run reorder_list ckpt-1 -o out/ckpt-1 -p path=model/blocks -p order=2,0,1" },
  inputs = { "checkpoint" },
  params = {
    path = { type = "string", required = true, help = "the list, as `godwit graph` shows it: model/blocks" },
    order = { type = "list", required = true, help = "the old position of each element, separated by commas" },
  },
  detect = function(ckpt)
    if ckpt.kind ~= "objects" then return false end
    for path, node in gw.graph.walk(ckpt.root) do
      -- An optimizer's own lists (_variables, _momentums) follow the model's variables.
      if is_list(node) and not path:find "%f[^/\0]_" then return true, ("it has a list at %s"):format(path) end
    end
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based: it has no lists, only names"):format(ckpt.path), 0) end
    local list = gw.graph.find(ckpt.root, p.path)
    if not list then error(("there is no object at \"%s\" (`godwit graph %s` shows them)"):format(p.path, ckpt.path), 0) end
    if gw.graph.is_variable(list) then error(("\"%s\" is a variable, not a list"):format(p.path), 0) end
    local order = {}
    for i, text in ipairs(p.order) do
      order[i] = math.tointeger(tonumber(text))
      if not order[i] then error(("'%s' in order is no position"):format(text), 0) end
    end
    gw.graph.reorder(list, order)
  end,
  tests = { {
    name = "elements change places",
    input = function() return gw.objects { m = { l = { gw.scalar(1.0), { w = gw.scalar(2.0) }, gw.scalar(3.0) } } } end,
    params = { path = "m/l", order = { "2", "0", "1" } },
    output = function() return gw.objects { m = { l = { gw.scalar(3.0), gw.scalar(1.0), { w = gw.scalar(2.0) } } } } end,
    plan = { renamed = 3 },
    detects = "it has a list at m/l",
  }, {
    name = "there is no list",
    input = function() return gw.objects { l = { gw.scalar(1.0) }, opt = { _m = { gw.scalar(1.0), gw.scalar(2.0) }, ["1"] = gw.scalar(1.0) } } end,
    params = { path = "lists", order = { "0" } },
    fails = "there is no object at \"lists\" (`godwit graph",
    detects = false,
  }, {
    name = "a list at the root's attribute",
    input = function() return gw.objects { l_ = { gw.scalar(1.0), gw.scalar(2.0) } } end,
    params = { path = "l_", order = { "1", "0" } },
    output = function() return gw.objects { l_ = { gw.scalar(2.0), gw.scalar(1.0) } } end,
    detects = true,
  }, {
    name = "a variable has no order",
    input = function() return gw.objects { l = { gw.scalar(1.0) } } end,
    params = { path = "l/0", order = { "0" } },
    fails = "\"l/0\" is a variable, not a list",
  }, {
    name = "an object has no order",
    input = function() return gw.objects { m = { ["0"] = gw.scalar(1.0), a = gw.scalar(1.0) } } end,
    params = { path = "m", order = { "1", "0" } },
    fails = "this object has 'a'",
    detects = false,
  }, {
    name = "too few positions",
    input = function() return gw.objects { l = { gw.scalar(1.0), gw.scalar(2.0) } } end,
    params = { path = "l", order = { "1" } },
    fails = "the list has 2 elements, and 1 positions are given",
  }, {
    name = "positions are whole numbers",
    input = function() return gw.objects { l = { gw.scalar(1.0), gw.scalar(2.0) } } end,
    params = { path = "l", order = { "1", "0.5" } },
    fails = "'0.5' in order is no position",
  }, {
    name = "names have no lists",
    input = function() return gw.variables { ["l/0"] = gw.scalar(1.0) } end,
    params = { path = "l", order = { "0" } },
    fails = "is name-based: it has no lists, only names",
    detects = false,
  } },
}

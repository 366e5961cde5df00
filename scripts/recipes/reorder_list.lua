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
  run = function(ckpt, p)
    local list = gw.graph.find(ckpt.root, p.path)
    if not list then error(("there is no object at \"%s\""):format(p.path), 0) end
    local order = {}
    for i, text in ipairs(p.order) do
      order[i] = math.tointeger(tonumber(text))
      if not order[i] then error(("'%s' in order is no position"):format(text), 0) end
    end
    gw.graph.reorder(list, order)
  end,
  tests = { {
    name = "elements change places",
    input = function() return gw.objects { l = { gw.scalar(1.0), gw.scalar(2.0), gw.scalar(3.0) } } end,
    params = { path = "l", order = { "2", "0", "1" } },
    expect = function(out) assert(gw.graph.tensor(out.root.l["0"]):value() == 3.0 and gw.graph.tensor(out.root.l["1"]):value() == 1.0) end,
  } },
}

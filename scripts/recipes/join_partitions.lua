return {
  name = "join_partitions", version = "1.0", godwit = "1",
  summary = "Partitioned variables of TF1 become whole",
  description = [[Stores the partitioned variables that the pattern finds whole, under their own names. A tensor whose slices do not cover it (TF1 stores
so the slots of a partitioned variable, each under the name of its part) has no value as a whole and stays as it is.]],
  examples = {
    "godwit run join_partitions model.ckpt-1000 -o out/model.ckpt-1000",
    "godwit run join_partitions model.ckpt-1000 -o out/model.ckpt-1000 -p which='embeddings$'",
  },
  inputs = { "checkpoint" },
  params = { which = { type = "string", default = ".", help = "a regular expression that the name has to match" } },
  detect = function(ckpt)
    local parted = 0
    for _, t in ckpt:each() do
      if t.parts > 1 and not t.partial then parted = parted + 1 end
    end
    return parted > 0, ("%d partitioned variable%s"):format(parted, parted == 1 and "" or "s")
  end,
  run = function(ckpt, p)
    local joined, partial = 0, 0
    ckpt:map(p.which, function(t)
      if t.partial then partial = partial + 1 end
      if t.parts == 1 or t.partial then return t end
      joined = joined + 1
      return t:partition(1)
    end)
    if partial > 0 then print(("%d tensors without all of their slices stay as they are"):format(partial)) end
    if joined == 0 then error(("no partitioned variable matches '%s'"):format(p.which), 0) end
  end,
  tests = { {
    name = "slices become one tensor",
    input = function() return gw.variables { table = gw.tensor({ { 1, 2 }, { 3, 4 }, { 5, 6 } }):partition(3), bias = gw.zeros { 4 } } end,
    expect = function(out)
      assert(out.vars.table.parts == 1 and out.vars.table:equal(gw.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }) and out.vars.bias:equal(gw.zeros { 4 }))
    end,
    prints = "",
    detects = "1 partitioned variable",
  }, {
    name = "only some names",
    input = function() return gw.variables { a = gw.zeros({ 4 }):partition(2), b = gw.zeros({ 4 }):partition(2) } end,
    params = { which = "^a" },
    expect = function(out) assert(out.vars.a.parts == 1 and out.vars.b.parts == 2) end,
    detects = "2 partitioned variables",
  }, {
    name = "nothing to join",
    input = function() return gw.variables { a = gw.zeros { 4 }, b = gw.zeros({ 4 }):partition(2) } end,
    params = { which = "a" },
    fails = "no partitioned variable matches 'a'",
  }, {
    name = "nothing partitioned",
    input = function() return gw.variables { a = gw.zeros { 4 } } end,
    fails = "no partitioned variable matches '.'",
    detects = false,
  } },
}

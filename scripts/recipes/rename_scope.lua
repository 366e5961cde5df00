return {
  name = "rename_scope", version = "1.0", godwit = "1",
  summary = "Variables move from one scope to another",
  description = [[Renames every variable under one scope, optimizer slots included. "/" stands for the root.]],
  examples = { "godwit run rename_scope model.ckpt-1000 -o out/model.ckpt-1000 -p from=bert/ -p to=encoder/" },
  inputs = { "checkpoint" },
  params = {
    from = { type = "string", required = true, help = "the old scope, ending in '/'" },
    to = { type = "string", required = true, help = "the new scope, ending in '/'" },
  },
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based: rename_attribute renames its objects"):format(ckpt.path), 0) end
    for name, scope in pairs { from = p.from, to = p.to } do
      if scope:sub(-1) ~= "/" then error(("%s: a scope ends in '/', as in -p %s=%s/"):format(name, name, scope), 0) end
    end
    ckpt:rename_scope(p.from, p.to)
  end,
  tests = { {
    name = "the scope's variables move, slots with them, others stay",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0), ["a/x/Adam"] = gw.scalar(3.0), ["b/a/x"] = gw.scalar(2.0), ab = gw.scalar(4.0) } end,
    params = { from = "a/", to = "c/d/" },
    output = function()
      return gw.variables { ["c/d/x"] = gw.scalar(1.0), ["c/d/x/Adam"] = gw.scalar(3.0), ["b/a/x"] = gw.scalar(2.0), ab = gw.scalar(4.0) }
    end,
    plan = { renamed = 2, unchanged = 2 },
  }, {
    name = "everything moves below a scope",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0), b = gw.scalar(2.0) } end,
    params = { from = "/", to = "m/" },
    output = function() return gw.variables { ["m/a/x"] = gw.scalar(1.0), ["m/b"] = gw.scalar(2.0) } end,
  }, {
    name = "a scope goes",
    input = function() return gw.variables { ["a.c/x"] = gw.scalar(1.0), ["abc/y"] = gw.scalar(2.0) } end,
    params = { from = "a.c/", to = "/" },
    output = function() return gw.variables { x = gw.scalar(1.0), ["abc/y"] = gw.scalar(2.0) } end,
  }, {
    name = "no such scope",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0) } end,
    params = { from = "x/", to = "b/" },
    fails = "no tensor is in the scope 'x/'",
  }, {
    name = "a name that is taken",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0), ["b/x"] = gw.scalar(1.0) } end,
    params = { from = "a/", to = "b/" },
    fails = "b/x",
  }, {
    name = "a scope without its end",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0) } end,
    params = { from = "a/", to = "b" },
    fails = "to: a scope ends in '/', as in -p to=b/",
  }, {
    name = "nor the other one",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0) } end,
    params = { from = "a", to = "b/" },
    fails = "from: a scope ends in '/', as in -p from=a/",
  }, {
    name = "objects have no scopes",
    input = function() return gw.objects { a = { x = gw.scalar(1.0) } } end,
    params = { from = "a/", to = "b/" },
    fails = "is object-based: rename_attribute renames its objects",
  } },
}

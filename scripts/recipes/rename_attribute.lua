return {
  name = "rename_attribute", version = "1.0", godwit = "1",
  summary = "An attribute or a dictionary key of an object gets another name",
  description = [[The object keeps its place and all that hangs below it; keys follow, slots too. `to` is the plain name: a dictionary key
"a/b" is said so, and stands in checkpoint keys as a.Sb.]],
  examples = { "godwit run rename_attribute ckpt-1 -o out/ckpt-1 -p path=model/foo -p to=bar" },
  inputs = { "checkpoint" },
  params = {
    path = { type = "string", required = true, help = "the object, as `godwit graph` shows it: model/foo" },
    to = { type = "string", required = true, help = "its new name: bar" },
  },
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based: rename_scope, or ckpt:rename in a recipe, renames its variables"):format(ckpt.path), 0) end
    local above, name = p.path:match "^(.*)/([^/]*)$"
    if not above then above, name = "", p.path end
    local parent = gw.graph.find(ckpt.root, above)
    if not parent then error(("there is no object at \"%s\""):format(above), 0) end
    gw.graph.rename(parent, gw.graph.unescape(name), p.to)
  end,
  tests = { {
    name = "what is below follows, in its place",
    input = function() return gw.objects { a = { foo = { v = gw.scalar(1.0) }, z = gw.scalar(2.0) } } end,
    params = { path = "a/foo", to = "zoo" },
    output = function() return gw.objects { a = gw.dict { { "zoo", { v = gw.scalar(1.0) } }, { "z", gw.scalar(2.0) } } } end,
    plan = { renamed = 1, unchanged = 1 },
  }, {
    name = "the root's own, and a key with a slash",
    input = function() return gw.objects { ["a/b.c"] = gw.scalar(1.0), b = { foo = gw.scalar(2.0) } } end,
    params = { path = "a.Sb..c", to = "x/y" },
    output = function() return gw.objects { ["x/y"] = gw.scalar(1.0), b = { foo = gw.scalar(2.0) } } end,
  }, {
    name = "slots follow",
    input = function()
      local out = gw.objects { model = { w = gw.scalar(1.0) }, opt = { iter = gw.scalar(3) } }
      gw.graph.set_slot(out.root.opt, out.root.model.w, "m", gw.scalar(2.0))
      return out
    end,
    params = { path = "opt", to = "optimizer" },
    expect = function(out)
      assert(out.vars["model/w/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE"]:value() == 2.0 and not gw.graph.has(out.root, "opt"))
    end,
  }, {
    name = "nothing there",
    input = function() return gw.objects { a = { foo = gw.scalar(1.0) } } end,
    params = { path = "a/fo", to = "bar" },
    fails = "a has no child 'fo'",
  }, {
    name = "nothing above it",
    input = function() return gw.objects { a = { foo = gw.scalar(1.0) } } end,
    params = { path = "a/b/foo", to = "bar" },
    fails = "there is no object at \"a/b\"",
  }, {
    name = "the name is taken",
    input = function() return gw.objects { a = { foo = gw.scalar(1.0), bar = gw.scalar(2.0) } } end,
    params = { path = "a/foo", to = "bar" },
    fails = "already has a child 'bar'",
  }, {
    name = "names have no attributes",
    input = function() return gw.variables { ["a/foo"] = gw.scalar(1.0) } end,
    params = { path = "a/foo", to = "bar" },
    fails = "is name-based: rename_scope",
  } },
}

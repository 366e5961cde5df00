return {
  name = "rename_attribute", version = "1.0", godwit = "1",
  summary = "An attribute or a dictionary key of an object gets another name",
  description = [[The object keeps its place and all that hangs below it; keys follow, slots too. `to` is the plain name: a dictionary key
"a/b" is said so, and stands in checkpoint keys as a.Sb.]],
  examples = { "godwit run rename_attribute ckpt-1 -o out/ckpt-1 -p path=model/foo -p to=bar" },
  inputs = { "checkpoint" },
  params = {
    path = { type = "string", required = true, help = "the object, as `godwit graph` shows it: model/foo" },
    to = { type = "string", required = true, help = "its new name" },
  },
  run = function(ckpt, p)
    local above, name = p.path:match "^(.*)/([^/]*)$"
    if not above then above, name = "", p.path end
    local parent = gw.graph.find(ckpt.root, above)
    if not parent then error(("there is no object at \"%s\""):format(above), 0) end
    gw.graph.rename(parent, gw.graph.unescape(name), p.to)
  end,
  tests = { {
    name = "what is below follows",
    input = function() return gw.objects { foo = { v = gw.scalar(1.0) } } end,
    params = { path = "foo", to = "bar" },
    expect = function(out) assert(out:has "bar/v/.ATTRIBUTES/VARIABLE_VALUE" and #out == 1) end,
  } },
}

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
  run = function(ckpt, p) ckpt:rename_scope(p.from, p.to) end,
  tests = { {
    name = "the scope's variables move, others stay",
    input = function() return gw.variables { ["a/x"] = gw.scalar(1.0), ["b/x"] = gw.scalar(2.0) } end,
    params = { from = "a/", to = "c/" },
    expect = function(out) assert(out:has("c/x") and out:has("b/x") and not out:has("a/x")) end,
  } },
}

-- A migration that belongs to one model: from the names of BERT's TF1 code to those of the team's own, checked against
-- what that code has. The number of layers is the model's; the scope is the caller's.
--
--   godwit run examples/migrate_bert.lua examples/data/bert-tiny.ckpt-20 -p layers=2 -o out/encoder
--   godwit run examples/migrate_bert.lua examples/data/bert-tiny.ckpt-20 -p layers=2 -p scope=text/ -p head=true -o out/text
local IN_LAYER = {
  ["attention/self/query"] = "attention/query", ["attention/self/key"] = "attention/key", ["attention/self/value"] = "attention/value",
  ["attention/output/dense"] = "attention/out", ["attention/output/LayerNorm"] = "attention/norm",
  ["intermediate/dense"] = "inner", ["output/dense"] = "outer", ["output/LayerNorm"] = "norm",
}

--- The new name, or nil for what has none.
local function new_name(name, p)
  local layer, part, leaf = gw.match(name, [[^bert/encoder/layer_(\d+)/(.+)/(\w+)$]])
  if layer then
    local new = IN_LAYER[part] or error("no rule for " .. name, 0)
    return ("%sblock%02d/%s/%s"):format(p.scope, layer, new, leaf)
  end
  local embedding = gw.match(name, [[^bert/embeddings/(\w+)_embeddings$]])
  if embedding then return ("%sembed/%s"):format(p.scope, embedding) end
  return gw.match(name, "^bert/") and gw.sub(name, "^bert/", p.scope) or nil
end

return {
  name = "migrate_bert", version = "1.0", godwit = "1",
  summary = "BERT's TF1 names become ours",
  inputs = { "checkpoint" },
  params = {
    layers = { type = "integer", required = true, help = "how many layers the model has" },
    scope = { type = "string", default = "encoder/", help = "where it goes" },
    head = { type = "boolean", default = false, help = "keep what is outside of bert/ too" },
  },
  run = function(ckpt, p)
    ckpt:keep_only { role = "weight" }
    if not p.head then ckpt:keep_only "^bert/" end
    -- A checkpoint with more or fewer layers than the code is a mistake that a rename would hide.
    local last, beyond = ("bert/encoder/layer_%d/output/dense/kernel"):format(p.layers - 1), ("bert/encoder/layer_%d/output/dense/kernel"):format(p.layers)
    if not ckpt:has(last) or ckpt:has(beyond) then error(("the checkpoint does not have %d layers"):format(p.layers), 0) end
    ckpt:rename(function(name) return new_name(name, p) end)
  end,
}

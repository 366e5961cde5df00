-- Several scopes move at once, slots and all, as when a model's code was tidied up. The first rule that matches a name
-- applies, so the special case stands before the general one.
--
--   godwit run examples/rename_scopes.lua examples/data/bert-tiny.ckpt-20 -o out/bert-tiny
return function(ckpt)
  ckpt:rename {
    { [[^bert/embeddings/LayerNorm/]], "embeddings/norm/" },
    { [[^bert/embeddings/(\w+)_embeddings]], "embeddings/$1" },
    { [[^bert/encoder/layer_(\d+)/attention/self/]], "blocks/$1/attention/" },
    { [[^bert/encoder/layer_(\d+)/attention/output/]], "blocks/$1/attention/output/" },
    { [[^bert/encoder/layer_(\d+)/]], "blocks/$1/feed_forward/" },
    { [[^bert/pooler/]], "pooler/" },
  }
  for name in pairs(ckpt.vars) do assert(not gw.match(name, "^bert/"), name .. " was forgotten") end
end

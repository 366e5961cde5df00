-- One checkpoint becomes three: embeddings, encoder and head, which from now on are kept and loaded separately. All are
-- written, or none.
--
--   godwit run examples/split_outputs.lua examples/data/bert-tiny.ckpt-20
--     -o embeddings=out/embeddings -o encoder=out/encoder -o head=out/head
return function(ckpt)
  ckpt:keep_only { role = "weight" }
  local embeddings, encoder, head = ckpt:copy(), ckpt:copy(), ckpt
  embeddings:keep_only "^bert/embeddings/"
  encoder:keep_only "^bert/encoder/"
  head:drop { "^bert/embeddings/", "^bert/encoder/" }
  return { embeddings = embeddings, encoder = encoder, head = head }
end

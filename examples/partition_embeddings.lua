-- Embedding tables for a model that TF1 trains with partitioned variables: no slice above a number of bytes, as
-- tf.compat.v1.variable_axis_size_partitioner cuts. Slots are cut like their variables.
--
--   godwit run examples/partition_embeddings.lua examples/data/bert-tiny.ckpt-20 -o out/bert-tiny
--     -p max_slice_bytes=64
return {
  inputs = { "checkpoint" },
  params = {
    which = { type = "string", default = "embeddings", help = "a regular expression that a table's name matches" },
    max_slice_bytes = { type = "integer", required = true, help = "the most bytes of a slice; a row is never cut" },
  },
  run = function(ckpt, p)
    local count = ckpt:map(p.which, function(t)
      if t.rank < 2 then return t end
      local row_bytes = t.nbytes // t:dim(0)
      local rows = math.max(1, p.max_slice_bytes // row_bytes)
      return t:partition(math.ceil(t:dim(0) / rows))
    end)
    print(("%d variables match"):format(count))
  end,
}

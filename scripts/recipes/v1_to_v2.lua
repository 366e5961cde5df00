return {
  name = "v1_to_v2", version = "1.0", godwit = "1",
  summary = "A checkpoint of before TensorFlow 0.12 in today's format",
  description = [[Writes what a V1 checkpoint holds (every Saver before TensorFlow 0.12, tf.compat.v1.train.Saver with write_version=V1 since) in
the V2 format: the same names and values, partitioned variables in the same slices, each file as a shard. It is what a Saver writes for the
same variables today. Any other recipe run on a V1 checkpoint converts it as well.]],
  examples = {
    "godwit run v1_to_v2 model.ckpt-1000 -o out/model.ckpt-1000",
    "godwit run v1_to_v2 'model.ckpt-1000-?????-of-00008' -o out/model.ckpt-1000 --shards 1",
  },
  inputs = { "checkpoint" },
  detect = function(ckpt) return ckpt.format == "v1", "a V1 checkpoint" end,
  run = function(ckpt)
    if ckpt.format == "v2" then print(("%s is V2 already: the output is a copy"):format(ckpt.path ~= "" and ckpt.path or "the checkpoint")) end
  end,
  tests = { {
    name = "values stay, and it says that there is nothing to do",
    input = function() return gw.variables { a = gw.scalar(1.5), step = gw.scalar(7, "int64") } end,
    output = function() return gw.variables { a = gw.scalar(1.5), step = gw.scalar(7, "int64") } end,
    plan = { unchanged = 2 },
    prints = "input-1 is V2 already: the output is a copy",
    detects = false,
  }, {
    name = "objects of TensorFlow 2 stay as they are, slices too",
    input = function() return gw.objects { a = gw.scalar(1.5), b = { gw.zeros({ 4 }):partition(2) } } end,
    output = function() return gw.objects { a = gw.scalar(1.5), b = { gw.zeros({ 4 }):partition(2) } } end,
    prints = "is V2 already",
    detects = false,
  } },
}

return {
  name = "strip_save_counter", version = "1.0", godwit = "1",
  summary = "What Checkpoint.save wrote becomes what Checkpoint.write and save_weights write",
  description = [[Checkpoint.read and Keras' load_weights have no save_counter in the program, so that assert_consumed() fails for a file with one.]],
  examples = { "godwit run strip_save_counter ckpt-1 -o out/weights" },
  inputs = { "checkpoint" },
  run = function(ckpt)
    if not gw.graph.has(ckpt.root, "save_counter") then error("the checkpoint has no save_counter", 0) end
    ckpt.root.save_counter = nil
  end,
  tests = { {
    name = "the counter goes",
    input = function() return gw.objects({ z = gw.scalar(1.0) }, { save_counter = 1 }) end,
    expect = function(out) assert(#out == 1) end,
  } },
}

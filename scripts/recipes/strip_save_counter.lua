return {
  name = "strip_save_counter", version = "1.0", godwit = "1",
  summary = "What Checkpoint.save wrote becomes what Checkpoint.write and save_weights write",
  description = [[Checkpoint.read and Keras' load_weights have no save_counter in the program, so that assert_consumed() fails for a file with one.]],
  examples = { "godwit run strip_save_counter ckpt-1 -o out/weights" },
  inputs = { "checkpoint" },
  detect = function(ckpt) return ckpt.kind == "objects" and gw.graph.has(ckpt.root, "save_counter"), "it has a save_counter" end,
  run = function(ckpt)
    if ckpt.kind ~= "objects" then error(("%s is name-based, and a save_counter is an object's: there is nothing to strip"):format(ckpt.path), 0) end
    if not gw.graph.has(ckpt.root, "save_counter") then error("the checkpoint has no save_counter", 0) end
    ckpt.root.save_counter = nil
  end,
  tests = { {
    name = "the counter goes",
    input = function() return gw.objects({ z = gw.scalar(1.0) }, { save_counter = 1 }) end,
    output = function() return gw.objects { z = gw.scalar(1.0) } end,
    plan = { unchanged = 1, dropped = 1 },
    detects = true,
  }, {
    name = "only the root's is one",
    input = function() return gw.objects({ z = gw.scalar(1.0), below = { save_counter = gw.scalar(7) } }, { save_counter = 2 }) end,
    output = function() return gw.objects { z = gw.scalar(1.0), below = { save_counter = gw.scalar(7) } } end,
  }, {
    name = "no counter is a mistake",
    input = function() return gw.objects { z = gw.scalar(1.0) } end,
    fails = "the checkpoint has no save_counter",
    detects = false,
  }, {
    name = "names have no counter",
    input = function() return gw.variables { save_counter = gw.scalar(1.0) } end,
    fails = "is name-based, and a save_counter is an object's",
    detects = false,
  } },
}

return {
  name = "add_save_counter", version = "1.0", godwit = "1",
  summary = "What Checkpoint.write or save_weights wrote becomes what Checkpoint.save writes",
  description = [[Checkpoint.restore makes a save_counter in the program, so that assert_consumed() fails for a file without one.]],
  examples = { "godwit run add_save_counter weights -o out/ckpt-1 -p value=1" },
  inputs = { "checkpoint" },
  params = { value = { type = "integer", default = 1, help = "how many times the Checkpoint has been saved" } },
  detect = function(ckpt)
    return ckpt.kind == "objects" and not gw.graph.has(ckpt.root, "save_counter"), "its objects have no save_counter"
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based, and a save_counter is an object's: convert it with tf1_to_tf2 first"):format(ckpt.path), 0) end
    if gw.graph.has(ckpt.root, "save_counter") then error("the checkpoint has a save_counter already", 0) end
    if p.value < 0 then error(("value: nothing is saved %d times"):format(p.value), 0) end
    ckpt.root.save_counter = gw.variable(gw.scalar(p.value, "int64"), { full_name = "save_counter" })
  end,
  tests = { {
    name = "the counter comes last",
    input = function() return gw.objects { z = gw.scalar(1.0) } end,
    params = { value = 3 },
    output = function() return gw.objects({ z = gw.scalar(1.0) }, { save_counter = 3 }) end,
    plan = { unchanged = 1, dropped = 0 },
    detects = true,
  }, {
    name = "once is the default",
    input = function() return gw.objects { z = gw.scalar(1.0) } end,
    output = function() return gw.objects({ z = gw.scalar(1.0) }, { save_counter = 1 }) end,
  }, {
    name = "a checkpoint that was just written has been saved 0 times",
    input = function() return gw.objects { z = gw.scalar(1.0) } end,
    params = { value = 0 },
    output = function() return gw.objects({ z = gw.scalar(1.0) }, { save_counter = 0 }) end,
  }, {
    name = "fewer than 0 times is a mistake",
    input = function() return gw.objects { z = gw.scalar(1.0) } end,
    params = { value = -1 },
    fails = "value: nothing is saved -1 times",
  }, {
    name = "a second counter is a mistake",
    input = function() return gw.objects({ z = gw.scalar(1.0) }, { save_counter = 1 }) end,
    fails = "the checkpoint has a save_counter already",
    detects = false,
  }, {
    name = "names have no counter",
    input = function() return gw.variables { z = gw.scalar(1.0) } end,
    fails = "is name-based, and a save_counter is an object's",
    detects = false,
  } },
}

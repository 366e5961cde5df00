return {
  name = "add_save_counter", version = "1.0", godwit = "1",
  summary = "What Checkpoint.write or save_weights wrote becomes what Checkpoint.save writes",
  description = [[Checkpoint.restore makes a save_counter in the program, so that assert_consumed() fails for a file without one.]],
  examples = { "godwit run add_save_counter weights -o out/ckpt-1 -p value=1" },
  inputs = { "checkpoint" },
  params = { value = { type = "integer", default = 1, help = "how many times the Checkpoint has been saved" } },
  run = function(ckpt, p)
    if gw.graph.has(ckpt.root, "save_counter") then error("the checkpoint has a save_counter", 0) end
    ckpt.root.save_counter = gw.variable(gw.scalar(p.value, "int64"), { full_name = "save_counter" })
  end,
  tests = { {
    name = "the counter comes last",
    input = function() return gw.objects { z = gw.scalar(1.0) } end,
    params = { value = 3 },
    expect = function(out) assert(gw.graph.tensor(out.root.save_counter):value() == 3 and #out == 2) end,
  } },
}

return {
  name = "cast", version = "1.0", godwit = "1",
  summary = "Float variables get another dtype",
  description = [[Casts the float variables that the pattern finds, rounding as tf.cast. Integers, strings and booleans stay, and with
keep_slots=true an optimizer's slots do. With report=true the values are read first, and it says what would overflow.]],
  examples = {
    "godwit run cast model.ckpt-1000 -o out/model.ckpt-1000 -p dtype=bfloat16",
    "godwit run cast model.ckpt-1000 -o out/model.ckpt-1000 -p dtype=float16 -p which='kernel$' -p report=true",
  },
  inputs = { "checkpoint" },
  params = {
    dtype = { type = "choice", choices = { "float16", "bfloat16", "float32", "float64" }, required = true, help = "the new dtype" },
    which = { type = "string", default = ".", help = "a regular expression that the name has to match" },
    keep_slots = { type = "boolean", default = false, help = "leave the optimizer's slots as they are" },
    report = { type = "boolean", default = false, help = "say how many values of each variable overflow" },
  },
  run = function(ckpt, p)
    local lost = 0
    ckpt:map(p.which, function(t, name)
      if not t:is_float() or (p.keep_slots and ckpt:role(name) == "slot") then return t end
      local new = t:cast(p.dtype)
      if p.report and new.dtype ~= t.dtype then
        local overflow = new:stats().inf - t:stats().inf
        if overflow > 0 then print(("%s: %d of %d values overflow %s"):format(name, overflow, t.size, p.dtype)) end
        lost = lost + overflow
      end
      return new
    end)
    if p.report then print(lost == 0 and "nothing overflows" or ("%d values overflow"):format(lost)) end
  end,
  tests = { {
    name = "floats change, integers stay",
    input = function() return gw.variables { a = gw.scalar(1.5), step = gw.scalar(7, "int64") } end,
    params = { dtype = "bfloat16" },
    expect = function(out) assert(out.vars.a.dtype == "bfloat16" and out.vars.step.dtype == "int64") end,
  } },
}

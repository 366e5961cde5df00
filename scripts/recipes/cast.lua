return {
  name = "cast", version = "1.0", godwit = "1",
  summary = "Float variables get another dtype",
  description = [[Casts the float variables that the pattern finds, rounding as tf.cast. Integers, strings and booleans stay, and with
keep_slots=true an optimizer's slots do. With report=true the values are read first, in bounded memory, and it says of each
variable how many finite values become infinite, and how many become 0.]],
  examples = {
    "godwit run cast examples/data/digits.ckpt-100 -o out/digits.ckpt-100 -p dtype=bfloat16",
    "godwit run cast model.ckpt-1000 -o out/model.ckpt-1000 -p dtype=float16 -p which='kernel$' -p report=true",
  },
  inputs = { "checkpoint" },
  params = {
    dtype = { type = "choice", choices = { "float16", "bfloat16", "float32", "float64" }, required = true, help = "the new dtype" },
    which = { type = "string", default = ".", help = "a regular expression that the name has to match" },
    keep_slots = { type = "boolean", default = false, help = "leave the optimizer's slots as they are" },
    report = { type = "boolean", default = false, help = "say how many values of each variable become infinite or 0" },
  },
  run = function(ckpt, p)
    local infinite, zero = 0, 0
    ckpt:map(p.which, function(t, name)
      if not t:is_float() or (p.keep_slots and ckpt:role(name) == "slot") then return t end
      local new = t:cast(p.dtype)
      if p.report and new.dtype ~= t.dtype then
        local before, after = t:stats(), new:stats()
        local lost = { after.inf - before.inf, after.zeros - before.zeros }
        if lost[1] + lost[2] > 0 then
          print(("%s: of %d values %d become infinite, %d become 0"):format(name, t.size, lost[1], lost[2]))
        end
        infinite, zero = infinite + lost[1], zero + lost[2]
      end
      return new
    end)
    if p.report and infinite + zero == 0 then print(("no value is too large or too small for %s"):format(p.dtype)) end
    if p.report and infinite + zero > 0 then print(("in all, %d values become infinite, %d become 0"):format(infinite, zero)) end
  end,
  tests = { {
    name = "floats change, integers stay",
    input = function() return gw.variables { a = gw.scalar(1.5), step = gw.scalar(7, "int64") } end,
    params = { dtype = "bfloat16" },
    expect = function(out) assert(out.vars.a.dtype == "bfloat16" and out.vars.step.dtype == "int64") end,
  } },
}

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
    local infinite, zero, any = 0, 0, false
    ckpt:map(p.which, function(t, name)
      if not t:is_float() or (p.keep_slots and ckpt:role(name) == "slot") then return t end
      any = true
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
    if not any then error(("which: '%s' finds nothing but %s"):format(p.which, p.keep_slots and "slots and what is no float" or "what is no float"), 0) end
    if p.report then
      print(infinite + zero == 0 and ("no value is too large or too small for %s"):format(p.dtype)
        or ("in all, %d values become infinite, %d become 0"):format(infinite, zero))
    end
  end,
  tests = { {
    name = "floats change, integers stay",
    input = function() return gw.variables { a = gw.scalar(1.5), ["a/Adam"] = gw.scalar(0.1), step = gw.scalar(7, "int64") } end,
    params = { dtype = "bfloat16" },
    output = function()
      return gw.variables { a = gw.scalar(1.5, "bfloat16"), ["a/Adam"] = gw.scalar(0.1, "bfloat16"), step = gw.scalar(7, "int64") }
    end,
    plan = { computed = 2, unchanged = 1 },
    prints = "",
  }, {
    name = "only some names, and no slots",
    input = function() return gw.variables { ["a/k"] = gw.scalar(1.5), ["a/k/Adam"] = gw.scalar(2.5), b = gw.scalar(3.5) } end,
    params = { dtype = "float64", which = "k", keep_slots = true },
    output = function() return gw.variables { ["a/k"] = gw.scalar(1.5, "float64"), ["a/k/Adam"] = gw.scalar(2.5), b = gw.scalar(3.5) } end,
  }, {
    name = "objects",
    input = function() return gw.objects({ w = gw.scalar(1.5, "float64") }, { save_counter = 1 }) end,
    params = { dtype = "float32" },
    output = function() return gw.objects({ w = gw.scalar(1.5, "float32") }, { save_counter = 1 }) end,
  }, {
    name = "what float16 cannot hold is reported",
    input = function()
      return gw.variables { a = gw.tensor { 1e6, -1e6, 1e-9, 0.0, 1 / 0 }, b = gw.tensor { 1e-9 }, c = gw.scalar(1.0), d = gw.scalar(1e5) }
    end,
    params = { dtype = "float16", report = true },
    prints = [[
a: of 5 values 2 become infinite, 1 become 0
b: of 1 values 0 become infinite, 1 become 0
d: of 1 values 1 become infinite, 0 become 0
in all, 3 values become infinite, 2 become 0]],
  }, {
    name = "if wanted",
    input = function() return gw.variables { a = gw.scalar(1e6) } end,
    params = { dtype = "float16" },
    prints = "",
  }, {
    name = "and so is that it can",
    input = function() return gw.variables { c = gw.scalar(1.0), already = gw.scalar(1 / 0, "float16"), d = gw.tensor { 0.0, 1 / 0 } } end,
    params = { dtype = "float16", report = true },
    prints = "no value is too large or too small for float16",
  }, {
    name = "a pattern that finds no float is a mistake",
    input = function() return gw.variables { a = gw.scalar(1.5), step = gw.scalar(7, "int64") } end,
    params = { dtype = "float16", which = "^step$" },
    fails = "which: '^step$' finds nothing but what is no float",
  }, {
    name = "and so is one that finds slots that are kept",
    input = function() return gw.variables { a = gw.scalar(1.5), ["a/Adam"] = gw.scalar(2.5) } end,
    params = { dtype = "float16", which = "Adam", keep_slots = true },
    fails = "which: 'Adam' finds nothing but slots and what is no float",
  }, {
    name = "and one that finds nothing",
    input = function() return gw.variables { a = gw.scalar(1.5) } end,
    params = { dtype = "float16", which = "x" },
    fails = "no tensor matches 'x'",
  } },
}

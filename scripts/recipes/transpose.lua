return {
  name = "transpose", version = "1.0", godwit = "1",
  summary = "Variables with their axes in another order",
  description = [[Transposes the variables that the pattern finds: by perm, as tf.transpose counts axes (from 0), or, without it, the axes the
other way round. A variable of another rank than perm is an error. Slots and moving averages that have their variable's shape
follow it, unless -p slots=false.]],
  examples = {
    "godwit run transpose examples/data/digits.ckpt-100 -o out/digits.ckpt-100 -p which='dense/kernel$'",
    "godwit run transpose model.ckpt-1000 -o out/model.ckpt-1000 -p which='conv\\d+/kernel$' -p perm=3,2,0,1",
  },
  inputs = { "checkpoint" },
  params = {
    which = { type = "string", required = true, help = "a regular expression that the name has to match" },
    perm = { type = "list", help = "the old axis of each new one" },
    slots = { type = "boolean", default = true, help = "false leaves slots and averages as they are" },
  },
  run = function(ckpt, p)
    local perm
    if p.perm then
      perm = {}
      for i, text in ipairs(p.perm) do
        perm[i] = math.tointeger(tonumber(text)) or error(("perm: '%s' is not a whole number"):format(text), 0)
      end
    end
    ckpt:map(p.which, function(t, name)
      local ok, problem = pcall(t.transpose, t, perm)
      if not ok then error(("\"%s\": %s"):format(name, type(problem) == "table" and problem.what or problem), 0) end
      return problem
    end, { slots = p.slots })
  end,
  tests = { {
    name = "rows become columns",
    input = function() return gw.variables { k = gw.tensor { { 1, 2, 3 } }, b = gw.tensor { 1, 2 } } end,
    params = { which = "^k$" },
    expect = function(out) assert(out.vars.k.shape == { 3, 1 } and out.vars.b.shape == { 2 }) end,
  } },
}

return {
  name = "transpose", version = "1.0", godwit = "1",
  summary = "Variables with their axes in another order",
  description = [[Transposes the variables that the pattern finds: by perm, as tf.transpose counts axes (from 0), or, without it, the axes the
other way round. A variable of another rank than perm is an error.]],
  examples = {
    "godwit run transpose model.ckpt-1000 -o out/model.ckpt-1000 -p which='dense/kernel$'",
    "godwit run transpose model.ckpt-1000 -o out/model.ckpt-1000 -p which='conv\\d+/kernel$' -p perm=3,2,0,1",
  },
  inputs = { "checkpoint" },
  params = {
    which = { type = "string", required = true, help = "a regular expression that the name has to match" },
    perm = { type = "list", help = "the old axis of each new one" },
  },
  run = function(ckpt, p)
    local perm
    if p.perm then
      perm = {}
      for i, text in ipairs(p.perm) do
        perm[i] = math.tointeger(tonumber(text)) or error(("perm: '%s' is not a whole number"):format(text), 0)
      end
    end
    ckpt:map(p.which, function(t) return t:transpose(perm) end)
  end,
  tests = { {
    name = "rows become columns",
    input = function() return gw.variables { k = gw.tensor { { 1, 2, 3 } }, b = gw.tensor { 1, 2 } } end,
    params = { which = "^k$" },
    expect = function(out) assert(out.vars.k.shape == { 3, 1 } and out.vars.b.shape == { 2 }) end,
  } },
}

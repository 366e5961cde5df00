-- Two models become one checkpoint, each under a scope of its own, as for a program that serves both. Steps and slots
-- would mean nothing there and stay behind.
--
--   godwit run examples/merge_models.lua examples/data/bert-tiny.ckpt-20 examples/data/digits.ckpt-100
--     -p scopes=text/,image/ -o out/both
return {
  name = "merge_models", version = "1.0", godwit = "1",
  summary = "Several models in one checkpoint, each under its own scope",
  inputs = { "models..." },
  params = {
    scopes = { type = "list", required = true, help = "one scope for each model, like text/,image/" },
  },
  run = function(_, p, inputs)
    if #p.scopes ~= #inputs then error(("%d scopes for %d models"):format(#p.scopes, #inputs), 0) end
    local both = gw.variables {}
    for i, model in ipairs(inputs) do
      model:keep_only { role = "weight" }
      model:rename_scope("/", p.scopes[i])
      both:merge(model)
    end
    return both
  end,
}

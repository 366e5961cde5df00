-- "Renaming attributes" of the guide (foo becomes bar), for a model whose code was tidied up: attributes, dictionary keys and
-- whole branches get other names and places. What is below follows.
--
--   godwit run examples/guide_attributes.lua examples/data/guide/root-tf2-ckpt-1 -o out/attributes
return function(ckpt)
  local root = ckpt.root
  gw.graph.rename(root, "v", "variables")                -- Checkpoint(v=...) is Checkpoint(variables=...) now
  gw.graph.rename(root.variables, "a", "scale/a")        -- a key of the dictionary; '/' is no trouble
  gw.graph.move(root, "c", root.module)                  -- Checkpoint(c=...) is module.c now
  root.module.d = gw.full({}, 0.5)                       -- a new value
end

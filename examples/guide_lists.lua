-- "Reordering elements in lists" of the guide: a model's code was changed so that its variables come in another order. The
-- list's elements follow, and so do the slots of optimizers.
--
--   godwit run examples/guide_lists.lua examples/data/guide/tf2-lists-1 -o out/lists
return function(ckpt)
  local unscoped = ckpt.root.unscoped
  gw.graph.reorder(unscoped, { 1, 0 }) -- position 0 gets what was at 1
  -- One list instead of two: what is appended keeps its full name.
  local position = tostring(#unscoped)
  unscoped[position] = ckpt.root.scoped["0"]
  ckpt.root.scoped = nil
end

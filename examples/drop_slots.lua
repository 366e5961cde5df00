-- A checkpoint without what only training needs: the optimizer's slots and powers, and the moving averages. What is left
-- is a third of the size, and what fine-tuning or serving reads.
--
--   godwit run examples/drop_slots.lua examples/data/bert-tiny.ckpt-20 -o out/bert-tiny
--   godwit run examples/drop_slots.lua examples/data/digits.ckpt-100 -o out/digits
return function(ckpt)
  ckpt:drop { role = "slot" }
  -- Not every optimizer has these: Adam's powers of beta, and averages.
  ckpt:drop({ role = "power" }, { optional = true })
  ckpt:drop({ role = "average" }, { optional = true })
end

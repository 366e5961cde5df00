-- "1 tensor", "3 tensors".

return function(count, word) return ("%d %s%s"):format(count, word, count == 1 and "" or "s") end

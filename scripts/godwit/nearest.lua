-- The word that was probably meant.

--- Levenshtein's distance.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local change = diagonal + (a:byte(i) == b:byte(j) and 0 or 1)
      diagonal = row[j]
      row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#b]
end

--- One of `words` that begins with `name`, or the other way round, or is at most two letters away; else nil.
return function(name, words)
  for _, word in ipairs(words) do
    if word:sub(1, #name) == name or name:sub(1, #word) == word then return word end
  end
  for _, word in ipairs(words) do
    if #name > 2 and distance(name, word) <= 2 then return word end
  end
  return nil
end

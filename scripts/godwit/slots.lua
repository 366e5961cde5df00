-- Which variable a slot of a name-based checkpoint belongs to, told from names. Used by draft.lua and vocab.lua; what is a slot
-- at all is told by core/draft/role.c.
local slots = {}

--- The variable of VARIABLE/Adam, and the slot's own name. A slot that was made in a scope has the scope in front
--- (SCOPE/VARIABLE/Adam, training/Adam/VARIABLE/m). That of a variable whose partitioner made one part only has the part's
--- name, or its end, behind the variable's: VARIABLE/part_0/Adam, VARIABLE/t_0/Adam. What several parts have is nobody's.
function slots.owner(draft, name)
  local variable, slot = name:match "^(.*)/([^/]*)$"
  local owner = variable
  while owner and not draft:has(owner) do owner = owner:match "^[^/]*/(.*)$" end
  if owner then return owner, slot end
  if draft.vars[name].partial then return nil end
  while variable and not draft:has(variable) do variable = variable:match "^(.*)/[^/]*$" end
  return variable, slot
end

return slots

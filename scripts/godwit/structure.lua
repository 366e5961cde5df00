-- What differs between two object graphs: objects by their paths, what they hold, who shares them, slots. For `godwit diff`.

local core = require "godwit.core"

local structure = {}

--- Nodes are read into tables once.
local function reader(graph)
  local nodes = {}
  return function(id)
    nodes[id] = nodes[id] or graph:node(id)
    return nodes[id]
  end
end

local function by_name(list)
  local found = {}
  for _, item in ipairs(list) do found[item.name] = item end
  return found
end

--- How two graphs correspond, found breadth first from the roots: pairs of nodes that the same path leads to.
local function walker(a, b)
  local walk = { a = reader(a), b = reader(b), changes = {}, partner = { a = {}, b = {} }, path = {}, queue = {}, seen = {} }

  function walk.note(change, path, what) walk.changes[#walk.changes + 1] = { change = change, path = path, what = what } end

  function walk.visit(path, ida, idb)
    local key = ("%d %d"):format(ida, idb)
    if walk.seen[key] then return end
    walk.seen[key] = true
    local known_a, known_b = walk.partner.a[ida], walk.partner.b[idb]
    -- One of the two has been met before, with another partner.
    if known_a or known_b then
      if known_a then walk.note("shared", path, ("is %s in A, an object of its own in B"):format(walk.path[ida])) end
      if known_b then walk.note("shared", path, ("is %s in B, an object of its own in A"):format(walk.path[known_b])) end
      return
    end
    walk.partner.a[ida], walk.partner.b[idb] = idb, ida
    walk.path[ida] = path
    walk.queue[#walk.queue + 1] = { ida, idb }
  end
  return walk
end

local function join(path, name) return path == "(root)" and core.escape(name) or path .. "/" .. core.escape(name) end

local function compare_attributes(walk, path, a, b)
  local in_a, in_b = by_name(a.attributes), by_name(b.attributes)
  for _, attribute in ipairs(a.attributes) do
    local other = in_b[attribute.name]
    if not other then walk.note("contents", path, ("holds %s only in A"):format(attribute.name))
    elseif other.full_name ~= attribute.full_name then
      walk.note("full_name", path, ("full name %q -> %q"):format(attribute.full_name, other.full_name))
    end
  end
  for _, attribute in ipairs(b.attributes) do
    if not in_a[attribute.name] then walk.note("contents", path, ("holds %s only in B"):format(attribute.name)) end
  end
  if a.saver ~= b.saver then walk.note("saver", path, ("saved by %s -> %s"):format(a.saver or "its class", b.saver or "its class")) end
end

local function compare_children(walk, path, a, b)
  local in_a, in_b = by_name(a.children), by_name(b.children)
  for _, child in ipairs(a.children) do
    if in_b[child.name] then walk.visit(join(path, child.name), child.node, in_b[child.name].node)
    else walk.note("removed", join(path, child.name)) end
  end
  for _, child in ipairs(b.children) do
    if not in_a[child.name] then walk.note("added", join(path, child.name)) end
  end
end

--- Slots belong to pairs of an optimizer and a variable; both are known once all children are.
local function compare_slots(walk, path, a, b)
  local in_b = {}
  for _, slot in ipairs(b.slots) do in_b[("%d %s"):format(slot.variable, slot.name)] = slot end
  for _, slot in ipairs(a.slots) do
    local variable = walk.partner.a[slot.variable]
    local where = walk.path[slot.variable]
    local key = variable and ("%d %s"):format(variable, slot.name)
    if key and in_b[key] then
      walk.visit(("%s/.OPTIMIZER_SLOT/%s/%s"):format(where, path, core.escape(slot.name)), slot.slot, in_b[key].slot)
      in_b[key] = nil
    elseif where then
      walk.note("removed", path, ("slot %s of %s"):format(slot.name, where))
    end
  end
  for _, slot in ipairs(b.slots) do
    local variable = walk.partner.b[slot.variable]
    if variable and in_b[("%d %s"):format(slot.variable, slot.name)] then
      walk.note("added", path, ("slot %s of %s"):format(slot.name, walk.path[variable]))
    end
  end
end

--- A sequence of {change =, path =, what =}, `change` being removed, added, shared, contents, full_name, saver or order; empty when
--- the graphs are the same. What hangs below an object that only one of them has is not listed.
function structure.compare(a, b)
  local walk = walker(a, b)
  walk.visit("(root)", 0, 0)
  local first, slots_from = 1, 1
  repeat
    while first <= #walk.queue do
      local ida, idb = table.unpack(walk.queue[first])
      compare_attributes(walk, walk.path[ida], walk.a(ida), walk.b(idb))
      compare_children(walk, walk.path[ida], walk.a(ida), walk.b(idb))
      first = first + 1
      if core.interrupted() then core.fail { class = "interrupted", what = "interrupted" } end
    end
    for i = slots_from, #walk.queue do
      local ida, idb = table.unpack(walk.queue[i])
      compare_slots(walk, walk.path[ida], walk.a(ida), walk.b(idb))
    end
    slots_from = first
  until first > #walk.queue
  if #walk.changes == 0 and a:encode() == b:encode() then return walk.changes end
  if #walk.changes == 0 then walk.note("order", "(root)", "the same objects in another order") end
  return walk.changes
end

return structure

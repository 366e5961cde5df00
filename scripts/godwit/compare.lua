-- How one checkpoint differs from another, in words: for tests of recipes, whose checkpoints are small.

local core = require "godwit.core"
local objects = require "godwit.graph"

local compare = {}

local MOST = 20

local function keys_of(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function compare_tensors(name, expected, found, add)
  if expected.dtype ~= found.dtype or expected.shape ~= found.shape then
    add("%s is %s%s, and should be %s%s", name, found.dtype, tostring(found.shape), expected.dtype, tostring(expected.shape))
  elseif not expected:equal(found) then
    add("%s is %s, and should be %s", name, tostring(found), tostring(expected))
  end
end

--- Objects by path: their full names, for variables, and the order of their children.
local function structure(draft)
  local found = {}
  for path, node in objects.graph.walk(draft.root) do
    local names = {}
    for name in objects.graph.children(node) do names[#names + 1] = name end
    local called = objects.graph.is_variable(node) and objects.graph.full_name(node)
    found[path] = called and ("a variable called %q"):format(called) or ("{%s}"):format(table.concat(names, ", "))
  end
  return found
end

local function compare_structures(expected, found, add)
  local a, b = structure(expected), structure(found)
  for _, path in ipairs(keys_of(a)) do
    local title = path == "" and "the root" or path
    if b[path] == nil then add("the object %s is missing", title)
    elseif a[path] ~= b[path] then add("the object %s is %s, and should be %s", title, b[path], a[path]) end
  end
  for _, path in ipairs(keys_of(b)) do
    if a[path] == nil then add("there is an object %s too much", path) end
  end
end

--- A sequence of differences, empty when there is none; long ones are cut.
function compare.drafts(expected, found)
  local list, count = {}, 0
  local function add(what, ...)
    count = count + 1
    if count <= MOST then list[count] = what:format(...) end
  end
  if expected.kind ~= found.kind then
    add("it is made of %s, and should be made of %s", found.kind, expected.kind)
    return list
  end
  if expected.kind == "objects" then compare_structures(expected, found, add) end
  for name, tensor in expected:each() do
    local other = found:get(name)
    if other then compare_tensors(core.printable(name), tensor, other, add) else add("%s is missing", core.printable(name)) end
  end
  for name in found:each() do
    if not expected:has(name) then add("%s is there, and should not be", core.printable(name)) end
  end
  if count > MOST then list[#list + 1] = ("and %d more"):format(count - MOST) end
  return list
end

--- The same for tables of outputs by name.
function compare.outputs(expected, found)
  if type(expected) ~= "table" or type(found) ~= "table" then
    return { ("there is %s, and should be %s"):format(core.what(found), core.what(expected)) }
  end
  local list = {}
  for _, name in ipairs(keys_of(expected)) do
    if not found[name] then list[#list + 1] = ("the output %s is missing"):format(name)
    else
      for _, difference in ipairs(compare.drafts(expected[name], found[name])) do list[#list + 1] = name .. ": " .. difference end
    end
  end
  for _, name in ipairs(keys_of(found)) do
    if not expected[name] then list[#list + 1] = ("there is an output %s too much"):format(name) end
  end
  return list
end

return compare

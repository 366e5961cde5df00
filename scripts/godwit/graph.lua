-- The object graph in Lua: `gw.graph`, `gw.objects`, `gw.dict`, `gw.variable`, and what assigning to a node or to `ckpt.root`
-- means. Nodes themselves are in bindings/node.c.

local core = require "godwit.core"

local graph = {}

local function fail(what, ...) core.fail { class = "recipe", what = select("#", ...) > 0 and what:format(...) or what } end
local function fail_with(hint, what, ...) core.fail { class = "recipe", what = what:format(...), hint = hint } end

local function check_node(value, name)
  if not core.node_is(value) then fail("%s takes an object of the graph (ckpt.root is one), not %s", name, core.what(value)) end
end

local function check_name(name, what)
  if type(name) ~= "string" then fail("%s is a name (a string), not %s", what, core.what(name)) end
  if name == "" then fail("%s cannot be empty", what) end
end

local function kind_of(value)
  local meta = type(value) == "userdata" and getmetatable(value)
  return meta == "godwit.Node" and "node" or meta == "godwit.Tensor" and "tensor" or meta == "godwit.Vars" and "vars" or type(value)
end

-- ---- Building from tables

local Dict = { __name = "godwit.Dict" }
local Variable = { __name = "godwit.Variable" }

local function is_dict(value) return type(value) == "table" and getmetatable(value) == Dict end
local function is_boxed(value) return type(value) == "table" and getmetatable(value) == Variable end

local function sorted_keys(t, what)
  local keys = {}
  for key in pairs(t) do
    if type(key) ~= "string" then fail("%s has names (strings) or is a sequence, not both: it has %s as a key", what, core.what(key)) end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- The entries of a dictionary in their order: a sequence of {key, value}.
local function dict_entries(content)
  local entries = {}
  if kind_of(content) == "vars" then
    for name, tensor in pairs(content) do entries[#entries + 1] = { name, tensor } end
  elseif kind_of(content) == "node" then
    for name, child in pairs(content) do entries[#entries + 1] = { name, child } end
  elseif type(content) ~= "table" then
    fail("gw.dict takes a sequence of {key, value} pairs, or a table, not %s", core.what(content))
  elseif content[1] == nil then
    for _, key in ipairs(sorted_keys(content, "a dictionary")) do entries[#entries + 1] = { key, content[key] } end
  else
    local seen = {}
    for i, pair in ipairs(content) do
      if type(pair) ~= "table" or type(pair[1]) ~= "string" or pair[2] == nil then fail("entry %d of gw.dict is not {key, value}", i) end
      if seen[pair[1]] then fail("gw.dict has the key '%s' twice", pair[1]) end
      seen[pair[1]] = true
      entries[i] = { pair[1], pair[2] }
    end
    for key in pairs(content) do
      if math.type(key) ~= "integer" or key > #entries or key < 1 then
        fail("gw.dict takes a sequence of {key, value} pairs, or a table with string keys, not both")
      end
    end
  end
  return entries
end

--- A dictionary that keeps its order, as a Python dictionary does.
local function dict(content) return setmetatable({ entries = dict_entries(content) }, Dict) end

--- A variable that is one object wherever it is used.
local function variable(tensor, options)
  if kind_of(tensor) ~= "tensor" and kind_of(tensor) ~= "node" then fail("gw.variable takes a tensor, not %s", core.what(tensor)) end
  options = options or {}
  if type(options) ~= "table" then fail("the options of gw.variable are a table like {full_name = \"w\"}, not %s", core.what(options)) end
  for key in pairs(options) do
    if key ~= "full_name" then fail("there is no option '%s' (only full_name)", tostring(key)) end
  end
  if options.full_name ~= nil then check_name(options.full_name, "full_name") end
  return setmetatable({ tensor = tensor, full_name = options.full_name }, Variable)
end

local build

local function build_children(building, node, entries, path)
  for _, entry in ipairs(entries) do
    local name, value = entry[1], entry[2]
    check_name(name, "a child's name")
    core.node_link(node, name, build(building, value, path == "" and name or path .. "/" .. name))
  end
  return node
end

--- 0 for an empty table, n for a sequence of n, nil for a table with names.
local function sequence_length(t, path)
  local count, highest = 0, 0
  for key in pairs(t) do
    if math.type(key) == "integer" and key >= 1 then
      count, highest = count + 1, math.max(highest, key)
    elseif type(key) ~= "string" then
      fail("%s: a table's keys are names or the numbers from 1, not %s", path == "" and "the root" or path, core.what(key))
    end
  end
  if highest > 0 and highest ~= count then fail("%s: the list has a hole (no element %d)", path == "" and "the root" or path, count + 1) end
  return (highest > 0 or next(t) == nil) and highest or nil
end

local function build_table(building, t, path)
  local length = sequence_length(t, path)
  local node = core.node_new(building.draft)
  building.made[t] = node -- before its children: a table may hold itself
  local entries = {}
  if is_dict(t) then
    entries = t.entries
  elseif length then
    for key in pairs(t) do
      if math.type(key) ~= "integer" then fail("%s has names or is a list, not both", path == "" and "the root" or path) end
    end
    for i = 1, length do entries[i] = { tostring(i - 1), t[i] } end
  else
    for _, key in ipairs(sorted_keys(t, path == "" and "the root" or path)) do entries[#entries + 1] = { key, t[key] } end
  end
  return build_children(building, node, entries, path)
end

local function new_variable(building, tensor, full_name)
  if not full_name then
    full_name = core.node_name_for(building.draft, tensor)
    if not utf8.len(full_name) then full_name = "Variable" end -- keys are free bytes, full names are not
  end
  return core.node_variable(building.draft, tensor, full_name)
end

function build(building, value, path)
  local kind = kind_of(value)
  if kind == "tensor" then return new_variable(building, value) end
  if kind == "node" then return core.node_adopt(building.draft, value) end
  if kind == "vars" then return build_table(building, dict(value), path) end
  if kind ~= "table" then
    local hint = kind == "userdata" and "a checkpoint's objects are below its root: ckpt.root" or "gw.scalar and gw.tensor make tensors of values"
    fail_with(hint, "%s: an object is a tensor, a table or an object of a checkpoint, not %s", path == "" and "the root" or path, core.what(value))
  end
  if building.made[value] then return building.made[value] end
  if not is_boxed(value) then return build_table(building, value, path) end
  building.made[value] = new_variable(building, value.tensor, value.full_name)
  return building.made[value]
end

local function plain_table(value) return type(value) == "table" and not is_dict(value) and not is_boxed(value) and #value == 0 end

--- Makes `value` the root. Attributes by name, as Checkpoint(**kwargs) has them, are kept in order of their names.
local function set_root(draft, value)
  local node = build({ draft = draft, made = {} }, value, "")
  local sorted = plain_table(value) or (core.node_is(value) and core.node_is_sorted(node))
  core.node_set_root(draft, node, sorted)
  return node
end

local COUNTER = "save_counter"

local function new_counter(draft, value)
  if math.type(value) == "integer" then value = core.tensor(value, "int64") end
  if kind_of(value) ~= "tensor" and kind_of(value) ~= "node" then fail("save_counter is an integer, not %s", core.what(value)) end
  return core.node_variable(draft, value, COUNTER)
end

local function objects(tree, options)
  options = options or {}
  if type(options) ~= "table" then fail("the options of gw.objects are a table like {save_counter = 1}, not %s", core.what(options)) end
  for key in pairs(options) do
    if key ~= COUNTER then fail("there is no option '%s' (only save_counter)", tostring(key)) end
  end
  if tree == nil then fail("gw.objects takes a tree of tables, tensors and objects") end
  local draft = core.objects()
  local root = set_root(draft, tree)
  if options.save_counter ~= nil then core.node_link(root, COUNTER, new_counter(draft, options.save_counter)) end
  return draft
end

-- ---- Assigning

core.node_on_assign(function(node, name, value)
  if math.type(name) == "integer" then fail("an object's children have names: position %d of a list is \"%d\"", name, name) end
  check_name(name, "a child's name")
  if value == nil then return core.node_unlink(node, name) end
  local child = core.node_child(node, name)
  if kind_of(value) == "tensor" and child and core.node_is_variable(child) then return core.node_set_tensor(child, value) end
  local ok, path = pcall(core.node_path, node)
  core.node_link(node, name, build({ draft = core.node_draft(node), made = {} }, value, ok and path ~= "" and path .. "/" .. name or name))
end)

function core.draft_methods.core_set_root(draft, value)
  if value == nil then fail("a checkpoint cannot be without a root") end
  set_root(draft, value)
end

-- ---- gw.graph

function graph.has(node, name)
  check_node(node, "gw.graph.has")
  if type(name) ~= "string" then fail("gw.graph.has takes a child's name, not %s", core.what(name)) end
  return core.node_child(node, name) ~= nil
end

--- The object at a path as keys write it ("model/layer-0/a.Sb"), or nil.
function graph.find(root, path)
  check_node(root, "gw.graph.find")
  if type(path) ~= "string" then fail("gw.graph.find takes a path like \"model/layer-0\", not %s", core.what(path)) end
  if path == "" then return root end
  for part in (path .. "/"):gmatch "([^/]*)/" do
    root = core.node_child(root, core.unescape(part))
    if not root then return nil end
  end
  return root
end

function graph.children(node)
  check_node(node, "gw.graph.children")
  return pairs(node)
end

--- Where each place's child stands among the children: {"0" .. "n-1"} in whatever order they are stored.
local function list_places(node, what)
  local names = core.node_children(node)
  local places = {}
  for i, name in ipairs(names) do
    local at = name:match "^%d+$" and math.tointeger(tonumber(name))
    if not at or tostring(at) ~= name or at >= #names or places[at + 1] then
      fail("%s takes a list, whose children are \"0\", \"1\", ... : this object has '%s'", what, name)
    end
    places[at + 1] = i
  end
  return places
end

function graph.list(node)
  check_node(node, "gw.graph.list")
  local places = list_places(node, "gw.graph.list")
  local _, nodes = core.node_children(node)
  local list = {}
  for i, place in ipairs(places) do list[i] = nodes[place] end
  return list
end

--- Breadth first, each object once: path, node.
function graph.walk(root)
  check_node(root, "gw.graph.walk")
  local queue, paths, seen = { root }, { "" }, { [root] = true }
  local at, last = 0, 1
  return function()
    at = at + 1
    local node, path = queue[at], paths[at]
    if not node then return nil end
    queue[at], paths[at] = false, nil
    for name, child in pairs(node) do
      if not seen[child] then
        seen[child] = true
        last = last + 1
        queue[last], paths[last] = child, (path == "" and "" or path .. "/") .. core.escape(name)
      end
    end
    return path, node
  end
end

function graph.rename(node, old, new)
  check_node(node, "gw.graph.rename")
  check_name(old, "the old name")
  check_name(new, "the new name")
  core.node_rename(node, old, new)
end

function graph.order(node, names)
  check_node(node, "gw.graph.order")
  if type(names) ~= "table" then fail("gw.graph.order takes a sequence of the children's names, not %s", core.what(names)) end
  local places, order, seen = {}, {}, {}
  local stored = core.node_children(node)
  for i, name in ipairs(stored) do places[name] = i - 1 end
  for i, name in ipairs(names) do
    if not places[name] then fail("gw.graph.order: there is no child '%s' (there are %s)", tostring(name), table.concat(stored, ", ")) end
    if seen[name] then fail("gw.graph.order: '%s' is named twice", name) end
    seen[name] = true
    order[i] = places[name]
  end
  for _, name in ipairs(stored) do
    if not seen[name] then fail("gw.graph.order: '%s' is not named (every child once)", name) end
  end
  core.node_order(node, order)
end

function graph.reorder(list, order)
  check_node(list, "gw.graph.reorder")
  if type(order) ~= "table" then fail("gw.graph.reorder takes a sequence of positions like {2, 0, 1}, not %s", core.what(order)) end
  local places = list_places(list, "gw.graph.reorder")
  if #order ~= #places then fail("gw.graph.reorder: the list has %d elements, and %d positions are given", #places, #order) end
  local by_place, seen = {}, {}
  for i, from in ipairs(order) do
    if math.type(from) ~= "integer" or from < 0 or from >= #places then
      fail("gw.graph.reorder: '%s' is no position of this list (they go from 0 to %d)", tostring(from), #places - 1)
    end
    if seen[from] then fail("gw.graph.reorder: position %d is given twice", from) end
    seen[from] = true
    by_place[places[i]] = places[from + 1] - 1
  end
  core.node_reorder(list, by_place)
end

--- Is `wanted` at or below `node`?
local function is_below(node, wanted)
  for _, found in graph.walk(node) do
    if found == wanted then return true end
  end
  return false
end

function graph.move(from, name, to, new_name)
  check_node(from, "gw.graph.move")
  check_node(to, "gw.graph.move")
  check_name(name, "the name of what is moved")
  new_name = new_name == nil and name or new_name
  check_name(new_name, "the new name")
  local child = from[name]
  if core.node_child(to, new_name) then fail("gw.graph.move: there is already a child '%s'", new_name) end
  if is_below(child, to) then fail("gw.graph.move: '%s' would hang below itself", name) end
  core.node_link(to, new_name, child)
  core.node_unlink(from, name)
end

--- Checkpoint(model) becomes Checkpoint(name=model). What the old Checkpoint had put on its root goes: save_counter to the
--- new root, and the edge `root`, which leads to the root itself (tensorflow/python/checkpoint/checkpoint.py: Checkpoint).
function graph.wrap(name, node)
  check_name(name, "gw.graph.wrap: the attribute")
  check_node(node, "gw.graph.wrap")
  local draft = core.node_draft(node)
  local wrapper = core.node_new(draft)
  core.node_link(wrapper, name, node)
  if draft.root ~= node then return wrapper end
  local counter = core.node_child(node, COUNTER)
  if counter then
    core.node_link(wrapper, COUNTER, counter)
    core.node_unlink(node, COUNTER)
  end
  if core.node_child(node, "root") == node then core.node_unlink(node, "root") end
  return wrapper
end

function graph.tensor(node)
  check_node(node, "gw.graph.tensor")
  return core.node_tensor(node)
end

function graph.is_variable(node)
  check_node(node, "gw.graph.is_variable")
  return core.node_is_variable(node)
end

function graph.full_name(node, new)
  check_node(node, "gw.graph.full_name")
  if new ~= nil and type(new) ~= "string" then fail("gw.graph.full_name: the new name is a string, not %s", core.what(new)) end
  return core.node_full_name(node, new)
end

function graph.path(node)
  check_node(node, "gw.graph.path")
  return core.node_path(node)
end

function graph.escape(name)
  if type(name) ~= "string" then fail("gw.graph.escape takes a name, not %s", core.what(name)) end
  return core.escape(name)
end

function graph.unescape(part)
  if type(part) ~= "string" then fail("gw.graph.unescape takes a part of a key, not %s", core.what(part)) end
  return core.unescape(part)
end

--- Iterates slot name, variable, slot variable.
function graph.slots(optimizer)
  check_node(optimizer, "gw.graph.slots")
  local slots, at = core.node_slots(optimizer), 0
  return function()
    at = at + 1
    local slot = slots[at]
    if slot then return slot[1], slot[2], slot[3] end
    return nil
  end
end

function graph.set_slot(optimizer, variable, name, tensor) -- luacheck: ignore 431 (the function of this name is gw's)
  check_node(optimizer, "gw.graph.set_slot")
  check_node(variable, "gw.graph.set_slot")
  check_name(name, "the slot's name")
  core.node_set_slot(optimizer, variable, name, tensor)
end

return { graph = graph, objects = objects, dict = dict, variable = variable }

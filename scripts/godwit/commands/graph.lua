-- godwit graph PREFIX: the object graph as a tree, as JSON, or for Graphviz.

local core = require "godwit.core"
local terminal = require "godwit.terminal"
local plural = require "godwit.plural"

local graph = { summary = "show the object graph of a TF2 checkpoint as a tree" }

function graph.parser(argparse)
  local parser = argparse("godwit graph", graph.summary)
  parser:argument("prefix", "an object-based checkpoint (tf.train.Checkpoint, Keras save_weights, SavedModel)"):argname("PREFIX")
  parser:option("--depth", "show only so many levels"):argname("N"):convert(function(text)
    local depth = math.tointeger(tonumber(text))
    if not depth or depth < 0 then return nil, ("--depth takes a number from 0, not '%s'"):format(text) end
    return depth
  end)
  local forms = parser:mutex(parser:flag("--json", "print JSON"), parser:flag("--dot", "print a graph for Graphviz"))
  return parser, forms
end

--- Reading nodes is cheap but makes tables: each is read once.
local function reader(objects)
  local nodes = {}
  return function(id)
    nodes[id] = nodes[id] or objects:node(id)
    return nodes[id]
  end
end

-- ---- The tree

local function tensor_text(vars, attribute)
  local tensor = vars:get(attribute.key)
  if not tensor then return attribute.name == "VARIABLE_VALUE" and "(its tensor is missing)" or attribute.name end
  local text = ("%s %s"):format(tensor.dtype, tostring(tensor.shape))
  if attribute.name ~= "VARIABLE_VALUE" then text = attribute.name .. " " .. text end
  if attribute.full_name ~= "" then text = ("%s  %q"):format(text, attribute.full_name) end
  return text
end

--- What stands behind a node's name: its tensors, its saver, its slots.
local function description(vars, node)
  local parts = {}
  for _, attribute in ipairs(node.attributes) do parts[#parts + 1] = tensor_text(vars, attribute) end
  if node.saver then parts[#parts + 1] = ("saved by %s"):format(node.saver) end
  if #node.slots > 0 then parts[#parts + 1] = plural(#node.slots, "slot variable") end
  return #parts > 0 and "  " .. table.concat(parts, "  ") or ""
end

--- The path by which a node is first reached, of escaped names; "(root)" for the root.
local function path_finder(parents, names)
  return function(id)
    local components, first = {}, 0
    while parents[id] do
      first = first - 1
      components[first] = core.escape(names[id])
      id = parents[id]
    end
    return first < 0 and table.concat(components, "/", first, -1) or "(root)"
  end
end

local function slot_lines(vars, read, path, node)
  local lines = {}
  for _, slot in ipairs(node.slots) do
    lines[#lines + 1] = ("%s of %s%s"):format(slot.name, path(slot.variable), description(vars, read(slot.slot)))
  end
  return lines
end

--- Depth first with a stack of our own: graphs may be deep, and a cycle ends where it began.
local function print_tree(vars, objects, most)
  local read, parents, edges = reader(objects), objects:parents()
  local path = path_finder(parents, edges)
  local out, shown = io.stdout, { [0] = true }
  out:write("(root)", core.printable(description(vars, read(0))), "\n")
  local stack = {}
  local function push(id, indent, depth)
    local node = read(id)
    if depth > most then return end
    local rows = {}
    for _, child in ipairs(node.children) do rows[#rows + 1] = { child = child } end
    for _, line in ipairs(slot_lines(vars, read, path, node)) do rows[#rows + 1] = { slot = line } end
    for i = #rows, 1, -1 do
      stack[#stack + 1] = { row = rows[i], indent = indent, last = i == #rows, depth = depth, parent = id }
    end
  end
  push(0, "", 1)
  while #stack > 0 do
    local top = table.remove(stack)
    local indent = top.indent .. (top.last and "   " or "│  ")
    -- Names may be any bytes.
    local function line(...) out:write(top.indent, top.last and "└─ " or "├─ ", core.printable(table.concat { ... }), "\n") end
    local child = top.row.child
    if not child then
      line("slot ", top.row.slot)
    elseif shown[child.node] or parents[child.node] ~= top.parent then
      -- A shared object is shown once, at the path that gives its tensors their keys.
      line(child.name, "  → ", path(child.node))
    else
      shown[child.node] = true
      line(child.name, description(vars, read(child.node)))
      push(child.node, indent, top.depth + 1)
    end
  end
end

-- ---- JSON and Graphviz

local function node_json(id, node, parent)
  local children, attributes, slots = {}, {}, {}
  for i, child in ipairs(node.children) do children[i] = core.object { { "name", child.name }, { "node", child.node } } end
  for i, attribute in ipairs(node.attributes) do
    attributes[i] = core.object { { "name", attribute.name }, { "full_name", attribute.full_name }, { "key", attribute.key } }
  end
  for i, slot in ipairs(node.slots) do
    slots[i] = core.object { { "name", slot.name }, { "variable", slot.variable }, { "slot", slot.slot } }
  end
  return core.json(core.object {
    { "id", id }, { "path", parent }, { "children", children }, { "attributes", attributes }, { "slots", slots }, { "saver", node.saver },
  })
end

local function print_json(info, objects)
  local parents, edges = objects:parents()
  local path = path_finder(parents, edges)
  io.stdout:write('{"schema": 1, "path": ', core.json(info.path), ', "nodes": [')
  for id = 0, #objects - 1 do
    local reached = id == 0 and "" or parents[id] and path(id) or nil
    io.stdout:write(id > 0 and ",\n" or "\n", node_json(id, objects:node(id), reached))
  end
  io.stdout:write("\n]}\n")
end

local function quote(text) return '"' .. core.printable(text):gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"' end

local function print_dot(vars, objects, most)
  local read, out = reader(objects), io.stdout
  out:write("digraph checkpoint {\n  rankdir=LR;\n  node [shape=box];\n")
  local seen, level = { [0] = true }, { 0 }
  local depth = 0
  while #level > 0 do
    local below = {}
    for _, id in ipairs(level) do
      local node = read(id)
      local text = id == 0 and "(root)" .. description(vars, node) or description(vars, node):sub(3)
      out:write(("  n%d [label=%s%s];\n"):format(id, quote(text), #node.attributes > 0 and ", style=rounded" or ""))
      for _, child in ipairs(depth < most and node.children or {}) do
        out:write(("  n%d -> n%d [label=%s];\n"):format(id, child.node, quote(child.name)))
        if not seen[child.node] then
          seen[child.node] = true
          below[#below + 1] = child.node
        end
      end
      for _, slot in ipairs(depth < most and node.slots or {}) do
        out:write(("  n%d -> n%d [label=%s, style=dashed];\n"):format(slot.variable, slot.slot, quote(slot.name)))
        if not seen[slot.slot] then
          seen[slot.slot] = true
          below[#below + 1] = slot.slot
        end
      end
    end
    level, depth = below, depth + 1
  end
  out:write("}\n")
end

function graph.run(values)
  local prefix, note = core.locate(values.prefix)
  if note then terminal.note(note) end
  local bundle = core.open(prefix)
  local objects = core.graph(bundle)
  local info = bundle:info()
  local vars, most = bundle:draft(), values.depth or math.maxinteger
  if values.json then
    print_json(info, objects)
  elseif values.dot then
    print_dot(vars, objects, most)
  else
    io.stdout:write(("%s · object-based · %s\n"):format(info.path, plural(#objects, "node")))
    print_tree(vars, objects, most)
  end
  return 0
end

return graph

-- Values as the REPL prints them: a checkpoint as a list, an object as a tree, a table by its keys.

local core = require "godwit.core"
local gw = require "godwit"
local plural = require "godwit.plural"

local show = {}

local MOST_LINES = 40
local MOST_LEVELS = 4

local function pad(text, width) return text .. (" "):rep(width - (utf8.len(text) or #text)) end

local function aligned(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell) end
  end
  local lines = {}
  for n, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do cells[i] = pad(cell, widths[i]) end
    lines[n] = ("  " .. table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return lines
end

--- The first names of a checkpoint's vars, and how many there are, under a title.
local function tensors(title, vars, names)
  local rows, more = {}, #vars - MOST_LINES
  for i, name in ipairs(names) do
    local tensor = vars[name]
    rows[i] = { core.printable(name), tensor.dtype, tostring(tensor.shape), core.bytes(tensor.nbytes) }
  end
  local lines = { title }
  table.move(aligned(rows), 1, #rows, 2, lines)
  if more > 0 then lines[#lines + 1] = ("  and %d more"):format(more) end
  return table.concat(lines, "\n")
end

local function first_names(vars)
  local names = {}
  for name in pairs(vars) do
    if #names == MOST_LINES then break end
    names[#names + 1] = name
  end
  return names
end

local function draft(value)
  local kind = value.kind == "objects" and "object-based" or "name-based"
  return tensors(("%s · %s · %s"):format(value.path or "new", kind, plural(#value, "tensor")), value.vars, value:core_names(nil, MOST_LINES))
end

local function node(value)
  local lines, seen = {}, {}
  local function add(name, at, indent, level)
    if #lines > MOST_LINES then return end
    local about = ""
    if gw.graph.is_variable(at) then
      local tensor = gw.graph.tensor(at)
      about = ("  %s %s  %q"):format(tensor.dtype, tostring(tensor.shape), gw.graph.full_name(at))
    end
    local again = seen[at]
    lines[#lines + 1] = ("%s%s%s%s"):format(indent, core.printable(name), about, again and "  (see above)" or "")
    if again then return end
    seen[at] = true
    if level == MOST_LEVELS then
      if next(gw.graph.children(at)) then lines[#lines] = lines[#lines] .. "  ..." end
      return
    end
    for child_name, child in gw.graph.children(at) do add(child_name, child, indent .. "  ", level + 1) end
  end
  local path = gw.graph.path(value)
  add(path == "" and "(root)" or path, value, "", 0)
  if #lines > MOST_LINES then
    lines[MOST_LINES + 1] = "..."
    return table.concat(lines, "\n", 1, MOST_LINES + 1)
  end
  return table.concat(lines, "\n")
end

local function key_text(key)
  if type(key) == "string" and key:match "^[%a_][%w_]*$" then return key end
  return ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local function item_text(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) == "table" and not (getmetatable(value) or {}).__tostring then return "{...}" end
  return tostring(value)
end

local function plain_table(value)
  local parts, keys = {}, {}
  for i, item in ipairs(value) do
    if #parts == MOST_LINES then break end
    parts[i] = item_text(item)
  end
  for key in pairs(value) do
    if not (math.type(key) == "integer" and key >= 1 and key <= #value) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    if #parts == MOST_LINES then break end
    parts[#parts + 1] = ("%s = %s"):format(key_text(key), item_text(value[key]))
  end
  local more = #value + #keys - #parts
  if more > 0 then parts[#parts + 1] = ("and %d more"):format(more) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- One value as text, with line ends inside where it takes several.
function show.text(value)
  local kind = type(value) == "userdata" and getmetatable(value)
  if kind == "godwit.Draft" then return draft(value) end
  if kind == "godwit.Vars" then return tensors(plural(#value, "tensor"), value, first_names(value)) end
  if kind == "godwit.Node" then return node(value) end
  if type(value) == "string" then return value end
  if type(value) == "table" and not (type(getmetatable(value)) == "table" and getmetatable(value).__tostring) and type(getmetatable(value)) ~= "string" then
    return plain_table(value)
  end
  return tostring(value)
end

return show

-- godwit diff A B

local core = require "godwit.core"
local terminal = require "godwit.terminal"
local plural = require "godwit.plural"

local diff = { summary = "show what differs between two checkpoints: names, dtypes, shapes, values" }

local GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
local SIGNS = { removed = "-", added = "+", type = "!", values = "*" }
local WIDEST_NAME = 80
local MOST_OBJECTS = 40 -- lines about the object graphs

local function parse_tolerance(name)
  return function(text)
    local value = tonumber(text)
    if not value or not (value >= 0 and value < math.huge) then
      return nil, ("--%s takes a number that is not negative, like 1e-6, not '%s'"):format(name, text)
    end
    return value
  end
end

function diff.parser(argparse)
  local parser = argparse("godwit diff", diff.summary)
  parser:argument("a", "a checkpoint"):argname("A")
  parser:argument("b", "the checkpoint that it is compared with"):argname("B")
  parser:option("--rtol", "how far apart equal numbers may be, relative to B's"):argname("X"):convert(parse_tolerance "rtol"):default "0"
  parser:option("--atol", "the same, absolute: numbers are equal when |a - b| <= atol + rtol * |b|"):argname("Y")
    :convert(parse_tolerance "atol"):default "0"
  parser:option("--match", "only tensors in whose name the regular expression is found (may be repeated)"):argname("REGEX"):count("*")
  parser:flag("--json", "print JSON")
  parser:flag("-q --quiet", "print nothing; the exit code answers")
  return parser
end

local function open(path, quiet)
  local prefix, note = core.locate(path)
  if note and not quiet then terminal.note(note) end
  return core.open(prefix)
end

--- The rows that differ, one after the other.
local function changes(work)
  return function(_, position)
    if core.interrupted() then core.fail { class = "interrupted", what = "interrupted" } end
    return work:change(position)
  end, nil, 0
end

--- A graph that cannot be decoded is still bytes that differ.
local function compare_graphs(a, b)
  local ok, found = pcall(function() return require("godwit.structure").compare(core.graph(a), core.graph(b)) end)
  if ok then return found end
  if type(found) ~= "table" or found.class == "interrupted" then error(found, 0) end
  return { { change = "contents", path = "(root)", what = found.what } }
end

--- Everything that is printed: the counts, and what differs in the object graphs.
local function compare(a, b, values, match)
  local info_a, info_b = a:info(), b:info()
  local ok, work = pcall(core.diff, a, b, { rtol = values.rtol, atol = values.atol, match = match })
  if not ok then
    if type(work) == "table" and work.class == "recipe" then
      work = { class = "usage", what = work.what, message = "--match: " .. work.what }
    end
    error(work, 0)
  end
  terminal.wait(work, info_b.path, values.quiet)
  local _, bytes = work:wait(0)
  local result = { a = info_a, b = info_b, work = work, bytes = bytes, counts = work:counts(), objects = {} }
  for _, row in changes(work) do
    if row.name == GRAPH_KEY and row.change == "values" then
      result.graphs_differ = true
      result.objects = compare_graphs(a, b)
      result.counts.values = result.counts.values - 1
    end
  end
  result.differ = result.counts.values + result.counts.type + result.counts.added + result.counts.removed + #result.objects
  return result
end

-- ---- Text

local function width_of(text) return utf8.len(text) or #text end
local function pad(text, width) return text .. (" "):rep(width - width_of(text)) end

local function amount(difference)
  if math.type(difference) == "float" then return ("%.6g"):format(difference) end
  return tostring(difference)
end

local function values_text(row)
  local largest = row.largest
  if not largest then return "stored bytes differ" end
  local how_many = row.elements == 1 and "" or ("%d of %d differ, "):format(row.different, row.elements)
  local place = #largest.at > 0 and (" at %s"):format(tostring(largest.at)) or ""
  local apart = largest.difference and largest.difference == largest.difference and largest.difference < math.huge
  local most = apart and ("%s %s%s: "):format(row.different == 1 and "by" or "most by", amount(largest.difference), place)
    or ("%s%s: "):format(row.different == 1 and "" or "first", place):gsub("^ ", "")
  if row.elements == 1 and apart then most = "differs " .. most end
  return ("%s%s%s -> %s"):format(how_many, most:gsub("^: $", ""), largest.a_text, largest.b_text)
end

local function explanation(row)
  if row.change == "values" then return values_text(row) end
  if row.change == "type" then return ("-> %s  %s"):format(row.b.dtype, tostring(row.b.shape)) end
  if not row.twin then return "" end
  return ("%s %s? (same checksum)"):format(row.change == "added" and "renamed from" or "renamed to", core.printable(row.twin))
end

local function is_shown(result, row) return not (row.name == GRAPH_KEY and result.graphs_differ) end

local function print_rows(result)
  local name_width, dtype_width, shape_width = 0, 0, 0
  for _, row in changes(result.work) do
    if is_shown(result, row) then
      local side = row.a or row.b
      name_width = math.max(name_width, math.min(width_of(core.printable(row.name)), WIDEST_NAME))
      dtype_width = math.max(dtype_width, #side.dtype)
      shape_width = math.max(shape_width, #tostring(side.shape))
    end
  end
  for _, row in changes(result.work) do
    if is_shown(result, row) then
      local side = row.a or row.b
      local line = ("  %s  %s  %s  %s  %s"):format(SIGNS[row.change], pad(core.printable(row.name), name_width), pad(side.dtype, dtype_width),
        pad(tostring(side.shape), shape_width), explanation(row))
      io.stdout:write((line:gsub("%s+$", "")), "\n")
    end
  end
end

local OBJECT_SIGNS = { removed = "-", added = "+" }

local function print_objects(objects)
  if #objects == 0 then return end
  io.stdout:write(("object graph: %s\n"):format(plural(#objects, "difference")))
  for i, change in ipairs(objects) do
    if i > MOST_OBJECTS then
      io.stdout:write(("  and %d more (--json lists all)\n"):format(#objects - MOST_OBJECTS))
      return
    end
    io.stdout:write(core.printable(("  %s  %s%s"):format(OBJECT_SIGNS[change.change] or "*", change.path, change.what and "  " .. change.what or "")), "\n")
  end
end

local function tolerance_text(values)
  if values.rtol == 0 and values.atol == 0 then return "" end
  return (" within rtol %g, atol %g"):format(values.rtol, values.atol)
end

local function print_text(result, values)
  local counts = result.counts
  local head = ("%s -> %s"):format(core.printable(result.a.path), core.printable(result.b.path))
  if result.differ == 0 then
    io.stdout:write(("%s · the same%s · %s · %s compared\n"):format(head, tolerance_text(values), plural(counts.same, "tensor"), core.bytes(result.bytes)))
    return
  end
  local parts = {}
  for _, part in ipairs { { "values", "with other values" }, { "type", "of another dtype or shape" }, { "added", "added" }, { "removed", "removed" } } do
    if counts[part[1]] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[part[1]], part[2]) end
  end
  if #result.objects > 0 then parts[#parts + 1] = "another object graph" end
  local function kind(info) return info.kind == "objects" and "object-based" or "name-based" end
  local kinds = result.a.kind ~= result.b.kind and (" · %s against %s"):format(kind(result.a), kind(result.b)) or ""
  io.stdout:write(("%s · different%s · %d the same%s, %s\n"):format(head, kinds, counts.same, tolerance_text(values), table.concat(parts, ", ")))
  print_rows(result)
  print_objects(result.objects)
end

-- ---- JSON

local function side_json(side)
  return side and core.object { { "dtype", side.dtype }, { "shape", side.shape }, { "bytes", side.bytes } }
end

--- Complex numbers are pairs, as in values.
local function row_json(row)
  local largest = row.largest
  return core.json(core.object {
    { "name", row.name }, { "change", row.change }, { "a", side_json(row.a) }, { "b", side_json(row.b) },
    { "elements", row.elements }, { "different", row.different },
    { "largest", largest and core.object { { "difference", largest.difference }, { "at", largest.at }, { "a", largest.a }, { "b", largest.b } } },
    { "renamed_from", row.change == "added" and row.twin or nil }, { "renamed_to", row.change == "removed" and row.twin or nil },
  })
end

local function print_json(result, values)
  local out, counts, separator = io.stdout, result.counts, "\n"
  local head = core.json(core.object {
    { "schema", 1 }, { "a", result.a.path }, { "b", result.b.path }, { "same", result.differ == 0 }, { "rtol", values.rtol }, { "atol", values.atol },
    { "bytes", result.bytes }, { "counts", core.object {
      { "same", counts.same }, { "values", counts.values }, { "type", counts.type }, { "added", counts.added }, { "removed", counts.removed } } },
  })
  out:write(head:sub(1, -2), ', "tensors": [')
  for _, row in changes(result.work) do
    if is_shown(result, row) then
      out:write(separator, row_json(row))
      separator = ",\n"
    end
  end
  out:write('\n], "objects": [')
  for i, change in ipairs(result.objects) do
    out:write(i > 1 and ",\n" or "\n", core.json(core.object { { "path", change.path }, { "change", change.change }, { "what", change.what } }))
  end
  out:write("\n]}\n")
end

function diff.run(values)
  local a, b = open(values.a, values.quiet), open(values.b, values.quiet)
  local match = #values.match > 0 and values.match or nil
  local result <close> = setmetatable(compare(a, b, values, match), { __close = function(result) result.work:close() end })
  if not values.quiet then
    if values.json then print_json(result, values) else print_text(result, values) end
    local counts = result.counts
    if match and counts.same + result.differ == 0 then terminal.note(("no name matches %s"):format(table.concat(match, ", "))) end
  end
  return result.differ == 0 and 0 or 1
end

return diff

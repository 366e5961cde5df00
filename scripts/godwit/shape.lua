-- Whether JSON that was read is shaped as its reader relies on: lineages and saved plans.
--
-- A shape is the name of a type ("string", "integer", "number", "boolean", "table"; with `?` it may be missing), a sequence of
-- one shape for all items, a table of shapes by field, or a function that returns one of these for what may be missing.

local shape = {}

local function is_of_type(value, name)
  if name:sub(-1) == "?" and value == nil then return true end
  name = name:gsub("%?$", "")
  if name == "integer" then return math.type(value) == "integer" end
  return type(value) == name
end

--- The path of the first field of `value` that is not as `expected`, or nil. `path`: of the value itself, "" for a document.
function shape.wrong(value, expected, path)
  if type(expected) == "function" then
    if value == nil then return nil end
    expected = expected()
  end
  if type(expected) == "string" then return not is_of_type(value, expected) and path or nil end
  if type(value) ~= "table" then return path == "" and "the document" or path end
  if expected[1] then
    for i = 1, #value do
      local wrong = shape.wrong(value[i], expected[1], ("%s[%d]"):format(path, i - 1))
      if wrong then return wrong end
    end
    return nil
  end
  for field, inner in pairs(expected) do
    local wrong = shape.wrong(value[field], inner, path == "" and field or path .. "." .. field)
    if wrong then return wrong end
  end
end

return shape

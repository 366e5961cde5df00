-- JSON as godwit promises it: objects keep the order of their fields (json.fields), integers stay integers.

local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }

local order = setmetatable({}, { __mode = "k" })

--- The names of an object's fields, in the order of the text.
function json.fields(object) return order[object] end

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local WORDS = { ["true"] = true, ["false"] = false, null = json.null }

local parse

local function fail(text, at, what) error(("JSON: %s at byte %d: %s"):format(what, at, text:sub(at, at + 30)), 0) end
local function skip(text, at) return text:find("%S", at) or #text + 1 end

local function parse_string(text, at)
  local parts = {}
  while true do
    local stop = text:find('["\\]', at)
    if not stop then fail(text, at, "a string without an end") end
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    local escape, hex = text:sub(stop + 1, stop + 1), text:match("^u(%x%x%x%x)", stop + 1)
    if hex then
      local code, low = tonumber(hex, 16), text:match("^\\u([dD]%x%x%x)", stop + 6)
      at = stop + 6
      if code >= 0xd800 and code < 0xdc00 and low then
        code = 0x10000 + ((code - 0xd800) << 10) + (tonumber(low, 16) - 0xdc00)
        at = at + 6
      end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = ESCAPES[escape] or fail(text, stop, "an unknown escape")
      at = stop + 2
    end
  end
end

local function parse_array(text, at)
  local array = {}
  at = skip(text, at)
  if text:sub(at, at) == "]" then return array, at + 1 end
  while true do
    array[#array + 1], at = parse(text, at)
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == "]" then return array, at + 1 end
    if mark ~= "," then fail(text, at, "neither , nor ]") end
    at = at + 1
  end
end

local function parse_object(text, at)
  local object, names = {}, {}
  order[object] = names
  at = skip(text, at)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, "a key is missing") end
    local name
    name, at = parse_string(text, at + 1)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, "no colon") end
    names[#names + 1] = name
    object[name], at = parse(text, at + 1)
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == "}" then return object, at + 1 end
    if mark ~= "," then fail(text, at, "neither , nor }") end
    at = at + 1
  end
end

function parse(text, at)
  at = skip(text, at)
  local first = text:sub(at, at)
  if first == "{" then return parse_object(text, at + 1) end
  if first == "[" then return parse_array(text, at + 1) end
  if first == '"' then return parse_string(text, at + 1) end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if number then return tonumber(number) or fail(text, at, "a wrong number"), at + #number end
  local word = text:match("^%l+", at)
  if WORDS[word] == nil then fail(text, at, "no value") end
  return WORDS[word], at + #word
end

--- The one document in a text.
function json.parse(text)
  local value, at = parse(text, 1)
  if text:find("%S", at) then fail(text, at, "more than one document") end
  return value
end

return json

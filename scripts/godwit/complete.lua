-- Tab in the REPL: what can follow the text before the cursor. Shells' Tab is commands/complete.lua.

local core = require "godwit.core"
local paths = require "godwit.paths"

local MOST = 100 -- candidates to show

local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not", "or",
  "repeat", "return", "then", "true", "until", "while" }

local FIELDS = {
  ["godwit.Draft"] = { "kind", "path", "format", "vars", "root" },
  ["godwit.Tensor"] = { "dtype", "shape", "rank", "size", "nbytes", "origin" },
}
local METHODS = { ["godwit.Draft"] = core.draft_methods, ["godwit.Tensor"] = core.tensor_methods }

--- The value of "ckpt.root.model": names and dots only, so that looking does nothing.
local function value_of(env, chain)
  local value
  for i, name in ipairs(chain) do
    local ok, found = pcall(function() if i == 1 then return env[name] end return value[name] end)
    if not ok or found == nil then return nil end
    value = found
  end
  return value
end

local function chain_of(text)
  local chain = {}
  for name in text:gmatch "[^.]+" do
    if not name:match "^[%a_][%w_]*$" then return nil end
    chain[#chain + 1] = name
  end
  return #chain > 0 and chain or nil
end

local function starting(names, prefix)
  local found = {}
  for _, name in ipairs(names) do
    if name:sub(1, #prefix) == prefix then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

local function keys_of(t)
  local names = {}
  for key in pairs(t) do
    if type(key) == "string" and not key:match "^core_" then names[#names + 1] = key end
  end
  return names
end

local function children_of(node) return (core.node_children(node)) end

--- Names after a dot or a colon.
local function members(value, colon)
  local kind = type(value) == "userdata" and getmetatable(value)
  if colon then
    if type(value) == "string" then return keys_of(string) end
    return METHODS[kind] and keys_of(METHODS[kind]) or type(value) == "table" and keys_of(value) or {}
  end
  if kind == "godwit.Node" then
    local names = {}
    for _, name in ipairs(children_of(value)) do
      if name:match "^[%a_][%w_]*$" then names[#names + 1] = name end
    end
    return names
  end
  return FIELDS[kind] or type(value) == "table" and keys_of(value) or {}
end

--- Names inside ["...: children of an object, keys of a table.
local function indices(value, prefix)
  local kind = type(value) == "userdata" and getmetatable(value)
  if kind == "godwit.Node" then return starting(children_of(value), prefix) end
  return type(value) == "table" and starting(keys_of(value), prefix) or {}
end

--- `common` beyond `prefix`, which ends where a character does; `closing` behind the only one.
local function beyond(prefix, common, closing)
  while #common > #prefix and not utf8.len(common) do common = common:sub(1, -2) end
  return common:sub(#prefix + 1) .. (closing or "")
end

--- The text to insert, candidates to show, how many more there are.
local function answer(prefix, candidates, closing)
  if #candidates == 0 then return "" end
  if #candidates == 1 then return beyond(prefix, candidates[1], closing) end
  -- They are sorted: what the first and the last have in common all have.
  local common, last = candidates[1], candidates[#candidates]
  while last:sub(1, #common) ~= common do common = common:sub(1, -2) end
  return beyond(prefix, common), table.move(candidates, 1, math.min(#candidates, MOST), 1, {}), math.max(#candidates - MOST, 0)
end

--- The same among the names of a checkpoint, scope by scope.
local function answer_vars(vars, prefix, closing)
  local common, candidates, more, is_one = core.complete(vars, prefix, MOST)
  if not common then return "" end
  return beyond(prefix, common, is_one and closing), not is_one and candidates or nil, more
end

--- The text to insert, candidates to show when there is none, and how many more there are. `commands`: the dot commands.
return function(env, text, commands)
  if text:match "^%s*%.[%w]*$" then return answer(text:match "%.[%w]*$", starting(commands, text:match "%.[%w]*$"), " ") end
  local quote, path = text:match "gw%.open%s*%(?%s*([\"'])([^\"']*)$"
  if not path then path = text:match "^%s*%.save%s+(%S*)$" end
  if path then
    local found = paths.beginning_with(path, { checkpoints = true })
    return answer(path, found, #found == 1 and found[1]:sub(-1) ~= "/" and quote or "")
  end
  local base, mark, inside = text:match "([%a_][%w_.]*)%[([\"'])([^\"']*)$"
  if base then
    local chain = chain_of(base)
    local value = chain and value_of(env, chain)
    if type(value) == "userdata" and getmetatable(value) == "godwit.Vars" then return answer_vars(value, inside, mark .. "]") end
    return answer(inside, value ~= nil and indices(value, inside) or {}, mark .. "]")
  end
  local owner, separator, member = text:match "([%a_][%w_.]*)([.:])([%w_]*)$"
  if owner then
    local chain = chain_of(owner)
    local value = chain and value_of(env, chain)
    return answer(member, value ~= nil and starting(members(value, separator == ":"), member) or {})
  end
  if text:match "[.:]%s*[%w_]*$" then return "" end
  local word = text:match "[%a_][%w_]*$" or ""
  local names, seen = {}, {}
  for _, list in ipairs { keys_of(env), keys_of(_G), KEYWORDS } do
    for _, name in ipairs(list) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  return answer(word, starting(names, word))
end

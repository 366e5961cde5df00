-- Recipes broken on purpose: every way in which one line of a recipe's code can plausibly be wrong. What a recipe says of
-- itself (summary, help, examples, tests) is left alone, and so are the texts of its errors.

local mutants = {}

-- ---- Tokens

local SPACE, COMMENT = "^[ \t\r\n]+()", "^%-%-[^\n]*()"

--- The end of a string that begins at `at`, or nil.
local function string_end(source, at)
  local level = source:match("^%[(=*)%[", at)
  if level then return (select(2, source:find("]" .. level .. "]", at, true))) end
  local quote = source:match("^[\"']", at)
  if not quote then return nil end
  at = at + 1
  while source:sub(at, at) ~= quote do at = at + (source:sub(at, at) == "\\" and 2 or 1) end
  return at
end

local PATTERNS = {
  { "number", "^%d[%w.]*()" }, { "name", "^[%a_][%w_]*()" }, { "sign", "^%.%.%.?()" }, { "sign", "^[=~<>]=()" }, { "sign", "^//()" }, { "sign", "^.()" },
}

--- A sequence of {kind =, text =, first =, last =, line =}; comments are left out.
local function tokens_of(source)
  local tokens, at, line = {}, 1, 1
  while at <= #source do
    local after = source:match(SPACE, at) or source:match(COMMENT, at)
    if not after then
      local last, kind = string_end(source, at), "string"
      for _, pattern in ipairs(PATTERNS) do
        if last then break end
        local stop = source:match(pattern[2], at)
        if stop then kind, last = pattern[1], stop - 1 end
      end
      tokens[#tokens + 1] = { kind = kind, text = source:sub(at, last), first = at, last = last, line = line }
      after = last + 1
    end
    line = line + select(2, source:sub(at, after - 1):gsub("\n", ""))
    at = after
  end
  return tokens
end

-- ---- What is code

local OPENS = { ["{"] = true, ["("] = true, ["["] = true, ["function"] = true, ["do"] = true, ["then"] = true, ["repeat"] = true }
local CLOSES = { ["}"] = true, [")"] = true, ["]"] = true, ["end"] = true, ["until"] = true, ["elseif"] = true, ["else"] = true }

--- The index of the token that closes the bracket at `i`.
local function closing(tokens, i)
  local depth = 0
  for j = i, #tokens do
    local text = tokens[j].text
    if OPENS[text] and tokens[j].kind ~= "string" then depth = depth + 1 end
    if CLOSES[text] and tokens[j].kind ~= "string" then depth = depth - 1 end
    if text == "else" and tokens[j].kind ~= "string" then depth = depth + 1 end
    if depth == 0 then return j end
  end
  error "a bracket without its end"
end

--- Marks each token: `code` (may be changed), `owner` (the function that it is in, 0 outside), `default` (a parameter's).
local function mark(tokens)
  for _, token in ipairs(tokens) do token.code, token.owner = true, 0 end
  local function unmark(from, to)
    for i = from, to do tokens[i].code = false end
  end
  local opens, start = {}, nil
  for i, token in ipairs(tokens) do
    if token.text == "error" and tokens[i + 1].text == "(" then unmark(i, closing(tokens, i + 1)) end
    if token.text == "error" and tokens[i + 1].kind == "string" then unmark(i, i + 1) end
    if token.text == "function" then
      opens[#opens + 1] = i
      for j = i, closing(tokens, i) do tokens[j].owner = #opens end
    end
    if token.text == "return" and token.owner == 0 then start = i end
  end
  -- The fields of the table that the file returns.
  local i = start + 2
  while tokens[i].text ~= "}" do
    local last = i + 2
    while tokens[last].text ~= "," do last = OPENS[tokens[last].text] and closing(tokens, last) + 1 or last + 1 end
    local field = tokens[i].text
    if field ~= "run" and field ~= "detect" then unmark(i, last) end
    if field == "params" then
      for j = i, last do
        if tokens[j].text == "default" and (tokens[j + 2].kind == "number" or tokens[j + 2].kind == "name") then tokens[j + 2].code = true end
      end
    end
    i = last + 1
  end
end

-- ---- Mutations

local FLIPPED = {
  ["true"] = "false", ["false"] = "true", ["=="] = "~=", ["~="] = "==", ["<"] = ">=", [">="] = "<", [">"] = "<=", ["<="] = ">", ["and"] = "or",
  ["or"] = "and", ["not"] = "",
}

local function literal(value)
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local items = {}
  for i, item in ipairs(value) do items[i] = ("%q"):format(item) end
  return "{ " .. table.concat(items, ", ") .. " }"
end

--- Adds {first =, last =, text =}... for what may be wrong at token i: the bytes that change, and what they become.
local function at_token(tokens, i, params, add)
  local token = tokens[i]
  local flipped = token.kind ~= "string" and FLIPPED[token.text]
  if flipped then add { { token.first, token.last, flipped } } end
  local number = token.kind == "number" and math.tointeger(tonumber(token.text))
  if number then
    add { { token.first, token.last, tostring(number + 1) } }
    add { { token.first, token.last, tostring(number - 1) } }
  end
  local param = token.text == "p" and tokens[i + 1].text == "." and params[tokens[i + 2].text]
  if param and not param.required then add { { token.first, tokens[i + 2].last, "(" .. literal(param.default) .. ")" } } end
end

--- Neighbours of one function that could be taken for each other: two texts, or two parameters.
local function swaps(tokens, wanted, add)
  local before
  for i, token in ipairs(tokens) do
    local first, last = wanted(tokens, i)
    if first and token.code then
      if before and before.owner == token.owner and before.text ~= tokens[last].text then
        add { { before.first, before.last, before.text }, { tokens[last].first, tokens[last].last, tokens[last].text }, swap = true }
      end
      before = { first = tokens[last].first, last = tokens[last].last, text = tokens[last].text, owner = token.owner }
    end
  end
end

local function is_text(tokens, i) return tokens[i].kind == "string" and i, i end
local function is_param(tokens, i) return tokens[i].text == "p" and tokens[i + 1] and tokens[i + 1].text == "." and i, i + 2 end

local function applied(source, changes)
  if changes.swap then
    local a, b = changes[1], changes[2]
    a[3], b[3] = b[3], a[3]
  end
  for i = #changes, 1, -1 do
    local change = changes[i]
    source = source:sub(1, change[1] - 1) .. change[3] .. source:sub(change[2] + 1)
  end
  return source
end

local function lines_of(source)
  local lines = {}
  for line in source:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

local function trimmed(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end

--- The whole lines of functions: each may be missing, but for declarations, which luacheck misses.
local function deletions(source, tokens, add)
  local seen, position = {}, {}
  for first, after in source:gmatch "()[^\n]*\n()" do position[#position + 1] = { first, after - 1 } end
  for i, token in ipairs(tokens) do
    local deep = token.owner > 0 and token.text ~= "function" and token.text ~= "local" and (token.code or token.text == "error")
    if deep and not seen[token.line] and (i == 1 or tokens[i - 1].line < token.line) then
      seen[token.line] = true
      add { { position[token.line][1], position[token.line][2], "" } }
    end
  end
end

--- All mutants of a recipe's source that compile: a sequence of {line =, was =, becomes =, source =}. `params`: what the recipe
--- declares.
function mutants.of(source, params)
  local tokens, found, seen = tokens_of(source), {}, { [source] = true }
  mark(tokens)
  local lines = lines_of(source)
  local function add(changes)
    local at = changes[1][1]
    local line = select(2, source:sub(1, at - 1):gsub("\n", "")) + 1
    local made = applied(source, changes)
    if seen[made] or not load(made, "=mutant", "t") then return end
    seen[made] = true
    local becomes, after = {}, lines_of(made)
    for i = 1, math.max(#lines, #after) do
      if #after == #lines and after[i] ~= lines[i] then becomes[#becomes + 1] = trimmed(after[i]) end
    end
    found[#found + 1] = { line = line, was = trimmed(lines[line]), becomes = table.concat(becomes, " | "), source = made }
  end
  deletions(source, tokens, add)
  for i, token in ipairs(tokens) do
    if token.code then at_token(tokens, i, params, add) end
  end
  swaps(tokens, is_text, add)
  swaps(tokens, is_param, add)
  return found
end

return mutants

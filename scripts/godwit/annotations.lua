-- Reads annotations (LuaCATS, the part of it that meta.lua uses), strictly: an unknown tag or type, a parameter that is not
-- the function's, a function, class or alias without text is an error with its line. The terminal's help (reference.lua),
-- the manual (scripts/manual) and spec/meta_spec.lua all go by what this gives.
--
--   -- ---- Section: more about it ----
--
--   --- Text. A blank line begins a paragraph, "- " an item of a list; the paragraph of errors begins with "Raises".
--   ---@param name? TYPE text
--   ---@return TYPE name text
--   function owner.name(name) end

local annotations = {}

local BASIC = {}
for name in ("any boolean false function integer nil number string table true"):gmatch "%S+" do BASIC[name] = true end

-- ---- Types

--- Where the type that begins at `at` ends. `use(name)` hears of every name in it, `fail(what)` raises.
local function type_end(text, at, use, fail)
  local union

  --- One or more of what `item` reads, with commas between.
  local function list(from, item)
    from = item(from)
    while text:match("^%s*,", from) do from = item(text:match("^%s*,%s*()", from)) end
    return from
  end

  local function field(from)
    local key = text:match("^%[()", from)
    if key then return union(text:match("^%]:%s*()", union(key)) or fail "']:' is missing") end
    return union(text:match("^[%a_][%w_]*%??:%s*()", from) or from)
  end

  local function parameter(from)
    local typed, bare = text:match("^[%a_.][%w_.]*%??:%s*()", from), text:match("^[%a_.][%w_.]*()", from)
    return typed and union(typed) or bare or fail "a parameter's name is missing"
  end

  local function primary(from)
    local after = text:match('^"[^"]*"()', from) or text:match("^%d+()", from)
    if after then return after end
    local open = text:match("^[%({%[]", from)
    local inside = open and text:match("^.%s*()", from)
    if open == "(" then return text:match("^%s*%)()", union(inside)) or fail "')' is missing" end
    if open == "{" then return text:match("^%s*}()", list(inside, field)) or fail "'}' is missing" end
    if open == "[" then return text:match("^%s*%]()", list(inside, union)) or fail "']' is missing" end
    local arguments = text:match("^fun%(()", from)
    if arguments then
      if not text:match("^%)", arguments) then arguments = list(arguments, parameter) end
      local closed = text:match("^%)()", arguments) or fail "')' is missing"
      local results = text:match("^:%s*()", closed)
      return results and list(results, union) or closed
    end
    local name, rest = text:match("^([%a_][%w_.]*)()", from)
    if not name then return fail(("no type begins with '%s'"):format(text:sub(from, from + 9))) end
    name = name:gsub("%.$", "")
    use(name)
    local generic = text:match("^<()", rest)
    return generic and (text:match("^>()", list(generic, union)) or fail "'>' is missing") or rest
  end

  local function postfix(from)
    from = primary(from)
    while true do
      local after = text:match("^%[%]()", from) or text:match("^%?()", from)
      if not after then return from end
      from = after
    end
  end

  function union(from)
    from = postfix(from)
    while true do
      local after = text:match("^%s*|%s*()", from)
      if not after then return from end
      from = postfix(after)
    end
  end

  return union(at)
end

-- ---- Text

--- Lines as paragraphs and lists: { "text", { "item", "item" }, ... }, and the paragraphs of errors by themselves.
local function paragraphs(lines, fail)
  local blocks, raises, open = {}, {}, nil
  for _, line in ipairs(lines) do
    local item = line:match "^%- (.*)$"
    if line == "" then
      open = nil
    elseif item then
      if type(blocks[#blocks]) ~= "table" or not open then blocks[#blocks + 1] = {} end
      open = blocks[#blocks]
      open[#open + 1] = item
    elseif open then
      open[#open] = open[#open] .. " " .. line:gsub("^%s+", "")
    else
      open = line:match "^Raises" and raises or blocks
      open[#open + 1] = line
    end
  end
  for _, block in ipairs(blocks) do
    if type(block) == "string" and block:find "[.:] Raises " then fail "what begins with 'Raises' is a paragraph of its own" end
  end
  return blocks, raises
end

-- ---- Tags

--- A block: the comment lines before a line of code, or before an empty line.
local function new_block() return { text = {}, params = {}, results = {}, operators = {}, types = {}, generics = {} } end

--- "TYPE rest" -> TYPE, rest
local function split_type(reader, text)
  local stop = type_end(text, 1, function(name) reader.uses[#reader.uses + 1] = { name = name, line = reader.line, block = reader.block } end, reader.fail)
  local rest = text:sub(stop)
  if not rest:match "^%s" and rest ~= "" then reader.fail(("'%s' is no type"):format(text)) end
  return text:sub(1, stop - 1), rest:match "^%s*(.-)%s*$"
end

--- Text that is not yet anybody's: what stands before a field is the field's.
local function taken_text(reader)
  local lines = reader.block.text
  reader.block.text = {}
  return lines
end

--- "name TYPE text", "name? TYPE text", "[TYPE] TYPE text"
local function named(reader, rest)
  local name, optional, typed = rest:match "^([%a_][%w_]*)(%??)%s+(.*)$"
  if not name and rest:match "^%.%.%.%s" then name, optional, typed = "...", "", rest:match "^%.%.%.%s+(.*)$" end
  if not name then name, typed = rest:match "^(%b[])%s+(.*)$" end
  if not name then reader.fail(("'%s' is no name with a type"):format(rest)) end
  if name:sub(1, 1) == "[" then split_type(reader, name:sub(2, -2)) end
  local type_text, text = split_type(reader, typed)
  return { name = name, optional = optional == "?", type = type_text, text = text }
end

local function add_type(reader, item)
  local lines = taken_text(reader)
  if item.text ~= "" then table.insert(lines, item.text) end
  if #lines == 0 then reader.fail(("%s has no text"):format(item.name)) end
  item.text, item.raises = paragraphs(lines, reader.fail)
  if reader.types[item.name] then reader.fail(("%s is there twice"):format(item.name)) end
  item.line, reader.types[item.name] = reader.line, item
  table.insert(reader.section.items, item)
  reader.block.type = item
end

local function the_class(reader, tag)
  local item = reader.block.type
  if not item or item.kind ~= "class" then reader.fail(("@%s belongs to no class"):format(tag)) end
  return item
end

local tags = {}

function tags.meta() end

function tags.class(reader, rest)
  local name, parent, text = rest:match "^([%w_.]+):%s*([%w_.]+)%s*(.*)$"
  if not name then name, text = rest:match "^([%w_.]+)%s*(.*)$" end
  if parent then table.insert(reader.uses, { name = parent, line = reader.line, block = reader.block }) end
  add_type(reader, { kind = "class", name = name, parent = parent, text = text, fields = {}, operators = {}, methods = {} })
end

function tags.field(reader, rest)
  local field = named(reader, rest)
  local lines = taken_text(reader)
  if field.text ~= "" then lines[#lines + 1] = field.text end
  field.text = table.concat(lines, " ")
  table.insert(the_class(reader, "field").fields, field)
end

function tags.operator(reader, rest)
  local name, argument, result = rest:match "^(%l+)(%b()):%s*(.+)$"
  if not name then name, result = rest:match "^(%l+):%s*(.+)$" end
  if not name then reader.fail(("'%s' is no operator with a type"):format(rest)) end
  if argument then argument = split_type(reader, argument:sub(2, -2)) end
  table.insert(the_class(reader, "operator").operators, { name = name, argument = argument, type = (split_type(reader, result)) })
end

function tags.alias(reader, rest)
  local name, typed = rest:match "^([%w_.]+)%s*(.*)$"
  local type_text, text = "", ""
  if typed ~= "" then type_text, text = split_type(reader, typed) end
  add_type(reader, { kind = "alias", name = name, type = type_text, text = text })
end

function tags.generic(reader, rest)
  if not rest:match "^%u%w*$" then reader.fail(("'%s' is no name of a type"):format(rest)) end
  reader.block.generics[rest] = true
end

function tags.param(reader, rest) table.insert(reader.block.params, named(reader, rest)) end

tags["return"] = function(reader, rest)
  local type_text, after = split_type(reader, rest)
  local name, text = after:match "^([%l_][%w_]*)%f[%s\0]%s*(.*)$"
  if not name then name, text = after:match "^(%.%.%.)%s*(.*)$" end
  if after ~= "" and not name then reader.fail(("a result's text comes behind its name, and '%s' is none"):format(after)) end
  table.insert(reader.block.results, { type = type_text, name = name, text = text or "" })
end

-- ---- Lines

local function comment(reader, text)
  local tag, rest = text:match "^@(%a+)%s*(.-)%s*$"
  local variant = text:match "^|%s*(.*)$"
  if tag then
    if not tags[tag] then reader.fail(("@%s is no tag that is known here"):format(tag)) end
    tags[tag](reader, rest)
  elseif variant then
    local item = reader.block.type
    if not item or item.kind ~= "alias" then reader.fail "belongs to no alias" end
    item.type = (item.type == "" and "" or item.type .. " | ") .. split_type(reader, variant)
  else
    table.insert(reader.block.text, (text:gsub("^%s", "")))
  end
end

--- What a parameter list and its annotations do not agree in.
local function check_params(reader, name, arguments)
  local expected = {}
  for argument in arguments:gmatch "[^,%s]+" do expected[#expected + 1] = argument end
  for i = 1, math.max(#expected, #reader.block.params) do
    local param = reader.block.params[i]
    if not param or param.name ~= expected[i] then
      reader.fail(("%s: parameter %d is '%s', its annotation '%s'"):format(name, i, expected[i] or "missing", param and param.name or "missing"))
    end
  end
end

local function add_function(reader, owner, mark, name, arguments)
  local block, class = reader.block, reader.variables[owner]
  if not class then reader.fail(("%s is the variable of no class"):format(owner)) end
  if block.type then reader.fail(("an empty line is missing between %s and its neighbour"):format(name)) end
  check_params(reader, name, arguments)
  local item = { kind = "function", owner = owner, method = mark == ":", short = name, class = class, params = block.params, results = block.results,
    line = reader.line }
  item.text, item.raises = paragraphs(block.text, reader.fail)
  if #item.text + #item.raises == 0 then reader.fail(("%s has no text"):format(name)) end
  for _, other in ipairs(class.methods) do
    if other.short == name then reader.fail(("%s is there twice"):format(name)) end
  end
  table.insert(class.methods, item)
  table.insert(reader.section.items, item)
end

local function begin_section(reader, title)
  local name, text = title:match "^(.-):%s+(.+)$"
  reader.section = { title = name or title, text = text, items = {} }
  table.insert(reader.sections, reader.section)
end

local function code(reader, line)
  local owner, mark, name, arguments = line:match "^function ([%w_]+)([.:])([%w_]+)%((.-)%) end$"
  local variable = line:match "^local ([%w_]+) = {}$"
  local field, value = line:match "^([%w_]+%.[%w_]+) = ([%w_]+)$"
  local title = line:match "^%-%- %-%-%-%- (.-)%s*%-*$"
  if owner then
    add_function(reader, owner, mark, name, arguments)
  elseif variable then
    reader.variables[variable] = the_class(reader, "class")
    reader.variables[variable].variable = variable
  elseif field and reader.variables[value] then
    reader.variables[value].variable = field
  elseif title then
    begin_section(reader, title)
  elseif line ~= "" and not line:match "^%-%- " and not line:match "^error%(" and not line:match "^return " then
    reader.fail(("neither an annotation nor what is annotated: %s"):format(line))
  elseif #reader.block.text > 0 or #reader.block.params > 0 then
    reader.fail "annotations of nothing"
  end
  reader.block = new_block()
end

--- The signature as people write it, optional arguments in brackets: "gw.concat(tensors [, axis])".
local function signature(item)
  local parts, closing = {}, ""
  for i, param in ipairs(item.params) do
    local before = i > 1 and ", " or ""
    if param.optional then before, closing = i > 1 and " [, " or "[", closing .. "]" end
    parts[i] = before .. param.name
  end
  return item.name .. "(" .. table.concat(parts) .. closing .. ")"
end

--- The annotations of a text; `name` is what errors call it. Gives { sections = { { title, text?, items } }, types = by name }.
---
--- An item is
---
--- - { kind = "class", name, parent?, text, fields, operators, methods, variable? },
--- - { kind = "alias", name, type, text } or
--- - { kind = "function", name ("gw.open", "Draft:has"), signature, owner, short, method, class, params, results, text, raises };
---
--- fields and params are { name, optional, type, text }, results { type, name?, text }. `text` of an item is a sequence of
--- paragraphs, in which a table is a list's items; `raises` are those about errors.
function annotations.parse(source, name)
  local reader = { uses = {}, types = {}, variables = {}, sections = {}, block = new_block(), line = 0 }
  function reader.fail(what) error(("%s:%d: %s"):format(name, reader.line, what), 0) end
  begin_section(reader, "")
  for line in source:gmatch "([^\n]*)\n?" do
    reader.line = reader.line + 1
    local text = line:match "^%-%-%-(.*)$"
    if text then comment(reader, text) else code(reader, line) end
  end
  for _, use in ipairs(reader.uses) do
    reader.line = use.line
    if not BASIC[use.name] and not reader.types[use.name] and not use.block.generics[use.name] then reader.fail(("there is no type %s"):format(use.name)) end
  end
  for _, class in pairs(reader.types) do
    for _, item in ipairs(class.methods or {}) do
      item.name = class.variable .. (item.method and ":" or ".") .. item.short
      item.signature = signature(item)
    end
  end
  if #reader.sections[1].items == 0 then table.remove(reader.sections, 1) end
  return { sections = reader.sections, types = reader.types }
end

return annotations

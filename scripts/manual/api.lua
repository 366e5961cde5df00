-- The reference of the Lua API, from the annotations of meta.lua: a manual page and Markdown.

local mdoc = require "manual.mdoc"

local api = {}

--- Calls `visit.section(section)`, then `visit.item(item)` for each of its items.
local function each(reference, visit)
  for _, section in ipairs(reference.sections) do
    visit.section(section)
    for _, item in ipairs(section.items) do visit.item(item) end
  end
end

local function optional(entry) return entry.name .. (entry.optional and "?" or "") end

local function operator_text(operator)
  return ("operator %s%s: %s"):format(operator.name, operator.argument and "(" .. operator.argument .. ")" or "", operator.type)
end

-- ---- The page

local function type_text(text) return (text:gsub('"', "\\(dq"):gsub("%S+", "\\%%%0")) end

local function add_paragraphs(out, blocks)
  for i, block in ipairs(blocks) do
    if type(block) == "string" then
      if i > 1 and type(blocks[i - 1]) == "string" then out[#out + 1] = ".Pp" end
      out[#out + 1] = mdoc.prose(block)
    else
      out[#out + 1] = ".Bl -dash -compact"
      for _, item in ipairs(block) do out[#out + 1] = ".It\n" .. mdoc.prose(item) end
      out[#out + 1] = ".El"
      if blocks[i + 1] then out[#out + 1] = ".Pp" end
    end
  end
end

--- Pairs of a head and a text.
local function add_tagged(out, pairs_of)
  if #pairs_of == 0 then return end
  out[#out + 1] = ".Pp\n.Bl -tag -width Ds -compact"
  for _, pair in ipairs(pairs_of) do
    out[#out + 1] = ".It " .. pair[1]
    if pair[2] ~= "" then out[#out + 1] = mdoc.prose(pair[2]) end
  end
  out[#out + 1] = ".El"
end

--- "gw.concat(tensors [, axis])" with what people fill in slanted.
local function page_signature(item)
  local parameters = item.signature:match "(%(.*%))$"
  return mdoc.code(item.name) .. parameters:gsub("[%a_][%w_]*", mdoc.variable)
end

local function page_item(out, item)
  out[#out + 1] = ".It " .. (item.signature and page_signature(item) or mdoc.code(item.name) .. (item.parent and ": " .. item.parent or ""))
  add_paragraphs(out, item.text)
  if item.type then out[#out + 1] = ".Pp\n" .. mdoc.line("= " .. type_text(item.type)) end
  local tagged = {}
  for _, list in ipairs { item.params or {}, item.fields or {} } do
    for _, entry in ipairs(list) do tagged[#tagged + 1] = { mdoc.variable(optional(entry)) .. ": " .. type_text(entry.type), entry.text } end
  end
  for _, operator in ipairs(item.operators or {}) do tagged[#tagged + 1] = { type_text(operator_text(operator)), "" } end
  for _, result in ipairs(item.results or {}) do
    tagged[#tagged + 1] = { "\\(-> " .. (result.name and mdoc.variable(result.name) .. ": " or "") .. type_text(result.type), result.text }
  end
  add_tagged(out, tagged)
  for i, raises in ipairs(item.raises) do
    if i > 1 or #item.text > 0 then out[#out + 1] = ".Pp" end
    out[#out + 1] = mdoc.prose(raises)
  end
end

--- The page: `text` is what is written by hand, with the line `.\" REFERENCE` where this goes.
function api.page(reference, text)
  local out, open = {}, false
  each(reference, {
    section = function(section)
      if open then out[#out + 1] = ".El" end
      open = true
      out[#out + 1] = ".Sh " .. section.title:upper()
      if section.text then out[#out + 1] = mdoc.prose((section.text:gsub("^%l", string.upper):gsub("[^.]$", "%0."))) end
      out[#out + 1] = ".Bl -tag -width Ds"
    end,
    item = function(item) page_item(out, item) end,
  })
  out[#out + 1] = ".El\n"
  local page, found = text:gsub('%.\\" REFERENCE\n', function() return table.concat(out, "\n") end)
  if found ~= 1 then error("scripts/manual/api.mdoc: the line .\\\" REFERENCE says where the reference goes", 0) end
  return page
end

-- ---- Markdown

local function markdown_blocks(out, blocks)
  for _, block in ipairs(blocks) do
    if type(block) == "string" then out[#out + 1] = block .. "\n" end
    for _, item in ipairs(type(block) == "table" and block or {}) do out[#out + 1] = "- " .. item end
    if type(block) == "table" then out[#out + 1] = "" end
  end
end

local function behind(text) return text ~= "" and ": " .. text or "" end

local function markdown_item(out, item)
  out[#out + 1] = ("### `%s`\n"):format(item.signature or item.name .. (item.parent and ": " .. item.parent or ""))
  markdown_blocks(out, item.text)
  if item.type then out[#out + 1] = ("`%s`\n"):format(item.type) end
  local count = #out
  for _, list in ipairs { item.params or {}, item.fields or {} } do
    for _, entry in ipairs(list) do out[#out + 1] = ("- `%s`: `%s`%s"):format(optional(entry), entry.type, behind(entry.text)) end
  end
  for _, operator in ipairs(item.operators or {}) do out[#out + 1] = ("- `%s`"):format(operator_text(operator)) end
  for _, result in ipairs(item.results or {}) do
    out[#out + 1] = ("- gives %s`%s`%s"):format(result.name and "`" .. result.name .. "`: " or "", result.type, behind(result.text))
  end
  if #out > count then out[#out + 1] = "" end
  markdown_blocks(out, item.raises)
end

function api.markdown(reference)
  local out = { "# The Lua API of godwit, name by name\n", "[scripts/README.md](../../scripts/README.md) explains it in prose, with examples.\n" }
  each(reference, {
    section = function(section)
      out[#out + 1] = ("## %s\n"):format(section.title)
      if section.text then out[#out + 1] = section.text .. "\n" end
    end,
    item = function(item) markdown_item(out, item) end,
  })
  return (table.concat(out, "\n"):gsub("\n+$", "") .. "\n")
end

return api

-- The annotations of meta.lua as a terminal shows them: `godwit help api`, the REPL's .help.

local annotations = require "godwit.annotations"
local core = require "godwit.core"

local reference = {}

local WIDTH = 78

local function parsed() return annotations.parse(core.script_source "godwit.meta", "godwit.meta") end

--- Breaks a text into lines, the first behind `first`, the others behind `indent`.
local function wrapped(text, first, indent)
  local lines, line = {}, first
  local empty = true
  for word in text:gmatch "%S+" do
    if not empty and utf8.len(line) + 1 + (utf8.len(word) or #word) > WIDTH then
      lines[#lines + 1] = line
      line, empty = indent, true
    end
    line = line .. (empty and "" or " ") .. word
    empty = false
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function add_text(out, blocks)
  for i, block in ipairs(blocks) do
    if i > 1 then out[#out + 1] = "" end
    if type(block) == "string" then out[#out + 1] = wrapped(block, "  ", "  ") end
    for _, item in ipairs(type(block) == "table" and block or {}) do out[#out + 1] = wrapped(item, "  - ", "    ") end
  end
end

local function add_named(out, list)
  for _, entry in ipairs(list) do
    out[#out + 1] = wrapped(("%s%s: %s"):format(entry.name, entry.optional and "?" or "", entry.type), "  ", "      ")
    if entry.text ~= "" then out[#out + 1] = wrapped(entry.text, "      ", "      ") end
  end
end

local function explained(item)
  local out = { item.signature or item.name .. (item.parent and ": " .. item.parent or "") }
  add_text(out, item.text)
  if item.type then
    out[#out + 1] = ""
    out[#out + 1] = wrapped(item.type, "  = ", "    ")
  end
  for _, list in ipairs { item.params or {}, item.fields or {} } do
    if #list > 0 then out[#out + 1] = "" end
    add_named(out, list)
  end
  for i, operator in ipairs(item.operators or {}) do
    if i == 1 then out[#out + 1] = "" end
    out[#out + 1] = ("  operator %s%s: %s"):format(operator.name, operator.argument and "(" .. operator.argument .. ")" or "", operator.type)
  end
  for i, method in ipairs(item.methods or {}) do
    if i == 1 then out[#out + 1] = "" end
    out[#out + 1] = "  " .. method.signature
  end
  for i, result in ipairs(item.results or {}) do
    if i == 1 then out[#out + 1] = "" end
    out[#out + 1] = wrapped(("gives %s%s%s"):format(result.type, result.name and " " .. result.name or "", result.text ~= "" and ": " .. result.text or ""),
      "  ", "      ")
  end
  for _, raises in ipairs(item.raises) do
    out[#out + 1] = ""
    out[#out + 1] = wrapped(raises, "  ", "  ")
  end
  return table.concat(out, "\n") .. "\n"
end

--- Is a function meant by these words? "ckpt" and "t" may stand for any draft and tensor.
local function is_meant(item, owner, name)
  if item.short ~= name then return false end
  if owner == "" or owner == item.owner or owner == item.class.variable or owner == item.class.name then return true end
  return item.method and owner ~= "gw" and owner ~= "graph" and owner ~= "gw.graph"
end

--- What a name is: a function ("gw.open", "ckpt:rename", "drop"), a class or an alias ("godwit.Which", "Which").
---
--- Raises class usage when there is nothing of this name.
function reference.explain(name)
  local owner, short = name:match "^(.-)[.:]?([%w_]+)%(?%)?$"
  local doc, found, names = parsed(), {}, {}
  for _, section in ipairs(doc.sections) do
    for _, item in ipairs(section.items) do
      local meant
      if item.kind == "function" then meant = is_meant(item, owner, short)
      else meant = item.name == name or item.name == "godwit." .. name end
      if meant then found[#found + 1] = explained(item) end
      names[#names + 1] = item.name
    end
  end
  if #found == 0 then
    local guess = require "godwit.nearest"(name, names)
    core.fail { class = "usage", what = ("there is no help on '%s'"):format(name),
      hint = guess and ("did you mean %s?"):format(guess) or "for example ckpt:rename, gw.mean, godwit.Which" }
  end
  return table.concat(found, "\n")
end

--- Everything that there is, a line each.
function reference.overview()
  local out = {}
  for _, section in ipairs(parsed().sections) do
    out[#out + 1] = ("%s%s%s"):format(#out > 0 and "\n" or "", section.title, section.text and ": " .. section.text or "")
    for _, item in ipairs(section.items) do out[#out + 1] = "  " .. (item.signature or item.name) end
  end
  return table.concat(out, "\n") .. "\n"
end

return reference

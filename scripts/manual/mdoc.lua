-- Text as mdoc(7) takes it: what means something to it is escaped, code is bold, what people fill in is slanted.

local mdoc = {}

-- Quotes and dashes would become typographic ones, which nobody can paste into a shell.
local MEANT = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha", ["~"] = "\\(ti", ['"'] = "\\(dq" }

local function verbatim(text) return (text:gsub("[\\%-'`^~\"]", MEANT)) end

--- Something that is typed as it stands; its words are not hyphenated.
function mdoc.code(text) return "\\fB" .. verbatim(text):gsub("%S+", "\\%%%0") .. "\\fP" end

--- Something that stands for what is typed.
function mdoc.variable(text) return "\\fI" .. text .. "\\fP" end

--- A line of text that is no request, whatever it begins with.
function mdoc.line(text) return (text:gsub("^[.']", "\\&%0")) end

--- One word: an option, one of the names that stand for something, or plain.
local function word(text, variables)
  local before, core, after = text:match "^([(\"]*)(.-)([).,;:\"]*)$"
  if core:match "^%-%-?%a[%w-]*$" then core = mdoc.code(core)
  elseif variables[core] then core = mdoc.variable(core)
  else core = core:gsub("\\", "\\e") end
  return before .. core .. after
end

--- A paragraph in which `code` stands between backticks. `variables`: the names that stand for something, a set.
function mdoc.prose(text, variables)
  local out, at = {}, 1
  while at <= #text do
    local first, last, code = text:find("`([^`]+)`", at)
    out[#out + 1] = text:sub(at, (first or #text + 1) - 1):gsub("%S+", function(found) return word(found, variables or {}) end)
    if code then out[#out + 1] = mdoc.code(code) end
    at = (last or #text) + 1
  end
  -- A sentence begins a line, so that what formats it knows where the wider space goes.
  local lines = table.concat(out):gsub("([.?!][)\"]?) +([%u\\])", "%1\n%2")
  return (lines:gsub("[^\n]+", mdoc.line))
end

--- A page written by hand: what is in its literal displays is there as it is typed, and escaped here.
function mdoc.displays(page)
  return (page:gsub("(\n%.Bd %-literal[^\n]*\n)(.-)(\n%.Ed)", function(first, lines, last)
    return first .. lines:gsub("[^\n]+", function(line) return mdoc.line(verbatim(line)) end) .. last
  end))
end

return mdoc

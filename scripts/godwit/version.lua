-- Versions and ranges of versions, as manifests and recipes write them: "1.2", ">= 1.2, < 2". pip's notation (PEP 440),
-- without its words for drafts (1.0rc1, .dev, .post) and without wildcards.

local version = {}

local LONGEST_NUMBER = 9 -- digits, so that every part is exact

--- The numbers of "1.2.3"; nil when the text is no version.
local function numbers_of(text)
  if not ("." .. text):match "^%.%d" or text:find "[^%d.]" or text:find("..", 1, true) or text:sub(-1) == "." then return nil end
  local numbers = {}
  for digits in text:gmatch "%d+" do
    if #digits > LONGEST_NUMBER then return nil end
    numbers[#numbers + 1] = math.tointeger(tonumber(digits))
  end
  return numbers
end

--- Whether a text is a version: whole numbers with dots between them.
function version.is_valid(text) return numbers_of(text) ~= nil end

--- Below 0, 0 or above 0, as `a` is before, at or behind `b`; a part that is not there is 0: 1.2 is 1.2.0.
local function compare(a, b)
  for i = 1, math.max(#a, #b) do
    local difference = (a[i] or 0) - (b[i] or 0)
    if difference ~= 0 then return difference end
  end
  return 0
end

--- Below 0, 0 or above 0 for two valid versions.
function version.compare(a, b) return compare(numbers_of(a), numbers_of(b)) end

local ADMITS = {
  ["=="] = function(found, wanted) return compare(found, wanted) == 0 end,
  ["!="] = function(found, wanted) return compare(found, wanted) ~= 0 end,
  [">="] = function(found, wanted) return compare(found, wanted) >= 0 end,
  ["<="] = function(found, wanted) return compare(found, wanted) <= 0 end,
  [">"] = function(found, wanted) return compare(found, wanted) > 0 end,
  ["<"] = function(found, wanted) return compare(found, wanted) < 0 end,
}

--- ~= 1.4.2 is >= 1.4.2 within 1.4.
ADMITS["~="] = function(found, wanted)
  for i = 1, #wanted - 1 do
    if (found[i] or 0) ~= wanted[i] then return false end
  end
  return compare(found, wanted) >= 0
end

local FORM = "a range is written like \">= 1.2\" or \">= 1.2, < 2\", with ==, !=, >=, <=, >, < or ~="

--- One part of a range, `{admits =, numbers =}`, or nil and what is wrong with it.
local function clause_of(text)
  local sign, number = text:match "^([^%w%s.]*)%s*(.-)$"
  if text == "" then return nil, "has nothing between its commas" end
  if sign == "" and numbers_of(number) then return nil, ("does not compare: \">= %s\" or \"== %s\"?"):format(number, number) end
  if not ADMITS[sign] then return nil, ("compares with '%s'"):format(sign ~= "" and sign or text) end
  local numbers = numbers_of(number)
  if not numbers then return nil, ("compares with '%s', which is no version"):format(number) end
  if sign == "~=" and #numbers == 1 then return nil, ("needs two numbers behind ~=: \"~= %s.0\""):format(number) end
  return { admits = ADMITS[sign], numbers = numbers }
end

--- A range as a sequence of clauses, all of which must hold; or nil, what is wrong, and how a range is written.
function version.range(text)
  local clauses = {}
  for part in (text .. ","):gmatch "%s*([^,]-)%s*," do
    local clause, problem = clause_of(part)
    if not clause then return nil, ("'%s' %s"):format(text, problem), FORM end
    clauses[#clauses + 1] = clause
  end
  return clauses
end

--- Whether a valid version is in a valid range.
function version.is_in(text, range)
  local numbers = numbers_of(text)
  for _, clause in ipairs(version.range(range)) do
    if not clause.admits(numbers, clause.numbers) then return false end
  end
  return true
end

return version

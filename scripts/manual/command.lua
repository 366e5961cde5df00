-- The manual page of a command: name, synopsis, arguments and options are the command's parser's, all else is written by
-- hand in scripts/manual/COMMAND.mdoc, which begins with its date and its description.
--
-- argparse has no way to be asked what it was told; what it keeps in fields with an underscore is the same since version 0.2,
-- and spec/manual_spec.lua compares the pages with the help that it prints.

local mdoc = require "manual.mdoc"

local command = {}

--- "--json" as mdoc's Fl takes it.
local function flag(alias) return (alias:gsub("^%-", "")) end

--- "[RECIPE] INPUT" is one argument of the parser, and more than one name.
local function argument_names(element) return (element._argname or element._name:upper()):gsub("[%[%]]", "") end

--- Does one of it take several words?
local function is_repeated(element) return element._maxargs > 1 end

local function option_forms(option)
  local forms = {}
  for i, alias in ipairs(option._aliases) do
    forms[i] = ("Fl %s%s"):format(flag(alias), option._maxargs > 0 and " Ar " .. option._argname or "")
  end
  return forms
end

local function visible(elements)
  local list = {}
  for _, element in ipairs(elements) do
    if not element._hidden then list[#list + 1] = element end
  end
  return list
end

--- The options but --help, which a synopsis does not need.
local function own_options(parser)
  local list = {}
  for _, option in ipairs(visible(parser._options)) do
    if option._aliases[1] ~= "-h" then list[#list + 1] = option end
  end
  return list
end

-- ---- Synopsis

--- The options in brackets, those of which only one may be given in one pair, for those that `wanted` takes.
local function add_options(out, parser, wanted)
  local group_of, done = {}, {}
  for _, mutex in ipairs(parser._mutexes) do
    for _, element in ipairs(mutex) do group_of[element] = mutex end
  end
  for _, option in ipairs(own_options(parser)) do
    local group, forms = group_of[option], {}
    if wanted(option) and not done[group or option] then
      for _, element in ipairs(group or { option }) do forms[#forms + 1] = option_forms(element)[1] end
      done[group or option] = true
      local form = table.concat(forms, " | ")
      if option._mincount > 0 then out[#out + 1] = "." .. form
      else out[#out + 1] = option._maxcount > 1 and (".Oo %s Oc Ns ..."):format(form) or ".Op " .. form end
    end
  end
end

local function generated_synopsis(out, name, parser)
  out[#out + 1] = (".Nm %q"):format("godwit " .. name)
  add_options(out, parser, function(option) return option._mincount == 0 end)
  add_options(out, parser, function(option) return option._mincount > 0 end)
  for _, argument in ipairs(visible(parser._arguments)) do
    out[#out + 1] = (".%sAr %s%s"):format(argument._minargs == 0 and "Op " or "", argument_names(argument), is_repeated(argument) and " ..." or "")
  end
end

--- A usage that was written by hand: each of its lines is a form. "[OPTION]..." is in the first every option that no form names.
local function written_synopsis(out, name, parser)
  local named = {}
  for word in parser._usage:gmatch "%S+" do named[word] = true end
  local first = true
  for line in parser._usage:gmatch "[^\n]+" do
    out[#out + 1] = (".Nm %q"):format("godwit " .. name)
    for word in line:match("godwit " .. name .. " (.*)$"):gmatch "%S+" do
      local plain, more = word:match "^'?(.-)'?(%.*)$"
      if word == "[OPTION]..." and first then
        add_options(out, parser, function(option) return not named[option._aliases[1]] end)
      elseif word:match "^%-" then
        out[#out + 1] = ".Fl " .. flag(word)
      elseif word == "[OPTION]..." then
        out[#out + 1] = ".Op Ar OPTION ..."
      else
        out[#out + 1] = (".Ar %s%s"):format(plain, more ~= "" and " ..." or "")
      end
    end
    first = false
  end
end

-- ---- Lists

--- A help text as a sentence.
local function sentence(text, variables)
  text = mdoc.prose(text, variables)
  return text:gsub("^%l", string.upper):gsub("[^.]$", "%0.")
end

local function variables_of(parser)
  local set = { OUT = true, TARGET = true, FRESH = true, OLD = true }
  for _, elements in ipairs { parser._arguments, parser._options } do
    for _, element in ipairs(elements) do
      local name = element._argname or element._name:upper()
      set[name] = true
      for part in name:gmatch "%u+" do set[part] = true end
    end
  end
  set.LUA = nil -- the language
  return set
end

local function add_list(out, title, elements, item, variables)
  if #elements == 0 then return end
  out[#out + 1] = ".Sh " .. title
  out[#out + 1] = ".Bl -tag -width Ds"
  for _, element in ipairs(elements) do
    out[#out + 1] = ".It " .. item(element)
    out[#out + 1] = sentence(element:_get_description(), variables)
  end
  out[#out + 1] = ".El"
end

local function argument_item(argument) return "Ar " .. argument_names(argument) .. (is_repeated(argument) and " ..." or "") end
local function option_item(option) return table.concat(option_forms(option), " , ") end

--- The page: `text` is what is written by hand.
function command.page(name, summary, parser, text)
  local date, description, rest = text:match "^(%.Dd [^\n]+\n)(%.Sh DESCRIPTION\n.-\n)(%.Sh .*)$"
  if not date then error(("scripts/manual/%s.mdoc: it begins with .Dd and .Sh DESCRIPTION, and other sections follow"):format(name), 0) end
  local out = {
    (".\\\" Made from scripts/manual/%s.mdoc and the options of `godwit %s`."):format(name, name), date .. ".Dt GODWIT-" .. name:upper() .. " 1", ".Os",
    ".Sh NAME", ".Nm godwit-" .. name, ".Nd " .. mdoc.prose(summary), ".Sh SYNOPSIS",
  }
  if parser._usage then written_synopsis(out, name, parser) else generated_synopsis(out, name, parser) end
  out[#out + 1] = description:gsub("\n$", "")
  local variables = variables_of(parser)
  add_list(out, "ARGUMENTS", visible(parser._arguments), argument_item, variables)
  add_list(out, "OPTIONS", visible(parser._options), option_item, variables)
  out[#out + 1] = rest
  return table.concat(out, "\n")
end

return command

-- godwit complete -- WORD...: what the last of the words can become. Shells ask at every Tab (scripts/completions), so nothing
-- is written, nothing is complained about, and what takes long is left out.
--
-- Commands, options and choices are read from the commands' own parsers; what an argument stands for is told by the name that
-- it has in their help (VALUES).

local COMMANDS = require "godwit.commands"
local core = require "godwit.core"
local library = require "godwit.library"
local paths = require "godwit.paths"
local problem = require "godwit.problem"

local complete = { summary = "print what the last of a command line's words can become, for shells" }

function complete.parser(argparse)
  local parser = argparse("godwit complete", complete.summary)
  parser:argument("words", "the words behind `godwit`, unquoted; the last one is being typed, and may be empty"):argname("WORD"):args("*")
  return parser
end

-- What a recipe may take until it has said what it is.
local RECIPE_LIMITS = { any = true, silent = true, seconds = 0.5, memory = 64 << 20 }
-- Seconds for the summaries of a list of recipes: those at its end may go without.
local PATIENCE = 0.02
-- In longer lists folders are not looked into for what is there.
local MOST_FOLDERS = 100

-- ---- What the words before the last one say, read as argparse reads them

--- The parser's options by all their names.
local function options_of(parser)
  local by_name = {}
  for _, option in ipairs(parser._options) do
    for _, name in ipairs(option._aliases) do by_name[name] = option end
  end
  return by_name
end

local function takes_value(option) return option._maxargs > 0 end

--- A long option with its value in the same word: the option, "--data=", the value.
local function split_long(by_name, word)
  local name, value = word:match "^(%-%-[^=]+)=(.*)$"
  if name and by_name[name] and takes_value(by_name[name]) then return by_name[name], name .. "=", value end
end

--- Short options in one word, of which the last may have its value there: visits each, and returns as split_long.
local function split_short(by_name, word, visit)
  for i = 2, #word do
    local option = by_name["-" .. word:sub(i, i)]
    if not option then return nil end
    if visit then visit(option) end
    if takes_value(option) and i < #word then return option, word:sub(1, i), word:sub(i + 1) end
  end
end

--- given: option -> its values (true for flags); positionals; waiting: the option whose value is the next word; only_positionals:
--- after `--`.
local function read_words(parser, words)
  local by_name = options_of(parser)
  local state = { by_name = by_name, given = {}, positionals = {} }
  local function give(option, value)
    state.given[option] = state.given[option] or {}
    table.insert(state.given[option], value)
  end
  for _, word in ipairs(words) do
    local is_option = not state.only_positionals and #word > 1 and word:sub(1, 1) == "-"
    if is_option and word:sub(1, 2) == "--" then
      local option, _, value = split_long(by_name, word)
      state.waiting = nil
      if word == "--" then state.only_positionals = true
      elseif option then give(option, value)
      elseif by_name[word] then
        if takes_value(by_name[word]) then state.waiting = by_name[word] else give(by_name[word], true) end
      end
    elseif is_option then
      local last
      state.waiting = nil
      local option, _, value = split_short(by_name, word, function(one)
        if not takes_value(one) then give(one, true) end
        last = one
      end)
      if option then give(option, value)
      elseif last and takes_value(last) then state.waiting = last end
    elseif state.waiting then
      give(state.waiting, word)
      state.waiting = nil
    else
      table.insert(state.positionals, word)
    end
  end
  return state
end

--- The values that were given to an option, by one of its names.
local function values_of(state, name) return state.given[state.by_name[name] or false] or {} end

-- ---- Candidates: a sequence of texts, with `about`: text -> description

local function new_list() return { about = {} } end

local function put(list, text, about)
  list[#list + 1] = text
  list.about[text] = about
end

--- Adds what a recipe says: it may be any bytes, and a candidate is a line that goes to a terminal.
local function add(list, text, about)
  if not text:find "%c" then put(list, text, about) end
end

local function append(list, more)
  for _, text in ipairs(more) do put(list, text, list.about[text] or more.about[text]) end
  return list
end

local function with_prefix(prefix, list)
  local prefixed = new_list()
  for _, text in ipairs(list) do put(prefixed, prefix .. text, list.about[text]) end
  return prefixed
end

--- As a shell expands it where it begins a word; and the length of what has come in for the tilde.
local function expanded(path)
  local home = os.getenv "HOME"
  if home and path:sub(1, 2) == "~/" then return home .. path:sub(2), #home end
  return path
end

--- Paths need no description, but for folders that are checkpoints as they stand.
local function path_list(word, wanted)
  local path, home_length = expanded(word)
  local found, what = paths.beginning_with(path, wanted)
  local about = {}
  if wanted.checkpoints and #found <= MOST_FOLDERS then
    for _, one in ipairs(found) do
      if what[one] == "folder" and core.is_file(one .. "checkpoint") then about[one] = "folder with checkpoints" end
    end
  end
  found.about = about
  if word ~= "" and not home_length then return found end
  local list = new_list()
  for _, one in ipairs(found) do
    -- What begins with a dash would be an option.
    if word ~= "" or one:byte(1) ~= 45 then put(list, home_length and "~" .. one:sub(home_length + 1) or one, about[one]) end
  end
  return list
end

local function checkpoints(_, word) return path_list(word, { checkpoints = true }) end
local function files(_, word) return path_list(word, { files = "" }) end
local function folders_and_lua(_, word) return path_list(word, { files = ".lua" }) end

--- An existing checkpoint is a place for an output only when it is to be replaced. NAME= says which output goes there.
local function outputs(state, word)
  local name, path = word:match "^([%a_][%w_]*=)(.*)$"
  local list = path_list(path or word, { checkpoints = #values_of(state, "--force") > 0 })
  return name and with_prefix(name, list) or list
end

local function commands()
  local list = new_list()
  for _, name in ipairs(COMMANDS) do add(list, name, require("godwit.commands." .. name).summary) end
  return list
end

-- ---- Recipes

--- The library's recipes whose names begin so, without those that are never found, as library.all has them.
local function reachable(beginning)
  local entries = {}
  for _, entry in ipairs(library.all(true)) do
    if not entry.shadowed and entry.name:sub(1, #beginning) == beginning then entries[#entries + 1] = entry end
  end
  return entries
end

--- Names of the library, then files. Modules in the library's folders are no recipes.
local function recipes(_, word)
  local list, modules = new_list(), {}
  local entries = word:find("/", 1, true) and {} or reachable(word)
  if #entries > 0 then
    library.look_through(entries, PATIENCE, RECIPE_LIMITS, function(entry, description)
      list.about[entry.name], modules[entry] = description.summary, description.module
    end)
  end
  for _, entry in ipairs(entries) do
    if not modules[entry] then list[#list + 1] = entry.name end
  end
  return append(list, folders_and_lua(nil, word))
end

local function source_of(name)
  if name:find("/", 1, true) or name:match "%.lua$" then
    local path = expanded(name)
    if not core.is_file(path) then return nil end -- reading /dev/stdin would wait
    return library.find(path)
  end
  for _, entry in ipairs(reachable(name)) do
    if entry.name == name and (not entry.file or core.is_file(entry.file)) then return library.source(entry) end
  end
end

--- What the recipe among the words says of itself; nil when there is none, or it does not say.
local function description_of(state)
  local name = state.positionals[1]
  if not name or #values_of(state, "--execute") > 0 then return nil end
  local ok, description = problem.try(function()
    local source, chunk = source_of(name)
    if not source then return nil end
    return select(2, library.load(source, chunk, RECIPE_LIMITS))
  end)
  return ok and description and not description.module and description or nil
end

--- What of a recipe's declared inputs is still to be given: names, whether any path may follow, how many are declared.
local function inputs_left(declared, given)
  local named, free = {}, 0
  local fixed, rest = {}, false
  for _, name in ipairs(declared) do
    if name:sub(-3) == "..." then rest = true else fixed[#fixed + 1], fixed[name] = name, true end
  end
  for _, word in ipairs(given) do
    local name = word:match "^([%a_][%w_]*)="
    if name and fixed[name] then named[name] = true else free = free + 1 end
  end
  local left = {}
  for _, name in ipairs(fixed) do
    if not named[name] then left[#left + 1] = name end
  end
  -- Those without a name take the places that are left from the first one on.
  return table.move(left, free + 1, #left, 1, {}), rest, #fixed
end

--- nil when the recipe takes no more.
local function inputs(state, word)
  local description = description_of(state)
  local declared = description and description.inputs
  if not declared or #declared == 0 then return checkpoints(state, word) end
  local left, rest, fixed = inputs_left(declared, table.move(state.positionals, 2, #state.positionals, 1, {}))
  if #left == 0 and not rest then return nil end
  local name, path = word:match "^([%a_][%w_]*)=(.*)$"
  for _, input in ipairs(left) do
    if input == name then return with_prefix(name .. "=", checkpoints(state, path)) end
  end
  local list = checkpoints(state, word)
  -- A name says nothing where there is only one input: it would only stand beside the only checkpoint.
  if fixed > 1 or word ~= "" then
    for _, input in ipairs(left) do add(list, input .. "=", "an input of the recipe") end
  end
  return list
end

local function recipe_or_input(state, word)
  if #values_of(state, "--execute") > 0 then return checkpoints(state, word) end
  if #state.positionals == 0 then return recipes(state, word) end
  return inputs(state, word)
end

-- ---- Parameters

local function value_candidates(state, param, value)
  local list = new_list()
  if param.type == "file" then
    local mark = value == "" and "@" or value:match "^@" or ""
    return with_prefix(mark, files(state, (value:gsub("^@", ""))))
  end
  local default = param.default
  if type(default) == "table" then default = table.concat(default, ",") end
  local choices = param.type == "choice" and param.choices or param.type == "boolean" and { "true", "false" } or { tostring(default or "") }
  for _, choice in ipairs(choices) do add(list, choice, choice == tostring(default) and "default" or nil) end
  return list
end

local function parameters(state, word)
  local description, list, given = description_of(state), new_list(), {}
  if not description then return list end
  local name, value = word:match "^([%a_][%w_]*)=(.*)$"
  if name then
    local param = description.params[name]
    return param and with_prefix(name .. "=", value_candidates(state, param, value)) or list
  end
  for _, text in ipairs(values_of(state, "--param")) do given[text:match "^[^=]*"] = true end
  local default_text = require("godwit.commands.recipes").default_text
  for param_name, param in pairs(description.params) do
    if not given[param_name] then
      local default = default_text(param)
      add(list, param_name .. "=", (param.help or param.type) .. (default and "; " .. default or ""))
    end
  end
  return list
end

-- ---- What stands where

-- By the name that an argument has in help; false: nothing is known of it.
local VALUES = {
  PREFIX = checkpoints, TARGET = checkpoints, FRESH = checkpoints, OLD = checkpoints, A = checkpoints, B = checkpoints,
  OUT = outputs, FILE = files, FOLDER = folders_and_lua, RECIPE = recipes, NAME = recipes, COMMAND = commands,
  ["[RECIPE] INPUT"] = recipe_or_input, ["NAME=VALUE"] = parameters,
  LUA = false, REGEX = false, TEXT = false, N = false, X = false, Y = false, SIZE = false, SECONDS = false, WORD = false,
}
complete.VALUES = VALUES

--- Candidates for the value of an option or for an argument.
local function values(state, element, word)
  local list = new_list()
  if element._choices then
    for _, choice in ipairs(element._choices) do add(list, choice) end
    return list
  end
  local find = VALUES[element._argname]
  if not find then return list end
  return find(state, word)
end

local function longest(names)
  local found = ""
  for _, name in ipairs(names) do
    if #name > #found then found = name end
  end
  return found
end

--- Options that may still be given: not twice where once is meant, not beside what excludes them. By one name each where no dash
--- asks for more.
local function options(state, parser, word)
  local list, excluded = new_list(), {}
  for _, mutex in ipairs(parser._mutexes) do
    for _, element in ipairs(mutex) do
      if state.given[element] then
        for _, other in ipairs(mutex) do excluded[other] = true end
      end
    end
  end
  for _, option in ipairs(parser._options) do
    if not excluded[option] and (not state.given[option] or option._maxcount > 1) then
      for _, name in ipairs(word == "" and { longest(option._public_aliases) } or option._public_aliases) do
        add(list, name, option:_get_description())
      end
    end
  end
  return list
end

--- The argument that the next word without a dash is, or nil when there are enough.
local function next_argument(state, parser)
  local count = #state.positionals
  for _, argument in ipairs(parser._arguments) do
    if count < argument._maxargs then return argument end
    count = count - argument._maxargs
  end
end

local function of_command(name, words, word)
  local parser = require("godwit.commands." .. name).parser(require "argparse")
  local state = read_words(parser, words)
  if not state.only_positionals and word:sub(1, 1) == "-" then
    local option, prefix, value = split_long(state.by_name, word)
    if not option and word:sub(1, 2) ~= "--" then option, prefix, value = split_short(state.by_name, word) end
    if option then return with_prefix(prefix, values(state, option, value)) end
    return options(state, parser, word)
  end
  if state.waiting then return values(state, state.waiting, word) end
  local argument = next_argument(state, parser)
  local list = argument and values(state, argument, word)
  -- Where nothing else can follow, an empty word is the beginning of an option.
  return list or word == "" and options(state, parser, word) or new_list()
end

local function top_level(word)
  if word:sub(1, 1) ~= "-" then return commands() end
  local list = new_list()
  add(list, "--help", "explain godwit")
  add(list, "--version", "say which godwit this is")
  return list
end

--- Candidates for the last of `words`: a sorted sequence of texts, each beginning with that word and without control characters,
--- and text -> description.
function complete.candidates(words)
  local word = words[#words] or ""
  local list, found, seen, is_sorted = new_list(), {}, {}, true
  if word:find "%c" then return found, list.about end
  if #words < 2 then
    list = top_level(word)
  else
    local name = (words[1] == "--help" or words[1] == "-h") and "help" or words[1]
    for _, command in ipairs(COMMANDS) do
      if command == name then list = of_command(name, table.move(words, 2, #words - 1, 1, {}), word) end
    end
  end
  for _, text in ipairs(list) do
    if text:sub(1, #word) == word and not seen[text] then
      is_sorted = is_sorted and (#found == 0 or found[#found] < text)
      found[#found + 1] = text
      seen[text] = true
    end
  end
  if not is_sorted then table.sort(found) end -- long lists of paths are
  return found, list.about
end

--- One line of text that a terminal may be given.
local function one_line(text) return (core.printable((text:gsub("%s+", " ")))) end

--- A candidate a line, with its description behind a tab. A Tab key that cannot help stays silent, whatever the reason.
function complete.run(values_given)
  collectgarbage "stop" -- of a folder's ten thousand names nearly all live until they are printed
  local ok, found, about = pcall(complete.candidates, values_given.words)
  if not ok then return 0 end
  local lines, shown = {}, { [""] = "\n" }
  for i, text in ipairs(found) do
    local description = about[text] or ""
    shown[description] = shown[description] or "\t" .. one_line(description) .. "\n"
    lines[i] = text .. shown[description]
  end
  io.stdout:write(table.concat(lines))
  return 0
end

return complete

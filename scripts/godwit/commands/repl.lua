-- godwit repl [PREFIX]: Lua with a checkpoint at hand. On a terminal it edits lines; else it reads a script from stdin.

local core = require "godwit.core"
local gw = require "godwit"
local habits = require "godwit.habits"
local library = require "godwit.library"
local plan = require "godwit.commands.plan"
local problem = require "godwit.problem"
local recipe = require "godwit.recipe"
local run = require "godwit.commands.run"
local show = require "godwit.show"
local terminal = require "godwit.terminal"

local MOST_LINES = 40 -- that .plan shows, as a checkpoint's list does

local repl = { summary = "try things out: Lua with a checkpoint at hand" }

function repl.parser(argparse)
  local parser = argparse("godwit repl", repl.summary)
  parser:argument("prefix", "a checkpoint, which the session calls ckpt"):argname("PREFIX"):args("?")
  return parser
end

-- ---- The session: what was typed, and the globals that came of it

local function new_environment(prefix)
  local env = setmetatable({ gw = gw }, { __index = _G })
  if prefix then env.ckpt = core.open(prefix):draft() end
  return env
end

--- Changes when the session's checkpoint was edited or exchanged.
local function state_of(env)
  local draft = rawget(env, "ckpt")
  if type(draft) ~= "userdata" or getmetatable(draft) ~= "godwit.Draft" then return tostring(draft) end
  return ("%s %d"):format(tostring(draft), draft:core_edits())
end

--- The chunk of statements. Each text is a chunk, with which its locals would end: one that begins a text belongs to the session
--- instead, so that code from a recipe can be pasted. `local x <const>` stays what it is.
local function load_statements(text, env)
  local name = text:match "^%s*local%s+function%s+([%a_][%w_]*)"
  local names, value = text:match "^%s*local%s+([%a_][%w_,%s]*)(.*)$"
  if name then
    text = text:gsub("local%s+", "", 1)
  elseif value == "" then
    text = names .. "= nil"
  elseif value and value:find "^=[^=]" then
    text = names .. value
  end
  return core.load(text, "=repl", env)
end

--- The chunk of a text: an expression, whose values are shown, or statements. `more`: it is not finished.
local function compile(text, env)
  local chunk, no_value = core.load("return " .. text, "=repl", env)
  if chunk then return chunk, true end
  local statements, reason = load_statements(text, env)
  if statements then return statements, false end
  if reason:match "<eof>$" then return nil, "more" end
  core.fail {
    class = "recipe", what = (reason:gsub("^repl:(%d+): ", "line %1: ")),
    hint = habits((reason:gsub("^repl:%d+: ", ""))) or habits((no_value:gsub("^repl:%d+: ", ""))),
  }
end

--- All that was typed, anew on the checkpoint as it was opened; silently.
local function replay(session)
  local env = new_environment(session.prefix)
  env.print = function() end
  for _, entry in ipairs(session.entries) do assert(load_statements(entry.code, env))() end
  env.print = nil
  session.env = env
end

--- The error of a chunk as people should see it: its position is of no use, lines are typed one by one.
local function normal(raised)
  if type(raised) == "table" and getmetatable(raised) == "godwit.Error" then
    return { class = raised.class, what = raised.what, file = raised.file, key = raised.key, offset = raised.offset, hint = raised.hint,
      message = raised.message and raised.message:gsub("^repl:%d+: ", "") }
  end
  local text = type(raised) == "string" and raised:gsub("^repl:%d+: ", "") or "an error that is " .. core.what(raised)
  return { class = "recipe", what = text, message = text, hint = habits(text) }
end

local function print_values(values)
  local parts = {}
  for i = 1, values.n do parts[i] = show.text(values[i]) end
  io.stdout:write(table.concat(parts, "\t"), "\n")
end

--- Runs a finished text. What fails changes nothing.
local function execute(session, text, chunk, is_expression, file)
  local before = state_of(session.env)
  local values = table.pack(xpcall(chunk, normal))
  local edited = state_of(session.env) ~= before
  if not values[1] then
    if core.interrupted() then core.forget_interrupt() end
    if edited then replay(session) end
    error(values[2], 0)
  end
  if edited or not is_expression then
    local code = text
    if is_expression and not core.load(text, "=repl", {}) then code = "local _ = " .. text end
    table.insert(session.entries, { text = text, code = code, edited = edited, file = file })
  end
  -- Rules give how many they touched; an edit that gives the checkpoint need not list it.
  local same = edited and values.n == 2 and values[2] == session.env.ckpt
  if values.n > 1 and not same then print_values(table.pack(table.unpack(values, 2, values.n))) end
end

-- ---- Dot commands

local function words_of(text)
  local words, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then return words end
    local word = ""
    while at <= #text and not text:sub(at, at):match "%s" do
      local mark = text:match("^[\"']", at)
      if mark then
        local close = text:find(mark, at + 1, true)
        if not close then core.fail { class = "usage", what = "a quote is not closed" } end
        word, at = word .. text:sub(at + 1, close - 1), close + 1
      else
        local plain = text:match("^[^%s\"']+", at)
        word, at = word .. plain, at + #plain
      end
    end
    words[#words + 1] = word
  end
end

--- argparse ends the program for --help and on mistakes unless it is asked not to.
local function parse(parser, text)
  local ok, values = parser:add_help(false):pparse(words_of(text))
  if not ok then core.fail { class = "usage", what = values, hint = parser:get_usage():gsub("%s+", " ") } end
  return values
end

local function the_checkpoint(session)
  local draft = rawget(session.env, "ckpt")
  if type(draft) ~= "userdata" or getmetatable(draft) ~= "godwit.Draft" then
    core.fail { class = "usage", what = "there is no checkpoint in ckpt", hint = "ckpt = gw.open \"PREFIX\"" }
  end
  return draft
end

local dot = {}

dot.plan = { "what saving would do, changes first of all; .plan all: every line", function(session, rest)
  local draft = the_checkpoint(session)
  if rest ~= "" and rest ~= "all" then core.fail { class = "usage", what = (".plan takes nothing, or all, not '%s'"):format(rest) } end
  plan.print_text({ { name = "", plan = core.plan(draft, {}), draft = draft } }, nil, rest ~= "all" and MOST_LINES or nil)
end }

dot.undo = { "take back the last edit", function(session)
  for i = #session.entries, 1, -1 do
    local entry = session.entries[i]
    if entry.edited then
      table.remove(session.entries, i)
      local ok, found = problem.try(replay, session)
      if not ok then
        table.insert(session.entries, i, entry)
        replay(session)
        core.fail { class = "recipe", what = "what came after it needs it: " .. (found.what or "an error") }
      end
      io.stdout:write("undone: ", (core.printable((entry.text:gsub("\n", " ")))), "\n")
      return
    end
  end
  core.fail { class = "usage", what = "there is no edit to take back" }
end }

dot.save = { "write the checkpoint: .save OUT [--force] [--latest] [--shards N] [--data HOW] ...", function(session, rest)
  local draft = the_checkpoint(session)
  local parser = require "argparse"(".save", "")
  parser:argument "OUT"
  run.add_layout(parser)
  run.add_writing(parser)
  local values = parse(parser, rest)
  run.write({ { name = "", path = values.OUT, plan = core.plan(draft, run.layout(values)), draft = draft } }, { session.prefix }, values)
end }

--- A recipe calls others by name: a file that the session ran must lie beside it.
local function code_for(entry, path)
  if not entry.file then return entry.code end
  local folder, name = (entry.file:match "^(.*/)" or "./"), entry.file:match "([^/]*)%.lua$"
  if name and folder == (path:match "^(.*/)" or "./") then
    return (entry.code:gsub("gw%.recipe%b()", function() return ("gw.recipe(%q)"):format(name) end, 1))
  end
  core.fail {
    class = "usage", file = entry.file, what = "the session ran this recipe, and a recipe calls others of its own folder, by name",
    hint = ("write the recipe there: .recipe %sNAME"):format(folder),
  }
end

local function recipe_text(session, path)
  local lines = { ("-- Made by godwit repl%s."):format(session.prefix and " from " .. core.printable(session.prefix) or ""), "", "return function(ckpt)" }
  for _, entry in ipairs(session.entries) do
    local code = code_for(entry, path)
    lines[#lines + 1] = (code:match "^%s*%(" and ";" or "") .. code
  end
  lines[#lines + 1] = "return ckpt"
  lines[#lines + 1] = "end"
  return table.concat(lines, "\n") .. "\n"
end

dot.recipe = { "write the session's edits as a recipe: .recipe FILE", function(session, rest)
  local path = words_of(rest)[1]
  if not path then core.fail { class = "usage", what = "where to? .recipe FILE" } end
  if not path:match "%.lua$" then path = path .. ".lua" end
  local there = io.open(path)
  if there then
    there:close()
    core.fail { class = "usage", file = path, what = "exists already", hint = "choose another name" }
  end
  local text = recipe_text(session, path)
  local file, reason = io.open(path, "w")
  if not file then core.fail { class = "system", file = path, what = "cannot be written: " .. reason:sub(#path + 3) } end
  local ok = file:write(text)
  if not file:close() or not ok then core.fail { class = "system", file = path, what = "cannot be written" } end
  io.stdout:write(("%s · godwit run %s %s -o OUT\n"):format(path, path:find("/", 1, true) and path or "./" .. path, session.prefix or "INPUT"))
end }

--- Parameters as Lua, for the recipe that the session becomes.
local function literal(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local items = {}
  for i, item in ipairs(value) do items[i] = literal(item) end
  return "{ " .. table.concat(items, ", ") .. " }"
end

local function refuse_file(path)
  core.fail { class = "usage", file = path, what = "a file parameter cannot be given here", hint = "godwit run RECIPE INPUT -p NAME=@FILE" }
end

dot.load = { "run a recipe on the checkpoint: .load RECIPE [-p NAME=VALUE]...", function(session, rest, submit)
  the_checkpoint(session)
  local parser = require "argparse"(".load", "")
  parser:argument "RECIPE"
  parser:option("-p --param"):argname("NAME=VALUE"):count "*"
  local values = parse(parser, rest)
  local source, chunk, note = library.find(values.RECIPE)
  if note then terminal.note(note) end
  local _, description = library.load(source, chunk, { say = terminal.note })
  local params, parts, names = recipe.parse_params(description.params, plan.parse_assignments(values.param, "-p", "NAME=VALUE"), refuse_file), {}, {}
  for name in pairs(params) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = ("%s = %s"):format(name, literal(params[name])) end
  submit(("ckpt = gw.recipe(%q)(ckpt, { %s })"):format(values.RECIPE, table.concat(parts, ", ")), chunk:sub(1, 1) == "@" and values.RECIPE or nil)
end }

dot.help = { "this, or what a function or a type is: .help ckpt:rename", function(_, rest)
  local name = words_of(rest)[1]
  if not name then
    io.stdout:write("Expressions print their value, `ckpt` is the checkpoint, `gw` the API; an unfinished line goes on, a local stays.\n")
    local names = {}
    for command in pairs(dot) do names[#names + 1] = command end
    table.sort(names)
    for _, command in ipairs(names) do io.stdout:write(("  .%-7s %s\n"):format(command, dot[command][1])) end
    io.stdout:write("Try: ckpt   ckpt.vars[\"NAME\"]   ckpt:rename_scope(\"old/\", \"new/\")   .plan   .undo\n")
    return
  end
  io.stdout:write(require("godwit.reference").explain(name))
end }

dot.quit = { "leave (as Ctrl-D does)", function(session) session.done = true end }

local function dot_command(session, line, submit)
  local name, rest = line:match "^%s*%.(%a*)%s*(.-)%s*$"
  if not dot[name] then
    local names = {}
    for command in pairs(dot) do names[#names + 1] = command end
    local guess = require "godwit.nearest"(name, names)
    core.fail { class = "usage", what = ("there is no command .%s"):format(name), hint = guess and ("did you mean .%s?"):format(guess) or ".help lists them" }
  end
  dot[name][2](session, rest, submit)
end

-- ---- Reading

local WORDS = { help = ".help", exit = ".quit", quit = ".quit" }

--- Takes a line; returns true while more is needed.
local function take(session, line)
  if session.pending == "" then
    if line:match "^%s*$" then return false end
    local word = line:match "^%s*(%a+)%s*%(?%s*%)?%s*$" -- help, exit(): what one types who has not read how to leave
    local command = WORDS[word] and session.env[word] == nil and WORDS[word] or line:match "^%s*%.%a" and line
    if command then
      dot_command(session, command, function(text, file)
        execute(session, text, assert(core.load(text, "=repl", session.env)), false, file)
      end)
      return false
    end
  end
  local text = session.pending == "" and line or session.pending .. "\n" .. line
  session.pending = ""
  local chunk, more = compile(text, session.env)
  if not chunk then
    session.pending = text
    return true
  end
  execute(session, text, chunk, more)
  return false
end

local function history_file()
  local path = os.getenv "GODWIT_HISTORY"
  if path then return path ~= "" and path or nil end
  local home = os.getenv "HOME"
  return home and home .. "/.godwit_history"
end

local function report(found)
  io.stderr:write(core.printable(found.message or found.what):gsub("\\x0a", "\n"), "\n")
  if found.hint then io.stderr:write("  ", core.printable(found.hint), "\n") end
  if found.trace then io.stderr:write("  this is a bug in godwit; please report it\n", found.trace, "\n") end
end

local function command_names()
  local names = {}
  for name in pairs(dot) do names[#names + 1] = "." .. name end
  return names
end

--- Without libedit: prompts, and nothing else.
local function plain_editor()
  return {
    read = function(_, prompt)
      io.stderr:write(prompt)
      io.stderr:flush()
      local line = io.read "l"
      if not line and core.interrupted() then return nil, "interrupted" end
      return line
    end,
    remember = function() end, save = function() end,
  }
end

local function interactive(session)
  os.setlocale("", "ctype")
  local file = history_file()
  local editor = core.line_editor(file) or plain_editor()
  local names = command_names()
  local complete = require "godwit.complete"
  local function candidates(text) return complete(session.env, text, names) end
  io.stdout:write(("godwit %s%s · .help helps, Ctrl-D leaves\n"):format(core.version, session.prefix and " · ckpt is " .. core.printable(session.prefix) or ""))
  while not session.done do
    io.stdout:flush()
    local line, why = editor:read(session.pending == "" and "> " or ">> ", candidates)
    if why == "interrupted" then
      core.forget_interrupt()
      session.pending = ""
      io.stderr:write("^C\n")
    elseif not line then
      io.stdout:write("\n")
      break
    else
      if line:match "%S" then editor:remember(line) end
      local ok, found = xpcall(take, problem.normal, session, line)
      if core.interrupted() then core.forget_interrupt() end
      if not ok then report(found) end
    end
  end
  if file and editor:save(file) == false then terminal.note(("the history cannot be written to %s"):format(file)) end
end

--- A script: stops at the first error, whose class is the exit code's.
local function script(session)
  for line in io.lines() do
    take(session, line)
    if session.done then return end
  end
  if session.pending ~= "" then
    core.fail { class = "recipe", what = "the script ends in the middle of a statement", hint = session.pending:match "[^\n]*" }
  end
end

function repl.run(values)
  local prefix, note
  if values.prefix then prefix, note = core.locate(values.prefix) end
  if note then terminal.note(note) end
  local session = { prefix = prefix, entries = {}, env = new_environment(prefix), pending = "" }
  core.watch_interrupts()
  if core.is_terminal(0) and core.is_terminal(1) then interactive(session) else script(session) end
  return 0
end

return repl

-- The command line: which command, its arguments, its exit code.

local COMMANDS = require "godwit.commands"
local core = require "godwit.core"
local problem = require "godwit.problem"

local EXIT = { recipe = 3, limit = 3, damaged = 4, system = 5, usage = 2, interrupted = 130, internal = 5, answer = 1 }


local function is_command(name)
  for _, list in ipairs { COMMANDS, COMMANDS.hidden } do
    for _, command in ipairs(list) do
      if command == name then return true end
    end
  end
  return false
end

local function report(found, json)
  -- What a document holds that was already begun is not said twice.
  if json and not found.printed then io.stdout:write('{"error": ', problem.json(found), "}\n") end
  -- Names in it may be any bytes.
  local function shown(text) return (text:gsub("[^\n]+", core.printable)) end
  io.stderr:write("godwit: ", shown(found.message or found.what or "unknown error"), "\n")
  if found.hint then io.stderr:write("  ", shown(found.hint), "\n") end
  if found.trace then io.stderr:write("  this is a bug in godwit; please report it\n", found.trace, "\n") end
end

--- `godwit run NAME --help` is about the recipe; without one it is about run.
local function explain_recipe(arguments)
  local help, name = false, nil
  for i = 2, #arguments do
    help = help or arguments[i] == "--help" or arguments[i] == "-h"
    if i == 2 and arguments[i]:sub(1, 1) ~= "-" then name = arguments[i] end
  end
  if not help or not name then return false end
  require "godwit.commands.recipes".run { name = name }
  return true
end

local function dispatch(arguments)
  local name = arguments[1]
  if name == nil then
    io.stderr:write(require("godwit.commands.help").overview())
    return 2
  end
  if name == "--version" or name == "-V" then
    io.stdout:write("godwit ", core.version, "\n")
    return 0
  end
  if name == "--help" or name == "-h" then name = "help" end
  if not is_command(name) then require("godwit.commands.help").unknown(name) end
  local command = require("godwit.commands." .. name)
  if (name == "run" or name == "plan") and explain_recipe(arguments) then return 0 end
  local parser = command.parser(require "argparse")
  local ok, values = parser:pparse(table.move(arguments, 2, #arguments, 1, {}))
  if not ok then
    local what, guess = values:match("^(.-)\nDid you mean (.*)$")
    if what then core.fail { class = "usage", what = what, hint = "did you mean " .. guess } end
    core.fail { class = "usage", what = values, hint = parser:get_usage():gsub("\n%s*(godwit )", ", or %1"):gsub("\n%s*", " ") }
  end
  return command.run(values) or 0
end

return function(...)
  local arguments = { ... }
  local json = false
  for _, argument in ipairs(arguments) do json = json or argument == "--json" end
  core.catch_signals()
  local ok, result = xpcall(dispatch, problem.normal, arguments)
  if ok then return result end
  report(result, json)
  return EXIT[result.class] or EXIT.internal
end

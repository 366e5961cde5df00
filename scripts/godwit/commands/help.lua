-- godwit help [COMMAND | api [NAME]]

local COMMANDS = require "godwit.commands"
local core = require "godwit.core"
local nearest = require "godwit.nearest"

local help = { summary = "explain godwit, one of its commands, or the Lua API" }

local ALIKE = {
  ls = "inspect", list = "inspect", show = "inspect", rename = "run", migrate = "run", load = "restore", like = "check", ["dry-run"] = "plan",
  compare = "diff", cmp = "diff",
}

--- What else `name` may be: a recipe that comes with godwit, or a command with a typing error.
local function guess(name, prefix)
  if not name:find(".", 1, true) and core.script_source("recipes." .. name) then
    return ("%s is a recipe: `godwit recipes %s` explains it, `godwit run %s INPUT... -o OUT` runs it"):format(name, name, name)
  end
  local command = ALIKE[name] or nearest(name, COMMANDS)
  return command and ("did you mean `%s %s`?"):format(prefix, command) or "`godwit help` lists the commands"
end

--- Raises that there is no such command; `prefix` is what was typed before the name.
function help.unknown(name, prefix)
  core.fail { class = "usage", what = ("there is no command '%s'"):format(name), hint = guess(name, prefix or "godwit") }
end

function help.overview()
  local lines = {
    "godwit migrates TensorFlow checkpoints with rules written in Lua.", "",
    "Usage: godwit COMMAND [ARGUMENTS]", "",
  }
  for _, name in ipairs(COMMANDS) do
    lines[#lines + 1] = ("  %-9s %s"):format(name, require("godwit.commands." .. name).summary)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "`godwit help COMMAND` explains a command, `man godwit-COMMAND` at length;"
  lines[#lines + 1] = "`godwit help api` lists what recipes may use, `godwit --version` says which godwit this is."
  lines[#lines + 1] = "A first look:   godwit inspect model.ckpt-1000"
  lines[#lines + 1] = [[A first change: godwit run -e 'ckpt:rename_scope("old/", "new/")' model.ckpt-1000 -o out/model.ckpt-1000]]
  return table.concat(lines, "\n") .. "\n"
end

function help.parser(argparse)
  local parser = argparse("godwit help", help.summary)
  parser:argument("command", "a command; or api, the Lua API"):argname("COMMAND"):args("?")
  parser:argument("name", "behind api: a function or a type to explain"):argname("NAME"):args("?")
  return parser
end

function help.run(values)
  local name = values.command
  if not name then
    io.stdout:write(help.overview())
    return 0
  end
  if name == "api" then
    local reference = require "godwit.reference"
    io.stdout:write(values.name and reference.explain(values.name) or reference.overview())
    if not values.name then io.stdout:write("\n`godwit help api NAME` explains one of them, `man godwit-api` all.\n") end
    return 0
  end
  if values.name then core.fail { class = "usage", what = "help takes one command", hint = "godwit help COMMAND, or godwit help api NAME" } end
  for _, list in ipairs { COMMANDS, COMMANDS.hidden } do
    for _, known in ipairs(list) do
      if known == name then
        io.stdout:write(require("godwit.commands." .. name).parser(require "argparse"):get_help(), "\n")
        return 0
      end
    end
  end
  help.unknown(name, "godwit help")
end

return help

-- godwit help [COMMAND]

local COMMANDS = require "godwit.commands"

local help = { summary = "explain godwit or one of its commands" }


function help.overview()
  local lines = {
    "godwit migrates TensorFlow checkpoints with rules written in Lua.", "",
    "Usage: godwit COMMAND [ARGUMENTS]", "",
  }
  for _, name in ipairs(COMMANDS) do
    lines[#lines + 1] = ("  %-9s %s"):format(name, require("godwit.commands." .. name).summary)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "`godwit help COMMAND` explains a command, `godwit --version` says which godwit this is."
  lines[#lines + 1] = "A first look:   godwit inspect model.ckpt-1000"
  lines[#lines + 1] = [[A first change: godwit run -e 'ckpt:rename_scope("old/", "new/")' model.ckpt-1000 -o out/model.ckpt-1000]]
  return table.concat(lines, "\n") .. "\n"
end

function help.parser(argparse)
  local parser = argparse("godwit help", help.summary)
  parser:argument("command", "which command"):args("?")
  return parser
end

function help.run(values)
  local name = values.command
  if not name then
    io.stdout:write(help.overview())
    return 0
  end
  for _, known in ipairs(COMMANDS) do
    if known == name then
      io.stdout:write(require("godwit.commands." .. name).parser(require "argparse"):get_help(), "\n")
      return 0
    end
  end
  require("godwit.core").fail { class = "usage", what = ("there is no command '%s'"):format(name), hint = "`godwit help` lists the commands" }
end

return help

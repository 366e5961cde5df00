-- Runs the program as a user's shell would: what it wrote to either stream, and its exit status.

local scratch = require "spec.support.scratch"

local program = {}

program.PATH = assert(os.getenv "GODWIT", "GODWIT names the program")

function program.quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local out, err

--- A shell's command line; `folder` is where it runs. Returns stdout, stderr, status (signals as a shell counts them).
function program.shell(command, folder)
  if not out then
    local own = scratch.folder()
    out, err = own .. "/stdout", own .. "/stderr"
  end
  local where = folder and ("cd %s || exit 99\n"):format(program.quoted(folder)) or ""
  local _, how, status = os.execute(("{ %s%s\n} >%s 2>%s"):format(where, command, out, err))
  return scratch.read(out), scratch.read(err), how == "signal" and 128 + status or status
end

--- godwit with these arguments.
function program.run(...)
  local words = { program.quoted(program.PATH) }
  for _, argument in ipairs { ... } do words[#words + 1] = program.quoted(argument) end
  return program.shell(table.concat(words, " "))
end

return program

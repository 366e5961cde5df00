-- A real terminal (tmux): what is typed, and what the screen then shows.

local program = require "spec.support.program"

local terminal = {}

--- Sanitized programs do not get along with tmux.
terminal.is_there = os.execute "command -v tmux >/dev/null 2>&1" and (os.getenv "SANITIZE" or "") == ""

local NAMED = { Enter = true, Tab = true, Left = true, Up = true, BSpace = true, ["C-c"] = true, ["C-d"] = true }

local methods = {}
methods.__index = methods

function methods:tmux(arguments) return program.shell(("tmux -L %s -f /dev/null %s"):format(self.socket, arguments), self.folder) end

function methods:screen() return (self:tmux "capture-pane -p -t 0":gsub("%s+$", "")) end

--- Waits until the screen shows it (a Lua pattern).
function methods:shows(pattern)
  local text
  for _ = 1, 600 do
    text = self:screen()
    if text:find(pattern) then return text end
    os.execute "sleep 0.05"
  end
  error(("the screen does not show %s, but:\n%s"):format(pattern, text), 2)
end

--- Types texts and the keys that have names.
function methods:keys(...)
  for _, key in ipairs { ... } do self:tmux(("send-keys -t 0 %s %s"):format(NAMED[key] and "" or "-l --", program.quoted(key))) end
end

function methods:close() self:tmux "kill-server" end

--- Runs a command in a terminal of 100 columns and 40 lines. Each has a server of its own: one whose last session has just ended
--- still takes new ones, and then goes with them.
function terminal.start(command, folder)
  local self = setmetatable({ folder = folder }, methods)
  self.socket = ("godwit-%s-%d"):format(folder:match "[^/]*$", math.random(1000000))
  self:tmux(("new-session -d -x 100 -y 40 %s"):format(program.quoted(command)))
  return self
end

return terminal

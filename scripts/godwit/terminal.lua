-- What goes to the terminal beside results: progress, notes, errors.

local core = require "godwit.core"

local terminal = {}

local SHOW_AFTER = 0.5 -- seconds of work before a progress bar appears
local WIDTH = 24

function terminal.note(text)
  io.stderr:write("godwit: ", core.printable(text), "\n")
end

local function duration(seconds)
  if seconds < 60 then return ("%d s"):format(math.ceil(seconds)) end
  return ("%d:%02d min"):format(seconds // 60, math.floor(seconds % 60))
end

local function draw(what, done, total, elapsed)
  local part = total > 0 and done / total or 1
  local filled = math.floor(part * WIDTH)
  local rate = elapsed > 0 and done / elapsed or 0
  local left = done >= total and "syncing" or rate > 0 and duration((total - done) / rate) .. " left" or ""
  io.stderr:write(("\r\27[K%s [%s%s] %3d%%  %s of %s  %s/s  %s"):format(what, ("#"):rep(filled), ("."):rep(WIDTH - filled),
    math.floor(part * 100), core.bytes(done), core.bytes(total), core.bytes(math.floor(rate)), left))
  io.stderr:flush()
end

--- Waits for a run or a verification; draws a bar when it takes long and somebody watches.
function terminal.wait(work, what, quiet)
  local started = core.monotonic()
  local watched = not quiet and core.is_terminal(2)
  local drawn = false
  local finished, done, total
  local ok, problem = pcall(function()
    repeat
      finished, done, total = work:wait(100)
      local elapsed = core.monotonic() - started
      if watched and not finished and elapsed > SHOW_AFTER then
        draw(what, done, total, elapsed)
        drawn = true
      end
    until finished
  end)
  if drawn then io.stderr:write("\r\27[K") end
  if not ok then error(problem, 0) end
  return core.monotonic() - started
end

return terminal

-- What goes to the terminal beside results: progress, notes, errors.

local core = require "godwit.core"

local terminal = {}

local SHOW_AFTER = 0.5 -- seconds of work before a progress bar appears
local WIDEST_BAR, FAIR_BAR, NARROWEST_BAR, NARROWEST_NAME = 24, 12, 6, 8
local COLUMNS = 80 -- where a terminal does not say how wide it is
local CLEAR = "\r\27[K"

function terminal.note(text)
  io.stderr:write("godwit: ", core.printable(text), "\n")
end

local function duration(seconds)
  seconds = math.ceil(seconds)
  if seconds < 60 then return ("%d s"):format(seconds) end
  if seconds < 3600 then return ("%d:%02d min"):format(seconds // 60, seconds % 60) end
  return ("%d:%02d h"):format(seconds // 3600, seconds % 3600 // 60)
end

local function width_of(text) return utf8.len(text) or #text end

--- The end of a name says more than its beginning.
local function shortened(name, width)
  if width_of(name) <= width then return name end
  local first = utf8.len(name) and utf8.offset(name, 2 - width) or #name + 3 - width
  return ".." .. name:sub(first)
end

--- One line of at most `columns - 1` characters: the cursor must not be sent to the next one. What there is no room for is left
--- out: the rate first, then the bytes, the name, the bar. `last`: what goes on when all bytes are done, or nil.
function terminal.line(what, done, total, elapsed, columns, last)
  local part = total > 0 and math.min(done / total, 1) or 1
  local rate = elapsed > 0 and done / elapsed or 0
  local facts = { ("%3d%%"):format(math.floor(part * 100)), ("%s of %s"):format(core.bytes(done), core.bytes(total)) }
  if rate > 0 then facts[3] = ("%s/s"):format(core.bytes(math.floor(rate))) end
  if done >= total then facts[#facts + 1] = last
  elseif rate > 0 then facts[#facts + 1] = ("%s left"):format(duration((total - done) / rate)) end
  local text = table.concat(facts, "  ")
  local room = columns - 1
  while #facts > 1 and #text + NARROWEST_BAR + 3 > room do
    table.remove(facts, #facts > 3 and 3 or 2)
    text = table.concat(facts, "  ")
  end
  local function bar(width)
    local filled = math.floor(part * width)
    return ("[%s%s] %s"):format(("#"):rep(filled), ("."):rep(width - filled), text)
  end
  local rest = room - #text - 3
  if rest < NARROWEST_BAR then return text:sub(1, math.max(room, 0)) end
  local name = core.printable(what)
  local name_room = math.min(width_of(name), math.max(rest - 1 - FAIR_BAR, NARROWEST_NAME))
  if rest - 1 - name_room < NARROWEST_BAR then return bar(math.min(WIDEST_BAR, rest)) end
  return shortened(name, name_room) .. " " .. bar(math.min(WIDEST_BAR, rest - 1 - name_room))
end

--- Waits for work of core: a run, a verification, a comparison, statistics. Draws a bar when it takes long and somebody
--- watches, and takes it away again. Returns how many seconds it took.
function terminal.wait(work, what, quiet, last)
  local started = core.monotonic()
  local watched = not quiet and core.is_terminal(2) and os.getenv "TERM" ~= "dumb"
  local drawn = false
  local finished, done, total
  local ok, problem = pcall(function()
    repeat
      finished, done, total = work:wait(100)
      local elapsed = core.monotonic() - started
      if watched and not finished and elapsed > SHOW_AFTER then
        io.stderr:write(CLEAR, terminal.line(what, done, total, elapsed, core.columns(2) or COLUMNS, last))
        io.stderr:flush()
        drawn = true
      end
    until finished
  end)
  if drawn then io.stderr:write(CLEAR) end
  if not ok then error(problem, 0) end
  return core.monotonic() - started
end

return terminal

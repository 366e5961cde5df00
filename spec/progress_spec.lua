-- The progress bar: what it says in how much room, and that only those see it who watch long enough.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"
local terminal = require "godwit.terminal"

local GB = 1000 * 1000 * 1000

describe("a line of progress", function()
  it("has name, bar, part, bytes, rate and time left", function()
    assert.equal("out/x [######..................]  25%  1.0 GB of 4.0 GB  500.0 MB/s  6 s left", terminal.line("out/x", GB, 4 * GB, 2, 100))
    assert.equal("out/x [........................]   0%  0 B of 4.0 GB", terminal.line("out/x", 0, 4 * GB, 2, 100))
    assert.equal("out/x [########################] 100%  4.0 GB of 4.0 GB  2.0 GB/s  syncing", terminal.line("out/x", 4 * GB, 4 * GB, 2, 100, "syncing"))
    assert.equal("x [########################] 100%  4.0 GB of 4.0 GB  2.0 GB/s", terminal.line("x", 4 * GB, 4 * GB, 2, 100))
    assert.equal("x [########################] 100%  0 B of 0 B", terminal.line("x", 0, 0, 2, 100))
  end)

  it("counts time in seconds, minutes and hours", function()
    for left, text in pairs { [0.2] = "1 s", [59] = "59 s", [60] = "1:00 min", [3599] = "59:59 min", [3600] = "1:00 h", [7384] = "2:03 h" } do
      assert.matches("  " .. text .. " left$", terminal.line("x", 1000000, 2000000, left, 100))
    end
  end)

  it("never is as wide as the terminal, and keeps what matters most", function()
    for _, name in ipairs { "x", "out/model.ckpt-1000", ("folder/"):rep(30) .. "ckpt", "größe/ckpt-ß", "bad\27[2J\255name" } do
      for columns = 1, 140 do
        local line = terminal.line(name, 3 * GB, 10 * GB, 5, columns)
        assert.is_true((utf8.len(line) or #line) < columns or columns == 1, ("%d: %s"):format(columns, line))
        assert.is_nil(line:find("%c"))
        if columns > 20 then assert.matches("30%%", line) end
        if columns > 35 then assert.matches(" left", line, 1, true) end
      end
    end
    assert.equal("..f/folders/model.ckpt-7 [########....]  70%  7.0 GB of 10.0 GB  1.0 GB/s  3 s left",
      terminal.line("a/long/path/of/folders/model.ckpt-7", 7 * GB, 10 * GB, 7, 84))
    assert.equal("out/model.ckpt-7 [#############......]  70%  7.0 GB of 10.0 GB  1.0 GB/s  3 s left",
      terminal.line("out/model.ckpt-7", 7 * GB, 10 * GB, 7, 83))
  end)
end)

describe("the progress bar", function()
  local folder
  before_each(function()
    folder = scratch.folder()
    scratch.copy(scratch.KINDS .. "names", folder .. "/in")
  end)

  -- About a second of one core; `before` is a shell's, on a terminal of 70 columns.
  local SLOW = [[local t = gw.random_normal { 1 << 20 } for i = 1, 80 do t = t:exp():log() end ckpt.vars.slow = t]]
  local function on_terminal(command, before)
    local line = ("stty cols 70 2>/dev/null; %s %s"):format(before or "", command)
    return program.shell(("TERM=xterm script -qec %s /dev/null </dev/null"):format(program.quoted(line)), folder)
  end
  local RUN = ([["%s" run --threads 1 --force -e '%s' in -o out]]):format(program.PATH, SLOW)

  it("appears on a terminal, stays in one line and goes", function()
    local out, _, status = on_terminal(RUN)
    assert.equal(0, status)
    local bars, widest = 0, 0
    for line in out:gmatch("\r\27%[K([^\r\n\27]*)") do
      if line:find("%", 1, true) then
        bars, widest = bars + 1, math.max(widest, #line)
        assert.matches("^out %[#*%.*%] +%d+%%  ", line)
      end
    end
    assert.is_true(bars >= 2, out)
    assert.is_true(widest < 70)
    -- Erased, then the result from the first column on.
    assert.matches("\r\27%[Kout · name%-based · [^\r\n]*\r\n$", out)
  end)

  it("is for those who watch: not in a pipe, not with --quiet, not on a dumb terminal", function()
    local _, err, status = program.shell(RUN, folder)
    assert.same({ "", 0 }, { err, status })
    for _, command in ipairs { RUN .. " --quiet", "TERM=dumb " .. RUN } do
      local out
      out, _, status = on_terminal(command)
      assert.equal(0, status)
      assert.is_nil(out:find("%", 1, true), out)
    end
    local out = on_terminal(RUN .. " 2>messages")
    assert.is_nil(out:find("%", 1, true))
    assert.equal("", scratch.read(folder .. "/messages"))
  end)

  it("goes when the run is interrupted", function()
    local out, _, status = on_terminal(([[sh -c 'exec "$0" "$@"' %s & pid=$!; sleep 0.8; kill -TERM $pid; wait $pid]]):format(
      RUN:gsub("1 << 20", "1 << 25"))) -- long enough on any machine
    assert.equal(130, status)
    assert.matches("\r\27%[Kgodwit: interrupted\r\n$", out)
    assert.same({ "in.data-00000-of-00001", "in.index" }, scratch.list(folder))
  end)

  --- Work that takes as long as it is asked, seen through what a terminal gets.
  local function watched(seconds, problem)
    local core = require "godwit.core"
    local real, written = { is_terminal = core.is_terminal, monotonic = core.monotonic, stderr = io.stderr }, {}
    local now = 0
    core.is_terminal = function() return true end
    core.monotonic = function() return now end
    io.stderr = { write = function(_, ...) written[#written + 1] = table.concat { ... } end, flush = function() end } -- luacheck: ignore 122
    local ok, result = pcall(terminal.wait, {
      wait = function()
        now = now + 0.1
        if problem and now > seconds then error(problem, 0) end
        return now > seconds, math.floor(now * 10), math.floor(seconds * 10)
      end,
    }, "x")
    core.is_terminal, core.monotonic, io.stderr = real.is_terminal, real.monotonic, real.stderr -- luacheck: ignore 122
    return written, ok, result
  end

  it("waits half a second before it appears", function()
    assert.same({}, (watched(0.45)))
    assert.is_true(#watched(1) > 2)
  end)

  it("goes before an error is told", function()
    local written, ok, result = watched(1, "problem")
    assert.same({ false, "problem", "\r\27[K" }, { ok, result, written[#written] })
  end)

  it("is that of verify, diff and inspect --stats, too", function()
    gw.variables({ x = gw.random_normal { 8 << 20 } }):save(folder .. "/large")
    local real, named = terminal.wait, {}
    terminal.wait = function(work, what)
      named[#named + 1] = what
      return real(work, what, true)
    end
    local out = io.stdout
    io.stdout = { write = function() end } -- luacheck: ignore 122
    local large = folder .. "/large"
    local statuses = {
      require("godwit.commands.verify").run { prefix = { large } },
      require("godwit.commands.diff").run { a = large, b = large, rtol = 0, atol = 0, match = {} },
      require("godwit.commands.inspect").run { prefix = large, match = {}, stats = true },
    }
    terminal.wait, io.stdout = real, out -- luacheck: ignore 122
    assert.same({ 0, 0, 0 }, statuses)
    assert.same({ large, large, large }, named)
  end)
end)

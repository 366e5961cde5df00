-- Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 the recipe is wrong or hit a limit, 4 the input is damaged or no
-- checkpoint, 5 the system refused, 130 interrupted. And whatever the code, nothing is left behind.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder
before_each(function()
  folder = scratch.folder()
  scratch.copy(scratch.KINDS .. "names", folder .. "/in")
  scratch.copy(scratch.KINDS .. "names", folder .. "/damaged")
  scratch.write(folder .. "/damaged.data-00000-of-00001", ("x"):rep(92))
end)

local function status_of(arguments) return select(3, program.shell(program.quoted(program.PATH) .. " " .. arguments, folder)) end

for status, commands in pairs {
  [0] = { "inspect in", "run -e '' in -o out", "plan -e '' in", "verify in", "help", "help run", "--version", "run --help", "inspect in --match zz",
    "diff in in", "diff in in --rtol 1" },
  [1] = { "verify damaged", "verify in damaged", "verify -q damaged", "verify --json damaged" },
  [2] = { "", "frobnicate", "inspect", "inspect in in", "inspect in --nope", "diff in", "diff in in --rtol x",
    "diff in in --match '('", "inspect in --match '('", "run -e '' in", "run -e '' in -o in",
    "run -e '' in -o damaged", "run nothing.lua in -o out", "run nothing in -o out", "run -e '' in -o out -p x=1", "help frobnicate",
    "run -e '' in -o out --shards 6" },
  [3] = { "run -e 'ckpt:' in -o out", "run -e 'error()' in -o out", "run -e 'ckpt:drop \"zz\"' in -o out", "plan -e 'ckpt:drop \".\"' in",
    "plan -e 'gw.match(string.rep(\"a\", 40) .. \"b\", \"(a|aa)+$\")' in" },
  [4] = { "inspect nothing", "inspect damaged --values", "run -e '' damaged -o out", "plan -e 'ckpt.vars.a:value()' damaged",
    "run -e '' . -o out", "verify nothing", "diff in damaged",
    "diff in nothing" },
  [5] = { "run -e '' in -o /proc/out", "inspect in > /dev/full" },
} do
  for _, arguments in ipairs(commands) do
    it(("is %d for godwit %s"):format(status, arguments), function()
      assert.equal(status, status_of(arguments))
      if status ~= 0 then
        assert.same({ "damaged.data-00000-of-00001", "damaged.index", "in.data-00000-of-00001", "in.index" }, scratch.list(folder))
      end
    end)
  end
end

describe("Ctrl-C during a long run", function()
  -- Waits for the first byte of the output, which is there long before the last.
  local COMMAND = [[
    "%s" run -e 'for i = 1, 128 do ckpt.vars["z" .. i] = gw.full({ 1 << 20 }, i, "float32") end' %s in -o %s 2>messages & pid=$!
    until ls -A | grep -q '^\.godwit-.*-data'; do kill -0 $pid 2>/dev/null || break; done
    kill -INT $pid; wait $pid; code=$?; cat messages >&2; rm messages; exit $code]]

  it("gives 130, says so, and leaves nothing of the output", function()
    local _, err, status = program.shell(COMMAND:format(program.PATH, "--threads 1", "out"), folder)
    assert.same({ 130, "godwit: interrupted\n" }, { status, err })
    assert.same({ "damaged.data-00000-of-00001", "damaged.index", "in.data-00000-of-00001", "in.index" }, scratch.list(folder))
  end)

  it("leaves the checkpoint that it would have replaced", function()
    scratch.copy(folder .. "/in", folder .. "/old")
    local _, _, status = program.shell(COMMAND:format(program.PATH, "--force", "old"), folder)
    assert.equal(130, status)
    assert.same(scratch.files_of(folder .. "/in"), scratch.files_of(folder .. "/old"))
    assert.equal(5, #gw.open(folder .. "/old"))
  end)
end)

-- What is computed is written in pieces, tiles (transpose) and after reading several inputs (mean): each is stopped in the midst.
describe("a run that computes", function()
  -- Long enough for a signal that a shell sends when it sees the first byte.
  local SLOW = "local function slow(t) for _ = 1, 60 do t = t:square():sqrt() end return t end "
  local EDITS = {
    cast = SLOW .. [[ckpt:map("z", function(t) return slow(t):cast "bfloat16" end)]],
    average = SLOW .. [[ckpt:map("z", function(t, name) return gw.mean { slow(t), inputs[2].vars[name] } end)]],
    transpose = SLOW .. [[ckpt:map("z", function(t) return slow(t):transpose() end)]],
  }
  local BEFORE = { "damaged.data-00000-of-00001", "damaged.index", "in.data-00000-of-00001", "in.index", "large.data-00000-of-00001", "large.index" }

  before_each(function()
    local large = gw.open(folder .. "/in")
    for i = 1, 16 do large.vars["z" .. i] = gw.full({ 2048, 1024 }, i, "float32") end
    large:save(folder .. "/large")
  end)

  for name, edit in pairs(EDITS) do
    local inputs = name == "average" and "large large" or "large"
    local run = ([["%s" run --threads 1 -e '%s' %s -o out/deep]]):format(program.PATH, edit, inputs)

    for _, signal in ipairs { "INT", "TERM" } do
      it(("gives 130 on SIG%s, says so, and leaves nothing (%s)"):format(signal, name), function()
        if os.getenv "SANITIZE" == "thread" then return pending "the thread sanitizer holds signals back" end
        local _, err, status = program.shell(([[
          %s 2>messages & pid=$!
          until ls -A out 2>/dev/null | grep -q '^\.godwit-.*-data'; do kill -0 $pid 2>/dev/null || break; done
          kill -%s $pid; wait $pid; code=$?; cat messages >&2; rm messages; exit $code]]):format(run, signal), folder)
        assert.same({ 130, "godwit: interrupted\n" }, { status, err })
        assert.same(BEFORE, scratch.list(folder))
      end)
    end

    it(("gives 5 where there is no room, says so, and leaves nothing (%s)"):format(name), function()
      local _, err, status = program.shell("ulimit -f 1000; " .. run, folder)
      assert.equal(5, status)
      assert.matches("^godwit: out/%.?[^\n]*: [^\n]*File too large\n", err)
      assert.same(BEFORE, scratch.list(folder))
    end)
  end
end)

describe("SIGTERM during a long run", function()
  it("ends it like Ctrl-C", function()
    -- As in sandbox_spec.lua.
    if os.getenv "SANITIZE" == "thread" then return pending "the thread sanitizer holds signals back" end
    local _, err, status = program.shell(([[
      "%s" run -e 'print "begun" while true do end' in -o out 2>messages & pid=$!
      until grep -q begun messages; do sleep 0.01; done; kill -TERM $pid; wait $pid; code=$?
      cat messages >&2; rm messages; exit $code]]):format(program.PATH), folder)
    assert.equal(130, status)
    assert.matches("interrupted", err, 1, true)
  end)
end)

describe("inspect interrupted", function()
  it("ends with 130", function()
    -- Far more than a pipe holds: when the first line is read the last one cannot have been written.
    assert.equal(0, status_of [[run -e 'for i = 1, 20000 do ckpt.vars["v" .. i] = gw.scalar(i) end' in -o many]])
    for _, options in ipairs { "--json", "--values" } do
      local _, err, status = program.shell(([[
        rm -f pipe; mkfifo pipe
        "%s" inspect many %s >pipe & pid=$!
        { read -r line; kill -INT $pid; cat >rest; } <pipe
        wait $pid]]):format(program.PATH, options), folder)
      assert.same({ "godwit: interrupted\n", 130 }, { err, status })
    end
  end)
end)

-- How long Tab takes: whole runs of `godwit complete`, the best of BENCH_RUNS=15, where there is much to look through. A row
-- passes below 50 ms, which a person does not notice.

local core = require "godwit.core"
local lfs = require "lfs"

local GODWIT = assert(os.getenv "GODWIT", "GODWIT is the program to time")
local RUNS = tonumber(os.getenv "BENCH_RUNS" or "15")
local MOST = 0.05

local folder = core.make_folder()
local passed, failed = 0, 0

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "w"))
  file:write(text)
end

local function row(what, words, environment)
  local command = ("cd %s && %s %s complete -- %s >/dev/null"):format(folder, environment or "", GODWIT, words)
  local best = math.huge
  for _ = 1, RUNS do
    local started = core.monotonic()
    assert(os.execute(command))
    best = math.min(best, core.monotonic() - started)
  end
  local fine = best < MOST
  if fine then passed = passed + 1 else failed = failed + 1 end
  print(("%s  %s: %.1f ms"):format(fine and "ok  " or "FAIL", what, best * 1000))
end

for _, name in ipairs { "files", "team" } do assert(lfs.mkdir(folder .. "/" .. name)) end
for i = 1, 5000 do
  write(("files/model.ckpt-%d.index"):format(i), "")
  write(("files/model.ckpt-%d.data-00000-of-00001"):format(i), "")
end
for i = 1, 500 do write(("team/recipe_%d.lua"):format(i), core.script_source "recipes.cast") end

row("commands", "''")
row("a recipe's parameters", "run cast x -p ''")
row("checkpoints in a folder of 10,000 files", "inspect files/")
row("a tenth of them", "inspect files/model.ckpt-4")
row("a recipe's input there", "run cast files/")
row("the library's recipes, with summaries", "run ''")
row("and 500 more of GODWIT_PATH", "run ''", "GODWIT_PATH=team")
row("a library's 500 by their beginning", "run recipe_", "GODWIT_PATH=team")

os.execute(("rm -r '%s'"):format(folder))
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)

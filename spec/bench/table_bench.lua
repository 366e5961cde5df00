-- The table of "Speed and memory" for what exists: each job and its yardstick, in turns, within one run. A row passes
-- when the ratio of the medians or of the best runs reaches its goal (a shared machine is noisy; the best run of either
-- side is what the work costs). Results also go to $BENCH_DIR/results.json, outside of the source tree.
--
--   BENCH_DIR=build/bench   where the checkpoints are made (4 GB, and half as much again while a row runs)
--   BENCH_LAYERS=24         BERT layers: 24 is 1.3 GB, 240 is 10 times the data for the rows that must not grow
--   BENCH_RUNS=5            runs of each side
--   PYTHON=                 a Python with TensorFlow, to run TensorFlow's way beside ours

local core = require "godwit.core"
local gw = require "godwit"

local GODWIT = assert(os.getenv "GODWIT", "GODWIT is the program to time")
local DIR = os.getenv "BENCH_DIR" or "build/bench"
local LAYERS = tonumber(os.getenv "BENCH_LAYERS" or "24")
local RUNS = tonumber(os.getenv "BENCH_RUNS" or "5")
local PYTHON = os.getenv "PYTHON"
if PYTHON == "" then PYTHON = nil end
local HIDDEN, VOCABULARY = 1024, 30522
local MEGABYTE = 1000 * 1000

local passed, failed, results = 0, 0, {}

local function sh(command)
  local ok, _, code = os.execute(command)
  if not ok then error(("status %s: %s"):format(code, command), 0) end
end

local function format(template, values)
  return (template:gsub("%%(%u+)%%", function(name) return values[name] or error("no value for " .. name) end))
end

local paths = {
  GODWIT = GODWIT, DIR = DIR, BERT = DIR .. "/bert", SECOND = DIR .. "/bert2", THIRD = DIR .. "/bert3", MANY = DIR .. "/many",
  MILLION = DIR .. "/million", ROWS = DIR .. "/rows", FRESH = DIR .. "/fresh", OBJECTS = DIR .. "/objects", TINY = "examples/data/digits.ckpt-100",
}

-- ---- Measuring

local function seconds(job)
  if job.before then sh(format(job.before, paths)) end
  local command = format(job.command, paths)
  local started = core.monotonic()
  sh(command)
  local elapsed = (core.monotonic() - started) / (job.times or 1)
  if job.after then sh(format(job.after, paths)) end
  return elapsed
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2], sorted[1]
end

--- A job that writes runs twice and its second run counts: on a disk mounted with `discard`, whoever comes just after
--- another's large file was deleted writes at a third of the speed, and in turns that would always be the same side.
local function turn(job)
  if job.after then seconds(job) end
  return seconds(job)
end

--- Both sides in turns: what disturbs one disturbs the other.
local function measure(ours, yardstick)
  local a, b = {}, {}
  for i = 1, RUNS do
    a[i] = turn(ours)
    if yardstick then b[i] = turn(yardstick) end
  end
  local result = {}
  result.median, result.best = median(a)
  if yardstick then result.yard_median, result.yard_best = median(b) end
  return result
end

local function unit(time)
  if time < 0.1 then return ("%.1f ms"):format(time * 1000) end
  return ("%.2f s"):format(time)
end

local function record(row, good, text)
  if good then passed = passed + 1 else failed = failed + 1 end
  print(("%s  %-46s %s"):format(good and "ok    " or "SLOWER", row, text))
  io.stdout:flush()
end

local function keep(row, result, goal)
  results[#results + 1] = core.object {
    { "row", row }, { "median", result.median }, { "best", result.best }, { "yard_median", result.yard_median },
    { "yard_best", result.yard_best }, { "goal", goal },
  }
end

--- At most `reach` times the yardstick.
local function ratio_row(row, reach, ours, yardstick)
  local result = measure(ours, yardstick)
  local middle, best = result.median / result.yard_median, result.best / result.yard_best
  record(row, math.min(middle, best) <= reach, ("%s beside %s: %.2f x (best runs %.2f x; goal %.2f x)"):format(unit(result.median),
    unit(result.yard_median), middle, best, reach))
  keep(row, result, ("%.2f x"):format(reach))
end

--- At most `more` seconds over the yardstick.
local function extra_row(row, more, ours, yardstick)
  local result = measure(ours, yardstick)
  local middle, best = result.median - result.yard_median, result.best - result.yard_best
  record(row, math.min(middle, best) <= more, ("%s beside %s: %s more (best runs %s; goal %s)"):format(unit(result.median),
    unit(result.yard_median), unit(middle), unit(best), unit(more)))
  keep(row, result, "+" .. unit(more))
end

--- At most `most` seconds; the yardstick is shown for comparison.
local function time_row(row, most, ours, yardstick)
  local result = measure(ours, yardstick)
  local beside = yardstick and (" beside %s"):format(unit(result.yard_median)) or ""
  record(row, math.min(result.median, result.best) <= most, ("%s%s (best run %s; goal %s)"):format(unit(result.median), beside,
    unit(result.best), unit(most)))
  keep(row, result, unit(most))
end

--- Peak resident memory of one run, in bytes: the kernel's own count, read by GNU time.
local function peak(command)
  local log = DIR .. "/peak"
  sh(("/usr/bin/time -o %s -f %%M %s >/dev/null"):format(log, format(command, paths)))
  local file <close> = assert(io.open(log))
  return tonumber(file:read "l") * 1024
end

local function memory_row(row, most, command)
  local bytes = peak(command)
  record(row, bytes <= most, ("%s at the peak (goal %s)"):format(core.bytes(bytes), core.bytes(most)))
  results[#results + 1] = core.object { { "row", row }, { "bytes", bytes }, { "goal", core.bytes(most) } }
end

-- ---- Checkpoints

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- Names and shapes as google-research/bert saves them. Values do not matter to the time that copying takes.
local function make_bert(prefix, value)
  local tensors = {}
  local function add(name, ...) tensors[name] = gw.full({ ... }, value, "float32") end
  add("bert/embeddings/word_embeddings", VOCABULARY, HIDDEN)
  add("bert/embeddings/token_type_embeddings", 2, HIDDEN)
  add("bert/embeddings/position_embeddings", 512, HIDDEN)
  for _, part in ipairs { "gamma", "beta" } do add("bert/embeddings/LayerNorm/" .. part, HIDDEN) end
  for i = 0, LAYERS - 1 do
    local layer = ("bert/encoder/layer_%d/"):format(i)
    for _, dense in ipairs { { "attention/self/query", 1, 1 }, { "attention/self/key", 1, 1 }, { "attention/self/value", 1, 1 },
      { "attention/output/dense", 1, 1 }, { "intermediate/dense", 1, 4 }, { "output/dense", 4, 1 } } do
      add(layer .. dense[1] .. "/kernel", dense[2] * HIDDEN, dense[3] * HIDDEN)
      add(layer .. dense[1] .. "/bias", dense[3] * HIDDEN)
    end
    for _, norm in ipairs { "attention/output/LayerNorm/", "output/LayerNorm/" } do
      for _, part in ipairs { "gamma", "beta" } do add(layer .. norm .. part, HIDDEN) end
    end
  end
  gw.variables(tensors):save(prefix, { force = true })
end

local function make_scalars(prefix, count)
  local tensors, scalar = {}, gw.scalar(1.5)
  for i = 0, count - 1 do tensors[("scope_%d/layer_%d/w"):format(i // 1000, i % 1000)] = scalar end
  gw.variables(tensors):save(prefix, { force = true })
end

--- 100,000 objects: 249 layers of 400 variables each, below a root.
local function make_objects(prefix)
  local model, scalar = {}, gw.scalar(1.5)
  for i = 0, 248 do
    local layer = {}
    for j = 0, 399 do layer[("w_%d"):format(j)] = scalar end
    model[("layer_%d"):format(i)] = layer
  end
  gw.objects({ model = model }):save(prefix, { force = true })
end

--- A million rows of 64, and two vocabularies for them: another order, one token of twenty is new.
local function make_rows()
  gw.variables({ w = gw.random_normal({ 1000000, 64 }, { seed = 1 }) }):save(paths.ROWS, { force = true })
  gw.variables({ w = gw.zeros { 1000000, 64 } }):save(paths.FRESH, { force = true })
  local old, new = {}, {}
  for i = 0, 999999 do
    old[i + 1] = ("token_%d"):format(i)
    new[i + 1] = ("%s_%d"):format(i % 20 == 0 and "new" or "token", i * 7919 % 1000000)
  end
  for name, tokens in pairs { old = old, new = new } do
    local file <close> = assert(io.open(("%s/%s.txt"):format(DIR, name), "w"))
    file:write(table.concat(tokens, "\n"), "\n")
  end
end

--- A library of 100 recipes with a manifest, one of which runs by its name.
local function make_library(folder)
  sh(("mkdir -p %s"):format(folder))
  local function write(name, text)
    local file <close> = assert(io.open(("%s/%s.lua"):format(folder, name), "w"))
    file:write(text)
  end
  write("manifest", 'return { name = "bench", version = "1.0", godwit = "1, >= 0.1" }\n')
  for i = 1, 100 do
    write(("recipe_%d"):format(i), ([[
return {
  name = "recipe_%d", version = "1.0", godwit = "1", summary = "The classifier moves", inputs = { "checkpoint" },
  params = { to = { type = "string", default = "scope_%d/", help = "where to" } },
  run = function(ckpt, p) ckpt:rename_scope("classifier/", p.to) end,
}
]]):format(i, i))
  end
end

sh("mkdir -p " .. DIR)
make_library(DIR .. "/library")
local wanted = ("layers %d, objects, rows"):format(LAYERS)
local stamp = io.open(DIR .. "/made")
local made = stamp and stamp:read "l"
if stamp then stamp:close() end
if made ~= wanted or not exists(paths.BERT .. ".index") or not exists(paths.THIRD .. ".index") then
  print("making checkpoints in " .. DIR)
  make_bert(paths.BERT, 0.02)
  make_bert(paths.SECOND, 0.03)
  make_bert(paths.THIRD, -0.01)
  make_scalars(paths.MANY, 100000)
  make_scalars(paths.MILLION, 1000000)
  make_objects(paths.OBJECTS)
  make_rows()
  local file <close> = assert(io.open(DIR .. "/made", "w"))
  file:write(wanted, "\n")
end
assert(io.open(DIR .. "/empty.lua", "w")):close()

-- ---- The rows

local RENAME = [[%GODWIT% run -q -e 'ckpt:rename_scope("/", "new/")' ]]
local CLEAN = "rm -rf %DIR%/out && mkdir -p %DIR%/out"
local function repeated(command) return ("for i in $(seq 40); do %s; done >/dev/null"):format(command) end

extra_row("inspect a small checkpoint, whole process", 0.005,
  { command = repeated "%GODWIT% inspect %TINY%", times = 40 },
  { command = repeated "lua5.4 %DIR%/empty.lua", times = 40 })

-- Written into memory where there is such a place: how long a disk takes to sync four times is no matter of starting.
do
  local place <close> = io.popen "if [ -w /dev/shm ]; then mktemp -d /dev/shm/godwit-bench.XXXXXX; else mktemp -d; fi"
  paths.PLACE = place:read "l"
  extra_row("run a recipe of 100 by its name, whole process", 0.010,
    { command = repeated "GODWIT_PATH=%DIR%/library %GODWIT% run -q recipe_50 %TINY% -o %PLACE%/$i", times = 40,
      after = "rm -rf %PLACE%/*" },
    { command = repeated "lua5.4 %DIR%/empty.lua", times = 40, after = "true" })
  sh(format("rm -rf %PLACE%", paths))
end

time_row("open and list 1,000,000 variables", 1.0,
  { command = "%GODWIT% inspect %MILLION% >/dev/null" }, { command = "cat %MILLION%.index >/dev/null" })

do
  local names = 1000000 * #"scope_000/layer_000/w"
  memory_row("memory of 1,000,000 variables beside their names", 200 * MEGABYTE + names, "%GODWIT% inspect %MILLION%")
end

-- The REPL answers: each line beside a session that only opens the checkpoint.
do
  local function session(row, most, lines)
    local script = DIR .. "/session"
    do
      local file <close> = assert(io.open(script, "w"))
      file:write(lines, "\n")
    end
    extra_row("repl of 1,000,000 variables: " .. row, most, { before = CLEAN, command = "%GODWIT% repl %MILLION% <" .. script .. " >/dev/null" },
      { command = "echo | %GODWIT% repl %MILLION%" })
  end
  local RULE = [[local n = ckpt:rename_scope("/", "new/")]]
  session("ckpt", 0.5, "ckpt")
  session("a rename", 1.0, RULE)
  session("a rename and .plan", 2.0, RULE .. "\n.plan")
  session("a rename and .undo", 2.0, RULE .. "\n.undo")
  session("a rename and .save", 3.0, RULE .. "\n.save -q " .. DIR .. "/out/x")

  local complete, ckpt = require "godwit.complete", gw.open(paths.MILLION)
  for _, typed in ipairs { 'ckpt.vars["', 'ckpt.vars["scope_5', 'ckpt.vars["scope_999/layer_999' } do
    local started = core.monotonic()
    local text, candidates = complete({ ckpt = ckpt }, typed, {})
    local elapsed = core.monotonic() - started
    record("Tab after " .. typed, elapsed <= 0.1 and (text ~= "" or #candidates <= 100), ("%s (goal %s)"):format(unit(elapsed), unit(0.1)))
  end
end

-- The yardstick copies an index of the same size and syncs it and the folder.
extra_row("rename every variable, --data link", 0.030,
  { before = CLEAN, command = RENAME .. "--data link %BERT% -o %DIR%/out/x" },
  { before = CLEAN, command = "cp %BERT%.index %DIR%/out/x.index && sync %DIR%/out/x.index && sync %DIR%/out" })

ratio_row("rename every variable, --data copy, verified", 1.1,
  { before = CLEAN, command = RENAME .. "%BERT% -o %DIR%/out/x", after = CLEAN },
  { before = CLEAN, after = CLEAN,
    command = "cp %BERT%.data-00000-of-00001 %DIR%/out/x.data && cp %BERT%.index %DIR%/out/x.index && "
      .. "sync %DIR%/out/x.data && sync %DIR%/out/x.index && sync %DIR%/out" })

ratio_row("verify", 1.1, { command = "%GODWIT% verify -q %BERT%" },
  { command = "dd if=%BERT%.data-00000-of-00001 of=/dev/null bs=1M status=none" })

-- Twice the same values take the way on which nothing differs, other values the one on which everything does.
ratio_row("diff of the same values", 1.3, { command = "%GODWIT% diff -q %BERT% %BERT%" },
  { command = "for i in 1 2; do dd if=%BERT%.data-00000-of-00001 of=/dev/null bs=1M status=none; done" })
ratio_row("diff of other values", 1.6, { command = "%GODWIT% diff -q %BERT% %SECOND% || [ $? -eq 1 ]" },
  { command = "for i in %BERT% %SECOND%; do dd if=$i.data-00000-of-00001 of=/dev/null bs=1M status=none; done" })

-- What any program that computes must do: read `names`, and write so many megabytes of `source`.
local function moving(names, source, megabytes)
  local parts = {}
  for _, name in ipairs(names) do parts[#parts + 1] = ("dd if=%%%s%%.data-00000-of-00001 of=/dev/null bs=1M status=none"):format(name) end
  parts[#parts + 1] = ("dd if=%s of=%%DIR%%/out/y.data bs=1M count=%d status=none"):format(source, megabytes)
  parts[#parts + 1] = "sync %DIR%/out/y.data && sync %DIR%/out"
  return table.concat(parts, " && ")
end

local function bytes_of(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:seek "end"
end
local megabytes = bytes_of(paths.BERT .. ".data-00000-of-00001") // (1 << 20)

ratio_row("cast float32 to bfloat16", 1.3,
  { before = CLEAN, after = CLEAN, command = [[%GODWIT% run -q -e 'ckpt:map(".", function(t) return t:cast "bfloat16" end)' %BERT% -o %DIR%/out/x]] },
  { before = CLEAN, after = CLEAN, command = moving({ "BERT" }, "/dev/zero", megabytes // 2) })

local AVERAGE = [[%GODWIT% run -q -e 'for name, t in ckpt:each() do ckpt.vars[name] = gw.mean { t, inputs[2].vars[name], inputs[3].vars[name] } end' ]]
  .. [[%BERT% %SECOND% %THIRD% -o %DIR%/out/x]]
ratio_row("average three checkpoints", 1.3, { before = CLEAN, after = CLEAN, command = AVERAGE },
  { before = CLEAN, after = CLEAN, command = moving({ "SECOND", "THIRD" }, "%BERT%.data-00000-of-00001", megabytes) })

local TRANSPOSE = [[%GODWIT% run -q -e 'ckpt:map("kernel$", function(t) return t:transpose() end)' %BERT% -o %DIR%/out/x]]
ratio_row("transpose every kernel", 2.0, { before = CLEAN, after = CLEAN, command = TRANSPOSE },
  { before = CLEAN, after = CLEAN,
    command = "cp %BERT%.data-00000-of-00001 %DIR%/out/x.data && sync %DIR%/out/x.data && sync %DIR%/out" })

time_row("rename 100,000 scalars", 0.3, { before = CLEAN, command = RENAME .. "%MANY% -o %DIR%/out/x" })

-- The object graph is decoded, edited, and encoded with every key anew.
time_row("rename an object above 100,000 others", 1.0,
  { before = CLEAN, command = [[%GODWIT% run -q -e 'gw.graph.rename(ckpt.root, "model", "net")' %OBJECTS% -o %DIR%/out/x]] })

time_row("rename 100,000 objects by a rule", 1.5,
  { before = CLEAN, command = [[%GODWIT% run -q -e 'ckpt:rename("(^|/)w_([0-9]+)$", "$1v_$2")' %OBJECTS% -o %DIR%/out/x]] })

time_row("graph --json of 100,000 objects", 4.0, { command = "%GODWIT% graph --json %OBJECTS% >/dev/null" })

memory_row("peak memory: inspect", 100 * MEGABYTE, "%GODWIT% inspect %BERT%")
memory_row("peak memory: inspect --stats", 100 * MEGABYTE, "%GODWIT% inspect --stats %BERT%")
memory_row("peak memory: rename, --data copy", 100 * MEGABYTE, RENAME .. "--force %BERT% -o %DIR%/out/x")
memory_row("peak memory: rename, --data link", 100 * MEGABYTE, RENAME .. "--force --data link %BERT% -o %DIR%/out/x")
memory_row("peak memory: average of three", 100 * MEGABYTE, AVERAGE .. " --force")
memory_row("peak memory: transpose", 100 * MEGABYTE, TRANSPOSE .. " --force")
memory_row("peak memory: verify", 100 * MEGABYTE, "%GODWIT% verify -q %BERT%")
memory_row("peak memory: diff", 100 * MEGABYTE, "%GODWIT% diff -q %BERT% %BERT%")
memory_row("peak memory: rename 100,000 objects", 200 * MEGABYTE,
  [[%GODWIT% run -q --force -e 'ckpt:rename("(^|/)w_([0-9]+)$", "$1v_$2")' %OBJECTS% -o %DIR%/out/x]])
memory_row("peak memory: rename 100,000 scalars", 100 * MEGABYTE, RENAME .. "--force %MANY% -o %DIR%/out/x")

local WARM = "%GODWIT% run -q warm_start %FRESH% %ROWS% -p rows=w -p new_vocab=@%DIR%/new.txt -p old_vocab=@%DIR%/old.txt -o %DIR%/out/x 2>/dev/null"
do
  local function bytes_of_file(name) return bytes_of(("%s/%s.txt"):format(DIR, name)) end
  memory_row("peak memory: remap 1,000,000 rows beside the vocabularies", 100 * MEGABYTE + bytes_of_file "old" + bytes_of_file "new",
    WARM .. " --force")
end

if PYTHON then
  -- The same remapping by TensorFlow's own operations; both write the result.
  local remap = DIR .. "/remap.py"
  do
    local file <close> = assert(io.open(remap, "w"))
    file:write([[
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import tensorflow as tf
from tensorflow.python.ops import gen_checkpoint_ops as ops
rows, present = ops.generate_vocab_remapping(new_vocab_file=sys.argv[2], old_vocab_file=sys.argv[3], new_vocab_offset=0, num_new_vocab=1000000)
value = ops.load_and_remap_matrix(ckpt_path=sys.argv[1], old_tensor_name="w", row_remapping=rows, col_remapping=tf.zeros([0], tf.int64),
                                  initializing_values=tf.zeros([(1000000 - int(present)) * 64]), num_rows=1000000, num_cols=64)
tf.raw_ops.SaveV2(prefix=sys.argv[4], tensor_names=["w"], shape_and_slices=[""], tensors=[value])
]])
  end
  paths.PYTHON, paths.SCRIPT = PYTHON, remap
  local runs = RUNS
  RUNS = math.min(RUNS, 3)
  ratio_row("remap 1,000,000 rows beside TensorFlow", 0.25, { before = CLEAN, command = WARM },
    { before = CLEAN, command = "%PYTHON% %SCRIPT% %ROWS% %DIR%/new.txt %DIR%/old.txt %DIR%/out/tf 2>/dev/null" })
  RUNS = runs
end

if PYTHON then
  -- What TensorFlow's users wait for: the least it can do (raw save op), import included.
  local script = DIR .. "/rename.py"
  do
    local file <close> = assert(io.open(script, "w"))
    file:write([[
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import tensorflow as tf
reader = tf.train.load_checkpoint(sys.argv[1])
named = {"new/" + k: tf.constant(reader.get_tensor(k)) for k in sorted(reader.get_variable_to_shape_map())}
tf.raw_ops.SaveV2(prefix=sys.argv[2], tensor_names=list(named), shape_and_slices=[""] * len(named), tensors=list(named.values()))
]])
  end
  paths.PYTHON, paths.SCRIPT = PYTHON, script
  RUNS = 1
  for _, what in ipairs { "BERT", "MANY" } do
    local theirs = seconds { before = CLEAN, command = "%PYTHON% %SCRIPT% %" .. what .. "% %DIR%/out/tf 2>/dev/null" }
    local ours = seconds { before = CLEAN, command = RENAME .. "%" .. what .. "% -o %DIR%/out/x" }
    print(("        TensorFlow renames %s in %s, godwit in %s: %.0f times as fast"):format(what:lower(), unit(theirs), unit(ours), theirs / ours))
  end
end

sh(format("rm -rf %DIR%/out", paths))
do
  local file <close> = assert(io.open(DIR .. "/results.json", "w"))
  file:write(core.json(core.object { { "schema", 1 }, { "version", gw.version }, { "layers", LAYERS }, { "runs", RUNS }, { "rows", results } }, 1), "\n")
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)

-- godwit run RECIPE INPUT... -o OUT

local core = require "godwit.core"
local check = require "godwit.commands.check"
local plan = require "godwit.commands.plan"
local terminal = require "godwit.terminal"

local run = { summary = "migrate: run a recipe on checkpoints and write the result" }

local function parse_threads(text)
  local count = math.tointeger(tonumber(text))
  if not count or count < 1 or count > 256 then return nil, ("--threads takes a number from 1 to 256, not '%s'"):format(text) end
  return count
end

run.add_layout, run.layout = plan.add_layout, plan.layout

--- The options of whatever writes checkpoints.
function run.add_writing(parser)
  parser:flag("--force", "replace an existing OUT, so that at every moment it is wholly old or wholly new")
  parser:flag("--latest", "make OUT what tf.train.latest_checkpoint finds in its folder")
  parser:option("--threads", "how many threads read, check and write (default: one per core)"):argname("N"):convert(parse_threads)
  parser:flag("-q --quiet", "print nothing but errors")
end

function run.parser(argparse)
  local parser = argparse("godwit run", run.summary):usage(plan.usage("run", "-o OUT "))
  plan.add_arguments(parser)
  parser:option("-o --output", "the prefix to write; NAME=OUT for each of several outputs"):argname("OUT"):count("*")
  parser:option("--like", "refuse to write what the model of this checkpoint would not load"):argname("TARGET")
  check.add_assertion(parser, { "consumed", "existing" })
  parser:flag("--lineage", "write OUT.godwit.json beside OUT: where it comes from, for `godwit lineage`")
  run.add_writing(parser)
  return parser
end

--- Core knows the inputs that a plan reads; a recipe may have looked at values of others.
local function check_not_input(path, inputs)
  for _, input in ipairs(inputs) do
    if core.same(path, input) then
      core.fail {
        class = "usage", file = path, what = "is an input, and inputs are never written to",
        hint = "write to another prefix; files can be renamed afterwards",
      }
    end
  end
end

local function check_outputs(compiled, inputs)
  local seen = {}
  for _, output in ipairs(compiled) do
    if not output.path then
      local what = output.name == "" and "-o OUT is missing: where should the result go?"
        or ("-o %s=OUT is missing: where should this output go?"):format(output.name)
      core.fail { class = "usage", what = what, hint = "`godwit plan` shows what would be done without writing" }
    end
    if seen[output.path] then core.fail { class = "usage", what = ("two outputs would go to %s"):format(output.path) } end
    seen[output.path] = true
    check_not_input(output.path, inputs)
  end
end

local function summary(output, seconds)
  local totals = output.plan:totals()
  local kind = totals.kind == "objects" and "object-based" or "name-based"
  local bytes = totals.bytes_moved + totals.bytes_computed + totals.bytes_shared
  return ("%s · %s · %s · %s in %.2f s\n"):format(output.path, kind, plan.counts(totals), core.bytes(bytes), seconds)
end

--- Every output must load into the model of `--like`.
local function check_like(values, compiled)
  if not values.like then
    if values["assert"] then core.fail { class = "usage", what = "--assert needs --like TARGET: a checkpoint of the model that is to load the output" } end
    return
  end
  local target, path = check.open(values.like, values.quiet)
  for _, output in ipairs(compiled) do
    local report = output.draft:like(target)
    local _, yes = check.answer(report, values["assert"])
    if not yes then
      core.fail { class = "answer", what = check.text(output.path, path, report, false), hint = "nothing was written" }
    end
  end
end

function run.run(values)
  local opened = plan.open_saved(values)
  if #values.output == 0 and #values.recipe > 0 then
    core.fail { class = "usage", what = "-o OUT is missing: where should the result go?", hint = "`godwit plan` shows what would be done without writing" }
  end
  local form = "godwit run RECIPE INPUT... -o OUT, or godwit run -e 'LUA' INPUT... -o OUT"
  local compiled, inputs, made = plan.compile(values, form, opened or values.lineage)
  if opened then require "godwit.saved_plan".compare(opened, compiled, made) end
  check_like(values, compiled)
  run.write(compiled, inputs, values, made)
  if values.json and not values.quiet then require "godwit.plan_json".print(compiled, values.memory) end
  return 0
end

--- Says beside every output where it comes from.
local function write_lineages(compiled, works, made, quiet)
  local lineage = require "godwit.lineage"
  local prepared = lineage.prepare(made, function(text)
    if not quiet then terminal.note(text) end
  end)
  for i, output in ipairs(compiled) do
    works[i]:lineage(lineage.text(prepared, output.path, output.name, works[i]:index_path(), output.plan:totals(), core.time()))
  end
end

--- Writes every output, or none: all are written aside before the first is moved into place. `made`: what it all was made
--- from, with `values.lineage`.
function run.write(compiled, inputs, values, made)
  check_outputs(compiled, inputs)
  -- The last one first: a folder that the first had to make can go once it is empty.
  local works <close> = setmetatable({}, { __close = function(works)
    for i = #works, 1, -1 do works[i]:close() end
  end })
  for i, output in ipairs(compiled) do
    works[i] = output.plan:run(output.path, {
      force = values.force, latest = values.latest, threads = values.threads, memory = values.memory, timestamp = core.time(),
      lineage = values.lineage,
    })
    output.seconds = terminal.wait(works[i], output.path, values.quiet, "syncing")
  end
  if values.lineage then write_lineages(compiled, works, made, values.quiet) end
  for i, output in ipairs(compiled) do
    works[i]:commit()
    local number, note = 1, works[i]:note(1)
    while note and not values.quiet do
      terminal.note(note)
      number = number + 1
      note = works[i]:note(number)
    end
    if not values.quiet and not values.json then io.stdout:write(summary(output, output.seconds)) end
  end
end

return run

-- godwit restore OLD --into FRESH -o OUT: FRESH with the values that TensorFlow's restore would take from OLD.

local core = require "godwit.core"
local check = require "godwit.commands.check"
local run = require "godwit.commands.run"

local restore = { summary = "put a checkpoint's values into the checkpoint of a fresh model, as TensorFlow's restore would" }

function restore.parser(argparse)
  local parser = argparse("godwit restore", restore.summary)
  parser:argument("old", "the checkpoint whose values are wanted"):argname("OLD")
  parser:option("--into", "a checkpoint of the freshly built model"):argname("FRESH"):count(1)
  parser:option("-o --output", "the prefix to write"):argname("OUT"):count(1)
  check.add_assertion(parser, { "consumed", "existing", "none" })
  run.add_layout(parser)
  run.add_writing(parser)
  parser:flag("--json", "print JSON: the report, as check gives it")
  return parser
end

function restore.run(values)
  local old, old_path = check.open(values.old, values.quiet)
  local fresh, fresh_path = check.open(values.into, values.quiet)
  local report = old:like(fresh)
  local assertion, yes = check.answer(report, values["assert"])
  -- One document: the report, or the error that writing gave.
  local function print_json()
    if values.quiet then return end
    local fields = { { "schema", 1 }, { "path", old_path }, { "target", fresh_path }, { "output", values.output } }
    io.stdout:write(check.json(fields, report, assertion, yes), "\n")
  end
  if not yes then
    if values.json then print_json() else io.stderr:write("godwit: ", check.text(old_path, fresh_path, report, false), "\n") end
    return 1
  end
  fresh:restore(old)
  local compiled = { { name = "", path = values.output, plan = core.plan(fresh, run.layout(values)) } }
  run.write(compiled, { old_path, fresh_path }, { force = values.force, latest = values.latest, threads = values.threads,
    memory = values.memory, quiet = values.quiet, json = values.json })
  if values.json then
    print_json()
  elseif not values.quiet then
    io.stdout:write(check.text(old_path, fresh_path, report, true), "\n")
  end
  return 0
end

return restore

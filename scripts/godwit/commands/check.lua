-- godwit check PREFIX --like TARGET: would TARGET's model load PREFIX? What restore and `run --like` say of it, too.

local core = require "godwit.core"
local match = require "godwit.match"
local terminal = require "godwit.terminal"

local check = { summary = "say whether a model would load a checkpoint" }

local LISTS = { "missing", "unexpected", "mismatched", "restored", "notes" }

function check.parser(argparse)
  local parser = argparse("godwit check", check.summary)
  parser:argument("prefix", "the checkpoint to load"):argname("PREFIX")
  parser:option("--like", "a checkpoint of the freshly built model"):argname("TARGET"):count(1)
  parser:option("--as", "how the model loads: restore (default when TARGET has a save_counter) or read (Keras' load_weights)"):argname("HOW")
    :choices { "restore", "read" }
  check.add_assertion(parser, { "consumed", "existing" })
  parser:flag("--json", "print JSON")
  parser:flag("-q --quiet", "print nothing; the exit code answers")
  return parser
end

function check.add_assertion(parser, choices)
  parser:option("--assert", "what must hold: consumed (default for objects) or existing (default where names decide)"
    .. (choices[3] and "; or none" or "")):argname("WHAT"):choices(choices)
end

--- Opens what was typed as a draft; says what was understood.
function check.open(path, quiet)
  local prefix, note = core.locate(path)
  if note and not quiet then terminal.note(note) end
  return core.open(prefix):draft(), prefix
end

--- The assertion that counts, and whether it holds. TensorFlow raises before anything can be asserted.
function check.answer(report, assertion)
  assertion = assertion or match.default_assertion(report)
  if assertion == "none" then return assertion, not report.raises end
  return assertion, report[assertion]
end

local function items_json(items)
  local list = {}
  for i, item in ipairs(items) do
    list[i] = core.object { { "name", item.name }, { "key", item.key }, { "from", item.from }, { "reason", item.reason } }
  end
  return list
end

--- The fields of a report, after those given.
function check.json(fields, report, assertion, yes)
  for _, field in ipairs {
    { "as", report.mode }, { "by_names", report.by_names }, { "assert", assertion }, { "answer", yes }, { "consumed", report.consumed },
    { "existing", report.existing }, { "raises", report.raises },
  } do fields[#fields + 1] = field end
  for _, list in ipairs(LISTS) do fields[#fields + 1] = { list, items_json(report[list]) } end
  return core.json(core.object(fields), 1)
end

function check.text(path, target, report, yes)
  local how = report.by_names and "by names" or ("by %s"):format(report.mode)
  return ("%s %s %s %s: %s"):format(path, yes and "loads into" or "does not load into", target, how, tostring(report))
end

function check.run(values)
  local source, path = check.open(values.prefix, values.quiet)
  local target, target_path = check.open(values.like, values.quiet)
  local report = source:like(target, { as = values["as"] })
  local assertion, yes = check.answer(report, values["assert"])
  if values.json and not values.quiet then
    io.stdout:write(check.json({ { "schema", 1 }, { "path", path }, { "target", target_path } }, report, assertion, yes), "\n")
  elseif not values.quiet then
    io.stdout:write(check.text(path, target_path, report, yes), "\n")
  end
  return yes and 0 or 1
end

return check

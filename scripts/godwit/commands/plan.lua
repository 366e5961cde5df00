-- godwit plan RECIPE INPUT...: what run would do. run.lua uses the same arguments and the same compilation.

local core = require "godwit.core"
local library = require "godwit.library"
local plan_json = require "godwit.plan_json"
local terminal = require "godwit.terminal"
local plural = require "godwit.plural"

local plan = { summary = "show what a recipe would do, without writing anything" }

local SIGNS = { unchanged = "=", renamed = ">", computed = "*", new = "+" }
local WIDEST_NAME = 80

-- ---- Arguments

local UNITS = { [""] = 1, K = 1024, M = 1024 ^ 2, G = 1024 ^ 3 }

--- The value of a flag like --memory: bytes.
function plan.size(flag)
  return function(text)
    local number, unit = text:match("^(%d+)%s*([KMG]?)i?B?$")
    local bytes = number and math.tointeger(tonumber(number) * UNITS[unit])
    if not bytes then return nil, ("%s takes a size like 64M, not '%s'"):format(flag, text) end
    return bytes
  end
end

--- How the output is laid out, and what writing it may take.
function plan.add_layout(parser)
  parser:option("--data", "how unchanged bytes get there: copy, clone (reflink) or link (hard link)"):argname("HOW"):choices { "copy", "clone", "link" }
  parser:option("--shards", "how many data files to write (default: as the input has)"):argname("N"):convert(function(text)
    local count = math.tointeger(tonumber(text))
    if not count or count < 1 or count > 99999 then return nil, ("--shards takes a number from 1 to 99999, not '%s'"):format(text) end
    return count
  end)
  parser:mutex(
    parser:flag("--no-verify", "do not check the checksums of copied data"),
    parser:flag("--verify", "check the checksums of linked and cloned data too"))
  parser:option("--memory", "how much memory buffers may take (default 64M)"):argname("SIZE"):convert(plan.size "--memory")
end

function plan.layout(values)
  return { data = values.data, shards = values.shards, no_verify = values.no_verify, verify = values.verify }
end

local function parse_steps(text)
  local count = text:match("^%d+$") and math.tointeger(tonumber(text))
  if not count or count < 1 then return nil, ("--max-steps takes a whole number like 1000000, not '%s'"):format(text) end
  return count
end

local function parse_seconds(text)
  local seconds = tonumber(text)
  if not seconds or seconds ~= seconds or seconds <= 0 or seconds > 1e6 then
    return nil, ("--max-recipe-time takes seconds, from above 0 to a million, not '%s'"):format(text)
  end
  return seconds
end

--- What a recipe may take.
local function add_limits(parser)
  parser:option("--max-steps", "steps of Lua that the recipe may take (default 1000000000)"):argname("N"):convert(parse_steps)
  parser:option("--max-recipe-memory", "memory that the recipe may take (default 1G)"):argname("SIZE"):convert(plan.size "--max-recipe-memory")
  parser:option("--max-recipe-time", "processor time that the recipe may take (default 60)"):argname("SECONDS"):convert(parse_seconds)
end

--- What run and plan have in common.
function plan.add_arguments(parser)
  parser:argument("recipe", "the recipe (a file, or a name in the library), then the checkpoints it works on; with -e only the checkpoints")
    :argname("[RECIPE] INPUT"):args("*")
  parser:option("-e --execute", "a recipe as an argument: Lua that sees ckpt, inputs, p and gw"):argname("LUA")
  parser:option("-p --param", "a parameter of the recipe; NAME=@FILE for a file"):argname("NAME=VALUE"):count("*")
  plan.add_layout(parser)
  add_limits(parser)
  parser:option("--plan", "a saved plan instead of recipe and inputs: refused when any of them has changed since"):argname("FILE")
  parser:flag("--json", "print JSON")
end

--- With --plan: opens the saved plan and takes its arguments; else nil.
function plan.open_saved(values) return values.plan and require "godwit.saved_plan".open(values) end

--- A usage line that reads better than the generated one: either a recipe comes first, or -e.
function plan.usage(name, output)
  return ("Usage: godwit %s RECIPE INPUT... %s[OPTION]...\n       godwit %s -e 'LUA' INPUT... %s[OPTION]..."):format(name, output, name, output)
end

function plan.parser(argparse)
  local parser = argparse("godwit plan", plan.summary):usage(plan.usage("plan", ""))
  plan.add_arguments(parser)
  parser:option("-o --output", "where run would write; only shown"):argname("OUT"):count("*")
  parser:option("--save", "save the plan, for run --plan"):argname("FILE")
  return parser
end

function plan.parse_assignments(list, flag, form, hint)
  local assignments = {}
  for _, text in ipairs(list) do
    local name, value = text:match("^([%a_][%w_]*)=(.*)$")
    if not name then core.fail { class = "usage", what = ("%s takes %s, not '%s'"):format(flag, form, text), hint = hint } end
    if assignments[name] then core.fail { class = "usage", what = ("%s: '%s' is given twice"):format(flag, name) } end
    assignments[name] = value
  end
  return assignments
end

--- The paths of -o by the names of the outputs; "" for the only one.
function plan.parse_outputs(list, outputs)
  local paths = {}
  if outputs[""] then
    if #list > 1 then core.fail { class = "usage", what = "the recipe has one output, and -o is given more than once" } end
    paths[""] = list[1]
    return paths
  end
  local names = {}
  for name in pairs(outputs) do names[#names + 1] = name end
  table.sort(names)
  local known = "the recipe's outputs are " .. table.concat(names, ", ")
  local given = plan.parse_assignments(list, "-o", "NAME=OUT", known)
  for name in pairs(given) do
    if not outputs[name] then core.fail { class = "usage", what = ("the recipe has no output '%s'"):format(name), hint = known } end
  end
  for _, name in ipairs(names) do paths[name] = given[name] end
  return paths, names
end

-- ---- Compiling

--- Runs the recipe and compiles every output. Returns a sequence of {name =, path =, plan =, draft =} in the order of the
--- names, the inputs' prefixes, and with `trace` what it was made from (origin.lua). `form`: how the command is called, for
--- who left something out.
function plan.compile(values, form, trace)
  local arguments = values.recipe
  local function say(note)
    if not values.quiet then terminal.note(note) end
  end
  local source, chunk, found
  if values.execute then
    source, chunk = values.execute, "=-e"
  else
    if #arguments == 0 then core.fail { class = "usage", what = "which recipe, and on which checkpoint?", hint = form } end
    source, chunk, found = library.find(arguments[1])
    if found then say(found) end
    arguments = table.move(arguments, 2, #arguments, 1, {})
  end
  if #arguments == 0 then core.fail { class = "usage", what = "there is no checkpoint to work on", hint = form } end
  local sandbox, description = library.load(source, chunk, {
    expression = values.execute ~= nil, end_program = true, json = values.json, steps = values.max_steps, memory = values.max_recipe_memory,
    seconds = values.max_recipe_time, say = say,
  })
  local given = plan.parse_assignments(values.param, "-p", "NAME=VALUE")
  local outputs, prefixes, notes, made = library.run(sandbox, description, arguments, given, say, trace)
  for _, note in ipairs(notes) do say(note) end
  local paths, names = plan.parse_outputs(values.output or {}, outputs)
  local options = plan.layout(values)
  local compiled = {}
  for i, name in ipairs(names or { "" }) do
    local ok, result = pcall(core.plan, outputs[name], options)
    if not ok then
      if type(result) == "table" and name ~= "" then result.message = ("output %s: %s"):format(name, result.message) end
      error(result, 0)
    end
    compiled[i] = { name = name, path = paths[name], plan = result, draft = outputs[name] }
  end
  if made then
    made.name, made.source, made.chunk, made.description = not values.execute and values.recipe[1] or nil, source, chunk, description
  end
  return compiled, prefixes, made
end

-- ---- Printing

local function width_of(text) return utf8.len(text) or #text end

local function pad(text, width) return text .. (" "):rep(width - width_of(text)) end

local function widths(rows)
  local name, dtype, shape = 0, 0, 0
  for entry in rows() do
    name = math.max(name, math.min(width_of(core.printable(entry.name)), WIDEST_NAME))
    if entry.dtype then
      dtype = math.max(dtype, #entry.dtype)
      shape = math.max(shape, #tostring(entry.shape))
    end
  end
  return name, dtype, shape
end

local function explanation(entry)
  local parts = {}
  if entry.action ~= "unchanged" then parts[1] = ("%s %s"):format(entry.action == "renamed" and "from" or "=", entry.expression) end
  if entry.slices then parts[#parts + 1] = "in " .. plural(#entry.slices, "slice") end
  if entry.replaces then
    parts[#parts + 1] = ("(in place of %s)"):format(entry.replaces == entry.name and "the old value" or core.printable(entry.replaces))
  end
  if entry.line and entry.action ~= "unchanged" then parts[#parts + 1] = " " .. entry.line end
  return table.concat(parts, " ")
end

--- What is shown of an output, as a function that gives iterators over its entries and what is dropped ({name =, dropped =, line =}): all
--- of it, or the first `most` that are not unchanged. The second result: how many are left out.
local function rows_of(compiled_plan, totals, most)
  local numbers, count, gone = nil, totals.tensors, totals.dropped
  if most and count + gone > most then
    numbers = compiled_plan:changed(most)
    count, gone = #numbers, math.min(gone, most - #numbers)
  end
  return function()
    local i = 0
    return function()
      i = i + 1
      if i <= count then return compiled_plan:entry(numbers and numbers[i] or i) end
      if i > count + gone then return nil end
      local name, line = compiled_plan:dropped(i - count)
      return { name = name, dropped = true, line = line }
    end
  end, totals.tensors + totals.dropped - count - gone
end

local function print_output(output, several, most)
  local out = io.stdout
  if several then out:write(("%s:\n"):format(output.name)) end
  local rows, left_out = rows_of(output.plan, output.plan:totals(), most)
  local name_width, dtype_width, shape_width = widths(rows)
  for entry in rows() do
    local name = pad(core.printable(entry.name), name_width)
    if entry.dropped then
      out:write(("  -  %s  %s"):format(name, entry.line and "dropped by " .. entry.line or "dropped"), "\n")
    else
      local line = ("  %s  %s  %s  %s  %s"):format(SIGNS[entry.action], name, pad(entry.dtype, dtype_width), pad(tostring(entry.shape), shape_width),
        explanation(entry))
      out:write((line:gsub("%s+$", "")), "\n")
    end
  end
  if left_out > 0 then out:write(("  and %d more\n"):format(left_out)) end
end

--- "3 tensors: 1 unchanged, 2 renamed; 1 dropped"
function plan.counts(totals)
  local parts = {}
  for _, action in ipairs { "unchanged", "renamed", "computed", "new" } do
    if totals[action] > 0 then parts[#parts + 1] = ("%d %s"):format(totals[action], action) end
  end
  local dropped = totals.dropped > 0 and ("; %d dropped"):format(totals.dropped) or ""
  return ("%s: %s%s"):format(plural(totals.tensors, "tensor"), table.concat(parts, ", "), dropped)
end

--- The same for people. `most`: of an output with more lines only so many, without what is unchanged; nil for all of them.
function plan.print_text(compiled, memory, most)
  local all = { tensors = 0, unchanged = 0, renamed = 0, computed = 0, new = 0, dropped = 0 }
  for _, output in ipairs(compiled) do
    print_output(output, #compiled > 1, most)
    local totals = output.plan:totals()
    for field in pairs(all) do all[field] = all[field] + totals[field] end
  end
  local sum = plan_json.sum(compiled)
  local work = {}
  local parts = {
    { sum.bytes_computed, "to compute" }, { sum.bytes_moved, "to copy" }, { sum.bytes_shared, "to share" },
    { sum.bytes_unverified, "unverified" },
  }
  for _, part in ipairs(parts) do
    if part[1] > 0 then work[#work + 1] = ("%s %s"):format(core.bytes(part[1]), part[2]) end
  end
  memory = memory or core.default_memory
  if sum.bytes_computed + sum.bytes_moved > memory then work[#work + 1] = ("buffers of %s"):format(core.bytes(memory)) end
  io.stdout:write(("%s · %s\n"):format(plan.counts(all), #work > 0 and table.concat(work, ", ") or "no bytes to write"))
end

function plan.run(values)
  local opened = plan.open_saved(values)
  local compiled, _, made = plan.compile(values, "godwit plan RECIPE INPUT..., or godwit plan -e 'LUA' INPUT...", opened or values.save)
  if opened then require "godwit.saved_plan".compare(opened, compiled, made) end
  if values.save then require "godwit.saved_plan".write(values.save, values, compiled, made) end
  if values.json then plan_json.print(compiled, values.memory) else plan.print_text(compiled, values.memory) end
  io.stdout:flush() -- the note comes behind it, also in a file
  if values.save then terminal.note(("saved: `godwit run --plan %s -o OUT` does this, or nothing when something has changed"):format(values.save)) end
  return 0
end

return plan

-- godwit inspect PREFIX

local core = require "godwit.core"
local plural = require "godwit.plural"
local problem = require "godwit.problem"
local terminal = require "godwit.terminal"

local inspect = { summary = "list a checkpoint's tensors: names, dtypes, shapes, sizes, values, statistics" }

local BATCH = 4096 -- lines of text that are made at once
local VALUE_LIMIT = 1000000

function inspect.parser(argparse)
  local parser = argparse("godwit inspect", inspect.summary)
  parser:argument("prefix", "a checkpoint: its prefix, one of its files, or a folder with a `checkpoint` file"):argname("PREFIX")
  parser:option("--match", "only tensors in whose name the regular expression is found (may be repeated)"):argname("REGEX"):count("*")
  parser:flag("--values", "show values: small tensors whole, large ones shortened (with --json: whole)")
  parser:flag("--stats", "show a histogram, minimum, maximum, mean, standard deviation, and how many zeros, NaN and infinities")
  parser:flag("--json", "print JSON")
  return parser
end

--- Goes over what `next_piece` gives until it gives nothing, and stops on Ctrl-C.
local function pieces(next_piece)
  return function()
    if core.interrupted() then core.fail { class = "interrupted", what = "interrupted" } end
    return next_piece()
  end
end

local function print_text(info, listing, prepare)
  prepare()
  local count, bytes = listing:info()
  local kind = info.kind == "objects" and "object-based" or "name-based"
  local tensors = count == info.tensors and plural(count, "tensor") or ("%d of %s"):format(count, plural(info.tensors, "tensor"))
  io.stdout:write(("%s · %s · %s · %s · %s%s\n"):format(core.printable(info.path), kind, tensors, core.bytes(bytes), plural(info.shards, "shard"),
    info.big_endian and " · big-endian" or info.v1 and " · V1" or ""))
  for lines in pieces(function() return listing:text(BATCH) end) do io.stdout:write(lines) end
end

local function print_tensors(listing, prepare)
  local separator = "\n"
  prepare()
  for object in pieces(function() return listing:json() end) do
    io.stdout:write(separator, object)
    separator = ",\n"
  end
end

--- Damage may show when most of a long document is printed: then it ends with the error, and is whole nevertheless.
local function print_json(info, listing, prepare)
  local _, bytes = listing:info()
  local head = core.json(core.object {
    { "schema", 1 }, { "path", info.path }, { "format", info.v1 and "v1" or "v2" }, { "kind", info.kind }, { "shards", info.shards }, { "bytes", bytes },
  })
  io.stdout:write(head:sub(1, -2), ', "tensors": [')
  local ok, found = xpcall(print_tensors, problem.normal, listing, prepare)
  if ok then
    io.stdout:write("\n]}\n")
    return
  end
  io.stdout:write('\n], "error": ', problem.json(found), "}\n")
  found.printed = true
  error(found, 0)
end

function inspect.run(values)
  local prefix, note = core.locate(values.prefix)
  if note then terminal.note(note) end
  local bundle = core.open(prefix)
  local match = #values.match > 0 and values.match or nil
  local ok, listing = pcall(core.listing, bundle, { match = match, values = values.values, stats = values.stats, value_limit = VALUE_LIMIT })
  if not ok then
    if type(listing) == "table" and listing.class == "recipe" then
      listing = { class = "usage", what = listing.what, message = "--match: " .. listing.what }
    end
    error(listing, 0)
  end
  local info = bundle:info()
  if not values.values and not values.stats then
    local missing = bundle:missing_files()
    if missing then terminal.note(missing) end
  end
  -- Statistics of all rows are made at once, on all cores, before the first is printed.
  local function prepare()
    if values.stats then terminal.wait(listing:statistics(), info.path) end
  end
  if values.json then print_json(info, listing, prepare) else print_text(info, listing, prepare) end
  local count, _, left_out = listing:info()
  if count == 0 and match then terminal.note(("no name matches %s"):format(table.concat(match, ", "))) end
  if left_out > 0 then
    terminal.note(("%s with more than %d elements (16 bytes of strings count as one): values left out"):format(plural(left_out, "tensor"), VALUE_LIMIT))
  end
  return 0
end

return inspect

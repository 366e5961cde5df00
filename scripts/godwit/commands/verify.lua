-- godwit verify PREFIX...

local core = require "godwit.core"
local terminal = require "godwit.terminal"
local plural = require "godwit.plural"

local verify = { summary = "check every checksum and every bound of checkpoints" }

local MOST_SHOWN = 20

function verify.parser(argparse)
  local parser = argparse("godwit verify", verify.summary)
  parser:argument("prefix", "checkpoints"):argname("PREFIX"):args("+")
  parser:flag("--json", "print JSON")
  parser:flag("-q --quiet", "print nothing; the exit code answers")
  return parser
end

local function check(path, quiet)
  local prefix, note = core.locate(path)
  if note and not quiet then terminal.note(note) end
  local work <close> = core.verify(prefix)
  terminal.wait(work, prefix, quiet)
  local _, bytes = work:wait(0)
  local result = { path = prefix, tensors = work:tensors(), bytes = bytes, fatal = {}, odd = {} }
  local i, finding = 1, work:finding(1)
  while finding do
    table.insert(finding.fatal and result.fatal or result.odd, finding)
    i = i + 1
    finding = work:finding(i)
  end
  return result
end

local function print_text(result)
  if #result.fatal == 0 then
    local odd = #result.odd > 0 and (" · %s"):format(plural(#result.odd, "note")) or ""
    io.stdout:write(("%s · sound · %s · %s checked%s\n"):format(result.path, plural(result.tensors, "tensor"), core.bytes(result.bytes), odd))
  else
    io.stdout:write(("%s · damaged · %s\n"):format(result.path, plural(#result.fatal, "finding")))
  end
  local hints = {}
  for _, list in ipairs { result.fatal, result.odd } do
    for i, finding in ipairs(list) do
      if i > MOST_SHOWN then
        io.stdout:write(("  and %d more (--json lists all)\n"):format(#list - MOST_SHOWN))
        break
      end
      io.stdout:write(("  %s %s\n"):format(finding.fatal and "✗" or "·", finding.message))
      if finding.hint and not hints[finding.hint] then
        -- The end of some hints sends the reader here.
        io.stdout:write("    ", (finding.hint:gsub("; `godwit verify`.*", "")), "\n")
        hints[finding.hint] = true
      end
    end
  end
end

local function finding_json(finding)
  return core.object {
    { "fatal", finding.fatal }, { "what", finding.what }, { "file", finding.file }, { "key", finding.key },
    { "offset", finding.offset }, { "hint", finding.hint },
  }
end

local function result_json(result)
  local findings = {}
  for _, list in ipairs { result.fatal, result.odd } do
    for _, finding in ipairs(list) do findings[#findings + 1] = finding_json(finding) end
  end
  return core.object {
    { "path", result.path }, { "sound", #result.fatal == 0 }, { "tensors", result.tensors }, { "bytes", result.bytes },
    { "findings", findings },
  }
end

function verify.run(values)
  local sound, results = true, {}
  for i, path in ipairs(values.prefix) do
    local result = check(path, values.quiet)
    sound = sound and #result.fatal == 0
    if not values.json and not values.quiet then print_text(result) end
    results[i] = values.json and result_json(result) or nil
  end
  if values.json then io.stdout:write(core.json(core.object { { "schema", 1 }, { "checkpoints", results } }, 1), "\n") end
  return sound and 0 or 1
end

return verify

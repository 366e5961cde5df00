-- Files of command lines with what they print (spec/fixtures/cli/*.case):
--
--   # Title                      free text up to the first case; `$` lines there run before every case
--   ## what the case shows
--   needs root                   optional: what the machine must have, see cli_spec.lua
--   $ shell command              run by sh in a scratch folder of the case's own
--   | a line of stdout
--   ! a line of stderr
--   = 2                          its exit status, when that is not 0
--
-- What differs from run to run is written as "in N s" and ".godwit-*-".

local cases = {}

local function new_case(title) return { title = title, steps = {} } end

--- {head = lines, setup = commands, cases = {{title, needs, steps = {{command, out, err, status}}}}}
function cases.parse(text)
  local file = { head = {}, setup = {}, cases = {} }
  local case
  local function last() return case.steps[#case.steps] end
  for line in text:gmatch("([^\n]*)\n") do
    local mark, rest = line:match("^(%S+) ?(.*)$")
    if mark == "##" then
      case = new_case(rest)
      file.cases[#file.cases + 1] = case
    elseif not case then
      file.head[#file.head + 1] = line
      if mark == "$" then file.setup[#file.setup + 1] = rest end
    elseif mark == "needs" then
      case.needs = rest
    elseif mark == "$" then
      case.steps[#case.steps + 1] = { command = rest, out = "", err = "", status = 0 }
    elseif mark == "|" then
      last().out = last().out .. rest .. "\n"
    elseif mark == "!" then
      last().err = last().err .. rest .. "\n"
    elseif mark == "=" then
      last().status = math.tointeger(tonumber(rest))
    elseif line ~= "" then
      error("what is this line of a case: " .. line)
    end
  end
  return file
end

local function put_lines(out, mark, text)
  if text ~= "" and text:sub(-1) ~= "\n" then text = text .. " (no newline)\n" end
  for line in text:gmatch("([^\n]*)\n") do out[#out + 1] = line == "" and mark or mark .. " " .. line end
end

--- The text of such a file, with what the commands printed this time.
function cases.format(file)
  local out = {}
  for _, line in ipairs(file.head) do out[#out + 1] = line end
  for i, case in ipairs(file.cases) do
    if i > 1 and out[#out] ~= "" then out[#out + 1] = "" end
    out[#out + 1] = "## " .. case.title
    if case.needs then out[#out + 1] = "needs " .. case.needs end
    for _, step in ipairs(case.steps) do
      out[#out + 1] = "$ " .. step.command
      put_lines(out, "|", step.out)
      put_lines(out, "!", step.err)
      if step.status ~= 0 then out[#out + 1] = "= " .. step.status end
    end
  end
  return table.concat(out, "\n") .. "\n"
end

--- Takes out what differs from run to run.
function cases.normal(text, folder)
  text = text:gsub("in %d+%.%d%d s\n", "in N s\n"):gsub("%.godwit%-%x+%-%d+%-", ".godwit-*-")
  local from = text:find(folder, 1, true)
  while from do
    text = text:sub(1, from - 1) .. "FOLDER" .. text:sub(from + #folder)
    from = text:find(folder, from, true)
  end
  return text
end

return cases

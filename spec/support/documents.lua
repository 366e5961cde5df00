-- Runs what the pages for users tell them to type, as one who types along would: one after the other, in a fresh folder for
-- each page, which looks like a source tree whose program is built. README.md's block "type along" comes first on each page.
-- Fenced blocks, by their language:
--
--   sh          lines to run; they succeed
--   console     `$ COMMAND` and below it what a terminal shows of it, to the letter. A command that fails is followed by
--               `$ echo $?`. In `$ godwit repl` the lines behind `> ` and `>> ` are typed
--   lua         begins with `-- NAME.lua`, and is that file; of an example it shows the code, without the comment above it.
--               `-- NAME.lua: COMMAND` also runs the command. A block without a name is pasted into `godwit repl digits.ckpt-100`
--   python      is run by spec/tensorflow/documents_test.py
--
-- In tables, `godwit run ... -o ...` is run, and succeeds. Capitals are a placeholder: `godwit run v1_to_v2 OLD -o NEW` is not run.
--
-- Only seconds ("in 0.01 s") and points in time ("2026-11-23 14:29:47 UTC") may differ from run to run.

local cases = require "spec.support.cases"
local lfs = require "lfs"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local documents = {}

local MODULES = os.getenv "MODULES" -- where the build has the module for Lua programs

documents.PAGES = { "README.md", "examples/README.md", "scripts/README.md" }

--- Blocks that are not run in their place, by the comment in front of them, and why.
documents.SKIPPED = {
  ["two commands"] = "installs packages and runs this suite: .ci/run does both, on a fresh machine",
  ["type along"] = "has been run, before all others",
}

--- Other pages with fenced blocks, and why they are not run.
documents.ASIDE = {
  ["core/bundle/FORMAT.md"] = "sketches of bytes",
  ["spec/tensorflow/README.md"] = "starts TensorFlow's tests: `make interop` does",
}

local LANGUAGES = { sh = true, console = true, lua = true, python = true }

local function normal(text, folder) return (cases.normal(text, folder):gsub("%d+%-%d%d%-%d%d %d%d:%d%d:%d%d UTC", "TIME")) end

--- Lines without their ends.
local function lines_of(text)
  local lines = {}
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

--- A command of a table, which is run; or nil.
local function is_whole(command)
  for word in command:gmatch "%S+" do if word:find "^%u[%u%d_]*$" then return false end end
  return command:find "^godwit run .*%-o "
end

--- A page's fenced blocks: {line, language, mark, lines}; `line` is the first line inside, `mark` the comment in front. Commands in
--- tables are blocks of sh.
function documents.blocks(text)
  local blocks, block, before = {}, nil, ""
  for number, line in ipairs(lines_of(text)) do
    local fence = line:match "^```(.*)$"
    if block and fence then
      assert(fence == "", ("line %d: a block begins inside another"):format(number))
      blocks[#blocks + 1] = block
      block = nil
    elseif block then
      block.lines[#block.lines + 1] = line
    elseif fence then
      block = { line = number + 1, language = fence, mark = before:match "^<!%-%- (.-) %-%->$", lines = {} }
    elseif line:find "^|" then
      for command in line:gmatch "`([^`]*)`" do
        if is_whole(command) then blocks[#blocks + 1] = { line = number, language = "sh", lines = { command } } end
      end
    end
    before = line
  end
  assert(not block, "the last block has no end")
  return blocks
end

--- What a console block has typed: {line, command, expected, first, last}; first and last are the lines of what it prints.
local function typed(block)
  local steps = {}
  for i, line in ipairs(block.lines) do
    local number, command = block.line + i - 1, line:match "^%$ (.+)$"
    if command then
      steps[#steps + 1] = { line = number, command = command, expected = "", first = number + 1, last = number }
    else
      local step = assert(steps[#steps], ("line %d: printed before anything is typed"):format(number))
      step.expected = step.expected .. line .. "\n"
      step.last = number
    end
  end
  for i = 1, #steps - 1 do
    local step = steps[i]
    if ("\n" .. step.expected):find "\n\n$" then -- an empty line in front of the next command
      step.expected = step.expected:sub(1, -2)
      step.last = step.last - 1
    end
  end
  return steps
end

-- ---- The shell. Each command has one of its own, which begins where the one before has ended.

local Shell = {}
Shell.__index = Shell

local function new_shell(folder)
  local shell = setmetatable({ state = folder .. "/state", home = folder, tree = folder .. "/tree", status = 0 }, Shell)
  assert(lfs.mkdir(shell.tree) and lfs.mkdir(shell.tree .. "/build"))
  for _, name in ipairs(scratch.list ".") do
    if name ~= "build" and name ~= ".git" then assert(lfs.link(lfs.currentdir() .. "/" .. name, shell.tree .. "/" .. name, true)) end
  end
  assert(lfs.link(program.PATH, shell.tree .. "/build/godwit", true))
  if MODULES then assert(lfs.link(MODULES, shell.tree .. "/build/lua", true)) end
  scratch.write(shell.state, ("unset GODWIT_PATH GODWIT_HISTORY\nexport HOME=%s\ncd '%s'\n"):format(program.quoted(folder), shell.tree))
  return shell
end

--- What a terminal shows of the command, on which `input` is typed while it runs, and its status; `$?` in the command is the status of
--- the one before.
function Shell:run(command, input)
  scratch.write(self.home .. "/typed", input or "")
  -- `script` types at once, perhaps before the terminal knows not to echo: what counts comes after the mark.
  scratch.write(self.home .. "/step", ([[
stty -echo; printf '\001'
. %s
(exit %d)
{ %s
}
status=$?
{ export -p; printf 'cd %%s\n' "'$PWD'"; } >%s
exit $status
]]):format(self.state, self.status, command, self.state))
  local out, _, status = program.shell(("TERM=dumb NO_COLOR=1 script -qec 'sh %s/step' /dev/null <%s/typed"):format(self.home, self.home))
  self.status = status
  return out:gsub("^.-\1", "", 1):gsub("\r", ""), status
end

function Shell:folder() return scratch.read(self.state):match "\ncd '(.-)'\n$" end

-- ---- Blocks

local run_block = {}

function run_block.sh(shell, block, report)
  local command = table.concat(block.lines, "\n")
  local out, status = shell:run("set -e\n" .. command .. "\nset +e")
  local problem = status ~= 0 and ("ends with %d:\n%s"):format(status, normal(out, shell.home)) or nil
  report { line = block.line, title = normal(block.lines[1], shell.home), problem = problem }
end

--- What is typed in a session that is shown so.
local function session_input(shown)
  local input = {}
  for line in shown:gmatch "[^\n]+" do input[#input + 1] = line:match "^>>? (.*)$" end
  return table.concat(input, "\n") .. "\n"
end

function run_block.console(shell, block, report)
  local steps = typed(block)
  for i, step in ipairs(steps) do
    local out, status = shell:run(step.command, step.command:match "^godwit repl" and session_input(step.expected))
    step.title, step.raw = step.command, out
    step.printed, step.expected = normal(out, shell.home), normal(step.expected, shell.home)
    if step.printed ~= step.expected then
      step.problem = "prints\n" .. step.printed
    elseif status ~= 0 and not (steps[i + 1] and steps[i + 1].command == "echo $?") then
      step.problem = ("ends with %d, and `$ echo $?` does not follow"):format(status)
    end
    report(step)
  end
end

--- A file's text without the comment above its code.
local function code(text)
  while text:find "^%-%-" or text:find "^\n" do text = text:gsub("^[^\n]*\n", "", 1) end
  return text
end

function run_block.lua(shell, block, report)
  local text = table.concat(block.lines, "\n") .. "\n"
  local name, command = text:match "^%-%- ([%w_]+%.lua):? ?([^\n]*)\n"
  if not name then
    scratch.write(shell.home .. "/pasted", text)
    return run_block.sh(shell, { line = block.line, lines = { ("godwit repl digits.ckpt-100 <%s/pasted"):format(shell.home) } }, report)
  end
  local step, example = { line = block.line, title = name }, "examples/" .. name
  if not scratch.exists(example) then
    scratch.write(shell:folder() .. "/" .. name, text)
  elseif code(scratch.read(example)) ~= code(text) then
    step.problem = "is not what " .. example .. " has"
  end
  report(step)
  if command ~= "" then run_block.sh(shell, { line = block.line, lines = { command } }, report) end
end

function run_block.python() end

local function type_along(shell, report)
  for _, block in ipairs(documents.blocks(scratch.read "README.md")) do
    if block.mark == "type along" then return run_block.sh(shell, block, report) end
  end
  error "README.md does not say how to type along"
end

--- Runs a page's text in a folder, which is empty. Gives its steps, {line, title, problem, expected, printed, raw, first, last}, and
--- the folder where they have left what they made.
function documents.run(text, folder)
  local shell, steps = new_shell(folder), {}
  local function report(step) steps[#steps + 1] = step end
  type_along(shell, report)
  for _, block in ipairs(documents.blocks(text)) do
    if not LANGUAGES[block.language] then
      report { line = block.line, title = "a block", problem = ("is neither sh, console, lua nor python, but '%s'"):format(block.language) }
    elseif not documents.SKIPPED[block.mark] then
      run_block[block.language](shell, block, report)
    end
  end
  return steps, shell:folder()
end

--- The page's text with what its commands printed this time, where that differs.
function documents.accepted(text, steps)
  local lines, out, next_line = lines_of(text), {}, 1
  for _, step in ipairs(steps) do
    if step.printed and step.problem then
      table.move(lines, next_line, step.first - 1, #out + 1, out)
      local printed = step.raw ~= "" and lines_of(step.raw) or {}
      table.move(printed, 1, #printed, #out + 1, out)
      next_line = step.last + 1
    end
  end
  table.move(lines, next_line, #lines, #out + 1, out)
  return table.concat(out, "\n") .. "\n"
end

return documents

-- The manual: pages and program know the same commands, arguments and options, and say the same of them; what the pages show
-- is what happens.

local COMMANDS = require "godwit.commands"
local lfs = require "lfs"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local ROOT = lfs.currentdir()
local MADE = ROOT .. "/build/generated/manual/"
local stock_lua = (os.getenv "SANITIZE" or "") == ""

local function page_of(name) return scratch.read(MADE .. name) end

local function help(command) return (program.run("help", command)) end

--- The options in a help, in mdoc's spelling: "-json", "o".
local function options_in_help(command)
  local options = {}
  for line in help(command):match("\nOptions:\n(.*)$"):gmatch("[^\n]+") do
    local flags = line:match("^%s+(%-.-)%s%s") or line:match("^%s+(%-.*)$") or ""
    for flag in (" " .. flags):gmatch("%s%-(%-?%w[%w-]*)") do options[flag] = true end
  end
  return options
end

--- The options that a page lists.
local function options_in_page(page)
  local options = {}
  for line in page:match("\n%.Sh OPTIONS\n(.-)\n%.Sh "):gmatch("[^\n]+") do
    for flag in (line:match "^%.It (.*)$" or ""):gmatch "Fl (%-?%w[%w-]*)" do options[flag] = true end
  end
  return options
end

local ESCAPES = { e = "\\", ["-"] = "-", ["%"] = "", ["&"] = "" }
local NAMED = { aq = "'", ga = "`", ha = "^", ti = "~", dq = '"' }

--- What remains of mdoc's text without its marks.
local function plain(page)
  page = page:gsub("\\f[BIP]", ""):gsub("\\%((%l%l)", NAMED):gsub("\\([e%%&-])", ESCAPES)
  return (page:gsub("\n", " "))
end

describe("the manual", function()
  for _, command in ipairs(COMMANDS) do
    it("has every option of " .. command .. ", and no other", function()
      assert.same(options_in_help(command), options_in_page(page_of("godwit-" .. command .. ".1")))
    end)

    it("says of " .. command .. "'s arguments and options what the help says", function()
      local page, count = plain(page_of("godwit-" .. command .. ".1")), 0
      for line in help(command):match("\n(%u%l+:\n.*)$"):gsub("`", ""):gmatch "[^\n]+" do
        local text = line:match "^   .*%S" and #line > 25 and line:sub(26) or ""
        if text ~= "" then
          count = count + 1
          assert.matches(text:gsub("^%l", string.upper):gsub("%.$", ""), page, 1, true)
        end
      end
      assert.is_true(count >= 1)
    end)

    it("names every option of " .. command .. " in the synopsis", function()
      local synopsis = page_of("godwit-" .. command .. ".1"):match "\n%.Sh SYNOPSIS\n(.-)\n%.Sh "
      local named, count = {}, 0
      for flag in synopsis:gmatch "Fl (%-?%w[%w-]*)" do named[flag] = true end
      for line in help(command):match("\nOptions:\n(.*)$"):gmatch "[^\n]+" do
        -- "-o OUT," above "--output OUT", "-q, --quiet", "--json": the first spelling.
        local flag = line:match "^%s+%-(%-?%w[%w-]*)"
        if flag and flag ~= "h" and not line:match "^   %-%-execute" and not line:match "^   %-%-param" and not line:match "^   %-%-output" then
          count = count + 1
          assert.is_true(named[flag], flag)
        end
      end
      assert.equal(count, (function() local n = 0 for _ in pairs(named) do n = n + 1 end return n end)())
    end)
  end

  it("begins with a page that names every command and the API", function()
    local overview = page_of "godwit.1"
    for _, command in ipairs(COMMANDS) do
      local summary = require("godwit.commands." .. command).summary
      assert.matches(("\n.It Xr godwit-%s 1\n%s.\n"):format(command, (summary:gsub("^%l", string.upper))), overview, 1, true)
    end
    assert.matches("\n.Xr godwit-api 3\n", overview, 1, true)
  end)

  it("has every exit status", function()
    for _, status in ipairs { 0, 1, 2, 3, 4, 5, 130 } do assert.matches("\n.It " .. status .. "\n", page_of "godwit.1", 1, true) end
  end)

  it("has every variable of the environment that is read, and no other", function()
    local read, pipe = {}, assert(io.popen "grep -rhoE 'getenv *\\(?\"[A-Z_]+\"' scripts bindings core")
    for line in pipe:lines() do read[line:match '"([%u_]+)"'] = true end
    pipe:close()
    read.HOME = nil -- where ~ is, as everywhere
    local listed = {}
    for name in page_of "godwit.1":match("\n%.Sh ENVIRONMENT\n(.-)\n%.Sh "):gmatch "%.It Ev ([%u_]+)" do listed[name] = true end
    assert.same(read, listed)
  end)

  it("has every dot command of the REPL, and no other", function()
    local help_of_repl = program.shell(("echo .help | %s repl"):format(program.quoted(program.PATH)))
    local read, listed = {}, {}
    for name in help_of_repl:gmatch "\n  (%.%l+) " do read[name] = true end
    for name in page_of "godwit-repl.1":gmatch "\n%.It Ic (%.%l+)" do listed[name] = true end
    assert.is_truthy(next(read))
    assert.same(read, listed)
  end)

  it("refers to pages that are there", function()
    local count = 0
    for name in lfs.dir(MADE) do
      if name:match "%.%d$" then
        for other, section in page_of(name):gmatch "Xr (godwit[%l-]*) (%d)" do
          count = count + 1
          assert.is_true(scratch.exists(MADE .. other .. "." .. section), name .. " refers to " .. other)
        end
      end
    end
    assert.is_true(count > 40)
  end)
end)

-- ---- Building it

describe("building the manual", function()
  local ARGPARSE = package.searchpath("argparse", package.path)
  local texts = {}
  for name in lfs.dir(ROOT .. "/scripts/manual") do
    if name:match "%.mdoc$" then texts[#texts + 1] = "scripts/manual/" .. name end
  end

  --- Builds with these texts; returns what it says and its status.
  local function build(list, folder)
    local words = { "lua5.4 scripts/manual/build.lua", program.quoted(folder), program.quoted(ARGPARSE) }
    for _, path in ipairs(list) do words[#words + 1] = program.quoted(path) end
    local _, err, status = program.shell(table.concat(words, " "), ROOT)
    return err, status
  end

  it("gives the same bytes again", function()
    local folder = scratch.folder()
    assert.same({ "", 0 }, { build(texts, folder) })
    for _, name in ipairs(scratch.list(folder)) do assert.equal(page_of(name), scratch.read(folder .. "/" .. name), name) end
  end)

  it("ends when a command has no text, and when a text has no command", function()
    local without = {}
    for _, path in ipairs(texts) do
      if not path:match "/verify" then without[#without + 1] = path end
    end
    local err, status = build(without, scratch.folder())
    assert.not_equal(0, status)
    assert.matches("scripts/manual/verify.mdoc is missing: it tells what verify is for", err, 1, true)
    local folder = scratch.folder()
    local stray = scratch.write(folder .. "/salvage.mdoc", ".Dd November 23, 2026\n")
    err, status = build(table.move(texts, 1, #texts, 2, { stray }), folder)
    assert.not_equal(0, status)
    assert.matches("there is no command salvage", err, 1, true)
  end)
end)

-- ---- Examples

--- The commands that a text shows, display by display: { command =, input =, shown = lines }.
local function examples_of(text)
  local displays = {}
  for display in text:gmatch "\n%.Bd %-literal[^\n]*\n(.-)\n%.Ed" do
    local steps, open = {}, nil
    for line in (display .. "\n"):gmatch "([^\n]*)\n" do
      local command, typed = line:match "^%$ (.*)$", line:match "^> (.*)$"
      if open then
        open.command = open.command .. "\n" .. line
      elseif command then
        steps[#steps + 1] = { command = command, shown = {} }
        open = steps[#steps]
      elseif typed then
        steps[#steps].input = (steps[#steps].input or "") .. typed .. "\n"
      else
        table.insert(steps[#steps].shown, line)
      end
      -- It goes on behind a backslash, and as long as a quote is open.
      if open and not open.command:match "\\$" and select(2, open.command:gsub("'", "")) % 2 == 0 then open = nil end
    end
    displays[#displays + 1] = steps
  end
  return displays
end

--- Is `lines` what is shown, where "..." stands for any lines and, at the end of a line, for its rest?
local function is_shown(shown, lines, i, j)
  i, j = i or 1, j or 1
  if i > #shown then return j > #lines end
  if shown[i] == "..." then
    for rest = j, #lines + 1 do
      if is_shown(shown, lines, i + 1, rest) then return true end
    end
    return false
  end
  if j > #lines then return false end
  local beginning = shown[i]:match "^(.-)%s*%.%.%.$"
  local same = shown[i] == lines[j] or beginning and lines[j]:sub(1, #beginning) == beginning
  return same and is_shown(shown, lines, i + 1, j + 1)
end

--- A folder with what an installation has in examples/.
local function examples_folder()
  local folder = scratch.folder()
  local _, err, status = program.shell(("cp -r examples/*.lua examples/team examples/data/* examples/data/guide/* %s"):format(program.quoted(folder)), ROOT)
  assert.equal(0, status, err)
  return folder
end

--- Runs a command as at a terminal; what it prints, in lines, and its status.
local function run(step, folder)
  local bin = program.quoted(program.PATH:match "^(.*)/[^/]*$")
  local input = ""
  if step.input then input = " <" .. program.quoted(scratch.write(folder .. "/.typed", step.input)) end
  local text, err, status = program.shell(("export PATH=%s:$PATH\n{ %s\n}%s 2>&1"):format(bin, step.command, input), folder)
  assert.equal("", err)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines, status
end

describe("the examples of", function()
  for name in lfs.dir(ROOT .. "/scripts/manual") do
    if name:match "%.mdoc$" then
      local displays = examples_of(scratch.read(ROOT .. "/scripts/manual/" .. name))
      it(name .. " are two or more, and do what they show", function()
        local folder, count = examples_folder(), 0
        for _, steps in ipairs(displays) do
          local last = 0
          for _, step in ipairs(steps) do
            local file = step.command:match "^cat ([%w_]+%.lua)$"
            count = count + 1
            if step.command == "echo $?" then
              assert.equal(step.shown[1], tostring(last))
              last = 0
            elseif file and not scratch.exists(folder .. "/" .. file) then
              scratch.write(folder .. "/" .. file, table.concat(step.shown, "\n") .. "\n")
            elseif stock_lua or not step.command:match "^lua5.4 " then
              assert.equal(0, last, "a status that the page does not show, before " .. step.command)
              local lines, status = run(step, folder)
              assert.is_true(is_shown(step.shown, lines), ("%s shows\n%s\nand prints\n%s"):format(step.command, table.concat(step.shown, "\n"),
                table.concat(lines, "\n")))
              last = status
            end
          end
          assert.equal(0, last, "a status that the page does not show")
        end
        assert.is_true(count >= 2)
      end)
    end
  end
end)

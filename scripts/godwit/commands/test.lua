-- godwit test [FILE or FOLDER]...: recipes' own tests

local core = require "godwit.core"
local library = require "godwit.library"
local problem = require "godwit.problem"
local plural = require "godwit.plural"
local terminal = require "godwit.terminal"

local test = { summary = "run recipes' own tests" }

function test.parser(argparse)
  local parser = argparse("godwit test", test.summary)
  parser:argument("recipe", "recipes: files, folders of them, or names in the library (default: the whole library)"):argname("RECIPE"):args("*")
  parser:option("--match", "only tests whose name has this text"):argname("TEXT")
  parser:flag("--tap", "print TAP (Test Anything Protocol)")
  parser:option("--junit", "write a JUnit report there"):argname("FILE")
  parser:flag("-q --quiet", "print failures and the last line only")
  return parser
end

--- Notes, each once. `quiet`: none.
local function sayer(quiet)
  local said = {}
  return function(note)
    if not said[note] and not quiet then terminal.note(note) end
    said[note] = true
  end
end

--- What was asked for, as library.all gives it.
local function entries(arguments, say)
  if #arguments == 0 then return library.all() end
  local found = {}
  for _, argument in ipairs(arguments) do
    if argument:match("%.lua$") or not (argument:find("/", 1, true) or core.is_folder(argument)) then
      local source, chunk, note = library.find(argument)
      if note then say(note) end
      found[#found + 1] = { name = argument:match("([^/]*)%.lua$") or argument, source = source, chunk = chunk }
    else
      for _, entry in ipairs(library.files_of((argument:gsub("(.)/+$", "%1")))) do found[#found + 1] = entry end
    end
  end
  return found
end

--- A folder for the checkpoints of tests, removed when the scope ends.
local function scratch_folder()
  local path = core.make_folder()
  return setmetatable({ path = path }, { __close = function()
    for _, file in ipairs(core.list_folder(path)) do os.remove(path .. "/" .. file) end
    os.remove(path)
  end })
end

--- A draft as it is once saved and opened again: recipes and their tests see what they would see of real files.
local function saved(draft, prefix)
  local work <close> = core.plan(draft, {}):run(prefix, { force = true, timestamp = 0 })
  while not work:wait(1000) do end -- luacheck: ignore 542
  work:commit()
  return core.open(prefix):draft()
end

local function run_test(source, chunk, index)
  local folder <close> = scratch_folder()
  local sandbox = library.load(source, chunk, {})
  local given = sandbox:call("test_input", { index = index })
  for i, draft in ipairs(given.drafts) do given.drafts[i] = saved(draft, ("%s/input-%d"):format(folder.path, i)) end
  local result = sandbox:call("test_run", { index = index, drafts = given.drafts, names = given.names })
  if result.outputs then
    local outputs = {}
    for name, draft in pairs(result.outputs) do outputs[name] = saved(draft, ("%s/output-%s"):format(folder.path, name)) end
    sandbox:call("test_judge", { index = index, outputs = outputs })
  end
  sandbox:close()
end

--- Runs the tests of one recipe: a sequence of {name =, problem =, seconds =}. A recipe that cannot be loaded is one failure;
--- a module for `require` is nil.
local function run_recipe(entry, match, say)
  local source, chunk = entry.source, entry.chunk
  if not source then source, chunk = library.source(entry) end
  local started = core.monotonic()
  local ok, loaded, description = problem.try(library.load, source, chunk, { any = true, say = say })
  if not ok then return { { name = "can be loaded", problem = loaded, seconds = core.monotonic() - started } } end
  if description.module then return nil end
  local results = {}
  for i, name in ipairs(description.tests or {}) do
    if not match or name:find(match, 1, true) then
      started = core.monotonic()
      -- A state for each: what one test leaves behind is not there for the next.
      local fine, found = problem.try(run_test, source, chunk, i)
      results[#results + 1] = { name = name, problem = not fine and found or nil, seconds = core.monotonic() - started }
    end
  end
  return results
end

local function message_of(found)
  local text = found.message or found.what
  return found.hint and text .. "\n" .. found.hint or text
end

local function indented(text, by) return (text:gsub("[^\n]+", function(line) return by .. core.printable(line) end)) end

local function print_text(entry, results, quiet)
  local shown = {}
  for _, result in ipairs(results) do
    if result.problem or not quiet then
      shown[#shown + 1] = ("  %s  %s\n"):format(result.problem and "FAIL" or "ok  ", core.printable(result.name))
      if result.problem then shown[#shown + 1] = indented(message_of(result.problem), "        ") .. "\n" end
    end
  end
  if #results == 0 and not quiet then shown[1] = "  no tests\n" end
  if #shown > 0 then io.stdout:write(entry.file or entry.name, "\n", table.concat(shown)) end
end

local function print_tap(entry, results, number)
  for _, result in ipairs(results) do
    number = number + 1
    io.stdout:write(("%s %d - %s: %s\n"):format(result.problem and "not ok" or "ok", number, entry.name, (core.printable(result.name):gsub("#", "\\#"))))
    if result.problem then
      io.stdout:write("  ---\n  message: |\n", indented(message_of(result.problem), "    "), "\n  ...\n")
    end
  end
  return number
end

--- Text inside of XML; bytes that XML cannot hold are shown as core.printable shows them.
local function xml(text)
  text = text:gsub("[^\n]+", core.printable)
  return (text:gsub("[&<>\"\n]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\n"] = "&#10;" }))
end

local function write_junit(path, suites)
  local out = { '<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>" }
  for _, suite in ipairs(suites) do
    local failed = 0
    for _, result in ipairs(suite.results) do failed = failed + (result.problem and 1 or 0) end
    out[#out + 1] = ('  <testsuite name="%s" tests="%d" failures="%d">'):format(xml(suite.entry.name), #suite.results, failed)
    for _, result in ipairs(suite.results) do
      local head = ('    <testcase classname="%s" name="%s" time="%.3f"'):format(xml(suite.entry.name), xml(result.name), result.seconds)
      if result.problem then
        out[#out + 1] = ('%s><failure message="%s"/></testcase>'):format(head, xml(message_of(result.problem)))
      else
        out[#out + 1] = head .. "/>"
      end
    end
    out[#out + 1] = "  </testsuite>"
  end
  out[#out + 1] = "</testsuites>\n"
  local file, reason = io.open(path, "w")
  if not file then core.fail { class = "system", file = path, what = "the report cannot be written: " .. reason:sub(#path + 3) } end
  local ok = file:write(table.concat(out, "\n"))
  if not file:close() or not ok then core.fail { class = "system", file = path, what = "the report cannot be written" } end
end

function test.run(values)
  local suites, passed, failed, without, number = {}, 0, 0, 0, 0
  local say = sayer(values.quiet)
  for _, entry in ipairs(entries(values.recipe, say)) do
    if core.interrupted() then core.fail { class = "interrupted", what = "interrupted" } end
    local results = run_recipe(entry, values.match, say)
    if results then
      suites[#suites + 1] = { entry = entry, results = results }
      for _, result in ipairs(results) do
        if result.problem then failed = failed + 1 else passed = passed + 1 end
      end
      if #results == 0 then without = without + 1 end
      if values.tap then number = print_tap(entry, results, number) else print_text(entry, results, values.quiet) end
    end
  end
  if values.junit then write_junit(values.junit, suites) end
  if #suites == 0 then core.fail { class = "usage", what = "there is no recipe there", hint = "godwit test FILE, FOLDER or NAME" } end
  if values.match and passed + failed == 0 then
    local what = ("--match: no test has '%s' in its name"):format(values.match)
    core.fail { class = "usage", what = what, hint = "without --match all tests run, with their names" }
  end
  if values.tap then
    io.stdout:write(("1..%d\n"):format(number))
  else
    local note = without > 0 and not values.match and (" · %s without tests"):format(plural(without, "recipe")) or ""
    io.stdout:write(("%s%s\n%d passed, %d failed\n"):format(plural(#suites, "recipe"), note, passed, failed))
  end
  return failed == 0 and 0 or 1
end

return test

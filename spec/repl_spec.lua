-- godwit repl: scripts from stdin, and a real terminal (tmux).

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"
local terminal = require "spec.support.terminal"

local folder

before_each(function()
  folder = scratch.folder()
  gw.variables({ ["old/w"] = gw.tensor({ 1, 2, 3 }, "float32"), ["old/b"] = gw.scalar(1.5), step = gw.scalar(7, "int64") }):save(folder .. "/in")
end)

local function script(text, prefix)
  scratch.write(folder .. "/script", text)
  return program.shell(("exec %s repl %s <script"):format(program.quoted(program.PATH), prefix or "in"), folder)
end

local function printed(text)
  local out, err, status = script(text)
  assert.equal(0, status, err)
  assert.equal("", err)
  return out
end

describe("repl with a script on stdin", function()
  it("prints values, without a prompt", function()
    assert.equal("2\nint64[] 7\nabc\t1\n{1, 2, a = {...}, [\"b c\"] = \"x\"}\nnil\n", printed [[
1 + 1
ckpt.vars.step
"abc", 1
{ 1, 2, a = {}, ["b c"] = "x" }
nil
local x = 1
]])
  end)

  it("prints a checkpoint as a list, of which it shows the first 40", function()
    assert.equal([[
in · name-based · 3 tensors
  old/b  float32  []   4 B
  old/w  float32  [3]  12 B
  step   int64    []   8 B
]], printed "ckpt\n")
    local out = printed "for i = 1, 100 do ckpt.vars[('v%03d'):format(i)] = gw.scalar(i) end\nckpt\n"
    assert.matches("in · name%-based · 103 tensors\n.*\n  v037 .*\n  and 63 more\n$", out)
  end)

  it("prints an object as a tree", function()
    assert.equal('(root)\n  a\n    0  float32 []  "Variable"\n  b  (see above)\na\n  0  float32 []  "Variable"\n', printed [[
x = gw.objects({ a = { gw.scalar(1.5) } }).root
x.b = x.a
x
x.a
]])
  end)

  it("goes on with an unfinished statement", function()
    assert.equal("1\n2\n3\n", printed "for i = 1, 2 do\n  print(i)\nend\n(1 +\n2)\n")
  end)

  it("keeps a local that begins a line, as code of a recipe has it", function()
    assert.equal("1\t2\nnil\n6\n7\nnil\n3\n", printed [[
local a, b = 1, 2
a, b
local c
c
local function f(n)
  local deep = n
  if n == 0 then return 0 end
  return n + f(deep - 1)
end
f(3)
local t = {
  x = 7,
}
t.x
local once <const> = 4
once
  local step = ckpt.vars.step ckpt.vars.other = step
#ckpt.vars.other.shape + 3
]])
  end)

  it("stops at the first error, with its exit code", function()
    for text, case in pairs {
      ["1\nckpt.vars.x\n2\n"] = { 3, 'godwit: there is no tensor "x"' },
      ["1\nx = = 2\n"] = { 3, "godwit: line 1: unexpected symbol near '='" },
      ["1\nfor i = 1, 2 do\n"] = { 3, "godwit: the script ends in the middle of a statement" },
      ["1\n.sav x\n"] = { 2, "godwit: there is no command .sav\n  did you mean .save?" },
      ["1\ngw.open 'nothing'\n"] = { 4, "godwit: nothing: there is no checkpoint of this name" },
      ["1\nnothing.x = 1\n"] = { 3, "godwit: attempt to index a nil value (global 'nothing')" },
      ["1\n.undo\n"] = { 2, "godwit: there is no edit to take back" },
      ["1\nckpt = nil\n.plan\n"] = { 2, "godwit: there is no checkpoint in ckpt\n  ckpt = gw.open \"PREFIX\"" },
    } do
      local out, err, status = script(text)
      assert.same({ "1\n", case[1] }, { out, status })
      assert.equal(case[2], err:sub(1, #case[2]))
    end
    local _, err, status = script("1", "nowhere")
    assert.equal(4, status, err)
  end)

  it("lists the vars as it lists the checkpoint", function()
    assert.equal("3 tensors\n  old/b  float32  []   4 B\n  old/w  float32  [3]  12 B\n  step   int64    []   8 B\n", printed "ckpt.vars\n")
  end)

  it("knows what one types to get help, or out", function()
    assert.matches("^Expressions print their value", printed "help\n")
    assert.equal("1\n", printed "1\nexit()\n2\n")
    assert.equal("1\n", printed "1\n quit \n2\n")
    assert.equal("5\nnil\n", printed "help = 5\nhelp\nexitus\n")
  end)

  it("has a hint on what is Python", function()
    for text, said in pairs {
      ['ckpt:rename("old\\w", "x")'] = "line 1: invalid escape sequence near '\"old\\w'\n  a regular expression goes into long brackets",
      ["1 != 2"] = "line 1: unexpected symbol near '1'\n  not equal is ~=",
      ["len(ckpt)"] = "attempt to call a nil value (global 'len')\n  #x is the length of x",
      ["ckpt.vars.step.value()"] = "bad argument #1 to 'value' (a tensor expected, got no value)\n  a method is called with a colon: t:value(...)",
      ["for n in ckpt.vars do end"] = "attempt to call a godwit.Vars value (for iterator 'for iterator')\n  for name, t in ckpt:each() do",
    } do
      local _, err, status = script(text .. "\n")
      assert.equal(3, status)
      assert.equal("godwit: " .. said, err:sub(1, #said + 8))
    end
  end)

  it("has Lua's whole library, and needs no checkpoint", function()
    local out, err, status = script("x = os.getenv 'PATH' and io.open('script')\nx:read 'l'\nckpt = gw.variables { a = gw.scalar(1) }\n#ckpt\n", "")
    assert.same({ "x = os.getenv 'PATH' and io.open('script')\n1\n", "", 0 }, { out, err, status })
  end)

  it("leaves with .quit", function() assert.equal("1\n", printed "1\n.quit\n2\n") end)
end)

describe(".plan", function()
  it("shows what saving would do", function()
    assert.matches("  >  new/b  float32  %[%]   from old/b\n.*\n3 tensors: 1 unchanged, 2 renamed · 24 B to copy\n$",
      printed "ckpt:rename_scope('old/', 'new/')\n.plan\n")
  end)
end)

describe(".plan of many tensors", function()
  local MANY = "for i = 1, 100 do ckpt.vars[('v%03d'):format(i)] = gw.scalar(i) end\n"

  it("shows the first lines that change something, and how many more there are", function()
    local out = printed("ckpt = gw.open 'in'\n" .. MANY .. "ckpt:drop 'step'\n.plan\n")
    assert.matches("\n  %+  v001 [^\n]*\n.*\n  %+  v040 [^\n]*\n  and 63 more\n102 tensors: 2 unchanged, 100 new; 1 dropped", out)
    assert.is_nil(out:find("old/w", 1, true) or out:find("v041", 1, true))
    out = printed("ckpt = gw.open 'in'\n" .. MANY .. "ckpt:drop 'step'\n.plan all\n")
    assert.matches("\n  =  old/w .*\n  %+  v100 [^\n]*\n  %-  step [^\n]*\n102 tensors", out)
    assert.is_nil(out:find "more\n")
  end)

  it("shows what is dropped where there is room, and the one change among many tensors", function()
    printed(MANY .. ".save many\n")
    assert.equal("  >  z     int32  []  from v001\n  -  v002  dropped\n  -  v003  dropped\n  and 100 more\n"
      .. "101 tensors: 100 unchanged, 1 renamed; 2 dropped · 416 B to copy\n",
      (script("ckpt:rename { v001 = 'z' }\nckpt:drop 'v00[23]'\n.plan\n", "many"):gsub("^1\n2\n", ""):gsub("  repl:1\n", "\n", 1)))
  end)

  it("takes no other words", function()
    local _, err, status = script ".plan everything\n"
    assert.same({ 2, "godwit: .plan takes nothing, or all, not 'everything'\n" }, { status, err })
  end)
end)

describe(".undo", function()
  it("takes back the last edit, and keeps what was no edit", function()
    assert.equal("1\n1\nundone: ckpt:drop 'step'\n3\n5\nundone: ckpt:rename { [\"old/b\"] = \"b\" }\ntrue\n", printed [[
ckpt:rename { ["old/b"] = "b" }
ckpt:drop 'step'
n = 5
.undo
#ckpt
n
.undo
ckpt:has "old/b"
]])
  end)

  it("keeps an edit that later lines need", function()
    local _, err, status = script "ckpt:rename { step = 'x' }\ny = ckpt.vars.x\n.undo\n"
    assert.equal(3, status)
    assert.matches('what came after it needs it: there is no tensor "x"', err, 1, true)
  end)

  it("brings an exchanged checkpoint back", function()
    assert.equal("undone: ckpt = gw.variables { a = gw.scalar(1) }\n3\n", printed "ckpt = gw.variables { a = gw.scalar(1) }\n.undo\n#ckpt\n")
  end)
end)

describe("what fails", function()
  it("has changed nothing", function()
    local out = program.shell(([[printf '%%s\n' 'ckpt:drop "step" error "x"' '#ckpt' | script -qec '%s repl in' /dev/null]]):format(program.PATH), folder)
    assert.matches("x\r?\n.*\n?3\r?\n", out)
  end)
end)

describe(".save and .recipe", function()
  local SESSION = [[
local from, to = 'old/', 'new/'
ckpt:rename_scope(from, to)
.load cast -p dtype=bfloat16
for name, t in ckpt:each 'w$' do
  ckpt.vars[name] = t * 2
end
(ckpt:copy()):drop 'step'
]]

  it("give the same bytes, one now and one by run", function()
    local out = printed(SESSION .. ".save saved --force\n.recipe steps\n")
    assert.matches("\nsaved · name%-based · 3 tensors: [^\n]*\nsteps.lua · godwit run %./steps.lua in %-o OUT\n$", out)
    local _, err, status = program.shell(program.quoted(program.PATH) .. " run ./steps.lua in -o again", folder)
    assert.equal(0, status, err)
    local saved, again = scratch.files_of(folder .. "/saved"), scratch.files_of(folder .. "/again")
    assert.same(saved, again)
  end)

  it("call a recipe of the same folder by its name", function()
    scratch.write(folder .. "/mine.lua", "return function(ckpt) ckpt:rename { step = 'x' } end")
    printed ".load ./mine.lua\n.recipe steps\n.save saved\n"
    local _, err, status = program.shell(program.quoted(program.PATH) .. " run ./steps.lua in -o again", folder)
    assert.equal(0, status, err)
    assert.same(scratch.files_of(folder .. "/saved"), scratch.files_of(folder .. "/again"))
    _, err, status = script ".load ./mine.lua\n.recipe /tmp/steps\n"
    assert.equal(2, status)
    assert.matches("mine.lua: the session ran this recipe, and a recipe calls others of its own folder", err, 1, true)
  end)

  it("refuse what run refuses, and do not write over a file", function()
    for text, message in pairs {
      [".save in\n"] = "in: is an input, and inputs are never written to",
      [".save\n"] = "missing argument 'OUT'",
      [".save x --bogus\n"] = "unknown option '--bogus'",
      [".recipe\n"] = "where to? .recipe FILE",
      [".recipe script\n.recipe script\n"] = "script.lua: exists already",
      [".load nothing\n"] = "there is no recipe 'nothing'",
      [".load cast\n"] = "parameter 'dtype' is missing",
      [".load warm_start -p new_vocab=@x\n"] = "a file parameter cannot be given here",
    } do
      local _, err, status = script(text)
      assert.equal(2, status, text .. err)
      assert.matches(message, err, 1, true)
    end
  end)
end)

describe(".help", function()
  it("lists the commands, and explains functions", function()
    local out = printed ".help\n"
    for _, command in ipairs { "plan", "undo", "save", "recipe", "load", "help", "quit" } do assert.matches("\n  ." .. command .. " ", out, 1, true) end
    assert.matches("^gw.mean%(tensors %[, weights%]%)\n  The mean of float tensors", printed ".help gw.mean\n")
    assert.matches("^Draft:rename_scope%(", printed ".help ckpt:rename_scope\n")
    assert.matches("^gw.graph.reorder%(", printed ".help gw.graph.reorder\n")
    assert.matches("^godwit.Which\n  Which tensors: ", printed ".help Which\n")
    local _, err = script ".help nothing\n"
    assert.matches("there is no help on 'nothing'", err, 1, true)
  end)
end)

describe("completion", function()
  local complete = require "godwit.complete"
  local env = { gw = gw, long_name = 1 }
  before_each(function()
    env.ckpt = gw.open(folder .. "/in")
    env.root = gw.objects({ model = { ["layer-0"] = gw.scalar(1), layer = gw.scalar(2) } }).root
  end)
  local function after(text) return (complete(env, text, { ".plan", ".save" })) end

  for text, more in pairs {
    ["lo"] = "", ["long"] = "_name", ["x = long_n"] = "ame", ["retu"] = "rn", ["gw.sca"] = "lar", ["ckpt.va"] = "rs", ["ckpt:rename_s"] = "cope",
    ['ckpt.vars["ol'] = "d/", ['ckpt.vars["old/w'] = '"]', ["ckpt.vars['st"] = "ep']", ["root.mo"] = "del", ['root.model["layer-'] = '0"]',
    ["root.model.la"] = "yer", [".pl"] = "an ", ["ckpt.vars.step:sta"] = "ts", ["nothing.x"] = "", ["f().x"] = "",
  } do
    it(("after %s"):format(text), function() assert.equal(more, after(text)) end)
  end

  it("shows what there is where it cannot go on", function()
    local _, candidates = complete(env, "ckpt:rename", {})
    assert.same({ "rename", "rename_scope" }, candidates)
    _, candidates = complete(env, 'ckpt.vars["old/', {})
    assert.same({ "old/b", "old/w" }, candidates)
  end)

  it("goes through names scope by scope, and lists no more than a screen of them", function()
    local vars = {}
    for i = 0, 149 do
      for _, leaf in ipairs { "w", "b" } do vars[("layer_%03d/%s"):format(i, leaf)] = gw.scalar(1.0) end
    end
    for _, name in ipairs { "layer_000", "step", "x/", "x//y", "über/w", "übel" } do vars[name] = gw.scalar(1) end
    env.many = gw.variables(vars)
    local function at(text) return table.pack(complete(env, 'many.vars["' .. text, {})) end
    local text, candidates, more = table.unpack(at "", 1, 3)
    assert.same({ "", 100, 55, "layer_000", "layer_000/", "layer_001/" }, { text, #candidates, more, candidates[1], candidates[2], candidates[3] })
    assert.same({ "_", 0 }, { at("layer")[1], at("layer")[3] - 51 })
    assert.same({ "", { "layer_007/b", "layer_007/w" }, 0, n = 3 }, at "layer_007/")
    assert.same({ "/", { "layer_007/b", "layer_007/w" }, 0, n = 3 }, at "layer_007")
    assert.same({ "", { "layer_000", "layer_000/" }, 0, n = 3 }, at "layer_000")
    assert.same({ "", { "x/", "x//" }, 0, n = 3 }, at "x/")
    assert.equal('ep"]', at("st")[1])
    assert.same({ "be", { "übel", "über/" }, 0, n = 3 }, at "ü")
    assert.equal("", at("nothing")[1])
    assert.equal("", at("layer_000/w/")[1])
  end)

  it("knows checkpoints in gw.open", function()
    assert.equal('n"', (complete(env, ('x = gw.open "%s/i'):format(folder), {})))
  end)
end)

describe("repl in a terminal", function()
  if not terminal.is_there then return pending "tmux is not there (or does not get along with sanitizers)" end
  local session
  local function screen() return session:screen() end
  local function shows(pattern) return session:shows(pattern) end
  local function keys(...) session:keys(...) end

  local function start()
    if session then session:close() end
    session = terminal.start(("exec env LC_ALL=C.UTF-8 GODWIT_HISTORY=%s/history %s repl in"):format(folder, program.PATH), folder)
    shows "\n>$"
  end

  after_each(function()
    if session then session:close() end
    session = nil
  end)

  it("greets, edits lines, completes, and keeps a history", function()
    start()
    assert.matches("^godwit [%d.]+ · ckpt is in · .help helps, Ctrl%-D leaves\n>$", screen())
    keys("1 + 4", "Left", "BSpace", "2 * 1", "Enter")
    shows "> 1 %+2 %* 14\n29\n>$"
    keys('ckpt.vars["ol', "Tab", "w", "Tab", "Enter")
    shows 'ckpt.vars%["old/w"%]\nfloat32%[3%] %[1%. 2%. 3%.%]\n>$'
    keys("Up", "Up", "Enter")
    shows "29\n> ckpt[^\n]*\nfloat32[^\n]*\n> 1 %+2 %* 14\n29\n>$"
    keys "C-d"
    for _ = 1, 100 do
      if scratch.exists(folder .. "/history") then break end
      os.execute "sleep 0.05"
    end
    start()
    keys("Up", "Enter")
    shows "\n> 1 %+2 %* 14\n29\n>$"
  end)

  it("goes on with an unfinished line, and Ctrl-C gives it up", function()
    start()
    keys("for i = 1, 2 do", "Enter")
    shows "\n>>$"
    keys("print(i * 11)", "Enter", "end", "Enter")
    shows "\n11\n22\n>$"
    keys("function f(", "Enter")
    shows "\n>>$"
    keys("C-c")
    shows "%^C\n>$"
    keys("21 * 2", "Enter")
    shows "\n42\n>$"
  end)

  it("is interrupted in its work, not in its session", function()
    start()
    keys("while true do end", "Enter")
    os.execute "sleep 0.3"
    keys "C-c"
    shows "interrupted\n>$"
    keys("ckpt:drop 'step' while true do end", "Enter")
    os.execute "sleep 0.3"
    keys "C-c"
    shows "interrupted\n> ckpt[^\n]*\n[^\n]*interrupted\n>$"
    keys("#ckpt", "Enter")
    shows "\n3\n>$"
  end)

  it("shows an error and goes on, undoes, saves", function()
    start()
    keys("ckpt.vars.nothing", "Enter")
    shows 'there is no tensor "nothing"'
    keys("ckpt:drop 'step'", "Enter", ".undo", "Enter", "ckpt:rename_scope('old/', 'new/')", "Enter", ".save out", "Enter")
    shows "undone: ckpt:drop 'step'\n"
    shows "out · name%-based · 3 tensors: 1 unchanged, 2 renamed · 24 B in"
    assert.is_true(gw.open(folder .. "/out"):has "new/w")
  end)
end)

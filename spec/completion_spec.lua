-- What can follow on the command line: `godwit complete`, and what bash, zsh and fish make of it.

local lfs = require "lfs"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"
local terminal = require "spec.support.terminal"

local quoted = program.quoted
local SOURCES = (os.getenv "ROOT" or lfs.currentdir()) .. "/scripts/completions/"

local folder

local function write(name, text) return scratch.write(folder .. "/" .. name, text) end
local function checkpoint(name) return scratch.copy(scratch.KINDS .. "names", folder .. "/" .. name) end

--- `godwit complete` with these words in the test's folder, `environment` in front ("GODWIT_PATH=team"): the candidates, and
--- their descriptions. It says nothing else, and never fails.
local function complete(words, environment)
  local line = { environment or "", "timeout 60", quoted(program.PATH), "complete --" } -- what waits for input would wait for good
  for _, word in ipairs(words) do line[#line + 1] = quoted(word) end
  local out, err, status = program.shell(table.concat(line, " "), folder)
  assert.same({ "", 0 }, { err, status })
  local texts, about = {}, {}
  for text in out:gmatch "([^\n]*)\n" do
    local name, description = text:match "^([^\t]*)\t?(.*)$"
    texts[#texts + 1] = name
    about[name] = description ~= "" and description or nil
  end
  return texts, about
end

local RECIPE = [[return {
  summary = "A recipe\n with\27[31m two inputs",
  inputs = { "old", "fresh" },
  params = {
    mode = { type = "choice", choices = { "fast", "safe" }, default = "safe", help = "how" },
    deep = { type = "boolean", required = true }, scope = { type = "string", default = "bert/" }, list = { type = "file", help = "names" },
    count = { type = "integer", default = 3 }, names = { type = "list", default = { "a", "b" } },
  },
  run = function() error "it is never run" end,
}]]

before_each(function()
  folder = scratch.folder()
  checkpoint "model.ckpt-1"
  assert(lfs.mkdir(folder .. "/runs"))
  checkpoint "runs/model.ckpt-7"
  write("pair.lua", RECIPE)
  write("notes.txt", "")
end)

describe("the completion of commands and options", function()
  it("has every command with its summary, and itself not", function()
    local texts, about = complete { "" }
    assert.same({ "check", "diff", "graph", "help", "inspect", "lineage", "plan", "recipes", "repl", "restore", "run", "test", "verify" }, texts)
    assert.equal("check every checksum and every bound of checkpoints", about.verify)
    assert.same({ "recipes", "repl", "restore", "run" }, (complete { "r" }))
    assert.same({ "--help", "--version" }, (complete { "-" }))
    assert.same(texts, (complete { "help", "" }))
    assert.same({ "verify" }, (complete { "--help", "ver" }))
    assert.same({}, (complete { "nothing", "" }))
    assert.same({}, (complete { "complete", "" }))
    assert.same(texts, (complete {}))
  end)

  it("has all options of a command as its parser has them", function()
    local COMMANDS = require "godwit.commands"
    for _, command in ipairs(COMMANDS) do
      local parser, expected = require("godwit.commands." .. command).parser(require "argparse"), {}
      for _, option in ipairs(parser._options) do
        for _, name in ipairs(option._public_aliases) do expected[#expected + 1] = name end
      end
      table.sort(expected)
      assert.same(expected, (complete { command, "-" }), command)
    end
    assert.equal("show only so many levels", select(2, complete { "graph", "--d" })["--depth"])
  end)

  it("knows what every option and argument of every command stands for", function()
    local values = require("godwit.commands.complete").VALUES
    local COMMANDS = require "godwit.commands"
    for _, list in ipairs { COMMANDS, COMMANDS.hidden } do
      for _, command in ipairs(list) do
        local parser = require("godwit.commands." .. command).parser(require "argparse")
        for _, elements in ipairs { parser._options, parser._arguments } do
          for _, element in ipairs(elements) do
            local known = element._maxargs == 0 or element._choices or values[element._argname] ~= nil
            assert.is_truthy(known, ("%s: %s"):format(command, element._name))
          end
        end
      end
    end
  end)

  it("leaves out what is there already, unless it may be repeated, and what that excludes", function()
    local function has(texts, text)
      for _, one in ipairs(texts) do
        if one == text then return true end
      end
      return false
    end
    local texts = complete { "run", "cast", "--json", "-p", "dtype=float16", "--verify", "-" }
    assert.same({ false, true, false, false, true },
      { has(texts, "--json"), has(texts, "-p"), has(texts, "--verify"), has(texts, "--no-verify"), has(texts, "--force") })
    assert.is_true(has(complete { "inspect", "--match", "--json", "-" }, "--match"))
    assert.is_false(has(complete { "run", "-q", "-" }, "--quiet"))
    assert.same({ "--help", "--json", "-h" }, (complete { "recipes", "--for", "x", "-" }))
  end)

  it("goes on with options where nothing else can follow, by one name each", function()
    assert.same({ "--as", "--assert", "--help", "--json", "--like", "--quiet" }, (complete { "check", "model.ckpt-1", "" }))
    assert.same({}, (complete { "check", "model.ckpt-1", "x" }))
    assert.same({}, (complete { "check", "--", "--l" }))
  end)

  it("has the choices of an option, in each of the ways to write it", function()
    assert.same({ "clone", "copy", "link" }, (complete { "run", "cast", "x", "--data", "" }))
    assert.same({ "--data=clone", "--data=copy" }, (complete { "plan", "--data=c" }))
    assert.same({ "consumed", "existing", "none" }, (complete { "restore", "--assert", "" }))
    assert.same({ "consumed", "existing" }, (complete { "check", "--assert", "" }))
    assert.same({ "read", "restore" }, (complete { "check", "--as", "" }))
    assert.same({ "-oruns/" }, (complete { "restore", "-or" }))
    assert.same({ "runs/" }, (complete { "run", "pair.lua", "-qo", "r" }))
    assert.same({}, (complete { "inspect", "--match", "m" }))
  end)
end)

describe("the completion of paths", function()
  it("has folders and checkpoints by their prefixes, and no file of theirs", function()
    write("runs/checkpoint", 'model_checkpoint_path: "model.ckpt-7"\n')
    local texts, about = complete { "inspect", "" }
    assert.same({ "model.ckpt-1", "runs/" }, texts)
    assert.same({ ["runs/"] = "folder with checkpoints" }, about)
    assert.same({ "runs/model.ckpt-7" }, (complete { "inspect", "runs/" }))
    assert.same({ "model.ckpt-1" }, (complete { "diff", "runs/model.ckpt-7", "mod" }))
    assert.same({}, (complete { "inspect", "model.ckpt-1.i" }))
    for _, words in ipairs { { "graph" }, { "verify", "a", "b" }, { "repl" }, { "check" }, { "check", "--like" }, { "restore" }, { "restore", "--into" },
      { "recipes", "--for" }, { "run", "-e", "x" }, { "plan", "-e", "x", "a" }, { "run", "cast", "-o", "x" } } do
      words[#words + 1] = ""
      assert.same({ "model.ckpt-1", "runs/" }, (complete(words)))
    end
  end)

  it("has V1 checkpoints, whole and in files of their own, but nothing that only looks like one", function()
    for _, name in ipairs(scratch.list "spec/fixtures/valid/v1/") do
      write("runs/" .. name, scratch.read("spec/fixtures/valid/v1/" .. name))
    end
    write("runs/train-00000-of-00002", "records")
    assert.same({ "runs/dtypes", "runs/model.ckpt-7", "runs/saver", "runs/saver-v2", "runs/sharded", "runs/sharded-v2" }, (complete { "inspect", "runs/" }))
    local _, err, status = program.shell(quoted(program.PATH) .. " inspect runs/sharded", folder)
    assert.equal(0, status, err)
  end)

  it("shows hidden names when a dot asks for them, and goes up", function()
    assert(lfs.mkdir(folder .. "/.cache"))
    assert.same({ "model.ckpt-1", "runs/" }, (complete { "inspect", "" }))
    assert.same({ ".cache/" }, (complete { "inspect", ".c" }))
    assert.same({ "../" }, (complete { "inspect", ".." }))
  end)

  it("takes a tilde for the home folder, and leaves it as it is", function()
    local home = "HOME=" .. quoted(folder)
    assert.same({ "~/runs/model.ckpt-7" }, (complete({ "inspect", "~/runs/m" }, home)))
    assert.same({ "mode=fast" }, (complete({ "run", "~/pair.lua", "-p", "mode=f" }, home)))
    assert.same({}, (complete({ "inspect", "~/x" }, home)))
  end)

  it("has odd names as they are, but none that a line or a terminal cannot take", function()
    for _, name in ipairs { "odd name", "it's", 'a"b', "$x", "co:lon=a@b", "\xff", "tab\tx", "line\nx", "\27[31mx" } do checkpoint("runs/" .. name) end
    assert.same({ "runs/$x", 'runs/a"b', "runs/co:lon=a@b", "runs/it's", "runs/model.ckpt-7", "runs/odd name", "runs/\xff" },
      (complete { "inspect", "runs/" }))
    assert(os.rename(folder .. "/model.ckpt-1.index", folder .. "/-x.index"))
    assert.same({ "runs/" }, (complete { "inspect", "" }))
  end)

  it("follows links, and waits for nothing", function()
    assert(lfs.link("runs", folder .. "/latest", true))
    assert(lfs.link("runs/model.ckpt-7.index", folder .. "/linked.index", true))
    assert(lfs.link("nowhere", folder .. "/broken.index", true))
    program.shell("mkfifo pipe.index pipe.lua", folder)
    assert.same({ "latest/", "linked", "model.ckpt-1", "runs/" }, (complete { "inspect", "" }))
    assert.same({}, (complete { "run", "./pipe.lua", "-p", "" }))
    assert.same({ "model.ckpt-1" }, (complete { "run", "/dev/stdin", "m" }))
    assert.same({}, (complete { "inspect", "nowhere/" }))
  end)

  it("has folders for an output, and checkpoints when one is to be replaced", function()
    assert.same({ "runs/" }, (complete { "run", "cast", "x", "-o", "" }))
    assert.same({ "encoder=runs/" }, (complete { "run", "split", "x", "-o", "encoder=r" }))
    assert.same({ "model.ckpt-1", "runs/" }, (complete { "run", "cast", "x", "--force", "-o", "" }))
  end)

  it("has files and folders where these are meant", function()
    assert.same({ "notes.txt" }, (complete { "test", "--junit", "n" }))
    assert.same({ "pair.lua", "runs/" }, (complete { "recipes", "--check", "" }))
  end)
end)

describe("the completion of recipes", function()
  it("has the library with summaries, folders and files of Lua", function()
    local texts, about = complete { "run", "ca" }
    assert.same({ "canned_estimator_to_tf2", "cast" }, texts)
    assert.equal("Float variables get another dtype", select(2, complete { "plan", "cast" }).cast)
    assert.equal("Training with a canned Estimator of TF1 goes on with that of TF2", about.canned_estimator_to_tf2)
    assert.same({ "partition", "pair.lua" }, { (complete { "recipes", "par" })[1], (complete { "recipes", "pai" })[1] })
    assert.same({ "rename_attribute", "rename_scope" }, (complete { "test", "cast", "rename" }))
    assert.same({ "runs/" }, (complete { "run", "run" }))
    assert.same({ "./pair.lua" }, (complete { "run", "./p" }))
  end)

  it("has the folders of GODWIT_PATH, without modules, one by the name of several, and none that is not there", function()
    assert(lfs.mkdir(folder .. "/team"))
    write("team/manifest.lua", "return { name = 'x', version = '1', godwit = '1' }")
    write("team/zz_names.lua", "return { a = 1 }")
    write("team/zz_pair.lua", RECIPE)
    write("team/zz_wrong.lua", "return {")
    write("team/cast.lua", "return { summary = 'Ours', run = function() end }")
    local path = "GODWIT_PATH=nowhere:team"
    -- What there is no time to look at comes without its summary, and may be a module.
    if (os.getenv "VALGRIND" or "") ~= "" then return pending "times mean nothing here" end
    local texts, about = complete({ "run", "zz_" }, path)
    assert.same({ "zz_pair", "zz_wrong" }, texts)
    assert.equal("A recipe with\\x1b[31m two inputs", about.zz_pair)
    assert.same({ { "cast" }, { cast = "Ours" } }, { complete({ "run", "cas" }, path) })
    assert.same({}, (complete({ "run", "cast", "-p", "" }, path)))
  end)

  it("has a recipe's inputs until all are there", function()
    assert.same({ "fresh=", "model.ckpt-1", "old=", "runs/" }, (complete { "run", "pair.lua", "" }))
    assert.same({ "fresh=runs/model.ckpt-7" }, (complete { "run", "pair.lua", "fresh=runs/" }))
    assert.same({ "model.ckpt-1", "old=", "runs/" }, (complete { "run", "pair.lua", "fresh=x", "" }))
    assert.same({ "fresh=", "model.ckpt-1", "runs/" }, (complete { "plan", "pair.lua", "x", "" }))
    assert.equal("--assert", (complete { "run", "pair.lua", "x", "fresh=y", "" })[1])
    assert.same({ "model.ckpt-1", "runs/" }, (complete { "run", "cast", "" }))
    assert.same({ "checkpoint=" }, (complete { "run", "cast", "ch" }))
    assert.same({ "model.ckpt-1", "runs/" }, (complete { "run", "average", "x", "y", "z", "" }))
  end)

  it("has a recipe's parameters that are not given yet, and their values", function()
    local texts, about = complete { "run", "pair.lua", "model.ckpt-1", "-p", "deep=true", "-p", "" }
    assert.same({ "count=", "list=", "mode=", "names=", "scope=" }, texts)
    assert.same({ ["count="] = "integer; default: 3", ["list="] = "names", ["mode="] = "how; default: safe", ["names="] = "list; default: a,b",
      ["scope="] = "string; default: bert/" }, about)
    assert.equal("boolean; required", select(2, complete { "plan", "-p", "x=1", "./pair.lua", "--param=" })["--param=deep="])
    local function values(word) return (complete { "run", "pair.lua", "-p", word }) end
    assert.same({ "mode=fast", "mode=safe" }, values "mode=")
    assert.same({ "deep=true" }, values "deep=t")
    assert.same({ "scope=bert/" }, values "scope=")
    assert.same({ "names=a,b" }, values "names=")
    assert.same({ "list=@notes.txt" }, values "list=@n")
    assert.same({ "list=notes.txt" }, values "list=n")
    assert.equal("list=@model.ckpt-1.data-00000-of-00001", values "list="[1])
    assert.same({}, values "nothing=")
    assert.same({ "-pmode=fast" }, (complete { "run", "pair.lua", "-pmode=f" }))
    assert.same({}, (complete { "run", "-e", "x", "-p", "" }))
    assert.same({}, (complete { "run", "-p", "" }))
  end)

  for what, source in pairs {
    ["with a syntax error"] = "return {", ["that raises"] = "error 'no'", ["that never ends"] = "while true do end",
    ["that never ends inside of a C function"] = "return ('a'):rep(1000000):find(('.-'):rep(100) .. 'b')",
    ["that takes all memory"] = "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) end", ["that is Lua bytecode"] = string.dump(function() end),
    ["that is a module"] = "return { a = 1 }", ["that wants another API"] = "return { godwit = '7', run = print }",
  } do
    it("has nothing to say of a recipe " .. what, function()
      write("wrong.lua", source)
      assert.same({}, (complete { "run", "./wrong.lua", "-p", "" }))
    end)
  end

  it("does not let a recipe print", function()
    write("loud.lua", "print 'hello' return { params = { a = { type = 'string' } }, run = function() end }")
    assert.same({ "a=" }, (complete { "run", "loud.lua", "-p", "" }))
  end)

  it("fails for no words, and gives nothing but what begins with the last one", function()
    local candidates = require("godwit.commands.complete").candidates
    local pool = { "", "-", "--", "=", "@", "~", "~/", "/", "a=", "-p", "-o", "-e", "-qp", "--data", "--data=", "--like=", "--nothing=x", "-z", "run",
      "plan", "help", "test", "recipes", "check", "complete", "cast", "split", folder .. "/pair.lua", folder .. "/", "mode=",
      "list=@" .. folder .. "/", "deep", "%", "[", "\0", "\xff", "..", "x/y", "fresh=", "old=" .. folder .. "/m" }
    for _ = 1, 2000 do
      local words = { ({ "run", "plan", "recipes", "test", "restore", pool[math.random(#pool)] })[math.random(6)] }
      for i = 2, math.random(6) do words[i] = pool[math.random(#pool)] end
      local texts = candidates(words)
      for _, text in ipairs(texts) do assert.equal(words[#words], text:sub(1, #words[#words]), table.concat(words, " ")) end
    end
  end)

  it("does not write", function()
    local before = scratch.list(folder)
    complete { "run", "pair.lua", "model.ckpt-1", "-o", "new/out", "" }
    complete { "test", "pair.lua", "--junit", "report.xml", "" }
    assert.same(before, scratch.list(folder))
  end)
end)

describe("a completion", function()
  if (os.getenv "SANITIZE" or "") ~= "" or (os.getenv "VALGRIND" or "") ~= "" then return pending "times mean nothing here" end

  --- Far above what it takes (0.04 s), far below what a second look at every file would.
  local function is_quick(words, environment, count)
    local core = require "godwit.core"
    local started = core.monotonic()
    local texts = complete(words, environment)
    assert.equal(count, #texts)
    assert.is_true(core.monotonic() - started < 1, "it takes a second")
  end

  it("is quick in a folder of ten thousand files", function()
    for i = 1, 5000 do
      write(("runs/x-%d.index"):format(i), "")
      write(("runs/x-%d.data-00000-of-00001"):format(i), "")
    end
    is_quick({ "inspect", "runs/x" }, nil, 5000)
  end)

  it("is quick with many recipes", function()
    assert(lfs.mkdir(folder .. "/team"))
    for i = 1, 500 do write(("team/recipe_%d.lua"):format(i), RECIPE) end
    is_quick({ "run", "recipe_" }, "GODWIT_PATH=team", 500)
  end)
end)

-- ---- Shells

local has_odd_names = function()
  for _, name in ipairs { "odd name", "it's", "co:lon=a@b", "$dollar" } do checkpoint("runs/" .. name) end
  write("runs/my pair.lua", RECIPE)
end

local ENVIRONMENT = ("PATH=%s:$PATH LC_ALL=C.UTF-8"):format(quoted(program.PATH:match "^(.*)/"))

describe("bash", function()
  --- COMPREPLY after the words that bash makes of a line, whose last one is being typed. `typed`: what readline would replace.
  local function reply(words, more)
    local list = {}
    for i, word in ipairs(words) do list[i] = quoted(word) end
    local script = ("source %s\nCOMP_WORDS=(%s) COMP_CWORD=%d\n%s\n_godwit godwit %s\nprintf '%%s\\n' \"${COMPREPLY[@]}\""):format(
      quoted(SOURCES .. "godwit.bash"), table.concat(list, " "), #words - 1, more.line and
        ("COMP_LINE=%s COMP_POINT=%d COMP_TYPE=%d"):format(quoted(more.line), more.point or #more.line, more.type or 9) or "",
      more.typed and quoted(more.typed) or "")
    local out, err = program.shell(("env %s bash --norc -c %s"):format(ENVIRONMENT, quoted(script)), folder)
    assert.equal("", err)
    return out:gsub("\n$", "")
  end

  it("completes the word before the cursor", function()
    assert.equal("inspect", reply({ "godwit", "in" }, { line = "godwit in", typed = "in" }))
    assert.equal("inspect", reply({ "godwit", "in" }, {}))
    assert.equal("inspect", reply({ "godwit", "inxyz" }, { line = "godwit inxyz", point = 9, typed = "in" }))
    assert.equal("model.ckpt-1\nruns", reply({ "godwit", "inspect", "" }, { line = "godwit inspect ", typed = "" }))
    assert.equal("", reply({ "godwit", "nothing", "" }, { line = "godwit nothing ", typed = "" }))
    assert.equal("verify", reply({ "an-alias", "verif" }, { line = "an-alias verif", typed = "verif" }))
  end)

  it("puts words together that bash takes apart at = and @ and :", function()
    local words = { "godwit", "run", "pair.lua", "-p", "mode", "=", "f" }
    assert.equal("fast", reply(words, { line = "godwit run pair.lua -p mode=f", typed = "f" }))
    assert.equal("fast", reply(words, {}))
    words[7] = nil
    assert.equal("fast\nsafe", reply(words, { line = "godwit run pair.lua -p mode=", typed = "" }))
    assert.equal("fast\nsafe", reply(words, {}))
    assert.equal("notes.txt", reply({ "godwit", "run", "pair.lua", "-p", "list", "=@", "no" }, { line = "godwit run pair.lua -p list=@no", typed = "no" }))
    assert.equal("link", reply({ "godwit", "plan", "--data", "=", "l" }, { line = "godwit plan --data=l", typed = "l" }))
    has_odd_names()
    assert.equal("lon=a@b", reply({ "godwit", "inspect", "runs/co", ":", "l" }, { line = "godwit inspect runs/co:l", typed = "l" }))
    assert.equal("fast", reply({ "godwit", "run", "pair.lua", "-p", "deep", "=", "true", "-p", "mode", "=", "f" },
      { line = "godwit run pair.lua -p deep=true -p mode=f", typed = "f" }))
  end)

  it("reads quotes, and gives back what has to be typed", function()
    has_odd_names()
    local function last(word, typed) return reply({ "godwit", "inspect", word }, { line = "godwit inspect " .. word, typed = typed or word }) end
    assert.equal("runs/odd\\ name", last "runs/o")
    assert.equal("runs/odd\\ name", last "runs/odd\\ n")
    assert.equal("runs/odd name", last('"runs/odd n', "runs/odd n"))
    assert.equal("runs/it\\'s", last "runs/i")
    assert.equal("runs/it'\\''s", last("'runs/i", "runs/i"))
    assert.equal("runs/\\$dollar", last "runs/\\$")
    assert.equal("runs/\\$dollar", last('"runs/\\$', "runs/\\$"))
    assert.equal("fast", reply({ "godwit", "run", "runs/my\\ pair.lua", "-p", "mode", "=", "f" },
      { line = "godwit run runs/my\\ pair.lua -p mode=f", typed = "f" }))
    assert.equal("mode=fast", reply({ "godwit", "run", "'runs/my pair.lua'", "-p", '"mode=f' },
      { line = "godwit run 'runs/my pair.lua' -p \"mode=f", typed = "mode=f" }))
  end)

  it("runs nothing of what is typed", function()
    reply({ "godwit", "inspect", "$(touch bad)", "`touch bad`", "x" }, { line = "godwit inspect $(touch bad) `touch bad` x", typed = "x" })
    assert.is_false(scratch.exists(folder .. "/bad"))
  end)

  it("shows descriptions in lists", function()
    assert.equal("recipes  (list the library's recipes, explain one, find those that fit, check a\nrepl     (try things out: Lua with a checkpoint at hand)",
      reply({ "godwit", "re" }, { line = "godwit re", typed = "re", type = 63 }):match "^(.-)\nrestore")
  end)
end)

describe("fish", function()
  if not os.execute "command -v fish >/dev/null" then return pending "fish is not installed" end

  local function candidates(line)
    local script = ("source %s; complete -C $LINE"):format(quoted(SOURCES .. "godwit.fish"))
    local out, err = program.shell(("env %s HOME=%s LINE=%s fish --no-config -c %s"):format(ENVIRONMENT, quoted(folder), quoted(line), quoted(script)), folder)
    assert.equal("", err)
    local texts = {}
    for text in out:gmatch "([^\n]*)\n" do texts[#texts + 1] = text end
    table.sort(texts)
    return texts
  end

  it("has candidates with descriptions, and quotes them", function()
    assert.same({ "inspect\tlist a checkpoint's tensors: names, dtypes, shapes, sizes, values, statistics" }, candidates "godwit in")
    assert.same({ "model.ckpt-1", "runs/" }, candidates "godwit inspect ")
    assert.same({ "mode=fast", "mode=safe\tdefault" }, candidates "godwit run pair.lua -p mode=")
    assert.same({ "--data=link" }, candidates "godwit run pair.lua --data=l")
    has_odd_names()
    for _, line in ipairs { "godwit inspect runs/o", "godwit inspect 'runs/o", 'godwit inspect "runs/odd n', "godwit inspect runs/odd\\ n" } do
      assert.same({ "runs/odd name" }, candidates(line), line)
    end
    assert.same({ "mode=fast" }, candidates "godwit run runs/my\\ pair.lua -p mode=f")
    assert.same({ "~/runs/it's" }, candidates "godwit inspect ~/runs/i")
    assert.same({ "runs/co:lon=a@b" }, candidates "godwit inspect runs/co:l")
    assert.same({ "recipes" }, { candidates "godwit rec"[1]:match "^[^\t]*" })
  end)
end)

-- What is typed in a terminal, and the line that then stands there.
local INTERACTIVE = {
  bash = {
    start = "PS1='> ' exec bash --norc --noprofile -i",
    source = "source " .. quoted(SOURCES .. "godwit.bash"),
  },
  zsh = {
    start = "PS1='> ' exec zsh -f -i",
    source = "autoload -Uz compinit && compinit -u -D && source " .. quoted(SOURCES .. "godwit.zsh"),
  },
  fish = {
    start = "exec fish --no-config -i",
    source = "function fish_prompt; echo -n '> '; end; source " .. quoted(SOURCES .. "godwit.fish"),
  },
}

for shell, how in pairs(INTERACTIVE) do
  describe(shell .. " in a terminal", function()
    if not os.execute(("command -v %s >/dev/null"):format(shell)) then return pending(shell .. " is not installed") end
    if not terminal.is_there then return pending "tmux is not there (or does not get along with sanitizers)" end

    local session
    before_each(function()
      has_odd_names()
      write("setup", how.source .. "\n")
      session = terminal.start(("export HOME=%s %s; %s"):format(quoted(folder), ENVIRONMENT, how.start), folder)
      session:shows "[>$#%%] ?$"
      session:keys("source ./setup; echo rea''dy", "Enter")
      session:shows "\nready\n[^\n]*> ?$"
    end)
    after_each(function() session:close() end)

    --- Each pair: what is typed before Tab, and the end of the last line after it.
    local function types(...)
      for _, step in ipairs { ... } do
        session:keys(step[1], "Tab")
        session:shows(step[2] .. "%s*$")
      end
      session:keys "C-c"
      session:shows "\n[^\n]*> ?$" -- a new line, or it swallows what is typed
      session:keys("clear", "Enter")
      session:shows "^[^\n]*> ?$"
    end

    it("completes commands, checkpoints, parameters and their values", function()
      types({ "godwit insp", "godwit inspect" }, { "mod", "inspect model.ckpt%-1" })
      types({ "godwit run pair.lua -p mo", "%-p mode=" }, { "f", "%-p mode=fast" })
      types({ "godwit run pair.lua -p list=@no", "list=@notes.txt" })
      types({ "godwit run pair.lua fr", "fresh=" }, { "ru", "fresh=runs/" }, { "m", "fresh=runs/model.ckpt%-7" })
    end)

    it("quotes as the line does", function()
      types { "godwit inspect runs/od", "runs/odd\\ name" }
      types { 'godwit inspect "runs/od', '"runs/odd name"' }
      types { "godwit inspect 'runs/od", "'runs/odd name'" }
      types { "godwit inspect ~/runs/it", "~/runs/it\\'s" }
      types { "godwit inspect runs/co:", "runs/co:lon=a@b" }
      types { "godwit run runs/my\\ pair.lua -p mode=f", "%-p mode=fast" }
    end)
  end)
end

-- Provenance: run --lineage and godwit lineage; plan --save and run --plan.

local program = require "spec.support.program"
local json = require "spec.support.json"
local scratch = require "spec.support.scratch"

local RENAME = [[ckpt:rename_scope("classifier/", "model/")]]
local V1 = "spec/fixtures/valid/v1/saver"

local folder

before_each(function()
  folder = scratch.folder()
  scratch.copy(scratch.DIGITS, folder .. "/in")
end)

--- godwit in that folder; the command line is a shell's.
local function godwit(line) return program.shell(program.quoted(program.PATH) .. " " .. line, folder) end

local function done(line)
  local out, err, status = godwit(line)
  assert.equal(0, status, err)
  return out, err
end

local function refused(status_wanted, message, line)
  local out, err, status = godwit(line)
  assert.equal(status_wanted, status, out .. err)
  assert.matches(message, err, 1, true)
end

local function document(prefix) return json.parse(scratch.read(folder .. "/" .. prefix .. ".godwit.json")) end

local function sha256(path)
  local out = program.shell(("sha256sum %s"):format(program.quoted(folder .. "/" .. path)))
  return out:match "^%x+"
end

local function listing() return table.concat(scratch.list(folder), " ") end

describe("run --lineage", function()
  it("writes what the checkpoint was made from", function()
    scratch.write(folder .. "/names.lua", [[
      local rules = require "rules"
      return {
        version = "2.1", params = { to = { type = "string", default = "model" }, list = { type = "file" } }, inputs = { "old", "others..." },
        run = function(ckpt, p) ckpt:rename_scope(rules.from, p.to .. "/") assert(p.list:bytes() == "text\n") end,
      }]])
    scratch.write(folder .. "/rules.lua", "return { from = 'classifier/' }")
    scratch.write(folder .. "/list.txt", "text\n")
    scratch.copy(folder .. "/in", folder .. "/second")
    done "run ./names.lua in second -p list=@list.txt -o out --lineage"
    local found = document "out"
    assert.same({ "schema", "godwit", "written", "generation", "output", "recipe", "parameters", "inputs", "plan" }, json.fields(found))
    assert.equal(1, found.generation)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", found.written)
    assert.same({ path = "out", kind = "variables", index = { { file = "out.index", bytes = #scratch.read(folder .. "/out.index"),
      sha256 = sha256 "out.index" } } }, found.output)
    assert.same({
      name = "./names.lua", version = "2.1", file = "./names.lua", sha256 = sha256 "names.lua",
      text = scratch.read(folder .. "/names.lua"),
      modules = { { file = "./rules.lua", sha256 = sha256 "rules.lua", text = scratch.read(folder .. "/rules.lua") } },
    }, found.recipe)
    assert.equal(scratch.read(folder .. "/names.lua"), (done "lineage out --recipe"))
    assert.same({ to = "model", list = { file = "list.txt", bytes = 5, sha256 = sha256 "list.txt" } }, found.parameters)
    local input = { path = "in", name = "old", format = "v2", kind = "variables", tensors = 19, bytes = 5360,
      index = { { file = "in.index", bytes = #scratch.read(folder .. "/in.index"), sha256 = sha256 "in.index" } } }
    assert.same(input, found.inputs[1])
    assert.same({ "others", true, "second" }, { found.inputs[2].name, found.inputs[2].rest, found.inputs[2].path })
    assert.same({ tensors = 19, unchanged = 3, renamed = 16, computed = 0, new = 0, dropped = 0 }, found.plan)
  end)

  it("repeats the lineage of its inputs, which godwit lineage shows", function()
    done(("run --lineage -e '%s' in -o middle"):format(RENAME))
    done "run --lineage ema_to_model middle -o out -p drop_slots=true"
    assert.equal(2, document "out".generation)
    assert.same(document "middle", document "out".inputs[1].lineage)
    os.remove(folder .. "/middle.index")
    local out = done "lineage out"
    out = out:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d UTC", "NOW"):gsub("godwit %d+%.%d+%.%d+", "godwit V"):gsub("sha256 %x+", "sha256 H")
    assert.equal([[
out
  written NOW by godwit V
  recipe  ema_to_model 1.0 · sha256 H
  -p      drop_slots=true
  plan    5 tensors: 1 unchanged, 4 renamed; 14 dropped
  from    checkpoint=middle · name-based · 19 tensors · sha256 H
          written NOW by godwit V
          recipe  -e 'ckpt:rename_scope("classifier/", "model/")'
          plan    19 tensors: 3 unchanged, 16 renamed
          from    in · name-based · 19 tensors · sha256 H
]], out)
    assert.same(document "out", json.parse((done "lineage out --json")))
    assert.equal("", (done "lineage -q out"))
    assert.equal(out:sub(1, 3), done("lineage out.godwit.json"):sub(1, 3))
  end)

  it("leaves out an input's lineage that is about another checkpoint, or too long, or none at all", function()
    done(("run --lineage -e '%s' in -o middle"):format(RENAME))
    scratch.copy(folder .. "/in", folder .. "/middle")
    local _, err = done "run --lineage -e '' middle -o out"
    assert.matches("middle.godwit.json is about another checkpoint than middle is today: left out", err, 1, true)
    assert.is_nil(document "out".inputs[1].lineage)
    scratch.write(folder .. "/middle.godwit.json", "{")
    _, err = done "run --lineage -e '' middle -o second"
    assert.matches("middle.godwit.json: this is no lineage", err, 1, true)
    assert.equal(1, document "second".generation)
    _, err = done "run --lineage -q -e '' middle -o third"
    assert.equal("", err)
    done "run --lineage -e '' in -o g0"
    for i = 1, 31 do
      _, err = done(("run -q --lineage -e '' g%d -o g%d"):format(i - 1, i))
      assert.equal("", err)
    end
    assert.equal(1, document "g30".generation)
    assert.equal(2, document "g31".generation)
    assert.equal(30, document "g29".generation)
  end)

  it("leaves out what would make it too long or too deep to be read again", function()
    done "run --lineage -e '' in -o a"
    local good = scratch.read(folder .. "/a.godwit.json")
    local function with(parameters) return (good:gsub('"parameters": {}', function() return '"parameters": ' .. parameters end)) end
    scratch.write(folder .. "/a.godwit.json", with('{"a": ' .. ("["):rep(298) .. ("]"):rep(298) .. "}"))
    done "lineage a"
    local _, err = done "run --lineage -e '' a -o deep"
    assert.matches("a.godwit.json is too long to be repeated: left out", err, 1, true)
    done "lineage deep"
    scratch.write(folder .. "/a.godwit.json", with('{"a": "' .. ("x"):rep(600000) .. '"}'))
    for _, suffix in ipairs { ".index", ".data-00000-of-00001", ".godwit.json" } do
      scratch.write(folder .. "/b" .. suffix, scratch.read(folder .. "/a" .. suffix))
    end
    _, err = done "run --lineage -e '' a b -o out"
    assert.matches("b.godwit.json is too long to be repeated: left out", err, 1, true)
    assert.is_truthy(document "out".inputs[1].lineage)
    assert.is_nil(document "out".inputs[2].lineage)
  end)

  it("is of every output, and of V1 files by the whole of them", function()
    scratch.write(folder .. "/old", scratch.read(V1))
    done [[run --lineage -e 'return { a = ckpt, b = ckpt }' old -o a=out/a -o b=out/b]]
    assert.same({ "a", "b" }, { document "out/a".output.name, document "out/b".output.name })
    local input = document "out/a".inputs[1]
    assert.same({ "v1", "old", sha256 "old" }, { input.format, input.index[1].file, input.index[1].sha256 })
    done "lineage out/b"
  end)

  it("stands in the way like the rest, and goes with what it described", function()
    done "run --lineage -e '' in -o out"
    os.remove(folder .. "/out.index")
    os.remove(folder .. "/out.data-00000-of-00001")
    refused(2, "out.godwit.json: exists already", "run --lineage -e '' in -o out")
    done "run -e '' in -o out"
    done "run --lineage --force -e '' in -o out"
    done(("run -e '%s' in -o other"):format(RENAME))
    scratch.copy(folder .. "/other", folder .. "/out")
    refused(1, "out.godwit.json: is about another checkpoint than the one that is here", "lineage out")
    local _, err = done "run --force -e '' in -o out"
    assert.matches("out.godwit.json described the replaced checkpoint and was removed", err, 1, true)
    refused(1, "nothing says where this checkpoint comes from", "lineage out")
    done "run --force --lineage -e '' in -o out"
    done "run --force --lineage -e '' in -o out"
    done "lineage out"
  end)

  it("leaves nothing behind when the run fails", function()
    done "--version >version; mkdir out.godwit.json"
    local before = listing()
    refused(2, "out.godwit.json: exists already", "run --lineage -e '' in -o out")
    refused(2, "out.godwit.json: is a folder, and --force replaces files", "run --lineage --force -e '' in -o out")
    assert.equal(before, listing())
    os.remove(folder .. "/out.godwit.json")
    before = listing()
    refused(3, "no tensor", [[run --lineage -e 'ckpt:drop("nothing")' in -o out]])
    assert.equal(before, listing())
  end)

  it("keeps names that are no UTF-8", function()
    local name = "in\xff"
    scratch.copy(folder .. "/in", folder .. "/" .. name)
    done(("run --lineage -e '' '%s' -o out"):format(name))
    assert.matches("from    in\\xff ·", done "lineage out", 1, true)
    scratch.copy(folder .. "/out", folder .. "/" .. name .. "2")
    done(("run --lineage -e '' out -o '%s3'"):format(name))
    assert.matches("in\\xff ·", done(("lineage '%s3'"):format(name)), 1, true)
  end)
end)

describe("godwit lineage", function()
  local function damaged(text, message)
    scratch.write(folder .. "/in.godwit.json", text)
    refused(4, message, "lineage in")
  end

  it("says what is wrong with a file that is no lineage", function()
    damaged("", "this is no lineage: line 1, column 0")
    damaged("[]", "this is no lineage: ")
    damaged("3", "this is no lineage: the document is not what it should be")
    damaged(("["):rep(100000), "this is no lineage: ")
    damaged(("[" ):rep(1000) .. ("]"):rep(1000), "this is no lineage: nested too deeply")
    done "run --lineage -e '' in -o out"
    local good = scratch.read(folder .. "/out.godwit.json")
    damaged(good:gsub('"schema": 1', '"schema": 2'), "it has schema 2, and this godwit knows schema 1")
    damaged(good:gsub('"schema": 1', '"schema": "1"'), "schema is not what it should be")
    damaged(good:gsub('"path": "out"', '"path": 3'), "output.path is not what it should be")
    damaged(good:gsub('"inputs": %[.*%],', '"inputs": [{}],'), "inputs[0].")
    damaged(good:gsub('"sha256"', '"sha257"'), "recipe.sha256 is not what it should be")
    damaged(good:sub(1, -10), "this is no lineage: line")
    damaged('{"schema": 2}', "it has schema 2, and this godwit knows schema 1")
    os.remove(folder .. "/in.godwit.json")
    refused(4, "in.godwit.json: this is no lineage: it is not a file", "--version >version; mkdir in.godwit.json; " .. program.quoted(program.PATH)
      .. " lineage in")
    refused(4, "in.godwit.json: this is no lineage: it is not a file", "--version >version; rmdir in.godwit.json; mkfifo in.godwit.json; timeout 20 "
      .. program.quoted(program.PATH) .. " lineage in")
    os.remove(folder .. "/in.godwit.json")
  end)

  it("shows what it can of parameters that run would not have written", function()
    done "run --lineage -e '' in -o out"
    local good = scratch.read(folder .. "/out.godwit.json")
    for _, parameters in ipairs { '[["a"]]', "[[]]", "[3]", '[{"a": 1}]', '{"a": null, "b": [true, 1.5, "x"], "c": {"d": 1e300}}' } do
      scratch.write(folder .. "/out.godwit.json", (good:gsub('"parameters": {}', function() return '"parameters": ' .. parameters end)))
      done "lineage out"
    end
    assert.matches('  -p      b=[true, 1.5, "x"]\n', (done "lineage out"), 1, true)
  end)

  it("shows a one-liner as a shell takes it, and prints the recipe's text", function()
    done [[run --lineage -e "ckpt:rename_scope('classifier/', \"a/\")" in -o out]]
    assert.matches([[recipe  -e 'ckpt:rename_scope('\''classifier/'\'', "a/")']], (done "lineage out"), 1, true)
    assert.equal("ckpt:rename_scope('classifier/', \"a/\")\n", (done "lineage out --recipe"))
    scratch.write(folder .. "/long.lua", "--" .. (" "):rep(256 << 10) .. "\nreturn function() end\n")
    done "run --lineage ./long.lua in -o long"
    assert.is_nil(document "long".recipe.text)
    refused(1, "long.godwit.json: does not have the recipe's text, which was too long to be kept", "lineage long --recipe")
  end)

  it("answers no where there is none", function()
    refused(1, "in.godwit.json: is not there: nothing says where this checkpoint comes from", "lineage in")
    refused(4, "there is no checkpoint", "lineage nothing")
  end)
end)

describe("a saved plan", function()
  local function save() return done(("plan -e '%s' in -o out --save p"):format(RENAME)) end

  it("does the same as the plan's arguments", function()
    local shown, err = godwit(("plan -e '%s' in -o out --save p"):format(RENAME))
    assert.matches("saved: `godwit run --plan p -o OUT` does this, or nothing when something has changed", err, 1, true)
    assert.equal(shown, (done "plan --plan p"))
    done "run --plan p"
    done(("run -e '%s' in -o other"):format(RENAME))
    assert.same(scratch.files_of(folder .. "/other"), scratch.files_of(folder .. "/out"))
    done "run --plan p -o elsewhere --lineage --force --threads 1"
    assert.same(scratch.files_of(folder .. "/other"), scratch.files_of(folder .. "/elsewhere"))
    assert.equal(RENAME, document "elsewhere".recipe.text)
    local first = scratch.read(folder .. "/p")
    save()
    assert.equal(first, scratch.read(folder .. "/p"))
  end)

  it("is JSON, a line each: the tensors as in plan --json", function()
    local whole = json.parse((done(("plan --json -e '%s' in --save p"):format(RENAME))))
    local lines = {}
    for line in io.lines(folder .. "/p") do lines[#lines + 1] = json.parse(line) end
    assert.same({ output = json.null, kind = "variables", tensors = 19, dropped = 0 }, lines[2])
    for i, tensor in ipairs(whole.outputs[1].tensors) do assert.same(tensor, lines[2 + i]) end
    assert.equal(21, #lines)
  end)

  it("keeps a recipe with inputs, parameters, several outputs, and the layout", function()
    scratch.write(folder .. "/split.lua", [[
      return {
        inputs = { "old", "others..." }, params = { which = { type = "list", required = true }, text = { type = "file" } },
        run = function(ckpt, p, inputs)
          assert(#inputs.others == 2 and p.which[2] == "b" and p.text:bytes() == "x")
          return { first = ckpt, second = inputs.others[2] }
        end,
      }]])
    scratch.write(folder .. "/text", "x")
    for _, name in ipairs { "a=1", "b" } do scratch.copy(folder .. "/in", folder .. "/" .. name) end
    done "plan split.lua in a=1 b -p which=a,b -p text=@text --shards 2 -o first=one -o second=two --save p"
    done "run --plan p"
    assert.is_true(scratch.exists(folder .. "/one.data-00001-of-00002") and scratch.exists(folder .. "/two.data-00001-of-00002"))
    scratch.write(folder .. "/text", "y")
    refused(2, "the file of parameter text (text) has changed since the plan was saved", "run --plan p --force")
  end)

  it("is refused when something has changed", function()
    scratch.write(folder .. "/rules.lua", "return { from = 'classifier/' }")
    scratch.write(folder .. "/names.lua", "local rules = require 'rules' return function(ckpt) ckpt:rename_scope(rules.from, 'a/') end")
    done "plan ./names.lua in --save p"
    done "run --plan p -o out"
    scratch.write(folder .. "/rules.lua", "return { from = 'classifier/' } --")
    refused(2, "the module ./rules.lua has changed since the plan was saved", "run --plan p -o new")
    local text = scratch.read(folder .. "/p")
    scratch.write(folder .. "/p", (text:gsub('"file": "./rules.lua"', '"file": "other/rules.lua"')))
    refused(2, "the module ./rules.lua takes part, which it did not when the plan was saved", "run --plan p -o new")
    scratch.write(folder .. "/p", text)
    scratch.write(folder .. "/names.lua", "return function(ckpt) ckpt:rename_scope('classifier/', 'b/') end")
    refused(2, "the recipe ./names.lua has changed since the plan was saved", "run --plan p -o new")
    done("run -q --force -e 'ckpt:drop([[bias]])' out -o in")
    refused(2, "the input (in.index) has changed since the plan was saved", "plan --plan p")
    os.remove(folder .. "/in.index")
    refused(2, "the input (in.index) is not there any more", "run --plan p -o new")
    assert.is_false(scratch.exists(folder .. "/new.index"))
  end)

  it("is refused when the plan would be another one", function()
    save()
    local text = scratch.read(folder .. "/p")
    local function other(changed, message)
      scratch.write(folder .. "/p", changed)
      refused(2, message, "run --plan p --force")
    end
    other(text:gsub('"name": "model/dense/bias"', '"name": "model/dense/bios"'), "the plan is another one now: 'model/dense/bias' differs")
    other(text:gsub('"tensors": 19, "dropped"', '"tensors": 18, "dropped"'), "the number of tensors differs")
    other(text:match "^[^\n]*\n[^\n]*\n", "the saved one ends too early, as when it was cut short")
    other(text:sub(1, -40), "'model/logits/kernel/ExponentialMovingAverage' differs")
    other(text:gsub('"godwit": "[^"]*"', '"godwit": "0.0.1"'):gsub("%[16, 12%]", "[12, 16]"), "(it was saved by godwit 0.0.1, and this is ")
    other(text:gsub("rename_scope%(", "rename_scope  ("), "the recipe -e has changed since the plan was saved")
    other(text .. "{}\n", "the saved one has more in it")
    assert.is_false(scratch.exists(folder .. "/out.index"))
  end)

  it("may come through a pipe, and with the lines of Windows", function()
    save()
    local text = scratch.read(folder .. "/p")
    local _, err, status = program.shell(("cat p | %s run --plan /dev/stdin -o piped"):format(program.quoted(program.PATH)), folder)
    assert.equal(0, status, err)
    scratch.write(folder .. "/p", (text:gsub("\n", "\r\n")))
    done "run --plan p -o windows"
    assert.same(scratch.files_of(folder .. "/piped"), scratch.files_of(folder .. "/windows"))
  end)

  it("is refused whatever its head is filled with", function()
    save()
    local text = scratch.read(folder .. "/p")
    local function unsound(old, new)
      local changed, count = text:gsub(old, (new:gsub("%%", "%%%%")), 1)
      assert.equal(1, count, old)
      scratch.write(folder .. "/p", changed)
      refused(2, "p: this is no saved plan", "run --plan p -o x")
    end
    unsound('"output": %["out"%]', '"output": [3]')
    unsound('"param": %[%]', '"param": [3]')
    unsound('"param": %[%]', '"param": 3')
    unsound('"param": %[%]', '"data": "move"')
    for _, field in ipairs { "shards", "memory", "max_steps", "max_recipe_memory", "max_recipe_time" } do
      unsound('"param": %[%]', ('"%s": "x"'):format(field))
      unsound('"param": %[%]', ('"%s": -5'):format(field))
    end
    unsound('"parameters": {}', '"parameters": [1]')
    unsound('"parameters": {}', '"parameters": {"a": {"sha256": 1}}')
    unsound('"path": "in"', '"path": "in", "name": 3')
    unsound('"sha256": "', '"modules": [3], "sha256": "')
    unsound('"sha256": "', '"name": 3, "sha256": "')
    unsound('"text": "[^\n]-classifier/\\", \\"model/\\"%)"', '"more": 1')
  end)

  it("replaces nothing but saved plans, and is nothing else", function()
    scratch.write(folder .. "/p.new", "somebody's")
    scratch.write(folder .. "/p.new2", "somebody's")
    save()
    save()
    scratch.write(folder .. "/text", "{}\n")
    refused(2, "text: exists already, and is no saved plan", "plan -e '' in --save text")
    refused(2, "in.index: exists already, and is no saved plan", "plan -e '' in --save in.index")
    refused(2, "pipe: exists already, and is no saved plan", "--version >version; mkfifo pipe; timeout 20 " .. program.quoted(program.PATH)
      .. " plan -e '' in --save pipe")
    refused(2, "/dev/full: exists already, and is no saved plan", "plan -e '' in --save /dev/full")
    assert.equal("somebody's", scratch.read(folder .. "/p.new"))
    assert.equal("somebody's", scratch.read(folder .. "/p.new2"))
    assert.is_false(scratch.exists(folder .. "/p.new3"))
    refused(5, "nothing/p: the plan cannot be saved: No such file or directory", "plan -e '' in --save nothing/p")
    refused(2, "the saved plan cannot be read: No such file or directory", "run --plan nothing -o x")
    for _, text in ipairs { "", "{}\n", "[]\n", "x", "\n", '{"schema": 1, "plan": {}}\n', '{"schema": 1, "plan": {"recipe": {"sha256": "x", "name": 3}}}\n',
      '{"schema": 1, "plan": {"recipe": {"sha256": "x", "text": ""}, "arguments": {}, "parameters": {}, "inputs": [{"path": 3}]}}\n' } do
      scratch.write(folder .. "/text", text)
      refused(2, "text: this is no saved plan", "run --plan text -o x")
    end
    scratch.write(folder .. "/text", '{"schema": 2, "plan": {}}\n')
    refused(2, "it has schema 2", "run --plan text -o x")
  end)

  it("wants nothing said again", function()
    save()
    local again = { ["a recipe and inputs"] = "x.lua in", ["-e"] = "-e ''", ["-p"] = "-p a=1", ["--shards"] = "--shards 2", ["--no-verify"] = "--no-verify" }
    for what, more in pairs(again) do
      refused(2, "there is no use for " .. what, "run --plan p -o x " .. more)
    end
    refused(2, "-o OUT is missing", "plan -e '' in --save p && rm -f out.index && " .. program.quoted(program.PATH) .. " run --plan p")
  end)
end)

-- The recipes of examples/ run as they stand, by the commands in their first lines, and do what these say.

local gw = require "godwit"
local lfs = require "lfs"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local ROOT = lfs.currentdir()
local DIGITS, BERT = scratch.DIGITS, "examples/data/bert-tiny.ckpt-20"

local folder

--- The commands in a recipe's first comment; a line that begins with an option goes on the one before.
local function commands_of(path)
  local commands, text = {}, scratch.read(path)
  for line in text:match("^(%-%-.-)\n[^-]"):gmatch "[^\n]+" do
    local command, more = line:match "^%-%-   (godwit .*)$", line:match "^%-%-     (%-.*)$"
    if command then commands[#commands + 1] = command end
    if more then commands[#commands] = commands[#commands] .. " " .. more end
  end
  return commands
end

--- Runs them from a folder of their own that has the examples as the source tree has them.
local function run(command)
  return program.shell((command:gsub("^godwit ", program.quoted(program.PATH) .. " ")), folder)
end

local function names_of(ckpt, which)
  local names = {}
  for name in ckpt:each(which) do names[#names + 1] = name end
  return names
end

local function out(name) return gw.open(folder .. "/out/" .. name) end

before_each(function()
  folder = scratch.folder()
  assert(lfs.link(ROOT .. "/examples", folder .. "/examples", true))
end)

local does = {}

does["serve_averages.lua"] = function()
  local before, after = gw.open(DIGITS), out "digits.ckpt"
  assert.same({ "digits/dense/bias", "digits/dense/kernel", "digits/logits/bias", "digits/logits/kernel" }, names_of(after))
  for name, tensor in after:each() do
    assert.is_true(tensor:equal(before.vars[name:gsub("^digits", "classifier") .. "/ExponentialMovingAverage"]))
  end
end

does["drop_slots.lua"] = function()
  assert.same({ "classifier/dense/bias", "classifier/dense/kernel", "classifier/logits/bias", "classifier/logits/kernel", "global_step" },
    names_of(out "digits"))
  assert.equal((#gw.open(BERT) - 1) / 3 + 1, #out "bert-tiny")
end

does["partition_embeddings.lua"] = function()
  local before, after = gw.open(BERT), out "bert-tiny"
  local cut = 0
  for name, tensor in after:each() do
    assert.is_true(tensor:equal(before.vars[name]), name)
    if tensor.parts > 1 then cut = cut + 1 end
    local rows = name:find "embeddings" and tensor.rank > 1 and math.max(1, 64 // (tensor.nbytes // tensor:dim(0)))
    assert.equal(rows and math.ceil(tensor:dim(0) / rows) or 1, tensor.parts, name)
  end
  assert.is_true(cut > 2)
end

does["rename_scopes.lua"] = function()
  local before, after = gw.open(BERT), out "bert-tiny"
  assert.equal(#before, #after)
  for old, new in pairs {
    ["bert/embeddings/word_embeddings"] = "embeddings/word", ["bert/embeddings/LayerNorm/beta"] = "embeddings/norm/beta",
    ["bert/encoder/layer_1/attention/self/key/bias/adam_v"] = "blocks/1/attention/key/bias/adam_v",
    ["bert/encoder/layer_0/attention/output/dense/kernel"] = "blocks/0/attention/output/dense/kernel",
    ["bert/encoder/layer_0/output/LayerNorm/gamma"] = "blocks/0/feed_forward/output/LayerNorm/gamma",
    ["cls/predictions/output_bias"] = "cls/predictions/output_bias",
  } do
    assert.is_true(after.vars[new]:equal(before.vars[old]), new)
  end
end

does["rename_from_file.lua"] = function()
  local before, after = gw.open(BERT), out "bert-tiny"
  assert.is_true(after.vars["tokens/table"]:equal(before.vars["bert/embeddings/word_embeddings"]))
  assert.is_true(after.vars["pool/bias/adam_v"]:equal(before.vars["bert/pooler/dense/bias/adam_v"]))
  assert.equal("slot", after:role "tokens/table/adam_m")
  scratch.write(folder .. "/wrong.txt", "# fine\nonly-one\n")
  local _, err, status = run("godwit run examples/rename_from_file.lua " .. BERT .. " -p names=@wrong.txt -o x")
  assert.same({ "godwit: wrong.txt:2: neither two names nor a comment\n", 3 }, { err, status })
end

does["restart_step.lua"] = function()
  local digits, bert = out "digits.ckpt-0", out "bert-tiny.ckpt-1000"
  assert.equal(0, digits.vars.global_step:value())
  assert.equal("int64", digits.vars.global_step.dtype)
  assert.is_true(digits.vars.beta1_power:equal(gw.scalar(0.9)))
  assert.is_true(digits.vars.beta2_power:equal(gw.scalar(0.999)))
  assert.is_true(digits:has "classifier/dense/bias/Adam")
  assert.equal(1000, bert.vars.global_step:value())
  assert.same({}, names_of(bert, { role = "slot" }))
  -- The formula is Adam's: 100 steps of training left beta ** 101.
  assert.is_true(gw.open(DIGITS).vars.beta1_power:equal(gw.scalar(0.9 ^ 101), 1e-9))
end

does["merge_models.lua"] = function()
  local both = out "both"
  assert.is_true(both.vars["image/classifier/dense/bias"]:equal(gw.open(DIGITS).vars["classifier/dense/bias"]))
  assert.is_true(both.vars["text/bert/pooler/dense/bias"]:equal(gw.open(BERT).vars["bert/pooler/dense/bias"]))
  assert.equal(#names_of(gw.open(BERT), { role = "weight" }) + 4, #both)
  local _, err, status = run(("godwit run examples/merge_models.lua %s %s -p scopes=a/ -o x"):format(BERT, DIGITS))
  assert.same({ "godwit: 1 scopes for 2 models\n", 3 }, { err, status })
end

does["split_outputs.lua"] = function()
  local count = 0
  for _, name in ipairs { "embeddings", "encoder", "head" } do count = count + #out(name) end
  assert.equal(#names_of(gw.open(BERT), { role = "weight" }), count)
  assert.same({ "bert/pooler/dense/bias", "bert/pooler/dense/kernel", "cls/predictions/output_bias" }, names_of(out "head"))
end

does["migrate_bert.lua"] = function()
  local before, encoder, text = gw.open(BERT), out "encoder", out "text"
  assert.same({}, names_of(encoder, "^(?!encoder/)"))
  assert.is_true(encoder.vars["encoder/block01/attention/query/kernel"]:equal(before.vars["bert/encoder/layer_1/attention/self/query/kernel"]))
  assert.is_true(text.vars["text/embed/word"]:equal(before.vars["bert/embeddings/word_embeddings"]))
  assert.is_true(text:has "cls/predictions/output_bias")
  for _, layers in ipairs { 1, 3 } do
    local _, err, status = run(("godwit run examples/migrate_bert.lua %s -p layers=%d -o x"):format(BERT, layers))
    assert.same({ ("godwit: the checkpoint does not have %d layers\n"):format(layers), 3 }, { err, status })
  end
end

-- ---- The guide's object sections

local GUIDE = "examples/data/guide/"
local VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"

local function value(ckpt, path) return ckpt.vars[path .. VALUE]:value() end

does["guide_tf1_to_tf2.lua"] = function()
  local made = out "tf2/ckpt-1"
  assert.same({ "save_counter" .. VALUE, "vars/a" .. VALUE, "vars/b" .. VALUE, "vars/scoped.Sc" .. VALUE }, names_of(made))
  assert.equal("scoped/c", gw.graph.full_name(made.root.vars["scoped/c"]))
end

does["guide_tf2_to_tf1.lua"] = function()
  assert.same(scratch.files_of(scratch.GUIDE .. "converted-tf2-to-tf1"), scratch.files_of(folder .. "/out/tf1/model.ckpt"))
end

does["guide_lists.lua"] = function()
  local before, after = gw.open(GUIDE .. "tf2-lists-1"), out "lists"
  assert.same({ "save_counter" .. VALUE, "unscoped/0" .. VALUE, "unscoped/1" .. VALUE, "unscoped/2" .. VALUE }, names_of(after))
  assert.equal(value(before, "unscoped/1"), value(after, "unscoped/0"))
  assert.equal(value(before, "scoped/0"), value(after, "unscoped/2"))
end

does["guide_attributes.lua"] = function()
  local made = out "attributes"
  assert.same({ "module/c" .. VALUE, "module/d" .. VALUE, "save_counter" .. VALUE, "variables/b" .. VALUE, "variables/scale.Sa" .. VALUE },
    names_of(made))
  assert.equal(0.5, value(made, "module/d"))
end

does["guide_estimator.lua"] = function()
  assert.equal(1, value(out "est/ckpt-1", "step"))
  assert.equal(0, value(out "est/ckpt-0", "step"))
  assert.is_true(out("est/ckpt-0").vars["var_list/var" .. VALUE]:equal(gw.open(GUIDE .. "est-tf1").vars.var))
end

does["guide_keras.lua"] = function()
  assert.same(scratch.files_of(scratch.GUIDE .. "keras-attribute-1"), scratch.files_of(folder .. "/out/keras/ckpt-1"))
end

does["adam_to_keras.lua"] = function()
  local before, made = gw.open(DIGITS), out "keras/ckpt-1"
  local optimizer, model = made.root.optimizer, made.root.model
  assert.equal(100, gw.graph.tensor(optimizer._iterations):value())
  assert.is_true(gw.graph.tensor(optimizer._learning_rate):equal(gw.scalar(0.01)))
  assert.is_true(gw.graph.tensor(out("keras/ckpt-2").root.optimizer._learning_rate):equal(gw.scalar(0.001)))
  local kernel = model["layer_with_weights-1"].kernel
  assert.is_true(gw.graph.tensor(kernel):equal(before.vars["classifier/logits/kernel"]))
  local slots = { m = "Adam", v = "Adam_1" }
  for name, variable, slot in gw.graph.slots(optimizer) do
    if variable == kernel then assert.is_true(gw.graph.tensor(slot):equal(before.vars["classifier/logits/kernel/" .. slots[name]])) end
  end
end

does["fill_module.lua"] = function()
  local before, after = gw.open(DIGITS), out "module/ckpt-1"
  for i, name in ipairs { "dense", "logits" } do
    local layer = gw.graph.list(after.root.model.layers)[i]
    assert.is_true(gw.graph.tensor(layer.weight):equal(before.vars["classifier/" .. name .. "/kernel"]:transpose()))
    assert.is_true(gw.graph.tensor(layer.offset):equal(before.vars["classifier/" .. name .. "/bias"]))
  end
  assert.equal(100, gw.graph.tensor(after.root.step):value())
  local text, _, status = run "godwit test examples/fill_module.lua"
  assert.equal(0, status, text)
end

does["graft_layers.lua"] = function()
  assert.same({ "encoder/bias" .. VALUE, "encoder/kernel" .. VALUE, "heads/0/bias" .. VALUE, "heads/0/kernel" .. VALUE,
    "heads/1/scale" .. VALUE, "save_counter" .. VALUE }, names_of(out "grafted"))
end

does["team/rename_layers"] = function()
  local before = gw.open(DIGITS)
  assert.is_true(out "second/digits.ckpt-100".vars["head/kernel/Adam"]:equal(before.vars["classifier/logits/kernel/Adam"]))
  assert.same(scratch.files_of(DIGITS), scratch.files_of(folder .. "/out/first/digits.ckpt-100"))
end

does["team/release"] = function()
  local average = gw.open(DIGITS).vars["classifier/dense/kernel/ExponentialMovingAverage"]
  assert.is_true(out "release/digits".vars["backbone/hidden/kernel"]:equal(average))
  assert.is_true(out "small/digits".vars["backbone/hidden/kernel"]:equal(average:cast "bfloat16"))
  assert.equal(4, #out "small/digits")
end

does["team/new_head"] = function()
  local before, after = gw.open(DIGITS), out "letters/model.ckpt"
  assert.equal("float32[12,26]", after.vars["classifier/logits/kernel"].dtype .. tostring(after.vars["classifier/logits/kernel"].shape))
  assert.equal(#before - 6, #after)
  assert.is_true(after.vars["classifier/dense/kernel"]:equal(before.vars["classifier/dense/kernel"]))
end

describe("examples", function()
  local recipes = {}
  for _, name in ipairs(scratch.list "examples") do
    if name:match "%.lua$" then recipes[#recipes + 1] = name end
  end

  for _, name in ipairs(recipes) do
    it(name .. " does what it says", function()
      assert.is_function(does[name], "no test for " .. name)
      local commands = commands_of("examples/" .. name)
      assert.is_true(#commands > 0, "no command in its first lines")
      for _, command in ipairs(commands) do
        local text, err, status = run(command)
        assert.equal(0, status, command .. "\n" .. text .. err)
      end
      does[name]()
    end)
  end

  it("are all in README.md, and no others", function()
    local listed = {}
    for name in scratch.read("examples/README.md"):gmatch "\n| `([%w_]+%.lua)` |" do listed[#listed + 1] = name end
    table.sort(listed)
    assert.same(recipes, listed)
  end)

  it("demo.sh ends with a checkpoint that verifies", function()
    local text, err, status = program.shell(("GODWIT=%s sh examples/demo.sh %s"):format(program.quoted(program.PATH), folder))
    assert.equal(0, status, text .. err)
    assert.matches("digits/dense/kernel", text, 1, true)
    assert.equal(4, #out "digits.ckpt")
  end)
end)

describe("a team's recipes", function()
  local TEAM = "examples/team"

  it("pass their tests, each of which says something", function()
    local text, err, status = program.run("test", TEAM)
    assert.equal(0, status, text .. err)
    assert.matches("\n3 recipes\n9 passed, 0 failed\n$", text)
  end)

  it("are without mistakes that one sees without running them", function()
    local text, err, status = program.run("recipes", "--check", TEAM)
    assert.equal(0, status, text .. err)
    assert.matches("3 files · nothing found\n$", text)
  end)

  local function in_library(arguments) return run("GODWIT_PATH=" .. TEAM .. " " .. program.quoted(program.PATH) .. " " .. arguments) end

  it("are found by name, and by what they are for", function()
    local text = in_library("recipes --for " .. DIGITS)
    assert.matches("^examples/team · digits 1.0\n"
      .. "  new_head +it has the digits model's head\n"
      .. "  release +it has the averages of the digits model's first code\n"
      .. "  rename_layers +it has the layers of the digits model's first code\n", text)
    local _, err, status = in_library("run release " .. DIGITS .. " -o out/digits")
    assert.equal(0, status, err)
    assert.same({ "backbone/hidden/bias", "backbone/hidden/kernel", "head/bias", "head/kernel" }, names_of(out "digits"))
  end)

  for _, name in ipairs { "new_head", "release", "rename_layers" } do
    it(name .. " does what its examples say", function()
      local text = program.run("recipes", TEAM .. "/" .. name .. ".lua")
      local count = 0
      for command in text:gmatch "\n  (godwit run examples/team/[^\n]*)" do
        local _, err, status = run(command)
        assert.equal(0, status, command .. "\n" .. err)
        count = count + 1
      end
      assert.is_true(count > 0, text)
      does["team/" .. name]()
    end)
  end
end)

describe("a library that needs another", function()
  local SERVING = "examples/serving"

  local function with_team(arguments) return run("GODWIT_PATH=examples/team " .. program.quoted(program.PATH) .. " " .. arguments) end

  it("passes its tests and has no mistakes, with the other one on the path", function()
    local text, err, status = with_team("test " .. SERVING)
    assert.equal(0, status, text .. err)
    assert.matches("\n1 recipe\n2 passed, 0 failed\n$", text)
    text = with_team("recipes --check " .. SERVING)
    assert.matches("1 file · nothing found\n$", text)
  end)

  it("says what it needs without it", function()
    local _, err, status = run("godwit plan examples/serving/split_release.lua " .. DIGITS)
    assert.same({ 3, "godwit: examples/serving/manifest.lua: serving 1.1 needs the library digits >= 1.0, < 2, and no folder of GODWIT_PATH is digits\n"
      .. "  GODWIT_PATH names no folder: add the folder of digits\n" }, { status, err })
  end)

  it("does what its example says", function()
    local command = with_team("recipes " .. SERVING .. "/split_release.lua"):match "\n  (GODWIT_PATH=[^\n]*)"
    local _, err, status = run((command:gsub(" godwit ", " " .. program.quoted(program.PATH) .. " ")))
    assert.equal(0, status, err)
    assert.same({ "backbone/hidden/bias", "backbone/hidden/kernel" }, names_of(out "serving/backbone"))
    assert.same({ "head/bias", "head/kernel" }, names_of(out "serving/head"))
    local average = gw.open(DIGITS).vars["classifier/logits/bias/ExponentialMovingAverage"]
    assert.is_true(out("serving/head").vars["head/bias"]:equal(average:cast "bfloat16"))
  end)
end)

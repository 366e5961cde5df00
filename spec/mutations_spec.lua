-- The tests of the recipes that come with godwit are worth something: nearly every recipe that is broken on purpose fails one.
-- `make mutations` breaks them in every way that support/mutants.lua knows, `make test` in one of seven.

local gw = require "godwit"
local lfs = require "lfs"
local mutants = require "spec.support.mutants"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local FOLDER = "scripts/recipes/"
local PARTS = 2 -- runs of the program at the same time

local ALL = os.getenv "MUTATIONS" == "all"
local STRIDE = ALL and 1 or 7

-- Mutants that no test of a recipe can catch, by the reason: the recipe and the line as it becomes.
local SAME = {
  ["both sides may come first"] = {
    [[bert_tf1_to_tf2: if gw.match(name, "/lamb_[mv]$") or gw.match(name, "(?i)(/adam|/ExponentialMovingAverage|beta[12]_power)[^/]*$") then]],
    [[bert_tf1_to_tf2: local fits = ckpt.kind == "variables" and ckpt:has "bert/encoder/layer_0/attention/self/query/kernel" and ]]
      .. [[ckpt:has "bert/embeddings/word_embeddings"]],
    [[warm_start: if #p.cols + #p.rows == 0 then]],
    [[warm_start: if p.old_vocab or p.new_vocab then error("a vocabulary, but no variable that has it: -p rows=NAME, -p cols=NAME", 0) end]],
    [[warm_start: if not p.old_vocab or not p.new_vocab then error("rows and cols need two vocabularies: -p new_vocab=@FILE -p old_vocab=@FILE", 0) end]],
    [[ema_to_model: ckpt:drop({ role = "power" }, { optional = true }) | ckpt:drop({ role = "slot" }, { optional = true })]],
    [[estimator_to_tf2: if p.container == p.attribute then error(("the variables and the step cannot both be '%s'"):format(p.container), 0) end]],
    [[estimator_to_tf2: if p.attribute == "" or p.container == "" then error("container and attribute: a name cannot be empty", 0) end]],
    [[merge: if scope:find "//" or scope:find "^/" then error(("scopes: '%s' has an empty part"):format(p.scopes[i]), 0) end]],
    [[split: if #nobody == 0 or p.drop_rest or p.rest then return end]],
    [[split: if p.drop_rest and p.rest then error("what no part takes goes to `rest` or is dropped: give only one of them", 0) end]],
    [[strip_optimizer: { "_learning_rate", "_iterations" }, { "iter", "learning_rate" }, { "iter", "decay" }, { "beta1_power", "beta2_power" },]],
    [[strip_optimizer: { "_iterations", "_learning_rate" }, { "learning_rate", "iter" }, { "iter", "decay" }, { "beta1_power", "beta2_power" },]],
    [[strip_optimizer: { "_iterations", "_learning_rate" }, { "iter", "learning_rate" }, { "decay", "iter" }, { "beta1_power", "beta2_power" },]],
    [[strip_optimizer: { "_iterations", "_learning_rate" }, { "iter", "learning_rate" }, { "iter", "decay" }, { "beta2_power", "beta1_power" },]],
    [[strip_optimizer: { "_loss_scale", "_optimizer" }, { "_optimizer", "loss_scale" }, { "base_optimizer", "loss_scale" },]],
    [[strip_optimizer: { "_optimizer", "_loss_scale" }, { "loss_scale", "_optimizer" }, { "base_optimizer", "loss_scale" },]],
    [[strip_optimizer: { "_optimizer", "_loss_scale" }, { "_optimizer", "loss_scale" }, { "loss_scale", "base_optimizer" },]],
    [[strip_optimizer: local count = ckpt:drop({ role = "power" }, { optional = true }) + ckpt:drop({ role = "slot" }, { optional = true })]],
    [[tf2_to_estimator: if name ~= p.attribute and name ~= p.container and name ~= "save_counter" then]],
    [[wrap_model: for _, name in ipairs { "layer_with_weights-0", "layer-0" } do]],
  },
  ["what is at position 0 of a sequence is never read"] = {
    [[merge: for i = 0, count do scopes[i] = with_slash(p.scopes and p.scopes[i] or "") end]],
    [[split: for i = 0, math.min(SHOWN, #names) do shown[i] = ('"%s"'):format(names[i]) end]],
  },
  ["a function that ends gives nothing, which is neither a name nor true"] = { "rnn_names: no return nil", "rnn_names: no return false" },
  ["sub(0) is sub(1)"] = {
    "bert_tf1_to_tf2: local number = name:sub(0, #scope) == scope and gw.match(name:sub(#scope + 1), [[^encoder/layer_(\\d{1,5})/]])",
    [[bert_tf1_to_tf2: local of_encoder = name:sub(0, #scope) == scope]],
  },
  ["a value in place of what is missing, which is an error before anybody reads it"] = {
    [[bert_tf1_to_tf2: return gw.scalar(1)]], [[bert_tf1_to_tf2: return gw.scalar(-1)]],
    [[bert_tf1_to_tf2: local seen, count, last = {}, 0, -2]], [[bert_tf1_to_tf2: local seen, count, last = {}, 0, -0]],
  },
  ["an assertion of the tests themselves"] = {
    [[bert_tf1_to_tf2: no assert(gw.graph.tensor(node):equal(before.vars[scope .. name]:reshape(shape_of(shape))), place)]],
    [[bert_tf1_to_tf2: no assert(gw.graph.full_name(node) == full_name, place)]],
  },
  ["a tensor equals itself"] = { "average: for i = 1, #all - 0 do" },
  ["no test can make a checkpoint with a value that is no variable's; tensorflow/convert_test.py does"] = {
    [[tf2_to_tf1: no error(("%s is no variable, and a Saver's checkpoint has variables only: drop it first"):format(name), 0)]],
  },
}

--- What a recipe declares; its functions are not called.
local function params_of(source, name)
  local env = setmetatable({ gw = gw }, { __index = _G })
  function env.require(module) return assert(loadfile(FOLDER .. module:gsub("%.", "/") .. ".lua", "t", env))(module) end
  local recipe = assert(load(source, "=" .. name, "t", env))()
  return recipe.params or {}
end

--- Modules lie in folders below the recipes', and are where the mutants are, too.
local function copy_modules(from, to)
  for _, file in ipairs(scratch.list(from)) do
    local deeper = lfs.attributes(from .. file, "mode") == "directory"
    if deeper then
      assert(lfs.mkdir(to .. file))
      copy_modules(from .. file .. "/", to .. file .. "/")
    elseif from ~= FOLDER then
      scratch.write(to .. file, scratch.read(from .. file))
    end
  end
end

--- Every STRIDE-th mutant of all recipes but those of SAME, each of which must be one.
local function wanted_mutants()
  local list, same, number = {}, {}, 0
  for _, keys in pairs(SAME) do
    for _, key in ipairs(keys) do same[key] = true end
  end
  local function add_mutants(name, source)
    for i, mutant in ipairs(mutants.of(source, params_of(source, name))) do
      local key = ("%s: %s"):format(name, mutant.becomes ~= "" and mutant.becomes or "no " .. mutant.was)
      if same[key] ~= nil then
        same[key] = false
      else
        number = number + 1
        mutant.recipe, mutant.name = name, ("%s-%d"):format(name, i)
        if number % STRIDE == 0 then list[#list + 1] = mutant end
      end
    end
  end
  for _, file in ipairs(scratch.list(FOLDER)) do
    local name = file:match "^(.*)%.lua$"
    if name then add_mutants(name, scratch.read(FOLDER .. file)) end
  end
  for key, missing in pairs(same) do assert(not missing, "there is no such mutant: " .. key) end
  return list
end

--- Runs the tests of all of them: name -> how many failed. Small checkpoints by the thousand, each synced: in memory.
local function failures_of(list)
  local folder, commands = scratch.folder(), {}
  for part = 1, PARTS do
    local place = ("%s/%d"):format(folder, part)
    assert(lfs.mkdir(place))
    copy_modules(FOLDER, place .. "/")
    commands[part] = ("%s test -q --junit %s.xml %s >%s.out 2>&1 &"):format(program.quoted(program.PATH), place, place, place)
  end
  for i, mutant in ipairs(list) do scratch.write(("%s/%d/%s.lua"):format(folder, i % PARTS + 1, mutant.name), mutant.source) end
  program.shell(("if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi\n%s wait"):format(table.concat(commands, " ")))
  local failures = {}
  for part = 1, PARTS do
    local report = ("%s/%d.xml"):format(folder, part)
    assert(scratch.exists(report), "no report: " .. scratch.read(("%s/%d.out"):format(folder, part)):sub(-500))
    for name, count in scratch.read(report):gmatch '<testsuite name="([^"]+)" tests="%d+" failures="(%d+)">' do failures[name] = tonumber(count) end
  end
  return failures
end

describe("the tests of the library's recipes", function()
  it("catch what is broken on purpose", function()
    if (os.getenv "SANITIZE" or "") ~= "" or (os.getenv "VALGRIND" or "") ~= "" then
      return pending "it is about the recipes' Lua, thousands of times: sanitizers and valgrind have their share in library_spec.lua"
    end
    local list = wanted_mutants()
    local failures, tested, caught, alive = failures_of(list), 0, 0, {}
    for _, mutant in ipairs(list) do
      local failed = assert(failures[mutant.name], mutant.name .. " was not tested")
      tested = tested + 1
      if failed > 0 then
        caught = caught + 1
      else
        alive[#alive + 1] = ("  %s%s.lua:%d: %s\n    survives as: %s"):format(FOLDER, mutant.recipe, mutant.line, mutant.was,
          mutant.becomes ~= "" and mutant.becomes or "(the line is gone)")
      end
    end
    local text = ("%d recipes broken on purpose: %d caught, %d survive\n%s"):format(tested, caught, #alive, table.concat(alive, "\n"))
    if #alive > 0 or ALL then print(text) end
    assert.is_true(tested >= 100, text)
    assert.is_true(caught >= 0.95 * tested, text)
  end)
end)

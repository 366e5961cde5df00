-- The recipes that compute, cut and join: as the command line runs them, and their own tests.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder

local function run(...)
  local out, err, status = program.run("run", ...)
  assert.equal(0, status, err)
  return gw.open(folder .. "/out"), out, err
end

local function refused(...)
  local _, err, status = program.run("run", ...)
  assert.equal(3, status)
  return err
end

before_each(function() folder = scratch.folder() end)

local GRAPH = scratch.GUIDE .. "tf2-lists-1"
local BERT = "examples/data/bert-tiny.ckpt-20"
local INPUTS = { BERT = BERT, DIGITS = scratch.DIGITS, GRAPH = GRAPH }

--- The command `run NAME INPUT... -p ...` ends with this message, and writes nothing.
local function check_refused(cases)
  for _, case in ipairs(cases) do
    it("is refused: " .. case[1], function()
      local words = { "run" }
      for word in case[1]:gmatch "%S+" do words[#words + 1] = INPUTS[word] or word end
      words[#words + 1], words[#words + 2] = "-o", folder .. "/out"
      local _, err, status = program.run(table.unpack(words))
      assert.same({ 3, true }, { status, err:find(case[2], 1, true) ~= nil }, err)
      assert.is_false(scratch.exists(folder .. "/out.index"))
    end)
  end
end

describe("cast", function()
  it("changes the floats that the pattern finds", function()
    local out = run("cast", scratch.DIGITS, "-o", folder .. "/out", "-p", "dtype=bfloat16", "-p", "which=kernel")
    for name, t in gw.open(scratch.DIGITS):each() do
      local cast = name:find "kernel" and t:is_float()
      assert.is_true(out.vars[name]:equal(cast and t:cast "bfloat16" or t), name)
    end
  end)

  it("leaves slots alone when asked", function()
    local out = run("cast", scratch.DIGITS, "-o", folder .. "/out", "-p", "dtype=float16", "-p", "keep_slots=true")
    assert.equal("float16", out.vars["classifier/dense/kernel"].dtype)
    assert.equal("float32", out.vars["classifier/dense/kernel/Adam"].dtype)
    assert.equal(gw.open(scratch.DIGITS).vars.global_step.dtype, out.vars.global_step.dtype)
  end)

  it("says what overflows", function()
    gw.variables({ a = gw.tensor { 1.0, 70000.0, -1 / 0, -1e30 }, b = gw.tensor { 1.0 } }):save(folder .. "/in")
    local _, _, err = run("cast", folder .. "/in", "-o", folder .. "/out", "-p", "dtype=float16", "-p", "report=true")
    assert.equal("a: of 4 values 2 become infinite, 0 become 0\nin all, 2 values become infinite, 0 become 0\n", err)
  end)
end)

describe("average", function()
  local function save(name, value, step)
    gw.variables({ w = gw.full({ 3 }, value), step = gw.scalar(step, "int64"), name = gw.strings(name) }):save(folder .. "/" .. name)
    return folder .. "/" .. name
  end

  it("is the mean of floats and the last of everything else", function()
    local out = run("average", save("a", 1.0, 10), save("b", 2.0, 20), save("c", 6.0, 30), "-o", folder .. "/out")
    assert.same({ 3.0, 3.0, 3.0 }, out.vars.w:value())
    assert.same({ 30, "c" }, { out.vars.step:value(), out.vars.name:value() })
  end)

  it("takes as many as the command line holds", function() -- more than fit on Lua's first stack wrote behind it
    local words = { "average" }
    local input = save("a", 1.0, 10)
    for i = 1, 300 do words[i + 1] = input end
    words[#words + 1] = "-o"
    words[#words + 1] = folder .. "/out"
    assert.same({ 1.0, 1.0, 1.0 }, run(table.unpack(words)).vars.w:value())
  end)

  it("needs no descriptor for each of its inputs", function()
    local words = {}
    for i = 1, 60 do words[i] = program.quoted(scratch.copy(i == 1 and save("a", 1.0, 10) or folder .. "/a", folder .. "/a" .. i)) end
    local command = ("ulimit -n 40 && %s run average %s -o %s"):format(program.quoted(program.PATH), table.concat(words, " "), program.quoted(folder .. "/out"))
    local _, err, status = program.shell(command)
    assert.equal(0, status, err)
    assert.same(scratch.files_of(folder .. "/a"), scratch.files_of(folder .. "/out"))
  end)

  it("takes weights, and the first of everything else", function()
    local out = run("average", save("a", 1.0, 10), save("b", 2.0, 20), "-o", folder .. "/out", "-p", "weights=1,3", "-p", "others=first")
    assert.same({ 1.75, 10 }, { out.vars.w:value()[1], out.vars.step:value() })
  end)

  it("is refused where names or steps differ", function()
    local a, b = save("a", 1.0, 10), save("b", 2.0, 20)
    assert.matches('"name" is not the same in all checkpoints', refused("average", a, b, "-o", folder .. "/out", "-p", "others=error"), 1, true)
    assert.matches("1 weights for 2 checkpoints", refused("average", a, b, "-o", folder .. "/out", "-p", "weights=1"), 1, true)
    gw.variables({ w = gw.full({ 3 }, 1.0) }):save(folder .. "/less")
    assert.matches('less has no "name", and', refused("average", a, folder .. "/less", "-o", folder .. "/out", "-p", "others=first"), 1, true)
    assert.matches('a has "name", and', refused("average", a, folder .. "/less", "-o", folder .. "/out"), 1, true)
  end)
end)

describe("ema_to_model", function()
  it("puts the averages in the variables' places", function()
    local before, out = gw.open(scratch.DIGITS), run("ema_to_model", scratch.DIGITS, "-o", folder .. "/out", "-p", "drop_slots=true")
    local found = 0
    for name, t in before:each "/ExponentialMovingAverage$" do
      assert.is_true(out.vars[name:gsub("/ExponentialMovingAverage$", "")]:equal(t))
      found = found + 1
    end
    assert.equal(4, found)
    assert.equal(found + 1, #out) -- and the step
  end)

  it("is refused where there are none", function()
    gw.variables({ a = gw.scalar(1.0) }):save(folder .. "/in")
    assert.matches("has no VARIABLE/ExponentialMovingAverage", refused("ema_to_model", folder .. "/in", "-o", folder .. "/out"), 1, true)
  end)
end)

describe("transpose", function()
  it("changes the order of axes", function()
    gw.variables({ k = gw.random_normal({ 2, 3, 4 }, { seed = 1 }), b = gw.zeros { 2 } }):save(folder .. "/in")
    local before = gw.open(folder .. "/in").vars.k
    assert.is_true(run("transpose", folder .. "/in", "-o", folder .. "/out", "-p", "which=^k$").vars.k:equal(before:transpose()))
    local out = run("transpose", folder .. "/in", "-o", folder .. "/out", "--force", "-p", "which=^k$", "-p", "perm=2,0,1")
    assert.is_true(out.vars.k:equal(before:transpose { 2, 0, 1 }))
    local err = refused("transpose", folder .. "/in", "-o", folder .. "/o", "-p", "which=.", "-p", "perm=2,0,1")
    assert.matches("transpose of float32[2]: 3 axes are given for 1", err, 1, true)
  end)
end)

describe("map with slots", function()
  it("takes slots and averages along that have their variable's shape", function()
    local ckpt = gw.variables {
      w = gw.zeros { 2, 3 }, ["w/Adam"] = gw.zeros { 2, 3 }, ["w/Adagrad"] = gw.zeros { 3 }, ["w/ExponentialMovingAverage"] = gw.zeros { 2, 3 },
      ["train/w/Momentum"] = gw.zeros { 2, 3 }, v = gw.zeros { 2, 3 }, ["v/Adam"] = gw.zeros { 2, 3 },
    }
    local seen = {}
    assert.equal(1, ckpt:map("^w$", function(t, name)
      seen[#seen + 1] = name
      return t:transpose()
    end, { slots = true }))
    table.sort(seen)
    assert.same({ "train/w/Momentum", "w", "w/Adam", "w/ExponentialMovingAverage" }, seen)
    assert.is_true(ckpt.vars["w/Adam"].shape == { 3, 2 } and ckpt.vars["v/Adam"].shape == { 2, 3 })
  end)

  it("calls the function once for a slot that is found by itself", function()
    local ckpt = gw.variables { w = gw.zeros { 2, 3 }, ["w/Adam"] = gw.zeros { 2, 3 } }
    assert.equal(2, ckpt:map("w", function(t) return t:transpose() end, { slots = true }))
    assert.is_true(ckpt.vars.w.shape == { 3, 2 } and ckpt.vars["w/Adam"].shape == { 3, 2 })
  end)

  it("has no other options", function()
    local ckpt = gw.variables { w = gw.zeros { 2 } }
    local ok, problem = pcall(function() ckpt:map("w", function(t) return t end, { slot = true }) end)
    assert.same({ false, "there is no option 'slot' (optional, slots)" }, { ok, problem.what })
    assert.equal(0, ckpt:map("x", function(t) return t end, { slots = true, optional = true }))
  end)
end)

describe("strip_optimizer", function()
  it("drops slots and powers, and the step when asked", function()
    local before = gw.open(scratch.DIGITS)
    local out = run("strip_optimizer", scratch.DIGITS, "-o", folder .. "/out")
    assert.same({ 9, true, false }, { #out, out:has "global_step", out:has "beta1_power" })
    for name, t in out:each() do assert.is_true(t:equal(before.vars[name]), name) end
    out = run("strip_optimizer", scratch.DIGITS, "-o", folder .. "/out", "--force", "-p", "step=true")
    assert.same({ 8, false }, { #out, out:has "global_step" })
  end)

  it("takes an optimizer out of the graph, and leaves what others refer to", function()
    gw.objects({
      model = { w = gw.scalar(1.0) }, step = gw.scalar(5, "int64"), adam = { iter = gw.scalar(5, "int64"), learning_rate = gw.scalar(0.1) },
      other = { secret = gw.scalar(2.0) },
    }, { save_counter = 1 }):save(folder .. "/in")
    local function names(...)
      local found = {}
      for name in run("strip_optimizer", folder .. "/in", "-o", folder .. "/out", "--force", ...):each() do found[#found + 1] = name:match "^(.-)/%.ATTR" end
      return table.concat(found, " ")
    end
    assert.equal("model/w other/secret save_counter step", names())
    assert.equal("adam/iter adam/learning_rate model/w save_counter step", names("-p", "paths=other"))
    assert.equal("adam/learning_rate model/w save_counter", names("-p", "paths=other", "-p", "step=true"))
  end)

  check_refused {
    { "strip_optimizer BERT -p paths=x", "is name-based, and paths are objects' paths" },
    { "strip_optimizer GRAPH", "has no object with slots or an optimizer's attributes: say where it is with -p paths=PATH" },
    { "strip_optimizer GRAPH -p paths=nothing", 'paths: there is no object at "nothing"' },
  }
end)

describe("merge", function()
  it("puts names under scopes, and shares what it is told", function()
    local out = run("merge", BERT, scratch.DIGITS, "-o", folder .. "/out", "-p", "scopes=text,image/x/", "-p", "shared=^global_step$")
    local bert, digits = gw.open(BERT), gw.open(scratch.DIGITS)
    assert.equal(#bert + #digits - 1, #out)
    for name, t in bert:each() do assert.is_true(out.vars[name == "global_step" and name or "text/" .. name]:equal(t), name) end
    for name, t in digits:each() do
      if name ~= "global_step" then assert.is_true(out.vars["image/x/" .. name]:equal(t), name) end
    end
  end)

  it("puts objects under attributes, and keeps the first counter", function()
    local out = run("merge", GRAPH, scratch.GUIDE .. "tf2-ckpt-1", "-o", folder .. "/out", "-p", "scopes=a/b,c")
    assert.equal(7, #out)
    assert.is_true(out.vars["a/b/unscoped/0/.ATTRIBUTES/VARIABLE_VALUE"]:equal(gw.open(GRAPH).vars["unscoped/0/.ATTRIBUTES/VARIABLE_VALUE"]))
    assert.is_true(gw.graph.has(out.root, "save_counter") and not gw.graph.has(out.root.c, "save_counter"))
    out = run("merge", GRAPH, scratch.GUIDE .. "tf2-ckpt-1", "-o", folder .. "/out", "--force")
    assert.is_true(out:has "scoped/0/.ATTRIBUTES/VARIABLE_VALUE" and out:has "variables/0/.ATTRIBUTES/VARIABLE_VALUE")
  end)

  check_refused {
    { "merge BERT DIGITS", ('"global_step" would come from "global_step" of %s and from "global_step" of %s'):format(BERT, scratch.DIGITS) },
    { "merge BERT DIGITS -p scopes=a", "1 scopes for 2 checkpoints: one for each, as in -p scopes=encoder,decoder" },
    { "merge BERT DIGITS -p scopes=a,b -p shared=nothing", "shared: no variable matches 'nothing'" },
    { "merge BERT DIGITS -p scopes=/a,b", "scopes: '/a' has an empty part" },
    { "merge BERT GRAPH", "are of different kinds, by names and by objects: convert one with tf1_to_tf2 or tf2_to_tf1 first" },
    { "merge GRAPH GRAPH", 'the object "scoped" would come from ' .. GRAPH .. " and from " .. GRAPH },
    { "merge GRAPH GRAPH -p scopes=,scoped", "the scope 'scoped/' of " .. GRAPH .. " is an object of another checkpoint" },
    { "merge GRAPH GRAPH -p scopes=a,b -p shared=x", "shared is for name-based checkpoints" },
  }
end)

describe("split", function()
  local function split(input, outputs, ...)
    local words = { "run", "split", input }
    for _, word in ipairs { ... } do words[#words + 1] = word end
    for _, name in ipairs(outputs) do
      words[#words + 1] = "-o"
      words[#words + 1] = ("%s=%s/%s"):format(name, folder, name)
    end
    local _, err, status = program.run(table.unpack(words))
    assert.equal(0, status, err)
    local drafts = {}
    for i, name in ipairs(outputs) do drafts[i] = gw.open(folder .. "/" .. name) end
    return table.unpack(drafts)
  end

  it("gives each scope an output, and one the rest", function()
    local bert = gw.open(BERT)
    local encoder, words, others = split(BERT, { "encoder", "words", "others" }, "-p", "scopes=bert/encoder,words=bert/embeddings/", "-p", "rest=others")
    assert.equal(#bert, #encoder + #words + #others)
    for name, t in bert:each() do
      local owner = name:find "^bert/encoder/" and encoder or name:find "^bert/embeddings/" and words or others
      assert.is_true(owner.vars[name]:equal(t), name)
    end
  end)

  it("takes patterns, gives to all what is shared, and drops the rest", function()
    local low, high = split(BERT, { "low", "high" }, "-p", [[patterns=low=layer_0/,high=layer_[1-9]\d*/]], "-p", "shared=^global_step$", "-p", "drop_rest=true")
    assert.is_true(low:has "global_step" and high:has "global_step")
    assert.equal(#low, #high)
    assert.is_true(low:each "layer_1/"() == nil and high:each "layer_0/"() == nil)
  end)

  it("takes objects with their slots, and every part has the counter", function()
    local a, rest = split(GRAPH, { "scoped", "rest" }, "-p", "scopes=scoped", "-p", "rest=rest")
    assert.is_true(gw.graph.has(a.root, "save_counter") and gw.graph.has(rest.root, "save_counter"))
    assert.same({ 2, 3 }, { #a, #rest })
    a, rest = split(GRAPH, { "a", "b" }, "-p", "patterns=a=^scoped/,b=unscoped/0", "-p", "shared=unscoped/1$", "--force")
    assert.same({ 3, 3 }, { #a, #rest })
  end)

  check_refused {
    { "split BERT", "give the parts with -p scopes=encoder,decoder or -p patterns=NAME=REGEX,..." },
    { "split BERT -p scopes=bert/encoder", 'no part takes "bert/embeddings/LayerNorm/beta", "bert/embeddings/LayerNorm/beta/adam_m", ' },
    { "split BERT -p scopes=bert,a=bert/encoder", "would be in 'bert' and in 'a': make them distinct" },
    { "split BERT -p scopes=bert,nothing", "nothing is in the part 'nothing': no name matches '^nothing/'" },
    { "split BERT -p patterns=bert", "patterns: 'bert' is not NAME=REGEX" },
    { "split BERT -p patterns=bert=", "'bert=': nothing is said of what the part has" },
    { "split BERT -p scopes=a-b", "'a-b': an output's name is a word (letters, digits and _); say which, as in NAME=a-b" },
    { "split BERT -p scopes=bert,bert", "two parts are called 'bert'" },
    { "split BERT -p scopes=bert -p rest=bert", "rest: 'bert' is a part already" },
    { "split BERT -p scopes=bert -p rest=x -p drop_rest=true", "what no part takes goes to `rest` or is dropped: give only one of them" },
    { "split BERT -p patterns=all=. -p rest=x", "nothing is left for 'x'" },
    { "split BERT -p scopes=bert -p shared=nothing", "shared: nothing matches 'nothing'" },
    { "split GRAPH -p scopes=scoped -p shared=scoped/0 -p rest=x", "is shared and in 'scoped', which rest cannot tell apart in an object graph" },
  }
end)

describe("reshape", function()
  it("changes what the pattern finds, and its slots", function()
    local before, out = gw.open(scratch.DIGITS), run("reshape", scratch.DIGITS, "-o", folder .. "/out", "-p", "which=dense/kernel$", "-p", "shape=-1,4,12")
    for name, t in before:each() do
      local changed = name:find "dense/kernel"
      assert.is_true(out.vars[name]:equal(changed and t:reshape { 4, 4, 12 } or t), name)
    end
    out = run("reshape", scratch.DIGITS, "-o", folder .. "/out", "--force", "-p", "which=dense/kernel$", "-p", "shape=192", "-p", "slots=false")
    assert.is_true(out.vars["classifier/dense/kernel"].rank == 1 and out.vars["classifier/dense/kernel/Adam"].rank == 2)
    assert.equal(1, run("reshape", scratch.DIGITS, "-o", folder .. "/out", "--force", "-p", "which=step", "-p", "shape=1").vars.global_step.rank)
  end)

  check_refused {
    { "reshape DIGITS -p which=dense -p shape=4,4,12", '"classifier/dense/bias": reshape of float32[12]: 12 elements do not fill [4,4,12]' },
    { "reshape DIGITS -p which=dense -p shape=4,x", "shape: 'x' is not a whole number" },
    { "reshape DIGITS -p which=dense/kernel$ -p shape=-1,-1", '"classifier/dense/kernel": reshape of float32[16,12]: more than one size is -1' },
    { "reshape DIGITS -p which=nothing -p shape=4", "no tensor matches 'nothing'" },
  }
end)

describe("stack_layers and unstack_layers", function()
  it("are each other's inverse, to the byte", function()
    for _, axis in ipairs { "0", "1", "-1" } do
      run("stack_layers", BERT, "-o", folder .. "/out", "--force", "-p", "axis=" .. axis)
      local _, err, status = program.run("run", "unstack_layers", folder .. "/out", "-o", folder .. "/back", "--force", "-p", "axis=" .. axis)
      assert.equal(0, status, err)
      assert.same(scratch.files_of(BERT), scratch.files_of(folder .. "/back"))
    end
  end)

  it("stack kernels, slots and averages in the order of their numbers", function()
    local vars = {}
    for i = 3, 12 do
      for _, ending in ipairs { "", "/Adam", "/ExponentialMovingAverage" } do
        vars[("net/block_%d/kernel%s"):format(i, ending)] = gw.full({ 2, 3 }, i + #ending)
      end
    end
    gw.variables(vars):save(folder .. "/in")
    local out = run("stack_layers", folder .. "/in", "-o", folder .. "/out", "-p", [[pattern=block_(\d+)]], "-p", "to=blocks", "-p", "axis=1")
    assert.equal(3, #out)
    local t = out.vars["net/blocks/kernel/Adam"]
    assert.is_true(t.shape == { 2, 10, 3 } and t:slice({ 0, 9, 0 }, { 1, 1, 1 }):reshape({}):value() == 17.0)
    run("unstack_layers", folder .. "/out", "-o", folder .. "/back", "-p", "pattern=blocks", "-p", "to=block_{}", "-p", "axis=1", "-p", "first=3")
    local back = gw.open(folder .. "/back")
    for name, value in pairs(vars) do assert.is_true(back.vars[name]:equal(value), name) end
  end)

  it("say which layer is missing, and which is not like the others", function()
    local function check(recipe, vars, message)
      gw.variables(vars):save(folder .. "/in", { force = true })
      assert.matches(message, refused(recipe, folder .. "/in", "-o", folder .. "/o"), 1, true)
    end
    local one, two = gw.scalar(1.0), gw.zeros { 2 }
    check("stack_layers", { ["layer_0/w"] = one, ["layer_2/w"] = one }, 'layer 1 has no part in "layers/w", and others have (they go from 0 to 2)')
    check("stack_layers", { ["layer_0/w"] = two, ["layer_1/w"] = gw.zeros { 3 } },
      '"layer_0/w" is float32[2], and "layer_1/w" is float32[3]: only equals can be stacked')
    check("stack_layers", { ["layer_0/w"] = two, ["layer_00/w"] = two }, '"layer_0/w" and "layer_00/w" would both be layer 0 of "layers/w"')
    local there = { ["layer_0/w"] = two, ["layers/w"] = gw.zeros { 2, 2 } }
    check("stack_layers", there, 'there is a "layers/w" already: give another -p to=NAME')
    check("unstack_layers", there, 'there is a "layer_0/w" already: give another -p to=NAME')
  end)

  check_refused {
    { "stack_layers BERT -p pattern=layer", [[it takes one group, the layer's number, as in layer_(\d+)/]] },
    { [[stack_layers BERT -p pattern=nothing(\d)]], [[no variable matches 'nothing(\d)']] },
    { "stack_layers BERT -p axis=9", "stack of float32[4]: there is no axis 9 (axes count from 0)" },
    { "stack_layers GRAPH", "is object-based: its layers are objects, not names; convert it with tf2_to_tf1 first" },
    { "unstack_layers GRAPH", "is object-based: its layers are objects, not names; convert it with tf2_to_tf1 first" },
    { "unstack_layers BERT", "no variable matches 'layers/'" },
    { "unstack_layers BERT -p pattern=kernel", '"bert/encoder/layer_0/output/dense/kernel" has 8' },
    { "unstack_layers BERT -p to=layer", "to: 'layer' has no {} for the layer's number" },
    { "unstack_layers BERT -p pattern=global_step", '"global_step" is int64[] and has no axis 0: leave it out by a narrower -p pattern' },
  }
end)

describe("an example in a recipe that names files of examples/ works as it stands:", function()
  local root = require "lfs".currentdir()
  local found = require "spec.support.json".parse((program.run("recipes", "--json")))
  for _, recipe in ipairs(found.recipes) do
    for _, example in ipairs(recipe.examples or {}) do
      if example:find("examples/data/", 1, true) then
        it(example, function()
          assert(require "lfs".link(root .. "/examples", folder .. "/examples", true))
          local _, err, status = program.shell(example:gsub("godwit ", program.quoted(program.PATH) .. " "), folder)
          assert.equal(0, status, err)
        end)
      end
    end
  end
end)
describe("partition and join_partitions", function()
  local function save() gw.variables({ emb = gw.random_normal({ 9, 4 }, { seed = 1 }), bias = gw.zeros { 4 }, step = gw.scalar(1) }):save(folder .. "/in") end

  it("cut what the pattern finds and make it whole again", function()
    save()
    local out = run("partition", folder .. "/in", "-o", folder .. "/out", "-p", "which=.", "-p", "parts=3", "-p", "min_slice_size=40")
    assert.same({ 3, 1, 1 }, { out.vars.emb.parts, out.vars.bias.parts, out.vars.step.parts })
    os.rename(folder .. "/out.index", folder .. "/cut.index")
    os.rename(folder .. "/out.data-00000-of-00001", folder .. "/cut.data-00000-of-00001")
    run("join_partitions", folder .. "/cut", "-o", folder .. "/out")
    assert.same(scratch.files_of(folder .. "/in"), scratch.files_of(folder .. "/out"))
  end)

  it("are refused where nothing can be cut or joined", function()
    save()
    assert.matches("none of the variables that match 'step' can be cut along axis 0",
      refused("partition", folder .. "/in", "-o", folder .. "/out", "-p", "which=step", "-p", "parts=3"), 1, true)
    assert.matches("parts begins at 1", refused("partition", folder .. "/in", "-o", folder .. "/out", "-p", "which=emb", "-p", "parts=0"), 1, true)
    assert.matches("no partitioned variable matches '.'", refused("join_partitions", folder .. "/in", "-o", folder .. "/out"), 1, true)
  end)
end)

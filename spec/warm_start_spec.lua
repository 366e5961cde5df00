-- Vocabularies, tensors whose rows follow their tokens, and ckpt:warm_start. What TensorFlow does in each case is asked in
-- spec/tensorflow/warm_start_test.py; here is what Lua sees of it.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local OLD, NEW = { "apple", "banana", "guava", "orange" }, { "orange", "guava", "kiwi", "apple" }

local function fails(expected, fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  assert.equal(expected, problem.what)
  return problem
end

describe("a vocabulary", function()
  it("has the tokens of a list or a file, by their ids", function()
    local path = scratch.write(scratch.folder() .. "/v.txt", "a\nb c\r\nd\r\r\n\xff")
    local vocab = gw.vocab(path)
    assert.same({ 4, "a", "b c", "d\r", "\xff", path }, { #vocab, vocab[0], vocab[1], vocab[2], vocab[3], vocab.name })
    assert.is_nil(vocab[4])
    assert.is_nil(vocab[-1])
    assert.equal(path .. ": 4 tokens", tostring(vocab))
    assert.same({ 2, "y" }, { #gw.vocab { "x", "y" }, gw.vocab({ "x", "y" })[1] })
    assert.equal(vocab, gw.vocab(vocab))
    assert.equal("2 tokens", tostring(gw.vocab { "x", "y" }))
    fails("a vocabulary has tokens by their ids (vocab[0] is the first), its length and name, no 'size'", function() return vocab.size end)
  end)

  it("is refused where TensorFlow refuses it, with the place", function()
    local folder = scratch.folder()
    for text, expected in pairs {
      [""] = { "the vocabulary is empty" }, ["\n"] = { "line 1 of the vocabulary is empty", 0 }, ["a\n\nb\n"] = { "line 2 of the vocabulary is empty", 2 },
      ["a\n\r\n"] = { "line 2 of the vocabulary is empty", 2 }, ["a\nb\n\n"] = { "line 3 of the vocabulary is empty", 4 },
    } do
      local problem = fails(expected[1], gw.vocab, scratch.write(folder .. "/v", text))
      assert.same({ expected[2], folder .. "/v", "recipe" }, { problem.offset, problem.file, problem.class })
    end
    assert.equal("system", fails("No such file or directory", gw.vocab, folder .. "/none").class)
    fails("this is a folder, not a file", gw.vocab, folder)
  end)

  it("takes no other lists", function()
    fails("gw.vocab takes a file parameter or a list of tokens, not a number", gw.vocab, 5)
    fails("token 1 of the vocabulary (from 0) is a number, not a string", gw.vocab, { "a", 5 })
    fails("token 1 of the vocabulary (from 0) is empty", gw.vocab, { "a", "" })
    fails("token 0 of the vocabulary (from 0) has the end of a line in it", gw.vocab, { "a\nb" })
    fails("a vocabulary is a list of tokens, without holes", gw.vocab, {})
    fails("a vocabulary is a list of tokens, without holes", gw.vocab, { "a", x = "b" })
  end)
end)

describe("remapping", function()
  local column = gw.tensor { { 1.0, 10.0 }, { 2.0, 20.0 }, { 3.0, 30.0 }, { 4.0, 40.0 } }

  it("moves rows with their tokens, and counts them", function()
    local info = gw.vocab_info { new_vocab = NEW, old_vocab = OLD, num_oov_buckets = 1 }
    assert.same({ { 4, 40 }, { 3, 30 }, { 0, 0 }, { 1, 10 }, { 0, 0 } }, column:remap_rows(info):value())
    assert.same({ 3, 1, 1, 5 }, { info.kept, info.new, info.lost, info.count })
  end)

  it("moves columns, and any axis of any rank", function()
    local info = gw.vocab_info { new_vocab = NEW, old_vocab = OLD }
    assert.is_true(column:transpose():remap_cols(info):equal(column:remap_rows(info):transpose()))
    assert.same({ 4, 3, 0, 1 }, gw.tensor({ 1, 2, 3, 4 }):remap_rows(info):value())
    local cube = gw.tensor { { column:value(), column:value() } }
    local along = gw.variables { x = cube }
    along:remap("x", { new_vocab = NEW, old_vocab = OLD, axis = 2 })
    local rows = column:remap_rows(info):value()
    assert.same({ { rows, rows } }, along.vars.x:value())
    along:remap("x", { new_vocab = { "b" }, old_vocab = { "a", "b" }, axis = -1 })
    assert.same({ 1, 2, 4, 1 }, { along.vars.x.shape[1], along.vars.x.shape[2], along.vars.x.shape[3], along.vars.x.shape[4] })
    assert.equal(40, along.vars.x:value()[1][1][1][1])
  end)

  it("knows every dtype that can be moved", function()
    local info = gw.vocab_info { new_vocab = { "c", "b", "a", "a" }, old_vocab = { "a", "b" } }
    for _, dtype in ipairs { "float16", "bfloat16", "float64", "int8", "uint64", "int32" } do
      local found = gw.tensor({ 1, 2 }, dtype):remap_rows(info)
      assert.equal(dtype, found.dtype)
      assert.is_true(found:equal(gw.tensor({ 0, 2, 1, 1 }, dtype)))
    end
    assert.same({ false, false, true, true }, gw.tensor({ true, false }):remap_rows(info):value())
    assert.same({ "", "y", "x", "x" }, gw.strings({ "x", "y" }):remap_rows(info):value())
  end)

  it("fills what is new with a number, a tensor or a function of the shape", function()
    local function with(backup) return column:remap_rows { new_vocab = { "new", "guava" }, old_vocab = OLD, backup = backup, num_oov_buckets = 1 } end
    assert.same({ { 5, 5 }, { 3, 30 }, { 5, 5 } }, with(5):value())
    assert.same({ { 5, 5 }, { 3, 30 }, { 5, 5 } }, with(gw.scalar(5.0)):value())
    assert.same({ { 1, 2 }, { 3, 30 }, { 5, 6 } }, with(gw.tensor { { 1.0, 2.0 }, { 3.0, 4.0 }, { 5.0, 6.0 } }):value())
    local shape
    assert.same({ { 1, 1 }, { 3, 30 }, { 1, 1 } }, with(function(of)
      shape = of
      return gw.full(of, 1.0)
    end):value())
    assert.same({ 3, 2 }, shape)
    assert.same({ "?", "x" }, gw.strings({ "x" }):remap_rows({ new_vocab = { "n", "a" }, old_vocab = { "a" }, backup = "?" }):value())
    fails("remap of float32[4,2] and float32[2]: what is put where nothing was is a scalar or has the shape of the result, [3,2]", with, gw.zeros { 2 })
    fails("remap of float32[4,2] and int32[]: what is put where nothing was has another dtype; cast it first", with, gw.scalar(1))
    fails("the backup function returned nothing; it gives a number or a tensor", with, function() end)
    fails("backup is a number, a tensor or a function of the shape, not a table", with, {})
  end)

  it("takes aliases for tokens that were called otherwise", function()
    local aliases = { kiwi = "banana", orange = "apple" }
    local info = gw.vocab_info { new_vocab = NEW, old_vocab = OLD, aliases = aliases }
    assert.same({ { 1, 10 }, { 3, 30 }, { 2, 20 }, { 1, 10 } }, column:remap_rows(info):value())
    assert.same({ 4, 0, 1 }, { info.kept, info.new, info.lost })
    fails('an alias names "plum", which the old vocabulary has not', gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, aliases = { kiwi = "plum" } })
    fails('an alias names "plum", which the new vocabulary has not', gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, aliases = { plum = "apple" } })
    fails("aliases are a table from new tokens to old ones", gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, aliases = { "apple" } })
  end)

  it("gives the same in boxes of any size", function()
    local old, new, values = {}, {}, {}
    for i = 1, 3000 do
      old[i] = "t" .. i
      new[i] = i % 7 == 0 and "n" .. i or "t" .. (i * 1009 % 3000 + 1)
      values[i] = { i, -i, i * 0.5 }
    end
    local t = gw.tensor(values, "float32")
    local info = gw.vocab_info { new_vocab = new, old_vocab = old, backup = function(shape) return gw.random_normal(shape, { seed = 3 }) end }
    local found = t:remap_rows(info)
    local random = gw.random_normal({ 3000, 3 }, { seed = 3 }):value()
    local expected = {}
    for i = 1, 3000 do expected[i] = i % 7 == 0 and random[i] or values[i * 1009 % 3000 + 1] end
    assert.same(expected, found:value())
    assert.is_true(t:transpose():remap_cols(gw.vocab_info { new_vocab = new, old_vocab = old }):equal(
      t:remap_rows(gw.vocab_info { new_vocab = new, old_vocab = old }):transpose()))
    assert.same({ expected[2998] }, found:slice({ 2997, 0 }, { 1, -1 }):value())
    local folder = scratch.folder()
    gw.variables({ x = found, y = found:transpose() }):save(folder .. "/x", { memory = 1 << 20 })
    assert.is_true(gw.open(folder .. "/x").vars.x:equal(found))
    assert.is_true(gw.open(folder .. "/x").vars.y:transpose():equal(found))
  end)

  it("says what is wrong", function()
    fails('the old vocabulary has "a" twice, in the lines 1 and 3', gw.vocab_info, { new_vocab = { "a" }, old_vocab = { "a", "b", "a" } })
    assert.equal(2, gw.vocab_info({ new_vocab = { "a", "b" }, old_vocab = { "a", "b", "a" }, old_vocab_size = 2 }).kept)
    fails("the new vocabulary has 1 tokens, and 2 of them are to be taken", gw.vocab_info, { new_vocab = { "a" }, new_vocab_size = 2, old_vocab = OLD })
    fails("the old vocabulary has 4 tokens, and 5 of them are to be taken", gw.vocab_info, { new_vocab = { "a" }, old_vocab = OLD, old_vocab_size = 5 })
    fails("100000001 out-of-vocabulary buckets (at most 100000000)", gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, num_oov_buckets = 100000001 })
    fails("num_oov_buckets is a whole number from 0 on, not -1", gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, num_oov_buckets = -1 })
    fails("old_vocab_size is a number of lines, not 0", gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, old_vocab_size = 0 })
    fails("old_vocab is missing: a vocabulary, a file parameter or a list of tokens", gw.vocab_info, { new_vocab = NEW })
    fails("a vocab_info has no field 'vocab' (new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size, backup, axis, aliases)",
      gw.vocab_info, { vocab = NEW })
    fails("backup and backup_initializer are the same: give one", gw.vocab_info, { new_vocab = NEW, old_vocab = OLD, backup = 1, backup_initializer = 2 })
    fails("remap of float32[2]: position 0 of the new vocabulary is line 3 of the old one (from 0), and axis 0 has 2 elements", function()
      return gw.zeros({ 2 }):remap_rows { new_vocab = NEW, old_vocab = OLD }
    end)
    fails("a vocabulary of axis 1 (from 0), and the tensor is float32[4]", function() return gw.zeros({ 4 }):remap_cols { new_vocab = NEW,
      old_vocab = OLD } end)
    fails("remap_rows is for axis 0, and the vocabulary says axis 1", function() return column:remap_rows { new_vocab = NEW, old_vocab = OLD, axis = 1 } end)
  end)

  it("of a variable takes its slots and averages along", function()
    local ckpt = gw.variables {
      w = column, ["w/Adam"] = column * 2, ["w/Adagrad"] = column * 3, ["w/ExponentialMovingAverage"] = column * 4, ["w/vr"] = gw.tensor { 1.0, 2.0, 3.0, 4.0 },
      ["w/vc"] = gw.tensor { 1.0, 2.0 }, other = gw.scalar(1),
    }
    local before = ckpt:copy()
    local info = gw.vocab_info { new_vocab = { "guava", "kiwi" }, old_vocab = OLD, backup = 7 }
    assert.same({ kept = 1, new = 1, lost = 3 }, ckpt:remap("w", info, { with_slots = true }))
    local found = {}
    for name, tensor in ckpt:each "^w" do found[name] = tensor:value() end
    local tenth = gw.scalar(0.1):value()
    assert.same({
      w = { { 3, 30 }, { 7, 7 } }, ["w/Adam"] = { { 6, 60 }, { 0, 0 } }, ["w/Adagrad"] = { { 9, 90 }, { tenth, tenth } },
      ["w/ExponentialMovingAverage"] = { { 12, 120 }, { 7, 7 } }, ["w/vr"] = { 3, 0 }, ["w/vc"] = { 1, 2 },
    }, found)
    before:remap("w", info, { with_slots = true, slot_backup = { Adagrad = 5 } })
    assert.same({ 5, 5 }, before.vars["w/Adagrad"]:value()[2])
  end)

  it("of a variable leaves slots alone unless asked, and refuses what it cannot tell", function()
    local ckpt = gw.variables { w = gw.zeros { 3, 3 }, ["w/Adam"] = gw.zeros { 3, 3 }, ["w/vr"] = gw.zeros { 3 } }
    local info = gw.vocab_info { new_vocab = { "a", "b" }, old_vocab = { "a", "b", "c" } }
    fails('"w/vr" is [3]: it cannot be told which axis of its variable\'s [3,3] it lacks', ckpt.remap, ckpt, "w", info, { with_slots = true })
    assert.equal(3, ckpt.vars.w:dim(0))
    ckpt:remap("w", info)
    assert.same({ 2, 3 }, { ckpt.vars.w:dim(0), ckpt.vars["w/Adam"]:dim(0) })
    ckpt:remap("w", { gw.vocab_info { new_vocab = { "b" }, old_vocab = { "a", "b" } }, gw.vocab_info { new_vocab = { "x", "y" }, old_vocab = { "y",
      "z", "x" }, axis = 1 } })
    assert.same({ 1, 2 }, { ckpt.vars.w:dim(0), ckpt.vars.w:dim(1) })
  end)
end)

describe("a warm start", function()
  local function old()
    return gw.variables {
      ["emb/w"] = gw.tensor { { 1.0 }, { 2.0 }, { 3.0 }, { 4.0 } }, ["emb/w/Adam"] = gw.tensor { { 10.0 }, { 20.0 }, { 30.0 }, { 40.0 } },
      ["out/k"] = gw.tensor { { 1.0, 2.0 } }, ["out/k/Adam"] = gw.tensor { { 3.0, 4.0 } }, ["bn/moving_mean"] = gw.scalar(5.0), ["bn/gamma"] = gw.scalar(6.0),
      global_step = gw.scalar(9, "int64"),
    }
  end
  local function fresh(scope)
    scope = scope or "emb"
    return gw.variables {
      [scope .. "/w"] = gw.zeros { 4, 1 }, [scope .. "/w/Adam"] = gw.zeros { 4, 1 }, ["out/k"] = gw.zeros { 1, 2 }, ["out/k/Adam"] = gw.zeros { 1, 2 },
      ["bn/moving_mean"] = gw.scalar(0.0), ["bn/gamma"] = gw.scalar(0.0), global_step = gw.scalar(0, "int64"),
    }
  end
  local function started(ckpt)
    local names = {}
    for name, tensor in ckpt:each() do
      if tensor:stats().zeros == 0 then names[#names + 1] = name end
    end
    return table.concat(names, " ")
  end

  it("takes the weights, and neither slots nor statistics nor the step", function()
    local ckpt = fresh()
    local report = ckpt:warm_start(old())
    assert.equal("bn/gamma emb/w out/k", started(ckpt))
    assert.same({ ["bn/gamma"] = "bn/gamma", ["emb/w"] = "emb/w", ["out/k"] = "out/k" }, report.variables)
    assert.equal("3 variables started", tostring(report))
  end)

  it("matches expressions at the start, a string among weights, a list among all, against NAME:0", function()
    for vars, expected in pairs { ["emb"] = "emb/w", ["w"] = false, [".*w"] = "emb/w", ["out/k:0$"] = "out/k", [".*(k|gamma)$"] = false,
      ["(?i)EMB"] = "emb/w" } do
      local ckpt = fresh()
      if expected then
        ckpt:warm_start(old(), { vars = vars })
        assert.equal(expected, started(ckpt))
      else
        assert.matches("at the start of \"NAME:0\"", fails(("no weight matches '%s'"):format(vars), ckpt.warm_start, ckpt, old(),
          { vars = vars }).hint, 1, true)
      end
    end
    local ckpt = fresh()
    ckpt:warm_start(old(), { vars_to_warm_start = { "emb/w[^/]", "out", "global_step", "bn/moving" } })
    assert.equal("bn/moving_mean emb/w global_step out/k out/k/Adam", started(ckpt))
    fails("no variable matches 'x'", ckpt.warm_start, ckpt, old(), { vars = { "emb", "x" } })
    assert.equal(0, #ckpt:warm_start(old(), { vars = { "x" }, optional = true }).missing)
  end)

  it("knows variables by what they were called, one for several", function()
    local ckpt = fresh "words"
    ckpt.vars["copy"] = gw.zeros { 4, 1 }
    local report = ckpt:warm_start(old(), { prev_names = { ["words/w"] = "emb/w", copy = "emb/w" } })
    assert.equal("bn/gamma copy out/k words/w", started(ckpt))
    assert.equal("4 variables started\n  copy from emb/w\n  words/w from emb/w", tostring(report))
  end)

  it("moves rows where a vocabulary changed, and says how many", function()
    local ckpt = fresh()
    ckpt.vars["emb/w"], ckpt.vars["emb/w/Adam"] = gw.zeros { 5, 1 }, gw.zeros { 5, 1 }
    local info = { new_vocab = NEW, old_vocab = OLD, num_oov_buckets = 1, backup = -1 }
    local report = ckpt:warm_start(old(), { vocab = { ["emb/w"] = info }, with_slots = true })
    assert.same({ { 4 }, { 3 }, { -1 }, { 1 }, { -1 } }, ckpt.vars["emb/w"]:value())
    assert.same({ { 40 }, { 30 }, { 0 }, { 10 }, { 0 } }, ckpt.vars["emb/w/Adam"]:value())
    assert.is_true(ckpt.vars["out/k/Adam"]:equal(old().vars["out/k/Adam"]))
    assert.same({ ["emb/w"] = { kept = 3, new = 1, lost = 1 } }, report.vocab)
    assert.matches("emb/w · 3 tokens kept, 1 new, 1 lost", tostring(report), 1, true)
  end)

  it("with vars = false starts only what has a vocabulary", function()
    local ckpt = fresh()
    ckpt:warm_start(old(), { vars = false, vocab = { ["emb/w"] = { new_vocab = NEW, old_vocab = OLD, backup = 1 } } })
    assert.equal("emb/w", started(ckpt))
  end)

  it("fills variables that are stored part by part", function()
    local ckpt = gw.variables { ["emb/w/part_0"] = gw.zeros { 3, 1 }, ["emb/w/part_1"] = gw.zeros { 2, 1 } }
    ckpt:warm_start(old(), { vocab = { ["emb/w"] = { new_vocab = NEW, old_vocab = OLD, num_oov_buckets = 1, backup = 8 } } })
    assert.same({ { { 4 }, { 3 }, { 8 } }, { { 1 }, { 8 } } }, { ckpt.vars["emb/w/part_0"]:value(), ckpt.vars["emb/w/part_1"]:value() })
  end)

  it("knows variables of object-based checkpoints by their full names", function()
    local source = gw.objects { net = { a = gw.variable(gw.tensor { 1.0, 2.0 }, { full_name = "dense/kernel" }) }, step = gw.variable(gw.scalar(3),
      { full_name = "global_step" }) }
    local ckpt = gw.variables { ["dense/kernel"] = gw.zeros { 2 } }
    ckpt:warm_start(source)
    assert.same({ 1, 2 }, ckpt.vars["dense/kernel"]:value())
    local target = gw.objects { other = { b = gw.variable(gw.zeros { 2 }, { full_name = "dense/kernel" }) } }
    target:warm_start(source, { vars = { target.root.other.b } })
    assert.same({ 1, 2 }, gw.graph.tensor(target.root.other.b):value())
    assert.equal("dense/kernel", next(target:warm_start(ckpt).variables))
  end)

  it("keeps what the source lacks when it is optional", function()
    local ckpt, source = fresh(), old()
    source.vars["out/k"], source.vars["out/k/Adam"] = nil, nil
    local report = ckpt:warm_start(source, { optional = true })
    assert.same({ "out/k" }, report.missing)
    assert.equal("bn/gamma emb/w", started(ckpt))
    assert.matches("no source: out/k", tostring(report), 1, true)
    local problem = fails('the source has no variable "out/k" for it', fresh().warm_start, fresh(), source)
    assert.equal("out/k", problem.key)
  end)

  it("edits nothing when something is wrong", function()
    local info = { new_vocab = NEW, old_vocab = OLD }
    for _, case in ipairs {
      { { prev_names = { nothing = "emb/w" } }, 'prev_names names "nothing", which is not among the variables that are started' },
      { { vars = "out", vocab = { ["emb/w"] = info } }, 'vocab names "emb/w", which is not among the variables that are started, though it is there' },
      { { var = "out" }, "warm_start has no setting 'var'" },
      { { vars = "out", vars_to_warm_start = "out" }, "vars and TensorFlow's name for it are both given" },
      { { vars = {} }, "vars is an empty list; false means only what has a vocabulary" },
      { { vars = 5 }, "vars is an expression, a list, or false, not a number" },
      { { prev_names = { "emb/w" } }, "prev_names is a table from names of this checkpoint's variables, and has a number as a key" },
      { { vocab = { ["emb/w"] = { new_vocab = { "a" }, old_vocab = OLD } } }, 'it is float32[4,1], and what comes from "emb/w" is float32[1,1]' },
      { { vocab = { ["emb/w"] = { new_vocab = NEW, old_vocab = { "a", "a" } } } }, 'the old vocabulary has "a" twice, in the lines 1 and 2' },
    } do
      local ckpt = fresh()
      fails(case[2], ckpt.warm_start, ckpt, old(), case[1])
      assert.equal("", started(ckpt))
    end
    fails("warm_start takes a checkpoint and settings, not a table", fresh().warm_start, fresh(), {})
  end)
end)

describe("the recipe warm_start", function()
  local folder
  before_each(function()
    folder = scratch.folder()
    gw.variables({ w = gw.tensor { { 1.0 }, { 2.0 }, { 3.0 }, { 4.0 } }, k = gw.tensor { { 1.0, 2.0, 3.0, 4.0 } }, step = gw.scalar(3) }):save(folder .. "/old")
    gw.variables({ ["new/w"] = gw.zeros { 5, 1 }, k = gw.zeros { 1, 5 }, step = gw.scalar(0) }):save(folder .. "/fresh")
    scratch.write(folder .. "/old.txt", table.concat(OLD, "\n") .. "\n")
    scratch.write(folder .. "/new.txt", table.concat(NEW, "\r\n") .. "\r\n")
  end)

  local function run(arguments)
    return program.shell(("%s run -q warm_start fresh old -o out %s"):format(program.quoted(program.PATH), arguments), folder)
  end

  it("takes vocabularies as files", function()
    local _, err, status = run "-p prev_names=new/w=w -p rows=new/w -p cols=k -p new_vocab=@new.txt -p old_vocab=@old.txt -p num_oov_buckets=1 -p backup=0.5"
    assert.equal(0, status, err)
    assert.matches("new/w from w · 3 tokens kept, 1 new, 1 lost", err, 1, true)
    local out = gw.open(folder .. "/out")
    assert.same({ { 4 }, { 3 }, { 0.5 }, { 1 }, { 0.5 } }, out.vars["new/w"]:value())
    assert.same({ { 4, 3, 0.5, 1, 0.5 } }, out.vars.k:value())
    assert.equal(3, out.vars.step:value()) -- not called global_step: a weight like others
  end)

  it("draws what is new", function()
    local settings = "-p prev_names=new/w=w -p rows=new/w -p cols=k -p new_vocab=@new.txt -p old_vocab=@old.txt -p num_oov_buckets=1 -p backup="
    for backup, limit in pairs { ["truncated_normal:0.02"] = 0.04, ["normal:0.5"] = 5, glorot_uniform = 2 } do
      local _, err, status = run(settings .. backup)
      assert.equal(0, status, err)
      local value = gw.open(folder .. "/out").vars["new/w"]:value()[3][1]
      assert.is_true(value ~= 0 and math.abs(value) <= limit)
      for ending in pairs(scratch.files_of(folder .. "/out")) do os.remove(folder .. "/out" .. ending) end
    end
  end)

  it("says what is wrong with its parameters", function()
    scratch.write(folder .. "/bad.txt", "a\n\n")
    for arguments, message in pairs {
      ["-p rows=w"] = "rows and cols need two vocabularies: -p new_vocab=@FILE -p old_vocab=@FILE",
      ["-p new_vocab=@new.txt"] = "a vocabulary, but no variable that has it: -p rows=NAME, -p cols=NAME",
      ["-p prev_names=w"] = "prev_names: 'w' is not NEW=OLD",
      ["-p rows=w -p new_vocab=@new.txt -p old_vocab=@old.txt -p backup=zeros"] =
        "backup: 'zeros' is no number, normal:STDDEV, truncated_normal:STDDEV or glorot_uniform",
    } do
      local _, err, status = run(arguments)
      assert.same({ "godwit: " .. message .. "\n", 3 }, { err, status })
    end
    local _, err, status = run "-p rows=w -p new_vocab=@bad.txt -p old_vocab=@old.txt"
    assert.equal(3, status)
    assert.matches("bad.txt: offset 2: line 2 of the vocabulary is empty", err, 1, true)
  end)

  it("of one's own opens no files itself", function()
    local _, err, status = program.shell(program.quoted(program.PATH) .. [[ plan -e 'gw.vocab "old.txt"' old]], folder)
    assert.equal(3, status)
    assert.matches("a recipe opens no files itself: gw.vocab takes a file parameter or a list of tokens, not a path", err, 1, true)
  end)
end)

describe("the recipe update_vocab (ON-03)", function()
  it("remaps variables in place, slots included", function()
    local folder = scratch.folder()
    gw.variables({
      w = gw.tensor { { 1.0 }, { 2.0 }, { 3.0 }, { 4.0 } }, ["w/Adam"] = gw.tensor { { 5.0 }, { 6.0 }, { 7.0 }, { 8.0 } },
      k = gw.tensor { { 1.0, 2.0, 3.0, 4.0 } },
    }):save(folder .. "/old")
    scratch.write(folder .. "/old.txt", table.concat(OLD, "\n"))
    scratch.write(folder .. "/new.txt", table.concat(NEW, "\n"))
    local command = program.quoted(program.PATH) .. " run -q update_vocab old -o out -p new_vocab=@new.txt -p old_vocab=@old.txt "
    local _, err, status = program.shell(command .. "-p rows=w -p cols=k -p backup=9", folder)
    assert.same({ "w · 3 tokens kept, 1 new, 1 lost\nk · 3 tokens kept, 1 new, 1 lost\n", 0 }, { err, status })
    local out = gw.open(folder .. "/out")
    assert.same({ { { 4 }, { 3 }, { 9 }, { 1 } }, { { 8 }, { 7 }, { 0 }, { 5 } }, { { 4, 3, 9, 1 } } },
      { out.vars.w:value(), out.vars["w/Adam"]:value(), out.vars.k:value() })
    _, err, status = program.shell(command, folder)
    assert.same({ "godwit: no variable that has the vocabulary: -p rows=NAME, -p cols=NAME\n", 3 }, { err, status })
  end)
end)

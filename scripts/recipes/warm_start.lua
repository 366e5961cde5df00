-- tf.compat.v1.train.warm_start, written to a file.

--- NEW=OLD, split at the first '='.
local function read_names(list)
  local names = {}
  for _, item in ipairs(list) do
    local new, old = item:match "^([^=]+)=(.+)$"
    if not new then error(("prev_names: '%s' is not NEW=OLD"):format(item), 0) end
    names[new] = old
  end
  return names
end

--- A number, or how new rows are drawn.
local function read_backup(text)
  if tonumber(text) then return tonumber(text) end
  local kind, stddev = text:match "^([%a_]+):?(.*)$"
  if kind == "glorot_uniform" and stddev == "" then return function(shape) return gw.glorot_uniform(shape) end end
  stddev = stddev == "" and 1.0 or tonumber(stddev)
  local make = kind == "normal" and gw.random_normal or kind == "truncated_normal" and gw.truncated_normal
  if not make or not stddev then
    error(("backup: '%s' is no number, normal:STDDEV, truncated_normal:STDDEV or glorot_uniform"):format(text), 0)
  end
  return function(shape) return make(shape, { stddev = stddev }) end
end

local function vocab_settings(p)
  if #p.rows + #p.cols == 0 then
    if p.new_vocab or p.old_vocab then error("a vocabulary, but no variable that has it: -p rows=NAME, -p cols=NAME", 0) end
    return nil
  end
  if not p.new_vocab or not p.old_vocab then error("rows and cols need two vocabularies: -p new_vocab=@FILE -p old_vocab=@FILE", 0) end
  local new, old, backup, settings = gw.vocab(p.new_vocab), gw.vocab(p.old_vocab), read_backup(p.backup), {}
  for axis, names in ipairs { p.rows, p.cols } do
    local info = gw.vocab_info {
      new_vocab = new, old_vocab = old, new_vocab_size = p.new_vocab_size, old_vocab_size = p.old_vocab_size,
      num_oov_buckets = p.num_oov_buckets, backup = backup, axis = axis - 1,
    }
    for _, name in ipairs(names) do settings[name] = settings[name] and { settings[name], info } or info end
  end
  return settings
end

return {
  name = "warm_start", version = "1.0", godwit = "1",
  summary = "A model starts with another checkpoint's weights, its rows following the vocabulary",
  description = [[What tf.compat.v1.train.warm_start does to a model's variables, done to its checkpoint: the first input is a checkpoint of the
model, the second gives the values. The step and the optimizer's slots stay the model's own unless they are asked for. Variables
in `rows` and `cols` have a row or a column for each token: they follow the two vocabularies, text files with a token on each line.]],
  examples = {
    "godwit run warm_start fresh/model.ckpt-0 old/ -o out/model.ckpt-0",
    "godwit run warm_start fresh/model.ckpt-0 old/ -o out/model.ckpt-0 -p rows=embeddings,logits/bias -p cols=logits/kernel " ..
      "-p new_vocab=@new.txt -p old_vocab=@old.txt -p backup=truncated_normal:0.02",
  },
  inputs = { "model", "source" },
  params = {
    vars = { type = "string", default = ".*", help = "weights that take part: an expression, matched at the start of NAME:0" },
    variables = { type = "list", help = "instead: expressions for all variables, slots and steps too" },
    prev_names = { type = "list", default = {}, help = "what variables were called: NEW=OLD" },
    rows = { type = "list", default = {}, help = "variables with a row for each token" },
    cols = { type = "list", default = {}, help = "variables with a column for each token" },
    new_vocab = { type = "file", help = "the model's vocabulary" },
    old_vocab = { type = "file", help = "the source's vocabulary" },
    new_vocab_size = { type = "integer", help = "only so many tokens of it" },
    old_vocab_size = { type = "integer", help = "only so many tokens of it" },
    num_oov_buckets = { type = "integer", default = 0, help = "rows or columns behind the new vocabulary's" },
    backup = { type = "string", default = "0", help = "what new tokens start with: a number, normal:STDDEV, truncated_normal:STDDEV, glorot_uniform" },
    with_slots = { type = "boolean", default = false, help = "true starts the optimizer's slots and moving averages along" },
    optional = { type = "boolean", default = false, help = "true keeps the model's value where the source has none" },
  },
  run = function(model, p, inputs)
    print(model:warm_start(inputs.source, {
      vars = p.variables or p.vars, prev_names = read_names(p.prev_names), vocab = vocab_settings(p), with_slots = p.with_slots,
      optional = p.optional,
    }))
  end,
  tests = { {
    name = "weights move, the step and slots stay",
    input = function()
      return gw.variables { w = gw.zeros { 2 }, ["w/Adam"] = gw.zeros { 2 }, global_step = gw.scalar(0, "int64") },
        gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Adam"] = gw.tensor { 3.0, 4.0 }, global_step = gw.scalar(9, "int64") }
    end,
    output = function() return gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Adam"] = gw.zeros { 2 }, global_step = gw.scalar(0, "int64") } end,
    prints = "1 variable started",
  }, {
    name = "slots along, when they are asked for",
    input = function()
      return gw.variables { w = gw.zeros { 2 }, ["w/Adam"] = gw.zeros { 2 } }, gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Adam"] = gw.tensor { 3.0, 4.0 } }
    end,
    params = { with_slots = true },
    output = function() return gw.variables { w = gw.tensor { 1.0, 2.0 }, ["w/Adam"] = gw.tensor { 3.0, 4.0 } } end,
  }, {
    name = "only some weights, at the start of their names",
    input = function()
      return gw.variables { ["a/w"] = gw.scalar(0.0), ["b/a/w"] = gw.scalar(0.0) }, gw.variables { ["a/w"] = gw.scalar(1.0), ["b/a/w"] = gw.scalar(2.0) }
    end,
    params = { vars = "a/" },
    output = function() return gw.variables { ["a/w"] = gw.scalar(1.0), ["b/a/w"] = gw.scalar(0.0) } end,
  }, {
    name = "a list of expressions takes the step, too",
    input = function()
      return gw.variables { w = gw.scalar(0.0), v = gw.scalar(0.0), global_step = gw.scalar(0, "int64") },
        gw.variables { w = gw.scalar(1.0), v = gw.scalar(2.0), global_step = gw.scalar(9, "int64") }
    end,
    params = { variables = { "global_step", "w" }, vars = "v" },
    output = function() return gw.variables { w = gw.scalar(1.0), v = gw.scalar(0.0), global_step = gw.scalar(9, "int64") } end,
  }, {
    name = "old names, one with = in it, two from one",
    input = function()
      return gw.variables { a = gw.scalar(0.0), b = gw.scalar(0.0), c = gw.scalar(0.0) }, gw.variables { x = gw.scalar(1.0), ["y=z"] = gw.scalar(2.0) }
    end,
    params = { prev_names = { "a=x", "b=y=z", "c=x" } },
    output = function() return gw.variables { a = gw.scalar(1.0), b = gw.scalar(2.0), c = gw.scalar(1.0) } end,
  }, {
    name = "rows and columns follow their tokens, buckets and new ones get the backup, one table has both",
    input = function()
      return gw.variables { rows = gw.zeros { 4, 1 }, cols = gw.zeros { 1, 4 }, both = gw.zeros { 4, 4 }, other = gw.zeros { 1 } },
        gw.variables { rows = gw.tensor { { 1.0 }, { 2.0 } }, cols = gw.tensor { { 3.0, 4.0 } }, both = gw.tensor { { 5.0, 6.0 }, { 7.0, 8.0 } },
          other = gw.tensor { 9.0 } }
    end,
    params = { rows = { "rows", "both" }, cols = { "cols", "both" }, new_vocab = "b\nc\na\n", old_vocab = "a\nb\n", num_oov_buckets = 1, backup = "0.5" },
    output = function()
      return gw.variables {
        rows = gw.tensor { { 2.0 }, { 0.5 }, { 1.0 }, { 0.5 } }, cols = gw.tensor { { 4.0, 0.5, 3.0, 0.5 } },
        both = gw.tensor { { 8.0, 0.5, 7.0, 0.5 }, { 0.5, 0.5, 0.5, 0.5 }, { 6.0, 0.5, 5.0, 0.5 }, { 0.5, 0.5, 0.5, 0.5 } }, other = gw.tensor { 9.0 },
      }
    end,
    prints = "new",
  }, {
    name = "without more than two vocabularies new rows are 0, and there are no buckets",
    input = function() return gw.variables { w = gw.full({ 2 }, 7.0) }, gw.variables { w = gw.tensor { 1.0, 2.0 } } end,
    params = { rows = { "w" }, new_vocab = "c\na\n", old_vocab = "a\nb\n" },
    output = function() return gw.variables { w = gw.tensor { 0.0, 1.0 } } end,
  }, {
    name = "only so many tokens of either vocabulary",
    input = function() return gw.variables { w = gw.zeros { 2 } }, gw.variables { w = gw.tensor { 1.0, 2.0, 3.0 } } end,
    params = { rows = { "w" }, new_vocab = "c\nb\nnot\n", old_vocab = "a\nb\nd\nc\n", new_vocab_size = 2, old_vocab_size = 3 },
    output = function() return gw.variables { w = gw.tensor { 0.0, 2.0 } } end,
  }, {
    name = "new rows are drawn from a normal distribution, of deviation 1 when none is given",
    input = function() return gw.variables { w = gw.zeros { 2, 99 } }, gw.variables { w = gw.full({ 1, 99 }, 1.0) } end,
    params = { rows = { "w" }, new_vocab = "a\nb\n", old_vocab = "a\n", backup = "normal" },
    output = function()
      local drawn = gw.random_normal({ 2, 99 }, { seed = 1 })
      return gw.variables { w = gw.concat({ gw.full({ 1, 99 }, 1.0), drawn:slice({ 1, 0 }, { 1, 99 }) }, 0) }
    end,
  }, {
    name = "or from a truncated one",
    input = function() return gw.variables { w = gw.zeros { 2, 2 } }, gw.variables { w = gw.tensor { { 1.0, 2.0 } } } end,
    params = { rows = { "w" }, new_vocab = "a\nb\n", old_vocab = "a\n", backup = "truncated_normal:0.02" },
    output = function()
      local drawn = gw.truncated_normal({ 2, 2 }, { seed = 1, stddev = 0.02 })
      return gw.variables { w = gw.concat({ gw.tensor { { 1.0, 2.0 } }, drawn:slice({ 1, 0 }, { 1, 2 }) }, 0) }
    end,
  }, {
    name = "or as Glorot has them",
    input = function() return gw.variables { w = gw.zeros { 2, 2 } }, gw.variables { w = gw.tensor { { 1.0, 2.0 } } } end,
    params = { rows = { "w" }, new_vocab = "a\nb\n", old_vocab = "a\n", backup = "glorot_uniform" },
    output = function()
      local drawn = gw.glorot_uniform({ 2, 2 }, { seed = 1 })
      return gw.variables { w = gw.concat({ gw.tensor { { 1.0, 2.0 } }, drawn:slice({ 1, 0 }, { 1, 2 }) }, 0) }
    end,
  }, {
    name = "Glorot's distribution has no deviation to give",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { rows = { "w" }, new_vocab = "a\n", old_vocab = "a\n", backup = "glorot_uniform:2" },
    fails = "backup: 'glorot_uniform:2' is no number, normal:STDDEV, truncated_normal:STDDEV or glorot_uniform",
  }, {
    name = "a deviation is a number",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { rows = { "w" }, new_vocab = "a\n", old_vocab = "a\n", backup = "normal:wide" },
    fails = "backup: 'normal:wide' is no number",
  }, {
    name = "what the source lacks is a mistake",
    input = function() return gw.variables { w = gw.zeros { 1 }, v = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    fails = "v",
  }, {
    name = "unless it may",
    input = function() return gw.variables { w = gw.zeros { 1 }, v = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { optional = true },
    output = function() return gw.variables { w = gw.tensor { 1.0 }, v = gw.zeros { 1 } } end,
  }, {
    name = "an old name that is none",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { prev_names = { "w" } },
    fails = "prev_names: 'w' is not NEW=OLD",
  }, {
    name = "a vocabulary that nobody has",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { new_vocab = "a\n" },
    fails = "a vocabulary, but no variable that has it: -p rows=NAME, -p cols=NAME",
  }, {
    name = "an old vocabulary that nobody has",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { old_vocab = "a\n" },
    fails = "a vocabulary, but no variable that has it",
  }, {
    name = "rows without the old vocabulary",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { rows = { "w" }, new_vocab = "a\n" },
    fails = "rows and cols need two vocabularies: -p new_vocab=@FILE -p old_vocab=@FILE",
  }, {
    name = "columns without the new one",
    input = function() return gw.variables { w = gw.zeros { 1 } }, gw.variables { w = gw.tensor { 1.0 } } end,
    params = { cols = { "w" }, old_vocab = "a\n" },
    fails = "rows and cols need two vocabularies",
  } },
}

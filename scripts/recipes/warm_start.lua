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
    name = "weights move, the step stays",
    input = function()
      return gw.variables { w = gw.zeros { 2 }, global_step = gw.scalar(0, "int64") },
        gw.variables { w = gw.tensor { 1.0, 2.0 }, global_step = gw.scalar(9, "int64") }
    end,
    expect = function(out) assert(out.vars.w:value()[2] == 2 and out.vars.global_step:value() == 0) end,
  } },
}

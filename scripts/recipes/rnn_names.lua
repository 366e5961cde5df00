-- What TensorFlow 1.2 calls the variables of its RNN cells. From 1.0 and 1.1: tensorflow/contrib/rnn/python/tools/
-- checkpoint_convert.py of 1.x, whose names may have anything before them (a cell's own scope, my_lstm_cell) and a slot behind
-- them. From 0.12 and before: tensorflow/python/ops/rnn_cell.py of 0.12, where scopes are called as classes.

local LEAF = { weights = "kernel", biases = "bias", recurrent_weights = "recurrent_kernel", Matrix = "kernel", Bias = "bias" }

local CELLS = {
  "basic_rnn_cell", "gru_cell", "gru_cell/gates", "gru_cell/candidate", "basic_lstm_cell", "lstm_cell", "lstm_cell/projection",
  "output_projection_wrapper", "input_projection_wrapper", "lstm_block_wrapper", "layer_norm_basic_lstm_cell", "ugrnn_cell", "nas_rnn",
  "intersection_rnn_cell", "intersection_rnn_cell/in_projection", "phased_lstm_cell/mask_gates", "phased_lstm_cell/new_input",
  "phased_lstm_cell/output_gate", "attention_cell_wrapper", "attention_cell_wrapper/attn_output_projection",
  "attention_cell_wrapper/attention", "attention_decoder", "attention_decoder/Attention_0", "attention_decoder/AttnOutputProjection",
}
local SNAKE = "^(.*(?:" .. table.concat(CELLS, "|") .. "))/(weights|biases|recurrent_weights)(/.*)?$"

local CLASSES = {
  BasicRNNCell = "basic_rnn_cell", BasicLSTMCell = "basic_lstm_cell", ["GRUCell/Gates"] = "gru_cell/gates",
  ["GRUCell/Candidate"] = "gru_cell/candidate", OutputProjectionWrapper = "output_projection_wrapper",
  InputProjectionWrapper = "input_projection_wrapper",
}
local LINEAR = "^(.*?)(BasicRNNCell|BasicLSTMCell|GRUCell/Gates|GRUCell/Candidate|OutputProjectionWrapper|InputProjectionWrapper)"
  .. "/Linear/(Matrix|Bias)(/.*)?$"
local LSTM = [[^(|.*/)LSTMCell/(B|W_[FIO]_diag|W_P_\d+|W_\d+)(/.*)?$]]

--- Scopes above a cell of 0.12: MultiRNNCell/Cell0 and those of the functions in rnn.py.
local function scopes(path)
  path = gw.sub(path, [[(^|/)MultiRNNCell/Cell(\d+)/]], "$1multi_rnn_cell/cell_$2/")
  path = gw.sub(path, "(^|/)BiRNN/FW/", "$1bidirectional_rnn/fw/")
  path = gw.sub(path, "(^|/)BiRNN/BW/", "$1bidirectional_rnn/bw/")
  return (gw.sub(path, "(^|/)RNN/", "$1rnn/"))
end

--- The name that TensorFlow 1.2 gives, and for a part of a sharded matrix its number; nil for what is of no cell.
local function renamed(name)
  local above, cell, leaf, slot = gw.match(name, LINEAR)
  if above then return ("%s%s/%s%s"):format(scopes(above), CLASSES[cell], LEAF[leaf], slot or "") end
  above, leaf, slot = gw.match(name, LSTM)
  if above then
    local stem, part = leaf:match "^(W_?P?)_(%d+)$"
    if stem then
      leaf = stem == "W" and "kernel" or "projection/kernel"
    else
      leaf = leaf == "B" and "bias" or leaf:lower() -- w_f_diag
    end
    return ("%slstm_cell/%s%s"):format(scopes(above), leaf, slot or ""), math.tointeger(tonumber(part))
  end
  above, leaf, slot = gw.match(name, SNAKE)
  if above then return ("%s/%s%s"):format(above, LEAF[leaf], slot or "") end
  return nil
end

return {
  name = "rnn_names", version = "1.0", godwit = "1",
  summary = "Variables of RNN cells get the names that TensorFlow has for them since 1.2",
  description = [[weights and biases of RNN cells (TensorFlow 1.0 and 1.1) become kernel and bias; the names of 0.12 (BasicLSTMCell/Linear/Matrix,
MultiRNNCell/Cell0, LSTMCell/W_0) do too, and the parts of a sharded LSTMCell matrix become one. Slots follow their variables.
Values stay: the order of the gates (i, j, f, o) is the same in all versions. The names are those of TensorFlow's own
checkpoint_convert.py.]],
  examples = { "godwit run rnn_names old/model.ckpt-1000 -o new/model.ckpt-1000" },
  inputs = { "checkpoint" },
  detect = function(ckpt)
    if ckpt.kind ~= "variables" then return false end
    for name in ckpt:each() do
      if renamed(name) then return true, ("%s is of an RNN cell before TensorFlow 1.2"):format(name) end
    end
    return false
  end,
  run = function(ckpt)
    if ckpt.kind ~= "variables" then error(("%s is object-based: names like these are TF1's"):format(ckpt.path), 0) end
    local names, shards, count = {}, {}, 0
    for name in ckpt:each() do
      local new, part = renamed(name)
      if new then count = count + 1 end
      if part then
        shards[new] = shards[new] or {}
        if shards[new][part] then error(("%s and %s would both be part %d of %s"):format(shards[new][part], name, part, new), 0) end
        shards[new][part] = name
      elseif new then
        names[name] = new
      end
    end
    if count == 0 then error(("%s has no variable that is called as in an RNN cell before TensorFlow 1.2"):format(ckpt.path), 0) end
    for new, parts in pairs(shards) do
      local list, total = {}, 0
      for _ in pairs(parts) do total = total + 1 end
      for part = 0, total - 1 do
        local name = parts[part] or error(("part %d of %s is missing"):format(part, new), 0)
        list[part + 1] = ckpt.vars[name]
      end
      if total == 1 then
        names[parts[0]] = new
      else
        if ckpt:has(new) then error(("%s has \"%s\" already"):format(ckpt.path, new), 0) end
        for part = 0, total - 1 do ckpt.vars[parts[part]] = nil end
        ckpt.vars[new] = gw.concat(list, 0)
      end
    end
    if next(names) then ckpt:rename(names) end
  end,
  tests = { {
    name = "1.0",
    input = function()
      return gw.variables { ["rnn/lstm_cell/weights"] = gw.zeros { 2 }, ["rnn/lstm_cell/biases/Adam"] = gw.scalar(1.0), ["dense/weights"] = gw.scalar(2.0) }
    end,
    expect = function(out) assert(out:has "rnn/lstm_cell/kernel" and out:has "rnn/lstm_cell/bias/Adam" and out:has "dense/weights") end,
  }, {
    name = "0.12",
    input = function() return gw.variables { ["RNN/MultiRNNCell/Cell1/BasicLSTMCell/Linear/Matrix"] = gw.scalar(1.0) } end,
    expect = function(out) assert(#out == 1 and out:has "rnn/multi_rnn_cell/cell_1/basic_lstm_cell/kernel") end,
  }, {
    name = "nothing of an RNN",
    input = function() return gw.variables { ["dense/weights"] = gw.scalar(1.0) } end,
    fails = "no variable that is called as in an RNN cell",
  } },
}

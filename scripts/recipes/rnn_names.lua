-- What TensorFlow 1.2 calls the variables of its RNN cells. From 1.0 and 1.1: tensorflow/contrib/rnn/python/tools/
-- checkpoint_convert.py of 1.x, whose names may have anything before them (a cell's own scope, my_lstm_cell) and a slot behind
-- them. From 0.12 and before: tensorflow/python/ops/rnn_cell.py of 0.12, where scopes are called as classes.

local LEAF = { weights = "kernel", biases = "bias", recurrent_weights = "recurrent_kernel", Matrix = "kernel", Bias = "bias" }

local CELLS = [[
  basic_rnn_cell gru_cell gru_cell/gates gru_cell/candidate basic_lstm_cell lstm_cell lstm_cell/projection output_projection_wrapper
  input_projection_wrapper lstm_block_wrapper layer_norm_basic_lstm_cell ugrnn_cell nas_rnn intersection_rnn_cell
  intersection_rnn_cell/in_projection phased_lstm_cell/mask_gates phased_lstm_cell/new_input phased_lstm_cell/output_gate
  attention_cell_wrapper attention_cell_wrapper/attn_output_projection attention_cell_wrapper/attention attention_decoder
  attention_decoder/Attention_0 attention_decoder/AttnOutputProjection]]
local SNAKE = "^(.*(?:" .. CELLS:match("%S.*"):gsub("%s+", "|") .. "))/(weights|biases|recurrent_weights)(/.*)?$"

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
    local names, shards, any = {}, {}, false
    for name in ckpt:each() do
      local new, part = renamed(name)
      any = any or new
      if part then
        shards[new] = shards[new] or {}
        if shards[new][part] then error(("%s and %s would both be part %d of %s"):format(shards[new][part], name, part, new), 0) end
        shards[new][part] = name
      elseif new then
        names[name] = new
      end
    end
    if not any then error(("%s has no variable that is called as in an RNN cell before TensorFlow 1.2"):format(ckpt.path), 0) end
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
      return gw.variables {
        ["rnn/basic_rnn_cell/weights"] = gw.scalar(1.0), ["rnn/gru_cell/gates/biases/Adam_1"] = gw.scalar(2.0), ["my_lstm_cell/weights"] = gw.scalar(3.0),
        ["rnn/lstm_cell/projection/weights"] = gw.scalar(4.0), ["nas_rnn/recurrent_weights"] = gw.scalar(5.0), ["dense/weights"] = gw.scalar(6.0),
        ["lstm_cells/weights"] = gw.scalar(7.0), ["lstm_cell/weights_of_mine"] = gw.scalar(8.0), ["rnn/lstm_cell/w_f_diag"] = gw.scalar(9.0),
      }
    end,
    output = function()
      return gw.variables {
        ["rnn/basic_rnn_cell/kernel"] = gw.scalar(1.0), ["rnn/gru_cell/gates/bias/Adam_1"] = gw.scalar(2.0), ["my_lstm_cell/kernel"] = gw.scalar(3.0),
        ["rnn/lstm_cell/projection/kernel"] = gw.scalar(4.0), ["nas_rnn/recurrent_kernel"] = gw.scalar(5.0), ["dense/weights"] = gw.scalar(6.0),
        ["lstm_cells/weights"] = gw.scalar(7.0), ["lstm_cell/weights_of_mine"] = gw.scalar(8.0), ["rnn/lstm_cell/w_f_diag"] = gw.scalar(9.0),
      }
    end,
    plan = { renamed = 5, unchanged = 4 },
    detects = "is of an RNN cell before TensorFlow 1.2",
  }, {
    name = "every cell of checkpoint_convert.py",
    input = function()
      local vars = {}
      for _, cell in ipairs { "basic_rnn_cell", "gru_cell", "gru_cell/gates", "gru_cell/candidate", "basic_lstm_cell", "lstm_cell", "lstm_cell/projection",
        "output_projection_wrapper", "input_projection_wrapper", "lstm_block_wrapper", "layer_norm_basic_lstm_cell", "ugrnn_cell", "nas_rnn",
        "intersection_rnn_cell", "intersection_rnn_cell/in_projection", "phased_lstm_cell/mask_gates", "phased_lstm_cell/new_input",
        "phased_lstm_cell/output_gate", "attention_cell_wrapper", "attention_cell_wrapper/attn_output_projection", "attention_cell_wrapper/attention",
        "attention_decoder", "attention_decoder/Attention_0", "attention_decoder/AttnOutputProjection" } do
        vars[cell .. "/weights"] = gw.scalar(1.0)
      end
      return gw.variables(vars)
    end,
    expect = function(out)
      for name in out:each() do assert(gw.match(name, "/kernel$"), name) end
    end,
    plan = { renamed = 24 },
  }, {
    name = "0.12",
    input = function()
      return gw.variables {
        ["RNN/MultiRNNCell/Cell12/BasicLSTMCell/Linear/Matrix"] = gw.scalar(1.0), ["RNN/MultiRNNCell/Cell0/GRUCell/Gates/Linear/Bias"] = gw.scalar(2.0),
        ["lstm/GRUCell/Candidate/Linear/Bias/Adagrad"] = gw.scalar(3.0), ["BiRNN/FW/LSTMCell/B"] = gw.scalar(4.0),
        ["BiRNN/BW/LSTMCell/W_P_0"] = gw.scalar(5.0), ["BiRNN/BW/LSTMCell/W_F_diag/Adam"] = gw.scalar(6.0), ["LSTMCell/W_O_diag"] = gw.scalar(7.0),
        ["BasicRNNCell/Linear/Matrix"] = gw.scalar(8.0), ["OutputProjectionWrapper/Linear/Bias"] = gw.scalar(9.0),
        ["InputProjectionWrapper/Linear/Bias"] = gw.scalar(10.0), ["LSTMCell/W_0/Adam"] = gw.scalar(11.0), ["LSTMCell/W_0"] = gw.scalar(12.0),
        ["MultiRNNCell/Cell3/LSTMCell/B"] = gw.scalar(13.0), ["a/BiRNN/FW/LSTMCell/W_I_diag"] = gw.scalar(14.0),
        ["a/BiRNN/BW/RNN/LSTMCell/B"] = gw.scalar(15.0), ["RNN/mine"] = gw.scalar(16.0), ["Linear/Matrix"] = gw.scalar(17.0),
      }
    end,
    output = function()
      return gw.variables {
        ["rnn/multi_rnn_cell/cell_12/basic_lstm_cell/kernel"] = gw.scalar(1.0), ["rnn/multi_rnn_cell/cell_0/gru_cell/gates/bias"] = gw.scalar(2.0),
        ["lstm/gru_cell/candidate/bias/Adagrad"] = gw.scalar(3.0), ["bidirectional_rnn/fw/lstm_cell/bias"] = gw.scalar(4.0),
        ["bidirectional_rnn/bw/lstm_cell/projection/kernel"] = gw.scalar(5.0), ["bidirectional_rnn/bw/lstm_cell/w_f_diag/Adam"] = gw.scalar(6.0),
        ["lstm_cell/w_o_diag"] = gw.scalar(7.0), ["basic_rnn_cell/kernel"] = gw.scalar(8.0), ["output_projection_wrapper/bias"] = gw.scalar(9.0),
        ["input_projection_wrapper/bias"] = gw.scalar(10.0), ["lstm_cell/kernel/Adam"] = gw.scalar(11.0), ["lstm_cell/kernel"] = gw.scalar(12.0),
        ["multi_rnn_cell/cell_3/lstm_cell/bias"] = gw.scalar(13.0), ["a/bidirectional_rnn/fw/lstm_cell/w_i_diag"] = gw.scalar(14.0),
        ["a/bidirectional_rnn/bw/rnn/lstm_cell/bias"] = gw.scalar(15.0), ["RNN/mine"] = gw.scalar(16.0), ["Linear/Matrix"] = gw.scalar(17.0),
      }
    end,
    detects = "is of an RNN cell before TensorFlow 1.2",
  }, {
    name = "the parts of a sharded matrix become one, in the order of their numbers; slots too",
    input = function()
      local vars = { ["RNN/LSTMCell/B"] = gw.zeros { 4 } }
      for part = 0, 10 do
        vars["RNN/LSTMCell/W_" .. part] = gw.full({ 1, 4 }, part, "float32")
        vars["RNN/LSTMCell/W_" .. part .. "/Adam"] = gw.full({ 1, 4 }, -part, "float32")
      end
      return gw.variables(vars)
    end,
    expect = function(out)
      assert(#out == 3 and out:has "rnn/lstm_cell/bias")
      for name, sign in pairs { ["rnn/lstm_cell/kernel"] = 1, ["rnn/lstm_cell/kernel/Adam"] = -1 } do
        for i, row in ipairs(out.vars[name]:value()) do assert(row[1] == sign * (i - 1), name) end
        assert(out.vars[name].shape == { 11, 4 }, name)
      end
    end,
  }, {
    name = "a sharded matrix alone",
    input = function() return gw.variables { ["LSTMCell/W_0"] = gw.tensor { 1.0 }, ["LSTMCell/W_1"] = gw.tensor { 2.0 } } end,
    output = function() return gw.variables { ["lstm_cell/kernel"] = gw.tensor { 1.0, 2.0 } } end,
  }, {
    name = "a part that is missing",
    input = function() return gw.variables { ["LSTMCell/W_0"] = gw.zeros { 1 }, ["LSTMCell/W_2"] = gw.zeros { 1 } } end,
    fails = "part 1 of lstm_cell/kernel is missing",
  }, {
    name = "two of a part",
    input = function() return gw.variables { ["RNN/LSTMCell/W_0"] = gw.zeros { 1 }, ["rnn/LSTMCell/W_0"] = gw.zeros { 1 } } end,
    fails = "would both be part 0 of rnn/lstm_cell/kernel",
  }, {
    name = "both names at once",
    input = function() return gw.variables { ["lstm_cell/kernel"] = gw.zeros { 1 }, ["lstm_cell/weights"] = gw.zeros { 1 } } end,
    fails = "lstm_cell/kernel",
  }, {
    name = "both names at once, sharded",
    input = function()
      return gw.variables { ["lstm_cell/kernel"] = gw.zeros { 1 }, ["LSTMCell/W_0"] = gw.zeros { 1 }, ["LSTMCell/W_1"] = gw.zeros { 1 } }
    end,
    fails = "has \"lstm_cell/kernel\" already",
  }, {
    name = "nothing of an RNN, or of TensorFlow 1.2",
    input = function() return gw.variables { ["dense/weights"] = gw.scalar(1.0), ["rnn/lstm_cell/kernel"] = gw.scalar(1.0) } end,
    fails = "no variable that is called as in an RNN cell",
    detects = false,
  }, {
    name = "an object-based checkpoint",
    input = function() return gw.objects { ["lstm_cell/weights"] = gw.scalar(1.0), lstm_cell = { weights = gw.scalar(1.0) } } end,
    fails = "is object-based: names like these are TF1's",
    detects = false,
  } },
}

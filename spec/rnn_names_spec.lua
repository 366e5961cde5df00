-- The recipe rnn_names, on checkpoints with the names that the cells of TensorFlow 0.12, 1.0 and 1.2 have.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder
before_each(function() folder = scratch.folder() end)

--- Saves variables, each with another value, runs the recipe, and gives it and what it said.
local function run(vars)
  gw.variables(vars):save(folder .. "/in")
  local _, err, status = program.run("run", "rnn_names", folder .. "/in", "-o", folder .. "/out")
  return status == 0 and gw.open(folder .. "/out") or nil, err, status
end

--- old -> new, one pair a line; what stays is there once.
local CASES = {
  ["1.0"] = [[
rnn/basic_rnn_cell/weights rnn/basic_rnn_cell/kernel
rnn/basic_rnn_cell/biases rnn/basic_rnn_cell/bias
rnn/gru_cell/gates/weights rnn/gru_cell/gates/kernel
rnn/gru_cell/gates/biases/Adam_1 rnn/gru_cell/gates/bias/Adam_1
gru_cell/candidate/weights gru_cell/candidate/kernel
gru_cell/weights gru_cell/kernel
rnn/multi_rnn_cell/cell_0/basic_lstm_cell/weights rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel
rnn/multi_rnn_cell/cell_0/basic_lstm_cell/biases/ExponentialMovingAverage rnn/multi_rnn_cell/cell_0/basic_lstm_cell/bias/ExponentialMovingAverage
my_lstm_cell/weights my_lstm_cell/kernel
rnn/lstm_cell/w_f_diag
rnn/lstm_cell/projection/weights rnn/lstm_cell/projection/kernel
nas_rnn/recurrent_weights nas_rnn/recurrent_kernel
nas_rnn/weights nas_rnn/kernel
attention_decoder/Attention_0/weights attention_decoder/Attention_0/kernel
attention_decoder/AttnOutputProjection/biases attention_decoder/AttnOutputProjection/bias
phased_lstm_cell/mask_gates/weights phased_lstm_cell/mask_gates/kernel
softmax/weights
lstm_cells/weights
lstm_cell/weights_of_mine
global_step]],
  ["0.12"] = [[
RNN/BasicLSTMCell/Linear/Matrix rnn/basic_lstm_cell/kernel
RNN/BasicLSTMCell/Linear/Bias/Adagrad rnn/basic_lstm_cell/bias/Adagrad
lstm/BasicLSTMCell/Linear/Matrix lstm/basic_lstm_cell/kernel
RNN/MultiRNNCell/Cell0/GRUCell/Gates/Linear/Matrix rnn/multi_rnn_cell/cell_0/gru_cell/gates/kernel
RNN/MultiRNNCell/Cell12/GRUCell/Candidate/Linear/Bias rnn/multi_rnn_cell/cell_12/gru_cell/candidate/bias
BiRNN/FW/LSTMCell/W_0 bidirectional_rnn/fw/lstm_cell/kernel
BiRNN/FW/LSTMCell/B bidirectional_rnn/fw/lstm_cell/bias
BiRNN/BW/LSTMCell/W_P_0 bidirectional_rnn/bw/lstm_cell/projection/kernel
BiRNN/BW/LSTMCell/W_F_diag/Adam bidirectional_rnn/bw/lstm_cell/w_f_diag/Adam
LSTMCell/W_O_diag lstm_cell/w_o_diag
OutputProjectionWrapper/Linear/Bias output_projection_wrapper/bias
BasicRNNCell/Linear/Matrix basic_rnn_cell/kernel
RNN/mine
Linear/Matrix]],
}

describe("rnn_names", function()
  for version, text in pairs(CASES) do
    it("knows the names of TensorFlow " .. version, function()
      local vars, expected, count = {}, {}, 0
      for line in text:gmatch "[^\n]+" do
        local old, new = line:match "^(%S+) ?(%S*)$"
        count = count + 1
        vars[old] = gw.scalar(count)
        expected[new ~= "" and new or old] = count
      end
      local out, err = run(vars)
      assert.is_truthy(out, err)
      local found = {}
      for name, tensor in out:each() do found[name] = tensor:value() end
      assert.same(expected, found)
    end)
  end

  it("makes one matrix of a sharded one, in the order of the parts, slots too", function()
    local vars = { ["RNN/LSTMCell/B"] = gw.zeros { 4 } }
    for part = 0, 10 do
      vars["RNN/LSTMCell/W_" .. part] = gw.full({ 1, 4 }, part, "float32")
      vars["RNN/LSTMCell/W_" .. part .. "/Adam"] = gw.full({ 1, 4 }, -part, "float32")
    end
    local out, err = run(vars)
    assert.is_truthy(out, err)
    assert.equal(3, #out)
    for name, sign in pairs { ["rnn/lstm_cell/kernel"] = 1, ["rnn/lstm_cell/kernel/Adam"] = -1 } do
      for i, row in ipairs(out.vars[name]:value()) do assert.equal(sign * (i - 1), row[1]) end
      assert.is_true(out.vars[name].shape == { 11, 4 })
    end
  end)

  for what, case in pairs {
    ["a part that is missing"] = { { ["LSTMCell/W_0"] = gw.zeros { 1 }, ["LSTMCell/W_2"] = gw.zeros { 1 } }, "part 1 of lstm_cell/kernel is missing" },
    ["names of 1.2"] = { { ["rnn/lstm_cell/kernel"] = gw.zeros { 1 } }, "/in has no variable that is called as in an RNN cell before TensorFlow 1.2" },
    ["both names at once"] = { { ["lstm_cell/kernel"] = gw.zeros { 1 }, ["lstm_cell/weights"] = gw.zeros { 1 } }, "lstm_cell/kernel" },
    ["two of a part"] = { { ["RNN/LSTMCell/W_0"] = gw.zeros { 1 }, ["rnn/LSTMCell/W_0"] = gw.zeros { 1 } }, "would both be part 0 of rnn/lstm_cell/kernel" },
    ["both names at once, sharded"] = {
      { ["lstm_cell/kernel"] = gw.zeros { 1 }, ["LSTMCell/W_0"] = gw.zeros { 1 }, ["LSTMCell/W_1"] = gw.zeros { 1 } }, "/in has \"lstm_cell/kernel\" already",
    },
  } do
    it("refuses " .. what, function()
      local _, err, status = run(case[1])
      assert.equal(3, status)
      assert.matches(case[2], err, 1, true)
    end)
  end

  it("refuses object-based checkpoints", function()
    local _, err, status = program.run("run", "rnn_names", scratch.GUIDE .. "tf2-lists-1", "-o", folder .. "/out")
    assert.equal(3, status)
    assert.matches("is object-based: names like these are TF1's", err, 1, true)
  end)
end)

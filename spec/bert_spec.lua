-- The recipe bert_tf1_to_tf2, its values written out by hand; the Model Garden's own encoder judges in
-- spec/tensorflow/bert_test.py.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local BERT = "examples/data/bert-tiny.ckpt-20"
local VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"

local folder
before_each(function() folder = scratch.folder() end)

local function run(input, ...)
  local _, err, status = program.run("run", "bert_tf1_to_tf2", input, "-o", folder .. "/out", ...)
  return status == 0 and gw.open(folder .. "/out") or nil, err, status
end

local function refused(expected, input, ...)
  local _, err, status = run(input, ...)
  assert.equal(3, status, err)
  assert.equal("godwit: " .. expected .. "\n", err)
end

--- The example's BERT with the head that it lacks, or without some variables.
local function bert(change)
  local ckpt = gw.open(BERT)
  ckpt:keep_only { role = "weight" }
  local hidden = ckpt.vars["bert/pooler/dense/bias"]:dim(0)
  for name, shape in pairs { ["dense/kernel"] = { hidden, hidden }, ["dense/bias"] = { hidden }, ["LayerNorm/gamma"] = { hidden },
    ["LayerNorm/beta"] = { hidden } } do
    ckpt.vars["cls/predictions/transform/" .. name] = gw.random_uniform(shape, { seed = #name })
  end
  if change then change(ckpt) end
  ckpt:save(folder .. "/bert", { force = true })
  return folder .. "/bert"
end

-- Every path below the encoder and the variable that it comes from; N is the layer.
local PATHS = {
  ["_embedding_layer/embeddings"] = "embeddings/word_embeddings", ["_position_embedding_layer/embeddings"] = "embeddings/position_embeddings",
  ["_type_embedding_layer/embeddings"] = "embeddings/token_type_embeddings", ["_embedding_norm_layer/gamma"] = "embeddings/LayerNorm/gamma",
  ["_embedding_norm_layer/beta"] = "embeddings/LayerNorm/beta", ["_pooler_layer/kernel"] = "pooler/dense/kernel",
  ["_pooler_layer/bias"] = "pooler/dense/bias",
}
local IN_LAYER = {
  ["_attention_layer/_query_dense/kernel"] = "attention/self/query/kernel", ["_attention_layer/_query_dense/bias"] = "attention/self/query/bias",
  ["_attention_layer/_key_dense/kernel"] = "attention/self/key/kernel", ["_attention_layer/_key_dense/bias"] = "attention/self/key/bias",
  ["_attention_layer/_value_dense/kernel"] = "attention/self/value/kernel", ["_attention_layer/_value_dense/bias"] = "attention/self/value/bias",
  ["_attention_layer/_output_dense/kernel"] = "attention/output/dense/kernel", ["_attention_layer/_output_dense/bias"] = "attention/output/dense/bias",
  ["_attention_layer_norm/gamma"] = "attention/output/LayerNorm/gamma", ["_attention_layer_norm/beta"] = "attention/output/LayerNorm/beta",
  ["_intermediate_dense/kernel"] = "intermediate/dense/kernel", ["_intermediate_dense/bias"] = "intermediate/dense/bias",
  ["_output_dense/kernel"] = "output/dense/kernel", ["_output_dense/bias"] = "output/dense/bias",
  ["_output_layer_norm/gamma"] = "output/LayerNorm/gamma", ["_output_layer_norm/beta"] = "output/LayerNorm/beta",
}
for path, name in pairs(IN_LAYER) do
  for layer = 0, 1 do PATHS[("_transformer_layers/%d/%s"):format(layer, path)] = ("encoder/layer_%d/%s"):format(layer, name) end
end

describe("bert_tf1_to_tf2", function()
  for _, heads in ipairs { 1, 2 } do
    it(("gives every variable its path and shape, with %d heads"):format(heads), function()
      local before = gw.open(BERT)
      local out, err = run(BERT, "-p", "heads=" .. heads)
      assert.is_truthy(out, err)
      local count = 0
      for path, name in pairs(PATHS) do
        local old = before.vars["bert/" .. name]
        local new = old
        local hidden = before.vars["bert/pooler/dense/bias"]:dim(0)
        if path:find "_query_dense/kernel" or path:find "_key_dense/kernel" or path:find "_value_dense/kernel" then
          new = old:reshape { hidden, heads, hidden // heads }
        elseif path:find "_query_dense/bias" or path:find "_key_dense/bias" or path:find "_value_dense/bias" then
          new = old:reshape { heads, hidden // heads }
        elseif path:find "_attention_layer/_output_dense/kernel" then
          new = old:reshape { heads, hidden // heads, hidden }
        end
        assert.is_true(out.vars["model/" .. path .. VALUE]:equal(new), path)
        count = count + 1
      end
      assert.equal(count + 1, #out) -- and save_counter
      assert.equal("transformer/layer_1/self_attention/query/kernel",
        gw.graph.full_name(out.root.model._transformer_layers["1"]._attention_layer._query_dense.kernel))
      assert.equal("left out: 80 slots and averages\nleft out: cls/predictions/output_bias, global_step\n", err)
    end)
  end

  it("splits columns into heads in their order", function()
    local out = run(bert(function(ckpt)
      local rows = {}
      local hidden = ckpt.vars["bert/pooler/dense/bias"]:dim(0)
      for row = 1, hidden do
        rows[row] = {}
        for column = 1, hidden do rows[row][column] = row * 100.0 + column end
      end
      ckpt.vars["bert/encoder/layer_0/attention/self/query/kernel"] = gw.tensor(rows)
      ckpt.vars["bert/encoder/layer_0/attention/output/dense/kernel"] = gw.tensor(rows)
    end), "-p", "heads=2")
    local attention = out.root.model._transformer_layers["0"]._attention_layer
    local query, output = gw.graph.tensor(attention._query_dense.kernel), gw.graph.tensor(attention._output_dense.kernel)
    local size = query:dim(2)
    assert.equal(300.0 + size + 1, query:value()[3][2][1]) -- row 3, the second head's first column
    assert.equal((size + 1) * 100.0 + 3, output:value()[2][1][3]) -- the second head's first row, column 3
  end)

  it("takes the masked language model along, with its shared embeddings", function()
    local input = bert()
    local out, err = run(input, "-p", "heads=2", "-p", "masked_lm=true", "-p", "container=encoder", "-p", "save_counter=false")
    assert.is_truthy(out, err)
    local before, head = gw.open(input), out.root.masked_lm
    assert.is_true(head.embedding_table == out.root.encoder._embedding_layer.embeddings)
    assert.is_true(head.bias == head["output_bias/bias"])
    for path, name in pairs { ["dense/kernel"] = "transform/dense/kernel", ["dense/bias"] = "transform/dense/bias", bias = "output_bias",
      ["layer_norm/gamma"] = "transform/LayerNorm/gamma", ["layer_norm/beta"] = "transform/LayerNorm/beta" } do
      assert.is_true(gw.graph.tensor(gw.graph.find(head, path)):equal(before.vars["cls/predictions/" .. name]), path)
    end
    assert.is_false(gw.graph.has(out.root, "save_counter"))
  end)

  it("finds the encoder in another scope, and makes it the root", function()
    local out, err = run(bert(function(ckpt) ckpt:rename_scope("bert/", "text/bert/") end), "-p", "heads=2", "-p", "scope=text/bert/", "-p", "container=")
    assert.is_truthy(out, err)
    assert.is_true(out:has("_pooler_layer/kernel" .. VALUE))
  end)

  it("refuses what is no BERT, or not whole", function()
    refused("heads=3: bert/encoder/layer_0/attention/self/query/kernel has 4 units, which is no multiple of it", BERT, "-p", "heads=3")
    refused("heads is at least 1, not 0", BERT, "-p", "heads=0")
    refused("the scope 'bert' does not end in '/'", BERT, "-p", "heads=2", "-p", "scope=bert")
    refused(scratch.DIGITS .. " has no bert/encoder/layer_0: see -p scope", scratch.DIGITS, "-p", "heads=2")
    local path = folder .. "/bert"
    refused(path .. " has no bert/pooler/dense/kernel", bert(function(ckpt) ckpt.vars["bert/pooler/dense/kernel"] = nil end), "-p", "heads=2")
    refused(path .. " has layer_1, and only 1 of the 2 layers up to it", bert(function(ckpt) ckpt:drop "layer_0/" end), "-p", "heads=2")
    refused("\"bert/encoder/embedding_hidden_mapping_in/kernel\" has no place in BertEncoder: is " .. path .. " a BERT as google-research/bert saves it?",
      bert(function(ckpt) ckpt.vars["bert/encoder/embedding_hidden_mapping_in/kernel"] = gw.zeros { 2, 2 } end), "-p", "heads=2")
    refused("bert/pooler/dense/bias is float32[2,2], and BERT's has 1 axes",
      bert(function(ckpt) ckpt.vars["bert/pooler/dense/bias"] = gw.zeros { 2, 2 } end), "-p", "heads=2")
    refused("the container cannot be called masked_lm when that head comes along", bert(), "-p", "heads=2", "-p", "masked_lm=true", "-p",
      "container=masked_lm")
    refused(scratch.GUIDE .. "tf2-lists-1 is object-based already", scratch.GUIDE .. "tf2-lists-1", "-p", "heads=2")
  end)
end)

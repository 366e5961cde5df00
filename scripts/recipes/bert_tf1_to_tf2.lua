-- What google-research/bert saves, as the encoder of the TensorFlow Model Garden (official/nlp/modeling/networks/bert_encoder.py,
-- layers/transformer_encoder_block.py and layers/masked_lm.py) has it. Which belongs to which, and the shapes:
-- official/nlp/tools/tf1_bert_checkpoint_converter_lib.py.
--
--   attention/self/query/kernel    [hidden, hidden]  ->  [hidden, heads, size]     size = hidden / heads
--   attention/self/query/bias      [hidden]          ->  [heads, size]
--   attention/output/dense/kernel  [hidden, hidden]  ->  [heads, size, hidden]
--   all else                       as it is

local function fail(what, ...) error(what:format(...), 0) end

--- The first few of many, for messages.
local function some(list)
  local text = table.concat(list, ", ", 1, math.min(#list, 5))
  return #list > 5 and ("%s and %d more"):format(text, #list - 5) or text
end

--- How many layers there are: 0, 1, ... without a gap.
local function count_layers(ckpt, scope)
  local seen, count, last = {}, 0, -1
  for name in ckpt:each() do
    local number = name:sub(1, #scope) == scope and gw.match(name:sub(#scope + 1), [[^encoder/layer_(\d{1,5})/]])
    number = number and math.tointeger(tonumber(number))
    if number and not seen[number] then seen[number], count, last = true, count + 1, math.max(last, number) end
  end
  if count == 0 then fail("%s has no %sencoder/layer_0: see -p scope", ckpt.path, scope) end
  if last ~= count - 1 then fail("%s has layer_%d, and only %d of the %d layers up to it", ckpt.path, last, count, last + 1) end
  return count
end

--- Takes variables under their TF1 names, and knows in the end which were not taken.
local function taker(ckpt)
  local taken, missing = {}, {}
  --- `shape`: a function of the tensor's shape that gives the new one, or nil. `rank`: what TF1's has.
  local function take(name, rank, full_name, shape)
    local tensor = ckpt:get(name)
    if not tensor then
      missing[#missing + 1] = name
      return gw.scalar(0.0)
    end
    if tensor.rank ~= rank then fail("%s is %s%s, and BERT's has %d axes", name, tensor.dtype, tostring(tensor.shape), rank) end
    taken[name] = true
    return gw.variable(shape and tensor:reshape(shape(tensor.shape, name)) or tensor, { full_name = full_name })
  end
  return take, taken, missing
end

--- The parts of one attention head, for each of the three forms.
local function shapes_by(heads)
  local function size(whole, name)
    if whole % heads ~= 0 then fail("heads=%d: %s has %d units, which is no multiple of it", heads, name, whole) end
    return whole // heads
  end
  return {
    kernel = function(shape, name) return { shape[1], heads, size(shape[2], name) } end,
    bias = function(shape, name) return { heads, size(shape[1], name) } end,
    output = function(shape, name) return { heads, size(shape[1], name), shape[2] } end,
  }
end

local function encoder_of(take, scope, layers, heads)
  local shapes = shapes_by(heads)
  local function dense(name, new, kernel, bias)
    return { kernel = take(name .. "/kernel", 2, new .. "/kernel", kernel), bias = take(name .. "/bias", 1, new .. "/bias", bias) }
  end
  local function norm(name, new)
    return { gamma = take(name .. "/LayerNorm/gamma", 1, new .. "/gamma"), beta = take(name .. "/LayerNorm/beta", 1, new .. "/beta") }
  end
  local function embedding(name, new) return { embeddings = take(("%sembeddings/%s_embeddings"):format(scope, name), 2, new .. "/embeddings") } end

  local blocks = {}
  for i = 0, layers - 1 do
    local old, new = ("%sencoder/layer_%d/"):format(scope, i), ("transformer/layer_%d/"):format(i)
    local function head(name) return dense(old .. "attention/self/" .. name, new .. "self_attention/" .. name, shapes.kernel, shapes.bias) end
    blocks[i + 1] = {
      _attention_layer = {
        _query_dense = head "query", _key_dense = head "key", _value_dense = head "value",
        _output_dense = dense(old .. "attention/output/dense", new .. "self_attention/attention_output", shapes.output),
      },
      _attention_layer_norm = norm(old .. "attention/output", new .. "self_attention_layer_norm"),
      _intermediate_dense = dense(old .. "intermediate/dense", new .. "intermediate"),
      _output_dense = dense(old .. "output/dense", new .. "output"),
      _output_layer_norm = norm(old .. "output", new .. "output_layer_norm"),
    }
  end
  return {
    _embedding_layer = embedding("word", "word_embeddings"), _position_embedding_layer = embedding("position", "position_embedding"),
    _type_embedding_layer = embedding("token_type", "type_embeddings"), _embedding_norm_layer = norm(scope .. "embeddings", "embeddings/layer_norm"),
    _transformer_layers = blocks, _pooler_layer = dense(scope .. "pooler/dense", "pooler_transform"),
  }
end

--- The head of BertPretrainerV2, which shares the table of word embeddings.
local function masked_lm_of(take, words)
  local head, new = "cls/predictions/", "cls/predictions/"
  local bias = take(head .. "output_bias", 1, new .. "output_bias/bias")
  return {
    embedding_table = words, bias = bias, ["output_bias/bias"] = bias,
    dense = {
      kernel = take(head .. "transform/dense/kernel", 2, new .. "transform/dense/kernel"),
      bias = take(head .. "transform/dense/bias", 1, new .. "transform/dense/bias"),
    },
    layer_norm = {
      gamma = take(head .. "transform/LayerNorm/gamma", 1, new .. "transform/LayerNorm/gamma"),
      beta = take(head .. "transform/LayerNorm/beta", 1, new .. "transform/LayerNorm/beta"),
    },
  }
end

--- Says what was left behind. A weight of the encoder that has no place is of another model, and an error.
local function say_rest(ckpt, scope, taken)
  local slots, others = 0, {}
  for name in ckpt:each() do
    if not taken[name] then
      local of_encoder = name:sub(1, #scope) == scope
      if gw.match(name, "(?i)(/adam|/ExponentialMovingAverage|beta[12]_power)[^/]*$") or gw.match(name, "/lamb_[mv]$") then
        slots = slots + 1
      elseif of_encoder and scope ~= "" then
        fail("\"%s\" has no place in BertEncoder: is %s a BERT as google-research/bert saves it?", name, ckpt.path)
      else
        others[#others + 1] = name
      end
    end
  end
  if slots > 0 then print(("left out: %d slots and averages"):format(slots)) end
  if #others > 0 then print(("left out: %s"):format(some(others))) end
end

-- ---- For the tests: a BERT of one layer with two heads. Each has a variable of TF1, its shape, its place in the encoder, the
-- shape that it has there, its full name.

local TINY = [[
embeddings/word_embeddings 5,4 _embedding_layer/embeddings 5,4 word_embeddings/embeddings
embeddings/position_embeddings 3,4 _position_embedding_layer/embeddings 3,4 position_embedding/embeddings
embeddings/token_type_embeddings 2,4 _type_embedding_layer/embeddings 2,4 type_embeddings/embeddings
embeddings/LayerNorm/gamma 4 _embedding_norm_layer/gamma 4 embeddings/layer_norm/gamma
embeddings/LayerNorm/beta 4 _embedding_norm_layer/beta 4 embeddings/layer_norm/beta
encoder/layer_0/attention/self/query/kernel 4,6
  _transformer_layers/0/_attention_layer/_query_dense/kernel 4,2,3 transformer/layer_0/self_attention/query/kernel
encoder/layer_0/attention/self/query/bias 6 _transformer_layers/0/_attention_layer/_query_dense/bias 2,3 transformer/layer_0/self_attention/query/bias
encoder/layer_0/attention/self/key/kernel 4,6
  _transformer_layers/0/_attention_layer/_key_dense/kernel 4,2,3 transformer/layer_0/self_attention/key/kernel
encoder/layer_0/attention/self/key/bias 6 _transformer_layers/0/_attention_layer/_key_dense/bias 2,3 transformer/layer_0/self_attention/key/bias
encoder/layer_0/attention/self/value/kernel 4,6
  _transformer_layers/0/_attention_layer/_value_dense/kernel 4,2,3 transformer/layer_0/self_attention/value/kernel
encoder/layer_0/attention/self/value/bias 6 _transformer_layers/0/_attention_layer/_value_dense/bias 2,3 transformer/layer_0/self_attention/value/bias
encoder/layer_0/attention/output/dense/kernel 6,4
  _transformer_layers/0/_attention_layer/_output_dense/kernel 2,3,4 transformer/layer_0/self_attention/attention_output/kernel
encoder/layer_0/attention/output/dense/bias 4
  _transformer_layers/0/_attention_layer/_output_dense/bias 4 transformer/layer_0/self_attention/attention_output/bias
encoder/layer_0/attention/output/LayerNorm/gamma 4
  _transformer_layers/0/_attention_layer_norm/gamma 4 transformer/layer_0/self_attention_layer_norm/gamma
encoder/layer_0/attention/output/LayerNorm/beta 4
  _transformer_layers/0/_attention_layer_norm/beta 4 transformer/layer_0/self_attention_layer_norm/beta
encoder/layer_0/intermediate/dense/kernel 4,8 _transformer_layers/0/_intermediate_dense/kernel 4,8 transformer/layer_0/intermediate/kernel
encoder/layer_0/intermediate/dense/bias 8 _transformer_layers/0/_intermediate_dense/bias 8 transformer/layer_0/intermediate/bias
encoder/layer_0/output/dense/kernel 8,4 _transformer_layers/0/_output_dense/kernel 8,4 transformer/layer_0/output/kernel
encoder/layer_0/output/dense/bias 4 _transformer_layers/0/_output_dense/bias 4 transformer/layer_0/output/bias
encoder/layer_0/output/LayerNorm/gamma 4 _transformer_layers/0/_output_layer_norm/gamma 4 transformer/layer_0/output_layer_norm/gamma
encoder/layer_0/output/LayerNorm/beta 4 _transformer_layers/0/_output_layer_norm/beta 4 transformer/layer_0/output_layer_norm/beta
pooler/dense/kernel 4,4 _pooler_layer/kernel 4,4 pooler_transform/kernel
pooler/dense/bias 4 _pooler_layer/bias 4 pooler_transform/bias
]]

local TINY_HEAD = [[
cls/predictions/output_bias 5 masked_lm/bias 5 cls/predictions/output_bias/bias
cls/predictions/transform/dense/kernel 4,4 masked_lm/dense/kernel 4,4 cls/predictions/transform/dense/kernel
cls/predictions/transform/dense/bias 4 masked_lm/dense/bias 4 cls/predictions/transform/dense/bias
cls/predictions/transform/LayerNorm/gamma 4 masked_lm/layer_norm/gamma 4 cls/predictions/transform/LayerNorm/gamma
cls/predictions/transform/LayerNorm/beta 4 masked_lm/layer_norm/beta 4 cls/predictions/transform/LayerNorm/beta
]]

local function shape_of(text)
  local shape = {}
  for size in text:gmatch "%d+" do shape[#shape + 1] = math.tointeger(tonumber(size)) end
  return shape
end

--- Adds the variables of a text, each with values of its own.
local function add_tiny(ckpt, scope, text)
  for name, shape in text:gmatch "(%S+) (%S+)%s+%S+ %S+%s+%S+\n" do ckpt.vars[scope .. name] = gw.random_uniform(shape_of(shape), { seed = #ckpt }) end
  return ckpt
end

local function tiny() return add_tiny(gw.variables {}, "bert/", TINY) end
local function tiny_with_head() return add_tiny(tiny(), "", TINY_HEAD) end

--- Every variable of the text is in its place, with the values of `before`.
local function check_tiny(out, container, before, scope, text)
  for name, place, shape, full_name in text:gmatch "(%S+) %S+%s+(%S+) (%S+)%s+(%S+)\n" do
    local node = gw.graph.find(out.root, container .. place) or error(container .. place .. " is missing")
    assert(gw.graph.tensor(node):equal(before.vars[scope .. name]:reshape(shape_of(shape))), place)
    assert(gw.graph.full_name(node) == full_name, place)
  end
end

return {
  name = "bert_tf1_to_tf2", version = "1.0", godwit = "1",
  summary = "A BERT of google-research/bert becomes one of the TensorFlow Model Garden",
  description = [[Writes what Checkpoint(model=encoder).save gives for the Model Garden's BertEncoder or BertEncoderV2 with the same values: the
attention's matrices are split by heads, whose number no TF1 checkpoint holds (num_attention_heads of bert_config.json). Load it by
Checkpoint(model=encoder).restore(...).assert_existing_objects_matched(); objects without variables are not in it, so that
assert_consumed() complains about those. With masked_lm=true the head of BertPretrainerV2 comes along, as
Checkpoint(encoder=..., masked_lm=...) has it (container=encoder). Slots, averages and other heads are left out.]],
  examples = {
    "godwit run bert_tf1_to_tf2 uncased_L-12_H-768_A-12/bert_model.ckpt -o bert/ckpt-1 -p heads=12",
    "godwit run bert_tf1_to_tf2 uncased_L-12_H-768_A-12/bert_model.ckpt -o bert/ckpt-1 -p heads=12 -p container=encoder -p masked_lm=true",
  },
  inputs = { "checkpoint" },
  params = {
    heads = { type = "integer", required = true, help = "num_attention_heads of bert_config.json" },
    scope = { type = "string", default = "bert/", help = "where the encoder is in the TF1 checkpoint" },
    container = { type = "string", default = "model", help = "the Checkpoint's attribute for the encoder; empty: the Checkpoint itself has it" },
    masked_lm = { type = "boolean", default = false, help = "the head cls/predictions comes along, as masked_lm" },
    save_counter = { type = "boolean", default = true, help = "as Checkpoint.save gives; false as Checkpoint.write" },
  },
  detect = function(ckpt)
    local fits = ckpt.kind == "variables" and ckpt:has "bert/embeddings/word_embeddings" and ckpt:has "bert/encoder/layer_0/attention/self/query/kernel"
    return fits, "it has the variables of google-research/bert"
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then fail("%s is object-based already", ckpt.path) end
    if p.heads < 1 then fail("heads is at least 1, not %d", p.heads) end
    if p.scope ~= "" and p.scope:sub(-1) ~= "/" then fail("the scope '%s' does not end in '/'", p.scope) end
    local take, taken, missing = taker(ckpt)
    local encoder = encoder_of(take, p.scope, count_layers(ckpt, p.scope), p.heads)
    local tree = p.container ~= "" and { [p.container] = encoder } or encoder
    if p.masked_lm then
      if tree.masked_lm then fail "the container cannot be called masked_lm when that head comes along" end
      tree.masked_lm = masked_lm_of(take, encoder._embedding_layer.embeddings)
    end
    if #missing > 0 then fail("%s has no %s", ckpt.path, some(missing)) end
    say_rest(ckpt, p.scope, taken)
    return gw.objects(tree, { save_counter = p.save_counter and 1 or nil })
  end,
  tests = { {
    name = "heads are split, all else is as it was",
    input = tiny, params = { heads = 2 },
    expect = function(out)
      check_tiny(out, "model/", tiny(), "bert/", TINY)
      assert(gw.graph.tensor(out.root.save_counter):value() == 1 and #out == 24)
    end,
    prints = "", detects = "it has the variables of google-research/bert",
  }, {
    name = "the masked language model comes along, and shares the embeddings",
    input = tiny_with_head, params = { heads = 2, masked_lm = true, container = "encoder" },
    expect = function(out)
      check_tiny(out, "encoder/", tiny(), "bert/", TINY)
      check_tiny(out, "", tiny_with_head(), "", TINY_HEAD)
      assert(out.root.masked_lm.embedding_table == out.root.encoder._embedding_layer.embeddings)
      assert(out.root.masked_lm.bias == out.root.masked_lm["output_bias/bias"] and #out == 29)
    end,
    prints = "",
  }, {
    name = "several layers, the encoder itself at the root, as Checkpoint.write gives it",
    input = function()
      local ckpt = tiny()
      for name, tensor in ckpt:each "layer_0/" do
        for layer = 1, 10 do ckpt.vars[gw.sub(name, "layer_0/", ("layer_%d/"):format(layer))] = tensor end
      end
      return ckpt
    end,
    params = { heads = 2, container = "", save_counter = false },
    expect = function(out)
      check_tiny(out, "", tiny(), "bert/", TINY)
      assert(#out == 23 + 10 * 16)
      assert(gw.graph.full_name(out.root._transformer_layers["10"]._output_dense.bias) == "transformer/layer_10/output/bias")
    end,
  }, {
    name = "an encoder elsewhere, of one head",
    input = function() return add_tiny(gw.variables { ["bert/encoder/layer_7/x"] = gw.scalar(1.0) }, "my/", TINY) end,
    params = { heads = 1, scope = "my/" },
    expect = function(out)
      assert(#out == 24 and gw.graph.tensor(out.root.model._transformer_layers["0"]._attention_layer._query_dense.kernel).shape == { 4, 1, 6 })
    end,
    prints = "left out: bert/encoder/layer_7/x", detects = false,
  }, {
    name = "an encoder at the root: what has no place is left out",
    input = function() return add_tiny(gw.variables { other = gw.scalar(1.0) }, "", TINY) end,
    params = { heads = 2, scope = "" },
    expect = function(out) assert(#out == 24) end,
    prints = "left out: other",
  }, {
    name = "slots, averages and other heads are left out, and counted",
    input = function()
      local ckpt = tiny_with_head()
      for _, name in ipairs { "bert/pooler/dense/bias/adam_m", "bert/pooler/dense/bias/lamb_v", "bert/pooler/dense/bias/ExponentialMovingAverage",
        "beta1_power", "global_step", "cls/seq_relationship/output_bias" } do
        ckpt.vars[name] = gw.scalar(1.0)
      end
      return ckpt
    end,
    params = { heads = 2 },
    expect = function(out) assert(#out == 24) end,
    prints = "left out: 4 slots and averages\nleft out: cls/predictions/output_bias, cls/predictions/transform/LayerNorm/beta, "
      .. "cls/predictions/transform/LayerNorm/gamma, cls/predictions/transform/dense/bias, cls/predictions/transform/dense/kernel and 2 more",
  }, {
    name = "one slot, one other variable",
    input = function()
      local ckpt = tiny()
      ckpt.vars["bert/pooler/dense/bias/Adam_1"], ckpt.vars.global_step = gw.zeros { 4 }, gw.scalar(1, "int64")
      return ckpt
    end,
    params = { heads = 2 },
    prints = "left out: 1 slots and averages\nleft out: global_step",
  }, {
    name = "heads that do not divide the width",
    input = tiny, params = { heads = 4 }, fails = "heads=4: bert/encoder/layer_0/attention/self/query/kernel has 6 units, which is no multiple of it",
  }, {
    name = "no heads",
    input = tiny, params = { heads = 0 }, fails = "heads is at least 1, not 0",
  }, {
    name = "a scope that is none",
    input = tiny, params = { heads = 2, scope = "bert" }, fails = "the scope 'bert' does not end in '/'",
  }, {
    name = "a scope where there is nothing",
    input = tiny, params = { heads = 2, scope = "my/" }, fails = "has no my/encoder/layer_0: see -p scope",
  }, {
    name = "a container in the head's place",
    input = tiny_with_head, params = { heads = 2, masked_lm = true, container = "masked_lm" },
    fails = "the container cannot be called masked_lm when that head comes along",
  }, {
    name = "a layer that is missing",
    input = function()
      local ckpt = tiny()
      ckpt.vars["bert/encoder/layer_2/x"] = gw.scalar(1.0)
      return ckpt
    end,
    params = { heads = 2 },
    fails = "has layer_2, and only 2 of the 3 layers up to it",
  }, {
    name = "a variable that is missing",
    input = function()
      local ckpt = tiny()
      ckpt:drop "pooler/dense/kernel"
      return ckpt
    end,
    params = { heads = 2 },
    fails = "has no bert/pooler/dense/kernel",
  }, {
    name = "many that are missing",
    input = function()
      local ckpt = tiny()
      ckpt:drop "attention/self/"
      return ckpt
    end,
    params = { heads = 2 },
    fails = " and 1 more", detects = false,
  }, {
    name = "other ranks",
    input = function()
      local ckpt = tiny()
      ckpt.vars["bert/pooler/dense/bias"] = gw.zeros { 2, 2 }
      return ckpt
    end,
    params = { heads = 2 },
    fails = "bert/pooler/dense/bias is float32[2,2], and BERT's has 1 axes",
  }, {
    name = "an encoder of another kind",
    input = function()
      local ckpt = tiny()
      ckpt.vars["bert/encoder/layer_0/adapter/kernel"] = gw.zeros { 4, 4 }
      return ckpt
    end,
    params = { heads = 2 },
    fails = "\"bert/encoder/layer_0/adapter/kernel\" has no place in BertEncoder: is ",
  }, {
    name = "an object-based checkpoint",
    input = function() return gw.objects { bert = { embeddings = gw.scalar(1.0) } } end,
    params = { heads = 2 }, fails = "is object-based already", detects = false,
  } },
}

-- What tensorflow_estimator/python/estimator/tools/checkpoint_converter.py does, with the hyper-parameters of the program
-- instead of defaults, and with the momentum of RMSProp.

-- tf1: the class's own name, in its slots and in its graph. slots: TF1's name -> Keras' name. hyper: Keras' name -> names of
-- the constant in TF1's graph, the first that is there counts; a number is what TF1 means where there is none.
local KINDS = {
  { tf1 = "Adam", keras = "Adam", slots = { Adam = "m", Adam_1 = "v" }, hyper = { beta_1 = { "beta1" }, beta_2 = { "beta2" } } },
  { tf1 = "Adagrad", keras = "Adagrad", slots = { Adagrad = "accumulator" }, hyper = {} },
  { tf1 = "Ftrl", keras = "Ftrl", slots = { Ftrl = "accumulator", Ftrl_1 = "linear" }, hyper = {
    learning_rate_power = { "learning_rate_power" }, l1_regularization_strength = { "l1_regularization_strength" }, beta = { "beta", 0.0 },
    l2_regularization_strength = { "l2_regularization_strength", "add/x" }, -- TensorFlow 2 adds beta / (2 * learning_rate) to it
  } },
  { tf1 = "RMSProp", keras = "RMSprop", slots = { RMSProp = "rms", RMSProp_1 = "momentum" }, hyper = { rho = { "decay" }, momentum = { "momentum" } } },
  { tf1 = "GradientDescent", keras = "SGD", slots = {}, hyper = { momentum = { 0.0 } } },
}

local function fail(what, ...) error(what:format(...), 0) end

--- The constants of a graph.pbtxt, as TensorFlow prints a GraphDef:
---
---     node {
---       name: "dnn/head/Adagrad/learning_rate"
---       op: "Const"
---       attr { key: "value" value { tensor { ... float_val: 0.005 } } }      one field a line
---     }
---
--- Those of this optimizer: "learning_rate" -> {value, ...}, one for each place in the graph.
local function constants(file, optimizer)
  local found, nodes, depth, name, op = {}, 0, 0, nil, nil
  for line in file:lines() do
    local text = line:match "^%s*(.*)$":gsub("\r$", "")
    if text:sub(-1) == "{" then
      depth = depth + 1
      if depth == 1 then name, op = nil, nil end
      if text == "node {" then nodes = nodes + 1 end
    elseif text == "}" then depth = depth - 1
    elseif depth == 1 then
      name, op = text:match '^name: "(.*)"$' or name, text:match '^op: "(.*)"$' or op
    elseif op == "Const" and name then
      local value = tonumber(text:match "^float_val: (%S+)$" or text:match "^double_val: (%S+)$")
      local short = ("/" .. name):match("^.*/" .. optimizer .. "/(.+)$")
      if value and short then
        found[short] = found[short] or {}
        table.insert(found[short], value)
      end
    end
  end
  if nodes == 0 then fail("%s has no graph in the form of text, as graph.pbtxt beside an Estimator's checkpoints has", file.name) end
  if depth ~= 0 then fail("%s: a block of the graph is not closed: is this the whole graph.pbtxt?", file.name) end
  return found
end

--- Which optimizer it was, by the slots that there are.
local function kind_of(ckpt)
  local found
  for name in ckpt:each { role = "slot" } do
    local slot = name:match "([^/]*)$"
    local kind
    for _, each in ipairs(KINDS) do kind = each.slots[slot] and each or kind end
    if slot == "RMSProp_2" then fail("\"%s\": RMSProp was centered, which canned Estimators of TF2 are not given by this recipe", name) end
    if not kind then fail("\"%s\" is a slot of another optimizer than Adagrad, Adam, Ftrl and RMSProp", name) end
    if found and found ~= kind then
      fail("%s has slots of %s and of %s: a DNNLinearCombined Estimator's two optimizers are not converted, its weights are by warm_start",
        ckpt.path, found.tf1, kind.tf1)
    end
    found = kind
  end
  return found or KINDS[#KINDS]
end

--- The variable of VARIABLE/t_0/Adagrad (DNN), VARIABLE/part_0/Adagrad (linear), VARIABLE/Adagrad.
local function owner_of(ckpt, name, tensor)
  if tensor.partial then fail("\"%s\" belongs to one part of a partitioned variable, and Estimators of TF2 do not partition", name) end
  local owner = name:match "^(.*)/[^/]*$"
  while owner and not ckpt:has(owner) do owner = owner:match "^(.*)/[^/]*$" end
  return owner or fail("it cannot be told which variable \"%s\" belongs to", name)
end

--- Keras' hyper-parameters: what -p says, or what the graph says.
local function hyper_of(kind, p)
  local graph = p.graph and constants(p.graph, kind.tf1) or {}
  local function get(name, names)
    if p[name] ~= nil then return p[name] end
    local values
    for _, constant in ipairs(names) do values = values or graph[constant] or type(constant) == "number" and { constant } end
    if not values and p.graph then
      fail("%s has no constant %s/%s (a rate that changes with the steps is none): give -p %s=NUMBER", p.graph.name, kind.tf1, names[1], name)
    end
    if not values then fail("%s's %s is in no checkpoint: give -p graph=@graph.pbtxt of the same folder, or -p %s=NUMBER", kind.tf1, name, name) end
    for i = 2, #values do
      if values[i] ~= values[1] then
        fail("%s has the constant %s/%s with %.9g and with %.9g: say which by -p %s=NUMBER", p.graph.name, kind.tf1, names[1], values[1], values[i], name)
      end
    end
    return values[1]
  end
  local hyper = { learning_rate = get("learning_rate", { "learning_rate" }), decay = 0.0 }
  for name, names in pairs(kind.hyper) do hyper[name] = get(name, names) end
  for name in pairs(p) do
    if name ~= "graph" and hyper[name] == nil then fail("Keras' %s has no %s", kind.keras, name) end
  end
  return hyper
end

--- A node of a graph, for the tests.
local function constant(name, value, op)
  return ('node {\n  name: "%s"\n  op: "%s"\n  attr {\n    key: "value"\n    value {\n      tensor {\n        %s\n      }\n    }\n  }\n}\n'):format(name,
    op or "Const", value)
end

local function number(help) return { type = "number", help = help } end

return {
  name = "canned_estimator_to_tf2", version = "1.0", godwit = "1",
  summary = "Training with a canned Estimator of TF1 goes on with that of TF2",
  description = [[DNNClassifier, LinearRegressor and their like save the same weights in TF1 (tf.compat.v1.estimator) and in TF2
(tf.estimator); what differs is the optimizer: dnn/logits/bias/t_0/Adagrad becomes training/Adagrad/dnn/logits/bias/accumulator.
Adagrad, Adam, Ftrl, RMSProp and, where there are no slots, GradientDescent become those of Keras. Hyper-parameters, which TF1 has
in the program only, come from graph.pbtxt, which lies beside an Estimator's checkpoints, or from -p.
DNNLinearCombined Estimators have two optimizers and are refused.]],
  examples = {
    "godwit run canned_estimator_to_tf2 old/ -o new/model.ckpt-1000 -p graph=@old/graph.pbtxt --latest",
    "godwit run canned_estimator_to_tf2 old/model.ckpt-1000 -o new/model.ckpt-1000 -p learning_rate=0.05",
  },
  inputs = { "checkpoint" },
  params = {
    graph = { type = "file", help = "the graph.pbtxt of the Estimator's folder, for hyper-parameters" },
    learning_rate = number "without it: the graph's",
    beta_1 = number "Adam's; without it: the graph's", beta_2 = number "Adam's; without it: the graph's",
    rho = number "RMSProp's, which TF1 calls decay; without it: the graph's",
    momentum = number "RMSProp's; without it: the graph's",
    learning_rate_power = number "Ftrl's; without it: the graph's",
    l1_regularization_strength = number "Ftrl's; without it: the graph's",
    l2_regularization_strength = number "Ftrl's; without it: the graph's",
    beta = number "Ftrl's; without it: the graph's, or 0",
  },
  detect = function(ckpt)
    return ckpt.kind == "variables" and ckpt:has "global_step" and ckpt:each [[/(t|part)_0/(Adagrad|Adam|Ftrl|RMSProp)$]]() ~= nil,
      "it has a step and the slots of a canned Estimator's optimizer"
  end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then fail("%s is object-based, and a canned Estimator's checkpoint is not", ckpt.path) end
    if not ckpt:has "global_step" then fail("%s has no global_step: is it an Estimator's?", ckpt.path) end
    if ckpt:each "^training/"() then fail("%s has %s: it is of TF2 already", ckpt.path, (ckpt:each "^training/"())) end
    local kind = kind_of(ckpt)
    local hyper = hyper_of(kind, p)
    local scope = "training/" .. kind.keras .. "/"
    local renamed = {}
    for name, tensor in ckpt:each { role = "slot" } do
      local slot = kind.slots[name:match "([^/]*)$"]
      -- Keras makes no slot for a momentum of 0, by which TF1 multiplies its own.
      if slot == "momentum" and hyper.momentum == 0 then ckpt.vars[name] = nil
      else renamed[name] = scope .. owner_of(ckpt, name, tensor) .. "/" .. slot end
    end
    if next(renamed) then ckpt:rename(renamed) end
    ckpt:drop({ role = "power" }, { optional = true })
    for name, value in pairs(hyper) do ckpt.vars[scope .. name] = gw.scalar(value, "float32") end
  end,
  tests = { {
    name = "slots and hyper-parameters are Keras'",
    input = function()
      return gw.variables {
        ["dnn/w"] = gw.tensor { 1.0, 2.0 }, ["dnn/w/t_0/Adam"] = gw.tensor { 3.0, 4.0 }, ["dnn/w/t_0/Adam_1"] = gw.tensor { 5.0, 6.0 },
        ["dnn/head/beta1_power"] = gw.scalar(0.5), ["dnn/head/beta2_power"] = gw.scalar(0.25), global_step = gw.scalar(1, "int64"),
      }
    end,
    params = { learning_rate = 0.25, beta_1 = 0.5, beta_2 = 0.75 },
    output = function()
      return gw.variables {
        ["dnn/w"] = gw.tensor { 1.0, 2.0 }, ["training/Adam/dnn/w/m"] = gw.tensor { 3.0, 4.0 }, ["training/Adam/dnn/w/v"] = gw.tensor { 5.0, 6.0 },
        ["training/Adam/learning_rate"] = gw.scalar(0.25), ["training/Adam/beta_1"] = gw.scalar(0.5), ["training/Adam/beta_2"] = gw.scalar(0.75),
        ["training/Adam/decay"] = gw.scalar(0.0), global_step = gw.scalar(1, "int64"),
      }
    end,
    plan = { renamed = 2, unchanged = 2, new = 4, dropped = 2 },
    detects = "it has a step and the slots of a canned Estimator's optimizer",
  }, {
    name = "Ftrl's numbers from the graph, whose beta is 0 and whose l2 has a sum",
    input = function()
      return gw.variables {
        ["linear/w"] = gw.scalar(1.0), ["linear/w/part_0/Ftrl"] = gw.scalar(2.0), ["linear/w/part_0/Ftrl_1"] = gw.scalar(3.0),
        global_step = gw.scalar(1, "int64"),
      }
    end,
    params = { graph = constant("linear/head/Ftrl/learning_rate", "float_val: 0.5") .. constant("linear/head/Ftrl/learning_rate_power", "float_val: -0.5")
      .. constant("linear/head/Ftrl/l1_regularization_strength", "double_val: 0.25") .. constant("Ftrl/add/x", "float_val: 0.125")
      .. constant("other/Ftrl/learning_rate", "float_val: 0.5") .. constant("Adam/learning_rate", "float_val: 9")
      .. constant("x/Ftrl/learning_rate", "float_val: 8", "Mul") .. 'node {\n  op: "Const"\n  attr {\n    float_val: 7\n  }\n}\n' },
    output = function()
      return gw.variables {
        ["linear/w"] = gw.scalar(1.0), ["training/Ftrl/linear/w/accumulator"] = gw.scalar(2.0), ["training/Ftrl/linear/w/linear"] = gw.scalar(3.0),
        ["training/Ftrl/learning_rate"] = gw.scalar(0.5), ["training/Ftrl/learning_rate_power"] = gw.scalar(-0.5),
        ["training/Ftrl/l1_regularization_strength"] = gw.scalar(0.25), ["training/Ftrl/l2_regularization_strength"] = gw.scalar(0.125),
        ["training/Ftrl/beta"] = gw.scalar(0.0), ["training/Ftrl/decay"] = gw.scalar(0.0), global_step = gw.scalar(1, "int64"),
      }
    end,
    detects = true,
  }, {
    name = "Ftrl's own l2 and beta come first, a parameter before the graph",
    input = function()
      return gw.variables { w = gw.scalar(1.0), ["w/Ftrl"] = gw.scalar(2.0), ["w/Ftrl_1"] = gw.scalar(3.0), global_step = gw.scalar(1, "int64") }
    end,
    params = { learning_rate = 0.75, graph = constant("Ftrl/learning_rate", "float_val: 0.5") .. constant("Ftrl/learning_rate_power", "float_val: -0.5")
      .. constant("Ftrl/l1_regularization_strength", "float_val: 0.25") .. constant("Ftrl/add/x", "float_val: 9")
      .. constant("Ftrl/l2_regularization_strength", "float_val: 0.125") .. constant("Ftrl/beta", "float_val: 2") },
    expect = function(out)
      local function value(name) return out.vars["training/Ftrl/" .. name]:value() end
      assert(value "learning_rate" == 0.75 and value "l2_regularization_strength" == 0.125 and value "beta" == 2 and out:has "training/Ftrl/w/linear")
    end,
  }, {
    name = "RMSProp's momentum of 0 has no slot in Keras",
    input = function()
      return gw.variables { w = gw.scalar(1.0), ["w/t_0/RMSProp"] = gw.scalar(2.0), ["w/t_0/RMSProp_1"] = gw.scalar(3.0), global_step = gw.scalar(1, "int64") }
    end,
    params = { graph = constant("RMSProp/learning_rate", "float_val: 0.5") .. constant("RMSProp/decay", "float_val: 0.75")
      .. constant("RMSProp/momentum", "float_val: 0") },
    output = function()
      return gw.variables {
        w = gw.scalar(1.0), ["training/RMSprop/w/rms"] = gw.scalar(2.0), ["training/RMSprop/learning_rate"] = gw.scalar(0.5),
        ["training/RMSprop/rho"] = gw.scalar(0.75), ["training/RMSprop/momentum"] = gw.scalar(0.0), ["training/RMSprop/decay"] = gw.scalar(0.0),
        global_step = gw.scalar(1, "int64"),
      }
    end,
  }, {
    name = "and one that is not 0 has",
    input = function()
      return gw.variables { w = gw.scalar(1.0), ["w/t_0/RMSProp"] = gw.scalar(2.0), ["w/t_0/RMSProp_1"] = gw.scalar(3.0), global_step = gw.scalar(1, "int64") }
    end,
    params = { learning_rate = 0.5, rho = 0.75, momentum = 1 },
    expect = function(out)
      assert(out.vars["training/RMSprop/w/rms"]:value() == 2 and out.vars["training/RMSprop/w/momentum"]:value() == 3)
      assert(out.vars["training/RMSprop/momentum"]:value() == 1 and out.vars["training/RMSprop/rho"]:value() == 0.75)
    end,
  }, {
    name = "Adam's betas and Adagrad's accumulator, from graphs",
    input = function()
      return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adam"] = gw.scalar(2.0), ["w/t_0/Adam_1"] = gw.scalar(3.0), global_step = gw.scalar(1, "int64") }
    end,
    params = { graph = constant("Adam/learning_rate", "float_val: 0.5") .. constant("Adam/beta1", "float_val: 0.25")
      .. constant("Adam/beta2", "float_val: 0.75") },
    expect = function(out) assert(out.vars["training/Adam/beta_1"]:value() == 0.25 and out.vars["training/Adam/beta_2"]:value() == 0.75) end,
  }, {
    name = "Adagrad's accumulator",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adagrad"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { learning_rate = 0.5 },
    expect = function(out) assert(out.vars["training/Adagrad/w/accumulator"]:value() == 2 and #out == 5) end,
  }, {
    name = "a learning rate that the graph does not have",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adagrad"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { graph = constant("Adagrad/other", "float_val: 0.5") },
    fails = "has no constant Adagrad/learning_rate (a rate that changes with the steps is none): give -p learning_rate=NUMBER",
  }, {
    name = "two learning rates, the second of them another",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adagrad"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { graph = constant("a/Adagrad/learning_rate", "float_val: 0.5") .. constant("b/Adagrad/learning_rate", "float_val: 0.25") },
    fails = "has the constant Adagrad/learning_rate with 0.5 and with 0.25: say which by -p learning_rate=NUMBER",
  }, {
    name = "two learning rates, the third of them another",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adagrad"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    params = { graph = constant("a/Adagrad/learning_rate", "float_val: 0.5") .. constant("b/Adagrad/learning_rate", "float_val: 0.5")
      .. constant("c/Adagrad/learning_rate", "float_val: 0.25") },
    fails = "has the constant Adagrad/learning_rate with 0.5 and with 0.25: say which by -p learning_rate=NUMBER",
  }, {
    name = "a centered RMSProp",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/t_0/RMSProp_2"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    fails = "\"w/t_0/RMSProp_2\": RMSProp was centered, which canned Estimators of TF2 are not given by this recipe",
  }, {
    name = "another optimizer",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/Momentum"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    fails = "\"w/Momentum\" is a slot of another optimizer than Adagrad, Adam, Ftrl and RMSProp",
    detects = false,
  }, {
    name = "two optimizers",
    input = function()
      return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adagrad"] = gw.scalar(2.0), ["w/part_0/Ftrl"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") }
    end,
    fails = "a DNNLinearCombined Estimator's two optimizers are not converted",
  }, {
    name = "a number that the optimizer does not have",
    input = function() return gw.variables { w = gw.scalar(1.0), global_step = gw.scalar(1, "int64") } end,
    params = { learning_rate = 0.5, beta_1 = 0.5 },
    fails = "Keras' SGD has no beta_1",
    detects = false,
  }, {
    name = "a checkpoint without a step",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/t_0/Adagrad"] = gw.scalar(2.0) } end,
    params = { learning_rate = 0.5 },
    fails = "has no global_step: is it an Estimator's?",
    detects = false,
  }, {
    name = "a checkpoint of TF2",
    input = function()
      return gw.variables { w = gw.scalar(1.0), ["training/Adagrad/w/accumulator"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") }
    end,
    params = { learning_rate = 0.5 },
    fails = "has training/Adagrad/w/accumulator: it is of TF2 already",
    detects = false,
  }, {
    name = "an object-based checkpoint",
    input = function() return gw.objects { global_step = gw.scalar(1, "int64") } end,
    params = { learning_rate = 0.5 },
    fails = "is object-based, and a canned Estimator's checkpoint is not",
    detects = false,
  }, {
    name = "the graph has the learning rate",
    input = function() return gw.variables { w = gw.scalar(1.0), global_step = gw.scalar(1, "int64") } end,
    params = { graph = [[
node {
  name: "linear/head/GradientDescent/learning_rate"
  op: "Const"
  attr {
    key: "value"
    value {
      tensor {
        float_val: 0.25
      }
    }
  }
}
]] },
    expect = function(out) assert(out.vars["training/SGD/learning_rate"]:value() == 0.25 and out.vars["training/SGD/momentum"]:value() == 0) end,
  }, {
    name = "a file that is no graph",
    input = function() return gw.variables { w = gw.scalar(1.0), global_step = gw.scalar(1, "int64") } end,
    params = { graph = "\0\1{\n}" },
    fails = "has no graph in the form of text",
  }, {
    name = "a graph that was cut off",
    input = function() return gw.variables { w = gw.scalar(1.0), global_step = gw.scalar(1, "int64") } end,
    params = { graph = "node {\r\n  name: \"a\"\r\n" },
    fails = "a block of the graph is not closed",
  }, {
    name = "a learning rate is not made up",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/part_0/Adagrad"] = gw.scalar(2.0), global_step = gw.scalar(1, "int64") } end,
    fails = "give -p graph=@graph.pbtxt of the same folder, or -p learning_rate=NUMBER",
  } },
}

-- What an optimizer keeps, by names or by objects.

--- The children that tell an optimizer without slots: Keras since 2.11 (and its wrapper for mixed precision), Keras before, tf.compat.v1.train.
local MARKS = {
  { "_iterations", "_learning_rate" }, { "iter", "learning_rate" }, { "iter", "decay" }, { "beta1_power", "beta2_power" },
  { "_optimizer", "_loss_scale" }, { "_optimizer", "loss_scale" }, { "base_optimizer", "loss_scale" },
}

local function has_marks(node)
  for _, mark in ipairs(MARKS) do
    if gw.graph.has(node, mark[1]) and gw.graph.has(node, mark[2]) then return true end
  end
end

--- An optimizer that has nothing to keep is an object without children; only its name tells.
local function is_optimizer(node, path)
  if gw.graph.is_variable(node) then return false end
  if gw.graph.slots(node)() or has_marks(node) then return true end
  return path:match "[^/]*$" == "optimizer" and #node == 0
end

local function named(ckpt, paths)
  local found = {}
  for _, path in ipairs(paths) do
    local node = path ~= "" and gw.graph.find(ckpt.root, path)
    if not node then error(("paths: there is no object at \"%s\" (`godwit graph %s` shows them)"):format(path, ckpt.path), 0) end
    found[node] = path
  end
  return found
end

local function recognised(ckpt)
  local found = {}
  for path, node in gw.graph.walk(ckpt.root) do
    if is_optimizer(node, path) then found[node] = path end
  end
  if not next(found) then
    error(("%s has no object with slots or an optimizer's attributes: say where it is with -p paths=PATH"):format(ckpt.path), 0)
  end
  return found
end

local function strip_objects(ckpt, p)
  local optimizers = #p.paths > 0 and named(ckpt, p.paths) or recognised(ckpt)
  if optimizers[ckpt.root] then error(("%s is the checkpoint of an optimizer alone"):format(ckpt.path), 0) end
  -- Every edge goes, from wherever it leads to one of them.
  local edges = {}
  for _, node in gw.graph.walk(ckpt.root) do
    if not optimizers[node] then
      for name, child in pairs(node) do
        if optimizers[child] then edges[#edges + 1] = { node, name } end
      end
    end
  end
  for _, edge in ipairs(edges) do edge[1][edge[2]] = nil end
end

local function strip_names(ckpt, p)
  if #p.paths > 0 then error(("%s is name-based, and paths are objects' paths: leave it out"):format(ckpt.path), 0) end
  local count = ckpt:drop({ role = "slot" }, { optional = true }) + ckpt:drop({ role = "power" }, { optional = true })
  if count == 0 then error(("%s has no slots and no powers of an optimizer"):format(ckpt.path), 0) end
end

return {
  name = "strip_optimizer", version = "1.0", godwit = "1",
  summary = "A checkpoint without what its optimizer keeps",
  description = [[Name-based: slots (VARIABLE/Adam, VARIABLE/Momentum, ...) and powers (beta1_power) go; moving averages and the global step
stay. Object-based: the optimizer leaves the object graph with its slots, its step, its hyperparameters and the averages
that it keeps itself, as a checkpoint that was saved without it. A variable that something else refers to stays, such as
Checkpoint(step=optimizer.iterations).]],
  examples = {
    "godwit run strip_optimizer examples/data/digits.ckpt-100 -o out/digits.ckpt-100",
    "godwit run strip_optimizer training/ckpt-7 -o out/ckpt-7 -p paths=optimizer,model/optimizer -p step=true",
  },
  inputs = { "checkpoint" },
  params = {
    paths = { type = "list", default = {}, help = "object-based: where the optimizers are; without it, what has slots or an optimizer's attributes" },
    step = { type = "boolean", default = false, help = "drop the global step too" },
  },
  detect = function(ckpt)
    if ckpt.kind == "variables" then return ckpt:each({ role = "slot" })() ~= nil, "it has an optimizer's slots" end
    for path, node in gw.graph.walk(ckpt.root) do
      if is_optimizer(node, path) then return true, ("it has an optimizer at %s"):format(path) end
    end
  end,
  run = function(ckpt, p)
    if ckpt.kind == "objects" then strip_objects(ckpt, p) else strip_names(ckpt, p) end
    if p.step then ckpt:drop({ role = "step" }, { optional = true }) end
  end,
  tests = { {
    name = "slots and powers go, averages and the step stay",
    input = function()
      return gw.variables {
        w = gw.scalar(1.0), ["w/Adam"] = gw.scalar(2.0), ["w/Adam_1"] = gw.scalar(3.0), beta1_power = gw.scalar(0.9), beta2_power = gw.scalar(0.9),
        ["w/ExponentialMovingAverage"] = gw.scalar(4.0), global_step = gw.scalar(5, "int64"),
      }
    end,
    output = function()
      return gw.variables { w = gw.scalar(1.0), ["w/ExponentialMovingAverage"] = gw.scalar(4.0), global_step = gw.scalar(5, "int64") }
    end,
    plan = { dropped = 4, unchanged = 3 },
    detects = "it has an optimizer's slots",
  }, {
    name = "slots without powers, and the step with them",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/Momentum"] = gw.scalar(2.0), global_step = gw.scalar(5, "int64") } end,
    params = { step = true },
    output = function() return gw.variables { w = gw.scalar(1.0) } end,
  }, {
    name = "powers without slots, and no step",
    input = function() return gw.variables { w = gw.scalar(1.0), beta1_power = gw.scalar(0.9) } end,
    params = { step = true },
    output = function() return gw.variables { w = gw.scalar(1.0) } end,
  }, {
    name = "the optimizer leaves the graph, from wherever it is reached, with its slots",
    input = function()
      local w = gw.variable(gw.scalar(1.0))
      local out = gw.objects({ model = { w = w, opt = { iter = gw.scalar(3, "int64") } } }, { save_counter = 1 })
      gw.graph.set_slot(out.root.model.opt, out.root.model.w, "m", gw.scalar(2.0))
      out.root.trainer = out.root.model.opt
      return out
    end,
    output = function() return gw.objects({ model = { w = gw.scalar(1.0) } }, { save_counter = 1 }) end,
    detects = "it has an optimizer at trainer",
  }, {
    name = "optimizers without slots: Keras' new and old, tf.compat.v1, mixed precision",
    input = function()
      local function node(...)
        local made = {}
        for _, name in ipairs { ... } do made[name] = gw.scalar(0.1) end
        return made
      end
      return gw.objects {
        a = node("_iterations", "_learning_rate"), b = node("iter", "learning_rate"), c = node("iter", "decay"), d = node("beta1_power", "beta2_power"),
        e = node("_optimizer", "_loss_scale"), f = node("_optimizer", "loss_scale"), g = node("base_optimizer", "loss_scale"), optimizer = {},
        model = { layer = {}, w = node("iter", "beta1_power"), x = node("decay", "loss_scale"), y = node("_optimizer"), optimizer = node "z" },
      }
    end,
    expect = function(out)
      local names = {}
      for path in gw.graph.walk(out.root) do names[#names + 1] = path end
      assert(table.concat(names, " ") == " model model/layer model/optimizer model/w model/x model/y model/optimizer/z model/w/beta1_power "
        .. "model/w/iter model/x/decay model/x/loss_scale model/y/_optimizer")
    end,
  }, {
    name = "what is said to be one, and nothing else; the step goes",
    input = function()
      return gw.objects {
        a = { x = gw.scalar(1) }, optimizer = { beta1_power = gw.scalar(2), beta2_power = gw.scalar(3) }, m = { b = { y = gw.scalar(4) } },
        global_step = gw.scalar(5, "int64"),
      }
    end,
    params = { paths = { "a", "m/b" }, step = true },
    output = function() return gw.objects { optimizer = { beta1_power = gw.scalar(2), beta2_power = gw.scalar(3) }, m = {} } end,
    detects = true,
  }, {
    name = "a variable that something else refers to stays",
    input = function()
      local step = gw.variable(gw.scalar(3, "int64"))
      return gw.objects { optimizer = { _iterations = step, _learning_rate = gw.scalar(0.1) }, counted = step }
    end,
    output = function() return gw.objects { counted = gw.scalar(3, "int64") } end,
  }, {
    name = "no optimizer",
    input = function() return gw.objects { model = { w = gw.scalar(1.0), iter = gw.scalar(1) }, optimizer = gw.scalar(2) } end,
    fails = "has no object with slots or an optimizer's attributes: say where it is with -p paths=PATH",
    detects = false,
  }, {
    name = "an optimizer alone",
    input = function() return gw.objects { iter = gw.scalar(1), decay = gw.scalar(0.1) } end,
    fails = "is the checkpoint of an optimizer alone",
  }, {
    name = "a path to nowhere",
    input = function() return gw.objects { model = { w = gw.scalar(1.0) } } end,
    params = { paths = { "model", "opt" } },
    fails = "paths: there is no object at \"opt\" (`godwit graph",
  }, {
    name = "a path that is empty",
    input = function() return gw.objects { model = { w = gw.scalar(1.0) } } end,
    params = { paths = { "" } },
    fails = "paths: there is no object at \"\"",
  }, {
    name = "nothing to strip",
    input = function() return gw.variables { w = gw.scalar(1.0), global_step = gw.scalar(5, "int64") } end,
    fails = "has no slots and no powers of an optimizer",
    detects = false,
  }, {
    name = "names have no paths",
    input = function() return gw.variables { w = gw.scalar(1.0), ["w/Adam"] = gw.scalar(2.0) } end,
    params = { paths = { "optimizer" } },
    fails = "is name-based, and paths are objects' paths",
  } },
}

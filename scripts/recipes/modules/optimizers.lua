-- Optimizers of tf.compat.v1.train, whose slots are variables beside their variable (dense/kernel/Adam, dense/kernel/Adam_1),
-- as optimizers of Keras, and back. Used by the recipes *_tf1_to_keras and *_keras_to_tf1.
--
--   TF1 (tensorflow/python/training)                  Keras, legacy         Keras 2.11 and later (keras/src/optimizers)
--   Adam      m, v: VAR/Adam, VAR/Adam_1              m, v                  m, v
--             beta1_power, beta2_power                (computed)            (computed)
--   Adagrad   accumulator: VAR/Adagrad                accumulator           accumulator
--   Ftrl      accum, linear: VAR/Ftrl, VAR/Ftrl_1     accumulator, linear   accumulator, linear
--   RMSProp   rms, [mg if centered,] momentum:        rms, mg, momentum     velocity, average_gradient, momentum
--             VAR/RMSProp, VAR/RMSProp_1, ...
--   Momentum  momentum: VAR/Momentum                  momentum, times -lr   m, times -lr

local optimizers = {}

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

-- tf1: the class's own name, which its slots bear. slots: in the order in which TF1 makes them. of: Keras' names, and those
-- of its lists where the variables' names say nothing. hyper: numbers, as legacy Keras keeps them in variables.
local KINDS = {
  adam = {
    tf1 = "Adam", keras = "Adam", slots = { "m", "v" }, of = { m = "m", v = "v", _momentums = "m", _velocities = "v" },
    hyper = { "beta_1", "beta_2" }, program = "epsilon (1e-08 by default in TF1, 1e-07 in Keras)",
  },
  adagrad = {
    tf1 = "Adagrad", keras = "Adagrad", slots = { "accumulator" }, of = { accumulator = "accumulator", _accumulators = "accumulator" },
    hyper = {}, program = "epsilon (TF1 has none: epsilon=0, in legacy Keras epsilon=1e-30)",
  },
  ftrl = {
    tf1 = "Ftrl", keras = "Ftrl", slots = { "accumulator", "linear" },
    of = { accumulator = "accumulator", linear = "linear", _accumulators = "accumulator", _linears = "linear" },
    hyper = { "learning_rate_power", "l1_regularization_strength", "l2_regularization_strength", "beta" },
    program = "l2_shrinkage_regularization_strength",
  },
  rmsprop = {
    tf1 = "RMSProp", keras = "RMSprop", slots = { "rms", "momentum" }, centered = { "rms", "mg", "momentum" },
    of = { rms = "rms", velocity = "rms", _velocities = "rms", momentum = "momentum", _momentums = "momentum", mg = "mg",
      average_gradient = "mg", _average_gradients = "mg" },
    hyper = { "rho", "momentum" }, program = "epsilon (1e-10 by default in TF1, 1e-07 in Keras), centered",
  },
  momentum = {
    tf1 = "Momentum", keras = "SGD(momentum=...)", slots = { "momentum" }, of = { momentum = "momentum", m = "momentum", momentums = "momentum" },
    hyper = { "momentum" }, program = "nesterov",
  },
}

local function fail(what, ...) error(what:format(...), 0) end

--- The first few of many, for messages.
local function some(list)
  local text = table.concat(list, ", ", 1, math.min(#list, 5))
  return #list > 5 and ("%s and %d more"):format(text, #list - 5) or text
end

--- As many digits as a float32 has for sure.
local function shown(number) return ("%.7g"):format(number) end

-- ---- Parameters

optimizers.inputs = { "checkpoint", "into" }

local COMMON = {
  path = { type = "string", help = "the optimizer's path in the object-based checkpoint; without it: the only optimizer" },
  tf1_name = { type = "string", help = "what the TF1 optimizer was called (its argument name); without it: as its class" },
  scope = { type = "string", default = "", help = "a variable scope that the TF1 optimizer was made in, like OptimizeLoss/" },
  names = { type = "file", help = "lines with a TF1 name, and a Keras variable's path or full name, where they differ; # begins a comment" },
}
local TO_KERAS = {
  iterations = { type = "integer", help = "how many steps the optimizer has made; without it: what the checkpoint says" },
  global_step = { type = "string", default = "global_step", help = "the TF1 variable that counts steps" },
  missing = { type = "choice", choices = { "error", "keep" }, default = "error", help = "what TF1 does not have is an error, or stays as into has it" },
  learning_rate = { type = "number", help = "written into the Keras optimizer; without it: into's stays" },
  decay = { type = "number", help = "legacy Keras' decay of the learning rate (TF1's optimizers have none: 0); without it: into's stays" },
}
local TO_TF1 = {
  global_step = { type = "string", default = "global_step", help = "the variable that gets the optimizer's iterations; empty: none" },
}

local function with(params, own)
  local all = {}
  for _, group in ipairs { COMMON, params, own } do
    for name, param in pairs(group) do all[name] = param or nil end
  end
  return all
end

--- The parameters of every TF1 to Keras recipe, and a recipe's own; false takes one away.
function optimizers.to_keras_params(own) return with(TO_KERAS, own) end

--- The parameters of every Keras to TF1 recipe, and a recipe's own.
function optimizers.to_tf1_params(own) return with(TO_TF1, own) end

-- ---- The object-based side

--- The optimizer's object, and whether it is one of Keras 2.11 or later.
local function find_optimizer(ckpt, path)
  local function is_optimizer(node)
    if gw.graph.has(node, "_iterations") and gw.graph.has(node, "_variables") then return true end
    return gw.graph.has(node, "iter") and gw.graph.is_variable(node.iter)
  end
  local found, where
  if path then
    found = gw.graph.find(ckpt.root, path) or fail("%s has no object at \"%s\"", ckpt.path, path)
    if not is_optimizer(found) then fail("what %s has at \"%s\" is no Keras optimizer", ckpt.path, path) end
  else
    for at, node in gw.graph.walk(ckpt.root) do
      if is_optimizer(node) then
        if found then fail("%s has the optimizers %s and %s: say which with -p path=PATH", ckpt.path, where, at) end
        found, where = node, at
      end
    end
    if not found then
      fail("%s has no Keras optimizer: save Checkpoint(model=model, optimizer=optimizer), after one step or optimizer.build(...)", ckpt.path)
    end
  end
  return found, gw.graph.has(found, "_iterations")
end

--- variable -> slot -> node, by this file's names for slots.
local function slots_of(ckpt, optimizer, kind)
  local slots, seen, count = {}, {}, 0
  for name, variable, node in gw.graph.slots(optimizer) do
    local slot = kind.of[name]
    if not slot then
      fail("the optimizer of %s has a slot \"%s\" for %s, which Keras' %s does not have: was it made as another class, or with amsgrad, or with use_ema?",
        ckpt.path, name, gw.graph.path(variable), kind.keras)
    end
    slots[variable] = slots[variable] or {}
    slots[variable][slot] = node
    seen[slot], count = true, count + 1
  end
  if count == 0 then
    fail("the optimizer of %s has no slots yet: make one step, or call optimizer.build(model.trainable_variables), before it is saved", ckpt.path)
  end
  for _, slot in ipairs(kind.slots) do
    if not seen[slot] and not (kind.centered and slot == "momentum") then
      fail("the optimizer of %s has no slot \"%s\", which Keras' %s has: was it made as another class?", ckpt.path, slot, kind.keras)
    end
  end
  return slots, seen
end

--- Does the optimizer of an object-based checkpoint look like this kind? (Keras' Adamax and Nadam have Adam's slots.)
function optimizers.is_of(which, ckpt)
  if ckpt.kind ~= "objects" then return false end
  local found, optimizer = pcall(find_optimizer, ckpt)
  return found and pcall(slots_of, ckpt, optimizer, KINDS[which])
end

--- The variables that are not the optimizer's own, as a sequence of {node =, path =, name =}.
local function model_variables(ckpt, optimizer, slots)
  local own, found = {}, {}
  for _, node in gw.graph.walk(optimizer) do own[node] = not slots[node] end
  for path, node in gw.graph.walk(ckpt.root) do
    if gw.graph.is_variable(node) and not own[node] and path ~= "save_counter" then
      found[#found + 1] = { node = node, path = path, name = gw.graph.full_name(node) }
    end
  end
  return found
end

--- Gives each variable its TF1 name: the names file's, or the full name.
local function name_variables(ckpt, variables, file)
  local by = {}
  for _, variable in ipairs(variables) do
    variable.tf1 = variable.name
    by[variable.path] = { variable }
  end
  for _, variable in ipairs(variables) do
    local list = by[variable.name] or {}
    if list[1] ~= variable then list[#list + 1] = variable end
    by[variable.name] = list
  end
  local number = 0
  for line in file and file:lines() or function() end do
    number = number + 1
    local function wrong(what, ...) fail("%s:%d: %s", file.name, number, what:format(...)) end
    if not gw.match(line, [[^\s*(#.*)?$]]) then
      local tf1, keras = gw.match(line, [[^\s*(\S+)\s+(\S+)\s*$]])
      if not tf1 then wrong "neither two names nor a comment" end
      local list = by[keras] or wrong("%s has no variable at \"%s\", nor one with this full name", ckpt.path, keras)
      if #list > 1 then wrong("%s has several variables called \"%s\": give the path, one is %s", ckpt.path, keras, list[1].path) end
      if list[1].given then wrong("\"%s\" is named twice", keras) end
      list[1].tf1, list[1].given = tf1, true
    end
  end
  local owner = {}
  for _, variable in ipairs(variables) do
    local other = owner[variable.tf1]
    if other then
      fail("%s and %s of %s are both called \"%s\": say by -p names=@FILE which is which", other.path, variable.path, ckpt.path, variable.tf1)
    end
    owner[variable.tf1] = variable
  end
end

local function hyper_variable(optimizer, is_new, name)
  local key = is_new and "_" .. name or name
  local node = (not is_new or name == "learning_rate") and gw.graph.has(optimizer, key) and optimizer[key]
  return node and gw.graph.is_variable(node) and node or nil
end

local function put(ckpt, node, tensor) ckpt.vars[gw.graph.path(node) .. SUFFIX] = tensor end

-- ---- Adam's powers: beta ** (t + 1) after t steps, multiplied step by step in float32 (adam.py: _finish)

local function rounded(x) return (string.unpack("<f", string.pack("<f", x))) end

local SMALLEST = 2.0 ^ -126 -- below it, threads that flush subnormal numbers and those that do not differ
local MOST_STEPS = 4000000

local function same_power(a, b) return a == b or a < SMALLEST and b < SMALLEST end

--- What is left of beta after this many steps.
local function power_after(beta, steps)
  beta = rounded(beta)
  local power = beta
  for _ = 1, steps do
    local next_power = rounded(power * beta)
    if next_power == power then break end
    power = next_power
  end
  return power < SMALLEST and 0.0 or power
end

--- The number of steps by the formula, of a power that no optimizer multiplied but a program computed (as a restart does).
local function steps_by_formula(power_1, power_2, beta_1, beta_2)
  local steps
  for _, pair in ipairs { { power_1, beta_1 }, { power_2, beta_2 } } do
    local power, beta = pair[1], pair[2]
    if power >= SMALLEST then
      local exact = math.log(power) / math.log(beta) - 1
      local whole = math.tointeger(math.floor(exact + 0.5)) -- nil for what is no finite number
      if not whole or whole < 0 or math.abs(exact - whole) > 0.05 or steps and steps ~= whole then return nil end
      steps = whole
    end
  end
  return steps
end

--- The number of steps that leave these two powers; nil, "vanished" when both are 0 by now; nil when there is none.
local function steps_of(power_1, power_2, beta_1, beta_2)
  if power_1 < SMALLEST and power_2 < SMALLEST then return nil, "vanished" end
  local single_1, single_2 = rounded(beta_1), rounded(beta_2)
  local a, b = single_1, single_2
  for steps = 0, MOST_STEPS do
    if same_power(a, power_1) and same_power(b, power_2) then return steps end
    local next_a, next_b = rounded(a * single_1), rounded(b * single_2)
    if next_a == a and next_b == b then break end
    a, b = next_a, next_b
  end
  return steps_by_formula(power_1, power_2, beta_1, beta_2)
end

local function check_beta(name, beta)
  if not (beta >= 0 and beta < 1) then fail("%s is at least 0 and less than 1, not %s", name, shown(beta)) end
end

--- The names of the two powers: apply_gradients makes them in whatever name scope is open, and numbers those of more optimizers.
local function find_powers(ckpt, p)
  local first = p.beta1_power
  if not first then
    local found = {}
    for name in ckpt:each [[(^|/)beta1_power(_\d+)?$]] do
      if name:sub(1, #p.scope) == p.scope then found[#found + 1] = name end
    end
    if #found == 0 then fail("%s has no %sbeta1_power: is it of TF1's Adam? Give the steps that it has made with -p iterations=N", ckpt.path, p.scope) end
    if #found > 1 then fail("%s has %s: say with -p beta1_power=NAME which is this optimizer's", ckpt.path, some(found)) end
    first = found[1]
  end
  local names = { first, gw.sub(first, [[beta1_power(?=(_\d+)?$)]], "beta2_power") }
  for i = 1, 2 do
    local tensor = ckpt:get(names[i]) or fail("%s has no %s", ckpt.path, names[i])
    if not tensor:is_float() or tensor.rank ~= 0 then fail("%s of %s is %s%s, not a number", names[i], ckpt.path, tensor.dtype, tostring(tensor.shape)) end
  end
  return names[1], names[2]
end

local function global_step(ckpt, p)
  local step = ckpt:get(p.global_step)
  if not step then return nil end
  if not step:is_integer() or step.rank ~= 0 then fail("%s of %s is %s%s, not an integer", p.global_step, ckpt.path, step.dtype, tostring(step.shape)) end
  return step:value()
end

--- The steps that TF1's optimizer has made, and where that is known from.
local function iterations_of(kind, ckpt, p, used)
  local step = global_step(ckpt, p)
  if kind == KINDS.adam then
    check_beta("beta_1", p.beta_1)
    check_beta("beta_2", p.beta_2)
  end
  if p.iterations then
    if p.iterations < 0 then fail("iterations cannot be %d", p.iterations) end
    return p.iterations, "as given"
  end
  if kind == KINDS.adam then
    local names = { find_powers(ckpt, p) }
    local powers = { ckpt.vars[names[1]]:value(), ckpt.vars[names[2]]:value() }
    used[names[1]], used[names[2]] = true, true
    local steps, vanished = steps_of(powers[1], powers[2], p.beta_1, p.beta_2)
    used[p.global_step] = steps == step
    if steps then return steps, ("from %s and %s"):format(names[1], names[2]), step and step ~= steps and step end
    if not vanished then
      fail("no number of steps leaves %s=%s and %s=%s with beta_1=%s and beta_2=%s: which did the program have? If these, give the steps with -p iterations=N",
        names[1], shown(powers[1]), names[2], shown(powers[2]), shown(p.beta_1), shown(p.beta_2))
    end
    if not step then fail("%s and %s are 0 by now and there is no %s: give the steps with -p iterations=N", names[1], names[2], p.global_step) end
    used[p.global_step] = true
    return step, ("from %s, as %s and %s are 0 by now"):format(p.global_step, names[1], names[2])
  end
  if not step then
    fail("%s has no \"%s\": name the variable that counts steps with -p global_step=NAME, or give them with -p iterations=N", ckpt.path, p.global_step)
  end
  used[p.global_step] = true
  return step, "from " .. p.global_step
end

-- ---- TF1 to Keras

--- The TF1 name of that variable which has most of its end in common with `name`.
local function most_alike(name, variables)
  local best, most = variables[1].tf1, 0
  for _, variable in ipairs(variables) do
    local other, count = variable.tf1, 0
    while count < math.min(#name, #other) and name:byte(-count - 1) == other:byte(-count - 1) do count = count + 1 end
    if count > most then best, most = other, count end
  end
  return best
end

--- The TF1 optimizer's slots, in order: the n-th is called VAR/Adam, VAR/Adam_1, ...
local function tf1_slots(kind, ckpt, variables, stem)
  local found
  for _, variable in ipairs(variables) do
    local beside = ("%s%s/%s"):format(stem.scope, variable.tf1, stem.name)
    if ckpt:has(beside) then found = true end
    if kind.centered and ckpt:has(beside .. "_2") then return kind.centered end
  end
  if found then return kind.slots end
  local others, seen = {}, {}
  for name in ckpt:each() do
    local owner, slot = name:match "^(.*)/([^/]+)$"
    local scope, rest = (owner or ""):match "^([^/]+/)(.+)$"
    local form = owner and ckpt:has(owner) and "VARIABLE/" .. slot or rest and ckpt:has(rest) and scope .. "VARIABLE/" .. slot
    if form and not seen[form] then
      seen[form], others[#others + 1] = ckpt:has(owner) and owner or rest, form
    end
  end
  local named = seen[("%sVARIABLE/%s"):format(stem.scope, stem.name)]
  if named and #variables > 0 then
    fail("%s has slots of \"%s\" and others, and into has no variable of such a name, but \"%s\": rename what differs first, or give the " ..
      "pairs with -p names=@FILE", ckpt.path, named, most_alike(named, variables))
  end
  local hint = #others > 0 and "there is " .. some(others) or "it has no slots at all"
  if seen["VARIABLE/adam_m"] then
    hint = hint .. "; adam_m and adam_v are of BERT's AdamWeightDecayOptimizer, which does not correct the bias, as Keras' Adam does"
  end
  fail("%s has no %sVARIABLE/%s for any variable of into (%s): see -p tf1_name and -p scope, and -p names for variables with other names", ckpt.path,
    stem.scope, stem.name, hint)
end

local function check_fits(ckpt, name, tensor, into, node)
  local old = gw.graph.tensor(node)
  if tensor.shape ~= old.shape or tensor.dtype ~= old.dtype then
    fail("\"%s\" of %s is %s%s, and %s of %s is %s%s", name, ckpt.path, tensor.dtype, tostring(tensor.shape), gw.graph.path(node), into.path,
      old.dtype, tostring(old.shape))
  end
end

--- Writes what is given, and says what stays, and what is in no checkpoint.
local function put_hyper(kind, into, optimizer, is_new, p)
  local kept, program = {}, {}
  local names = { "learning_rate" }
  if not is_new then names[2] = "decay" end
  table.move(kind.hyper, 1, #kind.hyper, #names + 1, names)
  for _, name in ipairs(names) do
    local node = hyper_variable(optimizer, is_new, name)
    if node and p[name] then
      put(into, node, gw.scalar(p[name], gw.graph.tensor(node).dtype))
    elseif node then
      kept[#kept + 1] = ("%s=%s"):format(name, shown(gw.graph.tensor(node):value()))
    elseif name == "learning_rate" then
      program[#program + 1] = "the learning rate's schedule"
    else
      program[#program + 1] = p[name] and ("%s=%s"):format(name, shown(p[name])) or name
    end
  end
  program[#program + 1] = kind.program
  if #kept > 0 then print("left as into has it: " .. table.concat(kept, ", ")) end
  print("in no checkpoint, for the program to set: " .. table.concat(program, ", "))
end

--- Fills `into`, a checkpoint of the freshly built model and optimizer, with a TF1 Saver's values. `which`: a key of KINDS.
function optimizers.to_keras(which, ckpt, p, inputs)
  local kind, into = KINDS[which], inputs.into
  if ckpt.kind ~= "variables" then fail("%s is object-based: the first input is TF1's checkpoint", ckpt.path) end
  if into.kind ~= "objects" then fail("%s is name-based: into is a checkpoint of the freshly built TF2 model and optimizer", into.path) end
  if p.scope ~= "" and p.scope:sub(-1) ~= "/" then fail("the scope '%s' does not end in '/'", p.scope) end
  if which == "momentum" and p.learning_rate <= 0 then fail("the learning rate is greater than 0, not %s", shown(p.learning_rate)) end
  local optimizer, is_new = find_optimizer(into, p.path)
  if is_new and p.decay and p.decay ~= 0 then fail("%s: Keras optimizers since 2.11 have no decay", into.path) end
  local slots, has = slots_of(into, optimizer, kind)
  local variables = model_variables(into, optimizer, slots)
  name_variables(into, variables, p.names)
  local stem = { scope = p.scope, name = p.tf1_name or kind.tf1 }
  local order = tf1_slots(kind, ckpt, variables, stem)
  if kind.centered and (order == kind.centered) ~= (has.mg == true) then
    fail("TF1's optimizer was made with centered=%s, and into's with centered=%s", tostring(order == kind.centered), tostring(has.mg == true))
  end

  if kind.centered and p.momentum and (p.momentum > 0) ~= (has.momentum == true) then
    fail("momentum=%s is given, and into's optimizer was made with%s momentum", shown(p.momentum), has.momentum and "" or "out")
  end

  local used, missing, metrics = {}, {}, 0
  local function fill(node, name, factor)
    local tensor = ckpt:get(name)
    if not tensor then
      missing[#missing + 1] = name
      return
    end
    check_fits(ckpt, name, tensor, into, node)
    put(into, node, factor and tensor * factor or tensor)
    used[name] = true
  end
  local factor = which == "momentum" and -p.learning_rate or nil
  for _, variable in ipairs(variables) do
    local own = slots[variable.node]
    if not own and not variable.given and gw.match(variable.path, "(^|/)keras_api/") and not ckpt:has(variable.tf1) then
      metrics = metrics + 1
    else
      fill(variable.node, variable.tf1)
    end
    for i, slot in ipairs(own and order or {}) do
      local name = ("%s%s/%s%s"):format(stem.scope, variable.tf1, stem.name, i > 1 and "_" .. i - 1 or "")
      if own[slot] then fill(own[slot], name, factor) else used[name] = ckpt:has(name) end
    end
  end
  if #missing > 0 and p.missing == "error" then
    fail("%s has no %s: name what is called otherwise with -p names=@FILE, or leave these as into has them with -p missing=keep", ckpt.path, some(missing))
  end

  local iterations, source, step = iterations_of(kind, ckpt, p, used)
  local counter = is_new and optimizer._iterations or optimizer.iter
  put(into, counter, gw.scalar(iterations, gw.graph.tensor(counter).dtype))
  print(("iterations=%d, %s"):format(iterations, source))
  if step then
    print(("note: %s is %d; Keras has one counter for the bias correction and for schedules. -p iterations=%d takes the other"):format(
      p.global_step, step, step))
  end
  put_hyper(kind, into, optimizer, is_new, p)
  if kind.centered and not has.momentum then print "left out: TF1's momentum slots, as into's optimizer was made with momentum=0" end
  if kind.centered and not has.momentum and not is_new then
    print "note: legacy Keras without momentum divides by sqrt(rms) + epsilon, TF1 by sqrt(rms + epsilon): the same for an epsilon that is small beside rms"
  end
  if metrics > 0 then print(("left as into has them: %d variables of metrics"):format(metrics)) end
  if #missing > 0 then print(("left as into has them, as TF1 has no %s"):format(some(missing))) end
  local unused = {}
  for name in ckpt:each() do
    if not used[name] then unused[#unused + 1] = name end
  end
  if #unused > 0 then print(("%d of TF1's variables have no place in into: %s"):format(#unused, some(unused))) end
  return into
end

-- ---- Keras to TF1

--- A number that is in the checkpoint, or given, or both alike.
local function hyper_of(ckpt, optimizer, is_new, p, name)
  local node = hyper_variable(optimizer, is_new, name)
  local stored = node and gw.graph.tensor(node):value()
  if not stored then return p[name] or fail("%s is not in %s: give it with -p %s=NUMBER", name, ckpt.path, name) end
  if p[name] and math.abs(rounded(p[name]) - stored) > 1e-6 * math.abs(stored) then
    fail("%s is %s in %s, and given as %s", name, shown(stored), ckpt.path, shown(p[name]))
  end
  return stored
end

--- A Saver's checkpoint of the variables and slots of an object-based one. `which`: a key of KINDS.
function optimizers.to_tf1(which, ckpt, p)
  local kind = KINDS[which]
  if ckpt.kind ~= "objects" then fail("%s is name-based already", ckpt.path) end
  if p.scope ~= "" and p.scope:sub(-1) ~= "/" then fail("the scope '%s' does not end in '/'", p.scope) end
  local optimizer, is_new = find_optimizer(ckpt, p.path)
  local slots, has = slots_of(ckpt, optimizer, kind)
  local variables = model_variables(ckpt, optimizer, slots)
  name_variables(ckpt, variables, p.names)

  local made = {}
  local function add(name, tensor, path)
    if made[name] then fail("\"%s\" would be there twice; one is %s: rename it with -p names=@FILE", name, path) end
    made[name] = tensor
  end
  local order = has.mg and kind.centered or kind.slots
  local factor
  if which == "momentum" then
    local rate = hyper_of(ckpt, optimizer, is_new, p, "learning_rate")
    if rate <= 0 then fail("the learning rate is %s, and the slots of Keras are TF1's times -learning_rate: they cannot be had back", shown(rate)) end
    factor = rate
  end
  local metrics = 0
  for _, variable in ipairs(variables) do
    if gw.match(variable.path, "(^|/)keras_api/") and not variable.given then
      metrics = metrics + 1
    else
      add(variable.tf1, gw.graph.tensor(variable.node), variable.path)
    end
  end
  for _, variable in ipairs(variables) do
    local own = slots[variable.node]
    for i, slot in ipairs(own and order or {}) do
      local node = own[slot]
      local tensor = node and gw.graph.tensor(node)
      if not tensor then -- RMSprop without momentum: TF1 keeps a slot that it multiplies with 0
        local weight = gw.graph.tensor(variable.node)
        tensor = gw.zeros(weight.shape, weight.dtype)
      end
      add(("%s%s/%s%s"):format(p.scope, variable.tf1, p.tf1_name or kind.tf1, i > 1 and "_" .. i - 1 or ""), factor and -tensor / factor or tensor,
        variable.path)
    end
  end
  local counter = gw.graph.tensor(is_new and optimizer._iterations or optimizer.iter)
  if which == "adam" then
    for i, name in ipairs { "beta_1", "beta_2" } do
      local beta = hyper_of(ckpt, optimizer, is_new, p, name)
      check_beta(name, beta)
      add(("%sbeta%d_power"):format(p.scope, i), gw.scalar(power_after(beta, counter:value()), "float32"), name)
    end
  end
  if p.global_step ~= "" and not made[p.global_step] then add(p.global_step, counter:cast "int64", "iterations") end
  if metrics > 0 then print(("left out: %d variables of metrics"):format(metrics)) end
  local program = { "learning_rate" }
  table.move(kind.hyper, 1, #kind.hyper, 2, program)
  print(("a TF1 checkpoint has none of these, for the program to set: %s, %s"):format(table.concat(program, ", "), kind.program))
  return gw.variables(made)
end

return optimizers

-- The recipes that carry an optimizer's state between TF1's Saver and Keras: values by hand; that training goes on the same is
-- shown with TensorFlow (spec/tensorflow/optimizers_test.py).

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local folder
before_each(function() folder = scratch.folder() end)

local NAMES = { "adam", "adagrad", "ftrl", "momentum", "rmsprop" }

local function run(...)
  local _, err, status = program.run("run", ...)
  return status == 0 and gw.open(folder .. "/out") or nil, err, status
end

local function to_keras(name, ...) return run(name .. "_tf1_to_keras", folder .. "/tf1", "into=" .. folder .. "/fresh", "-o", folder .. "/out", ...) end
local function to_tf1(name, ...) return run(name .. "_keras_to_tf1", folder .. "/keras", "-o", folder .. "/out", ...) end

local function refused(expected, name, ...)
  local _, err, status = to_keras(name, ...)
  assert.equal(3, status, err)
  assert.equal("godwit: " .. expected:gsub("DIR", folder), (err:gsub("\n$", "")))
end

local function pair(a, b) return gw.tensor { a, b } end

local function variable(name) return gw.variable(gw.zeros { 2 }, { full_name = name }) end

--- What Checkpoint(model=..., optimizer=...) has for legacy optimizers: slot edges.
local function legacy(slots, hyper)
  local optimizer = { iter = gw.scalar(0, "int64") }
  for name, value in pairs(hyper or { learning_rate = 0.5, decay = 0.0 }) do optimizer[name] = gw.scalar(value) end
  local ckpt = gw.objects { model = { w = variable "w", frozen = variable "frozen" }, optimizer = optimizer }
  for _, slot in ipairs(slots) do gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.model.w, slot, gw.zeros { 2 }) end
  return ckpt
end

--- And for those of Keras 2.11 and later: lists by position.
local function positional(lists)
  local counter, all, optimizer = gw.variable(gw.scalar(0, "int64"), { full_name = "iteration" }), {}, {}
  all[1] = counter
  for _, list in ipairs(lists) do
    local slot = variable(list[2] .. "/w")
    all[#all + 1] = slot
    optimizer[#optimizer + 1] = { list[1], { slot } }
  end
  table.insert(optimizer, 1, { "_iterations", counter })
  table.insert(optimizer, 1, { "_variables", all })
  optimizer[#optimizer + 1] = { "_learning_rate", gw.scalar(0.5) }
  return gw.objects { model = { w = variable "w", frozen = variable "frozen" }, optimizer = gw.dict(optimizer) }
end

local function tf1(vars)
  vars.w, vars.frozen = pair(1.0, 2.0), pair(3.0, 4.0)
  return gw.variables(vars)
end

local function slots_of(ckpt)
  local slots = {}
  for name, _, slot in gw.graph.slots(ckpt.root.optimizer) do slots[name] = gw.graph.tensor(slot):value() end
  return slots
end

--- Adam after 3 steps with powers of two, so that all is exact.
local function adam()
  return tf1 {
    ["w/Adam"] = pair(5.0, 6.0), ["w/Adam_1"] = pair(7.0, 8.0), beta1_power = gw.scalar(0.5 ^ 4), beta2_power = gw.scalar(0.75 ^ 4),
    global_step = gw.scalar(1003, "int64"),
  }
end
local BETAS = { "-p", "beta_1=0.5", "-p", "beta_2=0.75" }
local M_V = { { "_momentums", "m" }, { "_velocities", "v" } }

describe("TF1 to Keras", function()
  local cases = {
    { "adam", { ["w/Adam"] = pair(5.0, 6.0), ["w/Adam_1"] = pair(7.0, 8.0), beta1_power = gw.scalar(0.5 ^ 4), beta2_power = gw.scalar(0.75 ^ 4) },
      { "m", "v" }, M_V, { m = { 5.0, 6.0 }, v = { 7.0, 8.0 } }, BETAS },
    { "adagrad", { ["w/Adagrad"] = pair(5.0, 6.0) }, { "accumulator" }, { { "_accumulators", "accumulator" } }, { accumulator = { 5.0, 6.0 } }, {} },
    { "ftrl", { ["w/Ftrl"] = pair(5.0, 6.0), ["w/Ftrl_1"] = pair(7.0, 8.0) }, { "accumulator", "linear" },
      { { "_accumulators", "accumulator" }, { "_linears", "linear" } }, { accumulator = { 5.0, 6.0 }, linear = { 7.0, 8.0 } }, {} },
    { "momentum", { ["w/Momentum"] = pair(5.0, 6.0) }, { "momentum" }, { { "momentums", "m" } }, { momentum = { -1.25, -1.5 }, m = { -1.25, -1.5 } },
      { "-p", "learning_rate=0.25" } },
    { "rmsprop", { ["w/RMSProp"] = pair(5.0, 6.0), ["w/RMSProp_1"] = pair(7.0, 8.0), ["w/RMSProp_2"] = pair(9.0, 10.0) }, { "rms", "momentum", "mg" },
      { { "_velocities", "velocity" }, { "_momentums", "momentum" }, { "_average_gradients", "average_gradient" } },
      { rms = { 5.0, 6.0 }, velocity = { 5.0, 6.0 }, mg = { 7.0, 8.0 }, average_gradient = { 7.0, 8.0 }, momentum = { 9.0, 10.0 } }, {} },
  }
  for _, case in ipairs(cases) do
    local name, vars, edges, lists, expected, flags = table.unpack(case)
    for _, kind in ipairs { "legacy", "new" } do
      it(("fills the slots of a %s %s"):format(kind, name), function()
        local saved = { global_step = gw.scalar(3, "int64") }
        for key, value in pairs(vars) do saved[key] = value end
        tf1(saved):save(folder .. "/tf1")
        local fresh = kind == "legacy" and legacy(edges) or positional(lists)
        fresh:save(folder .. "/fresh")
        local out, err = to_keras(name, table.unpack(flags))
        assert.is_truthy(out, err)
        local slots, count = slots_of(out), 0
        for slot, value in pairs(slots) do
          assert.same(expected[slot], value, slot)
          count = count + 1
        end
        assert.equal(kind == "legacy" and #edges or #lists, count)
        local optimizer = out.root.optimizer
        assert.equal(3, gw.graph.tensor(kind == "legacy" and optimizer.iter or optimizer._iterations):value())
        assert.same({ 1.0, 2.0 }, gw.graph.tensor(out.root.model.w):value())
        assert.same({ 3.0, 4.0 }, gw.graph.tensor(out.root.model.frozen):value())
      end)
    end
  end

  it("counts Adam's steps by its powers, and says when global_step is another number", function()
    adam():save(folder .. "/tf1")
    positional(M_V):save(folder .. "/fresh")
    local out, err = to_keras("adam", "-p", "learning_rate=0.125", table.unpack(BETAS))
    assert.equal(3, gw.graph.tensor(out.root.optimizer._iterations):value())
    assert.equal(0.125, gw.graph.tensor(out.root.optimizer._learning_rate):value())
    assert.equal([[
iterations=3, from beta1_power and beta2_power
note: global_step is 1003; Keras has one counter for the bias correction and for schedules. -p iterations=1003 takes the other
in no checkpoint, for the program to set: beta_1=0.5, beta_2=0.75, epsilon (1e-08 by default in TF1, 1e-07 in Keras)
1 of TF1's variables have no place in into: global_step
]], err)
    out = to_keras("adam", "--force", "-p", "iterations=12", table.unpack(BETAS))
    assert.equal(12, gw.graph.tensor(out.root.optimizer._iterations):value())
  end)

  it("knows powers that float32 products leave, and those that a formula gives", function()
    local product, steps = string.unpack("<f", string.pack("<f", 0.9999)), 20000
    local beta = product
    for _ = 1, steps do product = string.unpack("<f", string.pack("<f", product * beta)) end
    assert.is_true(math.abs(math.log(product) / math.log(0.9999) - 1 - steps) > 1) -- rounding alone is worth several steps
    positional(M_V):save(folder .. "/fresh")
    for _, case in ipairs { { 0.0, product, steps }, { 0.5 ^ 101, 0.9999 ^ 101, 100 }, { 0.0, 0.9999 ^ 30001, 30000 } } do
      local ckpt = adam()
      ckpt.vars.beta1_power, ckpt.vars.beta2_power = gw.scalar(case[1]), gw.scalar(case[2])
      ckpt:save(folder .. "/tf1", { force = true })
      local out, err = to_keras("adam", "--force", "-p", "beta_1=0.5", "-p", "beta_2=0.9999")
      assert.is_truthy(out, err)
      assert.equal(case[3], gw.graph.tensor(out.root.optimizer._iterations):value())
    end
  end)

  it("takes global_step once Adam's powers have vanished", function()
    local ckpt = adam()
    ckpt.vars.beta1_power, ckpt.vars.beta2_power = gw.scalar(0.0), gw.scalar(0.0)
    ckpt:save(folder .. "/tf1")
    positional(M_V):save(folder .. "/fresh")
    local out = to_keras("adam", table.unpack(BETAS))
    assert.equal(1003, gw.graph.tensor(out.root.optimizer._iterations):value())
    ckpt.vars.global_step = nil
    ckpt:save(folder .. "/tf1", { force = true })
    refused("beta1_power and beta2_power are 0 by now and there is no global_step: give the steps with -p iterations=N", "adam", "--force",
      table.unpack(BETAS))
  end)

  it("writes what a legacy optimizer has as variables, and says what it leaves", function()
    adam():save(folder .. "/tf1")
    legacy({ "m", "v" }, { learning_rate = 0.5, decay = 0.25, beta_1 = 0.9, beta_2 = 0.9 }):save(folder .. "/fresh")
    local out, err = to_keras("adam", table.unpack(BETAS))
    local optimizer = out.root.optimizer
    assert.same({ 0.5, 0.75, 0.5, 0.25 }, { gw.graph.tensor(optimizer.beta_1):value(), gw.graph.tensor(optimizer.beta_2):value(),
      gw.graph.tensor(optimizer.learning_rate):value(), gw.graph.tensor(optimizer.decay):value() })
    assert.matches("left as into has it: learning_rate=0.5, decay=0.25\n", err, 1, true)
  end)

  it("finds variables by a file of names, and slots by the optimizer's name and scope", function()
    local ckpt = gw.variables {
      ["a/kernel"] = pair(1.0, 2.0), ["a/frozen"] = pair(3.0, 4.0), ["opt/a/kernel/My"] = pair(5.0, 6.0), ["opt/a/kernel/My_1"] = pair(7.0, 8.0),
      beta1_power = gw.scalar(0.5), beta2_power = gw.scalar(0.5), ["opt/beta1_power"] = gw.scalar(0.25), ["opt/beta2_power"] = gw.scalar(0.75 ^ 2),
    }
    ckpt:save(folder .. "/tf1")
    positional(M_V):save(folder .. "/fresh")
    scratch.write(folder .. "/names", "# TF1 and Keras\n\na/kernel model/w\n  a/frozen\tfrozen\r\n")
    local out, err = to_keras("adam", "-p", "names=@" .. folder .. "/names", "-p", "tf1_name=My", "-p", "scope=opt/", table.unpack(BETAS))
    assert.is_truthy(out, err)
    assert.same({ m = { 5.0, 6.0 }, v = { 7.0, 8.0 } }, slots_of(out))
    assert.equal(1, gw.graph.tensor(out.root.optimizer._iterations):value())
    assert.same({ 3.0, 4.0 }, gw.graph.tensor(out.root.model.frozen):value())
    refused("DIR/tf1 has no VARIABLE/Adam for any variable of into (there is opt/VARIABLE/My, opt/VARIABLE/My_1): see -p tf1_name and -p scope, " ..
      "and -p names for variables with other names", "adam", "--force", "-p", "names=@" .. folder .. "/names", table.unpack(BETAS))
  end)

  it("shows two names that differ where slots are there, but of variables with other names", function()
    local ckpt = adam()
    ckpt:rename_scope("/", "net/")
    ckpt:save(folder .. "/tf1")
    positional(M_V):save(folder .. "/fresh")
    refused("DIR/tf1 has slots of \"net/w\" and others, and into has no variable of such a name, but \"w\": rename what differs first, " ..
      "or give the pairs with -p names=@FILE", "adam", table.unpack(BETAS))
  end)

  it("asks which powers are the optimizer's where there are several", function()
    local ckpt = adam()
    ckpt.vars.beta1_power_1, ckpt.vars.beta2_power_1 = gw.scalar(0.25), gw.scalar(0.75 ^ 2)
    ckpt:save(folder .. "/tf1")
    positional(M_V):save(folder .. "/fresh")
    refused("DIR/tf1 has beta1_power, beta1_power_1: say with -p beta1_power=NAME which is this optimizer's", "adam", table.unpack(BETAS))
    local out = to_keras("adam", "-p", "beta1_power=beta1_power_1", table.unpack(BETAS))
    assert.equal(1, gw.graph.tensor(out.root.optimizer._iterations):value())
    refused("DIR/tf1 has no nothing", "adam", "--force", "-p", "beta1_power=nothing", table.unpack(BETAS))
  end)

  it("keeps what TF1 does not have only when asked", function()
    local ckpt = adam()
    ckpt.vars.frozen = nil
    ckpt:save(folder .. "/tf1")
    positional(M_V):save(folder .. "/fresh")
    refused("DIR/tf1 has no frozen: name what is called otherwise with -p names=@FILE, or leave these as into has them with -p missing=keep", "adam",
      table.unpack(BETAS))
    local out, err = to_keras("adam", "-p", "missing=keep", table.unpack(BETAS))
    assert.same({ 0.0, 0.0 }, gw.graph.tensor(out.root.model.frozen):value())
    assert.matches("left as into has them, as TF1 has no frozen\n", err, 1, true)
  end)

  describe("refuses", function()
    before_each(function()
      adam():save(folder .. "/tf1")
      positional(M_V):save(folder .. "/fresh")
    end)

    for what, case in pairs {
      ["betas that are not the optimizer's"] = {
        "no number of steps leaves beta1_power=0.0625 and beta2_power=0.3164062 with beta_1=0.5 and beta_2=0.5: which did the program have? " ..
        "If these, give the steps with -p iterations=N", { "-p", "beta_1=0.5", "-p", "beta_2=0.5" },
      },
      ["betas that cannot be"] = { "beta_2 is at least 0 and less than 1, not 1", { "-p", "beta_1=0.5", "-p", "beta_2=1" } },
      ["a scope without /"] = { "the scope 'opt' does not end in '/'", { "-p", "scope=opt", table.unpack(BETAS) } },
      ["a name that no slot has"] = {
        "DIR/tf1 has no VARIABLE/Nadam for any variable of into (there is VARIABLE/Adam, VARIABLE/Adam_1): see -p tf1_name and -p scope, " ..
        "and -p names for variables with other names", { "-p", "tf1_name=Nadam", table.unpack(BETAS) },
      },
      ["a path without an optimizer"] = { "what DIR/fresh has at \"model\" is no Keras optimizer", { "-p", "path=model", table.unpack(BETAS) } },
      ["a decay that Keras does not have"] = { "DIR/fresh: Keras optimizers since 2.11 have no decay", { "-p", "decay=0.5", table.unpack(BETAS) } },
      ["steps below 0"] = { "iterations cannot be -1", { "-p", "iterations=-1", table.unpack(BETAS) } },
    } do
      it(what, function() refused(case[1], "adam", table.unpack(case[2])) end)
    end

    it("a file of names with a mistake, at its line", function()
      for text, expected in pairs {
        ["w"] = "1: neither two names nor a comment", ["\nw nowhere"] = "2: DIR/fresh has no variable at \"nowhere\", nor one with this full name",
        ["a w\nb model/w"] = "2: \"model/w\" is named twice",
      } do
        scratch.write(folder .. "/names", text)
        refused("DIR/names:" .. expected, "adam", "-p", "names=@" .. folder .. "/names", table.unpack(BETAS))
      end
      scratch.write(folder .. "/names", "w frozen\n")
      refused("model/frozen and model/w of DIR/fresh are both called \"w\": say by -p names=@FILE which is which", "adam", "-p",
        "names=@" .. folder .. "/names", table.unpack(BETAS))
    end)

    it("other shapes", function()
      local ckpt = adam()
      ckpt.vars["w/Adam"] = gw.zeros { 3 }
      ckpt:save(folder .. "/tf1", { force = true })
      refused("\"w/Adam\" of DIR/tf1 is float32[3], and optimizer/_variables/1 of DIR/fresh is float32[2]", "adam", table.unpack(BETAS))
    end)

    it("optimizers of another class, and such as were never built", function()
      refused("the optimizer of DIR/fresh has a slot \"m\" for model/w, which Keras' Adagrad does not have: was it made as another class, " ..
        "or with amsgrad, or with use_ema?", "adagrad")
      positional({ { "_velocities", "v" } }):save(folder .. "/fresh", { force = true })
      refused("the optimizer of DIR/fresh has no slot \"m\", which Keras' Adam has: was it made as another class?", "adam", table.unpack(BETAS))
      legacy({}):save(folder .. "/fresh", { force = true })
      refused("the optimizer of DIR/fresh has no slots yet: make one step, or call optimizer.build(model.trainable_variables), before it is saved",
        "adam", table.unpack(BETAS))
      gw.objects({ w = variable "w" }):save(folder .. "/fresh", { force = true })
      refused("DIR/fresh has no Keras optimizer: save Checkpoint(model=model, optimizer=optimizer), after one step or optimizer.build(...)", "adam",
        table.unpack(BETAS))
    end)

    it("the two inputs the wrong way round", function()
      local _, err = run("adam_tf1_to_keras", folder .. "/fresh", folder .. "/tf1", "-o", folder .. "/out", table.unpack(BETAS))
      assert.matches("/fresh is object-based: the first input is TF1's checkpoint", err, 1, true)
    end)

    it("a decay for RMSProp, which is rho in Keras", function()
      local _, err, status = to_keras("rmsprop", "-p", "decay=0.9")
      assert.equal(2, status)
      assert.matches("there is no parameter 'decay'", err, 1, true)
    end)

    it("a momentum that the optimizer was not made with", function()
      tf1({ ["w/RMSProp"] = pair(5.0, 6.0), ["w/RMSProp_1"] = pair(7.0, 8.0), global_step = gw.scalar(3, "int64") }):save(folder .. "/tf1", { force = true })
      legacy({ "rms" }):save(folder .. "/fresh", { force = true })
      refused("momentum=0.9 is given, and into's optimizer was made without momentum", "rmsprop", "-p", "momentum=0.9")
      local _, err = to_keras("rmsprop")
      assert.matches("left out: TF1's momentum slots, as into's optimizer was made with momentum=0\n", err, 1, true)
    end)
  end)
end)

describe("Keras to TF1", function()
  it("gives Adam's powers by the steps, and global_step", function()
    local ckpt = positional(M_V)
    ckpt.root.optimizer._iterations = gw.scalar(3, "int64")
    ckpt.root.optimizer._momentums["0"] = pair(5.0, 6.0)
    ckpt:save(folder .. "/keras")
    local out, err = to_tf1("adam", table.unpack(BETAS))
    assert.is_truthy(out, err)
    assert.same({ 0.5 ^ 4, 0.75 ^ 4, 3, 5.0 }, { out.vars.beta1_power:value(), out.vars.beta2_power:value(), out.vars.global_step:value(),
      out.vars["w/Adam"]:value()[1] })
    assert.is_false(out:has "frozen/Adam")
    assert.equal(7, #out)
    out = to_tf1("adam", "--force", "-p", "global_step=", "-p", "tf1_name=My", "-p", "scope=opt/", table.unpack(BETAS))
    assert.is_true(out:has "opt/w/My_1" and out:has "opt/beta2_power" and not out:has "global_step")
    out, err = to_tf1("adam", "--force")
    assert.is_nil(out)
    assert.matches("beta_1 is not in .*/keras: give it with %-p beta_1=NUMBER", err)
  end)

  it("divides Keras' momentum by the rate, which the checkpoint knows", function()
    local ckpt = legacy({ "momentum" })
    gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.model.w, "momentum", pair(-1.0, 2.0))
    ckpt:save(folder .. "/keras")
    assert.same({ 2.0, -4.0 }, to_tf1("momentum").vars["w/Momentum"]:value())
    local _, err = to_tf1("momentum", "--force", "-p", "learning_rate=0.25")
    assert.matches("learning_rate is 0.5 in .*, and given as 0.25", err)
    gw.graph.tensor(ckpt.root.optimizer.learning_rate)
    ckpt.root.optimizer.learning_rate = gw.scalar(0.0)
    ckpt:save(folder .. "/keras", { force = true })
    _, err = to_tf1("momentum", "--force")
    assert.matches("the learning rate is 0, and the slots of Keras are TF1's times -learning_rate: they cannot be had back", err, 1, true)
  end)

  it("makes the momentum slot of zeros that TF1's RMSProp always has", function()
    local ckpt = legacy({ "rms" })
    gw.graph.set_slot(ckpt.root.optimizer, ckpt.root.model.w, "rms", pair(5.0, 6.0))
    ckpt:save(folder .. "/keras")
    local out = to_tf1("rmsprop")
    assert.same({ 5.0, 6.0 }, out.vars["w/RMSProp"]:value())
    assert.same({ 0.0, 0.0 }, out.vars["w/RMSProp_1"]:value())
  end)
end)

describe("what the recipes share", function()
  it("is no recipe", function()
    local _, err, status = program.run("run", "modules.optimizers", folder .. "/tf1", "-o", folder .. "/out")
    assert.equal(2, status)
    assert.matches("there is no recipe 'modules.optimizers'", err, 1, true)
    _, err = program.run("run", "no_such_recipe_at_all", folder .. "/tf1", "-o", folder .. "/out")
    assert.matches("momentum_tf1_to_keras", err, 1, true)
    assert.not_matches("modules", err, 1, true)
  end)

  it("is not seen by recipes that are files", function()
    scratch.write(folder .. "/r.lua", "require 'modules.optimizers' return function() end")
    local _, err, status = program.run("run", folder .. "/r.lua", scratch.DIGITS, "-o", folder .. "/out")
    assert.equal(3, status)
    assert.matches("there is no module 'modules.optimizers'", err, 1, true)
  end)
end)

describe("the recipes' own", function()
  for _, name in ipairs(NAMES) do
    for _, way in ipairs { "_tf1_to_keras", "_keras_to_tf1" } do
      it(("tests of %s%s pass, and it detects its kind"):format(name, way), function()
        local env = setmetatable({ gw = gw }, { __index = _G })
        env.require = function(module)
          return assert(loadfile("scripts/recipes/" .. module:gsub("%.", "/") .. ".lua", "t", env))()
        end
        local recipe = assert(loadfile("scripts/recipes/" .. name .. way .. ".lua", "t", env))()
        env.print = function() end
        for _, test in ipairs(recipe.tests) do
          local given, params = test.input(), { scope = "", global_step = "global_step", missing = "error" }
          for key, value in pairs(test.params or {}) do params[key] = value end
          local ckpt, inputs = type(given) == "table" and given[1] or given, { into = type(given) == "table" and given[2] or nil }
          if test.fails then
            assert.error_matches(function() recipe.run(ckpt, params, inputs) end, test.fails, 1, true)
          else
            assert.is_true((recipe.detect(ckpt)))
            test.expect(recipe.run(ckpt, params, inputs))
          end
        end
        assert.is_false((recipe.detect(gw.open(scratch.GUIDE .. "tf2-lists-1"))))
      end)
    end
  end
end)

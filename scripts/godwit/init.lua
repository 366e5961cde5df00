-- The Lua API: what a recipe, the command line and `require "godwit"` see. The reference is scripts/README.md, the
-- annotations are in meta.lua. In a recipe's sandbox `open` is taken away again (guest.lua).

local core = require "godwit.core"
core.home()
require "godwit.draft"
require "godwit.match"
require "godwit.assign"
require "godwit.warm_start"
local vocab = require "godwit.vocab"
local objects = require "godwit.graph"

local gw = { version = core.version, graph = objects.graph, objects = objects.objects, dict = objects.dict, variable = objects.variable }

--- Raises the recipe's own mistake at the caller's line.
local function fail(what, ...) core.fail { class = "recipe", what = what:format(...) } end

function gw.open(path)
  if type(path) ~= "string" then fail("gw.open takes a path, not %s", core.what(path)) end
  return core.open((core.locate(path))):draft()
end

function gw.recipe(name)
  if type(name) ~= "string" then fail("gw.recipe takes a recipe's name or file, not %s", core.what(name)) end
  return require "godwit.library".callable(name)
end

--- The keys of a table or of `ckpt.vars`, sorted, so that the same recipe gives the same plan.
local function sorted_names(tensors)
  local names = {}
  for name in pairs(tensors) do
    if type(name) ~= "string" then fail("gw.variables takes names (strings), not %s", core.what(name)) end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- The variables of a dictionary node by their keys.
local function variables_of(node)
  local tensors = {}
  for name, child in pairs(node) do
    if not core.node_is_variable(child) then fail("gw.variables takes a dictionary of variables, and '%s' is none", name) end
    tensors[name] = core.node_tensor(child)
  end
  return tensors
end

function gw.variables(tensors)
  if type(tensors) ~= "table" and type(tensors) ~= "userdata" then
    fail("gw.variables takes a table from names to tensors, not %s", core.what(tensors))
  end
  if core.node_is(tensors) then tensors = variables_of(tensors) end
  local draft = core.draft()
  local vars = draft.vars
  for _, name in ipairs(sorted_names(tensors)) do vars[name] = tensors[name] end
  return draft
end

function gw.match(name, regex)
  if type(name) ~= "string" or type(regex) ~= "string" then fail("gw.match takes a name and a pattern") end
  return core.match(name, regex)
end

function gw.sub(name, regex, replacement)
  if type(name) ~= "string" or type(regex) ~= "string" or type(replacement) ~= "string" then
    fail("gw.sub takes a name, a pattern and a replacement")
  end
  return core.sub(name, regex, replacement)
end

local function check_dtype(dtype)
  if dtype ~= nil and type(dtype) ~= "string" then fail("a dtype is a string like \"float32\", not %s", core.what(dtype)) end
end

--- Calls a maker of core, whose messages have no position of their own when a script calls it.
local function make(maker, ...)
  local ok, result = pcall(maker, ...)
  if ok then return result end
  if type(result) ~= "string" then error(result, 0) end
  fail("%s", (result:gsub("^%[godwit [^]]*%]:%d+: ", "")))
end

function gw.scalar(value, dtype)
  check_dtype(dtype)
  if type(value) == "table" and dtype ~= "complex64" and dtype ~= "complex128" then
    fail("gw.scalar takes one value; gw.tensor takes nested tables")
  end
  if value == nil then fail("gw.scalar takes a value") end
  return make(core.tensor, value, dtype)
end

function gw.tensor(values, dtype)
  check_dtype(dtype)
  if values == nil then fail("gw.tensor takes a value or nested tables of values") end
  return make(core.tensor, values, dtype)
end

function gw.strings(values)
  if values == nil then fail("gw.strings takes a string or nested tables of strings") end
  return make(core.tensor, values, "string")
end

local function check_shape(shape)
  if type(shape) ~= "table" then fail("a shape is a table like {2, 3} ({} for a scalar), not %s", core.what(shape)) end
end

function gw.full(shape, value, dtype)
  check_shape(shape)
  check_dtype(dtype)
  if value == nil then fail("gw.full takes a shape and a value") end
  return make(core.full, shape, value, dtype)
end

function gw.zeros(shape, dtype)
  check_shape(shape)
  check_dtype(dtype)
  return make(core.full, shape, 0, dtype or "float32")
end

-- core's own functions: in a recipe's `return gw.concat(...)` they leave the recipe's line on the stack.
gw.concat, gw.stack, gw.mean = core.concat, core.stack, core.mean

gw.vocab, gw.vocab_info = vocab.vocab, vocab.info

-- ---- Random numbers: what tf.random.stateless_* makes of the seed {seed, 0}

--- How many tensors of this run took their number as seed, because none was given.
local unseeded = 0

local function take_options(name, options, known)
  if options == nil then options = {} end
  if type(options) ~= "table" then fail("gw.%s takes a table of options, not a %s", name, type(options)) end
  for option in pairs(options) do
    if not known[option] then fail("gw.%s has no option '%s'", name, tostring(option)) end
  end
  for option, default in pairs(known) do
    local value = options[option]
    if value ~= nil and option ~= "dtype" and math.type(value) ~= "integer" and (option == "seed" or type(value) ~= "number") then
      fail("gw.%s: %s is a %s, not a %s", name, option, type(value), option == "seed" and "whole number" or "number")
    end
    if value == nil and option ~= "seed" then value = default end
    known[option] = value
  end
  check_dtype(known.dtype)
  if options.seed == nil then
    unseeded = unseeded + 1
    known.seed = unseeded
  end
  return known
end

local function random(name, kind, shape, options, known)
  check_shape(shape)
  local chosen = take_options(name, options, known)
  return make(core.random, kind, shape, chosen.dtype, chosen.seed, chosen.minval or chosen.mean, chosen.maxval or chosen.stddev)
end

function gw.random_uniform(shape, options)
  return random("random_uniform", "uniform", shape, options, { dtype = "float32", seed = true, minval = 0.0, maxval = 1.0 })
end

function gw.random_normal(shape, options)
  return random("random_normal", "normal", shape, options, { dtype = "float32", seed = true, mean = 0.0, stddev = 1.0 })
end

function gw.truncated_normal(shape, options)
  return random("truncated_normal", "truncated", shape, options, { dtype = "float32", seed = true, mean = 0.0, stddev = 1.0 })
end

--- Uniform within sqrt(6 / (fan_in + fan_out)), as tf.initializers.GlorotUniform counts them.
function gw.glorot_uniform(shape, options)
  check_shape(shape)
  local field = 1
  for i = 1, #shape - 2 do field = field * shape[i] end
  local fan_in = #shape == 0 and 1 or #shape == 1 and shape[1] or field * shape[#shape - 1]
  local fan_out = #shape == 0 and 1 or field * shape[#shape]
  local limit = math.sqrt(3.0 * (1.0 / math.max(1.0, (fan_in + fan_out) / 2.0)))
  local chosen = take_options("glorot_uniform", options, { dtype = "float32", seed = true })
  return make(core.random, "uniform", shape, chosen.dtype, chosen.seed, -limit, limit)
end

return gw

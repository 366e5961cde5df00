-- The Lua API: what a recipe, the command line and `require "godwit"` see. The reference is scripts/README.md, the
-- annotations are in meta.lua. In a recipe's sandbox `open` is taken away again (guest.lua).

local core = require "godwit.core"
core.home()
require "godwit.draft"
local objects = require "godwit.graph"

local gw = { version = core.version, graph = objects.graph, objects = objects.objects, dict = objects.dict, variable = objects.variable }

--- Raises the recipe's own mistake at the caller's line.
local function fail(what, ...) core.fail { class = "recipe", what = what:format(...) } end

function gw.open(path)
  if type(path) ~= "string" then fail("gw.open takes a path, not %s", core.what(path)) end
  return core.open((core.locate(path))):draft()
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

return gw

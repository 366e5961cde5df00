-- Checkpoint(vars={...}).save, from the variables of a Saver.

--- Dictionaries by scope: {["a/b"] = t} becomes {a = {b = t}}. A name comes before all names below it.
local function nested(vars)
  local root = {}
  for name, tensor in pairs(vars) do
    local at, path = root, {}
    for scope in name:gmatch "([^/]*)/" do
      path[#path + 1] = scope
      local below = at[scope]
      if below == nil then
        below = {}
        at[scope] = below
      elseif type(below) ~= "table" then
        error(("\"%s\" is a variable, and \"%s\" would be below it: drop one of them (strip_optimizer drops slots), or leave nested out")
          :format(table.concat(path, "/"), name), 0)
      end
      at = below
    end
    local leaf = name:match "[^/]*$"
    if leaf == "" then error(("\"%s\" ends in '/': no name is left for the variable"):format(name), 0) end
    at[leaf] = tensor
  end
  return root
end

local function anonymous(tree)
  if type(tree) ~= "table" then return gw.variable(tree, { full_name = "Variable" }) end
  local copy = {}
  for name, below in pairs(tree) do copy[name] = anonymous(below) end
  return copy
end

return {
  name = "tf1_to_tf2", version = "1.0", godwit = "1",
  summary = "A TF1 Saver's checkpoint becomes Checkpoint(vars={name: variable})",
  description = [[The guide's convert_tf1_to_tf2, for any model: the variables go into one dictionary, under their names, or into
dictionaries by scope. By default they keep their names as full names, so that TF1's Saver can still read the result, which
tf.Variable(...) without a name does not give; keep_full_names=false writes what the guide's own function writes.]],
  examples = {
    "godwit run tf1_to_tf2 tf1/model.ckpt-1000 -o tf2/ckpt-1",
    "godwit run tf1_to_tf2 tf1/model.ckpt-1000 -o tf2/ckpt -p container=var_list -p save_counter=false",
  },
  inputs = { "checkpoint" },
  params = {
    container = { type = "string", default = "vars", help = "the Checkpoint's attribute for the variables; empty: the Checkpoint itself has them" },
    nested = { type = "boolean", default = false, help = "dictionaries by scope instead of one" },
    save_counter = { type = "boolean", default = true, help = "as Checkpoint.save gives; false as Checkpoint.write" },
    keep_full_names = { type = "boolean", default = true, help = "false: every variable is called \"Variable\"" },
  },
  detect = function(ckpt) return ckpt.kind == "variables", "a name-based checkpoint" end,
  run = function(ckpt, p)
    if ckpt.kind ~= "variables" then error(("%s is object-based already"):format(ckpt.path), 0) end
    local tree
    if p.nested then
      tree = nested(ckpt.vars)
    else
      tree = {}
      for name, tensor in pairs(ckpt.vars) do tree[name] = tensor end
    end
    if not p.keep_full_names then tree = anonymous(tree) end
    if p.container ~= "" then tree = { [p.container] = tree } end
    return gw.objects(tree, { save_counter = p.save_counter and 1 or nil })
  end,
  tests = { {
    name = "names become keys of a dictionary, and full names",
    input = function() return gw.variables { a = gw.scalar(1.0), ["scoped/c"] = gw.scalar(3.0) } end,
    output = function()
      return gw.objects({
        vars = { a = gw.variable(gw.scalar(1.0), { full_name = "a" }), ["scoped/c"] = gw.variable(gw.scalar(3.0), { full_name = "scoped/c" }) },
      }, { save_counter = 1 })
    end,
    plan = { renamed = 2, dropped = 0 },
    detects = true,
  }, {
    name = "as the guide's own function does it",
    input = function() return gw.variables { a = gw.scalar(1.0), ["scoped/c"] = gw.scalar(3.0) } end,
    params = { container = "var_list", save_counter = false, keep_full_names = false },
    output = function() return gw.objects { var_list = { a = gw.scalar(1.0), ["scoped/c"] = gw.scalar(3.0) } } end,
  }, {
    name = "scopes become dictionaries",
    input = function() return gw.variables { a = gw.scalar(1.0), ["s/t/c"] = gw.scalar(3.0), ["s/d"] = gw.scalar(4.0), ["s/t/e"] = gw.scalar(5.0) } end,
    params = { nested = true, container = "", keep_full_names = false },
    output = function()
      return gw.objects({ a = gw.scalar(1.0), s = { d = gw.scalar(4.0), t = { c = gw.scalar(3.0), e = gw.scalar(5.0) } } }, { save_counter = 1 })
    end,
  }, {
    name = "a variable below another has no place in a dictionary",
    input = function() return gw.variables { ["s/a"] = gw.scalar(1.0), ["s/a/Adam"] = gw.scalar(3.0) } end,
    params = { nested = true },
    fails = "\"s/a\" is a variable, and \"s/a/Adam\" would be below it: drop one of them (strip_optimizer drops slots), or leave nested out",
  }, {
    name = "but in one for all it has",
    input = function() return gw.variables { a = gw.scalar(1.0), ["a/Adam"] = gw.scalar(3.0) } end,
    params = { keep_full_names = false },
    output = function() return gw.objects({ vars = { a = gw.scalar(1.0), ["a/Adam"] = gw.scalar(3.0) } }, { save_counter = 1 }) end,
  }, {
    name = "a name that ends in a slash",
    input = function() return gw.variables { ["a/"] = gw.scalar(1.0) } end,
    params = { nested = true },
    fails = "\"a/\" ends in '/': no name is left for the variable",
  }, {
    name = "objects already",
    input = function() return gw.objects { a = gw.scalar(1.0) } end,
    fails = "is object-based already",
    detects = false,
  } },
}

-- Checkpoint(vars={...}).save, from the variables of a Saver.

--- Dictionaries by scope: {["a/b"] = t} becomes {a = {b = t}}, each in the order of the names.
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
        error(("\"%s\" is a variable, and \"%s\" would be below it: drop one of them, or leave nested out"):format(table.concat(path, "/"), name), 0)
      end
      at = below
    end
    local leaf = name:match "[^/]*$"
    if leaf == "" then error(("\"%s\" ends in '/': no name is left for the variable"):format(name), 0) end
    if at[leaf] ~= nil then
      error(("\"%s\" is a variable, and others are below it: drop them, or leave nested out"):format(name), 0)
    end
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
    name = "names become keys of a dictionary",
    input = function() return gw.variables { a = gw.scalar(1.0), ["scoped/c"] = gw.scalar(3.0) } end,
    expect = function(out)
      assert(gw.graph.tensor(out.root.vars["scoped/c"]):value() == 3.0)
      assert(gw.graph.full_name(out.root.vars["scoped/c"]) == "scoped/c")
      assert(gw.graph.tensor(out.root.save_counter):value() == 1)
    end,
  }, {
    name = "scopes become dictionaries",
    input = function() return gw.variables { a = gw.scalar(1.0), ["scoped/c"] = gw.scalar(3.0) } end,
    params = { nested = true, container = "", save_counter = false },
    expect = function(out)
      assert(out:has "scoped/c/.ATTRIBUTES/VARIABLE_VALUE" and #out == 2)
    end,
  } },
}

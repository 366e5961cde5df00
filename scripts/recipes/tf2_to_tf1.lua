-- Names for a Saver, from an object graph.

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

--- The one dictionary of variables that hangs below the root.
local function find_container(root)
  local found
  for name, child in pairs(root) do
    if not gw.graph.is_variable(child) then
      if found then error(("the root has '%s' and '%s': say which with -p container=NAME, or use -p names=paths"):format(found, name), 0) end
      found = name
    end
  end
  if not found then error("the root has no dictionary of variables: use -p names=paths", 0) end
  return found
end

--- The step is the program's, the counter the Checkpoint's.
local function add(made, name, tensor, path)
  if made[name] then error(("two variables would be called \"%s\"; one is %s: rename one, or use other -p names"):format(name, path), 0) end
  made[name] = tensor
end

local by = {}

function by.keys(ckpt, p, made)
  local container = p.container or find_container(ckpt.root)
  if not gw.graph.has(ckpt.root, container) then error(("container: the root has no '%s' (`godwit graph %s` shows it)"):format(container, ckpt.path), 0) end
  for name, child in pairs(ckpt.root[container]) do
    local path = container .. "/" .. name
    if not gw.graph.is_variable(child) then error(("%s is no variable, so its key is no variable's name: use -p names=paths"):format(path), 0) end
    add(made, name, gw.graph.tensor(child), path)
  end
  for name, child in pairs(ckpt.root) do
    if name ~= container and name ~= "save_counter" and gw.graph.is_variable(child) then add(made, name, gw.graph.tensor(child), name) end
  end
end

--- Paths with names as they are, not as keys write them.
local function plain(path)
  local parts = {}
  for part in (path .. "/"):gmatch "([^/]*)/" do parts[#parts + 1] = gw.graph.unescape(part) end
  return table.concat(parts, "/")
end

function by.paths(ckpt, p, made)
  local root = p.container and gw.graph.find(ckpt.root, p.container) or ckpt.root
  if p.container and not gw.graph.find(ckpt.root, p.container) then
    error(("container: there is no object at \"%s\" (`godwit graph %s` shows them)"):format(p.container, ckpt.path), 0)
  end
  local owners = {}
  for path, node in gw.graph.walk(root) do
    if gw.graph.is_variable(node) and not (root == ckpt.root and path == "save_counter") then
      owners[node] = plain(path)
      add(made, owners[node], gw.graph.tensor(node), path)
    end
  end
  for _, node in gw.graph.walk(ckpt.root) do
    for slot, variable, tensor in gw.graph.slots(node) do
      if owners[variable] and not owners[tensor] then add(made, owners[variable] .. "/" .. slot, gw.graph.tensor(tensor), slot) end
    end
  end
end

function by.full_names(ckpt, _, made)
  for path, node in gw.graph.walk(ckpt.root) do
    if gw.graph.is_variable(node) and path ~= "save_counter" then add(made, gw.graph.full_name(node), gw.graph.tensor(node), path) end
    for _, _, slot in gw.graph.slots(node) do
      local name = gw.graph.full_name(slot)
      if not made[name] then made[name] = gw.graph.tensor(slot) end
    end
  end
end

return {
  name = "tf2_to_tf1", version = "1.0", godwit = "1",
  summary = "A tf.train.Checkpoint becomes a TF1 Saver's checkpoint",
  description = [[The guide's convert_tf2_to_tf1, with every name right (a key like "a.b" too). Names come from the keys of a dictionary of
variables, from the objects' paths, or from the variables' full names. save_counter is left out: a Saver has none.]],
  examples = {
    "godwit run tf2_to_tf1 tf2/ckpt-1 -o tf1/model.ckpt",
    "godwit run tf2_to_tf1 keras/weights -o tf1/model.ckpt -p names=full_names",
  },
  inputs = { "checkpoint" },
  params = {
    names = { type = "choice", choices = { "keys", "paths", "full_names" }, default = "keys", help = "where the variables' names come from" },
    container = { type = "string", help = "the dictionary, or the object whose paths count; without it: the only dictionary, or the root" },
  },
  detect = function(ckpt) return ckpt.kind == "objects", "an object-based checkpoint" end,
  run = function(ckpt, p)
    if ckpt.kind ~= "objects" then error(("%s is name-based already"):format(ckpt.path), 0) end
    for name in pairs(ckpt.vars) do
      if name:sub(-#SUFFIX) ~= SUFFIX then
        error(("%s is no variable, and a Saver's checkpoint has variables only: drop it first"):format(name), 0)
      end
    end
    local made = {}
    by[p.names](ckpt, p, made)
    return gw.variables(made)
  end,
  tests = { {
    name = "keys become names, the counter goes",
    input = function()
      return gw.objects({ vars = gw.dict { { "scoped/c", gw.scalar(3.0) }, { "a.b", gw.scalar(1.0) } }, step = gw.scalar(7) }, { save_counter = 2 })
    end,
    output = function() return gw.variables { ["scoped/c"] = gw.scalar(3.0), ["a.b"] = gw.scalar(1.0), step = gw.scalar(7) } end,
    plan = { renamed = 3, dropped = 1 },
    detects = true,
  }, {
    name = "keys of one of several dictionaries",
    input = function() return gw.objects { vars = { a = gw.scalar(1.0) }, more = { b = gw.scalar(2.0) } } end,
    params = { container = "more" },
    output = function() return gw.variables { b = gw.scalar(2.0) } end,
  }, {
    name = "paths become names, slots below their variables",
    input = function()
      local out = gw.objects({ model = { ["w/x"] = gw.scalar(1.0) }, opt = { iter = gw.scalar(3) }, save = gw.scalar(4) }, { save_counter = 2 })
      gw.graph.set_slot(out.root.opt, out.root.model["w/x"], "m", gw.scalar(2.0))
      return out
    end,
    params = { names = "paths" },
    output = function()
      return gw.variables { ["model/w/x"] = gw.scalar(1.0), ["model/w/x/m"] = gw.scalar(2.0), ["opt/iter"] = gw.scalar(3), save = gw.scalar(4) }
    end,
  }, {
    name = "paths below an object, whose own save_counter is a variable; others' slots stay behind",
    input = function()
      local out = gw.objects({ model = { w = gw.scalar(1.0), save_counter = gw.scalar(5) }, v = gw.scalar(6), opt = { iter = gw.scalar(3) } },
        { save_counter = 2 })
      gw.graph.set_slot(out.root.opt, out.root.model.w, "m", gw.scalar(2.0))
      gw.graph.set_slot(out.root.opt, out.root.v, "m", gw.scalar(7))
      return out
    end,
    params = { names = "paths", container = "model" },
    output = function() return gw.variables { w = gw.scalar(1.0), ["w/m"] = gw.scalar(2.0), save_counter = gw.scalar(5) } end,
  }, {
    name = "slots that are lists, as Keras has them since 2.11, come once",
    input = function()
      local w = gw.variable(gw.scalar(1.0), { full_name = "w" })
      return gw.objects {
        model = { w = w },
        optimizer = {
          _iterations = gw.scalar(3, "int64"), _learning_rate = gw.scalar(0.1), _momentums = { gw.variable(gw.scalar(2.0), { full_name = "Adam/m/w" }) },
        },
      }
    end,
    params = { names = "paths" },
    output = function()
      return gw.variables {
        ["model/w"] = gw.scalar(1.0), ["optimizer/_iterations"] = gw.scalar(3, "int64"), ["optimizer/_learning_rate"] = gw.scalar(0.1),
        ["optimizer/_momentums/0"] = gw.scalar(2.0),
      }
    end,
  }, {
    name = "full names, slots' too",
    input = function()
      local out = gw.objects({ model = { w = gw.variable(gw.scalar(1.0), { full_name = "dense/w" }) }, opt = {} }, { save_counter = 2 })
      gw.graph.set_slot(out.root.opt, out.root.model.w, "m", gw.scalar(2.0))
      for _, _, slot in gw.graph.slots(out.root.opt) do gw.graph.full_name(slot, "dense/w/Adam") end
      return out
    end,
    params = { names = "full_names" },
    output = function() return gw.variables { ["dense/w"] = gw.scalar(1.0), ["dense/w/Adam"] = gw.scalar(2.0) } end,
  }, {
    name = "a full name twice",
    input = function() return gw.objects { a = gw.scalar(1.0), b = gw.scalar(2.0) } end,
    params = { names = "full_names" },
    fails = "two variables would be called \"Variable\"; one is b: rename one, or use other -p names",
  }, {
    name = "a key like an attribute of the root",
    input = function() return gw.objects { vars = { a = gw.scalar(1.0) }, a = gw.scalar(2.0) } end,
    fails = "two variables would be called \"a\"",
  }, {
    name = "two dictionaries",
    input = function() return gw.objects { vars = { a = gw.scalar(1.0) }, more = { b = gw.scalar(2.0) } } end,
    fails = "the root has 'more' and 'vars': say which with -p container=NAME, or use -p names=paths",
  }, {
    name = "no dictionary",
    input = function() return gw.objects { a = gw.scalar(1.0) } end,
    fails = "the root has no dictionary of variables: use -p names=paths",
  }, {
    name = "a dictionary of objects",
    input = function() return gw.objects { vars = { a = { b = gw.scalar(1.0) } } } end,
    fails = "vars/a is no variable, so its key is no variable's name: use -p names=paths",
  }, {
    name = "a dictionary that is not there",
    input = function() return gw.objects { vars = { a = gw.scalar(1.0) } } end,
    params = { container = "var_list" },
    fails = "container: the root has no 'var_list' (`godwit graph",
  }, {
    name = "nor as an object",
    input = function() return gw.objects { vars = { a = gw.scalar(1.0) } } end,
    params = { container = "vars/b", names = "paths" },
    fails = "container: there is no object at \"vars/b\" (`godwit graph",
  }, {
    name = "names already",
    input = function() return gw.variables { a = gw.scalar(1.0) } end,
    fails = "is name-based already",
    detects = false,
  } },
}

local COUNTER = "save_counter"

local function with_slash(scope) return (scope == "" or scope:sub(-1) == "/") and scope or scope .. "/" end

--- One scope for each input; "" is the top.
local function scopes_of(p, count)
  local scopes = {}
  if p.scopes and #p.scopes == 0 then p.scopes[1] = "" end
  if p.scopes and #p.scopes ~= count then
    error(("%d scopes for %d checkpoints: one for each, as in -p scopes=encoder,decoder"):format(#p.scopes, count), 0)
  end
  for i = 1, count do scopes[i] = with_slash(p.scopes and p.scopes[i] or "") end
  for i, scope in ipairs(scopes) do
    if scope:find "^/" or scope:find "//" then error(("scopes: '%s' has an empty part"):format(p.scopes[i]), 0) end
  end
  return scopes
end

-- ---- Names

--- What the first checkpoint that has it gives under its own name; the others' is left out.
local function take_shared(out, ckpt, pattern)
  local names = {}
  for name in ckpt:each(pattern) do names[#names + 1] = name end
  for _, name in ipairs(names) do
    if not out:has(name) then out.vars[name] = ckpt.vars[name] end
    ckpt.vars[name] = nil
  end
  return #names
end

local function merge_names(inputs, scopes, p)
  local out, shared = gw.variables {}, 0
  local from = {} -- where each name of the result comes from, for messages
  for i, ckpt in ipairs(inputs) do
    if p.shared then shared = shared + take_shared(out, ckpt, p.shared) end
    for name, tensor in ckpt:each() do
      local new = scopes[i] .. name
      if from[new] then
        error(("\"%s\" would come from \"%s\" of %s and from \"%s\" of %s: give them different scopes, or -p shared=REGEX for what is taken of the first only")
          :format(new, from[new][1], from[new][2], name, ckpt.path), 0)
      end
      if out:has(new) then
        error(("\"%s\" of %s would be \"%s\", which is shared already: give it another scope"):format(name, ckpt.path, new), 0)
      end
      from[new] = { name, ckpt.path }
      out.vars[new] = tensor
    end
  end
  if p.shared and shared == 0 then error(("shared: no variable matches '%s'"):format(p.shared), 0) end
  return out
end

-- ---- Objects

--- The table at a scope like "a/b/" below `tree`.
local function place(tree, scope, path)
  for part in scope:gmatch "([^/]+)/" do
    if tree[part] == nil then tree[part] = {} end
    if type(tree[part]) ~= "table" then error(("the scope '%s' of %s is an object of another checkpoint"):format(scope, path), 0) end
    tree = tree[part]
  end
  return tree
end

local function merge_objects(inputs, scopes, p)
  if p.shared then error("shared is for name-based checkpoints: objects are shared by a recipe with gw.objects", 0) end
  local tree, counter, from = {}, nil, {}
  for i, ckpt in ipairs(inputs) do
    local root = ckpt.root
    if not counter and gw.graph.has(root, COUNTER) then counter = root[COUNTER] end
    local at = place(tree, scopes[i], ckpt.path)
    for name, child in pairs(root) do
      -- What Checkpoint(model) has put on its root: a counter, and the edge `root` to the root itself.
      if name ~= COUNTER and child ~= root then
        local new = scopes[i] .. name
        if at[name] ~= nil then
          error(("the object \"%s\" would come from %s and from %s: give them different scopes, as in -p scopes=encoder,decoder")
            :format(new, from[new] or "the scope of another checkpoint", ckpt.path), 0)
        end
        at[name], from[new] = child, ckpt.path
      end
    end
  end
  local out = gw.objects(tree)
  if counter then out.root[COUNTER] = counter end
  return out
end

return {
  name = "merge", version = "1.0", godwit = "1",
  summary = "Several checkpoints become one, each under its scope",
  description = [[Name-based checkpoints: all variables of all inputs, each input's under its scope; a name that two inputs would give is an
error, except for what -p shared=REGEX finds (a global step, say), which the first input gives under its own name.
Object-based checkpoints: a Checkpoint whose attributes are the scopes, each with an input's objects, optimizers and their
slots included; the first save_counter is kept. Without scopes all names, or attributes, are put side by side.]],
  examples = {
    "godwit run merge examples/data/bert-tiny.ckpt-20 examples/data/digits.ckpt-100 -o out/both -p scopes=text,image -p shared='^global_step$'",
    "godwit run merge encoder/ckpt-1 decoder/ckpt-1 -o out/ckpt-1 -p scopes=encoder,decoder",
  },
  inputs = { "checkpoints..." },
  params = {
    scopes = { type = "list", help = "one for each checkpoint, like encoder,decoder or model/encoder,; an empty one is the top" },
    shared = { type = "string", help = "name-based: a regular expression of what the first checkpoint that has it gives, without a scope" },
  },
  run = function(ckpt, p, inputs)
    for _, other in ipairs(inputs) do
      if other.kind ~= ckpt.kind then
        error(("%s and %s are of different kinds, by names and by objects: convert one with tf1_to_tf2 or tf2_to_tf1 first"):format(ckpt.path, other.path), 0)
      end
    end
    local scopes = scopes_of(p, #inputs)
    return (ckpt.kind == "objects" and merge_objects or merge_names)(inputs, scopes, p)
  end,
  tests = { {
    name = "each input's names get its scope, what is shared is the first's",
    inputs = function()
      return {
        gw.variables { w = gw.scalar(1.0), global_step = gw.scalar(5, "int64") },
        gw.variables { w = gw.scalar(2.0), global_step = gw.scalar(6, "int64"), extra_step = gw.scalar(7, "int64") },
      }
    end,
    params = { scopes = { "a/b", "c/" }, shared = "_step$" },
    output = function()
      return gw.variables { ["a/b/w"] = gw.scalar(1.0), ["c/w"] = gw.scalar(2.0), global_step = gw.scalar(5, "int64"), extra_step = gw.scalar(7, "int64") }
    end,
  }, {
    name = "side by side without scopes",
    inputs = function() return { gw.variables { a = gw.scalar(1.0) }, gw.variables { b = gw.scalar(2.0) }, gw.variables { ["c/d"] = gw.scalar(3.0) } } end,
    output = function() return gw.variables { a = gw.scalar(1.0), b = gw.scalar(2.0), ["c/d"] = gw.scalar(3.0) } end,
  }, {
    name = "one input, and an empty scope, as -p scopes= gives it",
    input = function() return gw.variables { a = gw.scalar(1.0) } end,
    params = { scopes = {} },
    output = function() return gw.variables { a = gw.scalar(1.0) } end,
    plan = { unchanged = 1 },
  }, {
    name = "a name twice",
    inputs = function() return { gw.variables { a = gw.scalar(1.0) }, gw.variables { ["b/a"] = gw.scalar(2.0) } } end,
    params = { scopes = { "b", "" } },
    fails = "\"b/a\" would come from \"a\" of",
  }, {
    name = "a name that is shared already",
    inputs = function() return { gw.variables { step = gw.scalar(1) }, gw.variables { ["step/"] = gw.scalar(1), step = gw.scalar(2) } } end,
    params = { shared = "^step$" },
    expect = function(out) assert(#out == 2 and out.vars.step:value() == 1) end,
  }, {
    name = "another's name like one that is shared",
    inputs = function() return { gw.variables { ["a/step"] = gw.scalar(1) }, gw.variables { step = gw.scalar(2) } } end,
    params = { shared = "^a/step$", scopes = { "", "a" } },
    fails = "would be \"a/step\", which is shared already: give it another scope",
  }, {
    name = "nothing is shared",
    inputs = function() return { gw.variables { a = gw.scalar(1.0) }, gw.variables { b = gw.scalar(2.0) } } end,
    params = { shared = "step" },
    fails = "shared: no variable matches 'step'",
  }, {
    name = "a scope for each",
    inputs = function() return { gw.variables { a = gw.scalar(1.0) }, gw.variables { b = gw.scalar(2.0) } } end,
    params = { scopes = { "x" } },
    fails = "1 scopes for 2 checkpoints",
  }, {
    name = "a scope without a name",
    input = function() return gw.variables { a = gw.scalar(1.0) } end,
    params = { scopes = { "x//y" } },
    fails = "scopes: 'x//y' has an empty part",
  }, {
    name = "a scope that begins with a slash",
    input = function() return gw.variables { a = gw.scalar(1.0) } end,
    params = { scopes = { "/x" } },
    fails = "scopes: '/x' has an empty part",
  }, {
    name = "objects become attributes; the first counter stays, the edge to the root goes",
    inputs = function()
      local plain, counted = gw.objects { w = gw.scalar(1.0), z = gw.scalar(4.0) }, gw.objects({ w = gw.scalar(2.0) }, { save_counter = 3 })
      plain.root.root = plain.root
      return { plain, counted, gw.objects({ w = gw.scalar(5.0) }, { save_counter = 4 }) }
    end,
    params = { scopes = { "a", "m/b/", "m/c" } },
    output = function()
      return gw.objects({
        a = { w = gw.scalar(1.0), z = gw.scalar(4.0) }, m = { b = { w = gw.scalar(2.0) }, c = { w = gw.scalar(5.0) } },
      }, { save_counter = 3 })
    end,
  }, {
    name = "optimizers keep their slots",
    inputs = function()
      local out = gw.objects { w = gw.scalar(1.0), opt = { iter = gw.scalar(3) } }
      gw.graph.set_slot(out.root.opt, out.root.w, "m", gw.scalar(2.0))
      return { out, gw.objects { v = gw.scalar(4.0) } }
    end,
    params = { scopes = { "a", "b" } },
    expect = function(out) assert(out.vars["a/w/.OPTIMIZER_SLOT/a/opt/m/.ATTRIBUTES/VARIABLE_VALUE"]:value() == 2.0 and #out == 4) end,
  }, {
    name = "an object twice",
    inputs = function() return { gw.objects { w = gw.scalar(1.0) }, gw.objects { w = gw.scalar(2.0) } } end,
    fails = "the object \"w\" would come from",
  }, {
    name = "an object where another's scope is",
    inputs = function() return { gw.objects { w = gw.scalar(1.0) }, gw.objects { a = gw.scalar(2.0) } } end,
    params = { scopes = { "a", "" } },
    fails = "the object \"a\" would come from the scope of another checkpoint and from",
  }, {
    name = "a scope where another's object is",
    inputs = function() return { gw.objects { a = gw.scalar(1.0) }, gw.objects { w = gw.scalar(2.0) } } end,
    params = { scopes = { "", "a" } },
    fails = "the scope 'a/' of",
  }, {
    name = "objects are not shared by patterns",
    inputs = function() return { gw.objects { a = gw.scalar(1.0) }, gw.objects { b = gw.scalar(2.0) } } end,
    params = { shared = "a" },
    fails = "shared is for name-based checkpoints",
  }, {
    name = "names and objects",
    inputs = function() return { gw.variables { a = gw.scalar(1.0) }, gw.objects { b = gw.scalar(2.0) } } end,
    fails = "are of different kinds, by names and by objects",
  } },
}

-- Assignment maps (tf.compat.v1.train.init_from_checkpoint): ckpt:assign. Names are looked up and compared in core; here a map
-- becomes a list of rules, in TensorFlow's order.

local core = require "godwit.core"

local methods = core.draft_methods
local assign = {}

local function fail(what, hint) core.fail { class = "recipe", what = what, hint = hint } end

local FORM = "a map is {[\"old/\"] = \"new/\", name = \"name\"}, or a sequence of {from, to}; a target is a name, a scope, " ..
  "a variable (ckpt.root.kernel), a list of these, or {target, function(tensor, name) ... end}"

function assign.is_draft(value) return type(value) == "userdata" and getmetatable(value) == "godwit.Draft" end

--- The options table {optional = true}.
local function is_optional(options)
  if options == nil then return false end
  if type(options) ~= "table" then fail(("options are a table like {optional = true}, not %s"):format(core.what(options))) end
  for key in pairs(options) do
    if key ~= "optional" then fail(("there is no option '%s' (only optional)"):format(tostring(key))) end
  end
  return options.optional == true
end

--- A target as a name: an object of the draft's graph has its path.
local function target_name(draft, from, target)
  if type(target) == "string" then return target end
  if not core.node_is(target) then fail(("what \"%s\" goes to is %s, not a name"):format(from, core.what(target)), FORM) end
  if not core.node_draft(target):core_same(draft) then fail(("what \"%s\" goes to is an object of another checkpoint"):format(from)) end
  if not core.node_is_variable(target) then fail(("what \"%s\" goes to is an object that is no variable"):format(from)) end
  return core.node_path(target)
end

--- {target, fn}, a list of targets, or one target: the names, and the function or nil.
local function read_target(draft, from, target)
  if type(target) ~= "table" then return target_name(draft, from, target) end
  local fn = target[#target]
  if type(fn) ~= "function" then fn = nil end
  if fn and #target ~= 2 or #target == 0 then fail(("what \"%s\" goes to is no target"):format(from), FORM) end
  if fn then
    local inner = read_target(draft, from, target[1])
    return inner, fn
  end
  local names = {}
  for i, part in ipairs(target) do names[i] = target_name(draft, from, part) end
  return names
end

--- A map in either form as a sequence of {from, to}, by the bytes of `from`: what comes later counts (_init_from_checkpoint sorts
--- by the tensor's name only, and so keeps the order of equal ones).
local function sorted_rules(map)
  local rules = {}
  if type(map) ~= "table" then fail(("an assignment map is a table, not %s"):format(core.what(map)), FORM) end
  if #map > 0 then
    for i, pair in ipairs(map) do
      local fine = type(pair) == "table" and type(pair[1]) == "string" and #pair == 2
      if not fine then fail(("rule %d of the map is not {from, to}"):format(i), FORM) end
      rules[i] = { pair[1], pair[2], i }
    end
  end
  local count = 0
  for from, to in pairs(map) do
    count = count + 1
    if #map == 0 then
      if type(from) ~= "string" then fail(("the map has %s as a source's name"):format(core.what(from)), FORM) end
      rules[count] = { from, to, 0 }
    end
  end
  if count == 0 then fail("the assignment map is empty", FORM) end
  if count ~= #rules then fail("a map has either names as keys, or is a sequence of {from, to}", FORM) end
  table.sort(rules, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[3] < b[3]
  end)
  return rules
end

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

--- A source's tensor by its name; object-based: also by its variable's path. Nil when it is not there.
function assign.lookup(source, name)
  if source:has(name) or source.kind ~= "objects" then return source:get(name) end
  return source:get(name .. SUFFIX)
end

function methods:assign(source, map, options)
  if type(self) ~= "userdata" then fail "assign is called with a colon: ckpt:assign(source, map)" end
  if not assign.is_draft(source) then fail(("assign takes a checkpoint and a map, not %s"):format(core.what(source))) end
  local optional = is_optional(options)
  local from, to, tensors = {}, {}, {}
  for _, rule in ipairs(sorted_rules(map)) do
    local name, target, fn = rule[1], read_target(self, rule[1], rule[2])
    local tensor = fn and (optional and assign.lookup(source, name) or not optional and (assign.lookup(source, name) or source.vars[name]))
    if tensor or not fn then
      from[#from + 1], to[#to + 1] = name, target
      if fn then
        tensors[#from] = fn(tensor, type(target) == "table" and target[1] or target)
        if core.node_is(tensors[#from]) then tensors[#from] = core.node_tensor(tensors[#from]) end
        if getmetatable(tensors[#from]) ~= "godwit.Tensor" then
          fail(("the function for \"%s\" returned %s, not a tensor"):format(name, core.what(tensors[#from])))
        end
      end
    end
  end
  return self:core_assign(source, from, to, tensors, optional)
end

return assign

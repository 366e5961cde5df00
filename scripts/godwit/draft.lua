-- Methods of drafts that are sugar over core, or call a recipe's functions: those run here, in Lua, so that an error or a
-- yield in one crosses no C frame.

local core = require "godwit.core"
local slots_by_name = require "godwit.slots"

local methods = core.draft_methods

local function fail(what, hint) core.fail { class = "recipe", what = what, hint = hint } end

--- A method that was called with a dot has no draft: say so, instead of blaming the next argument.
local function check_self(self, name)
  if type(self) ~= "userdata" then fail(("%s is called with a colon: ckpt:%s(...)"):format(name, name)) end
end

--- The options table that ends a bulk rule's arguments. `more`: the name of an option that only this rule has.
local function is_optional(options, more)
  if options == nil then return false end
  if type(options) ~= "table" then fail(("options are a table like {optional = true}, not %s"):format(core.what(options))) end
  for key in pairs(options) do
    if key ~= "optional" and key ~= more then
      fail(("there is no option '%s' (%s)"):format(tostring(key), more and "optional, " .. more or "only optional"))
    end
  end
  return options.optional == true
end

local SHOWN = 3

local function some_names(draft)
  local names, shown = draft:core_names(), {}
  for i = 1, math.min(SHOWN, #names) do shown[i] = ('"%s"'):format(names[i]) end
  if #names == 0 then return "the checkpoint has no tensors" end
  local more = #names > SHOWN and (" and %d more"):format(#names - SHOWN) or ""
  return "the names are " .. table.concat(shown, ", ") .. more
end

--- How a selection or rule reads in a message.
local function describe(which)
  if type(which) == "string" then return ("'%s'"):format(which) end
  if type(which) ~= "table" then return "the rule" end
  local parts = {}
  if which.role then parts[1] = ("role %s"):format(tostring(which.role)) end
  for _, pattern in ipairs(which) do
    parts[#parts + 1] = ("'%s'"):format(tostring(type(pattern) == "table" and pattern[1] or pattern))
  end
  return #parts > 0 and table.concat(parts, ", ") or "the rule"
end

--- `missed`: what is said when nothing was found.
local function need(draft, count, missed, options)
  if count > 0 or is_optional(options) then return count end
  -- Who runs a recipe that comes with godwit cannot change its arguments.
  local theirs = (core.where() or ""):match "^recipes/"
  fail(missed, some_names(draft) .. (theirs and "" or "; pass {optional = true} as the last argument if nothing need match"))
end

local function need_match(draft, count, which, options) return need(draft, count, "no tensor matches " .. describe(which), options) end

local function check_which(which)
  if type(which) ~= "string" and type(which) ~= "table" then
    fail(("a selection is a pattern, a list of patterns or {role = ...}, not %s"):format(core.what(which)))
  end
  if type(which) ~= "table" then return end
  for key, value in pairs(which) do
    if key ~= "role" and math.type(key) ~= "integer" then fail(("a selection has no field '%s' (only role)"):format(tostring(key))) end
    if type(value) ~= "string" then fail(("a pattern is a string, not %s"):format(core.what(value))) end
  end
  if #which == 0 and not which.role then fail("an empty selection: it takes a pattern, a list of patterns or {role = ...}") end
  local roles = { weight = 1, slot = 1, power = 1, average = 1, step = 1, counter = 1, table = 1, state = 1 }
  if which.role and not roles[which.role] then
    fail(("there is no role '%s' (weight, slot, power, average, step, counter, table, state)"):format(which.role))
  end
end

function methods:drop(which, options)
  check_self(self, "drop")
  check_which(which)
  is_optional(options)
  return need_match(self, self:core_drop(which), which, options)
end

function methods:keep_only(which, options)
  check_self(self, "keep_only")
  check_which(which)
  is_optional(options)
  return need_match(self, self:core_keep_only(which), which, options)
end

-- ---- map, and the slots that follow a variable

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

--- Where a slot variable of the object graph is stored: by itself (Keras since 2.11), or below its variable.
local function slot_key(draft, optimizer, owner, slot, node)
  local graph = require "godwit.graph".graph
  local key = ("%s/.OPTIMIZER_SLOT/%s/%s%s"):format(graph.path(owner), graph.path(optimizer), graph.escape(slot), SUFFIX)
  return draft:has(key) and key or graph.path(node) .. SUFFIX
end

--- name -> the names of its slots and averages.
local function followers(draft)
  local of = {}
  local function add(owner, name)
    of[owner] = of[owner] or {}
    table.insert(of[owner], name)
  end
  if draft.kind ~= "objects" then
    for _, role in ipairs { "slot", "average" } do
      for _, name in ipairs(draft:core_names { role = role }) do
        local owner = slots_by_name.owner(draft, name)
        if owner then add(owner, name) end
      end
    end
    return of
  end
  local graph = require "godwit.graph".graph
  for _, optimizer in graph.walk(draft.root) do
    for slot, owner, node in graph.slots(optimizer) do add(graph.path(owner) .. SUFFIX, slot_key(draft, optimizer, owner, slot, node)) end
  end
  return of
end

--- What the rule found, and with `slots` the slots and averages of that, where they have its shape.
local function with_slots(draft, names)
  local of, vars, all, seen = followers(draft), draft.vars, {}, {}
  for _, name in ipairs(names) do seen[name] = true end
  for _, name in ipairs(names) do
    all[#all + 1] = name
    local shape = of[name] and vars[name].shape
    for _, slot in ipairs(of[name] or {}) do
      if not seen[slot] and vars[slot].shape == shape then all[#all + 1] = slot end
      seen[slot] = true
    end
  end
  return all
end

function methods:map(which, fn, options)
  check_self(self, "map")
  check_which(which)
  if type(fn) ~= "function" then fail(("map takes a function(tensor, name), not %s"):format(core.what(fn))) end
  is_optional(options, "slots")
  local vars = self.vars
  local names = self:core_names(which)
  local found = #names
  if options and options.slots then names = with_slots(self, names) end
  for _, name in ipairs(names) do
    local old = vars[name]
    local new = fn(old, name)
    if new == nil then
      fail(("the function of map returned nothing for \"%s\""):format(name), "return the tensor itself to keep it; drop removes")
    end
    if not rawequal(new, old) then vars[name] = new end
  end
  return need_match(self, found, which, { optional = options and options.optional })
end

-- ---- rename, in its four forms

local function rename_by_function(draft, fn)
  local from, to = {}, {}
  for _, name in ipairs(draft.kind == "objects" and draft:core_edge_paths() or draft:core_names()) do
    local new = fn(name)
    if new ~= nil then
      if type(new) ~= "string" then fail(("the function of rename returned %s for \"%s\", not a name"):format(core.what(new), name)) end
      from[#from + 1], to[#to + 1] = name, new
    end
  end
  return draft:core_rename_exact(from, to)
end

--- Object-based: renaming is of objects, by their paths.
local function is_there(draft, name)
  if draft.kind ~= "objects" then return draft:has(name) end
  return require "godwit.graph".graph.find(draft.root, name) ~= nil
end

local function rename_by_names(draft, names, optional)
  local from, to = {}, {}
  local olds = {}
  for old in pairs(names) do olds[#olds + 1] = old end
  table.sort(olds)
  for _, old in ipairs(olds) do
    if type(names[old]) ~= "string" then fail(("the new name of \"%s\" is %s, not a string"):format(old, core.what(names[old]))) end
    if not optional or is_there(draft, old) then from[#from + 1], to[#to + 1] = old, names[old] end
  end
  return draft:core_rename_exact(from, to)
end

local function check_pairs(pairs_of)
  for i, pair in ipairs(pairs_of) do
    if type(pair) ~= "table" or type(pair[1]) ~= "string" or type(pair[2]) ~= "string" then
      fail(("rule %d is not {pattern, replacement}"):format(i))
    end
  end
  return pairs_of
end

local function is_sequence(t)
  local count = 0
  for key in pairs(t) do
    if math.type(key) ~= "integer" then return false end
    count = count + 1
  end
  return count == #t
end

function methods:rename(what, replacement, options)
  check_self(self, "rename")
  local count
  if type(what) == "string" then
    if type(replacement) ~= "string" then fail(("rename(pattern, replacement): the replacement is %s"):format(core.what(replacement))) end
    is_optional(options)
    count = self:core_rename_pairs { { what, replacement } }
  else
    options = replacement
    local optional = is_optional(options)
    if type(what) == "function" then
      count = rename_by_function(self, what)
    elseif type(what) ~= "table" then
      fail(("rename takes a pattern, a table or a function, not %s"):format(core.what(what)))
    elseif next(what) == nil then
      fail("rename got an empty table")
    elseif is_sequence(what) then
      count = self:core_rename_pairs(check_pairs(what))
    else
      for old in pairs(what) do
        if type(old) ~= "string" then fail("a table for rename has either old names as keys, or is a sequence of {pattern, replacement}") end
      end
      count = rename_by_names(self, what, optional)
    end
  end
  return need_match(self, count, what, options)
end

function methods:rename_scope(from, to, options)
  check_self(self, "rename_scope")
  if type(from) ~= "string" or type(to) ~= "string" then fail("rename_scope takes two scopes, like \"bert/\" and \"encoder/\"") end
  is_optional(options)
  return need(self, self:core_rename_scope(from, to), ("no tensor is in the scope '%s'"):format(from), options)
end

local function object_slots(draft, name)
  local graph = require "godwit.graph".graph
  if name:sub(-#SUFFIX) == SUFFIX then name = name:sub(1, -#SUFFIX - 1) end
  local variable = graph.find(draft.root, name)
  if not variable then fail(("there is no object at \"%s\""):format(name)) end
  local slots = {}
  for _, node in graph.walk(draft.root) do
    for slot, owner, tensor in graph.slots(node) do
      if owner == variable then slots[slot] = core.node_tensor(tensor) end
    end
  end
  return slots
end

function methods:slots(name)
  check_self(self, "slots")
  if type(name) ~= "string" then fail("slots takes a variable's name") end
  if self.kind == "objects" then return object_slots(self, name) end
  self:role(name)
  local slots = {}
  for _, other in ipairs(self:core_names { role = "slot" }) do
    local owner, slot = slots_by_name.owner(self, other)
    if owner == name then slots[slot] = self.vars[other] end
  end
  return slots
end

-- ---- Plans

--- The compiled plan, with the fields of the command's JSON.
function methods:plan(options)
  check_self(self, "plan")
  local plan = core.plan(self, options)
  local totals = plan:totals()
  local tensors, dropped = {}, {}
  for i = 1, totals.tensors do tensors[i] = plan:entry(i) end
  for i = 1, totals.dropped do
    local name, line = plan:dropped(i)
    dropped[i] = { name = name, line = line }
  end
  return {
    schema = 1,
    outputs = { { kind = totals.kind, tensors = tensors, dropped = dropped } },
    bytes_computed = totals.bytes_computed, bytes_moved = totals.bytes_moved,
    bytes_shared = totals.bytes_shared, bytes_unverified = totals.bytes_unverified,
    memory = options and options.memory or core.default_memory,
  }
end

function methods:save(prefix, options)
  check_self(self, "save")
  if type(prefix) ~= "string" then fail(("save takes a prefix, not %s"):format(core.what(prefix))) end
  local plan = core.plan(self, options)
  local settings = { timestamp = core.time() }
  for key, value in pairs(options or {}) do settings[key] = value end
  local work <close> = plan:run(prefix, settings)
  while not work:wait(1000) do end
  work:commit()
end

return methods

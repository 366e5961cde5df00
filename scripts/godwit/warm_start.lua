-- tf.compat.v1.train.warm_start (warm_starting_util.py): a model's checkpoint takes over the weights of another one, and where
-- a vocabulary changed, row by row.

local core = require "godwit.core"
local assign = require "godwit.assign"
local vocab = require "godwit.vocab"

local methods = core.draft_methods

local function fail(what, ...) core.fail { class = "recipe", what = select("#", ...) > 0 and what:format(...) or what } end
local function fail_with(hint, what, ...) core.fail { class = "recipe", what = what:format(...), hint = hint } end

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

-- ---- Settings, under our names and TensorFlow's

local THEIRS = { vars_to_warm_start = "vars", var_name_to_vocab_info = "vocab", var_name_to_prev_var_name = "prev_names" }
local OURS = { vars = true, vocab = true, prev_names = true, with_slots = true, slot_backup = true, optional = true }

local function check_table(settings, field)
  local value = settings[field]
  if value == nil then return {} end
  if type(value) ~= "table" then fail("%s is a table from names of this checkpoint's variables, not %s", field, core.what(value)) end
  for name in pairs(value) do
    if type(name) ~= "string" then fail("%s is a table from names of this checkpoint's variables, and has %s as a key", field, core.what(name)) end
  end
  return value
end

local function read_settings(given)
  if given == nil then given = {} end
  if type(given) ~= "table" then fail("warm_start takes settings as a table, not %s", core.what(given)) end
  local settings = {}
  for field, value in pairs(given) do
    local ours = THEIRS[field] or field
    if not OURS[ours] then
      fail_with("the settings are vars, prev_names, vocab, with_slots, slot_backup, optional", "warm_start has no setting '%s'", tostring(field))
    end
    if settings[ours] ~= nil then fail("%s and TensorFlow's name for it are both given", ours) end
    settings[ours] = value
  end
  settings.prev_names, settings.infos = check_table(settings, "prev_names"), {}
  for name, old in pairs(settings.prev_names) do
    if type(old) ~= "string" then fail("prev_names: the old name of \"%s\" is %s, not a string", name, core.what(old)) end
  end
  for name, info in pairs(check_table(settings, "vocab")) do settings.infos[name] = vocab.infos(info) end
  vocab.check_options({ slot_backup = settings.slot_backup }, { slot_backup = true })
  if settings.vars == nil then settings.vars = ".*" end
  return settings
end

-- ---- The model's variables

--- Object-based: variables by their full names, as a graph calls them (object_graph_key_mapping).
local function full_names(draft)
  local graph, keys = require "godwit.graph".graph, {}
  for path, node in graph.walk(draft.root) do
    if graph.is_variable(node) then keys[graph.full_name(node)] = path .. SUFFIX end
    for _, _, slot in graph.slots(node) do keys[graph.full_name(slot)] = graph.path(slot) .. SUFFIX end
  end
  return keys
end

--- "v" for "v/part_3" when there are parts from 0 on and no v.
local function whole_of(draft, name)
  if not name:find("/part_", 1, true) then return name end
  local whole = name:match "^(.+)/part_%d+$"
  if whole and not draft:has(whole) and draft:has(whole .. "/part_0") then return whole end
  return name
end

--- Every variable: a sequence of {name =, key =, weight =, parts = names of parts, if that is how it is stored}, by name.
local function variables_of(draft)
  local list, by_name = {}, {}
  local function add(name, key, weight)
    local variable = { name = name, key = key, weight = weight }
    list[#list + 1] = variable
    return variable
  end
  local function add_part(whole, part, weight)
    local variable = by_name[whole]
    if not variable then
      variable = add(whole, whole, weight)
      variable.parts, by_name[whole] = {}, variable
    end
    variable.parts[#variable.parts + 1] = part
  end
  if draft.kind == "objects" then
    local names, keys = {}, full_names(draft)
    for name in pairs(keys) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do add(name, keys[name], draft:role(keys[name]) == "weight") end
    return list
  end
  local weights = {}
  for _, name in ipairs(draft:core_names { role = "weight" }) do weights[name] = true end
  for _, name in ipairs(draft:core_names()) do
    local whole = whole_of(draft, name)
    if whole == name then add(name, name, weights[name]) else add_part(whole, name, weights[name]) end
  end
  return list
end

--- Batch normalisation's statistics are saved like weights, and trained like none.
local function is_trainable(variable)
  if not variable.weight or not variable.name:find("moving_", 1, true) then return variable.weight end
  local last = ("/" .. variable.name):match "^.*/(.*)$"
  return not last:find "^moving_mean" and not last:find "^moving_variance"
end

--- As tf.compat.v1.get_collection(scope): re.match, against the name of the variable's tensor.
local function matches(variable, anchored)
  if not variable.parts then return core.match(variable.name .. ":0", anchored) ~= nil end
  for _, part in ipairs(variable.parts) do
    if core.match(part .. ":0", anchored) then return true end
  end
  return false
end

local function anchored(pattern)
  if type(pattern) ~= "string" then fail("vars has %s; it takes expressions or variables", core.what(pattern)) end
  core.match("", pattern) -- what is wrong with it is said of what was written
  return "\\A(?:" .. pattern .. ")"
end

local function by_node(draft, list, node)
  if not core.node_draft(node):core_same(draft) or not core.node_is_variable(node) then fail "vars has an object that is no variable of this checkpoint" end
  local key = core.node_path(node) .. SUFFIX
  for _, variable in ipairs(list) do
    if variable.key == key then return variable end
  end
end

local function select_list(draft, list, settings)
  local chosen = {}
  for _, item in ipairs(settings.vars) do
    local before = next(chosen) and #chosen or 0
    if core.node_is(item) then
      chosen[#chosen + 1] = by_node(draft, list, item)
    else
      local pattern = anchored(item)
      for _, variable in ipairs(list) do
        if matches(variable, pattern) then chosen[#chosen + 1] = variable end
      end
      if #chosen == before and not settings.optional then
        fail_with("an expression is matched at the start of \"NAME:0\"; pass optional = true in the settings if nothing need match",
          "no variable matches '%s'", item)
      end
    end
  end
  return chosen
end

local function select(draft, list, settings)
  local vars, chosen = settings.vars, {}
  if type(vars) == "table" then
    if #vars == 0 then fail "vars is an empty list; false means only what has a vocabulary" end
    return select_list(draft, list, settings)
  end
  if vars ~= false and type(vars) ~= "string" then fail("vars is an expression, a list, or false, not %s", core.what(vars)) end
  local pattern = vars and vars ~= ".*" and anchored(vars)
  for _, variable in ipairs(list) do
    local wanted = is_trainable(variable) and (vars or settings.infos[variable.name])
    if wanted and (not pattern or matches(variable, pattern)) then chosen[#chosen + 1] = variable end
  end
  if #chosen == 0 and vars and not settings.optional then
    fail_with("an expression is matched at the start of \"NAME:0\"; a list of expressions looks at all variables, slots and steps too",
      "no weight matches '%s'", vars)
  end
  return chosen
end

--- A name in the settings that means nothing is a typing error (TensorFlow raises, too).
local function check_used(settings, chosen, draft)
  local used, names = {}, {}
  for i, variable in ipairs(chosen) do
    used[variable.name] = true
    names[i] = variable.name
  end
  for _, field in ipairs { "prev_names", "infos" } do
    for name in pairs(settings[field]) do
      if not used[name] then
        local guess = require "godwit.nearest"(name, names)
        fail_with(guess and ("did you mean \"%s\"?"):format(guess) or "vars says which variables take part",
          "%s names \"%s\", which is not among the variables that are started%s", field == "infos" and "vocab" or field, name,
          draft:has(name) and ", though it is there" or "")
      end
    end
  end
end

-- ---- The source

--- Gives the way from names to the source's keys.
local function source_names(source)
  if source.kind ~= "objects" then
    return function(name) return source:has(name) and name or source:has(name .. "/part_0") and name or nil end
  end
  local keys = full_names(source)
  return function(name) return keys[name] or source:has(name) and name or source:has(name .. SUFFIX) and name .. SUFFIX or nil end
end

local function no_source(source, variable, name)
  local names = {}
  for other in pairs(source.kind == "objects" and full_names(source) or {}) do names[#names + 1] = other end
  if source.kind ~= "objects" then names = source:core_names() end
  local guess = require "godwit.nearest"(name, names)
  core.fail {
    class = "recipe", key = variable.name,
    what = ("the source has no variable \"%s\" for it%s"):format(name, guess and (" (the nearest: \"%s\")"):format(guess) or ""),
    hint = "prev_names = {new = \"old\"} says what it was called; optional = true leaves what the source lacks as it is; vars chooses what is started",
  }
end

-- ---- What is put where

local Report = { __name = "godwit.WarmStart" }
Report.__index = Report

function Report:__tostring()
  local names, lines = {}, {}
  for name in pairs(self.variables) do names[#names + 1] = name end
  table.sort(names)
  lines[1] = ("%d variable%s started%s"):format(#names, #names == 1 and "" or "s", #self.missing > 0 and (", %d without a source"):format(#self.missing) or "")
  for _, name in ipairs(names) do
    local rows, from = self.vocab[name], self.variables[name]
    local text = from == name and name or ("%s from %s"):format(name, from)
    if rows then text = ("%s · %d tokens kept, %d new, %d lost"):format(text, rows.kept, rows.new, rows.lost) end
    if rows or from ~= name then lines[#lines + 1] = "  " .. text end
  end
  for _, name in ipairs(self.missing) do lines[#lines + 1] = "  no source: " .. name end
  return table.concat(lines, "\n")
end

local Rules = {}
Rules.__index = Rules

function Rules:add(from, to, tensor)
  local n = #self.from + 1
  self.from[n], self.to[n], self.tensors[n] = from, to, tensor
end

--- The slots of one variable, as far as both have them.
local function add_slots(rules, source, variable, key, infos, settings)
  local ours, theirs = settings.target_slots[variable.key] or {}, settings.source_slots[key] or {}
  for slot, name in pairs(ours) do
    local old = theirs[slot]
    if old and infos then
      rules:add(old, name, vocab.remap_slot(source.vars[old], infos, slot, name, source.vars[key].shape, settings))
    elseif old then
      rules:add(old, name)
    end
  end
end

function methods:warm_start(source, settings)
  if type(self) ~= "userdata" then fail "warm_start is called with a colon: ckpt:warm_start(source, settings)" end
  if not assign.is_draft(source) then fail("warm_start takes a checkpoint and settings, not %s", core.what(source)) end
  settings = read_settings(settings)
  local chosen = select(self, variables_of(self), settings)
  check_used(settings, chosen, self)
  local find, rules = source_names(source), setmetatable({ from = {}, to = {}, tensors = {} }, Rules)
  local report = setmetatable({ variables = {}, vocab = {}, missing = {} }, Report)
  if settings.with_slots then
    settings.target_slots, settings.source_slots = vocab.slots_by_variable(self), vocab.slots_by_variable(source)
  end
  for _, variable in ipairs(chosen) do
    local name = variable.name
    local old, infos = settings.prev_names[name] or name, settings.infos[name]
    local key = find(old)
    if report.variables[name] then key = nil -- two expressions meant it
    elseif not key and settings.optional then report.missing[#report.missing + 1] = name
    elseif not key then no_source(source, variable, old) end
    if key then
      report.variables[name] = old
      if infos then
        rules:add(old, variable.key, vocab.remap(source.vars[key], infos))
        report.vocab[name] = { kept = infos[1].kept, new = infos[1].new, lost = infos[1].lost }
      else
        rules:add(key, variable.key)
      end
      if settings.with_slots then add_slots(rules, source, variable, key, infos, settings) end
    end
  end
  self:core_assign(source, rules.from, rules.to, rules.tensors, false)
  return report
end

-- Vocabularies: gw.vocab, gw.vocab_info, and tensors whose rows follow their tokens. Lines are found and looked up in core.

local core = require "godwit.core"
local assign = require "godwit.assign"
local slots_by_name = require "godwit.slots"

local vocab = {}

local function fail(what, ...) core.fail { class = "recipe", what = select("#", ...) > 0 and what:format(...) or what } end

--- Reads a vocabulary by its path; a recipe has no such way (guest.lua takes it away).
function vocab.read(path)
  local file, problem = io.open(path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  if not text then core.fail { class = "system", file = path, what = problem and problem:sub(#path + 3) or "this is a folder, not a file" } end
  return text
end

local function of_list(tokens)
  for i, token in ipairs(tokens) do
    if type(token) ~= "string" then fail("token %d of the vocabulary (from 0) is %s, not a string", i - 1, core.what(token)) end
    if token:find("\n", 1, true) or token:sub(-1) == "\r" then fail("token %d of the vocabulary (from 0) has the end of a line in it", i - 1) end
    if token == "" then fail("token %d of the vocabulary (from 0) is empty", i - 1) end
  end
  local count = 0
  for _ in pairs(tokens) do count = count + 1 end
  if count ~= #tokens or count == 0 then fail "a vocabulary is a list of tokens, without holes" end
  return core.vocab(table.concat(tokens, "\n"), "")
end

local function is_vocab(value) return type(value) == "userdata" and getmetatable(value) == "godwit.Vocab" end

function vocab.vocab(source)
  if is_vocab(source) then return source end
  if type(source) == "string" then
    if not vocab.read then
      core.fail {
        class = "recipe", what = "a recipe opens no files itself: gw.vocab takes a file parameter or a list of tokens, not a path",
        hint = "declare a parameter, params = { vocab = { type = \"file\" } }, and give it as -p vocab=@FILE",
      }
    end
    return core.vocab(vocab.read(source), source)
  end
  if type(source) ~= "table" then fail("gw.vocab takes a file parameter or a list of tokens, not %s", core.what(source)) end
  if type(source.bytes) == "function" then return core.vocab(source:bytes(), tostring(source.name or "")) end
  return of_list(source)
end

-- ---- Where tokens go: tf.compat.v1.train.VocabInfo

local Info = { __name = "godwit.VocabInfo" }
Info.__index = function(_, field) fail("a vocab_info has no field '%s' (axis, count, kept, new, lost)", tostring(field)) end

local FIELDS = {
  new_vocab = true, new_vocab_size = true, num_oov_buckets = true, old_vocab = true, old_vocab_size = true, backup = true,
  backup_initializer = true, axis = true, aliases = true,
}

--- A count of lines: nil and -1 mean all of them, as in TensorFlow.
local function check_size(info, field)
  local size = info[field]
  if size == nil or size == -1 and field == "old_vocab_size" then return 0 end
  if math.type(size) ~= "integer" or size < 1 then fail("%s is a number of lines, not %s", field, tostring(size)) end
  return size
end

local function check_buckets(count)
  if count == nil then return 0 end
  if math.type(count) ~= "integer" or count < 0 then fail("num_oov_buckets is a whole number from 0 on, not %s", tostring(count)) end
  return count
end

local function list_aliases(aliases)
  if aliases == nil then return nil end
  if type(aliases) ~= "table" then fail("aliases are a table from new tokens to old ones, not %s", core.what(aliases)) end
  local list, names = {}, {}
  for token in pairs(aliases) do names[#names + 1] = token end
  for _, token in ipairs(names) do
    if type(token) ~= "string" or type(aliases[token]) ~= "string" then fail "aliases are a table from new tokens to old ones" end
  end
  table.sort(names)
  for _, token in ipairs(names) do
    list[#list + 1] = token
    list[#list + 1] = aliases[token]
  end
  return list
end

function vocab.is_info(value) return type(value) == "table" and getmetatable(value) == Info end

function vocab.info(settings)
  if vocab.is_info(settings) then return settings end
  if type(settings) ~= "table" then fail("gw.vocab_info takes a table, not %s", core.what(settings)) end
  for field in pairs(settings) do
    if not FIELDS[field] then
      fail("a vocab_info has no field '%s' (new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size, backup, axis, aliases)", tostring(field))
    end
  end
  for _, field in ipairs { "new_vocab", "old_vocab" } do
    if settings[field] == nil then fail("%s is missing: a vocabulary, a file parameter or a list of tokens", field) end
  end
  local axis, backup = settings.axis, settings.backup
  if axis ~= nil and math.type(axis) ~= "integer" then fail("axis is a whole number, not %s", core.what(axis)) end
  if backup == nil then backup = settings.backup_initializer
  elseif settings.backup_initializer ~= nil then fail "backup and backup_initializer are the same: give one" end
  local made = { axis = axis or 0, given_axis = axis or false, backup = backup == nil and 0 or backup, zero = backup == nil }
  made.remapping, made.kept, made.new, made.lost = core.vocab_remap(vocab.vocab(settings.new_vocab), vocab.vocab(settings.old_vocab),
    check_size(settings, "new_vocab_size"), check_size(settings, "old_vocab_size"), check_buckets(settings.num_oov_buckets), list_aliases(settings.aliases))
  made.count = #made.remapping
  return setmetatable(made, Info)
end

--- One info or a list of them (rows and columns), as a list.
function vocab.infos(value)
  if type(value) == "table" and not vocab.is_info(value) and value[1] ~= nil then
    local list = {}
    for i, item in ipairs(value) do list[i] = vocab.info(item) end
    return list
  end
  return { vocab.info(value) }
end

-- ---- Tensors

local function scalar(tensor, value)
  if tensor.dtype == "string" then return core.tensor(value == 0 and "" or value, "string") end
  if tensor.dtype == "bool" and value == 0 then value = false end
  return core.full({}, value, tensor.dtype)
end

--- What is put where no old element goes: a scalar, or a tensor of the result's shape.
local function backup_for(tensor, backup, axis, count)
  if type(backup) == "function" then
    local shape = {}
    for i = 1, tensor.rank do shape[i] = i == axis + 1 and count or tensor.shape[i] end
    backup = backup(shape)
    if backup == nil then fail "the backup function returned nothing; it gives a number or a tensor" end
  end
  if core.node_is(backup) then backup = core.node_tensor(backup) end
  if type(backup) == "userdata" and getmetatable(backup) == "godwit.Tensor" then return backup end
  if type(backup) ~= "number" and type(backup) ~= "boolean" and type(backup) ~= "string" then
    fail("backup is a number, a tensor or a function of the shape, not %s", core.what(backup))
  end
  return scalar(tensor, backup)
end

local function remap(tensor, info, axis, backup)
  if backup == nil then backup = info.backup end
  local at = axis < 0 and axis + tensor.rank or axis
  if at < 0 or at >= tensor.rank then fail("a vocabulary of axis %d (from 0), and the tensor is %s%s", axis, tensor.dtype, tostring(tensor.shape)) end
  return core.remap(tensor, info.remapping, at, backup_for(tensor, backup, at, info.count))
end

--- Along every axis that has a vocabulary.
function vocab.remap(tensor, infos, backup)
  for _, info in ipairs(infos) do tensor = remap(tensor, info, info.axis, backup) end
  return tensor
end

local function along(name, axis)
  return function(tensor, info)
    if core.what(tensor) ~= "a tensor" then fail("%s is called with a colon: t:%s(info)", name, name) end
    info = vocab.info(info)
    if info.given_axis and info.given_axis ~= axis then fail("%s is for axis %d, and the vocabulary says axis %d", name, axis, info.given_axis) end
    return remap(tensor, info, axis)
  end
end

core.tensor_methods.remap_rows = along("remap_rows", 0)
core.tensor_methods.remap_cols = along("remap_cols", 1)

-- ---- Slots: their rows are those of their variable

--- What a slot starts with in TensorFlow where that is not 0 (an accumulator of 0 would divide by it). Names of TF1's Saver and,
--- in lower case, of objects.
local FIRST = { Adagrad = 0.1, Ftrl = 0.1, ProximalAdagrad = 0.1, AdagradDA = 0.1, RMSProp = 1.0, accumulator = 0.1 }

function vocab.check_options(options, known)
  if options == nil then return {} end
  if type(options) ~= "table" then fail("options are a table, not %s", core.what(options)) end
  for key in pairs(options) do
    if not known[key] then fail("there is no option '%s'", tostring(key)) end
  end
  local backups = options.slot_backup
  if backups ~= nil and type(backups) ~= "table" then fail "slot_backup is a table from slots' names to values: {Adagrad = 0.1}" end
  return options
end

--- Which axes of the variable a slot has: all, all but one (the factored moments of Adafactor), or none (one number).
local function axis_left_out(name, slot, shape, axes)
  if slot.rank == 0 then return "scalar" end
  if slot.shape == shape then return nil end
  local found
  for out = 0, #shape - 1 do
    local same, at = #slot.shape == #shape - 1, 0
    for i = 0, #shape - 1 do
      if i ~= out then
        at = at + 1
        same = same and slot.shape[at] == shape[i + 1]
      end
    end
    if same then
      if found and (axes[found] or axes[out]) then
        fail("\"%s\" is %s: it cannot be told which axis of its variable's %s it lacks", name, tostring(slot.shape), tostring(shape))
      end
      found = found or out
    end
  end
  if not found then fail("\"%s\" is %s, and its variable is %s: drop the slot, or remap it by itself", name, tostring(slot.shape), tostring(shape)) end
  return found
end

--- `slot`: the slot's name, "Adam"; `name`: what messages call it; `shape`: of its variable, before.
function vocab.remap_slot(tensor, infos, slot, name, shape, options)
  local backups = options.slot_backup or {}
  local axes = {}
  for _, info in ipairs(infos) do axes[info.axis < 0 and info.axis + #shape or info.axis] = true end
  local out = axis_left_out(name, tensor, shape, axes)
  if out == "scalar" then return tensor end
  local first = backups[slot]
  if first == nil then first = FIRST[slot] or 0 end
  -- A moving average starts as its variable does.
  if slot:find "^ExponentialMovingAverage" and not out and backups[slot] == nil then first = nil end
  for _, info in ipairs(infos) do
    local axis = info.axis < 0 and info.axis + #shape or info.axis
    if not out then tensor = remap(tensor, info, axis, first)
    elseif axis ~= out then tensor = remap(tensor, info, axis < out and axis or axis - 1, first) end
  end
  return tensor
end

-- ---- Variables and their slots by name

local SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

local function slots_of_objects(draft)
  local slots, graph = {}, require "godwit.graph".graph
  for _, node in graph.walk(draft.root) do
    for slot, variable, tensor in graph.slots(node) do
      local owner = graph.path(variable) .. SUFFIX
      slots[owner] = slots[owner] or {}
      slots[owner][slot] = graph.path(tensor) .. SUFFIX
    end
  end
  return slots
end

--- Name of a variable -> name of a slot ("Adam", "ExponentialMovingAverage", "m") -> its tensor's name.
function vocab.slots_by_variable(draft)
  if draft.kind == "objects" then return slots_of_objects(draft) end
  local slots = {}
  for _, role in ipairs { "slot", "average" } do
    for _, name in ipairs(draft:core_names { role = role }) do
      local variable, slot = slots_by_name.owner(draft, name)
      if variable then
        slots[variable] = slots[variable] or {}
        slots[variable][slot] = name
      end
    end
  end
  return slots
end

function core.draft_methods:remap(name, info, options)
  if type(self) ~= "userdata" then fail "remap is called with a colon: ckpt:remap(name, info)" end
  if type(name) ~= "string" then fail("remap takes a variable's name, not %s", core.what(name)) end
  options = vocab.check_options(options, { with_slots = true, slot_backup = true })
  local key = not self:has(name) and self.kind == "objects" and self:has(name .. SUFFIX) and name .. SUFFIX or name
  local infos, tensor = vocab.infos(info), self.vars[key]
  local made = { [key] = vocab.remap(tensor, infos) }
  for slot, at in pairs(options.with_slots and vocab.slots_by_variable(self)[key] or {}) do
    made[at] = vocab.remap_slot(self.vars[at], infos, slot, at, tensor.shape, options)
  end
  for at, value in pairs(made) do self.vars[at] = value end
  return { kept = infos[1].kept, new = infos[1].new, lost = infos[1].lost }
end

vocab.lookup = assign.lookup

return vocab

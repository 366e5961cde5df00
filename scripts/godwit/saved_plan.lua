-- Saved plans: JSON, a line each. The first says what the plan was made from, the others are its tensors:
--
--     {"schema": 1, "plan": {"recipe": ..., "inputs": [...], "arguments": {...}}}
--     {"output": null, "kind": "variables", "tensors": 3, "dropped": 1}
--     {"name": "a", "dtype": "float32", ...}          as in `plan --json`
--     {"dropped": "b", "line": "recipe.lua:3"}
--
-- Running one makes the plan again and compares: what was looked at is what runs, or nothing does.

local core = require "godwit.core"
local library = require "godwit.library"
local origin = require "godwit.origin"
local plan_json = require "godwit.plan_json"
local shape = require "godwit.shape"

local saved_plan = {}

local LONGEST_LINE = 64 << 20
local CHANGED = "`godwit plan ... --save` makes a new one"

--- The plan line by line, behind the first.
local function lines(compiled)
  return coroutine.wrap(function()
    for _, output in ipairs(compiled) do
      local totals = output.plan:totals()
      coroutine.yield(core.json(core.object {
        { "output", output.name ~= "" and output.name or core.null }, { "kind", totals.kind }, { "tensors", totals.tensors },
        { "dropped", totals.dropped },
      }))
      for i = 1, totals.tensors do
        local entry = output.plan:entry(i)
        coroutine.yield(plan_json.entry(entry), entry.name)
      end
      for i = 1, totals.dropped do
        local name, line = output.plan:dropped(i)
        coroutine.yield(core.json(core.object { { "dropped", name }, { "line", line } }), name)
      end
    end
  end)
end

-- ---- Saving

local ARGUMENTS = { "data", "shards", "verify", "no_verify", "memory", "max_steps", "max_recipe_memory", "max_recipe_time" }

local function arguments_json(values)
  local fields = { { "param", values.param }, { "output", values.output } }
  for _, name in ipairs(ARGUMENTS) do fields[#fields + 1] = { name, values[name] } end
  return core.object(fields)
end

--- The lines of a file one by one, which may also be a pipe, and may end as on Windows: nil behind the last, false for one that is
--- too long to be a plan's.
local function line_reader(file)
  local block, position = "", 1
  return function()
    local parts, length = {}, 0
    repeat
      local stop = block:find("\n", position, true)
      local part = block:sub(position, (stop or #block + 1) - 1)
      parts[#parts + 1], length = part, length + #part
      if length > LONGEST_LINE then return false end
      position = stop and stop + 1 or #block + 1
      if stop then break end
      block, position = file:read(1 << 16), 1
      if not block then
        block = ""
        if length == 0 then return nil end
        break
      end
    until false
    return (table.concat(parts):gsub("\r$", ""))
  end
end

--- The head of a saved plan, or nil; and its schema, where the file says one.
local function read_head(next_line)
  local text = next_line()
  local document = text and core.json_parse(text)
  local head = type(document) == "table" and document.plan
  return type(head) == "table" and document.schema == 1 and head or nil, type(document) == "table" and document.schema
end

local function check_replaceable(path)
  local is_file, is_plan = core.is_file(path), false
  if is_file == nil then return end
  if is_file then
    local file <close>, reason = io.open(path, "rb")
    if not file then core.fail { class = "system", file = path, what = "exists already, and cannot be read: " .. reason:sub(#path + 3) } end
    is_plan = read_head(line_reader(file)) ~= nil
  end
  if not is_plan then
    core.fail { class = "usage", file = path, what = "exists already, and is no saved plan", hint = "choose another name for --save" }
  end
end

local function check_written(ok, reason, path)
  -- Lua's texts begin with the path that it was given.
  if not ok then core.fail { class = "system", file = path, what = ("the plan cannot be saved: %s"):format(reason:match "[^:]*$":gsub("^ ", "")) } end
end

--- A new, empty file beside `path`.
local function create_aside(path)
  local number, aside = 1, path .. ".new"
  while not core.create_file(aside) do
    number = number + 1
    aside = ("%s.new%d"):format(path, number)
  end
  return aside
end

--- Writes the plan to `path`, in place of nothing or of another saved plan.
function saved_plan.write(path, values, compiled, made)
  check_replaceable(path)
  local created, aside = pcall(create_aside, path)
  check_written(created, not created and aside.what, path)
  local file, reason = io.open(aside, "wb")
  check_written(file, reason, path)
  local _ <close> = setmetatable({}, { __close = function() os.remove(aside) end }) -- gone already when all went well
  local head = core.object {
    { "schema", 1 },
    { "plan", core.object {
      { "godwit", core.version }, { "recipe", origin.recipe(made) }, { "parameters", origin.parameters(made) }, { "inputs", origin.inputs(made) },
      { "arguments", arguments_json(values) },
    } },
  }
  local ok
  ok, reason = file:write(core.json(head), "\n")
  check_written(ok, reason, path)
  for line in lines(compiled) do
    ok, reason = file:write(line, "\n")
    check_written(ok, reason, path)
  end
  ok, reason = file:close()
  check_written(ok, reason, path)
  ok, reason = os.rename(aside, path)
  check_written(ok, reason, path)
end

-- ---- Running

local function changed(path, what)
  core.fail { class = "usage", file = path, what = what, hint = CHANGED }
end

local function check_sha256(path, sha256, before, what)
  if sha256 ~= before.sha256 then changed(path, ("%s has changed since the plan was saved"):format(what)) end
end

local function check_file(path, file, what)
  local sha256 = core.sha256_file(file.file)
  if not sha256 then changed(path, ("%s (%s) is not there any more"):format(what, file.file)) end
  check_sha256(path, sha256, file, ("%s (%s)"):format(what, file.file))
end

local function check_inputs(path, head)
  for i, input in ipairs(head.inputs) do
    for _, file in ipairs(input.index) do
      check_file(path, file, input.name and ("the input '%s'"):format(input.name) or #head.inputs > 1 and ("input %d"):format(i) or "the input")
    end
  end
  for _, field in ipairs(head.parameters) do
    if type(field[2]) == "table" and field[2].sha256 then check_file(path, field[2], ("the file of parameter %s"):format(field[1])) end
  end
end

local function check_recipe(path, recipe)
  if not recipe.name then return end
  local source = library.find(recipe.name)
  if core.sha256(source) ~= recipe.sha256 then changed(path, ("the recipe %s has changed since the plan was saved"):format(recipe.name)) end
end

local FILE = { file = "string", sha256 = "string?" }
local HEAD = {
  godwit = "string?", recipe = { sha256 = "string", name = "string?", text = "string?", modules = function() return { FILE } end },
  parameters = "table", inputs = { { path = "string", name = "string?", rest = "boolean?", index = { FILE } } },
  arguments = {
    param = function() return { "string" } end, output = function() return { "string" } end, data = "string?", shards = "integer?",
    verify = "boolean?", no_verify = "boolean?", memory = "integer?", max_steps = "integer?", max_recipe_memory = "integer?",
    max_recipe_time = "number?",
  },
}

local DATA = { copy = true, clone = true, link = true }

local function is_sound(head)
  if shape.wrong(head, HEAD, "") or not (head.recipe.name or head.recipe.text) then return false end
  for _, field in ipairs(head.parameters) do
    if type(field) ~= "table" or type(field[2]) == "table" and field[2].sha256 and shape.wrong(field[2], FILE, "") then return false end
  end
  local arguments = head.arguments
  if arguments.data and not DATA[arguments.data] then return false end
  for _, name in ipairs { "shards", "memory", "max_steps", "max_recipe_memory", "max_recipe_time" } do
    if arguments[name] and arguments[name] < 0 then return false end
  end
  return true
end

--- What may not be said again beside --plan.
local function check_alone(values)
  local said = #values.recipe > 0 and "a recipe and inputs" or values.execute and "-e" or #values.param > 0 and "-p" or nil
  for _, name in ipairs { "data", "shards", "verify", "no_verify" } do said = said or values[name] and "--" .. name:gsub("_", "-") end
  if said then
    core.fail { class = "usage", what = ("--plan FILE has its recipe, parameters, inputs and layout in it: there is no use for %s"):format(said) }
  end
end

--- Opens the plan of `values.plan`, checks that nothing it was made from has changed, and puts its arguments into `values`.
--- Returns what `saved_plan.compare` needs.
function saved_plan.open(values)
  local path = values.plan
  check_alone(values)
  local file, reason, number = io.open(path, "rb")
  if not file then
    core.fail { class = number == 2 and "usage" or "system", file = path, what = "the saved plan cannot be read: " .. reason:sub(#path + 3) }
  end
  local next_line = line_reader(file)
  local head, schema = read_head(next_line)
  if not head and math.type(schema) == "integer" and schema ~= 1 then
    core.fail { class = "usage", file = path, what = ("it has schema %d, and this godwit knows schema 1"):format(schema) }
  end
  if not head or not is_sound(head) then
    core.fail { class = "usage", file = path, what = "this is no saved plan", hint = "`godwit plan RECIPE INPUT... --save FILE` makes one" }
  end
  check_inputs(path, head)
  check_recipe(path, head.recipe)
  local arguments = head.arguments
  values.recipe, values.execute, values.param = { head.recipe.name }, not head.recipe.name and head.recipe.text or nil, arguments.param or {}
  for _, input in ipairs(head.inputs) do
    values.recipe[#values.recipe + 1] = input.name and not input.rest and ("%s=%s"):format(input.name, input.path) or input.path
  end
  if #values.output == 0 then values.output = arguments.output or {} end
  for _, name in ipairs(ARGUMENTS) do
    if values[name] == nil then values[name] = arguments[name] end
  end
  return { path = path, file = file, next_line = next_line, head = head }
end

--- What was there when the plan was made again is what the checks before have seen.
local function compare_origin(path, head, made)
  check_sha256(path, core.sha256(made.source), head.recipe, ("the recipe %s"):format(head.recipe.name or "-e"))
  for i, input in ipairs(made.inputs) do
    for j, file in ipairs(input.index) do
      local before = head.inputs[i].index[j]
      check_sha256(path, file.sha256, before or {}, ("the input (%s)"):format(file.file))
    end
  end
  local before = {}
  for _, module in ipairs(head.recipe.modules or {}) do before[module.file] = module end
  for _, module in ipairs(made.modules) do
    local what = ("the module %s"):format(module.file)
    if not before[module.file] then changed(path, what .. " takes part, which it did not when the plan was saved") end
    check_sha256(path, module.sha256, before[module.file], what)
  end
end

--- Compares the plan as it is now with the saved one. Raises the first difference.
function saved_plan.compare(opened, compiled, made)
  local path, head, file <close> = opened.path, opened.head, opened.file -- luacheck: ignore file
  compare_origin(path, head, made)
  local function another(what)
    local by = head.godwit and head.godwit ~= core.version and (" (it was saved by godwit %s, and this is %s)"):format(head.godwit, core.version) or ""
    changed(path, ("the plan is another one now: %s%s"):format(what, by))
  end
  for line, name in lines(compiled) do
    local saved = opened.next_line()
    if saved == nil then another "the saved one ends too early, as when it was cut short" end
    if saved ~= line then another(("%s differs"):format(name and ("'%s'"):format(core.printable(name)) or "the number of tensors")) end
  end
  if opened.next_line() ~= nil then another "the saved one has more in it" end
end

return saved_plan

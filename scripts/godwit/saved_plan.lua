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

--- The first line, when it is not too long to be one; the file is then behind it.
local function first_line(file)
  local parts, length = {}, 0
  repeat
    local part = file:read(1 << 16)
    if not part then return nil end
    local stop = part:find("\n", 1, true)
    parts[#parts + 1] = stop and part:sub(1, stop) or part
    length = length + #parts[#parts]
    if stop then
      file:seek("set", length)
      return table.concat(parts)
    end
  until length > LONGEST_LINE
end

--- The head of a saved plan, or nil; and its schema, where the file says one.
local function read_head(file)
  local text = first_line(file)
  local document = text and core.json_parse(text)
  local head = type(document) == "table" and document.plan
  return type(head) == "table" and document.schema == 1 and head or nil, type(document) == "table" and document.schema
end

local function check_replaceable(path)
  local file = io.open(path, "rb")
  if not file then return end
  local is_plan = file:read(0) and read_head(file) ~= nil
  file:close()
  if not is_plan then
    core.fail { class = "usage", file = path, what = "exists already, and is no saved plan", hint = "choose another name for --save" }
  end
end

local function check_written(ok, reason, path)
  -- Lua's texts begin with the path that it was given.
  if not ok then core.fail { class = "system", file = path, what = ("the plan cannot be saved: %s"):format(reason:match "[^:]*$":gsub("^ ", "")) } end
end

--- Writes the plan to `path`, in place of nothing or of another saved plan.
function saved_plan.write(path, values, compiled, made)
  check_replaceable(path)
  local aside = path .. ".new"
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

local function check_file(path, file, what)
  local sha256 = core.sha256_file(file.file)
  if not sha256 then changed(path, ("%s (%s) is not there any more"):format(what, file.file)) end
  if sha256 ~= file.sha256 then changed(path, ("%s (%s) has changed since the plan was saved"):format(what, file.file)) end
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
  if recipe.text then return end
  local source = library.find(recipe.name)
  if core.sha256(source) ~= recipe.sha256 then changed(path, ("the recipe %s has changed since the plan was saved"):format(recipe.name)) end
end

local function is_sound(head)
  local recipe, arguments, inputs = head.recipe, head.arguments, head.inputs
  if type(recipe) ~= "table" or type(recipe.sha256) ~= "string" or type(recipe.name or recipe.text) ~= "string" then return false end
  if type(arguments) ~= "table" or type(head.parameters) ~= "table" or type(inputs) ~= "table" then return false end
  for _, input in ipairs(inputs) do
    if type(input) ~= "table" or type(input.path) ~= "string" or type(input.index) ~= "table" then return false end
    for _, file in ipairs(input.index) do
      if type(file) ~= "table" or type(file.file) ~= "string" then return false end
    end
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
  local head, schema = read_head(file)
  if not head and math.type(schema) == "integer" and schema ~= 1 then
    core.fail { class = "usage", file = path, what = ("it has schema %d, and this godwit knows schema 1"):format(schema) }
  end
  if not head or not is_sound(head) then
    core.fail { class = "usage", file = path, what = "this is no saved plan", hint = "`godwit plan RECIPE INPUT... --save FILE` makes one" }
  end
  check_inputs(path, head)
  check_recipe(path, head.recipe)
  local arguments = head.arguments
  values.recipe, values.execute, values.param = {}, head.recipe.text, arguments.param or {}
  if not values.execute then values.recipe[1] = head.recipe.name end
  for _, input in ipairs(head.inputs) do
    values.recipe[#values.recipe + 1] = input.name and not input.rest and ("%s=%s"):format(input.name, input.path) or input.path
  end
  if #values.output == 0 then values.output = arguments.output or {} end
  for _, name in ipairs(ARGUMENTS) do
    if values[name] == nil then values[name] = arguments[name] end
  end
  return { path = path, file = file, head = head }
end

--- Compares the plan as it is now with the saved one. Raises the first difference.
function saved_plan.compare(opened, compiled, made)
  local path, file <close> = opened.path, opened.file
  local modules = origin.recipe(made).modules or {}
  local before = {}
  for _, module in ipairs(opened.head.recipe.modules or {}) do before[module.file] = module.sha256 end
  for _, module in ipairs(modules) do
    if before[module.file] ~= module.sha256 then changed(path, ("the module %s has changed since the plan was saved"):format(module.file)) end
  end
  for line, name in lines(compiled) do
    if file:read(#line + 1) ~= line .. "\n" then
      changed(path, ("the plan is another one now: %s differs"):format(name and ("'%s'"):format(name) or "the number of tensors"))
    end
  end
  if file:read(0) then changed(path, "the plan is another one now: the saved one has more in it") end
end

return saved_plan

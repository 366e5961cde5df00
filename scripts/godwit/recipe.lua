-- What a recipe says about itself, checked; and its parameters and inputs, parsed against that. Works on plain data: the
-- functions of a recipe never leave its own state.

local core = require "godwit.core"
local version = require "godwit.version"

local recipe = {}

local API = "1" -- the version of the Lua API, that of scripts/README.md

local FIELDS = {
  name = "string", version = "string", godwit = "string", summary = "string", description = "string",
  examples = "table", inputs = "table", params = "table", detect = "function", run = "function", tests = "table",
}
local PARAM_FIELDS = { type = true, default = true, help = true, required = true, choices = true }
local PARAM_TYPES = {
  string = true, integer = true, number = true, boolean = true, list = true, choice = true, file = true,
}

--- `title`: what the recipe is called in messages; there is no line to blame.
local function wrong(title, what, ...) core.fail { class = "recipe", file = title, what = what:format(...) } end

--- The fields of a table of checks as a list for messages.
function recipe.listed(fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

-- A parameter's default is what its parser would give.
local IS = {
  string = function(value) return type(value) == "string" end,
  integer = function(value) return math.type(value) == "integer" end,
  number = function(value) return type(value) == "number" end,
  boolean = function(value) return type(value) == "boolean" end,
  file = function() return false end,
}

function IS.list(value)
  if type(value) ~= "table" then return false end
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" or type(item) ~= "string" then return false end
  end
  return true
end

function IS.choice(value, param)
  for _, choice in ipairs(param.choices) do
    if choice == value then return true end
  end
  return false
end

local function check_default(title, name, param)
  if param.required and param.default ~= nil then wrong(title, "parameter %s is required and has a default: it needs only one of them", name) end
  if param.default == nil or IS[param.type](param.default, param) then return end
  if param.type == "file" then wrong(title, "parameter %s is a file and cannot have a default", name) end
  local expected = param.type == "choice" and "one of its choices" or param.type == "list" and "a list of strings" or "of type " .. param.type
  wrong(title, "the default of parameter %s is not %s", name, expected)
end

local function check_param(title, name, param)
  if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
    wrong(title, "'%s' cannot be the name of a parameter (letters, digits and _)", tostring(name))
  end
  if type(param) ~= "table" then wrong(title, "parameter %s is a %s, not a table like {type = \"string\"}", name, type(param)) end
  for field in pairs(param) do
    if not PARAM_FIELDS[field] then wrong(title, "parameter %s has an unknown field '%s' (%s)", name, tostring(field), recipe.listed(PARAM_FIELDS)) end
  end
  if not PARAM_TYPES[param.type] then
    wrong(title, "parameter %s has the type '%s' (string, integer, number, boolean, list, choice, file)", name, tostring(param.type))
  end
  if param.help ~= nil and type(param.help) ~= "string" then wrong(title, "the help of parameter %s is a %s, not a string", name, type(param.help)) end
  if param.required ~= nil and type(param.required) ~= "boolean" then
    wrong(title, "required of parameter %s is a %s, not true or false", name, type(param.required))
  end
  if param.type == "choice" and (type(param.choices) ~= "table" or #param.choices == 0) then
    wrong(title, "parameter %s is a choice without choices", name)
  end
  for _, choice in ipairs(param.type == "choice" and param.choices or {}) do
    if type(choice) ~= "string" then wrong(title, "the choices of parameter %s are strings, not a %s", name, type(choice)) end
  end
  check_default(title, name, param)
end

local function check_inputs(title, inputs)
  local seen = {}
  for i, name in ipairs(inputs) do
    if type(name) ~= "string" or not name:match("^[%a_][%w_]*%.?%.?%.?$") then
      wrong(title, "input %d has no valid name (letters, digits and _; the last may end in '...')", i)
    end
    if name:find(".", 1, true) and (i < #inputs or not name:match("[^.]%.%.%.$")) then
      wrong(title, "input %d is '%s', and only the last input may end in '...'", i, name)
    end
    if seen[name] then wrong(title, "two inputs are called '%s'", name) end
    seen[name] = true
  end
end

--- Nothing but text, numbers, booleans and tables of these: a description leaves the recipe's state, as it is and not as a
--- __pairs of the recipe's says.
local function is_plain(value, depth)
  if type(value) ~= "table" then return type(value) == "string" or type(value) == "number" or type(value) == "boolean" end
  if depth > 20 then return false end
  for key, item in next, value do
    if not is_plain(key, depth + 1) or not is_plain(item, depth + 1) then return false end
  end
  return true
end

--- Raises when a field `godwit` asks for another one than this: "1" is a version of the Lua API, ">= 0.1" a range of the
--- program's, "1, >= 0.1" both. `who`: "these recipes need".
function recipe.check_godwit(text, title, who)
  for part in (text .. ","):gmatch "%s*([^,]-)%s*," do
    if version.is_valid(part) then
      if version.compare(part, API) ~= 0 then
        core.fail {
          class = "recipe", file = title, what = ("%s version %s of the Lua API, this is version %s"):format(who, part, API),
          hint = part:find(".", 1, true) and ("a version of the program is asked for by a range: godwit = \">= %s\""):format(part) or nil,
        }
      end
    else
      local _, problem, form = version.range(part)
      if problem then core.fail { class = "recipe", file = title, what = "godwit = " .. problem, hint = form } end
      if not version.is_in(core.version, part) then
        core.fail {
          class = "recipe", file = title, what = ("%s godwit %s, this is %s"):format(who, part, core.version),
          hint = "take another godwit, or another version of the recipes",
        }
      end
    end
  end
end

--- `what`: "the recipe's version".
function recipe.check_version(text, title, what)
  if not version.is_valid(text) then wrong(title, "%s is '%s', not whole numbers with dots like \"1.2\"", what, text) end
end

--- Checks what a recipe's chunk returned and gives its description without functions, and the function to run.
function recipe.describe(value, title)
  if type(value) == "function" then return { params = {} }, value end
  if type(value) ~= "table" then
    wrong(title, "a recipe returns a function or a table with a field run, not %s", value == nil and "nothing" or "a " .. type(value))
  end
  -- First of all: a recipe for another godwit may have fields that this one does not know.
  local needs = rawget(value, "godwit")
  if type(needs) == "string" then recipe.check_godwit(needs, title, "the recipe needs") end
  for field, content in next, value do
    local expected = FIELDS[field]
    if not expected then wrong(title, "a recipe has no field '%s' (%s)", tostring(field), recipe.listed(FIELDS)) end
    if type(content) ~= expected then wrong(title, "the recipe's %s is a %s, not a %s", field, type(content), expected) end
    if field == "version" then recipe.check_version(content, title, "the recipe's version") end
  end
  if not value.run then wrong(title, "the recipe has no function run(ckpt, p, inputs)") end
  for name, param in next, value.params or {} do check_param(title, name, param) end
  check_inputs(title, value.inputs or {})
  local description = {}
  for field, content in next, value do
    if type(content) ~= "function" and field ~= "tests" then
      if not is_plain(content, 0) then wrong(title, "the recipe's %s holds something other than text, numbers and tables of them", field) end
      description[field] = content
    end
  end
  description.params = description.params or {}
  return description, value.run
end

--- Whether what a file returned is no recipe and does not want to be one: a table of names, of functions, for `require`.
function recipe.is_module(value)
  if type(value) ~= "table" then return type(value) ~= "function" end
  return value.run == nil and value.summary == nil and value.params == nil
end

local TEST_FIELDS = { name = "string", input = "function", inputs = "function", params = "table", output = "function", expect = "function",
  fails = "string", plan = "table", prints = "string", detects = "boolean" }
local INPUT_FORMS = {
  input = "function() return gw.variables { ... } end", inputs = "function() return { NAME = gw.variables { ... }, ... } end",
  output = "function() return gw.variables { ... } end",
}

--- The names of a recipe's tests, in their order; checks what the tests say.
function recipe.tests(value, title)
  local names = {}
  for i, case in ipairs(type(value) == "table" and value.tests or {}) do
    local called = ("test %d"):format(i)
    if type(case) ~= "table" then wrong(title, "%s is a %s, not a table", called, type(case)) end
    for field, content in pairs(case) do
      local expected = TEST_FIELDS[field]
      if not expected then wrong(title, "%s has an unknown field '%s' (%s)", called, tostring(field), recipe.listed(TEST_FIELDS)) end
      if type(content) ~= expected and not (field == "detects" and type(content) == "string") then
        local form = INPUT_FORMS[field]
        wrong(title, "%s: its %s is a %s, not a %s%s", called, field, type(content), expected, form and ": " .. form or "")
      end
    end
    if not case.name then wrong(title, "%s has no name", called) end
    if not case.input and not case.inputs then wrong(title, "%s (%s) has no input: a function that gives a checkpoint", called, case.name) end
    if not (case.output or case.expect or case.fails or case.plan or case.prints or case.detects ~= nil) then
      wrong(title, "%s (%s) expects nothing: it needs output, expect, plan, fails, prints or detects", called, case.name)
    end
    if case.detects ~= nil and not value.detect then wrong(title, "%s (%s) has detects, and the recipe has no detect", called, case.name) end
    names[i] = case.name
  end
  return names
end

-- ---- Parameters, from the command line's text or another recipe's values

local parse = {}

function parse.string(text) return text end

function parse.integer(text)
  local value = math.tointeger(tonumber(text))
  return value, "a whole number"
end

function parse.number(text) return tonumber(text), "a number" end

function parse.boolean(text)
  local values = { ["true"] = true, ["false"] = false, yes = true, no = false, ["1"] = true, ["0"] = false }
  return values[text:lower()], "true or false"
end

function parse.list(text)
  local items = {}
  if text == "" then return items end
  for item in (text .. ","):gmatch("([^,]*),") do items[#items + 1] = item end
  return items
end

function parse.choice(text, param)
  for _, choice in ipairs(param.choices) do
    if choice == text then return text end
  end
  return nil, "one of " .. table.concat(param.choices, ", ")
end

local function usage(hint, what, ...) core.fail { class = "usage", what = what:format(...), hint = hint } end

local function known_params(params)
  local names = {}
  for name in pairs(params) do names[#names + 1] = name end
  table.sort(names)
  if #names == 0 then return "the recipe takes no parameters" end
  return "the recipe's parameters are " .. table.concat(names, ", ")
end

--- `given`: name -> text; `read_file(path, what)` gives a file parameter's content. Returns name -> value, with defaults.
function recipe.parse_params(params, given, read_file)
  local values = {}
  for name, text in pairs(given) do
    local param = params[name]
    if not param then usage(known_params(params), "there is no parameter '%s'", name) end
    if param.type == "file" then
      local path = text:match("^@(.+)$") or text
      values[name] = { file = true, name = path, content = read_file(path, "the file of parameter " .. name) }
    else
      local value, expected = parse[param.type](text, param)
      if value == nil then usage(nil, "parameter %s: '%s' is not %s", name, text, expected) end
      values[name] = value
    end
  end
  for name, param in pairs(params) do
    if values[name] == nil then
      local form = param.type == "file" and "@FILE" or "VALUE"
      if param.required then usage(("give it with -p %s=%s"):format(name, form), "parameter '%s' is missing", name) end
      values[name] = param.default
    end
  end
  return values
end

--- Values that another recipe gives, as the command line's are checked. Returns name -> value, with defaults.
function recipe.check_params(params, given, title)
  if type(given) ~= "table" then wrong(title, "the parameters of the recipe %s are a table {name = value}, not %s", title, core.what(given)) end
  local values = {}
  for name, value in pairs(given) do
    local param = params[name]
    local function refuse(what, ...)
      core.fail { class = "recipe", what = ("recipe %s: "):format(title) .. what:format(...), hint = known_params(params) }
    end
    if not param then refuse("there is no parameter '%s'", tostring(name)) end
    local fits
    if param.type == "file" then fits = type(value) == "table" and type(value.bytes) == "function" else fits = IS[param.type](value, param) end
    if not fits then refuse("parameter %s is of type %s, and cannot be %s", name, param.type, core.what(value)) end
    values[name] = value
  end
  for name, param in pairs(params) do
    if values[name] == nil then
      if param.required then core.fail { class = "recipe", what = ("recipe %s: parameter '%s' is missing"):format(title, name) } end
      values[name] = param.default
    end
  end
  return values
end

-- ---- Inputs

--- `arguments` as typed; returns a sequence of {name =, path =} in the declared order.
function recipe.match_inputs(declared, arguments)
  if not declared or #declared == 0 then
    local inputs = {}
    for i, path in ipairs(arguments) do inputs[i] = { path = path } end
    return inputs
  end
  local position, rest = {}, declared[#declared]:match("^(.-)%.%.%.$")
  for i, name in ipairs(declared) do position[name] = i end
  local named, free = {}, {}
  for _, argument in ipairs(arguments) do
    local name, path = argument:match("^([%a_][%w_]*)=(.*)$")
    if name and position[name] then
      if named[name] then usage(nil, "the input '%s' is given twice", name) end
      named[name] = path
    else
      free[#free + 1] = argument
    end
  end
  local inputs, next_free = {}, 1
  for i = 1, rest and #declared - 1 or #declared do
    local name = declared[i]
    local path = named[name]
    if not path then
      path = free[next_free]
      next_free = next_free + 1
    end
    if not path then
      usage(("the recipe takes %s"):format(table.concat(declared, ", ")), "the input '%s' is missing", name)
    end
    inputs[#inputs + 1] = { name = name, path = path }
  end
  if rest and not free[next_free] then
    usage(("the recipe takes %s"):format(table.concat(declared, ", ")), "the recipe takes one or more %s", rest)
  end
  for i = next_free, #free do
    if not rest then usage(("the recipe takes %s"):format(table.concat(declared, ", ")), "there is no use for '%s'", free[i]) end
    inputs[#inputs + 1] = { name = rest, path = free[i], rest = true }
  end
  return inputs
end

--- The drafts that one recipe hands to another: `given` by position or by name, the first one `ckpt` unless it says else.
--- Returns a sequence of drafts, and one of {name =, rest =} beside it.
function recipe.arrange(title, declared, ckpt, given)
  given = given or {}
  local drafts, names = {}, {}
  if not declared or #declared == 0 then
    drafts[1] = given[1] or ckpt
    return table.move(given, 2, #given, 2, drafts), names
  end
  for i, word in ipairs(declared) do
    local rest = word:match("^(.-)%.%.%.$")
    local draft = given[rest or word] or given[i] or i == 1 and ckpt or nil
    if draft == nil then
      core.fail { class = "recipe", what = ("the recipe %s takes the inputs %s: %s is missing"):format(title, table.concat(declared, ", "), word) }
    end
    local list = rest and (type(draft) == "table" and draft or { draft, table.unpack(given, i + 1) }) or { draft }
    for _, one in ipairs(list) do
      drafts[#drafts + 1] = one
      names[#names + 1] = { name = rest or word, rest = rest and true }
    end
  end
  return drafts, names
end

--- What a recipe sees as `inputs`: its drafts by position and by name.
function recipe.by_name(drafts, names)
  local inputs = {}
  for i, draft in ipairs(drafts) do
    inputs[i] = draft
    local name = names[i]
    if name and name.rest then
      inputs[name.name] = inputs[name.name] or {}
      table.insert(inputs[name.name], draft)
    elseif name and name.name then
      inputs[name.name] = draft
    end
  end
  return inputs
end

return recipe

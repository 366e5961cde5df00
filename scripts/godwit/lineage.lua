-- PREFIX.godwit.json: where a checkpoint comes from. `run --lineage` writes it, `godwit lineage` reads it.

local core = require "godwit.core"
local origin = require "godwit.origin"
local shape = require "godwit.shape"

local lineage = {}

local SUFFIX = ".godwit.json"
local LONGEST = 1 << 20 -- bytes of the inputs' lineages that go into the output's
local MOST_GENERATIONS = 30
local LONGEST_FILE = 64 << 20

function lineage.path(prefix) return prefix .. SUFFIX end

-- ---- Reading

--- What a field holds, as far as anybody relies on it.
local FILE = { file = "string", sha256 = "string?" }
local SHAPE
local INPUT = { path = "string", name = "string?", kind = "string?", tensors = "integer?", index = { FILE }, lineage = function() return SHAPE end }
SHAPE = {
  schema = "integer", godwit = "string", written = "string", generation = "integer",
  output = { path = "string", index = { FILE } },
  recipe = { sha256 = "string", name = "string?", version = "string?", file = "string?", text = "string?" },
  parameters = "table", inputs = { INPUT },
  plan = { tensors = "integer", unchanged = "integer", renamed = "integer", computed = "integer", new = "integer", dropped = "integer" },
}

--- The document beside `prefix`, or nil when there is none. Raises class `damaged` when it is no lineage.
function lineage.read(prefix)
  local path = lineage.path(prefix)
  if core.is_file(path) == false then core.fail { class = "damaged", file = path, what = "this is no lineage: it is not a file" } end
  local file, reason, number = io.open(path, "rb")
  if not file and number == 2 then return nil end
  if not file then core.fail { class = "system", file = path, what = "cannot be read: " .. reason:sub(#path + 3) } end
  local text = file:read(LONGEST_FILE + 1)
  file:close()
  local function refuse(what) core.fail { class = "damaged", file = path, what = "this is no lineage: " .. what } end
  if text and #text > LONGEST_FILE then refuse(("it has more than %s"):format(core.bytes(LONGEST_FILE))) end
  local document, what = core.json_parse(text or "")
  if document == nil then refuse(what) end
  local schema = type(document) == "table" and document.schema
  if math.type(schema) == "integer" and schema ~= 1 then refuse(("it has schema %d, and this godwit knows schema 1"):format(schema)) end
  local wrong = shape.wrong(document, SHAPE, "")
  if wrong then refuse(("%s is not what it should be"):format(wrong)) end
  return document, #text
end

--- Whether the document is about the checkpoint whose index files these are.
function lineage.is_about(document, index)
  local described = document.output.index[1]
  return #index == 1 and described ~= nil and described.sha256 ~= nil and index[1].sha256 == described.sha256
end

-- ---- Writing

--- Objects and arrays may be nested so deeply that there is no place for them in another document.
local function can_be_repeated(document) return (pcall(core.json, { { { document } } })) end

--- The lineage of an input as a further field, where there is one that fits.
local function inherited(note)
  local room = LONGEST
  return function(input, index)
    local ok, document, length = pcall(lineage.read, input.prefix)
    if not ok or not document then
      if not ok then note(document.message or tostring(document)) end
      return {}
    end
    if not lineage.is_about(document, index) then
      note(("%s is about another checkpoint than %s is today: left out"):format(lineage.path(input.prefix), input.prefix))
      return {}
    end
    if length > room or document.generation >= MOST_GENERATIONS or not can_be_repeated(document) then
      note(("%s is too long to be repeated: left out"):format(lineage.path(input.prefix)))
      return {}
    end
    room = room - length
    return { { "lineage", document } }
  end
end

--- What all outputs of one run have in common. `note(text)` hears what was left out.
function lineage.prepare(made, note)
  local inputs = origin.inputs(made, inherited(note))
  local generation = 1
  for _, input in ipairs(inputs) do
    if input.lineage then generation = math.max(generation, input.lineage.generation + 1) end
  end
  return { recipe = origin.recipe(made), parameters = origin.parameters(made), inputs = inputs, generation = generation }
end

--- The text for one output. `index_path`: its index, complete; `totals`: its plan's.
function lineage.text(prepared, path, name, index_path, totals, seconds)
  local counts = {}
  for i, field in ipairs { "tensors", "unchanged", "renamed", "computed", "new", "dropped" } do counts[i] = { field, totals[field] } end
  local sha256, bytes = core.sha256_file(index_path)
  return core.json(core.object {
    { "schema", 1 }, { "godwit", core.version }, { "written", os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds)) },
    { "generation", prepared.generation },
    { "output", core.object {
      { "path", path }, { "name", name ~= "" and name or nil }, { "kind", totals.kind },
      { "index", { core.object { { "file", path .. ".index" }, { "bytes", bytes }, { "sha256", sha256 } } } },
    } },
    { "recipe", prepared.recipe }, { "parameters", prepared.parameters }, { "inputs", prepared.inputs }, { "plan", core.object(counts) },
  }, 2) .. "\n"
end

return lineage

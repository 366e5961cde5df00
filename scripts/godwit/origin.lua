-- What a migration was made from, as lineages and saved plans write it down: the recipe, its parameters, the inputs.

local core = require "godwit.core"

local origin = {}

local LONGEST_TEXT = 256 << 10 -- bytes of a recipe or module that are written down, and not only their SHA-256 (guest.lua)

local function file_fields(path)
  local sha256, bytes = core.sha256_file(path)
  return core.object { { "file", path }, { "bytes", bytes }, { "sha256", sha256 } }
end

--- The files that say what a checkpoint holds, as {file, bytes, sha256}: the index of every tensor's checksum, and for V1 files
--- the whole.
function origin.index(bundle)
  local files = bundle:index_files()
  for i, path in ipairs(files) do files[i] = file_fields(path) end
  return files
end

--- `made`: what plan.compile says of where a plan comes from.
function origin.recipe(made)
  local modules
  for i, module in ipairs(made.modules) do
    modules = modules or {}
    modules[i] = core.object { { "file", module.file }, { "sha256", module.sha256 }, { "text", module.text } }
  end
  return core.object {
    { "name", made.name }, { "version", made.description.version }, { "file", made.chunk:match "^@(.*)$" },
    { "sha256", core.sha256(made.source) }, { "text", #made.source <= LONGEST_TEXT and made.source or nil }, { "modules", modules },
  }
end

function origin.parameters(made)
  local names, fields = {}, {}
  for name in pairs(made.params) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = made.params[name]
    if type(value) == "table" and value.sha256 then
      value = core.object { { "file", value.file }, { "bytes", value.bytes }, { "sha256", value.sha256 } }
    end
    fields[i] = { name, value }
  end
  return core.object(fields)
end

--- `more(input, index)` gives further fields of an input.
function origin.inputs(made, more)
  local list = {}
  for i, input in ipairs(made.inputs) do
    local info, index = input.bundle:info(), input.index
    local fields = {
      { "name", input.name }, { "rest", input.rest }, { "path", input.prefix }, { "format", info.v1 and "v1" or "v2" }, { "kind", info.kind },
      { "tensors", info.tensors }, { "bytes", info.bytes }, { "index", index },
    }
    for _, field in ipairs(more and more(input, index) or {}) do fields[#fields + 1] = field end
    list[i] = core.object(fields)
  end
  return list
end

return origin

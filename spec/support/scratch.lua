-- Files for specs: a new folder for each test, checkpoints copied into it, bytes compared.

local lfs = require "lfs"

local scratch = {}

local SCRATCH = os.getenv "SCRATCH"
local made = 0

--- Where the checkpoints lie that TensorFlow wrote.
scratch.GUIDE = "spec/fixtures/valid/guide/"
scratch.KINDS = "spec/fixtures/valid/kinds/"
scratch.DIGITS = "examples/data/digits.ckpt-100"

--- A new, empty folder; run_tests.sh removes it with all others.
function scratch.folder()
  if not SCRATCH then
    local pipe = assert(io.popen "mktemp -d")
    SCRATCH = pipe:read("l")
    pipe:close()
  end
  local path
  repeat
    made = made + 1
    path = ("%s/lua-%d"):format(SCRATCH, made)
  until lfs.mkdir(path)
  return path
end

function scratch.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

function scratch.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  return path
end

function scratch.exists(path) return lfs.attributes(path, "mode") ~= nil end

--- Names in a folder, sorted, hidden ones too.
function scratch.list(folder)
  local names = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- A checkpoint's files, by what follows the prefix: {[".index"] = bytes, ...}.
function scratch.files_of(prefix)
  local folder, base = prefix:match("^(.*)/([^/]*)$")
  local files = {}
  for _, name in ipairs(scratch.list(folder)) do
    local ending = name:sub(1, #base) == base and name:sub(#base + 1) or ""
    if ending == ".index" or ending:match("^%.data%-%d+%-of%-%d+$") then files[ending] = scratch.read(folder .. "/" .. name) end
  end
  return files
end

--- Copies a checkpoint (its .meta too) to another prefix.
function scratch.copy(from, to)
  for ending, bytes in pairs(scratch.files_of(from)) do scratch.write(to .. ending, bytes) end
  if scratch.exists(from .. ".meta") then scratch.write(to .. ".meta", scratch.read(from .. ".meta")) end
  return to
end

return scratch

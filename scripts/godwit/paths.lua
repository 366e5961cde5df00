-- What a path that is being typed can become: folders, checkpoints, other files. For Tab in the REPL and in shells.

local core = require "godwit.core"

local paths = {}

-- How many files are looked into for checkpoints in the V1 format, which no ending shows.
local MOST_OPENED = 32

--- Whether gw_locate takes this file for a V1 checkpoint, or for a file of one.
local function is_v1(path)
  local ok, prefix = pcall(core.locate, path)
  return ok and (prefix == path or prefix:find("?", 1, true) ~= nil)
end

--- V1 checkpoints among a folder's files: X for X-00000-of-00002 and its like, and files that are one whole. Those are
--- opened first that have a graph beside them, as TensorFlow's Saver leaves it. `numbered`, `plain`: names; has_graph: name -> true.
local function v1_in(folder, numbered, plain, has_graph, add)
  local likely, others, bases, first, counts = {}, {}, {}, {}, {}
  for _, file in ipairs(numbered) do
    local base, count = file:match "^(.+)%-%d+%-of%-(%d+)$"
    if not first[base] then bases[#bases + 1] = base end
    if not first[base] or file < first[base] then first[base] = file end
    counts[base] = counts[base] and counts[base] ~= count and "several" or count
  end
  for _, file in ipairs(plain) do
    local list = has_graph[file] and likely or others
    list[#list + 1] = file
  end
  local opened = 0
  local function take(file, path)
    opened = opened + 1
    if opened <= MOST_OPENED and is_v1(folder .. file) then add(path, "checkpoint") end
  end
  for _, list in ipairs { bases, likely, others } do
    table.sort(list)
    for _, file in ipairs(list) do
      if opened > MOST_OPENED then return end
      if list == bases then take(first[file], counts[file] == "several" and first[file] or file) else take(file, file) end
    end
  end
end

local function is_hidden(file, name)
  if file:byte(1) ~= 46 then return false end -- "."
  return name:byte(1) ~= 46 or file == "." or file == ".." and name ~= ".."
end

--- Where `path` can go on to: a sorted sequence of paths, and what each is: "folder" (it ends in a slash), "checkpoint", "file".
--- Checkpoints are there by their prefixes when `wanted.checkpoints`; files when their names end in `wanted.files`, which may be "".
--- What cannot be read has nothing to offer, and neither have names with control characters: who asks shows a path a line.
function paths.beginning_with(path, wanted)
  local folder, name = path:match "^(.*/)([^/]*)$"
  folder, name = folder or "", name or path
  local ok, files, kinds = pcall(core.list_folder, folder == "" and "." or folder, name)
  local found, what, ending = {}, {}, wanted.files
  if not ok then return found, what end
  local function add(file, kind)
    local one = folder .. file
    if #file < #name or what[one] or file:find "%c" then return end
    found[#found + 1] = one
    what[one] = kind
  end
  -- Folders of runs have ten thousand files: each is looked at once, by its end.
  local numbered, plain, has_graph = {}, {}, {}
  for i, file in ipairs(files) do
    local kind = kinds[i]
    if kind == "other" or is_hidden(file, name) then goto next end
    if kind == "folder" then
      add(file .. "/", "folder")
      goto next
    end
    if wanted.checkpoints then
      local last = file:byte(-1)
      if last == 120 and file:sub(-6) == ".index" then -- x
        if #file > 6 then add(file:sub(1, -7), "checkpoint") end
      elseif last == 97 and file:sub(-5) == ".meta" then has_graph[file:sub(1, -6)] = true -- a
      elseif last >= 48 and last <= 57 and file:find("-of-", 1, true) then -- a digit
        local data = file:find(".data-", 1, true)
        if not data or not file:find("^%.data%-%d+%-of%-%d+$", data) then
          local list = file:find "%-%d%d%d%d%d+%-of%-%d%d%d%d%d+$" and numbered or plain
          list[#list + 1] = file
        end
      elseif file ~= "checkpoint" then plain[#plain + 1] = file end
    end
    if ending and (ending == "" or file:sub(-#ending) == ending) then add(file, "file") end
    ::next::
  end
  if wanted.checkpoints then v1_in(folder, numbered, plain, has_graph, add) end
  table.sort(found)
  return found, what
end

return paths

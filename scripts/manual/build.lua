-- Makes the manual: a page for each command, the overview, and the reference of the Lua API as a page and as Markdown. Run by
-- make, never embedded:
--
--   build/*/embed scripts/manual/build.lua FOLDER ARGPARSE.lua TEXT.mdoc...
--
-- A text belongs to the command of its name; godwit.mdoc is the overview, api.mdoc goes around the reference. A command
-- without a text, and a text without a command, end the build.

local folder, argparse_path = arg[1], arg[2]

package.path = "scripts/?.lua;scripts/?/init.lua"

-- Commands are asked for their parsers and not run; what else they require, most of it in need of the C module, does nothing.
local inert = setmetatable({}, { __index = function(self) return self end, __call = function(self) return self end })
table.insert(package.searchers, 2, function(name)
  if name:match "^manual%." or name:match "^godwit%.commands" or name == "godwit.annotations" then return nil end
  return function() return inert end
end)

local annotations = require "godwit.annotations"
local api = require "manual.api"
local argparse = dofile(argparse_path)
local command = require "manual.command"
local mdoc = require "manual.mdoc"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read "a")
end

local texts = {}
for i = 3, #arg do texts[arg[i]:match "([^/]+)%.mdoc$"] = arg[i] end

local function text_of(name)
  local path = texts[name] or error(("scripts/manual/%s.mdoc is missing: it tells what %s is for"):format(name, name), 0)
  texts[name] = nil
  return mdoc.displays(read(path))
end

local made, list = {}, {}
for _, name in ipairs(require "godwit.commands") do
  local module = require("godwit.commands." .. name)
  made[("godwit-%s.1"):format(name)] = command.page(name, module.summary, module.parser(argparse), text_of(name))
  list[#list + 1] = (".It Xr godwit-%s 1\n%s."):format(name, mdoc.prose((module.summary:gsub("^%l", string.upper))))
end

local overview, found = text_of("godwit"):gsub('%.\\" COMMANDS\n', function()
  return (".Bl -tag -width Ds\n%s\n.El\n"):format(table.concat(list, "\n"))
end)
if found ~= 1 then error("scripts/manual/godwit.mdoc: the line .\\\" COMMANDS says where the commands go", 0) end
made["godwit.1"] = overview

local reference = annotations.parse(read "scripts/godwit/meta.lua", "scripts/godwit/meta.lua")
made["godwit-api.3"], made["godwit-api.md"] = api.page(reference, text_of "api"), api.markdown(reference)

local left = next(texts)
if left then error(("%s: there is no command %s"):format(texts[left], left), 0) end

for name, text in pairs(made) do
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  assert(file:write(text))
end

-- The code in scripts/README.md runs. A block that begins with `-- NAME.lua: COMMAND` is that file, and the command runs
-- it; others are pieces that see gw and ckpt, the draft of examples/data/digits.ckpt-100.

local gw = require "godwit"
local lfs = require "lfs"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local ROOT = lfs.currentdir()
local stock_lua = (os.getenv "SANITIZE" or "") == ""

local function run_file(name, command, text)
  local folder = scratch.folder()
  scratch.copy(scratch.DIGITS, folder .. "/digits.ckpt-100")
  scratch.write(folder .. "/" .. name, text)
  command = command:gsub("^godwit ", program.quoted(program.PATH) .. " ")
  local out, err, status = program.shell(command, folder)
  assert.equal(0, status, out .. err)
  assert.is_true(scratch.exists(folder .. "/out"))
end

local function run_piece(text, line)
  local env = setmetatable({ gw = gw, ckpt = gw.open(ROOT .. "/" .. scratch.DIGITS) }, { __index = _G })
  local chunk = assert(load(("\n"):rep(line) .. text, "@scripts/README.md", "t", env))
  chunk()
end

describe("scripts/README.md", function()
  local text = scratch.read "scripts/README.md"
  local count = 0

  for before, code in text:gmatch "()```lua\n(.-)```" do
    local line = select(2, text:sub(1, before):gsub("\n", "")) + 1
    local name, command = code:match "^%-%- ([%w_]+%.lua): ([^\n]+)\n"
    count = count + 1
    it(("has code that runs in line %d"):format(line), function()
      if not name then return run_piece(code, line) end
      if command:match "^lua" and not stock_lua then return pending "stock lua5.4 does not load a sanitized module" end
      run_file(name, command, code)
    end)
  end

  it("has code at all", function() assert.is_true(count >= 8) end)

  it("names every function and method that there is", function()
    local core = require "godwit.core"
    local function named(what) assert.is_truthy(text:find(what .. "%f[^%w_]"), what) end
    for name, value in pairs(gw) do
      if type(value) == "function" then named("gw%." .. name) end
    end
    for name in pairs(core.draft_methods) do
      if not name:match "^core_" then named(name == "save" and "`save" or "ckpt:" .. name) end
    end
    for name in pairs(core.tensor_methods) do named("t:" .. name) end
    for name in pairs(gw.graph) do named("gw%.graph%." .. name) end
  end)

  it("names no function that is not there", function()
    local core = require "godwit.core"
    for name in text:gmatch "gw%.([%l_]+)" do assert.is_not_nil(gw[name], "gw." .. name) end
    for name in text:gmatch "gw%.graph%.([%l_]+)" do assert.is_not_nil(gw.graph[name], "gw.graph." .. name) end
    for name in text:gmatch "ckpt:([%l_]+)" do assert.is_not_nil(core.draft_methods[name], "ckpt:" .. name) end
    for name in text:gmatch "%f[%w]t:([%l_]+)" do assert.is_not_nil(core.tensor_methods[name], "t:" .. name) end
  end)
end)

-- The man page and the program know the same commands and options.

local GODWIT = assert(os.getenv "GODWIT", "GODWIT names the program")

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local page
do
  local file <close> = assert(io.open("scripts/godwit.1"))
  page = file:read("a")
end

local function help(...) return output_of(("'%s' help %s"):format(GODWIT, table.concat({ ... }, " "))) end

--- The options that a command's help lists, in mdoc's spelling: "-json", "o".
local function options_of(command)
  local options = {}
  for line in help(command):match("\nOptions:\n(.*)$"):gmatch("[^\n]+") do
    local flags = line:match("^%s+(%-.-)%s%s") or line:match("^%s+(%-.*)$") or ""
    for flag in (" " .. flags):gmatch("%s%-(%-?%w[%w-]*)") do options[flag] = true end
  end
  return options
end

local COMMANDS = {}
for line in help():gmatch("[^\n]+") do COMMANDS[#COMMANDS + 1] = line:match("^  (%l+)  ") end

describe("the man page", function()
  it("knows the program's commands", function()
    assert.is_true(#COMMANDS >= 5)
    for _, command in ipairs(COMMANDS) do assert.matches("\n.It Cm " .. command .. " ", page, 1, true) end
  end)

  for _, command in ipairs(COMMANDS) do
    it("has every option of " .. command, function()
      local options = options_of(command)
      assert.is_truthy(next(options))
      for option in pairs(options) do
        assert.is_truthy(page:find("%f[%w]Fl " .. option:gsub("%-", "%%-") .. "%f[^%w-]"), option)
      end
    end)
  end

  it("has no option that the program lacks", function()
    local known = { ["-version"] = true }
    for _, command in ipairs(COMMANDS) do
      for option in pairs(options_of(command)) do known[option] = true end
    end
    for option in page:gmatch("%f[%w]Fl (%-?%w[%w-]*)") do assert.is_true(known[option], option) end
  end)

  it("has every exit status", function()
    for _, status in ipairs { 0, 1, 2, 3, 4, 5, 130 } do assert.matches("\n.It " .. status .. "\n", page, 1, true) end
  end)
end)

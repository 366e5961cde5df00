-- scripts/README.md names every public function, and none that is not there. Its code is run by documents_spec.lua.

local gw = require "godwit"
local scratch = require "spec.support.scratch"

describe("scripts/README.md", function()
  local text = scratch.read "scripts/README.md"

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

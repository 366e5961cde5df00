-- `require "godwit"` from a stock lua5.4, as after `make install`.

local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

-- Sanitizers do not reach a module that plain lua5.4 loads.
local stock = (os.getenv "SANITIZE" or "") == "" and it or function(name) pending(name .. " (not under sanitizers)") end

local function lua(text)
  local folder = scratch.folder()
  scratch.copy(scratch.KINDS .. "names", folder .. "/names")
  scratch.write(folder .. "/program.lua", text)
  local out, err, status = program.shell("lua5.4 program.lua", folder)
  return out, err, status, folder
end

describe("a plain Lua program", function()
  stock("opens, edits and saves checkpoints", function()
    local out, err, status, folder = lua [[
      local gw = require "godwit"
      local ckpt = gw.open "names"
      ckpt:rename_scope("dense/", "layer/")
      ckpt.vars.global_step = gw.scalar(0, "int64")
      ckpt:save("out/names", { latest = true })
      for name, tensor in gw.open("out"):each "layer" do print(name, tensor) end
    ]]
    assert.same({ "", 0 }, { err, status })
    assert.equal("layer/bias\tint32[2,2] [[1 2] [3 4]]\nlayer/kernel\tfloat32[3,4] [[0. 1. 2. 3.] [4. 5. 6. 7.] [8. 9. 10. 11.]]\n", out)
    assert.is_true(scratch.exists(folder .. "/out/checkpoint"))
  end)

  stock("says its version as the program does", function()
    local out = lua [[print("godwit " .. require("godwit").version)]]
    assert.equal(program.run("--version"), out)
  end)

  stock("gets errors as objects that say where it went wrong", function()
    local out = lua [[
      local gw = require "godwit"
      local ckpt = gw.open "names"
      local ok, problem = pcall(function()
        ckpt:drop "nothing"
      end)
      print(ok, problem.class, problem.line, problem.what)
      print(problem)
    ]]
    assert.equal("false\trecipe\tprogram.lua:4\tno tensor matches 'nothing'\nprogram.lua:4: no tensor matches 'nothing'\n", out)
  end)

  stock("leaves nothing in the globals and changes no library of Lua's", function()
    local out, err = lua [[
      local function state()
        local names = {}
        for name, value in pairs(_G) do
          names[#names + 1] = name
          if type(value) == "table" and name ~= "_G" and name ~= "package" then
            for field in pairs(value) do names[#names + 1] = name .. "." .. tostring(field) end
          end
        end
        table.sort(names)
        return table.concat(names, " ")
      end
      local before = state()
      require("godwit").open("names"):plan()
      print(before == state())
    ]]
    assert.equal("true\n", out, err)
  end)

  stock("may open the same checkpoint a thousand times without closing one", function()
    local out, err = lua [[
      local gw = require "godwit"
      local sum = 0
      for _ = 1, 1000 do sum = sum + gw.open("names").vars.global_step:value() end
      print(sum)
    ]]
    assert.equal("7000\n", out, err)
  end)
end)

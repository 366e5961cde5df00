-- The recipes of examples/ run as they stand, and do what their first lines say.

local gw = require "godwit"

local GODWIT = assert(os.getenv "GODWIT", "GODWIT names the program")
local DIGITS = "examples/data/digits.ckpt-100"

local function run(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; echo \"status $?\""))
  local output = pipe:read("a")
  pipe:close()
  local text, status = output:match("^(.*)status (%d+)\n$")
  return text, tonumber(status)
end

local folder

before_each(function()
  folder = run("mktemp -d"):match("%S+")
end)

after_each(function()
  run("rm -rf " .. folder)
end)

local recipes = {}

recipes["serve_averages.lua"] = function(out)
  local text, status = run(("'%s' run examples/serve_averages.lua %s -o %s"):format(GODWIT, DIGITS, out))
  assert.equal(0, status, text)
  local before, after = gw.open(DIGITS), gw.open(out)
  local names = { "dense/bias", "dense/kernel", "logits/bias", "logits/kernel" }
  assert.equal(#names, #after)
  for _, name in ipairs(names) do
    local average = before.vars["classifier/" .. name .. "/ExponentialMovingAverage"]
    assert.is_true(after.vars["digits/" .. name]:equal(average))
  end
end

describe("examples", function()
  for path in run("ls examples/*.lua"):gmatch("[^\n]+") do
    local name = path:match("[^/]+$")
    it(name .. " does what it says", function()
      assert.is_function(recipes[name], "no test for " .. name)
      recipes[name](folder .. "/out")
    end)
  end

  it("demo.sh ends with a checkpoint that verifies", function()
    local text, status = run(("GODWIT='%s' sh examples/demo.sh %s"):format(GODWIT, folder))
    assert.equal(0, status, text)
    assert.matches("digits/dense/kernel", text, 1, true)
    assert.equal(4, #gw.open(folder .. "/out/digits.ckpt"))
  end)
end)

-- The annotations in scripts/godwit/meta.lua and what is registered are the same, in both directions.

local core = require "godwit.core"
local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local META = scratch.read "scripts/godwit/meta.lua"

--- Names of functions by the table or class that they are annotated in.
local annotated = {}
for owner, name in META:gmatch "\nfunction ([%w_]+)[.:]([%w_]+)%(" do
  annotated[owner] = annotated[owner] or {}
  table.insert(annotated[owner], name)
end

--- Names of fields by the class.
local function fields_of(class)
  local block = META:match("\n%-%-%-@class " .. class:gsub("%.", "%%.") .. "\n(.-)\n[^-]") or ""
  local names = {}
  for name in ("\n" .. block):gmatch "\n%-%-%-@field ([%w_]+)%??" do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function sorted(names)
  table.sort(names)
  return names
end

local function keys_of(t, wanted)
  local names = {}
  for name, value in pairs(t) do
    if wanted(name, value) then names[#names + 1] = name end
  end
  return sorted(names)
end

local function is_public(name) return not name:match "^core_" end
local function is_function(_, value) return type(value) == "function" end

describe("meta.lua", function()
  it("has every function of gw, and no other", function() assert.same(keys_of(gw, is_function), sorted(annotated.gw)) end)
  it("has every function of gw.graph, and no other", function() assert.same(keys_of(gw.graph, is_function), sorted(annotated.graph)) end)
  it("has every method of drafts, and no other", function() assert.same(keys_of(core.draft_methods, is_public), sorted(annotated.Draft)) end)
  it("has every method of tensors, and no other", function() assert.same(keys_of(core.tensor_methods, is_public), sorted(annotated.Tensor)) end)

  it("has fields that are there", function()
    local ckpt = gw.open(scratch.KINDS .. "names")
    for class, object in pairs { ["godwit.Draft"] = gw.open(scratch.KINDS .. "objects"), ["godwit.Tensor"] = ckpt.vars.a, godwit = gw } do
      local names = fields_of(class)
      assert.is_true(#names > 0, class)
      for _, name in ipairs(names) do assert.is_not_nil(object[name], class .. "." .. name) end
    end
  end)

  it("has the fields of a plan and its entries", function()
    local ckpt = gw.open(scratch.KINDS .. "names")
    ckpt.vars.a = gw.scalar(1)
    local plan = ckpt:plan()
    local all = function() return true end
    assert.same(keys_of(plan, all), fields_of "godwit.Plan")
    assert.same(keys_of(plan.outputs[1], all), fields_of "godwit.PlanOutput")
    assert.same(keys_of(plan.outputs[1].tensors[1], all), fields_of "godwit.PlanEntry")
    assert.same(keys_of(ckpt.vars["dense/bias"]:stats(), all), fields_of "godwit.Stats")
  end)

  it("has the options that plan and save take, and no others", function()
    local ckpt = gw.open(scratch.KINDS .. "names")
    local values = { data = "copy", shards = 1, threads = 1, memory = 1 << 20 }
    for _, name in ipairs(fields_of "godwit.SaveOptions") do
      assert.has_no.errors(function() ckpt:plan { [name] = values[name] or true } end)
    end
  end)

  it("has the fields of a recipe and its parameters, as the messages list them", function()
    local folder = scratch.folder()
    local function listed(source)
      scratch.write(folder .. "/r.lua", source)
      local _, err = program.run("plan", folder .. "/r.lua", scratch.KINDS .. "names")
      return err:match "%(([%w_, ]+)%)\n$"
    end
    assert.equal(listed "return { nothing = 1 }", table.concat(fields_of "godwit.Recipe", ", "))
    assert.equal(listed "return { run = function() end, params = { x = { type = 'string', nothing = 1 } } }",
      table.concat(fields_of "godwit.Param", ", "))
  end)

  it("knows every dtype and every role", function()
    local dtypes, roles = META:match "@alias godwit.Dtype\n(.-)\n\n", META:match "@alias godwit.Role ([^\n]*)"
    for _, tensor in gw.open(scratch.KINDS .. "dtypes"):each() do assert.matches('"' .. tensor.dtype .. '"', dtypes, 1, true) end
    local ckpt = gw.variables { a = gw.scalar(1) }
    for role in roles:gmatch '"(%w+)"' do ckpt:drop({ role = role }, { optional = true }) end
  end)

  it("is syntactically right, and refuses to be loaded", function()
    assert.is_function(loadfile "scripts/godwit/meta.lua")
    assert.error_matches(function() require "godwit.meta" end, "annotations only")
  end)

  it("is required by no script", function()
    local pipe = assert(io.popen "grep -rlE 'require.*godwit[.]meta' scripts bindings; true")
    assert.equal("", pipe:read "a")
    pipe:close()
  end)
end)

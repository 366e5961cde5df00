-- The annotations in scripts/godwit/meta.lua and what is registered are the same, in both directions.

local annotations = require "godwit.annotations"
local core = require "godwit.core"
local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local DOC = annotations.parse(scratch.read "scripts/godwit/meta.lua", "scripts/godwit/meta.lua")

--- Names of the functions that are annotated in a class.
local function annotated(class)
  local names = {}
  for i, item in ipairs(DOC.types[class].methods) do names[i] = item.short end
  table.sort(names)
  return names
end

--- Names of the fields that are annotated in a class.
local function fields_of(class)
  local names = {}
  for i, field in ipairs(DOC.types[class].fields) do names[i] = field.name end
  table.sort(names)
  return names
end

local function keys_of(t, wanted)
  local names = {}
  for name, value in pairs(t) do
    if wanted(name, value) then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function is_public(name) return not name:match "^core_" end
local function is_function(_, value) return type(value) == "function" end

--- Where the functions of a class are.
local FUNCTIONS = {
  godwit = gw, ["godwit.graph"] = gw.graph, ["godwit.Draft"] = core.draft_methods, ["godwit.Tensor"] = core.tensor_methods,
  ["godwit.Report"] = setmetatable({}, { __index = function(_, name)
    local ckpt = gw.open(scratch.KINDS .. "names")
    return ckpt:like(ckpt:copy())[name]
  end }),
}

describe("meta.lua", function()
  it("has every function of gw, and no other", function() assert.same(keys_of(gw, is_function), annotated "godwit") end)
  it("has every function of gw.graph, and no other", function() assert.same(keys_of(gw.graph, is_function), annotated "godwit.graph") end)
  it("has every method of drafts, and no other", function() assert.same(keys_of(core.draft_methods, is_public), annotated "godwit.Draft") end)
  it("has every method of tensors, and no other", function() assert.same(keys_of(core.tensor_methods, is_public), annotated "godwit.Tensor") end)

  it("has the methods of file parameters, as a recipe finds them", function()
    local folder = scratch.folder()
    scratch.write(folder .. "/r.lua", ([[return { params = { f = { type = "file" } }, run = function(_, p)
      for name in ("%s"):gmatch "%%S+" do assert(type(p.f[name]) == "function", name) end
    end }]]):format(table.concat(annotated "godwit.File", " ")))
    local _, err, status = program.run("plan", folder .. "/r.lua", scratch.KINDS .. "names", "-p", "f=@" .. folder .. "/r.lua")
    assert.equal(0, status, err)
    assert.equal(2, #annotated "godwit.File")
  end)

  it("is what godwit help api lists", function()
    local out, err, status = program.run("help", "api")
    assert.same({ "", 0 }, { err, status })
    local count = 0
    for _, section in ipairs(DOC.sections) do
      for _, item in ipairs(section.items) do
        assert.matches("\n  " .. (item.signature or item.name) .. "\n", out, 1, true)
        local one = program.run("help", "api", item.name)
        assert.matches((item.signature or item.name), one, 1, true)
        count = count + 1
      end
    end
    assert.is_true(count > 100)
  end)

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

  it("has the fields of a recipe, its parameters and a manifest, as the messages list them", function()
    local folder = scratch.folder()
    local function listed(source)
      scratch.write(folder .. "/r.lua", source)
      local _, err = program.run("plan", folder .. "/r.lua", scratch.KINDS .. "names")
      return err:match "%(([%w_, ]+)%)\n$"
    end
    assert.equal(listed "return { nothing = 1 }", table.concat(fields_of "godwit.Recipe", ", "))
    assert.equal(listed "return { run = function() end, params = { x = { type = 'string', nothing = 1 } } }",
      table.concat(fields_of "godwit.Param", ", "))
    scratch.write(folder .. "/manifest.lua", "return { nothing = 1 }")
    assert.equal(listed "return { run = function() end }", table.concat(fields_of "godwit.Manifest", ", "))
  end)

  it("knows every dtype and every role", function()
    local dtypes, roles = DOC.types["godwit.Dtype"].type, DOC.types["godwit.Role"].type
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

-- ---- Parameters

--- The functions that a spec can call, with their annotations.
local function each_function()
  return coroutine.wrap(function()
    for class, functions in pairs(FUNCTIONS) do
      for _, item in ipairs(DOC.types[class].methods) do coroutine.yield(item, functions[item.short]) end
    end
  end)
end

--- How many parameters come before the first that may be left out.
local function required(item)
  for i, param in ipairs(item.params) do
    if param.optional then return i - 1 end
  end
  return #item.params
end

describe("the parameters", function()
  local KIND = { Draft = gw.variables { a = gw.scalar(1) }, Tensor = gw.tensor { 1.0, 2.0 } }
  KIND.Report = KIND.Draft:like(KIND.Draft:copy())

  it("have their function's names, where Lua lets one see", function()
    local count = 0
    for item, fn in each_function() do
      local info = debug.getinfo(fn, "uS")
      if info.what == "Lua" then
        local names = {}
        for i = item.method and 2 or 1, info.nparams do names[#names + 1] = debug.getlocal(fn, i) end
        if info.isvararg then names[#names + 1] = "..." end
        local expected = {}
        for i, param in ipairs(item.params) do expected[i] = param.name end
        assert.same(expected, names, item.name)
        count = count + 1
      end
    end
    assert.is_true(count > 50)
  end)

  it("come before those that may be left out", function()
    for item in each_function() do
      for i = required(item) + 1, #item.params do assert.is_true(item.params[i].optional, item.name) end
    end
  end)

  it("are missed when there is none at all", function()
    for item, fn in each_function() do
      if required(item) > 0 then assert.is_false(pcall(fn, item.method and KIND[item.owner] or nil), item.name) end
    end
  end)

  -- What a function takes at least; the one that is called is the first when it is a method.
  local t = gw.tensor { { 1.0, 2.0 } }
  local function draft() return gw.variables { a = gw.scalar(1.0), ["s/b"] = gw.scalar(2.0) } end
  local LEAST = {
    ["Draft:get"] = function() return draft(), "a" end,
    ["Draft:each"] = function() return draft() end,
    ["Draft:rename"] = function() return draft(), { a = "z" } end,
    ["Draft:rename_scope"] = function() return draft(), "s/", "t/" end,
    ["Draft:drop"] = function() return draft(), "a" end,
    ["Draft:keep_only"] = function() return draft(), "a" end,
    ["Draft:map"] = function() return draft(), "a", function(tensor) return tensor end end,
    ["Draft:assign"] = function() return draft(), draft(), { a = "a" } end,
    ["Draft:warm_start"] = function() return draft(), draft() end,
    ["Draft:remap"] = function() return gw.variables { e = gw.tensor { 1.0, 2.0 } }, "e", { new_vocab = { "x" }, old_vocab = { "x", "y" } } end,
    ["Draft:restore"] = function() return draft(), draft() end,
    ["Draft:like"] = function() return draft(), draft() end,
    ["Draft:assert_like"] = function() return draft(), draft() end,
    ["Draft:plan"] = function() return draft() end,
    ["Draft:save"] = function() return draft(), scratch.folder() .. "/out" end,
    ["gw.objects"] = function() return { a = t } end,
    ["gw.variable"] = function() return t end,
    ["gw.graph.move"] = function()
      local root = gw.objects({ a = t, b = { c = t } }).root
      return root, "a", root.b
    end,
    ["gw.graph.full_name"] = function() return gw.objects({ a = t }).root.a end,
    ["Tensor:value"] = function() return t end,
    ["Tensor:equal"] = function() return t, t end,
    ["Tensor:preview"] = function() return t end,
    ["Tensor:transpose"] = function() return t end,
    ["Tensor:squeeze"] = function() return t end,
    ["Tensor:gather"] = function() return t, 0 end,
    ["Tensor:split"] = function() return t, 1 end,
    ["Tensor:partition"] = function() return t, 1 end,
    ["Tensor:pad"] = function() return t, { 0, 0 }, { 0, 1 } end,
    ["gw.concat"] = function() return { t, t } end,
    ["gw.stack"] = function() return { t, t } end,
    ["gw.mean"] = function() return { t, t } end,
    ["gw.random_uniform"] = function() return { 2 } end,
    ["gw.random_normal"] = function() return { 2 } end,
    ["gw.truncated_normal"] = function() return { 2 } end,
    ["gw.glorot_uniform"] = function() return { 2, 2 } end,
    ["gw.scalar"] = function() return 1 end,
    ["gw.tensor"] = function() return { 1 } end,
    ["gw.full"] = function() return { 2 }, 1 end,
    ["gw.zeros"] = function() return { 2 } end,
  }

  it("may be left out where they say so, and nowhere else", function()
    for item, fn in each_function() do
      if required(item) < #item.params then
        assert.is_function(LEAST[item.name], item.name .. " has optional parameters: say here what it takes at least")
        local least = table.pack(LEAST[item.name]())
        assert.equal(required(item) + (item.method and 1 or 0), least.n, item.name)
        local ok, problem = pcall(fn, table.unpack(least, 1, least.n))
        assert.is_true(ok, item.name .. ": " .. tostring(problem))
        least = table.pack(LEAST[item.name]())
        if required(item) > 0 then assert.is_false(pcall(fn, table.unpack(least, 1, least.n - 1)), item.name) end
      end
    end
  end)
end)

-- ---- What the parser of annotations refuses

describe("annotations", function()
  local function parse(text) return annotations.parse(text, "a.lua") end
  local HEAD = "--- A class.\n---@class C\nlocal C = {}\n\n"

  it("are read with their types, texts, lists and errors", function()
    local doc = parse("-- ---- Title: more of it ----\n\n" .. HEAD .. [[
--- One paragraph,
--- on two lines.
---
--- - an item;
--- - another one
---   on two lines.
---
--- Raises when it must.
---@generic T
---@param a integer | "x" First.
---@param b? { k: T[], [string]: fun(x: C, y?: number): C?, string } Second.
---@return [C, T] first Two of them.
---@return table<string, (C | T)[]>? ... And more.
function C:f(a, b) end
]])
    local item = doc.types.C.methods[1]
    assert.same({ "Title", "more of it" }, { doc.sections[1].title, doc.sections[1].text })
    assert.same({ "C:f", "C:f(a [, b])", true, 20 }, { item.name, item.signature, item.method, item.line })
    assert.same({ "One paragraph, on two lines.", { "an item;", "another one on two lines." } }, item.text)
    assert.same({ "Raises when it must." }, item.raises)
    assert.same({ { name = "a", optional = false, type = 'integer | "x"', text = "First." },
      { name = "b", optional = true, type = "{ k: T[], [string]: fun(x: C, y?: number): C?, string }", text = "Second." } }, item.params)
    assert.same({ { type = "[C, T]", name = "first", text = "Two of them." },
      { type = "table<string, (C | T)[]>?", name = "...", text = "And more." } }, item.results)
  end)

  for what, case in pairs {
    ["an unknown tag"] = { "--- Text.\n---@deprecated\nfunction C.f() end\n", 6, "@deprecated is no tag that is known here" },
    ["an unknown type"] = { "--- Text.\n---@param a Nothing\nfunction C.f(a) end\n", 6, "there is no type Nothing" },
    ["a function without text"] = { "---@return C\nfunction C.f() end\n", 6, "f has no text" },
    ["a class without text"] = { "---@class D\n", 5, "D has no text" },
    ["an alias without text"] = { "---@alias D C\n", 5, "D has no text" },
    ["another parameter"] = { "--- Text.\n---@param b C\nfunction C.f(a) end\n", 7, "f: parameter 1 is 'a', its annotation 'b'" },
    ["a parameter too few"] = { "--- Text.\nfunction C.f(a) end\n", 6, "f: parameter 1 is 'a', its annotation 'missing'" },
    ["a parameter too many"] = { "--- Text.\n---@param a C\nfunction C.f() end\n", 7, "f: parameter 1 is 'missing', its annotation 'a'" },
    ["a type that does not end"] = { "--- Text.\n---@return table<C, C\nfunction C.f() end\n", 6, "'>' is missing" },
    ["a type that goes on"] = { "--- Text.\n---@return C*\nfunction C.f() end\n", 6, "'C*' is no type" },
    ["a result's text without its name"] = { "--- Text.\n---@return C The result.\nfunction C.f() end\n", 6, "a result's text comes behind its name" },
    ["a function twice"] = { "--- Text.\nfunction C.f() end\n\n--- Text.\nfunction C.f() end\n", 9, "f is there twice" },
    ["a class twice"] = { "--- Text.\n---@class C\n", 6, "C is there twice" },
    ["a field of nothing"] = { "--- Text.\n---@field a C\n", 6, "@field belongs to no class" },
    ["annotations of nothing"] = { "--- Text.\n\n", 6, "annotations of nothing" },
    ["a function of no class"] = { "--- Text.\nfunction D.f() end\n", 6, "D is the variable of no class" },
    ["code"] = { "C.x = 1\n", 5, "neither an annotation nor what is annotated: C.x = 1" },
    ["errors amid a paragraph"] = {
      "--- Text. Raises.\n--- It. Raises when so.\nfunction C.f() end\n", 7, "what begins with 'Raises' is a paragraph of its own",
    },
  } do
    it("end with a message for " .. what, function()
      local ok, message = pcall(parse, HEAD .. case[1])
      assert.is_false(ok)
      assert.equal(("a.lua:%d: %s"):format(case[2], case[3]), message:sub(1, #("a.lua:%d: "):format(case[2]) + #case[3]))
    end)
  end
end)

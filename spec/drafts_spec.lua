-- Drafts: asking for tensors, going over them, putting them in and taking them out.

local gw = require "godwit"
local failure = require "spec.support.failure"
local scratch = require "spec.support.scratch"

local NAMES = scratch.KINDS .. "names"

local function here(offset) return ("spec/drafts_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

local function names_of(ckpt)
  local names = {}
  for name in pairs(ckpt.vars) do names[#names + 1] = name end
  return names
end

local function made(names)
  local tensors = {}
  for i, name in ipairs(names) do tensors[name] = gw.scalar(i) end
  return gw.variables(tensors)
end

describe("a draft", function()
  local ckpt

  before_each(function() ckpt = gw.open(NAMES) end)

  it("says what kind it is, where it came from and how many tensors it has", function()
    assert.equal("variables", ckpt.kind)
    assert.equal(NAMES, ckpt.path)
    assert.equal(5, #ckpt)
    assert.equal(5, #ckpt.vars)
  end)

  it("that was made has no path", function()
    assert.equal("", gw.variables({ a = gw.scalar(1) }).path)
  end)

  it("gives a tensor by its name", function()
    assert.equal(7, ckpt.vars["global_step"]:value())
    assert.equal(0.5, ckpt.vars["π/ü"]:value())
  end)

  it("raises the nearest names for one that is not there", function()
    local problem = failure(function() return ckpt.vars["dense/kernal"] end)
    assert.equal('there is no tensor "dense/kernal" (the nearest: "dense/kernel", "dense/bias", "a")', problem.what)
    assert.equal("recipe", problem.class)
    assert.equal(here(-3), problem.line)
  end)

  it("shows bytes that nobody can read in a name as escapes", function()
    assert.matches([[there is no tensor "a\x00\xff"]], failure(function() return ckpt.vars["a\0\xff"] end).what, 1, true)
  end)

  it("without tensors says so instead of naming the nearest", function()
    assert.equal('there is no tensor "a": the checkpoint has none', failure(function() return gw.variables({}).vars.a end).what)
  end)

  it("answers whether a name is there", function()
    assert.is_true(ckpt:has "a")
    assert.is_false(ckpt:has "dense")
    assert.is_false(ckpt:has "")
  end)

  it("gives the default for a name that is not there", function()
    assert.equal(3, ckpt:get("nothing", 3))
    assert.is_nil(ckpt:get "nothing")
    assert.equal("dense/kernel", ckpt:get("dense/kernel", 3).origin:match(":(.*)$"))
  end)

  it("has no other fields, and none that can be assigned", function()
    assert.matches("no field or method 'dense' (tensors are in ckpt.vars)", failure(function() return ckpt.dense end).what, 1, true)
    for typed, meant in pairs { renam = "rename", rename_scopes = "rename_scope", keeponly = "keep_only", var = "vars", Drop = "drop" } do
      assert.equal(("a checkpoint has no field or method '%s'; did you mean %s?"):format(typed, meant),
        failure(function() return ckpt[typed] end).what)
    end
    local problem = failure(function() ckpt.dense = 1 end)
    assert.matches("'dense' cannot be assigned (tensors are in ckpt.vars)", problem.what, 1, true)
    assert.equal(here(-2), problem.line)
  end)

  it("keeps its metatable to itself", function()
    assert.equal("godwit.Draft", getmetatable(ckpt))
    assert.equal("godwit.Vars", getmetatable(ckpt.vars))
  end)

  it("takes names only, and says which type it got", function()
    assert.matches("takes a tensor's name, not a number", failure(function() return ckpt.vars[1] end).what, 1, true)
    assert.matches("takes a tensor's name, not a boolean", failure(function() ckpt.vars[true] = gw.scalar(1) end).what, 1, true)
  end)

  describe("going over it", function()
    it("with pairs is in the order of the keys' bytes", function()
      assert.same({ "a", "dense/bias", "dense/kernel", "global_step", "π/ü" }, names_of(ckpt))
      assert.same({ "", "A", "a", "a.b", "a/b", "a0", "b", "\xff" },
        (function()
          local names = names_of(made { "b", "a/b", "a", "\xff", "a0", "A", "a.b" })
          return { "", table.unpack(names) }
        end)())
    end)

    it("with each is over the names that match, with their tensors", function()
      local found = {}
      for name, tensor in ckpt:each "^dense/" do found[#found + 1] = name .. tostring(tensor.shape) end
      assert.same({ "dense/bias[2,2]", "dense/kernel[3,4]" }, found)
    end)

    it("with each and nothing else is over all", function()
      local count = 0
      for _ in ckpt:each() do count = count + 1 end
      assert.equal(5, count)
    end)

    it("may add, and does not meet what was added", function()
      local seen = {}
      for name, tensor in ckpt:each() do
        seen[#seen + 1] = name
        ckpt.vars["z/" .. name] = tensor
      end
      assert.equal(5, #seen)
      assert.equal(10, #ckpt)
    end)

    it("may remove, and passes over what is gone", function()
      local seen = {}
      for name in ckpt:each() do
        seen[#seen + 1] = name
        if name == "a" then ckpt.vars["dense/kernel"] = nil end
        if name ~= "a" then ckpt.vars[name] = nil end
      end
      assert.same({ "a", "dense/bias", "global_step", "π/ü" }, seen)
      assert.same({ "a" }, names_of(ckpt))
    end)

    it("may rename, and goes on over the old names", function()
      local seen = {}
      for name in pairs(ckpt.vars) do
        seen[#seen + 1] = name
        ckpt:rename { [name] = "new/" .. name }
      end
      assert.equal(5, #seen)
      assert.is_true(ckpt:has "new/a")
    end)

    it("may be left early and begun again", function()
      for name in ckpt:each() do if name == "dense/bias" then break end end
      for name in pairs(ckpt.vars) do if name == "dense/bias" then break end end
      assert.equal(5, #names_of(ckpt))
    end)

    it("gives each tensor as it is when its turn comes", function()
      local step
      for name, tensor in ckpt:each() do
        if name == "a" then ckpt.vars["global_step"] = gw.scalar(9, "int64") end
        if name == "global_step" then step = tensor:value() end
      end
      assert.equal(9, step)
    end)

    it("works in a coroutine", function()
      local walk = coroutine.wrap(function() for name in ckpt:each "dense" do coroutine.yield(name) end end)
      assert.equal("dense/bias", walk())
      assert.equal("dense/kernel", walk())
    end)
  end)

  describe("assigning", function()
    it("replaces a tensor, whatever its dtype and shape", function()
      ckpt.vars.a = gw.strings { "x" }
      assert.equal("string", ckpt.vars.a.dtype)
      assert.equal(5, #ckpt)
    end)

    it("adds a tensor under a new name", function()
      ckpt.vars["new/one"] = ckpt.vars.a
      assert.equal(6, #ckpt)
      assert.is_true(ckpt.vars["new/one"]:equal(ckpt.vars.a))
    end)

    it("a tensor of another checkpoint works", function()
      local other = gw.open(scratch.KINDS .. "two-shards")
      ckpt.vars.b = other.vars.b
      assert.same({ 1, 2, 3 }, ckpt.vars.b:value())
      assert.matches("two%-shards:b$", ckpt.vars.b.origin)
    end)

    it("nil removes, once", function()
      ckpt.vars.a = nil
      assert.is_false(ckpt:has "a")
      local problem = failure(function() ckpt.vars.a = nil end)
      assert.matches('there is no tensor "a"', problem.what, 1, true)
      assert.equal(here(-2), problem.line)
    end)

    it("something that is no tensor is refused", function()
      local problem = failure(function() ckpt.vars.a = 3 end)
      assert.equal('vars["a"] takes a tensor, not a number (gw.scalar and gw.tensor make tensors)', problem.what)
      assert.equal(here(-2), problem.line)
      assert.matches("not a table", failure(function() ckpt.vars.a = { 1, 2 } end).what, 1, true)
      assert.matches("takes a tensor, not a checkpoint", failure(function() ckpt.vars.a = ckpt end).what, 1, true)
    end)

    it("to the empty name is refused: it is the file's own", function()
      assert.matches("cannot be empty", failure(function() ckpt.vars[""] = gw.scalar(1) end).what, 1, true)
    end)

    it("changes nothing on disk", function()
      local before = scratch.files_of(NAMES)
      ckpt.vars.a = nil
      ckpt.vars.b = gw.scalar(1)
      assert.same(before, scratch.files_of(NAMES))
      assert.is_true(gw.open(NAMES):has "a")
    end)

    it("keeps a removed name free for another tensor", function()
      ckpt.vars.a = nil
      ckpt.vars.a = gw.scalar(1)
      assert.equal(1, ckpt.vars.a:value())
      assert.equal(5, #ckpt)
    end)

    it("thousands of names up and down leaves the right ones", function()
      local most = package.loaded["spec.support.gc"] and 200 or 3000
      for i = 1, most do ckpt.vars["n" .. i] = gw.scalar(i) end
      for i = 1, most, 2 do ckpt.vars["n" .. i] = nil end
      assert.equal(5 + most // 2, #ckpt)
      for i = 1, most do assert.equal(i % 2 == 0, ckpt:has("n" .. i)) end
      assert.equal(198, ckpt.vars.n198:value())
    end)
  end)

  it("lives as long as its tensors, and they as long as it", function()
    local tensor = gw.open(NAMES).vars["dense/kernel"]
    collectgarbage()
    collectgarbage()
    assert.equal(11, tensor:value()[3][4])
    local vars = gw.open(NAMES).vars
    collectgarbage()
    assert.equal(7, vars["global_step"]:value())
  end)
end)

describe("copy", function()
  it("is a second draft: edits of one are not seen in the other", function()
    local ckpt = gw.open(NAMES)
    ckpt.vars.b = gw.scalar(1)
    local copy = ckpt:copy()
    assert.equal(6, #copy)
    assert.equal(NAMES, copy.path)
    copy.vars.a = nil
    ckpt.vars.b = gw.scalar(2)
    copy:rename_scope("dense/", "layer/")
    assert.is_true(ckpt:has "a")
    assert.is_true(ckpt:has "dense/kernel")
    assert.equal(1, copy.vars.b:value())
    assert.is_true(copy:has "layer/kernel")
  end)

  it("knows what was dropped before", function()
    local ckpt = gw.open(NAMES)
    ckpt.vars.a = nil
    local line = here(-1)
    assert.same({ { name = "a", line = line } }, ckpt:copy():plan().outputs[1].dropped)
  end)
end)

describe("merge", function()
  it("adds all tensors of another draft, which stays as it is", function()
    local ckpt, other = made { "a", "b" }, made { "c", "d" }
    ckpt:merge(other)
    assert.same({ "a", "b", "c", "d" }, names_of(ckpt))
    assert.same({ "c", "d" }, names_of(other))
    assert.equal(2, ckpt.vars.d:value())
  end)

  it("takes the other draft's edits along", function()
    local ckpt, other = made { "a" }, gw.open(NAMES)
    other:keep_only "dense"
    other:rename_scope("dense/", "layer/")
    ckpt:merge(other)
    assert.same({ "a", "layer/bias", "layer/kernel" }, names_of(ckpt))
    assert.matches("dense/kernel$", ckpt.vars["layer/kernel"].origin)
  end)

  it("refuses a name that is in both, naming both, and adds nothing", function()
    local ckpt, other = gw.open(NAMES), gw.open(scratch.KINDS .. "two-shards")
    other.vars.zz = gw.scalar(1)
    local problem = failure(function() ckpt:merge(other) end)
    assert.equal(("the name is in both %s and %s"):format(NAMES, scratch.KINDS .. "two-shards"), problem.what)
    assert.equal("a", problem.key)
    assert.equal(here(-3), problem.line)
    assert.matches("give one of them a scope first", problem.hint, 1, true)
    assert.equal(5, #ckpt)
  end)

  it("refuses the draft itself", function()
    local ckpt = made { "a" }
    assert.matches("into itself", failure(function() ckpt:merge(ckpt) end).what, 1, true)
  end)

  it("takes a checkpoint, and says what it got", function()
    local ckpt = gw.variables { a = gw.scalar(1) }
    assert.matches("bad argument #1 to 'merge' (a checkpoint expected, got a table)", failure(function() ckpt:merge {} end).what, 1, true)
    assert.matches("(a checkpoint expected, got a tensor)", failure(function() ckpt:merge(gw.scalar(1)) end).what, 1, true)
    assert.matches("(a checkpoint expected, got a checkpoint's vars)", failure(function() ckpt:merge(ckpt.vars) end).what, 1, true)
    assert.matches("(a checkpoint expected, got no value)", failure(function() ckpt.merge() end).what, 1, true)
  end)

  it("takes a checkpoint and nothing else", function()
    assert.matches("number", failure(function() made({ "a" }):merge(3) end).what, 1, true)
  end)
end)

describe("gw.variables", function()
  it("makes a name-based draft of a table from names to tensors", function()
    local ckpt = gw.variables { ["scope/x"] = gw.scalar(1), y = gw.scalar(2.5) }
    assert.equal("variables", ckpt.kind)
    assert.same({ "scope/x", "y" }, names_of(ckpt))
  end)

  it("takes another draft's vars", function()
    local ckpt = gw.open(NAMES)
    local made_of = gw.variables(ckpt.vars)
    assert.same(names_of(ckpt), names_of(made_of))
    made_of.vars.a = nil
    assert.is_true(ckpt:has "a")
  end)

  it("takes tensors only, and names only, at the caller's line", function()
    local problem = failure(function() gw.variables { a = 1 } end)
    assert.matches('vars["a"] takes a tensor, not a number', problem.what, 1, true)
    assert.equal(here(-2), problem.line)
    assert.matches("takes names (strings), not a number", failure(function() gw.variables { gw.scalar(1) } end).what, 1, true)
    assert.matches("not a string", failure(function() gw.variables "a" end).what, 1, true)
  end)
end)

describe("gw.open", function()
  it("takes whatever the command line takes for a checkpoint", function()
    local folder = scratch.folder()
    scratch.copy(NAMES, folder .. "/model.ckpt-7")
    scratch.write(folder .. "/checkpoint", 'model_checkpoint_path: "model.ckpt-7"\n')
    for _, typed in ipairs { "/model.ckpt-7", "/model.ckpt-7.index", "/model.ckpt-7.data-00000-of-00001", "", "/", "/checkpoint" } do
      assert.equal(folder .. "/model.ckpt-7", gw.open(folder .. typed).path)
    end
  end)

  it("says what there is instead, and raises it as damage with its file", function()
    local folder = scratch.folder()
    scratch.copy(NAMES, folder .. "/model.ckpt-7")
    local problem = failure(function() gw.open(folder .. "/model.ckpt-8") end)
    assert.equal("damaged", problem.class)
    assert.equal(folder .. "/model.ckpt-8", problem.file)
    assert.equal("there is no checkpoint of this name", problem.what)
    assert.matches("model.ckpt-7", problem.hint, 1, true)
    assert.equal(here(-5), problem.line)
    assert.equal(("%s: %s: %s"):format(problem.line, problem.file, problem.what), tostring(problem))
  end)

  it("takes a path and nothing else", function()
    assert.equal("gw.open takes a path, not nil", failure(gw.open).what)
  end)
end)

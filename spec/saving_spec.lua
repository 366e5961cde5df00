-- ckpt:save(): drafts become files, whole or not at all.

local gw = require "godwit"
local failure = require "spec.support.failure"
local lfs = require "lfs"
local scratch = require "spec.support.scratch"

local KINDS, GUIDE = scratch.KINDS, scratch.GUIDE
local NAMES = KINDS .. "names"

local folder
before_each(function() folder = scratch.folder() end)

local function here(offset) return ("spec/saving_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

describe("an untouched checkpoint", function()
  local prefixes = {}
  for _, dir in ipairs { KINDS, GUIDE, GUIDE .. "est-tf1/", GUIDE .. "est-tf2/" } do
    for _, name in ipairs(scratch.list(dir)) do
      local base = name:match("^(.*)%.index$")
      if base then prefixes[#prefixes + 1] = dir .. base end
    end
  end

  it("is there for these tests", function() assert.is_true(#prefixes > 20) end)

  for _, prefix in ipairs(prefixes) do
    it(("is saved as the bytes that it was: %s"):format(prefix:match("valid/(.*)$")), function()
      gw.open(prefix):save(folder .. "/out")
      assert.same(scratch.files_of(prefix), scratch.files_of(folder .. "/out"))
    end)
  end

  it("keeps its data when it is linked", function()
    scratch.copy(NAMES, folder .. "/in")
    gw.open(folder .. "/in"):save(folder .. "/out", { data = "link" })
    assert.same(scratch.files_of(NAMES), scratch.files_of(folder .. "/out"))
    assert.equal(lfs.attributes(folder .. "/in.data-00000-of-00001", "ino"), lfs.attributes(folder .. "/out.data-00000-of-00001", "ino"))
  end)
end)

describe("save", function()
  it("writes what the draft says", function()
    local ckpt = gw.open(NAMES)
    ckpt:drop "^dense/"
    ckpt:rename { a = "scope/a" }
    ckpt.vars.new = gw.strings { { "x", "y" } }
    ckpt.vars.copy = ckpt.vars["scope/a"]
    ckpt:save(folder .. "/out")
    local out = gw.open(folder .. "/out")
    assert.equal(5, #out)
    assert.same({ 1.5, -2.0, 3.25 }, out.vars["scope/a"]:value())
    assert.same({ 1.5, -2.0, 3.25 }, out.vars.copy:value())
    assert.same({ { "x", "y" } }, out.vars.new:value())
    assert.equal(7, out.vars.global_step:value())
  end)

  it("leaves the files of the checkpoint and nothing else", function()
    gw.open(NAMES):save(folder .. "/out")
    assert.same({ "out.data-00000-of-00001", "out.index" }, scratch.list(folder))
  end)

  it("makes folders", function()
    gw.open(NAMES):save(folder .. "/a/b/out")
    assert.equal(5, #gw.open(folder .. "/a/b/out"))
  end)

  it("can be done twice with one draft, and the draft edited in between", function()
    local ckpt = gw.open(NAMES)
    ckpt:save(folder .. "/one")
    ckpt.vars.a = nil
    ckpt:save(folder .. "/two")
    assert.same({ 5, 4 }, { #gw.open(folder .. "/one"), #gw.open(folder .. "/two") })
  end)

  it("lays new tensors out by their names, whatever the order of the edits", function()
    local one, two = gw.variables {}, gw.variables {}
    for i = 1, 50 do one.vars["v" .. i] = gw.scalar(i) end
    for i = 50, 1, -1 do two.vars["v" .. i] = gw.scalar(i) end
    one:save(folder .. "/one")
    two:save(folder .. "/two")
    assert.same(scratch.files_of(folder .. "/one"), scratch.files_of(folder .. "/two"))
  end)

  it("takes a prefix", function()
    local ckpt = gw.open(NAMES)
    assert.equal("save takes a prefix, not nil", failure(function() ckpt:save() end).what)
    local problem = failure(function() ckpt:save(folder) end)
    assert.equal("usage", problem.class)
    assert.equal("is a folder, and an output is a prefix of files", problem.what)
    assert.equal("add a name, as in out/model.ckpt-1", problem.hint)
    assert.equal("leave out the ending", failure(function() ckpt:save(folder .. "/out.index") end).hint)
    problem = failure(function() ckpt:save("gs://bucket/out") end)
    assert.same({ "usage", "is an address, and outputs are files of this machine" }, { problem.class, problem.what })
    assert.is_false(scratch.exists "gs:")
    assert.same({}, scratch.list(folder))
  end)

  it("refuses unknown options before it writes", function()
    local problem = failure(function() gw.open(NAMES):save(folder .. "/out", { fource = true }) end)
    assert.equal("there is no option 'fource'", problem.what)
    assert.equal(here(-2), problem.line)
    assert.same({}, scratch.list(folder))
  end)
end)

describe("an existing checkpoint", function()
  local ckpt

  before_each(function()
    ckpt = gw.open(NAMES)
    gw.variables({ old = gw.scalar(1) }):save(folder .. "/out")
  end)

  it("is not replaced unless forced", function()
    local problem = failure(function() ckpt:save(folder .. "/out") end)
    assert.equal("exists already", problem.what)
    assert.equal(folder .. "/out.index", problem.file)
    assert.equal("usage", problem.class)
    assert.matches("--force", problem.hint, 1, true)
    assert.is_true(gw.open(folder .. "/out"):has "old")
  end)

  it("is replaced with force, whatever its shards", function()
    for _, shards in ipairs { 3, 1, 2, 1 } do
      ckpt:save(folder .. "/out", { force = true, shards = shards })
      local out = gw.open(folder .. "/out")
      assert.equal(5, #out)
      assert.same({ 1.5, -2.0, 3.25 }, out.vars.a:value())
      assert.equal(shards + 1, #scratch.list(folder))
    end
  end)

  it("is never written when it is an input", function()
    local own = gw.open(folder .. "/out")
    own.vars.new = gw.scalar(2)
    local before = scratch.files_of(folder .. "/out")
    local problem = failure(function() own:save(folder .. "/out", { force = true }) end)
    assert.equal("is an input, and inputs are never written to", problem.what)
    assert.same(before, scratch.files_of(folder .. "/out"))
  end)

  it("stays when the new one cannot be finished", function()
    scratch.copy(NAMES, folder .. "/in")
    scratch.write(folder .. "/in.data-00000-of-00001", ("x"):rep(92))
    local problem = failure(function() gw.open(folder .. "/in"):save(folder .. "/out", { force = true }) end)
    assert.equal("damaged", problem.class)
    assert.matches("checksum", problem.what, 1, true)
    assert.equal(1, gw.open(folder .. "/out").vars.old:value())
    assert.equal(4, #scratch.list(folder))
  end)
end)

describe("the option", function()
  local ckpt
  before_each(function() ckpt = gw.open(NAMES) end)

  it("shards cuts the data into that many files, with the same values", function()
    for shards = 1, 5 do
      local prefix = ("%s/out%d"):format(folder, shards)
      ckpt:save(prefix, { shards = shards })
      assert.is_true(scratch.exists(("%s.data-%05d-of-%05d"):format(prefix, shards - 1, shards)))
      local out = gw.open(prefix)
      for name, tensor in ckpt:each() do assert.is_true(out.vars[name]:equal(tensor), name) end
    end
  end)

  it("latest makes the checkpoint what tf.train.latest_checkpoint finds", function()
    ckpt:save(folder .. "/a", { latest = true })
    ckpt:save(folder .. "/b", { latest = true })
    local state = scratch.read(folder .. "/checkpoint")
    assert.matches('^model_checkpoint_path: "b"\n', state)
    assert.matches('all_model_checkpoint_paths: "a"\nall_model_checkpoint_paths: "b"\n', state, 1, true)
    assert.equal(folder .. "/b", gw.open(folder).path)
  end)

  it("data = link shares the input's files and puts what is new beside them", function()
    scratch.copy(KINDS .. "two-shards", folder .. "/in")
    local two = gw.open(folder .. "/in")
    two:rename { a = "z" }
    two.vars.new = gw.tensor { 1, 2 }
    two:save(folder .. "/out", { data = "link" })
    assert.same({ "in.data-00000-of-00002", "in.data-00001-of-00002", "in.index", "out.data-00000-of-00003", "out.data-00001-of-00003",
      "out.data-00002-of-00003", "out.index" }, scratch.list(folder))
    for shard = 0, 1 do
      assert.equal(lfs.attributes(("%s/in.data-%05d-of-00002"):format(folder, shard), "ino"),
        lfs.attributes(("%s/out.data-%05d-of-00003"):format(folder, shard), "ino"))
    end
    local out = gw.open(folder .. "/out")
    assert.same({ 4.0, 5.0 }, out.vars.z:value())
    assert.same({ 1, 2 }, out.vars.new:value())
  end)

  it("data = clone makes new files, or says what works where the file system cannot", function()
    scratch.copy(NAMES, folder .. "/in")
    local ok, problem = pcall(function() gw.open(folder .. "/in"):save(folder .. "/out", { data = "clone" }) end)
    if ok then
      assert.same(scratch.files_of(NAMES), scratch.files_of(folder .. "/out"))
    else
      assert.matches("cannot clone", problem.what, 1, true)
      assert.matches("--data copy", problem.hint, 1, true)
      assert.equal(2, #scratch.list(folder))
    end
  end)

  it("verify checks data that is only linked; without it damage travels", function()
    scratch.copy(NAMES, folder .. "/in")
    scratch.write(folder .. "/in.data-00000-of-00001", ("x"):rep(92))
    gw.open(folder .. "/in"):save(folder .. "/out", { data = "link" })
    local problem = failure(function() gw.open(folder .. "/in"):save(folder .. "/checked", { data = "link", verify = true }) end)
    assert.equal("damaged", problem.class)
    assert.is_false(scratch.exists(folder .. "/checked.index"))
  end)

  it("no_verify copies damage as it is, with the input's checksums", function()
    scratch.copy(NAMES, folder .. "/in")
    scratch.write(folder .. "/in.data-00000-of-00001", ("x"):rep(92))
    local damaged = gw.open(folder .. "/in")
    assert.equal("damaged", failure(function() damaged:save(folder .. "/out") end).class)
    damaged:save(folder .. "/out", { no_verify = true })
    assert.same(scratch.files_of(folder .. "/in"), scratch.files_of(folder .. "/out"))
  end)

  it("threads and memory change nothing about the result", function()
    local big = gw.open(NAMES)
    for i = 1, 300 do big.vars["n" .. i] = gw.full({ 1 + i * 7 }, i, "int64") end
    big:save(folder .. "/one", { threads = 1, memory = 1 << 20 })
    big:save(folder .. "/two", { threads = 8, memory = 8 << 20 })
    assert.same(scratch.files_of(folder .. "/one"), scratch.files_of(folder .. "/two"))
    assert.equal("option 'threads' must be a whole number from 0 to 256", failure(function() big:save(folder .. "/x", { threads = 300 }) end).what)
  end)
end)

describe("a .meta beside the input", function()
  before_each(function()
    scratch.copy(NAMES, folder .. "/in")
    scratch.write(folder .. "/in.meta", "graph")
  end)

  it("comes along when no name changed", function()
    local ckpt = gw.open(folder .. "/in")
    ckpt.vars.a = gw.zeros { 3 }
    ckpt:save(folder .. "/out")
    assert.equal("graph", scratch.read(folder .. "/out.meta"))
  end)

  it("is left out when names changed", function()
    local ckpt = gw.open(folder .. "/in")
    ckpt:rename { a = "b" }
    ckpt:save(folder .. "/out")
    assert.is_false(scratch.exists(folder .. "/out.meta"))
  end)
end)

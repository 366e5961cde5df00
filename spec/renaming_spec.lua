-- rename in its four forms, and rename_scope.

local gw = require "godwit"
local failure = require "spec.support.failure"
local scratch = require "spec.support.scratch"

local NAMES = scratch.KINDS .. "names"
local OPTIONAL = { optional = true }

local function here(offset) return ("spec/renaming_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

--- A draft whose tensors' values tell where they came from.
local function made(...)
  local tensors = {}
  for _, name in ipairs { ... } do tensors[name] = gw.scalar(name) end
  return gw.variables(tensors)
end

--- "new<old" for each tensor, in key order.
local function trace(ckpt)
  local parts = {}
  for name, tensor in pairs(ckpt.vars) do parts[#parts + 1] = name .. "<" .. tensor:value() end
  return table.concat(parts, " ")
end

describe("rename by a pattern", function()
  it("replaces every match in every name, as re.sub does", function()
    local ckpt = made("a/a", "b", "xax")
    assert.equal(2, ckpt:rename("a", "c"))
    assert.equal("b<b c/c<a/a xcx<xax", trace(ckpt))
  end)

  it("searches anywhere in the name unless anchored", function()
    local ckpt = made("a/kernel", "kernel/a")
    ckpt:rename("^kernel", "w")
    assert.equal("a/kernel<a/kernel w/a<kernel/a", trace(ckpt))
  end)

  for _, case in ipairs {
    { [[layer_(\d+)/]], "block_$1/", "layer_12/w", "block_12/w" },
    { [[layer_(\d+)/]], "block_${1}0/", "layer_1/w", "block_10/w" },
    { [[(?<scope>\w+)/(?P<leaf>\w+)$]], "${leaf}/${scope}", "a/w", "w/a" },
    { [[(a)|(b)]], "[$1$2]", "ab", "[a][b]" },
    { [[x(y)?]], "<$1>", "x", "<>" },
    { "a", "$$1", "a", "$1" },
    { "", "-", "ab", "-a-b-" },
    { "x*", "-", "abxd", "-a-b--d-" },
    { [[\bw\b]], "v", "w/ww/w", "v/ww/v" },
    { "(?i)KERNEL", "w", "Kernel", "w" },
    { "π.", "p/", "π/ü", "p/ü" },
    { ".", "x", "üé", "xx" },
    { [[[^/]+$]], "last", "a/b/c", "a/b/last" },
    { [[(?<=a/)b(?=/c)]], "B", "a/b/c", "a/B/c" },
  } do
    local pattern, replacement, from, to = table.unpack(case)
    it(("%s by %s turns %s into %s"):format(pattern, replacement, from, to), function()
      local ckpt = made(from)
      assert.equal(1, ckpt:rename(pattern, replacement))
      assert.is_true(ckpt:has(to), trace(ckpt))
    end)
  end

  it("counts names that matched, also those that stay what they are", function()
    assert.equal(2, made("a1", "a2", "b"):rename("a", "a"))
  end)

  it("that matches nothing is an error at its line that shows some names", function()
    local problem = failure(function() made("a", "b", "c", "d"):rename("zz", "y") end)
    assert.equal("no tensor matches 'zz'", problem.what)
    assert.equal('the names are "a", "b", "c" and 1 more; pass {optional = true} as the last argument if nothing need match', problem.hint)
    assert.equal(here(-3), problem.line)
  end)

  it("may match nothing when it is optional", function()
    assert.equal(0, made("a"):rename("zz", "y", OPTIONAL))
  end)

  for pattern, message in pairs {
    ["(a"] = "the pattern '(a' is wrong at position 2: missing closing parenthesis",
    ["a{,3}"] = "{,n} in a pattern does not mean what it means in Python: write {0,n}",
    ["a\\Z"] = "\\Z in a pattern does not mean what it means in Python: write \\z for the very end",
    ["[[:alpha:]]"] = "a POSIX class like [[:alpha:]] in a pattern does not mean what it means in Python",
    ["\b"] = "the pattern has the control byte \\x08: Lua reads \\b and \\1 in quotes itself, write the pattern in long brackets, [[...]]",
    ["\\Qa\\E"] = "write a backslash before each special character",
  } do
    it(("refuses the pattern %q and says why"):format(pattern), function()
      local problem = failure(function() made("a"):rename(pattern, "b") end)
      assert.matches(message, problem.what, 1, true)
      assert.equal(here(-2), problem.line)
    end)
  end

  for replacement, message in pairs {
    ["\\1"] = "a backslash in a replacement: groups are $1 or ${name} here, not \\1",
    ["\1"] = "the replacement has the control byte \\x01",
    ["$2"] = "the replacement asks for group 2, the pattern '(a)' has 1",
    ["$10"] = "the replacement asks for group 10, the pattern '(a)' has 1",
    ["${x}"] = "the replacement asks for group {x}",
    ["$"] = "'$' in a replacement takes a group, $1, ${1} or ${name}, or another '$'",
    ["${1"] = "'$' in a replacement takes a group",
  } do
    it(("refuses the replacement %q"):format(replacement), function()
      assert.matches(message, failure(function() made("a"):rename("(a)", replacement) end).what, 1, true)
    end)
  end

  it("says how to write a group followed by a digit", function()
    assert.equal("write ${1}0 for group 1 followed by 0", failure(function() made("a"):rename("(a)", "$10") end).hint)
  end)

  it("gives up on a pattern that tries too many ways", function()
    local problem = failure(function() made(("a"):rep(40) .. "b"):rename("(a|aa)+$", "x") end)
    assert.equal("limit", problem.class)
    assert.matches("avoid repetitions inside repetitions", problem.hint, 1, true)
  end)

  it("needs a replacement", function()
    assert.matches("the replacement is nil", failure(function() made("a"):rename "a" end).what, 1, true)
  end)
end)

describe("rename by a table of exact names", function()
  it("moves what is named and nothing else", function()
    local ckpt = made("a", "a/b", "c")
    assert.equal(2, ckpt:rename { a = "x", ["c"] = "scope/c" })
    assert.equal("a/b<a/b scope/c<c x<a", trace(ckpt))
  end)

  it("is done all at once: a swap works, and so does a ring", function()
    local ckpt = made("a", "b", "c")
    ckpt:rename { a = "b", b = "a" }
    assert.equal("a<b b<a c<c", trace(ckpt))
    ckpt:rename { a = "b", b = "c", c = "a" }
    assert.equal("a<c b<b c<a", trace(ckpt))
  end)

  it("takes names literally", function()
    local ckpt = made("a.b", "axb")
    ckpt:rename { ["a.b"] = "$1" }
    assert.equal("$1<a.b axb<axb", trace(ckpt))
  end)

  it("raises the nearest names for one that is not there", function()
    local problem = failure(function() made("kernel", "bias"):rename { kernal = "w" } end)
    assert.equal('there is no tensor "kernal" (the nearest: "kernel", "bias")', problem.what)
    assert.equal(here(-2), problem.line)
  end)

  it("passes over what is not there when it is optional", function()
    local ckpt = made("a", "b")
    assert.equal(1, ckpt:rename({ a = "x", zz = "y" }, OPTIONAL))
    assert.equal("b<b x<a", trace(ckpt))
    assert.equal(0, ckpt:rename({ zz = "y" }, OPTIONAL))
  end)

  it("refuses names that are no strings", function()
    assert.equal('the new name of "a" is a number, not a string', failure(function() made("a"):rename { a = 1 } end).what)
    assert.matches("either old names as keys, or is a sequence", failure(function() made("a"):rename { a = "b", { "c", "d" } } end).what, 1, true)
  end)

  it("refuses an empty table", function()
    assert.equal("rename got an empty table", failure(function() made("a"):rename {} end).what)
  end)
end)

describe("rename by a function of the name", function()
  it("keeps what the function gives nil for", function()
    local ckpt = made("a", "b", "c")
    assert.equal(2, ckpt:rename(function(name) return name ~= "b" and name:upper() or nil end))
    assert.equal("A<a C<c b<b", trace(ckpt))
  end)

  it("is done all at once", function()
    local ckpt, swap = made("a", "b"), { a = "b", b = "a" }
    ckpt:rename(function(name) return swap[name] end)
    assert.equal("a<b b<a", trace(ckpt))
  end)

  it("calls the function in key order, once for each name", function()
    local seen = {}
    made("b", "a", "c"):rename(function(name) seen[#seen + 1] = name return name end)
    assert.same({ "a", "b", "c" }, seen)
  end)

  it("refuses what is no name", function()
    local problem = failure(function() made("a"):rename(function() return 3 end) end)
    assert.equal('the function of rename returned a number for "a", not a name', problem.what)
    assert.equal(here(-2), problem.line)
  end)

  it("leaves the draft as it was when the function raises", function()
    local ckpt = made("a", "b")
    local problem = failure(function() ckpt:rename(function(name) if name == "b" then error("no") end return "x" end) end)
    assert.equal("no", problem.what)
    assert.equal(here(-2), problem.line)
    assert.equal("a<a b<b", trace(ckpt))
  end)

  it("that gives nil for all names is an error, unless optional", function()
    local function none() end
    assert.equal("no tensor matches the rule", failure(function() made("a"):rename(none) end).what)
    assert.equal(0, made("a"):rename(none, OPTIONAL))
  end)
end)

describe("rename by a sequence of pairs", function()
  it("applies the first that matches, once", function()
    local ckpt = made("a1", "b1", "c1")
    assert.equal(3, ckpt:rename { { "^a", "b" }, { "^b", "c" }, { "1", "2" }, { "c", "z" } })
    assert.equal("b1<a1 c1<b1 c2<c1", trace(ckpt))
  end)

  it("does not look at a later rule when the first one matched", function()
    local ckpt = made("ab")
    ckpt:rename { { "a", "a" }, { "b", "x" } }
    assert.equal("ab<ab", trace(ckpt))
  end)

  it("refuses what is no pair, by its number", function()
    assert.equal("rule 2 is not {pattern, replacement}", failure(function() made("a"):rename { { "a", "b" }, { "c" } } end).what)
    assert.equal("rule 1 is not {pattern, replacement}", failure(function() made("a"):rename { "a", "b" } end).what)
  end)

  it("that matches nothing is an error that shows the patterns", function()
    assert.equal("no tensor matches 'x', 'y'", failure(function() made("a"):rename { { "x", "1" }, { "y", "2" } } end).what)
  end)
end)

describe("two tensors with one name", function()
  for form, arguments in pairs {
    ["a pattern"] = { "[ab]$", "c" },
    ["a table"] = { { ["s/a"] = "s/c", ["s/b"] = "s/c" } },
    ["a function"] = { function() return "s/c" end },
    ["pairs"] = { { { "a$", "c" }, { "b$", "c" } } },
  } do
    it(("are an error that names both, by %s, and nothing is renamed"):format(form), function()
      local ckpt = made("s/a", "s/b")
      local problem = failure(function() ckpt:rename(table.unpack(arguments)) end)
      assert.equal('two tensors would get this name: "s/a" and "s/b"', problem.what)
      assert.equal("s/c", problem.key)
      assert.equal(here(-3), problem.line)
      assert.equal("s/a<s/a s/b<s/b", trace(ckpt))
    end)
  end

  it("are an error when the other one was not renamed at all", function()
    assert.equal('two tensors would get this name: "a" and "b"', failure(function() made("a", "b"):rename { a = "b" } end).what)
  end)

  it("are no error when the one in the way moves too, or is gone", function()
    local ckpt = made("a", "b")
    ckpt:rename { a = "b", b = "c" }
    assert.equal("b<a c<b", trace(ckpt))
    ckpt.vars.c = nil
    ckpt:rename { b = "c" }
    assert.equal("c<a", trace(ckpt))
  end)

  it("an empty new name is an error that names the tensor", function()
    local problem = failure(function() made("a"):rename("a", "") end)
    assert.equal("the new name would be empty", problem.what)
    assert.equal("a", problem.key)
  end)
end)

describe("rename", function()
  it("takes a pattern, a table or a function", function()
    assert.equal("rename takes a pattern, a table or a function, not nil", failure(function() made("a"):rename() end).what)
    assert.equal("rename takes a pattern, a table or a function, not a number", failure(function() made("a"):rename(3) end).what)
  end)

  it("knows one option", function()
    local problem = failure(function() made("a"):rename("a", "b", { optionl = true }) end)
    assert.equal("there is no option 'optionl' (only optional)", problem.what)
    assert.equal("options are a table like {optional = true}, not a boolean", failure(function() made("a"):rename("a", "b", true) end).what)
  end)

  it("keeps the tensors and their origin", function()
    local ckpt = gw.open(NAMES)
    ckpt:rename("dense", "layer")
    assert.equal(NAMES:match("[^/]+$") .. ":dense/kernel", ckpt.vars["layer/kernel"].origin:match("[^/]*:.*$"))
    assert.same({ { 1, 2 }, { 3, 4 } }, ckpt.vars["layer/bias"]:value())
  end)
end)

describe("rename_scope", function()
  it("moves what is under one scope to another, and returns how many", function()
    local ckpt = made("a/x", "a/b/y", "ab/x", "x/a/z")
    assert.equal(2, ckpt:rename_scope("a/", "c/d/"))
    assert.equal("ab/x<ab/x c/d/b/y<a/b/y c/d/x<a/x x/a/z<x/a/z", trace(ckpt))
  end)

  it("takes / for the root, on either side", function()
    local ckpt = made("a", "b/c")
    assert.equal(2, ckpt:rename_scope("/", "m/"))
    assert.equal("m/a<a m/b/c<b/c", trace(ckpt))
    ckpt:rename_scope("m/", "/")
    assert.equal("a<a b/c<b/c", trace(ckpt))
  end)

  it("takes scopes literally", function()
    local ckpt = made("a.b/x", "aXb/x")
    ckpt:rename_scope("a.b/", "$1/")
    assert.equal("$1/x<a.b/x aXb/x<aXb/x", trace(ckpt))
  end)

  it("refuses a scope that does not end in /", function()
    local problem = failure(function() made("a/x"):rename_scope("a", "b/") end)
    assert.matches("a scope ends in '/' (\"/\" is the root)", problem.what, 1, true)
    assert.equal(here(-2), problem.line)
    assert.matches("a scope ends", failure(function() made("a/x"):rename_scope("a/", "") end).what, 1, true)
  end)

  it("that matches nothing is an error, unless optional", function()
    assert.equal("no tensor is in the scope 'b/'", failure(function() made("a/x"):rename_scope("b/", "c/") end).what)
    assert.equal(0, made("a/x"):rename_scope("b/", "c/", OPTIONAL))
  end)

  it("refuses a move onto what is there", function()
    assert.equal('two tensors would get this name: "a/x" and "b/x"', failure(function() made("a/x", "b/x"):rename_scope("a/", "b/") end).what)
  end)

  it("refuses a tensor whose name would be empty", function()
    assert.equal("the new name would be empty", failure(function() made("a/"):rename_scope("a/", "/") end).what)
  end)

  it("takes two strings", function()
    assert.matches("rename_scope takes two scopes", failure(function() made("a"):rename_scope "a/" end).what, 1, true)
  end)
end)

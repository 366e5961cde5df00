-- gw.match and gw.sub: the language of patterns, for a recipe's own functions. Its other half, what is refused, is in
-- renaming_spec.lua; 200 patterns beside Python's re are judged by the interop specs.

local gw = require "godwit"
local failure = require "spec.support.failure"

local function here(offset) return ("spec/patterns_spec.lua:%d"):format(debug.getinfo(2, "l").currentline + offset) end

describe("gw.match", function()
  it("gives the whole match of a pattern without groups", function()
    assert.equal("layer_12", gw.match("bert/layer_12/w", [[layer_\d+]]))
  end)

  it("gives the groups of one that has them", function()
    assert.same({ "12", "w" }, { gw.match("bert/layer_12/w", [[layer_(\d+)/(\w)]]) })
  end)

  it("gives an empty text for a group that took no part", function()
    assert.same({ "", "b" }, { gw.match("b", "(a)?(b)") })
    assert.same({ "a", "" }, { gw.match("a", "(a)|(b)") })
  end)

  it("gives nil where nothing matches", function()
    assert.same({ n = 1 }, table.pack(gw.match("abc", "(x)(y)")))
  end)

  it("counts characters, not bytes", function()
    assert.equal("üé", gw.match("üéx", "^.."))
    assert.equal("ü", gw.match("π/ü", [[\w$]]))
  end)

  it("matches names that are no UTF-8", function()
    assert.equal("b", gw.match("\xff/b", "[a-z]"))
  end)

  it("raises a wrong pattern at the caller's line", function()
    local problem = failure(function() gw.match("a", "[") end)
    assert.matches("the pattern '[' is wrong", problem.what, 1, true)
    assert.equal(here(-2), problem.line)
  end)

  it("takes two strings", function()
    assert.equal("gw.match takes a name and a pattern", failure(gw.match, "a").what)
    assert.equal("gw.match takes a name and a pattern", failure(gw.match, 1, "a").what)
  end)
end)

describe("gw.sub", function()
  it("replaces every match and counts them", function()
    assert.same({ "xbxb", 2 }, { gw.sub("abab", "a", "x") })
    assert.same({ "abab", 0 }, { gw.sub("abab", "c", "x") })
  end)

  it("knows groups by number and by name", function()
    assert.equal("w_12", (gw.sub("12/w", [[(\d+)/(?<leaf>\w)]], "${leaf}_$1")))
  end)

  it("takes three strings", function()
    assert.equal("gw.sub takes a name, a pattern and a replacement", failure(gw.sub, "a", "b").what)
  end)
end)

describe("where Python's re differs, a pattern", function()
  it("takes no separator of files, groups, records or units for white space", function()
    for byte = 0x1c, 0x1f do
      assert.is_nil(gw.match(string.char(byte), [[\s]]))
      assert.equal(string.char(byte), gw.match(string.char(byte), [[\S]]))
    end
    for _, space in ipairs { "\t", "\n", "\v", "\f", "\r", " ", "\u{85}", "\u{a0}", "\u{2028}", "\u{3000}" } do
      assert.equal(space, gw.match(space, [[\s]]))
    end
  end)

  it("knows other cases of the Turkish i only by themselves", function()
    for _, pair in ipairs { { "(?i)i", "İ" }, { "(?i)i", "ı" }, { "(?i)İ", "i" }, { "(?i)ı", "I" }, { "(?i)[a-z]", "ı" } } do
      assert.is_nil(gw.match(pair[2], pair[1]))
    end
    for _, pair in ipairs { { "(?i)i", "I" }, { "(?i)İ", "İ" }, { "(?i)s", "ſ" }, { "(?i)k", "\u{212a}" }, { "(?i)ü", "Ü" } } do
      assert.equal(pair[2], gw.match(pair[2], pair[1]))
    end
  end)

  it([[finds \B in an empty text, as Python does from 3.14 on]], function()
    assert.equal("", gw.match("", [[\B]]))
    assert.is_nil(gw.match("a", [[\B]]))
  end)
end)

it("a thousand patterns and more stay right", function()
  for i = 1, 1100 do assert.equal("x" .. i, gw.match("ax" .. i .. "b", "x" .. i .. "(?=b)")) end
  assert.equal("x1", gw.match("ax1b", "x1(?=b)"))
end)

-- The pages for users do what they say: their blocks are run and what they print is compared (spec/support/documents.lua has
-- the rules). `make accept` rewrites what is printed, for a person to review.

local documents = require "spec.support.documents"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local stock_lua = (os.getenv "SANITIZE" or "") == ""

for _, page in ipairs(documents.PAGES) do
  describe(page, function()
    local steps = documents.run(scratch.read(page), scratch.folder())
    if os.getenv "ACCEPT" then
      it("is accepted as it is now", function() scratch.write(page, documents.accepted(scratch.read(page), steps)) end)
      return
    end

    it("has blocks", function() assert.is_true(#steps > 1) end)

    for _, step in ipairs(steps) do
      it(("line %d: %s"):format(step.line, step.title), function()
        if step.title:match "^lua5.4 " and not stock_lua then return pending "stock lua5.4 does not load a sanitized module" end
        assert.equal(step.expected, step.printed)
        assert.is_nil(step.problem)
      end)
    end
  end)
end

describe("pages with blocks", function()
  it("are run, or set aside for a reason", function()
    local known = {}
    for _, page in ipairs(documents.PAGES) do known[page] = true end
    local list = program.shell "find . -name '*.md' -not -path './build/*' | sed 's,^./,,'"
    local found = {}
    for path in list:gmatch "[^\n]+" do
      local fenced = scratch.read(path):find "\n```"
      if fenced then
        found[path] = true
        assert.is_truthy(known[path] or documents.ASIDE[path], path)
      end
    end
    for path in pairs(documents.ASIDE) do assert.is_true(found[path], path .. " has no blocks") end
  end)
end)

describe("a page", function()
  local function problems(text)
    local list = {}
    for _, step in ipairs((documents.run(text, scratch.folder()))) do
      if step.problem then list[#list + 1] = ("%d %s %s"):format(step.line, step.title, step.problem) end
    end
    return list
  end

  it("fails where something else is printed, the time aside", function()
    local text = "```console\n$ echo a; echo 'in 0.02 s'; date -u '+%F %T UTC'\na\nin 7.31 s\n2026-11-23 14:29:47 UTC\n"
      .. "\n$ echo b >&2; printf 'c\\n\\n'\nb\nc\n\n```\n"
    assert.same({}, problems(text))
    assert.same({ "7 echo b >&2; printf 'c\\n\\n' prints\nb\nc\n\n" }, problems((text:gsub("\nb\n", "\nB\n"))))
    assert.same({ "2 echo a; echo 'in 0.02 s'; date -u '+%F %T UTC' prints\na\nin N s\nTIME\n" }, problems((text:gsub("\na\n", "\n"))))
    assert.same({ "7 echo b >&2; printf 'c\\n\\n' prints\nb\nc\n\n" }, problems((text:gsub("\n\n```", "\n```"))))
  end)

  it("fails where a command fails without saying so", function()
    assert.same({}, problems "```console\n$ mkdir n; cd n; A=b; export A\n$ pwd >../x; echo $A; false\nb\n$ echo $?\n1\n```\n")
    assert.same({ "2 false ends with 1, and `$ echo $?` does not follow" }, problems "```console\n$ false\n$ true\n```\n")
    assert.same({ "2 false ends with 1:\n" }, problems "```sh\nfalse\ntrue\n```\n")
  end)

  it("fails where a file is not the example of its name, or does not run", function()
    assert.same({}, problems "```lua\n-- a.lua: godwit plan a.lua digits.ckpt-100\nreturn function() end\n```\n")
    assert.same({ "2 godwit plan ./a.lua digits.ckpt-100 ends with 3:\ngodwit: ./a.lua:2: x\n" },
      problems "```lua\n-- a.lua: godwit plan ./a.lua digits.ckpt-100\nreturn function() error 'x' end\n```\n")
    assert.same({ "2 drop_slots.lua is not what examples/drop_slots.lua has" }, problems "```lua\n-- drop_slots.lua\nreturn 1\n```\n")
  end)

  it("fails where code cannot be pasted into a session", function()
    assert.same({}, problems "```lua\nlocal n = #ckpt\nassert(n == 19)\n```\n")
    assert.same({ "2 godwit repl digits.ckpt-100 <FOLDER/pasted ends with 3:\ngodwit: assertion failed!\n" },
      problems "```lua\nlocal n = #ckpt\nassert(n == 20)\n```\n")
  end)

  it("fails where a table's command does, placeholders aside", function()
    assert.same({}, problems "| `godwit run cast digits.ckpt-100 -p dtype=float16 -o out/h`, `godwit run cast` | `godwit run cast OLD -o NEW` |\n")
    assert.same({ "1 godwit run cast digits.ckpt-100 -p dtype=float -o out/h ends with 2:\n"
      .. "godwit: parameter dtype: 'float' is not one of float16, bfloat16, float32, float64\n" },
      problems "| x | `godwit run cast digits.ckpt-100 -p dtype=float -o out/h` |\n")
  end)

  it("fails where a block's language is not known", function()
    assert.same({ "2 a block is neither sh, console, lua nor python, but ''" }, problems "```\nx\n```\n")
  end)

  it("is a session too", function()
    local text = [[
```console
$ godwit repl tf1-ckpt
godwit 0.1.0 · ckpt is tf1-ckpt · .help helps, Ctrl-D leaves
> #ckpt
3
> for name in ckpt:each() do
>> print(name) end
a
b
scoped/c
> ckpt.vars.d
there is no tensor "d" (the nearest: "a", "b", "scoped/c")
> .quit
```
]]
    assert.same({}, problems(text))
    assert.equal(1, #problems((text:gsub("\n3\n", "\n4\n"))))
  end)

  it("is accepted with what is printed", function()
    local text = "x\n```console\n$ echo a\n$ echo b\nc\nd\n\n$ echo e\ne\n```\ny\n"
    local steps = documents.run(text, scratch.folder())
    assert.equal("x\n```console\n$ echo a\na\n$ echo b\nb\n\n$ echo e\ne\n```\ny\n", documents.accepted(text, steps))
  end)
end)

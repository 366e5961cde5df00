-- Recipes: what they return, what they say about themselves, their parameters and inputs.

local gw = require "godwit"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local NAMES = scratch.KINDS .. "names"

-- Saved once and copied for each test: saving syncs.
local INPUTS, made = { "one", "two", "three" }, scratch.folder()
for _, name in ipairs(INPUTS) do gw.variables({ [name] = gw.scalar(name), shared = gw.scalar(1) }):save(made .. "/" .. name) end

local folder
before_each(function()
  folder = scratch.folder()
  for _, name in ipairs(INPUTS) do scratch.copy(made .. "/" .. name, folder .. "/" .. name) end
end)

--- Writes the recipe r.lua and runs it as `godwit run r.lua ARGUMENTS`.
local function run(source, arguments)
  scratch.write(folder .. "/r.lua", source)
  return program.shell(("%s run r.lua %s"):format(program.quoted(program.PATH), arguments), folder)
end

--- Runs it, expects success, and gives what it printed (print goes to stderr).
local function printed(source, arguments)
  local _, err, status = run(source, (arguments or "one") .. " -o out")
  assert.equal(0, status, err)
  return err
end

local function check(source, arguments, expected_status, expected)
  local _, err, status = run(source, arguments)
  assert.same({ expected_status, "godwit: " .. expected .. "\n" }, { status, err })
end

local function names_of(prefix)
  local names = {}
  for name in pairs(gw.open(folder .. "/" .. prefix).vars) do names[#names + 1] = name end
  return table.concat(names, " ")
end

describe("a recipe", function()
  it("is a function of the first input's draft, the parameters and all inputs", function()
    assert.equal("one variables 0 2 true\n", printed([[
      return function(ckpt, p, inputs)
        local count = 0
        for _ in pairs(p) do count = count + 1 end
        print(ckpt.path, ckpt.kind, count, #inputs, inputs[1] == ckpt)
      end]], "one two"):gsub("\t", " "))
  end)

  it("is a table with a function run", function()
    printed [[return { name = "r", run = function(ckpt) ckpt:rename { one = "uno" } end }]]
    assert.equal("shared uno", names_of "out")
  end)

  it("is a text for -e, which sees ckpt, inputs, p and gw", function()
    local out, err, status = program.shell(program.quoted(program.PATH) .. [[ run -e 'print(ckpt.path, inputs[2].path, next(p), gw.version ~= nil)
      ckpt.vars.n = gw.scalar(1)' one two -o out]], folder)
    assert.same({ "one two nil true\n", 0 }, { (err:gsub("\t", " ")), status }, out)
    assert.equal("n one shared", names_of "out")
  end)

  it("that returns nothing gives the first draft", function()
    printed [[return function(ckpt) ckpt:drop "one" end]]
    assert.equal("shared", names_of "out")
  end)

  it("that returns a draft gives that one", function()
    printed([[return function(ckpt, p, inputs) return inputs[2] end]], "one two")
    assert.equal("shared two", names_of "out")
  end)

  it("that returns a table gives several checkpoints, each to its own -o", function()
    local source = [[return function(ckpt)
      local rest = ckpt:copy()
      ckpt:keep_only "one"
      rest:drop "one"
      return { first = ckpt, rest = rest }
    end]]
    local out, err, status = run(source, "one -o rest=b/rest -o first=a/first")
    assert.equal(0, status, err)
    assert.matches("^a/first .*\nb/rest ", out)
    assert.equal("one", names_of "a/first")
    assert.equal("shared", names_of "b/rest")
    check(source, "one -o first=x", 2, "-o rest=OUT is missing: where should this output go?\n  `godwit plan` shows what would be done without writing")
    check(source, "one -o out", 2, "-o takes NAME=OUT, not 'out'\n  the recipe's outputs are first, rest")
    check(source, "one -o first=x -o rest=y -o more=z", 2, "the recipe has no output 'more'\n  the recipe's outputs are first, rest")
    check(source, "one -o first=x -o rest=x", 2, "two outputs would go to x")
    check(source, "one -o first=x -o first=y", 2, "-o: 'first' is given twice")
    assert.is_false(scratch.exists(folder .. "/x.index"))
  end)

  it("writes all of its outputs or none", function()
    local source = [[return function(ckpt) return { a = ckpt, b = ckpt:copy() } end]]
    scratch.copy(NAMES, folder .. "/there")
    check(source, "one -o a=new -o b=there", 2, "there.index: exists already\n  choose another name for -o, or replace it with --force")
    assert.is_false(scratch.exists(folder .. "/new.index"))
    assert.same({}, (function()
      local hidden = {}
      for _, name in ipairs(scratch.list(folder)) do if name:match "^%.godwit" then hidden[#hidden + 1] = name end end
      return hidden
    end)())
  end)

  for what, case in pairs {
    ["a number"] = { "return 5", "a recipe returns nothing, a checkpoint, or a table from names to checkpoints, not a number" },
    ["a tensor"] = { "return gw.scalar(1)", "a recipe returns nothing, a checkpoint, or a table from names to checkpoints, not a tensor" },
    ["an empty table"] = { "return {}", "the recipe returned a table without any checkpoint" },
    ["a table with something else"] = { "return { a = 1 }", "the output 'a' is a number, not a checkpoint" },
    ["a list"] = { "return { c }", "an output's name is a word, to be said as -o NAME=PREFIX, not '1'\n" ..
      "  a recipe with several outputs returns a table like {encoder = ckpt, decoder = other}" },
  } do
    it(("that returns %s is wrong"):format(what), function()
      check(("return function(c) %s end"):format(case[1]), "one -o out", 3, "r.lua: " .. case[2])
    end)
  end

  it("must not edit an input that goes nowhere", function()
    check([[return { inputs = { "base", "donor" }, run = function(_, _, inputs) inputs.donor:drop "two" end }]], "one two -o out", 3,
      "r.lua: donor was edited, but it is neither saved nor read by what is\n  return it as an output, or leave it as it is")
    check([[return function(_, _, inputs) inputs[2]:drop "two" end]], "one two -o out", 3,
      "r.lua: input 2 was edited, but it is neither saved nor read by what is\n  return it as an output, or leave it as it is")
  end)

  it("may edit an input that is merged, taken from, or returned", function()
    printed([[return function(ckpt, _, inputs) inputs[2]:drop "shared" ckpt:merge(inputs[2]) end]], "one two")
    assert.equal("one shared two", names_of "out")
  end)

  it("leaves its checkpoint unwritten when it fails", function()
    local _, err, status = run("return function(ckpt)\n  ckpt:drop 'one'\n  error 'no'\nend", "one -o out")
    assert.same({ "godwit: r.lua:3: no\n", 3 }, { err, status })
    assert.is_false(scratch.exists(folder .. "/out.index"))
  end)
end)

describe("an error", function()
  for what, case in pairs {
    ["of syntax has its line"] = { "return function(ckpt)\n  ckpt:drop(\nend", "r.lua:3: unexpected symbol near 'end'" },
    ["of syntax that is Python's has a hint"] = { "return function(ckpt)\n  if #ckpt != 2 then end\nend",
      "r.lua:2: 'then' expected near '!'\n  not equal is ~=" },
    ["of a pattern in quotes has a hint"] = { "return function(ckpt)\n  ckpt:drop 'layer_\\d'\nend",
      "r.lua:2: invalid escape sequence near ''layer_\\d'\n"
        .. "  a regular expression goes into long brackets, where a backslash is one: [[layer_(\\d+)/]]" },
    ["of a method without its colon has a hint"] = { "return function(ckpt)\n  ckpt.vars.one.cast('int32')\nend",
      "r.lua:2: bad argument #1 to 'cast' (a tensor expected, got a string)\n  a method is called with a colon: t:cast(...)" },
    ["while it loads has its line"] = { "local x = nil\nreturn x.y", "r.lua:2: attempt to index a nil value (local 'x')" },
    ["in a function that it calls has that function's line"] = {
      "local function f(ckpt)\n  ckpt:drop 'x'\nend\nreturn function(ckpt)\n  f(ckpt)\nend",
      "r.lua:2: no tensor matches 'x'\n  the names are \"one\", \"shared\"; pass {optional = true} as the last argument if nothing need match" },
    ["of its own keeps its text"] = { "return function() error('expected 12 layers', 0) end", "expected 12 layers" },
    ["that is a table says so"] = { "return function()\n  error {}\nend", "r.lua:2: an error that is a table, not a text" },
    ["that is a table with __tostring is that text"] = {
      "return function() error(setmetatable({}, { __tostring = function() return 'mine' end })) end", "r.lua:1: mine" },
    ["that pretends to be godwit's own is still the recipe's"] = { "error { class = 'internal' }", "r.lua:1: an error that is a table, not a text" },
    ["of a wrong argument has the recipe's line"] = { "return function(ckpt)\n  ckpt:plan { data = 'x' }\nend",
      "r.lua:2: option 'data' is copy, clone or link, not 'x'" },
    ["in map has the line of the call inside"] = { "return function(ckpt)\n  ckpt:map('one', function(t)\n    return t.nothing\n  end)\nend",
      "r.lua:3: a tensor has no field or method 'nothing'" },
  } do
    it(what, function() check(case[1], "one -o out", 3, case[2]) end)
  end

  it("that the recipe caught is its own business, and has fields", function()
    assert.equal("false recipe r.lua:2 no tensor matches 'x'\n", printed([[return function(ckpt)
      local ok, problem = pcall(function() ckpt:drop "x" end)
      print(ok, problem.class, problem.line, problem.what)
    end]]):gsub("\t", " "))
  end)

  it("of a damaged input is damage, with file and line", function()
    scratch.write(folder .. "/one.data-00000-of-00001", ("x"):rep(#scratch.read(folder .. "/one.data-00000-of-00001")))
    local _, err, status = run("return function(ckpt)\n  ckpt.vars.shared:value()\nend", "one -o out")
    assert.equal(4, status)
    assert.matches("godwit: r.lua:2: one%.data%-00000%-of%-00001: shared: offset %d+: the checksum of its 4 bytes does not match", err)
  end)
end)

describe("what a recipe says of itself", function()
  local RUN = "run = function() end"

  it("may be everything that a library shows", function()
    printed [[return {
      name = "r", version = "1.0", godwit = "1", summary = "x", description = "y", examples = { "godwit run r x -o y" },
      inputs = { "checkpoint" }, params = { a = { type = "string", default = "x", help = "h" } },
      detect = function() return true end, run = function() end, tests = { { name = "t", input = function() end, fails = "x" } },
    }]]
  end)

  for _, case in ipairs {
    { "nothing", "", "a recipe returns a function or a table with a field run, not nothing" },
    { "a number", "return 5", "a recipe returns a function or a table with a field run, not a number" },
    { "a table without run", "return {}", "the recipe has no function run(ckpt, p, inputs)" },
    { "run as a text", "return { run = 'x' }", "the recipe's run is a string, not a function" },
    { "an unknown field", "return { " .. RUN .. ", parms = {} }",
      "a recipe has no field 'parms' (description, detect, examples, godwit, inputs, name, params, run, summary, tests, version)" },
    { "another API", "return { " .. RUN .. ", godwit = '2' }", "the recipe needs version 2 of the Lua API, this is version 1" },
    { "functions among the examples", "return { " .. RUN .. ", examples = { print } }",
      "the recipe's examples holds something other than text, numbers and tables of them" },
    { "a circle", "local t = {} t.t = t return { " .. RUN .. ", examples = t }",
      "the recipe's examples holds something other than text, numbers and tables of them" },
    { "a parameter that is no table", "return { " .. RUN .. ", params = { a = 1 } }", 'parameter a is a number, not a table like {type = "string"}' },
    { "a parameter without a type", "return { " .. RUN .. ", params = { a = {} } }",
      "parameter a has the type 'nil' (string, integer, number, boolean, list, choice, file)" },
    { "a parameter of an unknown type", "return { " .. RUN .. ", params = { a = { type = 'float' } } }",
      "parameter a has the type 'float' (string, integer, number, boolean, list, choice, file)" },
    { "a parameter with an unknown field", "return { " .. RUN .. ", params = { a = { type = 'string', defualt = 1 } } }",
      "parameter a has an unknown field 'defualt' (choices, default, help, required, type)" },
    { "a parameter that nobody could type", "return { " .. RUN .. ", params = { ['a b'] = { type = 'string' } } }",
      "'a b' cannot be the name of a parameter (letters, digits and _)" },
    { "a choice without choices", "return { " .. RUN .. ", params = { a = { type = 'choice' } } }", "parameter a is a choice without choices" },
    { "a default of another type", "return { " .. RUN .. ", params = { a = { type = 'integer', default = '1' } } }",
      "the default of parameter a is not of type integer" },
    { "a default that is none of the choices", "return { " .. RUN .. ", params = { a = { type = 'choice', choices = { 'x' }, default = 'y' } } }",
      "the default of parameter a is not one of its choices" },
    { "a default list of numbers", "return { " .. RUN .. ", params = { a = { type = 'list', default = { 1 } } } }",
      "the default of parameter a is not a list of strings" },
    { "a default file", "return { " .. RUN .. ", params = { a = { type = 'file', default = 'x' } } }",
      "parameter a is a file and cannot have a default" },
    { "a default that cannot count", "return { " .. RUN .. ", params = { a = { type = 'string', default = 'x', required = true } } }",
      "parameter a is required and has a default: it needs only one of them" },
    { "required that is no boolean", "return { " .. RUN .. ", params = { a = { type = 'string', required = 'yes' } } }",
      "required of parameter a is a string, not true or false" },
    { "help that is no text", "return { " .. RUN .. ", params = { a = { type = 'string', help = 1 } } }",
      "the help of parameter a is a number, not a string" },
    { "inputs that are no names", "return { " .. RUN .. ", inputs = { 'a-b' } }",
      "input 1 has no valid name (letters, digits and _; the last may end in '...')" },
    { "... in the middle", "return { " .. RUN .. ", inputs = { 'a...', 'b' } }", "input 1 is 'a...', and only the last input may end in '...'" },
    { "two inputs of one name", "return { " .. RUN .. ", inputs = { 'a', 'a' } }", "two inputs are called 'a'" },
  } do
    it(("cannot be %s"):format(case[1]), function() check(case[2], "one -o out", 3, "r.lua: " .. case[3]) end)
  end
end)

describe("a parameter", function()
  --- What the recipe sees for `-p x=TEXT`.
  local function seen(declaration, text)
    local source = ([[return { params = { x = { %s } }, run = function(_, p)
      local function show(v)
        if type(v) ~= "table" then return (math.type(v) or type(v)) .. " " .. tostring(v) end
        local parts = {}
        for i, item in ipairs(v) do parts[i] = show(item) end
        return "{" .. table.concat(parts, ", ") .. "}"
      end
      print(show(p.x))
    end }]]):format(declaration)
    return (printed(source, "one" .. (text and " -p x=" .. program.quoted(text) or "")):gsub("\n$", ""))
  end

  for _, case in ipairs {
    { "type = 'string'", "a=b", "string a=b" }, { "type = 'string'", "", "string " },
    { "type = 'integer'", "-7", "integer -7" }, { "type = 'integer'", "1e3", "integer 1000" },
    { "type = 'integer'", "9223372036854775807", "integer 9223372036854775807" },
    { "type = 'number'", "0.5", "float 0.5" }, { "type = 'number'", "3", "integer 3" },
    { "type = 'boolean'", "true", "boolean true" }, { "type = 'boolean'", "No", "boolean false" }, { "type = 'boolean'", "1", "boolean true" },
    { "type = 'list'", "a,b", "{string a, string b}" }, { "type = 'list'", "a", "{string a}" }, { "type = 'list'", "", "{}" },
    { "type = 'list'", "a,,b", "{string a, string , string b}" },
    { "type = 'choice', choices = { 'x', 'y' }", "y", "string y" },
    { "type = 'integer', default = 3", nil, "integer 3" }, { "type = 'list', default = { 'a' }", nil, "{string a}" },
    { "type = 'boolean', default = false", nil, "boolean false" }, { "type = 'string'", nil, "nil nil" },
  } do
    it(("with %s and %s is %s"):format(case[1], case[2] or "nothing given", case[3]), function() assert.equal(case[3], seen(case[1], case[2])) end)
  end

  for _, case in ipairs {
    { "type = 'integer'", "1.5", "parameter x: '1.5' is not a whole number" },
    { "type = 'integer'", "9223372036854775808", "parameter x: '9223372036854775808' is not a whole number" },
    { "type = 'number'", "one", "parameter x: 'one' is not a number" },
    { "type = 'boolean'", "maybe", "parameter x: 'maybe' is not true or false" },
    { "type = 'choice', choices = { 'a', 'b' }", "c", "parameter x: 'c' is not one of a, b" },
    { "type = 'file'", "@nothing", "nothing: the file of parameter x is not there" },
    { "type = 'file'", "@.", ".: the file of parameter x is a folder, not a file" },
  } do
    it(("with %s cannot be %s"):format(case[1], case[2]), function()
      check(("return { params = { x = { %s } }, run = function() end }"):format(case[1]), "one -o out -p x=" .. case[2], 2, case[3])
    end)
  end

  it("that is required must be given", function()
    check("return { params = { x = { type = 'string', required = true } }, run = function() end }", "one -o out", 2,
      "parameter 'x' is missing\n  give it with -p x=VALUE")
    check("return { params = { x = { type = 'file', required = true } }, run = function() end }", "one -o out", 2,
      "parameter 'x' is missing\n  give it with -p x=@FILE")
  end)

  it("that the recipe does not have is refused with those that it has", function()
    check("return { params = { b = { type = 'string' }, a = { type = 'string' } }, run = function() end }", "one -o out -p c=1", 2,
      "there is no parameter 'c'\n  the recipe's parameters are a, b")
    check("return function() end", "one -o out -p c=1", 2, "there is no parameter 'c'\n  the recipe takes no parameters")
    check("return function() end", "one -o out -p c", 2, "-p takes NAME=VALUE, not 'c'")
    check("return function() end", "one -o out -p c=1 -p c=2", 2, "-p: 'c' is given twice")
  end)

  it("that is a file has a name, bytes and lines, with or without the @", function()
    scratch.write(folder .. "/vocab.txt", "the\r\na\n\nlast")
    local source = [[return { params = { x = { type = "file" } }, run = function(_, p)
      local lines = {}
      for line in p.x:lines() do lines[#lines + 1] = "<" .. line .. ">" end
      print(p.x.name, #p.x:bytes(), table.concat(lines))
    end }]]
    for _, text in ipairs { "@vocab.txt", "vocab.txt" } do
      assert.equal("vocab.txt 12 <the><a><><last>\n", printed(source, "one --force -p x=" .. text):gsub("\t", " "))
    end
    scratch.write(folder .. "/vocab.txt", "")
    assert.equal("vocab.txt 0 \n", printed(source, "one --force -p x=@vocab.txt"):gsub("\t", " "))
  end)
end)

describe("inputs", function()
  local SHOW = [[run = function(ckpt, _, inputs)
      local parts = { ckpt.path }
      for _, name in ipairs { "base", "donor", "rest" } do
        local input = inputs[name]
        if type(input) == "table" then
          for i, one in ipairs(input) do parts[#parts + 1] = name .. i .. "=" .. one.path end
        elseif input then
          parts[#parts + 1] = name .. "=" .. input.path
        end
      end
      print(#inputs, table.concat(parts, " "))
    end]]
  local TWO = "return { inputs = { 'base', 'donor' }, " .. SHOW .. " }"
  local MANY = "return { inputs = { 'base', 'rest...' }, " .. SHOW .. " }"

  for _, case in ipairs {
    { TWO, "one two", "2 one base=one donor=two" },
    { TWO, "donor=two base=one", "2 one base=one donor=two" },
    { TWO, "two base=one", "2 one base=one donor=two" },
    { TWO, "base=one two", "2 one base=one donor=two" },
    { MANY, "one two three", "3 one base=one rest1=two rest2=three" },
    { MANY, "two three base=one", "3 one base=one rest1=two rest2=three" },
    { MANY, "one two", "2 one base=one rest1=two" },
    { "return { inputs = { 'rest...' }, " .. SHOW .. " }", "one two", "2 one rest1=one rest2=two" },
    { "return { " .. SHOW .. " }", "one two three", "3 one" },
  } do
    it(("%s are %s"):format(case[2], case[3]), function() assert.equal(case[3] .. "\n", printed(case[1], case[2]):gsub("\t", " ")) end)
  end

  it("are as many as the recipe says", function()
    check(TWO, "one -o out", 2, "the input 'donor' is missing\n  the recipe takes base, donor")
    check(TWO, "one two three -o out", 2, "there is no use for 'three'\n  the recipe takes base, donor")
    check(TWO, "donor=one donor=two -o out", 2, "the input 'donor' is given twice")
    check(MANY, "one -o out", 2, "the recipe takes one or more rest\n  the recipe takes base, rest...")
  end)

  it("with a = are paths where the recipe has no input of that name", function()
    gw.open(folder .. "/one"):save(folder .. "/lr=0.1")
    assert.equal("2 lr=0.1 base=lr=0.1 donor=two\n", printed(TWO, "lr=0.1 two"):gsub("\t", " "))
  end)

  it("are drafts of their own even for one checkpoint given twice", function()
    printed([[return { inputs = { "base", "donor" }, run = function(ckpt, _, inputs)
      inputs.donor:rename_scope("/", "copy/")
      ckpt:merge(inputs.donor)
    end }]], "one one")
    assert.equal("copy/one copy/shared one shared", names_of "out")
  end)
end)

describe("the library", function()
  it("has recipes that come with godwit, by name", function()
    local out, err, status = program.run("run", "rename_scope", scratch.DIGITS, "-o", folder .. "/out", "-p", "from=classifier/", "-p", "to=digits/")
    assert.equal(0, status, err)
    assert.matches("16 renamed", out, 1, true)
    assert.is_true(gw.open(folder .. "/out"):has "digits/dense/kernel")
  end)

  it("looks into the folders of GODWIT_PATH, in their order and first", function()
    for _, name in ipairs { "/lib1", "/lib2" } do
      program.shell("mkdir " .. program.quoted(folder .. name))
      scratch.write(folder .. name .. "/mine.lua", ("return function() print('%s') end"):format(name))
    end
    scratch.write(folder .. "/lib2/rename_scope.lua", "return function() print 'shadow' end")
    local path = ("GODWIT_PATH=%s/lib1:%s/lib2 "):format(folder, folder) .. program.quoted(program.PATH)
    local _, err = program.shell(path .. " run mine one -o out1", folder)
    assert.matches("^godwit: the recipe 'mine' is in two folders of GODWIT_PATH: [^\n]*/lib1/mine.lua is used, [^\n]*/lib2/mine.lua is not\n/lib1\n$", err)
    _, err = program.shell(path .. " run rename_scope one -o out2", folder)
    assert.equal("shadow\n", err)
  end)

  it("is not searched for what is a path", function()
    scratch.write(folder .. "/rename_scope", "return function() print 'a file' end")
    local _, err = program.shell(program.quoted(program.PATH) .. " run ./rename_scope one -o out", folder)
    assert.equal("a file\n", err)
  end)
end)

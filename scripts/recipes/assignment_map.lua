-- tf.compat.v1.train.init_from_checkpoint, written to a file.

--- "from=to" of the parameter, split at the first '='.
local function read_list(list, rules)
  for _, item in ipairs(list) do
    local from, to = item:match "^([^=]+)=(.+)$"
    if not from then error(("map: '%s' is not FROM=TO"):format(item), 0) end
    rules[#rules + 1] = { from, to }
  end
end

--- "from to" on a line, or "from part part ..."; lines that begin with # are comments.
local function read_file(file, rules)
  local number = 0
  for line in file:lines() do
    number = number + 1
    local names = {}
    for name in line:gmatch "%S+" do names[#names + 1] = name end
    if #names > 0 and not names[1]:find "^#" then
      if #names == 1 then error(("%s:%d: '%s' goes nowhere: a line is FROM TO, or FROM and the names of parts"):format(file.name, number, names[1]), 0) end
      rules[#rules + 1] = { table.remove(names, 1), names }
    end
  end
end

return {
  name = "assignment_map", version = "1.0", godwit = "1",
  summary = "A model's variables take over another checkpoint's by an assignment map",
  description = [[What tf.compat.v1.train.init_from_checkpoint does to a model's variables, done to its checkpoint: the first input is a
checkpoint of the model, the second gives the values. A rule is FROM=TO, from a name or scope of the source to one of the model;
"/" is the root. A variable may be stored in parts (NAME/part_0, ...) on either side. The file has a rule on each line, FROM TO.]],
  examples = {
    "godwit run assignment_map fresh/model.ckpt-0 bert/model.ckpt -o out/model.ckpt-0 -p map=bert/=encoder/",
    "godwit run assignment_map fresh/model.ckpt-0 source=old/ -o out/model.ckpt-0 -p file=@map.txt -p optional=true",
  },
  inputs = { "model", "source" },
  params = {
    map = { type = "list", default = {}, help = "rules FROM=TO: 'old/=new/,global_step=step'" },
    file = { type = "file", help = "rules, FROM TO on each line" },
    optional = { type = "boolean", default = false, help = "true keeps the model's value where the source has none" },
  },
  run = function(model, p, inputs)
    local rules = {}
    read_list(p.map, rules)
    if p.file then read_file(p.file, rules) end
    if #rules == 0 then error("there is no rule: give them with -p map=FROM=TO or -p file=@FILE", 0) end
    model:assign(inputs.source, rules, { optional = p.optional })
  end,
  tests = { {
    name = "a scope is filled from another one",
    input = function()
      return gw.variables { ["new/x"] = gw.scalar(0.0), y = gw.scalar(2.0) }, gw.variables { ["old/x"] = gw.scalar(1.0), y = gw.scalar(3.0) }
    end,
    params = { map = { "old/=new/" } },
    output = function() return gw.variables { ["new/x"] = gw.scalar(1.0), y = gw.scalar(2.0) } end,
    plan = { computed = 0, renamed = 1, unchanged = 1 },
  }, {
    name = "several rules, one name from another; a name behind = may have a = in it",
    input = function()
      return gw.variables { a = gw.scalar(0.0), ["b=c"] = gw.scalar(0.0), ["s/w"] = gw.scalar(0.0) },
        gw.variables { x = gw.scalar(1.0), y = gw.scalar(2.0), w = gw.scalar(3.0) }
    end,
    params = { map = { "x=a", "y=b=c", "/=s/" } },
    output = function() return gw.variables { a = gw.scalar(1.0), ["b=c"] = gw.scalar(2.0), ["s/w"] = gw.scalar(3.0) } end,
  }, {
    name = "rules in a file, with comments and empty lines; parts of a variable; scopes",
    input = function()
      return gw.variables {
        a = gw.scalar(0.0), b = gw.scalar(0.0), ["new/z"] = gw.scalar(0.0), ["t/part_0"] = gw.zeros { 2 }, ["t/part_1"] = gw.zeros { 1 },
      }, gw.variables { x = gw.scalar(1.0), y = gw.scalar(2.0), ["old/z"] = gw.scalar(4.0), t = gw.tensor { 1.0, 2.0, 3.0 } }
    end,
    params = { map = { "y=b" }, file = "# old names, new names\n\nx\ta\nold/ new/\n  t t/part_0 t/part_1\n#y a\n" },
    output = function()
      return gw.variables {
        a = gw.scalar(1.0), b = gw.scalar(2.0), ["new/z"] = gw.scalar(4.0), ["t/part_0"] = gw.tensor { 1.0, 2.0 }, ["t/part_1"] = gw.tensor { 3.0 },
      }
    end,
  }, {
    name = "what the source lacks keeps the model's value when that is asked for",
    input = function()
      return gw.variables { ["new/x"] = gw.scalar(0.0), ["new/z"] = gw.scalar(5.0) }, gw.variables { ["old/x"] = gw.scalar(1.0) }
    end,
    params = { map = { "old/=new/" }, optional = true },
    output = function() return gw.variables { ["new/x"] = gw.scalar(1.0), ["new/z"] = gw.scalar(5.0) } end,
  }, {
    name = "and is a mistake when it is not",
    input = function()
      return gw.variables { ["new/x"] = gw.scalar(0.0), ["new/z"] = gw.scalar(5.0) }, gw.variables { ["old/x"] = gw.scalar(1.0) }
    end,
    params = { map = { "old/=new/" } },
    fails = "old/z",
  }, {
    name = "another shape",
    input = function() return gw.variables { x = gw.zeros { 2 } }, gw.variables { x = gw.zeros { 3 } } end,
    params = { map = { "x=x" } },
    fails = "float32[3]",
  }, {
    name = "no rule",
    input = function() return gw.variables { x = gw.scalar(0.0) }, gw.variables { x = gw.scalar(1.0) } end,
    fails = "there is no rule: give them with -p map=FROM=TO or -p file=@FILE",
  }, {
    name = "a file without a rule is none, too",
    input = function() return gw.variables { x = gw.scalar(0.0) }, gw.variables { x = gw.scalar(1.0) } end,
    params = { file = "# x x\n" },
    fails = "there is no rule",
  }, {
    name = "a rule without =",
    input = function() return gw.variables { x = gw.scalar(0.0) }, gw.variables { x = gw.scalar(1.0) } end,
    params = { map = { "x=x", "x" } },
    fails = "map: 'x' is not FROM=TO",
  }, {
    name = "a line that goes nowhere, with its number",
    input = function() return gw.variables { x = gw.scalar(0.0) }, gw.variables { x = gw.scalar(1.0) } end,
    params = { file = "x x\n\ny\n" },
    fails = "file:3: 'y' goes nowhere: a line is FROM TO, or FROM and the names of parts",
  } },
}

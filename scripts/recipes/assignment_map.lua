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
    if #names > 0 and names[1]:sub(1, 1) ~= "#" then
      if #names == 1 then error(("%s:%d: '%s' goes nowhere: a line is FROM TO, or FROM and the names of parts"):format(file.name, number, names[1]), 0) end
      rules[#rules + 1] = { table.remove(names, 1), #names == 1 and names[1] or names }
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
    input = function() return gw.variables { ["new/x"] = gw.scalar(0.0), y = gw.scalar(2.0) }, gw.variables { ["old/x"] = gw.scalar(1.0) } end,
    params = { map = { "old/=new/" } },
    expect = function(out) assert(out.vars["new/x"]:value() == 1 and out.vars.y:value() == 2) end,
  } },
}

local SHOWN = 3

--- A scope as an expression: its characters, at the beginning of the name.
local function of_scope(scope)
  if scope:sub(-1) ~= "/" then scope = scope .. "/" end
  return "^" .. scope:gsub("[%^%$%.%[%]%(%)%|%*%+%?%{%}\\]", "\\%0")
end

--- {name =, pattern =} for each part, in the order in which they were given.
local function parts_of(p)
  local parts, seen = {}, {}
  local function add(name, pattern, text, scope)
    if not name:match "^[%a_][%w_]*$" then
      error(("'%s': an output's name is a word (letters, digits and _); say which, as in NAME=%s"):format(text, text), 0)
    end
    if seen[name] then error(("two parts are called '%s'"):format(name), 0) end
    if pattern == "" then error(("'%s': nothing is said of what the part has"):format(text), 0) end
    seen[name] = true
    parts[#parts + 1] = { name = name, pattern = pattern, scope = scope }
  end
  for _, text in ipairs(p.scopes) do
    local name, scope = text:match "^([^=]*)=(.*)$"
    scope = scope or text
    add(name or scope:match "([^/]*)/*$", scope ~= "" and of_scope(scope) or "", text, scope:match "^(.-)/*$")
  end
  for _, text in ipairs(p.patterns) do
    local name, pattern = text:match "^([^=]*)=(.*)$"
    if not name then error(("patterns: '%s' is not NAME=REGEX"):format(text), 0) end
    add(name, pattern, text)
  end
  if #parts == 0 then error("give the parts with -p scopes=encoder,decoder or -p patterns=NAME=REGEX,...", 0) end
  if p.rest and (seen[p.rest] or not p.rest:match "^[%a_][%w_]*$") then
    error(("rest: '%s' is %s"):format(p.rest, seen[p.rest] and "a part already" or "no word, and an output's name is one"), 0)
  end
  return parts
end

local function quoted(names)
  local shown = {}
  for i = 1, math.min(SHOWN, #names) do shown[i] = ('"%s"'):format(names[i]) end
  return table.concat(shown, ", ") .. (#names > SHOWN and (" and %d more"):format(#names - SHOWN) or "")
end

local ALL = { name = "shared" } -- the owner of what every part gets

--- name -> the part that takes it. A save_counter is every Checkpoint's own.
local function owners_of(ckpt, parts, p)
  local owners = {}
  for name in ckpt:each { role = "counter" } do owners[name] = ALL end
  if p.shared then
    local any = false
    for name in ckpt:each(p.shared) do owners[name], any = ALL, true end
    if not any then error(("shared: nothing matches '%s'"):format(p.shared), 0) end
  end
  for _, part in ipairs(parts) do
    local any = false
    for name in ckpt:each(part.pattern) do
      local other = owners[name]
      if other and other ~= ALL then
        error(("\"%s\" would be in '%s' and in '%s': make them distinct, or give it to all with -p shared=REGEX"):format(name, other.name, part.name), 0)
      elseif other and p.rest and ckpt.kind == "objects" then
        error(("\"%s\" is shared and in '%s', which rest cannot tell apart in an object graph: make them distinct"):format(name, part.name), 0)
      end
      owners[name], any = other or part, true
    end
    if not any then error(("nothing is in the part '%s': no name matches '%s'"):format(part.name, part.pattern), 0) end
  end
  return owners
end

local function check_rest(ckpt, owners, p)
  local nobody = {}
  for name in ckpt:each() do
    if not owners[name] then nobody[#nobody + 1] = name end
  end
  if #nobody == 0 and p.rest then error(("nothing is left for '%s'"):format(p.rest), 0) end
  if #nobody == 0 or p.rest or p.drop_rest then return end
  error(("no part takes %s: give them to all with -p shared=REGEX, to one more output with -p rest=NAME, or leave them out with -p drop_rest=true")
    :format(quoted(nobody)), 0)
end

--- The part alone; without `part`, what no part takes.
local function names_of(ckpt, owners, part)
  local out = ckpt:copy()
  for name in ckpt:each() do
    local owner = owners[name]
    if owner ~= ALL and owner ~= part then out.vars[name] = nil end
  end
  return out
end

--- Checkpoint(scope=object): the object with all that hangs below it, and nothing else that refers to it.
local function object_at(ckpt, scope)
  local tree = gw.graph.find(ckpt.root, scope)
  local parts = {}
  for part in scope:gmatch "[^/]+" do table.insert(parts, 1, gw.graph.unescape(part)) end
  for _, part in ipairs(parts) do tree = { [part] = tree } end
  local out = gw.objects(tree)
  if gw.graph.has(ckpt.root, "save_counter") then out.root.save_counter = ckpt.root.save_counter end
  return out
end

local function objects_of(ckpt, p, parts, part)
  if part and part.scope and not p.shared then return object_at(ckpt, part.scope) end
  local out, patterns = ckpt:copy(), {}
  if part then
    patterns = { part.pattern, p.shared }
    if gw.graph.has(ckpt.root, "save_counter") then patterns[#patterns + 1] = "^save_counter$" end
    out:keep_only(patterns)
  else
    for i, other in ipairs(parts) do patterns[i] = other.pattern end
    out:drop(patterns)
  end
  return out
end

return {
  name = "split", version = "1.0", godwit = "1",
  summary = "One checkpoint becomes several, by scopes or patterns",
  description = [[Each part is an output of its own: -o NAME=PREFIX. A scope's last part is its output's name, unless NAME=SCOPE says another.
What two parts would take is an error, and so is what none takes, unless it goes to all (shared), to an output of its own
(rest), or is left out (drop_rest). Names stay as they are. Object-based: a scope is the path of an object, which goes with
all that hangs below it; a variable's slots go where both it and its optimizer go; every part keeps the save_counter.]],
  examples = {
    "godwit run split examples/data/bert-tiny.ckpt-20 -p scopes=bert/encoder -p rest=others -o encoder=out/encoder -o others=out/others",
    "godwit run split model.ckpt-9 -p patterns='low=layer_[0-5]/,high=layer_[6-9]/' -p shared=global_step -p drop_rest=true -o low=out/low -o high=out/high",
  },
  inputs = { "checkpoint" },
  params = {
    scopes = { type = "list", default = {}, help = "scopes, or NAME=SCOPE: each is a part" },
    patterns = { type = "list", default = {}, help = "NAME=REGEX: each is a part" },
    shared = { type = "string", help = "a regular expression of what every part gets" },
    rest = { type = "string", help = "the output that gets what no part takes; without it that is an error" },
    drop_rest = { type = "boolean", default = false, help = "leave out what no part takes" },
  },
  detect = function(ckpt)
    local scopes, seen = {}, {}
    for name in (ckpt.kind == "objects" and gw.graph.walk(ckpt.root) or ckpt:each()) do
      local scope = name:match "^([^/]+)/"
      if scope and not seen[scope] then scopes[#scopes + 1], seen[scope] = scope, true end
    end
    return #scopes > 1, ("it has several scopes: %s"):format(table.concat(scopes, ", ", 1, math.min(SHOWN, #scopes)))
  end,
  run = function(ckpt, p)
    if p.rest and p.drop_rest then error("what no part takes goes to `rest` or is dropped: give only one of them", 0) end
    local parts = parts_of(p)
    local owners, outputs = owners_of(ckpt, parts, p), {}
    check_rest(ckpt, owners, p)
    local function add(name, part)
      outputs[name] = ckpt.kind == "objects" and objects_of(ckpt, p, parts, part) or names_of(ckpt, owners, part)
    end
    for _, part in ipairs(parts) do add(part.name, part) end
    if p.rest then add(p.rest, nil) end
    return outputs
  end,
  tests = { {
    name = "each scope is an output, all get what is shared",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), ["b/w"] = gw.scalar(2.0), ["ab/w"] = gw.scalar(4.0), step = gw.scalar(3, "int64") } end,
    params = { scopes = { "a", "other=b/", "ab" }, shared = "^step$" },
    output = function()
      return {
        a = gw.variables { ["a/w"] = gw.scalar(1.0), step = gw.scalar(3, "int64") },
        other = gw.variables { ["b/w"] = gw.scalar(2.0), step = gw.scalar(3, "int64") },
        ab = gw.variables { ["ab/w"] = gw.scalar(4.0), step = gw.scalar(3, "int64") },
      }
    end,
    detects = "it has several scopes: a, ab, b",
  }, {
    name = "patterns, and the rest",
    input = function() return gw.variables { l0 = gw.scalar(0.0), l1 = gw.scalar(1.0), l7 = gw.scalar(7.0), x = gw.scalar(9.0) } end,
    params = { patterns = { "low=l[01]", "high=l7" }, rest = "others" },
    output = function()
      return {
        low = gw.variables { l0 = gw.scalar(0.0), l1 = gw.scalar(1.0) }, high = gw.variables { l7 = gw.scalar(7.0) },
        others = gw.variables { x = gw.scalar(9.0) },
      }
    end,
    detects = false,
  }, {
    name = "a scope and a pattern; what nobody takes goes; scopes are no patterns",
    input = function() return gw.variables { ["m/a.b/w"] = gw.scalar(1.0), ["m/acb/w"] = gw.scalar(2.0), v = gw.scalar(3.0) } end,
    params = { scopes = { "x=m/a.b" }, patterns = { "y=^v" }, drop_rest = true },
    output = function() return { x = gw.variables { ["m/a.b/w"] = gw.scalar(1.0) }, y = gw.variables { v = gw.scalar(3.0) } } end,
    detects = false,
  }, {
    name = "what is shared may lie in a part's scope",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), ["b/w"] = gw.scalar(2.0), ["a/s"] = gw.scalar(3.0) } end,
    params = { scopes = { "a", "b" }, shared = "s$" },
    output = function()
      return {
        a = gw.variables { ["a/w"] = gw.scalar(1.0), ["a/s"] = gw.scalar(3.0) }, b = gw.variables { ["b/w"] = gw.scalar(2.0), ["a/s"] = gw.scalar(3.0) },
      }
    end,
  }, {
    name = "objects go with all that hangs below them, each with the counter",
    input = function() return gw.objects({ m = { a = { w = gw.scalar(1.0) }, b = { v = gw.scalar(2.0) } }, c = gw.scalar(3.0) }, { save_counter = 5 }) end,
    params = { scopes = { "m/a", "m/b" }, rest = "others" },
    output = function()
      return {
        a = gw.objects({ m = { a = { w = gw.scalar(1.0) } } }, { save_counter = 5 }),
        b = gw.objects({ m = { b = { v = gw.scalar(2.0) } } }, { save_counter = 5 }),
        others = gw.objects({ c = gw.scalar(3.0) }, { save_counter = 5 }),
      }
    end,
    detects = false,
  }, {
    name = "objects by patterns, with what is shared",
    input = function() return gw.objects { a = { w = gw.scalar(1.0) }, b = { w = gw.scalar(2.0) }, step = gw.scalar(3), z = gw.scalar(4) } end,
    params = { scopes = { "a" }, patterns = { "other=^b/" }, shared = "^step$", drop_rest = true },
    output = function()
      return { a = gw.objects { a = { w = gw.scalar(1.0) }, step = gw.scalar(3) }, other = gw.objects { b = { w = gw.scalar(2.0) }, step = gw.scalar(3) } }
    end,
    detects = true,
  }, {
    name = "an object's own name in its path",
    input = function() return gw.objects({ ["x/y"] = { w = gw.scalar(1.0) }, b = { w = gw.scalar(2.0) } }, { save_counter = 5 }) end,
    params = { scopes = { "x=x.Sy" }, patterns = { "b=^b/" } },
    output = function()
      return {
        x = gw.objects({ ["x/y"] = { w = gw.scalar(1.0) } }, { save_counter = 5 }), b = gw.objects({ b = { w = gw.scalar(2.0) } }, { save_counter = 5 }),
      }
    end,
  }, {
    name = "nothing else that refers to the object goes with it",
    input = function()
      local w = gw.variable(gw.scalar(1.0))
      return gw.objects { a = { w = w }, b = { again = w, v = gw.scalar(2.0) } }
    end,
    params = { scopes = { "a" }, drop_rest = true },
    output = function() return { a = gw.objects { a = { w = gw.scalar(1.0) } } } end,
  }, {
    name = "no parts",
    input = function() return gw.variables { a = gw.scalar(1.0) } end,
    fails = "give the parts with -p scopes=encoder,decoder or -p patterns=NAME=REGEX",
  }, {
    name = "two parts of one name",
    input = function() return gw.variables { ["a/x/w"] = gw.scalar(1.0), ["b/x/w"] = gw.scalar(1.0) } end,
    params = { scopes = { "a/x", "b/x/" } },
    fails = "two parts are called 'x'",
  }, {
    name = "a part's name is a word",
    input = function() return gw.variables { ["a-b/w"] = gw.scalar(1.0) } end,
    params = { scopes = { "a-b" } },
    fails = "'a-b': an output's name is a word (letters, digits and _); say which, as in NAME=a-b",
  }, {
    name = "a part without a scope",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0) } end,
    params = { scopes = { "x=" } },
    fails = "'x=': nothing is said of what the part has",
  }, {
    name = "a pattern without a name",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0) } end,
    params = { patterns = { "a/" } },
    fails = "patterns: 'a/' is not NAME=REGEX",
  }, {
    name = "a tensor in two parts",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), b = gw.scalar(1.0) } end,
    params = { patterns = { "one=a", "two=w|b" } },
    fails = "\"a/w\" would be in 'one' and in 'two'",
  }, {
    name = "tensors in no part",
    input = function()
      local vars = { ["a/w"] = gw.scalar(1.0) }
      for i = 1, 5 do vars["v" .. i] = gw.scalar(i) end
      return gw.variables(vars)
    end,
    params = { scopes = { "a" } },
    fails = "no part takes \"v1\", \"v2\", \"v3\" and 2 more: give them to all",
  }, {
    name = "as many as are shown",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), v1 = gw.scalar(1), v2 = gw.scalar(1), v3 = gw.scalar(1) } end,
    params = { scopes = { "a" } },
    fails = "no part takes \"v1\", \"v2\", \"v3\": give them to all",
  }, {
    name = "an empty part",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0) } end,
    params = { scopes = { "a", "c" } },
    fails = "nothing is in the part 'c': no name matches '^c/'",
  }, {
    name = "nothing is shared",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0) } end,
    params = { scopes = { "a" }, shared = "s" },
    fails = "shared: nothing matches 's'",
  }, {
    name = "the rest is empty",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0) } end,
    params = { scopes = { "a" }, rest = "others" },
    fails = "nothing is left for 'others'",
  }, {
    name = "the rest has a name of its own",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), b = gw.scalar(1) } end,
    params = { scopes = { "a" }, rest = "a" },
    fails = "rest: 'a' is a part already",
  }, {
    name = "and that is a word",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), b = gw.scalar(1) } end,
    params = { scopes = { "a" }, rest = "out/b" },
    fails = "rest: 'out/b' is no word",
  }, {
    name = "the rest is kept or dropped",
    input = function() return gw.variables { ["a/w"] = gw.scalar(1.0), b = gw.scalar(1) } end,
    params = { scopes = { "a" }, rest = "b", drop_rest = true },
    fails = "what no part takes goes to `rest` or is dropped",
  }, {
    name = "what is shared and in a part has no place in an object graph's rest",
    input = function() return gw.objects { a = { w = gw.scalar(1.0), s = gw.scalar(2) }, b = gw.scalar(3) } end,
    params = { scopes = { "a" }, shared = "a/s", rest = "others" },
    fails = "is shared and in 'a', which rest cannot tell apart in an object graph",
  } },
}

-- godwit lineage PREFIX

local core = require "godwit.core"
local lineage = require "godwit.lineage"
local origin = require "godwit.origin"
local plan = require "godwit.commands.plan"
local plural = require "godwit.plural"
local terminal = require "godwit.terminal"

local command = { summary = "show what a checkpoint was made from, if it was written down" }

function command.parser(argparse)
  local parser = argparse("godwit lineage", command.summary)
  parser:argument("prefix", "a checkpoint that was written with --lineage"):argname("PREFIX")
  parser:mutex(
    parser:flag("--recipe", "print the text of the recipe that made it"),
    parser:flag("--json", "print JSON: what PREFIX.godwit.json says"),
    parser:flag("-q --quiet", "print nothing; the exit code answers"))
  return parser
end

local function short(sha256) return ("sha256 %s"):format(sha256:sub(1, 12)) end

local function when(text) return (text:gsub("T", " "):gsub("Z$", " UTC")) end

local function recipe_text(recipe)
  if not recipe.name then return "-e '" .. (recipe.text or ""):gsub("'", "'\\''") .. "'" end
  local parts = { recipe.name .. (recipe.version and " " .. recipe.version or "") }
  if recipe.file and recipe.file ~= recipe.name then parts[#parts + 1] = recipe.file end
  parts[#parts + 1] = short(recipe.sha256)
  return table.concat(parts, " · ")
end

local function parameter_text(value)
  if type(value) == "table" and type(value.file) == "string" and type(value.sha256) == "string" then
    return ("@%s (%s)"):format(value.file, short(value.sha256))
  end
  return type(value) == "string" and value or core.json(value)
end

local function input_text(input)
  local index = input.index[1]
  local facts = { (input.name and input.name .. "=" or "") .. input.path }
  if input.kind and input.tensors then
    facts[#facts + 1] = input.kind == "objects" and "object-based" or "name-based"
    facts[#facts + 1] = plural(input.tensors, "tensor")
  end
  if index and index.sha256 then facts[#facts + 1] = short(index.sha256) end
  return table.concat(facts, " · ")
end

--- `indent`: of what is said of the checkpoint, under its own line. Lineages nest no deeper than JSON may.
local function print_document(document, indent)
  local function line(label, text) io.stdout:write(indent, ("%-8s"):format(label), core.printable(text), "\n") end
  line("written", ("%s by godwit %s"):format(when(document.written), document.godwit))
  line("recipe", recipe_text(document.recipe))
  for _, field in ipairs(document.parameters) do
    if type(field) == "table" and type(field[1]) == "string" and field[2] ~= nil then line("-p", ("%s=%s"):format(field[1], parameter_text(field[2]))) end
  end
  line("plan", plan.counts(document.plan))
  for i, input in ipairs(document.inputs) do
    line(i == 1 and "from" or "and", input_text(input))
    if input.lineage then print_document(input.lineage, indent .. (" "):rep(8)) end
  end
end

local function no_lineage(prefix)
  core.fail {
    class = "answer", file = lineage.path(prefix), what = "is not there: nothing says where this checkpoint comes from",
    hint = "`godwit run ... --lineage` writes it",
  }
end

--- The recipe as it was, to the byte: a `.lua` file of it has the SHA-256 that the lineage says.
local function print_recipe(prefix, recipe)
  if not recipe.text then
    core.fail {
      class = "answer", file = lineage.path(prefix), what = "does not have the recipe's text, which was too long to be kept",
      hint = ("it was %s, %s"):format(core.printable(recipe.name or "-e"), "sha256 " .. core.printable(recipe.sha256)),
    }
  end
  io.stdout:write(recipe.text, recipe.text:sub(-1) ~= "\n" and not recipe.name and "\n" or "")
end

function command.run(values)
  local prefix, note = core.locate(values.prefix)
  if note and not values.quiet then terminal.note(note) end
  local document = lineage.read(prefix)
  if not document then no_lineage(prefix) end
  local fits = lineage.is_about(document, origin.index(core.open(prefix)))
  if values.quiet then return fits and 0 or 1 end
  if values.recipe then
    print_recipe(prefix, document.recipe)
  elseif values.json then
    io.stdout:write(core.json(document, 2), "\n")
  else
    io.stdout:write(core.printable(prefix), "\n")
    print_document(document, "  ")
  end
  if not fits then
    core.fail {
      class = "answer", file = lineage.path(prefix), what = "is about another checkpoint than the one that is here: it was replaced or changed since",
    }
  end
  return 0
end

return command

-- What goes wrong, as a table with class, what, message, hint; and as the JSON that --json promises for it.

local core = require "godwit.core"

local problem = {}

--- For xpcall: every error as a table.
function problem.normal(raised)
  if type(raised) == "table" then return raised end
  -- A plain text is a mistake of ours: recipes' own errors come through guest.lua with a class.
  return { class = "internal", what = tostring(raised), message = tostring(raised), trace = debug.traceback("", 2) }
end

--- pcall with errors as tables, through which Ctrl-C goes.
function problem.try(fn, ...)
  local results = table.pack(xpcall(fn, problem.normal, ...))
  if not results[1] and results[2].class == "interrupted" then error(results[2], 0) end
  return table.unpack(results, 1, results.n)
end

--- The value of the field "error".
function problem.json(found)
  local fields = {}
  for _, field in ipairs { "class", "what", "file", "key", "offset", "line", "hint" } do fields[#fields + 1] = { field, found[field] } end
  return core.json(core.object(fields))
end

return problem

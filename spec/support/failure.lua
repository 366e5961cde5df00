-- Calls a function that should fail and gives what it raised, as a table: class, what, line, file, key, hint, message. A
-- plain text becomes one too, its position the line, as recipes' errors do on their way out.

return function(fn, ...)
  local ok, raised = pcall(fn, ...)
  if ok then error("nothing was raised", 2) end
  if type(raised) == "table" then return raised end
  local line, what = tostring(raised):match("^([^\n]-:%d+): (.*)$")
  return { line = line, what = what or raised, message = raised }
end

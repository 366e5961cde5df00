-- What Lua's own message leaves unsaid to who writes Python all day: a hint, or nil. Recipes and the REPL ask here.

local core = require "godwit.core"

local HINTS = {
  { "^invalid escape sequence", [==[a regular expression goes into long brackets, where a backslash is one: [[layer_(\d+)/]]]==] },
  { "near '!'$", "not equal is ~=" },
  { "^'then' expected near", "if x then ... elseif y then ... else ... end, without colons" },
  { "^'do' expected near", "for name, t in ckpt:each() do ... end, while x do ... end, without colons" },
  { "^syntax error near '[-+*/]'$", "there is no +=: x = x + 1" },
  { "^unexpected symbol near '%['$", "a list is { 1, 2 }" },
  { "^'}' expected near ':'$", "a dictionary is { name = 1, [\"other/name\"] = 2 }" },
  { "^unexpected symbol near '#'$", "a comment begins with --" },
  { "^attempt to add a 'string'", "texts are joined by .." },
  { "^attempt to call a nil value %(global 'len'%)$", "#x is the length of x" },
  { "^attempt to call a godwit%.Vars value", "for name, t in ckpt:each() do ... end" },
}

return function(what)
  for _, hint in ipairs(HINTS) do
    if what:find(hint[1]) then return hint[2] end
  end
  local method = what:match "^bad argument #1 to '([%w_]+)' %(a tensor expected"
  if method and core.tensor_methods[method] then return ("a method is called with a colon: t:%s(...)"):format(method) end
  return nil
end

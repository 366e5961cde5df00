-- The names of all commands, in the order of `godwit help`; each is the module of its name in this folder. `hidden` are those
-- that other programs call: help explains them, and does not list them.

return { "inspect", "graph", "run", "plan", "restore", "check", "diff", "verify", "lineage", "recipes", "test", "repl", "help", hidden = { "complete" } }

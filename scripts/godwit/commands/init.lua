-- The names of all commands, in the order of `godwit help`; each is the module of its name in this folder.

return { "inspect", "graph", "run", "plan", "restore", "check", "diff", "verify", "lineage", "recipes", "test", "repl", "help" }

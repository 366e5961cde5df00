-- Renames by a list that somebody else keeps: a text file with an old and a new name in each line. Slots follow their
-- variables. A name that is not in the checkpoint is an error, so that a list for another model does not pass unnoticed.
--
--   godwit run examples/rename_from_file.lua examples/data/bert-tiny.ckpt-20 -p names=@examples/data/bert-names.txt -o out/bert-tiny
return {
  name = "rename_from_file", version = "1.0", godwit = "1",
  summary = "Renames by a file with two columns",
  inputs = { "checkpoint" },
  params = {
    names = { type = "file", required = true, help = "lines with an old and a new name; # begins a comment" },
  },
  run = function(ckpt, p)
    local names, number = {}, 0
    for line in p.names:lines() do
      number = number + 1
      local old, new = gw.match(line, [[^(\S+)\s+(\S+)\s*$]])
      local blank = gw.match(line, [[^\s*(#.*)?$]])
      if not old and not blank then error(("%s:%d: neither two names nor a comment"):format(p.names.name, number), 0) end
      if old and not gw.match(old, "^#") then
        for slot in pairs(ckpt:slots(old)) do names[old .. "/" .. slot] = new .. "/" .. slot end
        names[old] = new
      end
    end
    ckpt:rename(names)
  end,
}

-- A trained checkpoint for a vocabulary that changed: no other checkpoint is needed.

return {
  name = "update_vocab", version = "1.0", godwit = "1",
  summary = "Rows and columns follow a vocabulary that changed, optimizer slots included",
  description = [[Variables in `rows` and `cols` have a row or a column for each token of the old vocabulary, and get one for each of the new one:
those of the same token, or new ones. Slots and moving averages go along. Vocabularies are text files with a token on each line.]],
  examples = { "godwit run update_vocab model.ckpt-9 -o out/model.ckpt-9 -p rows=encoder/emb,decoder/emb -p new_vocab=@new.txt -p old_vocab=@old.txt" },
  inputs = { "checkpoint" },
  params = {
    rows = { type = "list", default = {}, help = "variables with a row for each token" },
    cols = { type = "list", default = {}, help = "variables with a column for each token" },
    new_vocab = { type = "file", required = true, help = "the vocabulary from now on" },
    old_vocab = { type = "file", required = true, help = "the vocabulary so far" },
    num_oov_buckets = { type = "integer", default = 0, help = "rows or columns behind the new vocabulary's" },
    backup = { type = "number", default = 0, help = "what new tokens start with" },
    with_slots = { type = "boolean", default = true, help = "false leaves slots and moving averages as they are" },
  },
  run = function(ckpt, p)
    if #p.rows + #p.cols == 0 then error("no variable that has the vocabulary: -p rows=NAME, -p cols=NAME", 0) end
    local new, old = gw.vocab(p.new_vocab), gw.vocab(p.old_vocab)
    for axis, names in ipairs { p.rows, p.cols } do
      local info = #names > 0 and gw.vocab_info {
        new_vocab = new, old_vocab = old, num_oov_buckets = p.num_oov_buckets, backup = p.backup, axis = axis - 1,
      }
      for _, name in ipairs(names) do
        ckpt:remap(name, info, { with_slots = p.with_slots })
        print(("%s · %d tokens kept, %d new, %d lost"):format(name, info.kept, info.new, info.lost))
      end
    end
  end,
  tests = { {
    name = "rows and slots follow the tokens, a new token starts with backup, its slot with 0",
    input = function()
      local rows = gw.tensor({ { 1, 1 }, { 2, 2 }, { 3, 3 } }, "float32")
      return gw.variables { emb = rows, ["emb/Adam"] = rows, bias = gw.tensor({ 7, 8 }, "float32") }
    end,
    params = { rows = { "emb" }, old_vocab = "a\nb\nc\n", new_vocab = "c\na\nd\n", backup = 9 },
    output = function()
      return gw.variables {
        emb = gw.tensor({ { 3, 3 }, { 1, 1 }, { 9, 9 } }, "float32"), ["emb/Adam"] = gw.tensor({ { 3, 3 }, { 1, 1 }, { 0, 0 } }, "float32"),
        bias = gw.tensor({ 7, 8 }, "float32"),
      }
    end,
    prints = "emb · 2 tokens kept, 1 new, 1 lost",
  }, {
    name = "columns, without slots, with a bucket",
    input = function() return gw.variables { out = gw.tensor({ { 1, 2 } }, "float32"), ["out/Adam"] = gw.tensor({ { 5, 6 } }, "float32") } end,
    params = { cols = { "out" }, old_vocab = "a\nb\n", new_vocab = "b\na\n", num_oov_buckets = 1, with_slots = false },
    output = function() return gw.variables { out = gw.tensor({ { 2, 1, 0 } }, "float32"), ["out/Adam"] = gw.tensor({ { 5, 6 } }, "float32") } end,
  }, {
    name = "a token that the old vocabulary has twice",
    input = function() return gw.variables { emb = gw.zeros { 2, 1 } } end,
    params = { rows = { "emb" }, old_vocab = "a\na\n", new_vocab = "a\n" },
    fails = "twice",
  }, {
    name = "an old vocabulary that is not the variable's",
    input = function() return gw.variables { emb = gw.zeros { 2, 1 } } end,
    params = { rows = { "emb" }, old_vocab = "a\nb\nc\n", new_vocab = "c\n" },
    fails = "the old vocabulary is longer than the tensor: is it the right one?",
  }, {
    name = "a variable that is not there",
    input = function() return gw.variables { emb = gw.zeros { 1, 1 } } end,
    params = { rows = { "em" }, old_vocab = "a\n", new_vocab = "a\n" },
    fails = "there is no tensor \"em\"",
  }, {
    name = "no variable is named",
    input = function() return gw.variables { emb = gw.tensor({ { 1 } }, "float32") } end,
    params = { old_vocab = "a\n", new_vocab = "a\n" },
    fails = "no variable that has the vocabulary",
  } },
}

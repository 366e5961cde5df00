-- The fewest bytes that a slice of this tensor should have, by how TensorFlow's partitioners count them.
local function bytes_of(t) return t.dtype == "string" and 16 * t.size or t.nbytes end

return {
  name = "partition", version = "1.0", godwit = "1",
  summary = "Variables become partitioned variables of TF1",
  description = [[Stores the variables that the pattern finds in slices along an axis, as tf.compat.v1 stores partitioned variables: in the number
of parts, or as many as the axis has positions (fixed_size_partitioner). With min_slice_size only so many that a slice has so many bytes
(min_max_variable_partitioner). What is partitioned already is cut anew. Scalars, tensors without this axis, those without elements and those
whose slices do not cover them stay as they are.]],
  examples = {
    "godwit run partition model.ckpt-1000 -o out/model.ckpt-1000 -p which='embeddings$' -p parts=8",
    "godwit run partition model.ckpt-1000 -o out/model.ckpt-1000 -p which=. -p parts=16 -p min_slice_size=262144",
  },
  inputs = { "checkpoint" },
  params = {
    which = { type = "string", required = true, help = "a regular expression that the name has to match" },
    parts = { type = "integer", required = true, help = "how many slices, at most" },
    axis = { type = "integer", default = 0, help = "the axis that is cut, from 0" },
    min_slice_size = { type = "integer", default = 0, help = "the fewest bytes of a slice" },
  },
  run = function(ckpt, p)
    if p.parts < 1 or p.axis < 0 or p.min_slice_size < 0 then
      error("parts begins at 1, axis and min_slice_size at 0", 0)
    end
    local cut = 0
    ckpt:map(p.which, function(t)
      if t.rank <= p.axis or t.size == 0 or t.partial then return t end
      local parts = p.parts
      if p.min_slice_size > 0 then parts = math.max(1, math.min(parts, math.ceil(bytes_of(t) / p.min_slice_size))) end
      cut = cut + 1
      return t:partition(parts, p.axis)
    end)
    if cut == 0 then error(("none of the variables that match '%s' can be cut along axis %d"):format(p.which, p.axis), 0) end
  end,
  tests = { {
    name = "tables are cut, scalars are not",
    input = function() return gw.variables { table = gw.zeros { 10, 4 }, small = gw.zeros { 2 }, step = gw.scalar(1, "int64"), none = gw.zeros { 0 } } end,
    params = { which = ".", parts = 3 },
    expect = function(out)
      assert(out.vars.table.parts == 3 and out.vars.small.parts == 2 and out.vars.step.parts == 1 and out.vars.none.parts == 1)
    end,
  }, {
    name = "small variables stay whole, and a text counts as 16 bytes",
    input = function() return gw.variables { table = gw.zeros { 10, 4 }, small = gw.zeros { 2 }, texts = gw.strings { "a", "b", "c", "d", "e", "f", "g" } } end,
    params = { which = ".", parts = 8, min_slice_size = 50 },
    expect = function(out) assert(out.vars.table.parts == 4 and out.vars.small.parts == 1 and out.vars.texts.parts == 3) end,
  }, {
    name = "as many parts as are wanted, along another axis",
    input = function() return gw.variables { table = gw.zeros { 2, 6 }, other = gw.zeros { 2, 6 }, flat = gw.zeros { 6 } } end,
    params = { which = "table|flat", parts = 3, axis = 1, min_slice_size = 1 },
    expect = function(out) assert(out.vars.table.parts == 3 and out.vars.other.parts == 1 and out.vars.flat.parts == 1) end,
  }, {
    name = "one part is a way to say whole",
    input = function() return gw.variables { table = gw.zeros({ 2, 6 }):partition(2) } end,
    params = { which = ".", parts = 1 },
    expect = function(out) assert(out.vars.table.parts == 1) end,
  }, {
    name = "nothing to cut",
    input = function() return gw.variables { a = gw.scalar(1) } end,
    params = { which = "a", parts = 2 },
    fails = "none of the variables that match 'a' can be cut along axis 0",
  }, {
    name = "no parts",
    input = function() return gw.variables { a = gw.zeros { 2 } } end,
    params = { which = "a", parts = 0 },
    fails = "parts begins at 1, axis and min_slice_size at 0",
  }, {
    name = "an axis before the first",
    input = function() return gw.variables { a = gw.zeros { 2 } } end,
    params = { which = "a", parts = 2, axis = -1 },
    fails = "parts begins at 1, axis and min_slice_size at 0",
  }, {
    name = "less than nothing",
    input = function() return gw.variables { a = gw.zeros { 2 } } end,
    params = { which = "a", parts = 2, min_slice_size = -1 },
    fails = "parts begins at 1, axis and min_slice_size at 0",
  } },
}

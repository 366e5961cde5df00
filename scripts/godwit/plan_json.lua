-- Plans as JSON: printed by plan and run, saved by `plan --save`.

local core = require "godwit.core"

local plan_json = {}

--- Bytes of all outputs together.
function plan_json.sum(compiled)
  local sum = { bytes_computed = 0, bytes_moved = 0, bytes_shared = 0, bytes_unverified = 0 }
  for _, output in ipairs(compiled) do
    local totals = output.plan:totals()
    for field in pairs(sum) do sum[field] = sum[field] + totals[field] end
  end
  return sum
end

local function slices_json(slices)
  local list = {}
  for i, slice in ipairs(slices) do
    list[i] = core.object { { "start", slice.start }, { "length", slice.length }, { "shard", slice.shard }, { "bytes", slice.bytes } }
  end
  return list
end

--- One tensor of a plan.
function plan_json.entry(entry)
  return core.json(core.object {
    { "name", entry.name }, { "dtype", entry.dtype }, { "shape", entry.shape }, { "bytes", entry.bytes },
    { "action", entry.action }, { "from", entry.from }, { "replaces", entry.replaces },
    { "expression", entry.expression }, { "line", entry.line }, { "slices", entry.slices and slices_json(entry.slices) },
  })
end

--- The plan as JSON, one tensor at a time. `memory`: what buffers may take, or nil.
function plan_json.print(compiled, memory)
  local out = io.stdout
  out:write('{"schema": 1, "outputs": [')
  for i, output in ipairs(compiled) do
    local totals = output.plan:totals()
    local head = core.json(core.object { { "path", output.path or core.null }, { "kind", totals.kind } })
    out:write(i > 1 and ",\n" or "\n", head:sub(1, -2), ', "tensors": [')
    for j = 1, totals.tensors do out:write(j > 1 and ",\n" or "\n", plan_json.entry(output.plan:entry(j))) end
    out:write('\n], "dropped": [')
    for j = 1, totals.dropped do
      local name, line = output.plan:dropped(j)
      out:write(j > 1 and ",\n" or "\n", core.json(core.object { { "name", name }, { "line", line } }))
    end
    out:write("]}")
  end
  local sum = plan_json.sum(compiled)
  out:write(('\n], "bytes_computed": %d, "bytes_moved": %d, "bytes_shared": %d, "bytes_unverified": %d, "memory": %d}\n'):format(
    sum.bytes_computed, sum.bytes_moved, sum.bytes_shared, sum.bytes_unverified, memory or core.default_memory))
end

return plan_json

-- What TensorFlow's restore would do with one draft for the model of another: ckpt:restore, ckpt:like, ckpt:assert_like.

local core = require "godwit.core"

local methods = core.draft_methods

local function fail(what, hint) core.fail { class = "recipe", what = what, hint = hint } end

local function check_drafts(self, other, name)
  if type(self) ~= "userdata" then fail(("%s is called with a colon: ckpt:%s(...)"):format(name, name)) end
  if type(other) ~= "userdata" then fail(("%s takes a checkpoint, not a %s"):format(name, type(other))) end
end

local function check_options(options, known)
  if options == nil then return end
  if type(options) ~= "table" then fail(("options are a table, not a %s"):format(type(options))) end
  for key in pairs(options) do
    if not known[key] then fail(("there is no option '%s'"):format(tostring(key)), "the options are " .. known[1]) end
  end
  if options.as ~= nil and options.as ~= "restore" and options.as ~= "read" then
    fail(("as is \"restore\" or \"read\", not %s"):format(tostring(options.as)))
  end
end

local RESTORE = { "from, into", from = true, into = true }
local LIKE = { "as, from, into", as = true, from = true, into = true }

function methods:restore(source, options)
  check_drafts(self, source, "restore")
  check_options(options, RESTORE)
  return self:core_restore(source, options)
end

function methods:like(target, options)
  check_drafts(self, target, "like")
  check_options(options, LIKE)
  return self:core_like(target, options)
end

--- What is asserted when nothing is said: TensorFlow can say "consumed" only of object-based checkpoints.
local function default_assertion(report) return report.by_names and "existing" or "consumed" end

function methods:assert_like(target, assertion, options)
  check_drafts(self, target, "assert_like")
  check_options(options, LIKE)
  if assertion ~= nil and assertion ~= "consumed" and assertion ~= "existing" then
    fail(("the assertion is \"consumed\" or \"existing\", not %s"):format(tostring(assertion)))
  end
  local report = self:core_like(target, options)
  assertion = assertion or default_assertion(report)
  if not report[assertion] then
    local where = target.path ~= "" and (" into " .. target.path) or ""
    fail(("restoring%s is not \"%s\": %s"):format(where, assertion, tostring(report)))
  end
  return report
end

return { default_assertion = default_assertion }

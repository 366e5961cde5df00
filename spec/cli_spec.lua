-- The command line as its users see it: spec/fixtures/cli/*.case has commands with what they print; `make accept` rewrites
-- what they print, for a person to review. JSON is judged by its fields in json_spec.lua.

local cases = require "spec.support.cases"
local lfs = require "lfs"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local FOLDER = "spec/fixtures/cli/"
local ROOT = lfs.currentdir()

-- The program by its plain name, and readable for everybody: some cases run as nobody.
local bin = scratch.folder()
program.shell(("cp %s %s/godwit; chmod 755 %s/godwit; chmod o+x %s"):format(program.quoted(program.PATH), bin, bin, bin:match("^(.*)/")))

local function succeeds(command) return select(3, program.shell(command)) == 0 end

local is_root = succeeds "test $(id -u) -eq 0"
local as_nobody = is_root and "setpriv --reuid=65534 --regid=65534 --clear-groups --" or ""

--- What a case may need of the machine: nil, or why it is not there.
local missing = {
  ["somebody without rights"] = is_root and not succeeds(as_nobody .. " true") and "root, and setpriv does not work" or nil,
  ["a full disk"] = not succeeds "unshare -m sh -c 'mount -t tmpfs -o size=8k none /mnt'" and "mounting is not allowed" or nil,
}

local VALID = ROOT .. "/spec/fixtures/valid"
local environment = ("PATH=%s:$PATH GUIDE=%s/guide KINDS=%s/kinds V1=%s/v1 EXAMPLES=%s/examples NOBODY='%s'")
  :format(bin, VALID, VALID, VALID, ROOT, as_nobody)

local function run(command, folder)
  local out, err, status = program.shell(("export %s\n%s"):format(environment, command), folder)
  return cases.normal(out, folder), cases.normal(err, folder), status
end

local function new_folder(setup)
  local folder = scratch.folder()
  program.shell("chmod 777 " .. folder)
  for _, command in ipairs(setup) do
    local _, err, status = run(command, folder)
    assert(status == 0, command .. ": " .. err)
  end
  return folder
end

local function accept(path, file)
  for _, case in ipairs(file.cases) do
    if not missing[case.needs] then
      local folder = new_folder(file.setup)
      for _, step in ipairs(case.steps) do step.out, step.err, step.status = run(step.command, folder) end
    end
  end
  scratch.write(path, cases.format(file))
end

for _, name in ipairs(scratch.list(FOLDER)) do
  local file = cases.parse(scratch.read(FOLDER .. name))
  describe(name:match("^[^.]+"), function()
    if os.getenv "ACCEPT" then
      it("is accepted as it is now", function() accept(FOLDER .. name, file) end)
      return
    end

    it("has a file that `make accept` leaves as it is", function()
      assert.equal(scratch.read(FOLDER .. name), cases.format(file))
    end)

    for _, case in ipairs(file.cases) do
      it(case.title, function()
        if missing[case.needs] then return pending(missing[case.needs]) end
        local folder = new_folder(file.setup)
        for _, step in ipairs(case.steps) do
          local out, err, status = run(step.command, folder)
          assert.equal(step.err, err, step.command)
          assert.equal(step.out, out, step.command)
          assert.equal(step.status, status, step.command)
        end
      end)
    end
  end)
end

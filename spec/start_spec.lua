-- What happens before a command does: which scripts are loaded, from where, and how much that is.

local core = require "godwit.core"
local program = require "spec.support.program"
local scratch = require "spec.support.scratch"

local KILOBYTE = 1000

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

describe("an embedded script", function()
  it("is there compiled, and is what its text compiles to, lines and names included", function()
    local names = core.scripts ""
    assert.is_true(#names > 10)
    for _, name in ipairs(names) do
      local source = core.script_source(name)
      local text = load(source, ("=[godwit %s]"):format(name), "t", {})
      assert.equal(string.dump(text), string.dump(core.script(name, {})), name)
    end
  end)
end)

describe("a folder of scripts", function()
  it("is read in place of what is embedded, as text", function()
    local folder = scratch.folder()
    assert(require("lfs").mkdir(folder .. "/godwit"))
    scratch.write(folder .. "/godwit/main.lua", "return function(...) print('mine', ...) return 7 end")
    local out, _, status = program.run("--scripts", folder, "inspect")
    assert.same({ "mine\tinspect\n", 7 }, { out, status })
    scratch.write(folder .. "/godwit/main.lua", string.dump(function() end))
    local _, err
    _, err, status = program.run("--scripts", folder, "inspect")
    assert.equal(5, status)
    assert.matches("attempt to load a binary chunk", err, 1, true)
  end)
end)

describe("inspect", function()
  -- godwit.main is replaced by a program that counts what the searcher finds for the real one.
  local COUNTING = [[
    local core = require "godwit.core"
    local find, loaded = package.searchers[2], {}
    package.searchers[2] = function(name)
      loaded[#loaded + 1] = core.script_source(name) and name
      return find(name)
    end
    local main = load(core.script_source "godwit.main")
    loaded[1] = "godwit.main"
    return function(...)
      local status = main()(...)
      io.stderr:write(table.concat(loaded, " "))
      return status
    end
  ]]

  local function loaded_by(...)
    local folder = scratch.folder()
    assert(require("lfs").mkdir(folder .. "/godwit"))
    scratch.write(folder .. "/godwit/main.lua", COUNTING)
    local out, err, status = program.run("--scripts", folder, ...)
    assert.equal(0, status, err)
    return words(err), out
  end

  it("loads at most 100 KB of Lua, and nothing that edits, plans or writes", function()
    local names, out = loaded_by("inspect", "--values", "--stats", scratch.DIGITS)
    assert.matches("19 tensors", out, 1, true)
    assert.same({ "godwit.main", "godwit.commands", "godwit.problem", "godwit.commands.inspect", "godwit.plural", "godwit.terminal", "argparse" }, names)
    local bytes = 0
    for _, name in ipairs(names) do bytes = bytes + #core.script_source(name) end
    assert.is_true(bytes <= 100 * KILOBYTE, ("%d bytes"):format(bytes))
  end)
end)

-- Sanitizers want to be the first library of a process.
local interposed = (os.getenv "SANITIZE" or "") == "" and it or function(name) pending(name .. " (not under sanitizers)") end

describe("compiled scripts", function()
  local WATCH = [[
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <lauxlib.h>
    #include <stdio.h>
    #ifdef RELEASE
    const char lua_ident[] = RELEASE;
    #endif
    typedef int loader(lua_State *, const char *, size_t, const char *, const char *);
    int luaL_loadbufferx(lua_State *L, const char *data, size_t size, const char *name, const char *mode) {
      loader *real;
      *(void **)&real = dlsym(RTLD_NEXT, "luaL_loadbufferx");
      fprintf(stderr, "%s %s\n", mode, name);
      return real(L, data, size, name, mode);
    }
  ]]

  --- What a run of `plan -e` loads, as lines "MODE NAME"; `define` stands in front of the watching library's code.
  local function loads(define)
    local folder = scratch.folder()
    scratch.write(folder .. "/watch.c", define .. WATCH)
    scratch.copy(scratch.KINDS .. "names", folder .. "/in")
    local _, err, status = program.shell("cc -shared -fPIC $(pkg-config --cflags lua5.4) -o watch.so watch.c -ldl", folder)
    assert.equal(0, status, err)
    _, err, status = program.shell(("LD_PRELOAD=./watch.so %s plan -e '' in"):format(program.quoted(program.PATH)), folder)
    assert.equal(0, status, err)
    local modes = {}
    for mode, name in err:gmatch("(%a) ([^\n]+)\n") do modes[name] = mode end
    return modes
  end

  interposed("are run by the release of Lua that they were compiled for; a recipe is only ever text", function()
    local modes = loads ""
    assert.equal("b", modes["=[godwit godwit.main]"])
    assert.equal("b", modes["=[godwit godwit.guest]"])
    assert.equal("t", modes["=-e"])
  end)

  interposed("are left alone by any other release, which takes their text", function()
    local modes = loads '#define RELEASE "$LuaVersion: Lua 5.4.99  Copyright (C) 2042 $"\n'
    assert.equal("t", modes["=[godwit godwit.main]"])
    assert.equal("t", modes["=[godwit godwit.guest]"])
    assert.equal("t", modes["=-e"])
  end)
end)

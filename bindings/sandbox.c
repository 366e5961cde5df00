/* A recipe's own Lua state: a fresh one, with an allow list, text chunks only. Values cross as plain data and drafts as
 * handles; both states see the same draft, because drafts live in core and know of no state. */
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

enum { DEPTH = 100 };

/* ---- What a recipe finds in its globals, and why. Everything that is not listed is not there: files (io, os, dofile,
 * loadfile), processes (os), other code (load, package, debug, string.dump), and the collector. */
static const char *const allowed_base[] = {
    "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
    "select", "tonumber", "tostring", "type", "_VERSION", /* plain language, no way out */
    "setmetatable", "xpcall",                             /* our own, below */
    NULL};
static const char *const allowed_string[] = {"byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack",
                                             "packsize", "rep", "reverse", "sub", "unpack", "upper", NULL}; /* all but dump */
static const char *const allowed_table[] = {"concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL};
static const char *const allowed_math[] = {"abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf", "pi",
                                           "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "tointeger", "type", "ult",
                                           "random", NULL}; /* random: seeded below; randomseed is not there */
static const char *const allowed_utf8[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};
static const char *const allowed_coroutine[] = {"close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield", NULL};

static int safe_setmetatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
  if (lua_istable(L, 2)) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "a recipe's metatable cannot have __gc");
    lua_pop(L, 1);
  }
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

/* xpcall(f, handler, ...): the handler runs once f has ended, not inside of the error. There hooks are silent, so that a
 * handler which never ends could not be stopped; and what it could see there that it does not here is debug's. */
static int handled(lua_State *L, int status, lua_KContext context) {
  (void)context;
  if (status == LUA_OK || status == LUA_YIELD) {
    lua_pushboolean(L, 1);
    lua_replace(L, 1);
    return lua_gettop(L);
  }
  lua_pushboolean(L, 0);
  lua_insert(L, 1); /* [false handler error] */
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int safe_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 1);
  lua_replace(L, 2);
  lua_replace(L, 1); /* [handler f ..] */
  return handled(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, handled), 0);
}

/* print goes to stderr: stdout belongs to results. */
static int print(lua_State *L) {
  int count = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    size_t length;
    const char *text = luaL_tolstring(L, i, &length);
    if (i > 1) lua_writestringerror("%s", "\t");
    lua_writestringerror("%s", text);
    lua_pop(L, 1);
  }
  lua_writestringerror("%s", "\n");
  return 0;
}

/* [.. from to] : copies the listed fields. */
static void copy_allowed(lua_State *L, const char *const *names) {
  for (; *names; names++) {
    lua_getfield(L, -2, *names);
    lua_setfield(L, -2, *names);
  }
}

static void add_library(lua_State *L, lua_CFunction open, const char *name, const char *const *names) {
  lua_pushcfunction(L, open);
  lua_call(L, 0, 1);
  if (strcmp(name, "math") == 0) { /* a recipe gives the same result every time */
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, 0);
    lua_call(L, 1, 0);
  }
  lua_newtable(L);
  copy_allowed(L, names);
  /* [env? .. library copy]; string methods on values must be the same short list */
  if (strcmp(name, "string") == 0) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    /* Closed: godwit's own scripts in this state call string methods too. */
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
  }
  if (strcmp(name, "coroutine") == 0) gwl_limits_wrap_coroutines(L);
  lua_remove(L, -2);
  lua_setglobal(L, name);
}

/* Lua's own globals are thrown away and the allowed ones put into a new table. Runs in the guest. */
static void open_allowed(lua_State *L) {
  luaL_requiref(L, "_G", luaopen_base, 1);
  lua_getfield(L, -1, "xpcall");
  lua_setfield(L, LUA_REGISTRYINDEX, "godwit.xpcall");
  lua_newtable(L);
  copy_allowed(L, allowed_base);
  lua_pushcfunction(L, safe_setmetatable);
  lua_setfield(L, -2, "setmetatable");
  lua_pushcfunction(L, safe_xpcall);
  lua_setfield(L, -2, "xpcall");
  lua_pushcfunction(L, print);
  lua_setfield(L, -2, "print");
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "_G");
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_pop(L, 1);
  add_library(L, luaopen_string, "string", allowed_string);
  add_library(L, luaopen_table, "table", allowed_table);
  add_library(L, luaopen_math, "math", allowed_math);
  add_library(L, luaopen_utf8, "utf8", allowed_utf8);
  add_library(L, luaopen_coroutine, "coroutine", allowed_coroutine);
}

/* ---- Values on their way from one state to another: nil, booleans, numbers, strings, tables of those, drafts. Tables that
 * are in several places arrive as often, so what crosses is counted: forty of them, each twice in the next, are 2^40. */

typedef struct gwl_crossing {
  lua_State *from, *to;
  int64_t left; /* bytes; below 0: it was too much */
} gwl_crossing;

enum { VALUE_BYTES = 64 /* what one takes at the least, in a table */ };

static bool pay(gwl_crossing *crossing, size_t size) {
  if (size > INT64_MAX - VALUE_BYTES || crossing->left < (int64_t)size + VALUE_BYTES) crossing->left = -1;
  else crossing->left -= (int64_t)size + VALUE_BYTES;
  return crossing->left >= 0;
}

static bool transfer(gwl_crossing *crossing, int index, int depth);

static bool transfer_table(gwl_crossing *crossing, int index, int depth) {
  lua_State *from = crossing->from, *to = crossing->to;
  lua_newtable(to);
  for (lua_pushnil(from); lua_next(from, index) != 0; lua_pop(from, 1)) {
    if (!transfer(crossing, -2, depth)) {
      lua_pop(from, 2);
      lua_pop(to, 1);
      return false;
    }
    if (!transfer(crossing, -1, depth)) {
      lua_pop(from, 2);
      lua_pop(to, 2);
      return false;
    }
    lua_rawset(to, -3);
  }
  return true;
}

/* False, with nothing pushed, for anything else and for too much. */
static bool transfer(gwl_crossing *crossing, int index, int depth) {
  lua_State *from = crossing->from, *to = crossing->to;
  if (depth > DEPTH || !lua_checkstack(from, 4) || !lua_checkstack(to, 6)) return false;
  index = lua_absindex(from, index);
  if (!pay(crossing, lua_type(from, index) == LUA_TSTRING ? lua_rawlen(from, index) : 0)) return false;
  switch (lua_type(from, index)) {
    case LUA_TNIL: lua_pushnil(to); return true;
    case LUA_TBOOLEAN: lua_pushboolean(to, lua_toboolean(from, index)); return true;
    case LUA_TNUMBER:
      if (lua_isinteger(from, index)) lua_pushinteger(to, lua_tointeger(from, index));
      else lua_pushnumber(to, lua_tonumber(from, index));
      return true;
    case LUA_TSTRING: {
      size_t size;
      const char *text = lua_tolstring(from, index, &size);
      lua_pushlstring(to, text, size);
      return true;
    }
    case LUA_TUSERDATA: {
      gw_draft *draft = gwl_test(from, index, GWL_DRAFT);
      if (!draft) return false;
      gwl_push_draft(to, gw_draft_retain(draft));
      return true;
    }
    case LUA_TTABLE: return transfer_table(crossing, index, depth + 1);
    default: return false;
  }
}

/* ---- The handle */

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_SANDBOX);
  if (*box) gwl_limits_close_state(*box);
  *box = NULL;
  return 0;
}

/* Runs protected in the guest: libraries, the C module, and the guest's own script. */
static int open_guest(lua_State *L) {
  open_allowed(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pop(L, 1);
  lua_pushcfunction(L, gwl_open);
  lua_call(L, 0, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, "godwit.xpcall");
  lua_setfield(L, -2, "xpcall"); /* for guest.lua, whose handler ends */
  if (!gwl_push_script(L, "godwit.guest")) return luaL_error(L, "the script godwit.guest is missing");
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  return 1; /* the table of entry points stays on the guest's stack */
}

static int raise_memory(lua_State *L, const gwl_limits *limits) {
  gw_error error;
  gwl_limits_explain_memory(limits, &error);
  return gwl_raise_as(L, &error, "limit");
}

/* Recipes can raise tables that look like errors of ours: what is no class is the recipe's mistake, and Ctrl-C is not theirs
 * to say. */
static bool is_class(const char *text) {
  static const char *const classes[] = {"damaged", "limit", "recipe", "system", "usage", NULL};
  if (strcmp(text, "interrupted") == 0) return gwl_interrupted();
  for (const char *const *class = classes; *class; class++)
    if (strcmp(text, *class) == 0) return true;
  return false;
}

/* [guest: .. error] -> [L: .. a table of its fields]; nobody of the guest's is asked, and nothing else crosses. */
static void take_error(lua_State *L, lua_State *guest) {
  static const char *const fields[] = {"class", "what", "file", "key", "hint", "line", "offset"};
  gwl_crossing crossing = {.from = guest, .to = L, .left = gwl_limits_of(guest)->memory};
  lua_createtable(L, 0, 7);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    lua_pushstring(guest, fields[i]);
    lua_rawget(guest, -2);
    bool plain = lua_type(guest, -1) == LUA_TSTRING || lua_type(guest, -1) == LUA_TNUMBER;
    if (plain && transfer(&crossing, -1, 0)) lua_setfield(L, -2, fields[i]);
    lua_pop(guest, 1);
  }
}

/* Raises in L what the guest raised: an error object keeps its fields, everything else becomes the recipe's error. */
static int pass_error(lua_State *L, lua_State *guest, int status) {
  const gwl_limits *limits = gwl_limits_of(guest);
  const char *text = lua_type(guest, -1) == LUA_TSTRING ? lua_tostring(guest, -1) : NULL;
  if (limits->account.refused && (status == LUA_ERRMEM || (text && strcmp(text, "not enough memory") == 0))) return raise_memory(L, limits);
  luaL_checkstack(L, 8, NULL);
  lua_pushcfunction(L, gwl_fail);
  if (lua_type(guest, -1) == LUA_TTABLE) take_error(L, guest);
  else lua_createtable(L, 0, 2);
  if (lua_getfield(L, -1, "class") != LUA_TSTRING || !is_class(lua_tostring(L, -1))) {
    lua_pushliteral(L, "recipe");
    lua_setfield(L, -3, "class");
  }
  if (lua_getfield(L, -2, "what") != LUA_TSTRING) {
    if (text) lua_pushstring(L, text);
    else lua_pushfstring(L, "an error object that is a %s", luaL_typename(guest, -1));
    lua_setfield(L, -4, "what");
  }
  lua_pop(L, 2);
  lua_call(L, 1, 0);
  return 0;
}

static double limit(lua_State *L, const char *name, double otherwise) {
  if (lua_getfield(L, 1, name) != LUA_TNIL) otherwise = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return otherwise;
}

/* core.sandbox{title =, memory = bytes, steps =, seconds =, last_words =, last_json =}: limits with their defaults; with
 * the last two the program ends, by them (last_words = "": silently), when a C function does not return in time. */
int gwl_sandbox_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  gwl_limits limits = {.memory = (int64_t)limit(L, "memory", GWL_RECIPE_MEMORY),
                       .max_steps = (uint64_t)limit(L, "steps", GWL_RECIPE_STEPS),
                       .seconds = limit(L, "seconds", GWL_RECIPE_SECONDS)};
  if (lua_getfield(L, 1, "title") == LUA_TSTRING) snprintf(limits.title, sizeof limits.title, "%s", lua_tostring(L, -1));
  lua_getfield(L, 1, "last_words");
  lua_getfield(L, 1, "last_json");
  gwl_limits_last_words(luaL_optstring(L, -2, NULL), luaL_optstring(L, -1, ""));
  void **box = gwl_new(L, GWL_SANDBOX, 0);
  lua_State *guest = gwl_limits_new_state(&limits);
  if (!guest) return luaL_error(L, "out of memory");
  *box = guest;
  lua_pushcfunction(guest, open_guest);
  int status = gwl_limits_call(guest, 0, 1);
  return status == LUA_OK ? 1 : pass_error(L, guest, status);
}

/* sandbox:call(name, ...) -> what the guest's function returned (one value) */
static int call(lua_State *L) {
  lua_State *guest = gwl_check(L, 1, GWL_SANDBOX);
  const gwl_limits *limits = gwl_limits_of(guest);
  const char *name = luaL_checkstring(L, 2);
  int count = lua_gettop(L) - 2;
  gwl_crossing in = {.from = L, .to = guest, .left = limits->memory}, out = {.from = guest, .to = L, .left = limits->memory};
  lua_settop(guest, 1);
  if (lua_getfield(guest, 1, name) != LUA_TFUNCTION) return luaL_error(L, "the guest has no function '%s'", name);
  for (int i = 0; i < count; i++)
    if (!transfer(&in, 3 + i, 0)) return in.left < 0 ? raise_memory(L, limits) : luaL_error(L, "argument %d cannot be passed to a recipe", i + 1);
  int status = gwl_limits_call(guest, count, 1);
  lua_settop(L, 1); /* the handle, or nothing holds the guest while it is read from */
  if (status != LUA_OK) return pass_error(L, guest, status);
  bool whole = transfer(&out, -1, 0);
  lua_settop(guest, 1);
  if (whole) return 1;
  if (out.left < 0) return raise_memory(L, limits);
  gw_error error = {.status = GW_INVALID, .what = "what the recipe gives holds something other than text, numbers, booleans, tables and checkpoints"};
  return gwl_raise(L, &error);
}

void gwl_open_sandbox(lua_State *L) {
  static const luaL_Reg methods[] = {{"call", call}, {"close", release}, {NULL, NULL}};
  gwl_make_type(L, GWL_SANDBOX, release, NULL, methods, NULL);
  lua_pop(L, 1);
}

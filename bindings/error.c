/* Errors on their way from core to Lua: always raised, as objects with fields for programs and a text for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gwl.h"
#include "limits.h"

static const char error_type[] = "godwit.Error";
static char home_key; /* registry: the set of source prefixes that are godwit's own */

/* ---- Where the caller is */

static bool is_own(lua_State *L, const char *source) {
  if (strncmp(source, "=[godwit", 8) == 0) return true;
  bool own = false;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &home_key) == LUA_TSTRING) {
    const char *home = lua_tostring(L, -1);
    own = strncmp(source, home, strlen(home)) == 0;
  }
  lua_pop(L, 1);
  return own;
}

bool gwl_where(lua_State *L, char *out, size_t size) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline < 0 || is_own(L, frame.source)) continue;
    snprintf(out, size, "%s:%d", frame.short_src, frame.currentline);
    return true;
  }
  if (size) out[0] = '\0';
  return false;
}

int gwl_lua_where(lua_State *L) {
  char line[128];
  if (!gwl_where(L, line, sizeof line)) return 0;
  lua_pushstring(L, line);
  return 1;
}

int gwl_home(lua_State *L) {
  lua_Debug frame;
  if (!lua_getstack(L, 1, &frame)) return 0;
  lua_getinfo(L, "S", &frame);
  const char *slash = strrchr(frame.source, '/');
  if (frame.source[0] == '@' && slash) {
    lua_pushlstring(L, frame.source, (size_t)(slash - frame.source) + 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &home_key);
  }
  return 0;
}

/* ---- The object */

/* The exit codes' names: what the caller of a program can tell apart. */
static const char *class_of(const gw_error *error) {
  switch (error->status) {
    case GW_CORRUPT: return "damaged";
    case GW_UNSUPPORTED: return error->system ? "system" : "damaged";
    case GW_NOT_FOUND: return error->file[0] ? "damaged" : "recipe";
    case GW_EXISTS: return "usage";
    case GW_INVALID: return "recipe";
    case GW_LIMIT: return error->file[0] ? "damaged" : "limit";
    case GW_CANCELLED: return "interrupted";
    default: return "system";
  }
}

static void set_text(lua_State *L, const char *field, const char *text) {
  if (!text[0]) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

/* "where: what" as a line; the hint stays a field of its own. */
static void set_message(lua_State *L) {
  luaL_Buffer text;
  const char *const order[] = {"line", "file", "key"};
  luaL_buffinit(L, &text);
  int at = lua_gettop(L);
  while (at > 0 && lua_type(L, at) != LUA_TTABLE) at--;
  for (size_t i = 0; i < 3; i++)
    if (lua_getfield(L, at, order[i]) == LUA_TSTRING) {
      luaL_addvalue(&text);
      luaL_addstring(&text, ": ");
    } else {
      lua_pop(L, 1);
    }
  if (lua_getfield(L, at, "offset") == LUA_TNUMBER) {
    lua_pushfstring(L, "offset %s: ", lua_tostring(L, -1));
    lua_remove(L, -2);
    luaL_addvalue(&text);
  } else {
    lua_pop(L, 1);
  }
  if (lua_getfield(L, at, "what") == LUA_TSTRING) luaL_addvalue(&text);
  else lua_pop(L, 1);
  luaL_pushresult(&text);
  lua_setfield(L, at, "message");
}

int gwl_raise_as(lua_State *L, const gw_error *error, const char *class) {
  char line[128];
  luaL_checkstack(L, 8, NULL);
  lua_createtable(L, 0, 8);
  set_text(L, "class", class);
  set_text(L, "what", error->what);
  set_text(L, "file", error->file);
  set_text(L, "key", error->key);
  set_text(L, "hint", error->hint);
  if (error->has_offset && error->offset <= INT64_MAX) {
    lua_pushinteger(L, (lua_Integer)error->offset);
    lua_setfield(L, -2, "offset");
  }
  if (error->line[0]) set_text(L, "line", error->line);
  else if (gwl_where(L, line, sizeof line)) set_text(L, "line", line);
  set_message(L);
  luaL_setmetatable(L, error_type);
  return lua_error(L);
}

int gwl_raise(lua_State *L, const gw_error *error) {
  const gwl_limits *limits = error->status == GW_NO_MEMORY ? gwl_limits_of(L) : NULL;
  if (!limits || !limits->account.refused) return gwl_raise_as(L, error, class_of(error));
  gw_error limit;
  gwl_limits_explain_memory(limits, &limit);
  limit.file[0] = '\0'; /* the line is known */
  return gwl_raise_as(L, &limit, "limit");
}

int gwl_wrong(lua_State *L, const char *format, ...) {
  gw_error error = {.status = GW_INVALID};
  va_list arguments;
  va_start(arguments, format);
  const char *text = lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  snprintf(error.what, sizeof error.what, "%s", text);
  return gwl_raise(L, &error);
}

int gwl_raise_usage(lua_State *L, const gw_error *error) {
  if (error->status == GW_INVALID) return gwl_raise_as(L, error, "usage");
  /* Where something is written, what is missing is a folder and not a checkpoint. */
  return gwl_raise_as(L, error, error->status == GW_NOT_FOUND && error->system ? "system" : class_of(error));
}

/* Recipes raise tables too, and whoever reports an error relies on what its fields are. */
static void take_fields(lua_State *L) {
  static const char *const texts[] = {"class", "what", "file", "key", "hint", "line"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (lua_getfield(L, 1, texts[i]) != LUA_TSTRING) lua_pop(L, 1);
    else lua_setfield(L, 2, texts[i]);
  }
  lua_getfield(L, 1, "offset");
  if (lua_isinteger(L, -1)) lua_setfield(L, 2, "offset");
  else lua_pop(L, 1);
}

int gwl_fail(lua_State *L) {
  char line[128];
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_createtable(L, 0, 8);
  take_fields(L);
  if (lua_getfield(L, 2, "line") == LUA_TNIL && gwl_where(L, line, sizeof line)) {
    lua_pushstring(L, line);
    lua_setfield(L, 2, "line");
  }
  lua_settop(L, 2);
  set_message(L);
  luaL_setmetatable(L, error_type);
  return lua_error(L);
}

static int error_text(lua_State *L) {
  lua_getfield(L, 1, "message");
  luaL_tolstring(L, -1, NULL);
  return 1;
}

void gwl_open_error(lua_State *L) {
  luaL_newmetatable(L, error_type);
  lua_pushcfunction(L, error_text);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "godwit.Error");
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

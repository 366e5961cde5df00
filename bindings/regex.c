/* Patterns: compiled once per state and pattern, then found in the registry. */
#include <string.h>

#include "gwl.h"

static char cache_key;
enum { CACHE_LIMIT = 1000 }; /* patterns; a recipe that makes them in a loop starts the cache anew */

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_REGEX);
  gw_regex_free(*box);
  *box = NULL;
  return 0;
}

/* [.. ] -> [.. cache]: a table pattern -> userdata, and its size under [1]. */
static void push_cache(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) == LUA_TTABLE) {
    lua_rawgeti(L, -1, 1);
    bool full = lua_tointeger(L, -1) >= CACHE_LIMIT;
    lua_pop(L, 1);
    if (!full) return;
  }
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushinteger(L, 0);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

gw_regex *gwl_check_regex(lua_State *L, int index) {
  size_t length;
  const char *pattern = luaL_checklstring(L, index, &length);
  luaL_checkstack(L, 6, NULL);
  index = lua_absindex(L, index);
  push_cache(L);
  lua_pushvalue(L, index);
  if (lua_rawget(L, -2) == LUA_TUSERDATA) {
    gw_regex *cached = *(void **)lua_touserdata(L, -1);
    lua_pop(L, 2);
    return cached;
  }
  lua_pop(L, 1);
  /* [cache] */
  gw_error error = GW_ERROR_INIT;
  void **box = gwl_new(L, GWL_REGEX, 0);
  gw_regex *regex;
  if (gw_regex_compile(pattern, length, &regex, &error) != GW_OK) gwl_raise(L, &error);
  *box = regex;
  /* [cache regex] */
  lua_pushvalue(L, index);
  lua_insert(L, -2);
  lua_rawset(L, -3);
  lua_rawgeti(L, -1, 1);
  lua_pushinteger(L, lua_tointeger(L, -1) + 1);
  lua_rawseti(L, -3, 1);
  lua_pop(L, 2);
  return regex;
}

int gwl_regex_match(lua_State *L) {
  size_t length, count;
  const char *text = luaL_checklstring(L, 1, &length);
  gw_regex *regex = gwl_check_regex(L, 2);
  const gw_span *groups;
  gw_error error = GW_ERROR_INIT;
  gwl_charge(L, 1 + length);
  if (gw_regex_groups(regex, text, length, &groups, &count, &error) != GW_OK) return gwl_raise(L, &error);
  if (count == 0) {
    lua_pushnil(L);
    return 1;
  }
  size_t first = count > 1 ? 1 : 0;
  luaL_checkstack(L, (int)count, "too many groups");
  for (size_t i = first; i < count; i++)
    if (groups[i].data) lua_pushlstring(L, groups[i].data, groups[i].size);
    else lua_pushliteral(L, "");
  return (int)(count - first);
}

int gwl_regex_sub(lua_State *L) {
  size_t length, replacement_length, out_length, replaced;
  const char *text = luaL_checklstring(L, 1, &length);
  gw_regex *regex = gwl_check_regex(L, 2);
  const char *replacement = luaL_checklstring(L, 3, &replacement_length);
  gw_error error = GW_ERROR_INIT;
  char *out;
  gwl_charge(L, 1 + length);
  if (gw_regex_replace(regex, text, length, replacement, replacement_length, &out, &out_length, &replaced, &error) != GW_OK)
    return gwl_raise(L, &error);
  void *copy = lua_newuserdatauv(L, out_length + 1, 0);
  memcpy(copy, out, out_length);
  gw_free(out);
  lua_pushlstring(L, copy, out_length);
  lua_pushinteger(L, (lua_Integer)replaced);
  return 2;
}

/* ---- Which tensors */

static uint32_t check_roles(lua_State *L, int index) {
  gw_role role;
  uint32_t roles = 0;
  if (lua_getfield(L, index, "role") == LUA_TSTRING) {
    if (!gw_role_from_name(lua_tostring(L, -1), &role))
      gwl_wrong(L, "there is no role '%s' (weight, slot, power, average, step, counter, table, state)", lua_tostring(L, -1));
    roles = 1u << role;
  } else if (!lua_isnil(L, -1)) {
    gwl_wrong(L, "role must be a string, is %s", gwl_what(L, -1));
  }
  lua_pop(L, 1);
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "role") != 0)
      gwl_wrong(L, "a selection has no field '%s' (only role, or a list of patterns)", lua_tostring(L, -2));
  return roles;
}

void gwl_check_which(lua_State *L, int index, gw_which *which) {
  memset(which, 0, sizeof *which);
  index = lua_absindex(L, index);
  luaL_checkstack(L, 8, NULL);
  size_t count = 1;
  if (lua_type(L, index) == LUA_TTABLE) {
    which->roles = check_roles(L, index);
    count = (size_t)lua_rawlen(L, index); /* raw: what a metamethod says may be any number, and differ the next time */
    if (count == 0 && which->roles == 0) gwl_wrong(L, "an empty selection: it takes a pattern, a list of patterns or {role = ...}");
  } else if (lua_type(L, index) != LUA_TSTRING) {
    gwl_wrong(L, "a selection is a pattern, a list of patterns or {role = ...}, not %s", gwl_what(L, index));
  }
  gw_regex **regexes = lua_newuserdatauv(L, (count ? count : 1) * sizeof *regexes, 1);
  /* The compiled patterns stay alive with the list even when the cache starts anew. */
  int list = lua_gettop(L);
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    if (lua_type(L, index) == LUA_TTABLE) lua_rawgeti(L, index, (lua_Integer)i + 1);
    else lua_pushvalue(L, index);
    if (lua_type(L, -1) != LUA_TSTRING) gwl_wrong(L, "pattern %d of the selection is %s, not a string", (int)i + 1, gwl_what(L, -1));
    regexes[i] = gwl_check_regex(L, -1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    lua_rotate(L, -2, 1);
    lua_rawget(L, -2);
    lua_rawseti(L, list + 1, (lua_Integer)i + 1);
    lua_pop(L, 1);
  }
  lua_setiuservalue(L, list, 1);
  which->regexes = regexes;
  which->regex_count = count;
}

void gwl_open_regex(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  gwl_make_type(L, GWL_REGEX, release, NULL, none, NULL);
  lua_pop(L, 1);
}

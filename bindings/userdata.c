/* What all userdata types do alike: see gwl.h. */
#include <string.h>

#include "gwl.h"

void **gwl_new(lua_State *L, const char *type, int user_values) {
  void **box = lua_newuserdatauv(L, sizeof *box, user_values);
  *box = NULL;
  luaL_setmetatable(L, type);
  return box;
}

/* What a type is called by those who never heard of userdata. */
static const char *noun(const char *type) {
  static const char *const nouns[][2] = {{GWL_BUNDLE, "opened checkpoint"}, {GWL_DRAFT, "checkpoint"},
                                         {GWL_VARS, "checkpoint's vars"},   {GWL_TENSOR, "tensor"},
                                         {GWL_PLAN, "plan"},                {GWL_WORK, "run"},
                                         {GWL_LISTING, "listing"},          {GWL_SANDBOX, "sandbox"},
                                         {GWL_GRAPH, "object graph"}};
  for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++)
    if (strcmp(type, nouns[i][0]) == 0) return nouns[i][1];
  return type;
}

const char *gwl_what(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return luaL_typename(L, index);
  const char *name = luaL_typename(L, index);
  if (lua_type(L, index) == LUA_TUSERDATA && luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
    name = noun(lua_tostring(L, -1)); /* the metatable keeps it */
    lua_pop(L, 1);
  }
  return lua_pushfstring(L, "%s %s", name[0] == 'o' ? "an" : "a", name);
}

void *gwl_check(lua_State *L, int index, const char *type) {
  void **box = luaL_testudata(L, index, type);
  const char *wanted = noun(type);
  if (!box) {
    const char *found = gwl_what(L, index);
    luaL_argerror(L, index, lua_pushfstring(L, "%s %s expected, got %s", wanted[0] == 'o' ? "an" : "a", wanted, found));
  }
  if (!*box) luaL_error(L, "attempt to use a closed %s", wanted);
  return *box;
}

/* ---- Fields that are not there */

enum { LONGEST_FIELD = 40 };

/* Levenshtein's distance; neither is longer than LONGEST_FIELD. */
static unsigned distance(const char *a, const char *b) {
  unsigned row[LONGEST_FIELD + 1];
  size_t columns = strlen(b);
  for (size_t j = 0; j <= columns; j++) row[j] = (unsigned)j;
  for (unsigned i = 1; a[i - 1]; i++) {
    unsigned diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= columns; j++) {
      unsigned best = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[columns];
}

/* Equal distances go by the alphabet: a table has no order that a message could rely on. */
static void consider(const char *typed, const char *name, const char **best, unsigned *how_far) {
  if (strlen(name) > LONGEST_FIELD || strncmp(name, "core_", 5) == 0) return;
  unsigned far = distance(typed, name);
  if (far > *how_far || (far == *how_far && *best && strcmp(name, *best) > 0)) return;
  *how_far = far;
  *best = name;
}

int gwl_no_field(lua_State *L, const char *thing, const char *const *fields, int methods, const char *otherwise) {
  const char *typed = luaL_tolstring(L, 2, NULL), *best = NULL;
  size_t length = strlen(typed);
  unsigned how_far = 1 + (unsigned)length / 4; /* what is farther nobody meant */
  if (lua_type(L, 2) == LUA_TSTRING && length <= LONGEST_FIELD) {
    for (; *fields; fields++) consider(typed, *fields, &best, &how_far);
    for (lua_pushnil(L); lua_next(L, methods) != 0; lua_pop(L, 1)) consider(typed, lua_tostring(L, -2), &best, &how_far);
  }
  if (best) return luaL_error(L, "%s has no field or method '%s'; did you mean %s?", thing, typed, best);
  return luaL_error(L, "%s has no field or method '%s'%s", thing, typed, otherwise);
}

void *gwl_test(lua_State *L, int index, const char *type) {
  void **box = luaL_testudata(L, index, type);
  return box ? *box : NULL;
}

void gwl_make_type(lua_State *L, const char *type, lua_CFunction release, const luaL_Reg *meta, const luaL_Reg *methods,
                   lua_CFunction index) {
  luaL_newmetatable(L, type);
  /* [meta] */
  lua_pushcfunction(L, release);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_pushstring(L, type);
  lua_setfield(L, -2, "__metatable");
  if (meta) luaL_setfuncs(L, meta, 0);
  lua_newtable(L);
  /* [meta methods] */
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  if (index) lua_pushcclosure(L, index, 1); /* upvalue 1: the methods */
  lua_setfield(L, -3, "__index");
  lua_remove(L, -2);
  /* [methods] */
}

static int free_block(lua_State *L) {
  void **box = lua_touserdata(L, 1);
  gw_free(*box);
  *box = NULL;
  return 0;
}

void **gwl_block(lua_State *L) {
  void **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  if (luaL_newmetatable(L, "godwit.Block")) {
    lua_pushcfunction(L, free_block);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return box;
}

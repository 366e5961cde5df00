/* What all userdata types do alike: see gwl.h. */
#include "gwl.h"

void **gwl_new(lua_State *L, const char *type, int user_values) {
  void **box = lua_newuserdatauv(L, sizeof *box, user_values);
  *box = NULL;
  luaL_setmetatable(L, type);
  return box;
}

void *gwl_check(lua_State *L, int index, const char *type) {
  void **box = luaL_checkudata(L, index, type);
  if (!*box) luaL_error(L, "attempt to use a closed %s", type);
  return *box;
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

/* A tool of the build, no part of the program: runs scripts/embed.lua with the Lua library that the program will use, so
 * that what it compiles is for that one, and tells it that library's release. `embed SCRIPT ARGUMENT...` */
#include <lualib.h>
#include <stdio.h>

#include "gwl.h"

int main(int count, char **arguments) {
  if (count < 2) {
    fputs("usage: embed SCRIPT ARGUMENT...\n", stderr);
    return 2;
  }
  lua_State *L = luaL_newstate();
  if (!L) return 1;
  luaL_openlibs(L);
  lua_pushstring(L, lua_ident);
  lua_setglobal(L, "LUA_RELEASE");
  lua_newtable(L);
  for (int i = 1; i < count; i++) {
    lua_pushstring(L, arguments[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  int status = luaL_dofile(L, arguments[1]);
  if (status != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}

/* The program: a Lua state, its libraries, and over to scripts/godwit/main.lua. */
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "gwl.h"

/* A checkpoint may have a thousand shards. Beyond half of this limit files are opened anew for each reading (file.c). */
static void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(lua_State *L) {
  int count = (int)lua_tointeger(L, 1);
  char **arguments = lua_touserdata(L, 2);
  const char *folder = NULL;
  int first = 1;
  if (count >= 3 && strcmp(arguments[1], "--scripts") == 0) { /* for work on the scripts: not built in, but from a folder */
    folder = arguments[2];
    first = 3;
  }
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, gwl_open);
  lua_setfield(L, -2, "godwit.core");
  lua_pop(L, 1);
  gwl_add_searcher(L, folder);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "godwit.main");
  lua_call(L, 1, 1);
  luaL_checkstack(L, count, "too many arguments");
  for (int i = first; i < count; i++) lua_pushstring(L, arguments[i]);
  lua_call(L, count > first ? count - first : 0, 1);
  return 1;
}

int main(int count, char **arguments) {
  lua_State *L = luaL_newstate();
  if (!L) {
    fputs("godwit: out of memory\n", stderr);
    return 5;
  }
  raise_file_limit();
  lua_pushcfunction(L, start);
  lua_pushinteger(L, count);
  lua_pushlightuserdata(L, arguments);
  int code = 5;
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) code = (int)lua_tointeger(L, -1);
  else fprintf(stderr, "godwit: %s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  /* What could not be written earlier does not fail again here. */
  bool lost = ferror(stdout) != 0;
  if ((fflush(stdout) != 0 || lost) && code == 0) {
    if (lost) fputs("godwit: standard output: not everything could be written\n", stderr);
    else perror("godwit: standard output");
    code = 5;
  }
  return code;
}

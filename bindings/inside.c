/* Files for recipes' modules: those of one folder and below it, and no way out. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gwl.h"

enum { LONGEST_MODULE = 16 << 20 /* bytes */ };

/* Symbolic links are followed, and what they lead to must lie in the folder, too. */
static bool is_inside(const char *folder, const char *path) {
  char real_folder[PATH_MAX], real_path[PATH_MAX];
  if (!realpath(folder, real_folder) || !realpath(path, real_path)) return false;
  size_t length = strlen(real_folder);
  if (length == 1) return true; /* "/" */
  return strncmp(real_path, real_folder, length) == 0 && real_path[length] == '/';
}

static int refuse(lua_State *L, const char *reason) {
  lua_pushnil(L);
  lua_pushstring(L, reason);
  return 2;
}

static int read_all(lua_State *L, int file, size_t size) {
  luaL_Buffer text;
  char *bytes = luaL_buffinitsize(L, &text, size);
  size_t done = 0;
  while (done < size) {
    ssize_t count = read(file, bytes + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += (size_t)count;
  }
  luaL_pushresultsize(&text, done);
  return 1;
}

static int close_file(lua_State *L) {
  int *file = lua_touserdata(L, 1);
  if (*file >= 0) close(*file);
  *file = -1;
  return 0;
}

/* A descriptor that is closed whatever is raised. */
static int *push_file(lua_State *L) {
  int *file = lua_newuserdatauv(L, sizeof *file, 0);
  *file = -1;
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, close_file);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  return file;
}

int gwl_read_inside(lua_State *L) {
  const char *folder = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
  const char *path = lua_pushfstring(L, "%s/%s", folder, name);
  struct stat status;
  int *file = push_file(L);
  *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*file < 0) return errno == ENOENT || errno == ENOTDIR ? refuse(L, NULL) : refuse(L, strerror(errno));
  if (!is_inside(folder, path)) return refuse(L, "leads out of its folder");
  if (fstat(*file, &status) != 0 || !S_ISREG(status.st_mode)) return refuse(L, "is not a file");
  if (status.st_size > LONGEST_MODULE) return refuse(L, "is too long for a recipe's module");
  return read_all(L, *file, (size_t)status.st_size);
}

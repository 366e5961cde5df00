/* Folders of recipes: which files they have, and reading those and nothing outside. What a path names, and new files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
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

static int close_folder(lua_State *L) {
  DIR **folder = lua_touserdata(L, 1);
  if (*folder) closedir(*folder);
  *folder = NULL;
  return 0;
}

static int fail(lua_State *L, const char *path, const char *what, int number) {
  gw_error error = {.status = number == ENOENT || number == ENOTDIR ? GW_EXISTS : GW_IO, .system = number};
  snprintf(error.what, sizeof error.what, "%s: %s", what, strerror(number));
  snprintf(error.file, sizeof error.file, "%s", path);
  return gwl_raise(L, &error);
}

/* Symbolic links count as what they lead to. */
static const char *kind_of(DIR *folder, const struct dirent *entry) {
  struct stat status;
  if (entry->d_type == DT_DIR) return "folder";
  if (entry->d_type == DT_REG) return "file";
  if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return "other";
  if (fstatat(dirfd(folder), entry->d_name, &status, 0) != 0) return "other";
  return S_ISDIR(status.st_mode) ? "folder" : S_ISREG(status.st_mode) ? "file" : "other";
}

int gwl_list_folder(lua_State *L) {
  size_t length;
  const char *path = luaL_checkstring(L, 1), *beginning = luaL_optlstring(L, 2, "", &length);
  DIR **folder = lua_newuserdatauv(L, sizeof *folder, 0);
  *folder = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_folder);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *folder = opendir(path);
  if (!*folder) return fail(L, path, "this folder cannot be used", errno);
  lua_newtable(L);
  lua_newtable(L);
  lua_Integer count = 0;
  for (const struct dirent *entry; (entry = readdir(*folder));) {
    if (strncmp(entry->d_name, beginning, length) != 0) continue;
    lua_pushstring(L, entry->d_name);
    lua_rawseti(L, -3, ++count);
    lua_pushstring(L, kind_of(*folder, entry));
    lua_rawseti(L, -2, count);
  }
  closedir(*folder); /* the collector has no haste, and descriptors are few */
  *folder = NULL;
  return 2;
}

/* core.is_folder(path) */
int gwl_is_folder(lua_State *L) {
  struct stat status;
  lua_pushboolean(L, stat(luaL_checkstring(L, 1), &status) == 0 && S_ISDIR(status.st_mode));
  return 1;
}

/* core.is_file(path): a regular one, whose opening never waits; nil where nothing is to be seen */
int gwl_is_file(lua_State *L) {
  struct stat status;
  if (stat(luaL_checkstring(L, 1), &status) != 0) return 0;
  lua_pushboolean(L, S_ISREG(status.st_mode));
  return 1;
}

/* core.create_file(path) -> whether an empty file came to be; false where something is already */
int gwl_create_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0 && errno != EEXIST) return fail(L, path, "cannot be written", errno);
  if (file >= 0) close(file);
  lua_pushboolean(L, file >= 0);
  return 1;
}

/* core.make_folder() -> the path of a new, empty folder where temporary files go */
int gwl_make_folder(lua_State *L) {
  const char *place = getenv("TMPDIR");
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/godwit-XXXXXX", place && place[0] ? place : "/tmp");
  if (!mkdtemp(path)) return fail(L, path, "this folder cannot be used", errno);
  lua_pushstring(L, path);
  return 1;
}

/* SHA-256 (libmd), by which lineages and saved plans know files and texts again. */
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gwl.h"

enum { CHUNK = 256 * 1024 };

static int push_digest(lua_State *L, SHA2_CTX *context) {
  char text[SHA256_DIGEST_STRING_LENGTH];
  SHA256End(context, text);
  lua_pushstring(L, text);
  return 1;
}

/* core.sha256(text) -> 64 hexadecimal digits */
int gwl_sha256(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, (const uint8_t *)text, size);
  return push_digest(L, &context);
}

static int close_file(lua_State *L) {
  FILE **file = lua_touserdata(L, 1);
  if (*file) fclose(*file);
  *file = NULL;
  return 0;
}

static int refuse(lua_State *L, const char *path, const char *reason, int number) {
  gwl_stop_if_interrupted(L); /* which would explain it better */
  gw_error error = {.status = GW_IO, .system = number};
  snprintf(error.what, sizeof error.what, "cannot be read: %s", reason);
  snprintf(error.file, sizeof error.file, "%s", path);
  return gwl_raise(L, &error);
}

/* core.sha256_file(path) -> digits, bytes; nil when there is no such file */
int gwl_sha256_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  FILE **file = lua_newuserdatauv(L, sizeof *file, 0);
  *file = NULL;
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, close_file);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  uint8_t *chunk = lua_newuserdatauv(L, CHUNK, 0);
  struct stat status;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a pipe, too, without waiting for its other end */
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    lua_pushnil(L);
    return 1;
  }
  if (descriptor < 0) return refuse(L, path, strerror(errno), errno);
  *file = fdopen(descriptor, "rb");
  if (!*file) {
    int number = errno;
    close(descriptor);
    return refuse(L, path, strerror(number), number);
  }
  if (fstat(descriptor, &status) != 0) return refuse(L, path, strerror(errno), errno);
  if (!S_ISREG(status.st_mode)) return refuse(L, path, "it is not a file", EINVAL);
  SHA2_CTX context;
  SHA256Init(&context);
  lua_Integer bytes = 0;
  for (size_t count; (count = fread(chunk, 1, CHUNK, *file)) > 0; bytes += (lua_Integer)count) {
    SHA256Update(&context, chunk, count);
    gwl_stop_if_interrupted(L);
  }
  if (ferror(*file)) return refuse(L, path, strerror(errno), errno);
  push_digest(L, &context);
  lua_pushinteger(L, bytes);
  return 2;
}

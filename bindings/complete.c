/* Tab in the REPL among the names of a checkpoint, of which there may be millions: none but those to show becomes a Lua string. */
#include <string.h>

#include "gwl.h"

static bool begins_with(gw_span name, gw_span prefix) {
  return name.size >= prefix.size && memcmp(name.data, prefix.data, prefix.size) == 0;
}

static bool is_before(gw_span name, gw_span other) {
  size_t size = name.size < other.size ? name.size : other.size;
  int order = size ? memcmp(name.data, other.data, size) : 0;
  return order < 0 || (order == 0 && name.size < other.size);
}

/* The first of the sorted names[first..end) that is not before `prefix`. */
static size_t first_from(const gw_span *names, size_t first, size_t end, gw_span prefix) {
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (is_before(names[middle], prefix)) first = middle + 1;
    else end = middle;
  }
  return first;
}

/* The first of names[first..end) that does not begin with `prefix`, as those before it do. */
static size_t first_without(const gw_span *names, size_t first, size_t end, gw_span prefix) {
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (begins_with(names[middle], prefix)) first = middle + 1;
    else end = middle;
  }
  return first;
}

/* How many bytes all of the sorted names[first..end) begin with. */
static size_t common_size(const gw_span *names, size_t first, size_t end) {
  size_t size = 0;
  gw_span a = names[first], b = names[end - 1];
  while (size < a.size && size < b.size && a.data[size] == b.data[size]) size++;
  return size;
}

/* A name, or its part up to the next '/' behind `size` bytes, that included. */
static gw_span scope_of(gw_span name, size_t size) {
  const char *slash = size < name.size ? memchr(name.data + size, '/', name.size - size) : NULL;
  if (slash) name.size = (size_t)(slash - name.data) + 1;
  return name;
}

/* core.complete(vars, prefix, limit) -> what all names that begin with prefix have in common, or nil when there is none; at most
 * `limit` candidates, which go up to the next '/'; how many more there are; whether there is but one name. */
int gwl_complete(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_VARS);
  gw_span prefix, *names;
  prefix.data = luaL_checklstring(L, 2, &prefix.size);
  lua_Integer limit = luaL_checkinteger(L, 3), shown = 0, more = 0;
  size_t count;
  gw_error error = GW_ERROR_INIT;
  void **box = gwl_block(L);
  if (gw_draft_names(draft, &names, &count, &error) != GW_OK) return gwl_raise(L, &error);
  *box = names;
  size_t first = first_from(names, 0, count, prefix), end = first_without(names, first, count, prefix);
  if (first == end) return 0;
  size_t common = common_size(names, first, end);
  lua_pushlstring(L, names[first].data, common);
  lua_newtable(L);
  for (size_t i = first; i < end;) {
    gw_span scope = scope_of(names[i], common);
    if (shown == limit) {
      more++;
    } else {
      lua_pushlstring(L, scope.data, scope.size);
      lua_rawseti(L, -2, ++shown);
    }
    bool is_scope = scope.size > common && scope.data[scope.size - 1] == '/';
    i = is_scope ? first_without(names, i, end, scope) : i + 1;
  }
  lua_pushinteger(L, more);
  lua_pushboolean(L, end - first == 1);
  return 4;
}

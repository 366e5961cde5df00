/* Opened checkpoints, as commands see them; recipes only ever meet drafts. */
#include <string.h>

#include "gwl.h"

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_BUNDLE);
  gw_bundle_release(*box);
  *box = NULL;
  return 0;
}

static int free_texts(lua_State *L) {
  void **box = lua_touserdata(L, 1);
  gw_free(box[0]);
  gw_free(box[1]);
  box[0] = box[1] = NULL;
  return 0;
}

/* core.locate(path) -> prefix, note or nil */
int gwl_locate(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  gw_error error = GW_ERROR_INIT;
  char *prefix, *note;
  void **box = lua_newuserdatauv(L, 2 * sizeof *box, 0);
  box[0] = box[1] = NULL;
  if (luaL_newmetatable(L, "godwit.Texts")) {
    lua_pushcfunction(L, free_texts);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  if (gw_locate(path, &prefix, &note, &error) != GW_OK) {
    /* A path is typed by a person: whatever is wrong with it, no recipe is. */
    if (error.status == GW_INVALID) error.status = GW_CORRUPT;
    return gwl_raise(L, &error);
  }
  box[0] = prefix;
  box[1] = note;
  lua_pushstring(L, prefix);
  lua_pushstring(L, note);
  return 2;
}

/* core.same(prefix, prefix): one checkpoint, however it is spelled? */
int gwl_same(lua_State *L) {
  lua_pushboolean(L, gw_same_checkpoint(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 1;
}

int gwl_bundle_open(lua_State *L) {
  const char *prefix = luaL_checkstring(L, 1);
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle;
  void **box = gwl_new(L, GWL_BUNDLE, 0);
  if (gw_bundle_open(prefix, &bundle, &error) != GW_OK) return gwl_raise(L, &error);
  *box = bundle;
  return 1;
}

static int draft(lua_State *L) {
  gw_bundle *bundle = gwl_check(L, 1, GWL_BUNDLE);
  gw_error error = GW_ERROR_INIT;
  gw_draft *made;
  if (gw_draft_from_bundle(bundle, &made, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_draft(L, made);
  return 1;
}

/* bundle:missing_files() -> nil, or the text of what is wrong with the data files */
static int missing_files(lua_State *L) {
  gw_bundle *bundle = gwl_check(L, 1, GWL_BUNDLE);
  gw_error error = GW_ERROR_INIT;
  char text[2048];
  if (gw_bundle_check_files(bundle, &error) == GW_OK) return 0;
  gw_error_format(&error, text, sizeof text);
  lua_pushstring(L, text);
  return 1;
}

static int info(lua_State *L) {
  const gw_bundle *bundle = gwl_check(L, 1, GWL_BUNDLE);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, gw_bundle_prefix(bundle));
  lua_setfield(L, -2, "path");
  lua_pushstring(L, gw_bundle_has_graph(bundle) ? "objects" : "variables");
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, gw_bundle_shards(bundle));
  lua_setfield(L, -2, "shards");
  lua_pushinteger(L, (lua_Integer)gw_bundle_bytes(bundle));
  lua_setfield(L, -2, "bytes");
  lua_pushinteger(L, (lua_Integer)gw_bundle_count(bundle));
  lua_setfield(L, -2, "tensors");
  lua_pushboolean(L, gw_bundle_is_v1(bundle));
  lua_setfield(L, -2, "v1");
  lua_pushboolean(L, gw_bundle_big_endian(bundle));
  lua_setfield(L, -2, "big_endian");
  return 1;
}

/* bundle:index_files(): the files that say what the checkpoint holds, with every checksum */
static int index_files(lua_State *L) {
  const gw_bundle *bundle = gwl_check(L, 1, GWL_BUNDLE);
  size_t count = gw_bundle_index_count(bundle);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, gw_bundle_index_path(bundle, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

void gwl_open_bundle(lua_State *L) {
  static const luaL_Reg methods[] = {{"draft", draft}, {"missing_files", missing_files}, {"index_files", index_files}, {"info", info}, {"close", release}, {NULL, NULL}};
  gwl_make_type(L, GWL_BUNDLE, release, NULL, methods, NULL);
  lua_pop(L, 1);
}

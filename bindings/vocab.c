/* Vocabularies in Lua, and where the tokens of one are in another. What a recipe says of them is checked and put together in
 * scripts/godwit/vocab.lua. */
#include <string.h>

#include "gwl.h"

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_VOCAB);
  gw_vocab_free(*box);
  *box = NULL;
  return 0;
}

static int release_remapping(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_REMAPPING);
  gw_free(*box);
  *box = NULL;
  return 0;
}

int gwl_vocab_new(lua_State *L) {
  size_t size;
  gw_error error = GW_ERROR_INIT;
  gw_vocab *vocab;
  const char *text = luaL_checklstring(L, 1, &size), *name = luaL_optstring(L, 2, "");
  lua_settop(L, 2);
  void **box = gwl_new(L, GWL_VOCAB, 2);
  lua_pushvalue(L, 1); /* core does not copy it */
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 2);
  if (gw_vocab_new(text, size, &vocab, &error) != GW_OK) {
    strncpy(error.file, name, sizeof error.file - 1);
    return gwl_raise(L, &error);
  }
  *box = vocab;
  return 1;
}

static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gw_vocab_size(gwl_check(L, 1, GWL_VOCAB)));
  return 1;
}

/* vocab[i]: the token with this id, from 0; vocab.name */
static int index_vocab(lua_State *L) {
  const gw_vocab *vocab = gwl_check(L, 1, GWL_VOCAB);
  int whole;
  lua_Integer id = lua_tointegerx(L, 2, &whole);
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "name") == 0) {
    lua_getiuservalue(L, 1, 2);
    if (lua_isnil(L, -1)) lua_pushliteral(L, "");
    return 1;
  }
  if (lua_type(L, 2) != LUA_TNUMBER || !whole)
    return gwl_wrong(L, "a vocabulary has tokens by their ids (vocab[0] is the first), its length and name, no '%s'", luaL_tolstring(L, 2, NULL));
  if (id < 0 || (size_t)id >= gw_vocab_size(vocab)) {
    lua_pushnil(L);
    return 1;
  }
  gw_span token = gw_vocab_token(vocab, (size_t)id);
  lua_pushlstring(L, token.data, token.size);
  return 1;
}

static int to_text(lua_State *L) {
  const gw_vocab *vocab = gwl_check(L, 1, GWL_VOCAB);
  lua_getiuservalue(L, 1, 2);
  const char *name = lua_tostring(L, -1);
  lua_pushfstring(L, "%s%s%I tokens", name ? name : "", name && *name ? ": " : "", (LUAI_UACINT)gw_vocab_size(vocab));
  return 1;
}

static size_t count_at(lua_State *L, int index) {
  lua_Integer value = luaL_optinteger(L, index, 0);
  luaL_argcheck(L, value >= 0, index, "a count is not negative");
  return (size_t)value;
}

/* aliases: a sequence token, old, token, old, ... of strings. */
int gwl_vocab_remap(lua_State *L) {
  const gw_vocab *vocab = gwl_check(L, 1, GWL_VOCAB), *old = gwl_check(L, 2, GWL_VOCAB);
  gw_vocab_options options = GW_VOCAB_OPTIONS_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_remapping *remapping;
  lua_settop(L, 6);
  options.new_size = count_at(L, 3);
  options.old_size = count_at(L, 4);
  options.oov_buckets = count_at(L, 5);
  if (!lua_isnil(L, 6)) {
    luaL_checktype(L, 6, LUA_TTABLE);
    options.alias_count = (size_t)lua_rawlen(L, 6) / 2;
    gw_vocab_alias *aliases = lua_newuserdatauv(L, options.alias_count * sizeof *aliases + 1, 0);
    for (size_t i = 0; i < 2 * options.alias_count; i++) {
      gw_span *span = i % 2 ? &aliases[i / 2].old : &aliases[i / 2].token;
      if (lua_rawgeti(L, 6, (lua_Integer)i + 1) != LUA_TSTRING) return luaL_error(L, "tokens are strings, not %s", gwl_what(L, -1));
      span->data = lua_tolstring(L, -1, &span->size); /* the table keeps it */
      lua_pop(L, 1);
    }
    options.aliases = aliases;
  }
  void **box = gwl_new(L, GWL_REMAPPING, 0);
  if (gw_vocab_remap(vocab, old, &options, &remapping, &error) != GW_OK) return gwl_raise(L, &error);
  *box = remapping;
  lua_pushinteger(L, (lua_Integer)remapping->kept);
  lua_pushinteger(L, (lua_Integer)remapping->added);
  lua_pushinteger(L, (lua_Integer)remapping->lost);
  return 4;
}

int gwl_vocab_apply(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  const gw_remapping *remapping = gwl_check(L, 2, GWL_REMAPPING);
  gw_tensor *missing = gwl_check_tensor(L, 4);
  gw_error error = GW_ERROR_INIT;
  if (gw_tensor_remap(tensor, remapping, luaL_checkinteger(L, 3), missing, &result, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_tensor(L, result);
  return 1;
}

static int remapping_length(lua_State *L) {
  const gw_remapping *remapping = gwl_check(L, 1, GWL_REMAPPING);
  lua_pushinteger(L, (lua_Integer)remapping->count);
  return 1;
}

void gwl_open_vocab(lua_State *L) {
  static const luaL_Reg meta[] = {{"__len", length}, {"__tostring", to_text}, {NULL, NULL}};
  static const luaL_Reg of_remappings[] = {{"__len", remapping_length}, {NULL, NULL}};
  static const luaL_Reg none[] = {{NULL, NULL}};
  gwl_make_type(L, GWL_VOCAB, release, meta, none, index_vocab);
  lua_pop(L, 1);
  gwl_make_type(L, GWL_REMAPPING, release_remapping, of_remappings, none, NULL);
  lua_pop(L, 1);
}

/* Drafts in Lua, and `ckpt.vars`. Loops that call a recipe's functions are in scripts/godwit/draft.lua; what works on all
 * names at once is here. */
#include <string.h>

#include "gwl.h"

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_DRAFT);
  gw_draft_release(*box);
  *box = NULL;
  return 0;
}

void gwl_push_draft(lua_State *L, gw_draft *draft) {
  if (!lua_checkstack(L, 4)) {
    gw_draft_release(draft);
    luaL_error(L, "stack overflow");
  }
  void **box = gwl_new(L, GWL_DRAFT, 0);
  *box = draft;
}

static gw_draft *settled(lua_State *L, gw_draft *draft) {
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_settle(draft, &error) != GW_OK) gwl_raise(L, &error);
  return draft;
}

gw_draft *gwl_check_draft(lua_State *L, int index) { return settled(L, gwl_check(L, index, GWL_DRAFT)); }
static gw_draft *check_vars(lua_State *L, int index) { return settled(L, gwl_check(L, index, GWL_VARS)); }

int gwl_draft_new(lua_State *L) {
  gw_draft *draft;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_new(&draft, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_draft(L, draft);
  return 1;
}

static const char *where(lua_State *L, char line[128]) { return gwl_where(L, line, 128) ? line : NULL; }

/* ---- One name */

static int has(lua_State *L) {
  const gw_draft *draft = gwl_check_draft(L, 1);
  size_t length;
  const char *name = luaL_checklstring(L, 2, &length);
  lua_pushboolean(L, gw_draft_has(draft, name, length));
  return 1;
}

static int push_var(lua_State *L, gw_draft *draft, int name_index) {
  size_t length;
  gw_tensor *tensor;
  gw_error error = GW_ERROR_INIT;
  const char *name = luaL_checklstring(L, name_index, &length);
  name_index = lua_absindex(L, name_index);
  if (gw_draft_get(draft, name, length, &tensor, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_tensor(L, tensor);
  if (!gw_draft_is_objects(draft)) { /* under which name it was read: a new variable's full name */
    lua_pushvalue(L, name_index);
    lua_setiuservalue(L, -2, 1);
  }
  return 1;
}

static int get(lua_State *L) {
  gw_draft *draft = gwl_check_draft(L, 1);
  size_t length;
  const char *name = luaL_checklstring(L, 2, &length);
  if (gw_draft_has(draft, name, length)) return push_var(L, draft, 2);
  lua_settop(L, 3);
  return 1;
}

static int set_var(lua_State *L, gw_draft *draft, int name_index, int value_index) {
  size_t length;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  gw_status status;
  const char *name = luaL_checklstring(L, name_index, &length);
  if (lua_isnil(L, value_index)) {
    status = gw_draft_remove(draft, name, length, where(L, line), &error);
  } else {
    gw_tensor *tensor = gwl_test_tensor(L, value_index);
    if (!tensor)
      return gwl_wrong(L, "vars[\"%s\"] takes a tensor, not %s (gw.scalar and gw.tensor make tensors)", name,
                       gwl_what(L, value_index));
    status = gw_draft_set(draft, name, length, tensor, where(L, line), &error);
  }
  return status == GW_OK ? 0 : gwl_raise(L, &error);
}

static int role(lua_State *L) {
  const gw_draft *draft = gwl_check_draft(L, 1);
  size_t length;
  const char *name = luaL_checklstring(L, 2, &length);
  if (!gw_draft_has(draft, name, length)) return push_var(L, gwl_check_draft(L, 1), 2); /* raises, with the nearest names */
  lua_pushstring(L, gw_role_name(gw_draft_role(draft, name, length)));
  return 1;
}

/* ---- Many names */

/* The draft of a call that looks at every name. */
static gw_draft *check_bulk(lua_State *L) {
  gw_draft *draft = gwl_check_draft(L, 1);
  gwl_charge(L, 1 + gw_draft_count(draft));
  return draft;
}

/* draft:core_names(which?, limit?) -> a sequence of names, in key order: of those the first `limit`. */
static int names(lua_State *L) {
  gw_draft *draft = check_bulk(L);
  gw_which which;
  bool all = lua_isnoneornil(L, 2);
  lua_Integer limit = luaL_optinteger(L, 3, LUA_MAXINTEGER);
  if (!all) gwl_check_which(L, 2, &which);
  void **box = gwl_block(L);
  gw_span *list;
  size_t count;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_select(draft, all ? NULL : &which, &list, &count, &error) != GW_OK) return gwl_raise(L, &error);
  *box = list;
  if (limit >= 0 && (size_t)limit < count) count = (size_t)limit;
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, list[i].data, list[i].size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

typedef gw_status (*bulk)(gw_draft *, const gw_which *, const char *, size_t *, gw_error *);

static int by_which(lua_State *L, bulk rule) {
  gw_draft *draft = check_bulk(L);
  gw_which which;
  char line[128];
  size_t count;
  gw_error error = GW_ERROR_INIT;
  luaL_checkany(L, 2);
  gwl_check_which(L, 2, &which);
  if (rule(draft, &which, where(L, line), &count, &error) != GW_OK) return gwl_raise(L, &error);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

static int drop(lua_State *L) { return by_which(L, gw_draft_drop); }
static int keep_only(lua_State *L) { return by_which(L, gw_draft_keep_only); }

/* draft:rename_pairs{ {regex, replacement}, ... } -> how many names matched. */
static int rename_pairs(lua_State *L) {
  gw_draft *draft = check_bulk(L);
  char line[128];
  size_t renamed;
  gw_error error = GW_ERROR_INIT;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
  gw_rename_pair *pairs = lua_newuserdatauv(L, (size_t)count * sizeof *pairs + 1, 0);
  lua_createtable(L, (int)count, 0);
  int which = lua_gettop(L);
  for (lua_Integer i = 0; i < count; i++) {
    gw_which one;
    /* Strings only: a number would become one that nothing keeps alive. */
    if (lua_rawgeti(L, 2, i + 1) != LUA_TTABLE || lua_rawgeti(L, -1, 1) != LUA_TSTRING || lua_rawgeti(L, -2, 2) != LUA_TSTRING)
      return gwl_wrong(L, "rule %d is not {pattern, replacement}", (int)i + 1);
    pairs[i].replacement.data = lua_tolstring(L, -1, &pairs[i].replacement.size);
    lua_pop(L, 1);
    gwl_check_which(L, -1, &one);
    pairs[i].regex = one.regexes[0];
    lua_rawseti(L, which, i + 1); /* keeps the compiled pattern alive */
    lua_pop(L, 2);
  }
  if (gw_draft_rename_regex(draft, pairs, (size_t)count, where(L, line), &renamed, &error) != GW_OK) return gwl_raise(L, &error);
  lua_pushinteger(L, (lua_Integer)renamed);
  return 1;
}

/* draft:rename_exact(from, to): two sequences of names. */
static int rename_exact(lua_State *L) {
  gw_draft *draft = check_bulk(L);
  char line[128];
  size_t renamed;
  gw_error error = GW_ERROR_INIT;
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t count = (size_t)lua_rawlen(L, 2);
  gw_span *spans = lua_newuserdatauv(L, 2 * count * sizeof *spans + 1, 0);
  for (size_t i = 0; i < count; i++)
    for (int side = 0; side < 2; side++) {
      gw_span *span = &spans[(size_t)side * count + i];
      if (lua_rawgeti(L, 2 + side, (lua_Integer)i + 1) != LUA_TSTRING) return luaL_error(L, "names are strings, not %s", gwl_what(L, -1));
      span->data = lua_tolstring(L, -1, &span->size); /* kept alive by the table */
      lua_pop(L, 1);
    }
  if (gw_draft_rename_exact(draft, spans, spans + count, count, where(L, line), &renamed, &error) != GW_OK) return gwl_raise(L, &error);
  lua_pushinteger(L, (lua_Integer)renamed);
  return 1;
}

static int rename_scope(lua_State *L) {
  gw_draft *draft = check_bulk(L);
  size_t from_length, to_length, renamed;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const char *from = luaL_checklstring(L, 2, &from_length), *to = luaL_checklstring(L, 3, &to_length);
  if (gw_draft_rename_scope(draft, from, from_length, to, to_length, where(L, line), &renamed, &error) != GW_OK)
    return gwl_raise(L, &error);
  lua_pushinteger(L, (lua_Integer)renamed);
  return 1;
}

/* The names at [index][i]: one, or a sequence. Spans point into strings that the table keeps alive. */
static size_t rule_targets(lua_State *L, int index, lua_Integer i, gw_span *out) {
  size_t count = 1;
  if (lua_rawgeti(L, index, i) == LUA_TTABLE) {
    count = (size_t)lua_rawlen(L, -1);
    for (size_t j = 0; j < count && out; j++) {
      if (lua_rawgeti(L, -1, (lua_Integer)j + 1) != LUA_TSTRING) luaL_error(L, "names are strings, not %s", gwl_what(L, -1));
      out[j].data = lua_tolstring(L, -1, &out[j].size);
      lua_pop(L, 1);
    }
  } else if (lua_type(L, -1) != LUA_TSTRING) {
    luaL_error(L, "names are strings, not %s", gwl_what(L, -1));
  } else if (out) {
    out->data = lua_tolstring(L, -1, &out->size);
  }
  lua_pop(L, 1);
  return count;
}

/* draft:core_assign(source, from, to, tensors, optional) -> how many tensors were assigned. `from`: a sequence of names; `to`: of
 * names or sequences of them; `tensors`: by the rule's number, what comes instead of the source's. */
static int assign(lua_State *L) {
  gw_draft *draft = gwl_check_draft(L, 1), *source = gwl_check_draft(L, 2);
  char line[128];
  size_t assigned, targets = 0;
  gw_error error = GW_ERROR_INIT;
  for (int i = 3; i <= 5; i++) luaL_checktype(L, i, LUA_TTABLE);
  size_t count = (size_t)lua_rawlen(L, 3);
  for (size_t i = 0; i < count; i++) targets += rule_targets(L, 4, (lua_Integer)i + 1, NULL);
  gw_assign_rule *rules = lua_newuserdatauv(L, count * sizeof *rules + 1, 0);
  gw_span *spans = lua_newuserdatauv(L, targets * sizeof *spans + 1, 0);
  for (size_t i = 0; i < count; i++) {
    if (lua_rawgeti(L, 3, (lua_Integer)i + 1) != LUA_TSTRING) return luaL_error(L, "names are strings, not %s", gwl_what(L, -1));
    rules[i].from.data = lua_tolstring(L, -1, &rules[i].from.size);
    lua_rawgeti(L, 5, (lua_Integer)i + 1);
    rules[i].tensor = lua_isnil(L, -1) ? NULL : gwl_check(L, -1, GWL_TENSOR); /* the table keeps it */
    lua_pop(L, 2);
    rules[i].to = spans;
    rules[i].to_count = rule_targets(L, 4, (lua_Integer)i + 1, spans);
    spans += rules[i].to_count;
  }
  if (gw_draft_assign(draft, source, rules, count, lua_toboolean(L, 6), where(L, line), &assigned, &error) != GW_OK)
    return gwl_raise(L, &error);
  lua_pushinteger(L, (lua_Integer)assigned);
  return 1;
}

/* draft:core_edge_paths() -> a sequence of the paths that rename looks at */
static int edge_paths(lua_State *L) {
  gw_draft *draft = check_bulk(L);
  void **box = gwl_block(L), **memory = gwl_block(L);
  gw_span *paths;
  char *text;
  size_t count;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_edge_paths(draft, &paths, &count, &text, &error) != GW_OK) return gwl_raise(L, &error);
  *box = paths;
  *memory = text;
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, paths[i].data, paths[i].size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int merge(lua_State *L) {
  gw_draft *draft = check_bulk(L), *other = gwl_check_draft(L, 2);
  gwl_charge(L, gw_draft_count(other));
  char line[128];
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_merge(draft, other, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

static int copy(lua_State *L) {
  const gw_draft *draft = check_bulk(L);
  gw_draft *made;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_copy(draft, &made, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_draft(L, made);
  return 1;
}

static int edited(lua_State *L) {
  lua_pushboolean(L, gw_draft_edited(gwl_check(L, 1, GWL_DRAFT)));
  return 1;
}

/* draft:core_edits() -> another number after every edit */
static int edits(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gw_draft_edits(gwl_check(L, 1, GWL_DRAFT)));
  return 1;
}

/* draft:core_reads(other): does a tensor of the draft come from the checkpoint that other was opened from? */
static int reads(lua_State *L) {
  const gw_bundle *bundle = gw_draft_bundle(gwl_check_draft(L, 2));
  lua_pushboolean(L, bundle && gw_draft_reads(gwl_check_draft(L, 1), bundle));
  return 1;
}

static int same(lua_State *L) {
  lua_pushboolean(L, gwl_check(L, 1, GWL_DRAFT) == gwl_check(L, 2, GWL_DRAFT));
  return 1;
}

static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gw_draft_count(gwl_check_draft(L, 1)));
  return 1;
}

/* ---- Fields */

static bool push_field(lua_State *L, gw_draft *draft, const char *field) {
  if (strcmp(field, "kind") == 0) {
    lua_pushstring(L, gw_draft_is_objects(draft) ? "objects" : "variables");
  } else if (strcmp(field, "format") == 0) {
    const gw_bundle *bundle = gw_draft_bundle(draft);
    lua_pushstring(L, bundle && gw_bundle_is_v1(bundle) ? "v1" : "v2");
  } else if (strcmp(field, "path") == 0) {
    const gw_bundle *bundle = gw_draft_bundle(draft);
    if (bundle) lua_pushstring(L, gw_bundle_prefix(bundle));
    else lua_pushliteral(L, "");
  } else if (strcmp(field, "root") == 0) {
    lua_pushcfunction(L, gwl_node_root);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
  } else if (strcmp(field, "vars") == 0) {
    void **box = gwl_new(L, GWL_VARS, 1);
    *box = gw_draft_retain(draft);
  } else {
    return false;
  }
  return true;
}

static int index_field(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT); /* not settled: a method says in its own place what is wrong */
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (push_field(L, draft, lua_tostring(L, 2))) return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  }
  static const char *const fields[] = {"kind", "format", "path", "vars", NULL};
  return gwl_no_field(L, "a checkpoint", fields, lua_upvalueindex(1), " (tensors are in ckpt.vars)");
}

/* ckpt.root = value: draft.lua knows what a value may be. */
static int set_field(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "root") == 0) {
    lua_getfield(L, lua_upvalueindex(1), "core_set_root");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_call(L, 2, 0);
    return 0;
  }
  return luaL_error(L, "a checkpoint's field '%s' cannot be assigned (tensors are in ckpt.vars)", luaL_tolstring(L, 2, NULL));
}

/* ---- ckpt.vars */

static int release_vars(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_VARS);
  gw_draft_release(*box);
  *box = NULL;
  return 0;
}

static int vars_index(lua_State *L) {
  gw_draft *draft = check_vars(L, 1);
  if (lua_type(L, 2) != LUA_TSTRING)
    return gwl_wrong(L, "vars takes a tensor's name, not %s", gwl_what(L, 2));
  return push_var(L, draft, 2);
}

static int vars_newindex(lua_State *L) {
  gw_draft *draft = check_vars(L, 1);
  if (lua_type(L, 2) != LUA_TSTRING)
    return gwl_wrong(L, "vars takes a tensor's name, not %s", gwl_what(L, 2));
  return set_var(L, draft, 2, 3);
}

static int vars_length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gw_draft_count(check_vars(L, 1)));
  return 1;
}

/* next(names, i) over the names as they were when the loop began; what went meanwhile is passed over. */
static int vars_next(lua_State *L) {
  gw_draft *draft = check_vars(L, lua_upvalueindex(1));
  lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
  for (;;) {
    size_t size;
    if (lua_rawgeti(L, lua_upvalueindex(2), ++at) == LUA_TNIL) return 1;
    const char *name = lua_tolstring(L, -1, &size);
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    if (gw_draft_has(draft, name, size)) return 1 + push_var(L, draft, lua_gettop(L));
    lua_pop(L, 1);
  }
}

static int vars_pairs(lua_State *L) {
  gw_draft *draft = check_vars(L, 1);
  lua_pushvalue(L, 1);
  lua_pushcfunction(L, names);
  gwl_push_draft(L, gw_draft_retain(draft));
  lua_call(L, 1, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, vars_next, 3);
  return 1;
}

/* draft:each(which?): name, tensor. */
static int each(lua_State *L) {
  gw_draft *draft = gwl_check_draft(L, 1);
  lua_settop(L, 2);
  void **box = gwl_new(L, GWL_VARS, 1);
  *box = gw_draft_retain(draft);
  lua_pushcfunction(L, names);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, vars_next, 3);
  return 1;
}

void gwl_open_draft(lua_State *L) {
  static const luaL_Reg meta[] = {{"__len", length}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"has", has},
                                     {"get", get},
                                     {"role", role},
                                     {"each", each},
                                     {"copy", copy},
                                     {"merge", merge},
                                     {"core_names", names},
                                     {"core_drop", drop},
                                     {"core_keep_only", keep_only},
                                     {"core_rename_pairs", rename_pairs},
                                     {"core_rename_exact", rename_exact},
                                     {"core_rename_scope", rename_scope},
                                     {"core_assign", assign},
                                     {"core_edge_paths", edge_paths},
                                     {"core_edited", edited},
                                     {"core_edits", edits},
                                     {"core_same", same},
                                     {"core_reads", reads},
                                     {NULL, NULL}};
  static const luaL_Reg vars_meta[] = {
      {"__newindex", vars_newindex}, {"__len", vars_length}, {"__pairs", vars_pairs}, {NULL, NULL}};
  static const luaL_Reg none[] = {{NULL, NULL}};
  gwl_make_type(L, GWL_VARS, release_vars, vars_meta, none, vars_index);
  lua_pop(L, 1);
  gwl_make_type(L, GWL_DRAFT, release, meta, methods, index_field);
  /* [core methods] */
  luaL_getmetatable(L, GWL_DRAFT);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, set_field, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pop(L, 1);
  lua_setfield(L, -2, "draft_methods");
}

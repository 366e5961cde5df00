/* Plans, and the work on whole checkpoints: runs and verifications. */
#include <string.h>

#include "gwl.h"

/* ---- Options */

static bool flag(lua_State *L, int index, const char *field) {
  lua_getfield(L, index, field);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

static lua_Integer number(lua_State *L, int index, const char *field, lua_Integer most) {
  lua_Integer value = 0;
  if (lua_getfield(L, index, field) != LUA_TNIL) {
    int whole;
    value = lua_tointegerx(L, -1, &whole);
    if (!whole || value < 0 || value > most) gwl_wrong(L, "option '%s' must be a whole number from 0 to %I", field, (LUAI_UACINT)most);
  }
  lua_pop(L, 1);
  return value;
}

static void refuse_unknown(lua_State *L, int index, const char *const *known) {
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    size_t i = 0;
    if (lua_type(L, -2) == LUA_TSTRING)
      while (known[i] && strcmp(known[i], lua_tostring(L, -2)) != 0) i++;
    if (lua_type(L, -2) != LUA_TSTRING || !known[i]) gwl_wrong(L, "there is no option '%s'", luaL_tolstring(L, -2, NULL));
  }
}

static const char *const option_names[] = {"data", "shards", "no_verify", "verify", "force", "latest", "threads", "memory", "timestamp", "lineage", NULL};

static gw_plan_options plan_options(lua_State *L, int index) {
  gw_plan_options options = GW_PLAN_OPTIONS_INIT;
  if (lua_isnoneornil(L, index)) return options;
  if (!lua_istable(L, index)) gwl_wrong(L, "options are a table like {data = \"link\"}, not %s", gwl_what(L, index));
  refuse_unknown(L, index, option_names);
  if (lua_getfield(L, index, "data") != LUA_TNIL) {
    const char *data = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    if (strcmp(data, "clone") == 0) options.data = GW_DATA_CLONE;
    else if (strcmp(data, "link") == 0) options.data = GW_DATA_LINK;
    else if (strcmp(data, "copy") != 0) gwl_wrong(L, "option 'data' is copy, clone or link, not '%s'", data);
  }
  lua_pop(L, 1);
  options.shards = (int32_t)number(L, index, "shards", 99999);
  if (flag(L, index, "verify")) options.verify = GW_VERIFY_ALL;
  if (flag(L, index, "no_verify")) options.verify = GW_VERIFY_NONE;
  return options;
}

static gw_run_options run_options(lua_State *L, int index) {
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  if (lua_isnoneornil(L, index)) return options;
  options.force = flag(L, index, "force");
  options.latest = flag(L, index, "latest");
  options.lineage = flag(L, index, "lineage");
  options.threads = (unsigned)number(L, index, "threads", 256);
  options.memory = (uint64_t)number(L, index, "memory", LUA_MAXINTEGER);
  lua_getfield(L, index, "timestamp");
  options.timestamp = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return options;
}

/* ---- Plans */

static int release_plan(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_PLAN);
  gw_plan_free(*box);
  *box = NULL;
  return 0;
}

/* core.plan(draft, options?) */
int gwl_plan_compile(lua_State *L) {
  gw_draft *draft = gwl_check_draft(L, 1);
  gw_plan_options options = plan_options(L, 2);
  gw_error error = GW_ERROR_INIT;
  gw_plan *plan;
  void **box = gwl_new(L, GWL_PLAN, 0);
  if (gw_plan_compile(draft, &options, &plan, &error) != GW_OK) {
    /* An empty draft is the recipe's doing; what else is invalid comes from flags. */
    return gw_draft_count(draft) == 0 ? gwl_raise(L, &error) : gwl_raise_usage(L, &error);
  }
  *box = plan;
  return 1;
}

static void set_span(lua_State *L, const char *field, gw_span span) {
  lua_pushlstring(L, span.data, span.size);
  lua_setfield(L, -2, field);
}

static void set_text(lua_State *L, const char *field, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

static void push_integers(lua_State *L, const int64_t *numbers, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, numbers[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* [entry] -> the same with its slices: {{start = {}, length = {}, shard, bytes}} */
static void set_slices(lua_State *L, const gw_plan *plan, size_t index, const gw_plan_entry *found) {
  size_t rank = gw_tensor_rank(found->tensor);
  lua_createtable(L, (int)found->slices, 0);
  for (size_t i = 0; i < found->slices; i++) {
    gw_slice_info slice;
    gw_plan_slice(plan, index, i, &slice);
    lua_createtable(L, 0, 4);
    push_integers(L, slice.starts, rank);
    lua_setfield(L, -2, "start");
    push_integers(L, slice.lengths, rank);
    lua_setfield(L, -2, "length");
    lua_pushinteger(L, slice.shard);
    lua_setfield(L, -2, "shard");
    lua_pushinteger(L, (lua_Integer)slice.size);
    lua_setfield(L, -2, "bytes");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "slices");
}

/* plan:entry(i) -> {name, dtype, shape, bytes, action, from, replaces, expression, line, shard, slices}; i counts from 1 */
static int entry(lua_State *L) {
  gw_plan *plan = gwl_check(L, 1, GWL_PLAN);
  lua_Integer index = luaL_checkinteger(L, 2);
  gw_plan_entry found;
  gw_error error = GW_ERROR_INIT;
  luaL_argcheck(L, index >= 1 && (size_t)index <= gw_plan_count(plan), 2, "no such entry");
  if (gw_plan_entry_at(plan, (size_t)index - 1, &found, &error) != GW_OK) return gwl_raise(L, &error);
  lua_createtable(L, 0, 10);
  set_span(L, "name", found.name);
  const char *dtype = gw_dtype_name(gw_tensor_dtype(found.tensor));
  if (dtype) lua_pushstring(L, dtype);
  else lua_pushfstring(L, "dtype %d", gw_tensor_dtype(found.tensor));
  lua_setfield(L, -2, "dtype");
  gwl_push_shape(L, gw_tensor_rank(found.tensor), gw_tensor_dims(found.tensor));
  lua_setfield(L, -2, "shape");
  lua_pushinteger(L, (lua_Integer)found.bytes);
  lua_setfield(L, -2, "bytes");
  if (found.slices > 0) set_slices(L, plan, (size_t)index - 1, &found);
  set_text(L, "action", gw_action_name(found.action));
  lua_createtable(L, (int)found.from_count, 0);
  for (size_t i = 0; i < found.from_count; i++) {
    lua_pushlstring(L, found.from[i].data, found.from[i].size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "from");
  if (found.replaces.data) set_span(L, "replaces", found.replaces);
  set_text(L, "expression", found.expression);
  set_text(L, "line", found.line);
  lua_pushinteger(L, found.shard);
  lua_setfield(L, -2, "shard");
  return 1;
}

/* plan:changed(limit) -> the numbers of the first entries that are not unchanged, at most so many */
static int changed(lua_State *L) {
  const gw_plan *plan = gwl_check(L, 1, GWL_PLAN);
  lua_Integer limit = luaL_checkinteger(L, 2), found = 0;
  size_t count = gw_plan_count(plan);
  lua_newtable(L);
  for (size_t i = 0; i < count && found < limit; i++) {
    if (gw_plan_action_at(plan, i) == GW_ACTION_UNCHANGED) continue;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_rawseti(L, -2, ++found);
  }
  return 1;
}

static int dropped(lua_State *L) {
  const gw_plan *plan = gwl_check(L, 1, GWL_PLAN);
  lua_Integer index = luaL_checkinteger(L, 2);
  gw_plan_dropped found;
  if (index < 1 || (size_t)index > gw_plan_dropped_count(plan)) return 0;
  gw_plan_dropped_at(plan, (size_t)index - 1, &found);
  lua_pushlstring(L, found.name.data, found.name.size);
  lua_pushstring(L, found.line);
  return 2;
}

static int totals(lua_State *L) {
  const gw_plan *plan = gwl_check(L, 1, GWL_PLAN);
  gw_plan_totals sum;
  gw_plan_totals_of(plan, &sum);
  const struct {
    const char *name;
    uint64_t value;
  } fields[] = {{"tensors", gw_plan_count(plan)},     {"unchanged", sum.unchanged},
                {"renamed", sum.renamed},             {"computed", sum.computed},
                {"new", sum.added},                   {"dropped", sum.dropped},
                {"bytes_computed", sum.bytes_computed}, {"bytes_moved", sum.bytes_moved},
                {"bytes_shared", sum.bytes_shared},   {"bytes_unverified", sum.bytes_unverified},
                {"shards", (uint64_t)gw_plan_shards(plan)}};
  lua_createtable(L, 0, 12);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    lua_pushinteger(L, (lua_Integer)fields[i].value);
    lua_setfield(L, -2, fields[i].name);
  }
  lua_pushstring(L, gw_plan_is_objects(plan) ? "objects" : "variables");
  lua_setfield(L, -2, "kind");
  return 1;
}

/* ---- Runs and verifications */

GWL_WORK_OPS(run, gw_run);
GWL_WORK_OPS(verify, gw_verify);

/* plan:run(prefix, options) -> work */
static int start_run(lua_State *L) {
  gw_plan *plan = gwl_check(L, 1, GWL_PLAN);
  const char *prefix = luaL_checkstring(L, 2);
  gw_run_options options = run_options(L, 3);
  gw_error error = GW_ERROR_INIT;
  gw_run *started;
  void **box = gwl_new_work(L, &run_work);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1); /* the run borrows the plan */
  if (gw_run_start(plan, prefix, &options, &started, &error) != GW_OK) return gwl_raise_usage(L, &error);
  *box = started;
  return 1;
}

/* core.verify(prefix, threads) -> work */
int gwl_verify(lua_State *L) {
  const char *prefix = luaL_checkstring(L, 1);
  lua_Integer threads = luaL_optinteger(L, 2, 0);
  gw_error error = GW_ERROR_INIT;
  luaL_argcheck(L, threads >= 0 && threads <= 256, 2, "threads from 0 to 256");
  gw_verification *started;
  void **box = gwl_new_work(L, &verify_work);
  if (gw_verify_start(prefix, (unsigned)threads, &started, &error) != GW_OK) return gwl_raise(L, &error);
  *box = started;
  return 1;
}

static int commit(lua_State *L) {
  gw_error error = GW_ERROR_INIT;
  if (gw_run_commit(gwl_check_work(L, 1, &run_work), &error) != GW_OK) return gwl_raise_usage(L, &error);
  return 0;
}

/* work:index_path(): where the index waits, once all is written */
static int index_path(lua_State *L) {
  lua_pushstring(L, gw_run_index_path(gwl_check_work(L, 1, &run_work)));
  return 1;
}

/* work:lineage(text): what goes beside the checkpoint when it is committed */
static int lineage(lua_State *L) {
  size_t size;
  gw_error error = GW_ERROR_INIT;
  gw_run *run = gwl_check_work(L, 1, &run_work);
  const char *text = luaL_checklstring(L, 2, &size);
  if (gw_run_set_lineage(run, text, size, &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

static int note(lua_State *L) {
  const gw_run *run = gwl_check_work(L, 1, &run_work);
  lua_Integer index = luaL_checkinteger(L, 2);
  const char *text = index >= 1 ? gw_run_note(run, (size_t)index - 1) : NULL;
  lua_pushstring(L, text);
  return 1;
}

/* work:finding(i) -> {fatal, message, file, key, offset, what, hint} or nil */
static int finding(lua_State *L) {
  const gw_verification *verification = gwl_check_work(L, 1, &verify_work);
  lua_Integer index = luaL_checkinteger(L, 2);
  gw_finding found;
  char text[2300];
  if (index < 1 || !gw_verify_finding(verification, (size_t)index - 1, &found)) return 0;
  gw_error_format(&found.error, text, sizeof text);
  lua_createtable(L, 0, 8);
  lua_pushboolean(L, found.fatal);
  lua_setfield(L, -2, "fatal");
  set_text(L, "message", text);
  set_text(L, "what", found.error.what);
  set_text(L, "file", found.error.file[0] ? found.error.file : NULL);
  set_text(L, "key", found.error.key[0] ? found.error.key : NULL);
  set_text(L, "hint", found.error.hint[0] ? found.error.hint : NULL);
  if (found.error.has_offset) {
    lua_pushinteger(L, (lua_Integer)found.error.offset);
    lua_setfield(L, -2, "offset");
  }
  return 1;
}

static int tensors(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gw_verify_tensors(gwl_check_work(L, 1, &verify_work)));
  return 1;
}

void gwl_add_run_methods(lua_State *L) {
  static const luaL_Reg methods[] = {{"commit", commit}, {"index_path", index_path}, {"lineage", lineage}, {"note", note}, {"finding", finding}, {"tensors", tensors}, {NULL, NULL}};
  luaL_setfuncs(L, methods, 0);
}

void gwl_open_plan(lua_State *L) {
  static const luaL_Reg methods[] = {{"entry", entry}, {"changed", changed}, {"dropped", dropped}, {"totals", totals}, {"run", start_run}, {NULL, NULL}};
  gwl_make_type(L, GWL_PLAN, release_plan, NULL, methods, NULL);
  lua_pop(L, 1);
}

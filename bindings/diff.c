/* What differs between two checkpoints: gw_diff, row by row. */
#include <string.h>

#include "gwl.h"

GWL_WORK_OPS(diff, gw_diff);

static double number(lua_State *L, int index, const char *field) {
  lua_getfield(L, index, field);
  double value = luaL_optnumber(L, -1, 0);
  lua_pop(L, 1);
  return value;
}

/* core.diff(a, b, {rtol = x, atol = y, match = which?}) -> work */
int gwl_diff(lua_State *L) {
  gw_bundle *a = gwl_check(L, 1, GWL_BUNDLE), *b = gwl_check(L, 2, GWL_BUNDLE);
  gw_diff_options options = GW_DIFF_OPTIONS_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_which which;
  gw_diff *started;
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  options.rtol = number(L, 3, "rtol");
  options.atol = number(L, 3, "atol");
  if (lua_getfield(L, 3, "match") != LUA_TNIL) {
    gwl_check_which(L, lua_gettop(L), &which);
    options.which = &which;
  }
  void **box = gwl_new_work(L, &diff_work);
  lua_createtable(L, 2, 0); /* both bundles, which differences() reads strings from */
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 2);
  lua_setiuservalue(L, -2, 1);
  if (gw_diff_start(a, b, &options, &started, &error) != GW_OK) return gwl_raise(L, &error);
  *box = started;
  return 1;
}

/* diff:counts() -> {same, removed, added, type, values} */
static int counts(lua_State *L) {
  const gw_diff *diff = gwl_check_work(L, 1, &diff_work);
  lua_Integer sums[GW_DIFF_VALUES + 1] = {0};
  gw_diff_row row;
  for (size_t i = 0; i < gw_diff_count(diff); i++) {
    gw_diff_at(diff, i, &row);
    sums[row.kind]++;
  }
  lua_createtable(L, 0, GW_DIFF_VALUES + 1);
  for (int i = 0; i <= GW_DIFF_VALUES; i++) {
    lua_pushinteger(L, sums[i]);
    lua_setfield(L, -2, gw_diff_kind_name((gw_diff_kind)i));
  }
  return 1;
}

static gw_bundle *bundle_of(lua_State *L, int side) {
  lua_getiuservalue(L, 1, 1);
  lua_rawgeti(L, -1, side);
  gw_bundle *bundle = gwl_check(L, -1, GWL_BUNDLE);
  lua_pop(L, 2); /* the work keeps it */
  return bundle;
}

/* Sets field `side` of the table on top: {dtype, shape, bytes}. */
static void set_side(lua_State *L, const char *field, int side, size_t index) {
  gw_entry_info info;
  if (index == SIZE_MAX) return;
  gw_bundle_entry(bundle_of(L, side), index, &info);
  lua_createtable(L, 0, 3);
  const char *dtype = gw_dtype_name(info.dtype);
  if (dtype) lua_pushstring(L, dtype);
  else lua_pushfstring(L, "dtype %d", info.dtype);
  lua_setfield(L, -2, "dtype");
  gwl_push_shape(L, info.rank, info.dims);
  lua_setfield(L, -2, "shape");
  lua_pushinteger(L, (lua_Integer)info.size);
  lua_setfield(L, -2, "bytes");
  lua_setfield(L, -2, field);
}

/* The place as indices, counted from 0. */
static void push_place(lua_State *L, const gw_entry_info *info, uint64_t place) {
  int64_t at[GW_MAX_RANK];
  for (size_t i = info->rank; i-- > 0; place /= (uint64_t)info->dims[i]) at[i] = (int64_t)(place % (uint64_t)info->dims[i]);
  gwl_push_shape(L, info->rank, at);
}

/* Sets `field`, and as a person reads it `text`, of the table on top: the element that differs most, or the first string. */
static void set_string(lua_State *L, const char *field, const char *text, int side, size_t index, uint64_t place) {
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor;
  gw_span *strings;
  char *memory, shown[160];
  void **box = gwl_new(L, GWL_TENSOR, 0), **first = gwl_block(L), **second = gwl_block(L);
  if (gw_bundle_tensor(bundle_of(L, side), index, &tensor, &error) != GW_OK) gwl_raise(L, &error);
  *box = tensor;
  if (gw_tensor_read_strings(tensor, &strings, &memory, &error) != GW_OK) gwl_raise(L, &error);
  *first = strings;
  *second = memory;
  gw_span string = strings[place];
  gw_printable(shown, sizeof shown, string.data, string.size);
  lua_pushlstring(L, string.data ? string.data : "", string.size);
  lua_setfield(L, -5, field);
  lua_pushfstring(L, "\"%s\"", shown);
  lua_setfield(L, -5, text);
  lua_pop(L, 3);
}

static void set_element(lua_State *L, const char *field, const char *text, int dtype, const void *element) {
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor;
  char *shown;
  void **box = gwl_new(L, GWL_TENSOR, 0), **block = gwl_block(L);
  if (gw_tensor_constant(dtype, 0, NULL, element, gw_dtype_size(dtype), &tensor, &error) != GW_OK) gwl_raise(L, &error);
  *box = tensor;
  if (gw_tensor_preview(tensor, 1, 1, &shown, &error) != GW_OK) gwl_raise(L, &error);
  *block = shown;
  gwl_push_element(L, dtype, element);
  lua_setfield(L, -4, field);
  lua_pushstring(L, shown);
  lua_setfield(L, -4, text);
  lua_pop(L, 2);
}

/* Sets `different` and `largest` = {at, a, b, a_text, b_text, difference} of the table on top. */
static void set_difference(lua_State *L, const gw_diff_row *row) {
  const gw_difference *difference = &row->difference;
  gw_entry_info info;
  gw_bundle_entry(bundle_of(L, 1), row->a, &info);
  lua_pushinteger(L, (lua_Integer)difference->count);
  lua_setfield(L, -2, "different");
  lua_createtable(L, 0, 6);
  push_place(L, &info, difference->place);
  lua_setfield(L, -2, "at");
  if (info.dtype == GW_DT_STRING) {
    set_string(L, "a", "a_text", 1, row->a, difference->place);
    set_string(L, "b", "b_text", 2, row->b, difference->place);
  } else {
    set_element(L, "a", "a_text", info.dtype, difference->a);
    set_element(L, "b", "b_text", info.dtype, difference->b);
    if (difference->exact) gwl_push_element(L, GW_DT_UINT64, &difference->exact);
    else lua_pushnumber(L, difference->largest);
    lua_setfield(L, -2, "difference");
  }
  lua_setfield(L, -2, "largest");
}

static uint64_t elements_of(const gw_entry_info *info) {
  uint64_t elements = 1;
  for (size_t i = 0; i < info->rank; i++) elements *= (uint64_t)info->dims[i]; /* checked when the index was read */
  return elements;
}

static void push_row(lua_State *L, const gw_diff *diff, const gw_diff_row *row) {
  gw_diff_row twin;
  luaL_checkstack(L, 16, NULL);
  lua_createtable(L, 0, 8);
  lua_pushlstring(L, row->name.data, row->name.size);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, gw_diff_kind_name(row->kind));
  lua_setfield(L, -2, "change");
  set_side(L, "a", 1, row->a);
  set_side(L, "b", 2, row->b);
  if (row->twin != SIZE_MAX) {
    gw_diff_at(diff, row->twin, &twin);
    lua_pushlstring(L, twin.name.data, twin.name.size);
    lua_setfield(L, -2, "twin");
  }
  if (row->kind == GW_DIFF_VALUES && row->difference.count > 0) {
    gw_entry_info info;
    gw_bundle_entry(bundle_of(L, 1), row->a, &info);
    lua_pushinteger(L, (lua_Integer)elements_of(&info));
    lua_setfield(L, -2, "elements");
    set_difference(L, row);
  }
}

/* diff:change(from) -> the position behind the next row that differs, and its table; nil after the last. Starts at 0. */
static int change(lua_State *L) {
  const gw_diff *diff = gwl_check_work(L, 1, &diff_work);
  lua_Integer from = luaL_checkinteger(L, 2);
  gw_diff_row row;
  luaL_argcheck(L, from >= 0, 2, "a position");
  for (size_t i = (size_t)from; i < gw_diff_count(diff); i++) {
    gw_diff_at(diff, i, &row);
    if (row.kind == GW_DIFF_SAME) continue;
    lua_pushinteger(L, (lua_Integer)i + 1);
    push_row(L, diff, &row);
    return 2;
  }
  return 0;
}

void gwl_add_diff_methods(lua_State *L) {
  static const luaL_Reg methods[] = {{"counts", counts}, {"change", change}, {NULL, NULL}};
  luaL_setfuncs(L, methods, 0);
}

/* Elements of tensors as Lua values: integers exact, uint64 above 2^63 as strings, complex numbers as {re, im}. */
#include <stdio.h>

#include "gwl.h"

static void push_unsigned(lua_State *L, uint64_t value) {
  char text[24];
  if (value <= INT64_MAX) {
    lua_pushinteger(L, (lua_Integer)value);
    return;
  }
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  lua_pushstring(L, text);
}

static void push_pair(lua_State *L, double real, double imaginary) {
  lua_createtable(L, 2, 0);
  lua_pushnumber(L, real);
  lua_rawseti(L, -2, 1);
  lua_pushnumber(L, imaginary);
  lua_rawseti(L, -2, 2);
}

void gwl_push_element(lua_State *L, int dtype, const void *element) {
  gw_number number;
  if (!gw_number_get(dtype, element, &number)) {
    lua_pushnil(L);
    return;
  }
  switch (number.kind) {
    case GW_KIND_FLOAT: lua_pushnumber(L, number.real); break;
    case GW_KIND_INT: lua_pushinteger(L, number.i); break;
    case GW_KIND_UINT: push_unsigned(L, number.u); break;
    case GW_KIND_BOOL: lua_pushboolean(L, number.i != 0); break;
    case GW_KIND_COMPLEX: push_pair(L, number.real, number.imaginary); break;
    default: lua_pushnil(L);
  }
}

/* The axis `axis` from element `*next` on. Recursion is bounded by the rank (254) and checked stack. */
static void push_axis(lua_State *L, const gw_tensor *tensor, size_t axis, const uint8_t *bytes, const gw_span *strings,
                      uint64_t *next) {
  int dtype = gw_tensor_dtype(tensor);
  luaL_checkstack(L, 4, "a tensor of too many dimensions");
  if (axis == gw_tensor_rank(tensor)) {
    if (strings) lua_pushlstring(L, strings[*next].data ? strings[*next].data : "", strings[*next].size);
    else gwl_push_element(L, dtype, bytes + *next * gw_dtype_size(dtype));
    (*next)++;
    return;
  }
  int64_t size = gw_tensor_dims(tensor)[axis];
  lua_createtable(L, gw_tensor_elements(tensor) && size < INT32_MAX ? (int)size : 0, 0);
  for (int64_t i = 0; i < size; i++) {
    push_axis(L, tensor, axis + 1, bytes, strings, next);
    lua_rawseti(L, -2, i + 1);
  }
}

static void empty_pair(void **pair) {
  gw_free(pair[0]);
  gw_free(pair[1]);
  pair[0] = pair[1] = NULL;
}

static int free_pair(lua_State *L) {
  empty_pair(lua_touserdata(L, 1));
  return 0;
}

uint64_t gwl_value_size(const gw_tensor *tensor) {
  uint64_t rows = 1, lists = 0, elements = gw_tensor_elements(tensor);
  /* About what a number takes when it is printed. */
  if (gw_tensor_dtype(tensor) == GW_DT_STRING && gw_tensor_bytes(tensor) / GWL_STRING_UNIT > elements)
    elements = gw_tensor_bytes(tensor) / GWL_STRING_UNIT;
  for (size_t axis = 0; axis + 1 < gw_tensor_rank(tensor); axis++)
    if (__builtin_mul_overflow(rows, (uint64_t)gw_tensor_dims(tensor)[axis], &rows) || __builtin_add_overflow(lists, rows, &lists))
      return UINT64_MAX;
  return lists > elements ? lists : elements;
}

void gwl_push_value(lua_State *L, const gw_tensor *tensor) {
  gw_error error = GW_ERROR_INIT;
  uint64_t next = 0;
  if (gw_tensor_dtype(tensor) == GW_DT_STRING) {
    /* The box owns both blocks before Lua is asked for anything that may raise. */
    void **pair = lua_newuserdatauv(L, 2 * sizeof *pair, 0);
    pair[0] = pair[1] = NULL;
    if (luaL_newmetatable(L, "godwit.Pair")) {
      lua_pushcfunction(L, free_pair);
      lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    gw_span *strings;
    char *memory;
    if (gw_tensor_read_strings(tensor, &strings, &memory, &error) != GW_OK) gwl_raise(L, &error);
    pair[0] = strings;
    pair[1] = memory;
    push_axis(L, tensor, 0, NULL, strings, &next);
    empty_pair(pair);
  } else {
    size_t width = gw_dtype_size(gw_tensor_dtype(tensor));
    uint64_t elements = gw_tensor_elements(tensor);
    uint8_t *bytes = lua_newuserdatauv(L, (size_t)(elements * width) + 1, 0);
    if (gw_tensor_read(tensor, 0, elements, bytes, &error) != GW_OK) gwl_raise(L, &error);
    push_axis(L, tensor, 0, bytes, NULL, &next);
  }
  lua_remove(L, -2);
}

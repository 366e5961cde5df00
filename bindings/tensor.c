/* Lazy tensors in Lua: fields are data (dtype, shape, ...), everything else is a method; scripts/godwit/tensor.lua adds
 * those that are sugar. */
#include <math.h>
#include <string.h>

#include "gwl.h"

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_TENSOR);
  gw_tensor_release(*box);
  *box = NULL;
  return 0;
}

void gwl_push_tensor(lua_State *L, gw_tensor *tensor) {
  /* Room first: what raises after the reference is taken over would lose it. */
  if (!lua_checkstack(L, 4)) {
    gw_tensor_release(tensor);
    luaL_error(L, "stack overflow");
  }
  void **box = gwl_new(L, GWL_TENSOR, 1); /* the name under which it was read, or nil */
  *box = tensor;
}

gw_tensor *gwl_test_tensor(lua_State *L, int index) {
  gw_tensor *tensor = gwl_test(L, index, GWL_TENSOR);
  if (tensor || !gwl_test(L, index, GWL_NODE)) return tensor;
  index = lua_absindex(L, index);
  gwl_push_node_tensor(L, index);
  lua_replace(L, index);
  return gwl_test(L, index, GWL_TENSOR);
}

gw_tensor *gwl_check_tensor(lua_State *L, int index) {
  gw_tensor *tensor = gwl_test_tensor(L, index);
  return tensor ? tensor : gwl_check(L, index, GWL_TENSOR);
}

/* ---- Shapes: plain sequences that compare and print */

static int64_t shape_item(lua_State *L, int index, lua_Integer nth) {
  lua_geti(L, index, nth);
  int64_t value = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value;
}

static int shape_equal(lua_State *L) {
  if (lua_type(L, 1) != LUA_TTABLE || lua_type(L, 2) != LUA_TTABLE) {
    lua_pushboolean(L, false);
    return 1;
  }
  lua_Integer count = luaL_len(L, 1);
  bool equal = count == luaL_len(L, 2);
  for (lua_Integer i = 1; i <= count && equal; i++) equal = shape_item(L, 1, i) == shape_item(L, 2, i);
  lua_pushboolean(L, equal);
  return 1;
}

static int shape_text(lua_State *L) {
  luaL_Buffer text;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 1);
  luaL_buffinit(L, &text);
  luaL_addchar(&text, '[');
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1) luaL_addchar(&text, ',');
    lua_pushfstring(L, "%I", (LUAI_UACINT)shape_item(L, 1, i));
    luaL_addvalue(&text);
  }
  luaL_addchar(&text, ']');
  luaL_pushresult(&text);
  return 1;
}

void gwl_push_shape(lua_State *L, size_t rank, const int64_t *dims) {
  lua_createtable(L, (int)rank, 0);
  for (size_t i = 0; i < rank; i++) {
    lua_pushinteger(L, dims[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  if (luaL_newmetatable(L, "godwit.Shape")) {
    lua_pushcfunction(L, shape_equal);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, shape_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "godwit.Shape");
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
}

size_t gwl_check_shape(lua_State *L, int index, int64_t *dims) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Integer rank = luaL_len(L, index);
  if (rank > GW_MAX_RANK) gwl_wrong(L, "a shape of more than 254 dimensions");
  for (lua_Integer i = 1; i <= rank; i++) {
    int whole;
    lua_geti(L, index, i);
    dims[i - 1] = lua_tointegerx(L, -1, &whole);
    if (!whole || dims[i - 1] < 0) gwl_wrong(L, "axis %d of the shape is not a size", (int)i - 1);
    lua_pop(L, 1);
  }
  return (size_t)rank;
}

int gwl_check_dtype(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  int dtype = gw_dtype_from_name(name);
  if (dtype == GW_DT_INVALID) return gwl_wrong(L, "there is no dtype '%s'", name);
  return dtype;
}

/* ---- Making constants */

/* tf.constant's defaults: a Lua float is float32, an integer int32, a boolean bool, a string string. */
static int default_dtype(lua_State *L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNUMBER: return lua_isinteger(L, index) ? GW_DT_INT32 : GW_DT_FLOAT;
    case LUA_TBOOLEAN: return GW_DT_BOOL;
    case LUA_TSTRING: return GW_DT_STRING;
    default: return gwl_wrong(L, "%s is not a value of a tensor (expected a number, a boolean or a string)", gwl_what(L, index));
  }
}

/* uint64 beyond what a Lua integer holds may be given as decimal digits. */
static bool digits(const char *text, uint64_t *out) {
  uint64_t value = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10u, &value) ||
        __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
      return false;
  }
  *out = value;
  return true;
}

static void check_number(lua_State *L, int index, int dtype, gw_number *out) {
  out->imaginary = 0;
  switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
      out->kind = GW_KIND_BOOL;
      out->i = lua_toboolean(L, index);
      return;
    case LUA_TNUMBER:
      out->kind = lua_isinteger(L, index) ? GW_KIND_INT : GW_KIND_FLOAT;
      if (out->kind == GW_KIND_INT) out->i = lua_tointeger(L, index);
      else out->real = lua_tonumber(L, index);
      return;
    case LUA_TSTRING:
      out->kind = GW_KIND_UINT;
      if (dtype == GW_DT_UINT64 && digits(lua_tostring(L, index), &out->u)) return;
      gwl_wrong(L, "the string '%s' is not a value of %s", lua_tostring(L, index), gw_dtype_name(dtype));
      return;
    default: gwl_wrong(L, "%s is not a value of %s", gwl_what(L, index), gw_dtype_name(dtype));
  }
}

/* Converts, or raises; `guessed` when nobody said the dtype. */
static void put_number(lua_State *L, int dtype, bool guessed, const gw_number *number, void *element) {
  static const char hint[] = "without a dtype an integer is int32, as in tf.constant; give another one, like \"int64\"";
  gw_error error = GW_ERROR_INIT;
  if (gw_number_put(dtype, number, element, &error) == GW_OK) return;
  if (guessed && dtype == GW_DT_INT32) memcpy(error.hint, hint, sizeof hint);
  gwl_raise(L, &error);
}

void gwl_check_element(lua_State *L, int index, int dtype, void *element) {
  gw_number number;
  check_number(L, index, dtype, &number);
  put_number(L, dtype, false, &number, element);
}

typedef struct gwl_nested {
  int dtype;
  bool guessed;          /* the dtype follows from the values */
  size_t rank;
  int64_t dims[GW_MAX_RANK];
  size_t leaf_axes;      /* axes that are part of an element: 1 for {re, im} */
  uint8_t *bytes;        /* where elements go, or NULL */
  gw_span *strings;
  uint64_t next, count;
} gwl_nested;

/* The shape of nested sequences, from their first elements; fill_axis checks that the others agree. The innermost value
 * is left on the stack. Access is raw: a metamethod could hand out strings that nothing keeps alive. */
static void measure(lua_State *L, int index, gwl_nested *nested) {
  lua_pushvalue(L, index);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (nested->rank == GW_MAX_RANK) gwl_wrong(L, "values nested deeper than 254 dimensions");
    int64_t size = (lua_Integer)lua_rawlen(L, -1);
    nested->dims[nested->rank++] = size;
    if (size == 0) {
      lua_pop(L, 1);
      lua_pushnil(L);
      return;
    }
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
}

/* Is a float among the values on top of the stack? With one, integers beside it are floats too. Only what has the shape is
 * looked at, or tables that hold each other would be walked for ever; fill_axis says what is wrong with others. */
static bool has_float(lua_State *L, size_t axis, const gwl_nested *nested) {
  if (axis == nested->rank) return lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1);
  if (lua_type(L, -1) != LUA_TTABLE || (lua_Integer)lua_rawlen(L, -1) != nested->dims[axis]) return false;
  luaL_checkstack(L, 4, NULL);
  bool found = false;
  for (int64_t i = 0; i < nested->dims[axis] && !found; i++) {
    lua_rawgeti(L, -1, i + 1);
    found = has_float(L, axis + 1, nested);
    lua_pop(L, 1);
  }
  return found;
}

static void count_values(lua_State *L, gwl_nested *nested) {
  nested->count = 1;
  for (size_t i = 0; i < nested->rank; i++)
    if (__builtin_mul_overflow(nested->count, (uint64_t)nested->dims[i], &nested->count) || nested->count > INT32_MAX)
      gwl_wrong(L, "too many values");
}

static void put_leaf(lua_State *L, gwl_nested *nested) {
  gw_number number;
  size_t width = gw_dtype_size(nested->dtype);
  if (nested->strings) {
    if (lua_type(L, -1) != LUA_TSTRING) gwl_wrong(L, "%s is not a string", gwl_what(L, -1));
    gw_span *span = &nested->strings[nested->next++];
    span->data = lua_tolstring(L, -1, &span->size);
    return;
  }
  if (nested->leaf_axes && lua_type(L, -1) == LUA_TTABLE) {
    double parts[2];
    if ((lua_Integer)lua_rawlen(L, -1) != 2) gwl_wrong(L, "a complex number is {re, im}");
    for (int i = 0; i < 2; i++) {
      lua_rawgeti(L, -1, i + 1);
      if (lua_type(L, -1) != LUA_TNUMBER) gwl_wrong(L, "a complex number is {re, im}, two numbers");
      parts[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
    number.kind = GW_KIND_COMPLEX;
    number.real = parts[0];
    number.imaginary = parts[1];
  } else {
    check_number(L, -1, nested->dtype, &number);
  }
  put_number(L, nested->dtype, nested->guessed, &number, nested->bytes + nested->next++ * width);
}

/* The value on top of the stack, which should have the shape from `axis` on. */
static void fill_axis(lua_State *L, size_t axis, gwl_nested *nested) {
  luaL_checkstack(L, 6, NULL);
  if (axis == nested->rank) {
    put_leaf(L, nested);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE || (lua_Integer)lua_rawlen(L, -1) != nested->dims[axis])
    gwl_wrong(L, "the values are not a regular array: axis %d has %I elements in one place and %s in another", (int)axis,
               (LUAI_UACINT)nested->dims[axis],
               lua_type(L, -1) == LUA_TTABLE ? lua_pushfstring(L, "%I", (LUAI_UACINT)(lua_Integer)lua_rawlen(L, -1)) : luaL_typename(L, -1));
  for (int64_t i = 0; i < nested->dims[axis]; i++) {
    lua_rawgeti(L, -1, i + 1);
    fill_axis(L, axis + 1, nested);
    lua_pop(L, 1);
  }
}

int gwl_tensor_make(lua_State *L) {
  bool guessed = lua_isnoneornil(L, 2);
  gwl_nested nested = {.dtype = guessed ? GW_DT_INVALID : gwl_check_dtype(L, 2), .guessed = guessed};
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor = NULL;
  luaL_checkany(L, 1);
  lua_settop(L, 2);
  measure(L, 1, &nested);
  if (guessed) nested.dtype = lua_isnil(L, -1) ? GW_DT_FLOAT : default_dtype(L, -1);
  lua_pop(L, 1);
  bool complex = gw_dtype_kind(nested.dtype) == GW_KIND_COMPLEX;
  if (complex && nested.rank > 0 && nested.dims[nested.rank - 1] == 2) {
    nested.leaf_axes = 1;
    nested.rank--;
  }
  count_values(L, &nested);
  lua_pushvalue(L, 1);
  if (guessed && nested.dtype == GW_DT_INT32 && has_float(L, 0, &nested)) nested.dtype = GW_DT_FLOAT;
  size_t width = nested.dtype == GW_DT_STRING ? sizeof(gw_span) : gw_dtype_size(nested.dtype);
  if (width == 0) return gwl_wrong(L, "a tensor of dtype %s cannot be made", gw_dtype_name(nested.dtype));
  void *scratch = lua_newuserdatauv(L, (size_t)nested.count * width + 1, 0);
  if (nested.dtype == GW_DT_STRING) nested.strings = scratch;
  else nested.bytes = scratch;
  lua_pushvalue(L, 1);
  fill_axis(L, 0, &nested);
  gw_status status = nested.strings
                         ? gw_tensor_strings(nested.rank, nested.dims, nested.strings, (size_t)nested.count, &tensor, &error)
                         : gw_tensor_constant(nested.dtype, nested.rank, nested.dims, nested.bytes,
                                              (size_t)nested.count * width, &tensor, &error);
  if (status != GW_OK) return gwl_raise(L, &error);
  gwl_push_tensor(L, tensor);
  return 1;
}

int gwl_tensor_fill(lua_State *L) {
  int64_t dims[GW_MAX_RANK];
  uint8_t element[16];
  gw_number number;
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor;
  size_t rank = gwl_check_shape(L, 1, dims);
  luaL_checkany(L, 2);
  int dtype = lua_isnoneornil(L, 3) ? default_dtype(L, 2) : gwl_check_dtype(L, 3);
  if (gw_dtype_size(dtype) == 0) return gwl_wrong(L, "elements of dtype %s cannot be repeated; use gw.strings", gw_dtype_name(dtype));
  check_number(L, 2, dtype, &number);
  put_number(L, dtype, lua_isnoneornil(L, 3), &number, element);
  if (gw_tensor_fill(dtype, rank, dims, element, &tensor, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_tensor(L, tensor);
  return 1;
}

/* ---- Fields and methods */

static void push_dtype(lua_State *L, int dtype) {
  const char *name = gw_dtype_name(dtype);
  if (name) lua_pushstring(L, name);
  else lua_pushfstring(L, "dtype %d", dtype);
}

static uint64_t measured_bytes(lua_State *L, gw_tensor *tensor) {
  gw_error error = GW_ERROR_INIT;
  if (gw_tensor_measure(tensor, &error) != GW_OK) gwl_raise(L, &error);
  return gw_tensor_bytes(tensor);
}

static lua_Integer parts_of(const gw_tensor *tensor) {
  bool partial;
  size_t slices = gw_tensor_slices(tensor, &partial);
  return slices ? (lua_Integer)slices : 1;
}

static bool is_partial(const gw_tensor *tensor) {
  bool partial;
  gw_tensor_slices(tensor, &partial);
  return partial;
}

static bool push_field(lua_State *L, gw_tensor *tensor, const char *field) {
  if (strcmp(field, "dtype") == 0) push_dtype(L, gw_tensor_dtype(tensor));
  else if (strcmp(field, "shape") == 0) gwl_push_shape(L, gw_tensor_rank(tensor), gw_tensor_dims(tensor));
  else if (strcmp(field, "rank") == 0) lua_pushinteger(L, (lua_Integer)gw_tensor_rank(tensor));
  else if (strcmp(field, "size") == 0) lua_pushinteger(L, (lua_Integer)gw_tensor_elements(tensor));
  else if (strcmp(field, "nbytes") == 0) lua_pushinteger(L, (lua_Integer)measured_bytes(L, tensor));
  else if (strcmp(field, "origin") == 0) lua_pushstring(L, gw_tensor_origin(tensor));
  else if (strcmp(field, "parts") == 0) lua_pushinteger(L, parts_of(tensor));
  else if (strcmp(field, "partial") == 0) lua_pushboolean(L, is_partial(tensor));
  else return false;
  return true;
}

static int index_field(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1);
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (push_field(L, tensor, lua_tostring(L, 2))) return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  }
  static const char *const fields[] = {"dtype", "shape", "rank", "size", "nbytes", "origin", "parts", "partial", NULL};
  return gwl_no_field(L, "a tensor", fields, lua_upvalueindex(1), "");
}

static int dim(lua_State *L) {
  const gw_tensor *tensor = gwl_check_tensor(L, 1);
  lua_Integer axis = luaL_checkinteger(L, 2), rank = (lua_Integer)gw_tensor_rank(tensor);
  if (axis < -rank || axis >= rank)
    return luaL_argerror(L, 2, lua_pushfstring(L, "axis %I of a tensor of rank %I (axes count from 0)", (LUAI_UACINT)axis, (LUAI_UACINT)rank));
  lua_pushinteger(L, gw_tensor_dims(tensor)[axis < 0 ? axis + rank : axis]);
  return 1;
}

static int is_float(lua_State *L) {
  gw_kind kind = gw_dtype_kind(gw_tensor_dtype(gwl_check_tensor(L, 1)));
  lua_pushboolean(L, kind == GW_KIND_FLOAT);
  return 1;
}

static int is_integer(lua_State *L) {
  gw_kind kind = gw_dtype_kind(gw_tensor_dtype(gwl_check_tensor(L, 1)));
  lua_pushboolean(L, kind == GW_KIND_INT || kind == GW_KIND_UINT);
  return 1;
}

static int too_large(lua_State *L, const gw_tensor *tensor, uint64_t size, lua_Integer limit) {
  const char *what = size <= gw_tensor_elements(tensor) ? "elements" : "rows";
  bool strings = gw_tensor_dtype(tensor) == GW_DT_STRING;
  if (strings && size == gw_tensor_bytes(tensor) / GWL_STRING_UNIT) {
    size = gw_tensor_bytes(tensor);
    what = "bytes, of which 16 count as an element,";
  }
  return luaL_error(L, "a tensor of %I %s is more than value() gives by itself (%I); %spass {limit = n}",
                    (LUAI_UACINT)(size > INT64_MAX ? INT64_MAX : size), what, (LUAI_UACINT)limit, strings ? "" : "look at t:stats(), or ");
}

/* t:value{limit = n}: the whole tensor as Lua values. */
static int value(lua_State *L) {
  const gw_tensor *tensor = gwl_check_tensor(L, 1);
  gwl_stop_if_interrupted(L);
  lua_Integer limit = 1000000;
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    if (lua_getfield(L, 2, "limit") != LUA_TNIL) limit = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  int dtype = gw_tensor_dtype(tensor);
  uint64_t size = gwl_value_size(tensor);
  if (size > (uint64_t)(limit < 0 ? 0 : limit))
    return too_large(L, tensor, size, limit);
  if (dtype != GW_DT_STRING && gw_dtype_size(dtype) == 0) {
    push_dtype(L, dtype);
    return luaL_error(L, "values of dtype %s cannot be shown; the tensor can be kept, renamed and dropped", lua_tostring(L, -1));
  }
  gwl_charge(L, size);
  gwl_push_value(L, tensor);
  return 1;
}

static void set_number(lua_State *L, const char *field, double number) {
  lua_pushnumber(L, number);
  lua_setfield(L, -2, field);
}

static void set_count(lua_State *L, const char *field, uint64_t count) {
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, field);
}

static void set_extreme(lua_State *L, const char *field, const gw_tensor *tensor, double real, int64_t exact) {
  gw_kind kind = gw_dtype_kind(gw_tensor_dtype(tensor));
  if (kind == GW_KIND_UINT) {
    uint64_t bits = (uint64_t)exact;
    gwl_push_element(L, GW_DT_UINT64, &bits);
  } else if (kind == GW_KIND_INT || kind == GW_KIND_BOOL) {
    lua_pushinteger(L, exact);
  } else {
    lua_pushnumber(L, real);
  }
  lua_setfield(L, -2, field);
}

static int stats(lua_State *L) {
  const gw_tensor *tensor = gwl_check_tensor(L, 1);
  gwl_stop_if_interrupted(L);
  gwl_charge_elements(L, tensor);
  gw_stats found;
  gw_error error = GW_ERROR_INIT;
  if (gw_tensor_stats(tensor, &found, &error) != GW_OK) return gwl_raise(L, &error);
  lua_createtable(L, 0, 8);
  set_count(L, "count", found.count);
  if (found.has_range) {
    set_extreme(L, "min", tensor, found.min, found.exact_min);
    set_extreme(L, "max", tensor, found.max, found.exact_max);
    set_number(L, "mean", found.mean);
    set_number(L, "std", found.std);
  }
  set_count(L, "zeros", found.zeros);
  set_count(L, "nan", found.nans);
  set_count(L, "inf", found.infinities);
  return 1;
}

static int equal(lua_State *L) {
  const gw_tensor *a = gwl_check_tensor(L, 1), *b = gwl_check_tensor(L, 2);
  gwl_stop_if_interrupted(L);
  double tolerance = luaL_optnumber(L, 3, 0);
  gwl_charge_elements(L, a);
  gw_error error = GW_ERROR_INIT;
  bool same;
  if (!(tolerance >= 0)) return luaL_argerror(L, 3, "a tolerance is not negative");
  if (gw_tensor_equal(a, b, tolerance, &same, &error) != GW_OK) return gwl_raise(L, &error);
  lua_pushboolean(L, same);
  return 1;
}

/* tensor:preview(whole, edge) */
static int preview(lua_State *L) {
  const gw_tensor *tensor = gwl_check_tensor(L, 1);
  gwl_stop_if_interrupted(L);
  lua_Integer whole = luaL_optinteger(L, 2, 24), edge = luaL_optinteger(L, 3, 3);
  gw_error error = GW_ERROR_INIT;
  char *text;
  if (gw_tensor_preview(tensor, whole < 0 ? 0 : (uint64_t)whole, edge < 1 ? 1 : (uint64_t)edge, &text, &error) != GW_OK)
    return gwl_raise(L, &error);
  size_t size = strlen(text);
  char *copy = lua_newuserdatauv(L, size + 1, 0);
  memcpy(copy, text, size + 1);
  gw_free(text);
  lua_pushlstring(L, copy, size);
  return 1;
}

static int to_text(lua_State *L) {
  const gw_tensor *tensor = gwl_check_tensor(L, 1);
  lua_settop(L, 1);
  push_dtype(L, gw_tensor_dtype(tensor));
  gwl_push_shape(L, gw_tensor_rank(tensor), gw_tensor_dims(tensor));
  luaL_tolstring(L, -1, NULL);
  lua_pushcfunction(L, preview);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  lua_pushfstring(L, "%s%s %s", lua_tostring(L, 2), lua_tostring(L, 4), lua_tostring(L, 5));
  return 1;
}

static int refuse_equality(lua_State *L) {
  return luaL_error(L, "tensors are compared by value with a:equal(b), or a:equal(b, tolerance)");
}

static int refuse_assignment(lua_State *L) {
  return luaL_error(L, "a tensor cannot be changed ('%s'): make a new one and assign that", luaL_tolstring(L, 2, NULL));
}

void gwl_open_tensor(lua_State *L) {
  static const luaL_Reg meta[] = {
      {"__tostring", to_text}, {"__eq", refuse_equality}, {"__newindex", refuse_assignment}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"dim", dim},     {"is_float", is_float}, {"is_integer", is_integer}, {"value", value},
                                     {"stats", stats}, {"equal", equal},       {"preview", preview},       {NULL, NULL}};
  gwl_make_type(L, GWL_TENSOR, release, meta, methods, index_field);
  /* [core methods] */
  luaL_setfuncs(L, gwl_tensor_operations, 0);
  lua_setfield(L, -2, "tensor_methods");
  luaL_getmetatable(L, GWL_TENSOR);
  luaL_setfuncs(L, gwl_tensor_operators, 0);
  lua_pop(L, 1);
}

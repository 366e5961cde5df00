/* Operations on tensors in Lua: arguments in, a new lazy tensor out. What goes together is core's to say. */
#include <string.h>

#include "gwl.h"

/* The one way out: the tensor, or core's error at the caller's line. */
static int finish(lua_State *L, gw_status status, gw_tensor *const *tensor, const gw_error *error) {
  if (status != GW_OK) return gwl_raise(L, error);
  gwl_push_tensor(L, *tensor);
  return 1;
}

/* A sequence of integers, kept alive by the userdata that is pushed. */
static int64_t *integers(lua_State *L, int index, const char *what, size_t *count) {
  if (lua_type(L, index) != LUA_TTABLE) gwl_wrong(L, "%s: a list of whole numbers is expected, not a %s", what, luaL_typename(L, index));
  *count = (size_t)luaL_len(L, index);
  int64_t *list = lua_newuserdatauv(L, (*count + 1) * sizeof *list, 0);
  for (size_t i = 0; i < *count; i++) {
    int whole;
    lua_geti(L, index, (lua_Integer)i + 1);
    list[i] = lua_tointegerx(L, -1, &whole);
    if (!whole || lua_type(L, -1) != LUA_TNUMBER)
      gwl_wrong(L, "%s: position %d of the list (from 0) is a %s, not a whole number", what, (int)i, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  return list;
}

static int64_t integer(lua_State *L, int index, const char *what) {
  int whole;
  int64_t value = lua_tointegerx(L, index, &whole);
  if (!whole || lua_type(L, index) != LUA_TNUMBER) gwl_wrong(L, "%s: a whole number is expected, not a %s", what, luaL_typename(L, index));
  return value;
}

static int64_t axis_or_first(lua_State *L, int index, const char *what) {
  return lua_isnoneornil(L, index) ? 0 : integer(L, index, what);
}

/* ---- One tensor */

static int cast(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  int dtype = gwl_check_dtype(L, 2);
  return finish(L, gw_tensor_cast(tensor, dtype, &result, &error), &result, &error);
}

static int reshape(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t rank;
  int64_t *dims = integers(L, 2, "reshape", &rank);
  return finish(L, gw_tensor_reshape(tensor, rank, dims, &result, &error), &result, &error);
}

static int transpose(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count = 0;
  int64_t *perm = lua_isnoneornil(L, 2) ? NULL : integers(L, 2, "transpose", &count);
  return finish(L, gw_tensor_transpose(tensor, perm, count, &result, &error), &result, &error);
}

static int squeeze(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count = 1;
  int64_t one, *axes = NULL;
  if (lua_type(L, 2) == LUA_TTABLE) axes = integers(L, 2, "squeeze", &count);
  else if (!lua_isnoneornil(L, 2)) one = integer(L, 2, "squeeze"), axes = &one;
  return finish(L, gw_tensor_squeeze(tensor, axes, count, &result, &error), &result, &error);
}

static int expand_dims(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  return finish(L, gw_tensor_expand_dims(tensor, integer(L, 2, "expand_dims"), &result, &error), &result, &error);
}

static int slice(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count, sizes;
  int64_t *begin = integers(L, 2, "slice", &count), *size = integers(L, 3, "slice", &sizes);
  if (count != sizes) return gwl_wrong(L, "slice: %d starts, but %d sizes", (int)count, (int)sizes);
  return finish(L, gw_tensor_slice(tensor, begin, size, count, &result, &error), &result, &error);
}

/* Whole numbers out of an integer tensor, which is read now. */
static int64_t *indices_of(lua_State *L, gw_tensor *tensor, size_t *count) {
  gw_error error = GW_ERROR_INIT;
  int dtype = gw_tensor_dtype(tensor);
  gw_kind kind = gw_dtype_kind(dtype);
  uint64_t elements = gw_tensor_elements(tensor);
  size_t width = gw_dtype_size(dtype);
  if ((kind != GW_KIND_INT && kind != GW_KIND_UINT) || elements > INT32_MAX)
    gwl_wrong(L, "gather: indices are a list of whole numbers or a tensor of integers, not %s", luaL_tolstring(L, 2, NULL));
  int64_t *list = lua_newuserdatauv(L, (size_t)(elements + 1) * sizeof *list, 0);
  uint8_t *bytes = lua_newuserdatauv(L, (size_t)elements * width + 1, 0);
  if (gw_tensor_read(tensor, 0, elements, bytes, &error) != GW_OK) gwl_raise(L, &error);
  for (uint64_t i = 0; i < elements; i++) {
    gw_number number;
    gw_number_get(dtype, bytes + i * width, &number);
    list[i] = kind == GW_KIND_UINT && number.u > INT64_MAX ? INT64_MAX : number.i;
  }
  *count = (size_t)elements;
  return list;
}

/* Indices of any rank take the place of the axis, as in tf.gather. */
static int gather(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL, *indices = gwl_test_tensor(L, 2);
  gw_error error = GW_ERROR_INIT;
  size_t count = 1;
  int64_t one, axis = axis_or_first(L, 3, "gather"), *list = &one;
  bool single = !indices && lua_type(L, 2) == LUA_TNUMBER;
  if (single) one = integer(L, 2, "gather");
  else list = indices ? indices_of(L, indices, &count) : integers(L, 2, "gather", &count);
  size_t index_rank = single ? 0 : indices ? gw_tensor_rank(indices) : 1, rank = gw_tensor_rank(tensor);
  gw_status status = gw_tensor_gather(tensor, list, count, axis, &result, &error);
  if (status != GW_OK || index_rank == 1) return finish(L, status, &result, &error);
  int64_t dims[2 * GW_MAX_RANK];
  size_t next = 0, at = (size_t)(axis < 0 ? axis + (int64_t)rank : axis);
  for (size_t i = 0; i < rank; i++) {
    if (i != at) dims[next++] = gw_tensor_dims(tensor)[i];
    else
      for (size_t j = 0; j < index_rank; j++) dims[next++] = gw_tensor_dims(indices)[j];
  }
  gw_tensor *gathered = result;
  status = gw_tensor_reshape(gathered, next, dims, &result, &error);
  gw_tensor_release(gathered);
  return finish(L, status, &result, &error);
}

static int pad(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count, behind;
  uint8_t element[16];
  bool given = !lua_isnoneornil(L, 4);
  int64_t *before = integers(L, 2, "pad", &count), *after = integers(L, 3, "pad", &behind);
  if (count != behind) return gwl_wrong(L, "pad: %d widths before, but %d behind", (int)count, (int)behind);
  if (given && gw_dtype_size(gw_tensor_dtype(tensor)) > 0) gwl_check_element(L, 4, gw_tensor_dtype(tensor), element);
  return finish(L, gw_tensor_pad(tensor, before, after, count, given ? element : NULL, &result, &error), &result, &error);
}

/* t:partition(parts, axis) */
static int partition(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  int64_t parts = integer(L, 2, "partition"), axis = axis_or_first(L, 3, "partition");
  return finish(L, gw_tensor_partition(tensor, parts, axis, &result, &error), &result, &error);
}

/* t:split(n or sizes, axis) -> a sequence of tensors */
static int split(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1);
  gw_error error = GW_ERROR_INIT;
  int64_t axis = axis_or_first(L, 3, "split"), rank = (int64_t)gw_tensor_rank(tensor), begin[GW_MAX_RANK] = {0}, size[GW_MAX_RANK];
  if (axis < -rank || axis >= rank) return gwl_wrong(L, "split: there is no axis %I (axes count from 0) of %d", (LUAI_UACINT)axis, (int)rank);
  if (axis < 0) axis += rank;
  int64_t whole = gw_tensor_dims(tensor)[axis], *sizes;
  size_t count;
  if (lua_type(L, 2) == LUA_TTABLE) {
    sizes = integers(L, 2, "split", &count);
    int64_t sum = 0, open = -1;
    for (size_t i = 0; i < count; i++) {
      if (sizes[i] < 0 && (sizes[i] != -1 || open >= 0)) return gwl_wrong(L, "split: sizes are not negative, but one of them may be -1");
      if (sizes[i] == -1) open = (int64_t)i;
      else if (__builtin_add_overflow(sum, sizes[i], &sum)) sum = INT64_MAX;
    }
    if (open >= 0 && sum <= whole) sizes[open] = whole - sum, sum = whole;
    if (sum != whole) return gwl_wrong(L, "split: the sizes add up to %I, and axis %I has %I", (LUAI_UACINT)sum, (LUAI_UACINT)axis, (LUAI_UACINT)whole);
  } else {
    int64_t parts = integer(L, 2, "split");
    if (parts < 1 || whole % parts != 0)
      return gwl_wrong(L, "split: axis %I of size %I does not give %I equal parts", (LUAI_UACINT)axis, (LUAI_UACINT)whole, (LUAI_UACINT)parts);
    if (parts > INT32_MAX) return gwl_wrong(L, "split: too many parts");
    count = (size_t)parts;
    sizes = lua_newuserdatauv(L, count * sizeof *sizes, 0);
    for (size_t i = 0; i < count; i++) sizes[i] = whole / parts;
  }
  lua_createtable(L, (int)count, 0);
  for (int64_t i = 0; i < rank; i++) size[i] = -1;
  for (size_t i = 0; i < count; i++) {
    gw_tensor *part;
    size[axis] = sizes[i];
    if (gw_tensor_slice(tensor, begin, size, (size_t)rank, &part, &error) != GW_OK) return gwl_raise(L, &error);
    gwl_push_tensor(L, part);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
    begin[axis] += sizes[i];
  }
  return 1;
}

static int clip(lua_State *L) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  _Alignas(16) uint8_t low[16], high[16];
  luaL_checkany(L, 3);
  if (gw_dtype_size(gw_tensor_dtype(tensor)) == 0) return gwl_wrong(L, "clip: it is not for strings and the like");
  gwl_check_element(L, 2, gw_tensor_dtype(tensor), low);
  gwl_check_element(L, 3, gw_tensor_dtype(tensor), high);
  return finish(L, gw_tensor_clip(tensor, low, high, &result, &error), &result, &error);
}

static int apply_unary(lua_State *L, gw_unary function) {
  gw_tensor *tensor = gwl_check_tensor(L, 1), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  return finish(L, gw_tensor_unary(function, tensor, &result, &error), &result, &error);
}

static int negate(lua_State *L) { return apply_unary(L, GW_NEGATE); }
static int square_root(lua_State *L) { return apply_unary(L, GW_SQRT); }
static int square(lua_State *L) { return apply_unary(L, GW_SQUARE); }
static int absolute(lua_State *L) { return apply_unary(L, GW_ABS); }
static int exponential(lua_State *L) { return apply_unary(L, GW_EXP); }
static int logarithm(lua_State *L) { return apply_unary(L, GW_LOG); }

/* ---- Two */

/* The operand at `index`: a tensor, or a number that becomes one of the other's dtype. The caller releases it. */
static gw_tensor *operand(lua_State *L, int index, gw_tensor *other) {
  gw_tensor *tensor = gwl_test_tensor(L, index), *scalar = NULL;
  gw_error error = GW_ERROR_INIT;
  uint8_t element[16];
  if (tensor) return gw_tensor_retain(tensor);
  if (lua_type(L, index) != LUA_TNUMBER && lua_type(L, index) != LUA_TBOOLEAN)
    gwl_wrong(L, "a tensor goes with a tensor or a number, not with a %s", luaL_typename(L, index));
  if (gw_dtype_size(gw_tensor_dtype(other)) == 0) gwl_wrong(L, "strings and the like are not computed with");
  gwl_check_element(L, index, gw_tensor_dtype(other), element);
  if (gw_tensor_fill(gw_tensor_dtype(other), 0, NULL, element, &scalar, &error) != GW_OK) gwl_raise(L, &error);
  return scalar;
}

static int apply_binary(lua_State *L, gw_binary function) {
  gw_tensor *left = gwl_test_tensor(L, 1), *right = gwl_test_tensor(L, 2), *result = NULL;
  gw_error error = GW_ERROR_INIT;
  /* The one that is no tensor first: converting it may raise. */
  if (!right) {
    right = operand(L, 2, left);
    left = gw_tensor_retain(left);
  } else {
    left = operand(L, 1, right);
    right = gw_tensor_retain(right);
  }
  gw_status status = gw_tensor_binary(function, left, right, &result, &error);
  gw_tensor_release(left);
  gw_tensor_release(right);
  return finish(L, status, &result, &error);
}

static int add(lua_State *L) { return apply_binary(L, GW_ADD); }
static int subtract(lua_State *L) { return apply_binary(L, GW_SUBTRACT); }
static int multiply(lua_State *L) { return apply_binary(L, GW_MULTIPLY); }
static int divide(lua_State *L) { return apply_binary(L, GW_DIVIDE); }

/* ---- Many */

static gw_tensor **tensors_of(lua_State *L, int index, const char *what, size_t *count) {
  if (lua_type(L, index) != LUA_TTABLE) gwl_wrong(L, "%s: a list of tensors is expected, not a %s", what, luaL_typename(L, index));
  *count = (size_t)luaL_len(L, index);
  gw_tensor **list = lua_newuserdatauv(L, (*count + 1) * sizeof *list, 1);
  /* A copy of the list keeps them alive, should the list itself make them on the way. */
  lua_createtable(L, (int)(*count < INT32_MAX ? *count : 0), 0);
  for (size_t i = 0; i < *count; i++) {
    lua_geti(L, index, (lua_Integer)i + 1);
    list[i] = gwl_test_tensor(L, -1);
    if (!list[i]) gwl_wrong(L, "%s: position %d of the list (from 0) is a %s, not a tensor", what, (int)i, luaL_typename(L, -1));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setiuservalue(L, -2, 1);
  return list;
}

int gwl_tensor_concat(lua_State *L) {
  gw_tensor *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count;
  int64_t axis = axis_or_first(L, 2, "concat");
  gw_tensor **list = tensors_of(L, 1, "concat", &count);
  return finish(L, gw_tensor_concat(list, count, axis, &result, &error), &result, &error);
}

int gwl_tensor_stack(lua_State *L) {
  gw_tensor *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count;
  int64_t axis = axis_or_first(L, 2, "stack");
  gw_tensor **list = tensors_of(L, 1, "stack", &count);
  return finish(L, gw_tensor_stack(list, count, axis, &result, &error), &result, &error);
}

int gwl_tensor_mean(lua_State *L) {
  gw_tensor *result = NULL;
  gw_error error = GW_ERROR_INIT;
  size_t count;
  double *weights = NULL;
  lua_settop(L, 2);
  gw_tensor **list = tensors_of(L, 1, "mean", &count);
  if (!lua_isnil(L, 2)) {
    if (lua_type(L, 2) != LUA_TTABLE || (size_t)luaL_len(L, 2) != count) return gwl_wrong(L, "mean: weights are a list of as many numbers as there are tensors");
    weights = lua_newuserdatauv(L, (count + 1) * sizeof *weights, 0);
    for (size_t i = 0; i < count; i++) {
      lua_geti(L, 2, (lua_Integer)i + 1);
      if (lua_type(L, -1) != LUA_TNUMBER) return gwl_wrong(L, "mean: weight %d (from 0) is a %s, not a number", (int)i, luaL_typename(L, -1));
      weights[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
  }
  return finish(L, gw_tensor_mean(list, weights, count, &result, &error), &result, &error);
}

/* core.random(kind, shape, dtype, seed, a, b) */
int gwl_tensor_random(lua_State *L) {
  static const char *const kinds[] = {"uniform", "normal", "truncated", NULL};
  int64_t dims[GW_MAX_RANK];
  gw_tensor *result = NULL;
  gw_error error = GW_ERROR_INIT;
  gw_random_kind kind = (gw_random_kind)luaL_checkoption(L, 1, NULL, kinds);
  size_t rank = gwl_check_shape(L, 2, dims);
  int dtype = gwl_check_dtype(L, 3);
  uint64_t seed = (uint64_t)luaL_checkinteger(L, 4);
  return finish(L, gw_tensor_random(kind, dtype, rank, dims, seed, luaL_checknumber(L, 5), luaL_checknumber(L, 6), &result, &error),
                &result, &error);
}

const luaL_Reg gwl_tensor_operators[] = {{"__add", add},    {"__sub", subtract}, {"__mul", multiply},
                                         {"__div", divide}, {"__unm", negate},   {NULL, NULL}};
const luaL_Reg gwl_tensor_operations[] = {{"cast", cast},       {"reshape", reshape},         {"transpose", transpose},
                                          {"squeeze", squeeze}, {"expand_dims", expand_dims}, {"slice", slice},
                                          {"gather", gather},   {"split", split},             {"pad", pad},
                                          {"partition", partition},
                                          {"clip", clip},       {"sqrt", square_root},        {"square", square},
                                          {"abs", absolute},    {"exp", exponential},         {"log", logarithm},
                                          {NULL, NULL}};

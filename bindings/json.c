/* JSON by Jansson: integers exact, doubles so that they read back, NaN and infinities as strings, text that is not UTF-8
 * as {"base64": ...}. Objects keep the order in which they are written. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "json.h"

static char object_key, array_key; /* registry: the metatables that say which kind a table is */

enum { DEPTH = 300 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *gwl_json_text(const char *text, size_t length) {
  json_t *string = json_stringn(text, length);
  if (string) return string;
  size_t size = (length + 2) / 3 * 4;
  char *out = malloc(size + 1);
  if (!out) return NULL;
  const unsigned char *p = (const unsigned char *)text;
  char *q = out;
  for (size_t i = 0; i < length; i += 3) {
    unsigned long group = (unsigned long)p[i] << 16 | (i + 1 < length ? (unsigned long)p[i + 1] << 8 : 0) | (i + 2 < length ? p[i + 2] : 0);
    *q++ = digits[group >> 18 & 63];
    *q++ = digits[group >> 12 & 63];
    *q++ = i + 1 < length ? digits[group >> 6 & 63] : '=';
    *q++ = i + 2 < length ? digits[group & 63] : '=';
  }
  json_t *object = json_pack("{s:s#}", "base64", out, size);
  free(out);
  return object;
}

json_t *gwl_json_number(double value) {
  if (isnan(value)) return json_string("NaN");
  if (isinf(value)) return json_string(value < 0 ? "-Infinity" : "Infinity");
  return json_real(value);
}

/* ---- Tensors as nested arrays */

static json_t *element(int dtype, const void *bytes) {
  gw_number number;
  if (!gw_number_get(dtype, bytes, &number)) return json_null();
  switch (number.kind) {
    case GW_KIND_FLOAT: return gwl_json_number(number.real);
    case GW_KIND_INT: return json_integer(number.i);
    case GW_KIND_BOOL: return json_boolean(number.i != 0);
    case GW_KIND_COMPLEX: return json_pack("[o,o]", gwl_json_number(number.real), gwl_json_number(number.imaginary));
    case GW_KIND_UINT: {
      char text[24];
      if (number.u <= INT64_MAX) return json_integer((json_int_t)number.u);
      snprintf(text, sizeof text, "%llu", (unsigned long long)number.u);
      return json_string(text);
    }
    default: return json_null();
  }
}

/* Recursion is bounded by the rank of a tensor, 254. */
static json_t *axis_value(const gw_tensor *tensor, size_t axis, const uint8_t *bytes, const gw_span *strings, uint64_t *next) {
  int dtype = gw_tensor_dtype(tensor);
  if (axis == gw_tensor_rank(tensor)) {
    uint64_t at = (*next)++;
    return strings ? gwl_json_text(strings[at].data ? strings[at].data : "", strings[at].size) : element(dtype, bytes + at * gw_dtype_size(dtype));
  }
  json_t *array = json_array();
  for (int64_t i = 0; array && i < gw_tensor_dims(tensor)[axis]; i++)
    if (json_array_append_new(array, axis_value(tensor, axis + 1, bytes, strings, next)) != 0) {
      json_decref(array);
      return NULL;
    }
  return array;
}

gw_status gwl_json_value(const gw_tensor *tensor, json_t **out, gw_error *error) {
  uint64_t next = 0;
  gw_status status;
  *out = NULL;
  if (gw_tensor_dtype(tensor) == GW_DT_STRING) {
    gw_span *strings;
    char *memory;
    status = gw_tensor_read_strings(tensor, &strings, &memory, error);
    if (status == GW_OK) *out = axis_value(tensor, 0, NULL, strings, &next);
    gw_free(strings);
    gw_free(memory);
  } else {
    uint64_t elements = gw_tensor_elements(tensor);
    uint8_t *bytes = malloc((size_t)(elements * gw_dtype_size(gw_tensor_dtype(tensor))) + 1);
    if (!bytes) {
      *error = (gw_error){.status = GW_NO_MEMORY, .what = "out of memory"};
      return GW_NO_MEMORY;
    }
    status = gw_tensor_read(tensor, 0, elements, bytes, error);
    if (status == GW_OK) *out = axis_value(tensor, 0, bytes, NULL, &next);
    free(bytes);
  }
  if (status == GW_OK && !*out) {
    *error = (gw_error){.status = GW_NO_MEMORY, .what = "out of memory"};
    status = GW_NO_MEMORY;
  }
  return status;
}

/* ---- Lua values. json_t is not collected by Lua, so everything that may raise happens before one is made: errors are
 * reported by NULL and a text. */

typedef struct gwl_encoder {
  lua_State *L;
  const char *wrong;
} gwl_encoder;

static json_t *encode(gwl_encoder *encoder, int depth);

static json_t *encode_object(gwl_encoder *encoder, int depth) {
  lua_State *L = encoder->L;
  json_t *object = json_object();
  size_t count = (size_t)lua_rawlen(L, -1);
  for (size_t i = 1; object && i <= count; i++) {
    json_t *value = NULL;
    bool failed = false;
    if (lua_rawgeti(L, -1, (lua_Integer)i) == LUA_TTABLE && lua_rawgeti(L, -1, 1) == LUA_TSTRING) {
      if (lua_rawgeti(L, -2, 2) != LUA_TNIL) value = encode(encoder, depth + 1);
      bool absent = lua_isnil(L, -1);
      lua_pop(L, 1);
      failed = !absent && !value;
      if (value && json_object_set_new(object, lua_tostring(L, -1), value) != 0) encoder->wrong = "out of memory, or a key that is not UTF-8";
      lua_pop(L, 1);
    } else {
      encoder->wrong = "an object is a sequence of {key, value}";
    }
    lua_pop(L, 1);
    if (failed || encoder->wrong) {
      json_decref(object);
      return NULL;
    }
  }
  return object;
}

static json_t *encode_array(gwl_encoder *encoder, int depth) {
  lua_State *L = encoder->L;
  json_t *array = json_array();
  size_t count = (size_t)lua_rawlen(L, -1);
  for (size_t i = 1; array && i <= count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    json_t *value = encode(encoder, depth + 1);
    lua_pop(L, 1);
    if (!value || json_array_append_new(array, value) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

static json_t *encode_table(gwl_encoder *encoder, int depth) {
  lua_State *L = encoder->L;
  bool object = false;
  if (depth > DEPTH || !lua_checkstack(L, 8)) {
    encoder->wrong = "nested too deeply";
    return NULL;
  }
  if (lua_getmetatable(L, -1)) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key);
    object = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  return object ? encode_object(encoder, depth) : encode_array(encoder, depth);
}

static json_t *encode(gwl_encoder *encoder, int depth) {
  lua_State *L = encoder->L;
  size_t length;
  switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: return json_boolean(lua_toboolean(L, -1));
    case LUA_TNUMBER: return lua_isinteger(L, -1) ? json_integer(lua_tointeger(L, -1)) : gwl_json_number(lua_tonumber(L, -1));
    case LUA_TSTRING: {
      const char *text = lua_tolstring(L, -1, &length);
      return gwl_json_text(text, length);
    }
    case LUA_TTABLE: return encode_table(encoder, depth);
    case LUA_TLIGHTUSERDATA: return json_null();
    default:
      encoder->wrong = "there is no JSON for such a value";
      return NULL;
  }
}

static int free_text(lua_State *L) {
  void **box = lua_touserdata(L, 1);
  free(*box);
  *box = NULL;
  return 0;
}

void gwl_json_push(lua_State *L, json_t *value, size_t flags) {
  void **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  if (luaL_newmetatable(L, "godwit.JsonText")) {
    lua_pushcfunction(L, free_text);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  *box = json_dumps(value, flags | JSON_ENCODE_ANY);
  json_decref(value);
  if (!*box) luaL_error(L, "out of memory");
  lua_pushstring(L, *box);
  free(*box);
  *box = NULL;
  lua_remove(L, -2);
}

/* core.json(value, indent?) -> text */
int gwl_json(lua_State *L) {
  gwl_encoder encoder = {L, NULL};
  luaL_checkany(L, 1);
  lua_Integer indent = luaL_optinteger(L, 2, 0);
  lua_settop(L, 1);
  json_t *value = encode(&encoder, 0);
  if (!value && encoder.wrong) return luaL_error(L, "%s", encoder.wrong);
  if (!value) {
    gw_error error = {.status = GW_NO_MEMORY, .what = "out of memory"};
    return gwl_raise(L, &error);
  }
  lua_settop(L, 0);
  gwl_json_push(L, value, JSON_INDENT((size_t)(indent & 31)));
  return 1;
}

/* ---- And back: objects as core.object makes them, of which object.key is a field's value */

typedef struct gwl_document {
  json_t *value;
} gwl_document;

static int free_document(lua_State *L) {
  gwl_document *document = lua_touserdata(L, 1);
  json_decref(document->value);
  document->value = NULL;
  return 0;
}

/* {"base64": ...} is a text that is no UTF-8: pushes it, or nothing. */
static bool push_bytes(lua_State *L, const json_t *object) {
  const json_t *value = json_object_size(object) == 1 ? json_object_get(object, "base64") : NULL;
  if (!value || !json_is_string(value)) return false;
  const char *text = json_string_value(value);
  size_t length = json_string_length(value);
  unsigned long group = 0;
  luaL_Buffer bytes;
  luaL_buffinit(L, &bytes);
  for (size_t i = 0; i < length && text[i] != '='; i++) {
    const char *digit = strchr(digits, text[i]);
    group = group << 6 | (digit && *digit ? (unsigned long)(digit - digits) : 0);
    if (i % 4 > 0) luaL_addchar(&bytes, (char)(unsigned char)(group >> (6 - 2 * (i % 4)) & 255));
  }
  luaL_pushresult(&bytes);
  return true;
}

static bool is_shallow(const json_t *value, int depth) {
  const char *key;
  json_t *item;
  if (depth > DEPTH) return false;
  if (json_is_object(value)) {
    json_object_foreach((json_t *)(uintptr_t)value, key, item) {
      if (!is_shallow(item, depth + 1)) return false;
    }
  }
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!is_shallow(json_array_get(value, i), depth + 1)) return false;
  return true;
}

static void push_value(lua_State *L, const json_t *value);

static void push_object(lua_State *L, const json_t *value) {
  const char *key;
  json_t *item;
  lua_Integer count = 0;
  if (push_bytes(L, value)) return;
  lua_createtable(L, (int)json_object_size(value), 0);
  json_object_foreach((json_t *)(uintptr_t)value, key, item) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, key);
    lua_rawseti(L, -2, 1);
    push_value(L, item);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, ++count);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key);
  lua_setmetatable(L, -2);
}

static void push_value(lua_State *L, const json_t *value) {
  luaL_checkstack(L, 8, NULL);
  switch (json_typeof(value)) {
    case JSON_OBJECT: push_object(L, value); break;
    case JSON_ARRAY:
      lua_createtable(L, (int)json_array_size(value), 0);
      for (size_t i = 0; i < json_array_size(value); i++) {
        push_value(L, json_array_get(value, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
      }
      break;
    case JSON_STRING: lua_pushlstring(L, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(value)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(value)); break;
    case JSON_TRUE: lua_pushboolean(L, 1); break;
    case JSON_FALSE: lua_pushboolean(L, 0); break;
    default: lua_pushlightuserdata(L, &array_key); /* core.null */
  }
}

/* core.json_parse(text) -> value; or nil, and what is wrong with it */
int gwl_json_parse(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  gwl_document *document = lua_newuserdatauv(L, sizeof *document, 0);
  json_error_t error;
  document->value = NULL;
  if (luaL_newmetatable(L, "godwit.JsonDocument")) {
    lua_pushcfunction(L, free_document);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  document->value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (!document->value) {
    lua_pushnil(L);
    lua_pushfstring(L, "line %d, column %d: %s", error.line, error.column, error.text);
    return 2;
  }
  if (!is_shallow(document->value, 0)) {
    lua_pushnil(L);
    lua_pushliteral(L, "nested too deeply");
    return 2;
  }
  push_value(L, document->value);
  return 1;
}

/* object.key: the value of the field; nil without it */
static int field(lua_State *L) {
  size_t count = (size_t)lua_rawlen(L, 1);
  for (size_t i = 1; i <= count; i++) {
    if (lua_rawgeti(L, 1, (lua_Integer)i) == LUA_TTABLE) {
      lua_rawgeti(L, -1, 1);
      bool found = lua_rawequal(L, -1, 2);
      lua_pop(L, 1);
      if (found) return lua_rawgeti(L, -1, 2), 1;
    }
    lua_pop(L, 1);
  }
  return 0;
}

/* core.object{ {"key", value}, ... }: an object whose fields keep this order; nil values are left out. */
static int object(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key);
  lua_setmetatable(L, 1);
  return 1;
}

void gwl_open_json(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, field);
  lua_setfield(L, -2, "__index");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &object_key);
  lua_pushcfunction(L, object);
  lua_setfield(L, -2, "object");
  lua_pushlightuserdata(L, &array_key);
  lua_setfield(L, -2, "null");
}

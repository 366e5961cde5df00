/* Objects of a draft's graph as Lua values. A node's fields are its children and nothing else; what can be done with one is
 * in scripts/godwit/graph.lua, on the functions core.node_*. */
#include <string.h>

#include "gwl.h"

typedef struct gwl_node {
  gw_draft *draft; /* counted; first, as in every userdata of godwit's */
  uint32_t node;
} gwl_node;

static char cache_key; /* registry: handles by draft and node, weak, so that one object is one value */

static int release(lua_State *L) {
  gwl_node *node = luaL_checkudata(L, 1, GWL_NODE);
  gw_draft_release(node->draft);
  node->draft = NULL;
  return 0;
}

static gwl_node *check(lua_State *L, int index) {
  gwl_check(L, index, GWL_NODE);
  return lua_touserdata(L, index);
}

uint32_t gwl_check_node(lua_State *L, int index, gw_draft **draft) {
  gwl_node *node = check(L, index);
  *draft = node->draft;
  return node->node;
}

static void push_cache(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

void gwl_push_node(lua_State *L, gw_draft *draft, uint32_t number) {
  char key[sizeof draft + sizeof number];
  memcpy(key, &draft, sizeof draft);
  memcpy(key + sizeof draft, &number, sizeof number);
  luaL_checkstack(L, 6, NULL);
  push_cache(L);
  lua_pushlstring(L, key, sizeof key);
  lua_pushvalue(L, -1);
  /* A handle that is there keeps the draft, so that no other one can have its address. */
  if (lua_rawget(L, -3) == LUA_TUSERDATA && ((gwl_node *)lua_touserdata(L, -1))->draft) {
    lua_replace(L, -3);
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  gwl_node *node = lua_newuserdatauv(L, sizeof *node, 0);
  *node = (gwl_node){NULL, number};
  luaL_setmetatable(L, GWL_NODE);
  node->draft = gw_draft_retain(draft);
  lua_pushvalue(L, -1);
  lua_insert(L, -4);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static const char *where(lua_State *L, char line[128]) { return gwl_where(L, line, 128) ? line : NULL; }

static const gw_graph *graph_of(lua_State *L, gw_draft *draft) {
  const gw_graph *graph;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_graph(draft, &graph, &error) != GW_OK) gwl_raise(L, &error);
  return graph;
}

static size_t children_of(lua_State *L, const gwl_node *node) {
  gw_node_info info;
  gw_graph_node(graph_of(L, node->draft), node->node, &info);
  return info.children;
}

/* ---- Reading fields */

/* Pushes how a message calls the object: its path, or what it is when it has none. */
static void push_title(lua_State *L, const gwl_node *node) {
  char *path;
  void **box = gwl_block(L);
  if (gw_draft_node_path(node->draft, node->node, &path, NULL) != GW_OK) path = NULL;
  *box = path;
  if (!path) lua_pushliteral(L, "the object");
  else if (path[0]) lua_pushstring(L, path);
  else lua_pushliteral(L, "the root");
  lua_remove(L, -2);
}

enum { SHOWN = 8 };

static int no_child(lua_State *L, const gwl_node *node, const char *name) {
  const gw_graph *graph = graph_of(L, node->draft);
  size_t count = children_of(L, node);
  push_title(L, node);
  const char *title = lua_tostring(L, -1);
  if (count == 0 && gw_draft_is_variable(node->draft, node->node))
    return gwl_wrong(L, "%s is a variable and has no child '%s' (gw.graph.tensor gives its tensor)", title, name);
  if (count == 0) return gwl_wrong(L, "%s has no child '%s': it has no children", title, name);
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (size_t i = 0; i < count && i < SHOWN; i++) {
    gw_span child;
    uint32_t ignored;
    gw_graph_child(graph, node->node, i, &child, &ignored);
    if (i) luaL_addstring(&list, ", ");
    luaL_addlstring(&list, child.data, child.size);
  }
  luaL_pushresult(&list);
  if (count <= SHOWN) return gwl_wrong(L, "%s has no child '%s' (it has %s)", title, name, lua_tostring(L, -1));
  return gwl_wrong(L, "%s has no child '%s' (it has %s and %d more)", title, name, lua_tostring(L, -1), (int)(count - SHOWN));
}

static bool push_child(lua_State *L, const gwl_node *node, const char *name, size_t size) {
  gw_span ignored;
  uint32_t child;
  size_t at = gw_draft_find_child(node->draft, node->node, name, size);
  if (at == SIZE_MAX) return false;
  gw_graph_child(graph_of(L, node->draft), node->node, at, &ignored, &child);
  gwl_push_node(L, node->draft, child);
  return true;
}

static const char *check_name(lua_State *L, int index, size_t *size) {
  if (lua_isinteger(L, index)) {
    gwl_wrong(L, "an object's children have names: position %I of a list is \"%I\"", (LUAI_UACINT)lua_tointeger(L, index),
              (LUAI_UACINT)lua_tointeger(L, index));
    return NULL;
  }
  if (lua_type(L, index) != LUA_TSTRING) {
    gwl_wrong(L, "an object's children have names, not a %s", luaL_typename(L, index));
    return NULL;
  }
  return lua_tolstring(L, index, size);
}

static int index_child(lua_State *L) {
  size_t size;
  const gwl_node *node = check(L, 1);
  const char *name = check_name(L, 2, &size);
  return push_child(L, node, name, size) ? 1 : no_child(L, node, name);
}

static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)children_of(L, check(L, 1)));
  return 1;
}

/* next() over the children as they were when the loop began. Upvalues: the node, their names, their numbers, how many came. */
static int next_child(lua_State *L) {
  lua_Integer at = lua_tointeger(L, lua_upvalueindex(4));
  const uint32_t *children = lua_touserdata(L, lua_upvalueindex(3));
  if (lua_rawgeti(L, lua_upvalueindex(2), at + 1) == LUA_TNIL) return 1;
  gwl_push_node(L, check(L, lua_upvalueindex(1))->draft, children[at]);
  lua_pushinteger(L, at + 1);
  lua_replace(L, lua_upvalueindex(4));
  return 2;
}

/* core.node_children(node) -> names, nodes: two sequences */
int gwl_node_children(lua_State *L) {
  const gwl_node *node = check(L, 1);
  const gw_graph *graph = graph_of(L, node->draft);
  size_t count = children_of(L, node);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    gw_span name;
    uint32_t child;
    gw_graph_child(graph, node->node, i, &name, &child);
    lua_pushlstring(L, name.data, name.size);
    lua_rawseti(L, -3, (lua_Integer)i + 1);
    gwl_push_node(L, node->draft, child);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 2;
}

/* Handles are made one by one: an object may have a million children. */
static int pairs_of(lua_State *L) {
  const gwl_node *node = check(L, 1);
  const gw_graph *graph = graph_of(L, node->draft);
  size_t count = children_of(L, node);
  lua_settop(L, 1);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  uint32_t *children = lua_newuserdatauv(L, count * sizeof *children + 1, 0);
  for (size_t i = 0; i < count; i++) {
    gw_span name;
    gw_graph_child(graph, node->node, i, &name, &children[i]);
    lua_pushlstring(L, name.data, name.size);
    lua_rawseti(L, 2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_child, 4);
  return 1;
}

static int text(lua_State *L) {
  const gwl_node *node = check(L, 1);
  gw_tensor *tensor;
  push_title(L, node);
  if (gw_draft_is_variable(node->draft, node->node) && gw_draft_node_tensor(node->draft, node->node, &tensor, NULL) == GW_OK) {
    const char *title = lua_tostring(L, -1);
    gwl_push_tensor(L, tensor);
    lua_pushfstring(L, "variable %s: %s", title, luaL_tolstring(L, -1, NULL));
  } else {
    lua_pushfstring(L, "object %s with %I children", lua_tostring(L, -1), (LUAI_UACINT)children_of(L, node));
  }
  return 1;
}

/* ---- core.node_*: draft, node arguments are checked here, the rest in the script that calls */

int gwl_node_root(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT);
  gwl_push_node(L, draft, gw_graph_root(graph_of(L, draft)));
  return 1;
}

/* core.node_set_root(draft, node, sorted) */
int gwl_node_set_root(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT);
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const gwl_node *node = check(L, 2);
  luaL_argcheck(L, node->draft == draft, 2, "a node of another checkpoint");
  if (gw_draft_set_root(draft, node->node, lua_toboolean(L, 3), where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

int gwl_node_is_sorted(lua_State *L) {
  const gwl_node *node = check(L, 1);
  lua_pushboolean(L, gw_graph_is_sorted(graph_of(L, node->draft), node->node));
  return 1;
}

int gwl_node_new(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT);
  uint32_t node;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_new_node(draft, &node, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_node(L, draft, node);
  return 1;
}

/* core.node_variable(draft, tensor, full_name) */
int gwl_node_variable(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT);
  size_t size;
  uint32_t node;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor = gwl_check_tensor(L, 2);
  const char *name = luaL_checklstring(L, 3, &size);
  if (gw_draft_new_variable(draft, tensor, name, size, where(L, line), &node, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_node(L, draft, node);
  return 1;
}

/* core.node_child(node, name) -> node or nil */
int gwl_node_child(lua_State *L) {
  size_t size;
  const gwl_node *node = check(L, 1);
  const char *name = check_name(L, 2, &size);
  return push_child(L, node, name, size) ? 1 : 0;
}

/* core.node_link(node, name, child) */
int gwl_node_link(lua_State *L) {
  size_t size;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const gwl_node *node = check(L, 1), *child = check(L, 3);
  const char *name = check_name(L, 2, &size);
  luaL_argcheck(L, node->draft == child->draft, 3, "a node of another checkpoint");
  if (gw_draft_link(node->draft, node->node, name, size, child->node, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

/* core.node_unlink(node, name): raises when it is not there */
int gwl_node_unlink(lua_State *L) {
  size_t size;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const gwl_node *node = check(L, 1);
  const char *name = check_name(L, 2, &size);
  size_t at = gw_draft_find_child(node->draft, node->node, name, size);
  if (at == SIZE_MAX) return no_child(L, node, name);
  if (gw_draft_unlink(node->draft, node->node, at, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

/* core.node_rename(node, old, new) */
int gwl_node_rename(lua_State *L) {
  size_t size, new_size;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const gwl_node *node = check(L, 1);
  const char *name = check_name(L, 2, &size), *new_name = check_name(L, 3, &new_size);
  size_t at = gw_draft_find_child(node->draft, node->node, name, size);
  if (at == SIZE_MAX) return no_child(L, node, name);
  size_t taken = gw_draft_find_child(node->draft, node->node, new_name, new_size);
  if (taken == at) return 0;
  if (taken != SIZE_MAX) {
    push_title(L, node);
    return gwl_wrong(L, "%s already has a child '%s'", lua_tostring(L, -1), new_name);
  }
  if (gw_draft_rename_child(node->draft, node->node, at, new_name, new_size, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

typedef gw_status (*order_function)(gw_draft *, uint32_t, const size_t *, const char *, gw_error *);

/* `order` has every place of the children, from 0, once. */
static int by_order(lua_State *L, order_function change) {
  const gwl_node *node = check(L, 1);
  size_t count = children_of(L, node);
  char line[128];
  gw_error error = GW_ERROR_INIT;
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_argcheck(L, lua_rawlen(L, 2) == count, 2, "every child once");
  size_t *order = lua_newuserdatauv(L, count * sizeof *order + 1, 0);
  uint8_t *seen = lua_newuserdatauv(L, count + 1, 0);
  memset(seen, 0, count + 1);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    lua_Integer at = luaL_checkinteger(L, -1);
    luaL_argcheck(L, at >= 0 && (size_t)at < count && !seen[at], 2, "every child once");
    seen[at] = 1;
    order[i] = (size_t)at;
    lua_pop(L, 1);
  }
  if (change(node->draft, node->node, order, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

int gwl_node_order(lua_State *L) { return by_order(L, gw_draft_order_children); }
int gwl_node_reorder(lua_State *L) { return by_order(L, gw_draft_reorder); }

int gwl_node_is_variable(lua_State *L) {
  const gwl_node *node = check(L, 1);
  lua_pushboolean(L, gw_draft_is_variable(node->draft, node->node));
  return 1;
}

void gwl_push_node_tensor(lua_State *L, int index) {
  const gwl_node *node = check(L, index);
  gw_tensor *tensor;
  gw_error error = GW_ERROR_INIT;
  if (!gw_draft_is_variable(node->draft, node->node)) {
    push_title(L, node);
    gwl_wrong(L, "%s is no variable: it has no tensor of its own", lua_tostring(L, -1));
  }
  if (gw_draft_node_tensor(node->draft, node->node, &tensor, &error) != GW_OK) gwl_raise(L, &error);
  gwl_push_tensor(L, tensor);
}

int gwl_node_tensor(lua_State *L) {
  gwl_push_node_tensor(L, 1);
  return 1;
}

/* core.node_set_tensor(node, tensor) */
int gwl_node_set_tensor(lua_State *L) {
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const gwl_node *node = check(L, 1);
  gw_tensor *tensor = gwl_check_tensor(L, 2);
  if (gw_draft_set_node_tensor(node->draft, node->node, tensor, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  return 0;
}

/* core.node_full_name(node, new?) -> the full name (before) */
int gwl_node_full_name(lua_State *L) {
  const gwl_node *node = check(L, 1);
  const gw_graph *graph = graph_of(L, node->draft);
  gw_node_info info;
  gw_attribute_info attribute = {0};
  char line[128];
  gw_error error = GW_ERROR_INIT;
  if (!gw_draft_is_variable(node->draft, node->node)) {
    push_title(L, node);
    return gwl_wrong(L, "%s is no variable: it has no full name", lua_tostring(L, -1));
  }
  gw_graph_node(graph, node->node, &info);
  for (size_t i = 0; i < info.attributes; i++) {
    gw_graph_attribute(graph, node->node, i, &attribute);
    if (attribute.name.size == 14 && memcmp(attribute.name.data, "VARIABLE_VALUE", 14) == 0) break;
  }
  lua_settop(L, 2);
  lua_pushlstring(L, attribute.full_name.data, attribute.full_name.size);
  if (!lua_isnil(L, 2)) {
    size_t size;
    const char *name = luaL_checklstring(L, 2, &size);
    if (gw_draft_set_full_name(node->draft, node->node, name, size, where(L, line), &error) != GW_OK) return gwl_raise(L, &error);
  }
  return 1;
}

int gwl_node_path(lua_State *L) {
  const gwl_node *node = check(L, 1);
  gw_error error = GW_ERROR_INIT;
  void **box = gwl_block(L);
  char *path;
  if (gw_draft_node_path(node->draft, node->node, &path, &error) != GW_OK) return gwl_raise(L, &error);
  *box = path;
  lua_pushstring(L, path);
  return 1;
}

/* core.node_slots(optimizer) -> a sequence of {name, variable, slot} */
int gwl_node_slots(lua_State *L) {
  const gwl_node *node = check(L, 1);
  gw_error error = GW_ERROR_INIT;
  gw_slot_entry *slots;
  size_t count;
  void **box = gwl_block(L);
  if (gw_draft_slots(node->draft, node->node, &slots, &count, &error) != GW_OK) return gwl_raise(L, &error);
  *box = slots;
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 3, 0);
    lua_pushlstring(L, slots[i].name.data, slots[i].name.size);
    lua_rawseti(L, -2, 1);
    gwl_push_node(L, node->draft, slots[i].variable);
    lua_rawseti(L, -2, 2);
    gwl_push_node(L, node->draft, slots[i].slot);
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* core.node_set_slot(optimizer, variable, name, tensor) */
int gwl_node_set_slot(lua_State *L) {
  size_t size;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  const gwl_node *node = check(L, 1), *variable = check(L, 2);
  const char *name = luaL_checklstring(L, 3, &size);
  gw_tensor *tensor = gwl_check_tensor(L, 4);
  luaL_argcheck(L, node->draft == variable->draft, 2, "a node of another checkpoint");
  if (gw_draft_set_slot(node->draft, node->node, variable->node, name, size, tensor, where(L, line), &error) != GW_OK)
    return gwl_raise(L, &error);
  return 0;
}

/* core.node_adopt(draft, node) -> the node, or its copy when it is another draft's */
int gwl_node_adopt(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT);
  const gwl_node *node = check(L, 2);
  uint32_t copy;
  char line[128];
  gw_error error = GW_ERROR_INIT;
  lua_settop(L, 2);
  if (node->draft == draft) return 1;
  if (gw_draft_copy_node(draft, node->draft, node->node, where(L, line), &copy, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_node(L, draft, copy);
  return 1;
}

int gwl_node_draft(lua_State *L) {
  gwl_push_draft(L, gw_draft_retain(check(L, 1)->draft));
  return 1;
}

/* core.node_name_for(draft, tensor) -> the full name that a new variable of this tensor gets */
int gwl_node_name_for(lua_State *L) {
  gw_draft *draft = gwl_check(L, 1, GWL_DRAFT);
  gw_error error = GW_ERROR_INIT;
  char *name;
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TUSERDATA && gwl_test(L, 2, GWL_TENSOR) && lua_getiuservalue(L, 2, 1) == LUA_TSTRING) return 1;
  gw_tensor *tensor = gwl_check_tensor(L, 2);
  void **box = gwl_block(L);
  if (gw_draft_full_name_for(draft, tensor, &name, &error) != GW_OK) return gwl_raise(L, &error);
  *box = name;
  lua_pushstring(L, name);
  return 1;
}

/* core.objects() -> a new object-based draft with an empty root */
int gwl_objects_new(lua_State *L) {
  gw_draft *draft;
  gw_error error = GW_ERROR_INIT;
  if (gw_draft_new_objects(&draft, &error) != GW_OK) return gwl_raise(L, &error);
  gwl_push_draft(L, draft);
  return 1;
}

/* core.node_on_assign(function): what `node.name = value` does */
int gwl_node_on_assign(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_getmetatable(L, GWL_NODE);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__newindex");
  return 0;
}

/* core.node_is(value): a node? */
int gwl_node_is(lua_State *L) {
  lua_pushboolean(L, lua_type(L, 1) == LUA_TUSERDATA && gwl_test(L, 1, GWL_NODE) != NULL);
  return 1;
}

void gwl_open_node(lua_State *L) {
  static const luaL_Reg meta[] = {{"__len", length}, {"__pairs", pairs_of}, {"__tostring", text}, {NULL, NULL}};
  static const luaL_Reg none[] = {{NULL, NULL}};
  gwl_make_type(L, GWL_NODE, release, meta, none, index_child);
  lua_pop(L, 1);
  /* A variable is computed with like its tensor. */
  luaL_getmetatable(L, GWL_NODE);
  luaL_setfuncs(L, gwl_tensor_operators, 0);
  lua_pop(L, 1);
}

/* The object graph of a checkpoint, read-only: what `godwit graph` shows. */
#include <string.h>

#include "gwl.h"

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_GRAPH);
  gw_graph_free(*box);
  *box = NULL;
  return 0;
}

/* core.graph(bundle) */
int gwl_graph_open(lua_State *L) {
  gw_bundle *bundle = gwl_check(L, 1, GWL_BUNDLE);
  gw_error error = GW_ERROR_INIT;
  gw_graph *graph;
  void **box = gwl_new(L, GWL_GRAPH, 0);
  if (gw_graph_of_bundle(bundle, &graph, &error) != GW_OK) return gwl_raise(L, &error);
  *box = graph;
  return 1;
}

/* core.graph_decode(bytes) */
int gwl_graph_decode(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  gw_error error = GW_ERROR_INIT;
  gw_graph *graph;
  void **box = gwl_new(L, GWL_GRAPH, 0);
  if (gw_graph_decode(bytes, size, &graph, &error) != GW_OK) return gwl_raise(L, &error);
  *box = graph;
  return 1;
}

static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gw_graph_nodes(gwl_check(L, 1, GWL_GRAPH)));
  return 1;
}

static uint32_t check_node(lua_State *L, const gw_graph *graph) {
  lua_Integer node = luaL_checkinteger(L, 2);
  luaL_argcheck(L, node >= 0 && (size_t)node < gw_graph_nodes(graph), 2, "there is no such node");
  return (uint32_t)node;
}

static void set_span(lua_State *L, const char *field, gw_span span) {
  lua_pushlstring(L, span.data ? span.data : "", span.size);
  lua_setfield(L, -2, field);
}

static void push_children(lua_State *L, const gw_graph *graph, uint32_t node, size_t count) {
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    gw_span name;
    uint32_t child;
    gw_graph_child(graph, node, i, &name, &child);
    lua_createtable(L, 0, 2);
    set_span(L, "name", name);
    lua_pushinteger(L, child);
    lua_setfield(L, -2, "node");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_attributes(lua_State *L, const gw_graph *graph, uint32_t node, size_t count) {
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    gw_attribute_info info;
    gw_graph_attribute(graph, node, i, &info);
    lua_createtable(L, 0, 3);
    set_span(L, "name", info.name);
    set_span(L, "full_name", info.full_name);
    set_span(L, "key", info.key);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_slots(lua_State *L, const gw_graph *graph, uint32_t node, size_t count) {
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    gw_span name;
    uint32_t variable, slot;
    gw_graph_slot(graph, node, i, &name, &variable, &slot);
    lua_createtable(L, 0, 3);
    set_span(L, "name", name);
    lua_pushinteger(L, variable);
    lua_setfield(L, -2, "variable");
    lua_pushinteger(L, slot);
    lua_setfield(L, -2, "slot");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* graph:node(id) -> {children = {{name, node}}, attributes = {{name, full_name, key}}, slots = {{name, variable, slot}},
 * saver = name?}; ids count from 0, as in the file */
static int node(lua_State *L) {
  const gw_graph *graph = gwl_check(L, 1, GWL_GRAPH);
  uint32_t id = check_node(L, graph);
  gw_node_info info;
  gw_graph_node(graph, id, &info);
  lua_createtable(L, 0, 4);
  push_children(L, graph, id, info.children);
  lua_setfield(L, -2, "children");
  push_attributes(L, graph, id, info.attributes);
  lua_setfield(L, -2, "attributes");
  push_slots(L, graph, id, info.slots);
  lua_setfield(L, -2, "slots");
  if (info.has_saver) set_span(L, "saver", info.saver_name);
  return 1;
}

/* graph:encode() -> bytes */
static int encode(lua_State *L) {
  const gw_graph *graph = gwl_check(L, 1, GWL_GRAPH);
  gw_error error = GW_ERROR_INIT;
  size_t size;
  void **box = gwl_block(L);
  if (gw_graph_encode(graph, box, &size, &error) != GW_OK) return gwl_raise(L, &error);
  lua_pushlstring(L, *box, size);
  return 1;
}

/* graph:parents() -> by reached node: the id of the node that first reaches it, and the name of that edge */
static int parents(lua_State *L) {
  const gw_graph *graph = gwl_check(L, 1, GWL_GRAPH);
  gw_error error = GW_ERROR_INIT;
  uint32_t *found;
  size_t *edges;
  void **box = gwl_block(L), **other = gwl_block(L);
  if (gw_graph_parents(graph, &found, &edges, &error) != GW_OK) return gwl_raise(L, &error);
  *box = found;
  *other = edges;
  lua_newtable(L);
  lua_newtable(L);
  for (size_t i = 0; i < gw_graph_nodes(graph); i++) {
    gw_span name;
    uint32_t child;
    if (found[i] == GW_NO_NODE) continue;
    lua_pushinteger(L, found[i]);
    lua_rawseti(L, -3, (lua_Integer)i);
    gw_graph_child(graph, found[i], edges[i], &name, &child);
    lua_pushlstring(L, name.data, name.size);
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  return 2;
}

static int push_name(lua_State *L, gw_status (*turn)(const char *, size_t, char **, gw_error *)) {
  size_t size;
  const char *name = luaL_checklstring(L, 1, &size);
  gw_error error = GW_ERROR_INIT;
  char *out;
  void **box = gwl_block(L);
  if (turn(name, size, &out, &error) != GW_OK) return gwl_raise(L, &error);
  *box = out;
  lua_pushstring(L, out);
  return 1;
}

/* core.escape(name), core.unescape(part): a name as it stands in a key, and back. */
int gwl_graph_escape(lua_State *L) { return push_name(L, gw_graph_escape); }
int gwl_graph_unescape(lua_State *L) { return push_name(L, gw_graph_unescape); }

void gwl_open_graph(lua_State *L) {
  static const luaL_Reg meta[] = {{"__len", length}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"node", node}, {"encode", encode}, {"parents", parents}, {"close", release}, {NULL, NULL}};
  gwl_make_type(L, GWL_GRAPH, release, meta, methods, NULL);
  lua_pop(L, 1);
}

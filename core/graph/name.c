/* Objects as TensorFlow's messages name them: see graph.h. */
#include <string.h>

#include "../base/alloc.h"
#include "graph.h"
#include "match.h"

enum {
  MOST_SLOTS = 4,    /* of slots of slots, which only hostile files have */
  MOST_PARTS = 100,  /* of a path: hostile graphs are 10^5 deep, and each of their nodes may have to be named */
  MOST_BYTES = 1000  /* of a path */
};

static gw_status find_slots(gw_naming *naming, gw_error *error) {
  const gw_graph *graph = naming->graph;
  naming->owners = gw__alloc_array(graph->node_count, sizeof *naming->owners, error);
  naming->owned = naming->owners ? gw__alloc_array(graph->node_count, sizeof *naming->owned, error) : NULL;
  if (!naming->owned) return GW_NO_MEMORY;
  memset(naming->owners, 0xff, graph->node_count * sizeof *naming->owners);
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].slot_count && j < UINT32_MAX; j++) {
      naming->owners[graph->nodes[i].slots[j].slot] = (uint32_t)i;
      naming->owned[graph->nodes[i].slots[j].slot] = (uint32_t)j;
    }
  return GW_OK;
}

gw_status gw__naming_start(const gw_graph *graph, gw_naming *naming, gw_error *error) {
  *naming = (gw_naming){.graph = graph};
  gw_status status = gw_graph_parents(graph, &naming->parents, &naming->edges, error);
  if (status == GW_OK) status = find_slots(naming, error);
  if (status != GW_OK) gw__naming_end(naming);
  return status;
}

void gw__naming_end(gw_naming *naming) {
  gw__free(naming->parents);
  gw__free(naming->edges);
  gw__free(naming->owners);
  gw__free(naming->owned);
  *naming = (gw_naming){0};
}

static void put_part(gw_span name, gw_buf *out) {
  size_t size = name.size;
  if (size > MOST_BYTES) {
    size = MOST_BYTES;
    while (size > 0 && ((unsigned char)name.data[size] & 0xc0) == 0x80) size--;
  }
  gw__put_text(out, ".");
  gw__put_bytes(out, name.data, size);
  if (size < name.size) gw__put_text(out, "...");
}

static void put_path(const gw_naming *naming, uint32_t node, gw_buf *out) {
  gw_span parts[MOST_PARTS];
  size_t count = 0, bytes = 0;
  while (node != naming->graph->root && naming->parents[node] != GW_NO_NODE && count < MOST_PARTS && bytes < MOST_BYTES) {
    const gw_edge *edge = &naming->graph->nodes[naming->parents[node]].edges[naming->edges[node]];
    parts[count++] = edge->name;
    bytes += edge->name.size;
    node = naming->parents[node];
  }
  if (node == naming->graph->root) gw__put_text(out, "(root)");
  else if (naming->parents[node] == GW_NO_NODE) gw__put_format(out, "(node %u, which the root does not reach)", (unsigned)node);
  else gw__put_text(out, "...");
  while (count-- > 0) put_part(parts[count], out);
}

static void put_slot_of(const gw_naming *naming, uint32_t optimizer, gw_span slot, gw_buf *out) {
  put_path(naming, optimizer, out);
  gw__put_text(out, "'s state '");
  gw__put_bytes(out, slot.data, slot.size < MOST_BYTES ? slot.size : MOST_BYTES);
  gw__put_text(out, "' for ");
}

void gw__naming_put_slot(const gw_naming *naming, uint32_t optimizer, gw_span slot, uint32_t variable, gw_buf *out) {
  put_slot_of(naming, optimizer, slot, out);
  put_path(naming, variable, out);
}

void gw__naming_put(const gw_naming *naming, uint32_t node, gw_buf *out) {
  uint32_t owner = naming->owners[node];
  if (owner == GW_NO_NODE) {
    put_path(naming, node, out);
    return;
  }
  const gw_slot *slot = &naming->graph->nodes[owner].slots[naming->owned[node]];
  gw__naming_put_slot(naming, owner, slot->name, slot->variable, out);
}

void gw__naming_put_object(const gw_naming *naming, const gw_match *match, uint32_t object, gw_buf *out) {
  for (int i = 0; i < MOST_SLOTS && object >= naming->graph->node_count; i++) {
    const gw_made *made = gw__match_made(match, object);
    if (made->optimizer == GW_NO_NODE) {
      gw__put_text(out, "(root).save_counter");
      return;
    }
    put_slot_of(naming, made->optimizer, made->slot, out);
    object = made->variable;
  }
  if (object < naming->graph->node_count) gw__naming_put(naming, object, out);
  else gw__put_text(out, "...");
}

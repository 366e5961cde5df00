/* Editing: edges, slots, attributes. An edge keeps its place when it is renamed or led elsewhere; a new one goes last. */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "graph.h"

#define GRAVE UINT32_MAX
enum { FEW = 16 }; /* edges that are looked through one by one */

static bool same(gw_span a, gw_span b) { return a.size == b.size && memcmp(a.data, b.data, a.size) == 0; }

/* ---- Finding an edge by its name. The hash holds 1 + edge; 0 is free. Graves count as used: a search ends at what is free. */

static void forget_names(gw_node *node) {
  gw__free(node->by_name);
  node->by_name = NULL;
  node->by_name_size = node->by_name_used = 0;
}

static void insert(gw_node *node, size_t edge) {
  if ((node->by_name_used + 1) * 4 > node->by_name_size * 3) { /* made anew when somebody searches */
    forget_names(node);
    return;
  }
  size_t mask = node->by_name_size - 1, at = gw__hash(node->edges[edge].name.data, node->edges[edge].name.size) & mask;
  while (node->by_name[at] != 0) at = (at + 1) & mask;
  node->by_name[at] = (uint32_t)edge + 1;
  node->by_name_used++;
}

/* Without memory for it there is none, and edges are looked through. */
static void learn_names(gw_node *node) {
  size_t size = 64;
  while (size < node->edge_count * 2) size *= 2;
  node->by_name = gw__alloc_array(size, sizeof *node->by_name, NULL);
  if (!node->by_name) return;
  node->by_name_size = size;
  for (size_t i = 0; i < node->edge_count; i++) insert(node, i);
}

/* Where in the hash this edge stands. */
static size_t place_of(const gw_node *node, size_t edge) {
  size_t mask = node->by_name_size - 1, at = gw__hash(node->edges[edge].name.data, node->edges[edge].name.size) & mask;
  while (node->by_name[at] != edge + 1) at = (at + 1) & mask;
  return at;
}

size_t gw__graph_find(gw_graph *graph, uint32_t number, gw_span name) {
  gw_node *node = &graph->nodes[number];
  if (node->edge_count > FEW && !node->by_name) learn_names(node);
  if (!node->by_name) {
    for (size_t i = 0; i < node->edge_count; i++)
      if (same(node->edges[i].name, name)) return i;
    return GW_NO_EDGE;
  }
  size_t mask = node->by_name_size - 1;
  for (size_t at = gw__hash(name.data, name.size) & mask; node->by_name[at] != 0; at = (at + 1) & mask)
    if (node->by_name[at] != GRAVE && same(node->edges[node->by_name[at] - 1].name, name)) return node->by_name[at] - 1;
  return GW_NO_EDGE;
}

/* ---- Changes */

gw_status gw__graph_change(gw_graph *graph, uint32_t line, uint32_t *change, gw_error *error) {
  if (graph->change_count == 0 || graph->changes[graph->change_count - 1] != line) {
    if (graph->change_count >= UINT32_MAX - 1) return gw__fail(error, GW_LIMIT, "more than 2^32 edits");
    gw_status status = gw__reserve((void **)&graph->changes, &graph->change_capacity, graph->change_count + 1, sizeof *graph->changes, error);
    if (status != GW_OK) return status;
    graph->changes[graph->change_count++] = line;
  }
  graph->version++;
  *change = (uint32_t)graph->change_count;
  return GW_OK;
}

/* Room for one more element of an array that lives in the arena; the old one is left there. */
static gw_status make_room(gw_graph *graph, void **array, size_t count, size_t *capacity, size_t size, gw_error *error) {
  if (count < *capacity) return GW_OK;
  size_t more = *capacity < 4 ? 8 : *capacity * 2;
  void *grown = gw__arena_alloc(&graph->arena, more * size, error);
  if (!grown) return GW_NO_MEMORY;
  if (count) memcpy(grown, *array, count * size);
  *array = grown;
  *capacity = more;
  return GW_OK;
}

/* ---- Edges */

gw_status gw__graph_link(gw_graph *graph, uint32_t number, gw_span name, uint32_t child, uint32_t line, gw_error *error) {
  gw_node *node = &graph->nodes[number];
  gw_span copy;
  uint32_t change;
  size_t at = gw__graph_find(graph, number, name);
  gw_status status = gw__graph_change(graph, line, &change, error);
  if (status != GW_OK) return status;
  if (at != GW_NO_EDGE) {
    gw_edge *edge = &node->edges[at];
    if (edge->child != child) graph->nodes[edge->child].lost = change;
    edge->child = child;
    edge->change = change;
    return GW_OK;
  }
  if (node->edge_count >= UINT32_MAX - 2) return gw__fail(error, GW_LIMIT, "more than 2^32 children");
  status = gw__graph_text(graph, name, &copy, error);
  if (status == GW_OK)
    status = make_room(graph, (void **)&node->edges, node->edge_count, &node->edge_capacity, sizeof *node->edges, error);
  if (status != GW_OK) return status;
  node->edges[node->edge_count++] = (gw_edge){.name = copy, .child = child, .change = change};
  if (node->by_name) insert(node, node->edge_count - 1);
  return GW_OK;
}

gw_status gw__graph_unlink(gw_graph *graph, uint32_t number, size_t edge, uint32_t line, gw_error *error) {
  gw_node *node = &graph->nodes[number];
  uint32_t change;
  gw_status status = gw__graph_change(graph, line, &change, error);
  if (status != GW_OK) return status;
  graph->nodes[node->edges[edge].child].lost = change;
  if (node->by_name) {
    node->by_name[place_of(node, edge)] = GRAVE;
    /* Those behind it, but no grave, move up by one; without a branch, which no processor could foretell here. */
    uint32_t behind = (uint32_t)edge + 2;
    for (size_t i = 0; edge + 1 < node->edge_count && i < node->by_name_size; i++)
      node->by_name[i] -= node->by_name[i] - behind < GRAVE - behind;
  }
  memmove(&node->edges[edge], &node->edges[edge + 1], (node->edge_count - edge - 1) * sizeof *node->edges);
  node->edge_count--;
  return GW_OK;
}

gw_status gw__graph_rename_edge(gw_graph *graph, uint32_t number, size_t edge, gw_span name, uint32_t line, gw_error *error) {
  gw_node *node = &graph->nodes[number];
  gw_span copy;
  uint32_t change;
  gw_status status = gw__graph_text(graph, name, &copy, error);
  if (status == GW_OK) status = gw__graph_change(graph, line, &change, error);
  if (status != GW_OK) return status;
  if (node->by_name) node->by_name[place_of(node, edge)] = GRAVE;
  node->edges[edge].name = copy;
  node->edges[edge].change = change;
  if (node->by_name) insert(node, edge);
  return GW_OK;
}

/* The first two edges that would have one name. */
gw_status gw__graph_check_names(const gw_graph *graph, uint32_t number, const gw_span *names, size_t clash[2], gw_error *error) {
  const gw_node *node = &graph->nodes[number];
  size_t size = 16;
  while (size < node->edge_count * 2) size *= 2;
  uint32_t *table = gw__alloc_array(size, sizeof *table, error);
  if (!table) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  for (size_t i = 0; i < node->edge_count && status == GW_OK; i++) {
    gw_span name = names[i].data ? names[i] : node->edges[i].name;
    size_t at = gw__hash(name.data, name.size) & (size - 1);
    for (; table[at] != 0; at = (at + 1) & (size - 1)) {
      size_t other = table[at] - 1;
      if (!same(names[other].data ? names[other] : node->edges[other].name, name)) continue;
      clash[0] = other;
      clash[1] = i;
      status = gw__fail(error, GW_EXISTS, "two children would get this name");
      break;
    }
    table[at] = (uint32_t)i + 1;
  }
  gw__free(table);
  return status;
}

void gw__graph_rename_edges(gw_graph *graph, uint32_t number, const gw_span *names, uint32_t change) {
  gw_node *node = &graph->nodes[number];
  for (size_t i = 0; i < node->edge_count; i++) {
    if (!names[i].data || same(names[i], node->edges[i].name)) continue;
    node->edges[i].name = names[i];
    node->edges[i].change = change;
  }
  forget_names(node);
}

gw_status gw__graph_order_edges(gw_graph *graph, uint32_t number, const size_t *order, uint32_t line, gw_error *error) {
  gw_node *node = &graph->nodes[number];
  uint32_t change;
  gw_edge *edges = gw__arena_alloc(&graph->arena, node->edge_count * sizeof *edges, error);
  gw_status status = edges ? gw__graph_change(graph, line, &change, error) : GW_NO_MEMORY;
  if (status != GW_OK) return status;
  for (size_t i = 0; i < node->edge_count; i++) {
    edges[i] = node->edges[order[i]];
    if (order[i] != i) edges[i].change = change;
  }
  node->edges = edges;
  node->edge_capacity = node->edge_count;
  forget_names(node);
  return GW_OK;
}

void gw__graph_remove_nodes(gw_graph *graph, const uint8_t *marks, uint32_t change) {
  for (size_t i = 0; i < graph->node_count; i++) {
    gw_node *node = &graph->nodes[i];
    size_t kept = 0;
    for (size_t j = 0; j < node->edge_count; j++) {
      if (marks[node->edges[j].child]) graph->nodes[node->edges[j].child].lost = change;
      else node->edges[kept++] = node->edges[j];
    }
    if (kept != node->edge_count) forget_names(node);
    node->edge_count = kept;
    kept = 0;
    for (size_t j = 0; j < node->slot_count; j++) {
      if (marks[node->slots[j].variable] || marks[node->slots[j].slot]) graph->nodes[node->slots[j].slot].lost = change;
      else node->slots[kept++] = node->slots[j];
    }
    node->slot_count = kept;
  }
}

/* ---- Slots and attributes */

gw_status gw__graph_add_slot(gw_graph *graph, uint32_t optimizer, gw_span name, uint32_t variable, uint32_t slot, uint32_t line,
                             gw_error *error) {
  gw_node *node = &graph->nodes[optimizer];
  gw_span copy;
  uint32_t change;
  gw_status status = gw__graph_text(graph, name, &copy, error);
  if (status == GW_OK)
    status = make_room(graph, (void **)&node->slots, node->slot_count, &node->slot_capacity, sizeof *node->slots, error);
  if (status == GW_OK) status = gw__graph_change(graph, line, &change, error);
  if (status == GW_OK) node->slots[node->slot_count++] = (gw_slot){copy, variable, slot, change};
  return status;
}

gw_status gw__graph_add_attribute(gw_graph *graph, uint32_t number, gw_span name, gw_span full_name, uint32_t item, gw_error *error) {
  gw_node *node = &graph->nodes[number];
  gw_attribute *attributes = gw__arena_alloc(&graph->arena, (node->attribute_count + 1) * sizeof *attributes, error);
  gw_value *value = gw__arena_alloc(&graph->arena, sizeof *value, error);
  if (!attributes || !value) return GW_NO_MEMORY;
  if (node->attribute_count) memcpy(attributes, node->attributes, node->attribute_count * sizeof *attributes);
  *value = (gw_value){.suffix = {"", 0}, .item = item};
  gw_attribute *added = &attributes[node->attribute_count];
  *added = (gw_attribute){.values = value, .value_count = 1};
  gw_status status = gw__graph_text(graph, name, &added->name, error);
  if (status == GW_OK) status = gw__graph_text(graph, full_name, &added->full_name, error);
  if (status != GW_OK) return status;
  added->key = (gw_span){"", 0};
  node->attributes = attributes;
  node->attribute_count++;
  return GW_OK;
}

/* ---- Order */

static const gw_span save_counter = {"save_counter", sizeof "save_counter" - 1};

static int by_name(const void *a, const void *b) {
  const gw_edge *left = a, *right = b;
  bool left_last = same(left->name, save_counter), right_last = same(right->name, save_counter);
  if (left_last != right_last) return left_last ? 1 : -1;
  /* Python sorts by code points, which is the order of the bytes of UTF-8. */
  int order = memcmp(left->name.data, right->name.data, left->name.size < right->name.size ? left->name.size : right->name.size);
  if (order != 0) return order;
  return left->name.size < right->name.size ? -1 : left->name.size > right->name.size;
}

bool gw_graph_is_sorted(const gw_graph *graph, uint32_t number) {
  const gw_node *node = &graph->nodes[number];
  for (size_t i = 1; i < node->edge_count; i++)
    if (by_name(&node->edges[i - 1], &node->edges[i]) > 0) return false;
  return true;
}

typedef struct gw_slot_place {
  gw_slot slot;
  uint32_t name, variable, place; /* which name, counted as they first come; the variable's number; where it stood */
} gw_slot_place;

static int by_slot(const void *a, const void *b) {
  const gw_slot_place *left = a, *right = b;
  if (left->name != right->name) return left->name < right->name ? -1 : 1;
  if (left->variable != right->variable) return left->variable < right->variable ? -1 : 1;
  return left->place < right->place ? -1 : left->place > right->place;
}

/* Numbers the slots' names as they first come; `table` is a hash of 1 + slot. */
static void number_names(gw_slot_place *places, size_t count, uint32_t *table, size_t size) {
  uint32_t names = 0;
  for (size_t i = 0; i < count; i++) {
    gw_span name = places[i].slot.name;
    size_t at = gw__hash(name.data, name.size) & (size - 1);
    while (table[at] != 0 && !same(places[table[at] - 1].slot.name, name)) at = (at + 1) & (size - 1);
    if (table[at] == 0) {
      table[at] = (uint32_t)i + 1;
      places[i].name = names++;
    } else {
      places[i].name = places[table[at] - 1].name;
    }
  }
}

/* Slot name by slot name as they first come, and in each by the number of the variable. */
static gw_status sort_slots(gw_node *node, const gw_numbering *numbering, gw_error *error) {
  size_t size = 16;
  while (size < node->slot_count * 2) size *= 2;
  uint32_t *table = gw__alloc_array(size, sizeof *table, error);
  gw_slot_place *places = table ? gw__alloc_array(node->slot_count, sizeof *places, error) : NULL;
  for (size_t i = 0; places && i < node->slot_count; i++)
    places[i] = (gw_slot_place){.slot = node->slots[i], .variable = numbering->numbers[node->slots[i].variable], .place = (uint32_t)i};
  if (places) {
    number_names(places, node->slot_count, table, size);
    qsort(places, node->slot_count, sizeof *places, by_slot);
    for (size_t i = 0; i < node->slot_count; i++) node->slots[i] = places[i].slot;
  }
  gw__free(table);
  gw__free(places);
  return places ? GW_OK : GW_NO_MEMORY;
}

void gw__graph_sort_root(gw_graph *graph) {
  gw_node *root = &graph->nodes[graph->root];
  if (!graph->sorted || gw_graph_is_sorted(graph, graph->root)) return;
  qsort(root->edges, root->edge_count, sizeof *root->edges, by_name);
  forget_names(root);
}

gw_status gw__graph_sort_slots(gw_graph *graph, gw_error *error) {
  gw_numbering numbering;
  gw_status status = gw__graph_number(graph, &numbering, error);
  for (size_t i = 0; i < graph->node_count && status == GW_OK; i++)
    if (graph->nodes[i].slot_count > 1) status = sort_slots(&graph->nodes[i], &numbering, error);
  gw__graph_numbering_free(&numbering);
  return status;
}

/* Copying from graph to graph: sharing, cycles and slots survive. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "graph.h"

typedef struct gw_copying {
  gw_copied *copied;
  const gw_graph *from;
  gw_graph *to;
  uint32_t change;
  gw_copy_value copy_value;
  void *context;
  gw_error *error;
} gw_copying;

static bool text(gw_copying *copying, gw_span span, gw_span *out) {
  return gw__graph_text(copying->to, span, out, copying->error) == GW_OK;
}

static void *lay(gw_copying *copying, size_t count, size_t size) {
  /* Counts are those of a graph that is in memory: the product cannot overflow. */
  void *memory = gw__arena_alloc(&copying->to->arena, count * size, copying->error);
  if (memory) memset(memory, 0, count * size);
  return memory;
}

static bool copy_unknown(gw_copying *copying, const gw_unknown *from, gw_unknown **to) {
  if (!from) return true;
  gw_unknown *copy = lay(copying, 1, sizeof *copy);
  if (!copy || !(copy->fields = lay(copying, from->count, sizeof *copy->fields))) return false;
  for (; copy->count < from->count; copy->count++) {
    copy->fields[copy->count] = from->fields[copy->count];
    if (!text(copying, from->fields[copy->count].bytes, &copy->fields[copy->count].bytes)) return false;
  }
  *to = copy;
  return true;
}

static gw_status copy_values(gw_copying *copying, const gw_attribute *from, gw_attribute *to) {
  to->values = lay(copying, from->value_count, sizeof *to->values);
  if (!to->values) return GW_NO_MEMORY;
  for (size_t i = 0; i < from->value_count; i++) {
    if (!text(copying, from->values[i].suffix, &to->values[i].suffix)) return GW_NO_MEMORY;
    gw_status status = copying->copy_value(copying->context, from->values[i].item, &to->values[i].item, copying->error);
    if (status != GW_OK) return status;
    to->value_count++;
  }
  return GW_OK;
}

static gw_status copy_attributes(gw_copying *copying, const gw_node *from, gw_node *to) {
  to->attributes = lay(copying, from->attribute_count, sizeof *to->attributes);
  if (!to->attributes) return GW_NO_MEMORY;
  for (size_t i = 0; i < from->attribute_count; i++) {
    const gw_attribute *source = &from->attributes[i];
    gw_attribute *attribute = &to->attributes[i];
    attribute->optional_restore = source->optional_restore;
    if (!text(copying, source->name, &attribute->name) || !text(copying, source->full_name, &attribute->full_name) ||
        !text(copying, source->key, &attribute->key) || !copy_unknown(copying, source->unknown, &attribute->unknown))
      return GW_NO_MEMORY;
    gw_status status = copy_values(copying, source, attribute);
    if (status != GW_OK) return status;
    to->attribute_count++;
  }
  return GW_OK;
}

/* All of a node but its edges and slots. */
static gw_status copy_content(gw_copying *copying, const gw_node *from, gw_node *to) {
  to->has_saver = from->has_saver;
  to->has_values = from->has_values;
  if (from->has_saver && (!text(copying, from->saver_name, &to->saver_name) || !text(copying, from->saver_object, &to->saver_object)))
    return GW_NO_MEMORY;
  if (!copy_unknown(copying, from->unknown, &to->unknown)) return GW_NO_MEMORY;
  return copy_attributes(copying, from, to);
}

static gw_status copy_edges(gw_copying *copying, const gw_node *from, gw_node *to) {
  to->edges = lay(copying, from->edge_count, sizeof *to->edges);
  if (!to->edges) return GW_NO_MEMORY;
  for (size_t i = 0; i < from->edge_count; i++) {
    to->edges[i] = (gw_edge){.child = copying->copied->nodes[from->edges[i].child], .change = copying->change};
    if (!text(copying, from->edges[i].name, &to->edges[i].name)) return GW_NO_MEMORY;
    to->edge_capacity = ++to->edge_count;
  }
  return GW_OK;
}

/* What was not copied is GW_NO_NODE. */
static bool copy_numbers(gw_copying *copying, const uint32_t *from, size_t count, uint32_t **to) {
  if (!from) return true;
  if (!(*to = lay(copying, count, sizeof **to))) return false;
  for (size_t i = 0; i < count; i++) (*to)[i] = from[i] == GW_NO_NODE ? GW_NO_NODE : copying->copied->nodes[from[i]];
  return true;
}

static gw_status copy_positions(gw_copying *copying, uint32_t optimizer) {
  const gw_positions *from = copying->from->nodes[optimizer].positions;
  gw_graph *to = copying->to;
  gw_node *node = &to->nodes[copying->copied->nodes[optimizer]];
  if (!from || (node->positions && node->positions->by_hand)) return GW_OK;
  gw_positions *copy = lay(copying, 1, sizeof *copy);
  if (!copy) return GW_NO_MEMORY;
  *copy = *from;
  if (!copy_numbers(copying, from->variables, from->count, &copy->variables) ||
      !copy_numbers(copying, from->walked, from->walked_count, &copy->walked))
    return GW_NO_MEMORY;
  if (!node->positions) {
    gw_status status = gw__reserve((void **)&to->optimizers, &to->optimizer_capacity, to->optimizer_count + 1, sizeof *to->optimizers,
                                   copying->error);
    if (status != GW_OK) return status;
    to->optimizers[to->optimizer_count++] = copying->copied->nodes[optimizer];
  }
  node->positions = copy;
  return GW_OK;
}

static gw_status add_node(gw_copying *copying, uint32_t node, uint32_t *queue, size_t *count) {
  uint32_t *copy = &copying->copied->nodes[node];
  if (*copy != GW_NO_NODE) return GW_OK;
  gw_status status = gw__graph_add_node(copying->to, copy, copying->error);
  if (status == GW_OK) queue[(*count)++] = node;
  return status;
}

/* Nodes first, breadth-first, then what they hold: the target's array of nodes moves while it grows. */
static gw_status copy_below(gw_copying *copying, uint32_t *queue, size_t *count) {
  const gw_graph *from = copying->from;
  gw_status status = GW_OK;
  for (size_t i = 0; i < *count && status == GW_OK; i++)
    for (size_t j = 0; j < from->nodes[queue[i]].edge_count && status == GW_OK; j++)
      status = add_node(copying, from->nodes[queue[i]].edges[j].child, queue, count);
  for (size_t i = 0; i < *count && status == GW_OK; i++) {
    gw_node *copy = &copying->to->nodes[copying->copied->nodes[queue[i]]];
    status = copy_content(copying, &from->nodes[queue[i]], copy);
    if (status == GW_OK) status = copy_edges(copying, &from->nodes[queue[i]], copy);
  }
  return status;
}

/* The slots of every optimizer that has been copied, for the variables that have been: now or earlier. */
static gw_status copy_slots(gw_copying *copying, uint32_t *queue) {
  const gw_graph *from = copying->from;
  uint32_t *nodes = copying->copied->nodes;
  for (size_t i = 0; i < from->node_count; i++)
    for (size_t j = 0; nodes[i] != GW_NO_NODE && j < from->nodes[i].slot_count; j++) {
      const gw_slot *slot = &from->nodes[i].slots[j];
      size_t count = 0;
      if (nodes[slot->variable] == GW_NO_NODE || nodes[slot->slot] != GW_NO_NODE) continue;
      gw_status status = add_node(copying, slot->slot, queue, &count);
      if (status == GW_OK) status = copy_below(copying, queue, &count);
      if (status == GW_OK)
        status = gw__graph_add_slot(copying->to, nodes[i], slot->name, nodes[slot->variable], nodes[slot->slot],
                                    copying->to->changes[copying->change - 1], copying->error);
      if (status != GW_OK) return status;
    }
  return GW_OK;
}

gw_status gw__graph_copy(gw_copied *copied, gw_graph *to, uint32_t node, uint32_t line, gw_copy_value copy_value, void *context,
                         uint32_t *out, gw_error *error) {
  gw_copying copying = {copied, copied->from, to, 0, copy_value, context, error};
  gw_status status = gw__graph_change(to, line, &copying.change, error);
  if (status != GW_OK) return status;
  if (copied->count < copied->from->node_count) { /* it has grown since the last copy */
    uint32_t *nodes = gw__realloc_array(copied->nodes, copied->from->node_count, sizeof *nodes, error);
    if (!nodes) return GW_NO_MEMORY;
    memset(nodes + copied->count, 0xff, (copied->from->node_count - copied->count) * sizeof *nodes);
    copied->nodes = nodes;
    copied->count = copied->from->node_count;
  }
  uint32_t *queue = gw__alloc_array(copied->count, sizeof *queue, error);
  size_t count = 0;
  if (!queue) return GW_NO_MEMORY;
  status = add_node(&copying, node, queue, &count);
  if (status == GW_OK) status = copy_below(&copying, queue, &count);
  if (status == GW_OK) status = copy_slots(&copying, queue);
  /* Variables may have come behind their optimizer: the positions of all that are copied. */
  for (size_t i = 0; i < copied->from->optimizer_count && status == GW_OK; i++)
    if (copied->nodes[copied->from->optimizers[i]] != GW_NO_NODE) status = copy_positions(&copying, copied->from->optimizers[i]);
  gw__free(queue);
  *out = copied->nodes[node];
  return status;
}

static gw_status same_item(void *context, uint32_t item, uint32_t *copy, gw_error *error) {
  (void)context;
  (void)error;
  *copy = item;
  return GW_OK;
}

static gw_status clone_nodes(gw_copying *copying, const gw_graph *graph) {
  gw_graph *to = copying->to;
  gw_status status = GW_OK;
  for (size_t i = 0; i < graph->node_count && status == GW_OK; i++) {
    const gw_node *from = &graph->nodes[i];
    gw_node *node = &to->nodes[i];
    node->lost = from->lost;
    status = copy_content(copying, from, node);
    if (status == GW_OK) status = copy_edges(copying, from, node);
    for (size_t j = 0; j < node->edge_count; j++) node->edges[j].change = from->edges[j].change;
    if (status == GW_OK && !(node->slots = lay(copying, from->slot_count, sizeof *node->slots))) status = GW_NO_MEMORY;
    for (size_t j = 0; j < from->slot_count && status == GW_OK; j++) {
      node->slots[j] = from->slots[j];
      if (!text(copying, from->slots[j].name, &node->slots[j].name)) status = GW_NO_MEMORY;
      node->slot_capacity = ++node->slot_count;
    }
  }
  return status;
}

gw_status gw__graph_clone(const gw_graph *graph, gw_graph **out, gw_error *error) {
  gw_copied all = {NULL, gw__alloc_array(graph->node_count, sizeof *all.nodes, error), graph->node_count};
  gw_graph *clone = all.nodes ? gw__alloc_array(1, sizeof *clone, error) : NULL;
  *out = NULL;
  if (!clone) {
    gw__free(all.nodes);
    return GW_NO_MEMORY;
  }
  clone->references = 1;
  clone->root = graph->root;
  clone->sorted = graph->sorted;
  clone->with_values = graph->with_values;
  clone->version = graph->version;
  gw_copying copying = {&all, graph, clone, 0, same_item, NULL, error};
  for (size_t i = 0; i < graph->node_count; i++) all.nodes[i] = (uint32_t)i;
  gw_status status = gw__reserve((void **)&clone->nodes, &clone->node_capacity, graph->node_count, sizeof *clone->nodes, error);
  if (status == GW_OK) {
    memset(clone->nodes, 0, graph->node_count * sizeof *clone->nodes);
    clone->node_count = graph->node_count;
    status = clone_nodes(&copying, graph);
  }
  if (status == GW_OK)
    status = gw__reserve((void **)&clone->changes, &clone->change_capacity, graph->change_count, sizeof *clone->changes, error);
  if (status == GW_OK && graph->change_count) memcpy(clone->changes, graph->changes, graph->change_count * sizeof *clone->changes);
  if (status == GW_OK) clone->change_count = graph->change_count;
  for (size_t i = 0; i < graph->optimizer_count && status == GW_OK; i++) status = copy_positions(&copying, graph->optimizers[i]);
  gw__free(all.nodes);
  if (status == GW_OK) *out = clone;
  else gw_graph_free(clone);
  return status;
}

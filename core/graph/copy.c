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
static uint32_t copy_of(const gw_copied *copied, uint32_t node) {
  return node < copied->count ? copied->nodes[node] : GW_NO_NODE; /* GW_NO_NODE is past every count */
}

static bool copy_numbers(gw_copying *copying, const uint32_t *from, size_t count, uint32_t **to) {
  if (!from) return true;
  if (!(*to = lay(copying, count, sizeof **to))) return false;
  for (size_t i = 0; i < count; i++) (*to)[i] = copy_of(copying->copied, from[i]);
  return true;
}

static bool copy_list(gw_copying *copying, const gw_positions_list *from, gw_positions_list *to) {
  *to = (gw_positions_list){.node = copy_of(copying->copied, from->node), .count = from->count};
  if (!(to->edges = lay(copying, from->count, sizeof *to->edges))) return false;
  for (size_t i = 0; i < from->count; i++) {
    to->edges[i].child = copy_of(copying->copied, from->edges[i].child);
    if (!text(copying, from->edges[i].name, &to->edges[i].name)) return false;
  }
  return true;
}

static gw_status copy_positions(gw_copying *copying, uint32_t optimizer) {
  const gw_positions *from = copying->from->nodes[optimizer].positions;
  gw_graph *to = copying->to;
  gw_positions *copy = lay(copying, 1, sizeof *copy);
  if (!copy) return GW_NO_MEMORY;
  *copy = *from;
  if (!copy_numbers(copying, from->variables, from->count, &copy->variables) ||
      !copy_numbers(copying, from->walked, from->walked_count, &copy->walked) ||
      !(copy->lists = lay(copying, from->list_count + 1, sizeof *copy->lists)) ||
      !(copy->now = lay(copying, from->now_count, sizeof *copy->now)))
    return GW_NO_MEMORY;
  if (from->now_count) memcpy(copy->now, from->now, from->now_count * sizeof *copy->now);
  copy->list_count = 0; /* those that the recipe has not taken away */
  for (size_t i = 0; i <= from->list_count; i++) {
    if (i < from->list_count && copy_of(copying->copied, from->lists[i].node) == GW_NO_NODE) continue;
    if (!copy_list(copying, &from->lists[i], &copy->lists[copy->list_count])) return GW_NO_MEMORY;
    copy->list_count += i < from->list_count;
  }
  gw_status status = gw__positions_add(to, copying->copied->nodes[optimizer], copying->error);
  if (status == GW_OK) to->nodes[copying->copied->nodes[optimizer]].positions = copy;
  return status;
}

void gw__graph_copied_positions(const gw_copied *copied, gw_graph *to) {
  for (size_t i = 0; i < copied->from->optimizer_count; i++) {
    uint32_t optimizer = copy_of(copied, copied->from->optimizers[i]);
    const gw_positions *from = copied->from->nodes[copied->from->optimizers[i]].positions;
    gw_positions *positions = optimizer == GW_NO_NODE ? NULL : to->nodes[optimizer].positions;
    if (!positions || !from) continue;
    for (size_t j = 0; positions->variables && j < positions->count; j++) positions->variables[j] = copy_of(copied, from->variables[j]);
    for (size_t j = 0; j < positions->walked_count; j++) positions->walked[j] = copy_of(copied, from->walked[j]);
  }
}

/* Nodes that are being copied: `count` of them, of `from`, in the order in which they were come upon. */
typedef struct gw_copy_queue {
  uint32_t *nodes;
  size_t count, capacity, done; /* done: have all that they hold */
} gw_copy_queue;

static gw_status add_node(gw_copying *copying, uint32_t node, gw_copy_queue *queue) {
  uint32_t *copy = &copying->copied->nodes[node];
  if (*copy != GW_NO_NODE) return GW_OK;
  gw_status status = gw__reserve((void **)&queue->nodes, &queue->capacity, queue->count + 1, sizeof *queue->nodes, copying->error);
  if (status == GW_OK) status = gw__graph_add_node(copying->to, copy, copying->error);
  if (status == GW_OK) queue->nodes[queue->count++] = node;
  return status;
}

/* Nodes first, breadth-first, then what they hold: the target's array of nodes moves while it grows. */
static gw_status copy_below(gw_copying *copying, gw_copy_queue *queue) {
  const gw_graph *from = copying->from;
  gw_status status = GW_OK;
  for (size_t i = queue->done; i < queue->count && status == GW_OK; i++)
    for (size_t j = 0; j < from->nodes[queue->nodes[i]].edge_count && status == GW_OK; j++)
      status = add_node(copying, from->nodes[queue->nodes[i]].edges[j].child, queue);
  for (; queue->done < queue->count && status == GW_OK; queue->done++) {
    uint32_t node = queue->nodes[queue->done];
    gw_node *copy = &copying->to->nodes[copying->copied->nodes[node]];
    status = copy_content(copying, &from->nodes[node], copy);
    if (status == GW_OK) status = copy_edges(copying, &from->nodes[node], copy);
  }
  return status;
}

/* ---- Slots come as soon as optimizer and variable have. By their variables, so that a copy costs what it copies. */

static gw_status index_slots(gw_copied *copied, gw_error *error) {
  const gw_graph *from = copied->from;
  size_t count = 0;
  if (copied->slot_starts && copied->indexed == from->version && copied->indexed_nodes == from->node_count) return GW_OK;
  gw__free(copied->slot_starts);
  gw__free(copied->slot_owners);
  copied->slot_owners = NULL;
  copied->slot_starts = gw__alloc_array(from->node_count + 2, sizeof *copied->slot_starts, error);
  if (!copied->slot_starts) return GW_NO_MEMORY;
  for (size_t i = 0; i < from->node_count; i++) {
    count += from->nodes[i].slot_count;
    for (size_t j = 0; j < from->nodes[i].slot_count; j++) copied->slot_starts[from->nodes[i].slots[j].variable + 2]++;
  }
  copied->slot_owners = gw__alloc_array(count, sizeof *copied->slot_owners, error);
  if (!copied->slot_owners) {
    gw__free(copied->slot_starts);
    copied->slot_starts = NULL;
    return GW_NO_MEMORY;
  }
  for (size_t i = 2; i < from->node_count + 2; i++) copied->slot_starts[i] += copied->slot_starts[i - 1];
  for (size_t i = 0; i < from->node_count; i++)
    for (size_t j = 0; j < from->nodes[i].slot_count; j++)
      copied->slot_owners[copied->slot_starts[from->nodes[i].slots[j].variable + 1]++] = (gw_slot_owner){(uint32_t)i, (uint32_t)j};
  copied->indexed = from->version;
  copied->indexed_nodes = from->node_count;
  return GW_OK;
}

static gw_status copy_slot(gw_copying *copying, uint32_t optimizer, const gw_slot *slot, gw_copy_queue *queue) {
  uint32_t *nodes = copying->copied->nodes;
  if (nodes[optimizer] == GW_NO_NODE || nodes[slot->variable] == GW_NO_NODE || nodes[slot->slot] != GW_NO_NODE) return GW_OK;
  gw_status status = add_node(copying, slot->slot, queue);
  if (status == GW_OK) status = copy_below(copying, queue);
  if (status == GW_OK)
    status = gw__graph_add_slot(copying->to, nodes[optimizer], slot->name, nodes[slot->variable], nodes[slot->slot],
                                copying->to->changes[copying->change - 1], copying->error);
  return status;
}

/* Those of the optimizers and of the variables that have just been copied. */
static gw_status copy_slots(gw_copying *copying, gw_copy_queue *queue) {
  const gw_graph *from = copying->from;
  gw_copied *copied = copying->copied;
  gw_status status = index_slots(copied, copying->error);
  for (size_t i = 0; i < queue->count && status == GW_OK; i++) {
    uint32_t node = queue->nodes[i];
    for (size_t j = 0; j < from->nodes[node].slot_count && status == GW_OK; j++)
      status = copy_slot(copying, node, &from->nodes[node].slots[j], queue);
    for (size_t j = copied->slot_starts[node]; j < copied->slot_starts[node + 1] && status == GW_OK; j++) {
      const gw_slot_owner *owner = &copied->slot_owners[j];
      status = copy_slot(copying, owner->optimizer, &from->nodes[owner->optimizer].slots[owner->slot], queue);
    }
  }
  return status;
}

/* After a failure nothing counts as copied, and no slot leads to what was left half done: the next copy is whole. */
static void undo(gw_copying *copying, const gw_copy_queue *queue, size_t first_new) {
  gw_graph *to = copying->to;
  for (size_t i = 0; i < queue->count; i++) copying->copied->nodes[queue->nodes[i]] = GW_NO_NODE;
  for (size_t i = 0; i < first_new; i++) {
    gw_node *node = &to->nodes[i];
    while (node->slot_count > 0 && node->slots[node->slot_count - 1].slot >= first_new) node->slot_count--;
  }
}

static gw_status make_ready(gw_copied *copied, gw_error *error) {
  if (copied->count >= copied->from->node_count) return GW_OK;
  uint32_t *nodes = gw__realloc_array(copied->nodes, copied->from->node_count, sizeof *nodes, error);
  if (!nodes) return GW_NO_MEMORY;
  memset(nodes + copied->count, 0xff, (copied->from->node_count - copied->count) * sizeof *nodes);
  copied->nodes = nodes;
  copied->count = copied->from->node_count;
  return GW_OK;
}

gw_status gw__graph_copy(gw_copied *copied, gw_graph *to, uint32_t node, uint32_t line, gw_copy_value copy_value, void *context,
                         uint32_t *out, gw_error *error) {
  gw_copying copying = {copied, copied->from, to, 0, copy_value, context, error};
  gw_copy_queue queue = {0};
  size_t first_new = to->node_count;
  gw_status status = make_ready(copied, error); /* it may have grown since the last copy */
  if (status == GW_OK) status = gw__graph_change(to, line, &copying.change, error);
  if (status == GW_OK) status = add_node(&copying, node, &queue);
  if (status == GW_OK) status = copy_below(&copying, &queue);
  if (status == GW_OK && queue.count > 0) status = copy_slots(&copying, &queue);
  for (size_t i = 0; i < copied->from->optimizer_count && status == GW_OK; i++) {
    uint32_t copy = copied->nodes[copied->from->optimizers[i]];
    if (copy >= first_new && copy != GW_NO_NODE && copied->from->nodes[copied->from->optimizers[i]].positions)
      status = copy_positions(&copying, copied->from->optimizers[i]);
  }
  if (status != GW_OK) undo(&copying, &queue, first_new);
  gw__free(queue.nodes);
  *out = status == GW_OK ? copied->nodes[node] : GW_NO_NODE;
  return status;
}

void gw__graph_copied_free(gw_copied *copied) {
  gw_graph_free(copied->from);
  gw__free(copied->nodes);
  gw__free(copied->slot_starts);
  gw__free(copied->slot_owners);
  *copied = (gw_copied){0};
}

gw_status gw__graph_copied_clone(const gw_copied *copied, gw_copied *out, gw_error *error) {
  *out = (gw_copied){.nodes = gw__alloc_array(copied->count, sizeof *out->nodes, error), .count = copied->count};
  if (!out->nodes) return GW_NO_MEMORY;
  if (copied->count) memcpy(out->nodes, copied->nodes, copied->count * sizeof *out->nodes);
  out->from = copied->from;
  out->from->references++;
  return GW_OK;
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
  gw_copied all = {.nodes = gw__alloc_array(graph->node_count, sizeof *all.nodes, error), .count = graph->node_count};
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
  for (size_t i = 0; i < graph->optimizer_count && status == GW_OK; i++)
    if (graph->nodes[graph->optimizers[i]].positions) status = copy_positions(&copying, graph->optimizers[i]);
  gw__free(all.nodes);
  if (status == GW_OK) *out = clone;
  else gw_graph_free(clone);
  return status;
}

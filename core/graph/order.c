/* In which order TensorFlow numbers the objects, and what follows from it. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "graph.h"

static void number(gw_numbering *numbering, uint32_t node) {
  if (numbering->numbers[node] != GW_NO_NODE) return;
  numbering->numbers[node] = (uint32_t)numbering->count;
  numbering->order[numbering->count++] = node;
}

static void reach(const gw_graph *graph, gw_numbering *numbering, size_t from) {
  for (size_t i = from; i < numbering->count; i++) {
    const gw_node *node = &graph->nodes[numbering->order[i]];
    for (size_t j = 0; j < node->edge_count; j++) number(numbering, node->edges[j].child);
  }
}

gw_status gw__graph_number(const gw_graph *graph, gw_numbering *numbering, gw_error *error) {
  *numbering = (gw_numbering){0};
  numbering->order = gw__alloc_array(graph->node_count, sizeof *numbering->order, error);
  numbering->numbers = gw__alloc_array(graph->node_count, sizeof *numbering->numbers, error);
  if (!numbering->order || !numbering->numbers) {
    gw__graph_numbering_free(numbering);
    return GW_NO_MEMORY;
  }
  memset(numbering->numbers, 0xff, graph->node_count * sizeof *numbering->numbers);
  number(numbering, graph->root);
  reach(graph, numbering, 0);
  numbering->reached = numbering->count;
  for (size_t i = 0; i < numbering->reached; i++) {
    const gw_node *node = &graph->nodes[numbering->order[i]];
    for (size_t j = 0; j < node->slot_count; j++)
      if (numbering->numbers[node->slots[j].variable] < numbering->reached) number(numbering, node->slots[j].slot);
  }
  numbering->saved = numbering->count;
  for (size_t i = 0; i < graph->node_count; i++) number(numbering, (uint32_t)i);
  return GW_OK;
}

void gw__graph_numbering_free(gw_numbering *numbering) {
  gw__free(numbering->order);
  gw__free(numbering->numbers);
  numbering->order = numbering->numbers = NULL;
}

gw_status gw__graph_parents(const gw_graph *graph, const gw_numbering *numbering, uint32_t **parents, size_t **edges, gw_error *error) {
  *edges = NULL;
  *parents = gw__alloc_array(graph->node_count, sizeof **parents, error);
  if (*parents) *edges = gw__alloc_array(graph->node_count, sizeof **edges, error);
  if (!*edges) {
    gw__free(*parents);
    *parents = NULL;
    return GW_NO_MEMORY;
  }
  memset(*parents, 0xff, graph->node_count * sizeof **parents);
  /* Only from what the root reaches: nodes beside it may lead to each other in a circle. */
  for (size_t i = 0; i < numbering->reached; i++) {
    uint32_t from = numbering->order[i];
    const gw_node *node = &graph->nodes[from];
    for (size_t j = 0; j < node->edge_count; j++) {
      uint32_t child = node->edges[j].child;
      if (child == graph->root || (*parents)[child] != GW_NO_NODE) continue;
      (*parents)[child] = from;
      (*edges)[child] = j;
    }
  }
  return GW_OK;
}

gw_status gw_graph_parents(const gw_graph *graph, uint32_t **parents, size_t **edges, gw_error *error) {
  gw_numbering numbering;
  *parents = NULL;
  *edges = NULL;
  gw_status status = gw__graph_number(graph, &numbering, error);
  if (status == GW_OK) status = gw__graph_parents(graph, &numbering, parents, edges, error);
  gw__graph_numbering_free(&numbering);
  return status;
}

/* ---- has_checkpoint_values: true where a node or anything below it has something to restore
 * (tensorflow/python/checkpoint/util.py: add_checkpoint_values_check). */

static bool is_gone(const uint8_t *gone, uint32_t node) { return gone && gone[node]; }

static bool has_own_values(const gw_node *node, const uint8_t *gone) {
  for (size_t i = 0; i < node->slot_count; i++)
    if (!is_gone(gone, node->slots[i].variable) && !is_gone(gone, node->slots[i].slot)) return true;
  return node->attribute_count > 0 || node->has_saver;
}

/* Parents of each node, as one array with a start per node; then the truth flows upwards. */
gw_status gw__graph_find_values(const gw_graph *graph, const uint8_t *gone, gw_presence *values, gw_error *error) {
  size_t edges = 0, count = graph->node_count, waiting = 0;
  for (size_t i = 0; i < count; i++) edges += graph->nodes[i].edge_count;
  size_t *starts = gw__alloc_array(count + 1, sizeof *starts, error);
  uint32_t *parents = starts ? gw__alloc_array(edges, sizeof *parents, error) : NULL;
  uint32_t *queue = parents ? gw__alloc_array(count, sizeof *queue, error) : NULL;
  if (!queue) {
    gw__free(starts);
    gw__free(parents);
    return GW_NO_MEMORY;
  }
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < graph->nodes[i].edge_count; j++) starts[graph->nodes[i].edges[j].child + 1]++;
  for (size_t i = 0; i < count; i++) starts[i + 1] += starts[i];
  for (size_t i = count; i-- > 0;)
    for (size_t j = 0; j < graph->nodes[i].edge_count; j++) parents[--starts[graph->nodes[i].edges[j].child + 1]] = (uint32_t)i;
  /* starts[n + 1] is now where the parents of n begin; they end where those of n + 1 begin, and the last at `edges`. */
  for (size_t i = 0; i < count; i++) {
    values[i] = !is_gone(gone, (uint32_t)i) && has_own_values(&graph->nodes[i], gone) ? GW_TRUE : GW_FALSE;
    if (values[i] == GW_TRUE) queue[waiting++] = (uint32_t)i;
  }
  for (size_t i = 0; i < waiting; i++) {
    size_t end = queue[i] + 2 <= count ? starts[queue[i] + 2] : edges;
    for (size_t j = starts[queue[i] + 1]; j < end; j++) {
      if (values[parents[j]] == GW_TRUE || is_gone(gone, parents[j])) continue;
      values[parents[j]] = GW_TRUE;
      queue[waiting++] = parents[j];
    }
  }
  gw__free(queue);
  gw__free(parents);
  gw__free(starts);
  return GW_OK;
}

gw_status gw__graph_encode(const gw_graph *graph, const gw_numbering *numbering, size_t count, gw_buf *out, gw_error *error) {
  gw_presence *values = gw__alloc_array(graph->node_count, sizeof *values, error);
  uint8_t *gone = values ? gw__alloc_array(graph->node_count, 1, error) : NULL;
  gw_status status = gone ? GW_OK : GW_NO_MEMORY;
  for (size_t i = count; i < graph->node_count && status == GW_OK; i++) gone[numbering->order[i]] = 1;
  if (status == GW_OK && graph->with_values) status = gw__graph_find_values(graph, gone, values, error);
  if (status == GW_OK) status = gw__graph_pack(graph, numbering->order, numbering->numbers, count, values, out, error);
  gw__free(gone);
  gw__free(values);
  return status;
}

gw_status gw_graph_encode(const gw_graph *graph, void **bytes, size_t *size, gw_error *error) {
  gw_numbering numbering;
  gw_buf out = GW_BUF_INIT;
  *bytes = NULL;
  *size = 0;
  gw_status status = gw__graph_number(graph, &numbering, error);
  if (status == GW_OK) status = gw__graph_encode(graph, &numbering, numbering.count, &out, error);
  gw__graph_numbering_free(&numbering);
  if (status != GW_OK) {
    gw__buf_free(&out);
    return status;
  }
  *bytes = out.data;
  *size = out.size;
  return GW_OK;
}

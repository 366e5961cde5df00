/* The graph itself: making, freeing, looking. */
#include "graph.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../bundle/bundle.h"

gw_status gw_graph_decode(const void *bytes, size_t size, gw_graph **out, gw_error *error) {
  *out = NULL;
  gw_graph *graph = gw__alloc_array(1, sizeof *graph, error);
  if (!graph) return GW_NO_MEMORY;
  graph->references = 1;
  gw_status status = gw__graph_decode((gw_span){bytes, size}, graph, error);
  if (status != GW_OK) {
    gw_graph_free(graph);
    return status;
  }
  for (size_t i = 0; i < graph->node_count; i++) graph->with_values |= graph->nodes[i].has_values != GW_ABSENT;
  graph->sorted = gw_graph_is_sorted(graph, 0);
  *out = graph;
  return GW_OK;
}

gw_status gw__graph_add_node(gw_graph *graph, uint32_t *out, gw_error *error) {
  /* Ids are int32 in the file. */
  if (graph->node_count >= INT32_MAX) return gw__fail(error, GW_LIMIT, "more than 2^31 objects");
  gw_status status = gw__reserve((void **)&graph->nodes, &graph->node_capacity, graph->node_count + 1, sizeof *graph->nodes, error);
  if (status != GW_OK) return status;
  graph->nodes[graph->node_count] = (gw_node){0};
  *out = (uint32_t)graph->node_count++;
  return GW_OK;
}

gw_status gw__graph_new(gw_graph **out, gw_error *error) {
  uint32_t root;
  *out = NULL;
  gw_graph *graph = gw__alloc_array(1, sizeof *graph, error);
  if (!graph) return GW_NO_MEMORY;
  graph->references = 1;
  graph->sorted = graph->with_values = true;
  gw_status status = gw__graph_add_node(graph, &root, error);
  if (status == GW_OK) *out = graph;
  else gw_graph_free(graph);
  return status;
}

gw_status gw__graph_text(gw_graph *graph, gw_span text, gw_span *out, gw_error *error) {
  const char *copy = gw__arena_text(&graph->arena, text.data, text.size, error);
  if (!copy) return GW_NO_MEMORY;
  *out = (gw_span){copy, text.size};
  return GW_OK;
}

gw_status gw_graph_of_bundle(gw_bundle *bundle, gw_graph **out, gw_error *error) {
  size_t index;
  gw_tensor *tensor;
  gw_span *strings = NULL;
  char *memory = NULL;
  *out = NULL;
  if (!gw_bundle_find(bundle, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY), &index)) {
    gw__fail(error, GW_NOT_FOUND, "the checkpoint is name-based: it has no object graph");
    gw__error_hint(error, "`godwit inspect` lists its variables");
    return gw__error_file(error, gw_bundle_prefix(bundle)), GW_NOT_FOUND;
  }
  gw_status status = gw_bundle_tensor(bundle, index, &tensor, error);
  if (status != GW_OK) return status;
  if (gw_tensor_elements(tensor) != 1) status = gw__fail(error, GW_CORRUPT, "the object graph is not one string");
  if (status == GW_OK) status = gw_tensor_read_strings(tensor, &strings, &memory, error);
  if (status == GW_OK) status = gw_graph_decode(strings[0].data, strings[0].size, out, error);
  if (status != GW_OK) {
    gw__error_file(error, gw_bundle_prefix(bundle));
    gw__error_key(error, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY));
  }
  gw__free(strings);
  gw__free(memory);
  gw_tensor_release(tensor);
  return status;
}

void gw_graph_free(gw_graph *graph) {
  if (!graph || --graph->references > 0) return;
  for (size_t i = 0; i < graph->node_count; i++) gw__free(graph->nodes[i].by_name);
  gw__free(graph->nodes);
  gw__free(graph->changes);
  gw__free(graph->optimizers);
  gw__arena_free(&graph->arena);
  gw__free(graph);
}

/* ---- Looking */

size_t gw_graph_nodes(const gw_graph *graph) { return graph->node_count; }
uint32_t gw_graph_root(const gw_graph *graph) { return graph->root; }

void gw_graph_node(const gw_graph *graph, uint32_t node, gw_node_info *out) {
  const gw_node *found = &graph->nodes[node];
  *out = (gw_node_info){.children = found->edge_count, .attributes = found->attribute_count, .slots = found->slot_count,
                        .has_saver = found->has_saver, .saver_name = found->saver_name, .saver_object = found->saver_object};
}

void gw_graph_child(const gw_graph *graph, uint32_t node, size_t nth, gw_span *name, uint32_t *child) {
  *name = graph->nodes[node].edges[nth].name;
  *child = graph->nodes[node].edges[nth].child;
}

void gw_graph_attribute(const gw_graph *graph, uint32_t node, size_t nth, gw_attribute_info *out) {
  const gw_attribute *found = &graph->nodes[node].attributes[nth];
  *out = (gw_attribute_info){found->name, found->full_name, found->key};
}

void gw_graph_slot(const gw_graph *graph, uint32_t node, size_t nth, gw_span *name, uint32_t *variable, uint32_t *slot) {
  const gw_slot *found = &graph->nodes[node].slots[nth];
  *name = found->name;
  *variable = found->variable;
  *slot = found->slot;
}

/* libFuzzer target of core/graph: the input is a serialized TrackableObjectGraph. What can be decoded is walked, encoded,
 * and decoded to the same bytes again: a graph in TensorFlow's order stays as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/godwit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fine) {
  if (!fine) abort();
}

static void walk(const gw_graph *graph) {
  gw_span name;
  uint32_t child, variable;
  gw_attribute_info attribute;
  for (uint32_t i = 0; i < gw_graph_nodes(graph); i++) {
    gw_node_info info;
    gw_graph_node(graph, i, &info);
    for (size_t j = 0; j < info.children; j++) {
      gw_graph_child(graph, i, j, &name, &child);
      must(child < gw_graph_nodes(graph) && name.data[name.size] == '\0');
    }
    for (size_t j = 0; j < info.attributes; j++) gw_graph_attribute(graph, i, j, &attribute);
    for (size_t j = 0; j < info.slots; j++) {
      gw_graph_slot(graph, i, j, &name, &variable, &child);
      must(child < gw_graph_nodes(graph) && variable < gw_graph_nodes(graph));
    }
  }
}

/* Following parents upwards ends at the root or at a node that nothing reaches, and never runs in a circle. */
static void climb(const gw_graph *graph) {
  uint32_t *parents;
  size_t *edges;
  must(gw_graph_parents(graph, &parents, &edges, NULL) == GW_OK);
  for (uint32_t i = 0; i < gw_graph_nodes(graph); i++) {
    size_t steps = 0;
    for (uint32_t at = i; parents[at] != GW_NO_NODE; at = parents[at]) must(++steps <= gw_graph_nodes(graph));
    if (parents[i] == GW_NO_NODE) continue;
    gw_span name;
    uint32_t child;
    gw_graph_child(graph, parents[i], edges[i], &name, &child);
    must(child == i);
  }
  gw_free(parents);
  gw_free(edges);
}

static void escape(const uint8_t *data, size_t size) {
  char *there, *back;
  if (size > 4096 || memchr(data, 0, size)) return;
  must(gw_graph_escape((const char *)data, size, &there, NULL) == GW_OK);
  must(gw_graph_unescape(there, strlen(there), &back, NULL) == GW_OK);
  must(strlen(back) == size && memcmp(back, data, size) == 0);
  must(strchr(there, '/') == NULL);
  gw_free(there);
  gw_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_error error = GW_ERROR_INIT;
  gw_graph *graph = NULL, *again = NULL;
  void *bytes, *same;
  size_t length, same_length;
  escape(data, size);
  gw_status status = gw_graph_decode(data, size, &graph, &error);
  must((status == GW_OK) == (graph != NULL) && status == error.status);
  if (!graph) {
    must(error.what[0] != '\0');
    return 0;
  }
  walk(graph);
  climb(graph);
  must(gw_graph_encode(graph, &bytes, &length, NULL) == GW_OK);
  must(gw_graph_decode(bytes, length, &again, NULL) == GW_OK);
  must(gw_graph_nodes(again) == gw_graph_nodes(graph));
  must(gw_graph_encode(again, &same, &same_length, NULL) == GW_OK);
  must(same_length == length && memcmp(same, bytes, length) == 0);
  gw_graph_free(graph);
  gw_graph_free(again);
  gw_free(bytes);
  gw_free(same);
  return 0;
}

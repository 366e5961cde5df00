/* Walking the object graph, and writing it in TensorFlow's order. */
#include "graph.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../bundle/bundle.h"

gw_status gw_graph_decode(const void *bytes, size_t size, gw_graph **out, gw_error *error) {
  *out = NULL;
  gw_graph *graph = gw__alloc_array(1, sizeof *graph, error);
  if (!graph) return GW_NO_MEMORY;
  gw_status status = gw__graph_decode((gw_span){bytes, size}, graph, error);
  if (status != GW_OK) {
    gw_graph_free(graph);
    return status;
  }
  *out = graph;
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
  if (!graph) return;
  gw__arena_free(&graph->arena);
  gw__free(graph);
}

/* ---- Looking */

size_t gw_graph_nodes(const gw_graph *graph) { return graph->node_count; }

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

/* ---- Order: breadth-first from the root, children in their stored order, each node once; then all slot variables,
 * optimizer by optimizer (tensorflow/python/checkpoint/graph_view.py: breadth_first_traversal; save_util.py). */

typedef struct gw_numbering {
  uint32_t *order;   /* ids to nodes */
  uint32_t *numbers; /* nodes to ids, or GW_NO_NODE */
  size_t count;
  size_t reached;    /* how many of them edges lead to from the root */
} gw_numbering;

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

static gw_status make_numbering(const gw_graph *graph, gw_numbering *numbering, gw_error *error) {
  numbering->count = 0;
  numbering->order = gw__alloc_array(graph->node_count, sizeof *numbering->order, error);
  numbering->numbers = gw__alloc_array(graph->node_count, sizeof *numbering->numbers, error);
  if (!numbering->order || !numbering->numbers) return GW_NO_MEMORY;
  memset(numbering->numbers, 0xff, graph->node_count * sizeof *numbering->numbers);
  number(numbering, 0);
  reach(graph, numbering, 0);
  numbering->reached = numbering->count;
  for (size_t i = 0; i < numbering->reached; i++) {
    const gw_node *node = &graph->nodes[numbering->order[i]];
    for (size_t j = 0; j < node->slot_count; j++) number(numbering, node->slots[j].slot);
  }
  /* Nodes that nothing reaches are no work of TensorFlow's; they keep their place behind the others. */
  for (size_t i = 0; i < graph->node_count; i++) number(numbering, (uint32_t)i);
  return GW_OK;
}

static void free_numbering(gw_numbering *numbering) {
  gw__free(numbering->order);
  gw__free(numbering->numbers);
}

gw_status gw_graph_parents(const gw_graph *graph, uint32_t **parents, size_t **edges, gw_error *error) {
  gw_numbering numbering;
  *edges = NULL;
  *parents = gw__alloc_array(graph->node_count, sizeof **parents, error);
  if (*parents) *edges = gw__alloc_array(graph->node_count, sizeof **edges, error);
  gw_status status = *edges ? make_numbering(graph, &numbering, error) : GW_NO_MEMORY;
  if (status != GW_OK) {
    gw__free(*parents);
    gw__free(*edges);
    *parents = NULL;
    *edges = NULL;
    return status;
  }
  memset(*parents, 0xff, graph->node_count * sizeof **parents);
  /* Only from what the root reaches: nodes beside it may lead to each other in a circle. */
  for (size_t i = 0; i < numbering.reached; i++) {
    uint32_t from = numbering.order[i];
    const gw_node *node = &graph->nodes[from];
    for (size_t j = 0; j < node->edge_count; j++) {
      uint32_t child = node->edges[j].child;
      if (child == 0 || (*parents)[child] != GW_NO_NODE) continue;
      (*parents)[child] = from;
      (*edges)[child] = j;
    }
  }
  free_numbering(&numbering);
  return GW_OK;
}

/* ---- has_checkpoint_values: true where a node or anything below it has something to restore
 * (tensorflow/python/checkpoint/util.py: add_checkpoint_values_check). */

static bool has_own_values(const gw_node *node) { return node->attribute_count > 0 || node->slot_count > 0 || node->has_saver; }

/* Parents of each node, as one array with a start per node; then the truth flows upwards. */
static gw_status find_values(const gw_graph *graph, gw_presence *values, gw_error *error) {
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
    values[i] = has_own_values(&graph->nodes[i]) ? GW_TRUE : GW_FALSE;
    if (values[i] == GW_TRUE) queue[waiting++] = (uint32_t)i;
  }
  for (size_t i = 0; i < waiting; i++) {
    size_t end = queue[i] + 2 <= count ? starts[queue[i] + 2] : edges;
    for (size_t j = starts[queue[i] + 1]; j < end; j++) {
      if (values[parents[j]] == GW_TRUE) continue;
      values[parents[j]] = GW_TRUE;
      queue[waiting++] = parents[j];
    }
  }
  gw__free(queue);
  gw__free(parents);
  gw__free(starts);
  return GW_OK;
}

/* A graph of before TF 2.8 has the field nowhere and is left without it. */
static gw_status settle_values(const gw_graph *graph, gw_presence *values, gw_error *error) {
  bool present = false;
  for (size_t i = 0; i < graph->node_count && !present; i++) present = graph->nodes[i].has_values != GW_ABSENT;
  return present ? find_values(graph, values, error) : GW_OK;
}

gw_status gw_graph_encode(const gw_graph *graph, void **bytes, size_t *size, gw_error *error) {
  gw_numbering numbering = {NULL, NULL, 0, 0};
  gw_buf out = GW_BUF_INIT;
  *bytes = NULL;
  *size = 0;
  gw_presence *values = gw__alloc_array(graph->node_count, sizeof *values, error);
  gw_status status = values ? make_numbering(graph, &numbering, error) : GW_NO_MEMORY;
  if (status == GW_OK) status = settle_values(graph, values, error);
  if (status == GW_OK) status = gw__graph_pack(graph, numbering.order, numbering.numbers, numbering.count, values, &out, error);
  free_numbering(&numbering);
  gw__free(values);
  if (status != GW_OK) {
    gw__buf_free(&out);
    return status;
  }
  *bytes = out.data;
  *size = out.size;
  return GW_OK;
}

/* ---- Names in keys (tensorflow/python/trackable/trackable_utils.py: escape_local_name) */

gw_status gw_graph_escape(const char *name, size_t length, char **out, gw_error *error) {
  gw_buf text = GW_BUF_INIT;
  *out = NULL;
  for (size_t i = 0; i < length; i++) {
    if (name[i] == '.') gw__put_text(&text, "..");
    else if (name[i] == '/') gw__put_text(&text, ".S");
    else gw__put_bytes(&text, name + i, 1);
  }
  gw__put_u8(&text, 0);
  gw_status status = gw__buf_status(&text, error);
  if (status == GW_OK) *out = (char *)text.data;
  else gw__buf_free(&text);
  return status;
}

gw_status gw_graph_unescape(const char *part, size_t length, char **out, gw_error *error) {
  gw_buf text = GW_BUF_INIT;
  gw_status status = GW_OK;
  *out = NULL;
  for (size_t i = 0; i < length && status == GW_OK; i++) {
    char next = i + 1 < length ? part[i + 1] : '\0';
    if (part[i] == '.' && (next == '.' || next == 'S')) {
      gw__put_u8(&text, next == '.' ? '.' : '/');
      i++;
    } else if (part[i] == '.' || part[i] == '/') {
      status = gw__fail(error, GW_INVALID, "'%c' at position %zu is not how a name is written in a key (\"..\" is a dot, \".S\" a slash)", part[i], i);
    } else {
      gw__put_bytes(&text, part + i, 1);
    }
  }
  gw__put_u8(&text, 0);
  if (status == GW_OK) status = gw__buf_status(&text, error);
  if (status == GW_OK) *out = (char *)text.data;
  else gw__buf_free(&text);
  return status;
}

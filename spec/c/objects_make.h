/* Object-based drafts without files: a decoded graph becomes a draft whose attributes have entries. For the C tests and the
 * fuzz target. */
#ifndef GODWIT_SPEC_OBJECTS_MAKE_H
#define GODWIT_SPEC_OBJECTS_MAKE_H

#include <stdlib.h>

#include "../../core/base/alloc.h"
#include "../../core/base/buf.h"
#include "../../core/draft/edit.h"
#include "table_make.h"

/* One tensor that serves for all: what it holds does not matter here. */
static inline gw_tensor *gwt_some_tensor(void) {
  static gw_tensor *tensor;
  static const int64_t value = 7;
  if (!tensor) gwt_must(gw_tensor_constant(GW_DT_INT64, 0, NULL, &value, 8, &tensor, NULL) == GW_OK);
  return tensor;
}

static inline bool gwt_shape_of(void *owner, uint32_t item, size_t *rank, const int64_t **dims) {
  static const int64_t two = 2;
  (void)owner;
  (void)item;
  *rank = 1;
  *dims = &two;
  return true;
}

static inline bool gwt_is_table(const gw_attribute *attribute) {
  return attribute->name.size == 5 && memcmp(attribute->name.data, "table", 5) == 0;
}

/* Every attribute gets an entry, tables two. */
static inline void gwt_add_items(gw_draft *draft, gw_graph *graph) {
  static const gw_span suffixes[] = {{"", 0}, {"-keys", 5}, {"-values", 7}};
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++) {
      gw_attribute *attribute = &graph->nodes[i].attributes[j];
      bool table = gwt_is_table(attribute);
      attribute->values = gw__arena_alloc(&graph->arena, 2 * sizeof *attribute->values, NULL);
      attribute->value_count = table ? 2 : 1;
      gwt_must(attribute->values != NULL);
      for (size_t k = 0; k < attribute->value_count; k++) {
        attribute->values[k] = (gw_value){.suffix = suffixes[table ? k + 1 : 0]};
        gwt_must(gw__draft_add_nameless(draft, gwt_some_tensor(), GW_NO_LINE, &attribute->values[k].item, NULL) == GW_OK);
      }
    }
}

/* Takes the graph; NULL: an empty root. Not settled yet. */
static inline gw_draft *gwt_draft_of_graph(gw_graph *graph) {
  gw_draft *draft = NULL;
  uint32_t change;
  gwt_must(gw_draft_new_objects(&draft, NULL) == GW_OK);
  if (!graph) return draft;
  gw_graph_free(draft->graph);
  draft->graph = graph;
  gwt_add_items(draft, graph);
  gw_status status = gw__positions_note(graph, gwt_shape_of, NULL, NULL);
  gwt_must(status == GW_OK || status == GW_LIMIT);
  gwt_must(gw__graph_change(graph, GW_NO_LINE, &change, NULL) == GW_OK);
  draft->walk.valid = false;
  return draft;
}

/* As it would be written; settled before. */
static inline void gwt_encode(gw_draft *draft, gw_buf *out) {
  const gw_walk *walk;
  gw__buf_clear(out);
  gwt_must(gw__draft_walk(draft, &walk, NULL) == GW_OK);
  gwt_must(gw__graph_encode(draft->graph, &walk->numbering, walk->numbering.saved, out, NULL) == GW_OK);
}

static inline bool gwt_same_bytes(const gw_buf *a, const gw_buf *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Written and read. */
static inline gw_draft *gwt_reopened(gw_draft *draft) {
  gw_buf bytes = GW_BUF_INIT;
  gw_graph *graph;
  gwt_must(gw_draft_settle(draft, NULL) == GW_OK);
  gwt_encode(draft, &bytes);
  gwt_must(gw_graph_decode(bytes.data, bytes.size, &graph, NULL) == GW_OK);
  gw__buf_free(&bytes);
  return gwt_draft_of_graph(graph);
}

#endif

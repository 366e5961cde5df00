/* The object graph of a TF2 checkpoint (FORMAT.md, section 7) as nodes and edges: decoded, walked, encoded in TensorFlow's
 * own order. Knows neither Lua nor files. Private header of the module. */
#ifndef GODWIT_GRAPH_GRAPH_H
#define GODWIT_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/buf.h"
#include "../godwit.h"

/* Names are UTF-8 and live in the graph's arena. */
typedef struct gw_edge {
  gw_span name; /* unescaped: "scoped/c" */
  uint32_t child;
} gw_edge;

typedef struct gw_attribute {
  gw_span name;      /* VARIABLE_VALUE, or the suffix of the key */
  gw_span full_name; /* the variable's name in a graph; empty for what is none */
  gw_span key;       /* of the bundle, or the stem of keys */
  bool optional_restore;
  struct gw_unknown *unknown;
} gw_attribute;

typedef struct gw_slot {
  gw_span name;
  uint32_t variable, slot; /* nodes */
} gw_slot;

/* Fields that this version does not know, kept as they were: another TensorFlow may. */
typedef struct gw_unknown {
  size_t count;
  struct gw_unknown_field {
    uint32_t tag;
    int wire_type;
    gw_span bytes;
  } *fields;
} gw_unknown;

typedef enum gw_presence { GW_ABSENT = 0, GW_FALSE, GW_TRUE } gw_presence;

typedef struct gw_node {
  gw_edge *edges;
  size_t edge_count;
  gw_attribute *attributes;
  size_t attribute_count;
  gw_slot *slots;
  size_t slot_count;
  bool has_saver;
  gw_span saver_name, saver_object;
  gw_presence has_values; /* has_checkpoint_values as stored */
  gw_unknown *unknown;
} gw_node;

struct gw_graph {
  gw_arena arena;
  gw_node *nodes; /* 0 is the root */
  size_t node_count;
};

/* messages_pb.c */
gw_status gw__graph_decode(gw_span bytes, gw_graph *graph, gw_error *error);
/* `numbers` maps nodes to ids and `order` ids to nodes, of `count` nodes that are written; `values` by node. */
gw_status gw__graph_pack(const gw_graph *graph, const uint32_t *order, const uint32_t *numbers, size_t count,
                         const gw_presence *values, gw_buf *out, gw_error *error);

#endif

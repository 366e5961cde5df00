/* The object graph of a TF2 checkpoint (FORMAT.md, section 7) as nodes and edges: decoded, walked, edited, encoded in
 * TensorFlow's own order. Knows neither Lua nor files nor what a value is. Private header of the module. */
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
  uint32_t change; /* 1 + the last change that touched it, in graph->changes; 0: as it was read */
} gw_edge;

/* An entry of the bundle that belongs to an attribute: "" for a variable, "-keys" and "-values" for a table. */
typedef struct gw_value {
  gw_span suffix; /* behind the attribute's key */
  uint32_t item;  /* the owner's number */
} gw_value;

typedef struct gw_attribute {
  gw_span name;      /* VARIABLE_VALUE, or the suffix of the key */
  gw_span full_name; /* the variable's name in a graph; empty for what is none */
  gw_span key;       /* of the bundle, or the stem of keys */
  bool optional_restore;
  struct gw_unknown *unknown;
  gw_value *values;  /* filled by whoever edits */
  size_t value_count;
} gw_attribute;

typedef struct gw_slot {
  gw_span name;
  uint32_t variable, slot; /* nodes */
  uint32_t change;         /* as an edge's */
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
  size_t edge_count, edge_capacity;
  uint32_t *by_name;       /* edges.c: a hash of the edges, once there are many; NULL: none */
  size_t by_name_size, by_name_used;
  gw_attribute *attributes;
  size_t attribute_count;
  gw_slot *slots;
  size_t slot_count, slot_capacity;
  struct gw_positions *positions; /* of a Keras optimizer since 2.11: see positions.c */
  uint32_t lost;           /* 1 + the last change that took an edge to this node away; 0: none */
  bool has_saver;
  gw_span saver_name, saver_object;
  gw_presence has_values; /* has_checkpoint_values as stored */
  gw_unknown *unknown;
} gw_node;

struct gw_graph {
  uint32_t references;
  gw_arena arena;
  gw_node *nodes;
  size_t node_count, node_capacity;
  uint32_t root;           /* 0 in every file */
  bool sorted;             /* the root's children are in the order of their names, and stay so (Checkpoint(**kwargs)) */
  bool with_values;        /* has_checkpoint_values is written: graphs of before TF 2.8 are left without it */
  uint64_t version;        /* counts edits */
  uint32_t *changes;       /* of each change, the owner's number for its line */
  size_t change_count, change_capacity;
  uint32_t *optimizers;    /* nodes with positions */
  size_t optimizer_count, optimizer_capacity;
};

#define GW_NO_EDGE SIZE_MAX

gw_status gw__graph_new(gw_graph **out, gw_error *error); /* an empty root, sorted */
/* Adds a node without anything; *out is its number. Pointers to nodes end here. */
gw_status gw__graph_add_node(gw_graph *graph, uint32_t *out, gw_error *error);
gw_status gw__graph_text(gw_graph *graph, gw_span text, gw_span *out, gw_error *error); /* a copy that the graph owns */

/* ---- order.c: breadth-first from the root, children in their stored order, each node once; then all slot variables,
 * optimizer by optimizer (tensorflow/python/checkpoint/graph_view.py: breadth_first_traversal; util.py:
 * serialize_slot_variables). */

typedef struct gw_numbering {
  uint32_t *order;   /* ids to nodes */
  uint32_t *numbers; /* nodes to ids, or GW_NO_NODE */
  size_t reached;    /* how many of them edges lead to from the root */
  size_t saved;      /* with the slot variables of these */
  size_t count;      /* with nodes that nothing reaches, which are no work of TensorFlow's and come behind the others */
} gw_numbering;

gw_status gw__graph_number(const gw_graph *graph, gw_numbering *numbering, gw_error *error);
void gw__graph_numbering_free(gw_numbering *numbering);
/* The arrays of gw_graph_parents for a numbering that is there already. */
gw_status gw__graph_parents(const gw_graph *graph, const gw_numbering *numbering, uint32_t **parents, size_t **edges, gw_error *error);
/* has_checkpoint_values of each node, as if those that `gone` marks were not there (NULL: none). */
gw_status gw__graph_find_values(const gw_graph *graph, const uint8_t *gone, gw_presence *values, gw_error *error);
/* Encodes the first `count` nodes of the numbering. */
gw_status gw__graph_encode(const gw_graph *graph, const gw_numbering *numbering, size_t count, gw_buf *out, gw_error *error);

/* ---- edges.c: editing. `line` is the owner's number of the line that asked; names are unescaped and UTF-8. */

/* Where the edge of this name is, or GW_NO_EDGE. */
size_t gw__graph_find(gw_graph *graph, uint32_t number, gw_span name);
/* An edge that is there keeps its place and leads to `child` from now on; a new one goes last. */
gw_status gw__graph_link(gw_graph *graph, uint32_t number, gw_span name, uint32_t child, uint32_t line, gw_error *error);
gw_status gw__graph_unlink(gw_graph *graph, uint32_t number, size_t edge, uint32_t line, gw_error *error);
gw_status gw__graph_rename_edge(gw_graph *graph, uint32_t number, size_t edge, gw_span name, uint32_t line, gw_error *error);
/* New names of a node's edges at once: `names` by edge, of texts that the graph owns; data NULL keeps. Checked first:
 * GW_EXISTS, with the two edges, when names meet. `change` is from gw__graph_change: nothing can fail any more. */
gw_status gw__graph_check_names(const gw_graph *graph, uint32_t number, const gw_span *names, size_t clash[2], gw_error *error);
void gw__graph_rename_edges(gw_graph *graph, uint32_t number, const gw_span *names, uint32_t change);
/* Place i gets what was at order[i], its name too; `order` has every edge once. */
gw_status gw__graph_order_edges(gw_graph *graph, uint32_t number, const size_t *order, uint32_t line, gw_error *error);
/* Takes away every edge to a node that is marked, and the slots that are one or belong to one. */
void gw__graph_remove_nodes(gw_graph *graph, const uint8_t *marks, uint32_t change);
gw_status gw__graph_add_slot(gw_graph *graph, uint32_t optimizer, gw_span name, uint32_t variable, uint32_t slot, uint32_t line,
                             gw_error *error);
gw_status gw__graph_add_attribute(gw_graph *graph, uint32_t number, gw_span name, gw_span full_name, uint32_t item, gw_error *error);
gw_status gw__graph_change(gw_graph *graph, uint32_t line, uint32_t *change, gw_error *error); /* notes one; 1 + its number */
/* Sorts the children of a sorted root, and (by numbers, so when all else is in order) each optimizer's slots, as they would
 * be saved. */
void gw__graph_sort_root(gw_graph *graph);
gw_status gw__graph_sort_slots(gw_graph *graph, gw_error *error);

/* ---- positions.c: the lists of Keras optimizers since 2.11, whose n-th entry belongs to the n-th trainable variable. */

typedef struct gw_positions_list {
  uint32_t node;
  gw_edge *edges;      /* as they were when they were noted; a child is GW_NO_NODE when it was not copied along */
  size_t count;
} gw_positions_list;

/* Lists are always made of what was noted, so that a variable that comes back has its entries back. */
typedef struct gw_positions {
  uint32_t *variables; /* by position; GW_NO_NODE: not copied along; NULL: it could not be told which ones are meant */
  size_t count;
  gw_positions_list *lists; /* with an entry for every position; behind them `_variables` */
  size_t list_count;        /* of the former */
  uint32_t *now;       /* the positions whose entries the lists have, in this order */
  size_t now_count;
  uint32_t *walked;    /* the model's variables as they came in the first walk, when they were noted */
  size_t walked_count;
  int walk;            /* in which walk of positions.c `variables` have this order; -1: in none */
  bool by_hand;        /* the recipe edits the lists itself */
} gw_positions;

/* The shape of a variable, for telling variables of one name apart; false: not known. */
typedef bool (*gw_shape_of)(void *owner, uint32_t item, size_t *rank, const int64_t **dims);

/* Finds the variables of every such optimizer that has no positions yet. */
gw_status gw__positions_note(gw_graph *graph, gw_shape_of shape_of, void *owner, gw_error *error);
gw_status gw__positions_add(gw_graph *graph, uint32_t optimizer, gw_error *error); /* one more; its positions are the caller's */
/* A node was edited by hand: if it is a list of an optimizer's, that one's lists are left alone from now on. */
void gw__positions_touch(gw_graph *graph, uint32_t node);
/* Nodes will be removed: the same for lists that lose entries. */
void gw__positions_touch_removed(gw_graph *graph, const uint8_t *marks);
/* After edits: the lists follow the variables. GW_INVALID when they cannot; *failed is then the optimizer. */
gw_status gw__positions_settle(gw_graph *graph, uint32_t *failed, gw_error *error);
/* Is this edge of the optimizer one of its lists ("_momentums"), whose entry i belongs to variables[now[i]]? */
bool gw__positions_is_list(const gw_graph *graph, uint32_t optimizer, size_t edge);
/* What the slots of a list are called: "m" from the full name "Adam/m/dense/kernel"; else the list's own name. */
gw_span gw__positions_slot_name(const gw_graph *graph, uint32_t optimizer, size_t edge);

/* ---- copy.c */

/* What of one graph has been copied to another: so that what is copied twice is copied once. */
typedef struct gw_slot_owner {
  uint32_t optimizer, slot; /* which of its slots */
} gw_slot_owner;
typedef struct gw_copied {
  gw_graph *from;      /* counted */
  uint32_t *nodes;     /* by node of `from`: the copy, or GW_NO_NODE */
  size_t count;
  size_t *slot_starts; /* by variable, into slot_owners; of `from` as it was at this version, with so many nodes */
  gw_slot_owner *slot_owners;
  uint64_t indexed;
  size_t indexed_nodes;
} gw_copied;

/* Makes the owner's value of a copied one; `context` is its own. */
typedef gw_status (*gw_copy_value)(void *context, uint32_t item, uint32_t *copy, gw_error *error);
/* Copies a node and all that hangs below it, and the slots whose optimizer and variable are both copied by then. */
gw_status gw__graph_copy(gw_copied *copied, gw_graph *to, uint32_t node, uint32_t line, gw_copy_value copy_value, void *context,
                         uint32_t *out, gw_error *error);
/* Tells the optimizers that were copied which of their variables have been copied since. */
void gw__graph_copied_positions(const gw_copied *copied, gw_graph *to);
void gw__graph_copied_free(gw_copied *copied);
gw_status gw__graph_copied_clone(const gw_copied *copied, gw_copied *out, gw_error *error);
/* A second graph, node for node, with the same numbers. */
gw_status gw__graph_clone(const gw_graph *graph, gw_graph **out, gw_error *error);

/* messages_pb.c */
gw_status gw__graph_decode(gw_span bytes, gw_graph *graph, gw_error *error);
/* `numbers` maps nodes to ids and `order` ids to nodes, of `count` nodes that are written; `values` by node. */
gw_status gw__graph_pack(const gw_graph *graph, const uint32_t *order, const uint32_t *numbers, size_t count,
                         const gw_presence *values, gw_buf *out, gw_error *error);

/* name.c: objects as TensorFlow's messages name them (checkpoint.py, ObjectGraphProtoPrettyPrinter): "(root).layers.0.w",
 * "(root).optimizer's state 'm' for (root).layers.0.w". Borrows the graph. */
typedef struct gw_naming {
  const gw_graph *graph;
  uint32_t *parents;
  size_t *edges;
  uint32_t *owners, *owned; /* of a slot variable: its optimizer, and which of the optimizer's slots it is */
} gw_naming;
gw_status gw__naming_start(const gw_graph *graph, gw_naming *naming, gw_error *error);
void gw__naming_end(gw_naming *naming);
/* Appends; at most some 2 KiB, whatever the graph: longer names lose their beginning. */
void gw__naming_put(const gw_naming *naming, uint32_t node, gw_buf *out);
void gw__naming_put_slot(const gw_naming *naming, uint32_t optimizer, gw_span slot, uint32_t variable, gw_buf *out);
/* The same for an object of a match's target, those included that TensorFlow makes while it restores. */
void gw__naming_put_object(const gw_naming *naming, const gw_match *match, uint32_t object, gw_buf *out);

#endif

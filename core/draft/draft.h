/* A checkpoint being edited: names -> lazy tensors, and what became of each tensor of the input, by which line of the
 * recipe. Knows nothing of how it will be written. Private header of the module; plan reads it. */
#ifndef GODWIT_DRAFT_DRAFT_H
#define GODWIT_DRAFT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../godwit.h"
#include "../graph/graph.h"

#define GW_NO_LINE 0u /* lines are numbered from 1 */

/* 40 bytes a name: a model may have a million. A tensor that still is the bundle's own has no gw_tensor yet. */
typedef struct gw_item {
  const char *name;   /* NULL: a hole; removed, or of an object that the root does not reach */
  gw_tensor *tensor;  /* NULL: tensor `base` - 1 of the draft's bundle */
  uint32_t name_size;
  uint32_t base;      /* 1 + position in the bundle of what was there when the draft was made; 0: nothing was */
  uint32_t line;      /* that last touched it */
  uint32_t replaced;  /* 1 + position in the bundle of the tensor whose name and place this one took; 0: none */
} gw_item;

/* The graph's order, for as long as nobody edits it. */
typedef struct gw_walk {
  bool valid;
  uint64_t version;
  gw_numbering numbering;
  uint32_t *parents; /* by node, as gw_graph_parents gives them */
  size_t *edges;
  size_t *sizes;     /* of the paths of nodes that are reached */
  gw_slot_owner *owners; /* by node, of slot variables; NULL: there are none */
} gw_walk;

enum { GW_MOST_PATH_BYTES = 1 << 29 }; /* of all paths, or keys: in deep chains they grow with the square of the depth */

enum { GW_NAMED_INPUTS = 8 };
typedef struct gw_full_names {
  struct gw_draft *reader; /* the checkpoint, unedited */
  uint32_t *node_of;       /* 1 + node, by position in its bundle */
} gw_full_names;

struct gw_draft {
  uint32_t references;
  gw_bundle *bundle;      /* NULL: made new */
  bool objects;
  uint64_t edits;         /* how many, those of the graph aside */
  gw_arena arena;         /* names and lines that are not the bundle's */
  gw_item *items;
  size_t item_count, item_capacity, live;
  uint32_t *slots;        /* open-addressing hash: 1 + item, 0 empty, UINT32_MAX a tombstone */
  size_t slot_count, slots_used;
  uint32_t *order;        /* items in key order, when order_valid */
  bool order_valid;
  uint32_t *removed_line; /* per tensor of the bundle: 1 + line that removed it (1: no line known), 0: not removed */
  const char **lines;
  size_t line_count, line_capacity;
  /* Object-based, from the moment when somebody asks for objects: names then follow from the graph (objects.c). */
  gw_graph *graph;
  uint64_t settled;       /* the graph's version that the names are of */
  gw_walk walk;
  uint64_t *ranks;        /* by item: its place in TensorFlow's order of data; NULL: the graph was not edited */
  gw_copied *copied;      /* what came from other drafts */
  size_t copied_count, copied_capacity;
  gw_full_names names[GW_NAMED_INPUTS]; /* of the checkpoints that were last asked for them, a ring */
  size_t next_names;
};

/* Items in key order, all of them (the object graph too); valid until the next edit. */
gw_status gw__draft_order(gw_draft *draft, const uint32_t **order, gw_error *error);
/* The tensor of an item, made when needed; borrowed. */
gw_status gw__draft_tensor(gw_draft *draft, gw_item *item, gw_tensor **out, gw_error *error);
const char *gw__draft_line(const gw_draft *draft, uint32_t line); /* NULL for GW_NO_LINE */
/* The object graph's entry, which names and rules pass over. */
bool gw__draft_hidden(const gw_draft *draft, const gw_item *item);

/* ---- objects.c */

/* The object graph, with the keys of its attributes equal to the names of items; borrowed, for looking. */
gw_status gw__draft_graph(gw_draft *draft, gw_graph **graph, gw_error *error);
/* The same, but keys may be those of before the last edits. */
gw_status gw__draft_objects(gw_draft *draft, gw_graph **graph, gw_error *error);
gw_status gw__draft_walk(gw_draft *draft, const gw_walk **walk, gw_error *error);
/* "model/layer-0", as keys write it; "" for the root. What nothing leads to has the path under which it would be found. */
void gw__draft_put_path(const gw_draft *draft, const gw_walk *walk, uint32_t node, gw_buf *out);
/* Settles names, and puts the encoded graph into its entry: before a plan is made. */
gw_status gw__draft_finish(gw_draft *draft, gw_error *error);
void gw__draft_forget_names(gw_draft *draft);
/* Reads the number that a draft gives a line. */
gw_status gw__draft_line_number(gw_draft *draft, const char *line, uint32_t *number, gw_error *error);

/* role.c: what a name is for, given a way to ask for other names. */
typedef struct gw_name_set {
  const void *owner;
  bool (*has)(const void *owner, const char *name, size_t length);
} gw_name_set;
gw_role gw__role(const char *name, size_t length, bool objects, const gw_name_set *names);

#endif

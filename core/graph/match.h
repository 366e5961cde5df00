/* What draft asks of a match beside the public functions. */
#ifndef GODWIT_GRAPH_MATCH_H
#define GODWIT_GRAPH_MATCH_H

#include "graph.h"

/* An object that the target's file has not, and that TensorFlow makes while it restores. */
typedef struct gw_made {
  uint32_t optimizer, variable; /* objects of the target, the variable may be a made one too; GW_NO_NODE both: the root's save_counter */
  gw_span slot;
} gw_made;

/* For an object from gw_graph_nodes(target) on. */
const gw_made *gw__match_made(const gw_match *match, uint32_t object);
/* The target's save_counter as a mode sees it: GW_NO_NODE when its root has none. */
uint32_t gw__graph_counter(const gw_graph *graph);
/* Is the root that of tf.train.Checkpoint(root, ...)? It has an edge "root" to itself then. */
bool gw__graph_is_attached(const gw_graph *graph);
/* Marks (1 each) what `root` reaches by edges, and the slot variables whose optimizer and variable it reaches: what
 * list_objects of TensorFlow gives. `without_counter`: the root's save_counter is not followed. */
gw_status gw__graph_reach(const gw_graph *graph, uint32_t root, bool without_counter, uint8_t *marks, gw_error *error);

#endif

/* What TensorFlow's restore binds to what, and what its assertions say then, from two graphs alone. The functions of
 * TensorFlow 2.15 that are followed are named where they are: tensorflow/python/checkpoint/{restore,checkpoint}.py.
 *
 * In its words a proto is a node of the source, an object one of the target. A file is the target's whole knowledge of the
 * program: an object has values when its node has attributes. */
#include "match.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "lookup.h"

static const gw_span counter_name = {"save_counter", 12}, root_name = {"root", 4};

/* A slot variable that waits for its optimizer to be found (_DeferredSlotVariableRestoration). */
typedef struct gw_waiting {
  uint32_t variable;       /* the object */
  uint32_t optimizer, nth; /* of the source: which slot */
  uint32_t next;           /* 1 + the next one for this optimizer, 0: none */
} gw_waiting;

struct gw_match {
  const gw_graph *source, *target;
  uint32_t from, into;
  gw_match_mode mode;
  uint32_t *objects;  /* by node of the source: what it is bound to, or GW_NO_NODE */
  uint32_t *origins;  /* by object, made ones too: the first node bound to it, or GW_NO_NODE */
  uint8_t *of_source; /* by node: takes part */
  uint8_t *of_target; /* by node: is there when the program asks */
  gw_lookup edges, slots; /* of the target: (parent, -, name) and (optimizer, variable, name) */
  uint32_t *queue;
  size_t queue_start, queue_end;
  /* Slots of the source by variable: slot_refs[slot_starts[v] .. slot_starts[v + 1]). */
  uint32_t *slot_starts;
  struct gw_slot_ref {
    uint32_t optimizer, nth;
  } *slot_refs;
  gw_waiting *waiting;
  size_t waiting_count;
  uint32_t *waiting_first, *waiting_last; /* by optimizer of the source: 1 + where its list begins and ends */
  gw_made *made;
  size_t made_count;
  size_t attached_first, attached_count; /* edges of the target's root that are no children of it: Checkpoint(root, ...) */
  bool wide, doubtful;       /* of these: as many as may be; whether fewer or more may be */
  uint32_t counter;          /* the target's, GW_NO_NODE: none is there */
  uint32_t deferred_counter; /* the node that waits for a save_counter to be made */
  gw_match_event *events;
  size_t event_count, event_capacity;
  bool missing, unconsumed, raises, divided, shared;
  gw_status status; /* sticky: the first failure */
  gw_error *error;
};

static bool equal(gw_span a, gw_span b) { return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0); }

static bool is_named(gw_span name, const char *text) { return equal(name, (gw_span){text, strlen(text)}); }

static void tell(gw_match *match, gw_match_kind kind, uint32_t node, uint32_t object, size_t nth) {
  if (match->status == GW_OK)
    match->status = gw__reserve((void **)&match->events, &match->event_capacity, match->event_count + 1, sizeof *match->events, match->error);
  if (match->status == GW_OK) match->events[match->event_count++] = (gw_match_event){kind, node, object, nth};
}

/* ---- What there is */

uint32_t gw__graph_counter(const gw_graph *graph) {
  const gw_node *root = &graph->nodes[graph->root];
  for (size_t i = 0; i < root->edge_count; i++)
    if (equal(root->edges[i].name, counter_name)) return root->edges[i].child;
  return GW_NO_NODE;
}

static size_t find_root_edge(const gw_graph *graph) {
  const gw_node *root = &graph->nodes[graph->root];
  for (size_t i = 0; i < root->edge_count; i++)
    if (root->edges[i].child == graph->root && equal(root->edges[i].name, root_name)) return i;
  return SIZE_MAX;
}

bool gw__graph_is_attached(const gw_graph *graph) { return find_root_edge(graph) != SIZE_MAX; }

static bool before(gw_span a, gw_span b) {
  size_t shorter = a.size < b.size ? a.size : b.size;
  int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
  return order != 0 ? order < 0 : a.size < b.size;
}

/* Checkpoint(root, a=.., z=..) saves the root's own children, then a, root and z, sorted. What is sorted before "root" may
 * be either; mostly nothing but a root is given. It matters only where references divide or meet (GW_MATCH_ATTACHED). */
static void find_attached(gw_match *match) {
  const gw_node *root = &match->target->nodes[match->target->root];
  size_t first = match->into == match->target->root ? find_root_edge(match->target) : SIZE_MAX;
  if (first == SIZE_MAX) return;
  match->doubtful = first > 0 && before(root->edges[first - 1].name, root->edges[first].name);
  while (match->wide && first > 0 && before(root->edges[first - 1].name, root->edges[first].name)) first--;
  match->attached_first = first;
  match->attached_count = root->edge_count - first;
}

static bool is_attached(const gw_match *match, size_t edge) {
  return match->attached_count > 0 && edge >= match->attached_first;
}

gw_status gw__graph_reach(const gw_graph *graph, uint32_t root, bool without_counter, uint8_t *marks, gw_error *error) {
  uint32_t *queue = gw__alloc_array(graph->node_count, sizeof *queue, error);
  size_t count = 0;
  if (!queue) return GW_NO_MEMORY;
  memset(marks, 0, graph->node_count);
  marks[root] = 1;
  queue[count++] = root;
  for (size_t i = 0; i < count; i++) {
    const gw_node *node = &graph->nodes[queue[i]];
    for (size_t j = 0; j < node->edge_count; j++) {
      if (marks[node->edges[j].child] || (without_counter && queue[i] == graph->root && equal(node->edges[j].name, counter_name))) continue;
      marks[node->edges[j].child] = 1;
      queue[count++] = node->edges[j].child;
    }
  }
  for (size_t i = 0; i < count; i++) {
    const gw_node *node = &graph->nodes[queue[i]];
    for (size_t j = 0; j < node->slot_count; j++)
      if (marks[node->slots[j].variable] == 1 && !marks[node->slots[j].slot]) marks[node->slots[j].slot] = 2;
  }
  for (size_t i = 0; i < graph->node_count; i++) marks[i] = marks[i] != 0;
  gw__free(queue);
  return GW_OK;
}

/* Children that TensorFlow finds by name (_trackable_children): not those beside root=, nor the save_counter of a root that
 * is made after reading. */
static gw_status index_target(gw_match *match) {
  const gw_graph *target = match->target;
  gw_status status = GW_OK;
  for (size_t i = 0; i < target->node_count && status == GW_OK; i++) {
    const gw_node *node = &target->nodes[i];
    for (size_t j = 0; j < node->edge_count && status == GW_OK; j++) {
      if (i == match->into && i == target->root && (is_attached(match, j) || equal(node->edges[j].name, counter_name))) continue;
      status = gw__lookup_set(&match->edges, (uint32_t)i, 0, node->edges[j].name, node->edges[j].child, match->error);
    }
    for (size_t j = 0; j < node->slot_count && status == GW_OK; j++)
      status = gw__lookup_set(&match->slots, (uint32_t)i, node->slots[j].variable, node->slots[j].name, node->slots[j].slot, match->error);
  }
  return status;
}

static uint32_t find_child(const gw_match *match, uint32_t object, gw_span name) {
  if (object >= match->target->node_count) return GW_NO_NODE;
  return gw__lookup_get(&match->edges, object, 0, name);
}

/* slot_restorations of _CheckpointRestoreCoordinator: by variable, in the order of the optimizers. */
static gw_status index_slots(gw_match *match) {
  const gw_graph *source = match->source;
  size_t total = 0, count = source->node_count;
  match->slot_starts = gw__alloc_array(count + 1, sizeof *match->slot_starts, match->error);
  if (!match->slot_starts) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; match->of_source[i] && j < source->nodes[i].slot_count; j++) {
      if (!match->of_source[source->nodes[i].slots[j].variable]) continue;
      match->slot_starts[source->nodes[i].slots[j].variable + 1]++;
      total++;
    }
  if (total > UINT32_MAX / 4) return gw__fail(match->error, GW_LIMIT, "an object graph with %zu slot variables", total);
  for (size_t i = 0; i < count; i++) match->slot_starts[i + 1] += match->slot_starts[i];
  match->slot_refs = gw__alloc_array(total, sizeof *match->slot_refs, match->error);
  match->waiting = gw__alloc_array(total, sizeof *match->waiting, match->error);
  match->made = gw__alloc_array(total + 1, sizeof *match->made, match->error);
  uint32_t *next = gw__alloc_array(count, sizeof *next, match->error);
  if (!match->slot_refs || !match->waiting || !match->made || !next) {
    gw__free(next);
    return GW_NO_MEMORY;
  }
  for (size_t i = 0; i < count; i++) next[i] = match->slot_starts[i];
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; match->of_source[i] && j < source->nodes[i].slot_count; j++) {
      uint32_t variable = source->nodes[i].slots[j].variable;
      if (match->of_source[variable]) match->slot_refs[next[variable]++] = (struct gw_slot_ref){(uint32_t)i, (uint32_t)j};
    }
  gw__free(next);
  return GW_OK;
}

static gw_status start(gw_match *match) {
  size_t nodes = match->source->node_count, objects = match->target->node_count;
  gw_error *error = match->error;
  if (nodes > UINT32_MAX / 4 || objects > UINT32_MAX / 4) return gw__fail(error, GW_LIMIT, "an object graph of more than 2^30 nodes");
  bool whole = match->from == match->source->root && match->into == match->target->root;
  match->counter = match->into == match->target->root ? gw__graph_counter(match->target) : GW_NO_NODE;
  if (!whole) match->mode = GW_MATCH_READ;
  else if (match->mode == GW_MATCH_AUTO) match->mode = match->counter == GW_NO_NODE ? GW_MATCH_READ : GW_MATCH_RESTORE;
  match->objects = gw__alloc_array(nodes, sizeof *match->objects, error);
  match->of_source = gw__alloc_array(nodes, 1, error);
  match->of_target = gw__alloc_array(objects, 1, error);
  match->queue = gw__alloc_array(nodes, sizeof *match->queue, error);
  match->waiting_first = gw__alloc_array(nodes, sizeof *match->waiting_first, error);
  match->waiting_last = gw__alloc_array(nodes, sizeof *match->waiting_last, error);
  if (!match->objects || !match->of_source || !match->of_target || !match->queue || !match->waiting_first || !match->waiting_last)
    return GW_NO_MEMORY;
  memset(match->objects, 0xff, nodes * sizeof *match->objects);
  /* A file counts with what its root does not reach; what edits have cut off is not saved. */
  gw_status status = GW_OK;
  if (match->from == match->source->root && match->source->change_count == 0) memset(match->of_source, 1, nodes);
  else status = gw__graph_reach(match->source, match->from, false, match->of_source, error);
  if (status == GW_OK)
    status = gw__graph_reach(match->target, match->into, match->mode == GW_MATCH_READ, match->of_target, error);
  if (status == GW_OK) status = index_slots(match);
  if (status != GW_OK) return status;
  size_t most = objects + match->slot_starts[nodes] + 1;
  match->origins = gw__alloc_array(most, sizeof *match->origins, error);
  if (!match->origins) return GW_NO_MEMORY;
  memset(match->origins, 0xff, most * sizeof *match->origins);
  find_attached(match);
  return index_target(match);
}

/* ---- Binding */

static const gw_node *target_node(const gw_match *match, uint32_t object) {
  return object < match->target->node_count ? &match->target->nodes[object] : NULL;
}

/* gather_ops_or_named_saveables, as far as no values are needed: is what the node has of use to the object? */
static void compare_attributes(gw_match *match, uint32_t node, uint32_t object) {
  const gw_node *source = &match->source->nodes[node], *target = target_node(match, object);
  if (!target) return;
  if (source->has_saver || (target->has_saver && source->attribute_count > 0)) {
    tell(match, GW_MATCH_SAVER, node, object, 0);
  } else if (source->attribute_count == 0) {
    if (target->attribute_count > 0) tell(match, GW_MATCH_NO_VALUE, node, object, 0);
  } else if (target->attribute_count == 0) {
    for (size_t i = 0; i < source->attribute_count; i++) tell(match, GW_MATCH_UNUSED, node, object, i);
    match->unconsumed = true;
  }
}

/* bind_object for a node that is not bound yet. An object restores once: from its first node (_update_uid). */
static void bind(gw_match *match, uint32_t node, uint32_t object) {
  match->objects[node] = object;
  match->queue[match->queue_end++] = node;
  if (match->origins[object] == GW_NO_NODE) {
    match->origins[object] = node;
    compare_attributes(match, node, object);
  } else {
    match->shared = true;
    tell(match, GW_MATCH_SHARED, node, object, 0);
  }
}

/* An edited graph is saved with has_checkpoint_values computed anew. */
static bool has_values(const gw_graph *graph, const gw_node *node) {
  if (node->has_values != GW_ABSENT && graph->change_count == 0) return node->has_values == GW_TRUE;
  return node->edge_count > 0 || node->attribute_count > 0 || node->slot_count > 0 || node->has_saver;
}

/* _queue_children_for_restoration */
static void bind_children(gw_match *match, uint32_t node, uint32_t object) {
  const gw_node *source = &match->source->nodes[node];
  for (size_t i = 0; i < source->edge_count; i++) {
    const gw_edge *edge = &source->edges[i];
    if (match->objects[edge->child] != GW_NO_NODE) continue;
    uint32_t child = find_child(match, object, edge->name);
    if (child != GW_NO_NODE) bind(match, edge->child, child);
    else if (node == match->from && match->deferred_counter == GW_NO_NODE && equal(edge->name, counter_name) &&
             has_values(match->source, &match->source->nodes[edge->child]))
      match->deferred_counter = edge->child;
  }
}

/* ---- Slot variables */

typedef enum gw_optimizer { NO_OPTIMIZER, MAKES_SLOTS, MAYBE_OPTIMIZER, NEW_KERAS } gw_optimizer;

static bool has_child(const gw_match *match, uint32_t object, const char *name) {
  return find_child(match, object, (gw_span){name, strlen(name)}) != GW_NO_NODE;
}

/* What class an object is of a file does not say; optimizers show by what they have. One of TensorFlow 1 or Keras' older
 * ones that has done nothing yet has nothing. */
static gw_optimizer optimizer_of(const gw_match *match, uint32_t object) {
  const gw_node *node = target_node(match, object);
  if (!node) return NO_OPTIMIZER;
  if (node->slot_count > 0) return MAKES_SLOTS;
  if (has_child(match, object, "_variables") && (has_child(match, object, "_iterations") || has_child(match, object, "_learning_rate")))
    return NEW_KERAS;
  if (has_child(match, object, "iter")) return MAKES_SLOTS;
  if (node->edge_count > 0 && node->edge_count <= 2) {
    for (size_t i = 0; i < node->edge_count; i++)
      if (!is_named(node->edges[i].name, "beta1_power") && !is_named(node->edges[i].name, "beta2_power")) return NO_OPTIMIZER;
    return MAKES_SLOTS;
  }
  return node->edge_count == 0 && node->attribute_count == 0 ? MAYBE_OPTIMIZER : NO_OPTIMIZER;
}

/* is_simple_variable: such slots are made on the spot. */
static bool is_simple(const gw_node *node) {
  return node->attribute_count == 1 && node->edge_count == 0 && is_named(node->attributes[0].name, "VARIABLE_VALUE");
}

/* create_slot_variable_position with _create_or_restore_slot_variable of the optimizers of TensorFlow 1 and older Keras. */
static void bind_slot(gw_match *match, uint32_t optimizer, uint32_t variable, const gw_slot *slot) {
  uint32_t object = gw__lookup_get(&match->slots, optimizer, variable, slot->name);
  if (object == GW_NO_NODE) {
    if (!is_simple(&match->source->nodes[slot->slot])) return;
    object = (uint32_t)(match->target->node_count + match->made_count);
    match->made[match->made_count++] = (gw_made){optimizer, variable, slot->name};
    gw_status status = gw__lookup_set(&match->slots, optimizer, variable, slot->name, object, match->error);
    if (match->status == GW_OK) match->status = status;
    tell(match, GW_MATCH_MADE, slot->slot, object, 0);
  }
  if (match->objects[slot->slot] == GW_NO_NODE) bind(match, slot->slot, object);
}

static const gw_slot *source_slot(const gw_match *match, uint32_t optimizer, uint32_t nth) {
  return &match->source->nodes[optimizer].slots[nth];
}

/* _var_key asks what has slots for its number, and only variables have one. */
static bool is_variable(const gw_match *match, uint32_t object) {
  const gw_node *node = target_node(match, object);
  for (size_t i = 0; node && i < node->attribute_count; i++)
    if (is_named(node->attributes[i].name, "VARIABLE_VALUE")) return true;
  return !node;
}

static void bind_slot_if_optimizer(gw_match *match, uint32_t node, uint32_t nth, uint32_t variable, bool waited) {
  uint32_t object = match->objects[node];
  switch (optimizer_of(match, object)) {
    case NO_OPTIMIZER:
      tell(match, waited ? GW_MATCH_NOT_OPTIMIZER : GW_MATCH_SLOTS_IGNORED, node, object, nth);
      match->raises = match->raises || waited;
      return;
    case NEW_KERAS:
      tell(match, GW_MATCH_NEW_KERAS, node, object, nth);
      match->raises = true;
      return;
    case MAYBE_OPTIMIZER:
      tell(match, GW_MATCH_GUESSED, node, object, nth);
      break;
    case MAKES_SLOTS:
      break;
  }
  if (!is_variable(match, variable)) {
    tell(match, GW_MATCH_NOT_VARIABLE, node, variable, nth);
    match->raises = true;
    return;
  }
  bind_slot(match, object, variable, source_slot(match, node, nth));
}

static void wait_for_optimizer(gw_match *match, uint32_t optimizer, uint32_t nth, uint32_t variable) {
  match->waiting[match->waiting_count++] = (gw_waiting){variable, optimizer, nth, 0};
  uint32_t at = (uint32_t)match->waiting_count;
  if (match->waiting_last[optimizer]) match->waiting[match->waiting_last[optimizer] - 1].next = at;
  else match->waiting_first[optimizer] = at;
  match->waiting_last[optimizer] = at;
}

/* _queue_slot_variables: first those that waited for this optimizer, then those of this variable. */
static void bind_slots(gw_match *match, uint32_t node, uint32_t object) {
  for (uint32_t at = match->waiting_first[node]; at != 0; at = match->waiting[at - 1].next)
    bind_slot_if_optimizer(match, node, match->waiting[at - 1].nth, match->waiting[at - 1].variable, true);
  match->waiting_first[node] = match->waiting_last[node] = 0;
  for (size_t i = match->slot_starts[node]; i < match->slot_starts[node + 1]; i++) {
    const struct gw_slot_ref *ref = &match->slot_refs[i];
    if (match->objects[ref->optimizer] == GW_NO_NODE) wait_for_optimizer(match, ref->optimizer, ref->nth, object);
    else bind_slot_if_optimizer(match, ref->optimizer, ref->nth, object, false);
  }
}

/* ---- CheckpointPosition.restore, and TrackableSaver.restore around it */

static void restore(gw_match *match, uint32_t node, uint32_t object) {
  if (match->objects[node] != GW_NO_NODE) return;
  bind(match, node, object);
  while (match->queue_start < match->queue_end && match->status == GW_OK) {
    uint32_t next = match->queue[match->queue_start++];
    bind_children(match, next, match->objects[next]);
    bind_slots(match, next, match->objects[next]);
  }
}

static uint32_t source_child(const gw_match *match, gw_span name) {
  const gw_node *root = &match->source->nodes[match->from];
  for (size_t i = 0; i < root->edge_count; i++)
    if (equal(root->edges[i].name, name)) return root->edges[i].child;
  return GW_NO_NODE;
}

static void divided(gw_match *match, uint32_t node, uint32_t object) {
  match->divided = true;
  tell(match, GW_MATCH_DIVIDED, node, object, 0);
}

static gw_status restore_attached(gw_match *match) {
  gw_lookup names = {0}; /* of the source's root: there may be 10^5 on either side */
  const gw_node *root = &match->source->nodes[match->from];
  gw_status status = GW_OK;
  for (size_t i = root->edge_count; match->attached_count > 0 && i-- > 0 && status == GW_OK;)
    status = gw__lookup_set(&names, 0, 0, root->edges[i].name, root->edges[i].child, match->error);
  for (size_t i = 0; i < match->attached_count && status == GW_OK; i++) {
    const gw_edge *edge = &match->target->nodes[match->target->root].edges[match->attached_first + i];
    if (equal(edge->name, root_name) || equal(edge->name, counter_name)) continue;
    uint32_t node = gw__lookup_get(&names, 0, 0, edge->name);
    if (node == GW_NO_NODE) continue;
    if (match->objects[node] == GW_NO_NODE) restore(match, node, edge->child);
    else if (match->objects[node] != edge->child) divided(match, node, edge->child);
  }
  gw__lookup_free(&names);
  return status;
}

/* Checkpoint.restore makes its save_counter after reading, and restores what waits for one. */
static void restore_counter(gw_match *match) {
  if (match->counter == GW_NO_NODE) {
    match->counter = (uint32_t)(match->target->node_count + match->made_count);
    match->made[match->made_count++] = (gw_made){GW_NO_NODE, GW_NO_NODE, {NULL, 0}};
    if (match->deferred_counter != GW_NO_NODE) tell(match, GW_MATCH_MADE, match->deferred_counter, match->counter, 0);
  }
  if (match->deferred_counter != GW_NO_NODE) restore(match, match->deferred_counter, match->counter);
}

/* ---- The assertions */

/* assert_existing_objects_matched: every object with values is bound to something. */
static void find_missing(gw_match *match) {
  for (size_t i = 0; i < match->target->node_count; i++)
    if (match->of_target[i] && match->target->nodes[i].attribute_count > 0 && match->origins[i] == GW_NO_NODE) {
      tell(match, GW_MATCH_MISSING, GW_NO_NODE, (uint32_t)i, 0);
      match->missing = true;
    }
  if (match->mode == GW_MATCH_RESTORE && match->counter >= match->target->node_count && match->origins[match->counter] == GW_NO_NODE) {
    tell(match, GW_MATCH_MISSING, GW_NO_NODE, match->counter, 0);
    match->missing = true;
  }
}

/* assert_consumed beside that: every node with values is bound, and every variable that has slots. */
static void find_unexpected(gw_match *match) {
  for (size_t i = 0; i < match->source->node_count; i++)
    if (match->of_source[i] && match->source->nodes[i].attribute_count > 0 && match->objects[i] == GW_NO_NODE) {
      tell(match, GW_MATCH_UNEXPECTED, (uint32_t)i, GW_NO_NODE, 0);
      match->unconsumed = true;
    }
  for (size_t i = 0; i < match->source->node_count; i++)
    for (size_t j = match->slot_starts[i]; match->objects[i] == GW_NO_NODE && j < match->slot_starts[i + 1]; j++) {
      uint32_t slot = source_slot(match, match->slot_refs[j].optimizer, match->slot_refs[j].nth)->slot;
      match->unconsumed = true;
      if (match->objects[slot] != GW_NO_NODE || match->source->nodes[slot].attribute_count == 0)
        tell(match, GW_MATCH_LEFT_SLOT, match->slot_refs[j].optimizer, GW_NO_NODE, match->slot_refs[j].nth);
    }
}

/* Where one object was saved and two are there now, the first is restored. TensorFlow has a warning for it ("Inconsistent
 * references") that 2.15 no longer reaches. */
static void find_divided(gw_match *match) {
  for (size_t i = 0; i < match->source->node_count; i++) {
    const gw_node *node = &match->source->nodes[i];
    if (match->objects[i] == GW_NO_NODE) continue;
    for (size_t j = 0; j < node->edge_count; j++) {
      uint32_t child = find_child(match, match->objects[i], node->edges[j].name);
      if (child != GW_NO_NODE && match->objects[node->edges[j].child] != child) divided(match, node->edges[j].child, child);
    }
  }
  if (match->mode == GW_MATCH_RESTORE) {
    uint32_t node = source_child(match, counter_name);
    if (node != GW_NO_NODE && match->objects[node] != GW_NO_NODE && match->objects[node] != match->counter) divided(match, node, match->counter);
  }
}

static gw_status work(const gw_graph *source, const gw_graph *target, const gw_match_options *options, bool wide, gw_match **out,
                      gw_error *error);

/* Would it be another binding if all that may stand beside the root did? */
static gw_status find_doubts(gw_match *match, const gw_match_options *options, gw_error *error) {
  gw_match *other;
  if (!match->doubtful || (!match->divided && !match->shared)) return GW_OK;
  gw_status status = work(match->source, match->target, options, true, &other, error);
  if (status != GW_OK) return status;
  size_t nodes = match->source->node_count, objects = match->target->node_count + match->made_count;
  if (match->made_count != other->made_count || memcmp(match->objects, other->objects, nodes * sizeof *match->objects) != 0 ||
      memcmp(match->origins, other->origins, objects * sizeof *match->origins) != 0)
    tell(match, GW_MATCH_ATTACHED, GW_NO_NODE, GW_NO_NODE, 0);
  gw_match_free(other);
  return match->status;
}

static gw_status work(const gw_graph *source, const gw_graph *target, const gw_match_options *options, bool wide, gw_match **out,
                      gw_error *error) {
  *out = NULL;
  gw_match *match = gw__alloc_array(1, sizeof *match, error);
  if (!match) return GW_NO_MEMORY;
  *match = (gw_match){.source = source, .target = target, .from = options->from, .into = options->into, .mode = options->mode,
                      .counter = GW_NO_NODE, .deferred_counter = GW_NO_NODE, .wide = wide, .error = error};
  match->status = start(match);
  if (match->status == GW_OK) {
    restore(match, match->from, match->into);
    gw_status status = restore_attached(match);
    if (match->status == GW_OK) match->status = status;
    if (match->mode == GW_MATCH_RESTORE) restore_counter(match);
    find_missing(match);
    find_unexpected(match);
    find_divided(match);
  }
  if (match->status != GW_OK) {
    gw_status status = match->status;
    gw_match_free(match);
    return status;
  }
  *out = match;
  return GW_OK;
}

gw_status gw_graph_match(const gw_graph *source, const gw_graph *target, const gw_match_options *options, gw_match **out,
                         gw_error *error) {
  const gw_match_options usual = GW_MATCH_OPTIONS_INIT;
  *out = NULL;
  gw_match_options given = options ? *options : usual;
  if (given.from == GW_NO_NODE) given.from = source->root;
  if (given.into == GW_NO_NODE) given.into = target->root;
  if (given.from >= source->node_count || given.into >= target->node_count)
    return gw__fail(error, GW_INVALID, "there is no such node in the object graph");
  gw_status status = work(source, target, &given, false, out, error);
  if (status == GW_OK) status = find_doubts(*out, &given, error);
  if (status != GW_OK) {
    gw_match_free(*out);
    *out = NULL;
    return status;
  }
  (*out)->error = NULL;
  return GW_OK;
}

void gw_match_free(gw_match *match) {
  if (!match) return;
  gw__free(match->objects);
  gw__free(match->origins);
  gw__free(match->of_source);
  gw__free(match->of_target);
  gw__lookup_free(&match->edges);
  gw__lookup_free(&match->slots);
  gw__free(match->queue);
  gw__free(match->slot_starts);
  gw__free(match->slot_refs);
  gw__free(match->waiting);
  gw__free(match->waiting_first);
  gw__free(match->waiting_last);
  gw__free(match->made);
  gw__free(match->events);
  gw__free(match);
}

/* ---- Looking */

gw_match_mode gw_match_mode_of(const gw_match *match) { return match->mode; }
uint32_t gw_match_object(const gw_match *match, uint32_t node) { return match->objects[node]; }
uint32_t gw_match_origin(const gw_match *match, uint32_t object) { return match->origins[object]; }
bool gw_match_has_object(const gw_match *match, uint32_t object) { return match->of_target[object]; }
bool gw_match_existing(const gw_match *match) { return !match->missing && !match->raises; }
bool gw_match_consumed(const gw_match *match) { return !match->missing && !match->raises && !match->unconsumed; }
size_t gw_match_events(const gw_match *match) { return match->event_count; }
void gw_match_event_at(const gw_match *match, size_t index, gw_match_event *out) { *out = match->events[index]; }

const gw_made *gw__match_made(const gw_match *match, uint32_t object) {
  return &match->made[object - match->target->node_count];
}

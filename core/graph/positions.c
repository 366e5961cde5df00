/* Keras optimizers since 2.11 have no slot edges. They hold lists (`_momentums`, `_velocities`; `_variables` has all of them
 * once more), and the n-th entry of a list belongs to the n-th of the variables that the optimizer was built with, which is
 * `model.trainable_variables`. The file does not say which those are. So before the first edit we find them, by full names
 * ("Adam/m/dense/kernel" belongs to "dense/kernel") or by their order; and after the edits the lists follow the variables.
 *
 *   optimizer ── _variables ── 0: iterations, 1: m of a, 2: v of a, 3: m of b, 4: v of b
 *             ├─ _momentums ── 0: m of a, 1: m of b          positions 0 and 1 are a and b
 *             └─ _velocities ─ 0: v of a, 1: v of b
 */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "graph.h"

static bool is(gw_span name, const char *text) { return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0; }
static bool same(gw_span a, gw_span b) { return a.size == b.size && memcmp(a.data, b.data, a.size) == 0; }

enum { MOST_EDGES = 64, MOST_SCOPES = 64, MOST_OPTIMIZERS = 64 }; /* of one optimizer; in one full name; in one graph */

static size_t edge_named(const gw_node *node, const char *name) {
  for (size_t i = 0; i < node->edge_count; i++)
    if (is(node->edges[i].name, name)) return i;
  return GW_NO_EDGE;
}

static bool is_variable(const gw_node *node) { return node->attribute_count > 0 && is(node->attributes[0].name, "VARIABLE_VALUE"); }

/* "0", "1", ... without a gap, in this order. */
static bool is_list(const gw_node *node) {
  char number[24];
  for (size_t i = 0; i < node->edge_count; i++) {
    size_t size = 0, value = i;
    do number[size++] = (char)('0' + value % 10);
    while (value /= 10);
    if (node->edges[i].name.size != size) return false;
    for (size_t j = 0; j < size; j++)
      if (node->edges[i].name.data[j] != number[size - 1 - j]) return false;
  }
  return node->edge_count > 0;
}

/* An optimizer of this kind has the list of all its variables, and the first of them is the iterations. */
static bool is_positional(const gw_graph *graph, uint32_t number, uint8_t *no_lists) {
  const gw_node *node = &graph->nodes[number];
  if (node->edge_count < 3 || node->edge_count > MOST_EDGES) return false;
  size_t all = edge_named(node, "_variables"), iterations = edge_named(node, "_iterations");
  if (all == GW_NO_EDGE || iterations == GW_NO_EDGE) return false;
  uint32_t child = node->edges[all].child;
  const gw_node *list = &graph->nodes[child];
  if (list->edge_count == 0 || list->edges[0].child != node->edges[iterations].child || no_lists[child]) return false;
  no_lists[child] = !is_list(list); /* many may lead to a long one */
  return !no_lists[child];
}

static bool may_be_list(const gw_graph *graph, uint32_t optimizer, size_t edge) {
  const gw_node *node = &graph->nodes[optimizer];
  const gw_node *list = &graph->nodes[node->edges[edge].child];
  return !is(node->edges[edge].name, "_variables") && list->attribute_count == 0 && is_list(list);
}

bool gw__positions_is_list(const gw_graph *graph, uint32_t optimizer, size_t edge) {
  const gw_positions *positions = graph->nodes[optimizer].positions;
  uint32_t child = graph->nodes[optimizer].edges[edge].child;
  for (size_t i = 0; positions && !positions->by_hand && i < positions->list_count; i++)
    if (positions->lists[i].node == child) return graph->nodes[child].edge_count == positions->now_count;
  return false;
}

/* ---- The two orders in which programs list a model's variables. Both give an object's own variables (those in a list of its
 * own too) before those of the objects below it; Keras goes by the order of assignment, as stored, and tf.Module by names
 * (keras/engine/base_layer.py: trainable_weights; tensorflow/python/module/module.py: _flatten_module). */

enum { WALK_STORED = 0, WALK_SORTED = 1, WALKS = 2 };

typedef struct gw_frame {
  uint32_t node;
  uint32_t next;   /* edge */
  uint32_t *order; /* of the edges; NULL: as stored */
} gw_frame;

typedef struct gw_walking {
  const gw_graph *graph;
  bool sorted;
  uint8_t *seen;      /* nodes: SEEN, LISTED */
  uint32_t *found;    /* variables */
  size_t count;
  gw_frame *frames;
  size_t depth, capacity;
} gw_walking;

static int by_edge_name(const void *a, const void *b, void *edges_pointer) {
  const gw_edge *edges = edges_pointer;
  gw_span left = edges[*(const uint32_t *)a].name, right = edges[*(const uint32_t *)b].name;
  int order = memcmp(left.data, right.data, left.size < right.size ? left.size : right.size);
  if (order != 0) return order;
  return left.size < right.size ? -1 : left.size > right.size;
}

enum { SEEN = 1, LISTED = 2 }; /* its own variables were, as those of an object above it */

/* Elements of lists and layers of models are in the order of their numbers, also where a recipe renamed them and their edges
 * kept their places. The kind of numbered name that this is, from 1; 0: none. */
enum { NUMBERED = 4 };
static int numbered(gw_span name, uint32_t *number) {
  static const char *const prefixes[NUMBERED] = {NULL, "", "layer-", "layer_with_weights-"};
  for (int kind = 1; kind < NUMBERED; kind++) {
    size_t size = strlen(prefixes[kind]), digits = name.size - size;
    if (name.size <= size || digits > 9 || memcmp(name.data, prefixes[kind], size) != 0) continue;
    *number = 0;
    for (size_t i = size; i < name.size && digits > 0; i++) {
      if (name.data[i] < '0' || name.data[i] > '9') digits = 0;
      else *number = *number * 10 + (uint32_t)(name.data[i] - '0');
    }
    if (digits > 0 && (digits == 1 || name.data[size] != '0')) return kind;
  }
  return 0;
}

static bool is_numbered_list(const gw_node *node) {
  uint32_t ignored;
  for (size_t i = 0; i < node->edge_count; i++)
    if (numbered(node->edges[i].name, &ignored) != 1) return false;
  return node->edge_count > 0;
}

typedef struct gw_numbered_edge {
  uint32_t number, edge;
} gw_numbered_edge;

static int by_number(const void *a, const void *b) {
  const gw_numbered_edge *left = a, *right = b;
  if (left->number != right->number) return left->number < right->number ? -1 : 1;
  return left->edge < right->edge ? -1 : left->edge > right->edge;
}

/* The edges in the order in which a program lists what they lead to: as stored, but numbered ones among each other by their
 * numbers. NULL, when that is as stored. */
static gw_status stored_order(const gw_node *node, uint32_t **order, gw_error *error) {
  uint32_t last[NUMBERED] = {0}, number;
  bool fine = true;
  *order = NULL;
  for (size_t i = 0; i < node->edge_count && fine; i++) {
    int kind = numbered(node->edges[i].name, &number);
    if (kind == 0) continue;
    fine = number >= last[kind];
    last[kind] = number;
  }
  if (fine) return GW_OK;
  gw_numbered_edge *edges = gw__alloc_array(node->edge_count, sizeof *edges, error);
  *order = edges ? gw__alloc_array(node->edge_count, sizeof **order, error) : NULL;
  for (size_t i = 0; *order && i < node->edge_count; i++) (*order)[i] = (uint32_t)i;
  for (int kind = 1; *order && kind < NUMBERED; kind++) {
    size_t count = 0;
    for (size_t i = 0; i < node->edge_count; i++)
      if (numbered(node->edges[i].name, &number) == kind) edges[count++] = (gw_numbered_edge){number, (uint32_t)i};
    if (count > 1) qsort(edges, count, sizeof *edges, by_number);
    for (size_t i = node->edge_count; i-- > 0;)
      if (numbered(node->edges[i].name, &number) == kind) (*order)[i] = edges[--count].edge;
  }
  gw__free(edges);
  return *order ? GW_OK : GW_NO_MEMORY;
}

static void emit(gw_walking *walking, uint32_t node) {
  if (walking->seen[node] & SEEN) return;
  walking->seen[node] |= SEEN;
  walking->found[walking->count++] = node;
}

static gw_status enter(gw_walking *walking, uint32_t number, gw_error *error) {
  const gw_graph *graph = walking->graph;
  gw_node *node = &graph->nodes[number];
  gw_frame frame = {.node = number};
  walking->seen[number] |= SEEN;
  gw_status status = gw__reserve((void **)&walking->frames, &walking->capacity, walking->depth + 1, sizeof *walking->frames, error);
  if (status != GW_OK) return status;
  if (!walking->sorted || is_numbered_list(node)) {
    status = stored_order(node, &frame.order, error);
    if (status != GW_OK) return status;
  } else {
    frame.order = gw__alloc_array(node->edge_count, sizeof *frame.order, error);
    if (!frame.order) return GW_NO_MEMORY;
    for (size_t i = 0; i < node->edge_count; i++) frame.order[i] = (uint32_t)i;
    qsort_r(frame.order, node->edge_count, sizeof *frame.order, by_edge_name, node->edges);
  }
  walking->frames[walking->depth++] = frame;
  for (size_t i = 0; i < node->edge_count; i++) {
    uint32_t child = node->edges[frame.order ? frame.order[i] : i].child;
    const gw_node *below = &graph->nodes[child];
    if (is_variable(below)) {
      emit(walking, child);
    } else if (!walking->seen[child]) {
      walking->seen[child] |= LISTED;
      if (!is_numbered_list(below)) continue;
      uint32_t *order;
      status = stored_order(below, &order, error);
      if (status != GW_OK) return status;
      for (size_t j = 0; j < below->edge_count; j++) {
        uint32_t entry = below->edges[order ? order[j] : j].child;
        if (is_variable(&graph->nodes[entry])) emit(walking, entry);
      }
      gw__free(order);
    }
  }
  return GW_OK;
}

/* The variables below the root that belong to no optimizer of this kind: *found (gw__free), *count. */
static gw_status walk(const gw_graph *graph, int way, uint32_t **found, size_t *count, gw_error *error) {
  gw_walking walking = {.graph = graph, .sorted = way == WALK_SORTED};
  walking.seen = gw__alloc_array(graph->node_count, 1, error);
  walking.found = walking.seen ? gw__alloc_array(graph->node_count, sizeof *walking.found, error) : NULL;
  gw_status status = walking.found ? GW_OK : GW_NO_MEMORY;
  for (size_t i = 0; i < graph->optimizer_count && status == GW_OK; i++) walking.seen[graph->optimizers[i]] |= SEEN;
  if (status == GW_OK && is_variable(&graph->nodes[graph->root])) emit(&walking, graph->root);
  else if (status == GW_OK && !(walking.seen[graph->root] & SEEN)) status = enter(&walking, graph->root, error);
  while (status == GW_OK && walking.depth > 0) {
    gw_frame *frame = &walking.frames[walking.depth - 1];
    const gw_node *node = &graph->nodes[frame->node];
    if (frame->next == node->edge_count) {
      gw__free(frame->order);
      walking.depth--;
      continue;
    }
    uint32_t child = node->edges[frame->order ? frame->order[frame->next] : frame->next].child;
    frame->next++;
    if (!(walking.seen[child] & SEEN)) status = enter(&walking, child, error);
  }
  while (walking.depth > 0) gw__free(walking.frames[--walking.depth].order);
  gw__free(walking.frames);
  gw__free(walking.seen);
  if (status != GW_OK) {
    gw__free(walking.found);
    walking.found = NULL;
  }
  *found = walking.found;
  *count = walking.count;
  return status;
}

/* ---- Which variables are meant */

/* Full names of the walked variables: a hash of 1 + their place. */
typedef struct gw_names {
  const gw_graph *graph;
  const uint32_t *variables;
  uint32_t *table;
  size_t size;
} gw_names;

static gw_span full_name(const gw_graph *graph, uint32_t node) {
  const gw_node *found = &graph->nodes[node];
  return found->attribute_count > 0 ? found->attributes[0].full_name : (gw_span){"", 0};
}

static gw_status learn(gw_names *names, size_t count, uint8_t *twice, gw_error *error) {
  names->size = 16;
  while (names->size < count * 2) names->size *= 2;
  names->table = gw__alloc_array(names->size, sizeof *names->table, error);
  for (size_t i = 0; names->table && i < count; i++) {
    gw_span name = full_name(names->graph, names->variables[i]);
    size_t at = gw__hash(name.data, name.size) & (names->size - 1);
    while (names->table[at] != 0 && !same(full_name(names->graph, names->variables[names->table[at] - 1]), name)) at = (at + 1) & (names->size - 1);
    if (names->table[at] == 0) names->table[at] = (uint32_t)i + 1;
    else twice[names->table[at] - 1] = twice[i] = 1;
  }
  return names->table ? GW_OK : GW_NO_MEMORY;
}

/* The place of the first walked variable of this full name, or SIZE_MAX. */
static size_t place_of(const gw_names *names, gw_span name) {
  size_t at = gw__hash(name.data, name.size) & (names->size - 1);
  for (; names->table[at] != 0; at = (at + 1) & (names->size - 1))
    if (same(full_name(names->graph, names->variables[names->table[at] - 1]), name)) return names->table[at] - 1;
  return SIZE_MAX;
}

/* The walked variable whose full name ends `slot`, behind a slash, the longest such. */
static size_t owner_of(const gw_names *names, gw_span slot) {
  size_t place = SIZE_MAX, scopes = 0;
  for (size_t i = 0; i + 1 < slot.size && place == SIZE_MAX && scopes < MOST_SCOPES; i++)
    if (slot.data[i] == '/') {
      scopes++;
      place = place_of(names, (gw_span){slot.data + i + 1, slot.size - i - 1});
    }
  return place;
}

typedef struct gw_finding_positions {
  gw_graph *graph;
  uint32_t optimizer;
  uint32_t lists[MOST_EDGES]; /* nodes of the lists with an entry for every position */
  size_t list_count;
  size_t count;               /* positions */
  gw_names names;
  uint8_t *twice;         /* by place: the full name is another variable's too */
  uint32_t *walked[WALKS];
  size_t walked_count;
  gw_shape_of shape_of;
  void *owner;
} gw_finding_positions;

/* The place in the walk of the variable that position `at` names, by the first list whose full names tell. */
static size_t place_at(const gw_finding_positions *finding, size_t at) {
  for (size_t i = 0; i < finding->list_count; i++) {
    const gw_node *list = &finding->graph->nodes[finding->lists[i]];
    size_t place = owner_of(&finding->names, full_name(finding->graph, list->edges[at].child));
    if (place != SIZE_MAX) return place;
  }
  return SIZE_MAX;
}

/* True unless both shapes are known and differ. A slot of rank 0 stands for none (Adafactor). */
static bool shapes_agree(const gw_finding_positions *finding, size_t at, uint32_t variable) {
  const gw_graph *graph = finding->graph;
  const gw_node *owner = &graph->nodes[variable];
  for (size_t i = 0; i < finding->list_count; i++) {
    const gw_node *list = &graph->nodes[finding->lists[i]];
    size_t rank, other_rank;
    const int64_t *dims, *other;
    const gw_node *slot = &graph->nodes[list->edges[at].child];
    if (!is_variable(slot) || slot->attributes[0].value_count != 1 || owner->attributes[0].value_count != 1) continue;
    if (!finding->shape_of(finding->owner, slot->attributes[0].values[0].item, &rank, &dims) || rank == 0) continue;
    if (!finding->shape_of(finding->owner, owner->attributes[0].values[0].item, &other_rank, &other)) continue;
    if (rank != other_rank) continue; /* Adafactor's rows and columns have one axis less */
    if (rank && memcmp(dims, other, rank * sizeof *dims) != 0) return false;
  }
  return true;
}

/* The variables of a walk that some position names, in their order; are they as many, and does each fit its position? */
static bool fits(const gw_finding_positions *finding, int way, const uint8_t *named, uint32_t *out) {
  const gw_graph *graph = finding->graph;
  size_t next = 0;
  for (size_t i = 0; i < finding->walked_count; i++) {
    uint32_t variable = finding->walked[way][i];
    if (!named[variable]) continue;
    if (next == finding->count) return false;
    size_t place = place_at(finding, next);
    if (place == SIZE_MAX || !same(full_name(graph, finding->names.variables[place]), full_name(graph, variable))) return false;
    if (!shapes_agree(finding, next, variable)) return false;
    out[next++] = variable;
  }
  return next == finding->count;
}

/* By order, where full names are not unique: both walks must agree, or one of them alone fit. */
static bool by_order(const gw_finding_positions *finding, const uint8_t *named, uint32_t *out, uint32_t *other) {
  bool stored = fits(finding, WALK_STORED, named, out), sorted = fits(finding, WALK_SORTED, named, other);
  if (sorted && !stored) memcpy(out, other, finding->count * sizeof *out);
  return (stored || sorted) && (!stored || !sorted || memcmp(out, other, finding->count * sizeof *out) == 0);
}

static bool by_full_name(const gw_finding_positions *finding, uint8_t *taken, uint32_t *out) {
  for (size_t i = 0; i < finding->count; i++) {
    size_t place = place_at(finding, i);
    if (place == SIZE_MAX || finding->twice[place] || taken[place]) return false;
    taken[place] = 1;
    out[i] = finding->names.variables[place];
  }
  return true;
}

/* Are `some` in `all`, in this order? */
static bool in_order(const uint32_t *some, size_t count, const uint32_t *all, size_t all_count) {
  size_t next = 0;
  for (size_t i = 0; i < all_count && next < count; i++) next += all[i] == some[next];
  return next == count;
}

static gw_status note_list(gw_graph *graph, uint32_t node, gw_positions_list *out, gw_error *error) {
  const gw_node *list = &graph->nodes[node];
  *out = (gw_positions_list){.node = node, .count = list->edge_count};
  out->edges = gw__arena_alloc(&graph->arena, list->edge_count * sizeof *out->edges, error);
  if (!out->edges) return GW_NO_MEMORY;
  if (list->edge_count) memcpy(out->edges, list->edges, list->edge_count * sizeof *out->edges);
  return GW_OK;
}

static gw_status note_one(gw_finding_positions *finding, gw_error *error) {
  gw_graph *graph = finding->graph;
  const gw_node *node = &graph->nodes[finding->optimizer];
  finding->count = finding->list_count = 0;
  for (size_t i = 0; i < node->edge_count; i++) {
    if (!may_be_list(graph, finding->optimizer, i)) continue;
    size_t size = graph->nodes[node->edges[i].child].edge_count;
    if (size > finding->count) finding->list_count = 0;
    if (size < finding->count) continue;
    finding->count = size;
    finding->lists[finding->list_count++] = node->edges[i].child;
  }
  gw_positions *positions = gw__arena_alloc(&graph->arena, sizeof *positions, error);
  uint32_t *out = gw__arena_alloc(&graph->arena, finding->count * sizeof *out, error);
  uint32_t *now = gw__arena_alloc(&graph->arena, finding->count * sizeof *now, error);
  gw_positions_list *lists = gw__arena_alloc(&graph->arena, (finding->list_count + 1) * sizeof *lists, error);
  uint32_t *walked = gw__arena_alloc(&graph->arena, finding->walked_count * sizeof *walked, error);
  uint32_t *other = gw__alloc_array(finding->count, sizeof *other, error);
  uint8_t *marks = other ? gw__alloc_array(graph->node_count + finding->walked_count, 1, error) : NULL;
  gw_status status = positions && out && now && lists && walked && marks ? GW_OK : GW_NO_MEMORY;
  for (size_t i = 0; i < finding->list_count && status == GW_OK; i++) status = note_list(graph, finding->lists[i], &lists[i], error);
  if (status == GW_OK)
    status = note_list(graph, node->edges[edge_named(node, "_variables")].child, &lists[finding->list_count], error);
  if (status == GW_OK) {
    uint8_t *named = marks, *taken = marks + graph->node_count;
    bool found = by_full_name(finding, taken, out);
    if (!found) {
      for (size_t i = 0; i < finding->count; i++) {
        size_t place = place_at(finding, i);
        if (place != SIZE_MAX) named[finding->names.variables[place]] = 1;
      }
      for (size_t i = 0; i < finding->walked_count; i++) { /* and those of the same names */
        size_t first = place_of(&finding->names, full_name(graph, finding->names.variables[i]));
        named[finding->names.variables[i]] |= named[finding->names.variables[first]];
      }
      found = by_order(finding, named, out, other);
    }
    if (finding->walked_count) memcpy(walked, finding->walked[WALK_STORED], finding->walked_count * sizeof *walked);
    for (size_t i = 0; i < finding->count; i++) now[i] = (uint32_t)i;
    *positions = (gw_positions){.variables = found ? out : NULL, .count = finding->count, .lists = lists,
                                .list_count = finding->list_count, .now = now, .now_count = finding->count, .walked = walked,
                                .walked_count = finding->walked_count, .walk = -1};
    for (int way = WALKS; found && way-- > 0;)
      if (in_order(out, finding->count, finding->walked[way], finding->walked_count)) positions->walk = way;
    graph->nodes[finding->optimizer].positions = positions;
  }
  gw__free(other);
  gw__free(marks);
  return status;
}

gw_status gw__positions_add(gw_graph *graph, uint32_t optimizer, gw_error *error) {
  if (graph->optimizer_count == MOST_OPTIMIZERS) return gw__fail(error, GW_LIMIT, "object graph: more than %d Keras optimizers", MOST_OPTIMIZERS);
  gw_status status = gw__reserve((void **)&graph->optimizers, &graph->optimizer_capacity, graph->optimizer_count + 1, sizeof *graph->optimizers, error);
  if (status == GW_OK) graph->optimizers[graph->optimizer_count++] = optimizer;
  return status;
}

gw_status gw__positions_note(gw_graph *graph, gw_shape_of shape_of, void *owner, gw_error *error) {
  gw_finding_positions finding = {.graph = graph, .shape_of = shape_of, .owner = owner};
  size_t first = graph->optimizer_count;
  uint8_t *no_lists = gw__alloc_array(graph->node_count, 1, error);
  gw_status status = no_lists ? GW_OK : GW_NO_MEMORY;
  for (uint32_t i = 0; i < graph->node_count && status == GW_OK; i++)
    if (!graph->nodes[i].positions && is_positional(graph, i, no_lists)) status = gw__positions_add(graph, i, error);
  gw__free(no_lists);
  if (status != GW_OK || graph->optimizer_count == first) return status;
  for (int way = 0; way < WALKS && status == GW_OK; way++) status = walk(graph, way, &finding.walked[way], &finding.walked_count, error);
  if (status == GW_OK && !(finding.twice = gw__alloc_array(finding.walked_count, 1, error))) status = GW_NO_MEMORY;
  finding.names = (gw_names){.graph = graph, .variables = finding.walked[WALK_STORED]};
  if (status == GW_OK) status = learn(&finding.names, finding.walked_count, finding.twice, error);
  for (size_t i = first; i < graph->optimizer_count && status == GW_OK; i++) {
    finding.optimizer = graph->optimizers[i];
    status = note_one(&finding, error);
  }
  for (int way = 0; way < WALKS; way++) gw__free(finding.walked[way]);
  gw__free(finding.twice);
  gw__free(finding.names.table);
  return status;
}

void gw__positions_touch(gw_graph *graph, uint32_t node) {
  for (size_t i = 0; i < graph->optimizer_count; i++) {
    gw_positions *positions = graph->nodes[graph->optimizers[i]].positions;
    for (size_t j = 0; positions && j <= positions->list_count; j++) positions->by_hand |= positions->lists[j].node == node;
  }
}

void gw__positions_touch_removed(gw_graph *graph, const uint8_t *marks) {
  for (size_t i = 0; i < graph->optimizer_count; i++) {
    gw_positions *positions = graph->nodes[graph->optimizers[i]].positions;
    for (size_t j = 0; positions && !positions->by_hand && j <= positions->list_count; j++) {
      const gw_node *list = positions->lists[j].node == GW_NO_NODE ? NULL : &graph->nodes[positions->lists[j].node];
      for (size_t k = 0; list && k < list->edge_count; k++) positions->by_hand |= marks[list->edges[k].child] != 0;
    }
  }
}

/* ---- Following: a list gets the entries of positions order[0], order[1], ...; names stay the numbers. */

typedef struct gw_entry_place {
  uint32_t child, segment, rank, place;
} gw_entry_place;

static int by_rank(const void *a, const void *b) {
  const gw_entry_place *left = a, *right = b;
  if (left->segment != right->segment) return left->segment < right->segment ? -1 : 1;
  if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
  return left->place < right->place ? -1 : left->place > right->place;
}

/* `_variables`: entries were made variable by variable, in one run or in several (first all momentums, then all velocities).
 * A run ends where positions fall back; inside of it the entries follow their variables, and those of a variable that is
 * gone go. `old` is the position by node, `now` the new position by old one. `out` has room for all. */
static gw_status arrange_all(const gw_positions_list *list, const uint32_t *old, const uint32_t *now, gw_edge *out, size_t *count,
                             gw_error *error) {
  gw_entry_place *places = gw__alloc_array(list->count, sizeof *places, error);
  uint32_t segment = 0, before = 0;
  *count = 0;
  if (!places) return GW_NO_MEMORY;
  for (size_t i = 0; i < list->count; i++) {
    uint32_t child = list->edges[i].child;
    if (child == GW_NO_NODE) continue;
    uint32_t position = old[child];
    if (position == GW_NO_NODE || position < before) segment++;
    before = position == GW_NO_NODE ? 0 : position;
    if (position != GW_NO_NODE && now[position] == GW_NO_NODE) continue;
    places[(*count)++] = (gw_entry_place){child, segment, position == GW_NO_NODE ? 0 : now[position], (uint32_t)i};
    if (position == GW_NO_NODE) segment++;
  }
  qsort(places, *count, sizeof *places, by_rank);
  for (size_t i = 0; i < *count; i++) out[i] = (gw_edge){.name = list->edges[i].name, .child = places[i].child};
  gw__free(places);
  return GW_OK;
}

static void put_edges(gw_graph *graph, uint32_t list, gw_edge *edges, size_t count) {
  if (list == GW_NO_NODE) return; /* not copied along */
  gw_node *node = &graph->nodes[list];
  gw__free(node->by_name);
  node->by_name = NULL;
  node->by_name_size = node->by_name_used = 0;
  for (size_t i = 0; i < count; i++) {
    bool same_place = i < node->edge_count && node->edges[i].child == edges[i].child;
    edges[i].change = same_place ? node->edges[i].change : (uint32_t)graph->change_count;
  }
  node->edges = edges;
  node->edge_count = node->edge_capacity = count;
}

/* `order` has the positions that stay; it is the caller's. `old` and `now` have room for the nodes and for the positions. */
static gw_status arrange(gw_graph *graph, gw_positions *positions, const uint32_t *order, size_t count, uint32_t *old, uint32_t *now,
                         gw_error *error) {
  const gw_positions_list *all = &positions->lists[positions->list_count];
  size_t all_count;
  uint32_t *kept = gw__arena_alloc(&graph->arena, count * sizeof *kept, error);
  gw_edge *edges = kept ? gw__arena_alloc(&graph->arena, (positions->list_count * count + all->count) * sizeof *edges, error) : NULL;
  if (!edges) return GW_NO_MEMORY;
  memset(old, 0xff, graph->node_count * sizeof *old);
  memset(now, 0xff, positions->count * sizeof *now);
  for (size_t i = 0; i < count; i++) now[order[i]] = (uint32_t)i;
  for (size_t i = 0; i < positions->list_count; i++)
    for (size_t j = 0; j < positions->count; j++) {
      uint32_t child = positions->lists[i].edges[j].child;
      if (child != GW_NO_NODE) old[child] = (uint32_t)j;
      if (j < count) edges[i * count + j] = (gw_edge){.name = positions->lists[i].edges[j].name, .child = positions->lists[i].edges[order[j]].child};
    }
  gw_status status = arrange_all(all, old, now, edges + positions->list_count * count, &all_count, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < positions->list_count; i++) put_edges(graph, positions->lists[i].node, edges + i * count, count);
  put_edges(graph, all->node, edges + positions->list_count * count, all_count);
  if (count) memcpy(kept, order, count * sizeof *kept);
  positions->now = kept;
  positions->now_count = count;
  return GW_OK;
}

static gw_status cannot_follow(const char *why, gw_error *error) {
  gw__fail(error, GW_INVALID, "a Keras optimizer's lists belong to the variables by position, and they cannot follow this change: %s", why);
  gw__error_hint(error, "put its lists in order yourself (gw.graph.reorder on _variables and on each of the others), or drop the optimizer");
  return GW_INVALID;
}

/* Memory of settling, for every optimizer in turn. */
typedef struct gw_settling_positions {
  uint32_t *walked[WALKS];
  size_t walked_count;
  uint8_t *found;  /* by node: the walk comes to it */
  uint32_t *place; /* by node */
  uint32_t *order; /* of positions */
  uint32_t *now;   /* by position */
} gw_settling_positions;

/* Are the variables of the model those that were noted, in the same order? Or is it not here at all? */
static bool same_walk(const gw_settling_positions *settling, const gw_positions *positions) {
  size_t present = 0, next = 0;
  bool fine = true;
  for (size_t i = 0; i < positions->walked_count; i++)
    if (positions->walked[i] != GW_NO_NODE) {
      settling->place[positions->walked[i]] = (uint32_t)i;
      present += settling->found[positions->walked[i]];
    }
  for (size_t i = 0; i < settling->walked_count; i++) {
    uint32_t place = settling->place[settling->walked[WALK_STORED][i]];
    if (place != GW_NO_NODE) fine = fine && place == next++;
  }
  return present == 0 || (fine && next == positions->walked_count);
}

/* Have the variables that are there the order that they had among each other? */
static bool same_order(const gw_settling_positions *settling, const gw_positions *positions) {
  size_t next = 0;
  for (size_t i = 0; i < positions->walked_count; i++) {
    uint32_t node = positions->walked[i];
    if (node == GW_NO_NODE || settling->place[node] == GW_NO_NODE) continue;
    while (next < settling->walked_count && settling->place[settling->walked[WALK_STORED][next]] == GW_NO_NODE) next++;
    if (next == settling->walked_count || settling->walked[WALK_STORED][next++] != node) return false;
  }
  return true;
}

static bool has_entries(const gw_positions *positions, size_t position) {
  for (size_t i = 0; i < positions->list_count; i++)
    if (positions->lists[i].edges[position].child == GW_NO_NODE) return false;
  return true;
}

static gw_status settle_one(gw_graph *graph, uint32_t optimizer, gw_settling_positions *settling, gw_error *error) {
  gw_positions *positions = graph->nodes[optimizer].positions;
  size_t count = 0;
  bool copied = false;
  memset(settling->place, 0xff, graph->node_count * sizeof *settling->place);
  if (!positions->variables) {
    if (same_walk(settling, positions)) return GW_OK;
    return cannot_follow("several variables have one name, so that it cannot be told which entry is whose", error);
  }
  for (size_t i = 0; i < positions->count; i++) {
    uint32_t variable = positions->variables[i];
    copied = copied || variable != GW_NO_NODE;
    if (variable == GW_NO_NODE || !settling->found[variable] || !has_entries(positions, i)) continue;
    settling->place[variable] = (uint32_t)i;
    settling->order[count++] = (uint32_t)i;
  }
  if (!copied) return GW_OK; /* the optimizer alone was copied, without its model */
  if (positions->walk >= 0) {
    count = 0;
    for (size_t i = 0; i < settling->walked_count; i++) {
      uint32_t place = settling->place[settling->walked[positions->walk][i]];
      if (place != GW_NO_NODE) settling->order[count++] = place;
    }
  } else if (!same_order(settling, positions)) {
    /* Theirs was neither of our orders: it stays, as long as the variables have not changed places among each other. */
    return cannot_follow("they are in an order that is neither that of assignment nor that of names", error);
  }
  if (count == positions->now_count && (count == 0 || memcmp(settling->order, positions->now, count * sizeof *positions->now) == 0))
    return GW_OK;
  return arrange(graph, positions, settling->order, count, settling->place, settling->now, error);
}

gw_status gw__positions_settle(gw_graph *graph, uint32_t *failed, gw_error *error) {
  *failed = GW_NO_NODE;
  if (graph->optimizer_count == 0) return GW_OK;
  gw_numbering numbering;
  gw_settling_positions settling = {.walked_count = 0};
  gw_status status = gw__graph_number(graph, &numbering, error);
  for (int way = 0; way < WALKS && status == GW_OK; way++) status = walk(graph, way, &settling.walked[way], &settling.walked_count, error);
  size_t most = graph->node_count; /* a list may have one node more than once */
  for (size_t i = 0; i < graph->optimizer_count; i++) {
    const gw_positions *positions = graph->nodes[graph->optimizers[i]].positions;
    if (positions && positions->count > most) most = positions->count;
  }
  if (status == GW_OK) {
    settling.found = gw__alloc_array(graph->node_count, 1, error);
    settling.place = gw__alloc_array(graph->node_count, sizeof *settling.place, error);
    settling.order = gw__alloc_array(most, sizeof *settling.order, error);
    settling.now = gw__alloc_array(most, sizeof *settling.now, error);
    if (!settling.found || !settling.place || !settling.order || !settling.now) status = GW_NO_MEMORY;
  }
  for (size_t i = 0; i < settling.walked_count && status == GW_OK; i++) settling.found[settling.walked[WALK_STORED][i]] = 1;
  for (size_t i = 0; i < graph->optimizer_count && status == GW_OK; i++) {
    uint32_t optimizer = graph->optimizers[i];
    const gw_positions *positions = graph->nodes[optimizer].positions;
    if (!positions || positions->by_hand || numbering.numbers[optimizer] >= numbering.reached) continue;
    status = settle_one(graph, optimizer, &settling, error);
    if (status != GW_OK) *failed = optimizer;
  }
  for (int way = 0; way < WALKS; way++) gw__free(settling.walked[way]);
  gw__free(settling.found);
  gw__free(settling.place);
  gw__free(settling.order);
  gw__free(settling.now);
  gw__graph_numbering_free(&numbering);
  return status;
}

/* ---- Names of slots */

gw_span gw__positions_slot_name(const gw_graph *graph, uint32_t optimizer, size_t edge) {
  const gw_node *node = &graph->nodes[optimizer];
  const gw_node *list = &graph->nodes[node->edges[edge].child];
  for (size_t i = 0; node->positions->variables && i < list->edge_count && i < node->positions->now_count; i++) {
    uint32_t variable = node->positions->variables[node->positions->now[i]];
    if (variable == GW_NO_NODE) continue;
    gw_span whole = full_name(graph, list->edges[i].child), tail = full_name(graph, variable);
    if (whole.size < tail.size + 2 || memcmp(whole.data + whole.size - tail.size, tail.data, tail.size) != 0) continue;
    size_t end = whole.size - tail.size;
    if (whole.data[--end] != '/') continue;
    size_t start = end;
    while (start > 0 && whole.data[start - 1] != '/') start--;
    if (end > start) return (gw_span){whole.data + start, end - start};
  }
  return node->edges[edge].name;
}

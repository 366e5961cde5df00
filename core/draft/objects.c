/* Object-based drafts. Items stay what holds the tensors; the graph's attributes say which items are theirs, and from the
 * first edit on the items' names follow from the graph: see gw_draft_settle. */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/utf8.h"
#include "../bundle/bundle.h"
#include "../expr/expr.h"
#include "edit.h"

#define ATTRIBUTES "/.ATTRIBUTES/"
#define VARIABLE_VALUE "VARIABLE_VALUE"

static bool is(gw_span name, const char *text) { return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0; }
static gw_span span_of(const char *text) { return (gw_span){text, strlen(text)}; }

/* ---- Which items are an attribute's: the one with its key; else those whose keys begin with it ("-keys", "-values",
 * "_STATE"; FORMAT.md, 7.5), each for the longest such attribute. */

static int by_key(const void *a, const void *b) {
  const gw_span *left = &(*(gw_attribute *const *)a)->key, *right = &(*(gw_attribute *const *)b)->key;
  size_t shorter = left->size < right->size ? left->size : right->size;
  int order = shorter ? memcmp(left->data, right->data, shorter) : 0;
  if (order != 0) return order;
  return left->size < right->size ? -1 : left->size > right->size;
}

static gw_status add_value(gw_graph *graph, gw_attribute *attribute, gw_span suffix, uint32_t item, gw_error *error) {
  gw_value *values = gw__arena_alloc(&graph->arena, (attribute->value_count + 1) * sizeof *values, error);
  if (!values) return GW_NO_MEMORY;
  if (attribute->value_count) memcpy(values, attribute->values, attribute->value_count * sizeof *values);
  values[attribute->value_count++] = (gw_value){suffix, item};
  attribute->values = values;
  return GW_OK;
}

enum { LONGEST_SUFFIX = 256, MOST_VALUES = 64 };

/* The attribute without an entry of its own whose key is the longest beginning of `name`; NULL: nobody's. */
static gw_attribute *find_stem(gw_attribute **stems, size_t count, const char *name, size_t size) {
  gw_attribute probe = {.key = {name, size}}, *wanted = &probe;
  for (size_t cut = 1; cut <= LONGEST_SUFFIX && cut < size; cut++) {
    probe.key.size = size - cut;
    gw_attribute **found = bsearch(&wanted, stems, count, sizeof *stems, by_key);
    if (found) return *found;
  }
  return NULL;
}

static gw_status claim(gw_draft *draft, gw_graph *graph, gw_attribute **all, size_t count, gw_error *error) {
  const uint32_t *order;
  uint8_t *claimed = gw__alloc_array(draft->item_count, 1, error);
  size_t stems = 0;
  gw_status status = claimed ? GW_OK : GW_NO_MEMORY;
  if (count > 1) qsort(all, count, sizeof *all, by_key);
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    gw_attribute *attribute = all[i];
    if (i > 0 && by_key(&all[i - 1], &all[i]) == 0) {
      status = gw__fail(error, GW_CORRUPT, "object graph: two attributes have this key");
      gw__error_key(error, attribute->key.data, attribute->key.size);
      break;
    }
    const gw_item *item = gw__draft_find(draft, attribute->key.data, attribute->key.size);
    if (!item || gw__draft_hidden(draft, item)) {
      all[stems++] = attribute;
      continue;
    }
    claimed[item - draft->items] = 1;
    status = add_value(graph, attribute, (gw_span){"", 0}, (uint32_t)(item - draft->items), error);
  }
  if (status == GW_OK && stems > 0) status = gw__draft_order(draft, &order, error);
  for (size_t i = 0; i < draft->live && stems > 0 && status == GW_OK; i++) {
    const gw_item *item = &draft->items[order[i]];
    if (claimed[order[i]] || gw__draft_hidden(draft, item)) continue;
    gw_attribute *stem = find_stem(all, stems, item->name, item->name_size);
    if (!stem) continue;
    gw_span suffix = {item->name + stem->key.size, item->name_size - stem->key.size};
    if (stem->value_count == MOST_VALUES) status = gw__fail(error, GW_LIMIT, "object graph: more than %d entries belong to this attribute", MOST_VALUES);
    if (status == GW_OK) status = add_value(graph, stem, suffix, order[i], error);
    else gw__error_key(error, stem->key.data, stem->key.size);
  }
  gw__free(claimed);
  return status;
}

static gw_status attach(gw_draft *draft, gw_graph *graph, gw_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < graph->node_count; i++) count += graph->nodes[i].attribute_count;
  gw_attribute **all = gw__alloc_array(count, sizeof *all, error);
  if (!all) return GW_NO_MEMORY;
  count = 0;
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++) all[count++] = &graph->nodes[i].attributes[j];
  gw_status status = claim(draft, graph, all, count, error);
  gw__free(all);
  return status;
}

/* The shape of an item's tensor without making one. */
static bool shape_of(void *owner, uint32_t item, size_t *rank, const int64_t **dims) {
  gw_draft *draft = owner;
  gw_tensor *tensor;
  if (gw__draft_tensor(draft, &draft->items[item], &tensor, NULL) != GW_OK) return false;
  *rank = tensor->rank;
  *dims = tensor->dims;
  return true;
}

gw_status gw__draft_objects(gw_draft *draft, gw_graph **graph, gw_error *error) {
  *graph = draft->graph;
  if (draft->graph) return GW_OK;
  if (!draft->objects || !draft->bundle) {
    gw__fail(error, GW_INVALID, "the checkpoint is name-based: it has no objects");
    gw__error_hint(error, "its tensors are in ckpt.vars; gw.objects{...} makes an object-based checkpoint of them");
    return GW_INVALID;
  }
  gw_graph *made;
  gw_status status = gw_graph_of_bundle(draft->bundle, &made, error);
  if (status != GW_OK) return status;
  status = attach(draft, made, error);
  if (status == GW_OK) status = gw__positions_note(made, shape_of, draft, error);
  if (status != GW_OK) {
    gw__error_file(error, gw_bundle_prefix(draft->bundle));
    gw_graph_free(made);
    return status;
  }
  draft->graph = *graph = made;
  draft->settled = made->version;
  return GW_OK;
}

/* ---- The walk */

/* Bytes that a name takes in a key. */
static size_t escaped_size(gw_span name) {
  size_t size = name.size;
  for (size_t i = 0; i < name.size; i++) size += name.data[i] == '.' || name.data[i] == '/';
  return size;
}

static gw_status measure_paths(const gw_graph *graph, gw_walk *walk, gw_error *error) {
  walk->sizes = gw__alloc_array(graph->node_count, sizeof *walk->sizes, error);
  if (!walk->sizes) return GW_NO_MEMORY;
  for (size_t i = 1; i < walk->numbering.reached; i++) {
    uint32_t node = walk->numbering.order[i], parent = walk->parents[node];
    walk->sizes[node] = walk->sizes[parent] + escaped_size(graph->nodes[parent].edges[walk->edges[node]].name) + (parent != graph->root);
  }
  return GW_OK;
}

/* Each slot variable's first slot, in TensorFlow's order. */
static gw_status find_owners(const gw_graph *graph, gw_walk *walk, gw_error *error) {
  const gw_numbering *numbering = &walk->numbering;
  if (numbering->saved == numbering->reached) return GW_OK;
  walk->owners = gw__alloc_array(graph->node_count, sizeof *walk->owners, error);
  if (!walk->owners) return GW_NO_MEMORY;
  memset(walk->owners, 0xff, graph->node_count * sizeof *walk->owners);
  for (size_t i = 0; i < numbering->reached; i++) {
    const gw_node *node = &graph->nodes[numbering->order[i]];
    for (size_t j = 0; j < node->slot_count; j++) {
      gw_slot_owner *owner = &walk->owners[node->slots[j].slot];
      if (owner->optimizer == GW_NO_NODE && numbering->numbers[node->slots[j].variable] < numbering->reached)
        *owner = (gw_slot_owner){numbering->order[i], (uint32_t)j};
    }
  }
  return GW_OK;
}

gw_status gw__draft_walk(gw_draft *draft, const gw_walk **walk, gw_error *error) {
  gw_graph *graph;
  gw_walk *found = &draft->walk;
  *walk = found;
  gw_status status = gw__draft_objects(draft, &graph, error);
  if (status != GW_OK || (found->valid && found->version == graph->version)) return status;
  gw__graph_numbering_free(&found->numbering);
  gw__free(found->parents);
  gw__free(found->edges);
  gw__free(found->sizes);
  gw__free(found->owners);
  *found = (gw_walk){.version = graph->version};
  status = gw__graph_number(graph, &found->numbering, error);
  if (status == GW_OK) status = gw__graph_parents(graph, &found->numbering, &found->parents, &found->edges, error);
  if (status == GW_OK) status = measure_paths(graph, found, error);
  if (status == GW_OK) status = find_owners(graph, found, error);
  found->valid = status == GW_OK;
  return status;
}

/* Writes the path so that it ends at `end`, from its last component to its first. */
static void put_backwards(const gw_graph *graph, const gw_walk *walk, uint32_t node, uint8_t *end) {
  for (; walk->parents[node] != GW_NO_NODE; node = walk->parents[node]) {
    uint32_t parent = walk->parents[node];
    gw_span name = graph->nodes[parent].edges[walk->edges[node]].name;
    for (size_t i = name.size; i-- > 0;) {
      bool escaped = name.data[i] == '.' || name.data[i] == '/';
      *--end = (uint8_t)(name.data[i] == '/' ? 'S' : name.data[i]);
      if (escaped) *--end = '.';
    }
    if (parent != graph->root) *--end = '/';
  }
}

static void put_reached_path(const gw_graph *graph, const gw_walk *walk, uint32_t node, gw_buf *out) {
  size_t size = walk->sizes[node];
  if (size == 0 || !gw__buf_reserve(out, size)) return;
  out->size += size;
  put_backwards(graph, walk, node, out->data + out->size);
}

static void put_escaped(gw_buf *out, gw_span name) {
  for (size_t i = 0; i < name.size; i++) {
    if (name.data[i] == '.') gw__put_text(out, "..");
    else if (name.data[i] == '/') gw__put_text(out, ".S");
    else gw__put_bytes(out, name.data + i, 1);
  }
}

/* The path of slot variables: "v/.OPTIMIZER_SLOT/optimizer/m". */
static void put_slot_path(const gw_graph *graph, const gw_walk *walk, const gw_slot *slot, uint32_t optimizer, gw_buf *out) {
  put_reached_path(graph, walk, slot->variable, out);
  gw__put_text(out, "/.OPTIMIZER_SLOT/");
  put_reached_path(graph, walk, optimizer, out);
  gw__put_u8(out, '/');
  put_escaped(out, slot->name);
}

void gw__draft_put_path(const gw_draft *draft, const gw_walk *walk, uint32_t node, gw_buf *out) {
  const gw_graph *graph = draft->graph;
  if (walk->numbering.numbers[node] < walk->numbering.reached) {
    put_reached_path(graph, walk, node, out);
  } else if (walk->owners && walk->owners[node].optimizer != GW_NO_NODE) {
    const gw_slot_owner *owner = &walk->owners[node];
    put_slot_path(graph, walk, &graph->nodes[owner->optimizer].slots[owner->slot], owner->optimizer, out);
  }
}

/* ---- Settling: node by node in TensorFlow's order, the keys that it would give */

typedef struct gw_settling {
  gw_draft *draft;
  gw_graph *graph;
  const gw_walk *walk;
  uint32_t *change; /* by node: the last change on its path */
  uint32_t *lost;   /* by node that is not saved: the change that took it away, or what is above it; 0: not known */
  gw_span *names;   /* by item; data NULL: none */
  uint32_t *lines;  /* by item: that gave it its name; NO_NEW_LINE: it has it already */
  uint64_t *ranks;  /* by item */
  uint64_t rank;
  gw_buf path, key;
  gw_error *error;
} gw_settling;

#define NO_NEW_LINE UINT32_MAX

static uint32_t later(uint32_t a, uint32_t b) { return a > b ? a : b; }

static uint32_t line_of(const gw_graph *graph, uint32_t change) {
  if (change == 0) change = (uint32_t)graph->change_count;
  return change == 0 ? GW_NO_LINE : graph->changes[change - 1];
}

static gw_status name_item(gw_settling *settling, const gw_value *value, gw_span key, uint32_t change) {
  gw_draft *draft = settling->draft;
  const gw_item *item = &draft->items[value->item];
  gw_span name = key;
  if (settling->names[value->item].data) return gw__fail(settling->error, GW_INVALID, "object graph: one tensor is in two places");
  if (value->suffix.size > 0) {
    gw__buf_clear(&settling->key);
    gw__put_bytes(&settling->key, key.data, key.size);
    gw__put_bytes(&settling->key, value->suffix.data, value->suffix.size);
    gw_status status = gw__buf_status(&settling->key, settling->error);
    if (status != GW_OK) return status;
    name = (gw_span){(const char *)settling->key.data, settling->key.size};
  }
  if (name.size > UINT32_MAX / 4) return gw__fail(settling->error, GW_LIMIT, "a name of %zu bytes", name.size);
  settling->ranks[value->item] = ++settling->rank;
  if (item->name && item->name_size == name.size && memcmp(item->name, name.data, name.size) == 0) {
    settling->names[value->item] = (gw_span){item->name, name.size};
    return GW_OK;
  }
  if (value->suffix.size > 0 && !(name.data = gw__arena_text(&draft->arena, name.data, name.size, settling->error))) return GW_NO_MEMORY;
  settling->names[value->item] = name;
  if (item->base || item->line == GW_NO_LINE) settling->lines[value->item] = line_of(settling->graph, change);
  return GW_OK;
}

/* Python state is fed, not computed: its strings come behind all tensors (tensorflow/python/checkpoint/checkpoint.py). */
static bool is_python_state(const gw_attribute *attribute) {
  return is(attribute->name, "py_state") || is(attribute->name, "OBJECT_CONFIG_JSON");
}

static gw_status name_attributes(gw_settling *settling, uint32_t number, uint32_t change, bool python_state) {
  gw_node *node = &settling->graph->nodes[number];
  for (size_t i = 0; i < node->attribute_count; i++) {
    gw_attribute *attribute = &node->attributes[i];
    if (is_python_state(attribute) != python_state) continue;
    gw__buf_clear(&settling->key);
    gw__put_bytes(&settling->key, settling->path.data, settling->path.size);
    gw__put_text(&settling->key, ATTRIBUTES);
    put_escaped(&settling->key, attribute->name);
    gw_status status = gw__buf_status(&settling->path, settling->error);
    if (status == GW_OK) status = gw__buf_status(&settling->key, settling->error);
    if (status != GW_OK) return status;
    if (settling->key.size != attribute->key.size || memcmp(settling->key.data, attribute->key.data, settling->key.size) != 0) {
      gw_span key = {(const char *)settling->key.data, settling->key.size};
      status = gw__graph_text(settling->graph, key, &attribute->key, settling->error);
    }
    for (size_t j = 0; j < attribute->value_count && status == GW_OK; j++)
      status = name_item(settling, &attribute->values[j], attribute->key, change);
    if (status != GW_OK) return status;
  }
  return GW_OK;
}

/* Names what the edges lead to, then the slot variables: the path of each is in settling->path. */
static gw_status name_all(gw_settling *settling, bool python_state) {
  const gw_graph *graph = settling->graph;
  const gw_numbering *numbering = &settling->walk->numbering;
  gw_status status = GW_OK;
  for (size_t i = 0; i < numbering->reached && status == GW_OK; i++) {
    uint32_t node = numbering->order[i];
    if (graph->nodes[node].attribute_count == 0) continue;
    gw__buf_clear(&settling->path);
    put_reached_path(graph, settling->walk, node, &settling->path);
    status = name_attributes(settling, node, settling->change[node], python_state);
  }
  for (size_t i = 0; i < numbering->reached && status == GW_OK; i++) {
    uint32_t optimizer = numbering->order[i];
    const gw_node *owner = &graph->nodes[optimizer];
    for (size_t j = 0; j < owner->slot_count && status == GW_OK; j++) {
      const gw_slot *slot = &owner->slots[j];
      uint32_t number = numbering->numbers[slot->slot];
      /* Reached by an edge, or not saved: no slot path. */
      if (number < numbering->reached || numbering->numbers[slot->variable] >= numbering->reached) continue;
      if (graph->nodes[slot->slot].attribute_count == 0) continue;
      gw__buf_clear(&settling->path);
      put_slot_path(graph, settling->walk, slot, optimizer, &settling->path);
      uint32_t change = later(slot->change, later(settling->change[optimizer], settling->change[slot->variable]));
      status = name_attributes(settling, slot->slot, change, python_state);
    }
  }
  return status;
}

static void find_changes(gw_settling *settling) {
  const gw_walk *walk = settling->walk;
  for (size_t i = 1; i < walk->numbering.reached; i++) {
    uint32_t node = walk->numbering.order[i], parent = walk->parents[node];
    settling->change[node] = later(settling->change[parent], settling->graph->nodes[parent].edges[walk->edges[node]].change);
  }
}

/* Entries that belong to no object (those of registered savers) come first, as they did. */
static int by_old_place(const void *a, const void *b, void *draft_pointer) {
  const gw_draft *draft = draft_pointer;
  const gw_item *left = &draft->items[*(const uint32_t *)a], *right = &draft->items[*(const uint32_t *)b];
  uint64_t left_at = left->base ? gw__bundle_at(draft->bundle, left->base - 1)->offset : 0;
  uint64_t right_at = right->base ? gw__bundle_at(draft->bundle, right->base - 1)->offset : 0;
  if (left_at != right_at) return left_at < right_at ? -1 : 1;
  return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : *(const uint32_t *)a > *(const uint32_t *)b;
}

/* Marks what some node's attribute holds; ranks the rest. */
static gw_status rank_others(gw_settling *settling) {
  gw_draft *draft = settling->draft;
  const gw_graph *graph = settling->graph;
  uint8_t *owned = gw__alloc_array(draft->item_count, 1, settling->error);
  uint32_t *others = owned ? gw__alloc_array(draft->item_count, sizeof *others, settling->error) : NULL;
  size_t count = 0;
  if (!others) {
    gw__free(owned);
    return GW_NO_MEMORY;
  }
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++)
      for (size_t k = 0; k < graph->nodes[i].attributes[j].value_count; k++) owned[graph->nodes[i].attributes[j].values[k].item] = 1;
  for (size_t i = 0; i < draft->item_count; i++) {
    const gw_item *item = &draft->items[i];
    if (owned[i] || !item->name) continue;
    settling->names[i] = (gw_span){item->name, item->name_size};
    if (gw__draft_hidden(draft, item)) settling->ranks[i] = UINT64_MAX;
    else others[count++] = (uint32_t)i;
  }
  qsort_r(others, count, sizeof *others, by_old_place, draft);
  for (size_t i = 0; i < count; i++) settling->ranks[others[i]] = ++settling->rank;
  gw__free(others);
  gw__free(owned);
  return GW_OK;
}

/* The line that a tensor went by is that which took away the edge above it. */
static gw_status find_lost(gw_settling *settling) {
  const gw_graph *graph = settling->graph;
  const gw_numbering *numbering = &settling->walk->numbering;
  uint32_t *lost = settling->lost, *queue = gw__alloc_array(graph->node_count, sizeof *queue, settling->error);
  size_t count = 0;
  if (!queue) return GW_NO_MEMORY;
  for (size_t i = 0; i < graph->node_count; i++) {
    if (numbering->numbers[i] < numbering->saved || graph->nodes[i].lost == 0) continue;
    lost[i] = graph->nodes[i].lost;
    queue[count++] = (uint32_t)i;
  }
  for (size_t i = 0; i < count; i++) {
    const gw_node *node = &graph->nodes[queue[i]];
    for (size_t j = 0; j < node->edge_count; j++) {
      uint32_t child = node->edges[j].child;
      if (lost[child] || numbering->numbers[child] < numbering->saved) continue;
      lost[child] = lost[queue[i]];
      queue[count++] = child;
    }
  }
  gw__free(queue);
  return GW_OK;
}

/* Items of nodes that the root no longer reaches lose their names, but stay: the recipe may bring them back. */
static void note_lines(gw_settling *settling) {
  gw_draft *draft = settling->draft;
  const gw_graph *graph = settling->graph;
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++)
      for (size_t k = 0; k < graph->nodes[i].attributes[j].value_count; k++) {
        const gw_item *item = &draft->items[graph->nodes[i].attributes[j].values[k].item];
        if (!item->name) gw__draft_note_removed(draft, item, line_of(graph, settling->lost[i]));
      }
  for (size_t i = 0; i < draft->item_count; i++) {
    gw_item *item = &draft->items[i];
    uint32_t base = item->base ? item->base : item->replaced;
    if (settling->lines[i] != NO_NEW_LINE) item->line = settling->lines[i];
    if (item->name && base && draft->removed_line) draft->removed_line[base - 1] = 0;
  }
}

/* All keys together, before any is made. */
static gw_status check_size(const gw_settling *settling) {
  const gw_numbering *numbering = &settling->walk->numbering;
  size_t total = 0;
  for (size_t i = 0; i < numbering->saved && total <= GW_MOST_PATH_BYTES; i++) {
    uint32_t node = numbering->order[i];
    size_t size = settling->walk->sizes[node];
    if (i >= numbering->reached) { /* a slot variable */
      const gw_slot_owner *owner = &settling->walk->owners[node];
      size = settling->walk->sizes[owner->optimizer] + settling->walk->sizes[settling->graph->nodes[owner->optimizer].slots[owner->slot].variable];
    }
    total += size * settling->graph->nodes[node].attribute_count;
  }
  if (total <= GW_MOST_PATH_BYTES) return GW_OK;
  return gw__fail(settling->error, GW_LIMIT, "the keys of this object graph would take more than %d bytes", GW_MOST_PATH_BYTES);
}

/* Everything is made ready, then put in place together: what fails leaves all names as they were. */
static gw_status settle(gw_settling *settling) {
  gw_draft *draft = settling->draft;
  gw_graph *graph = settling->graph;
  settling->change = gw__alloc_array(graph->node_count, sizeof *settling->change, settling->error);
  settling->lost = gw__alloc_array(graph->node_count, sizeof *settling->lost, settling->error);
  settling->names = gw__alloc_array(draft->item_count, sizeof *settling->names, settling->error);
  settling->lines = gw__alloc_array(draft->item_count, sizeof *settling->lines, settling->error);
  settling->ranks = gw__alloc_array(draft->item_count, sizeof *settling->ranks, settling->error);
  if (!settling->change || !settling->lost || !settling->names || !settling->lines || !settling->ranks) return GW_NO_MEMORY;
  memset(settling->lines, 0xff, draft->item_count * sizeof *settling->lines);
  find_changes(settling);
  gw_status status = check_size(settling);
  if (status == GW_OK) status = rank_others(settling);
  if (status == GW_OK) status = name_all(settling, false);
  if (status == GW_OK) status = name_all(settling, true);
  if (status == GW_OK) status = find_lost(settling);
  if (status == GW_OK) status = gw__draft_ready_to_remove(draft, settling->error);
  if (status == GW_OK) status = gw__draft_put_names(draft, settling->names, settling->error);
  if (status != GW_OK) return status;
  note_lines(settling);
  gw__free(draft->ranks);
  draft->ranks = settling->ranks;
  settling->ranks = NULL;
  return GW_OK;
}

/* Which optimizer it is, and the last line that changed something: the edit itself was in order. */
static gw_status blame(gw_draft *draft, uint32_t optimizer, gw_status status, gw_error *error) {
  const gw_walk *walk;
  gw_buf path = GW_BUF_INIT;
  draft->walk.valid = false;
  if (optimizer != GW_NO_NODE && gw__draft_walk(draft, &walk, NULL) == GW_OK) {
    gw__draft_put_path(draft, walk, optimizer, &path);
    if (!path.failed) gw__error_key(error, (const char *)path.data, path.size);
  }
  const char *line = gw__draft_line(draft, line_of(draft->graph, 0));
  if (line) gw__error_line(error, line);
  gw__buf_free(&path);
  return status;
}

gw_status gw_draft_settle(gw_draft *draft, gw_error *error) {
  if (!draft->graph || draft->settled == draft->graph->version) return GW_OK;
  gw_settling settling = {.draft = draft, .graph = draft->graph, .path = GW_BUF_INIT, .key = GW_BUF_INIT, .error = error};
  for (size_t i = 0; i < draft->copied_count; i++) gw__graph_copied_positions(&draft->copied[i], draft->graph);
  draft->walk.valid = false;
  gw__graph_sort_root(draft->graph);
  uint32_t optimizer;
  gw_status status = gw__positions_settle(draft->graph, &optimizer, error); /* variables are in the order of the sorted root */
  if (status != GW_OK) return blame(draft, optimizer, status, error);
  status = gw__graph_sort_slots(draft->graph, error);
  if (status == GW_OK) status = gw__draft_walk(draft, &settling.walk, error);
  if (status == GW_OK) status = settle(&settling);
  gw__free(settling.change);
  gw__free(settling.lost);
  gw__free(settling.names);
  gw__free(settling.lines);
  gw__free(settling.ranks);
  gw__buf_free(&settling.path);
  gw__buf_free(&settling.key);
  if (status == GW_OK) draft->settled = draft->graph->version;
  return status;
}

gw_status gw__draft_graph(gw_draft *draft, gw_graph **graph, gw_error *error) {
  gw_status status = gw_draft_settle(draft, error);
  return status == GW_OK ? gw__draft_objects(draft, graph, error) : status;
}

/* ---- The graph's own entry */

static gw_status same_as_stored(gw_draft *draft, const gw_buf *bytes, const gw_item *item, bool *same, gw_error *error) {
  gw_span *strings;
  char *memory;
  gw_tensor *tensor;
  *same = false;
  uint32_t base = item->base ? item->base : item->replaced;
  if (!base) return GW_OK;
  gw_status status = gw_bundle_tensor(draft->bundle, base - 1, &tensor, error);
  if (status != GW_OK) return status;
  status = gw_tensor_read_strings(tensor, &strings, &memory, error);
  if (status == GW_OK) *same = strings[0].size == bytes->size && memcmp(strings[0].data, bytes->data, bytes->size) == 0;
  if (status == GW_OK) gw__free(strings);
  if (status == GW_OK) gw__free(memory);
  gw_tensor_release(tensor);
  return status;
}

static gw_status put_graph(gw_draft *draft, const gw_buf *bytes, gw_error *error) {
  gw_item *item = gw__draft_find(draft, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY));
  gw_tensor *tensor;
  bool same;
  gw_status status = same_as_stored(draft, bytes, item, &same, error);
  if (status != GW_OK) return status;
  if (same) { /* edited there and back */
    gw_tensor_release(item->tensor);
    item->tensor = NULL;
    if (!item->base) item->base = item->replaced;
    item->replaced = 0;
    return GW_OK;
  }
  gw_span text = {(const char *)bytes->data, bytes->size};
  status = gw_tensor_strings(0, NULL, &text, 1, &tensor, error);
  if (status != GW_OK) return status;
  gw__draft_replace(draft, item, tensor, line_of(draft->graph, 0));
  gw_tensor_release(tensor);
  return GW_OK;
}

gw_status gw__draft_finish(gw_draft *draft, gw_error *error) {
  gw_status status = gw_draft_settle(draft, error);
  if (status != GW_OK || !draft->graph || draft->graph->change_count == 0) return status;
  const gw_walk *walk;
  gw_buf bytes = GW_BUF_INIT;
  status = gw__draft_walk(draft, &walk, error);
  if (status == GW_OK) status = gw__graph_encode(draft->graph, &walk->numbering, walk->numbering.saved, &bytes, error);
  if (status == GW_OK) status = put_graph(draft, &bytes, error);
  gw__buf_free(&bytes);
  return status;
}

/* ---- Making */

gw_status gw_draft_new_objects(gw_draft **out, gw_error *error) {
  gw_tensor *nothing = NULL;
  gw_span empty = {"", 0};
  gw_status status = gw_draft_new(out, error);
  if (status != GW_OK) return status;
  (*out)->objects = true;
  uint32_t change;
  status = gw_tensor_strings(0, NULL, &empty, 1, &nothing, error); /* until the plan is made */
  uint32_t at;
  if (status == GW_OK) status = gw__draft_add_nameless(*out, nothing, GW_NO_LINE, &at, error);
  gw_tensor_release(nothing);
  gw_span key = span_of(GW_GRAPH_KEY);
  if (status == GW_OK) status = gw__draft_put_names(*out, &key, error);
  if (status == GW_OK) status = gw__graph_new(&(*out)->graph, error);
  if (status == GW_OK) status = gw__graph_change((*out)->graph, GW_NO_LINE, &change, error);
  if (status != GW_OK) {
    gw_draft_release(*out);
    *out = NULL;
  }
  return status;
}

/* ---- Nodes */

/* What every edit begins with: the graph, and the line's number. */
static gw_status begin(gw_draft *draft, const char *line, gw_graph **graph, uint32_t *number, gw_error *error) {
  gw_status status = gw__draft_objects(draft, graph, error);
  if (status == GW_OK) status = gw__draft_line_number(draft, line, number, error);
  if (status == GW_OK) draft->edits++;
  return status;
}

gw_status gw_draft_graph(gw_draft *draft, const gw_graph **graph, gw_error *error) {
  gw_graph *found;
  gw_status status = gw__draft_objects(draft, &found, error);
  *graph = status == GW_OK ? found : NULL;
  return status;
}

gw_status gw_draft_set_root(gw_draft *draft, uint32_t node, bool sorted, const char *line, gw_error *error) {
  gw_graph *graph;
  uint32_t number, change;
  gw_status status = begin(draft, line, &graph, &number, error);
  if (status == GW_OK) status = gw__graph_change(graph, number, &change, error);
  if (status != GW_OK) return status;
  if (graph->root != node) graph->nodes[graph->root].lost = change;
  graph->root = node;
  graph->sorted = sorted;
  return GW_OK;
}

gw_status gw_draft_new_node(gw_draft *draft, uint32_t *node, gw_error *error) {
  gw_graph *graph;
  gw_status status = gw__draft_objects(draft, &graph, error);
  if (status == GW_OK) status = gw__graph_add_node(graph, node, error);
  if (status == GW_OK) draft->walk.valid = false; /* its arrays are by node */
  return status;
}

static gw_status check_full_name(const char *name, size_t length, gw_error *error) {
  if (length <= UINT32_MAX / 4 && gw__utf8_valid((const uint8_t *)name, length) == length) return GW_OK;
  gw__fail(error, GW_INVALID, "the full name of a variable is UTF-8 text");
  return gw__error_key(error, name, length), GW_INVALID;
}

gw_status gw_draft_new_variable(gw_draft *draft, gw_tensor *tensor, const char *full_name, size_t length, const char *line,
                                uint32_t *node, gw_error *error) {
  gw_graph *graph;
  uint32_t number, item;
  gw_status status = check_full_name(full_name, length, error);
  if (status == GW_OK) status = begin(draft, line, &graph, &number, error);
  if (status == GW_OK) status = gw_draft_new_node(draft, node, error);
  if (status == GW_OK) status = gw__draft_add_nameless(draft, tensor, number, &item, error);
  if (status == GW_OK) status = gw__graph_add_attribute(graph, *node, span_of(VARIABLE_VALUE), (gw_span){full_name, length}, item, error);
  return status;
}

size_t gw_draft_find_child(gw_draft *draft, uint32_t node, const char *name, size_t length) {
  return draft->graph ? gw__graph_find(draft->graph, node, (gw_span){name, length}) : GW_NO_EDGE;
}

/* TensorFlow keeps names as protobuf strings. */
static gw_status check_child_name(const char *name, size_t length, gw_error *error) {
  if (length == 0) return gw__fail(error, GW_INVALID, "an object's name cannot be empty");
  if (length <= UINT32_MAX / 4 && !memchr(name, 0, length) && gw__utf8_valid((const uint8_t *)name, length) == length) return GW_OK;
  gw__fail(error, GW_INVALID, "the name of an object is UTF-8 text");
  return gw__error_key(error, name, length), GW_INVALID;
}

gw_status gw_draft_link(gw_draft *draft, uint32_t node, const char *name, size_t length, uint32_t child, const char *line, gw_error *error) {
  gw_graph *graph;
  uint32_t number;
  gw_status status = check_child_name(name, length, error);
  if (status == GW_OK) status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  status = gw__graph_link(graph, node, (gw_span){name, length}, child, number, error);
  if (status == GW_OK) gw__positions_touch(graph, node);
  return status;
}

gw_status gw_draft_unlink(gw_draft *draft, uint32_t node, size_t edge, const char *line, gw_error *error) {
  gw_graph *graph;
  uint32_t number;
  gw_status status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  status = gw__graph_unlink(graph, node, edge, number, error);
  if (status == GW_OK) gw__positions_touch(graph, node);
  return status;
}

gw_status gw_draft_rename_child(gw_draft *draft, uint32_t node, size_t edge, const char *name, size_t length, const char *line,
                                gw_error *error) {
  gw_graph *graph;
  uint32_t number;
  gw_status status = check_child_name(name, length, error);
  if (status == GW_OK) status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  status = gw__graph_rename_edge(graph, node, edge, (gw_span){name, length}, number, error);
  if (status == GW_OK) gw__positions_touch(graph, node);
  return status;
}

gw_status gw_draft_order_children(gw_draft *draft, uint32_t node, const size_t *order, const char *line, gw_error *error) {
  gw_graph *graph;
  uint32_t number;
  gw_status status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  status = gw__graph_order_edges(graph, node, order, number, error);
  if (status != GW_OK) return status;
  gw__positions_touch(graph, node);
  if (node == graph->root) graph->sorted = false; /* the order is the caller's from now on */
  return GW_OK;
}

gw_status gw_draft_reorder(gw_draft *draft, uint32_t node, const size_t *order, const char *line, gw_error *error) {
  gw_graph *graph;
  uint32_t number;
  gw_status status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  size_t count = graph->nodes[node].edge_count;
  uint32_t change, *children = gw__alloc_array(count, sizeof *children, error);
  if (!children) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) children[i] = graph->nodes[node].edges[order[i]].child;
  status = gw__graph_change(graph, number, &change, error);
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    gw_edge *edge = &graph->nodes[node].edges[i];
    if (edge->child == children[i]) continue;
    edge->child = children[i];
    edge->change = change;
  }
  if (status == GW_OK) gw__positions_touch(graph, node);
  gw__free(children);
  return status;
}

/* ---- Variables */

static gw_attribute *variable_of(gw_graph *graph, uint32_t node) {
  for (size_t i = 0; i < graph->nodes[node].attribute_count; i++)
    if (is(graph->nodes[node].attributes[i].name, VARIABLE_VALUE)) return &graph->nodes[node].attributes[i];
  return NULL;
}

bool gw_draft_is_variable(gw_draft *draft, uint32_t node) { return draft->graph && variable_of(draft->graph, node) != NULL; }

/* The variable's item, or why there is none. */
static gw_status find_item(gw_draft *draft, uint32_t node, gw_item **item, gw_error *error) {
  gw_attribute *attribute = variable_of(draft->graph, node);
  if (!attribute) return gw__fail(error, GW_INVALID, "this object is no variable: it has no tensor of its own");
  if (attribute->value_count != 1) {
    gw__fail(error, GW_NOT_FOUND, "the object graph names a variable that the checkpoint has no tensor for");
    return gw__error_key(error, attribute->key.data, attribute->key.size), GW_NOT_FOUND;
  }
  *item = &draft->items[attribute->values[0].item];
  return GW_OK;
}

gw_status gw_draft_node_tensor(gw_draft *draft, uint32_t node, gw_tensor **out, gw_error *error) {
  gw_item *item;
  gw_status status = find_item(draft, node, &item, error);
  if (status == GW_OK) status = gw__draft_tensor(draft, item, out, error);
  if (status == GW_OK) gw_tensor_retain(*out);
  else *out = NULL;
  return status;
}

gw_status gw_draft_set_node_tensor(gw_draft *draft, uint32_t node, gw_tensor *tensor, const char *line, gw_error *error) {
  gw_graph *graph;
  gw_item *item;
  uint32_t number;
  gw_status status = begin(draft, line, &graph, &number, error);
  if (status == GW_OK) status = find_item(draft, node, &item, error);
  if (status == GW_OK) gw__draft_replace(draft, item, tensor, number);
  return status;
}

gw_status gw_draft_set_full_name(gw_draft *draft, uint32_t node, const char *name, size_t length, const char *line, gw_error *error) {
  gw_graph *graph;
  uint32_t number, change;
  gw_span copy;
  gw_status status = check_full_name(name, length, error);
  if (status == GW_OK) status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  gw_attribute *attribute = variable_of(graph, node);
  if (!attribute) return gw__fail(error, GW_INVALID, "this object is no variable: it has no full name");
  status = gw__graph_text(graph, (gw_span){name, length}, &copy, error);
  if (status == GW_OK) status = gw__graph_change(graph, number, &change, error);
  if (status == GW_OK) attribute->full_name = copy;
  return status;
}

/* ---- Slots */

gw_status gw_draft_slots(gw_draft *draft, uint32_t optimizer, gw_slot_entry **out, size_t *count, gw_error *error) {
  gw_graph *graph;
  *out = NULL;
  *count = 0;
  /* Settled, so that lists by position have followed their variables. */
  gw_status status = gw__draft_graph(draft, &graph, error);
  if (status != GW_OK) return status;
  const gw_node *node = &graph->nodes[optimizer];
  size_t most = node->slot_count;
  for (size_t i = 0; node->positions && i < node->edge_count; i++)
    if (gw__positions_is_list(graph, optimizer, i)) most += graph->nodes[node->edges[i].child].edge_count;
  gw_slot_entry *slots = gw__alloc_array(most, sizeof *slots, error);
  if (!slots) return GW_NO_MEMORY;
  for (size_t i = 0; i < node->slot_count; i++)
    slots[(*count)++] = (gw_slot_entry){node->slots[i].name, node->slots[i].variable, node->slots[i].slot};
  for (size_t i = 0; node->positions && node->positions->variables && i < node->edge_count; i++) {
    if (!gw__positions_is_list(graph, optimizer, i)) continue;
    const gw_node *list = &graph->nodes[node->edges[i].child];
    gw_span name = gw__positions_slot_name(graph, optimizer, i);
    for (size_t j = 0; j < list->edge_count; j++)
      if (node->positions->variables[node->positions->now[j]] != GW_NO_NODE)
        slots[(*count)++] = (gw_slot_entry){name, node->positions->variables[node->positions->now[j]], list->edges[j].child};
  }
  *out = slots;
  return GW_OK;
}

bool gw_draft_is_positional(gw_draft *draft, uint32_t optimizer) {
  return draft->graph && draft->graph->nodes[optimizer].positions != NULL;
}

gw_status gw_draft_set_slot(gw_draft *draft, uint32_t optimizer, uint32_t variable, const char *name, size_t length, gw_tensor *tensor,
                            const char *line, gw_error *error) {
  gw_slot_entry *slots;
  size_t count;
  uint32_t number, node;
  gw_graph *graph;
  gw_span slot_name = {name, length};
  gw_status status = check_child_name(name, length, error);
  if (status == GW_OK) status = gw_draft_slots(draft, optimizer, &slots, &count, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < count; i++) {
    if (slots[i].variable != variable || slots[i].name.size != length || memcmp(slots[i].name.data, name, length) != 0) continue;
    status = gw_draft_set_node_tensor(draft, slots[i].slot, tensor, line, error);
    gw__free(slots);
    return status;
  }
  gw__free(slots);
  if (gw_draft_is_positional(draft, optimizer)) {
    gw__fail(error, GW_INVALID, "a Keras optimizer of this kind keeps its slots in lists by position, and has none called \"%.*s\" for this variable",
             (int)(length < 80 ? length : 80), name);
    gw__error_hint(error, "gw.graph.slots(optimizer) lists those it has");
    return GW_INVALID;
  }
  status = begin(draft, line, &graph, &number, error);
  if (status != GW_OK) return status;
  gw_attribute *attribute = variable_of(graph, variable);
  if (!attribute) return gw__fail(error, GW_INVALID, "a slot belongs to a variable, and this object is none");
  gw_buf full_name = GW_BUF_INIT;
  gw__put_bytes(&full_name, attribute->full_name.data, attribute->full_name.size);
  gw__put_u8(&full_name, '/');
  gw__put_bytes(&full_name, name, length);
  status = gw__buf_status(&full_name, error);
  if (status == GW_OK) status = gw_draft_new_variable(draft, tensor, (const char *)full_name.data, full_name.size, line, &node, error);
  if (status == GW_OK) status = gw__graph_add_slot(graph, optimizer, slot_name, variable, node, number, error);
  gw__buf_free(&full_name);
  return status;
}

/* ---- Copying */

typedef struct gw_copy_context {
  gw_draft *from, *to;
  uint32_t line;
} gw_copy_context;

static gw_status copy_value(void *context, uint32_t item, uint32_t *copy, gw_error *error) {
  gw_copy_context *copying = context;
  gw_tensor *tensor;
  gw_status status = gw__draft_tensor(copying->from, &copying->from->items[item], &tensor, error);
  return status == GW_OK ? gw__draft_add_nameless(copying->to, tensor, copying->line, copy, error) : status;
}

gw_status gw_draft_copy_node(gw_draft *draft, gw_draft *from, uint32_t node, const char *line, uint32_t *out, gw_error *error) {
  gw_graph *graph, *source;
  uint32_t number;
  gw_copied *copied = NULL;
  *out = node;
  if (draft == from) return GW_OK;
  gw_status status = begin(draft, line, &graph, &number, error);
  if (status == GW_OK) status = gw_draft_settle(from, error); /* its lists by position have followed */
  if (status == GW_OK) status = gw__draft_objects(from, &source, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < draft->copied_count; i++)
    if (draft->copied[i].from == source) copied = &draft->copied[i];
  if (!copied) {
    status = gw__reserve((void **)&draft->copied, &draft->copied_capacity, draft->copied_count + 1, sizeof *draft->copied, error);
    if (status != GW_OK) return status;
    copied = &draft->copied[draft->copied_count++];
    *copied = (gw_copied){.from = source};
    source->references++;
  }
  gw_copy_context context = {from, draft, number};
  draft->walk.valid = false;
  return gw__graph_copy(copied, graph, node, number, copy_value, &context, out, error);
}

/* ---- Paths and names */

gw_status gw_draft_node_path(gw_draft *draft, uint32_t node, char **out, gw_error *error) {
  const gw_walk *walk;
  gw_buf path = GW_BUF_INIT;
  *out = NULL;
  gw_status status = gw__draft_walk(draft, &walk, error);
  if (status != GW_OK) return status;
  if (walk->numbering.numbers[node] >= walk->numbering.saved) return gw__fail(error, GW_NOT_FOUND, "nothing leads to this object from the root any more: it has no path");
  gw__draft_put_path(draft, walk, node, &path);
  gw__put_u8(&path, 0);
  status = gw__buf_status(&path, error);
  if (status == GW_OK) *out = (char *)path.data;
  else gw__buf_free(&path);
  return status;
}

static void forget_names(gw_full_names *names) {
  gw_draft_release(names->reader);
  gw__free(names->node_of);
  *names = (gw_full_names){0};
}

void gw__draft_forget_names(gw_draft *draft) {
  for (size_t i = 0; i < GW_NAMED_INPUTS; i++) forget_names(&draft->names[i]);
}

/* The graph of the checkpoint that a tensor is read from, and by its entries which variables they are. */
static gw_status learn_names(gw_draft *draft, gw_bundle *bundle, const gw_full_names **out, gw_error *error) {
  gw_graph *graph;
  for (size_t i = 0; i < GW_NAMED_INPUTS; i++) {
    *out = &draft->names[i];
    if (draft->names[i].reader && draft->names[i].reader->bundle == bundle) return GW_OK;
  }
  gw_full_names *names = &draft->names[draft->next_names++ % GW_NAMED_INPUTS];
  *out = names;
  forget_names(names);
  gw_status status = gw_draft_from_bundle(bundle, &names->reader, error);
  if (status == GW_OK) status = gw__draft_objects(names->reader, &graph, error);
  if (status == GW_OK && !(names->node_of = gw__alloc_array(gw_bundle_count(bundle), sizeof *names->node_of, error))) status = GW_NO_MEMORY;
  for (uint32_t i = 0; status == GW_OK && i < graph->node_count; i++) {
    const gw_attribute *attribute = variable_of(graph, i);
    if (attribute && attribute->value_count == 1) names->node_of[names->reader->items[attribute->values[0].item].base - 1] = i + 1;
  }
  if (status != GW_OK) forget_names(names);
  return status;
}

/* The full name of the variable whose entry this leaf reads; nothing when there is none. */
static gw_status full_name_of_leaf(gw_draft *draft, gw_bundle *bundle, size_t index, gw_buf *out, gw_error *error) {
  const gw_full_names *names;
  gw_status status = learn_names(draft, bundle, &names, error);
  if (status != GW_OK || names->node_of[index] == 0) return status;
  gw_span name = variable_of(names->reader->graph, names->node_of[index] - 1)->full_name;
  gw__put_bytes(out, name.data, name.size);
  return GW_OK;
}

gw_status gw_draft_full_name_for(gw_draft *draft, const gw_tensor *tensor, char **out, gw_error *error) {
  const gw_tensor *leaf, *second;
  gw_bundle *bundle;
  gw_buf name = GW_BUF_INIT;
  size_t cursor = 0, index;
  gw_status status = GW_OK;
  *out = NULL;
  if (gw__expr_leaves(tensor, &cursor, &leaf) && !gw__expr_leaves(tensor, &cursor, &second) && gw__bundle_of_leaf(leaf, &bundle, &index)) {
    const gw_entry *entry = gw__bundle_at(bundle, index);
    if (gw_bundle_has_graph(bundle)) status = full_name_of_leaf(draft, bundle, index, &name, error);
    else gw__put_bytes(&name, entry->key, entry->key_size);
  }
  if (gw__utf8_valid(name.data, name.size) < name.size) gw__buf_clear(&name); /* keys are free bytes, full names are not */
  if (status == GW_OK && name.size == 0) gw__put_text(&name, "Variable"); /* as tf.Variable without a name */
  gw__put_u8(&name, 0);
  if (status == GW_OK) status = gw__buf_status(&name, error);
  if (status == GW_OK) *out = (char *)name.data;
  else gw__buf_free(&name);
  return status;
}

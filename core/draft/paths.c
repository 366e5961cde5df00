/* Bulk rules on an object-based draft. Selections look at the paths of variables, all of them; `rename` looks at edges. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/utf8.h"
#include "edit.h"

#define VARIABLE_SUFFIX "/.ATTRIBUTES/VARIABLE_VALUE"

enum { MOST_PATHS = 1000, MOST_STEPS = 100000 };   /* that are looked at for one variable */
enum { MOST_ALL_STEPS = 30 * 1000 * 1000 }; /* for all of them; writing a way counts as much */

static size_t without_suffix(const gw_item *item) {
  size_t size = strlen(VARIABLE_SUFFIX);
  bool ends = item->name_size >= size && memcmp(item->name + item->name_size - size, VARIABLE_SUFFIX, size) == 0;
  return ends ? item->name_size - size : item->name_size;
}

/* ---- The other ways to a variable: from it upwards, edge by edge, to the root */

typedef struct gw_incoming {
  size_t *starts; /* by node, into `edges`; one more at the end */
  struct gw_from {
    uint32_t parent;
    uint32_t edge;
  } *edges;
} gw_incoming;

static void free_incoming(gw_incoming *incoming) {
  gw__free(incoming->starts);
  gw__free(incoming->edges);
}

static gw_status find_incoming(const gw_graph *graph, const gw_walk *walk, gw_incoming *incoming, gw_error *error) {
  size_t total = 0, count = walk->numbering.reached;
  incoming->starts = gw__alloc_array(graph->node_count + 2, sizeof *incoming->starts, error);
  incoming->edges = NULL;
  if (!incoming->starts) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    const gw_node *node = &graph->nodes[walk->numbering.order[i]];
    total += node->edge_count;
    for (size_t j = 0; j < node->edge_count; j++) incoming->starts[node->edges[j].child + 2]++;
  }
  incoming->edges = gw__alloc_array(total, sizeof *incoming->edges, error);
  if (!incoming->edges) return GW_NO_MEMORY;
  for (size_t i = 0; i < graph->node_count; i++) incoming->starts[i + 2] += incoming->starts[i + 1];
  for (size_t i = 0; i < count; i++) {
    uint32_t parent = walk->numbering.order[i];
    const gw_node *node = &graph->nodes[parent];
    for (size_t j = 0; j < node->edge_count; j++)
      incoming->edges[incoming->starts[node->edges[j].child + 1]++] = (struct gw_from){parent, (uint32_t)j};
  }
  return GW_OK;
}

typedef struct gw_climbing {
  const gw_graph *graph;
  gw_incoming incoming;
  struct gw_climb {
    uint32_t node;
    size_t next; /* in incoming->edges */
  } *stack;
  size_t depth, capacity, steps;
  uint8_t *on_stack; /* by node */
  gw_buf path;
} gw_climbing;

static void put_name(gw_buf *out, gw_span name) {
  for (size_t i = 0; i < name.size; i++) {
    if (name.data[i] == '.') gw__put_text(out, "..");
    else if (name.data[i] == '/') gw__put_text(out, ".S");
    else gw__put_bytes(out, name.data + i, 1);
  }
}

/* The way that the stack holds: its last node is a child of the root by `edge`. */
static gw_status put_way(gw_climbing *climbing, const gw_edge *edge, gw_error *error) {
  gw__buf_clear(&climbing->path);
  put_name(&climbing->path, edge->name);
  for (size_t i = climbing->depth; i-- > 1;) {
    const struct gw_from *from = &climbing->incoming.edges[climbing->stack[i - 1].next - 1];
    gw__put_u8(&climbing->path, '/');
    put_name(&climbing->path, climbing->graph->nodes[from->parent].edges[from->edge].name);
  }
  return gw__buf_status(&climbing->path, error);
}

static gw_status push(gw_climbing *climbing, uint32_t node, gw_error *error) {
  gw_status status = gw__reserve((void **)&climbing->stack, &climbing->capacity, climbing->depth + 1, sizeof *climbing->stack, error);
  if (status != GW_OK) return status;
  climbing->stack[climbing->depth++] = (struct gw_climb){node, climbing->incoming.starts[node]};
  climbing->on_stack[node] = 1;
  return GW_OK;
}

/* Is the selection found in some way from the root to `node`? */
static gw_status climb(gw_climbing *climbing, uint32_t node, const gw_which *which, bool *found, gw_error *error) {
  size_t paths = 0, steps = 0;
  *found = false;
  gw_status status = push(climbing, node, error);
  while (status == GW_OK && climbing->depth > 0 && !*found) {
    struct gw_climb *top = &climbing->stack[climbing->depth - 1];
    if (top->next == climbing->incoming.starts[top->node + 1]) {
      climbing->on_stack[top->node] = 0;
      climbing->depth--;
      continue;
    }
    const struct gw_from *from = &climbing->incoming.edges[top->next++];
    if (++steps > MOST_STEPS || paths > MOST_PATHS) {
      status = gw__fail(error, GW_LIMIT, "more than %d ways lead to this variable: too many to look at", MOST_PATHS);
    } else if (++climbing->steps > MOST_ALL_STEPS) {
      status = gw__fail(error, GW_LIMIT, "too many ways lead to the variables of this object graph to look at all of them");
    } else if (from->parent == climbing->graph->root) {
      paths++;
      climbing->steps += climbing->depth;
      status = put_way(climbing, &climbing->graph->nodes[from->parent].edges[from->edge], error);
      if (status == GW_OK)
        status = gw__draft_matches(which, (const char *)climbing->path.data, climbing->path.size, found, error);
    } else if (!climbing->on_stack[from->parent]) {
      status = push(climbing, from->parent, error);
    }
  }
  while (climbing->depth > 0) climbing->on_stack[climbing->stack[--climbing->depth].node] = 0;
  return status;
}

static gw_status mark_by_paths(gw_draft *draft, const gw_walk *walk, const gw_which *which, uint8_t *marks, gw_error *error) {
  const gw_graph *graph = draft->graph;
  gw_climbing climbing = {.graph = graph, .path = GW_BUF_INIT};
  gw_status status = find_incoming(graph, walk, &climbing.incoming, error);
  if (status == GW_OK && !(climbing.on_stack = gw__alloc_array(graph->node_count, 1, error))) status = GW_NO_MEMORY;
  for (size_t i = 0; i < walk->numbering.reached && status == GW_OK; i++) {
    uint32_t number = walk->numbering.order[i];
    const gw_node *node = &graph->nodes[number];
    for (size_t j = 0; j < node->attribute_count && status == GW_OK; j++)
      for (size_t k = 0; k < node->attributes[j].value_count && status == GW_OK; k++) {
        uint32_t item = node->attributes[j].values[k].item;
        bool found = false;
        /* Its key has been looked at. */
        if (!marks[item]) status = climb(&climbing, number, which, &found, error);
        if (status != GW_OK) gw__error_key(error, draft->items[item].name, draft->items[item].name_size);
        marks[item] |= found;
      }
  }
  free_incoming(&climbing.incoming);
  gw__free(climbing.stack);
  gw__free(climbing.on_stack);
  gw__buf_free(&climbing.path);
  return status;
}

/* Does an edge lead to something that another one leads to? Else every path is a key. */
static bool has_shared(const gw_graph *graph, const gw_walk *walk) {
  size_t edges = 0;
  for (size_t i = 0; i < walk->numbering.reached; i++) edges += graph->nodes[walk->numbering.order[i]].edge_count;
  return edges >= walk->numbering.reached;
}

gw_status gw__paths_mark(gw_draft *draft, const gw_which *which, uint8_t *marks, gw_error *error) {
  const gw_walk *walk;
  for (size_t i = 0; i < draft->item_count; i++) {
    const gw_item *item = &draft->items[i];
    if (!item->name || gw__draft_hidden(draft, item)) continue;
    bool wanted = gw__draft_has_role(draft, item, which);
    if (!wanted) {
      gw_status status = gw__draft_matches(which, item->name, without_suffix(item), &wanted, error);
      if (status != GW_OK) return gw__error_key(error, item->name, item->name_size), status;
    }
    marks[i] = wanted;
  }
  if (which->regex_count == 0) return GW_OK;
  gw_status status = gw__draft_walk(draft, &walk, error);
  return status == GW_OK && has_shared(draft->graph, walk) ? mark_by_paths(draft, walk, which, marks, error) : status;
}

/* ---- Removing */

/* Marks nodes that hold a marked item; `marks` keeps items that belong to no node. */
static void mark_nodes(const gw_graph *graph, uint8_t *items, uint8_t *nodes) {
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++)
      for (size_t k = 0; k < graph->nodes[i].attributes[j].value_count; k++)
        nodes[i] |= items[graph->nodes[i].attributes[j].values[k].item];
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++)
      for (size_t k = 0; k < graph->nodes[i].attributes[j].value_count; k++) items[graph->nodes[i].attributes[j].values[k].item] = 0;
}

gw_status gw__paths_remove(gw_draft *draft, const uint8_t *marks, uint32_t line, gw_error *error) {
  gw_graph *graph;
  uint32_t change;
  gw_status status = gw__draft_objects(draft, &graph, error);
  if (status != GW_OK) return status;
  size_t count = graph->node_count;
  gw_presence *before = gw__alloc_array(count, sizeof *before, error);
  gw_presence *after = before ? gw__alloc_array(count, sizeof *after, error) : NULL;
  uint8_t *nodes = after ? gw__alloc_array(count, 1, error) : NULL;
  uint8_t *items = nodes ? gw__alloc_array(draft->item_count, 1, error) : NULL;
  status = items ? gw__graph_find_values(graph, NULL, before, error) : GW_NO_MEMORY;
  if (status == GW_OK) {
    if (draft->item_count) memcpy(items, marks, draft->item_count);
    mark_nodes(graph, items, nodes);
    status = gw__graph_find_values(graph, nodes, after, error);
  }
  if (status == GW_OK && nodes[graph->root]) status = gw__fail(error, GW_INVALID, "the root is a variable itself, and a checkpoint cannot be without a root");
  if (status == GW_OK) status = gw__draft_ready_to_remove(draft, error);
  if (status == GW_OK) status = gw__graph_change(graph, line, &change, error);
  if (status == GW_OK) { /* nothing can fail from here on */
    gw__positions_touch_removed(graph, nodes);
    /* Branches that only now have nothing left go too, but not the root; those that never had anything stay. */
    for (size_t i = 0; i < count; i++) nodes[i] |= i != graph->root && before[i] == GW_TRUE && after[i] == GW_FALSE;
    gw__graph_remove_nodes(graph, nodes, change);
    draft->edits++;
  }
  for (size_t i = 0; i < draft->item_count && status == GW_OK; i++)
    if (items[i]) status = gw__draft_forget(draft, &draft->items[i], line, error);
  gw__free(before);
  gw__free(after);
  gw__free(nodes);
  gw__free(items);
  return status;
}

/* ---- Renaming: new names of edges are collected for all nodes, then put in place together */

typedef struct gw_edge_names {
  gw_draft *draft;
  gw_graph *graph;
  const gw_walk *walk;
  gw_span **names; /* by node: new names by edge (data NULL: as it was), made when one changes */
  bool any;
  gw_arena arena;
  gw_buf path, above;
  gw_error *error;
} gw_edge_names;

static gw_status start(gw_edge_names *renaming, gw_draft *draft, gw_error *error) {
  *renaming = (gw_edge_names){.draft = draft, .arena = GW_ARENA_INIT, .path = GW_BUF_INIT, .above = GW_BUF_INIT, .error = error};
  gw_status status = gw__draft_objects(draft, &renaming->graph, error);
  if (status == GW_OK) status = gw__draft_walk(draft, &renaming->walk, error);
  if (status == GW_OK && !(renaming->names = gw__alloc_array(renaming->graph->node_count, sizeof *renaming->names, error)))
    status = GW_NO_MEMORY;
  return status;
}

/* Every edge has a path: deep chains would take memory and time with the square of their depth. */
static gw_status check_size(const gw_edge_names *renaming) {
  const gw_numbering *numbering = &renaming->walk->numbering;
  size_t total = 0;
  for (size_t i = 0; i < numbering->reached && total <= GW_MOST_PATH_BYTES; i++) {
    const gw_node *node = &renaming->graph->nodes[numbering->order[i]];
    total += renaming->walk->sizes[numbering->order[i]] * node->edge_count;
    for (size_t j = 0; j < node->edge_count; j++) total += node->edges[j].name.size;
  }
  if (total <= GW_MOST_PATH_BYTES) return GW_OK;
  return gw__fail(renaming->error, GW_LIMIT, "the paths of this object graph would take more than %d bytes", GW_MOST_PATH_BYTES);
}

/* The edge's path: its parent's, '/', its name. */
static gw_status put_edge(gw_edge_names *renaming, uint32_t node, size_t edge, size_t *parent_size) {
  gw__buf_clear(&renaming->path);
  gw__draft_put_path(renaming->draft, renaming->walk, node, &renaming->path);
  if (node != renaming->graph->root) gw__put_u8(&renaming->path, '/');
  *parent_size = renaming->path.size;
  put_name(&renaming->path, renaming->graph->nodes[node].edges[edge].name);
  return gw__buf_status(&renaming->path, renaming->error);
}

static gw_status refuse(gw_edge_names *renaming, const char *name, size_t length, const char *why) {
  char shown[160];
  gw_printable(shown, sizeof shown, name, length);
  gw__fail(renaming->error, GW_INVALID, "it would become \"%s\": %s", shown, why);
  gw__error_key(renaming->error, (const char *)renaming->path.data, renaming->path.size);
  gw__error_hint(renaming->error, "rename changes the last part of an object's path; gw.graph.move takes an object elsewhere");
  return GW_INVALID;
}

static void put_span_backwards(gw_buf *out, gw_span name) {
  for (size_t i = name.size; i-- > 0;) {
    gw__put_u8(out, (uint8_t)(name.data[i] == '/' ? 'S' : name.data[i]));
    if (name.data[i] == '.' || name.data[i] == '/') gw__put_u8(out, '.');
  }
}

/* The path of a node with the new names so far, which has those of all that is above it, and a '/': in renaming->above. */
static gw_status put_new_parent(gw_edge_names *renaming, uint32_t node) {
  gw_buf *out = &renaming->above;
  gw__buf_clear(out);
  for (uint32_t parent; (parent = renaming->walk->parents[node]) != GW_NO_NODE; node = parent) {
    size_t edge = renaming->walk->edges[node];
    gw_span name = renaming->names[parent] && renaming->names[parent][edge].data ? renaming->names[parent][edge]
                                                                               : renaming->graph->nodes[parent].edges[edge].name;
    gw__put_u8(out, '/');
    put_span_backwards(out, name);
  }
  for (size_t i = 0, j = out->size; i + 1 < j; i++) {
    uint8_t swapped = out->data[i];
    out->data[i] = out->data[--j];
    out->data[j] = swapped;
  }
  return gw__buf_status(out, renaming->error);
}

static bool begins(const char *text, size_t length, const void *with, size_t size) {
  return length >= size && (size == 0 || memcmp(text, with, size) == 0);
}

/* renaming->path is the edge's, of which the parent's part has `parent_size` bytes; `name` is what it shall be. A rule that
 * also renames what is above may say so here: "dense" to "fc" makes "fc/kernel" of "dense/kernel". */
static gw_status set_edge(gw_edge_names *renaming, uint32_t node, size_t edge, size_t parent_size, const char *name, size_t length) {
  const gw_node *parent = &renaming->graph->nodes[node];
  gw_status status = put_new_parent(renaming, node);
  if (status != GW_OK) return status;
  if (begins(name, length, renaming->above.data, renaming->above.size)) parent_size = renaming->above.size;
  else if (!begins(name, length, renaming->path.data, parent_size)) return refuse(renaming, name, length, "that is another place");
  if (length == parent_size) return refuse(renaming, name, length, "the name would be empty");
  if (memchr(name + parent_size, '/', length - parent_size)) return refuse(renaming, name, length, "that is deeper ('/' in a name is written .S)");
  char *plain;
  gw_span text;
  status = gw_graph_unescape(name + parent_size, length - parent_size, &plain, renaming->error);
  if (status != GW_OK) return gw__error_key(renaming->error, name, length), status;
  size_t size = strlen(plain);
  if (size == 0 || memchr(name + parent_size, 0, length - parent_size) || gw__utf8_valid((const uint8_t *)plain, size) < size) status = refuse(renaming, name, length, "names of objects are UTF-8");
  if (status == GW_OK && !renaming->names[node]) {
    renaming->names[node] = gw__arena_alloc(&renaming->arena, parent->edge_count * sizeof *renaming->names[node], renaming->error);
    if (renaming->names[node]) memset(renaming->names[node], 0, parent->edge_count * sizeof *renaming->names[node]);
    else status = GW_NO_MEMORY;
    renaming->any = true;
  }
  /* The graph owns it from now on, so that putting names in place cannot fail. */
  if (status == GW_OK) status = gw__graph_text(renaming->graph, (gw_span){plain, size}, &text, renaming->error);
  if (status == GW_OK) renaming->names[node][edge] = text;
  gw__free(plain);
  return status;
}

static gw_status clash(gw_edge_names *renaming, uint32_t node, const size_t edges[2]) {
  char one[160], other[160];
  size_t ignored;
  if (renaming->error && renaming->error->status != GW_EXISTS) return renaming->error->status;
  put_edge(renaming, node, edges[0], &ignored);
  gw_printable(one, sizeof one, (const char *)renaming->path.data, renaming->path.size);
  put_edge(renaming, node, edges[1], &ignored);
  gw_printable(other, sizeof other, (const char *)renaming->path.data, renaming->path.size);
  gw_span name = renaming->names[node][edges[1]];
  if (!name.data) name = renaming->graph->nodes[node].edges[edges[1]].name;
  gw__fail(renaming->error, GW_INVALID, "two objects would get this name: \"%s\" and \"%s\"", one, other);
  gw__error_key(renaming->error, name.data, name.size);
  gw__error_hint(renaming->error, "drop one of them first, or make the rule tell them apart");
  return GW_INVALID;
}

static gw_status finish(gw_edge_names *renaming, gw_status status, uint32_t line) {
  gw_graph *graph = renaming->graph;
  uint32_t change = 0;
  for (uint32_t i = 0; status == GW_OK && i < graph->node_count; i++) {
    size_t edges[2];
    if (!renaming->names[i]) continue;
    status = gw__graph_check_names(graph, i, renaming->names[i], edges, renaming->error);
    if (status == GW_EXISTS) status = clash(renaming, i, edges);
  }
  if (status == GW_OK && renaming->any) status = gw__graph_change(graph, line, &change, renaming->error);
  for (uint32_t i = 0; status == GW_OK && renaming->any && i < graph->node_count; i++) {
    if (!renaming->names[i]) continue;
    renaming->draft->edits++;
    gw__positions_touch(graph, i);
    gw__graph_rename_edges(graph, i, renaming->names[i], change);
  }
  gw__free(renaming->names);
  gw__arena_free(&renaming->arena);
  gw__buf_free(&renaming->path);
  gw__buf_free(&renaming->above);
  return status;
}

gw_status gw__paths_rename_pairs(gw_draft *draft, const gw_rename_pair *pairs, size_t pair_count, uint32_t line, size_t *count,
                                 gw_error *error) {
  gw_edge_names renaming;
  gw_status status = start(&renaming, draft, error);
  if (status == GW_OK) status = check_size(&renaming);
  for (size_t i = 0; status == GW_OK && i < renaming.walk->numbering.reached; i++) {
    uint32_t node = renaming.walk->numbering.order[i];
    for (size_t j = 0; j < renaming.graph->nodes[node].edge_count && status == GW_OK; j++) {
      size_t parent_size, length;
      char *name = NULL;
      status = put_edge(&renaming, node, j, &parent_size);
      if (status == GW_OK)
        status = gw__draft_substitute(pairs, pair_count, (const char *)renaming.path.data, renaming.path.size, &name, &length, error);
      if (name) {
        (*count)++;
        status = set_edge(&renaming, node, j, parent_size, name, length);
      }
      gw__free(name);
    }
  }
  return finish(&renaming, status, line);
}

static gw_status no_such_path(const char *path, size_t length, gw_error *error) {
  char shown[200];
  gw_printable(shown, sizeof shown, path, length);
  gw__fail(error, GW_NOT_FOUND, "there is no object at \"%s\"", shown);
  gw__error_hint(error, "`godwit graph` shows the objects; a '/' in a name is written .S, a dot ..");
  return GW_NOT_FOUND;
}

/* The edge that this path ends with. */
static gw_status find_edge(gw_edge_names *renaming, const char *path, size_t length, uint32_t *node, size_t *edge) {
  uint32_t at = renaming->graph->root;
  for (size_t start_at = 0;;) {
    const char *slash = memchr(path + start_at, '/', length - start_at);
    size_t end = slash ? (size_t)(slash - path) : length;
    char *name;
    gw_status status = gw_graph_unescape(path + start_at, end - start_at, &name, renaming->error);
    if (status != GW_OK) return gw__error_key(renaming->error, path, length), status;
    *node = at;
    *edge = gw__graph_find(renaming->graph, at, (gw_span){name, strlen(name)});
    gw__free(name);
    if (*edge == GW_NO_EDGE) return no_such_path(path, length, renaming->error);
    if (!slash) return GW_OK;
    at = renaming->graph->nodes[at].edges[*edge].child;
    start_at = end + 1;
  }
}

gw_status gw__paths_rename_exact(gw_draft *draft, const gw_span *from, const gw_span *to, size_t pair_count, uint32_t line,
                                 size_t *count, gw_error *error) {
  gw_edge_names renaming;
  gw_status status = start(&renaming, draft, error);
  for (size_t i = 0; status == GW_OK && i < pair_count; i++) {
    uint32_t node;
    size_t edge, parent_size = from[i].size;
    status = find_edge(&renaming, from[i].data, from[i].size, &node, &edge);
    if (status != GW_OK) break;
    (*count)++;
    /* As it was said: a way to the parent that is not its key's will do. */
    while (parent_size > 0 && from[i].data[parent_size - 1] != '/') parent_size--;
    gw__buf_clear(&renaming.path);
    gw__put_bytes(&renaming.path, from[i].data, from[i].size);
    status = gw__buf_status(&renaming.path, error);
    if (status == GW_OK) status = set_edge(&renaming, node, edge, parent_size, to[i].data, to[i].size);
  }
  return finish(&renaming, status, line);
}

/* ---- What rename's function is asked */

gw_status gw_draft_edge_paths(gw_draft *draft, gw_span **paths, size_t *count, char **memory, gw_error *error) {
  gw_edge_names renaming;
  gw_buf text = GW_BUF_INIT;
  size_t total = 0, next = 0;
  *paths = NULL;
  *memory = NULL;
  *count = 0;
  gw_status status = start(&renaming, draft, error);
  if (status == GW_OK) status = check_size(&renaming);
  for (size_t i = 0; status == GW_OK && i < renaming.walk->numbering.reached; i++)
    total += renaming.graph->nodes[renaming.walk->numbering.order[i]].edge_count;
  gw_span *list = status == GW_OK ? gw__alloc_array(total, sizeof *list, error) : NULL;
  if (status == GW_OK && !list) status = GW_NO_MEMORY;
  for (size_t i = 0; status == GW_OK && i < renaming.walk->numbering.reached; i++) {
    uint32_t node = renaming.walk->numbering.order[i];
    for (size_t j = 0; j < renaming.graph->nodes[node].edge_count && status == GW_OK; j++) {
      size_t ignored;
      status = put_edge(&renaming, node, j, &ignored);
      list[next++].size = renaming.path.size;
      gw__put_bytes(&text, renaming.path.data, renaming.path.size);
    }
  }
  if (status == GW_OK) status = gw__buf_status(&text, error);
  gw__free(renaming.names);
  gw__arena_free(&renaming.arena);
  gw__buf_free(&renaming.path);
  if (status != GW_OK) {
    gw__free(list);
    gw__buf_free(&text);
    return status;
  }
  for (size_t i = 0, at = 0; i < total; at += list[i++].size) list[i].data = (const char *)text.data + at;
  *paths = list;
  *memory = (char *)text.data;
  *count = total;
  return GW_OK;
}

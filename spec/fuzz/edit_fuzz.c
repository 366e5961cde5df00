/* libFuzzer target of editing: the input is a serialized TrackableObjectGraph (its length first, two bytes) that becomes a
 * draft, and then edits of it and of a second draft that began empty, some of them without memory. After each of them names
 * and graph must fit each other, and what was refused must have changed nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../c/objects_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_EDITS = 100, MOST_NODES = 600 };

static void must(bool fine) {
  if (!fine) abort();
}

typedef struct input {
  const uint8_t *data;
  size_t size, at;
} input;

static size_t byte(input *in) { return in->at < in->size ? in->data[in->at++] : 0; }
static size_t below(input *in, size_t limit) { return limit == 0 ? 0 : (limit > 256 ? byte(in) << 8 | byte(in) : byte(in)) % limit; }

static gw_span name_in(input *in) {
  static const char *const names[] = {"a", "b", "model", "_variables", "_momentums", "_iterations", "0", "1", "2", "save_counter",
                                      "a.b", "c/d", "..", ".S", "layer-0", "kernel", "", "\xff", "m", "optimizer"};
  size_t which = byte(in);
  if (which < 230) return (gw_span){names[which % 20], strlen(names[which % 20])};
  size_t size = which % 4, left = in->size - in->at;
  if (size > left) size = left;
  in->at += size;
  return (gw_span){(const char *)in->data + in->at - size, size};
}

/* ---- Drafts */

/* What edits need is made before memory ends. */
static const char *const patterns[] = {"a", "kernel$", "^model/", "/", "0", "b|c", "^[^/]*$", "m", "SLOT", "_v"};
enum { PATTERNS = sizeof patterns / sizeof *patterns };
static gw_regex *regexes[PATTERNS];

static void make_ready(void) {
  gwt_some_tensor();
  for (size_t i = 0; i < PATTERNS && !regexes[i]; i++) must(gw_regex_compile(patterns[i], strlen(patterns[i]), &regexes[i], NULL) == GW_OK);
}

/* ---- What must hold */

static void check_keys(gw_draft *draft, const gw_graph *graph) {
  gw_span *names;
  size_t count, keys = 0;
  must(gw_draft_names(draft, &names, &count, NULL) == GW_OK && count == gw_draft_count(draft));
  for (size_t i = 0; i < count; i++) {
    must(gw_draft_has(draft, names[i].data, names[i].size));
    must(i == 0 || names[i - 1].size != names[i].size || memcmp(names[i - 1].data, names[i].data, names[i].size) != 0);
  }
  gw_free(names);
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count; j++) {
      const gw_attribute *attribute = &graph->nodes[i].attributes[j];
      bool table = gwt_is_table(attribute);
      keys += table ? 2 : 1;
      for (int k = 0; k < (table ? 2 : 1); k++) {
        gw_buf key = GW_BUF_INIT;
        gw__put_bytes(&key, attribute->key.data, attribute->key.size);
        if (table) gw__put_text(&key, k ? "-values" : "-keys");
        must(gw_draft_has(draft, (const char *)key.data, key.size));
        gw__buf_free(&key);
      }
    }
  must(keys == count);
}

static void check_paths(gw_draft *draft) {
  const gw_walk *walk;
  must(gw__draft_walk(draft, &walk, NULL) == GW_OK);
  for (size_t i = 0; i < draft->graph->node_count; i++) {
    char *path;
    gw_status status = gw_draft_node_path(draft, (uint32_t)i, &path, NULL);
    must(status == (walk->numbering.numbers[i] < walk->numbering.saved ? GW_OK : GW_NOT_FOUND));
    gw_free(path);
    gw_slot_entry *slots;
    size_t count;
    must(gw_draft_slots(draft, (uint32_t)i, &slots, &count, NULL) == GW_OK);
    for (size_t j = 0; j < count; j++) must(slots[j].variable < draft->graph->node_count && slots[j].slot < draft->graph->node_count);
    gw_free(slots);
  }
}

/* Settled: false when the graph has no keys, because two objects have one name or a list cannot follow. */
static bool check(gw_draft *draft, gw_buf *bytes) {
  gw_error error = GW_ERROR_INIT;
  gw_buf again = GW_BUF_INIT;
  gw_graph *graph;
  uint32_t change;
  gw_status status = gw_draft_settle(draft, &error);
  if (status != GW_OK) {
    must(status == GW_INVALID && error.status == GW_INVALID && error.what[0]);
    gw_draft_has(draft, "a", 1);
    return false;
  }
  gwt_encode(draft, bytes);
  gwt_encode(draft, &again);
  must(gwt_same_bytes(bytes, &again));
  check_paths(draft);
  must(gw__graph_change(draft->graph, GW_NO_LINE, &change, NULL) == GW_OK); /* settled once more, without a reason */
  must(gw_draft_settle(draft, NULL) == GW_OK);
  gwt_encode(draft, &again);
  must(gwt_same_bytes(bytes, &again));
  must(gw_graph_decode(bytes->data, bytes->size, &graph, NULL) == GW_OK);
  check_keys(draft, graph);
  gw_draft *other = gwt_draft_of_graph(graph);
  must(gw_draft_settle(other, NULL) == GW_OK);
  gwt_encode(other, &again);
  must(gwt_same_bytes(bytes, &again));
  gw_draft_release(other);
  gw__buf_free(&again);
  return true;
}

static void reopen(gw_draft **draft) {
  if (gw_draft_settle(*draft, NULL) != GW_OK) return;
  gw_draft *again = gwt_reopened(*draft);
  gw_draft_release(*draft);
  *draft = again;
}

/* ---- Edits */

static uint32_t node_in(input *in, const gw_draft *draft) { return (uint32_t)below(in, draft->graph->node_count); }

static gw_status link_some(gw_draft *draft, input *in) {
  uint32_t node = node_in(in, draft), child = node_in(in, draft);
  gw_span name = name_in(in);
  return gw_draft_link(draft, node, name.data, name.size, child, "line 1", NULL);
}

static gw_status add_some(gw_draft *draft, input *in, bool variable) {
  uint32_t node, parent = node_in(in, draft);
  gw_span name = name_in(in), full_name = variable ? name_in(in) : (gw_span){"", 0};
  gw_status status = variable ? gw_draft_new_variable(draft, gwt_some_tensor(), full_name.data, full_name.size, "line 2", &node, NULL)
                              : gw_draft_new_node(draft, &node, NULL);
  return status == GW_OK ? gw_draft_link(draft, parent, name.data, name.size, node, "line 2", NULL) : status;
}

/* Any of the places, in an order of the input's. */
static size_t *order_in(input *in, size_t count) {
  size_t *order = malloc((count + 1) * sizeof *order);
  must(order != NULL);
  for (size_t i = 0; i < count; i++) order[i] = i;
  for (size_t i = count; i > 1; i--) {
    size_t other = below(in, i), kept = order[i - 1];
    order[i - 1] = order[other];
    order[other] = kept;
  }
  return order;
}

static gw_status edit_edges(gw_draft *draft, input *in, size_t what) {
  uint32_t node = node_in(in, draft);
  size_t count = draft->graph->nodes[node].edge_count;
  if (what >= 2) {
    size_t *order = order_in(in, count);
    gw_status status = what == 2 ? gw_draft_order_children(draft, node, order, "line 3", NULL) : gw_draft_reorder(draft, node, order, "line 3", NULL);
    free(order);
    return status;
  }
  if (count == 0) return GW_OK;
  size_t edge = below(in, count);
  if (what == 0) return gw_draft_unlink(draft, node, edge, "line 4", NULL);
  gw_span name = name_in(in);
  if (gw_draft_find_child(draft, node, name.data, name.size) != GW_NO_EDGE) return GW_OK;
  return gw_draft_rename_child(draft, node, edge, name.data, name.size, "line 5", NULL);
}

static gw_status set_some(gw_draft *draft, input *in, size_t what) {
  uint32_t node = node_in(in, draft), other = node_in(in, draft);
  gw_span name = name_in(in);
  return what == 0   ? gw_draft_set_slot(draft, node, other, name.data, name.size, gwt_some_tensor(), "line 6", NULL)
         : what == 1 ? gw_draft_set_node_tensor(draft, node, gwt_some_tensor(), "line 6", NULL)
         : what == 2 ? gw_draft_set_full_name(draft, node, name.data, name.size, "line 6", NULL)
                     : gw_draft_set_root(draft, node, other % 2, "line 6", NULL);
}

static gw_status rule(gw_draft *draft, input *in, size_t what) {
  static const char *const replacements[] = {"b", "", "x", "$0y", "1", "a.b", "a/b", "model", "..", "0"};
  gw_regex *regex = regexes[below(in, PATTERNS)];
  const char *replacement = replacements[below(in, 10)];
  size_t count, text_count;
  gw_which which = {&regex, what == 2 ? 0 : 1, what == 2 ? 1u << below(in, 8) : 0};
  gw_rename_pair pair = {regex, {replacement, strlen(replacement)}};
  gw_span *texts = NULL;
  char *memory = NULL;
  gw_status status = what == 0   ? gw_draft_rename_regex(draft, &pair, 1, "line 7", &count, NULL)
                     : what == 1 ? gw_draft_keep_only(draft, &which, "line 7", &count, NULL)
                     : what <= 3 ? gw_draft_drop(draft, &which, "line 7", &count, NULL)
                     : what == 4 ? gw_draft_select(draft, &which, &texts, &text_count, NULL)
                                 : gw_draft_edge_paths(draft, &texts, &text_count, &memory, NULL);
  if (what == 5 && status == GW_OK && text_count > 0) { /* exactly, by a path that is there */
    gw_span from = texts[below(in, text_count)], to = name_in(in);
    status = gw_draft_rename_exact(draft, &from, &to, 1, "line 8", &count, NULL);
  }
  gw_free(texts);
  gw_free(memory);
  return status;
}

static gw_status copy_draft(gw_draft **draft) {
  gw_draft *copy;
  gw_status status = gw_draft_copy(*draft, &copy, NULL);
  must((status == GW_OK) == (copy != NULL));
  if (!copy) return status;
  gw_draft_release(*draft);
  *draft = copy;
  return status;
}

static gw_status copy_some(gw_draft *draft, gw_draft *from, input *in) {
  uint32_t parent = node_in(in, draft), node = node_in(in, from), copy;
  gw_span name = name_in(in);
  if (draft->graph->node_count + from->graph->node_count > MOST_NODES) return GW_OK;
  gw_status status = gw_draft_copy_node(draft, from, node, "line 9", &copy, NULL);
  return status == GW_OK ? gw_draft_link(draft, parent, name.data, name.size, copy, "line 9", NULL) : status;
}

static gw_status edit(gw_draft **drafts, input *in, size_t what) {
  gw_draft *draft = drafts[0];
  switch (what % 16) {
    case 0: case 1: return link_some(draft, in);
    case 2: return add_some(draft, in, true);
    case 3: return add_some(draft, in, false);
    case 4: case 5: case 6: case 7: return edit_edges(draft, in, what % 16 - 4);
    case 8: case 9: case 10: return set_some(draft, in, what % 16 - 8);
    case 11: return byte(in) % 8 ? GW_OK : set_some(draft, in, 3);
    case 12: return rule(draft, in, below(in, 6));
    case 13: return copy_some(draft, drafts[1], in);
    case 14: return copy_draft(&drafts[0]);
    default: return reopen(&drafts[0]), GW_OK;
  }
}

/* What a draft was found to be after its last edit. */
typedef struct state {
  gw_buf bytes;
  bool fine;
} state;

/* The first byte of an edit: what, of which draft, and whether memory ends during it. */
static void step(gw_draft **drafts, state *states, input *in) {
  size_t what = byte(in);
  gw_buf after = GW_BUF_INIT;
  gw_draft *turned[2] = {drafts[what >> 7], drafts[!(what >> 7)]};
  state *before = &states[what >> 7];
  bool hungry = (what & 0x60) == 0x60 && what % 16 != 15;
  if (hungry) gw__alloc_fail_at(what & 0x10 ? -1 - (long)byte(in) % 40 : 1 + (long)byte(in) % 40);
  gw_status status = edit(turned, in, what);
  if (hungry) gw__alloc_fail_at(0);
  drafts[what >> 7] = turned[0];
  drafts[!(what >> 7)] = turned[1];
  must(hungry || status != GW_NO_MEMORY);
  bool still = check(turned[0], &after);
  if (status != GW_OK && before->fine) must(still && gwt_same_bytes(&before->bytes, &after));
  gw__buf_free(&before->bytes);
  *before = (state){after, still};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size, 0};
  make_ready();
  gw_graph *graph = NULL;
  size_t length = byte(&in);
  length = length << 8 | byte(&in);
  if (length > size - in.at) length = size - in.at;
  if (length > 0 && (gw_graph_decode(data + in.at, length, &graph, NULL) != GW_OK || graph->node_count > MOST_NODES)) {
    gw_graph_free(graph);
    return 0;
  }
  in.at += length;
  gw_draft *drafts[2] = {gwt_draft_of_graph(graph), gwt_draft_of_graph(NULL)};
  state states[2];
  for (int i = 0; i < 2; i++) {
    states[i] = (state){.bytes = GW_BUF_INIT};
    states[i].fine = check(drafts[i], &states[i].bytes);
  }
  for (size_t i = 0; i < MOST_EDITS && in.at < in.size && drafts[0]->graph->node_count + drafts[1]->graph->node_count < MOST_NODES; i++)
    step(drafts, states, &in);
  for (int i = 0; i < 2; i++) {
    gw__buf_free(&states[i].bytes);
    gw_draft_release(drafts[i]);
  }
  return 0;
}

/* core/graph and core/draft where objects are edited: against a plain model, without memory, against graphs that mean harm. */
#include <sys/resource.h>
#include <time.h>

#include "../../core/graph/graph.h"
#include "check.h"
#include "objects_make.h"

static uint64_t random_state = 88172645463325252u;
static size_t random_below(size_t limit) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (size_t)((random_state * UINT64_C(2685821657736338717) >> 32) % limit);
}

/* ---- Making */

static gw_draft *new_draft(void) { return gwt_draft_of_graph(NULL); }

static uint32_t object(gw_draft *draft, uint32_t parent, const char *name) {
  uint32_t node;
  gwt_must(gw_draft_new_node(draft, &node, NULL) == GW_OK);
  gwt_must(gw_draft_link(draft, parent, name, strlen(name), node, "make", NULL) == GW_OK);
  return node;
}

static uint32_t loose_variable(gw_draft *draft, const char *full_name) {
  uint32_t node;
  gwt_must(gw_draft_new_variable(draft, gwt_some_tensor(), full_name, strlen(full_name), "make", &node, NULL) == GW_OK);
  return node;
}

static void link_to(gw_draft *draft, uint32_t parent, const char *name, uint32_t child) {
  gwt_must(gw_draft_link(draft, parent, name, strlen(name), child, "link", NULL) == GW_OK);
}

static uint32_t variable(gw_draft *draft, uint32_t parent, const char *name) {
  uint32_t node = loose_variable(draft, name);
  link_to(draft, parent, name, node);
  return node;
}

static uint32_t child_of(gw_draft *draft, uint32_t node, const char *name) {
  size_t at = gw_draft_find_child(draft, node, name, strlen(name));
  gwt_must(at != GW_NO_EDGE);
  return draft->graph->nodes[node].edges[at].child;
}

static uint32_t at_path(gw_draft *draft, const char *path) {
  uint32_t node = gw_graph_root(draft->graph);
  char part[64];
  for (; *path; path += strlen(part) + (path[strlen(part)] == '/')) {
    gwt_must(strcspn(path, "/") < sizeof part);
    memcpy(part, path, strcspn(path, "/"));
    part[strcspn(path, "/")] = '\0';
    node = child_of(draft, node, part);
  }
  return node;
}

static void unlink_from(gw_draft *draft, uint32_t node, const char *name) {
  gwt_must(gw_draft_unlink(draft, node, gw_draft_find_child(draft, node, name, strlen(name)), "unlink", NULL) == GW_OK);
}

/* The keys without "/.ATTRIBUTES/VARIABLE_VALUE", joined by spaces; settled for that. */
static const char *keys_of(gw_draft *draft) {
  static char text[4096];
  static const char suffix[] = "/.ATTRIBUTES/VARIABLE_VALUE";
  gw_span *names = NULL;
  size_t count = 0, used = 0;
  gw_error error = GW_ERROR_INIT;
  if (!CHECK(gw_draft_names(draft, &names, &count, &error) == GW_OK)) {
    snprintf(text, sizeof text, "%s", error.what);
    return text;
  }
  text[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    size_t size = names[i].size;
    if (size >= sizeof suffix - 1 && memcmp(names[i].data + size - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0) size -= sizeof suffix - 1;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? " " : "", (int)size, names[i].data);
    gwt_must(used < sizeof text);
  }
  gw_free(names);
  return text;
}

static gw_regex *regex_of(const char *pattern) {
  gw_regex *regex = NULL;
  gwt_must(gw_regex_compile(pattern, strlen(pattern), &regex, NULL) == GW_OK);
  return regex;
}

static gw_status drop(gw_draft *draft, const char *pattern, gw_error *error) {
  gw_regex *regex = regex_of(pattern);
  gw_which which = {&regex, 1, 0};
  size_t count;
  gw_status status = gw_draft_drop(draft, &which, "drop", &count, error);
  gw_regex_free(regex);
  return status;
}

/* ---- Edges, like a list of names */

enum { CHILDREN = 60, STEPS = 30000 };

typedef struct model {
  char names[CHILDREN][8];
  uint32_t children[CHILDREN];
  size_t count;
} model;

static size_t place_in(const model *wanted, const char *name) {
  for (size_t i = 0; i < wanted->count; i++)
    if (strcmp(wanted->names[i], name) == 0) return i;
  return GW_NO_EDGE;
}

static void check_like_model(gw_draft *draft, const model *wanted) {
  const gw_node *root = &draft->graph->nodes[0];
  CHECK(root->edge_count == wanted->count);
  for (size_t i = 0; i < wanted->count && i < root->edge_count; i++) {
    CHECK_TEXT(root->edges[i].name.data, wanted->names[i]);
    CHECK(root->edges[i].child == wanted->children[i]);
    CHECK(gw_draft_find_child(draft, 0, wanted->names[i], strlen(wanted->names[i])) == i);
  }
}

static void remove_at(model *wanted, size_t at) {
  wanted->count--;
  memmove(wanted->names[at], wanted->names[at + 1], (wanted->count - at) * sizeof wanted->names[0]);
  memmove(&wanted->children[at], &wanted->children[at + 1], (wanted->count - at) * sizeof wanted->children[0]);
}

static void shuffle(gw_draft *draft, model *wanted) {
  size_t order[CHILDREN];
  model before = *wanted;
  for (size_t i = 0; i < wanted->count; i++) order[i] = i;
  for (size_t i = wanted->count; i > 1; i--) {
    size_t other = random_below(i), kept = order[i - 1];
    order[i - 1] = order[other];
    order[other] = kept;
  }
  bool with_names = random_below(2) == 0;
  CHECK((with_names ? gw_draft_order_children : gw_draft_reorder)(draft, 0, order, "shuffle", NULL) == GW_OK);
  for (size_t i = 0; i < wanted->count; i++) {
    wanted->children[i] = before.children[order[i]];
    if (with_names) memcpy(wanted->names[i], before.names[order[i]], sizeof wanted->names[i]);
  }
}

static void edges_like_a_model(void) {
  gw_draft *draft = new_draft();
  model wanted = {.count = 0};
  uint32_t nodes[8];
  for (size_t i = 0; i < 8; i++) gwt_must(gw_draft_new_node(draft, &nodes[i], NULL) == GW_OK);
  gwt_must(gw_draft_set_root(draft, 0, false, NULL, NULL) == GW_OK);
  for (int step = 1; step <= STEPS; step++) {
    char name[8];
    uint32_t child = nodes[random_below(8)];
    snprintf(name, sizeof name, "n%zu", random_below(200));
    size_t place = place_in(&wanted, name), what = random_below(20);
    CHECK(gw_draft_find_child(draft, 0, name, strlen(name)) == place);
    if (what < 8) {
      if (place == GW_NO_EDGE && wanted.count == CHILDREN) continue;
      CHECK(gw_draft_link(draft, 0, name, strlen(name), child, "link", NULL) == GW_OK);
      if (place == GW_NO_EDGE) memcpy(wanted.names[place = wanted.count++], name, sizeof name);
      wanted.children[place] = child;
    } else if (what < 12 && wanted.count > 0) {
      size_t at = random_below(wanted.count);
      CHECK(gw_draft_unlink(draft, 0, at, "unlink", NULL) == GW_OK);
      remove_at(&wanted, at);
    } else if (what < 19 && wanted.count > 0 && place == GW_NO_EDGE) {
      size_t at = random_below(wanted.count);
      CHECK(gw_draft_rename_child(draft, 0, at, name, strlen(name), "rename", NULL) == GW_OK);
      memcpy(wanted.names[at], name, sizeof name);
    } else if (what == 19) {
      shuffle(draft, &wanted);
    }
    if (step % 500 == 0) check_like_model(draft, &wanted);
  }
  gw_draft_release(draft);
}

/* ---- Names */

static void keys_follow_from_the_structure(void) {
  gw_draft *draft = new_draft();
  uint32_t net = object(draft, 0, "net"), deep = object(draft, net, "a.b/c"), v = variable(draft, deep, "v");
  variable(draft, net, "w");
  CHECK_TEXT(keys_of(draft), "net/a..b.Sc/v net/w");
  link_to(draft, 0, "short", v); /* the shortest path counts */
  CHECK_TEXT(keys_of(draft), "net/w short");
  unlink_from(draft, 0, "short");
  CHECK_TEXT(keys_of(draft), "net/a..b.Sc/v net/w");
  CHECK(gw_draft_set_root(draft, net, false, NULL, NULL) == GW_OK);
  CHECK_TEXT(keys_of(draft), "a..b.Sc/v w");
  unlink_from(draft, net, "a.b/c");
  CHECK_TEXT(keys_of(draft), "w");
  link_to(draft, net, "z", deep);
  CHECK_TEXT(keys_of(draft), "w z/v");
  gw_draft_release(draft);
}

/* Two edges of one name, as no program saves them: both variables would be saved under one key. */
static void what_cannot_be_saved_leaves_the_names_as_they_were(void) {
  static const char bytes[] = "\x0a\x10\x0a\x06\x08\x01\x12\x02" "dd" "\x0a\x06\x08\x02\x12\x02" "d2"
      "\x0a\x12\x12\x10\x0a\x0e" "VARIABLE_VALUE" "\x0a\x12\x12\x10\x0a\x0e" "VARIABLE_VALUE";
  gw_graph *graph;
  gw_error error = GW_ERROR_INIT;
  gwt_must(gw_graph_decode(bytes, sizeof bytes - 1, &graph, NULL) == GW_OK);
  gw_draft *draft = gwt_draft_of_graph(graph), *copy;
  CHECK_TEXT(keys_of(draft), "d2 dd");
  uint32_t left = object(draft, 0, "z");
  unlink_from(draft, 0, "d2");
  link_to(draft, left, "v", 2);
  draft->graph->nodes[0].edges[1].name = draft->graph->nodes[0].edges[0].name; /* as decoding may give it */
  link_to(draft, left, "w", 1);
  draft->graph->nodes[left].edges[1].child = 2;
  draft->graph->nodes[left].edges[0].child = 1;
  draft->graph->nodes[0].edges[0].child = 2;
  uint32_t third = loose_variable(draft, "third");
  draft->graph->nodes[0].edges[1].child = third;
  CHECK(gw_draft_settle(draft, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "two objects would be saved under this key");
  CHECK_TEXT(error.key, "dd/.ATTRIBUTES/VARIABLE_VALUE");
  CHECK(gw_draft_has(draft, "d2/.ATTRIBUTES/VARIABLE_VALUE", 29) && gw_draft_has(draft, "dd/.ATTRIBUTES/VARIABLE_VALUE", 29));
  CHECK(gw_draft_count(draft) == 2);
  CHECK(gw_draft_copy(draft, &copy, NULL) == GW_OK && gw_draft_count(copy) == 2);
  gw_draft_release(copy);
  draft->graph->nodes[0].edge_count = 1;
  draft->graph->version++;
  CHECK_TEXT(keys_of(draft), "dd");
  CHECK(!gw_draft_has(draft, "d2/.ATTRIBUTES/VARIABLE_VALUE", 29));
  gw_draft_release(draft);
}

static void texts_in_the_graph_are_utf8(void) {
  gw_draft *draft = new_draft();
  gw_error error = GW_ERROR_INIT;
  uint32_t v = variable(draft, 0, "v"), optimizer = object(draft, 0, "o"), node;
  CHECK(gw_draft_set_slot(draft, optimizer, v, "\xff", 1, gwt_some_tensor(), NULL, &error) == GW_INVALID);
  CHECK_TEXT(error.key, "\\xff");
  CHECK(gw_draft_set_slot(draft, optimizer, v, "", 0, gwt_some_tensor(), NULL, NULL) == GW_INVALID);
  CHECK(gw_draft_set_full_name(draft, v, "\xc0\x80", 2, NULL, NULL) == GW_INVALID);
  CHECK(gw_draft_new_variable(draft, gwt_some_tensor(), "\xff", 1, NULL, &node, NULL) == GW_INVALID);
  CHECK(gw_draft_link(draft, 0, "\xff", 1, v, NULL, NULL) == GW_INVALID);
  CHECK(gw_draft_link(draft, 0, "a\0b", 3, v, NULL, NULL) == GW_INVALID);
  gw_span from = gwt_span("v"), to = {"a\0b", 3};
  size_t count;
  CHECK(gw_draft_rename_exact(draft, &from, &to, 1, NULL, &count, &error) == GW_INVALID);
  CHECK_TEXT(keys_of(draft), "v");
  gw_draft *again = gwt_reopened(draft);
  gw_draft_release(again);
  gw_draft_release(draft);
}

static void a_slot_of_a_variable_that_is_gone_is_no_value(void) {
  gw_draft *draft = new_draft();
  gw_buf bytes = GW_BUF_INIT;
  uint32_t v = variable(draft, 0, "v"), optimizer = object(draft, 0, "o");
  CHECK(gw_draft_set_slot(draft, optimizer, v, "m", 1, gwt_some_tensor(), NULL, NULL) == GW_OK);
  CHECK_TEXT(keys_of(draft), "v v/.OPTIMIZER_SLOT/o/m");
  unlink_from(draft, 0, "v");
  CHECK_TEXT(keys_of(draft), "");
  gwt_encode(draft, &bytes);
  CHECK(bytes.size == 15 && memcmp(bytes.data, "\x0a\x09\x0a\x05\x08\x01\x12\x01" "o\x2a\x00\x0a\x02\x2a\x00", 15) == 0);
  gw__buf_free(&bytes);
  gw_draft_release(draft);
}

static void a_root_that_is_a_variable_stays(void) {
  gw_draft *draft = new_draft();
  gw_error error = GW_ERROR_INIT;
  uint32_t v = loose_variable(draft, "v");
  CHECK(gw_draft_set_root(draft, v, false, NULL, NULL) == GW_OK);
  variable(draft, v, "w");
  CHECK_TEXT(keys_of(draft), " w");
  CHECK(drop(draft, "^(w)?$", &error) == GW_INVALID);
  CHECK_TEXT(error.what, "the root is a variable itself, and a checkpoint cannot be without a root");
  CHECK_TEXT(keys_of(draft), " w");
  gw_draft_release(draft);
}

/* ---- Copying */

static void copies_share(void) {
  gw_draft *from = new_draft(), *to = new_draft(), *third = NULL;
  uint32_t net = object(from, 0, "net"), v = variable(from, net, "v"), optimizer = object(from, 0, "o"), copy, second;
  link_to(from, net, "up", 0); /* a circle */
  CHECK(gw_draft_set_slot(from, optimizer, v, "m", 1, gwt_some_tensor(), NULL, NULL) == GW_OK);
  CHECK(gw_draft_copy_node(to, from, v, NULL, &copy, NULL) == GW_OK);
  link_to(to, 0, "x", copy);
  CHECK(gw_draft_copy_node(to, from, v, NULL, &second, NULL) == GW_OK && second == copy);
  CHECK_TEXT(keys_of(to), "x");
  CHECK(gw_draft_copy(to, &third, NULL) == GW_OK);
  gw_draft *both[] = {to, third};
  for (int i = 0; i < 2; i++) { /* a copy knows what had been copied */
    CHECK(gw_draft_copy_node(both[i], from, optimizer, NULL, &second, NULL) == GW_OK);
    link_to(both[i], 0, "opt", second);
    CHECK_TEXT(keys_of(both[i]), "x x/.OPTIMIZER_SLOT/opt/m");
    CHECK(gw_draft_copy_node(both[i], from, 0, NULL, &second, NULL) == GW_OK);
    link_to(both[i], 0, "all", second);
    CHECK(at_path(both[i], "all/net/up") == second && at_path(both[i], "all/net/v") == copy);
  }
  CHECK(gw_draft_copy_node(to, to, 0, NULL, &second, NULL) == GW_OK && second == 0);
  gw_draft_release(from);
  CHECK_TEXT(keys_of(third), "x x/.OPTIMIZER_SLOT/opt/m");
  gw_draft_release(to);
  gw_draft_release(third);
}

/* ---- Positions */

enum { LAYERS = 4 };

/* model/blocks/0 .. 3, each with one variable, and an optimizer as Keras 2.15 saves it: m and v of each. Slots tell whose they
 * are by their full names. */
static gw_draft *trained(void) {
  gw_draft *draft = new_draft();
  uint32_t model_node = object(draft, 0, "model"), blocks = object(draft, model_node, "blocks"), optimizer = object(draft, 0, "optimizer");
  uint32_t all = object(draft, optimizer, "_variables"), iterations = variable(draft, optimizer, "_iterations");
  uint32_t m = object(draft, optimizer, "_momentums"), v = object(draft, optimizer, "_velocities");
  link_to(draft, all, "0", iterations);
  for (int i = 0; i < LAYERS; i++) {
    char place[16], slot[32];
    snprintf(place, sizeof place, "%d", i);
    uint32_t block = object(draft, blocks, place);
    snprintf(slot, sizeof slot, "w%d", i);
    link_to(draft, block, "w", loose_variable(draft, slot));
    for (int j = 0; j < 2; j++) {
      snprintf(slot, sizeof slot, "Adam/%c/w%d", j ? 'v' : 'm', i);
      uint32_t node = loose_variable(draft, slot);
      link_to(draft, j ? v : m, place, node);
      snprintf(slot, sizeof slot, "%d", 1 + 2 * i + j);
      link_to(draft, all, slot, node);
    }
  }
  gw_draft *again = gwt_reopened(draft);
  gw_draft_release(draft);
  return again;
}

/* Whose entries the lists have: "m:0123 v:0123 all:00112233". */
static const char *entries_of(gw_draft *draft, const char *path) {
  static const char *const lists[] = {"_momentums", "_velocities", "_variables"};
  static char text[1024];
  size_t used = 0;
  gw_error error = GW_ERROR_INIT;
  if (!CHECK(gw_draft_settle(draft, &error) == GW_OK)) {
    snprintf(text, sizeof text, "%s", error.what);
    return text;
  }
  for (size_t i = 0; i < 3; i++) {
    const gw_node *list = &draft->graph->nodes[child_of(draft, at_path(draft, path), lists[i])];
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:", i ? " " : "", i == 0 ? "m" : i == 1 ? "v" : "all");
    for (size_t j = 0; j < list->edge_count; j++) {
      gw_span name = draft->graph->nodes[list->edges[j].child].attributes[0].full_name;
      char place[24];
      snprintf(place, sizeof place, "%zu", j);
      CHECK_TEXT(list->edges[j].name.data, place);
      if (name.size == 9) text[used++] = name.data[8]; /* after "Adam/m/w" */
    }
    text[used] = '\0';
  }
  return text;
}

/* And slots say the same. */
static void check_slots(gw_draft *draft, const char *path, size_t count) {
  gw_slot_entry *slots;
  size_t found;
  CHECK(gw_draft_slots(draft, at_path(draft, path), &slots, &found, NULL) == GW_OK && found == count);
  for (size_t i = 0; i < found; i++) {
    gw_span slot = draft->graph->nodes[slots[i].slot].attributes[0].full_name;
    gw_span variable_name = draft->graph->nodes[slots[i].variable].attributes[0].full_name;
    CHECK(slots[i].name.size == 1 && slots[i].name.data[0] == slot.data[5]);
    CHECK(slot.data[slot.size - 1] == variable_name.data[variable_name.size - 1]);
  }
  gw_free(slots);
}

static void reorder(gw_draft *draft, const char *path, size_t a, size_t b, size_t c, size_t d) {
  size_t order[] = {a, b, c, d};
  gwt_must(gw_draft_reorder(draft, at_path(draft, path), order, "reorder", NULL) == GW_OK);
}

static void lists_follow_their_variables(void) {
  gw_draft *draft = trained();
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:0123 v:0123 all:00112233");
  check_slots(draft, "optimizer", 8);
  reorder(draft, "model/blocks", 2, 0, 1, 3);
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:2013 v:2013 all:22001133");
  check_slots(draft, "optimizer", 8);
  reorder(draft, "model/blocks", 1, 2, 0, 3);
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:0123 v:0123 all:00112233");
  gw_draft_release(draft);
}

static void lists_follow_names_that_are_numbers(void) {
  gw_draft *draft = trained();
  gw_span from[] = {gwt_span("model/blocks/0"), gwt_span("model/blocks/2")}, to[] = {from[1], from[0]};
  size_t count;
  CHECK(gw_draft_rename_exact(draft, from, to, 2, "swap", &count, NULL) == GW_OK);
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:2103 v:2103 all:22110033");
  uint32_t model_node = at_path(draft, "model"), blocks = at_path(draft, "model/blocks");
  for (int i = 0; i < LAYERS; i++) { /* as Keras' models have them */
    char name[16];
    snprintf(name, sizeof name, "layer-%d", LAYERS - i - 1);
    link_to(draft, model_node, name, draft->graph->nodes[blocks].edges[i].child);
  }
  unlink_from(draft, model_node, "blocks");
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:3210 v:3210 all:33221100");
  gw_draft_release(draft);
}

static void variables_that_come_back_have_their_entries_back(void) {
  gw_draft *draft = trained();
  uint32_t block = at_path(draft, "model/blocks/1");
  unlink_from(draft, at_path(draft, "model/blocks"), "1");
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:023 v:023 all:002233");
  check_slots(draft, "optimizer", 6);
  link_to(draft, at_path(draft, "model"), "elsewhere", block);
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:0231 v:0231 all:00223311");
  check_slots(draft, "optimizer", 8);
  gw_draft *again = gwt_reopened(draft);
  CHECK_TEXT(entries_of(again, "optimizer"), "m:0231 v:0231 all:00223311");
  gw_draft_release(again);
  gw_draft_release(draft);
}

static void copied_optimizers_follow_too(void) {
  gw_draft *from = trained(), *to = new_draft(), *third;
  uint32_t copy;
  reorder(from, "model/blocks", 3, 2, 1, 0);
  CHECK(gw_draft_copy_node(to, from, at_path(from, "optimizer"), NULL, &copy, NULL) == GW_OK);
  link_to(to, 0, "opt", copy);
  CHECK_TEXT(entries_of(to, "opt"), "m:3210 v:3210 all:33221100"); /* without its model nothing follows */
  for (int i = 0; i < 3; i++) { /* variables come one by one, and names are asked for in between */
    char name[] = "b0", path[] = "model/blocks/0";
    name[1] = path[13] = (char)('0' + i);
    CHECK(gw_draft_copy_node(to, from, at_path(from, path), NULL, &copy, NULL) == GW_OK);
    link_to(to, 0, name, copy);
    if (i == 1) CHECK_TEXT(entries_of(to, "opt"), "m:32 v:32 all:3322");
  }
  CHECK_TEXT(entries_of(to, "opt"), "m:321 v:321 all:332211");
  gwt_must(gw_draft_rename_child(to, 0, gw_draft_find_child(to, 0, "b0", 2), "zz", 2, NULL, NULL) == GW_OK); /* the root is sorted */
  CHECK_TEXT(entries_of(to, "opt"), "m:213 v:213 all:221133");
  CHECK(gw_draft_copy_node(to, from, at_path(from, "model/blocks/3"), NULL, &copy, NULL) == GW_OK);
  link_to(to, 0, "aa", copy);
  CHECK_TEXT(entries_of(to, "opt"), "m:0213 v:0213 all:00221133");
  CHECK(gw_draft_copy(to, &third, NULL) == GW_OK);
  unlink_from(third, 0, "b1");
  CHECK_TEXT(entries_of(third, "opt"), "m:013 v:013 all:001133");
  check_slots(third, "opt", 6);
  CHECK_TEXT(entries_of(to, "opt"), "m:0213 v:0213 all:00221133");
  gw_draft_release(third);
  gw_draft_release(from);
  gw_draft_release(to);
}

static void lists_edited_by_hand_are_left_alone(void) {
  gw_draft *draft = trained();
  reorder(draft, "optimizer/_momentums", 3, 2, 1, 0);
  reorder(draft, "model/blocks", 1, 0, 2, 3);
  CHECK_TEXT(entries_of(draft, "optimizer"), "m:3210 v:0123 all:00112233");
  check_slots(draft, "optimizer", 0); /* it cannot be told any more */
  gw_draft_release(draft);
  draft = trained();
  CHECK(drop(draft, "^optimizer/_variables/(1|2)$", NULL) == GW_OK); /* entries of lists, not of the model */
  gw_draft_settle(draft, NULL);
  reorder(draft, "model/blocks", 1, 0, 2, 3);
  CHECK(gw_draft_settle(draft, NULL) == GW_OK);
  CHECK(draft->graph->nodes[at_path(draft, "optimizer/_velocities")].edge_count == 3);
  gw_draft_release(draft);
}

/* ---- Without memory */

typedef struct pair {
  gw_draft *draft, *from;
} pair;

typedef gw_status (*task)(pair *drafts, gw_error *error);

static gw_status do_link(pair *drafts, gw_error *error) { return gw_draft_link(drafts->draft, 0, "new", 3, 1, "line 1", error); }
static gw_status do_unlink(pair *drafts, gw_error *error) { return gw_draft_unlink(drafts->draft, 0, 0, "line 1", error); }
static gw_status do_rename_child(pair *drafts, gw_error *error) { return gw_draft_rename_child(drafts->draft, 0, 0, "new", 3, "line 1", error); }
static gw_status do_reorder(pair *drafts, gw_error *error) {
  size_t order[] = {3, 1, 2, 0};
  return gw_draft_reorder(drafts->draft, at_path(drafts->draft, "model/blocks"), order, "line 1", error);
}
static gw_status do_order(pair *drafts, gw_error *error) {
  size_t order[] = {3, 1, 2, 0};
  return gw_draft_order_children(drafts->draft, at_path(drafts->draft, "model/blocks"), order, "line 1", error);
}
static gw_status do_set_root(pair *drafts, gw_error *error) {
  return gw_draft_set_root(drafts->draft, at_path(drafts->draft, "model"), true, "line 1", error);
}
static gw_status do_set_slot(pair *drafts, gw_error *error) {
  return gw_draft_set_slot(drafts->draft, at_path(drafts->draft, "model"), at_path(drafts->draft, "model/blocks/0/w"), "m", 1, gwt_some_tensor(), "line 1", error);
}
static gw_status do_full_name(pair *drafts, gw_error *error) {
  return gw_draft_set_full_name(drafts->draft, at_path(drafts->draft, "model/blocks/0/w"), "other", 5, "line 1", error);
}
static gw_status do_set_tensor(pair *drafts, gw_error *error) {
  return gw_draft_set_node_tensor(drafts->draft, at_path(drafts->draft, "model/blocks/0/w"), gwt_some_tensor(), "line 1", error);
}
static gw_status do_copy_node(pair *drafts, gw_error *error) {
  uint32_t copy;
  gw_status status = gw_draft_copy_node(drafts->draft, drafts->from, 0, "line 1", &copy, error);
  return status == GW_OK ? gw_draft_link(drafts->draft, 0, "copied", 6, copy, "line 1", error) : status;
}
static gw_status do_settle(pair *drafts, gw_error *error) { return gw_draft_settle(drafts->draft, error); }
static gw_status do_copy(pair *drafts, gw_error *error) {
  gw_draft *copy;
  gw_status status = gw_draft_copy(drafts->draft, &copy, error);
  CHECK((status == GW_OK) == (copy != NULL));
  gw_draft_release(copy);
  return status;
}
static gw_status by_rule(pair *drafts, const char *pattern, int what, gw_error *error) {
  gw_regex *regex = NULL;
  size_t count;
  gw_span *texts = NULL;
  char *memory = NULL;
  gw_status status = gw_regex_compile(pattern, strlen(pattern), &regex, error);
  gw_which which = {&regex, 1, 0};
  gw_rename_pair rule = {regex, gwt_span("new")};
  if (status == GW_OK)
    status = what == 0   ? gw_draft_drop(drafts->draft, &which, "line 1", &count, error)
             : what == 1 ? gw_draft_keep_only(drafts->draft, &which, "line 1", &count, error)
             : what == 2 ? gw_draft_rename_regex(drafts->draft, &rule, 1, "line 1", &count, error)
             : what == 3 ? gw_draft_select(drafts->draft, &which, &texts, &count, error)
                         : gw_draft_edge_paths(drafts->draft, &texts, &count, &memory, error);
  gw_free(texts);
  gw_free(memory);
  gw_regex_free(regex);
  return status;
}
static gw_status do_drop(pair *drafts, gw_error *error) { return by_rule(drafts, "blocks/1|also", 0, error); }
static gw_status do_keep_only(pair *drafts, gw_error *error) { return by_rule(drafts, "blocks/1", 1, error); }
static gw_status do_rename(pair *drafts, gw_error *error) { return by_rule(drafts, "w$|^model", 2, error); }
static gw_status do_select(pair *drafts, gw_error *error) { return by_rule(drafts, "also", 3, error); }
static gw_status do_paths(pair *drafts, gw_error *error) { return by_rule(drafts, "", 4, error); }
static gw_status do_slots(pair *drafts, gw_error *error) {
  gw_slot_entry *slots;
  size_t count;
  gw_status status = gw_draft_slots(drafts->draft, at_path(drafts->draft, "optimizer"), &slots, &count, error);
  CHECK((status == GW_OK) == (slots != NULL));
  gw_free(slots);
  return status;
}
static gw_status do_path(pair *drafts, gw_error *error) {
  char *path;
  gw_status status = gw_draft_node_path(drafts->draft, at_path(drafts->draft, "model/blocks/3/w"), &path, error);
  CHECK((status == GW_OK) == (path != NULL));
  gw_free(path);
  return status;
}

static gw_draft *shared(void) {
  gw_draft *draft = trained();
  link_to(draft, 0, "also", at_path(draft, "model/blocks/2"));
  uint32_t old = object(draft, 0, "old");
  gwt_must(gw_draft_set_slot(draft, old, at_path(draft, "model/blocks/2/w"), "momentum", 8, gwt_some_tensor(), NULL, NULL) == GW_OK);
  reorder(draft, "model/blocks", 1, 0, 2, 3);
  return draft;
}

/* The bytes and names that the draft would be written with. */
static void snapshot(gw_draft *draft, gw_buf *out) {
  gwt_must(gw_draft_settle(draft, NULL) == GW_OK);
  gwt_encode(draft, out);
  gw__put_text(out, keys_of(draft));
}

/* Edits that failed have changed nothing, and can be made again, with the same result as if nothing had failed. */
static void try_without_memory(task doing) {
  gw_buf wanted = GW_BUF_INIT, before = GW_BUF_INIT, after = GW_BUF_INIT;
  for (long n = 0;; n++)
    for (int alone = 0; alone < 2; alone++) {
      pair drafts = {shared(), trained()};
      gw_error error = GW_ERROR_INIT;
      gw_status status = GW_OK;
      bool done = false;
      if (doing != do_settle) snapshot(drafts.draft, &before);
      if (n > 0) {
        gw__alloc_fail_at(alone ? -n : n);
        status = doing(&drafts, &error);
        done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        CHECK(status == (error.status) && (status == GW_NO_MEMORY || status == GW_OK));
        if (done) CHECK(status == GW_OK);
      }
      if (status != GW_OK && doing != do_settle) {
        snapshot(drafts.draft, &after);
        CHECK(gwt_same_bytes(&before, &after));
      }
      if (status != GW_OK || n == 0) CHECK(doing(&drafts, &error) == GW_OK);
      snapshot(drafts.draft, n == 0 ? &wanted : &after);
      if (n > 0 && !CHECK(gwt_same_bytes(&wanted, &after))) fprintf(stderr, "  %s\n  allocation %ld, alone %d\n", keys_of(drafts.draft), n, alone);
      gw_draft_release(drafts.draft);
      gw_draft_release(drafts.from);
      if (n == 0 || (done && alone) || n > 3000) {
        CHECK(n <= 3000);
        if (n == 0) break;
        gw__buf_free(&wanted);
        gw__buf_free(&before);
        gw__buf_free(&after);
        return;
      }
    }
}

static void edits_without_memory(void) {
  static const task all[] = {do_link, do_unlink, do_rename_child, do_reorder, do_order, do_set_root, do_set_slot, do_full_name,
                             do_set_tensor, do_copy_node, do_settle, do_copy, do_drop, do_keep_only, do_rename, do_select,
                             do_paths, do_slots, do_path};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    unsigned before = gwt_wrong;
    try_without_memory(all[i]);
    if (gwt_wrong > before) fprintf(stderr, "  in task %zu\n", i);
  }
}

/* ---- Graphs that mean harm */

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t peak_memory(void) { /* in KB */
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (size_t)usage.ru_maxrss;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 1
#endif
#ifdef SLOWER
enum { DEPTH = 10000, MANY = 20000, MOST_SECONDS = 60, MOST_MEGABYTES = 4000 };
#else
enum { DEPTH = 100000, MANY = 1000000, MOST_SECONDS = 20, MOST_MEGABYTES = 1500 };
#endif

static void put_varint(gw_buf *out, uint64_t value) {
  for (; value > 127; value >>= 7) gw__put_u8(out, (uint8_t)(value & 127) | 128);
  gw__put_u8(out, (uint8_t)value);
}

static void put_field(gw_buf *out, int number, const gw_buf *content) {
  put_varint(out, (uint64_t)number << 3 | 2);
  put_varint(out, content->size);
  gw__put_bytes(out, content->data, content->size);
}

static void put_edge(gw_buf *node, uint32_t child, const char *name) {
  gw_buf edge = GW_BUF_INIT;
  put_varint(&edge, 1 << 3);
  put_varint(&edge, child);
  put_varint(&edge, 2 << 3 | 2);
  put_varint(&edge, strlen(name));
  gw__put_text(&edge, name);
  put_field(node, 1, &edge);
  gw__buf_free(&edge);
}

static void put_value(gw_buf *node, const char *full_name) {
  gw_buf attribute = GW_BUF_INIT;
  gw__put_text(&attribute, "\x0a\x0e" "VARIABLE_VALUE");
  put_varint(&attribute, 2 << 3 | 2);
  put_varint(&attribute, strlen(full_name));
  gw__put_text(&attribute, full_name);
  put_field(node, 2, &attribute);
  gw__buf_free(&attribute);
}

static void end_node(gw_buf *graph, gw_buf *node) {
  put_field(graph, 1, node);
  gw__buf_clear(node);
}

static gw_draft *draft_of_bytes(gw_buf *bytes) {
  gw_graph *graph = NULL;
  CHECK(gw_graph_decode(bytes->data, bytes->size, &graph, NULL) == GW_OK);
  gw__buf_free(bytes);
  gwt_must(graph != NULL);
  return gwt_draft_of_graph(graph);
}

/* A chain in which every object has a variable: its keys together grow with the square of the depth. */
static void deep_chains_end_in_an_error(void) {
  gw_buf bytes = GW_BUF_INIT, node = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_span *paths;
  char *memory;
  size_t count;
  for (uint32_t i = 0; i < DEPTH; i++) {
    put_edge(&node, i + 1, "a rather long name");
    put_value(&node, "");
    end_node(&bytes, &node);
  }
  end_node(&bytes, &node);
  gw_draft *draft = draft_of_bytes(&bytes);
  gw_regex *regex = regex_of("x$");
  gw_rename_pair rule = {regex, gwt_span("y")};
  CHECK(gw_draft_settle(draft, &error) == GW_LIMIT);
  CHECK(gw_draft_rename_regex(draft, &rule, 1, NULL, &count, &error) == GW_LIMIT);
  CHECK(gw_draft_edge_paths(draft, &paths, &count, &memory, &error) == GW_LIMIT);
  CHECK(gw_draft_set_root(draft, DEPTH - 100, false, NULL, NULL) == GW_OK); /* what is left is fine */
  CHECK(gw_draft_settle(draft, &error) == GW_OK && gw_draft_count(draft) == 100);
  gw_regex_free(regex);
  gw__buf_free(&node);
  gw_draft_release(draft);
}

static void a_million_children(void) {
  gw_buf bytes = GW_BUF_INIT, node = GW_BUF_INIT;
  for (uint32_t i = 0; i < MANY; i++) {
    char name[16];
    snprintf(name, sizeof name, "n%u", i);
    put_edge(&node, i % 2 + 1, name);
  }
  end_node(&bytes, &node);
  put_value(&node, "");
  end_node(&bytes, &node);
  put_edge(&node, 0, "up");
  end_node(&bytes, &node);
  gw_draft *draft = draft_of_bytes(&bytes);
  for (size_t i = 0; i < 100; i++) {
    char name[16];
    snprintf(name, sizeof name, "m%zu", i);
    CHECK(gw_draft_rename_child(draft, 0, i * 2, name, strlen(name), "rename", NULL) == GW_OK);
    CHECK(gw_draft_link(draft, 0, name, strlen(name), 2, "link", NULL) == GW_OK);
    CHECK(gw_draft_unlink(draft, 0, gw_draft_find_child(draft, 0, name, strlen(name)), "unlink", NULL) == GW_OK);
  }
  CHECK(draft->graph->nodes[0].edge_count == MANY - 100);
  CHECK(gw_draft_settle(draft, NULL) == GW_OK && gw_draft_count(draft) == 1);
  gw__buf_free(&node);
  gw_draft_release(draft);
}

/* Duplicates: no rule can tell them apart; the graph can be edited until they are gone. */
static void names_that_stand_twice(void) {
  gw_buf bytes = GW_BUF_INIT, node = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  for (int i = 0; i < 40; i++) put_edge(&node, (uint32_t)i % 2 + 1, "x");
  end_node(&bytes, &node);
  for (int i = 0; i < 2; i++) {
    put_value(&node, "");
    end_node(&bytes, &node);
  }
  gw_draft *draft = draft_of_bytes(&bytes);
  CHECK(gw_draft_settle(draft, &error) == GW_INVALID);
  CHECK_TEXT(error.key, "x/.ATTRIBUTES/VARIABLE_VALUE");
  for (int i = 0; i < 39; i++) unlink_from(draft, 0, "x");
  CHECK_TEXT(keys_of(draft), "x");
  gw__buf_free(&node);
  gw_draft_release(draft);
}

/* Lists that look like an optimizer's, met again and again; full names of slashes. */
static void optimizers_that_are_none(void) {
  gw_buf bytes = GW_BUF_INIT, node = GW_BUF_INIT;
  enum { LONG = MANY / 50, LISTS = MANY / 50 };
  char *slashes = malloc(MANY + 1);
  gwt_must(slashes != NULL);
  memset(slashes, '/', MANY);
  slashes[MANY] = '\0';
  for (uint32_t i = 0; i < LISTS; i++) {
    char name[16];
    snprintf(name, sizeof name, "o%u", i);
    put_edge(&node, 2 + (i < 2 ? 0 : 1), name);
  }
  end_node(&bytes, &node); /* 0: the root, to 2 and many times to 3 */
  put_value(&node, slashes);
  end_node(&bytes, &node); /* 1: a variable */
  put_edge(&node, 4, "_variables");
  put_edge(&node, 1, "_iterations");
  put_edge(&node, 4, "_momentums");
  end_node(&bytes, &node); /* 2: an optimizer */
  for (uint32_t i = 0; i < LONG; i++) {
    char name[16];
    snprintf(name, sizeof name, "%u", i);
    put_edge(&node, 1, name);
  }
  end_node(&bytes, &node); /* 3: a list of the model's */
  for (uint32_t i = 0; i < LONG; i++) {
    char name[16];
    snprintf(name, sizeof name, "%u", i);
    put_edge(&node, i ? 1 : 1, i == LONG - 1 ? "x" : name);
  }
  end_node(&bytes, &node); /* 4: nearly a list */
  for (uint32_t i = 0; i < LISTS; i++) {
    put_edge(&node, 4, "_variables");
    put_edge(&node, 1, "_iterations");
    put_edge(&node, 4, "_momentums");
    end_node(&bytes, &node);
  }
  gw_draft *draft = draft_of_bytes(&bytes);
  CHECK(gw_draft_settle(draft, NULL) == GW_OK && gw_draft_count(draft) == 1);
  gw__buf_free(&node);
  free(slashes);
  gw_draft_release(draft);
}

/* Every variable is reached in more ways than anybody could look at. */
static void too_many_ways(void) {
  gw_buf bytes = GW_BUF_INIT, node = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  for (uint32_t i = 0; i < 40; i++) {
    put_edge(&node, i + 1, "a");
    put_edge(&node, i + 1, "b");
    if (i > 0) put_value(&node, "");
    end_node(&bytes, &node);
  }
  end_node(&bytes, &node);
  gw_draft *draft = draft_of_bytes(&bytes);
  CHECK(drop(draft, "nothing like this", &error) == GW_LIMIT);
  CHECK(gw_draft_count(draft) == 39);
  gw__buf_free(&node);
  gw_draft_release(draft);
}

/* A ladder that is deep, with a second way to its foot: all variables together would take hours. */
static void many_long_ways(void) {
  gw_buf bytes = GW_BUF_INIT, node = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  for (uint32_t i = 0; i < DEPTH / 5; i++) {
    put_edge(&node, i + 1, "a");
    if (i == 0) put_edge(&node, i + 1, "b");
    if (i > 0) put_value(&node, "");
    end_node(&bytes, &node);
  }
  end_node(&bytes, &node);
  gw_draft *draft = draft_of_bytes(&bytes);
  gw_status status = drop(draft, "nothing like this", &error);
  CHECK(status == GW_LIMIT || (DEPTH < 100000 && status == GW_OK));
  gw__buf_free(&node);
  gw_draft_release(draft);
}

static void harm_is_bounded(void) {
  static void (*const all[])(void) = {deep_chains_end_in_an_error, a_million_children, names_that_stand_twice,
                                      optimizers_that_are_none, too_many_ways, many_long_ways};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    double start = seconds();
    all[i]();
    CHECK(seconds() - start < MOST_SECONDS || getenv("VALGRIND"));
    if (getenv("SHOW")) fprintf(stderr, "harm %zu: %.2f s, %zu MB at the peak\n", i, seconds() - start, peak_memory() / 1024);
    CHECK(peak_memory() / 1024 < MOST_MEGABYTES);
  }
}

int main(void) {
  RUN(edges_like_a_model);
  RUN(keys_follow_from_the_structure);
  RUN(what_cannot_be_saved_leaves_the_names_as_they_were);
  RUN(texts_in_the_graph_are_utf8);
  RUN(a_slot_of_a_variable_that_is_gone_is_no_value);
  RUN(a_root_that_is_a_variable_stays);
  RUN(copies_share);
  RUN(lists_follow_their_variables);
  RUN(lists_follow_names_that_are_numbers);
  RUN(variables_that_come_back_have_their_entries_back);
  RUN(copied_optimizers_follow_too);
  RUN(lists_edited_by_hand_are_left_alone);
  RUN(edits_without_memory);
  RUN(harm_is_bounded);
  return gwt_finish();
}

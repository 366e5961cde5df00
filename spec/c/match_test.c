/* core/graph/match.c, name.c, lookup.c: what is bound to what, and what TensorFlow's assertions say of it.
 * spec/tensorflow/match_test.py asks TensorFlow itself, in files. */
#include "../../core/graph/match.h"

#include <stdio.h>
#include <time.h>

#include "../../core/base/alloc.h"
#include "../../core/base/buf.h"
#include "../../core/graph/lookup.h"
#include "check.h"
#include "graph_make.h"

static gw_graph *source, *target;
static gw_match *match;
static const char *spec_folder;

static bool match_with(const char *from, const char *into, gw_match_options options) {
  gw_error error = GW_ERROR_INIT;
  source = gwt_graph(from);
  target = gwt_graph(into);
  match = NULL;
  if (!CHECK(source && target)) return false;
  if (CHECK(gw_graph_match(source, target, &options, &match, &error) == GW_OK)) return true;
  fprintf(stderr, "  %s\n", error.what);
  return false;
}

static bool make(const char *from, const char *into) { return match_with(from, into, (gw_match_options)GW_MATCH_OPTIONS_INIT); }

static void end(void) {
  gw_match_free(match);
  gw_graph_free(source);
  gw_graph_free(target);
}

static unsigned events_of(gw_match_kind kind) {
  unsigned count = 0;
  gw_match_event event;
  for (size_t i = 0; i < gw_match_events(match); i++) {
    gw_match_event_at(match, i, &event);
    count += event.kind == kind;
  }
  return count;
}

static uint32_t object_of(gw_match_kind kind) {
  gw_match_event event;
  for (size_t i = 0; i < gw_match_events(match); i++) {
    gw_match_event_at(match, i, &event);
    if (event.kind == kind) return event.object;
  }
  return GW_NO_NODE;
}

/* Two letters: consumed, existing. */
static bool says(const char *from, const char *into, const char *answer) {
  char found[3] = "--";
  if (make(from, into)) {
    found[0] = gw_match_consumed(match) ? 'c' : '-';
    found[1] = gw_match_existing(match) ? 'e' : '-';
  }
  end();
  return CHECK_TEXT(found, answer);
}

static void objects_are_matched_by_the_names_of_their_edges(void) {
  says("a>1 b>2;=a;=b", "b>1 a>2;=x;=y", "ce");
  says("a>1 b>2;=a;=b", "a>1;=a", "-e");
  says("a>1;=a", "a>1 b>2;=a;=b", "--");
  says("a>1;=a", "b>1;=a", "--");
  if (make("a>1 b>2;=a;=b", "b>1 a>2;=x;=y")) {
    CHECK(gw_match_object(match, 1) == 2 && gw_match_object(match, 2) == 1);
    CHECK(gw_match_origin(match, 1) == 2 && gw_match_origin(match, 0) == 0);
  }
  end();
}

static void cycles_and_sharing_end(void) {
  says("self>0 a>1;up>0 v>2;=v", "self>0 a>1;up>0 v>2;=v", "ce");
  says("a>1 b>1;v>2;=v", "a>1 b>1;v>2;=v", "ce");
}

static void what_was_bound_first_stays_bound(void) {
  /* Saved as one object, now two: the second gets nothing. */
  says("a>1 b>1;=v", "a>1 b>2;=v;=w", "--");
  if (make("a>1 b>1;=v", "a>1 b>2;=v;=w")) CHECK(events_of(GW_MATCH_DIVIDED) == 1 && object_of(GW_MATCH_DIVIDED) == 2);
  end();
  /* Saved as two, now one: it takes the first value, and both count as matched. */
  says("a>1 b>2;=v;=w", "a>1 b>1;=v", "ce");
  if (make("a>1 b>2;=v;=w", "a>1 b>1;=v")) CHECK(gw_match_origin(match, 1) == 1 && events_of(GW_MATCH_SHARED) == 1);
  end();
  /* The shorter way first: breadth-first. */
  if (make("a>1 s>3;b>2;s>3;=v", "a>1 s>4;b>2;s>3;=v;=w")) CHECK(gw_match_object(match, 3) == 4);
  end();
}

static void empty_objects_ask_for_nothing(void) {
  says("a>1;=a", "a>1 list>2 module>3;=a;;", "ce");
  says("a>1 list>2;=a;", "a>1;=a", "ce");
}

static void a_value_that_nobody_takes_is_unused(void) {
  says("a>1;=a", "a>1;", "-e");
  if (make("a>1;=a =b", "a>1;")) CHECK(events_of(GW_MATCH_UNUSED) == 2);
  end();
  /* The other way round nothing notices. */
  says("a>1;", "a>1;=a", "ce");
  if (make("a>1;", "a>1;=a")) CHECK(events_of(GW_MATCH_NO_VALUE) == 1);
  end();
}

static void restore_makes_a_save_counter(void) {
  says("a>1 save_counter>2;=a;=c", "a>1 save_counter>2;=a;=c", "ce");
  says("a>1;=a", "a>1 save_counter>2;=a;=c", "--");
  says("a>1 save_counter>2;=a;=c", "a>1;=a", "-e");
  /* --as read: the counter that the target's file has would not be there. */
  if (match_with("a>1;=a", "a>1 save_counter>2;=a;=c", (gw_match_options){sizeof(gw_match_options), GW_MATCH_READ, GW_NO_NODE, GW_NO_NODE}))
    CHECK(gw_match_consumed(match));
  end();
  /* --as restore: one is made. */
  if (match_with("a>1 save_counter>2;=a;=c", "a>1;=a", (gw_match_options){sizeof(gw_match_options), GW_MATCH_RESTORE, GW_NO_NODE, GW_NO_NODE})) {
    CHECK(gw_match_consumed(match) && gw_match_object(match, 2) == 2 && events_of(GW_MATCH_MADE) == 1);
    CHECK(gw__match_made(match, 2)->optimizer == GW_NO_NODE);
  }
  end();
  if (match_with("a>1;=a", "a>1;=a", (gw_match_options){sizeof(gw_match_options), GW_MATCH_RESTORE, GW_NO_NODE, GW_NO_NODE}))
    CHECK(!gw_match_existing(match) && object_of(GW_MATCH_MISSING) == 2);
  end();
  /* What says that it has no value is not waited for. */
  says("a>1 save_counter>2;=a;=c -", "a>1 save_counter>2;=a;=c", "--");
}

static void objects_beside_a_root_come_after_it(void) {
  /* Checkpoint(m, z=..): m.a.s is reached before z, though z's path is shorter. */
  if (make("a>1 z>2;s>2;=s", "a>1 root>0 z>3;s>2;=s;=z")) CHECK(gw_match_object(match, 2) == 2);
  end();
  says("a>1 k>2;=a;=k", "a>1 k>2 root>0;=a;=k", "ce");
  /* What the source calls root is not the target's. */
  says("a>1 root>2;=a;x>3;=x", "a>1 root>0 x>2;=a;=x", "--");
}

static void slots_follow_variable_and_optimizer(void) {
  const char *adam = "o>1 v>2;iter>3 m@2>4 v@2>5;=v;=i;=m;=n";
  says(adam, adam, "ce");
  says(adam, "o>1;iter>2;=i", "-e");                       /* no variable */
  says(adam, "v>1;=v", "-e");                              /* no optimizer */
  says("o>1 v>2;m@2>3;=v;=m", "o>1 v>2;m@2>3 w@2>4;=v;=m;=w", "--");
  /* Made on the spot: an optimizer that has worked on nothing yet. */
  if (make(adam, "o>1 v>2;iter>3;=v;=i")) {
    CHECK(gw_match_consumed(match) && events_of(GW_MATCH_MADE) == 2);
    CHECK(gw__match_made(match, object_of(GW_MATCH_MADE))->optimizer == 1);
  }
  end();
  /* Of TensorFlow 1: nothing at all is there. */
  if (make("o>1 v>2;momentum@2>3;=v;=m", "o>1 v>2;;=v"))
    CHECK(gw_match_consumed(match) && events_of(GW_MATCH_GUESSED) == 1 && events_of(GW_MATCH_MADE) == 1);
  end();
  /* Two saved variables are one: the slot takes the first value. */
  if (make("a>1 b>2 o>3;=a;=b;m@1>4 m@2>5;=ma;=mb", "a>1 b>1 o>2;=a;m@1>3;=m"))
    CHECK(gw_match_consumed(match) && gw_match_origin(match, 3) == 4 && gw_match_object(match, 5) == 3);
  end();
}

static void optimizers_of_another_kind_raise_or_are_passed_over(void) {
  says("o>1 v>2;m@2>3;=v;=m", "o>1 v>2;_variables>3 _iterations>4;=v;0>4;=i", "--");
  if (make("o>1 v>2;m@2>3;=v;=m", "o>1 v>2;_variables>3 _iterations>4;=v;0>4;=i")) CHECK(events_of(GW_MATCH_NEW_KERAS) == 1);
  end();
  says("o>1 v>2;m@2>3 x>4;=v;=m;=x", "o>1 v>2;x>3;=v;=x", "-e");
  if (make("o>1 v>2;m@2>3 x>4;=v;=m;=x", "o>1 v>2;x>3;=v;=x")) CHECK(events_of(GW_MATCH_SLOTS_IGNORED) == 1);
  end();
  /* The variable came first, and nobody looks what waits: AttributeError. */
  if (make("v>1 d>2;=v;o>3;m@1>4 x>5;=m;=x", "v>1 d>2;=v;o>3;x>4;=x"))
    CHECK(!gw_match_existing(match) && events_of(GW_MATCH_NOT_OPTIMIZER) == 1);
  end();
}

static void slots_of_what_is_no_variable_raise(void) {
  says("o>1 v>2;m@2>3;=v;=m", "o>1 v>2 w>3;m@3>4;;=w;=m", "--");
  if (make("o>1 v>2;m@2>3;=v;=m", "o>1 v>2 w>3;m@3>4;;=w;=m")) CHECK(object_of(GW_MATCH_NOT_VARIABLE) == 2);
  end();
}

static void what_the_order_beside_a_root_may_change_is_said(void) {
  /* a, b and root are sorted: b may be a child of its own or one that was given beside it. */
  if (make("a>1 b>2;x>3;;=x", "a>1 b>2 root>0;x>3;;=x")) CHECK(events_of(GW_MATCH_ATTACHED) == 0);
  end();
  if (make("a>1 b>2;s>2;=s", "a>1 b>3 root>0;s>2;=s;=t")) CHECK(events_of(GW_MATCH_ATTACHED) == 1 && gw_match_object(match, 2) == 3);
  end();
  if (make("z>1 b>2;s>2;=s", "z>1 root>0 z2>3;s>2;=s;=t")) CHECK(events_of(GW_MATCH_ATTACHED) == 0);
  end();
}

static void parts_can_be_restored_alone(void) {
  gw_match_options options = {sizeof options, GW_MATCH_AUTO, 1, 2};
  if (match_with("m>1 w>3 save_counter>4;v>2;=v;=w;=c", "x>1 n>2 save_counter>4;=x;v>3;=v;=c", options))
    CHECK(gw_match_consumed(match) && gw_match_object(match, 2) == 3 && gw_match_object(match, 0) == GW_NO_NODE);
  end();
}

static void nodes_out_of_range_are_refused(void) {
  gw_match *none;
  gw_error error = GW_ERROR_INIT;
  gw_graph *graph = gwt_graph("a>1;=a");
  gw_match_options options = {sizeof options, GW_MATCH_AUTO, GW_NO_NODE, 2};
  CHECK(gw_graph_match(graph, graph, &options, &none, &error) == GW_INVALID && !none);
  gw_graph_free(graph);
}

static void objects_are_named_as_in_messages_of_tensorflow(void) {
  gw_graph *graph = gwt_graph("model>1 o>3;layer-0>2;=v;m@2>4;=m;x>0");
  gw_naming naming;
  gw_buf text = GW_BUF_INIT;
  if (!CHECK(gw__naming_start(graph, &naming, NULL) == GW_OK)) return;
  static const char *const names[] = {"(root)", "(root).model", "(root).model.layer-0", "(root).o", "(root).o's state 'm' for (root).model.layer-0",
                                      "(node 5, which the root does not reach)"};
  for (uint32_t i = 0; i < 6; i++) {
    gw__buf_clear(&text);
    gw__naming_put(&naming, i, &text);
    gw__put_u8(&text, 0);
    CHECK_TEXT((const char *)text.data, names[i]);
  }
  gw__buf_free(&text);
  gw__naming_end(&naming);
  gw_graph_free(graph);
}

/* ---- Large and hostile */

static gw_graph *decode(gwt_bytes *bytes) {
  gw_graph *graph;
  CHECK(gw_graph_decode(bytes->data, bytes->size, &graph, NULL) == GW_OK);
  free(bytes->data);
  return graph;
}

enum { MANY = 100000 };

/* A chain, each with a variable. */
static gw_graph *chain(void) {
  gwt_bytes all = {NULL, 0, 0};
  for (unsigned i = 0; i < MANY; i++) {
    gwt_bytes node = {NULL, 0, 0};
    char key[40];
    if (i + 1 < MANY) gwt_put_edge(&node, "next", 4, i + 1);
    snprintf(key, sizeof key, "%u/.ATTRIBUTES/VARIABLE_VALUE", i);
    gwt_put_attribute(&node, key, strlen(key));
    gwt_put_field(&all, 1, node.data, node.size);
    free(node.data);
  }
  return decode(&all);
}

static gw_graph *star(bool slots) {
  gwt_bytes all = {NULL, 0, 0}, root = {NULL, 0, 0};
  char name[40];
  for (unsigned i = 1; i < MANY; i++) gwt_put_edge(&root, name, (size_t)snprintf(name, sizeof name, "v%u", i), slots ? 1 : i);
  for (unsigned i = 2; slots && i < MANY; i++) gwt_put_slot(&root, name, (size_t)snprintf(name, sizeof name, "s%u", i), 1, i);
  gwt_put_field(&all, 1, root.data, root.size);
  for (unsigned i = 1; i < MANY; i++) {
    gwt_bytes node = {NULL, 0, 0};
    snprintf(name, sizeof name, "v%u/.ATTRIBUTES/VARIABLE_VALUE", i);
    gwt_put_attribute(&node, name, strlen(name));
    gwt_put_field(&all, 1, node.data, node.size);
    free(node.data);
  }
  free(root.data);
  return decode(&all);
}

/* Of the processor: a machine with other work must not fail this. */
static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void is_quick(gw_graph *graph, bool consumed) {
  gw_naming naming;
  double start = seconds();
  if (CHECK(gw_graph_match(graph, graph, NULL, &match, NULL) == GW_OK)) CHECK(gw_match_consumed(match) == consumed);
  CHECK(seconds() - start < 5);
  gw_match_free(match);
  start = seconds();
  if (CHECK(gw__naming_start(graph, &naming, NULL) == GW_OK)) {
    gw_buf text = GW_BUF_INIT;
    for (uint32_t i = 0; i < MANY; i++) {
      gw__buf_clear(&text);
      gw__naming_put(&naming, i, &text);
    }
    CHECK(text.size < 4000);
    gw__buf_free(&text);
    gw__naming_end(&naming);
  }
  CHECK(seconds() - start < 20);
  gw_graph_free(graph);
}

static void a_hundred_thousand_nodes_take_moments(void) {
  is_quick(chain(), true);
  is_quick(star(false), true);
  is_quick(star(true), true);
}

#ifdef GW_FAULTS
static void memory_that_runs_out_is_an_error(void) {
  source = gwt_graph("o>1 v>2 a>6;iter>3 m@2>4 v@2>5;=v;=i;=m;=n;s>2");
  target = gwt_graph("o>1 v>2 a>4 root>0;iter>3;=v;=i;s>5;=t");
  for (long n = 1, failed = 1; failed; n++) {
    gw_error error = GW_ERROR_INIT;
    gw_naming naming;
    gw__alloc_fail_at(n);
    gw_status status = gw_graph_match(source, target, NULL, &match, &error);
    failed = status != GW_OK;
    CHECK(failed ? status == GW_NO_MEMORY && !match && error.status == GW_NO_MEMORY : match != NULL);
    gw__alloc_fail_at(0);
    gw_match_free(match);
    gw__alloc_fail_at(n);
    status = gw__naming_start(source, &naming, &error);
    gw__alloc_fail_at(0);
    if (status == GW_OK) gw__naming_end(&naming);
    else CHECK(status == GW_NO_MEMORY);
  }
  gw_graph_free(source);
  gw_graph_free(target);
}

static gw_draft *open_draft(const char *name) {
  char prefix[1024];
  gw_bundle *bundle;
  gw_draft *draft = NULL;
  snprintf(prefix, sizeof prefix, "%s/fixtures/valid/guide/%s", spec_folder, name);
  if (!CHECK(gw_bundle_open(prefix, &bundle, NULL) == GW_OK)) return NULL;
  CHECK(gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  gw_bundle_release(bundle);
  return draft;
}

/* Each pair of kinds; the drafts are new each time, so that their graphs are decoded in it. */
static void restoring_without_memory_is_an_error(void) {
  static const char *const pairs[][2] = {{"tf2-lists-1", "tf2-ckpt-1"}, {"tf1-ckpt", "tf2-lists-1"}, {"tf2-lists-1", "tf1-ckpt"}, {"tf1-ckpt", "tf1-ckpt"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    for (long n = 1, failed = 1; failed; n++) {
      gw_error error = GW_ERROR_INIT;
      gw_report *report;
      gw_draft *from = open_draft(pairs[i][0]), *into = open_draft(pairs[i][1]);
      if (!from || !into) return;
      gw__alloc_fail_at(n);
      gw_status status = gw_draft_restore(into, from, NULL, "line:1", &report, &error);
      gw__alloc_fail_at(0);
      failed = status != GW_OK;
      CHECK(failed ? status == GW_NO_MEMORY && !report && error.status == GW_NO_MEMORY : report != NULL);
      gw_report_free(report);
      gw_draft_release(from);
      gw_draft_release(into);
    }
}
#endif

static void lookups_keep_their_values(void) {
  gw_lookup lookup = {0};
  char names[1000][8], name[8];
  for (uint32_t i = 0; i < 1000; i++) {
    gw_span kept = {names[i], (size_t)snprintf(names[i], sizeof names[i], "%u", i)};
    CHECK(gw__lookup_set(&lookup, i % 7, i % 3, kept, i, NULL) == GW_OK);
  }
  for (uint32_t i = 0; i < 1000; i++) {
    gw_span wanted = {name, (size_t)snprintf(name, sizeof name, "%u", i)};
    CHECK(gw__lookup_get(&lookup, i % 7, i % 3, wanted) == i);
    CHECK(gw__lookup_get(&lookup, i % 7 + 1, i % 3, wanted) == GW_NOT_THERE);
  }
  CHECK(gw__lookup_set(&lookup, 5 % 7, 5 % 3, (gw_span){"5", 1}, 77, NULL) == GW_OK);
  CHECK(gw__lookup_get(&lookup, 5, 2, (gw_span){"5", 1}) == 77);
  gw__lookup_free(&lookup);
}

int main(int argc, char **argv) {
  spec_folder = argc > 1 ? argv[1] : "spec";
  RUN(objects_are_matched_by_the_names_of_their_edges);
  RUN(cycles_and_sharing_end);
  RUN(what_was_bound_first_stays_bound);
  RUN(empty_objects_ask_for_nothing);
  RUN(a_value_that_nobody_takes_is_unused);
  RUN(restore_makes_a_save_counter);
  RUN(objects_beside_a_root_come_after_it);
  RUN(slots_follow_variable_and_optimizer);
  RUN(optimizers_of_another_kind_raise_or_are_passed_over);
  RUN(slots_of_what_is_no_variable_raise);
  RUN(what_the_order_beside_a_root_may_change_is_said);
  RUN(parts_can_be_restored_alone);
  RUN(nodes_out_of_range_are_refused);
  RUN(objects_are_named_as_in_messages_of_tensorflow);
  RUN(a_hundred_thousand_nodes_take_moments);
#ifdef GW_FAULTS
  RUN(memory_that_runs_out_is_an_error);
  RUN(restoring_without_memory_is_an_error);
#endif
  RUN(lookups_keep_their_values);
  return gwt_finish();
}

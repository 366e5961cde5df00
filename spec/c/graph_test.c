/* core/graph: what Lua cannot reach. Arguments: the spec folder, a scratch folder. */
#include "../../core/godwit.h"

#include <stdlib.h>

#include "check.h"

static const char *spec_folder;

/* The vector of FORMAT.md, appendix C: Checkpoint(d=Variable(1), v=Variable([1., 2.], name="q")). */
static const char vector[] =
    "\x0a\x12\x0a\x05\x08\x01\x12\x01" "d" "\x0a\x05\x08\x02\x12\x01" "v" "\x2a\x02\x08\x01"
    "\x0a\x3e\x12\x38\x0a\x0e" "VARIABLE_VALUE" "\x12\x08" "Variable" "\x1a\x1c" "d/.ATTRIBUTES/VARIABLE_VALUE" "\x2a\x02\x08\x01"
    "\x0a\x37\x12\x31\x0a\x0e" "VARIABLE_VALUE" "\x12\x01" "q" "\x1a\x1c" "v/.ATTRIBUTES/VARIABLE_VALUE" "\x2a\x02\x08\x01";

static bool comes_back(const void *bytes, size_t size) {
  gw_graph *graph;
  void *again;
  size_t length;
  gw_error error = GW_ERROR_INIT;
  if (!CHECK(gw_graph_decode(bytes, size, &graph, &error) == GW_OK)) {
    fprintf(stderr, "  %s\n", error.what);
    return false;
  }
  bool same = gw_graph_encode(graph, &again, &length, &error) == GW_OK && length == size && memcmp(again, bytes, size) == 0;
  gw_free(again);
  gw_graph_free(graph);
  return same;
}

static void the_vector_is_read_and_written(void) {
  gw_graph *graph;
  gw_node_info node;
  gw_span name;
  uint32_t child;
  gw_attribute_info attribute;
  if (!CHECK(gw_graph_decode(vector, sizeof vector - 1, &graph, NULL) == GW_OK)) return;
  CHECK(gw_graph_nodes(graph) == 3);
  gw_graph_node(graph, 0, &node);
  CHECK(node.children == 2 && node.attributes == 0 && node.slots == 0 && !node.has_saver);
  gw_graph_child(graph, 0, 1, &name, &child);
  CHECK_TEXT(name.data, "v");
  CHECK(child == 2);
  gw_graph_attribute(graph, 2, 0, &attribute);
  CHECK_TEXT(attribute.full_name.data, "q");
  CHECK_TEXT(attribute.key.data, "v/.ATTRIBUTES/VARIABLE_VALUE");
  gw_graph_free(graph);
  CHECK(comes_back(vector, sizeof vector - 1));
}

static void every_graph_of_the_fixtures_comes_back(void) {
  static const char *const names[] = {"converted-tf1-to-tf2-1", "keras-attribute-1", "keras-checkpoint-write", "keras-weights",
                                      "root-tf2-ckpt-1", "tf2-ckpt-1", "tf2-ckpt-saved-in-session-1", "tf2-lists-1",
                                      "est-tf2/model.ckpt-0", "est-tf2/model.ckpt-1"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char prefix[1024];
    gw_bundle *bundle;
    gw_tensor *tensor;
    gw_span *strings;
    char *memory;
    size_t index;
    snprintf(prefix, sizeof prefix, "%s/fixtures/valid/guide/%s", spec_folder, names[i]);
    if (!CHECK(gw_bundle_open(prefix, &bundle, NULL) == GW_OK)) continue;
    CHECK(gw_bundle_find(bundle, "_CHECKPOINTABLE_OBJECT_GRAPH", 28, &index));
    CHECK(gw_bundle_tensor(bundle, index, &tensor, NULL) == GW_OK);
    if (CHECK(gw_tensor_read_strings(tensor, &strings, &memory, NULL) == GW_OK)) {
      CHECK(comes_back(strings[0].data, strings[0].size));
      gw_free(strings);
      gw_free(memory);
    }
    gw_tensor_release(tensor);
    gw_bundle_release(bundle);
  }
}

static void is_refused(const char *bytes, size_t size, const char *what) {
  gw_graph *graph;
  gw_error error = GW_ERROR_INIT;
  CHECK(gw_graph_decode(bytes, size, &graph, &error) == GW_CORRUPT);
  CHECK(graph == NULL);
  CHECK_TEXT(error.what, what);
}

static void damage_is_named(void) {
  is_refused("", 0, "the object graph has no nodes");
  is_refused("\x0a\x05xx", 4, "the object graph is not a TrackableObjectGraph");
  is_refused("\x0a\x07\x0a\x05\x08\x01\x12\x01" "d", 9, "object graph: node 0: a node id is out of range");
  /* id -1: ten bytes of varint */
  is_refused("\x0a\x10\x0a\x0e\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x01" "d", 18, "object graph: node 0: a node id is out of range");
  is_refused("\x0a\x06\x0a\x04\x12\x02\xc0\x80", 8, "object graph: node 0: a name is not UTF-8");
  is_refused("\x0a\x07\x0a\x05\x12\x03\xed\xa0\x80", 9, "object graph: node 0: a name is not UTF-8");
  /* The number 0 in two bytes: of the graph, a node, its child, attribute, slot, saver, value. */
  is_refused("\x80\x80\x00\x01\x0a\x00", 6, "object graph: node 0: a field has the number 0");
  is_refused("\x0a\x03\x80\x00\x01", 5, "object graph: node 0: a field has the number 0");
  for (char field = 1; field <= 5; field++) {
    char bytes[] = {0x0a, 0x05, (char)(field << 3 | 2), 0x03, (char)0x80, 0x00, 0x01};
    is_refused(bytes, sizeof bytes, "object graph: node 0: a field has the number 0");
  }
}

/* Field 6 of a node, field 9 of an attribute: of a TensorFlow to come. */
static void unknown_fields_survive(void) {
  CHECK(comes_back("\x0a\x05\x32\x03" "new", 7));
  CHECK(comes_back("\x0a\x09\x12\x07\x0a\x01" "x" "\x4a\x02" "no", 11));
}

/* Each takes two bytes: the most that a graph can ask for beside its size. */
static void many_empty_nodes_come_back(void) {
  static char nodes[2 * 10000];
  for (size_t i = 0; i < sizeof nodes; i += 2) nodes[i] = 0x0a;
  for (size_t count = 1; count <= sizeof nodes / 2; count = count * 3 / 2 + 1) CHECK(comes_back(nodes, 2 * count));
}

static void an_old_graph_stays_without_the_newer_field(void) { CHECK(comes_back("\x0a\x05\x0a\x03\x12\x01" "s", 7)); }

static void whether_there_are_values_is_computed(void) {
  /* Two nodes; the child has an attribute, and both say false. */
  static const char wrong[] = "\x0a\x09\x0a\x05\x08\x01\x12\x01" "d" "\x2a\x00" "\x0a\x07\x12\x03\x0a\x01" "x" "\x2a\x00";
  static const char right[] = "\x0a\x0b\x0a\x05\x08\x01\x12\x01" "d" "\x2a\x02\x08\x01" "\x0a\x09\x12\x03\x0a\x01" "x" "\x2a\x02\x08\x01";
  gw_graph *graph;
  void *bytes;
  size_t size;
  if (!CHECK(gw_graph_decode(wrong, sizeof wrong - 1, &graph, NULL) == GW_OK)) return;
  CHECK(gw_graph_encode(graph, &bytes, &size, NULL) == GW_OK);
  CHECK(size == sizeof right - 1 && memcmp(bytes, right, size) == 0);
  gw_free(bytes);
  gw_graph_free(graph);
}

static void escapes_and_back(const char *name, const char *part) {
  char *escaped, *plain;
  CHECK(gw_graph_escape(name, strlen(name), &escaped, NULL) == GW_OK);
  CHECK_TEXT(escaped, part);
  CHECK(gw_graph_unescape(escaped, strlen(escaped), &plain, NULL) == GW_OK);
  CHECK_TEXT(plain, name);
  gw_free(escaped);
  gw_free(plain);
}

static void names_are_escaped_as_tensorflow_does(void) {
  escapes_and_back("scoped/c", "scoped.Sc");
  escapes_and_back("a.b", "a..b");
  escapes_and_back("a..b", "a....b");
  escapes_and_back(".S", "..S");
  escapes_and_back("a.Sb", "a..Sb");
  escapes_and_back("a.b/c", "a..b.Sc");
  escapes_and_back(".ATTRIBUTES", "..ATTRIBUTES");
  escapes_and_back("", "");
  escapes_and_back("\xc3\xbc", "\xc3\xbc");
  char *out;
  CHECK(gw_graph_unescape("a.b", 3, &out, NULL) == GW_INVALID);
  CHECK(gw_graph_unescape("a.", 2, &out, NULL) == GW_INVALID);
  CHECK(gw_graph_unescape("a/b", 3, &out, NULL) == GW_INVALID);
}

/* A chain deeper than any stack: nothing here recurses. */
static void depth_is_no_danger(void) {
  enum { DEPTH = 200000 };
  size_t used = 0;
  char *bytes = malloc((size_t)DEPTH * 16);
  if (!CHECK(bytes != NULL)) return;
  for (unsigned i = 1; i <= DEPTH; i++) {
    unsigned char id[5];
    size_t width = 0;
    for (unsigned left = i; width == 0 || left; left >>= 7) id[width++] = (unsigned char)((left & 127) | (left > 127 ? 128 : 0));
    bytes[used++] = 0x0a;
    bytes[used++] = (char)(width + 6);
    bytes[used++] = 0x0a;
    bytes[used++] = (char)(width + 4);
    bytes[used++] = 0x08;
    memcpy(bytes + used, id, width);
    used += width;
    memcpy(bytes + used, "\x12\x01" "x", 3);
    used += 3;
  }
  memcpy(bytes + used, "\x0a\x00", 2);
  used += 2;
  CHECK(comes_back(bytes, used));
  free(bytes);
}

int main(int count, char **arguments) {
  spec_folder = count > 1 ? arguments[1] : "spec";
  RUN(the_vector_is_read_and_written);
  RUN(every_graph_of_the_fixtures_comes_back);
  RUN(damage_is_named);
  RUN(unknown_fields_survive);
  RUN(many_empty_nodes_come_back);
  RUN(an_old_graph_stays_without_the_newer_field);
  RUN(whether_there_are_values_is_computed);
  RUN(names_are_escaped_as_tensorflow_does);
  RUN(depth_is_no_danger);
  return gwt_finish();
}

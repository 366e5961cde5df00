/* libFuzzer target of core/graph/match.c: two object graphs. The input begins with six bytes: node from, node into, mode, and
 * the first graph's length (24 bits, little-endian); then the source's graph, then the target's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/base/buf.h"
#include "../../core/graph/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fine) {
  if (!fine) abort();
}

static size_t check_objects(const gw_match *match, const gw_graph *source, const gw_graph *target) {
  size_t made = 0;
  for (uint32_t i = 0; i < gw_graph_nodes(source); i++) {
    uint32_t object = gw_match_object(match, i);
    if (object == GW_NO_NODE) continue;
    uint32_t origin = gw_match_origin(match, object);
    must(origin < gw_graph_nodes(source) && gw_match_object(match, origin) == object);
    made += object >= gw_graph_nodes(target);
  }
  for (uint32_t i = 0; i < gw_graph_nodes(target); i++) {
    uint32_t origin = gw_match_origin(match, i);
    must(origin == GW_NO_NODE || gw_match_object(match, origin) == i);
  }
  return made;
}

static void name_all(const gw_match *match, const gw_graph *source, const gw_graph *target) {
  gw_naming names[2];
  const gw_graph *graphs[] = {source, target};
  gw_buf text = GW_BUF_INIT;
  for (int side = 0; side < 2; side++) {
    must(gw__naming_start(graphs[side], &names[side], NULL) == GW_OK);
    for (uint32_t i = 0; i < gw_graph_nodes(graphs[side]); i++) {
      gw__buf_clear(&text);
      gw__naming_put(&names[side], i, &text);
      must(!text.failed && text.size > 0 && text.size < 10000);
    }
  }
  for (uint32_t i = 0; i < gw_graph_nodes(source); i++) {
    uint32_t object = gw_match_object(match, i);
    if (object == GW_NO_NODE || object < gw_graph_nodes(target)) continue;
    gw__buf_clear(&text);
    gw__naming_put_object(&names[1], match, object, &text);
    must(!text.failed && text.size > 0 && text.size < 20000);
  }
  gw__buf_free(&text);
  gw__naming_end(&names[0]);
  gw__naming_end(&names[1]);
}

static void check_events(const gw_match *match, const gw_graph *source, const gw_graph *target) {
  bool missing = false, unexpected = false, raises = false;
  for (size_t i = 0; i < gw_match_events(match); i++) {
    gw_match_event event;
    gw_match_event_at(match, i, &event);
    must(event.node == GW_NO_NODE || event.node < gw_graph_nodes(source));
    missing = missing || event.kind == GW_MATCH_MISSING;
    unexpected = unexpected || event.kind == GW_MATCH_UNEXPECTED || event.kind == GW_MATCH_UNUSED || event.kind == GW_MATCH_LEFT_SLOT;
    raises = raises || event.kind == GW_MATCH_NEW_KERAS || event.kind == GW_MATCH_NOT_OPTIMIZER || event.kind == GW_MATCH_NOT_VARIABLE;
    if (event.kind == GW_MATCH_MISSING && event.object < gw_graph_nodes(target))
      must(gw_match_has_object(match, event.object) && gw_match_origin(match, event.object) == GW_NO_NODE);
    if (event.kind == GW_MATCH_UNEXPECTED) must(gw_match_object(match, event.node) == GW_NO_NODE);
  }
  must(gw_match_existing(match) == (!missing && !raises));
  must(!gw_match_consumed(match) || (gw_match_existing(match) && !unexpected));
}

static void match_both(const gw_graph *source, const gw_graph *target, const gw_match_options *options) {
  gw_match *match = NULL, *again = NULL;
  must(gw_graph_match(source, target, options, &match, NULL) == GW_OK);
  must(gw_match_mode_of(match) == GW_MATCH_RESTORE || gw_match_mode_of(match) == GW_MATCH_READ);
  size_t made = check_objects(match, source, target);
  check_events(match, source, target);
  name_all(match, source, target);
  must(gw_graph_match(source, target, options, &again, NULL) == GW_OK);
  must(gw_match_events(again) == gw_match_events(match) && check_objects(again, source, target) == made);
  gw_match_free(match);
  gw_match_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_graph *source = NULL, *target = NULL;
  gw_match_options options = GW_MATCH_OPTIONS_INIT;
  if (size < 6) return 0;
  size_t length = (size_t)data[3] | (size_t)data[4] << 8 | (size_t)data[5] << 16;
  if (length > size - 6) return 0;
  if (gw_graph_decode(data + 6, length, &source, NULL) == GW_OK && gw_graph_decode(data + 6 + length, size - 6 - length, &target, NULL) == GW_OK) {
    options.from = (uint32_t)(data[0] % gw_graph_nodes(source));
    options.into = (uint32_t)(data[1] % gw_graph_nodes(target));
    options.mode = (gw_match_mode)(data[2] % 3);
    match_both(source, target, &options);
    match_both(source, source, NULL);
  }
  gw_graph_free(source);
  gw_graph_free(target);
  return 0;
}

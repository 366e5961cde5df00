/* libFuzzer target of core/bundle/state.c: the input is a `checkpoint` state file. Whatever can be read can be written,
 * reads the same again, and takes an edit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/bundle/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fine) {
  if (!fine) abort();
}

static void must_equal(double a, double b) {
  must(memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b)); /* -0.0 is not 0.0 */
}

static void must_be_same(const gw_state *a, const gw_state *b) {
  must(strcmp(a->latest, b->latest) == 0);
  must(a->path_count == b->path_count && a->timestamp_count == b->timestamp_count);
  for (size_t i = 0; i < a->path_count; i++) must(strcmp(a->paths[i], b->paths[i]) == 0);
  for (size_t i = 0; i < a->timestamp_count; i++) must_equal(a->timestamps[i], b->timestamps[i]);
  must_equal(a->last_preserved, b->last_preserved);
}

/* The text is the shortest and only one for its state: written twice it is the same. */
static void must_come_back(const gw_state *state) {
  gw_buf text = GW_BUF_INIT, again = GW_BUF_INIT;
  gw_state *back = NULL;
  must(gw__state_write(state, &text, NULL) == GW_OK);
  must(gw_state_parse((const char *)text.data, text.size, &back, NULL) == GW_OK);
  must_be_same(state, back);
  must(gw__state_write(back, &again, NULL) == GW_OK);
  must(again.size == text.size && (text.size == 0 || memcmp(again.data, text.data, text.size) == 0));
  gw_state_free(back);
  gw__buf_free(&text);
  gw__buf_free(&again);
}

static void edit(gw_state *state) {
  size_t count = state->path_count;
  const char *name = count > 0 ? state->paths[count / 2] : "ckpt-1";
  gw_error error = GW_ERROR_INIT;
  bool aligned = state->timestamp_count == count;
  if (gw__state_set_latest(state, name, 1795403490.25, &error) != GW_OK) {
    must(error.status == GW_INVALID && error.what[0] && state->path_count == count);
    return;
  }
  must(state->path_count > 0 && state->path_count <= count + 1);
  must(strcmp(state->paths[state->path_count - 1], state->latest) == 0);
  must(state->timestamp_count == (aligned ? state->path_count : 0));
  must_come_back(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_error error = GW_ERROR_INIT;
  gw_state *state = NULL;
  gw_status status = gw_state_parse((const char *)data, size, &state, &error);
  must((status == GW_OK) == (state != NULL) && status == error.status);
  if (status == GW_OK) {
    must_come_back(state);
    edit(state);
  } else {
    must(status == GW_CORRUPT || status == GW_LIMIT);
    must(error.what[0] && error.has_offset && error.offset <= size);
  }
  gw_state_free(state);
  return 0;
}

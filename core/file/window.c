/* See window.h. */
#include "window.h"

#include <string.h>

gw_status gw__window_look(gw_window *window, uint64_t at, size_t size, const uint8_t **out, size_t *count, gw_error *error) {
  uint64_t left = window->size - at;
  if (window->memory) {
    *out = window->memory + at;
    *count = left < GW_WINDOW_BYTES ? (size_t)left : GW_WINDOW_BYTES;
    return GW_OK;
  }
  if (at < window->begin || at - window->begin > window->count || size > window->count - (size_t)(at - window->begin)) {
    size_t want = left < GW_WINDOW_BYTES ? (size_t)left : GW_WINDOW_BYTES;
    window->count = 0;
    gw_status status = gw__file_read(window->file, window->base + at, window->bytes, want, error);
    if (status != GW_OK) return status;
    window->begin = at;
    window->count = want;
  }
  *out = window->bytes + (at - window->begin);
  *count = window->count - (size_t)(at - window->begin);
  return GW_OK;
}

gw_status gw__window_read(gw_window *window, uint64_t at, void *out, size_t size, gw_error *error) {
  if (size == 0) return GW_OK;
  if (window->memory) {
    memcpy(out, window->memory + at, size);
    return GW_OK;
  }
  if (size > GW_WINDOW_BYTES) return gw__file_read(window->file, window->base + at, out, size, error);
  const uint8_t *bytes;
  size_t count;
  gw_status status = gw__window_look(window, at, size, &bytes, &count, error);
  if (status == GW_OK) memcpy(out, bytes, size);
  return status;
}

uint64_t gw__window_offset(const gw_window *window, uint64_t at) { return window->memory ? window->base : window->base + at; }

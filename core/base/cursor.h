/* Reading bytes that nobody vouches for: a window with a position, and readers that fail instead of running out of it.
 * A failed read leaves the position where it was. Used by table, tensor, bundle. */
#ifndef GODWIT_BASE_CURSOR_H
#define GODWIT_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gw_cur {
  const uint8_t *base; /* first byte of the window */
  const uint8_t *pos;  /* next byte to read */
  const uint8_t *end;  /* one past the last byte */
  uint64_t origin;     /* offset in the file of `base`, for messages */
} gw_cur;

static inline gw_cur gw__cur(const void *data, size_t size, uint64_t origin) {
  const uint8_t *bytes = data;
  gw_cur cur = {bytes, bytes, size ? bytes + size : bytes, origin};
  return cur;
}
static inline size_t gw__cur_left(const gw_cur *cur) { return (size_t)(cur->end - cur->pos); }
static inline uint64_t gw__cur_offset(const gw_cur *cur) { return cur->origin + (uint64_t)(cur->pos - cur->base); }

bool gw__get_bytes(gw_cur *cur, size_t size, const uint8_t **out); /* *out points into the window */
bool gw__get_u8(gw_cur *cur, uint8_t *out);
bool gw__get_fixed32(gw_cur *cur, uint32_t *out);
bool gw__get_fixed64(gw_cur *cur, uint64_t *out);
bool gw__get_varint32(gw_cur *cur, uint32_t *out); /* at most 5 bytes, refuses overflow; padded forms are read */
bool gw__get_varint64(gw_cur *cur, uint64_t *out); /* at most 10 bytes, likewise */

uint32_t gw__load_fixed32(const uint8_t in[4]);
uint64_t gw__load_fixed64(const uint8_t in[8]);

#endif

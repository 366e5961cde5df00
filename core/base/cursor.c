/* Readers over a window of bytes: see cursor.h. The writers are in buf.c. */
#include "cursor.h"

bool gw__get_bytes(gw_cur *cur, size_t size, const uint8_t **out) {
  if (size > gw__cur_left(cur)) return false;
  *out = cur->pos;
  if (size) cur->pos += size; /* an empty window may have no address at all */
  return true;
}

bool gw__get_u8(gw_cur *cur, uint8_t *out) {
  if (cur->pos == cur->end) return false;
  *out = *cur->pos++;
  return true;
}

uint32_t gw__load_fixed32(const uint8_t in[4]) {
  return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

uint64_t gw__load_fixed64(const uint8_t in[8]) {
  return (uint64_t)gw__load_fixed32(in) | (uint64_t)gw__load_fixed32(in + 4) << 32;
}

bool gw__get_fixed32(gw_cur *cur, uint32_t *out) {
  const uint8_t *bytes;
  if (!gw__get_bytes(cur, 4, &bytes)) return false;
  *out = gw__load_fixed32(bytes);
  return true;
}

bool gw__get_fixed64(gw_cur *cur, uint64_t *out) {
  const uint8_t *bytes;
  if (!gw__get_bytes(cur, 8, &bytes)) return false;
  *out = gw__load_fixed64(bytes);
  return true;
}

/* 7 bits a byte, least significant group first; the high bit says that another byte follows. */
static bool varint(gw_cur *cur, unsigned bits, uint64_t *out) {
  uint64_t value = 0;
  const uint8_t *pos = cur->pos;
  for (unsigned shift = 0; shift < bits; shift += 7) {
    if (pos == cur->end) return false;
    uint8_t byte = *pos++;
    uint64_t group = byte & 0x7fu;
    /* The last byte may only hold the bits that are left: 4 of 32 in the fifth, 1 of 64 in the tenth. */
    if (bits - shift < 7 && (group >> (bits - shift)) != 0) return false;
    value |= group << shift;
    if (!(byte & 0x80)) {
      cur->pos = pos;
      *out = value;
      return true;
    }
  }
  return false;
}

bool gw__get_varint32(gw_cur *cur, uint32_t *out) {
  uint64_t value;
  if (!varint(cur, 32, &value)) return false;
  *out = (uint32_t)value;
  return true;
}

bool gw__get_varint64(gw_cur *cur, uint64_t *out) { return varint(cur, 64, out); }

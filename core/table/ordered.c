/* Ordered code: numbers and strings written so that the bytes sort as the values do (tensorflow/core/lib/strings/
 * ordered_code.cc). TensorFlow builds the key of a slice from it (EncodeTensorNameSlice in saved_tensor_slice_util.cc).
 * Both directions are here; used by bundle and run through table.h.
 *
 *   00 | "emb" 00 01 | 01 02 | 84 83 | 80 84      slice 4,3:0,4 of "emb"
 *   num  string        num     snum snum per dimension: start, length
 *
 *   num     how many bytes follow, then the number, big-endian, without leading zeros
 *   string  00 as 00 ff, ff as ff 00, others as they are; the end is 00 01
 *   snum    L bytes, 7 bits of the number to a byte: L ones, a zero, the number, big-endian; a negative number is the
 *           complement of all bits of its complement: 4 is 84, -5 is 7b
 *
 * Each value has one form, and only that one is read.
 */
#include "../base/buf.h"
#include "../base/cursor.h"
#include "table.h"

#define SNUM_MAX 10 /* bytes */

/* ---- Writing */

static void put_num(gw_buf *out, uint64_t number) {
  uint8_t bytes[9];
  uint8_t length = 0;
  for (uint64_t rest = number; rest; rest >>= 8) length++;
  bytes[0] = length;
  for (size_t i = 0; i < length; i++) bytes[1 + i] = (uint8_t)(number >> (8 * (length - 1 - i)));
  gw__put_bytes(out, bytes, (size_t)length + 1);
}

static void put_string(gw_buf *out, gw_span text) {
  for (size_t i = 0; i < text.size; i++) {
    uint8_t byte = (uint8_t)text.data[i];
    gw__put_u8(out, byte);
    if (byte == 0x00) gw__put_u8(out, 0xff);
    if (byte == 0xff) gw__put_u8(out, 0x00);
  }
  gw__put_u8(out, 0x00);
  gw__put_u8(out, 0x01);
}

/* Bytes for the non-negative `magnitude`: the sign takes a bit too, hence 6 bits in one byte, 13 in two, ... */
static size_t snum_length(uint64_t magnitude) {
  size_t bits = 0;
  while (magnitude) magnitude >>= 1, bits++;
  return bits / 7 + 1;
}

/* The `length` ones in front, as the first two bytes hold them. */
static uint16_t snum_header(size_t length) { return (uint16_t)(0xffffu << (16 - length)); }

static void put_snum(gw_buf *out, int64_t number) {
  uint64_t magnitude = number < 0 ? ~(uint64_t)number : (uint64_t)number;
  uint8_t flip = number < 0 ? 0xff : 0x00;
  size_t length = snum_length(magnitude);
  uint8_t bytes[SNUM_MAX] = {0};
  for (size_t i = 0; i < length && i < 8; i++) bytes[length - 1 - i] = (uint8_t)(magnitude >> (8 * i));
  bytes[0] |= (uint8_t)(snum_header(length) >> 8);
  bytes[1] |= (uint8_t)snum_header(length);
  for (size_t i = 0; i < length; i++) bytes[i] ^= flip;
  gw__put_bytes(out, bytes, length);
}

void gw__put_slice_key(gw_buf *out, gw_span name, size_t rank, const int64_t *starts, const int64_t *lengths) {
  put_num(out, 0);
  put_string(out, name);
  put_num(out, rank);
  for (size_t i = 0; i < rank; i++) {
    put_snum(out, starts[i]);
    put_snum(out, lengths[i]);
  }
}

/* ---- Reading */

static bool get_num(gw_cur *cur, uint64_t *out) {
  uint8_t length;
  const uint8_t *bytes;
  if (!gw__get_u8(cur, &length) || length > 8 || !gw__get_bytes(cur, length, &bytes)) return false;
  if (length > 0 && bytes[0] == 0) return false;
  uint64_t number = 0;
  for (size_t i = 0; i < length; i++) number = number << 8 | bytes[i];
  *out = number;
  return true;
}

static bool get_string(gw_cur *cur, gw_buf *out) {
  uint8_t byte, next;
  for (;;) {
    if (!gw__get_u8(cur, &byte)) return false;
    if (byte == 0x00 || byte == 0xff) {
      if (!gw__get_u8(cur, &next)) return false;
      if (byte == 0x00 && next == 0x01) return true;
      if (next == byte || (next != 0x00 && next != 0xff)) return false;
    }
    gw__put_u8(out, byte);
  }
}

static bool get_snum(gw_cur *cur, int64_t *out) {
  if (gw__cur_left(cur) == 0) return false;
  uint8_t flip = cur->pos[0] & 0x80 ? 0x00 : 0xff;
  uint16_t head = (uint16_t)((cur->pos[0] ^ flip) << 8);
  if (gw__cur_left(cur) > 1) head |= (uint8_t)(cur->pos[1] ^ flip);
  size_t length = 0;
  while (length <= SNUM_MAX && head & (0x8000u >> length)) length++;
  const uint8_t *bytes;
  if (length > SNUM_MAX || !gw__get_bytes(cur, length, &bytes)) return false;
  uint64_t magnitude = 0;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = bytes[i] ^ flip;
    if (i == 0) byte &= (uint8_t)~(snum_header(length) >> 8);
    if (i == 1) byte &= (uint8_t)~snum_header(length);
    if (magnitude >> 55) return false; /* more than 63 bits */
    magnitude = magnitude << 8 | byte;
  }
  if (snum_length(magnitude) != length) return false; /* longer than it needs to be */
  *out = flip ? (int64_t)~magnitude : (int64_t)magnitude;
  return true;
}

bool gw__get_slice_key(gw_span key, gw_buf *name_out, size_t *rank, int64_t *starts, int64_t *lengths) {
  gw_cur cur = gw__cur(key.data, key.size, 0);
  uint64_t zero, dims = 0;
  size_t before = name_out->size;
  bool fine = get_num(&cur, &zero) && zero == 0 && get_string(&cur, name_out) && get_num(&cur, &dims) && dims > 0 &&
              dims <= GW_MAX_RANK; /* scalars are never sliced */
  for (size_t i = 0; fine && i < dims; i++) fine = get_snum(&cur, &starts[i]) && get_snum(&cur, &lengths[i]);
  if (!fine || gw__cur_left(&cur) > 0) {
    name_out->size = before;
    return false;
  }
  *rank = (size_t)dims;
  return true;
}

/* The stored form of string and variant tensors: written, checked as it streams by, cut into its strings.
 *
 *   string   varint64 length, n times | u32 masked crc of the lengths | the bytes of all strings, joined
 *            the crc runs over the lengths as integers: 4 bytes each up to 2^32 - 1, 8 bytes above
 *            the entry's crc continues it over the 4 stored bytes and the strings' bytes
 *   variant  n times: varint64 length | that many bytes | u32 masked crc so far
 *            the crc runs over u64 length, bytes and stored checksums of all elements
 */
#include <string.h>

#include "../base/crc32c.h"
#include "../base/cursor.h"
#include "../base/error.h"
#include "tensor.h"

enum { LENGTHS, LENGTH_CHECK, PAYLOAD, DONE };

/* The crc over a length as an integer, in the byte order of the file. */
static uint32_t extend_length(uint32_t crc, uint64_t length, bool wide, bool big_endian) {
  uint8_t bytes[8];
  gw__store_fixed64(bytes, length);
  size_t width = wide || length > UINT32_MAX ? 8 : 4;
  if (big_endian)
    for (size_t i = 0; i < width / 2; i++) {
      uint8_t byte = bytes[i];
      bytes[i] = bytes[width - 1 - i];
      bytes[width - 1 - i] = byte;
    }
  return gw__crc32c_extend(crc, bytes, width);
}

void gw__put_strings(gw_buf *out, const gw_span *strings, size_t count, uint32_t *crc) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    gw__put_varint64(out, strings[i].size);
    sum = extend_length(sum, strings[i].size, false, false);
  }
  uint8_t check[4];
  gw__store_fixed32(check, gw__crc32c_mask(sum));
  gw__put_bytes(out, check, 4);
  sum = gw__crc32c_extend(sum, check, 4);
  for (size_t i = 0; i < count; i++) {
    gw__put_bytes(out, strings[i].data, strings[i].size);
    sum = gw__crc32c_extend(sum, strings[i].data, strings[i].size);
  }
  *crc = sum;
}

static gw_status bad(const gw_scan *scan, gw_error *error, const char *what) {
  return gw__fail(error, GW_CORRUPT, "%s, at byte %llu of its data", what, (unsigned long long)scan->position);
}

/* What comes after `elements` reached zero or a part ended. */
static void next_part(gw_scan *scan) {
  if (scan->variant)
    scan->state = scan->elements == 0 ? DONE : LENGTHS;
  else if (scan->state == LENGTHS)
    scan->state = LENGTH_CHECK;
  else
    scan->state = scan->state == LENGTH_CHECK && scan->payload > 0 ? PAYLOAD : DONE;
  scan->check_bytes = 0;
}

gw_status gw__scan_start(gw_scan *scan, int dtype, uint64_t elements, uint64_t size, bool big_endian, gw_error *error) {
  *scan = (gw_scan){.variant = dtype == GW_DT_VARIANT, .big_endian = big_endian, .elements = elements, .left = size};
  if (scan->variant && big_endian)
    return gw__fail(error, GW_UNSUPPORTED, "variants of a big-endian file cannot be converted (nor does TensorFlow)");
  /* Every length takes at least one byte: a cheap bound before anything is believed. */
  if (size < elements)
    return gw__fail(error, GW_CORRUPT, "%llu bytes cannot hold %llu %s", (unsigned long long)size,
                    (unsigned long long)elements, scan->variant ? "variants" : "strings");
  scan->state = LENGTHS;
  if (elements == 0) {
    /* TensorFlow writes the checksum of no lengths (4 bytes) and also reads a size of 0. */
    if (scan->variant || size == 0) scan->state = DONE;
    else next_part(scan);
  }
  return GW_OK;
}

static gw_status take_length(gw_scan *scan, uint8_t byte, gw_error *error) {
  uint64_t group = byte & 0x7fu;
  if (scan->shift > 63 || (scan->shift == 63 && group > 1)) return bad(scan, error, "a length of more than 64 bits");
  scan->length |= group << scan->shift;
  scan->shift += 7;
  if (byte & 0x80) return GW_OK;
  uint64_t length = scan->length;
  scan->length = 0;
  scan->shift = 0;
  /* `left` still counts what follows the lengths, so it bounds the sum as well. */
  if (length > scan->left || scan->payload > scan->left - length) return bad(scan, error, "a length that runs past the end");
  scan->payload += length;
  scan->crc = extend_length(scan->crc, length, scan->variant, scan->big_endian);
  scan->crc_little = scan->big_endian ? extend_length(scan->crc_little, length, scan->variant, false) : scan->crc;
  scan->elements--;
  if (scan->variant) {
    scan->state = scan->payload > 0 ? PAYLOAD : LENGTH_CHECK;
    scan->check_bytes = 0;
  } else if (scan->elements == 0) {
    next_part(scan);
  }
  return GW_OK;
}

/* One byte of a stored checksum; the last one is compared, and rewritten when the file is big-endian. */
static gw_status take_check(gw_scan *scan, const uint8_t *data, gw_error *error) {
  scan->check[scan->check_bytes++] = *data;
  if (scan->check_bytes < 4) return GW_OK;
  uint32_t stored = gw__load_fixed32(scan->check);
  if (scan->big_endian) stored = __builtin_bswap32(stored);
  uint32_t expected = gw__crc32c_mask(scan->crc);
  if (stored != expected) {
    scan->position -= 3;
    return gw__fail(error, GW_CORRUPT, "the checksum of its %s does not match (expected %08x, found %08x), at byte %llu of its data",
                    scan->variant ? "variant" : "string lengths", expected, stored, (unsigned long long)scan->position);
  }
  scan->crc = gw__crc32c_extend(scan->crc, scan->check, 4);
  uint8_t little[4];
  gw__store_fixed32(little, gw__crc32c_mask(scan->crc_little));
  scan->crc_little = gw__crc32c_extend(scan->crc_little, little, 4);
  next_part(scan);
  return GW_OK;
}

static void take_payload(gw_scan *scan, const uint8_t *data, size_t size) {
  scan->crc = gw__crc32c_extend(scan->crc, data, size);
  scan->crc_little = scan->big_endian ? gw__crc32c_extend(scan->crc_little, data, size) : scan->crc;
  scan->payload -= size;
  if (scan->payload > 0) return;
  if (scan->variant) {
    scan->state = LENGTH_CHECK;
    scan->check_bytes = 0;
  } else {
    scan->state = DONE;
  }
}

/* The four bytes of a big-endian length checksum become the little-endian one; they may lie in two pieces, so each
 * byte is set from the running value as it passes. */
static void rewrite_check(const gw_scan *before, uint8_t *data) {
  uint8_t little[4];
  gw__store_fixed32(little, gw__crc32c_mask(before->crc_little));
  *data = little[before->check_bytes];
}

gw_status gw__scan_feed(gw_scan *scan, uint8_t *data, size_t size, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < size && status == GW_OK;) {
    if (scan->left == 0 || scan->state == DONE) return bad(scan, error, "more bytes than its parts add up to");
    size_t used = 1;
    if (scan->state == PAYLOAD) {
      used = size - i;
      if (used > scan->payload) used = (size_t)scan->payload;
      scan->left -= used;
      scan->position += used;
      take_payload(scan, data + i, used);
    } else {
      scan->left--;
      scan->position++;
      if (scan->state == LENGTHS) {
        status = take_length(scan, data[i], error);
      } else {
        gw_scan before = *scan;
        status = take_check(scan, &data[i], error);
        if (scan->big_endian) rewrite_check(&before, &data[i]);
      }
    }
    i += used;
  }
  return status;
}

gw_status gw__scan_end(const gw_scan *scan, gw_error *error) {
  if (scan->state == DONE && scan->left == 0) return GW_OK;
  return bad(scan, error, scan->state == DONE ? "more bytes than its parts add up to" : "the data ends too early");
}

gw_status gw__split_strings(const uint8_t *data, size_t size, gw_span *strings, size_t count, gw_error *error) {
  gw_cur cur = gw__cur(data, size, 0);
  for (size_t i = 0; i < count; i++) {
    uint64_t length;
    if (!gw__get_varint64(&cur, &length) || length > size)
      return gw__fail(error, GW_CORRUPT, "string %zu has no valid length", i);
    strings[i].size = (size_t)length;
  }
  const uint8_t *check;
  if (size > 0 && !gw__get_bytes(&cur, 4, &check))
    return gw__fail(error, GW_CORRUPT, "the checksum of the string lengths is cut");
  for (size_t i = 0; i < count; i++) {
    const uint8_t *bytes;
    if (!gw__get_bytes(&cur, strings[i].size, &bytes))
      return gw__fail(error, GW_CORRUPT, "string %zu runs past the end of the data", i);
    strings[i].data = (const char *)bytes;
  }
  return GW_OK;
}

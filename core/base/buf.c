/* The growing byte buffer: see buf.h. The readers of what is written here are in cursor.c. */
#include "buf.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "checked.h"
#include "error.h"

void gw__buf_clear(gw_buf *buf) {
  buf->size = 0;
  buf->failed = false;
}

void gw__buf_free(gw_buf *buf) {
  gw__free(buf->data);
  *buf = (gw_buf)GW_BUF_INIT;
}

gw_status gw__buf_status(const gw_buf *buf, gw_error *error) {
  return buf->failed ? gw__fail(error, GW_NO_MEMORY, "out of memory (a buffer of over %zu bytes)", buf->size) : GW_OK;
}

bool gw__buf_reserve(gw_buf *buf, size_t extra) {
  size_t need;
  if (buf->failed) return false;
  if (!gw__add_size(buf->size, extra, &need) ||
      gw__reserve((void **)&buf->data, &buf->capacity, need, 1, NULL) != GW_OK)
    buf->failed = true;
  return !buf->failed;
}

void gw__put_bytes(gw_buf *buf, const void *data, size_t size) {
  if (size == 0 || !gw__buf_reserve(buf, size)) return;
  memcpy(buf->data + buf->size, data, size);
  buf->size += size;
}

void gw__put_text(gw_buf *buf, const char *text) { gw__put_bytes(buf, text, strlen(text)); }

void gw__put_format(gw_buf *buf, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (length < 0) return;
  if ((size_t)length < sizeof text) {
    gw__put_bytes(buf, text, (size_t)length);
    return;
  }
  if (!gw__buf_reserve(buf, (size_t)length + 1)) return;
  va_start(args, format);
  vsnprintf((char *)buf->data + buf->size, (size_t)length + 1, format, args);
  va_end(args);
  buf->size += (size_t)length;
}

void gw__put_u8(gw_buf *buf, uint8_t value) { gw__put_bytes(buf, &value, 1); }

void gw__store_fixed32(uint8_t out[4], uint32_t value) {
  for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (8 * i));
}

void gw__store_fixed64(uint8_t out[8], uint64_t value) {
  for (int i = 0; i < 8; i++) out[i] = (uint8_t)(value >> (8 * i));
}

void gw__put_fixed32(gw_buf *buf, uint32_t value) {
  uint8_t bytes[4];
  gw__store_fixed32(bytes, value);
  gw__put_bytes(buf, bytes, sizeof bytes);
}

void gw__put_fixed64(gw_buf *buf, uint64_t value) {
  uint8_t bytes[8];
  gw__store_fixed64(bytes, value);
  gw__put_bytes(buf, bytes, sizeof bytes);
}

void gw__put_varint32(gw_buf *buf, uint32_t value) { gw__put_varint64(buf, value); }

void gw__put_varint64(gw_buf *buf, uint64_t value) {
  uint8_t bytes[10];
  size_t used = 0;
  while (value >= 0x80) {
    bytes[used++] = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  bytes[used++] = (uint8_t)value;
  gw__put_bytes(buf, bytes, used);
}

size_t gw__varint64_size(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) value >>= 7, size++;
  return size;
}

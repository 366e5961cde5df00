/* A growing byte buffer with the encoders that files of TensorFlow need. Sticky: after the first failed allocation
 * appending does nothing and `failed` stays set; gw__buf_status reports it once at the end. Used by table, tensor,
 * bundle, plan. */
#ifndef GODWIT_BASE_BUF_H
#define GODWIT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../godwit.h"

typedef struct gw_buf {
  uint8_t *data;
  size_t size;
  size_t capacity;
  bool failed; /* an allocation failed; the content is incomplete */
} gw_buf;

#define GW_BUF_INIT {NULL, 0, 0, false}

void gw__buf_clear(gw_buf *buf); /* empties, keeps the memory */
void gw__buf_free(gw_buf *buf);  /* empties, gives the memory back */
gw_status gw__buf_status(const gw_buf *buf, gw_error *error);
bool gw__buf_reserve(gw_buf *buf, size_t extra);
void gw__put_bytes(gw_buf *buf, const void *data, size_t size);
void gw__put_text(gw_buf *buf, const char *text);
void gw__put_format(gw_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gw__put_u8(gw_buf *buf, uint8_t value);
void gw__put_fixed32(gw_buf *buf, uint32_t value);
void gw__put_fixed64(gw_buf *buf, uint64_t value);
void gw__put_varint32(gw_buf *buf, uint32_t value);
void gw__put_varint64(gw_buf *buf, uint64_t value);
void gw__store_fixed32(uint8_t out[4], uint32_t value);
void gw__store_fixed64(uint8_t out[8], uint64_t value);
size_t gw__varint64_size(uint64_t value);

#endif

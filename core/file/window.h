/* Bytes of a file, or of memory, that a parser walks over without holding all of them. Used by table and bundle. */
#ifndef GODWIT_FILE_WINDOW_H
#define GODWIT_FILE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "file.h"

enum { GW_WINDOW_BYTES = 16 << 10 };

typedef struct gw_window {
  const gw_file *file;
  uint64_t base;         /* where in the file position 0 is */
  const uint8_t *memory; /* instead of the file; `file` and `base` are for messages then */
  uint64_t size;         /* positions below it can be read */
  uint64_t begin;        /* of what `bytes` holds */
  size_t count;
  uint8_t bytes[GW_WINDOW_BYTES];
} gw_window;

/* What lies at `at`, at least `size` bytes of it (at most GW_WINDOW_BYTES): *out until the next call. *count: how many are
 * there. The caller has compared with window->size. */
gw_status gw__window_look(gw_window *window, uint64_t at, size_t size, const uint8_t **out, size_t *count, gw_error *error);
/* Exactly `size` bytes, however many, to `out`. */
gw_status gw__window_read(gw_window *window, uint64_t at, void *out, size_t size, gw_error *error);
/* Where position `at` is in the file, or where the whole is when it was unpacked. */
uint64_t gw__window_offset(const gw_window *window, uint64_t at);

#endif

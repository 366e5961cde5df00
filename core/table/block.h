/* One block of a table: sorted entries with shared prefixes, and the restart points behind them. Decoding and building
 * know nothing of files, handles and trailers: reader.c and writer.c do. Private to this folder.
 *
 *   entry*       shared varint32 | unshared varint32 | value_length varint32 | key bytes (unshared) | value bytes
 *   restarts     u32le * R: offsets in the block of the entries that are stored with shared = 0
 *   R            u32le
 *
 * The key of an entry is the first `shared` bytes of the key before it, followed by its own `unshared` bytes.
 */
#ifndef GODWIT_TABLE_BLOCK_H
#define GODWIT_TABLE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/cursor.h"
#include "../godwit.h"
#include "table.h"

/* Restart points are u32, so TensorFlow has no larger blocks either. */
#define GW_BLOCK_LIMIT ((uint64_t)1 << 32)

/* The one way to complain about bytes of a table: GW_CORRUPT with file and offset, "what (expected X, found Y)". */
gw_status gw__table_bad(gw_error *error, const char *path, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Where a block came from, for messages. */
typedef struct gw_block_place {
  const char *path;
  uint64_t offset; /* in the file */
  bool packed;     /* it was compressed: places inside have no offset in the file */
} gw_block_place;

/* ---- Decoding */

/* Sharing lets n bytes of entries stand for n * n / 16 bytes of keys. Whoever copies keys must not drown in them, so
 * the keys of a block may add up to this many times its size; TensorFlow's restart interval allows 16. */
#define GW_KEY_EXPANSION 64
/* What blocks of few long keys may take beyond that, in all blocks of an iteration together. */
#define GW_KEY_SLACK ((uint64_t)64 << 20)

typedef struct gw_block_iter {
  gw_block_place place;
  gw_cur entries;     /* up to the restart points */
  gw_cur restarts;    /* those after `restart` */
  uint64_t restart;   /* offset of the next restart entry; UINT64_MAX: there is none */
  uint64_t budget;    /* bytes of keys that may still be decoded */
  gw_buf key;         /* of the entry that was read last */
  bool started;       /* an entry was read */
} gw_block_iter;

#define GW_BLOCK_ITER_INIT \
  {{NULL, 0, false}, {NULL, NULL, NULL, 0}, {NULL, NULL, NULL, 0}, 0, GW_KEY_SLACK, GW_BUF_INIT, false}

/* Starts over with another block, whose bytes stay the caller's and must outlive the iteration. What is left of the
 * budget for keys is carried over. */
gw_status gw__block_open(gw_block_iter *iter, const uint8_t *bytes, size_t size, gw_block_place place, gw_error *error);
/* *more false: the end. Checks bounds, that keys ascend strictly and that restart points are where entries are. The key
 * lives until the next call on this iterator, the value as long as the block. */
gw_status gw__block_next(gw_block_iter *iter, bool *more, gw_span *key, gw_span *value, gw_error *error);
bool gw__block_at_end(const gw_block_iter *iter); /* the entry that was read last is the last one */
/* gw__table_bad at the entry that begins at `pos` (inside `entries`), or at the block when it was compressed. */
gw_status gw__block_bad(const gw_block_iter *iter, const uint8_t *pos, gw_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void gw__block_iter_free(gw_block_iter *iter);

/* ---- Building: TensorFlow's table::BlockBuilder */

typedef struct gw_block_builder {
  uint32_t interval; /* entries from one restart point to the next */
  uint32_t since;    /* entries since the last restart point */
  gw_buf entries;
  gw_buf restarts;   /* encoded */
  gw_buf key;        /* of the entry that was added last */
} gw_block_builder;

void gw__block_builder_init(gw_block_builder *builder, uint32_t interval);
/* Keys ascending; the caller checks that. GW_LIMIT when the block grows too large. */
gw_status gw__block_add(gw_block_builder *builder, gw_span key, gw_span value, gw_error *error);
size_t gw__block_size(const gw_block_builder *builder); /* as it would be finished now */
bool gw__block_empty(const gw_block_builder *builder);
/* Appends the block to `out` and starts a new one. */
gw_status gw__block_finish(gw_block_builder *builder, gw_buf *out, gw_error *error);
void gw__block_builder_free(gw_block_builder *builder);

#endif

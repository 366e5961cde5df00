/* The sorted string table: LevelDB's format with TensorFlow's parameters (core/bundle/FORMAT.md, section 2). A `.index`
 * file is one, and so is a V1 checkpoint. Knows nothing of tensors. Used by bundle and run.
 *
 *   data block 0 | trailer
 *   data block 1 | trailer ...
 *   metaindex block | trailer        always empty
 *   index block | trailer            separator key -> handle of each data block
 *   footer                           48 bytes, magic last
 */
#ifndef GODWIT_TABLE_TABLE_H
#define GODWIT_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/buf.h"
#include "../file/file.h"
#include "../file/window.h"
#include "../godwit.h"

/* ---- Reading (reader.c; the writer is writer.c) */

typedef struct gw_table gw_table;

/* Reads footer and index block of `file`, which stays the caller's and must outlive the table. All errors carry the
 * file's path and the offset of the block or byte that is wrong. */
gw_status gw__table_open(const gw_file *file, gw_table **out, gw_error *error);
void gw__table_free(gw_table *table);
size_t gw__table_blocks(const gw_table *table); /* data blocks */
/* Checks the metaindex block too, which nobody reads: GW_CORRUPT when its checksum or form is wrong. */
gw_status gw__table_check_metaindex(const gw_table *table, gw_error *error);

/* All entries in order, block by block: every block's checksum is checked, keys must be strictly ascending and lie
 * within the separators of the index block. One block is in memory at a time. */
typedef struct gw_table_iter gw_table_iter;
gw_status gw__table_iter_new(const gw_table *table, gw_table_iter **out, gw_error *error);
/* *more false: the end. The spans live until the next call. *offset (may be NULL): offset in the file of the block that holds the entry. */
gw_status gw__table_iter_next(gw_table_iter *iter, bool *more, gw_span *key, gw_span *value, uint64_t *offset,
                              gw_error *error);
void gw__table_iter_free(gw_table_iter *iter);

/* ---- Single records (reader.c, records.c): of tables whose values may be too large to be held. Nothing of a block is believed
 * before it was summed. */

typedef struct gw_table_block {
  uint64_t offset, size; /* in the file, without the trailer */
  gw_span last;          /* no key of the block is above it */
} gw_table_block;

/* Snappy's densest element makes 64 bytes of 3: no block has more than so many times its bytes in the file. */
#define GW_BLOCK_EXPANSION 22

/* All data blocks; array and texts are the arena's. */
gw_status gw__table_list_blocks(const gw_table *table, gw_arena *arena, gw_table_block **out, size_t *count, gw_error *error);
/* Streams the block past its checksum. *packed: it is compressed. */
gw_status gw__table_sum_block(const gw_file *file, const gw_table_block *block, bool *packed, gw_error *error);
/* A compressed block as it was, instead of what `out` held. */
gw_status gw__table_unpack_block(const gw_table *table, const gw_table_block *block, gw_buf *out, gw_error *error);

/* The entries of one block, values left alone. Checks that keys ascend and that everything is inside of the block. */
typedef struct gw_record_iter {
  gw_window *window;   /* of the block, unpacked; the caller's */
  uint64_t pos, end;   /* of the entries */
  uint64_t budget;     /* bytes of keys that may still be made out of shared ones */
  gw_buf key;
  bool started;
} gw_record_iter;
gw_status gw__record_iter_start(gw_record_iter *iter, gw_window *window, gw_error *error);
/* *more false: the end. The key lives until the next call; the value is `size` bytes at position `at` of the window. */
gw_status gw__record_iter_next(gw_record_iter *iter, bool *more, gw_span *key, uint64_t *at, uint64_t *size, gw_error *error);
void gw__record_iter_free(gw_record_iter *iter);
/* Order of keys: bytes, then length (a prefix comes first). Less than, equal to, greater than 0. */
int gw__key_compare(gw_span a, gw_span b);

/* ---- Writing: the very bytes that TensorFlow's table::TableBuilder writes without compression */

typedef struct gw_table_writer gw_table_writer;
gw_status gw__table_writer_new(gw_table_writer **out, gw_error *error);
/* Keys strictly ascending, or GW_INVALID ("duplicate key" when equal). Bytes that are ready are appended to `out`. */
gw_status gw__table_writer_add(gw_table_writer *writer, gw_span key, gw_span value, gw_buf *out, gw_error *error);
/* Appends the last block, metaindex, index and footer. */
gw_status gw__table_writer_finish(gw_table_writer *writer, gw_buf *out, gw_error *error);
void gw__table_writer_free(gw_table_writer *writer);

/* ---- Ordered code (ordered.c): the key of a slice, FORMAT.md 3.6 */

/* num(0) | string(name) | num(rank) | rank * (snum(start) | snum(length)); a whole axis is start 0, length -1. */
void gw__put_slice_key(gw_buf *out, gw_span name, size_t rank, const int64_t *starts, const int64_t *lengths);
/* True when `key` decodes completely; *name is appended to `name_out`, at most GW_MAX_RANK starts and lengths are set. */
bool gw__get_slice_key(gw_span key, gw_buf *name_out, size_t *rank, int64_t *starts, int64_t *lengths);

#endif

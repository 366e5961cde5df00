/* Reading a table whose bytes nobody vouches for: footer, index block, then data block after data block. The other
 * direction is writer.c; one block's inside is block.c. Used by bundle and run through table.h.
 *
 *   block      bytes | type u8 (0 as it is, 1 snappy) | u32le masked crc32c of bytes and type
 *   handle     varint64 offset | varint64 size (without the 5 bytes of the trailer)
 *   index      separator -> handle, for each data block
 *   footer     metaindex handle | index handle | padding up to 40 bytes | 57 fb 80 8b 24 75 47 db
 */
#include <inttypes.h>
#include <snappy-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "block.h"
#include "table.h"

#define FOOTER 48
#define TRAILER 5
#define MAGIC UINT64_C(0xdb4775248b80fb57)
/* What claims more than GW_BLOCK_EXPANSION is lying, before memory is given for it. */
#define SNAPPY_SLACK 64

typedef struct gw_handle {
  uint64_t offset, size;
} gw_handle;

/* A block in memory. The buffers are used again for the next one. */
typedef struct gw_block_data {
  gw_buf stored; /* as in the file, with its trailer */
  gw_buf plain;  /* decompressed */
  const uint8_t *bytes;
  size_t size;
  gw_block_place place;
} gw_block_data;

struct gw_table {
  const gw_file *file;
  gw_handle metaindex, index;
  gw_block_data index_block;
  size_t blocks;
};

static void block_data_free(gw_block_data *data) {
  gw__buf_free(&data->stored);
  gw__buf_free(&data->plain);
}

/* Room for exactly `size` bytes whose old content does not matter: doubling would waste up to 2 GiB on the largest. */
static gw_status make_room(gw_buf *buf, size_t size, gw_error *error) {
  if (!buf->data || buf->capacity < size) {
    gw__buf_free(buf);
    buf->data = gw__alloc(size, error);
    if (!buf->data) return GW_NO_MEMORY;
    buf->capacity = size;
  }
  buf->size = size;
  return GW_OK;
}

/* ---- Handles and blocks */

static bool get_handle(gw_cur *cur, gw_handle *out) {
  return gw__get_varint64(cur, &out->offset) && gw__get_varint64(cur, &out->size);
}

/* The block and its trailer (`what` names it, "the index block") must end before `limit`. *end: where they do. */
static gw_status check_handle(const gw_table *table, gw_handle handle, uint64_t limit, const char *what, uint64_t at,
                              uint64_t *end, gw_error *error) {
  const char *path = table->file->path;
  if (!gw__add_u64(handle.offset, handle.size, end) || !gw__add_u64(*end, TRAILER, end)) *end = UINT64_MAX;
  if (*end > limit)
    return gw__table_bad(error, path, at,
                         "%s from byte %" PRIu64 " on reaches too far (expected an end by byte %" PRIu64
                         ", found %" PRIu64 ")",
                         what, handle.offset, limit, *end);
  if (handle.size > GW_BLOCK_LIMIT) {
    gw__fail(error, GW_LIMIT, "%s is too large (expected at most %" PRIu64 " bytes, found %" PRIu64 ")", what,
             GW_BLOCK_LIMIT, handle.size);
    gw__error_file(error, path);
    gw__error_offset(error, at);
    return GW_LIMIT;
  }
  return GW_OK;
}

static gw_status decompress(gw_block_data *data, const char *what, gw_error *error) {
  const gw_block_place *place = &data->place;
  size_t stored = data->stored.size - TRAILER, plain, most;
  if (!gw__mul_size(stored, GW_BLOCK_EXPANSION, &most) || !gw__add_size(most, SNAPPY_SLACK, &most)) most = SIZE_MAX;
  if (most > GW_BLOCK_LIMIT) most = (size_t)GW_BLOCK_LIMIT;
  const char *input = (const char *)data->stored.data;
  if (snappy_uncompressed_length(input, stored, &plain) != SNAPPY_OK)
    return gw__table_bad(error, place->path, place->offset, "%s is not snappy data: its length is cut off", what);
  if (plain > most)
    return gw__table_bad(error, place->path, place->offset,
                         "%s claims more bytes than snappy can hold (expected at most %zu from %zu, found %zu)",
                         what, most, stored, plain);
  gw_status status = make_room(&data->plain, plain, error);
  if (status != GW_OK) return status;
  size_t got = plain;
  if (snappy_uncompress(input, stored, (char *)data->plain.data, &got) != SNAPPY_OK || got != plain)
    return gw__table_bad(error, place->path, place->offset, "%s is not snappy data of %zu bytes", what, plain);
  data->bytes = data->plain.data;
  data->size = plain;
  data->place.packed = true;
  return GW_OK;
}

/* Reads, checks and decompresses the block at `handle`, which check_handle has seen. */
static gw_status read_block(const gw_table *table, gw_handle handle, const char *what, gw_block_data *data,
                            gw_error *error) {
  const char *path = table->file->path;
  size_t size;
  if (!gw__to_size(handle.size, &size) || size > SIZE_MAX - TRAILER)
    return gw__fail(error, GW_NO_MEMORY, "%s is too large for this machine's memory", what);
  gw_status status = make_room(&data->stored, size + TRAILER, error);
  if (status == GW_OK) status = gw__file_read(table->file, handle.offset, data->stored.data, size + TRAILER, error);
  if (status != GW_OK) return status;
  const uint8_t *trailer = data->stored.data + size;
  uint32_t expected = gw__crc32c_unmask(gw__load_fixed32(trailer + 1));
  uint32_t found = gw__crc32c(data->stored.data, size + 1);
  if (found != expected)
    return gw__table_bad(error, path, handle.offset,
                         "the checksum of %s (%zu bytes) does not match (expected %08" PRIx32 ", found %08" PRIx32 ")",
                         what, size, expected, found);
  data->bytes = data->stored.data;
  data->size = size;
  data->place = (gw_block_place){path, handle.offset, false};
  if (trailer[0] == 1) return decompress(data, what, error);
  if (trailer[0] != 0)
    return gw__table_bad(error, path, handle.offset + size,
                         "%s has an unknown compression (expected 0 for none or 1 for snappy, found %d)",
                         what, trailer[0]);
  return GW_OK;
}

/* ---- Footer */

/* Bundles and V1 files begin with an entry of the empty key: shared 0, unshared 0. */
static bool begins_like_a_table(const gw_file *file) {
  uint8_t start[2];
  return file->size >= sizeof start && gw__file_read(file, 0, start, sizeof start, NULL) == GW_OK && start[0] == 0 &&
         start[1] == 0;
}

/* The file has no footer: people meet this with interrupted copies, and with files that are something else. */
static gw_status no_footer(const gw_file *file, const uint8_t *magic, gw_error *error) {
  bool cut = file->size == 0 || begins_like_a_table(file);
  const char *what = file->size == 0 ? "the file is empty"
                     : cut           ? "the file is cut short at the end"
                                     : "the file is something else";
  if (!magic) {
    gw__table_bad(error, file->path, file->size,
                  "not an index of a checkpoint: %s (expected at least %d bytes, found %" PRIu64 ")", what, FOOTER,
                  file->size);
  } else {
    char found[17];
    for (size_t i = 0; i < 8; i++) snprintf(found + 2 * i, 3, "%02x", magic[i]);
    gw__table_bad(error, file->path, file->size - 8,
                  "not an index of a checkpoint: %s (expected the bytes 57fb808b247547db there, found %s)",
                  what, found);
  }
  if (cut) gw__error_hint(error, "copying or saving it was interrupted: copy it again, or take another checkpoint");
  return GW_CORRUPT;
}

static gw_status read_footer(gw_table *table, gw_error *error) {
  const gw_file *file = table->file;
  if (file->size < FOOTER) return no_footer(file, NULL, error);
  uint8_t footer[FOOTER];
  uint64_t start = file->size - FOOTER;
  gw_status status = gw__file_read(file, start, footer, FOOTER, error);
  if (status != GW_OK) return status;
  if (gw__load_fixed64(footer + FOOTER - 8) != MAGIC) return no_footer(file, footer + FOOTER - 8, error);
  /* The rest of the 40 bytes is padding, which TensorFlow does not look at either. */
  gw_cur cur = gw__cur(footer, FOOTER - 8, start);
  if (!get_handle(&cur, &table->metaindex) || !get_handle(&cur, &table->index))
    return gw__table_bad(error, file->path, gw__cur_offset(&cur),
                         "the footer holds no block handle (expected two pairs of 64-bit varints in 40 bytes)");
  uint64_t end;
  return check_handle(table, table->index, start, "the index block", start, &end, error);
}

/* ---- The index block */

/* Decodes the next entry of the index. `limit`: where data blocks must have ended. *end is where the block before this
 * one ended, then where this one does: blocks follow each other as every writer lays them out, so that an index that
 * names one block a million times costs no more than its file's size. */
static gw_status next_handle(const gw_table *table, gw_block_iter *index, uint64_t *end, bool *more, gw_span *separator,
                             gw_handle *handle, gw_error *error) {
  const uint8_t *start = index->entries.pos;
  gw_span value;
  gw_status status = gw__block_next(index, more, separator, &value, error);
  if (status != GW_OK || !*more) return status;
  gw_cur cur = gw__cur(value.data, value.size, 0);
  if (!get_handle(&cur, handle))
    return gw__block_bad(index, start, error,
                         "an entry of the index holds no block handle (expected two 64-bit varints, found %zu bytes)",
                         value.size);
  if (handle->offset < *end)
    return gw__block_bad(index, start, error,
                         "data blocks overlap or are out of order (expected one from byte %" PRIu64
                         " on, found one at byte %" PRIu64 ")",
                         *end, handle->offset);
  uint64_t at =
      index->place.packed ? index->place.offset : index->place.offset + (uint64_t)(start - index->entries.base);
  return check_handle(table, *handle, table->index.offset, "a data block", at, end, error);
}

static gw_status read_index(gw_table *table, gw_error *error) {
  gw_block_iter index = GW_BLOCK_ITER_INIT;
  gw_block_data *data = &table->index_block;
  uint64_t end = 0;
  bool more = true;
  gw_status status = read_block(table, table->index, "the index block", data, error);
  if (status == GW_OK) status = gw__block_open(&index, data->bytes, data->size, data->place, error);
  while (status == GW_OK && more) {
    gw_span separator;
    gw_handle handle;
    status = next_handle(table, &index, &end, &more, &separator, &handle, error);
    if (more) table->blocks++;
  }
  gw__block_iter_free(&index);
  return status;
}

gw_status gw__table_open(const gw_file *file, gw_table **out, gw_error *error) {
  *out = NULL;
  gw_table *table = gw__alloc_array(1, sizeof *table, error);
  if (!table) return GW_NO_MEMORY;
  table->file = file;
  gw_status status = read_footer(table, error);
  if (status == GW_OK) status = read_index(table, error);
  if (status != GW_OK) {
    gw__error_file(error, file->path);
    gw__table_free(table);
    return status;
  }
  *out = table;
  return GW_OK;
}

void gw__table_free(gw_table *table) {
  if (!table) return;
  block_data_free(&table->index_block);
  gw__free(table);
}

size_t gw__table_blocks(const gw_table *table) { return table->blocks; }

gw_status gw__table_list_blocks(const gw_table *table, gw_arena *arena, gw_table_block **out, size_t *count, gw_error *error) {
  gw_block_iter index = GW_BLOCK_ITER_INIT;
  const gw_block_data *data = &table->index_block;
  uint64_t end = 0;
  bool more = true;
  *count = 0;
  *out = gw__arena_alloc(arena, table->blocks * sizeof **out, error);
  gw_status status = *out ? gw__block_open(&index, data->bytes, data->size, data->place, error) : GW_NO_MEMORY;
  while (status == GW_OK && more) {
    gw_span last;
    gw_handle handle;
    status = next_handle(table, &index, &end, &more, &last, &handle, error);
    if (status != GW_OK || !more) break;
    const char *copy = gw__arena_text(arena, last.data, last.size, error);
    if (!copy) status = GW_NO_MEMORY;
    else (*out)[(*count)++] = (gw_table_block){handle.offset, handle.size, {copy, last.size}};
  }
  gw__block_iter_free(&index);
  return status;
}

gw_status gw__table_unpack_block(const gw_table *table, const gw_table_block *block, gw_buf *out, gw_error *error) {
  gw_block_data data = {GW_BUF_INIT, GW_BUF_INIT, NULL, 0, {NULL, 0, false}};
  gw__buf_free(out);
  gw_status status = read_block(table, (gw_handle){block->offset, block->size}, "a data block", &data, error);
  gw__buf_free(&data.stored);
  if (status == GW_OK) *out = data.plain;
  else gw__buf_free(&data.plain);
  if (status != GW_OK) gw__error_file(error, table->file->path);
  return status;
}

gw_status gw__table_check_metaindex(const gw_table *table, gw_error *error) {
  uint64_t footer = table->file->size - FOOTER, end;
  gw_block_data data = {GW_BUF_INIT, GW_BUF_INIT, NULL, 0, {NULL, 0, false}};
  gw_block_iter iter = GW_BLOCK_ITER_INIT;
  bool more = true;
  gw_status status = check_handle(table, table->metaindex, footer, "the metaindex block", footer, &end, error);
  if (status == GW_OK) status = read_block(table, table->metaindex, "the metaindex block", &data, error);
  if (status == GW_OK) status = gw__block_open(&iter, data.bytes, data.size, data.place, error);
  while (status == GW_OK && more) {
    gw_span key, value;
    status = gw__block_next(&iter, &more, &key, &value, error);
  }
  if (status != GW_OK) gw__error_file(error, table->file->path);
  gw__block_iter_free(&iter);
  block_data_free(&data);
  return status;
}

/* ---- Iterating over all entries */

struct gw_table_iter {
  const gw_table *table;
  gw_block_iter index, block;
  gw_block_data data; /* of `block` */
  uint64_t end;       /* where the data block ends in the file */
  gw_span separator;  /* of the current block; lives in `index` */
  gw_buf floor;       /* the separator before: keys must be above it */
  size_t read;        /* data blocks so far */
  bool done;
  gw_error failure; /* once status is set, every call returns it */
};

gw_status gw__table_iter_new(const gw_table *table, gw_table_iter **out, gw_error *error) {
  *out = NULL;
  gw_table_iter *iter = gw__alloc_array(1, sizeof *iter, error);
  if (!iter) return GW_NO_MEMORY;
  iter->table = table;
  iter->index = iter->block = (gw_block_iter)GW_BLOCK_ITER_INIT;
  const gw_block_data *data = &table->index_block;
  gw_status status = gw__block_open(&iter->index, data->bytes, data->size, data->place, error);
  if (status != GW_OK) {
    gw__table_iter_free(iter);
    return status;
  }
  *out = iter;
  return GW_OK;
}

void gw__table_iter_free(gw_table_iter *iter) {
  if (!iter) return;
  gw__block_iter_free(&iter->index);
  gw__block_iter_free(&iter->block);
  block_data_free(&iter->data);
  gw__buf_free(&iter->floor);
  gw__free(iter);
}

static gw_status bad_key(const gw_table_iter *iter, gw_span key, gw_span bound, const char *than, gw_error *error) {
  char name[200];
  gw_printable(name, sizeof name, bound.data, bound.size);
  gw__table_bad(error, iter->data.place.path, iter->data.place.offset,
                "a key does not belong in data block %zu (expected one %s \"%s\", by the index block)",
                iter->read - 1, than, name);
  gw__error_key(error, key.data, key.size);
  return GW_CORRUPT;
}

/* Inside a block keys ascend, so the bounds concern the first and the last one only:
 * separator of the block before < first key, last key <= separator of this block. */
static gw_status check_bounds(const gw_table_iter *iter, bool first, gw_span key, gw_error *error) {
  gw_span floor = {(const char *)iter->floor.data, iter->floor.size};
  if (first && iter->read > 1 && gw__key_compare(key, floor) <= 0) return bad_key(iter, key, floor, "above", error);
  if (gw__block_at_end(&iter->block) && gw__key_compare(key, iter->separator) > 0)
    return bad_key(iter, key, iter->separator, "up to", error);
  return GW_OK;
}

static gw_status next_block(gw_table_iter *iter, bool *more, gw_error *error) {
  if (iter->read > 0) {
    gw__buf_clear(&iter->floor);
    gw__put_bytes(&iter->floor, iter->separator.data, iter->separator.size);
    if (iter->floor.failed) return gw__buf_status(&iter->floor, error);
  }
  gw_handle handle;
  gw_status status = next_handle(iter->table, &iter->index, &iter->end, more, &iter->separator, &handle, error);
  if (status != GW_OK || !*more) return status;
  char what[48];
  snprintf(what, sizeof what, "data block %zu", iter->read++);
  status = read_block(iter->table, handle, what, &iter->data, error);
  if (status != GW_OK) return status;
  return gw__block_open(&iter->block, iter->data.bytes, iter->data.size, iter->data.place, error);
}

static gw_status advance(gw_table_iter *iter, bool *more, gw_span *key, gw_span *value, gw_error *error) {
  gw_status status = GW_OK;
  bool first = false;
  *more = false;
  for (;;) {
    if (iter->read > 0) {
      first = !iter->block.started;
      status = gw__block_next(&iter->block, more, key, value, error);
      if (status != GW_OK) return status;
      if (*more) return check_bounds(iter, first, *key, error);
    }
    status = next_block(iter, more, error);
    if (status != GW_OK || !*more) return status;
  }
}

gw_status gw__table_iter_next(gw_table_iter *iter, bool *more, gw_span *key, gw_span *value, uint64_t *offset,
                              gw_error *error) {
  *more = false;
  if (iter->failure.status == GW_OK && !iter->done) {
    if (advance(iter, more, key, value, &iter->failure) != GW_OK)
      gw__error_file(&iter->failure, iter->table->file->path);
    else if (!*more) iter->done = true;
  }
  if (iter->failure.status != GW_OK) {
    *more = false;
    if (error) *error = iter->failure;
    return iter->failure.status;
  }
  if (*more && offset) *offset = iter->data.place.offset;
  return GW_OK;
}

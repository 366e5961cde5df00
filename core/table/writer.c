/* Writing a table: the bytes of TensorFlow's table::TableBuilder (tensorflow/core/lib/io/table_builder.cc) with
 * compression off, as bundles and V1 files have it. Used by bundle and run through table.h; the other direction is
 * reader.c.
 *
 *   data block | 0 | u32le masked crc32c       as often as needed
 *   00000000 01000000 | 0 | c0f2a1b0           the metaindex block, empty
 *   index block | 0 | u32le masked crc32c      separator -> varint64 offset | varint64 size
 *   metaindex handle | index handle | zeros up to 40 bytes | 57 fb 80 8b 24 75 47 db
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "block.h"
#include "table.h"

#define BLOCK_SIZE ((size_t)262144)
#define DATA_INTERVAL 16
#define INDEX_INTERVAL 1
#define HUGE_ENTRY (2 * BLOCK_SIZE) /* kOverlyLargeBlockRatio */
#define FOOTER 48
#define MAGIC UINT64_C(0xdb4775248b80fb57)

struct gw_table_writer {
  gw_block_builder data, index;
  gw_buf last; /* the key that was added last */
  uint64_t entries;
  uint64_t offset;   /* bytes made so far */
  uint64_t at, size; /* handle of the block that waits for its index entry */
  bool pending;      /* there is such a block: its separator depends on the next key */
  bool finished;
  gw_error failure; /* the first one; it comes back from every later call */
};

gw_status gw__table_writer_new(gw_table_writer **out, gw_error *error) {
  *out = NULL;
  gw_table_writer *writer = gw__alloc_array(1, sizeof *writer, error);
  if (!writer) return GW_NO_MEMORY;
  gw__block_builder_init(&writer->data, DATA_INTERVAL);
  gw__block_builder_init(&writer->index, INDEX_INTERVAL);
  *out = writer;
  return GW_OK;
}

void gw__table_writer_free(gw_table_writer *writer) {
  if (!writer) return;
  gw__block_builder_free(&writer->data);
  gw__block_builder_free(&writer->index);
  gw__buf_free(&writer->last);
  gw__free(writer);
}

/* Writes the block and its trailer. *at and *size: its handle. */
static gw_status emit(gw_table_writer *writer, gw_block_builder *builder, gw_buf *out, uint64_t *at, uint64_t *size,
                      gw_error *error) {
  size_t start = out->size;
  gw_status status = gw__block_finish(builder, out, error);
  if (status != GW_OK) return status;
  *at = writer->offset;
  *size = out->size - start;
  gw__put_u8(out, 0);
  status = gw__buf_status(out, error);
  if (status != GW_OK) return status;
  gw__put_fixed32(out, gw__crc32c_mask(gw__crc32c(out->data + start, out->size - start)));
  writer->offset += out->size - start;
  return gw__buf_status(out, error);
}

static gw_status flush(gw_table_writer *writer, gw_buf *out, gw_error *error) {
  if (gw__block_empty(&writer->data)) return GW_OK;
  gw_status status = emit(writer, &writer->data, out, &writer->at, &writer->size, error);
  writer->pending = status == GW_OK;
  return status;
}

/* Shortens `last`, in place, to the shortest s with last <= s < next (BytewiseComparator::FindShortestSeparator). */
static void shortest_separator(gw_buf *last, gw_span next) {
  size_t limit = last->size < next.size ? last->size : next.size, at = 0;
  while (at < limit && last->data[at] == (uint8_t)next.data[at]) at++;
  if (at == limit) return; /* one is a prefix of the other */
  if (last->data[at] == 0xff || last->data[at] + 1 >= (uint8_t)next.data[at]) return;
  last->data[at]++;
  last->size = at + 1;
}

/* The same after the last key of all: the shortest key that is not below it (FindShortSuccessor). */
static void short_successor(gw_buf *last) {
  for (size_t at = 0; at < last->size; at++) {
    if (last->data[at] == 0xff) continue;
    last->data[at]++;
    last->size = at + 1;
    return;
  }
}

/* Writes the index entry of the block that waits, under the separator that `last` now holds. */
static gw_status add_index(gw_table_writer *writer, gw_error *error) {
  gw_buf handle = GW_BUF_INIT;
  gw__put_varint64(&handle, writer->at);
  gw__put_varint64(&handle, writer->size);
  gw_status status = gw__buf_status(&handle, error);
  gw_span separator = {(const char *)writer->last.data, writer->last.size};
  gw_span value = {(const char *)handle.data, handle.size};
  if (status == GW_OK) status = gw__block_add(&writer->index, separator, value, error);
  gw__buf_free(&handle);
  writer->pending = false;
  return status;
}

static gw_status check_key(const gw_table_writer *writer, gw_span key, gw_error *error) {
  gw_span last = {(const char *)writer->last.data, writer->last.size};
  if (writer->entries == 0) return GW_OK;
  int order = gw__key_compare(last, key);
  if (order < 0) return GW_OK;
  char name[200];
  gw_printable(name, sizeof name, last.data, last.size);
  if (order == 0) gw__fail(error, GW_INVALID, "duplicate key");
  else gw__fail(error, GW_INVALID, "keys are not added in order (expected one above \"%s\")", name);
  gw__error_key(error, key.data, key.size);
  return GW_INVALID;
}

static gw_status add(gw_table_writer *writer, gw_span key, gw_span value, gw_buf *out, gw_error *error) {
  gw_status status = check_key(writer, key, error);
  size_t bytes;
  if (!gw__add_size(key.size, value.size, &bytes)) bytes = SIZE_MAX;
  if (status == GW_OK && writer->entries > 0 && bytes >= HUGE_ENTRY) status = flush(writer, out, error);
  if (status == GW_OK && writer->pending) {
    shortest_separator(&writer->last, key);
    status = add_index(writer, error);
  }
  if (status == GW_OK) status = gw__block_add(&writer->data, key, value, error);
  if (status != GW_OK) return status;
  gw__buf_clear(&writer->last);
  gw__put_bytes(&writer->last, key.data, key.size);
  writer->entries++;
  status = gw__buf_status(&writer->last, error);
  if (status == GW_OK && gw__block_size(&writer->data) >= BLOCK_SIZE) status = flush(writer, out, error);
  return status;
}

static gw_status put_footer(const uint64_t handles[4], gw_buf *out, gw_error *error) {
  size_t start = out->size;
  for (size_t i = 0; i < 4; i++) gw__put_varint64(out, handles[i]);
  while (!out->failed && out->size - start < FOOTER - 8) gw__put_u8(out, 0);
  gw__put_fixed64(out, MAGIC);
  return gw__buf_status(out, error);
}

static gw_status finish(gw_table_writer *writer, gw_buf *out, gw_error *error) {
  uint64_t handles[4] = {0}; /* metaindex offset and size, index offset and size */
  gw_block_builder metaindex;
  gw__block_builder_init(&metaindex, DATA_INTERVAL);
  gw_status status = flush(writer, out, error);
  if (status == GW_OK) status = emit(writer, &metaindex, out, &handles[0], &handles[1], error);
  if (status == GW_OK && writer->pending) {
    short_successor(&writer->last);
    status = add_index(writer, error);
  }
  if (status == GW_OK) status = emit(writer, &writer->index, out, &handles[2], &handles[3], error);
  if (status == GW_OK) status = put_footer(handles, out, error);
  gw__block_builder_free(&metaindex);
  return status;
}

static gw_status report(const gw_table_writer *writer, gw_error *error) {
  if (writer->failure.status != GW_OK && error) *error = writer->failure;
  return writer->failure.status;
}

gw_status gw__table_writer_add(gw_table_writer *writer, gw_span key, gw_span value, gw_buf *out, gw_error *error) {
  assert(!writer->finished);
  if (writer->failure.status == GW_OK) add(writer, key, value, out, &writer->failure);
  return report(writer, error);
}

gw_status gw__table_writer_finish(gw_table_writer *writer, gw_buf *out, gw_error *error) {
  assert(!writer->finished);
  writer->finished = true;
  if (writer->failure.status == GW_OK) finish(writer, out, &writer->failure);
  return report(writer, error);
}

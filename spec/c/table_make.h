/* Tables made by hand, right or wrong, for the tests and the fuzz target: bytes as a file, blocks with their trailers,
 * footers, and all entries of a table in one buffer. */
#ifndef GODWIT_SPEC_TABLE_MAKE_H
#define GODWIT_SPEC_TABLE_MAKE_H

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../core/base/crc32c.h"
#include "../../core/table/block.h"
#include "../../core/table/table.h"

static inline void gwt_must(bool fine) { /* what a test cannot go on without */
  if (!fine) abort();
}

/* A file in memory that holds these bytes, under the name "test.index". */
static inline gw_file gwt_file_of(const void *bytes, size_t size) {
  static char name[] = "test.index";
  gw_file file = {.fd = memfd_create(name, 0), .size = size, .path = name};
  gwt_must(file.fd >= 0 && ftruncate(file.fd, (off_t)size) == 0);
  for (size_t done = 0; done < size;) {
    ssize_t part = pwrite(file.fd, (const char *)bytes + done, size - done, (off_t)done);
    gwt_must(part > 0);
    done += (size_t)part;
  }
  return file;
}

static inline gw_span gwt_span(const char *text) { return (gw_span){text, strlen(text)}; }

/* Type byte and checksum of the `size` bytes that were appended last. */
static inline void gwt_put_trailer(gw_buf *out, size_t size, uint8_t type) {
  gw__put_u8(out, type);
  gw__put_fixed32(out, gw__crc32c_mask(gw__crc32c(out->data + out->size - size - 1, size + 1)));
}

static inline void gwt_put_footer(gw_buf *out, const uint64_t handles[4]) {
  size_t start = out->size;
  for (size_t i = 0; i < 4; i++) gw__put_varint64(out, handles[i]);
  while (out->size - start < 40) gw__put_u8(out, 0);
  gw__put_fixed64(out, UINT64_C(0xdb4775248b80fb57));
}

static inline void gwt_put_handle(gw_buf *out, uint64_t offset, uint64_t size) {
  gw__put_varint64(out, offset);
  gw__put_varint64(out, size);
}

static inline void gwt_compress(gw_buf *out, const uint8_t *bytes, size_t size) {
  size_t packed = snappy_max_compressed_length(size);
  gwt_must(gw__buf_reserve(out, packed));
  gwt_must(snappy_compress((const char *)bytes, size, (char *)out->data + out->size, &packed) == SNAPPY_OK);
  out->size += packed;
}

/* A table in the making. The index takes any key and any handle: nothing is checked here. */
typedef struct gwt_table {
  gw_buf out;
  gw_block_builder index;
} gwt_table;

static inline void gwt_table_init(gwt_table *table) {
  table->out = (gw_buf)GW_BUF_INIT;
  gw__block_builder_init(&table->index, 1);
}

static inline void gwt_table_index(gwt_table *table, gw_span separator, uint64_t offset, uint64_t size) {
  gw_buf handle = GW_BUF_INIT;
  gwt_put_handle(&handle, offset, size);
  gwt_must(gw__block_add(&table->index, separator, (gw_span){(const char *)handle.data, handle.size}, NULL) == GW_OK);
  gw__buf_free(&handle);
}

static inline void gwt_table_block(gwt_table *table, const gw_buf *block, uint8_t type, gw_span separator) {
  uint64_t offset = table->out.size;
  if (type == 1) gwt_compress(&table->out, block->data, block->size);
  else gw__put_bytes(&table->out, block->data, block->size);
  uint64_t size = table->out.size - offset;
  gwt_put_trailer(&table->out, (size_t)size, type);
  gwt_table_index(table, separator, offset, size);
}

/* Metaindex, index (of `type`) and footer. */
static inline void gwt_table_finish(gwt_table *table, uint8_t type) {
  uint64_t handles[4] = {table->out.size, 8, table->out.size + 13, 0};
  gw__put_bytes(&table->out, "\0\0\0\0\1\0\0\0", 8);
  gwt_put_trailer(&table->out, 8, 0);
  gw_buf block = GW_BUF_INIT;
  gwt_must(gw__block_finish(&table->index, &block, NULL) == GW_OK);
  if (type == 1) gwt_compress(&table->out, block.data, block.size);
  else gw__put_bytes(&table->out, block.data, block.size);
  handles[3] = table->out.size - handles[2];
  gwt_put_trailer(&table->out, (size_t)handles[3], type);
  gwt_put_footer(&table->out, handles);
  gw__buf_free(&block);
}

static inline void gwt_table_free(gwt_table *table) {
  gw__buf_free(&table->out);
  gw__block_builder_free(&table->index);
}

/* Appends one entry as `dump` has them: lengths, key, value. */
static inline void gwt_dump_entry(gw_buf *dump, gw_span key, gw_span value) {
  gw__put_fixed64(dump, key.size);
  gw__put_fixed64(dump, value.size);
  gw__put_bytes(dump, key.data, key.size);
  gw__put_bytes(dump, value.data, value.size);
}

/* Reads the whole table. `dump` (may be NULL) gets all entries, `rewritten` (may be NULL) the table that our writer
 * makes of them. */
static inline gw_status gwt_read_table(const gw_file *file, gw_buf *dump, gw_buf *rewritten, gw_error *error) {
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  gw_table_writer *writer = NULL;
  bool more = true;
  gw_status status = gw__table_open(file, &table, error);
  if (status == GW_OK) status = gw__table_iter_new(table, &iter, error);
  if (status == GW_OK && rewritten) status = gw__table_writer_new(&writer, error);
  while (status == GW_OK && more) {
    gw_span key, value;
    uint64_t offset = UINT64_MAX;
    status = gw__table_iter_next(iter, &more, &key, &value, &offset, error);
    if (status != GW_OK || !more) break;
    gwt_must(offset < file->size);
    if (dump) gwt_dump_entry(dump, key, value);
    if (rewritten) status = gw__table_writer_add(writer, key, value, rewritten, error);
  }
  if (status == GW_OK && rewritten) status = gw__table_writer_finish(writer, rewritten, error);
  gw__table_writer_free(writer);
  gw__table_iter_free(iter);
  gw__table_free(table);
  return status;
}

#endif

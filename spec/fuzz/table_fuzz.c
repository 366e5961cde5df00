/* libFuzzer target of core/table. The first byte chooses, by its low two bits:
 *
 *   0  raw        the rest is a file
 *   1  repaired   the rest is a file whose magic number and checksums are mended first, so that what lies behind them
 *                 is reached: the index block that the footer names, and the data blocks that this index names
 *   2  assembled  the rest is blocks: size u16le | type u8 | separator length u8 | separator | bytes; trailers,
 *                 handles, index and footer are made for them
 *   3  round trip the rest is entries: key length u8 | value length u8 | bytes; sorted, written, read back
 *
 * A first byte of 4 is something else: the rest is the key of a slice. What decodes is the only form of what it says, and
 * what it says, with other numbers, comes back.
 *
 * Whatever is read must ascend; and what can be read can be written, and reads the same again. */
#include <stdint.h>
#include <string.h>

#include "../../core/base/cursor.h"
#include "../c/table_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const gw_buf *a, const gw_buf *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* What our writer made is read without complaint, as `dump`, and written as the same bytes again. */
static void must_come_back(const gw_buf *bytes, const gw_buf *dump) {
  gw_buf again = GW_BUF_INIT, rewritten = GW_BUF_INIT;
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  gw_table *table = NULL;
  gwt_must(gw__table_open(&file, &table, NULL) == GW_OK && gw__table_check_metaindex(table, NULL) == GW_OK);
  gw__table_free(table);
  gwt_must(gwt_read_table(&file, &again, &rewritten, NULL) == GW_OK);
  gwt_must(same(&again, dump) && same(&rewritten, bytes));
  close(file.fd);
  gw__buf_free(&again);
  gw__buf_free(&rewritten);
}

static void read_file(const uint8_t *data, size_t size) {
  gw_buf dump = GW_BUF_INIT, rewritten = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_file file = gwt_file_of(data, size);
  gw_table *table = NULL;
  if (gw__table_open(&file, &table, NULL) == GW_OK) gw__table_check_metaindex(table, NULL);
  gw__table_free(table);
  gw_status status = gwt_read_table(&file, &dump, &rewritten, &error);
  /* GW_INVALID would come from the writer, which gets ascending keys only if the reader checks them. */
  gwt_must(status == GW_OK || status == GW_CORRUPT || status == GW_LIMIT);
  gwt_must(status == error.status && (status == GW_OK || (error.what[0] && error.file[0] && error.has_offset)));
  if (status == GW_OK) must_come_back(&rewritten, &dump);
  close(file.fd);
  gw__buf_free(&dump);
  gw__buf_free(&rewritten);
}

/* ---- Mending checksums */

static bool mend_block(uint8_t *data, size_t size, uint64_t offset, uint64_t length) {
  if (size < 53 || offset > size - 53 || length > size - 53 - offset) return false;
  uint8_t *trailer = data + offset + length;
  gw__store_fixed32(trailer + 1, gw__crc32c_mask(gw__crc32c(data + offset, (size_t)length + 1)));
  return true;
}

static bool get_handle(gw_cur *cur, uint64_t *offset, uint64_t *size) {
  return gw__get_varint64(cur, offset) && gw__get_varint64(cur, size);
}

static void mend(uint8_t *data, size_t size) {
  if (size < 48) return;
  gw__store_fixed64(data + size - 8, UINT64_C(0xdb4775248b80fb57));
  gw_cur footer = gw__cur(data + size - 48, 40, 0);
  uint64_t offset, length;
  if (get_handle(&footer, &offset, &length)) mend_block(data, size, offset, length);
  if (!get_handle(&footer, &offset, &length) || !mend_block(data, size, offset, length)) return;
  /* The entries of the index, as far as they can be made out: an index of one's own, were it compressed, is not. */
  gw_cur index = gw__cur(data + offset, (size_t)length, 0);
  uint32_t shared, unshared, value_length;
  const uint8_t *bytes;
  while (gw__get_varint32(&index, &shared) && gw__get_varint32(&index, &unshared) &&
         gw__get_varint32(&index, &value_length) && gw__get_bytes(&index, unshared, &bytes) &&
         gw__get_bytes(&index, value_length, &bytes)) {
    gw_cur value = gw__cur(bytes, value_length, 0);
    uint64_t at, block;
    if (!get_handle(&value, &at, &block)) return;
    if (block < size && at < offset) mend_block(data, size, at, block);
  }
}

static void read_repaired(const uint8_t *data, size_t size) {
  gw_buf copy = GW_BUF_INIT;
  gw__put_bytes(&copy, data, size);
  gwt_must(!copy.failed);
  mend(copy.data, copy.size);
  read_file(copy.data, copy.size);
  gw__buf_free(&copy);
}

/* ---- Assembling blocks */

static void read_assembled(const uint8_t *data, size_t size) {
  gwt_table table;
  gwt_table_init(&table);
  gw_cur cur = gw__cur(data, size, 0);
  uint8_t low, high, type, length;
  const uint8_t *separator, *bytes;
  while (gw__get_u8(&cur, &low) && gw__get_u8(&cur, &high) && gw__get_u8(&cur, &type) && gw__get_u8(&cur, &length) &&
         gw__get_bytes(&cur, length, &separator)) {
    size_t block = (size_t)low | (size_t)high << 8;
    if (block > gw__cur_left(&cur)) block = gw__cur_left(&cur);
    gw__get_bytes(&cur, block, &bytes);
    uint64_t offset = table.out.size;
    gw__put_bytes(&table.out, bytes, block);
    gwt_put_trailer(&table.out, block, type);
    gwt_table_index(&table, (gw_span){(const char *)separator, length}, offset, block);
  }
  gwt_table_finish(&table, size % 2);
  read_file(table.out.data, table.out.size);
  gwt_table_free(&table);
}

/* ---- Round trips */

typedef struct entry {
  gw_span key, value;
} entry;

static int by_key(const void *a, const void *b) {
  const entry *left = a, *right = b;
  return gw__key_compare(left->key, right->key);
}

static size_t parse_entries(const uint8_t *data, size_t size, entry *entries) {
  size_t count = 0, kept = 0;
  gw_cur cur = gw__cur(data, size, 0);
  uint8_t key, value;
  const uint8_t *bytes;
  while (gw__get_u8(&cur, &key) && gw__get_u8(&cur, &value) && gw__get_bytes(&cur, key, &bytes)) {
    entries[count].key = (gw_span){(const char *)bytes, key};
    if (value > gw__cur_left(&cur)) value = (uint8_t)gw__cur_left(&cur);
    gw__get_bytes(&cur, value, &bytes);
    entries[count++].value = (gw_span){(const char *)bytes, value};
  }
  if (count > 1) qsort(entries, count, sizeof *entries, by_key);
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || by_key(&entries[kept - 1], &entries[i]) != 0) entries[kept++] = entries[i];
  return kept;
}

static void round_trip(const uint8_t *data, size_t size) {
  entry *entries = calloc(size / 2 + 1, sizeof *entries);
  gwt_must(entries != NULL);
  size_t count = parse_entries(data, size, entries);
  gw_buf bytes = GW_BUF_INIT, dump = GW_BUF_INIT;
  gw_table_writer *writer = NULL;
  gwt_must(gw__table_writer_new(&writer, NULL) == GW_OK);
  for (size_t i = 0; i < count; i++) {
    gwt_must(gw__table_writer_add(writer, entries[i].key, entries[i].value, &bytes, NULL) == GW_OK);
    gwt_dump_entry(&dump, entries[i].key, entries[i].value);
  }
  gwt_must(gw__table_writer_finish(writer, &bytes, NULL) == GW_OK);
  must_come_back(&bytes, &dump);
  gw__table_writer_free(writer);
  gw__buf_free(&bytes);
  gw__buf_free(&dump);
  free(entries);
}

/* ---- Slice keys */

static void must_be_its_only_form(gw_span key) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  size_t rank = 0;
  gw_buf name = GW_BUF_INIT, again = GW_BUF_INIT;
  if (gw__get_slice_key(key, &name, &rank, starts, lengths)) {
    gw__put_slice_key(&again, (gw_span){(const char *)name.data, name.size}, rank, starts, lengths);
    gwt_must(again.size == key.size && memcmp(again.data, key.data, key.size) == 0);
  } else {
    gwt_must(name.size == 0);
  }
  gw__buf_free(&name);
  gw__buf_free(&again);
}

/* rank u8 | rank * (start u64le | length u64le) | name */
static void slice_key(const uint8_t *data, size_t size) {
  must_be_its_only_form((gw_span){(const char *)data, size});
  gw_cur cur = gw__cur(data, size, 0);
  int64_t starts[16], lengths[16], found_starts[GW_MAX_RANK], found_lengths[GW_MAX_RANK];
  uint8_t rank = 0;
  const uint8_t *numbers;
  size_t found = 0;
  if (!gw__get_u8(&cur, &rank) || rank == 0 || rank > 16 || !gw__get_bytes(&cur, (size_t)rank * 16, &numbers)) return;
  for (size_t i = 0; i < rank; i++) {
    starts[i] = (int64_t)gw__load_fixed64(numbers + 16 * i);
    lengths[i] = (int64_t)gw__load_fixed64(numbers + 16 * i + 8);
  }
  gw_buf key = GW_BUF_INIT, name = GW_BUF_INIT;
  gw__put_slice_key(&key, (gw_span){(const char *)cur.pos, gw__cur_left(&cur)}, rank, starts, lengths);
  gwt_must(gw__get_slice_key((gw_span){(const char *)key.data, key.size}, &name, &found, found_starts, found_lengths));
  gwt_must(found == rank && name.size == gw__cur_left(&cur) && (name.size == 0 || memcmp(name.data, cur.pos, name.size) == 0));
  gwt_must(memcmp(starts, found_starts, rank * sizeof *starts) == 0 && memcmp(lengths, found_lengths, rank * sizeof *lengths) == 0);
  for (size_t cut = 0; cut < key.size && cut < 64; cut++) must_be_its_only_form((gw_span){(const char *)key.data, key.size - cut});
  gw__buf_free(&key);
  gw__buf_free(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  if (data[0] == 4) {
    slice_key(data + 1, size - 1);
    return 0;
  }
  switch (data[0] & 3) {
    case 0: read_file(data + 1, size - 1); break;
    case 1: read_repaired(data + 1, size - 1); break;
    case 2: read_assembled(data + 1, size - 1); break;
    default: round_trip(data + 1, size - 1); break;
  }
  return 0;
}

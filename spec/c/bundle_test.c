/* core/bundle: headers, entries, slices and data files that no TensorFlow writes, or that only other machines write.
 * Usage: bundle_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <limits.h>
#include <stdlib.h>

#include "../../core/base/error.h"
#include "bundle_make.h"
#include "check.h"

static const char *scratch = ".";
static gwt_path prefix, copy;

#define DIMS(...) ((const int64_t[]){__VA_ARGS__})
#define PUT(buf, literal) gw__put_bytes((buf), (literal), sizeof(literal) - 1)

static void start(void) {
  gwt_clear(scratch);
  prefix = gwt_path_of("%s/in", scratch);
  copy = gwt_path_of("%s/copy", scratch);
}

/* Opening fails with this text, at the index. The key is printable here: "-" stands for none. */
static void refuse(gw_status status, const char *key, const char *text) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle;
  gw_status found = gw_bundle_open(prefix.text, &bundle, &error);
  CHECK(found == status && error.status == status && bundle == NULL);
  CHECK_TEXT(error.what, text);
  CHECK_TEXT(error.file, gwt_index_of(prefix.text).text);
  CHECK_TEXT(error.key[0] ? error.key : "-", key);
  gw_bundle_release(bundle);
}

static gw_bundle *must_open(void) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle = NULL;
  CHECK(gw_bundle_open(prefix.text, &bundle, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  return bundle;
}

/* Reading everything, and copying everything, fail with this text at this file ("" for the data file). */
static void refuse_data(gw_status status, const char *file, const char *text) {
  gw_error error = GW_ERROR_INIT, second = GW_ERROR_INIT;
  gw_buf dump = GW_BUF_INIT;
  remove(gwt_index_of(copy.text).text);
  CHECK(gwt_dump(prefix.text, &dump, &error) == status);
  CHECK_TEXT(error.what, text);
  CHECK_TEXT(error.file, file[0] ? file : gwt_data_of(prefix.text, 0, 1).text);
  CHECK(gwt_copy(prefix.text, copy.text, NULL, NULL, &second) == status);
  CHECK_TEXT(second.what, text);
  CHECK(!gwt_exists(gwt_index_of(copy.text).text));
  gw__buf_free(&dump);
}

/* The copy holds the same values, and nothing is wrong with it. */
static void check_copy(void) {
  gw_error error = GW_ERROR_INIT;
  gw_buf before = GW_BUF_INIT, after = GW_BUF_INIT;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  size_t fatal, odd;
  options.force = true;
  CHECK(gwt_dump(prefix.text, &before, &error) == GW_OK && gwt_copy(prefix.text, copy.text, NULL, &options, &error) == GW_OK &&
        gwt_dump(copy.text, &after, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  CHECK(gwt_same(&before, &after));
  CHECK(gwt_verify(copy.text, &fatal, &odd, NULL, NULL) == GW_OK && fatal == 0 && odd == 0);
  gw__buf_free(&before);
  gw__buf_free(&after);
}

/* ---- Headers */

static void write_header(const gw_buf *header) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw__buf_clear(&bundle.header);
  gw__put_bytes(&bundle.header, header->data, header->size);
  gwt_bundle_add_data(&bundle, "a", GW_DT_FLOAT, 0, NULL, "\0\0\x80\x3f", 4);
  gwt_bundle_write(&bundle, prefix.text, 1);
  gwt_bundle_free(&bundle);
}

/* num_shards 1, endianness and version as given; the bad consumers packed. */
static void version_case(int64_t endianness, int64_t producer, int64_t min_consumer, const char *bad_consumers, gw_status status,
                         const char *text) {
  gw_buf header = GW_BUF_INIT, version = GW_BUF_INIT, bad = GW_BUF_INIT;
  start();
  gwt_put_number(&header, 1, 1);
  if (endianness) gwt_put_number(&header, 2, endianness);
  if (producer) gwt_put_number(&version, 1, producer);
  if (min_consumer) gwt_put_number(&version, 2, min_consumer);
  gw__put_text(&bad, bad_consumers);
  if (bad.size) gwt_put_message(&version, 3, &bad);
  gwt_put_message(&header, 3, &version);
  write_header(&header);
  if (status == GW_OK) gw_bundle_release(must_open());
  else refuse(status, "-", text);
  gw__buf_free(&header);
  gw__buf_free(&version);
  gw__buf_free(&bad);
}

static void versions_of_the_header(void) {
  version_case(0, 0, 0, "", GW_OK, NULL);
  version_case(0, 1000, 0, "", GW_OK, NULL);
  version_case(0, 1, 1, "", GW_OK, NULL);
  version_case(0, 1, 2, "", GW_UNSUPPORTED, "the checkpoint's min consumer version 2 is above version 1, the newest that is known");
  version_case(0, -1, 0, "", GW_UNSUPPORTED, "the checkpoint's producer version -1 is below 0");
  version_case(0, 1, 0, "\x02\x03", GW_OK, NULL);
  version_case(0, 1, 0, "\x02\x01", GW_UNSUPPORTED, "the checkpoint disallows consumer version 1");
  version_case(2, 1, 0, "", GW_CORRUPT, "the header's endianness is 2 (expected 0 or 1)");
  version_case(-1, 1, 0, "", GW_CORRUPT, "the header's endianness is -1 (expected 0 or 1)");
}

static void a_header_without_a_version(void) {
  gw_buf header = GW_BUF_INIT;
  start();
  gwt_put_number(&header, 1, 1);
  write_header(&header);
  gw_bundle_release(must_open());
  check_copy();
  CHECK(gwt_same_files(gwt_index_of(prefix.text).text, gwt_index_of(copy.text).text));
  gw__buf_free(&header);
}

static void headers_that_are_none(void) {
  gw_buf header = GW_BUF_INIT;
  start();
  gw__put_text(&header, "\xff\xff\xff");
  write_header(&header);
  refuse(GW_CORRUPT, "-", "the header is not a BundleHeaderProto");
  gw__buf_clear(&header);
  write_header(&header); /* an empty message: no shards */
  refuse(GW_CORRUPT, "a", "the entry is in shard 0 of a checkpoint of 0");
  gwt_must(gw__buf_reserve(&header, GW_MAX_ENTRY_BYTES + 1));
  memset(header.data, 0, GW_MAX_ENTRY_BYTES + 1);
  header.size = GW_MAX_ENTRY_BYTES + 1;
  write_header(&header);
  refuse(GW_LIMIT, "-", "a header of 1048577 bytes");
  gw__buf_free(&header);
}

/* Keys in any order, which the table's writer would refuse. */
static void write_rows(const char *const *keys, size_t count) {
  gw_block_builder builder;
  gw_buf block = GW_BUF_INIT, value = GW_BUF_INIT;
  gwt_table table;
  gwt_entry entry = {.dtype = GW_DT_FLOAT, .size = 4};
  gwt_table_init(&table);
  gw__block_builder_init(&builder, 16);
  for (size_t i = 0; i < count; i++) {
    gw__buf_clear(&value);
    if (keys[i][0]) gwt_put_entry(&value, &entry);
    else gwt_put_header(&value, 1, false);
    gwt_must(gw__block_add(&builder, gwt_span(keys[i]), (gw_span){(const char *)value.data, value.size}, NULL) == GW_OK);
  }
  gwt_must(gw__block_finish(&builder, &block, NULL) == GW_OK);
  if (count > 0) gwt_table_block(&table, &block, 0, gwt_span("zz"));
  gwt_table_finish(&table, 0);
  gwt_save(gwt_index_of(prefix.text).text, table.out.data, table.out.size);
  gwt_table_free(&table);
  gw__block_builder_free(&builder);
  gw__buf_free(&block);
  gw__buf_free(&value);
}

static void keys_out_of_order(void) {
  start();
  write_rows((const char *[]){"a", "b"}, 2);
  refuse(GW_CORRUPT, "-", "the first key is not empty: there is no header");
  write_rows(NULL, 0);
  refuse(GW_CORRUPT, "-", "the index is empty: there is no header");
  write_rows((const char *[]){"", "b", "a"}, 3);
  refuse(GW_CORRUPT, "a", "keys do not ascend (expected one above \"b\")");
  write_rows((const char *[]){"", "a", "a"}, 3);
  refuse(GW_CORRUPT, "a", "a key occurs twice");
}

/* ---- Entries */

static void write_entry(int64_t shards, const gwt_entry *entry) {
  gwt_bundle bundle = gwt_bundle_new(shards, false);
  gwt_bundle_add(&bundle, "a/b", entry);
  gw__put_bytes(&bundle.data, "\0\0\x80\x3f\0\0\0\x40", 8);
  gwt_bundle_write(&bundle, prefix.text, shards == 1 ? 1 : 0);
  gwt_bundle_free(&bundle);
}

static const int64_t ones_254[255] = {[254] = 0};

static void wrong_entries(void) {
  const int64_t big = INT64_C(1) << 62;
  const struct {
    gwt_entry entry;
    const char *text;
  } cases[] = {
      {{.dtype = 0, .size = 4}, "the entry has no dtype"},
      {{.dtype = -1, .size = 4}, "the entry has no dtype"},
      {{.dtype = 1, .shard = -1, .size = 4}, "the entry is in shard -1"},
      {{.dtype = 1, .shard = 1, .size = 4}, "the entry is in shard 1 of a checkpoint of 1"},
      {{.dtype = 1, .shard = INT32_MAX, .size = 4}, "the entry is in shard 2147483647 of a checkpoint of 1"},
      {{.dtype = 1, .offset = -1, .size = 4}, "the entry's data begins at the negative offset -1"},
      {{.dtype = 1, .size = -4}, "the entry's data has the negative size -4"},
      {{.dtype = 1, .size = 8}, "a stored size of 8 bytes (expected 1 elements of 4)"},
      {{.dtype = 1, .rank = -1, .size = 8}, "a stored size of 8 bytes (expected 1 elements of 4)"},
      {{.dtype = 1, .rank = 1, .dims = DIMS(3), .size = 8}, "a stored size of 8 bytes (expected 3 elements of 4)"},
      {{.dtype = 1, .rank = 1, .dims = DIMS(0), .size = 4}, "a stored size of 4 bytes (expected 0 elements of 4)"},
      {{.dtype = 1, .rank = 1, .dims = DIMS(-1), .size = 4}, "axis 0 of the shape has the size -1"},
      {{.dtype = 1, .rank = 2, .dims = DIMS(4, INT64_MIN), .size = 4}, "axis 1 of the shape has the size -9223372036854775808"},
      {{.dtype = 1, .rank = 2, .dims = (const int64_t[]){big, 4}, .size = 4}, "a shape of more than 2^63 elements"},
      {{.dtype = 1, .rank = 3, .dims = (const int64_t[]){big, 4, 0}}, "a shape of more than 2^63 elements"},
      {{.dtype = 1, .rank = 1, .dims = (const int64_t[]){big}}, "a stored size of 0 bytes (expected 4611686018427387904 elements of 4)"},
      {{.dtype = 1, .rank = 255, .dims = ones_254}, "a shape of 255 dimensions (at most 254)"},
      {{.dtype = 1, .offset = INT64_MAX, .size = 4},
       "data at offset 9223372036854775807 with 4 bytes ends beyond what a file can have"},
      {{.dtype = 7, .rank = 1, .dims = DIMS(9), .size = 8}, "a stored size of 8 bytes for 9 strings"},
      {{.dtype = 21, .rank = 1, .dims = DIMS(9), .size = 8}, "a stored size of 8 bytes for 9 strings"},
      {{.dtype = 1, .slices = 2}, "a scalar that is said to be stored in 2 slices"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start();
    write_entry(1, &cases[i].entry);
    refuse(GW_CORRUPT, "a/b", cases[i].text);
  }
}

static void raw_entry(const void *bytes, size_t size, const char *text) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw__put_bytes(gwt_bundle_row(&bundle, gwt_span("a")), bytes, size);
  gw__put_bytes(&bundle.data, "\0\0\x80\x3f", 4);
  start();
  gwt_bundle_write(&bundle, prefix.text, 1);
  if (text) refuse(GW_CORRUPT, "a", text);
  else gw_bundle_release(must_open());
  gwt_bundle_free(&bundle);
}
#define RAW(bytes, text) raw_entry((bytes), sizeof(bytes) - 1, (text))

static void entries_of_odd_bytes(void) {
  const char *const none = "the entry is not a BundleEntryProto";
  RAW("", "the entry has no dtype");
  RAW("\x08", none);                                                   /* a number that is cut */
  RAW("\x08\x01\x12\x05\x12", none);                                   /* a shape that is cut */
  RAW("\x08\x01\x12\xff\xff\xff\xff\x0f", none);                       /* a shape of 4 GiB */
  RAW("\x08\x01\x0b\x0b\x0b", none);                                   /* groups that nobody closes */
  RAW("\x08\x01\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "the entry's data has the negative size -1"); /* 70 bits */
  RAW("\x08\x01\x28\x04\x35\xc4\x79\x5d\x6b", NULL);                   /* a shape is not needed for a scalar */
  RAW("\x08\x01\x12\x02\x18\x01\x28\x04\x35\xc4\x79\x5d\x6b", NULL);   /* nor is a known rank */
  RAW("\x28\x04\x08\x01\x7a\x03" "abc", NULL);                         /* any order, fields that nobody knows */
  RAW("\x08\x02\x08\x01\x28\x04", NULL);                               /* the last of two wins */
  RAW("\x08\x01\x12\x06\x12\x04\x08\x01\x12\x00\x28\x04", NULL);       /* a dimension with an empty name */
}

/* All the axes that TensorFlow allows; sizes of 0 take the fewest bytes for the most memory. */
static void as_many_axes_as_there_can_be(void) {
  int64_t dims[254];
  for (size_t i = 0; i < 254; i++) dims[i] = 1;
  for (int round = 0; round < 2; round++) {
    gwt_bundle bundle = gwt_bundle_new(1, false);
    start();
    if (round) memset(dims, 0, sizeof dims);
    gwt_bundle_add_data(&bundle, "a", GW_DT_FLOAT, 254, dims, "\0\0\x80\x3f", round ? 0 : 4);
    gwt_bundle_write(&bundle, prefix.text, 1);
    gw_bundle *opened = must_open();
    gw_entry_info info;
    if (opened) gw_bundle_entry(opened, 0, &info);
    CHECK(opened && info.rank == 254);
    gw_bundle_release(opened);
    check_copy();
    gwt_bundle_free(&bundle);
  }
}

static void an_entry_that_is_too_large(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw_buf *value = gwt_bundle_row(&bundle, gwt_span("a"));
  start();
  gwt_must(gw__buf_reserve(value, GW_MAX_ENTRY_BYTES + 2));
  memset(value->data, 0x08, GW_MAX_ENTRY_BYTES + 2); /* dtype 8, again and again */
  value->size = GW_MAX_ENTRY_BYTES + 2;
  gwt_bundle_write(&bundle, prefix.text, 1);
  refuse(GW_LIMIT, "a", "an entry of 1048578 bytes (at most 1048576 are read)");
  value->size = GW_MAX_ENTRY_BYTES;
  gwt_bundle_write(&bundle, prefix.text, 1);
  refuse(GW_CORRUPT, "a", "a stored size of 0 bytes (expected 1 elements of 8)");
  gwt_bundle_free(&bundle);
}

/* ---- Dtypes that nobody knows */

static void an_unknown_dtype_is_kept(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw_entry_info info;
  gw_tensor *tensor = NULL;
  gw_error error = GW_ERROR_INIT;
  gw_stats stats;
  uint8_t element[16];
  char *text = NULL;
  start();
  gwt_bundle_add_data(&bundle, "odd", 77, 2, DIMS(2, 3), "seventeen bytes..", 17);
  gwt_bundle_add_data(&bundle, "resource", GW_DT_RESOURCE, 0, NULL, "abc", 3);
  gwt_bundle_write(&bundle, prefix.text, 1);
  gw_bundle *opened = must_open();
  gw_bundle_entry(opened, 0, &info);
  CHECK(info.dtype == 77 && info.size == 17 && gw_dtype_name(77) == NULL && gw_dtype_size(77) == 0);
  CHECK(gw_bundle_tensor(opened, 0, &tensor, NULL) == GW_OK);
  CHECK(gw_tensor_read(tensor, 0, 1, element, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "elements of dtype unknown have no fixed size");
  CHECK(gw_tensor_stats(tensor, &stats, &error) == GW_UNSUPPORTED);
  CHECK(gw_tensor_preview(tensor, 6, 3, &text, &error) == GW_OK);
  CHECK_TEXT(text, "(17 bytes of dtype 77)");
  gw_free(text);
  gw_tensor_release(tensor);
  gw_bundle_release(opened);
  check_copy();
  CHECK(gwt_same_files(gwt_index_of(prefix.text).text, gwt_index_of(copy.text).text));
  CHECK(gwt_same_files(gwt_data_of(prefix.text, 0, 1).text, gwt_data_of(copy.text, 0, 1).text));
  gwt_bundle_free(&bundle);
}

static void reference_dtypes_are_their_base(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw_entry_info info;
  start();
  gwt_bundle_add_data(&bundle, "ref", 101, 0, NULL, "\0\0\x80\x3f", 4);
  gwt_bundle_add_data(&bundle, "strange", 177, 0, NULL, "abc", 3);
  gwt_bundle_write(&bundle, prefix.text, 1);
  gw_bundle *opened = must_open();
  gw_bundle_entry(opened, 0, &info);
  CHECK(info.dtype == GW_DT_FLOAT);
  gw_bundle_entry(opened, 1, &info);
  CHECK(info.dtype == 77);
  gw_bundle_release(opened);
  check_copy();
  gwt_bundle_free(&bundle);
}

/* ---- Keys */

static void keys_of_all_kinds(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw_buf longest = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  size_t index;
  static const char odd[] = "a\0b\xff\xfe\n";
  gwt_entry entry = {.dtype = GW_DT_FLOAT, .size = 4, .crc = gw__crc32c("\0\0\x80\x3f", 4)};
  start();
  for (size_t i = 0; i < 70000; i++) gw__put_u8(&longest, (uint8_t)('a' + i % 26));
  gw_span key = {(const char *)longest.data, longest.size};
  gwt_put_entry(gwt_bundle_row(&bundle, key), &entry);
  gwt_put_entry(gwt_bundle_row(&bundle, (gw_span){odd, sizeof odd - 1}), &entry);
  gwt_put_entry(gwt_bundle_row(&bundle, (gw_span){"\0abc", 4}), &entry); /* begins like a slice's key, and is none */
  gw__put_bytes(&bundle.data, "\0\0\x80\x3f", 4);
  gwt_bundle_write(&bundle, prefix.text, 1);
  gw_bundle *opened = must_open();
  CHECK(gw_bundle_count(opened) == 3);
  CHECK(gw_bundle_find(opened, key.data, key.size, &index) && index == 2);
  CHECK(gw_bundle_find(opened, odd, sizeof odd - 1, &index) && index == 1);
  CHECK(!gw_bundle_find(opened, key.data, key.size - 1, &index));
  gw_bundle_release(opened);
  check_copy();
  gwt_save(gwt_data_of(prefix.text, 0, 1).text, "\1\0\x80\x3f", 4);
  gw_buf dump = GW_BUF_INIT;
  CHECK(gwt_dump(prefix.text, &dump, &error) == GW_CORRUPT);
  CHECK_TEXT(error.key, "\\x00abc");
  gw__buf_free(&dump);
  gw__buf_free(&longest);
  gwt_bundle_free(&bundle);
}

/* ---- Shards */

static void as_many_shards_as_a_number_holds(void) {
  const gwt_entry entry = {.dtype = GW_DT_FLOAT, .shard = INT32_MAX - 1, .size = 4, .crc = gw__crc32c("\0\0\x80\x3f", 4)};
  start();
  write_entry(INT32_MAX, &entry);
  gw_bundle *opened = must_open();
  CHECK(gw_bundle_shards(opened) == INT32_MAX);
  gw_bundle_release(opened);
  gwt_path data = gwt_data_of(prefix.text, INT32_MAX - 1, INT32_MAX);
  refuse_data(GW_CORRUPT, data.text, "the data file is missing");
  gwt_save(data.text, "\0\0\x80\x3f", 4);
  check_copy();
  CHECK(gwt_exists(gwt_data_of(copy.text, 0, 1).text)); /* shards that hold nothing vanish */
}

static void data_files_that_are_not_there(void) {
  const gwt_entry entry = {.dtype = GW_DT_FLOAT, .offset = 4, .size = 4, .crc = gw__crc32c("\0\0\0\x40", 4)};
  start();
  write_entry(1, &entry);
  check_copy();
  start();
  write_entry(1, &entry);
  gwt_path data = gwt_data_of(prefix.text, 0, 1);
  gwt_save(data.text, "\0\0\x80\x3f\0\0\0", 7);
  refuse_data(GW_CORRUPT, "", "the file is too short (the index places data up to byte 8, it has 7 bytes)");
  remove(data.text);
  refuse_data(GW_CORRUPT, "", "the data file is missing");
  gwt_must(mkdir(data.text, 0777) == 0);
  refuse_data(GW_INVALID, "", "is a folder, not a file");
  gwt_must(rmdir(data.text) == 0 && mkfifo(data.text, 0666) == 0);
  refuse_data(GW_INVALID, "", "is not a regular file");
}

/* What MergeV2Checkpoints leaves when one of its inputs had no entries. */
static void a_data_file_under_another_count(void) {
  gwt_bundle bundle = gwt_bundle_new(2, false);
  size_t fatal, odd;
  start();
  gwt_bundle_add_data(&bundle, "a", GW_DT_FLOAT, 0, NULL, "\0\0\x80\x3f", 4);
  gwt_bundle_write(&bundle, prefix.text, 1);
  CHECK(gwt_verify(prefix.text, &fatal, &odd, NULL, NULL) == GW_OK && fatal == 0 && odd > 0);
  check_copy();
  gwt_save(gwt_data_of(prefix.text, 0, 3).text, "\0\0\x80\x3f", 4); /* now nobody can say which it is */
  refuse_data(GW_CORRUPT, gwt_data_of(prefix.text, 0, 2).text, "the data file is missing");
  gwt_bundle_free(&bundle);
}

static void wrong_values_are_noticed(void) {
  const gwt_entry entry = {.dtype = GW_DT_FLOAT, .size = 4, .crc = 0x12345678};
  start();
  write_entry(1, &entry);
  refuse_data(GW_CORRUPT, "", "the checksum of its 4 bytes does not match (expected 12345678, found dd54c4ab)");
}

/* ---- Slices */

#define PART(from, count) {(from), (count), false}
#define WHOLE {0, 0, true}

/* A parent "t" over int32 dims, whose slices list `extents`; the entries of slices that are stored follow `stored`. */
typedef struct slices_case {
  int rank;
  const int64_t *dims;
  size_t listed;
  const gwt_extent *extents;
  size_t stored;              /* how many of the listed are there */
  const char *text;           /* NULL: reads as 0, 1, 2, ... */
  int64_t dtype;              /* of the slices; 0: int32 */
  const int64_t *slice_dims;  /* of the slices' own shape; NULL: their extents */
  bool opens;                 /* `text` is what reading the value says */
} slices_case;

/* The value of each element is its position in the whole tensor. */
static void fill_slice(const slices_case *test, const gwt_extent *extents, gw_buf *out) {
  int64_t at[GW_MAX_RANK] = {0}, count = 1;
  for (int i = 0; i < test->rank; i++) count *= extents[i].whole ? test->dims[i] : extents[i].length;
  for (int64_t n = 0; n < count; n++) {
    int64_t position = 0, rest = n;
    for (int i = test->rank; i-- > 0;) {
      int64_t length = extents[i].whole ? test->dims[i] : extents[i].length;
      at[i] = rest % length + (extents[i].whole ? 0 : extents[i].start);
      rest /= length;
    }
    for (int i = 0; i < test->rank; i++) position = position * test->dims[i] + at[i];
    gw__put_fixed32(out, (uint32_t)position);
  }
}

static void add_slice(gwt_bundle *bundle, const slices_case *test, const gwt_extent *extents) {
  int64_t dims[GW_MAX_RANK];
  gw_buf bytes = GW_BUF_INIT;
  bool sane = true;
  for (int i = 0; i < test->rank; i++) {
    dims[i] = test->slice_dims ? test->slice_dims[i] : extents[i].whole ? test->dims[i] : extents[i].length;
    sane = sane && dims[i] >= 0 && dims[i] < 1000;
  }
  if (sane && !test->slice_dims) fill_slice(test, extents, &bytes);
  gwt_entry entry = {.dtype = test->dtype ? test->dtype : GW_DT_INT32, .rank = test->rank, .dims = dims,
                     .offset = (int64_t)bundle->data.size, .size = (int64_t)bytes.size, .crc = gw__crc32c(bytes.data, bytes.size)};
  for (int i = 0; sane && test->slice_dims && i < test->rank; i++) entry.size = (entry.size ? entry.size : 4) * dims[i];
  gw__put_bytes(&bundle->data, bytes.data, bytes.size);
  gwt_bundle_add_slice(bundle, "t", extents, &entry);
  gw__buf_free(&bytes);
}

static void check_reads_as_positions(const slices_case *test) {
  gw_bundle *bundle = must_open();
  gw_tensor *tensor = NULL;
  gw_error error = GW_ERROR_INIT;
  int32_t values[256], some[256];
  CHECK(gw_bundle_count(bundle) == 1 && gw_bundle_tensor(bundle, 0, &tensor, &error) == GW_OK);
  uint64_t count = gw_tensor_elements(tensor);
  CHECK(gw_tensor_read(tensor, 0, count, values, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  for (uint64_t i = 0; i < count; i++) CHECK(values[i] == (int32_t)i);
  for (uint64_t first = 0; first < count; first++)
    for (uint64_t length = 1; length <= count - first; length++) {
      if (!CHECK(gw_tensor_read(tensor, first, length, some, &error) == GW_OK)) return;
      if (!CHECK(memcmp(some, values + first, length * 4) == 0)) return;
    }
  gw_tensor_release(tensor);
  gw_bundle_release(bundle);
  check_copy();
  (void)test;
}

static void check_has_no_value(const slices_case *test) {
  gw_bundle *bundle = must_open();
  gw_tensor *tensor = NULL;
  gw_error error = GW_ERROR_INIT;
  int32_t values[256];
  gw_entry_info info;
  gw_bundle_entry(bundle, 0, &info);
  CHECK(info.partial && info.slices == test->listed);
  CHECK(gw_bundle_tensor(bundle, 0, &tensor, &error) == GW_OK);
  CHECK(gw_tensor_read(tensor, 0, gw_tensor_elements(tensor), values, &error) == GW_INVALID);
  CHECK_TEXT(error.what, test->text);
  gw_tensor_release(tensor);
  gw_bundle_release(bundle);
  size_t fatal, odd;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  options.force = true;
  CHECK(gwt_copy(prefix.text, copy.text, NULL, &options, &error) == GW_OK);
  CHECK(gwt_verify(copy.text, &fatal, &odd, NULL, NULL) == GW_OK && fatal == 0 && odd == 0);
}

static void slices_test(const slices_case *test) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gwt_entry parent = {.dtype = GW_DT_INT32, .rank = test->rank, .dims = test->dims, .slices = test->listed, .extents = test->extents};
  start();
  gwt_bundle_add(&bundle, "t", &parent);
  for (size_t i = 0; i < test->stored; i++) add_slice(&bundle, test, test->extents + i * (size_t)test->rank);
  gwt_bundle_write(&bundle, prefix.text, 1);
  if (test->opens) check_has_no_value(test);
  else if (test->text) refuse(GW_CORRUPT, "t", test->text);
  else check_reads_as_positions(test);
  gwt_bundle_free(&bundle);
}

static void slices_along_one_axis(void) {
  static const gwt_extent rows[] = {PART(0, 4), WHOLE, PART(7, 3), WHOLE, PART(4, 3), WHOLE};
  static const gwt_extent columns[] = {WHOLE, PART(2, 2), PART(0, 4), PART(0, 1), WHOLE, PART(1, 1)};
  static const gwt_extent middle[] = {WHOLE, PART(0, 1), WHOLE, WHOLE, PART(1, 2), PART(0, 2)};
  static const gwt_extent whole[] = {WHOLE, WHOLE};
  slices_test(&(slices_case){2, DIMS(10, 4), 3, rows, 3, NULL, 0, NULL, false});
  slices_test(&(slices_case){2, DIMS(4, 4), 3, columns, 3, NULL, 0, NULL, false});
  slices_test(&(slices_case){3, DIMS(2, 3, 2), 2, middle, 2, NULL, 0, NULL, false});
  slices_test(&(slices_case){2, DIMS(2, 3), 1, whole, 1, NULL, 0, NULL, false});
}

static void slices_along_several_axes(void) {
  static const gwt_extent grid[] = {PART(0, 2), PART(0, 3), PART(2, 2), PART(0, 3), PART(0, 2), PART(3, 2), PART(2, 2), PART(3, 2)};
  static const gwt_extent bricks[] = {PART(0, 1), PART(0, 3), PART(0, 1), PART(3, 1), PART(1, 1), PART(0, 1), PART(1, 1), PART(1, 3)};
  static const gwt_extent cube[] = {PART(0, 1), WHOLE, PART(0, 1), PART(0, 1), WHOLE, PART(1, 2), PART(1, 1), PART(0, 1), WHOLE,
                                    PART(1, 1), PART(1, 1), WHOLE};
  slices_test(&(slices_case){2, DIMS(4, 5), 4, grid, 4, NULL, 0, NULL, false});
  slices_test(&(slices_case){2, DIMS(2, 4), 4, bricks, 4, NULL, 0, NULL, false});
  slices_test(&(slices_case){3, DIMS(2, 2, 3), 4, cube, 4, NULL, 0, NULL, false});
}

static void slices_that_do_not_fit(void) {
  static const gwt_extent halves[] = {PART(0, 5), PART(5, 5)}, twice[] = {PART(0, 5), PART(0, 5)};
  static const gwt_extent gap[] = {PART(0, 4), PART(5, 5)}, lap[] = {PART(0, 6), PART(5, 5)}, beyond[] = {PART(0, 5), PART(5, 6)};
  static const gwt_extent before[] = {PART(-1, 5), PART(4, 6)}, negative[] = {{0, -7, false}}, far[] = {PART(INT64_MAX, INT64_MAX)};
  static const gwt_extent grid[] = {PART(0, 2), PART(0, 2), PART(0, 2), PART(1, 2), PART(2, 1), WHOLE};
  static const gwt_extent hole[] = {PART(0, 2), PART(0, 2), PART(2, 1), WHOLE};
  const int64_t *ten = DIMS(10);
  slices_test(&(slices_case){1, ten, 2, halves, 2, NULL, 0, NULL, false});
  slices_test(&(slices_case){1, ten, 2, halves, 1, "slice 1 of 2 (5,5) is listed, but not there", 0, NULL, false});
  slices_test(&(slices_case){1, ten, 2, twice, 1, "slice 1 (0,5) is listed twice", 0, NULL, false});
  slices_test(&(slices_case){1, ten, 2, gap, 2, "its slices cover 9 of 10 elements, so it has no value", 0, NULL, true});
  slices_test(&(slices_case){1, ten, 2, lap, 2, "slices 0 (0,6) and 1 (5,5) overlap", 0, NULL, false});
  slices_test(&(slices_case){1, ten, 2, beyond, 2, "slice 1 covers 5,6 of axis 0, which has 10", 0, NULL, false});
  slices_test(&(slices_case){1, ten, 2, before, 2, "slice 0 covers -1,5 of axis 0, which has 10", 0, NULL, false});
  slices_test(&(slices_case){1, ten, 1, negative, 0, "slice 0 has the length -7 along axis 0", 0, NULL, false});
  slices_test(&(slices_case){1, ten, 1, far, 1, "slice 0 covers 9223372036854775807,9223372036854775807 of axis 0, which has 10", 0, DIMS(1), false});
  slices_test(&(slices_case){1, ten, 2, halves, 2, "slice 0 (0,5) has another dtype (1) than the tensor (3)", GW_DT_FLOAT, NULL, false});
  slices_test(&(slices_case){1, ten, 2, halves, 2, "the shape of slice 0 (0,5) is not that of its extents", 0, DIMS(4), false});
  slices_test(&(slices_case){2, DIMS(3, 3), 3, grid, 3, "slices 0 (0,2:0,2) and 1 (0,2:1,2) overlap", 0, NULL, false});
  slices_test(&(slices_case){2, DIMS(3, 3), 2, hole, 2, "its slices cover 7 of 9 elements, so it has no value", 0, NULL, true});
}

static void slices_of_another_rank(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  start();
  /* dtype 3, shape [2,2], one slice with one extent */
  gw__put_bytes(gwt_bundle_row(&bundle, gwt_span("t")), "\x08\x03\x12\x08\x12\x02\x08\x02\x12\x02\x08\x02\x3a\x02\x0a\x00", 16);
  gwt_bundle_write(&bundle, prefix.text, 1);
  refuse(GW_CORRUPT, "t", "slice 0 has 1 extents for a shape of 2 dimensions");
  gwt_bundle_free(&bundle);
}

/* A slice that is a parent itself: of the same name, since the key follows from it. */
static void slices_of_slices(void) {
  static const gwt_extent halves[] = {PART(0, 5), PART(5, 5)};
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gwt_entry parent = {.dtype = GW_DT_INT32, .rank = 1, .dims = DIMS(10), .slices = 2, .extents = halves};
  gwt_entry slice = {.dtype = GW_DT_INT32, .rank = 1, .dims = DIMS(5), .slices = 1, .extents = (const gwt_extent[]){WHOLE}};
  start();
  gwt_bundle_add(&bundle, "t", &parent);
  gwt_bundle_add_slice(&bundle, "t", halves, &slice);
  gwt_bundle_add_slice(&bundle, "t", halves + 1, &slice);
  gwt_bundle_write(&bundle, prefix.text, 1);
  gw_error error = GW_ERROR_INIT;
  gw_bundle *opened;
  CHECK(gw_bundle_open(prefix.text, &opened, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "slice 0 of 1 (-) is listed, but not there"); /* of the first half, which comes first */
  gwt_bundle_free(&bundle);
}

/* Slices without a parent are tensors like others, under the key as it is. */
static void slices_without_a_parent(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  const slices_case test = {1, DIMS(10), 0, NULL, 0, NULL, 0, NULL, false};
  start();
  add_slice(&bundle, &test, (const gwt_extent[]){PART(0, 5)});
  gwt_bundle_write(&bundle, prefix.text, 1);
  gw_bundle *opened = must_open();
  CHECK(gw_bundle_count(opened) == 1);
  gw_bundle_release(opened);
  check_copy();
  gwt_bundle_free(&bundle);
}

/* One cell each of a 65 by 65 grid: more than are compared pair by pair. */
static void a_grid_of_too_many_slices(void) {
  enum { SIDE = 65 };
  gwt_bundle bundle = gwt_bundle_new(1, false);
  const int64_t dims[] = {SIDE, SIDE};
  gwt_extent *extents = calloc(2 * SIDE * SIDE, sizeof *extents);
  gwt_must(extents != NULL);
  free(bundle.rows);
  bundle.rows = calloc(SIDE * SIDE + 1, sizeof *bundle.rows);
  gwt_must(bundle.rows != NULL);
  for (int i = 0; i < SIDE * SIDE; i++) {
    extents[2 * i] = (gwt_extent)PART(i / SIDE, 1);
    extents[2 * i + 1] = (gwt_extent)PART(i % SIDE, 1);
  }
  start();
  gwt_entry parent = {.dtype = GW_DT_INT32, .rank = 2, .dims = dims, .slices = SIDE * SIDE, .extents = extents};
  const slices_case test = {2, dims, 0, NULL, 0, NULL, 0, NULL, false};
  gwt_bundle_add(&bundle, "t", &parent);
  bundle.count = 0; /* room for what GWT_MOST_ENTRIES would not allow: the parent goes last */
  struct gwt_row first = bundle.rows[0];
  memset(bundle.rows, 0, sizeof *bundle.rows);
  for (int i = 0; i < 4095; i++) add_slice(&bundle, &test, extents + 2 * i);
  bundle.rows[bundle.count++] = first;
  gwt_bundle_write(&bundle, prefix.text, 1);
  refuse(GW_CORRUPT, "t", "slice 4095 of 4225 (63,1:0,1) is listed, but not there");
  gwt_bundle_free(&bundle);
  free(extents);
}

/* ---- Big-endian files */

static void put_big(gw_buf *out, const void *element, size_t width) {
  const uint8_t *bytes = element;
  for (size_t i = width; i-- > 0;) gw__put_u8(out, bytes[i]);
}

static void add_big(gwt_bundle *bundle, const char *name, int dtype, const void *elements, size_t unit, size_t units) {
  gw_buf bytes = GW_BUF_INIT;
  const int64_t dims[] = {(int64_t)(unit * units / gw_dtype_size(dtype))};
  for (size_t i = 0; i < units; i++) put_big(&bytes, (const uint8_t *)elements + i * unit, unit);
  gwt_bundle_add_data(bundle, name, dtype, 1, dims, bytes.data, bytes.size);
  gw__buf_free(&bytes);
}

/* Two strings as a big-endian TensorFlow stores them: the checksum runs over big-endian lengths and is stored so. */
static void add_big_strings(gwt_bundle *bundle, const char *name) {
  gw_buf bytes = GW_BUF_INIT;
  uint32_t crc = gw__crc32c("\0\0\0\x02\0\0\0\x03", 8), masked = gw__crc32c_mask(crc);
  gw__put_bytes(&bytes, "\x02\x03", 2);
  put_big(&bytes, &masked, 4);
  gw__put_bytes(&bytes, "abcde", 5);
  crc = gw__crc32c_extend(crc, bytes.data + 2, bytes.size - 2);
  gwt_entry entry = {.dtype = GW_DT_STRING, .rank = 1, .dims = DIMS(2), .offset = (int64_t)bundle->data.size,
                     .size = (int64_t)bytes.size, .crc = crc};
  gwt_bundle_add(bundle, name, &entry);
  gw__put_bytes(&bundle->data, bytes.data, bytes.size);
  gw__buf_free(&bytes);
}

static void big_endian_files_are_read_and_converted(void) {
  static const float floats[] = {1.5f, -2.0f}, complex_numbers[] = {1.0f, 2.0f, 3.0f, 4.0f};
  static const int64_t integers[] = {INT64_C(0x0102030405060708), -5};
  static const uint8_t bytes[] = {1, 2, 3};
  gwt_bundle bundle = gwt_bundle_new(1, true);
  gw_buf dump = GW_BUF_INIT, wanted = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  start();
  add_big(&bundle, "bytes", GW_DT_UINT8, bytes, 1, 3);
  add_big(&bundle, "complex", GW_DT_COMPLEX64, complex_numbers, 4, 4);
  add_big(&bundle, "floats", GW_DT_FLOAT, floats, 4, 2);
  add_big(&bundle, "integers", GW_DT_INT64, integers, 8, 2);
  add_big_strings(&bundle, "strings");
  gwt_bundle_write(&bundle, prefix.text, 1);
  CHECK(gwt_dump(prefix.text, &dump, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  PUT(&wanted, "\5bytes\4[3]\1\2\3\7complex\10[2]");
  gw__put_bytes(&wanted, complex_numbers, sizeof complex_numbers);
  PUT(&wanted, "\6floats\1[2]");
  gw__put_bytes(&wanted, floats, sizeof floats);
  PUT(&wanted, "\10integers\11[2]");
  gw__put_bytes(&wanted, integers, sizeof integers);
  PUT(&wanted, "\7strings\7[2]\2ab\3cde");
  CHECK(gwt_same(&dump, &wanted));
  check_copy();
  gw_bundle *written = NULL;
  CHECK(gw_bundle_open(copy.text, &written, NULL) == GW_OK && !gw_bundle_big_endian(written));
  gw_bundle_release(written);
  gw__buf_free(&dump);
  gw__buf_free(&wanted);
  gwt_bundle_free(&bundle);
}

/* Bytes of which nobody knows what they are cannot be turned around. */
static void big_endian_files_of_unknown_elements(void) {
  gwt_bundle bundle = gwt_bundle_new(1, true);
  gw_error error = GW_ERROR_INIT;
  start();
  gwt_bundle_add_data(&bundle, "odd", 77, 0, NULL, "\1\2\3\4", 4);
  gwt_bundle_write(&bundle, prefix.text, 1);
  CHECK(gwt_copy(prefix.text, copy.text, NULL, NULL, &error) == GW_UNSUPPORTED);
  CHECK_TEXT(error.what, "elements of dtype 77 in a big-endian file cannot be converted");
  CHECK_TEXT(error.key, "odd");
  CHECK_TEXT(gwt_listing(scratch).text, "in.data-00000-of-00001 in.index");
  gwt_bundle_free(&bundle);
}

static void variants_of_big_endian_files(void) {
  gwt_bundle bundle = gwt_bundle_new(1, true);
  gw_error error = GW_ERROR_INIT;
  start();
  gwt_bundle_add_data(&bundle, "v", GW_DT_VARIANT, 0, NULL, "\1a\0\0\0\0", 6);
  gwt_bundle_write(&bundle, prefix.text, 1);
  CHECK(gwt_copy(prefix.text, copy.text, NULL, NULL, &error) == GW_UNSUPPORTED);
  CHECK_TEXT(error.what, "elements of dtype variant in a big-endian file cannot be converted");
  gwt_bundle_free(&bundle);
}

/* ---- Memory */

/* Any allocation of opening and reading may fail, alone or with all that follow: the error says so, and nothing leaks
 * (which the sanitizers look at). */
static void allocations_that_fail(void) {
  static const gwt_extent rows[] = {PART(0, 2), WHOLE, PART(2, 2), WHOLE};
  gwt_bundle bundle = gwt_bundle_new(1, false);
  const slices_case test = {2, DIMS(4, 3), 2, rows, 2, NULL, 0, NULL, false};
  gwt_entry parent = {.dtype = GW_DT_INT32, .rank = 2, .dims = test.dims, .slices = 2, .extents = rows};
  int64_t dims[200] = {0}; /* enough for the message to need more than its first block */
  start();
  gwt_bundle_add(&bundle, "t", &parent);
  add_slice(&bundle, &test, rows);
  add_slice(&bundle, &test, rows + 2);
  gwt_bundle_add_data(&bundle, "wide", GW_DT_FLOAT, 200, dims, NULL, 0);
  gwt_bundle_add_data(&bundle, "strings", GW_DT_STRING, 0, NULL, "\1\xfb\x1b\x05\x57" "a", 6);
  gwt_bundle_write(&bundle, prefix.text, 1);
  for (int alone = 0; alone < 2; alone++) {
    bool done = false;
    for (long n = 1; !done && n < 10000; n++) {
      gw_error error = GW_ERROR_INIT;
      gw_bundle *opened;
      gw__alloc_fail_at(alone ? -n : n);
      gw_status status = gw_bundle_open(prefix.text, &opened, &error);
      done = gw__alloc_count() < n;
      gw__alloc_fail_at(0);
      if (!CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)))) printf("%ld: %s\n", n, error.what);
      CHECK((status == GW_OK) == (opened != NULL) && (status == GW_OK || error.status == GW_NO_MEMORY));
      gw_bundle_release(opened);
    }
    CHECK(done);
  }
  gwt_bundle_free(&bundle);
}

int main(int argc, char **argv) {
  if (argc > 2) scratch = argv[2];
  RUN(versions_of_the_header);
  RUN(a_header_without_a_version);
  RUN(headers_that_are_none);
  RUN(keys_out_of_order);
  RUN(wrong_entries);
  RUN(entries_of_odd_bytes);
  RUN(as_many_axes_as_there_can_be);
  RUN(an_entry_that_is_too_large);
  RUN(an_unknown_dtype_is_kept);
  RUN(reference_dtypes_are_their_base);
  RUN(keys_of_all_kinds);
  RUN(as_many_shards_as_a_number_holds);
  RUN(data_files_that_are_not_there);
  RUN(a_data_file_under_another_count);
  RUN(wrong_values_are_noticed);
  RUN(slices_along_one_axis);
  RUN(slices_along_several_axes);
  RUN(slices_that_do_not_fit);
  RUN(slices_of_another_rank);
  RUN(slices_of_slices);
  RUN(slices_without_a_parent);
  RUN(a_grid_of_too_many_slices);
  RUN(big_endian_files_are_read_and_converted);
  RUN(big_endian_files_of_unknown_elements);
  RUN(variants_of_big_endian_files);
  RUN(allocations_that_fail);
  return gwt_finish();
}

/* core/bundle/v1.c, v1_values.c: V1 files that no TensorFlow writes. Those that it does are in spec/fixtures/valid/v1 and in
 * spec/tensorflow/v1_test.py. Usage: v1_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <stdlib.h>

#include "../../core/base/error.h"
#include "check.h"
#include "v1_make.h"

static const char *spec_folder = "spec", *scratch = ".";
static gwt_path prefix;

#define DIMS(...) ((const int64_t[]){__VA_ARGS__})
#define PART(from, count) {(from), (count), false}

static void start(void) {
  gwt_clear(scratch);
  prefix = gwt_path_of("%s/old", scratch);
}

static void refuse(gw_status wanted, const char *file, const char *key, const char *text) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle;
  gw_status status = gw_bundle_open(prefix.text, &bundle, &error);
  CHECK(status == wanted && !bundle);
  CHECK_TEXT(error.what, text);
  CHECK_TEXT(error.key, key);
  CHECK_TEXT(error.file, file);
  gw_bundle_release(bundle);
}

/* One int32 tensor "t" of this shape, whose values are in this TensorProto. */
static void write_one(int64_t dtype, int rank, const int64_t *dims, const gw_buf *tensor) {
  gwt_bundle file = gwt_v1_new();
  start();
  gwt_v1_put_meta(&file.header, gwt_span("t"), dtype, rank, dims, 1, NULL);
  if (tensor) gwt_v1_add(&file, gwt_span("t"), rank, NULL, tensor);
  gwt_v1_write(&file, prefix.text);
  gwt_bundle_free(&file);
}

static gw_tensor *open_one(gw_bundle **bundle) {
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor = NULL;
  CHECK(gw_bundle_open(prefix.text, bundle, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  gwt_must(*bundle && gw_bundle_tensor(*bundle, 0, &tensor, NULL) == GW_OK);
  return tensor;
}

static void check_int32(uint64_t count) {
  gw_bundle *bundle;
  gw_tensor *tensor = open_one(&bundle);
  gw_error error = GW_ERROR_INIT;
  int32_t *values = calloc(count + 1, sizeof *values), some[8];
  gwt_must(values != NULL);
  CHECK(gw_tensor_read(tensor, 0, count, values, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  for (uint64_t i = 0; i < count; i++)
    if (!CHECK(values[i] == (int32_t)(i * 2654435761u >> (i % 3 ? 27 : 0)))) break;
  for (uint64_t first = 0; first + 8 <= count; first += count / 37 + 1) {
    CHECK(gw_tensor_read(tensor, first, 8, some, &error) == GW_OK);
    if (!CHECK(memcmp(some, values + first, sizeof some) == 0)) break;
  }
  free(values);
  gw_tensor_release(tensor);
  gw_bundle_release(bundle);
}

/* Every value as check_int32 expects it. */
static uint64_t value_of(uint64_t i) { return (uint64_t)(int64_t)(int32_t)(i * 2654435761u >> (i % 3 ? 27 : 0)); }

/* ---- Forms of the values */

static void values_in_one_packed_row(void) {
  enum { COUNT = 100000 };
  gw_buf row = GW_BUF_INIT, tensor = GW_BUF_INIT;
  for (uint64_t i = 0; i < COUNT; i++) gw__put_varint64(&row, value_of(i));
  gwt_put_message(&tensor, 7, &row);
  write_one(GW_DT_INT32, 1, DIMS(COUNT), &tensor);
  check_int32(COUNT);
  gw__buf_free(&row);
  gw__buf_free(&tensor);
}

static void values_in_pieces_and_one_by_one(void) {
  enum { COUNT = 50000 };
  gw_buf row = GW_BUF_INIT, tensor = GW_BUF_INIT;
  for (uint64_t i = 0; i < COUNT;) {
    gw__buf_clear(&row);
    for (uint64_t j = i % 5; j-- > 0 && i < COUNT; i++) gw__put_varint64(&row, value_of(i));
    gwt_put_message(&tensor, 7, &row);
    if (i < COUNT) gwt_put_number(&tensor, 7, (int64_t)value_of(i++));
    if (i % 1000 == 0) gwt_put_message(&tensor, 4, &row); /* tensor_content, which nobody reads here */
    if (i % 777 == 0) gwt_put_number(&tensor, 99, 5);
  }
  write_one(GW_DT_INT32, 2, DIMS(COUNT / 10, 10), &tensor);
  check_int32(COUNT);
  gw__buf_free(&row);
  gw__buf_free(&tensor);
}

static void floats_in_pieces(void) {
  gw_buf row = GW_BUF_INIT, tensor = GW_BUF_INIT;
  gw_bundle *bundle;
  float values[7];
  for (uint32_t i = 0; i < 7; i++) {
    float value = (float)i + 0.5f;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (i == 3) {
      gwt_put_tag(&tensor, 5, 5);
      gw__put_fixed32(&tensor, bits);
      continue;
    }
    gw__buf_clear(&row);
    gw__put_fixed32(&row, bits);
    gwt_put_message(&tensor, 5, &row);
  }
  write_one(GW_DT_FLOAT, 1, DIMS(7), &tensor);
  gw_tensor *opened = open_one(&bundle);
  CHECK(gw_tensor_read(opened, 0, 7, values, NULL) == GW_OK);
  for (int i = 0; i < 7; i++) CHECK(values[i] == (float)i + 0.5f);
  CHECK(gw_tensor_read(opened, 4, 2, values, NULL) == GW_OK && values[0] == 4.5f && values[1] == 5.5f);
  gw_tensor_release(opened);
  gw_bundle_release(bundle);
  gw__buf_free(&row);
  gw__buf_free(&tensor);
}

/* A message that comes in two pieces is one (protobuf merges them). */
static void records_in_two_pieces(void) {
  gwt_bundle file = gwt_v1_new();
  gw_buf tensor = GW_BUF_INIT, data = GW_BUF_INIT;
  start();
  gwt_v1_put_meta(&file.header, gwt_span("t"), GW_DT_INT32, 1, DIMS(4), 1, NULL);
  for (uint64_t i = 0; i < 2; i++) gwt_put_number(&tensor, 7, (int64_t)value_of(i));
  gw_buf *row = gwt_v1_add(&file, gwt_span("t"), 1, NULL, &tensor);
  gw__buf_clear(&tensor);
  for (uint64_t i = 2; i < 4; i++) gwt_put_number(&tensor, 7, (int64_t)value_of(i));
  gwt_put_message(&data, 3, &tensor);
  gwt_put_message(row, 2, &data);
  gwt_v1_write(&file, prefix.text);
  check_int32(4);
  gwt_bundle_free(&file);
  gw__buf_free(&tensor);
  gw__buf_free(&data);
}

/* ---- What is wrong with values: opening is fine, reading says what and where */

static void wrong_values(int64_t dtype, const int64_t dim, const void *bytes, size_t size, const char *text) {
  gw_buf tensor = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT, found = GW_ERROR_INIT;
  gw_bundle *bundle;
  uint8_t values[64];
  size_t fatal, odd;
  gw__put_bytes(&tensor, bytes, size);
  write_one(dtype, 1, &dim, &tensor);
  gw_tensor *opened = open_one(&bundle);
  gw_span *strings = NULL;
  char *memory = NULL;
  gw_status status = dtype == GW_DT_STRING ? gw_tensor_read_strings(opened, &strings, &memory, &error)
                                           : gw_tensor_read(opened, 0, (uint64_t)dim, values, &error);
  CHECK(status == GW_CORRUPT && !strings && !memory);
  CHECK_TEXT(error.what, text);
  CHECK_TEXT(error.key, "t");
  CHECK_TEXT(error.file, prefix.text);
  CHECK(error.has_offset);
  gw_tensor_release(opened);
  gw_bundle_release(bundle);
  gwt_path out = gwt_path_of("%s/new", scratch);
  CHECK(gwt_copy(prefix.text, out.text, NULL, NULL, &error) == GW_CORRUPT && !gwt_exists(gwt_index_of(out.text).text));
  CHECK(gwt_verify(prefix.text, &fatal, &odd, &found, NULL) == GW_OK && fatal == 1);
  CHECK_TEXT(found.what, text);
  gw__buf_free(&tensor);
}
#define WRONG(dtype, dim, bytes, text) wrong_values((dtype), (dim), (bytes), sizeof(bytes) - 1, (text))

static void values_that_are_wrong(void) {
  WRONG(GW_DT_INT32, 3, "\x3a\x02\x01\x02", "the record has 2 values (expected 3, by shape and slice)");
  WRONG(GW_DT_INT32, 1, "\x3a\x02\x01\x02", "the record has more than 1 values (expected 1, by shape and slice)");
  WRONG(GW_DT_INT32, 1, "", "the record has 0 values (expected 1, by shape and slice)");
  WRONG(GW_DT_INT32, 2, "\x2a\x08\0\0\0\0\0\0\0\0", "the record has 0 values (expected 2, by shape and slice)"); /* floats */
  WRONG(GW_DT_INT32, 2, "\x22\x08\1\0\0\0\2\0\0\0", "the record has 0 values (expected 2, by shape and slice)"); /* tensor_content */
  WRONG(GW_DT_FLOAT, 2, "\x2a\x07\0\0\0\0\0\0\0", "a row of numbers ends inside of one (7 bytes for numbers of 4)");
  WRONG(GW_DT_COMPLEX64, 1, "\x4a\x04\0\0\0\0", "the record has 0 values (expected 1, by shape and slice)");
  WRONG(GW_DT_INT32, 2, "\x3a\x02\x01\x82", "a number of the record is cut off, or has more than ten bytes");
  WRONG(GW_DT_INT32, 1, "\x3a\x0b\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01", "a number of the record is cut off, or has more than ten bytes");
  WRONG(GW_DT_INT32, 1, "\x3a\x7f\x01", "a field of the record reaches beyond it");
  WRONG(GW_DT_INT32, 1, "\x3b\x01", "a field of the record has the wire type 3");
  WRONG(GW_DT_INT32, 1, "\xba", "a number of the record is cut off");
  WRONG(GW_DT_STRING, 2, "\x42\x01" "a", "the record has 1 values (expected 2, by shape and slice)");
}

static void records_that_are_not_there(void) {
  gw_bundle *bundle;
  gw_error error = GW_ERROR_INIT;
  int32_t value;
  write_one(GW_DT_INT32, 0, NULL, NULL);
  gw_tensor *opened = open_one(&bundle);
  CHECK(gw_tensor_read(opened, 0, 1, &value, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "it is listed, but its values are not there");
  gw_tensor_release(opened);
  gw_bundle_release(bundle);
}

static void dtypes_that_v1_does_not_hold(void) {
  gw_buf tensor = GW_BUF_INIT;
  gw_bundle *bundle;
  gw_error error = GW_ERROR_INIT;
  uint32_t value;
  write_one(GW_DT_UINT32, 0, NULL, &tensor);
  gw_tensor *opened = open_one(&bundle);
  CHECK(gw_tensor_read(opened, 0, 1, &value, &error) == GW_UNSUPPORTED);
  CHECK_TEXT(error.what, "V1 files have no values of dtype uint32");
  gw_tensor_release(opened);
  gw_bundle_release(bundle);
  gw__buf_free(&tensor);
}

static void records_that_nobody_lists(void) {
  gwt_bundle file = gwt_v1_new();
  gw_buf tensor = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  size_t fatal, odd;
  start();
  gwt_put_number(&tensor, 7, 1);
  gwt_v1_put_meta(&file.header, gwt_span("t"), GW_DT_INT32, 0, NULL, 1, NULL);
  gwt_v1_add(&file, gwt_span("t"), 0, NULL, &tensor);
  gwt_v1_add(&file, gwt_span("u"), 0, NULL, &tensor);
  gwt_v1_write(&file, prefix.text);
  CHECK(gwt_verify(prefix.text, &fatal, &odd, NULL, &error) == GW_OK && fatal == 0 && odd == 1);
  gwt_bundle_free(&file);
  gw__buf_free(&tensor);
}

/* ---- The table of contents */

typedef struct listed {
  const char *name;
  int64_t dtype;
  int rank;
  const int64_t *dims;
  size_t slices;
  const gwt_extent *extents;
} listed;

static void refuse_contents(const listed *tensors, size_t count, const char *key, const char *text) {
  gwt_bundle file = gwt_v1_new();
  start();
  for (size_t i = 0; i < count; i++)
    gwt_v1_put_meta(&file.header, gwt_span(tensors[i].name), tensors[i].dtype, tensors[i].rank, tensors[i].dims, tensors[i].slices, tensors[i].extents);
  gwt_v1_write(&file, prefix.text);
  refuse(GW_CORRUPT, prefix.text, key, text);
  gwt_bundle_free(&file);
}

static void contents_that_are_wrong(void) {
  static const gwt_extent lap[] = {PART(0, 2), PART(1, 2)}, twice[] = {PART(0, 2), PART(0, 2)}, beyond[] = {PART(2, 9)};
  static const gwt_extent halves[] = {PART(0, 2), PART(2, 2)};
  const int64_t big = INT64_C(1) << 40;
  refuse_contents((listed[]){{"t", 0, 0, NULL, 1, NULL}}, 1, "t", "it is listed without a dtype");
  refuse_contents((listed[]){{"t", 3, 0, NULL, 0, NULL}}, 1, "t", "it is listed without a slice");
  refuse_contents((listed[]){{"t", 3, 0, NULL, 2, NULL}}, 1, "t", "a scalar is listed 2 times");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(-4), 1, NULL}}, 1, "t", "axis 0 of the shape has the size -4");
  refuse_contents((listed[]){{"t", 3, 2, DIMS(INT64_MAX, 2), 1, NULL}}, 1, "t", "a shape of more than 2^63 elements");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(INT64_MAX / 2), 1, NULL}}, 1, "t", "a tensor of more than 2^63 bytes");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(4), 2, lap}}, 1, "t", "slices 0 (0,2) and 1 (1,2) overlap");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(4), 2, twice}}, 1, "t", "a slice is listed twice");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(4), 1, beyond}}, 1, "t", "slice 0 covers 2,9 of axis 0, which has 4");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(4), 1, NULL}, {"t", 3, 1, DIMS(4), 1, NULL}}, 2, "t", "a slice is listed twice");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(4), 1, halves}, {"t", 1, 1, DIMS(4), 1, halves + 1}}, 2, "t", "it is listed with the dtypes 3 and 1");
  refuse_contents((listed[]){{"t", 3, 1, DIMS(4), 1, halves}, {"t", 3, 1, DIMS(5), 1, halves + 1}}, 2, "t", "it is listed with different shapes");
  char text[200];
  gwt_bundle file = gwt_v1_new();
  start();
  gwt_v1_put_meta(&file.header, gwt_span("t"), 3, 1, &big, 1, NULL);
  gw_buf bytes = GW_BUF_INIT;
  gwt_must(gwt_v1_file(&file, false, &bytes));
  gwt_save(prefix.text, bytes.data, bytes.size);
  snprintf(text, sizeof text, "its %lld elements, with those of the tensors before it, are more than the file of %zu bytes can hold", (long long)big, bytes.size);
  refuse(GW_CORRUPT, prefix.text, "t", text);
  gw__buf_free(&bytes);
  gwt_bundle_free(&file);
}

static void raw_contents(const void *contents, size_t size, const char *text) {
  gwt_bundle file = gwt_v1_new();
  gw_buf bytes = GW_BUF_INIT;
  start();
  gw__put_bytes(&file.header, contents, size);
  gwt_must(gwt_v1_file(&file, true, &bytes));
  gwt_save(prefix.text, bytes.data, bytes.size);
  if (text) refuse(strstr(text, "version") ? GW_UNSUPPORTED : GW_CORRUPT, prefix.text, "", text);
  gw__buf_free(&bytes);
  gwt_bundle_free(&file);
}
#define RAW(bytes, text) raw_contents((bytes), sizeof(bytes) - 1, (text))

static void contents_of_odd_bytes(void) {
  gw_bundle *bundle;
  RAW("\x0a\x7f\x0a", "the table of contents is cut off or no SavedTensorSlices");
  RAW("\x0a\x02\x0a\x7f", "the table of contents is cut off or no SavedTensorSlices");
  RAW("\x0b", "the table of contents is cut off or no SavedTensorSlices");
  RAW("\x0a\x03\x0a\x01\xff", "a tensor in the table of contents is not a SavedSliceMeta");
  RAW("\x0a\x04\x12\x02\x10\x02", "the checkpoint's min consumer version 2 is above version 1, the newest that is known");
  RAW("\x0a\x04\x12\x02\x18\x01", "the checkpoint disallows consumer version 1");
  RAW("\x0a\x0d\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "the checkpoint's producer version -1 is below 0");
  RAW("\x0a\x02\x12\x00", NULL);
  CHECK(gw_bundle_open(prefix.text, &bundle, NULL) == GW_OK && gw_bundle_count(bundle) == 0 && gw_bundle_is_v1(bundle));
  gw_bundle_release(bundle);
}

/* ---- Several files */

static void slices_in_several_files(void) {
  static const gwt_extent parts[] = {PART(0, 1), PART(1, 2), PART(3, 1)};
  start();
  prefix = gwt_path_of("%s/p-\?\?\?\?\?-of-00003", scratch);
  for (uint64_t i = 0, next = 0; i < 3; i++) {
    gwt_bundle file = gwt_v1_new();
    gw_buf tensor = GW_BUF_INIT;
    gwt_v1_put_meta(&file.header, gwt_span("t"), GW_DT_INT32, 1, DIMS(4), 1, &parts[2 - i]);
    next = i == 0 ? 3 : i == 1 ? 1 : 0;
    for (int64_t j = 0; j < parts[2 - i].length; j++) gwt_put_number(&tensor, 7, (int64_t)value_of(next++));
    gwt_v1_add(&file, gwt_span("t"), 1, &parts[2 - i], &tensor);
    gwt_v1_write(&file, gwt_path_of("%s/p-0000%d-of-00003", scratch, (int)i).text);
    gwt_bundle_free(&file);
    gw__buf_free(&tensor);
  }
  check_int32(4);
  gwt_path gone = gwt_path_of("%s/p-00001-of-00003", scratch);
  gwt_must(remove(gone.text) == 0);
  refuse(GW_NOT_FOUND, gone.text, "", "the file is missing: this is one checkpoint in 3 files");
  prefix = gwt_path_of("%s/p-00002-of-00003", scratch);
  gw_bundle *bundle;
  gw_entry_info info;
  CHECK(gw_bundle_open(prefix.text, &bundle, NULL) == GW_OK);
  gw_bundle_entry(bundle, 0, &info);
  CHECK(info.partial && info.slices == 1);
  gw_bundle_release(bundle);
}

/* ---- Without memory */

static gw_status read_all(const char *from, gw_error *error) {
  gw_bundle *bundle = NULL;
  gw_status status = gw_bundle_open(from, &bundle, error);
  for (size_t i = 0; status == GW_OK && i < gw_bundle_count(bundle); i++) {
    gw_tensor *tensor = NULL;
    gw_stats stats;
    gw_span *strings = NULL;
    char *memory = NULL;
    status = gw_bundle_tensor(bundle, i, &tensor, error);
    if (status == GW_OK)
      status = gw_tensor_dtype(tensor) == GW_DT_STRING ? gw_tensor_read_strings(tensor, &strings, &memory, error)
                                                       : gw_tensor_stats(tensor, &stats, error);
    gw_free(strings);
    gw_free(memory);
    gw_tensor_release(tensor);
  }
  gw_bundle_release(bundle);
  return status;
}

static gw_status use(const char *from, bool copy, gw_error *error) {
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  size_t fatal, odd;
  options.threads = 1;
  options.memory = 1;
  options.force = true;
  gwt_path out = gwt_path_of("%s/new", scratch);
  if (!copy) return read_all(from, error);
  gw_status status = gwt_copy(from, out.text, NULL, &options, error);
  return status == GW_OK ? gwt_verify(from, &fatal, &odd, NULL, error) : status;
}

static void everything_without_memory(void) {
  static const char *const kinds[] = {"dtypes", "sharded-\?\?\?\?\?-of-00003", "saver"};
  start();
  for (size_t kind = 0; kind < 3; kind++)
    for (int alone = 0; alone < 2; alone++)
      for (long n = 1;; n += 1 + n / 128) {
        gw_error error = GW_ERROR_INIT;
        gwt_path from = gwt_path_of("%s/fixtures/valid/v1/%s", spec_folder, kinds[kind]);
        gw__alloc_fail_at(alone ? -n : n);
        gw_status status = use(from.text, kind == 2, &error);
        bool done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        if (!CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)))) fprintf(stderr, "%s %d %ld: %s\n", kinds[kind], alone, n, error.what);
        if (done || n > 3000) break;
      }
}

static int no_sync(int fd) {
  (void)fd;
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) spec_folder = argv[1];
  if (argc > 2) scratch = argv[2];
  gw_system fast = *gw__system();
  fast.fsync = no_sync;
  gw__system_replace(&fast);
  RUN(values_in_one_packed_row);
  RUN(values_in_pieces_and_one_by_one);
  RUN(floats_in_pieces);
  RUN(records_in_two_pieces);
  RUN(values_that_are_wrong);
  RUN(records_that_are_not_there);
  RUN(dtypes_that_v1_does_not_hold);
  RUN(records_that_nobody_lists);
  RUN(contents_that_are_wrong);
  RUN(contents_of_odd_bytes);
  RUN(slices_in_several_files);
  RUN(everything_without_memory);
  return gwt_finish();
}

/* libFuzzer target of V1 files: one is made from the input, with the checksums that it needs for what lies behind them to be
 * reached. Layout of the input:
 *
 *   options u8     bit 0 the contents are taken as they are: length u16le, bytes | bit 1 compressed blocks | bit 2 it is also copied
 *                  and verified | bit 3 two files, every other record in the second
 *   rows           form u8; 255: the end
 *     form 0       key length u8 | key | value length u16le | value: any record
 *     form 1       listed: name length u8 | name | dtype u8 | rank u8 | dims u8... | count u8 | count * rank * (start u8 | length u8;
 *                  255 the whole axis)
 *     form 2       a record under its slice key: name | rank u8 | rank * (start u8 | length u8) | TensorProto length u16le | bytes
 *
 * Whatever opens can be listed, read, copied and verified, or is refused with a reason and a file; what is read in pieces is what is
 * read at once; and what was copied reads the same. */
#include <stdint.h>
#include <string.h>

#include "../../core/base/cursor.h"
#include "../c/v1_make.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gwt_path folder, prefix, out, copy;

static int no_sync(int fd) {
  (void)fd;
  return 0;
}

static void remove_folder(void) {
  gwt_clear(out.text);
  remove(out.text);
  gwt_clear(folder.text);
  remove(folder.text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static gw_system fast;
  (void)argc;
  (void)argv;
  const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
  folder = gwt_path_of("%s/godwit-v1-fuzz-%ld", memory ? memory : "/tmp", (long)getpid());
  out = gwt_path_of("%s/out", folder.text);
  copy = gwt_path_of("%s/copy", out.text);
  gwt_clear(folder.text);
  gwt_clear(out.text);
  atexit(remove_folder);
  fast = *gw__system();
  fast.fsync = no_sync;
  gw__system_replace(&fast);
  return 0;
}

/* ---- Making the files */

static uint8_t take(gw_cur *cur) {
  uint8_t byte = 0;
  gw__get_u8(cur, &byte);
  return byte;
}

static gw_span take_bytes(gw_cur *cur, size_t size) {
  const uint8_t *bytes = cur->pos;
  if (size > gw__cur_left(cur)) size = gw__cur_left(cur);
  gw__get_bytes(cur, size, &bytes);
  return (gw_span){(const char *)bytes, size};
}

static size_t take_u16(gw_cur *cur) {
  size_t low = take(cur);
  return low | (size_t)take(cur) << 8;
}

static void take_extents(gw_cur *cur, gwt_extent *extents, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t start = take(cur), length = take(cur);
    extents[i] = (gwt_extent){start, length, length == 255};
  }
}

static void take_row(gwt_bundle *file, gwt_bundle *other, gw_cur *cur, uint8_t form) {
  gwt_extent extents[64];
  int64_t dims[8];
  gw_span name = take_bytes(cur, take(cur));
  gw_buf bytes = GW_BUF_INIT;
  if (form == 0) {
    gw_span value = take_bytes(cur, take_u16(cur));
    gw__put_bytes(gwt_bundle_row(other, name), value.data, value.size);
  } else if (form == 1) {
    int64_t dtype = take(cur);
    int rank = take(cur) % 9;
    for (int i = 0; i < rank; i++) dims[i] = take(cur);
    size_t count = take(cur) % 9;
    take_extents(cur, extents, count * (size_t)rank);
    gwt_v1_put_meta(&file->header, name, dtype, rank, dims, count, extents);
  } else {
    int rank = take(cur) % 9;
    take_extents(cur, extents, (size_t)rank);
    gw_span value = take_bytes(cur, take_u16(cur));
    gw__put_bytes(&bytes, value.data, value.size);
    gwt_v1_add(other, name, rank, extents, &bytes);
    gw__buf_free(&bytes);
  }
}

/* The entries again in compressed blocks of two. */
static void pack(gw_buf *bytes) {
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  gwt_table packed;
  gw_block_builder builder;
  gw_span key, value;
  gw_buf block = GW_BUF_INIT, last = GW_BUF_INIT;
  bool more = true;
  gwt_table_init(&packed);
  gw__block_builder_init(&builder, 2);
  gwt_must(gw__table_open(&file, &table, NULL) == GW_OK && gw__table_iter_new(table, &iter, NULL) == GW_OK);
  for (size_t i = 0; more; i++) {
    gwt_must(gw__table_iter_next(iter, &more, &key, &value, NULL, NULL) == GW_OK);
    if (i > 0 && (!more || i % 2 == 0)) {
      gw__buf_clear(&block);
      gwt_must(gw__block_finish(&builder, &block, NULL) == GW_OK);
      gwt_table_block(&packed, &block, 1, (gw_span){(const char *)last.data, last.size});
    }
    if (!more) break;
    gwt_must(gw__block_add(&builder, key, value, NULL) == GW_OK);
    gw__buf_clear(&last);
    gw__put_bytes(&last, key.data, key.size);
  }
  gwt_table_finish(&packed, 1);
  gw__buf_clear(bytes);
  gw__put_bytes(bytes, packed.out.data, packed.out.size);
  gw__table_iter_free(iter);
  gw__table_free(table);
  gw__block_builder_free(&builder);
  gwt_table_free(&packed);
  gw__buf_free(&block);
  gw__buf_free(&last);
  close(file.fd);
}

static bool write_file(gwt_bundle *file, bool raw, bool packed, const char *path) {
  gw_buf bytes = GW_BUF_INIT;
  bool fine = gwt_v1_file(file, raw, &bytes);
  if (fine && packed) pack(&bytes);
  if (fine) gwt_save(path, bytes.data, bytes.size);
  gw__buf_free(&bytes);
  return fine;
}

/* ---- Asking */

static void must_say_why(gw_status status, const gw_error *error) {
  gwt_must(status == error->status && status != GW_IO && status != GW_NO_MEMORY && status != GW_EXISTS);
  gwt_must(status == GW_OK || error->what[0]);
}

/* Elements by themselves, from the end on, are those of the whole. */
static void must_read_in_pieces(const gw_tensor *tensor) {
  size_t width = gw_dtype_size(gw_tensor_dtype(tensor));
  uint64_t count = gw_tensor_elements(tensor);
  if (width == 0 || count > 5000) return;
  uint8_t *whole = malloc((size_t)count * width + 1), piece[16 * 7];
  gwt_must(whole != NULL);
  if (gw_tensor_read(tensor, 0, count, whole, NULL) == GW_OK)
    for (uint64_t first = count; first > 0;) {
      uint64_t part = first % 7 + 1 < first ? first % 7 + 1 : first;
      first -= part;
      gwt_must(gw_tensor_read(tensor, first, part, piece, NULL) == GW_OK);
      gwt_must(memcmp(piece, whole + first * width, (size_t)part * width) == 0);
    }
  free(whole);
}

static void ask_tensors(gw_bundle *bundle) {
  for (size_t i = 0; i < gw_bundle_count(bundle); i++) {
    gw_entry_info info;
    gw_slice_info slice;
    gw_tensor *tensor = NULL;
    gw_error error = GW_ERROR_INIT;
    gw_stats stats;
    bool equal;
    char *text = NULL;
    gw_bundle_entry(bundle, i, &info);
    for (size_t j = 0; j < info.slices; j++) gw_bundle_slice(bundle, i, j, &slice);
    gwt_must(gw_bundle_tensor(bundle, i, &tensor, NULL) == GW_OK && gw_tensor_origin(tensor)[0]);
    if (gw_tensor_stats(tensor, &stats, NULL) == GW_OK) gwt_must(stats.count == gw_tensor_elements(tensor));
    gw_status status = gw_tensor_equal(tensor, tensor, 0, &equal, &error);
    must_say_why(status, &error);
    if (status == GW_OK) gwt_must(equal);
    must_read_in_pieces(tensor);
    gw_tensor_preview(tensor, 6, 3, &text, NULL);
    gw_free(text);
    gw_tensor_release(tensor);
  }
}

static void must_copy(const gw_buf *dump, bool readable) {
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_buf again = GW_BUF_INIT;
  size_t fatal, odd;
  options.threads = 1;
  options.memory = 1;
  gw_status status = gwt_copy(prefix.text, copy.text, NULL, &options, &error);
  gwt_must(status == error.status && (status == GW_OK || error.what[0]));
  if (status == GW_OK) {
    gw_status read = gwt_dump(copy.text, &again, &error);
    if (readable) gwt_must(read == GW_OK && gwt_same(dump, &again));
    gwt_must(gwt_verify(copy.text, &fatal, &odd, NULL, NULL) == GW_OK && fatal == 0);
  }
  gwt_clear(out.text);
  gw__buf_free(&again);
  gwt_must(gwt_verify(prefix.text, &fatal, &odd, NULL, NULL) == GW_OK);
}

static void ask(bool more) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle = NULL;
  gw_buf dump = GW_BUF_INIT;
  gw_status status = gw_bundle_open(prefix.text, &bundle, &error);
  gwt_must((status == GW_OK) == (bundle != NULL));
  must_say_why(status, &error);
  gwt_must(status == GW_OK || error.file[0]);
  if (status != GW_OK) return;
  gw_error reading = GW_ERROR_INIT;
  gwt_must(gw_bundle_is_v1(bundle));
  status = gwt_dump_bundle(bundle, &dump, &reading);
  must_say_why(status, &reading);
  ask_tensors(bundle);
  size_t count = gw_bundle_count(bundle);
  gw_bundle_release(bundle);
  if (more && count > 0) must_copy(&dump, status == GW_OK);
  gw__buf_free(&dump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_cur cur = gw__cur(data, size, 0);
  uint8_t options = take(&cur);
  gwt_bundle files[2] = {gwt_v1_new(), gwt_v1_new()};
  bool two = options & 8;
  if (options & 1) {
    gw_span contents = take_bytes(&cur, take_u16(&cur));
    gw__put_bytes(&files[0].header, contents.data, contents.size);
  }
  for (size_t i = 0; i < 64 && gw__cur_left(&cur) > 0; i++) {
    uint8_t form = take(&cur);
    if (form == 255) break;
    gwt_bundle *file = &files[two && i % 2];
    take_row(file, file, &cur, form % 3);
  }
  gwt_path names[2] = {gwt_path_of("%s/in-00000-of-00002", folder.text), gwt_path_of("%s/in-00001-of-00002", folder.text)};
  prefix = two ? gwt_path_of("%s/in-\?\?\?\?\?-of-00002", folder.text) : names[0];
  bool fine = write_file(&files[0], options & 1, options & 2, names[0].text);
  if (two) fine = write_file(&files[1], false, options & 2, names[1].text) && fine;
  if (fine) ask((options & 4) && gw__crc32c(data, size) % 4 == 0); /* starting threads takes most of the time */
  for (int i = 0; i < 2; i++) gwt_bundle_free(&files[i]);
  return 0;
}

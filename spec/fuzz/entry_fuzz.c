/* libFuzzer target of header, entries, slices and data files: a checkpoint is made from the input, with the checksums
 * that it needs for what lies behind them to be reached. Layout of the input:
 *
 *   options u8     bit 0 big-endian | bit 1 the header is in the input: length u8, bytes | bits 2, 3 how it is copied:
 *                  as it is, unverified, two shards, linked | bit 4 no checksum is mended | bits 5 to 7 into how many slices
 *                  each tensor is cut that can be (0: the copy is as the input)
 *   rows           key length u8 | key | form u8 | value; a key length of 255: the rest is the data file
 *     form 0       any value: length u16le | bytes
 *     form 1       an entry: dtype u8 | rank u8 | dims u8... | offset u8; its size is the right one
 *     form 2       a parent: as an entry, then count u8 | count * rank * (start u8 | length u8; 255 the whole axis)
 *     form 3       a slice: as an entry, then rank * (start u8 | length u8), which its key is made of
 *
 * Whatever opens can be listed, read, planned, copied and verified, or is refused with a reason and a file; and what was
 * copied reads the same again. */
#include <stdint.h>
#include <string.h>

#include "../../core/base/cursor.h"
#include "../c/bundle_make.h"

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
  folder = gwt_path_of("%s/godwit-fuzz-%ld", memory ? memory : "/tmp", (long)getpid());
  prefix = gwt_path_of("%s/in", folder.text);
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

/* ---- Making the checkpoint */

typedef struct fields {
  gwt_entry entry;
  int64_t dims[8];
  gwt_extent extents[8 * 8];
} fields;

static uint8_t take(gw_cur *cur) {
  uint8_t byte = 0;
  gw__get_u8(cur, &byte);
  return byte;
}

/* dtype, rank, dims, offset; the size that they have for a dtype of fixed width. */
static void take_entry(gw_cur *cur, fields *out_fields) {
  gwt_entry *entry = &out_fields->entry;
  entry->dtype = take(cur);
  entry->rank = take(cur) % 9;
  entry->dims = out_fields->dims;
  entry->size = (int64_t)gw_dtype_size((int)entry->dtype);
  for (int i = 0; i < entry->rank; i++) {
    out_fields->dims[i] = take(cur);
    if (__builtin_mul_overflow(entry->size, out_fields->dims[i], &entry->size)) entry->size = 0;
  }
  entry->offset = take(cur);
  if (gw__dtype_has_strings((int)entry->dtype) || gw_dtype_size((int)entry->dtype) == 0) entry->size = take(cur);
}

static void take_extents(gw_cur *cur, fields *out_fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t start = take(cur), length = take(cur);
    out_fields->extents[i] = (gwt_extent){start, length, length == 255};
  }
}

static void add_row(gwt_bundle *bundle, gw_cur *cur, gw_span key, uint8_t form) {
  fields made;
  memset(&made, 0, sizeof made);
  char name[256] = {0};
  memcpy(name, key.data, key.size);
  take_entry(cur, &made);
  if (form == 3) {
    take_extents(cur, &made, (size_t)made.entry.rank);
    gwt_bundle_add_slice(bundle, name, made.extents, &made.entry);
    return;
  }
  if (form == 2) {
    made.entry.slices = take(cur) % 9;
    made.entry.extents = made.extents;
    take_extents(cur, &made, made.entry.slices * (size_t)made.entry.rank);
    made.entry.size = made.entry.offset = 0;
  }
  gwt_put_entry(gwt_bundle_row(bundle, key), &made.entry);
}

static void add_rows(gwt_bundle *bundle, gw_cur *cur) {
  uint8_t length;
  const uint8_t *bytes;
  while (bundle->count < 64 && gw__get_u8(cur, &length) && length < 255 && gw__get_bytes(cur, length, &bytes)) {
    gw_span key = {(const char *)bytes, length};
    uint8_t form = take(cur) % 4;
    if (form > 0) {
      add_row(bundle, cur, key, form);
      continue;
    }
    size_t value = take(cur);
    value |= (size_t)take(cur) << 8;
    if (value > gw__cur_left(cur)) value = gw__cur_left(cur);
    gw__get_bytes(cur, value, &bytes);
    gw__put_bytes(gwt_bundle_row(bundle, key), bytes, value);
  }
  gw__put_bytes(&bundle->data, cur->pos, gw__cur_left(cur));
}

/* Appends the checksum that the entry's bytes have: of two fields the last one counts. Strings get the one inside too. */
static void mend(gwt_bundle *bundle, gw_buf *value, bool big) {
  gw_arena arena = GW_ARENA_INIT;
  gw_entry entry;
  memset(&entry, 0, sizeof entry);
  bool fine = gw__decode_entry((gw_span){(const char *)value->data, value->size}, &arena, &entry, NULL) == GW_OK;
  if (fine && !entry.parts && entry.offset <= bundle->data.size && entry.size <= bundle->data.size - entry.offset) {
    uint8_t *bytes = entry.size ? bundle->data.data + entry.offset : NULL;
    uint32_t crc = gw__crc32c(bytes, (size_t)entry.size);
    uint64_t elements;
    gw_scan scan;
    if (gw__dtype_has_strings(entry.dtype) && gw__shape_elements(entry.rank, entry.dims, &elements, NULL) == GW_OK &&
        gw__scan_start(&scan, entry.dtype, elements, entry.size, false, NULL) == GW_OK && !big) {
      for (size_t i = 0; i < entry.size; i++) {
        if (scan.state == 1 && scan.check_bytes == 0 && entry.size - i >= 4) /* LENGTH_CHECK: the four bytes that come now */
          gw__store_fixed32(bytes + i, gw__crc32c_mask(scan.crc));
        if (gw__scan_feed(&scan, bytes + i, 1, NULL) != GW_OK) break;
      }
      crc = scan.crc;
    }
    gwt_put_tag(value, 6, 5);
    gw__put_fixed32(value, gw__crc32c_mask(crc));
  }
  gw__arena_free(&arena);
}

/* ---- Asking */

static void must_say_why(gw_status status, const gw_error *error) {
  gwt_must(status == error->status && status != GW_IO && status != GW_NO_MEMORY && status != GW_EXISTS);
  gwt_must(status == GW_OK || (error->what[0] && error->file[0]));
}

static void ask_tensors(gw_bundle *bundle) {
  for (size_t i = 0; i < gw_bundle_count(bundle); i++) {
    gw_entry_info info;
    gw_slice_info slice;
    gw_tensor *tensor = NULL;
    gw_stats stats;
    bool equal;
    char *text = NULL;
    gw_bundle_entry(bundle, i, &info);
    gw_bundle_role(bundle, i);
    for (size_t j = 0; j < info.slices; j++) gw_bundle_slice(bundle, i, j, &slice);
    gwt_must(gw_bundle_tensor(bundle, i, &tensor, NULL) == GW_OK && gw_tensor_origin(tensor)[0]);
    if (gw_tensor_stats(tensor, &stats, NULL) == GW_OK) gwt_must(stats.count == gw_tensor_elements(tensor));
    if (gw_tensor_equal(tensor, tensor, 0, &equal, NULL) == GW_OK) gwt_must(equal);
    if (gw_tensor_preview(tensor, 6, 3, &text, NULL) == GW_OK) gwt_must(text && strlen(text) < 100000);
    gw_free(text);
    gw_tensor_release(tensor);
  }
}

/* Every tensor in so many slices along its first or last axis, where it has one. */
static gw_status cut(gw_draft *draft, int64_t parts) {
  gw_span *names = NULL;
  size_t count = 0;
  gw_status status = gw_draft_names(draft, &names, &count, NULL);
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    gw_tensor *tensor = NULL, *sliced = NULL;
    status = gw_draft_get(draft, names[i].data, names[i].size, &tensor, NULL);
    if (status == GW_OK && gw_tensor_partition(tensor, parts, i % 2 ? -1 : 0, &sliced, NULL) == GW_OK)
      status = gw_draft_set(draft, names[i].data, names[i].size, sliced, NULL, NULL);
    gw_tensor_release(tensor);
    gw_tensor_release(sliced);
  }
  gw_free(names);
  return status;
}

/* What is cut reads the same: values do not know of slices. */
static void must_cut(int64_t parts) {
  gw_bundle *bundle = NULL, *again = NULL;
  gw_draft *draft = NULL;
  gw_error error = GW_ERROR_INIT;
  gwt_must(gw_bundle_open(prefix.text, &bundle, NULL) == GW_OK && gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  gw_status status = cut(draft, parts);
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  options.threads = 1;
  options.memory = 1;
  gwt_must(status == GW_OK);
  status = gwt_write_draft(draft, copy.text, NULL, &options, &error);
  gwt_must(status == error.status && (status == GW_OK || error.what[0]));
  if (status == GW_OK) {
    gwt_must(gw_bundle_open(copy.text, &again, NULL) == GW_OK && gw_bundle_count(again) == gw_bundle_count(bundle));
    for (size_t i = 0; i < gw_bundle_count(bundle); i++) {
      gw_tensor *before = NULL, *after = NULL;
      bool equal = false;
      gwt_must(gw_bundle_tensor(bundle, i, &before, NULL) == GW_OK && gw_bundle_tensor(again, i, &after, NULL) == GW_OK);
      if (gw_tensor_equal(before, before, 0, &equal, NULL) == GW_OK)
        gwt_must(gw_tensor_equal(before, after, 0, &equal, NULL) == GW_OK && equal);
      gw_tensor_release(before);
      gw_tensor_release(after);
    }
    gw_bundle_release(again);
  }
  gwt_clear(out.text);
  gw_draft_release(draft);
  gw_bundle_release(bundle);
}

static void must_copy(uint8_t how, const gw_buf *dump, bool readable) {
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_buf again = GW_BUF_INIT;
  size_t fatal, odd;
  if (how == 1) plan.verify = GW_VERIFY_NONE;
  if (how == 2) plan.shards = 2;
  if (how == 3) plan.data = GW_DATA_LINK;
  options.threads = 1;
  options.memory = 1;
  gw_status status = gwt_copy(prefix.text, copy.text, &plan, &options, &error);
  gwt_must(status == error.status && (status == GW_OK || error.what[0]));
  if (status != GW_OK) {
    gwt_must(gwt_listing(out.text).text[0] == '\0');
    return;
  }
  gw_status read = gwt_dump(copy.text, &again, &error);
  if (readable) gwt_must(read == GW_OK && gwt_same(dump, &again));
  gwt_must(gwt_verify(copy.text, &fatal, &odd, NULL, NULL) == GW_OK);
  if (how == 0 || how == 2) gwt_must(fatal == 0); /* what was copied was checked */
  gwt_clear(out.text);
  gw__buf_free(&again);
}

static void ask(uint8_t how, uint8_t parts, bool run) {
  gw_error error = GW_ERROR_INIT, reading = GW_ERROR_INIT;
  gw_bundle *bundle = NULL;
  gw_buf dump = GW_BUF_INIT;
  size_t fatal, odd;
  gw_status status = gw_bundle_open(prefix.text, &bundle, &error);
  gwt_must((status == GW_OK) == (bundle != NULL));
  must_say_why(status, &error);
  if (status != GW_OK) return;
  status = gwt_dump_bundle(bundle, &dump, &reading);
  gwt_must(status == reading.status && (status == GW_OK || reading.what[0]));
  if (gw_bundle_check_files(bundle, NULL) == GW_OK) ask_tensors(bundle);
  gw_bundle_release(bundle);
  if (run) {
    must_copy(how, &dump, status == GW_OK);
    if (parts > 0) must_cut(parts);
    gwt_must(gwt_verify(prefix.text, &fatal, &odd, NULL, NULL) == GW_OK);
    if (status == GW_CORRUPT) gwt_must(fatal > 0);
  }
  gw__buf_free(&dump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_cur cur = gw__cur(data, size, 0);
  uint8_t options = take(&cur), length;
  const uint8_t *bytes;
  bool big = options & 1;
  gwt_bundle bundle = gwt_bundle_new(1, big);
  if ((options & 2) && gw__get_u8(&cur, &length) && gw__get_bytes(&cur, length, &bytes)) {
    gw__buf_clear(&bundle.header);
    gw__put_bytes(&bundle.header, bytes, length);
  }
  add_rows(&bundle, &cur);
  for (size_t i = 0; i < bundle.count && !(options & 16); i++) mend(&bundle, &bundle.rows[i].value, big);
  gw_buf index = GW_BUF_INIT;
  if (gwt_bundle_index(&bundle, &index)) {
    gwt_save(gwt_index_of(prefix.text).text, index.data, index.size);
    gwt_save(gwt_data_of(prefix.text, 0, 1).text, bundle.data.data, bundle.data.size);
    ask(options >> 2 & 3, options >> 5, gw__crc32c(data, size) % 4 == 0); /* starting threads takes most of the time */
  }
  gw__buf_free(&index);
  gwt_bundle_free(&bundle);
  return 0;
}

/* Bundles made by hand, right or wrong: messages field by field, index and data files; and one bundle read whole, its
 * values in a buffer. For the C tests and the fuzz target. */
#ifndef GODWIT_SPEC_BUNDLE_MAKE_H
#define GODWIT_SPEC_BUNDLE_MAKE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../core/base/alloc.h"
#include "../../core/bundle/bundle.h"
#include "../../core/tensor/tensor.h"
#include "table_make.h"

/* ---- Files */

/* A path in a buffer of its own; several may be in use at once. */
typedef struct gwt_path {
  char text[1024];
} gwt_path;

static inline gwt_path gwt_path_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline gwt_path gwt_path_of(const char *format, ...) {
  gwt_path path;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(path.text, sizeof path.text, format, args);
  va_end(args);
  gwt_must(length >= 0 && (size_t)length < sizeof path.text);
  return path;
}

static inline gwt_path gwt_index_of(const char *prefix) { return gwt_path_of("%s.index", prefix); }
static inline gwt_path gwt_data_of(const char *prefix, int shard, int shards) {
  return gwt_path_of("%s.data-%05d-of-%05d", prefix, shard, shards);
}

static inline void gwt_save(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  gwt_must(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static inline bool gwt_exists(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0;
}

static inline gw_buf gwt_load(const char *path) {
  gw_buf out = GW_BUF_INIT;
  FILE *file = fopen(path, "rb");
  struct stat info;
  gwt_must(file && fstat(fileno(file), &info) == 0 && gw__buf_reserve(&out, (size_t)info.st_size + 1));
  out.size = fread(out.data, 1, (size_t)info.st_size, file);
  gwt_must(out.size == (size_t)info.st_size && fclose(file) == 0);
  return out;
}

static inline bool gwt_same(const gw_buf *a, const gw_buf *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static inline bool gwt_same_files(const char *a, const char *b) {
  if (!gwt_exists(a) || !gwt_exists(b)) return false;
  gw_buf one = gwt_load(a), other = gwt_load(b);
  bool same = gwt_same(&one, &other);
  gw__buf_free(&one);
  gw__buf_free(&other);
  return same;
}

/* Files and empty folders in `folder` go; it is made when it is not there. */
static inline void gwt_clear(const char *folder) {
  gw_names names;
  if (mkdir(folder, 0777) == 0) return;
  gwt_must(gw__folder_list(folder, &names, NULL) == GW_OK);
  for (size_t i = 0; i < names.count; i++) {
    gwt_path path = gwt_path_of("%s/%s", folder, names.names[i]);
    gwt_must(remove(path.text) == 0);
  }
  gw__names_free(&names);
}

/* The names in a folder, joined by spaces, for one comparison. */
static inline gwt_path gwt_listing(const char *folder) {
  gwt_path text = {{0}};
  gw_names names;
  size_t used = 0;
  gwt_must(gw__folder_list(folder, &names, NULL) == GW_OK);
  for (size_t i = 0; i < names.count; i++) {
    int length = snprintf(text.text + used, sizeof text.text - used, i ? " %s" : "%s", names.names[i]);
    gwt_must(length >= 0 && (size_t)length < sizeof text.text - used);
    used += (size_t)length;
  }
  gw__names_free(&names);
  return text;
}

/* ---- Messages */

static inline void gwt_put_tag(gw_buf *out, unsigned field, unsigned wire) { gw__put_varint64(out, field << 3 | wire); }
static inline void gwt_put_number(gw_buf *out, unsigned field, int64_t value) {
  gwt_put_tag(out, field, 0);
  gw__put_varint64(out, (uint64_t)value);
}
static inline void gwt_put_message(gw_buf *out, unsigned field, const gw_buf *bytes) {
  gwt_put_tag(out, field, 2);
  gw__put_varint64(out, bytes->size);
  gw__put_bytes(out, bytes->data, bytes->size);
}

typedef struct gwt_extent {
  int64_t start, length;
  bool whole; /* no length: the whole axis */
} gwt_extent;

/* BundleEntryProto, every field as it is given. rank -1: no shape at all. */
typedef struct gwt_entry {
  int64_t dtype;
  int rank;
  const int64_t *dims;
  int64_t shard, offset, size;
  uint32_t crc; /* unmasked */
  size_t slices;
  const gwt_extent *extents; /* slices * rank */
} gwt_entry;

static inline void gwt_put_entry(gw_buf *out, const gwt_entry *entry) {
  gw_buf shape = GW_BUF_INIT, part = GW_BUF_INIT, slice = GW_BUF_INIT;
  if (entry->dtype) gwt_put_number(out, 1, entry->dtype);
  for (int i = 0; i < entry->rank; i++) {
    gw__buf_clear(&part);
    if (entry->dims[i]) gwt_put_number(&part, 1, entry->dims[i]);
    gwt_put_message(&shape, 2, &part);
  }
  if (entry->rank >= 0) gwt_put_message(out, 2, &shape);
  if (entry->shard) gwt_put_number(out, 3, entry->shard);
  if (entry->offset) gwt_put_number(out, 4, entry->offset);
  if (entry->size) gwt_put_number(out, 5, entry->size);
  if (entry->slices == 0) {
    gwt_put_tag(out, 6, 5);
    gw__put_fixed32(out, gw__crc32c_mask(entry->crc));
  }
  for (size_t i = 0; i < entry->slices; i++) {
    gw__buf_clear(&slice);
    for (int axis = 0; axis < entry->rank; axis++) {
      const gwt_extent *extent = &entry->extents[i * (size_t)entry->rank + (size_t)axis];
      gw__buf_clear(&part);
      if (extent->start) gwt_put_number(&part, 1, extent->start);
      if (!extent->whole) gwt_put_number(&part, 2, extent->length);
      gwt_put_message(&slice, 1, &part);
    }
    gwt_put_message(out, 7, &slice);
  }
  gw__buf_free(&shape);
  gw__buf_free(&part);
  gw__buf_free(&slice);
}

/* BundleHeaderProto of `shards`, with version 1. */
static inline void gwt_put_header(gw_buf *out, int64_t shards, bool big_endian) {
  gw_buf version = GW_BUF_INIT;
  gwt_put_number(out, 1, shards);
  if (big_endian) gwt_put_number(out, 2, 1);
  gwt_put_number(&version, 1, 1);
  gwt_put_message(out, 3, &version);
  gw__buf_free(&version);
}

/* ---- Bundles */

enum { GWT_MOST_ENTRIES = 4096 };

typedef struct gwt_bundle {
  gw_buf header;
  struct gwt_row {
    gw_buf key, value;
  } *rows;
  size_t count;
  gw_buf data; /* of shard 0 */
} gwt_bundle;

static inline gwt_bundle gwt_bundle_new(int64_t shards, bool big_endian) {
  gwt_bundle bundle = {GW_BUF_INIT, calloc(GWT_MOST_ENTRIES, sizeof *bundle.rows), 0, GW_BUF_INIT};
  gwt_must(bundle.rows != NULL);
  gwt_put_header(&bundle.header, shards, big_endian);
  return bundle;
}

static inline void gwt_bundle_free(gwt_bundle *bundle) {
  for (size_t i = 0; i < bundle->count; i++) {
    gw__buf_free(&bundle->rows[i].key);
    gw__buf_free(&bundle->rows[i].value);
  }
  free(bundle->rows);
  gw__buf_free(&bundle->header);
  gw__buf_free(&bundle->data);
}

/* An entry's value, to be filled in place. */
static inline gw_buf *gwt_bundle_row(gwt_bundle *bundle, gw_span key) {
  gwt_must(bundle->count < GWT_MOST_ENTRIES);
  gw__put_bytes(&bundle->rows[bundle->count].key, key.data, key.size);
  return &bundle->rows[bundle->count++].value;
}

static inline void gwt_bundle_add(gwt_bundle *bundle, const char *name, const gwt_entry *entry) {
  gwt_put_entry(gwt_bundle_row(bundle, gwt_span(name)), entry);
}

/* A slice's entry, under its encoded key. */
static inline void gwt_bundle_add_slice(gwt_bundle *bundle, const char *name, const gwt_extent *extents, const gwt_entry *entry) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  gw_buf key = GW_BUF_INIT;
  for (int i = 0; i < entry->rank; i++) {
    starts[i] = extents[i].start;
    lengths[i] = extents[i].whole ? -1 : extents[i].length;
  }
  gw__put_slice_key(&key, gwt_span(name), (size_t)entry->rank, starts, lengths);
  gwt_put_entry(gwt_bundle_row(bundle, (gw_span){(const char *)key.data, key.size}), entry);
  gw__buf_free(&key);
}

/* An entry with its bytes appended to the data file. */
static inline void gwt_bundle_add_data(gwt_bundle *bundle, const char *name, int dtype, int rank, const int64_t *dims,
                                       const void *bytes, size_t size) {
  gwt_entry entry = {.dtype = dtype, .rank = rank, .dims = dims, .offset = (int64_t)bundle->data.size, .size = (int64_t)size,
                     .crc = gw__crc32c(bytes, size)};
  gw__put_bytes(&bundle->data, bytes, size);
  gwt_bundle_add(bundle, name, &entry);
}

static inline int gwt_by_key(const void *a, const void *b) {
  const struct gwt_row *left = a, *right = b;
  return gw__key_compare((gw_span){(const char *)left->key.data, left->key.size},
                         (gw_span){(const char *)right->key.data, right->key.size});
}

/* The index of the rows in order of their keys, appended. False when two keys are the same. */
static inline bool gwt_bundle_index(gwt_bundle *bundle, gw_buf *out) {
  gw_table_writer *writer = NULL;
  gwt_must(gw__table_writer_new(&writer, NULL) == GW_OK);
  qsort(bundle->rows, bundle->count, sizeof *bundle->rows, gwt_by_key);
  gw_span empty = {"", 0}, header = {(const char *)bundle->header.data, bundle->header.size};
  bool fine = gw__table_writer_add(writer, empty, header, out, NULL) == GW_OK;
  for (size_t i = 0; i < bundle->count && fine; i++) {
    gw_span key = {(const char *)bundle->rows[i].key.data, bundle->rows[i].key.size};
    gw_span value = {(const char *)bundle->rows[i].value.data, bundle->rows[i].value.size};
    fine = gw__table_writer_add(writer, key, value, out, NULL) == GW_OK;
  }
  fine = gw__table_writer_finish(writer, out, NULL) == GW_OK && fine;
  gw__table_writer_free(writer);
  return fine;
}

/* Writes the index, and the data file of shard 0 of `shards` (0: no data file). */
static inline void gwt_bundle_write(gwt_bundle *bundle, const char *prefix, int shards) {
  gw_buf index = GW_BUF_INIT;
  gwt_must(gwt_bundle_index(bundle, &index));
  gwt_save(gwt_index_of(prefix).text, index.data, index.size);
  if (shards > 0) gwt_save(gwt_data_of(prefix, 0, shards).text, bundle->data.data, bundle->data.size);
  gw__buf_free(&index);
}

/* ---- Reading whole */

static inline gw_status gwt_dump_stored(gw_bundle *bundle, const gw_entry *entry, gw_buf *dump, gw_error *error) {
  uint8_t buffer[4096];
  const gw_file *file;
  gw_status status = gw__bundle_check_entry(bundle, entry, buffer, sizeof buffer, error);
  if (status == GW_OK) status = gw__bundle_shard(bundle, entry->shard, &file, error);
  if (status != GW_OK || !gw__buf_reserve(dump, (size_t)entry->size + 1)) return status;
  status = gw__file_read(file, entry->offset, dump->data + dump->size, (size_t)entry->size, error);
  dump->size += (size_t)entry->size;
  return status;
}

static inline gw_status gwt_dump_strings(const gw_tensor *tensor, gw_buf *dump, gw_error *error) {
  gw_span *strings = NULL;
  char *memory = NULL;
  gw_status status = gw_tensor_read_strings(tensor, &strings, &memory, error);
  for (uint64_t i = 0; status == GW_OK && i < gw_tensor_elements(tensor); i++) {
    gw__put_varint64(dump, strings[i].size);
    gw__put_bytes(dump, strings[i].data, strings[i].size);
  }
  gw_free(strings);
  gw_free(memory);
  return status;
}

static inline gw_status gwt_dump_tensor(const gw_tensor *tensor, gw_buf *dump, gw_error *error) {
  size_t size = (size_t)gw_tensor_elements(tensor) * gw_dtype_size(gw_tensor_dtype(tensor));
  if (gw_tensor_dtype(tensor) == GW_DT_STRING) return gwt_dump_strings(tensor, dump, error);
  gwt_must(gw__buf_reserve(dump, size + 1));
  gw_status status = gw_tensor_read(tensor, 0, gw_tensor_elements(tensor), dump->data + dump->size, error);
  dump->size += size;
  return status;
}

/* What slices do not cover has no value as a whole, and may be of any size. */
static inline gw_status gwt_dump_slices(gw_bundle *bundle, size_t index, gw_buf *dump, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; status == GW_OK && i < gw__bundle_at(bundle, index)->parts->count; i++) {
    gw_tensor *slice = NULL;
    status = gw__bundle_slice_tensor(bundle, index, i, &slice, error);
    if (status == GW_OK) status = gwt_dump_tensor(slice, dump, error);
    gw_tensor_release(slice);
  }
  return status;
}

static inline gw_status gwt_dump_values(gw_bundle *bundle, size_t index, const gw_tensor *tensor, gw_buf *dump, gw_error *error) {
  const gw_entry *entry = gw__bundle_at(bundle, index);
  bool readable = gw_dtype_size(gw_tensor_dtype(tensor)) > 0 || gw_tensor_dtype(tensor) == GW_DT_STRING;
  if (readable) return entry->parts && entry->parts->partial ? gwt_dump_slices(bundle, index, dump, error) : gwt_dump_tensor(tensor, dump, error);
  gw_status status = GW_OK;
  for (size_t i = 0; status == GW_OK && i < (entry->parts ? entry->parts->count : 1); i++)
    status = gwt_dump_stored(bundle, entry->parts ? &bundle->entries[entry->parts->entries[i]] : entry, dump, error);
  return status;
}

/* Name, dtype, shape and all values of every tensor, checksums checked. */
static inline gw_status gwt_dump_bundle(gw_bundle *bundle, gw_buf *dump, gw_error *error) {
  gw_status status = gw_bundle_check_files(bundle, error); /* so that no claimed size is beyond what is there */
  for (size_t i = 0; i < gw_bundle_count(bundle) && status == GW_OK; i++) {
    gw_entry_info info;
    gw_tensor *tensor;
    gw_bundle_entry(bundle, i, &info);
    gw__put_varint64(dump, info.name.size);
    gw__put_bytes(dump, info.name.data, info.name.size);
    gw__put_varint64(dump, (uint64_t)info.dtype);
    gw__put_shape(dump, info.rank, info.dims);
    status = gw_bundle_tensor(bundle, i, &tensor, error);
    if (status == GW_OK) status = gwt_dump_values(bundle, i, tensor, dump, error);
    gw_tensor_release(tensor);
  }
  return status;
}

static inline gw_status gwt_dump(const char *prefix, gw_buf *dump, gw_error *error) {
  gw_bundle *bundle;
  gw_status status = gw_bundle_open(prefix, &bundle, error);
  if (status == GW_OK) status = gwt_dump_bundle(bundle, dump, error);
  gw_bundle_release(bundle);
  return status;
}

/* ---- Running */

/* `options` may be NULL, as may `plan_options`. */
static inline gw_status gwt_write_draft(gw_draft *draft, const char *to, const gw_plan_options *plan_options,
                                        const gw_run_options *options, gw_error *error) {
  gw_plan *plan = NULL;
  gw_run *run = NULL;
  bool finished = false;
  gw_status status = gw_plan_compile(draft, plan_options, &plan, error);
  if (status == GW_OK) status = gw_run_start(plan, to, options, &run, error);
  while (status == GW_OK && !finished) status = gw_run_wait(run, 1000, &finished, error);
  if (status == GW_OK && options && options->lineage) status = gw_run_set_lineage(run, "{}\n", 3, error);
  if (status == GW_OK) status = gw_run_commit(run, error);
  gw_run_free(run);
  gw_plan_free(plan);
  return status;
}

/* `from`, edited (or not, when `edit` is NULL), written to `to`. */
static inline gw_status gwt_migrate(const char *from, const char *to, gw_status (*edit)(gw_draft *, gw_error *),
                                    const gw_plan_options *plan_options, const gw_run_options *options, gw_error *error) {
  gw_bundle *bundle = NULL;
  gw_draft *draft = NULL;
  gw_status status = gw_bundle_open(from, &bundle, error);
  if (status == GW_OK) status = gw_draft_from_bundle(bundle, &draft, error);
  if (status == GW_OK && edit) status = edit(draft, error);
  if (status == GW_OK) status = gwt_write_draft(draft, to, plan_options, options, error);
  gw_draft_release(draft);
  gw_bundle_release(bundle);
  return status;
}

/* The identity of `from`. */
static inline gw_status gwt_copy(const char *from, const char *to, const gw_plan_options *plan_options,
                                 const gw_run_options *options, gw_error *error) {
  return gwt_migrate(from, to, NULL, plan_options, options, error);
}

/* What `godwit verify` does: *fatal and *odd count its findings; the first fatal one goes to `first` (may be NULL). */
static inline gw_status gwt_verify(const char *prefix, size_t *fatal, size_t *odd, gw_error *first, gw_error *error) {
  gw_verification *verification;
  gw_finding finding;
  bool finished = false;
  *fatal = *odd = 0;
  gw_status status = gw_verify_start(prefix, 1, &verification, error);
  while (status == GW_OK && !finished) status = gw_verify_wait(verification, 1000, &finished, error);
  for (size_t i = 0; status == GW_OK && gw_verify_finding(verification, i, &finding); i++) {
    if (finding.fatal && *fatal == 0 && first) *first = finding.error;
    *(finding.fatal ? fatal : odd) += 1;
  }
  gw_verify_free(verification);
  return status;
}

#endif

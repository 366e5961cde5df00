/* Opening V1 files: their tables of contents become the entries that a bundle has. See v1.h.
 *
 *   ""          SavedTensorSlices { meta { tensor { name, shape, type, slice... }..., versions } }
 *   slice key   SavedTensorSlices { data { name, slice, data: TensorProto } }     left alone here: v1_values.c
 */
#include "v1.h"

#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/cursor.h"
#include "../base/error.h"
#include "../tensor/tensor.h"

/* ---- Files */

/* The number of digits and question marks from `at` on. */
static size_t run_of(const char *text, bool marks) { return strspn(text, marks ? "0123456789?" : "0123456789"); }

/* "X-?????-of-00002": the length of X and how many files there are; 0 when it is no pattern. */
static size_t pattern_stem(const char *prefix, size_t *files) {
  const char *of = NULL;
  for (const char *next = prefix; (next = strstr(next, "-of-")) != NULL; next++) of = next;
  if (!of) return 0;
  size_t digits = run_of(of + 4, false), end = (size_t)(of - prefix), begin = end;
  while (begin > 0 && prefix[begin - 1] == '?') begin--;
  if (digits < 5 || of[4 + digits] || end - begin < 5 || begin < 2 || prefix[begin - 1] != '-' || prefix[begin - 2] == '/') return 0;
  *files = (size_t)strtoul(of + 4, NULL, 10);
  return begin - 1;
}

size_t gw__meta_stem(const gw_bundle *bundle) {
  size_t files, stem = bundle->v1 ? pattern_stem(bundle->prefix, &files) : 0;
  return stem ? stem : strlen(bundle->prefix);
}

static gw_status add_file(gw_names *names, const char *prefix, size_t stem, size_t number, size_t of, gw_error *error) {
  gw_buf path = GW_BUF_INIT;
  void *array = names->names;
  gw__put_bytes(&path, prefix, stem);
  if (stem < strlen(prefix)) gw__put_format(&path, "-%05zu-of-%05zu", number, of);
  gw__put_u8(&path, 0);
  gw_status status = gw__buf_status(&path, error);
  if (status == GW_OK) status = gw__reserve(&array, &names->capacity, names->count + 1, sizeof *names->names, error);
  names->names = array;
  if (status == GW_OK) names->names[names->count++] = (char *)path.data;
  else gw__buf_free(&path);
  return status;
}

gw_status gw__v1_files(const char *prefix, gw_names *out, gw_error *error) {
  size_t files = 0, stem;
  gw_path_kind kind;
  *out = (gw_names){NULL, 0, 0};
  gw_status status = gw__path_look(prefix, &kind, NULL, error);
  if (status != GW_OK) return status;
  stem = kind == GW_PATH_FILE ? 0 : pattern_stem(prefix, &files);
  if (stem == 0) return add_file(out, prefix, strlen(prefix), 0, 0, error);
  for (size_t i = 0; i < files && status == GW_OK; i++) {
    status = add_file(out, prefix, stem, i, files, error);
    if (status == GW_OK) status = gw__path_look(out->names[i], &kind, NULL, error);
    if (status == GW_OK && kind != GW_PATH_FILE) {
      status = gw__fail(error, GW_NOT_FOUND, "the file is missing: this is one checkpoint in %zu files", files);
      gw__error_file(error, out->names[i]);
      gw__error_hint(error, "copy it here too, or give one of the files to read it alone");
    }
  }
  if (status == GW_OK && files == 0) status = gw__fail(error, GW_NOT_FOUND, "no file has a name of this pattern");
  if (status != GW_OK) gw__names_free(out);
  return status;
}

/* ---- The table of contents */

/* A tensor as one file lists it. */
typedef struct gw_listed {
  gw_entry entry; /* key, dtype, dims, and all listed slices as parts */
  uint32_t file;
} gw_listed;

typedef struct gw_contents {
  gw_listed *tensors;
  size_t count, capacity;
} gw_contents;

/* The next field of a message: its bytes, when it has some, else an empty span. False at the end, or when it is cut off. */
static bool next_field(gw_cur *cur, uint32_t *field, gw_span *bytes, bool *wrong) {
  uint32_t tag;
  uint64_t number;
  const uint8_t *skipped;
  *bytes = (gw_span){NULL, 0};
  if (gw__cur_left(cur) == 0) return false;
  *wrong = !gw__get_varint32(cur, &tag);
  if (*wrong) return false;
  *field = tag >> 3;
  switch (tag & 7) {
    case 0: *wrong = !gw__get_varint64(cur, &number); break;
    case 1: *wrong = !gw__get_bytes(cur, 8, &skipped); break;
    case 5: *wrong = !gw__get_bytes(cur, 4, &skipped); break;
    case 2:
      *wrong = !gw__get_varint64(cur, &number) || number > gw__cur_left(cur) || !gw__get_bytes(cur, (size_t)number, &skipped);
      if (!*wrong) *bytes = (gw_span){(const char *)skipped, (size_t)number};
      break;
    default: *wrong = true;
  }
  return !*wrong;
}

static gw_status take_tensor(gw_bundle *bundle, gw_contents *contents, uint32_t file, gw_span value, gw_error *error) {
  gw_listed listed = {.file = file};
  uint64_t elements;
  gw_status status = gw__reserve((void **)&contents->tensors, &contents->capacity, contents->count + 1, sizeof *contents->tensors, error);
  if (status == GW_OK && contents->count >= UINT32_MAX / 2) status = gw__fail(error, GW_LIMIT, "more than 2^31 tensors");
  if (status == GW_OK) status = gw__decode_v1_tensor(value, &bundle->arena, &listed.entry, error);
  if (status == GW_OK && gw__shape_elements(listed.entry.rank, listed.entry.dims, &elements, error) != GW_OK) {
    if (error) error->status = GW_CORRUPT;
    status = GW_CORRUPT;
  }
  uint64_t bytes;
  if (status == GW_OK && (!gw__mul_u64(elements, 16, &bytes) || bytes > INT64_MAX))
    status = gw__fail(error, GW_CORRUPT, "a tensor of more than 2^63 bytes");
  if (status == GW_OK) contents->tensors[contents->count++] = listed;
  else if (listed.entry.key) gw__error_key(error, listed.entry.key, listed.entry.key_size);
  return status;
}

static gw_status take_contents(gw_bundle *bundle, gw_contents *contents, uint32_t file, gw_span value, gw_error *error) {
  gw_cur all = gw__cur(value.data, value.size, 0);
  uint32_t field;
  gw_span meta, bytes;
  bool wrong = false;
  gw_status status = GW_OK;
  while (status == GW_OK && next_field(&all, &field, &meta, &wrong)) {
    if (field != 1) continue;
    gw_cur cur = gw__cur(meta.data, meta.size, 0);
    while (status == GW_OK && next_field(&cur, &field, &bytes, &wrong)) {
      if (field == 1) status = take_tensor(bundle, contents, file, bytes, error);
      if (field == 2) status = gw__decode_v1_versions(bytes, &bundle->header, error);
    }
  }
  if (status == GW_OK && wrong) status = gw__fail(error, GW_CORRUPT, "the table of contents is cut off or no SavedTensorSlices");
  return status;
}

/* The first block has the contents, under the empty key; it is summed whole before any of it is believed. */
static gw_status read_contents(gw_bundle *bundle, gw_contents *contents, uint32_t number, gw_error *error) {
  gw_v1_file *file = &bundle->v1->files[number];
  gw_window *window = gw__alloc_array(1, sizeof *window, error);
  gw_record_iter iter = {.key = GW_BUF_INIT};
  gw_buf value = GW_BUF_INIT;
  bool packed, more = false;
  gw_span key;
  uint64_t at, size;
  if (!window) return GW_NO_MEMORY;
  gw_status status = file->block_count > 0 ? gw__table_sum_block(file->file, &file->blocks[0], &packed, error) : GW_OK;
  if (status == GW_OK && file->block_count > 0) {
    file->states[0].summed = true;
    file->states[0].packed = packed;
    if (packed) status = gw__table_unpack_block(file->table, &file->blocks[0], &file->unpacked, error);
    window->file = file->file;
    window->base = file->blocks[0].offset;
    window->memory = packed ? file->unpacked.data : NULL;
    window->size = packed ? file->unpacked.size : file->blocks[0].size;
    if (status == GW_OK && packed) file->unpacked_block = 0;
    if (status == GW_OK) status = gw__record_iter_start(&iter, window, error);
    if (status == GW_OK) status = gw__record_iter_next(&iter, &more, &key, &at, &size, error);
  }
  if (status == GW_OK && (!more || key.size > 0))
    status = gw__fail(error, GW_CORRUPT, more ? "the first key is not empty: there is no table of contents" : "the table is empty: there is no table of contents");
  if (status == GW_OK && size > GW_MAX_CONTENTS)
    status = gw__fail(error, GW_LIMIT, "a table of contents of %llu bytes (at most %llu are read)", (unsigned long long)size,
                      (unsigned long long)GW_MAX_CONTENTS);
  if (status == GW_OK && size > 0 && !gw__buf_reserve(&value, (size_t)size)) status = gw__buf_status(&value, error);
  if (status == GW_OK) status = gw__window_read(window, at, value.data, (size_t)size, error);
  if (status == GW_OK) {
    status = take_contents(bundle, contents, number, (gw_span){(const char *)value.data, (size_t)size}, error);
    if (status != GW_OK) gw__error_offset(error, gw__window_offset(window, at));
  }
  gw__record_iter_free(&iter);
  gw__buf_free(&value);
  gw__free(window);
  return status;
}

static gw_status open_file(gw_bundle *bundle, gw_contents *contents, const char *path, uint32_t number, gw_error *error) {
  gw_v1 *v1 = bundle->v1;
  gw_v1_file *file = &v1->files[number];
  file->unpacked_block = SIZE_MAX;
  gw_status status = gw__file_open(path, &file->file, error);
  if (status == GW_OK) status = gw__table_open(file->file, &file->table, error);
  if (status == GW_OK) status = gw__table_list_blocks(file->table, &v1->arena, &file->blocks, &file->block_count, error);
  if (status == GW_OK && !(file->states = gw__alloc_array(file->block_count, sizeof *file->states, error))) status = GW_NO_MEMORY;
  if (status == GW_OK) status = read_contents(bundle, contents, number, error);
  if (status != GW_OK) gw__error_file(error, path);
  return status;
}

/* ---- Entries */

static int by_name(const void *a, const void *b) {
  const gw_listed *left = a, *right = b;
  int order = gw__key_compare((gw_span){left->entry.key, left->entry.key_size}, (gw_span){right->entry.key, right->entry.key_size});
  return order ? order : left->file < right->file ? -1 : left->file > right->file;
}

/* A slice of a tensor, wherever it is listed. */
typedef struct gw_v1_slice {
  const int64_t *starts, *lengths;
  size_t rank;
  uint32_t file;
} gw_v1_slice;

static int by_place(const void *a, const void *b) {
  const gw_v1_slice *left = a, *right = b;
  for (size_t i = 0; i < left->rank; i++) {
    if (left->starts[i] != right->starts[i]) return left->starts[i] < right->starts[i] ? -1 : 1;
    if (left->lengths[i] != right->lengths[i]) return left->lengths[i] < right->lengths[i] ? -1 : 1;
  }
  return left->file < right->file ? -1 : left->file > right->file;
}

static uint64_t bytes_of(int dtype, uint64_t elements) { return elements * gw_dtype_size(dtype); }

/* Values take bytes of their file, if few: what is listed beyond them is refused before anybody makes room for it. */
static gw_status claim(gw_v1_file *file, int dtype, uint64_t elements, gw_error *error) {
  uint64_t bytes, most;
  if (!gw__mul_u64(file->file->size, GW_BLOCK_EXPANSION, &most)) most = UINT64_MAX;
  if (gw__mul_u64(elements, gw__v1_least_bytes(dtype), &bytes) && gw__add_u64(file->claimed, bytes, &file->claimed) && file->claimed <= most)
    return GW_OK;
  gw__fail(error, GW_CORRUPT, "its %llu elements, with those of the tensors before it, are more than the file of %llu bytes can hold",
           (unsigned long long)elements, (unsigned long long)file->file->size);
  gw__error_file(error, file->file->path);
  return GW_CORRUPT;
}

/* One more entry with values of its own, and where they are. */
static gw_status add_stored(gw_bundle *bundle, const gw_entry *entry, const gw_v1_slice *slice, gw_span name, gw_error *error) {
  gw_v1 *v1 = bundle->v1;
  gw_buf key = GW_BUF_INIT;
  uint64_t elements = 0;
  gw__shape_elements(entry->rank, entry->dims, &elements, NULL);
  gw_status status = claim(&v1->files[slice->file], entry->dtype, elements, error);
  if (status != GW_OK) return status;
  gw__put_slice_key(&key, name, slice->rank, slice->starts, slice->lengths);
  status = gw__buf_status(&key, error);
  const char *copy = status == GW_OK ? gw__arena_text(&v1->arena, (const char *)key.data, key.size, error) : NULL;
  size_t size = key.size;
  gw__buf_free(&key);
  if (!copy) return GW_NO_MEMORY;
  gw_v1_record *record = &v1->records[v1->record_count++];
  record->key = (gw_span){copy, size};
  record->name = name;
  record->file = slice->file;
  record->entry = (uint32_t)v1->record_count - 1; /* its own number, until both are in order */
  gw_entry *added = &bundle->entries[bundle->entry_count++];
  *added = *entry;
  if (!entry->key) {
    added->key = copy;
    added->key_size = (uint32_t)size;
  }
  added->shard = (int32_t)slice->file;
  added->offset = record->entry;
  return GW_OK;
}

/* Is a slice all of its tensor? */
static bool is_whole(const gw_entry *entry, const gw_v1_slice *slice) {
  for (size_t i = 0; i < entry->rank; i++)
    if (slice->lengths[i] != -1 && (slice->starts[i] != 0 || slice->lengths[i] != entry->dims[i])) return false;
  return true;
}

static gw_status add_slices(gw_bundle *bundle, const gw_entry *listed, const gw_v1_slice *slices, size_t count, gw_error *error) {
  size_t rank = listed->rank, numbers = count * rank * sizeof(int64_t);
  gw_span name = {listed->key, listed->key_size};
  gw_parts *parts = gw__arena_alloc(&bundle->arena, sizeof *parts, error);
  int64_t *lengths = gw__arena_alloc(&bundle->arena, numbers, error);
  if (!parts || !lengths) return GW_NO_MEMORY;
  *parts = (gw_parts){.count = count, .starts = gw__arena_alloc(&bundle->arena, numbers, error),
                      .lengths = gw__arena_alloc(&bundle->arena, numbers, error),
                      .entries = gw__arena_alloc(&bundle->arena, count * sizeof(uint32_t), error)};
  if (!parts->starts || !parts->lengths || !parts->entries) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    memcpy(parts->starts + i * rank, slices[i].starts, rank * sizeof(int64_t));
    memcpy(parts->lengths + i * rank, slices[i].lengths, rank * sizeof(int64_t));
    /* Extents beyond the shape are for gw__bundle_link_slices to complain about. */
    uint64_t elements = 0;
    for (size_t axis = 0; axis < rank; axis++) {
      int64_t length = slices[i].lengths[axis];
      lengths[i * rank + axis] = length < 0 || length > listed->dims[axis] ? listed->dims[axis] : length;
    }
    gw__shape_elements(rank, lengths + i * rank, &elements, NULL);
    gw_entry slice = {.dtype = listed->dtype, .rank = listed->rank, .dims = lengths + i * rank, .size = bytes_of(listed->dtype, elements)};
    gw_status status = add_stored(bundle, &slice, &slices[i], name, error);
    if (status != GW_OK) return status;
  }
  gw_entry parent = *listed;
  parent.parts = parts;
  bundle->entries[bundle->entry_count++] = parent;
  return GW_OK;
}

/* What all files list under one name. */
static gw_status add_tensor(gw_bundle *bundle, const gw_listed *listed, size_t count, gw_v1_slice *slices, gw_error *error) {
  const gw_entry *first = &listed[0].entry;
  size_t total = 0;
  uint64_t elements = 0;
  for (size_t i = 0; i < count; i++) {
    const gw_entry *other = &listed[i].entry;
    if (other->dtype != first->dtype)
      return gw__fail(error, GW_CORRUPT, "it is listed with the dtypes %d and %d", first->dtype, other->dtype);
    if (!gw__shape_equal(first->rank, first->dims, other->rank, other->dims)) return gw__fail(error, GW_CORRUPT, "it is listed with different shapes");
    for (size_t j = 0; j < other->parts->count; j++)
      slices[total++] = (gw_v1_slice){other->parts->starts + j * first->rank, other->parts->lengths + j * first->rank, first->rank, listed[i].file};
  }
  if (total == 1 && is_whole(first, &slices[0])) {
    gw_entry entry = *first;
    entry.parts = NULL;
    gw__shape_elements(entry.rank, entry.dims, &elements, NULL);
    entry.size = bytes_of(entry.dtype, elements);
    return add_stored(bundle, &entry, &slices[0], (gw_span){entry.key, entry.key_size}, error);
  }
  if (first->rank == 0) return gw__fail(error, GW_CORRUPT, "a scalar is listed %zu times", total);
  qsort(slices, total, sizeof *slices, by_place);
  return add_slices(bundle, first, slices, total, error);
}

static int by_key(const void *a, const void *b) {
  const gw_entry *left = a, *right = b;
  return gw__key_compare((gw_span){left->key, left->key_size}, (gw_span){right->key, right->key_size});
}

static int by_file_and_key(const void *a, const void *b) {
  const gw_v1_record *left = a, *right = b;
  if (left->file != right->file) return left->file < right->file ? -1 : 1;
  return gw__key_compare(left->key, right->key);
}

/* Entries in key order, each with its record's number in place of an offset. */
static gw_status order_entries(gw_bundle *bundle, gw_error *error) {
  gw_v1 *v1 = bundle->v1;
  if (bundle->entry_count > 1) qsort(bundle->entries, bundle->entry_count, sizeof *bundle->entries, by_key);
  for (size_t i = 1; i < bundle->entry_count; i++)
    if (by_key(&bundle->entries[i - 1], &bundle->entries[i]) == 0) {
      gw_buf name = GW_BUF_INIT;
      int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
      size_t rank;
      gw_span key = {bundle->entries[i].key, bundle->entries[i].key_size};
      if (gw__get_slice_key(key, &name, &rank, starts, lengths)) key = (gw_span){(const char *)name.data, name.size};
      gw__fail(error, GW_CORRUPT, "a slice is listed twice");
      gw__error_key(error, key.data, key.size);
      gw__buf_free(&name);
      return GW_CORRUPT;
    }
  if (v1->record_count > 1) qsort(v1->records, v1->record_count, sizeof *v1->records, by_file_and_key);
  uint32_t *now = gw__alloc_array(v1->record_count, sizeof *now, error);
  if (!now) return GW_NO_MEMORY;
  for (size_t i = 0; i < v1->record_count; i++) now[v1->records[i].entry] = (uint32_t)i;
  for (size_t i = 0; i < bundle->entry_count; i++) {
    gw_entry *entry = &bundle->entries[i];
    if (entry->parts) continue;
    entry->offset = now[entry->offset];
    v1->records[entry->offset].entry = (uint32_t)i;
  }
  gw__free(now);
  return GW_OK;
}

static gw_status make_entries(gw_bundle *bundle, gw_contents *contents, gw_error *error) {
  gw_v1 *v1 = bundle->v1;
  size_t slices = 0, most = 0;
  if (contents->count > 1) qsort(contents->tensors, contents->count, sizeof *contents->tensors, by_name);
  for (size_t i = 0; i < contents->count; i++)
    if (!gw__add_size(slices, contents->tensors[i].entry.parts->count, &slices)) return GW_NO_MEMORY;
  most = slices + contents->count;
  if (slices >= UINT32_MAX / 2) return gw__fail(error, GW_LIMIT, "more than 2^31 slices");
  bundle->entries = gw__alloc_array(most, sizeof *bundle->entries, error);
  v1->records = gw__alloc_array(slices, sizeof *v1->records, error);
  gw_v1_slice *scratch = gw__alloc_array(slices, sizeof *scratch, error);
  gw_status status = bundle->entries && v1->records && scratch ? GW_OK : GW_NO_MEMORY;
  for (size_t i = 0, count; i < contents->count && status == GW_OK; i += count) {
    const gw_entry *first = &contents->tensors[i].entry;
    for (count = 1; i + count < contents->count && contents->tensors[i + count].entry.key_size == first->key_size &&
                    memcmp(contents->tensors[i + count].entry.key, first->key, first->key_size) == 0;)
      count++;
    status = add_tensor(bundle, &contents->tensors[i], count, scratch, error);
    if (status != GW_OK) gw__error_key(error, first->key, first->key_size);
  }
  gw__free(scratch);
  return status == GW_OK ? order_entries(bundle, error) : status;
}

/* Strings know their size only when they are read. What cannot be read keeps 0, and is complained about by who reads it. */
static gw_status measure_strings(gw_bundle *bundle, gw_error *error) {
  for (size_t i = 0; i < bundle->entry_count; i++) {
    gw_entry *entry = &bundle->entries[i];
    if (entry->parts || entry->dtype != GW_DT_STRING) continue;
    gw_error ignored = GW_ERROR_INIT;
    gw_status status = gw__v1_check(bundle, entry, &ignored);
    if (status == GW_OK) entry->size = gw__v1_record_of(bundle, entry)->stored;
    if (status != GW_NO_MEMORY) continue;
    if (error) *error = ignored;
    return status;
  }
  return GW_OK;
}

gw_status gw__v1_open(gw_bundle *bundle, gw_error *error) {
  gw_names names;
  gw_contents contents = {NULL, 0, 0};
  gw_status status = gw__v1_files(bundle->prefix, &names, error);
  if (status != GW_OK) return status;
  gw_v1 *v1 = gw__alloc_array(1, sizeof *v1, error);
  if (v1) {
    bundle->v1 = v1;
    pthread_mutex_init(&v1->lock, NULL);
    v1->files = gw__alloc_array(names.count, sizeof *v1->files, error);
  }
  if (!v1 || !v1->files) status = GW_NO_MEMORY;
  bundle->header = (gw_header){.shards = (int32_t)names.count, .has_version = true, .producer = GW_BUNDLE_VERSION};
  for (size_t i = 0; i < names.count && status == GW_OK; i++) {
    v1->file_count = i + 1;
    status = open_file(bundle, &contents, names.names[i], (uint32_t)i, error);
  }
  if (status == GW_OK) status = make_entries(bundle, &contents, error);
  if (status == GW_OK) status = measure_strings(bundle, error);
  gw__free(contents.tensors);
  gw__names_free(&names);
  return status;
}

void gw__v1_free(gw_v1 *v1) {
  if (!v1) return;
  for (size_t i = 0; i < v1->file_count; i++) {
    gw__buf_free(&v1->files[i].unpacked);
    gw__free(v1->files[i].states);
    gw__table_free(v1->files[i].table);
    gw__file_close(v1->files[i].file);
  }
  for (size_t i = 0; i < v1->record_count; i++) gw__free(v1->records[i].marks);
  gw__free(v1->records);
  gw__free(v1->files);
  gw__arena_free(&v1->arena);
  pthread_mutex_destroy(&v1->lock);
  gw__free(v1);
}

/* Opening a checkpoint: the whole index is read and checked once; what it says is kept in about 70 bytes a tensor beside
 * its name. Data files are left alone until somebody reads a tensor. */
#include "bundle.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "../table/table.h"
#include "../tensor/tensor.h"
#include "v1.h"

/* The stored size against dtype and shape (BundleReader::GetValue: "Invalid size in bundle entry"). */
static gw_status check_size(const gw_entry *entry, gw_error *error) {
  uint64_t elements, expected;
  if (gw__shape_elements(entry->rank, entry->dims, &elements, error) != GW_OK) {
    if (error) error->status = GW_CORRUPT;
    return GW_CORRUPT;
  }
  uint64_t end;
  if (!gw__add_u64(entry->offset, entry->size, &end) || end > INT64_MAX)
    return gw__fail(error, GW_CORRUPT, "data at offset %llu with %llu bytes ends beyond what a file can have",
                    (unsigned long long)entry->offset, (unsigned long long)entry->size);
  if (entry->parts) return GW_OK;
  size_t width = gw_dtype_size(entry->dtype);
  if (width > 0) {
    if (!gw__mul_u64(elements, width, &expected) || expected != entry->size)
      return gw__fail(error, GW_CORRUPT, "a stored size of %llu bytes (expected %llu elements of %zu)",
                      (unsigned long long)entry->size, (unsigned long long)elements, width);
  } else if (gw__dtype_has_strings(entry->dtype) && entry->size < elements) {
    return gw__fail(error, GW_CORRUPT, "a stored size of %llu bytes for %llu strings", (unsigned long long)entry->size,
                    (unsigned long long)elements);
  }
  return GW_OK;
}

static gw_status add_entry(gw_bundle *bundle, gw_span key, gw_span value, gw_error *error) {
  gw_status status = gw__reserve((void **)&bundle->entries, &bundle->entry_capacity, bundle->entry_count + 1,
                                 sizeof *bundle->entries, error);
  if (status != GW_OK) return status;
  gw_entry *entry = &bundle->entries[bundle->entry_count];
  memset(entry, 0, sizeof *entry);
  if (key.size > UINT32_MAX || bundle->entry_count >= UINT32_MAX - 1)
    return gw__fail(error, GW_LIMIT, "more than 2^32 keys, or a key of more than 2^32 bytes");
  status = gw__decode_entry(value, &bundle->arena, entry, error);
  if (status == GW_OK) status = check_size(entry, error);
  if (status == GW_OK && !entry->parts && entry->shard >= bundle->header.shards)
    status = gw__fail(error, GW_CORRUPT, "the entry is in shard %d of a checkpoint of %d", entry->shard, bundle->header.shards);
  if (status != GW_OK) return gw__error_key(error, key.data, key.size), status;
  entry->key = gw__arena_text(&bundle->arena, key.data, key.size, error);
  if (!entry->key) return GW_NO_MEMORY;
  entry->key_size = (uint32_t)key.size;
  bundle->entry_count++;
  return GW_OK;
}

/* The first entry has the empty key and holds the header; all others are tensors and slices. */
static gw_status read_entries(gw_bundle *bundle, gw_table_iter *iter, gw_error *error) {
  bool more, first = true;
  gw_span key, value;
  uint64_t offset;
  for (;;) {
    gw_status status = gw__table_iter_next(iter, &more, &key, &value, &offset, error);
    if (status != GW_OK) return status;
    if (!more) break;
    if (first && key.size > 0)
      status = gw__fail(error, GW_CORRUPT, "the first key is not empty: there is no header");
    else if (first)
      status = gw__decode_header(value, &bundle->header, error);
    else
      status = add_entry(bundle, key, value, error);
    if (status != GW_OK) return gw__error_offset(error, offset), status;
    first = false;
  }
  return first ? gw__fail(error, GW_CORRUPT, "the index is empty: there is no header") : GW_OK;
}

static gw_status read_index(gw_bundle *bundle, gw_error *error) {
  gw_file *file = NULL;
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  gw_status status = gw__file_open(bundle->index_path, &file, error);
  if (status == GW_OK) status = gw__table_open(file, &table, error);
  if (status == GW_OK) status = gw__table_iter_new(table, &iter, error);
  if (status == GW_OK) status = read_entries(bundle, iter, error);
  gw__table_iter_free(iter);
  gw__table_free(table);
  gw__file_close(file);
  return status;
}

gw_status gw__bundle_peek(const char *path, gw_header *out, gw_error *error) {
  gw_file *file = NULL;
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  bool more = false;
  gw_span key, value;
  gw_status status = gw__file_open(path, &file, error);
  if (status == GW_OK) status = gw__table_open(file, &table, error);
  if (status == GW_OK) status = gw__table_iter_new(table, &iter, error);
  if (status == GW_OK) status = gw__table_iter_next(iter, &more, &key, &value, NULL, error);
  if (status == GW_OK && (!more || key.size > 0)) status = gw__fail(error, GW_CORRUPT, "there is no header");
  if (status == GW_OK) status = gw__decode_header(value, out, error);
  gw__table_iter_free(iter);
  gw__table_free(table);
  gw__file_close(file);
  if (status != GW_OK) gw__error_file(error, path);
  return status;
}

/* The list of what is a tensor: everything, unless slices are hidden behind their parents. */
static gw_status list_tensors(gw_bundle *bundle, gw_error *error) {
  size_t slices = 0;
  for (size_t i = 0; i < bundle->entry_count; i++) slices += bundle->entries[i].is_slice;
  bundle->tensor_count = bundle->entry_count - slices;
  if (slices == 0) return GW_OK;
  bundle->tensors = gw__alloc_array(bundle->tensor_count, sizeof *bundle->tensors, error);
  if (!bundle->tensors) return GW_NO_MEMORY;
  size_t next = 0;
  for (size_t i = 0; i < bundle->entry_count; i++)
    if (!bundle->entries[i].is_slice) bundle->tensors[next++] = (uint32_t)i;
  return GW_OK;
}

static gw_status sum_up(gw_bundle *bundle, gw_error *error) {
  for (size_t i = 0; i < bundle->entry_count; i++)
    if (!gw__add_u64(bundle->bytes, bundle->entries[i].size, &bundle->bytes))
      return gw__fail(error, GW_CORRUPT, "the tensors' sizes add up to more than 2^64 bytes");
  size_t index;
  bundle->has_graph = gw_bundle_find(bundle, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY), &index);
  return GW_OK;
}

/* TensorFlow looks for an index first, and then for V1 files. */
static gw_status is_v1(const gw_bundle *bundle, bool *is, gw_error *error) {
  gw_path_kind kind;
  gw_status status = gw__path_look(bundle->index_path, &kind, NULL, error);
  *is = false;
  if (status != GW_OK || kind == GW_PATH_FILE) return status;
  status = gw__path_look(bundle->prefix, &kind, NULL, error);
  *is = kind == GW_PATH_FILE || strstr(bundle->prefix, "-\?\?\?\?\?-of-") != NULL;
  return status;
}

gw_status gw_bundle_open(const char *prefix, gw_bundle **out, gw_error *error) {
  *out = NULL;
  gw_bundle *bundle = gw__alloc_array(1, sizeof *bundle, error);
  if (!bundle) return GW_NO_MEMORY;
  bundle->references = 1;
  size_t length = strlen(prefix);
  bundle->index_path = gw__alloc(length + sizeof ".index", error);
  gw_status status = bundle->index_path ? GW_OK : GW_NO_MEMORY;
  if (status == GW_OK) {
    memcpy(bundle->index_path, prefix, length);
    memcpy(bundle->index_path + length, ".index", sizeof ".index");
  }
  if (status == GW_OK && !(bundle->prefix = gw__strdup(prefix, error))) status = GW_NO_MEMORY;
  bool old = false;
  if (status == GW_OK) status = is_v1(bundle, &old, error);
  if (old) memcpy(bundle->index_path, prefix, length + 1); /* what messages name */
  if (status == GW_OK) status = old ? gw__v1_open(bundle, error) : read_index(bundle, error);
  if (status == GW_OK) status = gw__bundle_link_slices(bundle, error);
  if (status == GW_OK) status = list_tensors(bundle, error);
  if (status == GW_OK && !old) status = gw__bundle_list_shards(bundle, error);
  if (status == GW_OK) status = sum_up(bundle, error);
  if (status != GW_OK) {
    gw__error_file(error, bundle->index_path);
    if (status == GW_CORRUPT)
      gw__error_hint(error, "the %s is damaged: copy it again, or take another checkpoint", old ? "file" : "index");
    gw_bundle_release(bundle);
    return status;
  }
  *out = bundle;
  return GW_OK;
}

gw_bundle *gw_bundle_retain(gw_bundle *bundle) {
  bundle->references++;
  return bundle;
}

void gw_bundle_release(gw_bundle *bundle) {
  if (!bundle || --bundle->references > 0) return;
  for (size_t i = 0; i < bundle->shard_count; i++) gw__file_close(bundle->shards[i].file);
  gw__v1_free(bundle->v1);
  gw__free(bundle->shards);
  gw__free(bundle->tensors);
  gw__free(bundle->entries);
  gw__arena_free(&bundle->arena);
  gw__free(bundle->index_path);
  gw__free(bundle->prefix);
  gw__free(bundle);
}

const char *gw_bundle_prefix(const gw_bundle *bundle) { return bundle->prefix; }
int32_t gw_bundle_shards(const gw_bundle *bundle) { return bundle->header.shards; }
size_t gw_bundle_index_count(const gw_bundle *bundle) { return bundle->v1 ? bundle->v1->file_count : 1; }
const char *gw_bundle_index_path(const gw_bundle *bundle, size_t nth) {
  return bundle->v1 ? bundle->v1->files[nth].file->path : bundle->index_path;
}
bool gw_bundle_is_v1(const gw_bundle *bundle) { return bundle->v1 != NULL; }
bool gw_bundle_big_endian(const gw_bundle *bundle) { return bundle->header.big_endian; }
bool gw_bundle_has_graph(const gw_bundle *bundle) { return bundle->has_graph; }
size_t gw_bundle_count(const gw_bundle *bundle) { return bundle->tensor_count; }
uint64_t gw_bundle_bytes(const gw_bundle *bundle) { return bundle->bytes; }

const gw_entry *gw__bundle_at(const gw_bundle *bundle, size_t index) {
  return &bundle->entries[bundle->tensors ? bundle->tensors[index] : index];
}

/* memcmp order, then by length, as in the table. */
static int compare(const gw_entry *entry, const char *name, size_t length) {
  size_t shorter = entry->key_size < length ? entry->key_size : length;
  int order = shorter ? memcmp(entry->key, name, shorter) : 0;
  if (order != 0) return order;
  return entry->key_size < length ? -1 : entry->key_size > length;
}

bool gw_bundle_find(const gw_bundle *bundle, const char *name, size_t length, size_t *index) {
  size_t low = 0, high = bundle->tensor_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare(gw__bundle_at(bundle, middle), name, length);
    if (order == 0) {
      *index = middle;
      return true;
    }
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}

void gw_bundle_entry(const gw_bundle *bundle, size_t index, gw_entry_info *out) {
  const gw_entry *entry = gw__bundle_at(bundle, index);
  *out = (gw_entry_info){.name = {entry->key, entry->key_size}, .dtype = entry->dtype, .rank = entry->rank,
                         .dims = entry->dims, .shard = entry->shard, .offset = entry->offset, .size = entry->size,
                         .crc32c = entry->crc};
  if (bundle->v1) out->offset = 0;
  if (!entry->parts) return;
  out->slices = entry->parts->count;
  out->partial = entry->parts->partial;
  out->shard = bundle->entries[entry->parts->entries[0]].shard;
  for (size_t i = 0; i < out->slices; i++) out->size += bundle->entries[entry->parts->entries[i]].size;
}

void gw_bundle_slice(const gw_bundle *bundle, size_t index, size_t nth, gw_slice_info *out) {
  const gw_entry *parent = gw__bundle_at(bundle, index);
  const gw_entry *slice = &bundle->entries[parent->parts->entries[nth]];
  *out = (gw_slice_info){.starts = parent->parts->starts + nth * parent->rank,
                         .lengths = parent->parts->lengths + nth * parent->rank, .shard = slice->shard,
                         .offset = bundle->v1 ? 0 : slice->offset, .size = slice->size, .crc32c = slice->crc};
}

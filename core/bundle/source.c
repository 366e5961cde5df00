/* A bundle as a source of lazy tensors. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "bundle.h"
#include "v1.h"

enum { PIECE = 256 * 1024 };

/* Behind the tensors come the entries as they are: slices that are read by themselves. */
static const gw_entry *entry_of(const gw_bundle *bundle, size_t index) {
  return index < bundle->tensor_count ? gw__bundle_at(bundle, index) : &bundle->entries[index - bundle->tensor_count];
}

gw_status gw__bundle_read_entry(gw_bundle *bundle, const gw_entry *entry, uint64_t first, uint64_t count, void *out, gw_error *error) {
  size_t width = gw_dtype_size(entry->dtype);
  const gw_file *file;
  if (bundle->v1) return gw__v1_read(bundle, entry, first, count, out, error);
  gw_status status = gw__bundle_shard(bundle, entry->shard, &file, error);
  return status == GW_OK ? gw__file_read(file, entry->offset + first * width, out, (size_t)count * width, error) : status;
}

gw_status gw__bundle_put_entry(gw_bundle *bundle, const gw_entry *entry, gw_buf *out, gw_error *error) {
  const gw_file *file;
  if (bundle->v1) return gw__v1_put_strings(bundle, entry, out, error);
  gw_status status = gw__bundle_shard(bundle, entry->shard, &file, error);
  if (status != GW_OK || entry->size == 0) return status; /* an empty buffer has no address to read to */
  if (!gw__buf_reserve(out, (size_t)entry->size)) return gw__buf_status(out, error);
  status = gw__file_read(file, entry->offset, out->data + out->size, (size_t)entry->size, error);
  if (status == GW_OK) out->size += (size_t)entry->size;
  return status;
}

static gw_status read_leaf(void *source, size_t index, uint64_t first, uint64_t count, void *out, gw_error *error) {
  gw_bundle *bundle = source;
  const gw_entry *entry = entry_of(bundle, index);
  gw_status status = entry->parts ? gw__bundle_read_parts(bundle, entry, first, count, out, error)
                                  : gw__bundle_read_entry(bundle, entry, first, count, out, error);
  if (status != GW_OK) gw__error_key(error, entry->key, entry->key_size);
  else if (bundle->header.big_endian) gw__swap_elements(entry->dtype, out, count);
  return status;
}

static gw_status check_plain(const gw_file *file, gw_bundle *bundle, const gw_entry *entry, uint8_t *buffer, size_t size,
                             gw_error *error) {
  uint32_t crc = 0;
  for (uint64_t done = 0; done < entry->size;) {
    size_t part = entry->size - done < size ? (size_t)(entry->size - done) : size;
    gw_status status = gw__file_read(file, entry->offset + done, buffer, part, error);
    if (status != GW_OK) return status;
    crc = gw__crc32c_extend(crc, buffer, part);
    done += part;
  }
  return crc == gw__crc32c_unmask(entry->crc) ? GW_OK : gw__bundle_mismatch(bundle, entry, crc, error);
}

static gw_status check_strings(const gw_file *file, gw_bundle *bundle, const gw_entry *entry, uint8_t *buffer, size_t size,
                               gw_error *error) {
  gw_scan scan;
  uint64_t elements;
  gw_status status = gw__shape_elements(entry->rank, entry->dims, &elements, error);
  if (status == GW_OK)
    status = gw__scan_start(&scan, entry->dtype, elements, entry->size, bundle->header.big_endian, error);
  for (uint64_t done = 0; status == GW_OK && done < entry->size;) {
    size_t part = entry->size - done < size ? (size_t)(entry->size - done) : size;
    status = gw__file_read(file, entry->offset + done, buffer, part, error);
    if (status == GW_OK) status = gw__scan_feed(&scan, buffer, part, error);
    done += part;
  }
  if (status == GW_OK) status = gw__scan_end(&scan, error);
  if (status == GW_OK && scan.crc != gw__crc32c_unmask(entry->crc) && entry->size > 0)
    return gw__bundle_mismatch(bundle, entry, scan.crc, error);
  if (status != GW_OK) {
    gw__error_file(error, file->path);
    gw__error_offset(error, entry->offset);
  }
  return status;
}

gw_status gw__bundle_check_entry(gw_bundle *bundle, const gw_entry *entry, void *buffer, size_t size, gw_error *error) {
  const gw_file *file;
  if (bundle->v1) return gw__v1_check(bundle, entry, error);
  gw_status status = gw__bundle_shard(bundle, entry->shard, &file, error);
  if (status == GW_OK)
    status = gw__dtype_has_strings(entry->dtype) ? check_strings(file, bundle, entry, buffer, size, error)
                                                 : check_plain(file, bundle, entry, buffer, size, error);
  if (status != GW_OK) gw__error_key(error, entry->key, entry->key_size);
  return status;
}

static gw_status check_leaf(void *source, size_t index, gw_error *error) {
  gw_bundle *bundle = source;
  const gw_entry *entry = entry_of(bundle, index);
  uint8_t *buffer = gw__alloc(PIECE, error);
  if (!buffer) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  size_t parts = entry->parts ? entry->parts->count : 1;
  for (size_t i = 0; i < parts && status == GW_OK; i++)
    status = gw__bundle_check_entry(bundle, entry->parts ? &bundle->entries[entry->parts->entries[i]] : entry, buffer, PIECE,
                                    error);
  gw__free(buffer);
  return status;
}

static bool leaf_plain_crc(void *source, size_t index, uint32_t *crc) {
  const gw_bundle *bundle = source;
  const gw_entry *entry = entry_of(bundle, index);
  *crc = gw__crc32c_unmask(entry->crc);
  return !entry->parts && !bundle->v1 && !bundle->header.big_endian && !gw__dtype_has_strings(entry->dtype);
}

static gw_status leaf_mismatch(void *source, size_t index, uint32_t found, gw_error *error) {
  gw_bundle *bundle = source;
  return gw__bundle_mismatch(bundle, entry_of(bundle, index), found, error);
}

static gw_status read_stored(void *source, size_t index, gw_buf *out, gw_error *error) {
  gw_bundle *bundle = source;
  const gw_entry *entry = entry_of(bundle, index);
  gw_status status = check_leaf(source, index, error);
  if (status != GW_OK || !entry->parts) return status == GW_OK ? gw__bundle_put_entry(bundle, entry, out, error) : status;
  status = gw__bundle_join_strings(bundle, entry, out, error);
  if (status != GW_OK) gw__error_key(error, entry->key, entry->key_size);
  return status;
}

static size_t leaf_slices(void *source, size_t index, bool *partial) {
  const gw_parts *parts = entry_of(source, index)->parts;
  *partial = parts && parts->partial;
  return parts ? parts->count : 0;
}

static void leaf_slice(void *source, size_t index, size_t nth, int64_t *starts, int64_t *lengths) {
  gw__slice_extents(entry_of(source, index), nth, starts, lengths);
}

static void leaf_name(void *source, size_t index, gw_span *out) {
  const gw_bundle *bundle = source;
  const gw_entry *entry = entry_of(bundle, index);
  /* A slice by itself is spoken of as its tensor. */
  *out = bundle->v1 && !entry->parts ? gw__v1_record_of(bundle, entry)->name : (gw_span){entry->key, entry->key_size};
}

static void describe_leaf(void *source, size_t index, gw_buf *out) {
  const gw_bundle *bundle = source;
  gw_span name;
  char text[320];
  leaf_name(source, index, &name);
  gw_printable(text, sizeof text, name.data, name.size);
  const char *slash = strrchr(bundle->prefix, '/');
  gw__put_format(out, "%s:%s", slash ? slash + 1 : bundle->prefix, text);
}

static void retain(void *source) { gw_bundle_retain(source); }
static void release(void *source) { gw_bundle_release(source); }

static const gw_source_ops bundle_ops = {
    .read = read_leaf,
    .check = check_leaf,
    .plain_crc = leaf_plain_crc,
    .mismatch = leaf_mismatch,
    .read_stored = read_stored,
    .slices = leaf_slices,
    .slice = leaf_slice,
    .describe = describe_leaf,
    .name = leaf_name,
    .retain = retain,
    .release = release,
};

gw_status gw_bundle_tensor(gw_bundle *bundle, size_t index, gw_tensor **out, gw_error *error) {
  gw_entry_info info;
  gw_bundle_entry(bundle, index, &info);
  return gw__expr_leaf(&bundle_ops, bundle, index, info.dtype, info.rank, info.dims, info.size, out, error);
}

gw_status gw__bundle_slice_tensor(gw_bundle *bundle, size_t index, size_t nth, gw_tensor **out, gw_error *error) {
  size_t position = gw__bundle_at(bundle, index)->parts->entries[nth];
  const gw_entry *entry = &bundle->entries[position];
  return gw__expr_leaf(&bundle_ops, bundle, bundle->tensor_count + position, entry->dtype, entry->rank, entry->dims, entry->size, out,
                       error);
}

bool gw__bundle_of_leaf(const gw_tensor *tensor, gw_bundle **bundle, size_t *index) {
  if (tensor->op != GW_OP_LEAF || tensor->ops != &bundle_ops) return false;
  *bundle = tensor->source;
  *index = tensor->index;
  return true;
}

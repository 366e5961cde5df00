/* BundleHeaderProto, BundleEntryProto and what V1 files list, between bytes and our structs. The only file of the module that sees what
 * protobuf-c generates. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "../base/pb_memory.h"
#include "bundle.h"
#include "bundle.pb-c.h"
#include "v1.pb-c.h"

/* The smallest repeated message (an axis of size 0) takes 2 bytes in the file, 56 in memory, and up to 64 while it is
 * taken apart. */
enum { GROWTH = 64 };

/* ---- Header */

/* Bundles and V1 files have the same rules and, so far, the same number. */
static gw_status check_version(const Tensorflow__VersionDef *version, gw_header *out, gw_error *error) {
  out->producer = version->producer;
  out->min_consumer = version->min_consumer;
  for (size_t i = 0; i < version->n_bad_consumers; i++)
    if (version->bad_consumers[i] == GW_BUNDLE_VERSION)
      return gw__fail(error, GW_UNSUPPORTED, "the checkpoint disallows consumer version %d", GW_BUNDLE_VERSION);
  if (out->min_consumer > GW_BUNDLE_VERSION)
    return gw__fail(error, GW_UNSUPPORTED, "the checkpoint's min consumer version %d is above version %d, the newest that is known",
                    out->min_consumer, GW_BUNDLE_VERSION);
  return out->producer >= 0 ? GW_OK
                            : gw__fail(error, GW_UNSUPPORTED, "the checkpoint's producer version %d is below 0", out->producer);
}

gw_status gw__decode_header(gw_span value, gw_header *out, gw_error *error) {
  gw_pb_memory memory;
  if (value.size > GW_MAX_ENTRY_BYTES) return gw__fail(error, GW_LIMIT, "a header of %zu bytes", value.size);
  ProtobufCAllocator allocator = gw__pb_start(&memory, value.size, GROWTH);
  Tensorflow__BundleHeaderProto *header =
      tensorflow__bundle_header_proto__unpack(&allocator, value.size, (const uint8_t *)value.data);
  gw_status status = GW_OK;
  memset(out, 0, sizeof *out);
  if (!header) {
    status = gw__pb_failed(&memory, "the header is not a BundleHeaderProto", error);
  } else {
    out->shards = header->num_shards;
    out->big_endian = header->endianness == 1;
    out->has_version = header->version != NULL;
    if (header->version) status = check_version(header->version, out, error);
    if (status == GW_OK && header->endianness != 0 && header->endianness != 1)
      status = gw__fail(error, GW_CORRUPT, "the header's endianness is %d (expected 0 or 1)", header->endianness);
  }
  gw__arena_free(&memory.arena);
  return status;
}

void gw__put_header(gw_buf *out, const gw_header *header) {
  Tensorflow__VersionDef version = TENSORFLOW__VERSION_DEF__INIT;
  version.producer = header->producer;
  version.min_consumer = header->min_consumer;
  Tensorflow__BundleHeaderProto message = TENSORFLOW__BUNDLE_HEADER_PROTO__INIT;
  message.num_shards = header->shards;
  message.endianness = header->big_endian ? 1 : 0;
  if (header->has_version) message.version = &version;
  size_t size = tensorflow__bundle_header_proto__get_packed_size(&message);
  if (!gw__buf_reserve(out, size)) return;
  out->size += tensorflow__bundle_header_proto__pack(&message, out->data + out->size);
}

/* ---- Entries */

static gw_status decode_shape(const Tensorflow__TensorShapeProto *shape, gw_arena *arena, gw_entry *out, gw_error *error) {
  out->rank = 0;
  out->dims = NULL;
  /* A missing shape and an unknown rank read as a scalar (BundleReader does so, and then fails on the size). */
  if (!shape || shape->n_dim == 0) return GW_OK;
  if (shape->n_dim > GW_MAX_RANK)
    return gw__fail(error, GW_CORRUPT, "a shape of %zu dimensions (at most %d)", shape->n_dim, GW_MAX_RANK);
  int64_t *dims = gw__arena_alloc(arena, shape->n_dim * sizeof *dims, error);
  if (!dims) return GW_NO_MEMORY;
  for (size_t i = 0; i < shape->n_dim; i++) dims[i] = shape->dim[i]->size;
  out->rank = (uint16_t)shape->n_dim;
  out->dims = dims;
  return GW_OK;
}

static gw_status decode_parts(Tensorflow__TensorSliceProto *const *slices, size_t count, gw_arena *arena, gw_entry *out, gw_error *error) {
  out->parts = NULL;
  if (count == 0) return GW_OK;
  size_t rank = out->rank, numbers;
  gw_parts *parts = gw__arena_alloc(arena, sizeof *parts, error);
  if (!parts || !gw__mul_size(count, rank, &numbers)) return GW_NO_MEMORY;
  /* Every extent takes 2 bytes of the message at least, which bounds count * rank once each slice has `rank` of them. */
  for (size_t i = 0; i < count; i++)
    if (slices[i]->n_extent != rank)
      return gw__fail(error, GW_CORRUPT, "slice %zu has %zu extents for a shape of %zu dimensions", i,
                      slices[i]->n_extent, rank);
  parts->count = count;
  parts->starts = gw__arena_alloc(arena, numbers * sizeof(int64_t), error);
  parts->lengths = gw__arena_alloc(arena, numbers * sizeof(int64_t), error);
  parts->entries = gw__arena_alloc(arena, count * sizeof(uint32_t), error);
  if (!parts->starts || !parts->lengths || !parts->entries) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
    for (size_t axis = 0; axis < rank; axis++) {
      const Tensorflow__TensorSliceProto__Extent *extent = slices[i]->extent[axis];
      bool has = extent->has_length_case == TENSORFLOW__TENSOR_SLICE_PROTO__EXTENT__HAS_LENGTH_LENGTH;
      /* An explicit -1 is the whole axis too (TensorSlice::kFullExtent). */
      if (has && extent->length < -1)
        return gw__fail(error, GW_CORRUPT, "slice %zu has the length %lld along axis %zu", i, (long long)extent->length, axis);
      parts->starts[i * rank + axis] = extent->start;
      parts->lengths[i * rank + axis] = has ? extent->length : -1;
    }
  out->parts = parts;
  return GW_OK;
}

static gw_status decode_place(const Tensorflow__BundleEntryProto *message, gw_entry *out, gw_error *error) {
  if (message->dtype <= 0) return gw__fail(error, GW_CORRUPT, "the entry has no dtype");
  if (message->shard_id < 0) return gw__fail(error, GW_CORRUPT, "the entry is in shard %d", message->shard_id);
  if (message->offset < 0)
    return gw__fail(error, GW_CORRUPT, "the entry's data begins at the negative offset %lld", (long long)message->offset);
  if (message->size < 0)
    return gw__fail(error, GW_CORRUPT, "the entry's data has the negative size %lld", (long long)message->size);
  out->dtype = message->dtype > 100 && message->dtype < 200 ? message->dtype - 100 : message->dtype; /* a reference type */
  out->shard = message->shard_id;
  out->offset = (uint64_t)message->offset;
  out->size = (uint64_t)message->size;
  out->crc = message->crc32c;
  return GW_OK;
}

gw_status gw__decode_entry(gw_span value, gw_arena *arena, gw_entry *out, gw_error *error) {
  gw_pb_memory memory;
  if (value.size > GW_MAX_ENTRY_BYTES)
    return gw__fail(error, GW_LIMIT, "an entry of %zu bytes (at most %zu are read)", value.size, GW_MAX_ENTRY_BYTES);
  ProtobufCAllocator allocator = gw__pb_start(&memory, value.size, GROWTH);
  Tensorflow__BundleEntryProto *message =
      tensorflow__bundle_entry_proto__unpack(&allocator, value.size, (const uint8_t *)value.data);
  gw_status status = message ? GW_OK : gw__pb_failed(&memory, "the entry is not a BundleEntryProto", error);
  if (status == GW_OK && message) status = decode_place(message, out, error);
  if (status == GW_OK && message) status = decode_shape(message->shape, arena, out, error);
  if (status == GW_OK && message && message->n_slices > 0 && out->rank == 0)
    status = gw__fail(error, GW_CORRUPT, "a scalar that is said to be stored in %zu slices", message->n_slices);
  if (status == GW_OK && message) status = decode_parts(message->slices, message->n_slices, arena, out, error);
  gw__arena_free(&memory.arena);
  return status;
}

/* ---- V1 */

static gw_status take_tensor(const Tensorflow__SavedSliceMeta *message, gw_arena *arena, gw_entry *out, gw_error *error) {
  out->key = gw__arena_text(arena, (const char *)message->name.data, message->name.len, error);
  out->key_size = (uint32_t)message->name.len;
  if (!out->key) return GW_NO_MEMORY;
  if (message->type <= 0) return gw__fail(error, GW_CORRUPT, "it is listed without a dtype");
  out->dtype = message->type > 100 && message->type < 200 ? message->type - 100 : message->type; /* a reference type */
  gw_status status = decode_shape(message->shape, arena, out, error);
  if (status == GW_OK && message->n_slice == 0) status = gw__fail(error, GW_CORRUPT, "it is listed without a slice");
  return status == GW_OK ? decode_parts(message->slice, message->n_slice, arena, out, error) : status;
}

gw_status gw__decode_v1_tensor(gw_span value, gw_arena *arena, gw_entry *out, gw_error *error) {
  gw_pb_memory memory;
  if (value.size > GW_MAX_ENTRY_BYTES)
    return gw__fail(error, GW_LIMIT, "a tensor takes %zu bytes of the table of contents (at most %zu are read)", value.size, GW_MAX_ENTRY_BYTES);
  ProtobufCAllocator allocator = gw__pb_start(&memory, value.size, GROWTH);
  Tensorflow__SavedSliceMeta *message = tensorflow__saved_slice_meta__unpack(&allocator, value.size, (const uint8_t *)value.data);
  gw_status status = message ? take_tensor(message, arena, out, error)
                             : gw__pb_failed(&memory, "a tensor in the table of contents is not a SavedSliceMeta", error);
  gw__arena_free(&memory.arena);
  return status;
}

gw_status gw__decode_v1_versions(gw_span value, gw_header *out, gw_error *error) {
  gw_pb_memory memory;
  if (value.size > GW_MAX_ENTRY_BYTES) return gw__fail(error, GW_LIMIT, "versions of %zu bytes", value.size);
  ProtobufCAllocator allocator = gw__pb_start(&memory, value.size, GROWTH);
  Tensorflow__VersionDef *version = tensorflow__version_def__unpack(&allocator, value.size, (const uint8_t *)value.data);
  gw_status status = version ? check_version(version, out, error) : gw__pb_failed(&memory, "the versions are not a VersionDef", error);
  out->producer = GW_BUNDLE_VERSION; /* of what is written from it */
  out->min_consumer = 0;
  gw__arena_free(&memory.arena);
  return status;
}

/* Slices of a parent, laid out for packing in one scratch block. */
static gw_status fill_slices(const gw_entry *entry, gw_arena *scratch, Tensorflow__BundleEntryProto *message, gw_error *error) {
  size_t count = entry->parts->count, rank = entry->rank;
  Tensorflow__TensorSliceProto **pointers = gw__arena_alloc(scratch, count * sizeof *pointers, error);
  Tensorflow__TensorSliceProto *slices = gw__arena_alloc(scratch, count * sizeof *slices, error);
  Tensorflow__TensorSliceProto__Extent **extent_pointers = gw__arena_alloc(scratch, count * rank * sizeof *extent_pointers, error);
  Tensorflow__TensorSliceProto__Extent *extents = gw__arena_alloc(scratch, count * rank * sizeof *extents, error);
  if (!pointers || !slices || !extent_pointers || !extents) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    tensorflow__tensor_slice_proto__init(&slices[i]);
    slices[i].n_extent = rank;
    slices[i].extent = extent_pointers + i * rank;
    pointers[i] = &slices[i];
    for (size_t axis = 0; axis < rank; axis++) {
      size_t at = i * rank + axis;
      tensorflow__tensor_slice_proto__extent__init(&extents[at]);
      extents[at].start = entry->parts->starts[at];
      if (entry->parts->lengths[at] >= 0) {
        extents[at].has_length_case = TENSORFLOW__TENSOR_SLICE_PROTO__EXTENT__HAS_LENGTH_LENGTH;
        extents[at].length = entry->parts->lengths[at];
      }
      extent_pointers[at] = &extents[at];
    }
  }
  message->n_slices = count;
  message->slices = pointers;
  return GW_OK;
}

gw_status gw__put_entry(gw_buf *out, const gw_entry *entry, gw_error *error) {
  Tensorflow__TensorShapeProto__Dim dims[GW_MAX_RANK];
  Tensorflow__TensorShapeProto__Dim *dim_pointers[GW_MAX_RANK];
  Tensorflow__TensorShapeProto shape = TENSORFLOW__TENSOR_SHAPE_PROTO__INIT;
  Tensorflow__BundleEntryProto message = TENSORFLOW__BUNDLE_ENTRY_PROTO__INIT;
  gw_arena scratch = GW_ARENA_INIT;
  for (size_t i = 0; i < entry->rank; i++) {
    tensorflow__tensor_shape_proto__dim__init(&dims[i]);
    dims[i].size = entry->dims[i];
    dim_pointers[i] = &dims[i];
  }
  shape.n_dim = entry->rank;
  shape.dim = dim_pointers;
  message.dtype = entry->dtype;
  message.shape = &shape;
  message.shard_id = entry->shard;
  message.offset = (int64_t)entry->offset;
  message.size = (int64_t)entry->size;
  message.crc32c = entry->crc;
  gw_status status = entry->parts ? fill_slices(entry, &scratch, &message, error) : GW_OK;
  if (status == GW_OK) {
    size_t size = tensorflow__bundle_entry_proto__get_packed_size(&message);
    if (gw__buf_reserve(out, size)) out->size += tensorflow__bundle_entry_proto__pack(&message, out->data + out->size);
    status = gw__buf_status(out, error);
  }
  gw__arena_free(&scratch);
  return status;
}

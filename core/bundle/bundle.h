/* The opened checkpoint: header, entries, slices, shards (FORMAT.md, sections 3 to 5). Private header of the module;
 * plan and run use it to lay out and copy stored bytes. */
#ifndef GODWIT_BUNDLE_BUNDLE_H
#define GODWIT_BUNDLE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/buf.h"
#include "../expr/expr.h"
#include "../file/file.h"
#include "../godwit.h"

#define GW_GRAPH_KEY "_CHECKPOINTABLE_OBJECT_GRAPH"
#define GW_BUNDLE_VERSION 1               /* kTensorBundleVersion: what we write and the newest we read */
#define GW_MAX_ENTRY_BYTES ((size_t)1 << 20) /* one entry's message, of which unpacking takes 64 times as much; about 100,000 slices */

typedef struct gw_header {
  int32_t shards;
  bool big_endian;
  bool has_version;
  int32_t producer, min_consumer;
} gw_header;

/* The slices of a partitioned tensor, in the order in which the parent lists them. */
typedef struct gw_parts {
  size_t count;
  int64_t *starts, *lengths; /* count * rank; length -1: the whole axis, as it was written */
  uint32_t *entries;         /* positions of the slices' own entries in the bundle */
  bool partial;              /* they do not cover the tensor, which then has no value as a whole */
} gw_parts;

typedef struct gw_entry {
  const char *key;
  uint32_t key_size;
  uint32_t crc; /* masked */
  uint64_t offset, size;
  const int64_t *dims;
  gw_parts *parts; /* NULL: stored whole */
  int32_t shard;
  int32_t dtype;
  uint16_t rank;
  bool is_slice;   /* named by a parent: not a tensor of its own */
} gw_entry;

typedef struct gw_shard {
  int32_t id;
  gw_file *file;   /* NULL until it is used */
  uint64_t needed; /* the end of the last byte that an entry names */
  bool odd_name;   /* found under another -of- count than the header's */
} gw_shard;

struct gw_bundle {
  uint32_t references;
  struct gw_v1 *v1;    /* the values are records of V1 files, and `offset` of an entry is its record's number; NULL: V2 */
  char *prefix, *index_path;
  gw_header header;
  gw_arena arena;      /* keys, dims, parts */
  gw_entry *entries;   /* all of them, in key order, without the header */
  size_t entry_count, entry_capacity;
  uint32_t *tensors;   /* positions of those that are tensors; NULL when all are */
  size_t tensor_count;
  gw_shard *shards;    /* those that entries name, by id */
  size_t shard_count;
  uint64_t bytes;
  bool has_graph;
};

/* ---- messages_pb.c */

gw_status gw__decode_header(gw_span value, gw_header *out, gw_error *error);
void gw__put_header(gw_buf *out, const gw_header *header);
/* Fills dtype .. crc, dims and parts (without parts->entries); the memory is the arena's. */
gw_status gw__decode_entry(gw_span value, gw_arena *arena, gw_entry *out, gw_error *error);
/* `parts` may be NULL. Only dtype, rank, dims, shard, offset, size, crc and parts of `entry` count. */
gw_status gw__put_entry(gw_buf *out, const gw_entry *entry, gw_error *error);

/* One SavedSliceMeta: key, dtype, dims, and its slices as parts, also of what is stored whole. */
gw_status gw__decode_v1_tensor(gw_span value, gw_arena *arena, gw_entry *out, gw_error *error);
/* The VersionDef of V1 files. */
gw_status gw__decode_v1_versions(gw_span value, gw_header *out, gw_error *error);

/* ---- slices.c */

/* Finds the slices of every parent, marks them, and checks that they fit without overlap. */
gw_status gw__bundle_link_slices(gw_bundle *bundle, gw_error *error);
/* The extents of slice `nth` with whole axes resolved: starts and lengths have room for the rank. */
void gw__slice_extents(const gw_entry *parent, size_t nth, int64_t *starts, int64_t *lengths);
/* A partitioned string tensor in the form in which a whole one is stored, appended; its slices have been checked. */
gw_status gw__bundle_join_strings(gw_bundle *bundle, const gw_entry *parent, gw_buf *out, gw_error *error);
/* Elements [first, first + count) of a partitioned tensor, from its slices. */
gw_status gw__bundle_read_parts(gw_bundle *bundle, const gw_entry *parent, uint64_t first, uint64_t count, void *out,
                                gw_error *error);

/* ---- shards.c */

/* "PREFIX.data-00000-of-00001"; the caller's (gw__free). */
char *gw__data_path(const char *prefix, int32_t shard, int32_t shards, gw_error *error);
/* The opened data file of an entry, checked to be long enough for everything the index places in it. */
gw_status gw__bundle_shard(gw_bundle *bundle, int32_t id, const gw_file **out, gw_error *error);
gw_status gw__bundle_list_shards(gw_bundle *bundle, gw_error *error);
/* "the checksum ... does not match", with file, key, offset and what that usually means. */
gw_status gw__bundle_mismatch(gw_bundle *bundle, const gw_entry *entry, uint32_t found, gw_error *error);

/* ---- v1_values.c: entries of V1 files. A block's checksum is checked, and the values counted, before any is given. */

/* Elements [first, first + count), host order. */
gw_status gw__v1_read(gw_bundle *bundle, const gw_entry *entry, uint64_t first, uint64_t count, void *out, gw_error *error);
/* Strings in the form in which a bundle stores them, appended. */
gw_status gw__v1_put_strings(gw_bundle *bundle, const gw_entry *entry, gw_buf *out, gw_error *error);
gw_status gw__v1_check(gw_bundle *bundle, const gw_entry *entry, gw_error *error);
/* Blocks of all files, for verifying: damage, and how many records are in no table of contents (*unlisted; `error` says where). */
size_t gw__v1_blocks(const gw_bundle *bundle);
gw_status gw__v1_check_block(gw_bundle *bundle, size_t number, size_t *unlisted, gw_error *error);
gw_status gw__v1_check_metaindex(const gw_bundle *bundle, size_t file, gw_error *error);

/* ---- bundle.c, source.c */

/* `count` elements of one entry (not of a parent) as they are stored. */
gw_status gw__bundle_read_entry(gw_bundle *bundle, const gw_entry *entry, uint64_t first, uint64_t count, void *out, gw_error *error);
/* The stored form of a string entry (not of a parent), appended. */
gw_status gw__bundle_put_entry(gw_bundle *bundle, const gw_entry *entry, gw_buf *out, gw_error *error);
/* A tensor that reads one slice of a partitioned one. */
gw_status gw__bundle_slice_tensor(gw_bundle *bundle, size_t index, size_t nth, gw_tensor **out, gw_error *error);

/* How much of the prefix the .meta beside it is called by: without the pattern of V1 files. */
size_t gw__meta_stem(const gw_bundle *bundle);
/* The header alone, of the index at `path`. */
gw_status gw__bundle_peek(const char *path, gw_header *out, gw_error *error);
const gw_entry *gw__bundle_at(const gw_bundle *bundle, size_t index);
/* Streams the stored bytes of one entry (not of a parent) past its checksum. `buffer` holds `size` bytes. */
gw_status gw__bundle_check_entry(gw_bundle *bundle, const gw_entry *entry, void *buffer, size_t size, gw_error *error);
/* The bundle and position behind a leaf that a bundle made; false for other tensors. */
bool gw__bundle_of_leaf(const gw_tensor *tensor, gw_bundle **bundle, size_t *index);

#endif

/* Checkpoints before TensorFlow 0.12, and write_version=V1 (FORMAT.md, section 6): one table for each file, with a table of
 * contents under the empty key and a TensorProto for each slice. v1.c makes of it the entries that a bundle has, v1_values.c
 * reads values. Private to this folder; run/verify.c asks for the blocks. */
#ifndef GODWIT_BUNDLE_V1_H
#define GODWIT_BUNDLE_V1_H

#include <pthread.h>
#include <stdatomic.h>

#include "../table/table.h"
#include "bundle.h"

/* The largest table of contents that is read; TensorFlow's protobuf ends at 2 GiB. */
#define GW_MAX_CONTENTS ((uint64_t)256 << 20)

/* Where a walk over a record is: between two runs, or inside of one. A run is what one field holds of the values. */
typedef struct gw_v1_place {
  uint64_t pos, ends[4]; /* of SavedTensorSlices, SavedSlice, TensorProto, the run */
  uint64_t cells;        /* numbers (a complex one has two), or strings, before `pos` */
  int depth;             /* of the innermost message that `pos` is in; 3: in a run */
} gw_v1_place;

/* The stored values of one slice, or of a whole tensor. */
typedef struct gw_v1_record {
  gw_span key, name;
  uint32_t file;
  uint32_t entry;        /* its position in bundle->entries */
  uint32_t block;
  bool found, packed;
  uint64_t at, size;     /* of the value in its block */
  gw_v1_place *marks;    /* every so many cells, so that any can be found again; once `ready` */
  size_t mark_count, mark_capacity;
  uint64_t stored;       /* bytes of strings in the form of a bundle */
  atomic_bool ready;     /* the block's checksum was checked, and the values counted */
} gw_v1_record;

typedef struct gw_v1_block {
  bool summed, packed;
  bool loaded;           /* walked over */
  gw_error *error;       /* what is wrong with it, or NULL */
  size_t unlisted;       /* entries that the table of contents does not have */
} gw_v1_block;

typedef struct gw_v1_file {
  gw_file *file;
  gw_table *table;
  gw_table_block *blocks;
  gw_v1_block *states;
  size_t block_count;
  gw_buf unpacked;       /* a compressed block that was needed last */
  size_t unpacked_block;
  uint64_t claimed;      /* bytes that the values take at least, by the table of contents */
} gw_v1_file;

typedef struct gw_v1 {
  gw_arena arena;
  gw_v1_file *files;
  size_t file_count;
  gw_v1_record *records; /* by file and key */
  size_t record_count;
  pthread_mutex_t lock;  /* guards blocks and records until they are ready, and all that is unpacked */
} gw_v1;

/* ---- v1.c */

/* The files that a prefix means: itself, or all that its pattern "X-?????-of-00002" does. GW_NOT_FOUND when one is missing. */
gw_status gw__v1_files(const char *prefix, gw_names *out, gw_error *error);
/* Fills header, entries and bundle->v1. */
gw_status gw__v1_open(gw_bundle *bundle, gw_error *error);
void gw__v1_free(gw_v1 *v1);

/* ---- v1_values.c */

/* Sums and walks over a block, once; its records are known then. */
gw_status gw__v1_load(gw_v1 *v1, size_t number, size_t block, gw_error *error);
/* The fewest bytes that an element takes in a record; 1 for dtypes that V1 does not hold. */
uint64_t gw__v1_least_bytes(int dtype);
gw_v1_record *gw__v1_record_of(const gw_bundle *bundle, const gw_entry *entry);

#endif

/* The executor: a plan is written aside under hidden names (write.c, index.c), then moved into place (commit.c).
 * Private header of the module. */
#ifndef GODWIT_RUN_RUN_H
#define GODWIT_RUN_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/pool.h"
#include "../bundle/state.h"
#include "../file/file.h"
#include "../godwit.h"
#include "../plan/plan.h"

/* A run of bytes of the output that one thread writes at once: several whole units, or a part of one large unit. */
typedef struct gw_piece {
  size_t unit;       /* the first one, in plan->units */
  size_t units;      /* how many; 1 for a part */
  uint64_t begin;    /* the part's place in its unit; 0 for whole units */
  uint64_t size;     /* bytes to write, or to read when `check` */
  uint32_t crc_in, crc_out; /* of a part, unmasked: as stored in the input, and as written */
  bool part;
  bool stream;       /* strings and variants too large for a buffer: one thread, piece by piece */
  bool check;        /* shared bytes that are only read and summed */
} gw_piece;

typedef struct gw_worker {
  uint8_t *out;      /* run->buffer bytes */
  uint8_t *window;   /* GW_WINDOW bytes of an input, so that many small tensors take few reads */
  const gw_file *window_file;
  uint64_t window_offset;
  size_t window_size;
} gw_worker;

#define GW_WINDOW ((size_t)256 * 1024)

struct gw_run {
  gw_plan *plan;      /* borrowed */
  gw_run_options options;
  char *prefix, *folder, *base;
  char *made_folder;  /* the first folder that had to be made, or NULL */
  gw_pool *pool;
  gw_worker *workers;
  unsigned worker_count;
  size_t buffer;      /* bytes of each worker's buffer */
  gw_piece *pieces;
  size_t piece_count, piece_capacity;
  atomic_ullong done;
  atomic_bool stop;   /* the caller asked to */
  uint64_t total;
  /* Files under hidden names: data by shard, then the index; `swap_index` says another number of shards (commit.c). */
  char **data_paths;
  gw_file **data_files;
  char *index_path, *swap_index_path, *meta_path;
  gw_file *index_file, *swap_index_file;
  int32_t swap_shards; /* M of the switch; 0: no switch is needed */
  bool old_exists;    /* OUT.index is there and will be replaced */
  gw_state *state;    /* for --latest */
  char **placed;      /* final names that this run has made, for taking back */
  size_t placed_count, placed_capacity;
  char **notes;
  size_t note_count, note_capacity;
  char *source_meta;  /* the .meta of the input, to be copied; or NULL */
  bool committed;     /* OUT.index names the new checkpoint: nothing is taken back any more */
};

/* write.c */
gw_status gw__run_cut_pieces(gw_run *run, gw_error *error);
gw_status gw__run_piece(void *context, unsigned worker, size_t number, gw_error *error);
gw_status gw__run_combine(gw_run *run, gw_error *error); /* checksums of units that several pieces wrote */

/* index.c: the index for a header that says `shards`, written to a new file at `path`. */
gw_status gw__run_write_index(gw_run *run, const char *path, int32_t shards, gw_file **file, gw_error *error);

/* commit.c */
gw_status gw__run_survey(gw_run *run, gw_error *error);  /* what is in the way, before any work */
gw_status gw__run_place(gw_run *run, gw_error *error);
void gw__run_take_back(gw_run *run);
char *gw__run_hidden(const gw_run *run, const char *what, gw_error *error); /* a hidden name in the folder */
gw_status gw__run_note(gw_run *run, gw_error *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

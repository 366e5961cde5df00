/* The executor: a plan is written aside under hidden names (write.c, index.c), then moved into place (commit.c).
 * Private header of the module. */
#ifndef GODWIT_RUN_RUN_H
#define GODWIT_RUN_RUN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/pool.h"
#include "../bundle/state.h"
#include "../file/file.h"
#include "../godwit.h"
#include "../plan/plan.h"
#include "../tensor/tensor.h"

/* A range of a data file that one thread reads or makes, and writes at once. Ranges begin at multiples of the buffer
 * whatever tensors lie there: unaligned writes cost the kernel twice the time of aligned ones (measured on ext4). */
typedef struct gw_piece {
  size_t unit;      /* the first one with bytes in it, in plan->units; the one to read when `check` */
  uint64_t begin, size;
  int32_t shard;
  bool check;       /* shared bytes that are only read and summed */
  bool leaf;        /* a leaf of computed tensors that is only read and summed: `unit` is its place in run->checks */
  bool tile;        /* a box of a computed tensor: `begin` is its number */
  /* Checksums of what it holds of a unit that began before it, and of one that goes on behind it: as stored in the
   * input, and as written. */
  uint32_t head_in, head_out, tail_in, tail_out;
} gw_piece;

/* The unit that reaches over the border of the piece written last. Belongs to whoever has the turn. */
typedef struct gw_open_unit {
  uint32_t crc_in, crc_out;
  gw_scan scan;     /* strings and variants */
} gw_open_unit;

typedef struct gw_worker {
  uint8_t *out;      /* run->buffer bytes, or run->tile where there are tiles */
  gw_eval eval;
  gw_leaf_sum *sums; /* run->most_leaves: what a part of a computed tensor reads */
  uint8_t *window;   /* GW_WINDOW bytes of an input, so that many small tensors take few reads */
  const gw_file *window_file;
  uint64_t window_offset;
  size_t window_size;
} gw_worker;

#define GW_WINDOW ((size_t)256 * 1024)

/* What was read of an item's leaves. */
typedef struct gw_reading {
  uint64_t left;      /* bytes of the item still to make */
  gw_leaf_sum *sums;
} gw_reading;

/* A computed unit on its way. */
typedef struct gw_making {
  uint64_t left;      /* bytes still to make */
  uint32_t crc;       /* of its tiles so far, each at its place */
  int64_t *step;      /* the size of its tiles; NULL: it is made in flat parts */
  gw_reading *reading; /* its item's */
} gw_making;

struct gw_run {
  gw_plan *plan;      /* borrowed */
  gw_run_options options;
  char *prefix, *folder, *base;
  char *made_folder;  /* the first folder that had to be made, or NULL */
  gw_pool *pool;
  gw_worker *workers;
  unsigned worker_count;
  size_t buffer;      /* bytes of each worker's buffer */
  size_t tile;        /* bytes of a tile at most */
  size_t scratch;     /* bytes that evaluating takes on each thread, about */
  gw_making **makings; /* by unit: NULL for what is copied or constant; NULL when all are */
  gw_reading **readings; /* by item, likewise */
  const gw_tensor **checks; /* leaves to be checked by themselves */
  size_t check_count, check_capacity, most_leaves;
  bool has_tiles;
  pthread_mutex_t making_lock; /* guards what the makings count */
  gw_piece *pieces;
  size_t piece_count, piece_capacity;
  /* Pieces are read and summed on all threads, but written in order, one at a time: two writers of one file only wait for
   * its lock, and out of order the kernel does not recognise a sequential write (measured: 2 to 3 times slower). */
  pthread_mutex_t turn_lock;
  pthread_cond_t turn_changed;
  size_t turn;        /* the piece that may be written next */
  gw_open_unit open;
  atomic_ullong done;
  atomic_bool stop;   /* the caller asked to */
  uint64_t total;
  /* Files under hidden names: data by shard, then the index; `swap_index` says another number of shards (commit.c). */
  char **data_paths;
  gw_file **data_files;
  char *index_path, *swap_index_path, *meta_path, *lineage_path;
  gw_file *index_file, *swap_index_file, *meta_file, *lineage_file; /* open until the end: their locks say that somebody lives */
  int32_t swap_shards; /* M of the switch; 0: no switch is needed */
  bool old_exists;    /* OUT.index is there and will be replaced */
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
void gw__run_stop(gw_run *run); /* nobody waits for a turn any more */
gw_status gw__run_sum_empty(gw_run *run, gw_error *error); /* units without bytes are in no piece */

/* compute.c */
gw_status gw__run_plan_makings(gw_run *run, gw_error *error);
void gw__run_free_makings(gw_run *run);
/* Bytes [begin, begin + size) of a unit that is made. */
gw_status gw__run_make_part(gw_run *run, gw_worker *worker, const gw_unit *unit, uint64_t begin, uint8_t *out, size_t size,
                            gw_error *error);
bool gw__run_has_tiles(const gw_run *run, const gw_unit *unit);
/* The bytes of a unit's tile; false when there are no so many. */
bool gw__run_tile_size(const gw_run *run, const gw_unit *unit, uint64_t number, uint64_t *bytes);
gw_status gw__run_make_tile(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error);
gw_status gw__run_write_tile(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error);

/* index.c: the index for a header that says `shards`, written to a new file at `path`. */
gw_status gw__run_write_index(gw_run *run, const char *path, int32_t shards, gw_file **file, gw_error *error);

/* commit.c */
gw_status gw__run_survey(gw_run *run, gw_error *error);  /* what is in the way, before any work */
/* With --latest: the folder's state file as it is now, with OUT as the latest; *out NULL without. */
gw_status gw__run_state(const gw_run *run, gw_state **out, gw_error *error);
gw_status gw__run_place(gw_run *run, gw_error *error);
void gw__run_take_back(gw_run *run);
char *gw__run_hidden(const gw_run *run, const char *what, gw_error *error); /* a hidden name in the folder */
/* A message about a file under its hidden name becomes one about the file that the user knows: the hidden one was never
 * asked for, and is gone when somebody looks. Returns `status`. */
gw_status gw__run_speak_of_output(const gw_run *run, gw_status status, gw_error *error);
gw_status gw__run_note(gw_run *run, gw_error *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

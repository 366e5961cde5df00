/* The `checkpoint` state file: which checkpoints a folder has, and which of them is the latest. It is shared by all
 * checkpoints of the folder, so an edit keeps what it does not change. Used by locate.c and run. */
#ifndef GODWIT_BUNDLE_STATE_H
#define GODWIT_BUNDLE_STATE_H

#include <stddef.h>

#include "../base/arena.h"
#include "../base/buf.h"
#include "../godwit.h"

#define GW_STATE_MAX_BYTES (16u << 20)   /* of text that is read */
#define GW_STATE_MAX_PATHS ((size_t)1000000) /* of paths, and of timestamps */

/* CheckpointState (tensorflow/python/training/checkpoint_state.proto). Paths are as stored, relative or absolute. */
struct gw_state {
  gw_arena arena;        /* of all texts */
  const char *folder;    /* where it was read, or NULL */
  const char *latest;    /* model_checkpoint_path; "" when there is none */
  const char **paths;    /* all_model_checkpoint_paths, oldest first */
  size_t path_count, path_capacity;
  double *timestamps;    /* all_model_checkpoint_timestamps, in seconds since 1970: one per path, or none */
  size_t timestamp_count, timestamp_capacity;
  double last_preserved; /* last_preserved_timestamp; 0 when there is none */
};

/* An empty state: what a folder without the file has. gw_state_free takes it back. */
gw_status gw__state_new(gw_state **out, gw_error *error);
/* gw_state_read for a state file of any name. */
gw_status gw__state_read_file(const char *path, gw_state **out, gw_error *error);

/* Makes `name`, a checkpoint in the state's own folder, the latest: it moves or is added to the end of the paths. The
 * others keep their order, and last_preserved_timestamp stays.
 *
 * `timestamp` (seconds since 1970) is stored when every other path has one too. 0 means that it is not known: then an
 * empty state gets no timestamps, and one that has them gets 0 for this path, which CheckpointManager takes for old
 * enough to be kept forever. When the file's timestamps and paths differ in number nobody can say which belongs to
 * which: all timestamps go, and CheckpointManager then keeps every checkpoint rather than deleting the wrong one.
 *
 * GW_INVALID for a name that TensorFlow could not read back: empty, with a slash, or not UTF-8. */
gw_status gw__state_set_latest(gw_state *state, const char *name, double timestamp, gw_error *error);

/* Appends the very bytes that TensorFlow's update_checkpoint_state writes for this state. */
gw_status gw__state_write(const gw_state *state, gw_buf *out, gw_error *error);

#endif

/* Moving a finished checkpoint into place, so that at every moment OUT.index names data that is there and belongs to it.
 *
 * A new OUT, or one whose old index says another number of shards:
 *   data files get their final names | sync | index gets its name | sync | data files of the old number go
 *
 * --force over a checkpoint with the same number N of shards: the names collide. TensorFlow uses the header's num_shards
 * only to form file names, so the new files appear under an unused number M first:
 *   (1) link each new data file as OUT.data-SSSSS-of-MMMMM | sync
 *   (2) rename an index that says M over OUT.index: the moment of change | sync
 *   (3) rename the data files over OUT.data-SSSSS-of-NNNNN | sync
 *   (4) rename the index that says N over OUT.index | sync
 *   (5) remove the M names
 * A crash between 2 and 4 leaves the new checkpoint under M, which is whole; the next write tidies up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "run.h"

/* What lies beside a checkpoint: a graph by its names, and where it comes from. */
#define META ".meta"
#define LINEAGE ".godwit.json"

/* ---- Names */

static char *suffixed(const char *prefix, const char *suffix, gw_error *error) {
  size_t size = strlen(prefix) + strlen(suffix) + 1;
  char *path = gw__alloc(size, error);
  if (path) snprintf(path, size, "%s%s", prefix, suffix);
  return path;
}

/* ".godwit-HASH-PID-WHAT": short whatever OUT is called, and found again by its beginning. */
char *gw__run_hidden(const gw_run *run, const char *what, gw_error *error) {
  char name[96];
  snprintf(name, sizeof name, ".godwit-%08x-%ld-%s", gw__crc32c(run->base, strlen(run->base)), (long)getpid(), what);
  return gw__path_join(run->folder, name, error);
}

gw_status gw__run_speak_of_output(const gw_run *run, gw_status status, gw_error *error) {
  const char *what = status != GW_OK && error ? strstr(error->file, ".godwit-") : NULL;
  if (!what || strchr(what, '/')) return status;
  for (int i = 0; i < 3 && what; i++) what = strchr(what + 1, '-'); /* behind the name's hash and process */
  if (!what) return status;
  char *final = NULL;
  if (strncmp(what, "-data-", 6) == 0)
    final = gw__data_path(run->prefix, (int32_t)strtol(what + 6, NULL, 10), (int32_t)run->plan->shard_count, NULL);
  else if (strcmp(what, "-state") == 0)
    final = gw__path_join(run->folder, "checkpoint", NULL);
  else
    final = suffixed(run->prefix, strcmp(what, "-meta") == 0 ? META : strcmp(what, "-lineage") == 0 ? LINEAGE : ".index", NULL);
  if (final) {
    error->file[0] = '\0';
    gw__error_file(error, final);
  }
  gw__free(final);
  return status;
}

/* The -of- count of a data file of OUT, or -1 for any other name. */
static long data_count(const gw_run *run, const char *name) {
  size_t length = strlen(run->base);
  if (strncmp(name, run->base, length) != 0 || strncmp(name + length, ".data-", 6) != 0) return -1;
  const char *p = name + length + 6;
  size_t digits = strspn(p, "0123456789");
  if (digits < 5 || strncmp(p + digits, "-of-", 4) != 0) return -1;
  p += digits + 4;
  digits = strspn(p, "0123456789");
  if (digits < 5 || digits > 10 || p[digits] != '\0') return -1;
  long count = strtol(p, NULL, 10);
  return count > INT32_MAX ? -1 : count;
}

static bool has_count(const gw_run *run, const gw_names *names, long count) {
  for (size_t i = 0; i < names->count; i++)
    if (data_count(run, names->names[i]) == count) return true;
  return false;
}

/* ---- Before the work: what is in the way */

static gw_status in_the_way(const char *path, gw_error *error) {
  gw__fail(error, GW_EXISTS, "exists already");
  gw__error_file(error, path);
  gw__error_hint(error, "choose another name for -o, or replace it with --force");
  return GW_EXISTS;
}

/* The checkpoint that the draft was opened from is an input even when none of its tensors is left. */
static gw_status check_not_input(const gw_run *run, const char *index, gw_error *error) {
  const gw_plan *plan = run->plan;
  for (size_t i = 0; i <= plan->input_count; i++) {
    const gw_bundle *bundle = i < plan->input_count ? plan->inputs[i] : plan->draft->bundle;
    /* The files of a V1 checkpoint would stay, but nobody would find them behind an index of their name. */
    if (!bundle || !(gw__path_same(index, bundle->index_path) || gw_same_checkpoint(run->prefix, bundle->prefix))) continue;
    gw__fail(error, GW_INVALID, "is an input, and inputs are never written to");
    gw__error_file(error, run->prefix);
    gw__error_hint(error, "write to another prefix; files can be renamed afterwards");
    return GW_INVALID;
  }
  return GW_OK;
}

/* Hidden files of a run that died: nobody holds their locks any more. */
static void remove_abandoned(const gw_run *run, const gw_names *names) {
  char start[32];
  int length = snprintf(start, sizeof start, ".godwit-%08x-", gw__crc32c(run->base, strlen(run->base)));
  for (size_t i = 0; i < names->count; i++) {
    if (strncmp(names->names[i], start, (size_t)length) != 0) continue;
    char *path = gw__path_join(run->folder, names->names[i], NULL);
    if (path) gw__path_remove_abandoned(path);
    gw__free(path);
  }
}

/* Whether names of the old checkpoint and of ours meet, so that the switch is needed. Also where only names of data files
 * meet: MergeV2Checkpoints may leave them under another count than their index says. */
static gw_status survey_old(gw_run *run, const gw_names *names, const char *index, gw_error *error) {
  gw_header old = {0};
  gw_error why = GW_ERROR_INIT;
  long shards = (long)run->plan->shard_count;
  gw_status status = gw__bundle_peek(index, &old, &why);
  /* An index that is damaged protects nothing: its data files may be overwritten like any leftovers. One of a version
   * that is not known does, and one that merely could not be read now may. */
  if (status == GW_CORRUPT || status == GW_LIMIT) return GW_OK;
  if (status != GW_OK && status != GW_UNSUPPORTED) {
    if (error) *error = why;
    return status;
  }
  if (old.shards != shards && !has_count(run, names, shards)) return GW_OK;
  long unused = shards + 1;
  while (unused == old.shards || has_count(run, names, unused)) unused++;
  if (unused > INT32_MAX) return gw__fail(error, GW_LIMIT, "no unused number of shards is left");
  run->swap_shards = (int32_t)unused;
  return GW_OK;
}

/* There must be room for what comes beside the checkpoint, as for the rest. A folder has no room even with --force. */
static gw_status survey_beside(const gw_run *run, const char *suffix, gw_error *error) {
  gw_path_kind kind = GW_PATH_NONE;
  char *path = suffixed(run->prefix, suffix, error);
  gw_status status = path ? gw__path_look(path, &kind, NULL, error) : GW_NO_MEMORY;
  if (status == GW_OK && kind == GW_PATH_FOLDER && run->options.force) {
    status = gw__fail(error, GW_EXISTS, "is a folder, and --force replaces files");
    gw__error_file(error, path);
    gw__error_hint(error, "choose another name for -o");
  } else if (status == GW_OK && kind != GW_PATH_NONE && !run->options.force) {
    status = in_the_way(path, error);
  }
  gw__free(path);
  return status;
}

/* What OUT.index is now: nothing, or the checkpoint to be replaced. */
static gw_status survey_index(gw_run *run, const gw_names *names, gw_error *error) {
  gw_path_kind kind = GW_PATH_NONE;
  char *index = suffixed(run->prefix, ".index", error);
  gw_status status = index ? gw__path_look(index, &kind, NULL, error) : GW_NO_MEMORY;
  run->old_exists = kind != GW_PATH_NONE;
  run->swap_shards = 0;
  if (status == GW_OK) status = check_not_input(run, index, error);
  if (status == GW_OK && run->old_exists) {
    if (!run->options.force) status = in_the_way(index, error);
    if (status == GW_OK) status = survey_old(run, names, index, error);
  }
  gw__free(index);
  return status;
}

gw_status gw__run_survey(gw_run *run, gw_error *error) {
  gw_names names = {NULL, 0, 0};
  int lock = gw__folder_lock(run->folder); /* not while somebody moves things into place */
  gw_status status = gw__folder_list(run->folder, &names, error);
  if (status == GW_OK) {
    remove_abandoned(run, &names);
    status = survey_index(run, &names, error);
  }
  for (size_t i = 0; status == GW_OK && !run->options.force && i < names.count; i++) {
    if (data_count(run, names.names[i]) != (long)run->plan->shard_count) continue;
    char *path = gw__path_join(run->folder, names.names[i], error);
    status = path ? in_the_way(path, error) : GW_NO_MEMORY;
    gw__free(path);
  }
  if (status == GW_OK && run->source_meta) status = survey_beside(run, META, error);
  if (status == GW_OK && run->options.lineage) status = survey_beside(run, LINEAGE, error);
  gw__folder_unlock(lock);
  gw__names_free(&names);
  return status;
}

/* While we worked, another run may have replaced OUT: what the switch must respect is what is there now. */
static gw_status survey_again(gw_run *run, gw_error *error) {
  gw_names names = {NULL, 0, 0};
  int32_t before = run->swap_shards;
  if (!run->options.force) return GW_OK; /* nothing is replaced without */
  gw_status status = gw__folder_list(run->folder, &names, error);
  if (status == GW_OK) status = survey_index(run, &names, error);
  gw__names_free(&names);
  if (status != GW_OK || run->swap_shards == before || run->swap_shards == 0) return status;
  if (run->swap_index_file) gw__path_remove(run->swap_index_path, NULL);
  gw__file_close(run->swap_index_file);
  return gw__run_write_index(run, run->swap_index_path, run->swap_shards, &run->swap_index_file, error);
}

/* ---- Placing */

/* Room in run->placed for one more name, asked for before the name is made: what is made must be remembered. */
static gw_status room_for_one(gw_run *run, gw_error *error) {
  return gw__reserve((void **)&run->placed, &run->placed_capacity, run->placed_count + 1, sizeof *run->placed, error);
}

/* The path of a shard's bytes: written aside, or the input's own file. */
static gw_status source_path(const gw_run *run, size_t shard, const char **path, gw_error *error) {
  const gw_plan_shard *entry = &run->plan->shards[shard];
  if (run->data_paths[shard]) {
    *path = run->data_paths[shard];
    return GW_OK;
  }
  const gw_file *file;
  gw_status status = gw__bundle_shard(entry->shared, entry->shared_id, &file, error);
  if (status == GW_OK) *path = file->path;
  return status;
}

/* Gives a shard its final name. An input's file is linked: through a hidden name where something must be replaced. */
static gw_status place_data(gw_run *run, size_t shard, int32_t shards, bool replace, gw_error *error) {
  const char *from;
  char *hidden = NULL, *to = gw__data_path(run->prefix, (int32_t)shard, shards, error);
  if (!to) return GW_NO_MEMORY;
  gw_status status = room_for_one(run, error);
  if (status == GW_OK) status = source_path(run, shard, &from, error);
  if (status == GW_OK && !run->data_paths[shard]) {
    if (replace) {
      hidden = gw__run_hidden(run, "link", error);
      status = hidden ? gw__path_link(from, hidden, error) : GW_NO_MEMORY;
      if (status == GW_OK) status = gw__path_rename(hidden, to, error);
      /* rename does nothing when both names are one file already. */
      if (hidden) gw__path_remove(hidden, NULL);
    } else {
      status = gw__path_link(from, to, error);
    }
  } else if (status == GW_OK) {
    status = replace ? gw__path_rename(from, to, error) : gw__path_rename_new(from, to, error);
  }
  gw__free(hidden);
  if (status == GW_OK && !run->committed) run->placed[run->placed_count++] = to;
  else gw__free(to);
  return status;
}

static gw_status place_all_data(gw_run *run, bool replace, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < run->plan->shard_count && status == GW_OK; i++)
    status = place_data(run, i, (int32_t)run->plan->shard_count, replace, error);
  return status == GW_OK ? gw__folder_sync(run->folder, error) : status;
}

/* Step 1: second names under the number M. */
static gw_status link_aside(gw_run *run, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < run->plan->shard_count && status == GW_OK; i++) {
    const char *from;
    char *to = gw__data_path(run->prefix, (int32_t)i, run->swap_shards, error);
    status = to ? room_for_one(run, error) : GW_NO_MEMORY;
    if (status == GW_OK) status = source_path(run, i, &from, error);
    if (status == GW_OK) {
      status = gw__path_link(from, to, error);
      if (status == GW_UNSUPPORTED && error) {
        error->hint[0] = '\0';
        gw__error_hint(error, "this file system has no hard links, which a safe --force needs: write to a new name, or remove the old checkpoint first");
      }
    }
    if (status == GW_OK) run->placed[run->placed_count++] = to;
    else gw__free(to);
  }
  return status == GW_OK ? gw__folder_sync(run->folder, error) : status;
}

static gw_status place_index(gw_run *run, const char *from, bool replace, gw_error *error) {
  char *index = suffixed(run->prefix, ".index", error);
  if (!index) return GW_NO_MEMORY;
  gw_status status = replace ? gw__path_rename(from, index, error) : gw__path_rename_new(from, index, error);
  gw__free(index);
  if (status != GW_OK) return status;
  run->committed = true;
  return gw__folder_sync(run->folder, error);
}

static gw_status switch_over(gw_run *run, gw_error *error) {
  gw_status status = link_aside(run, error);
  if (status == GW_OK) status = place_index(run, run->swap_index_path, true, error);
  if (status == GW_OK) status = place_all_data(run, true, error);
  if (status == GW_OK) status = place_index(run, run->index_path, true, error);
  if (status != GW_OK && run->committed)
    gw__error_hint(error, "the new checkpoint is whole and in place under another number of shards; writing it again tidies up");
  return status;
}

/* Data files of OUT under other counts: the old checkpoint's, the M names, and what crashes left. */
static void remove_old_data(const gw_run *run) {
  gw_names names;
  if (gw__folder_list(run->folder, &names, NULL) != GW_OK) return;
  for (size_t i = 0; i < names.count; i++) {
    long count = data_count(run, names.names[i]);
    if (count < 0 || count == (long)run->plan->shard_count) continue;
    char *path = gw__path_join(run->folder, names.names[i], NULL);
    if (path) gw__path_remove(path, NULL);
    gw__free(path);
  }
  gw__names_free(&names);
}

/* What comes beside the checkpoint gets its name. A .meta describes a graph by names: the input's comes along when no name
 * changed. An old OUT's files describe what is gone, and must go, too. */
static gw_status place_beside(gw_run *run, const char *hidden, const char *suffix, gw_error *error) {
  char *path = suffixed(run->prefix, suffix, error);
  if (!path) return GW_NO_MEMORY;
  gw_path_kind kind = GW_PATH_NONE;
  gw_status status = gw__path_look(path, &kind, NULL, error);
  if (status == GW_OK && hidden) {
    status = run->options.force ? gw__path_rename(hidden, path, error) : gw__path_rename_new(hidden, path, error);
  } else if (status == GW_OK && kind == GW_PATH_FILE && run->old_exists) {
    status = gw__path_remove(path, error);
    if (status == GW_OK) status = gw__run_note(run, error, "%s described the replaced checkpoint and was removed", path);
  }
  gw__free(path);
  return status;
}

gw_status gw__run_state(const gw_run *run, gw_state **out, gw_error *error) {
  *out = NULL;
  if (!run->options.latest) return GW_OK;
  gw_status status = gw_state_read(run->folder, out, error);
  if (status == GW_NOT_FOUND) status = gw__state_new(out, error);
  else if (status != GW_OK) gw__error_hint(error, "--latest adds to this file; repair or remove it first");
  if (status == GW_OK) status = gw__state_set_latest(*out, run->base, run->options.timestamp, error);
  return status;
}

/* Read only now: while we worked others may have added their checkpoints. */
static gw_status place_state(gw_run *run, gw_error *error) {
  gw_state *state;
  gw_status status = gw__run_state(run, &state, error);
  if (!state) return status;
  gw_buf text = GW_BUF_INIT;
  char *hidden = gw__run_hidden(run, "state", error), *final = gw__path_join(run->folder, "checkpoint", error);
  gw_file *file = NULL;
  if (status == GW_OK && (!hidden || !final)) status = GW_NO_MEMORY;
  if (status == GW_OK) status = gw__state_write(state, &text, error);
  if (status == GW_OK) status = gw__file_create(hidden, text.size, &file, error);
  if (status == GW_OK) status = gw__file_write(file, 0, text.data, text.size, error);
  if (status == GW_OK) status = gw__file_sync(file, error);
  if (status == GW_OK) status = gw__path_rename(hidden, final, error);
  if (status == GW_OK) status = gw__folder_sync(run->folder, error);
  else if (hidden) gw__path_remove(hidden, NULL);
  gw__file_close(file);
  gw_state_free(state);
  gw__buf_free(&text);
  gw__free(hidden);
  gw__free(final);
  return status;
}

static gw_status place(gw_run *run, gw_error *error) {
  gw_status status;
  if (run->swap_shards > 0) {
    status = switch_over(run, error);
  } else {
    status = place_all_data(run, run->options.force, error);
    if (status == GW_OK) status = place_index(run, run->index_path, run->options.force, error);
  }
  if (status != GW_OK) return status;
  if (run->options.force) remove_old_data(run);
  status = place_beside(run, run->meta_path, META, error);
  if (status == GW_OK) status = place_beside(run, run->lineage_file ? run->lineage_path : NULL, LINEAGE, error);
  if (status == GW_OK && (run->meta_path || run->lineage_file)) status = gw__folder_sync(run->folder, error);
  if (status == GW_OK) status = place_state(run, error);
  if (status != GW_OK) gw__error_hint(error, "the checkpoint itself is whole and in place");
  return status;
}

/* Names that were given to a checkpoint that did not come to be. Once: later they may be somebody else's. */
static void take_back_names(gw_run *run) {
  while (run->placed_count > 0) {
    char *path = run->placed[--run->placed_count];
    if (!run->committed) gw__path_remove(path, NULL);
    gw__free(path);
  }
}

gw_status gw__run_place(gw_run *run, gw_error *error) {
  int lock = gw__folder_lock(run->folder);
  gw_status status = survey_again(run, error);
  if (status == GW_OK) status = place(run, error);
  take_back_names(run);
  gw__folder_unlock(lock);
  return status;
}

void gw__run_take_back(gw_run *run) {
  for (size_t i = 0; run->data_paths && i < run->plan->shard_count; i++)
    if (run->data_paths[i]) gw__path_remove(run->data_paths[i], NULL);
  /* Only what is ours: a name that could not be created because it is there may be somebody else's. */
  if (run->index_file) gw__path_remove(run->index_path, NULL);
  if (run->swap_index_file) gw__path_remove(run->swap_index_path, NULL);
  if (run->meta_path) gw__path_remove(run->meta_path, NULL);
  if (run->lineage_file) gw__path_remove(run->lineage_path, NULL);
  if (!run->committed && run->made_folder) gw__folder_unmake(run->folder, run->made_folder);
}

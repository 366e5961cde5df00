/* Starting, watching and ending a run: see godwit.h, level 4. */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"

enum {
  LARGEST_BUFFER = 1 << 20,   /* what stays in a core's cache between reading, summing and writing */
  SMALLEST_BUFFER = 64 << 10,
  LARGEST_TILE = 16 << 20,
  LARGEST_SCRATCH = 512 << 10
};

gw_status gw__run_note(gw_run *run, gw_error *error, const char *format, ...) {
  char text[1400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  gw_status status = gw__reserve((void **)&run->notes, &run->note_capacity, run->note_count + 1, sizeof *run->notes, error);
  char *copy = status == GW_OK ? gw__strdup(text, error) : NULL;
  if (!copy) return GW_NO_MEMORY;
  run->notes[run->note_count++] = copy;
  return GW_OK;
}

const char *gw_run_note(const gw_run *run, size_t index) { return index < run->note_count ? run->notes[index] : NULL; }

/* ---- Preparing */

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), size = strlen(end);
  return length >= size && strcmp(text + length - size, end) == 0;
}

/* What is given for -o is a prefix, and a prefix that can be read back. */
static gw_status check_prefix(gw_run *run, gw_error *error) {
  gw_path_kind kind;
  gw_status status = gw__path_look(run->prefix, &kind, NULL, error);
  if (status != GW_OK) return status;
  const char *wrong = NULL, *hint = NULL;
  if (run->base[0] == '\0' || kind == GW_PATH_FOLDER || strcmp(run->base, ".") == 0 || strcmp(run->base, "..") == 0) {
    wrong = "is a folder, and an output is a prefix of files";
    hint = "add a name, as in out/model.ckpt-1";
  } else if (ends_with(run->base, ".index") || ends_with(run->base, ".meta") || strstr(run->base, ".data-")) {
    wrong = "names one file of a checkpoint, and an output is the prefix of them all";
    hint = "leave out the ending";
  } else if (strstr(run->prefix, "://")) { /* TensorFlow would not look for it in a folder called "gs:" */
    wrong = "is an address, and outputs are files of this machine";
    hint = "write to a path, and copy the files from there";
  }
  if (wrong) {
    gw__fail(error, GW_INVALID, "%s", wrong);
    gw__error_file(error, run->prefix);
    gw__error_hint(error, "%s", hint);
    return GW_INVALID;
  }
  if (strpbrk(run->prefix, "[]*?\\"))
    return gw__run_note(run, error, "TensorFlow takes the brackets, stars, question marks and backslashes in %s for a pattern and may not find it again", run->prefix);
  return GW_OK;
}

/* A .meta beside the only input is the graph by its names. */
static gw_status look_for_meta(gw_run *run, gw_error *error) {
  const gw_bundle *bundle = run->plan->draft->bundle;
  gw_path_kind kind;
  if (!bundle) return GW_OK;
  gw_buf path = GW_BUF_INIT;
  gw__put_bytes(&path, bundle->prefix, gw__meta_stem(bundle));
  gw__put_bytes(&path, ".meta", sizeof ".meta");
  gw_status status = gw__buf_status(&path, error);
  if (status == GW_OK) status = gw__path_look((const char *)path.data, &kind, NULL, error);
  if (status != GW_OK || kind != GW_PATH_FILE) {
    gw__buf_free(&path);
    return status;
  }
  if (run->plan->same_names) {
    run->source_meta = (char *)path.data;
    return GW_OK;
  }
  status = gw__run_note(run, error, "%s describes the graph by the old names and was left out", (const char *)path.data);
  gw__buf_free(&path);
  return status;
}

/* The dtypes that TensorFlow puts together out of slices (FORMAT.md, 3.5). */
static bool is_joined(int dtype) {
  switch (dtype) {
    case GW_DT_FLOAT: case GW_DT_DOUBLE: case GW_DT_INT8: case GW_DT_INT16: case GW_DT_INT32: case GW_DT_INT64: case GW_DT_UINT8:
    case GW_DT_BOOL: case GW_DT_COMPLEX64: case GW_DT_COMPLEX128: case GW_DT_BFLOAT16: case GW_DT_QINT8: case GW_DT_QUINT8:
    case GW_DT_QINT32:
      return true;
    default: return false;
  }
}

/* Slices that the plan makes, of dtypes that TensorFlow only reads one slice at a time. */
static gw_status look_for_slices(gw_run *run, gw_error *error) {
  const gw_plan_item *first = NULL;
  size_t count = 0;
  char name[200];
  for (size_t i = 0; i < run->plan->item_count; i++) {
    const gw_plan_item *item = &run->plan->items[i];
    if (!item->parts || is_joined(item->tensor->dtype)) continue;
    if (!first) first = item;
    count++;
  }
  if (!first) return GW_OK;
  gw_printable(name, sizeof name, first->name.data, first->name.size);
  return count == 1
             ? gw__run_note(run, error, "TensorFlow does not join slices of %s: it restores %s into a variable that is partitioned so, not into a whole one",
                            gw_dtype_name(first->tensor->dtype), name)
             : gw__run_note(run, error,
                            "TensorFlow does not join slices of %s: it restores %s and %zu more into variables that are partitioned so, not into whole ones",
                            gw_dtype_name(first->tensor->dtype), name, count - 1);
}

/* A state file that cannot be read, or cannot name OUT, is met before the work. It is read again when it is written. */
static gw_status check_state(const gw_run *run, gw_error *error) {
  gw_state *state;
  gw_status status = gw__run_state(run, &state, error);
  gw_state_free(state);
  return status;
}

/* Hidden data files at their full length, so that a full disk is met now. Shared ones are cloned here, linked later. */
static gw_status create_data(gw_run *run, gw_error *error) {
  const gw_plan *plan = run->plan;
  run->data_paths = gw__alloc_array(plan->shard_count, sizeof *run->data_paths, error);
  run->data_files = gw__alloc_array(plan->shard_count, sizeof *run->data_files, error);
  if (!run->data_paths || !run->data_files) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  for (size_t i = 0; i < plan->shard_count && status == GW_OK; i++) {
    const gw_plan_shard *shard = &plan->shards[i];
    if (shard->shared && plan->options.data == GW_DATA_LINK) continue;
    char what[32];
    snprintf(what, sizeof what, "data-%05zu", i);
    char *path = gw__run_hidden(run, what, error);
    if (!path) return GW_NO_MEMORY;
    status = gw__file_create(path, shard->shared ? 0 : shard->bytes, &run->data_files[i], error);
    if (status == GW_OK) run->data_paths[i] = path;
    else gw__free(path);
    if (status == GW_OK && shard->shared) {
      const gw_file *file;
      status = gw__bundle_shard(shard->shared, shard->shared_id, &file, error);
      if (status == GW_OK) status = gw__file_clone(file, run->data_files[i], error);
      if (status != GW_OK) gw__error_file(error, run->prefix); /* not the hidden name */
    }
  }
  return status;
}

static size_t between(uint64_t value, size_t least, size_t most) { return value > most ? most : value < least ? least : (size_t)value; }

/* How the memory is shared out: for each thread a window, scratch for computing, and the buffer that is written. */
static void share_memory(gw_run *run) {
  uint64_t memory = run->options.memory ? run->options.memory : GW_DEFAULT_MEMORY;
  run->worker_count = gw__pool_threads(run->options.threads);
  uint64_t each = memory / run->worker_count;
  run->scratch = between(each / 8, SMALLEST_BUFFER, LARGEST_SCRATCH);
  each = each > GW_WINDOW ? each - GW_WINDOW : 0;
  run->buffer = between(each, SMALLEST_BUFFER, LARGEST_BUFFER);
  run->buffer -= run->buffer % SMALLEST_BUFFER; /* keeps writes aligned to pages and large folios */
  each = each > run->scratch ? each - run->scratch : 0;
  run->tile = between(each, run->buffer, LARGEST_TILE);
}

static gw_status create_workers(gw_run *run, gw_error *error) {
  run->workers = gw__alloc_array(run->worker_count, sizeof *run->workers, error);
  if (!run->workers) return GW_NO_MEMORY;
  for (unsigned i = 0; i < run->worker_count; i++) {
    gw_worker *worker = &run->workers[i];
    worker->out = gw__alloc_pages(run->has_tiles ? run->tile : run->buffer, error);
    worker->window = gw__alloc_pages(GW_WINDOW, error);
    worker->sums = gw__alloc_array(run->most_leaves, sizeof *worker->sums, error);
    if (!worker->out || !worker->window || !worker->sums) return GW_NO_MEMORY;
    gw__eval_start(&worker->eval, run->scratch);
  }
  return GW_OK;
}

/* ---- The last step on the pool: checksums, syncs, indexes */

static gw_status copy_meta(gw_run *run, gw_error *error) {
  gw_file *from = NULL;
  if (!run->source_meta) return GW_OK;
  char *path = gw__run_hidden(run, "meta", error);
  if (!path) return GW_NO_MEMORY;
  gw_status status = gw__file_open(run->source_meta, &from, error);
  if (status == GW_OK) status = gw__file_create(path, from->size, &run->meta_file, error);
  if (status == GW_OK) run->meta_path = path;
  else gw__free(path);
  if (status == GW_OK) status = gw__file_copy_range(from, 0, run->meta_file, 0, from->size, error);
  if (status == GW_OK) status = gw__file_sync(run->meta_file, error);
  gw__file_close(from);
  return status;
}

const char *gw_run_index_path(const gw_run *run) { return run->index_path; }

gw_status gw_run_set_lineage(gw_run *run, const char *text, size_t size, gw_error *error) {
  if (run->lineage_file) return gw__fail(error, GW_INVALID, "the lineage is said already");
  run->lineage_path = gw__run_hidden(run, "lineage", error);
  if (!run->lineage_path) return GW_NO_MEMORY;
  gw_status status = gw__file_create(run->lineage_path, size, &run->lineage_file, error);
  if (status == GW_OK) status = gw__file_write(run->lineage_file, 0, text, size, error);
  if (status == GW_OK) status = gw__file_sync(run->lineage_file, error);
  return gw__run_speak_of_output(run, status, error);
}

static gw_status finish_work(void *context, gw_error *error) {
  gw_run *run = context;
  gw_status status = gw__run_sum_empty(run, error);
  for (size_t i = 0; i < run->plan->shard_count && status == GW_OK; i++)
    if (run->data_files[i]) status = gw__file_sync(run->data_files[i], error);
  if (status == GW_OK)
    status = gw__run_write_index(run, run->index_path, (int32_t)run->plan->shard_count, &run->index_file, error);
  if (status == GW_OK && run->swap_shards > 0)
    status = gw__run_write_index(run, run->swap_index_path, run->swap_shards, &run->swap_index_file, error);
  if (status == GW_OK) status = copy_meta(run, error);
  return status;
}

static gw_status prepare(gw_run *run, gw_error *error) {
  gw_status status = gw__path_split(run->prefix, &run->folder, &run->base, error);
  if (status == GW_OK) status = check_prefix(run, error);
  if (status == GW_OK) status = gw__folder_make(run->folder, &run->made_folder, error);
  if (status == GW_OK) status = check_state(run, error);
  if (status == GW_OK) status = look_for_meta(run, error);
  if (status == GW_OK) status = look_for_slices(run, error);
  if (status == GW_OK) status = gw__run_survey(run, error);
  if (status == GW_OK && !(run->index_path = gw__run_hidden(run, "index", error))) status = GW_NO_MEMORY;
  if (status == GW_OK && !(run->swap_index_path = gw__run_hidden(run, "swap", error))) status = GW_NO_MEMORY;
  if (status == GW_OK) {
    share_memory(run);
    status = gw__run_plan_makings(run, error);
  }
  if (status == GW_OK) status = create_workers(run, error);
  if (status == GW_OK) status = gw__run_cut_pieces(run, error);
  if (status == GW_OK) status = create_data(run, error);
  return status;
}

gw_status gw_run_start(gw_plan *plan, const char *prefix, const gw_run_options *options, gw_run **out, gw_error *error) {
  *out = NULL;
  gw_run *run = gw__alloc_array(1, sizeof *run, error);
  if (!run) return GW_NO_MEMORY;
  pthread_mutex_init(&run->turn_lock, NULL);
  pthread_cond_init(&run->turn_changed, NULL);
  pthread_mutex_init(&run->making_lock, NULL);
  run->plan = plan;
  run->options = options ? *options : (gw_run_options)GW_RUN_OPTIONS_INIT;
  run->prefix = gw__strdup(prefix, error);
  gw_status status = run->prefix ? prepare(run, error) : GW_NO_MEMORY;
  if (status == GW_OK) {
    gw_pool_work work = {run, run->piece_count, gw__run_piece, finish_work};
    unsigned threads = run->piece_count < run->worker_count ? (unsigned)run->piece_count : run->worker_count;
    status = gw__pool_start(&work, threads ? threads : 1, &run->pool, error);
  }
  if (status != GW_OK) {
    if (run->folder) gw__run_speak_of_output(run, status, error);
    gw_run_free(run);
    return status;
  }
  *out = run;
  return GW_OK;
}

gw_status gw_run_wait(gw_run *run, unsigned milliseconds, bool *finished, gw_error *error) {
  return gw__run_speak_of_output(run, gw__pool_wait(run->pool, milliseconds, finished, error), error);
}

void gw_run_progress(gw_run *run, uint64_t *done, uint64_t *total) {
  *done = atomic_load(&run->done);
  *total = run->total;
}

void gw_run_cancel(gw_run *run) {
  gw__run_stop(run);
  gw__pool_cancel(run->pool);
}

gw_status gw_run_commit(gw_run *run, gw_error *error) {
  bool finished;
  gw_status status = gw__pool_wait(run->pool, 0, &finished, error);
  if (status == GW_OK && !finished) return gw__fail(error, GW_INVALID, "the run has not finished writing");
  if (status == GW_OK) status = gw__run_place(run, error);
  return gw__run_speak_of_output(run, status, error);
}

void gw_run_free(gw_run *run) {
  if (!run) return;
  gw__run_stop(run);
  gw__pool_free(run->pool);
  pthread_cond_destroy(&run->turn_changed);
  pthread_mutex_destroy(&run->turn_lock);
  pthread_mutex_destroy(&run->making_lock);
  gw__run_take_back(run);
  for (size_t i = 0; i < run->plan->shard_count; i++) {
    if (run->data_files) gw__file_close(run->data_files[i]);
    if (run->data_paths) gw__free(run->data_paths[i]);
  }
  for (unsigned i = 0; run->workers && i < run->worker_count; i++) {
    gw__free(run->workers[i].out);
    gw__free(run->workers[i].window);
    gw__free(run->workers[i].sums);
    gw__eval_end(&run->workers[i].eval);
  }
  gw__run_free_makings(run);
  for (size_t i = 0; i < run->note_count; i++) gw__free(run->notes[i]);
  gw__file_close(run->index_file);
  gw__file_close(run->swap_index_file);
  gw__file_close(run->meta_file);
  gw__file_close(run->lineage_file);
  void *pieces[] = {run->data_files, run->data_paths, run->workers, run->placed, run->notes, run->pieces, run->prefix,
                    run->folder, run->base, run->made_folder, run->index_path, run->swap_index_path, run->meta_path,
                    run->lineage_path, run->source_meta};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) gw__free(pieces[i]);
  gw__free(run);
}

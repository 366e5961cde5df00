/* `godwit inspect --stats`: statistics of many tensors, in pieces on all cores. The first pass sums up; the second one, for what
 * does not fit a buffer, counts what lies between minimum and maximum. Pieces are put together in their order, so that
 * results do not depend on the number of threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/pool.h"
#include "../bundle/bundle.h"
#include "../expr/expr.h"
#include "../tensor/tensor.h"
#include "cut.h"

enum { CHUNK = 256 * 1024 }; /* bytes in hand at once */

/* What is known of a tensor while it is read. */
typedef struct gw_gauge {
  gw_tensor *tensor;
  gw_leaf_sum sum;
  uint64_t left;        /* elements of this pass */
  gw_histogram histogram;
  size_t part_count;
  gw_stats_sum parts[]; /* one for each job that has a part of it */
} gw_gauge;

typedef struct gw_gauged {
  gw_stats stats;
  bool has_bins;
  uint64_t bins[]; /* GW_HISTOGRAM_BINS where there can be any */
} gw_gauged;

typedef struct gw_stats_row {
  size_t position;
  uint64_t elements;
  size_t first_job, job_count;
  gw_gauge *gauge;   /* NULL: nobody is at it */
  gw_gauged *result; /* NULL: not yet, or no numbers */
} gw_stats_row;

struct gw_statistics {
  gw_bundle *bundle;
  gw_stats_row *rows;   /* as they were asked for */
  size_t row_count;
  size_t *order;        /* those with numbers */
  size_t order_count;
  gw_cuts cuts;         /* of `order` */
  gw_eval *evals;       /* per worker, as the buffers */
  uint8_t **buffers;
  unsigned worker_count;
  gw_pool *pool;
  bool second;          /* which pass */
  pthread_mutex_t lock; /* guards the rows' gauges, and the bundle's counter */
  atomic_bool cancelled;
  atomic_ullong done;
  uint64_t total;
};

static int dtype_of(const gw_statistics *statistics, const gw_stats_row *row) {
  return gw__bundle_at(statistics->bundle, row->position)->dtype;
}

/* ---- Planning */

static bool has_statistics(const gw_entry_info *info) {
  gw_stats_sum sum;
  return !info->partial && gw__stats_start(&sum, info->dtype, NULL) == GW_OK;
}

/* Small enough to be still in the buffer when the minimum and the maximum are known. */
static bool in_one_chunk(const gw_stats_row *row, size_t width) { return row->job_count == 1 && row->elements <= CHUNK / width; }

static gw_status plan_row(gw_statistics *statistics, gw_stats_row *row, gw_error *error) {
  gw_entry_info info;
  gw_bundle_entry(statistics->bundle, row->position, &info);
  if (!has_statistics(&info)) return GW_OK;
  size_t width = gw_dtype_size(info.dtype);
  gw_status status = gw__shape_elements(info.rank, info.dims, &row->elements, error);
  if (status == GW_OK) status = gw__cuts_add(&statistics->cuts, row->elements, width, 0, error);
  if (status != GW_OK) return status;
  /* It begins in the last job before it or in the first of its own, and ends in the last one. */
  size_t first = statistics->cuts.count - 1;
  while (first > 0 && statistics->cuts.jobs[first].nth == statistics->order_count && statistics->cuts.jobs[first].first > 0) first--;
  row->first_job = first;
  row->job_count = statistics->cuts.count - first;
  statistics->order[statistics->order_count++] = (size_t)(row - statistics->rows);
  statistics->total += info.size * (in_one_chunk(row, width) ? 1 : 2);
  return GW_OK;
}

static gw_status prepare(gw_statistics *statistics, const size_t *positions, size_t count, unsigned threads, gw_error *error) {
  statistics->worker_count = gw__pool_threads(threads);
  statistics->evals = gw__alloc_array(statistics->worker_count, sizeof *statistics->evals, error);
  statistics->buffers = gw__alloc_array(statistics->worker_count, sizeof *statistics->buffers, error);
  statistics->rows = gw__alloc_array(count, sizeof *statistics->rows, error);
  statistics->order = gw__alloc_array(count, sizeof *statistics->order, error);
  if (!statistics->evals || !statistics->buffers || !statistics->rows || !statistics->order) return GW_NO_MEMORY;
  statistics->row_count = count;
  for (unsigned i = 0; i < statistics->worker_count; i++) {
    gw__eval_start(&statistics->evals[i], 0);
    if (!(statistics->buffers[i] = gw__alloc_pages(CHUNK, error))) return GW_NO_MEMORY;
  }
  gw_status status = GW_OK;
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    statistics->rows[i].position = positions[i];
    status = plan_row(statistics, &statistics->rows[i], error);
  }
  /* Data files are opened here, by one thread. */
  return status == GW_OK && statistics->order_count > 0 ? gw_bundle_check_files(statistics->bundle, error) : status;
}

/* ---- One row */

static void free_gauge(gw_gauge *gauge) {
  if (!gauge) return;
  gw_tensor_release(gauge->tensor);
  gw__free(gauge);
}

/* The gauge of a row; *first says that this thread is the first to ask. */
static gw_status take_gauge(gw_statistics *statistics, gw_stats_row *row, bool *first, gw_gauge **out, gw_error *error) {
  gw_status status = GW_OK;
  pthread_mutex_lock(&statistics->lock);
  *first = row->gauge == NULL;
  if (*first) {
    gw_gauge *gauge = gw__alloc_array(1, sizeof *gauge + row->job_count * sizeof gauge->parts[0], error);
    status = gauge ? gw_bundle_tensor(statistics->bundle, row->position, &gauge->tensor, error) : GW_NO_MEMORY;
    if (status == GW_OK) {
      gauge->left = row->elements;
      gauge->part_count = row->job_count;
      for (size_t i = 0; i < gauge->part_count; i++) gw__stats_start(&gauge->parts[i], dtype_of(statistics, row), NULL);
      row->gauge = gauge;
    } else {
      gw__free(gauge);
    }
  }
  *out = row->gauge;
  pthread_mutex_unlock(&statistics->lock);
  return status;
}

static void drop_gauge(gw_statistics *statistics, gw_stats_row *row) {
  pthread_mutex_lock(&statistics->lock);
  free_gauge(row->gauge);
  row->gauge = NULL;
  pthread_mutex_unlock(&statistics->lock);
}

/* All of it was read: the sums become statistics. `chunk` is its elements when they fit, else NULL. */
static gw_status conclude(gw_statistics *statistics, gw_stats_row *row, const void *chunk, gw_error *error) {
  gw_gauge *gauge = row->gauge;
  gw_stats_sum sum;
  gw_status status = gauge ? gw__sums_check(gauge->tensor, &gauge->sum, error) : GW_OK;
  if (status != GW_OK) return status;
  gw__stats_start(&sum, dtype_of(statistics, row), NULL);
  for (size_t i = 0; gauge && i < gauge->part_count; i++) gw__stats_merge(&sum, &gauge->parts[i]);
  size_t bins = row->elements > 1 ? GW_HISTOGRAM_BINS : 0;
  gw_gauged *result = gw__alloc_array(1, sizeof *result + bins * sizeof result->bins[0], error);
  if (!result) return GW_NO_MEMORY;
  row->result = result;
  gw__stats_end(&sum, &result->stats);
  if (!gauge) return GW_OK;
  result->has_bins = bins > 0 && gw__histogram_start(&gauge->histogram, dtype_of(statistics, row), &result->stats);
  if (result->has_bins && chunk) gw__histogram_add(&gauge->histogram, chunk, (size_t)row->elements, result->bins);
  if (result->has_bins && !chunk) {
    gauge->left = row->elements;
    return GW_OK;
  }
  if (!chunk) atomic_fetch_add(&statistics->done, row->elements * gw_dtype_size(dtype_of(statistics, row)));
  drop_gauge(statistics, row);
  return GW_OK;
}

static gw_status sum_range(gw_statistics *statistics, unsigned worker, gw_stats_row *row, size_t part, uint64_t first, uint64_t end,
                           gw_error *error) {
  gw_gauge *gauge;
  gw_leaf_sum leaf = {0};
  bool is_first, last = false;
  size_t width = gw_dtype_size(dtype_of(statistics, row));
  uint8_t *buffer = statistics->buffers[worker];
  gw_status status = take_gauge(statistics, row, &is_first, &gauge, error);
  if (status == GW_OK && is_first) status = gw__leaves_check(gauge->tensor, error);
  for (uint64_t at = first; at < end && status == GW_OK;) {
    size_t count = end - at < CHUNK / width ? (size_t)(end - at) : CHUNK / width;
    status = gw__eval_flat(&statistics->evals[worker], gauge->tensor, at, count, buffer, &leaf, error);
    if (status == GW_OK) gw__stats_add(&gauge->parts[part], buffer, count);
    at += count;
    atomic_fetch_add(&statistics->done, (uint64_t)count * width);
  }
  if (status != GW_OK) return status;
  pthread_mutex_lock(&statistics->lock);
  gauge->sum.bytes += leaf.bytes;
  gauge->sum.crc ^= leaf.crc;
  gauge->left -= end - first;
  last = gauge->left == 0;
  pthread_mutex_unlock(&statistics->lock);
  return last ? conclude(statistics, row, in_one_chunk(row, width) ? buffer : NULL, error) : GW_OK;
}

static gw_status count_range(gw_statistics *statistics, unsigned worker, gw_stats_row *row, uint64_t first, uint64_t end, gw_error *error) {
  gw_gauge *gauge = row->gauge; /* made in the first pass, and left where bins are wanted */
  uint64_t bins[GW_HISTOGRAM_BINS] = {0};
  size_t width = gw_dtype_size(dtype_of(statistics, row));
  uint8_t *buffer = statistics->buffers[worker];
  gw_status status = GW_OK;
  for (uint64_t at = first; at < end && status == GW_OK;) {
    size_t count = end - at < CHUNK / width ? (size_t)(end - at) : CHUNK / width;
    status = gw__eval_flat(&statistics->evals[worker], gauge->tensor, at, count, buffer, NULL, error);
    if (status == GW_OK) gw__histogram_add(&gauge->histogram, buffer, count, bins);
    at += count;
    atomic_fetch_add(&statistics->done, (uint64_t)count * width);
  }
  pthread_mutex_lock(&statistics->lock);
  for (size_t i = 0; i < GW_HISTOGRAM_BINS; i++) row->result->bins[i] += bins[i];
  pthread_mutex_unlock(&statistics->lock);
  return status;
}

static gw_status do_job(void *context, unsigned worker, size_t job, gw_error *error) {
  gw_statistics *statistics = context;
  gw_range range = {.nth = SIZE_MAX};
  gw_status status = GW_OK;
  while (status == GW_OK && gw__cuts_next(&statistics->cuts, job, &range)) {
    gw_stats_row *row = &statistics->rows[statistics->order[range.nth]];
    uint64_t end = range.end < row->elements ? range.end : row->elements;
    if (statistics->second) status = row->gauge ? count_range(statistics, worker, row, range.first, end, error) : GW_OK;
    else if (row->elements == 0) status = conclude(statistics, row, NULL, error);
    else if (end > range.first) status = sum_range(statistics, worker, row, job - row->first_job, range.first, end, error);
  }
  return status;
}

/* ---- From outside */

static gw_status start_pass(gw_statistics *statistics, gw_error *error) {
  gw_pool_work work = {statistics, statistics->cuts.count, do_job, NULL};
  return gw__pool_start(&work, statistics->worker_count, &statistics->pool, error);
}

gw_status gw_statistics_start(gw_bundle *bundle, const size_t *positions, size_t count, unsigned threads, gw_statistics **out,
                              gw_error *error) {
  *out = NULL;
  gw_statistics *statistics = gw__alloc_array(1, sizeof *statistics, error);
  if (!statistics) return GW_NO_MEMORY;
  pthread_mutex_init(&statistics->lock, NULL);
  statistics->bundle = gw_bundle_retain(bundle);
  gw_status status = prepare(statistics, positions, count, threads, error);
  if (status == GW_OK) status = start_pass(statistics, error);
  if (status != GW_OK) {
    gw_statistics_free(statistics);
    return status;
  }
  *out = statistics;
  return GW_OK;
}

gw_status gw_statistics_wait(gw_statistics *statistics, unsigned milliseconds, bool *finished, gw_error *error) {
  gw_status status = statistics->pool ? gw__pool_wait(statistics->pool, milliseconds, finished, error) : GW_OK;
  if (status != GW_OK || !*finished || statistics->second) return status;
  *finished = false;
  if (atomic_load(&statistics->cancelled)) return gw__fail(error, GW_CANCELLED, "interrupted");
  gw__pool_free(statistics->pool);
  statistics->pool = NULL;
  statistics->second = true;
  status = start_pass(statistics, error);
  return status == GW_OK ? gw__pool_wait(statistics->pool, milliseconds, finished, error) : status;
}

void gw_statistics_progress(gw_statistics *statistics, uint64_t *done, uint64_t *total) {
  *done = atomic_load(&statistics->done);
  *total = statistics->total;
}

void gw_statistics_cancel(gw_statistics *statistics) {
  atomic_store(&statistics->cancelled, true);
  if (statistics->pool) gw__pool_cancel(statistics->pool);
}

bool gw_statistics_at(const gw_statistics *statistics, size_t nth, gw_stats *out, const uint64_t **bins) {
  const gw_gauged *result = statistics->rows[nth].result;
  *bins = NULL;
  if (!result) return false;
  *out = result->stats;
  if (result->has_bins) *bins = result->bins;
  return true;
}

void gw_statistics_free(gw_statistics *statistics) {
  if (!statistics) return;
  gw__pool_free(statistics->pool);
  for (unsigned i = 0; i < statistics->worker_count; i++) {
    if (statistics->evals) gw__eval_end(&statistics->evals[i]);
    if (statistics->buffers) gw__free(statistics->buffers[i]);
  }
  for (size_t i = 0; i < statistics->row_count; i++) {
    free_gauge(statistics->rows[i].gauge);
    gw__free(statistics->rows[i].result);
  }
  gw__free(statistics->evals);
  gw__free(statistics->buffers);
  gw__free(statistics->rows);
  gw__free(statistics->order);
  gw__cuts_free(&statistics->cuts);
  gw_bundle_release(statistics->bundle);
  pthread_mutex_destroy(&statistics->lock);
  gw__free(statistics);
}

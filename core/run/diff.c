/* `godwit diff`: two checkpoints, name by name. Tensors that both have with one dtype and shape are read and compared in
 * pieces on all cores, and their checksums are put together from those of the pieces. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/pool.h"
#include "../bundle/bundle.h"
#include "../expr/expr.h"
#include "../tensor/tensor.h"
#include "cut.h"

enum {
  CHUNK = 256 * 1024, /* bytes of each in hand at once */
  MOST_TWINS = 64     /* tensors of one checksum among which renamed ones are looked for */
};

/* What is known of a pair while it is read, and afterwards where it differs. */
typedef struct gw_pair {
  gw_tensor *a, *b;
  gw_leaf_sum sum_a, sum_b;
  uint64_t left; /* elements to compare; of what is compared at once 1 */
  gw_difference difference;
} gw_pair;

typedef struct gw_row {
  uint32_t a, b;  /* positions; NONE */
  uint32_t twin;
  uint8_t kind;
  gw_pair *pair;  /* NULL: nobody is at it, and the two do not differ */
} gw_row;
#define NONE UINT32_MAX

typedef struct gw_diff_worker {
  gw_eval eval_a, eval_b;
  uint8_t *a, *b;
} gw_diff_worker;

struct gw_diff {
  gw_bundle *a, *b;
  double rtol, atol;
  gw_row *rows;
  size_t row_count, row_capacity;
  uint32_t *order;  /* rows to compare, by their place in a's files */
  size_t order_count;
  gw_cuts cuts;     /* of `order` */
  gw_diff_worker *workers;
  unsigned worker_count;
  gw_pool *pool;
  pthread_mutex_t lock; /* guards the rows' pairs, and the bundles' counters */
  atomic_ullong done;
  uint64_t total;
};

const char *gw_diff_kind_name(gw_diff_kind kind) {
  static const char *const names[] = {"same", "removed", "added", "type", "values"};
  return names[kind];
}

/* ---- Which tensors there are */

static int compare_spans(gw_span a, gw_span b) {
  size_t shorter = a.size < b.size ? a.size : b.size;
  int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
  return order ? order : a.size < b.size ? -1 : a.size > b.size;
}

static gw_status is_meant(const gw_which *which, const gw_bundle *bundle, size_t index, gw_span name, bool *meant, gw_error *error) {
  *meant = !which || (which->roles != 0 && ((which->roles >> gw_bundle_role(bundle, index)) & 1));
  gw_status status = GW_OK;
  for (size_t i = 0; which && i < which->regex_count && !*meant && status == GW_OK; i++)
    status = gw_regex_search(which->regexes[i], name.data, name.size, meant, error);
  return status;
}

static gw_diff_kind kind_of(const gw_entry_info *a, const gw_entry_info *b) {
  return a->dtype == b->dtype && gw__shape_equal(a->rank, a->dims, b->rank, b->dims) ? GW_DIFF_SAME : GW_DIFF_TYPE;
}

/* Adds the next name of the two lists, and moves on in those that have it. */
static gw_status add_row(gw_diff *diff, size_t *i, size_t *j, const gw_which *which, gw_error *error) {
  gw_entry_info a = {0}, b = {0};
  bool has_a = *i < gw_bundle_count(diff->a), has_b = *j < gw_bundle_count(diff->b), meant = false;
  if (has_a) gw_bundle_entry(diff->a, *i, &a);
  if (has_b) gw_bundle_entry(diff->b, *j, &b);
  int order = !has_a ? 1 : !has_b ? -1 : compare_spans(a.name, b.name);
  has_a = order <= 0;
  has_b = order >= 0;
  gw_row row = {.a = has_a ? (uint32_t)*i : NONE, .b = has_b ? (uint32_t)*j : NONE, .twin = NONE};
  row.kind = (uint8_t)(!has_b ? GW_DIFF_REMOVED : !has_a ? GW_DIFF_ADDED : kind_of(&a, &b));
  gw_status status = has_a ? is_meant(which, diff->a, *i, a.name, &meant, error) : GW_OK;
  if (status == GW_OK && has_b && !meant) status = is_meant(which, diff->b, *j, b.name, &meant, error);
  *i += has_a;
  *j += has_b;
  if (status != GW_OK || !meant) return status;
  status = gw__reserve((void **)&diff->rows, &diff->row_capacity, diff->row_count + 1, sizeof *diff->rows, error);
  if (status == GW_OK) diff->rows[diff->row_count++] = row;
  return status;
}

static gw_status list_rows(gw_diff *diff, const gw_which *which, gw_error *error) {
  size_t i = 0, j = 0;
  gw_status status = GW_OK;
  if (gw_bundle_count(diff->a) + gw_bundle_count(diff->b) >= NONE) return gw__fail(error, GW_LIMIT, "too many tensors to compare");
  while (status == GW_OK && (i < gw_bundle_count(diff->a) || j < gw_bundle_count(diff->b)))
    status = add_row(diff, &i, &j, which, error);
  return status;
}

/* ---- What may have been renamed */

static const gw_entry *entry_of(const gw_diff *diff, const gw_row *row) {
  return row->a != NONE ? gw__bundle_at(diff->a, row->a) : gw__bundle_at(diff->b, row->b);
}

/* By everything that renamed tensors have in common. */
static int compare_contents(const gw_entry *left, const gw_entry *right) {
  if (left->crc != right->crc) return left->crc < right->crc ? -1 : 1;
  if (left->size != right->size) return left->size < right->size ? -1 : 1;
  if (left->dtype != right->dtype) return left->dtype < right->dtype ? -1 : 1;
  if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
  for (size_t i = 0; i < left->rank; i++)
    if (left->dims[i] != right->dims[i]) return left->dims[i] < right->dims[i] ? -1 : 1;
  return 0;
}

static int by_contents(const void *a, const void *b, void *context) {
  const gw_diff *diff = context;
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  int order = compare_contents(entry_of(diff, &diff->rows[left]), entry_of(diff, &diff->rows[right]));
  return order ? order : left < right ? -1 : left > right;
}

static size_t common_end(const gw_entry *a, const gw_entry *b) {
  size_t length = 0;
  while (length < a->key_size && length < b->key_size && a->key[a->key_size - 1 - length] == b->key[b->key_size - 1 - length]) length++;
  return length;
}

/* Among tensors with the same contents (a model has many biases of zeros), those whose names end alike belong together. */
static void pair_up(gw_diff *diff, const uint32_t *group, size_t count) {
  if (count > MOST_TWINS) return;
  for (;;) {
    gw_row *removed = NULL, *added = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
      for (size_t j = 0; j < count; j++) {
        gw_row *one = &diff->rows[group[i]], *other = &diff->rows[group[j]];
        if (one->kind != GW_DIFF_REMOVED || other->kind != GW_DIFF_ADDED || one->twin != NONE || other->twin != NONE) continue;
        size_t length = common_end(entry_of(diff, one), entry_of(diff, other));
        if (removed && length <= longest) continue;
        removed = one;
        added = other;
        longest = length;
      }
    if (!removed) return;
    removed->twin = (uint32_t)(added - diff->rows);
    added->twin = (uint32_t)(removed - diff->rows);
  }
}

static gw_status find_twins(gw_diff *diff, gw_error *error) {
  size_t count = 0;
  if (gw_bundle_is_v1(diff->a) || gw_bundle_is_v1(diff->b)) return GW_OK; /* V1 files sum blocks, not tensors */
  uint32_t *rows = gw__alloc_array(diff->row_count, sizeof *rows, error);
  if (!rows) return GW_NO_MEMORY;
  for (size_t i = 0; i < diff->row_count; i++) {
    const gw_row *row = &diff->rows[i];
    if (row->kind != GW_DIFF_REMOVED && row->kind != GW_DIFF_ADDED) continue;
    const gw_entry *entry = entry_of(diff, row);
    if (!entry->parts && entry->size > 0) rows[count++] = (uint32_t)i;
  }
  if (count > 1) qsort_r(rows, count, sizeof *rows, by_contents, diff);
  for (size_t i = 0, end; i < count; i = end) {
    end = i + 1;
    while (end < count && compare_contents(entry_of(diff, &diff->rows[rows[i]]), entry_of(diff, &diff->rows[rows[end]])) == 0) end++;
    pair_up(diff, rows + i, end - i);
  }
  gw__free(rows);
  return GW_OK;
}

/* ---- The work, cut into jobs */

static bool is_opaque(int dtype) {
  gw_kind kind = gw_dtype_kind(dtype);
  return kind == GW_KIND_OPAQUE || kind == GW_KIND_VARIANT;
}

/* True for what has no values that could be read in pieces: compared as it is stored. */
static bool is_stored(const gw_entry *a, const gw_entry *b) {
  return is_opaque(a->dtype) || (a->parts && a->parts->partial) || (b->parts && b->parts->partial);
}

static size_t piece_width(const gw_diff *diff, const gw_row *row) {
  const gw_entry *a = gw__bundle_at(diff->a, row->a), *b = gw__bundle_at(diff->b, row->b);
  return is_stored(a, b) ? 0 : gw_dtype_size(a->dtype); /* 0: all at once */
}

static gw_status elements_of(const gw_diff *diff, const gw_row *row, uint64_t *elements, gw_error *error) {
  const gw_entry *entry = gw__bundle_at(diff->a, row->a);
  return gw__shape_elements(entry->rank, entry->dims, elements, error);
}

static uint64_t size_in(const gw_bundle *bundle, size_t index) {
  gw_entry_info info;
  gw_bundle_entry(bundle, index, &info);
  return info.size;
}

static gw_status cut_jobs(gw_diff *diff, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t nth = 0; nth < diff->order_count && status == GW_OK; nth++) {
    const gw_row *row = &diff->rows[diff->order[nth]];
    uint64_t elements, size = size_in(diff->a, row->a);
    diff->total += size + size_in(diff->b, row->b);
    status = elements_of(diff, row, &elements, error);
    if (status == GW_OK) status = gw__cuts_add(&diff->cuts, elements, piece_width(diff, row), size, error);
  }
  return status;
}

static int by_place(const void *a, const void *b, void *context) {
  const gw_diff *diff = context;
  uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
  const gw_entry *left = gw__bundle_at(diff->a, diff->rows[one].a), *right = gw__bundle_at(diff->a, diff->rows[other].a);
  if (left->shard != right->shard) return left->shard < right->shard ? -1 : 1;
  if (left->offset != right->offset) return left->offset < right->offset ? -1 : 1;
  return one < other ? -1 : one > other;
}

static gw_status list_work(gw_diff *diff, gw_error *error) {
  diff->order = gw__alloc_array(diff->row_count, sizeof *diff->order, error);
  if (!diff->order) return GW_NO_MEMORY;
  for (size_t i = 0; i < diff->row_count; i++)
    if (diff->rows[i].kind == GW_DIFF_SAME) diff->order[diff->order_count++] = (uint32_t)i;
  if (diff->order_count > 1) qsort_r(diff->order, diff->order_count, sizeof *diff->order, by_place, diff);
  /* Data files are opened here, by one thread, and only where they are needed. */
  gw_status status = diff->order_count > 0 ? gw_bundle_check_files(diff->a, error) : GW_OK;
  if (status == GW_OK && diff->order_count > 0) status = gw_bundle_check_files(diff->b, error);
  return status == GW_OK ? cut_jobs(diff, error) : status;
}

/* ---- Comparing what is stored */

static gw_status compare_stored(gw_diff *diff, gw_diff_worker *worker, const gw_entry *a, const gw_entry *b, bool *same, gw_error *error) {
  const gw_file *left, *right;
  gw_status status = gw__bundle_check_entry(diff->a, a, worker->a, CHUNK, error);
  if (status == GW_OK) status = gw__bundle_check_entry(diff->b, b, worker->b, CHUNK, error);
  if (status == GW_OK) status = gw__bundle_shard(diff->a, a->shard, &left, error);
  if (status == GW_OK) status = gw__bundle_shard(diff->b, b->shard, &right, error);
  *same = a->size == b->size;
  for (uint64_t done = 0; status == GW_OK && *same && done < a->size;) {
    size_t part = a->size - done < CHUNK ? (size_t)(a->size - done) : CHUNK;
    status = gw__file_read(left, a->offset + done, worker->a, part, error);
    if (status == GW_OK) status = gw__file_read(right, b->offset + done, worker->b, part, error);
    *same = status == GW_OK && memcmp(worker->a, worker->b, part) == 0;
    done += part;
  }
  return status;
}

/* Tensors of which slices are missing have no values, but the slices can be the same ones. */
static gw_status compare_slices(gw_diff *diff, gw_diff_worker *worker, const gw_entry *a, const gw_entry *b, bool *same, gw_error *error) {
  gw_status status = GW_OK;
  *same = a->parts && b->parts && a->parts->count == b->parts->count;
  for (size_t i = 0; *same && i < a->parts->count * a->rank; i++)
    *same = a->parts->starts[i] == b->parts->starts[i] && a->parts->lengths[i] == b->parts->lengths[i];
  for (size_t i = 0; *same && i < a->parts->count && status == GW_OK; i++)
    status = compare_stored(diff, worker, &diff->a->entries[a->parts->entries[i]], &diff->b->entries[b->parts->entries[i]], same, error);
  return status;
}

static gw_status compare_as_stored(gw_diff *diff, gw_diff_worker *worker, gw_row *row, gw_error *error) {
  const gw_entry *a = gw__bundle_at(diff->a, row->a), *b = gw__bundle_at(diff->b, row->b);
  bool same;
  gw_status status = (a->parts || b->parts ? compare_slices : compare_stored)(diff, worker, a, b, &same, error);
  if (status == GW_OK && !same) row->kind = GW_DIFF_VALUES;
  return status;
}

/* ---- Comparing values */

static gw_status compare_strings(gw_pair *pair, gw_error *error) {
  gw_span *a = NULL, *b = NULL;
  char *a_memory = NULL, *b_memory = NULL;
  gw_difference *difference = &pair->difference;
  gw_status status = gw_tensor_read_strings(pair->a, &a, &a_memory, error);
  if (status == GW_OK) status = gw_tensor_read_strings(pair->b, &b, &b_memory, error);
  for (uint64_t i = 0; status == GW_OK && i < pair->a->elements; i++)
    if (compare_spans(a[i], b[i]) != 0 && difference->count++ == 0) difference->place = i;
  difference->largest = (double)NAN;
  gw__free(a);
  gw__free(b);
  gw__free(a_memory);
  gw__free(b_memory);
  return status;
}

/* The pair of a row; *first says that this thread is the first to ask. */
static gw_status take_pair(gw_diff *diff, gw_row *row, bool *first, gw_pair **out, gw_error *error) {
  gw_status status = GW_OK;
  pthread_mutex_lock(&diff->lock);
  *first = row->pair == NULL;
  if (*first) {
    gw_pair *pair = row->pair = gw__alloc_array(1, sizeof *pair, error);
    if (!pair) status = GW_NO_MEMORY;
    if (status == GW_OK) status = gw_bundle_tensor(diff->a, row->a, &pair->a, error);
    if (status == GW_OK) status = gw_bundle_tensor(diff->b, row->b, &pair->b, error);
    if (status == GW_OK) pair->left = pair->a->elements;
    if (status != GW_OK && pair) {
      gw_tensor_release(pair->a);
      gw__free(pair);
      row->pair = NULL;
    }
  }
  *out = row->pair;
  pthread_mutex_unlock(&diff->lock);
  return status;
}

static void release_pair(gw_diff *diff, gw_row *row) {
  gw_pair *pair = row->pair;
  pthread_mutex_lock(&diff->lock);
  gw_tensor_release(pair->a);
  gw_tensor_release(pair->b);
  pair->a = pair->b = NULL;
  if (pair->difference.count > 0) {
    row->kind = GW_DIFF_VALUES;
  } else {
    gw__free(pair);
    row->pair = NULL;
  }
  pthread_mutex_unlock(&diff->lock);
}

static gw_status compare_range(gw_diff *diff, gw_diff_worker *worker, gw_pair *pair, uint64_t first, uint64_t count, bool *last,
                               gw_error *error) {
  gw_difference difference = {0};
  gw_leaf_sum sum_a = {0}, sum_b = {0};
  size_t width = gw_dtype_size(pair->a->dtype);
  gw_status status = GW_OK;
  for (uint64_t done = 0; done < count && status == GW_OK;) {
    size_t part = count - done < CHUNK / width ? (size_t)(count - done) : CHUNK / width;
    status = gw__eval_flat(&worker->eval_a, pair->a, first + done, part, worker->a, &sum_a, error);
    if (status == GW_OK) status = gw__eval_flat(&worker->eval_b, pair->b, first + done, part, worker->b, &sum_b, error);
    if (status == GW_OK) gw__compare(&difference, pair->a->dtype, worker->a, worker->b, first + done, part, diff->rtol, diff->atol);
    done += part;
    atomic_fetch_add(&diff->done, 2 * (uint64_t)part * width);
  }
  pthread_mutex_lock(&diff->lock);
  gw__difference_add(&pair->difference, &difference);
  pair->sum_a.bytes += sum_a.bytes;
  pair->sum_a.crc ^= sum_a.crc;
  pair->sum_b.bytes += sum_b.bytes;
  pair->sum_b.crc ^= sum_b.crc;
  pair->left -= count;
  *last = pair->left == 0;
  pthread_mutex_unlock(&diff->lock);
  return status;
}

static gw_status compare_values(gw_diff *diff, gw_diff_worker *worker, gw_row *row, uint64_t first, uint64_t count, gw_error *error) {
  gw_pair *pair;
  bool is_first, last = true;
  gw_status status = take_pair(diff, row, &is_first, &pair, error);
  if (status == GW_OK && pair->a->dtype == GW_DT_STRING) {
    status = compare_strings(pair, error);
  } else {
    if (status == GW_OK && is_first) status = gw__leaves_check(pair->a, error);
    if (status == GW_OK && is_first) status = gw__leaves_check(pair->b, error);
    if (status == GW_OK) status = compare_range(diff, worker, pair, first, count, &last, error);
    if (status == GW_OK && last) status = gw__sums_check(pair->a, &pair->sum_a, error);
    if (status == GW_OK && last) status = gw__sums_check(pair->b, &pair->sum_b, error);
  }
  if (status == GW_OK && last) release_pair(diff, row);
  return status;
}

static gw_status do_job(void *context, unsigned number, size_t job, gw_error *error) {
  gw_diff *diff = context;
  gw_diff_worker *worker = &diff->workers[number];
  gw_range range = {.nth = SIZE_MAX};
  gw_status status = GW_OK;
  while (status == GW_OK && gw__cuts_next(&diff->cuts, job, &range)) {
    gw_row *row = &diff->rows[diff->order[range.nth]];
    const gw_entry *a = gw__bundle_at(diff->a, row->a), *b = gw__bundle_at(diff->b, row->b);
    uint64_t elements;
    status = elements_of(diff, row, &elements, error);
    if (status != GW_OK) break;
    bool stored = is_stored(a, b);
    if (stored) status = compare_as_stored(diff, worker, row, error);
    else if (elements > 0)
      status = compare_values(diff, worker, row, range.first, (range.end < elements ? range.end : elements) - range.first, error);
    if (stored || a->dtype == GW_DT_STRING) atomic_fetch_add(&diff->done, size_in(diff->a, row->a) + size_in(diff->b, row->b));
  }
  return status;
}

/* ---- From outside */

static gw_status prepare(gw_diff *diff, const gw_diff_options *options, gw_error *error) {
  diff->worker_count = gw__pool_threads(options->threads);
  diff->workers = gw__alloc_array(diff->worker_count, sizeof *diff->workers, error);
  if (!diff->workers) return GW_NO_MEMORY;
  for (unsigned i = 0; i < diff->worker_count; i++) {
    gw_diff_worker *worker = &diff->workers[i];
    gw__eval_start(&worker->eval_a, 0);
    gw__eval_start(&worker->eval_b, 0);
    if (!(worker->a = gw__alloc_pages(CHUNK, error)) || !(worker->b = gw__alloc_pages(CHUNK, error))) return GW_NO_MEMORY;
  }
  gw_status status = list_rows(diff, options->which, error);
  if (status == GW_OK) status = find_twins(diff, error);
  return status == GW_OK ? list_work(diff, error) : status;
}

static bool is_tolerance(double value) { return value >= 0 && value < INFINITY; }

gw_status gw_diff_start(gw_bundle *a, gw_bundle *b, const gw_diff_options *options, gw_diff **out, gw_error *error) {
  *out = NULL;
  if (!is_tolerance(options->rtol) || !is_tolerance(options->atol))
    return gw__fail(error, GW_INVALID, "a tolerance is a finite number that is not negative");
  gw_diff *diff = gw__alloc_array(1, sizeof *diff, error);
  if (!diff) return GW_NO_MEMORY;
  pthread_mutex_init(&diff->lock, NULL);
  diff->a = gw_bundle_retain(a);
  diff->b = gw_bundle_retain(b);
  diff->rtol = options->rtol;
  diff->atol = options->atol;
  gw_status status = prepare(diff, options, error);
  if (status == GW_OK) {
    gw_pool_work work = {diff, diff->cuts.count, do_job, NULL};
    status = gw__pool_start(&work, diff->worker_count, &diff->pool, error);
  }
  if (status != GW_OK) {
    gw_diff_free(diff);
    return status;
  }
  *out = diff;
  return GW_OK;
}

gw_status gw_diff_wait(gw_diff *diff, unsigned milliseconds, bool *finished, gw_error *error) {
  return gw__pool_wait(diff->pool, milliseconds, finished, error);
}

void gw_diff_progress(gw_diff *diff, uint64_t *done, uint64_t *total) {
  *done = atomic_load(&diff->done);
  *total = diff->total;
}

void gw_diff_cancel(gw_diff *diff) { gw__pool_cancel(diff->pool); }

size_t gw_diff_count(const gw_diff *diff) { return diff->row_count; }

static size_t position(uint32_t number) { return number == NONE ? SIZE_MAX : number; }

void gw_diff_at(const gw_diff *diff, size_t index, gw_diff_row *out) {
  const gw_row *row = &diff->rows[index];
  const gw_entry *entry = entry_of(diff, row);
  *out = (gw_diff_row){.name = {entry->key, entry->key_size}, .kind = (gw_diff_kind)row->kind,
                       .a = position(row->a), .b = position(row->b), .twin = position(row->twin)};
  if (row->pair) out->difference = row->pair->difference;
}

void gw_diff_free(gw_diff *diff) {
  if (!diff) return;
  gw__pool_free(diff->pool);
  for (unsigned i = 0; diff->workers && i < diff->worker_count; i++) {
    gw__eval_end(&diff->workers[i].eval_a);
    gw__eval_end(&diff->workers[i].eval_b);
    gw__free(diff->workers[i].a);
    gw__free(diff->workers[i].b);
  }
  for (size_t i = 0; i < diff->row_count; i++) {
    if (!diff->rows[i].pair) continue;
    gw_tensor_release(diff->rows[i].pair->a);
    gw_tensor_release(diff->rows[i].pair->b);
    gw__free(diff->rows[i].pair);
  }
  gw__free(diff->workers);
  gw__free(diff->rows);
  gw__free(diff->order);
  gw__cuts_free(&diff->cuts);
  gw_bundle_release(diff->a);
  gw_bundle_release(diff->b);
  pthread_mutex_destroy(&diff->lock);
  gw__free(diff);
}

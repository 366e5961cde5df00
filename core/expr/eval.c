/* Evaluating expressions: a box (start and size per axis) or a flat range of a tensor is asked for, and each operation asks
 * its operands for theirs. Results are dense. An element's value never depends on the boxes in which it was asked for. */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "expr.h"

enum {
  DEFAULT_BUDGET = 1 << 19, /* half of a common second cache */
  SMALLEST_CHUNK = 256,     /* elements */
  LARGEST_CHUNK = 1 << 20,
  NEAR = 4096               /* bytes that are read along rather than left out */
};

/* ---- Scratch memory: a stack of blocks. What is taken after a mark goes back to it at once. */

struct gw_eval_block {
  gw_eval_block *below;
  size_t size, used;
  _Alignas(64) uint8_t data[];
};

typedef struct gw_mark {
  gw_eval_block *block;
  size_t used;
} gw_mark;

static gw_mark mark(const gw_eval *eval) { return (gw_mark){eval->blocks, eval->blocks ? eval->blocks->used : 0}; }

static void back_to(gw_eval *eval, gw_mark to) {
  while (eval->blocks && eval->blocks != to.block) {
    gw_eval_block *block = eval->blocks;
    if (!block->below && !to.block) { /* the first one stays: it is the one that nearly always is enough */
      block->used = 0;
      return;
    }
    eval->blocks = block->below;
    gw__free(block);
  }
  if (eval->blocks) eval->blocks->used = to.used;
}

static void *take(gw_eval *eval, size_t size, gw_error *error) {
  size = (size + 63) & ~(size_t)63;
  gw_eval_block *block = eval->blocks;
  if (!block || block->size - block->used < size) {
    size_t least = eval->budget + 16384;
    size_t room = size > least ? size : least;
    block = gw__alloc_pages(sizeof *block + room, error);
    if (!block) return NULL;
    *block = (gw_eval_block){.below = eval->blocks, .size = room};
    eval->blocks = block;
  }
  void *memory = block->data + block->used;
  block->used += size;
  return memory;
}

/* ---- Strings: their leaves are read whole, and their elements are spans */

struct gw_eval_strings {
  gw_eval_strings *next;
  const gw_tensor *leaf;
  gw_span *spans;
  char *memory;
};

static gw_status strings_of(gw_eval *eval, const gw_tensor *leaf, const gw_span **spans, gw_error *error) {
  for (gw_eval_strings *known = eval->strings; known; known = known->next)
    if (known->leaf == leaf) {
      *spans = known->spans;
      return GW_OK;
    }
  gw_eval_strings *added = gw__alloc_array(1, sizeof *added, error);
  if (!added) return GW_NO_MEMORY;
  gw_status status = gw_tensor_read_strings(leaf, &added->spans, &added->memory, error);
  if (status != GW_OK) {
    gw__free(added);
    return status;
  }
  added->leaf = leaf;
  added->next = eval->strings;
  eval->strings = added;
  *spans = added->spans;
  return GW_OK;
}

/* ---- Regions */

typedef struct gw_region {
  uint64_t first, count;       /* elements; `first` of a flat range */
  const int64_t *start, *size; /* of a box; NULL: a flat range */
} gw_region;

static gw_region flat_region(uint64_t first, uint64_t count) { return (gw_region){.first = first, .count = count}; }

static gw_region box_region(const gw_tensor *tensor, const int64_t *start, const int64_t *size) {
  gw_region region = {.count = 1, .start = start, .size = size};
  for (size_t i = 0; i < tensor->rank; i++) region.count *= (uint64_t)size[i];
  if (tensor->rank == 0) region.start = region.size = NULL;
  return region;
}

static size_t width_of(const gw_tensor *tensor) {
  return tensor->dtype == GW_DT_STRING ? sizeof(gw_span) : gw_dtype_size(tensor->dtype);
}

static gw_status pull(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error);
static gw_status pull_wide(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, float *out, gw_error *error);

/* A flat range is up to 2 * rank - 1 boxes. Gives the next one; false after the last. `next` moves on. */
static bool next_box(const gw_tensor *tensor, uint64_t *next, uint64_t end, int64_t *start, int64_t *size) {
  if (*next >= end) return false;
  uint64_t inner = 1, rest = *next, left = end - *next;
  size_t axis = tensor->rank;
  /* The outermost axis along which a step still fits, and inside of which everything begins at 0. */
  uint64_t step = 1;
  size_t along = tensor->rank;
  while (axis-- > 0) {
    uint64_t dim = (uint64_t)tensor->dims[axis];
    start[axis] = (int64_t)(rest % dim);
    rest /= dim;
    bool aligned = *next % inner == 0;
    if (aligned && inner <= left) {
      along = axis;
      step = inner;
    }
    inner *= dim;
  }
  for (size_t i = 0; i < tensor->rank; i++) size[i] = i < along ? 1 : tensor->dims[i];
  uint64_t most = (uint64_t)(tensor->dims[along] - start[along]), wanted = left / step;
  size[along] = (int64_t)(wanted < most ? wanted : most);
  *next += (uint64_t)size[along] * step;
  return true;
}

/* The flat runs of a box: consecutive elements that are consecutive in the tensor too. */
typedef struct gw_runs {
  const gw_tensor *tensor;
  const int64_t *start, *size;
  int64_t *at;          /* per axis outside of the runs */
  size_t outer;         /* how many axes those are */
  uint64_t length;      /* elements of a run */
  uint64_t first;       /* of the next run, in the tensor */
  bool done;
} gw_runs;

static gw_status runs_start(gw_runs *runs, gw_eval *eval, const gw_tensor *tensor, const gw_region *region, gw_error *error) {
  *runs = (gw_runs){.tensor = tensor, .start = region->start, .size = region->size, .length = 1, .done = region->count == 0};
  if (!region->start) {
    runs->first = region->first;
    runs->length = region->count;
    return GW_OK;
  }
  size_t axis = tensor->rank;
  while (axis > 0) {
    axis--;
    runs->length *= (uint64_t)region->size[axis];
    if (region->size[axis] != tensor->dims[axis]) break;
  }
  runs->outer = axis;
  runs->at = take(eval, (tensor->rank + 1) * sizeof *runs->at, error);
  if (!runs->at) return GW_NO_MEMORY;
  memset(runs->at, 0, (tensor->rank + 1) * sizeof *runs->at);
  uint64_t stride = 1;
  for (size_t i = tensor->rank; i-- > 0;) {
    runs->first += (uint64_t)region->start[i] * stride;
    stride *= (uint64_t)tensor->dims[i];
  }
  return GW_OK;
}

static void runs_next(gw_runs *runs) {
  if (!runs->start) {
    runs->done = true;
    return;
  }
  uint64_t stride = 1;
  size_t axis = runs->tensor->rank;
  while (axis > runs->outer) stride *= (uint64_t)runs->tensor->dims[--axis];
  while (axis-- > 0) {
    runs->first += stride;
    if (++runs->at[axis] < runs->size[axis]) return;
    runs->first -= stride * (uint64_t)runs->size[axis];
    runs->at[axis] = 0;
    stride *= (uint64_t)runs->tensor->dims[axis];
  }
  runs->done = true;
}

/* ---- What reads and what is made of nothing */

/* Sums up what is read of a leaf. Runs of a box are mostly equally far apart, so that one power moves them all. */
typedef struct gw_summing {
  gw_leaf_sum *sum;   /* NULL: nobody wants to know */
  uint64_t end;       /* of the last run, in bytes */
  uint32_t crc;       /* of the runs so far, as if what lies between them were zeros */
  uint64_t distance;
  uint32_t power;     /* of `distance` */
} gw_summing;

static gw_leaf_sum *sum_of(const gw_eval *eval, const gw_tensor *leaf) {
  if (!eval->sums) return NULL;
  for (size_t i = 0; i < eval->root->leaf_count; i++)
    if (eval->root->leaves[i].leaf == leaf) return gw__leaf_is_summed(&eval->root->leaves[i]) ? &eval->sums[i] : NULL;
  return NULL;
}

static void sum_run(gw_summing *summing, uint64_t begin, const void *bytes, size_t size) {
  uint64_t end = begin + size;
  if (summing->crc != 0 || summing->end != 0) {
    uint64_t distance = end - summing->end;
    if (distance != summing->distance) {
      summing->distance = distance;
      summing->power = gw__crc32c_power(distance);
    }
    summing->crc = gw__crc32c_move(summing->crc, summing->power);
  }
  summing->crc ^= gw__crc32c(bytes, size);
  summing->end = end;
  summing->sum->bytes += size;
}

static gw_status pull_leaf(gw_eval *eval, const gw_tensor *leaf, const gw_region *region, void *out, gw_error *error) {
  gw_runs runs;
  gw_mark start = mark(eval);
  gw_summing summing = {.sum = sum_of(eval, leaf)};
  size_t width = width_of(leaf);
  const gw_span *spans = NULL;
  uint8_t *to = out;
  gw_status status = leaf->dtype == GW_DT_STRING ? strings_of(eval, leaf, &spans, error) : GW_OK;
  if (status == GW_OK) status = runs_start(&runs, eval, leaf, region, error);
  while (status == GW_OK && !runs.done) {
    if (spans) memcpy(to, spans + runs.first, (size_t)runs.length * width);
    else status = leaf->ops->read(leaf->source, leaf->index, runs.first, runs.length, to, error);
    if (status == GW_OK && summing.sum) sum_run(&summing, runs.first * width, to, (size_t)runs.length * width);
    to += runs.length * width;
    runs_next(&runs);
  }
  if (status == GW_OK && summing.sum && summing.end > 0)
    summing.sum->crc ^= gw__crc32c_move(summing.crc, gw__crc32c_power(leaf->stored - summing.end));
  back_to(eval, start);
  return status;
}

static gw_status pull_constant(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  gw_runs runs;
  gw_mark start = mark(eval);
  size_t width = width_of(tensor);
  const gw_span *spans = NULL;
  uint8_t *to = out;
  gw_status status = tensor->dtype == GW_DT_STRING ? strings_of(eval, tensor, &spans, error) : GW_OK;
  if (status == GW_OK) status = runs_start(&runs, eval, tensor, region, error);
  const uint8_t *from = spans ? (const uint8_t *)spans : tensor->bytes;
  for (; status == GW_OK && !runs.done; runs_next(&runs)) {
    memcpy(to, from + runs.first * width, (size_t)runs.length * width);
    to += runs.length * width;
  }
  back_to(eval, start);
  return status;
}

static gw_status pull_random(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  gw_runs runs;
  gw_mark start = mark(eval);
  uint8_t *to = out;
  gw_status status = runs_start(&runs, eval, tensor, region, error);
  for (; status == GW_OK && !runs.done; runs_next(&runs)) {
    gw__random_fill(&tensor->how->random, tensor->dtype, runs.first, (size_t)runs.length, to);
    to += runs.length * width_of(tensor);
  }
  back_to(eval, start);
  return status;
}

/* ---- Element by element */

static bool is_small_float(const gw_tensor *tensor) { return tensor->dtype == GW_DT_HALF || tensor->dtype == GW_DT_BFLOAT16; }

static bool is_elementwise(const gw_tensor *tensor) {
  return tensor->op == GW_OP_UNARY || tensor->op == GW_OP_BINARY || tensor->op == GW_OP_CLIP;
}

/* In float32 where the dtype is smaller. */
static gw_status pull_as(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, bool wide, gw_error *error) {
  return wide ? pull_wide(eval, tensor, region, out, error) : pull(eval, tensor, region, out, error);
}

/* The part of an operand that belongs to a box of the result, with as many axes as the result. */
static gw_status pull_broadcast(gw_eval *eval, const gw_tensor *tensor, const gw_tensor *operand, const gw_region *region, void *out,
                                bool wide, gw_error *error) {
  gw_mark before = mark(eval);
  size_t rank = tensor->rank, missing = rank - operand->rank;
  int64_t *start = take(eval, 2 * (rank + 1) * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  int64_t *size = start + rank + 1;
  for (size_t i = 0; i < rank; i++) {
    bool repeated = i < missing || operand->dims[i - missing] == 1;
    start[i] = repeated || !region->start ? 0 : region->start[i];
    size[i] = repeated || !region->start ? 1 : region->size[i];
  }
  gw_region part = box_region(operand, start + missing, size + missing);
  size_t width = wide ? sizeof(float) : width_of(operand);
  void *dense = take(eval, (size_t)part.count * width, error);
  gw_status status = dense ? pull_as(eval, operand, &part, dense, wide, error) : GW_NO_MEMORY;
  if (status == GW_OK) {
    if (part.count == 1) gw__move_fill(width, dense, out, (size_t)region->count);
    else gw__move_broadcast(width, rank, size, dense, region->size, out);
  }
  back_to(eval, before);
  return status;
}

static gw_status pull_operand(gw_eval *eval, const gw_tensor *tensor, const gw_tensor *operand, const gw_region *region, void *out,
                              bool wide, gw_error *error) {
  if (gw__shape_equal(operand->rank, operand->dims, tensor->rank, tensor->dims)) return pull_as(eval, operand, region, out, wide, error);
  return pull_broadcast(eval, tensor, operand, region, out, wide, error);
}

static gw_status compute_binary(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, bool wide, gw_error *error) {
  const gw_how *how = tensor->how;
  gw_mark start = mark(eval);
  gw_status status = pull_operand(eval, tensor, how->operands[0], region, out, wide, error);
  if (status != GW_OK) return status;
  void *other = take(eval, (size_t)region->count * (wide ? sizeof(float) : width_of(tensor)), error);
  status = other ? pull_operand(eval, tensor, how->operands[1], region, other, wide, error) : GW_NO_MEMORY;
  if (status == GW_OK)
    gw__binary((gw_binary)how->function, wide ? GW_DT_FLOAT : tensor->dtype)(out, out, other, (size_t)region->count);
  back_to(eval, start);
  return status;
}

static gw_status compute_clip(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, bool wide, gw_error *error) {
  const gw_how *how = tensor->how;
  _Alignas(16) uint8_t low[16], high[16];
  memcpy(low, how->low, sizeof low);
  memcpy(high, how->high, sizeof high);
  if (wide) {
    gw__convert(tensor->dtype, GW_DT_FLOAT, low, how->low, 1);
    gw__convert(tensor->dtype, GW_DT_FLOAT, high, how->high, 1);
  }
  gw_status status = pull_as(eval, how->operands[0], region, out, wide, error);
  if (status == GW_OK) gw__clip(wide ? GW_DT_FLOAT : tensor->dtype)(out, out, (size_t)region->count, low, high);
  return status;
}

static gw_status compute_unary(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, bool wide, gw_error *error) {
  const gw_tensor *operand = tensor->how->operands[0];
  gw_unary_kernel kernel = gw__unary((gw_unary)tensor->how->function, wide ? GW_DT_FLOAT : operand->dtype);
  gw_mark start = mark(eval);
  /* The absolute values of complex numbers are smaller than these. */
  void *in = wide || width_of(operand) == width_of(tensor) ? out : take(eval, (size_t)region->count * width_of(operand), error);
  gw_status status = in ? pull_as(eval, operand, region, in, wide, error) : GW_NO_MEMORY;
  if (status == GW_OK) kernel(out, in, (size_t)region->count);
  back_to(eval, start);
  return status;
}

/* A broadcast wants boxes; one that repeats a single number does not care. */
static bool wants_box(const gw_tensor *tensor) {
  if (tensor->op != GW_OP_BINARY) return false;
  for (size_t i = 0; i < 2; i++) {
    const gw_tensor *operand = tensor->how->operands[i];
    if (operand->elements != 1 && !gw__shape_equal(operand->rank, operand->dims, tensor->rank, tensor->dims)) return true;
  }
  return false;
}

static gw_status compute(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, bool wide, gw_error *error) {
  if (!region->start && tensor->rank > 0 && wants_box(tensor)) {
    gw_mark before = mark(eval);
    int64_t *start = take(eval, 2 * tensor->rank * sizeof *start, error);
    gw_status status = start ? GW_OK : GW_NO_MEMORY;
    uint8_t *to = out;
    for (uint64_t next = region->first; status == GW_OK && next_box(tensor, &next, region->first + region->count, start, start + tensor->rank);) {
      gw_region box = box_region(tensor, start, start + tensor->rank);
      status = compute(eval, tensor, &box, to, wide, error);
      to += box.count * (wide ? sizeof(float) : width_of(tensor));
    }
    back_to(eval, before);
    return status;
  }
  if (tensor->op == GW_OP_BINARY) return compute_binary(eval, tensor, region, out, wide, error);
  if (tensor->op == GW_OP_CLIP) return compute_clip(eval, tensor, region, out, wide, error);
  return compute_unary(eval, tensor, region, out, wide, error);
}

/* float16 and bfloat16 stay float32 until the chain of operations ends. */
static gw_status pull_wide(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, float *out, gw_error *error) {
  if (is_elementwise(tensor)) return compute(eval, tensor, region, out, true, error);
  gw_mark start = mark(eval);
  void *narrow = take(eval, (size_t)region->count * width_of(tensor), error);
  gw_status status = narrow ? pull(eval, tensor, region, narrow, error) : GW_NO_MEMORY;
  if (status == GW_OK) gw__convert(tensor->dtype, GW_DT_FLOAT, out, narrow, (size_t)region->count);
  back_to(eval, start);
  return status;
}

static gw_status pull_elementwise(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  if (!is_small_float(tensor)) return compute(eval, tensor, region, out, false, error);
  gw_mark start = mark(eval);
  float *wide = take(eval, (size_t)region->count * sizeof *wide, error);
  gw_status status = wide ? compute(eval, tensor, region, wide, true, error) : GW_NO_MEMORY;
  if (status == GW_OK) gw__convert(GW_DT_FLOAT, tensor->dtype, out, wide, (size_t)region->count);
  back_to(eval, start);
  return status;
}

static gw_status pull_cast(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_tensor *operand = tensor->how->operands[0];
  gw_mark start = mark(eval);
  void *in = take(eval, (size_t)region->count * width_of(operand), error);
  gw_status status = in ? pull(eval, operand, region, in, error) : GW_NO_MEMORY;
  if (status == GW_OK) gw__convert(operand->dtype, tensor->dtype, out, in, (size_t)region->count);
  back_to(eval, start);
  return status;
}

static gw_status pull_mean(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_how *how = tensor->how;
  gw_mean mean;
  gw_mark start = mark(eval);
  size_t count = (size_t)region->count;
  void *in = take(eval, count * width_of(tensor), error);
  void *memory = take(eval, gw__mean_memory(tensor->dtype, how->weights != NULL, count), error);
  gw_status status = in && memory ? GW_OK : GW_NO_MEMORY;
  if (status == GW_OK) gw__mean_start(&mean, tensor->dtype, how->weights != NULL, count, memory);
  for (size_t i = 0; i < how->operand_count && status == GW_OK; i++) {
    status = pull(eval, how->operands[i], region, in, error);
    if (status == GW_OK) gw__mean_add(&mean, in, how->weights ? how->weights[i] : 1);
  }
  if (status == GW_OK) gw__mean_end(&mean, out);
  back_to(eval, start);
  return status;
}

/* ---- The same elements in another place. These want boxes. */

/* Maps a box of a reshaped tensor to one of its operand, where that is one: axes are taken in groups of equal products, and
 * the part of the box in each group has to be a flat range that is a box on the other side too. */
static bool map_reshape(const gw_tensor *tensor, const gw_tensor *operand, const gw_region *region, int64_t *start, int64_t *size) {
  size_t i = 0, j = 0;
  while (i < tensor->rank || j < operand->rank) {
    size_t i0 = i, j0 = j;
    uint64_t left = 1, right = 1;
    do {
      bool ours = i < tensor->rank && (left <= right || j == operand->rank);
      if (ours) left *= (uint64_t)tensor->dims[i++];
      else right *= (uint64_t)operand->dims[j++];
    } while (left != right && (i < tensor->rank || j < operand->rank));
    /* The flat range within the group. */
    uint64_t first = 0, count = 1;
    bool inside = false; /* an axis of more than one element was met: those after it must be whole */
    for (size_t k = i0; k < i; k++) {
      if (inside && region->size[k] != tensor->dims[k]) return false;
      if (region->size[k] > 1) inside = true;
      first = first * (uint64_t)tensor->dims[k] + (uint64_t)region->start[k];
      count *= (uint64_t)region->size[k];
    }
    uint64_t inner = 1;
    for (size_t k = j; k-- > j0;) {
      uint64_t dim = (uint64_t)operand->dims[k];
      uint64_t at = first / inner % dim;
      start[k] = (int64_t)at;
      uint64_t part = count / inner;
      if (part == 0) part = 1; /* further out than the range reaches */
      bool whole = part >= dim;
      if (whole && (at != 0 || part % dim != 0)) return false;
      if (!whole && at + part > dim) return false;
      if (count >= inner && count % inner != 0) return false;
      size[k] = (int64_t)(whole ? dim : part);
      inner *= dim;
    }
  }
  return true;
}

static gw_status pull_reshape(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_tensor *operand = tensor->how->operands[0];
  if (!region->start) return pull(eval, operand, region, out, error);
  gw_mark before = mark(eval);
  int64_t *start = take(eval, 2 * (operand->rank + 1) * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  if (map_reshape(tensor, operand, region, start, start + operand->rank)) {
    gw_region box = box_region(operand, start, start + operand->rank);
    status = pull(eval, operand, &box, out, error);
  } else {
    gw_runs runs;
    uint8_t *to = out;
    status = runs_start(&runs, eval, tensor, region, error);
    for (; status == GW_OK && !runs.done; runs_next(&runs)) {
      gw_region flat = flat_region(runs.first, runs.length);
      status = pull(eval, operand, &flat, to, error);
      to += runs.length * width_of(tensor);
    }
  }
  back_to(eval, before);
  return status;
}

static gw_status pull_transpose(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_tensor *operand = tensor->how->operands[0];
  const int64_t *perm = tensor->how->numbers;
  gw_mark before = mark(eval);
  int64_t *start = take(eval, 2 * tensor->rank * sizeof *start, error);
  void *in = take(eval, (size_t)region->count * width_of(tensor), error);
  if (!start || !in) {
    back_to(eval, before);
    return GW_NO_MEMORY;
  }
  int64_t *size = start + tensor->rank;
  for (size_t i = 0; i < tensor->rank; i++) {
    start[perm[i]] = region->start[i];
    size[perm[i]] = region->size[i];
  }
  gw_region box = box_region(operand, start, size);
  gw_status status = pull(eval, operand, &box, in, error);
  if (status == GW_OK) gw__move_axes(width_of(tensor), tensor->rank, size, perm, in, out);
  back_to(eval, before);
  return status;
}

static gw_status pull_slice(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  gw_mark before = mark(eval);
  int64_t *start = take(eval, tensor->rank * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  for (size_t i = 0; i < tensor->rank; i++) start[i] = region->start[i] + tensor->how->numbers[i];
  gw_region box = box_region(tensor->how->operands[0], start, region->size);
  gw_status status = pull(eval, tensor->how->operands[0], &box, out, error);
  back_to(eval, before);
  return status;
}

/* Elements before and behind an axis, in a box. */
static void around(const gw_tensor *tensor, const int64_t *size, int64_t axis, uint64_t *outer, uint64_t *inner) {
  *outer = *inner = 1;
  for (size_t i = 0; i < tensor->rank; i++) {
    if ((int64_t)i < axis) *outer *= (uint64_t)size[i];
    if ((int64_t)i > axis) *inner *= (uint64_t)size[i];
  }
}

static gw_status pull_concat(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_how *how = tensor->how;
  size_t rank = tensor->rank, axis = (size_t)how->axis, width = width_of(tensor);
  uint64_t outer, inner;
  gw_mark before = mark(eval);
  int64_t *start = take(eval, 3 * rank * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  int64_t *size = start + rank, *at = size + rank;
  around(tensor, region->size, how->axis, &outer, &inner);
  memset(at, 0, rank * sizeof *at);
  gw_status status = GW_OK;
  int64_t begin = region->start[axis], end = begin + region->size[axis], position = 0;
  for (size_t i = 0; i < how->operand_count && position < end && status == GW_OK; i++) {
    const gw_tensor *operand = how->operands[i];
    int64_t length = operand->dims[axis], from = begin > position ? begin : position;
    int64_t to = end < position + length ? end : position + length;
    if (to > from) {
      gw_mark part_before = mark(eval);
      memcpy(start, region->start, rank * sizeof *start);
      memcpy(size, region->size, rank * sizeof *size);
      start[axis] = from - position;
      size[axis] = to - from;
      at[axis] = from - begin;
      gw_region box = box_region(operand, start, size);
      uint8_t *place = outer == 1 ? (uint8_t *)out + (uint64_t)at[axis] * inner * width : take(eval, (size_t)box.count * width, error);
      status = place ? pull(eval, operand, &box, place, error) : GW_NO_MEMORY;
      if (status == GW_OK && outer > 1) gw__move_into(width, rank, size, place, region->size, at, out);
      back_to(eval, part_before);
    }
    position += length;
  }
  back_to(eval, before);
  return status;
}

static gw_status pull_pad(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_tensor *operand = tensor->how->operands[0];
  size_t rank = tensor->rank, width = width_of(tensor);
  gw_mark before = mark(eval);
  int64_t *start = take(eval, 3 * rank * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  int64_t *size = start + rank, *at = size + rank;
  bool empty = false;
  for (size_t i = 0; i < rank; i++) {
    int64_t begin = region->start[i] - tensor->how->numbers[i], end = begin + region->size[i];
    start[i] = begin > 0 ? begin : 0;
    size[i] = (end < operand->dims[i] ? end : operand->dims[i]) - start[i];
    at[i] = start[i] - begin;
    empty = empty || size[i] <= 0;
  }
  gw_status status = GW_OK;
  if (empty) {
    gw__move_fill(width, tensor->how->low, out, (size_t)region->count);
  } else {
    gw_region box = box_region(operand, start, size);
    bool all = box.count == region->count;
    void *place = all ? out : take(eval, (size_t)box.count * width, error);
    if (!all) gw__move_fill(width, tensor->how->low, out, (size_t)region->count);
    status = place ? pull(eval, operand, &box, place, error) : GW_NO_MEMORY;
    if (status == GW_OK && !all) gw__move_into(width, rank, size, place, region->size, at, out);
  }
  back_to(eval, before);
  return status;
}

/* ---- Gather: indices in ascending order, those that are near each other read together */

typedef struct gw_gathering {
  const gw_tensor *tensor;
  const gw_region *region;
  const int64_t *indices; /* all of the operation's */
  const int64_t *order;   /* places (in the result) of those in the box that are not missing, by ascending index */
  int64_t *start, *size;  /* of the operand's box */
  uint64_t outer, inner;  /* elements of the box before and behind the axis */
  bool whole;             /* the box has all indices: what is read along is read only once */
} gw_gathering;

typedef struct gw_place {
  int64_t index, place;
} gw_place;

static int by_index(const void *a, const void *b) {
  const gw_place *left = a, *right = b;
  if (left->index != right->index) return left->index < right->index ? -1 : 1;
  return left->place < right->place ? -1 : left->place > right->place;
}

/* Places in the box by ascending index; *count without those that are missing. */
static const int64_t *places_in(gw_eval *eval, const gw_tensor *tensor, int64_t begin, int64_t length, int64_t *count, gw_error *error) {
  const gw_how *how = tensor->how;
  const int64_t *indices = how->numbers;
  int64_t all = tensor->dims[how->axis];
  *count = length;
  if (length == all && how->number_count > (size_t)all) {
    const int64_t *order = indices + all;
    while (*count > 0 && indices[order[0]] < 0) order++, --*count;
    return order;
  }
  int64_t *places = take(eval, (size_t)length * sizeof *places, error);
  if (!places) return NULL;
  bool sorted = true;
  *count = 0;
  for (int64_t i = begin; i < begin + length; i++) {
    if (indices[i] < 0) continue;
    sorted = sorted && (*count == 0 || indices[places[*count - 1]] <= indices[i]);
    places[(*count)++] = i;
  }
  if (sorted) return places;
  gw_mark before = mark(eval);
  gw_place *pairs = take(eval, (size_t)*count * sizeof *pairs, error);
  if (!pairs) return NULL;
  for (int64_t i = 0; i < *count; i++) pairs[i] = (gw_place){indices[places[i]], places[i]};
  qsort(pairs, (size_t)*count, sizeof *pairs, by_index);
  for (int64_t i = 0; i < *count; i++) places[i] = pairs[i].place;
  back_to(eval, before);
  return places;
}

/* How many of the places from `from` on lie in one run of the operand. */
static int64_t run_length(const gw_gathering *gathering, int64_t from, int64_t count, uint64_t limit) {
  const int64_t *order = gathering->order, *indices = gathering->indices;
  uint64_t row = gathering->inner * width_of(gathering->tensor);
  int64_t length = 1, first = indices[order[from]];
  while (from + length < count) {
    int64_t step = indices[order[from + length]] - indices[order[from + length - 1]];
    if (step > 1 && (!gathering->whole || (uint64_t)(step - 1) * row > NEAR)) break;
    uint64_t elements = (uint64_t)(indices[order[from + length]] - first + 1) * gathering->outer * gathering->inner;
    if (elements > limit) break;
    length++;
  }
  return length;
}

static void spread(const gw_gathering *gathering, const int64_t *order, int64_t length, const uint8_t *in, uint8_t *out) {
  size_t axis = (size_t)gathering->tensor->how->axis;
  uint64_t row = gathering->inner * width_of(gathering->tensor);
  int64_t first = gathering->start[axis], begin = gathering->region->start[axis];
  for (uint64_t i = 0; i < gathering->outer; i++) {
    const uint8_t *from = in + i * (uint64_t)gathering->size[axis] * row;
    uint8_t *to = out + i * (uint64_t)gathering->region->size[axis] * row;
    if (row == 4) { /* columns of float32 */
      for (int64_t j = 0; j < length; j++)
        memcpy(to + (order[j] - begin) * 4, from + (gathering->indices[order[j]] - first) * 4, 4);
      continue;
    }
    for (int64_t j = 0; j < length; j++)
      memcpy(to + (uint64_t)(order[j] - begin) * row, from + (uint64_t)(gathering->indices[order[j]] - first) * row, row);
  }
}

static bool in_sequence(const gw_gathering *gathering, const int64_t *order, int64_t length) {
  for (int64_t i = 1; i < length; i++)
    if (order[i] != order[i - 1] + 1 || gathering->indices[order[i]] != gathering->indices[order[i - 1]] + 1) return false;
  return true;
}

/* Fills the box's places from `from` to `to` along the axis with what is there for missing ones. */
static gw_status fill_missing(gw_eval *eval, const gw_gathering *gathering, int64_t from, int64_t to, void *out, gw_error *error) {
  const gw_tensor *tensor = gathering->tensor, *missing = tensor->how->operands[1];
  const gw_region *region = gathering->region;
  size_t rank = tensor->rank, axis = (size_t)tensor->how->axis, width = width_of(tensor);
  uint64_t row = gathering->inner * width, count = (uint64_t)(to - from) * gathering->inner;
  gw_mark before = mark(eval);
  int64_t *start = take(eval, 3 * rank * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  int64_t *size = start + rank, *at = size + rank;
  memcpy(start, region->start, rank * sizeof *start);
  memcpy(size, region->size, rank * sizeof *size);
  memset(at, 0, rank * sizeof *at);
  start[axis] = from;
  size[axis] = to - from;
  at[axis] = from - region->start[axis];
  uint8_t *first = (uint8_t *)out + (uint64_t)at[axis] * row;
  gw_status status;
  if (missing->rank == 0) {
    _Alignas(16) uint8_t element[16];
    gw_region one = flat_region(0, 1);
    status = pull(eval, missing, &one, element, error);
    for (uint64_t i = 0; i < gathering->outer && status == GW_OK; i++)
      gw__move_fill(width, element, first + i * (uint64_t)region->size[axis] * row, (size_t)count);
  } else {
    gw_region box = box_region(missing, start, size);
    void *place = gathering->outer == 1 ? first : take(eval, (size_t)box.count * width, error);
    status = place ? pull(eval, missing, &box, place, error) : GW_NO_MEMORY;
    if (status == GW_OK && gathering->outer > 1) gw__move_into(width, rank, size, place, region->size, at, out);
  }
  back_to(eval, before);
  return status;
}

static gw_status pull_missing(gw_eval *eval, const gw_gathering *gathering, void *out, gw_error *error) {
  size_t axis = (size_t)gathering->tensor->how->axis;
  int64_t begin = gathering->region->start[axis], end = begin + gathering->region->size[axis];
  gw_status status = GW_OK;
  for (int64_t from = begin, to; from < end && status == GW_OK; from = to) {
    to = from + 1;
    if (gathering->indices[from] >= 0) continue;
    while (to < end && gathering->indices[to] < 0) to++;
    status = fill_missing(eval, gathering, from, to, out, error);
  }
  return status;
}

static gw_status pull_gather(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  const gw_tensor *operand = tensor->how->operands[0];
  size_t rank = tensor->rank, axis = (size_t)tensor->how->axis, width = width_of(tensor);
  int64_t places;
  gw_mark before = mark(eval);
  gw_gathering gathering = {.tensor = tensor, .region = region, .indices = tensor->how->numbers};
  gathering.start = take(eval, 2 * rank * sizeof(int64_t), error);
  gathering.order = places_in(eval, tensor, region->start[axis], region->size[axis], &places, error);
  if (!gathering.start || !gathering.order) {
    back_to(eval, before);
    return GW_NO_MEMORY;
  }
  gathering.size = gathering.start + rank;
  gathering.whole = region->size[axis] == tensor->dims[axis];
  memcpy(gathering.start, region->start, rank * sizeof(int64_t));
  memcpy(gathering.size, region->size, rank * sizeof(int64_t));
  around(tensor, region->size, tensor->how->axis, &gathering.outer, &gathering.inner);
  uint64_t limit = 2 * region->count + SMALLEST_CHUNK;
  gw_status status = places < region->size[axis] ? pull_missing(eval, &gathering, out, error) : GW_OK;
  for (int64_t from = 0, length; from < places && status == GW_OK; from += length) {
    const int64_t *order = gathering.order + from;
    gw_mark run_before = mark(eval);
    length = run_length(&gathering, from, places, limit);
    gathering.start[axis] = gathering.indices[order[0]];
    gathering.size[axis] = gathering.indices[order[length - 1]] - gathering.start[axis] + 1;
    gw_region box = box_region(operand, gathering.start, gathering.size);
    if (gathering.outer == 1 && in_sequence(&gathering, order, length)) {
      status = pull(eval, operand, &box, (uint8_t *)out + (uint64_t)(order[0] - region->start[axis]) * gathering.inner * width, error);
    } else {
      void *in = take(eval, (size_t)box.count * width, error);
      status = in ? pull(eval, operand, &box, in, error) : GW_NO_MEMORY;
      if (status == GW_OK) spread(&gathering, order, length, in, out);
    }
    back_to(eval, run_before);
  }
  back_to(eval, before);
  return status;
}

/* ---- Dispatch */

typedef gw_status (*gw_pull)(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error);

static gw_status in_boxes(gw_pull by_box, gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  gw_mark before = mark(eval);
  int64_t *start = take(eval, 2 * tensor->rank * sizeof *start, error);
  if (!start) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  uint8_t *to = out;
  for (uint64_t next = region->first; status == GW_OK && next_box(tensor, &next, region->first + region->count, start, start + tensor->rank);) {
    gw_region box = {.count = 1, .start = start, .size = start + tensor->rank};
    for (size_t i = 0; i < tensor->rank; i++) box.count *= (uint64_t)box.size[i];
    status = by_box(eval, tensor, &box, to, error);
    to += box.count * width_of(tensor);
  }
  back_to(eval, before);
  return status;
}

static gw_status pull(gw_eval *eval, const gw_tensor *tensor, const gw_region *region, void *out, gw_error *error) {
  gw_pull by_box;
  if (region->count == 0) return GW_OK;
  switch (tensor->op) {
    case GW_OP_LEAF: return pull_leaf(eval, tensor, region, out, error);
    case GW_OP_CONSTANT: return pull_constant(eval, tensor, region, out, error);
    case GW_OP_FILL: gw__move_fill(width_of(tensor), tensor->bytes, out, (size_t)region->count); return GW_OK;
    case GW_OP_RANDOM: return pull_random(eval, tensor, region, out, error);
    case GW_OP_CAST: return pull_cast(eval, tensor, region, out, error);
    case GW_OP_UNARY: case GW_OP_BINARY: case GW_OP_CLIP: return pull_elementwise(eval, tensor, region, out, error);
    case GW_OP_MEAN: return pull_mean(eval, tensor, region, out, error);
    case GW_OP_RESHAPE: return pull_reshape(eval, tensor, region, out, error);
    case GW_OP_PARTITION: return pull(eval, tensor->how->operands[0], region, out, error);
    case GW_OP_TRANSPOSE: by_box = pull_transpose; break;
    case GW_OP_SLICE: by_box = pull_slice; break;
    case GW_OP_GATHER: by_box = pull_gather; break;
    case GW_OP_PAD: by_box = pull_pad; break;
    default: by_box = pull_concat;
  }
  return region->start ? by_box(eval, tensor, region, out, error) : in_boxes(by_box, eval, tensor, region, out, error);
}

/* ---- From outside: whatever the size, in chunks that the scratch memory holds */

void gw__eval_start(gw_eval *eval, size_t budget) { *eval = (gw_eval){.budget = budget ? budget : DEFAULT_BUDGET}; }

void gw__eval_end(gw_eval *eval) {
  while (eval->blocks) {
    gw_eval_block *block = eval->blocks;
    eval->blocks = block->below;
    gw__free(block);
  }
  while (eval->strings) {
    gw_eval_strings *strings = eval->strings;
    eval->strings = strings->next;
    gw__free(strings->spans);
    gw__free(strings->memory);
    gw__free(strings);
  }
}

static uint64_t chunk_of(const gw_eval *eval, const gw_tensor *tensor) {
  uint64_t chunk = eval->budget / (width_of(tensor) + tensor->scratch);
  return chunk < SMALLEST_CHUNK ? SMALLEST_CHUNK : chunk > LARGEST_CHUNK ? LARGEST_CHUNK : chunk;
}

gw_status gw__eval_flat(gw_eval *eval, const gw_tensor *tensor, uint64_t first, uint64_t count, void *out, gw_leaf_sum *sums,
                        gw_error *error) {
  size_t width = width_of(tensor);
  uint64_t chunk = chunk_of(eval, tensor);
  /* Kernels want elements where the machine does; a leaf is only bytes. */
  bool aligned = (uintptr_t)out % 16 == 0 || tensor->op == GW_OP_LEAF;
  gw_mark start = mark(eval);
  uint8_t *to = out;
  gw_status status = GW_OK;
  eval->root = tensor;
  eval->sums = sums;
  void *place = aligned ? NULL : take(eval, (size_t)(count < chunk ? count : chunk) * width, error);
  if (!aligned && !place) return GW_NO_MEMORY;
  for (uint64_t done = 0; done < count && status == GW_OK; done += chunk) {
    gw_region part = flat_region(first + done, count - done < chunk ? count - done : chunk);
    status = pull(eval, tensor, &part, place ? place : to, error);
    if (place && status == GW_OK) memcpy(to, place, (size_t)part.count * width);
    to += part.count * width;
  }
  back_to(eval, start);
  return status;
}

gw_status gw__eval_box(gw_eval *eval, const gw_tensor *tensor, const int64_t *start, const int64_t *size, void *out,
                       gw_leaf_sum *sums, gw_error *error) {
  size_t rank = tensor->rank, width = width_of(tensor);
  gw_region all = box_region(tensor, start, size);
  uint64_t chunk = chunk_of(eval, tensor);
  eval->root = tensor;
  eval->sums = sums;
  if (all.count <= chunk) return pull(eval, tensor, &all, out, error);
  gw_access access;
  gw_mark before = mark(eval);
  gw_status status = gw__access_of(tensor, &access, error);
  if (status != GW_OK) return status;
  int64_t *at = take(eval, 4 * rank * sizeof *at, error);
  if (!at) status = GW_NO_MEMORY;
  int64_t *step = at + rank, *from = step + rank, *part = from + rank;
  if (status == GW_OK) {
    memset(at, 0, rank * sizeof *at);
    gw__access_shape(tensor, &access, size, chunk, false, step);
  }
  for (size_t axis = 0; status == GW_OK && axis != SIZE_MAX;) {
    gw_mark part_before = mark(eval);
    for (size_t i = 0; i < rank; i++) {
      from[i] = start[i] + at[i];
      part[i] = size[i] - at[i] < step[i] ? size[i] - at[i] : step[i];
    }
    gw_region box = box_region(tensor, from, part);
    void *place = take(eval, (size_t)box.count * width, error);
    status = place ? pull(eval, tensor, &box, place, error) : GW_NO_MEMORY;
    if (status == GW_OK) gw__move_into(width, rank, part, place, size, at, out);
    back_to(eval, part_before);
    for (axis = rank; axis-- > 0;) {
      at[axis] += step[axis];
      if (at[axis] < size[axis]) break;
      at[axis] = 0;
    }
  }
  back_to(eval, before);
  gw__access_free(&access);
  return status;
}

/* ---- Checksums */

bool gw__leaf_is_summed(const gw_leaf_use *use) {
  uint32_t crc;
  return use->once && use->leaf->ops->plain_crc(use->leaf->source, use->leaf->index, &crc);
}

gw_status gw__sums_check(const gw_tensor *tensor, const gw_leaf_sum *sums, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < tensor->leaf_count && status == GW_OK; i++) {
    const gw_tensor *leaf = tensor->leaves[i].leaf;
    uint32_t crc;
    if (!gw__leaf_is_summed(&tensor->leaves[i]) || !leaf->ops->plain_crc(leaf->source, leaf->index, &crc)) continue;
    if (sums[i].bytes != leaf->stored) status = leaf->ops->check(leaf->source, leaf->index, error);
    else if (sums[i].crc != crc) status = leaf->ops->mismatch(leaf->source, leaf->index, sums[i].crc, error);
  }
  return status;
}

gw_status gw__leaves_check(const gw_tensor *tensor, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < tensor->leaf_count && status == GW_OK; i++) {
    const gw_tensor *leaf = tensor->leaves[i].leaf;
    /* Strings are checked whenever they are read. */
    if (leaf->dtype != GW_DT_STRING && !gw__leaf_is_summed(&tensor->leaves[i])) status = leaf->ops->check(leaf->source, leaf->index, error);
  }
  return status;
}

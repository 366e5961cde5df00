/* In which boxes a tensor is best evaluated: what lies together in a file should be read together, and what lies together in
 * the result written together. Only speed depends on it. */
#include <string.h>

#include "../base/alloc.h"
#include "../tensor/tensor.h"
#include "expr.h"

enum {
  RUN = 4096,   /* bytes that are worth a system call of their own: a page */
  BESIDE = 64   /* elements of the result that a box in the caches should have side by side */
};

static void row_major(const gw_tensor *tensor, gw_access *access) {
  double stride = 1;
  for (size_t i = tensor->rank; i-- > 0;) {
    access->strides[i] = stride;
    access->whole[i] = false;
    stride *= (double)tensor->dims[i];
  }
}

/* The operand whose places in its file matter most: the largest, which for operations element by element has the shape of
 * the result. NULL: it does not matter. */
static const gw_tensor *main_operand(const gw_tensor *tensor) {
  const gw_tensor *largest = NULL;
  const gw_how *how = tensor->how;
  for (size_t i = 0; how && i < how->operand_count; i++) {
    const gw_tensor *operand = how->operands[i];
    if (operand->leaf_count == 0 || operand->dtype == GW_DT_STRING) continue;
    if (tensor->op == GW_OP_GATHER && i > 0) break; /* what fills gaps is rarely read */
    if (tensor->op == GW_OP_BINARY && !gw__shape_equal(operand->rank, operand->dims, tensor->rank, tensor->dims)) continue;
    if (!largest || operand->elements > largest->elements) largest = operand;
  }
  return largest;
}

/* Axes in groups of equal products share a place: the innermost stride of a group counts. */
static void through_reshape(const gw_tensor *tensor, const gw_tensor *operand, const gw_access *from, gw_access *to) {
  size_t i = tensor->rank, j = operand->rank;
  while (i > 0) {
    uint64_t left = (uint64_t)tensor->dims[i - 1], right = 1;
    size_t last = i--;
    bool whole = false;
    double stride = 0;
    do {
      if (right <= left && j > 0) {
        j--;
        right *= (uint64_t)operand->dims[j];
        whole = whole || from->whole[j];
        if (operand->dims[j] > 1 && (stride == 0 || from->strides[j] < stride)) stride = from->strides[j];
      } else if (i > 0) {
        left *= (uint64_t)tensor->dims[--i];
      } else {
        break;
      }
    } while (left != right);
    if (stride == 0) stride = 1;
    for (size_t k = last; k-- > i;) {
      to->strides[k] = stride;
      to->whole[k] = whole;
      stride *= (double)tensor->dims[k];
    }
  }
}

static void step_up(const gw_tensor *tensor, const gw_tensor *operand, const gw_access *from, gw_access *to) {
  size_t rank = tensor->rank;
  if (tensor->op == GW_OP_RESHAPE) {
    through_reshape(tensor, operand, from, to);
    return;
  }
  for (size_t i = 0; i < rank; i++) {
    size_t source = tensor->op == GW_OP_TRANSPOSE ? (size_t)tensor->how->numbers[i] : i;
    to->strides[i] = from->strides[source];
    to->whole[i] = from->whole[source];
  }
  /* Rows are gathered as they come; columns of one row lie together. */
  if (tensor->op == GW_OP_GATHER) {
    uint64_t outer = 1;
    for (int64_t i = 0; i < tensor->how->axis; i++) outer *= (uint64_t)tensor->dims[i];
    if (outer > 1) to->whole[tensor->how->axis] = true;
  }
}

static gw_status make_access(size_t rank, gw_access *out, gw_error *error) {
  out->strides = gw__alloc_array(rank, sizeof *out->strides, error);
  out->whole = gw__alloc_array(rank, sizeof *out->whole, error);
  if (out->strides && out->whole) return GW_OK;
  gw__access_free(out);
  return GW_NO_MEMORY;
}

void gw__access_free(gw_access *access) {
  gw__free(access->strides);
  gw__free(access->whole);
  *access = (gw_access){0};
}

gw_status gw__access_of(const gw_tensor *tensor, gw_access *out, gw_error *error) {
  const gw_tensor *path[GW_MAX_DEPTH + 2];
  size_t count = 0;
  const gw_tensor *next_down = tensor;
  do {
    path[count++] = next_down;
    next_down = main_operand(next_down);
  } while (next_down);
  gw_access access;
  gw_status status = make_access(path[count - 1]->rank, &access, error);
  if (status != GW_OK) return status;
  row_major(path[count - 1], &access);
  while (--count > 0) {
    gw_access next;
    status = make_access(path[count - 1]->rank, &next, error);
    if (status == GW_OK) step_up(path[count - 1], path[count], &access, &next);
    gw__access_free(&access);
    if (status != GW_OK) return status;
    access = next;
  }
  access.flat = true;
  double outer = 0;
  for (size_t i = 0; i < tensor->rank; i++) {
    if (tensor->dims[i] <= 1) continue;
    if (access.whole[i] || (outer > 0 && access.strides[i] > outer)) access.flat = false;
    outer = access.strides[i];
  }
  *out = access;
  return GW_OK;
}

/* ---- Shapes */

typedef struct gw_growth {
  const int64_t *extent;
  int64_t *size;
  uint64_t count, most; /* elements of the box */
} gw_growth;

/* Lets an axis grow to `wanted` as far as there is room. True when it is as long as it can be. */
static bool grow(gw_growth *growth, size_t axis, int64_t wanted) {
  uint64_t room = growth->most / (growth->count / (uint64_t)growth->size[axis]);
  int64_t size = wanted < growth->extent[axis] ? wanted : growth->extent[axis];
  if ((uint64_t)size > room) size = room > 0 ? (int64_t)room : 1;
  if (size > growth->size[axis]) {
    growth->count = growth->count / (uint64_t)growth->size[axis] * (uint64_t)size;
    growth->size[axis] = size;
  }
  return growth->size[axis] == growth->extent[axis];
}

/* The axes from the innermost in the file on: the nth of them. */
static size_t file_axis(const gw_tensor *tensor, const gw_access *access, size_t nth) {
  size_t best = tensor->rank;
  for (size_t i = tensor->rank; i-- > 0;) {
    size_t before = 0; /* how many come before it */
    for (size_t j = 0; j < tensor->rank; j++)
      before += access->strides[j] < access->strides[i] || (access->strides[j] == access->strides[i] && j > i);
    if (before == nth) best = i;
  }
  return best;
}

/* Grows axes in the order of the file until a run has `elements`. */
static void grow_in_file(gw_growth *growth, const gw_tensor *tensor, const gw_access *access, int64_t elements) {
  int64_t run = 1;
  for (size_t n = 0; n < tensor->rank && run < elements; n++) {
    size_t axis = file_axis(tensor, access, n);
    if (!grow(growth, axis, (elements + run - 1) / run)) break;
    run *= growth->size[axis];
  }
}

static void grow_in_result(gw_growth *growth, const gw_tensor *tensor, int64_t elements) {
  int64_t run = 1;
  for (size_t axis = tensor->rank; axis-- > 0 && run < elements;) {
    if (!grow(growth, axis, (elements + run - 1) / run)) break;
    run *= growth->size[axis];
  }
}

static int64_t square_root(uint64_t value) {
  uint64_t root = 1;
  while (root * root < value && root < UINT32_MAX) root *= 2;
  return (int64_t)root;
}

void gw__access_shape(const gw_tensor *tensor, const gw_access *access, const int64_t *extent, uint64_t most, bool tile,
                      int64_t *size) {
  size_t width = gw_dtype_size(tensor->dtype) ? gw_dtype_size(tensor->dtype) : sizeof(gw_span);
  int64_t run = (int64_t)(RUN / width), fair = square_root(most);
  gw_growth growth = {extent, size, 1, most ? most : 1};
  for (size_t i = 0; i < tensor->rank; i++) size[i] = 1;
  for (size_t i = 0; i < tensor->rank; i++)
    if (access->whole[i]) grow(&growth, i, extent[i]);
  /* Both directions get their runs, or, where there is no room for both, a fair part. */
  if (run > fair) run = fair;
  grow_in_file(&growth, tensor, access, run);
  grow_in_result(&growth, tensor, tile ? run : BESIDE < run ? BESIDE : run);
  if (tile) {
    for (size_t axis = tensor->rank; axis-- > 0;)
      if (!grow(&growth, axis, extent[axis])) return;
  } else {
    grow_in_file(&growth, tensor, access, INT64_MAX / 2);
  }
}

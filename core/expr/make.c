/* Operations: what each one takes, and which dtype and shape comes out. Nothing is read here. */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "expr.h"

/* "concat of float32[2,3] and float64[2,3]: the dtypes differ"; `a`, `b` may be NULL. */
__attribute__((format(printf, 5, 6))) static gw_status bad(gw_error *error, const char *operation, const gw_tensor *a,
                                                           const gw_tensor *b, const char *format, ...) {
  gw_buf text = GW_BUF_INIT;
  char what[320];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  gw__put_text(&text, operation);
  if (a) {
    gw__put_text(&text, " of ");
    gw__put_type(&text, a);
  }
  if (b) {
    gw__put_text(&text, " and ");
    gw__put_type(&text, b);
  }
  gw__put_format(&text, ": %s", what);
  gw__put_u8(&text, 0);
  gw_status status = gw__fail(error, GW_INVALID, "%s", text.failed ? what : (const char *)text.data);
  gw__buf_free(&text);
  return status;
}

/* ---- Making one */

static bool is_small_float(int dtype) { return dtype == GW_DT_HALF || dtype == GW_DT_BFLOAT16; }

static bool is_elementwise(const gw_tensor *tensor) {
  return tensor->op == GW_OP_UNARY || tensor->op == GW_OP_BINARY || tensor->op == GW_OP_CLIP;
}

static size_t width_of(const gw_tensor *tensor) {
  return tensor->dtype == GW_DT_STRING ? sizeof(gw_span) : gw_dtype_size(tensor->dtype);
}

/* Indices are sorted box by box: so much for each of the elements that share one. */
static size_t sorting_scratch(const gw_tensor *tensor) {
  uint64_t inner = 1;
  for (size_t i = (size_t)tensor->how->axis + 1; i < tensor->rank; i++) inner *= (uint64_t)tensor->dims[i];
  return inner < 24 ? 24 / (size_t)(inner ? inner : 1) : 1;
}

/* Scratch that an operation itself takes for each element: an estimate by which boxes are sized. */
static size_t own_scratch(const gw_tensor *tensor) {
  const gw_how *how = tensor->how;
  if (how->operand_count == 0) return 0;
  const gw_tensor *first = how->operands[0];
  switch (tensor->op) {
    case GW_OP_MEAN: return gw__mean_memory(tensor->dtype, how->weights != NULL, 16) / 16 + width_of(tensor);
    case GW_OP_CAST: case GW_OP_TRANSPOSE: case GW_OP_PAD: case GW_OP_CONCAT: return width_of(first);
    case GW_OP_GATHER: return 2 * width_of(first) + sorting_scratch(tensor);
    case GW_OP_UNARY: case GW_OP_CLIP: case GW_OP_BINARY:
      if (is_small_float(tensor->dtype)) return is_elementwise(first) ? 0 : 8;
      return tensor->elements != first->elements || tensor->dtype != first->dtype ? width_of(first) : 0;
    default: return 0;
  }
}

/* The distinct leaves of all operands. One that is met twice, or only in part, is not read exactly once. */
static gw_status join_leaves(gw_tensor *tensor, bool exact, gw_error *error) {
  gw_how *how = tensor->how;
  if (how->operand_count == 0) return GW_OK;
  const gw_tensor *first = how->operands[0];
  size_t most = 0;
  bool once = false;
  for (size_t i = 0; i < first->leaf_count; i++) once = once || first->leaves[i].once;
  if (how->operand_count == 1 && (exact || !once)) {
    tensor->leaves = first->leaves;
    tensor->leaf_count = first->leaf_count;
    tensor->borrowed = true;
    return GW_OK;
  }
  for (size_t i = 0; i < how->operand_count; i++) most += how->operands[i]->leaf_count;
  if (most == 0) return GW_OK;
  tensor->leaves = gw__alloc_array(most, sizeof *tensor->leaves, error);
  if (!tensor->leaves) return GW_NO_MEMORY;
  for (size_t i = 0; i < how->operand_count; i++) {
    const gw_tensor *operand = how->operands[i];
    once = exact && (tensor->op != GW_OP_BINARY || gw__shape_equal(operand->rank, operand->dims, tensor->rank, tensor->dims));
    for (size_t j = 0; j < operand->leaf_count; j++) {
      size_t k = 0;
      while (k < tensor->leaf_count && tensor->leaves[k].leaf != operand->leaves[j].leaf) k++;
      if (k == tensor->leaf_count) tensor->leaves[tensor->leaf_count++] = (gw_leaf_use){operand->leaves[j].leaf, once && operand->leaves[j].once};
      else tensor->leaves[k].once = false;
    }
  }
  return GW_OK;
}

/* Everything about a tensor that follows from its operands. `exact`: each of their elements is used exactly once. */
static gw_status finish(gw_tensor *tensor, const char *operation, bool exact, gw_error *error) {
  const gw_how *how = tensor->how;
  size_t deepest = 0;
  uint64_t elements = tensor->elements;
  tensor->work = 1;
  for (size_t i = 0; i < how->operand_count; i++) {
    const gw_tensor *operand = how->operands[i];
    /* The first operand is made where the result goes; the others need a place of their own. */
    size_t scratch = operand->scratch + (i > 0 ? width_of(operand) : 0);
    if (operand->depth >= deepest) deepest = operand->depth;
    if (scratch > tensor->scratch) tensor->scratch = scratch;
    tensor->work += operand->work;
  }
  tensor->depth = (uint32_t)deepest + 1;
  tensor->scratch += own_scratch(tensor);
  if (tensor->depth > GW_MAX_DEPTH)
    return bad(error, operation, tensor, NULL, "more than %d operations upon each other", GW_MAX_DEPTH);
  if (tensor->work > GW_MAX_WORK)
    return bad(error, operation, tensor, NULL, "an element would take more than %d operations", GW_MAX_WORK);
  if (tensor->dtype != GW_DT_STRING &&
      (!gw__mul_u64(elements, gw_dtype_size(tensor->dtype), &tensor->stored) || tensor->stored > INT64_MAX))
    return bad(error, operation, tensor, NULL, "a tensor of more than 2^63 bytes");
  return join_leaves(tensor, exact, error);
}

/* A tensor with its operands retained; `numbers` of them are zeroed. */
static gw_status begin(gw_op op, int dtype, size_t rank, const int64_t *dims, gw_tensor *const *operands, size_t count,
                       size_t numbers, gw_tensor **out, gw_error *error) {
  gw_status status = gw__expr_make(op, dtype, rank, dims, out, error);
  if (status != GW_OK) return status;
  gw_tensor *tensor = *out;
  tensor->how = gw__alloc_array(1, sizeof *tensor->how, error);
  if (tensor->how) tensor->how->operands = gw__alloc_array(count, sizeof *operands, error);
  if (tensor->how && tensor->how->operands && numbers > 0) tensor->how->numbers = gw__alloc_array(numbers, sizeof(int64_t), error);
  if (!tensor->how || !tensor->how->operands || (numbers > 0 && !tensor->how->numbers)) {
    gw_tensor_release(tensor);
    *out = NULL;
    return GW_NO_MEMORY;
  }
  for (size_t i = 0; i < count; i++) tensor->how->operands[tensor->how->operand_count++] = gw_tensor_retain(operands[i]);
  tensor->how->number_count = numbers;
  return GW_OK;
}

static gw_status end(gw_tensor **out, const char *operation, bool exact, gw_status status, gw_error *error) {
  if (status == GW_OK) status = finish(*out, operation, exact, error);
  if (status != GW_OK) {
    gw_tensor_release(*out);
    *out = NULL;
  }
  return status;
}

static gw_status same(gw_tensor *tensor, gw_tensor **out) {
  *out = gw_tensor_retain(tensor);
  return GW_OK;
}

/* An axis from 0, or from -1 backwards, of so many. */
static gw_status take_axis(const char *operation, const gw_tensor *tensor, size_t rank, int64_t *axis, gw_error *error) {
  int64_t most = (int64_t)rank;
  if (*axis < -most || *axis >= most)
    return bad(error, operation, tensor, NULL, "there is no axis %lld (axes count from 0)", (long long)*axis);
  if (*axis < 0) *axis += most;
  return GW_OK;
}

static gw_status needs_moving(const char *operation, const gw_tensor *tensor, gw_error *error) {
  return gw__expr_can_move(tensor) ? GW_OK : bad(error, operation, tensor, NULL, "tensors of this dtype can only be kept, renamed and dropped");
}

static gw_status needs_computing(const char *operation, const gw_tensor *tensor, gw_error *error) {
  return gw__dtype_computes(tensor->dtype) ? GW_OK : bad(error, operation, tensor, NULL, "this dtype is not computed with");
}

/* ---- Element by element */

gw_status gw_tensor_cast(gw_tensor *tensor, int dtype, gw_tensor **out, gw_error *error) {
  *out = NULL;
  if (dtype == tensor->dtype) return same(tensor, out);
  gw_status status = needs_computing("cast", tensor, error);
  const char *name = gw_dtype_name(dtype);
  if (status == GW_OK && !gw__dtype_computes(dtype))
    status = bad(error, "cast", tensor, NULL, "values of %s are not made", name ? name : "an unknown dtype");
  if (status == GW_OK) status = begin(GW_OP_CAST, dtype, tensor->rank, tensor->dims, &tensor, 1, 0, out, error);
  return status == GW_OK ? end(out, "cast", true, GW_OK, error) : status;
}

static int compute_dtype(int dtype) { return is_small_float(dtype) ? GW_DT_FLOAT : dtype; }

static const char *unary_name(gw_unary function) { return function == GW_NEGATE ? "unary -" : gw__unary_name(function); }

static bool is_integer(int dtype) { return gw_dtype_kind(dtype) == GW_KIND_INT || gw_dtype_kind(dtype) == GW_KIND_UINT; }

gw_status gw_tensor_unary(gw_unary function, gw_tensor *tensor, gw_tensor **out, gw_error *error) {
  *out = NULL;
  const char *name = unary_name(function);
  gw_status status = needs_computing(name, tensor, error);
  if (status == GW_OK && !gw__unary(function, compute_dtype(tensor->dtype)))
    status = bad(error, name, tensor, NULL, is_integer(tensor->dtype) ? "it is for floats; cast first" : "it is not for this dtype");
  int dtype = tensor->dtype;
  if (function == GW_ABS && dtype == GW_DT_COMPLEX64) dtype = GW_DT_FLOAT;
  if (function == GW_ABS && dtype == GW_DT_COMPLEX128) dtype = GW_DT_DOUBLE;
  if (status == GW_OK) status = begin(GW_OP_UNARY, dtype, tensor->rank, tensor->dims, &tensor, 1, 0, out, error);
  if (status != GW_OK) return status;
  (*out)->how->function = (int)function;
  return end(out, name, true, GW_OK, error);
}

static gw_status broadcast(const char *name, const gw_tensor *a, const gw_tensor *b, int64_t *dims, size_t *rank, gw_error *error) {
  *rank = a->rank > b->rank ? a->rank : b->rank;
  for (size_t i = 0; i < *rank; i++) { /* from the last axis on */
    int64_t left = i < a->rank ? a->dims[a->rank - 1 - i] : 1, right = i < b->rank ? b->dims[b->rank - 1 - i] : 1;
    if (left != right && left != 1 && right != 1) return bad(error, name, a, b, "the shapes do not go together (as NumPy broadcasts)");
    dims[*rank - 1 - i] = left == 1 ? right : left;
  }
  return GW_OK;
}

gw_status gw_tensor_binary(gw_binary function, gw_tensor *a, gw_tensor *b, gw_tensor **out, gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  size_t rank;
  gw_tensor *operands[] = {a, b};
  *out = NULL;
  const char *name = gw__binary_name(function);
  if (a->dtype != b->dtype) return bad(error, name, a, b, "the dtypes differ; cast one of them first");
  gw_status status = needs_computing(name, a, error);
  if (status == GW_OK && !gw__binary(function, compute_dtype(a->dtype)))
    status = bad(error, name, a, b, is_integer(a->dtype) ? "integers do not divide; cast first" : "it is not for this dtype");
  if (status == GW_OK) status = broadcast(name, a, b, dims, &rank, error);
  if (status == GW_OK) status = begin(GW_OP_BINARY, a->dtype, rank, dims, operands, 2, 0, out, error);
  if (status != GW_OK) return status;
  (*out)->how->function = (int)function;
  return end(out, name, true, GW_OK, error);
}

gw_status gw_tensor_clip(gw_tensor *tensor, const void *low, const void *high, gw_tensor **out, gw_error *error) {
  *out = NULL;
  gw_status status = needs_computing("clip", tensor, error);
  if (status == GW_OK && !gw__clip(compute_dtype(tensor->dtype))) status = bad(error, "clip", tensor, NULL, "it is not for this dtype");
  gw_number least, most;
  if (status == GW_OK && gw_number_get(tensor->dtype, low, &least) && gw_number_get(tensor->dtype, high, &most)) {
    bool ordered = least.kind == GW_KIND_FLOAT ? least.real <= most.real : least.kind == GW_KIND_UINT ? least.u <= most.u : least.i <= most.i;
    if (!ordered) status = bad(error, "clip", tensor, NULL, "the lower bound is not below the upper one");
  }
  if (status == GW_OK) status = begin(GW_OP_CLIP, tensor->dtype, tensor->rank, tensor->dims, &tensor, 1, 0, out, error);
  if (status != GW_OK) return status;
  memcpy((*out)->how->low, low, gw_dtype_size(tensor->dtype));
  memcpy((*out)->how->high, high, gw_dtype_size(tensor->dtype));
  return end(out, "clip", true, GW_OK, error);
}

static gw_status check_weights(const gw_tensor *first, const double *weights, size_t count, gw_error *error) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(weights[i])) return bad(error, "mean", first, NULL, "weight %zu is not a finite number", i);
    sum += weights[i];
  }
  return sum != 0 && isfinite(sum) ? GW_OK : bad(error, "mean", first, NULL, "the weights add up to %g", sum);
}

gw_status gw_tensor_mean(gw_tensor *const *tensors, const double *weights, size_t count, gw_tensor **out, gw_error *error) {
  *out = NULL;
  if (count == 0) return gw__fail(error, GW_INVALID, "mean: there is no tensor");
  gw_tensor *first = tensors[0];
  if (gw_dtype_kind(first->dtype) != GW_KIND_FLOAT || !gw__dtype_computes(first->dtype))
    return bad(error, "mean", first, NULL, "it is for floats; cast first");
  for (size_t i = 1; i < count; i++)
    if (tensors[i]->dtype != first->dtype || !gw__shape_equal(first->rank, first->dims, tensors[i]->rank, tensors[i]->dims))
      return bad(error, "mean", first, tensors[i], "dtypes and shapes must agree (position %zu in the list, from 0)", i);
  gw_status status = weights ? check_weights(first, weights, count, error) : GW_OK;
  if (status == GW_OK) status = begin(GW_OP_MEAN, first->dtype, first->rank, first->dims, tensors, count, 0, out, error);
  if (status != GW_OK) return status;
  if (weights) {
    (*out)->how->weights = gw__alloc_array(count, sizeof *weights, error);
    if ((*out)->how->weights) memcpy((*out)->how->weights, weights, count * sizeof *weights);
    else status = GW_NO_MEMORY;
  }
  return end(out, "mean", true, status, error);
}

gw_status gw_tensor_random(gw_random_kind kind, int dtype, size_t rank, const int64_t *dims, uint64_t seed, double a, double b,
                           gw_tensor **out, gw_error *error) {
  *out = NULL;
  const char *name = gw_dtype_name(dtype);
  if (gw_dtype_kind(dtype) != GW_KIND_FLOAT || !gw__dtype_computes(dtype))
    return gw__fail(error, GW_INVALID, "random numbers are real floats, not %s", name ? name : "an unknown dtype");
  gw_status status = begin(GW_OP_RANDOM, dtype, rank, dims, NULL, 0, 0, out, error);
  if (status != GW_OK) return status;
  (*out)->how->random = (gw_random){kind, seed, a, b};
  return end(out, "random numbers", true, GW_OK, error);
}

/* ---- The same elements in another place */

gw_status gw_tensor_reshape(gw_tensor *tensor, size_t rank, const int64_t *dims, gw_tensor **out, gw_error *error) {
  int64_t full[GW_MAX_RANK];
  size_t open = rank;
  uint64_t product = 1;
  *out = NULL;
  gw_status status = needs_moving("reshape", tensor, error);
  if (status != GW_OK) return status;
  if (rank > GW_MAX_RANK) return bad(error, "reshape", tensor, NULL, "a shape of %zu dimensions (at most %d)", rank, GW_MAX_RANK);
  bool fits = true;
  for (size_t i = 0; i < rank; i++) {
    full[i] = dims[i];
    if (dims[i] == -1 && open < rank) return bad(error, "reshape", tensor, NULL, "more than one size is -1");
    if (dims[i] == -1) open = i;
    else if (dims[i] < 0) return bad(error, "reshape", tensor, NULL, "axis %zu has the size %lld", i, (long long)dims[i]);
    else fits = gw__mul_u64(product, (uint64_t)dims[i], &product) && fits;
  }
  if (open < rank) {
    if (product == 0 || tensor->elements % product != 0) fits = false;
    else full[open] = (int64_t)(tensor->elements / product);
  } else if (product != tensor->elements) {
    fits = false;
  }
  if (!fits) {
    gw_buf text = GW_BUF_INIT;
    gw__put_shape(&text, rank, dims);
    gw__put_u8(&text, 0);
    status = bad(error, "reshape", tensor, NULL, "%llu elements do not fill %s", (unsigned long long)tensor->elements,
                 text.failed ? "the shape" : (const char *)text.data);
    gw__buf_free(&text);
    return status;
  }
  if (gw__shape_equal(rank, full, tensor->rank, tensor->dims)) return same(tensor, out);
  status = begin(GW_OP_RESHAPE, tensor->dtype, rank, full, &tensor, 1, 0, out, error);
  return status == GW_OK ? end(out, "reshape", true, GW_OK, error) : status;
}

gw_status gw_tensor_squeeze(gw_tensor *tensor, const int64_t *axes, size_t count, gw_tensor **out, gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  bool gone[GW_MAX_RANK] = {false};
  size_t rank = 0;
  *out = NULL;
  for (size_t i = 0; axes && i < count; i++) {
    int64_t axis = axes[i];
    gw_status status = take_axis("squeeze", tensor, tensor->rank, &axis, error);
    if (status != GW_OK) return status;
    if (tensor->dims[axis] != 1) return bad(error, "squeeze", tensor, NULL, "axis %lld has the size %lld, not 1", (long long)axis, (long long)tensor->dims[axis]);
    gone[axis] = true;
  }
  for (size_t i = 0; i < tensor->rank; i++)
    if (axes ? !gone[i] : tensor->dims[i] != 1) dims[rank++] = tensor->dims[i];
  return gw_tensor_reshape(tensor, rank, dims, out, error);
}

gw_status gw_tensor_expand_dims(gw_tensor *tensor, int64_t axis, gw_tensor **out, gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  *out = NULL;
  if (tensor->rank == GW_MAX_RANK) return bad(error, "expand_dims", tensor, NULL, "it has as many axes as there can be");
  gw_status status = take_axis("expand_dims", tensor, tensor->rank + 1, &axis, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i <= tensor->rank; i++)
    dims[i] = (int64_t)i == axis ? 1 : tensor->dims[(int64_t)i < axis ? i : i - 1];
  return gw_tensor_reshape(tensor, tensor->rank + 1, dims, out, error);
}

gw_status gw_tensor_transpose(gw_tensor *tensor, const int64_t *perm, size_t count, gw_tensor **out, gw_error *error) {
  int64_t dims[GW_MAX_RANK], order[GW_MAX_RANK];
  bool seen[GW_MAX_RANK] = {false}, identity = true;
  size_t rank = tensor->rank;
  *out = NULL;
  gw_status status = needs_moving("transpose", tensor, error);
  if (status != GW_OK) return status;
  if (perm && count != rank) return bad(error, "transpose", tensor, NULL, "%zu axes are given for %zu", count, rank);
  for (size_t i = 0; i < rank; i++) {
    order[i] = perm ? perm[i] : (int64_t)(rank - 1 - i);
    status = take_axis("transpose", tensor, rank, &order[i], error);
    if (status != GW_OK) return status;
    if (seen[order[i]]) return bad(error, "transpose", tensor, NULL, "axis %lld is given twice", (long long)order[i]);
    seen[order[i]] = true;
    dims[i] = tensor->dims[order[i]];
    identity = identity && order[i] == (int64_t)i;
  }
  if (identity) return same(tensor, out);
  status = begin(GW_OP_TRANSPOSE, tensor->dtype, rank, dims, &tensor, 1, rank, out, error);
  if (status != GW_OK) return status;
  memcpy((*out)->how->numbers, order, rank * sizeof *order);
  return end(out, "transpose", true, GW_OK, error);
}

gw_status gw_tensor_slice(gw_tensor *tensor, const int64_t *start, const int64_t *size, size_t count, gw_tensor **out,
                          gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  *out = NULL;
  gw_status status = needs_moving("slice", tensor, error);
  if (status != GW_OK) return status;
  if (count != tensor->rank) return bad(error, "slice", tensor, NULL, "%zu starts and sizes are given for %zu axes", count, tensor->rank);
  for (size_t i = 0; i < count; i++) {
    if (start[i] < 0 || start[i] > tensor->dims[i])
      return bad(error, "slice", tensor, NULL, "axis %zu cannot begin at %lld", i, (long long)start[i]);
    int64_t most = tensor->dims[i] - start[i];
    if (size[i] < -1 || size[i] > most)
      return bad(error, "slice", tensor, NULL, "axis %zu has no %lld elements from %lld on", i, (long long)size[i], (long long)start[i]);
    dims[i] = size[i] == -1 ? most : size[i];
  }
  if (gw__shape_equal(count, dims, tensor->rank, tensor->dims)) return same(tensor, out);
  status = begin(GW_OP_SLICE, tensor->dtype, count, dims, &tensor, 1, count, out, error);
  if (status != GW_OK) return status;
  if (count > 0) memcpy((*out)->how->numbers, start, count * sizeof *start);
  return end(out, "slice", false, GW_OK, error);
}

gw_status gw__expr_part(gw_tensor *tensor, const int64_t *start, const int64_t *size, gw_tensor **out, gw_error *error) {
  gw_status status = begin(GW_OP_SLICE, tensor->dtype, tensor->rank, size, &tensor, 1, tensor->rank, out, error);
  if (status != GW_OK) return status;
  memcpy((*out)->how->numbers, start, tensor->rank * sizeof *start);
  return end(out, "slice", true, GW_OK, error);
}

/* ---- How it is saved */

size_t gw_tensor_slices(const gw_tensor *tensor, bool *partial) {
  *partial = false;
  if (tensor->op == GW_OP_LEAF) return tensor->ops->slices(tensor->source, tensor->index, partial);
  return tensor->op == GW_OP_PARTITION && tensor->how->numbers[0] > 1 ? (size_t)tensor->how->numbers[0] : 0;
}

void gw__partition_extent(int64_t size, int64_t parts, int64_t nth, int64_t *start, int64_t *length) {
  int64_t each = size / parts, more = size % parts;
  *start = nth * each + (nth < more ? nth : more);
  *length = each + (nth < more ? 1 : 0);
}

/* Is a leaf stored in these very slices, in whatever order? They neither overlap nor leave gaps. */
static bool is_stored_so(const gw_tensor *leaf, int64_t parts, int64_t axis) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  bool partial;
  if (leaf->dims[axis] < parts) return false; /* without elements, in slices that have none either */
  int64_t each = leaf->dims[axis] / parts, more = leaf->dims[axis] % parts;
  if (leaf->op != GW_OP_LEAF || gw_tensor_slices(leaf, &partial) != (size_t)parts || partial) return false;
  for (size_t i = 0; i < (size_t)parts; i++) {
    int64_t start, length, nth;
    leaf->ops->slice(leaf->source, leaf->index, i, starts, lengths);
    for (size_t j = 0; j < leaf->rank; j++)
      if ((int64_t)j != axis && lengths[j] != leaf->dims[j]) return false;
    nth = starts[axis] < more * (each + 1) ? starts[axis] / (each + 1) : more + (starts[axis] - more * (each + 1)) / each;
    gw__partition_extent(leaf->dims[axis], parts, nth, &start, &length);
    if (start != starts[axis] || length != lengths[axis]) return false;
  }
  return true;
}

gw_status gw_tensor_partition(gw_tensor *tensor, int64_t parts, int64_t axis, gw_tensor **out, gw_error *error) {
  bool partial;
  *out = NULL;
  if (tensor->op == GW_OP_PARTITION) tensor = tensor->how->operands[0];
  if (parts < 1) return bad(error, "partition", tensor, NULL, "%lld parts (at least 1, which is the whole tensor)", (long long)parts);
  size_t stored = gw_tensor_slices(tensor, &partial);
  if (stored == 0 && parts == 1) return same(tensor, out);
  if (partial) return bad(error, "partition", tensor, NULL, "its slices do not cover it, so it can only be kept, renamed and dropped");
  gw_status status = needs_moving("partition", tensor, error);
  if (status == GW_OK && (parts > 1 || tensor->rank > 0)) status = take_axis("partition", tensor, tensor->rank, &axis, error);
  if (status != GW_OK) return status;
  if (parts > 1 && tensor->elements == 0) return bad(error, "partition", tensor, NULL, "a tensor without elements is stored whole");
  if (parts > 1 && parts > tensor->dims[axis]) parts = tensor->dims[axis];
  if (parts > GW_MAX_PARTS)
    return bad(error, "partition", tensor, NULL, "%lld parts (at most %d)", (long long)parts, GW_MAX_PARTS);
  if ((parts == 1 && stored == 0) || is_stored_so(tensor, parts, axis)) return same(tensor, out);
  status = begin(GW_OP_PARTITION, tensor->dtype, tensor->rank, tensor->dims, &tensor, 1, 1, out, error);
  if (status != GW_OK) return status;
  (*out)->how->numbers[0] = parts;
  (*out)->how->axis = axis;
  return end(out, "partition", true, GW_OK, error);
}

typedef struct gw_sorted {
  int64_t index, place;
} gw_sorted;

static int by_index(const void *a, const void *b) {
  const gw_sorted *left = a, *right = b;
  if (left->index != right->index) return left->index < right->index ? -1 : 1;
  return left->place < right->place ? -1 : left->place > right->place;
}

/* The places of indices in ascending order, behind the indices: where the axes before this one have more than one element,
 * most boxes have all indices, and sorting them once pays. */
static gw_status sort_indices(gw_how *how, size_t count, gw_error *error) {
  if (how->number_count == count) return GW_OK;
  gw_sorted *sorted = gw__alloc_array(count, sizeof *sorted, error);
  if (!sorted) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) sorted[i] = (gw_sorted){how->numbers[i], (int64_t)i};
  qsort(sorted, count, sizeof *sorted, by_index);
  for (size_t i = 0; i < count; i++) how->numbers[count + i] = sorted[i].place;
  gw__free(sorted);
  return GW_OK;
}

/* `missing`: what is there for the index -1, or NULL. */
static gw_status gather(const char *name, gw_tensor *tensor, const int64_t *indices, size_t count, int64_t axis, gw_tensor *missing,
                        gw_tensor **out, gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  gw_tensor *operands[] = {tensor, missing};
  size_t numbers = count;
  uint64_t outer = 1;
  if (count > INT64_MAX) return bad(error, name, tensor, NULL, "too many indices");
  for (int64_t i = 0; i < axis; i++) outer = outer > 1 || tensor->dims[i] > 1 ? 2 : 1;
  if (outer > 1 && !gw__mul_size(count, 2, &numbers)) return bad(error, name, tensor, NULL, "too many indices");
  memcpy(dims, tensor->dims, tensor->rank * sizeof *dims);
  dims[axis] = (int64_t)count;
  if (missing && missing->dtype != tensor->dtype)
    return bad(error, name, tensor, missing, "what is put where nothing was has another dtype; cast it first");
  if (missing && missing->rank > 0 && !gw__shape_equal(missing->rank, missing->dims, tensor->rank, dims)) {
    gw_buf text = GW_BUF_INIT;
    gw__put_shape(&text, tensor->rank, dims);
    gw__put_u8(&text, 0);
    gw_status status = bad(error, name, tensor, missing, "what is put where nothing was is a scalar or has the shape of the result, %s",
                           text.failed ? "" : (const char *)text.data);
    gw__buf_free(&text);
    return status;
  }
  gw_status status = begin(GW_OP_GATHER, tensor->dtype, tensor->rank, dims, operands, missing ? 2 : 1, numbers, out, error);
  if (status != GW_OK) return status;
  (*out)->how->axis = axis;
  if (count > 0) memcpy((*out)->how->numbers, indices, count * sizeof *indices);
  return end(out, name, false, sort_indices((*out)->how, count, error), error);
}

gw_status gw_tensor_gather(gw_tensor *tensor, const int64_t *indices, size_t count, int64_t axis, gw_tensor **out,
                           gw_error *error) {
  *out = NULL;
  gw_status status = needs_moving("gather", tensor, error);
  if (status == GW_OK) status = take_axis("gather", tensor, tensor->rank, &axis, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < count; i++)
    if (indices[i] < 0 || indices[i] >= tensor->dims[axis])
      return bad(error, "gather", tensor, NULL, "axis %lld has no element %lld (position %zu in the list, from 0)", (long long)axis,
                 (long long)indices[i], i);
  return gather("gather", tensor, indices, count, axis, NULL, out, error);
}

gw_status gw_tensor_remap(gw_tensor *tensor, const gw_remapping *remapping, int64_t axis, gw_tensor *missing, gw_tensor **out,
                          gw_error *error) {
  *out = NULL;
  gw_status status = needs_moving("remap", tensor, error);
  if (status == GW_OK) status = take_axis("remap", tensor, tensor->rank, &axis, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < remapping->count; i++) {
    if (remapping->indices[i] >= -1 && remapping->indices[i] < tensor->dims[axis]) continue;
    status = bad(error, "remap", tensor, NULL, "position %zu of the new vocabulary is line %lld of the old one (from 0), and axis %lld has %lld elements",
                 i, (long long)remapping->indices[i], (long long)axis, (long long)tensor->dims[axis]);
    gw__error_hint(error, "the old vocabulary is longer than the tensor: is it the right one? old_vocab_size takes its first tokens only");
    return status;
  }
  return gather("remap", tensor, remapping->indices, remapping->count, axis, missing, out, error);
}

gw_status gw_tensor_pad(gw_tensor *tensor, const int64_t *before, const int64_t *after, size_t count, const void *element,
                        gw_tensor **out, gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  bool nothing = true;
  *out = NULL;
  gw_status status = needs_moving("pad", tensor, error);
  if (status != GW_OK) return status;
  if (tensor->dtype == GW_DT_STRING) return bad(error, "pad", tensor, NULL, "strings are not padded; concat them");
  if (count != tensor->rank) return bad(error, "pad", tensor, NULL, "%zu widths are given for %zu axes", count, tensor->rank);
  for (size_t i = 0; i < count; i++) {
    if (before[i] < 0 || after[i] < 0) return bad(error, "pad", tensor, NULL, "axis %zu cannot grow by %lld", i, (long long)(before[i] < 0 ? before[i] : after[i]));
    if (!gw__add_i64(before[i], after[i], &dims[i]) || !gw__add_i64(dims[i], tensor->dims[i], &dims[i]))
      return bad(error, "pad", tensor, NULL, "axis %zu would be longer than 2^63", i);
    nothing = nothing && before[i] == 0 && after[i] == 0;
  }
  if (nothing) return same(tensor, out);
  status = begin(GW_OP_PAD, tensor->dtype, count, dims, &tensor, 1, count, out, error);
  if (status != GW_OK) return status;
  memcpy((*out)->how->numbers, before, count * sizeof *before);
  if (element) memcpy((*out)->how->low, element, gw_dtype_size(tensor->dtype));
  return end(out, "pad", true, GW_OK, error);
}

static gw_status join(const char *name, gw_tensor *const *tensors, size_t count, int64_t axis, bool stacked, gw_tensor **out,
                      gw_error *error) {
  int64_t dims[GW_MAX_RANK];
  const gw_tensor *first = tensors[0];
  assert(first);
  memcpy(dims, first->dims, first->rank * sizeof *dims);
  for (size_t i = 1; i < count; i++) {
    bool fits = tensors[i]->rank == first->rank && tensors[i]->dtype == first->dtype;
    for (size_t j = 0; fits && j < first->rank; j++) fits = (int64_t)j == axis || tensors[i]->dims[j] == first->dims[j];
    if (!fits)
      return bad(error, name, first, tensors[i], "dtypes and all sizes but that of axis %lld must agree (position %zu in the list, from 0)",
                 (long long)axis, i);
    if (!gw__add_i64(dims[axis], tensors[i]->dims[axis], &dims[axis])) return bad(error, name, first, NULL, "axis %lld would be longer than 2^63", (long long)axis);
  }
  gw_status status = begin(GW_OP_CONCAT, first->dtype, first->rank, dims, tensors, count, 0, out, error);
  if (status != GW_OK) return status;
  (*out)->how->axis = axis;
  (*out)->how->stacked = stacked;
  return end(out, name, true, GW_OK, error);
}

gw_status gw_tensor_concat(gw_tensor *const *tensors, size_t count, int64_t axis, gw_tensor **out, gw_error *error) {
  *out = NULL;
  if (count == 0) return gw__fail(error, GW_INVALID, "concat: there is no tensor");
  gw_status status = needs_moving("concat", tensors[0], error);
  if (status == GW_OK && tensors[0]->rank == 0) return bad(error, "concat", tensors[0], NULL, "a scalar has no axis; stack them");
  if (status == GW_OK) status = take_axis("concat", tensors[0], tensors[0]->rank, &axis, error);
  if (status != GW_OK) return status;
  return count == 1 ? same(tensors[0], out) : join("concat", tensors, count, axis, false, out, error);
}

gw_status gw_tensor_stack(gw_tensor *const *tensors, size_t count, int64_t axis, gw_tensor **out, gw_error *error) {
  *out = NULL;
  if (count == 0) return gw__fail(error, GW_INVALID, "stack: there is no tensor");
  gw_status status = needs_moving("stack", tensors[0], error);
  if (status == GW_OK) status = take_axis("stack", tensors[0], tensors[0]->rank + 1, &axis, error);
  for (size_t i = 1; i < count && status == GW_OK; i++)
    if (tensors[i]->dtype != tensors[0]->dtype || !gw__shape_equal(tensors[0]->rank, tensors[0]->dims, tensors[i]->rank, tensors[i]->dims))
      status = bad(error, "stack", tensors[0], tensors[i], "dtypes and shapes must agree (position %zu in the list, from 0)", i);
  if (status != GW_OK) return status;
  gw_tensor **wider = gw__alloc_array(count, sizeof *wider, error);
  if (!wider) return GW_NO_MEMORY;
  for (size_t i = 0; i < count && status == GW_OK; i++) status = gw_tensor_expand_dims(tensors[i], axis, &wider[i], error);
  if (status == GW_OK) status = count == 1 ? same(wider[0], out) : join("stack", wider, count, axis, true, out, error);
  for (size_t i = 0; i < count; i++) gw_tensor_release(wider[i]);
  gw__free(wider);
  return status;
}

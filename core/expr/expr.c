/* The life of lazy tensors, and those that stand for themselves: leaves and constants. */
#include "expr.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../tensor/tensor.h"

/* Elements pass from files to memory as they are: files of today's TensorFlow are little-endian, and so must hosts be. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "godwit needs a little-endian machine");

/* ---- Life */

gw_status gw__expr_make(gw_op op, int dtype, size_t rank, const int64_t *dims, gw_tensor **out, gw_error *error) {
  *out = NULL;
  uint64_t elements;
  gw_status status = gw__shape_elements(rank, dims, &elements, error);
  if (status != GW_OK) return status;
  gw_tensor *tensor = gw__alloc_array(1, sizeof *tensor, error);
  if (!tensor) return GW_NO_MEMORY;
  if (rank > 0) {
    tensor->dims = gw__alloc_array(rank, sizeof *dims, error);
    if (!tensor->dims) {
      gw__free(tensor);
      return GW_NO_MEMORY;
    }
    memcpy(tensor->dims, dims, rank * sizeof *dims);
  }
  tensor->references = 1;
  tensor->op = op;
  tensor->dtype = dtype;
  tensor->rank = rank;
  tensor->elements = elements;
  *out = tensor;
  return GW_OK;
}

gw_tensor *gw_tensor_retain(gw_tensor *tensor) {
  tensor->references++;
  return tensor;
}

static void free_how(gw_how *how) {
  if (!how) return;
  for (size_t i = 0; i < how->operand_count; i++) gw_tensor_release(how->operands[i]);
  gw__free(how->operands);
  gw__free(how->numbers);
  gw__free(how->weights);
  gw__free(how);
}

/* Recursion is bounded by GW_MAX_DEPTH. */
void gw_tensor_release(gw_tensor *tensor) {
  if (!tensor || --tensor->references > 0) return;
  if (tensor->op == GW_OP_LEAF) tensor->ops->release(tensor->source);
  else if (!tensor->borrowed) gw__free(tensor->leaves);
  free_how(tensor->how);
  gw__free(tensor->bytes);
  gw__free(tensor->dims);
  gw__free(tensor->origin);
  gw__free(tensor);
}

gw_status gw__expr_leaf(const gw_source_ops *ops, void *source, size_t index, int dtype, size_t rank, const int64_t *dims,
                        uint64_t stored, gw_tensor **out, gw_error *error) {
  gw_status status = gw__expr_make(GW_OP_LEAF, dtype, rank, dims, out, error);
  if (status != GW_OK) return status;
  gw_tensor *tensor = *out;
  tensor->ops = ops;
  tensor->source = source;
  tensor->index = index;
  tensor->stored = stored;
  tensor->self = (gw_leaf_use){tensor, true};
  tensor->leaves = &tensor->self;
  tensor->leaf_count = 1;
  ops->retain(source);
  return GW_OK;
}

static gw_status take_bytes(gw_tensor *tensor, const void *bytes, size_t size, gw_error *error) {
  tensor->bytes = gw__alloc(size, error);
  if (!tensor->bytes) return GW_NO_MEMORY;
  if (size) memcpy(tensor->bytes, bytes, size);
  tensor->size = size;
  return GW_OK;
}

static gw_status needs_width(int dtype, size_t *width, gw_error *error) {
  *width = gw_dtype_size(dtype);
  if (*width > 0) return GW_OK;
  const char *name = gw_dtype_name(dtype);
  return gw__fail(error, GW_INVALID, "elements of dtype %s have no fixed size", name ? name : "unknown");
}

gw_status gw_tensor_constant(int dtype, size_t rank, const int64_t *dims, const void *bytes, size_t size, gw_tensor **out,
                             gw_error *error) {
  size_t width;
  *out = NULL;
  gw_status status = needs_width(dtype, &width, error);
  if (status == GW_OK) status = gw__expr_make(GW_OP_CONSTANT, dtype, rank, dims, out, error);
  if (status != GW_OK) return status;
  gw_tensor *tensor = *out;
  uint64_t expected;
  if (!gw__mul_u64(tensor->elements, width, &expected) || expected != size)
    status = gw__fail(error, GW_INVALID, "%zu bytes do not fill the shape (%llu elements of %zu)", size,
                      (unsigned long long)tensor->elements, width);
  else
    status = take_bytes(tensor, bytes, size, error);
  if (status != GW_OK) {
    gw_tensor_release(tensor);
    *out = NULL;
    return status;
  }
  tensor->stored = size;
  tensor->crc = gw__crc32c(bytes, size);
  return GW_OK;
}

gw_status gw_tensor_fill(int dtype, size_t rank, const int64_t *dims, const void *element, gw_tensor **out,
                         gw_error *error) {
  size_t width;
  *out = NULL;
  gw_status status = needs_width(dtype, &width, error);
  if (status == GW_OK) status = gw__expr_make(GW_OP_FILL, dtype, rank, dims, out, error);
  if (status != GW_OK) return status;
  if (!gw__mul_u64((*out)->elements, width, &(*out)->stored) || (*out)->stored > INT64_MAX)
    status = gw__fail(error, GW_INVALID, "a tensor of more than 2^63 bytes");
  else
    status = take_bytes(*out, element, width, error);
  if (status != GW_OK) {
    gw_tensor_release(*out);
    *out = NULL;
  }
  return status;
}

gw_status gw_tensor_strings(size_t rank, const int64_t *dims, const gw_span *strings, size_t count, gw_tensor **out,
                            gw_error *error) {
  gw_status status = gw__expr_make(GW_OP_CONSTANT, GW_DT_STRING, rank, dims, out, error);
  if (status != GW_OK) return status;
  gw_tensor *tensor = *out;
  gw_buf stored = GW_BUF_INIT;
  if (tensor->elements != count)
    status = gw__fail(error, GW_INVALID, "%zu strings do not fill the shape (%llu elements)", count,
                      (unsigned long long)tensor->elements);
  if (status == GW_OK) {
    gw__put_strings(&stored, strings, count, &tensor->crc);
    status = gw__buf_status(&stored, error);
  }
  if (status == GW_OK) status = take_bytes(tensor, stored.data, stored.size, error);
  tensor->stored = stored.size;
  gw__buf_free(&stored);
  if (status != GW_OK) {
    gw_tensor_release(tensor);
    *out = NULL;
  }
  return status;
}

/* ---- Looking */

int gw_tensor_dtype(const gw_tensor *tensor) { return tensor->dtype; }
size_t gw_tensor_rank(const gw_tensor *tensor) { return tensor->rank; }
const int64_t *gw_tensor_dims(const gw_tensor *tensor) { return tensor->dims; }
uint64_t gw_tensor_elements(const gw_tensor *tensor) { return tensor->elements; }
uint64_t gw_tensor_bytes(const gw_tensor *tensor) { return tensor->stored; }

bool gw__expr_can_move(const gw_tensor *tensor) {
  return tensor->dtype == GW_DT_STRING || gw_dtype_size(tensor->dtype) > 0;
}

bool gw__expr_leaves(const gw_tensor *tensor, size_t *cursor, const gw_tensor **leaf) {
  if (*cursor >= tensor->leaf_count) return false;
  *leaf = tensor->leaves[(*cursor)++].leaf;
  return true;
}

const char *gw_tensor_origin(const gw_tensor *tensor) {
  if (!tensor->origin) {
    gw_buf text = GW_BUF_INIT;
    if (tensor->op == GW_OP_LEAF) tensor->ops->describe(tensor->source, tensor->index, &text);
    else gw__put_expression(&text, tensor);
    gw__put_u8(&text, 0);
    if (text.failed) {
      gw__buf_free(&text);
      return "";
    }
    /* A cache: the tensor's value is still immutable. */
    ((gw_tensor *)(uintptr_t)tensor)->origin = (char *)text.data;
  }
  return tensor->origin;
}

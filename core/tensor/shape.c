/* Shapes: lists of sizes that come from files and recipes alike. */
#include <string.h>

#include "../base/checked.h"
#include "../base/error.h"
#include "tensor.h"

gw_status gw__shape_elements(size_t rank, const int64_t *dims, uint64_t *elements, gw_error *error) {
  *elements = 0;
  if (rank > GW_MAX_RANK)
    return gw__fail(error, GW_INVALID, "a shape of %zu dimensions (at most %d)", rank, GW_MAX_RANK);
  int64_t product = 1;
  bool overflow = false, empty = false;
  for (size_t i = 0; i < rank; i++) {
    if (dims[i] < 0)
      return gw__fail(error, GW_INVALID, "axis %zu of the shape has the size %lld", i, (long long)dims[i]);
    /* An empty axis after a huge one makes the product 0, but TensorFlow multiplies from the left and refuses. */
    if (!overflow && !gw__mul_i64(product, dims[i], &product)) overflow = true;
    if (dims[i] == 0) empty = true;
  }
  if (overflow) return gw__fail(error, GW_INVALID, "a shape of more than 2^63 elements");
  *elements = empty ? 0 : (uint64_t)product;
  return GW_OK;
}

bool gw__shape_equal(size_t rank_a, const int64_t *a, size_t rank_b, const int64_t *b) {
  return rank_a == rank_b && (rank_a == 0 || memcmp(a, b, rank_a * sizeof *a) == 0);
}

void gw__put_shape(gw_buf *out, size_t rank, const int64_t *dims) {
  gw__put_u8(out, '[');
  for (size_t i = 0; i < rank; i++) gw__put_format(out, i ? ",%lld" : "%lld", (long long)dims[i]);
  gw__put_u8(out, ']');
}

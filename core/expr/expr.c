/* Making lazy tensors, and reading them. */
#include "expr.h"

#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../tensor/tensor.h"

/* Elements pass from files to memory as they are: files of today's TensorFlow are little-endian, and so must hosts be. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "godwit needs a little-endian machine");

enum { CHUNK = 256 * 1024 }; /* bytes read at once when a tensor is streamed */

/* ---- Life */

static gw_status make(gw_op op, int dtype, size_t rank, const int64_t *dims, gw_tensor **out, gw_error *error) {
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

void gw_tensor_release(gw_tensor *tensor) {
  if (!tensor || --tensor->references > 0) return;
  if (tensor->op == GW_OP_LEAF) tensor->ops->release(tensor->source);
  gw__free(tensor->bytes);
  gw__free(tensor->dims);
  gw__free(tensor->origin);
  gw__free(tensor);
}

gw_status gw__expr_leaf(const gw_source_ops *ops, void *source, size_t index, int dtype, size_t rank, const int64_t *dims,
                        uint64_t stored, gw_tensor **out, gw_error *error) {
  gw_status status = make(GW_OP_LEAF, dtype, rank, dims, out, error);
  if (status != GW_OK) return status;
  gw_tensor *tensor = *out;
  tensor->ops = ops;
  tensor->source = source;
  tensor->index = index;
  tensor->stored = stored;
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
  if (status == GW_OK) status = make(GW_OP_CONSTANT, dtype, rank, dims, out, error);
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
  if (status == GW_OK) status = make(GW_OP_FILL, dtype, rank, dims, out, error);
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
  gw_status status = make(GW_OP_CONSTANT, GW_DT_STRING, rank, dims, out, error);
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

static void put_element(gw_buf *out, const gw_tensor *tensor) {
  gw_number number;
  if (tensor->dtype == GW_DT_STRING) {
    gw_span string;
    char text[48];
    if (gw__split_strings(tensor->bytes, tensor->size, &string, 1, NULL) != GW_OK) return;
    gw_printable(text, sizeof text, string.data, string.size);
    gw__put_format(out, "\"%s\"", text);
  } else if (gw_number_get(tensor->dtype, tensor->bytes, &number)) {
    gw__put_number(out, tensor->dtype, &number, true);
  }
}

static bool all_zero(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i]) return false;
  return true;
}

/* What a maker of constants is called in Lua, with its arguments. */
static void put_constant(gw_buf *out, const gw_tensor *tensor) {
  bool zeros = tensor->op == GW_OP_FILL && all_zero(tensor->bytes, tensor->size);
  if (tensor->rank == 0 && !zeros) {
    gw__put_text(out, "scalar(");
    put_element(out, tensor);
    gw__put_text(out, ", ");
  } else if (tensor->op == GW_OP_FILL) {
    gw__put_text(out, zeros ? "zeros(" : "full(");
    gw__put_shape(out, tensor->rank, tensor->dims);
    gw__put_text(out, ", ");
    if (!zeros) {
      put_element(out, tensor);
      gw__put_text(out, ", ");
    }
  } else {
    gw__put_text(out, "tensor(");
    gw__put_shape(out, tensor->rank, tensor->dims);
    gw__put_text(out, ", ");
  }
  gw__put_dtype(out, tensor->dtype);
  gw__put_u8(out, ')');
}

void gw__put_expression(gw_buf *out, const gw_tensor *tensor) {
  if (tensor->op == GW_OP_LEAF) {
    gw_span name;
    char text[512];
    tensor->ops->name(tensor->source, tensor->index, &name);
    gw_printable(text, sizeof text, name.data, name.size);
    gw__put_text(out, text);
  } else {
    put_constant(out, tensor);
  }
}

bool gw__expr_leaves(const gw_tensor *tensor, size_t *cursor, const gw_tensor **leaf) {
  if (tensor->op != GW_OP_LEAF || *cursor > 0) return false;
  *cursor = 1;
  *leaf = tensor;
  return true;
}

const char *gw_tensor_origin(const gw_tensor *tensor) {
  if (!tensor->origin) {
    gw_buf text = GW_BUF_INIT;
    if (tensor->op == GW_OP_LEAF) tensor->ops->describe(tensor->source, tensor->index, &text);
    else put_constant(&text, tensor);
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

/* ---- Reading */

static void read_fill(const gw_tensor *tensor, uint64_t count, void *out) {
  uint8_t *bytes = out;
  if (tensor->size == 1 || all_zero(tensor->bytes, tensor->size)) {
    memset(bytes, tensor->bytes[0], (size_t)count * tensor->size);
    return;
  }
  for (uint64_t i = 0; i < count; i++) memcpy(bytes + i * tensor->size, tensor->bytes, tensor->size);
}

static gw_status read_elements(const gw_tensor *tensor, uint64_t first, uint64_t count, void *out, gw_error *error) {
  if (count == 0) return GW_OK;
  size_t width = gw_dtype_size(tensor->dtype);
  switch (tensor->op) {
    case GW_OP_LEAF: return tensor->ops->read(tensor->source, tensor->index, first, count, out, error);
    case GW_OP_CONSTANT: memcpy(out, tensor->bytes + first * width, (size_t)count * width); return GW_OK;
    case GW_OP_FILL: read_fill(tensor, count, out); return GW_OK;
  }
  return GW_OK;
}

static gw_status whole_checked(const gw_tensor *tensor, void *out, gw_error *error) {
  uint32_t crc;
  size_t size = (size_t)(tensor->elements * gw_dtype_size(tensor->dtype));
  if (tensor->op != GW_OP_LEAF) return read_elements(tensor, 0, tensor->elements, out, error);
  bool plain = tensor->ops->plain_crc(tensor->source, tensor->index, &crc);
  gw_status status = plain ? GW_OK : tensor->ops->check(tensor->source, tensor->index, error);
  if (status == GW_OK) status = read_elements(tensor, 0, tensor->elements, out, error);
  if (status == GW_OK && plain) {
    uint32_t found = gw__crc32c(out, size);
    if (found != crc) status = tensor->ops->mismatch(tensor->source, tensor->index, found, error);
  }
  return status;
}

gw_status gw_tensor_read(const gw_tensor *tensor, uint64_t first, uint64_t count, void *out, gw_error *error) {
  size_t width;
  gw_status status = needs_width(tensor->dtype, &width, error);
  if (status != GW_OK) return status;
  if (first > tensor->elements || count > tensor->elements - first)
    return gw__fail(error, GW_INVALID, "elements %llu and the %llu after it of a tensor of %llu", (unsigned long long)first,
                    (unsigned long long)count, (unsigned long long)tensor->elements);
  if (first == 0 && count == tensor->elements) return whole_checked(tensor, out, error);
  return read_elements(tensor, first, count, out, error);
}

gw_status gw__expr_read_bytes(const gw_tensor *tensor, uint64_t first, size_t size, void *out, gw_error *error) {
  if (tensor->op == GW_OP_CONSTANT) { /* strings too: their stored form is what is held */
    memcpy(out, tensor->bytes + first, size);
    return GW_OK;
  }
  size_t width = gw_dtype_size(tensor->dtype);
  return read_elements(tensor, first / width, size / width, out, error);
}

gw_status gw_tensor_read_strings(const gw_tensor *tensor, gw_span **strings, char **memory, gw_error *error) {
  *strings = NULL;
  *memory = NULL;
  if (tensor->dtype != GW_DT_STRING)
    return gw__fail(error, GW_INVALID, "a tensor of dtype %s has no strings",
                    gw_dtype_name(tensor->dtype) ? gw_dtype_name(tensor->dtype) : "unknown");
  gw_buf stored = GW_BUF_INIT;
  gw_status status = GW_OK;
  if (tensor->op == GW_OP_LEAF) status = tensor->ops->read_stored(tensor->source, tensor->index, &stored, error);
  else gw__put_bytes(&stored, tensor->bytes, tensor->size);
  if (status == GW_OK) status = gw__buf_status(&stored, error);
  size_t count = (size_t)tensor->elements;
  gw_span *spans = status == GW_OK ? gw__alloc_array(count, sizeof *spans, error) : NULL;
  if (status == GW_OK && !spans) status = GW_NO_MEMORY;
  if (status == GW_OK) status = gw__split_strings(stored.data, stored.size, spans, count, error);
  if (status != GW_OK) {
    gw__free(spans);
    gw__buf_free(&stored);
    return status;
  }
  *strings = spans;
  *memory = (char *)stored.data;
  return GW_OK;
}

/* ---- Streaming a whole tensor in pieces, its checksum checked on the way */

typedef struct gw_stream {
  const gw_tensor *tensor;
  uint64_t next;    /* element */
  size_t width;
  bool plain;       /* the pieces' checksum is compared at the end */
  uint32_t crc, expected;
} gw_stream;

static gw_status stream_start(gw_stream *stream, const gw_tensor *tensor, gw_error *error) {
  *stream = (gw_stream){.tensor = tensor};
  gw_status status = needs_width(tensor->dtype, &stream->width, error);
  if (status != GW_OK || tensor->op != GW_OP_LEAF) return status;
  stream->plain = tensor->ops->plain_crc(tensor->source, tensor->index, &stream->expected);
  return stream->plain ? GW_OK : tensor->ops->check(tensor->source, tensor->index, error);
}

/* *count elements (0 at the end) go to `chunk` of CHUNK bytes. */
static gw_status stream_next(gw_stream *stream, void *chunk, size_t *count, gw_error *error) {
  const gw_tensor *tensor = stream->tensor;
  uint64_t left = tensor->elements - stream->next, most = CHUNK / stream->width;
  *count = (size_t)(left < most ? left : most);
  gw_status status = read_elements(tensor, stream->next, *count, chunk, error);
  if (status != GW_OK) return status;
  stream->next += *count;
  if (stream->plain) {
    stream->crc = gw__crc32c_extend(stream->crc, chunk, *count * stream->width);
    if (*count == 0 && stream->crc != stream->expected)
      return tensor->ops->mismatch(tensor->source, tensor->index, stream->crc, error);
  }
  return GW_OK;
}

gw_status gw_tensor_stats(const gw_tensor *tensor, gw_stats *out, gw_error *error) {
  gw_stats_sum sum;
  gw_stream stream;
  memset(out, 0, sizeof *out);
  gw_status status = gw__stats_start(&sum, tensor->dtype, error);
  if (status == GW_OK) status = stream_start(&stream, tensor, error);
  if (status != GW_OK) return status;
  uint8_t *chunk = gw__alloc(CHUNK, error);
  if (!chunk) return GW_NO_MEMORY;
  size_t count = 1;
  while (status == GW_OK && count > 0) {
    status = stream_next(&stream, chunk, &count, error);
    if (status == GW_OK) gw__stats_add(&sum, chunk, count);
  }
  gw__free(chunk);
  if (status == GW_OK) gw__stats_end(&sum, out);
  return status;
}

/* Strings, and whatever else is compared by its stored form. */
static gw_status equal_strings(const gw_tensor *a, const gw_tensor *b, bool *equal, gw_error *error) {
  gw_span *left = NULL, *right = NULL;
  char *left_memory = NULL, *right_memory = NULL;
  gw_status status = gw_tensor_read_strings(a, &left, &left_memory, error);
  if (status == GW_OK) status = gw_tensor_read_strings(b, &right, &right_memory, error);
  if (status == GW_OK) {
    *equal = true;
    for (uint64_t i = 0; i < a->elements && *equal; i++)
      *equal = left[i].size == right[i].size && (left[i].size == 0 || memcmp(left[i].data, right[i].data, left[i].size) == 0);
  }
  gw__free(left);
  gw__free(right);
  gw__free(left_memory);
  gw__free(right_memory);
  return status;
}

gw_status gw_tensor_equal(const gw_tensor *a, const gw_tensor *b, double tolerance, bool *equal, gw_error *error) {
  *equal = false;
  if (a->dtype != b->dtype || !gw__shape_equal(a->rank, a->dims, b->rank, b->dims)) return GW_OK;
  if (a->dtype == GW_DT_STRING) return equal_strings(a, b, equal, error);
  gw_stream left, right;
  gw_status status = stream_start(&left, a, error);
  if (status == GW_OK) status = stream_start(&right, b, error);
  if (status != GW_OK) return status;
  uint8_t *chunks = gw__alloc_array(2, CHUNK, error);
  if (!chunks) return GW_NO_MEMORY;
  size_t count = 1;
  bool same = true;
  /* On to the end even when they differ: damage must not pass for a difference, and checksums cover whole tensors. */
  while (status == GW_OK && count > 0) {
    status = stream_next(&left, chunks, &count, error);
    if (status == GW_OK) status = stream_next(&right, chunks + CHUNK, &count, error);
    if (status == GW_OK && same) same = gw__elements_equal(a->dtype, chunks, chunks + CHUNK, count, tolerance);
  }
  gw__free(chunks);
  *equal = status == GW_OK && same;
  return status;
}

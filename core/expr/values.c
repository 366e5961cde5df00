/* Values of tensors for those who ask: elements, strings, statistics, comparison. Whole tensors are checked against their
 * checksums on the way. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "expr.h"

enum { CHUNK = 256 * 1024 }; /* bytes of a tensor in hand at once when it is streamed */

static const char *dtype_name(const gw_tensor *tensor) {
  const char *name = gw_dtype_name(tensor->dtype);
  return name ? name : "unknown";
}

static gw_status needs_width(const gw_tensor *tensor, gw_error *error) {
  if (gw_dtype_size(tensor->dtype) > 0) return GW_OK;
  return gw__fail(error, GW_INVALID, "elements of dtype %s have no fixed size", dtype_name(tensor));
}

static gw_status make_sums(const gw_tensor *tensor, gw_leaf_sum **sums, gw_error *error) {
  *sums = gw__alloc_array(tensor->leaf_count, sizeof **sums, error);
  if (!*sums) return GW_NO_MEMORY;
  gw_status status = gw__leaves_check(tensor, error);
  if (status != GW_OK) {
    gw__free(*sums);
    *sums = NULL;
  }
  return status;
}

gw_status gw_tensor_read(const gw_tensor *tensor, uint64_t first, uint64_t count, void *out, gw_error *error) {
  gw_eval eval;
  gw_leaf_sum *sums = NULL;
  gw_status status = needs_width(tensor, error);
  if (status != GW_OK) return status;
  if (first > tensor->elements || count > tensor->elements - first)
    return gw__fail(error, GW_INVALID, "elements %llu and the %llu after it of a tensor of %llu", (unsigned long long)first,
                    (unsigned long long)count, (unsigned long long)tensor->elements);
  bool whole = first == 0 && count == tensor->elements;
  if (whole) status = make_sums(tensor, &sums, error);
  if (status != GW_OK) return status;
  gw__eval_start(&eval, 0);
  status = gw__eval_flat(&eval, tensor, first, count, out, sums, error);
  if (status == GW_OK && whole) status = gw__sums_check(tensor, sums, error);
  gw__eval_end(&eval);
  gw__free(sums);
  return status;
}

/* ---- Strings */

/* The stored form of a string tensor, appended. */
static gw_status make_stored(gw_eval *eval, const gw_tensor *tensor, gw_buf *out, uint32_t *crc, gw_error *error) {
  gw_span *spans = gw__alloc_array((size_t)tensor->elements, sizeof *spans, error);
  if (!spans) return GW_NO_MEMORY;
  gw_status status = gw__eval_flat(eval, tensor, 0, tensor->elements, spans, NULL, error);
  if (status == GW_OK) gw__put_strings(out, spans, (size_t)tensor->elements, crc);
  gw__free(spans);
  return status;
}

static gw_status put_stored(const gw_tensor *tensor, gw_buf *out, uint32_t *crc, gw_error *error) {
  if (tensor->op == GW_OP_LEAF) return tensor->ops->read_stored(tensor->source, tensor->index, out, error);
  if (tensor->bytes) {
    gw__put_bytes(out, tensor->bytes, tensor->size);
    return GW_OK;
  }
  gw_eval eval;
  gw__eval_start(&eval, 0);
  gw_status status = make_stored(&eval, tensor, out, crc, error);
  gw__eval_end(&eval);
  return status;
}

gw_status gw_tensor_measure(gw_tensor *tensor, gw_error *error) {
  if (tensor->op == GW_OP_LEAF) return GW_OK;
  gw_eval eval;
  gw__eval_start(&eval, 0);
  gw_status status = gw__expr_measure(&eval, tensor, error);
  gw__eval_end(&eval);
  return status;
}

gw_status gw__expr_measure(gw_eval *eval, gw_tensor *tensor, gw_error *error) {
  if (tensor->dtype != GW_DT_STRING || tensor->bytes) return GW_OK;
  gw_buf stored = GW_BUF_INIT;
  gw_status status = make_stored(eval, tensor, &stored, &tensor->crc, error);
  if (status == GW_OK) status = gw__buf_status(&stored, error);
  if (status == GW_OK && !stored.data && !gw__buf_reserve(&stored, 1)) status = gw__buf_status(&stored, error);
  if (status != GW_OK) {
    gw__buf_free(&stored);
    return status;
  }
  tensor->bytes = stored.data;
  tensor->size = stored.size;
  tensor->stored = stored.size;
  return GW_OK;
}

void gw__expr_stored(const gw_tensor *tensor, uint64_t first, size_t size, void *out) { memcpy(out, tensor->bytes + first, size); }

gw_status gw_tensor_read_strings(const gw_tensor *tensor, gw_span **strings, char **memory, gw_error *error) {
  *strings = NULL;
  *memory = NULL;
  if (tensor->dtype != GW_DT_STRING) return gw__fail(error, GW_INVALID, "a tensor of dtype %s has no strings", dtype_name(tensor));
  gw_buf stored = GW_BUF_INIT;
  uint32_t crc;
  gw_status status = put_stored(tensor, &stored, &crc, error);
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

/* ---- Streaming a whole tensor in pieces: flat ranges where the files have the order of the result, else boxes */

typedef struct gw_stream {
  const gw_tensor *tensor; /* whose boxes are taken */
  gw_access access;
  uint64_t next;           /* element, of flat ranges */
  int64_t *start, *size, *step;
  bool done;
} gw_stream;

/* One tensor that is read along a stream. */
typedef struct gw_reader {
  const gw_tensor *tensor;
  gw_eval eval;
  gw_leaf_sum *sums;
  uint8_t *chunk;
} gw_reader;

static void stream_end(gw_stream *stream) {
  gw__access_free(&stream->access);
  gw__free(stream->start);
}

static gw_status stream_start(gw_stream *stream, const gw_tensor *tensor, gw_error *error) {
  *stream = (gw_stream){.tensor = tensor};
  gw_status status = gw__access_of(tensor, &stream->access, error);
  if (status != GW_OK) return status;
  stream->start = gw__alloc_array(3 * tensor->rank, sizeof *stream->start, error);
  if (!stream->start) {
    stream_end(stream);
    return GW_NO_MEMORY;
  }
  stream->size = stream->start + tensor->rank;
  stream->step = stream->size + tensor->rank;
  stream->done = tensor->elements == 0;
  if (!stream->access.flat && tensor->elements > 0)
    gw__access_shape(tensor, &stream->access, tensor->dims, CHUNK / gw_dtype_size(tensor->dtype), false, stream->step);
  return GW_OK;
}

/* The size of the piece at hand, in elements; 0 at the end. */
static size_t stream_count(gw_stream *stream) {
  const gw_tensor *tensor = stream->tensor;
  if (stream->done) return 0;
  if (stream->access.flat) {
    uint64_t left = tensor->elements - stream->next, most = CHUNK / gw_dtype_size(tensor->dtype);
    return (size_t)(left < most ? left : most);
  }
  size_t count = 1;
  for (size_t i = 0; i < tensor->rank; i++) {
    int64_t left = tensor->dims[i] - stream->start[i];
    stream->size[i] = left < stream->step[i] ? left : stream->step[i];
    count *= (size_t)stream->size[i];
  }
  return count;
}

static void stream_move(gw_stream *stream, size_t count) {
  const gw_tensor *tensor = stream->tensor;
  if (stream->access.flat) {
    stream->next += count;
    stream->done = stream->next == tensor->elements;
    return;
  }
  for (size_t axis = tensor->rank; axis-- > 0;) {
    stream->start[axis] += stream->step[axis];
    if (stream->start[axis] < tensor->dims[axis]) return;
    stream->start[axis] = 0;
  }
  stream->done = true;
}

static gw_status reader_start(gw_reader *reader, const gw_tensor *tensor, gw_error *error) {
  *reader = (gw_reader){.tensor = tensor};
  gw__eval_start(&reader->eval, 0);
  gw_status status = make_sums(tensor, &reader->sums, error);
  if (status == GW_OK && !(reader->chunk = gw__alloc_pages(CHUNK, error))) status = GW_NO_MEMORY;
  return status;
}

static gw_status reader_next(gw_reader *reader, const gw_stream *stream, size_t count, gw_error *error) {
  return stream->access.flat
             ? gw__eval_flat(&reader->eval, reader->tensor, stream->next, count, reader->chunk, reader->sums, error)
             : gw__eval_box(&reader->eval, reader->tensor, stream->start, stream->size, reader->chunk, reader->sums, error);
}

static void reader_end(gw_reader *reader) {
  gw__eval_end(&reader->eval);
  gw__free(reader->sums);
  gw__free(reader->chunk);
}

gw_status gw_tensor_stats(const gw_tensor *tensor, gw_stats *out, gw_error *error) {
  gw_stats_sum sum;
  gw_stream stream;
  gw_reader reader;
  memset(out, 0, sizeof *out);
  gw_status status = gw__stats_start(&sum, tensor->dtype, error);
  if (status == GW_OK) status = stream_start(&stream, tensor, error);
  if (status != GW_OK) return status;
  status = reader_start(&reader, tensor, error);
  for (size_t count; status == GW_OK && (count = stream_count(&stream)) > 0; stream_move(&stream, count)) {
    status = reader_next(&reader, &stream, count, error);
    if (status == GW_OK) gw__stats_add(&sum, reader.chunk, count);
  }
  if (status == GW_OK) status = gw__sums_check(tensor, reader.sums, error);
  if (status == GW_OK) gw__stats_end(&sum, out);
  reader_end(&reader);
  stream_end(&stream);
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
  gw_stream stream;
  gw_reader left, right = {0};
  gw_status status = needs_width(a, error);
  if (status == GW_OK) status = stream_start(&stream, a, error);
  if (status != GW_OK) return status;
  status = reader_start(&left, a, error);
  if (status == GW_OK) status = reader_start(&right, b, error);
  gw_difference difference = {0};
  /* On to the end even when they differ: damage must not pass for a difference, and checksums cover whole tensors. */
  for (size_t count; status == GW_OK && (count = stream_count(&stream)) > 0; stream_move(&stream, count)) {
    status = reader_next(&left, &stream, count, error);
    if (status == GW_OK) status = reader_next(&right, &stream, count, error);
    if (status == GW_OK && difference.count == 0) gw__compare(&difference, a->dtype, left.chunk, right.chunk, 0, count, 0, tolerance);
  }
  if (status == GW_OK) status = gw__sums_check(a, left.sums, error);
  if (status == GW_OK) status = gw__sums_check(b, right.sums, error);
  reader_end(&left);
  reader_end(&right);
  stream_end(&stream);
  *equal = status == GW_OK && difference.count == 0;
  return status;
}

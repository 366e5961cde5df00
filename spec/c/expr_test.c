/* core/expr and the kernels of core/tensor: against scalar references of another make, and against themselves: an element's
 * value does not depend on the box in which it is asked for, and what is read of a leaf adds up to its checksum. Then
 * tensors a hundred times as large as the memory. Usage: expr_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../../core/base/crc32c.h"
#include "../../core/base/error.h"
#include "../../core/expr/expr.h"
#include "../../core/tensor/kernels.h"
#include "bundle_make.h"
#include "check.h"

static const char *scratch = ".";

static uint64_t random_state = 88172645463325252u;
static uint64_t random_number(void) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * UINT64_C(2685821657736338717);
}
static int64_t below(int64_t limit) { return (int64_t)(random_number() % (uint64_t)limit); }

/* ---- Conversions */

static const int floats[] = {GW_DT_HALF, GW_DT_BFLOAT16, GW_DT_FLOAT, GW_DT_DOUBLE};
static const int integers[] = {GW_DT_UINT8, GW_DT_INT8, GW_DT_UINT16, GW_DT_INT16, GW_DT_UINT32, GW_DT_INT32, GW_DT_UINT64, GW_DT_INT64};

static void floats_of_16_bits(void) {
  uint16_t small[65536], again[65536];
  static float wide[65536];
  for (unsigned i = 0; i < 65536; i++) small[i] = (uint16_t)i;
  for (int which = 0; which < 2; which++) {
    gw__convert(floats[which], GW_DT_FLOAT, wide, small, 65536);
    gw__convert(GW_DT_FLOAT, floats[which], again, wide, 65536);
    for (unsigned i = 0; i < 65536; i++) {
      gw_number number;
      gw_number_get(floats[which], &small[i], &number);
      if (isnan(number.real)) CHECK(isnan(wide[i]) && (again[i] & 0x8000) == (small[i] & 0x8000));
      else if (!CHECK((double)wide[i] == number.real && !signbit(wide[i]) == !signbit(number.real) && again[i] == small[i])) return;
    }
  }
}

static void floats_become_smaller_as_the_scalar_code_rounds(void) {
  for (int which = 0; which < 2; which++)
    for (int i = 0; i < 200000; i++) {
      uint32_t bits = (uint32_t)random_number();
      /* Around every border between two of the smaller numbers. */
      if (i % 2) bits = (bits & 0xffff0000u) | ((which ? 0x7fffu : 0x0fffu) + (uint32_t)(i % 5));
      float value;
      uint16_t found, expected;
      memcpy(&value, &bits, 4);
      gw_number number = {.kind = GW_KIND_FLOAT, .real = (double)value};
      CHECK(gw_number_put(floats[which], &number, &expected, NULL) == GW_OK);
      gw__convert(GW_DT_FLOAT, floats[which], &found, &value, 1);
      if (!isnan(value) && !CHECK(found == expected)) return;
    }
}

static void doubles_are_rounded_once_by_way_of_odd(void) {
  for (int i = 0; i < 200000; i++) {
    /* Just beside the middle of two float16: rounding to float first would make it the middle. */
    uint16_t half = (uint16_t)(random_number() & 0x7bfe), other = (uint16_t)(half + 1);
    double low = (double)gw__half_to_float(half), high = (double)gw__half_to_float(other), middle = (low + high) / 2;
    if (isinf(high)) continue;
    CHECK(gw__float_to_half(gw__double_to_odd(nextafter(middle, 1e9))) == other);
    CHECK(gw__float_to_half(gw__double_to_odd(nextafter(middle, 0))) == half);
    if (!CHECK(gw__float_to_half(gw__double_to_odd(middle)) == half)) return; /* it is even */
  }
  CHECK(isinf(gw__double_to_odd(INFINITY)) && gw__double_to_odd(0.1f) == 0.1f && gw__double_to_odd(-1e300) == -3.40282346638528859812e38f);
}

/* What the documents say of floats that become integers. */
static void saturated(int to, double value, void *out) {
  gw_number number = {.kind = GW_KIND_FLOAT, .real = trunc(value)};
  if (isnan(value)) number.real = 0;
  if (gw_number_put(to, &number, out, NULL) == GW_OK) return;
  uint64_t most = UINT64_MAX >> (64 - 8 * gw_dtype_size(to)), all = value < 0 ? 0 : most;
  if (gw_dtype_kind(to) == GW_KIND_INT) all = value < 0 ? most / 2 + 1 : most / 2;
  memcpy(out, &all, gw_dtype_size(to));
}

static void floats_become_integers(void) {
  static const double odd[] = {0.0, -0.0, 0.5, -0.5, 0.99, -0.99, 127.5, 128.0, -128.5, -129.0, 255.9, 256.0, 32767.9, 32768.0, 65535.5,
                               65536.0, 2147483647.0, 2147483648.0, -2147483648.9, 4294967295.5, 4294967296.0, 9223372036854774784.0,
                               9223372036854775808.0, -9223372036854775808.0, 18446744073709549568.0, 18446744073709551616.0, 1e300, -1e300,
                               INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    for (size_t j = 0; j < 8; j++) {
      uint8_t found[8] = {0}, expected[8] = {0};
      float narrow = (float)odd[i];
      gw__convert(GW_DT_DOUBLE, integers[j], found, &odd[i], 1);
      saturated(integers[j], odd[i], expected);
      CHECK(memcmp(found, expected, 8) == 0);
      memset(found, 0, 8);
      memset(expected, 0, 8);
      gw__convert(GW_DT_FLOAT, integers[j], found, &narrow, 1);
      saturated(integers[j], (double)narrow, expected);
      CHECK(memcmp(found, expected, 8) == 0);
    }
}

static void integers_keep_their_low_bits(void) {
  for (size_t i = 0; i < 8; i++)
    for (size_t j = 0; j < 8; j++)
      for (int k = 0; k < 100 && i != j; k++) {
        uint64_t bits = random_number(), found = 0;
        size_t from = gw_dtype_size(integers[i]), to = gw_dtype_size(integers[j]);
        gw__convert(integers[i], integers[j], &found, &bits, 1);
        uint64_t value = bits << (64 - 8 * from);
        value = gw_dtype_kind(integers[i]) == GW_KIND_INT ? (uint64_t)((int64_t)value >> (64 - 8 * from)) : value >> (64 - 8 * from);
        if (to < 8) value &= (UINT64_C(1) << (8 * to)) - 1;
        if (!CHECK(found == value)) return;
      }
}

/* ---- Moving */

static void axes_move_to_their_places(void) {
  static const size_t widths[] = {1, 2, 4, 8, 16};
  for (int round = 0; round < 300; round++) {
    size_t rank = 1 + (size_t)below(5), width = widths[below(5)], count = 1;
    int64_t size[5], perm[5], out_size[5], at[5] = {0};
    for (size_t i = 0; i < rank; i++) {
      size[i] = below(4) == 0 ? 1 : 1 + below(rank > 3 ? 7 : 40);
      count *= (size_t)size[i];
      perm[i] = (int64_t)i;
    }
    for (size_t i = rank; i-- > 1;) {
      size_t j = (size_t)below((int64_t)i + 1);
      int64_t swap = perm[i];
      perm[i] = perm[j];
      perm[j] = swap;
    }
    uint8_t *in = malloc(count * width), *out = malloc(count * width);
    gwt_must(in && out);
    for (size_t i = 0; i < count * width; i++) in[i] = (uint8_t)random_number();
    gw__move_axes(width, rank, size, perm, in, out);
    for (size_t i = 0; i < rank; i++) out_size[i] = size[perm[i]];
    bool same = true;
    for (size_t i = 0; i < count; i++) {
      size_t from = 0;
      int64_t place[5];
      for (size_t j = 0; j < rank; j++) place[perm[j]] = at[j];
      for (size_t j = 0; j < rank; j++) from = from * (size_t)size[j] + (size_t)place[j];
      same = same && memcmp(out + i * width, in + from * width, width) == 0;
      for (size_t j = rank; j-- > 0;) {
        if (++at[j] < out_size[j]) break;
        at[j] = 0;
      }
    }
    CHECK(same);
    free(in);
    free(out);
  }
}

/* ---- Expressions by boxes. The leaf is a fake: element i of it is made from i. */

typedef struct fake {
  uint32_t references, crc;
  uint64_t elements;
  atomic_ullong bytes; /* read so far */
} fake;

static float fake_value(uint64_t i) { return (float)(int32_t)((i * 2654435761u) % 1000003u) / 64.0f - 7000.0f; }

static gw_status fake_read(void *source, size_t index, uint64_t first, uint64_t count, void *out, gw_error *error) {
  fake *leaf = source;
  uint8_t *to = out; /* wherever: a file's bytes go anywhere too */
  (void)index;
  if (first + count > leaf->elements) return gw__fail(error, GW_CORRUPT, "beyond the end");
  for (uint64_t i = 0; i < count; i++, to += 4) {
    float value = fake_value(first + i);
    memcpy(to, &value, 4);
  }
  atomic_fetch_add(&leaf->bytes, count * 4);
  return GW_OK;
}

static gw_status fake_check(void *source, size_t index, gw_error *error) {
  (void)source;
  (void)index;
  return gw__fail(error, GW_CORRUPT, "the sums do not cover the leaf");
}
static bool fake_crc(void *source, size_t index, uint32_t *crc) {
  (void)index;
  *crc = ((fake *)source)->crc;
  return true;
}
static gw_status fake_mismatch(void *source, size_t index, uint32_t found, gw_error *error) {
  (void)source;
  (void)index;
  return gw__fail(error, GW_CORRUPT, "crc %08x", found);
}
static size_t fake_slices(void *source, size_t index, bool *partial) {
  (void)source;
  (void)index;
  *partial = false;
  return 0;
}
static void fake_describe(void *source, size_t index, gw_buf *out) {
  (void)source;
  (void)index;
  gw__put_text(out, "fake");
}
static void fake_name(void *source, size_t index, gw_span *out) {
  (void)source;
  (void)index;
  *out = (gw_span){"fake", 4};
}
static void fake_retain(void *source) { ((fake *)source)->references++; }
static void fake_release(void *source) { ((fake *)source)->references--; }
static const gw_source_ops fake_ops = {.read = fake_read, .check = fake_check, .plain_crc = fake_crc, .mismatch = fake_mismatch, .slices = fake_slices,
                                       .describe = fake_describe, .name = fake_name, .retain = fake_retain, .release = fake_release};

static gw_tensor *fake_leaf(fake *leaf, size_t rank, const int64_t *dims) {
  gw_tensor *tensor;
  uint64_t elements = 1;
  for (size_t i = 0; i < rank; i++) elements *= (uint64_t)dims[i];
  *leaf = (fake){.elements = elements};
  for (uint64_t i = 0; i < elements; i++) {
    float value = fake_value(i);
    leaf->crc = gw__crc32c_extend(leaf->crc, &value, 4);
  }
  gwt_must(gw__expr_leaf(&fake_ops, leaf, 0, GW_DT_FLOAT, rank, dims, elements * 4, &tensor, NULL) == GW_OK);
  return tensor;
}

/* Some indices are missing; there it is one number, or one of a tensor's. */
static gw_tensor *remap(gw_tensor *tensor, int64_t *indices, size_t count, int64_t axis) {
  gw_remapping remapping = {.count = count, .indices = indices};
  gw_tensor *missing, *out;
  int64_t dims[16];
  size_t rank = below(2) ? gw_tensor_rank(tensor) : 0;
  memcpy(dims, gw_tensor_dims(tensor), gw_tensor_rank(tensor) * sizeof *dims);
  dims[axis] = (int64_t)count;
  for (size_t i = 0; i < count; i++)
    if (below(4) == 0) indices[i] = -1;
  gwt_must(gw_tensor_random(GW_RANDOM_NORMAL, GW_DT_FLOAT, rank, dims, 7, 0, 1, &missing, NULL) == GW_OK);
  gwt_must(gw_tensor_remap(tensor, &remapping, axis, missing, &out, NULL) == GW_OK);
  gw_tensor_release(missing);
  return out;
}

/* One random operation on top; `exact` goes false when elements are left out or repeated. */
static gw_tensor *grow(gw_tensor *tensor, bool *exact) {
  gw_tensor *out = NULL;
  size_t rank = gw_tensor_rank(tensor);
  const int64_t *dims = gw_tensor_dims(tensor);
  int64_t a[16], b[16], axis = rank ? below((int64_t)rank) : 0;
  float low = -100.0f, high = 4000.0f;
  gw_status status = GW_OK;
  switch (below(10)) {
    case 0: {
      for (size_t i = 0; i < rank; i++) a[i] = (int64_t)i;
      for (size_t i = rank; i-- > 1;) {
        size_t j = (size_t)below((int64_t)i + 1);
        int64_t swap = a[i];
        a[i] = a[j];
        a[j] = swap;
      }
      status = gw_tensor_transpose(tensor, a, rank, &out, NULL);
      break;
    }
    case 1: { /* two axes become one, or one becomes two */
      size_t next = 0;
      for (size_t i = 0; i < rank; i++) {
        if (below(2) && i + 1 < rank) a[next++] = dims[i] * dims[i + 1], i++;
        else if (below(2) && dims[i] % 2 == 0 && next < 6) a[next++] = 2, a[next++] = dims[i] / 2;
        else a[next++] = dims[i];
      }
      if (next > 7) next = 1, a[0] = -1;
      status = gw_tensor_reshape(tensor, next, a, &out, NULL);
      break;
    }
    case 2:
      for (size_t i = 0; i < rank; i++) a[i] = below(2) ? 0 : below(dims[i]), b[i] = dims[i] - a[i] - (below(2) ? 0 : below(dims[i] - a[i]));
      status = gw_tensor_slice(tensor, a, b, rank, &out, NULL);
      if (status == GW_OK && gw_tensor_elements(out) != gw_tensor_elements(tensor)) *exact = false;
      break;
    case 3: {
      if (rank == 0) break;
      size_t count = 1 + (size_t)below(dims[axis] + 3);
      int64_t *indices = malloc(count * sizeof *indices);
      gwt_must(indices);
      for (size_t i = 0; i < count; i++) indices[i] = below(3) ? below(dims[axis]) : i ? (indices[i - 1] + 1) % dims[axis] : 0;
      if (below(2)) status = gw_tensor_gather(tensor, indices, count, axis, &out, NULL);
      else out = remap(tensor, indices, count, axis);
      free(indices);
      *exact = false;
      break;
    }
    case 4:
      for (size_t i = 0; i < rank; i++) a[i] = below(3), b[i] = below(3);
      status = gw_tensor_pad(tensor, a, b, rank, &low, &out, NULL);
      break;
    case 5: {
      gw_tensor *zeros;
      if (rank == 0) break;
      memcpy(a, dims, rank * sizeof *a);
      a[axis] = 1 + below(3);
      gwt_must(gw_tensor_fill(GW_DT_FLOAT, rank, a, &high, &zeros, NULL) == GW_OK);
      gw_tensor *parts[] = {zeros, tensor, zeros};
      status = gw_tensor_concat(parts + below(2), 2, axis, &out, NULL);
      gw_tensor_release(zeros);
      break;
    }
    case 6: status = gw_tensor_unary(GW_NEGATE, tensor, &out, NULL); break;
    case 7: status = gw_tensor_clip(tensor, &low, &high, &out, NULL); break;
    case 8: {
      gw_tensor *half;
      status = gw_tensor_cast(tensor, below(2) ? GW_DT_BFLOAT16 : GW_DT_DOUBLE, &half, NULL);
      if (status == GW_OK) status = gw_tensor_cast(half, GW_DT_FLOAT, &out, NULL);
      gw_tensor_release(half);
      break;
    }
    default: { /* with a row of random numbers, repeated */
      gw_tensor *row;
      size_t from = (size_t)below((int64_t)rank + 1);
      gwt_must(gw_tensor_random(GW_RANDOM_NORMAL, GW_DT_FLOAT, rank - from, dims + from, 5, 0, 1, &row, NULL) == GW_OK);
      status = gw_tensor_binary(below(2) ? GW_ADD : GW_MULTIPLY, below(2) ? tensor : row, tensor, &out, NULL);
      if (status == GW_OK && out->how->operands[0] == tensor) *exact = false; /* with itself */
      gw_tensor_release(row);
    }
  }
  gwt_must(status == GW_OK);
  if (!out) return tensor;
  gw_tensor_release(tensor);
  return out;
}

static void check_boxes(const gw_tensor *tensor, const float *whole, size_t budget) {
  gw_eval eval;
  size_t rank = gw_tensor_rank(tensor);
  const int64_t *dims = gw_tensor_dims(tensor);
  float *part = malloc(gw_tensor_elements(tensor) * 4 + 64);
  gwt_must(part);
  gw__eval_start(&eval, budget);
  for (int i = 0; i < 6; i++) {
    uint64_t first = (uint64_t)below((int64_t)gw_tensor_elements(tensor)), count = (uint64_t)below((int64_t)(gw_tensor_elements(tensor) - first) + 1);
    /* Also to places where no float could lie. */
    uint8_t *odd = (uint8_t *)part + i % 3;
    CHECK(gw__eval_flat(&eval, tensor, first, count, odd, NULL, NULL) == GW_OK && memcmp(odd, whole + first, count * 4) == 0);
    int64_t start[GW_MAX_RANK], size[GW_MAX_RANK], at[GW_MAX_RANK] = {0};
    uint64_t elements = 1;
    for (size_t j = 0; j < rank; j++) {
      start[j] = below(dims[j]);
      size[j] = 1 + below(dims[j] - start[j]);
      elements *= (uint64_t)size[j];
    }
    CHECK(gw__eval_box(&eval, tensor, start, size, part, NULL, NULL) == GW_OK);
    bool same = true;
    for (uint64_t j = 0; j < elements; j++) {
      uint64_t place = 0;
      for (size_t k = 0; k < rank; k++) place = place * (uint64_t)dims[k] + (uint64_t)(start[k] + at[k]);
      same = same && memcmp(part + j, whole + place, 4) == 0;
      for (size_t k = rank; k-- > 0;) {
        if (++at[k] < size[k]) break;
        at[k] = 0;
      }
    }
    CHECK(same);
  }
  gw__eval_end(&eval);
  free(part);
}

/* Tiles of a shape that the evaluator chooses for little memory cover the tensor; every byte of the leaf is read once. */
static void check_tiles(const gw_tensor *tensor, const float *whole, uint64_t most) {
  gw_eval eval;
  gw_access access;
  size_t rank = gw_tensor_rank(tensor);
  const int64_t *dims = gw_tensor_dims(tensor);
  int64_t step[GW_MAX_RANK], at[GW_MAX_RANK] = {0}, size[GW_MAX_RANK];
  gw_leaf_sum sums[2] = {{0}};
  float *part = malloc(gw_tensor_elements(tensor) * 4), *joined = malloc(gw_tensor_elements(tensor) * 4);
  gwt_must(part && joined && gw__access_of(tensor, &access, NULL) == GW_OK && tensor->leaf_count <= 2);
  gw__eval_start(&eval, 4096);
  gw__access_shape(tensor, &access, dims, most, true, step);
  for (size_t axis = 0; axis != SIZE_MAX;) {
    uint64_t elements = 1;
    for (size_t i = 0; i < rank; i++) {
      size[i] = dims[i] - at[i] < step[i] ? dims[i] - at[i] : step[i];
      elements *= (uint64_t)size[i];
    }
    CHECK(elements <= most || most == 0);
    CHECK(gw__eval_box(&eval, tensor, at, size, part, sums, NULL) == GW_OK);
    gw__move_into(4, rank, size, part, dims, at, joined);
    for (axis = rank; axis-- > 0;) {
      at[axis] += step[axis];
      if (at[axis] < dims[axis]) break;
      at[axis] = 0;
    }
  }
  CHECK(memcmp(joined, whole, gw_tensor_elements(tensor) * 4) == 0);
  CHECK(gw__sums_check(tensor, sums, NULL) == GW_OK);
  gw__access_free(&access);
  gw__eval_end(&eval);
  free(part);
  free(joined);
}

static void boxes_do_not_change_values(void) {
  for (int round = 0; round < 400; round++) {
    fake leaf;
    int64_t dims[4];
    size_t rank = 1 + (size_t)below(4);
    bool exact = true;
    for (size_t i = 0; i < rank; i++) dims[i] = 1 + below(rank > 2 ? 13 : 90);
    gw_tensor *tensor = fake_leaf(&leaf, rank, dims);
    for (int depth = (int)below(7); depth > 0 && gw_tensor_elements(tensor) < 200000 && gw_tensor_rank(tensor) < 7; depth--) tensor = grow(tensor, &exact);
    float *whole = malloc(gw_tensor_elements(tensor) * 4 + 4);
    gw_eval eval;
    gw_leaf_sum sums[2] = {{0}};
    gwt_must(whole);
    gw__eval_start(&eval, 1 << 24);
    atomic_store(&leaf.bytes, 0);
    CHECK(gw__eval_flat(&eval, tensor, 0, gw_tensor_elements(tensor), whole, sums, NULL) == GW_OK);
    gw__eval_end(&eval);
    /* What counts as read once was. */
    if (tensor->leaf_count && tensor->leaves[0].once) CHECK(sums[0].bytes == leaf.elements * 4 && atomic_load(&leaf.bytes) == sums[0].bytes);
    if (exact && tensor->leaf_count) CHECK(tensor->leaves[0].once);
    check_boxes(tensor, whole, 1 << 12);
    check_boxes(tensor, whole, 1 << 20);
    check_tiles(tensor, whole, 1000 + random_number() % 10000);
    if (gwt_wrong) {
      gw_buf text = GW_BUF_INIT;
      gw__put_expression(&text, tensor);
      gw__put_u8(&text, 0);
      fprintf(stderr, "round %d: %s\n", round, (const char *)text.data);
      gw__buf_free(&text);
    }
    free(whole);
    gw_tensor_release(tensor);
    CHECK(leaf.references == 0);
    if (gwt_wrong) return;
  }
}

static void damage_is_found_in_the_sums(void) {
  fake leaf;
  const int64_t dims[] = {300, 500};
  gw_tensor *tensor = fake_leaf(&leaf, 2, dims), *turned;
  gw_stats stats;
  gw_error error = GW_ERROR_INIT;
  gwt_must(gw_tensor_transpose(tensor, NULL, 0, &turned, NULL) == GW_OK);
  CHECK(gw_tensor_stats(turned, &stats, &error) == GW_OK);
  leaf.crc ^= 1;
  CHECK(gw_tensor_stats(turned, &stats, &error) == GW_CORRUPT && strncmp(error.what, "crc ", 4) == 0);
  gw_tensor_release(turned);
  gw_tensor_release(tensor);
}

static void every_allocation_may_fail(void) {
  bool done = false;
  for (long n = 1; n < 500 && !done; n++) {
    fake leaf;
    const int64_t dims[] = {30, 40};
    const int64_t indices[] = {3, 1, 39, 4};
    gw_tensor *tensor = fake_leaf(&leaf, 2, dims), *turned = NULL, *some = NULL, *sum = NULL, *mean = NULL;
    float out[160];
    gw__alloc_fail_at(n);
    int64_t with_holes[] = {3, -1, 39, 4};
    const gw_remapping remapping = {.count = 4, .indices = with_holes};
    gw_tensor *columns = NULL;
    gw_status status = gw_tensor_gather(tensor, indices, 4, 1, &columns, NULL);
    if (status == GW_OK) status = gw_tensor_remap(tensor, &remapping, 1, columns, &some, NULL);
    gw_tensor_release(columns);
    if (status == GW_OK) status = gw_tensor_transpose(some, NULL, 0, &turned, NULL);
    if (status == GW_OK) status = gw_tensor_binary(GW_ADD, turned, turned, &sum, NULL);
    gw_tensor *both[] = {sum, turned};
    const double weights[] = {0.5, 1.5};
    if (status == GW_OK) status = gw_tensor_mean(both, weights, 2, &mean, NULL);
    if (status == GW_OK) status = gw_tensor_read(mean, 1, 118, out, NULL);
    done = gw__alloc_count() < n;
    gw__alloc_fail_at(0);
    CHECK(status == (done ? GW_OK : GW_NO_MEMORY));
    gw_tensor *all[] = {mean, sum, turned, some, tensor};
    for (size_t i = 0; i < 5; i++) gw_tensor_release(all[i]);
    CHECK(leaf.references == 0);
  }
  CHECK(done);
}

/* ---- A hundred times the memory */

static atomic_ullong bytes_read;

static ssize_t counting_pread(int fd, void *data, size_t size, off_t offset) {
  ssize_t got = pread(fd, data, size, offset);
  if (got > 0) atomic_fetch_add(&bytes_read, (unsigned long long)got);
  return got;
}
static int no_sync(int fd) {
  (void)fd;
  return 0;
}

static gw_status write_one(gw_tensor *tensor, const char *prefix, uint64_t memory, unsigned threads) {
  gw_draft *draft;
  gw_plan *plan = NULL;
  gw_run *run = NULL;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  options.memory = memory;
  options.threads = threads;
  options.force = true;
  bool finished = false;
  gw_error error = GW_ERROR_INIT;
  gw_status status = gw_draft_new(&draft, &error);
  if (status == GW_OK) status = gw_draft_set(draft, "x", 1, tensor, NULL, &error);
  if (status == GW_OK) status = gw_plan_compile(draft, NULL, &plan, &error);
  if (status == GW_OK) status = gw_run_start(plan, prefix, &options, &run, &error);
  while (status == GW_OK && !finished) status = gw_run_wait(run, 1000, &finished, &error);
  if (status == GW_OK) status = gw_run_commit(run, &error);
  if (status != GW_OK) fprintf(stderr, "%s: %s\n", prefix, error.what);
  gw_run_free(run);
  gw_plan_free(plan);
  gw_draft_release(draft);
  return status;
}

static gw_tensor *read_one(const char *prefix) {
  gw_bundle *bundle;
  gw_tensor *tensor = NULL;
  gwt_must(gw_bundle_open(prefix, &bundle, NULL) == GW_OK && gw_bundle_tensor(bundle, 0, &tensor, NULL) == GW_OK);
  gw_bundle_release(bundle);
  return tensor;
}

enum { SIDE = 5000 }; /* 100 MB of float32 */

static void a_hundred_times_the_memory(void) {
  const uint64_t memory = 1 << 20, size = (uint64_t)SIDE * SIDE * 4;
  const int64_t dims[] = {SIDE, SIDE}, before[] = {1, 3}, after[] = {2, 1};
  static int64_t order[SIDE];
  gwt_path folder = gwt_path_of("%s/large", scratch), in = gwt_path_of("%s/large/in", scratch), out = gwt_path_of("%s/large/out", scratch);
  gw_tensor *random, *made[5] = {NULL};
  gw_system counting = *gw__system();
  gwt_clear(folder.text);
  gwt_must(gw_tensor_random(GW_RANDOM_UNIFORM, GW_DT_FLOAT, 2, dims, 3, -1, 1, &random, NULL) == GW_OK);
  gwt_must(write_one(random, in.text, 0, 2) == GW_OK);
  gw_tensor *leaf = read_one(in.text);
  for (int64_t i = 0; i < SIDE; i++) order[i] = i * 1237 % SIDE;
  gwt_must(gw_tensor_transpose(leaf, NULL, 0, &made[0], NULL) == GW_OK);
  gwt_must(gw_tensor_gather(leaf, order, SIDE, 1, &made[1], NULL) == GW_OK);
  gwt_must(gw_tensor_gather(leaf, order, SIDE, 0, &made[2], NULL) == GW_OK);
  gw_tensor *both[] = {leaf, random};
  gwt_must(gw_tensor_mean(both, NULL, 2, &made[3], NULL) == GW_OK);
  gwt_must(gw_tensor_pad(leaf, before, after, 2, NULL, &made[4], NULL) == GW_OK);
  float *value = malloc(size), *row = malloc((SIDE + 4) * 4);
  gwt_must(value && row && gw_tensor_read(leaf, 0, (uint64_t)SIDE * SIDE, value, NULL) == GW_OK);
  counting.pread = counting_pread;
  for (int which = 0; which < 5; which++) {
    gw__system_replace(&counting);
    atomic_store(&bytes_read, 0);
    CHECK(write_one(made[which], out.text, memory, 1 + (unsigned)which % 2) == GW_OK);
    if (!CHECK(atomic_load(&bytes_read) <= 2 * size + 100000)) fprintf(stderr, "operation %d reads %llu bytes\n", which, atomic_load(&bytes_read));
    counting.pread = gw__system()->pread;
    gw_tensor *found = read_one(out.text);
    int64_t height = gw_tensor_dims(found)[0], width = gw_tensor_dims(found)[1];
    bool same = true;
    for (int64_t i = 0; i < height && same; i++) {
      gwt_must(gw_tensor_read(found, (uint64_t)(i * width), (uint64_t)width, row, NULL) == GW_OK);
      for (int64_t j = 0; j < width && same; j++) {
        bool inside = i >= 1 && i <= SIDE && j >= 3 && j < SIDE + 3;
        float expected = which == 0   ? value[j * SIDE + i]
                         : which == 1 ? value[i * SIDE + order[j]]
                         : which == 2 ? value[order[i] * SIDE + j]
                         : which == 3 ? value[i * SIDE + j]
                         : inside     ? value[(i - 1) * SIDE + j - 3]
                                      : 0;
        same = row[j] == expected;
      }
    }
    CHECK(same);
    gw_stats stats; /* its checksum is right */
    CHECK(gw_tensor_stats(found, &stats, NULL) == GW_OK);
    gw_tensor_release(found);
    gw_tensor_release(made[which]);
    counting.pread = counting_pread;
  }
  free(value);
  free(row);
  gw_tensor_release(leaf);
  gw_tensor_release(random);
  gwt_clear(folder.text);
}

int main(int argc, char **argv) {
  if (argc > 2) scratch = argv[2];
  gw_system fast = *gw__system();
  fast.fsync = no_sync;
  gw__system_replace(&fast);
  RUN(floats_of_16_bits);
  RUN(floats_become_smaller_as_the_scalar_code_rounds);
  RUN(doubles_are_rounded_once_by_way_of_odd);
  RUN(floats_become_integers);
  RUN(integers_keep_their_low_bits);
  RUN(axes_move_to_their_places);
  RUN(boxes_do_not_change_values);
  RUN(damage_is_found_in_the_sums);
  RUN(every_allocation_may_fail);
  RUN(a_hundred_times_the_memory);
  return gwt_finish();
}

/* Comparing elements: how many differ by more than a tolerance, and where most. Used by gw_tensor_equal and by diff. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "tensor.h"

enum { BLOCK = 1024 }; /* elements looked at together */

/* NaN against a number is more than any number, infinity than any finite one. */
static bool is_more(double a, double b) { return !isnan(b) && (isnan(a) || a > b); }

/* ---- Real floats, in float64, where their differences are exact for the smaller ones */

static inline bool reals_agree(double a, double b, double distance, double rtol, double atol) {
  double near = atol + rtol * fabs(b);
  /* Of an infinity only the same one is near. */
  return distance <= (near < DBL_MAX ? near : DBL_MAX) || a == b || (a != a && b != b);
}

static inline int64_t bits_of(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* How many of a block differ, and how far at most. Bits of what is not negative are ordered as integers, which may be taken
 * together in any order: infinity above all numbers, NaN above infinity. */
#define COUNT_DIFFERENT(name, type, IS_NEAR)                                                                                 \
  GW_TWINS static int64_t name(const type *restrict a, const type *restrict b, size_t count, double rtol, double atol,      \
                               double *most) {                                                                               \
    int64_t different = 0, largest = 0;                                                                                      \
    (void)rtol;                                                                                                              \
    (void)atol;                                                                                                              \
    for (size_t i = 0; i < count; i++) {                                                                                     \
      double x = (double)a[i], y = (double)b[i], distance = fabs(x - y);                                                     \
      int64_t agree = (int64_t)(IS_NEAR) | (int64_t)(x == y) | ((int64_t)(x != x) & (int64_t)(y != y));                      \
      int64_t bits = bits_of(distance) & (agree - 1);                                                                        \
      largest = bits > largest ? bits : largest;                                                                             \
      different += agree ^ 1;                                                                                                \
    }                                                                                                                        \
    memcpy(most, &largest, sizeof *most);                                                                                    \
    return different;                                                                                                        \
  }
#define NEAR_ENOUGH (distance <= (atol + rtol * fabs(y) < DBL_MAX ? atol + rtol * fabs(y) : DBL_MAX))
COUNT_DIFFERENT(count_floats, float, NEAR_ENOUGH)
COUNT_DIFFERENT(count_doubles, double, NEAR_ENOUGH)
COUNT_DIFFERENT(count_unequal_floats, float, false) /* without tolerances: two thirds of the time */
COUNT_DIFFERENT(count_unequal_doubles, double, false)

static void note(gw_difference *difference, double distance, uint64_t exact, uint64_t place, const void *a, const void *b, size_t width) {
  difference->largest = distance;
  difference->exact = exact;
  difference->place = place;
  memcpy(difference->a, a, width);
  memcpy(difference->b, b, width);
}

static double real_at(int dtype, const void *element) {
  gw_number number = {.kind = GW_KIND_FLOAT};
  gw_number_get(dtype, element, &number);
  return number.real;
}

static void widen(int dtype, double *out, const uint8_t *in, size_t count) {
  size_t width = gw_dtype_size(dtype);
  if (dtype == GW_DT_DOUBLE) memcpy(out, in, count * width);
  else if (gw__dtype_computes(dtype)) gw__convert(dtype, GW_DT_DOUBLE, out, in, count);
  else
    for (size_t i = 0; i < count; i++) out[i] = real_at(dtype, in + i * width);
}

/* Looks for the place in a block that differs more than what is known; the first of several. */
static void find_real(gw_difference *difference, int dtype, const uint8_t *a, const uint8_t *b, uint64_t first, size_t count,
                      double rtol, double atol, bool known) {
  size_t width = gw_dtype_size(dtype);
  for (size_t i = 0; i < count; i++, a += width, b += width) {
    double x = real_at(dtype, a), y = real_at(dtype, b), distance = fabs(x - y);
    if (reals_agree(x, y, distance, rtol, atol) || (known && !is_more(distance, difference->largest))) continue;
    note(difference, distance, 0, first + i, a, b, width);
    known = true;
  }
}

static void compare_reals(gw_difference *difference, int dtype, const uint8_t *a, const uint8_t *b, uint64_t first, size_t count,
                          double rtol, double atol) {
  _Alignas(32) double wide_a[BLOCK], wide_b[BLOCK];
  double most;
  bool is_float = dtype == GW_DT_FLOAT && ((uintptr_t)a | (uintptr_t)b) % sizeof(float) == 0;
  bool exact = rtol == 0 && atol == 0;
  int64_t different;
  if (is_float) {
    different = (exact ? count_unequal_floats : count_floats)((const float *)(const void *)a, (const float *)(const void *)b, count, rtol, atol, &most);
  } else {
    widen(dtype, wide_a, a, count);
    widen(dtype, wide_b, b, count);
    different = (exact ? count_unequal_doubles : count_doubles)(wide_a, wide_b, count, rtol, atol, &most);
  }
  if (different == 0) return;
  bool known = difference->count > 0;
  difference->count += (uint64_t)different;
  if (!known || is_more(most, difference->largest)) find_real(difference, dtype, a, b, first, count, rtol, atol, known);
}

/* ---- All others, one by one */

/* Distances of integers are exact, up to 2^64 - 1. */
static bool integers_agree(const gw_number *a, const gw_number *b, double rtol, double atol, uint64_t *distance) {
  bool is_unsigned = a->kind == GW_KIND_UINT;
  bool less = is_unsigned ? a->u < b->u : a->i < b->i;
  *distance = less ? b->u - a->u : a->u - b->u;
  double near = atol + rtol * fabs(gw__number_to_double(b));
  return *distance == 0 || near >= 0x1p64 || *distance <= (uint64_t)near;
}

static bool parts_equal(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static bool complex_agree(const gw_number *a, const gw_number *b, double rtol, double atol, double *distance) {
  *distance = hypot(a->real - b->real, a->imaginary - b->imaginary);
  if (parts_equal(a->real, b->real) && parts_equal(a->imaginary, b->imaginary)) return true;
  /* hypot of an infinity and NaN is infinite; where a NaN is on one side only, that is what differs. */
  if (isnan(a->real) != isnan(b->real) || isnan(a->imaginary) != isnan(b->imaginary)) *distance = (double)NAN;
  return *distance <= atol + rtol * hypot(b->real, b->imaginary) && *distance < INFINITY;
}

/* True when they agree; else their distance. */
static bool agree(int dtype, const void *a, const void *b, double rtol, double atol, double *distance, uint64_t *exact) {
  gw_number one, other;
  *exact = 0;
  *distance = (double)NAN;
  if (!gw_number_get(dtype, a, &one) || !gw_number_get(dtype, b, &other)) return false;
  if (one.kind == GW_KIND_COMPLEX) return complex_agree(&one, &other, rtol, atol, distance);
  if (one.kind == GW_KIND_FLOAT) {
    *distance = fabs(one.real - other.real);
    return reals_agree(one.real, other.real, *distance, rtol, atol);
  }
  bool same = integers_agree(&one, &other, rtol, atol, exact);
  *distance = (double)*exact;
  return same;
}

static void compare_one_by_one(gw_difference *difference, int dtype, const uint8_t *a, const uint8_t *b, uint64_t first, size_t count,
                               double rtol, double atol) {
  size_t width = gw_dtype_size(dtype);
  for (size_t i = 0; i < count; i++, a += width, b += width) {
    double distance;
    uint64_t exact;
    if (memcmp(a, b, width) == 0 || agree(dtype, a, b, rtol, atol, &distance, &exact)) continue;
    bool more = exact || difference->exact ? exact > difference->exact : is_more(distance, difference->largest);
    if (difference->count++ == 0 || more) note(difference, distance, exact, first + i, a, b, width);
  }
}

void gw__compare(gw_difference *difference, int dtype, const void *a, const void *b, uint64_t first, size_t count, double rtol,
                 double atol) {
  size_t width = gw_dtype_size(dtype);
  const uint8_t *left = a, *right = b;
  bool reals = gw_dtype_kind(dtype) == GW_KIND_FLOAT;
  for (size_t done = 0; done < count; done += BLOCK) {
    size_t part = count - done < BLOCK ? count - done : BLOCK;
    if (memcmp(left, right, part * width) != 0)
      (reals ? compare_reals : compare_one_by_one)(difference, dtype, left, right, first + done, part, rtol, atol);
    left += part * width;
    right += part * width;
  }
}

void gw__difference_add(gw_difference *sum, const gw_difference *part) {
  if (part->count == 0) return;
  uint64_t count = sum->count + part->count;
  bool first = part->place < sum->place;
  bool more = part->exact || sum->exact ? part->exact > sum->exact || (part->exact == sum->exact && first)
                                        : is_more(part->largest, sum->largest) ||
                                              (!is_more(sum->largest, part->largest) && first);
  if (sum->count == 0 || more) *sum = *part;
  sum->count = count;
}

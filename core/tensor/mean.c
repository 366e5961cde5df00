/* The weighted mean, one tensor after another: see kernels.h. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "tensor.h"

/* a + b is exactly high + *low (Knuth); nothing is left of what overflows. */
static inline double two_sum(double a, double b, double *low) {
  double sum = a + b, part = sum - a;
  double rest = (a - (sum - part)) + (b - part);
  *low = isfinite(sum) ? rest : 0;
  return sum;
}

/* a * b likewise (Dekker), without an fma that not every machine has. */
static inline double two_product(double a, double b, double *low) {
  double product = a * b;
  double wide_a = a * 134217729.0, wide_b = b * 134217729.0; /* 2^27 + 1 */
  double high_a = wide_a - (wide_a - a), high_b = wide_b - (wide_b - b), low_a = a - high_a, low_b = b - high_b;
  double rest = ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b;
  *low = isfinite(rest) ? rest : 0;
  return product;
}

static bool keeps_first(int dtype, bool weighted) { return weighted || dtype == GW_DT_DOUBLE; }

size_t gw__mean_memory(int dtype, bool weighted, size_t count) {
  size_t rounded = (count + 15) & ~(size_t)15;
  return rounded * (sizeof(double) * (dtype == GW_DT_DOUBLE ? 2 : 1) + (keeps_first(dtype, weighted) ? sizeof(uint64_t) + 1 : 0));
}

void gw__mean_start(gw_mean *mean, int dtype, bool weighted, size_t count, void *memory) {
  size_t rounded = (count + 15) & ~(size_t)15;
  double *next = memory;
  *mean = (gw_mean){.dtype = dtype, .count = count, .weighted = weighted, .high = next};
  next += rounded;
  if (dtype == GW_DT_DOUBLE) mean->low = next, next += rounded;
  if (!keeps_first(dtype, weighted)) return;
  mean->first = (uint64_t *)(void *)next;
  mean->differs = (uint8_t *)(mean->first + rounded);
  memset(mean->differs, 0, count);
}

/* ---- float32 and smaller: sums of float64 are exact for far more tensors than anyone averages */

enum { BLOCK = 1024 };

static const float *as_floats(int dtype, const void *elements, size_t count, float *wide) {
  if (dtype == GW_DT_FLOAT) return elements;
  gw__convert(dtype, GW_DT_FLOAT, wide, elements, count);
  return wide;
}

GW_TWINS static void add_small(double *restrict sum, const float *restrict x, size_t count, double weight, bool weighted,
                               bool started) {
  if (!weighted && started)
    for (size_t i = 0; i < count; i++) sum[i] += (double)x[i];
  else if (!weighted)
    for (size_t i = 0; i < count; i++) sum[i] = (double)x[i];
  else if (started)
    for (size_t i = 0; i < count; i++) sum[i] += (double)x[i] * weight;
  else
    for (size_t i = 0; i < count; i++) sum[i] = (double)x[i] * weight;
}

/* ---- float64 */

static void add_double(gw_mean *mean, const double *x, double weight) {
  for (size_t i = 0; i < mean->count; i++) {
    double low = 0, high = mean->weighted ? two_product(x[i], weight, &low) : x[i];
    if (mean->started) {
      double rest;
      high = two_sum(mean->high[i], high, &rest);
      rest += mean->low[i] + low;
      /* So that the parts do not overlap again. */
      double sum = high + rest;
      low = isfinite(sum) ? rest - (sum - high) : 0;
      high = sum;
    }
    mean->high[i] = high;
    mean->low[i] = low;
  }
}

static void compare_first(gw_mean *mean, const void *elements) {
  size_t width = gw_dtype_size(mean->dtype);
  uint8_t *first = (uint8_t *)mean->first;
  if (!mean->started) {
    memcpy(first, elements, mean->count * width);
    return;
  }
  const uint8_t *bytes = elements;
  if (memcmp(first, bytes, mean->count * width) == 0) return;
  for (size_t i = 0; i < mean->count; i++) mean->differs[i] |= memcmp(first + i * width, bytes + i * width, width) != 0;
}

void gw__mean_add(gw_mean *mean, const void *elements, double weight) {
  if (mean->first) compare_first(mean, elements);
  /* A weight of 0 takes nothing, also of infinity; the first tensor sets the sums even so. */
  if (mean->dtype == GW_DT_DOUBLE) {
    if (weight != 0) add_double(mean, elements, weight);
    else if (!mean->started) memset(mean->high, 0, mean->count * sizeof(double)), memset(mean->low, 0, mean->count * sizeof(double));
  } else if (weight != 0) {
    float wide[BLOCK];
    const uint8_t *bytes = elements;
    for (size_t done = 0; done < mean->count; done += BLOCK) {
      size_t part = mean->count - done < BLOCK ? mean->count - done : BLOCK;
      const float *x = as_floats(mean->dtype, bytes + done * gw_dtype_size(mean->dtype), part, wide);
      add_small(mean->high + done, x, part, weight, mean->weighted, mean->started);
    }
  } else if (!mean->started) {
    memset(mean->high, 0, mean->count * sizeof(double));
  }
  double low;
  mean->weight = two_sum(mean->weight, weight, &low);
  mean->weight_low += low;
  mean->started = true;
}

/* (high + low) / (weight + weight_low), rounded once. */
static double quotient(const gw_mean *mean, size_t i) {
  double high = mean->high[i], first = high / mean->weight;
  if (!isfinite(first) || !isfinite(high)) return first;
  double low, product = two_product(first, mean->weight, &low);
  double rest = (high - product) - low + mean->low[i] - first * mean->weight_low;
  double second = rest / mean->weight;
  return second == 0 ? first : first + second; /* -0.0 + 0.0 would be 0.0 */
}

GW_TWINS static void divide_small(float *restrict out, const double *restrict sum, size_t count, double weight) {
  for (size_t i = 0; i < count; i++) out[i] = (float)(sum[i] / weight);
}

static void end_small(const gw_mean *mean, void *out) {
  double weight = mean->weight + mean->weight_low;
  uint16_t *small = out;
  switch (mean->dtype) {
    case GW_DT_FLOAT: divide_small(out, mean->high, mean->count, weight); break;
    case GW_DT_HALF:
      for (size_t i = 0; i < mean->count; i++) small[i] = gw__float_to_half(gw__double_to_odd(mean->high[i] / weight));
      break;
    default:
      for (size_t i = 0; i < mean->count; i++) small[i] = gw__float_to_bfloat16(gw__double_to_odd(mean->high[i] / weight));
  }
}

void gw__mean_end(const gw_mean *mean, void *out) {
  double *doubles = out;
  if (mean->dtype != GW_DT_DOUBLE) end_small(mean, out);
  else
    for (size_t i = 0; i < mean->count; i++) doubles[i] = quotient(mean, i);
  if (!mean->first) return;
  size_t width = gw_dtype_size(mean->dtype);
  for (size_t i = 0; i < mean->count; i++)
    if (!mean->differs[i]) memcpy((uint8_t *)out + i * width, (const uint8_t *)mean->first + i * width, width);
}

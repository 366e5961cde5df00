/* Random numbers as TensorFlow makes them: Philox 4x32-10 counts, each count gives four 32-bit numbers, and element i of a
 * tensor has its own place in the count, so that any part can be made by itself. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "tensor.h"

typedef struct gw_philox {
  uint32_t counter[4], key[2];
} gw_philox;

static inline uint32_t multiply_high(uint32_t a, uint32_t b, uint32_t *low) {
  uint64_t product = (uint64_t)a * b;
  *low = (uint32_t)product;
  return (uint32_t)(product >> 32);
}

static void philox(const gw_philox *state, uint32_t out[4]) {
  uint32_t key[2] = {state->key[0], state->key[1]};
  memcpy(out, state->counter, sizeof state->counter);
  for (int round = 0; round < 10; round++) {
    uint32_t low0, low1, high0 = multiply_high(0xd2511f53u, out[0], &low0), high1 = multiply_high(0xcd9e8d57u, out[2], &low1);
    uint32_t next[4] = {high1 ^ out[1] ^ key[0], low1, high0 ^ out[3] ^ key[1], low0};
    memcpy(out, next, sizeof next);
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
}

/* GenerateKey in stateless_random_ops.cc, for the seed {seed, 0}. */
static gw_philox scramble(uint64_t seed) {
  gw_philox state = {{(uint32_t)seed, (uint32_t)(seed >> 32), 0, 0}, {0x3ec8f720u, 0x02461e29u}};
  uint32_t mix[4];
  philox(&state, mix);
  return (gw_philox){{0, 0, mix[2], mix[3]}, {mix[0], mix[1]}};
}

/* PhiloxRandom::Skip from the start: the low 64 bits begin at 0, so nothing carries. */
static void sample_at(const gw_philox *base, uint64_t count, uint32_t out[4]) {
  gw_philox state = *base;
  state.counter[0] = (uint32_t)count;
  state.counter[1] = (uint32_t)(count >> 32);
  philox(&state, out);
}

/* ---- [0, 1): random mantissas of numbers in [1, 2) (Uint32ToFloat and its neighbours) */

static float uniform_float(uint32_t x) {
  uint32_t bits = 127u << 23 | (x & 0x7fffffu);
  float value;
  memcpy(&value, &bits, 4);
  return value - 1.0f;
}

static double uniform_double(uint32_t x0, uint32_t x1) {
  uint64_t bits = UINT64_C(1023) << 52 | (uint64_t)(x0 & 0xfffffu) << 32 | x1;
  double value;
  memcpy(&value, &bits, 8);
  return value - 1.0;
}

static float uniform_half(uint32_t x) { return gw__half_to_float((uint16_t)(15u << 10 | (x & 0x3ffu))) - 1.0f; }

static float uniform_bfloat16(uint32_t x) {
  uint32_t bits = (127u << 7 | (x & 0x7fu)) << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value - 1.0f;
}

/* ---- Normal (BoxMullerFloat, BoxMullerDouble): two at once */

static void box_muller(uint32_t x0, uint32_t x1, float *f0, float *f1) {
  const float epsilon = 1.0e-7f;
  float u1 = uniform_float(x0);
  if (u1 < epsilon) u1 = epsilon;
  const float v1 = (float)((double)2.0f * M_PI * (double)uniform_float(x1));
  const float u2 = sqrtf(-2.0f * logf(u1));
  sincosf(v1, f0, f1);
  *f0 *= u2;
  *f1 *= u2;
}

static void box_muller_double(uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, double *d0, double *d1) {
  const double epsilon = 1.0e-7;
  double u1 = uniform_double(x0, x1);
  if (u1 < epsilon) u1 = epsilon;
  const double v1 = 2 * M_PI * uniform_double(x2, x3);
  const double u2 = sqrt(-2.0 * log(u1));
  sincos(v1, d0, d1);
  *d0 *= u2;
  *d1 *= u2;
}

/* ---- Groups: what one call of a TensorFlow distribution gives. Four elements, two of float64. */

static void uniform_group(const gw_philox *base, int dtype, uint64_t group, double out[4]) {
  uint32_t x[4];
  sample_at(base, group, x);
  for (int i = 0; i < 4; i++)
    switch (dtype) {
      case GW_DT_DOUBLE: out[i / 2] = uniform_double(x[i & 2], x[(i & 2) + 1]); break;
      case GW_DT_HALF: out[i] = (double)uniform_half(x[i]); break;
      case GW_DT_BFLOAT16: out[i] = (double)uniform_bfloat16(x[i]); break;
      default: out[i] = (double)uniform_float(x[i]);
    }
}

static void normal_group(const gw_philox *base, int dtype, uint64_t group, double out[4]) {
  uint32_t x[4];
  sample_at(base, group, x);
  if (dtype == GW_DT_DOUBLE) {
    box_muller_double(x[0], x[1], x[2], x[3], &out[0], &out[1]);
    return;
  }
  for (int i = 0; i < 4; i += 2) {
    float f0, f1;
    box_muller(x[i], x[i + 1], &f0, &f1);
    out[i] = (double)f0;
    out[i + 1] = (double)f1;
  }
}

/* Normal numbers until enough of them lie within two standard deviations. A group has 256 samples of the count for each
 * element to itself. */
static void truncated_group(const gw_philox *base, int dtype, uint64_t group, double out[4]) {
  int wanted = dtype == GW_DT_DOUBLE ? 2 : 4, found = 0;
  uint64_t count = group * (uint64_t)wanted * 256 / 4;
  while (found < wanted) {
    double pair[4];
    normal_group(base, dtype, count++, pair);
    for (int i = 0; i < wanted && found < wanted; i++)
      if (fabs(pair[i]) < 2.0) out[found++] = pair[i];
  }
}

/* ---- Rounded to the dtype after each step, as TensorFlow's operations on tensors are */

static double rounded(int dtype, double value) {
  float narrow = (float)value, wide;
  uint16_t small;
  switch (dtype) {
    case GW_DT_DOUBLE: return value;
    case GW_DT_FLOAT: return (double)narrow;
    default:
      small = dtype == GW_DT_HALF ? gw__float_to_half(narrow) : gw__float_to_bfloat16(narrow);
      gw__convert(dtype, GW_DT_FLOAT, &wide, &small, 1);
      return (double)wide;
  }
}

/* The product and the sum of two floats are exact enough in double to be rounded to float as if at once. */
static double scaled(const gw_random *random, int dtype, double value) {
  double a = rounded(dtype, random->a), b = rounded(dtype, random->b);
  value = rounded(dtype, value);
  if (random->kind == GW_RANDOM_UNIFORM) return rounded(dtype, rounded(dtype, value * rounded(dtype, b - a)) + a);
  return rounded(dtype, rounded(dtype, value * b) + a);
}

static void store(int dtype, double value, void *out, size_t at) {
  float narrow = (float)value;
  uint16_t *small = out;
  float *floats = out;
  double *doubles = out;
  switch (dtype) {
    case GW_DT_DOUBLE: doubles[at] = value; break;
    case GW_DT_FLOAT: floats[at] = narrow; break;
    case GW_DT_HALF: small[at] = gw__float_to_half(narrow); break;
    default: small[at] = gw__float_to_bfloat16(narrow);
  }
}

void gw__random_fill(const gw_random *random, int dtype, uint64_t first, size_t count, void *out) {
  gw_philox base = scramble(random->seed);
  uint64_t per_group = dtype == GW_DT_DOUBLE ? 2 : 4;
  double group[4];
  for (size_t i = 0; i < count; i++) {
    uint64_t element = first + i, inside = element % per_group;
    if (i == 0 || inside == 0) {
      if (random->kind == GW_RANDOM_UNIFORM) uniform_group(&base, dtype, element / per_group, group);
      else if (random->kind == GW_RANDOM_NORMAL) normal_group(&base, dtype, element / per_group, group);
      else truncated_group(&base, dtype, element / per_group, group);
    }
    store(dtype, scaled(random, dtype, group[inside]), out, i);
  }
}

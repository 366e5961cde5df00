/* Conversions between the dtypes that are computed with: see kernels.h. The loops are plain C that compilers turn into
 * vector code. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "tensor.h"

/* ---- Floats of 16 bits */

static inline uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline float widen_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16, rest = half & 0x7fffu;
  /* The exponents' bias differs by 112. Multiplying does subnormals too, and is exact. */
  uint32_t finite = float_bits(float_of(rest << 13) * 0x1p112f);
  uint32_t special = 0x7f800000u | rest << 13;
  return float_of(sign | (rest >= 0x7c00u ? special : finite));
}

/* Eigen's float_to_half_rtne: NaN loses its payload. */
static inline uint16_t narrow_half(float value) {
  uint32_t bits = float_bits(value), sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  uint32_t special = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
  /* Below 2^-14: the float unit aligns the mantissa when 0.5 is added, and rounds. */
  uint32_t tiny = float_bits(float_of(bits) + 0.5f) - 0x3f000000u;
  uint32_t normal = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
  uint32_t rest = bits >= 0x47800000u ? special : bits < 0x38800000u ? tiny : normal;
  return (uint16_t)(sign | rest);
}

static inline float widen_bfloat16(uint16_t bits) { return float_of((uint32_t)bits << 16); }

/* Eigen's float_to_bfloat16_rtne. */
static inline uint16_t narrow_bfloat16(float value) {
  uint32_t bits = float_bits(value);
  uint32_t special = (bits >> 16 & 0x8000u) | 0x7fc0u;
  uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? special : rounded);
}

float gw__half_to_float(uint16_t bits) { return widen_half(bits); }
uint16_t gw__float_to_half(float value) { return narrow_half(value); }
uint16_t gw__float_to_bfloat16(float value) { return narrow_bfloat16(value); }

float gw__double_to_odd(double value) {
  float near = (float)value;
  if ((double)near == value || isnan(value)) return near;
  uint32_t bits = float_bits(near);
  if (fabs((double)near) > fabs(value)) bits--; /* towards zero; infinity becomes the largest float */
  return float_of(bits | 1u);
}

GW_TWINS static void half_to_float(void *out, const void *in, size_t count) {
  float *restrict to = out;
  const uint16_t *restrict from = in;
  for (size_t i = 0; i < count; i++) to[i] = widen_half(from[i]);
}

GW_TWINS static void float_to_half(void *out, const void *in, size_t count) {
  uint16_t *restrict to = out;
  const float *restrict from = in;
  for (size_t i = 0; i < count; i++) to[i] = narrow_half(from[i]);
}

GW_TWINS static void bfloat16_to_float(void *out, const void *in, size_t count) {
  float *restrict to = out;
  const uint16_t *restrict from = in;
  for (size_t i = 0; i < count; i++) to[i] = widen_bfloat16(from[i]);
}

GW_TWINS static void float_to_bfloat16(void *out, const void *in, size_t count) {
  uint16_t *restrict to = out;
  const float *restrict from = in;
  for (size_t i = 0; i < count; i++) to[i] = narrow_bfloat16(from[i]);
}

/* ---- Between the types that C has */

typedef void (*gw_convert)(void *out, const void *in, size_t count);

/* A float that the integer type cannot hold: the nearest that it can; NaN: 0. LOW is the type's least value, TOP one more
 * than its greatest: powers of two (or 0), exact in both floats. The comparisons go first, so that the conversion is
 * never undefined. */
#define SATURATE(T, x, LOW, TOP, MAX) ((x) >= (TOP) ? (MAX) : (x) > (LOW) ? (T)(x) : (x) == (x) ? (T)(LOW) : (T)0)

#define LOOP(NAME, F, T, EXPRESSION)                                                                                        \
  static void NAME(void *out, const void *in, size_t count) {                                                               \
    T *restrict to = out;                                                                                                   \
    const F *restrict from = in;                                                                                            \
    for (size_t i = 0; i < count; i++) {                                                                                    \
      F x = from[i];                                                                                                        \
      to[i] = EXPRESSION;                                                                                                   \
    }                                                                                                                       \
  }

/* From an integer type to all others. */
#define FROM_INTEGER(s, S)                                                                                                  \
  LOOP(s##_u8, S, uint8_t, (uint8_t)x)                                                                                      \
  LOOP(s##_i8, S, int8_t, (int8_t)x)                                                                                        \
  LOOP(s##_u16, S, uint16_t, (uint16_t)x)                                                                                   \
  LOOP(s##_i16, S, int16_t, (int16_t)x)                                                                                     \
  LOOP(s##_u32, S, uint32_t, (uint32_t)x)                                                                                   \
  LOOP(s##_i32, S, int32_t, (int32_t)x)                                                                                     \
  LOOP(s##_u64, S, uint64_t, (uint64_t)x)                                                                                   \
  LOOP(s##_i64, S, int64_t, (int64_t)x)                                                                                     \
  LOOP(s##_f32, S, float, (float)x)                                                                                         \
  LOOP(s##_f64, S, double, (double)x)                                                                                       \
  LOOP(s##_bool, S, uint8_t, x != 0)

#define FROM_FLOAT(s, S)                                                                                                    \
  LOOP(s##_u8, S, uint8_t, SATURATE(uint8_t, x, (S)0, (S)0x1p8, UINT8_MAX))                                                 \
  LOOP(s##_i8, S, int8_t, SATURATE(int8_t, x, (S)-0x1p7, (S)0x1p7, INT8_MAX))                                               \
  LOOP(s##_u16, S, uint16_t, SATURATE(uint16_t, x, (S)0, (S)0x1p16, UINT16_MAX))                                            \
  LOOP(s##_i16, S, int16_t, SATURATE(int16_t, x, (S)-0x1p15, (S)0x1p15, INT16_MAX))                                         \
  LOOP(s##_u32, S, uint32_t, SATURATE(uint32_t, x, (S)0, (S)0x1p32, UINT32_MAX))                                            \
  LOOP(s##_i32, S, int32_t, SATURATE(int32_t, x, (S)-0x1p31, (S)0x1p31, INT32_MAX))                                         \
  LOOP(s##_u64, S, uint64_t, SATURATE(uint64_t, x, (S)0, (S)0x1p64, UINT64_MAX))                                            \
  LOOP(s##_i64, S, int64_t, SATURATE(int64_t, x, (S)-0x1p63, (S)0x1p63, INT64_MAX))                                         \
  LOOP(s##_f32, S, float, (float)x)                                                                                         \
  LOOP(s##_f64, S, double, (double)x)                                                                                       \
  LOOP(s##_bool, S, uint8_t, x != 0)

FROM_INTEGER(u8, uint8_t)
FROM_INTEGER(i8, int8_t)
FROM_INTEGER(u16, uint16_t)
FROM_INTEGER(i16, int16_t)
FROM_INTEGER(u32, uint32_t)
FROM_INTEGER(i32, int32_t)
FROM_INTEGER(u64, uint64_t)
FROM_INTEGER(i64, int64_t)
FROM_FLOAT(f32, float)
FROM_FLOAT(f64, double)

/* Any byte but 0 is true: what a file holds need not be 1. */
LOOP(truth, uint8_t, uint8_t, x != 0)

#define ROW(s) {s##_bool, s##_u8, s##_i8, s##_u16, s##_i16, s##_u32, s##_i32, s##_u64, s##_i64, s##_f32, s##_f64}
enum { NATIVE = 11 };
static const gw_convert native[NATIVE][NATIVE] = {ROW(u8),  ROW(u8),  ROW(i8),  ROW(u16), ROW(i16), ROW(u32),
                                                  ROW(i32), ROW(u64), ROW(i64), ROW(f32), ROW(f64)};
enum { AT_BOOL = 0, AT_FLOAT = 9, AT_DOUBLE = 10 };

/* ---- By way of one or two others */

enum { BLOCK = 1024 }; /* elements that stay in the first cache between two steps */

/* How a dtype is reached: by a type that C has (`at`), and one more step from or to it. */
typedef struct gw_way {
  int at;            /* -1: does not compute */
  gw_convert widen;  /* to that type, or NULL */
  gw_convert narrow; /* from that type, or NULL */
} gw_way;

static void real_parts(void *out, const void *in, size_t count) {
  float *to = out;
  const float *from = in;
  for (size_t i = 0; i < count; i++) to[i] = from[2 * i];
}

static void real_parts_double(void *out, const void *in, size_t count) {
  double *to = out;
  const double *from = in;
  for (size_t i = 0; i < count; i++) to[i] = from[2 * i];
}

static void to_complex(void *out, const void *in, size_t count) {
  float *to = out;
  const float *from = in;
  for (size_t i = 0; i < count; i++) {
    to[2 * i] = from[i];
    to[2 * i + 1] = 0;
  }
}

static void to_complex_double(void *out, const void *in, size_t count) {
  double *to = out;
  const double *from = in;
  for (size_t i = 0; i < count; i++) {
    to[2 * i] = from[i];
    to[2 * i + 1] = 0;
  }
}

static gw_way way_of(int dtype) {
  switch (dtype) {
    case GW_DT_BOOL: return (gw_way){AT_BOOL, truth, NULL};
    case GW_DT_UINT8: return (gw_way){1, NULL, NULL};
    case GW_DT_INT8: return (gw_way){2, NULL, NULL};
    case GW_DT_UINT16: return (gw_way){3, NULL, NULL};
    case GW_DT_INT16: return (gw_way){4, NULL, NULL};
    case GW_DT_UINT32: return (gw_way){5, NULL, NULL};
    case GW_DT_INT32: return (gw_way){6, NULL, NULL};
    case GW_DT_UINT64: return (gw_way){7, NULL, NULL};
    case GW_DT_INT64: return (gw_way){8, NULL, NULL};
    case GW_DT_FLOAT: return (gw_way){AT_FLOAT, NULL, NULL};
    case GW_DT_DOUBLE: return (gw_way){AT_DOUBLE, NULL, NULL};
    case GW_DT_HALF: return (gw_way){AT_FLOAT, half_to_float, float_to_half};
    case GW_DT_BFLOAT16: return (gw_way){AT_FLOAT, bfloat16_to_float, float_to_bfloat16};
    case GW_DT_COMPLEX64: return (gw_way){AT_FLOAT, real_parts, to_complex};
    case GW_DT_COMPLEX128: return (gw_way){AT_DOUBLE, real_parts_double, to_complex_double};
    default: return (gw_way){-1, NULL, NULL};
  }
}

bool gw__dtype_computes(int dtype) { return way_of(dtype).at >= 0; }

void gw__convert(int from, int to, void *out, const void *in, size_t count) {
  gw_way left = way_of(from), right = way_of(to);
  if (left.at < 0 || right.at < 0) return; /* the caller has asked gw__dtype_computes */
  gw_convert middle = left.at == right.at && left.at != AT_BOOL ? NULL : native[left.at][right.at];
  if (from == GW_DT_COMPLEX64 && to == GW_DT_COMPLEX128) left = right = (gw_way){0}, middle = f32_f64, count *= 2;
  if (from == GW_DT_COMPLEX128 && to == GW_DT_COMPLEX64) left = right = (gw_way){0}, middle = f64_f32, count *= 2;
  if (!left.widen && !right.narrow && middle) {
    middle(out, in, count);
    return;
  }
  _Alignas(16) double wide[BLOCK], other[BLOCK];
  size_t in_width = gw_dtype_size(from), out_width = gw_dtype_size(to);
  const uint8_t *source = in;
  uint8_t *target = out;
  for (size_t done = 0; done < count; done += BLOCK) {
    size_t part = count - done < BLOCK ? count - done : BLOCK;
    const void *at = source + done * in_width;
    void *end = target + done * out_width;
    if (left.widen) {
      left.widen(middle || right.narrow ? (void *)wide : end, at, part);
      at = wide;
    }
    if (middle) {
      middle(right.narrow ? (void *)other : end, at, part);
      at = other;
    }
    if (right.narrow) right.narrow(end, at, part);
  }
}

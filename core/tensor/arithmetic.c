/* Element by element: functions of one and of two numbers. Adding one takes a line in the tables below, and a constant in
 * godwit.h. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "kernels.h"

#define UNARY(NAME, F, T, EXPRESSION)                                                                                       \
  static void NAME(void *out, const void *in, size_t count) {                                                               \
    const F *from = in;                                                                                                     \
    T *to = out;                                                                                                            \
    for (size_t i = 0; i < count; i++) {                                                                                    \
      F x = from[i];                                                                                                        \
      to[i] = EXPRESSION;                                                                                                   \
    }                                                                                                                       \
  }

#define BINARY(NAME, T, EXPRESSION)                                                                                         \
  static void NAME(void *out, const void *a, const void *b, size_t count) {                                                 \
    const T *left = a, *right = b;                                                                                          \
    T *to = out;                                                                                                            \
    for (size_t i = 0; i < count; i++) {                                                                                    \
      T x = left[i], y = right[i];                                                                                          \
      to[i] = EXPRESSION;                                                                                                   \
    }                                                                                                                       \
  }

/* NaN fails both comparisons. */
#define CLIP(NAME, T)                                                                                                       \
  static void NAME(void *out, const void *in, size_t count, const void *low, const void *high) {                            \
    const T *from = in;                                                                                                     \
    const T least = *(const T *)low, most = *(const T *)high;                                                               \
    T *to = out;                                                                                                            \
    for (size_t i = 0; i < count; i++) {                                                                                    \
      T x = from[i];                                                                                                        \
      to[i] = x < least ? least : x > most ? most : x;                                                                      \
    }                                                                                                                       \
  }

/* ---- Real floats */

#define FLOATS(t, T, s)                                                                                                     \
  UNARY(negate_##t, T, T, -x)                                                                                               \
  UNARY(square_##t, T, T, x *x)                                                                                             \
  UNARY(abs_##t, T, T, fabs##s(x))                                                                                          \
  UNARY(sqrt_##t, T, T, sqrt##s(x))                                                                                         \
  UNARY(exp_##t, T, T, exp##s(x))                                                                                           \
  UNARY(log_##t, T, T, log##s(x))                                                                                           \
  BINARY(add_##t, T, x + y)                                                                                                 \
  BINARY(subtract_##t, T, x - y)                                                                                            \
  BINARY(multiply_##t, T, x *y)                                                                                             \
  BINARY(divide_##t, T, x / y)                                                                                              \
  CLIP(clip_##t, T)
FLOATS(f32, float, f)
FLOATS(f64, double, )

/* ---- Integers keep their low bits, as everywhere. W is unsigned and wide enough that C does not widen it to a signed
 * type, whose overflow would be undefined. */

#define INTEGERS(t, T, W, ABS)                                                                                              \
  UNARY(negate_##t, T, T, (T)((W)0 - (W)x))                                                                                 \
  UNARY(square_##t, T, T, (T)((W)x * (W)x))                                                                                 \
  UNARY(abs_##t, T, T, ABS)                                                                                                 \
  BINARY(add_##t, T, (T)((W)x + (W)y))                                                                                      \
  BINARY(subtract_##t, T, (T)((W)x - (W)y))                                                                                 \
  BINARY(multiply_##t, T, (T)((W)x * (W)y))                                                                                 \
  CLIP(clip_##t, T)
#define SIGNED_ABS(T, W) (T)(x < 0 ? (W)0 - (W)x : (W)x)
INTEGERS(u8, uint8_t, uint32_t, x)
INTEGERS(i8, int8_t, uint32_t, SIGNED_ABS(int8_t, uint32_t))
INTEGERS(u16, uint16_t, uint32_t, x)
INTEGERS(i16, int16_t, uint32_t, SIGNED_ABS(int16_t, uint32_t))
INTEGERS(u32, uint32_t, uint32_t, x)
INTEGERS(i32, int32_t, uint32_t, SIGNED_ABS(int32_t, uint32_t))
INTEGERS(u64, uint64_t, uint64_t, x)
INTEGERS(i64, int64_t, uint64_t, SIGNED_ABS(int64_t, uint64_t))

/* NumPy's: + is or, * is and. */
BINARY(add_bool, uint8_t, (x | y) != 0)
BINARY(multiply_bool, uint8_t, (x != 0) & (y != 0))

/* ---- Complex numbers. Products and quotients by NumPy's formulas; C's own would add cases for infinities. Those of single
 * precision are divided in double, which needs no scaling. */

/* CMPLX is not everywhere; a + b * I would make NaN of infinities. */
static inline float complex make_c64(float real, float imaginary) {
  float parts[2] = {real, imaginary};
  float complex number;
  memcpy(&number, parts, sizeof number);
  return number;
}

static inline double complex make_c128(double real, double imaginary) {
  double parts[2] = {real, imaginary};
  double complex number;
  memcpy(&number, parts, sizeof number);
  return number;
}

static inline float complex multiply_one_c64(float complex x, float complex y) {
  float a = crealf(x), b = cimagf(x), c = crealf(y), d = cimagf(y);
  return make_c64(a * c - b * d, a * d + b * c);
}

static inline double complex multiply_one_c128(double complex x, double complex y) {
  double a = creal(x), b = cimag(x), c = creal(y), d = cimag(y);
  return make_c128(a * c - b * d, a * d + b * c);
}

static inline float complex divide_one_c64(float complex x, float complex y) {
  double a = (double)crealf(x), b = (double)cimagf(x), c = (double)crealf(y), d = (double)cimagf(y), norm = c * c + d * d;
  return make_c64((float)((a * c + b * d) / norm), (float)((b * c - a * d) / norm));
}

/* Smith's method, as NumPy's. */
static inline double complex divide_one_c128(double complex x, double complex y) {
  double a = creal(x), b = cimag(x), c = creal(y), d = cimag(y);
  if (c == 0 && d == 0) return make_c128(a / fabs(c), b / fabs(c));
  if (fabs(c) >= fabs(d)) {
    double ratio = d / c, scale = 1.0 / (c + d * ratio);
    return make_c128((a + b * ratio) * scale, (b - a * ratio) * scale);
  }
  double ratio = c / d, scale = 1.0 / (c * ratio + d);
  return make_c128((a * ratio + b) * scale, (b * ratio - a) * scale);
}

#define COMPLEX(t, T, R, s)                                                                                                 \
  UNARY(negate_##t, T, T, -x)                                                                                               \
  UNARY(square_##t, T, T, multiply_one_##t(x, x))                                                                           \
  UNARY(abs_##t, T, R, cabs##s(x))                                                                                          \
  UNARY(sqrt_##t, T, T, csqrt##s(x))                                                                                        \
  UNARY(exp_##t, T, T, cexp##s(x))                                                                                          \
  UNARY(log_##t, T, T, clog##s(x))                                                                                          \
  BINARY(add_##t, T, x + y)                                                                                                 \
  BINARY(subtract_##t, T, x - y)                                                                                            \
  BINARY(multiply_##t, T, multiply_one_##t(x, y))                                                                           \
  BINARY(divide_##t, T, divide_one_##t(x, y))
COMPLEX(c64, float complex, float, f)
COMPLEX(c128, double complex, double, )

/* ---- Tables */

/* Columns of both: where a dtype stands. */
static int column(int dtype) {
  switch (dtype) {
    case GW_DT_BOOL: return 0;
    case GW_DT_UINT8: return 1;
    case GW_DT_INT8: return 2;
    case GW_DT_UINT16: return 3;
    case GW_DT_INT16: return 4;
    case GW_DT_UINT32: return 5;
    case GW_DT_INT32: return 6;
    case GW_DT_UINT64: return 7;
    case GW_DT_INT64: return 8;
    case GW_DT_FLOAT: return 9;
    case GW_DT_DOUBLE: return 10;
    case GW_DT_COMPLEX64: return 11;
    case GW_DT_COMPLEX128: return 12;
    default: return -1;
  }
}

#define ALL_INTEGERS(f) f##_u8, f##_i8, f##_u16, f##_i16, f##_u32, f##_i32, f##_u64, f##_i64
#define NO_INTEGERS NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
#define ALL_FLOATS(f) f##_f32, f##_f64
#define ALL_COMPLEX(f) f##_c64, f##_c128
enum { COLUMNS = 13 };

static const struct {
  const char *name;
  gw_unary_kernel kernels[COLUMNS];
} unary_table[] = {
    [GW_NEGATE] = {"-", {NULL, ALL_INTEGERS(negate), ALL_FLOATS(negate), ALL_COMPLEX(negate)}},
    [GW_SQRT] = {"sqrt", {NULL, NO_INTEGERS, ALL_FLOATS(sqrt), ALL_COMPLEX(sqrt)}},
    [GW_SQUARE] = {"square", {NULL, ALL_INTEGERS(square), ALL_FLOATS(square), ALL_COMPLEX(square)}},
    [GW_ABS] = {"abs", {NULL, ALL_INTEGERS(abs), ALL_FLOATS(abs), ALL_COMPLEX(abs)}},
    [GW_EXP] = {"exp", {NULL, NO_INTEGERS, ALL_FLOATS(exp), ALL_COMPLEX(exp)}},
    [GW_LOG] = {"log", {NULL, NO_INTEGERS, ALL_FLOATS(log), ALL_COMPLEX(log)}},
};

static const struct {
  const char *name;
  gw_binary_kernel kernels[COLUMNS];
} binary_table[] = {
    [GW_ADD] = {"+", {add_bool, ALL_INTEGERS(add), ALL_FLOATS(add), ALL_COMPLEX(add)}},
    [GW_SUBTRACT] = {"-", {NULL, ALL_INTEGERS(subtract), ALL_FLOATS(subtract), ALL_COMPLEX(subtract)}},
    [GW_MULTIPLY] = {"*", {multiply_bool, ALL_INTEGERS(multiply), ALL_FLOATS(multiply), ALL_COMPLEX(multiply)}},
    [GW_DIVIDE] = {"/", {NULL, NO_INTEGERS, ALL_FLOATS(divide), ALL_COMPLEX(divide)}},
};

static const gw_clip_kernel clip_table[COLUMNS] = {NULL, ALL_INTEGERS(clip), ALL_FLOATS(clip), NULL, NULL};

gw_unary_kernel gw__unary(gw_unary function, int dtype) {
  int at = column(dtype);
  return at < 0 ? NULL : unary_table[function].kernels[at];
}

gw_binary_kernel gw__binary(gw_binary function, int dtype) {
  int at = column(dtype);
  return at < 0 ? NULL : binary_table[function].kernels[at];
}

gw_clip_kernel gw__clip(int dtype) {
  int at = column(dtype);
  return at < 0 ? NULL : clip_table[at];
}

const char *gw__unary_name(gw_unary function) { return unary_table[function].name; }
const char *gw__binary_name(gw_binary function) { return binary_table[function].name; }

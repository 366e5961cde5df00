/* What is done to elements in memory: conversion, arithmetic, moving, random numbers. Every function takes dense arrays,
 * aligned for their elements; `out` may be `a` (or `in`) where both have elements of one width. Used by expr. */
#ifndef GODWIT_TENSOR_KERNELS_H
#define GODWIT_TENSOR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../godwit.h"

/* Loops that pay for 32-byte registers are compiled twice, and the loader takes the twin that the machine can run. Both give
 * the same results. Sanitizers are not ready when the loader asks. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GW_TWINS __attribute__((target_clones("avx2", "default")))
#else
#define GW_TWINS
#endif

/* True for the dtypes that are computed with: real floats of 16 bits and more, complex, integers of whole bytes, bool. */
bool gw__dtype_computes(int dtype);

/* ---- convert.c: tf.cast. Between floats: to nearest even, overflow to infinity, NaN keeps its sign; 16-bit floats by way of
 * float32. Integers keep their low bits. Where C++ and so TensorFlow leave the result to the machine, it is defined here: a
 * float that an integer cannot hold becomes the nearest one that it can, NaN becomes 0. */

/* Both dtypes compute. */
void gw__convert(int from, int to, void *out, const void *in, size_t count);

float gw__half_to_float(uint16_t bits);
uint16_t gw__float_to_half(float value);
uint16_t gw__float_to_bfloat16(float value);
float gw__double_to_odd(double value); /* for a second rounding that must not be one: inexact results get an odd last bit */

/* ---- arithmetic.c. float16 and bfloat16 have no functions of their own: they are widened before. */

typedef void (*gw_unary_kernel)(void *out, const void *in, size_t count);
typedef void (*gw_binary_kernel)(void *out, const void *a, const void *b, size_t count);
/* NULL when there is no such function for the dtype. GW_ABS of complex numbers gives their parts' dtype. */
gw_unary_kernel gw__unary(gw_unary function, int dtype);
gw_binary_kernel gw__binary(gw_binary function, int dtype);
/* "sqrt", "+": as a recipe writes it. */
const char *gw__unary_name(gw_unary function);
const char *gw__binary_name(gw_binary function);
/* x < low ? low : x > high ? high : x; NaN stays. `low`, `high`: one element each. NULL: complex, bool. */
typedef void (*gw_clip_kernel)(void *out, const void *in, size_t count, const void *low, const void *high);
gw_clip_kernel gw__clip(int dtype);

/* ---- mean.c: a weighted sum in float64 (float32 and smaller) or double-double (float64), starting with the first tensor. */

typedef struct gw_mean {
  int dtype;
  size_t count;
  double *high, *low;  /* count each; low: float64 only */
  uint64_t *first;     /* weighted sums and float64: the first tensor's elements, to return them where all are the same */
  uint8_t *differs;
  double weight, weight_low; /* sum of weights so far */
  bool weighted, started;
} gw_mean;
/* Bytes that `count` elements take, and handing them out of `memory` (aligned to 16). */
size_t gw__mean_memory(int dtype, bool weighted, size_t count);
void gw__mean_start(gw_mean *mean, int dtype, bool weighted, size_t count, void *memory);
void gw__mean_add(gw_mean *mean, const void *elements, double weight);
void gw__mean_end(const gw_mean *mean, void *out);

/* ---- move.c: elements of 1, 2, 4, 8 or 16 bytes, whatever they mean */

/* A dense box of `size` goes into a dense box of `out_size` at `at`. */
void gw__move_into(size_t width, size_t rank, const int64_t *size, const void *in, const int64_t *out_size, const int64_t *at,
                   void *out);
/* The box at `at` of a dense box of `in_size`, to a dense one of `size`. */
void gw__move_from(size_t width, size_t rank, const int64_t *in_size, const int64_t *at, const void *in, const int64_t *size,
                   void *out);
/* out's axis i is in's axis perm[i]; `in_size` by in's axes. */
void gw__move_axes(size_t width, size_t rank, const int64_t *in_size, const int64_t *perm, const void *in, void *out);
/* Axes of size 1 in `in_size` are repeated to `out_size`. */
void gw__move_broadcast(size_t width, size_t rank, const int64_t *in_size, const void *in, const int64_t *out_size, void *out);
void gw__move_fill(size_t width, const void *element, void *out, size_t count);

/* ---- random.c: tf.random.stateless_* with Philox (tensorflow/core/lib/random/philox_random.h, random_distributions.h) */

typedef struct gw_random {
  gw_random_kind kind;
  uint64_t seed;  /* TensorFlow's seed is {seed, 0} */
  double a, b;    /* uniform: minimum, maximum; normal: mean, standard deviation */
} gw_random;
/* Elements [first, first + count) of the infinite sequence; dtype float16, bfloat16, float32 or float64. */
void gw__random_fill(const gw_random *random, int dtype, uint64_t first, size_t count, void *out);

#endif

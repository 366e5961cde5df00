/* What the elements of a tensor are: dtypes, shapes, numbers, strings. Works on buffers and does not know where bytes
 * come from. Used by expr, bundle, draft, plan, run. */
#ifndef GODWIT_TENSOR_TENSOR_H
#define GODWIT_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../godwit.h"

/* ---- dtype.c */

typedef struct gw_dtype_info {
  int number;
  const char *name; /* TensorFlow's: tf.dtypes.as_dtype(number).name */
  gw_kind kind;
  uint8_t size;     /* bytes an element takes in a file; 0: varies */
  uint8_t unit;     /* bytes that are swapped together between byte orders */
  bool quantized;   /* qint8 and family: numbers that stand for others */
} gw_dtype_info;

/* Never NULL: unknown numbers give an entry of kind OPAQUE with name NULL. */
const gw_dtype_info *gw__dtype(int dtype);
bool gw__dtype_has_strings(int dtype); /* length-prefixed storage: strings and variants */
/* "float32", or "dtype 77" for an unknown number, appended. */
void gw__put_dtype(gw_buf *out, int dtype);
/* Reverses every unit of `count` elements in place. */
void gw__swap_elements(int dtype, void *data, uint64_t count);

/* ---- shape.c */

/* The product of the dims: GW_INVALID for negative dims, more than GW_MAX_RANK of them, or a product beyond 2^63 - 1
 * (tensorflow/core/framework/tensor_shape.cc: IsValid). */
gw_status gw__shape_elements(size_t rank, const int64_t *dims, uint64_t *elements, gw_error *error);
bool gw__shape_equal(size_t rank_a, const int64_t *a, size_t rank_b, const int64_t *b);
void gw__put_shape(gw_buf *out, size_t rank, const int64_t *dims); /* "[2,3]" */

/* ---- number.c: one element in and out of its bytes; gw_number_get and gw_number_put are public */

double gw__number_to_double(const gw_number *number); /* the real part of a complex one */
/* The shortest text that reads back as the same value of that dtype; `scalar` writes 1.0 where an array shows 1. */
void gw__put_number(gw_buf *out, int dtype, const gw_number *number, bool scalar);

/* ---- strings.c: the stored form of string and variant tensors (FORMAT.md, section 4) */

/* Appends the stored form of `count` strings; *crc is the entry's checksum, unmasked. */
void gw__put_strings(gw_buf *out, const gw_span *strings, size_t count, uint32_t *crc);

/* Checks the stored form of a string or variant tensor while it streams by, in pieces of any size. */
typedef struct gw_scan {
  bool variant, big_endian;
  int state;            /* which part of the form comes next; private */
  uint64_t elements;    /* lengths (strings) or elements (variants) still to come */
  uint64_t left;        /* bytes of the whole form still to come */
  uint64_t payload;     /* bytes of strings, or of this element, still to come */
  uint64_t length;      /* the varint being read */
  unsigned shift;
  unsigned check_bytes; /* of a stored checksum, read so far */
  uint8_t check[4];
  uint32_t crc;         /* as stored */
  uint32_t crc_little;  /* of the same tensor written little-endian */
  uint64_t position;    /* bytes seen, for messages */
} gw_scan;

/* GW_CORRUPT when `size` cannot hold `elements`; variants of a big-endian file are GW_UNSUPPORTED. */
gw_status gw__scan_start(gw_scan *scan, int dtype, uint64_t elements, uint64_t size, bool big_endian, gw_error *error);
/* Takes the next bytes; in a big-endian form the length checksum is rewritten in place to the little-endian one. */
gw_status gw__scan_feed(gw_scan *scan, uint8_t *data, size_t size, gw_error *error);
gw_status gw__scan_end(const gw_scan *scan, gw_error *error); /* everything was there */

/* Cuts a checked stored form into its strings. `strings` has room for `count`. */
gw_status gw__split_strings(const uint8_t *data, size_t size, gw_span *strings, size_t count, gw_error *error);

/* ---- stats.c */

typedef struct gw_stats_sum {
  int dtype;
  gw_stats stats;
  uint64_t finite;
  double mean, squares; /* Welford's: running mean and sum of squared distances from it, of values times `scale` */
  double scale;         /* 1, or a power of two that keeps the squares of huge values finite */
} gw_stats_sum;

/* GW_UNSUPPORTED for dtypes without numbers. */
gw_status gw__stats_start(gw_stats_sum *sum, int dtype, gw_error *error);
void gw__stats_add(gw_stats_sum *sum, const void *elements, size_t count);
/* Adds what was found in another part of the tensor. */
void gw__stats_merge(gw_stats_sum *sum, const gw_stats_sum *part);
void gw__stats_end(const gw_stats_sum *sum, gw_stats *out);

typedef struct gw_histogram {
  int dtype;
  double low, scale; /* a value's bin is (value * stretch - low) * scale */
  double stretch;    /* 1, or a power of two where the range would not fit a double */
} gw_histogram;

/* Equal bins between the minimum and the maximum; false where there is no room between them. Not for complex numbers. */
bool gw__histogram_start(gw_histogram *histogram, int dtype, const gw_stats *stats);
/* Adds to GW_HISTOGRAM_BINS bins; what is not finite is left out. */
void gw__histogram_add(const gw_histogram *histogram, const void *elements, size_t count, uint64_t *bins);

/* ---- compare.c */

/* Adds what differs in `count` elements, the first of which is the tensor's element `first`, by the rule of
 * gw_diff_options. Places of calls one after the other ascend: the first of equal differences is kept. */
void gw__compare(gw_difference *difference, int dtype, const void *a, const void *b, uint64_t first, size_t count, double rtol,
                 double atol);
/* Adds what was found in another part of the same tensors, in any order. */
void gw__difference_add(gw_difference *sum, const gw_difference *part);

#endif

/* Streaming statistics, and histograms. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "kernels.h"
#include "tensor.h"

gw_status gw__stats_start(gw_stats_sum *sum, int dtype, gw_error *error) {
  const gw_dtype_info *info = gw__dtype(dtype);
  memset(sum, 0, sizeof *sum);
  sum->dtype = dtype;
  sum->scale = 1;
  if (info->kind == GW_KIND_OPAQUE || info->kind == GW_KIND_STRING || info->kind == GW_KIND_VARIANT)
    return gw__fail(error, GW_UNSUPPORTED, "a tensor of dtype %s has no statistics", info->name ? info->name : "unknown");
  return GW_OK;
}

/* Sums of squares of larger values could be beyond what a double holds. Beside such a value all that becomes zero by
 * scaling is far below rounding. */
#define BIG_VALUE 0x1p+400
#define SMALL_SCALE 0x1p-600

static void scale_down(gw_stats_sum *sum) {
  sum->scale = SMALL_SCALE;
  sum->mean *= SMALL_SCALE;
  sum->squares *= SMALL_SCALE * SMALL_SCALE;
}

/* Welford's update keeps the variance exact to rounding even where the mean is large. */
static void add_real(gw_stats_sum *sum, double value) {
  gw_stats *stats = &sum->stats;
  if (isnan(value)) {
    stats->nans++;
    return;
  }
  if (isinf(value)) {
    stats->infinities++;
    return;
  }
  if (value == 0) stats->zeros++;
  if (sum->finite == 0 || value < stats->min) stats->min = value;
  if (sum->finite == 0 || value > stats->max) stats->max = value;
  sum->finite++;
  if (fabs(value) >= BIG_VALUE && sum->scale == 1) scale_down(sum);
  value *= sum->scale;
  double distance = value - sum->mean;
  sum->mean += distance / (double)sum->finite;
  sum->squares += distance * (value - sum->mean);
}

static void add_exact(gw_stats_sum *sum, const gw_number *number) {
  bool first = sum->finite == 0;
  gw_stats *stats = &sum->stats;
  int64_t value = number->i; /* for unsigned ones the same bits */
  bool is_unsigned = number->kind == GW_KIND_UINT;
  if (first || (is_unsigned ? number->u < (uint64_t)stats->exact_min : value < stats->exact_min)) stats->exact_min = value;
  if (first || (is_unsigned ? number->u > (uint64_t)stats->exact_max : value > stats->exact_max)) stats->exact_max = value;
  add_real(sum, gw__number_to_double(number));
}

static void add_complex(gw_stats *stats, const gw_number *number) {
  if (isnan(number->real) || isnan(number->imaginary)) stats->nans++;
  else if (isinf(number->real) || isinf(number->imaginary)) stats->infinities++;
  else if (number->real == 0 && number->imaginary == 0) stats->zeros++;
}

/* What two parts of a tensor have together (Chan, Golub, LeVeque). */
void gw__stats_merge(gw_stats_sum *sum, const gw_stats_sum *part) {
  gw_stats_sum other = *part;
  gw_stats *stats = &sum->stats;
  stats->count += other.stats.count;
  stats->zeros += other.stats.zeros;
  stats->nans += other.stats.nans;
  stats->infinities += other.stats.infinities;
  if (other.finite == 0) return;
  bool first = sum->finite == 0, is_unsigned = gw_dtype_kind(sum->dtype) == GW_KIND_UINT;
  int64_t low = other.stats.exact_min, high = other.stats.exact_max;
  if (first || other.stats.min < stats->min) stats->min = other.stats.min;
  if (first || other.stats.max > stats->max) stats->max = other.stats.max;
  if (first || (is_unsigned ? (uint64_t)low < (uint64_t)stats->exact_min : low < stats->exact_min)) stats->exact_min = low;
  if (first || (is_unsigned ? (uint64_t)high > (uint64_t)stats->exact_max : high > stats->exact_max)) stats->exact_max = high;
  if (other.scale < sum->scale) scale_down(sum);
  if (sum->scale < other.scale) scale_down(&other);
  double distance = other.mean - sum->mean, count = (double)(sum->finite + other.finite), share = (double)other.finite / count;
  sum->mean += distance * share;
  sum->squares += other.squares + distance * distance * share * (double)sum->finite;
  sum->finite += other.finite;
}

/* ---- Floats of 32 bits and fewer, nearly all of every model: sums of blocks, in lanes that vector registers take */

enum { BLOCK = 1024, LANES = 8 };

typedef struct gw_lanes {
  double finite[LANES], zeros[LANES], nans[LANES], sum[LANES], squares[LANES], min[LANES], max[LANES];
} gw_lanes;

/* Sums are of distances from `shift`, which lies among the values, or their squares would lose what makes them differ. */
GW_TWINS static void add_lanes(gw_lanes *out, const float *restrict in, size_t count, double shift) {
  gw_lanes lanes = *out;
  for (size_t i = 0; i < count; i += LANES)
    for (size_t j = 0; j < LANES; j++) {
      double x = (double)in[i + j], distance = x - shift;
      bool finite = fabs(x) <= (double)FLT_MAX;
      distance = finite ? distance : 0;
      lanes.finite[j] += finite ? 1.0 : 0.0;
      lanes.zeros[j] += x == 0 ? 1.0 : 0.0;
      lanes.nans[j] += x != x ? 1.0 : 0.0;
      lanes.sum[j] += distance;
      lanes.squares[j] += distance * distance;
      double low = finite ? x : (double)FLT_MAX, high = finite ? x : -(double)FLT_MAX;
      lanes.min[j] = low < lanes.min[j] ? low : lanes.min[j];
      lanes.max[j] = high > lanes.max[j] ? high : lanes.max[j];
    }
  *out = lanes;
}

static void add_floats(gw_stats_sum *sum, const float *in, size_t count) {
  gw_lanes lanes = {.finite = {0}};
  gw_stats_sum part = {.dtype = sum->dtype, .scale = 1};
  size_t first = 0, even = count - count % LANES;
  while (first < count && !(fabsf(in[first]) <= FLT_MAX)) first++;
  double shift = first < count ? (double)in[first] : 0, nans = 0, zeros = 0, finite = 0, total = 0;
  for (size_t j = 0; j < LANES; j++) lanes.min[j] = (double)FLT_MAX, lanes.max[j] = -(double)FLT_MAX;
  add_lanes(&lanes, in, even, shift);
  part.stats.min = (double)FLT_MAX;
  part.stats.max = -(double)FLT_MAX;
  for (size_t j = 0; j < LANES; j++) {
    finite += lanes.finite[j];
    zeros += lanes.zeros[j];
    nans += lanes.nans[j];
    total += lanes.sum[j];
    part.squares += lanes.squares[j];
    part.stats.min = fmin(part.stats.min, lanes.min[j]);
    part.stats.max = fmax(part.stats.max, lanes.max[j]);
  }
  part.finite = (uint64_t)finite;
  part.stats.count = even;
  part.stats.zeros = (uint64_t)zeros;
  part.stats.nans = (uint64_t)nans;
  part.stats.infinities = even - part.finite - part.stats.nans;
  if (part.finite > 0) {
    part.mean = shift + total / finite;
    part.squares = fmax(part.squares - total * (total / finite), 0);
  }
  gw__stats_merge(sum, &part);
  sum->stats.count += count - even;
  for (size_t i = even; i < count; i++) add_real(sum, (double)in[i]);
}

static bool is_small_float(int dtype) { return dtype == GW_DT_FLOAT || dtype == GW_DT_HALF || dtype == GW_DT_BFLOAT16; }

/* As float32, in `wide` unless they are that already. */
static const float *as_floats(int dtype, const void *elements, size_t count, float *wide) {
  if (dtype == GW_DT_FLOAT && (uintptr_t)elements % sizeof(float) == 0) return elements;
  if (dtype == GW_DT_FLOAT) memcpy(wide, elements, count * sizeof(float));
  else gw__convert(dtype, GW_DT_FLOAT, wide, elements, count);
  return wide;
}

void gw__stats_add(gw_stats_sum *sum, const void *elements, size_t count) {
  const uint8_t *bytes = elements;
  size_t width = gw_dtype_size(sum->dtype);
  if (is_small_float(sum->dtype)) {
    _Alignas(32) float wide[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
      size_t part = count - done < BLOCK ? count - done : BLOCK;
      add_floats(sum, as_floats(sum->dtype, bytes + done * width, part, wide), part);
    }
    return;
  }
  sum->stats.count += count;
  for (size_t i = 0; i < count; i++) {
    gw_number number;
    gw_number_get(sum->dtype, bytes + width * i, &number);
    if (number.kind == GW_KIND_FLOAT) add_real(sum, number.real);
    else if (number.kind == GW_KIND_COMPLEX) add_complex(&sum->stats, &number);
    else add_exact(sum, &number);
  }
}

void gw__stats_end(const gw_stats_sum *sum, gw_stats *out) {
  *out = sum->stats;
  out->has_range = sum->finite > 0;
  double mean = sum->mean / sum->scale;
  /* Rounding may carry either past the largest double, where no mean and no deviation can be. */
  out->mean = fmax(fmin(mean, sum->stats.max), sum->stats.min);
  out->std = sum->finite ? fmin(sqrt(sum->squares / (double)sum->finite) / sum->scale, DBL_MAX) : 0;
}

/* ---- Histograms */

bool gw__histogram_start(gw_histogram *histogram, int dtype, const gw_stats *stats) {
  *histogram = (gw_histogram){.dtype = dtype, .low = stats->min, .stretch = 1};
  if (!stats->has_range || !(stats->min < stats->max)) return false;
  /* Powers of two that keep the range, and what it is divided by, within a double. */
  if (isinf(stats->max - stats->min)) histogram->stretch = 0.5;
  else if (stats->max - stats->min < 0x1p-900) histogram->stretch = 0x1p+200;
  histogram->low *= histogram->stretch;
  histogram->scale = GW_HISTOGRAM_BINS / (stats->max * histogram->stretch - histogram->low);
  return true;
}

static inline void count_in(const gw_histogram *histogram, uint64_t *bins, double value) {
  double place = (value * histogram->stretch - histogram->low) * histogram->scale;
  if (!(fabs(value) <= DBL_MAX)) return;
  bins[place >= GW_HISTOGRAM_BINS - 1 ? GW_HISTOGRAM_BINS - 1 : (size_t)place]++; /* the last one includes the maximum */
}

void gw__histogram_add(const gw_histogram *histogram, const void *elements, size_t count, uint64_t *bins) {
  const uint8_t *bytes = elements;
  size_t width = gw_dtype_size(histogram->dtype);
  if (is_small_float(histogram->dtype)) {
    _Alignas(32) float wide[BLOCK];
    uint64_t other[GW_HISTOGRAM_BINS] = {0}; /* neighbours often go to one bin: two counters need not wait for each other */
    for (size_t done = 0; done < count; done += BLOCK) {
      size_t part = count - done < BLOCK ? count - done : BLOCK;
      const float *in = as_floats(histogram->dtype, bytes + done * width, part, wide);
      for (size_t i = 0; i < part; i++) count_in(histogram, i & 1 ? other : bins, (double)in[i]);
    }
    for (size_t i = 0; i < GW_HISTOGRAM_BINS; i++) bins[i] += other[i];
    return;
  }
  for (size_t i = 0; i < count; i++) {
    gw_number number;
    if (gw_number_get(histogram->dtype, bytes + width * i, &number)) count_in(histogram, bins, gw__number_to_double(&number));
  }
}

/* Streaming statistics. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../base/error.h"
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

void gw__stats_add(gw_stats_sum *sum, const void *elements, size_t count) {
  const uint8_t *bytes = elements;
  size_t width = gw_dtype_size(sum->dtype);
  sum->stats.count += count;
  if (sum->dtype == GW_DT_FLOAT) { /* nearly all of every model */
    for (size_t i = 0; i < count; i++) {
      float value;
      memcpy(&value, bytes + 4 * i, 4);
      add_real(sum, (double)value);
    }
    return;
  }
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

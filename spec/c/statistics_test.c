/* run/statistics.c: any number of threads, special values in every lane, work that is given up, memory that runs out.
 * Usage: statistics_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <math.h>
#include <stdlib.h>

#include "../../core/tensor/tensor.h"
#include "bundle_make.h"
#include "check.h"

static const char *scratch = ".", *spec_folder = "spec";

enum { MOST = 64 };

static gw_status gather(const char *prefix, unsigned threads, gw_statistics **out, gw_error *error) {
  gw_bundle *bundle;
  size_t positions[MOST], count;
  bool finished = false;
  *out = NULL;
  gw_status status = gw_bundle_open(prefix, &bundle, error);
  if (status != GW_OK) return status;
  count = gw_bundle_count(bundle) < MOST ? gw_bundle_count(bundle) : MOST;
  for (size_t i = 0; i < count; i++) positions[i] = count - 1 - i; /* in any order */
  status = gw_statistics_start(bundle, positions, count, threads, out, error);
  while (status == GW_OK && !finished) status = gw_statistics_wait(*out, 1000, &finished, error);
  gw_bundle_release(bundle);
  if (status != GW_OK) {
    gw_statistics_free(*out);
    *out = NULL;
  }
  return status;
}

enum { TENSORS = 9 };
static const size_t sizes[TENSORS] = {0, 1, 7, 1025, 60000, 70000, (9u << 20) / 4 + 5, 3, 2000000};

static gwt_path make(void) {
  gwt_path prefix = gwt_path_of("%s/in", scratch);
  gwt_bundle bundle = gwt_bundle_new(1, false);
  for (int i = 0; i < TENSORS; i++) {
    char name[16];
    const int64_t dims[] = {(int64_t)sizes[i]};
    float *data = calloc(sizes[i] + 1, sizeof *data);
    snprintf(name, sizeof name, "t%d", i);
    for (size_t j = 0; data && j < sizes[i]; j++) data[j] = (float)(j * 7919 % 10007) / 16 - 100;
    gwt_bundle_add_data(&bundle, name, GW_DT_FLOAT, 1, dims, (const uint8_t *)data, sizes[i] * sizeof *data);
    free(data);
  }
  gwt_bundle_write(&bundle, prefix.text, 1);
  gwt_bundle_free(&bundle);
  return prefix;
}

static void any_number_of_threads_gives_the_same(void) {
  gwt_path prefix = make();
  gw_stats first[TENSORS];
  for (unsigned threads = 1; threads <= 5; threads++) {
    gw_statistics *statistics;
    gw_error error = GW_ERROR_INIT;
    uint64_t done, total;
    if (!CHECK(gather(prefix.text, threads, &statistics, &error) == GW_OK)) return;
    gw_statistics_progress(statistics, &done, &total);
    CHECK(done == total);
    for (size_t i = 0; i < TENSORS; i++) {
      const uint64_t *bins;
      gw_stats stats;
      uint64_t sum = 0;
      size_t elements = sizes[TENSORS - 1 - i];
      CHECK(gw_statistics_at(statistics, i, &stats, &bins) && stats.count == elements && stats.has_range == (elements > 0));
      CHECK((bins != NULL) == (elements > 1));
      for (size_t j = 0; bins && j < GW_HISTOGRAM_BINS; j++) sum += bins[j];
      CHECK(bins == NULL || sum == elements);
      if (threads == 1) first[i] = stats;
      else CHECK(memcmp(&first[i], &stats, sizeof stats) == 0);
    }
    gw_statistics_free(statistics);
  }
}

/* NaN, infinities and zeros wherever they stand in a block. */
static void special_values_in_every_lane(void) {
  static const float special[] = {(float)NAN, (float)INFINITY, -(float)INFINITY, 0, -0.0f, 3e38f};
  float data[45];
  for (size_t count = 1; count <= 45; count++)
    for (size_t at = 0; at < count; at++)
      for (size_t which = 0; which < 6; which++) {
        gw_stats_sum sum;
        gw_stats stats;
        double mean = 0, squares = 0, finite = 0;
        for (size_t i = 0; i < count; i++) data[i] = i == at ? special[which] : 1000 + (float)i;
        for (size_t i = 0; i < count; i++)
          if (isfinite(data[i])) mean += (double)data[i], finite++;
        mean = finite > 0 ? mean / finite : 0;
        for (size_t i = 0; i < count; i++)
          if (isfinite(data[i])) squares += ((double)data[i] - mean) * ((double)data[i] - mean);
        CHECK(gw__stats_start(&sum, GW_DT_FLOAT, NULL) == GW_OK);
        gw__stats_add(&sum, data, count);
        gw__stats_end(&sum, &stats);
        CHECK(stats.count == count && stats.nans == (which == 0) && stats.infinities == (which == 1 || which == 2));
        CHECK(stats.zeros == (which == 3 || which == 4) && stats.has_range == (finite > 0));
        if (finite > 0) {
          double std = sqrt(squares / finite);
          CHECK(fabs(stats.mean - mean) <= 1e-12 * fabs(mean) && fabs(stats.std - std) <= 1e-9 * std + 1e-12);
        }
      }
}

static void cancelled_work_ends(void) {
  gwt_path prefix = make();
  gw_bundle *bundle = NULL;
  gw_statistics *statistics;
  const size_t positions[] = {6, 8};
  gw_error error = GW_ERROR_INIT;
  bool finished = false;
  CHECK(gw_bundle_open(prefix.text, &bundle, NULL) == GW_OK);
  CHECK(gw_statistics_start(bundle, positions, 2, 1, &statistics, &error) == GW_OK);
  gw_statistics_cancel(statistics);
  gw_status status = GW_OK;
  while (status == GW_OK && !finished) status = gw_statistics_wait(statistics, 1000, &finished, &error);
  CHECK(status == GW_CANCELLED); /* a second pass is never begun */
  gw_statistics_free(statistics);
  CHECK(gw_statistics_start(bundle, positions, 2, 2, &statistics, &error) == GW_OK);
  gw_statistics_free(statistics); /* while it works */
  gw_bundle_release(bundle);
}

static void statistics_without_memory(void) {
  static const char *const kinds[] = {"names", "partitioned", "variants", "dtypes"};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    for (int alone = 0; alone < 2; alone++)
      for (long n = 1;; n++) {
        gwt_path prefix = gwt_path_of("%s/fixtures/valid/kinds/%s", spec_folder, kinds[i]);
        gw_error error = GW_ERROR_INIT;
        gw_statistics *statistics;
        gw__alloc_fail_at(alone ? -n : n);
        gw_status status = gather(prefix.text, 2, &statistics, &error);
        bool done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
        gw_statistics_free(statistics);
        if (done || n > 2000) break;
      }
}

int main(int argc, char **argv) {
  if (argc > 1) spec_folder = argv[1];
  if (argc > 2) scratch = argv[2];
  RUN(any_number_of_threads_gives_the_same);
  RUN(special_values_in_every_lane);
  RUN(cancelled_work_ends);
  RUN(statistics_without_memory);
  return gwt_finish();
}

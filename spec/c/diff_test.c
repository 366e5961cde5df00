/* tensor/compare.c against a scalar rule, and run/diff.c: pieces, threads, damage, memory that runs out.
 * Usage: diff_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <math.h>
#include <stdlib.h>

#include "../../core/tensor/tensor.h"
#include "bundle_make.h"
#include "check.h"

static const char *scratch = ".", *spec_folder = "spec";

static uint64_t random_state = 88172645463325252u;
static uint64_t random_bits(void) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * UINT64_C(2685821657736338717);
}

/* ---- One element, in words */

static bool part_same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* True when a and b agree; else how far apart they are, NaN above infinity above all else. */
static bool reference(int dtype, const void *a, const void *b, double rtol, double atol, long double *distance) {
  gw_number x, y;
  gw_number_get(dtype, a, &x);
  gw_number_get(dtype, b, &y);
  if (x.kind == GW_KIND_FLOAT) {
    *distance = (long double)fabs(x.real - y.real);
    if (part_same(x.real, y.real)) return true;
    return isfinite(x.real) && isfinite(y.real) && fabs(x.real - y.real) <= atol + rtol * fabs(y.real);
  }
  if (x.kind == GW_KIND_COMPLEX) {
    bool nan_a = isnan(x.real) || isnan(x.imaginary), nan_b = isnan(y.real) || isnan(y.imaginary);
    double modulus = hypot(x.real - y.real, x.imaginary - y.imaginary);
    *distance = (long double)(nan_a != nan_b ? (double)NAN : modulus);
    if (part_same(x.real, y.real) && part_same(x.imaginary, y.imaginary)) return true;
    if (!isfinite(modulus)) return false;
    return modulus <= atol + rtol * hypot(y.real, y.imaginary);
  }
  __int128 left = x.kind == GW_KIND_UINT ? (__int128)x.u : (__int128)x.i, right = x.kind == GW_KIND_UINT ? (__int128)y.u : (__int128)y.i;
  __int128 apart = left > right ? left - right : right - left;
  double magnitude = x.kind == GW_KIND_UINT ? (double)y.u : fabs((double)y.i), near = atol + rtol * magnitude;
  *distance = (long double)apart;
  return apart == 0 || near >= 0x1p100 || apart <= (__int128)near;
}

static void random_element(int dtype, uint8_t *a, uint8_t *b) {
  size_t width = gw_dtype_size(dtype);
  for (size_t i = 0; i < width; i++) a[i] = (uint8_t)random_bits();
  memcpy(b, a, width);
  uint64_t way = random_bits() % 8;
  if (way == 0) b[random_bits() % width] ^= (uint8_t)(1u << random_bits() % 8);
  if (way == 1) memset(b, 0xff, width); /* NaN, and -1 */
  if (way == 2) memset(a, 0, width);
  if (dtype == GW_DT_FLOAT && way >= 3) {
    float x = (float)(random_bits() % 100) / 8, y = way == 3 ? x * 1.001f : way == 4 ? (float)INFINITY : x;
    memcpy(a, &x, 4);
    memcpy(b, &y, 4);
  }
  if (dtype == GW_DT_BOOL) {
    *a &= 1;
    *b &= 1;
  }
}

enum { COUNT = 5000 };

static void compare_dtype(int dtype, double rtol, double atol) {
  static _Alignas(16) uint8_t a[COUNT * 16], b[COUNT * 16];
  size_t width = gw_dtype_size(dtype), cut = (size_t)(random_bits() % COUNT);
  uint64_t count = 0, place = 0;
  long double most = 0;
  bool found = false;
  for (size_t i = 0; i < COUNT; i++) random_element(dtype, a + i * width, b + i * width);
  for (size_t i = 0; i < COUNT; i++) {
    long double distance;
    if (reference(dtype, a + i * width, b + i * width, rtol, atol, &distance)) continue;
    bool more = !isnan(most) && (isnan(distance) || distance > most);
    if (!found || more) most = distance, place = i;
    found = true;
    count++;
  }
  gw_difference whole = {0}, first = {0}, second = {0};
  gw__compare(&whole, dtype, a, b, 0, COUNT, rtol, atol);
  gw__compare(&first, dtype, a, b, 0, cut, rtol, atol);
  gw__compare(&second, dtype, a + cut * width, b + cut * width, cut, COUNT - cut, rtol, atol);
  gw__difference_add(&second, &first); /* in any order */
  unsigned before = gwt_wrong;
  CHECK(whole.count == count);
  CHECK(count == 0 || (whole.place == place && memcmp(whole.a, a + place * width, width) == 0 && memcmp(whole.b, b + place * width, width) == 0));
  CHECK(count == 0 || (long double)whole.largest == most || (isnan(whole.largest) && isnan(most)) || (long double)whole.exact == most);
  CHECK(second.count == count && second.exact == whole.exact && (count == 0 || second.place == place));
  if (gwt_wrong > before) fprintf(stderr, "%s, rtol %g, atol %g\n", gw_dtype_name(dtype), rtol, atol);
}

static void every_dtype_as_the_rule_says(void) {
  static const double tolerances[][2] = {{0, 0}, {0.01, 0}, {0, 0.5}, {0, 3}, {1e-3, 1}, {2, 1e30}};
  for (int dtype = 1; dtype <= GW_DT_UINT2; dtype++) {
    gw_number number;
    static const uint8_t zero[16];
    if (gw_dtype_size(dtype) == 0 || !gw_number_get(dtype, zero, &number)) continue;
    for (size_t i = 0; i < sizeof tolerances / sizeof tolerances[0]; i++)
      for (int times = 0; times < 4; times++) compare_dtype(dtype, tolerances[i][0], tolerances[i][1]);
  }
}

/* ---- Whole checkpoints */

static gw_status diff_bundles(const char *a, const char *b, unsigned threads, gw_diff **out, gw_error *error) {
  gw_bundle *left = NULL, *right = NULL;
  gw_diff_options options = GW_DIFF_OPTIONS_INIT;
  bool finished = false;
  options.threads = threads;
  *out = NULL;
  gw_status status = gw_bundle_open(a, &left, error);
  if (status == GW_OK) status = gw_bundle_open(b, &right, error);
  if (status == GW_OK) status = gw_diff_start(left, right, &options, out, error);
  while (status == GW_OK && !finished) status = gw_diff_wait(*out, 1000, &finished, error);
  gw_bundle_release(left);
  gw_bundle_release(right);
  if (status != GW_OK) {
    gw_diff_free(*out);
    *out = NULL;
  }
  return status;
}

enum { TENSORS = 40, CHANGED = 3 };
static const size_t LARGE = (9u << 20) / 4 + 5; /* elements: several jobs */

/* t00, t01, ... of growing sizes, one of them large; in `changed` some elements are others. */
static void make(const char *prefix, int shards, bool changed) {
  gwt_bundle bundle = gwt_bundle_new(shards, false);
  float *data = calloc(LARGE, sizeof *data);
  for (int i = 0; i < TENSORS && data; i++) {
    char name[16];
    size_t count = i == 20 ? LARGE : (size_t)i * 1000;
    const int64_t dims[] = {(int64_t)count};
    snprintf(name, sizeof name, "t%02d", i);
    for (size_t j = 0; j < count; j++) data[j] = (float)(j % 1000 + (size_t)i);
    if (changed && i == 20) data[0] += 1, data[LARGE / 2] += 7, data[LARGE - 1] -= 7;
    if (changed && i == 21) data[20999] = (float)NAN;
    if (changed && i == 1) data[3] = (float)INFINITY, data[4] = 1000;
    gwt_bundle_add_data(&bundle, name, GW_DT_FLOAT, 1, dims, (const uint8_t *)data, count * sizeof *data);
  }
  gwt_bundle_write(&bundle, prefix, shards);
  gwt_bundle_free(&bundle);
  free(data);
}

static gwt_path path_a, path_b;
static void start(void) {
  path_a = gwt_path_of("%s/a", scratch);
  path_b = gwt_path_of("%s/b", scratch);
  make(path_a.text, 1, false);
  make(path_b.text, 1, true);
}

static void any_number_of_threads_finds_the_same(void) {
  start();
  for (unsigned threads = 1; threads <= 5; threads++) {
    gw_diff *diff;
    gw_error error = GW_ERROR_INIT;
    uint64_t done, total;
    if (!CHECK(diff_bundles(path_a.text, path_b.text, threads, &diff, &error) == GW_OK)) return;
    gw_diff_progress(diff, &done, &total);
    CHECK(done == total && total > 18u << 20);
    CHECK(gw_diff_count(diff) == TENSORS);
    for (size_t i = 0; i < TENSORS; i++) {
      gw_diff_row row;
      gw_diff_at(diff, i, &row);
      CHECK(row.kind == (i == 1 || i == 20 || i == 21 ? GW_DIFF_VALUES : GW_DIFF_SAME) && row.a == i && row.b == i);
      if (i == 20) CHECK(row.difference.count == CHANGED && row.difference.place == LARGE / 2 && row.difference.largest == 7);
      if (i == 21) CHECK(row.difference.count == 1 && row.difference.place == 20999 && isnan(row.difference.largest));
      if (i == 1) CHECK(row.difference.count == 2 && row.difference.place == 3 && isinf(row.difference.largest));
    }
    gw_diff_free(diff);
  }
}

/* A byte that differs from what was summed when it was written is damage, not a difference. */
static void damage_is_no_difference(void) {
  start();
  gwt_path data = gwt_data_of(path_b.text, 0, 1);
  gw_buf bytes = gwt_load(data.text);
  static const size_t places[] = {0, 4u << 20, (4u << 20) + 1};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    gw_diff *diff;
    gw_error error = GW_ERROR_INIT;
    bytes.data[places[i]] ^= 1;
    gwt_save(data.text, bytes.data, bytes.size);
    CHECK(diff_bundles(path_a.text, path_b.text, 2, &diff, &error) == GW_CORRUPT && error.key[0] && strcmp(error.file, data.text) == 0);
    bytes.data[places[i]] ^= 1;
  }
  gw__buf_free(&bytes);
}

static void cancelled_work_ends(void) {
  start();
  gw_bundle *a = NULL, *b = NULL;
  gw_diff *diff;
  gw_diff_options options = GW_DIFF_OPTIONS_INIT;
  gw_error error = GW_ERROR_INIT;
  bool finished = false;
  options.threads = 1;
  CHECK(gw_bundle_open(path_a.text, &a, NULL) == GW_OK && gw_bundle_open(path_b.text, &b, NULL) == GW_OK);
  options.rtol = (double)NAN;
  CHECK(gw_diff_start(a, b, &options, &diff, &error) == GW_INVALID && diff == NULL);
  options.rtol = 0;
  CHECK(gw_diff_start(a, b, &options, &diff, &error) == GW_OK);
  gw_diff_cancel(diff);
  gw_status status = GW_OK;
  while (status == GW_OK && !finished) status = gw_diff_wait(diff, 1000, &finished, &error);
  CHECK(status == GW_CANCELLED || status == GW_OK); /* OK: it was already done */
  gw_diff_free(diff);
  CHECK(gw_diff_start(a, b, &options, &diff, &error) == GW_OK);
  gw_diff_free(diff); /* while it works */
  gw_bundle_release(a);
  gw_bundle_release(b);
}

static void diffs_without_memory(void) {
  static const char *const kinds[][2] = {{"names", "two-shards"}, {"partitioned", "partitioned"}, {"strings", "variants"}, {"variants", "variants"}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    for (int alone = 0; alone < 2; alone++)
      for (long n = 1;; n++) {
        gwt_path a = gwt_path_of("%s/fixtures/valid/kinds/%s", spec_folder, kinds[i][0]);
        gwt_path b = gwt_path_of("%s/fixtures/valid/kinds/%s", spec_folder, kinds[i][1]);
        gw_error error = GW_ERROR_INIT;
        gw_diff *diff;
        gw__alloc_fail_at(alone ? -n : n);
        gw_status status = diff_bundles(a.text, b.text, 2, &diff, &error);
        bool done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
        gw_diff_free(diff);
        if (done || n > 2000) break;
      }
}

int main(int argc, char **argv) {
  if (argc > 1) spec_folder = argv[1];
  if (argc > 2) scratch = argv[2];
  RUN(every_dtype_as_the_rule_says);
  RUN(any_number_of_threads_finds_the_same);
  RUN(damage_is_no_difference);
  RUN(cancelled_work_ends);
  RUN(diffs_without_memory);
  return gwt_finish();
}

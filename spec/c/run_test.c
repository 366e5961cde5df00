/* core/run: tensors across the borders of buffers, any number of threads, damage, memory that runs out, runs that are
 * given up. Usage: run_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <stdlib.h>
#include <sys/file.h>

#include "bundle_make.h"
#include "check.h"

static const char *scratch = ".", *spec_folder = "spec";
static gwt_path input, folder, output; /* the input's prefix; where outputs go; the output's prefix */

static uint64_t random_state = 88172645463325252u;
static uint8_t random_byte(void) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint8_t)(random_state * UINT64_C(2685821657736338717) >> 56);
}

static void start(void) {
  input = gwt_path_of("%s/in", scratch);
  folder = gwt_path_of("%s/out", scratch);
  output = gwt_path_of("%s/out/ckpt", scratch);
  gwt_clear(folder.text);
}

static gw_run_options run_options(unsigned threads, uint64_t memory, bool force) {
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  options.threads = threads;
  options.memory = memory;
  options.force = force;
  return options;
}

/* ---- Inputs larger than the smallest buffer (64 KiB), so that pieces cut tensors at odd places */

static void put_random(gw_buf *out, size_t size) {
  for (size_t i = 0; i < size; i++) gw__put_u8(out, random_byte());
}

static void add_random(gwt_bundle *bundle, const char *name, int dtype, size_t elements) {
  gw_buf bytes = GW_BUF_INIT;
  const int64_t dims[] = {(int64_t)elements};
  put_random(&bytes, elements * gw_dtype_size(dtype));
  gwt_bundle_add_data(bundle, name, dtype, 1, dims, bytes.data, bytes.size);
  gw__buf_free(&bytes);
}

static void add_strings(gwt_bundle *bundle, const char *name, size_t count, size_t each, bool big) {
  gw_buf bytes = GW_BUF_INIT, lengths = GW_BUF_INIT;
  const int64_t dims[] = {(int64_t)count};
  for (size_t i = 0; i < count; i++) {
    size_t length = each + i % 3;
    uint32_t number = big ? __builtin_bswap32((uint32_t)length) : (uint32_t)length;
    gw__put_varint64(&bytes, length);
    gw__put_bytes(&lengths, &number, 4);
  }
  uint32_t crc = gw__crc32c(lengths.data, lengths.size), masked = gw__crc32c_mask(crc);
  size_t at = bytes.size;
  if (big) masked = __builtin_bswap32(masked);
  gw__put_bytes(&bytes, &masked, 4);
  for (size_t i = 0; i < count; i++) put_random(&bytes, each + i % 3);
  gwt_entry entry = {.dtype = GW_DT_STRING, .rank = 1, .dims = dims, .offset = (int64_t)bundle->data.size,
                     .size = (int64_t)bytes.size, .crc = gw__crc32c_extend(crc, bytes.data + at, bytes.size - at)};
  gwt_bundle_add(bundle, name, &entry);
  gw__put_bytes(&bundle->data, bytes.data, bytes.size);
  gw__buf_free(&bytes);
  gw__buf_free(&lengths);
}

static void add_variant(gwt_bundle *bundle, const char *name, size_t size) {
  gw_buf bytes = GW_BUF_INIT;
  uint64_t length = size;
  gw__put_varint64(&bytes, size);
  size_t at = bytes.size;
  put_random(&bytes, size);
  uint32_t crc = gw__crc32c_extend(gw__crc32c(&length, 8), bytes.data + at, size);
  gw__put_fixed32(&bytes, gw__crc32c_mask(crc));
  crc = gw__crc32c_extend(crc, bytes.data + bytes.size - 4, 4);
  gwt_entry entry = {.dtype = GW_DT_VARIANT, .offset = (int64_t)bundle->data.size, .size = (int64_t)bytes.size, .crc = crc};
  gwt_bundle_add(bundle, name, &entry);
  gw__put_bytes(&bundle->data, bytes.data, bytes.size);
  gw__buf_free(&bytes);
}

static void write_large(bool big) {
  gwt_bundle bundle = gwt_bundle_new(1, big);
  static const size_t sizes[] = {1, 3, 65535, 65536, 65537, 0, 7, 131073, 40000, 200001, 0};
  char names[sizeof sizes / sizeof *sizes][8];
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    snprintf(names[i], sizeof names[i], "b%02zu", i);
    add_random(&bundle, names[i], GW_DT_UINT8, sizes[i]);
  }
  add_random(&bundle, "c doubles", GW_DT_DOUBLE, 20001);
  add_strings(&bundle, "d strings", 1000, 150, big);
  add_random(&bundle, "e one", GW_DT_UINT8, 5);
  add_random(&bundle, "f complex", GW_DT_COMPLEX128, 9001);
  add_strings(&bundle, "g long", 2, 90000, big);
  if (!big) add_variant(&bundle, "h variant", 150000);
  add_random(&bundle, "i shorts", GW_DT_INT16, 99999);
  gwt_bundle_write(&bundle, input.text, 1);
  gwt_bundle_free(&bundle);
}

static void check_sound(const char *prefix) {
  size_t fatal, odd;
  CHECK(gwt_verify(prefix, &fatal, &odd, NULL, NULL) == GW_OK && fatal == 0 && odd == 0);
}

static bool same_content(const char *a, const char *b) {
  gw_buf one = GW_BUF_INIT, other = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  bool same = gwt_dump(a, &one, &error) == GW_OK && gwt_dump(b, &other, &error) == GW_OK && gwt_same(&one, &other);
  CHECK_TEXT(error.what, "");
  gw__buf_free(&one);
  gw__buf_free(&other);
  return same;
}

/* ---- Any number of threads, any memory */

static void the_same_bytes_whatever_the_threads_and_the_memory(void) {
  static const unsigned threads[] = {1, 2, 3, 8};
  static const uint64_t memory[] = {1, 1 << 20, 0};
  gw_error error = GW_ERROR_INIT;
  start();
  write_large(false);
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < 3; j++)
      for (int verify = 0; verify < 3; verify++) {
        gw_run_options options = run_options(threads[i], memory[j], true);
        gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
        plan.verify = (gw_verify)verify;
        CHECK(gwt_copy(input.text, output.text, &plan, &options, &error) == GW_OK);
        CHECK_TEXT(error.what, "");
        CHECK(gwt_same_files(gwt_index_of(input.text).text, gwt_index_of(output.text).text));
        CHECK(gwt_same_files(gwt_data_of(input.text, 0, 1).text, gwt_data_of(output.text, 0, 1).text));
      }
  CHECK_TEXT(gwt_listing(folder.text).text, "ckpt.data-00000-of-00001 ckpt.index");
}

static void shards_of_all_numbers(void) {
  start();
  write_large(false);
  for (int32_t shards = 1; shards <= 18; shards++) {
    gw_run_options options = run_options(2, 1, true);
    gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
    plan.shards = shards;
    CHECK(gwt_copy(input.text, output.text, &plan, &options, NULL) == GW_OK);
    CHECK(same_content(input.text, output.text));
    check_sound(output.text);
  }
}

static void big_endian_elements_across_borders(void) {
  gw_error error = GW_ERROR_INIT;
  start();
  write_large(true);
  for (unsigned threads = 1; threads <= 3; threads++) {
    gw_run_options options = run_options(threads, 1, true);
    CHECK(gwt_copy(input.text, output.text, NULL, &options, &error) == GW_OK);
    CHECK_TEXT(error.what, "");
    CHECK(same_content(input.text, output.text));
    check_sound(output.text);
  }
}

/* Constants that begin at odd places, among copied bytes. */
static void constants_across_borders(void) {
  gw_bundle *bundle = NULL;
  gw_draft *draft = NULL;
  gw_plan *plan = NULL;
  gw_run *run = NULL;
  bool finished = false, equal = false;
  static const double unit[] = {1.5, -2.5};
  gw_tensor *fill = NULL, *text = NULL, *found = NULL;
  const int64_t many[] = {30000};
  char *long_text = malloc(150000);
  gwt_must(long_text != NULL);
  memset(long_text, 'x', 150000);
  start();
  write_large(false);
  CHECK(gw_tensor_fill(GW_DT_COMPLEX128, 1, many, unit, &fill, NULL) == GW_OK);
  CHECK(gw_tensor_strings(0, NULL, &(gw_span){long_text, 150000}, 1, &text, NULL) == GW_OK);
  CHECK(gw_bundle_open(input.text, &bundle, NULL) == GW_OK && gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  CHECK(gw_draft_set(draft, "b01x", 4, fill, NULL, NULL) == GW_OK && gw_draft_set(draft, "e", 1, text, NULL, NULL) == GW_OK);
  CHECK(gw_plan_compile(draft, NULL, &plan, NULL) == GW_OK);
  gw_run_options options = run_options(2, 1, false);
  CHECK(gw_run_start(plan, output.text, &options, &run, NULL) == GW_OK);
  while (!finished && CHECK(gw_run_wait(run, 1000, &finished, NULL) == GW_OK)) continue;
  CHECK(gw_run_commit(run, NULL) == GW_OK);
  gw_run_free(run);
  gw_plan_free(plan);
  gw_draft_release(draft);
  gw_bundle_release(bundle);
  check_sound(output.text);
  CHECK(gw_bundle_open(output.text, &bundle, NULL) == GW_OK && gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  CHECK(gw_draft_get(draft, "b01x", 4, &found, NULL) == GW_OK && gw_tensor_equal(found, fill, 0, &equal, NULL) == GW_OK && equal);
  gw_tensor_release(found);
  CHECK(gw_draft_get(draft, "e", 1, &found, NULL) == GW_OK && gw_tensor_equal(found, text, 0, &equal, NULL) == GW_OK && equal);
  gw_tensor_release(found);
  gw_tensor_release(fill);
  gw_tensor_release(text);
  gw_draft_release(draft);
  gw_bundle_release(bundle);
  free(long_text);
}

/* ---- Damage */

/* Wherever a byte is wrong, and however many threads look: the error names file and tensor, and nothing appears. */
static void damage_in_every_piece(void) {
  start();
  write_large(false);
  gwt_path data = gwt_data_of(input.text, 0, 1);
  gw_buf bytes = gwt_load(data.text);
  for (size_t at = 11; at < bytes.size; at += 39989) {
    bytes.data[at] ^= 0x10;
    gwt_save(data.text, bytes.data, bytes.size);
    for (unsigned threads = 1; threads <= 4; threads += 3) {
      gw_error error = GW_ERROR_INIT;
      gw_run_options options = run_options(threads, 1, false);
      CHECK(gwt_copy(input.text, output.text, NULL, &options, &error) == GW_CORRUPT);
      CHECK_TEXT(error.file, data.text);
      CHECK(error.key[0] && error.has_offset);
      CHECK_TEXT(gwt_listing(folder.text).text, "");
    }
    bytes.data[at] ^= 0x10;
  }
  gw__buf_free(&bytes);
}

/* A thread that waits for its turn when another fails gives up too; what is reported is the failure. */
static void the_failure_is_reported_and_not_the_stop(void) {
  start();
  write_large(false);
  gwt_path data = gwt_data_of(input.text, 0, 1);
  gw_buf bytes = gwt_load(data.text);
  bytes.data[0] ^= 1;
  gwt_save(data.text, bytes.data, bytes.size);
  for (int round = 0; round < 100; round++) {
    gw_error error = GW_ERROR_INIT;
    gw_run_options options = run_options(8, 1, false);
    if (!CHECK(gwt_copy(input.text, output.text, NULL, &options, &error) == GW_CORRUPT)) break;
  }
  gw__buf_free(&bytes);
}

static void unverified_copies_keep_their_checksums(void) {
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  plan.verify = GW_VERIFY_NONE;
  gw_run_options options = run_options(2, 1, false);
  size_t fatal, odd;
  start();
  write_large(false);
  gwt_path data = gwt_data_of(input.text, 0, 1);
  gw_buf bytes = gwt_load(data.text);
  bytes.data[100000] ^= 1;
  gwt_save(data.text, bytes.data, bytes.size);
  CHECK(gwt_copy(input.text, output.text, &plan, &options, NULL) == GW_OK);
  CHECK(gwt_same_files(data.text, gwt_data_of(output.text, 0, 1).text));
  CHECK(gwt_verify(output.text, &fatal, &odd, NULL, NULL) == GW_OK && fatal == 1); /* the damage did not become truth */
  gw__buf_free(&bytes);
}

static void shared_files_are_checked_when_asked(void) {
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  plan.data = GW_DATA_LINK;
  gw_run_options options = run_options(2, 1, true);
  gw_error error = GW_ERROR_INIT;
  start();
  write_large(false);
  gwt_path data = gwt_data_of(input.text, 0, 1);
  gw_buf bytes = gwt_load(data.text);
  CHECK(gwt_copy(input.text, output.text, &plan, &options, NULL) == GW_OK);
  CHECK(gwt_same_files(gwt_index_of(input.text).text, gwt_index_of(output.text).text));
  bytes.data[100000] ^= 1;
  remove(data.text);
  gwt_save(data.text, bytes.data, bytes.size);
  plan.verify = GW_VERIFY_ALL;
  CHECK(gwt_copy(input.text, output.text, &plan, &options, &error) == GW_CORRUPT);
  CHECK_TEXT(error.file, data.text);
  check_sound(output.text); /* the one from before */
  gw__buf_free(&bytes);
}

/* ---- Giving up */

static gw_plan *plan_of_input(void) {
  gw_bundle *bundle = NULL;
  gw_draft *draft = NULL;
  gw_plan *plan = NULL;
  gwt_must(gw_bundle_open(input.text, &bundle, NULL) == GW_OK && gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  gwt_must(gw_plan_compile(draft, NULL, &plan, NULL) == GW_OK);
  gw_draft_release(draft);
  gw_bundle_release(bundle);
  return plan;
}

static void cancelled_runs_leave_nothing(void) {
  start();
  write_large(false);
  gw_plan *plan = plan_of_input();
  gwt_path deep = gwt_path_of("%s/a/b/ckpt", folder.text);
  for (int round = 0; round < 50; round++) {
    gw_run *run = NULL;
    bool finished = false;
    gw_error error = GW_ERROR_INIT;
    gw_run_options options = run_options(1 + (unsigned)round % 4, 1, false);
    CHECK(gw_run_start(plan, deep.text, &options, &run, NULL) == GW_OK);
    if (round % 2) CHECK(gw_run_wait(run, (unsigned)round / 10, &finished, &error) == GW_OK);
    gw_run_cancel(run);
    gw_status status = GW_OK;
    while (!finished && status == GW_OK) status = gw_run_wait(run, 1000, &finished, &error);
    CHECK(status == GW_OK || (status == GW_CANCELLED && strcmp(error.what, "interrupted") == 0));
    if (status == GW_CANCELLED) CHECK(gw_run_commit(run, &error) == GW_CANCELLED);
    gw_run_free(run);
    CHECK_TEXT(gwt_listing(folder.text).text, "");
  }
  gw_plan_free(plan);
}

static void runs_that_are_not_committed_leave_nothing(void) {
  start();
  write_large(false);
  gw_plan *plan = plan_of_input();
  gwt_path deep = gwt_path_of("%s/a/b/ckpt", folder.text);
  for (int wait = 0; wait < 2; wait++) {
    gw_run *run = NULL;
    bool finished = false;
    CHECK(gw_run_start(plan, deep.text, NULL, &run, NULL) == GW_OK);
    while (wait && !finished) CHECK(gw_run_wait(run, 1000, &finished, NULL) == GW_OK);
    gw_run_free(run);
    CHECK_TEXT(gwt_listing(folder.text).text, "");
  }
  gw_plan_free(plan);
}

/* ---- What is in the way */

static void check_refused(gw_status status, const char *prefix, const gw_run_options *options, const char *text) {
  gw_error error = GW_ERROR_INIT;
  CHECK(gwt_copy(input.text, prefix, NULL, options, &error) == status);
  CHECK_TEXT(error.what, text);
}

static void outputs_that_are_refused(void) {
  gw_run_options force = run_options(1, 0, true);
  start();
  write_large(false);
  CHECK(gwt_copy(input.text, output.text, NULL, NULL, NULL) == GW_OK);
  check_refused(GW_EXISTS, output.text, NULL, "exists already");
  check_refused(GW_INVALID, input.text, &force, "is an input, and inputs are never written to");
  gwt_path link = gwt_path_of("%s/out/other", scratch);
  gwt_must(symlink("../in.index", gwt_index_of(link.text).text) == 0);
  check_refused(GW_INVALID, link.text, &force, "is an input, and inputs are never written to");
  remove(gwt_index_of(link.text).text);
  check_refused(GW_INVALID, folder.text, NULL, "is a folder, and an output is a prefix of files");
  check_refused(GW_INVALID, gwt_index_of(output.text).text, NULL,
                "names one file of a checkpoint, and an output is the prefix of them all");
  check_refused(GW_INVALID, gwt_path_of("%s/x", gwt_index_of(input.text).text).text, NULL, "is a file, not a folder");
  remove(gwt_index_of(output.text).text);
  check_refused(GW_EXISTS, output.text, NULL, "exists already"); /* its data file */
  CHECK(gwt_copy(input.text, output.text, NULL, &force, NULL) == GW_OK);
  check_sound(output.text);
}

/* A name that a dead run left goes; one whose owner lives stays. */
static void leftovers_of_dead_runs(void) {
  start();
  write_large(false);
  gwt_path dead = gwt_path_of("%s/.godwit-%08x-1-data-00000", folder.text, gw__crc32c("ckpt", 4));
  gwt_path alive = gwt_path_of("%s/.godwit-%08x-2-data-00000", folder.text, gw__crc32c("ckpt", 4));
  gwt_path other = gwt_path_of("%s/.godwit-%08x-1-data-00000", folder.text, gw__crc32c("another", 7));
  gwt_save(dead.text, "x", 1);
  gwt_save(alive.text, "x", 1);
  gwt_save(other.text, "x", 1);
  int fd = open(alive.text, O_RDWR);
  gwt_must(fd >= 0 && flock(fd, LOCK_EX) == 0);
  CHECK(gwt_copy(input.text, output.text, NULL, NULL, NULL) == GW_OK);
  CHECK(!gwt_exists(dead.text) && gwt_exists(alive.text) && gwt_exists(other.text));
  close(fd);
}

/* ---- Without memory */

typedef enum scene { NEW, REPLACE, RESHARD, LINK, LATEST, SCENES } scene;

static gw_status do_scene(scene which, gw_error *error) {
  gw_run_options options = run_options(1, 1, which != NEW);
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  gwt_path from = gwt_path_of("%s/fixtures/valid/kinds/two-shards", spec_folder);
  if (which == RESHARD) plan.shards = 3;
  if (which == LINK) plan.data = GW_DATA_LINK;
  options.latest = which == LATEST;
  options.timestamp = 5;
  return gwt_copy(from.text, output.text, &plan, &options, error);
}

static void prepare_scene(scene which) {
  gwt_path old = gwt_path_of("%s/fixtures/valid/kinds/names", spec_folder);
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  gwt_clear(folder.text);
  plan.shards = 2;
  if (which != NEW) CHECK(gwt_copy(old.text, output.text, &plan, NULL, NULL) == GW_OK);
}

/* Old, new, or (when it was new) absent; sound, and no hidden name is left. */
static void check_whole(scene which, gw_status status) {
  gwt_path old = gwt_path_of("%s/fixtures/valid/kinds/names", spec_folder);
  gwt_path new = gwt_path_of("%s/fixtures/valid/kinds/two-shards", spec_folder);
  bool is_new = gwt_exists(gwt_index_of(output.text).text) && same_content(output.text, new.text);
  if (status == GW_OK) CHECK(is_new);
  if (!is_new && which != NEW) CHECK(same_content(output.text, old.text));
  gwt_path names = gwt_listing(folder.text);
  CHECK(strstr(names.text, ".godwit") == NULL);
  if (!is_new && which == NEW) CHECK_TEXT(names.text, "");
}

static void runs_without_memory(void) {
  start();
  for (scene which = NEW; which < SCENES; which++)
    for (int alone = 0; alone < 2; alone++)
      for (long n = 1;; n++) {
        gw_error error = GW_ERROR_INIT;
        prepare_scene(which);
        gw__alloc_fail_at(alone ? -n : n);
        gw_status status = do_scene(which, &error);
        bool done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        unsigned before = gwt_wrong;
        CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
        check_whole(which, status);
        if (gwt_wrong > before) fprintf(stderr, "scene %d, alone %d, allocation %ld: %s\n", which, alone, n, error.what);
        if (done || n > 2000) break;
      }
}

static void verifying_without_memory(void) {
  gwt_path prefix = gwt_path_of("%s/fixtures/valid/kinds/partitioned", spec_folder);
  for (int alone = 0; alone < 2; alone++)
    for (long n = 1;; n++) {
      gw_error error = GW_ERROR_INIT;
      size_t fatal, odd;
      gw__alloc_fail_at(alone ? -n : n);
      gw_status status = gwt_verify(prefix.text, &fatal, &odd, NULL, &error);
      bool done = gw__alloc_count() < n;
      gw__alloc_fail_at(0);
      CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
      CHECK(fatal == 0 && odd == 0);
      if (done || n > 2000) break;
    }
}

/* Every tensor of the checkpoint that can be cut, in two slices; cut ones anew. */
static gw_status write_in_slices(const char *from, gw_error *error) {
  gw_bundle *bundle = NULL;
  gw_draft *draft = NULL;
  gw_span *names = NULL;
  size_t count = 0;
  gw_run_options options = run_options(1, 1, true);
  gw_status status = gw_bundle_open(from, &bundle, error);
  if (status == GW_OK) status = gw_draft_from_bundle(bundle, &draft, error);
  if (status == GW_OK) status = gw_draft_names(draft, &names, &count, error);
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    gw_tensor *tensor = NULL, *cut = NULL;
    status = gw_draft_get(draft, names[i].data, names[i].size, &tensor, error);
    if (status == GW_OK && gw_tensor_rank(tensor) > 0) {
      status = gw_tensor_partition(tensor, 2, -1, &cut, error);
      if (status == GW_OK) status = gw_draft_set(draft, names[i].data, names[i].size, cut, NULL, error);
    }
    gw_tensor_release(cut);
    gw_tensor_release(tensor);
  }
  gw_free(names);
  if (status == GW_OK) status = gwt_write_draft(draft, output.text, NULL, &options, error);
  gw_draft_release(draft);
  gw_bundle_release(bundle);
  return status;
}

static void slices_without_memory(void) {
  static const char *const kinds[] = {"partitioned", "two-shards"};
  start();
  for (size_t kind = 0; kind < 2; kind++)
    for (int alone = 0; alone < 2; alone++)
      for (long n = 1;; n++) {
        gw_error error = GW_ERROR_INIT;
        gwt_path from = gwt_path_of("%s/fixtures/valid/kinds/%s", spec_folder, kinds[kind]);
        gwt_clear(folder.text);
        gw__alloc_fail_at(alone ? -n : n);
        gw_status status = write_in_slices(from.text, &error);
        bool done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
        /* What fails when the new index is in place already leaves a whole checkpoint. */
        if (status == GW_OK || gwt_exists(gwt_index_of(output.text).text)) check_sound(output.text);
        else CHECK_TEXT(gwt_listing(folder.text).text, "");
        if (done || n > 2000) break;
      }
}

static int no_sync(int fd) {
  (void)fd;
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) spec_folder = argv[1];
  if (argc > 2) scratch = argv[2];
  gw_system fast = *gw__system(); /* spec/faults looks at syncs; here a disk would only take time */
  fast.fsync = no_sync;
  gw__system_replace(&fast);
  RUN(the_same_bytes_whatever_the_threads_and_the_memory);
  RUN(shards_of_all_numbers);
  RUN(big_endian_elements_across_borders);
  RUN(constants_across_borders);
  RUN(damage_in_every_piece);
  RUN(the_failure_is_reported_and_not_the_stop);
  RUN(unverified_copies_keep_their_checksums);
  RUN(shared_files_are_checked_when_asked);
  RUN(cancelled_runs_leave_nothing);
  RUN(runs_that_are_not_committed_leave_nothing);
  RUN(outputs_that_are_refused);
  RUN(leftovers_of_dead_runs);
  RUN(runs_without_memory);
  RUN(verifying_without_memory);
  RUN(slices_without_memory);
  return gwt_finish();
}

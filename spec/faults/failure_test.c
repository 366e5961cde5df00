/* System calls that fail once, transfer less than was asked, or are interrupted: an error with file and reason, and OUT as
 * it was; or the same bytes as ever. Usage: failure_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <limits.h>

#include "scenes.h"

static const gwt_scene *scene; /* under test */

static void complain(const char *what, const gw_error *error) {
  char text[2300] = "";
  gw_error_format(error, text, sizeof text);
  gwt_wrong++;
  if (gwt_wrong <= 5)
    fprintf(stderr, "%s, call %ld (%s) failed with %s: %s; left: %s (%s)\n", scene->name, disk.fail_at, disk.failed_call,
            strerror(disk.fail_with), what, gwt_listing(folder.text).text, text);
}

/* Hidden names stay only where removing them is what failed; those of a crash before may have been there. */
static bool tidy(void) {
  return strcmp(disk.failed_call, "unlink") == 0 || scene->after_a_crash || !strstr(gwt_listing(folder.text).text, ".godwit-");
}

static void judge_failure(gw_status status, const gw_error *error) {
  gw_error broken = GW_ERROR_INIT;
  gwt_verdict verdict = gwt_judge(folder.text, true, &broken);
  if (!gwt_fine(scene, verdict)) complain("neither old nor new", &broken);
  if (status == GW_OK && verdict != GWT_NEW) complain("no error, and not the new checkpoint", error);
  if (status == GW_OK && strcmp(disk.failed_call, "sync") == 0) complain("a sync that failed went unnoticed", error);
  /* What a crash left and could not be removed is in the way, which is another true word. */
  bool says = strstr(error->what, strerror(disk.fail_with)) || (scene->after_a_crash && strstr(error->what, strerror(EEXIST)));
  if (status != GW_OK && (status != error->status || !error->file[0] || !says))
    complain("an error that does not say what happened", error);
  if (!tidy()) complain("hidden names are left", error);
}

static void failures_of(int number) {
  bool running = true;
  for (long n = 1; running && n < 2000; n++) {
    gw_error error = GW_ERROR_INIT;
    gwt_scene_before(scene);
    gwt_disk_start(folder.text, stash.text);
    disk.fail_at = n;
    disk.fail_with = number;
    gw_status status = gwt_scene_run(scene, &error);
    gwt_disk_end();
    running = disk.failed;
    if (!running) CHECK(status == GW_OK);
    else judge_failure(status, &error);
    CHECK(gwt_next_run_tidies(scene) && gwt_input_untouched());
  }
  CHECK(!running);
}

static void failures_everywhere(void) { failures_of(EIO); }

static void failures_of_other_kinds(void) {
  static const int numbers[] = {ENOSPC, EACCES, EROFS, EDQUOT};
  scene = &gwt_scenes[1];
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) failures_of(numbers[i]);
}

/* ---- A full disk */

static void a_full_disk_is_met_before_the_work(void) {
  scene = &gwt_scenes[1];
  for (long n = 1; n < 2000; n++) {
    gw_error error = GW_ERROR_INIT;
    gwt_scene_before(scene);
    gwt_disk_start(folder.text, stash.text);
    disk.fail_at = n;
    disk.fail_with = ENOSPC;
    gw_status status = gwt_scene_run(scene, &error);
    gwt_disk_end();
    if (strcmp(disk.failed_call, "allocate") != 0) continue;
    CHECK(status == GW_IO && strncmp(error.what, "cannot be given its ", 20) == 0);
    CHECK_TEXT(error.hint, "make room there, or write to another disk");
    CHECK_TEXT(gwt_listing(folder.text).text, "ckpt.data-00000-of-00002 ckpt.data-00001-of-00002 ckpt.index");
    return;
  }
  CHECK(false);
}

/* ---- Short and interrupted transfers */

static const gw_system *under;
static unsigned turn;

/* Of five calls two are interrupted and three move a few bytes only. */
static bool interrupted(size_t *size) {
  turn++;
  errno = EINTR;
  if (turn % 5 < 2) return true;
  if (*size > turn % 7 + 1) *size = turn % 7 + 1;
  return false;
}
static ssize_t short_read(int fd, void *data, size_t size, off_t offset) {
  return interrupted(&size) ? -1 : under->pread(fd, data, size, offset);
}
static ssize_t short_write(int fd, const void *data, size_t size, off_t offset) {
  return interrupted(&size) ? -1 : under->pwrite(fd, data, size, offset);
}
static ssize_t short_copy(int from, off_t from_offset, int to, off_t to_offset, size_t size) {
  return turn % 11 == 0 || interrupted(&size) ? -1 : under->copy_range(from, from_offset, to, to_offset, size);
}
static int interrupted_open(const char *path, int flags, mode_t mode) {
  errno = EINTR;
  return turn++ % 3 == 0 ? -1 : under->open(path, flags, mode);
}
static int interrupted_sync(int fd) {
  errno = EINTR;
  return turn++ % 3 == 0 ? -1 : under->fsync(fd);
}
static int interrupted_allocate(int fd, off_t size) {
  errno = EINTR;
  return turn++ % 3 == 0 ? -1 : under->allocate(fd, size);
}

static void short_and_interrupted_transfers(void) {
  gw_system table = *gw__system();
  gw_system before = table;
  under = &before;
  table.pread = short_read;
  table.pwrite = short_write;
  table.copy_range = short_copy;
  table.open = interrupted_open;
  table.fsync = interrupted_sync;
  table.allocate = interrupted_allocate;
  for (int verify = 0; verify < 2; verify++)
    for (size_t i = 0; i < GWT_SCENES; i++) {
      gw_error error = GW_ERROR_INIT;
      scene = &gwt_scenes[i];
      if (scene->data != GW_DATA_COPY) continue;
      gwt_scene_before(scene);
      gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
      gw_run_options options = GW_RUN_OPTIONS_INIT;
      plan.shards = scene->shards;
      plan.verify = verify ? GW_VERIFY_NONE : GW_VERIFY_DEFAULT;
      options.force = true;
      options.memory = 1;
      options.threads = 1;
      gw__system_replace(&table);
      gw_status status = gwt_scene_migrate(scene, &plan, &options, &error);
      CHECK(gwt_judge(folder.text, true, &error) == GWT_NEW && status == GW_OK);
      gw__system_replace(&before);
      CHECK_TEXT(error.what, "");
    }
  gwt_disk_end();
}

/* ---- File systems that cannot */

static int no_link(const char *from, const char *to) {
  (void)from;
  (void)to;
  errno = EPERM;
  return -1;
}

static void file_systems_without_hard_links(void) {
  gw_system table = *gw__system();
  table.link = no_link;
  for (size_t i = 0; i < GWT_SCENES; i++) {
    gw_error error = GW_ERROR_INIT;
    scene = &gwt_scenes[i];
    if (scene->data == GW_DATA_CLONE || scene->after_a_crash) continue;
    bool needs = scene->data == GW_DATA_LINK || scene->old_shards == (scene->shards ? scene->shards : 2);
    gwt_scene_before(scene);
    gw__system_replace(&table);
    gw_status status = gwt_scene_run(scene, &error);
    gwt_disk_end();
    CHECK(status == (needs ? GW_UNSUPPORTED : GW_OK));
    CHECK(gwt_judge(folder.text, true, &error) == (!needs ? GWT_NEW : scene->old_shards ? GWT_OLD : GWT_ABSENT));
    CHECK(!needs || (error.hint[0] && strstr(error.what, "hard link")));
    CHECK(!strstr(gwt_listing(folder.text).text, ".godwit-"));
  }
}

/* An input that somebody cuts while it is read. */
static ssize_t nothing_left(int fd, void *data, size_t size, off_t offset) {
  return offset + (off_t)size > 250 ? 0 : under->pread(fd, data, size, offset);
}

static void inputs_that_shrink_while_they_are_read(void) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle = NULL;
  gw_tensor *tensor = NULL;
  uint8_t bytes[300];
  gw_system before = *gw__system(), table = before;
  under = &before;
  table.pread = nothing_left;
  CHECK(gw_bundle_open(input.text, &bundle, NULL) == GW_OK && gw_bundle_tensor(bundle, 0, &tensor, NULL) == GW_OK);
  gw__system_replace(&table);
  CHECK(gw_tensor_read(tensor, 0, 300, bytes, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "the file ends here (300 more bytes were expected)");
  CHECK_TEXT(error.file, gwt_data_of(input.text, 0, 2).text);
  gwt_disk_end();
  gw_tensor_release(tensor);
  gw_bundle_release(bundle);
}

int main(int argc, char **argv) {
  gwt_scenes_start(argc > 2 ? argv[2] : ".");
  for (size_t i = 0; i < GWT_SCENES; i++) {
    scene = &gwt_scenes[i];
    gwt_run(failures_everywhere, scene->name);
  }
  RUN(failures_of_other_kinds);
  RUN(a_full_disk_is_met_before_the_work);
  RUN(short_and_interrupted_transfers);
  RUN(file_systems_without_hard_links);
  RUN(inputs_that_shrink_while_they_are_read);
  gwt_scenes_end();
  return gwt_finish();
}

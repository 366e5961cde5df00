/* A run that dies at every system call, and a power cut there: OUT is the old checkpoint or the new one, never neither.
 * Usage: crash_test SPEC_FOLDER SCRATCH_FOLDER. */
#include "scenes.h"

static const gwt_scene *scene; /* under test */

static void complain(const char *what, gwt_verdict verdict, const gw_error *error) {
  static const char *const names[] = {"absent", "old", "new", "broken"};
  char text[2300] = "";
  gw_error_format(error, text, sizeof text);
  gwt_wrong++;
  if (gwt_wrong <= 5)
    fprintf(stderr, "%s, stopped at call %ld (%s), %s: %s %s\n", scene->name, disk.calls, disk.failed_call, what, names[verdict], text);
}

/* Every subset of the changes that were not synced, or (when there are many) those that differ most. */
static size_t each_power_cut(bool report) {
  size_t broken = 0, count = disk.change_count;
  uint64_t all = (UINT64_C(1) << count) - 1, most = count <= 5 ? all : 3 * count;
  for (uint64_t i = 0; i <= most; i++) {
    gw_error error = GW_ERROR_INIT;
    uint64_t survived = count <= 5 ? i
                        : i < count ? (UINT64_C(1) << i) - 1              /* the first ones */
                        : i < 2 * count ? UINT64_C(1) << (i - count)      /* one alone */
                        : i < 3 * count ? all & ~(UINT64_C(1) << (i - 2 * count)) : all; /* all but one; all */
    gwt_disk_lay_out(after.text, survived);
    gwt_verdict verdict = gwt_judge(after.text, &error);
    if (gwt_fine(scene, verdict)) continue;
    broken++;
    if (report) complain("a power cut", verdict, &error);
  }
  return broken;
}

/* Runs the scene and stops it at call n. True when it was stopped, and not done before. */
static bool stop_at(long n, bool deaf_folder, bool deaf_file) {
  gw_error error = GW_ERROR_INIT;
  gwt_scene_before(scene);
  gwt_disk_start(folder.text, stash.text);
  disk.stop_at = n;
  disk.deaf_folder = deaf_folder;
  disk.deaf_file = deaf_file;
  gw_status status = gwt_scene_run(scene, &error);
  gwt_disk_end();
  CHECK(disk.stopped || status == GW_OK);
  return disk.stopped;
}

static void stops_everywhere(void) {
  bool running = true;
  size_t seen[4] = {0};
  for (long n = 1; running; n++) {
    gw_error error = GW_ERROR_INIT;
    running = stop_at(n, false, false);
    gwt_verdict verdict = gwt_judge(folder.text, &error);
    seen[verdict]++;
    if (!gwt_fine(scene, verdict) || (!running && verdict != GWT_NEW)) complain("the process died", verdict, &error);
    each_power_cut(true);
    CHECK(gwt_next_run_tidies(scene) && gwt_input_untouched());
    if (!CHECK(n < 2000)) break;
  }
  CHECK(seen[GWT_NEW] > 1 && seen[GWT_OLD] + seen[GWT_ABSENT] > 1); /* the stops fell on both sides of the change */
}

/* Proof that this test would notice: on a disk that ignores syncs something breaks. */
static size_t broken_when_deaf(bool deaf_folder, bool deaf_file) {
  size_t broken = 0;
  for (long n = 1; stop_at(n, deaf_folder, deaf_file) && n < 2000; n++) broken += each_power_cut(false);
  return broken;
}

static void missing_syncs_are_noticed(void) {
  scene = &gwt_scenes[1];
  CHECK(broken_when_deaf(true, false) > 0);
  CHECK(broken_when_deaf(false, true) > 0);
}

int main(int argc, char **argv) {
  gwt_scenes_start(argc > 2 ? argv[2] : ".");
  for (size_t i = 0; i < GWT_SCENES; i++) {
    scene = &gwt_scenes[i];
    gwt_run(stops_everywhere, scene->name);
  }
  RUN(missing_syncs_are_noticed);
  gwt_scenes_end();
  return gwt_finish();
}

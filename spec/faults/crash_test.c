/* A run that dies at every system call, and a power cut there: OUT is the old checkpoint or the new one, never neither.
 * Usage: crash_test SPEC_FOLDER SCRATCH_FOLDER. */
#include "scenes.h"

static const gwt_scene *scene; /* under test */
static size_t stops, cuts;

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
    cuts++;
    gwt_verdict verdict = gwt_judge(after.text, false, &error);
    if (gwt_fine(scene, verdict)) continue;
    broken++;
    if (report) complain("a power cut", verdict, &error);
  }
  return broken;
}

/* What is wrong with the disk beside the stop. */
typedef struct flaws {
  bool deaf_folder, deaf_file;
  long fail_at; /* this call fails, once */
} flaws;

/* Runs the scene and stops it at call n. True when it was stopped, and not done before. */
static bool stop_at(long n, flaws also) {
  gw_error error = GW_ERROR_INIT;
  gwt_scene_before(scene);
  gwt_disk_start(folder.text, stash.text);
  disk.stop_at = n;
  disk.fail_at = also.fail_at;
  disk.fail_with = EIO;
  disk.deaf_folder = also.deaf_folder;
  disk.deaf_file = also.deaf_file;
  gw_status status = gwt_scene_run(scene, &error);
  gwt_disk_end();
  stops += disk.stopped;
  CHECK(disk.stopped || status == GW_OK || also.fail_at > 0);
  return disk.stopped;
}

static void stops_everywhere(void) {
  bool running = true;
  size_t seen[4] = {0};
  for (long n = 1; running; n++) {
    gw_error error = GW_ERROR_INIT;
    running = stop_at(n, (flaws){false, false, 0});
    gwt_verdict verdict = gwt_judge(folder.text, true, &error);
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
  for (long n = 1; stop_at(n, (flaws){deaf_folder, deaf_file, 0}) && n < 2000; n++) broken += each_power_cut(false);
  return broken;
}

static void missing_syncs_are_noticed(void) {
  scene = &gwt_scenes[1];
  CHECK(broken_when_deaf(true, false) > 0);
  CHECK(broken_when_deaf(false, true) > 0);
}

/* A call that fails without ending the run must not cost the run its safety: the old index that could not be looked at,
 * the leftover that could not be removed. */
static void stops_after_failures_that_are_survived(void) {
  static const size_t scenes[] = {1, 4, 7};
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    scene = &gwt_scenes[scenes[i]];
    stop_at(0, (flaws){false, false, 0});
    for (long k = 1, last = disk.calls; k <= last; k++) {
      stop_at(0, (flaws){false, false, k});
      gw_error error = GW_ERROR_INIT;
      gwt_verdict verdict = gwt_judge(folder.text, true, &error);
      if (!gwt_fine(scene, verdict)) complain("a call failed", verdict, &error);
      if (verdict != GWT_NEW) continue;
      for (long n = k + 1; stop_at(n, (flaws){false, false, k}) && n < 2000; n++) {
        verdict = gwt_judge(folder.text, true, &error);
        if (!gwt_fine(scene, verdict)) complain("a call failed, then the process died", verdict, &error);
      }
    }
  }
}

int main(int argc, char **argv) {
  gwt_scenes_start(argc > 2 ? argv[2] : ".");
  for (size_t i = 0; i < GWT_SCENES; i++) {
    scene = &gwt_scenes[i];
    gwt_run(stops_everywhere, scene->name);
  }
  RUN(missing_syncs_are_noticed);
  RUN(stops_after_failures_that_are_survived);
  gwt_scenes_end();
  printf("%zu stops, %zu power cuts\n", stops, cuts);
  return gwt_finish();
}

/* Runs that are to be disturbed: what is there before, what is done, and what may be there afterwards. */
#ifndef GODWIT_SPEC_SCENES_H
#define GODWIT_SPEC_SCENES_H

#include "../c/check.h"
#include "disk.h"

typedef struct gwt_scene {
  const char *name;
  int32_t old_shards;  /* of the checkpoint that is replaced; 0: there is none */
  int32_t shards;      /* asked for; 0: as the input, which has 2 */
  gw_data_mode data;
  bool latest, meta;   /* --latest; the input has a .meta */
  bool computed;       /* every tensor is computed, by expressions that give what was there */
  bool after_a_crash;  /* the old checkpoint lies under another number, as a crash in the middle of a write left it */
} gwt_scene;

static const gwt_scene gwt_scenes[] = {
    {"a new checkpoint", 0, 0, GW_DATA_COPY, false, false, false, false},
    {"--force, the same number of shards", 2, 0, GW_DATA_COPY, false, false, false, false},
    {"--force, more shards", 1, 3, GW_DATA_COPY, false, false, false, false},
    {"--force, fewer shards", 3, 0, GW_DATA_COPY, false, true, false, false},
    {"--force after a crash", 2, 0, GW_DATA_COPY, false, false, false, true},
    {"--force to the number that a crash left", 2, 3, GW_DATA_COPY, false, false, false, true},
    {"--data link", 0, 0, GW_DATA_LINK, true, false, false, false},
    {"--data link --force", 2, 0, GW_DATA_LINK, false, false, false, false},
    {"--data clone --force --latest", 2, 0, GW_DATA_CLONE, true, true, false, false},
    {"cast, mean and transpose", 0, 0, GW_DATA_COPY, false, false, true, false},
    {"cast, mean and transpose, --force", 2, 0, GW_DATA_COPY, false, false, true, false},
};
enum { GWT_SCENES = sizeof gwt_scenes / sizeof *gwt_scenes };

static const char *scratch = ".";
static gwt_path input, large, old, folder, output, stash, after; /* the input's and the old checkpoint's prefix; where OUT goes; OUT */
static gw_buf old_dump, new_dump, large_dump, input_bytes[3];

/* ---- Checkpoints: `value` tells them apart in every tensor. `has_square`: one more tensor, which is transposed in tiles */

static void gwt_write_input(const char *prefix, uint8_t value, const char *extra, bool has_square) {
  gwt_bundle bundle = gwt_bundle_new(2, false);
  gw_buf second = GW_BUF_INIT;
  const int64_t dims[] = {300}, square[] = {280, 280};
  static uint8_t bytes[280 * 280];
  memset(bytes, value, sizeof bytes);
  gwt_bundle_add_data(&bundle, "a", GW_DT_UINT8, 1, dims, bytes, 300);
  gwt_bundle_add_data(&bundle, "b", GW_DT_UINT8, 0, NULL, bytes, 1);
  gwt_bundle_add_data(&bundle, extra, GW_DT_UINT8, 0, NULL, bytes, 1);
  if (has_square) gwt_bundle_add_data(&bundle, "d", GW_DT_UINT8, 2, square, bytes, sizeof bytes);
  gwt_entry entry = {.dtype = GW_DT_UINT8, .rank = 1, .dims = dims, .shard = 1, .size = 300, .crc = gw__crc32c(bytes, 300)};
  gwt_bundle_add(&bundle, "c", &entry);
  gw__put_bytes(&second, bytes, 300);
  gwt_bundle_write(&bundle, prefix, 2);
  gwt_save(gwt_data_of(prefix, 1, 2).text, second.data, second.size);
  gw__buf_free(&second);
  gwt_bundle_free(&bundle);
}

static void gwt_scenes_start(const char *where) {
  gwt_disk_end();
  scratch = where;
  input = gwt_path_of("%s/new", scratch);
  old = gwt_path_of("%s/old", scratch);
  folder = gwt_path_of("%s/out", scratch);
  output = gwt_path_of("%s/out/ckpt", scratch);
  stash = gwt_path_of("%s/stash", scratch);
  after = gwt_path_of("%s/after", scratch);
  large = gwt_path_of("%s/large", scratch);
  gwt_write_input(input.text, 7, "new", false);
  gwt_write_input(large.text, 7, "new", true);
  gwt_write_input(old.text, 3, "old", false);
  gwt_must(gwt_dump(input.text, &new_dump, NULL) == GW_OK && gwt_dump(old.text, &old_dump, NULL) == GW_OK);
  gwt_must(gwt_dump(large.text, &large_dump, NULL) == GW_OK);
  input_bytes[0] = gwt_load(gwt_index_of(input.text).text);
  for (int i = 0; i < 2; i++) input_bytes[1 + i] = gwt_load(gwt_data_of(input.text, i, 2).text);
}

static void gwt_scenes_end(void) {
  gw__buf_free(&old_dump);
  gw__buf_free(&new_dump);
  gw__buf_free(&large_dump);
  for (int i = 0; i < 3; i++) gw__buf_free(&input_bytes[i]);
}

/* ---- Doing */

/* Casts there and back, a mean of two in between. */
static gw_status gwt_average(gw_tensor *tensor, gw_tensor **out, gw_error *error) {
  gw_tensor *wide = NULL, *mean = NULL;
  *out = NULL;
  gw_status status = gw_tensor_cast(tensor, GW_DT_FLOAT, &wide, error);
  gw_tensor *const both[] = {wide, wide};
  if (status == GW_OK) status = gw_tensor_mean(both, NULL, 2, &mean, error);
  if (status == GW_OK) status = gw_tensor_cast(mean, GW_DT_UINT8, out, error);
  gw_tensor_release(wide);
  gw_tensor_release(mean);
  return status;
}

/* Values are the same all over a tensor: turned around it is what it was. */
static gw_status gwt_compute_all(gw_draft *draft, gw_error *error) {
  static const char *const names[] = {"a", "b", "c", "d"};
  gw_status status = GW_OK;
  for (size_t i = 0; i < sizeof names / sizeof *names && status == GW_OK; i++) {
    gw_tensor *tensor = NULL, *computed = NULL;
    status = gw_draft_get(draft, names[i], 1, &tensor, error);
    if (status == GW_OK) status = i == 3 ? gw_tensor_transpose(tensor, NULL, 0, &computed, error) : gwt_average(tensor, &computed, error);
    if (status == GW_OK) status = gw_draft_set(draft, names[i], 1, computed, NULL, error);
    gw_tensor_release(tensor);
    gw_tensor_release(computed);
  }
  return status;
}

static gw_status gwt_scene_migrate(const gwt_scene *scene, const gw_plan_options *plan, const gw_run_options *options, gw_error *error) {
  if (scene->computed) return gwt_migrate(large.text, output.text, gwt_compute_all, plan, options, error);
  return gwt_copy(input.text, output.text, plan, options, error);
}

static gw_status gwt_scene_run(const gwt_scene *scene, gw_error *error) {
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  plan.shards = scene->shards;
  plan.data = scene->data;
  options.threads = 1;
  options.memory = 1;
  options.force = scene->old_shards > 0;
  options.latest = options.lineage = scene->latest;
  options.timestamp = 5;
  return gwt_scene_migrate(scene, &plan, &options, error);
}

static int32_t gwt_shards_of(const char *prefix) {
  gw_header header = {0};
  return gw__bundle_peek(gwt_index_of(prefix).text, &header, NULL) == GW_OK ? header.shards : 0;
}

static void gwt_scene_old(int32_t shards) {
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  plan.shards = shards;
  gwt_clear(folder.text);
  gwt_must(gwt_copy(old.text, output.text, &plan, NULL, NULL) == GW_OK);
}

/* The old checkpoint written over itself, and stopped where its index says another number of shards. */
static void gwt_scene_crash(int32_t shards) {
  gw_plan_options plan = GW_PLAN_OPTIONS_INIT;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  plan.shards = shards;
  options.force = true;
  options.threads = 1;
  static long found = 1; /* the call to stop at, once it is known */
  for (; gwt_shards_of(output.text) == shards; found++) {
    gwt_must(found < 1000);
    gwt_scene_old(shards);
    gwt_disk_start(folder.text, stash.text);
    disk.stop_at = found;
    gwt_must(gwt_copy(old.text, output.text, &plan, &options, NULL) != GW_OK);
    gwt_disk_end();
  }
  found--;
}

/* The folder as it is before the run. */
static void gwt_scene_before(const gwt_scene *scene) {
  gwt_path meta = gwt_path_of("%s.meta", input.text);
  gwt_clear(folder.text);
  remove(meta.text);
  if (scene->meta) gwt_save(meta.text, "a graph", 7);
  if (scene->old_shards > 0) gwt_scene_old(scene->old_shards);
  if (scene->old_shards > 0 && scene->meta) gwt_save(gwt_path_of("%s.meta", output.text).text, "an old graph", 12);
  if (scene->after_a_crash) gwt_scene_crash(scene->old_shards);
}

/* ---- Judging */

typedef enum gwt_verdict { GWT_ABSENT, GWT_OLD, GWT_NEW, GWT_BROKEN } gwt_verdict;

/* What lies in `where`: one of the two checkpoints whole, as all tensors and all checksums say; and `verify` is asked too. */
static gwt_verdict gwt_judge(const char *where, bool verify, gw_error *error) {
  gwt_path prefix = gwt_path_of("%s/ckpt", where);
  gw_buf dump = GW_BUF_INIT;
  gwt_verdict verdict = GWT_BROKEN;
  size_t fatal = 0, odd = 0;
  if (!gwt_exists(gwt_index_of(prefix.text).text)) return GWT_ABSENT;
  bool sound = gwt_dump(prefix.text, &dump, error) == GW_OK;
  if (sound && verify) sound = gwt_verify(prefix.text, &fatal, &odd, error, error) == GW_OK && fatal == 0;
  if (sound)
    verdict = gwt_same(&dump, &old_dump)                                     ? GWT_OLD
              : gwt_same(&dump, &new_dump) || gwt_same(&dump, &large_dump) ? GWT_NEW
                                                                             : GWT_BROKEN;
  gw__buf_free(&dump);
  return verdict;
}

static bool gwt_fine(const gwt_scene *scene, gwt_verdict verdict) {
  return verdict == GWT_NEW || verdict == (scene->old_shards > 0 ? GWT_OLD : GWT_ABSENT);
}

/* Nobody wrote to the input, whose files the output may share. */
static bool gwt_input_untouched(void) {
  bool same = true;
  for (int i = 0; i < 3; i++) {
    gw_buf bytes = gwt_load(i == 0 ? gwt_index_of(input.text).text : gwt_data_of(input.text, i - 1, 2).text);
    same = same && gwt_same(&bytes, &input_bytes[i]);
    gw__buf_free(&bytes);
  }
  return same;
}

/* Whatever a disturbed run left, the next one with --force succeeds and tidies up. */
static bool gwt_next_run_tidies(const gwt_scene *scene) {
  gwt_scene again = *scene;
  gw_error error = GW_ERROR_INIT;
  if (again.old_shards == 0) again.old_shards = 1; /* --force */
  again.computed = false;
  if (again.data == GW_DATA_CLONE) again.data = GW_DATA_COPY; /* only the disk of disk.h clones */
  bool fine = gwt_scene_run(&again, &error) == GW_OK && gwt_judge(folder.text, false, &error) == GWT_NEW;
  int32_t shards = scene->shards ? scene->shards : 2;
  gwt_path names = gwt_listing(folder.text), wanted = gwt_path_of("%s", scene->latest ? "checkpoint" : "");
  for (int32_t i = 0; i < shards; i++)
    wanted = gwt_path_of("%s%sckpt.data-%05d-of-%05d", wanted.text, wanted.text[0] ? " " : "", i, shards);
  wanted = gwt_path_of("%s%s ckpt.index%s", wanted.text, scene->latest ? " ckpt.godwit.json" : "", scene->meta ? " ckpt.meta" : "");
  if (!fine || strcmp(names.text, wanted.text) != 0) fprintf(stderr, "the next run left: %s (%s)\n", names.text, error.what);
  return fine && strcmp(names.text, wanted.text) == 0;
}

#endif

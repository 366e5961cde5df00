/* core/plan: where every tensor's bytes go. Usage: plan_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <stdlib.h>

#include "../../core/plan/plan.h"
#include "bundle_make.h"
#include "check.h"

static const char *scratch = ".";

static uint64_t random_state = 88172645463325252u;
static size_t random_below(size_t limit) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (size_t)((random_state * UINT64_C(2685821657736338717) >> 32) % limit);
}

/* A tensor of bytes at its place. */
typedef struct place {
  const char *name;
  int shard;
  int64_t offset, size;
} place;

/* A checkpoint of these; its data files hold the bytes 0, 1, 2, ... */
static gw_bundle *bundle_of(const char *name, int shards, bool big_endian, const place *places, size_t count) {
  gwt_bundle bundle = gwt_bundle_new(shards, big_endian);
  gwt_path prefix = gwt_path_of("%s/%s", scratch, name);
  uint8_t bytes[512];
  gw_bundle *opened = NULL;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
  for (size_t i = 0; i < count; i++) {
    const int64_t dims[] = {places[i].size};
    gwt_must(places[i].offset + places[i].size <= (int64_t)sizeof bytes);
    gwt_entry entry = {.dtype = GW_DT_UINT8, .rank = 1, .dims = dims, .shard = places[i].shard, .offset = places[i].offset,
                       .size = places[i].size, .crc = gw__crc32c(bytes + places[i].offset, (size_t)places[i].size)};
    gwt_bundle_add(&bundle, places[i].name, &entry);
  }
  gwt_bundle_write(&bundle, prefix.text, 0);
  for (int i = 0; i < shards; i++) gwt_save(gwt_data_of(prefix.text, i, shards).text, bytes, sizeof bytes);
  gwt_must(gw_bundle_open(prefix.text, &opened, NULL) == GW_OK);
  gwt_bundle_free(&bundle);
  return opened;
}

static gw_draft *draft_of(const char *name, int shards, const place *places, size_t count) {
  gw_bundle *bundle = bundle_of(name, shards, false, places, count);
  gw_draft *draft = NULL;
  gwt_must(gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  gw_bundle_release(bundle);
  return draft;
}

static gw_plan_options options_of(gw_data_mode data, int32_t shards) {
  gw_plan_options options = GW_PLAN_OPTIONS_INIT;
  options.data = data;
  options.shards = shards;
  return options;
}

/* "name@shard:offset ..." in key order, then the length of each shard: "| 12 4"; a shared shard as "=bytes". */
static gwt_path layout_of(const gw_plan *plan) {
  gwt_path text = {{0}};
  size_t used = 0;
  for (size_t i = 0; i < plan->item_count; i++)
    for (size_t j = 0; j < plan->items[i].unit_count; j++) {
      const gw_unit *unit = &plan->units[plan->units_of[plan->items[i].first_unit + j]];
      used += (size_t)snprintf(text.text + used, sizeof text.text - used, "%.*s@%d:%d ", (int)plan->items[i].name.size,
                               plan->items[i].name.data, unit->shard, (int)unit->offset);
      gwt_must(used < sizeof text.text);
    }
  used += (size_t)snprintf(text.text + used, sizeof text.text - used, "|");
  for (size_t i = 0; i < plan->shard_count; i++)
    used += (size_t)snprintf(text.text + used, sizeof text.text - used, plan->shards[i].shared ? " =%d" : " %d",
                             (int)plan->shards[i].bytes);
  return text;
}

static void check_layout(gw_draft *draft, const gw_plan_options *options, const char *wanted) {
  gw_error error = GW_ERROR_INIT;
  gw_plan *plan;
  CHECK(gw_plan_compile(draft, options, &plan, &error) == GW_OK);
  CHECK_TEXT(plan ? layout_of(plan).text : error.what, wanted);
  gw_plan_free(plan);
}

static void check_refusal(gw_draft *draft, const gw_plan_options *options, const char *text) {
  gw_error error = GW_ERROR_INIT;
  gw_plan *plan;
  CHECK(gw_plan_compile(draft, options, &plan, &error) == GW_INVALID && plan == NULL);
  CHECK_TEXT(error.what, text);
}

static void drop(gw_draft *draft, const char *name) {
  CHECK(gw_draft_remove(draft, name, strlen(name), "recipe.lua:3", NULL) == GW_OK);
}

static void rename_to(gw_draft *draft, const char *from, const char *to) {
  gw_span old = gwt_span(from), new = gwt_span(to);
  size_t count;
  CHECK(gw_draft_rename_exact(draft, &old, &new, 1, "recipe.lua:4", &count, NULL) == GW_OK);
}

static void set_new(gw_draft *draft, const char *name, int64_t size) {
  gw_tensor *tensor = NULL;
  CHECK(gw_tensor_fill(GW_DT_UINT8, 1, &size, "\7", &tensor, NULL) == GW_OK);
  CHECK(gw_draft_set(draft, name, strlen(name), tensor, "recipe.lua:5", NULL) == GW_OK);
  gw_tensor_release(tensor);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Copying */

static void identity_keeps_the_order_and_closes_gaps(void) {
  static const place places[] = {{"a", 0, 50, 10}, {"b", 0, 0, 20}, {"c", 0, 30, 5}, {"empty", 0, 30, 0}, {"z", 0, 25, 0}};
  gw_draft *draft = draft_of("in", 1, places, COUNT(places));
  check_layout(draft, NULL, "a@0:25 b@0:0 c@0:20 empty@0:20 z@0:20 | 35");
  gw_draft_release(draft);
}

static void what_shares_its_bytes_is_written_twice(void) {
  static const place places[] = {{"a", 0, 4, 8}, {"alias", 0, 4, 8}, {"inside", 0, 6, 2}, {"b", 0, 0, 4}};
  gw_draft *draft = draft_of("in", 1, places, COUNT(places));
  check_layout(draft, NULL, "a@0:4 alias@0:12 b@0:0 inside@0:20 | 22");
  gw_draft_release(draft);
}

static void renamed_tensors_lie_by_name(void) {
  static const place places[] = {{"a", 0, 20, 1}, {"b", 0, 10, 2}, {"c", 0, 0, 4}};
  gw_draft *draft = draft_of("in", 1, places, COUNT(places));
  rename_to(draft, "a", "x");
  check_layout(draft, NULL, "b@0:0 c@0:2 x@0:6 | 7");
  gw_draft_release(draft);
}

static void tensors_stay_in_their_shards(void) {
  static const place places[] = {{"a", 2, 0, 1}, {"b", 0, 0, 2}, {"c", 2, 10, 4}, {"d", 4, 0, 8}};
  gw_draft *draft = draft_of("in", 5, places, COUNT(places));
  check_layout(draft, NULL, "a@1:0 b@0:0 c@1:1 d@2:0 | 2 5 8"); /* shards that nobody uses close up */
  set_new(draft, "new", 3);
  check_layout(draft, NULL, "a@1:0 b@0:0 c@1:1 d@2:0 new@0:2 | 5 5 8");
  drop(draft, "b");
  drop(draft, "new");
  check_layout(draft, NULL, "a@0:0 c@0:1 d@1:0 | 5 8");
  set_new(draft, "c", 16); /* in the place of the one that it replaces */
  check_layout(draft, NULL, "a@0:0 c@0:1 d@1:0 | 17 8");
  gw_draft_release(draft);
}

static void several_inputs_make_one_shard(void) {
  static const place places[] = {{"a", 0, 0, 1}, {"b", 1, 0, 2}}, others[] = {{"c", 0, 0, 4}, {"aa", 1, 0, 8}};
  gw_draft *draft = draft_of("in", 2, places, COUNT(places)), *other = draft_of("other", 2, others, COUNT(others));
  CHECK(gw_draft_merge(draft, other, NULL, NULL) == GW_OK);
  check_layout(draft, NULL, "a@0:0 aa@0:1 b@0:9 c@0:11 | 15");
  gw_draft_release(draft);
  gw_draft_release(other);
}

/* ---- --shards */

static void cuts_at_the_nearest_borders(void) {
  static const place even[] = {{"a", 0, 0, 10}, {"b", 0, 10, 10}, {"c", 0, 20, 10}, {"d", 0, 30, 10}};
  static const place uneven[] = {{"a", 0, 0, 1}, {"b", 0, 1, 1}, {"c", 0, 2, 100}};
  static const place empty[] = {{"a", 0, 0, 0}, {"b", 0, 0, 0}, {"c", 0, 0, 0}};
  gw_plan_options two = options_of(GW_DATA_COPY, 2), three = options_of(GW_DATA_COPY, 3), four = options_of(GW_DATA_COPY, 4);
  gw_draft *draft = draft_of("in", 1, even, COUNT(even));
  check_layout(draft, &two, "a@0:0 b@0:10 c@1:0 d@1:10 | 20 20");
  check_layout(draft, &three, "a@0:0 b@1:0 c@1:10 d@2:0 | 10 20 10");
  check_layout(draft, &four, "a@0:0 b@1:0 c@2:0 d@3:0 | 10 10 10 10");
  gw_draft_release(draft);
  draft = draft_of("in", 1, uneven, COUNT(uneven));
  check_layout(draft, &two, "a@0:0 b@0:1 c@1:0 | 2 100");
  check_layout(draft, &three, "a@0:0 b@1:0 c@2:0 | 1 1 100");
  check_refusal(draft, &four, "4 shards for 3 tensors");
  gw_draft_release(draft);
  draft = draft_of("in", 1, empty, COUNT(empty));
  check_layout(draft, &three, "a@0:0 b@1:0 c@2:0 | 0 0 0");
  gw_draft_release(draft);
}

/* Units of a plan in layout order: by shard, each at the end of the one before, no shard without a unit. */
static void check_runs(const gw_plan *plan, int32_t shards, uint64_t total) {
  int32_t shard = -1;
  uint64_t end = 0, sum = 0;
  for (size_t i = 0; i < plan->unit_count; i++) {
    const gw_unit *unit = &plan->units[i];
    if (unit->shard != shard) {
      CHECK(unit->shard == shard + 1);
      if (shard >= 0) CHECK(plan->shards[shard].bytes == end);
      shard = unit->shard;
      end = 0;
    }
    CHECK(unit->offset == end);
    end += unit->size;
    sum += unit->size;
  }
  CHECK(shard == shards - 1 && plan->shards[shard].bytes == end && sum == total && (int32_t)plan->shard_count == shards);
}

static void cuts_of_all_kinds(void) {
  for (int round = 0; round < 200; round++) {
    char names[24][8];
    place places[24];
    size_t count = 1 + random_below(24);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
      snprintf(names[i], sizeof names[i], "t%02zu", i);
      places[i] = (place){names[i], 0, (int64_t)random_below(100), random_below(3) ? (int64_t)random_below(30) : 0};
      total += (uint64_t)places[i].size;
    }
    gw_draft *draft = draft_of("in", 1, places, count);
    for (int32_t shards = 1; shards <= (int32_t)count; shards++) {
      gw_plan_options options = options_of(GW_DATA_COPY, shards);
      gw_plan *plan = NULL;
      CHECK(gw_plan_compile(draft, &options, &plan, NULL) == GW_OK);
      check_runs(plan, shards, total);
      gw_plan_free(plan);
    }
    gw_draft_release(draft);
  }
}

/* ---- Shared data files */

static void links_keep_places_and_add_a_shard(void) {
  static const place places[] = {{"a", 0, 50, 10}, {"b", 1, 7, 20}, {"c", 3, 0, 5}};
  gw_plan_options link = options_of(GW_DATA_LINK, 0), cut = options_of(GW_DATA_LINK, 2);
  gw_draft *draft = draft_of("in", 4, places, COUNT(places));
  check_layout(draft, &link, "a@0:50 b@1:7 c@2:0 | =512 =512 =512");
  rename_to(draft, "a", "z");
  drop(draft, "b");
  check_layout(draft, &link, "c@1:0 z@0:50 | =512 =512");
  set_new(draft, "n1", 3);
  set_new(draft, "n2", 4);
  check_layout(draft, &link, "c@1:0 n1@2:0 n2@2:3 z@0:50 | =512 =512 7");
  check_refusal(draft, &cut, "--data link keeps the input's shards: it cannot be combined with --shards");
  gw_draft_release(draft);
}

static void links_of_several_inputs(void) {
  static const place places[] = {{"a", 0, 1, 1}, {"b", 1, 2, 2}}, others[] = {{"c", 0, 3, 4}, {"aa", 1, 4, 8}};
  gw_plan_options link = options_of(GW_DATA_LINK, 0);
  gw_draft *draft = draft_of("in", 2, places, COUNT(places)), *other = draft_of("other", 2, others, COUNT(others));
  CHECK(gw_draft_merge(draft, other, NULL, NULL) == GW_OK);
  check_layout(draft, &link, "a@0:1 aa@3:4 b@1:2 c@2:3 | =512 =512 =512 =512");
  gw_draft_release(draft);
  gw_draft_release(other);
}

static void big_endian_files_cannot_be_shared(void) {
  static const place places[] = {{"a", 0, 0, 1}};
  gw_plan_options link = options_of(GW_DATA_LINK, 0), clone = options_of(GW_DATA_CLONE, 0);
  gw_bundle *bundle = bundle_of("in", 1, true, places, 1);
  gw_draft *draft = NULL;
  CHECK(gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  check_refusal(draft, &link, "--data link cannot share the data of a big-endian checkpoint");
  check_refusal(draft, &clone, "--data clone cannot share the data of a big-endian checkpoint");
  check_layout(draft, NULL, "a@0:0 | 1");
  gw_draft_release(draft);
  gw_bundle_release(bundle);
}

/* ---- What a plan says */

static void what_became_of_each_tensor(void) {
  static const place places[] = {{"a", 0, 0, 1}, {"b", 0, 1, 2}, {"c", 0, 3, 4}, {"d", 0, 7, 8}};
  gw_draft *draft = draft_of("in", 1, places, COUNT(places));
  gw_plan *plan = NULL;
  gw_plan_entry entry;
  gw_plan_dropped dropped;
  gw_plan_totals totals;
  rename_to(draft, "a", "x");
  drop(draft, "b");
  set_new(draft, "c", 16);
  set_new(draft, "n", 32);
  CHECK(gw_plan_compile(draft, NULL, &plan, NULL) == GW_OK && gw_plan_count(plan) == 4 && gw_plan_shards(plan) == 1);
  gw_draft_release(draft);
  gw_plan_totals_of(plan, &totals);
  CHECK(totals.renamed == 1 && totals.unchanged == 1 && totals.added == 2 && totals.computed == 0);
  CHECK(totals.bytes_moved == 9 && totals.bytes_computed == 48 && totals.bytes_shared == 0);
  static const char *const names[] = {"c", "d", "n", "x"};
  static const gw_action actions[] = {GW_ACTION_NEW, GW_ACTION_UNCHANGED, GW_ACTION_NEW, GW_ACTION_RENAMED};
  for (size_t i = 0; i < 4; i++) {
    CHECK(gw_plan_entry_at(plan, i, &entry, NULL) == GW_OK && entry.action == actions[i] && gw_plan_action_at(plan, i) == actions[i]);
    CHECK(entry.name.size == 1 && entry.name.data[0] == names[i][0]);
  }
  CHECK_TEXT(entry.line ? entry.line : "", "recipe.lua:4");
  CHECK_TEXT(entry.expression, "a");
  bool found_b = false;
  for (size_t i = 0; i < gw_plan_dropped_count(plan); i++) {
    gw_plan_dropped_at(plan, i, &dropped);
    found_b = found_b || (dropped.name.size == 1 && dropped.name.data[0] == 'b' && strcmp(dropped.line, "recipe.lua:3") == 0);
  }
  CHECK(found_b);
  gw_plan_free(plan);
}

static void nothing_is_no_checkpoint(void) {
  static const place places[] = {{"a", 0, 0, 1}};
  gw_draft *draft = draft_of("in", 1, places, 1);
  drop(draft, "a");
  check_refusal(draft, NULL, "the checkpoint to write has no tensors (TensorFlow cannot save nothing either)");
  gw_draft_release(draft);
}

/* The data file of an input that is gone, or shorter, is met before anything is written. */
static void sources_are_looked_at_first(void) {
  static const place places[] = {{"a", 0, 0, 1}, {"b", 1, 0, 100}};
  gw_draft *draft = draft_of("in", 2, places, COUNT(places));
  gwt_path data = gwt_path_of("%s/in.data-00001-of-00002", scratch);
  gw_error error = GW_ERROR_INIT;
  gw_plan *plan;
  gwt_save(data.text, "short", 5);
  CHECK(gw_plan_compile(draft, NULL, &plan, &error) == GW_CORRUPT);
  CHECK_TEXT(error.file, data.text);
  remove(data.text);
  CHECK(gw_plan_compile(draft, NULL, &plan, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "the data file is missing");
  drop(draft, "b"); /* nobody needs it any more */
  CHECK(gw_plan_compile(draft, NULL, &plan, &error) == GW_OK);
  gw_plan_free(plan);
  gw_draft_release(draft);
}

/* ---- Without memory */

static gw_status plan_and_print(gw_draft *draft, const gw_plan_options *options, gw_error *error) {
  gw_plan *plan;
  gw_plan_entry entry;
  gw_status status = gw_plan_compile(draft, options, &plan, error);
  CHECK((status == GW_OK) == (plan != NULL));
  for (size_t i = 0; status == GW_OK && i < gw_plan_count(plan); i++) status = gw_plan_entry_at(plan, i, &entry, error);
  gw_plan_free(plan);
  return status;
}

static void plans_without_memory(void) {
  static const place places[] = {{"a", 0, 0, 1}, {"b", 0, 1, 2}, {"c", 1, 3, 4}, {"d", 1, 7, 8}};
  static const place others[] = {{"e", 0, 0, 1}};
  for (int mode = 0; mode < 3; mode++)
    for (int alone = 0; alone < 2; alone++)
      for (long n = 1;; n++) {
        gw_draft *draft = draft_of("in", 2, places, COUNT(places)), *other = draft_of("other", 1, others, 1);
        gw_plan_options options = options_of(mode == 1 ? GW_DATA_LINK : GW_DATA_COPY, mode == 2 ? 3 : 0);
        gw_error error = GW_ERROR_INIT;
        CHECK(gw_draft_merge(draft, other, NULL, NULL) == GW_OK);
        drop(draft, "b");
        set_new(draft, "n", 100);
        gw__alloc_fail_at(alone ? -n : n);
        gw_status status = plan_and_print(draft, &options, &error);
        bool done = gw__alloc_count() < n;
        gw__alloc_fail_at(0);
        CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
        CHECK(plan_and_print(draft, &options, &error) == GW_OK);
        gw_draft_release(draft);
        gw_draft_release(other);
        if (done || n > 1000) break;
      }
}

int main(int argc, char **argv) {
  if (argc > 2) scratch = argv[2];
  RUN(identity_keeps_the_order_and_closes_gaps);
  RUN(what_shares_its_bytes_is_written_twice);
  RUN(renamed_tensors_lie_by_name);
  RUN(tensors_stay_in_their_shards);
  RUN(several_inputs_make_one_shard);
  RUN(cuts_at_the_nearest_borders);
  RUN(cuts_of_all_kinds);
  RUN(links_keep_places_and_add_a_shard);
  RUN(links_of_several_inputs);
  RUN(big_endian_files_cannot_be_shared);
  RUN(what_became_of_each_tensor);
  RUN(nothing_is_no_checkpoint);
  RUN(sources_are_looked_at_first);
  RUN(plans_without_memory);
  return gwt_finish();
}

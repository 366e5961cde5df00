/* core/draft: names that come, go and change places, against a plain model; rules without memory; regular expressions.
 * Usage: draft_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <stdlib.h>

#include "../../core/draft/draft.h"
#include "bundle_make.h"
#include "check.h"

static const char *spec_folder = "spec";

static uint64_t random_state = 88172645463325252u;
static size_t random_below(size_t limit) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (size_t)((random_state * UINT64_C(2685821657736338717) >> 32) % limit);
}

static gw_bundle *open_kind(const char *name) {
  gw_bundle *bundle = NULL;
  gwt_must(gw_bundle_open(gwt_path_of("%s/fixtures/valid/%s", spec_folder, name).text, &bundle, NULL) == GW_OK);
  return bundle;
}

static gw_draft *draft_of(const char *name) {
  gw_bundle *bundle = open_kind(name);
  gw_draft *draft = NULL;
  gwt_must(gw_draft_from_bundle(bundle, &draft, NULL) == GW_OK);
  gw_bundle_release(bundle);
  return draft;
}

static gw_tensor *number(int64_t value) {
  gw_tensor *tensor = NULL;
  gwt_must(gw_tensor_constant(GW_DT_INT64, 0, NULL, &value, 8, &tensor, NULL) == GW_OK);
  return tensor;
}

static gw_regex *regex_of(const char *pattern) {
  gw_regex *regex = NULL;
  CHECK(gw_regex_compile(pattern, strlen(pattern), &regex, NULL) == GW_OK);
  return regex;
}

/* The names, joined by spaces, and that each of them is found. */
static const char *names_of(gw_draft *draft) {
  static char text[4096];
  gw_span *names = NULL;
  size_t count = 0, used = 0;
  CHECK(gw_draft_names(draft, &names, &count, NULL) == GW_OK && count == gw_draft_count(draft));
  text[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    CHECK(gw_draft_has(draft, names[i].data, names[i].size));
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? " " : "", (int)names[i].size, names[i].data);
    gwt_must(used < sizeof text);
  }
  gw_free(names);
  return text;
}

/* ---- A model */

enum { NAMES = 97, STEPS = 20000 };

typedef struct model {
  int64_t values[NAMES]; /* by name; 0: not there */
} model;

static gw_span name_of(size_t i) {
  static char texts[4][16];
  static size_t next;
  char *text = texts[next++ % 4];
  snprintf(text, sizeof texts[0], "n/%zu", i);
  return gwt_span(text);
}

static int64_t value_in(gw_draft *draft, gw_span name) {
  gw_tensor *tensor;
  int64_t value = 0;
  if (gw_draft_get(draft, name.data, name.size, &tensor, NULL) == GW_OK) CHECK(gw_tensor_read(tensor, 0, 1, &value, NULL) == GW_OK);
  gw_tensor_release(tensor);
  return value;
}

static void check_like_model(gw_draft *draft, const model *wanted) {
  size_t live = 0;
  for (size_t i = 0; i < NAMES; i++) {
    gw_span name = name_of(i);
    live += wanted->values[i] != 0;
    CHECK(gw_draft_has(draft, name.data, name.size) == (wanted->values[i] != 0));
    CHECK(value_in(draft, name) == wanted->values[i]);
  }
  CHECK(gw_draft_count(draft) == live);
  names_of(draft);
}

static void set_one(gw_draft *draft, model *wanted, size_t at, int64_t value) {
  gw_span name = name_of(at);
  gw_tensor *tensor = number(value);
  CHECK(gw_draft_set(draft, name.data, name.size, tensor, "recipe.lua:1", NULL) == GW_OK);
  gw_tensor_release(tensor);
  wanted->values[at] = value;
}

static void remove_one(gw_draft *draft, model *wanted, size_t at) {
  gw_span name = name_of(at);
  gw_status status = gw_draft_remove(draft, name.data, name.size, "recipe.lua:2", NULL);
  CHECK(status == (wanted->values[at] ? GW_OK : GW_NOT_FOUND));
  wanted->values[at] = 0;
}

/* Three names in a ring; refused when one is missing, and when a fourth would be hit. */
static void rename_some(gw_draft *draft, model *wanted) {
  size_t at[3] = {random_below(NAMES), random_below(NAMES), random_below(NAMES)}, count;
  gw_span from[3], to[3];
  bool fine = at[0] != at[1] && at[1] != at[2] && at[0] != at[2];
  char texts[3][16];
  if (!fine) return;
  for (size_t i = 0; i < 3; i++) {
    snprintf(texts[i], sizeof texts[i], "n/%zu", at[i]);
    from[i] = gwt_span(texts[i]);
    fine = fine && wanted->values[at[i]];
  }
  for (size_t i = 0; i < 3; i++) to[i] = from[(i + 1) % 3];
  gw_status status = gw_draft_rename_exact(draft, from, to, 3, "recipe.lua:3", &count, NULL);
  CHECK(status == (fine ? GW_OK : GW_NOT_FOUND));
  if (!fine) return;
  int64_t last = wanted->values[at[2]];
  wanted->values[at[2]] = wanted->values[at[1]];
  wanted->values[at[1]] = wanted->values[at[0]];
  wanted->values[at[0]] = last;
}

static void edits_like_a_model(void) {
  gw_draft *draft = NULL, *copy = NULL;
  model wanted = {{0}}, at_copy = {{0}};
  CHECK(gw_draft_new(&draft, NULL) == GW_OK);
  for (int step = 1; step <= STEPS; step++) {
    switch (random_below(10)) {
      case 0: case 1: case 2: case 3: set_one(draft, &wanted, random_below(NAMES), step); break;
      case 4: case 5: case 6: remove_one(draft, &wanted, random_below(NAMES)); break;
      case 7: case 8: rename_some(draft, &wanted); break;
      default:
        if (random_below(100) > 0) break;
        if (copy) check_like_model(copy, &at_copy); /* what came after changed nothing there */
        gw_draft_release(copy);
        CHECK(gw_draft_copy(draft, &copy, NULL) == GW_OK);
        at_copy = wanted;
    }
    if (step % 500 == 0) check_like_model(draft, &wanted);
  }
  gw_draft_release(draft);
  gw_draft_release(copy);
}

/* ---- Rules */

static void names_that_change_places(void) {
  gw_draft *draft = draft_of("kinds/names");
  gw_span from[] = {gwt_span("a"), gwt_span("dense/bias")}, to[] = {gwt_span("dense/bias"), gwt_span("a")};
  size_t count;
  gw_tensor *tensor = NULL;
  CHECK(gw_draft_rename_exact(draft, from, to, 2, NULL, &count, NULL) == GW_OK && count == 2);
  CHECK_TEXT(names_of(draft), "a dense/bias dense/kernel global_step π/ü");
  CHECK(gw_draft_get(draft, "a", 1, &tensor, NULL) == GW_OK && gw_tensor_dtype(tensor) == GW_DT_INT32);
  gw_tensor_release(tensor);
  gw_draft_release(draft);
}

static void names_that_meet(void) {
  gw_draft *draft = draft_of("kinds/names");
  gw_error error = GW_ERROR_INIT;
  gw_regex *regex = regex_of("^dense/.*");
  gw_rename_pair pair = {regex, gwt_span("dense")}, onto = {regex, gwt_span("a")};
  size_t count;
  CHECK(gw_draft_rename_regex(draft, &pair, 1, NULL, &count, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "two tensors would get this name: \"dense/bias\" and \"dense/kernel\"");
  CHECK(gw_draft_rename_regex(draft, &onto, 1, NULL, &count, &error) == GW_INVALID);
  CHECK_TEXT(names_of(draft), "a dense/bias dense/kernel global_step π/ü");
  CHECK(!gw_draft_edited(draft));
  gw_regex_free(regex);
  gw_draft_release(draft);
}

static void scopes_and_empty_names(void) {
  gw_draft *draft = draft_of("kinds/names");
  gw_error error = GW_ERROR_INIT;
  gw_regex *regex = regex_of("^a$");
  gw_rename_pair pair = {regex, {"", 0}};
  size_t count;
  CHECK(gw_draft_rename_regex(draft, &pair, 1, NULL, &count, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "the new name would be empty");
  CHECK_TEXT(error.key, "a");
  CHECK(gw_draft_rename_scope(draft, "dense", 5, "x/", 2, NULL, &count, &error) == GW_INVALID);
  CHECK(gw_draft_rename_scope(draft, "dense/", 6, "/", 1, NULL, &count, &error) == GW_OK && count == 2);
  CHECK_TEXT(names_of(draft), "a bias global_step kernel π/ü");
  CHECK(gw_draft_rename_scope(draft, "/", 1, "m/", 2, NULL, &count, &error) == GW_OK && count == 5);
  CHECK_TEXT(names_of(draft), "m/a m/bias m/global_step m/kernel m/π/ü");
  gw_tensor *tensor = number(1);
  CHECK(gw_draft_set(draft, "", 0, tensor, NULL, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "a tensor's name cannot be empty (the empty key is the checkpoint's header)");
  gw_tensor_release(tensor);
  gw_regex_free(regex);
  gw_draft_release(draft);
}

static void merging_names_that_are_in_both(void) {
  gw_draft *draft = draft_of("kinds/names"), *other = draft_of("kinds/empty"), *same = draft_of("kinds/names");
  gw_error error = GW_ERROR_INIT;
  CHECK(gw_draft_merge(draft, draft, NULL, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "a checkpoint cannot be merged into itself");
  CHECK(gw_draft_merge(draft, same, NULL, &error) == GW_INVALID);
  CHECK_TEXT(error.key, "a");
  CHECK(gw_draft_merge(draft, other, NULL, &error) == GW_OK && gw_draft_count(draft) == 10);
  CHECK_TEXT(names_of(draft), "a dense/bias dense/kernel global_step middle nothing scalar strings zz π/ü");
  gw_draft_release(other);
  gw_draft_release(same);
  CHECK(value_in(draft, gwt_span("global_step")) == 7);
  gw_draft_release(draft);
}

static void object_graphs_decide_names(void) {
  gw_draft *draft = draft_of("kinds/objects");
  gw_error error = GW_ERROR_INIT;
  gw_tensor *tensor = number(1);
  size_t count;
  CHECK(gw_draft_is_objects(draft) && !gw_draft_has(draft, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY)));
  CHECK(gw_draft_set(draft, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY), tensor, NULL, &error) == GW_INVALID);
  CHECK(gw_draft_set(draft, "new", 3, tensor, NULL, &error) == GW_INVALID);
  CHECK(gw_draft_rename_scope(draft, "/", 1, "m/", 2, NULL, &count, &error) == GW_INVALID);
  CHECK_TEXT(names_of(draft), "a/.ATTRIBUTES/VARIABLE_VALUE b/.ATTRIBUTES/VARIABLE_VALUE");
  gw_tensor_release(tensor);
  gw_draft_release(draft);
}

/* ---- Without memory */

typedef gw_status (*task)(gw_draft *draft, gw_error *error);

static gw_status do_rename(gw_draft *draft, gw_error *error) {
  gw_regex *regex = NULL;
  size_t count;
  gw_status status = gw_regex_compile("^(.*)/(.*)$", 11, &regex, error);
  gw_rename_pair pair = {regex, gwt_span("$2.$1")};
  if (status == GW_OK) status = gw_draft_rename_regex(draft, &pair, 1, "line 1", &count, error);
  gw_regex_free(regex);
  return status;
}
static gw_status do_swap(gw_draft *draft, gw_error *error) {
  gw_span from[] = {gwt_span("a"), gwt_span("dense/bias")}, to[] = {gwt_span("dense/bias"), gwt_span("a")};
  size_t count;
  return gw_draft_rename_exact(draft, from, to, 2, "line 1", &count, error);
}
static gw_status do_scope(gw_draft *draft, gw_error *error) {
  size_t count;
  return gw_draft_rename_scope(draft, "/", 1, "a rather long new scope/", 24, "line 1", &count, error);
}
/* A scope, a whole variable in parts, parts to be joined: all that assigning allocates. */
static gw_status do_assign(gw_draft *draft, gw_error *error) {
  static const int64_t dims[] = {2}, whole[] = {4};
  const gw_span parts[] = {{"t/p/part_0", 10}, {"t/p/part_1", 10}}, scope = {"t/", 2}, list[] = {{"t/q", 3}};
  const gw_assign_rule rules[] = {{{"/", 1}, NULL, &scope, 1}, {{"q", 1}, NULL, parts, 2}, {{"p", 1}, NULL, list, 1}};
  gw_draft *target = NULL, *source = NULL;
  gw_tensor *part = NULL, *all = NULL;
  size_t count;
  (void)draft;
  gw_status status = gw_tensor_fill(GW_DT_FLOAT, 1, dims, "\0\0\0", &part, error);
  if (status == GW_OK) status = gw_tensor_fill(GW_DT_FLOAT, 1, whole, "\0\0\0", &all, error);
  if (status == GW_OK) status = gw_draft_new(&target, error);
  if (status == GW_OK) status = gw_draft_new(&source, error);
  for (size_t i = 0; i < 2 && status == GW_OK; i++) {
    status = gw_draft_set(target, parts[i].data, parts[i].size, part, NULL, error);
    if (status == GW_OK) status = gw_draft_set(source, parts[i].data + 2, parts[i].size - 2, part, NULL, error);
  }
  if (status == GW_OK) status = gw_draft_set(target, "t/q", 3, all, NULL, error);
  if (status == GW_OK) status = gw_draft_set(source, "q", 1, all, NULL, error);
  if (status == GW_OK) {
    status = gw_draft_assign(target, source, rules, sizeof rules / sizeof *rules, false, "line 1", &count, error);
    CHECK(count == (status == GW_OK ? 6u : 0u));
  }
  gw_draft_release(target);
  gw_draft_release(source);
  gw_tensor_release(part);
  gw_tensor_release(all);
  return status;
}
static gw_status do_drop(gw_draft *draft, gw_error *error) {
  gw_which which = {NULL, 0, 1u << GW_ROLE_STEP};
  size_t count;
  return gw_draft_drop(draft, &which, "line 1", &count, error);
}
static gw_status do_set(gw_draft *draft, gw_error *error) {
  gw_tensor *tensor = NULL;
  gw_status status = gw_tensor_fill(GW_DT_FLOAT, 0, NULL, "\0\0\0", &tensor, error);
  char name[] = "new 00";
  for (int i = 0; i < 40 && status == GW_OK; i++) {
    name[4] = (char)('0' + i / 10);
    name[5] = (char)('0' + i % 10);
    status = gw_draft_set(draft, name, 6, tensor, "line 1", error);
  }
  gw_tensor_release(tensor);
  return status;
}
static gw_status do_copy(gw_draft *draft, gw_error *error) {
  gw_draft *copy;
  gw_status status = gw_draft_copy(draft, &copy, error);
  CHECK((status == GW_OK) == (copy != NULL));
  gw_draft_release(copy);
  return status;
}
static gw_status do_names(gw_draft *draft, gw_error *error) {
  gw_span *names;
  size_t count;
  gw_status status = gw_draft_names(draft, &names, &count, error);
  CHECK((status == GW_OK) == (names != NULL) && (status == GW_OK || count == 0));
  gw_free(names);
  return status;
}

/* What a failed rule leaves is a draft whose names are all found, and which takes the same rule again. */
static void try_without_memory(task doing) {
  for (int alone = 0; alone < 2; alone++)
    for (long n = 1;; n++) {
      gw_draft *draft = draft_of("kinds/names");
      gw_error error = GW_ERROR_INIT;
      gw__alloc_fail_at(alone ? -n : n);
      gw_status status = doing(draft, &error);
      bool done = gw__alloc_count() < n;
      gw__alloc_fail_at(0);
      CHECK(status == GW_NO_MEMORY || (status == GW_OK && (alone || done)));
      CHECK(status == error.status);
      names_of(draft);
      if (status != GW_OK && doing != do_set) CHECK(doing(draft, &error) == GW_OK);
      names_of(draft);
      gw_draft_release(draft);
      if (done || n > 10000) break;
    }
}

static void rules_without_memory(void) {
  static const task all[] = {do_rename, do_swap, do_scope, do_assign, do_drop, do_set, do_copy, do_names};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) try_without_memory(all[i]);
}

static gw_status open_and_draft(gw_bundle *bundle, gw_error *error) {
  gw_draft *draft;
  gw_status status = gw_draft_from_bundle(bundle, &draft, error);
  CHECK((status == GW_OK) == (draft != NULL));
  gw_draft_release(draft);
  return status;
}

static void drafts_without_memory(void) {
  gw_bundle *bundle = open_kind("kinds/names");
  for (long n = 1;; n++) {
    gw_error error = GW_ERROR_INIT;
    gw__alloc_fail_at(n);
    gw_status status = open_and_draft(bundle, &error);
    bool done = gw__alloc_count() < n;
    gw__alloc_fail_at(0);
    CHECK(status == (done ? GW_OK : GW_NO_MEMORY));
    if (done || n > 1000) break;
  }
  gw_bundle_release(bundle);
}

/* ---- Regular expressions */

static void check_replace(const char *pattern, const char *text, size_t length, const char *replacement, const char *wanted) {
  gw_error error = GW_ERROR_INIT;
  gw_regex *regex = regex_of(pattern);
  char *out = NULL;
  size_t out_length, replaced;
  CHECK(gw_regex_replace(regex, text, length, replacement, strlen(replacement), &out, &out_length, &replaced, &error) == GW_OK);
  CHECK_TEXT(out ? out : error.what, wanted);
  gw_free(out);
  gw_regex_free(regex);
}

static void replacing_as_python_does(void) {
  check_replace("x*", "abxd", 4, "-", "-a-b--d-"); /* since Python 3.7 an empty match may follow a match */
  check_replace("b?", "abc", 3, "[$0]", "[]a[b][]c[]");
  check_replace("(?P<first>\\w)(\\w)", "abcd", 4, "$2${first}", "badc");
  check_replace("(a)|b", "ab", 2, "<$1>", "<a><>");
  check_replace("$", "a\nb", 3, "!", "a\nb!");
  check_replace("\\d+", "no digits", 9, "x", "no digits");
  check_replace("", "", 0, "x", "x");
  check_replace("", "é", 2, "-", "-é-");
  check_replace(".", "\xff" "a", 2, ".", "\xff."); /* what is no UTF-8 is nobody's character */
  check_replace("a", "b$a", 3, "$$", "b$$");
  check_replace("(?=b)", "ab", 2, "_", "a_b");
  check_replace("(?<=a)b", "ab", 2, "", "a");
}

static void check_bad_pattern(const char *pattern, size_t length, const char *text) {
  gw_error error = GW_ERROR_INIT;
  gw_regex *regex;
  CHECK(gw_regex_compile(pattern, length, &regex, &error) == GW_INVALID && regex == NULL);
  CHECK_TEXT(error.what, text);
}

static void patterns_that_are_none(void) {
  check_bad_pattern("(", 1, "the pattern '(' is wrong at position 1: missing closing parenthesis");
  check_bad_pattern("a\\Z", 3, "\\Z in a pattern does not mean what it means in Python: write \\z for the very end");
  check_bad_pattern("a{,3}", 5, "{,n} in a pattern does not mean what it means in Python: write {0,n}");
  check_bad_pattern("[[:alpha:]]", 11,
                    "a POSIX class like [[:alpha:]] in a pattern does not mean what it means in Python: write the characters "
                    "themselves, such as [A-Za-z]");
  check_bad_pattern("a\bb", 3,
                    "the pattern has the control byte \\x08: Lua reads \\b and \\1 in quotes itself, write the pattern in long "
                    "brackets, [[...]]");
  check_bad_pattern("\xff", 1, "the pattern '\\xff' is wrong at position 0: UTF-8 error: illegal byte (0xfe or 0xff)");
  check_bad_pattern("a\0b", 3,
                    "the pattern has the control byte \\x00: Lua reads \\b and \\1 in quotes itself, write the pattern in long "
                    "brackets, [[...]]");
}

static void check_bad_replacement(const char *replacement, const char *text) {
  gw_error error = GW_ERROR_INIT;
  gw_regex *regex = regex_of("(a)(b)");
  char *out;
  size_t length, replaced;
  CHECK(gw_regex_replace(regex, "ab", 2, replacement, strlen(replacement), &out, &length, &replaced, &error) == GW_INVALID);
  CHECK_TEXT(error.what, text);
  CHECK(out == NULL);
  gw_regex_free(regex);
}

static void replacements_that_are_none(void) {
  static const char *const dollar = "'$' in a replacement takes a group, $1, ${1} or ${name}, or another '$'";
  check_bad_replacement("$", dollar);
  check_bad_replacement("$x", dollar);
  check_bad_replacement("${1", dollar);
  check_bad_replacement("${}", dollar);
  check_bad_replacement("$3", "the replacement asks for group 3, the pattern '(a)(b)' has 2");
  check_bad_replacement("${c}", "the replacement asks for group {c}, the pattern '(a)(b)' has 2");
  check_bad_replacement("$99999999999999999999", "the replacement asks for group 99999999999999999999, the pattern '(a)(b)' has 2");
  check_bad_replacement("\\1", "a backslash in a replacement: groups are $1 or ${name} here, not \\1");
  check_bad_replacement("\1", "the replacement has the control byte \\x01: groups are $1 or ${name} here, not \\1");
}

static void patterns_that_try_too_many_ways(void) {
  char text[65];
  memset(text, 'a', 64);
  text[64] = 'b';
  static const char *const patterns[] = {"(a+)+$", "(a|aa)+$", "(a*)*c", "((a?){20}){20}c"};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    gw_error error = GW_ERROR_INIT;
    gw_regex *regex = regex_of(patterns[i]);
    bool found;
    gw_status status = gw_regex_search(regex, text, sizeof text, &found, &error);
    CHECK((status == GW_LIMIT && error.hint[0]) || (status == GW_OK && !found));
    gw_regex_free(regex);
  }
}

static gw_status use_regex(gw_error *error) {
  gw_regex *regex;
  char *out = NULL;
  const gw_span *groups;
  size_t length, replaced, count;
  gw_status status = gw_regex_compile("(a)(?P<b>b+)", 12, &regex, error);
  if (status == GW_OK) status = gw_regex_groups(regex, "xabb", 4, &groups, &count, error);
  if (status == GW_OK) CHECK(count == 3 && groups[2].size == 2);
  if (status == GW_OK)
    status = gw_regex_replace(regex, "aab and some more text", 22, "${b}, the letter $1", 19, &out, &length, &replaced, error);
  if (status == GW_OK) CHECK_TEXT(out, "ab, the letter a and some more text");
  gw_free(out);
  gw_regex_free(regex);
  return status;
}

static void regexes_without_memory(void) {
  for (long n = 1;; n++) {
    gw_error error = GW_ERROR_INIT;
    gw__alloc_fail_at(n);
    gw_status status = use_regex(&error);
    bool done = gw__alloc_count() < n;
    gw__alloc_fail_at(0);
    CHECK(status == (done ? GW_OK : GW_NO_MEMORY));
    if (done || n > 1000) break;
  }
}

/* ---- Nearest names */

static void nearest_names_fit_their_buffer(void) {
  gw_draft *draft = draft_of("kinds/names");
  char text[64];
  gw_draft_nearest(draft, "dense/kernal", 12, 2, text, sizeof text);
  CHECK_TEXT(text, "\"dense/kernel\", \"dense/bias\"");
  for (size_t size = 0; size <= sizeof text; size++) {
    char *small = malloc(size ? size : 1);
    gwt_must(small != NULL);
    gw_draft_nearest(draft, "dense/kernal", 12, 9, small, size);
    CHECK(size == 0 || memchr(small, '\0', size) != NULL);
    free(small);
  }
  gw_draft_release(draft);
  CHECK(gw_draft_new(&draft, NULL) == GW_OK);
  gw_draft_nearest(draft, "x", 1, 3, text, sizeof text);
  CHECK_TEXT(text, "");
  gw_draft_release(draft);
}

int main(int argc, char **argv) {
  if (argc > 1) spec_folder = argv[1];
  RUN(edits_like_a_model);
  RUN(names_that_change_places);
  RUN(names_that_meet);
  RUN(scopes_and_empty_names);
  RUN(merging_names_that_are_in_both);
  RUN(object_graphs_decide_names);
  RUN(rules_without_memory);
  RUN(drafts_without_memory);
  RUN(replacing_as_python_does);
  RUN(patterns_that_are_none);
  RUN(replacements_that_are_none);
  RUN(patterns_that_try_too_many_ways);
  RUN(regexes_without_memory);
  RUN(nearest_names_fit_their_buffer);
  return gwt_finish();
}

/* core/tensor/vocab.c: lines against a reading byte by byte, mappings against a search through all lines, hostile
 * vocabularies, and no memory. */
#include <stdio.h>
#include <stdlib.h>

#include "../../core/base/alloc.h"
#include "../../core/base/hash.h"
#include "bundle_make.h"
#include "check.h"

static uint64_t random_state = 88172645463325252u;
static size_t below(size_t limit) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (size_t)((random_state * UINT64_C(2685821657736338717) >> 32) % limit);
}

static gw_vocab *vocab_of(const char *text, size_t size) {
  gw_vocab *vocab = NULL;
  gwt_must(gw_vocab_new(text, size, &vocab, NULL) == GW_OK);
  return vocab;
}

static void check_refused(const char *text, size_t size, const char *what, int64_t offset) {
  gw_error error = GW_ERROR_INIT;
  gw_vocab *vocab;
  CHECK(gw_vocab_new(text, size, &vocab, &error) == GW_INVALID && vocab == NULL);
  CHECK_TEXT(error.what, what);
  CHECK(error.has_offset == (offset >= 0) && (offset < 0 || error.offset == (uint64_t)offset));
}

static void lines_end_as_in_tensorflow(void) {
  static const struct {
    const char *text, *tokens; /* joined by "|" */
  } all[] = {{"a\nb\n", "a|b"}, {"a\r\nb", "a|b"}, {"a\r\r\nb\r", "a\r|b"}, {" a \n\xff\n", " a |\xff"}, {"a\rb\n", "a\rb"}, {"x", "x"}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char joined[64] = "";
    gw_vocab *vocab = vocab_of(all[i].text, strlen(all[i].text));
    for (size_t j = 0; j < gw_vocab_size(vocab); j++) {
      gw_span token = gw_vocab_token(vocab, j);
      snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%.*s", j ? "|" : "", (int)token.size, token.data);
    }
    CHECK_TEXT(joined, all[i].tokens);
    gw_vocab_free(vocab);
  }
  check_refused("", 0, "the vocabulary is empty", -1);
  check_refused("\n", 1, "line 1 of the vocabulary is empty", 0);
  check_refused("\r", 1, "line 1 of the vocabulary is empty", 0);
  check_refused("a\nb\n\r\nc", 8, "line 3 of the vocabulary is empty", 4);
  gw_vocab_free(NULL);
}

/* Tokens of a few letters, so that many are equal; none twice when `unique`. */
static size_t random_text(char *text, size_t lines, bool unique) {
  size_t size = 0;
  bool used[400] = {false};
  for (size_t i = 0; i < lines; i++) {
    size_t number = below(400);
    while (unique && used[number]) number = (number + 1) % 400;
    used[number] = true;
    size += (size_t)sprintf(text + size, "t%zu%s", number, below(3) ? "\n" : "\r\n");
  }
  return size;
}

static int64_t search(const gw_vocab *old, size_t size, gw_span token) {
  for (size_t i = 0; i < size; i++) {
    gw_span other = gw_vocab_token(old, i);
    if (other.size == token.size && memcmp(other.data, token.data, token.size) == 0) return (int64_t)i;
  }
  return -1;
}

static void tokens_are_found_where_they_are(void) {
  static char text[4000], old_text[4000];
  for (int round = 0; round < 300; round++) {
    size_t size = random_text(text, 1 + below(300), false), old_size = random_text(old_text, 1 + below(300), true);
    gw_vocab *vocab = vocab_of(text, size), *old = vocab_of(old_text, old_size);
    gw_vocab_options options = GW_VOCAB_OPTIONS_INIT;
    gw_remapping *remapping = NULL;
    if (below(2)) options.new_size = 1 + below(gw_vocab_size(vocab));
    if (below(2)) options.old_size = 1 + below(gw_vocab_size(old));
    options.oov_buckets = below(3);
    size_t lines = options.new_size ? options.new_size : gw_vocab_size(vocab), most = options.old_size ? options.old_size : gw_vocab_size(old);
    gwt_must(gw_vocab_remap(vocab, old, &options, &remapping, NULL) == GW_OK);
    CHECK(remapping->count == lines + options.oov_buckets);
    uint64_t kept = 0, lost = most;
    bool taken[400] = {false};
    for (size_t i = 0; i < remapping->count; i++) {
      int64_t expected = i < lines ? search(old, most, gw_vocab_token(vocab, i)) : -1;
      CHECK(remapping->indices[i] == expected);
      if (expected < 0) continue;
      kept++;
      if (!taken[expected]) lost--;
      taken[expected] = true;
    }
    CHECK(remapping->kept == kept && remapping->added == lines - kept && remapping->lost == lost);
    gw_free(remapping);
    gw_vocab_free(vocab);
    gw_vocab_free(old);
  }
}

/* Tokens whose hashes lie in an eighth of the table. */
static void tokens_that_were_made_to_meet(void) {
  enum { COUNT = 6000, SLOTS = 8192 };
  char *text = malloc(COUNT * 16);
  gwt_must(text != NULL);
  size_t size = 0, count = 0;
  for (int i = 0; count < COUNT; i++) {
    char token[16];
    size_t length = (size_t)snprintf(token, sizeof token, "x%d", i);
    if ((gw__hash(token, length) & (SLOTS - 1)) >= SLOTS / 8) continue;
    memcpy(text + size, token, length);
    text[size + length] = '\n';
    size += length + 1;
    count++;
  }
  gw_vocab *vocab = vocab_of(text, size);
  gw_remapping *remapping;
  gw_error error = GW_ERROR_INIT;
  CHECK(gw_vocab_remap(vocab, vocab, NULL, &remapping, &error) == GW_LIMIT && remapping == NULL);
  CHECK_TEXT(error.what, "more than 4096 tokens fall together: this vocabulary was made to be slow");
  gw_vocab_free(vocab);
  free(text);
}

static gw_status use(gw_error *error) {
  const gw_vocab_alias alias = {{"c", 1}, {"a", 1}};
  const gw_vocab_options options = {.size = sizeof options, .oov_buckets = 2, .aliases = &alias, .alias_count = 1};
  gw_vocab *vocab = NULL, *old = NULL;
  gw_remapping *remapping = NULL;
  gw_status status = gw_vocab_new("b\nc\n", 4, &vocab, error);
  if (status == GW_OK) status = gw_vocab_new("a\nb\n", 4, &old, error);
  if (status == GW_OK) status = gw_vocab_remap(vocab, old, &options, &remapping, error);
  CHECK((status == GW_OK) == (remapping != NULL));
  if (remapping) CHECK(remapping->count == 4 && remapping->indices[0] == 1 && remapping->indices[1] == 0 && remapping->indices[3] == -1);
  gw_free(remapping);
  gw_vocab_free(vocab);
  gw_vocab_free(old);
  return status;
}

static void vocabularies_without_memory(void) {
  for (long n = 1;; n++) {
    gw_error error = GW_ERROR_INIT;
    gw__alloc_fail_at(n);
    gw_status status = use(&error);
    bool done = gw__alloc_count() < n;
    gw__alloc_fail_at(0);
    CHECK(status == (done ? GW_OK : GW_NO_MEMORY) && status == error.status);
    if (done || n > 100) break;
  }
}

/* Looked up on several threads, in jobs of 65,536. */
static void large_vocabularies(void) {
  enum { LINES = 3 * 65536 + 7 };
  char *text = malloc(2 * (size_t)LINES * 8), *old_text = text + (size_t)LINES * 8;
  size_t size = 0, old_size = 0;
  for (size_t i = 0; i < LINES; i++) size += (size_t)sprintf(text + size, "t%06zu", i) + 1, text[size - 1] = '\n';
  for (size_t i = LINES; i-- > 0;) /* backwards, and every third is another */
    old_size += (size_t)sprintf(old_text + old_size, "%c%06zu", i % 3 ? 't' : 'x', i) + 1, old_text[old_size - 1] = '\n';
  gw_vocab *vocab = vocab_of(text, size), *old = vocab_of(old_text, old_size);
  gw_remapping *remapping = NULL;
  CHECK(gw_vocab_remap(vocab, old, NULL, &remapping, NULL) == GW_OK && remapping->count == LINES);
  size_t wrong = 0, kept = 0;
  for (size_t i = 0; i < LINES; i++) {
    wrong += remapping->indices[i] != (i % 3 ? (int64_t)(LINES - 1 - i) : -1);
    kept += i % 3 > 0;
  }
  CHECK(wrong == 0 && remapping->kept == kept && remapping->lost == LINES - kept);
  gw_free(remapping);
  gw_vocab_free(vocab);
  gw_vocab_free(old);
  free(text);
}

int main(void) {
  RUN(lines_end_as_in_tensorflow);
  RUN(tokens_are_found_where_they_are);
  RUN(tokens_that_were_made_to_meet);
  RUN(vocabularies_without_memory);
  RUN(large_vocabularies);
  return gwt_finish();
}

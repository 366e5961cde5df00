/* Vocabularies: text files with a token on each line, and where the lines of one are in another. The lines are those of
 * TensorFlow's TextFileLineIterator (core/kernels/lookup_util.cc), the mapping that of GenerateVocabRemapping
 * (core/kernels/generate_vocab_remapping_op.cc). Used by bindings.
 *
 *     a\n b\r\n c      three tokens; one \r before the end belongs to it, a second one to the token
 *
 * A line takes 4 to 8 bytes, an old line 11 to 22 more while a mapping is made, and each line of the result 8: two vocabularies
 * of ten million lines about 350 MB beside their text. */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "../base/pool.h"
#include "../godwit.h"

enum {
  MOST_BUCKETS = 100000000,
  JOB = 1 << 16, /* tokens that a thread looks up in one go */
  MOST_PROBES = 4096 /* of one token: honest ones take a few, and those that were made to meet must not take hours */
};

struct gw_vocab {
  const char *text;
  uint32_t *starts; /* of lines, and the text's end, as if the last line had an end */
  size_t count, capacity;
};

static gw_status bad_line(gw_error *error, size_t line, size_t offset, const char *what) {
  gw__fail(error, GW_INVALID, "line %zu of the vocabulary is %s", line + 1, what);
  gw__error_offset(error, offset);
  return GW_INVALID;
}

gw_span gw_vocab_token(const gw_vocab *vocab, size_t line) {
  size_t start = vocab->starts[line], end = vocab->starts[line + 1] - 1u;
  if (end > start && vocab->text[end - 1] == '\r') end--;
  return (gw_span){vocab->text + start, end - start};
}

static gw_status find_lines(gw_vocab *vocab, size_t size, gw_error *error) {
  for (size_t start = 0; start < size;) {
    const char *newline = memchr(vocab->text + start, '\n', size - start);
    size_t end = newline ? (size_t)(newline - vocab->text) : size;
    gw_status status = gw__reserve((void **)&vocab->starts, &vocab->capacity, vocab->count + 2, sizeof *vocab->starts, error);
    if (status != GW_OK) return status;
    vocab->starts[vocab->count] = (uint32_t)start;
    vocab->starts[vocab->count + 1] = (uint32_t)end + 1;
    if (gw_vocab_token(vocab, vocab->count).size == 0) {
      bad_line(error, vocab->count, start, "empty");
      gw__error_hint(error, "TensorFlow does not take empty lines either: it would count other ids");
      return GW_INVALID;
    }
    vocab->count++;
    start = end + 1;
  }
  return vocab->count > 0 ? GW_OK : gw__fail(error, GW_INVALID, "the vocabulary is empty");
}

gw_status gw_vocab_new(const char *text, size_t size, gw_vocab **out, gw_error *error) {
  *out = NULL;
  if (size >= UINT32_MAX) return gw__fail(error, GW_LIMIT, "a vocabulary of %zu bytes (at most 4 GB)", size);
  gw_vocab *vocab = gw__alloc_array(1, sizeof *vocab, error);
  if (!vocab) return GW_NO_MEMORY;
  vocab->text = text;
  gw_status status = find_lines(vocab, size, error);
  if (status == GW_OK) *out = vocab;
  else gw_vocab_free(vocab);
  return status;
}

void gw_vocab_free(gw_vocab *vocab) {
  if (!vocab) return;
  gw__free(vocab->starts);
  gw__free(vocab);
}

size_t gw_vocab_size(const gw_vocab *vocab) { return vocab->count; }

/* ---- Tokens to lines */

typedef struct gw_lines {
  const gw_vocab *vocab;
  uint64_t *slots; /* the hash's upper half and 1 + line; 0: free */
  size_t mask;
} gw_lines;

#define TAG UINT64_C(0xffffffff00000000)

/* The slot of this token, or the one where it would go; NULL when too many tokens meet. */
static uint64_t *find_slot(const gw_lines *lines, gw_span token, uint64_t hash) {
  for (size_t i = 0, at = (size_t)hash; i < MOST_PROBES; i++, at++) {
    uint64_t *slot = &lines->slots[at & lines->mask];
    if (*slot == 0) return slot;
    if ((*slot & TAG) != (hash & TAG)) continue;
    gw_span other = gw_vocab_token(lines->vocab, (size_t)(uint32_t)*slot - 1);
    if (other.size == token.size && memcmp(other.data, token.data, token.size) == 0) return slot;
  }
  return NULL;
}

/* Tokens lie anywhere in memory, and what is asked of it for many at once comes in half of the time. */
typedef struct gw_batch {
  size_t count;
  gw_span tokens[32];
  uint64_t hashes[32];
} gw_batch;

static void take_batch(const gw_lines *lines, const gw_vocab *vocab, size_t first, size_t end, bool compared, gw_batch *out) {
  const size_t most = sizeof out->tokens / sizeof *out->tokens;
  out->count = end - first < most ? end - first : most;
  for (size_t i = 0; i < out->count; i++) {
    out->tokens[i] = gw_vocab_token(vocab, first + i);
    out->hashes[i] = gw__hash(out->tokens[i].data, out->tokens[i].size);
    __builtin_prefetch(&lines->slots[out->hashes[i] & lines->mask]);
  }
  for (int step = 0; step < 2 && compared; step++)
    for (size_t i = 0; i < out->count; i++) {
      uint64_t slot = lines->slots[out->hashes[i] & lines->mask];
      if (slot == 0) continue;
      const uint32_t *start = &lines->vocab->starts[(uint32_t)slot - 1];
      if (step == 0) __builtin_prefetch(start);
      else __builtin_prefetch(lines->vocab->text + *start);
    }
}

static gw_status too_slow(gw_error *error) {
  return gw__fail(error, GW_LIMIT, "more than %d tokens fall together: this vocabulary was made to be slow", MOST_PROBES);
}

static gw_status twice(gw_span token, size_t first, size_t second, gw_error *error) {
  char shown[100];
  gw_printable(shown, sizeof shown, token.data, token.size);
  gw__fail(error, GW_INVALID, "the old vocabulary has \"%s\" twice, in the lines %zu and %zu", shown, first, second);
  gw__error_hint(error, "which of the two rows is meant? old_vocab_size takes the first lines only");
  return GW_INVALID;
}

/* The first `count` lines. A token that comes twice is an error, as for TensorFlow's hash table. */
static gw_status index_lines(gw_lines *lines, const gw_vocab *vocab, size_t count, gw_error *error) {
  size_t slots = 16;
  while (slots / 4 * 3 < count) slots *= 2;
  lines->vocab = vocab;
  lines->mask = slots - 1;
  lines->slots = gw__alloc_array(slots, sizeof *lines->slots, error);
  if (!lines->slots) return GW_NO_MEMORY;
  gw_batch batch;
  gw_status status = GW_OK;
  for (size_t i = 0; i < count && status == GW_OK; i += batch.count) {
    take_batch(lines, vocab, i, count, false, &batch);
    for (size_t j = 0; j < batch.count && status == GW_OK; j++) {
      uint64_t *slot = find_slot(lines, batch.tokens[j], batch.hashes[j]);
      if (!slot) status = too_slow(error);
      else if (*slot != 0) status = twice(batch.tokens[j], (size_t)(uint32_t)*slot, i + j + 1, error);
      else *slot = (batch.hashes[j] & TAG) | (i + j + 1);
    }
  }
  return status;
}

/* ---- The mapping */

typedef struct gw_mapping {
  const gw_vocab *vocab, *old;
  size_t new_size, old_size;
  gw_lines lines;
  uint8_t *taken; /* a bit for each old line */
  gw_remapping *out;
} gw_mapping;

static bool mark_taken(gw_mapping *mapping, size_t line) {
  uint8_t bit = (uint8_t)(1u << (line & 7));
  bool before = (mapping->taken[line / 8] & bit) != 0;
  mapping->taken[line / 8] |= bit;
  return !before;
}

static gw_status look_up(const gw_mapping *mapping, gw_span token, uint64_t hash, int64_t *line, gw_error *error) {
  const uint64_t *slot = find_slot(&mapping->lines, token, hash);
  if (!slot) return too_slow(error);
  *line = *slot == 0 ? -1 : (int64_t)(uint32_t)*slot - 1;
  return GW_OK;
}

static int by_token(const void *a, const void *b) {
  const gw_span *left = &((const gw_vocab_alias *)a)->token, *right = &((const gw_vocab_alias *)b)->token;
  size_t shorter = left->size < right->size ? left->size : right->size;
  int order = shorter > 0 ? memcmp(left->data, right->data, shorter) : 0;
  if (order != 0) return order;
  return left->size < right->size ? -1 : left->size > right->size;
}

static gw_status no_alias(gw_error *error, gw_span token, const char *which) {
  char shown[100];
  gw_printable(shown, sizeof shown, token.data, token.size);
  return gw__fail(error, GW_INVALID, "an alias names \"%s\", which the %s vocabulary has not", shown, which);
}

/* Aliased tokens take their old token's line, whether or not the old vocabulary has them, too. */
static gw_status put_aliases(gw_mapping *mapping, const gw_vocab_options *options, gw_error *error) {
  if (options->alias_count == 0) return GW_OK;
  gw_status status = GW_OK;
  gw_vocab_alias *sorted = gw__alloc_array(options->alias_count, sizeof *sorted, error);
  uint8_t *used = gw__alloc_array(options->alias_count, 1, error);
  if (!sorted || !used) status = GW_NO_MEMORY;
  if (status == GW_OK) {
    memcpy(sorted, options->aliases, options->alias_count * sizeof *sorted);
    qsort(sorted, options->alias_count, sizeof *sorted, by_token);
  }
  for (size_t i = 0; i < mapping->new_size && status == GW_OK; i++) {
    const gw_vocab_alias wanted = {.token = gw_vocab_token(mapping->vocab, i)};
    const gw_vocab_alias *alias = bsearch(&wanted, sorted, options->alias_count, sizeof *sorted, by_token);
    if (!alias) continue;
    used[alias - sorted] = 1;
    status = look_up(mapping, alias->old, gw__hash(alias->old.data, alias->old.size), &mapping->out->indices[i], error);
    if (status == GW_OK && mapping->out->indices[i] < 0) status = no_alias(error, alias->old, "old");
  }
  for (size_t i = 0; i < options->alias_count && status == GW_OK; i++)
    if (!used[i]) status = no_alias(error, sorted[i].token, "new");
  gw__free(sorted);
  gw__free(used);
  return status;
}

/* Looks up JOB tokens. Nothing but its own places of the result is written, and nothing allocated: any thread may do it. */
static gw_status map_some(void *context, unsigned worker, size_t number, gw_error *error) {
  const gw_mapping *mapping = context;
  size_t first = number * JOB, end = mapping->new_size - first > JOB ? first + JOB : mapping->new_size;
  gw_status status = GW_OK;
  gw_batch batch;
  (void)worker;
  for (size_t i = first; i < end && status == GW_OK; i += batch.count) {
    take_batch(&mapping->lines, mapping->vocab, i, end, true, &batch);
    for (size_t j = 0; j < batch.count && status == GW_OK; j++)
      status = look_up(mapping, batch.tokens[j], batch.hashes[j], &mapping->out->indices[i + j], error);
  }
  return status;
}

static gw_status map_all(gw_mapping *mapping, gw_error *error) {
  gw_pool_work work = {.context = mapping, .jobs = mapping->new_size / JOB + (mapping->new_size % JOB > 0), .job = map_some};
  gw_pool *pool;
  bool finished = false;
  unsigned threads = gw__pool_threads(0);
  if (threads < 2 || work.jobs < 2) {
    gw_status status = GW_OK;
    for (size_t i = 0; i < work.jobs && status == GW_OK; i++) status = map_some(mapping, 0, i, error);
    return status;
  }
  gw_status status = gw__pool_start(&work, threads < work.jobs ? threads : (unsigned)work.jobs, &pool, error);
  if (status != GW_OK) return status;
  while (status == GW_OK && !finished) status = gw__pool_wait(pool, 1000, &finished, error);
  gw__pool_free(pool);
  return status;
}

static gw_status map_lines(gw_mapping *mapping, const gw_vocab_options *options, gw_error *error) {
  gw_remapping *out = mapping->out;
  gw_status status = map_all(mapping, error);
  for (size_t i = mapping->new_size; i < out->count; i++) out->indices[i] = -1;
  if (status == GW_OK) status = put_aliases(mapping, options, error);
  out->lost = mapping->old_size;
  for (size_t i = 0; i < mapping->new_size && status == GW_OK; i++) {
    if (out->indices[i] < 0) {
      out->added++;
    } else {
      out->kept++;
      if (mark_taken(mapping, (size_t)out->indices[i])) out->lost--;
    }
  }
  return status;
}

static gw_status take_size(const gw_vocab *vocab, const char *which, size_t wanted, size_t *size, gw_error *error) {
  *size = wanted ? wanted : vocab->count;
  if (wanted <= vocab->count) return GW_OK;
  return gw__fail(error, GW_INVALID, "the %s vocabulary has %zu tokens, and %zu of them are to be taken", which, vocab->count, wanted);
}

gw_status gw_vocab_remap(const gw_vocab *vocab, const gw_vocab *old, const gw_vocab_options *options, gw_remapping **out,
                         gw_error *error) {
  static const gw_vocab_options defaults = GW_VOCAB_OPTIONS_INIT;
  gw_mapping mapping = {.vocab = vocab, .old = old};
  size_t count, bytes;
  *out = NULL;
  if (!options) options = &defaults;
  gw_status status = take_size(vocab, "new", options->new_size, &mapping.new_size, error);
  if (status == GW_OK) status = take_size(old, "old", options->old_size, &mapping.old_size, error);
  if (status != GW_OK) return status;
  if (options->oov_buckets > MOST_BUCKETS || !gw__add_size(mapping.new_size, options->oov_buckets, &count) ||
      !gw__mul_size(count, sizeof(int64_t), &bytes) || !gw__add_size(bytes, sizeof **out, &bytes))
    return gw__fail(error, GW_LIMIT, "%zu out-of-vocabulary buckets (at most %d)", options->oov_buckets, MOST_BUCKETS);
  status = index_lines(&mapping.lines, old, mapping.old_size, error);
  if (status == GW_OK) {
    mapping.out = gw__alloc(bytes, error);
    mapping.taken = gw__alloc_array(mapping.old_size / 8 + 1, 1, error);
    if (!mapping.out || !mapping.taken) status = GW_NO_MEMORY;
  }
  if (status == GW_OK) {
    *mapping.out = (gw_remapping){.count = count, .indices = (int64_t *)(mapping.out + 1)};
    status = map_lines(&mapping, options, error);
  }
  gw__free(mapping.lines.slots);
  gw__free(mapping.taken);
  if (status == GW_OK) *out = mapping.out;
  else gw__free(mapping.out);
  return status;
}

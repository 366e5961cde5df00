/* Decoding and building one block: see block.h for the layout.
 *
 *   00 00 03 "abc"...     entry: shares nothing
 *   02 01 00 "d"          entry: key "abd", empty value
 *   00000000  01000000    restart points [0], R = 1
 */
#include "block.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/checked.h"
#include "../base/error.h"

#define NO_RESTART UINT64_MAX

static int compare_bytes(const void *a, size_t a_size, const void *b, size_t b_size) {
  size_t common = a_size < b_size ? a_size : b_size;
  int order = common ? memcmp(a, b, common) : 0; /* an empty key may have no address */
  return order ? order : (a_size > b_size) - (a_size < b_size);
}

int gw__key_compare(gw_span a, gw_span b) { return compare_bytes(a.data, a.size, b.data, b.size); }

static gw_status bad_text(gw_error *error, const char *path, uint64_t offset, const char *text) {
  gw__fail(error, GW_CORRUPT, "%s", text);
  gw__error_file(error, path);
  gw__error_offset(error, offset);
  return GW_CORRUPT;
}

gw_status gw__table_bad(gw_error *error, const char *path, uint64_t offset, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return bad_text(error, path, offset, text);
}

gw_status gw__block_bad(const gw_block_iter *iter, const uint8_t *pos, gw_error *error, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  uint64_t at = (uint64_t)(pos - iter->entries.base);
  if (!iter->place.packed) return bad_text(error, iter->place.path, iter->place.offset + at, text);
  return gw__table_bad(error, iter->place.path, iter->place.offset, "at byte %" PRIu64 " of the decompressed block: %s",
                       at, text);
}

/* ---- Decoding */

static void next_restart(gw_block_iter *iter) {
  uint32_t offset;
  iter->restart = gw__get_fixed32(&iter->restarts, &offset) ? offset : NO_RESTART;
}

gw_status gw__block_open(gw_block_iter *iter, const uint8_t *bytes, size_t size, gw_block_place place,
                         gw_error *error) {
  iter->place = place;
  iter->started = false;
  gw__buf_clear(&iter->key);
  iter->entries = gw__cur(bytes, 0, place.offset);
  if (size < 4)
    return gw__block_bad(iter, bytes, error,
                         "a block is too short for its number of restart points (expected at least 4 bytes, found %zu)",
                         size);
  size_t left = size - 4;
  uint32_t count = gw__load_fixed32(bytes + left);
  if (count > left / 4)
    return gw__block_bad(iter, bytes + left, error,
                         "more restart points than the block can hold (expected at most %zu, found %" PRIu32 ")",
                         left / 4, count);
  size_t entries = left - (size_t)count * 4;
  iter->entries = gw__cur(bytes, entries, place.offset);
  iter->restarts = gw__cur(bytes + entries, (size_t)count * 4, place.offset + entries);
  next_restart(iter);
  /* TensorFlow reads a block without restart points as empty, whatever it holds: entries would vanish. */
  if (count == 0 && entries > 0)
    return gw__block_bad(iter, bytes + left, error, "a block with entries has no restart point");
  if (count > 0 && iter->restart != 0)
    return gw__block_bad(iter, bytes + entries, error,
                         "the first restart point is not at the start of the block (expected 0, found %" PRIu64 ")",
                         iter->restart);
  uint64_t allowance;
  if (!gw__mul_u64(size, GW_KEY_EXPANSION, &allowance) || !gw__add_u64(iter->budget, allowance, &iter->budget))
    iter->budget = UINT64_MAX;
  return GW_OK;
}

bool gw__block_at_end(const gw_block_iter *iter) { return gw__cur_left(&iter->entries) == 0; }

/* Every restart point must be the start of an entry that shares nothing: binary searches, TensorFlow's among them, jump
 * there. Restart points are looked at as the entries come by. */
static gw_status check_restart(gw_block_iter *iter, const uint8_t *start, uint32_t shared, gw_error *error) {
  uint64_t at = (uint64_t)(start - iter->entries.base);
  if (iter->restart > at) return GW_OK;
  if (iter->restart < at)
    return gw__block_bad(iter, start, error,
                         "a restart point is not where an entry begins (expected at least %" PRIu64 ", found %" PRIu64
                         ")",
                         at, iter->restart);
  if (shared != 0)
    return gw__block_bad(iter, start, error,
                         "an entry at a restart point shares bytes with the key before it (expected"
                         " 0, found %" PRIu32 ")",
                         shared);
  next_restart(iter);
  if (iter->restart <= at)
    return gw__block_bad(iter, start, error,
                         "restart points do not ascend (expected above %" PRIu64 ", found %" PRIu64 ")", at,
                         iter->restart);
  return GW_OK;
}

/* After the last entry: nothing may be left over. */
static gw_status check_end(const gw_block_iter *iter, gw_error *error) {
  if (iter->restart == NO_RESTART || (!iter->started && iter->restart == 0 && gw__cur_left(&iter->restarts) == 0))
    return GW_OK;
  return gw__block_bad(iter, iter->entries.end, error,
                       "a restart point lies behind the last entry (expected below %zu, found %" PRIu64 ")",
                       (size_t)(iter->entries.end - iter->entries.base), iter->restart);
}

typedef struct gw_entry_head {
  uint32_t shared, unshared, value_length;
} gw_entry_head;

static gw_status read_head(gw_block_iter *iter, gw_entry_head *head, gw_error *error) {
  const uint8_t *start = iter->entries.pos;
  gw_cur *cur = &iter->entries;
  if (!gw__get_varint32(cur, &head->shared) || !gw__get_varint32(cur, &head->unshared) ||
      !gw__get_varint32(cur, &head->value_length))
    return gw__block_bad(iter, start, error, "an entry's lengths are cut off or larger than 32 bits");
  /* In 64 bits: TensorFlow adds them in 32, where they can wrap. */
  uint64_t need = (uint64_t)head->unshared + head->value_length;
  if (need > gw__cur_left(cur))
    return gw__block_bad(iter, start, error,
                         "an entry is longer than its block (expected at most %zu bytes, found %" PRIu64 ")",
                         gw__cur_left(cur), need);
  if (head->shared > iter->key.size)
    return gw__block_bad(iter, start, error,
                         "an entry shares more than the key before it has (expected at most %zu bytes,"
                         " found %" PRIu32 ")",
                         iter->key.size, head->shared);
  return check_restart(iter, start, head->shared, error);
}

/* What both keys have in common need not be compared again: only the tails behind `shared`. */
static gw_status check_order(const gw_block_iter *iter, const uint8_t *start, uint32_t shared, const uint8_t *tail,
                             size_t tail_size, gw_error *error) {
  if (!iter->started) return GW_OK;
  const gw_buf *last = &iter->key;
  const uint8_t *last_tail = shared ? last->data + shared : last->data; /* an empty key has no address to add to */
  int order = compare_bytes(last_tail, last->size - shared, tail, tail_size);
  if (order < 0) return GW_OK;
  char name[200];
  gw_printable(name, sizeof name, (const char *)last->data, last->size);
  if (order == 0) gw__block_bad(iter, start, error, "a key occurs twice");
  else gw__block_bad(iter, start, error, "keys do not ascend (expected one above \"%s\")", name);
  gw_buf key = GW_BUF_INIT; /* best effort: without memory the message does without the key */
  gw__put_bytes(&key, last->data, shared);
  gw__put_bytes(&key, tail, tail_size);
  if (!key.failed) gw__error_key(error, (const char *)key.data, key.size);
  gw__buf_free(&key);
  return GW_CORRUPT;
}

static gw_status charge_key(gw_block_iter *iter, uint64_t size, gw_error *error) {
  if (size <= iter->budget) {
    iter->budget -= size;
    return GW_OK;
  }
  gw__fail(error, GW_LIMIT, "keys share so much that they add up to more than %d times the file and %" PRIu64 " MiB",
           GW_KEY_EXPANSION, GW_KEY_SLACK >> 20);
  gw__error_file(error, iter->place.path);
  gw__error_offset(error, iter->place.offset);
  return GW_LIMIT;
}

gw_status gw__block_next(gw_block_iter *iter, bool *more, gw_span *key, gw_span *value, gw_error *error) {
  *more = false;
  if (gw__block_at_end(iter)) return check_end(iter, error);
  const uint8_t *start = iter->entries.pos, *tail = NULL, *bytes = NULL;
  gw_entry_head head;
  gw_status status = read_head(iter, &head, error);
  if (status != GW_OK) return status;
  /* Both succeed: read_head compared the sum with what is left. */
  gw__get_bytes(&iter->entries, head.unshared, &tail);
  gw__get_bytes(&iter->entries, head.value_length, &bytes);
  status = check_order(iter, start, head.shared, tail, head.unshared, error);
  if (status == GW_OK) status = charge_key(iter, (uint64_t)head.shared + head.unshared, error);
  if (status != GW_OK) return status;
  iter->key.size = head.shared;
  gw__put_bytes(&iter->key, tail, head.unshared);
  if (iter->key.failed) return gw__buf_status(&iter->key, error);
  iter->started = true;
  *key = (gw_span){(const char *)iter->key.data, iter->key.size};
  *value = (gw_span){(const char *)bytes, head.value_length};
  *more = true;
  return GW_OK;
}

void gw__block_iter_free(gw_block_iter *iter) { gw__buf_free(&iter->key); }

/* ---- Building */

static void start_block(gw_block_builder *builder) {
  gw__buf_clear(&builder->entries);
  gw__buf_clear(&builder->restarts);
  gw__buf_clear(&builder->key);
  gw__put_fixed32(&builder->restarts, 0); /* even when no entry follows */
  builder->since = 0;
}

void gw__block_builder_init(gw_block_builder *builder, uint32_t interval) {
  *builder = (gw_block_builder){interval, 0, GW_BUF_INIT, GW_BUF_INIT, GW_BUF_INIT};
  start_block(builder);
}

static size_t common_prefix(gw_span a, gw_span b) {
  size_t limit = a.size < b.size ? a.size : b.size, common = 0;
  while (common < limit && a.data[common] == b.data[common]) common++;
  return common;
}

static gw_status builder_status(const gw_block_builder *builder, gw_error *error) {
  if (builder->entries.failed) return gw__buf_status(&builder->entries, error);
  if (builder->restarts.failed) return gw__buf_status(&builder->restarts, error);
  return gw__buf_status(&builder->key, error);
}

gw_status gw__block_add(gw_block_builder *builder, gw_span key, gw_span value, gw_error *error) {
  if (key.size > UINT32_MAX || value.size > UINT32_MAX || gw__block_size(builder) > UINT32_MAX)
    return gw__fail(error, GW_LIMIT, "a block of a table grows beyond 4 GiB (a key of %zu bytes, a value of %zu bytes)",
                    key.size, value.size);
  size_t shared = 0;
  if (builder->since < builder->interval) {
    shared = common_prefix((gw_span){(const char *)builder->key.data, builder->key.size}, key);
  } else {
    gw__put_fixed32(&builder->restarts, (uint32_t)builder->entries.size);
    builder->since = 0;
  }
  gw__put_varint32(&builder->entries, (uint32_t)shared);
  gw__put_varint32(&builder->entries, (uint32_t)(key.size - shared));
  gw__put_varint32(&builder->entries, (uint32_t)value.size);
  if (key.size > shared) gw__put_bytes(&builder->entries, key.data + shared, key.size - shared);
  gw__put_bytes(&builder->entries, value.data, value.size);
  gw__buf_clear(&builder->key);
  gw__put_bytes(&builder->key, key.data, key.size);
  builder->since++;
  return builder_status(builder, error);
}

size_t gw__block_size(const gw_block_builder *builder) { return builder->entries.size + builder->restarts.size + 4; }

bool gw__block_empty(const gw_block_builder *builder) { return builder->entries.size == 0; }

gw_status gw__block_finish(gw_block_builder *builder, gw_buf *out, gw_error *error) {
  gw_status status = builder_status(builder, error);
  if (status != GW_OK) return status;
  gw__put_bytes(out, builder->entries.data, builder->entries.size);
  gw__put_bytes(out, builder->restarts.data, builder->restarts.size);
  gw__put_fixed32(out, (uint32_t)(builder->restarts.size / 4));
  start_block(builder);
  return gw__buf_status(out, error);
}

void gw__block_builder_free(gw_block_builder *builder) {
  gw__buf_free(&builder->entries);
  gw__buf_free(&builder->restarts);
  gw__buf_free(&builder->key);
}

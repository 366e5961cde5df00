/* The entries of one block without their values, which in a V1 checkpoint may have 2 GiB: the block is summed as it streams by,
 * and then walked over entry by entry through a window. What is read otherwise is block.c's.
 *
 *   shared varint32 | unshared varint32 | value size varint32 | key bytes (unshared) | value bytes, left alone
 */
#include <inttypes.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "block.h"

enum { TRAILER = 5, PIECE = 256 << 10, HEADER = 15 /* three varint32 */ };

gw_status gw__table_sum_block(const gw_file *file, const gw_table_block *block, bool *packed, gw_error *error) {
  uint8_t trailer[TRAILER];
  uint32_t crc = 0;
  size_t piece = block->size < PIECE ? (size_t)block->size + 1 : PIECE;
  uint8_t *buffer = gw__alloc(piece, error);
  if (!buffer) return GW_NO_MEMORY;
  gw_status status = gw__file_read(file, block->offset + block->size, trailer, TRAILER, error);
  for (uint64_t done = 0; done < block->size && status == GW_OK;) {
    size_t part = block->size - done < piece ? (size_t)(block->size - done) : piece;
    status = gw__file_read(file, block->offset + done, buffer, part, error);
    if (status == GW_OK) crc = gw__crc32c_extend(crc, buffer, part);
    done += part;
  }
  gw__free(buffer);
  if (status != GW_OK) return status;
  crc = gw__crc32c_extend(crc, trailer, 1);
  uint32_t expected = gw__crc32c_unmask(gw__load_fixed32(trailer + 1));
  if (crc != expected)
    return gw__table_bad(error, file->path, block->offset,
                         "the checksum of a data block (%" PRIu64 " bytes) does not match (expected %08" PRIx32 ", found %08" PRIx32 ")",
                         block->size, expected, crc);
  if (trailer[0] > 1)
    return gw__table_bad(error, file->path, block->offset + block->size,
                         "a data block has an unknown compression (expected 0 for none or 1 for snappy, found %d)", trailer[0]);
  *packed = trailer[0] == 1;
  return GW_OK;
}

static gw_status bad(const gw_record_iter *iter, uint64_t at, const char *what, gw_error *error) {
  return gw__table_bad(error, iter->window->file->path, gw__window_offset(iter->window, at), "%s", what);
}

gw_status gw__record_iter_start(gw_record_iter *iter, gw_window *window, gw_error *error) {
  uint8_t count[4];
  *iter = (gw_record_iter){.window = window, .budget = GW_KEY_SLACK, .key = GW_BUF_INIT};
  if (window->size < sizeof count) return bad(iter, 0, "a data block is too small for its restart points", error);
  gw_status status = gw__window_read(window, window->size - sizeof count, count, sizeof count, error);
  if (status != GW_OK) return status;
  uint64_t restarts = ((uint64_t)gw__load_fixed32(count) + 1) * 4;
  if (restarts > window->size) return bad(iter, window->size - sizeof count, "a data block is too small for its restart points", error);
  iter->end = window->size - restarts;
  return GW_OK;
}

void gw__record_iter_free(gw_record_iter *iter) { gw__buf_free(&iter->key); }

/* The rest of the key replaces what is not shared. *less: it is not above the one before. */
static gw_status take_key(gw_record_iter *iter, uint64_t at, size_t shared, size_t unshared, bool *less, gw_error *error) {
  gw_buf *key = &iter->key;
  size_t before = key->size;
  if (shared + unshared > key->capacity && !gw__buf_reserve(key, shared + unshared - before)) return gw__buf_status(key, error);
  uint8_t first[GW_WINDOW_BYTES / 16];
  size_t part = unshared < sizeof first ? unshared : sizeof first, common = before - shared < part ? before - shared : part;
  gw_status status = gw__window_read(iter->window, at, first, part, error);
  if (status != GW_OK) return status;
  int order = common ? memcmp(first, key->data + shared, common) : 0;
  if (order == 0 && common == part && part < unshared && before - shared > part) {
    /* Long keys that begin alike: rare enough to hold both. */
    uint8_t *rest = gw__alloc(unshared, error);
    if (!rest) return GW_NO_MEMORY;
    status = gw__window_read(iter->window, at, rest, unshared, error);
    common = before - shared < unshared ? before - shared : unshared;
    if (status == GW_OK) order = memcmp(rest, key->data + shared, common);
    gw__free(rest);
    if (status != GW_OK) return status;
  }
  *less = iter->started && (order < 0 || (order == 0 && unshared <= before - shared));
  if (unshared > 0) status = gw__window_read(iter->window, at, key->data + shared, unshared, error);
  key->size = shared + unshared;
  return status;
}

gw_status gw__record_iter_next(gw_record_iter *iter, bool *more, gw_span *key, uint64_t *at, uint64_t *size, gw_error *error) {
  const uint8_t *bytes;
  size_t count;
  uint32_t shared, unshared, value;
  bool less = false;
  *more = false;
  if (iter->pos == iter->end) return GW_OK;
  uint64_t left = iter->end - iter->pos;
  gw_status status = gw__window_look(iter->window, iter->pos, left < HEADER ? (size_t)left : HEADER, &bytes, &count, error);
  if (status != GW_OK) return status;
  gw_cur cur = gw__cur(bytes, count < left ? count : (size_t)left, 0);
  if (!gw__get_varint32(&cur, &shared) || !gw__get_varint32(&cur, &unshared) || !gw__get_varint32(&cur, &value))
    return bad(iter, iter->pos, "an entry is cut off in its lengths", error);
  uint64_t begin = iter->pos + gw__cur_offset(&cur);
  if (shared > iter->key.size) return bad(iter, iter->pos, "an entry shares more of its key than the key before has", error);
  if (unshared > iter->end - begin || value > iter->end - begin - unshared) return bad(iter, iter->pos, "an entry reaches beyond its block", error);
  if (shared > iter->budget) {
    bad(iter, iter->pos, "the keys of a block are too large", error);
    if (error) error->status = GW_LIMIT;
    return GW_LIMIT;
  }
  iter->budget -= shared;
  status = take_key(iter, begin, shared, unshared, &less, error);
  if (status != GW_OK) return status;
  *key = (gw_span){(const char *)iter->key.data, iter->key.size};
  if (less) {
    status = bad(iter, iter->pos, "keys do not ascend", error);
    gw__error_key(error, key->data, key->size);
    return status;
  }
  iter->started = true;
  iter->pos = begin + unshared + value;
  *at = begin + unshared;
  *size = value;
  *more = true;
  return GW_OK;
}

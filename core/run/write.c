/* Writing data files: ranges of output bytes, read or made and summed on all threads, written in order by one at a time.
 * What was checked is what is written, because both are the same buffer. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "run.h"

/* ---- Cutting the output into pieces */

static gw_status add_piece(gw_run *run, const gw_piece *piece, gw_error *error) {
  gw_status status = gw__reserve((void **)&run->pieces, &run->piece_capacity, run->piece_count + 1, sizeof *run->pieces, error);
  if (status != GW_OK) return status;
  run->pieces[run->piece_count++] = *piece;
  run->total += piece->size;
  return GW_OK;
}

/* The pieces of [begin, end) in a written shard; *unit is the first that has bytes there. */
static gw_status cut_range(gw_run *run, int32_t shard, uint64_t begin, uint64_t end, size_t unit, gw_error *error) {
  const gw_plan *plan = run->plan;
  gw_status status = GW_OK;
  while (begin < end && status == GW_OK) {
    while (plan->units[unit].offset + plan->units[unit].size <= begin) unit++;
    uint64_t border = (begin / run->buffer + 1) * run->buffer;
    gw_piece piece = {.unit = unit, .begin = begin, .size = (border < end ? border : end) - begin, .shard = shard};
    status = add_piece(run, &piece, error);
    begin += piece.size;
  }
  return status;
}

static gw_status cut_tiles(gw_run *run, size_t unit, gw_error *error) {
  gw_piece piece = {.unit = unit, .shard = run->plan->units[unit].shard, .tile = true};
  gw_status status = GW_OK;
  for (; status == GW_OK && gw__run_tile_size(run, &run->plan->units[unit], piece.begin, &piece.size); piece.begin++)
    status = add_piece(run, &piece, error);
  return status;
}

/* The pieces of one written shard, whose units are [first, end): what is made in tiles lies between ranges of all else. */
static gw_status cut_shard(gw_run *run, size_t first, size_t end, gw_error *error) {
  const gw_plan *plan = run->plan;
  uint64_t begin = 0;
  gw_status status = GW_OK;
  int32_t shard = plan->units[first].shard;
  for (size_t i = first; i < end && status == GW_OK; i++) {
    const gw_unit *unit = &plan->units[i];
    if (!gw__run_has_tiles(run, unit)) continue;
    status = cut_range(run, shard, begin, unit->offset, first, error);
    if (status == GW_OK) status = cut_tiles(run, i, error);
    begin = unit->offset + unit->size;
    first = i + 1;
  }
  return status == GW_OK ? cut_range(run, shard, begin, plan->shards[shard].bytes, first, error) : status;
}

gw_status gw__run_cut_pieces(gw_run *run, gw_error *error) {
  const gw_plan *plan = run->plan;
  gw_status status = GW_OK;
  for (size_t i = 0; i < run->check_count && status == GW_OK; i++) {
    gw_piece check = {.unit = i, .size = run->checks[i]->stored, .check = true, .leaf = true};
    status = add_piece(run, &check, error);
  }
  for (size_t i = 0; i < plan->unit_count && status == GW_OK;) {
    int32_t shard = plan->units[i].shard;
    if (!plan->shards[shard].shared) {
      size_t end = i;
      while (end < plan->unit_count && plan->units[end].shard == shard) end++;
      status = cut_shard(run, i, end, error);
      i = end;
      continue;
    }
    gw_piece check = {.unit = i, .size = plan->units[i].size, .shard = shard, .check = true};
    if (plan->options.verify == GW_VERIFY_ALL) status = add_piece(run, &check, error);
    i++;
  }
  return status;
}

/* ---- Reading */

/* Small reads from one file go through a window, so that a hundred thousand scalars take a few reads and not as many.
 * It reads far ahead only where the last read was near: names and places often have the same order, but need not. */
static gw_status read_small(gw_worker *worker, const gw_file *file, uint64_t offset, uint8_t *out, size_t size, gw_error *error) {
  bool inside = worker->window_file == file && offset >= worker->window_offset &&
                offset - worker->window_offset <= worker->window_size &&
                size <= worker->window_size - (size_t)(offset - worker->window_offset);
  if (!inside) {
    bool near = worker->window_file == file && offset >= worker->window_offset && offset - worker->window_offset < 4 * GW_WINDOW;
    uint64_t left = file->size > offset ? file->size - offset : 0;
    size_t want = near ? GW_WINDOW : GW_WINDOW / 64;
    if (want < size) want = size;
    if (want > left && size <= left) want = (size_t)left;
    worker->window_file = NULL;
    gw_status status = gw__file_read(file, offset, worker->window, want, error);
    if (status != GW_OK) return status;
    worker->window_file = file;
    worker->window_offset = offset;
    worker->window_size = want;
  }
  memcpy(out, worker->window + (offset - worker->window_offset), size);
  return GW_OK;
}

static gw_status read_stored(gw_worker *worker, const gw_plan_item *item, const gw_entry *entry, uint64_t begin, uint8_t *out,
                             size_t size, gw_error *error) {
  const gw_file *file;
  if (size == 0) return GW_OK;
  gw_status status = gw__bundle_shard(item->bundle, entry->shard, &file, error);
  if (status == GW_OK)
    status = size <= GW_WINDOW / 4 ? read_small(worker, file, entry->offset + begin, out, size, error)
                                   : gw__file_read(file, entry->offset + begin, out, size, error);
  if (status != GW_OK) gw__error_key(error, entry->key, entry->key_size);
  return status;
}

static bool is_big(const gw_plan_item *item) { return item->bundle && item->bundle->header.big_endian; }

/* Stored bytes that are taken at their word: no checksum is made of them. */
static bool trusted(const gw_run *run, const gw_plan_item *item) {
  return item->bundle && !is_big(item) && run->plan->options.verify == GW_VERIFY_NONE;
}

/* A range of a unit, each element turned around. Those at the borders may be there in part. */
static gw_status read_swapped(gw_worker *worker, const gw_plan_item *item, const gw_entry *entry, uint64_t begin, uint8_t *out,
                              size_t size, gw_error *error) {
  uint8_t element[16];
  size_t width = gw_dtype_size(entry->dtype);
  gw_status status = GW_OK;
  while (size > 0 && status == GW_OK) {
    size_t skip = (size_t)(begin % width), part = size - size % width;
    bool border = skip > 0 || part == 0;
    if (border) part = width - skip < size ? width - skip : size;
    uint8_t *place = border ? element : out;
    status = read_stored(worker, item, entry, begin - skip, place, border ? width : part, error);
    if (status == GW_OK) gw__swap_elements(entry->dtype, place, border ? 1 : part / width);
    if (border && status == GW_OK) memcpy(out, element + skip, part);
    begin += part;
    out += part;
    size -= part;
  }
  return status;
}

/* Bytes [begin, begin + size) of a unit as they are to be written, and the checksums of that part. Those of strings are
 * left to a scan, which has to see them in order. */
static gw_status read_part(gw_run *run, gw_worker *worker, const gw_unit *unit, uint64_t begin, uint8_t *out, size_t size,
                           uint32_t *crc_in, uint32_t *crc_out, gw_error *error) {
  gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  size_t width = gw_dtype_size(entry ? entry->dtype : GW_DT_INVALID);
  *crc_in = *crc_out = 0;
  if (!entry) {
    gw_status status = gw__run_make_part(run, worker, unit, begin, out, size, error);
    if (status == GW_OK) *crc_out = gw__crc32c(out, size);
    return status;
  }
  gw_status status = read_stored(worker, item, entry, begin, out, size, error);
  if (status != GW_OK || trusted(run, item) || gw__dtype_has_strings(entry->dtype)) return status;
  *crc_in = *crc_out = gw__crc32c(out, size);
  if (is_big(item) && width > 1) {
    status = read_swapped(worker, item, entry, begin, out, size, error);
    *crc_out = gw__crc32c(out, size);
  }
  return status;
}

/* ---- Strings */

static gw_status in_data(const gw_plan_item *item, const gw_entry *entry, gw_status status, gw_error *error) {
  const gw_file *file;
  if (status == GW_OK) return GW_OK;
  if (gw__bundle_shard(item->bundle, entry->shard, &file, NULL) == GW_OK) gw__error_file(error, file->path);
  gw__error_key(error, entry->key, entry->key_size);
  gw__error_offset(error, entry->offset);
  return status;
}

static gw_status start_scan(gw_scan *scan, const gw_plan_item *item, const gw_entry *entry, gw_error *error) {
  uint64_t elements;
  gw_status status = gw__shape_elements(entry->rank, entry->dims, &elements, error);
  if (status == GW_OK) status = gw__scan_start(scan, entry->dtype, elements, entry->size, is_big(item), error);
  return in_data(item, entry, status, error);
}

static bool needs_scan(const gw_run *run, const gw_plan_item *item, const gw_entry *entry) {
  return entry && gw__dtype_has_strings(entry->dtype) && !trusted(run, item);
}

/* ---- Checksums of whole units */

/* Compares what was read with what is stored, and sets what is written. */
static gw_status settle(gw_run *run, gw_unit *unit, uint32_t crc_in, uint32_t crc_out, gw_error *error) {
  const gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  if (entry && trusted(run, item)) crc_out = gw__crc32c_unmask(entry->crc);
  else if (entry && crc_in != gw__crc32c_unmask(entry->crc)) return gw__bundle_mismatch(item->bundle, entry, crc_in, error);
  else if (!entry && gw__unit_tensor(run->plan, unit)->dtype == GW_DT_STRING) crc_out = gw__unit_tensor(run->plan, unit)->crc;
  unit->crc = gw__crc32c_mask(crc_out);
  return GW_OK;
}

static gw_status scan_whole(gw_run *run, gw_unit *unit, uint8_t *data, gw_error *error) {
  const gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  gw_scan scan;
  gw_status status = start_scan(&scan, item, entry, error);
  if (status != GW_OK) return status;
  status = gw__scan_feed(&scan, data, (size_t)unit->size, error);
  if (status == GW_OK) status = gw__scan_end(&scan, error);
  if (status != GW_OK) return in_data(item, entry, status, error);
  return settle(run, unit, scan.crc, scan.crc_little, error);
}

gw_status gw__run_sum_empty(gw_run *run, gw_error *error) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < run->plan->unit_count && status == GW_OK; i++) {
    gw_unit *unit = &run->plan->units[i];
    const gw_entry *entry = gw__unit_entry(run->plan, unit);
    if (unit->size > 0 || run->plan->shards[unit->shard].shared) continue;
    /* A string tensor of no bytes at all has no form to sum; TensorFlow reads it whatever its entry says. */
    if (entry && gw__dtype_has_strings(entry->dtype)) unit->crc = entry->crc;
    else status = settle(run, unit, 0, 0, error);
  }
  return status;
}

/* ---- Turns */

static gw_status wait_for_turn(gw_run *run, size_t number, gw_error *error) {
  pthread_mutex_lock(&run->turn_lock);
  while (run->turn != number && !atomic_load(&run->stop)) pthread_cond_wait(&run->turn_changed, &run->turn_lock);
  bool mine = run->turn == number && !atomic_load(&run->stop);
  pthread_mutex_unlock(&run->turn_lock);
  return mine ? GW_OK : gw__fail(error, GW_CANCELLED, "interrupted");
}

static void pass_turn(gw_run *run) {
  pthread_mutex_lock(&run->turn_lock);
  run->turn++;
  pthread_cond_broadcast(&run->turn_changed);
  pthread_mutex_unlock(&run->turn_lock);
}

void gw__run_stop(gw_run *run) {
  pthread_mutex_lock(&run->turn_lock);
  atomic_store(&run->stop, true);
  pthread_cond_broadcast(&run->turn_changed);
  pthread_mutex_unlock(&run->turn_lock);
}

/* ---- One piece: filled on any thread, then joined to its neighbours and written in its turn */

/* What a piece holds of a unit. */
typedef struct gw_part {
  uint64_t begin;  /* in the unit */
  size_t at, size; /* in the piece */
  bool first, last; /* the unit's first, last byte is in it */
} gw_part;

static gw_part part_of(const gw_piece *piece, const gw_unit *unit) {
  uint64_t piece_end = piece->begin + piece->size, unit_end = unit->offset + unit->size;
  uint64_t begin = unit->offset > piece->begin ? unit->offset : piece->begin;
  uint64_t end = unit_end < piece_end ? unit_end : piece_end;
  return (gw_part){.begin = begin - unit->offset, .at = (size_t)(begin - piece->begin), .size = (size_t)(end - begin),
                   .first = unit->offset >= piece->begin, .last = unit_end <= piece_end};
}

/* Walks the units of a piece that have bytes in it: NULL after the last. */
static gw_unit *next_unit(const gw_run *run, const gw_piece *piece, size_t *number) {
  while (*number < run->plan->unit_count) {
    gw_unit *unit = &run->plan->units[(*number)++];
    if (unit->shard != piece->shard || unit->offset >= piece->begin + piece->size) return NULL;
    if (unit->size > 0) return unit;
  }
  return NULL;
}

static gw_status fill(gw_run *run, gw_worker *worker, gw_piece *piece, gw_error *error) {
  gw_unit *unit;
  for (size_t number = piece->unit; (unit = next_unit(run, piece, &number)) != NULL;) {
    gw_part part = part_of(piece, unit);
    uint8_t *data = worker->out + part.at;
    uint32_t crc_in, crc_out;
    gw_status status = read_part(run, worker, unit, part.begin, data, part.size, &crc_in, &crc_out, error);
    if (status != GW_OK) return status;
    if (part.first && part.last) {
      bool scan = needs_scan(run, &run->plan->items[unit->item], gw__unit_entry(run->plan, unit));
      status = scan ? scan_whole(run, unit, data, error) : settle(run, unit, crc_in, crc_out, error);
      if (status != GW_OK) return status;
    } else if (part.first) {
      piece->tail_in = crc_in;
      piece->tail_out = crc_out;
    } else {
      piece->head_in = crc_in;
      piece->head_out = crc_out;
    }
  }
  return GW_OK;
}

/* The part of a unit that several pieces share, in order of place. */
static gw_status join_part(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_unit *unit, const gw_part *part,
                           gw_error *error) {
  gw_open_unit *open = &run->open;
  const gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  bool scan = needs_scan(run, item, entry);
  gw_status status = GW_OK;
  if (part->first) {
    open->crc_in = piece->tail_in;
    open->crc_out = piece->tail_out;
    if (scan) status = start_scan(&open->scan, item, entry, error);
  } else {
    open->crc_in = gw__crc32c_combine(open->crc_in, piece->head_in, part->size);
    open->crc_out = gw__crc32c_combine(open->crc_out, piece->head_out, part->size);
  }
  if (status != GW_OK) return status;
  if (scan) {
    status = gw__scan_feed(&open->scan, worker->out + part->at, part->size, error);
    if (status == GW_OK && part->last) status = gw__scan_end(&open->scan, error);
    if (status != GW_OK) return in_data(item, entry, status, error);
    open->crc_in = open->scan.crc;
    open->crc_out = open->scan.crc_little;
  }
  return part->last ? settle(run, unit, open->crc_in, open->crc_out, error) : GW_OK;
}

static gw_status join(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  gw_unit *unit;
  gw_status status = GW_OK;
  for (size_t number = piece->unit; status == GW_OK && (unit = next_unit(run, piece, &number)) != NULL;) {
    gw_part part = part_of(piece, unit);
    if (!part.first || !part.last) status = join_part(run, worker, piece, unit, &part, error);
  }
  return status;
}

/* A piece inside of one unit that is taken at its word: the kernel copies it. */
static bool is_plain_copy(const gw_run *run, const gw_piece *piece) {
  const gw_unit *unit = &run->plan->units[piece->unit];
  gw_part part = part_of(piece, unit);
  return part.size == piece->size && trusted(run, &run->plan->items[unit->item]);
}

static gw_status plain_copy(gw_run *run, const gw_piece *piece, gw_error *error) {
  gw_unit *unit = &run->plan->units[piece->unit];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  const gw_file *file;
  gw_part part = part_of(piece, unit);
  gw_status status = gw__bundle_shard(run->plan->items[unit->item].bundle, entry->shard, &file, error);
  if (status == GW_OK)
    status = gw__file_copy_range(file, entry->offset + part.begin, run->data_files[piece->shard], piece->begin, piece->size, error);
  /* A unit of several pieces is settled by join. */
  return status == GW_OK && part.first && part.last ? settle(run, unit, 0, 0, error) : status;
}

static gw_status check_shared(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  if (piece->leaf) {
    const gw_tensor *leaf = run->checks[piece->unit];
    return leaf->ops->check(leaf->source, leaf->index, error);
  }
  const gw_unit *unit = &run->plan->units[piece->unit];
  gw_bundle *bundle = run->plan->items[unit->item].bundle;
  return gw__bundle_check_entry(bundle, gw__unit_entry(run->plan, unit), worker->out, run->buffer, error);
}

enum { SYNC_STEP = 16 << 20 }; /* bytes that are given to the disk at once */

/* The disk works while the next pieces are made: without it all of that time comes at the end, in the sync. */
static void begin_sync(gw_run *run, const gw_piece *piece) {
  if (piece->tile) return;
  uint64_t end = piece->begin + piece->size, border = end / SYNC_STEP * SYNC_STEP;
  if (border > piece->begin && border >= SYNC_STEP) gw__file_begin_sync(run->data_files[piece->shard], border - SYNC_STEP, SYNC_STEP);
}

static gw_status do_piece(gw_run *run, gw_worker *worker, size_t number, gw_error *error) {
  gw_piece *piece = &run->pieces[number];
  bool plain = !piece->check && !piece->tile && is_plain_copy(run, piece);
  gw_status status = GW_OK;
  if (piece->check) status = check_shared(run, worker, piece, error);
  else if (piece->tile) status = gw__run_make_tile(run, worker, piece, error);
  else if (!plain) status = fill(run, worker, piece, error);
  if (status == GW_OK) status = wait_for_turn(run, number, error);
  if (status != GW_OK || piece->check) return status;
  if (piece->tile) return gw__run_write_tile(run, worker, piece, error);
  status = join(run, worker, piece, error);
  if (status != GW_OK) return status;
  status = plain ? plain_copy(run, piece, error)
                 : gw__file_write(run->data_files[piece->shard], piece->begin, worker->out, (size_t)piece->size, error);
  if (status == GW_OK) begin_sync(run, piece);
  return status;
}

gw_status gw__run_piece(void *context, unsigned worker, size_t number, gw_error *error) {
  gw_run *run = context;
  gw_status status = do_piece(run, &run->workers[worker], number, error);
  if (status != GW_OK) {
    gw__run_stop(run);
    return status;
  }
  atomic_fetch_add(&run->done, run->pieces[number].size);
  pass_turn(run);
  return GW_OK;
}

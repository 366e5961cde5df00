/* Writing data files: pieces of output bytes, each read or made, summed and written by one thread. What was checked is
 * what is written, because both are the same buffer. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "run.h"

/* ---- Cutting the output into pieces */

static gw_status add_piece(gw_run *run, const gw_piece *piece, gw_error *error) {
  gw_status status = gw__reserve((void **)&run->pieces, &run->piece_capacity, run->piece_count + 1, sizeof *run->pieces, error);
  if (status != GW_OK) return status;
  run->pieces[run->piece_count++] = *piece;
  run->total += piece->size;
  return GW_OK;
}

static gw_status cut_large(gw_run *run, size_t number, gw_error *error) {
  const gw_unit *unit = &run->plan->units[number];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  gw_piece piece = {.unit = number, .units = 1, .size = unit->size, .part = true};
  if (entry && gw__dtype_has_strings(entry->dtype)) {
    piece.stream = true;
    return add_piece(run, &piece, error);
  }
  /* The buffer is a multiple of every element size, so no element is cut in two. Stored strings of a constant may be
   * cut anywhere. */
  gw_status status = GW_OK;
  for (; piece.begin < unit->size && status == GW_OK; piece.begin += piece.size) {
    uint64_t left = unit->size - piece.begin;
    piece.size = left < run->buffer ? left : run->buffer;
    status = add_piece(run, &piece, error);
  }
  return status;
}

gw_status gw__run_cut_pieces(gw_run *run, gw_error *error) {
  const gw_plan *plan = run->plan;
  gw_piece piece = {.units = 0};
  gw_status status = GW_OK;
  for (size_t i = 0; i < plan->unit_count && status == GW_OK; i++) {
    const gw_unit *unit = &plan->units[i];
    if (plan->shards[unit->shard].shared) {
      if (plan->options.verify != GW_VERIFY_ALL) continue;
      gw_piece check = {.unit = i, .units = 1, .size = unit->size, .check = true};
      status = add_piece(run, &check, error);
      continue;
    }
    bool joins = piece.units > 0 && plan->units[piece.unit].shard == unit->shard && piece.size + unit->size <= run->buffer;
    if (!joins && piece.units > 0) {
      status = add_piece(run, &piece, error);
      piece.units = 0;
    }
    if (status != GW_OK) break;
    if (unit->size > run->buffer) {
      status = cut_large(run, i, error);
    } else if (joins) {
      piece.units++;
      piece.size += unit->size;
    } else {
      piece = (gw_piece){.unit = i, .units = 1, .size = unit->size};
    }
  }
  if (status == GW_OK && piece.units > 0) status = add_piece(run, &piece, error);
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

static gw_status read_stored(gw_worker *worker, const gw_plan_item *item, const gw_entry *entry, uint64_t begin,
                             uint8_t *out, size_t size, gw_error *error) {
  const gw_file *file;
  if (size == 0) return GW_OK;
  gw_status status = gw__bundle_shard(item->bundle, entry->shard, &file, error);
  if (status == GW_OK)
    status = size <= GW_WINDOW / 4 ? read_small(worker, file, entry->offset + begin, out, size, error)
                                   : gw__file_read(file, entry->offset + begin, out, size, error);
  if (status != GW_OK) gw__error_key(error, entry->key, entry->key_size);
  return status;
}

static gw_status mismatch(const gw_plan_item *item, const gw_entry *entry, uint32_t found, gw_error *error) {
  return gw__bundle_mismatch(item->bundle, entry, found, error);
}

static bool verifies(const gw_run *run) { return run->plan->options.verify != GW_VERIFY_NONE; }

/* A whole string tensor in the buffer: its form is checked, its checksum found on the way. */
static gw_status scan_whole(gw_run *run, const gw_plan_item *item, const gw_entry *entry, uint8_t *data, uint32_t *crc,
                            gw_error *error) {
  gw_scan scan;
  uint64_t elements;
  bool big = item->bundle->header.big_endian;
  if (!verifies(run) && !big) {
    *crc = gw__crc32c_unmask(entry->crc);
    return GW_OK;
  }
  gw_status status = gw__shape_elements(entry->rank, entry->dims, &elements, error);
  if (status == GW_OK) status = gw__scan_start(&scan, entry->dtype, elements, entry->size, big, error);
  if (status == GW_OK) status = gw__scan_feed(&scan, data, (size_t)entry->size, error);
  if (status == GW_OK) status = gw__scan_end(&scan, error);
  if (status != GW_OK) {
    const gw_file *file;
    if (gw__bundle_shard(item->bundle, entry->shard, &file, NULL) == GW_OK) gw__error_file(error, file->path);
    gw__error_offset(error, entry->offset);
    return gw__error_key(error, entry->key, entry->key_size), status;
  }
  *crc = entry->size > 0 ? scan.crc_little : 0;
  if (verifies(run) && entry->size > 0 && scan.crc != gw__crc32c_unmask(entry->crc)) return mismatch(item, entry, scan.crc, error);
  if (entry->size == 0) *crc = gw__crc32c_unmask(entry->crc);
  return GW_OK;
}

/* One whole unit into the buffer, and its checksum. */
static gw_status whole_unit(gw_run *run, gw_worker *worker, gw_unit *unit, uint8_t *out, gw_error *error) {
  gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  size_t size = (size_t)unit->size;
  uint32_t crc;
  gw_status status;
  if (!entry) {
    status = gw__expr_read_bytes(item->tensor, 0, size, out, error);
    crc = item->tensor->dtype == GW_DT_STRING ? item->tensor->crc : gw__crc32c(out, size);
    if (status != GW_OK) return gw__error_key(error, item->name.data, item->name.size), status;
  } else {
    status = read_stored(worker, item, entry, 0, out, size, error);
    if (status != GW_OK) return status;
    bool big = item->bundle->header.big_endian;
    if (gw__dtype_has_strings(entry->dtype)) {
      status = scan_whole(run, item, entry, out, &crc, error);
      if (status != GW_OK) return status;
    } else {
      crc = verifies(run) ? gw__crc32c(out, size) : gw__crc32c_unmask(entry->crc);
      if (crc != gw__crc32c_unmask(entry->crc)) return mismatch(item, entry, crc, error);
      if (big) {
        gw__swap_elements(entry->dtype, out, size / (gw_dtype_size(entry->dtype) ? gw_dtype_size(entry->dtype) : 1));
        crc = gw__crc32c(out, size);
      }
    }
  }
  unit->crc = gw__crc32c_mask(crc);
  return GW_OK;
}

/* ---- One piece */

static gw_status write_out(gw_run *run, const gw_unit *unit, uint64_t begin, const uint8_t *data, size_t size, gw_error *error) {
  gw_status status = gw__file_write(run->data_files[unit->shard], unit->offset + begin, data, size, error);
  atomic_fetch_add(&run->done, size);
  return status;
}

static gw_status many_units(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  gw_status status = GW_OK;
  size_t used = 0;
  for (size_t i = 0; i < piece->units && status == GW_OK; i++) {
    gw_unit *unit = &run->plan->units[piece->unit + i];
    status = whole_unit(run, worker, unit, worker->out + used, error);
    used += (size_t)unit->size;
  }
  return status == GW_OK ? write_out(run, &run->plan->units[piece->unit], 0, worker->out, used, error) : status;
}

static gw_status part_of_unit(gw_run *run, gw_worker *worker, gw_piece *piece, gw_error *error) {
  const gw_unit *unit = &run->plan->units[piece->unit];
  gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  size_t size = (size_t)piece->size;
  gw_status status;
  if (entry && !verifies(run) && !item->bundle->header.big_endian) {
    const gw_file *file;
    status = gw__bundle_shard(item->bundle, entry->shard, &file, error);
    if (status == GW_OK)
      status = gw__file_copy_range(file, entry->offset + piece->begin, run->data_files[unit->shard], unit->offset + piece->begin,
                                   size, error);
    atomic_fetch_add(&run->done, size);
    return status;
  }
  if (entry) {
    status = read_stored(worker, item, entry, piece->begin, worker->out, size, error);
    if (status == GW_OK) piece->crc_in = piece->crc_out = gw__crc32c(worker->out, size);
    if (status == GW_OK && item->bundle->header.big_endian) {
      size_t width = gw_dtype_size(entry->dtype);
      if (width > 1) gw__swap_elements(entry->dtype, worker->out, size / width);
      piece->crc_out = gw__crc32c(worker->out, size);
    }
  } else {
    status = gw__expr_read_bytes(item->tensor, piece->begin, size, worker->out, error);
    if (status == GW_OK) piece->crc_out = gw__crc32c(worker->out, size);
    else gw__error_key(error, item->name.data, item->name.size);
  }
  return status == GW_OK ? write_out(run, unit, piece->begin, worker->out, size, error) : status;
}

static gw_status stream_unit(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  gw_unit *unit = &run->plan->units[piece->unit];
  gw_plan_item *item = &run->plan->items[unit->item];
  const gw_entry *entry = gw__unit_entry(run->plan, unit);
  gw_scan scan;
  uint64_t elements, done = 0;
  gw_status status = gw__shape_elements(entry->rank, entry->dims, &elements, error);
  if (status == GW_OK)
    status = gw__scan_start(&scan, entry->dtype, elements, entry->size, item->bundle->header.big_endian, error);
  while (status == GW_OK && done < unit->size) {
    size_t size = unit->size - done < run->buffer ? (size_t)(unit->size - done) : run->buffer;
    if (atomic_load(&run->stop)) return gw__fail(error, GW_CANCELLED, "interrupted");
    status = read_stored(worker, item, entry, done, worker->out, size, error);
    if (status == GW_OK) status = gw__scan_feed(&scan, worker->out, size, error);
    if (status == GW_OK) status = write_out(run, unit, done, worker->out, size, error);
    done += size;
  }
  if (status == GW_OK) status = gw__scan_end(&scan, error);
  if (status != GW_OK) return gw__error_key(error, entry->key, entry->key_size), status;
  if (scan.crc != gw__crc32c_unmask(entry->crc)) return mismatch(item, entry, scan.crc, error);
  unit->crc = gw__crc32c_mask(scan.crc_little);
  return GW_OK;
}

static gw_status check_shared(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  const gw_unit *unit = &run->plan->units[piece->unit];
  gw_bundle *bundle = run->plan->items[unit->item].bundle;
  gw_status status = gw__bundle_check_entry(bundle, gw__unit_entry(run->plan, unit), worker->out, run->buffer, error);
  atomic_fetch_add(&run->done, unit->size);
  return status;
}

gw_status gw__run_piece(void *context, unsigned number, size_t piece_number, gw_error *error) {
  gw_run *run = context;
  gw_worker *worker = &run->workers[number];
  gw_piece *piece = &run->pieces[piece_number];
  if (piece->check) return check_shared(run, worker, piece, error);
  if (piece->stream) return stream_unit(run, worker, piece, error);
  if (piece->part) return part_of_unit(run, worker, piece, error);
  return many_units(run, worker, piece, error);
}

/* ---- Checksums of large units, from those of their parts in order of place */

gw_status gw__run_combine(gw_run *run, gw_error *error) {
  for (size_t i = 0; i < run->piece_count;) {
    const gw_piece *piece = &run->pieces[i];
    if (!piece->part || piece->stream) {
      i++;
      continue;
    }
    gw_unit *unit = &run->plan->units[piece->unit];
    const gw_plan_item *item = &run->plan->items[unit->item];
    const gw_entry *entry = gw__unit_entry(run->plan, unit);
    uint32_t crc_in = 0, crc_out = 0;
    size_t first = piece->unit;
    for (; i < run->piece_count && run->pieces[i].part && run->pieces[i].unit == first; i++) {
      crc_in = gw__crc32c_combine(crc_in, run->pieces[i].crc_in, run->pieces[i].size);
      crc_out = gw__crc32c_combine(crc_out, run->pieces[i].crc_out, run->pieces[i].size);
    }
    if (!entry) {
      if (item->tensor->dtype == GW_DT_STRING) crc_out = item->tensor->crc;
    } else if (!verifies(run) && !item->bundle->header.big_endian) {
      crc_out = gw__crc32c_unmask(entry->crc);
    } else if (crc_in != gw__crc32c_unmask(entry->crc)) {
      return mismatch(item, entry, crc_in, error);
    }
    unit->crc = gw__crc32c_mask(crc_out);
  }
  return GW_OK;
}

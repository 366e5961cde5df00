/* The computed tensors of a run: parts of them for the pieces that write.c fills, tiles of those that are best made in boxes,
 * and the checksums of what is read for them. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "run.h"

enum { SMALL = 64 << 10 }; /* bytes of a tensor that is not worth tiles */

static const gw_tensor *tensor_of(const gw_run *run, const gw_unit *unit) { return gw__unit_tensor(run->plan, unit); }

static bool verifies(const gw_run *run) { return run->plan->options.verify != GW_VERIFY_NONE; }

/* ---- Preparing */

static gw_status plan_tiles(gw_run *run, gw_making *making, const gw_tensor *tensor, gw_error *error) {
  gw_access access;
  if (tensor->dtype == GW_DT_STRING || tensor->stored <= SMALL) return GW_OK;
  gw_status status = gw__access_of(tensor, &access, error);
  if (status == GW_OK && !access.flat) {
    making->step = gw__alloc_array(tensor->rank, sizeof *making->step, error);
    if (!making->step) status = GW_NO_MEMORY;
    else gw__access_shape(tensor, &access, tensor->dims, run->tile / gw_dtype_size(tensor->dtype), true, making->step);
  }
  gw__access_free(&access);
  return status;
}

/* A leaf that the sums do not cover is read once by itself, whoever uses it. */
static gw_status note_checks(gw_run *run, const gw_tensor *tensor, gw_error *error) {
  for (size_t i = 0; i < tensor->leaf_count; i++) {
    const gw_tensor *leaf = tensor->leaves[i].leaf;
    bool known = leaf->dtype == GW_DT_STRING || gw__leaf_is_summed(&tensor->leaves[i]);
    for (size_t j = run->check_count; j-- > 0 && !known;)
      known = run->checks[j]->source == leaf->source && run->checks[j]->index == leaf->index;
    if (known) continue;
    gw_status status = gw__reserve((void **)&run->checks, &run->check_capacity, run->check_count + 1, sizeof *run->checks, error);
    if (status != GW_OK) return status;
    run->checks[run->check_count++] = leaf;
  }
  return GW_OK;
}

/* What is read for an item: its slices share it, since only together they read every byte of a leaf. */
static gw_reading *reading_of(gw_run *run, const gw_unit *unit, size_t leaves, gw_error *error) {
  const gw_plan_item *item = &run->plan->items[unit->item];
  if (!run->readings) run->readings = gw__alloc_array(run->plan->item_count, sizeof *run->readings, error);
  if (!run->readings || run->readings[unit->item]) return run->readings ? run->readings[unit->item] : NULL;
  gw_reading *reading = gw__alloc_array(1, sizeof *reading, error);
  if (!reading) return NULL;
  run->readings[unit->item] = reading;
  for (size_t i = 0; i < item->unit_count; i++) reading->left += run->plan->units[run->plan->units_of[item->first_unit + i]].size;
  reading->sums = gw__alloc_array(leaves, sizeof *reading->sums, error);
  return reading->sums ? reading : NULL;
}

gw_status gw__run_plan_makings(gw_run *run, gw_error *error) {
  const gw_plan *plan = run->plan;
  gw_status status = GW_OK;
  for (size_t i = 0; i < plan->unit_count && status == GW_OK; i++) {
    const gw_tensor *tensor = tensor_of(run, &plan->units[i]);
    if (!tensor || tensor->op == GW_OP_CONSTANT || tensor->op == GW_OP_FILL || plan->units[i].size == 0) continue;
    if (!run->makings) run->makings = gw__alloc_array(plan->unit_count, sizeof *run->makings, error);
    gw_making *making = run->makings ? gw__alloc_array(1, sizeof *making, error) : NULL;
    if (!making) return GW_NO_MEMORY;
    run->makings[i] = making;
    making->left = plan->units[i].size;
    making->reading = reading_of(run, &plan->units[i], tensor->leaf_count, error);
    status = making->reading ? plan_tiles(run, making, tensor, error) : GW_NO_MEMORY;
    run->has_tiles = run->has_tiles || making->step;
    if (tensor->leaf_count > run->most_leaves) run->most_leaves = tensor->leaf_count;
    if (status == GW_OK && verifies(run)) status = note_checks(run, tensor, error);
  }
  return status;
}

void gw__run_free_makings(gw_run *run) {
  for (size_t i = 0; run->makings && i < run->plan->unit_count; i++) {
    if (!run->makings[i]) continue;
    gw__free(run->makings[i]->step);
    gw__free(run->makings[i]);
  }
  for (size_t i = 0; run->readings && i < run->plan->item_count; i++) {
    if (run->readings[i]) gw__free(run->readings[i]->sums);
    gw__free(run->readings[i]);
  }
  gw__free(run->readings);
  gw__free(run->makings);
  gw__free(run->checks);
}

/* ---- What was read */

static gw_making *making_of(const gw_run *run, const gw_unit *unit) {
  return run->makings ? run->makings[unit - run->plan->units] : NULL;
}

/* `size` more bytes of a unit are made. Whoever makes the last ones compares the checksums. */
static gw_status account(gw_run *run, gw_worker *worker, const gw_unit *unit, size_t size, uint32_t crc, bool *last, gw_error *error) {
  gw_making *making = making_of(run, unit);
  const gw_tensor *tensor = tensor_of(run, unit);
  *last = false;
  if (!making) return GW_OK;
  gw_reading *reading = making->reading;
  pthread_mutex_lock(&run->making_lock);
  for (size_t i = 0; i < tensor->leaf_count; i++) {
    reading->sums[i].bytes += worker->sums[i].bytes;
    reading->sums[i].crc ^= worker->sums[i].crc;
  }
  making->crc ^= crc;
  making->left -= size;
  reading->left -= size;
  *last = making->left == 0;
  bool all_read = reading->left == 0;
  pthread_mutex_unlock(&run->making_lock);
  return all_read && verifies(run) && tensor->dtype != GW_DT_STRING ? gw__sums_check(tensor, reading->sums, error) : GW_OK;
}

static gw_leaf_sum *clear_sums(gw_run *run, gw_worker *worker, const gw_tensor *tensor) {
  if (!run->makings) return NULL; /* constants only */
  memset(worker->sums, 0, tensor->leaf_count * sizeof *worker->sums);
  return verifies(run) ? worker->sums : NULL;
}

/* ---- A part, wherever it begins and ends */

gw_status gw__run_make_part(gw_run *run, gw_worker *worker, const gw_unit *unit, uint64_t begin, uint8_t *out, size_t size,
                            gw_error *error) {
  const gw_plan_item *item = &run->plan->items[unit->item];
  const gw_tensor *tensor = tensor_of(run, unit);
  size_t width = gw_dtype_size(tensor->dtype);
  bool last;
  gw_leaf_sum *sums = clear_sums(run, worker, tensor);
  gw_status status = GW_OK;
  if (tensor->dtype == GW_DT_STRING) {
    gw__expr_stored(tensor, begin, size, out);
    return GW_OK;
  }
  size_t whole = size;
  while (size > 0 && status == GW_OK) {
    _Alignas(16) uint8_t element[16];
    size_t skip = (size_t)(begin % width), part = size - size % width;
    if (skip > 0 || part == 0) { /* an element that lies across a border is made on both sides, but read for one */
      part = width - skip < size ? width - skip : size;
      status = gw__eval_flat(&worker->eval, tensor, begin / width, 1, element, skip == 0 ? sums : NULL, error);
      memcpy(out, element + skip, part);
    } else {
      status = gw__eval_flat(&worker->eval, tensor, begin / width, part / width, out, sums, error);
    }
    begin += part;
    out += part;
    size -= part;
  }
  if (status == GW_OK) status = account(run, worker, unit, whole, 0, &last, error);
  if (status != GW_OK) gw__error_key(error, item->name.data, item->name.size);
  return status;
}

/* ---- Tiles */

bool gw__run_has_tiles(const gw_run *run, const gw_unit *unit) {
  const gw_making *making = making_of(run, unit);
  return making && making->step;
}

/* Where tile `number` lies, row-major among all tiles; false behind the last. Returns its elements in *count. */
static bool tile_at(const gw_tensor *tensor, const gw_making *making, uint64_t number, int64_t *start, int64_t *size, uint64_t *count) {
  *count = 1;
  for (size_t i = tensor->rank; i-- > 0;) {
    uint64_t steps = (uint64_t)((tensor->dims[i] - 1) / making->step[i] + 1);
    start[i] = (int64_t)(number % steps) * making->step[i];
    size[i] = tensor->dims[i] - start[i] < making->step[i] ? tensor->dims[i] - start[i] : making->step[i];
    *count *= (uint64_t)size[i];
    number /= steps;
  }
  return number == 0;
}

bool gw__run_tile_size(const gw_run *run, const gw_unit *unit, uint64_t number, uint64_t *bytes) {
  int64_t start[GW_MAX_RANK], size[GW_MAX_RANK];
  const gw_tensor *tensor = tensor_of(run, unit);
  bool there = tile_at(tensor, making_of(run, unit), number, start, size, bytes);
  *bytes *= gw_dtype_size(tensor->dtype);
  return there;
}

/* The runs of a tile in the output: bytes that lie together there. */
typedef struct gw_tile {
  const gw_tensor *tensor;
  int64_t start[GW_MAX_RANK], size[GW_MAX_RANK], at[GW_MAX_RANK];
  size_t outer;
  uint64_t run, offset; /* bytes; `offset` of the next run in the tensor */
  uint64_t count;       /* elements of the tile */
} gw_tile;

static void tile_start(const gw_run *run, const gw_piece *piece, gw_tile *tile) {
  const gw_unit *unit = &run->plan->units[piece->unit];
  const gw_tensor *tensor = tensor_of(run, unit);
  tile->tensor = tensor;
  tile_at(tensor, making_of(run, unit), piece->begin, tile->start, tile->size, &tile->count);
  memset(tile->at, 0, tensor->rank * sizeof *tile->at);
  tile->run = gw_dtype_size(tensor->dtype);
  uint64_t stride = tile->run;
  tile->outer = tensor->rank;
  bool inside = true;
  tile->offset = 0;
  for (size_t i = tensor->rank; i-- > 0;) {
    if (inside) {
      tile->run *= (uint64_t)tile->size[i];
      tile->outer = i;
    }
    inside = inside && tile->size[i] == tensor->dims[i];
    tile->offset += (uint64_t)tile->start[i] * stride;
    stride *= (uint64_t)tensor->dims[i];
  }
}

static bool tile_next(gw_tile *tile) {
  uint64_t stride = gw_dtype_size(tile->tensor->dtype);
  size_t axis = tile->tensor->rank;
  while (axis > tile->outer) stride *= (uint64_t)tile->tensor->dims[--axis];
  while (axis-- > 0) {
    tile->offset += stride;
    if (++tile->at[axis] < tile->size[axis]) return true;
    tile->offset -= stride * (uint64_t)tile->size[axis];
    tile->at[axis] = 0;
    stride *= (uint64_t)tile->tensor->dims[axis];
  }
  return false;
}

gw_status gw__run_make_tile(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  gw_unit *unit = &run->plan->units[piece->unit];
  const gw_plan_item *item = &run->plan->items[unit->item];
  gw_tile tile;
  bool last = false;
  tile_start(run, piece, &tile);
  gw_leaf_sum *sums = clear_sums(run, worker, tile.tensor);
  gw_status status = gw__eval_box(&worker->eval, tile.tensor, tile.start, tile.size, worker->out, sums, error);
  /* Runs are mostly equally far apart, so that one power moves the checksum of those before. */
  uint64_t end = 0, distance = 0;
  uint32_t crc = 0, power = 0;
  const uint8_t *from = worker->out;
  for (bool more = status == GW_OK; more; more = tile_next(&tile)) {
    if (end > 0 && tile.offset + tile.run - end != distance) {
      distance = tile.offset + tile.run - end;
      power = gw__crc32c_power(distance);
    }
    if (end > 0) crc = gw__crc32c_move(crc, power);
    crc ^= gw__crc32c(from, tile.run);
    end = tile.offset + tile.run;
    from += tile.run;
  }
  if (status == GW_OK)
    status = account(run, worker, unit, (size_t)piece->size, gw__crc32c_move(crc, gw__crc32c_power(unit->size - end)), &last, error);
  if (status != GW_OK) gw__error_key(error, item->name.data, item->name.size);
  if (last) unit->crc = gw__crc32c_mask(making_of(run, unit)->crc);
  return status;
}

gw_status gw__run_write_tile(gw_run *run, gw_worker *worker, const gw_piece *piece, gw_error *error) {
  const gw_unit *unit = &run->plan->units[piece->unit];
  gw_tile tile;
  tile_start(run, piece, &tile);
  const uint8_t *from = worker->out;
  gw_status status = GW_OK;
  for (bool more = true; more && status == GW_OK; more = tile_next(&tile)) {
    status = gw__file_write(run->data_files[piece->shard], unit->offset + tile.offset, from, tile.run, error);
    from += tile.run;
  }
  if (status == GW_OK && tile.run == piece->size)
    gw__file_begin_sync(run->data_files[piece->shard], unit->offset + tile.offset, tile.run);
  return status;
}

/* Writing the index of a plan: one table entry per tensor, and one per slice. */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../table/table.h"
#include "run.h"

enum { FLUSH = 1 << 20 };

/* A key of the table: an item's name, or the encoded key of one of its slices. */
typedef struct gw_row {
  gw_span key;
  uint32_t item;
  uint32_t slice; /* 1 + which slice; 0: the item itself */
} gw_row;

static int by_key(const void *a, const void *b) {
  const gw_row *left = a, *right = b;
  size_t shorter = left->key.size < right->key.size ? left->key.size : right->key.size;
  int order = shorter ? memcmp(left->key.data, right->key.data, shorter) : 0;
  if (order != 0) return order;
  return left->key.size < right->key.size ? -1 : left->key.size > right->key.size;
}

/* dtype, rank, dims and parts of an item, as an entry has them. */
static gw_entry shape_of(const gw_plan_item *item) {
  const gw_tensor *tensor = item->tensor;
  if (item->bundle) return *gw__bundle_at(item->bundle, item->index);
  return (gw_entry){.dtype = tensor->dtype, .rank = (uint16_t)tensor->rank, .dims = tensor->dims, .parts = item->parts};
}

/* Rows of the slices; items are in order already, so only a mixture has to be sorted. */
static gw_status list_rows(const gw_plan *plan, gw_arena *arena, gw_row **out, size_t *count, gw_error *error) {
  size_t total = plan->item_count, capacity = 0;
  for (size_t i = 0; i < plan->item_count; i++)
    if (gw__item_parts(&plan->items[i])) total += plan->items[i].unit_count;
  gw_row *rows = NULL;
  gw_status status = gw__reserve((void **)&rows, &capacity, total, sizeof *rows, error);
  if (status != GW_OK) return status;
  *count = 0;
  gw_buf key = GW_BUF_INIT;
  for (size_t i = 0; i < plan->item_count && status == GW_OK; i++) {
    const gw_plan_item *item = &plan->items[i];
    gw_entry shape = shape_of(item);
    rows[(*count)++] = (gw_row){item->name, (uint32_t)i, 0};
    for (size_t j = 0; shape.parts && j < item->unit_count && status == GW_OK; j++) {
      gw__buf_clear(&key);
      gw__put_slice_key(&key, item->name, shape.rank, shape.parts->starts + j * shape.rank, shape.parts->lengths + j * shape.rank);
      status = gw__buf_status(&key, error);
      const char *copy = status == GW_OK ? gw__arena_text(arena, (const char *)key.data, key.size, error) : NULL;
      if (!copy) status = GW_NO_MEMORY;
      else rows[(*count)++] = (gw_row){{copy, key.size}, (uint32_t)i, (uint32_t)j + 1};
    }
  }
  gw__buf_free(&key);
  if (status != GW_OK) {
    gw__free(rows);
    return status;
  }
  if (total > plan->item_count) qsort(rows, total, sizeof *rows, by_key);
  *out = rows;
  return GW_OK;
}

/* The shard that TensorFlow's merge leaves in a parent: that of the first input that has it (FORMAT.md, 5). */
static int32_t first_shard(const gw_plan *plan, const gw_plan_item *item) {
  int32_t first = INT32_MAX;
  for (size_t i = 0; i < item->unit_count; i++) {
    int32_t shard = plan->units[plan->units_of[item->first_unit + i]].shard;
    if (shard < first) first = shard;
  }
  return first;
}

static gw_status put_row(const gw_plan *plan, const gw_row *row, gw_buf *value, gw_error *error) {
  const gw_plan_item *item = &plan->items[row->item];
  gw_entry shape = shape_of(item), entry = {.dtype = shape.dtype};
  if (shape.parts && row->slice == 0) {
    entry.rank = shape.rank;
    entry.dims = shape.dims;
    entry.parts = shape.parts;
    entry.shard = first_shard(plan, item);
    return gw__put_entry(value, &entry, error);
  }
  const gw_unit *unit = &plan->units[plan->units_of[item->first_unit + (row->slice ? row->slice - 1 : 0)]];
  const gw_entry *stored = gw__unit_entry(plan, unit);
  const gw_tensor *made = gw__unit_tensor(plan, unit);
  entry.rank = (uint16_t)(stored ? stored->rank : made->rank);
  entry.dims = stored ? stored->dims : made->dims;
  entry.shard = unit->shard;
  entry.offset = unit->offset;
  entry.size = unit->size;
  entry.crc = unit->crc;
  return gw__put_entry(value, &entry, error);
}

static gw_status flush(gw_file *file, gw_buf *out, uint64_t *written, gw_error *error) {
  gw_status status = gw__buf_status(out, error);
  if (status == GW_OK) status = gw__file_write(file, *written, out->data, out->size, error);
  *written += out->size;
  gw__buf_clear(out);
  return status;
}

static gw_status write_rows(const gw_plan *plan, const gw_row *rows, size_t count, int32_t shards, gw_file *file, gw_error *error) {
  gw_table_writer *writer = NULL;
  gw_buf value = GW_BUF_INIT, out = GW_BUF_INIT;
  uint64_t written = 0;
  gw_header header = plan->header;
  header.shards = shards;
  gw_status status = gw__table_writer_new(&writer, error);
  if (status == GW_OK) {
    gw__put_header(&value, &header);
    status = gw__buf_status(&value, error);
  }
  gw_span empty = {"", 0};
  if (status == GW_OK) status = gw__table_writer_add(writer, empty, (gw_span){(char *)value.data, value.size}, &out, error);
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    gw__buf_clear(&value);
    status = put_row(plan, &rows[i], &value, error);
    if (status == GW_OK)
      status = gw__table_writer_add(writer, rows[i].key, (gw_span){(char *)value.data, value.size}, &out, error);
    if (status != GW_OK) gw__error_key(error, rows[i].key.data, rows[i].key.size);
    if (status == GW_OK && out.size >= FLUSH) status = flush(file, &out, &written, error);
  }
  if (status == GW_OK) status = gw__table_writer_finish(writer, &out, error);
  if (status == GW_OK) status = flush(file, &out, &written, error);
  gw__buf_free(&value);
  gw__buf_free(&out);
  gw__table_writer_free(writer);
  return status;
}

gw_status gw__run_write_index(gw_run *run, const char *path, int32_t shards, gw_file **file, gw_error *error) {
  gw_row *rows = NULL;
  size_t count = 0;
  gw_arena arena = GW_ARENA_INIT;
  *file = NULL;
  gw_status status = list_rows(run->plan, &arena, &rows, &count, error);
  if (status == GW_OK) status = gw__file_create(path, 0, file, error);
  if (status == GW_OK) status = write_rows(run->plan, rows, count, shards, *file, error);
  if (status == GW_OK) status = gw__file_sync(*file, error);
  gw__free(rows);
  gw__arena_free(&arena);
  return status;
}

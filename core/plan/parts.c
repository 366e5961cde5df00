/* The slices in which a tensor is written: a tensor of its own makes each, and they are listed as TensorFlow's savers do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "plan.h"

/* Numbers as the texts "0:", "10:", "11:", ..., "1:", "20:", ... compare. */
static int by_text(const void *a, const void *b) {
  char left[24], right[24];
  snprintf(left, sizeof left, "%u:", *(const unsigned *)a);
  snprintf(right, sizeof right, "%u:", *(const unsigned *)b);
  return strcmp(left, right);
}

/* Which slice (by position) is listed as the nth. A Saver sorts the variables that it collects by name, and those of a
 * partitioned one are called ".../part_N:0" (FORMAT.md, 3.5); an object's slices are in order. */
static gw_status list_order(const gw_plan *plan, size_t count, unsigned **order, gw_error *error) {
  *order = gw__alloc_array(count, sizeof **order, error);
  if (!*order) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) (*order)[i] = (unsigned)i;
  if (!plan->draft->objects) qsort(*order, count, sizeof **order, by_text);
  return GW_OK;
}

static gw_status make_parts(gw_plan *plan, gw_plan_item *item, size_t count, gw_error *error) {
  size_t numbers = count * item->tensor->rank * sizeof(int64_t);
  gw_parts *parts = gw__arena_alloc(&plan->arena, sizeof *parts, error);
  item->slices = gw__arena_alloc(&plan->arena, count * sizeof(gw_tensor *), error);
  if (!parts || !item->slices) return GW_NO_MEMORY;
  *parts = (gw_parts){.starts = gw__arena_alloc(&plan->arena, numbers, error), .lengths = gw__arena_alloc(&plan->arena, numbers, error)};
  if (item->tensor->op == GW_OP_LEAF) item->shards = gw__arena_alloc(&plan->arena, count * sizeof *item->shards, error);
  if (!parts->starts || !parts->lengths || (item->tensor->op == GW_OP_LEAF && !item->shards)) return GW_NO_MEMORY;
  item->parts = parts;
  return GW_OK;
}

/* What makes the slice, and its extents. */
static gw_status cut(gw_plan_item *item, unsigned nth, int64_t *start, int64_t *length, gw_tensor **slice, gw_error *error) {
  gw_tensor *tensor = item->tensor;
  size_t axis = (size_t)tensor->how->axis;
  memset(start, 0, tensor->rank * sizeof *start);
  memcpy(length, tensor->dims, tensor->rank * sizeof *length);
  gw__partition_extent(tensor->dims[axis], tensor->how->numbers[0], nth, &start[axis], &length[axis]);
  return gw__expr_part(tensor->how->operands[0], start, length, slice, error);
}

/* A slice of a V1 file, written with the extents that it is listed with. */
static gw_status decode(gw_plan_item *item, unsigned nth, int64_t *start, int64_t *length, gw_tensor **slice, gw_error *error) {
  gw_bundle *bundle;
  size_t index, rank = item->tensor->rank;
  gw_slice_info info;
  gw__bundle_of_leaf(item->tensor, &bundle, &index);
  gw_bundle_slice(bundle, index, nth, &info);
  memcpy(start, info.starts, rank * sizeof *start);
  memcpy(length, info.lengths, rank * sizeof *length);
  item->shards[item->parts->count] = info.shard;
  return gw__bundle_slice_tensor(bundle, index, nth, slice, error);
}

static gw_status add_slice(gw_plan_item *item, unsigned nth, gw_eval *eval, gw_error *error) {
  gw_parts *parts = item->parts;
  gw_tensor **slice = &item->slices[parts->count];
  size_t at = parts->count * item->tensor->rank;
  gw_status status = (item->tensor->op == GW_OP_LEAF ? decode : cut)(item, nth, parts->starts + at, parts->lengths + at, slice, error);
  if (status != GW_OK) return status;
  parts->count++;
  return gw__expr_measure(eval, *slice, error);
}

gw_status gw__plan_parts(gw_plan *plan, gw_plan_item *item, gw_error *error) {
  bool partial;
  unsigned *order = NULL;
  gw_eval eval;
  size_t count = gw_tensor_slices(item->tensor, &partial);
  if (count == 0) return GW_OK;
  gw_status status = make_parts(plan, item, count, error);
  if (status == GW_OK) status = list_order(plan, count, &order, error);
  gw__eval_start(&eval, 0);
  for (size_t i = 0; i < count && status == GW_OK; i++) status = add_slice(item, order[i], &eval, error);
  gw__eval_end(&eval);
  gw__free(order);
  return status;
}

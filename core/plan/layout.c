/* Where each tensor's bytes go. `canonical`: the order in which TensorFlow lays data out, by saved name (Saver) or by object
 * (Checkpoint), or, with the names of the only input, the order that this has (FORMAT.md, 3.4). `shared`: the input's data files as they are,
 * and one more for everything new. */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "plan.h"

const gw_parts *gw__item_parts(const gw_plan_item *item) {
  return item->bundle ? gw__bundle_at(item->bundle, item->index)->parts : item->parts;
}

gw_tensor *gw__unit_tensor(const gw_plan *plan, const gw_unit *unit) {
  const gw_plan_item *item = &plan->items[unit->item];
  return item->bundle ? NULL : item->parts ? item->slices[unit->slice] : item->tensor;
}

const gw_entry *gw__unit_entry(const gw_plan *plan, const gw_unit *unit) {
  const gw_plan_item *item = &plan->items[unit->item];
  if (!item->bundle) return NULL;
  const gw_entry *entry = gw__bundle_at(item->bundle, item->index);
  return entry->parts ? &item->bundle->entries[entry->parts->entries[unit->slice]] : entry;
}

/* The input's shard in which a unit was, for "every tensor stays in its shard"; what is new goes to the first. */
static int32_t old_shard(const gw_plan *plan, const gw_unit *unit) {
  const gw_plan_item *item = &plan->items[unit->item];
  const gw_entry *entry = item->bundle == plan->draft->bundle ? gw__unit_entry(plan, unit) : NULL;
  if (entry) return entry->shard;
  if (item->shards) return item->shards[unit->slice];
  if (!item->base) return 0;
  const gw_entry *before = gw__bundle_at(plan->draft->bundle, item->base - 1);
  return before->parts ? plan->draft->bundle->entries[before->parts->entries[0]].shard : before->shard;
}

static gw_status make_units(gw_plan *plan, gw_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < plan->item_count; i++) {
    const gw_parts *parts = gw__item_parts(&plan->items[i]);
    if (!gw__add_size(count, parts ? parts->count : 1, &count) || count > UINT32_MAX)
      return gw__fail(error, GW_LIMIT, "more than 2^32 pieces of data");
  }
  plan->units = gw__alloc_array(count, sizeof *plan->units, error);
  plan->units_of = gw__alloc_array(count, sizeof *plan->units_of, error);
  if (!plan->units || !plan->units_of) return GW_NO_MEMORY;
  for (size_t i = 0; i < plan->item_count; i++) {
    gw_plan_item *item = &plan->items[i];
    const gw_parts *parts = gw__item_parts(item);
    item->first_unit = plan->unit_count;
    item->unit_count = parts ? parts->count : 1;
    for (size_t j = 0; j < item->unit_count; j++) {
      gw_unit *unit = &plan->units[plan->unit_count++];
      *unit = (gw_unit){.rank = item->rank, .item = (uint32_t)i, .slice = (uint32_t)j};
      const gw_entry *entry = gw__unit_entry(plan, unit);
      unit->size = entry ? entry->size : gw_tensor_bytes(gw__unit_tensor(plan, unit));
    }
  }
  return GW_OK;
}

/* ---- Order: units keep the order in which they were made (by name, slices as listed) or take the input's. */

static int by_place(const void *a, const void *b) {
  const gw_unit *left = a, *right = b;
  if (left->shard != right->shard) return left->shard < right->shard ? -1 : 1;
  if (left->offset != right->offset) return left->offset < right->offset ? -1 : 1;
  /* Empty tensors share their offset with what follows them. */
  if ((left->size == 0) != (right->size == 0)) return left->size == 0 ? -1 : 1;
  if (left->item != right->item) return left->item < right->item ? -1 : 1;
  return left->slice < right->slice ? -1 : left->slice > right->slice;
}

static void place_as_before(gw_plan *plan) {
  for (size_t i = 0; i < plan->unit_count; i++) {
    gw_unit *unit = &plan->units[i];
    const gw_plan_item *item = &plan->items[unit->item];
    const gw_entry *entry = gw__bundle_at(plan->draft->bundle, item->base - 1);
    /* Other slices than before, or none, go together to where the first of the old ones was. */
    bool as_before = item->bundle == plan->draft->bundle && item->index == item->base - 1;
    if (entry->parts) entry = &plan->draft->bundle->entries[entry->parts->entries[as_before ? unit->slice : 0]];
    unit->shard = item->shards ? item->shards[unit->slice] : entry->shard;
    unit->offset = plan->draft->bundle->v1 ? 0 : entry->offset; /* they have none: by name then */
  }
  qsort(plan->units, plan->unit_count, sizeof *plan->units, by_place);
}

static int by_rank(const void *a, const void *b) {
  const gw_unit *left = a, *right = b;
  if (left->shard != right->shard) return left->shard < right->shard ? -1 : 1;
  if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
  if (left->item != right->item) return left->item < right->item ? -1 : 1;
  return left->slice < right->slice ? -1 : left->slice > right->slice;
}

static void place_by_rank(gw_plan *plan) {
  bool one_input = plan->draft->bundle != NULL;
  for (size_t i = 0; i < plan->input_count; i++) one_input = one_input && plan->inputs[i] == plan->draft->bundle;
  for (size_t i = 0; i < plan->unit_count; i++) plan->units[i].shard = one_input ? old_shard(plan, &plan->units[i]) : 0;
  /* Made by name, which mostly is the order by rank. */
  if (one_input || plan->draft->ranks) qsort(plan->units, plan->unit_count, sizeof *plan->units, by_rank);
}

/* Shards that nothing is left in vanish, as they would for a Saver that has nothing on a device. */
static int32_t close_gaps(gw_plan *plan) {
  int32_t next = -1, last = -1;
  for (size_t i = 0; i < plan->unit_count; i++) {
    gw_unit *unit = &plan->units[i];
    if (i == 0 || unit->shard != last) next++;
    last = unit->shard;
    unit->shard = next;
  }
  return next + 1;
}

/* --shards: consecutive runs of the order, cut at the tensor borders nearest to equal bytes, none of them empty. */
static gw_status cut(gw_plan *plan, int32_t shards, gw_error *error) {
  if ((size_t)shards > plan->unit_count) {
    gw__fail(error, GW_INVALID, "%d shards for %zu tensors", shards, plan->unit_count);
    gw__error_hint(error, "tensors are not cut, so there can be at most one shard for each");
    return GW_INVALID;
  }
  long double total = 0, before = 0;
  for (size_t i = 0; i < plan->unit_count; i++) total += (long double)plan->units[i].size;
  int32_t shard = 0;
  for (size_t i = 0; i < plan->unit_count; i++) {
    long double border = total * (shard + 1) / shards, after = before + (long double)plan->units[i].size;
    size_t left = plan->unit_count - i;
    bool must = left == (size_t)(shards - shard - 1); /* one each for the shards that are still empty */
    bool nearer = border - before <= after - border;  /* the border before this unit is nearer than the one behind it */
    bool empty = i == 0 || plan->units[i - 1].shard != shard;
    if (shard < shards - 1 && !empty && (must || nearer)) shard++;
    plan->units[i].shard = shard;
    before = after;
  }
  return GW_OK;
}

static gw_status make_shards(gw_plan *plan, int32_t count, gw_error *error) {
  plan->shards = gw__alloc_array((size_t)count, sizeof *plan->shards, error);
  if (!plan->shards) return GW_NO_MEMORY;
  plan->shard_count = (size_t)count;
  for (size_t i = 0; i < plan->unit_count; i++) {
    gw_unit *unit = &plan->units[i];
    uint64_t *end = &plan->shards[unit->shard].bytes;
    if (plan->shards[unit->shard].shared) continue;
    unit->offset = *end;
    if (!gw__add_u64(*end, unit->size, end) || *end > INT64_MAX)
      return gw__fail(error, GW_LIMIT, "shard %d would have more than 2^63 bytes", unit->shard);
  }
  return GW_OK;
}

static gw_status layout_canonical(gw_plan *plan, gw_error *error) {
  if (plan->same_names) place_as_before(plan);
  else place_by_rank(plan);
  int32_t count = close_gaps(plan);
  if (plan->options.shards > 0) {
    count = plan->options.shards;
    gw_status status = cut(plan, count, error);
    if (status != GW_OK) return status;
  }
  return make_shards(plan, count, error);
}

/* ---- Shared data files */

static gw_status refuse_sharing(const gw_plan *plan, gw_error *error) {
  const char *flag = plan->options.data == GW_DATA_LINK ? "--data link" : "--data clone";
  if (plan->options.shards > 0) return gw__fail(error, GW_INVALID, "%s keeps the input's shards: it cannot be combined with --shards", flag);
  for (size_t i = 0; i < plan->input_count; i++)
    if (plan->inputs[i]->header.big_endian || plan->inputs[i]->v1) {
      gw__fail(error, GW_INVALID, "%s cannot share the data of a %s checkpoint", flag, plan->inputs[i]->v1 ? "V1" : "big-endian");
      gw__error_file(error, plan->inputs[i]->prefix);
      gw__error_hint(error, "use --data copy, which converts it");
      return GW_INVALID;
    }
  return GW_OK;
}

/* The number of the output's shard that is shard `id` of `bundle`, taken on first use. */
static gw_status share(gw_plan *plan, gw_bundle *bundle, int32_t id, size_t *capacity, int32_t *shard, gw_error *error) {
  for (size_t i = plan->shard_count; i-- > 0;)
    if (plan->shards[i].shared == bundle && plan->shards[i].shared_id == id) {
      *shard = (int32_t)i;
      return GW_OK;
    }
  const gw_file *file;
  gw_status status = gw__bundle_shard(bundle, id, &file, error);
  if (status == GW_OK)
    status = gw__reserve((void **)&plan->shards, capacity, plan->shard_count + 2, sizeof *plan->shards, error);
  if (status != GW_OK) return status;
  *shard = (int32_t)plan->shard_count;
  plan->shards[plan->shard_count++] = (gw_plan_shard){.bytes = file->size, .shared = bundle, .shared_id = id};
  return GW_OK;
}

static int by_shard_then_offset(const void *a, const void *b) { return by_place(a, b); }

static gw_status layout_shared(gw_plan *plan, gw_error *error) {
  size_t capacity = 0;
  gw_status status = refuse_sharing(plan, error);
  /* Inputs in their order, their shards in theirs: the same files get the same numbers whatever was renamed. */
  for (size_t i = 0; i < plan->input_count && status == GW_OK; i++)
    for (size_t j = 0; j < plan->inputs[i]->shard_count && status == GW_OK; j++)
      for (size_t k = 0; k < plan->unit_count; k++) {
        const gw_entry *entry = gw__unit_entry(plan, &plan->units[k]);
        int32_t ignored, id = plan->inputs[i]->shards[j].id;
        if (!entry || plan->items[plan->units[k].item].bundle != plan->inputs[i] || entry->shard != id) continue;
        status = share(plan, plan->inputs[i], id, &capacity, &ignored, error);
        break;
      }
  uint64_t added = 0;
  bool any = false;
  for (size_t i = 0; i < plan->unit_count && status == GW_OK; i++) {
    gw_unit *unit = &plan->units[i];
    const gw_entry *entry = gw__unit_entry(plan, unit);
    if (entry) {
      status = share(plan, plan->items[unit->item].bundle, entry->shard, &capacity, &unit->shard, error);
      unit->offset = entry->offset;
      unit->crc = entry->crc;
    } else {
      unit->shard = -1;
      unit->offset = added;
      any = true;
      if (!gw__add_u64(added, unit->size, &added) || added > INT64_MAX)
        status = gw__fail(error, GW_LIMIT, "a shard would have more than 2^63 bytes");
    }
  }
  if (status == GW_OK && any)
    status = gw__reserve((void **)&plan->shards, &capacity, plan->shard_count + 1, sizeof *plan->shards, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < plan->unit_count && any; i++)
    if (plan->units[i].shard < 0) plan->units[i].shard = (int32_t)plan->shard_count;
  if (any) plan->shards[plan->shard_count++] = (gw_plan_shard){.bytes = added};
  qsort(plan->units, plan->unit_count, sizeof *plan->units, by_shard_then_offset);
  return GW_OK;
}

gw_status gw__plan_layout(gw_plan *plan, gw_error *error) {
  gw_status status = make_units(plan, error);
  if (status == GW_OK)
    status = plan->options.data == GW_DATA_COPY ? layout_canonical(plan, error) : layout_shared(plan, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < plan->unit_count; i++) {
    const gw_unit *unit = &plan->units[i];
    plan->units_of[plan->items[unit->item].first_unit + unit->slice] = (uint32_t)i;
  }
  /* What we write is version 1; an identity run of an older file keeps that file's word. */
  plan->header = (gw_header){.shards = (int32_t)plan->shard_count, .has_version = true, .producer = GW_BUNDLE_VERSION};
  if (plan->same_names) {
    plan->header.has_version = plan->draft->bundle->header.has_version;
    plan->header.producer = plan->draft->bundle->header.producer;
    plan->header.min_consumer = plan->draft->bundle->header.min_consumer;
  }
  return GW_OK;
}

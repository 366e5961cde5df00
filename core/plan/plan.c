/* Compiling a draft. */
#include "plan.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"

static const char *const action_names[] = {"unchanged", "renamed", "computed", "new"};
const char *gw_action_name(gw_action action) { return action_names[action]; }

/* An input, and which of its tensors are used, a byte for each. */
typedef struct gw_input_use {
  gw_bundle *bundle;
  uint8_t *used;
} gw_input_use;

typedef struct gw_usage {
  gw_input_use *inputs;
  size_t count, capacity;
} gw_usage;

static gw_status use(gw_usage *usage, gw_bundle *bundle, size_t index, gw_error *error) {
  for (size_t i = usage->count; i-- > 0;)
    if (usage->inputs[i].bundle == bundle) {
      usage->inputs[i].used[index] = 1;
      return GW_OK;
    }
  gw_status status = gw__reserve((void **)&usage->inputs, &usage->capacity, usage->count + 1, sizeof *usage->inputs, error);
  uint8_t *used = status == GW_OK ? gw__alloc_array(gw_bundle_count(bundle), 1, error) : NULL;
  if (!used) return GW_NO_MEMORY;
  used[index] = 1;
  usage->inputs[usage->count++] = (gw_input_use){bundle, used};
  return GW_OK;
}

/* Inputs that an expression reads, and which of their tensors. */
static gw_status note_leaves(const gw_plan_item *item, gw_usage *usage, gw_error *error) {
  const gw_tensor *leaf;
  gw_bundle *bundle;
  size_t index;
  if (item->bundle) return use(usage, item->bundle, item->index, error);
  for (size_t cursor = 0; gw__expr_leaves(item->tensor, &cursor, &leaf);) {
    if (!gw__bundle_of_leaf(leaf, &bundle, &index)) continue;
    bool partial;
    gw_status status = use(usage, bundle, index, error);
    /* Nothing can be made of it: that is said before room is made for the result. */
    if (status == GW_OK && gw_tensor_slices(leaf, &partial) > 0 && partial && item->tensor != leaf)
      status = leaf->ops->read(leaf->source, leaf->index, 0, 0, NULL, error);
    if (status != GW_OK) return status;
  }
  return GW_OK;
}

static gw_action action_of(const gw_plan_item *item) {
  if (item->bundle) {
    const gw_entry *entry = gw__bundle_at(item->bundle, item->index);
    bool same = entry->key_size == item->name.size && memcmp(entry->key, item->name.data, item->name.size) == 0;
    return same ? GW_ACTION_UNCHANGED : GW_ACTION_RENAMED;
  }
  const gw_tensor *leaf;
  size_t cursor = 0;
  return gw__expr_leaves(item->tensor, &cursor, &leaf) ? GW_ACTION_COMPUTED : GW_ACTION_NEW;
}

/* Values of V1 files are not stored as they are written: they are made, by a tensor that only reads. */
static gw_status decode(gw_plan_item *item, gw_error *error) {
  gw_tensor *tensor;
  if (!item->bundle || !item->bundle->v1) return GW_OK;
  bool partial;
  const gw_entry *entry = gw__bundle_at(item->bundle, item->index);
  gw_status status = GW_OK;
  /* Without a size of its elements nothing would be read of it, and nobody would notice that V1 files have no such values. */
  if (gw_dtype_size(entry->dtype) == 0 && entry->dtype != GW_DT_STRING) {
    if (entry->parts && entry->parts->count > 0) entry = &item->bundle->entries[entry->parts->entries[0]];
    status = gw__bundle_check_entry(item->bundle, entry, NULL, 0, error);
  }
  if (status == GW_OK) status = gw__plan_tensor(item, &tensor, error);
  item->bundle = NULL;
  if (status != GW_OK || gw_tensor_slices(tensor, &partial) > 0) return status;
  gw_eval eval;
  gw__eval_start(&eval, 0);
  status = gw__expr_measure(&eval, tensor, error);
  gw__eval_end(&eval);
  return status;
}

static gw_status take_items(gw_plan *plan, gw_error *error) {
  const uint32_t *order;
  gw_draft *draft = plan->draft;
  gw_status status = gw__draft_order(draft, &order, error);
  if (status != GW_OK) return status;
  plan->items = gw__alloc_array(draft->live, sizeof *plan->items, error);
  if (!plan->items) return GW_NO_MEMORY;
  for (size_t i = 0; i < draft->live; i++) {
    const gw_item *source = &draft->items[order[i]];
    gw_plan_item *item = &plan->items[plan->item_count++];
    *item = (gw_plan_item){.rank = draft->ranks ? draft->ranks[order[i]] : i, .name = {source->name, source->name_size}, .line = source->line,
                           .base = source->base ? source->base : source->replaced, .replaced = !source->base && source->replaced};
    if (source->tensor) {
      item->tensor = gw_tensor_retain(source->tensor);
      gw__bundle_of_leaf(source->tensor, &item->bundle, &item->index);
    } else {
      item->bundle = draft->bundle;
      item->index = source->base - 1;
    }
    item->action = action_of(item);
    /* Put back where it was: nothing is gone. */
    if (item->replaced && item->bundle == draft->bundle && item->index == item->base - 1) item->replaced = false;
    status = decode(item, error);
    if (status == GW_OK && !item->bundle) status = gw__plan_parts(plan, item, error);
    if (status == GW_OK && !item->bundle && !item->parts) status = gw_tensor_measure(item->tensor, error);
    if (status != GW_OK) return gw__error_key(error, item->name.data, item->name.size);
  }
  return GW_OK;
}

/* Identity is identity: the names of the only input, each where it was. */
static bool has_same_names(const gw_plan *plan) {
  const gw_bundle *bundle = plan->draft->bundle;
  if (!bundle || plan->item_count != gw_bundle_count(bundle)) return false;
  for (size_t i = 0; i < plan->input_count; i++)
    if (plan->inputs[i] != bundle) return false;
  for (size_t i = 0; i < plan->item_count; i++) {
    const gw_plan_item *item = &plan->items[i];
    if (!item->base) return false;
    const gw_entry *entry = gw__bundle_at(bundle, item->base - 1);
    if (entry->key_size != item->name.size || memcmp(entry->key, item->name.data, item->name.size) != 0) return false;
  }
  return true;
}

/* Was this tensor of the input taken away? Of the draft's own checkpoint, what an edit removed; of the checkpoints that a new
 * draft is made of, all that it does not use. */
static bool is_gone(const gw_plan *plan, const gw_bundle *bundle, size_t index, uint32_t *line) {
  const gw_draft *draft = plan->draft;
  const gw_entry *entry = gw__bundle_at(bundle, index);
  *line = GW_NO_LINE;
  if (!draft->bundle) return entry->key_size != strlen(GW_GRAPH_KEY) || memcmp(entry->key, GW_GRAPH_KEY, entry->key_size) != 0;
  if (bundle != draft->bundle || !draft->removed_line || !draft->removed_line[index]) return false;
  *line = draft->removed_line[index] - 1;
  return true;
}

static gw_status list_dropped(gw_plan *plan, gw_bundle *bundle, const uint8_t *used, size_t *capacity, gw_error *error) {
  for (size_t i = 0; i < gw_bundle_count(bundle); i++) {
    gw_plan_gone gone = {.bundle = bundle, .index = (uint32_t)i};
    if ((used && used[i]) || !is_gone(plan, bundle, i, &gone.line)) continue;
    gw_status status = gw__reserve((void **)&plan->dropped, capacity, plan->dropped_count + 1, sizeof *plan->dropped, error);
    if (status != GW_OK) return status;
    plan->dropped[plan->dropped_count++] = gone;
  }
  return GW_OK;
}

static gw_status note_inputs(gw_plan *plan, gw_error *error) {
  gw_usage usage = {NULL, 0, 0};
  size_t capacity = 0;
  bool own = false;
  gw_status status = GW_OK;
  for (size_t i = 0; i < plan->item_count && status == GW_OK; i++) status = note_leaves(&plan->items[i], &usage, error);
  if (status == GW_OK && !(plan->inputs = gw__alloc_array(usage.count, sizeof *plan->inputs, error))) status = GW_NO_MEMORY;
  for (size_t i = 0; i < usage.count && status == GW_OK; i++) {
    gw_bundle *bundle = usage.inputs[i].bundle;
    plan->inputs[plan->input_count++] = gw_bundle_retain(bundle);
    own = own || bundle == plan->draft->bundle;
    status = list_dropped(plan, bundle, usage.inputs[i].used, &capacity, error);
  }
  /* Nothing of it is used at all. */
  if (status == GW_OK && plan->draft->bundle && !own) status = list_dropped(plan, plan->draft->bundle, NULL, &capacity, error);
  for (size_t i = 0; i < usage.count; i++) gw__free(usage.inputs[i].used);
  gw__free(usage.inputs);
  plan->same_names = status == GW_OK && has_same_names(plan);
  return status;
}

/* Elements of which nobody knows what they are cannot be turned around. */
static gw_status check_byte_order(const gw_bundle *bundle, const gw_entry *entry, gw_error *error) {
  if (!bundle->header.big_endian || gw_dtype_size(entry->dtype) > 0 || entry->dtype == GW_DT_STRING) return GW_OK;
  const char *name = gw_dtype_name(entry->dtype);
  if (name) gw__fail(error, GW_UNSUPPORTED, "elements of dtype %s in a big-endian file cannot be converted", name);
  else gw__fail(error, GW_UNSUPPORTED, "elements of dtype %d in a big-endian file cannot be converted", entry->dtype);
  gw__error_file(error, bundle->index_path);
  gw__error_key(error, entry->key, entry->key_size);
  gw__error_hint(error, "drop the tensor, or convert the checkpoint where it was written");
  return GW_UNSUPPORTED;
}

/* Every data file that will be read is there and long enough, and can be converted, before anything is written. */
static gw_status check_sources(const gw_plan *plan, gw_error *error) {
  const gw_file *file;
  gw_status status = GW_OK;
  for (size_t i = 0; i < plan->unit_count && status == GW_OK; i++) {
    const gw_entry *entry = gw__unit_entry(plan, &plan->units[i]);
    gw_bundle *bundle = plan->items[plan->units[i].item].bundle;
    if (!entry) continue;
    status = gw__bundle_shard(bundle, entry->shard, &file, error);
    if (status == GW_OK) status = check_byte_order(bundle, entry, error);
  }
  for (size_t i = 0; i < plan->input_count && status == GW_OK; i++) {
    bool computes = false;
    for (size_t j = 0; j < plan->item_count && !computes; j++) computes = plan->items[j].action == GW_ACTION_COMPUTED;
    if (computes) status = gw_bundle_check_files(plan->inputs[i], error);
  }
  return status;
}

static void add_up(gw_plan *plan) {
  gw_plan_totals *totals = &plan->totals;
  const gw_plan_options *options = &plan->options;
  for (size_t i = 0; i < plan->item_count; i++) {
    gw_action action = plan->items[i].action;
    totals->unchanged += action == GW_ACTION_UNCHANGED;
    totals->renamed += action == GW_ACTION_RENAMED;
    totals->computed += action == GW_ACTION_COMPUTED;
    totals->added += action == GW_ACTION_NEW;
  }
  totals->dropped = plan->dropped_count;
  for (size_t i = 0; i < plan->unit_count; i++) {
    const gw_unit *unit = &plan->units[i];
    if (plan->shards[unit->shard].shared) totals->bytes_shared += unit->size;
    else if (plan->items[unit->item].action <= GW_ACTION_RENAMED) totals->bytes_moved += unit->size;
    else totals->bytes_computed += unit->size;
  }
  for (size_t i = 0; i < plan->unit_count && options->verify == GW_VERIFY_NONE; i++)
    if (plan->items[plan->units[i].item].bundle && !plan->shards[plan->units[i].shard].shared) totals->bytes_unverified += plan->units[i].size;
  if (options->verify != GW_VERIFY_ALL) totals->bytes_unverified += totals->bytes_shared;
}

gw_status gw_plan_compile(gw_draft *draft, const gw_plan_options *options, gw_plan **out, gw_error *error) {
  *out = NULL;
  gw_status status = gw__draft_finish(draft, error);
  if (status != GW_OK) return status;
  if (draft->live == 0) { /* an object graph alone is something */
    gw__fail(error, GW_INVALID, "the checkpoint to write has no tensors (TensorFlow cannot save nothing either)");
    return GW_INVALID;
  }
  gw_plan *plan = gw__alloc_array(1, sizeof *plan, error);
  if (!plan) return GW_NO_MEMORY;
  plan->draft = gw_draft_retain(draft);
  plan->options = options ? *options : (gw_plan_options)GW_PLAN_OPTIONS_INIT;
  status = take_items(plan, error);
  if (status == GW_OK) status = note_inputs(plan, error);
  if (status == GW_OK) status = gw__plan_layout(plan, error);
  if (status == GW_OK) status = check_sources(plan, error);
  if (status == GW_OK) add_up(plan);
  if (status != GW_OK) {
    gw_plan_free(plan);
    return status;
  }
  *out = plan;
  return GW_OK;
}

void gw_plan_free(gw_plan *plan) {
  if (!plan) return;
  for (size_t i = 0; i < plan->item_count; i++) {
    const gw_plan_item *item = &plan->items[i];
    for (size_t j = 0; item->parts && j < item->parts->count; j++) gw_tensor_release(item->slices[j]);
    gw_tensor_release(item->tensor);
  }
  for (size_t i = 0; i < plan->input_count; i++) gw_bundle_release(plan->inputs[i]);
  gw__free(plan->inputs);
  gw__free(plan->items);
  gw__free(plan->units);
  gw__free(plan->units_of);
  gw__free(plan->shards);
  gw__free(plan->dropped);
  gw__buf_free(&plan->text);
  gw__free(plan->from);
  gw__arena_free(&plan->arena);
  gw_draft_release(plan->draft);
  gw__free(plan);
}

size_t gw_plan_count(const gw_plan *plan) { return plan->item_count; }
int32_t gw_plan_shards(const gw_plan *plan) { return (int32_t)plan->shard_count; }
bool gw_plan_is_objects(const gw_plan *plan) { return plan->draft->objects; }
size_t gw_plan_dropped_count(const gw_plan *plan) { return plan->dropped_count; }
void gw_plan_totals_of(const gw_plan *plan, gw_plan_totals *out) { *out = plan->totals; }

gw_action gw_plan_action_at(const gw_plan *plan, size_t index) { return plan->items[index].action; }

gw_status gw__plan_tensor(gw_plan_item *item, gw_tensor **out, gw_error *error) {
  if (!item->tensor) {
    gw_status status = gw_bundle_tensor(item->bundle, item->index, &item->tensor, error);
    if (status != GW_OK) return status;
  }
  *out = item->tensor;
  return GW_OK;
}

/* The object graph that the edits gave: nobody reads its bytes. */
static bool is_new_graph(const gw_plan *plan, const gw_plan_item *item) {
  return plan->draft->objects && plan->draft->walk.valid && item->action == GW_ACTION_NEW && item->name.size == strlen(GW_GRAPH_KEY) &&
         memcmp(item->name.data, GW_GRAPH_KEY, item->name.size) == 0;
}

gw_status gw_plan_entry_at(gw_plan *plan, size_t index, gw_plan_entry *out, gw_error *error) {
  gw_plan_item *item = &plan->items[index];
  gw_tensor *tensor;
  memset(out, 0, sizeof *out);
  gw_status status = gw__plan_tensor(item, &tensor, error);
  if (status != GW_OK) return status;
  gw__buf_clear(&plan->text);
  if (is_new_graph(plan, item)) gw__put_format(&plan->text, "object graph of %zu nodes", plan->draft->walk.numbering.saved);
  else gw__put_expression(&plan->text, tensor);
  gw__put_u8(&plan->text, 0);
  status = gw__buf_status(&plan->text, error);
  if (status != GW_OK) return status;
  *out = (gw_plan_entry){.name = item->name, .tensor = tensor, .action = item->action, .expression = (const char *)plan->text.data,
                         .line = gw__draft_line(plan->draft, item->line), .shard = plan->units[plan->units_of[item->first_unit]].shard};
  out->slices = gw__item_parts(item) ? item->unit_count : 0;
  for (size_t i = 0; i < item->unit_count; i++) out->bytes += plan->units[plan->units_of[item->first_unit + i]].size;
  const gw_tensor *leaf;
  size_t cursor = 0;
  status = gw__reserve((void **)&plan->from, &plan->from_capacity, tensor->leaf_count, sizeof *plan->from, error);
  if (status != GW_OK) return status;
  while (gw__expr_leaves(tensor, &cursor, &leaf)) leaf->ops->name(leaf->source, leaf->index, &plan->from[out->from_count++]);
  out->from = plan->from;
  if (item->replaced) {
    const gw_entry *entry = gw__bundle_at(plan->draft->bundle, item->base - 1);
    out->replaces = (gw_span){entry->key, entry->key_size};
  }
  return GW_OK;
}

void gw_plan_slice(const gw_plan *plan, size_t index, size_t nth, gw_slice_info *out) {
  const gw_plan_item *item = &plan->items[index];
  const gw_parts *parts = gw__item_parts(item);
  const gw_unit *unit = &plan->units[plan->units_of[item->first_unit + nth]];
  size_t rank = item->bundle ? gw__bundle_at(item->bundle, item->index)->rank : item->tensor->rank;
  *out = (gw_slice_info){.starts = parts->starts + nth * rank, .lengths = parts->lengths + nth * rank, .shard = unit->shard,
                         .offset = unit->offset, .size = unit->size};
}

void gw_plan_dropped_at(const gw_plan *plan, size_t index, gw_plan_dropped *out) {
  const gw_plan_gone *gone = &plan->dropped[index];
  const gw_entry *entry = gw__bundle_at(gone->bundle, gone->index);
  out->name = (gw_span){entry->key, entry->key_size};
  out->line = gw__draft_line(plan->draft, gone->line);
}

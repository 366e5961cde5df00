/* The draft itself: a hash of names over an array of items, sorted when somebody asks for an order. */
#include "draft.h"

#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "../bundle/bundle.h"
#include "edit.h"

#define TOMBSTONE UINT32_MAX

/* ---- The hash */

static bool same(const gw_item *item, const char *name, size_t size) {
  return item->name && item->name_size == size && memcmp(item->name, name, size) == 0;
}

/* The slot that holds `name`, or the one where it would go. */
static uint32_t *find_slot(const gw_draft *draft, const char *name, size_t size) {
  size_t mask = draft->slot_count - 1;
  uint32_t *grave = NULL;
  for (size_t i = gw__hash(name, size) & mask;; i = (i + 1) & mask) {
    uint32_t *slot = &draft->slots[i];
    if (*slot == 0) return grave ? grave : slot;
    if (*slot == TOMBSTONE) {
      if (!grave) grave = slot;
    } else if (same(&draft->items[*slot - 1], name, size)) {
      return slot;
    }
  }
}

void gw__draft_refill(gw_draft *draft) {
  if (draft->slot_count) memset(draft->slots, 0, draft->slot_count * sizeof *draft->slots);
  draft->slots_used = 0;
  for (size_t i = 0; i < draft->item_count; i++)
    if (draft->items[i].name) {
      *find_slot(draft, draft->items[i].name, draft->items[i].name_size) = (uint32_t)i + 1;
      draft->slots_used++;
    }
}

static gw_status key_is_taken(gw_span name, gw_error *error) {
  gw__fail(error, GW_INVALID, "two objects would be saved under this key");
  gw__error_key(error, name.data, name.size);
  gw__error_hint(error, "an object whose name is empty has the key of its parent: give it a name");
  return GW_INVALID;
}

gw_status gw__draft_put_names(gw_draft *draft, const gw_span *names, gw_error *error) {
  size_t live = 0, count = 16;
  for (size_t i = 0; i < draft->item_count; i++) live += names[i].data != NULL;
  while (count < (live + 1) * 2) count *= 2;
  uint32_t *slots = gw__alloc_array(count, sizeof *slots, error);
  if (!slots) return GW_NO_MEMORY;
  for (size_t i = 0; i < draft->item_count; i++) {
    gw_span name = names[i];
    if (!name.data) continue;
    size_t at = gw__hash(name.data, name.size) & (count - 1);
    for (; slots[at] != 0; at = (at + 1) & (count - 1)) {
      gw_span other = names[slots[at] - 1];
      if (other.size != name.size || memcmp(other.data, name.data, name.size) != 0) continue;
      gw__free(slots);
      return key_is_taken(name, error);
    }
    slots[at] = (uint32_t)i + 1;
  }
  for (size_t i = 0; i < draft->item_count; i++) {
    draft->items[i].name = names[i].data;
    draft->items[i].name_size = (uint32_t)names[i].size;
  }
  gw__free(draft->slots);
  draft->slots = slots;
  draft->slot_count = count;
  draft->slots_used = draft->live = live;
  draft->order_valid = false;
  return GW_OK;
}

static gw_status rehash(gw_draft *draft, size_t need, gw_error *error) {
  size_t count = 16;
  while (count < need * 2) count *= 2;
  uint32_t *slots = gw__alloc_array(count, sizeof *slots, error);
  if (!slots) return GW_NO_MEMORY;
  gw__free(draft->slots);
  draft->slots = slots;
  draft->slot_count = count;
  gw__draft_refill(draft);
  return GW_OK;
}

gw_item *gw__draft_find(const gw_draft *draft, const char *name, size_t length) {
  if (draft->slot_count == 0) return NULL;
  uint32_t at = *find_slot(draft, name, length);
  return at == 0 || at == TOMBSTONE ? NULL : &draft->items[at - 1];
}

/* ---- Life */

gw_status gw_draft_new(gw_draft **out, gw_error *error) {
  *out = gw__alloc_array(1, sizeof **out, error);
  if (!*out) return GW_NO_MEMORY;
  (*out)->references = 1;
  return GW_OK;
}

gw_status gw_draft_from_bundle(gw_bundle *bundle, gw_draft **out, gw_error *error) {
  gw_status status = gw_draft_new(out, error);
  if (status != GW_OK) return status;
  gw_draft *draft = *out;
  size_t count = gw_bundle_count(bundle);
  draft->bundle = gw_bundle_retain(bundle);
  draft->objects = gw_bundle_has_graph(bundle);
  status = gw__reserve((void **)&draft->items, &draft->item_capacity, count, sizeof *draft->items, error);
  if (status == GW_OK && !(draft->order = gw__alloc_array(count, sizeof *draft->order, error))) status = GW_NO_MEMORY;
  for (size_t i = 0; i < count && status == GW_OK; i++) {
    const gw_entry *entry = gw__bundle_at(bundle, i);
    draft->items[i] = (gw_item){.name = entry->key, .name_size = entry->key_size, .base = (uint32_t)i + 1};
    draft->order[i] = (uint32_t)i;
  }
  if (status == GW_OK) {
    draft->item_count = draft->live = count;
    draft->order_valid = true;
    status = rehash(draft, count, error);
  }
  if (status != GW_OK) {
    draft->item_count = 0;
    gw_draft_release(draft);
    *out = NULL;
  }
  return status;
}

gw_draft *gw_draft_retain(gw_draft *draft) {
  draft->references++;
  return draft;
}

void gw_draft_release(gw_draft *draft) {
  if (!draft || --draft->references > 0) return;
  for (size_t i = 0; i < draft->item_count; i++) gw_tensor_release(draft->items[i].tensor);
  gw__free(draft->items);
  gw__free(draft->slots);
  gw__free(draft->order);
  gw__free(draft->removed_line);
  gw__free((void *)(uintptr_t)draft->lines);
  gw_graph_free(draft->graph);
  gw__draft_forget_names(draft);
  gw__graph_numbering_free(&draft->walk.numbering);
  gw__free(draft->walk.parents);
  gw__free(draft->walk.edges);
  gw__free(draft->ranks);
  gw__free(draft->walk.sizes);
  gw__free(draft->walk.owners);
  for (size_t i = 0; i < draft->copied_count; i++) gw__graph_copied_free(&draft->copied[i]);
  gw__free(draft->copied);
  gw__arena_free(&draft->arena);
  gw_bundle_release(draft->bundle);
  gw__free(draft);
}

/* Copies what the copy must own; names of the bundle stay the bundle's. */
static gw_status copy_items(const gw_draft *from, gw_draft *to, gw_error *error) {
  gw_status status = gw__reserve((void **)&to->items, &to->item_capacity, from->graph ? from->item_count : from->live, sizeof *to->items, error);
  for (size_t i = 0; i < from->item_count && status == GW_OK; i++) {
    gw_item item = from->items[i];
    if (!item.name && !from->graph) continue; /* a graph knows items by their place */
    if (item.name && !(item.name = gw__arena_text(&to->arena, item.name, item.name_size, error))) return GW_NO_MEMORY;
    if (item.tensor) gw_tensor_retain(item.tensor);
    to->items[to->item_count++] = item;
  }
  to->live = from->live;
  return status;
}

gw_status gw_draft_copy(const gw_draft *draft, gw_draft **out, gw_error *error) {
  gw_status status = gw_draft_new(out, error);
  if (status != GW_OK) return status;
  gw_draft *copy = *out;
  copy->objects = draft->objects;
  copy->edits = draft->edits;
  if (draft->bundle) copy->bundle = gw_bundle_retain(draft->bundle);
  status = copy_items(draft, copy, error);
  for (size_t i = 0; i < draft->line_count && status == GW_OK; i++)
    if (gw__draft_intern(copy, draft->lines[i], error) == UINT32_MAX) status = GW_NO_MEMORY;
  if (status == GW_OK && draft->removed_line) {
    size_t count = gw_bundle_count(draft->bundle);
    copy->removed_line = gw__alloc_array(count, sizeof *copy->removed_line, error);
    if (copy->removed_line) memcpy(copy->removed_line, draft->removed_line, count * sizeof *copy->removed_line);
    else status = GW_NO_MEMORY;
  }
  if (status == GW_OK) status = rehash(copy, copy->live, error);
  if (status == GW_OK && draft->graph) {
    status = gw__graph_clone(draft->graph, &copy->graph, error);
    /* Names of edited graphs are settled anew, whatever had been settled of the original. */
    copy->settled = draft->graph->change_count > 0 ? UINT64_MAX : draft->graph->version;
  }
  if (status == GW_OK && draft->copied_count > 0)
    status = gw__reserve((void **)&copy->copied, &copy->copied_capacity, draft->copied_count, sizeof *copy->copied, error);
  for (size_t i = 0; i < draft->copied_count && status == GW_OK; i++) {
    status = gw__graph_copied_clone(&draft->copied[i], &copy->copied[i], error);
    if (status == GW_OK) copy->copied_count++;
  }
  if (status != GW_OK) {
    gw_draft_release(copy);
    *out = NULL;
  }
  return status;
}

bool gw_draft_is_objects(const gw_draft *draft) { return draft->objects; }
gw_bundle *gw_draft_bundle(const gw_draft *draft) { return draft->bundle; }
bool gw_draft_edited(const gw_draft *draft) { return draft->edits > 0; }

uint64_t gw_draft_edits(const gw_draft *draft) { return draft->edits + (draft->graph ? draft->graph->version : 0); }
size_t gw_draft_count(const gw_draft *draft) { return draft->live - (draft->objects ? 1 : 0); }

bool gw_draft_reads(const gw_draft *draft, const gw_bundle *bundle) {
  const gw_tensor *leaf;
  gw_bundle *owner;
  size_t index;
  for (size_t i = 0; i < draft->item_count; i++) {
    const gw_item *item = &draft->items[i];
    if (item->name && !item->tensor && draft->bundle == bundle) return true;
    for (size_t cursor = 0; item->name && item->tensor && gw__expr_leaves(item->tensor, &cursor, &leaf);)
      if (gw__bundle_of_leaf(leaf, &owner, &index) && owner == bundle) return true;
  }
  return false;
}

/* ---- Lines */

uint32_t gw__draft_intern(gw_draft *draft, const char *line, gw_error *error) {
  if (!line) return GW_NO_LINE;
  /* Few lines edit, and mostly the same as just before. */
  for (size_t i = draft->line_count; i-- > 0;)
    if (strcmp(draft->lines[i], line) == 0) return (uint32_t)i + 1;
  if (gw__reserve((void **)(uintptr_t)&draft->lines, &draft->line_capacity, draft->line_count + 1, sizeof *draft->lines, error) != GW_OK)
    return UINT32_MAX;
  const char *copy = gw__arena_text(&draft->arena, line, strlen(line), error);
  if (!copy) return UINT32_MAX;
  draft->lines[draft->line_count++] = copy;
  return (uint32_t)draft->line_count;
}

const char *gw__draft_line(const gw_draft *draft, uint32_t line) { return line == GW_NO_LINE ? NULL : draft->lines[line - 1]; }

/* ---- Asking */

bool gw__draft_hidden(const gw_draft *draft, const gw_item *item) {
  return draft->objects && same(item, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY));
}

bool gw_draft_has(const gw_draft *draft, const char *name, size_t length) {
  const gw_item *item = gw__draft_find(draft, name, length);
  return item && !gw__draft_hidden(draft, item);
}

gw_status gw__draft_tensor(gw_draft *draft, gw_item *item, gw_tensor **out, gw_error *error) {
  if (!item->tensor) {
    gw_status status = gw_bundle_tensor(draft->bundle, item->base - 1, &item->tensor, error);
    if (status != GW_OK) return status;
  }
  *out = item->tensor;
  return GW_OK;
}

gw_status gw__draft_no_such(const gw_draft *draft, const char *name, size_t length, gw_error *error) {
  char near[256], shown[200];
  gw_draft_nearest(draft, name, length, 3, near, sizeof near);
  gw_printable(shown, sizeof shown, name, length);
  if (near[0]) gw__fail(error, GW_NOT_FOUND, "there is no tensor \"%s\" (the nearest: %s)", shown, near);
  else gw__fail(error, GW_NOT_FOUND, "there is no tensor \"%s\": the checkpoint has none", shown);
  return GW_NOT_FOUND;
}

gw_status gw_draft_get(gw_draft *draft, const char *name, size_t length, gw_tensor **out, gw_error *error) {
  *out = NULL;
  gw_status status = gw_draft_settle(draft, error);
  if (status != GW_OK) return status;
  gw_item *item = gw__draft_find(draft, name, length);
  if (!item || gw__draft_hidden(draft, item)) return gw__draft_no_such(draft, name, length, error);
  status = gw__draft_tensor(draft, item, out, error);
  if (status == GW_OK) gw_tensor_retain(*out);
  return status;
}

static bool draft_has(const void *owner, const char *name, size_t length) { return gw_draft_has(owner, name, length); }

gw_role gw_draft_role(const gw_draft *draft, const char *name, size_t length) {
  gw_name_set names = {draft, draft_has};
  return gw__role(name, length, draft->objects, &names);
}

/* ---- Order */

static int by_name(const void *a, const void *b, void *draft_pointer) {
  const gw_draft *draft = draft_pointer;
  const gw_item *left = &draft->items[*(const uint32_t *)a], *right = &draft->items[*(const uint32_t *)b];
  size_t shorter = left->name_size < right->name_size ? left->name_size : right->name_size;
  int order = memcmp(left->name, right->name, shorter);
  if (order != 0) return order;
  return left->name_size < right->name_size ? -1 : left->name_size > right->name_size;
}

gw_status gw__draft_order(gw_draft *draft, const uint32_t **order, gw_error *error) {
  gw_status status = gw_draft_settle(draft, error);
  if (status != GW_OK) return status;
  if (!draft->order_valid) {
    uint32_t *sorted = gw__alloc_array(draft->live, sizeof *sorted, error);
    if (!sorted) return GW_NO_MEMORY;
    size_t next = 0;
    for (size_t i = 0; i < draft->item_count; i++)
      if (draft->items[i].name) sorted[next++] = (uint32_t)i;
    if (next > 1) qsort_r(sorted, next, sizeof *sorted, by_name, draft);
    gw__free(draft->order);
    draft->order = sorted;
    draft->order_valid = true;
  }
  *order = draft->order;
  return GW_OK;
}

gw_status gw_draft_select(gw_draft *draft, const gw_which *which, gw_span **names, size_t *count, gw_error *error) {
  const uint32_t *order;
  uint8_t *marks = NULL;
  *names = NULL;
  *count = 0;
  gw_status status = gw__draft_order(draft, &order, error);
  if (status == GW_OK && which) status = gw__draft_mark(draft, which, &marks, error);
  gw_span *list = status == GW_OK ? gw__alloc_array(draft->live, sizeof *list, error) : NULL;
  if (!list && status == GW_OK) status = GW_NO_MEMORY;
  for (size_t i = 0; i < draft->live && status == GW_OK; i++) {
    const gw_item *item = &draft->items[order[i]];
    if (!gw__draft_hidden(draft, item) && (!marks || marks[order[i]])) list[(*count)++] = (gw_span){item->name, item->name_size};
  }
  gw__free(marks);
  *names = list;
  return status;
}

gw_status gw_draft_names(gw_draft *draft, gw_span **names, size_t *count, gw_error *error) {
  return gw_draft_select(draft, NULL, names, count, error);
}

/* ---- Setting one name */

static gw_status graph_decides(const gw_draft *draft, const char *name, size_t length, gw_error *error) {
  (void)draft;
  gw__fail(error, GW_INVALID, "the keys of an object-based checkpoint follow from its object graph and cannot come, go or be renamed by themselves");
  gw__error_key(error, name, length);
  gw__error_hint(error, "rename and drop mean objects here, gw.graph edits them below ckpt.root; gw.variables(ckpt.vars) makes a name-based checkpoint of the same tensors");
  return GW_INVALID;
}

gw_status gw__draft_may_rename(const gw_draft *draft, gw_error *error) {
  return draft->objects ? graph_decides(draft, "", 0, error) : GW_OK;
}

static gw_status check_name(const char *name, size_t length, gw_error *error) {
  (void)name;
  if (length == 0) return gw__fail(error, GW_INVALID, "a tensor's name cannot be empty (the empty key is the checkpoint's header)");
  if (length > UINT32_MAX / 4) return gw__fail(error, GW_LIMIT, "a name of %zu bytes", length);
  return GW_OK;
}

static gw_status add_item(gw_draft *draft, const char *name, size_t length, gw_tensor *tensor, uint32_t line, gw_error *error) {
  gw_status status = check_name(name, length, error);
  if (status == GW_OK && draft->item_count >= UINT32_MAX - 2) status = gw__fail(error, GW_LIMIT, "more than 2^32 names");
  if (status == GW_OK)
    status = gw__reserve((void **)&draft->items, &draft->item_capacity, draft->item_count + 1, sizeof *draft->items, error);
  if (status == GW_OK && (draft->slots_used + 1) * 4 > draft->slot_count * 3)
    status = rehash(draft, draft->live + 1, error);
  if (status != GW_OK) return status;
  const char *copy = gw__arena_text(&draft->arena, name, length, error);
  if (!copy) return GW_NO_MEMORY;
  uint32_t *slot = find_slot(draft, name, length);
  if (*slot == 0) draft->slots_used++;
  draft->items[draft->item_count] = (gw_item){.name = copy, .name_size = (uint32_t)length, .tensor = tensor, .line = line};
  *slot = (uint32_t)++draft->item_count;
  gw_tensor_retain(tensor);
  draft->live++;
  draft->order_valid = false;
  return GW_OK;
}

void gw__draft_replace(gw_draft *draft, gw_item *item, gw_tensor *tensor, uint32_t line) {
  draft->edits++;
  gw_tensor_retain(tensor);
  gw_tensor_release(item->tensor);
  if (item->base) item->replaced = item->base;
  item->tensor = tensor;
  item->base = 0;
  item->line = line;
}

gw_status gw__draft_add_nameless(gw_draft *draft, gw_tensor *tensor, uint32_t line, uint32_t *out, gw_error *error) {
  gw_status status = GW_OK;
  if (draft->item_count >= UINT32_MAX - 2) status = gw__fail(error, GW_LIMIT, "more than 2^32 tensors");
  if (status == GW_OK)
    status = gw__reserve((void **)&draft->items, &draft->item_capacity, draft->item_count + 1, sizeof *draft->items, error);
  if (status != GW_OK) return status;
  draft->items[draft->item_count] = (gw_item){.tensor = gw_tensor_retain(tensor), .line = line};
  *out = (uint32_t)draft->item_count++;
  return GW_OK;
}

gw_status gw__draft_line_number(gw_draft *draft, const char *line, uint32_t *number, gw_error *error) {
  *number = gw__draft_intern(draft, line, error);
  return *number == UINT32_MAX ? GW_NO_MEMORY : GW_OK;
}

gw_status gw_draft_set(gw_draft *draft, const char *name, size_t length, gw_tensor *tensor, const char *line, gw_error *error) {
  gw_status status = gw_draft_settle(draft, error);
  if (status != GW_OK) return status;
  gw_item *item = gw__draft_find(draft, name, length);
  if (draft->objects && (!item || gw__draft_hidden(draft, item))) return graph_decides(draft, name, length, error);
  uint32_t number = gw__draft_intern(draft, line, error);
  if (number == UINT32_MAX) return GW_NO_MEMORY;
  draft->edits++;
  if (!item) return add_item(draft, name, length, tensor, number, error);
  gw__draft_replace(draft, item, tensor, number);
  return GW_OK;
}

gw_status gw__draft_ready_to_remove(gw_draft *draft, gw_error *error) {
  if (!draft->bundle || draft->removed_line) return GW_OK;
  draft->removed_line = gw__alloc_array(gw_bundle_count(draft->bundle), sizeof *draft->removed_line, error);
  return draft->removed_line ? GW_OK : GW_NO_MEMORY;
}

void gw__draft_note_removed(gw_draft *draft, const gw_item *item, uint32_t line) {
  uint32_t base = item->base ? item->base : item->replaced;
  if (base) draft->removed_line[base - 1] = line + 1;
}

gw_status gw__draft_forget(gw_draft *draft, gw_item *item, uint32_t line, gw_error *error) {
  gw_status status = gw__draft_ready_to_remove(draft, error);
  if (status != GW_OK) return status;
  gw__draft_note_removed(draft, item, line);
  uint32_t *slot = find_slot(draft, item->name, item->name_size);
  *slot = TOMBSTONE;
  gw_tensor_release(item->tensor);
  *item = (gw_item){0};
  draft->live--;
  draft->order_valid = false;
  draft->edits++;
  return GW_OK;
}

gw_status gw_draft_remove(gw_draft *draft, const char *name, size_t length, const char *line, gw_error *error) {
  gw_status status = gw_draft_settle(draft, error);
  if (status != GW_OK) return status;
  gw_item *item = gw__draft_find(draft, name, length);
  if (!item || gw__draft_hidden(draft, item)) return gw__draft_no_such(draft, name, length, error);
  if (draft->objects) return graph_decides(draft, name, length, error);
  uint32_t number = gw__draft_intern(draft, line, error);
  if (number == UINT32_MAX) return GW_NO_MEMORY;
  return gw__draft_forget(draft, item, number, error);
}

gw_status gw_draft_merge(gw_draft *draft, gw_draft *other, const char *line, gw_error *error) {
  gw_status status = gw__draft_may_rename(draft, error);
  if (status == GW_OK) status = gw__draft_may_rename(other, error);
  const uint32_t *order;
  if (status == GW_OK && draft == other) status = gw__fail(error, GW_INVALID, "a checkpoint cannot be merged into itself");
  if (status == GW_OK) status = gw__draft_order(other, &order, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < other->live; i++) {
    const gw_item *item = &other->items[order[i]];
    if (!gw_draft_has(draft, item->name, item->name_size)) continue;
    const char *left = draft->bundle ? gw_bundle_prefix(draft->bundle) : "the new checkpoint";
    const char *right = other->bundle ? gw_bundle_prefix(other->bundle) : "the other new checkpoint";
    gw__fail(error, GW_INVALID, "the name is in both %s and %s", left, right);
    gw__error_key(error, item->name, item->name_size);
    gw__error_hint(error, "give one of them a scope first, as in other:rename_scope(\"/\", \"other/\")");
    return GW_INVALID;
  }
  uint32_t number = gw__draft_intern(draft, line, error);
  if (number == UINT32_MAX) return GW_NO_MEMORY;
  draft->edits++;
  for (size_t i = 0; i < other->live && status == GW_OK; i++) {
    gw_tensor *tensor;
    gw_item *item = &other->items[order[i]];
    status = gw__draft_tensor(other, item, &tensor, error);
    if (status == GW_OK) status = add_item(draft, item->name, item->name_size, tensor, number, error);
  }
  return status;
}

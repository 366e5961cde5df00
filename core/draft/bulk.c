/* Rules that work on all names at once: drop, keep_only, rename. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "edit.h"

bool gw__draft_has_role(const gw_draft *draft, const gw_item *item, const gw_which *which) {
  return which->roles && ((which->roles >> gw_draft_role(draft, item->name, item->name_size)) & 1);
}

gw_status gw__draft_matches(const gw_which *which, const char *text, size_t size, bool *found, gw_error *error) {
  *found = false;
  for (size_t i = 0; i < which->regex_count && !*found; i++) {
    gw_status status = gw_regex_search(which->regexes[i], text, size, found, error);
    if (status != GW_OK) return status;
  }
  return GW_OK;
}

static gw_status mark_names(const gw_draft *draft, const gw_which *which, uint8_t *marks, gw_error *error) {
  for (size_t i = 0; i < draft->item_count; i++) {
    const gw_item *item = &draft->items[i];
    if (!item->name) continue;
    bool wanted = gw__draft_has_role(draft, item, which);
    if (!wanted) {
      gw_status status = gw__draft_matches(which, item->name, item->name_size, &wanted, error);
      if (status != GW_OK) return status;
    }
    marks[i] = wanted;
  }
  return GW_OK;
}

gw_status gw__draft_mark(gw_draft *draft, const gw_which *which, uint8_t **marks, gw_error *error) {
  *marks = NULL;
  gw_status status = gw_draft_settle(draft, error);
  if (status != GW_OK) return status;
  *marks = gw__alloc_array(draft->item_count, 1, error);
  if (!*marks) return GW_NO_MEMORY;
  status = draft->objects ? gw__paths_mark(draft, which, *marks, error) : mark_names(draft, which, *marks, error);
  if (status != GW_OK) {
    gw__free(*marks);
    *marks = NULL;
  }
  return status;
}

/* Which items `which` means is settled before the first one goes: a slot is one only while its variable is there. */
static gw_status forget_where(gw_draft *draft, const gw_which *which, bool when, const char *line, size_t *marked, gw_error *error) {
  uint8_t *marks = NULL;
  uint32_t number;
  gw_status status = gw__draft_line_number(draft, line, &number, error);
  if (status == GW_OK) status = gw__draft_mark(draft, which, &marks, error);
  for (size_t i = 0; status == GW_OK && i < draft->item_count; i++) *marked += marks[i];
  /* Nothing matched: the caller decides whether that is an error; an empty draft is never what was meant. */
  if (status == GW_OK && *marked > 0) {
    for (size_t i = 0; i < draft->item_count; i++)
      marks[i] = draft->items[i].name && !gw__draft_hidden(draft, &draft->items[i]) && (marks[i] != 0) == when;
    if (draft->objects) status = gw__paths_remove(draft, marks, number, error);
    for (size_t i = 0; !draft->objects && i < draft->item_count && status == GW_OK; i++)
      if (marks[i]) status = gw__draft_forget(draft, &draft->items[i], number, error);
  }
  gw__free(marks);
  return status;
}

gw_status gw_draft_drop(gw_draft *draft, const gw_which *which, const char *line, size_t *count, gw_error *error) {
  *count = 0;
  return forget_where(draft, which, true, line, count, error);
}

gw_status gw_draft_keep_only(gw_draft *draft, const gw_which *which, const char *line, size_t *count, gw_error *error) {
  *count = 0;
  return forget_where(draft, which, false, line, count, error);
}

/* ---- Renaming: new names are collected for all items, then put in place together */

typedef struct gw_renaming {
  gw_draft *draft;
  gw_span *names; /* per item; data NULL: keeps its name */
} gw_renaming;

static gw_status start(gw_draft *draft, gw_renaming *renaming, gw_error *error) {
  gw_status status = gw__draft_may_rename(draft, error);
  renaming->draft = draft;
  renaming->names = status == GW_OK ? gw__alloc_array(draft->item_count, sizeof *renaming->names, error) : NULL;
  return status == GW_OK && !renaming->names ? GW_NO_MEMORY : status;
}

static gw_status set_name(gw_renaming *renaming, size_t item, const char *name, size_t length, gw_error *error) {
  if (length == 0) {
    gw__fail(error, GW_INVALID, "the new name would be empty");
    return gw__error_key(error, renaming->draft->items[item].name, renaming->draft->items[item].name_size), GW_INVALID;
  }
  if (length > UINT32_MAX / 4) return gw__fail(error, GW_LIMIT, "a name of %zu bytes", length);
  const char *copy = gw__arena_text(&renaming->draft->arena, name, length, error);
  if (!copy) return GW_NO_MEMORY;
  renaming->names[item] = (gw_span){copy, length};
  return GW_OK;
}

static gw_status collision(const gw_item *first, const gw_item *second, gw_span name, gw_error *error) {
  char one[160], other[160];
  gw_printable(one, sizeof one, first->name, first->name_size);
  gw_printable(other, sizeof other, second->name, second->name_size);
  gw__fail(error, GW_INVALID, "two tensors would get this name: \"%s\" and \"%s\"", one, other);
  gw__error_key(error, name.data, name.size);
  gw__error_hint(error, "drop one of them first, or make the rule tell them apart");
  return GW_INVALID;
}

/* All final names in a scratch hash: the first pair that meets is the error. */
static gw_status check_collisions(const gw_renaming *renaming, gw_error *error) {
  const gw_draft *draft = renaming->draft;
  size_t count = 16;
  while (count < draft->live * 2) count *= 2;
  uint32_t *slots = gw__alloc_array(count, sizeof *slots, error);
  if (!slots) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  for (size_t i = 0; i < draft->item_count && status == GW_OK; i++) {
    const gw_item *item = &draft->items[i];
    if (!item->name) continue;
    gw_span name = renaming->names[i].data ? renaming->names[i] : (gw_span){item->name, item->name_size};
    size_t at = gw__hash(name.data, name.size) & (count - 1);
    for (; slots[at] != 0; at = (at + 1) & (count - 1)) {
      size_t other_index = slots[at] - 1;
      const gw_item *other = &draft->items[other_index];
      gw_span taken = renaming->names[other_index].data ? renaming->names[other_index] : (gw_span){other->name, other->name_size};
      if (taken.size == name.size && memcmp(taken.data, name.data, name.size) == 0) {
        status = collision(other, item, name, error);
        break;
      }
    }
    slots[at] = (uint32_t)i + 1;
  }
  gw__free(slots);
  return status;
}

static gw_status finish(gw_renaming *renaming, gw_status status, const char *line, gw_error *error) {
  gw_draft *draft = renaming->draft;
  uint32_t number = status == GW_OK ? gw__draft_intern(draft, line, error) : 0;
  if (number == UINT32_MAX) status = GW_NO_MEMORY;
  if (status == GW_OK) status = check_collisions(renaming, error);
  bool changed = false;
  for (size_t i = 0; status == GW_OK && i < draft->item_count; i++) {
    gw_span name = renaming->names[i];
    gw_item *item = &draft->items[i];
    if (!name.data || (name.size == item->name_size && memcmp(name.data, item->name, name.size) == 0)) continue;
    item->name = name.data;
    item->name_size = (uint32_t)name.size;
    item->line = number;
    changed = true;
  }
  gw__free(renaming->names);
  if (!changed) return status;
  draft->edits++;
  draft->order_valid = false;
  gw__draft_refill(draft);
  return status;
}

gw_status gw__draft_substitute(const gw_rename_pair *pairs, size_t pair_count, const char *text, size_t size, char **name,
                               size_t *length, gw_error *error) {
  *name = NULL;
  for (size_t i = 0; i < pair_count; i++) {
    size_t replaced;
    gw_status status = gw_regex_replace(pairs[i].regex, text, size, pairs[i].replacement.data, pairs[i].replacement.size, name, length,
                                        &replaced, error);
    if (status != GW_OK) return gw__error_key(error, text, size), status;
    if (replaced > 0) return GW_OK;
    gw__free(*name);
    *name = NULL;
  }
  return GW_OK;
}

static gw_status rename_by_pairs(gw_renaming *renaming, size_t at, const gw_rename_pair *pairs, size_t pair_count, size_t *count,
                                 gw_error *error) {
  const gw_item *item = &renaming->draft->items[at];
  char *name;
  size_t length;
  gw_status status = gw__draft_substitute(pairs, pair_count, item->name, item->name_size, &name, &length, error);
  if (name) {
    (*count)++;
    status = set_name(renaming, at, name, length, error);
  }
  gw__free(name);
  return status;
}

gw_status gw_draft_rename_regex(gw_draft *draft, const gw_rename_pair *pairs, size_t pair_count, const char *line, size_t *count,
                                gw_error *error) {
  gw_renaming renaming;
  *count = 0;
  if (draft->objects) {
    uint32_t number;
    gw_status status = gw__draft_line_number(draft, line, &number, error);
    return status == GW_OK ? gw__paths_rename_pairs(draft, pairs, pair_count, number, count, error) : status;
  }
  gw_status status = start(draft, &renaming, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < draft->item_count && status == GW_OK; i++)
    if (draft->items[i].name) status = rename_by_pairs(&renaming, i, pairs, pair_count, count, error);
  return finish(&renaming, status, line, error);
}

gw_status gw_draft_rename_exact(gw_draft *draft, const gw_span *from, const gw_span *to, size_t pair_count, const char *line,
                                size_t *count, gw_error *error) {
  gw_renaming renaming;
  *count = 0;
  if (draft->objects) {
    uint32_t number;
    gw_status status = gw__draft_line_number(draft, line, &number, error);
    return status == GW_OK ? gw__paths_rename_exact(draft, from, to, pair_count, number, count, error) : status;
  }
  gw_status status = start(draft, &renaming, error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < pair_count && status == GW_OK; i++) {
    const gw_item *item = gw__draft_find(draft, from[i].data, from[i].size);
    if (!item) {
      status = gw__draft_no_such(draft, from[i].data, from[i].size, error);
      break;
    }
    (*count)++;
    status = set_name(&renaming, (size_t)(item - draft->items), to[i].data, to[i].size, error);
  }
  return finish(&renaming, status, line, error);
}

gw_status gw_draft_rename_scope(gw_draft *draft, const char *from, size_t from_length, const char *to, size_t to_length,
                                const char *line, size_t *count, gw_error *error) {
  gw_renaming renaming;
  *count = 0;
  if (from_length == 0 || to_length == 0 || from[from_length - 1] != '/' || to[to_length - 1] != '/')
    return gw__fail(error, GW_INVALID, "a scope ends in '/' (\"/\" is the root); to rename one tensor or by a pattern, use rename");
  if (from_length == 1) from_length = 0;
  if (to_length == 1) to_length = 0;
  gw_status status = start(draft, &renaming, error);
  if (status != GW_OK) return status;
  gw_buf name = GW_BUF_INIT;
  for (size_t i = 0; i < draft->item_count && status == GW_OK; i++) {
    const gw_item *item = &draft->items[i];
    if (!item->name || item->name_size < from_length || (from_length && memcmp(item->name, from, from_length) != 0)) continue;
    gw__buf_clear(&name);
    gw__put_bytes(&name, to, to_length);
    gw__put_bytes(&name, item->name + from_length, item->name_size - from_length);
    (*count)++;
    status = gw__buf_status(&name, error);
    if (status == GW_OK) status = set_name(&renaming, i, (const char *)name.data, name.size, error);
  }
  gw__buf_free(&name);
  return finish(&renaming, status, line, error);
}

/* What draft.c and bulk.c share. */
#ifndef GODWIT_DRAFT_EDIT_H
#define GODWIT_DRAFT_EDIT_H

#include "draft.h"

gw_item *gw__draft_find(const gw_draft *draft, const char *name, size_t length); /* the hidden one too */
/* After names have changed, but not their number: needs no memory, so that a rename cannot fail half way. */
void gw__draft_refill(gw_draft *draft);
/* Gives every item its name, or none (data NULL), or changes nothing: GW_INVALID, with the name, when two would have one. */
gw_status gw__draft_put_names(gw_draft *draft, const gw_span *names, gw_error *error);
/* An item without a name; takes a reference of `tensor`. */
gw_status gw__draft_add_nameless(gw_draft *draft, gw_tensor *tensor, uint32_t line, uint32_t *out, gw_error *error);
/* Puts `tensor` where the item's was. */
void gw__draft_replace(gw_draft *draft, gw_item *item, gw_tensor *tensor, uint32_t line);
/* Remembers by which line a tensor of the bundle went; made ready, this cannot fail. */
gw_status gw__draft_ready_to_remove(gw_draft *draft, gw_error *error);
void gw__draft_note_removed(gw_draft *draft, const gw_item *item, uint32_t line);
uint32_t gw__draft_intern(gw_draft *draft, const char *line, gw_error *error);   /* UINT32_MAX: out of memory */
gw_status gw__draft_forget(gw_draft *draft, gw_item *item, uint32_t line, gw_error *error);
gw_status gw__draft_no_such(const gw_draft *draft, const char *name, size_t length, gw_error *error);
/* GW_INVALID, with the reason, when names follow from an object graph. */
gw_status gw__draft_may_rename(const gw_draft *draft, gw_error *error);
/* Which items are wanted: a byte for each, the caller's (gw__free). The object graph itself never is. */
gw_status gw__draft_mark(gw_draft *draft, const gw_which *which, uint8_t **marks, gw_error *error);
bool gw__draft_has_role(const gw_draft *draft, const gw_item *item, const gw_which *which);
gw_status gw__draft_matches(const gw_which *which, const char *text, size_t size, bool *found, gw_error *error);

/* paths.c: what a rule means for an object-based draft. */
gw_status gw__paths_mark(gw_draft *draft, const gw_which *which, uint8_t *marks, gw_error *error);
gw_status gw__paths_remove(gw_draft *draft, const uint8_t *marks, uint32_t line, gw_error *error); /* items to go */
gw_status gw__paths_rename_pairs(gw_draft *draft, const gw_rename_pair *pairs, size_t pair_count, uint32_t line, size_t *count,
                                 gw_error *error);
gw_status gw__paths_rename_exact(gw_draft *draft, const gw_span *from, const gw_span *to, size_t pair_count, uint32_t line,
                                 size_t *count, gw_error *error);
/* The first of the pairs that is found in `text` gives *name (gw__free); NULL when none is. */
gw_status gw__draft_substitute(const gw_rename_pair *pairs, size_t pair_count, const char *text, size_t size, char **name,
                               size_t *length, gw_error *error);

#endif

/* What draft.c and bulk.c share. */
#ifndef GODWIT_DRAFT_EDIT_H
#define GODWIT_DRAFT_EDIT_H

#include "draft.h"

gw_item *gw__draft_find(const gw_draft *draft, const char *name, size_t length); /* the hidden one too */
/* After names have changed, but not their number: needs no memory, so that a rename cannot fail half way. */
void gw__draft_refill(gw_draft *draft);
uint32_t gw__draft_intern(gw_draft *draft, const char *line, gw_error *error);   /* UINT32_MAX: out of memory */
gw_status gw__draft_forget(gw_draft *draft, gw_item *item, uint32_t line, gw_error *error);
gw_status gw__draft_no_such(const gw_draft *draft, const char *name, size_t length, gw_error *error);
/* GW_INVALID, with the reason, when names follow from an object graph. */
gw_status gw__draft_may_rename(const gw_draft *draft, gw_error *error);
/* `which` NULL: every item. */
gw_status gw__draft_wanted(const gw_draft *draft, const gw_item *item, const gw_which *which, bool *wanted, gw_error *error);

#endif

/* A report being written: lists of items, whose texts are the report's or belong to one of the two drafts, which it keeps.
 * Used by like.c and names.c. */
#ifndef GODWIT_DRAFT_REPORT_H
#define GODWIT_DRAFT_REPORT_H

#include "../base/buf.h"
#include "draft.h"

struct gw_report {
  gw_arena arena;
  gw_draft *source, *target;
  gw_match_mode mode;
  bool consumed, existing, by_names;
  struct gw_report_items {
    gw_report_item *items;
    size_t count, capacity;
  } lists[GW_REPORT_LISTS];
};

/* One value that goes from an item of the source to one of the target. */
typedef struct gw_move {
  uint32_t to, from;
} gw_move;

/* A slot variable that the target gets new. */
typedef struct gw_new_slot {
  uint32_t optimizer, variable; /* nodes of the target */
  uint32_t from;                /* item of the source */
  gw_span name;                 /* of the source's graph */
  uint32_t object;              /* its number in the match; once it is made: its node */
  size_t after;                 /* 1 + the place of the slot that its variable is; 0: that is an old node */
} gw_new_slot;

typedef struct gw_liking {
  gw_draft *source, *target;
  gw_match_options options;
  gw_report *report;
  gw_move *moves;
  size_t move_count, move_capacity;
  gw_new_slot *slots;
  size_t slot_count, slot_capacity;
  gw_buf text; /* scratch */
  gw_error *error;
} gw_liking;

/* NULL texts and empty spans are left out; `name` and `reason` are copied. */
gw_status gw__report_add(gw_liking *liking, gw_report_list list, const char *name, gw_span key, gw_span from, const char *reason);
gw_status gw__report_reason(gw_liking *liking, gw_report_list list, const char *name, gw_span key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The scratch buffer's content as a text, until it is used again. */
gw_status gw__report_text(gw_liking *liking, const char **text);

/* like.c: what a value is before it is read. */
typedef struct gw_value_form {
  int dtype;
  size_t rank;
  const int64_t *dims;
  bool partial;
} gw_value_form;
void gw__draft_form(const gw_draft *draft, const gw_item *item, gw_value_form *out); /* dims live as long as the item's tensor */
/* Compares the form of two items and remembers the move, or says why TensorFlow raises. `variable` is the program's name of
 * it ("v:0"), or empty; `whole` false: shapes may differ (tables, iterators, Python state). */
gw_status gw__like_value(gw_liking *liking, uint32_t to, uint32_t from, const char *name, gw_span variable, bool whole);
static inline gw_span gw__item_name(const gw_item *item) { return (gw_span){item->name, item->name_size}; }

/* names.c: the pairs that go by names. */
gw_status gw__like_by_names(gw_liking *liking);

#endif

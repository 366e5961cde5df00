/* A draft compiled: which tensor goes where, by which expression, and what is not carried over. Data, nothing else.
 * Private header of the module; run executes it. */
#ifndef GODWIT_PLAN_PLAN_H
#define GODWIT_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../bundle/bundle.h"
#include "../draft/draft.h"
#include "../godwit.h"

/* One tensor of the output. */
typedef struct gw_plan_item {
  gw_span name;       /* lives as long as the draft */
  gw_bundle *bundle;  /* stored bytes that are carried over as they are: whose, and which tensor; else NULL */
  size_t index;
  gw_tensor *tensor;  /* counted; NULL while `bundle` says all */
  gw_parts *parts;    /* of a tensor that is made: the slices in which it is written, without their entries; NULL: whole */
  gw_tensor **slices; /* with `parts`: what makes each of them; counted */
  int32_t *shards;    /* with `parts`: in which shard of the input each was; NULL: they are cut anew */
  uint32_t base;      /* 1 + position in the draft's bundle of what stood under this item before; 0: nothing did */
  bool replaced;      /* that one's value is gone */
  uint32_t line;
  gw_action action;
  uint64_t rank;      /* in TensorFlow's order of data: by name, or by object */
  size_t first_unit, unit_count; /* its stored pieces: one, or one per slice; in plan->units_of */
} gw_plan_item;

/* One run of bytes in a data file: a whole tensor, or one slice of it. */
typedef struct gw_unit {
  uint64_t offset, size;  /* in the output's shard */
  uint64_t rank;          /* its item's */
  uint32_t item;
  uint32_t slice;         /* which one in the parent's list; 0 for a whole tensor */
  int32_t shard;
  uint32_t crc;           /* masked; known up front for shared bytes, else set by the run */
} gw_unit;

/* A data file of the output: written by the run, or an input's as it is. */
typedef struct gw_plan_shard {
  uint64_t bytes;
  gw_bundle *shared; /* whose file is linked or cloned; NULL: written */
  int32_t shared_id;
} gw_plan_shard;

/* A tensor of an input that is no part of the output. */
typedef struct gw_plan_gone {
  gw_bundle *bundle;
  uint32_t index;
  uint32_t line;
} gw_plan_gone;

struct gw_plan {
  gw_draft *draft;          /* counted: owns names and lines */
  gw_plan_options options;
  gw_header header;         /* of the output; shards is set by the layout */
  bool same_names;          /* every name of the only input, and no other: identity keeps its order */
  gw_plan_item *items;      /* in key order */
  size_t item_count;
  gw_unit *units;           /* in layout order: by shard, then offset */
  size_t unit_count;
  uint32_t *units_of;       /* positions in `units`, grouped by item, slices in the parent's order */
  gw_plan_shard *shards;
  size_t shard_count;
  gw_bundle **inputs;       /* distinct, each counted */
  size_t input_count;
  gw_plan_gone *dropped;
  size_t dropped_count;
  gw_plan_totals totals;
  gw_arena arena;           /* parts and slices of items */
  gw_buf text;              /* scratch of gw_plan_entry_at */
  gw_span *from;            /* likewise */
  size_t from_capacity;
};

/* layout.c: fills units, shards, header from items. */
gw_status gw__plan_layout(gw_plan *plan, gw_error *error);
/* The stored entry behind a unit; NULL when its bytes are made. */
const gw_entry *gw__unit_entry(const gw_plan *plan, const gw_unit *unit);
/* What makes the bytes of a unit; NULL when they are stored ones. */
gw_tensor *gw__unit_tensor(const gw_plan *plan, const gw_unit *unit);
/* The slices that an item is written in; NULL: it is whole. */
const gw_parts *gw__item_parts(const gw_plan_item *item);

/* parts.c: an item whose tensor is to be written in slices gets them. */
gw_status gw__plan_parts(gw_plan *plan, gw_plan_item *item, gw_error *error);
/* The item's tensor, made when needed; borrowed. */
gw_status gw__plan_tensor(gw_plan_item *item, gw_tensor **out, gw_error *error);

#endif

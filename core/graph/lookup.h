/* A hash from (number, number, name) to a number: edges by parent and name, slots by optimizer, variable and name, full
 * names. Spans are borrowed. The seed differs from run to run, so that nobody can prepare names that meet; no order
 * depends on it. Used by graph and draft. */
#ifndef GODWIT_GRAPH_LOOKUP_H
#define GODWIT_GRAPH_LOOKUP_H

#include <stdint.h>

#include "../godwit.h"

#define GW_NOT_THERE UINT32_MAX /* no value */

typedef struct gw_lookup {
  struct gw_lookup_entry *entries;
  size_t count, capacity;
  uint32_t *slots; /* 1 + entry, 0 empty */
  size_t slot_count;
  uint64_t seed;
} gw_lookup;

void gw__lookup_free(gw_lookup *lookup);
/* Sets, and replaces what was there. */
gw_status gw__lookup_set(gw_lookup *lookup, uint32_t owner, uint32_t second, gw_span name, uint32_t value, gw_error *error);
uint32_t gw__lookup_get(const gw_lookup *lookup, uint32_t owner, uint32_t second, gw_span name);

#endif

/* Tensors cut into jobs of about equal size for a pool: parts of large tensors, or many small ones. Used by diff and statistics.
 * Where they are cut does not depend on the number of threads. */
#ifndef GODWIT_RUN_CUT_H
#define GODWIT_RUN_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../godwit.h"

/* Where a job begins; it ends where the next one begins. */
typedef struct gw_cut {
  size_t nth;     /* of the tensors */
  uint64_t first; /* element */
} gw_cut;

typedef struct gw_cuts { /* zeroed: empty */
  gw_cut *jobs;
  size_t count, capacity;
  size_t tensors;
  uint64_t room; /* bytes that the last job could still take */
} gw_cuts;

typedef struct gw_range {
  size_t nth;
  uint64_t first, end; /* elements; `end` UINT64_MAX: to the last */
} gw_range;

/* The next tensor: `elements` of `width` bytes; width 0: it is not cut, and has `size` bytes. */
gw_status gw__cuts_add(gw_cuts *cuts, uint64_t elements, size_t width, uint64_t size, gw_error *error);
/* The parts that a job has, in order; *range begins with nth SIZE_MAX. False after the last. */
bool gw__cuts_next(const gw_cuts *cuts, size_t job, gw_range *range);
void gw__cuts_free(gw_cuts *cuts);

#endif

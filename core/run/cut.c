#include "cut.h"

#include "../base/alloc.h"

enum { JOB = 4 << 20 }; /* bytes */

static gw_status add_job(gw_cuts *cuts, uint64_t first, gw_error *error) {
  gw_status status = gw__reserve((void **)&cuts->jobs, &cuts->capacity, cuts->count + 1, sizeof *cuts->jobs, error);
  if (status == GW_OK) cuts->jobs[cuts->count++] = (gw_cut){cuts->tensors, first};
  return status;
}

gw_status gw__cuts_add(gw_cuts *cuts, uint64_t elements, size_t width, uint64_t size, gw_error *error) {
  gw_status status = GW_OK;
  if (cuts->room == 0) {
    status = add_job(cuts, 0, error);
    cuts->room = JOB;
  }
  if (width == 0 || elements * width <= cuts->room) {
    if (width > 0) size = elements * width;
    cuts->room -= size < cuts->room ? size : cuts->room;
  } else {
    for (uint64_t first = cuts->room / width; first < elements && status == GW_OK; first += JOB / width) {
      if (first > 0) status = add_job(cuts, first, error);
      cuts->room = (elements - first) * width < JOB ? JOB - (elements - first) * width : 0;
    }
  }
  cuts->tensors++;
  return status;
}

bool gw__cuts_next(const gw_cuts *cuts, size_t job, gw_range *range) {
  gw_cut end = job + 1 < cuts->count ? cuts->jobs[job + 1] : (gw_cut){cuts->tensors, 0};
  bool first = range->nth == SIZE_MAX;
  range->nth = first ? cuts->jobs[job].nth : range->nth + 1;
  range->first = first ? cuts->jobs[job].first : 0;
  range->end = range->nth == end.nth ? end.first : UINT64_MAX;
  return range->nth < end.nth || (range->nth == end.nth && end.first > 0);
}

void gw__cuts_free(gw_cuts *cuts) {
  gw__free(cuts->jobs);
  *cuts = (gw_cuts){0};
}

/* The report of gw_draft_like and gw_draft_restore: what they found, and the ways to look at it. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"

gw_status gw__report_add(gw_liking *liking, gw_report_list list, const char *name, gw_span key, gw_span from, const char *reason) {
  gw_report *report = liking->report;
  struct gw_report_items *items = &report->lists[list];
  gw_report_item item = {.key = key, .from = from};
  gw_status status = gw__reserve((void **)&items->items, &items->capacity, items->count + 1, sizeof *items->items, liking->error);
  if (status != GW_OK) return status;
  if (name && !(item.name = gw__arena_text(&report->arena, name, strlen(name), liking->error))) return GW_NO_MEMORY;
  if (reason && !(item.reason = gw__arena_text(&report->arena, reason, strlen(reason), liking->error))) return GW_NO_MEMORY;
  items->items[items->count++] = item;
  return GW_OK;
}

gw_status gw__report_reason(gw_liking *liking, gw_report_list list, const char *name, gw_span key, const char *format, ...) {
  char reason[2000];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  return gw__report_add(liking, list, name, key, (gw_span){NULL, 0}, reason);
}

gw_status gw__report_text(gw_liking *liking, const char **text) {
  gw__put_u8(&liking->text, 0);
  *text = (const char *)liking->text.data;
  return gw__buf_status(&liking->text, liking->error);
}

void gw_report_free(gw_report *report) {
  if (!report) return;
  for (size_t i = 0; i < GW_REPORT_LISTS; i++) gw__free(report->lists[i].items);
  gw__arena_free(&report->arena);
  gw_draft_release(report->source);
  gw_draft_release(report->target);
  gw__free(report);
}

bool gw_report_consumed(const gw_report *report) { return report->consumed; }
bool gw_report_existing(const gw_report *report) { return report->existing; }
bool gw_report_raises(const gw_report *report) { return report->lists[GW_REPORT_MISMATCHED].count > 0; }
bool gw_report_by_names(const gw_report *report) { return report->by_names; }
gw_match_mode gw_report_mode(const gw_report *report) { return report->mode; }
size_t gw_report_count(const gw_report *report, gw_report_list list) { return report->lists[list].count; }

void gw_report_at(const gw_report *report, gw_report_list list, size_t index, gw_report_item *out) {
  *out = report->lists[list].items[index];
}

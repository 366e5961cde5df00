/* Restoring where at least one side is name-based: see like.c. */
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../graph/lookup.h"
#include "../graph/match.h"
#include "edit.h"
#include "report.h"

static const gw_span nothing = {NULL, 0};

static uint32_t find_item(const gw_draft *draft, gw_span name) {
  const gw_item *item = gw__draft_find(draft, name.data, name.size);
  return item && !gw__draft_hidden(draft, item) ? (uint32_t)(item - draft->items) : GW_NOT_THERE;
}

static bool is_variable(const gw_attribute *attribute) {
  return attribute->name.size == 14 && memcmp(attribute->name.data, "VARIABLE_VALUE", 14) == 0 && attribute->full_name.size > 0;
}

/* What no variable took, in the source's order. */
static gw_status list_unused(gw_liking *liking, const uint8_t *used, const char *reason) {
  const uint32_t *order;
  gw_status status = gw__draft_order(liking->source, &order, liking->error);
  for (size_t i = 0; status == GW_OK && i < liking->source->live; i++) {
    const gw_item *item = &liking->source->items[order[i]];
    if (used[order[i]] || gw__draft_hidden(liking->source, item)) continue;
    status = gw__report_add(liking, GW_REPORT_UNEXPECTED, NULL, gw__item_name(item), nothing, reason);
  }
  return status;
}

/* ---- Names into objects: every variable of the program by its own name (_NameBasedRestoreCoordinator) */

typedef struct gw_by_name {
  gw_liking *liking;
  gw_graph *graph;
  gw_naming naming;
  uint8_t *used, *marks;
  uint32_t counter;
} gw_by_name;

static gw_status missing(gw_by_name *by, uint32_t object, gw_span key, const char *reason) {
  const char *name;
  gw__buf_clear(&by->liking->text);
  gw__naming_put(&by->naming, object, &by->liking->text);
  gw_status status = gw__report_text(by->liking, &name);
  return status == GW_OK ? gw__report_add(by->liking, GW_REPORT_MISSING, name, key, nothing, reason) : status;
}

static gw_status object_by_name(gw_by_name *by, uint32_t object) {
  const gw_attribute *attribute = &by->graph->nodes[object].attributes[0];
  gw_liking *liking = by->liking;
  if (!is_variable(attribute)) return missing(by, object, attribute->key, "only variables are restored by name");
  uint32_t from = find_item(liking->source, attribute->full_name), to = find_item(liking->target, attribute->key);
  if (from == GW_NOT_THERE) {
    if (object == by->counter) return GW_OK; /* add_to_optionally_restored */
    char reason[400], name[300];
    gw_printable(name, sizeof name, attribute->full_name.data, attribute->full_name.size);
    snprintf(reason, sizeof reason, "no tensor has its full name, \"%s\"", name);
    return missing(by, object, attribute->key, reason);
  }
  by->used[from] = 1;
  if (to == GW_NOT_THERE) return GW_OK;
  const char *name;
  gw__buf_clear(&liking->text);
  gw__naming_put(&by->naming, object, &liking->text);
  gw_status status = gw__report_text(liking, &name);
  return status == GW_OK ? gw__like_value(liking, to, from, name, attribute->full_name, true) : status;
}

static gw_status names_into_objects(gw_by_name *by) {
  gw_liking *liking = by->liking;
  gw_match_mode mode = liking->options.mode;
  by->counter = gw__graph_counter(by->graph);
  if (mode == GW_MATCH_AUTO) mode = by->counter == GW_NO_NODE ? GW_MATCH_READ : GW_MATCH_RESTORE;
  liking->report->mode = mode;
  gw_status status = gw__graph_reach(by->graph, by->graph->root, mode == GW_MATCH_READ, by->marks, liking->error);
  /* Made after reading, the counter of Checkpoint(root) is never told of the names; that of Checkpoint(a=..) is. */
  bool lost = mode == GW_MATCH_RESTORE && gw__graph_is_attached(by->graph);
  if (lost && by->counter != GW_NO_NODE) by->marks[by->counter] = 0;
  for (size_t i = 0; i < by->graph->node_count && status == GW_OK; i++)
    if (by->marks[i] && by->graph->nodes[i].attribute_count > 0) status = object_by_name(by, (uint32_t)i);
  if (status == GW_OK && lost)
    status = gw__report_add(liking, GW_REPORT_MISSING, "(root).save_counter", nothing, nothing,
                            "Checkpoint(root).restore never gives it a value from a name-based checkpoint; read does not ask for it");
  if (status == GW_OK) status = list_unused(liking, by->used, NULL);
  return status;
}

static gw_status start_names_into_objects(gw_liking *liking) {
  gw_by_name by = {.liking = liking};
  gw_status status = gw__draft_graph(liking->target, &by.graph, liking->error);
  if (status == GW_OK) status = gw__naming_start(by.graph, &by.naming, liking->error);
  if (status == GW_OK) {
    by.used = gw__alloc_array(liking->source->item_count + 1, 1, liking->error);
    by.marks = gw__alloc_array(by.graph->node_count, 1, liking->error);
    status = by.used && by.marks ? names_into_objects(&by) : GW_NO_MEMORY;
  }
  /* There is no difference between the two assertions here (NameBasedSaverStatus). */
  liking->report->existing = liking->report->consumed = gw_report_count(liking->report, GW_REPORT_MISSING) == 0;
  gw__free(by.used);
  gw__free(by.marks);
  gw__naming_end(&by.naming);
  return status;
}

/* ---- Into names: Saver.restore */

/* Full names to attributes of the source; of two attributes with one name the last counts (object_graph_key_mapping). */
typedef struct gw_by_full_name {
  gw_lookup lookup;
  const gw_attribute **attributes;
  size_t count;
} gw_by_full_name;

static gw_status find_full_names(gw_liking *liking, gw_by_full_name *names) {
  gw_graph *graph;
  size_t count = 0;
  gw_status status = gw__draft_graph(liking->source, &graph, liking->error);
  if (status != GW_OK) return status;
  for (size_t i = 0; i < graph->node_count; i++) count += graph->nodes[i].attribute_count;
  if (count >= UINT32_MAX) return gw__fail(liking->error, GW_LIMIT, "an object graph with %zu attributes", count);
  names->attributes = gw__alloc_array(count, sizeof *names->attributes, liking->error);
  if (!names->attributes) return GW_NO_MEMORY;
  for (size_t i = 0; i < graph->node_count; i++)
    for (size_t j = 0; j < graph->nodes[i].attribute_count && status == GW_OK; j++) {
      const gw_attribute *attribute = &graph->nodes[i].attributes[j];
      if (attribute->full_name.size == 0) continue;
      names->attributes[names->count] = attribute;
      status = gw__lookup_set(&names->lookup, 0, 0, attribute->full_name, (uint32_t)names->count++, liking->error);
    }
  return status;
}

static gw_status one_into_names(gw_liking *liking, uint32_t to, const gw_by_full_name *names, uint8_t *used) {
  gw_span name = gw__item_name(&liking->target->items[to]), key = name;
  char text[400];
  if (names) {
    uint32_t nth = gw__lookup_get(&names->lookup, 0, 0, name);
    if (nth == GW_NOT_THERE) return gw__report_add(liking, GW_REPORT_MISSING, NULL, name, nothing, "no variable of the checkpoint has this full name");
    key = names->attributes[nth]->key;
  }
  uint32_t from = find_item(liking->source, key);
  if (from != GW_NOT_THERE) {
    used[from] = 1;
    return gw__like_value(liking, to, from, NULL, name, true);
  }
  if (!names) return gw__report_add(liking, GW_REPORT_MISSING, NULL, name, nothing, NULL);
  gw_printable(text, sizeof text, key.data, key.size);
  return gw__report_reason(liking, GW_REPORT_MISMATCHED, NULL, name, "Key %s not found in checkpoint", text);
}

static bool has_all_names(const gw_liking *liking) {
  for (size_t i = 0; i < liking->target->item_count; i++)
    if (liking->target->items[i].name && find_item(liking->source, gw__item_name(&liking->target->items[i])) == GW_NOT_THERE) return false;
  return true;
}

static gw_status into_names(gw_liking *liking) {
  gw_by_full_name names = {{0}, NULL, 0};
  const uint32_t *order;
  /* Names first, and only when one of them is not there, full names, for all of them. */
  bool by_full_name = liking->source->objects && !has_all_names(liking);
  uint8_t *used = gw__alloc_array(liking->source->item_count + 1, 1, liking->error);
  gw_status status = used ? gw__draft_order(liking->target, &order, liking->error) : GW_NO_MEMORY;
  if (status == GW_OK && by_full_name) status = find_full_names(liking, &names);
  for (size_t i = 0; status == GW_OK && i < liking->target->live; i++) status = one_into_names(liking, order[i], by_full_name ? &names : NULL, used);
  if (status == GW_OK) status = list_unused(liking, used, NULL);
  liking->report->mode = GW_MATCH_RESTORE;
  liking->report->existing = gw_report_count(liking->report, GW_REPORT_MISSING) == 0;
  liking->report->consumed = liking->report->existing && gw_report_count(liking->report, GW_REPORT_UNEXPECTED) == 0;
  gw__free(used);
  gw__free(names.attributes);
  gw__lookup_free(&names.lookup);
  return status;
}

gw_status gw__like_by_names(gw_liking *liking) {
  return liking->target->objects ? start_names_into_objects(liking) : into_names(liking);
}

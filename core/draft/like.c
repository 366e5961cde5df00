/* What TensorFlow's restore would do with one draft for the model of another, and doing it: objects into objects here, the
 * pairs that go by names in names.c. The structure is matched in graph; here are the values behind it: whether their
 * shapes and dtypes fit, and how TensorFlow complains when they do not. */
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../bundle/bundle.h"
#include "../graph/match.h"
#include "edit.h"
#include "report.h"

#define ATTRIBUTES ".ATTRIBUTES/"

static const gw_span nothing = {NULL, 0};

static bool equal(gw_span a, const char *text) { return a.size == strlen(text) && memcmp(a.data, text, a.size) == 0; }

/* ---- Values */

void gw__draft_form(const gw_draft *draft, const gw_item *item, gw_value_form *out) {
  if (item->tensor) {
    *out = (gw_value_form){gw_tensor_dtype(item->tensor), gw_tensor_rank(item->tensor), gw_tensor_dims(item->tensor), false};
    return;
  }
  gw_entry_info entry;
  gw_bundle_entry(draft->bundle, item->base - 1, &entry);
  *out = (gw_value_form){entry.dtype, entry.rank, entry.dims, entry.partial};
}

/* As TensorFlow prints a TensorShape. */
static void print_shape(const gw_value_form *form, char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "(");
  for (size_t i = 0; i < form->rank && used + 32 < size; i++)
    used += (size_t)snprintf(out + used, size - used, i ? ", %lld" : "%lld", (long long)form->dims[i]);
  snprintf(out + used, size - used, form->rank == 1 ? ",)" : ")");
}

/* As TensorFlow's runtime names a DataType. */
static const char *runtime_name(int dtype) {
  const char *name = gw_dtype_name(dtype);
  if (dtype == GW_DT_FLOAT) return "float";
  if (dtype == GW_DT_DOUBLE) return "double";
  if (dtype == GW_DT_HALF) return "half";
  return name ? name : "unknown";
}

static gw_status wrong_shape(gw_liking *liking, const gw_item *to, const gw_value_form *has, const gw_value_form *wants,
                             const char *name, gw_span variable) {
  char source[400], target[400], called[200] = "";
  print_shape(has, source, sizeof source);
  print_shape(wants, target, sizeof target);
  if (variable.size > 0) {
    gw_printable(called, sizeof called, variable.data, variable.size);
    return gw__report_reason(liking, GW_REPORT_MISMATCHED, name, gw__item_name(to),
                             "Received incompatible tensor with shape %s when attempting to restore variable with shape %s and name %s:0",
                             source, target, called);
  }
  return gw__report_reason(liking, GW_REPORT_MISMATCHED, name, gw__item_name(to),
                           "Received incompatible tensor with shape %s when attempting to restore variable with shape %s", source, target);
}

gw_status gw__like_value(gw_liking *liking, uint32_t to, uint32_t from, const char *name, gw_span variable, bool whole) {
  const gw_item *target = &liking->target->items[to], *source = &liking->source->items[from];
  gw_value_form has, wants;
  gw__draft_form(liking->source, source, &has);
  gw__draft_form(liking->target, target, &wants);
  if (has.dtype != wants.dtype) {
    char key[400];
    gw_printable(key, sizeof key, source->name, source->name_size);
    return gw__report_reason(liking, GW_REPORT_MISMATCHED, name, gw__item_name(target),
                             "tensor_name = %s; expected dtype %s does not equal original dtype %s", key, runtime_name(wants.dtype),
                             runtime_name(has.dtype));
  }
  if (whole && (has.rank != wants.rank || (has.rank && memcmp(has.dims, wants.dims, has.rank * sizeof *has.dims) != 0)))
    return wrong_shape(liking, target, &has, &wants, name, variable);
  if (has.partial)
    return gw__report_reason(liking, GW_REPORT_MISMATCHED, name, gw__item_name(target), "the slices in the checkpoint do not cover the tensor");
  gw_status status = gw__reserve((void **)&liking->moves, &liking->move_capacity, liking->move_count + 1, sizeof *liking->moves, liking->error);
  if (status == GW_OK) status = gw__report_add(liking, GW_REPORT_RESTORED, NULL, gw__item_name(target), gw__item_name(source), NULL);
  if (status == GW_OK) liking->moves[liking->move_count++] = (gw_move){to, from};
  return status;
}

/* ---- Objects */

typedef struct gw_objects {
  gw_liking *liking;
  gw_graph *source, *target;
  gw_match *match;
  gw_naming source_names, target_names;
} gw_objects;

static const char *object_name(gw_objects *objects, uint32_t object) {
  gw_buf *out = &objects->liking->text;
  const char *text;
  gw__buf_clear(out);
  gw__naming_put_object(&objects->target_names, objects->match, object, out);
  return gw__report_text(objects->liking, &text) == GW_OK ? text : "";
}

static const char *node_name(gw_objects *objects, uint32_t node) {
  const char *text;
  gw__buf_clear(&objects->liking->text);
  gw__naming_put(&objects->source_names, node, &objects->liking->text);
  return gw__report_text(objects->liking, &text) == GW_OK ? text : "";
}

/* _extract_saveable_name, then what the object itself calls the tensor: keys are made from both. */
static gw_status wanted_key(gw_liking *liking, const gw_attribute *attribute, const gw_attribute *first, const gw_item *entry,
                            gw_span *key) {
  if (equal(attribute->name, "py_state")) { /* read under its own key */
    *key = first->key;
    return GW_OK;
  }
  const char *at = memmem(first->key.data, first->key.size, ATTRIBUTES, strlen(ATTRIBUTES));
  const char *own = memmem(entry->name, entry->name_size, ATTRIBUTES, strlen(ATTRIBUTES));
  *key = nothing;
  if (!at) return GW_OK;
  gw__buf_clear(&liking->text);
  gw__put_bytes(&liking->text, first->key.data, (size_t)(at - first->key.data) + strlen(ATTRIBUTES));
  if (own) gw__put_bytes(&liking->text, own + strlen(ATTRIBUTES), entry->name_size - (size_t)(own - entry->name) - strlen(ATTRIBUTES));
  else gw__put_bytes(&liking->text, attribute->name.data, attribute->name.size);
  *key = (gw_span){(const char *)liking->text.data, liking->text.size};
  return gw__buf_status(&liking->text, liking->error);
}

static gw_status like_entry(gw_objects *objects, uint32_t object, const gw_attribute *attribute, const gw_attribute *first, const gw_item *entry) {
  gw_liking *liking = objects->liking;
  gw_span key;
  gw_status status = wanted_key(liking, attribute, first, entry, &key);
  if (status != GW_OK) return status;
  if (!key.data)
    return gw__report_reason(liking, GW_REPORT_MISMATCHED, object_name(objects, object), gw__item_name(entry),
                             "the object's key in the checkpoint has no .ATTRIBUTES/ (ValueError: substring not found)");
  const gw_item *from = gw__draft_find(liking->source, key.data, key.size);
  if (!from || gw__draft_hidden(liking->source, from)) {
    char shown[400];
    gw_printable(shown, sizeof shown, key.data, key.size);
    return gw__report_reason(liking, GW_REPORT_MISMATCHED, object_name(objects, object), gw__item_name(entry), "Key %s not found in checkpoint", shown);
  }
  bool variable = equal(attribute->name, "VARIABLE_VALUE");
  return gw__like_value(liking, (uint32_t)(entry - liking->target->items), (uint32_t)(from - liking->source->items),
                        object_name(objects, object), attribute->full_name, variable);
}

/* A value that the recipe has taken away has no name any more. */
static gw_status like_attribute(gw_objects *objects, uint32_t object, const gw_attribute *attribute, const gw_attribute *first) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < attribute->value_count && status == GW_OK; i++) {
    const gw_item *entry = &objects->liking->target->items[attribute->values[i].item];
    if (entry->name) status = like_entry(objects, object, attribute, first, entry);
  }
  return status;
}

static gw_status like_values(gw_objects *objects) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < objects->target->node_count && status == GW_OK; i++) {
    const gw_node *object = &objects->target->nodes[i];
    uint32_t origin = gw_match_origin(objects->match, (uint32_t)i);
    if (origin == GW_NO_NODE || objects->source->nodes[origin].attribute_count == 0) continue;
    for (size_t j = 0; j < object->attribute_count && status == GW_OK; j++)
      status = like_attribute(objects, (uint32_t)i, &object->attributes[j], &objects->source->nodes[origin].attributes[0]);
  }
  return status;
}

/* ---- Events as sentences */

static gw_span first_key(const gw_graph *graph, uint32_t node) {
  return node < graph->node_count && graph->nodes[node].attribute_count > 0 ? graph->nodes[node].attributes[0].key : nothing;
}

/* Two names in one sentence: the scratch buffer holds only one. */
static gw_status two_names(gw_objects *objects, uint32_t node, char *out, size_t size) {
  const char *name = node_name(objects, node);
  gw_printable(out, size, name, strlen(name));
  return gw__buf_status(&objects->liking->text, objects->liking->error);
}

static gw_status say_missing(gw_objects *objects, const gw_match_event *event) {
  return gw__report_add(objects->liking, GW_REPORT_MISSING, object_name(objects, event->object), first_key(objects->target, event->object),
                        nothing, event->object < objects->target->node_count ? NULL : "Checkpoint.restore makes one, and the checkpoint has none");
}

static gw_status say_unused(gw_objects *objects, const gw_match_event *event) {
  const gw_attribute *attribute = &objects->source->nodes[event->node].attributes[event->nth];
  char name[200];
  gw_printable(name, sizeof name, attribute->name.data, attribute->name.size);
  return gw__report_reason(objects->liking, GW_REPORT_UNEXPECTED, node_name(objects, event->node), attribute->key,
                           "unused attribute %s: the object is there, and takes no value", name);
}

static gw_status say_slot(gw_objects *objects, const gw_match_event *event, gw_report_list list, const char *reason) {
  const gw_slot *slot = &objects->source->nodes[event->node].slots[event->nth];
  const char *name;
  gw__buf_clear(&objects->liking->text);
  gw__naming_put_slot(&objects->source_names, event->node, slot->name, slot->variable, &objects->liking->text);
  gw_status status = gw__report_text(objects->liking, &name);
  return status == GW_OK ? gw__report_add(objects->liking, list, name, first_key(objects->source, slot->slot), nothing, reason) : status;
}

/* 1 + the place of the slot that is made for `object`, or 0. They come in the order of their numbers. */
static size_t find_new_slot(const gw_liking *liking, uint32_t object) {
  size_t from = 0, to = liking->slot_count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (liking->slots[middle].object < object) from = middle + 1;
    else to = middle;
  }
  return from < liking->slot_count && liking->slots[from].object == object ? from + 1 : 0;
}

/* The slot is made in the draft too, once all else is in place. */
static gw_status say_made(gw_objects *objects, const gw_match_event *event) {
  gw_liking *liking = objects->liking;
  const gw_made *made = gw__match_made(objects->match, event->object);
  gw_span key = first_key(objects->source, event->node);
  const gw_item *from = gw__draft_find(liking->source, key.data, key.size);
  gw_status status = gw__report_add(liking, GW_REPORT_NOTES, object_name(objects, event->object), nothing, nothing,
                                    "TensorFlow makes this variable while it restores; the target has none");
  if (status != GW_OK || made->optimizer == GW_NO_NODE || !from) return status;
  size_t after = 0;
  if (made->variable >= objects->target->node_count && (after = find_new_slot(liking, made->variable)) == 0) return status;
  status = gw__reserve((void **)&liking->slots, &liking->slot_capacity, liking->slot_count + 1, sizeof *liking->slots, liking->error);
  if (status == GW_OK)
    liking->slots[liking->slot_count++] =
        (gw_new_slot){made->optimizer, made->variable, (uint32_t)(from - liking->source->items), made->slot, event->object, after};
  return status;
}

static gw_status say_optimizer(gw_objects *objects, const gw_match_event *event, gw_report_list list, const char *reason) {
  return gw__report_add(objects->liking, list, object_name(objects, event->object), nothing, nothing, reason);
}

static gw_status say_other(gw_objects *objects, const gw_match_event *event, const char *format) {
  char other[900], reason[1200];
  gw_status status = two_names(objects, event->node, other, sizeof other);
  /* One %s, of a constant below. */
  const char *at = strstr(format, "%s");
  snprintf(reason, sizeof reason, "%.*s%s%s", (int)(at - format), format, other, at + 2);
  if (status != GW_OK) return status;
  return gw__report_add(objects->liking, GW_REPORT_NOTES, object_name(objects, event->object), nothing, nothing, reason);
}

static gw_status say(gw_objects *objects, const gw_match_event *event) {
  switch (event->kind) {
    case GW_MATCH_MISSING: return say_missing(objects, event);
    case GW_MATCH_UNEXPECTED:
      return gw__report_add(objects->liking, GW_REPORT_UNEXPECTED, node_name(objects, event->node), first_key(objects->source, event->node), nothing, NULL);
    case GW_MATCH_UNUSED: return say_unused(objects, event);
    case GW_MATCH_LEFT_SLOT:
      return say_slot(objects, event, GW_REPORT_UNEXPECTED, "unresolved slot restoration: its variable was not found");
    case GW_MATCH_NEW_KERAS:
      return say_optimizer(objects, event, GW_REPORT_MISMATCHED,
                           "You are trying to restore a checkpoint from a legacy Keras optimizer into a v2.11+ Optimizer, which can cause errors");
    case GW_MATCH_NOT_OPTIMIZER:
      return say_optimizer(objects, event, GW_REPORT_MISMATCHED,
                           "the checkpoint has slot variables for this object, which is no optimizer (AttributeError: no attribute "
                           "'_create_or_restore_slot_variable')");
    case GW_MATCH_NOT_VARIABLE:
      return say_optimizer(objects, event, GW_REPORT_MISMATCHED,
                           "the checkpoint has slot variables of this object, which is no variable (AttributeError: no attribute '_unique_id')");
    case GW_MATCH_SLOTS_IGNORED:
      return say_optimizer(objects, event, GW_REPORT_NOTES, "the checkpoint has slot variables for this object, which seems to be no optimizer");
    case GW_MATCH_GUESSED:
      return say_optimizer(objects, event, GW_REPORT_NOTES,
                           "is empty in the file; taken for an optimizer that has not worked yet, because the checkpoint has slot variables for it");
    case GW_MATCH_MADE: return say_made(objects, event);
    case GW_MATCH_NO_VALUE: return say_other(objects, event, "is matched with %s, which has no value for it: it keeps its own, and no assertion says so");
    case GW_MATCH_SHARED: return say_other(objects, event, "is matched with %s as well, but was restored before");
    case GW_MATCH_DIVIDED:
      return say_other(objects, event, "Inconsistent references: %s is one object in the checkpoint and several here; only the first is restored from it");
    case GW_MATCH_SAVER:
      return say_other(objects, event, "%s is read by a registered saver: the program must have registered it, and its values are not looked at here");
    case GW_MATCH_ATTACHED:
      return gw__report_add(objects->liking, GW_REPORT_NOTES, NULL, nothing, nothing,
                            "references divide or meet, and a file does not say which objects were given beside the root: TensorFlow may "
                            "restore another of them first");
  }
  return GW_OK;
}

/* Events of one optimizer stand in a row, one for each of its slots: one sentence is enough. */
static bool says_the_same(const gw_match_event *a, const gw_match_event *b) {
  bool of_optimizer = a->kind == GW_MATCH_NEW_KERAS || a->kind == GW_MATCH_NOT_OPTIMIZER || a->kind == GW_MATCH_NOT_VARIABLE || a->kind == GW_MATCH_SLOTS_IGNORED ||
                      a->kind == GW_MATCH_GUESSED;
  return of_optimizer && a->kind == b->kind && a->node == b->node && a->object == b->object;
}

static gw_status say_all(gw_objects *objects) {
  gw_match_event event, last[GW_MATCH_ATTACHED + 1];
  gw_status status = GW_OK;
  memset(last, 0xff, sizeof last);
  for (size_t i = 0; i < gw_match_events(objects->match) && status == GW_OK; i++) {
    gw_match_event_at(objects->match, i, &event);
    if (!says_the_same(&event, &last[event.kind])) status = say(objects, &event);
    last[event.kind] = event;
  }
  return status;
}

static gw_status start_objects(gw_objects *objects) {
  gw_liking *liking = objects->liking;
  gw_error *error = liking->error;
  gw_status status = gw__draft_graph(liking->source, &objects->source, error);
  if (status == GW_OK) status = gw__draft_graph(liking->target, &objects->target, error);
  if (status == GW_OK) status = gw_graph_match(objects->source, objects->target, &liking->options, &objects->match, error);
  if (status == GW_OK) status = gw__naming_start(objects->source, &objects->source_names, error);
  if (status == GW_OK) status = gw__naming_start(objects->target, &objects->target_names, error);
  return status;
}

static gw_status like_objects(gw_liking *liking) {
  gw_objects objects = {.liking = liking};
  gw_status status = start_objects(&objects);
  if (status == GW_OK) status = say_all(&objects);
  if (status == GW_OK) status = like_values(&objects);
  if (status == GW_OK) status = gw__buf_status(&liking->text, liking->error);
  if (status == GW_OK) {
    liking->report->mode = gw_match_mode_of(objects.match);
    liking->report->consumed = gw_match_consumed(objects.match);
    liking->report->existing = gw_match_existing(objects.match);
  }
  gw_match_free(objects.match);
  gw__naming_end(&objects.source_names);
  gw__naming_end(&objects.target_names);
  return status;
}

/* ---- Doing it */

static gw_status check(gw_draft *source, gw_draft *target, const gw_match_options *options, gw_error *error) {
  if (source == target) return gw__fail(error, GW_INVALID, "a checkpoint cannot be restored from itself");
  if (!options || (options->from == GW_NO_NODE && options->into == GW_NO_NODE)) return GW_OK;
  if (source->objects && target->objects) return GW_OK;
  return gw__fail(error, GW_INVALID, "from and into are nodes of object graphs, and one of the two checkpoints is name-based");
}

static gw_status like(gw_liking *liking) {
  gw_report *report = gw__alloc_array(1, sizeof *report, liking->error);
  if (!report) return GW_NO_MEMORY;
  liking->report = report;
  report->source = gw_draft_retain(liking->source);
  report->target = gw_draft_retain(liking->target);
  report->by_names = !liking->source->objects || !liking->target->objects;
  gw_status status = report->by_names ? gw__like_by_names(liking) : like_objects(liking);
  if (status == GW_OK && gw_report_raises(report)) report->consumed = report->existing = false;
  return status;
}

static gw_status raises(const gw_report *report, gw_error *error) {
  gw_report_item item;
  gw_report_at(report, GW_REPORT_MISMATCHED, 0, &item);
  size_t more = gw_report_count(report, GW_REPORT_MISMATCHED) - 1;
  char others[40] = "";
  if (more > 0) snprintf(others, sizeof others, " (and %zu more)", more);
  gw__fail(error, GW_INVALID, "TensorFlow would raise an error: %s%s%s%s", item.name ? item.name : "", item.name ? ": " : "",
           item.reason ? item.reason : "", others);
  gw__error_key(error, item.key.data ? item.key.data : "", item.key.size);
  gw__error_hint(error, "change the source first (cast, reshape, slice), or leave the variable out of one of the two");
  return GW_INVALID;
}

static gw_status make_slot(gw_liking *liking, gw_new_slot *slot, const char *line) {
  gw_draft *target = liking->target;
  gw_graph *graph;
  gw_tensor *tensor;
  uint32_t number, node;
  gw_status status = gw__draft_tensor(liking->source, &liking->source->items[slot->from], &tensor, liking->error);
  if (status == GW_OK) status = gw__draft_objects(target, &graph, liking->error);
  if (status == GW_OK) status = gw__draft_line_number(target, line, &number, liking->error);
  if (status != GW_OK) return status;
  if (slot->after > 0) slot->variable = liking->slots[slot->after - 1].object;
  const gw_node *variable = &graph->nodes[slot->variable];
  gw__buf_clear(&liking->text);
  if (variable->attribute_count > 0) gw__put_bytes(&liking->text, variable->attributes[0].full_name.data, variable->attributes[0].full_name.size);
  gw__put_u8(&liking->text, '/');
  gw__put_bytes(&liking->text, slot->name.data, slot->name.size);
  status = gw__buf_status(&liking->text, liking->error);
  if (status == GW_OK)
    status = gw_draft_new_variable(target, tensor, (const char *)liking->text.data, liking->text.size, line, &node, liking->error);
  if (status == GW_OK) status = gw__graph_add_slot(graph, slot->optimizer, slot->name, slot->variable, node, number, liking->error);
  if (status == GW_OK) slot->object = node;
  return status;
}

static gw_status move(gw_liking *liking, const char *line) {
  gw_status status = GW_OK;
  for (size_t i = 0; i < liking->move_count && status == GW_OK; i++) {
    gw_tensor *tensor;
    const gw_item *to = &liking->target->items[liking->moves[i].to];
    status = gw__draft_tensor(liking->source, &liking->source->items[liking->moves[i].from], &tensor, liking->error);
    if (status == GW_OK) status = gw_draft_set(liking->target, to->name, to->name_size, tensor, line, liking->error);
  }
  for (size_t i = 0; i < liking->slot_count && status == GW_OK; i++) status = make_slot(liking, &liking->slots[i], line);
  return status;
}

static gw_status work(gw_draft *source, gw_draft *target, const gw_match_options *options, bool moving, const char *line,
                      gw_report **out, gw_error *error) {
  gw_liking liking = {.source = source, .target = target, .options = GW_MATCH_OPTIONS_INIT, .text = GW_BUF_INIT, .error = error};
  if (out) *out = NULL;
  if (options) liking.options = *options;
  gw_status status = check(source, target, options, error);
  if (status == GW_OK) status = like(&liking);
  if (status == GW_OK && moving && gw_report_raises(liking.report)) status = raises(liking.report, error);
  if (status == GW_OK && moving) status = move(&liking, line);
  gw__free(liking.moves);
  gw__free(liking.slots);
  gw__buf_free(&liking.text);
  if (status == GW_OK && out) *out = liking.report;
  else gw_report_free(liking.report);
  return status;
}

gw_status gw_draft_like(gw_draft *source, gw_draft *target, const gw_match_options *options, gw_report **out, gw_error *error) {
  return work(source, target, options, false, NULL, out, error);
}

gw_status gw_draft_restore(gw_draft *target, gw_draft *source, const gw_match_options *options, const char *line, gw_report **report,
                           gw_error *error) {
  return work(source, target, options, true, line, report, error);
}

/* ---- Nodes by path */

static gw_status find_part(gw_draft *draft, const gw_graph *graph, gw_span part, uint32_t *node, gw_error *error) {
  char *name, shown[300];
  gw_status status = gw_graph_unescape(part.data, part.size, &name, error);
  if (status != GW_OK) return status;
  size_t edge = gw_draft_find_child(draft, *node, name, strlen(name));
  gw_printable(shown, sizeof shown, name, strlen(name));
  gw__free(name);
  if (edge == GW_NO_EDGE) return gw__fail(error, GW_INVALID, "there is no object \"%s\" on this path", shown);
  *node = graph->nodes[*node].edges[edge].child;
  return GW_OK;
}

gw_status gw_draft_find_node(gw_draft *draft, const char *path, size_t length, uint32_t *node, gw_error *error) {
  gw_graph *graph;
  *node = GW_NO_NODE;
  gw_status status = gw__draft_objects(draft, &graph, error);
  if (status == GW_OK) *node = graph->root;
  for (size_t start = 0; status == GW_OK && start < length;) {
    const char *slash = memchr(path + start, '/', length - start);
    size_t end = slash ? (size_t)(slash - path) : length;
    status = find_part(draft, graph, (gw_span){path + start, end - start}, node, error);
    start = end + 1;
  }
  if (status != GW_OK) gw__error_key(error, path, length);
  return status;
}

/* Assignment maps: a draft's tensors take over those of another by name, by scope, or part by part, as
 * tf.compat.v1.train.init_from_checkpoint (checkpoint_utils.py, _init_from_checkpoint) fills a graph's variables. All rules
 * are looked up and checked before the first tensor is put in its place. */
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "edit.h"
#include "report.h"

#define VALUE "/.ATTRIBUTES/VARIABLE_VALUE"

/* Items that stand for one variable: a tensor, or NAME/part_0, NAME/part_1, ... */
typedef struct gw_parts {
  uint32_t *items;
  size_t count, capacity;
} gw_parts;

typedef struct gw_assignment {
  uint32_t to;
  gw_tensor *tensor; /* counted */
} gw_assignment;

typedef struct gw_assigning {
  gw_draft *target, *source;
  const gw_assign_rule *rule;
  bool optional;
  gw_assignment *moves;
  size_t count, capacity;
  gw_parts to, from;
  gw_buf text; /* scratch */
  gw_error *error;
} gw_assigning;

static bool is_scope(gw_span name) { return name.size > 0 && name.data[name.size - 1] == '/'; }

/* ---- Names: of an object-based draft also without what every variable's key ends in */

static gw_item *find(const gw_draft *draft, gw_span name, gw_buf *scratch) {
  gw_item *item = gw__draft_find(draft, name.data, name.size);
  if (item || !draft->objects) return item && !gw__draft_hidden(draft, item) ? item : NULL;
  gw__buf_clear(scratch);
  gw__put_bytes(scratch, name.data, name.size);
  gw__put_text(scratch, VALUE);
  return scratch->failed ? NULL : gw__draft_find(draft, (const char *)scratch->data, scratch->size);
}

/* What a rule calls the item; empty when no rule for scopes means it. */
static gw_span path_of(const gw_draft *draft, const gw_item *item) {
  const size_t end = sizeof VALUE - 1;
  gw_span name = {item->name, item->name_size};
  if (!draft->objects) return name;
  if (name.size <= end || memcmp(name.data + name.size - end, VALUE, end) != 0) return (gw_span){NULL, 0};
  return (gw_span){name.data, name.size - end};
}

/* "v" of "v/part_3", and 3; false for other names. */
static bool split_part(gw_span name, gw_span *whole, uint64_t *number) {
  static const char mark[] = "/part_";
  size_t digits = name.size;
  while (digits > 0 && name.data[digits - 1] >= '0' && name.data[digits - 1] <= '9') digits--;
  size_t length = name.size - digits, stem = digits < sizeof mark - 1 ? 0 : digits - (sizeof mark - 1);
  if (length == 0 || length > 9 || stem == 0 || memcmp(name.data + stem, mark, sizeof mark - 1) != 0) return false;
  if (length > 1 && name.data[digits] == '0') return false; /* no variable's: part_01 */
  *number = 0;
  for (size_t i = digits; i < name.size; i++) *number = *number * 10 + (uint64_t)(name.data[i] - '0');
  *whole = (gw_span){name.data, stem};
  return true;
}

static gw_status add_part(gw_parts *parts, const gw_draft *draft, const gw_item *item, gw_error *error) {
  gw_status status = gw__reserve((void **)&parts->items, &parts->capacity, parts->count + 1, sizeof *parts->items, error);
  if (status == GW_OK) parts->items[parts->count++] = (uint32_t)(item - draft->items);
  return status;
}

/* The tensor of this name, or (_collect_partitioned_variable) those of its parts; none. */
static gw_status collect(gw_assigning *assigning, const gw_draft *draft, gw_span name, gw_parts *parts) {
  gw_buf part = GW_BUF_INIT;
  parts->count = 0;
  const gw_item *item = find(draft, name, &assigning->text);
  if (item) return add_part(parts, draft, item, assigning->error);
  gw_status status = GW_OK;
  for (size_t i = 0; status == GW_OK; i++) {
    gw__buf_clear(&part);
    gw__put_bytes(&part, name.data, name.size);
    gw__put_format(&part, "/part_%zu", i);
    status = gw__buf_status(&part, assigning->error);
    item = status == GW_OK ? find(draft, (gw_span){(const char *)part.data, part.size}, &assigning->text) : NULL;
    if (!item) break;
    status = add_part(parts, draft, item, assigning->error);
  }
  gw__buf_free(&part);
  return status == GW_OK ? gw__buf_status(&assigning->text, assigning->error) : status;
}

/* ---- What is wrong */

static void print_form(const gw_value_form *form, char *out, size_t size) {
  gw_buf text = GW_BUF_INIT;
  gw__put_dtype(&text, form->dtype);
  gw__put_shape(&text, form->rank, form->dims);
  gw__put_u8(&text, 0);
  snprintf(out, size, "%s", text.failed ? "?" : (const char *)text.data);
  gw__buf_free(&text);
}

static gw_status no_source(gw_assigning *assigning, gw_span target, gw_span name) {
  char near[256], shown[200];
  gw_draft_nearest(assigning->source, name.data, name.size, 3, near, sizeof near);
  gw_printable(shown, sizeof shown, name.data, name.size);
  gw__fail(assigning->error, GW_NOT_FOUND, "the source has no tensor \"%s\" for it (the nearest: %s)", shown, near[0] ? near : "it has none");
  gw__error_key(assigning->error, target.data, target.size);
  gw__error_hint(assigning->error, "{optional = true} as the last argument leaves what the source lacks as it is");
  return GW_NOT_FOUND;
}

static gw_status no_target(gw_assigning *assigning, gw_span name) {
  gw_status status = gw__draft_no_such(assigning->target, name.data, name.size, assigning->error);
  gw__error_hint(assigning->error, "assign fills what is there; a rule for a whole scope has two that end in '/': {[\"old/\"] = \"new/\"}");
  return status;
}

static gw_status differ(gw_assigning *assigning, gw_span target, const gw_value_form *to, size_t to_count, const gw_value_form *from,
                        size_t from_count, gw_span name) {
  char wants[300], has[300], shown[200], parts[60] = "", others[60] = "";
  print_form(to, wants, sizeof wants);
  print_form(from, has, sizeof has);
  gw_printable(shown, sizeof shown, name.data, name.size);
  if (to_count > 1) snprintf(parts, sizeof parts, " (the first of %zu parts)", to_count);
  if (from_count > 1) snprintf(others, sizeof others, " (the first of %zu parts)", from_count);
  gw__fail(assigning->error, GW_INVALID, "it is %s%s, and what comes from \"%s\" is %s%s", wants, parts, shown, has, others);
  gw__error_key(assigning->error, target.data, target.size);
  if (assigning->rule->tensor) gw__error_hint(assigning->error, "dtype and shape must agree");
  else gw__error_hint(assigning->error, "dtype and shape must agree; {name, function(t) return t:cast(...) end} as the target changes it on the way");
  return GW_INVALID;
}

/* ---- One variable */

/* The shape of all parts joined along an axis. */
static bool joined(const gw_value_form *forms, size_t count, size_t axis, int64_t *dims) {
  if (forms[0].rank > 0) memcpy(dims, forms[0].dims, forms[0].rank * sizeof *dims);
  for (size_t i = 1; i < count; i++) {
    if (forms[i].rank != forms[0].rank || forms[i].dtype != forms[0].dtype || axis >= forms[0].rank) return false;
    for (size_t j = 0; j < forms[0].rank; j++)
      if (j != axis && forms[i].dims[j] != dims[j]) return false;
    if (!gw__add_i64(dims[axis], forms[i].dims[axis], &dims[axis])) return false;
  }
  return true;
}

typedef struct gw_axes {
  size_t to, from; /* along which the parts of either side lie */
} gw_axes;

/* TensorFlow partitions along one axis, and names do not say which: it is where the shapes agree. */
static bool find_axes(const gw_value_form *to, size_t to_count, const gw_value_form *from, size_t from_count, gw_axes *axes) {
  int64_t wants[GW_MAX_RANK], has[GW_MAX_RANK];
  size_t rank = to[0].rank;
  if (from[0].rank != rank || from[0].dtype != to[0].dtype) return false;
  for (size_t a = 0; a == 0 || (a < rank && from_count > 1); a++) {
    if (!joined(from, from_count, a, has)) continue;
    for (size_t b = 0; b == 0 || (b < rank && to_count > 1); b++)
      if (joined(to, to_count, b, wants) && gw__shape_equal(rank, wants, rank, has)) {
        *axes = (gw_axes){b, a};
        return true;
      }
  }
  return false;
}

static gw_status forms_of(gw_assigning *assigning, const gw_draft *draft, const gw_parts *parts, gw_value_form **out) {
  *out = gw__alloc_array(parts->count, sizeof **out, assigning->error);
  if (!*out) return GW_NO_MEMORY;
  for (size_t i = 0; i < parts->count; i++) {
    const gw_item *item = &draft->items[parts->items[i]];
    gw__draft_form(draft, item, &(*out)[i]);
    if (!(*out)[i].partial || draft == assigning->target) continue;
    gw__fail(assigning->error, GW_INVALID, "the slices in the source do not cover the tensor: it has no value");
    gw__error_key(assigning->error, item->name, item->name_size);
    gw__free(*out);
    *out = NULL;
    return GW_INVALID;
  }
  return GW_OK;
}

/* The value in one piece; counted. */
static gw_status join_source(gw_assigning *assigning, size_t axis, gw_tensor **out) {
  gw_draft *source = assigning->source;
  const gw_parts *parts = &assigning->from;
  gw_tensor **tensors = gw__alloc_array(parts->count, sizeof *tensors, assigning->error);
  gw_status status = tensors ? GW_OK : GW_NO_MEMORY;
  for (size_t i = 0; i < parts->count && status == GW_OK; i++)
    status = gw__draft_tensor(source, &source->items[parts->items[i]], &tensors[i], assigning->error);
  if (status == GW_OK && parts->count > 1) status = gw_tensor_concat(tensors, parts->count, (int64_t)axis, out, assigning->error);
  else if (status == GW_OK) *out = gw_tensor_retain(tensors[0]);
  gw__free(tensors);
  return status;
}

static gw_status remember(gw_assigning *assigning, uint32_t to, gw_tensor *tensor) {
  gw_status status = gw__reserve((void **)&assigning->moves, &assigning->capacity, assigning->count + 1, sizeof *assigning->moves,
                                 assigning->error);
  if (status == GW_OK) assigning->moves[assigning->count++] = (gw_assignment){to, gw_tensor_retain(tensor)};
  return status;
}

/* Gives every part of the target its part of the value. */
static gw_status split_value(gw_assigning *assigning, gw_tensor *value, const gw_value_form *to, size_t axis) {
  const gw_parts *parts = &assigning->to;
  int64_t start[GW_MAX_RANK] = {0};
  gw_status status = GW_OK;
  if (parts->count == 1) return remember(assigning, parts->items[0], value);
  for (size_t i = 0; i < parts->count && status == GW_OK; i++) {
    gw_tensor *part;
    status = gw_tensor_slice(value, start, to[i].dims, to[i].rank, &part, assigning->error);
    if (status != GW_OK) return status;
    status = remember(assigning, parts->items[i], part);
    gw_tensor_release(part);
    start[axis] += to[i].dims[axis];
  }
  return status;
}

/* From what was collected as `from` (or the rule's own tensor) to what was collected as `to`. */
static gw_status assign_one(gw_assigning *assigning, gw_span target, gw_span name) {
  gw_tensor *given = assigning->rule->tensor, *value = NULL;
  gw_value_form *to = NULL, *from = NULL, own;
  gw_axes axes;
  size_t from_count = given ? 1 : assigning->from.count;
  gw_status status = forms_of(assigning, assigning->target, &assigning->to, &to);
  if (given) own = (gw_value_form){gw_tensor_dtype(given), gw_tensor_rank(given), gw_tensor_dims(given), false};
  else if (status == GW_OK) status = forms_of(assigning, assigning->source, &assigning->from, &from);
  if (status == GW_OK && !find_axes(to, assigning->to.count, given ? &own : from, from_count, &axes))
    status = differ(assigning, target, to, assigning->to.count, given ? &own : from, from_count, name);
  if (status == GW_OK && given) value = gw_tensor_retain(given);
  else if (status == GW_OK) status = join_source(assigning, axes.from, &value);
  if (status == GW_OK) status = split_value(assigning, value, to, axes.to);
  gw_tensor_release(value);
  gw__free(to);
  gw__free(from);
  return status;
}

/* ---- Rules */

static gw_status by_name(gw_assigning *assigning) {
  const gw_assign_rule *rule = assigning->rule;
  gw_status status = GW_OK;
  if (rule->to_count == 1) {
    status = collect(assigning, assigning->target, rule->to[0], &assigning->to);
    if (status == GW_OK && assigning->to.count == 0) status = no_target(assigning, rule->to[0]);
  } else {
    assigning->to.count = 0;
    for (size_t i = 0; i < rule->to_count && status == GW_OK; i++) {
      const gw_item *item = find(assigning->target, rule->to[i], &assigning->text);
      status = item ? add_part(&assigning->to, assigning->target, item, assigning->error) : no_target(assigning, rule->to[i]);
    }
  }
  if (status == GW_OK && !rule->tensor) {
    status = collect(assigning, assigning->source, rule->from, &assigning->from);
    if (status == GW_OK && assigning->from.count == 0) return assigning->optional ? GW_OK : no_source(assigning, rule->to[0], rule->from);
  }
  return status == GW_OK ? assign_one(assigning, rule->to[0], rule->from) : status;
}

/* The target's variable `path` below the scope `to`: its name in the source is as much longer than `from`. */
static gw_status by_scope_one(gw_assigning *assigning, gw_span path, gw_span from, gw_span to) {
  gw_span whole, name = path;
  uint64_t number;
  if (split_part(path, &whole, &number) && whole.size > to.size) {
    gw_status status = collect(assigning, assigning->target, whole, &assigning->to);
    if (status != GW_OK) return status;
    bool listed = assigning->to.count > (size_t)number && assigning->to.count > 0 &&
                  path_of(assigning->target, &assigning->target->items[assigning->to.items[number]]).data == path.data;
    if (listed && number > 0) return GW_OK; /* part_0 stands for all */
    if (listed) name = whole;
  }
  gw_buf full = GW_BUF_INIT;
  gw__put_bytes(&full, from.data, from.size);
  gw__put_bytes(&full, name.data + to.size, name.size - to.size);
  gw_status status = gw__buf_status(&full, assigning->error);
  gw_span source = {(const char *)full.data, full.size};
  if (status == GW_OK) status = collect(assigning, assigning->target, name, &assigning->to);
  if (status == GW_OK) status = collect(assigning, assigning->source, source, &assigning->from);
  if (status == GW_OK && assigning->from.count > 0) status = assign_one(assigning, name, source);
  else if (status == GW_OK && !assigning->optional) status = no_source(assigning, name, source);
  gw__buf_free(&full);
  return status;
}

static gw_status by_scope(gw_assigning *assigning) {
  gw_span from = assigning->rule->from, to = assigning->rule->to[0];
  const uint32_t *order;
  size_t before = assigning->count;
  bool any = false;
  if (from.size == 1) from.size = 0; /* "/" is the root */
  if (to.size == 1) to.size = 0;
  gw_status status = gw__draft_order(assigning->target, &order, assigning->error);
  for (size_t i = 0; status == GW_OK && i < assigning->target->live; i++) {
    const gw_item *item = &assigning->target->items[order[i]];
    gw_span path = path_of(assigning->target, item);
    if (gw__draft_hidden(assigning->target, item) || path.size <= to.size || (to.size && memcmp(path.data, to.data, to.size) != 0)) continue;
    any = true;
    status = by_scope_one(assigning, path, from, to);
  }
  if (status != GW_OK || assigning->optional || assigning->count > before || any) return status;
  char near[256], shown[200];
  gw_draft_nearest(assigning->target, to.data, to.size, 3, near, sizeof near);
  gw_printable(shown, sizeof shown, to.data, to.size);
  gw__fail(assigning->error, GW_INVALID, "no tensor is in the scope \"%s\" (the nearest: %s)", shown, near);
  return gw__error_hint(assigning->error, "pass {optional = true} as the last argument if nothing need match"), GW_INVALID;
}

static gw_status by_rule(gw_assigning *assigning) {
  const gw_assign_rule *rule = assigning->rule;
  bool scope = rule->to_count == 1 && is_scope(rule->to[0]);
  if (rule->to_count == 0) return gw__fail(assigning->error, GW_INVALID, "a rule without a target");
  for (size_t i = 0; i < rule->to_count; i++)
    if (rule->to[i].size == 0) return gw__fail(assigning->error, GW_INVALID, "a target is a name or a scope, not an empty text (\"/\" is the root)");
  if (scope && !rule->tensor && is_scope(rule->from)) return by_scope(assigning);
  if (scope == is_scope(rule->from) && !(scope && rule->tensor)) return by_name(assigning);
  char one[160], other[160];
  gw_printable(one, sizeof one, rule->from.data, rule->from.size);
  gw_printable(other, sizeof other, rule->to[0].data, rule->to[0].size);
  return gw__fail(assigning->error, GW_INVALID, "a scope goes to a scope, and both end in '/': \"%s\" and \"%s\" do not", one, other);
}

static gw_status put(gw_assigning *assigning, const char *line) {
  gw_draft *target = assigning->target;
  uint32_t number;
  gw_status status = gw__draft_line_number(target, line, &number, assigning->error);
  for (size_t i = 0; i < assigning->count && status == GW_OK; i++)
    gw__draft_replace(target, &target->items[assigning->moves[i].to], assigning->moves[i].tensor, number);
  return status;
}

gw_status gw_draft_assign(gw_draft *target, gw_draft *source, const gw_assign_rule *rules, size_t rule_count, bool optional,
                          const char *line, size_t *count, gw_error *error) {
  gw_assigning assigning = {.target = target, .source = source, .optional = optional, .text = GW_BUF_INIT, .error = error};
  *count = 0;
  gw_status status = gw_draft_settle(target, error);
  if (status == GW_OK) status = gw_draft_settle(source, error);
  for (size_t i = 0; i < rule_count && status == GW_OK; i++) {
    assigning.rule = &rules[i];
    status = by_rule(&assigning);
  }
  if (status == GW_OK) status = put(&assigning, line);
  if (status == GW_OK) *count = assigning.count;
  for (size_t i = 0; i < assigning.count; i++) gw_tensor_release(assigning.moves[i].tensor);
  gw__free(assigning.moves);
  gw__free(assigning.to.items);
  gw__free(assigning.from.items);
  gw__buf_free(&assigning.text);
  return status;
}

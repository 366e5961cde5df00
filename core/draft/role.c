/* What a tensor is for, told from its name and the names around it (FORMAT.md, 7.9 for name-based checkpoints, 7.3 and
 * 7.4 for object-based ones). */
#include <string.h>

#include "../bundle/bundle.h"
#include "draft.h"

static const char *const role_names[] = {"weight", "slot", "power", "average", "step", "counter", "table", "state"};

const char *gw_role_name(gw_role role) { return role_names[role]; }

bool gw_role_from_name(const char *name, gw_role *out) {
  for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++)
    if (strcmp(role_names[i], name) == 0) {
      *out = (gw_role)i;
      return true;
    }
  return false;
}

static bool ends_with(const char *name, size_t length, const char *end) {
  size_t size = strlen(end);
  return length >= size && memcmp(name + length - size, end, size) == 0;
}

static bool equals(const char *name, size_t length, const char *text) {
  return length == strlen(text) && memcmp(name, text, length) == 0;
}

static bool contains(const char *name, size_t length, const char *part) { return memmem(name, length, part, strlen(part)) != NULL; }

/* The last component without a trailing _1, _2 (a second slot of the same optimizer, or a uniquified name). */
static size_t without_number(const char *name, size_t length) {
  size_t end = length;
  while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9') end--;
  return end > 0 && end < length && name[end - 1] == '_' ? end - 1 : length;
}

/* Slots are saved as VARIABLE/NAME, where NAME is the optimizer's (tf.compat.v1.train, tf.contrib.opt) or, in BERT and its
 * kin, adam_m and adam_v. */
static const char *const slot_names[] = {
    "Adam", "AdamW", "AdaMax", "LazyAdam", "Nadam", "Momentum", "momentum", "RMSProp", "Adagrad", "AdagradDA", "Ftrl", "Adadelta",
    "ProximalAdagrad", "LARSOptimizer", "LARS", "LAMB", "adam_m", "adam_v", "lamb_m", "lamb_v", "AdamWeightDecayOptimizer",
    "Adafactor", "vr", "vc", "ExponentialMovingAverageSlot"};

static bool is_slot_name(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof slot_names / sizeof slot_names[0]; i++)
    if (equals(name, length, slot_names[i])) return true;
  return false;
}

static bool is_table_part(const char *name, size_t length, const gw_name_set *names, const char *end, const char *other) {
  char twin[1024];
  size_t stem = length - strlen(end);
  if (!ends_with(name, length, end) || stem + strlen(other) > sizeof twin) return false;
  memcpy(twin, name, stem);
  memcpy(twin + stem, other, strlen(other));
  return names->has(names->owner, twin, stem + strlen(other));
}

enum { MOST_SCOPES = 64 }; /* each asks for a name as long as the rest: one of 64 KiB made of slashes must not take seconds */

/* A partitioned variable's slot that was made in a scope is saved as V/TAIL/Adam, where TAIL is the end of "V/part_3" and as
 * long as the scope's name: dnn/w/t_3/Adam, linear/w/part_3/Adam (slot_creator.py cuts off a name that stands twice). */
static bool is_part(const char *name, size_t length, const gw_name_set *names) {
  static const char part[] = "/part_";
  size_t stem = length, scopes = 0;
  while (stem > 0 && name[stem - 1] >= '0' && name[stem - 1] <= '9') stem--;
  for (size_t i = stem < length ? stem : 0; i-- > 1 && scopes < MOST_SCOPES;) {
    if (name[i] != '/') continue;
    scopes++;
    if (!names->has(names->owner, name, i)) continue;
    const char *tail = name + i + 1;
    size_t size = stem - i - 1, end = size < sizeof part - 1 ? size : sizeof part - 1;
    if (memcmp(tail + size - end, part + sizeof part - 1 - end, end) != 0) continue;
    size -= end;
    if (size <= i && memcmp(tail, name + i - size, size) == 0) return true;
  }
  return false;
}

/* Does the variable of this slot stand before the slot's name? In a scope, it has the scope in front once more. */
static bool is_variable(const char *name, size_t length, const gw_name_set *names) {
  if (is_part(name, length, names)) return true;
  for (size_t scopes = 0; scopes < MOST_SCOPES; scopes++) {
    if (names->has(names->owner, name, length)) return true;
    const char *slash = memchr(name, '/', length);
    if (!slash) return false;
    length -= (size_t)(slash + 1 - name);
    name = slash + 1;
  }
  return false;
}

/* What follows "training/Adam/": a graph with an optimizer of Keras (a tf.estimator of TF2, model_to_estimator) saves its slots
 * as training/Adam/VARIABLE/m, its hyper-parameters and its steps as training/Adam/learning_rate and training/Adam/iter. */
static const char *of_keras_optimizer(const char *name, size_t length) {
  static const char training[] = "training/";
  if (length < sizeof training || memcmp(name, training, sizeof training - 1) != 0) return NULL;
  const char *optimizer = name + sizeof training - 1, *slash = memchr(optimizer, '/', length - (sizeof training - 1));
  return slash && slash > optimizer && slash + 1 < name + length ? slash + 1 : NULL;
}

static const char *const keras_slots[] = {"m", "v", "vhat", "accumulator", "linear", "rms", "mg", "momentum", "accum_grad", "accum_var"};
static const char *const keras_scalars[] = {"learning_rate", "decay", "beta_1", "beta_2", "rho", "momentum", "beta", "learning_rate_power",
                                            "l1_regularization_strength", "l2_regularization_strength", "momentum_cache"};

static gw_role keras_role(const char *name, size_t length, const gw_name_set *names) {
  const char *slash = memrchr(name, '/', length);
  if (!slash) {
    if (equals(name, length, "iter")) return GW_ROLE_STEP;
    for (size_t i = 0; i < sizeof keras_scalars / sizeof keras_scalars[0]; i++)
      if (equals(name, length, keras_scalars[i])) return GW_ROLE_POWER;
    return GW_ROLE_WEIGHT;
  }
  size_t last = length - (size_t)(slash + 1 - name);
  for (size_t i = 0; i < sizeof keras_slots / sizeof keras_slots[0]; i++)
    if (equals(slash + 1, last, keras_slots[i]) && names->has(names->owner, name, (size_t)(slash - name))) return GW_ROLE_SLOT;
  return GW_ROLE_WEIGHT;
}

static gw_role variable_role(const char *name, size_t length, const gw_name_set *names) {
  const char *keras = of_keras_optimizer(name, length);
  gw_role role = keras ? keras_role(keras, length - (size_t)(keras - name), names) : GW_ROLE_WEIGHT;
  if (role != GW_ROLE_WEIGHT) return role;
  const char *slash = memrchr(name, '/', length);
  const char *last = slash ? slash + 1 : name;
  size_t last_length = length - (size_t)(last - name), stem = without_number(last, last_length);
  if (equals(last, last_length, "global_step")) return GW_ROLE_STEP;
  if (equals(last, stem, "beta1_power") || equals(last, stem, "beta2_power")) return GW_ROLE_POWER;
  if (is_table_part(name, length, names, "-keys", "-values") || is_table_part(name, length, names, "-values", "-keys"))
    return GW_ROLE_TABLE;
  bool average = equals(last, stem, "ExponentialMovingAverage");
  if (!slash || (!average && !is_slot_name(last, stem) && !is_slot_name(last, last_length))) return GW_ROLE_WEIGHT;
  if (!is_variable(name, (size_t)(slash - name), names)) return GW_ROLE_WEIGHT;
  return average ? GW_ROLE_AVERAGE : GW_ROLE_SLOT;
}

/* The variable lists of a Keras optimizer since 2.11; 0 of `_variables` is the iterations variable and has no key. */
static const char *const slot_lists[] = {"/_variables/", "/_momentums/", "/_velocities/", "/_velocity_hats/", "/_accumulators/",
                                         "/_average_gradients/", "/_linear_accumulators/", "/_accumulated_grads/",
                                         "/_accumulated_delta_vars/", "/_u/", "/_m/", "/_v/", "/_r/", "/_c/"};

static gw_role object_role(const char *name, size_t length) {
  if (equals(name, length, GW_GRAPH_KEY)) return GW_ROLE_STATE;
  const char *suffix = memmem(name, length, "/.ATTRIBUTES/", 13);
  size_t path = suffix ? (size_t)(suffix - name) : length;
  const char *attribute = suffix ? suffix + 13 : name + length;
  size_t attribute_length = length - (size_t)(attribute - name);
  if (equals(attribute, attribute_length, "table-keys") || equals(attribute, attribute_length, "table-values")) return GW_ROLE_TABLE;
  if (!equals(attribute, attribute_length, "VARIABLE_VALUE")) return GW_ROLE_STATE;
  if (contains(name, path, "/.OPTIMIZER_SLOT/")) return GW_ROLE_SLOT;
  if (equals(name, path, "save_counter")) return GW_ROLE_COUNTER;
  for (size_t i = 0; i < sizeof slot_lists / sizeof slot_lists[0]; i++)
    if (contains(name, path, slot_lists[i])) return GW_ROLE_SLOT;
  if (ends_with(name, path, "/_iterations") || ends_with(name, path, "/iter") || equals(name, path, "iter") ||
      ends_with(name, path, "global_step") || equals(name, path, "step"))
    return GW_ROLE_STEP;
  if (ends_with(name, path, "beta1_power") || ends_with(name, path, "beta2_power")) return GW_ROLE_POWER;
  return GW_ROLE_WEIGHT;
}

gw_role gw__role(const char *name, size_t length, bool objects, const gw_name_set *names) {
  return objects ? object_role(name, length) : variable_role(name, length, names);
}

static bool bundle_has(const void *owner, const char *name, size_t length) {
  size_t index;
  return gw_bundle_find(owner, name, length, &index);
}

gw_role gw_bundle_role(const gw_bundle *bundle, size_t index) {
  gw_name_set names = {bundle, bundle_has};
  const gw_entry *entry = gw__bundle_at(bundle, index);
  return gw__role(entry->key, entry->key_size, gw_bundle_has_graph(bundle), &names);
}

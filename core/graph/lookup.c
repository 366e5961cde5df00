/* See lookup.h. Open addressing over an array of entries; never more than half full. */
#include "lookup.h"

#include <string.h>

#include "../base/alloc.h"

typedef struct gw_lookup_entry {
  gw_span name;
  uint32_t owner, second, value;
} gw_lookup_entry;

static uint64_t mix(uint64_t value) { /* the finalizer of MurmurHash3 */
  value = (value ^ value >> 33) * 0xff51afd7ed558ccdu;
  value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53u;
  return value ^ value >> 33;
}

static uint64_t hash(const gw_lookup *lookup, uint32_t owner, uint32_t second, gw_span name) {
  uint64_t value = mix(lookup->seed ^ ((uint64_t)owner << 32 | second));
  for (size_t i = 0; i < name.size; i++) value = (value ^ (unsigned char)name.data[i]) * 1099511628211u;
  return mix(value);
}

static uint32_t *find(const gw_lookup *lookup, uint32_t owner, uint32_t second, gw_span name) {
  size_t mask = lookup->slot_count - 1;
  for (size_t i = (size_t)hash(lookup, owner, second, name) & mask;; i = (i + 1) & mask) {
    uint32_t *slot = &lookup->slots[i];
    if (*slot == 0) return slot;
    const gw_lookup_entry *entry = &lookup->entries[*slot - 1];
    if (entry->owner == owner && entry->second == second && entry->name.size == name.size &&
        (name.size == 0 || memcmp(entry->name.data, name.data, name.size) == 0))
      return slot;
  }
}

static gw_status rehash(gw_lookup *lookup, gw_error *error) {
  size_t count = lookup->slot_count ? lookup->slot_count * 2 : 64;
  uint32_t *slots = gw__alloc_array(count, sizeof *slots, error);
  if (!slots) return GW_NO_MEMORY;
  if (!lookup->slots) lookup->seed = mix((uint64_t)(uintptr_t)slots); /* where the system happened to put it */
  gw__free(lookup->slots);
  lookup->slots = slots;
  lookup->slot_count = count;
  for (size_t i = 0; i < lookup->count; i++) {
    const gw_lookup_entry *entry = &lookup->entries[i];
    *find(lookup, entry->owner, entry->second, entry->name) = (uint32_t)i + 1;
  }
  return GW_OK;
}

void gw__lookup_free(gw_lookup *lookup) {
  gw__free(lookup->entries);
  gw__free(lookup->slots);
  *lookup = (gw_lookup){0};
}

gw_status gw__lookup_set(gw_lookup *lookup, uint32_t owner, uint32_t second, gw_span name, uint32_t value, gw_error *error) {
  gw_status status = GW_OK;
  if ((lookup->count + 1) * 2 > lookup->slot_count) status = rehash(lookup, error);
  if (status == GW_OK)
    status = gw__reserve((void **)&lookup->entries, &lookup->capacity, lookup->count + 1, sizeof *lookup->entries, error);
  if (status != GW_OK) return status;
  uint32_t *slot = find(lookup, owner, second, name);
  if (*slot == 0) {
    lookup->entries[lookup->count] = (gw_lookup_entry){.name = name, .owner = owner, .second = second};
    *slot = (uint32_t)++lookup->count;
  }
  lookup->entries[*slot - 1].value = value;
  return GW_OK;
}

uint32_t gw__lookup_get(const gw_lookup *lookup, uint32_t owner, uint32_t second, gw_span name) {
  if (lookup->slot_count == 0) return GW_NOT_THERE;
  uint32_t slot = *find(lookup, owner, second, name);
  return slot ? lookup->entries[slot - 1].value : GW_NOT_THERE;
}

/* The bounded allocator for protobuf-c: see pb_memory.h. */
#include "pb_memory.h"

#include <stdint.h>

#include "checked.h"
#include "error.h"

static void *pb_alloc(void *data, size_t size) {
  gw_pb_memory *memory = data;
  size_t rounded = (size + 15) & ~(size_t)15;
  if (rounded < size || rounded > memory->left) return NULL;
  memory->left -= rounded;
  if (rounded <= GW_PB_START - memory->used) {
    void *piece = memory->first + memory->used;
    memory->used += rounded;
    return piece;
  }
  void *piece = gw__arena_alloc(&memory->arena, rounded, NULL);
  if (!piece) memory->failed = true;
  return piece;
}

static void pb_free(void *data, void *pointer) {
  (void)data;
  (void)pointer;
}

ProtobufCAllocator gw__pb_start(gw_pb_memory *memory, size_t message, size_t growth) {
  size_t budget;
  memory->arena = (gw_arena)GW_ARENA_INIT;
  memory->used = 0;
  memory->failed = false;
  if (!gw__mul_size(message, growth, &budget) || !gw__add_size(budget, GW_PB_START, &budget)) budget = SIZE_MAX;
  memory->left = budget;
  return (ProtobufCAllocator){pb_alloc, pb_free, memory};
}

gw_status gw__pb_failed(const gw_pb_memory *memory, const char *what, gw_error *error) {
  return memory->failed ? gw__fail(error, GW_NO_MEMORY, "out of memory") : gw__fail(error, GW_CORRUPT, "%s", what);
}

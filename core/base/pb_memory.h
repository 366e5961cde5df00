/* A bounded allocator for protobuf-c: a message may take so many times its own size when it is unpacked, and no more.
 * Used by the *_pb.c files of bundle and graph, and by nobody else: it shows protobuf-c's types. */
#ifndef GODWIT_BASE_PB_MEMORY_H
#define GODWIT_BASE_PB_MEMORY_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

enum { GW_PB_START = 4096 };

typedef struct gw_pb_memory {
  gw_arena arena;
  size_t left;
  size_t used; /* of `first` */
  bool failed; /* not the budget: the machine has no more */
  _Alignas(16) unsigned char first[GW_PB_START]; /* an ordinary entry never needs the arena */
} gw_pb_memory;

/* For a message of `message` bytes, `growth` times its size. The memory goes with gw__arena_free(&memory->arena). */
ProtobufCAllocator gw__pb_start(gw_pb_memory *memory, size_t message, size_t growth);
/* Why unpacking gave nothing. `what`: "the entry is not a BundleEntryProto". */
gw_status gw__pb_failed(const gw_pb_memory *memory, const char *what, gw_error *error);

#endif

/* Memory that lives as long as its owner: many small pieces, freed at once. With -DGW_ARENA_DEBUG each piece is its own
 * malloc, so that AddressSanitizer sees overruns between pieces. Used by bundle, draft, plan. */
#ifndef GODWIT_BASE_ARENA_H
#define GODWIT_BASE_ARENA_H

#include <stddef.h>

#include "../godwit.h"

typedef struct gw_arena {
  struct gw_arena_block *blocks; /* newest first */
  unsigned char *next;           /* free space in the newest block */
  size_t left;                   /* bytes there */
} gw_arena;

#define GW_ARENA_INIT {NULL, NULL, 0}

void *gw__arena_alloc(gw_arena *arena, size_t size, gw_error *error); /* 8-byte aligned, not zeroed */
char *gw__arena_text(gw_arena *arena, const char *text, size_t length, gw_error *error); /* unaligned copy plus NUL */
void gw__arena_free(gw_arena *arena); /* frees every piece; the arena may be used again */

#endif

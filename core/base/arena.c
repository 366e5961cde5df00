/* Memory freed at once: see arena.h. */
#include "arena.h"

#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "checked.h"

struct gw_arena_block {
  struct gw_arena_block *older;
  /* the bytes follow */
};

#define BLOCK ((size_t)64 * 1024)

/* A block with room for `size` bytes, linked in front. Returns its first byte. */
static unsigned char *new_block(gw_arena *arena, size_t size, gw_error *error) {
  size_t total;
  if (!gw__add_size(size, sizeof(struct gw_arena_block), &total)) total = SIZE_MAX;
  struct gw_arena_block *block = gw__alloc(total, error);
  if (!block) return NULL;
  block->older = arena->blocks;
  arena->blocks = block;
  return (unsigned char *)(block + 1);
}

static void *take(gw_arena *arena, size_t size, gw_error *error) {
#ifdef GW_ARENA_DEBUG
  return new_block(arena, size, error);
#else
  if (size > arena->left) {
    /* A big piece gets a block of its own and leaves the current one in use. */
    if (size > BLOCK / 4) return new_block(arena, size, error);
    unsigned char *start = new_block(arena, BLOCK, error);
    if (!start) return NULL;
    arena->next = start;
    arena->left = BLOCK;
  }
  void *piece = arena->next;
  arena->next += size;
  arena->left -= size;
  return piece;
#endif
}

void *gw__arena_alloc(gw_arena *arena, size_t size, gw_error *error) {
  size_t pad = (size_t)(-(uintptr_t)arena->next & 7u);
  if (arena->next && pad && pad <= arena->left) {
    arena->next += pad;
    arena->left -= pad;
  } else if (pad) {
    arena->left = 0;
  }
  return take(arena, size ? size : 1, error);
}

char *gw__arena_text(gw_arena *arena, const char *text, size_t length, gw_error *error) {
  size_t total;
  if (!gw__add_size(length, 1, &total)) total = SIZE_MAX;
  char *copy = take(arena, total, error);
  if (!copy) return NULL;
  if (length) memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

void gw__arena_free(gw_arena *arena) {
  while (arena->blocks) {
    struct gw_arena_block *older = arena->blocks->older;
    gw__free(arena->blocks);
    arena->blocks = older;
  }
  *arena = (gw_arena)GW_ARENA_INIT;
}

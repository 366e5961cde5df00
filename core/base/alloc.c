/* Allocation for core: see alloc.h. */
#include "alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "error.h"

#ifdef GW_FAULTS
static long fail_at, asked;
void gw__alloc_fail_at(long nth) {
  fail_at = nth;
  asked = 0;
}
long gw__alloc_count(void) { return asked; }
static bool refused(void) {
  long number = __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);
  return fail_at > 0 ? number >= fail_at : number == -fail_at;
}
#else
static bool refused(void) { return false; }
#endif

static void *no_memory(size_t size, gw_error *error) {
  gw__fail(error, GW_NO_MEMORY, "out of memory (%zu bytes were needed)", size);
  return NULL;
}

void *gw__alloc(size_t size, gw_error *error) {
  void *pointer = refused() || size > PTRDIFF_MAX ? NULL : malloc(size ? size : 1);
  return pointer ? pointer : no_memory(size, error);
}

void *gw__alloc_pages(size_t size, gw_error *error) {
  enum { PAGE = 4096 };
  size_t total;
  if (!gw__add_size(size, PAGE - 1, &total)) return no_memory(SIZE_MAX, error);
  void *pointer = refused() ? NULL : aligned_alloc(PAGE, total - total % PAGE);
  return pointer ? pointer : no_memory(size, error);
}

void *gw__alloc_array(size_t count, size_t size, gw_error *error) {
  size_t total;
  if (!gw__mul_size(count, size, &total)) return no_memory(SIZE_MAX, error);
  void *pointer = refused() ? NULL : calloc(total ? total : 1, 1);
  return pointer ? pointer : no_memory(total, error);
}

void *gw__realloc_array(void *old, size_t count, size_t size, gw_error *error) {
  size_t total;
  if (!gw__mul_size(count, size, &total)) return no_memory(SIZE_MAX, error);
  void *pointer = refused() ? NULL : realloc(old, total ? total : 1);
  return pointer ? pointer : no_memory(total, error);
}

gw_status gw__reserve(void **array, size_t *capacity, size_t need, size_t size, gw_error *error) {
  if (need <= *capacity) return GW_OK;
  size_t grown = *capacity < 16 ? 16 : *capacity;
  while (grown < need) grown = grown > SIZE_MAX / 2 ? need : grown * 2;
  void *moved = gw__realloc_array(*array, grown, size, error);
  if (!moved) return GW_NO_MEMORY;
  *array = moved;
  *capacity = grown;
  return GW_OK;
}

char *gw__strndup(const char *text, size_t length, gw_error *error) {
  size_t total;
  if (!gw__add_size(length, 1, &total)) return no_memory(SIZE_MAX, error);
  char *copy = gw__alloc(total, error);
  if (!copy) return NULL;
  if (length) memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

char *gw__strdup(const char *text, gw_error *error) { return gw__strndup(text, strlen(text), error); }

void gw__free(void *pointer) { free(pointer); }
void gw_free(void *pointer) { free(pointer); }

/* Allocation for core: see alloc.h. */
#include "alloc.h"

#include <malloc.h>
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

/* ---- Accounts: what malloc gave, rounding included, so that giving back takes off what taking added. */

static _Thread_local gw_account *account;

gw_account *gw_account_use(gw_account *next) {
  gw_account *before = account;
  account = next;
  return before;
}

bool gw_account_allows(gw_account *asked_for, size_t size) {
  int64_t left = asked_for->used <= 0 ? INT64_MAX : INT64_MAX - asked_for->used;
  if (size <= (uint64_t)left && asked_for->used + (int64_t)size <= asked_for->limit) return true;
  asked_for->refused = true;
  return false;
}

static bool allowed(size_t size) { return !account || gw_account_allows(account, size); }

static void *counted(void *pointer) {
  if (account && pointer) account->used += (int64_t)malloc_usable_size(pointer);
  return pointer;
}

static void uncounted(void *pointer) {
  if (account && pointer) account->used -= (int64_t)malloc_usable_size(pointer);
}

static void *no_memory(size_t size, gw_error *error) {
  gw__fail(error, GW_NO_MEMORY, "out of memory (%zu bytes were needed)", size);
  return NULL;
}

void *gw__alloc(size_t size, gw_error *error) {
  void *pointer = refused() || size > PTRDIFF_MAX || !allowed(size) ? NULL : counted(malloc(size ? size : 1));
  return pointer ? pointer : no_memory(size, error);
}

void *gw__alloc_pages(size_t size, gw_error *error) {
  enum { PAGE = 4096 };
  size_t total;
  if (!gw__add_size(size, PAGE - 1, &total)) return no_memory(SIZE_MAX, error);
  void *pointer = refused() || !allowed(total) ? NULL : counted(aligned_alloc(PAGE, total - total % PAGE));
  return pointer ? pointer : no_memory(size, error);
}

void *gw__alloc_array(size_t count, size_t size, gw_error *error) {
  size_t total;
  if (!gw__mul_size(count, size, &total)) return no_memory(SIZE_MAX, error);
  void *pointer = refused() || !allowed(total) ? NULL : counted(calloc(total ? total : 1, 1));
  return pointer ? pointer : no_memory(total, error);
}

void *gw__realloc_array(void *old, size_t count, size_t size, gw_error *error) {
  size_t total;
  if (!gw__mul_size(count, size, &total)) return no_memory(SIZE_MAX, error);
  size_t held = account && old ? malloc_usable_size(old) : 0;
  if (refused() || !allowed(total > held ? total - held : 0)) return no_memory(total, error);
  uncounted(old);
  void *pointer = realloc(old, total ? total : 1);
  if (!pointer) {
    counted(old);
    return no_memory(total, error);
  }
  return counted(pointer);
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

void gw__free(void *pointer) {
  uncounted(pointer);
  free(pointer);
}

void gw_free(void *pointer) { gw__free(pointer); }

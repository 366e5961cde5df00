/* All memory of core comes from here, so that array sizes are checked, failures fill a gw_error, and tests can make the
 * nth allocation fail (builds with -DGW_FAULTS). Used by all modules. */
#ifndef GODWIT_BASE_ALLOC_H
#define GODWIT_BASE_ALLOC_H

#include <stddef.h>

#include "../godwit.h"

void *gw__alloc(size_t size, gw_error *error);                               /* not zeroed; size 0 gives a valid pointer */
void *gw__alloc_array(size_t count, size_t size, gw_error *error);           /* zeroed; count * size is checked */
void *gw__realloc_array(void *old, size_t count, size_t size, gw_error *error); /* on failure `old` stays valid */
/* Grows *capacity (doubling, at least 16) until it holds `need` elements of `size` bytes and moves *array along. */
gw_status gw__reserve(void **array, size_t *capacity, size_t need, size_t size, gw_error *error);
/* Page-aligned, for buffers that the kernel copies to and from: some processors move bytes several times slower when
 * source and target lie differently in their pages. */
void *gw__alloc_pages(size_t size, gw_error *error);
char *gw__strdup(const char *text, gw_error *error);
char *gw__strndup(const char *text, size_t length, gw_error *error);
void gw__free(void *pointer);

#ifdef GW_FAULTS
/* The nth allocation from now fails, and all later ones; -n: that one alone; 0 switches off. */
void gw__alloc_fail_at(long nth);
long gw__alloc_count(void);       /* how many were asked for since the last gw__alloc_fail_at */
#endif

#endif

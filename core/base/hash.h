/* One hash for names, for the open-addressing tables of graph and draft. Not for the hands of strangers who choose their
 * names to meet: a table that all names meet in is as slow as a list, and no worse. */
#ifndef GODWIT_BASE_HASH_H
#define GODWIT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, folded: its low bits alone depend on too little. */
static inline size_t gw__hash(const char *name, size_t size) {
  uint64_t value = 14695981039346656037u;
  for (size_t i = 0; i < size; i++) value = (value ^ (unsigned char)name[i]) * 1099511628211u;
  return (size_t)(value ^ value >> 32);
}

#endif

/* CRC-32C (Castagnoli) as TensorFlow uses it, and its mask. Used by table, tensor, expr, bundle, run. */
#ifndef GODWIT_BASE_CRC32C_H
#define GODWIT_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* extend(crc(a), b) = crc(a followed by b); crc of nothing is 0. */
uint32_t gw__crc32c_extend(uint32_t crc, const void *data, size_t size);
uint32_t gw__crc32c_extend_portable(uint32_t crc, const void *data, size_t size); /* the same without ISA-L */
static inline uint32_t gw__crc32c(const void *data, size_t size) { return gw__crc32c_extend(0, data, size); }
/* crc(a followed by b) from crc(a), crc(b) and the length of b: O(log length). */
uint32_t gw__crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);

/* Checksums are linear: parts of a message may come in any order. The crc of a whole is the exclusive or of its parts', each
 * moved to the left by as many bytes as follow it. */
uint32_t gw__crc32c_power(uint64_t bytes);                /* what moves a checksum to the left by so many bytes */
uint32_t gw__crc32c_move(uint32_t crc, uint32_t power);

/* Stored checksums are masked (tensorflow/core/lib/hash/crc32c.h: Mask, Unmask). */
static inline uint32_t gw__crc32c_mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }
static inline uint32_t gw__crc32c_unmask(uint32_t masked) {
  uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

#endif

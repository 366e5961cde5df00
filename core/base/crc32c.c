/* CRC-32C: ISA-L's where it is built in, a table-driven twin that is always there, and the combination of two. */
#include "crc32c.h"

#ifdef GW_HAVE_ISAL
#include <isa-l/crc.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* Castagnoli, reflected */

/* One byte at a time over a table made for the call's length would be slow, a static table would need initialisation:
 * the 16-entry nibble table is small enough to be written down by the compiler. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t gw__crc32c_extend_portable(uint32_t crc, const void *data, size_t size) {
  const uint8_t *bytes = data;
  crc = ~crc;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = (crc >> 4) ^ nibbles[crc & 15];
    crc = (crc >> 4) ^ nibbles[crc & 15];
  }
  return ~crc;
}

uint32_t gw__crc32c_extend(uint32_t crc, const void *data, size_t size) {
#ifdef GW_HAVE_ISAL
  const uint8_t *bytes = data;
  crc = ~crc;
  while (size > 0) {
    int part = size > (1u << 30) ? (1 << 30) : (int)size; /* ISA-L takes an int */
    /* ISA-L forgot the const; it only reads. */
    crc = crc32_iscsi((unsigned char *)(uintptr_t)bytes, part, crc);
    bytes += part;
    size -= (size_t)part;
  }
  return ~crc;
#else
  return gw__crc32c_extend_portable(crc, data, size);
#endif
}

/* a * b modulo the polynomial; bit 31 is x^0 (reflected). */
static uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? POLYNOMIAL : 0);
  }
  return product;
}

/* Appending n zero bytes to a message multiplies its crc by x^(8n); what a and b share (initial value, final xor)
 * cancels out, so crc(ab) = crc(a) * x^(8n) + crc(b). */
uint32_t gw__crc32c_power(uint64_t bytes) {
  uint32_t power = 0x80000000u >> 8; /* x^8: one byte */
  uint32_t factor = 0x80000000u;     /* x^0 */
  for (; bytes; bytes >>= 1) {
    if (bytes & 1) factor = multiply(factor, power);
    power = multiply(power, power);
  }
  return factor;
}

uint32_t gw__crc32c_move(uint32_t crc, uint32_t power) { return multiply(power, crc); }

uint32_t gw__crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b) {
  return gw__crc32c_move(crc_a, gw__crc32c_power(length_b)) ^ crc_b;
}

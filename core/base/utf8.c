/* Well-formed UTF-8: see utf8.h. */
#include "utf8.h"

#include <stdbool.h>

size_t gw__utf8_length(const uint8_t *p, size_t left) {
  if (p[0] < 0x80) return 1;
  if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
  size_t length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  if (length > left) return 0;
  for (size_t i = 1; i < length; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
  bool surrogate = p[0] == 0xed && p[1] > 0x9f;
  bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

size_t gw__utf8_valid(const uint8_t *text, size_t size) {
  size_t at = 0;
  while (at < size) {
    size_t length = gw__utf8_length(text + at, size - at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

/* UTF-8 as RFC 3629 defines it: no surrogates, nothing overlong, nothing beyond U+10FFFF. Used by base (messages), bundle
 * (the state file), graph and draft. */
#ifndef GODWIT_BASE_UTF8_H
#define GODWIT_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the well-formed character at the start of `left` bytes (at least 1), or 0. */
size_t gw__utf8_length(const uint8_t *p, size_t left);
/* Offset of the first byte that is not UTF-8; `size` when all is. */
size_t gw__utf8_valid(const uint8_t *text, size_t size);

#endif

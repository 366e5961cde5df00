/* The error object of every function in core that can fail. godwit.h shows its fields; here are the ways to fill it.
 * Used by all modules. A lower layer's message is never replaced: outer layers only add the file, key or offset that
 * the lower one could not know. */
#ifndef GODWIT_BASE_ERROR_H
#define GODWIT_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "../godwit.h"

/* Starts an error: forgets what `error` held, sets the status and the text. Returns `status`, so that a caller can
 * write `return gw__fail(...)`. `error` may be NULL. */
gw_status gw__fail(gw_error *error, gw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: the text gains ": " and strerror(number), the status becomes GW_NOT_FOUND for
 * ENOENT, GW_EXISTS for EEXIST, GW_NO_MEMORY for ENOMEM and GW_IO otherwise. */
gw_status gw__fail_system(gw_error *error, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Context, added only where it is still missing. Each returns error->status (GW_OK when `error` is NULL). */
gw_status gw__error_file(gw_error *error, const char *file);
gw_status gw__error_key(gw_error *error, const char *key, size_t length); /* unprintable bytes are escaped, long keys cut */
gw_status gw__error_offset(gw_error *error, uint64_t offset);
gw_status gw__error_line(gw_error *error, const char *line);               /* "recipe.lua:12" */
gw_status gw__error_hint(gw_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

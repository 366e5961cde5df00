/* Filling and printing gw_error. */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

static void clear(gw_error *error) {
  error->status = GW_OK;
  error->system = 0;
  error->has_offset = false;
  error->offset = 0;
  error->what[0] = error->file[0] = error->key[0] = error->line[0] = error->hint[0] = '\0';
}

gw_status gw__fail(gw_error *error, gw_status status, const char *format, ...) {
  if (!error) return status;
  clear(error);
  error->status = status;
  va_list args;
  va_start(args, format);
  vsnprintf(error->what, sizeof error->what, format, args);
  va_end(args);
  return status;
}

gw_status gw__fail_system(gw_error *error, int number, const char *format, ...) {
  gw_status status = number == ENOENT   ? GW_NOT_FOUND
                     : number == EEXIST ? GW_EXISTS
                     : number == ENOMEM ? GW_NO_MEMORY
                                        : GW_IO;
  if (!error) return status;
  clear(error);
  error->status = status;
  error->system = number;
  va_list args;
  va_start(args, format);
  vsnprintf(error->what, sizeof error->what, format, args);
  va_end(args);
  size_t used = strlen(error->what);
  char text[128];
  /* GNU strerror_r may return a constant instead of filling the buffer. */
  const char *reason = strerror_r(number, text, sizeof text);
  snprintf(error->what + used, sizeof error->what - used, ": %s", reason);
  return status;
}

gw_status gw__error_file(gw_error *error, const char *file) {
  if (!error) return GW_OK;
  if (!error->file[0] && file) snprintf(error->file, sizeof error->file, "%s", file);
  return error->status;
}

gw_status gw__error_key(gw_error *error, const char *key, size_t length) {
  if (!error) return GW_OK;
  if (!error->key[0]) gw_printable(error->key, sizeof error->key, key, length);
  return error->status;
}

gw_status gw__error_offset(gw_error *error, uint64_t offset) {
  if (!error) return GW_OK;
  if (!error->has_offset) {
    error->has_offset = true;
    error->offset = offset;
  }
  return error->status;
}

gw_status gw__error_line(gw_error *error, const char *line) {
  if (!error) return GW_OK;
  if (!error->line[0] && line) snprintf(error->line, sizeof error->line, "%s", line);
  return error->status;
}

gw_status gw__error_hint(gw_error *error, const char *format, ...) {
  if (!error) return GW_OK;
  if (!error->hint[0]) {
    va_list args;
    va_start(args, format);
    vsnprintf(error->hint, sizeof error->hint, format, args);
    va_end(args);
  }
  return error->status;
}

/* How many bytes the character at `p` takes; 0 for what is no UTF-8, or a control character. */
static size_t printable_length(const unsigned char *p, size_t left) {
  bool control = p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && left > 1 && p[1] < 0xa0); /* C0, DEL, C1 */
  return control ? 0 : gw__utf8_length(p, left);
}

/* Copies printable text until `size` - 1 bytes are used or the key ends. Returns how much of the key was taken. */
static size_t copy_printable(char *out, size_t size, const char *key, size_t length) {
  size_t used = 0, taken = 0;
  while (taken < length) {
    const unsigned char *p = (const unsigned char *)key + taken;
    size_t width = printable_length(p, length - taken);
    size_t need = width ? width : 4;
    if (used + need >= size) break;
    if (width) memcpy(out + used, p, width);
    else snprintf(out + used, 5, "\\x%02x", p[0]);
    used += need;
    taken += width ? width : 1;
  }
  out[used] = '\0';
  return taken;
}

void gw_printable(char *out, size_t size, const char *key, size_t length) {
  if (size == 0) return;
  if (copy_printable(out, size, key, length) == length) return;
  if (size < 16) return;
  size_t head = size * 2 / 3;
  copy_printable(out, head, key, length);
  size_t used = strlen(out);
  memcpy(out + used, "...", 3);
  used += 3;
  /* Every byte may take four when escaped: take the tail that surely fits. */
  size_t tail = (size - used - 1) / 4;
  if (tail > length) tail = length;
  const char *start = key + length - tail;
  while (tail > 0 && ((unsigned char)*start & 0xc0) == 0x80) start++, tail--;
  copy_printable(out + used, size - used, start, tail);
}

const char *gw_status_name(gw_status status) {
  switch (status) {
    case GW_OK: return "ok";
    case GW_NOT_FOUND: return "not found";
    case GW_EXISTS: return "exists";
    case GW_CORRUPT: return "damaged";
    case GW_UNSUPPORTED: return "unsupported";
    case GW_INVALID: return "invalid";
    case GW_LIMIT: return "limit";
    case GW_IO: return "system";
    case GW_NO_MEMORY: return "no memory";
    case GW_CANCELLED: return "cancelled";
  }
  return "unknown";
}

size_t gw_error_format(const gw_error *error, char *out, size_t size) {
  char offset[40] = "";
  if (error->has_offset) snprintf(offset, sizeof offset, "offset %llu: ", (unsigned long long)error->offset);
  int length = snprintf(out, size, "%s%s%s%s%s%s%s%s", error->line, error->line[0] ? ": " : "", error->file,
                        error->file[0] ? ": " : "", error->key, error->key[0] ? ": " : "", offset, error->what);
  return length < 0 ? 0 : (size_t)length;
}

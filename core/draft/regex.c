/* Regular expressions in Python's syntax on PCRE2. What Python's `re` would read differently without anybody noticing
 * is refused, with the form that means the same in both. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/error.h"
#include "../base/utf8.h"
#include "../godwit.h"

enum { MATCH_LIMIT = 2000000, DEPTH_LIMIT = 20000, HEAP_LIMIT_KIB = 20000 };
#define CHECK_LIMIT ((uint64_t)1 << 30) /* bytes of one text that is no UTF-8, looked at again after each match */

struct gw_regex {
  pcre2_code *code;     /* for text that is UTF-8, which is checked once and not at every match */
  pcre2_code *lenient;  /* for other text: PCRE2 passes over what is wrong in it, looking at all of it again each time */
  pcre2_match_data *data;
  pcre2_match_context *limits;
  gw_span *groups;
  uint32_t group_count; /* with group 0 */
  char pattern[128];    /* printable, for messages */
};

/* ---- What means something else in Python */

static gw_status refuse(gw_error *error, const char *found, const char *instead) {
  return gw__fail(error, GW_INVALID, "%s in a pattern does not mean what it means in Python: write %s", found, instead);
}

static gw_status check_escape(char next, gw_error *error) {
  if (next == 'Z') return refuse(error, "\\Z", "\\z for the very end");
  if (next == 'v') return refuse(error, "\\v", "\\x0b");
  if (next == 'u' || next == 'U') return refuse(error, "\\u", "the character itself, or \\x{...} with its number");
  if (next == 'Q' || next == 'E') return refuse(error, "\\Q or \\E", "a backslash before each special character");
  return GW_OK;
}

/* "{,n}" is "at most n" in Python, "{,}" any number, and both are plain characters in PCRE2. */
static bool open_range(const char *p, const char *end) {
  if (end - p < 3 || p[0] != '{' || p[1] != ',') return false;
  const char *q = p + 2;
  while (q < end && *q >= '0' && *q <= '9') q++;
  return q < end && *q == '}';
}

static gw_status check_pattern(const char *pattern, size_t length, gw_error *error) {
  bool in_class = false;
  const char *end = pattern + length;
  for (const char *p = pattern; p < end; p++) {
    gw_status status = GW_OK;
    if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
      return gw__fail(error, GW_INVALID, "the pattern has the control byte \\x%02x: Lua reads \\b and \\1 in quotes itself, write the pattern in long brackets, [[...]]",
                      (unsigned)(unsigned char)*p);
    if (*p == '\\' && p + 1 < end) status = check_escape(*++p, error);
    else if (!in_class && open_range(p, end)) status = p[2] == '}' ? refuse(error, "{,}", "*") : refuse(error, "{,n}", "{0,n}");
    else if (in_class && *p == '[' && p + 1 < end && (p[1] == ':' || p[1] == '.' || p[1] == '='))
      status = refuse(error, "a POSIX class like [[:alpha:]]", "the characters themselves, such as [A-Za-z]");
    else if (!in_class && *p == '[') {
      in_class = true;
      if (p + 1 < end && p[1] == '^') p++;
      if (p + 1 < end && p[1] == ']') p++; /* a bracket that comes first is a plain one */
    } else if (in_class && *p == ']') {
      in_class = false;
    }
    if (status != GW_OK) return status;
  }
  return GW_OK;
}

/* ---- Compiling */

/* \C, which Python does not have, could end a match inside of a character. In Python's (?m), ^ is also behind a newline
 * that ends the text. */
#define OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_CIRCUMFLEX)

static gw_status bad_pattern(const char *pattern, size_t length, int code, size_t offset, gw_error *error) {
  char shown[128], reason[160];
  gw_printable(shown, sizeof shown, pattern, length);
  pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
  return gw__fail(error, GW_INVALID, "the pattern '%s' is wrong at position %zu: %s", shown, offset, reason);
}

/* PCRE2's memory is core's: counted and bounded like all other. */
static void *take(size_t size, void *unused) {
  (void)unused;
  return gw__alloc(size, NULL);
}

static void give_back(void *pointer, void *unused) {
  (void)unused;
  gw__free(pointer);
}

static gw_status compile(const char *pattern, size_t length, uint32_t options, pcre2_general_context *memory, pcre2_code **out,
                         gw_error *error) {
  pcre2_compile_context *context = pcre2_compile_context_create(memory);
  if (!context) return gw__fail(error, GW_NO_MEMORY, "out of memory");
  int code = 0;
  size_t offset = 0;
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  *out = pcre2_compile((PCRE2_SPTR)pattern, length, OPTIONS | options, &code, &offset, context);
  pcre2_compile_context_free(context);
  if (*out) return GW_OK;
  return code == PCRE2_ERROR_HEAP_FAILED ? gw__fail(error, GW_NO_MEMORY, "out of memory") : bad_pattern(pattern, length, code, offset, error);
}

static gw_status prepare(gw_regex *regex, pcre2_general_context *memory, gw_error *error) {
  pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
  regex->group_count++;
  regex->data = pcre2_match_data_create_from_pattern(regex->code, memory);
  regex->limits = pcre2_match_context_create(memory);
  regex->groups = gw__alloc_array(regex->group_count, sizeof *regex->groups, error);
  if (!regex->data || !regex->limits || !regex->groups) return gw__fail(error, GW_NO_MEMORY, "out of memory");
  pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
  pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
  pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
  return GW_OK;
}

gw_status gw_regex_compile(const char *pattern, size_t length, gw_regex **out, gw_error *error) {
  *out = NULL;
  gw_status status = check_pattern(pattern, length, error);
  if (status != GW_OK) return status;
  gw_regex *regex = gw__alloc_array(1, sizeof *regex, error);
  if (!regex) return GW_NO_MEMORY;
  gw_printable(regex->pattern, sizeof regex->pattern, pattern, length);
  pcre2_general_context *memory = pcre2_general_context_create(take, give_back, NULL);
  if (!memory) status = gw__fail(error, GW_NO_MEMORY, "out of memory");
  if (status == GW_OK) status = compile(pattern, length, 0, memory, &regex->code, error);
  if (status == GW_OK) status = compile(pattern, length, PCRE2_MATCH_INVALID_UTF, memory, &regex->lenient, error);
  if (status == GW_OK) status = prepare(regex, memory, error);
  pcre2_general_context_free(memory);
  if (status != GW_OK) {
    gw_regex_free(regex);
    return status;
  }
  *out = regex;
  return GW_OK;
}

void gw_regex_free(gw_regex *regex) {
  if (!regex) return;
  pcre2_code_free(regex->code);
  pcre2_code_free(regex->lenient);
  pcre2_match_data_free(regex->data);
  pcre2_match_context_free(regex->limits);
  gw__free(regex->groups);
  gw__free(regex);
}

/* ---- Matching */

static bool is_utf8(const char *text, size_t length) { return gw__utf8_valid((const uint8_t *)text, length) == length; }

/* *count: groups of the match, 0 without one. */
static gw_status match(const gw_regex *regex, const char *text, size_t length, size_t start, bool valid, uint32_t options, int *count,
                       gw_error *error) {
  const pcre2_code *code = valid ? regex->code : regex->lenient;
  if (valid) options |= PCRE2_NO_UTF_CHECK;
  int result = pcre2_match(code, (PCRE2_SPTR)text, length, start, options, regex->data, regex->limits);
  *count = result > 0 ? result : 0;
  if (result > 0 || result == PCRE2_ERROR_NOMATCH) return GW_OK;
  if (result == PCRE2_ERROR_NOMEMORY) return gw__fail(error, GW_NO_MEMORY, "out of memory");
  char reason[160], shown[96];
  pcre2_get_error_message(result, (PCRE2_UCHAR *)reason, sizeof reason);
  gw_printable(shown, sizeof shown, text, length);
  bool limit = result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_HEAPLIMIT;
  gw__fail(error, limit ? GW_LIMIT : GW_INVALID, "the pattern '%s' on '%s': %s", regex->pattern, shown, reason);
  if (limit) gw__error_hint(error, "the pattern tries too many ways; avoid repetitions inside repetitions, like (a+)+");
  return limit ? GW_LIMIT : GW_INVALID;
}

gw_status gw_regex_search(const gw_regex *regex, const char *text, size_t length, bool *found, gw_error *error) {
  int count;
  gw_status status = match(regex, text, length, 0, is_utf8(text, length), 0, &count, error);
  *found = status == GW_OK && count > 0;
  return status;
}

gw_status gw_regex_groups(gw_regex *regex, const char *text, size_t length, const gw_span **groups, size_t *count,
                          gw_error *error) {
  int matched;
  *groups = regex->groups;
  *count = 0;
  gw_status status = match(regex, text, length, 0, is_utf8(text, length), 0, &matched, error);
  if (status != GW_OK || matched == 0) return status;
  const size_t *ovector = pcre2_get_ovector_pointer(regex->data);
  for (uint32_t i = 0; i < regex->group_count; i++) {
    bool set = i < (uint32_t)matched && ovector[2 * i] != PCRE2_UNSET;
    regex->groups[i] = set ? (gw_span){text + ovector[2 * i], ovector[2 * i + 1] - ovector[2 * i]} : (gw_span){NULL, 0};
  }
  *count = regex->group_count;
  return GW_OK;
}

/* ---- Replacing */

/* Reads one reference after a '$' at `*p`: a group's number, or -1 for "$$". */
static gw_status reference(const gw_regex *regex, const char **p, const char *end, int *group, gw_error *error) {
  const char *q = *p;
  if (q < end && *q == '$') {
    *group = -1;
    *p = q + 1;
    return GW_OK;
  }
  bool braces = q < end && *q == '{';
  const char *start = q += braces;
  if (braces) while (q < end && *q != '}') q++;
  else while (q < end && *q >= '0' && *q <= '9') q++;
  size_t size = (size_t)(q - start);
  char name[64];
  if (size == 0 || size >= sizeof name || (braces && q == end))
    return gw__fail(error, GW_INVALID, "'$' in a replacement takes a group, $1, ${1} or ${name}, or another '$'");
  memcpy(name, start, size);
  name[size] = '\0';
  *p = q + braces;
  if (strspn(name, "0123456789") == size) {
    *group = 0;
    for (size_t i = 0; i < size && *group < 100000; i++) *group = *group * 10 + (name[i] - '0');
  } else {
    *group = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)name);
  }
  if (*group >= 0 && (uint32_t)*group < regex->group_count) return GW_OK;
  gw__fail(error, GW_INVALID, "the replacement asks for group %s%s%s, the pattern '%s' has %u", braces ? "{" : "", name,
           braces ? "}" : "", regex->pattern, regex->group_count - 1);
  if (!braces && size > 1) gw__error_hint(error, "write ${%c}%s for group %c followed by %s", name[0], name + 1, name[0], name + 1);
  return GW_INVALID;
}

static gw_status put_replacement(gw_regex *regex, const char *text, const char *replacement, size_t length, int matched,
                                 gw_buf *out, gw_error *error) {
  const size_t *ovector = pcre2_get_ovector_pointer(regex->data);
  const char *p = replacement, *end = replacement + length;
  while (p < end) {
    if (*p == '\\')
      return gw__fail(error, GW_INVALID, "a backslash in a replacement: groups are $1 or ${name} here, not \\1");
    if ((unsigned char)*p < 0x20)
      return gw__fail(error, GW_INVALID, "the replacement has the control byte \\x%02x: groups are $1 or ${name} here, not \\1",
                      (unsigned)(unsigned char)*p);
    if (*p != '$') {
      gw__put_bytes(out, p++, 1);
      continue;
    }
    int group = -1;
    p++;
    gw_status status = reference(regex, &p, end, &group, error);
    if (status != GW_OK) return status;
    if (group < 0) gw__put_u8(out, '$');
    else if (group < matched && ovector[2 * group] != PCRE2_UNSET)
      gw__put_bytes(out, text + ovector[2 * group], ovector[2 * group + 1] - ovector[2 * group]);
  }
  return GW_OK;
}

/* One character of UTF-8, or one byte where the text is none. */
static size_t character(const char *text, size_t left) {
  size_t width = 1;
  while (width < left && width < 4 && ((unsigned char)text[width] & 0xc0) == 0x80) width++;
  return (unsigned char)*text >= 0xc0 ? width : 1;
}

/* Like re.sub since Python 3.7: after a match the next one starts where it ended and may be empty there only if the one
 * before was not. */
gw_status gw_regex_replace(gw_regex *regex, const char *text, size_t length, const char *replacement,
                           size_t replacement_length, char **out, size_t *out_length, size_t *replaced, gw_error *error) {
  gw_buf built = GW_BUF_INIT;
  size_t position = 0, copied = 0;
  bool valid = is_utf8(text, length);
  uint32_t options = 0;
  uint64_t work = 0;
  gw_status status = GW_OK;
  *out = NULL;
  *out_length = *replaced = 0;
  while (status == GW_OK && position <= length) {
    int matched;
    work += valid ? 0 : length - position;
    if (work > CHECK_LIMIT)
      status = gw__fail(error, GW_LIMIT, "the pattern '%s' matches too often in a text of %zu bytes that is not UTF-8", regex->pattern, length);
    else
      status = match(regex, text, length, position, valid, options, &matched, error);
    if (status != GW_OK || matched == 0) break;
    const size_t *ovector = pcre2_get_ovector_pointer(regex->data);
    size_t begin = ovector[0], end = ovector[1];
    if (begin < copied || end < begin) { /* \K and lookbehind can claim less than nothing */
      position += position < length ? character(text + position, length - position) : 1;
      continue;
    }
    gw__put_bytes(&built, text + copied, begin - copied);
    status = put_replacement(regex, text, replacement, replacement_length, matched, &built, error);
    (*replaced)++;
    copied = position = end;
    options = begin == end ? PCRE2_NOTEMPTY_ATSTART : 0;
  }
  gw__put_bytes(&built, text + copied, length - copied);
  gw__put_u8(&built, 0);
  if (status == GW_OK) status = gw__buf_status(&built, error);
  if (status != GW_OK) {
    gw__buf_free(&built);
    return status;
  }
  *out = (char *)built.data;
  *out_length = built.size - 1;
  return GW_OK;
}

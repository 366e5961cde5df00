/* Reading, editing and writing the `checkpoint` state file: see state.h. It is a CheckpointState in protobuf's text
 * format, and TensorFlow reads it with Python's google.protobuf.text_format:
 *
 *   model_checkpoint_path: "ckpt-4"
 *   all_model_checkpoint_paths: "ckpt-3"
 *   all_model_checkpoint_paths: "ckpt-4"
 *   all_model_checkpoint_timestamps: 1795403490.0433154
 *   all_model_checkpoint_timestamps: 1795403490.0469215
 *   last_preserved_timestamp: 1795403489.0357628
 *
 * The parser takes what that one takes, because people edit these files by hand: comments, several fields on a line,
 * either quote, adjacent texts joined, lists in brackets, "," or ";" after a field. A field that is not repeated may
 * come several times; the last one counts. */
#include "state.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/cursor.h"
#include "../base/error.h"
#include "../base/utf8.h"
#include "../file/file.h"

#define MAX_NUMBER 1000 /* characters of a number */

typedef enum field { FIELD_LATEST = 0, FIELD_PATHS, FIELD_TIMESTAMPS, FIELD_PRESERVED, FIELD_COUNT } field;

static const char *const field_names[FIELD_COUNT] = {"model_checkpoint_path", "all_model_checkpoint_paths",
                                                     "all_model_checkpoint_timestamps", "last_preserved_timestamp"};

static bool is_repeated(field which) { return which == FIELD_PATHS || which == FIELD_TIMESTAMPS; }

/* ---- The state itself */

gw_status gw__state_new(gw_state **out, gw_error *error) {
  *out = gw__alloc_array(1, sizeof **out, error);
  if (!*out) return GW_NO_MEMORY;
  (*out)->latest = "";
  return GW_OK;
}

void gw_state_free(gw_state *state) {
  if (!state) return;
  gw__arena_free(&state->arena);
  gw__free(state->paths);
  gw__free(state->timestamps);
  gw__free(state);
}

const char *gw_state_latest(const gw_state *state) { return state->latest; }
size_t gw_state_count(const gw_state *state) { return state->path_count; }
const char *gw_state_path(const gw_state *state, size_t index) { return state->paths[index]; }

static gw_status add_path(gw_state *state, const char *path, gw_error *error) {
  void *array = state->paths;
  gw_status status =
      gw__reserve(&array, &state->path_capacity, state->path_count + 1, sizeof *state->paths, error);
  state->paths = array;
  if (status == GW_OK) state->paths[state->path_count++] = path;
  return status;
}

static gw_status add_timestamp(gw_state *state, double value, gw_error *error) {
  void *array = state->timestamps;
  gw_status status =
      gw__reserve(&array, &state->timestamp_capacity, state->timestamp_count + 1, sizeof *state->timestamps, error);
  state->timestamps = array;
  if (status == GW_OK) state->timestamps[state->timestamp_count++] = value;
  return status;
}

/* ---- UTF-8 */

static void put_utf8(gw_buf *out, uint32_t code) {
  if (code < 0x80) {
    gw__put_u8(out, (uint8_t)code);
  } else if (code < 0x800) {
    gw__put_u8(out, (uint8_t)(0xc0 | code >> 6));
    gw__put_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    gw__put_u8(out, (uint8_t)(0xe0 | code >> 12));
    gw__put_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    gw__put_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
  } else {
    gw__put_u8(out, (uint8_t)(0xf0 | code >> 18));
    gw__put_u8(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
    gw__put_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    gw__put_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
  }
}

/* ---- Tokens, cut as text_format.py's Tokenizer cuts them */

typedef enum token_kind { TOKEN_END = 0, TOKEN_WORD, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_SIGN } token_kind;

typedef struct token {
  token_kind kind;
  gw_cur cur; /* its bytes; of a text with the quotes */
} token;

typedef struct parser {
  gw_cur cur;
  token token;     /* the one to be read next */
  gw_state *state;
  gw_buf text;     /* the text being put together */
  gw_error *error;
} parser;

static gw_status bad(parser *in, uint64_t offset, const char *what) {
  gw__fail(in->error, GW_CORRUPT, "%s", what);
  gw__error_offset(in->error, offset);
  return GW_CORRUPT;
}

/* `where` leads from what was expected to the field's name: " after ". */
static gw_status bad_token(parser *in, const char *expected, const char *where, const char *name) {
  char found[64], what[256];
  const gw_cur *cur = &in->token.cur;
  gw_printable(found, sizeof found, (const char *)cur->base, gw__cur_left(cur));
  snprintf(what, sizeof what, "%s was expected%s%s (found %s)", expected, where, name,
           in->token.kind == TOKEN_END ? "the end of the file" : found);
  return bad(in, gw__cur_offset(cur), what);
}

/* The byte `ahead` of the position, or -1 behind the end. */
static int peek(const gw_cur *cur, size_t ahead) {
  return ahead < gw__cur_left(cur) ? cur->pos[ahead] : -1;
}

static void skip(gw_cur *cur, size_t size) {
  const uint8_t *ignored;
  (void)gw__get_bytes(cur, size, &ignored);
}

/* Length of the white space character at the position, or 0: Python's str.isspace, which knows more than ASCII. */
static size_t space_length(const gw_cur *cur) {
  int first = peek(cur, 0), second = peek(cur, 1), third = peek(cur, 2);
  if ((first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x20)) return 1;
  if (first == 0xc2) return second == 0x85 || second == 0xa0 ? 2 : 0;
  bool wide = (first == 0xe1 && second == 0x9a && third == 0x80) || /* U+1680 */
              (first == 0xe2 && second == 0x80 && ((third >= 0x80 && third <= 0x8a) || third == 0xa8 ||
                                                   third == 0xa9 || third == 0xaf)) || /* U+2000 .. U+202F */
              (first == 0xe2 && second == 0x81 && third == 0x9f) || /* U+205F */
              (first == 0xe3 && second == 0x80 && third == 0x80);   /* U+3000 */
  return wide ? 3 : 0;
}

static void skip_space(gw_cur *cur) {
  for (;;) {
    size_t length = space_length(cur);
    if (length > 0) {
      skip(cur, length);
    } else if (peek(cur, 0) == '#') {
      while (peek(cur, 0) >= 0 && peek(cur, 0) != '\n') skip(cur, 1);
    } else {
      return;
    }
  }
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(int c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-'; }
static bool is_number(int c) { return is_word(c) || c == '.'; }

/* Length of the quoted text at the position, quotes included; 0 when the line ends before the closing quote. */
static size_t text_length(const gw_cur *cur) {
  int quote = peek(cur, 0);
  size_t length = 1;
  for (;;) {
    int c = peek(cur, length);
    if (c < 0 || c == '\n') return 0;
    length++;
    if (c == quote) return length;
    if (c == '\\') {
      if (peek(cur, length) < 0 || peek(cur, length) == '\n') return 0;
      length++;
    }
  }
}

static gw_status next_token(parser *in) {
  gw_cur *cur = &in->cur;
  skip_space(cur);
  int first = peek(cur, 0);
  size_t length = 0;
  token_kind kind = TOKEN_END;
  if (is_letter(first)) {
    kind = TOKEN_WORD;
    while (is_word(peek(cur, length))) length++;
  } else if (is_digit(first) || first == '+' || first == '-' || (first == '.' && is_digit(peek(cur, 1)))) {
    kind = TOKEN_NUMBER;
    while (is_number(peek(cur, length))) length++;
  } else if (first == '"' || first == '\'') {
    kind = TOKEN_TEXT;
    length = text_length(cur);
    if (length == 0) return bad(in, gw__cur_offset(cur), "a text without its closing quote on the same line");
  } else if (first >= 0) {
    kind = TOKEN_SIGN;
    length = gw__utf8_length(cur->pos, gw__cur_left(cur));
  }
  in->token.kind = kind;
  in->token.cur = gw__cur(cur->pos, length, gw__cur_offset(cur));
  skip(cur, length);
  return GW_OK;
}

static bool at_sign(const parser *in, char sign) {
  return in->token.kind == TOKEN_SIGN && peek(&in->token.cur, 0) == sign;
}

/* Reads the sign if it is there: *found. */
static gw_status take_sign(parser *in, char sign, bool *found) {
  *found = at_sign(in, sign);
  return *found ? next_token(in) : GW_OK;
}

/* ---- Texts */

static int hex_digit(int c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Reads between `least` and `most` digits of the given base. */
static bool get_digits(gw_cur *cur, uint32_t base, size_t least, size_t most, uint32_t *out) {
  size_t count = 0;
  uint32_t value = 0;
  while (count < most) {
    int digit = hex_digit(peek(cur, count));
    if (digit < 0 || (uint32_t)digit >= base) break;
    value = value * base + (uint32_t)digit;
    count++;
  }
  if (count < least) return false;
  skip(cur, count);
  *out = value;
  return true;
}

static bool is_surrogate(uint32_t code) { return code >= 0xd800 && code <= 0xdfff; }

/* \uXXXX and \UXXXXXXXX as the text format is specified, and as protobuf's C++ and its newer Python read them. Python's
 * of TensorFlow 2.15 leaves them standing or refuses them; no writer of TensorFlow makes them. */
static gw_status unicode_escape(parser *in, gw_cur *cur, size_t digits, uint64_t offset) {
  uint32_t code, low;
  if (!get_digits(cur, 16, digits, digits, &code))
    return bad(in, offset, digits == 4 ? "\\u without 4 hexadecimal digits" : "\\U without 8 hexadecimal digits");
  if (digits == 4 && code >= 0xd800 && code < 0xdc00 && peek(cur, 0) == '\\' && peek(cur, 1) == 'u') {
    skip(cur, 2);
    if (get_digits(cur, 16, 4, 4, &low) && low >= 0xdc00 && low <= 0xdfff)
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code > 0x10ffff || is_surrogate(code)) return bad(in, offset, "an escape that names no Unicode character");
  put_utf8(&in->text, code);
  return GW_OK;
}

static gw_status octal_escape(parser *in, gw_cur *cur, uint64_t offset) {
  uint32_t value = 0;
  (void)get_digits(cur, 8, 1, 3, &value);
  if (value > 0xff) return bad(in, offset, "an octal escape beyond \\377");
  gw__put_u8(&in->text, (uint8_t)value);
  return GW_OK;
}

/* Appends what the escape behind a backslash stands for. `cur` is at the character after the backslash. */
static gw_status escape(parser *in, gw_cur *cur) {
  static const char letters[] = "abfnrtv\\'\"?";
  static const char values[] = "\a\b\f\n\r\t\v\\'\"?";
  uint64_t offset = gw__cur_offset(cur) - 1;
  int c = peek(cur, 0);
  if (is_digit(c) && c < '8') return octal_escape(in, cur, offset);
  uint8_t byte = 0;
  (void)gw__get_u8(cur, &byte); /* the token has no backslash as its last byte */
  const char *known = byte ? strchr(letters, byte) : NULL;
  if (known) {
    gw__put_u8(&in->text, (uint8_t)values[known - letters]);
    return GW_OK;
  }
  uint32_t value;
  switch (byte) {
    case 'u': return unicode_escape(in, cur, 4, offset);
    case 'U': return unicode_escape(in, cur, 8, offset);
    case 'N': return bad(in, offset, "\\N{...}, a character by its Unicode name, is not read");
    case 'x':
    case 'X':
      if (!get_digits(cur, 16, 1, 2, &value)) return bad(in, offset, "\\x without a hexadecimal digit");
      gw__put_u8(&in->text, (uint8_t)value);
      return GW_OK;
    default: /* Python leaves an escape that it does not know as it stands. */
      gw__put_u8(&in->text, '\\');
      gw__put_u8(&in->text, byte);
      return GW_OK;
  }
}

static gw_status decode_text(parser *in, gw_cur literal) {
  gw_cur cur = gw__cur(literal.base + 1, gw__cur_left(&literal) - 2, gw__cur_offset(&literal) + 1);
  gw_status status = GW_OK;
  uint8_t byte;
  while (status == GW_OK && gw__get_u8(&cur, &byte)) {
    if (byte == '\\') status = escape(in, &cur);
    else gw__put_u8(&in->text, byte);
  }
  return status;
}

/* Reads a text of one or more adjacent literals. *out lives as long as the state. */
static gw_status parse_text(parser *in, field which, const char **out) {
  uint64_t offset = gw__cur_offset(&in->token.cur);
  if (in->token.kind != TOKEN_TEXT) return bad_token(in, "a quoted text", " as ", field_names[which]);
  gw__buf_clear(&in->text);
  while (in->token.kind == TOKEN_TEXT) {
    gw_status status = decode_text(in, in->token.cur);
    if (status == GW_OK) status = next_token(in);
    if (status != GW_OK) return status;
  }
  const gw_buf *text = &in->text;
  if (text->failed) return gw__buf_status(text, in->error);
  if (text->size > 0 && memchr(text->data, '\0', text->size)) return bad(in, offset, "a path with a zero byte");
  if (gw__utf8_valid(text->data, text->size) < text->size) return bad(in, offset, "a path that is not UTF-8");
  *out = gw__arena_text(&in->state->arena, (const char *)text->data, text->size, in->error);
  return *out ? GW_OK : GW_NO_MEMORY;
}

/* ---- Numbers */

/* A decimal number without its point: digits times ten to the exponent. Thus neither reading nor writing depends on
 * the decimal point of the program's locale. */
typedef struct decimal {
  char digits[MAX_NUMBER + 32]; /* and room for the exponent when it is read */
  size_t count;
  int exponent;
} decimal;

static double decimal_value(decimal *number, bool negative) {
  snprintf(number->digits + number->count, sizeof number->digits - number->count, "e%d", number->exponent);
  double value = strtod(number->digits, NULL);
  number->digits[number->count] = '\0';
  return negative ? -value : value;
}

/* Digits with single underscores between them, as Python's float() takes them. False for "_1", "1_", "1__2". */
static bool get_run(gw_cur *cur, decimal *number, size_t *count) {
  *count = 0;
  while (is_digit(peek(cur, 0)) || (*count > 0 && peek(cur, 0) == '_' && is_digit(peek(cur, 1)))) {
    if (peek(cur, 0) != '_') {
      number->digits[number->count++] = (char)peek(cur, 0);
      ++*count;
    }
    skip(cur, 1);
  }
  return peek(cur, 0) != '_';
}

/* [eE][+-]?digits, or nothing. Exponents are cut where every double is already zero or infinite. */
static bool get_exponent(gw_cur *cur, int *out) {
  *out = 0;
  if (peek(cur, 0) != 'e' && peek(cur, 0) != 'E') return true;
  skip(cur, 1);
  bool negative = peek(cur, 0) == '-';
  if (negative || peek(cur, 0) == '+') skip(cur, 1);
  bool any = false;
  while (is_digit(peek(cur, 0)) || (any && peek(cur, 0) == '_' && is_digit(peek(cur, 1)))) {
    if (is_digit(peek(cur, 0)) && *out < 100000) *out = *out * 10 + (peek(cur, 0) - '0');
    any = true;
    skip(cur, 1);
  }
  if (negative) *out = -*out;
  return any;
}

/* True when the rest is the word, in any case; tolower would ask the locale. */
static bool rest_is(const gw_cur *cur, const char *word) {
  size_t length = strlen(word);
  if (gw__cur_left(cur) != length) return false;
  for (size_t i = 0; i < length; i++)
    if ((peek(cur, i) | 0x20) != word[i]) return false;
  return true;
}

/* Python's float(). */
static bool python_float(gw_cur cur, double *out) {
  bool negative = peek(&cur, 0) == '-';
  if (negative || peek(&cur, 0) == '+') skip(&cur, 1);
  if (rest_is(&cur, "inf") || rest_is(&cur, "infinity")) {
    *out = negative ? -INFINITY : INFINITY;
    return true;
  }
  if (rest_is(&cur, "nan")) {
    *out = NAN;
    return true;
  }
  decimal number = {.count = 0};
  size_t whole, fraction = 0;
  int exponent;
  if (!get_run(&cur, &number, &whole)) return false;
  if (peek(&cur, 0) == '.') {
    skip(&cur, 1);
    if (!get_run(&cur, &number, &fraction)) return false;
  }
  if (number.count == 0 || !get_exponent(&cur, &exponent) || gw__cur_left(&cur) > 0) return false;
  number.exponent = exponent - (int)fraction;
  *out = decimal_value(&number, negative);
  return true;
}

/* text_format.ParseFloat: Python's numbers, then "inff" and "nanf" in any case, then numbers with f's behind. */
static bool protobuf_float(gw_cur cur, double *out) {
  if (python_float(cur, out)) return true;
  gw_cur word = cur;
  bool negative = peek(&word, 0) == '-';
  if (negative) skip(&word, 1);
  if (rest_is(&word, "inff") || rest_is(&word, "infinityf")) {
    *out = negative ? -INFINITY : INFINITY;
    return true;
  }
  if (rest_is(&cur, "nanf")) {
    *out = NAN;
    return true;
  }
  size_t left = gw__cur_left(&cur);
  while (left > 0 && cur.pos[left - 1] == 'f') left--;
  return python_float(gw__cur(cur.base, left, cur.origin), out);
}

static gw_status parse_number(parser *in, field which, double *out) {
  const gw_cur *cur = &in->token.cur;
  if (gw__cur_left(cur) > MAX_NUMBER && in->token.kind != TOKEN_TEXT) {
    gw__fail(in->error, GW_LIMIT, "a number of %zu characters (at most %d are read)", gw__cur_left(cur), MAX_NUMBER);
    gw__error_offset(in->error, gw__cur_offset(cur));
    return GW_LIMIT;
  }
  if (in->token.kind == TOKEN_TEXT || !protobuf_float(*cur, out))
    return bad_token(in, "a number", " as ", field_names[which]);
  return next_token(in);
}

/* ---- Fields */

static gw_status too_many(parser *in, field which, size_t count) {
  if (count < GW_STATE_MAX_PATHS) return GW_OK;
  gw__fail(in->error, GW_LIMIT, "more than %zu values of %s", GW_STATE_MAX_PATHS, field_names[which]);
  gw__error_offset(in->error, gw__cur_offset(&in->token.cur));
  return GW_LIMIT;
}

static gw_status parse_path(parser *in) {
  gw_state *state = in->state;
  const char *path = NULL;
  gw_status status = too_many(in, FIELD_PATHS, state->path_count);
  if (status == GW_OK) status = parse_text(in, FIELD_PATHS, &path);
  return status == GW_OK ? add_path(state, path, in->error) : status;
}

static gw_status parse_timestamp(parser *in) {
  gw_state *state = in->state;
  double value = 0;
  gw_status status = too_many(in, FIELD_TIMESTAMPS, state->timestamp_count);
  if (status == GW_OK) status = parse_number(in, FIELD_TIMESTAMPS, &value);
  return status == GW_OK ? add_timestamp(state, value, in->error) : status;
}

static gw_status parse_value(parser *in, field which) {
  switch (which) {
    case FIELD_LATEST: return parse_text(in, which, &in->state->latest);
    case FIELD_PATHS: return parse_path(in);
    case FIELD_TIMESTAMPS: return parse_timestamp(in);
    default: return parse_number(in, which, &in->state->last_preserved);
  }
}

/* What follows the "[" of a list: values with commas between them, none behind the last. */
static gw_status parse_list(parser *in, field which) {
  bool found;
  gw_status status = take_sign(in, ']', &found);
  while (status == GW_OK && !found) {
    status = parse_value(in, which);
    if (status == GW_OK) status = take_sign(in, ']', &found);
    if (status != GW_OK || found) break;
    bool comma;
    status = take_sign(in, ',', &comma);
    if (status == GW_OK && !comma) status = bad_token(in, "\",\" or \"]\"", " in the list of ", field_names[which]);
  }
  return status;
}

static gw_status parse_name(parser *in, field *which) {
  if (in->token.kind != TOKEN_WORD) return bad_token(in, "a field's name", "", "");
  const gw_cur *cur = &in->token.cur;
  for (int i = 0; i < FIELD_COUNT; i++) {
    size_t length = strlen(field_names[i]);
    if (gw__cur_left(cur) == length && memcmp(cur->pos, field_names[i], length) == 0) {
      *which = (field)i;
      return next_token(in);
    }
  }
  char name[64], what[128];
  gw_printable(name, sizeof name, (const char *)cur->pos, gw__cur_left(cur));
  snprintf(what, sizeof what, "\"%s\" is no field of a checkpoint state file", name);
  return bad(in, gw__cur_offset(cur), what);
}

static gw_status parse_field(parser *in) {
  field which = FIELD_LATEST;
  bool found;
  gw_status status = parse_name(in, &which);
  if (status != GW_OK) return status;
  if (!at_sign(in, ':')) return bad_token(in, "\":\"", " after ", field_names[which]);
  status = next_token(in);
  if (status != GW_OK) return status;
  if (is_repeated(which) && at_sign(in, '[')) {
    status = next_token(in);
    if (status == GW_OK) status = parse_list(in, which);
  } else {
    status = parse_value(in, which);
  }
  if (status == GW_OK) status = take_sign(in, ',', &found);
  if (status == GW_OK && !found) status = take_sign(in, ';', &found);
  return status;
}

gw_status gw_state_parse(const char *text, size_t length, gw_state **out, gw_error *error) {
  *out = NULL;
  if (length > GW_STATE_MAX_BYTES)
    return gw__fail(error, GW_LIMIT, "a state file of %zu bytes (at most %u are read)", length, GW_STATE_MAX_BYTES);
  gw_state *state;
  gw_status status = gw__state_new(&state, error);
  if (status != GW_OK) return status;
  parser in = {.cur = gw__cur(length ? text : "", length, 0), .state = state, .text = GW_BUF_INIT, .error = error};
  /* TensorFlow decodes the whole file before it looks at a single field, comments too. */
  size_t valid = gw__utf8_valid(in.cur.pos, length);
  status = valid < length ? bad(&in, valid, "a byte that is not UTF-8") : next_token(&in);
  while (status == GW_OK && in.token.kind != TOKEN_END) status = parse_field(&in);
  gw__buf_free(&in.text);
  if (status == GW_OK) *out = state;
  else gw_state_free(state);
  return status;
}

/* ---- Reading from a folder */

static gw_status remember_folder(gw_state *state, const char *path, gw_error *error) {
  char *folder, *base;
  gw_status status = gw__path_split(path, &folder, &base, error);
  if (status != GW_OK) return status;
  state->folder = gw__arena_text(&state->arena, folder, strlen(folder), error);
  gw__free(folder);
  gw__free(base);
  return state->folder ? GW_OK : GW_NO_MEMORY;
}

gw_status gw__state_read_file(const char *path, gw_state **out, gw_error *error) {
  *out = NULL;
  gw_buf text = GW_BUF_INIT;
  gw_state *state = NULL;
  gw_status status = gw__file_read_whole(path, GW_STATE_MAX_BYTES, &text, error);
  if (status == GW_OK) status = gw_state_parse((const char *)text.data, text.size, &state, error);
  if (status == GW_CORRUPT)
    gw__error_hint(error, "TensorFlow ignores a state file that it cannot parse: repair it, or give a prefix");
  if (status == GW_OK) status = remember_folder(state, path, error);
  if (status != GW_OK) {
    gw__error_file(error, path);
    gw_state_free(state);
    state = NULL;
  }
  gw__buf_free(&text);
  *out = state;
  return status;
}

gw_status gw_state_read(const char *folder, gw_state **out, gw_error *error) {
  *out = NULL;
  char *path = gw__path_join(folder, "checkpoint", error);
  if (!path) return GW_NO_MEMORY;
  gw_status status = gw__state_read_file(path, out, error);
  gw__free(path);
  return status;
}

/* ---- Editing */

/* Whether a stored path means the checkpoint `name` of the state's own folder: "name", "./name", or the absolute path
 * of it. A Saver that finds one checkpoint under two paths deletes the files of the older path: those of the newest. */
static bool means(const gw_state *state, const char *stored, const char *name) {
  while (strncmp(stored, "./", 2) == 0) {
    stored += 2;
    while (*stored == '/') stored++;
  }
  if (strcmp(stored, name) == 0) return true;
  const char *slash = strrchr(stored, '/');
  if (stored[0] != '/' || !state->folder || strcmp(slash + 1, name) != 0) return false;
  char *folder = gw__strndup(stored, slash == stored ? 1 : (size_t)(slash - stored), NULL);
  bool same = folder && gw__path_same(folder, state->folder);
  gw__free(folder);
  return same;
}

static gw_status check_name(const char *name, gw_error *error) {
  size_t length = strlen(name);
  if (length == 0) return gw__fail(error, GW_INVALID, "the state file needs a checkpoint's name, it is empty");
  if (strchr(name, '/'))
    return gw__fail(error, GW_INVALID, "the state file takes a name in its own folder (a path was given)");
  if (gw__utf8_valid((const uint8_t *)name, length) < length) {
    gw__fail(error, GW_INVALID, "the checkpoint's name is not UTF-8, TensorFlow would ignore the state file");
    gw__error_hint(error, "choose another name, or do without making it the latest");
    return GW_INVALID;
  }
  return GW_OK;
}

/* Takes `name` out of the paths, and its timestamps along when they belong together. */
static void remove_path(gw_state *state, const char *name, bool aligned) {
  size_t kept = 0;
  for (size_t i = 0; i < state->path_count; i++) {
    if (means(state, state->paths[i], name)) continue;
    state->paths[kept] = state->paths[i];
    if (aligned) state->timestamps[kept] = state->timestamps[i];
    kept++;
  }
  state->path_count = kept;
  if (aligned) state->timestamp_count = kept;
}

gw_status gw__state_set_latest(gw_state *state, const char *name, double timestamp, gw_error *error) {
  gw_status status = check_name(name, error);
  if (status != GW_OK) return status;
  if (!isfinite(timestamp)) return gw__fail(error, GW_INVALID, "a timestamp was expected (seconds since 1970)");
  const char *copy = gw__arena_text(&state->arena, name, strlen(name), error);
  if (!copy) return GW_NO_MEMORY;
  /* Room first, so that a failure leaves the state as it was. */
  status = add_path(state, copy, error);
  if (status != GW_OK) return status;
  state->path_count--;
  status = add_timestamp(state, timestamp, error);
  if (status != GW_OK) return status;
  state->timestamp_count--;
  bool empty = state->path_count == 0 && state->timestamp_count == 0;
  bool aligned = state->timestamp_count == state->path_count;
  if (!aligned) state->timestamp_count = 0;
  remove_path(state, name, aligned);
  state->paths[state->path_count++] = copy;
  if (empty ? timestamp != 0 : aligned) state->timestamps[state->timestamp_count++] = timestamp;
  state->latest = copy;
  return GW_OK;
}

/* ---- Writing */

/* text_encoding.CEscape */
static void put_text(gw_buf *out, const char *text) {
  gw__put_u8(out, '"');
  for (; *text; text++) {
    uint8_t c = (uint8_t)*text;
    switch (c) {
      case '\n': gw__put_text(out, "\\n"); break;
      case '\r': gw__put_text(out, "\\r"); break;
      case '\t': gw__put_text(out, "\\t"); break;
      case '"':
      case '\'':
      case '\\':
        gw__put_u8(out, '\\');
        gw__put_u8(out, c);
        break;
      default:
        if (c < 0x20 || c > 0x7e) gw__put_format(out, "\\%03o", (unsigned)c);
        else gw__put_u8(out, c);
    }
  }
  gw__put_u8(out, '"');
}

/* The nearest decimal with `precision` significant digits. `value` is finite and not negative. */
static void to_decimal(double value, int precision, decimal *out) {
  char text[64];
  snprintf(text, sizeof text, "%.*e", precision - 1, value);
  out->count = 0;
  const char *p = text;
  for (; *p && *p != 'e'; p++) /* what is no digit is the locale's decimal point */
    if (is_digit((uint8_t)*p)) out->digits[out->count++] = *p;
  out->digits[out->count] = '\0';
  out->exponent = (*p ? (int)strtol(p + 1, NULL, 10) : 0) - (precision - 1);
}

/* One more in the last digit. */
static void increment(decimal *number) {
  size_t i = number->count;
  while (i > 0 && number->digits[i - 1] == '9') number->digits[--i] = '0';
  if (i > 0) {
    number->digits[i - 1]++;
  } else { /* 999 became 000: it is 100 with one more zero */
    number->digits[0] = '1';
    number->exponent++;
  }
}

/* The fewest digits that read back as `value`, which is finite and not negative: what Python's repr prints. Below a
 * power of two doubles lie twice as dense as above; there the nearest decimal may fail and its upper neighbour do. */
static void shortest(double value, decimal *out) {
  int exponent;
  bool power = frexp(value, &exponent) == 0.5;
  /* With DBL_DIG digits or fewer a normal number has one candidate only, padded with zeros. */
  int precision = value >= DBL_MIN ? DBL_DIG : 1;
  for (; precision < 17; precision++) {
    to_decimal(value, precision, out);
    if (decimal_value(out, false) == value) break;
    if (!power) continue;
    increment(out);
    if (decimal_value(out, false) == value) break;
  }
  if (precision == 17) to_decimal(value, precision, out);
  while (out->count > 1 && out->digits[out->count - 1] == '0') {
    out->digits[--out->count] = '\0';
    out->exponent++;
  }
}

/* Python's repr of a float: an exponent when it is below -4 or at least 16, and always a point or an exponent. */
static void put_number(gw_buf *out, double value) {
  if (isnan(value)) {
    gw__put_text(out, "nan");
    return;
  }
  if (signbit(value)) gw__put_u8(out, '-');
  if (isinf(value)) {
    gw__put_text(out, "inf");
    return;
  }
  decimal number;
  shortest(fabs(value), &number);
  const char *digits = number.digits;
  int count = (int)number.count;
  int point = value == 0 ? 1 : count + number.exponent; /* digits before the decimal point */
  if (point <= -4 || point > 16) {
    gw__put_format(out, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "", digits + 1, point > 0 ? '+' : '-',
                   abs(point - 1));
  } else if (point <= 0) {
    gw__put_text(out, "0.");
    for (int i = point; i < 0; i++) gw__put_u8(out, '0');
    gw__put_text(out, digits);
  } else {
    for (int i = 0; i < point; i++) gw__put_u8(out, (uint8_t)(i < count ? digits[i] : '0'));
    gw__put_u8(out, '.');
    gw__put_text(out, count > point ? digits + point : "0");
  }
}

static void put_name(gw_buf *out, field which) {
  gw__put_text(out, field_names[which]);
  gw__put_text(out, ": ");
}

static void put_text_field(gw_buf *out, field which, const char *text) {
  put_name(out, which);
  put_text(out, text);
  gw__put_u8(out, '\n');
}

static void put_number_field(gw_buf *out, field which, double value) {
  put_name(out, which);
  put_number(out, value);
  gw__put_u8(out, '\n');
}

gw_status gw__state_write(const gw_state *state, gw_buf *out, gw_error *error) {
  /* A field that is not repeated is left out when it has proto3's default, which -0.0 is not. */
  if (state->latest[0]) put_text_field(out, FIELD_LATEST, state->latest);
  for (size_t i = 0; i < state->path_count; i++) put_text_field(out, FIELD_PATHS, state->paths[i]);
  for (size_t i = 0; i < state->timestamp_count; i++)
    put_number_field(out, FIELD_TIMESTAMPS, state->timestamps[i]);
  if (state->last_preserved != 0 || signbit(state->last_preserved))
    put_number_field(out, FIELD_PRESERVED, state->last_preserved);
  return gw__buf_status(out, error);
}

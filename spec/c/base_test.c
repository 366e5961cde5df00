/* core/base: what Lua cannot reach. Usage: base_test SPEC_FOLDER (nothing is read from it). */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../core/base/alloc.h"
#include "../../core/base/arena.h"
#include "../../core/base/buf.h"
#include "../../core/base/checked.h"
#include "../../core/base/crc32c.h"
#include "../../core/base/cursor.h"
#include "../../core/base/error.h"
#include "check.h"

/* The same numbers in every run (xorshift64*). */
static uint64_t random_state = 88172645463325252u;
static uint64_t random_number(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * UINT64_C(2685821657736338717);
}

/* An absurd size must come back as NULL, as malloc does it; AddressSanitizer would end the program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

/* ---- Varints and fixed-width numbers */

static void varints_come_back(void) {
  for (unsigned bits = 0; bits <= 64; bits++) {
    for (int delta = -1; delta <= 1; delta++) {
      uint64_t value = (bits == 64 ? 0 : UINT64_C(1) << bits) + (uint64_t)(int64_t)delta, got = 1;
      gw_buf buf = GW_BUF_INIT;
      gw__put_varint64(&buf, value);
      CHECK(buf.size == gw__varint64_size(value));
      gw_cur cur = gw__cur(buf.data, buf.size, 0);
      CHECK(gw__get_varint64(&cur, &got) && got == value && gw__cur_left(&cur) == 0);
      uint32_t small = 1;
      cur = gw__cur(buf.data, buf.size, 0);
      bool fits = gw__get_varint32(&cur, &small);
      CHECK(fits == (value <= UINT32_MAX) && (!fits || small == value));
      CHECK(fits || cur.pos == cur.base);
      gw__buf_free(&buf);
    }
  }
}

typedef struct varint_case {
  const char *what;
  const char *bytes;
  size_t size;
  bool fits32, fits64;
  uint64_t value;
} varint_case;

static const varint_case varint_cases[] = {
    {"nothing", "", 0, false, false, 0},
    {"cut off", "\x80", 1, false, false, 0},
    {"zero", "\x00", 1, true, true, 0},
    {"zero in two bytes", "\x80\x00", 2, true, true, 0},
    {"one in five bytes", "\x81\x80\x80\x80\x00", 5, true, true, 1},
    {"one in six bytes", "\x81\x80\x80\x80\x80\x00", 6, false, true, 1},
    {"one in ten bytes", "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, false, true, 1},
    {"one in eleven bytes", "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, false, false, 0},
    {"2^32 - 1", "\xff\xff\xff\xff\x0f", 5, true, true, UINT32_MAX},
    {"2^32", "\x80\x80\x80\x80\x10", 5, false, true, UINT64_C(1) << 32},
    {"2^64 - 1", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, false, true, UINT64_MAX},
    {"2^64", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10, false, false, 0},
    {"a tenth byte that goes on", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81", 10, false, false, 0},
};

static void odd_varints(void) {
  for (size_t i = 0; i < sizeof varint_cases / sizeof *varint_cases; i++) {
    const varint_case *c = &varint_cases[i];
    gw_cur cur = gw__cur(c->bytes, c->size, 0);
    uint64_t big = 0;
    uint32_t small = 0;
    bool fine = CHECK(gw__get_varint64(&cur, &big) == c->fits64) && CHECK(big == c->value);
    fine = CHECK(gw__cur_left(&cur) == (c->fits64 ? 0 : c->size)) && fine;
    cur = gw__cur(c->bytes, c->size, 0);
    fine = CHECK(gw__get_varint32(&cur, &small) == c->fits32) && fine;
    fine = CHECK(!c->fits32 || small == c->value) && fine;
    fine = CHECK(gw__cur_left(&cur) == (c->fits32 ? 0 : c->size)) && fine;
    if (!fine) fprintf(stderr, "  in the case of %s\n", c->what);
  }
}

static void fixed_width_numbers_are_little_endian(void) {
  gw_buf buf = GW_BUF_INIT;
  gw__put_fixed32(&buf, 0x01020384u);
  gw__put_fixed64(&buf, UINT64_C(0xdb4775248b80fb57));
  gw__put_u8(&buf, 0xee);
  CHECK(buf.size == 13 && memcmp(buf.data, "\x84\x03\x02\x01\x57\xfb\x80\x8b\x24\x75\x47\xdb\xee", 13) == 0);
  gw_cur cur = gw__cur(buf.data, buf.size, 100);
  uint32_t four = 0;
  uint64_t eight = 0;
  uint8_t one = 0;
  CHECK(gw__get_fixed32(&cur, &four) && four == 0x01020384u);
  CHECK(gw__get_fixed64(&cur, &eight) && eight == UINT64_C(0xdb4775248b80fb57));
  CHECK(gw__cur_offset(&cur) == 112);
  CHECK(!gw__get_fixed32(&cur, &four) && !gw__get_fixed64(&cur, &eight) && gw__cur_left(&cur) == 1);
  CHECK(gw__get_u8(&cur, &one) && one == 0xee && !gw__get_u8(&cur, &one));
  gw__buf_free(&buf);
}

static void a_failed_read_moves_nothing(void) {
  gw_cur cur = gw__cur("abc", 3, 0);
  const uint8_t *bytes = NULL;
  CHECK(!gw__get_bytes(&cur, 4, &bytes) && !gw__get_bytes(&cur, SIZE_MAX, &bytes) && bytes == NULL);
  CHECK(gw__get_bytes(&cur, 3, &bytes) && memcmp(bytes, "abc", 3) == 0);
  CHECK(gw__get_bytes(&cur, 0, &bytes) && !gw__get_bytes(&cur, 1, &bytes));
  gw_cur nothing = gw__cur(NULL, 0, 5);
  CHECK(gw__cur_left(&nothing) == 0 && gw__cur_offset(&nothing) == 5 && gw__get_bytes(&nothing, 0, &bytes));
}

/* ---- Checked arithmetic */

static void arithmetic_says_when_it_overflows(void) {
  uint64_t u;
  int64_t s;
  size_t z;
  CHECK(gw__add_u64(UINT64_MAX - 1, 1, &u) && u == UINT64_MAX && !gw__add_u64(UINT64_MAX, 1, &u));
  CHECK(gw__mul_u64(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &u) &&
        !gw__mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &u));
  CHECK(gw__mul_u64(0, UINT64_MAX, &u) && u == 0);
  CHECK(gw__add_i64(INT64_MAX - 1, 1, &s) && !gw__add_i64(INT64_MAX, 1, &s) && !gw__add_i64(INT64_MIN, -1, &s));
  CHECK(gw__add_i64(INT64_MIN, INT64_MAX, &s) && s == -1);
  CHECK(!gw__mul_i64(INT64_MIN, -1, &s) && gw__mul_i64(INT64_MAX, -1, &s) && s == -INT64_MAX);
  CHECK(!gw__add_size(SIZE_MAX, 1, &z) && !gw__mul_size(SIZE_MAX / 2 + 1, 2, &z) && gw__mul_size(SIZE_MAX / 2, 2, &z));
  CHECK(gw__to_size(12345, &z) && z == 12345);
}

/* ---- crc32c */

static void crc_vectors(void) {
  CHECK(gw__crc32c("", 0) == 0 && gw__crc32c(NULL, 0) == 0);
  CHECK(gw__crc32c_mask(0) == 0xa282ead8u);
  CHECK(gw__crc32c("123456789", 9) == 0xe3069283u);
  CHECK(gw__crc32c_mask(0xe3069283u) == 0xc78ab0e5u);
  uint8_t zeros[32] = {0};
  CHECK(gw__crc32c(zeros, sizeof zeros) == 0x8a9136aau);
  /* The floats 1.5, -2.5, 3.5, and the checksum that TensorFlow stored for them: 16 0e 08 88. */
  static const uint8_t floats[12] = {0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x20, 0xc0, 0x00, 0x00, 0x60, 0x40};
  CHECK(gw__crc32c(floats, sizeof floats) == 0x919f72c2u);
  CHECK(gw__crc32c_mask(0x919f72c2u) == 0x88080e16u);
}

static void unmasking_undoes_masking(void) {
  for (int i = 0; i < 1000; i++) {
    uint32_t crc = (uint32_t)random_number();
    if (!CHECK(gw__crc32c_unmask(gw__crc32c_mask(crc)) == crc)) return;
  }
}

static void crc_in_pieces_and_portable(void) {
  uint8_t bytes[3000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)random_number();
  for (int i = 0; i < 500; i++) {
    size_t start = random_number() % 64, size = random_number() % (sizeof bytes - 64),
           cut = random_number() % (size + 1);
    const uint8_t *from = bytes + start;
    uint32_t whole = gw__crc32c(from, size);
    if (!CHECK(gw__crc32c_extend(gw__crc32c(from, cut), from + cut, size - cut) == whole)) return;
    if (!CHECK(gw__crc32c_extend_portable(0, from, size) == whole)) return;
    if (!CHECK(gw__crc32c_extend_portable(gw__crc32c_extend_portable(0, from, cut), from + cut, size - cut) == whole))
      return;
    uint32_t tail = gw__crc32c(from + cut, size - cut);
    if (!CHECK(gw__crc32c_combine(gw__crc32c(from, cut), tail, size - cut) == whole)) return;
  }
}

/* Lengths that no test could checksum byte by byte: appending n and then m is appending n + m. */
static void combining_over_large_lengths(void) {
  for (int i = 0; i < 200; i++) {
    uint32_t a = (uint32_t)random_number(), b = (uint32_t)random_number(), c = (uint32_t)random_number();
    uint64_t n = random_number() >> (1 + i % 60), m = random_number() >> (1 + i % 50);
    uint32_t left = gw__crc32c_combine(gw__crc32c_combine(a, b, n), c, m);
    uint32_t right = gw__crc32c_combine(a, gw__crc32c_combine(b, c, m), n + m);
    if (!CHECK(left == right)) return;
  }
  CHECK(gw__crc32c_combine(0x12345678u, 0, 0) == 0x12345678u);
}

/* ---- Memory */

static void arena_pieces_are_apart(void) {
  gw_arena arena = GW_ARENA_INIT;
  enum { PIECES = 2000 };
  unsigned char *pieces[PIECES];
  size_t sizes[PIECES];
  for (size_t i = 0; i < PIECES; i++) {
    bool text = random_number() % 3 == 0;
    sizes[i] = random_number() % (i % 100 == 0 ? 100000 : 200);
    if (text) {
      static const char letters[200] = {'x'};
      sizes[i] = sizes[i] < 200 ? sizes[i] : 200;
      pieces[i] = (unsigned char *)gw__arena_text(&arena, letters, sizes[i], NULL);
      if (!CHECK(pieces[i] && pieces[i][sizes[i]] == '\0')) return;
    } else {
      pieces[i] = gw__arena_alloc(&arena, sizes[i], NULL);
      if (!CHECK(pieces[i] && (uintptr_t)pieces[i] % 8 == 0)) return;
    }
    memset(pieces[i], (int)(i & 0xff), sizes[i]);
  }
  bool intact = true;
  for (size_t i = 0; i < PIECES; i++)
    for (size_t at = 0; at < sizes[i]; at++) intact = intact && pieces[i][at] == (i & 0xff);
  CHECK(intact);
  gw__arena_free(&arena);
  CHECK(gw__arena_alloc(&arena, 8, NULL) != NULL);
  gw__arena_free(&arena);
  gw__arena_free(&arena);
}

static void sizes_that_overflow_are_refused(void) {
  gw_error error = GW_ERROR_INIT;
  CHECK(gw__alloc_array(SIZE_MAX / 2, 3, &error) == NULL && error.status == GW_NO_MEMORY);
  error = (gw_error)GW_ERROR_INIT;
  CHECK(gw__realloc_array(NULL, SIZE_MAX / 2, 3, &error) == NULL && error.status == GW_NO_MEMORY);
  gw_arena arena = GW_ARENA_INIT;
  CHECK(gw__arena_text(&arena, "", SIZE_MAX, &error) == NULL);
  gw__arena_free(&arena);
  CHECK(gw__strndup("abc", SIZE_MAX, &error) == NULL);
}

static void reserving_grows_and_keeps(void) {
  uint32_t *numbers = NULL;
  size_t capacity = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    if (!CHECK(gw__reserve((void **)&numbers, &capacity, i + 1, sizeof *numbers, NULL) == GW_OK)) break;
    numbers[i] = i;
  }
  bool kept = true;
  for (uint32_t i = 0; i < 1000; i++) kept = kept && numbers[i] == i;
  CHECK(kept && capacity >= 1000 && capacity < 2048);
  CHECK(gw__reserve((void **)&numbers, &capacity, SIZE_MAX / 2, sizeof *numbers, NULL) == GW_NO_MEMORY);
  CHECK(numbers[999] == 999);
  gw__free(numbers);
  char *copy = gw__strdup("text", NULL);
  CHECK_TEXT(copy, "text");
  gw__free(copy);
}

static void buffers_grow(void) {
  gw_buf buf = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  gw__put_bytes(&buf, NULL, 0);
  gw__put_text(&buf, "one ");
  gw__put_format(&buf, "%d%%", 42);
  CHECK(buf.size == 7 && memcmp(buf.data, "one 42%", 7) == 0);
  char wide[700];
  memset(wide, 'w', sizeof wide - 1);
  wide[sizeof wide - 1] = '\0';
  gw__put_format(&buf, "<%s>", wide); /* longer than the stack buffer of gw__put_format */
  CHECK(buf.size == 7 + 701 && buf.data[7] == '<' && buf.data[buf.size - 1] == '>');
  gw__buf_clear(&buf);
  CHECK(buf.size == 0 && gw__buf_status(&buf, &error) == GW_OK);
  gw__put_text(&buf, "kept");
  CHECK(!gw__buf_reserve(&buf, SIZE_MAX - 1)); /* a sum that overflows, and sticks */
  gw__put_text(&buf, "lost");
  CHECK(buf.size == 4 && gw__buf_status(&buf, &error) == GW_NO_MEMORY && error.status == GW_NO_MEMORY);
  gw__buf_free(&buf);
  CHECK(gw__buf_status(&buf, &error) == GW_OK);
}

/* ---- Errors */

typedef struct printable_case {
  const char *key;
  size_t length;
  const char *text;
} printable_case;

static const printable_case printable_cases[] = {
    {"", 0, ""},
    {"layer/kernel:0", 14, "layer/kernel:0"},
    {"a\0b\n\x7f", 5, "a\\x00b\\x0a\\x7f"},
    {"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"},
    {"\xe2\x82\xac \xf0\x9f\x90\xa6", 8, "\xe2\x82\xac \xf0\x9f\x90\xa6"},
    {"\xc3", 1, "\\xc3"},          /* cut off */
    {"\xc0\xaf", 2, "\\xc0\\xaf"}, /* overlong */
    {"\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf"},
    {"\xf0\x80\x80\xaf", 4, "\\xf0\\x80\\x80\\xaf"},
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},          /* a surrogate */
    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
    {"\xc2\x85", 2, "\\xc2\\x85"},                   /* a control character */
    {"\xff\xfe", 2, "\\xff\\xfe"},
};

static void keys_are_made_printable(void) {
  for (size_t i = 0; i < sizeof printable_cases / sizeof *printable_cases; i++) {
    char out[64];
    gw_printable(out, sizeof out, printable_cases[i].key, printable_cases[i].length);
    CHECK_TEXT(out, printable_cases[i].text);
  }
}

/* Whatever does not fit is cut in the middle, for the end of a tensor's name says most. */
static void long_keys_are_cut_in_the_middle(void) {
  char key[1000], out[64];
  memset(key, 'k', sizeof key);
  memcpy(key, "begin", 5);
  memcpy(key + sizeof key - 3, "end", 3);
  gw_printable(out, sizeof out, key, sizeof key);
  CHECK(strlen(out) < sizeof out && strncmp(out, "begin", 5) == 0 && strstr(out, "..."));
  CHECK_TEXT(out + strlen(out) - 3, "end");
}

static void printable_never_leaves_its_buffer(void) {
  char key[80];
  for (int round = 0; round < 3000; round++) {
    size_t length = random_number() % (sizeof key + 1), size = random_number() % 70;
    for (size_t i = 0; i < length; i++) key[i] = (char)(random_number() >> (round % 2 ? 8 : 33));
    char *out = malloc(size ? size : 1); /* so that the sanitizer sees the first byte too many */
    if (!CHECK(out != NULL)) return;
    gw_printable(out, size, key, length);
    bool ended = size == 0 || memchr(out, '\0', size) != NULL;
    free(out);
    if (!CHECK(ended)) return;
  }
}

static void errors_collect_context_once(void) {
  gw_error error = GW_ERROR_INIT;
  CHECK(gw__fail(&error, GW_CORRUPT, "a count (expected %d, found %d)", 1, 2) == GW_CORRUPT);
  CHECK(gw__error_offset(&error, 7) == GW_CORRUPT && gw__error_offset(&error, 8) == GW_CORRUPT);
  gw__error_file(&error, "first.index");
  gw__error_file(&error, "second.index");
  gw__error_key(&error, "a\nb", 3);
  gw__error_key(&error, "other", 5);
  gw__error_hint(&error, "try %s", "this");
  gw__error_hint(&error, "or that");
  char text[200];
  size_t length = gw_error_format(&error, text, sizeof text);
  CHECK_TEXT(text, "first.index: a\\x0ab: offset 7: a count (expected 1, found 2)");
  CHECK(length == strlen(text));
  CHECK_TEXT(error.hint, "try this");
  gw__error_line(&error, "recipe.lua:3");
  gw_error_format(&error, text, 20);
  CHECK_TEXT(text, "recipe.lua:3: first");
  CHECK(gw__fail(&error, GW_LIMIT, "again") == GW_LIMIT && !error.has_offset && !error.file[0] && !error.key[0]);
}

static void system_errors_become_status(void) {
  gw_error error = GW_ERROR_INIT;
  CHECK(gw__fail_system(&error, ENOENT, "cannot be opened") == GW_NOT_FOUND && error.system == ENOENT);
  CHECK_TEXT(error.what, "cannot be opened: No such file or directory");
  CHECK(gw__fail_system(&error, EEXIST, "x") == GW_EXISTS);
  CHECK(gw__fail_system(&error, ENOMEM, "x") == GW_NO_MEMORY);
  CHECK(gw__fail_system(&error, ENOSPC, "x") == GW_IO);
  CHECK_TEXT(gw_status_name(error.status), "system");
}

static void errors_may_be_ignored(void) {
  CHECK(gw__fail(NULL, GW_CORRUPT, "x") == GW_CORRUPT && gw__fail_system(NULL, ENOENT, "x") == GW_NOT_FOUND);
  CHECK(gw__error_file(NULL, "f") == GW_OK && gw__error_key(NULL, "k", 1) == GW_OK &&
        gw__error_offset(NULL, 1) == GW_OK);
  CHECK(gw__error_line(NULL, "l") == GW_OK && gw__error_hint(NULL, "h") == GW_OK);
}

static void an_account_bounds_what_is_allocated(void) {
  gw_account account = {.limit = 100000};
  gw_error error = GW_ERROR_INIT;
  void *outside = gw__alloc(50000, &error), *grown = NULL;
  size_t capacity = 0;
  CHECK(gw_account_use(&account) == NULL);
  void *first = gw__alloc(60000, &error), *zeroed = gw__alloc_array(100, 100, &error);
  CHECK(first && zeroed && account.used >= 70000 && !account.refused);
  CHECK(!gw__alloc(60000, &error) && error.status == GW_NO_MEMORY && account.refused);
  CHECK(!gw__alloc_pages(60000, &error) && !gw__alloc_array(60000, 1, &error));
  gw__free(first);
  gw__free(zeroed);
  CHECK(account.used >= 0 && account.used < 1000);
  CHECK(gw__reserve(&grown, &capacity, 60000, 1, &error) == GW_OK && account.used >= 60000);
  CHECK(gw__reserve(&grown, &capacity, 110000, 1, &error) == GW_NO_MEMORY && capacity < 110000);
  gw_free(grown);
  int64_t before = account.used;
  gw__free(outside); /* makes room */
  CHECK(account.used <= before - 50000);
  CHECK(!gw_account_allows(&account, SIZE_MAX) && gw_account_allows(&account, 100000));
  CHECK(gw_account_use(NULL) == &account);
  void *after = gw__alloc(200000, &error);
  CHECK(after != NULL);
  gw__free(after);
}

int main(void) {
  RUN(varints_come_back);
  RUN(odd_varints);
  RUN(fixed_width_numbers_are_little_endian);
  RUN(a_failed_read_moves_nothing);
  RUN(arithmetic_says_when_it_overflows);
  RUN(crc_vectors);
  RUN(unmasking_undoes_masking);
  RUN(crc_in_pieces_and_portable);
  RUN(combining_over_large_lengths);
  RUN(arena_pieces_are_apart);
  RUN(sizes_that_overflow_are_refused);
  RUN(reserving_grows_and_keeps);
  RUN(buffers_grow);
  RUN(keys_are_made_printable);
  RUN(long_keys_are_cut_in_the_middle);
  RUN(printable_never_leaves_its_buffer);
  RUN(errors_collect_context_once);
  RUN(system_errors_become_status);
  RUN(errors_may_be_ignored);
  RUN(an_account_bounds_what_is_allocated);
  return gwt_finish();
}

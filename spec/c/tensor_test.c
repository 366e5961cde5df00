/* core/tensor and core/expr: numbers against references of another make, string forms in pieces of every size, streaming.
 * Usage: tensor_test SPEC_FOLDER SCRATCH_FOLDER. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "../../core/base/error.h"
#include "bundle_make.h"
#include "check.h"

static const char *spec_folder = "spec", *scratch = ".";

static uint64_t random_state = 88172645463325252u;
static uint64_t random_number(void) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * UINT64_C(2685821657736338717);
}

static bool same_double(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static double get(int dtype, uint64_t bits) {
  gw_number number;
  CHECK(gw_number_get(dtype, &bits, &number) && number.kind == GW_KIND_FLOAT);
  return number.real;
}

/* ---- Dtypes */

static void dtypes_and_their_names(void) {
  static const struct {
    int number;
    const char *name;
    size_t size;
  } all[] = {{1, "float32", 4},    {2, "float64", 8},     {3, "int32", 4},         {4, "uint8", 1},          {5, "int16", 2},
             {6, "int8", 1},       {7, "string", 0},      {8, "complex64", 8},     {9, "int64", 8},          {10, "bool", 1},
             {11, "qint8", 1},     {12, "quint8", 1},     {13, "qint32", 4},       {14, "bfloat16", 2},      {15, "qint16", 2},
             {16, "quint16", 2},   {17, "uint16", 2},     {18, "complex128", 16},  {19, "float16", 2},       {20, "resource", 0},
             {21, "variant", 0},   {22, "uint32", 4},     {23, "uint64", 8},       {24, "float8_e5m2", 1},   {25, "float8_e4m3fn", 1},
             {26, "float8_e4m3fnuz", 1}, {27, "float8_e4m3b11fnuz", 1}, {28, "float8_e5m2fnuz", 1}, {29, "int4", 1}, {30, "uint4", 1},
             {31, "int2", 1},      {32, "uint2", 1}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    CHECK_TEXT(gw_dtype_name(all[i].number), all[i].name);
    CHECK(gw_dtype_from_name(all[i].name) == all[i].number && gw_dtype_size(all[i].number) == all[i].size);
  }
  static const int unknown[] = {INT32_MIN, -1, 0, 33, 77, 101, INT32_MAX};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    CHECK(gw_dtype_name(unknown[i]) == NULL && gw_dtype_size(unknown[i]) == 0 && gw_dtype_kind(unknown[i]) == GW_KIND_OPAQUE);
  CHECK(gw_dtype_from_name("half") == GW_DT_HALF && gw_dtype_from_name("float33") == GW_DT_INVALID);
}

static void swapping_turns_units_around(void) {
  uint8_t bytes[16], again[16];
  for (int dtype = 1; dtype <= 32; dtype++) {
    size_t width = gw_dtype_size(dtype), unit = dtype == 8 || dtype == 18 ? width / 2 : width;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = again[i] = (uint8_t)i;
    if (width == 0) continue;
    gw__swap_elements(dtype, again, 16 / width);
    for (size_t i = 0; i < 16; i++) CHECK(again[i] == bytes[i / unit * unit + (unit - 1 - i % unit)]);
  }
}

/* ---- Floats of 8 and 16 bits, every pattern */

static void floats_of_8_bits(void) {
  gwt_path path = gwt_path_of("%s/fixtures/numbers/float8.txt", spec_folder);
  gw_buf text = gwt_load(path.text);
  gw__put_u8(&text, 0);
  size_t tables = 0;
  char *line = strchr((char *)text.data, '\n');
  while (line && line[1]) {
    char *space = strchr(line + 1, ' ');
    *space = '\0';
    int dtype = gw_dtype_from_name(line + 1);
    CHECK(dtype != GW_DT_INVALID);
    char *at = space + 1;
    for (unsigned bits = 0; bits < 256; bits++)
      if (!CHECK(same_double(get(dtype, bits), strtod(at, &at)))) fprintf(stderr, "dtype %d, %02x\n", dtype, bits);
    tables++;
    line = strchr(at, '\n');
  }
  CHECK(tables == 5);
  gw__buf_free(&text);
}

/* By the definition, in another way than the code has it: sums of powers of two. */
static double by_definition(unsigned bits, int exponent_bits, int mantissa_bits) {
  int exponent = (int)(bits >> mantissa_bits) & ((1 << exponent_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
  double value = exponent ? 1 : 0, place = 0.5;
  for (int i = mantissa_bits; i-- > 0; place /= 2)
    if (bits >> i & 1) value += place;
  if (exponent == (1 << exponent_bits) - 1) value = value > 1 ? NAN : INFINITY;
  else value *= pow(2, (exponent ? exponent : 1) - bias);
  return bits >> (exponent_bits + mantissa_bits) & 1 ? -value : value;
}

static uint16_t put16(int dtype, double value) {
  gw_number number = {.kind = GW_KIND_FLOAT, .real = value};
  uint16_t bits = 0;
  CHECK(gw_number_put(dtype, &number, &bits, NULL) == GW_OK);
  return bits;
}

/* Both values nearest to what lies between two neighbours, and the tie, which goes to the even one. Numbers pass through
 * float, as TensorFlow converts them, so the nearest to a tie is a float. */
static void check_between(int dtype, uint16_t low) {
  double one = get(dtype, low), other = get(dtype, low + 1u), middle = one + (other - one) / 2;
  if (isinf(other)) { /* as if the pattern of infinity were the next power of two */
    double step = one - get(dtype, low - 1u);
    middle = one + step / 2;
  }
  CHECK(put16(dtype, middle) == (low & 1 ? low + 1 : low));
  CHECK(put16(dtype, (double)nextafterf((float)middle, 0)) == low);
  CHECK(put16(dtype, (double)nextafterf((float)middle, INFINITY)) == low + 1);
  CHECK(put16(dtype, -middle) == (0x8000 | (low & 1 ? low + 1 : low)));
}

static void check_16_bits(int dtype, int exponent_bits, int mantissa_bits) {
  for (unsigned bits = 0; bits < 65536; bits++) {
    double value = get(dtype, bits);
    if (!CHECK(same_double(value, by_definition(bits, exponent_bits, mantissa_bits)))) return;
    uint16_t back = put16(dtype, value);
    if (!CHECK(isnan(value) ? isnan(get(dtype, back)) : back == bits)) return;
  }
  unsigned infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  for (unsigned bits = 0; bits < infinity; bits++) check_between(dtype, (uint16_t)bits);
  CHECK(put16(dtype, INFINITY) == infinity && put16(dtype, -INFINITY) == (0x8000 | infinity));
  CHECK(put16(dtype, 1e300) == infinity && put16(dtype, -DBL_MAX) == (0x8000 | infinity));
  CHECK(put16(dtype, DBL_TRUE_MIN) == 0 && put16(dtype, -DBL_TRUE_MIN) == 0x8000);
}

static void floats_of_16_bits(void) {
  check_16_bits(GW_DT_HALF, 5, 10);
  check_16_bits(GW_DT_BFLOAT16, 8, 7);
}

static void bfloat16_is_the_front_of_a_float(void) {
  for (uint32_t bits = 0; bits < 65536; bits++) {
    uint32_t wide = bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    if (!CHECK(same_double(get(GW_DT_BFLOAT16, bits), (double)value))) return;
  }
}

/* ---- Integers */

static gw_status put(int dtype, gw_number number, void *element) {
  gw_error error = GW_ERROR_INIT;
  gw_status status = gw_number_put(dtype, &number, element, &error);
  CHECK(status == error.status && (status == GW_OK || error.what[0]));
  return status;
}
static gw_number whole(int64_t i) { return (gw_number){.kind = GW_KIND_INT, .i = i}; }
static gw_number positive(uint64_t u) { return (gw_number){.kind = GW_KIND_UINT, .u = u}; }
static gw_number real(double value) { return (gw_number){.kind = GW_KIND_FLOAT, .real = value}; }

static void integers_have_their_range(void) {
  static const struct {
    int dtype;
    int64_t least;
    uint64_t most;
  } all[] = {{GW_DT_INT8, INT8_MIN, INT8_MAX},    {GW_DT_INT16, INT16_MIN, INT16_MAX}, {GW_DT_INT32, INT32_MIN, INT32_MAX},
             {GW_DT_INT64, INT64_MIN, INT64_MAX}, {GW_DT_UINT8, 0, UINT8_MAX},         {GW_DT_UINT16, 0, UINT16_MAX},
             {GW_DT_UINT32, 0, UINT32_MAX},       {GW_DT_UINT64, 0, UINT64_MAX},       {GW_DT_BOOL, 0, 1}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int dtype = all[i].dtype;
    uint64_t element = 0;
    gw_number back;
    CHECK(put(dtype, whole(all[i].least), &element) == GW_OK && gw_number_get(dtype, &element, &back) && back.i == all[i].least);
    element = 0;
    CHECK(put(dtype, positive(all[i].most), &element) == GW_OK && gw_number_get(dtype, &element, &back) && back.u == all[i].most);
    if (all[i].least > INT64_MIN) CHECK(put(dtype, whole(all[i].least - 1), &element) == GW_INVALID);
    if (all[i].most < UINT64_MAX) CHECK(put(dtype, positive(all[i].most + 1), &element) == GW_INVALID);
    static const double never[] = {0.5, -1e30, 1e30, 18446744073709551616.0, -18446744073709551616.0};
    for (size_t j = 0; j < sizeof never / sizeof *never; j++) CHECK(put(dtype, real(never[j]), &element) == GW_INVALID);
    CHECK(put(dtype, real(NAN), &element) == GW_INVALID && put(dtype, real(-INFINITY), &element) == GW_INVALID);
    CHECK(put(dtype, real(1), &element) == GW_OK && put(dtype, real(-0.0), &element) == GW_OK);
    CHECK(put(dtype, (gw_number){.kind = GW_KIND_COMPLEX, .real = 1, .imaginary = 1}, &element) == GW_INVALID);
  }
  uint64_t element;
  CHECK(put(GW_DT_INT64, real(9223372036854775808.0), &element) == GW_INVALID);
  CHECK(put(GW_DT_INT64, real(-9223372036854775808.0), &element) == GW_OK);
  CHECK(put(GW_DT_UINT64, real(9223372036854775808.0), &element) == GW_OK);
}

static void nibbles_and_less(void) {
  gw_number number;
  for (unsigned bits = 0; bits < 256; bits++) {
    uint8_t byte = (uint8_t)bits;
    CHECK(gw_number_get(GW_DT_INT4, &byte, &number) && number.i == (int)(bits & 15) - ((bits & 8) ? 16 : 0));
    CHECK(gw_number_get(GW_DT_UINT4, &byte, &number) && number.u == (bits & 15));
    CHECK(gw_number_get(GW_DT_INT2, &byte, &number) && number.i == (int)(bits & 3) - ((bits & 2) ? 4 : 0));
    CHECK(gw_number_get(GW_DT_UINT2, &byte, &number) && number.u == (bits & 3));
    CHECK(gw_number_get(GW_DT_BOOL, &byte, &number) && number.i == (bits != 0));
    CHECK(gw_number_get(GW_DT_QINT8, &byte, &number) && number.i == (int8_t)byte);
  }
}

static void what_cannot_be_made(void) {
  static const int never[] = {0, 7, 11, 12, 13, 15, 16, 20, 21, 24, 25, 26, 27, 28, 29, 30, 31, 32, 77};
  uint8_t element[16];
  for (size_t i = 0; i < sizeof never / sizeof *never; i++) CHECK(put(never[i], whole(1), element) == GW_INVALID);
  CHECK(put(GW_DT_FLOAT, (gw_number){.kind = GW_KIND_COMPLEX, .real = 1}, element) == GW_INVALID);
}

/* ---- Text */

static const char *text_of(int dtype, const void *element, bool scalar) {
  static char text[96];
  gw_number number;
  gw_buf out = GW_BUF_INIT;
  CHECK(gw_number_get(dtype, element, &number));
  gw__put_number(&out, dtype, &number, scalar);
  snprintf(text, sizeof text, "%.*s", (int)out.size, (const char *)out.data);
  gw__buf_free(&out);
  return text;
}

static void texts_read_back(void) {
  for (unsigned bits = 0; bits < 65536; bits++) {
    uint16_t element = (uint16_t)bits;
    if (isnan(get(GW_DT_HALF, bits))) continue;
    if (!CHECK(put16(GW_DT_HALF, strtod(text_of(GW_DT_HALF, &element, bits & 1), NULL)) == bits)) return;
    if (isnan(get(GW_DT_BFLOAT16, bits))) continue;
    if (!CHECK(put16(GW_DT_BFLOAT16, strtod(text_of(GW_DT_BFLOAT16, &element, bits & 1), NULL)) == bits)) return;
  }
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = random_number();
    double wide, back;
    float narrow;
    memcpy(&wide, &bits, 8);
    memcpy(&narrow, &bits, 4);
    back = strtod(text_of(GW_DT_DOUBLE, &wide, false), NULL);
    CHECK(same_double(back, wide));
    float shorter = strtof(text_of(GW_DT_FLOAT, &narrow, true), NULL);
    CHECK(memcmp(&shorter, &narrow, 4) == 0 || isnan(narrow));
  }
}

static void texts_are_as_numpy_has_them(void) {
  static const struct {
    double value;
    const char *in_array, *alone;
  } cases[] = {{0, "0.", "0.0"},       {-0.0, "-0.", "-0.0"},   {1, "1.", "1.0"},       {0.1, "0.1", "0.1"},
               {1.5, "1.5", "1.5"},    {100, "100.", "100.0"},  {12345678, "12345678.", "12345678.0"},
               {INFINITY, "inf", "inf"}, {-INFINITY, "-inf", "-inf"}, {NAN, "nan", "nan"}, {1e22, "1e+22", "1e+22"},
               {0.3333333333333333, "0.3333333333333333", "0.3333333333333333"}, {1e-7, "1e-07", "1e-07"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK_TEXT(text_of(GW_DT_DOUBLE, &cases[i].value, false), cases[i].in_array);
    CHECK_TEXT(text_of(GW_DT_DOUBLE, &cases[i].value, true), cases[i].alone);
  }
  float tenth = 0.1f, complex_number[] = {1.5f, -2.0f};
  CHECK_TEXT(text_of(GW_DT_FLOAT, &tenth, true), "0.1");
  CHECK_TEXT(text_of(GW_DT_COMPLEX64, complex_number, true), "1.5-2.j");
  CHECK_TEXT(text_of(GW_DT_BOOL, "\1", true), "True");
  CHECK_TEXT(text_of(GW_DT_INT64, &(int64_t){INT64_MIN}, true), "-9223372036854775808");
  CHECK_TEXT(text_of(GW_DT_UINT64, &(uint64_t){UINT64_MAX}, true), "18446744073709551615");
}

/* ---- String forms */

typedef struct form {
  int dtype;
  bool big;
  uint64_t elements;
  gw_buf bytes;
  uint32_t crc; /* the entry's, unmasked */
} form;

static void put_length(gw_buf *out, uint64_t length, size_t width, bool big) {
  for (size_t i = 0; i < width; i++) gw__put_u8(out, (uint8_t)(length >> (8 * (big ? width - 1 - i : i))));
}

static form strings_form(const gw_span *strings, size_t count, bool big) {
  form made = {GW_DT_STRING, big, count, GW_BUF_INIT, 0};
  gw_buf lengths = GW_BUF_INIT;
  for (size_t i = 0; i < count; i++) {
    gw__put_varint64(&made.bytes, strings[i].size);
    put_length(&lengths, strings[i].size, 4, big);
  }
  size_t at = made.bytes.size;
  made.crc = gw__crc32c(lengths.data, lengths.size);
  put_length(&made.bytes, gw__crc32c_mask(made.crc), 4, big);
  for (size_t i = 0; i < count; i++) gw__put_bytes(&made.bytes, strings[i].data, strings[i].size);
  made.crc = gw__crc32c_extend(made.crc, made.bytes.data + at, made.bytes.size - at);
  gw__buf_free(&lengths);
  return made;
}

static form variants_form(const gw_span *variants, size_t count) {
  form made = {GW_DT_VARIANT, false, count, GW_BUF_INIT, 0};
  for (size_t i = 0; i < count; i++) {
    gw_buf length = GW_BUF_INIT;
    put_length(&length, variants[i].size, 8, false);
    made.crc = gw__crc32c_extend(made.crc, length.data, 8);
    made.crc = gw__crc32c_extend(made.crc, variants[i].data, variants[i].size);
    gw__put_varint64(&made.bytes, variants[i].size);
    gw__put_bytes(&made.bytes, variants[i].data, variants[i].size);
    gw__put_fixed32(&made.bytes, gw__crc32c_mask(made.crc));
    made.crc = gw__crc32c_extend(made.crc, made.bytes.data + made.bytes.size - 4, 4);
    gw__buf_free(&length);
  }
  return made;
}

/* Scans `size` bytes in pieces: the first of `first` bytes, then `each`. Each piece has a buffer of its own, so that a
 * sanitizer sees a step beyond it. `out` (may be NULL) gets the bytes as they come back. */
static gw_status scan_in_pieces(const form *from, const uint8_t *bytes, size_t size, size_t first, size_t each, gw_scan *scan,
                                gw_buf *out, gw_error *error) {
  gw_status status = gw__scan_start(scan, from->dtype, from->elements, size, from->big, error);
  for (size_t done = 0, number = 0; done < size && status == GW_OK; number++) {
    size_t part = number == 0 ? first : each;
    if (part > size - done) part = size - done;
    uint8_t *piece = malloc(part ? part : 1);
    gwt_must(piece != NULL);
    if (part) memcpy(piece, bytes + done, part);
    status = gw__scan_feed(scan, piece, part, error);
    if (out) gw__put_bytes(out, piece, part);
    free(piece);
    done += part;
  }
  return status == GW_OK ? gw__scan_end(scan, error) : status;
}

/* Every piece size, and every cut in two, give the same checksums and little-endian bytes. */
static void check_in_pieces(const form *made, const form *little) {
  gw_error error = GW_ERROR_INIT;
  size_t size = made->bytes.size;
  for (size_t round = 0; round < 2; round++)
    for (size_t n = round ? 0 : 1; n <= size; n++) {
      gw_scan scan;
      gw_buf out = GW_BUF_INIT;
      gw_status status = scan_in_pieces(made, made->bytes.data, size, n, round ? size + 1 : n, &scan, &out, &error);
      CHECK(status == GW_OK && scan.crc == made->crc && scan.crc_little == little->crc);
      CHECK_TEXT(error.what, "");
      if (!CHECK(gwt_same(&out, &little->bytes))) fprintf(stderr, "round %zu, %zu of %zu\n", round, n, size);
      gw__buf_free(&out);
    }
}

/* Cut anywhere, longer, and with any bit flipped, it is noticed: by the scan, or by the checksum of all. */
static void check_damage(const form *made) {
  gw_scan scan;
  gw_error error = GW_ERROR_INIT;
  gw_buf longer = GW_BUF_INIT;
  size_t size = made->bytes.size;
  uint8_t *copy = malloc(size + 1);
  gwt_must(copy != NULL);
  for (size_t cut = 0; cut < size; cut++)
    CHECK((cut == 0 && made->elements == 0) ||
          scan_in_pieces(made, made->bytes.data, cut, cut, 1, &scan, NULL, &error) == GW_CORRUPT);
  gw__put_bytes(&longer, made->bytes.data, size);
  gw__put_u8(&longer, 'x');
  CHECK(scan_in_pieces(made, longer.data, size + 1, 3, 2, &scan, NULL, &error) == GW_CORRUPT);
  for (size_t i = 0; i < 8 * size; i++) {
    memcpy(copy, made->bytes.data, size);
    copy[i / 8] ^= (uint8_t)(1u << i % 8);
    gw_status status = scan_in_pieces(made, copy, size, 1 + i % 5, 1 + i % 7, &scan, NULL, &error);
    CHECK(status == GW_CORRUPT || (status == GW_OK && scan.crc != made->crc));
    memcpy(copy, made->bytes.data, size);
  }
  free(copy);
  gw__buf_free(&longer);
}

#define TEXT(literal) {literal, sizeof(literal) - 1}

static void strings_in_pieces_of_every_size(void) {
  static char long_text[300];
  memset(long_text, 'z', sizeof long_text);
  const gw_span all[] = {TEXT("ab"), TEXT(""), TEXT("\0\xff\x80"), {long_text, sizeof long_text}, TEXT("cde"), TEXT("")};
  for (size_t count = 0; count <= sizeof all / sizeof *all; count++)
    for (int big = 0; big < 2; big++) {
      form made = strings_form(all, count, big), little = strings_form(all, count, false);
      uint32_t crc;
      gw_buf ours = GW_BUF_INIT;
      gw__put_strings(&ours, all, count, &crc);
      CHECK(gwt_same(&ours, &little.bytes) && crc == little.crc);
      check_in_pieces(&made, &little);
      check_damage(&made);
      gw__buf_free(&ours);
      gw__buf_free(&made.bytes);
      gw__buf_free(&little.bytes);
    }
}

static void variants_in_pieces_of_every_size(void) {
  static char long_text[200];
  memset(long_text, 'v', sizeof long_text);
  const gw_span all[] = {TEXT("abc"), TEXT(""), {long_text, sizeof long_text}, TEXT("d")};
  for (size_t count = 0; count <= sizeof all / sizeof *all; count++) {
    form made = variants_form(all, count);
    check_in_pieces(&made, &made);
    check_damage(&made);
    gw__buf_free(&made.bytes);
  }
}

static void check_scan(int dtype, uint64_t elements, bool big, const void *bytes, size_t size, gw_status status, const char *text) {
  gw_error error = GW_ERROR_INIT;
  gw_scan scan;
  form made = {dtype, big, elements, GW_BUF_INIT, 0};
  CHECK(scan_in_pieces(&made, bytes, size, size, size, &scan, NULL, &error) == status);
  CHECK_TEXT(error.what, text);
}

static void forms_that_are_none(void) {
  check_scan(GW_DT_STRING, 3, false, "\1\1", 2, GW_CORRUPT, "2 bytes cannot hold 3 strings");
  check_scan(GW_DT_STRING, UINT64_MAX, false, "\1\1", 2, GW_CORRUPT, "2 bytes cannot hold 18446744073709551615 strings");
  check_scan(GW_DT_VARIANT, 3, false, "\1\1", 2, GW_CORRUPT, "2 bytes cannot hold 3 variants");
  check_scan(GW_DT_VARIANT, 1, true, "\1\1", 2, GW_UNSUPPORTED,
             "variants of a big-endian file cannot be converted (nor does TensorFlow)");
  check_scan(GW_DT_STRING, 0, false, "", 0, GW_OK, "");
  check_scan(GW_DT_STRING, 1, false, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 10, GW_CORRUPT,
             "a length of more than 64 bits, at byte 10 of its data");
  check_scan(GW_DT_STRING, 1, false, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10, GW_CORRUPT,
             "a length that runs past the end, at byte 10 of its data");
  check_scan(GW_DT_STRING, 1, false, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0", 11, GW_CORRUPT,
             "a length of more than 64 bits, at byte 11 of its data");
  check_scan(GW_DT_STRING, 2, false, "\4\5\0\0\0\0abcd", 10, GW_CORRUPT, "a length that runs past the end, at byte 2 of its data");
  check_scan(GW_DT_STRING, 1, false, "\1\0\0\0\0a", 6, GW_CORRUPT,
             "the checksum of its string lengths does not match (expected 6582151d, found 00000000), at byte 2 of its data");
  check_scan(GW_DT_VARIANT, 1, false, "\1", 1, GW_CORRUPT, "a length that runs past the end, at byte 1 of its data");
}

/* A length above 32 bits counts with eight bytes in the checksum; the 4 GiB themselves need not be there for that. */
static void a_string_of_4_gib(void) {
  gw_error error = GW_ERROR_INIT;
  gw_scan scan;
  gw_buf head = GW_BUF_INIT, length = GW_BUF_INIT;
  uint64_t size = UINT64_C(1) << 32;
  gw__put_varint64(&head, size);
  put_length(&length, size, 8, false);
  gw__put_fixed32(&head, gw__crc32c_mask(gw__crc32c(length.data, length.size)));
  CHECK(gw__scan_start(&scan, GW_DT_STRING, 1, head.size + size, false, &error) == GW_OK);
  CHECK(gw__scan_feed(&scan, head.data, head.size, &error) == GW_OK && scan.payload == size);
  CHECK(gw__scan_end(&scan, &error) == GW_CORRUPT);
  gw__buf_free(&head);
  gw__buf_free(&length);
}

static void splitting_what_was_not_checked(void) {
  gw_span strings[3];
  gw_error error = GW_ERROR_INIT;
  const uint8_t good[] = {1, 2, 0, 0, 0, 0, 'a', 'b', 'c'};
  CHECK(gw__split_strings(good, sizeof good, strings, 2, &error) == GW_OK && strings[1].size == 2 && strings[1].data[1] == 'c');
  CHECK(gw__split_strings(good, 8, strings, 2, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "string 1 runs past the end of the data");
  CHECK(gw__split_strings(good, 5, strings, 2, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "the checksum of the string lengths is cut");
  CHECK(gw__split_strings(good, 1, strings, 2, &error) == GW_CORRUPT);
  CHECK(gw__split_strings((const uint8_t *)"\xff\xff\xff\xff\x0f", 5, strings, 1, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "string 0 has no valid length");
  CHECK(gw__split_strings(NULL, 0, strings, 0, &error) == GW_OK);
}

/* ---- Streaming */

/* More than a chunk of every numeric dtype: statistics against plain sums, equality at the far end. */
static void streams_of_every_dtype(void) {
  enum { BYTES = 300 * 1024 };
  uint8_t *bytes = malloc(BYTES);
  gwt_must(bytes != NULL);
  for (int dtype = 1; dtype <= 32; dtype++) {
    size_t width = gw_dtype_size(dtype), count = width ? BYTES / width : 0;
    const int64_t dims[] = {(int64_t)count};
    gw_tensor *one = NULL, *other = NULL;
    gw_stats stats;
    bool equal = false;
    if (width == 0) continue;
    for (size_t i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(i % width == 0 ? i / width % 3 : 0);
    CHECK(gw_tensor_constant(dtype, 1, dims, bytes, width * count, &one, NULL) == GW_OK);
    bytes[width * (count - 1)] ^= 1;
    CHECK(gw_tensor_constant(dtype, 1, dims, bytes, width * count, &other, NULL) == GW_OK);
    CHECK(gw_tensor_stats(one, &stats, NULL) == GW_OK && stats.count == count && stats.nans == 0);
    CHECK(stats.zeros == (dtype == GW_DT_BOOL || gw_dtype_kind(dtype) != GW_KIND_OPAQUE ? (count + 2) / 3 : 0));
    CHECK(gw_tensor_equal(one, one, 0, &equal, NULL) == GW_OK && equal);
    bool last_matters = dtype != GW_DT_BOOL;
    CHECK(gw_tensor_equal(one, other, 0, &equal, NULL) == GW_OK && (!equal || !last_matters));
    gw_tensor_release(one);
    gw_tensor_release(other);
  }
  free(bytes);
}

static void statistics_of_odd_numbers(void) {
  static const double values[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 3, -5, 1};
  const int64_t dims[] = {8};
  gw_tensor *tensor = NULL;
  gw_stats stats;
  CHECK(gw_tensor_constant(GW_DT_DOUBLE, 1, dims, values, sizeof values, &tensor, NULL) == GW_OK);
  CHECK(gw_tensor_stats(tensor, &stats, NULL) == GW_OK);
  CHECK(stats.count == 8 && stats.zeros == 2 && stats.nans == 1 && stats.infinities == 2 && stats.has_range);
  CHECK(stats.min == -5 && stats.max == 3 && fabs(stats.mean + 0.2) < 1e-15 && fabs(stats.std - sqrt(6.96)) < 1e-12);
  gw_tensor_release(tensor);
  const int64_t none[] = {0};
  CHECK(gw_tensor_constant(GW_DT_DOUBLE, 1, none, values, 0, &tensor, NULL) == GW_OK);
  CHECK(gw_tensor_stats(tensor, &stats, NULL) == GW_OK && stats.count == 0 && !stats.has_range);
  gw_tensor_release(tensor);
}

static void equal_within_a_tolerance(void) {
  static const float a[] = {1, NAN, 2, INFINITY}, b[] = {1.25f, NAN, 2, INFINITY};
  const int64_t dims[] = {4};
  gw_tensor *one = NULL, *other = NULL;
  bool equal;
  CHECK(gw_tensor_constant(GW_DT_FLOAT, 1, dims, a, sizeof a, &one, NULL) == GW_OK);
  CHECK(gw_tensor_constant(GW_DT_FLOAT, 1, dims, b, sizeof b, &other, NULL) == GW_OK);
  CHECK(gw_tensor_equal(one, other, 0, &equal, NULL) == GW_OK && !equal);
  CHECK(gw_tensor_equal(one, other, 0.25, &equal, NULL) == GW_OK && equal);
  CHECK(gw_tensor_equal(one, other, 0.2, &equal, NULL) == GW_OK && !equal);
  gw_tensor_release(one);
  gw_tensor_release(other);
}

/* ---- Making tensors */

static void shapes_that_are_none(void) {
  gw_tensor *tensor;
  gw_error error = GW_ERROR_INIT;
  int64_t dims[300] = {0};
  const int64_t big = INT64_C(1) << 62;
  CHECK(gw_tensor_fill(GW_DT_FLOAT, 255, dims, "\0\0\0", &tensor, &error) == GW_INVALID && tensor == NULL);
  CHECK_TEXT(error.what, "a shape of 255 dimensions (at most 254)");
  CHECK(gw_tensor_fill(GW_DT_FLOAT, 1, (const int64_t[]){-1}, "\0\0\0", &tensor, &error) == GW_INVALID);
  CHECK(gw_tensor_fill(GW_DT_FLOAT, 2, (const int64_t[]){big, 4}, "\0\0\0", &tensor, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "a shape of more than 2^63 elements");
  CHECK(gw_tensor_fill(GW_DT_DOUBLE, 1, &big, "\0\0\0\0\0\0\0", &tensor, &error) != GW_OK && tensor == NULL);
  CHECK(gw_tensor_constant(GW_DT_FLOAT, 1, (const int64_t[]){2}, "\0\0\0", 4, &tensor, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "4 bytes do not fill the shape (2 elements of 4)");
  CHECK(gw_tensor_constant(GW_DT_STRING, 0, NULL, "", 0, &tensor, &error) == GW_INVALID);
  CHECK(gw_tensor_strings(1, (const int64_t[]){2}, NULL, 0, &tensor, &error) == GW_INVALID && tensor == NULL);
  CHECK_TEXT(error.what, "0 strings do not fill the shape (2 elements)");
}

static void parts_of_a_tensor(void) {
  int32_t values[] = {1, 2, 3, 4}, some[4] = {0};
  gw_tensor *tensor = NULL;
  gw_error error = GW_ERROR_INIT;
  CHECK(gw_tensor_constant(GW_DT_INT32, 1, (const int64_t[]){4}, values, sizeof values, &tensor, NULL) == GW_OK);
  CHECK(gw_tensor_read(tensor, 1, 2, some, &error) == GW_OK && some[0] == 2 && some[1] == 3);
  CHECK(gw_tensor_read(tensor, 4, 0, some, &error) == GW_OK);
  CHECK(gw_tensor_read(tensor, 5, 0, some, &error) == GW_INVALID);
  CHECK(gw_tensor_read(tensor, 3, 2, some, &error) == GW_INVALID);
  CHECK(gw_tensor_read(tensor, 1, UINT64_MAX, some, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "elements 1 and the 18446744073709551615 after it of a tensor of 4");
  gw_tensor_release(tensor);
}

/* Many axes make a preview neither long nor slow. */
static void previews_stay_short(void) {
  gw_tensor *tensor = NULL;
  char *text = NULL;
  int64_t dims[254];
  for (size_t i = 0; i < 254; i++) dims[i] = i < 40 ? 2 : 1;
  CHECK(gw_tensor_fill(GW_DT_INT8, 254, dims, "\1", &tensor, NULL) == GW_OK);
  CHECK(gw_tensor_preview(tensor, 6, 3, &text, NULL) == GW_OK && strlen(text) < 200000);
  gw_free(text);
  gw_tensor_release(tensor);
  const int64_t long_one[] = {INT64_MAX};
  CHECK(gw_tensor_fill(GW_DT_INT8, 1, long_one, "\1", &tensor, NULL) == GW_OK);
  CHECK(gw_tensor_preview(tensor, 6, 3, &text, NULL) == GW_OK);
  CHECK_TEXT(text, "[1 1 1 ... 1 1 1]");
  gw_free(text);
  gw_tensor_release(tensor);
}

/* ---- Memory */

typedef gw_status (*task)(const gw_tensor *tensor, gw_error *error);

static gw_status do_stats(const gw_tensor *tensor, gw_error *error) {
  gw_stats stats;
  return gw_tensor_stats(tensor, &stats, error);
}
static gw_status do_equal(const gw_tensor *tensor, gw_error *error) {
  bool equal = false;
  gw_status status = gw_tensor_equal(tensor, tensor, 0, &equal, error);
  CHECK(status != GW_OK || equal);
  return status;
}
static gw_status do_preview(const gw_tensor *tensor, gw_error *error) {
  char *text;
  gw_status status = gw_tensor_preview(tensor, 6, 3, &text, error);
  CHECK((status == GW_OK) == (text != NULL));
  gw_free(text);
  return status;
}
static gw_status do_strings(const gw_tensor *tensor, gw_error *error) {
  gw_span *strings;
  char *memory;
  gw_status status = gw_tensor_read_strings(tensor, &strings, &memory, error);
  CHECK((status == GW_OK) == (strings != NULL));
  gw_free(strings);
  gw_free(memory);
  return status;
}

static void try_without_memory(const gw_tensor *tensor, task doing) {
  for (int alone = 0; alone < 2; alone++)
    for (long n = 1;; n++) {
      gw_error error = GW_ERROR_INIT;
      gw__alloc_fail_at(alone ? -n : n);
      gw_status status = doing(tensor, &error);
      bool done = gw__alloc_count() < n;
      gw__alloc_fail_at(0);
      CHECK(status == (done ? GW_OK : GW_NO_MEMORY));
      if (done || n > 1000) break;
    }
}

static void allocations_that_fail(void) {
  gwt_path prefix = gwt_path_of("%s/fixtures/valid/kinds/strings", spec_folder);
  gw_bundle *bundle;
  gw_tensor *strings = NULL, *numbers = NULL;
  size_t index = 0;
  CHECK(gw_bundle_open(prefix.text, &bundle, NULL) == GW_OK && gw_bundle_find(bundle, "matrix", 6, &index));
  CHECK(gw_bundle_tensor(bundle, index, &strings, NULL) == GW_OK && gw_bundle_check_files(bundle, NULL) == GW_OK);
  CHECK(gw_tensor_fill(GW_DT_FLOAT, 1, (const int64_t[]){100}, "\0\0\x80\x3f", &numbers, NULL) == GW_OK);
  try_without_memory(strings, do_equal);
  try_without_memory(strings, do_preview);
  try_without_memory(strings, do_strings);
  try_without_memory(numbers, do_stats);
  try_without_memory(numbers, do_equal);
  try_without_memory(numbers, do_preview);
  gw_tensor_release(strings);
  gw_tensor_release(numbers);
  gw_bundle_release(bundle);
}

int main(int argc, char **argv) {
  if (argc > 1) spec_folder = argv[1];
  if (argc > 2) scratch = argv[2];
  (void)scratch;
  RUN(dtypes_and_their_names);
  RUN(swapping_turns_units_around);
  RUN(floats_of_8_bits);
  RUN(floats_of_16_bits);
  RUN(bfloat16_is_the_front_of_a_float);
  RUN(integers_have_their_range);
  RUN(nibbles_and_less);
  RUN(what_cannot_be_made);
  RUN(texts_read_back);
  RUN(texts_are_as_numpy_has_them);
  RUN(strings_in_pieces_of_every_size);
  RUN(variants_in_pieces_of_every_size);
  RUN(forms_that_are_none);
  RUN(a_string_of_4_gib);
  RUN(splitting_what_was_not_checked);
  RUN(streams_of_every_dtype);
  RUN(statistics_of_odd_numbers);
  RUN(equal_within_a_tolerance);
  RUN(shapes_that_are_none);
  RUN(parts_of_a_tensor);
  RUN(previews_stay_short);
  RUN(allocations_that_fail);
  return gwt_finish();
}

/* core/table: the bytes of FORMAT.md's appendix, round trips, damage, hostile files. Usage: table_test SPEC_FOLDER. */
#include <stdlib.h>

#include "../../core/base/alloc.h"
#include "../../core/base/arena.h"
#include "../../core/base/error.h"
#include "check.h"
#include "table_make.h"

static const char *spec_folder = "spec";

static uint64_t random_state = 88172645463325252u;
static uint64_t random_number(void) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * UINT64_C(2685821657736338717);
}

/* "00 06 0a" to bytes. */
static gw_buf from_hex(const char *hex) {
  gw_buf out = GW_BUF_INIT;
  unsigned value = 0, digits = 0;
  for (; *hex; hex++) {
    if (*hex == ' ') continue;
    value = value << 4 | (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
    if (++digits % 2 == 0) gw__put_u8(&out, (uint8_t)value);
  }
  return out;
}

static bool same_bytes(const gw_buf *a, const gw_buf *b) {
  return !a->failed && !b->failed && a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

typedef struct entry {
  gw_span key, value;
} entry;

static gw_buf write_table(const entry *entries, size_t count) {
  gw_buf out = GW_BUF_INIT;
  gw_table_writer *writer = NULL;
  gwt_must(gw__table_writer_new(&writer, NULL) == GW_OK);
  for (size_t i = 0; i < count; i++)
    CHECK(gw__table_writer_add(writer, entries[i].key, entries[i].value, &out, NULL) == GW_OK);
  CHECK(gw__table_writer_finish(writer, &out, NULL) == GW_OK);
  gw__table_writer_free(writer);
  return out;
}

static size_t count_blocks(const gw_buf *bytes) {
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  gw_table *table = NULL;
  size_t blocks = SIZE_MAX;
  if (gw__table_open(&file, &table, NULL) == GW_OK) blocks = gw__table_blocks(table);
  gw__table_free(table);
  close(file.fd);
  return blocks;
}

/* Reading `bytes` gives exactly these entries, and writing them again the same bytes. */
static void check_reads_as(const gw_buf *bytes, const entry *entries, size_t count, bool ours) {
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  gw_buf dump = GW_BUF_INIT, expected = GW_BUF_INIT, again = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  for (size_t i = 0; i < count; i++) gwt_dump_entry(&expected, entries[i].key, entries[i].value);
  CHECK(gwt_read_table(&file, &dump, &again, &error) == GW_OK);
  CHECK_TEXT(error.what, "");
  CHECK(same_bytes(&dump, &expected));
  CHECK(!ours || same_bytes(bytes, &again));
  gw__buf_free(&dump);
  gw__buf_free(&expected);
  gw__buf_free(&again);
  close(file.fd);
}

/* ---- The bytes of the appendix */

#define ZEROS_36 \
  "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
#define MAGIC "57 fb 80 8b 24 75 47 db"

#define EMPTY_TABLE \
  "00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 00 08 0d 08 " ZEROS_36 MAGIC

#define HEADER_ONLY                                                                                           \
  "00 00 06 08 01 1a 02 08 01 00 00 00 00 01 00 00 00 00 62 94 57 f9 00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 " \
  "00 00 02 00 11 00 00 00 00 01 00 00 00 00 cc bf 8b 5d 16 08 23 0d " ZEROS_36 MAGIC

#define SAVER                                                                         \
  "00 00 06 08 01 1a 02 08 01 "                                                       \
  "00 01 0f 62 08 01 12 04 12 02 08 03 28 0c 35 16 0e 08 88 "                         \
  "00 0b 0d 67 6c 6f 62 61 6c 5f 73 74 65 70 08 09 12 00 20 0c 28 08 35 bb d7 9f 11 " \
  "00 01 15 77 08 01 12 08 12 02 08 02 12 02 08 03 20 14 28 18 35 c0 db 3d 17 "       \
  "00 00 00 00 01 00 00 00 00 bc 8f 2f 12 00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 "    \
  "00 01 02 78 00 58 00 00 00 00 01 00 00 00 00 9f bd f3 35 5d 08 6a 0e " ZEROS_36 MAGIC

#define TWO_SHARDS                                                                                            \
  "00 00 06 08 02 1a 02 08 01 00 02 0b 78 30 08 01 12 00 28 04 35 81 a5 da 2b "                               \
  "01 01 0d 31 08 01 12 00 18 01 28 04 35 10 fd 78 4f 00 00 00 00 01 00 00 00 00 80 5d 17 69 "                \
  "00 00 00 00 01 00 00 00 00 c0 f2 a1 b0 00 01 02 79 00 32 00 00 00 00 01 00 00 00 00 d8 46 50 d3 37 08 44 " \
  "0e " ZEROS_36 MAGIC

static void check_vector(const char *hex, const entry *entries, size_t count) {
  gw_buf expected = from_hex(hex), written = write_table(entries, count);
  CHECK(same_bytes(&written, &expected));
  check_reads_as(&expected, entries, count, true);
  gw__buf_free(&expected);
  gw__buf_free(&written);
}

#define BYTES(literal) {literal, sizeof(literal) - 1}

static void the_empty_table(void) { check_vector(EMPTY_TABLE, NULL, 0); }

static void a_bundle_with_only_its_header(void) {
  static const entry entries[] = {{BYTES(""), BYTES("\x08\x01\x1a\x02\x08\x01")}};
  check_vector(HEADER_ONLY, entries, 1);
}

static const entry saver_entries[] = {
    {BYTES(""), BYTES("\x08\x01\x1a\x02\x08\x01")},
    {BYTES("b"), BYTES("\x08\x01\x12\x04\x12\x02\x08\x03\x28\x0c\x35\x16\x0e\x08\x88")},
    {BYTES("global_step"), BYTES("\x08\x09\x12\x00\x20\x0c\x28\x08\x35\xbb\xd7\x9f\x11")},
    {BYTES("w"), BYTES("\x08\x01\x12\x08\x12\x02\x08\x02\x12\x02\x08\x03\x20\x14\x28\x18\x35\xc0\xdb\x3d\x17")},
};

static void what_a_saver_wrote(void) { check_vector(SAVER, saver_entries, 4); }

static void two_shards(void) {
  static const entry entries[] = {
      {BYTES(""), BYTES("\x08\x02\x1a\x02\x08\x01")},
      {BYTES("x0"), BYTES("\x08\x01\x12\x00\x28\x04\x35\x81\xa5\xda\x2b")},
      {BYTES("x1"), BYTES("\x08\x01\x12\x00\x18\x01\x28\x04\x35\x10\xfd\x78\x4f")},
  };
  check_vector(TWO_SHARDS, entries, 3);
}

/* ---- Files that TensorFlow wrote for its guide */

/* Checks every .index below `folder`; returns how many there are. */
static size_t rewrite_folder(const char *folder) {
  gw_names names = {NULL, 0, 0};
  size_t found = 0;
  if (!CHECK(gw__folder_list(folder, &names, NULL) == GW_OK)) return 0;
  for (size_t i = 0; i < names.count; i++) {
    char path[4096];
    gw_path_kind kind = GW_PATH_NONE;
    gwt_must((size_t)snprintf(path, sizeof path, "%s/%s", folder, names.names[i]) < sizeof path);
    gwt_must(gw__path_look(path, &kind, NULL, NULL) == GW_OK);
    if (kind == GW_PATH_FOLDER) found += rewrite_folder(path);
    size_t length = strlen(path);
    if (kind != GW_PATH_FILE || length < 6 || strcmp(path + length - 6, ".index") != 0) continue;
    gw_file *file = NULL;
    gw_buf whole = GW_BUF_INIT, again = GW_BUF_INIT;
    gw_error error = GW_ERROR_INIT;
    bool fine = CHECK(gw__file_open(path, &file, &error) == GW_OK) &&
                CHECK(gw__file_read_whole(path, 1 << 20, &whole, &error) == GW_OK) &&
                CHECK(gwt_read_table(file, NULL, &again, &error) == GW_OK) && CHECK(same_bytes(&whole, &again));
    if (!fine) fprintf(stderr, "  in %s %s\n", path, error.what);
    gw__file_close(file);
    gw__buf_free(&whole);
    gw__buf_free(&again);
    found++;
  }
  gw__names_free(&names);
  return found;
}

static void indexes_of_the_guide_are_rewritten_byte_by_byte(void) {
  char folder[4096];
  gwt_must((size_t)snprintf(folder, sizeof folder, "%s/fixtures/valid/guide", spec_folder) < sizeof folder);
  CHECK(rewrite_folder(folder) == 15);
}

/* ---- Separators, as the index block of a table of two blocks shows them */

/* The separator that the writer puts between last and next; with next NULL, the one after the last block. */
static void check_separator(gw_span last, const gw_span *next, gw_span expected) {
  static char filler[600000]; /* an entry this large ends the block before it, and fills its own */
  entry entries[2] = {{last, {filler, 10}}, {{NULL, 0}, {filler, sizeof filler}}};
  if (next) entries[1].key = *next;
  gw_buf bytes = write_table(entries, next ? 2 : 1);
  CHECK(count_blocks(&bytes) == (next ? 2 : 1));
  check_reads_as(&bytes, entries, next ? 2 : 1, true);
  gw_cur footer = gw__cur(bytes.data + bytes.size - 48, 40, 0);
  uint64_t handles[4];
  for (size_t i = 0; i < 4; i++) gwt_must(gw__get_varint64(&footer, &handles[i]));
  gw_block_iter index = GW_BLOCK_ITER_INIT;
  gw_span key = {NULL, 0}, value;
  bool more;
  gw_block_place place = {"test", 0, false};
  CHECK(gw__block_open(&index, bytes.data + handles[2], (size_t)handles[3], place, NULL) == GW_OK);
  CHECK(gw__block_next(&index, &more, &key, &value, NULL) == GW_OK && more);
  char text[100], wanted[100];
  gw_printable(text, sizeof text, key.data, key.size);
  gw_printable(wanted, sizeof wanted, expected.data, expected.size);
  CHECK_TEXT(text, wanted);
  gw__block_iter_free(&index);
  gw__buf_free(&bytes);
}

static void separators_are_the_shortest(void) {
  static const gw_span cases[][3] = {
      {BYTES("layer_16392/sub.11/kernel"), BYTES("layer_16393/sub.4/kernel"), BYTES("layer_16392/sub.11/kernel")},
      {BYTES("abc"), BYTES("abe"), BYTES("abd")},
      {BYTES("abc"), BYTES("abcd"), BYTES("abc")},
      {BYTES("a\xff"), BYTES("b"), BYTES("a\xff")},
      {BYTES("a\xffz"), BYTES("c"), BYTES("b")},
      {BYTES("a\xff\x01"), BYTES("a\xff\x03"), BYTES("a\xff\x02")},
      {BYTES("a\xfez"), BYTES("a\xff"), BYTES("a\xfez")},
      {BYTES(""), BYTES("a"), BYTES("")},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_separator(cases[i][0], &cases[i][1], cases[i][2]);
}

static void the_last_separator_is_a_short_successor(void) {
  static const gw_span cases[][2] = {
      {BYTES("w"), BYTES("x")},
      {BYTES("layer_9999/kernel"), BYTES("m")},
      {BYTES("\xff\xff"), BYTES("\xff\xff")},
      {BYTES("\xff\x01"), BYTES("\xff\x02")},
      {BYTES("\xff\x01zzz"), BYTES("\xff\x02")},
      {BYTES(""), BYTES("")},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_separator(cases[i][0], NULL, cases[i][1]);
}

/* ---- Ordered code */

typedef struct snum_case {
  int64_t number;
  const char *hex;
} snum_case;

static const snum_case snum_cases[] = {
    {0, "80"}, {-1, "7f"}, {1, "81"}, {-2, "7e"}, {4, "84"}, {-5, "7b"}, {63, "bf"}, {-64, "40"}, {64, "c040"},
    {-65, "3fbf"}, {100, "c064"}, {-8192, "2000"}, {150, "c096"}, {-8193, "1fdfff"}, {8191, "dfff"},
    {1048575, "efffff"}, {8192, "e02000"}, {1048576, "f0100000"}, {99999, "e1869f"}, {8999999999, "fa187119ff"},
    {INT64_C(1) << 62, "ffc04000000000000000"}, {INT64_MAX, "ffc07fffffffffffffff"},
    {INT64_MIN, "003f8000000000000000"},
};

static void signed_numbers_of_slice_keys(void) {
  for (size_t i = 0; i < sizeof snum_cases / sizeof *snum_cases; i++) {
    gw_buf key = GW_BUF_INIT, number = from_hex(snum_cases[i].hex), expected = from_hex("00 61 00 01 01 01");
    gw__put_bytes(&expected, number.data, number.size);
    gw__put_u8(&expected, 0x7f);
    int64_t length = -1, start = 0;
    gw__put_slice_key(&key, gwt_span("a"), 1, &snum_cases[i].number, &length);
    if (!CHECK(same_bytes(&key, &expected))) fprintf(stderr, "  for %lld\n", (long long)snum_cases[i].number);
    gw_buf name = GW_BUF_INIT;
    size_t rank = 0;
    CHECK(gw__get_slice_key((gw_span){(const char *)expected.data, expected.size}, &name, &rank, &start, &length));
    CHECK(rank == 1 && start == snum_cases[i].number && length == -1 && name.size == 1 && name.data[0] == 'a');
    gw__buf_free(&key);
    gw__buf_free(&number);
    gw__buf_free(&expected);
    gw__buf_free(&name);
  }
}

typedef struct slice_case {
  gw_span name;
  size_t rank;
  int64_t starts[2], lengths[2];
  const char *hex;
} slice_case;

static const slice_case slice_cases[] = {
    {BYTES("emb/table"), 2, {4, 0}, {3, 4}, "00 65 6d 62 2f 74 61 62 6c 65 00 01 01 02 84 83 80 84"},
    {BYTES("n\x00\xff\x01x"), 1, {1, 0}, {2, 0}, "00 6e 00 ff ff 00 01 78 00 01 01 01 81 82"},
    {BYTES("big"), 2, {99999, 1}, {1, 8999999999}, "00 62 69 67 00 01 01 02 e1 86 9f 81 81 fa 18 71 19 ff"},
    {BYTES(""), 1, {0, 0}, {-1, 0}, "00 00 01 01 01 80 7f"},
};

static void slice_keys(void) {
  for (size_t i = 0; i < sizeof slice_cases / sizeof *slice_cases; i++) {
    const slice_case *c = &slice_cases[i];
    gw_buf key = GW_BUF_INIT, expected = from_hex(c->hex), name = GW_BUF_INIT;
    gw__put_slice_key(&key, c->name, c->rank, c->starts, c->lengths);
    CHECK(same_bytes(&key, &expected));
    size_t rank = 0;
    int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
    gw__put_text(&name, "kept ");
    CHECK(gw__get_slice_key((gw_span){(const char *)key.data, key.size}, &name, &rank, starts, lengths));
    CHECK(rank == c->rank && memcmp(starts, c->starts, rank * 8) == 0 && memcmp(lengths, c->lengths, rank * 8) == 0);
    CHECK(name.size == 5 + c->name.size && memcmp(name.data + 5, c->name.data, c->name.size) == 0);
    gw__buf_clear(&name);
    for (size_t cut = 0; cut < key.size; cut++)
      CHECK(!gw__get_slice_key((gw_span){(const char *)key.data, cut}, &name, &rank, starts, lengths) &&
            name.size == 0);
    gw__buf_free(&key);
    gw__buf_free(&expected);
    gw__buf_free(&name);
  }
}

/* Names that merely begin with a zero byte, and second forms of a number: taken for slices they would come back as
 * other bytes. */
static void what_is_not_a_slice_key(void) {
  static const char *const cases[] = {
      "",
      "00",
      "61 62",
      "00 61 62 63",
      "01 61 00 01 01 01 80 80",
      "00 61 00 01 00",             /* rank 0 */
      "00 61 00 01 01 01 80 80 80", /* something behind it */
      "00 61 00 02 01 01 80 80",
      "00 61 ff 01 00 01 01 01 80 80",                         /* escapes that do not exist */
      "00 61 00 01 02 00 01 80 80",                            /* leading zero in the rank */
      "00 61 00 01 01 ff 80 80",                               /* rank 255 */
      "00 61 00 01 09 01 00 00 00 00 00 00 00 00 80 80",       /* nine bytes of rank */
      "00 61 00 01 01 01 c0 3f 80",                            /* 63 in two bytes */
      "00 61 00 01 01 01 ff c0 80 00 00 00 00 00 00 00 80",    /* 2^63 */
      "00 61 00 01 01 01 ff e0 00 00 00 00 00 00 00 00 00 80", /* eleven bytes */
      "00 61 00 01 01 01 ff ff ff ff ff ff ff ff ff ff ff ff ff",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gw_buf key = from_hex(cases[i]), name = GW_BUF_INIT;
    size_t rank = 0;
    int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
    if (!CHECK(!gw__get_slice_key((gw_span){(const char *)key.data, key.size}, &name, &rank, starts, lengths)))
      fprintf(stderr, "  for %s\n", cases[i]);
    CHECK(name.size == 0);
    gw__buf_free(&key);
    gw__buf_free(&name);
  }
}

/* The order of keys is the order of (name, starts, lengths); and what decodes encodes to the same bytes. */
static void slice_keys_sort_as_their_slices(void) {
  for (int round = 0; round < 20000; round++) {
    int64_t a = (int64_t)random_number() >> (random_number() % 64),
            b = (int64_t)random_number() >> (random_number() % 64);
    int64_t whole = -1;
    gw_buf left = GW_BUF_INIT, right = GW_BUF_INIT;
    gw__put_slice_key(&left, gwt_span("t"), 1, &a, &whole);
    gw__put_slice_key(&right, gwt_span("t"), 1, &b, &whole);
    int order =
        gw__key_compare((gw_span){(const char *)left.data, left.size}, (gw_span){(const char *)right.data, right.size});
    bool fine = CHECK((a < b) == (order < 0) && (a > b) == (order > 0));
    /* One changed byte may still be a slice key, of another slice; then it must be that slice's only form. */
    left.data[random_number() % left.size] = (uint8_t)random_number();
    gw_span key = {(const char *)left.data, left.size};
    gw_buf name = GW_BUF_INIT, again = GW_BUF_INIT;
    size_t rank = 0;
    int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
    if (gw__get_slice_key(key, &name, &rank, starts, lengths)) {
      gw__put_slice_key(&again, (gw_span){(const char *)name.data, name.size}, rank, starts, lengths);
      fine = CHECK(same_bytes(&left, &again)) && fine;
    }
    gw__buf_free(&left);
    gw__buf_free(&right);
    gw__buf_free(&name);
    gw__buf_free(&again);
    if (!fine) return;
  }
}

/* ---- Round trips */

static int by_key(const void *a, const void *b) {
  const entry *left = a, *right = b;
  return gw__key_compare(left->key, right->key);
}

/* Random entries, sorted, without duplicates; all memory in `arena`. */
static entry *random_entries(gw_arena *arena, size_t *count, size_t longest_key, size_t longest_value) {
  static const uint8_t few[] = {0x00, 0x01, 'a', 'b', 0x7f, 0x80, 0xfe, 0xff};
  entry *entries = gw__arena_alloc(arena, (*count + 1) * sizeof *entries, NULL);
  gwt_must(entries != NULL);
  bool wild = random_number() % 2;
  for (size_t i = 0; i < *count; i++) {
    size_t key_size = random_number() % (longest_key + 1), value_size = random_number() % (longest_value + 1);
    char *key = gw__arena_alloc(arena, key_size, NULL), *value = gw__arena_alloc(arena, value_size, NULL);
    gwt_must(key && value);
    for (size_t at = 0; at < key_size; at++) key[at] = (char)(wild ? random_number() & 0xff : few[random_number() % 8]);
    for (size_t at = 0; at < value_size; at++) value[at] = (char)(random_number() & 0xff);
    entries[i] = (entry){{key, key_size}, {value, value_size}};
  }
  qsort(entries, *count, sizeof *entries, by_key);
  size_t kept = 0;
  for (size_t i = 0; i < *count; i++)
    if (kept == 0 || by_key(&entries[kept - 1], &entries[i]) != 0) entries[kept++] = entries[i];
  *count = kept;
  return entries;
}

static void random_keys_of_all_byte_values_come_back(void) {
  static const size_t counts[] = {1, 2, 15, 16, 17, 33, 300, 2000};
  for (int round = 0; round < 40; round++) {
    gw_arena arena = GW_ARENA_INIT;
    size_t count = counts[round % 8];
    size_t longest_value = round % 5 == 0 ? 5000 : 40;
    entry *entries = random_entries(&arena, &count, round % 3 == 0 ? 300 : 12, longest_value);
    gw_buf bytes = write_table(entries, count);
    check_reads_as(&bytes, entries, count, true);
    gw__buf_free(&bytes);
    gw__arena_free(&arena);
  }
}

/* The entries of a checkpoint of `count` float scalars 0, 1, 2, ...; with every fourth name cut short. */
static entry *scalar_entries(gw_arena *arena, size_t count) {
  entry *entries = gw__arena_alloc(arena, (count + 1) * sizeof *entries, NULL);
  gwt_must(entries != NULL);
  entries[0] = (entry){{"", 0}, {"\x08\x01\x1a\x02\x08\x01", 6}};
  for (size_t i = 0; i < count; i++) {
    char name[64];
    snprintf(name, sizeof name, i % 4 ? "layer_%zu/sub.%zu/kernel" : "layer_%zu", i * 7919 % count, i * 31 % 17);
    float number = (float)i;
    gw_buf value = GW_BUF_INIT;
    gw__put_bytes(&value, "\x08\x01\x12\x00", 4);
    if (i > 0) gw__put_u8(&value, 0x20), gw__put_varint64(&value, i * 4);
    gw__put_bytes(&value, "\x28\x04\x35", 3);
    gw__put_fixed32(&value, gw__crc32c_mask(gw__crc32c(&number, sizeof number)));
    char *key = gw__arena_text(arena, name, strlen(name), NULL);
    char *bytes = gw__arena_text(arena, (const char *)value.data, value.size, NULL);
    gwt_must(key && bytes);
    entries[1 + i] = (entry){{key, strlen(key)}, {bytes, value.size}};
    gw__buf_free(&value);
  }
  qsort(entries, count + 1, sizeof *entries, by_key);
  return entries;
}

/* TensorFlow 2.15.1 was given these tensors too, in the order of their numbers, by tf.raw_ops.SaveV2: size and checksum
 * are those of the .index file that it wrote. */
static void twenty_thousand_scalars_are_what_tensorflow_writes(void) {
  gw_arena arena = GW_ARENA_INIT;
  size_t count = 20000;
  entry *entries = scalar_entries(&arena, count);
  gw_buf bytes = write_table(entries, count + 1);
  CHECK(count_blocks(&bytes) == 3);
  CHECK(bytes.size == 594055 && gw__crc32c(bytes.data, bytes.size) == 0xec69dac2u);
  check_reads_as(&bytes, entries, count + 1, true);
  gw__buf_free(&bytes);
  gw__arena_free(&arena);
}

/* An entry of 524288 bytes or more ends the block before it, and one byte less does not. */
static void huge_entries(void) {
  enum { HUGE_BYTES = 2 * 262144 };
  char *filler = malloc(HUGE_BYTES + 1);
  gwt_must(filler != NULL);
  memset(filler, 'f', HUGE_BYTES + 1);
  const struct {
    size_t key, value, blocks;
  } cases[] = {
      {1, HUGE_BYTES - 1, 3}, {1, HUGE_BYTES - 2, 2}, {HUGE_BYTES - 10, 10, 3}, {HUGE_BYTES + 1, 0, 3}, {9, 9, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    entry entries[] = {
        {BYTES("a"), BYTES("first")}, {{filler, cases[i].key}, {filler, cases[i].value}}, {BYTES("x"), BYTES("")}};
    gw_buf bytes = write_table(entries, 3);
    CHECK(count_blocks(&bytes) == cases[i].blocks);
    check_reads_as(&bytes, entries, 3, true);
    gw__buf_free(&bytes);
  }
  /* As the very first entry it has nothing to end. */
  entry only = {{filler, HUGE_BYTES}, {filler, HUGE_BYTES}};
  gw_buf bytes = write_table(&only, 1);
  CHECK(count_blocks(&bytes) == 1);
  check_reads_as(&bytes, &only, 1, true);
  gw__buf_free(&bytes);
  free(filler);
}

/* A block ends with the entry that makes it 262144 bytes, its restart points and their count included. */
static void a_block_ends_when_it_is_full(void) {
  char *filler = calloc(1, 262144);
  gwt_must(filler != NULL);
  /* 1 + 1 + 3 bytes of lengths, 1 of key, 8 behind the entries: 14 beside the value */
  for (size_t less = 0; less < 2; less++) {
    entry entries[] = {{BYTES("a"), {filler, 262144 - 14 - less}}, {BYTES("b"), BYTES("")}};
    gw_buf bytes = write_table(entries, 2);
    CHECK(count_blocks(&bytes) == 2 - less);
    check_reads_as(&bytes, entries, 2, true);
    gw__buf_free(&bytes);
  }
  free(filler);
}

static void compressed_blocks_are_read(void) {
  gw_arena arena = GW_ARENA_INIT;
  size_t count = 5000, at = 0;
  entry *entries = scalar_entries(&arena, count);
  gwt_table table;
  gwt_table_init(&table);
  for (size_t block = 0; at <= count; block++) {
    gw_block_builder builder;
    gw__block_builder_init(&builder, block % 2 ? 16 : 3); /* any interval will do */
    for (size_t i = 0; i < 700 && at <= count; i++, at++)
      gwt_must(gw__block_add(&builder, entries[at].key, entries[at].value, NULL) == GW_OK);
    gw_buf bytes = GW_BUF_INIT;
    gwt_must(gw__block_finish(&builder, &bytes, NULL) == GW_OK);
    gwt_table_block(&table, &bytes, block % 3 != 0, entries[at - 1].key);
    gw__buf_free(&bytes);
    gw__block_builder_free(&builder);
  }
  gwt_table_finish(&table, 1);
  CHECK(count_blocks(&table.out) == 8);
  check_reads_as(&table.out, entries, count + 1, false);
  gwt_table_free(&table);
  gw__arena_free(&arena);
}

/* ---- What the writer refuses */

static void keys_must_be_added_in_order(void) {
  gw_buf out = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  char text[300];
  gw_table_writer *writer = NULL;
  gwt_must(gw__table_writer_new(&writer, NULL) == GW_OK);
  CHECK(gw__table_writer_add(writer, gwt_span("b"), gwt_span("1"), &out, &error) == GW_OK);
  CHECK(gw__table_writer_add(writer, gwt_span("a\n"), gwt_span("2"), &out, &error) == GW_INVALID);
  gw_error_format(&error, text, sizeof text);
  CHECK_TEXT(text, "a\\x0a: keys are not added in order (expected one above \"b\")");
  /* The first failure stays. */
  error = (gw_error)GW_ERROR_INIT;
  CHECK(gw__table_writer_add(writer, gwt_span("c"), gwt_span("3"), &out, NULL) == GW_INVALID);
  CHECK(gw__table_writer_finish(writer, &out, &error) == GW_INVALID && out.size == 0);
  gw_error_format(&error, text, sizeof text);
  CHECK_TEXT(text, "a\\x0a: keys are not added in order (expected one above \"b\")");
  gw__table_writer_free(writer);
  gwt_must(gw__table_writer_new(&writer, NULL) == GW_OK);
  CHECK(gw__table_writer_add(writer, gwt_span(""), gwt_span("1"), &out, &error) == GW_OK);
  CHECK(gw__table_writer_add(writer, gwt_span(""), gwt_span("1"), &out, &error) == GW_INVALID);
  CHECK_TEXT(error.what, "duplicate key");
  gw__table_writer_free(writer);
  gw__table_writer_free(NULL);
  gw__buf_free(&out);
}

static void a_failed_buffer_fails_the_writer(void) {
  gw_buf out = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_table_writer *writer = NULL;
  gwt_must(gw__table_writer_new(&writer, NULL) == GW_OK);
  out.failed = true;
  CHECK(gw__table_writer_add(writer, gwt_span("a"), gwt_span("1"), &out, &error) == GW_OK); /* nothing came out yet */
  CHECK(gw__table_writer_finish(writer, &out, &error) == GW_NO_MEMORY && error.status == GW_NO_MEMORY);
  gw__table_writer_free(writer);
  gw__buf_free(&out);
}

/* ---- Damage */

/* Bits that nothing guards: of the bytes from `from` up to, not including, `to`. */
typedef struct range {
  size_t from, to;
  unsigned bits;
} range;

/* Reading gives an error or the same entries; and the latter only where nothing guards the byte. */
static void check_damaged(const gw_buf *bytes, const gw_buf *expected, bool guarded, size_t at) {
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  gw_buf dump = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_status status = gwt_read_table(&file, &dump, NULL, &error);
  bool fine = status == GW_OK ? CHECK(same_bytes(&dump, expected)) && CHECK(!guarded)
                              : CHECK(error.what[0] && error.has_offset && strcmp(error.file, "test.index") == 0) &&
                                    CHECK(error.offset <= bytes->size);
  if (!fine) fprintf(stderr, "  byte %zu of %zu: %s\n", at, bytes->size, error.what);
  gw__buf_free(&dump);
  close(file.fd);
}

static bool is_guarded(const range *unguarded, size_t ranges, size_t at, unsigned bit) {
  for (size_t i = 0; i < ranges; i++)
    if (at >= unguarded[i].from && at < unguarded[i].to && unguarded[i].bits >> bit & 1) return false;
  return true;
}

/* Flips every bit, cuts at every byte, adds a byte at both ends. `unguarded`: metaindex block, its handle, padding, and
 * the high bit of the last handle byte, which makes a varint of it that is padded with the zero behind it. */
static void sweep(gw_buf *bytes, const range *unguarded, size_t ranges) {
  gw_buf expected = GW_BUF_INIT;
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  CHECK(gwt_read_table(&file, &expected, NULL, NULL) == GW_OK);
  close(file.fd);
  for (size_t at = 0; at < bytes->size; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      bytes->data[at] ^= (uint8_t)(1u << bit);
      check_damaged(bytes, &expected, is_guarded(unguarded, ranges, at, bit), at);
      bytes->data[at] ^= (uint8_t)(1u << bit);
    }
    gw_buf cut = *bytes;
    cut.size = at;
    check_damaged(&cut, &expected, true, at);
  }
  gw_buf longer = GW_BUF_INIT;
  gw__put_u8(&longer, 0);
  gw__put_bytes(&longer, bytes->data, bytes->size);
  check_damaged(&longer, &expected, true, 0);
  gw__buf_clear(&longer);
  gw__put_bytes(&longer, bytes->data, bytes->size);
  gw__put_u8(&longer, 0);
  check_damaged(&longer, &expected, true, bytes->size);
  gw__buf_free(&longer);
  gw__buf_free(&expected);
}

static void every_flipped_bit_and_every_cut_is_noticed(void) {
  static const range unguarded[] = {{0x5d, 0x6a, 0xff}, {0x7d, 0x7f, 0xff}, {0x80, 0x81, 0x80}, {0x81, 0xa5, 0xff}};
  gw_buf bytes = from_hex(SAVER);
  sweep(&bytes, unguarded, 4);
  gw__buf_free(&bytes);
}

/* Two entries to a block; with `packed` every second block is compressed. */
static void make_blocks(gwt_table *table, const char *const *keys, size_t count, bool packed) {
  gwt_table_init(table);
  for (size_t i = 0; i + 1 < count; i += 2) {
    gw_block_builder builder;
    gw_buf block = GW_BUF_INIT;
    gw__block_builder_init(&builder, 16);
    gwt_must(gw__block_add(&builder, gwt_span(keys[i]), gwt_span("value value value value value"), NULL) == GW_OK);
    gwt_must(gw__block_add(&builder, gwt_span(keys[i + 1]), gwt_span("value"), NULL) == GW_OK);
    gwt_must(gw__block_finish(&builder, &block, NULL) == GW_OK);
    gwt_table_block(table, &block, packed && i / 2 % 2 == 0, gwt_span(keys[i + 1]));
    gw__buf_free(&block);
    gw__block_builder_free(&builder);
  }
}

static void damage_in_compressed_blocks_is_noticed(void) {
  static const char *const keys[] = {"", "a", "ab", "abc", "b", "bcd"};
  gwt_table table;
  make_blocks(&table, keys, 6, true);
  size_t metaindex = table.out.size;
  gwt_table_finish(&table, 1);
  size_t footer = table.out.size - 48;
  /* Both offsets and the index block's size are below 16384: metaindex handle 2 + 1, index handle 2 + 1 bytes. */
  const range unguarded[] = {{metaindex, metaindex + 13, 0xff},
                             {footer, footer + 3, 0xff},
                             {footer + 5, footer + 6, 0x80},
                             {footer + 6, footer + 40, 0xff}};
  sweep(&table.out, unguarded, 4);
  gwt_table_free(&table);
}

static void the_metaindex_block_can_be_checked(void) {
  gw_buf bytes = from_hex(SAVER);
  for (size_t at = 0x5d; at < 0x7f; at++) {
    if (at == 0x6a) at = 0x7d;
    for (unsigned bit = 0; bit < 7; bit++) { /* bit 7 of a handle moves the handle behind it */
      bytes.data[at] ^= (uint8_t)(1u << bit);
      gw_file file = gwt_file_of(bytes.data, bytes.size);
      gw_table *table = NULL;
      gw_error error = GW_ERROR_INIT;
      CHECK(gw__table_open(&file, &table, &error) == GW_OK);
      CHECK(table && gw__table_check_metaindex(table, &error) == GW_CORRUPT && error.has_offset && error.file[0]);
      gw__table_free(table);
      close(file.fd);
      bytes.data[at] ^= (uint8_t)(1u << bit);
    }
  }
  gw_file file = gwt_file_of(bytes.data, bytes.size);
  gw_table *table = NULL;
  CHECK(gw__table_open(&file, &table, NULL) == GW_OK && gw__table_check_metaindex(table, NULL) == GW_OK);
  gw__table_free(table);
  close(file.fd);
  gw__buf_free(&bytes);
}

/* ---- Messages, which people read */

/* Reading these bytes fails with this status and "file: offset N: what". */
static void check_refused(const gw_buf *bytes, gw_status expected, const char *message, const char *hint) {
  gw_file file = gwt_file_of(bytes->data, bytes->size);
  gw_error error = GW_ERROR_INIT;
  char text[2000];
  CHECK(gwt_read_table(&file, NULL, NULL, &error) == expected);
  gw_error_format(&error, text, sizeof text);
  CHECK_TEXT(text, message);
  if (hint) CHECK_TEXT(error.hint, hint);
  CHECK(gwt_read_table(&file, NULL, NULL, NULL) == expected); /* the error may be NULL */
  close(file.fd);
}

static const char *const interrupted =
    "copying or saving it was interrupted: copy it again, or take another checkpoint";

static void what_is_not_a_table_is_said_so(void) {
  gw_buf bytes = GW_BUF_INIT;
  check_refused(
      &bytes, GW_CORRUPT,
      "test.index: offset 0: not an index of a checkpoint: the file is empty (expected at least 48 bytes, found 0)",
      interrupted);
  gw__put_text(&bytes, "model_checkpoint_path: \"m\"\n");
  check_refused(&bytes, GW_CORRUPT,
                "test.index: offset 27: not an index of a checkpoint: the file is something else (expected"
                " at least 48 bytes, found 27)",
                "");
  for (int i = 0; i < 3; i++) gw__put_text(&bytes, "all_model_checkpoint_paths: \"m\"\n");
  check_refused(&bytes, GW_CORRUPT,
                "test.index: offset 115: not an index of a checkpoint: the file is something else (expected"
                " the bytes 57fb808b247547db there, found 68733a20226d220a)",
                "");
  gw__buf_free(&bytes);
  bytes = from_hex(SAVER);
  bytes.size -= 5;
  check_refused(&bytes, GW_CORRUPT,
                "test.index: offset 160: not an index of a checkpoint: the file is cut short at the end"
                " (expected the bytes 57fb808b247547db there, found 000000000057fb80)",
                interrupted);
  bytes.size = 30;
  check_refused(&bytes, GW_CORRUPT,
                "test.index: offset 30: not an index of a checkpoint: the file is cut short at the end"
                " (expected at least 48 bytes, found 30)",
                interrupted);
  gw__buf_free(&bytes);
}

static void a_wrong_checksum_names_the_block(void) {
  gw_buf bytes = from_hex(SAVER);
  bytes.data[20] ^= 1;
  check_refused(&bytes, GW_CORRUPT,
                "test.index: offset 0: the checksum of data block 0 (88 bytes) does not match (expected"
                " 527237d6, found fb04cc78)",
                "");
  bytes.data[20] ^= 1;
  bytes.data[0x6b] ^= 1;
  check_refused(&bytes, GW_CORRUPT,
                "test.index: offset 106: the checksum of the index block (14 bytes) does not match"
                " (expected 6963c9b8, found 3d649cfe)",
                "");
  gw__buf_free(&bytes);
}

typedef struct change {
  size_t at; /* in the Saver's index */
  uint8_t value;
  const char *message;
} change;

/* In the data block (0, 88): see the listing in FORMAT.md, appendix C. */
static const change data_changes[] = {
    {0x58, 4, "offset 88: data block 0 has an unknown compression (expected 0 for none or 1 for snappy, found 4)"},
    {0x57, 1, "offset 84: more restart points than the block can hold (expected at most 21, found 16777217)"},
    {0x54, 22, "offset 84: more restart points than the block can hold (expected at most 21, found 22)"},
    {0x54, 0, "offset 84: a block with entries has no restart point"},
    {0x50, 9, "offset 80: the first restart point is not at the start of the block (expected 0, found 9)"},
    {0x09, 1, "offset 9: an entry shares more than the key before it has (expected at most 0 bytes, found 1)"},
    {0x0a, 80, "offset 9: an entry is longer than its block (expected at most 68 bytes, found 95)"},
    {0x0b, 0x7f, "offset 9: an entry is longer than its block (expected at most 68 bytes, found 128)"},
    {0x4f, 0x80, NULL}, /* the last byte of a value: fine */
    {0x37, 12, "offset 55: an entry shares more than the key before it has (expected at most 11 bytes, found 12)"},
};

static void check_changes(const change *changes, size_t count, size_t from, size_t size) {
  for (size_t i = 0; i < count; i++) {
    gw_buf bytes = from_hex(SAVER);
    gw_error error = GW_ERROR_INIT;
    char text[2000];
    bytes.data[changes[i].at] = changes[i].value;
    gw__store_fixed32(bytes.data + from + size + 1, gw__crc32c_mask(gw__crc32c(bytes.data + from, size + 1)));
    gw_file file = gwt_file_of(bytes.data, bytes.size);
    gw_status status = gwt_read_table(&file, NULL, NULL, &error);
    CHECK(status == (changes[i].message ? GW_CORRUPT : GW_OK));
    gw_error_format(&error, text, sizeof text);
    CHECK_TEXT(strncmp(text, "test.index: ", 12) == 0 ? text + 12 : text, changes[i].message ? changes[i].message : "");
    close(file.fd);
    gw__buf_free(&bytes);
  }
}

static void lies_inside_a_data_block(void) {
  check_changes(data_changes, sizeof data_changes / sizeof *data_changes, 0, 0x58);
}

/* In the index block (106, 14), whose one entry is 00 01 02 | "x" | 00 58. */
static const change index_changes[] = {
    {0x6d, 'a', "w: offset 0: a key does not belong in data block 0 (expected one up to \"a\", by the index block)"},
    {0x6e, 1, "offset 1: the checksum of data block 0 (88 bytes) does not match (expected a25baec7, found 0fc87c77)"},
    {0x6f, 0x66, "offset 106: a data block from byte 0 on reaches too far (expected an end by byte 106, found 107)"},
    {0x6c, 1, "offset 106: an entry of the index holds no block handle (expected two 64-bit varints, found 1 bytes)"},
    {0x6f, 0x80,
     "offset 106: an entry of the index holds no block handle (expected two 64-bit varints, found 2 bytes)"},
};

static void lies_inside_the_index_block(void) {
  check_changes(index_changes, sizeof index_changes / sizeof *index_changes, 0x6a, 0x0e);
}

/* ---- Hostile tables, made by hand */

static void put_entry(gw_buf *block, uint32_t shared, const char *tail, uint32_t value_size) {
  gw__put_varint32(block, shared);
  gw__put_varint32(block, (uint32_t)strlen(tail));
  gw__put_varint32(block, value_size);
  gw__put_text(block, tail);
  for (uint32_t i = 0; i < value_size; i++) gw__put_u8(block, 'v');
}

static void put_restarts(gw_buf *block, size_t count, const uint32_t *restarts) {
  for (size_t i = 0; i < count; i++) gw__put_fixed32(block, restarts[i]);
  gw__put_fixed32(block, (uint32_t)count);
}

/* A table of this one block under the separator "z" is refused; the block is freed. */
static void check_block_refused(gw_buf *block, uint8_t type, gw_status status, const char *message) {
  gwt_table table;
  gwt_table_init(&table);
  gwt_table_block(&table, block, type, gwt_span("z"));
  gwt_table_finish(&table, 0);
  check_refused(&table.out, status, message, "");
  gwt_table_free(&table);
  gw__buf_free(block);
}

static void restart_points_must_be_where_entries_are(void) {
  static const struct {
    size_t count;
    uint32_t restarts[4];
    const char *message;
  } cases[] = {
      /* entries: "a" at 0, "ab" at 5 (shares 1), "b" at 10 (shares 0), the end at 15 */
      {2, {0, 4}, "test.index: offset 5: a restart point is not where an entry begins (expected at least 5, found 4)"},
      {2,
       {0, 5},
       "test.index: offset 5: an entry at a restart point shares bytes with the key before it (expected 0, found 1)"},
      {3, {0, 10, 10}, "test.index: offset 10: restart points do not ascend (expected above 10, found 10)"},
      {3, {0, 10, 0}, "test.index: offset 10: restart points do not ascend (expected above 10, found 0)"},
      {2, {0, 15}, "test.index: offset 15: a restart point lies behind the last entry (expected below 15, found 15)"},
      {2,
       {0, UINT32_MAX},
       "test.index: offset 15: a restart point lies behind the last entry (expected below 15, found 4294967295)"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gw_buf block = GW_BUF_INIT;
    put_entry(&block, 0, "a", 1);
    put_entry(&block, 1, "b", 1);
    put_entry(&block, 0, "b", 1);
    put_restarts(&block, cases[i].count, cases[i].restarts);
    check_block_refused(&block, 0, GW_CORRUPT, cases[i].message);
  }
}

static const uint32_t restart_at_0[] = {0, 0};

static void keys_of_a_block_must_ascend(void) {
  gw_buf block = GW_BUF_INIT;
  put_entry(&block, 0, "abc", 0);
  put_entry(&block, 3, "", 0);
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 0, GW_CORRUPT, "test.index: abc: offset 6: a key occurs twice");
  put_entry(&block, 0, "abc", 0);
  put_entry(&block, 2, "", 0);
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 0, GW_CORRUPT,
                      "test.index: ab: offset 6: keys do not ascend (expected one above \"abc\")");
  put_entry(&block, 0, "abc", 0);
  put_entry(&block, 1, "a\xff", 0);
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 1, GW_CORRUPT,
                      "test.index: aa\\xff: offset 0: at byte 6 of the decompressed block: keys do not"
                      " ascend (expected one above \"abc\")");
}

static void lengths_must_not_wrap(void) {
  gw_buf block = GW_BUF_INIT;
  gw__put_u8(&block, 0);
  gw__put_varint32(&block, UINT32_MAX); /* the sum with 5 is 4 in 32 bits */
  gw__put_varint32(&block, 5);
  gw__put_text(&block, "aaaaaaaa");
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 0, GW_CORRUPT,
                      "test.index: offset 0: an entry is longer than its block (expected at most 8 bytes,"
                      " found 4294967300)");
  gw__put_bytes(&block, "\0\xff\xff\xff\xff\x1f", 6);
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 0, GW_CORRUPT,
                      "test.index: offset 0: an entry's lengths are cut off or larger than 32 bits");
  gw__put_bytes(&block, "\0\0\x80", 3);
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 0, GW_CORRUPT,
                      "test.index: offset 0: an entry's lengths are cut off or larger than 32 bits");
  gw__put_bytes(&block, "\0\0", 2);
  check_block_refused(&block, 0, GW_CORRUPT,
                      "test.index: offset 0: a block is too short for its number of restart points"
                      " (expected at least 4 bytes, found 2)");
}

/* Empty blocks are no use, but no harm either: TensorFlow reads on. */
static void empty_blocks_are_read(void) {
  static const entry entries[] = {{BYTES("m"), BYTES("v")}};
  gw_buf block = GW_BUF_INIT;
  gwt_table table;
  gwt_table_init(&table);
  put_restarts(&block, 1, restart_at_0);
  gwt_table_block(&table, &block, 0, gwt_span("a"));
  gw__buf_clear(&block);
  put_restarts(&block, 0, restart_at_0);
  gwt_table_block(&table, &block, 1, gwt_span("b"));
  gw__buf_clear(&block);
  put_entry(&block, 0, "m", 1);
  put_restarts(&block, 1, restart_at_0);
  gwt_table_block(&table, &block, 0, gwt_span("z"));
  gwt_table_finish(&table, 0);
  check_reads_as(&table.out, entries, 1, false);
  gwt_table_free(&table);
  gw__buf_clear(&block);
  put_restarts(&block, 2, restart_at_0);
  check_block_refused(&block, 0, GW_CORRUPT,
                      "test.index: offset 0: a restart point lies behind the last entry (expected below 0, found 0)");
}

/* A block whose snappy data is these bytes. */
static void check_snappy_refused(const char *bytes, size_t size, const char *message) {
  gwt_table table;
  gwt_table_init(&table);
  gw__put_bytes(&table.out, bytes, size);
  gwt_put_trailer(&table.out, size, 1);
  gwt_table_index(&table, gwt_span("z"), 0, size);
  gwt_table_finish(&table, 0);
  check_refused(&table.out, GW_CORRUPT, message, "");
  gwt_table_free(&table);
}

static void decompression_bombs_are_refused(void) {
  check_snappy_refused("", 0, "test.index: offset 0: data block 0 is not snappy data: its length is cut off");
  check_snappy_refused("\xff\xff", 2, "test.index: offset 0: data block 0 is not snappy data: its length is cut off");
  check_snappy_refused("\xff\xff\xff\xff\x0f aaaa", 10,
                       "test.index: offset 0: data block 0 claims more bytes than snappy can"
                       " hold (expected at most 284 from 10, found 4294967295)");
  check_snappy_refused("\x80\x02 aaaaaaaa", 11, "test.index: offset 0: data block 0 is not snappy data of 256 bytes");
  check_snappy_refused("\0", 1,
                       "test.index: offset 0: at byte 0 of the decompressed block: a block is too short for its"
                       " number of restart points (expected at least 4 bytes, found 0)");
}

/* The densest that snappy has: bytes that are all equal. They must pass the bound. */
static void well_compressed_blocks_are_read(void) {
  char *zeros = calloc(1, 1 << 20);
  gwt_must(zeros != NULL);
  for (size_t size = 1; size <= 1 << 20; size *= 4) {
    entry entries[] = {{BYTES("k"), {zeros, size}}};
    gw_block_builder builder;
    gw_buf block = GW_BUF_INIT;
    gwt_table table;
    gwt_table_init(&table);
    gw__block_builder_init(&builder, 16);
    gwt_must(gw__block_add(&builder, entries[0].key, entries[0].value, NULL) == GW_OK);
    gwt_must(gw__block_finish(&builder, &block, NULL) == GW_OK);
    gwt_table_block(&table, &block, 1, gwt_span("k"));
    gwt_table_finish(&table, 1);
    check_reads_as(&table.out, entries, 1, false);
    gwt_table_free(&table);
    gw__buf_free(&block);
    gw__block_builder_free(&builder);
  }
  free(zeros);
}

/* Blocks (0, 50) with the keys a and b, (55, 50) with d and e, and an index of these separators and handles. */
static void check_index_refused(const char *first, const char *second, const uint64_t handles[4], const char *message) {
  static const char *const keys[] = {"a", "b", "d", "e"};
  gwt_table table;
  make_blocks(&table, keys, 4, false);
  gw__block_builder_free(&table.index);
  gw__block_builder_init(&table.index, 1);
  gwt_table_index(&table, gwt_span(first), handles[0], handles[1]);
  gwt_table_index(&table, gwt_span(second), handles[2], handles[3]);
  gwt_table_finish(&table, 0);
  check_refused(&table.out, GW_CORRUPT, message, "");
  gwt_table_free(&table);
}

static void the_index_must_agree_with_the_blocks(void) {
  static const uint64_t right[4] = {0, 50, 55, 50}, twice[4] = {55, 50, 55, 50}, overlap[4] = {0, 51, 55, 50};
  static const uint64_t descending[4] = {55, 50, 0, 50}, wraps[4] = {0, 50, 55, UINT64_MAX - 20};
  check_index_refused("c", "d", right,
                      "test.index: e: offset 55: a key does not belong in data block 1 (expected one up to"
                      " \"d\", by the index block)");
  check_index_refused("a", "e", right,
                      "test.index: b: offset 0: a key does not belong in data block 0 (expected one up to"
                      " \"a\", by the index block)");
  check_index_refused("d", "e", right,
                      "test.index: d: offset 55: a key does not belong in data block 1 (expected one above"
                      " \"d\", by the index block)");
  check_index_refused("e", "b", right, "test.index: b: offset 129: keys do not ascend (expected one above \"e\")");
  check_index_refused("b", "b", right, "test.index: b: offset 129: a key occurs twice");
  check_index_refused("b", "e", twice,
                      "test.index: offset 129: data blocks overlap or are out of order (expected one from byte"
                      " 110 on, found one at byte 55)");
  check_index_refused("b", "e", overlap,
                      "test.index: offset 129: data blocks overlap or are out of order (expected one from"
                      " byte 56 on, found one at byte 55)");
  check_index_refused("b", "e", descending,
                      "test.index: offset 129: data blocks overlap or are out of order (expected one from"
                      " byte 110 on, found one at byte 0)");
  check_index_refused("b", "e", wraps,
                      "test.index: offset 129: a data block from byte 55 on reaches too far (expected an end by"
                      " byte 123, found 18446744073709551615)");
}

/* The footer's index handle, which nothing but the index block's own checksum guards. */
static void check_footer_refused(const char *handles_hex, const char *message) {
  gw_buf bytes = from_hex(SAVER), handles = from_hex(handles_hex);
  memset(bytes.data + 0x7d, 0, 40);
  memcpy(bytes.data + 0x7d, handles.data, handles.size);
  check_refused(&bytes, GW_CORRUPT, message, "");
  gw__buf_free(&bytes);
  gw__buf_free(&handles);
}

static void the_footer_must_lead_to_the_index(void) {
  check_footer_refused("5d 08 00 0e",
                       "test.index: offset 0: the checksum of the index block (14 bytes) does not match (expected"
                       " 8c9d2fc7, found a613f6df)");
  check_footer_refused("5d 08 6a 0f",
                       "test.index: offset 125: the index block from byte 106 on reaches too far (expected an end"
                       " by byte 125, found 126)");
  check_footer_refused(
      "5d 08 ff ff ff ff ff ff ff ff ff 01 0e",
      "test.index: offset 125: the index block from byte"
      " 18446744073709551615 on reaches too far (expected an end by byte 125, found 18446744073709551615)");
  check_footer_refused("5d 08 6a ff ff ff ff ff ff ff ff ff 01",
                       "test.index: offset 125: the index block from byte 106 on"
                       " reaches too far (expected an end by byte 125, found 18446744073709551615)");
  check_footer_refused("5d 08 6a ff ff ff ff ff ff ff ff ff 02",
                       "test.index: offset 128: the footer holds no block handle"
                       " (expected two pairs of 64-bit varints in 40 bytes)");
  check_footer_refused("ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
                       "test.index: offset 125: the footer holds no"
                       " block handle (expected two pairs of 64-bit varints in 40 bytes)");
}

/* Five gigabytes of nothing, whose footer calls most of it the index block: refused before memory is asked for. */
static void blocks_beyond_4_gib_are_refused(void) {
  gw_file file = gwt_file_of("", 0);
  gw_buf footer = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  gw_table *table = NULL;
  const uint64_t handles[4] = {0, 8, 0, (UINT64_C(1) << 32) + 1};
  gwt_put_footer(&footer, handles);
  file.size = UINT64_C(5) << 30;
  gwt_must(ftruncate(file.fd, (off_t)file.size) == 0);
  gwt_must(pwrite(file.fd, footer.data, 48, (off_t)file.size - 48) == 48);
  CHECK(gw__table_open(&file, &table, &error) == GW_LIMIT && table == NULL);
  CHECK_TEXT(error.what, "the index block is too large (expected at most 4294967296 bytes, found 4294967297)");
  CHECK(error.offset == file.size - 48);
  close(file.fd);
  gw__buf_free(&footer);
}

/* A block of 200 KB whose keys, written out, are 900 MB. */
static void keys_may_not_expand_without_bound(void) {
  char *prefix = calloc(1, 30001);
  gw_buf block = GW_BUF_INIT;
  gwt_must(prefix != NULL);
  memset(prefix, 'k', 30000);
  put_entry(&block, 0, prefix, 0);
  for (unsigned i = 0; i < 30000; i++) {
    char tail[3] = {(char)(1 + i / 255 % 255), (char)(1 + i % 255), 0};
    put_entry(&block, 30000, tail, 0);
  }
  free(prefix);
  put_restarts(&block, 1, restart_at_0);
  check_block_refused(&block, 0, GW_LIMIT,
                      "test.index: offset 0: keys share so much that they add up to more than 64 times the"
                      " file and 64 MiB");
}

static void a_failed_iterator_stays_failed(void) {
  gw_buf bytes = from_hex(SAVER);
  bytes.data[20] ^= 1;
  gw_file file = gwt_file_of(bytes.data, bytes.size);
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  gwt_must(gw__table_open(&file, &table, NULL) == GW_OK && gw__table_iter_new(table, &iter, NULL) == GW_OK);
  for (int i = 0; i < 3; i++) {
    gw_span key, value;
    bool more = true;
    gw_error error = GW_ERROR_INIT;
    CHECK(gw__table_iter_next(iter, &more, &key, &value, NULL, &error) == GW_CORRUPT && !more && error.what[0]);
  }
  gw__table_iter_free(iter);
  gw__table_free(table);
  gw__table_iter_free(NULL);
  gw__table_free(NULL);
  close(file.fd);
  gw__buf_free(&bytes);
}

static void the_end_comes_again(void) {
  gw_buf bytes = from_hex(EMPTY_TABLE);
  gw_file file = gwt_file_of(bytes.data, bytes.size);
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  gwt_must(gw__table_open(&file, &table, NULL) == GW_OK && gw__table_iter_new(table, &iter, NULL) == GW_OK);
  for (int i = 0; i < 3; i++) {
    gw_span key, value;
    bool more = true;
    CHECK(gw__table_iter_next(iter, &more, &key, &value, NULL, NULL) == GW_OK && !more);
  }
  gw__table_iter_free(iter);
  gw__table_free(table);
  close(file.fd);
  gw__buf_free(&bytes);
}

#ifdef GW_FAULTS
/* Whichever allocation fails: GW_NO_MEMORY, nothing leaks, and the next attempt is right. */
static void every_failed_allocation_is_reported(void) {
  gw_arena arena = GW_ARENA_INIT;
  size_t count = 12000;
  entry *entries = scalar_entries(&arena, count);
  gw_buf bytes = write_table(entries, count + 1);
  gw_file file = gwt_file_of(bytes.data, bytes.size);
  gw_status status = GW_NO_MEMORY;
  for (long nth = 1; status != GW_OK && CHECK(nth < 10000); nth++) {
    gw_buf again = GW_BUF_INIT;
    gw_error error = GW_ERROR_INIT;
    gw__alloc_fail_at(nth);
    status = gwt_read_table(&file, NULL, &again, &error);
    gw__alloc_fail_at(0);
    CHECK(status == error.status && (status == GW_NO_MEMORY || (status == GW_OK && same_bytes(&again, &bytes))));
    gw__buf_free(&again);
  }
  close(file.fd);
  gw__buf_free(&bytes);
  gw__arena_free(&arena);
}
#endif

int main(int count, char **arguments) {
  if (count > 1) spec_folder = arguments[1];
  RUN(the_empty_table);
  RUN(a_bundle_with_only_its_header);
  RUN(what_a_saver_wrote);
  RUN(two_shards);
  RUN(indexes_of_the_guide_are_rewritten_byte_by_byte);
  RUN(separators_are_the_shortest);
  RUN(the_last_separator_is_a_short_successor);
  RUN(signed_numbers_of_slice_keys);
  RUN(slice_keys);
  RUN(what_is_not_a_slice_key);
  RUN(slice_keys_sort_as_their_slices);
  RUN(random_keys_of_all_byte_values_come_back);
  RUN(twenty_thousand_scalars_are_what_tensorflow_writes);
  RUN(huge_entries);
  RUN(a_block_ends_when_it_is_full);
  RUN(compressed_blocks_are_read);
  RUN(keys_must_be_added_in_order);
  RUN(a_failed_buffer_fails_the_writer);
  RUN(every_flipped_bit_and_every_cut_is_noticed);
  RUN(damage_in_compressed_blocks_is_noticed);
  RUN(the_metaindex_block_can_be_checked);
  RUN(what_is_not_a_table_is_said_so);
  RUN(a_wrong_checksum_names_the_block);
  RUN(lies_inside_a_data_block);
  RUN(lies_inside_the_index_block);
  RUN(restart_points_must_be_where_entries_are);
  RUN(keys_of_a_block_must_ascend);
  RUN(lengths_must_not_wrap);
  RUN(empty_blocks_are_read);
  RUN(decompression_bombs_are_refused);
  RUN(well_compressed_blocks_are_read);
  RUN(the_index_must_agree_with_the_blocks);
  RUN(the_footer_must_lead_to_the_index);
  RUN(blocks_beyond_4_gib_are_refused);
  RUN(keys_may_not_expand_without_bound);
  RUN(a_failed_iterator_stays_failed);
  RUN(the_end_comes_again);
#ifdef GW_FAULTS
  RUN(every_failed_allocation_is_reported);
#endif
  return gwt_finish();
}

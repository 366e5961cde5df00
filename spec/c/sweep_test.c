/* Every bit of every byte of small checkpoints flipped, and every file cut at every length: what comes out is the right
 * data, or an error that names the file. Usage: sweep_test SPEC_FOLDER SCRATCH_FOLDER [STRIDE]; a stride of n looks at
 * every nth damage only, for tools that are slow.
 *
 * What nobody can notice, and what this test therefore lets pass with the right data:
 *   footer padding    between the handles and the magic number (TensorFlow does not look at it either)
 *   metaindex         the block itself and its handle: empty and never read; `verify` notes a wrong block
 *   a padded handle   bit 7 of the last byte of the index handle, whose value a zero byte behind it does not change */
#include <math.h>
#include <stdlib.h>

#include "../../core/base/cursor.h"
#include "../../core/file/file.h"
#include "bundle_make.h"
#include "check.h"

enum { MOST_TENSORS = 32, MOST_FILES = 3, HEAVY = 61, MOST_SHOWN = 5 };

static const char *spec_folder = "spec", *scratch = ".";
static size_t stride = 1;

/* The checkpoint under test: as it should be, and where the damaged copy lies. */
static const char *kind;
static gwt_path good, bad, out;
static gw_buf expected;                 /* its dump */
static gw_bundle *good_bundle;
static gw_tensor *tensors[MOST_TENSORS];
static gw_stats stats[MOST_TENSORS];
static bool has_stats[MOST_TENSORS];
static gw_buf written[MOST_FILES + 1]; /* the files of its identity run */

typedef struct damage {
  const char *path;  /* of the damaged file */
  const char *name;  /* its ending, for messages */
  size_t at;         /* the byte, or the length */
  int bit;           /* -1: cut */
  bool hidden;       /* nothing but `verify` may notice */
} damage;

static unsigned shown, looked;

static bool hold(const damage *what, bool fine, const char *text, const gw_error *error) {
  char message[2300] = "";
  if (fine) return true;
  gwt_wrong++;
  if (++shown > MOST_SHOWN) return false;
  if (error) gw_error_format(error, message, sizeof message);
  fprintf(stderr, "%s%s, %s %zu bit %d: %s %s\n", kind, what->name, what->bit < 0 ? "cut at" : "byte", what->at, what->bit,
          text, message);
  return false;
}

/* An error that a person can use names the damaged file. */
static bool hold_error(const damage *what, gw_status status, const gw_error *error) {
  return hold(what, status == error->status && error->what[0] && strcmp(error->file, what->path) == 0,
              "an error that does not name the file:", error);
}

/* ---- What is asked of the damaged copy */

static void ask_tensor(const damage *what, const gw_tensor *tensor, size_t index) {
  gw_error error = GW_ERROR_INIT;
  gw_stats found;
  bool equal;
  char *text;
  gw_status status = has_stats[index] ? gw_tensor_stats(tensor, &found, &error) : GW_OK;
  if (status != GW_OK) hold_error(what, status, &error);
  else if (has_stats[index]) hold(what, memcmp(&found, &stats[index], sizeof found) == 0, "other statistics", NULL);
  if (gw_dtype_size(gw_tensor_dtype(tensor)) > 0 || gw_tensor_dtype(tensor) == GW_DT_STRING) {
    status = gw_tensor_equal(tensor, tensors[index], 0, &equal, &error);
    if (status != GW_OK) hold_error(what, status, &error);
    else hold(what, equal, "taken for other values", NULL);
  }
  status = gw_tensor_preview(tensor, 6, 2, &text, &error);
  if (status != GW_OK) hold_error(what, status, &error);
  gw_free(text);
}

static void ask_tensors(const damage *what, gw_bundle *bundle) {
  for (size_t i = 0; i < gw_bundle_count(bundle) && i < MOST_TENSORS; i++) {
    gw_error error = GW_ERROR_INIT;
    gw_tensor *tensor;
    gw_status status = gw_bundle_tensor(bundle, i, &tensor, &error);
    if (status == GW_OK) ask_tensor(what, tensor, i);
    else hold_error(what, status, &error);
    gw_tensor_release(tensor);
  }
}

/* Opens, lists and reads everything. */
static void ask(const damage *what) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle;
  gw_buf dump = GW_BUF_INIT;
  gw_status status = gw_bundle_open(bad.text, &bundle, &error);
  if (status == GW_OK) status = gwt_dump_bundle(bundle, &dump, &error);
  if (status != GW_OK) hold_error(what, status, &error);
  else hold(what, gwt_same(&dump, &expected), "other values", NULL);
  hold(what, (status == GW_OK) == what->hidden, what->hidden ? "refused:" : "went unnoticed", &error);
  if (bundle && hold(what, gw_bundle_count(bundle) == gw_bundle_count(good_bundle), "another number of tensors", NULL))
    ask_tensors(what, bundle);
  gw__buf_free(&dump);
  gw_bundle_release(bundle);
}

/* Of the checkpoint that is damaged; what is written is V2 always. */
static size_t good_files(void) { return gw_bundle_is_v1(good_bundle) ? 1 : (size_t)gw_bundle_shards(good_bundle) + 1; }

static gwt_path file_of(const char *prefix, size_t number) {
  int shards = gw_bundle_shards(good_bundle);
  if (gw_bundle_is_v1(good_bundle) && strncmp(prefix, out.text, strlen(out.text)) != 0) return gwt_path_of("%s", prefix);
  return number == 0 ? gwt_index_of(prefix) : gwt_data_of(prefix, (int)number - 1, shards);
}

/* Plans, runs the identity and verifies. */
static void ask_more(const damage *what) {
  gw_error error = GW_ERROR_INIT, first = GW_ERROR_INIT;
  gw_run_options options = GW_RUN_OPTIONS_INIT;
  size_t fatal, odd;
  options.threads = 1;
  options.memory = 1 << 20;
  gwt_path prefix = gwt_path_of("%s/x", out.text);
  gw_status status = gwt_copy(bad.text, prefix.text, NULL, &options, &error);
  if (status != GW_OK) {
    hold_error(what, status, &error);
    hold(what, gwt_listing(out.text).text[0] == '\0', "something was written", NULL);
  } else {
    hold(what, what->hidden, "copied without an error", NULL);
    for (size_t i = 0; i <= (size_t)gw_bundle_shards(good_bundle); i++) {
      gw_buf found = gwt_load(file_of(prefix.text, i).text);
      hold(what, gwt_same(&found, &written[i]), "other bytes written", NULL);
      gw__buf_free(&found);
    }
  }
  gwt_clear(out.text);
  status = gwt_verify(bad.text, &fatal, &odd, &first, &error);
  hold(what, status == GW_OK, "verify could not look", &error);
  if (fatal > 0) hold_error(what, first.status, &first);
  hold(what, (fatal > 0) != what->hidden, what->hidden ? "verify refuses" : "verify finds nothing", &first);
}

static void judge(const damage *what) {
  looked++;
  if (looked % stride != 0) return;
  ask(what);
  if (looked / stride % HEAVY == 0) ask_more(what);
}

/* ---- What may be hidden */

typedef struct hidden_bytes {
  size_t metaindex, metaindex_end, handles, padding;
} hidden_bytes;

static hidden_bytes hidden_of_index(const gw_buf *index) {
  gw_cur cur = gw__cur(index->data + index->size - 48, 40, index->size - 48);
  hidden_bytes hidden = {.handles = index->size - 48};
  uint64_t offset = 0, size = 0, ignored;
  gwt_must(gw__get_varint64(&cur, &offset) && gw__get_varint64(&cur, &size));
  gwt_must(gw__get_varint64(&cur, &ignored) && gw__get_varint64(&cur, &ignored));
  hidden.metaindex = (size_t)offset;
  hidden.metaindex_end = (size_t)(offset + size) + 5;
  hidden.padding = (size_t)gw__cur_offset(&cur);
  return hidden;
}

/* A flip in the handles stays hidden while the index handle reads as before: in the metaindex handle, unless that gets
 * longer or shorter; and in the last byte of all, where bit 7 makes a padded number of the same value. */
static bool handle_stays_hidden(const gw_buf *index, size_t at, int bit) {
  const uint8_t *start = index->data + index->size - 48;
  uint8_t flipped[40];
  uint64_t were[4], are[4];
  memcpy(flipped, start, sizeof flipped);
  flipped[at - (index->size - 48)] ^= (uint8_t)(1u << bit);
  gw_cur before = gw__cur(start, sizeof flipped, 0), after = gw__cur(flipped, sizeof flipped, 0);
  for (size_t i = 0; i < 4; i++)
    if (!gw__get_varint64(&before, &were[i]) || !gw__get_varint64(&after, &are[i])) return false;
  return were[2] == are[2] && were[3] == are[3];
}

static bool is_hidden(const gw_buf *index, const hidden_bytes *hidden, size_t at, int bit) {
  if (at >= hidden->handles && at < hidden->padding) return handle_stays_hidden(index, at, bit);
  return (at >= hidden->metaindex && at < hidden->metaindex_end) || (at >= hidden->padding && at < index->size - 8);
}

/* ---- One file, one checkpoint */

static void sweep_file(size_t number) {
  gwt_path path = file_of(bad.text, number);
  gw_buf bytes = gwt_load(path.text);
  hidden_bytes hidden = {0};
  damage what = {.path = path.text, .name = path.text + strlen(bad.text)};
  if (number == 0) hidden = hidden_of_index(&bytes);
  int fd = open(path.text, O_RDWR);
  gwt_must(fd >= 0);
  for (what.at = 0; what.at < bytes.size; what.at++)
    for (what.bit = 0; what.bit < 8; what.bit++) {
      uint8_t flipped = bytes.data[what.at] ^ (uint8_t)(1u << what.bit);
      what.hidden = number == 0 && is_hidden(&bytes, &hidden, what.at, what.bit);
      gwt_must(pwrite(fd, &flipped, 1, (off_t)what.at) == 1);
      judge(&what);
      gwt_must(pwrite(fd, bytes.data + what.at, 1, (off_t)what.at) == 1);
    }
  what.bit = -1;
  what.hidden = false;
  for (what.at = bytes.size; what.at-- > 0;) {
    gwt_must(ftruncate(fd, (off_t)what.at) == 0);
    judge(&what);
  }
  close(fd);
  gwt_save(path.text, bytes.data, bytes.size);
  gw__buf_free(&bytes);
}

static void remember_good(void) {
  gw_error error = GW_ERROR_INIT;
  if (!CHECK(gw_bundle_open(good.text, &good_bundle, &error) == GW_OK && gwt_dump_bundle(good_bundle, &expected, &error) == GW_OK))
    return;
  gwt_must(gw_bundle_count(good_bundle) <= MOST_TENSORS && gw_bundle_shards(good_bundle) < MOST_FILES);
  for (size_t i = 0; i < gw_bundle_count(good_bundle); i++) {
    gwt_must(gw_bundle_tensor(good_bundle, i, &tensors[i], NULL) == GW_OK);
    has_stats[i] = gw_tensor_stats(tensors[i], &stats[i], NULL) == GW_OK;
  }
  gwt_path prefix = gwt_path_of("%s/x", out.text);
  CHECK(gwt_copy(good.text, prefix.text, NULL, NULL, &error) == GW_OK);
  for (size_t i = 0; i <= (size_t)gw_bundle_shards(good_bundle); i++) written[i] = gwt_load(file_of(prefix.text, i).text);
  gwt_clear(out.text);
}

static void forget_good(void) {
  for (size_t i = 0; good_bundle && i < gw_bundle_count(good_bundle); i++) gw_tensor_release(tensors[i]);
  for (size_t i = 0; i <= MOST_FILES; i++) gw__buf_free(&written[i]);
  gw_bundle_release(good_bundle);
  gw__buf_free(&expected);
  good_bundle = NULL;
}

static void sweep(void) {
  shown = looked = 0;
  remember_good();
  if (good_bundle) {
    gwt_path index = gwt_index_of(bad.text); /* of the kind before, which would be found first */
    if (gwt_exists(index.text)) remove(index.text);
    for (size_t i = 0; i < good_files(); i++) {
      gw_buf bytes = gwt_load(file_of(good.text, i).text);
      gwt_save(file_of(bad.text, i).text, bytes.data, bytes.size);
      gw__buf_free(&bytes);
    }
    for (size_t i = 0; i < good_files(); i++) sweep_file(i);
  }
  if (shown > MOST_SHOWN) fprintf(stderr, "%s: and %u more\n", kind, shown - MOST_SHOWN);
  forget_good();
}

/* ---- Kinds */

/* The entries of `from` again, in compressed blocks of one or two: what other writers may leave. */
static void pack_table(const char *from, const char *to) {
  gw_file *file;
  gw_table *table = NULL;
  gw_table_iter *iter = NULL;
  gwt_table packed;
  gw_block_builder builder;
  gw_span key, value;
  bool more = true;
  gw_buf block = GW_BUF_INIT, last = GW_BUF_INIT;
  gwt_table_init(&packed);
  gw__block_builder_init(&builder, 2);
  gwt_must(gw__file_open(from, &file, NULL) == GW_OK && gw__table_open(file, &table, NULL) == GW_OK);
  gwt_must(gw__table_iter_new(table, &iter, NULL) == GW_OK);
  for (size_t i = 0; more; i++) {
    gwt_must(gw__table_iter_next(iter, &more, &key, &value, NULL, NULL) == GW_OK);
    if (i > 0 && (!more || i % 2 == 0)) {
      gw__buf_clear(&block);
      gwt_must(gw__block_finish(&builder, &block, NULL) == GW_OK);
      gwt_table_block(&packed, &block, 1, (gw_span){(const char *)last.data, last.size});
    }
    if (!more) break;
    gwt_must(gw__block_add(&builder, key, value, NULL) == GW_OK);
    gw__buf_clear(&last);
    gw__put_bytes(&last, key.data, key.size);
  }
  gwt_table_finish(&packed, 1);
  gwt_save(to, packed.out.data, packed.out.size);
  gw__table_iter_free(iter);
  gw__table_free(table);
  gw__file_close(file);
  gw__block_builder_free(&builder);
  gwt_table_free(&packed);
  gw__buf_free(&block);
  gw__buf_free(&last);
}

static void make_packed(const char *prefix) {
  gwt_path names = gwt_path_of("%s/fixtures/valid/kinds/names", spec_folder);
  gw_buf data = gwt_load(gwt_data_of(names.text, 0, 1).text);
  pack_table(gwt_index_of(names.text).text, gwt_index_of(prefix).text);
  gwt_save(gwt_data_of(prefix, 0, 1).text, data.data, data.size);
  gw__buf_free(&data);
}

static int no_sync(int fd) {
  (void)fd;
  return 0;
}

int main(int argc, char **argv) {
  static const char *const kinds[] = {"guide/tf1-ckpt", "guide/tf2-ckpt-1", "guide/keras-attribute-1", "kinds/names",
                                      "kinds/dtypes",   "kinds/strings",    "kinds/variants",          "kinds/empty",
                                      "kinds/partitioned", "kinds/two-shards", "kinds/objects",
                                      "v1/dtypes",      "v1/saver"};
  if (argc > 1) spec_folder = argv[1];
  if (argc > 2) scratch = argv[2];
  if (argc > 3) stride = strtoul(argv[3], NULL, 10);
  gw_system fast = *gw__system(); /* what is swept here is reading; a disk that syncs would only take time */
  fast.fsync = no_sync;
  gw__system_replace(&fast);
  bad = gwt_path_of("%s/bad", scratch);
  out = gwt_path_of("%s/out", scratch);
  gwt_clear(out.text);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    kind = kinds[i];
    good = gwt_path_of("%s/fixtures/valid/%s", spec_folder, kind);
    gwt_run(sweep, kind);
  }
  kind = "compressed blocks";
  good = gwt_path_of("%s/packed", scratch);
  make_packed(good.text);
  gwt_run(sweep, kind);
  kind = "compressed V1";
  good = gwt_path_of("%s/packed-v1", scratch);
  pack_table(gwt_path_of("%s/fixtures/valid/v1/saver", spec_folder).text, good.text);
  gwt_run(sweep, kind);
  return gwt_finish();
}

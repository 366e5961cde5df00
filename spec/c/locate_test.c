/* core/bundle/locate.c: what a path means, and what it is when it means no checkpoint.
 * Usage: locate_test SPEC_FOLDER SCRATCH_FOLDER. Every test works in a folder of its own, which is the current one. */
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../core/base/alloc.h"
#include "../../core/base/buf.h"
#include "../../core/base/crc32c.h"
#include "../../core/godwit.h"
#include "check.h"

static char spec_folder[4096] = "spec", scratch[4096] = "/tmp";

/* ---- Building folders */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info, (void)kind, (void)where;
  return remove(path);
}

static void leave_empty_folder(void) {
  if (chdir(scratch) != 0) abort();
  nftw("locate_test", remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void enter_empty_folder(void) {
  leave_empty_folder();
  if (mkdir("locate_test", 0777) != 0 || chdir("locate_test") != 0) abort();
}

/* Makes the folders on the way. */
static void make(const char *path, const void *bytes, size_t size) {
  char part[4096];
  for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
    mkdir(part, 0777);
  }
  FILE *file = fopen(path, "wb");
  if (!CHECK(file != NULL)) return;
  if (size) fwrite(bytes, 1, size, file);
  fclose(file);
}

static void make_text(const char *path, const char *text) { make(path, text, strlen(text)); }

#define MAGIC "\x57\xfb\x80\x8b\x24\x75\x47\xdb"
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* A table as far as gw_locate looks: its first entry and its end. */
static void make_index(const char *path) {
  static const char bytes[] = "\0\0\6\x08\1\x1a\2\x08\1" ZEROS MAGIC;
  make(path, bytes, sizeof bytes - 1);
}
static void make_v1(const char *path) {
  static const char bytes[] = "\0\0\6\x0a\4\x12\2\x08\1" ZEROS MAGIC;
  make(path, bytes, sizeof bytes - 1);
}

static void make_checkpoint(const char *prefix) {
  char path[4096];
  snprintf(path, sizeof path, "%s.index", prefix);
  make_index(path);
  snprintf(path, sizeof path, "%s.data-00000-of-00001", prefix);
  make_text(path, "data");
}

static void make_state(const char *path, const char *latest) {
  char text[8192];
  snprintf(text, sizeof text, "model_checkpoint_path: \"%s\"\n", latest);
  make_text(path, text);
}

/* ---- Checks */

static void check_found(const char *path, const char *expected, const char *expected_note) {
  char *prefix, *note;
  gw_error error = GW_ERROR_INIT;
  gw_status status = gw_locate(path, &prefix, &note, &error);
  if (!CHECK(status == GW_OK)) fprintf(stderr, "  %s: %s: %s\n", path, error.file, error.what);
  CHECK_TEXT(prefix ? prefix : "nothing", expected);
  CHECK_TEXT(note ? note : "", expected_note);
  CHECK(!note || note[0]);
  gw_free(prefix);
  gw_free(note);
}

static void check_not(const char *path, gw_status expected, const char *file, const char *what, const char *hint) {
  char *prefix, *note;
  gw_error error = GW_ERROR_INIT;
  gw_status status = gw_locate(path, &prefix, &note, &error);
  if (!CHECK(status == expected)) fprintf(stderr, "  %s: status %s\n", path, gw_status_name(status));
  CHECK(!prefix && !note);
  CHECK_TEXT(error.file, file);
  CHECK_TEXT(error.what, what);
  CHECK_TEXT(error.hint, hint);
}

/* ---- Prefixes and files */

static void a_prefix_is_itself(void) {
  make_checkpoint("model.ckpt-7");
  make_checkpoint("a/b/ckpt");
  check_found("model.ckpt-7", "model.ckpt-7", "");
  check_found("a/b/ckpt", "a/b/ckpt", "");
  check_found("./a//b/ckpt", "./a//b/ckpt", "");
}

static void glob_characters_are_letters(void) {
  make_checkpoint("run[1]/ckpt-*?");
  make_checkpoint("run1/ckpt-22");
  check_found("run[1]/ckpt-*?", "run[1]/ckpt-*?", "");
  check_found("run[1]", "run[1]/ckpt-*?", "run[1]/ has one checkpoint, run[1]/ckpt-*?");
  check_not("run1/ckpt-?2", GW_NOT_FOUND, "run1/ckpt-?2", "there is no checkpoint of this name",
            "did you mean run1/ckpt-22?");
}

static void any_file_of_a_checkpoint_will_do(void) {
  make_checkpoint("m/ckpt-7");
  make_text("m/ckpt-7.meta", "graph");
  check_found("m/ckpt-7.index", "m/ckpt-7", "m/ckpt-7.index is a file of the checkpoint m/ckpt-7");
  check_found("m/ckpt-7.meta", "m/ckpt-7", "m/ckpt-7.meta is a file of the checkpoint m/ckpt-7");
  check_found("m/ckpt-7.data-00000-of-00001", "m/ckpt-7",
              "m/ckpt-7.data-00000-of-00001 is a file of the checkpoint m/ckpt-7");
  check_found("m/ckpt-7.data-100000-of-123456", "m/ckpt-7",
              "m/ckpt-7.data-100000-of-123456 is a file of the checkpoint m/ckpt-7");
  make_checkpoint("m/x.index"); /* a prefix of that name comes first */
  check_found("m/x.index", "m/x.index", "");
}

static void a_prefix_wins_over_a_folder_of_its_name(void) {
  make_checkpoint("model");
  make_checkpoint("model/ckpt-1");
  check_found("model", "model", "took the checkpoint model, not the folder model/ beside it");
  check_found("model/", "model/ckpt-1", "model/ has one checkpoint, model/ckpt-1");
}

/* ---- Folders */

static void a_state_file_names_the_latest(void) {
  make_checkpoint("model/ckpt-6");
  make_checkpoint("model/ckpt-7");
  make_state("model/checkpoint", "ckpt-6");
  check_found("model", "model/ckpt-6", "model/ has the latest checkpoint model/ckpt-6");
  check_found("model///", "model/ckpt-6", "model/ has the latest checkpoint model/ckpt-6");
  check_found("model/checkpoint", "model/ckpt-6", "model/ has the latest checkpoint model/ckpt-6");
  make_state("model/checkpoint.best", "ckpt-7");
  check_found("model/checkpoint.best", "model/ckpt-7", "model/ has the latest checkpoint model/ckpt-7");
  make_state("model/checkpoint", "sub/ckpt-1");
  make_checkpoint("model/sub/ckpt-1");
  check_found("model", "model/sub/ckpt-1", "model/ has the latest checkpoint model/sub/ckpt-1");
}

static void the_current_folder_has_no_path(void) {
  make_checkpoint("ckpt-7");
  make_state("checkpoint", "ckpt-7");
  check_found(".", "ckpt-7", "./ has the latest checkpoint ckpt-7");
  check_found("checkpoint", "ckpt-7", "./ has the latest checkpoint ckpt-7");
}

static void absolute_paths_are_followed_while_they_lead_somewhere(void) {
  char here[4096], absolute[5000], note[11000];
  if (!CHECK(getcwd(here, sizeof here) != NULL) || strlen(here) > 60) return;
  make_checkpoint("old/ckpt-7");
  snprintf(absolute, sizeof absolute, "%s/old/ckpt-7", here);
  make_state("old/checkpoint", absolute);
  snprintf(note, sizeof note, "old/ has the latest checkpoint %s", absolute);
  check_found("old", absolute, note);
  make_checkpoint("copy/ckpt-7");
  make_state("copy/checkpoint", absolute);
  snprintf(note, sizeof note, "copy/ names %s, outside of it, though copy/ckpt-7 is there too", absolute);
  check_found("copy", absolute, note);
  CHECK(rename("old", "moved") == 0);
  snprintf(note, sizeof note, "moved/checkpoint names %s, which is not there, took moved/ckpt-7", absolute);
  check_found("moved", "moved/ckpt-7", note);
}

static void a_relative_path_from_elsewhere_is_tried_by_its_last_part(void) {
  make_checkpoint("m/ckpt-7");
  make_state("m/checkpoint", "runs/m/ckpt-7");
  check_found("m", "m/ckpt-7", "m/checkpoint names runs/m/ckpt-7, which is not there, took m/ckpt-7");
}

static void a_latest_that_is_gone_is_not_replaced(void) {
  make_checkpoint("m/ckpt-8");
  make_checkpoint("m/ckpt-9");
  make_checkpoint("m/ckpt-10");
  make_checkpoint("m/ckpt-7");
  make_state("m/checkpoint", "/gone/ckpt-11");
  check_not("m", GW_NOT_FOUND, "m/checkpoint", "the latest checkpoint /gone/ckpt-11 that it names is not there",
            "there is m/ckpt-8, m/ckpt-9, m/ckpt-10 (and 1 more)");
  make_state("n/checkpoint", "a/");
  check_not("n", GW_NOT_FOUND, "n/checkpoint", "the latest checkpoint a/ that it names is not there", "");
}

static void a_damaged_state_file_does_not_hide_the_only_checkpoint(void) {
  make_checkpoint("m/ckpt-7");
  make_text("m/checkpoint", "model_checkpoint_path \"ckpt-7\"");
  check_found("m", "m/ckpt-7", "m/checkpoint cannot be used, took the only checkpoint m/ckpt-7");
  make_text("m/checkpoint", "");
  check_found("m", "m/ckpt-7", "m/checkpoint cannot be used, took the only checkpoint m/ckpt-7");
  make_checkpoint("m/ckpt-8");
  check_not("m", GW_CORRUPT, "m/checkpoint", "names no checkpoint (model_checkpoint_path is missing or empty)",
            "give one of its checkpoints: m/ckpt-7, m/ckpt-8");
  make_text("m/checkpoint", "model_checkpoint_path \"ckpt-7\"");
  check_not("m", GW_CORRUPT, "m/checkpoint", "\":\" was expected after model_checkpoint_path (found \"ckpt-7\")",
            "give one of its checkpoints: m/ckpt-7, m/ckpt-8");
  make_text("n/checkpoint", "oh");
  check_not("n/checkpoint", GW_CORRUPT, "n/checkpoint", "\"oh\" is no field of a checkpoint state file",
            "TensorFlow ignores a state file that it cannot parse: repair it, or give a prefix");
}

static void a_folder_without_state_file_may_have_one_checkpoint(void) {
  make_checkpoint("m/ckpt-7");
  check_found("m", "m/ckpt-7", "m/ has one checkpoint, m/ckpt-7");
  mkdir("m/other.index", 0777);
  make_text("m/.index", "");
  check_found("m/", "m/ckpt-7", "m/ has one checkpoint, m/ckpt-7");
}

static void several_checkpoints_are_listed_by_number(void) {
  static const char *const steps[] = {"9", "10", "100", "8", "99", "0020", "1"};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    char prefix[64];
    snprintf(prefix, sizeof prefix, "m/ckpt-%s", steps[i]);
    make_checkpoint(prefix);
  }
  check_not("m", GW_INVALID, "m",
            "7 checkpoints are here and no state file says which is the latest: m/ckpt-9, m/ckpt-10, m/ckpt-0020, "
            "m/ckpt-99, m/ckpt-100 (and 2 more)",
            "give one of them, such as m/ckpt-100");
}

static void a_saved_model_has_variables(void) {
  make_text("m/saved_model.pb", "\x08\1");
  check_not("m", GW_NOT_FOUND, "m", "this is a SavedModel without variables/variables.index",
            "the weights of a frozen model are constants in its graph");
  make_checkpoint("m/variables/variables");
  check_found("m", "m/variables/variables", "m/ is a SavedModel, its variables are m/variables/variables");
  check_found("m/saved_model.pb", "m/variables/variables",
              "m/ is a SavedModel, its variables are m/variables/variables");
  check_found("m/variables", "m/variables/variables", "m/variables/ has one checkpoint, m/variables/variables");
  make_text("t/saved_model.pbtxt", "");
  make_checkpoint("t/variables/variables");
  check_found("t/", "t/variables/variables", "t/ is a SavedModel, its variables are t/variables/variables");
}

static void the_guides_folders_are_found(void) {
  char path[4200], prefix[4300], note[9000];
  snprintf(path, sizeof path, "%s/fixtures/valid/guide/est-tf1", spec_folder);
  snprintf(prefix, sizeof prefix, "%s/model.ckpt-1", path);
  if (strlen(prefix) > 100) return; /* notes are cut */
  snprintf(note, sizeof note, "%s/ has the latest checkpoint %s", path, prefix);
  check_found(path, prefix, note);
}

/* ---- V1 */

#define ANY "-\?\?\?\?\?-of-00002"

static void v1_checkpoints_are_found(void) {
  make_v1("m/v1-7");
  make_text("m/v1-7.meta", "graph");
  check_found("m/v1-7", "m/v1-7", "");
  check_found("m/v1-7.meta", "m/v1-7", "m/v1-7.meta is a file of the checkpoint m/v1-7");
  check_found("m", "m/v1-7", "m/ has one checkpoint, m/v1-7");
  make_v1("m/v1-8");
  check_not("m", GW_INVALID, "m", "2 checkpoints are here and no state file says which is the latest: m/v1-7, m/v1-8",
            "give one of them, such as m/v1-8");
  make_state("m/checkpoint", "v1-7");
  check_found("m", "m/v1-7", "m/ has the latest checkpoint m/v1-7");
}

static void v1_checkpoints_of_several_files(void) {
  make_v1("s/v1-00001-of-00002");
  check_found("s/v1-00001-of-00002", "s/v1-00001-of-00002",
              "s/v1-00001-of-00002 is one file of several, the others are not here: it is read alone");
  make_v1("s/v1-00000-of-00002");
  make_text("s/v1.meta", "graph");
  check_found("s/v1-00001-of-00002", "s/v1" ANY, "s/v1-00001-of-00002 is a file of the checkpoint s/v1" ANY);
  check_found("s/v1" ANY, "s/v1" ANY, "");
  check_found("s/v1", "s/v1" ANY, "s/v1 is the checkpoint s/v1" ANY);
  check_found("s/v1.meta", "s/v1" ANY, "s/v1.meta is a file of the checkpoint s/v1" ANY);
  check_found("s/v1-\?\?\?\?\?-of-\?\?\?\?\?", "s/v1" ANY, "s/v1-\?\?\?\?\?-of-\?\?\?\?\? is the checkpoint s/v1" ANY);
  check_found("s", "s/v1" ANY, "s/ has one checkpoint, s/v1" ANY);
  make_state("s/checkpoint", "v1" ANY);
  check_found("s", "s/v1" ANY, "s/ has the latest checkpoint s/v1" ANY);
  make_v1("s/v1-00000-of-00003");
  check_not("s/v1", GW_INVALID, "s/v1",
            "several checkpoints have this name: v1" ANY " and v1-\?\?\?\?\?-of-00003", "give one of them");
  check_not("s/v2" ANY, GW_NOT_FOUND, "s/v2" ANY, "there is no checkpoint of this name",
            "give a checkpoint's prefix: the path of its files without .index or .data-...");
}

static void an_index_of_another_name_is_no_v1_file(void) {
  make_index("m/index");
  check_not("m/index", GW_UNSUPPORTED, "m/index",
            "this is the index of a checkpoint under another name, not a checkpoint", "name it PREFIX.index");
}

/* ---- What is no checkpoint */

#define PICKLE "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8" /* the number that a PyTorch file begins with */

static void files_of_other_kinds_are_named(void) {
  static const struct {
    const char *name, *bytes;
    size_t size;
    const char *what;
  } cases[] = {
      {"a.gz", "\x1f\x8b\x08\0", 4, "a gzip archive"},
      {"a.bz2", "BZh91AY", 7, "a bzip2 archive"},
      {"a.xz", "\xfd\x37zXZ\0\0", 7, "an xz archive"},
      {"a.zst", "\x28\xb5\x2f\xfd\0", 5, "a zstd archive"},
      {"a.7z", "7z\xbc\xaf\x27\x1c", 6, "a 7z archive"},
      {"a.rar", "Rar!\x1a", 5, "a rar archive"},
      {"a.h5", "\x89HDF\r\n\x1a\n\0", 9, "an HDF5 file (Keras writes its .h5 files so)"},
      {"a.tflite", "\x1c\0\0\0TFL3", 8, "a TensorFlow Lite model"},
      {"a.npy", "\x93NUMPY\1\0", 8, "a NumPy array (.npy)"},
      {"a.gguf", "GGUF\3\0", 6, "a GGUF model"},
      {"lfs", "version https://git-lfs.github.com/spec/v1\n", 43, "a Git LFS pointer"},
      {"a.pt", PICKLE "P\x19.", 15, "a PyTorch file"},
      {"a.pkl", "\x80\4\x95\0", 4, "a Python pickle (PyTorch and others write them)"},
      {"a.safetensors", "\2\0\0\0\0\0\0\0{}", 10, "a safetensors file"},
      {"frozen.pb", "\n\5hello", 7, "a graph (.pb)"},
      {"graph.pbtxt", "node {", 6, "a graph (.pb)"},
      {"a.onnx", "\x08\7", 2, "an ONNX model"},
      {"a.msgpack", "\x81\xa1", 2, "a Flax checkpoint (msgpack)"},
      {"model.json", "{\"format\": 1, \"modelTopology\": {}}", 34, "a part of a TensorFlow.js model"},
      {"group1-shard1of2.bin", "\1\2\3\4", 4, "a part of a TensorFlow.js model"},
      {"page", " \n<!DOCTYPE HTML><html>", 23, "a web page"},
      {"events.out.tfevents.1795403490.host", "junk", 4, "an event file of TensorBoard"},
      {"x.index.tempstate123", "junk", 4, "a temporary file of an interrupted save"},
      {"empty", "", 0, "an empty file"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char what[256];
    char *prefix, *note;
    gw_error error = GW_ERROR_INIT;
    make(cases[i].name, cases[i].bytes, cases[i].size);
    snprintf(what, sizeof what, "this is %s, not a checkpoint", cases[i].what);
    CHECK(gw_locate(cases[i].name, &prefix, &note, &error) == GW_UNSUPPORTED && !prefix && !note);
    CHECK_TEXT(error.what, what);
    CHECK_TEXT(error.file, cases[i].name);
  }
  make_text("notes.txt", "to do");
  check_not("notes.txt", GW_UNSUPPORTED, "notes.txt", "this is no file of a TensorFlow checkpoint",
            "give a checkpoint's prefix: the path of its files without .index or .data-...");
}

static void make_tar(const char *path) {
  char block[1024] = "model/ckpt-1.index";
  memcpy(block + 257, "ustar", 5);
  make(path, block, sizeof block);
}

/* One stored member; `streamed` leaves its sizes 0, as writers do that cannot seek. */
static void put_member(gw_buf *out, const char *name, const char *content, bool streamed) {
  uint32_t size = streamed ? 0 : (uint32_t)strlen(content);
  gw__put_bytes(out, "PK\3\4\x14\0", 6);
  gw__put_bytes(out, streamed ? "\x08\0\0\0\0\0\0\0\0\0\0\0" : "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
  gw__put_fixed32(out, size);
  gw__put_fixed32(out, size);
  gw__put_fixed32(out, (uint32_t)strlen(name)); /* and no extra field */
  gw__put_text(out, name);
  gw__put_text(out, content);
}

static void archives_are_named_by_what_is_in_them(void) {
  static const struct {
    const char *member, *what, *hint;
  } cases[] = {
      {"archive/data.pkl", "this is a PyTorch file, not a checkpoint", ""},
      {"model.weights.h5", "this is a Keras model (.keras), not a checkpoint",
       "load it in Keras and write a checkpoint: tf.train.Checkpoint(model=model).write(PREFIX)"},
      {"arr_0.npy", "this is a NumPy archive (.npz), not a checkpoint", ""},
      {"m/saved_model.pb", "this is a zip archive (a SavedModel is in it), not a checkpoint",
       "unpack it and give the prefix of the checkpoint inside"},
      {"m/ckpt-1.index", "this is a zip archive (a checkpoint is in it), not a checkpoint",
       "unpack it and give the prefix of the checkpoint inside"},
      {"letter.txt", "this is a zip archive, not a checkpoint",
       "unpack it and give the prefix of the checkpoint inside"},
  };
  for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
    gw_buf zip = GW_BUF_INIT;
    put_member(&zip, "config.txt", "content PK\3", i % 2);
    put_member(&zip, cases[i / 2].member, "x", i % 2);
    make("a.zip", zip.data, zip.size);
    gw__buf_free(&zip);
    check_not("a.zip", GW_UNSUPPORTED, "a.zip", cases[i / 2].what, cases[i / 2].hint);
  }
  make_tar("a.tar");
  check_not("a.tar", GW_UNSUPPORTED, "a.tar", "this is a tar archive, not a checkpoint",
            "unpack it and give the prefix of the checkpoint inside");
}

static void records_are_named(void) {
  gw_buf record = GW_BUF_INIT;
  gw__put_fixed64(&record, 14);
  gw__put_fixed32(&record, gw__crc32c_mask(gw__crc32c(record.data, 8)));
  gw__put_text(&record, "\x1a\x0c" "brain.Event:2    ");
  make("log", record.data, record.size);
  check_not("log", GW_UNSUPPORTED, "log", "this is an event file of TensorBoard, not a checkpoint",
            "the checkpoints of its run are often in the same folder: give the folder");
  memset(record.data + 12, 'x', 14);
  make("data", record.data, record.size);
  check_not("data", GW_UNSUPPORTED, "data", "this is a TFRecord file, not a checkpoint", "");
  gw__buf_free(&record);
}

static void an_index_that_is_none_is_named_at_once(void) {
  make_text("m/ckpt.index", "");
  check_not("m/ckpt", GW_CORRUPT, "m/ckpt.index", "this is an empty file, not a checkpoint's index",
            "a save or a copy that was interrupted leaves such files");
  make_text("m/ckpt.index", "version https://git-lfs.github.com/spec/v1\noid sha256:0");
  check_not("m/ckpt.index", GW_CORRUPT, "m/ckpt.index",
            "this is a Git LFS pointer, not a checkpoint's index", "fetch the file itself: git lfs pull");
  make_text("m/ckpt.index", "something that only the reader can judge");
  check_found("m/ckpt", "m/ckpt", "");
}

static void files_without_their_index_are_explained(void) {
  make_text("m/a.meta", "graph");
  make_text("m/b.data-00000-of-00002", "data");
  check_not("m/a.meta", GW_NOT_FOUND, "m/a.meta", "this is a .meta graph, the checkpoint's index beside it is missing",
            "copy m/a.index and its data files here too");
  check_not("m/a", GW_NOT_FOUND, "m/a", "only a.meta is there, a graph: the checkpoint's index a.index is missing", "");
  check_not("m/b.data-00000-of-00002", GW_NOT_FOUND, "m/b.data-00000-of-00002",
            "this is a data file, the checkpoint's index beside it is missing",
            "copy m/b.index here too; an interrupted save leaves none");
  check_not("m/b", GW_NOT_FOUND, "m/b", "the data file b.data-00000-of-00002 is there, but not the index b.index",
            "copy the .index file here too; an interrupted save leaves none");
  check_not("m/b.index", GW_NOT_FOUND, "m/b.index",
            "the data file b.data-00000-of-00002 is there, but not the index b.index",
            "copy the .index file here too; an interrupted save leaves none");
  check_not("m", GW_NOT_FOUND, "m",
            "no checkpoint is in this folder: the data file b.data-00000-of-00002 is there without its index",
            "copy the .index file here too; an interrupted save leaves none");
  remove("m/b.data-00000-of-00002");
  check_not("m", GW_NOT_FOUND, "m",
            "no checkpoint is in this folder: a.meta is a graph, the index beside it is missing", "");
}

static void leftovers_of_a_save_are_explained(void) {
  static const char hint[] = "take the checkpoint before it; what is left of this one can be removed";
  make_text("m/ckpt-8_temp/part-00000-of-00002.data-00000-of-00001", "data");
  check_not("m/ckpt-8", GW_NOT_FOUND, "m/ckpt-8",
            "an interrupted save: ckpt-8_temp is there, but not the index ckpt-8.index", hint);
  check_not("m/ckpt-8_temp", GW_NOT_FOUND, "m/ckpt-8_temp",
            "this is what an interrupted save left: shards that were not merged", "");
  check_not("m", GW_NOT_FOUND, "m", "no whole checkpoint is in this folder, an interrupted save left ckpt-8_temp", "");
  make_index("m/ckpt-8_temp/part-00000-of-00002.index");
  check_not("m/ckpt-8_temp", GW_NOT_FOUND, "m/ckpt-8_temp",
            "this is what an interrupted save left: shards that were not merged",
            "a whole shard can be opened by itself, such as m/ckpt-8_temp/part-00000-of-00002");
  check_found("m/ckpt-8_temp/part-00000-of-00002", "m/ckpt-8_temp/part-00000-of-00002", "");
  make_text("n/a.index.tempstate5", "x");
  check_not("n/a", GW_NOT_FOUND, "n/a", "an interrupted save: a.index.tempstate5 is there, but not the index a.index",
            hint);
  make_text("n/b.data-00000-of-00001.tempstate5", "x");
  check_not("n/b", GW_NOT_FOUND, "n/b",
            "an interrupted save: b.data-00000-of-00001.tempstate5 is there, but not the index b.index", hint);
  make_checkpoint("my_temp/ckpt");
  check_found("my_temp", "my_temp/ckpt", "my_temp/ has one checkpoint, my_temp/ckpt");
}

static void folders_of_other_kinds_are_named(void) {
  mkdir("empty", 0777);
  check_not("empty", GW_NOT_FOUND, "empty", "this folder is empty", "");
  make_text("orbax/_CHECKPOINT_METADATA", "{}");
  make_text("orbax/d/0", "x");
  check_not("orbax", GW_UNSUPPORTED, "orbax", "this is an Orbax checkpoint (of JAX), not one of TensorFlow", "");
  make_text("ocdbt/ocdbt.process_0/x", "");
  check_not("ocdbt", GW_UNSUPPORTED, "ocdbt", "this is an Orbax checkpoint (of JAX), not one of TensorFlow", "");
  make_text("keras/notes", "to do");
  make_text("keras/.keep", "");
  make_text("keras/weights.h5", "\x89HDF\r\n\x1a\n");
  check_not("keras", GW_NOT_FOUND, "keras",
            "no checkpoint is in this folder, and weights.h5 in it is an HDF5 file (Keras writes its .h5 files so)",
            "");
  make_text("plain/notes", "to do");
  check_not("plain", GW_NOT_FOUND, "plain", "no checkpoint is in this folder (no .index file and no state file)", "");
  make_checkpoint("outer/export/variables/variables");
  make_text("outer/export/saved_model.pb", "x");
  make_checkpoint("outer/train/ckpt-1");
  mkdir("outer/none", 0777);
  check_not("outer", GW_NOT_FOUND, "outer", "no checkpoint is in this folder (no .index file and no state file)",
            "there are checkpoints in outer/export, outer/train");
}

static void names_close_to_the_typed_one_are_suggested(void) {
  make_checkpoint("m/model.ckpt-1000");
  make_checkpoint("m/model.ckpt-2000");
  make_checkpoint("m/other");
  check_not("m/model.ckpt-100", GW_NOT_FOUND, "m/model.ckpt-100", "there is no checkpoint of this name",
            "did you mean m/model.ckpt-1000 or m/model.ckpt-2000?");
  check_not("m/model.ckpt-100.index", GW_NOT_FOUND, "m/model.ckpt-100.index", "there is no checkpoint of this name",
            "did you mean m/model.ckpt-1000 or m/model.ckpt-2000?");
  check_not("m/model.ckpt", GW_NOT_FOUND, "m/model.ckpt", "there is no checkpoint of this name",
            "did you mean m/model.ckpt-2000 or m/model.ckpt-1000?");
  check_not("m/ohter", GW_NOT_FOUND, "m/ohter", "there is no checkpoint of this name", "did you mean m/other?");
  check_not("m/entirely_different", GW_NOT_FOUND, "m/entirely_different", "there is no checkpoint of this name",
            "there is m/model.ckpt-1000, m/model.ckpt-2000, m/other");
  mkdir("models", 0777);
  check_not("modles/ckpt", GW_NOT_FOUND, "modles/ckpt", "there is no folder modles", "did you mean models?");
  check_not("m/deep/er/ckpt", GW_NOT_FOUND, "m/deep/er/ckpt", "there is no folder deep", "");
  check_not("m/other.index/ckpt", GW_NOT_FOUND, "m/other.index/ckpt", "m/other.index is a file, not a folder", "");
}

static void remote_paths_are_explained(void) {
  check_not("file:///tmp/model.ckpt-1", GW_UNSUPPORTED, "file:///tmp/model.ckpt-1",
            "this is the address of a local file, and paths are read", "did you mean /tmp/model.ckpt-1?");
  check_not("gs://bucket/model.ckpt", GW_UNSUPPORTED, "gs://bucket/model.ckpt", "remote files are not read",
            "copy the checkpoint's files to this machine first");
}

static void odd_paths_are_harmless(void) {
  char path[70000];
  char *prefix, *note;
  gw_error error = GW_ERROR_INIT;
  check_not("", GW_INVALID, "", "a checkpoint's path was expected, it is empty", "");
  memset(path, 'a', sizeof path - 1);
  path[sizeof path - 1] = '\0';
  CHECK(gw_locate(path, &prefix, &note, &error) == GW_NOT_FOUND);
  make_state("m/checkpoint", "\\033[31m\\nx\\001");
  check_not("m", GW_NOT_FOUND, "m/checkpoint",
            "the latest checkpoint \\x1b[31m\\x0ax\\x01 that it names is not there", "");
  make_checkpoint("n/a\nb");
  check_found("n", "n/a\nb", "n/ has one checkpoint, n/a\\x0ab");
  CHECK(mkfifo("pipe", 0666) == 0);
  check_not("pipe", GW_INVALID, "pipe", "is neither a file nor a folder (a device or a pipe)", "");
  mkdir("p", 0777);
  CHECK(mkfifo("p/checkpoint", 0666) == 0 && mkfifo("p/x.index", 0666) == 0);
  check_not("p", GW_NOT_FOUND, "p", "no checkpoint is in this folder (no .index file and no state file)", "");
  CHECK(symlink("loop", "loop") == 0);
  CHECK(gw_locate("loop", &prefix, &note, &error) == GW_IO);
}

/* Cuts every file at every length, and takes every first byte: nothing may crash or find a V1 file. */
static void cut_heads_are_harmless(void) {
  static const char *const heads[] = {"PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0name",
                                      "\xff\xff\xff\xff\xff\xff\xff\xff{", "\0\0\xff\xff\xff\xff\xff\xff",
                                      PICKLE "P", "<!doctype html", "model_checkpoint_path"};
  static const size_t sizes[] = {34, 9, 8, 13, 14, 21};
  char *prefix, *note;
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
    for (size_t size = 0; size <= sizes[i]; size++) {
      make("file", heads[i], size);
      CHECK(gw_locate("file", &prefix, &note, NULL) != GW_OK && !prefix && !note);
    }
}

/* Permissions do not bind root: a child gives its rights up first. */
static void what_may_not_be_read_is_an_error_of_the_system(void) {
  make_checkpoint("m/ckpt");
  make_checkpoint("closed/ckpt");
  make_checkpoint("moved/ckpt");
  make_state("moved/checkpoint", "../closed/ckpt");
  chmod("m/ckpt.index", 0);
  chmod("closed", 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    unsigned before = gwt_wrong;
    static const char hint[] = "check the owner and the rights of the file and of its folder (ls -ld)";
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    check_not("m/ckpt", GW_IO, "m/ckpt.index", "cannot be opened: Permission denied", hint);
    check_not("closed", GW_IO, "closed/checkpoint", "cannot be looked at: Permission denied", hint);
    check_not("closed/ckpt", GW_IO, "closed/ckpt", "cannot be looked at: Permission denied", hint);
    check_found("moved", "moved/ckpt", "moved/checkpoint names ../closed/ckpt, which is not there, took moved/ckpt");
    _exit(gwt_wrong == before ? 0 : 1);
  }
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  chmod("closed", 0777);
}

#ifdef GW_FAULTS
static void every_failed_allocation_is_reported(void) {
  static const char *const paths[] = {"m", "m/ckpt-7.meta", "s", "v/v1", "m/nothing", "empty", "several"};
  make_checkpoint("m/ckpt-7");
  make_state("m/checkpoint", "/gone/ckpt-7");
  make_checkpoint("s/variables/variables");
  make_text("s/saved_model.pb", "x");
  make_v1("v/v1-00000-of-00001");
  mkdir("empty", 0777);
  make_checkpoint("several/1");
  make_checkpoint("several/2");
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    char *prefix, *note;
    gw_status expected = gw_locate(paths[i], &prefix, &note, NULL);
    gw_free(prefix);
    gw_free(note);
    for (long nth = 1, asked = nth; nth <= asked; nth++) {
      gw_error error = GW_ERROR_INIT;
      gw__alloc_fail_at(nth);
      gw_status status = gw_locate(paths[i], &prefix, &note, &error);
      asked = gw__alloc_count();
      gw__alloc_fail_at(0);
      /* A message may do with less: not every failure matters. */
      CHECK(status == GW_NO_MEMORY || status == expected);
      CHECK(status == GW_OK || error.status == status);
      CHECK((status == GW_OK) == (prefix != NULL));
      gw_free(prefix);
      gw_free(note);
    }
  }
}
#endif

static void run(void (*test)(void), const char *name) {
  enter_empty_folder();
  gwt_run(test, name);
  leave_empty_folder();
}

int main(int argc, char **argv) {
  if (argc > 1 && !realpath(argv[1], spec_folder)) return 2;
  if (argc > 2 && !realpath(argv[2], scratch)) return 2;
#undef RUN
#define RUN(test) run(test, #test)
  RUN(a_prefix_is_itself);
  RUN(glob_characters_are_letters);
  RUN(any_file_of_a_checkpoint_will_do);
  RUN(a_prefix_wins_over_a_folder_of_its_name);
  RUN(a_state_file_names_the_latest);
  RUN(the_current_folder_has_no_path);
  RUN(absolute_paths_are_followed_while_they_lead_somewhere);
  RUN(a_relative_path_from_elsewhere_is_tried_by_its_last_part);
  RUN(a_latest_that_is_gone_is_not_replaced);
  RUN(a_damaged_state_file_does_not_hide_the_only_checkpoint);
  RUN(a_folder_without_state_file_may_have_one_checkpoint);
  RUN(several_checkpoints_are_listed_by_number);
  RUN(a_saved_model_has_variables);
  RUN(the_guides_folders_are_found);
  RUN(v1_checkpoints_are_found);
  RUN(v1_checkpoints_of_several_files);
  RUN(an_index_of_another_name_is_no_v1_file);
  RUN(files_of_other_kinds_are_named);
  RUN(archives_are_named_by_what_is_in_them);
  RUN(records_are_named);
  RUN(an_index_that_is_none_is_named_at_once);
  RUN(files_without_their_index_are_explained);
  RUN(leftovers_of_a_save_are_explained);
  RUN(folders_of_other_kinds_are_named);
  RUN(names_close_to_the_typed_one_are_suggested);
  RUN(remote_paths_are_explained);
  RUN(odd_paths_are_harmless);
  RUN(cut_heads_are_harmless);
  RUN(what_may_not_be_read_is_an_error_of_the_system);
#ifdef GW_FAULTS
  RUN(every_failed_allocation_is_reported);
#endif
  return gwt_finish();
}

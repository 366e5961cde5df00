/* Tells what a file is by its first bytes, its last ones and its name: see locate.h. People point at what they have:
 * archives that still have to be unpacked, weights of other frameworks, a page that a download brought instead. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/cursor.h"
#include "locate.h"

typedef struct subject {
  const char *name;     /* the path's last part */
  uint64_t size;        /* of the whole file */
  const uint8_t *bytes; /* the first `count` of them */
  size_t count;
  uint8_t tail[8];
} subject;

#define UNPACK "unpack it and give the prefix of the checkpoint inside"
#define KERAS "load it in Keras and write a checkpoint: tf.train.Checkpoint(model=model).write(PREFIX)"
#define RUN_FOLDER "the checkpoints of its run are often in the same folder: give the folder"
#define CONVERTED "give the checkpoint that it was converted from"

static const struct magic {
  size_t at, length;
  const char *bytes;
  const char *what, *hint;
} magics[] = {
    {257, 5, "ustar", "a tar archive", UNPACK},
    {0, 2, "\x1f\x8b", "a gzip archive", UNPACK},
    {0, 3, "BZh", "a bzip2 archive", UNPACK},
    {0, 6, "\xfd\x37zXZ\0", "an xz archive", UNPACK},
    {0, 4, "\x28\xb5\x2f\xfd", "a zstd archive", UNPACK},
    {0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK},
    {0, 4, "Rar!", "a rar archive", UNPACK},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras writes its .h5 files so)", KERAS},
    {4, 4, "TFL3", "a TensorFlow Lite model", CONVERTED},
    {0, 6, "\x93NUMPY", "a NumPy array (.npy)", NULL},
    {0, 4, "GGUF", "a GGUF model", NULL},
    {0, 23, "version https://git-lfs", "a Git LFS pointer", "fetch the file itself: git lfs pull"},
    {0, 12, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8", "a PyTorch file", NULL},
};

static bool has(const subject *head, size_t at, const char *bytes, size_t length) {
  return at <= head->count && length <= head->count - at && memcmp(head->bytes + at, bytes, length) == 0;
}

static bool contains(const subject *head, const char *text) {
  return head->count > 0 && memmem(head->bytes, head->count, text, strlen(text)) != NULL;
}

static bool found(gw_sniff *out, const char *what, const char *hint) {
  *out = (gw_sniff){GW_SNIFF_OTHER, what, hint};
  return true;
}

static bool by_magic(const subject *head, gw_sniff *out) {
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (has(head, magics[i].at, magics[i].bytes, magics[i].length)) return found(out, magics[i].what, magics[i].hint);
  return false;
}

/* What the member of a zip archive says about the whole; NULL when nothing. */
static const char *zip_kind(const char *name, size_t length) {
  static const struct {
    const char *end, *what;
  } kinds[] = {{"data.pkl", "a PyTorch file"},
               {"model.weights.h5", "a Keras model (.keras)"},
               {".npy", "a NumPy archive (.npz)"},
               {"saved_model.pb", "a zip archive (a SavedModel is in it)"},
               {".index", "a zip archive (a checkpoint is in it)"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    size_t end = strlen(kinds[i].end);
    if (length >= end && memcmp(name + length - end, kinds[i].end, end) == 0) return kinds[i].what;
  }
  return NULL;
}

/* Looks for the members' own headers ("PK\3\4") in the head: following their sizes would not do, because writers that
 * stream leave them 0. */
static bool by_zip(const subject *head, gw_sniff *out) {
  if (!has(head, 0, "PK\3\4", 4)) return false;
  const char *what = NULL;
  gw_cur cur = gw__cur(head->bytes, head->count, 0);
  while (!what && gw__cur_left(&cur) >= 30) {
    const uint8_t *member = memmem(cur.pos, gw__cur_left(&cur), "PK\3\4", 4), *fixed, *name;
    if (!member || !gw__get_bytes(&cur, (size_t)(member - cur.pos), &fixed) || !gw__get_bytes(&cur, 30, &fixed)) break;
    size_t length = (size_t)fixed[26] | (size_t)fixed[27] << 8;
    if (gw__get_bytes(&cur, length, &name)) what = zip_kind((const char *)name, length);
  }
  /* A big model's config.json may push the weights out of the head. */
  bool keras = contains(head, "keras_version") || gw__ends_with(head->name, ".keras");
  if (!what && keras) what = "a Keras model (.keras)";
  if (!what) return found(out, "a zip archive", UNPACK);
  const char *hint = strstr(what, "zip") ? UNPACK : strstr(what, "Keras") ? KERAS : NULL;
  return found(out, what, hint);
}

/* u64 length of the header, which is a JSON object. */
static bool by_safetensors(const subject *head, gw_sniff *out) {
  if (head->count < 10 || head->bytes[8] != '{') return false;
  uint64_t length = gw__load_fixed64(head->bytes);
  if (length < 2 || length > head->size - 8 || length > 100000000) return false;
  return found(out, "a safetensors file", NULL);
}

/* u64 length | u32 masked crc of the length | payload | u32 masked crc */
static bool by_records(const subject *head, gw_sniff *out) {
  bool named = strstr(head->name, "events.out.tfevents") != NULL;
  bool record = head->count >= 16 && gw__load_fixed32(head->bytes + 8) == gw__crc32c_mask(gw__crc32c(head->bytes, 8));
  bool event = named || (record && contains(head, "brain.Event:"));
  if (event) return found(out, "an event file of TensorBoard", RUN_FOLDER);
  return record && found(out, "a TFRecord file", NULL);
}

/* A TensorFlow.js model is model.json and group1-shard1of4.bin and so on. */
static bool is_js(const subject *head) {
  if (strncmp(head->name, "group", 5) == 0 && strstr(head->name, "-shard") && gw__ends_with(head->name, ".bin"))
    return true;
  return has(head, 0, "{", 1) && (contains(head, "\"modelTopology\"") || contains(head, "\"weightsManifest\""));
}

static bool is_html(const subject *head) {
  char start[16] = "";
  size_t used = 0;
  for (size_t i = 0; i < head->count && used < sizeof start - 1; i++) {
    uint8_t c = head->bytes[i];
    if (used == 0 && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
    start[used++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  }
  return strncmp(start, "<!doctype html", 14) == 0 || strncmp(start, "<html", 5) == 0;
}

static bool by_content(const subject *head, gw_sniff *out) {
  if (head->count == 0) return found(out, "an empty file", "a save or a copy that was interrupted leaves such files");
  if (is_js(head)) return found(out, "a part of a TensorFlow.js model", CONVERTED);
  if (is_html(head)) return found(out, "a web page", "the download brought a page instead of the file");
  if (has(head, 0, "\x80", 1) && head->count > 1 && head->bytes[1] >= 2 && head->bytes[1] <= 5)
    return found(out, "a Python pickle (PyTorch and others write them)", NULL);
  return false;
}

/* Protobuf files have no magic. */
static bool by_name(const subject *head, gw_sniff *out) {
  if (gw__ends_with(head->name, ".pb") || gw__ends_with(head->name, ".pbtxt"))
    return found(out, "a graph (.pb)",
                 "the weights of a frozen graph are constants in it: give the checkpoint that it was frozen from");
  if (gw__ends_with(head->name, ".onnx")) return found(out, "an ONNX model", NULL);
  if (gw__ends_with(head->name, ".msgpack")) return found(out, "a Flax checkpoint (msgpack)", NULL);
  return false;
}

/* A file that an interrupted save left may be whole, so its name is asked before its content. */
static bool by_leftover(const subject *head, gw_sniff *out) {
  if (!strstr(head->name, ".tempstate")) return false;
  return found(out, "a temporary file of an interrupted save", "take the checkpoint before it");
}

/* A sorted table: the magic is its last 8 bytes. Its first entry has the empty key (bytes 0, 0 and the value's size);
 * the value is a SavedTensorSlices, whose first field has the tag 0x0a, in a V1 file, and a BundleHeaderProto, which
 * has none of that tag, in an index. */
static bool by_table(const subject *head, gw_sniff *out) {
  static const uint8_t magic[8] = {0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb};
  if (head->size < 48 || memcmp(head->tail, magic, 8) != 0) return false;
  gw_cur cur = gw__cur(head->bytes, head->count, 0);
  uint8_t shared, unshared, tag;
  uint32_t size;
  bool header = gw__get_u8(&cur, &shared) && gw__get_u8(&cur, &unshared) && gw__get_varint32(&cur, &size) &&
                gw__get_u8(&cur, &tag) && shared == 0 && unshared == 0 && size > 0 &&
                (tag == 0x08 || tag == 0x10 || tag == 0x1a);
  if (header) *out = (gw_sniff){GW_SNIFF_INDEX, "the index of a checkpoint under another name", "name it PREFIX.index"};
  else *out = (gw_sniff){GW_SNIFF_V1, "a V1 checkpoint", NULL};
  return true;
}

static bool by_state(const subject *head, gw_sniff *out) {
  static const char name[] = "model_checkpoint_path";
  if (!has(head, 0, name, sizeof name - 1)) return false;
  *out = (gw_sniff){GW_SNIFF_STATE, "a checkpoint state file", NULL};
  return true;
}

static gw_status read_head(const gw_file *file, uint8_t *bytes, subject *out, gw_error *error) {
  out->size = file->size;
  out->bytes = bytes;
  out->count = file->size < GW_HEAD_BYTES ? (size_t)file->size : GW_HEAD_BYTES;
  gw_status status = gw__file_read(file, 0, bytes, out->count, error);
  if (status == GW_OK && file->size >= 8) status = gw__file_read(file, file->size - 8, out->tail, 8, error);
  return status;
}

gw_status gw__sniff_file(const char *path, gw_sniff *out, gw_error *error) {
  *out = (gw_sniff){GW_SNIFF_UNKNOWN, NULL, NULL};
  gw_file *file = NULL;
  uint8_t *bytes = NULL;
  const char *slash = strrchr(path, '/');
  subject head = {.name = slash ? slash + 1 : path};
  gw_status status = gw__file_open(path, &file, error);
  if (status != GW_OK) return status;
  bytes = gw__alloc(GW_HEAD_BYTES, error);
  status = bytes ? read_head(file, bytes, &head, error) : GW_NO_MEMORY;
  if (status == GW_OK)
    (void)(by_leftover(&head, out) || by_table(&head, out) || by_state(&head, out) || by_magic(&head, out) ||
           by_zip(&head, out) || by_safetensors(&head, out) || by_records(&head, out) || by_content(&head, out) ||
           by_name(&head, out));
  gw__free(bytes);
  gw__file_close(file);
  return status;
}

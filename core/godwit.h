/* libgodwit: TensorFlow checkpoints from C.
 *
 * Conventions
 *  1. Handles are opaque. A function that makes one has an out parameter, which is NULL on failure; gw_x_free (or
 *     gw_x_release for counted handles) takes it back and accepts NULL.
 *  2. A returned pointer is borrowed; its comment says how long it lives.
 *  3. Functions that can fail return a gw_status and fill the gw_error given last, which may be NULL. Nothing prints,
 *     nothing exits, nothing is kept in globals.
 *  4. Strings are UTF-8 or free bytes with a length beside them; texts returned as `const char *` end in NUL.
 *  5. A handle belongs to one thread at a time. Counted handles of one family (a bundle, its tensors, drafts made from
 *     it) share counters, so the family belongs to one thread at a time.
 *  6. Sizes in memory are size_t, in files uint64_t; positions count from 0. Option structs begin with their own size
 *     and are made with GW_..._INIT; zero means the default.
 */
#ifndef GODWIT_H
#define GODWIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GW_VERSION_MAJOR 0
#define GW_VERSION_MINOR 1
#define GW_VERSION_PATCH 0
#define GW_VERSION "0.1.0"

#if defined(__GNUC__)
#define GW_API __attribute__((visibility("default")))
#else
#define GW_API
#endif

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

typedef enum gw_status {
  GW_OK = 0,
  GW_NOT_FOUND,   /* a file, name or key that is not there */
  GW_EXISTS,      /* a file or name that is in the way */
  GW_CORRUPT,     /* bytes that are not what they claim to be */
  GW_UNSUPPORTED, /* valid, but this version cannot do it */
  GW_INVALID,     /* the caller (a recipe, a flag) asks for something wrong */
  GW_LIMIT,       /* a limit was hit */
  GW_IO,          /* the system refused */
  GW_NO_MEMORY,
  GW_CANCELLED    /* the caller asked to stop */
} gw_status;

typedef struct gw_error {
  gw_status status;
  int system;          /* errno behind GW_IO and friends, or 0 */
  bool has_offset;
  uint64_t offset;     /* byte in `file` */
  char what[640];      /* what is wrong: one line, no full stop */
  char file[1024];     /* the file or folder, or empty */
  char key[320];       /* the tensor's name, printable, or empty */
  char line[128];      /* the recipe's "file:line", or empty */
  char hint[512];      /* what to do about it, or empty */
} gw_error;

#define GW_ERROR_INIT {GW_OK, 0, false, 0, {0}, {0}, {0}, {0}, {0}}

/* Writes "file: key: offset N: what" to `out`, cut to `size` bytes with its NUL. Returns the whole length. */
GW_API size_t gw_error_format(const gw_error *error, char *out, size_t size);
/* "damaged", "not found", ... : one word for the status. */
GW_API const char *gw_status_name(gw_status status);

/* Writes at most `size` bytes (NUL included) of a name to `out` as a person can read it: control bytes and invalid UTF-8
 * as \xNN, the middle as "..." when it does not fit. */
GW_API void gw_printable(char *out, size_t size, const char *name, size_t length);

/* ---- Accounts: a bound for all that a piece of work (a recipe) allocates ----------------------------------------- */

/* Bytes of the heap. What was allocated without the account and is freed under it makes room. */
typedef struct gw_account {
  int64_t limit, used;
  bool refused; /* something was not given because of the limit */
} gw_account;

/* From now on what core allocates and frees in the calling thread is charged to `account` (NULL: to nobody), and an
 * allocation beyond its limit fails with GW_NO_MEMORY. Returns the account before. Worker threads charge nobody: their
 * buffers are bounded by the memory budget of the work they do. */
GW_API gw_account *gw_account_use(gw_account *account);
/* Whether `size` more bytes are within the limit; sets `refused` when not. For allocators that share an account. */
GW_API bool gw_account_allows(gw_account *account, size_t size);

/* ---- Plain values ---------------------------------------------------------------------------------------------- */

typedef struct gw_span {
  const char *data;
  size_t size;
} gw_span;

/* TensorFlow's DataType numbers (tensorflow/core/framework/types.proto). Numbers that are not listed occur in files and
 * travel unchanged. */
typedef enum gw_dtype {
  GW_DT_INVALID = 0,
  GW_DT_FLOAT = 1, GW_DT_DOUBLE = 2, GW_DT_INT32 = 3, GW_DT_UINT8 = 4, GW_DT_INT16 = 5, GW_DT_INT8 = 6,
  GW_DT_STRING = 7, GW_DT_COMPLEX64 = 8, GW_DT_INT64 = 9, GW_DT_BOOL = 10, GW_DT_QINT8 = 11, GW_DT_QUINT8 = 12,
  GW_DT_QINT32 = 13, GW_DT_BFLOAT16 = 14, GW_DT_QINT16 = 15, GW_DT_QUINT16 = 16, GW_DT_UINT16 = 17,
  GW_DT_COMPLEX128 = 18, GW_DT_HALF = 19, GW_DT_RESOURCE = 20, GW_DT_VARIANT = 21, GW_DT_UINT32 = 22,
  GW_DT_UINT64 = 23, GW_DT_FLOAT8_E5M2 = 24, GW_DT_FLOAT8_E4M3FN = 25, GW_DT_FLOAT8_E4M3FNUZ = 26,
  GW_DT_FLOAT8_E4M3B11FNUZ = 27, GW_DT_FLOAT8_E5M2FNUZ = 28, GW_DT_INT4 = 29, GW_DT_UINT4 = 30, GW_DT_INT2 = 31,
  GW_DT_UINT2 = 32
} gw_dtype;

#define GW_MAX_RANK 254 /* TensorShape::MaxDimensions */

/* "float32"; for numbers without a name NULL. The text lives forever. */
GW_API const char *gw_dtype_name(int dtype);
/* The number of a name ("float32", "half", ...), or GW_DT_INVALID. */
GW_API int gw_dtype_from_name(const char *name);
/* Bytes an element takes in a file; 0 for strings, variants, resources and unknown numbers. */
GW_API size_t gw_dtype_size(int dtype);

typedef enum gw_kind {
  GW_KIND_OPAQUE = 0, /* resource, unknown numbers: bytes that are kept */
  GW_KIND_FLOAT,
  GW_KIND_INT,  /* signed */
  GW_KIND_UINT,
  GW_KIND_BOOL,
  GW_KIND_COMPLEX,
  GW_KIND_STRING,
  GW_KIND_VARIANT
} gw_kind;
GW_API gw_kind gw_dtype_kind(int dtype);

/* One element as a number. */
typedef struct gw_number {
  gw_kind kind;
  union {
    double real;  /* FLOAT, COMPLEX */
    int64_t i;    /* INT, BOOL */
    uint64_t u;   /* UINT */
  };
  double imaginary;
} gw_number;

/* From its bytes, in host order. False when the dtype has no numbers. */
GW_API bool gw_number_get(int dtype, const void *element, gw_number *out);
/* Converts and stores: floats round to nearest even and overflow to infinity; integers must be in range, and a float
 * must be a whole number to become one (GW_INVALID). */
GW_API gw_status gw_number_put(int dtype, const gw_number *number, void *element, gw_error *error);

/* ---- Level 1: find, open, list --------------------------------------------------------------------------------- */

/* Turns what people type into a checkpoint's prefix: the prefix itself, one of its files, a folder with a `checkpoint`
 * state file, a SavedModel folder. *prefix is the caller's (gw_free). *note is NULL or one line that says what was
 * understood (gw_free). When there is no checkpoint the error says what the path is instead. */
GW_API gw_status gw_locate(const char *path, char **prefix, char **note, gw_error *error);
GW_API void gw_free(void *pointer);
/* True when both prefixes, however they are spelled, name one checkpoint that is there. */
GW_API bool gw_same_checkpoint(const char *a, const char *b);

typedef struct gw_bundle gw_bundle; /* an opened checkpoint, counted */
typedef struct gw_tensor gw_tensor; /* a lazy, immutable tensor, counted */

/* Reads and checks the whole index under `prefix` (as gw_locate returns it). Data files are opened on first use. */
GW_API gw_status gw_bundle_open(const char *prefix, gw_bundle **out, gw_error *error);
GW_API gw_bundle *gw_bundle_retain(gw_bundle *bundle);
GW_API void gw_bundle_release(gw_bundle *bundle);
GW_API const char *gw_bundle_prefix(const gw_bundle *bundle);
GW_API int32_t gw_bundle_shards(const gw_bundle *bundle);
/* True when it is in the format of before TensorFlow 0.12, whose values have neither offset nor checksum of their own. */
/* The files that say what there is, with its checksums: PREFIX.index; all files of a V1 checkpoint. */
GW_API size_t gw_bundle_index_count(const gw_bundle *bundle);
GW_API const char *gw_bundle_index_path(const gw_bundle *bundle, size_t nth);
GW_API bool gw_bundle_is_v1(const gw_bundle *bundle);
GW_API bool gw_bundle_big_endian(const gw_bundle *bundle);
/* True when the checkpoint has the key _CHECKPOINTABLE_OBJECT_GRAPH. */
GW_API bool gw_bundle_has_graph(const gw_bundle *bundle);
/* Tensors in key order; the slices of a partitioned tensor are one tensor here. */
GW_API size_t gw_bundle_count(const gw_bundle *bundle);
GW_API uint64_t gw_bundle_bytes(const gw_bundle *bundle); /* sum of all tensors' sizes */
/* Finds a tensor by name: true and its position in *index. */
GW_API bool gw_bundle_find(const gw_bundle *bundle, const char *name, size_t length, size_t *index);

typedef struct gw_entry_info {
  gw_span name;            /* lives as long as the bundle, as do the pointers below */
  int dtype;
  size_t rank;
  const int64_t *dims;
  int32_t shard;           /* of a partitioned tensor: of its first slice */
  uint64_t offset, size;   /* bytes in the shard's data file; of a partitioned tensor: 0 and the slices' sum */
  uint32_t crc32c;         /* masked, as stored */
  size_t slices;           /* 0: stored whole */
  bool partial;            /* the slices do not cover the tensor: it has no value, but can be kept, renamed and dropped */
} gw_entry_info;

GW_API void gw_bundle_entry(const gw_bundle *bundle, size_t index, gw_entry_info *out); /* index < count */
/* The n-th slice of a partitioned tensor: starts and lengths per axis (length -1: the whole axis), and where it lies. */
typedef struct gw_slice_info {
  const int64_t *starts, *lengths;
  int32_t shard;
  uint64_t offset, size;
  uint32_t crc32c;
} gw_slice_info;
GW_API void gw_bundle_slice(const gw_bundle *bundle, size_t index, size_t nth, gw_slice_info *out);
/* Writes the extents of a slice of a tensor of this shape as TensorFlow's specs have them: "4,3:-" begins at 4, has 3, and
 * all of axis 1. Cut to `size` bytes with its NUL. */
GW_API void gw_slice_text(const gw_slice_info *slice, size_t rank, const int64_t *dims, char *out, size_t size);
/* A tensor that reads from the bundle when it is asked to; keeps the bundle alive. */
GW_API gw_status gw_bundle_tensor(gw_bundle *bundle, size_t index, gw_tensor **out, gw_error *error);
/* Checks that every data file that the index names is there and long enough. */
GW_API gw_status gw_bundle_check_files(gw_bundle *bundle, gw_error *error);

/* ---- Level 2: tensors ------------------------------------------------------------------------------------------ */

GW_API gw_tensor *gw_tensor_retain(gw_tensor *tensor);
GW_API void gw_tensor_release(gw_tensor *tensor);
GW_API int gw_tensor_dtype(const gw_tensor *tensor);
GW_API size_t gw_tensor_rank(const gw_tensor *tensor);
GW_API const int64_t *gw_tensor_dims(const gw_tensor *tensor);
GW_API uint64_t gw_tensor_elements(const gw_tensor *tensor);
/* In a file; strings with their lengths. Of computed strings 0 until gw_tensor_measure has been called. */
GW_API uint64_t gw_tensor_bytes(const gw_tensor *tensor);
/* Makes computed strings, which must be known before anything can be placed behind them; no work for other tensors. */
GW_API gw_status gw_tensor_measure(gw_tensor *tensor, gw_error *error);
/* "model.ckpt-7:bert/kernel" for what is read from a file, "zeros" and the like otherwise; until the tensor goes. */
GW_API const char *gw_tensor_origin(const gw_tensor *tensor);

/* A constant: `bytes` are the elements in host order, row-major, copied. Not for strings. */
GW_API gw_status gw_tensor_constant(int dtype, size_t rank, const int64_t *dims, const void *bytes, size_t size,
                                    gw_tensor **out, gw_error *error);
/* One element's bytes everywhere; costs no memory whatever the shape. */
GW_API gw_status gw_tensor_fill(int dtype, size_t rank, const int64_t *dims, const void *element, gw_tensor **out,
                                gw_error *error);
/* Strings, row-major; as many spans as the shape has elements. Copied. */
GW_API gw_status gw_tensor_strings(size_t rank, const int64_t *dims, const gw_span *strings, size_t count,
                                   gw_tensor **out, gw_error *error);

/* ---- Operations: each makes a lazy tensor and checks shapes and dtypes at once; GW_INVALID names the operation and what it
 * was given. Axes count from 0, or from -1 backwards. The new tensor keeps its operands alive. */

GW_API gw_status gw_tensor_cast(gw_tensor *tensor, int dtype, gw_tensor **out, gw_error *error); /* as tf.cast */
/* One of `dims` may be -1: whatever is left. */
GW_API gw_status gw_tensor_reshape(gw_tensor *tensor, size_t rank, const int64_t *dims, gw_tensor **out, gw_error *error);
/* Axis i of the result is axis perm[i]; NULL: the other way round. */
GW_API gw_status gw_tensor_transpose(gw_tensor *tensor, const int64_t *perm, size_t count, gw_tensor **out, gw_error *error);
GW_API gw_status gw_tensor_squeeze(gw_tensor *tensor, const int64_t *axes, size_t count, gw_tensor **out,
                                   gw_error *error); /* NULL: all axes of size 1 */
GW_API gw_status gw_tensor_expand_dims(gw_tensor *tensor, int64_t axis, gw_tensor **out, gw_error *error);
/* One start and size for each axis; size -1: to the end. */
GW_API gw_status gw_tensor_slice(gw_tensor *tensor, const int64_t *begin, const int64_t *size, size_t count, gw_tensor **out,
                                 gw_error *error);
GW_API gw_status gw_tensor_gather(gw_tensor *tensor, const int64_t *indices, size_t count, int64_t axis, gw_tensor **out,
                                  gw_error *error);
/* Where a vocabulary's tokens were: one line for each of the new axis. */
typedef struct gw_remapping {
  size_t count;
  uint64_t kept, added, lost; /* new tokens that the old vocabulary has, and has not; old ones that no new one takes */
  int64_t *indices;           /* in the same block. Lines of the old vocabulary from 0; -1: new tokens, out-of-vocabulary buckets */
} gw_remapping;
/* As LoadAndRemapMatrix, along any axis of any tensor, and one old element may have several places. `missing`: a scalar, or a
 * tensor of the result's shape, whose elements are put where the index is -1. */
GW_API gw_status gw_tensor_remap(gw_tensor *tensor, const gw_remapping *remapping, int64_t axis, gw_tensor *missing,
                                 gw_tensor **out, gw_error *error);
/* `element`: one element of the dtype, or NULL for zeros. */
GW_API gw_status gw_tensor_pad(gw_tensor *tensor, const int64_t *before, const int64_t *after, size_t count, const void *element,
                               gw_tensor **out, gw_error *error);
GW_API gw_status gw_tensor_concat(gw_tensor *const *tensors, size_t count, int64_t axis, gw_tensor **out, gw_error *error);
GW_API gw_status gw_tensor_stack(gw_tensor *const *tensors, size_t count, int64_t axis, gw_tensor **out, gw_error *error);
/* The same values, saved as a TF1 partitioned variable: in `parts` slices along `axis`, or as many as the axis has positions,
 * cut as tf.compat.v1.fixed_size_partitioner cuts (the first size % parts have one more). 1: saved whole, whatever it is
 * read from. What is made of the result is whole again. */
GW_API gw_status gw_tensor_partition(gw_tensor *tensor, int64_t parts, int64_t axis, gw_tensor **out, gw_error *error);
/* In how many slices the tensor would be saved, 0: whole. *partial: it is stored in slices that do not cover it, and has no
 * value. */
GW_API size_t gw_tensor_slices(const gw_tensor *tensor, bool *partial);

typedef enum gw_unary { GW_NEGATE, GW_SQRT, GW_SQUARE, GW_ABS, GW_EXP, GW_LOG } gw_unary;
GW_API gw_status gw_tensor_unary(gw_unary function, gw_tensor *tensor, gw_tensor **out, gw_error *error);
typedef enum gw_binary { GW_ADD, GW_SUBTRACT, GW_MULTIPLY, GW_DIVIDE } gw_binary;
/* Of one dtype; shapes are broadcast as NumPy's. */
GW_API gw_status gw_tensor_binary(gw_binary function, gw_tensor *a, gw_tensor *b, gw_tensor **out, gw_error *error);
/* Not below `low`, not above `high`: one element of the dtype each. */
GW_API gw_status gw_tensor_clip(gw_tensor *tensor, const void *low, const void *high, gw_tensor **out, gw_error *error);
/* Floats of one dtype and shape. `weights` has one for each, or is NULL. The mean of equal tensors is that tensor. */
GW_API gw_status gw_tensor_mean(gw_tensor *const *tensors, const double *weights, size_t count, gw_tensor **out,
                                gw_error *error);

typedef enum gw_random_kind { GW_RANDOM_UNIFORM, GW_RANDOM_NORMAL, GW_RANDOM_TRUNCATED } gw_random_kind;
/* What tf.random.stateless_* gives with Philox for the seed {seed, 0}. uniform: from a to b; the others: mean a, standard
 * deviation b. A dtype of real floats. */
GW_API gw_status gw_tensor_random(gw_random_kind kind, int dtype, size_t rank, const int64_t *dims, uint64_t seed, double a,
                                  double b, gw_tensor **out, gw_error *error);

/* ---- Values */

/* Reads `count` elements from element `first` on, in host order, to `out` (count * gw_dtype_size bytes). No checksum is
 * checked unless the whole tensor is read in one call. */
GW_API gw_status gw_tensor_read(const gw_tensor *tensor, uint64_t first, uint64_t count, void *out, gw_error *error);
/* Reads a whole string tensor, checksums checked. *strings points into *memory (gw_free both). */
GW_API gw_status gw_tensor_read_strings(const gw_tensor *tensor, gw_span **strings, char **memory, gw_error *error);

typedef struct gw_stats {
  uint64_t count, zeros, nans, infinities; /* elements */
  bool has_range;                          /* min .. std are set: real numbers and at least one finite element */
  double min, max, mean, std;              /* over the finite elements; population standard deviation */
  int64_t exact_min, exact_max;            /* signed integers and bool, exactly; uint64: as bits */
} gw_stats;
/* Streams over the tensor in bounded memory, its checksum checked. GW_UNSUPPORTED for dtypes without numbers. */
GW_API gw_status gw_tensor_stats(const gw_tensor *tensor, gw_stats *out, gw_error *error);
/* *equal: same dtype and shape, and every element equal, both NaN, or |a - b| <= tolerance. */
GW_API gw_status gw_tensor_equal(const gw_tensor *a, const gw_tensor *b, double tolerance, bool *equal, gw_error *error);
/* How two tensors of one dtype and shape differ. */
typedef struct gw_difference {
  uint64_t count;          /* elements that differ */
  uint64_t place;          /* row-major: the element that differs most, the first of several; of strings the first that differs */
  double largest;          /* |a - b| there; infinite against an infinity, NaN (more than all) against NaN, and for strings */
  uint64_t exact;          /* the same of integers, exactly */
  uint8_t a[16], b[16];    /* the two elements there, in host order; not of strings */
} gw_difference;
/* A one-line preview as NumPy prints it, at most `edge` elements at each end of an axis once there are more than
 * `whole` elements. *text is the caller's (gw_free). */
GW_API gw_status gw_tensor_preview(const gw_tensor *tensor, uint64_t whole, uint64_t edge, char **text, gw_error *error);

/* ---- Vocabularies: files with a token on each line ------------------------------------------------------------------ */

typedef struct gw_vocab gw_vocab;

/* Finds the lines of `text`, as TensorFlow's TextFileInitializer reads them: they end in \n or \r\n, the last may have no end,
 * every other byte is the token's own. GW_INVALID, with the offset, for an empty line and for no line at all. 4 to 8 bytes a line;
 * the text is not copied and must live as long. */
GW_API gw_status gw_vocab_new(const char *text, size_t size, gw_vocab **out, gw_error *error);
GW_API void gw_vocab_free(gw_vocab *vocab);
GW_API size_t gw_vocab_size(const gw_vocab *vocab);
GW_API gw_span gw_vocab_token(const gw_vocab *vocab, size_t line); /* line < size; until the text goes */

typedef struct gw_vocab_alias {
  gw_span token, old; /* this token of the new vocabulary takes the place of that one of the old */
} gw_vocab_alias;

typedef struct gw_vocab_options {
  size_t size;
  size_t new_size, old_size; /* so many lines of each count; 0: all */
  size_t oov_buckets;        /* places for what is out of the vocabulary, after it */
  const gw_vocab_alias *aliases;
  size_t alias_count;
} gw_vocab_options;
#define GW_VOCAB_OPTIONS_INIT {sizeof(gw_vocab_options), 0, 0, 0, NULL, 0}

/* As GenerateVocabRemapping. GW_INVALID for sizes beyond a vocabulary, a token that the old one has twice, and aliases whose
 * tokens are not there. Takes 11 to 22 bytes for each old line while it works; *out is the caller's (gw_free). */
GW_API gw_status gw_vocab_remap(const gw_vocab *vocab, const gw_vocab *old, const gw_vocab_options *options, gw_remapping **out,
                                gw_error *error);

/* ---- The object graph of a TF2 checkpoint ------------------------------------------------------------------------ */

typedef struct gw_graph gw_graph;

#define GW_NO_NODE UINT32_MAX

/* From the serialized TrackableObjectGraph, or from a bundle's key _CHECKPOINTABLE_OBJECT_GRAPH. GW_CORRUPT for ids out
 * of range and names that are not UTF-8. */
GW_API gw_status gw_graph_decode(const void *bytes, size_t size, gw_graph **out, gw_error *error);
GW_API gw_status gw_graph_of_bundle(gw_bundle *bundle, gw_graph **out, gw_error *error);
GW_API void gw_graph_free(gw_graph *graph);
/* Serialized again, nodes numbered and ordered as TensorFlow does (tensorflow/python/checkpoint/util.py). *bytes is the
 * caller's (gw_free). */
GW_API gw_status gw_graph_encode(const gw_graph *graph, void **bytes, size_t *size, gw_error *error);
GW_API size_t gw_graph_nodes(const gw_graph *graph);
GW_API bool gw_graph_is_sorted(const gw_graph *graph, uint32_t node); /* children by name, save_counter aside */
GW_API uint32_t gw_graph_root(const gw_graph *graph); /* 0, except in a draft that was given another */

typedef struct gw_node_info {
  size_t children, attributes, slots;
  bool has_saver;
  gw_span saver_name, saver_object; /* until the graph goes, as all spans below */
} gw_node_info;
typedef struct gw_attribute_info {
  gw_span name, full_name, key;
} gw_attribute_info;
GW_API void gw_graph_node(const gw_graph *graph, uint32_t node, gw_node_info *out);
GW_API void gw_graph_child(const gw_graph *graph, uint32_t node, size_t nth, gw_span *name, uint32_t *child);
GW_API void gw_graph_attribute(const gw_graph *graph, uint32_t node, size_t nth, gw_attribute_info *out);
GW_API void gw_graph_slot(const gw_graph *graph, uint32_t node, size_t nth, gw_span *name, uint32_t *variable, uint32_t *slot);
/* The way by which each node is first reached from the root, breadth-first: its parent (GW_NO_NODE for the root and for
 * what it does not reach, such as slot variables) and which of the parent's children it is. The arrays are the caller's (gw_free). */
GW_API gw_status gw_graph_parents(const gw_graph *graph, uint32_t **parents, size_t **edges, gw_error *error);
/* A name as it stands in a key: "." becomes "..", "/" becomes ".S"; and back, GW_INVALID for what no name gives. *out is
 * the caller's (gw_free). */
GW_API gw_status gw_graph_escape(const char *name, size_t length, char **out, gw_error *error);
GW_API gw_status gw_graph_unescape(const char *part, size_t length, char **out, gw_error *error);

/* ---- Matching object graphs: what TensorFlow's restore would do -------------------------------------------------- */

typedef enum gw_match_mode {
  GW_MATCH_AUTO = 0, /* restore when the target's root has a save_counter, else read */
  GW_MATCH_RESTORE,  /* tf.train.Checkpoint.restore, which makes a save_counter */
  GW_MATCH_READ      /* tf.train.Checkpoint.read, Keras' load_weights */
} gw_match_mode;

typedef struct gw_match_options {
  size_t size;
  gw_match_mode mode;
  uint32_t from, into; /* what takes part in place of the roots (GW_NO_NODE: these); then the mode is read */
} gw_match_options;
#define GW_MATCH_OPTIONS_INIT {sizeof(gw_match_options), GW_MATCH_AUTO, GW_NO_NODE, GW_NO_NODE}

typedef struct gw_match gw_match;

typedef enum gw_match_kind {
  GW_MATCH_MISSING = 0,  /* `object` has values, and nothing in the source is bound to it */
  GW_MATCH_UNEXPECTED,   /* `node` has values, and is bound to no object */
  GW_MATCH_UNUSED,       /* the `nth` attribute of `node`: the `object` that it is bound to takes no value */
  GW_MATCH_LEFT_SLOT,    /* the `nth` slot of the optimizer `node` belongs to a variable that was not found */
  GW_MATCH_NEW_KERAS,    /* TensorFlow raises: slots of `node` for the `object`, an optimizer of Keras 2.11 or later */
  GW_MATCH_NOT_OPTIMIZER,/* TensorFlow raises: slots of `node` waited for the `object`, which has none to give */
  GW_MATCH_NOT_VARIABLE, /* TensorFlow raises: the `nth` slot of `node` belongs to the `object`, which is no variable */
  /* From here on nothing is wrong as far as TensorFlow says. */
  GW_MATCH_SLOTS_IGNORED,/* slots of `node`: the `object` is no optimizer, and nobody asked before it was found */
  GW_MATCH_GUESSED,      /* the `object`, empty in the file, is taken for an optimizer because `node` is one */
  GW_MATCH_MADE,         /* `object` is a slot variable that the target has not and TensorFlow makes, from `node` */
  GW_MATCH_NO_VALUE,     /* `object` is bound to `node`, which has no value for it: it keeps its own, unnoticed */
  GW_MATCH_SHARED,       /* `object` is bound to `node` as well, and takes the value of gw_match_origin */
  GW_MATCH_DIVIDED,      /* the `object` would take the values of `node`, which was bound to another one before */
  GW_MATCH_SAVER,        /* `node` is stored by a registered saver, which the program must know */
  GW_MATCH_ATTACHED      /* references divide or meet, and the file does not say which objects were given beside root= */
} gw_match_kind;

typedef struct gw_match_event {
  gw_match_kind kind;
  uint32_t node;   /* of the source, or GW_NO_NODE */
  uint32_t object; /* of the target, or GW_NO_NODE; from gw_graph_nodes on: one that TensorFlow makes */
  size_t nth;
} gw_match_event;

/* Binds the source's nodes to the target's objects as CheckpointPosition.restore of TensorFlow 2.15 does: breadth-first,
 * children by name, slot variables by optimizer, variable and name; what was bound first stays bound. The match borrows
 * both graphs. Values are not looked at: gw_draft_like does that. */
GW_API gw_status gw_graph_match(const gw_graph *source, const gw_graph *target, const gw_match_options *options, gw_match **out,
                                gw_error *error);
GW_API void gw_match_free(gw_match *match);
GW_API gw_match_mode gw_match_mode_of(const gw_match *match);               /* never GW_MATCH_AUTO */
GW_API uint32_t gw_match_object(const gw_match *match, uint32_t node);      /* or GW_NO_NODE */
GW_API uint32_t gw_match_origin(const gw_match *match, uint32_t object);    /* the node whose values it takes, or GW_NO_NODE */
GW_API bool gw_match_has_object(const gw_match *match, uint32_t object);    /* is it reached from `into`? */
/* What assert_consumed and assert_existing_objects_matched would say if all shapes and dtypes agree. */
GW_API bool gw_match_consumed(const gw_match *match);
GW_API bool gw_match_existing(const gw_match *match);
GW_API size_t gw_match_events(const gw_match *match);
GW_API void gw_match_event_at(const gw_match *match, size_t index, gw_match_event *out);

/* ---- Level 3: drafts ------------------------------------------------------------------------------------------- */

typedef struct gw_draft gw_draft; /* names -> tensors, being edited; counted */
typedef struct gw_regex gw_regex; /* a compiled pattern, Python's syntax */

typedef enum gw_role {
  GW_ROLE_WEIGHT = 0, GW_ROLE_SLOT, GW_ROLE_POWER, GW_ROLE_AVERAGE, GW_ROLE_STEP, GW_ROLE_COUNTER, GW_ROLE_TABLE,
  GW_ROLE_STATE
} gw_role;
GW_API const char *gw_role_name(gw_role role);
GW_API bool gw_role_from_name(const char *name, gw_role *out);
/* What the tensor at `index` is for, by its name and the names around it. */
GW_API gw_role gw_bundle_role(const gw_bundle *bundle, size_t index);

GW_API gw_status gw_regex_compile(const char *pattern, size_t length, gw_regex **out, gw_error *error);
GW_API void gw_regex_free(gw_regex *regex);
/* re.search: *found. GW_LIMIT when matching takes too many steps. */
GW_API gw_status gw_regex_search(const gw_regex *regex, const char *text, size_t length, bool *found, gw_error *error);
/* re.search with groups: *count groups (0: no match), group 0 the whole; a group that took no part has data NULL. The
 * spans point into `text`; the array lives until the next call on this regex. */
GW_API gw_status gw_regex_groups(gw_regex *regex, const char *text, size_t length, const gw_span **groups, size_t *count,
                                 gw_error *error);
/* re.sub with $1, ${1}, ${name}, $$. *out is the caller's (gw_free), NUL-ended; *replaced how many matches. */
GW_API gw_status gw_regex_replace(gw_regex *regex, const char *text, size_t length, const char *replacement,
                                  size_t replacement_length, char **out, size_t *out_length, size_t *replaced,
                                  gw_error *error);

GW_API gw_status gw_draft_new(gw_draft **out, gw_error *error);                       /* empty, name-based */
GW_API gw_status gw_draft_from_bundle(gw_bundle *bundle, gw_draft **out, gw_error *error);
GW_API gw_status gw_draft_copy(const gw_draft *draft, gw_draft **out, gw_error *error);
GW_API gw_draft *gw_draft_retain(gw_draft *draft);
GW_API void gw_draft_release(gw_draft *draft);
GW_API bool gw_draft_is_objects(const gw_draft *draft);
GW_API gw_bundle *gw_draft_bundle(const gw_draft *draft); /* where it was opened from, or NULL; until the draft goes */
GW_API size_t gw_draft_count(const gw_draft *draft);
GW_API bool gw_draft_edited(const gw_draft *draft);
/* Another number after every edit, for whoever wants to know whether there was one. */
GW_API uint64_t gw_draft_edits(const gw_draft *draft);
/* True when a tensor of the draft reads from `bundle`. */
GW_API bool gw_draft_reads(const gw_draft *draft, const gw_bundle *bundle);
GW_API bool gw_draft_has(const gw_draft *draft, const char *name, size_t length);
/* *out is a counted reference of the caller's. */
GW_API gw_status gw_draft_get(gw_draft *draft, const char *name, size_t length, gw_tensor **out, gw_error *error);
/* `line` is the recipe's "file:line" that asked, or NULL; it is remembered for the plan. */
GW_API gw_status gw_draft_set(gw_draft *draft, const char *name, size_t length, gw_tensor *tensor, const char *line,
                              gw_error *error);
GW_API gw_status gw_draft_remove(gw_draft *draft, const char *name, size_t length, const char *line, gw_error *error);
GW_API gw_role gw_draft_role(const gw_draft *draft, const char *name, size_t length);
/* The `limit` names nearest to `name`, nearest first, as "a", "b": for messages. Writes at most `size` bytes. */
GW_API void gw_draft_nearest(const gw_draft *draft, const char *name, size_t length, size_t limit, char *out, size_t size);

/* Names in key order. The array is the caller's (gw_free); its texts live until the draft is edited or goes. */
GW_API gw_status gw_draft_names(gw_draft *draft, gw_span **names, size_t *count, gw_error *error);

/* Which tensors: any of `regexes` is found in the name, or the role is one of `roles` (bits 1 << role). */
typedef struct gw_which {
  gw_regex *const *regexes;
  size_t regex_count;
  uint32_t roles;
} gw_which;
GW_API gw_status gw_draft_select(gw_draft *draft, const gw_which *which, gw_span **names, size_t *count,
                                 gw_error *error); /* as gw_draft_names */
GW_API gw_status gw_draft_drop(gw_draft *draft, const gw_which *which, const char *line, size_t *count, gw_error *error);
GW_API gw_status gw_draft_keep_only(gw_draft *draft, const gw_which *which, const char *line, size_t *count,
                                    gw_error *error); /* *count: how many were kept */

/* Renames, all at once: a swap works, two tensors with one name are an error that names both. *count: how many names
 * were meant (matched), whether or not they changed. */
typedef struct gw_rename_pair {
  gw_regex *regex;
  gw_span replacement;
} gw_rename_pair;
GW_API gw_status gw_draft_rename_regex(gw_draft *draft, const gw_rename_pair *pairs, size_t pair_count, const char *line,
                                       size_t *count, gw_error *error); /* first pair that matches applies */
GW_API gw_status gw_draft_rename_exact(gw_draft *draft, const gw_span *from, const gw_span *to, size_t pair_count,
                                       const char *line, size_t *count, gw_error *error);
GW_API gw_status gw_draft_rename_scope(gw_draft *draft, const char *from, size_t from_length, const char *to,
                                       size_t to_length, const char *line, size_t *count, gw_error *error);
/* Adds all tensors of `other`, which stays as it is. */
GW_API gw_status gw_draft_merge(gw_draft *draft, gw_draft *other, const char *line, gw_error *error);

/* One rule of an assignment map (tf.compat.v1.train.init_from_checkpoint): a name to a name, to a variable that is there as
 * NAME/part_0, NAME/part_1, ..., or to a list of names that are its parts; or, when both end in '/', a scope to a scope ("/" is
 * the root). Names of an object-based draft may leave out "/.ATTRIBUTES/VARIABLE_VALUE"; scopes there mean variables only. */
typedef struct gw_assign_rule {
  gw_span from;
  gw_tensor *tensor; /* put there in place of the source's tensor `from`, which then is for messages only; or NULL */
  const gw_span *to;
  size_t to_count;
} gw_assign_rule;
/* Every tensor that the rules mean takes over the source's; of two rules for one tensor the later counts. `optional`: what the
 * source lacks is passed over, and so is a scope without tensors. On failure nothing is edited. *count: how many tensors. */
GW_API gw_status gw_draft_assign(gw_draft *target, gw_draft *source, const gw_assign_rule *rules, size_t rule_count, bool optional,
                                 const char *line, size_t *count, gw_error *error);

/* ---- Level 3: the object graph of a draft ------------------------------------------------------------------------ */

/* Nodes are numbers that stay what they are while the draft lives, also when nothing leads to them any more. Names are
 * unescaped UTF-8. Names of tensors and numbers in the file follow from the structure, as TensorFlow derives them; those
 * functions above that cannot fail (has, count, role, nearest) know them only after gw_draft_settle. */
GW_API gw_status gw_draft_settle(gw_draft *draft, gw_error *error);
GW_API gw_status gw_draft_new_objects(gw_draft **out, gw_error *error); /* with an empty root */
/* For looking, with the functions of gw_graph; until the draft goes. GW_INVALID for a name-based draft. */
GW_API gw_status gw_draft_graph(gw_draft *draft, const gw_graph **graph, gw_error *error);
/* `sorted`: the root's children are kept in the order of their names, save_counter last, as Checkpoint(**kwargs) does. */
GW_API gw_status gw_draft_set_root(gw_draft *draft, uint32_t node, bool sorted, const char *line, gw_error *error);
GW_API gw_status gw_draft_new_node(gw_draft *draft, uint32_t *node, gw_error *error);
GW_API gw_status gw_draft_new_variable(gw_draft *draft, gw_tensor *tensor, const char *full_name, size_t length, const char *line,
                                       uint32_t *node, gw_error *error);
/* Which child this is, or SIZE_MAX. */
GW_API size_t gw_draft_find_child(gw_draft *draft, uint32_t node, const char *name, size_t length);
/* A child of this name is led elsewhere in its place; a new one goes last. */
GW_API gw_status gw_draft_link(gw_draft *draft, uint32_t node, const char *name, size_t length, uint32_t child, const char *line,
                               gw_error *error);
GW_API gw_status gw_draft_unlink(gw_draft *draft, uint32_t node, size_t nth, const char *line, gw_error *error);
/* In its place. The name must be free. */
GW_API gw_status gw_draft_rename_child(gw_draft *draft, uint32_t node, size_t nth, const char *name, size_t length,
                                       const char *line, gw_error *error);
/* order[i]: which child comes to place i; every child once. With its name, or (reorder) under the name of the place. */
GW_API gw_status gw_draft_order_children(gw_draft *draft, uint32_t node, const size_t *order, const char *line, gw_error *error);
GW_API gw_status gw_draft_reorder(gw_draft *draft, uint32_t node, const size_t *order, const char *line, gw_error *error);
GW_API bool gw_draft_is_variable(gw_draft *draft, uint32_t node);
GW_API gw_status gw_draft_node_tensor(gw_draft *draft, uint32_t node, gw_tensor **out, gw_error *error); /* counted */
GW_API gw_status gw_draft_set_node_tensor(gw_draft *draft, uint32_t node, gw_tensor *tensor, const char *line, gw_error *error);
GW_API gw_status gw_draft_set_full_name(gw_draft *draft, uint32_t node, const char *name, size_t length, const char *line,
                                        gw_error *error);
/* The key's part for this node, "" for the root; *out is the caller's (gw_free). GW_NOT_FOUND when nothing leads to it. */
GW_API gw_status gw_draft_node_path(gw_draft *draft, uint32_t node, char **out, gw_error *error);
/* The full name for a new variable of this tensor: that of the one variable that it is read from, else "Variable". */
GW_API gw_status gw_draft_full_name_for(gw_draft *draft, const gw_tensor *tensor, char **out, gw_error *error);

/* Slots of an optimizer: slot edges (TF1, Keras before 2.11), or lists by position (Keras since 2.11). */
typedef struct gw_slot_entry {
  gw_span name; /* "m" */
  uint32_t variable, slot;
} gw_slot_entry;
GW_API gw_status gw_draft_slots(gw_draft *draft, uint32_t optimizer, gw_slot_entry **slots, size_t *count, gw_error *error);
GW_API bool gw_draft_is_positional(gw_draft *draft, uint32_t optimizer);
/* Replaces the slot's value, or adds a slot edge. */
GW_API gw_status gw_draft_set_slot(gw_draft *draft, uint32_t optimizer, uint32_t variable, const char *name, size_t length,
                                   gw_tensor *tensor, const char *line, gw_error *error);
/* A node of another draft with all that hangs below it. What is copied twice is copied once; slots come along as soon as
 * their optimizer and their variable have. */
GW_API gw_status gw_draft_copy_node(gw_draft *draft, gw_draft *from, uint32_t node, const char *line, uint32_t *out, gw_error *error);
/* The paths of all edges ("model/layer-0"), breadth-first, as rename sees them. *paths and *memory are the caller's. */
GW_API gw_status gw_draft_edge_paths(gw_draft *draft, gw_span **paths, size_t *count, char **memory, gw_error *error);

/* ---- Restoring one draft from another: what TensorFlow would do -------------------------------------------------- */

/* What restoring would do or did, in TensorFlow's own words. Four pairs: objects into objects by structure; names into
 * objects by full name; objects into names as Saver.restore does, by names, then by full names; names into names. */
typedef struct gw_report gw_report;

typedef enum gw_report_list {
  GW_REPORT_MISSING = 0, /* the target has it and the source gives nothing */
  GW_REPORT_UNEXPECTED,  /* the source has it and the target takes nothing */
  GW_REPORT_MISMATCHED,  /* TensorFlow raises an error */
  GW_REPORT_RESTORED,
  GW_REPORT_NOTES        /* what a user should know; what a file cannot tell */
} gw_report_list;
#define GW_REPORT_LISTS 5

typedef struct gw_report_item {
  const char *name;   /* of the object, as TensorFlow's messages name it: "(root).model.kernel"; NULL: none */
  gw_span key;        /* the tensor's name: of the source for what is unexpected, else of the target; may be empty */
  gw_span from;       /* of what is restored: the source's name */
  const char *reason; /* NULL: none is needed */
} gw_report_item;

/* `from` is a node of the source's graph, `into` of the target's: both must be object-based then. Nothing is edited. */
GW_API gw_status gw_draft_like(gw_draft *source, gw_draft *target, const gw_match_options *options, gw_report **out,
                               gw_error *error);
/* Puts the source's tensors into the target, slot variables and tables included, slots that TensorFlow would make, too; what
 * the source lacks keeps its value.
 * GW_INVALID, and nothing is edited, where TensorFlow would raise. *report may be asked for with a NULL pointer to it. */
GW_API gw_status gw_draft_restore(gw_draft *target, gw_draft *source, const gw_match_options *options, const char *line,
                                  gw_report **report, gw_error *error);
/* The node at the end of a path of escaped names from the root, as keys have it ("model/layer-0"; "" is the root). */
GW_API gw_status gw_draft_find_node(gw_draft *draft, const char *path, size_t length, uint32_t *node, gw_error *error);
GW_API void gw_report_free(gw_report *report);
GW_API bool gw_report_consumed(const gw_report *report); /* assert_consumed */
GW_API bool gw_report_existing(const gw_report *report); /* assert_existing_objects_matched */
GW_API bool gw_report_raises(const gw_report *report);   /* restoring itself: then neither of the above */
GW_API bool gw_report_by_names(const gw_report *report); /* one of the two is name-based */
GW_API gw_match_mode gw_report_mode(const gw_report *report);
GW_API size_t gw_report_count(const gw_report *report, gw_report_list list);
GW_API void gw_report_at(const gw_report *report, gw_report_list list, size_t index, gw_report_item *out);

/* ---- Level 4: plans and runs ----------------------------------------------------------------------------------- */

typedef enum gw_data_mode { GW_DATA_COPY = 0, GW_DATA_CLONE, GW_DATA_LINK } gw_data_mode;
typedef enum gw_verify { GW_VERIFY_DEFAULT = 0, GW_VERIFY_NONE, GW_VERIFY_ALL } gw_verify;

typedef struct gw_plan_options {
  size_t size;
  gw_data_mode data;
  int32_t shards;      /* 0: as the input */
  gw_verify verify;    /* default: what is copied */
} gw_plan_options;
#define GW_PLAN_OPTIONS_INIT {sizeof(gw_plan_options), GW_DATA_COPY, 0, GW_VERIFY_DEFAULT}

typedef enum gw_action { GW_ACTION_UNCHANGED = 0, GW_ACTION_RENAMED, GW_ACTION_COMPUTED, GW_ACTION_NEW } gw_action;
GW_API const char *gw_action_name(gw_action action);

typedef struct gw_plan gw_plan; /* a draft compiled: data, nothing else */

/* Checks the draft and lays it out. The plan keeps what it needs of the draft; editing that later changes nothing. */
GW_API gw_status gw_plan_compile(gw_draft *draft, const gw_plan_options *options, gw_plan **out, gw_error *error);
GW_API void gw_plan_free(gw_plan *plan);
GW_API size_t gw_plan_count(const gw_plan *plan);
GW_API int32_t gw_plan_shards(const gw_plan *plan);
GW_API bool gw_plan_is_objects(const gw_plan *plan);

typedef struct gw_plan_entry {
  gw_span name;              /* lives as long as the plan, as do the pointers below */
  const gw_tensor *tensor;
  gw_action action;
  size_t from_count;
  const gw_span *from;       /* names in the inputs; until the next call on this plan */
  gw_span replaces;          /* the input's tensor of this name that is gone, or empty */
  const char *expression;    /* readable; until the next call on this plan */
  const char *line;          /* the recipe's "file:line", or NULL */
  int32_t shard;             /* of a partitioned tensor: of its first slice */
  uint64_t bytes;            /* in the data files */
  size_t slices;             /* 0: it is written whole */
} gw_plan_entry;
GW_API gw_status gw_plan_entry_at(gw_plan *plan, size_t index, gw_plan_entry *out, gw_error *error); /* in key order */
GW_API gw_action gw_plan_action_at(const gw_plan *plan, size_t index); /* of that entry, for who wants no more of it */
/* The slice that is listed as the `nth` of this entry; without crc32c, which is not known before it is written. */
GW_API void gw_plan_slice(const gw_plan *plan, size_t index, size_t nth, gw_slice_info *out);

typedef struct gw_plan_dropped {
  gw_span name;
  const char *line; /* or NULL */
} gw_plan_dropped;
GW_API size_t gw_plan_dropped_count(const gw_plan *plan);
GW_API void gw_plan_dropped_at(const gw_plan *plan, size_t index, gw_plan_dropped *out);

typedef struct gw_plan_totals {
  uint64_t bytes_computed, bytes_moved, bytes_shared, bytes_unverified;
  size_t unchanged, renamed, computed, added, dropped; /* tensors */
} gw_plan_totals;
GW_API void gw_plan_totals_of(const gw_plan *plan, gw_plan_totals *out);

#define GW_DEFAULT_MEMORY ((uint64_t)64 << 20)

typedef struct gw_run_options {
  size_t size;
  bool force;        /* replace an existing checkpoint */
  bool latest;       /* make it what tf.train.latest_checkpoint finds */
  unsigned threads;  /* 0: one per core */
  uint64_t memory;   /* bytes for buffers; 0: GW_DEFAULT_MEMORY */
  double timestamp;  /* seconds since 1970, for the state file with latest; 0: none is written */
  bool lineage;      /* gw_run_set_lineage will be called */
} gw_run_options;
#define GW_RUN_OPTIONS_INIT {sizeof(gw_run_options), false, false, 0, 0, 0, false}

/* A run writes one plan to one prefix, in two steps: everything is written aside while gw_run_wait is called, then
 * gw_run_commit moves it into place. Freed before that, it leaves nothing behind. */
typedef struct gw_run gw_run;
GW_API gw_status gw_run_start(gw_plan *plan, const char *prefix, const gw_run_options *options, gw_run **out,
                              gw_error *error);
/* Waits at most `milliseconds`; *finished when all is written and synced. Errors of the work are returned here. */
GW_API gw_status gw_run_wait(gw_run *run, unsigned milliseconds, bool *finished, gw_error *error);
GW_API void gw_run_progress(gw_run *run, uint64_t *done, uint64_t *total); /* bytes */
GW_API void gw_run_cancel(gw_run *run); /* from any thread; gw_run_wait then returns GW_CANCELLED */
/* Once all is written: where the index waits until the commit, for whoever wants its checksum; and the text of
 * PREFIX.godwit.json, which says where the checkpoint comes from and is moved into place with it. */
GW_API const char *gw_run_index_path(const gw_run *run);
GW_API gw_status gw_run_set_lineage(gw_run *run, const char *text, size_t size, gw_error *error);
GW_API gw_status gw_run_commit(gw_run *run, gw_error *error);
/* One line each about what the user should know ("the .meta was left out"), or NULL after the last. */
GW_API const char *gw_run_note(const gw_run *run, size_t index);
GW_API void gw_run_free(gw_run *run);

/* Checks every checksum and bound of a checkpoint: structure, then data. The same three calls as a run. */
typedef struct gw_verification gw_verification;
typedef struct gw_finding {
  bool fatal;        /* false: odd, but nothing is lost */
  gw_error error;
} gw_finding;
GW_API gw_status gw_verify_start(const char *prefix, unsigned threads, gw_verification **out, gw_error *error);
GW_API gw_status gw_verify_wait(gw_verification *verification, unsigned milliseconds, bool *finished, gw_error *error);
GW_API void gw_verify_progress(gw_verification *verification, uint64_t *done, uint64_t *total);
GW_API void gw_verify_cancel(gw_verification *verification);
/* After it has finished: what was found, in the order of the files. False after the last. */
GW_API bool gw_verify_finding(const gw_verification *verification, size_t index, gw_finding *out);
GW_API size_t gw_verify_tensors(const gw_verification *verification);
GW_API void gw_verify_free(gw_verification *verification);

/* What differs between two checkpoints, name by name: dtypes, shapes, values. Everything that is compared is read and its
 * checksums are checked: equal checksums prove nothing. The same three calls as a run. */
typedef enum gw_diff_kind {
  GW_DIFF_SAME = 0,
  GW_DIFF_REMOVED, /* only in a */
  GW_DIFF_ADDED,   /* only in b */
  GW_DIFF_TYPE,    /* dtype or shape */
  GW_DIFF_VALUES
} gw_diff_kind;
/* "removed", ... */
GW_API const char *gw_diff_kind_name(gw_diff_kind kind);

/* Numbers agree when |a - b| <= atol + rtol * |b|, when both are NaN or the same infinity (numpy.isclose with equal_nan);
 * of complex ones the modulus counts. Without tolerances only equal ones do, 0.0 and -0.0 among them. Strings, and bytes
 * of dtypes that are not interpreted, agree when they are equal. */
typedef struct gw_diff_options {
  size_t size;
  double rtol, atol;     /* finite, not negative */
  unsigned threads;      /* 0: one per core */
  const gw_which *which; /* only these, by their names and roles in either; NULL: all. Used during the call */
} gw_diff_options;
#define GW_DIFF_OPTIONS_INIT {sizeof(gw_diff_options), 0, 0, 0, NULL}

typedef struct gw_diff_row {
  gw_span name;             /* lives as long as the diff */
  gw_diff_kind kind;
  size_t a, b;              /* positions in the bundles; SIZE_MAX: not there */
  size_t twin;              /* of an added tensor: a removed one, and the other way round, with the same dtype, shape and
                             * stored checksum, which may be the same one renamed; else SIZE_MAX */
  gw_difference difference; /* of GW_DIFF_VALUES; count 0 where only stored bytes were compared */
} gw_diff_row;

typedef struct gw_diff gw_diff;
/* The bundles are retained, and nobody else's until the work has finished. GW_INVALID for a tolerance that is none. */
GW_API gw_status gw_diff_start(gw_bundle *a, gw_bundle *b, const gw_diff_options *options, gw_diff **out, gw_error *error);
/* Errors: GW_CORRUPT where a checksum does not match, as when the tensor is read. */
GW_API gw_status gw_diff_wait(gw_diff *diff, unsigned milliseconds, bool *finished, gw_error *error);
GW_API void gw_diff_progress(gw_diff *diff, uint64_t *done, uint64_t *total); /* bytes of both */
GW_API void gw_diff_cancel(gw_diff *diff);
/* After it has finished: the names of both, in the order of their bytes. */
GW_API size_t gw_diff_count(const gw_diff *diff);
GW_API void gw_diff_at(const gw_diff *diff, size_t index, gw_diff_row *out);
GW_API void gw_diff_free(gw_diff *diff);

/* Statistics of many tensors at once, on all cores. The same three calls as a run. Data is read twice where the histogram needs
 * it: what lies between minimum and maximum can only be counted once those are known. */
#define GW_HISTOGRAM_BINS 16
typedef struct gw_statistics gw_statistics;
/* The tensors at `positions`. Those without numbers, and those whose slices do not cover them, have no statistics. The bundle is
 * retained, and nobody else's until the work has finished. */
GW_API gw_status gw_statistics_start(gw_bundle *bundle, const size_t *positions, size_t count, unsigned threads,
                                     gw_statistics **out, gw_error *error);
/* Errors: GW_CORRUPT where a checksum does not match. */
GW_API gw_status gw_statistics_wait(gw_statistics *statistics, unsigned milliseconds, bool *finished, gw_error *error);
GW_API void gw_statistics_progress(gw_statistics *statistics, uint64_t *done, uint64_t *total); /* bytes to read */
GW_API void gw_statistics_cancel(gw_statistics *statistics);
/* After it has finished, of the nth position: false when it has none. *bins: how many finite elements lie in each of
 * GW_HISTOGRAM_BINS equal parts between minimum and maximum, or NULL where those are equal or not known; until it is freed. */
GW_API bool gw_statistics_at(const gw_statistics *statistics, size_t nth, gw_stats *out, const uint64_t **bins);
GW_API void gw_statistics_free(gw_statistics *statistics);

/* ---- The `checkpoint` state file ------------------------------------------------------------------------------- */

typedef struct gw_state gw_state; /* CheckpointState, as parsed */
/* Reads FOLDER/checkpoint. */
GW_API gw_status gw_state_read(const char *folder, gw_state **out, gw_error *error);
GW_API gw_status gw_state_parse(const char *text, size_t length, gw_state **out, gw_error *error);
GW_API const char *gw_state_latest(const gw_state *state); /* as stored */
GW_API size_t gw_state_count(const gw_state *state);
GW_API const char *gw_state_path(const gw_state *state, size_t index);
GW_API void gw_state_free(gw_state *state);

#ifdef __cplusplus
}
#endif

#endif

/* The lazy tensor: an immutable, counted expression, checked for dtype and shape when it is made. Leaves read from a
 * source, of which expr knows only the table of functions below. Used by bundle (makes leaves), draft, plan, run.
 * README.md says how an operation is added. */
#ifndef GODWIT_EXPR_EXPR_H
#define GODWIT_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../godwit.h"
#include "../tensor/kernels.h"

/* Where leaves get their elements. `read` and `check` may be called from several threads at once. */
typedef struct gw_source_ops {
  /* `count` elements from `first` on, host order, no checksum. Not for strings and variants. */
  gw_status (*read)(void *source, size_t index, uint64_t first, uint64_t count, void *out, gw_error *error);
  /* Reads all stored bytes of the tensor and compares every checksum. */
  gw_status (*check)(void *source, size_t index, gw_error *error);
  /* True when the elements in host order are the stored bytes, in one piece: *crc is their checksum, unmasked. */
  bool (*plain_crc)(void *source, size_t index, uint32_t *crc);
  /* What is wrong with a tensor whose plain checksum is `found`: fills the error. */
  gw_status (*mismatch)(void *source, size_t index, uint32_t found, gw_error *error);
  /* The stored form of a string or variant tensor, checksums checked, appended. */
  gw_status (*read_stored)(void *source, size_t index, gw_buf *out, gw_error *error);
  /* In how many slices the tensor is stored; 0: whole. *partial: they do not cover it. */
  size_t (*slices)(void *source, size_t index, bool *partial);
  void (*slice)(void *source, size_t index, size_t nth, int64_t *starts, int64_t *lengths); /* every axis spelled out */
  void (*describe)(void *source, size_t index, gw_buf *out); /* "model.ckpt-7:name" */
  void (*name)(void *source, size_t index, gw_span *out);    /* the key alone */
  void (*retain)(void *source);
  void (*release)(void *source);
} gw_source_ops;

typedef enum gw_op {
  GW_OP_LEAF,      /* source, index */
  GW_OP_CONSTANT,  /* bytes: elements, or the stored form of strings */
  GW_OP_FILL,      /* bytes: one element */
  GW_OP_RANDOM,
  GW_OP_CAST,
  GW_OP_UNARY,     /* function */
  GW_OP_BINARY,    /* function */
  GW_OP_CLIP,      /* low, high */
  GW_OP_MEAN,      /* weights or NULL */
  GW_OP_RESHAPE,   /* also squeeze and expand_dims: the elements stay in their order */
  GW_OP_TRANSPOSE, /* numbers: perm */
  GW_OP_SLICE,     /* numbers: begin */
  GW_OP_GATHER,    /* numbers: indices, then perhaps their places in ascending order; axis; a second operand (a scalar, or of the
                    * result's shape) has what is put where the index is -1 */
  GW_OP_PAD,       /* numbers: before; low: the element */
  GW_OP_CONCAT,    /* axis; `stacked`: the operands are expand_dims of what was given */
  GW_OP_PARTITION  /* numbers: in how many slices it is saved (1: whole); axis. The elements are the operand's */
} gw_op;

/* What makes a tensor out of others, or of nothing. */
typedef struct gw_how {
  struct gw_tensor **operands; /* counted */
  size_t operand_count;
  int64_t *numbers;
  size_t number_count;
  int64_t axis;
  int function;
  bool stacked;
  double *weights;
  _Alignas(16) uint8_t low[16], high[16];
  gw_random random;
} gw_how;

/* A leaf below an expression. */
typedef struct gw_leaf_use {
  const struct gw_tensor *leaf;
  bool once; /* evaluating the whole tensor, in whatever boxes, reads every byte of the leaf exactly once */
} gw_leaf_use;

struct gw_tensor {
  uint32_t references;
  gw_op op;
  int dtype;
  size_t rank;
  int64_t *dims;
  uint64_t elements;
  uint64_t stored;            /* bytes in a file */
  const gw_source_ops *ops;   /* LEAF */
  void *source;
  size_t index;
  uint8_t *bytes;             /* CONSTANT, FILL; computed strings once they are measured: the stored form */
  size_t size;
  uint32_t crc;               /* CONSTANT, measured strings: of the stored form, unmasked */
  uint32_t depth;             /* operations on the longest way down to a leaf */
  uint64_t work;              /* operations that one element takes, shared ones counted as often as they are evaluated */
  size_t scratch;             /* bytes that evaluating takes for each element, beside the result */
  gw_how *how;                /* the others */
  gw_leaf_use *leaves;        /* distinct, from left to right */
  size_t leaf_count;
  gw_leaf_use self;           /* LEAF */
  bool borrowed;              /* `leaves` are those of the first operand */
  char *origin;               /* made on first use */
};

enum {
  GW_MAX_DEPTH = 1000,        /* the recursion of everything that walks down an expression */
  GW_MAX_WORK = 1000000,      /* t = t + t, forty times over, would never end */
  GW_MAX_PARTS = 10000        /* of a partition: TensorFlow's own take a variable each */
};

/* ---- expr.c */

/* A leaf; `source` is retained. `stored` is its size in a file. */
gw_status gw__expr_leaf(const gw_source_ops *ops, void *source, size_t index, int dtype, size_t rank, const int64_t *dims,
                        uint64_t stored, gw_tensor **out, gw_error *error);
/* A tensor without content: dims copied, elements counted. */
gw_status gw__expr_make(gw_op op, int dtype, size_t rank, const int64_t *dims, gw_tensor **out, gw_error *error);
/* True for dtypes whose tensors are more than bytes to be kept: strings, and elements of a fixed size. */
bool gw__expr_can_move(const gw_tensor *tensor);
/* Calls `visit` order: the leaves below `tensor`, left to right, one a call; *cursor starts at 0. False: no more. */
bool gw__expr_leaves(const gw_tensor *tensor, size_t *cursor, const gw_tensor **leaf);

/* ---- make.c */

/* The slice `nth` (by position) of `parts`, along an axis of `size`, as tf.compat.v1's partitioners cut: the first
 * size % parts have one more. */
void gw__partition_extent(int64_t size, int64_t parts, int64_t nth, int64_t *start, int64_t *length);
/* A box of a tensor that is evaluated beside all its other boxes, each once: the sums of what they read add up to the
 * checksums of the leaves. */
gw_status gw__expr_part(gw_tensor *tensor, const int64_t *start, const int64_t *size, gw_tensor **out, gw_error *error);

/* ---- text.c */

/* A readable expression, as a plan prints it: "cast(bert/kernel, bfloat16)", "zeros([3], float32)", appended. */
void gw__put_expression(gw_buf *out, const gw_tensor *tensor);
/* How a constant is written; `float32[2,3]` for what an operation was given. */
void gw__put_constant(gw_buf *out, const gw_tensor *tensor);
void gw__put_type(gw_buf *out, const gw_tensor *tensor);

/* ---- eval.c: boxes of a tensor's elements. Dense, row-major, host order. */

/* What was read of a leaf: parts in any order add up to its checksum once all of it was read. */
typedef struct gw_leaf_sum {
  uint64_t bytes;
  uint32_t crc;
} gw_leaf_sum;

typedef struct gw_eval_block gw_eval_block;
typedef struct gw_eval_strings gw_eval_strings;
/* Scratch memory of one thread. Zeroed is empty. */
typedef struct gw_eval {
  size_t budget;            /* bytes of scratch to aim at */
  gw_eval_block *blocks;
  gw_eval_strings *strings; /* the string leaves that have been read */
  const gw_tensor *root;    /* of the call */
  gw_leaf_sum *sums;        /* one for each of root's leaves, or NULL */
} gw_eval;
void gw__eval_start(gw_eval *eval, size_t budget); /* 0: a default that fits the caches */
void gw__eval_end(gw_eval *eval);
/* Elements [first, first + count) to `out`; what is read of the leaves is added to `sums` (leaf_count of them, or NULL). */
gw_status gw__eval_flat(gw_eval *eval, const gw_tensor *tensor, uint64_t first, uint64_t count, void *out, gw_leaf_sum *sums,
                        gw_error *error);
gw_status gw__eval_box(gw_eval *eval, const gw_tensor *tensor, const int64_t *start, const int64_t *size, void *out,
                       gw_leaf_sum *sums, gw_error *error);
/* True when the checksum of this leaf comes out of the sums; others have to be checked by themselves. */
bool gw__leaf_is_summed(const gw_leaf_use *use);
/* Compares the sums of a tensor that has been evaluated whole. */
gw_status gw__sums_check(const gw_tensor *tensor, const gw_leaf_sum *sums, gw_error *error);
/* Checks the leaves that the sums do not cover. */
gw_status gw__leaves_check(const gw_tensor *tensor, gw_error *error);

/* ---- shape.c: in which boxes a tensor is best evaluated */

typedef struct gw_access {
  double *strides; /* per axis: how far apart in a file two neighbours are, about */
  bool *whole;     /* per axis: best taken in full, as where columns are gathered */
  bool flat;       /* the file has the order of the result: any range is as good as a box */
} gw_access;
gw_status gw__access_of(const gw_tensor *tensor, gw_access *out, gw_error *error);
void gw__access_free(gw_access *access);
/* The size of boxes inside of `extent` with at most `most` elements: long runs in the file and in the result. `tile`: the
 * box is written, so runs of the result go first; else it only passes through the caches. */
void gw__access_shape(const gw_tensor *tensor, const gw_access *access, const int64_t *extent, uint64_t most, bool tile,
                      int64_t *size);

/* ---- values.c: for strings */

/* gw_tensor_measure with what `eval` has read already: of many parts of one tensor. A leaf is measured too. */
gw_status gw__expr_measure(gw_eval *eval, gw_tensor *tensor, gw_error *error);

/* Bytes [first, first + size) of the stored form of a string tensor that is a constant or was measured. */
void gw__expr_stored(const gw_tensor *tensor, uint64_t first, size_t size, void *out);

#endif

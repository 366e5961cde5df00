/* The lazy tensor: an immutable, counted expression, checked for dtype and shape when it is made. Leaves read from a
 * source, of which expr knows only the table of functions below. Used by bundle (makes leaves), draft, plan, run. */
#ifndef GODWIT_EXPR_EXPR_H
#define GODWIT_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../godwit.h"

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
  void (*describe)(void *source, size_t index, gw_buf *out); /* "model.ckpt-7:name" */
  void (*name)(void *source, size_t index, gw_span *out);    /* the key alone */
  void (*retain)(void *source);
  void (*release)(void *source);
} gw_source_ops;

typedef enum gw_op {
  GW_OP_LEAF,     /* source, index */
  GW_OP_CONSTANT, /* bytes: elements, or the stored form of strings */
  GW_OP_FILL      /* bytes: one element */
} gw_op;

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
  uint8_t *bytes;             /* CONSTANT, FILL */
  size_t size;
  uint32_t crc;               /* CONSTANT: of the stored form, unmasked */
  char *origin;               /* made on first use */
};

/* A leaf; `source` is retained. `stored` is its size in a file. */
gw_status gw__expr_leaf(const gw_source_ops *ops, void *source, size_t index, int dtype, size_t rank, const int64_t *dims,
                        uint64_t stored, gw_tensor **out, gw_error *error);
/* A readable expression, as a plan prints it: "bert/kernel", "zeros([3], float32)", appended. */
void gw__put_expression(gw_buf *out, const gw_tensor *tensor);
/* Calls `visit` order: the leaves below `tensor`, left to right, one a call; *cursor starts at 0. False: no more. */
bool gw__expr_leaves(const gw_tensor *tensor, size_t *cursor, const gw_tensor **leaf);
/* Bytes [first, first + size) of the stored form of a tensor that is not a string leaf, for writing. */
gw_status gw__expr_read_bytes(const gw_tensor *tensor, uint64_t first, size_t size, void *out, gw_error *error);

#endif

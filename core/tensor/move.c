/* Elements from one place of memory to another: boxes in and out of larger ones, axes in another order, repeated. All of it is
 * one strided copy, which looks for the longest runs first. */
#include <string.h>

#include "kernels.h"

/* Axes of a copy; strides in elements. */
typedef struct gw_axes {
  size_t rank;
  int64_t size[GW_MAX_RANK], in[GW_MAX_RANK], out[GW_MAX_RANK];
} gw_axes;

/* Axes of one element count for nothing, and neighbours that follow each other on both sides are one. */
static bool add_axis(gw_axes *axes, int64_t size, int64_t in, int64_t out) {
  if (size == 1) return true;
  if (size == 0) return false;
  size_t last = axes->rank - 1;
  if (axes->rank > 0 && axes->in[last] == size * in && axes->out[last] == size * out) {
    axes->size[last] *= size;
    axes->in[last] = in;
    axes->out[last] = out;
    return true;
  }
  axes->size[axes->rank] = size;
  axes->in[axes->rank] = in;
  axes->out[axes->rank++] = out;
  return true;
}

/* ---- Inner loops, by width */

/* Whatever the elements are, only their width counts: these may alias anything. */
#define ANY __attribute__((may_alias))
typedef uint8_t ANY gw_any8;
typedef uint16_t ANY gw_any16;
typedef uint32_t ANY gw_any32;
typedef uint64_t ANY gw_any64;
typedef struct gw_any128 {
  uint64_t low, high;
} ANY gw_any128;

enum { TILE = 16 }; /* rows and columns that are turned around together: both sides stay in the first cache */

#define INNER(bits, T)                                                                                                      \
  static void line_##bits(int64_t count, const void *from, int64_t in, void *to, int64_t out) {                             \
    const T *source = from;                                                                                                 \
    T *target = to;                                                                                                         \
    for (int64_t i = 0; i < count; i++) target[i * out] = source[i * in];                                                   \
  }                                                                                                                         \
  /* `rows` lie `out` apart in the target and side by side in the source, `columns` the other way round. */                 \
  static void turn_##bits(int64_t rows, int64_t columns, const void *from, int64_t in, void *to, int64_t out) {             \
    const T *source = from;                                                                                                 \
    T *target = to;                                                                                                         \
    for (int64_t i = 0; i < rows; i += TILE)                                                                                \
      for (int64_t j = 0; j < columns; j += TILE) {                                                                         \
        int64_t bottom = rows - i < TILE ? rows : i + TILE, right = columns - j < TILE ? columns : j + TILE;                \
        for (int64_t row = i; row < bottom; row++)                                                                          \
          for (int64_t column = j; column < right; column++) target[row * out + column] = source[row + column * in];        \
      }                                                                                                                     \
  }
INNER(8, gw_any8)
INNER(16, gw_any16)
INNER(32, gw_any32)
INNER(64, gw_any64)
INNER(128, gw_any128)

/* Four by four in registers, for what nearly every tensor is made of: three times as fast as one by one (measured). */
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define GW_TURN_BLOCKS
#endif
#endif

#ifdef GW_TURN_BLOCKS
typedef uint32_t gw_four __attribute__((vector_size(16), aligned(1), may_alias));

static void turn_blocks(int64_t rows, int64_t columns, const gw_any32 *source, int64_t in, gw_any32 *target, int64_t out) {
  for (int64_t row = 0; row < rows; row += 4)
    for (int64_t column = 0; column < columns; column += 4) {
      const gw_any32 *from = source + row + column * in;
      gw_any32 *to = target + row * out + column;
      gw_four a, b, c, d;
      memcpy(&a, from, 16);
      memcpy(&b, from + in, 16);
      memcpy(&c, from + 2 * in, 16);
      memcpy(&d, from + 3 * in, 16);
      gw_four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
      gw_four ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      a = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
      b = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
      c = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
      d = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
      memcpy(to, &a, 16);
      memcpy(to + out, &b, 16);
      memcpy(to + 2 * out, &c, 16);
      memcpy(to + 3 * out, &d, 16);
    }
}

/* What the blocks leave over at the edges goes one by one. */
static void turn_fast_32(int64_t rows, int64_t columns, const void *from, int64_t in, void *to, int64_t out) {
  const gw_any32 *source = from;
  gw_any32 *target = to;
  int64_t whole_rows = rows & ~(int64_t)3, whole_columns = columns & ~(int64_t)3;
  for (int64_t i = 0; i < whole_rows; i += TILE)
    for (int64_t j = 0; j < whole_columns; j += TILE)
      turn_blocks(whole_rows - i < TILE ? whole_rows - i : TILE, whole_columns - j < TILE ? whole_columns - j : TILE,
                  source + i + j * in, in, target + i * out + j, out);
  turn_32(rows, columns - whole_columns, source + whole_columns * in, in, target + whole_columns, out);
  turn_32(rows - whole_rows, whole_columns, source + whole_rows, in, target + whole_rows * out, out);
}
#else
#define turn_fast_32 turn_32
#endif

static void line(size_t width, int64_t count, const void *from, int64_t in, void *to, int64_t out) {
  switch (width) {
    case 1: line_8(count, from, in, to, out); break;
    case 2: line_16(count, from, in, to, out); break;
    case 4: line_32(count, from, in, to, out); break;
    case 8: line_64(count, from, in, to, out); break;
    default: line_128(count, from, in, to, out);
  }
}

static void turn(size_t width, int64_t rows, int64_t columns, const void *from, int64_t in, void *to, int64_t out) {
  switch (width) {
    case 1: turn_8(rows, columns, from, in, to, out); break;
    case 2: turn_16(rows, columns, from, in, to, out); break;
    case 4: turn_fast_32(rows, columns, from, in, to, out); break;
    case 8: turn_64(rows, columns, from, in, to, out); break;
    default: turn_128(rows, columns, from, in, to, out);
  }
}

/* ---- The copy */

/* What the innermost loop does: the last axis alone, or, where the axis that is dense in the source is another one, both. */
static void copy_inner(size_t width, const gw_axes *axes, size_t other, const uint8_t *from, uint8_t *to) {
  size_t last = axes->rank - 1;
  if (other < last)
    turn(width, axes->size[other], axes->size[last], from, axes->in[last], to, axes->out[other]);
  else if (axes->in[last] == 1 && axes->out[last] == 1)
    memcpy(to, from, (size_t)axes->size[last] * width);
  else
    line(width, axes->size[last], from, axes->in[last], to, axes->out[last]);
}

static void copy(size_t width, gw_axes *axes, const uint8_t *from, uint8_t *to) {
  if (axes->rank == 0) {
    memcpy(to, from, width);
    return;
  }
  size_t last = axes->rank - 1, other = last;
  for (size_t i = 0; i < last && axes->out[last] == 1 && axes->in[last] != 1; i++)
    if (axes->in[i] == 1) other = i;
  int64_t at[GW_MAX_RANK];
  memset(at, 0, axes->rank * sizeof *at);
  for (;;) {
    copy_inner(width, axes, other, from, to);
    size_t axis = last;
    while (axis-- > 0) {
      if (axis == other) continue;
      from += (ptrdiff_t)width * axes->in[axis];
      to += (ptrdiff_t)width * axes->out[axis];
      if (++at[axis] < axes->size[axis]) break;
      from -= (ptrdiff_t)width * axes->in[axis] * axes->size[axis];
      to -= (ptrdiff_t)width * axes->out[axis] * axes->size[axis];
      at[axis] = 0;
    }
    if (axis == SIZE_MAX) return; /* every axis has come round */
  }
}

/* Strides of a dense box, in elements. */
static void dense(size_t rank, const int64_t *size, int64_t *strides) {
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    strides[i] = stride;
    stride *= size[i];
  }
}

static size_t place(size_t rank, const int64_t *strides, const int64_t *at) {
  int64_t sum = 0;
  for (size_t i = 0; i < rank; i++) sum += strides[i] * at[i];
  return (size_t)sum;
}

void gw__move_into(size_t width, size_t rank, const int64_t *size, const void *in, const int64_t *out_size, const int64_t *at,
                   void *out) {
  int64_t from[GW_MAX_RANK], to[GW_MAX_RANK];
  gw_axes axes;
  axes.rank = 0;
  dense(rank, size, from);
  dense(rank, out_size, to);
  for (size_t i = 0; i < rank; i++)
    if (!add_axis(&axes, size[i], from[i], to[i])) return;
  copy(width, &axes, in, (uint8_t *)out + place(rank, to, at) * width);
}

void gw__move_from(size_t width, size_t rank, const int64_t *in_size, const int64_t *at, const void *in, const int64_t *size,
                   void *out) {
  int64_t from[GW_MAX_RANK], to[GW_MAX_RANK];
  gw_axes axes;
  axes.rank = 0;
  dense(rank, in_size, from);
  dense(rank, size, to);
  for (size_t i = 0; i < rank; i++)
    if (!add_axis(&axes, size[i], from[i], to[i])) return;
  copy(width, &axes, (const uint8_t *)in + place(rank, from, at) * width, out);
}

void gw__move_axes(size_t width, size_t rank, const int64_t *in_size, const int64_t *perm, const void *in, void *out) {
  int64_t from[GW_MAX_RANK], to[GW_MAX_RANK], size[GW_MAX_RANK];
  gw_axes axes;
  axes.rank = 0;
  dense(rank, in_size, from);
  for (size_t i = 0; i < rank; i++) size[i] = in_size[perm[i]];
  dense(rank, size, to);
  for (size_t i = 0; i < rank; i++)
    if (!add_axis(&axes, size[i], from[perm[i]], to[i])) return;
  copy(width, &axes, in, out);
}

void gw__move_broadcast(size_t width, size_t rank, const int64_t *in_size, const void *in, const int64_t *out_size, void *out) {
  int64_t from[GW_MAX_RANK], to[GW_MAX_RANK];
  gw_axes axes;
  axes.rank = 0;
  dense(rank, in_size, from);
  dense(rank, out_size, to);
  for (size_t i = 0; i < rank; i++)
    if (!add_axis(&axes, out_size[i], in_size[i] == out_size[i] ? from[i] : 0, to[i])) return;
  copy(width, &axes, in, out);
}

void gw__move_fill(size_t width, const void *element, void *out, size_t count) {
  const uint8_t *bytes = element;
  bool same = true;
  for (size_t i = 1; i < width && same; i++) same = bytes[i] == bytes[0];
  if (same) memset(out, bytes[0], count * width);
  else line(width, (int64_t)count, element, 0, out, 1);
}

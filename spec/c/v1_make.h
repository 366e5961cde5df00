/* V1 files made by hand, right or wrong: a table of contents, records, and the table around them. For the C tests and the fuzz
 * target. */
#ifndef GODWIT_SPEC_V1_MAKE_H
#define GODWIT_SPEC_V1_MAKE_H

#include "bundle_make.h"

/* The contents go to `bundle->header`, records to its rows: one table, as an index is. */
static inline gwt_bundle gwt_v1_new(void) {
  gwt_bundle bundle = gwt_bundle_new(1, false);
  gw__buf_clear(&bundle.header);
  return bundle;
}

/* SavedSliceMeta; a slice with no extents of its own for a whole tensor. */
static inline void gwt_v1_put_meta(gw_buf *out, gw_span name, int64_t dtype, int rank, const int64_t *dims, size_t slices,
                                   const gwt_extent *extents) {
  gw_buf meta = GW_BUF_INIT, shape = GW_BUF_INIT, part = GW_BUF_INIT, slice = GW_BUF_INIT;
  gw_buf bytes = GW_BUF_INIT;
  gw__put_bytes(&bytes, name.data, name.size);
  gwt_put_message(&meta, 1, &bytes);
  for (int i = 0; i < rank; i++) {
    gw__buf_clear(&part);
    if (dims[i]) gwt_put_number(&part, 1, dims[i]);
    gwt_put_message(&shape, 2, &part);
  }
  gwt_put_message(&meta, 2, &shape);
  if (dtype) gwt_put_number(&meta, 3, dtype);
  for (size_t i = 0; i < slices; i++) {
    gw__buf_clear(&slice);
    for (int axis = 0; axis < rank; axis++) {
      const gwt_extent *extent = extents ? &extents[i * (size_t)rank + (size_t)axis] : NULL;
      gw__buf_clear(&part);
      if (extent && extent->start) gwt_put_number(&part, 1, extent->start);
      if (extent && !extent->whole) gwt_put_number(&part, 2, extent->length);
      gwt_put_message(&slice, 1, &part);
    }
    gwt_put_message(&meta, 4, &slice);
  }
  gwt_put_message(out, 1, &meta);
  gw__buf_free(&bytes);
  gw__buf_free(&meta);
  gw__buf_free(&shape);
  gw__buf_free(&part);
  gw__buf_free(&slice);
}

/* A record of this TensorProto. */
static inline gw_buf *gwt_v1_add(gwt_bundle *bundle, gw_span name, int rank, const gwt_extent *extents, const gw_buf *tensor) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  gw_buf key = GW_BUF_INIT, data = GW_BUF_INIT, bytes = GW_BUF_INIT;
  for (int i = 0; i < rank; i++) {
    starts[i] = extents ? extents[i].start : 0;
    lengths[i] = extents && !extents[i].whole ? extents[i].length : -1;
  }
  gw__put_slice_key(&key, name, (size_t)rank, starts, lengths);
  gw_buf *row = gwt_bundle_row(bundle, (gw_span){(const char *)key.data, key.size});
  gw__put_bytes(&bytes, name.data, name.size);
  gwt_put_message(&data, 1, &bytes);
  gwt_put_message(&data, 3, tensor);
  gwt_put_message(row, 2, &data);
  gw__buf_free(&key);
  gw__buf_free(&data);
  gw__buf_free(&bytes);
  return row;
}

/* The file of all that; the contents become SavedTensorSlices { meta } unless they are to be taken as they are. */
static inline bool gwt_v1_file(gwt_bundle *bundle, bool raw, gw_buf *out) {
  gw_buf contents = GW_BUF_INIT;
  if (!raw) gwt_put_message(&contents, 1, &bundle->header);
  gw_buf kept = bundle->header;
  if (!raw) bundle->header = contents;
  bool fine = gwt_bundle_index(bundle, out);
  bundle->header = kept;
  gw__buf_free(&contents);
  return fine;
}

static inline void gwt_v1_write(gwt_bundle *bundle, const char *path) {
  gw_buf file = GW_BUF_INIT;
  gwt_must(gwt_v1_file(bundle, false, &file));
  gwt_save(path, file.data, file.size);
  gw__buf_free(&file);
}

#endif

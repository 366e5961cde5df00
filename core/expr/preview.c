/* A tensor's values on one line, as NumPy prints them: small ones whole, of large ones the ends of each axis. Of
 * what is very large only what is shown is read. */
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "expr.h"

enum { WHOLE_LIMIT = 1 << 20 }; /* bytes of a tensor that are all read, and so checked, for a preview */

typedef struct gw_preview {
  const gw_tensor *tensor;
  uint64_t edge;      /* elements at each end of an axis; 0: all */
  gw_buf *out;
  gw_error *error;
  const gw_span *strings;
  size_t width;
  size_t budget;      /* elements that may still be shown: many axes must not make a preview a book */
} gw_preview;

static gw_status put_one(gw_preview *preview, uint64_t position) {
  const gw_tensor *tensor = preview->tensor;
  bool scalar = tensor->rank == 0;
  if (preview->strings) {
    char text[64];
    gw_printable(text, sizeof text, preview->strings[position].data, preview->strings[position].size);
    gw__put_format(preview->out, "\"%s\"", text);
    return GW_OK;
  }
  uint8_t element[16];
  gw_number number;
  gw_status status = gw_tensor_read(tensor, position, 1, element, preview->error);
  if (status == GW_OK && gw_number_get(tensor->dtype, element, &number))
    gw__put_number(preview->out, tensor->dtype, &number, scalar);
  return status;
}

/* The part below `axis` that begins at element `first`. Recursion is bounded by the rank. */
static gw_status put_axis(gw_preview *preview, size_t axis, uint64_t first, uint64_t below) {
  const gw_tensor *tensor = preview->tensor;
  if (axis == tensor->rank) {
    if (preview->budget > 0) preview->budget--;
    return put_one(preview, first);
  }
  uint64_t size = (uint64_t)tensor->dims[axis], step = size ? below / size : 0;
  gw_status status = GW_OK;
  gw__put_u8(preview->out, '[');
  for (uint64_t i = 0; i < size && status == GW_OK; i++) {
    if (i > 0) gw__put_u8(preview->out, ' ');
    bool cut = preview->edge && size > 2 * preview->edge && i == preview->edge;
    if (cut || preview->budget == 0) {
      gw__put_text(preview->out, "...");
      if (preview->budget == 0) break;
      i = size - preview->edge - 1;
      continue;
    }
    status = put_axis(preview, axis + 1, first + i * step, step);
  }
  gw__put_u8(preview->out, ']');
  return status;
}

static gw_status preview_elements(gw_preview *preview) {
  const gw_tensor *tensor = preview->tensor;
  if (tensor->elements == 0) {
    gw__put_text(preview->out, "[]");
    return GW_OK;
  }
  return put_axis(preview, 0, 0, tensor->elements);
}

gw_status gw_tensor_preview(const gw_tensor *tensor, uint64_t whole, uint64_t edge, char **text, gw_error *error) {
  *text = NULL;
  gw_buf out = GW_BUF_INIT;
  gw_span *strings = NULL;
  char *memory = NULL;
  gw_status status = GW_OK;
  gw_preview preview = {.tensor = tensor, .edge = tensor->elements > whole ? edge : 0, .out = &out, .error = error,
                        .width = gw_dtype_size(tensor->dtype), .budget = 200};
  if (tensor->dtype == GW_DT_STRING && tensor->stored <= WHOLE_LIMIT) {
    status = gw_tensor_read_strings(tensor, &strings, &memory, error);
    preview.strings = strings;
    if (status == GW_OK) status = preview_elements(&preview);
  } else if (preview.width == 0 || gw__dtype(tensor->dtype)->kind == GW_KIND_OPAQUE) {
    gw__put_format(&out, "(%llu bytes of ", (unsigned long long)tensor->stored);
    gw__put_dtype(&out, tensor->dtype);
    gw__put_u8(&out, ')');
  } else {
    /* What is small is checked; of what is large only a few places are read. */
    for (size_t i = 0; i < tensor->leaf_count && tensor->elements > 0 && status == GW_OK; i++) {
      const gw_tensor *leaf = tensor->leaves[i].leaf;
      if (leaf->stored <= WHOLE_LIMIT && leaf->dtype != GW_DT_STRING) status = leaf->ops->check(leaf->source, leaf->index, error);
    }
    if (status == GW_OK) status = preview_elements(&preview);
  }
  gw__free(strings);
  gw__free(memory);
  gw__put_u8(&out, 0);
  if (status == GW_OK) status = gw__buf_status(&out, error);
  if (status != GW_OK) gw__buf_free(&out);
  else *text = (char *)out.data;
  return status;
}

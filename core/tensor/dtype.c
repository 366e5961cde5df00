/* TensorFlow's dtypes: names, sizes, kinds (tensorflow/core/framework/types.proto; FORMAT.md, appendix B). */
#include <string.h>

#include "tensor.h"

static const gw_dtype_info known[] = {
    {GW_DT_INVALID, NULL, GW_KIND_OPAQUE, 0, 0, false},
    {GW_DT_FLOAT, "float32", GW_KIND_FLOAT, 4, 4, false},
    {GW_DT_DOUBLE, "float64", GW_KIND_FLOAT, 8, 8, false},
    {GW_DT_INT32, "int32", GW_KIND_INT, 4, 4, false},
    {GW_DT_UINT8, "uint8", GW_KIND_UINT, 1, 1, false},
    {GW_DT_INT16, "int16", GW_KIND_INT, 2, 2, false},
    {GW_DT_INT8, "int8", GW_KIND_INT, 1, 1, false},
    {GW_DT_STRING, "string", GW_KIND_STRING, 0, 0, false},
    {GW_DT_COMPLEX64, "complex64", GW_KIND_COMPLEX, 8, 4, false},
    {GW_DT_INT64, "int64", GW_KIND_INT, 8, 8, false},
    {GW_DT_BOOL, "bool", GW_KIND_BOOL, 1, 1, false},
    {GW_DT_QINT8, "qint8", GW_KIND_INT, 1, 1, true},
    {GW_DT_QUINT8, "quint8", GW_KIND_UINT, 1, 1, true},
    {GW_DT_QINT32, "qint32", GW_KIND_INT, 4, 4, true},
    {GW_DT_BFLOAT16, "bfloat16", GW_KIND_FLOAT, 2, 2, false},
    {GW_DT_QINT16, "qint16", GW_KIND_INT, 2, 2, true},
    {GW_DT_QUINT16, "quint16", GW_KIND_UINT, 2, 2, true},
    {GW_DT_UINT16, "uint16", GW_KIND_UINT, 2, 2, false},
    {GW_DT_COMPLEX128, "complex128", GW_KIND_COMPLEX, 16, 8, false},
    {GW_DT_HALF, "float16", GW_KIND_FLOAT, 2, 2, false},
    {GW_DT_RESOURCE, "resource", GW_KIND_OPAQUE, 0, 0, false},
    {GW_DT_VARIANT, "variant", GW_KIND_VARIANT, 0, 0, false},
    {GW_DT_UINT32, "uint32", GW_KIND_UINT, 4, 4, false},
    {GW_DT_UINT64, "uint64", GW_KIND_UINT, 8, 8, false},
    {GW_DT_FLOAT8_E5M2, "float8_e5m2", GW_KIND_FLOAT, 1, 1, false},
    {GW_DT_FLOAT8_E4M3FN, "float8_e4m3fn", GW_KIND_FLOAT, 1, 1, false},
    {GW_DT_FLOAT8_E4M3FNUZ, "float8_e4m3fnuz", GW_KIND_FLOAT, 1, 1, false},
    {GW_DT_FLOAT8_E4M3B11FNUZ, "float8_e4m3b11fnuz", GW_KIND_FLOAT, 1, 1, false},
    {GW_DT_FLOAT8_E5M2FNUZ, "float8_e5m2fnuz", GW_KIND_FLOAT, 1, 1, false},
    {GW_DT_INT4, "int4", GW_KIND_INT, 1, 1, false},
    {GW_DT_UINT4, "uint4", GW_KIND_UINT, 1, 1, false},
    {GW_DT_INT2, "int2", GW_KIND_INT, 1, 1, false},
    {GW_DT_UINT2, "uint2", GW_KIND_UINT, 1, 1, false},
};
#define KNOWN ((int)(sizeof known / sizeof known[0]))

const gw_dtype_info *gw__dtype(int dtype) { return dtype > 0 && dtype < KNOWN ? &known[dtype] : &known[0]; }

const char *gw_dtype_name(int dtype) { return gw__dtype(dtype)->name; }

gw_kind gw_dtype_kind(int dtype) { return gw__dtype(dtype)->kind; }

size_t gw_dtype_size(int dtype) { return gw__dtype(dtype)->size; }

int gw_dtype_from_name(const char *name) {
  for (int i = 1; i < KNOWN; i++)
    if (strcmp(known[i].name, name) == 0) return known[i].number;
  /* TensorFlow's other names for the same (tf.half, tf.double; tf.dtypes.as_dtype takes "float" too). */
  if (strcmp(name, "half") == 0) return GW_DT_HALF;
  if (strcmp(name, "double") == 0) return GW_DT_DOUBLE;
  if (strcmp(name, "float") == 0) return GW_DT_FLOAT;
  return GW_DT_INVALID;
}

bool gw__dtype_has_strings(int dtype) { return dtype == GW_DT_STRING || dtype == GW_DT_VARIANT; }

void gw__put_dtype(gw_buf *out, int dtype) {
  const char *name = gw_dtype_name(dtype);
  if (name) gw__put_text(out, name);
  else gw__put_format(out, "dtype %d", dtype);
}

void gw__swap_elements(int dtype, void *data, uint64_t count) {
  const gw_dtype_info *info = gw__dtype(dtype);
  size_t unit = info->unit;
  if (unit < 2) return;
  uint64_t units = count * (info->size / unit);
  uint8_t *bytes = data;
  for (uint64_t i = 0; i < units; i++, bytes += unit)
    for (size_t low = 0, high = unit - 1; low < high; low++, high--) {
      uint8_t byte = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = byte;
    }
}

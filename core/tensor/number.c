/* One element of a tensor as a number, and back: host byte order, every numeric dtype. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "tensor.h"

/* How a small float lays out its bits: sign, exponent, mantissa, from the top. */
typedef struct gw_float_form {
  int mantissa;       /* bits */
  int exponent;       /* bits */
  int bias;
  bool infinities;    /* IEEE: the largest exponent holds infinity and NaN */
  uint16_t nan;       /* without infinities: the one pattern (sign aside for E4M3FN) that is NaN */
} gw_float_form;

static const gw_float_form half_form = {10, 5, 15, true, 0};
static const gw_float_form bfloat16_form = {7, 8, 127, true, 0};
static const gw_float_form e5m2_form = {2, 5, 15, true, 0};
static const gw_float_form e4m3fn_form = {3, 4, 7, false, 0x7f};
static const gw_float_form e4m3fnuz_form = {3, 4, 8, false, 0x80};
static const gw_float_form e4m3b11fnuz_form = {3, 4, 11, false, 0x80};
static const gw_float_form e5m2fnuz_form = {2, 5, 16, false, 0x80};

static const gw_float_form *small_form(int dtype) {
  switch (dtype) {
    case GW_DT_HALF: return &half_form;
    case GW_DT_BFLOAT16: return &bfloat16_form;
    case GW_DT_FLOAT8_E5M2: return &e5m2_form;
    case GW_DT_FLOAT8_E4M3FN: return &e4m3fn_form;
    case GW_DT_FLOAT8_E4M3FNUZ: return &e4m3fnuz_form;
    case GW_DT_FLOAT8_E4M3B11FNUZ: return &e4m3b11fnuz_form;
    case GW_DT_FLOAT8_E5M2FNUZ: return &e5m2fnuz_form;
    default: return NULL;
  }
}

static double small_get(const gw_float_form *form, unsigned bits) {
  unsigned mantissa = bits & ((1u << form->mantissa) - 1);
  unsigned exponent = (bits >> form->mantissa) & ((1u << form->exponent) - 1);
  bool negative = (bits >> (form->mantissa + form->exponent)) & 1;
  if (!form->infinities && ((form->nan == 0x7f && (bits & 0x7f) == 0x7f) || (form->nan == 0x80 && bits == 0x80)))
    return NAN;
  double value;
  if (form->infinities && exponent == (1u << form->exponent) - 1)
    value = mantissa ? NAN : INFINITY;
  else if (exponent == 0)
    value = ldexp((double)mantissa, 1 - form->bias - form->mantissa);
  else
    value = ldexp((double)(mantissa | 1u << form->mantissa), (int)exponent - form->bias - form->mantissa);
  return negative ? -value : value;
}

/* Rounds to nearest even; only for forms with infinities. */
static unsigned small_put(const gw_float_form *form, double value) {
  unsigned sign = signbit(value) ? 1u << (form->mantissa + form->exponent) : 0;
  unsigned top = ((1u << form->exponent) - 1) << form->mantissa;
  if (isnan(value)) return sign | top | 1u << (form->mantissa - 1);
  value = fabs(value);
  if (isinf(value)) return sign | top;
  if (value == 0) return sign;
  int exponent = ilogb(value);
  if (exponent < 1 - form->bias) exponent = 1 - form->bias;
  double steps = nearbyint(ldexp(value, form->mantissa - exponent)); /* exact before rounding */
  /* A carry into the next power of two moves on to the next exponent by itself: the fields are adjacent. */
  unsigned long bits = (unsigned long)steps;
  long biased = exponent + form->bias - 1;
  unsigned long packed = ((unsigned long)biased << form->mantissa) + bits;
  return sign | (packed >= top ? top : (unsigned)packed);
}

static int64_t sign_extend(uint8_t bits, int width) {
  unsigned value = bits & ((1u << width) - 1);
  return value & (1u << (width - 1)) ? (int64_t)value - (1 << width) : (int64_t)value;
}

static int64_t get_signed(int dtype, const void *element) {
  switch (dtype) {
    case GW_DT_INT64: { int64_t v; memcpy(&v, element, 8); return v; }
    case GW_DT_INT32: case GW_DT_QINT32: { int32_t v; memcpy(&v, element, 4); return v; }
    case GW_DT_INT16: case GW_DT_QINT16: { int16_t v; memcpy(&v, element, 2); return v; }
    case GW_DT_INT4: return sign_extend(*(const uint8_t *)element, 4); /* a byte an element, the low nibble counts */
    case GW_DT_INT2: return sign_extend(*(const uint8_t *)element, 2);
    default: return *(const int8_t *)element;
  }
}

static uint64_t get_unsigned(int dtype, const void *element) {
  switch (dtype) {
    case GW_DT_UINT64: { uint64_t v; memcpy(&v, element, 8); return v; }
    case GW_DT_UINT32: { uint32_t v; memcpy(&v, element, 4); return v; }
    case GW_DT_UINT16: case GW_DT_QUINT16: { uint16_t v; memcpy(&v, element, 2); return v; }
    case GW_DT_UINT4: return *(const uint8_t *)element & 15u;
    case GW_DT_UINT2: return *(const uint8_t *)element & 3u;
    default: return *(const uint8_t *)element;
  }
}

static double get_float(int dtype, const void *element) {
  const gw_float_form *form = small_form(dtype);
  if (dtype == GW_DT_DOUBLE) { double v; memcpy(&v, element, 8); return v; }
  if (dtype == GW_DT_FLOAT) { float v; memcpy(&v, element, 4); return (double)v; }
  if (gw__dtype(dtype)->size == 1) return small_get(form, *(const uint8_t *)element);
  uint16_t bits;
  memcpy(&bits, element, 2);
  return small_get(form, bits);
}

bool gw_number_get(int dtype, const void *element, gw_number *out) {
  out->kind = gw__dtype(dtype)->kind;
  out->imaginary = 0;
  switch (out->kind) {
    case GW_KIND_FLOAT: out->real = get_float(dtype, element); return true;
    case GW_KIND_INT: out->i = get_signed(dtype, element); return true;
    case GW_KIND_UINT: out->u = get_unsigned(dtype, element); return true;
    case GW_KIND_BOOL: out->i = *(const uint8_t *)element != 0; return true;
    case GW_KIND_COMPLEX: {
      int part = dtype == GW_DT_COMPLEX64 ? GW_DT_FLOAT : GW_DT_DOUBLE;
      out->real = get_float(part, element);
      out->imaginary = get_float(part, (const uint8_t *)element + gw_dtype_size(part));
      return true;
    }
    default: return false;
  }
}

double gw__number_to_double(const gw_number *number) {
  switch (number->kind) {
    case GW_KIND_INT: case GW_KIND_BOOL: return (double)number->i;
    case GW_KIND_UINT: return (double)number->u;
    default: return number->real;
  }
}

static gw_status put_float(int dtype, double value, void *element) {
  if (dtype == GW_DT_DOUBLE) {
    memcpy(element, &value, 8);
  } else if (dtype == GW_DT_FLOAT) {
    float narrow = (float)value;
    memcpy(element, &narrow, 4);
  } else {
    /* By way of float, as TensorFlow converts: rounded twice. */
    uint16_t bits = (uint16_t)small_put(small_form(dtype), (double)(float)value);
    memcpy(element, &bits, 2);
  }
  return GW_OK;
}

static gw_status out_of_range(const gw_number *number, int dtype, gw_error *error) {
  gw_buf text = GW_BUF_INIT;
  int widest = number->kind == GW_KIND_FLOAT ? GW_DT_DOUBLE : number->kind == GW_KIND_COMPLEX ? GW_DT_COMPLEX128 : GW_DT_INT64;
  gw__put_number(&text, widest, number, true);
  gw__put_u8(&text, 0);
  gw__fail(error, GW_INVALID, "%s is not a value of %s", text.failed ? "the number" : (const char *)text.data,
           gw_dtype_name(dtype));
  gw__buf_free(&text);
  return GW_INVALID;
}

/* The number as a whole one in 65 bits: sign and magnitude. */
static bool whole(const gw_number *number, bool *negative, uint64_t *magnitude) {
  if (number->kind == GW_KIND_UINT) {
    *negative = false;
    *magnitude = number->u;
    return true;
  }
  if (number->kind == GW_KIND_INT || number->kind == GW_KIND_BOOL) {
    *negative = number->i < 0;
    *magnitude = *negative ? 0 - (uint64_t)number->i : (uint64_t)number->i;
    return true;
  }
  double value = number->real;
  if (number->imaginary != 0 || !(fabs(value) < 18446744073709551616.0) || value != trunc(value)) return false;
  *negative = value < 0;
  *magnitude = (uint64_t)fabs(value);
  return true;
}

static gw_status put_integer(int dtype, const gw_number *number, void *element, gw_error *error) {
  const gw_dtype_info *info = gw__dtype(dtype);
  bool negative;
  uint64_t magnitude;
  if (!whole(number, &negative, &magnitude)) return out_of_range(number, dtype, error);
  unsigned bits = info->kind == GW_KIND_BOOL ? 1u : info->size * 8u;
  uint64_t top = info->kind == GW_KIND_INT ? (UINT64_C(1) << (bits - 1)) - 1 : UINT64_MAX >> (64 - bits);
  bool fits = negative ? info->kind == GW_KIND_INT && magnitude <= top + 1 : magnitude <= top;
  if (magnitude == 0) fits = true;
  if (!fits) return out_of_range(number, dtype, error);
  uint64_t value = negative ? 0 - magnitude : magnitude;
  uint8_t bytes[8];
  memcpy(bytes, &value, 8); /* little-endian hosts: the low bytes come first (checked in expr.c) */
  memcpy(element, bytes, info->size);
  return GW_OK;
}

gw_status gw_number_put(int dtype, const gw_number *number, void *element, gw_error *error) {
  const gw_dtype_info *info = gw__dtype(dtype);
  bool packed = dtype == GW_DT_INT4 || dtype == GW_DT_UINT4 || dtype == GW_DT_INT2 || dtype == GW_DT_UINT2;
  if (info->quantized || packed || (info->kind == GW_KIND_FLOAT && info->size == 1) || info->size == 0)
    return gw__fail(error, GW_INVALID, "values of dtype %s can be kept and moved, but not made",
                    info->name ? info->name : "unknown");
  switch (info->kind) {
    case GW_KIND_FLOAT:
      if (number->kind == GW_KIND_COMPLEX) return gw__fail(error, GW_INVALID, "a complex number is not a %s", info->name);
      return put_float(dtype, gw__number_to_double(number), element);
    case GW_KIND_COMPLEX: {
      int part = dtype == GW_DT_COMPLEX64 ? GW_DT_FLOAT : GW_DT_DOUBLE;
      put_float(part, gw__number_to_double(number), element);
      return put_float(part, number->kind == GW_KIND_COMPLEX ? number->imaginary : 0,
                       (uint8_t *)element + gw_dtype_size(part));
    }
    default: return put_integer(dtype, number, element, error);
  }
}

/* ---- Text */

/* Does `text` read back as the same value of this dtype? */
static bool reads_back(int dtype, const char *text, double value) {
  if (dtype == GW_DT_DOUBLE || dtype == GW_DT_COMPLEX128) return strtod(text, NULL) == value;
  if (dtype == GW_DT_FLOAT || dtype == GW_DT_COMPLEX64) return (double)strtof(text, NULL) == value;
  const gw_float_form *form = small_form(dtype);
  double read = strtod(text, NULL);
  if (form->infinities) return small_get(form, small_put(form, read)) == value;
  return read == value; /* the few values of float8 print in full */
}

static void put_float_text(gw_buf *out, int dtype, double value, bool scalar) {
  if (isnan(value)) {
    gw__put_text(out, "nan");
    return;
  }
  if (isinf(value)) {
    gw__put_text(out, value < 0 ? "-inf" : "inf");
    return;
  }
  char text[48];
  int digits = 1;
  do snprintf(text, sizeof text, "%.*g", digits, value);
  while (!reads_back(dtype, text, value) && digits++ < DBL_DECIMAL_DIG);
  /* %g switches to an exponent as soon as there are more places than digits: whole numbers up to 1e16 are written out. */
  if (strchr(text, 'e') && fabs(value) >= 1 && fabs(value) < 1e16) snprintf(text, sizeof text, "%.0f", value);
  gw__put_text(out, text);
  if (!strpbrk(text, ".e")) gw__put_text(out, scalar ? ".0" : ".");
}

void gw__put_number(gw_buf *out, int dtype, const gw_number *number, bool scalar) {
  switch (number->kind) {
    case GW_KIND_FLOAT: put_float_text(out, dtype, number->real, scalar); break;
    case GW_KIND_INT: gw__put_format(out, "%lld", (long long)number->i); break;
    case GW_KIND_UINT: gw__put_format(out, "%llu", (unsigned long long)number->u); break;
    case GW_KIND_BOOL: gw__put_text(out, number->i ? "True" : "False"); break;
    case GW_KIND_COMPLEX:
      put_float_text(out, dtype, number->real, false);
      if (!signbit(number->imaginary) || isnan(number->imaginary)) gw__put_u8(out, '+');
      put_float_text(out, dtype, number->imaginary, false);
      gw__put_u8(out, 'j');
      break;
    default: gw__put_u8(out, '?');
  }
}

/* libFuzzer target of the stored form of strings and variants. Layout of the input:
 *
 *   options u8     bit 0 variants | bit 1 big-endian | bit 2 round trip | bit 3 checksums are not mended
 *   elements u8 | first piece u8 | further pieces u8
 *   bytes          the form; for a round trip the strings: length u8 | bytes
 *
 * A form is judged the same in pieces of any size. What is sound can be cut into its strings, which make a form that reads
 * the same; and a big-endian form becomes the little-endian one of the same strings. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../c/bundle_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct form {
  int dtype;
  bool big;
  size_t elements, first, each;
} form;

/* Scans the bytes, which a big-endian form changes, in pieces that each end where their memory ends. */
static gw_status scan_pieces(const form *from, gw_buf *bytes, size_t first, size_t each, gw_scan *scan, gw_error *error) {
  gw_status status = gw__scan_start(scan, from->dtype, from->elements, bytes->size, from->big, error);
  for (size_t done = 0, part = first; done < bytes->size && status == GW_OK; done += part, part = each) {
    if (part > bytes->size - done) part = bytes->size - done;
    uint8_t *piece = malloc(part ? part : 1);
    gwt_must(piece != NULL);
    if (part) memcpy(piece, bytes->data + done, part);
    status = gw__scan_feed(scan, piece, part, error);
    if (part) memcpy(bytes->data + done, piece, part);
    free(piece);
  }
  return status == GW_OK ? gw__scan_end(scan, error) : status;
}

/* The stored checksums, as the scan expects them. */
static void mend(const form *from, gw_buf *bytes) {
  gw_scan scan;
  if (gw__scan_start(&scan, from->dtype, from->elements, bytes->size, from->big, NULL) != GW_OK) return;
  for (size_t i = 0; i < bytes->size; i++) {
    uint32_t check = gw__crc32c_mask(scan.crc);
    if (scan.state == 1 && scan.check_bytes == 0 && bytes->size - i >= 4) /* LENGTH_CHECK: the four bytes that come now */
      gw__store_fixed32(bytes->data + i, from->big ? __builtin_bswap32(check) : check);
    uint8_t byte = bytes->data[i]; /* a big-endian one is not to be rewritten yet */
    if (gw__scan_feed(&scan, &byte, 1, NULL) != GW_OK) return;
  }
}

/* The strings of a sound little-endian form make the same form again, but for lengths that were padded. */
static void must_come_back(const form *from, const gw_buf *bytes, uint32_t crc) {
  gw_span *strings = calloc(from->elements + 1, sizeof *strings);
  gw_buf again = GW_BUF_INIT;
  uint32_t sum;
  gwt_must(strings != NULL);
  if (gw__split_strings(bytes->data, bytes->size, strings, from->elements, NULL) != GW_OK) abort();
  gw__put_strings(&again, strings, from->elements, &sum);
  gwt_must(again.size <= bytes->size || bytes->size == 0);
  if (again.size == bytes->size) gwt_must(gwt_same(&again, bytes) && sum == crc);
  gw__buf_free(&again);
  free(strings);
}

static void judge(const form *from, gw_buf *bytes) {
  gw_error error = GW_ERROR_INIT, whole_error = GW_ERROR_INIT;
  gw_scan scan, whole;
  gw_buf copy = GW_BUF_INIT;
  gw__put_bytes(&copy, bytes->data, bytes->size);
  gw_status status = scan_pieces(from, bytes, from->first, from->each, &scan, &error);
  gw_status at_once = scan_pieces(from, &copy, copy.size, copy.size, &whole, &whole_error);
  gwt_must(status == at_once && status == error.status && strcmp(error.what, whole_error.what) == 0);
  gwt_must(status == GW_OK || status == GW_CORRUPT || (status == GW_UNSUPPORTED && from->big));
  if (status == GW_OK) {
    gwt_must(scan.crc == whole.crc && scan.crc_little == whole.crc_little && gwt_same(bytes, &copy));
    gwt_must(from->big || scan.crc == scan.crc_little);
    if (from->dtype == GW_DT_STRING) must_come_back(from, bytes, scan.crc_little);
  }
  gw__buf_free(&copy);
}

static void round_trip(form *from, const uint8_t *data, size_t size) {
  gw_span *strings = calloc(size + 1, sizeof *strings);
  gw_cur cur = gw__cur(data, size, 0);
  gw_buf bytes = GW_BUF_INIT;
  gw_scan scan;
  gw_error error = GW_ERROR_INIT;
  uint32_t crc;
  uint8_t length;
  const uint8_t *start;
  gwt_must(strings != NULL);
  for (from->elements = 0; gw__get_u8(&cur, &length); from->elements++) {
    if (length > gw__cur_left(&cur)) length = (uint8_t)gw__cur_left(&cur);
    gw__get_bytes(&cur, length, &start);
    strings[from->elements] = (gw_span){(const char *)start, length};
  }
  from->dtype = GW_DT_STRING;
  from->big = false;
  gw__put_strings(&bytes, strings, from->elements, &crc);
  gwt_must(scan_pieces(from, &bytes, from->first, from->each, &scan, &error) == GW_OK && scan.crc == crc);
  must_come_back(from, &bytes, crc);
  gw__buf_free(&bytes);
  free(strings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  form from = {data[0] & 1 ? GW_DT_VARIANT : GW_DT_STRING, (data[0] & 2) != 0, data[1], data[2], (size_t)data[3] + 1};
  if (data[0] & 4) {
    round_trip(&from, data + 4, size - 4);
    return 0;
  }
  gw_buf bytes = GW_BUF_INIT;
  gw__put_bytes(&bytes, data + 4, size - 4);
  if (!(data[0] & 8)) mend(&from, &bytes);
  judge(&from, &bytes);
  gw__buf_free(&bytes);
  return 0;
}

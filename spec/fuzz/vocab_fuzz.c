/* libFuzzer target of vocabularies. Layout of the input:
 *
 *   new size u8 | old size u8 | buckets u8 | length u16 little-endian of the new text
 *   new text | old text
 *
 * What is read can be joined by line ends and reads the same; every token is found where a search through all lines finds it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../c/bundle_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy that ends where its memory ends. */
static char *copy_of(const uint8_t *data, size_t size) {
  char *copy = malloc(size ? size : 1);
  gwt_must(copy != NULL);
  if (size) memcpy(copy, data, size);
  return copy;
}

static gw_vocab *read_vocab(const char *text, size_t size) {
  gw_error error = GW_ERROR_INIT;
  gw_vocab *vocab;
  gw_status status = gw_vocab_new(text, size, &vocab, &error);
  gwt_must((status == GW_OK) == (vocab != NULL) && status == error.status);
  if (status != GW_OK) gwt_must(status == GW_INVALID && error.what[0] && (size == 0 || (error.has_offset && error.offset < size)));
  return vocab;
}

static bool same(gw_span a, gw_span b) { return a.size == b.size && memcmp(a.data, b.data, a.size) == 0; }

static void must_come_back(const gw_vocab *vocab) {
  gw_buf text = GW_BUF_INIT;
  for (size_t i = 0; i < gw_vocab_size(vocab); i++) {
    gw_span token = gw_vocab_token(vocab, i);
    gwt_must(token.size > 0 && memchr(token.data, '\n', token.size) == NULL);
    gw__put_bytes(&text, token.data, token.size);
    gw__put_text(&text, "\r\n");
  }
  gw_vocab *again = read_vocab((const char *)text.data, text.size);
  gwt_must(again && gw_vocab_size(again) == gw_vocab_size(vocab));
  for (size_t i = 0; i < gw_vocab_size(vocab); i++) gwt_must(same(gw_vocab_token(vocab, i), gw_vocab_token(again, i)));
  gw_vocab_free(again);
  gw__buf_free(&text);
}

static void map(const gw_vocab *vocab, const gw_vocab *old, const gw_vocab_options *options) {
  gw_error error = GW_ERROR_INIT;
  gw_remapping *remapping;
  gw_status status = gw_vocab_remap(vocab, old, options, &remapping, &error);
  gwt_must((status == GW_OK) == (remapping != NULL) && status == error.status);
  if (status != GW_OK) {
    gwt_must(status == GW_INVALID && error.what[0]);
    return;
  }
  size_t most = options->old_size ? options->old_size : gw_vocab_size(old);
  gwt_must(remapping->kept + remapping->added + options->oov_buckets == remapping->count);
  for (size_t i = 0; i < remapping->count; i++) {
    int64_t line = -1;
    bool bucket = i >= remapping->count - options->oov_buckets;
    for (size_t j = 0; j < most && line < 0 && !bucket; j++)
      if (same(gw_vocab_token(vocab, i), gw_vocab_token(old, j))) line = (int64_t)j;
    gwt_must(remapping->indices[i] == line);
  }
  gw_free(remapping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 5 || size > 4096) return 0;
  size_t left = size - 5, first = data[3] | (size_t)data[4] << 8;
  if (first > left) first = left;
  char *text = copy_of(data + 5, first), *old_text = copy_of(data + 5 + first, left - first);
  gw_vocab *vocab = read_vocab(text, first), *old = read_vocab(old_text, left - first);
  gw_vocab_options options = GW_VOCAB_OPTIONS_INIT;
  options.new_size = data[0];
  options.old_size = data[1];
  options.oov_buckets = data[2];
  if (vocab) must_come_back(vocab);
  if (vocab && old) map(vocab, old, &options);
  gw_vocab_free(vocab);
  gw_vocab_free(old);
  free(text);
  free(old_text);
  return 0;
}

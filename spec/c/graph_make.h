/* Object graphs from a line of text, for the C tests and the fuzz targets' seeds: nodes separated by ';', each a list of
 *   name>child            an edge
 *   =key or =key:name     an attribute (VARIABLE_VALUE without a name); its full name is the key, without what ".ATTRIBUTES"
 *                         and the slash before it begin
 *   slot@variable>node    a slot variable
 *   + -                   has_checkpoint_values true, false
 *   !name                 a registered saver */
#ifndef GODWIT_SPEC_GRAPH_MAKE_H
#define GODWIT_SPEC_GRAPH_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/godwit.h"

typedef struct gwt_bytes {
  unsigned char *data;
  size_t size, capacity;
} gwt_bytes;

static inline void gwt_put(gwt_bytes *out, const void *data, size_t size) {
  if (out->size + size > out->capacity) {
    out->capacity = (out->size + size) * 2 + 64;
    out->data = realloc(out->data, out->capacity);
    if (!out->data) abort();
  }
  if (size) memcpy(out->data + out->size, data, size);
  out->size += size;
}

static inline void gwt_put_varint(gwt_bytes *out, uint64_t value) {
  unsigned char byte;
  for (; value >= 0x80; value >>= 7) gwt_put(out, (byte = (unsigned char)(value | 0x80), &byte), 1);
  gwt_put(out, (byte = (unsigned char)value, &byte), 1);
}

static inline void gwt_put_field(gwt_bytes *out, unsigned field, const void *data, size_t size) {
  gwt_put_varint(out, field << 3 | 2);
  gwt_put_varint(out, size);
  gwt_put(out, data, size);
}

static inline void gwt_put_number(gwt_bytes *out, unsigned field, uint64_t value) {
  gwt_put_varint(out, field << 3);
  gwt_put_varint(out, value);
}

static inline void gwt_put_edge(gwt_bytes *node, const char *name, size_t size, unsigned long child) {
  gwt_bytes edge = {NULL, 0, 0};
  gwt_put_number(&edge, 1, child);
  gwt_put_field(&edge, 2, name, size);
  gwt_put_field(node, 1, edge.data, edge.size);
  free(edge.data);
}

static inline void gwt_put_attribute(gwt_bytes *node, const char *key, size_t size) {
  gwt_bytes attribute = {NULL, 0, 0};
  const char *colon = memchr(key, ':', size);
  size_t length = colon ? (size_t)(colon - key) : size;
  const char *suffix = memmem(key, length, "/.ATTRIBUTES/", 13);
  if (colon) gwt_put_field(&attribute, 1, colon + 1, size - length - 1);
  else gwt_put_field(&attribute, 1, "VARIABLE_VALUE", 14);
  if (!colon) gwt_put_field(&attribute, 2, key, suffix ? (size_t)(suffix - key) : length);
  gwt_put_field(&attribute, 3, key, length);
  gwt_put_field(node, 2, attribute.data, attribute.size);
  free(attribute.data);
}

static inline void gwt_put_slot(gwt_bytes *node, const char *name, size_t size, unsigned long variable, unsigned long slot) {
  gwt_bytes message = {NULL, 0, 0};
  gwt_put_number(&message, 1, variable);
  gwt_put_field(&message, 2, name, size);
  gwt_put_number(&message, 3, slot);
  gwt_put_field(node, 3, message.data, message.size);
  free(message.data);
}

static inline void gwt_put_token(gwt_bytes *node, const char *token, size_t size) {
  const char *arrow = memchr(token, '>', size), *at = memchr(token, '@', size);
  if (token[0] == '=') gwt_put_attribute(node, token + 1, size - 1);
  else if (at && arrow) gwt_put_slot(node, token, (size_t)(at - token), strtoul(at + 1, NULL, 10), strtoul(arrow + 1, NULL, 10));
  else if (arrow) gwt_put_edge(node, token, (size_t)(arrow - token), strtoul(arrow + 1, NULL, 10));
  else if (token[0] == '!') {
    gwt_bytes saver = {NULL, 0, 0};
    gwt_put_field(&saver, 1, token + 1, size - 1);
    gwt_put_field(node, 4, saver.data, saver.size);
    free(saver.data);
  } else {
    gwt_put_field(node, 5, token[0] == '+' ? "\x08\x01" : "", token[0] == '+' ? 2 : 0);
  }
}

static inline gwt_bytes gwt_graph_bytes(const char *text) {
  gwt_bytes all = {NULL, 0, 0};
  while (text) {
    gwt_bytes node = {NULL, 0, 0};
    const char *end = strchr(text, ';');
    const char *stop = end ? end : text + strlen(text);
    while (text < stop) {
      const char *space = memchr(text, ' ', (size_t)(stop - text));
      size_t size = (size_t)((space ? space : stop) - text);
      if (size > 0) gwt_put_token(&node, text, size);
      text += size + (space ? 1 : 0);
    }
    gwt_put_field(&all, 1, node.data, node.size);
    free(node.data);
    text = end ? end + 1 : NULL;
  }
  return all;
}

/* NULL when the text is no graph. */
static inline gw_graph *gwt_graph(const char *text) {
  gwt_bytes bytes = gwt_graph_bytes(text);
  gw_graph *graph;
  gw_graph_decode(bytes.data, bytes.size, &graph, NULL);
  free(bytes.data);
  return graph;
}

#endif

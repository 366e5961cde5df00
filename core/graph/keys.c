/* Names as they stand in keys (tensorflow/python/trackable/trackable_utils.py: escape_local_name). */
#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/error.h"
#include "graph.h"


gw_status gw_graph_escape(const char *name, size_t length, char **out, gw_error *error) {
  gw_buf text = GW_BUF_INIT;
  *out = NULL;
  for (size_t i = 0; i < length; i++) {
    if (name[i] == '.') gw__put_text(&text, "..");
    else if (name[i] == '/') gw__put_text(&text, ".S");
    else gw__put_bytes(&text, name + i, 1);
  }
  gw__put_u8(&text, 0);
  gw_status status = gw__buf_status(&text, error);
  if (status == GW_OK) *out = (char *)text.data;
  else gw__buf_free(&text);
  return status;
}

gw_status gw_graph_unescape(const char *part, size_t length, char **out, gw_error *error) {
  gw_buf text = GW_BUF_INIT;
  gw_status status = GW_OK;
  *out = NULL;
  for (size_t i = 0; i < length && status == GW_OK; i++) {
    char next = i + 1 < length ? part[i + 1] : '\0';
    if (part[i] == '.' && (next == '.' || next == 'S')) {
      gw__put_u8(&text, next == '.' ? '.' : '/');
      i++;
    } else if (part[i] == '.' || part[i] == '/') {
      status = gw__fail(error, GW_INVALID, "'%c' at position %zu is not how a name is written in a key (\"..\" is a dot, \".S\" a slash)", part[i], i);
    } else {
      gw__put_bytes(&text, part + i, 1);
    }
  }
  gw__put_u8(&text, 0);
  if (status == GW_OK) status = gw__buf_status(&text, error);
  if (status == GW_OK) *out = (char *)text.data;
  else gw__buf_free(&text);
  return status;
}

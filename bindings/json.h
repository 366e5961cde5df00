/* JSON for those who list many things: one object at a time. */
#ifndef GODWIT_BINDINGS_JSON_H
#define GODWIT_BINDINGS_JSON_H

#include <jansson.h>

#include "gwl.h"

json_t *gwl_json_text(const char *text, size_t length);
json_t *gwl_json_number(double value);
gw_status gwl_json_value(const gw_tensor *tensor, json_t **out, gw_error *error); /* nested arrays */
/* Pushes the text of `value`, which is given up, whatever happens. */
void gwl_json_push(lua_State *L, json_t *value, size_t flags);

#endif

/* What restoring would do, and doing it: draft:core_like, draft:core_restore, and the report that both give. The checks of
 * arguments and the sentences are in scripts/godwit/match.lua. */
#include <stdio.h>
#include <string.h>

#include "gwl.h"

static const char *const list_names[] = {"missing", "unexpected", "mismatched", "restored", "notes", NULL};

/* ---- Reports */

static int release(lua_State *L) {
  void **box = luaL_checkudata(L, 1, GWL_REPORT);
  gw_report_free(*box);
  *box = NULL;
  return 0;
}

static void set_span(lua_State *L, const char *field, gw_span span) {
  if (span.size == 0) return;
  lua_pushlstring(L, span.data, span.size);
  lua_setfield(L, -2, field);
}

static void push_item(lua_State *L, const gw_report_item *item) {
  lua_createtable(L, 0, 3);
  set_span(L, "name", item->name ? (gw_span){item->name, strlen(item->name)} : item->key);
  set_span(L, "key", item->key);
  set_span(L, "from", item->from);
  if (item->reason) set_span(L, "reason", (gw_span){item->reason, strlen(item->reason)});
}

/* A list is made when it is asked for, and kept: a million variables are restored in most cases, and nobody looks. */
static void push_list(lua_State *L, const gw_report *report, gw_report_list list) {
  if (lua_getiuservalue(L, 1, (int)list + 1) == LUA_TTABLE) return;
  lua_pop(L, 1);
  size_t count = gw_report_count(report, list);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    gw_report_item item;
    gw_report_at(report, list, i, &item);
    push_item(L, &item);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, (int)list + 1);
}

static int index_report(lua_State *L) {
  const gw_report *report = gwl_check(L, 1, GWL_REPORT);
  const char *field = luaL_checkstring(L, 2);
  for (int i = 0; list_names[i]; i++)
    if (strcmp(field, list_names[i]) == 0) return push_list(L, report, (gw_report_list)i), 1;
  if (strcmp(field, "consumed") == 0) lua_pushboolean(L, gw_report_consumed(report));
  else if (strcmp(field, "existing") == 0) lua_pushboolean(L, gw_report_existing(report));
  else if (strcmp(field, "raises") == 0) lua_pushboolean(L, gw_report_raises(report));
  else if (strcmp(field, "by_names") == 0) lua_pushboolean(L, gw_report_by_names(report));
  else if (strcmp(field, "mode") == 0) lua_pushstring(L, gw_report_mode(report) == GW_MATCH_READ ? "read" : "restore");
  else if (lua_pushvalue(L, 2), lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
    return luaL_error(L, "a report has no field '%s' (consumed, existing, raises, by_names, mode, missing, unexpected, mismatched, restored, notes)", field);
  return 1;
}

/* report:count(list): without making it. */
static int count(lua_State *L) {
  const gw_report *report = gwl_check(L, 1, GWL_REPORT);
  lua_pushinteger(L, (lua_Integer)gw_report_count(report, (gw_report_list)luaL_checkoption(L, 2, NULL, list_names)));
  return 1;
}

static int new_report(lua_State *L, gw_draft *draft, gw_draft *other, const gw_match_options *options, bool restoring) {
  char line[128];
  gw_error error = GW_ERROR_INIT;
  gw_report *report;
  gwl_charge(L, 1 + gw_draft_count(draft) + gw_draft_count(other));
  void **box = gwl_new(L, GWL_REPORT, GW_REPORT_LISTS);
  gw_status status = restoring
                         ? gw_draft_restore(draft, other, options, gwl_where(L, line, sizeof line) ? line : NULL, &report, &error)
                         : gw_draft_like(draft, other, options, &report, &error);
  if (status != GW_OK) return gwl_raise(L, &error);
  *box = report;
  return 1;
}

/* ---- Options */

/* The node at options[field]: a handle or a path; the root when it is not there. */
static uint32_t node_at(lua_State *L, int options, const char *field, gw_draft *draft) {
  gw_error error = GW_ERROR_INIT;
  uint32_t node = GW_NO_NODE;
  size_t length;
  gw_draft *owner = draft;
  int type = lua_getfield(L, options, field);
  if (type == LUA_TSTRING) {
    const char *path = lua_tolstring(L, -1, &length);
    if (gw_draft_find_node(draft, path, length, &node, &error) != GW_OK) gwl_raise(L, &error);
  } else if (type != LUA_TNIL) {
    if (!gwl_test(L, -1, GWL_NODE)) gwl_wrong(L, "%s is an object (ckpt.root.model) or its path (\"model/layer-0\"), not a %s", field, luaL_typename(L, -1));
    node = gwl_check_node(L, lua_gettop(L), &owner);
    if (owner != draft) gwl_wrong(L, "%s is a node of another checkpoint", field);
  }
  lua_pop(L, 1);
  return node;
}

static void check_options(lua_State *L, int index, gw_draft *source, gw_draft *target, gw_match_options *options) {
  static const char *const modes[] = {"restore", "read", NULL};
  *options = (gw_match_options)GW_MATCH_OPTIONS_INIT;
  if (lua_isnoneornil(L, index)) return;
  luaL_checktype(L, index, LUA_TTABLE);
  options->from = node_at(L, index, "from", source);
  options->into = node_at(L, index, "into", target);
  if (lua_getfield(L, index, "as") != LUA_TNIL) options->mode = luaL_checkoption(L, -1, NULL, modes) == 0 ? GW_MATCH_RESTORE : GW_MATCH_READ;
  lua_pop(L, 1);
}

/* source:core_like(target, options?) -> report */
static int like(lua_State *L) {
  gw_match_options options;
  gw_draft *source = gwl_check_draft(L, 1), *target = gwl_check_draft(L, 2);
  check_options(L, 3, source, target, &options);
  return new_report(L, source, target, &options, false);
}

/* target:core_restore(source, options?) -> report */
static int restore(lua_State *L) {
  gw_match_options options;
  gw_draft *target = gwl_check_draft(L, 1), *source = gwl_check_draft(L, 2);
  check_options(L, 3, source, target, &options);
  return new_report(L, target, source, &options, true);
}

/* ---- A report as text: what is wrong, the first of each kind */

enum { MOST_SHOWN = 10 };

static void add_list(luaL_Buffer *text, const gw_report *report, gw_report_list list, const char *heading) {
  char line[2600], name[1000], reason[1400];
  size_t total = gw_report_count(report, list);
  for (size_t i = 0; i < total && i < MOST_SHOWN; i++) {
    gw_report_item item;
    gw_report_at(report, list, i, &item);
    gw_span shown = item.name ? (gw_span){item.name, strlen(item.name)} : item.key;
    gw_printable(name, sizeof name, shown.data ? shown.data : "", shown.size);
    gw_printable(reason, sizeof reason, item.reason ? item.reason : "", item.reason ? strlen(item.reason) : 0);
    snprintf(line, sizeof line, "\n  %-11s%s%s%s", heading, name, name[0] && reason[0] ? ": " : "", reason);
    luaL_addstring(text, line);
  }
  if (total <= MOST_SHOWN) return;
  snprintf(line, sizeof line, "\n  %-11sand %zu more", heading, total - MOST_SHOWN);
  luaL_addstring(text, line);
}

static const char *answer(bool yes) { return yes ? "passes" : "fails"; }

static int to_string(lua_State *L) {
  const gw_report *report = gwl_check(L, 1, GWL_REPORT);
  char line[200];
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  snprintf(line, sizeof line, "assert_consumed %s, assert_existing_objects_matched %s, %zu restored", answer(gw_report_consumed(report)),
           answer(gw_report_existing(report)), gw_report_count(report, GW_REPORT_RESTORED));
  luaL_addstring(&text, line);
  add_list(&text, report, GW_REPORT_MISMATCHED, "mismatched");
  add_list(&text, report, GW_REPORT_MISSING, "missing");
  add_list(&text, report, GW_REPORT_UNEXPECTED, "unexpected");
  add_list(&text, report, GW_REPORT_NOTES, "note");
  luaL_pushresult(&text);
  return 1;
}

void gwl_open_match(lua_State *L) {
  static const luaL_Reg meta[] = {{"__tostring", to_string}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"count", count}, {"close", release}, {NULL, NULL}};
  static const luaL_Reg of_drafts[] = {{"core_like", like}, {"core_restore", restore}, {NULL, NULL}};
  gwl_make_type(L, GWL_REPORT, release, meta, methods, index_report);
  lua_pop(L, 1);
  /* [core] */
  lua_getfield(L, -1, "draft_methods");
  luaL_setfuncs(L, of_drafts, 0);
  lua_pop(L, 1);
}

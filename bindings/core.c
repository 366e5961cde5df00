/* The C module `godwit.core`, on which all scripts stand; and the way to scripts that are embedded. */
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "embed.h"
#include "limits.h"

static char script_folder_key; /* registry: --scripts DIR, or nothing */

/* ---- Scripts */

static const struct gwl_script *find_script(const char *name) {
  size_t low = 0, high = gwl_script_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(gwl_scripts[middle].name, name);
    if (order == 0) return &gwl_scripts[middle];
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

/* A module's file under --scripts: DIR/godwit/commands/run.lua or DIR/godwit/init.lua. */
static bool push_from_folder(lua_State *L, const char *folder, const char *name) {
  luaL_gsub(L, name, ".", "/");
  for (int i = 0; i < 2; i++) {
    lua_pushfstring(L, i ? "%s/%s/init.lua" : "%s/%s.lua", folder, lua_tostring(L, -1));
    int status = luaL_loadfilex(L, lua_tostring(L, -1), "t");
    if (status == LUA_OK) {
      lua_insert(L, -3);
      lua_pop(L, 2);
      return true;
    }
    if (status != LUA_ERRFILE) lua_error(L);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return false;
}

/* Compiled code suits one release of Lua, and nothing in the code itself says which: 5.4.6 would take that of 5.4.0. The
 * library that is loaded need not be the one of the build, and a host of the module may not have lua_ident at all. */
#pragma weak lua_ident
static bool can_run_code(void) {
  const char *volatile release = lua_ident; /* compilers take the address of an array for never NULL */
  return release && strcmp(release, gwl_lua_release) == 0;
}

static int load_script(lua_State *L, const struct gwl_script *script) {
  char chunk[128];
  snprintf(chunk, sizeof chunk, "=[godwit %s]", script->name);
  if (can_run_code()) return luaL_loadbufferx(L, (const char *)script->code, script->code_size, chunk, "b");
  return luaL_loadbufferx(L, (const char *)script->data, script->size, chunk, "t");
}

bool gwl_push_script(lua_State *L, const char *name) {
  const struct gwl_script *script = find_script(name);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &script_folder_key) == LUA_TSTRING) {
    bool found = push_from_folder(L, lua_tostring(L, -1), name);
    if (found) {
      lua_remove(L, -2);
      return true;
    }
  }
  lua_pop(L, 1);
  if (!script) return false;
  if (load_script(L, script) != LUA_OK) lua_error(L);
  return true;
}

static int searcher(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (!gwl_push_script(L, name)) {
    lua_pushfstring(L, "no embedded script '%s'", name);
    return 1;
  }
  lua_pushfstring(L, "[godwit %s]", name);
  return 2;
}

void gwl_add_searcher(lua_State *L, const char *folder) {
  lua_pushstring(L, folder);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &script_folder_key);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  /* Before the file system: the program runs the scripts that it was built with. */
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
    lua_geti(L, -1, i);
    lua_seti(L, -2, i + 1);
  }
  lua_pushcfunction(L, searcher);
  lua_seti(L, -2, 2);
  lua_pop(L, 2);
}

/* core.script(name, environment) -> the chunk, or nil: for states without `package`. */
static int script(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!gwl_push_script(L, name)) return 0;
  lua_pushvalue(L, 2);
  if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
  return 1;
}

/* core.scripts(prefix) -> the names of embedded scripts that begin so */
static int script_names(lua_State *L) {
  size_t length;
  const char *prefix = luaL_checklstring(L, 1, &length);
  lua_Integer count = 0;
  lua_newtable(L);
  for (size_t i = 0; i < gwl_script_count; i++)
    if (strncmp(gwl_scripts[i].name, prefix, length) == 0) {
      lua_pushstring(L, gwl_scripts[i].name);
      lua_rawseti(L, -2, ++count);
    }
  return 1;
}

/* core.script_source(name) -> the text of an embedded script, or nil */
static int script_source(lua_State *L) {
  const struct gwl_script *found = find_script(luaL_checkstring(L, 1));
  if (!found) return 0;
  lua_pushlstring(L, (const char *)found->data, found->size);
  return 1;
}

/* core.load(text, chunk name, environment?) -> the chunk; text only. */
static int load_text(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size), *name = luaL_checkstring(L, 2);
  if (luaL_loadbufferx(L, text, size, name, "t") != LUA_OK) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  if (!lua_isnoneornil(L, 3)) {
    lua_pushvalue(L, 3);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
  }
  return 1;
}

/* ---- Interrupts */

static volatile sig_atomic_t interrupted;
bool gwl_interrupted(void) { return interrupted != 0; }

void gwl_stop_if_interrupted(lua_State *L) {
  gw_error error = {.status = GW_CANCELLED, .what = "interrupted"};
  if (interrupted) gwl_raise(L, &error);
}

static void on_signal(int number) {
  interrupted = number;
}

/* core.catch_signals(): Ctrl-C and SIGTERM end the work in hand, and then the program, instead of both at once. A write
 * beyond the size that `ulimit -f` allows fails like one on a full disk. */
static int catch_signals(lua_State *L) {
  struct sigaction action;
  (void)L;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  /* Once: a second Ctrl-C ends a program that does not listen. */
  action.sa_flags = (int)SA_RESETHAND;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGXFSZ, SIG_IGN);
  return 0;
}

static void look_for_interrupt(lua_State *L, lua_Debug *frame) {
  (void)frame;
  gwl_stop_if_interrupted(L);
}

/* core.watch_interrupts(): from now on Ctrl-C also ends Lua that only computes. */
static int watch_interrupts(lua_State *L) {
  enum { STEPS = 10000 };
  lua_sethook(L, look_for_interrupt, LUA_MASKCOUNT, STEPS);
  return 0;
}

/* core.forget_interrupt(): for a session that goes on after Ctrl-C. */
static int forget_interrupt(lua_State *L) {
  interrupted = 0;
  return catch_signals(L);
}

static int was_interrupted(lua_State *L) {
  lua_pushboolean(L, interrupted != 0);
  return 1;
}

/* ---- Clock and terminal */

static int seconds(lua_State *L, clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
  return 1;
}

static int monotonic(lua_State *L) { return seconds(L, CLOCK_MONOTONIC); }
static int time_of_day(lua_State *L) { return seconds(L, CLOCK_REALTIME); }

static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* core.columns(fd) -> how wide a terminal is, or nil where nobody knows */
static int columns(lua_State *L) {
  struct winsize size;
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* ---- The module */

/* core.what(value) -> "a table", "a tensor", "nil" */
static int what(lua_State *L) {
  lua_settop(L, 1);
  lua_pushstring(L, gwl_what(L, 1));
  return 1;
}

int gwl_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"locate", gwl_locate},
                                       {"same", gwl_same},
                                       {"open", gwl_bundle_open},
                                       {"draft", gwl_draft_new},
                                       {"plan", gwl_plan_compile},
                                       {"verify", gwl_verify},
                                       {"diff", gwl_diff},
                                       {"listing", gwl_listing_make},
                                       {"bytes", gwl_bytes_text},
                                       {"printable", gwl_printable},
                                       {"tensor", gwl_tensor_make},
                                       {"full", gwl_tensor_fill},
                                       {"concat", gwl_tensor_concat},
                                       {"stack", gwl_tensor_stack},
                                       {"mean", gwl_tensor_mean},
                                       {"random", gwl_tensor_random},
                                       {"vocab", gwl_vocab_new},
                                       {"vocab_remap", gwl_vocab_remap},
                                       {"remap", gwl_vocab_apply},
                                       {"match", gwl_regex_match},
                                       {"sub", gwl_regex_sub},
                                       {"json", gwl_json},
                                       {"json_parse", gwl_json_parse},
                                       {"sha256", gwl_sha256},
                                       {"sha256_file", gwl_sha256_file},
                                       {"fail", gwl_fail},
                                       {"where", gwl_lua_where},
                                       {"home", gwl_home},
                                       {"what", what},
                                       {"sandbox", gwl_sandbox_new},
                                       {"graph", gwl_graph_open},
                                       {"graph_decode", gwl_graph_decode},
                                       {"escape", gwl_graph_escape},
                                       {"unescape", gwl_graph_unescape},
                                       {"node_children", gwl_node_children},
                                       {"node_root", gwl_node_root},
                                       {"node_set_root", gwl_node_set_root},
                                       {"node_is_sorted", gwl_node_is_sorted},
                                       {"node_new", gwl_node_new},
                                       {"node_variable", gwl_node_variable},
                                       {"node_child", gwl_node_child},
                                       {"node_link", gwl_node_link},
                                       {"node_unlink", gwl_node_unlink},
                                       {"node_rename", gwl_node_rename},
                                       {"node_order", gwl_node_order},
                                       {"node_reorder", gwl_node_reorder},
                                       {"node_is_variable", gwl_node_is_variable},
                                       {"node_tensor", gwl_node_tensor},
                                       {"node_set_tensor", gwl_node_set_tensor},
                                       {"node_full_name", gwl_node_full_name},
                                       {"node_path", gwl_node_path},
                                       {"node_slots", gwl_node_slots},
                                       {"node_set_slot", gwl_node_set_slot},
                                       {"node_adopt", gwl_node_adopt},
                                       {"node_draft", gwl_node_draft},
                                       {"node_name_for", gwl_node_name_for},
                                       {"node_on_assign", gwl_node_on_assign},
                                       {"node_is", gwl_node_is},
                                       {"objects", gwl_objects_new},
                                       {"load", load_text},
                                       {"script", script},
                                       {"scripts", script_names},
                                       {"script_source", script_source},
                                       {"read_inside", gwl_read_inside},
                                       {"list_folder", gwl_list_folder},
                                       {"is_folder", gwl_is_folder},
                                       {"is_file", gwl_is_file},
                                       {"create_file", gwl_create_file},
                                       {"make_folder", gwl_make_folder},
                                       {"catch_signals", catch_signals},
                                       {"interrupted", was_interrupted},
                                       {"watch_interrupts", watch_interrupts},
                                       {"forget_interrupt", forget_interrupt},
                                       {"line_editor", gwl_line_editor},
                                       {"complete", gwl_complete},
                                       {"monotonic", monotonic},
                                       {"time", time_of_day},
                                       {"is_terminal", is_terminal},
                                       {"columns", columns},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_pushliteral(L, GW_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushinteger(L, GW_DEFAULT_MEMORY);
  lua_setfield(L, -2, "default_memory");
  lua_pushinteger(L, GWL_RECIPE_SECONDS);
  lua_setfield(L, -2, "recipe_seconds");
  gwl_open_error(L);
  gwl_open_regex(L);
  gwl_open_bundle(L);
  gwl_open_tensor(L);
  gwl_open_draft(L);
  gwl_open_match(L);
  gwl_open_vocab(L);
  gwl_open_plan(L);
  gwl_open_work(L);
  gwl_open_listing(L);
  gwl_open_sandbox(L);
  gwl_open_graph(L);
  gwl_open_node(L);
  gwl_open_json(L);
  gwl_open_line(L);
  return 1;
}

/* The name under which `require "godwit.core"` finds it. */
GW_API int luaopen_godwit_core(lua_State *L);
int luaopen_godwit_core(lua_State *L) { return gwl_open(L); }

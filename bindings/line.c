/* Line editing for the REPL: libedit, loaded when it is first asked for, so that no other command pays for it. Its ABI
 * has been the same since soname 2; what is used of <histedit.h> is declared here, so that building needs no package. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "gwl.h"

typedef struct EditLine EditLine;
typedef struct History History;
typedef struct HistEvent {
  int num;
  const char *str;
} HistEvent;
typedef struct LineInfo {
  const char *buffer, *cursor, *lastchar;
} LineInfo;

enum { EL_PROMPT = 0, EL_EDITOR = 2, EL_BIND = 4, EL_ADDFN = 9, EL_HIST = 10, EL_GETCFN = 13, EL_CLIENTDATA = 14 };
enum { H_SETSIZE = 1, H_ENTER = 10, H_LOAD = 17, H_SAVE = 18, H_SETUNIQUE = 20 };
enum { CC_REFRESH = 4, CC_REFRESH_BEEP = 10, CC_REDISPLAY = 9 };
enum { HISTORY_LINES = 1000 };

static struct {
  void *library;
  EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
  void (*end)(EditLine *);
  void (*reset)(EditLine *);
  const char *(*gets)(EditLine *, int *);
  int (*set)(EditLine *, int, ...);
  int (*get)(EditLine *, int, ...);
  const LineInfo *(*line)(EditLine *);
  int (*insertstr)(EditLine *, const char *);
  History *(*history_init)(void);
  void (*history_end)(History *);
  int (*history)(History *, HistEvent *, int, ...);
} edit;

typedef struct line_editor {
  EditLine *line;
  History *history;
  lua_State *L; /* who is reading: completion is called there */
  char prompt[64];
  bool interrupted;
} line_editor;

static bool load_library(void) {
  const struct {
    const char *name;
    void *pointer;
  } wanted[] = {{"el_init", &edit.init},       {"el_end", &edit.end},         {"el_reset", &edit.reset},
                {"el_gets", &edit.gets},       {"el_set", &edit.set},         {"el_get", &edit.get},
                {"el_line", &edit.line},       {"el_insertstr", &edit.insertstr}, {"history_init", &edit.history_init},
                {"history_end", &edit.history_end}, {"history", &edit.history}};
  if (edit.library) return true;
  void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    void *found = dlsym(library, wanted[i].name);
    if (!found) {
      dlclose(library);
      return false;
    }
    memcpy(wanted[i].pointer, &found, sizeof found);
  }
  edit.library = library;
  return true;
}

static line_editor *of(EditLine *line) {
  void *data = NULL;
  edit.get(line, EL_CLIENTDATA, &data);
  return data;
}

static char *prompt_of(EditLine *line) { return of(line)->prompt; }

/* One character; Ctrl-C ends the line, where libedit's own would read on. */
static int read_character(EditLine *line, wchar_t *out) {
  line_editor *editor = of(line);
  mbstate_t state;
  memset(&state, 0, sizeof state);
  for (;;) {
    char byte;
    ssize_t count = read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR && !gwl_interrupted()) continue; /* the window changed */
    if (count < 0) editor->interrupted = errno == EINTR;
    if (count <= 0) return (int)count;
    size_t used = mbrtowc(out, &byte, 1, &state);
    if (used == (size_t)-2) continue; /* the first bytes of a character */
    if (used == (size_t)-1) *out = (unsigned char)byte;
    return 1;
  }
}

/* ---- Completion: the function in the editor's user value gets the text before the cursor, and gives what to insert, and
 * a list to show where that is nothing, and how many there are beyond the list. */

/* [.. list more] */
static void show(lua_State *L) {
  fputc('\n', stderr);
  lua_Integer count = luaL_len(L, -2), more = lua_tointeger(L, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_geti(L, -2, i) == LUA_TSTRING) fprintf(stderr, "%s%s", i > 1 ? "  " : "", lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  if (more > 0) fprintf(stderr, "  and %lld more", (long long)more);
  fputc('\n', stderr);
}

static unsigned char complete(EditLine *line, int character) {
  line_editor *editor = of(line);
  lua_State *L = editor->L;
  const LineInfo *info = edit.line(line);
  unsigned char answer = CC_REFRESH_BEEP;
  int top = lua_gettop(L);
  (void)character;
  if (!lua_checkstack(L, 8)) return answer;
  lua_pushvalue(L, 3); /* read(editor, prompt, complete) */
  lua_pushlstring(L, info->buffer, (size_t)(info->cursor - info->buffer));
  if (lua_pcall(L, 1, 3, 0) == LUA_OK) { /* what to insert, candidates, how many more */
    const char *text = lua_tostring(L, -3);
    if (text && text[0] && edit.insertstr(line, text) == 0) {
      answer = CC_REFRESH;
    } else if (lua_istable(L, -2)) {
      show(L);
      answer = CC_REDISPLAY;
    }
  }
  lua_settop(L, top);
  return answer;
}

/* ---- Lua's side */

static int release(lua_State *L) {
  line_editor **box = luaL_checkudata(L, 1, GWL_LINE);
  if (*box) {
    edit.history_end((*box)->history);
    edit.end((*box)->line);
    free(*box);
  }
  *box = NULL;
  return 0;
}

/* core.line_editor(history file?) -> an editor, or nil where libedit is not there */
int gwl_line_editor(lua_State *L) {
  const char *file = luaL_optstring(L, 1, NULL);
  HistEvent event;
  if (!load_library()) return 0;
  void **box = gwl_new(L, GWL_LINE, 0);
  line_editor *editor = calloc(1, sizeof *editor);
  if (!editor) return luaL_error(L, "out of memory");
  *box = editor;
  editor->line = edit.init("godwit", stdin, stderr, stderr);
  editor->history = edit.history_init();
  if (!editor->line || !editor->history) return luaL_error(L, "the terminal cannot be used");
  edit.set(editor->line, EL_CLIENTDATA, (void *)editor);
  edit.set(editor->line, EL_PROMPT, prompt_of);
  edit.set(editor->line, EL_EDITOR, "emacs");
  edit.set(editor->line, EL_GETCFN, read_character);
  edit.set(editor->line, EL_HIST, edit.history, editor->history);
  edit.set(editor->line, EL_ADDFN, "complete", "completes names", complete);
  edit.set(editor->line, EL_BIND, "^I", "complete", NULL);
  edit.set(editor->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
  edit.history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
  edit.history(editor->history, &event, H_SETUNIQUE, 1);
  if (file) edit.history(editor->history, &event, H_LOAD, file);
  return 1;
}

/* editor:read(prompt, complete) -> a line without its end, or nil at the end; "interrupted" behind nil after Ctrl-C */
static int read_line(lua_State *L) {
  line_editor *editor = gwl_check(L, 1, GWL_LINE);
  int count = 0;
  snprintf(editor->prompt, sizeof editor->prompt, "%s", luaL_checkstring(L, 2));
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  editor->L = L;
  editor->interrupted = false;
  const char *text = edit.gets(editor->line, &count);
  if (!text || count <= 0) {
    edit.reset(editor->line);
    lua_pushnil(L);
    if (!editor->interrupted) return 1;
    lua_pushliteral(L, "interrupted");
    return 2;
  }
  size_t length = strlen(text);
  while (length && (text[length - 1] == '\n' || text[length - 1] == '\r')) length--;
  lua_pushlstring(L, text, length);
  return 1;
}

/* editor:remember(line), editor:save(file) -> whether it could */
static int remember(lua_State *L) {
  const line_editor *editor = gwl_check(L, 1, GWL_LINE);
  HistEvent event;
  edit.history(editor->history, &event, H_ENTER, luaL_checkstring(L, 2));
  return 0;
}

static int save(lua_State *L) {
  const line_editor *editor = gwl_check(L, 1, GWL_LINE);
  HistEvent event;
  lua_pushboolean(L, edit.history(editor->history, &event, H_SAVE, luaL_checkstring(L, 2)) >= 0);
  return 1;
}

void gwl_open_line(lua_State *L) {
  static const luaL_Reg methods[] = {{"read", read_line}, {"remember", remember}, {"save", save}, {NULL, NULL}};
  gwl_make_type(L, GWL_LINE, release, NULL, methods, NULL);
  lua_pop(L, 1);
}

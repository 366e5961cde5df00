/* What a recipe may take: memory, steps, processor time. A limit that is hit names itself, its value and its flag.
 *
 *   memory   one account for the guest's Lua and for what core allocates on its behalf
 *   steps    of Lua's machine, counted by a hook; core's own loops charge theirs
 *   time     of the processor, looked at by the hook; hooks are silent inside C functions (string.rep, Lua's patterns), where
 *            a timer ends the program: while a recipe runs nothing has been written */
#include "limits.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  STEPS = 100000,         /* between two looks */
  COROUTINE_STEPS = 1000, /* the same in a coroutine, paid when it is made: a thousand that end early are not free */
  REPORT_BYTES = 1 << 20  /* memory to say that there is no more */
};
static const double GRACE = 0.2; /* seconds from the hook's turn to the timer's */

/* ---- Memory */

static void *allocate(void *data, void *old, size_t old_size, size_t size) {
  gwl_limits *limits = data;
  if (!old) old_size = 0; /* Lua passes a type there */
  if (size == 0) {
    free(old);
    limits->account.used -= (int64_t)old_size;
    return NULL;
  }
  if (size > old_size && !gw_account_allows(&limits->account, size - old_size)) return NULL;
  void *moved = realloc(old, size);
  if (moved) limits->account.used += (int64_t)size - (int64_t)old_size;
  return moved;
}

gwl_limits *gwl_limits_of(lua_State *L) {
  void *data;
  return lua_getallocf(L, &data) == allocate ? data : NULL;
}

/* ---- Messages */

enum { BY_MEMORY = 1, BY_STEPS, BY_TIME };

/* 1000000 as "1,000,000" */
static const char *grouped(uint64_t number, char out[32]) {
  char digits[24];
  int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number), at = 0;
  for (int i = 0; i < count; i++) {
    if (i && (count - i) % 3 == 0) out[at++] = ',';
    out[at++] = digits[i];
  }
  out[at] = '\0';
  return out;
}

/* As --max-recipe-memory takes it: 1G, 64M, 1000 */
static const char *as_size(int64_t bytes, char out[32]) {
  static const char units[] = "GMK";
  for (int i = 0; i < 3; i++) {
    int shift = 30 - 10 * i;
    if (bytes % ((int64_t)1 << shift) != 0) continue;
    snprintf(out, 32, "%lld%c", (long long)(bytes >> shift), units[i]);
    return out;
  }
  snprintf(out, 32, "%lld bytes", (long long)bytes);
  return out;
}

static void explain(const gwl_limits *limits, int by, gw_error *error) {
  char number[32];
  *error = (gw_error){.status = GW_LIMIT};
  if (by == BY_MEMORY) {
    snprintf(error->what, sizeof error->what, "the recipe needs more memory than a recipe may take (%s)", as_size(limits->memory, number));
    snprintf(error->hint, sizeof error->hint, "--max-recipe-memory SIZE allows more");
  } else if (by == BY_STEPS) {
    snprintf(error->what, sizeof error->what, "the recipe took more than %s steps", grouped(limits->max_steps, number));
    snprintf(error->hint, sizeof error->hint, "a loop that never ends? --max-steps N allows more");
  } else {
    snprintf(error->what, sizeof error->what, "the recipe computed for more than %g s", limits->seconds);
    snprintf(error->hint, sizeof error->hint, "--max-recipe-time SECONDS allows more");
  }
}

void gwl_limits_explain_memory(const gwl_limits *limits, gw_error *error) {
  explain(limits, BY_MEMORY, error);
  if (limits->title[0]) snprintf(error->file, sizeof error->file, "%s", limits->title);
}

/* ---- Steps and time */

static double processor_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_count(lua_State *L, lua_Debug *frame);

/* From now on every instruction raises, or pcall would swallow it. The line is that of the first time: later ones may
 * find no recipe on the stack. */
static int stop(lua_State *L, gwl_limits *limits, int by) {
  gw_error error;
  if (!limits->stopped_by) {
    limits->stopped_by = by;
    limits->account.limit += REPORT_BYTES;
    gwl_where(L, limits->line, sizeof limits->line);
  }
  explain(limits, limits->stopped_by, &error);
  snprintf(error.line, sizeof error.line, "%s", limits->line);
  lua_sethook(limits->guest, on_count, LUA_MASKCOUNT, 1);
  lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
  return gwl_raise(L, &error);
}

static void look(lua_State *L, gwl_limits *limits) {
  if (gwl_interrupted()) {
    lua_sethook(limits->guest, on_count, LUA_MASKCOUNT, 1);
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    gwl_stop_if_interrupted(L);
  }
  if (limits->steps > limits->max_steps) stop(L, limits, BY_STEPS);
  if (processor_time() > limits->until) stop(L, limits, BY_TIME);
}

static void on_count(lua_State *L, lua_Debug *frame) {
  gwl_limits *limits = gwl_limits_of(L);
  (void)frame;
  if (limits->stopped_by) stop(L, limits, limits->stopped_by);
  limits->steps += (uint64_t)lua_gethookcount(L);
  look(L, limits);
}

void gwl_charge(lua_State *L, uint64_t steps) {
  gwl_limits *limits = gwl_limits_of(L);
  if (!limits) return;
  limits->steps = steps > UINT64_MAX - limits->steps ? UINT64_MAX : limits->steps + steps;
  look(L, limits);
}

void gwl_charge_elements(lua_State *L, const gw_tensor *tensor) {
  enum { ELEMENTS_PER_STEP = 64 };
  gwl_charge(L, 1 + gw_tensor_elements(tensor) / ELEMENTS_PER_STEP);
}

/* A hook that raises leaves the hooks of a coroutine off, for good: to close that coroutine would run what it has to be closed
 * (__close) with nothing to stop it. Nobody closes once a recipe is stopped. */
static void stay_stopped(lua_State *L) {
  gwl_limits *limits = gwl_limits_of(L);
  if (limits->stopped_by) stop(L, limits, limits->stopped_by);
  gwl_stop_if_interrupted(L);
}

/* coroutine.create, paid for. Upvalues: Lua's own */
static int create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  gwl_charge(L, COROUTINE_STEPS);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  lua_sethook(lua_tothread(L, -1), on_count, LUA_MASKCOUNT, COROUTINE_STEPS);
  return 1;
}

/* coroutine.close. Upvalues: Lua's own */
static int close_stopped(lua_State *L) {
  stay_stopped(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* What coroutine.wrap gives; Lua's own closes what has failed without asking. Upvalues: the coroutine, Lua's resume and close */
static int resume_wrapped(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 2);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
  stay_stopped(L); /* [false error] */
  int status = lua_status(lua_tothread(L, lua_upvalueindex(1)));
  if (status > LUA_YIELD) {
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 1, 2); /* what a __close raised takes the place of the error */
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* coroutine.wrap. Upvalues: Lua's own create, resume and close */
static int wrap(lua_State *L) {
  create(L);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_pushcclosure(L, resume_wrapped, 3);
  return 1;
}

void gwl_limits_wrap_coroutines(lua_State *L) {
  static const char *const own[] = {"create", "resume", "close"};
  for (int i = 0; i < 3; i++) lua_getfield(L, -1 - i, own[i]); /* [library create resume close] */
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, create, 1);
  lua_setfield(L, -5, "create");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, close_stopped, 1);
  lua_setfield(L, -5, "close");
  lua_pushcclosure(L, wrap, 3);
  lua_setfield(L, -2, "wrap");
}

/* ---- The timer */

/* What the signal handler writes: it may not format. A path has 4096 bytes, and six times as many in JSON. */
static char last_words[20 << 10], last_json[28 << 10];
static bool ends_program;

/* The same signal says that the process has used up what `ulimit -t` gives it: then it ends as it would without us. */
static void on_timer(int number, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_code != SI_TIMER) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  ssize_t written = write(STDERR_FILENO, last_words, strlen(last_words));
  if (last_json[0]) written = write(STDOUT_FILENO, last_json, strlen(last_json));
  (void)written;
  _exit(last_words[0] ? 3 : 0);
}

void gwl_limits_last_words(const char *text, const char *json) {
  ends_program = text != NULL;
  snprintf(last_words, sizeof last_words, "%s", text ? text : "");
  snprintf(last_json, sizeof last_json, "%s", json);
}

static struct timespec as_timespec(double seconds) {
  time_t whole = (time_t)seconds;
  return (struct timespec){.tv_sec = whole, .tv_nsec = (long)((seconds - (double)whole) * 1e9)};
}

static void arm(gwl_limits *limits) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU};
  struct sigaction action;
  if (!ends_program || timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &limits->timer) != 0) return;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_timer;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGXCPU, &action, NULL);
  struct itimerspec once = {.it_value = as_timespec(limits->seconds + GRACE)};
  limits->armed = timer_settime(limits->timer, 0, &once, NULL) == 0;
  if (!limits->armed) timer_delete(limits->timer);
}

int gwl_limits_call(lua_State *L, int arguments, int results) {
  gwl_limits *limits = gwl_limits_of(L);
  gw_account *before = gw_account_use(&limits->account);
  limits->account.limit = limits->memory;
  limits->until = processor_time() + limits->seconds;
  arm(limits);
  int status = lua_pcall(L, arguments, results, 0);
  if (limits->armed) timer_delete(limits->timer);
  limits->armed = false;
  /* Between calls values cross, where the guest has nobody to catch an error: that counts when the next call begins. */
  limits->account.limit = INT64_MAX;
  gw_account_use(before);
  return status;
}

/* ---- A state under limits */

lua_State *gwl_limits_new_state(const gwl_limits *wanted) {
  gwl_limits *limits = malloc(sizeof *limits);
  if (!limits) return NULL;
  *limits = *wanted;
  limits->account = (gw_account){.limit = INT64_MAX};
  limits->guest = lua_newstate(allocate, limits);
  if (!limits->guest) {
    free(limits);
    return NULL;
  }
  lua_sethook(limits->guest, on_count, LUA_MASKCOUNT, STEPS);
  return limits->guest;
}

void gwl_limits_close_state(lua_State *guest) {
  gwl_limits *limits = gwl_limits_of(guest);
  lua_close(guest);
  free(limits);
}

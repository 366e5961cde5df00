/* Limits of a recipe's state: see limits.c. */
#ifndef GODWIT_BINDINGS_LIMITS_H
#define GODWIT_BINDINGS_LIMITS_H

#include <time.h>

#include "gwl.h"

/* The defaults, which the flags of run and plan replace. */
#define GWL_RECIPE_MEMORY (1 << 30)
#define GWL_RECIPE_STEPS 1000000000
#define GWL_RECIPE_SECONDS 60

typedef struct gwl_limits {
  /* given */
  int64_t memory;     /* bytes */
  uint64_t max_steps;
  double seconds;     /* of processor time, of each call */
  char title[256];    /* the recipe in messages, where no line is known */
  /* kept */
  gw_account account;
  uint64_t steps;
  double until;
  lua_State *guest;   /* its main thread */
  int stopped_by;     /* 0: by nothing */
  char line[128];     /* where it was then */
  timer_t timer;
  bool armed;
} gwl_limits;

/* The limits that a state is under; NULL for one of the host's. */
gwl_limits *gwl_limits_of(lua_State *L);
/* A new state whose memory is on an account; NULL without memory. */
lua_State *gwl_limits_new_state(const gwl_limits *wanted);
void gwl_limits_close_state(lua_State *guest);
/* lua_pcall under the limits. */
int gwl_limits_call(lua_State *L, int arguments, int results);
/* Puts the coroutine library on top of the stack under the limits, too. */
void gwl_limits_wrap_coroutines(lua_State *L);
void gwl_limits_explain_memory(const gwl_limits *limits, gw_error *error);
/* Texts to end the program with when a recipe's time is over inside a C function: "" to end it without a word
 * and without a failure, NULL not to end it. */
void gwl_limits_last_words(const char *text, const char *json);

#endif

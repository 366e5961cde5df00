/* Numbered jobs on a fixed number of threads. Jobs start in order; the first error stops the rest. Used by run for
 * writing and for verifying. */
#ifndef GODWIT_BASE_POOL_H
#define GODWIT_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "../godwit.h"

typedef struct gw_pool gw_pool;

typedef struct gw_pool_work {
  void *context;
  size_t jobs;
  /* Does one job. `worker` counts from 0: scratch memory per thread can be found by it. */
  gw_status (*job)(void *context, unsigned worker, size_t number, gw_error *error);
  /* Runs once on one of the threads after all jobs are done without an error; may be NULL. */
  gw_status (*finish)(void *context, gw_error *error);
} gw_pool_work;

/* Threads 0: one per core. */
unsigned gw__pool_threads(unsigned wanted);
gw_status gw__pool_start(const gw_pool_work *work, unsigned threads, gw_pool **out, gw_error *error);
/* Waits at most `milliseconds`. After *finished the result does not change any more. */
gw_status gw__pool_wait(gw_pool *pool, unsigned milliseconds, bool *finished, gw_error *error);
void gw__pool_cancel(gw_pool *pool);
void gw__pool_free(gw_pool *pool);            /* cancels and joins; accepts NULL */

#endif

/* The thread pool: see pool.h. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"

struct gw_pool {
  gw_pool_work work;
  pthread_mutex_t lock; /* guards what is below, except the atomics */
  pthread_cond_t changed;
  pthread_t *threads;
  unsigned thread_count, running;
  gw_status status;
  gw_error error;
  bool finished;
  atomic_size_t next;
  atomic_uint joined;   /* gives each thread its number */
  atomic_bool stop;
};

unsigned gw__pool_threads(unsigned wanted) {
  if (wanted > 0) return wanted > 256 ? 256 : wanted;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

/* The first error counts, but a job that was told to stop because another failed may be the first to say so. */
static void fail(gw_pool *pool, gw_status status, const gw_error *error) {
  pthread_mutex_lock(&pool->lock);
  if (pool->status == GW_OK || (pool->status == GW_CANCELLED && status != GW_CANCELLED)) {
    pool->status = status;
    pool->error = *error;
  }
  pthread_mutex_unlock(&pool->lock);
  atomic_store(&pool->stop, true);
}

/* The last thread to run out of jobs does the final step. */
static void leave(gw_pool *pool) {
  gw_error error = GW_ERROR_INIT;
  pthread_mutex_lock(&pool->lock);
  bool last = --pool->running == 0;
  bool good = pool->status == GW_OK && !atomic_load(&pool->stop);
  pthread_mutex_unlock(&pool->lock);
  if (!last) return;
  if (good && pool->work.finish) {
    gw_status status = pool->work.finish(pool->work.context, &error);
    if (status != GW_OK) fail(pool, status, &error);
  }
  pthread_mutex_lock(&pool->lock);
  if (pool->status == GW_OK && atomic_load(&pool->stop)) {
    pool->status = GW_CANCELLED;
    gw__fail(&pool->error, GW_CANCELLED, "interrupted");
  }
  pool->finished = true;
  pthread_cond_broadcast(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}

static void *run(void *argument) {
  gw_pool *pool = argument;
  unsigned worker = atomic_fetch_add(&pool->joined, 1);
  gw_error error = GW_ERROR_INIT;
  while (!atomic_load(&pool->stop)) {
    size_t number = atomic_fetch_add(&pool->next, 1);
    if (number >= pool->work.jobs) break;
    gw_status status = pool->work.job(pool->work.context, worker, number, &error);
    if (status != GW_OK) {
      fail(pool, status, &error);
      break;
    }
  }
  leave(pool);
  return NULL;
}

gw_status gw__pool_start(const gw_pool_work *work, unsigned threads, gw_pool **out, gw_error *error) {
  *out = NULL;
  gw_pool *pool = gw__alloc_array(1, sizeof *pool, error);
  if (!pool) return GW_NO_MEMORY;
  threads = gw__pool_threads(threads);
  pool->work = *work;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&pool->changed, &clock);
  pthread_condattr_destroy(&clock);
  pool->threads = gw__alloc_array(threads, sizeof *pool->threads, error);
  if (!pool->threads) {
    gw__pool_free(pool);
    return GW_NO_MEMORY;
  }
  pool->running = threads;
  int number = 0;
  for (unsigned i = 0; i < threads && number == 0; i++) {
    number = pthread_create(&pool->threads[i], NULL, run, pool);
    if (number == 0) pool->thread_count++;
  }
  if (pool->thread_count < threads) {
    /* Fewer threads than asked for do the work as well; none at all cannot. */
    unsigned missing = threads - pool->thread_count;
    if (pool->thread_count == 0) {
      pool->running = 0;
      pool->finished = true;
      gw__pool_free(pool);
      return gw__fail_system(error, number, "no thread can be started");
    }
    for (unsigned i = 0; i < missing; i++) leave(pool);
  }
  *out = pool;
  return GW_OK;
}

gw_status gw__pool_wait(gw_pool *pool, unsigned milliseconds, bool *finished, gw_error *error) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += milliseconds / 1000;
  until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&pool->lock);
  int result = 0;
  while (!pool->finished && result != ETIMEDOUT) result = pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
  *finished = pool->finished;
  gw_status status = pool->finished ? pool->status : GW_OK;
  if (status != GW_OK && error) *error = pool->error;
  pthread_mutex_unlock(&pool->lock);
  return status;
}

void gw__pool_cancel(gw_pool *pool) { atomic_store(&pool->stop, true); }

void gw__pool_free(gw_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, true);
  for (unsigned i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
  gw__free(pool->threads);
  pthread_cond_destroy(&pool->changed);
  pthread_mutex_destroy(&pool->lock);
  gw__free(pool);
}

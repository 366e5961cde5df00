/* The program, killed (SIGKILL) at random moments of --force runs, and this process' own child killed before each of its
 * system calls: each time OUT is the old checkpoint or the new one. Usage: kill_test SPEC_FOLDER SCRATCH_FOLDER; GODWIT is
 * the program. spec/tensorflow/kill_test.py has TensorFlow judge the same. */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "scenes.h"

extern char **environ;

enum { KILLS = 200, MEGABYTES = 4 };

static const char *program;
static gwt_path sources[2], target;
static gw_buf dumps[2];

static uint64_t random_state = 88172645463325252u;
static uint64_t random_number(void) { /* xorshift64*: the same numbers in every run */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * UINT64_C(2685821657736338717);
}

/* Two shards of a few tensors each; the values tell the two checkpoints apart. */
static void write_large(const char *prefix, uint64_t seed) {
  gwt_bundle bundle = gwt_bundle_new(2, false);
  gw_buf shards[2] = {GW_BUF_INIT, GW_BUF_INIT};
  random_state = seed;
  for (int i = 0; i < 8; i++) {
    gw_buf *data = &shards[i % 2];
    const int64_t dims[] = {MEGABYTES * 1024 * 1024 / 8 / 8};
    size_t begin = data->size;
    for (int64_t j = 0; j < dims[0]; j++) gw__put_fixed64(data, random_number());
    gwt_entry entry = {.dtype = GW_DT_INT64, .rank = 1, .dims = dims, .shard = i % 2, .offset = (int64_t)begin,
                       .size = (int64_t)(data->size - begin), .crc = gw__crc32c(data->data + begin, data->size - begin)};
    gwt_bundle_add(&bundle, gwt_path_of("tensor/%d", i).text, &entry);
  }
  gwt_bundle_write(&bundle, prefix, 0);
  for (int i = 0; i < 2; i++) {
    gwt_save(gwt_data_of(prefix, i, 2).text, shards[i].data, shards[i].size);
    gw__buf_free(&shards[i]);
  }
  gwt_bundle_free(&bundle);
}

static pid_t start_program(int source) {
  const char *const arguments[] = {program, "run", "--quiet", "--force", "-e", "", sources[source].text, "-o", target.text, NULL};
  pid_t pid = -1;
  gwt_must(posix_spawn(&pid, program, NULL, NULL, (char *const *)(uintptr_t)arguments, environ) == 0);
  return pid;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double run_undisturbed(int source) {
  int status = 0;
  double begin = now();
  pid_t pid = start_program(source);
  gwt_must(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return now() - begin;
}

/* Which of the two lies at OUT; -1: neither. */
static int judge(void) {
  gw_buf dump = GW_BUF_INIT;
  gw_error error = GW_ERROR_INIT;
  int found = -1;
  if (gwt_dump(target.text, &dump, &error) == GW_OK)
    for (int i = 0; i < 2; i++)
      if (gwt_same(&dump, &dumps[i])) found = i;
  if (found < 0) fprintf(stderr, "neither: %s: %s\n", error.file, error.what);
  gw__buf_free(&dump);
  return found;
}

/* Starts a run that would replace `there`, and kills it after a while. True when it was still running. */
static bool kill_a_run(int there, double delay) {
  int status = 0;
  struct timespec time = {(time_t)delay, (long)((delay - (double)(time_t)delay) * 1e9)};
  pid_t pid = start_program(1 - there);
  nanosleep(&time, NULL);
  kill(pid, SIGKILL);
  gwt_must(waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return WIFSIGNALED(status);
}

static void the_program_killed_at_random_moments(void) {
  if (!CHECK(program != NULL)) return;
  unsigned killed = 0, changed = 0, runs = 0;
  run_undisturbed(0);
  double longest = run_undisturbed(1); /* follows what runs take, which differs from disk to disk and moment to moment */
  int there = judge();
  CHECK(there == 1);
  while (killed < KILLS && runs++ < 5 * KILLS && there >= 0) {
    bool hit = kill_a_run(there, longest * (double)(random_number() % 1000) / 1000);
    int found = judge();
    CHECK(found >= 0 && (hit || found == 1 - there));
    killed += hit;
    changed += hit && found != there;
    longest *= hit ? 1.02 : 0.92;
    there = found;
  }
  CHECK(killed == KILLS);
  printf("%u of %u runs killed, %u of them after the change\n", killed, runs, changed);
  run_undisturbed(0);
  CHECK(judge() == 0);
  CHECK_TEXT(gwt_listing(folder.text).text, "ckpt.data-00000-of-00002 ckpt.data-00001-of-00002 ckpt.index");
}

/* ---- Exactly before a call */

static long die_at, calls;

static void before_a_call(void) {
  if (++calls == die_at) raise(SIGKILL);
}

#define BEFORE(type, name, parameters, arguments) \
  static type name##_or_die parameters {          \
    before_a_call();                              \
    return disk.real->name arguments;             \
  }
BEFORE(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
BEFORE(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset))
BEFORE(int, allocate, (int fd, off_t size), (fd, size))
BEFORE(int, fsync, (int fd), (fd))
BEFORE(int, rename, (const char *from, const char *to), (from, to))
BEFORE(int, rename_new, (const char *from, const char *to), (from, to))
BEFORE(int, link, (const char *from, const char *to), (from, to))
BEFORE(int, unlink, (const char *path), (path))

/* A child that runs the scene and dies before its nth call. True when it died. */
static bool die_in_child(const gwt_scene *scene, long n) {
  int status = 0;
  fflush(NULL);
  pid_t pid = fork();
  gwt_must(pid >= 0);
  if (pid == 0) {
    gw_system table = *gw__system();
    table.open = open_or_die;
    table.pwrite = pwrite_or_die;
    table.allocate = allocate_or_die;
    table.fsync = fsync_or_die;
    table.rename = rename_or_die;
    table.rename_new = rename_new_or_die;
    table.link = link_or_die;
    table.unlink = unlink_or_die;
    disk.real = gw__system();
    die_at = n;
    gw__system_replace(&table);
    _exit(gwt_scene_run(scene, NULL) == GW_OK ? 0 : 1);
  }
  gwt_must(waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return WIFSIGNALED(status);
}

static void a_process_killed_before_every_call(void) {
  static const size_t scenes[] = {0, 1, 2, 6, 10};
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    const gwt_scene *scene = &gwt_scenes[scenes[i]];
    bool died = true;
    for (long n = 1; died && n < 1000; n++) {
      gw_error error = GW_ERROR_INIT;
      gwt_scene_before(scene);
      died = die_in_child(scene, n);
      gwt_verdict verdict = gwt_judge(folder.text, true, &error);
      if (!CHECK(gwt_fine(scene, verdict) && (died || verdict == GWT_NEW)))
        fprintf(stderr, "%s, call %ld: %s: %s\n", scene->name, n, error.file, error.what);
      CHECK(gwt_next_run_tidies(scene) && gwt_input_untouched());
    }
  }
}

int main(int argc, char **argv) {
  gwt_scenes_start(argc > 2 ? argv[2] : ".");
  program = getenv("GODWIT");
  target = output;
  for (int i = 0; i < 2; i++) {
    sources[i] = gwt_path_of("%s/large-%d", scratch, i);
    write_large(sources[i].text, i ? 0x1234567 : 0x89abcdef);
    gwt_must(gwt_dump(sources[i].text, &dumps[i], NULL) == GW_OK);
  }
  gwt_clear(folder.text);
  RUN(the_program_killed_at_random_moments);
  RUN(a_process_killed_before_every_call);
  for (int i = 0; i < 2; i++) gw__buf_free(&dumps[i]);
  gwt_scenes_end();
  return gwt_finish();
}

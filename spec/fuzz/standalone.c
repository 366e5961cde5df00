/* Replays a fuzz target's corpus without libFuzzer, so that `make test` runs it with any compiler:
 *
 *   TARGET FOLDER-OR-FILE...
 *
 * Every file is one test, and so is the empty input. An input that crashes, or takes longer than a minute, is named on
 * stderr before the program ends; the counts are then missing, which the suite takes as a failure. */
#include <dirent.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS_PER_INPUT 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static const char *running = "the empty input"; /* for the handlers */
static unsigned passed, failed;

static void name_running(void) {
  static const char label[] = "\nwhile replaying: ";
  if (write(STDERR_FILENO, label, sizeof label - 1) < 0 || write(STDERR_FILENO, running, strlen(running)) < 0 ||
      write(STDERR_FILENO, "\n", 1) < 0)
    return;
}

static void on_signal(int number) {
  name_running();
  signal(number, SIG_DFL);
  raise(number);
}

static void catch_crashes(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(name_running);
    signal(SIGALRM, on_signal);
    return;
  }
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], on_signal);
}

static void replay(const char *name, const uint8_t *data, size_t size) {
  running = name;
  alarm(SECONDS_PER_INPUT);
  LLVMFuzzerTestOneInput(data, size);
  alarm(0);
  passed++;
}

/* The copy is exactly as long as the file, so that a sanitizer sees a read past its end. */
static void replay_file(const char *path, size_t size) {
  FILE *file = fopen(path, "rb");
  uint8_t *data = malloc(size ? size : 1);
  if (!file || !data || fread(data, 1, size, file) != size) {
    perror(path);
    failed++;
  } else {
    replay(path, data, size);
  }
  free(data);
  if (file) fclose(file);
}

static void replay_path(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) {
    perror(path);
    failed++;
  } else if (S_ISREG(status.st_mode)) {
    replay_file(path, (size_t)status.st_size);
  } else if (S_ISDIR(status.st_mode)) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
      char inner[4096];
      int length = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
      if (entries[i]->d_name[0] != '.' && length > 0 && (size_t)length < sizeof inner) replay_path(inner);
      free(entries[i]);
    }
    free(entries);
  }
}

int main(int argc, char **argv) {
  if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
  catch_crashes();
  replay("the empty input", (const uint8_t *)"", 0);
  for (int i = 1; i < argc; i++) replay_path(argv[i]);
  printf("%u passed, %u failed\n", passed, failed);
  return failed ? 1 : 0;
}

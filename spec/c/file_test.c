/* Files when few descriptors are left: they are opened anew for each reading, and must still be what they were. */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../core/base/error.h"
#include "../../core/file/file.h"
#include "check.h"

static char folder[] = "/tmp/godwit-file-XXXXXX";
static char path[64], other[64], target[64];

static void make(const char *at, const char *text) {
  FILE *file = fopen(at, "wb");
  if (!CHECK(file != NULL)) return;
  CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
  CHECK(fclose(file) == 0);
}

static gw_file *opened(void) {
  gw_file *file = NULL;
  make(path, "godwit");
  CHECK(gw__file_open(path, &file, NULL) == GW_OK);
  return file;
}

static void reads_as_before(void) {
  char text[7] = "";
  gw_file *file = opened(), *copy = NULL;
  if (!file) return;
  CHECK(file->fd == -1 && file->size == 6);
  CHECK(gw__file_read(file, 2, text, 4, NULL) == GW_OK);
  CHECK_TEXT(text, "dwit");
  CHECK(gw__file_create(target, 6, &copy, NULL) == GW_OK);
  CHECK(copy && gw__file_copy_range(file, 0, copy, 0, 6, NULL) == GW_OK && gw__file_read(copy, 0, text, 6, NULL) == GW_OK);
  CHECK_TEXT(text, "godwit");
  gw_error error = GW_ERROR_INIT;
  CHECK(gw__file_read(file, 4, text, 4, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "the file ends here (2 more bytes were expected)");
  gw__file_close(copy);
  gw__file_close(file);
  CHECK(unlink(target) == 0);
}

static void another_file_of_that_name_is_refused(void) {
  char text[7] = "";
  gw_error error = GW_ERROR_INIT;
  gw_file *file = opened();
  if (!file) return;
  make(other, "snipes");
  CHECK(rename(other, path) == 0);
  CHECK(gw__file_read(file, 0, text, 6, &error) == GW_CORRUPT);
  CHECK_TEXT(error.what, "the file was replaced or changed while it was being read");
  CHECK(unlink(path) == 0);
  error = (gw_error)GW_ERROR_INIT;
  CHECK(gw__file_read(file, 0, text, 6, &error) == GW_NOT_FOUND);
  gw__file_close(file);
}

static void many_need_no_more_descriptors(void) {
  gw_file *files[100] = {0};
  char text[7] = "";
  for (size_t i = 0; i < 100; i++) files[i] = opened();
  for (size_t i = 0; i < 100; i++) {
    CHECK(files[i] && gw__file_read(files[i], 0, text, 6, NULL) == GW_OK);
    gw__file_close(files[i]);
  }
  CHECK(unlink(path) == 0);
}

int main(void) {
  struct rlimit limit = {0};
  if (!mkdtemp(folder) || getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(other, sizeof other, "%s/other", folder);
  snprintf(target, sizeof target, "%s/target", folder);
  int lowest = dup(0); /* what is open already is others' */
  if (lowest < 3) return 1;
  close(lowest);
  limit.rlim_cur = (rlim_t)lowest + 37;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  RUN(many_need_no_more_descriptors);
  limit.rlim_cur = (rlim_t)lowest + 3; /* the next descriptor is in the upper half */
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  RUN(reads_as_before);
  RUN(another_file_of_that_name_is_refused);
  rmdir(folder);
  return gwt_finish();
}

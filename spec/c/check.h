/* Checks for the C tests: each test is a function without arguments, run by RUN, and a program ends with
 * `return gwt_finish();`. A failed check says where and goes on, so that one run shows all that is wrong. */
#ifndef GODWIT_SPEC_CHECK_H
#define GODWIT_SPEC_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned gwt_passed, gwt_failed; /* tests */
static unsigned gwt_wrong;              /* failed checks of the running test */

static inline bool gwt_check(bool fine, const char *file, int line, const char *what) {
  if (!fine) {
    gwt_wrong++;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
  }
  return fine;
}

static inline bool gwt_check_text(const char *actual, const char *expected, const char *file, int line) {
  if (strcmp(actual, expected) == 0) return true;
  gwt_wrong++;
  fprintf(stderr, "%s:%d: texts differ\n  expected: %s\n  found:    %s\n", file, line, expected, actual);
  return false;
}

static inline void gwt_run(void (*test)(void), const char *name) {
  gwt_wrong = 0;
  test();
  if (gwt_wrong) {
    gwt_failed++;
    fprintf(stderr, "FAILED %s\n", name);
  } else {
    gwt_passed++;
  }
}

static inline int gwt_finish(void) {
  printf("%u passed, %u failed\n", gwt_passed, gwt_failed);
  return gwt_failed ? 1 : 0;
}

/* Both are true when the check holds, so that a test can stop where going on makes no sense. */
#define CHECK(condition) gwt_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_TEXT(actual, expected) gwt_check_text((actual), (expected), __FILE__, __LINE__)
#define RUN(test) gwt_run((test), #test)

#endif

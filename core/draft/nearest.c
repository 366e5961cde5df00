/* "Did you mean": the names of a draft that are nearest to one that is not there. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "draft.h"

enum {
  LONGEST = 160,       /* longer names are compared by their last bytes, where names differ most */
  MOST_NAMES = 20000,  /* beyond, every k-th name is looked at: a message must not take seconds */
  MOST_SHOWN = 5
};

/* Levenshtein's distance, one row at a time. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size) {
  unsigned row[LONGEST + 1];
  if (a_size > LONGEST) a += a_size - LONGEST, a_size = LONGEST;
  if (b_size > LONGEST) b += b_size - LONGEST, b_size = LONGEST;
  for (size_t j = 0; j <= b_size; j++) row[j] = (unsigned)j;
  for (size_t i = 1; i <= a_size; i++) {
    unsigned diagonal = row[0];
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_size; j++) {
      unsigned change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < change) change = row[j] + 1;
      if (row[j - 1] + 1 < change) change = row[j - 1] + 1;
      row[j] = change;
    }
  }
  return row[b_size];
}

void gw_draft_nearest(const gw_draft *draft, const char *name, size_t length, size_t limit, char *out, size_t size) {
  const gw_item *best[MOST_SHOWN];
  unsigned how_far[MOST_SHOWN];
  size_t found = 0, step = draft->item_count / MOST_NAMES + 1, used = 0;
  if (size) out[0] = '\0';
  if (limit == 0) return;
  if (limit > MOST_SHOWN) limit = MOST_SHOWN;
  for (size_t i = 0; i < draft->item_count; i += step) {
    const gw_item *item = &draft->items[i];
    if (!item->name || gw__draft_hidden(draft, item)) continue;
    unsigned far = distance(name, length, item->name, item->name_size);
    if (found == limit && far >= how_far[found - 1]) continue;
    size_t at = found < limit ? found++ : found - 1;
    for (; at > 0 && how_far[at - 1] > far; at--) {
      how_far[at] = how_far[at - 1];
      best[at] = best[at - 1];
    }
    how_far[at] = far;
    best[at] = item;
  }
  for (size_t i = 0; i < found; i++) {
    char shown[96];
    gw_printable(shown, sizeof shown, best[i]->name, best[i]->name_size);
    int length_shown = snprintf(out + used, size - used, "%s\"%s\"", i ? ", " : "", shown);
    if (length_shown < 0 || (size_t)length_shown >= size - used) {
      out[used] = '\0';
      return;
    }
    used += (size_t)length_shown;
  }
}

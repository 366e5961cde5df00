/* Says what a path is under which there is no checkpoint, and what might have been meant: see locate.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "locate.h"

#define MAX_LOOKED_INTO 32 /* files and subfolders of a folder that are opened for a message */
#define MAX_NEAR 3         /* suggestions */

/* ---- Names */

bool gw__ends_with(const char *text, const char *end) {
  size_t length = strlen(text), rest = strlen(end);
  return length >= rest && strcmp(text + length - rest, end) == 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "PREFIX.data-SSSSS-of-NNNNN": the length of PREFIX, or 0. Numbers have five digits or more. */
static size_t data_prefix(const char *name) {
  size_t at = strlen(name);
  for (int part = 0; part < 2; part++) {
    const char *before = part == 0 ? "-of-" : ".data-";
    size_t end = at, length = strlen(before);
    while (at > 0 && is_digit(name[at - 1])) at--;
    if (end - at < 5 || at < length || strncmp(name + at - length, before, length) != 0) return 0;
    at -= length;
  }
  return at;
}

bool gw__is_data_name(const char *name) { return data_prefix(name) > 0; }

size_t gw__member_prefix(const char *name) {
  size_t length = gw__ends_with(name, ".index")  ? strlen(name) - strlen(".index")
                  : gw__ends_with(name, ".meta") ? strlen(name) - strlen(".meta")
                  : gw__ends_with(name, ".godwit.json") ? strlen(name) - strlen(".godwit.json")
                                                 : data_prefix(name);
  return length > 0 && name[length - 1] == '/' ? 0 : length;
}

const char *gw__shown(char out[GW_SHOWN], const char *text) {
  gw_printable(out, GW_SHOWN, text, strlen(text));
  return out;
}

/* Orders names with numbers in them as people do: ckpt-9 before ckpt-10. */
static int by_number(const char *a, const char *b) {
  while (*a && *b) {
    if (is_digit(*a) && is_digit(*b)) {
      while (*a == '0') a++;
      while (*b == '0') b++;
      size_t x = strspn(a, "0123456789"), y = strspn(b, "0123456789");
      int order = x != y ? (x < y ? -1 : 1) : strncmp(a, b, x);
      if (order != 0) return order;
      a += x;
      b += y;
    } else if (*a != *b) {
      return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    } else {
      a++;
      b++;
    }
  }
  return *a ? 1 : *b ? -1 : 0;
}

static int by_number_sort(const void *a, const void *b) {
  char *const *left = a;
  char *const *right = b;
  int order = by_number(*left, *right);
  return order ? order : strcmp(*left, *right);
}

gw_status gw__add_name(gw_names *names, char *name, gw_error *error) {
  if (!name) return GW_NO_MEMORY;
  void *array = names->names;
  gw_status status = gw__reserve(&array, &names->capacity, names->count + 1, sizeof *names->names, error);
  names->names = array;
  if (status == GW_OK) names->names[names->count++] = name;
  else gw__free(name);
  return status;
}

static bool is_kind(const char *folder, const char *name, gw_path_kind wanted) {
  gw_path_kind kind = GW_PATH_NONE;
  char *path = gw__path_join(folder, name, NULL);
  bool is = path && gw__path_look(path, &kind, NULL, NULL) == GW_OK && kind == wanted;
  gw__free(path);
  return is;
}

gw_status gw__checkpoints_in(const char *folder, const gw_names *names, gw_names *out, gw_error *error) {
  *out = (gw_names){NULL, 0, 0};
  gw_status status = GW_OK;
  for (size_t i = 0; i < names->count && status == GW_OK; i++) {
    const char *name = names->names[i];
    if (!gw__ends_with(name, ".index") || strlen(name) == 6 || !is_kind(folder, name, GW_PATH_FILE)) continue;
    char *path = gw__path_join(folder, name, error);
    if (path) path[strlen(path) - 6] = '\0';
    status = gw__add_name(out, path, error);
  }
  if (status != GW_OK) gw__names_free(out);
  else if (out->count > 1) qsort(out->names, out->count, sizeof *out->names, by_number_sort);
  return status;
}

void gw__list_last(char *out, size_t size, const gw_names *names, size_t most) {
  size_t first = names->count > most ? names->count - most : 0, used = 0;
  out[0] = '\0';
  for (size_t i = first; i < names->count && used < size; i++) {
    char shown[GW_SHOWN];
    int length = snprintf(out + used, size - used, "%s%s", i > first ? ", " : "", gw__shown(shown, names->names[i]));
    used += length > 0 ? (size_t)length : 0;
  }
  if (first > 0 && used < size) snprintf(out + used, size - used, " (and %zu more)", first);
}

/* ---- What might have been meant */

/* Levenshtein's distance between names of at most 255 bytes; longer ones are far from everything. */
static size_t distance(const char *a, const char *b) {
  size_t rows = strlen(a), columns = strlen(b);
  size_t line[256];
  if (rows > 255 || columns > 255) return SIZE_MAX;
  for (size_t j = 0; j <= columns; j++) line[j] = j;
  for (size_t i = 1; i <= rows; i++) {
    size_t diagonal = line[0];
    line[0] = i;
    for (size_t j = 1; j <= columns; j++) {
      size_t best = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = line[j];
      if (line[j] + 1 < best) best = line[j] + 1;
      if (line[j - 1] + 1 < best) best = line[j - 1] + 1;
      line[j] = best;
    }
  }
  return line[columns];
}

/* Length without the number at the end. */
static size_t stem(const char *name) {
  size_t length = strlen(name);
  while (length > 0 && is_digit(name[length - 1])) length--;
  return length;
}

/* How far `name` is from what was typed, or SIZE_MAX when nobody would take one for the other. Close are typing errors,
 * other steps of the same name, and what begins with the typed name (model.ckpt for model.ckpt-1000). */
static size_t nearness(const char *typed, const char *name) {
  size_t length = strlen(typed), other = strlen(name);
  size_t longest = length > other ? length : other, shortest = length > other ? other : length;
  bool same_stem = stem(typed) > 0 && stem(typed) == stem(name) && strncmp(typed, name, stem(name)) == 0;
  bool begins = length >= 3 && strncmp(typed, name, length) == 0;
  size_t allowed = 1 + longest / 4;
  if (!same_stem && !begins && longest - shortest > allowed) return SIZE_MAX;
  size_t far = distance(typed, name);
  return far <= allowed || same_stem || begins ? far : SIZE_MAX;
}

typedef struct near {
  size_t score;
  const char *name; /* of the folder's names, without its .index */
  size_t length;
} near;

/* Puts a candidate among the nearest: best first, of equals the one with the higher number. */
static void consider(near best[MAX_NEAR], size_t *count, const char *typed, const char *name, size_t length) {
  char text[256];
  if (length >= sizeof text) return;
  memcpy(text, name, length);
  text[length] = '\0';
  near candidate = {nearness(typed, text), name, length};
  if (candidate.score == SIZE_MAX) return;
  size_t at = *count;
  while (at > 0 && (candidate.score < best[at - 1].score ||
                    (candidate.score == best[at - 1].score && by_number(name, best[at - 1].name) > 0)))
    at--;
  if (at == MAX_NEAR) return;
  size_t moved = (*count < MAX_NEAR ? *count : MAX_NEAR - 1) - at;
  memmove(best + at + 1, best + at, moved * sizeof *best);
  best[at] = candidate;
  if (*count < MAX_NEAR) ++*count;
}

/* Finds the checkpoints (unless `folders_only`) and folders with names near to `typed`. */
static size_t find_near(const char *folder, const gw_names *names, const char *typed, bool folders_only,
                        near best[MAX_NEAR]) {
  size_t count = 0;
  for (size_t i = 0; i < names->count; i++) {
    const char *name = names->names[i];
    size_t length = strlen(name);
    if (!folders_only && gw__ends_with(name, ".index") && length > 6) consider(best, &count, typed, name, length - 6);
    else if (nearness(typed, name) != SIZE_MAX && is_kind(folder, name, GW_PATH_FOLDER))
      consider(best, &count, typed, name, length);
  }
  return count;
}

static void hint_near(gw_error *error, const char *folder, const near *best, size_t count) {
  char text[3 * GW_SHOWN + 32] = "";
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    char name[256], shown[GW_SHOWN];
    snprintf(name, sizeof name, "%.*s", (int)best[i].length, best[i].name);
    char *path = gw__path_join(folder, name, NULL);
    int length = snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ",
                          gw__shown(shown, path ? path : name));
    gw__free(path);
    used += length > 0 ? (size_t)length : 0;
    if (used >= sizeof text) break;
  }
  gw__error_hint(error, "did you mean %s?", text);
}

/* Nothing is near: what there is. */
static void hint_others(gw_error *error, const char *folder, const gw_names *names) {
  gw_names there;
  char text[MAX_NEAR * GW_SHOWN + 32];
  if (gw__checkpoints_in(folder, names, &there, NULL) != GW_OK) return;
  gw__list_last(text, sizeof text, &there, MAX_NEAR);
  if (there.count > 0) gw__error_hint(error, "there is %s", text);
  gw__names_free(&there);
}

/* ---- A file that is none of a checkpoint */

static const char PREFIX_HINT[] = "give a checkpoint's prefix: the path of its files without .index or .data-...";

gw_status gw__explain_file(const char *path, gw_error *error) {
  gw_sniff sniff;
  gw_status status = gw__sniff_file(path, &sniff, error);
  if (status != GW_OK) return status;
  if (sniff.what) {
    status = gw__fail(error, GW_UNSUPPORTED, "this is %s, not a checkpoint", sniff.what);
    if (sniff.hint) gw__error_hint(error, "%s", sniff.hint);
  } else {
    status = gw__fail(error, GW_UNSUPPORTED, "this is no file of a TensorFlow checkpoint");
    gw__error_hint(error, "%s", PREFIX_HINT);
  }
  gw__error_file(error, path);
  return status;
}

/* ---- A folder without a checkpoint */

static const char *find_name(const gw_names *names, bool (*is)(const char *name)) {
  for (size_t i = 0; i < names->count; i++)
    if (is(names->names[i])) return names->names[i];
  return NULL;
}

static bool is_orbax(const char *name) {
  static const char *const marks[] = {"_CHECKPOINT_METADATA", "_METADATA", "manifest.ocdbt", "commit_success.txt"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (strcmp(name, marks[i]) == 0) return true;
  return strncmp(name, "ocdbt.process_", 14) == 0 || strstr(name, ".orbax-checkpoint-tmp") != NULL;
}
static bool is_meta(const char *name) { return gw__ends_with(name, ".meta") && strlen(name) > 5; }

bool gw__is_unmerged(const gw_names *names) {
  for (size_t i = 0; i < names->count; i++)
    if (strncmp(names->names[i], "part-", 5) == 0 && gw__member_prefix(names->names[i]) > 0) return true;
  return false;
}

static bool is_unmerged_folder(const char *folder, const char *name) {
  gw_names names = {NULL, 0, 0};
  char *path = gw__path_join(folder, name, NULL);
  bool is = path && gw__folder_list(path, &names, NULL) == GW_OK && gw__is_unmerged(&names);
  gw__names_free(&names);
  gw__free(path);
  return is;
}

/* What an interrupted save leaves: files under temporary names, and the folder of shards that were not merged yet. */
static const char *find_leftover(const char *folder, const gw_names *names) {
  for (size_t i = 0; i < names->count; i++) {
    const char *name = names->names[i];
    if (strstr(name, ".tempstate") || (gw__ends_with(name, "_temp") && is_unmerged_folder(folder, name))) return name;
  }
  return NULL;
}

/* Names the first file in the folder of which we know what it is; empty ones say nothing about a folder. */
static bool name_a_file(const char *folder, const gw_names *names, gw_error *error) {
  gw_sniff sniff = {GW_SNIFF_UNKNOWN, NULL, NULL};
  size_t looked = 0;
  for (size_t i = 0; i < names->count && looked < MAX_LOOKED_INTO && !sniff.what; i++) {
    gw_path_kind kind;
    uint64_t size;
    char shown[GW_SHOWN], *path = gw__path_join(folder, names->names[i], NULL);
    if (path && gw__path_look(path, &kind, &size, NULL) == GW_OK && kind == GW_PATH_FILE && size > 0) {
      looked++;
      if (gw__sniff_file(path, &sniff, NULL) != GW_OK) sniff.what = NULL;
    }
    gw__free(path);
    if (!sniff.what) continue;
    gw__fail(error, GW_NOT_FOUND, "no checkpoint is in this folder, and %s in it is %s",
             gw__shown(shown, names->names[i]), sniff.what);
  }
  return sniff.what != NULL;
}

static bool has_checkpoint(const char *folder) {
  gw_names names;
  bool has = false;
  if (is_kind(folder, "checkpoint", GW_PATH_FILE) || is_kind(folder, "saved_model.pb", GW_PATH_FILE)) return true;
  if (gw__folder_list(folder, &names, NULL) != GW_OK) return false;
  for (size_t i = 0; i < names.count && !has; i++) has = gw__ends_with(names.names[i], ".index");
  gw__names_free(&names);
  return has;
}

/* "there are checkpoints in model/train, model/export" */
static void hint_subfolders(const char *folder, const gw_names *names, gw_error *error) {
  gw_names with = {NULL, 0, 0};
  size_t looked = 0;
  for (size_t i = 0; i < names->count && looked < MAX_LOOKED_INTO && with.count < MAX_NEAR; i++) {
    if (!is_kind(folder, names->names[i], GW_PATH_FOLDER)) continue;
    looked++;
    char *path = gw__path_join(folder, names->names[i], NULL);
    if (path && has_checkpoint(path)) (void)gw__add_name(&with, path, NULL);
    else gw__free(path);
  }
  char text[MAX_NEAR * GW_SHOWN + 32];
  gw__list_last(text, sizeof text, &with, MAX_NEAR);
  if (with.count > 0) gw__error_hint(error, "there are checkpoints in %s", text);
  gw__names_free(&with);
}

gw_status gw__explain_folder(const char *folder, const gw_names *names, gw_error *error) {
  char shown[GW_SHOWN];
  const char *leftover = find_leftover(folder, names);
  const char *data = find_name(names, gw__is_data_name), *meta = find_name(names, is_meta);
  gw_status status = GW_NOT_FOUND;
  if (names->count == 0) {
    gw__fail(error, status, "this folder is empty");
  } else if (find_name(names, is_orbax)) {
    status = gw__fail(error, GW_UNSUPPORTED, "this is an Orbax checkpoint (of JAX), not one of TensorFlow");
  } else if (leftover) {
    gw__fail(error, status, "no whole checkpoint is in this folder, an interrupted save left %s",
             gw__shown(shown, leftover));
  } else if (data) {
    gw__fail(error, status, "no checkpoint is in this folder: the data file %s is there without its index",
             gw__shown(shown, data));
    gw__error_hint(error, "copy the .index file here too; an interrupted save leaves none");
  } else if (meta) {
    gw__fail(error, status, "no checkpoint is in this folder: %s is a graph, the index beside it is missing",
             gw__shown(shown, meta));
  } else if (!name_a_file(folder, names, error)) {
    gw__fail(error, status, "no checkpoint is in this folder (no .index file and no state file)");
  }
  gw__error_file(error, folder);
  hint_subfolders(folder, names, error);
  return status;
}

/* ---- Nothing there */

/* What a checkpoint of this name has left behind. `base` is the prefix's last part. */
static bool explain_remains(const char *base, const gw_names *names, gw_error *error) {
  size_t length = strlen(base);
  const char *data = NULL, *meta = NULL, *temporary = NULL;
  char shown[GW_SHOWN], index[GW_SHOWN];
  for (size_t i = 0; i < names->count; i++) {
    const char *name = names->names[i];
    if (strncmp(name, base, length) != 0) continue;
    if (strcmp(name + length, "_temp") == 0 || (name[length] == '.' && strstr(name + length, ".tempstate")))
      temporary = name;
    else if (gw__member_prefix(name) == length && strcmp(name + length, ".meta") == 0) meta = name;
    else if (gw__member_prefix(name) == length && gw__is_data_name(name)) data = name;
  }
  gw__shown(index, base);
  if (temporary) {
    gw__fail(error, GW_NOT_FOUND, "an interrupted save: %s is there, but not the index %s.index",
             gw__shown(shown, temporary), index);
    gw__error_hint(error, "take the checkpoint before it; what is left of this one can be removed");
  } else if (data) {
    gw__fail(error, GW_NOT_FOUND, "the data file %s is there, but not the index %s.index", gw__shown(shown, data),
             index);
    gw__error_hint(error, "copy the .index file here too; an interrupted save leaves none");
  } else if (meta) {
    gw__fail(error, GW_NOT_FOUND, "only %s is there, a graph: the checkpoint's index %s.index is missing",
             gw__shown(shown, meta), index);
  }
  return temporary || data || meta;
}

/* `folder` is there, and in it nothing by the name of `base`; `last` when that is the end of what was typed. */
static gw_status explain_absent(const char *folder, const char *base, bool last, gw_error *error) {
  gw_names names;
  gw_status status = gw__folder_list(folder, &names, error);
  if (status != GW_OK) return status;
  char shown[GW_SHOWN];
  char *prefix = gw__strdup(base, error);
  if (!prefix) {
    gw__names_free(&names);
    return GW_NO_MEMORY;
  }
  size_t length = gw__member_prefix(base);
  if (last && length > 0) prefix[length] = '\0';
  bool remains = last && explain_remains(prefix, &names, error);
  if (!last) gw__fail(error, GW_NOT_FOUND, "there is no folder %s", gw__shown(shown, base));
  else if (!remains) gw__fail(error, GW_NOT_FOUND, "there is no checkpoint of this name");
  near best[MAX_NEAR];
  size_t count = find_near(folder, &names, prefix, !last, best);
  if (count > 0) {
    hint_near(error, folder, best, count);
  } else if (last) { /* the first that has something to say */
    hint_others(error, folder, &names);
    hint_subfolders(folder, &names, error);
    if (!remains) gw__error_hint(error, "%s", PREFIX_HINT);
  }
  gw__free(prefix);
  gw__names_free(&names);
  return GW_NOT_FOUND;
}

/* Goes up until a folder is there. *folder and *base are the caller's. */
static gw_status nearest_folder(const char *path, char **folder, char **base, bool *last, gw_error *error) {
  gw_path_kind kind;
  char shown[GW_SHOWN];
  *last = true;
  gw_status status = gw__path_split(path, folder, base, error);
  while (status == GW_OK) {
    status = gw__path_look(*folder, &kind, NULL, error);
    if (status != GW_OK || kind == GW_PATH_FOLDER) return status;
    if (kind != GW_PATH_NONE)
      return gw__fail(error, GW_NOT_FOUND, "%s is a file, not a folder", gw__shown(shown, *folder));
    *last = false;
    char *gone = *folder;
    gw__free(*base);
    status = gw__path_split(gone, folder, base, error);
    gw__free(gone);
  }
  return status;
}

gw_status gw__explain_missing(const char *path, gw_error *error) {
  char *folder = NULL, *base = NULL;
  bool last;
  gw_status status;
  if (strncmp(path, "file:///", 8) == 0) {
    char shown[GW_SHOWN];
    status = gw__fail(error, GW_UNSUPPORTED, "this is the address of a local file, and paths are read");
    gw__error_hint(error, "did you mean %s?", gw__shown(shown, path + 7));
  } else if (strstr(path, "://")) {
    status = gw__fail(error, GW_UNSUPPORTED, "remote files are not read");
    gw__error_hint(error, "copy the checkpoint's files to this machine first");
  } else {
    status = nearest_folder(path, &folder, &base, &last, error);
    if (status == GW_OK) status = explain_absent(folder, base, last, error);
  }
  gw__free(folder);
  gw__free(base);
  gw__error_file(error, path);
  return status;
}

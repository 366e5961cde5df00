/* From what people type to a checkpoint's prefix (FORMAT.md 1.4, the `checkpoint` file: 1.3). A path is taken literally
 * before anything else is tried, so that a prefix with glob characters works, though TensorFlow cannot read it back.
 * explain.c has the words for what is no checkpoint. */
#include "locate.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "state.h"
#include "v1.h"

/* One call of gw_locate. Every step returns GW_OK and leaves *prefix NULL when it has nothing to say. */
typedef struct search {
  const char *path; /* as typed, without slashes at its end */
  char **prefix, **note;
  gw_error *error;
} search;

static bool is_done(const search *find, gw_status status) { return status != GW_OK || *find->prefix; }

static gw_status fail_at(const search *find, const char *path, gw_status status) {
  gw__error_file(find->error, path);
  return status;
}

/* ---- Results */

static void take_back(const search *find) {
  gw__free(*find->prefix);
  gw__free(*find->note);
  *find->prefix = *find->note = NULL;
}

/* Takes `prefix` over, which may be NULL after a failed allocation. */
static gw_status found(const search *find, char *prefix) {
  *find->prefix = prefix;
  return prefix ? GW_OK : GW_NO_MEMORY;
}

/* The same with a note. */
static gw_status found_as(const search *find, char *prefix, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static gw_status found_as(const search *find, char *prefix, const char *format, ...) {
  if (found(find, prefix) != GW_OK) return GW_NO_MEMORY;
  char text[6 * GW_SHOWN + 128];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  *find->note = gw__strdup(text, find->error);
  if (*find->note) return GW_OK;
  take_back(find);
  return GW_NO_MEMORY;
}

/* "model/" for messages, whether or not the path has its slash. */
static const char *shown_folder(char out[GW_SHOWN], const char *folder) {
  gw__shown(out, folder);
  size_t length = strlen(out);
  if (length > 0 && length < GW_SHOWN - 1 && out[length - 1] != '/') memcpy(out + length, "/", 2);
  return out;
}

/* ---- What is at a prefix */

static gw_status look(const search *find, const char *folder, const char *name, gw_path_kind *kind) {
  *kind = GW_PATH_NONE;
  char *path = gw__path_join(folder, name, find->error);
  if (!path) return GW_NO_MEMORY;
  gw_status status = gw__path_look(path, kind, NULL, find->error);
  gw__free(path);
  return status;
}

static char *index_of(const char *prefix, gw_error *error) {
  size_t length = strlen(prefix);
  char *path = gw__alloc(length + sizeof ".index", error);
  if (!path) return NULL;
  memcpy(path, prefix, length);
  memcpy(path + length, ".index", sizeof ".index");
  return path;
}

static gw_status has_index(const search *find, const char *prefix, bool *has) {
  gw_path_kind kind = GW_PATH_NONE;
  char *path = index_of(prefix, find->error);
  gw_status status = path ? gw__path_look(path, &kind, NULL, find->error) : GW_NO_MEMORY;
  gw__free(path);
  *has = kind == GW_PATH_FILE;
  return status;
}

/* Whether the base of a path means the V1 file `name`: as TensorFlow's pattern "X-?????-of-00002", where question marks
 * stand for digits (they are escaped below, or there would be trigraphs), or as the X alone. */
static bool matches_v1(const char *base, const char *name) {
  if (!strstr(base, "-\?\?\?\?\?-of-")) {
    size_t length = strlen(base);
    if (strncmp(base, name, length) != 0 || strlen(name) != length + strlen("-00000-of-00000")) return false;
    name += length;
    base = "-\?\?\?\?\?-of-\?\?\?\?\?";
  }
  for (; *base && *name; base++, name++)
    if (*base != *name && !(*base == '?' && *name >= '0' && *name <= '9')) return false;
  return !*base && !*name;
}

static gw_status is_v1_file(const search *find, const char *path, bool *is) {
  gw_sniff sniff = {GW_SNIFF_UNKNOWN, NULL, NULL};
  gw_path_kind kind;
  gw_status status = gw__path_look(path, &kind, NULL, find->error);
  if (status == GW_OK && kind == GW_PATH_FILE) status = gw__sniff_file(path, &sniff, find->error);
  *is = sniff.kind == GW_SNIFF_V1;
  return status;
}

/* Is `path` a V1 file, or the pattern or common name of V1 files? */
static gw_status is_v1(const search *find, const char *path, bool *is) {
  char *folder, *base;
  gw_names names = {NULL, 0, 0};
  gw_status status = is_v1_file(find, path, is);
  if (status != GW_OK || *is) return status;
  status = gw__path_split(path, &folder, &base, find->error);
  if (status != GW_OK) return status;
  /* A folder that cannot be listed has no file that a pattern could find. */
  if (gw__folder_list(folder, &names, NULL) == GW_OK) {
    for (size_t i = 0; i < names.count && status == GW_OK && !*is; i++) {
      if (!matches_v1(base, names.names[i])) continue;
      char *file = gw__path_join(folder, names.names[i], find->error);
      status = file ? is_v1_file(find, file, is) : GW_NO_MEMORY;
      gw__free(file);
    }
  }
  gw__names_free(&names);
  gw__free(folder);
  gw__free(base);
  return status;
}

/* Where the digits of a shard's number begin in "X-00001-of-00002", or 0; *length is how many they are. */
static size_t v1_number(const char *name, size_t *length) {
  size_t end = strlen(name), at = end;
  while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9') at--;
  if (end - at < 5 || at < 4 || strncmp(name + at - 4, "-of-", 4) != 0) return 0;
  end = at -= 4;
  while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9') at--;
  *length = end - at;
  return *length >= 5 && at > 1 && name[at - 1] == '-' && name[at - 2] != '/' ? at : 0;
}

/* "X-?????-of-00002" for the path of a file of it; NULL for other names. */
static gw_status v1_pattern(const search *find, const char *path, char **pattern) {
  size_t length, at = v1_number(path, &length);
  *pattern = NULL;
  if (at == 0) return GW_OK;
  *pattern = gw__strdup(path, find->error);
  if (!*pattern) return GW_NO_MEMORY;
  memset(*pattern + at, '?', 5);
  memmove(*pattern + at + 5, path + at + length, strlen(path + at + length) + 1);
  return GW_OK;
}

/* The one pattern that a name, or a pattern with question marks in its count too, stands for. */
static gw_status v1_pattern_in(const search *find, const char *path, char **pattern) {
  char *folder, *base;
  gw_names names = {NULL, 0, 0};
  *pattern = NULL;
  gw_status status = gw__path_split(path, &folder, &base, find->error);
  if (status != GW_OK) return status;
  status = gw__folder_list(folder, &names, find->error);
  for (size_t i = 0; i < names.count && status == GW_OK; i++) {
    char *other = NULL;
    if (!matches_v1(base, names.names[i])) continue;
    status = v1_pattern(find, names.names[i], &other);
    if (status == GW_OK && other && *pattern && strcmp(other, *pattern) != 0) {
      char one[GW_SHOWN], two[GW_SHOWN];
      status = gw__fail(find->error, GW_INVALID, "several checkpoints have this name: %s and %s", gw__shown(one, *pattern), gw__shown(two, other));
      gw__error_hint(find->error, "give one of them");
      fail_at(find, path, status);
    }
    if (*pattern) gw__free(other);
    else *pattern = other;
  }
  if (status == GW_OK && *pattern) {
    char *joined = gw__path_join(folder, *pattern, find->error);
    gw__free(*pattern);
    *pattern = joined;
    if (!joined) status = GW_NO_MEMORY;
  }
  if (status != GW_OK) {
    gw__free(*pattern);
    *pattern = NULL;
  }
  gw__names_free(&names);
  gw__free(folder);
  gw__free(base);
  return status;
}

static bool all_there(const char *pattern) {
  gw_names files;
  bool there = gw__v1_files(pattern, &files, NULL) == GW_OK;
  if (there) gw__names_free(&files);
  return there;
}

/* All V1 checkpoints end here: a file, or one of several, means the checkpoint that it belongs to if that is there. */
static gw_status take_v1(const search *find, const char *path) {
  bool is_file;
  char *pattern = NULL;
  gw_status status = is_v1_file(find, path, &is_file);
  if (status == GW_OK) status = is_file ? v1_pattern(find, path, &pattern) : v1_pattern_in(find, path, &pattern);
  if (status != GW_OK) return status;
  if (pattern && is_file && !all_there(pattern)) {
    gw__free(pattern);
    pattern = NULL;
  }
  return found(find, pattern ? pattern : gw__strdup(path, find->error));
}

/* The same for a path that was typed, with a note where something else is taken. */
static gw_status take_typed_v1(const search *find, const char *path) {
  char file[GW_SHOWN], shown[GW_SHOWN], *taken;
  size_t length;
  gw_status status = take_v1(find, path);
  if (status != GW_OK) return status;
  taken = *find->prefix;
  *find->prefix = NULL;
  gw__shown(file, find->path);
  gw__shown(shown, taken);
  if (strcmp(taken, find->path) != 0)
    return strchr(find->path, '?') || v1_number(find->path, &length) == 0
               ? found_as(find, taken, gw__ends_with(find->path, ".meta") ? "%s is a file of the checkpoint %s" : "%s is the checkpoint %s", file, shown)
               : found_as(find, taken, "%s is a file of the checkpoint %s", file, shown);
  if (v1_number(taken, &length) > 0)
    return found_as(find, taken, "%s is one file of several, the others are not here: it is read alone", file);
  return found(find, taken);
}

/* Takes `prefix` when a checkpoint is there; otherwise *find->prefix stays NULL. */
static gw_status try_prefix(const search *find, const char *prefix) {
  bool is = false;
  gw_status status = has_index(find, prefix, &is);
  if (status != GW_OK) return status;
  if (is) return found(find, gw__strdup(prefix, find->error));
  status = is_v1(find, prefix, &is);
  return status == GW_OK && is ? take_v1(find, prefix) : status;
}

/* ---- Step by step: the prefix itself, one of its files */

/* An index that was cut to nothing or is another kind of file altogether is named here, where people look first; what
 * has the right end is the reader's to judge. */
static gw_status check_index(const search *find, const char *prefix) {
  gw_sniff sniff;
  char *path = index_of(prefix, find->error);
  if (!path) return GW_NO_MEMORY;
  gw_status status = gw__sniff_file(path, &sniff, find->error);
  if (status == GW_OK && sniff.kind == GW_SNIFF_OTHER) {
    status = gw__fail(find->error, GW_CORRUPT, "this is %s, not a checkpoint's index", sniff.what);
    if (sniff.hint) gw__error_hint(find->error, "%s", sniff.hint);
  }
  if (status != GW_OK) gw__error_file(find->error, path);
  gw__free(path);
  return status;
}

static gw_status as_prefix(const search *find) {
  bool is;
  gw_path_kind kind;
  char file[GW_SHOWN], folder[GW_SHOWN];
  gw_status status = has_index(find, find->path, &is);
  if (status != GW_OK || !is) return status;
  status = gw__path_look(find->path, &kind, NULL, find->error);
  if (status != GW_OK) return status;
  char *prefix = gw__strdup(find->path, find->error);
  if (kind != GW_PATH_FOLDER) return found(find, prefix);
  return found_as(find, prefix, "took the checkpoint %s, not the folder %s beside it", gw__shown(file, find->path),
                  shown_folder(folder, find->path));
}

/* PREFIX.index, PREFIX.meta, PREFIX.data-SSSSS-of-NNNNN: what counts is the index. */
static gw_status as_member(const search *find) {
  bool is;
  char file[GW_SHOWN], shown[GW_SHOWN];
  size_t length = gw__member_prefix(find->path);
  if (length == 0) return GW_OK;
  char *prefix = gw__strndup(find->path, length, find->error);
  if (!prefix) return GW_NO_MEMORY;
  gw_status status = has_index(find, prefix, &is);
  if (status == GW_OK && is)
    return found_as(find, prefix, "%s is a file of the checkpoint %s", gw__shown(file, find->path),
                    gw__shown(shown, prefix));
  if (status == GW_OK) status = is_v1(find, prefix, &is);
  if (status == GW_OK && is) status = take_typed_v1(find, prefix);
  gw__free(prefix);
  return status;
}

/* ---- A folder */

/* The checkpoint `base` in `folder`, if it is there. */
static gw_status try_here(const search *find, const char *folder, const char *base) {
  if (!base[0]) return GW_OK;
  char *prefix = gw__path_join(folder, base, find->error);
  gw_status status = prefix ? try_prefix(find, prefix) : GW_NO_MEMORY;
  gw__free(prefix);
  return status;
}

static gw_status latest_is_gone(const search *find, const char *folder, const char *file, const gw_state *state) {
  gw_names names, there;
  char shown[GW_SHOWN], list[3 * GW_SHOWN + 32];
  gw_status status = gw__folder_list(folder, &names, find->error);
  if (status != GW_OK) return status;
  status = gw__checkpoints_in(folder, &names, &there, find->error);
  gw__names_free(&names);
  if (status != GW_OK) return status;
  gw__fail(find->error, GW_NOT_FOUND, "the latest checkpoint %s that it names is not there",
           gw__shown(shown, state->latest));
  gw__list_last(list, sizeof list, &there, 3);
  if (there.count > 0) gw__error_hint(find->error, "there is %s", list);
  gw__names_free(&there);
  return fail_at(find, file, GW_NOT_FOUND);
}

/* Adds the note to a checkpoint that try_prefix found. */
static gw_status note_latest(const search *find, const char *folder, const char *file, const gw_state *state,
                             bool moved) {
  char where[GW_SHOWN], shown[GW_SHOWN], stored[GW_SHOWN];
  char *prefix = *find->prefix;
  *find->prefix = NULL;
  if (moved)
    return found_as(find, prefix, "%s names %s, which is not there, took %s", gw__shown(where, file),
                    gw__shown(stored, state->latest), gw__shown(shown, prefix));
  return found_as(find, prefix, "%s has the latest checkpoint %s", shown_folder(where, folder),
                  gw__shown(shown, prefix));
}

/* Whether `copy` is a checkpoint too, and not the found one under another path. */
static gw_status is_another(const search *find, const char *copy, bool *is) {
  *is = false;
  char *one = index_of(copy, find->error), *other = index_of(*find->prefix, find->error);
  gw_path_kind kind;
  gw_status status = one && other ? gw__path_look(one, &kind, NULL, find->error) : GW_NO_MEMORY;
  if (status == GW_OK) *is = kind == GW_PATH_FILE && !gw__path_same(one, other);
  gw__free(one);
  gw__free(other);
  return status;
}

/* An absolute path is taken as it is, as TensorFlow does, even when this folder is a copy that has the checkpoint too:
 * then the note says so. */
static gw_status note_elsewhere(const search *find, const char *folder, const gw_state *state, bool *done) {
  char where[GW_SHOWN], stored[GW_SHOWN], here[GW_SHOWN];
  const char *base = strrchr(state->latest, '/');
  *done = false;
  if (state->latest[0] != '/' || !base[1]) return GW_OK;
  char *copy = gw__path_join(folder, base + 1, find->error);
  gw_status status = copy ? is_another(find, copy, done) : GW_NO_MEMORY;
  if (*done) {
    char *prefix = *find->prefix;
    *find->prefix = NULL;
    status = found_as(find, prefix, "%s names %s, outside of it, though %s is there too", shown_folder(where, folder),
                      gw__shown(stored, state->latest), gw__shown(here, copy));
  }
  gw__free(copy);
  return status;
}

/* Follows a state file. A stored path that leads nowhere, or where we may not look, is tried by its last part in the
 * state file's own folder: the folder was moved, or the path was relative to a directory that nobody remembers. */
static gw_status follow_state(const search *find, const char *folder, const char *file, const gw_state *state) {
  bool elsewhere = false;
  char *path = gw__path_join(folder, state->latest, find->error);
  gw_status status = path ? try_prefix(find, path) : GW_NO_MEMORY;
  gw__free(path);
  if (status == GW_OK && *find->prefix) {
    status = note_elsewhere(find, folder, state, &elsewhere);
    if (status != GW_OK || elsewhere) return status;
    return note_latest(find, folder, file, state, false);
  }
  const char *base = strrchr(state->latest, '/');
  search quiet = {find->path, find->prefix, find->note, status == GW_OK ? find->error : NULL};
  gw_status here = base && (status == GW_OK || status == GW_IO) ? try_here(&quiet, folder, base + 1) : status;
  if (here == GW_OK && *find->prefix) return note_latest(find, folder, file, state, true);
  if (status == GW_OK) status = here;
  return status == GW_OK ? latest_is_gone(find, folder, file, state) : status;
}

/* A state file that is no use does not matter where there is only one checkpoint. */
static gw_status without_state(const search *find, const char *folder, const char *file, gw_status status) {
  gw_names names, there;
  char shown[GW_SHOWN], prefix[GW_SHOWN], list[3 * GW_SHOWN + 32];
  if (gw__folder_list(folder, &names, NULL) != GW_OK) return status;
  gw_status listed = gw__checkpoints_in(folder, &names, &there, NULL);
  gw__names_free(&names);
  if (listed != GW_OK) return status;
  if (there.count == 1) {
    status = found_as(find, gw__strdup(there.names[0], find->error), "%s cannot be used, took the only checkpoint %s",
                      gw__shown(shown, file), gw__shown(prefix, there.names[0]));
  } else if (there.count > 1 && find->error) {
    gw__list_last(list, sizeof list, &there, 3);
    find->error->hint[0] = '\0'; /* the general hint of the parser gives way */
    gw__error_hint(find->error, "give one of its checkpoints: %s", list);
  }
  gw__names_free(&there);
  return status;
}

static gw_status as_state(const search *find, const char *folder, const char *file) {
  gw_state *state;
  gw_status status = gw__state_read_file(file, &state, find->error);
  if (status == GW_OK && !state->latest[0]) {
    gw__fail(find->error, GW_CORRUPT, "names no checkpoint (model_checkpoint_path is missing or empty)");
    status = fail_at(find, file, GW_CORRUPT);
  } else if (status == GW_OK) {
    status = follow_state(find, folder, file, state);
    gw_state_free(state);
    return status;
  }
  gw_state_free(state);
  if (status == GW_CORRUPT || status == GW_LIMIT) status = without_state(find, folder, file, status);
  return status;
}

static gw_status as_saved_model(const search *find, const char *folder) {
  bool is;
  char shown[GW_SHOWN], prefix[GW_SHOWN];
  char *path = gw__path_join(folder, "variables/variables", find->error);
  if (!path) return GW_NO_MEMORY;
  gw_status status = has_index(find, path, &is);
  if (status == GW_OK && is)
    return found_as(find, path, "%s is a SavedModel, its variables are %s", shown_folder(shown, folder),
                    gw__shown(prefix, path));
  if (status == GW_OK) {
    status = gw__fail(find->error, GW_NOT_FOUND, "this is a SavedModel without variables/variables.index");
    gw__error_hint(find->error, "the weights of a frozen model are constants in its graph");
    gw__error_file(find->error, folder);
  }
  gw__free(path);
  return status;
}

static gw_status too_many(const search *find, const char *folder, const gw_names *there) {
  char list[5 * GW_SHOWN + 32];
  gw__list_last(list, sizeof list, there, 5);
  gw__fail(find->error, GW_INVALID, "%zu checkpoints are here and no state file says which is the latest: %s",
           there->count, list);
  char shown[GW_SHOWN];
  gw__error_hint(find->error, "give one of them, such as %s", gw__shown(shown, there->names[there->count - 1]));
  return fail_at(find, folder, GW_INVALID);
}

static gw_status unmerged(const search *find, const char *folder, const gw_names *there) {
  char shown[GW_SHOWN];
  gw__fail(find->error, GW_NOT_FOUND, "this is what an interrupted save left: shards that were not merged");
  if (there->count > 0)
    gw__error_hint(find->error, "a whole shard can be opened by itself, such as %s", gw__shown(shown, there->names[0]));
  return fail_at(find, folder, GW_NOT_FOUND);
}

/* V1 files have no ending that would show them: looks into the first few files. */
static gw_status find_v1(const search *find, const char *folder, const gw_names *names) {
  gw_names there = {NULL, 0, 0};
  gw_status status = GW_OK;
  for (size_t i = 0; i < names->count && i < 32 && status == GW_OK; i++) {
    bool is = false;
    char *path = gw__path_join(folder, names->names[i], find->error), *taken = NULL;
    if (!path) return gw__names_free(&there), GW_NO_MEMORY;
    search quiet = {find->path, &taken, find->note, NULL}; /* what cannot be read is none */
    if (is_v1_file(&quiet, path, &is) == GW_OK && is) {
      search one = {find->path, &taken, find->note, find->error};
      status = take_v1(&one, path);
    }
    gw__free(path);
    bool known = there.count > 0 && taken && strcmp(there.names[there.count - 1], taken) == 0;
    if (taken && !known) status = gw__add_name(&there, taken, find->error);
    else gw__free(taken);
  }
  char where[GW_SHOWN], shown[GW_SHOWN];
  if (status == GW_OK && there.count == 1)
    status = found_as(find, gw__strdup(there.names[0], find->error), "%s has one checkpoint, %s", shown_folder(where, folder),
                      gw__shown(shown, there.names[0]));
  else if (status == GW_OK && there.count > 1)
    status = too_many(find, folder, &there);
  gw__names_free(&there);
  return status;
}

static gw_status as_list(const search *find, const char *folder) {
  gw_names names, there;
  char where[GW_SHOWN], shown[GW_SHOWN];
  gw_status status = gw__folder_list(folder, &names, find->error);
  if (status != GW_OK) return status;
  status = gw__checkpoints_in(folder, &names, &there, find->error);
  if (status == GW_OK && gw__ends_with(folder, "_temp") && gw__is_unmerged(&names))
    status = unmerged(find, folder, &there);
  else if (status == GW_OK && there.count == 1)
    status = found_as(find, gw__strdup(there.names[0], find->error), "%s has one checkpoint, %s",
                      shown_folder(where, folder), gw__shown(shown, there.names[0]));
  else if (status == GW_OK && there.count > 1)
    status = too_many(find, folder, &there);
  else if (status == GW_OK) {
    status = find_v1(find, folder, &names);
    if (!is_done(find, status)) status = gw__explain_folder(folder, &names, find->error);
  }
  gw__names_free(&there);
  gw__names_free(&names);
  return status;
}

static gw_status as_folder(const search *find, const char *folder) {
  gw_path_kind kind;
  gw_status status = look(find, folder, "checkpoint", &kind);
  if (status != GW_OK) return status;
  if (kind == GW_PATH_FILE) {
    char *file = gw__path_join(folder, "checkpoint", find->error);
    status = file ? as_state(find, folder, file) : GW_NO_MEMORY;
    gw__free(file);
    return status;
  }
  gw_path_kind text = GW_PATH_NONE;
  status = look(find, folder, "saved_model.pb", &kind);
  if (status == GW_OK) status = look(find, folder, "saved_model.pbtxt", &text);
  if (status != GW_OK) return status;
  if (kind == GW_PATH_FILE || text == GW_PATH_FILE) return as_saved_model(find, folder);
  return as_list(find, folder);
}

/* ---- A file */

static gw_status lonely_member(const search *find) {
  size_t length = gw__member_prefix(find->path);
  char shown[GW_SHOWN];
  gw_printable(shown, sizeof shown, find->path, length);
  if (gw__is_data_name(find->path)) {
    gw__fail(find->error, GW_NOT_FOUND, "this is a data file, the checkpoint's index beside it is missing");
    gw__error_hint(find->error, "copy %s.index here too; an interrupted save leaves none", shown);
  } else {
    gw__fail(find->error, GW_NOT_FOUND, "this is a .meta graph, the checkpoint's index beside it is missing");
    gw__error_hint(find->error, "copy %s.index and its data files here too", shown);
  }
  return fail_at(find, find->path, GW_NOT_FOUND);
}

static gw_status as_file(const search *find) {
  char *folder, *base;
  gw_sniff sniff;
  gw_status status = gw__sniff_file(find->path, &sniff, find->error);
  if (status != GW_OK) return status;
  if (sniff.kind == GW_SNIFF_V1) return take_typed_v1(find, find->path);
  if (gw__member_prefix(find->path) > 0) return lonely_member(find);
  status = gw__path_split(find->path, &folder, &base, find->error);
  if (status != GW_OK) return status;
  if (sniff.kind == GW_SNIFF_STATE || (strcmp(base, "checkpoint") == 0 && !sniff.what))
    status = as_state(find, folder, find->path);
  else if (strcmp(base, "saved_model.pb") == 0 || strcmp(base, "saved_model.pbtxt") == 0)
    status = as_saved_model(find, folder);
  else
    status = gw__explain_file(find->path, find->error);
  gw__free(folder);
  gw__free(base);
  return status;
}

/* ---- gw_locate */

static gw_status as_nothing(const search *find) {
  bool is;
  gw_status status = is_v1(find, find->path, &is);
  if (status != GW_OK) return status;
  return is ? take_typed_v1(find, find->path) : gw__explain_missing(find->path, find->error);
}

static gw_status locate(const search *find, bool folder_first) {
  gw_path_kind kind;
  gw_status status = gw__path_look(find->path, &kind, NULL, find->error);
  if (status != GW_OK) return status;
  if (folder_first && kind == GW_PATH_FOLDER) return as_folder(find, find->path);
  status = as_prefix(find);
  if (is_done(find, status)) return status;
  status = as_member(find);
  if (is_done(find, status)) return status;
  switch (kind) {
    case GW_PATH_FOLDER: return as_folder(find, find->path);
    case GW_PATH_FILE: return as_file(find);
    case GW_PATH_OTHER: return gw__fail(find->error, GW_INVALID, "is neither a file nor a folder (a device or a pipe)");
    case GW_PATH_NONE: break;
  }
  return as_nothing(find);
}

gw_status gw_locate(const char *path, char **prefix, char **note, gw_error *error) {
  *prefix = *note = NULL;
  size_t length = strlen(path), end = length;
  if (length == 0) return gw__fail(error, GW_INVALID, "a checkpoint's path was expected, it is empty");
  while (end > 1 && path[end - 1] == '/') end--;
  char *trimmed = gw__strndup(path, end, error);
  if (!trimmed) return GW_NO_MEMORY;
  search find = {trimmed, prefix, note, error};
  gw_status status = locate(&find, end < length);
  assert(status != GW_OK || *prefix);
  bool has = false;
  if (status == GW_OK) status = has_index(&find, *prefix, &has);
  if (status == GW_OK && has) status = check_index(&find, *prefix);
  if (status != GW_OK) {
    take_back(&find);
    gw__error_file(error, path);
  }
  gw__free(trimmed);
  return status;
}

bool gw_same_checkpoint(const char *a, const char *b) {
  char *one = index_of(a, NULL), *other = index_of(b, NULL);
  gw_names ours = {NULL, 0, 0}, theirs = {NULL, 0, 0};
  bool same = one && other && gw__path_same(one, other);
  if (!same && gw__v1_files(a, &ours, NULL) == GW_OK && gw__v1_files(b, &theirs, NULL) == GW_OK)
    same = ours.count == theirs.count && gw__path_same(ours.names[0], theirs.names[0]);
  gw__names_free(&ours);
  gw__names_free(&theirs);
  gw__free(one);
  gw__free(other);
  return same;
}

/* Private to locate.c (which checkpoint does a path mean), explain.c (why does it mean none) and sniff.c (what is in
 * a file). Nothing here reads more than the first GW_HEAD_BYTES of a file and its last 8, so files of any content and
 * size do no harm. */
#ifndef GODWIT_BUNDLE_LOCATE_H
#define GODWIT_BUNDLE_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

#include "../file/file.h"
#include "../godwit.h"

#define GW_HEAD_BYTES ((size_t)64 << 10)
#define GW_SHOWN 112 /* of a name in a message, NUL included */

/* ---- sniff.c */

typedef enum gw_sniffed {
  GW_SNIFF_UNKNOWN = 0,
  GW_SNIFF_OTHER, /* something that we can name */
  GW_SNIFF_STATE, /* a `checkpoint` state file */
  GW_SNIFF_INDEX, /* the index of a V2 checkpoint */
  GW_SNIFF_V1     /* a V1 checkpoint, or one file of it */
} gw_sniffed;

typedef struct gw_sniff {
  gw_sniffed kind;
  const char *what; /* "a tar archive"; NULL when unknown */
  const char *hint; /* what to do with it, or NULL */
} gw_sniff;

gw_status gw__sniff_file(const char *path, gw_sniff *out, gw_error *error);

/* ---- explain.c: all fill `error` and return its status */

gw_status gw__explain_file(const char *path, gw_error *error);
/* A folder without state file, without index, without SavedModel. */
gw_status gw__explain_folder(const char *folder, const gw_names *names, gw_error *error);
/* Neither a file nor a folder is there, and no index. */
gw_status gw__explain_missing(const char *path, gw_error *error);

/* ---- Names (explain.c) */

bool gw__ends_with(const char *text, const char *end);
/* Length of the prefix in a path "PREFIX.index", "PREFIX.meta" or "PREFIX.data-SSSSS-of-NNNNN"; 0 for others. */
size_t gw__member_prefix(const char *name);
bool gw__is_data_name(const char *name);
/* True for the names in a folder PREFIX_temp/, where a save puts its shards before it merges them. */
bool gw__is_unmerged(const gw_names *names);
/* The prefixes of all whole checkpoints among a folder's names, joined to the folder, in the order of their numbers. */
gw_status gw__checkpoints_in(const char *folder, const gw_names *names, gw_names *out, gw_error *error);
/* Takes `name` (which may be NULL after a failed allocation) over; frees it on failure. */
gw_status gw__add_name(gw_names *names, char *name, gw_error *error);
/* Writes the last `most` names as "a, b, c (and 4 more)". */
void gw__list_last(char *out, size_t size, const gw_names *names, size_t most);
/* A name or path for messages: printable and cut. */
const char *gw__shown(char out[GW_SHOWN], const char *text);

#endif

/* Files: random-access reading, positioned writing, atomic names, shared bytes. Everything goes through one small table
 * of system calls, which a test can replace (builds with -DGW_FAULTS). Used by table, bundle, run. */
#ifndef GODWIT_FILE_FILE_H
#define GODWIT_FILE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../base/buf.h"
#include "../godwit.h"

/* The system calls that reach the disk; the signatures and errno are POSIX'. */
typedef struct gw_system {
  int (*open)(const char *path, int flags, mode_t mode);
  int (*close)(int fd);
  ssize_t (*pread)(int fd, void *data, size_t size, off_t offset);
  ssize_t (*pwrite)(int fd, const void *data, size_t size, off_t offset);
  int (*allocate)(int fd, off_t size); /* posix_fallocate with errno */
  int (*fsync)(int fd);
  int (*rename)(const char *from, const char *to);
  int (*rename_new)(const char *from, const char *to); /* fails with EEXIST instead of replacing */
  int (*link)(const char *from, const char *to);
  int (*unlink)(const char *path);
  int (*clone)(int to, int from);                       /* FICLONE */
  ssize_t (*copy_range)(int from, off_t from_offset, int to, off_t to_offset, size_t size);
} gw_system;

#ifdef GW_FAULTS
void gw__system_replace(const gw_system *table); /* NULL: the real one again */
#endif
const gw_system *gw__system(void);

typedef struct gw_file {
  int fd;        /* -1: opened anew whenever it is read, because half of the descriptors that there may be are taken */
  uint64_t size; /* when it was opened, or as created */
  uint64_t device, node; /* which file that was */
  char *path;
} gw_file;

/* Opens a regular file for reading. GW_NOT_FOUND when it is not there. */
gw_status gw__file_open(const char *path, gw_file **out, gw_error *error);
/* Creates `path` (which must not exist) with `size` bytes allocated, for reading and writing, locked (flock) until it
 * is closed. A full disk is met here. */
gw_status gw__file_create(const char *path, uint64_t size, gw_file **out, gw_error *error);
void gw__file_close(gw_file *file); /* accepts NULL */

/* Exactly `size` bytes or an error; a file that ends before is GW_CORRUPT with the offset. Safe from several threads. */
gw_status gw__file_read(const gw_file *file, uint64_t offset, void *out, size_t size, gw_error *error);
gw_status gw__file_write(const gw_file *file, uint64_t offset, const void *data, size_t size, gw_error *error);
gw_status gw__file_sync(const gw_file *file, gw_error *error);
/* Lets the disk begin with what was written there, so that a later sync has less to wait for. A hint: nothing can fail. */
void gw__file_begin_sync(const gw_file *file, uint64_t offset, uint64_t size);
/* Copies inside the kernel, falling back to read and write. */
gw_status gw__file_copy_range(const gw_file *from, uint64_t from_offset, const gw_file *to, uint64_t to_offset,
                              uint64_t size, gw_error *error);
/* The whole of `from` becomes the content of `to` by reflink; GW_UNSUPPORTED where the file system cannot. */
gw_status gw__file_clone(const gw_file *from, const gw_file *to, gw_error *error);
/* A whole small file (at most `limit` bytes, else GW_LIMIT) appended to `out`. */
gw_status gw__file_read_whole(const char *path, uint64_t limit, gw_buf *out, gw_error *error);

typedef enum gw_path_kind { GW_PATH_NONE = 0, GW_PATH_FILE, GW_PATH_FOLDER, GW_PATH_OTHER } gw_path_kind;
/* What is at `path` (symbolic links followed). GW_PATH_NONE when nothing is; other failures are errors. */
gw_status gw__path_look(const char *path, gw_path_kind *kind, uint64_t *size, gw_error *error); /* size may be NULL */
bool gw__path_same(const char *a, const char *b); /* both exist and are one file */

gw_status gw__path_rename(const char *from, const char *to, gw_error *error);
gw_status gw__path_rename_new(const char *from, const char *to, gw_error *error); /* GW_EXISTS instead of replacing */
gw_status gw__path_link(const char *from, const char *to, gw_error *error);       /* GW_UNSUPPORTED where it cannot */
gw_status gw__path_remove(const char *path, gw_error *error);                     /* not there is fine */
gw_status gw__folder_sync(const char *folder, gw_error *error);
/* Makes `folder` and what is missing above it. *made is the first one that had to be made (gw__free), or NULL. */
gw_status gw__folder_make(const char *folder, char **made, gw_error *error);
/* Takes back what gw__folder_make made, as far as it is empty. */
void gw__folder_unmake(const char *folder, const char *made);
/* Keeps other writers of ours out of a folder; waits while there is one. -1 where there are no locks: nobody is kept out. */
int gw__folder_lock(const char *folder);
void gw__folder_unlock(int lock);
/* Removes a file on which nobody holds the lock of gw__file_create: its writer is gone. */
void gw__path_remove_abandoned(const char *path);

/* "a/b/c" is folder "a/b" and base "c"; "c" is folder "." and base "c". Both are the caller's (gw__free). */
gw_status gw__path_split(const char *path, char **folder, char **base, gw_error *error);
char *gw__path_join(const char *folder, const char *name, gw_error *error); /* an absolute name is taken as it is */

/* The names in a folder, sorted by bytes, "." and ".." left out. */
typedef struct gw_names {
  char **names;
  size_t count, capacity;
} gw_names;
gw_status gw__folder_list(const char *folder, gw_names *out, gw_error *error);
void gw__names_free(gw_names *names);

#endif

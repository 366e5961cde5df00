/* Files on a POSIX system: see file.h. */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"

/* ---- The table of system calls */

static int real_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

static int real_allocate(int fd, off_t size) {
  int number = posix_fallocate(fd, 0, size);
  if (number == 0) return 0;
  errno = number;
  return -1;
}

static int real_rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  /* File systems without RENAME_NOREPLACE: a second name, which link never puts over another, then the first goes. */
  if (link(from, to) != 0) return -1;
  if (unlink(from) == 0) return 0;
  int number = errno;
  unlink(to);
  errno = number;
  return -1;
}

static int real_clone(int to, int from) { return ioctl(to, FICLONE, from); }

static ssize_t real_copy_range(int from, off_t from_offset, int to, off_t to_offset, size_t size) {
  return copy_file_range(from, &from_offset, to, &to_offset, size, 0);
}

static const gw_system real = {
    .open = real_open,
    .close = close,
    .pread = pread,
    .pwrite = pwrite,
    .allocate = real_allocate,
    .fsync = fsync,
    .rename = rename,
    .rename_new = real_rename_new,
    .link = link,
    .unlink = unlink,
    .clone = real_clone,
    .copy_range = real_copy_range,
};

#ifdef GW_FAULTS
static const gw_system *current = &real;
void gw__system_replace(const gw_system *table) { current = table ? table : &real; }
const gw_system *gw__system(void) { return current; }
#else
const gw_system *gw__system(void) { return &real; }
#endif

/* ---- Opened files */

static void hint_at_cure(gw_error *error, int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT: gw__error_hint(error, "make room there, or write to another disk"); break;
    case EFBIG: gw__error_hint(error, "a limit stands in the way (`ulimit -f` shows it), or the file system's own"); break;
    case EACCES:
    case EPERM: gw__error_hint(error, "check the owner and the rights of the file and of its folder (ls -ld)"); break;
    case EROFS: gw__error_hint(error, "the disk is mounted for reading only: write to another one"); break;
    case EMFILE:
    case ENFILE: gw__error_hint(error, "raise the limit of open files (ulimit -n)"); break;
    default: break;
  }
}

static gw_status failed(gw_error *error, const char *path, int number, const char *what) {
  gw_status status = gw__fail_system(error, number, "%s", what);
  hint_at_cure(error, number);
  gw__error_file(error, path);
  return status;
}

/* Signals may interrupt these too: opening and allocating on network file systems, syncing there. */
static int open_again(const char *path, int flags, mode_t mode) {
  int fd;
  do fd = gw__system()->open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static int allocate_again(int fd, uint64_t size) {
  int result;
  do result = gw__system()->allocate(fd, (off_t)size);
  while (result != 0 && errno == EINTR);
  return result;
}

static int sync_again(int fd) {
  int result;
  do result = gw__system()->fsync(fd);
  while (result != 0 && errno == EINTR);
  return result;
}

static gw_status wrap(int fd, const char *path, uint64_t size, gw_file **out, gw_error *error) {
  gw_file *file = gw__alloc(sizeof *file, error);
  char *copy = file ? gw__strdup(path, error) : NULL;
  if (!copy) {
    gw__free(file);
    gw__system()->close(fd);
    return GW_NO_MEMORY;
  }
  *file = (gw_file){.fd = fd, .size = size, .path = copy};
  *out = file;
  return GW_OK;
}

/* The mean of a thousand checkpoints must not need a thousand descriptors. The system gives out the lowest number that is
 * free, so that a number tells how many are taken. The other half is for what is written, for short readings, and for others. */
static bool few_are_left(int fd) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && (rlim_t)fd >= limit.rlim_cur / 2;
}

/* A descriptor for reading, until give_back. */
static gw_status borrow(const gw_file *file, int *fd, gw_error *error) {
  *fd = file->fd;
  if (*fd >= 0) return GW_OK;
  struct stat info;
  *fd = open_again(file->path, O_RDONLY | O_NONBLOCK, 0);
  if (*fd < 0) return failed(error, file->path, errno, "cannot be opened");
  bool same = fstat(*fd, &info) == 0 && info.st_dev == file->device && info.st_ino == file->node;
  if (same && (uint64_t)info.st_size == file->size) return GW_OK;
  gw__system()->close(*fd);
  gw__fail(error, GW_CORRUPT, "the file was replaced or changed while it was being read");
  gw__error_file(error, file->path);
  return GW_CORRUPT;
}

static void give_back(const gw_file *file, int fd) {
  if (file->fd < 0) gw__system()->close(fd);
}

gw_status gw__file_open(const char *path, gw_file **out, gw_error *error) {
  *out = NULL;
  /* O_NONBLOCK: opening a named pipe must not wait for a writer; it is refused just below. */
  int fd = open_again(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return failed(error, path, errno, "cannot be opened");
  struct stat info;
  if (fstat(fd, &info) != 0) {
    int number = errno;
    gw__system()->close(fd);
    return failed(error, path, number, "cannot be looked at");
  }
  if (!S_ISREG(info.st_mode)) {
    gw__system()->close(fd);
    gw__fail(error, GW_INVALID, S_ISDIR(info.st_mode) ? "is a folder, not a file" : "is not a regular file");
    gw__error_file(error, path);
    return GW_INVALID;
  }
  gw_status status = wrap(fd, path, (uint64_t)info.st_size, out, error);
  if (status != GW_OK) return status;
  (*out)->device = info.st_dev;
  (*out)->node = info.st_ino;
  if (few_are_left(fd)) {
    gw__system()->close(fd);
    (*out)->fd = -1;
  }
  return GW_OK;
}

/* The lock tells a later run that this file has a living owner; a file system without locks is no reason to stop. Between
 * making and locking it, gw__path_remove_abandoned may take it for abandoned: then it is made again. */
static int create_locked(const char *path) {
  for (;;) {
    struct stat info;
    int result, fd = open_again(path, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd < 0) return fd;
    do result = flock(fd, LOCK_EX);
    while (result != 0 && errno == EINTR);
    if (fstat(fd, &info) != 0 || info.st_nlink > 0) return fd;
    gw__system()->close(fd);
  }
}

gw_status gw__file_create(const char *path, uint64_t size, gw_file **out, gw_error *error) {
  *out = NULL;
  if (size > INT64_MAX) {
    gw__fail(error, GW_LIMIT, "a file of %llu bytes is beyond what a file can hold", (unsigned long long)size);
    gw__error_file(error, path);
    return GW_LIMIT;
  }
  int fd = create_locked(path);
  if (fd < 0) {
    gw_status status = failed(error, path, errno, "cannot be created");
    if (status != GW_NOT_FOUND) return status;
    /* Not the absence of an input: the folder is there, or was a moment ago, and does not take files. */
    if (error) error->status = GW_IO;
    return GW_IO;
  }
  if (size > 0 && allocate_again(fd, size) != 0) {
    int number = errno;
    gw__system()->close(fd);
    gw__system()->unlink(path);
    char what[96];
    snprintf(what, sizeof what, "cannot be given its %llu bytes", (unsigned long long)size);
    return failed(error, path, number, what);
  }
  gw_status status = wrap(fd, path, size, out, error);
  if (status != GW_OK) gw__system()->unlink(path);
  return status;
}

void gw__file_close(gw_file *file) {
  if (!file) return;
  if (file->fd >= 0) gw__system()->close(file->fd);
  gw__free(file->path);
  gw__free(file);
}

static bool in_range(uint64_t offset, size_t size) {
  uint64_t end;
  return gw__add_u64(offset, size, &end) && end <= INT64_MAX;
}

static gw_status out_of_range(const gw_file *file, uint64_t offset, gw_error *error) {
  gw__fail(error, GW_CORRUPT, "a position beyond what a file can have");
  gw__error_file(error, file->path);
  gw__error_offset(error, offset);
  return GW_CORRUPT;
}

static gw_status read_all(const gw_file *file, int fd, uint64_t offset, uint8_t *bytes, size_t size, gw_error *error) {
  size_t done = 0;
  while (done < size) {
    ssize_t part = gw__system()->pread(fd, bytes + done, size - done, (off_t)(offset + done));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) {
      gw_status status = failed(error, file->path, errno, "cannot be read");
      gw__error_offset(error, offset + done);
      return status;
    }
    if (part == 0) {
      gw__fail(error, GW_CORRUPT, "the file ends here (%zu more bytes were expected)", size - done);
      gw__error_file(error, file->path);
      gw__error_offset(error, offset + done);
      return GW_CORRUPT;
    }
    done += (size_t)part;
  }
  return GW_OK;
}

gw_status gw__file_read(const gw_file *file, uint64_t offset, void *out, size_t size, gw_error *error) {
  int fd;
  if (!in_range(offset, size)) return out_of_range(file, offset, error);
  gw_status status = borrow(file, &fd, error);
  if (status != GW_OK) return status;
  status = read_all(file, fd, offset, out, size, error);
  give_back(file, fd);
  return status;
}

gw_status gw__file_write(const gw_file *file, uint64_t offset, const void *data, size_t size, gw_error *error) {
  if (!in_range(offset, size)) return out_of_range(file, offset, error);
  const uint8_t *bytes = data;
  size_t done = 0;
  while (done < size) {
    ssize_t part = gw__system()->pwrite(file->fd, bytes + done, size - done, (off_t)(offset + done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) {
      gw_status status = failed(error, file->path, part < 0 ? errno : ENOSPC, "cannot be written");
      gw__error_offset(error, offset + done);
      return status;
    }
    done += (size_t)part;
  }
  return GW_OK;
}

void gw__file_begin_sync(const gw_file *file, uint64_t offset, uint64_t size) {
#ifdef SYNC_FILE_RANGE_WRITE
  (void)sync_file_range(file->fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
  (void)file, (void)offset, (void)size;
#endif
}

gw_status gw__file_sync(const gw_file *file, gw_error *error) {
  if (sync_again(file->fd) == 0) return GW_OK;
  return failed(error, file->path, errno, "cannot be synced to the disk");
}

gw_status gw__file_copy_range(const gw_file *from, uint64_t from_offset, const gw_file *to, uint64_t to_offset,
                              uint64_t size, gw_error *error) {
  enum { PIECE = 256 * 1024 };
  int fd;
  gw_status status = borrow(from, &fd, error);
  if (status != GW_OK) return status;
  while (size > 0) {
    size_t want = size > (1u << 30) ? 1u << 30 : (size_t)size;
    ssize_t part = gw__system()->copy_range(fd, (off_t)from_offset, to->fd, (off_t)to_offset, want);
    if (part <= 0) break; /* not supported here, or an end: the plain way says which */
    from_offset += (uint64_t)part;
    to_offset += (uint64_t)part;
    size -= (uint64_t)part;
  }
  give_back(from, fd);
  if (size == 0) return GW_OK;
  uint8_t *buffer = gw__alloc(PIECE, error);
  if (!buffer) return GW_NO_MEMORY;
  while (size > 0 && status == GW_OK) {
    size_t part = size > PIECE ? PIECE : (size_t)size;
    status = gw__file_read(from, from_offset, buffer, part, error);
    if (status == GW_OK) status = gw__file_write(to, to_offset, buffer, part, error);
    from_offset += part;
    to_offset += part;
    size -= part;
  }
  gw__free(buffer);
  return status;
}

gw_status gw__file_clone(const gw_file *from, const gw_file *to, gw_error *error) {
  int fd;
  gw_status status = borrow(from, &fd, error);
  if (status != GW_OK) return status;
  int result = gw__system()->clone(to->fd, fd), number = errno;
  give_back(from, fd);
  if (result == 0) return GW_OK;
  if (number != EOPNOTSUPP && number != EXDEV && number != EINVAL && number != ENOTTY && number != ENOSYS)
    return failed(error, to->path, number, "cannot be cloned");
  gw__fail(error, GW_UNSUPPORTED, "this file system cannot clone (reflink) %s", from->path);
  if (error) error->system = number;
  gw__error_hint(error, "use --data link (hard links, same disk) or --data copy");
  return GW_UNSUPPORTED;
}

gw_status gw__file_read_whole(const char *path, uint64_t limit, gw_buf *out, gw_error *error) {
  gw_file *file;
  gw_status status = gw__file_open(path, &file, error);
  if (status != GW_OK) return status;
  if (file->size > limit) {
    status = gw__fail(error, GW_LIMIT, "has %llu bytes, more than the %llu that are read of such a file",
                      (unsigned long long)file->size, (unsigned long long)limit);
    gw__error_file(error, path);
  } else if (!gw__buf_reserve(out, (size_t)file->size)) {
    status = gw__buf_status(out, error);
  } else if (file->size > 0) {
    status = gw__file_read(file, 0, out->data + out->size, (size_t)file->size, error);
    if (status == GW_OK) out->size += (size_t)file->size;
  }
  gw__file_close(file);
  return status;
}

/* ---- Paths */

gw_status gw__path_look(const char *path, gw_path_kind *kind, uint64_t *size, gw_error *error) {
  struct stat info;
  *kind = GW_PATH_NONE;
  if (size) *size = 0;
  if (stat(path, &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return GW_OK;
    return failed(error, path, errno, "cannot be looked at");
  }
  *kind = S_ISREG(info.st_mode) ? GW_PATH_FILE : S_ISDIR(info.st_mode) ? GW_PATH_FOLDER : GW_PATH_OTHER;
  if (size) *size = (uint64_t)info.st_size;
  return GW_OK;
}

bool gw__path_same(const char *a, const char *b) {
  struct stat one, other;
  return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

gw_status gw__path_rename(const char *from, const char *to, gw_error *error) {
  if (gw__system()->rename(from, to) == 0) return GW_OK;
  return failed(error, to, errno, "cannot be put in place");
}

gw_status gw__path_rename_new(const char *from, const char *to, gw_error *error) {
  if (gw__system()->rename_new(from, to) == 0) return GW_OK;
  return failed(error, to, errno, "cannot be put in place");
}

gw_status gw__path_link(const char *from, const char *to, gw_error *error) {
  if (gw__system()->link(from, to) == 0) return GW_OK;
  int number = errno;
  if (number != EXDEV && number != EPERM && number != EOPNOTSUPP && number != EMLINK && number != ENOSYS)
    return failed(error, to, number, "cannot be linked");
  gw__fail(error, GW_UNSUPPORTED, number == EXDEV ? "a hard link cannot lead to another disk (%s)" : "cannot be a hard link to %s here", from);
  if (error) error->system = number;
  gw__error_hint(error, "use --data copy");
  gw__error_file(error, to);
  return GW_UNSUPPORTED;
}

gw_status gw__path_remove(const char *path, gw_error *error) {
  if (gw__system()->unlink(path) == 0 || errno == ENOENT) return GW_OK;
  return failed(error, path, errno, "cannot be removed");
}

gw_status gw__folder_sync(const char *folder, gw_error *error) {
  int fd = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return failed(error, folder, errno, "cannot be opened");
  /* Some network file systems cannot sync a folder and say EINVAL: there is nothing more to do there. */
  int number = sync_again(fd) == 0 || errno == EINVAL ? 0 : errno;
  gw__system()->close(fd);
  return number ? failed(error, folder, number, "cannot be synced to the disk") : GW_OK;
}

/* A folder that was just made is there for good once the one above it is synced. */
static gw_status sync_above(const char *path, gw_error *error) {
  char *above, *base;
  gw_status status = gw__path_split(path, &above, &base, error);
  if (status == GW_OK) status = gw__folder_sync(above, error);
  gw__free(above);
  gw__free(base);
  return status;
}

gw_status gw__folder_make(const char *folder, char **made, gw_error *error) {
  *made = NULL;
  char *path = gw__strdup(folder, error);
  if (!path) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  for (char *p = path + 1; status == GW_OK; p++) {
    bool end = *p == '\0';
    if (!end && *p != '/') continue;
    *p = '\0';
    struct stat info;
    if (stat(path, &info) != 0) {
      if (mkdir(path, 0777) == 0) {
        if (!*made && !(*made = gw__strdup(path, error))) status = GW_NO_MEMORY;
        if (status == GW_OK) status = sync_above(path, error);
      } else if (errno != EEXIST) {
        status = failed(error, path, errno, "the folder cannot be made");
      }
    } else if (!S_ISDIR(info.st_mode)) {
      gw__fail(error, GW_INVALID, "is a file, not a folder");
      gw__error_file(error, path);
      gw__error_hint(error, "choose a folder, or a new name for one");
      status = GW_INVALID;
    }
    if (end) break;
    *p = '/';
  }
  gw__free(path);
  return status;
}

void gw__folder_unmake(const char *folder, const char *made) {
  char *path = made ? gw__strdup(folder, NULL) : NULL;
  size_t least = made ? strlen(made) : 0;
  /* Making may have failed on the way: what is not there yet is no reason to leave what is above it. */
  while (path && strlen(path) >= least && (rmdir(path) == 0 || errno == ENOENT || errno == ENAMETOOLONG)) {
    char *slash = strrchr(path, '/');
    if (!slash) break;
    *slash = '\0';
  }
  gw__free(path);
}

int gw__folder_lock(const char *folder) {
  int result, lock = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
  if (lock < 0) return -1;
  do result = flock(lock, LOCK_EX);
  while (result != 0 && errno == EINTR);
  return lock;
}

void gw__folder_unlock(int lock) {
  if (lock >= 0) gw__system()->close(lock);
}

/* The lock is held while the name goes: whoever is about to take it on a file just made sees that it is gone. */
void gw__path_remove_abandoned(const char *path) {
  int fd = open_again(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) gw__system()->unlink(path);
  gw__system()->close(fd);
}

gw_status gw__path_split(const char *path, char **folder, char **base, gw_error *error) {
  const char *slash = strrchr(path, '/');
  *base = gw__strdup(slash ? slash + 1 : path, error);
  if (!slash) *folder = gw__strdup(".", error);
  else if (slash == path) *folder = gw__strdup("/", error);
  else *folder = gw__strndup(path, (size_t)(slash - path), error);
  if (*folder && *base) return GW_OK;
  gw__free(*folder);
  gw__free(*base);
  *folder = *base = NULL;
  return GW_NO_MEMORY;
}

char *gw__path_join(const char *folder, const char *name, gw_error *error) {
  if (name[0] == '/' || strcmp(folder, ".") == 0 || folder[0] == '\0') return gw__strdup(name, error);
  size_t length = strlen(folder), rest = strlen(name);
  while (length > 1 && folder[length - 1] == '/') length--;
  char *joined = gw__alloc(length + rest + 2, error);
  if (!joined) return NULL;
  memcpy(joined, folder, length);
  size_t used = length;
  if (joined[used - 1] != '/') joined[used++] = '/';
  memcpy(joined + used, name, rest + 1);
  return joined;
}

/* ---- Folders */

static int by_bytes(const void *a, const void *b) {
  char *const *left = a;
  char *const *right = b;
  return strcmp(*left, *right);
}

gw_status gw__folder_list(const char *folder, gw_names *out, gw_error *error) {
  *out = (gw_names){NULL, 0, 0};
  DIR *handle = opendir(folder);
  if (!handle) return failed(error, folder, errno, "cannot be listed");
  gw_status status = GW_OK;
  while (status == GW_OK) {
    errno = 0;
    const struct dirent *item = readdir(handle);
    if (!item) {
      if (errno != 0) status = failed(error, folder, errno, "cannot be listed");
      break;
    }
    if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
    status = gw__reserve((void **)&out->names, &out->capacity, out->count + 1, sizeof *out->names, error);
    char *name = status == GW_OK ? gw__strdup(item->d_name, error) : NULL;
    if (name) out->names[out->count++] = name;
    else status = GW_NO_MEMORY;
  }
  closedir(handle);
  if (status != GW_OK) gw__names_free(out);
  else if (out->count > 1) qsort(out->names, out->count, sizeof *out->names, by_bytes);
  return status;
}

void gw__names_free(gw_names *names) {
  for (size_t i = 0; i < names->count; i++) gw__free(names->names[i]);
  gw__free(names->names);
  *names = (gw_names){NULL, 0, 0};
}

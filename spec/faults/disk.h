/* A disk that fails: every system call of core passes here on its way to a real folder, and may be refused, stop the
 * world, or be remembered as not yet safe. What a power cut would leave can then be laid out in another folder.
 *
 *   a stop      that call and all later ones do nothing: as if the process had died there. A write is half done.
 *   safe        a file's bytes once it was synced, a name once its folder was synced afterwards. Until then a power cut
 *               may lose each change of a name by itself (POSIX promises no order), and the bytes of a file.
 *
 * One folder is watched; what lies elsewhere (inputs) is safe. The calls come from one thread at a time. */
#ifndef GODWIT_SPEC_DISK_H
#define GODWIT_SPEC_DISK_H

#include "../c/bundle_make.h"

enum { GWT_MOST_FILES = 256, GWT_MOST_NAMES = 64, GWT_MOST_CHANGES = 64 };

typedef struct gwt_name {
  char text[128];
  int file; /* -1: no such name */
} gwt_name;

/* A change of names: `name` gets `file` (-1: goes), and `gone` (when it is not empty) goes with it. */
typedef struct gwt_change {
  char name[128], gone[128];
  int file;
} gwt_change;

typedef struct gwt_disk {
  const gw_system *real; /* but for syncs: what is safe is known here, and a disk that syncs only takes time */
  gwt_path folder, stash; /* watched; second names of all files, so that none is lost */
  ino_t inodes[GWT_MOST_FILES];
  bool synced[GWT_MOST_FILES];
  int files;
  gwt_name safe[GWT_MOST_NAMES]; /* as of the last sync of the folder */
  size_t safe_count;
  gwt_change changes[GWT_MOST_CHANGES]; /* since then */
  size_t change_count;
  /* What goes wrong. Calls count from 1; 0 is never. */
  long calls, stop_at, fail_at;
  int fail_with;        /* errno */
  bool stopped, failed; /* it happened */
  const char *failed_call;
  bool deaf_folder, deaf_file; /* syncs of folders, of files, are not carried out */
} gwt_disk;

static gwt_disk disk;

/* ---- What is there */

static int gwt_disk_file(ino_t inode) {
  for (int i = 0; i < disk.files; i++)
    if (disk.inodes[i] == inode) return i;
  return -1;
}

static gwt_path gwt_disk_stash(int file) { return gwt_path_of("%s/%d", disk.stash.text, file); }

/* The number of the file at `path`; a new one is put aside under a second name. */
static int gwt_disk_know(const char *path, bool synced) {
  struct stat info;
  gwt_must(lstat(path, &info) == 0);
  int file = gwt_disk_file(info.st_ino);
  if (file >= 0) return file;
  gwt_must(disk.files < GWT_MOST_FILES);
  file = disk.files++;
  disk.inodes[file] = info.st_ino;
  disk.synced[file] = synced;
  gwt_must(link(path, gwt_disk_stash(file).text) == 0);
  return file;
}

/* The name in the watched folder, or NULL for a path elsewhere. */
static const char *gwt_disk_name(const char *path) {
  size_t length = strlen(disk.folder.text);
  bool inside = strncmp(path, disk.folder.text, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
  return inside ? path + length + 1 : NULL;
}

static void gwt_disk_change(const char *name, int file, const char *gone) {
  gwt_must(disk.change_count < GWT_MOST_CHANGES);
  gwt_change *change = &disk.changes[disk.change_count++];
  snprintf(change->name, sizeof change->name, "%s", name);
  snprintf(change->gone, sizeof change->gone, "%s", gone ? gone : "");
  change->file = file;
}

static void gwt_disk_set(gwt_name *names, size_t *count, const char *name, int file) {
  size_t at = 0;
  while (at < *count && strcmp(names[at].text, name) != 0) at++;
  gwt_must(at < GWT_MOST_NAMES);
  if (at == *count) snprintf(names[(*count)++].text, sizeof names[at].text, "%s", name);
  names[at].file = file;
}

static void gwt_disk_apply(gwt_name *names, size_t *count, const gwt_change *change) {
  gwt_disk_set(names, count, change->name, change->file);
  if (change->gone[0]) gwt_disk_set(names, count, change->gone, -1);
}

/* ---- Calls */

/* True when this call is to be carried out; else errno is set. */
static bool gwt_disk_call(const char *what) {
  disk.calls++;
  if (disk.stopped) {
    errno = EIO;
    return false;
  }
  if (disk.calls == disk.stop_at) {
    disk.stopped = true;
    disk.failed_call = what;
    errno = EIO;
    return false;
  }
  if (disk.calls == disk.fail_at) {
    disk.failed = true;
    disk.failed_call = what;
    errno = disk.fail_with;
    return false;
  }
  return true;
}

static void gwt_disk_dirty(int fd) {
  struct stat info;
  int file = fstat(fd, &info) == 0 ? gwt_disk_file(info.st_ino) : -1;
  if (file >= 0) disk.synced[file] = false;
}

static int gwt_disk_open(const char *path, int flags, mode_t mode) {
  bool new = (flags & O_CREAT) != 0;
  if (!gwt_disk_call(new ? "create" : "open")) return -1;
  int fd = disk.real->open(path, flags, mode);
  const char *name = fd >= 0 && new ? gwt_disk_name(path) : NULL;
  if (name) gwt_disk_change(name, gwt_disk_know(path, false), NULL);
  return fd;
}

static int gwt_disk_close(int fd) { return disk.real->close(fd); } /* death closes files too */

static ssize_t gwt_disk_pread(int fd, void *data, size_t size, off_t offset) {
  return gwt_disk_call("read") ? disk.real->pread(fd, data, size, offset) : -1;
}

static ssize_t gwt_disk_pwrite(int fd, const void *data, size_t size, off_t offset) {
  bool before = disk.stopped, fine = gwt_disk_call("write");
  if (fine || !before) gwt_disk_dirty(fd);
  if (fine) return disk.real->pwrite(fd, data, size, offset);
  int number = errno;
  if (!before && disk.stopped && size > 1) disk.real->pwrite(fd, data, size / 2, offset);
  errno = number;
  return -1;
}

static int gwt_disk_allocate(int fd, off_t size) {
  if (!gwt_disk_call("allocate")) return -1;
  gwt_disk_dirty(fd);
  return disk.real->allocate(fd, size);
}

static int gwt_disk_fsync(int fd) {
  struct stat info, watched;
  if (!gwt_disk_call("sync")) return -1;
  gwt_must(fstat(fd, &info) == 0 && stat(disk.folder.text, &watched) == 0);
  if (S_ISDIR(info.st_mode)) {
    if (disk.deaf_folder || info.st_ino != watched.st_ino) return 0;
    for (size_t i = 0; i < disk.change_count; i++) gwt_disk_apply(disk.safe, &disk.safe_count, &disk.changes[i]);
    disk.change_count = 0;
    return 0;
  }
  int file = gwt_disk_file(info.st_ino);
  if (file >= 0 && !disk.deaf_file) disk.synced[file] = true;
  return 0;
}

static int gwt_disk_renamed(int result, const char *from, const char *to) {
  const char *old = gwt_disk_name(from), *new = gwt_disk_name(to);
  if (result == 0 && new) gwt_disk_change(new, gwt_disk_know(to, true), old);
  return result;
}

static int gwt_disk_rename(const char *from, const char *to) {
  return gwt_disk_call("rename") ? gwt_disk_renamed(disk.real->rename(from, to), from, to) : -1;
}

static int gwt_disk_rename_new(const char *from, const char *to) {
  return gwt_disk_call("rename_new") ? gwt_disk_renamed(disk.real->rename_new(from, to), from, to) : -1;
}

static int gwt_disk_link(const char *from, const char *to) {
  int result = gwt_disk_call("link") ? disk.real->link(from, to) : -1;
  const char *name = gwt_disk_name(to);
  if (result == 0 && name) gwt_disk_change(name, gwt_disk_know(to, true), NULL);
  return result;
}

static int gwt_disk_unlink(const char *path) {
  int result = gwt_disk_call("unlink") ? disk.real->unlink(path) : -1;
  const char *name = gwt_disk_name(path);
  if (result == 0 && name) gwt_disk_change(name, -1, NULL);
  return result;
}

/* Test machines seldom have a file system that clones: here every one does, by copying. */
static int gwt_disk_clone(int to, int from) {
  uint8_t bytes[4096];
  ssize_t part;
  if (!gwt_disk_call("clone")) return -1;
  gwt_disk_dirty(to);
  for (off_t at = 0; (part = pread(from, bytes, sizeof bytes, at)) > 0; at += part)
    gwt_must(pwrite(to, bytes, (size_t)part, at) == part);
  return 0;
}

static ssize_t gwt_disk_copy_range(int from, off_t from_offset, int to, off_t to_offset, size_t size) {
  if (!gwt_disk_call("copy_range")) return -1;
  gwt_disk_dirty(to);
  return disk.real->copy_range(from, from_offset, to, to_offset, size);
}

static const gw_system gwt_disk_system = {
    .open = gwt_disk_open,     .close = gwt_disk_close,   .pread = gwt_disk_pread,           .pwrite = gwt_disk_pwrite,
    .allocate = gwt_disk_allocate, .fsync = gwt_disk_fsync,   .rename = gwt_disk_rename,         .rename_new = gwt_disk_rename_new,
    .link = gwt_disk_link,     .unlink = gwt_disk_unlink, .clone = gwt_disk_clone,           .copy_range = gwt_disk_copy_range,
};

/* ---- Using it */

static int gwt_no_sync(int fd) {
  (void)fd;
  return 0;
}

/* Calls go to the system, without syncs. */
static void gwt_disk_end(void) {
  static gw_system fast;
  gw__system_replace(NULL);
  fast = *gw__system();
  fast.fsync = gwt_no_sync;
  gw__system_replace(&fast);
}

/* From now on calls pass here. Everything that lies in `folder` is safe. */
static void gwt_disk_start(const char *folder, const char *stash) {
  gw_names names;
  gwt_disk_end();
  disk = (gwt_disk){.real = gw__system(), .folder = gwt_path_of("%s", folder), .stash = gwt_path_of("%s", stash)};
  gwt_clear(stash);
  gwt_must(gw__folder_list(folder, &names, NULL) == GW_OK);
  for (size_t i = 0; i < names.count; i++) {
    int file = gwt_disk_know(gwt_path_of("%s/%s", folder, names.names[i]).text, true);
    gwt_disk_set(disk.safe, &disk.safe_count, names.names[i], file);
  }
  gw__names_free(&names);
  gw__system_replace(&gwt_disk_system);
}

/* Lays out in `to` what a power cut leaves when change i of names survived where bit i of `survived` is set. Bytes that
 * were not synced are zeros. */
static inline void gwt_disk_lay_out(const char *to, uint64_t survived) {
  gwt_name names[GWT_MOST_NAMES];
  size_t count = disk.safe_count;
  memcpy(names, disk.safe, count * sizeof *names);
  for (size_t i = 0; i < disk.change_count; i++)
    if (survived >> i & 1) gwt_disk_apply(names, &count, &disk.changes[i]);
  gwt_clear(to);
  for (size_t i = 0; i < count; i++) {
    if (names[i].file < 0) continue;
    gwt_path stash = gwt_disk_stash(names[i].file), path = gwt_path_of("%s/%s", to, names[i].text);
    struct stat info;
    if (disk.synced[names[i].file]) {
      gwt_must(link(stash.text, path.text) == 0);
    } else {
      gwt_must(stat(stash.text, &info) == 0);
      gwt_save(path.text, "", 0);
      gwt_must(truncate(path.text, info.st_size) == 0);
    }
  }
}

#endif

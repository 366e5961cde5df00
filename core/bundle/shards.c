/* The data files of a checkpoint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "bundle.h"

char *gw__data_path(const char *prefix, int32_t shard, int32_t shards, gw_error *error) {
  size_t size = strlen(prefix) + 48;
  char *path = gw__alloc(size, error);
  if (path) snprintf(path, size, "%s.data-%05d-of-%05d", prefix, shard, shards);
  return path;
}

static int by_id(const void *a, const void *b) {
  const gw_shard *left = a, *right = b;
  return left->id < right->id ? -1 : left->id > right->id;
}

static gw_shard *find(const gw_bundle *bundle, int32_t id) {
  gw_shard wanted = {.id = id};
  return bundle->shard_count ? bsearch(&wanted, bundle->shards, bundle->shard_count, sizeof wanted, by_id) : NULL;
}

/* Entries name shards in any order, and a hostile header may claim two thousand million of them: only those that are
 * named are kept. */
gw_status gw__bundle_list_shards(gw_bundle *bundle, gw_error *error) {
  size_t capacity = 0, count = 0;
  for (size_t i = 0; i < bundle->entry_count; i++) {
    const gw_entry *entry = &bundle->entries[i];
    if (entry->parts || (count > 0 && bundle->shards[count - 1].id == entry->shard)) continue;
    gw_status status = gw__reserve((void **)&bundle->shards, &capacity, count + 1, sizeof *bundle->shards, error);
    if (status != GW_OK) return status;
    bundle->shards[count++] = (gw_shard){.id = entry->shard};
  }
  if (count > 1) qsort(bundle->shards, count, sizeof *bundle->shards, by_id);
  for (size_t i = 0; i < count; i++)
    if (bundle->shard_count == 0 || bundle->shards[bundle->shard_count - 1].id != bundle->shards[i].id)
      bundle->shards[bundle->shard_count++] = bundle->shards[i];
  for (size_t i = 0; i < bundle->entry_count; i++) {
    const gw_entry *entry = &bundle->entries[i];
    gw_shard *shard = entry->parts ? NULL : find(bundle, entry->shard);
    if (shard && entry->offset + entry->size > shard->needed) shard->needed = entry->offset + entry->size;
  }
  return GW_OK;
}

/* MergeV2Checkpoints of bundles without entries names its files with another count than its header has (FORMAT.md,
 * section 5). If exactly one file has the right number, it is the one. */
static gw_status find_odd_name(const gw_bundle *bundle, gw_shard *shard, gw_error *error) {
  char *folder, *base, wanted[32], *path = NULL;
  gw_names names;
  gw_status status = gw__path_split(bundle->prefix, &folder, &base, error);
  if (status != GW_OK) return status;
  snprintf(wanted, sizeof wanted, ".data-%05d-of-", shard->id);
  size_t length = strlen(base), found = 0;
  status = gw__folder_list(folder, &names, NULL);
  for (size_t i = 0; status == GW_OK && i < names.count; i++) {
    const char *name = names.names[i];
    if (strncmp(name, base, length) != 0 || strncmp(name + length, wanted, strlen(wanted)) != 0) continue;
    const char *digits = name + length + strlen(wanted);
    if (strlen(digits) < 5 || strspn(digits, "0123456789") != strlen(digits)) continue;
    gw__free(path);
    path = gw__path_join(folder, name, error);
    found++;
  }
  if (status == GW_OK) gw__names_free(&names);
  status = found == 1 && path ? gw__file_open(path, &shard->file, error) : GW_NOT_FOUND;
  shard->odd_name = status == GW_OK;
  gw__free(path);
  gw__free(folder);
  gw__free(base);
  return status;
}

static gw_status open_shard(gw_bundle *bundle, gw_shard *shard, gw_error *error) {
  char *path = gw__data_path(bundle->prefix, shard->id, bundle->header.shards, error);
  if (!path) return GW_NO_MEMORY;
  gw_error missing = GW_ERROR_INIT;
  gw_status status = gw__file_open(path, &shard->file, &missing);
  if (status == GW_NOT_FOUND && find_odd_name(bundle, shard, NULL) == GW_OK) status = GW_OK;
  if (status != GW_OK && error) *error = missing;
  if (status == GW_NOT_FOUND) {
    status = gw__fail(error, GW_CORRUPT, "the data file is missing");
    gw__error_file(error, path);
    gw__error_hint(error, "copy it beside %s: an index without its %s has names and shapes, but no values", bundle->index_path,
                   bundle->header.shards > 1 ? "data files" : "data file");
  }
  if (status == GW_OK && shard->file->size < shard->needed) {
    status = gw__fail(error, GW_CORRUPT, "the file is too short (the index places data up to byte %llu, it has %llu bytes)",
                      (unsigned long long)shard->needed, (unsigned long long)shard->file->size);
    gw__error_file(error, shard->file->path);
    gw__error_hint(error, "it was cut short while it was copied or saved, or it belongs to another checkpoint");
    gw__file_close(shard->file);
    shard->file = NULL;
  }
  gw__free(path);
  return status;
}

gw_status gw__bundle_shard(gw_bundle *bundle, int32_t id, const gw_file **out, gw_error *error) {
  gw_shard *shard = find(bundle, id);
  *out = NULL;
  if (!shard) return gw__fail(error, GW_CORRUPT, "no entry names shard %d", id);
  gw_status status = shard->file ? GW_OK : open_shard(bundle, shard, error);
  if (status == GW_OK) *out = shard->file;
  return status;
}

gw_status gw_bundle_check_files(gw_bundle *bundle, gw_error *error) {
  const gw_file *file;
  for (size_t i = 0; i < bundle->shard_count; i++) {
    gw_status status = gw__bundle_shard(bundle, bundle->shards[i].id, &file, error);
    if (status != GW_OK) return status;
  }
  return GW_OK;
}

gw_status gw__bundle_mismatch(gw_bundle *bundle, const gw_entry *entry, uint32_t found, gw_error *error) {
  const gw_shard *shard = find(bundle, entry->shard);
  gw__fail(error, GW_CORRUPT, "the checksum of its %llu bytes does not match (expected %08x, found %08x)",
           (unsigned long long)entry->size, gw__crc32c_unmask(entry->crc), found);
  if (shard && shard->file) gw__error_file(error, shard->file->path);
  gw__error_key(error, entry->key, entry->key_size);
  gw__error_offset(error, entry->offset);
  if (shard && shard->file && shard->file->size != shard->needed)
    gw__error_hint(error, "the file has %llu bytes where the index expects %llu: it seems to belong to another checkpoint",
                   (unsigned long long)shard->file->size, (unsigned long long)shard->needed);
  else
    gw__error_hint(error, "the data file is damaged, or it and the index come from two different saves; `godwit verify` lists every tensor that is wrong");
  return GW_CORRUPT;
}

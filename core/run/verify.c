/* `godwit verify`: every checksum and every bound of a checkpoint. Structure first, in order; then the data, tensor by
 * tensor on all cores. What is found is listed, not only the first. */
#include <stdatomic.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/crc32c.h"
#include "../base/error.h"
#include "../base/pool.h"
#include "../bundle/bundle.h"
#include "../table/table.h"

enum { BUFFER = 1 << 18, MOST_FINDINGS = 10000 };

struct gw_verification {
  gw_bundle *bundle;
  gw_pool *pool;
  uint8_t **buffers;   /* per worker */
  unsigned worker_count;
  uint32_t *order;     /* entries with data, by shard and offset: the files are read from front to back */
  size_t order_count;
  pthread_mutex_t lock; /* guards the findings */
  gw_finding *findings;
  size_t finding_count, finding_capacity;
  atomic_ullong done;
  uint64_t total;
};

static gw_status add(gw_verification *verification, bool fatal, const gw_error *error, gw_error *out) {
  pthread_mutex_lock(&verification->lock);
  gw_status status = GW_OK;
  if (verification->finding_count < MOST_FINDINGS) {
    status = gw__reserve((void **)&verification->findings, &verification->finding_capacity, verification->finding_count + 1,
                         sizeof *verification->findings, out);
    if (status == GW_OK) verification->findings[verification->finding_count++] = (gw_finding){fatal, *error};
  }
  pthread_mutex_unlock(&verification->lock);
  return status;
}

/* Damage is a finding; what keeps us from looking (no memory, no permission) ends the work. */
static gw_status found(gw_verification *verification, bool fatal, gw_status status, gw_error *found_error, gw_error *error) {
  if (status == GW_OK) return GW_OK;
  if (status == GW_CORRUPT || status == GW_UNSUPPORTED || status == GW_NOT_FOUND) return add(verification, fatal, found_error, error);
  if (error) *error = *found_error;
  return status;
}

static gw_status check_v1_metaindexes(gw_verification *verification, gw_error *error) {
  gw_status status = GW_OK;
  for (int32_t i = 0; i < verification->bundle->header.shards && status == GW_OK; i++) {
    gw_error what = GW_ERROR_INIT;
    status = found(verification, false, gw__v1_check_metaindex(verification->bundle, (size_t)i, &what), &what, error);
  }
  return status;
}

static gw_status check_metaindex(gw_verification *verification, gw_error *error) {
  if (verification->bundle->v1) return check_v1_metaindexes(verification, error);
  gw_file *file = NULL;
  gw_table *table = NULL;
  gw_error what = GW_ERROR_INIT;
  gw_status status = gw__file_open(verification->bundle->index_path, &file, &what);
  if (status == GW_OK) status = gw__table_open(file, &table, &what);
  if (status == GW_OK) status = gw__table_check_metaindex(table, &what);
  gw__table_free(table);
  gw__file_close(file);
  if (status != GW_OK) gw__error_file(&what, verification->bundle->index_path);
  return found(verification, false, status, &what, error);
}

/* Odd, but nothing is lost: what a crash or a merge left, and what nobody checks. */
static gw_status check_oddities(gw_verification *verification, gw_error *error) {
  const gw_bundle *bundle = verification->bundle;
  gw_status status = GW_OK;
  for (size_t i = 0; i < bundle->shard_count && status == GW_OK; i++) {
    const gw_shard *shard = &bundle->shards[i];
    gw_error what = GW_ERROR_INIT;
    if (!shard->file) continue;
    if (shard->odd_name) {
      gw__fail(&what, GW_CORRUPT, "the index says %d shards, and this is the only file with that number", bundle->header.shards);
      gw__error_file(&what, shard->file->path);
      gw__error_hint(&what, "TensorFlow will not find it; `godwit run -e '' IN -o OUT` writes a checkpoint that it does");
      status = add(verification, false, &what, error);
    } else if (shard->file->size > shard->needed) {
      gw__fail(&what, GW_CORRUPT, "%llu bytes at the end belong to no tensor", (unsigned long long)(shard->file->size - shard->needed));
      gw__error_file(&what, shard->file->path);
      gw__error_offset(&what, shard->needed);
      status = add(verification, false, &what, error);
    }
  }
  if (status == GW_OK && bundle->shard_count > 0 && (size_t)bundle->header.shards > bundle->shard_count &&
      bundle->shards[bundle->shard_count - 1].id + 1 < bundle->header.shards) {
    gw_error what = GW_ERROR_INIT;
    gw__fail(&what, GW_CORRUPT, "the index says %d shards, but names only %zu", bundle->header.shards, bundle->shard_count);
    gw__error_file(&what, bundle->index_path);
    gw__error_hint(&what, "a replacing write was interrupted after the change: the checkpoint is whole, and writing it again with --force tidies up");
    status = add(verification, false, &what, error);
  }
  return status;
}

/* ---- The object graph: it decodes, its attributes have their tensors, and it is in TensorFlow's order */

static int by_bytes(const gw_entry *entry, gw_span text) {
  size_t shorter = entry->key_size < text.size ? entry->key_size : text.size;
  int order = shorter ? memcmp(entry->key, text.data, shorter) : 0;
  return order ? order : entry->key_size < text.size ? -1 : entry->key_size > text.size;
}

/* Some objects store several tensors under keys that begin with the attribute's (FORMAT.md, 7.5: tables, iterators). */
static bool has_key_from(const gw_bundle *bundle, gw_span stem) {
  size_t low = 0, high = bundle->entry_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (by_bytes(&bundle->entries[middle], stem) < 0) low = middle + 1;
    else high = middle;
  }
  if (low == bundle->entry_count || bundle->entries[low].key_size < stem.size) return false;
  return stem.size == 0 || memcmp(bundle->entries[low].key, stem.data, stem.size) == 0;
}

static gw_status check_keys(gw_verification *verification, const gw_graph *graph, gw_error *error) {
  gw_status status = GW_OK;
  for (uint32_t i = 0; i < gw_graph_nodes(graph) && status == GW_OK; i++) {
    gw_node_info node;
    gw_graph_node(graph, i, &node);
    for (size_t j = 0; j < node.attributes && status == GW_OK; j++) {
      gw_attribute_info attribute;
      gw_graph_attribute(graph, i, j, &attribute);
      if (has_key_from(verification->bundle, attribute.key)) continue;
      gw_error what = GW_ERROR_INIT;
      gw__fail(&what, GW_CORRUPT, "the object graph names this key, and the checkpoint does not have it");
      gw__error_file(&what, verification->bundle->index_path);
      gw__error_key(&what, attribute.key.data, attribute.key.size);
      status = add(verification, true, &what, error);
    }
  }
  return status;
}

static gw_status check_order(gw_verification *verification, const gw_graph *graph, const gw_span *stored, gw_error *error) {
  void *bytes;
  size_t size;
  gw_status status = gw_graph_encode(graph, &bytes, &size, error);
  if (status != GW_OK) return status;
  bool same = size == stored->size && memcmp(bytes, stored->data, size) == 0;
  gw_free(bytes);
  if (same) return GW_OK;
  gw_error what = GW_ERROR_INIT;
  gw__fail(&what, GW_CORRUPT, "the object graph is not written as TensorFlow writes it (order of nodes, or has_checkpoint_values)");
  gw__error_file(&what, verification->bundle->index_path);
  gw__error_key(&what, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY));
  return add(verification, false, &what, error);
}

static gw_status check_graph(gw_verification *verification, gw_error *error) {
  size_t index;
  gw_tensor *tensor = NULL;
  gw_span *strings = NULL;
  char *memory = NULL;
  gw_graph *graph = NULL;
  gw_error what = GW_ERROR_INIT;
  gw_bundle *bundle = verification->bundle;
  if (!gw_bundle_find(bundle, GW_GRAPH_KEY, strlen(GW_GRAPH_KEY), &index)) return GW_OK;
  gw_status status = gw_graph_of_bundle(bundle, &graph, &what);
  if (status == GW_OK) status = gw_bundle_tensor(bundle, index, &tensor, &what);
  if (status == GW_OK) status = gw_tensor_read_strings(tensor, &strings, &memory, &what);
  if (status == GW_OK) {
    status = check_keys(verification, graph, error);
    if (status == GW_OK) status = check_order(verification, graph, strings, error);
  } else {
    /* Damaged bytes are found, and named, with all other tensors'; a missing file is a finding already. */
    bool decodes = strstr(what.what, "object graph") == NULL;
    status = decodes && status == GW_CORRUPT ? GW_OK : found(verification, true, status, &what, error);
  }
  gw__free(strings);
  gw__free(memory);
  gw_tensor_release(tensor);
  gw_graph_free(graph);
  return status;
}

/* Records of V1 files that no table of contents lists are out of everybody's reach. */
static gw_status check_block(gw_verification *verification, size_t number, gw_error *error) {
  gw_error what = GW_ERROR_INIT;
  size_t unlisted;
  gw_status status = gw__v1_check_block(verification->bundle, number, &unlisted, &what);
  if (status != GW_OK) return found(verification, true, status, &what, error);
  if (unlisted == 0) return GW_OK;
  gw__fail(&what, GW_CORRUPT, "%zu record%s of this block %s in no table of contents", unlisted, unlisted == 1 ? "" : "s", unlisted == 1 ? "is" : "are");
  return add(verification, false, &what, error);
}

static gw_status check_one(void *context, unsigned worker, size_t number, gw_error *error) {
  gw_verification *verification = context;
  if (number >= verification->order_count) return check_block(verification, number - verification->order_count, error);
  const gw_entry *entry = &verification->bundle->entries[verification->order[number]];
  gw_error what = GW_ERROR_INIT;
  gw_status status = gw__bundle_check_entry(verification->bundle, entry, verification->buffers[worker], BUFFER, &what);
  atomic_fetch_add(&verification->done, entry->size);
  return found(verification, true, status, &what, error);
}

static int compare_findings(const void *a, const void *b) {
  const gw_error *left = &((const gw_finding *)a)->error, *right = &((const gw_finding *)b)->error;
  int order = strcmp(left->file, right->file);
  if (order != 0) return order;
  if (left->offset != right->offset) return left->offset < right->offset ? -1 : 1;
  return strcmp(left->key, right->key);
}

/* Threads find things in any order; the list does not depend on it. */
static gw_status sort_findings(void *context, gw_error *error) {
  gw_verification *verification = context;
  (void)error;
  if (verification->finding_count > 1)
    qsort(verification->findings, verification->finding_count, sizeof *verification->findings, compare_findings);
  return GW_OK;
}

static int by_place(const void *a, const void *b, void *bundle_pointer) {
  const gw_bundle *bundle = bundle_pointer;
  const gw_entry *left = &bundle->entries[*(const uint32_t *)a], *right = &bundle->entries[*(const uint32_t *)b];
  if (left->shard != right->shard) return left->shard < right->shard ? -1 : 1;
  return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* Was the data file opened? Asking gw__bundle_shard again would look for a missing one once for each of its tensors. */
static bool has_file(const gw_bundle *bundle, int32_t id) {
  size_t low = 0, high = bundle->shard_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (bundle->shards[middle].id == id) return bundle->shards[middle].file != NULL;
    if (bundle->shards[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return false;
}

/* Entries whose data file is there; a missing or short file is one finding, not one for each of its tensors. */
static gw_status list_work(gw_verification *verification, gw_error *error) {
  gw_bundle *bundle = verification->bundle;
  verification->order = gw__alloc_array(bundle->entry_count, sizeof *verification->order, error);
  if (!verification->order) return GW_NO_MEMORY;
  gw_status status = GW_OK;
  for (size_t i = 0; i < bundle->shard_count && status == GW_OK; i++) {
    const gw_file *file;
    gw_error what = GW_ERROR_INIT;
    status = found(verification, true, gw__bundle_shard(bundle, bundle->shards[i].id, &file, &what), &what, error);
  }
  for (size_t i = 0; i < bundle->entry_count && status == GW_OK; i++) {
    const gw_entry *entry = &bundle->entries[i];
    if (entry->parts || !(bundle->v1 || has_file(bundle, entry->shard))) continue;
    verification->order[verification->order_count++] = (uint32_t)i;
    verification->total += entry->size;
  }
  if (verification->order_count > 1)
    qsort_r(verification->order, verification->order_count, sizeof *verification->order, by_place, bundle);
  return status;
}

static gw_status prepare(gw_verification *verification, const char *prefix, unsigned threads, gw_error *error) {
  verification->worker_count = gw__pool_threads(threads);
  verification->buffers = gw__alloc_array(verification->worker_count, sizeof *verification->buffers, error);
  if (!verification->buffers) return GW_NO_MEMORY;
  for (unsigned i = 0; i < verification->worker_count; i++)
    if (!(verification->buffers[i] = gw__alloc_pages(BUFFER, error))) return GW_NO_MEMORY;
  gw_error what = GW_ERROR_INIT;
  gw_status status = gw_bundle_open(prefix, &verification->bundle, &what);
  if (status != GW_OK) return found(verification, true, status, &what, error);
  status = list_work(verification, error);
  if (status == GW_OK) status = check_metaindex(verification, error);
  if (status == GW_OK) status = check_oddities(verification, error);
  if (status == GW_OK) status = check_graph(verification, error);
  return status;
}

gw_status gw_verify_start(const char *prefix, unsigned threads, gw_verification **out, gw_error *error) {
  *out = NULL;
  gw_verification *verification = gw__alloc_array(1, sizeof *verification, error);
  if (!verification) return GW_NO_MEMORY;
  pthread_mutex_init(&verification->lock, NULL);
  gw_status status = prepare(verification, prefix, threads, error);
  if (status == GW_OK) {
    size_t blocks = verification->bundle && verification->bundle->v1 ? gw__v1_blocks(verification->bundle) : 0;
    gw_pool_work work = {verification, verification->order_count + blocks, check_one, sort_findings};
    status = gw__pool_start(&work, verification->worker_count, &verification->pool, error);
  }
  if (status != GW_OK) {
    gw_verify_free(verification);
    return status;
  }
  *out = verification;
  return GW_OK;
}

gw_status gw_verify_wait(gw_verification *verification, unsigned milliseconds, bool *finished, gw_error *error) {
  return gw__pool_wait(verification->pool, milliseconds, finished, error);
}

void gw_verify_progress(gw_verification *verification, uint64_t *done, uint64_t *total) {
  *done = atomic_load(&verification->done);
  *total = verification->total;
}

void gw_verify_cancel(gw_verification *verification) { gw__pool_cancel(verification->pool); }

bool gw_verify_finding(const gw_verification *verification, size_t index, gw_finding *out) {
  if (index >= verification->finding_count) return false;
  *out = verification->findings[index];
  return true;
}

size_t gw_verify_tensors(const gw_verification *verification) {
  return verification->bundle ? gw_bundle_count(verification->bundle) : 0;
}

void gw_verify_free(gw_verification *verification) {
  if (!verification) return;
  gw__pool_free(verification->pool);
  for (unsigned i = 0; verification->buffers && i < verification->worker_count; i++) gw__free(verification->buffers[i]);
  gw__free(verification->buffers);
  gw__free(verification->order);
  gw__free(verification->findings);
  gw_bundle_release(verification->bundle);
  pthread_mutex_destroy(&verification->lock);
  gw__free(verification);
}

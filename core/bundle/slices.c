/* Partitioned tensors: a parent entry lists slices, each of which is an entry of its own under an encoded key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/checked.h"
#include "../base/error.h"
#include "../table/table.h"
#include "../tensor/tensor.h"
#include "bundle.h"

/* Pairs of slices that are compared one by one when they are cut along more than one axis. */
#define GW_MAX_GRID_SLICES 4096
#define GW_MAX_GRID_STEPS ((uint64_t)1 << 28) /* borders compared; 16 axes of the above */

static int compare_keys(const gw_entry *entry, const uint8_t *key, size_t size) {
  size_t shorter = entry->key_size < size ? entry->key_size : size;
  int order = shorter ? memcmp(entry->key, key, shorter) : 0;
  return order ? order : entry->key_size < size ? -1 : entry->key_size > size;
}

static gw_entry *find_entry(const gw_bundle *bundle, const uint8_t *key, size_t size) {
  size_t low = 0, high = bundle->entry_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare_keys(&bundle->entries[middle], key, size);
    if (order == 0) return &bundle->entries[middle];
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

void gw__slice_extents(const gw_entry *parent, size_t nth, int64_t *starts, int64_t *lengths) {
  for (size_t axis = 0; axis < parent->rank; axis++) {
    size_t at = nth * parent->rank + axis;
    bool whole = parent->parts->lengths[at] < 0;
    starts[axis] = whole ? 0 : parent->parts->starts[at];
    lengths[axis] = whole ? parent->dims[axis] : parent->parts->lengths[at];
  }
}

void gw_slice_text(const gw_slice_info *slice, size_t rank, const int64_t *dims, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < rank && used < size; i++) {
    bool whole = slice->lengths[i] < 0 || (slice->starts[i] == 0 && slice->lengths[i] == dims[i]);
    const char *colon = i > 0 ? ":" : "";
    int length = whole ? snprintf(out + used, size - used, "%s-", colon)
                       : snprintf(out + used, size - used, "%s%lld,%lld", colon, (long long)slice->starts[i], (long long)slice->lengths[i]);
    used += length > 0 ? (size_t)length : 0;
  }
}

enum { SPEC = 80 }; /* of a slice in a message; of many axes the first are enough */

static const char *spec_of(const gw_entry *parent, size_t nth, char text[SPEC]) {
  size_t at = nth * parent->rank;
  gw_slice_info slice = {.starts = parent->parts->starts + at, .lengths = parent->parts->lengths + at};
  gw_slice_text(&slice, parent->rank, parent->dims, text, SPEC);
  return text;
}

/* Extents inside the shape; the slice's own shape and dtype those that the parent says. */
static gw_status check_slice(const gw_entry *parent, size_t nth, const gw_entry *slice, uint64_t *elements, gw_error *error) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  gw__slice_extents(parent, nth, starts, lengths);
  for (size_t axis = 0; axis < parent->rank; axis++)
    if (starts[axis] < 0 || lengths[axis] < 0 || starts[axis] > parent->dims[axis] ||
        lengths[axis] > parent->dims[axis] - starts[axis])
      return gw__fail(error, GW_CORRUPT, "slice %zu covers %lld,%lld of axis %zu, which has %lld", nth, (long long)starts[axis],
                      (long long)lengths[axis], axis, (long long)parent->dims[axis]);
  char spec[SPEC];
  if (slice->parts) return gw__fail(error, GW_CORRUPT, "slice %zu (%s) is said to be sliced itself", nth, spec_of(parent, nth, spec));
  if (slice->dtype != parent->dtype)
    return gw__fail(error, GW_CORRUPT, "slice %zu (%s) has another dtype (%d) than the tensor (%d)", nth, spec_of(parent, nth, spec),
                    slice->dtype, parent->dtype);
  if (!gw__shape_equal(slice->rank, slice->dims, parent->rank, lengths))
    return gw__fail(error, GW_CORRUPT, "the shape of slice %zu (%s) is not that of its extents", nth, spec_of(parent, nth, spec));
  return gw__shape_elements(parent->rank, lengths, elements, error);
}

/* The one axis along which all slices are cut, or -1 when there are several. */
static int cut_axis(const gw_entry *parent) {
  int found = -1;
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  for (size_t i = 0; i < parent->parts->count; i++) {
    gw__slice_extents(parent, i, starts, lengths);
    for (size_t axis = 0; axis < parent->rank; axis++) {
      if (lengths[axis] == parent->dims[axis]) continue;
      if (found >= 0 && found != (int)axis) return -1;
      found = (int)axis;
    }
  }
  return found < 0 ? 0 : found;
}

typedef struct gw_range {
  int64_t start, length;
  size_t nth;
} gw_range;

static int by_start(const void *a, const void *b) {
  const gw_range *left = a, *right = b;
  if (left->start != right->start) return left->start < right->start ? -1 : 1;
  return left->nth < right->nth ? -1 : left->nth > right->nth;
}

static gw_status overlapping(const gw_entry *parent, size_t a, size_t b, gw_error *error) {
  char one[SPEC], other[SPEC];
  return gw__fail(error, GW_CORRUPT, "slices %zu (%s) and %zu (%s) overlap", a, spec_of(parent, a, one), b, spec_of(parent, b, other));
}

/* Along one axis: sorted, no range may begin before the one before it has ended. */
static gw_status check_one_axis(const gw_entry *parent, size_t axis, gw_error *error) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  size_t count = parent->parts->count;
  gw_range *ranges = gw__alloc_array(count, sizeof *ranges, error);
  if (!ranges) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    gw__slice_extents(parent, i, starts, lengths);
    ranges[i] = (gw_range){starts[axis], lengths[axis], i};
  }
  qsort(ranges, count, sizeof *ranges, by_start);
  gw_status status = GW_OK;
  for (size_t i = 1; i < count && status == GW_OK; i++)
    if (ranges[i].start < ranges[i - 1].start + ranges[i - 1].length)
      status = overlapping(parent, ranges[i - 1].nth, ranges[i].nth, error);
  gw__free(ranges);
  return status;
}

/* Where each slice begins and ends along the axes that some slice cuts: most of 254 axes are whole in all of them. */
static gw_status list_borders(const gw_entry *parent, int64_t **borders, size_t *axes, gw_error *error) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  bool cut[GW_MAX_RANK] = {false};
  size_t count = parent->parts->count, next = 0;
  *axes = 0;
  for (size_t i = 0; i < count; i++) {
    gw__slice_extents(parent, i, starts, lengths);
    for (size_t axis = 0; axis < parent->rank; axis++) cut[axis] = cut[axis] || lengths[axis] != parent->dims[axis];
  }
  for (size_t axis = 0; axis < parent->rank; axis++) *axes += cut[axis];
  *borders = gw__alloc_array(count * *axes, 2 * sizeof **borders, error);
  if (!*borders) return GW_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    gw__slice_extents(parent, i, starts, lengths);
    for (size_t axis = 0; axis < parent->rank; axis++) {
      if (!cut[axis]) continue;
      (*borders)[next++] = starts[axis];
      (*borders)[next++] = starts[axis] + lengths[axis];
    }
  }
  return GW_OK;
}

static bool overlap(const int64_t *a, const int64_t *b, size_t axes) {
  for (size_t i = 0; i < 2 * axes; i += 2)
    if (a[i + 1] <= b[i] || b[i + 1] <= a[i]) return false;
  return true;
}

static gw_status check_grid(const gw_entry *parent, gw_error *error) {
  int64_t *borders;
  size_t axes, count = parent->parts->count;
  if (count > GW_MAX_GRID_SLICES)
    return gw__fail(error, GW_LIMIT, "%zu slices along several axes (at most %d)", count, GW_MAX_GRID_SLICES);
  gw_status status = list_borders(parent, &borders, &axes, error);
  if (status != GW_OK) return status;
  if ((uint64_t)count * count * axes > GW_MAX_GRID_STEPS)
    status = gw__fail(error, GW_LIMIT, "%zu slices along %zu axes are too many to compare", count, axes);
  for (size_t i = 0; i < count && status == GW_OK; i++)
    for (size_t j = i + 1; j < count && status == GW_OK; j++)
      if (overlap(borders + 2 * axes * i, borders + 2 * axes * j, axes))
        status = overlapping(parent, i, j, error);
  gw__free(borders);
  return status;
}

static gw_status check_overlaps(const gw_entry *parent, gw_error *error) {
  int axis = cut_axis(parent);
  return axis >= 0 ? check_one_axis(parent, (size_t)axis, error) : check_grid(parent, error);
}

static gw_status link_parent(gw_bundle *bundle, gw_entry *parent, gw_buf *key, gw_error *error) {
  uint64_t covered = 0, elements, total;
  gw_span name = {parent->key, parent->key_size};
  for (size_t i = 0; i < parent->parts->count; i++) {
    gw__buf_clear(key);
    gw__put_slice_key(key, name, parent->rank, parent->parts->starts + i * parent->rank,
                      parent->parts->lengths + i * parent->rank);
    gw_status status = gw__buf_status(key, error);
    if (status != GW_OK) return status;
    gw_entry *slice = find_entry(bundle, key->data, key->size);
    char spec[SPEC];
    if (!slice)
      return gw__fail(error, GW_CORRUPT, "slice %zu of %zu (%s) is listed, but not there", i, parent->parts->count,
                      spec_of(parent, i, spec));
    if (slice->is_slice) return gw__fail(error, GW_CORRUPT, "slice %zu (%s) is listed twice", i, spec_of(parent, i, spec));
    status = check_slice(parent, i, slice, &elements, error);
    if (status != GW_OK) return status == GW_INVALID ? GW_CORRUPT : status;
    slice->is_slice = true;
    parent->parts->entries[i] = (uint32_t)(slice - bundle->entries);
    if (!gw__add_u64(covered, elements, &covered)) return gw__fail(error, GW_CORRUPT, "the slices overlap");
  }
  /* TensorFlow saves single slices too: a partitioned variable's slots in a scope get a name for each part, such as
   * dnn/w/t_0/Adam, and the shape of the whole. */
  gw__shape_elements(parent->rank, parent->dims, &total, NULL);
  parent->parts->partial = covered < total;
  gw_status status = check_overlaps(parent, error);
  if (status == GW_OK && covered > total) status = gw__fail(error, GW_CORRUPT, "the slices overlap");
  return status;
}

gw_status gw__bundle_link_slices(gw_bundle *bundle, gw_error *error) {
  gw_buf key = GW_BUF_INIT;
  gw_status status = GW_OK;
  for (size_t i = 0; i < bundle->entry_count && status == GW_OK; i++) {
    gw_entry *parent = &bundle->entries[i];
    if (!parent->parts) continue;
    /* What a parent says of a place of its own means nothing (FORMAT.md, 3.2). */
    parent->offset = parent->size = 0;
    status = link_parent(bundle, parent, &key, error);
    if (status != GW_OK) gw__error_key(error, parent->key, parent->key_size);
  }
  gw__buf_free(&key);
  return status;
}

/* ---- Reading one tensor out of its slices
 *
 * With k the last axis that some slice cuts, everything below k is contiguous in tensor and slice alike. The tensor is
 * then a list of rows along k, and each row is put together from the slices that hold a part of it. */

typedef struct gw_gather {
  gw_bundle *bundle;
  const gw_entry *parent;
  size_t axis;        /* k */
  uint64_t inner;     /* elements of one step along k */
  uint64_t row;       /* elements of one row: dims[k] * inner */
  size_t width;       /* bytes an element */
} gw_gather;

static size_t last_cut(const gw_entry *parent) {
  size_t last = 0;
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  for (size_t i = 0; i < parent->parts->count; i++) {
    gw__slice_extents(parent, i, starts, lengths);
    for (size_t axis = 0; axis < parent->rank; axis++)
      if (lengths[axis] != parent->dims[axis] && axis > last) last = axis;
  }
  return last;
}

static gw_status check_whole(const gw_bundle *bundle, const gw_entry *parent, gw_error *error) {
  uint64_t covered = 0, elements, total;
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  if (!parent->parts->partial) return GW_OK;
  for (size_t i = 0; i < parent->parts->count; i++) {
    gw__slice_extents(parent, i, starts, lengths);
    if (gw__shape_elements(parent->rank, lengths, &elements, NULL) == GW_OK) covered += elements;
  }
  gw__shape_elements(parent->rank, parent->dims, &total, NULL);
  gw__fail(error, GW_INVALID, "its slices cover %llu of %llu elements, so it has no value", (unsigned long long)covered,
           (unsigned long long)total);
  gw__error_file(error, bundle->index_path);
  gw__error_hint(error, "it can be kept, renamed and dropped");
  return GW_INVALID;
}

/* The part of row `outer` (coordinates above k) between elements [low, high) of the row that slice `nth` holds. */
static gw_status gather_slice(const gw_gather *gather, size_t nth, const int64_t *outer, uint64_t low, uint64_t high,
                              uint8_t *out, gw_error *error) {
  const gw_entry *parent = gather->parent;
  const gw_entry *slice = &gather->bundle->entries[parent->parts->entries[nth]];
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  gw__slice_extents(parent, nth, starts, lengths);
  uint64_t rows = 0;
  for (size_t axis = 0; axis < gather->axis; axis++) {
    if (outer[axis] < starts[axis] || outer[axis] >= starts[axis] + lengths[axis]) return GW_OK;
    rows = rows * (uint64_t)lengths[axis] + (uint64_t)(outer[axis] - starts[axis]);
  }
  uint64_t begin = (uint64_t)starts[gather->axis] * gather->inner;
  uint64_t length = (uint64_t)lengths[gather->axis] * gather->inner, end = begin + length;
  uint64_t from = low > begin ? low : begin, to = high < end ? high : end;
  if (from >= to) return GW_OK;
  return gw__bundle_read_entry(gather->bundle, slice, rows * length + (from - begin), to - from, out + (from - low) * gather->width,
                               error);
}

gw_status gw__bundle_read_parts(gw_bundle *bundle, const gw_entry *parent, uint64_t first, uint64_t count, void *out,
                                gw_error *error) {
  gw_gather gather = {.bundle = bundle, .parent = parent, .axis = last_cut(parent), .inner = 1,
                      .width = gw_dtype_size(parent->dtype)};
  for (size_t axis = gather.axis + 1; axis < parent->rank; axis++) gather.inner *= (uint64_t)parent->dims[axis];
  gather.row = gather.inner * (uint64_t)parent->dims[gather.axis];
  uint8_t *bytes = out;
  gw_status status = check_whole(bundle, parent, error);
  while (count > 0 && status == GW_OK) {
    int64_t outer[GW_MAX_RANK];
    uint64_t row = first / gather.row, low = first % gather.row;
    uint64_t part = gather.row - low < count ? gather.row - low : count;
    for (size_t axis = gather.axis; axis-- > 0; row /= (uint64_t)parent->dims[axis])
      outer[axis] = (int64_t)(row % (uint64_t)parent->dims[axis]);
    for (size_t i = 0; i < parent->parts->count && status == GW_OK; i++)
      status = gather_slice(&gather, i, outer, low, low + part, bytes, error);
    bytes += part * gather.width;
    first += part;
    count -= part;
  }
  return status;
}

/* ---- Strings: too long or short to be found by their place, so all are read and put in order */

/* Which element of the tensor is the nth of a slice. */
static uint64_t place_of(const gw_entry *parent, const int64_t *starts, const int64_t *lengths, uint64_t nth) {
  uint64_t place = 0, scale = 1;
  for (size_t axis = parent->rank; axis-- > 0; nth /= (uint64_t)lengths[axis]) {
    place += scale * ((uint64_t)starts[axis] + nth % (uint64_t)lengths[axis]);
    scale *= (uint64_t)parent->dims[axis];
  }
  return place;
}

/* Appends the stored strings of one slice to `stored`, and sets their spans in `strings`. */
static gw_status read_slice_strings(gw_bundle *bundle, const gw_entry *parent, size_t nth, gw_buf *stored, gw_span *strings,
                                    gw_error *error) {
  int64_t starts[GW_MAX_RANK], lengths[GW_MAX_RANK];
  const gw_entry *slice = &bundle->entries[parent->parts->entries[nth]];
  uint64_t elements;
  uint8_t *data = stored->data + stored->size; /* there is room for all slices: it stays where it is */
  gw__slice_extents(parent, nth, starts, lengths);
  gw_status status = gw__shape_elements(parent->rank, lengths, &elements, error);
  if (status == GW_OK) status = gw__bundle_put_entry(bundle, slice, stored, error);
  gw_span *own = status == GW_OK ? gw__alloc_array((size_t)elements, sizeof *own, error) : NULL;
  if (status == GW_OK && !own) status = GW_NO_MEMORY;
  if (status == GW_OK) status = gw__split_strings(data, (size_t)slice->size, own, (size_t)elements, error);
  for (uint64_t i = 0; status == GW_OK && i < elements; i++) strings[place_of(parent, starts, lengths, i)] = own[i];
  gw__free(own);
  return status;
}

gw_status gw__bundle_join_strings(gw_bundle *bundle, const gw_entry *parent, gw_buf *out, gw_error *error) {
  uint64_t elements;
  size_t bytes = 0;
  uint32_t crc;
  gw_buf stored = GW_BUF_INIT;
  gw_span *strings = NULL;
  gw_status status = check_whole(bundle, parent, error);
  if (status == GW_OK) status = gw__shape_elements(parent->rank, parent->dims, &elements, error);
  for (size_t i = 0; i < parent->parts->count && status == GW_OK; i++)
    if (!gw__add_size(bytes, (size_t)bundle->entries[parent->parts->entries[i]].size, &bytes)) status = gw__fail(error, GW_LIMIT, "too many strings");
  if (status == GW_OK) {
    strings = gw__alloc_array((size_t)elements, sizeof *strings, error);
    if (!strings) status = GW_NO_MEMORY;
    else if (!gw__buf_reserve(&stored, bytes ? bytes : 1)) status = gw__buf_status(&stored, error);
  }
  for (size_t i = 0; i < parent->parts->count && status == GW_OK; i++)
    status = read_slice_strings(bundle, parent, i, &stored, strings, error);
  if (status == GW_OK) gw__put_strings(out, strings, (size_t)elements, &crc);
  if (status == GW_OK) status = gw__buf_status(out, error);
  gw__free(strings);
  gw__buf_free(&stored);
  return status;
}

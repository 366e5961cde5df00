/* The values of V1 files: where each record is, and its numbers or strings out of the fields of a TensorProto. See v1.h.
 *
 *   SavedTensorSlices   2: SavedSlice      3: TensorProto     5: float_val, 7: int_val, 8: string_val, ...
 *
 * Only a window of a record is in memory at once. Numbers of a fixed size lie in the file as a bundle has them; others are varints,
 * whose places are noted every so many while they are counted for the first time. Nothing writes more than one field of values,
 * packed, but protobuf allows pieces and single ones, in any order of fields: all that belongs together is one row of numbers. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/cursor.h"
#include "../base/error.h"
#include "../tensor/tensor.h"
#include "v1.h"

enum { MARK_STEP = 16384 /* cells */, VARINT = 10 /* bytes */ };

gw_v1_record *gw__v1_record_of(const gw_bundle *bundle, const gw_entry *entry) { return &bundle->v1->records[entry->offset]; }

/* ---- Which field has the values of a dtype, and how */

typedef enum gw_v1_kind { GW_V1_FIXED, GW_V1_VARINT, GW_V1_BYTES } gw_v1_kind;

typedef struct gw_v1_form {
  uint32_t field;  /* of TensorProto */
  gw_v1_kind kind;
  uint8_t wire;    /* type of a single value: 0 varint, 1 eight bytes, 2 with a length, 5 four bytes */
  uint8_t width;   /* bytes of a fixed cell */
  uint8_t cells;   /* of an element */
} gw_v1_form;

static bool form_of(int dtype, gw_v1_form *out) {
  switch (dtype) {
    case GW_DT_FLOAT: *out = (gw_v1_form){5, GW_V1_FIXED, 5, 4, 1}; return true;
    case GW_DT_DOUBLE: *out = (gw_v1_form){6, GW_V1_FIXED, 1, 8, 1}; return true;
    case GW_DT_COMPLEX64: *out = (gw_v1_form){9, GW_V1_FIXED, 5, 4, 2}; return true;
    case GW_DT_COMPLEX128: *out = (gw_v1_form){12, GW_V1_FIXED, 1, 8, 2}; return true;
    case GW_DT_INT32: case GW_DT_INT16: case GW_DT_INT8: case GW_DT_UINT8: case GW_DT_UINT16: case GW_DT_QINT8: case GW_DT_QUINT8:
    case GW_DT_QINT32: *out = (gw_v1_form){7, GW_V1_VARINT, 0, 0, 1}; return true;
    case GW_DT_STRING: *out = (gw_v1_form){8, GW_V1_BYTES, 2, 0, 1}; return true;
    case GW_DT_INT64: *out = (gw_v1_form){10, GW_V1_VARINT, 0, 0, 1}; return true;
    case GW_DT_BOOL: *out = (gw_v1_form){11, GW_V1_VARINT, 0, 0, 1}; return true;
    case GW_DT_HALF: *out = (gw_v1_form){13, GW_V1_VARINT, 0, 0, 1}; return true;
    default: return false;
  }
}

uint64_t gw__v1_least_bytes(int dtype) {
  gw_v1_form form;
  if (!form_of(dtype, &form)) return 1;
  return form.kind == GW_V1_FIXED ? (uint64_t)form.width * form.cells : form.kind == GW_V1_BYTES ? 2 : 1;
}

/* ---- Blocks */

static gw_status spoil(gw_v1 *v1, gw_v1_block *state, const gw_error *error) {
  /* Damage is remembered: every tensor of the block is told, without reading it again. */
  if (error->status != GW_CORRUPT && error->status != GW_LIMIT) return error->status;
  state->error = gw__arena_alloc(&v1->arena, sizeof *error, NULL);
  if (state->error) *state->error = *error;
  return error->status;
}

static gw_status open_window(gw_v1_file *file, size_t block, gw_window *window, gw_error *error) {
  const gw_table_block *at = &file->blocks[block];
  window->file = file->file;
  window->base = at->offset;
  window->memory = NULL;
  window->size = at->size;
  window->begin = 0;
  window->count = 0;
  if (!file->states[block].packed) return GW_OK;
  if (file->unpacked_block != block) {
    file->unpacked_block = SIZE_MAX;
    gw_status status = gw__table_unpack_block(file->table, at, &file->unpacked, error);
    if (status != GW_OK) return status;
    file->unpacked_block = block;
  }
  static const uint8_t nothing[1] = {0};
  window->memory = file->unpacked.data ? file->unpacked.data : nothing;
  window->size = file->unpacked.size;
  return GW_OK;
}

static gw_v1_record *find_record(const gw_v1 *v1, size_t file, gw_span key) {
  size_t low = 0, high = v1->record_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    gw_v1_record *record = &v1->records[middle];
    int order = record->file != file ? (record->file < file ? -1 : 1) : gw__key_compare(record->key, key);
    if (order == 0) return record;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

static gw_status walk(gw_v1 *v1, size_t number, size_t block, gw_window *window, gw_error *error) {
  gw_v1_file *file = &v1->files[number];
  gw_v1_block *state = &file->states[block];
  gw_record_iter iter = {.key = GW_BUF_INIT};
  bool more = true;
  gw_span key;
  uint64_t at, size;
  gw_status status = gw__record_iter_start(&iter, window, error);
  while (status == GW_OK && (status = gw__record_iter_next(&iter, &more, &key, &at, &size, error)) == GW_OK && more) {
    gw_v1_record *record = find_record(v1, number, key);
    if (record) {
      record->block = (uint32_t)block;
      record->at = at;
      record->size = size;
      record->packed = state->packed;
      record->found = true;
    } else if (block > 0 || key.size > 0) {
      state->unlisted++;
    }
  }
  gw__record_iter_free(&iter);
  return status;
}

gw_status gw__v1_load(gw_v1 *v1, size_t number, size_t block, gw_error *error) {
  gw_v1_file *file = &v1->files[number];
  gw_v1_block *state = &file->states[block];
  gw_error what = GW_ERROR_INIT;
  if (state->error) {
    if (error) *error = *state->error;
    return state->error->status;
  }
  if (state->loaded) return GW_OK;
  gw_window *window = gw__alloc(sizeof *window, error);
  if (!window) return GW_NO_MEMORY;
  gw_status status = state->summed ? GW_OK : gw__table_sum_block(file->file, &file->blocks[block], &state->packed, &what);
  state->summed = state->summed || status == GW_OK;
  if (status == GW_OK) status = open_window(file, block, window, &what);
  if (status == GW_OK) status = walk(v1, number, block, window, &what);
  gw__free(window);
  state->loaded = status == GW_OK;
  if (status == GW_OK) return GW_OK;
  gw__error_file(&what, file->file->path);
  spoil(v1, state, &what);
  if (error) *error = what;
  return status;
}

/* The first block that may have the key. */
static size_t block_of(const gw_v1_file *file, gw_span key) {
  size_t low = 0, high = file->block_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (gw__key_compare(file->blocks[middle].last, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* ---- Walking over a record */

typedef struct gw_v1_reader {
  gw_window window;
  gw_v1_form form;
  gw_v1_place place;
} gw_v1_reader;

__attribute__((format(printf, 3, 4))) static gw_status bad(const gw_v1_reader *reader, gw_error *error, const char *format, ...) {
  char what[200];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  gw__fail(error, GW_CORRUPT, "%s", what);
  gw__error_file(error, reader->window.file->path);
  gw__error_offset(error, gw__window_offset(&reader->window, reader->place.pos));
  return GW_CORRUPT;
}

static gw_status take_varint(gw_v1_reader *reader, uint64_t *out, gw_error *error) {
  const uint8_t *bytes;
  size_t count;
  gw_v1_place *place = &reader->place;
  uint64_t left = place->ends[place->depth] - place->pos;
  size_t want = left < VARINT ? (size_t)left : VARINT;
  gw_status status = want > 0 ? gw__window_look(&reader->window, place->pos, want, &bytes, &count, error) : GW_OK;
  if (status != GW_OK) return status;
  gw_cur cur = gw__cur(want ? bytes : NULL, want, 0);
  if (!gw__get_varint64(&cur, out)) return bad(reader, error, "a number of the record is cut off");
  place->pos += gw__cur_offset(&cur);
  return GW_OK;
}

static gw_status skip(gw_v1_reader *reader, uint64_t size, gw_error *error) {
  gw_v1_place *place = &reader->place;
  if (size > place->ends[place->depth] - place->pos) return bad(reader, error, "a field of the record reaches beyond it");
  place->pos += size;
  return GW_OK;
}

static void enter(gw_v1_place *place, uint64_t size) { place->ends[++place->depth] = place->pos + size; }

/* A field that may have a run of values in it, or not. */
static gw_status take_field(gw_v1_reader *reader, gw_error *error) {
  static const uint32_t inner[] = {2, 3}; /* data of SavedTensorSlices, data of SavedSlice */
  gw_v1_place *place = &reader->place;
  const gw_v1_form *form = &reader->form;
  uint64_t tag, size = 0;
  gw_status status = take_varint(reader, &tag, error);
  if (status != GW_OK) return status;
  uint32_t wire = (uint32_t)(tag & 7);
  uint64_t field = tag >> 3;
  bool wanted = field == (place->depth < 2 ? inner[place->depth] : form->field);
  switch (wire) {
    case 0: {
      uint64_t begin = place->pos;
      status = take_varint(reader, &size, error);
      size = place->pos - begin;
      if (status == GW_OK) place->pos = begin;
      break;
    }
    case 1: size = 8; break;
    case 2: status = take_varint(reader, &size, error); break;
    case 5: size = 4; break;
    default: return bad(reader, error, "a field of the record has the wire type %u", (unsigned)wire);
  }
  if (status != GW_OK) return status;
  if (size > place->ends[place->depth] - place->pos) return bad(reader, error, "a field of the record reaches beyond it");
  bool run = place->depth == 2 && wanted && (wire == form->wire || (wire == 2 && form->kind != GW_V1_BYTES));
  if (run || (place->depth < 2 && wanted && wire == 2)) {
    if (run && form->kind == GW_V1_FIXED && size % form->width != 0)
      return bad(reader, error, "a row of numbers ends inside of one (%" PRIu64 " bytes for numbers of %d)", size, form->width);
    enter(place, size);
    return GW_OK;
  }
  return skip(reader, size, error);
}

/* Goes on to where values are: depth 3, with some left. *more false: the record has ended. */
static gw_status next_run(gw_v1_reader *reader, bool *more, gw_error *error) {
  gw_v1_place *place = &reader->place;
  gw_status status = GW_OK;
  *more = true;
  while (status == GW_OK) {
    bool ended = place->pos == place->ends[place->depth];
    /* An empty string is a run too: take_field has just come to it. */
    if (place->depth == 3 && !ended) return GW_OK;
    if (ended && place->depth == 0) {
      *more = false;
      return GW_OK;
    }
    if (ended) {
      place->depth--;
      continue;
    }
    status = take_field(reader, error);
    if (status == GW_OK && place->depth == 3 && reader->form.kind == GW_V1_BYTES) return GW_OK;
  }
  return status;
}

/* Ends of varints among these bytes, at most `most`. *used: bytes up to the last one. */
static size_t count_ends(const uint8_t *bytes, size_t size, uint64_t most, size_t *used) {
  size_t count = 0;
  *used = 0;
  for (size_t i = 0; i < size && count < most && i < *used + VARINT; i++)
    if (!(bytes[i] & 0x80)) {
      count++;
      *used = i + 1;
    }
  return count;
}

/* Passes over at most `most` cells of the run at hand. */
static gw_status pass_cells(gw_v1_reader *reader, uint64_t most, gw_error *error) {
  gw_v1_place *place = &reader->place;
  uint64_t left = place->ends[3] - place->pos;
  if (reader->form.kind == GW_V1_FIXED) {
    uint64_t cells = left / reader->form.width;
    if (cells > most) cells = most;
    place->pos += cells * reader->form.width;
    place->cells += cells;
    return GW_OK;
  }
  while (most > 0 && left > 0) {
    const uint8_t *bytes;
    size_t count, used;
    gw_status status = gw__window_look(&reader->window, place->pos, left < VARINT ? (size_t)left : VARINT, &bytes, &count, error);
    if (status != GW_OK) return status;
    size_t cells = count_ends(bytes, count < left ? count : (size_t)left, most, &used);
    if (used == 0) return bad(reader, error, "a number of the record is cut off, or has more than ten bytes");
    place->pos += used;
    place->cells += cells;
    most -= cells;
    left -= used;
  }
  return GW_OK;
}

/* ---- Making a record ready */

static gw_status mark_place(gw_v1_record *record, const gw_v1_place *place, gw_error *error) {
  gw_status status = gw__reserve((void **)&record->marks, &record->mark_capacity, record->mark_count + 1, sizeof *record->marks, error);
  if (status == GW_OK) record->marks[record->mark_count++] = *place;
  return status;
}

static gw_status count_values(gw_v1_reader *reader, gw_v1_record *record, uint64_t expected, gw_error *error) {
  gw_v1_place *place = &reader->place;
  uint64_t next_mark = 0;
  bool more = true;
  gw_status status = GW_OK;
  record->mark_count = 0;
  record->stored = 4;
  while (status == GW_OK && (status = next_run(reader, &more, error)) == GW_OK && more) {
    if (place->cells >= next_mark) {
      status = mark_place(record, place, error);
      next_mark = place->cells + MARK_STEP;
    }
    if (status != GW_OK) return status;
    if (reader->form.kind == GW_V1_BYTES) {
      uint64_t size = place->ends[3] - place->pos;
      record->stored += size + gw__varint64_size(size);
      place->pos = place->ends[3];
      place->depth = 2;
      place->cells++;
    } else {
      status = pass_cells(reader, reader->form.kind == GW_V1_FIXED ? UINT64_MAX : MARK_STEP, error);
    }
    if (status == GW_OK && place->cells > expected) break;
  }
  if (status == GW_OK && place->cells != expected) {
    uint64_t cells = reader->form.cells;
    status = bad(reader, error, "the record has %s%" PRIu64 " values (expected %" PRIu64 ", by shape and slice)",
                 place->cells > expected ? "more than " : "", place->cells > expected ? expected / cells : place->cells / cells,
                 expected / cells);
  }
  return status;
}

static gw_status start(gw_bundle *bundle, const gw_entry *entry, gw_v1_reader *reader, gw_error *error) {
  gw_v1_record *record = gw__v1_record_of(bundle, entry);
  const char *name = gw_dtype_name(entry->dtype);
  if (!form_of(entry->dtype, &reader->form)) {
    gw__fail(error, GW_UNSUPPORTED, "V1 files have no values of dtype %s", name ? name : "unknown");
    gw__error_file(error, bundle->v1->files[record->file].file->path);
    return GW_UNSUPPORTED;
  }
  gw_status status = open_window(&bundle->v1->files[record->file], record->block, &reader->window, error);
  reader->place = (gw_v1_place){.pos = record->at, .ends = {record->at + record->size}};
  return status;
}

static gw_status locate(gw_v1 *v1, gw_v1_record *record, gw_error *error) {
  gw_v1_file *file = &v1->files[record->file];
  size_t block = block_of(file, record->key);
  gw_status status = record->found || block == file->block_count ? GW_OK : gw__v1_load(v1, record->file, block, error);
  if (status != GW_OK || record->found) return status;
  gw__fail(error, GW_CORRUPT, "it is listed, but its values are not there");
  gw__error_file(error, file->file->path);
  return GW_CORRUPT;
}

/* With the lock. */
static gw_status make_ready(gw_bundle *bundle, const gw_entry *entry, gw_error *error) {
  gw_v1_record *record = gw__v1_record_of(bundle, entry);
  uint64_t elements;
  if (atomic_load_explicit(&record->ready, memory_order_relaxed)) return GW_OK;
  gw_v1_reader *reader = gw__alloc(sizeof *reader, error);
  if (!reader) return GW_NO_MEMORY;
  gw_status status = locate(bundle->v1, record, error);
  if (status == GW_OK) status = start(bundle, entry, reader, error);
  if (status == GW_OK) status = gw__shape_elements(entry->rank, entry->dims, &elements, error);
  if (status == GW_OK) status = count_values(reader, record, elements * reader->form.cells, error);
  gw__free(reader);
  if (status == GW_OK) atomic_store_explicit(&record->ready, true, memory_order_release);
  return status;
}

static gw_status make_ready_alone(gw_bundle *bundle, const gw_entry *entry, gw_error *error) {
  if (atomic_load_explicit(&gw__v1_record_of(bundle, entry)->ready, memory_order_acquire)) return GW_OK;
  pthread_mutex_lock(&bundle->v1->lock);
  gw_status status = make_ready(bundle, entry, error);
  pthread_mutex_unlock(&bundle->v1->lock);
  return status;
}

static gw_status name_key(gw_bundle *bundle, const gw_entry *entry, gw_status status, gw_error *error) {
  gw_span name = gw__v1_record_of(bundle, entry)->name;
  if (status != GW_OK) gw__error_key(error, name.data, name.size);
  return status;
}

gw_status gw__v1_check(gw_bundle *bundle, const gw_entry *entry, gw_error *error) {
  return name_key(bundle, entry, make_ready_alone(bundle, entry, error), error);
}

/* ---- Numbers */

/* To the last mark before cell `first`, and from there to it. */
static gw_status seek(gw_v1_reader *reader, const gw_v1_record *record, uint64_t first, gw_error *error) {
  size_t low = 0, high = record->mark_count;
  bool more = true;
  gw_status status = GW_OK;
  while (low + 1 < high) {
    size_t middle = low + (high - low) / 2;
    if (record->marks[middle].cells <= first) low = middle;
    else high = middle;
  }
  if (record->mark_count > 0) reader->place = record->marks[low];
  while (status == GW_OK && more && reader->place.cells < first) {
    status = next_run(reader, &more, error);
    if (status == GW_OK && more) status = pass_cells(reader, first - reader->place.cells, error);
  }
  return status;
}

static void put_number(int dtype, size_t width, uint64_t number, uint8_t *out) {
  if (dtype == GW_DT_BOOL) number = number != 0;
  for (size_t i = 0; i < width; i++) out[i] = (uint8_t)(number >> (8 * i));
}

/* The numbers of the run at hand, at most `most`. *done: how many. */
static gw_status read_varints(gw_v1_reader *reader, int dtype, uint64_t most, uint8_t *out, uint64_t *done, gw_error *error) {
  gw_v1_place *place = &reader->place;
  size_t width = gw_dtype_size(dtype);
  *done = 0;
  while (*done < most && place->pos < place->ends[3]) {
    const uint8_t *bytes;
    size_t count;
    uint64_t left = place->ends[3] - place->pos, number;
    gw_status status = gw__window_look(&reader->window, place->pos, left < VARINT ? (size_t)left : VARINT, &bytes, &count, error);
    if (status != GW_OK) return status;
    gw_cur cur = gw__cur(bytes, count < left ? count : (size_t)left, 0);
    const uint8_t *before = cur.pos;
    while (*done < most && gw__get_varint64(&cur, &number)) {
      put_number(dtype, width, number, out + *done * width);
      ++*done;
    }
    if (cur.pos == before) return bad(reader, error, "a number of the record is no varint of 64 bits");
    place->pos += (uint64_t)(cur.pos - before);
  }
  place->cells += *done;
  return GW_OK;
}

static gw_status read_cells(gw_v1_reader *reader, int dtype, uint64_t count, uint8_t *out, gw_error *error) {
  gw_v1_place *place = &reader->place;
  gw_status status = GW_OK;
  bool more = true;
  while (count > 0 && (status = next_run(reader, &more, error)) == GW_OK && more) {
    uint64_t done;
    size_t width = reader->form.kind == GW_V1_FIXED ? reader->form.width : gw_dtype_size(dtype);
    if (reader->form.kind == GW_V1_FIXED) {
      done = (place->ends[3] - place->pos) / width;
      if (done > count) done = count;
      status = gw__window_read(&reader->window, place->pos, out, (size_t)done * width, error);
      place->pos += done * width;
      place->cells += done;
    } else {
      status = read_varints(reader, dtype, count, out, &done, error);
    }
    if (status != GW_OK) return status;
    out += done * width;
    count -= done;
  }
  return status == GW_OK && count > 0 ? bad(reader, error, "the record ends before its values do") : status;
}

gw_status gw__v1_read(gw_bundle *bundle, const gw_entry *entry, uint64_t first, uint64_t count, void *out, gw_error *error) {
  gw_v1_reader reader;
  const gw_v1_record *record = gw__v1_record_of(bundle, entry);
  gw_status status = make_ready_alone(bundle, entry, error);
  /* What is unpacked is one block for all threads. */
  bool alone = status == GW_OK && record->packed;
  if (alone) pthread_mutex_lock(&bundle->v1->lock);
  if (status == GW_OK) status = start(bundle, entry, &reader, error);
  if (status == GW_OK) status = seek(&reader, record, first * reader.form.cells, error);
  if (status == GW_OK) status = read_cells(&reader, entry->dtype, count * reader.form.cells, out, error);
  if (alone) pthread_mutex_unlock(&bundle->v1->lock);
  return name_key(bundle, entry, status, error);
}

/* ---- Strings */

static gw_status read_strings(gw_v1_reader *reader, uint64_t count, gw_buf *bytes, gw_span *spans, gw_error *error) {
  gw_v1_place *place = &reader->place;
  bool more = true;
  gw_status status = GW_OK;
  for (uint64_t i = 0; i < count && (status = next_run(reader, &more, error)) == GW_OK; i++) {
    if (!more) return bad(reader, error, "the record ends before its values do");
    size_t size = (size_t)(place->ends[3] - place->pos);
    uint8_t *to = bytes->data + bytes->size;
    if (size > bytes->capacity - bytes->size) return bad(reader, error, "the record has other values than before");
    status = gw__window_read(&reader->window, place->pos, to, size, error);
    if (status != GW_OK) return status;
    spans[i] = (gw_span){(const char *)to, size};
    bytes->size += size;
    place->pos = place->ends[3];
    place->depth = 2;
  }
  return status;
}

gw_status gw__v1_put_strings(gw_bundle *bundle, const gw_entry *entry, gw_buf *out, gw_error *error) {
  gw_v1_record *record = gw__v1_record_of(bundle, entry);
  gw_buf bytes = GW_BUF_INIT;
  gw_v1_reader *reader = gw__alloc(sizeof *reader, error);
  gw_span *spans = NULL;
  uint64_t elements = 0;
  uint32_t crc;
  if (!reader) return GW_NO_MEMORY;
  pthread_mutex_lock(&bundle->v1->lock);
  gw_status status = make_ready(bundle, entry, error);
  if (status == GW_OK) status = start(bundle, entry, reader, error);
  if (status == GW_OK) status = gw__shape_elements(entry->rank, entry->dims, &elements, error);
  if (status == GW_OK && !gw__buf_reserve(&bytes, (size_t)record->stored)) status = gw__buf_status(&bytes, error);
  if (status == GW_OK && !(spans = gw__alloc_array((size_t)elements, sizeof *spans, error))) status = GW_NO_MEMORY;
  if (status == GW_OK) status = read_strings(reader, elements, &bytes, spans, error);
  pthread_mutex_unlock(&bundle->v1->lock);
  if (status == GW_OK) {
    gw__put_strings(out, spans, (size_t)elements, &crc);
    status = gw__buf_status(out, error);
  }
  gw__free(spans);
  gw__free(reader);
  gw__buf_free(&bytes);
  return name_key(bundle, entry, status, error);
}

/* ---- For verifying */

size_t gw__v1_blocks(const gw_bundle *bundle) {
  size_t count = 0;
  for (size_t i = 0; i < bundle->v1->file_count; i++) count += bundle->v1->files[i].block_count;
  return count;
}

gw_status gw__v1_check_block(gw_bundle *bundle, size_t number, size_t *unlisted, gw_error *error) {
  gw_v1 *v1 = bundle->v1;
  size_t file = 0;
  while (number >= v1->files[file].block_count) number -= v1->files[file++].block_count;
  pthread_mutex_lock(&v1->lock);
  gw_status status = gw__v1_load(v1, file, number, error);
  *unlisted = v1->files[file].states[number].unlisted;
  pthread_mutex_unlock(&v1->lock);
  if (status == GW_OK && *unlisted > 0) {
    gw__error_file(error, v1->files[file].file->path);
    gw__error_offset(error, v1->files[file].blocks[number].offset);
  }
  return status;
}

gw_status gw__v1_check_metaindex(const gw_bundle *bundle, size_t file, gw_error *error) {
  gw_status status = gw__table_check_metaindex(bundle->v1->files[file].table, error);
  if (status != GW_OK) gw__error_file(error, bundle->v1->files[file].file->path);
  return status;
}

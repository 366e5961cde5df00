/* `inspect`: a checkpoint's tensors as lines of text or JSON, a batch at a time, so that a million variables are listed
 * in less than a second and in little memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { WIDEST_NAME = 120, WIDEST_FULL_NAME = 60, WIDEST_SHAPE = 60, WHOLE = 24, EDGE = 3, MOST_SLICES = 4 /* that a line names */,
       MOST_TEXT = 1 << 20 /* bytes of lines made at once */ };

typedef struct gwl_listing {
  gw_bundle *bundle;
  uint32_t *rows;      /* positions of the chosen tensors; NULL: all */
  size_t count, next;
  uint64_t bytes;      /* of the chosen ones */
  size_t name_width, dtype_width, shape_width, bytes_width, object_width;
  gw_graph *graph;     /* of an object-based checkpoint that can be decoded */
  gw_span *full_names; /* by position in the bundle, in the graph; with it */
  bool values, stats;
  uint64_t value_limit; /* of gwl_value_size; larger tensors have no "value" in JSON */
  size_t values_left_out;
} gwl_listing;

static int release(lua_State *L) {
  gwl_listing *listing = luaL_checkudata(L, 1, GWL_LISTING);
  gw_bundle_release(listing->bundle);
  gw_graph_free(listing->graph);
  free(listing->full_names);
  listing->graph = NULL;
  listing->full_names = NULL;
  free(listing->rows);
  listing->bundle = NULL;
  listing->rows = NULL;
  return 0;
}

GWL_WORK_OPS(statistics, gw_statistics);

static gwl_listing *check(lua_State *L) {
  gwl_listing *listing = luaL_checkudata(L, 1, GWL_LISTING);
  if (!listing->bundle) luaL_error(L, "attempt to use a closed listing");
  return listing;
}

static size_t row_at(const gwl_listing *listing, size_t at) { return listing->rows ? listing->rows[at] : at; }

/* ---- Columns */

/* "1.3 GB": decimal units, as disks and TensorFlow's users count. */
static int bytes_text(char *out, size_t size, uint64_t bytes) {
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = (double)bytes;
  size_t unit = 0;
  if (bytes < 1000) return snprintf(out, size, "%llu B", (unsigned long long)bytes);
  while (value >= 999.95 && unit < 6) value /= 1000, unit++;
  return snprintf(out, size, "%.1f %s", value, units[unit]);
}

static int dtype_text(char *out, size_t size, int dtype) {
  const char *name = gw_dtype_name(dtype);
  return name ? snprintf(out, size, "%s", name) : snprintf(out, size, "dtype %d", dtype);
}

/* 254 axes are legal: what is wider than its column ends in "...". */
static size_t shape_text(char out[WIDEST_SHAPE + 1], size_t rank, const int64_t *dims) {
  enum { REST = 5 /* ",...]" */ };
  size_t used = 1, cut = 1; /* cut: after the last axis that leaves room for the rest */
  out[0] = '[';
  for (size_t i = 0; i < rank; i++) {
    char axis[32];
    size_t length = (size_t)snprintf(axis, sizeof axis, i ? ",%lld" : "%lld", (long long)dims[i]);
    if (used + length + 1 > WIDEST_SHAPE) {
      memcpy(out + cut, ",...", 4);
      used = cut + 4;
      break;
    }
    memcpy(out + used, axis, length);
    used += length;
    if (used + REST <= WIDEST_SHAPE) cut = used;
  }
  out[used++] = ']';
  out[used] = '\0';
  return used;
}

/* Characters, not bytes: a continuation byte takes no column. */
static size_t columns(const char *text, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

static void widen(size_t *width, size_t wanted, size_t most) {
  if (wanted > most) wanted = most;
  if (wanted > *width) *width = wanted;
}

static bool plain(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f) return false;
  return true;
}

/* How wide add_name will print it. */
static size_t name_columns(gw_span name) {
  char shown[1024];
  if (plain(name.data, name.size)) return name.size;
  gw_printable(shown, sizeof shown, name.data, name.size);
  return columns(shown, strlen(shown));
}

/* Neighbours in a model mostly share dtype and shape (a million scalars do), and printing numbers is what a long listing
 * spends its time on: what was made for one row serves the next. */
typedef struct gwl_cells {
  bool valid;
  int dtype;
  size_t rank;
  const int64_t *dims;
  uint64_t bytes;
  char dtype_text[32], shape_text[WIDEST_SHAPE + 1], bytes_text[40];
  size_t dtype_size, shape_size, bytes_size;
} gwl_cells;

/* True when `cells` had to be made anew. */
static bool make_cells(gwl_cells *cells, const gw_entry_info *info) {
  if (cells->valid && cells->dtype == info->dtype && cells->bytes == info->size && cells->rank == info->rank &&
      (info->rank == 0 || memcmp(cells->dims, info->dims, info->rank * sizeof *info->dims) == 0))
    return false;
  *cells = (gwl_cells){.valid = true, .dtype = info->dtype, .rank = info->rank, .dims = info->dims, .bytes = info->size};
  cells->dtype_size = (size_t)dtype_text(cells->dtype_text, sizeof cells->dtype_text, info->dtype);
  cells->shape_size = shape_text(cells->shape_text, info->rank, info->dims);
  cells->bytes_size = (size_t)bytes_text(cells->bytes_text, sizeof cells->bytes_text, info->size);
  return true;
}

/* What the object graph says of an entry: its variable's full name, and its role where it is no weight. Object-based only. */
static size_t object_text(const gwl_listing *listing, size_t row, char *out, size_t size) {
  gw_role role = gw_bundle_role(listing->bundle, row);
  gw_span name = listing->full_names[row];
  size_t used = 0;
  if (name.size > 0) {
    char shown[WIDEST_FULL_NAME * 4];
    gw_printable(shown, sizeof shown, name.data, name.size);
    used = (size_t)snprintf(out, size, "\"%s\"", shown);
  }
  if (role != GW_ROLE_WEIGHT && used < size) used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", gw_role_name(role));
  return used < size ? used : size - 1;
}

/* A graph that cannot be decoded is `verify`'s to complain about: the entries are there all the same. */
static void learn_objects(gwl_listing *listing) {
  size_t count = gw_bundle_count(listing->bundle), index;
  if (!gw_bundle_has_graph(listing->bundle) || gw_graph_of_bundle(listing->bundle, &listing->graph, NULL) != GW_OK) return;
  listing->full_names = calloc(count, sizeof *listing->full_names);
  for (uint32_t i = 0; listing->full_names && i < gw_graph_nodes(listing->graph); i++) {
    gw_node_info node;
    gw_attribute_info attribute;
    gw_graph_node(listing->graph, i, &node);
    for (size_t j = 0; j < node.attributes; j++) {
      gw_graph_attribute(listing->graph, i, j, &attribute);
      if (gw_bundle_find(listing->bundle, attribute.key.data, attribute.key.size, &index)) listing->full_names[index] = attribute.full_name;
    }
  }
}

static void measure(gwl_listing *listing) {
  char object[WIDEST_FULL_NAME * 4 + 32];
  gwl_cells cells = {.valid = false};
  for (size_t i = 0; i < listing->count; i++) {
    gw_entry_info info;
    gw_bundle_entry(listing->bundle, row_at(listing, i), &info);
    listing->bytes += info.size;
    widen(&listing->name_width, name_columns(info.name), WIDEST_NAME);
    if (listing->full_names)
      widen(&listing->object_width, columns(object, object_text(listing, row_at(listing, i), object, sizeof object)), WIDEST_FULL_NAME);
    if (!make_cells(&cells, &info)) continue;
    widen(&listing->dtype_width, cells.dtype_size, 32);
    widen(&listing->shape_width, cells.shape_size, WIDEST_SHAPE);
    widen(&listing->bytes_width, cells.bytes_size, 32);
  }
}

static void pad(luaL_Buffer *out, size_t used, size_t width) {
  static const char spaces[] = "                                                                                ";
  while (used < width) {
    size_t part = width - used < sizeof spaces - 1 ? width - used : sizeof spaces - 1;
    luaL_addlstring(out, spaces, part);
    used += part;
  }
}

/* ---- Making one */

static void choose(lua_State *L, gwl_listing *listing, const gw_which *which) {
  gw_error error = GW_ERROR_INIT;
  size_t all = gw_bundle_count(listing->bundle);
  listing->rows = malloc((all ? all : 1) * sizeof *listing->rows);
  if (!listing->rows) luaL_error(L, "out of memory");
  listing->count = 0;
  for (size_t i = 0; i < all; i++) {
    gw_entry_info info;
    bool found = which->roles != 0 && ((which->roles >> gw_bundle_role(listing->bundle, i)) & 1);
    gw_bundle_entry(listing->bundle, i, &info);
    for (size_t j = 0; j < which->regex_count && !found; j++)
      if (gw_regex_search(which->regexes[j], info.name.data, info.name.size, &found, &error) != GW_OK) gwl_raise(L, &error);
    if (found) listing->rows[listing->count++] = (uint32_t)i;
  }
}

/* core.listing(bundle, {match = which?, values = bool, stats = bool, value_limit = n}) */
int gwl_listing_make(lua_State *L) {
  gw_bundle *bundle = gwl_check(L, 1, GWL_BUNDLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  gwl_listing *listing = lua_newuserdatauv(L, sizeof *listing, 1); /* the work that made the statistics */
  memset(listing, 0, sizeof *listing);
  luaL_setmetatable(L, GWL_LISTING);
  listing->bundle = gw_bundle_retain(bundle);
  listing->count = gw_bundle_count(bundle);
  lua_getfield(L, 2, "values");
  listing->values = lua_toboolean(L, -1);
  lua_getfield(L, 2, "stats");
  listing->stats = lua_toboolean(L, -1);
  lua_getfield(L, 2, "value_limit");
  listing->value_limit = (uint64_t)luaL_optinteger(L, -1, 1000000);
  if (lua_getfield(L, 2, "match") != LUA_TNIL) {
    gw_which which;
    gwl_check_which(L, lua_gettop(L), &which);
    choose(L, listing, &which);
  }
  learn_objects(listing);
  measure(listing);
  lua_settop(L, 3);
  return 1;
}

static int info_of(lua_State *L) {
  const gwl_listing *listing = check(L);
  lua_pushinteger(L, (lua_Integer)listing->count);
  lua_pushinteger(L, (lua_Integer)listing->bytes);
  lua_pushinteger(L, (lua_Integer)listing->values_left_out);
  return 3;
}

/* ---- Text */

static gw_tensor *tensor_at(lua_State *L, gwl_listing *listing, size_t row) {
  gw_tensor *tensor;
  gw_error error = GW_ERROR_INIT;
  /* The userdata owns it at once: previews and statistics may raise. */
  void **box = gwl_new(L, GWL_TENSOR, 0);
  if (gw_bundle_tensor(listing->bundle, row, &tensor, &error) != GW_OK) gwl_raise(L, &error);
  *box = tensor;
  return tensor;
}

static bool has_numbers(const gw_tensor *tensor) {
  gw_kind kind = gw_dtype_kind(gw_tensor_dtype(tensor));
  return kind != GW_KIND_OPAQUE && kind != GW_KIND_STRING && kind != GW_KIND_VARIANT;
}

/* listing:statistics() -> work, to be waited for before rows are asked for; with {stats = true} */
static int start_statistics(lua_State *L) {
  const gwl_listing *listing = check(L);
  gw_error error = GW_ERROR_INIT;
  gw_statistics *started;
  size_t *positions = lua_newuserdatauv(L, (listing->count + 1) * sizeof *positions, 0);
  for (size_t i = 0; i < listing->count; i++) positions[i] = row_at(listing, i);
  void **box = gwl_new_work(L, &statistics_work);
  if (gw_statistics_start(listing->bundle, positions, listing->count, 0, &started, &error) != GW_OK) return gwl_raise(L, &error);
  *box = started;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
  return 1;
}

/* Of the nth row of the listing at argument 1. *bins is NULL, or GW_HISTOGRAM_BINS counts. */
static bool get_stats(lua_State *L, size_t nth, gw_stats *stats, const uint64_t **bins) {
  lua_getiuservalue(L, 1, 1);
  const gw_statistics *statistics = gwl_check_work(L, -1, &statistics_work);
  lua_pop(L, 1);
  return gw_statistics_at(statistics, nth, stats, bins);
}

/* How high each bin is, beside the highest; as wide where there is none. */
static void add_histogram(luaL_Buffer *out, const uint64_t *bins) {
  static const char *const levels[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  uint64_t most = 1;
  for (size_t i = 0; bins && i < GW_HISTOGRAM_BINS; i++) most = bins[i] > most ? bins[i] : most;
  luaL_addstring(out, bins ? "  │" : "   ");
  for (size_t i = 0; i < GW_HISTOGRAM_BINS; i++)
    luaL_addstring(out, levels[bins && bins[i] > 0 ? 1 + (size_t)(7.0 * (double)bins[i] / (double)most) : 0]);
  luaL_addstring(out, bins ? "│" : " ");
}

static void push_stats(lua_State *L, const gw_stats *stats, const uint64_t *bins) {
  char text[320];
  size_t used = 0;
  luaL_Buffer out;
  if (stats->has_range)
    used = (size_t)snprintf(text, sizeof text, "  min %.6g  max %.6g  mean %.6g  std %.6g", stats->min, stats->max, stats->mean, stats->std);
  used += (size_t)snprintf(text + used, sizeof text - used, "  zeros %llu", (unsigned long long)stats->zeros);
  if (stats->nans) used += (size_t)snprintf(text + used, sizeof text - used, "  NaN %llu", (unsigned long long)stats->nans);
  if (stats->infinities) snprintf(text + used, sizeof text - used, "  Inf %llu", (unsigned long long)stats->infinities);
  luaL_buffinit(L, &out);
  add_histogram(&out, bins);
  luaL_addstring(&out, text);
  luaL_pushresult(&out);
}

/* Pushes the nth row's extra columns as one string. */
static void push_extra(lua_State *L, gwl_listing *listing, size_t nth) {
  size_t row = row_at(listing, nth);
  luaL_checkstack(L, 8, NULL);
  const gw_tensor *tensor = tensor_at(L, listing, row);
  int at = lua_gettop(L);
  lua_pushliteral(L, "");
  gw_entry_info info;
  gw_bundle_entry(listing->bundle, row, &info);
  if (info.partial) {
    lua_remove(L, at);
    return;
  }
  gw_stats stats;
  const uint64_t *bins;
  if (listing->stats && get_stats(L, nth, &stats, &bins)) {
    push_stats(L, &stats, bins);
    lua_concat(L, 2);
  }
  if (listing->values) {
    lua_pushliteral(L, "  ");
    gw_error error = GW_ERROR_INIT;
    char *preview;
    if (gw_tensor_preview(tensor, WHOLE, EDGE, &preview, &error) != GW_OK) gwl_raise(L, &error);
    size_t size = strlen(preview);
    char *copy = lua_newuserdatauv(L, size + 1, 0);
    memcpy(copy, preview, size + 1);
    gw_free(preview);
    lua_pushlstring(L, copy, size);
    lua_remove(L, -2);
    lua_concat(L, 3);
  }
  lua_remove(L, at);
}

static void add_name(luaL_Buffer *out, gw_span name, size_t width) {
  char shown[1024];
  if (plain(name.data, name.size)) {
    luaL_addlstring(out, name.data, name.size);
    pad(out, name.size, width);
    return;
  }
  gw_printable(shown, sizeof shown, name.data, name.size);
  luaL_addstring(out, shown);
  pad(out, columns(shown, strlen(shown)), width);
}

static int64_t compare_starts(const gw_slice_info *a, const gw_slice_info *b, size_t rank) {
  for (size_t i = 0; i < rank; i++)
    if (a->starts[i] != b->starts[i]) return a->starts[i] < b->starts[i] ? -1 : 1;
  return 0;
}

/* Slices are listed in the order of names, part_10 before part_2; people want them by place. The first one behind `before`
 * (NULL: of all), or the very last. */
static size_t next_slice(const gwl_listing *listing, size_t row, const gw_entry_info *info, const size_t *before, bool last) {
  gw_slice_info slice, floor, best = {0};
  size_t found = SIZE_MAX;
  if (before) gw_bundle_slice(listing->bundle, row, *before, &floor);
  for (size_t i = 0; i < info->slices; i++) {
    gw_bundle_slice(listing->bundle, row, i, &slice);
    if (before && compare_starts(&slice, &floor, info->rank) <= 0) continue;
    if (found != SIZE_MAX && (compare_starts(&slice, &best, info->rank) > 0) != last) continue;
    found = i;
    best = slice;
  }
  return found != SIZE_MAX ? found : *before;
}

/* "in 12 slices: 0,3:- 3,3:- 6,3:- ... 34,2:-" */
static void add_slices(luaL_Buffer *out, const gwl_listing *listing, size_t row, const gw_entry_info *info) {
  char text[96];
  int used = snprintf(text, sizeof text, "  in %zu slice%s%s:", info->slices, info->slices == 1 ? "" : "s",
                      info->partial ? ", not the whole" : "");
  luaL_addlstring(out, text, (size_t)used);
  size_t shown[MOST_SLICES], count = info->slices < MOST_SLICES ? info->slices : MOST_SLICES;
  for (size_t i = 0; i < count; i++) {
    bool last = i == MOST_SLICES - 1;
    gw_slice_info slice;
    if (last && info->slices > MOST_SLICES) luaL_addlstring(out, " ...", 4);
    shown[i] = next_slice(listing, row, info, i > 0 && !last ? &shown[i - 1] : NULL, last);
    gw_bundle_slice(listing->bundle, row, shown[i], &slice);
    gw_slice_text(&slice, info->rank, info->dims, text, sizeof text);
    luaL_addchar(out, ' ');
    luaL_addstring(out, text);
  }
}

/* listing:text(n) -> up to n lines, or nil at the end */
static int text(lua_State *L) {
  gwl_listing *listing = check(L);
  lua_Integer most = luaL_checkinteger(L, 2);
  bool extra = listing->values || listing->stats;
  if (listing->next >= listing->count) return 0;
  if (extra) most = 1;
  lua_settop(L, 1);
  if (extra) push_extra(L, listing, listing->next);
  luaL_Buffer out;
  gwl_cells cells = {.valid = false};
  luaL_buffinit(L, &out);
  for (lua_Integer i = 0; i < most && listing->next < listing->count && luaL_bufflen(&out) < MOST_TEXT; i++) {
    gw_entry_info info;
    size_t row = row_at(listing, listing->next++);
    gw_bundle_entry(listing->bundle, row, &info);
    make_cells(&cells, &info);
    luaL_addlstring(&out, "  ", 2);
    add_name(&out, info.name, listing->name_width);
    luaL_addlstring(&out, "  ", 2);
    luaL_addlstring(&out, cells.dtype_text, cells.dtype_size);
    pad(&out, cells.dtype_size, listing->dtype_width + 2);
    luaL_addlstring(&out, cells.shape_text, cells.shape_size);
    pad(&out, cells.shape_size, listing->shape_width + 2);
    luaL_addlstring(&out, cells.bytes_text, cells.bytes_size);
    if (info.slices || listing->object_width || (extra && lua_rawlen(L, 2) > 0)) pad(&out, cells.bytes_size, listing->bytes_width);
    if (listing->object_width) {
      char object[WIDEST_FULL_NAME * 4 + 32];
      size_t used = object_text(listing, row, object, sizeof object);
      luaL_addlstring(&out, "  ", 2);
      luaL_addlstring(&out, object, used);
      if (info.slices || (extra && lua_rawlen(L, 2) > 0)) pad(&out, columns(object, used), listing->object_width);
    }
    if (info.slices) add_slices(&out, listing, row, &info);
    if (extra) {
      lua_pushvalue(L, 2);
      luaL_addvalue(&out);
    }
    luaL_addchar(&out, '\n');
  }
  luaL_pushresult(&out);
  return 1;
}

/* ---- JSON */

static json_t *integers(const int64_t *numbers, size_t count) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) json_array_append_new(array, json_integer(numbers[i]));
  return array;
}

static json_t *slices_of(const gwl_listing *listing, size_t row, const gw_entry_info *info) {
  json_t *array = json_array();
  bool v1 = gw_bundle_is_v1(listing->bundle);
  for (size_t i = 0; i < info->slices; i++) {
    gw_slice_info slice;
    gw_bundle_slice(listing->bundle, row, i, &slice);
    json_t *object = json_pack("{s:o,s:o,s:i}", "start", integers(slice.starts, info->rank), "length", integers(slice.lengths, info->rank),
                               "shard", (int)slice.shard);
    if (!v1) json_object_set_new(object, "offset", json_integer((json_int_t)slice.offset));
    json_object_set_new(object, "bytes", json_integer((json_int_t)slice.size));
    if (!v1) json_object_set_new(object, "crc32c", json_integer((json_int_t)slice.crc32c));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *extreme(const gw_tensor *tensor, double real, int64_t exact) {
  gw_kind kind = gw_dtype_kind(gw_tensor_dtype(tensor));
  if (kind == GW_KIND_INT || kind == GW_KIND_BOOL || (kind == GW_KIND_UINT && exact >= 0)) return json_integer(exact);
  if (kind != GW_KIND_UINT) return gwl_json_number(real);
  char text[24]; /* as values of uint64 beyond 2^63 are written */
  snprintf(text, sizeof text, "%llu", (unsigned long long)exact);
  return json_string(text);
}

/* Edge i of the bins, the first and the last of them exactly. */
static double edge_of(const gw_stats *stats, size_t i) {
  double part = (double)i / GW_HISTOGRAM_BINS;
  return stats->min * (1 - part) + stats->max * part;
}

static json_t *histogram_of(const gw_stats *stats, const uint64_t *bins) {
  json_t *counts = json_array(), *edges = json_array();
  for (size_t i = 0; i < GW_HISTOGRAM_BINS; i++) json_array_append_new(counts, json_integer((json_int_t)bins[i]));
  for (size_t i = 0; i <= GW_HISTOGRAM_BINS; i++) json_array_append_new(edges, gwl_json_number(edge_of(stats, i)));
  return json_pack("{s:o,s:o}", "counts", counts, "edges", edges);
}

static json_t *stats_of(const gw_tensor *tensor, const gw_stats *stats, const uint64_t *bins) {
  json_t *object = json_object();
  if (stats->has_range) {
    json_object_set_new(object, "min", extreme(tensor, stats->min, stats->exact_min));
    json_object_set_new(object, "max", extreme(tensor, stats->max, stats->exact_max));
    json_object_set_new(object, "mean", gwl_json_number(stats->mean));
    json_object_set_new(object, "std", gwl_json_number(stats->std));
  }
  json_object_set_new(object, "zeros", json_integer((json_int_t)stats->zeros));
  json_object_set_new(object, "nan", json_integer((json_int_t)stats->nans));
  json_object_set_new(object, "inf", json_integer((json_int_t)stats->infinities));
  if (bins) json_object_set_new(object, "histogram", histogram_of(stats, bins));
  return object;
}

/* Everything but value and statistics. */
static json_t *plain_row(const gwl_listing *listing, size_t row, const gw_entry_info *info) {
  char dtype[32];
  dtype_text(dtype, sizeof dtype, info->dtype);
  json_t *object = json_object();
  json_object_set_new(object, "name", gwl_json_text(info->name.data, info->name.size));
  json_object_set_new(object, "dtype", json_string(dtype));
  json_object_set_new(object, "shape", integers(info->dims, info->rank));
  json_object_set_new(object, "bytes", json_integer((json_int_t)info->size));
  json_object_set_new(object, "shard", json_integer(info->shard));
  if (!gw_bundle_is_v1(listing->bundle)) { /* values of V1 have neither */
    json_object_set_new(object, "offset", json_integer((json_int_t)info->offset));
    json_object_set_new(object, "crc32c", json_integer((json_int_t)info->crc32c));
  }
  json_object_set_new(object, "role", json_string(gw_role_name(gw_bundle_role(listing->bundle, row))));
  if (gw_bundle_has_graph(listing->bundle)) {
    const char *attributes = memmem(info->name.data, info->name.size, "/.ATTRIBUTES/", 13);
    if (attributes) json_object_set_new(object, "path", gwl_json_text(info->name.data, (size_t)(attributes - info->name.data)));
  }
  if (listing->full_names && listing->full_names[row].size > 0)
    json_object_set_new(object, "full_name", gwl_json_text(listing->full_names[row].data, listing->full_names[row].size));
  if (info->slices) json_object_set_new(object, "slices", slices_of(listing, row, info));
  return object;
}

/* listing:json() -> the next tensor's object, or nil at the end */
static int json(lua_State *L) {
  gwl_listing *listing = check(L);
  if (listing->next >= listing->count) return 0;
  size_t nth = listing->next++, row = row_at(listing, nth);
  gw_entry_info info;
  gw_error error = GW_ERROR_INIT;
  gw_stats stats;
  const uint64_t *bins;
  json_t *value = NULL;
  bool has_stats = false;
  gw_bundle_entry(listing->bundle, row, &info);
  const gw_tensor *tensor = (listing->values || listing->stats) && !info.partial ? tensor_at(L, listing, row) : NULL;
  if (tensor && listing->stats) has_stats = get_stats(L, nth, &stats, &bins);
  /* From here on nothing raises before the object is given to gwl_json_push. */
  if (tensor && listing->values && (has_numbers(tensor) || info.dtype == GW_DT_STRING)) {
    if (gwl_value_size(tensor) > listing->value_limit) listing->values_left_out++;
    else if (gwl_json_value(tensor, &value, &error) != GW_OK) return gwl_raise(L, &error);
  }
  json_t *object = plain_row(listing, row, &info);
  if (value) json_object_set_new(object, "value", value);
  if (has_stats) json_object_set_new(object, "stats", stats_of(tensor, &stats, bins));
  gwl_json_push(L, object, JSON_COMPACT);
  return 1;
}

void gwl_open_listing(lua_State *L) {
  static const luaL_Reg methods[] = {{"info", info_of}, {"statistics", start_statistics}, {"text", text}, {"json", json},
                                     {"close", release}, {NULL, NULL}};
  gwl_make_type(L, GWL_LISTING, release, NULL, methods, NULL);
  lua_pop(L, 1);
}

/* core.printable(text): control bytes and what is no UTF-8 as \xNN; a checkpoint's names must not command a terminal. */
int gwl_printable(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  if (plain(text, size)) {
    lua_settop(L, 1);
    return 1;
  }
  if (size > (SIZE_MAX - 1) / 4) return luaL_error(L, "text too long");
  char *out = lua_newuserdatauv(L, 4 * size + 1, 0);
  gw_printable(out, 4 * size + 1, text, size);
  lua_pushstring(L, out);
  return 1;
}

/* core.bytes(n) -> "1.3 GB" */
int gwl_bytes_text(lua_State *L) {
  char out[40];
  bytes_text(out, sizeof out, (uint64_t)luaL_checkinteger(L, 1));
  lua_pushstring(L, out);
  return 1;
}

/* What the files of bindings/ share: one userdata type per handle, and the one way in which an error leaves. */
#ifndef GODWIT_BINDINGS_GWL_H
#define GODWIT_BINDINGS_GWL_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "../core/godwit.h"

/* Metatable names of the userdata types. Each holds one pointer, NULL once it is closed. */
#define GWL_BUNDLE "godwit.Bundle"
#define GWL_DRAFT "godwit.Draft"
#define GWL_VARS "godwit.Vars"
#define GWL_TENSOR "godwit.Tensor"
#define GWL_PLAN "godwit.Plan"
#define GWL_WORK "godwit.Work" /* a run, a verification, a comparison, statistics */
#define GWL_REGEX "godwit.Regex"
#define GWL_LISTING "godwit.Listing"
#define GWL_SANDBOX "godwit.Sandbox"
#define GWL_GRAPH "godwit.Graph"
#define GWL_NODE "godwit.Node"
#define GWL_LINE "godwit.Line"
#define GWL_REPORT "godwit.Report"
#define GWL_VOCAB "godwit.Vocab"
#define GWL_REMAPPING "godwit.Remapping"

/* The C module. Called by luaopen_godwit_core, main.c and the sandbox. */
int gwl_open(lua_State *L);
/* Adds the embedded scripts to `package.searchers`, or loads them from `folder` when that is not NULL. */
void gwl_add_searcher(lua_State *L, const char *folder);
/* Pushes the loaded chunk of an embedded (or, with --scripts, on-disk) module; false when there is none. */
bool gwl_push_script(lua_State *L, const char *name);

/* ---- error.c */

void gwl_open_error(lua_State *L);
/* Raises what core reported as an error object: class, what, file, key, offset, line, hint, message. `usage` says that
 * a request which core calls invalid came from the command line and not from a recipe. Never returns. */
int gwl_raise(lua_State *L, const gw_error *error);
int gwl_raise_as(lua_State *L, const gw_error *error, const char *class);
int gwl_raise_usage(lua_State *L, const gw_error *error);
/* Raises the recipe's own mistake at its line, whatever scripts of godwit's lie between; the format is lua_pushfstring's. */
int gwl_wrong(lua_State *L, const char *format, ...);
/* The "file:line" of the nearest caller that is no script of godwit's own; false and "" when there is none. */
bool gwl_where(lua_State *L, char *out, size_t size);
/* core.fail{class=, what=, ...}: raises an error object from Lua. */
int gwl_fail(lua_State *L);
/* core.where(): "file:line" or nil. */
int gwl_lua_where(lua_State *L);
/* core.home(): the scripts in the caller's folder count as godwit's own. */
int gwl_home(lua_State *L);

/* ---- userdata.c: what all types do alike */

/* A new userdata with its metatable and NULL inside; fill it before anything else can raise. */
void **gwl_new(lua_State *L, const char *type, int user_values);
/* "a table", "a tensor", "nil": what is at `index`, for messages. May push; settop is the caller's. */
const char *gwl_what(lua_State *L, int index);
/* Raises, from __index(object, field), that `thing` ("a tensor") has no such field, with the nearest of `fields` (ended by
 * NULL) and of the table of methods at the pseudo-index `methods`; `otherwise` ends the message when nothing is near. */
int gwl_no_field(lua_State *L, const char *thing, const char *const *fields, int methods, const char *otherwise);
/* The pointer inside; raises when the argument is of another type or closed. */
void *gwl_check(lua_State *L, int index, const char *type);
void *gwl_test(lua_State *L, int index, const char *type); /* NULL for other types */
/* Pushes a box for one block of core's, freed with gw_free whatever happens. */
void **gwl_block(lua_State *L);
/* Makes a metatable with __gc and __close = `release`, methods in a table behind `index` (or as __index when it is
 * NULL), and __metatable. Leaves the methods table on the stack. */
void gwl_make_type(lua_State *L, const char *type, lua_CFunction release, const luaL_Reg *meta, const luaL_Reg *methods,
                   lua_CFunction index);

/* ---- work.c: what takes long, behind one face: started, then waited for in slices of time */

typedef struct gwl_work_ops {
  gw_status (*wait)(void *handle, unsigned milliseconds, bool *finished, gw_error *error);
  void (*progress)(void *handle, uint64_t *done, uint64_t *total);
  void (*cancel)(void *handle);
  void (*free)(void *handle);
} gwl_work_ops;
/* Defines NAME_work out of core's PREFIX_wait, PREFIX_progress, PREFIX_cancel and PREFIX_free. */
#define GWL_WORK_OPS(name, prefix)                                                                                        \
  static gw_status name##_wait(void *handle, unsigned milliseconds, bool *finished, gw_error *error) {                    \
    return prefix##_wait(handle, milliseconds, finished, error);                                                          \
  }                                                                                                                       \
  static void name##_progress(void *handle, uint64_t *done, uint64_t *total) { prefix##_progress(handle, done, total); } \
  static void name##_cancel(void *handle) { prefix##_cancel(handle); }                                                    \
  static void name##_free(void *handle) { prefix##_free(handle); }                                                        \
  static const gwl_work_ops name##_work = {name##_wait, name##_progress, name##_cancel, name##_free}
/* Pushes an empty one; put the handle where the result points to. */
void **gwl_new_work(lua_State *L, const gwl_work_ops *ops);
/* The handle of the work at `index`; raises for closed work, and for work of another kind. */
void *gwl_check_work(lua_State *L, int index, const gwl_work_ops *ops);
/* Adds to the methods table on top of the stack. */
void gwl_add_run_methods(lua_State *L);
void gwl_add_diff_methods(lua_State *L);
void gwl_open_work(lua_State *L);

/* ---- one file per type */

void gwl_open_bundle(lua_State *L);
void gwl_open_tensor(lua_State *L);
void gwl_open_draft(lua_State *L);
void gwl_open_plan(lua_State *L);
void gwl_open_regex(lua_State *L);
void gwl_open_listing(lua_State *L);
void gwl_open_sandbox(lua_State *L);
void gwl_open_graph(lua_State *L);
void gwl_open_line(lua_State *L);
void gwl_open_node(lua_State *L);
void gwl_open_match(lua_State *L); /* after gwl_open_draft */
void gwl_open_vocab(lua_State *L);

void gwl_push_tensor(lua_State *L, gw_tensor *tensor); /* takes the reference over, also when it raises */
void gwl_push_draft(lua_State *L, gw_draft *draft);    /* likewise */
void gwl_push_shape(lua_State *L, size_t rank, const int64_t *dims);
/* A variable node serves wherever a tensor is expected: its tensor takes its place on the stack. */
gw_tensor *gwl_check_tensor(lua_State *L, int index);
gw_tensor *gwl_test_tensor(lua_State *L, int index); /* NULL for what is neither */
gw_draft *gwl_check_draft(lua_State *L, int index);  /* names settled */
void gwl_push_node(lua_State *L, gw_draft *draft, uint32_t number);
uint32_t gwl_check_node(lua_State *L, int index, gw_draft **draft); /* *draft is borrowed from the argument */
void gwl_push_node_tensor(lua_State *L, int index);
/* Compiles (and caches in the registry) the pattern at `index`; the regex lives as long as the state. */
gw_regex *gwl_check_regex(lua_State *L, int index);
/* A `which`: a pattern, a list of them, or {role = ...}. The arrays are userdata left on the stack. */
void gwl_check_which(lua_State *L, int index, gw_which *which);

/* A shape argument into `dims` of GW_MAX_RANK: its rank. */
size_t gwl_check_shape(lua_State *L, int index, int64_t *dims);
int gwl_check_dtype(lua_State *L, int index);
/* A number (or boolean, or {re, im}) as one element of up to 16 bytes; raises when the dtype does not have it. */
void gwl_check_element(lua_State *L, int index, int dtype, void *element);
/* operations.c */
extern const luaL_Reg gwl_tensor_operators[], gwl_tensor_operations[];
int gwl_tensor_concat(lua_State *L); /* core.concat(list, axis?) */
int gwl_tensor_stack(lua_State *L);  /* core.stack(list, axis?) */
int gwl_tensor_mean(lua_State *L);   /* core.mean(list, weights?) */
int gwl_tensor_random(lua_State *L); /* core.random(kind, shape, dtype, seed, a, b) */

int gwl_tensor_make(lua_State *L);  /* core.tensor(nested, dtype?) */
int gwl_tensor_fill(lua_State *L);  /* core.full(shape, value, dtype?) */
int gwl_vocab_new(lua_State *L);    /* core.vocab(text, name) */
int gwl_vocab_remap(lua_State *L);  /* core.vocab_remap(vocab, old, new size, old size, buckets, aliases) */
int gwl_vocab_apply(lua_State *L);  /* core.remap(tensor, remapping, axis, missing) */
int gwl_draft_new(lua_State *L);
int gwl_bundle_open(lua_State *L);
int gwl_locate(lua_State *L);
int gwl_same(lua_State *L);
int gwl_plan_compile(lua_State *L);
int gwl_verify(lua_State *L);
int gwl_diff(lua_State *L);         /* core.diff(bundle, bundle, options) */
int gwl_listing_make(lua_State *L);
int gwl_bytes_text(lua_State *L);   /* core.bytes(n): "1.3 GB" */
int gwl_printable(lua_State *L);
int gwl_regex_match(lua_State *L);
int gwl_regex_sub(lua_State *L);
int gwl_sandbox_new(lua_State *L);  /* core.sandbox(limits) */
int gwl_read_inside(lua_State *L);  /* core.read_inside(folder, file) -> text, or nil and what is wrong */
int gwl_list_folder(lua_State *L);  /* core.list_folder(folder, beginning?) -> names, in no order; "folder", "file" or "other" for each */
int gwl_is_folder(lua_State *L);
int gwl_is_file(lua_State *L);
int gwl_create_file(lua_State *L);
int gwl_line_editor(lua_State *L);
int gwl_complete(lua_State *L);
int gwl_make_folder(lua_State *L);
/* Charges work that core does for a recipe in a loop of its own; raises when its steps or its time are over. Nothing in
 * a state without limits. */
void gwl_charge(lua_State *L, uint64_t steps);
void gwl_charge_elements(lua_State *L, const gw_tensor *tensor); /* of which a step takes 64 */

int gwl_graph_open(lua_State *L);   /* core.graph(bundle) */
int gwl_graph_decode(lua_State *L); /* core.graph_decode(bytes) */
int gwl_graph_escape(lua_State *L);
int gwl_graph_unescape(lua_State *L);
int gwl_node_children(lua_State *L); /* core.node_*: see node.c */
int gwl_node_root(lua_State *L);
int gwl_node_set_root(lua_State *L);
int gwl_node_is_sorted(lua_State *L);
int gwl_node_new(lua_State *L);
int gwl_node_variable(lua_State *L);
int gwl_node_child(lua_State *L);
int gwl_node_link(lua_State *L);
int gwl_node_unlink(lua_State *L);
int gwl_node_rename(lua_State *L);
int gwl_node_order(lua_State *L);
int gwl_node_reorder(lua_State *L);
int gwl_node_is_variable(lua_State *L);
int gwl_node_tensor(lua_State *L);
int gwl_node_set_tensor(lua_State *L);
int gwl_node_full_name(lua_State *L);
int gwl_node_path(lua_State *L);
int gwl_node_slots(lua_State *L);
int gwl_node_set_slot(lua_State *L);
int gwl_node_adopt(lua_State *L);
int gwl_node_draft(lua_State *L);
int gwl_node_name_for(lua_State *L);
int gwl_node_on_assign(lua_State *L);
int gwl_node_is(lua_State *L);
int gwl_objects_new(lua_State *L);
int gwl_json(lua_State *L);         /* core.json(value, indent?) */
int gwl_json_parse(lua_State *L);   /* core.json_parse(text) -> value */
int gwl_sha256(lua_State *L);
int gwl_sha256_file(lua_State *L);
void gwl_open_json(lua_State *L);   /* core.object, core.array, core.null */

/* values.c: elements as Lua values, and back */
void gwl_push_element(lua_State *L, int dtype, const void *element);
/* Pushes the whole tensor as a value: nested sequences, or one value for a scalar. */
void gwl_push_value(lua_State *L, const gw_tensor *tensor);
/* What nested lists of a tensor take: its elements (GWL_STRING_UNIT bytes of strings count as one), or the lists inside of lists where those are
 * more ([2^40,0] has none of the former). */
enum { GWL_STRING_UNIT = 16 };
uint64_t gwl_value_size(const gw_tensor *tensor);

/* Interrupts: set by the program's signal handler, read by whoever waits. */
bool gwl_interrupted(void);
void gwl_stop_if_interrupted(lua_State *L); /* raises; for what may take long */

#endif

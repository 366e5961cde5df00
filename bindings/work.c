/* Long work of core (runs, verifications, comparisons, statistics) behind one face: it goes on in core's threads while Lua waits for it in
 * slices of time, draws progress and looks for Ctrl-C in between. */
#include "gwl.h"

typedef struct gwl_work {
  void *handle; /* NULL: closed, or not yet started */
  const gwl_work_ops *ops;
} gwl_work;

static int release(lua_State *L) {
  gwl_work *work = luaL_checkudata(L, 1, GWL_WORK);
  if (work->handle) work->ops->free(work->handle);
  work->handle = NULL;
  return 0;
}

void **gwl_new_work(lua_State *L, const gwl_work_ops *ops) {
  gwl_work *work = lua_newuserdatauv(L, sizeof *work, 1);
  *work = (gwl_work){NULL, ops};
  luaL_setmetatable(L, GWL_WORK);
  return &work->handle;
}

static gwl_work *check(lua_State *L, int index) {
  gwl_work *work = luaL_checkudata(L, index, GWL_WORK);
  if (!work->handle) luaL_error(L, "attempt to use closed work");
  return work;
}

void *gwl_check_work(lua_State *L, int index, const gwl_work_ops *ops) {
  const gwl_work *work = check(L, index);
  if (work->ops != ops) luaL_error(L, "this is work of another kind");
  return work->handle;
}

/* work:wait(milliseconds) -> finished, bytes done, bytes in all */
static int wait_for(lua_State *L) {
  const gwl_work *work = check(L, 1);
  lua_Integer milliseconds = luaL_checkinteger(L, 2);
  gw_error error = GW_ERROR_INIT;
  bool finished;
  uint64_t done, total;
  luaL_argcheck(L, milliseconds >= 0 && milliseconds <= 60000, 2, "0 to 60000 milliseconds");
  if (gwl_interrupted()) work->ops->cancel(work->handle);
  if (work->ops->wait(work->handle, (unsigned)milliseconds, &finished, &error) != GW_OK) return gwl_raise(L, &error);
  work->ops->progress(work->handle, &done, &total);
  lua_pushboolean(L, finished);
  lua_pushinteger(L, (lua_Integer)done);
  lua_pushinteger(L, (lua_Integer)total);
  return 3;
}

void gwl_open_work(lua_State *L) {
  static const luaL_Reg methods[] = {{"wait", wait_for}, {"close", release}, {NULL, NULL}};
  gwl_make_type(L, GWL_WORK, release, NULL, methods, NULL);
  gwl_add_run_methods(L);
  gwl_add_diff_methods(L);
  lua_pop(L, 1);
}

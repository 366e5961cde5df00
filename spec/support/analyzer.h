/* Tells clang's analyzer, which sees one file at a time, what other files promise: `make lint` includes this in front of
 * every file but core/base/error.c, which defines the first of these functions. */
#ifdef GW_ANALYZE_BINDINGS

#include "../../bindings/gwl.h"

/* What raises does not return; Lua's headers do not say so.
 * NOLINTBEGIN(readability-redundant-declaration) */
int lua_error(lua_State *L) __attribute__((noreturn));
int luaL_error(lua_State *L, const char *format, ...) __attribute__((noreturn));
int luaL_argerror(lua_State *L, int argument, const char *message) __attribute__((noreturn));
int luaL_typeerror(lua_State *L, int argument, const char *type) __attribute__((noreturn));
int gwl_raise(lua_State *L, const gw_error *error) __attribute__((noreturn));
int gwl_raise_usage(lua_State *L, const gw_error *error) __attribute__((noreturn));
int gwl_wrong(lua_State *L, const char *format, ...) __attribute__((noreturn));
/* NOLINTEND(readability-redundant-declaration) */

#else

#include "../../core/base/error.h"

/* A failure never returns GW_OK. */
#define gw__fail(error, status, ...) (gw__fail((error), (status), __VA_ARGS__), (status))
#define gw__fail_system(error, number, ...) (gw__fail_system((error), (number), __VA_ARGS__), GW_IO)
#define gw__error_file(error, file) (gw__error_file((error), (file)), GW_OK) /* as for a caller without an error object */

#endif

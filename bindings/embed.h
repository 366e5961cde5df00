/* The Lua scripts inside the program: scripts/ and argparse, turned into arrays at build time by scripts/embed.lua,
 * sorted by name (memcmp order), so that the bytes of a build depend on nothing else. Each is there as text and compiled.
 * Used by whoever answers `require`. */
#ifndef GODWIT_BINDINGS_EMBED_H
#define GODWIT_BINDINGS_EMBED_H

#include <stddef.h>

struct gwl_script {
  const char *name;          /* the module: "godwit", "godwit.commands.inspect", "recipes.x", "argparse" */
  const unsigned char *data; /* Lua source; not ended by NUL */
  size_t size;               /* bytes */
  const unsigned char *code; /* the same, compiled, for the one release of Lua that gwl_lua_release names */
  size_t code_size;          /* bytes */
};

extern const struct gwl_script gwl_scripts[];
extern const size_t gwl_script_count;
extern const char gwl_lua_release[]; /* the lua_ident of the Lua that compiled them; "" when it is not known */

#endif

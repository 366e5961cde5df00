/* The Lua scripts inside the program: scripts/ and argparse, turned into arrays at build time by scripts/embed.lua,
 * sorted by name (memcmp order), so that the bytes of a build depend on nothing else. Used by whoever answers `require`. */
#ifndef GODWIT_BINDINGS_EMBED_H
#define GODWIT_BINDINGS_EMBED_H

#include <stddef.h>

struct gwl_script {
  const char *name;          /* the module: "godwit", "godwit.commands.inspect", "recipes.x", "argparse" */
  const unsigned char *data; /* Lua source; not ended by NUL */
  size_t size;               /* bytes */
};

extern const struct gwl_script gwl_scripts[];
extern const size_t gwl_script_count;

#endif

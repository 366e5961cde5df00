#!/bin/bash
# installed.sh STAGE: looks at an installation made with DESTDIR=STAGE PREFIX=/usr/local as its users would: a C program
# built through pkg-config, a stock lua5.4 with its default paths, the program, the man page. Ends with the counts.
set -u
stage=$1
usr=$stage/usr/local
fixture=$PWD/spec/fixtures/valid/guide/tf1-ckpt
work=$(mktemp -d "${TMPDIR:-/tmp}/godwit-installed.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# check WHAT COMMAND...
check() {
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not so: $what"
    cat "$work/log"
  fi
}

config() {
  PKG_CONFIG_PATH=$usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage "${PKG_CONFIG:-pkg-config}" "$@" godwit
}
# shellcheck disable=SC2046 # words
compile() { "${CC:-cc}" -std=c11 -Wall -Wextra -Werror $(config --cflags) -o "$work/$1" spec/support/installed.c "${@:2}"; }
# shellcheck disable=SC2046
shared() { compile shared $(config --libs) && LD_LIBRARY_PATH=$usr/lib "$work/shared" "$fixture"; }
# The C library's own are hidden, so only what the header declares may be seen.
foreign_symbols() {
  nm -D --defined-only "$usr/lib/libgodwit.so" | awk '{print $3}' | grep -v '^gw_[a-z]' && return 1
  return 0
}
all_declared_are_exported() {
  nm -D --defined-only "$usr/lib/libgodwit.so" | awk '{print $3}' | sort >"$work/exported"
  { echo '#include "godwit.h"'; } | "${CC:-cc}" -E -P -I"$usr/include" - | tr '\n' ' ' | grep -oE '\bgw_[a-z0-9_]+ *\(' |
    tr -d ' (' | sort -u >"$work/declared"
  comm -23 "$work/declared" "$work/exported" >"$work/missing"
  if [ -s "$work/missing" ]; then
    echo "declared in godwit.h, not in the library:"
    cat "$work/missing"
    return 1
  fi
}
soname() { readelf -d "$usr/lib/libgodwit.so" | grep -q "SONAME.*\[libgodwit.so.$(config --modversion | cut -d. -f1)\]"; }
# Debian's lua5.4 looks in /usr/local; here that is below STAGE.
lua() {
  local paths="$usr/share/lua/5.4" c_paths="$usr/lib/lua/5.4"
  (cd "$work" && env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 -u LUA_INIT LUA_PATH="$paths/?.lua;$paths/?/init.lua;/usr/share/lua/5.4/?.lua" \
    LUA_CPATH="$c_paths/?.so" "${LUA:-lua5.4}" "$@")
}
default_paths() {
  # shellcheck disable=SC2016
  env -u LUA_PATH -u LUA_PATH_5_4 -u LUA_CPATH -u LUA_CPATH_5_4 -u LUA_INIT "${LUA:-lua5.4}" -e \
    'assert(package.path:find("/usr/local/share/lua/5.4/?/init.lua", 1, true) and package.cpath:find("/usr/local/lib/lua/5.4/?.so", 1, true))'
}
program() { (cd "$work" && env -i PATH=/usr/bin:/bin "$usr/bin/godwit" "$@"); }

check "godwit.h compiles through pkg-config and the shared library opens a checkpoint" shared
check "the library exports nothing but gw_ names" foreign_symbols
check "everything that godwit.h declares is exported" all_declared_are_exported
check "the soname is the major version" soname
if [ -e "$usr/lib/lua/5.4/godwit/core.so" ]; then
  check "lua5.4 looks where make install puts the module" default_paths
  check "lua5.4 loads the module and opens a checkpoint" lua -e \
    "local gw = require 'godwit'; assert(#gw.open '$fixture' == 3)"
fi
if [ -e "$usr/bin/godwit" ]; then
  check "the program needs no Lua file beside it" program inspect "$fixture"
fi
# All that the overview names is there, and nothing else.
pages() {
  sed -n 's/^\.\(It \)\{0,1\}Xr \(godwit-[a-z]*\) \([13]\).*/man\3\/\2.\3/p' "$usr/share/man/man1/godwit.1" | sort -u >"$work/named"
  (cd "$usr/share/man" && find . -name 'godwit-*' | sed 's/^\.\///' | sort) >"$work/pages"
  [ -s "$work/named" ] && diff "$work/named" "$work/pages"
}
check "the man page is there" test -s "$usr/share/man/man1/godwit.1"
check "the pages of the commands and of the Lua API are there" pages
check "the Lua reference is where the man page says" test -s "$usr/share/doc/godwit/scripts/README.md"
check "so are the checkpoints of its examples" test -s "$usr/share/doc/godwit/examples/data/digits.ckpt-100.index"

# Each shell by what it finds in its folder of the installation.
candidates_of_bash() {
  (cd "$work" && PATH=$usr/bin:/usr/bin:/bin bash --norc -c "source '$usr/share/bash-completion/completions/godwit'"'
    COMP_WORDS=(godwit verif) COMP_CWORD=1
    _godwit && [ "${COMPREPLY[*]}" = verify ]')
}
candidates_of_fish() {
  (cd "$work" && [ "$(env -i HOME="$work" XDG_DATA_DIRS="$usr/share" PATH="$usr/bin:/usr/bin:/bin" fish -c "complete -C 'godwit verif'" | cut -f 1)" = verify ])
}
# compinit notes which functions there are for which commands.
candidates_of_zsh() {
  # shellcheck disable=SC2016 # zsh's
  env -i HOME="$work" USR="$usr" zsh -f -c 'fpath=($USR/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; [[ $_comps[godwit] == _godwit ]]'
}
check "bash completes commands" candidates_of_bash
if command -v fish >/dev/null; then check "fish completes commands" candidates_of_fish; fi
if command -v zsh >/dev/null; then check "zsh knows the completion" candidates_of_zsh; fi
check "zsh's completion is there" test -s "$usr/share/zsh/site-functions/_godwit"
check "fish's completion is there" test -s "$usr/share/fish/vendor_completions.d/godwit.fish"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

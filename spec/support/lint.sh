#!/bin/bash
# `make lint`: each tool and each rule is one check; the last line is "N passed, N failed". A tool that is not installed
# is skipped with a word, in CI (CI=true) it is a failure. make gives CC, FLAGS, LUA, LUACHECK.
set -u
. spec/support/counts.sh

# run NAME TOOL COMMAND...
run() {
  local name=$1 tool=$2 output status=0
  shift 2
  if ! command -v "$tool" >/dev/null; then
    if [ "${CI:-}" = true ]; then
      echo "$name: $tool is not installed"
      failed=$((failed + 1))
      broken+=("$name")
    else
      echo "$name: skipped, $tool is not installed (make deps-dev)"
    fi
    return
  fi
  output=$("$@" 2>&1) || status=$?
  if [ "$status" -eq 0 ]; then
    echo "$name: fine"
    passed=$((passed + 1))
  else
    printf -- '---- %s\n%s\n' "$name" "$output"
    failed=$((failed + 1))
    broken+=("$name")
  fi
}

mapfile -t c_sources < <(ls core/*/*.c bindings/*.c spec/c/*.c spec/faults/*.c spec/fuzz/*.c spec/support/host.c 2>/dev/null)
mapfile -t tidy_sources < <(ls core/*/*.c bindings/*.c 2>/dev/null)
mapfile -t shell_scripts < <(ls spec/*/*.sh examples/*.sh scripts/completions/*.bash .ci/run 2>/dev/null)
read -r -a flags <<<"${FLAGS?}"

compiles() { # every C file of the tree, warnings are errors
  local file
  for file in "${c_sources[@]}"; do
    "$CC" "${flags[@]}" -DGW_FAULTS -Werror -fsyntax-only "$file" || return 1
  done
}
header_as_c() { "$CC" -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wundef -Wstrict-prototypes -Werror -fsyntax-only -x c core/godwit.h; }
header_as_cxx() { g++ -std=c++11 -Wall -Wextra -Wpedantic -Wconversion -Wundef -Wold-style-cast -Werror -fsyntax-only -x c++ core/godwit.h; }
tidy() {
  local options=() flag
  for flag in "${flags[@]}"; do # warnings are the compilers' business
    case $flag in -W* | -O*) ;; *) options+=("$flag") ;; esac
  done
  # Remarks go to stdout; stderr only counts the suppressed ones.
  # shellcheck disable=SC2016 # sh's: $0 is the file
  printf '%s\0' "${tidy_sources[@]}" | xargs -0 -P "$(nproc)" -I '{}' sh -c '
    case $0 in
      core/base/error.c) ;;
      core/*) set -- "$@" -include spec/support/analyzer.h ;;
      bindings/*) set -- "$@" -DGW_ANALYZE_BINDINGS -include spec/support/analyzer.h ;;
    esac
    exec clang-tidy --quiet --warnings-as-errors="*" "$0" -- "$@" 2>/dev/null' '{}' "${options[@]}"
}
scripts_are_quiet() { "$LUACHECK" --quiet --no-color scripts spec examples; }
manual() { mandoc -T lint -W warning build/generated/manual/*.[13]; }
rules() { "$LUA" spec/support/rules.lua; }

[ ${#c_sources[@]} -eq 0 ] || run "every C file compiles without a warning" "$CC" compiles
run "godwit.h compiles alone as C" "$CC" header_as_c
run "godwit.h compiles alone as C++" g++ header_as_cxx
[ ${#tidy_sources[@]} -eq 0 ] || run "clang-tidy" clang-tidy tidy
run "luacheck" "$LUACHECK" scripts_are_quiet
[ ${#shell_scripts[@]} -eq 0 ] || run "shellcheck" shellcheck shellcheck -x "${shell_scripts[@]}"
run "mandoc" mandoc manual
run "who may include what" "$LUA" rules
finish

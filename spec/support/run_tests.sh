#!/bin/bash
# Runs the parts of the suite that its arguments name and adds up their counts; called by make, which says in variables
# what it built. The last line is "N passed, M failed".
#
#   units      C unit programs, called as PROGRAM spec SCRATCH-FOLDER
#   replays    fuzz corpora without libFuzzer
#   specs      busted, shuffled (SEED=N repeats an order); specs-gc: with the collector at every step
#   installed  what `make install` left in an empty folder
#   fuzz       libFuzzer, FUZZ_SECONDS each
#   interop    TensorFlow reads what godwit wrote (pytest)
#   bench      timings
#
# With VALGRIND=1, units, replays, the Lua of the specs and every run of the program go through valgrind; `checked` then
# says what it found in the program.
set -u
. spec/support/counts.sh

scratch=$(mktemp -d "${TMPDIR:-/tmp}/godwit-test.XXXXXX")
trap 'chmod -R u+rwX "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
export LC_ALL=C.UTF-8 ROOT SANITIZE=${SANITIZE:-}
unset MAKEFLAGS MFLAGS MAKELEVEL # a make that a test runs is its own

# Sanitized programs: stop at the first finding, say where; a huge allocation returns NULL as it does without them.
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$PWD/spec/support/lsan.supp:print_suppressions=0:${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="halt_on_error=1:allocator_may_return_null=1:${TSAN_OPTIONS:-}"
slower=1
settled=() # clang 14's sanitizers do not get along with every randomised address space
if [ -n "${SANITIZE:-}" ]; then
  slower=5
  if setarch -R true 2>/dev/null; then settled=(setarch -R); fi
fi

# Errors and what is lost for good fail the process. What it finds in the program goes to files: the specs look at stderr.
memcheck=(valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
  "--suppressions=$PWD/spec/support/valgrind.supp")
checked=$scratch/checked
if [ -n "${VALGRIND:-}" ]; then
  slower=20
  settled=("${memcheck[@]}")
  chmod 711 "$scratch" # some cases run as nobody
  mkdir "$checked" "$checked/found"
  chmod 1777 "$checked/found"
  cp "$GODWIT" "$checked/program"
  printf '#!/bin/sh\nexec %s --log-file=%s/found/%%p %s/program "$@"\n' "${memcheck[*]}" "$checked" "$checked" >"$checked/godwit"
  chmod 755 "$checked" "$checked/program" "$checked/godwit"
fi

# spec/faults writes small checkpoints thousands of times and syncs each: in memory where there is room, that is minutes
# less. The other units stay beside the source tree, to which they make hard links.
memory=$scratch
if [ -w /dev/shm ] && [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ]; then
  memory=$(mktemp -d /dev/shm/godwit-test.XXXXXX)
  trap 'chmod -R u+rwX "$scratch" "$memory" 2>/dev/null; rm -rf "$scratch" "$memory"' EXIT
fi

run_units() {
  local unit folder
  for unit in $UNITS; do
    case $unit in
      */spec/faults/*) folder=$memory/$(basename "$unit") ;;
      *) folder=$scratch/$(basename "$unit") ;;
    esac
    mkdir -p "$folder"
    beside "${unit#build/*/}" $((120 * slower)) "${settled[@]}" "$unit" spec "$folder"
  done
}

run_replays() {
  local target corpus
  for target in $REPLAYS; do
    corpus=spec/fuzz/corpus/$(basename "$target" _fuzz)
    if [ -d "$corpus" ]; then
      beside "${target#build/*/}" $((120 * slower)) "${settled[@]}" "$target" "$corpus"
    else
      beside "${target#build/*/}" $((120 * slower)) "${settled[@]}" "$target"
    fi
  done
}

# Modules come from the build, scripts and helpers from the source tree.
lua_environment() {
  # Units start the program only to kill it: nobody would hear what valgrind says of that.
  [ -z "${VALGRIND:-}" ] || GODWIT=$checked/godwit
  export LUA_PATH="$ROOT/scripts/?.lua;$ROOT/scripts/?/init.lua;$ROOT/?.lua;;" LUA_CPATH="$MODULES/?.so;;" GODWIT
  unset LUA_PATH_5_4 LUA_CPATH_5_4 LUA_INIT LUA_INIT_5_4
}

# run_specs ARGUMENT...: busted with these, a process for each file. The modules come from the build, the scripts from the
# source tree.
run_specs() {
  local seed=${SEED:-$(($(date +%s) % 100000))} spec
  if [ -z "$SPECS" ]; then
    echo "there is no spec"
    [ "${CI:-}" != true ] || step specs 1 false
    return
  fi
  echo "specs in random order; SEED=$seed repeats it"
  lua_environment
  export SCRATCH
  # SPECS and SPEC_LUA are words.
  # shellcheck disable=SC2086
  for spec in $SPECS; do
    SCRATCH=$scratch/$(basename "$spec" .lua)
    mkdir "$SCRATCH"
    beside "$spec" $((300 * slower)) "${settled[@]}" $SPEC_LUA "$BUSTED" --lang=en --output=plainTerminal --shuffle --seed="$seed" "$@" -- "$spec"
  done
}

# Prints what valgrind said of the program's runs; each run counts.
judge_checked() {
  local file runs=0 bad=0
  for file in "$checked"/found/*; do
    runs=$((runs + 1))
    [ -s "$file" ] || continue
    bad=$((bad + 1))
    cat "$file"
  done
  echo "$((runs - bad)) passed, $bad failed"
  [ "$bad" -eq 0 ]
}
export -f judge_checked

run_fuzz() {
  local target name seeds found=build/fuzz
  for target in $FUZZERS; do
    name=$(basename "$target" _fuzz.libfuzzer)
    mkdir -p "$found/corpus/$name" "$found/findings"
    seeds=() # new inputs go to the first folder; the kept ones are only read
    [ ! -d "spec/fuzz/corpus/$name" ] || seeds=("spec/fuzz/corpus/$name")
    echo "fuzzing $name for $FUZZ_SECONDS s"
    step "fuzz:$name" $((FUZZ_SECONDS + 120)) spec/support/fuzz_one.sh "$found/$name.log" "$target" "$found/corpus/$name" "${seeds[@]}" \
      -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$found/findings/$name-"
    sed -n 's/^stat::number_of_executed_units: *\([0-9]*\)$/  \1 inputs tried/p' "$found/$name.log"
  done
}

run_interop() {
  export PYTHONDONTWRITEBYTECODE=1 TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES='' TF_ENABLE_ONEDNN_OPTS=0 GODWIT
  # The module and its scripts, for tests that drive Lua.
  export LUA_PATH="$ROOT/scripts/?.lua;$ROOT/scripts/?/init.lua;;" LUA_CPATH="$MODULES/?.so;;"
  SHOW=1 step interop 3000 spec/support/pytest.sh "$VENV/bin/python" "$scratch/interop.xml" spec/tensorflow
}

run_bench() {
  local script
  lua_environment
  for script in spec/bench/*_bench.*; do
    [ -e "$script" ] || { echo "there is no benchmark"; return; }
    case $script in
      *.lua) SHOW=1 step "$script" 3000 lua5.4 "$script" ;;
      *.sh) SHOW=1 step "$script" 3000 bash "$script" ;;
    esac
  done
}

for part in "$@"; do
  case $part in
    units) run_units ;;
    replays) run_replays ;;
    specs) run_specs ;;
    specs-gc) slower=5 run_specs --helper=spec/support/gc.lua ;;
    installed) together; step installed 120 spec/support/installed.sh "$STAGE" ;;
    checked) together; checked=$checked step "the program under valgrind" 60 bash -c judge_checked ;;
    fuzz) run_fuzz ;;
    interop) run_interop ;;
    bench) run_bench ;;
    *) echo "no part called $part" >&2; exit 2 ;;
  esac
done
together
finish

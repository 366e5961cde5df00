# shellcheck shell=bash
# Adding up tests, for the scripts that run them (sourced). Each step is a command whose last line says
# "N passed, M failed"; whatever ends without that line, or with a failing status and nothing failed, counts as a failure.

passed=0
failed=0
broken=() # names of the steps that failed

# Turns what test programs print into "N passed, M failed" lines: our own, busted's, pytest's.
counts_in() {
  sed -n -E \
    -e 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' \
    -e 's/^([0-9]+) success(es)? \/ ([0-9]+) failures? \/ ([0-9]+) errors? \/ ([0-9]+) pending.*$/\1 \3 \4/p' "$1" | tail -n 1
}

# count NAME STATUS LOG: adds what LOG says.
count() {
  local good bad errors
  read -r good bad errors < <(counts_in "$3"; echo)
  if [ -z "$good" ]; then
    printf '%s ended with status %s and without counts\n' "$1" "$2"
    good=0 bad=1
  fi
  bad=$((bad + ${errors:-0}))
  if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then
    printf '%s ended with status %s\n' "$1" "$2"
    bad=1
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  [ "$bad" -eq 0 ] || broken+=("$1")
}

# step NAME SECONDS COMMAND...: runs it and counts; its output is shown when it failed or SHOW is set.
step() {
  local name=$1 seconds=$2 show=${SHOW:-} log status=0 before=$failed
  local bounded=(env -u SHOW timeout --kill-after=10 "$seconds") # steps inside this one decide for themselves
  shift 2
  log=$(mktemp "${TMPDIR:-/tmp}/godwit-step.XXXXXX")
  if [ -n "$show" ]; then
    "${bounded[@]}" "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
  else
    "${bounded[@]}" "$@" >"$log" 2>&1 || status=$?
  fi
  count "$name" "$status" "$log"
  if [ -z "$show" ] && [ "$failed" -gt "$before" ]; then
    printf -- '---- %s (status %s)\n' "$name" "$status"
    cat "$log"
  fi
  rm -f "$log"
}

# beside NAME SECONDS COMMAND...: a step that runs while others do, as many at once as there are processors.
# `together` waits for all of them and counts.
sides=() # a file each: first the counts, then what the step printed
side_step() { # FILE NAME SECONDS COMMAND...: a step whose counts go to a file
  local side=$1 passed=0 failed=0
  local -a broken=()
  # What bash starts beside itself ignores Ctrl-C; some tests send it.
  step "$2" "$3" env --default-signal=INT,QUIT "${@:4}" >"$side.log" 2>&1
  { printf '%s %s %s\n' "$passed" "$failed" "${broken[*]}"; cat "$side.log"; } >"$side"
  rm -f "$side.log"
}
beside() {
  local side
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  side=$(mktemp "${TMPDIR:-/tmp}/godwit-side.XXXXXX")
  sides+=("$side")
  side_step "$side" "$@" </dev/null &
}
together() {
  local side good bad names
  wait
  for side in "${sides[@]}"; do
    if read -r good bad names <"$side"; then
      passed=$((passed + good))
      failed=$((failed + bad))
      [ "$bad" -eq 0 ] || broken+=("$names")
      tail -n +2 "$side"
    else
      failed=$((failed + 1))
      broken+=("a step without a word")
    fi
    rm -f "$side"
  done
  sides=()
}

# The end of a script: the counts alone on the last line, status 0 only when something ran and nothing failed.
finish() {
  [ ${#broken[@]} -eq 0 ] || printf 'failed: %s\n' "${broken[*]}"
  if [ "$((passed + failed))" -eq 0 ]; then
    echo "no test ran"
    failed=1
  fi
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

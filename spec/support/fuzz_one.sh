#!/bin/bash
# One libFuzzer run, LOG PROGRAM ARGUMENT...: passes its output on, keeps it in LOG, then says whether it found something.
# Used by run_tests.sh.
log=$1
shift
"$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
if [ "$status" -eq 0 ]; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
exit "$status"

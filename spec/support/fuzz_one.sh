#!/bin/bash
# One libFuzzer run: passes its output on, then says whether it found something. Used by run_tests.sh.
"$@"
status=$?
if [ "$status" -eq 0 ]; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
exit "$status"

#!/bin/bash
# pytest.sh PYTHON XML FOLDER: runs pytest there, some files side by side, names the versions it judged with, and ends with the counts.
# No test at all is a failure (pytest's status 5).
set -u
python=$1 xml=$2 folder=$3
"$python" -c 'from importlib.metadata import version as v; import sys
print("Python", sys.version.split()[0], "- TensorFlow", v("tensorflow-cpu"), "- numpy", v("numpy"))'
status=0
workers=$(nproc) # each has a TensorFlow of its own in memory
"$python" -m pytest -q -p no:cacheprovider -n $((workers < 4 ? workers : 4)) --dist loadfile --junitxml="$xml" "$folder" || status=$?
"$python" - "$xml" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

suites = tree.parse(sys.argv[1]).getroot().iter("testsuite")
total = bad = skipped = 0
for suite in suites:
    total += int(suite.get("tests"))
    bad += int(suite.get("failures")) + int(suite.get("errors"))
    skipped += int(suite.get("skipped"))
print(f"{total - bad - skipped} passed, {bad} failed")
PYTHON
exit "$status"

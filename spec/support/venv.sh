#!/bin/bash
# venv.sh FOLDER: makes a virtual environment with TensorFlow, pytest, pytest-xdist and the Model Garden there, or keeps it when it is good already.
# TENSORFLOW says which one, as pip writes it. TensorFlow 2.15 needs Python 3.9 to 3.11.
set -euo pipefail
folder=$1
wanted="$TENSORFLOW pytest pytest-xdist"

good() {
  [ "$(cat "$folder/wanted" 2>/dev/null)" = "$wanted" ] &&
    "$folder/bin/python" -c 'from importlib.metadata import version as v; v("tensorflow-cpu"), v("pytest"), v("pytest-xdist")' 2>/dev/null
}
suitable() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null
}

if good; then exit 0; fi
python=
for name in "${PYTHON:-}" python3.11 /usr/bin/python3.11 python3.10 python3.9 python3 /usr/bin/python3; do
  if [ -n "$name" ] && suitable "$name"; then python=$name; break; fi
done
if [ -z "$python" ]; then
  echo "interop needs Python 3.9 to 3.11 with venv (make deps-dev); PYTHON=FILE names one" >&2
  exit 1
fi
echo "making $folder: $wanted, by $("$python" --version)"
rm -rf "$folder"
"$python" -m venv "$folder"
# shellcheck disable=SC2086 # words
"$folder/bin/pip" install --quiet --disable-pip-version-check $wanted
# The Model Garden's files alone, without the dozens of packages that its models need: its BERT is looked at. Where they cannot be
# had, bert_test.py is skipped and says so.
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "tf-models-official==2.15.*" ||
  echo "no Model Garden: bert_test.py will be skipped" >&2
printf '%s\n' "$wanted" >"$folder/wanted"

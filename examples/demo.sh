#!/bin/sh
# A migration from end to end (`make demo`): a checkpoint that TensorFlow 2.15 wrote in training becomes what serving
# needs. GODWIT is the program; the first argument is an empty folder to work in (default: a new one, removed at the end).
set -eu
examples=$(cd "$(dirname "$0")" && pwd)
: "${GODWIT:=$examples/../build/godwit}"
folder=${1:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
cp "$examples/serve_averages.lua" "$examples"/data/digits.ckpt-100.* "$folder"
cd "$folder"

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# Shows a command as one would type it, then runs it.
show() {
  printf '$ godwit %s\n' "$*"
  "$GODWIT" "$@"
}

say "Before: a training checkpoint, as TensorFlow's Saver wrote it"
show inspect digits.ckpt-100

say "The recipe"
sed -n '/^return/,$p' serve_averages.lua

say "What it would do"
show plan serve_averages.lua digits.ckpt-100

say "The migration"
show run serve_averages.lua digits.ckpt-100 -o out/digits.ckpt

say "After"
show inspect out/digits.ckpt
show inspect out/digits.ckpt --values --match bias
show verify out/digits.ckpt

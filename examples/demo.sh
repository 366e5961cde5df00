#!/bin/sh
# A migration from end to end (`make demo`): a checkpoint that TensorFlow 2.15 wrote in training becomes what serving
# needs. GODWIT is the program, the first argument a folder for the result (default: a new one, removed at the end).
set -eu
examples=$(dirname "$0")
: "${GODWIT:=$examples/../build/godwit}"
case $GODWIT in */*) GODWIT=$(cd "$(dirname "$GODWIT")" && pwd)/$(basename "$GODWIT") ;; esac
out=${1:-}
if [ -z "$out" ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
out=$(cd "$out" && pwd)
cd "$examples"

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# Shows a command as one would type it, then runs it.
show() {
  printf '$ godwit'
  for word in "$@"; do printf ' %s' "$word" | sed "s|$out|out|"; done
  printf '\n'
  "$GODWIT" "$@"
}

say "Before: a training checkpoint, as TensorFlow's Saver wrote it"
show inspect data/digits.ckpt-100

say "The recipe"
sed -n '/^return/,$p' serve_averages.lua

say "What it would do"
show plan serve_averages.lua data/digits.ckpt-100

say "The migration"
show run serve_averages.lua data/digits.ckpt-100 -o "$out/digits.ckpt" --force

say "After"
show inspect "$out/digits.ckpt" --values
show verify "$out/digits.ckpt"

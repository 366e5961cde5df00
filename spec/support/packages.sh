#!/bin/sh
# Installs the Debian packages named that are missing. Elsewhere it only says what is needed. Used by `make deps`.
set -eu

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "This is no Debian system. Please install what these packages are called here: $*"
  exit 0
fi

missing=
for package in "$@"; do
  # shellcheck disable=SC2016 # ${Status} is dpkg-query's
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "All $# packages are installed."
  exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "As root, please: apt-get install$missing" >&2; exit 1; }
  as_root=sudo
fi
install_missing() {
  # shellcheck disable=SC2086 # words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}
echo "Installing$missing"
# Package lists may be missing or old.
install_missing || { $as_root apt-get update -q && install_missing; }

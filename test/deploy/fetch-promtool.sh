#!/usr/bin/env bash
# fetch-promtool.sh DIR
#
# Prints the path of promtool: the machine's own, or one that it puts into DIR, out of the packages of this Debian or Ubuntu.
# Needs no root and installs nothing. DIR is either complete or absent. Errors go to stderr.
set -euo pipefail
. "$(dirname "$0")/../../packages/devstack/scripts/private-apt.sh"

dir=$(realpath -m "${1:?usage: fetch-promtool.sh DIR}")
if command -v promtool; then exit 0; fi
if [ -x "$dir/promtool" ]; then echo "$dir/promtool"; exit 0; fi

mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
private_apt_in "$work/apt"
private_apt_unpack "$work/root" prometheus || { private_apt_trouble >&2; exit 1; }
mkdir "$work/new"
cp "$work/root/usr/bin/promtool" "$work/new"
# Another process may have created the same folder first.
mv -T "$work/new" "$dir" 2>/dev/null || [ -x "$dir/promtool" ]
echo "$dir/promtool"

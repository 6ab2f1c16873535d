#!/usr/bin/env bash
# fetch-faketime.sh DIR
#
# Prints the path of libfaketime.so.1: the machine's own, or one that it puts into DIR, out of the packages of this Debian or Ubuntu.
# Needs no root and installs nothing. DIR is either complete or absent. What went wrong is on stderr.
set -euo pipefail
. "$(dirname "$0")/../../packages/devstack/scripts/private-apt.sh"

dir=$(realpath -m "${1:?usage: fetch-faketime.sh DIR}")
name=libfaketime.so.1
for there in /usr/lib/*/faketime/$name /usr/lib/faketime/$name "$dir/$name"; do
  if [ -e "$there" ]; then echo "$there"; exit 0; fi
done

mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
private_apt_in "$work/apt"
private_apt_unpack "$work/root" libfaketime || { private_apt_trouble >&2; exit 1; }
mkdir "$work/new"
find "$work/root" -name "$name" -exec cp -t "$work/new" {} +
# Where another process was faster, its folder is as good.
mv -T "$work/new" "$dir" 2>/dev/null || [ -e "$dir/$name" ]
echo "$dir/$name"

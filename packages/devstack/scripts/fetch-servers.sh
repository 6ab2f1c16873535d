#!/usr/bin/env bash
# fetch-servers.sh DIR
#
# Unpacks redis-server, redis-cli and nats-server from the packages of this Debian or Ubuntu into DIR/bin. Needs no root,
# installs nothing and does not change the machine's apt.
#
# Each program in DIR/bin runs with the loader and the libraries unpacked in DIR, independent of those of the machine. The
# folder may be moved. Callers may use the same DIR concurrently: one fetches, the others wait (5 minutes at most); the
# folder is either complete or absent.
#
# Prints its progress on stderr, and nothing on stdout.
set -euo pipefail
. "$(dirname "$0")/private-apt.sh"

dir=$(realpath -m "${1:?usage: fetch-servers.sh DIR}")
recipe=1 # raise it when a change below must not meet a folder of an older form
say() { echo "$*" >&2; }
failed() { say "$1:"; private_apt_trouble >&2; exit 1; }

# shellcheck source=/dev/null
stamp="recipe $recipe, $(. /etc/os-release; echo "$ID $VERSION_ID"), $(uname -m)"
is_complete() { [ "$(cat "$dir/complete" 2>/dev/null || true)" = "$stamp" ]; }

if is_complete; then exit 0; fi
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock -w 300 9 || { say "another process has been filling $dir for 5 minutes"; exit 1; }
if is_complete; then exit 0; fi

# A folder next to the final one, so that the last step is a rename within one file system.
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
# By an exit, so that the folder is removed after the program that writes to it has ended.
trap 'exit 143' TERM INT HUP
root=$work/new/root
mkdir -p "$work/new/bin" "$root"

say "reading the package lists of this machine's sources"
private_apt_in "$work/apt"

# A simulated installation on an empty machine lists all dependencies of the servers; only libraries matter.
simulated=$(private_apt install --simulate --no-install-recommends redis-server redis-tools nats-server) ||
  failed 'apt knows no redis-server or nats-server (on Ubuntu they are in "universe")'
packages=$(awk '$1 == "Inst" && $2 ~ /^(lib|lua-|zlib|redis-|nats-server$)/ && $2 !~ /perl/ { print $2 }' <<<"$simulated")

say "fetching redis-server, nats-server and their libraries ($(wc -w <<<"$packages") packages)"
# shellcheck disable=SC2086 # one word per package
private_apt_unpack "$root" $packages || failed 'could not fetch the packages'
rm -rf "$root"/{etc,var} "$root"/usr/share "$root"/usr/lib/*/gconv

loader=$(find "$root" -name 'ld-linux-*.so.*' ! -type l -print -quit)
[ -n "$loader" ] || { say 'no program loader among the packages (libc6)'; exit 1; }
libraries=$(find "$root/lib" "$root/usr/lib" -name '*.so.*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)

# wrap NAME PATH: DIR/bin/NAME becomes the program at PATH, run by its own loader with the same process id
wrap() {
  [ -e "$root/$2" ] || { say "the packages hold no $2"; exit 1; }
  cat >"$work/new/bin/$1" <<WRAPPER
#!/bin/sh
here=\${0%/*}/../root
exec "${loader/#$root/\$here}" --library-path "${libraries//$root/\$here}" --argv0 "$1" "\$here/$2" "\$@"
WRAPPER
  chmod 755 "$work/new/bin/$1"
}
wrap redis-server usr/bin/redis-server
wrap redis-cli usr/bin/redis-cli
wrap nats-server usr/sbin/nats-server
for program in redis-server redis-cli nats-server; do
  version=$("$work/new/bin/$program" --version) || { say "$program does not run on this machine"; exit 1; }
  say "$version"
done

echo "$stamp" >"$work/new/complete"
rm -rf "$dir"
mv -T "$work/new" "$dir"

#!/usr/bin/env bash
# build-images.sh SERVERS IMAGE...
#
# Builds substitutes for official images, for a Docker engine that reaches no registry: real Redis, NATS and Node.js from
# Debian's packages and this machine's Node.js, under the official names. Everything that names an image also works with
# the official one.
#
# SERVERS is a folder filled by packages/devstack/scripts/fetch-servers.sh. IMAGE is redis:…, nats:… or node:….
# Environment: NODE_BIN, the node to put into node:… (default: the one on the PATH).
#
# Differences from the official images: the distribution's versions; everything runs as root by default; the system is only
# busybox. All have the label mgm.substitute, whose value changes with this file: an older substitute is built anew.
set -euo pipefail
readonly SUBSTITUTE=2
. "$(dirname "$0")/../packages/devstack/scripts/private-apt.sh"

servers=$(realpath "${1:?usage: build-images.sh SERVERS IMAGE...}")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $(uname -m) in
  x86_64) loader=/lib64/ld-linux-x86-64.so.2 ;;
  aarch64) loader=/lib/ld-linux-aarch64.so.1 ;;
  *) echo "no substitute images for $(uname -m)" >&2; exit 1 ;;
esac

# base ROOT: a root file system whose tools are busybox
base() {
  local applet
  mkdir -p "$1"/{bin,sbin,usr/bin,usr/sbin,usr/local/bin,etc,proc,sys,dev,run,root,tmp,data}
  chmod 1777 "$1/tmp"
  install -m 755 "$work"/busybox/*bin/busybox "$1/bin/busybox" 2>/dev/null ||
    install -m 755 "$work/busybox/usr/bin/busybox" "$1/bin/busybox"
  for applet in $("$1/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s /bin/busybox "$1/bin/$applet"
  done
  ln -s /bin/busybox "$1/usr/bin/env"
  printf '%s\n' root:x:0:0::/root:/bin/sh node:x:1000:1000::/home/node:/bin/sh >"$1/etc/passwd"
  printf '%s\n' root:x:0: node:x:1000: >"$1/etc/group"
  echo 'hosts: files dns' >"$1/etc/nsswitch.conf"
}

# program ROOT FROM FILE: FILE of the system below FROM (/ for this machine) as /usr/local/bin/…, with its libraries
program() {
  local root=$1 from=${2%/} file=$3 ld folders library
  install -D -m 755 "$from$file" "$root/usr/local/bin/$(basename "$file")"
  ld=$(find "$from/lib" "$from/lib64" "$from/usr/lib" -name "$(basename "$loader")" -print -quit 2>/dev/null)
  install -D -m 755 "$(readlink -f "$ld")" "$root$loader"
  # Unpacked programs need the path of their libraries; this machine's programs do not.
  folders=
  if [ -n "$from" ]; then folders=$(find "$from/lib" "$from/usr/lib" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:); fi
  "$ld" ${folders:+--library-path "$folders"} --list "$from$file" | awk '$2 == "=>" { print $3 }' >"$work/libraries"
  while read -r library; do
    case $library in *ld-linux*) continue ;; esac
    install -D -m 644 "$(readlink -f "$library")" "$root/lib/$(uname -m)-linux-gnu/$(basename "$library")"
  done <"$work/libraries"
}

# entrypoint ROOT: reads the official entrypoint's rule for arguments from stdin
entrypoint() {
  { printf '#!/bin/sh\nset -e\n'; cat; echo 'exec "$@"'; } >"$1/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$1/usr/local/bin/docker-entrypoint.sh"
}

# finish ROOT IMAGE CHANGE...
finish() {
  local root=$1 image=$2 change changes=()
  shift 2
  for change in "LABEL mgm.substitute=$SUBSTITUTE" 'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' "$@"; do changes+=(--change "$change"); done
  tar -C "$root" --owner=0 --group=0 --numeric-owner -cf - . | docker import "${changes[@]}" - "$image" >/dev/null
  echo "built a substitute for $image" >&2
}

build_redis() { # IMAGE
  local root=$work/redis
  base "$root"
  program "$root" "$servers/root" /usr/bin/redis-server
  program "$root" "$servers/root" /usr/bin/redis-cli
  # The official image disables protected mode, which refuses all clients outside the container.
  entrypoint "$root" <<'RULE'
case "${1:-}" in -* | *.conf) set -- redis-server "$@" ;; esac
case "$*" in
  *--version | *--help) ;;
  redis-server*) set -- "$@" --protected-mode no ;;
esac
RULE
  # The official image gives the folder to its user.
  chmod 1777 "$root/data"
  finish "$root" "$1" 'CMD ["redis-server"]' 'EXPOSE 6379' 'WORKDIR /data' 'VOLUME /data'
}

build_nats() { # IMAGE
  local root=$work/nats
  base "$root"
  program "$root" "$servers/root" /usr/sbin/nats-server
  mkdir -p "$root/etc/nats"
  printf 'port: 4222\nmonitor_port: 8222\n' >"$root/etc/nats/nats-server.conf"
  entrypoint "$root" <<'RULE'
case "${1:--}" in -*) set -- nats-server "$@" ;; esac
RULE
  finish "$root" "$1" 'CMD ["--config", "/etc/nats/nats-server.conf"]' 'EXPOSE 4222 6222 8222'
}

build_node() { # IMAGE
  local root=$work/node node npm version=${1#node:}
  node=$(readlink -f "${NODE_BIN:-$(command -v node)}")
  case $("$node" --version). in "v${version%%-*}."*) ;; *) echo "$node is not the requested $1" >&2; exit 1 ;; esac
  base "$root"
  mkdir -p "$root/home/node" "$root/usr/local/lib/node_modules"
  program "$root" / "$node"
  # Native packages of npm link to the libraries that glibc still has apart from libc.
  local library
  for library in libdl libm libpthread librt; do
    install -D -m 644 "$(readlink -f "/lib/$(uname -m)-linux-gnu/$library.so".[0-9])" \
      "$(ls -d "/lib/$(uname -m)-linux-gnu/$library.so".[0-9] | sed "s|^|$root|")"
  done
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  entrypoint "$root" <<'RULE'
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ]; then set -- node "$@"; fi
RULE
  finish "$root" "$1" 'CMD ["node"]'
}

private_apt_in "$work/apt"
private_apt_unpack "$work/busybox" busybox-static || { private_apt_trouble >&2; exit 1; }
for image in "$@"; do
  case $image in
    redis:*) build_redis "$image" ;;
    nats:*) build_nats "$image" ;;
    node:*) build_node "$image" ;;
    *) echo "no substitute for $image is known" >&2; exit 1 ;;
  esac
done

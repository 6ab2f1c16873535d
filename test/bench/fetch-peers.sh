#!/usr/bin/env bash
# fetch-peers.sh DIR
#
# Puts etcd, redis-benchmark and ZooKeeper into DIR, out of the packages of this Debian or Ubuntu: DIR/bin/etcd,
# DIR/bin/redis-benchmark, and ZooKeeper's classes as DIR/zookeeper/*.jar (they need a `java` on the machine).
# Needs no root, installs nothing and leaves the machine's apt as it is. DIR is either complete or absent.
# Prints what it does on stderr, and nothing on stdout.
set -euo pipefail
. "$(dirname "$0")/../../packages/devstack/scripts/private-apt.sh"

dir=$(realpath -m "${1:?usage: fetch-peers.sh DIR}")
say() { echo "$*" >&2; }
if [ -e "$dir/complete" ]; then exit 0; fi

mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
say "reading the package lists of this machine's sources"
private_apt_in "$work/apt"

programs=(etcd-server redis-tools libatomic1 libjemalloc2 liblzf1 libssl3)
classes=(libzookeeper-java libnetty-java libslf4j-java libsnappy-java libdropwizard-metrics-java libcommons-cli-java
  libcommons-io-java libjackson2-core-java libjackson2-databind-java libjackson2-annotations-java)
say "fetching etcd-server, redis-tools and libzookeeper-java"
private_apt_unpack "$work/root" "${programs[@]}" "${classes[@]}" || { private_apt_trouble >&2; exit 1; }

mkdir -p "$work/new"/{bin,lib,zookeeper}
cp -P "$work"/root/usr/lib/*/*.so.* "$work/new/lib"
for jar in zookeeper zookeeper-jute slf4j-api slf4j-nop snappy-java metrics-core netty-all commons-cli commons-io \
  jackson-core jackson-databind jackson-annotations; do
  cp -L "$work/root/usr/share/java/$jar.jar" "$work/new/zookeeper"
done
for program in etcd redis-benchmark; do
  cp "$work/root/usr/bin/$program" "$work/new/lib/$program"
  # Of the same release as the machine, so only libraries that it may lack are installed next to it, and never its libc.
  cat >"$work/new/bin/$program" <<'WRAPPER'
#!/bin/sh
here=${0%/*}/../lib
LD_LIBRARY_PATH=$here exec "$here/${0##*/}" "$@"
WRAPPER
  chmod 755 "$work/new/bin/$program"
  say "$("$work/new/bin/$program" --version | head -n 1)"
done

touch "$work/new/complete"
# Where another process was faster, its folder is as good.
mv -T "$work/new" "$dir" 2>/dev/null || [ -e "$dir/complete" ]

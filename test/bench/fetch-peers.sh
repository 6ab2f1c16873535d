#!/usr/bin/env bash
# fetch-peers.sh DIR
#
# Puts etcd and ZooKeeper into DIR, out of the packages of this Debian or Ubuntu: DIR/bin/etcd, and ZooKeeper's classes as
# DIR/zookeeper/*.jar (they need a `java` on the machine).
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

classes=(libzookeeper-java libnetty-java libslf4j-java libsnappy-java libdropwizard-metrics-java libcommons-cli-java
  libcommons-io-java libjackson2-core-java libjackson2-databind-java libjackson2-annotations-java)
say "fetching etcd-server and libzookeeper-java"
private_apt_unpack "$work/root" etcd-server "${classes[@]}" || { private_apt_trouble >&2; exit 1; }

mkdir -p "$work/new"/{bin,zookeeper}
for jar in zookeeper zookeeper-jute slf4j-api slf4j-nop snappy-java metrics-core netty-all commons-cli commons-io \
  jackson-core jackson-databind jackson-annotations; do
  cp -L "$work/root/usr/share/java/$jar.jar" "$work/new/zookeeper"
done
cp "$work/root/usr/bin/etcd" "$work/new/bin"
say "$("$work/new/bin/etcd" --version | head -n 1)"

touch "$work/new/complete"
# Where another process was faster, its folder is as good.
mv -T "$work/new" "$dir" 2>/dev/null || [ -e "$dir/complete" ]

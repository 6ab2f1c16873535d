#!/usr/bin/env bash
# compose-plugin.sh DOCKER_CONFIG
#
# Unpacks the `docker compose` plugin from Debian's or Ubuntu's packages into a Docker configuration folder; needs no root
# and installs nothing. Debian 12 has only the old docker-compose, so on Debian it is the plugin of Debian 13, which needs
# only libc 2.34.
set -euo pipefail
. "$(dirname "$0")/../packages/devstack/scripts/private-apt.sh"

plugins=$(realpath -m "${1:?usage: compose-plugin.sh DOCKER_CONFIG}")/cli-plugins
if [ -x "$plugins/docker-compose" ]; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck source=/dev/null
. /etc/os-release
if [ "$ID" = debian ]; then
  package=docker-compose
  private_apt_in "$work/apt" trixie
else
  package=docker-compose-v2
  private_apt_in "$work/apt"
fi
private_apt_unpack "$work/root" "$package" || { private_apt_trouble >&2; exit 1; }
mkdir -p "$plugins"
install -m 755 "$work"/root/usr/libexec/docker/cli-plugins/docker-compose "$plugins/docker-compose.new" 2>/dev/null ||
  install -m 755 "$work"/root/usr/lib/docker/cli-plugins/docker-compose "$plugins/docker-compose.new"
mv "$plugins/docker-compose.new" "$plugins/docker-compose"

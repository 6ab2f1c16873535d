#!/usr/bin/env bash
# Installs what only tests need, unless it is there: Debian's chromium-headless-shell for those of the console, and the shells for
# which mgmctl has completion scripts.
set -euo pipefail
missing=()
for package in chromium-headless-shell fish zsh; do
  command -v "$package" >/dev/null || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/usr/bin/env bash
# Installs Debian's chromium-headless-shell for the tests of the console, unless it is there.
set -euo pipefail
command -v chromium-headless-shell >/dev/null && exit
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null

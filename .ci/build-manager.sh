#!/usr/bin/env bash
# build-manager.sh IMAGE
#
# Builds the manager's container image from the working tree, as anybody would, with one addition: the machine's own npm
# settings. Behind a proxy that has its own certificates, or with a registry of one's own, `npm ci` inside a build knows
# nothing of them. They go into a throw-away image that only the build stages stand on, so neither the repository
# nor the result holds anything about the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

image=${1:?usage: build-manager.sh IMAGE}
node_image=$(sed -n 's/^ARG NODE_IMAGE=//p' services/manager/Dockerfile)
build_image=mgm-npm-settings:$$
work=$(mktemp -d)
# The build stages inherit the label, so they go with it; the result stands on another image and stays.
trap 'rm -rf "$work"
  docker image rm --no-prune "$build_image" >/dev/null 2>&1 || true
  docker image prune --force --filter "label=mgm.build=$$" >/dev/null || true' EXIT

# Only what decides where packages come from and who may have them.
{
  for key in registry proxy https-proxy noproxy strict-ssl; do
    value=$(npm config get "$key" 2>/dev/null)
    case $value in '' | null | undefined) ;; *) echo "$key=$value" ;; esac
  done
  for file in "$(npm config get globalconfig 2>/dev/null)" "$(npm config get userconfig 2>/dev/null)"; do
    [ ! -r "$file" ] || grep -E '^(//|@[^=]*:registry)' "$file" || true
  done
} >"$work/npmrc"
certificates=${NODE_EXTRA_CA_CERTS:-$(npm config get cafile 2>/dev/null)}
printf '%s\n' "FROM $node_image" "LABEL mgm.build=$$" 'COPY . /etc/npm-settings/' \
  'ENV NPM_CONFIG_GLOBALCONFIG=/etc/npm-settings/npmrc' >"$work/Dockerfile"
if [ -r "$certificates" ]; then
  cp "$certificates" "$work/certificates.pem"
  echo 'ENV NODE_EXTRA_CA_CERTS=/etc/npm-settings/certificates.pem' >>"$work/Dockerfile"
fi
docker build --quiet --tag "$build_image" "$work" >/dev/null

proxies=()
for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
  [ -z "${!name:-}" ] || proxies+=(--build-arg "$name")
done
# On the machine's own network: the engine's bridge may reach neither its name server nor its proxy.
docker build --network host --build-arg "BUILD_IMAGE=$build_image" ${proxies[@]+"${proxies[@]}"} \
  --file services/manager/Dockerfile --tag "$image" .

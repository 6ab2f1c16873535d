#!/usr/bin/env bash
# build-image.sh SERVICE IMAGE
#
# Builds the container image of a service (manager, console) from the working tree, with the npm settings of this machine: `npm ci` inside a
# build needs them behind a proxy with its own certificates, or with a private registry. They are in a temporary image that
# only the build stages use, so neither the repository nor the result contains them.
set -euo pipefail
cd "$(dirname "$0")/.."

service=${1:?usage: build-image.sh SERVICE IMAGE}
image=${2:?usage: build-image.sh SERVICE IMAGE}
dockerfile=services/$service/Dockerfile
node_image=$(sed -n 's/^ARG NODE_IMAGE=//p' "$dockerfile")
build_image=mgm-npm-settings:$$
work=$(mktemp -d)
# The build stages inherit the label and are removed by it; the result has another base image and is kept.
trap 'rm -rf "$work"
  docker image rm --no-prune "$build_image" >/dev/null 2>&1 || true
  docker image prune --force --filter "label=mgm.build=$$" >/dev/null || true' EXIT

# Only settings for the source of packages and its credentials.
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
# On the host network: the engine's bridge may reach neither the name server nor the proxy of the machine.
docker build --network host --build-arg "BUILD_IMAGE=$build_image" ${proxies[@]+"${proxies[@]}"} \
  --file "$dockerfile" --tag "$image" .

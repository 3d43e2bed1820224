#!/usr/bin/env bash
# Builds the node image: node_image/build.sh TAG [docker build arguments...]; prints the image's id.
#
# Uses docker, or podman, whichever can be used. On a machine without a registry, BUILD_OFFLINE names a
# program that is called as `$BUILD_OFFLINE build TAG DOCKERFILE CONTEXT [arguments...]` in their place.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tag=${1:?usage: node_image/build.sh TAG [docker build arguments...]}
shift
revision=$(git -C "$here" rev-parse HEAD 2>/dev/null || echo unknown)
# The engine is the file's own default, said again: buildah 1.28 drops a stage that only a default names.
arguments=(--build-arg RELAY_ENGINE=nginx-rtmp --build-arg "REVISION=$revision" "$@")

if [ -n "${BUILD_OFFLINE:-}" ]; then
    exec "$BUILD_OFFLINE" build "$tag" "$here/Dockerfile" "$here" "${arguments[@]}"
elif docker info >/dev/null 2>&1; then
    exec docker build --quiet -t "$tag" "${arguments[@]}" "$here"
elif podman info >/dev/null 2>&1; then
    # Its own format would drop the health check.
    exec podman build --quiet --format docker -t "$tag" "${arguments[@]}" "$here"
fi
echo "Neither docker nor podman can be used here: install one of them (apt-get install podman), or start docker." >&2
exit 1

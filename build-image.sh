#!/usr/bin/env bash
# Builds one of our images: build-image.sh PART [TAG] [docker build arguments...]; prints the image's id.
#
# PART is node, one of the functions (api, collector, payout, prober), or scheduler: the local one, which runs beside them.
#
# Uses docker, or podman, whichever can be used. On a machine without a registry, BUILD_OFFLINE names a
# program that is called as `$BUILD_OFFLINE build TAG DOCKERFILE CONTEXT [arguments...]` in their place.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
part=${1:?usage: build-image.sh node|api|collector|payout|prober|scheduler [TAG] [docker build arguments...]}
tag=${2:-restream-$part}
shift $(($# < 2 ? $# : 2))
# What the image says of itself: pyproject.toml is the one source of the version. Not by arguments of the Dockerfile: buildah
# 1.28 takes a label of other ones from its cache.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/pyproject.toml")
revision=$(git -C "$here" rev-parse HEAD 2>/dev/null || echo unknown)
labels=(--label "org.opencontainers.image.version=$version" --label "org.opencontainers.image.revision=$revision")
arguments=()
case $part in
api | collector | payout | prober)
    file=functions/Dockerfile
    arguments=(--build-arg "FUNCTION=$part" "${labels[@]}")
    ;;
node)
    file=node_image/Dockerfile
    # The engine is the file's own default, said again: buildah 1.28 drops a stage that only a default names.
    arguments=(--build-arg RELAY_ENGINE=restream "${labels[@]}")
    ;;
scheduler) file=emulator/cloud_scheduler/Dockerfile ;;
*) echo "there is no image of $part: write node, api, collector, payout, prober or scheduler" >&2 && exit 2 ;;
esac
file=$here/$file
arguments+=("$@")

if [ -n "${BUILD_OFFLINE:-}" ]; then
    exec "$BUILD_OFFLINE" build "$tag" "$file" "$here" "${arguments[@]}"
elif docker info >/dev/null 2>&1; then
    # BuildKit leaves out the stages that nothing needs; the builder before it makes them all. Beside an image it may push what
    # it says of it: then each would be three for a registry that keeps the last ten.
    export DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1
    exec docker build --quiet -t "$tag" -f "$file" "${arguments[@]}" "$here"
elif podman info >/dev/null 2>&1; then
    # Its own format would drop the health check.
    exec podman build --quiet --format docker -t "$tag" -f "$file" "${arguments[@]}" "$here"
fi
echo "Neither docker nor podman can be used here: install one of them (apt-get install podman), or start docker." >&2
exit 1

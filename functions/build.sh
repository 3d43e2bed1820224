#!/usr/bin/env bash
# Builds a function as a container: functions/build.sh FUNCTION [TAG] [docker build arguments...]; prints the image's id.
#
# Uses docker, or podman, whichever can be used. On a machine without a registry, BUILD_OFFLINE names a
# program that is called as `$BUILD_OFFLINE build TAG DOCKERFILE CONTEXT [arguments...]` in their place.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
function=${1:?usage: functions/build.sh api|collector|prober|payout|scheduler [TAG] [docker build arguments...]}
tag=${2:-restream-$function}
shift $(($# < 2 ? $# : 2))
# The local scheduler is none of the four, but runs beside them (compose.yaml).
case $function in
api | collector | prober | payout) file=$here/Dockerfile context=$here ;;
scheduler) file=$here/../emulator/cloud_scheduler/Dockerfile context=$here/.. ;;
*) echo "there is no function $function: write api, collector, prober, payout or scheduler" >&2 && exit 2 ;;
esac
arguments=(--build-arg "FUNCTION=$function" "$@")

if [ -n "${BUILD_OFFLINE:-}" ]; then
    exec "$BUILD_OFFLINE" build "$tag" "$file" "$context" "${arguments[@]}"
elif docker info >/dev/null 2>&1; then
    exec docker build --quiet -t "$tag" -f "$file" "${arguments[@]}" "$context"
elif podman info >/dev/null 2>&1; then
    # Its own format would drop the health check.
    exec podman build --quiet --format docker -t "$tag" -f "$file" "${arguments[@]}" "$context"
fi
echo "Neither docker nor podman can be used here: install one of them (apt-get install podman), or start docker." >&2
exit 1

#!/usr/bin/env bash
# Has Cloud Build build an image from an archive in a bucket, unless the registry has it already.
# Environment: PROJECT SOURCE (gs://…zip) STAGING (gs://…, where the builder may read) IMAGE (with its tag)
# ARGUMENT (NAME=value of the Dockerfile) BUILDER.
set -euo pipefail

if ! command -v gcloud >/dev/null; then
    echo "gcloud is missing: install the Google Cloud CLI, or name finished images in the variable \`images\`." >&2
    exit 1
fi
if gcloud artifacts docker images describe "$IMAGE" --project "$PROJECT" --quiet >/dev/null 2>&1; then
    echo "$IMAGE exists"
    exit 0
fi
config=$(mktemp)
trap 'rm -f "$config"' EXIT
cat >"$config" <<EOF
steps:
  - name: gcr.io/cloud-builders/docker
    args: [build, --tag, "$IMAGE", --build-arg, "$ARGUMENT", .]
    env: [DOCKER_BUILDKIT=1]
images: ["$IMAGE"]
serviceAccount: "$BUILDER"
timeout: 1800s
options:
  logging: CLOUD_LOGGING_ONLY
EOF
# Not in the network's region: a new project may build images in few of them. gcloud copies even what is in a bucket, by
# itself to one that the builder may not read.
gcloud builds submit "$SOURCE" --project "$PROJECT" --region global --gcs-source-staging-dir "$STAGING" --config "$config" --quiet

#!/usr/bin/env bash
# Has Cloud Build build an image from an archive in a bucket, unless the registry has it already. What builds it there is the
# repository's own build-image.sh, as on everybody's machine.
# Environment: PROJECT SOURCE (gs://…zip) STAGING (gs://…, where the builder may read) PART (as build-image.sh takes it) IMAGE
# (with its tag) OPTIONS (of docker build, may be empty) BUILDER.
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
cat >"$config" <<EOT
steps:
  - name: gcr.io/cloud-builders/docker
    entrypoint: bash
    args: [build-image.sh, $PART, "$IMAGE"${OPTIONS:+, ${OPTIONS// /, }}]
images: ["$IMAGE"]
serviceAccount: "$BUILDER"
timeout: 1800s
options:
  logging: CLOUD_LOGGING_ONLY
EOT
# Not in the network's region: a new project may build images in few of them. gcloud copies even what is in a bucket, by
# itself to one that the builder may not read.
gcloud builds submit "$SOURCE" --project "$PROJECT" --region global --gcs-source-staging-dir "$STAGING" --config "$config" --quiet

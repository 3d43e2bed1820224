#!/bin/bash
# Prints a secret: read-secret.sh PROJECT NAME. The machine's own identity may read it; it is kept in memory only.
set -euo pipefail
metadata=http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token
token=$(curl --fail --silent --max-time 20 --retry 5 -H 'Metadata-Flavor: Google' "$metadata" | grep -o '"access_token": *"[^"]*"' | cut -d '"' -f 4)
curl --fail --silent --max-time 20 --retry 5 -H @- "https://secretmanager.googleapis.com/v1/projects/$1/secrets/$2/versions/latest:access" <<<"Authorization: Bearer $token" |
    tr -d '\n' | grep -o '"data": *"[^"]*"' | cut -d '"' -f 4 | base64 -d

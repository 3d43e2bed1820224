#!/usr/bin/env bash
# Runs `make preflight` within an apply, as a gate: only what would surely be refused ends it. What cannot be asked is told.
# Environment: PROJECT REGION FIRESTORE_LOCATION SCHEDULER_REGION SIZE (small or large) MACHINE CONTROL_NODES (true or false) CURRENCY (of the budget, or empty).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "preflight was left out, since there is no Python 3.11 here: \`make preflight\` elsewhere asks the same."
    exit 0
fi
options=(--gate --project "$PROJECT" --region "$REGION" --firestore-location "$FIRESTORE_LOCATION" --size "$SIZE" --machine "$MACHINE"
    --scheduler-region "$SCHEDULER_REGION")
if [ "$CONTROL_NODES" != true ]; then options+=(--no-control-nodes); fi
if [ -n "$CURRENCY" ]; then options+=(--currency "$CURRENCY"); fi
# The checkout stays as it is: the archive is made of it.
PYTHONDONTWRITEBYTECODE=1 exec python3 -m tools.preflight "${options[@]}"

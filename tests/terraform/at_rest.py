"""A state as it is read once the payout has paused the jobs, and everything but the databases has
moved to another region: from standard input to its output."""

import json
import sys

state = json.load(sys.stdin)
for resource in state["resources"]:
    for instance in resource["instances"]:
        if resource["type"] == "google_cloud_scheduler_job" and instance["index_key"] != "payout":
            instance["attributes"]["paused"] = True
        if resource["type"] == "google_firestore_database":
            instance["attributes"]["location_id"] = "where-it-was"
state["serial"] += 1
json.dump(state, sys.stdout)

"""`make cost` reckons with what Terraform makes: its record is what a plan has, for each size."""

import json
import re
from typing import Any

from tests.terraform.plans import REQUIRED, Outcome, Resource, applied, resources
from tools.cost.bill import bill
from tools.cost.deployed import FILE
from tools.cost.prices import read
from tools.cost.usage import Usage

LARGE = {**REQUIRED, "size": "large", "expected": {"nodes": 1000}}
LINES = {
    "google_artifact_registry_repository": "images",
    "google_cloud_run_v2_service": "api",
    "google_cloud_scheduler_job": "jobs",
    "google_compute_address": "machines",
    "google_compute_instance_group_manager": "machines",
    "google_compute_instance_template": "disks",
    "google_compute_subnetwork": "logs",
    "google_firestore_backup_schedule": "Firestore",
    "google_firestore_database": "Firestore",
    "google_secret_manager_secret_version": "secrets",
    "google_storage_bucket": "images",
    "google_storage_bucket_object": "images",
}
"""In which line of the bill each type of resource is."""
FREE = re.compile(
    r"google_(project_|service_account|.*_iam_|compute_(network|firewall|health_check)$|"
    r"firestore_(field|index)|logging_metric|monitoring_|billing_budget|"
    r"secret_manager_secret$)|terraform_data|time_sleep|random_"
)
"""What costs nothing: uptime checks stay within what is free, and alerts are free until they are
announced to cost (`announced` of prices.json)."""


def test_every_resource_of_a_plan_is_in_some_line_of_the_bill_or_known_to_be_free() -> None:
    """Whoever adds one says what it costs."""
    known = {line.name for line in bill(Usage(10), read())}
    assert set(LINES.values()) <= known
    for variables in (REQUIRED, LARGE):
        made = [one for one in resources(applied(variables)) if not one.address.startswith("data.")]
        types = {one.type for one in made}
        assert {each for each in types if each not in LINES and not FREE.match(each)} == set()


def test_the_record_is_what_is_applied() -> None:
    """Sizes, numbers and kinds; write what is told here to tools/cost/deployed.json."""
    found = {"small": _deployed(applied()), "large": _deployed(applied(LARGE))}
    assert json.loads(FILE.read_text()) == found, json.dumps(found, indent=1)


def _deployed(outcome: Outcome) -> dict[str, Any]:
    jobs = [one.key for one in resources(outcome, "google_cloud_scheduler_job")]
    machines = resources(outcome, "google_compute_instance_template")
    (disk_gb,) = {one.values["disk"][0]["disk_size_gb"] for one in machines}
    assert all(one.values["network_interface"][0]["access_config"] for one in machines)
    services = resources(outcome, "google_cloud_run_v2_service")
    return {
        "services": {_function(one): _instance(one) for one in services},
        "other_machines": [one.values["machine_type"] for one in machines if one.key != "ingest"],
        "disk_gb": disk_gb,
        "jobs": len(jobs),
        "jobs_a_part": len([name for name in jobs if name.endswith("-0")]),
        "metrics": sum(map(_metrics, resources(outcome, "google_monitoring_alert_policy"))),
        "secrets": len(resources(outcome, "google_secret_manager_secret_version")),
        "uptime_checks": len(resources(outcome, "google_monitoring_uptime_check_config")),
    }


def _function(service: Resource) -> str:
    return str(service.values["name"].split("-")[1])


def _instance(service: Resource) -> dict[str, float]:
    """Billed by requests, and none of them kept warm."""
    template = service.values["template"][0]
    (container,) = template["containers"]
    resources_ = container["resources"][0]
    assert resources_["cpu_idle"]
    assert template["scaling"][0]["min_instance_count"] == 0
    limits = resources_["limits"]
    memory = limits["memory"]
    gib = float(memory[:-2]) / (1 if memory.endswith("Gi") else 1024)
    return {"cpu": float(limits["cpu"]), "gib": gib}


def _metrics(policy: Resource) -> int:
    """How many metrics its conditions read: one that waits for a line of the log reads none."""
    found = 0
    for condition in policy.values["conditions"]:
        for threshold in condition["condition_threshold"]:
            found += 1 + bool(threshold["denominator_filter"])
        for query in condition["condition_prometheus_query_language"]:
            names = set(re.findall(r'\{"([a-z.]+/[^"]+)"', query["query"]))
            assert names
            found += len(names)
        assert not condition["condition_absent"]
    return found

"""What Google's servers cannot do at once is waited for: a first apply goes through."""

import pytest

from tests.terraform.plans import EVERYTHING, applied, resources

PERMISSIONS = {
    "google_artifact_registry_repository_iam_member.builder",
    "google_artifact_registry_repository_iam_member.machines",
    "google_project_iam_member.databases",
    "google_project_iam_member.logs",
    "google_project_iam_member.switches",
    "google_secret_manager_secret_iam_member.readers",
    "google_storage_bucket_iam_member.builder",
}
CALLERS = {"google_cloud_run_v2_service_iam_member.scheduler"}
"""Granted on what is there already."""


def _made() -> set[str]:
    """Every resource of Google's, without its key."""
    addresses = {one.address.partition("[")[0] for one in resources(applied())}
    return {address for address in addresses if address.startswith("google_")}


def test_nothing_is_made_before_its_api_answers() -> None:
    """First the two that Terraform asks projects by, then all others, a minute, and preflight."""
    before = applied().graph
    apis = {"google_project_service.first", "google_project_service.apis"}
    assert "google_project_service.first" in before["google_project_service.apis"]
    for address in _made() - apis:
        assert apis | {"time_sleep.apis", "terraform_data.preflight"} <= before[address], address
    (sleep,) = [one for one in resources(applied(), "time_sleep") if one.key == "apis"]
    assert sleep.values["create_duration"] == "60s"


@pytest.mark.parametrize(
    "address",
    [
        "google_cloud_run_v2_service.functions",
        "google_compute_instance_group_manager.machines",
        "terraform_data.images",
    ],
)
def test_what_runs_as_somebody_waits_for_their_permissions(address: str) -> None:
    """Builds, functions and machines fail when a grant is not known everywhere yet."""
    assert "time_sleep.permissions" in applied().graph[address]


def test_every_grant_is_waited_for() -> None:
    """But those to callers of what runs."""
    granted = {one for one in _made() if one.partition(".")[0].endswith("_iam_member")}
    assert granted == PERMISSIONS | CALLERS
    assert applied().graph["time_sleep.permissions"] >= PERMISSIONS


def test_a_new_grant_is_waited_for_again() -> None:
    """The wait knows which there are: fewer, for example, without control nodes."""
    known = [
        one.values["triggers"]["grants"]
        for outcome in (applied(), applied(EVERYTHING))
        for one in resources(outcome, "time_sleep")
        if one.key == "permissions"
    ]
    assert len(set(known)) == 2


def test_alerts_come_after_what_they_would_miss() -> None:
    """Jobs, and the metrics that their queries name: what is missing then is missing."""
    assert applied().graph["google_monitoring_alert_policy.alerts"] >= {
        "google_logging_metric.metrics",
        "google_cloud_scheduler_job.jobs",
    }


def test_fields_do_not_wait_for_each_other() -> None:
    """What Google refuses of one kind keeps no other from being made."""
    kinds = {f"google_firestore_field.{name}" for name in ("exempt", "queried", "expiry")}
    for kind in kinds:
        assert not applied().graph[kind] & kinds, kind


def test_images_are_there_before_what_runs_them() -> None:
    """Services and machines name them."""
    for address in (
        "google_cloud_run_v2_service.functions",
        "google_compute_instance_group_manager.machines",
    ):
        assert "terraform_data.images" in applied().graph[address]

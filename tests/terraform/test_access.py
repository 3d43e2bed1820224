"""Who may do what, as the plan says it; everything is checked with and without each option."""

from collections import defaultdict
from typing import Any

import pytest

from tests.terraform.plans import EVERYTHING, REQUIRED, Outcome, applied, resources

BOTH = pytest.mark.parametrize("variables", [REQUIRED, EVERYTHING], ids=["defaults", "everything"])
PRIMITIVE = {"roles/owner", "roles/editor", "roles/viewer", "roles/browser"}


def _one(outcome: Outcome, kind: str, key: str) -> dict[str, Any]:
    return next(one.values for one in resources(outcome, kind) if one.key == key)


def _identities(outcome: Outcome) -> dict[str, str]:
    """The service account that each function runs as; all parts of one share it."""
    found = defaultdict(set)
    for one in resources(outcome, "google_cloud_run_v2_service"):
        found[one.key.partition("-")[0]].add(one.values["template"][0]["service_account"])
    return {name: account for name, accounts in found.items() for account in accounts}


@BOTH
def test_everybody_may_call_the_api_and_nothing_else(variables: dict[str, Any]) -> None:
    """Its callers are not checked. `allUsers` stands nowhere: many organizations forbid it."""
    outcome = applied(variables)
    services = resources(outcome, "google_cloud_run_v2_service")
    assert [one.key for one in services if one.values["invoker_iam_disabled"]] == ["api"]
    public = [
        one
        for one in resources(outcome)
        if one.values.get("member") in ("allUsers", "allAuthenticatedUsers")
        or {"allUsers", "allAuthenticatedUsers"} & set(one.values.get("members") or ())
    ]
    assert public == []


@BOTH
def test_collector_payout_and_prober_are_called_by_the_scheduler_alone(
    variables: dict[str, Any],
) -> None:
    """And only from inside Google's network."""
    outcome = applied(variables)
    scheduler = _one(outcome, "google_service_account", "scheduler")["member"]
    callers = defaultdict(set)
    for one in resources(outcome, "google_cloud_run_v2_service_iam_member"):
        callers[one.values["name"]].add((one.values["role"], one.values["member"]))
    parts = range(1, variables.get("prober_partitions", 1))
    called = {"collector", "payout", "prober", *(f"prober-{part}" for part in parts)}
    assert callers.keys() == {f"restream-{name}" for name in called}
    assert all(who == {("roles/run.invoker", scheduler)} for who in callers.values())
    ingress = {"api": "INGRESS_TRAFFIC_ALL"}
    for one in resources(outcome, "google_cloud_run_v2_service"):
        assert one.values["ingress"] == ingress.get(one.key, "INGRESS_TRAFFIC_INTERNAL_ONLY")


@BOTH
def test_nobody_has_a_role_over_the_whole_project(variables: dict[str, Any]) -> None:
    """No primitive role; on the project only a database under a condition, writing logs, and
    switching jobs, for which there is no condition."""
    outcome = applied(variables)
    granted = [one for one in resources(outcome) if "role" in one.values]
    assert not [one.address for one in granted if one.values["role"] in PRIMITIVE]
    for one in resources(outcome, "google_project_iam_member"):
        role = one.values["role"]
        known = ("roles/datastore.user", "roles/logging.logWriter", *_switches(outcome))
        assert role in known, one.address
        assert role != "roles/datastore.user" or one.values["condition"], one.address


def _switches(outcome: Outcome) -> dict[str, set[str]]:
    """Permissions by role, of the roles of our own."""
    return {
        f"projects/my-network-4711/roles/{one.values['role_id']}": set(one.values["permissions"])
        for one in resources(outcome, "google_project_iam_custom_role")
    }


@BOTH
def test_the_payout_pauses_jobs_and_the_api_only_resumes_them(variables: dict[str, Any]) -> None:
    """Nothing else may be done to a job by any part, and nobody may change what it calls."""
    outcome = applied(variables)
    accounts = {
        one.values["member"]: one.key for one in resources(outcome, "google_service_account")
    }
    switches = _switches(outcome)
    may: dict[str, set[str]] = defaultdict(set)
    for one in resources(outcome, "google_project_iam_member"):
        may[accounts[one.values["member"]]] |= switches.get(one.values["role"], set())
    look_and_resume = {"cloudscheduler.jobs.get", "cloudscheduler.jobs.enable"}
    assert {name: has for name, has in may.items() if has} == {
        "api": look_and_resume,
        "payout": look_and_resume | {"cloudscheduler.jobs.pause"},
    }


@BOTH
def test_every_part_has_an_identity_of_its_own(variables: dict[str, Any]) -> None:
    """No two functions or machines share one, and none is a default account."""
    outcome = applied(variables)
    accounts = {one.values["email"] for one in resources(outcome, "google_service_account")}
    used = list(_identities(outcome).values())
    for one in resources(outcome, "google_compute_instance_template"):
        used.append(one.values["service_account"][0]["email"])
    assert len(set(used)) == len(used)
    assert set(used) <= accounts


@BOTH
def test_only_api_and_payout_reach_the_money(variables: dict[str, Any]) -> None:
    """Each function is granted exactly its databases, by name."""
    outcome = applied(variables)
    by_member = {
        _one(outcome, "google_service_account", name)["member"]: name
        for name in ("api", "collector", "payout", "prober")
    }
    reach = defaultdict(set)
    for one in resources(outcome, "google_project_iam_member"):
        if one.values["role"] == "roles/datastore.user":
            (condition,) = one.values["condition"]
            reach[by_member[one.values["member"]]].add(condition["expression"])
    base = 'resource.name == "projects/my-network-4711/databases/'
    measured = f'{base}(default)"'
    money = f'{base}{variables.get("money_database", "money")}"'
    assert reach == {
        "api": {measured, money},
        "payout": {measured, money},
        "collector": {measured},
        "prober": {measured},
    }


@BOTH
def test_the_builder_reads_what_it_builds_and_no_other_bucket(variables: dict[str, Any]) -> None:
    """Our archives, in which gcloud's copies of them stand too."""
    outcome = applied(variables)
    builder = _one(outcome, "google_service_account", "builder")["member"]
    (ours,) = resources(outcome, "google_storage_bucket_iam_member")
    assert (ours.values["member"], ours.values["role"]) == (builder, "roles/storage.objectViewer")
    (bucket,) = resources(outcome, "google_storage_bucket")
    assert ours.values["bucket"] == bucket.values["name"]


@BOTH
def test_a_secret_is_read_by_who_needs_it(variables: dict[str, Any]) -> None:
    """The lottery's key by the prober, the ingest's by the ingest and by the api. Control
    nodes' by their machine, and by the prober, which derives their ids."""
    outcome = applied(variables)
    accounts = {
        one.values["member"]: one.key for one in resources(outcome, "google_service_account")
    }
    names = {
        one.values["id"]: one.key for one in resources(outcome, "google_secret_manager_secret")
    }
    reads = {
        (accounts[one.values["member"]], names[one.values["secret_id"]])
        for one in resources(outcome, "google_secret_manager_secret_iam_member")
    }
    kinds = ("control-key-good", "control-key-bad")
    # In a small network the control nodes share the ingest's machine, and so its identity.
    controls = {(reader, key) for reader in ("ingest", "prober") for key in kinds}
    expected = {
        ("api", "ingest-key"),
        ("prober", "lottery-key"),
        ("ingest", "ingest-key"),
    }
    assert reads == expected | (controls if variables.get("control_nodes", True) else set())


def test_the_prober_knows_the_control_nodes_by_the_keys_that_they_have() -> None:
    """It derives the ids itself; the machine has the same two secrets."""
    outcome = applied()
    service = _one(outcome, "google_cloud_run_v2_service", "prober")
    (container,) = service["template"][0]["containers"]
    read = {
        one["name"]: one["value_source"][0]["secret_key_ref"][0]["secret"]
        for one in container["env"]
        if one.get("value_source")
    }
    for kind in ("good", "bad"):
        assert read[f"CONTROL_{kind.upper()}_NODES"].endswith(f"-control-key-{kind}")


@BOTH
def test_machines_let_in_rtmp_and_nobody_over_ssh(variables: dict[str, Any]) -> None:
    """The ports that are open to the world, and no others."""
    world = {
        port
        for one in resources(applied(variables), "google_compute_firewall")
        if "0.0.0.0/0" in one.values["source_ranges"]
        for rule in one.values["allow"]
        for port in rule["ports"]
    }
    controls = {"1936", "8081", "8082"} if variables.get("control_nodes", True) else set()
    assert world == {"1935"} | controls

"""What is deployed agrees with the code: settings, queries, jobs, databases, machines."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from coordinator.adapters.settings import (
    ApiSettings,
    CollectorSettings,
    PayoutSettings,
    ProberSettings,
    Settings,
)
from coordinator.checking.lengths import RUN_S_MAX
from tests.signing import key_of
from tests.terraform.plans import (
    EVERYTHING,
    FOLDER,
    REQUIRED,
    ROOT,
    applied,
    environment,
    planned,
    resources,
)

BOTH = pytest.mark.parametrize("variables", [REQUIRED, EVERYTHING], ids=["defaults", "everything"])
MODELS: dict[str, type[Settings]] = {
    "api": ApiSettings,
    "collector": CollectorSettings,
    "payout": PayoutSettings,
    "prober": ProberSettings,
}
KEYS = {
    "LOTTERY_KEY": "7" * 64,
    "INGEST_KEY": "5" * 64,
    **{f"CONTROL_{kind}_NODES": f"ed25519:{key_of(len(kind))}" for kind in ("GOOD", "BAD")},
}
"""Of the shape that terraform gives each (test_keys.py); no outcome has them."""
LOCAL = {"PORT", "FIRESTORE_EMULATOR_HOST", "SCHEDULER_EMULATOR_HOST"}
"""What only containers beside each other are told."""
SAME = {"INGEST_KEY_HASH": "INGEST_KEY"}
"""A `.env` is a file: it has the hash of what Secret Manager keeps."""


@BOTH
@pytest.mark.parametrize("function", MODELS)
def test_a_function_is_told_every_setting_it_requires_and_none_it_does_not_know(
    function: str, variables: dict[str, Any]
) -> None:
    """Also those that default to something local."""
    plain, secret = environment(applied(variables), function)
    fields = MODELS[function].model_fields
    known = {name.upper() for name in fields}
    required = {name.upper() for name, field in fields.items() if field.is_required()}
    told = plain.keys() | secret
    assert told <= known
    assert required <= told
    assert not plain.keys() & secret


@BOTH
@pytest.mark.parametrize("function", MODELS)
def test_a_function_accepts_the_settings_it_is_told(
    function: str, variables: dict[str, Any]
) -> None:
    """With secrets of the right shape in the place of those that are read at run time."""
    outcome = applied(variables)
    plain, names = environment(outcome, function)
    secrets = {name: KEYS[name] for name in names}
    # The checker makes up an address and a project's number that are no such things.
    made_up = {
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "PUBLIC_URL": "https://api.example.org",
    }
    given = plain | secrets | {name: made_up[name] for name in made_up.keys() & plain.keys()}
    settings = MODELS[function].from_env(given)
    assert settings.shards == variables.get("shards", 1)


@pytest.mark.parametrize("function", MODELS)
def test_compose_runs_the_same_container_and_tells_it_the_same(function: str) -> None:
    """The Dockerfile, and every variable by name: what runs with compose is what is deployed."""
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][function]
    assert service["build"] == {
        "context": ".",
        "dockerfile": "functions/Dockerfile",
        "args": {"FUNCTION": function},
    }
    plain, secret = environment(applied(), function)
    told = {SAME.get(name, name) for name in service["environment"].keys() - LOCAL}
    assert told == plain.keys() | secret


@BOTH
def test_a_service_serves_its_newest_revision_and_can_be_replaced(
    variables: dict[str, Any],
) -> None:
    """Also after somebody has sent its requests elsewhere by hand; on a whole Linux."""
    for one in resources(applied(variables), "google_cloud_run_v2_service"):
        (traffic,) = one.values["traffic"]
        assert traffic["type"] == "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
        assert traffic["percent"] == 100
        assert one.values["deletion_protection"] is False
        (template,) = one.values["template"]
        assert template["execution_environment"] == "EXECUTION_ENVIRONMENT_GEN2"


@BOTH
def test_a_processor_is_paid_for_while_requests_run(
    variables: dict[str, Any],
) -> None:
    """Cloud Run bills it always where that is left unsaid."""
    for one in resources(applied(variables), "google_cloud_run_v2_service"):
        (resource,) = one.values["template"][0]["containers"][0]["resources"]
        assert resource["cpu_idle"] is True


@BOTH
def test_databases_are_protected_backed_up_and_can_be_turned_back(
    variables: dict[str, Any],
) -> None:
    """Both of them, whatever is set; `terraform destroy` leaves them."""
    outcome = planned(variables)
    databases = {one.key: one.values for one in resources(outcome, "google_firestore_database")}
    assert databases.keys() == {"(default)", "money"}
    for database in databases.values():
        assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
        assert database["deletion_policy"] == "ABANDON"
        assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    backups = resources(outcome, "google_firestore_backup_schedule")
    daily = {one.values["database"] for one in backups if one.values["daily_recurrence"]}
    assert daily == databases.keys()


@BOTH
def test_every_job_calls_a_function_that_exists_with_a_token_made_for_it(
    variables: dict[str, Any],
) -> None:
    """Jobs for each shard and part; deadlines cover what the function may take."""
    outcome = applied(variables)
    services = resources(outcome, "google_cloud_run_v2_service")
    limits = {
        one.values["uri"]: int(one.values["template"][0]["timeout"].rstrip("s")) for one in services
    }
    jobs = resources(outcome, "google_cloud_scheduler_job")
    scheduler = next(
        one.values["email"]
        for one in resources(outcome, "google_service_account")
        if one.key == "scheduler"
    )
    for job in jobs:
        (target,) = job.values["http_target"]
        (token,) = target["oidc_token"]
        assert token["service_account_email"] == scheduler
        assert target["uri"].startswith(token["audience"] + "/")
        assert target["http_method"] == "POST"
        deadline_s = int(job.values["attempt_deadline"].rstrip("s"))
        assert limits[token["audience"]] < deadline_s <= 1800
        assert job.values["time_zone"] == "Etc/UTC"
        assert job.values["paused"] == (job.key in variables.get("paused", ()))
    shards = {re.search(r"shard=(\d+)", j.values["http_target"][0]["uri"]) for j in jobs} - {None}
    assert {int(found[1]) for found in shards if found} == set(range(variables.get("shards", 1)))
    parts = [re.search(r"partition=(\d+)", j.values["http_target"][0]["uri"]) for j in jobs]
    called = sorted(int(found[1]) for found in parts if found)
    assert called == sorted(2 * list(range(variables.get("prober_partitions", 1))))
    probers = {one.values["uri"] for one in services if one.key.startswith("prober")}
    assert len(probers) == variables.get("prober_partitions", 1)
    assert {job.values["http_target"][0]["oidc_token"][0]["audience"] for job in jobs} >= probers
    assert {job.key.partition("-")[0] for job in jobs} == {"collector", "prober", "payout"}


@BOTH
def test_a_run_has_the_time_that_its_longest_check_takes(variables: dict[str, Any]) -> None:
    """Its request ends when nothing of it can be under way any more, and is not tried again."""
    outcome = applied(variables)
    for one in resources(outcome, "google_cloud_run_v2_service"):
        if one.key.startswith("prober"):
            assert one.values["template"][0]["timeout"] == f"{RUN_S_MAX:.0f}s"
    for job in resources(outcome, "google_cloud_scheduler_job"):
        if job.key.startswith("prober"):
            assert int(job.values["attempt_deadline"].rstrip("s")) > RUN_S_MAX
            (retries,) = job.values["retry_config"]
            assert retries["retry_count"] == 0


@BOTH
def test_the_functions_know_the_jobs_by_name_and_leave_alone_what_ops_pause(
    variables: dict[str, Any],
) -> None:
    """All are shown by the api; collector's and prober's are switched, unless ops paused them."""
    outcome = applied(variables)
    project, region = variables["project_id"], variables.get("scheduler_region", "europe-west1")
    names = {
        job.key: f"projects/{project}/locations/{region}/jobs/{job.values['name']}"
        for job in resources(outcome, "google_cloud_scheduler_job")
    }
    told = {name: environment(outcome, name)[0] for name in ("api", "payout")}
    assert set(told["api"]["SCHEDULER_JOBS"].split(",")) == set(names.values())
    paused = variables.get("paused", ())
    switched = {
        name
        for key, name in names.items()
        if (function := key.partition("-")[0]) != "payout" and function not in paused
    }
    for given in told.values():
        assert set(filter(None, given["SCHEDULER_SWITCHED"].split(","))) == switched


@BOTH
def test_a_network_at_rest_has_nothing_to_change(variables: dict[str, Any]) -> None:
    """What the payout has paused is no drift, nor is it where the databases are. What ops pause
    makes the job anew."""
    outcome = applied(variables)
    assert outcome.resting == frozenset()
    paused = {
        one.key: one.values["triggers_replace"]
        for one in resources(outcome, "terraform_data")
        if one.address.startswith("terraform_data.paused")
    }
    jobs = {one.key: one.values for one in resources(outcome, "google_cloud_scheduler_job")}
    assert paused == {key: job["paused"] for key, job in jobs.items()}
    text = (FOLDER / "scheduler.tf").read_text()
    assert "ignore_changes       = [paused]" in text
    assert "replace_triggered_by = [terraform_data.paused[each.key]]" in text


@BOTH
def test_jobs_are_where_ops_want_them(variables: dict[str, Any]) -> None:
    """And what calls them has no place of its own."""
    wanted = variables.get("scheduler_region", variables.get("region", "europe-west1"))
    jobs = resources(applied(variables), "google_cloud_scheduler_job")
    assert {job.values["region"] for job in jobs} == {wanted}


def test_no_job_asks_for_what_the_cloud_takes_for_its_default() -> None:
    """Of 0 doublings Cloud Scheduler makes 5, and every plan would want to change it back."""
    jobs = json.loads((FOLDER / "jobs.json").read_text())["jobs"]
    assert all(job["retry"]["doublings_max"] > 0 for job in jobs.values())
    assert all(15 <= job["attempt_deadline_s"] <= 1800 for job in jobs.values())
    assert all(0 <= job["retry"]["count"] <= 5 for job in jobs.values())


@BOTH
def test_operators_are_told_an_image_that_they_can_have(variables: dict[str, Any]) -> None:
    """Their own, or one that ops name: what is built for the project is not public."""
    line = applied(variables).state["values"]["outputs"]["operator_line"]["value"]
    image = variables.get("images", {}).get("node", "restream-node")
    assert line.endswith(f" -e STREAM_ID=auto {image}")
    assert applied(variables).state["values"]["outputs"]["api_url"]["value"] in line


def test_the_files_are_formatted() -> None:
    """As `terraform fmt` would."""
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(FOLDER)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_api_is_asked_for_a_path_that_reaches_it() -> None:
    """Cloud Run's front end keeps /healthz, and what ends in z might follow, for itself."""
    (path,) = [
        one.values["http_check"][0]["path"]
        for one in resources(applied(), "google_monitoring_uptime_check_config")
        if one.values["http_check"]
    ]
    app = (ROOT / "functions" / "api" / "app.py").read_text()
    assert f'@app.get("{path}"' in app
    assert not path.endswith("z")
    ops = (ROOT / "docs" / "ops.md").read_text()
    assert f"`curl $API{path}`" in ops


def test_every_alert_says_what_to_do_first() -> None:
    """And has a subject."""
    for one in resources(planned(EVERYTHING), "google_monitoring_alert_policy"):
        (documentation,) = one.values["documentation"]
        assert len(documentation["content"]) > 80, one.address
        assert documentation["subject"]


def test_no_file_names_a_machine_of_ours() -> None:
    """Nothing but the project's own paths."""
    for path in FOLDER.rglob("*"):
        if path.is_file():
            assert not re.search(r"/(root|work|opt)/", path.read_text()), path

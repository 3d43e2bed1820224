"""What is deployed agrees with the code: settings, queries, jobs, databases, machines."""

import ast
import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
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
from tests.terraform.plans import (
    EVERYTHING,
    FOLDER,
    REQUIRED,
    ROOT,
    Outcome,
    applied,
    planned,
    resources,
    run,
)

BOTH = pytest.mark.parametrize("variables", [REQUIRED, EVERYTHING], ids=["defaults", "everything"])
MODELS: dict[str, type[Settings]] = {
    "api": ApiSettings,
    "collector": CollectorSettings,
    "payout": PayoutSettings,
    "prober": ProberSettings,
}
PLATFORM = {"FUNCTION_USE_ASGI"}


def _environment(outcome: Outcome, function: str) -> tuple[dict[str, str], set[str]]:
    """(plain variables, names of those that are read from secrets)."""
    if function == "prober":
        (service,) = resources(outcome, "google_cloud_run_v2_service")
        entries = service.values["template"][0]["containers"][0]["env"]
        plain = {e["name"]: e["value"] or "" for e in entries if not e.get("value_source")}
        return plain, {e["name"] for e in entries} - plain.keys()
    found = resources(outcome, "google_cloudfunctions2_function")
    config = next(one.values["service_config"][0] for one in found if one.key == function)
    secret = {entry["key"] for entry in config["secret_environment_variables"] or ()}
    return dict(config["environment_variables"]), secret


@BOTH
@pytest.mark.parametrize("function", MODELS)
def test_a_function_is_told_every_setting_it_requires_and_none_it_does_not_know(
    function: str, variables: dict[str, Any]
) -> None:
    """Also those that default to something local."""
    plain, secret = _environment(applied(variables), function)
    fields = MODELS[function].model_fields
    known = {name.upper() for name in fields}
    required = {name.upper() for name, field in fields.items() if field.is_required()}
    told = (plain.keys() | secret) - PLATFORM
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
    plain, _ = _environment(outcome, function)
    secrets = {
        one.key.replace("-", "_").upper(): one.values["secret_data"]
        for one in resources(outcome, "google_secret_manager_secret_version")
    }
    # The checker makes up an address and a project's number that are no such things.
    made_up = {
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "PUBLIC_URL": "https://api.example.org",
    }
    given = plain | secrets | {name: made_up[name] for name in made_up.keys() & plain.keys()}
    settings = MODELS[function].from_env(given)
    assert settings.shards == variables.get("shards", 1)


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
    """A collector's job for each shard; deadlines cover what the function may take."""
    outcome = applied(variables)
    limits = {
        one.values["service_config"][0]["uri"]: one.values["service_config"][0]["timeout_seconds"]
        for one in resources(outcome, "google_cloudfunctions2_function")
    }
    (prober,) = resources(outcome, "google_cloud_run_v2_service")
    limits[prober.values["uri"]] = int(prober.values["template"][0]["timeout"].rstrip("s"))
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
    assert {job.key.partition("-")[0] for job in jobs} == {"collector", "prober", "payout"}


@BOTH
def test_the_functions_know_the_jobs_by_name_and_leave_alone_what_ops_pause(
    variables: dict[str, Any],
) -> None:
    """All are shown by the api; collector's and prober's are switched, unless ops paused them."""
    outcome = applied(variables)
    project, region = variables["project_id"], variables.get("region", "europe-west1")
    names = {
        job.key: f"projects/{project}/locations/{region}/jobs/{job.values['name']}"
        for job in resources(outcome, "google_cloud_scheduler_job")
    }
    told = {name: _environment(outcome, name)[0] for name in ("api", "payout")}
    assert set(told["api"]["SCHEDULER_JOBS"].split(",")) == set(names.values())
    paused = variables.get("paused", ())
    switched = {
        name
        for key, name in names.items()
        if (function := key.partition("-")[0]) != "payout" and function not in paused
    }
    for environment in told.values():
        assert set(filter(None, environment["SCHEDULER_SWITCHED"].split(","))) == switched


def test_a_network_at_rest_raises_no_alarm() -> None:
    """What is missing then is asked for only while the payout's reviews find it measured."""
    outcome = applied()
    metrics = {one.key: one.values["name"] for one in resources(outcome, "google_logging_metric")}
    payout = (ROOT / "functions" / "payout" / "resting.py").read_text()
    for one in resources(outcome, "google_monitoring_alert_policy"):
        conditions = one.values["conditions"]
        missing = "".join(
            c["condition_absent"][0]["filter"] for c in conditions if c["condition_absent"]
        )
        if any(f'/{metrics[name]}"' in missing for name in ("sweeps", "runs")):
            (awake,) = [c["condition_threshold"][0] for c in conditions if c["condition_threshold"]]
            assert one.values["combiner"] == "AND"
            assert metrics["awake"] in awake["filter"]
            every = json.loads((FOLDER / "jobs.json").read_text())["jobs"]["payout"]["schedule"]
            assert every == "4-59/10 * * * *"
            # Longer than from one review to the next, and over before five minutes are missing.
            assert 600 < int(awake["aggregations"][0]["alignment_period"].rstrip("s")) < 900
    assert '"jobs_reviewed"' in payout
    assert '"resting"' in payout


def _collections_and_queries() -> dict[str, set[str]]:
    """Every collection that the adapters name, with the fields they query it by."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "functions" / "coordinator" / "adapters").rglob("*.py"):
        tree = ast.parse(path.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        ranges = {
            a.value
            for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr == "_range"
            for a in call.args
            if isinstance(a, ast.Constant) and isinstance(a.value, str)
        }
        for function in ast.walk(tree):
            if not isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                continue
            assigned = (
                _assigned(function) | {"field": ranges}
                if function.name == "_range"
                else (_assigned(function))
            )
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
                if (
                    name == "find"
                    and len(call.args) == 2
                    and isinstance(call.args[0], ast.Constant)
                ):
                    field = call.args[1]
                    fields = (
                        {field.value}
                        if isinstance(field, ast.Constant)
                        else assigned[ast.unparse(field)]
                    )
                    found[str(call.args[0].value)] |= {str(one) for one in fields}
        for call in calls:
            is_ref = isinstance(call.func, ast.Name) and call.func.id == "Ref"
            if is_ref and isinstance(call.args[0], ast.Constant):
                found[str(call.args[0].value)] |= set()
    return dict(found)


def _assigned(function: ast.AST) -> dict[str, set[str]]:
    """Strings that the variables of a function can hold."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(function):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            assert isinstance(node, ast.Assign)
            value = node.value
            pairs = (
                zip(target.elts, value.elts, strict=True)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for name, held in pairs:
                if isinstance(held, ast.Constant) and isinstance(held.value, str):
                    found[ast.unparse(name)].add(held.value)
    return found


def test_exactly_the_fields_that_are_queried_have_an_index() -> None:
    """And every collection of the code is listed: a new one would be indexed in every field."""
    listed = json.loads((FOLDER / "queries.json").read_text())
    declared = {
        collection: set(database["queried"].get(collection, ()))
        for database in listed.values()
        for collection in [*database["queried"], *database["others"]]
    }
    assert declared == _collections_and_queries()


EXPIRING = {
    "replace_roster": "rosters",
    "create_sweep": "probe_results",
    "create_rollup": "rollups",
    "claim_run": "claims",
    "record_run": "probe_results",
    "create_thumbnail": "thumbnails",
}
"""Function of the adapters that gives a document an end, and its collection."""


def _functions_that_name(constant: str) -> set[str]:
    """Methods of the adapters in which a string stands."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = set()
    for path in (ROOT / "functions" / "coordinator" / "adapters").rglob("*.py"):
        classes = [c for c in ast.walk(ast.parse(path.read_text())) if isinstance(c, ast.ClassDef)]
        for method in (one for each in classes for one in each.body if isinstance(one, functions)):
            words = (n.value for n in ast.walk(method) if isinstance(n, ast.Constant))
            if constant in words:
                found.add(method.name)
    return found


def test_every_document_that_expires_has_a_policy() -> None:
    """`expire_at` is written to these collections and no other."""
    assert _functions_that_name("expire_at") == EXPIRING.keys()
    outcome = planned()
    policies = {
        one.values["collection"]
        for one in resources(outcome, "google_firestore_field")
        if one.values["field"] == "expire_at" and one.values["ttl_config"] is not None
    }
    assert policies == set(EXPIRING.values())
    exempt = [
        one for one in resources(outcome, "google_firestore_field") if one.values["field"] == "*"
    ]
    assert all(not one.values["index_config"][0].get("indexes") for one in exempt)


def test_images_are_built_once_and_by_their_source() -> None:
    """By an identity of its own, with the argument that its Dockerfile needs."""
    builds = applied().builds
    assert builds.count("builds submit gs://") == 2
    assert "FUNCTION=prober" in builds
    assert "RELAY_ENGINE=nginx-rtmp" in builds
    assert builds.count("serviceAccount:") == 2
    # What gcloud copies a source to must be where the builder may read.
    staging = "--gcs-source-staging-dir gs://my-network-4711-restream-archives/staging"
    assert builds.count(f"--region global {staging} ") == 2
    (bucket,) = resources(applied(), "google_storage_bucket")
    rules = [rule["condition"][0]["matches_prefix"] for rule in bucket.values["lifecycle_rule"]]
    assert ["staging/"] in rules
    assert applied(EVERYTHING).builds == ""


@BOTH
def test_a_machine_starts_the_image_in_its_role(variables: dict[str, Any]) -> None:
    """What cloud-init is given is YAML, with the units that it starts."""
    for one in resources(applied(variables), "google_compute_instance_template"):
        config = yaml.safe_load(one.values["metadata"]["user-data"])
        files = {file["path"]: file["content"] for file in config["write_files"]}
        (start,) = (line for line in config["runcmd"] if line.startswith("systemctl start"))
        for unit in start.split()[2:]:
            text = files[f"/etc/systemd/system/{unit}"]
            assert "ExecStart=/usr/bin/docker run" in text
            assert "Restart=always" in text
        if one.key == "ingest":
            assert "ROLE=ingest" in files["/etc/systemd/system/restream.service"]
        else:
            compile(files["/etc/restream/claims.py"], "claims.py", "exec")
        assert files["/etc/restream/read-secret.sh"].startswith("#!/bin/bash")
        assert one.values["shielded_instance_config"][0]["enable_secure_boot"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a region that does not exist": ({"region": "europe-west99"}, "region: write one region"),
    "a zone": ({"region": "europe-west1-b"}, "no zone and no multi-region"),
    "a project's name": ({"project_id": "My Network"}, "project_id: write the project's id"),
    "a sponsor with odd characters": ({"sponsors": ["Café d'Or"]}, "sponsors: write at least one"),
    "no sponsor": ({"sponsors": []}, "sponsors: write at least one name"),
    "a sponsor's key, not its hash": (
        {
            "sponsors": ["radio"],
            "sponsor_key_hashes": {"opera": ["lrnQ9xS0pTeP8bF2dY1hK3wZ5vC7mA6u"]},
        },
        "write the hashes that `make sponsor` prints",
    ),
    "a hash of an odd name": (
        {"sponsors": ["radio"], "sponsor_key_hashes": {"City Radio": ["a" * 64]}},
        "sponsor_key_hashes: write each name in 1 to 40",
    ),
    "a prober that Cloud Run cannot fetch": (
        {"images": {"prober": "ghcr.io/x/prober@sha256:" + "a" * 64}},
        "images: write a prober from a registry that Cloud Run reads",
    ),
    "a name without a hash": (
        {"sponsors": ["radio"], "sponsor_key_hashes": {"opera": []}},
        "sponsor_key_hashes: write at least one hash for each name",
    ),
    "an image by its tag": ({"images": {"node": "ghcr.io/x/node:1"}}, "write each with its digest"),
    "no shard": ({"shards": 0}, "shards: write a whole number from 1 to 64"),
    "a thousand shards": ({"shards": 1000}, "shards: write a whole number from 1 to 64"),
    "half a shard": ({"shards": 1.5}, "shards: write a whole number from 1 to 64"),
    "too many checks": ({"checks_per_hour": 61}, "at most one a minute"),
    "a budget of no account": ({"budget": {"amount": 5}}, "budget: write billing_account"),
    "a budget of no amount": (
        {"budget": {"billing_account": "012345-6789AB-CDEF01"}},
        "budget: write amount as a whole number",
    ),
    "an unknown relay": ({"relay_engine": "srs"}, "relay_engine: write nginx-rtmp or rtmp_relay"),
    "an address without a host": ({"alert_emails": ["ops"]}, "alert_emails: write whole addresses"),
    "more warm than there may be": (
        {"api_instances": {"min": 5, "max": 2}},
        "api_instances: write min from 0",
    ),
    "pausing the api": ({"paused": ["api"]}, "paused: write names among collector"),
    "a key of nobody": (
        {"sponsors": ["radio"], "key_generation": {"sponsors": {"x": 2}}},
        "must also stand in sponsors",
    ),
    "a location of its own": ({"firestore_location": "moon"}, "firestore_location: write null"),
    "a database of an odd name": ({"money_database": "Money 2"}, "money_database: write money, or"),
    "too long a holding": ({"holding_epochs": 1000}, "hours from 0 to 168"),
    "no machine type": ({"ingest_machine": "big"}, "ingest_machine: write a machine type"),
    "a machine of another processor": (
        {"ingest_machine": "t2a-standard-2"},
        "ingest_machine: write a machine type of the series e2",
    ),
}


def _rounds() -> list[list[str]]:
    """The cases, each round with at most one of every variable: terraform tells all at once."""
    rounds: list[list[str]] = []
    for case, (variables, _) in BAD.items():
        for taken in rounds:
            if not any(BAD[other][0].keys() & variables.keys() for other in taken):
                taken.append(case)
                break
        else:
            rounds.append([case])
    return rounds


@pytest.mark.parametrize("cases", _rounds(), ids="; ".join)
def test_bad_input_is_refused_with_what_to_write(cases: list[str]) -> None:
    """At plan time, before anything is made."""
    variables: dict[str, Any] = dict(REQUIRED)
    for case in cases:
        variables |= BAD[case][0]
    outcome = run("plan", variables)
    assert outcome.status != 0
    assert not outcome.plan
    for case in cases:
        assert BAD[case][1] in outcome.text, case


def test_nothing_is_planned_without_a_project() -> None:
    """The one thing that has no default."""
    outcome = run("plan", {})
    assert outcome.status != 0
    assert "project_id" in outcome.text


def test_the_example_of_variables_can_be_planned() -> None:
    """As it is, after a copy."""
    outcome = run("plan", FOLDER / "terraform.tfvars.example")
    assert outcome.status == 0, outcome.text[-3000:]
    text = (FOLDER / "terraform.tfvars.example").read_text()
    given = {name: said["value"] for name, said in outcome.plan["variables"].items()}
    for name in re.findall(r"^(\w+) +=", text, re.MULTILINE):
        assert given[name] is not None
    assert {one.key for one in resources(outcome, "google_billing_budget")} == {"0"}


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


def test_the_readme_names_every_input_and_output() -> None:
    """With the description and the default that terraform knows."""
    readme = (FOLDER / "README.md").read_text()
    configuration = planned().plan["configuration"]["root_module"]
    for name, variable in configuration["variables"].items():
        default = json.dumps(variable["default"]) if "default" in variable else "required"
        shown = "null" if default == "null" else default
        assert f"| `{name}` | `{shown}` | {variable['description']} |" in readme
    for name, output in configuration["outputs"].items():
        assert f"| `{name}` | {output['description']} |" in readme
    rows = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)
    assert set(rows) == configuration["variables"].keys() | configuration["outputs"].keys()


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
            assert not re.search(r"/(root|work|opt)/", _text(path)), path


def _text(path: Path) -> str:
    return path.read_text()

"""What ops may tell terraform, and what it answers to what it cannot take."""

import json
import re
from typing import Any

import pytest

from tests.terraform.plans import EVERYTHING, FOLDER, REQUIRED, Resource, planned, resources, run

BUDGET_NAME_CHARS_MAX = 60  # Cloud Billing Budget API, Budget.display_name

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a region that does not exist": ({"region": "europe-west99"}, "region: write one region"),
    "a zone": ({"region": "europe-west1-b"}, "no zone and no multi-region"),
    "a project's name": ({"project_id": "My Network"}, "project_id: write the project's id"),
    "a function that Cloud Run cannot fetch": (
        {"images": {"payout": "ghcr.io/x/payout@sha256:" + "a" * 64}},
        "images: write functions from a registry that Cloud Run reads",
    ),
    "an image by its tag": ({"images": {"node": "ghcr.io/x/node:1"}}, "write each with its digest"),
    "no shard": ({"shards": 0}, "shards: write a whole number from 1 to 64"),
    "a thousand shards": ({"shards": 1000}, "shards: write a whole number from 1 to 64"),
    "half a shard": ({"shards": 1.5}, "shards: write a whole number from 1 to 64"),
    "a prober of three processors": ({"prober_cpus": 3}, "prober_cpus: write 1, 2 or 4"),
    "no prober": ({"prober_partitions": 0}, "prober_partitions: write a whole number from 1"),
    "too many checks": ({"checks_per_hour": 61}, "at most one a minute"),
    "a budget of no account": ({"budget": {"amount": 5}}, "budget: write billing_account"),
    "a budget of no amount": (
        {"budget": {"billing_account": "012345-6789AB-CDEF01"}},
        "budget: write amount as a whole number",
    ),
    "an unknown relay": ({"relay_engine": "srs"}, "relay_engine: write restream or rtmp_relay"),
    "an address without a host": ({"alert_emails": ["ops"]}, "alert_emails: write whole addresses"),
    "more warm than there may be": (
        {"api_instances": {"min": 5, "max": 2}},
        "api_instances: write min from 0",
    ),
    "pausing the api": ({"paused": ["api"]}, "paused: write names among collector"),
    "a location of its own": ({"firestore_location": "moon"}, "firestore_location: write null"),
    # Terraform looks at no rule that asks for another variable while that one is wrong. So the
    # other one stands beside it, and keeps its own bad values out of the round.
    "jobs in no region": (
        {"region": "europe-west1", "scheduler_region": "eur3"},
        "scheduler_region: write null for",
    ),
    "a region without Cloud Scheduler": (
        {"region": "us-south1"},
        "scheduler_region: Cloud Scheduler was not in us-south1",
    ),
    "exemptions that are neither on nor off": ({"exempt_fields": "some"}, "a bool is required"),
    "a database of an odd name": ({"money_database": "Money 2"}, "money_database: write money, or"),
    "too long a holding": ({"holding_epochs": 1000}, "hours from 0 to 168"),
    "no machine type": ({"ingest_machine": "big"}, "ingest_machine: write a machine type"),
    "a size of shirts": ({"size": "medium", "expected": {}}, "size: write small or large"),
    "more than a small network sends": (
        {"size": "small", "expected": {"nodes": 51}},
        'size: nodes that pull more than 200 Mbit/s together need size = "large"',
    ),
    "more than any machine sends": (
        {"size": "large", "expected": {"nodes": 1751}},
        "expected: no machine sends more than 7,000 Mbit/s",
    ),
    "half a node": ({"expected": {"nodes": 0.5}}, "expected: write nodes as a whole number"),
    "a stream of no bits": ({"expected": {"mbits": 0}}, "expected: write nodes as a whole number"),
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
    (budget,) = resources(outcome, "google_billing_budget")
    assert "docs/ops.md, When an alert comes" in budget.values["display_name"]
    assert len(budget.values["display_name"]) <= BUDGET_NAME_CHARS_MAX
    assert _currency(budget) is None


def _currency(budget: Resource) -> Any:
    (amount,) = budget.values["amount"]
    (specified,) = amount["specified_amount"]
    return specified.get("currency_code")


def test_a_budget_counts_in_the_account_s_own_currency_unless_it_is_told() -> None:
    """Google refuses any other one; preflight tells it before."""
    (budget,) = resources(planned(EVERYTHING), "google_billing_budget")
    assert _currency(budget) == "EUR"


def test_places_are_told_with_their_source_and_date() -> None:
    """And no region of jobs is one that nothing else is in."""
    text = (FOLDER / "locals.tf").read_text()
    assert "scheduler/docs/locations" in text
    assert "September 24, 2026" in text
    lists = re.findall(r"^  (\w*regions) = \[\n(.+?)\n  \]", text, re.MULTILINE | re.DOTALL)
    regions, schedulers = (set(re.findall(r'"([a-z0-9-]+)"', body)) for _, body in lists)
    assert "europe-west1" in schedulers < regions
    # A region that has none can be had all the same: everything of EVERYTHING is tried in one.
    assert EVERYTHING["region"] in regions - schedulers
    assert EVERYTHING["scheduler_region"] in schedulers


def test_the_configuration_is_valid() -> None:
    """Whatever the inputs."""
    outcome = run("validate", {})
    assert outcome.status == 0, outcome.text[-3000:]


def test_every_input_is_tried_with_another_value_than_its_default() -> None:
    """Else a plan with everything would be one with nearly everything."""
    declared = planned().plan["configuration"]["root_module"]["variables"]
    assert EVERYTHING.keys() == declared.keys()
    assert [name for name in EVERYTHING if EVERYTHING[name] == declared[name].get("default")] == []


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

"""The examples of a network: each can be applied as it stands, and makes what it says.

Behind each apply the checker plans again, and fails if anything is left to change.
"""

import re
from functools import cache

import pytest

from tests.terraform.plans import FOLDER, HERE, Outcome, resources, run

NAMES = sorted(path.stem for path in (FOLDER / "examples").glob("*.tfvars"))


@cache
def _made(name: str) -> Outcome:
    """All of one, applied once."""
    path = FOLDER / "examples" / f"{name}.tfvars"
    outcome = run("apply", path, str(HERE / "stand_ins"))
    assert outcome.status == 0, outcome.text[-3000:]
    return outcome


def _groups(outcome: Outcome) -> dict[str, str]:
    """The groups of machines, and the type of each."""
    types = {one.key: one.values["machine_type"]
             for one in resources(outcome, "google_compute_instance_template")}  # fmt: skip
    groups = resources(outcome, "google_compute_instance_group_manager")
    return {one.key: types[one.key] for one in groups}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_be_applied_and_then_changes_nothing(name: str) -> None:
    """With no other input than stands in it."""
    assert len(resources(_made(name), "google_cloud_run_v2_service")) >= 4


def test_a_small_network_has_one_small_machine() -> None:
    """The control nodes share it."""
    outcome = _made("small")
    assert list(_groups(outcome)) == ["ingest"]
    assert re.match(r"e2-(micro|small)$", _groups(outcome)["ingest"])


def test_a_large_network_has_what_it_is_expected_to_need() -> None:
    """Machines apart, and databases in several regions."""
    outcome = _made("large")
    assert sorted(_groups(outcome)) == ["control", "ingest"]
    places = {one.values["location_id"] for one in resources(outcome, "google_firestore_database")}
    assert places == {"eur3"}


def test_images_that_are_given_are_what_runs_and_none_is_built() -> None:
    """By digest, each of its own."""
    outcome = _made("images")
    assert outcome.builds == ""
    text = (FOLDER / "examples" / "images.tfvars").read_text()
    given = dict(re.findall(r'^ +(\w+) += "(\S+@sha256:\w{64})"$', text, re.MULTILINE))
    services = resources(outcome, "google_cloud_run_v2_service")
    run_by = {one.key: one.values["template"][0]["containers"][0]["image"] for one in services}
    assert run_by == {name: image for name, image in given.items() if name != "node"}
    (template,) = resources(outcome, "google_compute_instance_template")
    assert given["node"] in template.values["metadata"]["user-data"]


def test_the_readme_names_every_example() -> None:
    """With a link."""
    readme = (FOLDER / "README.md").read_text()
    linked = set(re.findall(r"\]\(examples/(\w+)\.tfvars\)", readme))
    assert linked == set(NAMES) == {"small", "large", "images"}

"""docs/ops.md tells the truth: what it names exists, and what can be run here is run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from agent.settings import AgentSettings
from coordinator.adapters.settings import ApiSettings, ProberSettings
from tests.terraform.plans import (
    EVERYTHING,
    REQUIRED,
    ROOT,
    applied,
    environment,
    planned,
    resources,
)

OPS = (ROOT / "docs" / "ops.md").read_text()


def _section(heading: str) -> str:
    return OPS.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_env_of_containers_is_written_as_told(tmp_path: Path) -> None:
    """The lines of the document make a file that the functions accept."""
    assert shutil.which("openssl"), "Install openssl: apt-get install openssl"
    (script,) = re.findall(r"```sh\n(.*?)```", _section("Without Terraform"), re.DOTALL)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    compose = (ROOT / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{([A-Z_]+):\?", compose)) == written.keys()
    given = written | {"GOOGLE_CLOUD_PROJECT": "demo"}
    assert ApiSettings.from_env(given).ingest_key_sha256 == written["INGEST_KEY_HASH"]
    assert ProberSettings.from_env(given).lottery_key


def test_the_ingest_beside_containers_is_told_all_that_it_needs() -> None:
    """By the command of the document, in the role that receives."""
    (command,) = re.findall(r"```\n(docker run .*?)```", _section("Without Terraform"), re.DOTALL)
    given = dict(re.findall(r"--env ([A-Z_]+)=(\S+)", command))
    told = AgentSettings.from_env(
        given | {"COORDINATOR_URL": "https://api", "INGEST_KEY": "k" * 43}
    )
    assert (told.role, told.rtmp_port) == ("ingest", 1935)
    assert given.keys() == {"ROLE", "COORDINATOR_URL", "INGEST_KEY"}


def test_what_a_proxy_needs_reaches_the_api_of_the_containers() -> None:
    """Else every node would seem to call from the proxy's own address."""
    api = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["api"]["environment"]
    for name in ("PUBLIC_URL", "TRUSTED_PROXIES"):
        assert f"`{name}=" in _section("Without Terraform")
        assert api[name] == f"${{{name}-}}"


def test_the_first_apis_are_enabled_by_hand() -> None:
    """Those that Terraform itself asks, before it can enable anything."""
    (line,) = re.findall(
        r"`gcloud services enable ([^`]+) --project PROJECT`", " ".join(OPS.split())
    )
    first = [
        one.key
        for one in resources(planned(), "google_project_service")
        if one.address.startswith("google_project_service.first")
    ]
    assert set(line.split()) == set(first)


def test_databases_that_were_left_are_imported_under_their_addresses() -> None:
    """Each by the name that it has at Google's."""
    lines = re.findall(r"^terraform import '?([^' ]+)'? '?([^'\n]+)'?$", OPS, re.MULTILINE)
    databases = resources(planned(), "google_firestore_database")
    assert {address: name.rpartition("/")[2] for address, name in lines} == {
        one.address: one.values["name"] for one in databases
    }


def test_payouts_are_paused_and_nothing_else_is() -> None:
    """By the variable that the document names."""
    assert '`paused = ["payout"]`' in _section("Pause payouts")
    jobs = resources(planned(EVERYTHING), "google_cloud_scheduler_job")
    assert {job.key for job in jobs if job.values["paused"]} == {"payout"}


GENERATIONS = {
    "lottery": {"lottery-key"},
    "ingest": {"ingest-key"},
    "controls": {"control-key-good", "control-key-bad"},
}
"""Secrets that each number is of."""


@pytest.mark.parametrize("key", GENERATIONS)
def test_a_raised_generation_replaces_that_key_alone(key: str) -> None:
    """The others keep their version; every key of the document can be raised."""
    assert re.search(rf"^\| `{key}\b", _section("Rotate keys"), re.MULTILINE)

    def generations(variables: dict[str, object]) -> dict[str, str]:
        versions = resources(planned(variables), "google_secret_manager_secret_version")
        return {one.key: one.values["secret_data_wo_version"] for one in versions}

    before = generations(dict(REQUIRED))
    after = generations(dict(REQUIRED) | {"key_generation": {key: 2}})
    assert set(before.values()) == {"1"}
    assert {name for name in before if after[name] == "2"} == GENERATIONS[key]


FIRST = re.compile(r"(?<![\w])First:? (.+?[.?])(?=\s|$)")


def test_every_alert_of_the_document_exists_and_every_alert_is_in_it() -> None:
    """By its name, with what its mail says to do first."""
    found = re.findall(r"^\| ([A-Z][^|]+) \| [^|]+ \| ([^|]+) \|$", _alerts_told(), re.MULTILINE)
    wanted = {}
    for one in resources(planned(), "google_monitoring_alert_policy"):
        (documentation,) = one.values["documentation"]
        first = [s[0].upper() + s[1:] for s in FIRST.findall(documentation["content"])]
        wanted[one.values["display_name"]] = " ".join(first).replace("europe-west1", "REGION")
    assert dict(found) == {
        name: re.sub("^Gcloud|^`Gcloud", "`gcloud", first) for name, first in wanted.items()
    }


def _alerts_told() -> str:
    return _section("When an alert comes")


@pytest.mark.parametrize(
    "heading",
    [
        "Move to another region",
        "Tear down and deploy again",
        "Restore from a backup",
        "Raise the number of nodes",
    ],
)
def test_what_ops_do_rarely_is_told_and_says_how_it_is_seen_to_work(heading: str) -> None:
    """In numbered steps, by variables that there are."""
    section = _section(heading)
    assert "It worked when" in section or heading.startswith("Tear")
    declared = set(planned().plan["configuration"]["root_module"]["variables"])
    used = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", section))
    assert used - {"unknown"} <= declared | {"checks_without_place"}


def test_a_role_that_was_torn_down_is_not_in_the_way() -> None:
    """Its id is blocked for weeks, and the next one's is another."""
    roles = resources(applied(), "google_project_iam_custom_role")
    (ending,) = [one.values["hex"] for one in resources(applied(), "random_id")]
    assert ending
    assert {one.values["role_id"] for one in roles} == {
        f"restream_{one.key}_jobs_{ending}" for one in roles
    }


def test_every_variable_of_the_document_exists() -> None:
    """Those that are set in an example, and those that stand alone."""
    declared = set(planned().plan["configuration"]["root_module"]["variables"])
    used = set(re.findall(r"`([a-z_]+) = ", OPS))
    assert {"paused"} <= used <= declared
    for name in ("key_generation", "shards", "ingest_machine"):
        assert name in declared
        assert f"`{name}`" in OPS


def test_a_restored_database_takes_the_place_of_the_lost_one() -> None:
    """Both functions that move tokens are pointed to it, and reach the old one no more."""
    assert '`money_database = "money-restored"`' in _section("Restore from a backup")
    outcome = planned(dict(REQUIRED) | {"money_database": "money-restored"})
    functions = ("api", "payout", "collector", "prober")
    told = {name: environment(outcome, name)[0].get("MONEY_DATABASE") for name in functions}
    lost = {"collector": None, "prober": None}
    assert told == {"api": "money-restored", "payout": "money-restored", **lost}
    reached = {
        one.values["condition"][0]["expression"].rpartition("/")[2].rstrip('"')
        for one in resources(outcome, "google_project_iam_member")
        if one.values.get("role") == "roles/datastore.user"  # roles of our own get their ids later
    }
    assert reached == {"(default)", "money-restored"}
    kept = {one.key for one in resources(outcome, "google_firestore_database")}
    assert kept == {"(default)", "money"}


def test_one_function_goes_back_to_the_image_that_it_had() -> None:
    """By the line of the document: it alone, and nothing is built for it."""
    (line,) = re.findall(r"`images = \{ (\w+) = \"REFERENCE\" \}`", _section("Rollback"))
    reference = f"europe-west1-docker.pkg.dev/my-network-4711/restream-images/{line}@sha256:"
    reference += "f" * 64
    outcome = planned(dict(REQUIRED) | {"images": {line: reference}})
    services = resources(outcome, "google_cloud_run_v2_service")
    run = {one.key: one.values["template"][0]["containers"][0].get("image") for one in services}
    assert {name: image for name, image in run.items() if image} == {line: reference}
    built = {one.key for one in resources(outcome, "terraform_data") if ".images" in one.address}
    assert built == {"collector", "payout", "prober", "node"}


def test_an_image_that_was_deleted_is_built_again_under_the_address_of_the_document() -> None:
    """And what misses it is called as terraform calls it."""
    (replaced,) = re.findall(r"-replace='(\S+)'", OPS)
    addresses = {one.address for one in resources(applied())}
    assert replaced in addresses
    (missing,) = re.findall(r"^\| `(data\.\S+)` \|", OPS, re.MULTILINE)
    assert missing in addresses


def test_tearing_down_leaves_the_databases() -> None:
    """Everything else is planned to go, and nothing stands in the way."""
    made = {one.address for one in resources(applied()) if not one.address.startswith("data.")}
    gone = {address for address in applied().destroyed if not address.startswith("data.")}
    assert gone == made
    for one in resources(applied(), "google_firestore_database"):
        assert one.values["deletion_policy"] == "ABANDON"
        assert one.values["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    (bucket,) = resources(applied(), "google_storage_bucket")
    assert bucket.values["force_destroy"] is True  # its archives would keep it else

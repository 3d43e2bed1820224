"""docs/ops.md tells the truth: what it names exists, and what can be run here is run."""

import re
import shutil
import subprocess
from pathlib import Path

from coordinator.adapters.settings import ApiSettings, ProberSettings
from tests.terraform.plans import EVERYTHING, REQUIRED, ROOT, planned, resources

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
    assert ApiSettings.from_env(given).sponsor_key_hashes
    assert ProberSettings.from_env(given).lottery_key


def test_payouts_are_paused_and_nothing_else_is() -> None:
    """By the variable that the document names."""
    assert '`paused = ["payout"]`' in _section("Pause payouts")
    jobs = resources(planned(EVERYTHING), "google_cloud_scheduler_job")
    assert {job.key for job in jobs if job.values["paused"]} == {"payout"}


def test_a_raised_generation_replaces_that_key_alone() -> None:
    """The keepers of the others stay as they were."""
    kept = ("random_password", "random_bytes")

    def generations(variables: dict[str, object]) -> dict[str, str]:
        plan = planned(variables)
        return {
            one.address: one.values["keepers"]["generation"]
            for kind in kept
            for one in resources(plan, kind)
        }

    before = generations(dict(REQUIRED))
    after = generations(dict(REQUIRED) | {"key_generation": {"lease": 2}})
    changed = {address for address in before if before[address] != after[address]}
    assert changed == {'random_password.keys["lease"]'}


def test_every_alert_of_the_document_exists_and_every_alert_is_in_it() -> None:
    """By its name."""
    rows = re.findall(r"^\| ([A-Z][^|]+) \|", _section("When an alert comes"), re.MULTILINE)
    named = {name for row in rows for name in row.split(", ")}
    policies = resources(planned(), "google_monitoring_alert_policy")
    assert named == {one.values["display_name"] for one in policies}


def test_every_variable_of_the_document_exists() -> None:
    """Those that are set in an example, and those that stand alone."""
    declared = set(planned().plan["configuration"]["root_module"]["variables"])
    used = set(re.findall(r"`([a-z_]+) = ", OPS))
    assert {"paused"} <= used - {"sponsors"} <= declared
    for name in ("key_generation", "shards", "ingest_machine"):
        assert name in declared
        assert f"`{name}`" in OPS

"""Terraform asks Google first, and makes nothing where it would be refused."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.recorded_cloud import Change, programs
from tests.terraform.plans import EVERYTHING, REQUIRED, ROOT, applied, resources, run
from tools.preflight.commands import ENDPOINT

SCRIPT = ROOT / "terraform" / "files" / "preflight.sh"
NOWHERE = "http://127.0.0.1:9"
"""In the place of Google's API: nobody listens there, so permissions are not told."""
ASKED = {
    "PROJECT": "my-network-4711",
    "REGION": "europe-west1",
    "FIRESTORE_LOCATION": "europe-west1",
    "SCHEDULER_REGION": "europe-west1",
    "SIZE": "large",
    "MACHINE": "e2-standard-2",
    "CONTROL_NODES": "true",
    "CURRENCY": "",
}
UNPAID: Mapping[str, Change] = {
    "gcloud billing projects": {"billingAccountName": "", "billingEnabled": False}
}


def test_a_refusal_ends_an_apply_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the APIs, without which nothing can be asked."""
    monkeypatch.setenv(ENDPOINT, NOWHERE)
    outcome = run("apply", REQUIRED, programs(tmp_path, UNPAID, ["gcloud"]))
    assert outcome.status != 0
    assert "Nobody pays for my-network-4711: `gcloud billing projects link" in outcome.text
    begun = set(re.findall(r"(\w+\.\w+)(?:\[[^]]*\])?: Creating\.\.\.", outcome.text))
    assert {one for one in begun if one.startswith("google_")} == {
        "google_project_service.first",
        "google_project_service.apis",
    }


def test_an_apply_that_asks_names_what_it_is_asked_about() -> None:
    """All that decides an answer; nothing is asked anew while none of it changes."""
    (asked,) = [one for one in resources(applied(), "terraform_data") if "preflight" in one.address]
    default = {"SIZE": "small", "MACHINE": "e2-micro"}
    assert asked.values["triggers_replace"] == {**ASKED, **default}


def test_it_can_be_left_out() -> None:
    """By whoever has no gcloud, and names finished images."""
    assert EVERYTHING["preflight"] is False
    made = resources(applied(EVERYTHING), "terraform_data")
    assert [one.address for one in made if "preflight" in one.address] == []


def _run(path: str, **changed: str) -> subprocess.CompletedProcess[str]:
    env = ASKED | {"PATH": path, ENDPOINT: NOWHERE} | changed
    return subprocess.run(
        ["/bin/bash", str(SCRIPT)], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def _path(folder: Path, changes: Mapping[str, Change]) -> str:
    own = str(Path(sys.executable).parent)
    return os.pathsep.join([programs(folder, changes), own, "/usr/bin", "/bin"])


@pytest.mark.parametrize(
    ("changes", "changed", "status", "says"),
    [
        ({}, {}, 0, "not told  permissions"),
        (UNPAID, {}, 1, "Nobody pays for my-network-4711"),
        ({"gcloud compute networks": [{"name": "restream"}]}, {}, 0, "to do     names"),
        ({}, {"CURRENCY": "USD"}, 1, 'set `currency = "EUR"`'),
        ({}, {"FIRESTORE_LOCATION": "asia-east1"}, 1, "choose another firestore_location"),
        ({}, {"SCHEDULER_REGION": "us-west8"}, 1, "choose another scheduler_region"),
    ],
)
def test_only_what_would_surely_be_refused_ends_it(
    changes: Mapping[str, Change],
    changed: dict[str, str],
    status: int,
    says: str,
    tmp_path: Path,
) -> None:
    """Told is everything else too."""
    done = _run(_path(tmp_path, changes), **changed)
    assert (done.returncode, says in done.stdout) == (status, True), done.stdout + done.stderr


def test_one_machine_needs_less(tmp_path: Path) -> None:
    """In a small network, and without control nodes."""
    full = {"limit": 24.0, "metric": "INSTANCES", "usage": 23.0}
    region: Mapping[str, Change] = {
        "gcloud compute regions": {"name": "europe-west1", "status": "UP", "quotas": [full]}
    }
    path = _path(tmp_path, region)
    assert _run(path).returncode == 1
    assert _run(path, CONTROL_NODES="false").returncode == 0
    assert _run(path, SIZE="small").returncode == 0


def test_an_older_python_passes_it_over(tmp_path: Path) -> None:
    """And says so; no apply fails for want of it."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = _run(f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 0
    assert "no Python 3.11 here" in done.stdout


def test_the_checkout_stays_as_it_is(tmp_path: Path) -> None:
    """Nothing is written beside what the archive is made of."""
    before = {str(path) for path in (ROOT / "tools").rglob("*")}
    assert _run(_path(tmp_path, {})).returncode == 0
    assert {str(path) for path in (ROOT / "tools").rglob("*")} == before


def test_the_state_says_what_was_asked_and_nothing_secret() -> None:
    """Neither a token nor an answer."""
    (asked,) = [one for one in resources(applied(), "terraform_data") if "preflight" in one.address]
    assert set(json.loads(json.dumps(asked.values))) <= {
        "id",
        "input",
        "output",
        "triggers_replace",
    }

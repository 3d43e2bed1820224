"""Keys are made by an apply, and no plan and no state has one.

Their values are seen nowhere, so two things are tried beside each other. What makes them is run by
itself, without a provider. And the whole configuration is run with keys that can be recognized.
"""

import json
import math
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from agent.node_key import load_or_create_key
from coordinator.adapters.settings import ApiSettings, ProberSettings
from coordinator.keys import sha256_hex
from tests.terraform.plans import FOLDER, HERE, REQUIRED, ROOT, SECONDS_MAX, Outcome, resources, run

KINDS = ("good", "bad")
NAMES = {"lottery-key", "ingest-key", *(f"control-key-{kind}" for kind in KINDS)}
CANARY = "canary-of-the-tests"
ALONE = """
variable "control_nodes" {
  default = true
}
output "keys" {
  value = local.keys
}
"""


def _terraform(folder: Path, *words: str) -> str:
    env = dict(os.environ) | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        ("terraform", *words),
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The keys of two applies."""
    folder = tmp_path_factory.mktemp("keys")
    shutil.copy(FOLDER / "keys.tf", folder)
    (folder / "alone.tf").write_text(ALONE)
    _terraform(folder, "init")
    found = []
    for _ in range(2):
        _terraform(folder, "apply", "-auto-approve")
        found.append(dict(json.loads(_terraform(folder, "output", "-json"))["keys"]["value"]))
    return found


def test_no_two_keys_are_alike(rounds: list[dict[str, str]]) -> None:
    """Neither two of one apply, nor those of two, nor their digits."""
    keys = [key for each in rounds for key in each.values()]
    assert [each.keys() for each in rounds] == [NAMES, NAMES]
    assert len(set(keys)) == len(keys) == 8
    digits = Counter(
        "".join(each[name] for each in rounds for name in ("lottery-key", "ingest-key"))
    )
    share = [count / digits.total() for count in digits.values()]
    assert sum(-part * math.log2(part) for part in share) > 3.8  # of 4, over 256 digits


def test_a_key_is_what_each_of_its_readers_takes(
    rounds: list[dict[str, str]], tmp_path: Path
) -> None:
    """The prober, the api that keeps its hash, and a node that finds it in node.key."""
    for each in rounds:
        told = {"GOOGLE_CLOUD_PROJECT": "p", "INGEST_URL": "rtmp://203.0.113.5:1935/live"}
        told |= {"LOTTERY_KEY": each["lottery-key"], "INGEST_KEY": each["ingest-key"]}
        told |= {f"CONTROL_{kind.upper()}_NODES": each[f"control-key-{kind}"] for kind in KINDS}
        prober = ProberSettings.from_env(told)
        assert len(prober.controls) == len(KINDS)
        assert ApiSettings.from_env(told).ingest_key_sha256 == sha256_hex(each["ingest-key"])
        (tmp_path / "node.key").write_text(each["control-key-good"] + "\n")
        (tmp_path / "node.key").chmod(0o600)
        _, warnings = load_or_create_key(tmp_path)
        assert warnings == []


def _with_canaries(tmp_path: Path, secrets_tf: str) -> Path:
    """A checkout whose keys can be recognized, and nothing else of it is changed."""
    for one in ROOT.iterdir():
        if one.name not in ("terraform", ".git"):
            (tmp_path / one.name).symlink_to(one)
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "backend.tf", "*.tfvars")
    shutil.copytree(FOLDER, tmp_path / "terraform", ignore=ignored)
    keys = (FOLDER / "keys.tf").read_text()
    made = "uuid()"
    assert keys.count(made) >= len(NAMES)
    values = {name: f"{CANARY}-{name}" for name in sorted(NAMES)}
    local = re.sub(r"  keys = merge\(.*?^  \)$", f"  keys = {json.dumps(values)}", keys,
                   flags=re.DOTALL | re.MULTILINE)  # fmt: skip
    assert made not in local.partition("locals {")[2]
    (tmp_path / "terraform" / "keys.tf").write_text(local)
    (tmp_path / "terraform" / "secrets.tf").write_text(secrets_tf)
    return tmp_path


def _everywhere(outcome: Outcome) -> str:
    """All that terraform wrote down, and all that it printed."""
    assert outcome.status == 0, outcome.text[-3000:]
    assert outcome.plan or outcome.state
    return json.dumps([outcome.plan, outcome.state]) + outcome.text


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_no_key_stands_in_a_plan_or_a_state(command: str, tmp_path: Path) -> None:
    """None of their values, wherever one looks, and whoever reads them; and a plan asks nobody."""
    root = _with_canaries(tmp_path, (FOLDER / "secrets.tf").read_text())
    outcome = run(command, REQUIRED, str(HERE / "stand_ins"), root)
    assert CANARY not in _everywhere(outcome)
    versions = resources(outcome, "google_secret_manager_secret_version")
    assert {one.key for one in versions} == NAMES
    assert {one.values["secret_data"] for one in versions} == {None}
    kept = {"random_password", "random_bytes"}
    assert not kept & {one.type for one in resources(outcome)}


def test_a_key_that_is_written_down_is_found(tmp_path: Path) -> None:
    """What the test above looks for can be seen where secrets are stored in the usual way."""
    usual = re.sub(r"secret_data_wo +=", "secret_data =", (FOLDER / "secrets.tf").read_text())
    usual = re.sub(r"^ +secret_data_wo_version.*\n", "", usual, flags=re.MULTILINE)
    root = _with_canaries(tmp_path, usual)
    found = _everywhere(run("plan", REQUIRED, str(HERE / "stand_ins"), root))
    assert {name for name in NAMES if f"{CANARY}-{name}" in found} == NAMES

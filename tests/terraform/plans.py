"""Plans of terraform/, made by the real terraform, and what stands in them.

TFCHECK names a program that runs terraform without the provider's registry, called as
`$TFCHECK validate|plan|apply FOLDER [options]`; without it, `terraform init` asks the registry, and
Terraform's own test framework applies with a provider of Google's that makes everything up.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "terraform"
HERE = Path(__file__).resolve().parent
SECONDS_MAX = 900.0
"""An apply computes for a minute; a busy machine has a tenth of a processor for it."""
UNREACHABLE = (
    "Terraform cannot be run: install Terraform 1.11 or later with access to "
    "registry.terraform.io, or name a program in TFCHECK that checks without it."
)
REQUIRED: Mapping[str, Any] = {"project_id": "my-network-4711"}
EVERYTHING: Mapping[str, Any] = {
    "project_id": "my-network-4711",
    "region": "us-south1",
    "firestore_location": "nam5",
    "scheduler_region": "us-west1",
    "exempt_fields": False,
    "money_database": "money-restored",
    "images": {
        "api": "europe-docker.pkg.dev/shared/images/api@sha256:" + "a" * 64,
        "collector": "europe-docker.pkg.dev/shared/images/collector@sha256:" + "b" * 64,
        "payout": "gcr.io/shared/payout@sha256:" + "c" * 64,
        "prober": "docker.io/shared/prober@sha256:" + "d" * 64,
        "node": "ghcr.io/restream/node@sha256:" + "e" * 64,
    },
    "relay_engine": "rtmp_relay",
    "shards": 3,
    "prober_cpus": 4,
    "prober_partitions": 2,
    "checks_per_hour": 7,
    "holding_epochs": 48,
    "api_instances": {"min": 1, "max": 20},
    "paused": ["payout"],
    "key_generation": {"lottery": 2, "ingest": 2},
    "size": "large",
    "expected": {"nodes": 1000, "mbits": 6},
    "ingest_machine": "n2-standard-4",
    "control_nodes": False,
    "preflight": False,
    "alert_emails": ["ops@example.org"],
    "budget": {"billing_account": "012345-6789AB-CDEF01", "amount": 200, "currency": "EUR"},
}


@dataclass(frozen=True)
class Outcome:
    """How a run of terraform ended."""

    status: int
    text: str
    """What it printed, as one line without frames."""
    plan: dict[str, Any]
    """The plan as JSON; empty if there is none."""
    state: dict[str, Any]
    """What was applied, as JSON; empty if nothing was."""
    destroyed: frozenset[str]
    """Addresses of what was applied that `terraform destroy` would remove, or did."""
    resting: frozenset[str]
    """Addresses of what Terraform would change once the network rests and its databases are in
    another region. Empty, and nothing is said by that, where a provider that makes everything up
    was asked: its state cannot be changed."""
    builds: str
    """How gcloud was called, if it was a stand-in."""
    graph: dict[str, frozenset[str]]
    """For each resource that was applied, those that are made before it; both without keys."""


@dataclass(frozen=True)
class Resource:
    """A planned resource or a data source that was read."""

    address: str
    type: str
    key: str
    values: dict[str, Any]


def run(
    command: str, variables: Mapping[str, Any] | Path, path: str = "", root: Path = ROOT
) -> Outcome:
    """`validate`, `plan`, `apply` or `test` of a checkout, with variables or a file of them, which
    the first and the last do not take. `path` is searched for programs before PATH."""
    with tempfile.TemporaryDirectory(prefix="terraform-") as folder:
        scratch = Path(folder)
        if isinstance(variables, Path):
            given = scratch / "given.tfvars"
            given.write_text(variables.read_text())
        else:
            given = scratch / "given.tfvars.json"
            given.write_text(json.dumps(dict(variables)))
        options = () if command in ("validate", "test") else (f"-var-file={given}",)
        env = dict(os.environ) | {
            "PLAN_JSON": str(scratch / "plan.json"),
            "STATE_JSON": str(scratch / "state.json"),
            "DESTROY_JSON": str(scratch / "destroy.json"),
            "RESTING_JSON": str(scratch / "resting.json"),
            "GRAPH_DOT": str(scratch / "graph.dot"),
            "GCLOUD_LOG": str(scratch / "gcloud.log"),
        }
        own = str(Path(sys.executable).parent)
        env["PATH"] = os.pathsep.join(filter(None, (path, own, env.get("PATH", os.defpath))))
        env["TF_IN_AUTOMATION"] = env["CHECKPOINT_DISABLE"] = "1"
        if checker := os.environ.get("TFCHECK"):
            env["TERRAFORM"] = str(HERE / "terraform-and-show")
            if command == "test":
                command, env["INSTEAD_OF_PLAN"] = "plan", "test"
            done = _call([checker, command, str(root / "terraform"), *options], env)
        else:
            done = _with_registry(scratch, root, command, options, env)
        text = " ".join(line.strip(" │╷╵") for line in done.stdout.splitlines())
        return Outcome(
            done.returncode,
            " ".join(text.split()),
            json.loads(_read(scratch / "plan.json") or "{}"),
            json.loads(_read(scratch / "state.json") or "{}"),
            _acted(json.loads(_read(scratch / "destroy.json") or "{}"), {"delete"}),
            _acted(json.loads(_read(scratch / "resting.json") or "{}"), CHANGES),
            _read(scratch / "gcloud.log"),
            _graph(_read(scratch / "graph.dot")),
        )


CHANGES = frozenset({"create", "update", "delete"})


def _acted(plan: Mapping[str, Any], actions: Set[str]) -> frozenset[str]:
    changes = plan.get("resource_changes", [])
    return frozenset(c["address"] for c in changes if actions & {*c["change"]["actions"]})


def _graph(dot: str) -> dict[str, frozenset[str]]:
    edges = re.findall(r'"([\w.]+)" -> "([\w.]+)"', dot)
    after = {later: {one for at, one in edges if at == later} for later, _ in edges}

    def before(later: str, seen: set[str]) -> set[str]:
        for one in after.get(later, set()) - seen:
            seen.add(one)
            before(one, seen)
        return seen

    return {later: frozenset(before(later, set())) for later in after}


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _with_registry(
    scratch: Path, root: Path, command: str, options: tuple[str, ...], env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """In a copy, with a local state; the provider never needs to ask Google for a plan."""
    tree = scratch / "tree"
    tree.mkdir()
    parts = ("functions", "node_image", "rtmp", "tools", "emulator")
    for name in (*parts, "build-image.sh", "pyproject.toml"):
        (tree / name).symlink_to(root / name)
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "backend.tf", "*.tfvars")
    copy = Path(shutil.copytree(root / "terraform", tree / "terraform", ignore=ignored))
    assert shutil.which("terraform"), UNREACHABLE
    init = _call(["terraform", "init", "-input=false", "-no-color"], env, copy)
    assert init.returncode == 0, f"{UNREACHABLE}\n{init.stdout}"
    if command == "apply":
        return _made_up(scratch, copy, options, env)
    env = env | {"GOOGLE_OAUTH_ACCESS_TOKEN": "none"}
    is_bare = command in ("validate", "test")
    more = ("-no-color",) if is_bare else ("-no-color", "-input=false", *options)
    return _call([str(HERE / "terraform-and-show"), command, *more], env, copy)


MOCK = """mock_provider "google" {}
mock_provider "time" {}
run "apply" {
  command = apply
}
"""


def _made_up(
    scratch: Path, copy: Path, options: tuple[str, ...], env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Applied and destroyed again, nothing of it at Google's."""
    graph = _call(["terraform", "graph"], env, copy)
    (scratch / "graph.dot").write_text(graph.stdout)
    (copy / "everything.tftest.hcl").write_text(MOCK)
    only = "-filter=everything.tftest.hcl"
    done = _call(["terraform", "test", "-json", "-verbose", only, *options], env, copy)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for state in (event["test_state"] for event in events if event["type"] == "test_state"):
        (scratch / "state.json").write_text(json.dumps({"values": state}))
        gone = [one["address"] for one in state["root_module"]["resources"]]
        changes = [{"address": name, "change": {"actions": ["delete"]}} for name in gone]
        if done.returncode == 0:  # what could not be destroyed would have failed it
            (scratch / "destroy.json").write_text(json.dumps({"resource_changes": changes}))
    told = "\n".join(str(event.get("diagnostic") or event["@message"]) for event in events)
    return subprocess.CompletedProcess(done.args, done.returncode, told or done.stdout)


def _call(
    argv: list[str], env: Mapping[str, str], folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        env=dict(env),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


@functools.cache
def _outcome(command: str, given: str) -> Outcome:
    return run(command, json.loads(given), str(HERE / "stand_ins"))


def _ended_well(command: str, variables: Mapping[str, Any]) -> Outcome:
    outcome = _outcome(command, json.dumps(dict(variables), sort_keys=True))
    assert outcome.status == 0, outcome.text[-3000:]
    return outcome


def planned(variables: Mapping[str, Any] = REQUIRED) -> Outcome:
    """A plan; made once for each set of variables. Fails with terraform's words."""
    return _ended_well("plan", variables)


def applied(variables: Mapping[str, Any] = REQUIRED) -> Outcome:
    """Everything made, by a checker that makes values up; likewise once."""
    return _ended_well("apply", variables)


def resources(outcome: Outcome, kind: str = "") -> list[Resource]:
    """What was made, or would be, of one type or of all."""
    values = outcome.state["values"] if outcome.state else outcome.plan["planned_values"]
    return [one for one in _all(values) if kind in ("", one.type)]


def environment(outcome: Outcome, function: str) -> tuple[dict[str, str], set[str]]:
    """What a service is told: (plain variables, names of those that are read from secrets). Of a
    plan, what only an apply knows is empty."""
    found = resources(outcome, "google_cloud_run_v2_service")
    (service,) = [one.values for one in found if one.key == function]
    entries = service["template"][0]["containers"][0]["env"]
    plain = {e["name"]: e.get("value") or "" for e in entries if not e.get("value_source")}
    return plain, {e["name"] for e in entries} - plain.keys()


def data(outcome: Outcome, kind: str) -> list[Resource]:
    """Data sources that the plan has read."""
    read = list(_all(outcome.plan.get("prior_state", {}).get("values", {})))
    return [one for one in read if one.type == kind]


def _all(values: Mapping[str, Any]) -> Iterator[Resource]:
    for found in values.get("root_module", {}).get("resources", []):
        key = str(found.get("index", found["name"]))
        yield Resource(found["address"], found["type"], key, found["values"])

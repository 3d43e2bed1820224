"""Who takes part in a demo: for each, the command and the environment it is started with.

Every part gets what docs/architecture.md promises it, and nothing else of our own environment.
It is one module, so that a reader sees beside each other what the parts are told.
"""

import hashlib
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulator import firestore_emulator as firestore
from emulator import publisher
from emulator.cheats import PROGRAMS
from emulator.cheats.false_claims import new_key, node_id_of
from emulator.demo.options import ENGINES, ROOT
from emulator.processes.ports import LOOPBACK, Ports
from emulator.processes.supervisor import Command

FUNCTIONS = ("api", "collector", "prober", "payout")
PROJECT = "demo-restream"
_INHERITED = ("PATH", "HOME", "LANG", "TZ", "JAVA_HOME")


@dataclass(frozen=True, slots=True)
class Pace:
    """The lengths of the coordinator, in seconds: an hour of the real network in a minute."""

    sweep_s: int = 5
    check_s: int = 5
    checks_per_hour: int = 540  # three draws of four
    epoch_s: int = 60
    grace_s: int = 15
    holding_epochs: int = 2
    payout_s: int = 5

    @property
    def ticks_per_epoch(self) -> int:
        return self.epoch_s // self.sweep_s


@dataclass(frozen=True, slots=True)
class Keys:
    """Made anew for each run."""

    sponsor: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    ingest: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    lottery: str = field(default_factory=lambda: secrets.token_urlsafe(48))


CONTROL_GOOD, CONTROL_BAD = "control-good", "control-bad"
"""Nodes that the network runs itself, to check the checking: neither trusted nor paid."""
BAD_PROGRAM = PROGRAMS["loop"]
"""What the known-bad node does: the proof must find it, not only its port."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the cast, honest or not."""

    name: str
    kind: str
    rtmp_port: int
    stats_port: int
    engine: str = ENGINES[0]
    """Of an agent; a cheat's own program has none."""
    key: str = field(default_factory=new_key, repr=False)

    @property
    def node_id(self) -> str:
        return node_id_of(self.key)

    @property
    def program(self) -> tuple[str, ...] | None:
        """Module and arguments of a cheat's own program; None for the honest agent."""
        return BAD_PROGRAM if self.kind == CONTROL_BAD else PROGRAMS.get(self.kind)


@dataclass(frozen=True)
class Staging:
    """Where everything is: folders, ports, keys and pace of one run."""

    folder: Path
    """Keeps logs and node keys; survives the run."""
    scratch: Path
    """For temporary files; removed after the run. Short, because Unix sockets are made there."""
    ports: dict[str, int]
    members: tuple[Member, ...]
    keys: Keys = field(default_factory=Keys)
    pace: Pace = field(default_factory=Pace)
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Addresses of parts that have machines of their own; all others share this one's loopback."""

    documents_host: str = ""
    """Where functions find Firestore, if something stands between."""

    def host_of(self, name: str) -> str:
        """Where a part listens, and is called."""
        return self.hosts.get(name, LOOPBACK)

    def data_of(self, name: str) -> Path:
        """The folder that an agent keeps its key in."""
        return self.folder / "data" / name

    def url(self, function: str) -> str:
        return f"http://{self.host_of(function)}:{self.ports[function]}"

    @property
    def api_url(self) -> str:
        return self.url("api")

    @property
    def ingest_url(self) -> str:
        return f"rtmp://{self.host_of('ingest')}:{self.ports['ingest']}/live"

    def ids_of(self, kind: str) -> str:
        """Node ids of the members of a kind, as settings take them."""
        return ",".join(member.node_id for member in self.members if member.kind == kind)

    @property
    def firestore_host(self) -> str:
        return f"{self.host_of('firestore')}:{self.ports['firestore']}"

    @property
    def scheduler_host(self) -> str:
        return f"{self.host_of('scheduler')}:{self.ports['scheduler']}"


def ports_for(ports: Ports, api_port: int) -> dict[str, int]:
    """A port for every part that is not a node. Raises PortTakenError for the api's."""
    return {
        "api": ports.exactly(api_port, "PORT"),
        "ingest": ports.preferably(1935),
        "ingest-stats": ports.any(),
        "firestore": ports.any(),
        "scheduler": ports.any(),
        **{name: ports.any() for name in FUNCTIONS[1:]},
    }


def members_for(
    ports: Ports,
    nodes: int,
    cheats: Sequence[str],
    *,
    controls: bool,
    engines: Sequence[str] = ENGINES[:1],
) -> tuple[Member, ...]:
    """Honest nodes node-1, node-2, …, then cheats dead-1, loop-1, dead-2, …, then controls.

    The nodes have the engines in turn."""
    kinds = ["honest"] * nodes + list(cheats)
    names = [
        f"{'node' if kind == 'honest' else kind}-{kinds[: i + 1].count(kind)}"
        for i, kind in enumerate(kinds)
    ]
    if controls:
        kinds += (CONTROL_GOOD, CONTROL_BAD)
        names += (CONTROL_GOOD, CONTROL_BAD)
    return tuple(
        Member(name, kind, ports.any(), ports.any(), engines[i % len(engines)])
        for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
    )


def firestore_emulator(stage: Staging) -> Command:
    """Raises firestore.EmulatorError with what to install."""
    return Command("firestore", tuple(firestore.command(stage.firestore_host)), _env(stage))


def function(stage: Staging, name: str) -> Command:
    """One of the four functions, served as on Cloud Run."""
    program = Path(sys.executable).parent / "functions-framework"
    source = f"functions/{name}/main.py"
    argv = (
        *(str(program), "--source", source, "--target", name, "--asgi"),
        *("--host", stage.host_of(name), "--port", str(stage.ports[name])),
    )
    pace = stage.pace
    env = _env(
        stage,
        PYTHONPATH=f"{ROOT / 'functions'}{os.pathsep}{ROOT}",
        GOOGLE_CLOUD_PROJECT=PROJECT,
        FIRESTORE_EMULATOR_HOST=stage.documents_host or stage.firestore_host,
        SWEEP_SECONDS=str(pace.sweep_s),
        CHECK_SECONDS=str(pace.check_s),
        EPOCH_SECONDS=str(pace.epoch_s),
        GRACE_SECONDS=str(pace.grace_s),
    )
    return Command(name, argv, env | _own(stage, name), layer=1)


def sponsor(stage: Staging) -> Command:
    """Enters the demo's sponsor, as ops would: by `make sponsor` and the hash of a key."""
    argv = (sys.executable, "-m", "tools.sponsor", "new", "--name", "demo")
    at = ("--project", PROJECT, "--hash", _sha256(stage.keys.sponsor))
    env = _env(
        stage,
        PYTHONPATH=f"{ROOT / 'functions'}{os.pathsep}{ROOT}",
        FIRESTORE_EMULATOR_HOST=stage.firestore_host,
    )
    return Command("sponsor", (*argv, *at), env)


def _jobs(*names: str) -> str:
    """Jobs as Google's API names them."""
    return ",".join(f"projects/{PROJECT}/locations/local/jobs/{name}" for name in names)


def _own(stage: Staging, name: str) -> dict[str, str]:
    """What only this function is told."""
    switches = {
        "SCHEDULER_JOBS": _jobs("collector", "prober", "payout"),
        "SCHEDULER_SWITCHED": _jobs("collector", "prober"),
        "SCHEDULER_EMULATOR_HOST": stage.scheduler_host,
    }
    match name:
        case "api":
            return switches | {
                "INGEST_URL": stage.ingest_url,
                "PUBLIC_URL": stage.api_url,
                "INGEST_KEY_HASH": _sha256(stage.keys.ingest),
                "ALLOW_PRIVATE_ADDRESSES": "true",
            }
        case "collector":
            return {"ALLOW_PRIVATE_ADDRESSES": "true"}
        case "prober":
            return {
                "INGEST_URL": stage.ingest_url,
                "LOTTERY_KEY": stage.keys.lottery,
                "CHECKS_PER_HOUR": str(stage.pace.checks_per_hour),
                "CONTROL_GOOD_NODES": stage.ids_of(CONTROL_GOOD),
                "CONTROL_BAD_NODES": stage.ids_of(CONTROL_BAD),
                "ALLOW_PRIVATE_ADDRESSES": "true",
            }
        case _:
            return switches | {
                "HOLDING_EPOCHS": str(stage.pace.holding_epochs),
                "CHECKS_PER_HOUR": str(stage.pace.checks_per_hour),
                "ALLOW_PRIVATE_ADDRESSES": "true",
            }


def scheduler(stage: Staging) -> Command:
    """The local Cloud Scheduler with its three jobs."""
    jobs = (
        ("collector", "/?shard=0", stage.pace.sweep_s),
        ("prober", "/", stage.pace.check_s),
        ("payout", "/", stage.pace.payout_s),
    )
    at, port = stage.host_of("scheduler"), str(stage.ports["scheduler"])
    argv = [sys.executable, "-m", "emulator.scheduler", "--host", at, "--api", port]
    for name, path, interval_s in jobs:
        argv += ["--job", f"{name},{stage.url(name)}{path},{interval_s}"]
    return Command("scheduler", tuple(argv), _env(stage, PYTHONPATH=str(ROOT)), layer=2)


def ingest(stage: Staging) -> Command:
    """The node image's agent as the central ingest."""
    own = {"ROLE": "ingest", "INGEST_KEY": stage.keys.ingest}
    return _agent(stage, "ingest", stage.ports["ingest"], stage.ports["ingest-stats"], own)


def publish(publish_url: str, stage: Staging, clock_font: Path | None) -> Command:
    """The publisher of the live picture."""
    address, options = publisher.keep_secret(publish_url, stage.scratch)
    argv = publisher.argv(address, secrets.randbelow(1_000_000), clock_font, options)
    return Command("publisher", argv, _env(stage), layer=2)


def node(stage: Staging, member: Member, stream_id: str) -> Command:
    """A node: the agent if it is honest, else a cheat's own program."""
    own = {"STREAM_ID": stream_id, "RELAY_ENGINE": member.engine}
    agent = _agent(stage, member.name, member.rtmp_port, member.stats_port, own)
    if member.program is None:
        return agent
    env = {**agent.env, "PYTHONPATH": str(ROOT), "NODE_KEY": member.key}
    return Command(member.name, (sys.executable, "-m", *member.program), env, layer=2)


def give_key(stage: Staging, member: Member) -> None:
    """Puts an honest node's key where its agent looks for it. Raises OSError."""
    folder = stage.data_of(member.name)
    folder.mkdir(parents=True)
    path = folder / "node.key"
    path.touch(mode=0o600)
    path.write_text(f"ed25519:{member.key}\n")


def _agent(
    stage: Staging, name: str, rtmp_port: int, stats_port: int, own: dict[str, str]
) -> Command:
    env = _env(
        stage,
        PYTHONPATH=f"{ROOT / 'node_image'}{os.pathsep}{ROOT}",
        COORDINATOR_URL=stage.api_url,
        BIND_ADDRESS=stage.host_of(name),
        RTMP_PORT=str(rtmp_port),
        STATS_PORT=str(stats_port),
        DATA_DIR=str(stage.data_of(name)),
        WORK_DIR=str(stage.scratch / name),
    )
    return Command(name, (sys.executable, "-m", "agent"), env | own, layer=2)


def _env(stage: Staging, **own: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", "TMPDIR": str(stage.scratch), **own}


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()

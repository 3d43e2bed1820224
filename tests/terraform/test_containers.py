"""compose.yaml's containers are run: the coordinator without Terraform, from the same images.

The first build takes minutes. BUILD_OFFLINE names a program that builds and runs where there is
no registry.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.adapters.scheduling.cloud_scheduler import CloudScheduler
from coordinator.sweeping.demand import JobState
from emulator.firestore_emulator import FirestoreEmulator
from tests.e2e.media import Media, at
from tests.image.containers import runner
from tests.image.tools import call
from tests.ports import free_port
from tests.sponsors import make_sponsor
from tests.terraform.built_images import BUILD_SECONDS_MAX, tag_of
from tests.terraform.plans import ROOT

WAIT_SECONDS_MAX = 150.0
ATTEMPTS = 3
"""Of a check in a container of its own, whose tool starts from a disk that nobody has read yet."""
PORTS = {"api": 8080, "collector": 8081, "prober": 8082, "payout": 8083, "scheduler": 8123}
"""As compose.yaml has them."""
OURS = tuple(PORTS)
INGEST_KEY = secrets.token_urlsafe(32)
DOT_ENV = {
    "INGEST_URL": "rtmp://127.0.0.1:1935/live",
    "INGEST_KEY_HASH": hashlib.sha256(INGEST_KEY.encode()).hexdigest(),
    "LOTTERY_KEY": secrets.token_urlsafe(48),
}
CAPTURE = """
import asyncio, sys, time
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from rtmp.addresses import RtmpAddress
found = asyncio.run(RtmpProbe(now=time.time).capture(RtmpAddress.parse(sys.argv[1]), 4.0))
print(len(found.packets), found.failure and found.failure.value)
"""


@dataclass(frozen=True)
class Compose:
    """compose.yaml run by the tool that people run it with, under a name of its own.

    Only what a test may not share is another: the network is this machine's, on loopback, with
    the services' names standing for it, and free ports in the place of the usual ones."""

    folder: Path
    ports: Mapping[str, int]
    name: str = field(default_factory=lambda: f"restream-test-{secrets.token_hex(4)}")

    def call(self, *words: str, **given: str) -> str:
        """`docker compose` or `podman-compose`, with the variables of a `.env`."""
        files = ["-f", str(ROOT / "compose.yaml"), "-f", str(self.folder / "override.yaml")]
        files += ["--env-file", os.devnull]  # whoever has a .env keeps it to themselves
        argv = [*_tool(self.folder), "-p", self.name, *files, *words]
        return call(argv, env=dict(os.environ) | given, seconds=BUILD_SECONDS_MAX)

    def container(self, service: str) -> str:
        """The name of a service's container."""
        labels = {"project": self.name, "service": service}
        filters = [f"--filter=label=com.docker.compose.{key}={labels[key]}" for key in labels]
        return call([*runner(), "ps", "--format", "{{.Names}}", *filters]).strip()

    def write_override(self) -> None:
        """What is different in a test."""
        given = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        command = " ".join(given["scheduler"]["command"]).replace("${SHARDS:-1}", "1")
        command = command.replace("0.0.0.0", "127.0.0.1")
        # All in one go: a free port may hold the digits of a usual one.
        free = {str(usual): str(self.ports[service]) for service, usual in PORTS.items()}
        command = re.sub("|".join(free), lambda usual: free[usual[0]], command)
        services: dict[str, dict[str, Any]] = {
            service: {
                "image": tag_of(service),
                "network_mode": "host",
                "extra_hosts": [f"{other}:127.0.0.1" for other in OURS],
                "environment": {"HOST": "127.0.0.1"},
            }
            for service in OURS
        }
        for service in ("api", "collector", "prober", "payout"):
            services[service]["environment"]["PORT"] = str(self.ports[service])
        for service in ("api", "payout"):
            local = f"scheduler:{self.ports['scheduler']}"
            services[service]["environment"]["SCHEDULER_EMULATOR_HOST"] = local
        services["scheduler"]["command"] = command.split()
        (self.folder / "override.yaml").write_text(yaml.safe_dump({"services": services}))


def _tool(folder: Path) -> list[str]:
    """Compose for what runs containers here."""
    if runner() == ("docker",):
        return ["docker", "compose"]
    podman = folder / "podman"
    podman.write_text(f'#!/bin/sh\nexec {shlex.join(runner())} "$@"\n')
    podman.chmod(0o755)
    program = Path(sys.executable).parent / "podman-compose"
    return [str(program), "--podman-path", str(podman)]


@contextlib.contextmanager
def _running(compose: Compose, given: Mapping[str, str]) -> Iterator[None]:
    """All services of ours, gone in the end."""
    compose.write_override()
    try:
        compose.call("up", "--no-build", "--detach", *OURS, **given)
        yield
    except Exception:
        print(compose.call("logs", *OURS, **given))  # pytest shows it beside what failed
        raise
    finally:
        compose.call("down", **given)


async def _lines(name: str) -> AsyncGenerator[str, None]:
    """What a container prints, as it comes."""
    process = await asyncio.create_subprocess_exec(
        *(*runner(), "logs", "--follow", name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            yield line.decode(errors="replace")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _said(name: str, message: str) -> dict[str, Any]:
    """The first JSON line with this message."""
    seen = []
    async with asyncio.timeout(WAIT_SECONDS_MAX), contextlib.aclosing(_lines(name)) as lines:
        async for line in lines:
            seen.append(line)
            if message in line:
                return dict(json.loads(line))
    raise AssertionError(f"{name} never said {message}:\n{''.join(seen)}")


async def test_the_whole_coordinator_runs_from_containers(
    images: dict[str, str], tmp_path: Path
) -> None:
    """A stream is registered, and by the cloud's own job definitions a sweep and a run follow."""
    assert images.keys() == set(OURS)
    ports = {service: free_port() for service in PORTS}
    compose = Compose(tmp_path, ports)
    async with FirestoreEmulator() as emulator:
        at = {"FIRESTORE_EMULATOR_HOST": emulator.host}
        with _running(compose, DOT_ENV | at):
            transport = httpx.AsyncHTTPTransport(retries=8)
            url = f"http://127.0.0.1:{ports['api']}"
            async with httpx.AsyncClient(base_url=url, transport=transport, timeout=30) as client:
                assert (await client.get("/healthz")).status_code == 200
                named = ("--name", "city-radio", "--project", "demo-restream")
                told = await asyncio.to_thread(make_sponsor, "new", *named, **at)
                (key,) = re.findall(r"^  (\S{43})$", told.stdout, re.MULTILINE)
                wish = {"name": "Main stage", "token_balance": "5", "reward_per_node_hour": "1"}
                authorization = {"Authorization": f"Bearer {key}"}
                made = await client.post("/streams", json=wish, headers=authorization)
                assert made.status_code == 201, made.text
            swept = await _said(compose.container("collector"), '"swept"')
            assert swept["shard"] == 0
            checked = await _said(compose.container("prober"), '"checked"')
            assert checked["severity"] == "INFO"
            jobs = {job.id: job for job in await _jobs(ports["scheduler"])}
            assert jobs.keys() == {"collector-0", "prober-even-0", "prober-odd-0", "payout"}
            assert jobs["collector-0"].last_s is not None


async def _jobs(port: int) -> list[JobState]:
    """As the api of compose.yaml asks for them."""
    variables = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["api"]
    names = variables["environment"]["SCHEDULER_JOBS"].removeprefix("${SCHEDULER_JOBS-")
    client = CloudScheduler(names.rstrip("}").split(","), (), f"127.0.0.1:{port}")
    try:
        return await client.states()
    finally:
        await client.close()


def test_compose_says_what_is_missing(tmp_path: Path) -> None:
    """Without a `.env` nothing starts, and the message tells what to write."""
    compose = Compose(tmp_path, {service: free_port() for service in PORTS})
    compose.write_override()
    with pytest.raises(AssertionError, match=r"INGEST_URL|the ingest, like rtmp"):
        compose.call("up", "--no-build", "--detach", "api")


def test_the_probers_image_reads_a_stream_and_fails_well_without_one(
    images: dict[str, str],
) -> None:
    """With the tools of the image and the confinement of compose.yaml."""
    with Media() as media:
        _, port = media.server("ingest")
        asyncio.run(_published(media, port))
        for _ in range(ATTEMPTS):
            packets, failure = _captured(images["prober"], at(port, "stage").url)
            if failure == "None":
                break
        assert failure == "None"
        assert int(packets) > 20
        assert _captured(images["prober"], at(port, "nobody").url) == ("0", "no_stream")
    assert _captured(images["prober"], at(free_port(), "stage").url) == ("0", "unreachable")


async def _published(media: Media, port: int) -> None:
    """Publishes a picture, and waits until it can be played."""
    address = at(port, "stage")
    publisher = media.publish(address)
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not (await RtmpProbe(now=time.time).capture(address, 1.5)).packets:
            if not publisher.is_running:  # it was there before the server
                publisher = media.publish(address)


def _captured(image: str, url: str) -> tuple[str, str]:
    """(packets, failure) of a capture in the image, as it prints them."""
    words = ["run", "--rm", "--network", "host", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL"]
    out = call([*runner(), *words, image, "python3", "-c", CAPTURE, url])
    packets, failure = out.split()
    return packets, failure


@pytest.mark.parametrize(("given", "told"), [("", "None"), ("there:8085", "'there:8085'")])
def test_an_empty_emulators_address_means_a_real_project(
    given: str, told: str, images: dict[str, str], tmp_path: Path
) -> None:
    """Google's client takes an empty one for an emulator, and would ask nobody."""
    tmp_path.chmod(0o755)
    tells = "import os, sys\nsys.exit('told ' + repr(os.environ.get('FIRESTORE_EMULATOR_HOST')))\n"
    (tmp_path / "main.py").write_text(tells)
    words = ["run", "--rm", "--network", "none", f"--volume={tmp_path}:/tells:ro"]
    words += ["--env=FUNCTION_SOURCE=/tells/main.py", f"--env=FIRESTORE_EMULATOR_HOST={given}"]
    done = subprocess.run(
        [*runner(), *words, images["api"]],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS_MAX,
        check=False,
    )
    assert done.stderr.strip().endswith(f"told {told}"), done.stdout + done.stderr


def test_the_key_file_of_a_real_project_reaches_every_function(tmp_path: Path) -> None:
    """By the override that docs/ops.md shows: what compose makes of it, beside our own file."""
    ops = (ROOT / "docs" / "ops.md").read_text()
    (override,) = re.findall(r"```yaml\n(.*?)```", ops, re.DOTALL)
    services = yaml.safe_load(override)["services"]
    assert set(services) == set(OURS) - {"scheduler"}
    for said in services.values():
        (volume,) = said["volumes"]
        assert volume.split(":")[1] == said["environment"]["GOOGLE_APPLICATION_CREDENTIALS"]
    compose = Compose(tmp_path, PORTS)
    (tmp_path / "override.yaml").write_text(override)
    made = yaml.safe_load(compose.call("config", **DOT_ENV))["services"]
    for service in services:
        told = made[service]["environment"]
        assert "/credentials.json" in json.dumps(told)
        assert "GOOGLE_CLOUD_PROJECT" in json.dumps(told)
        assert "/credentials.json" in json.dumps(made[service]["volumes"])


@pytest.mark.parametrize("service", OURS)
def test_an_image_runs_as_nobody_and_holds_only_its_own(
    service: str, images: dict[str, str]
) -> None:
    """No root, no other function, nothing of the repository beside, no package of our names."""
    words = ["run", "--rm", "--network", "none", images[service]]
    folder = "/opt/scheduler" if service == "scheduler" else "/opt/functions"
    entry = ["--entrypoint", "sh"]
    command = ["-c", f"id -u; ls {folder}; echo; ls /opt/packages"]
    out, packages = call([*runner(), *words[:-1], *entry, images[service], *command]).split("\n\n")
    user, *found = out.split()
    expected = {"emulator", "jobs.json", "requirements.txt"}
    assert user == "10001"
    own = {"rtmp", "coordinator", service}
    assert set(found) == (expected if service == "scheduler" else own)
    assert not own & {name.removesuffix(".py") for name in packages.split()}

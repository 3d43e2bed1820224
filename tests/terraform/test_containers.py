"""compose.yaml's containers are built and run: the coordinator without Terraform.

Slow (minutes for the first build), so `make images` runs it. BUILD_OFFLINE names a program that
builds and runs where there is no registry.
"""

import asyncio
import contextlib
import hashlib
import json
import re
import secrets
import subprocess
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import pytest
import yaml

from coordinator.adapters.rtmp_probe import RtmpProbe
from emulator.firestore import FirestoreEmulator
from tests.e2e.media import Media, at, free_port
from tests.image.containers import runner
from tests.image.tools import call
from tests.terraform.plans import ROOT

BUILD_SECONDS_MAX = 900.0
WAIT_SECONDS_MAX = 150.0
OURS = ("api", "collector", "prober", "payout", "scheduler")
SPONSOR_KEY, INGEST_KEY = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
DOT_ENV = {
    "INGEST_URL": "rtmp://127.0.0.1:1935/live",
    "SPONSOR_KEY_HASHES": f"city-radio:{hashlib.sha256(SPONSOR_KEY.encode()).hexdigest()}",
    "INGEST_KEY_HASH": hashlib.sha256(INGEST_KEY.encode()).hexdigest(),
    "LEASE_KEY": secrets.token_urlsafe(48),
    "LOTTERY_KEY": secrets.token_urlsafe(48),
}
CAPTURE = """
import asyncio, sys, time
from coordinator.adapters.rtmp_probe import RtmpProbe
from coordinator.rtmp import RtmpAddress
found = asyncio.run(RtmpProbe(now=time.time).capture(RtmpAddress.parse(sys.argv[1]), 4.0))
print(len(found.packets), found.failure and found.failure.value)
"""


def _image(service: str) -> str:
    return f"localhost/restream-{service}:test"


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """An image of every service of ours."""
    for service in OURS:
        script = str(ROOT / "functions" / "build.sh")
        call(["bash", script, service, _image(service)], seconds=BUILD_SECONDS_MAX)
    return {service: _image(service) for service in OURS}


def _services(given: dict[str, str], ports: dict[str, int]) -> dict[str, Any]:
    """compose.yaml with its variables put in, and other ports."""
    text = (ROOT / "compose.yaml").read_text()

    def put_in(found: re.Match[str]) -> str:
        name, default = found[1], found[3] if found[2] in (":-", "-") else None
        value = given.get(name, default)
        assert value is not None, f"{name}: {found[3]}"
        return value

    text = re.sub(r"\$\{([A-Z_]+)(:-|-|:\?|)([^}]*)\}", put_in, text)
    for old, new in ports.items():
        text = re.sub(rf"\b{old}\b", str(new), text)
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


def _run(name: str, image: str, service: dict[str, Any]) -> None:
    """Starts one service as compose would; it listens on loopback only."""
    options = ["--rm", "--detach", "--name", name, "--network", "host", "--env", "HOST=127.0.0.1"]
    for key, value in service.get("environment", {}).items():
        options += ["--env", f"{key}={value}"]
    for host in ("collector", "prober", "payout", "firestore"):
        options += ["--add-host", f"{host}:127.0.0.1"]
    options += ["--read-only"] if service["read_only"] else []
    options += [f"--tmpfs={one}" for one in service["tmpfs"]]
    options += [f"--cap-drop={one}" for one in service["cap_drop"]]
    options += ["--security-opt", "no-new-privileges"]
    call([*runner(), "run", *options, image, *service.get("command", [])])


@contextlib.contextmanager
def _running(services: dict[str, Any], images: dict[str, str]) -> Iterator[dict[str, str]]:
    """Names of the containers of our services, all of them gone in the end."""
    mark = secrets.token_hex(4)
    names = {service: f"restream-test-{service}-{mark}" for service in OURS}
    try:
        for service, name in names.items():
            _run(name, images[service], services[service])
        yield names
    finally:
        for name in names.values():  # one by one: some may have ended by themselves
            words = [*runner(), "rm", "--force", name]
            subprocess.run(words, capture_output=True, timeout=120, check=False)


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


async def test_the_whole_coordinator_runs_from_containers(images: dict[str, str]) -> None:
    """A stream is registered, and by the cloud's own job definitions a sweep and a run follow."""
    ports = {str(port): free_port() for port in (8080, 8081, 8082, 8083)}
    async with FirestoreEmulator() as emulator:
        given = DOT_ENV | {"FIRESTORE_EMULATOR_HOST": emulator.host}
        with _running(_services(given, ports), images) as names:
            transport = httpx.AsyncHTTPTransport(retries=8)
            url = f"http://127.0.0.1:{ports['8080']}"
            async with httpx.AsyncClient(base_url=url, transport=transport, timeout=30) as client:
                assert (await client.get("/healthz")).status_code == 200
                wish = {"name": "Main stage", "token_balance": "5", "reward_per_node_hour": "1"}
                authorization = {"Authorization": f"Bearer {SPONSOR_KEY}"}
                made = await client.post("/streams", json=wish, headers=authorization)
                assert made.status_code == 201, made.text
            swept = await _said(names["collector"], '"swept"')
            assert swept["shard"] == 0
            checked = await _said(names["prober"], '"checked"')
            assert checked["severity"] == "INFO"


def test_the_probers_image_reads_a_stream_and_fails_well_without_one(
    images: dict[str, str],
) -> None:
    """With the tools of the image and the confinement of compose.yaml."""
    with Media() as media:
        _, port = media.server("ingest")
        asyncio.run(_published(media, port))
        packets, failure = _captured(images["prober"], at(port, "stage").url)
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


@pytest.mark.parametrize("service", OURS)
def test_an_image_runs_as_nobody_and_holds_only_its_own(
    service: str, images: dict[str, str]
) -> None:
    """No root, no other function, nothing of the repository beside."""
    words = ["run", "--rm", "--network", "none", images[service]]
    folder = "/opt/scheduler" if service == "scheduler" else "/opt/functions"
    entry = ["--entrypoint", "sh"]
    command = ["-c", f"id -u; ls {folder}"]
    out = call([*runner(), *words[:-1], *entry, images[service], *command]).split()
    expected = {"emulator", "jobs.json", "requirements.txt"}
    assert out[0] == "10001"
    assert set(out[1:]) == (expected if service == "scheduler" else {"coordinator", service})

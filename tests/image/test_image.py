"""The node image, really built and really run: read-only, without capabilities, on loopback."""

import functools
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import player, probe, publisher
from tests.e2e.notice_receiver import NOTICE_S_MAX, SECRET, receiving
from tests.e2e.watched import HOST, is_listening, running
from tests.image.containers import (
    IMAGE,
    RELAY_IMAGE,
    ContainerAgent,
    build,
    hadolint,
    inspect,
    remove_volume,
)
from tests.image.stand_in import make_repository
from tests.image.tools import call
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
UNPACKED_BYTES_MAX = 130_000_000
LAYERS_MAX = 3  # the system, the packages, the agent
STOP_S_MAX = 10.0
"""What docker waits before it kills."""


@pytest.fixture(scope="module")
def image() -> str:
    """The default image."""
    build(IMAGE)
    return IMAGE


@pytest.fixture(scope="module")
def relay_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image with rtmp_relay, its stage fed from the stand-in's repository on loopback."""
    folder = tmp_path_factory.mktemp("repositories")
    _, commit = make_repository(folder)
    handler = functools.partial(_QuietFiles, directory=str(folder))
    server = ThreadingHTTPServer((HOST, 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://{HOST}:{server.server_address[1]}/stand_in.git"
    try:
        arguments = ("RELAY_ENGINE=rtmp_relay", f"REPOSITORY={address}", f"COMMIT={commit}")
        build(
            RELAY_IMAGE,
            "--network=host",
            *(part for argument in arguments for part in ("--build-arg", argument)),
        )
    finally:
        server.shutdown()
        server.server_close()
    return RELAY_IMAGE


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Keep quiet: git says what goes wrong."""


class Network:
    """An ingest in a container, its coordinator, and a volume for one node."""

    def __init__(self, stack: ExitStack, image: str) -> None:
        port = free_port()
        self.volume = self._volume(stack)
        self.coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{port}/live/{STREAM_ID}")
        self.coordinator.start()
        stack.callback(self.coordinator.stop)
        ingest = ContainerAgent(
            self._volume(stack),
            self.coordinator.url,
            image,
            ROLE="ingest",
            INGEST_KEY=INGEST_KEY,
            RTMP_PORT=str(port),
        )
        self.ingest = stack.enter_context(running(ingest))
        self.ingest.wait_until("ingest up", lambda: self.ingest.get("/healthz")[0] == 200)

    def node(self, image: str) -> ContainerAgent:
        """The node's container, started."""
        return ContainerAgent(self.volume, self.coordinator.url, image, STREAM_ID=STREAM_ID)

    @staticmethod
    def _volume(stack: ExitStack) -> str:
        name = f"restream-test-{secrets.token_hex(4)}"
        stack.callback(remove_volume, name)
        return name


@pytest.fixture
def network(image: str) -> Iterator[Network]:
    """The default image as the ingest."""
    with ExitStack() as stack:
        yield Network(stack, image)


def test_the_dockerfile_passes_its_linter() -> None:
    """Every exception in it carries its reason."""
    call([str(hadolint()), "node_image/Dockerfile"], cwd=ROOT)


def test_the_image_is_small_unprivileged_and_labelled(image: str) -> None:
    """And has a health check; nothing of what was taken out lies in a layer below."""
    known = inspect(image)
    assert len(known["RootFS"]["Layers"]) <= LAYERS_MAX
    assert known["Size"] <= UNPACKED_BYTES_MAX
    config = known["Config"]
    assert config["User"] == "10001:10001"
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    head = call(["git", "rev-parse", "HEAD"], cwd=ROOT).strip()
    assert config["Labels"]["org.opencontainers.image.revision"] == head
    health = config.get("Healthcheck") or known["Healthcheck"]
    assert health["Test"] == ["CMD", "python3", "-m", "agent.health"]


def test_a_node_in_a_container_relays_is_well_and_stops_in_time(
    network: Network, image: str
) -> None:
    """From the first start to SIGTERM, and again as the same node."""
    with running(publisher(network.ingest.rtmp_port)), running(network.node(image)) as node:
        first = node.wait_state("live")
        assert first["relay"]["engine"] == "restream"
        with running(player(node.rtmp_port)):
            node.wait_until("a viewer", lambda: node.stats()["stream"]["viewers"] == 1)
            assert int(probe(node.rtmp_port)["h264"]["nb_read_packets"]) >= 15
        assert "restream_stream_live{" in node.text("/metrics")
        assert "This node is earning" in node.text("/")
        node.wait_until("no viewers", lambda: node.stats()["stream"]["viewers"] == 0)

        health = node.run("python3", "-m", "agent.health")
        assert (health.returncode, health.stdout) == (0, "The relay runs.\n"), health.stderr
        for needless in ("ffmpeg", "ffprobe", "apt-get", "pip", "gcc"):
            assert node.run("sh", "-c", f"command -v {needless}").returncode != 0
        assert node.run("sh", "-c", ": > /opt/agent/x").returncode != 0
        assert node.run("stat", "-c", "%a %u", "/data/node.key").stdout == "600 10001\n"

        asked_s = time.monotonic()
        node.process.terminate()
        assert node.wait() == 0, node.output
        assert time.monotonic() - asked_s < STOP_S_MAX
        assert len(network.coordinator.beats("leaving")) == 1
        assert not is_listening(node.rtmp_port)
        with running(network.node(image)) as again:
            assert again.wait_state("live")["node_id"] == first["node_id"]


def test_the_doctor_runs_in_the_image(network: Network, image: str) -> None:
    """Beside a running node, and alone with the same volume."""
    with running(publisher(network.ingest.rtmp_port)), running(network.node(image)) as node:
        node.wait_state("live")
        done = node.run("python3", "-m", "agent", "doctor")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "All is well" in done.stdout
    settings = {"STREAM_ID": "nosuchstream"}
    url = network.coordinator.url
    with running(ContainerAgent(network.volume, url, image, "doctor", **settings)) as doctor:
        assert doctor.wait() == 12, doctor.output
        assert doctor.output.splitlines()[-1].startswith("Fix: Set STREAM_ID")


def test_a_notice_leaves_the_image(network: Network, image: str) -> None:
    """Read-only and without rights, by a library that is there without its compiled parts."""
    with receiving() as receiver:
        settings = {"STREAM_ID": STREAM_ID, "NOTIFY_URLS": receiver.address}
        url = network.coordinator.url
        with running(ContainerAgent(network.volume, url, image, **settings)) as node:
            # Not before: that a relay does not run yet would be the notice's first sentence.
            node.wait_until("relay up", lambda: node.get("/healthz")[0] == 200)
            told = {"status": "unhealthy", "says": "It is closed.", "fix": "Open it."}
            network.coordinator.told = told
            node.wait_until("a notice", lambda: receiver.titles == ["unhealthy"], NOTICE_S_MAX)
            assert receiver.notices[0]["message"].startswith("It is closed.")
            assert SECRET not in node.output
            found = node.run("find", "/opt/packages", "-name", "*.so")
            assert found.returncode == 0
            compiled = found.stdout.split()
            assert compiled
            assert all("/uvloop/" in path for path in compiled)


def test_a_volume_that_cannot_be_written_ends_in_a_sentence_or_in_the_same_node(
    network: Network, image: str
) -> None:
    """Nothing is invented in the key's place; a key that is there is enough."""
    url, settings = network.coordinator.url, {"STREAM_ID": STREAM_ID}
    volume = f"{network.volume}:/data:ro"
    with running(ContainerAgent(volume, url, image, **settings)) as node:
        assert node.wait() == 1, node.output
        assert "a volume at /data" in node.events("agent_cannot_start")[0]["reason"]
    with running(network.node(image)) as node:
        first = node.wait_until("the agent", node.stats)["node_id"]
    with (
        running(publisher(network.ingest.rtmp_port)),
        running(ContainerAgent(volume, url, image, **settings)) as node,
    ):
        assert node.wait_state("live")["node_id"] == first
        assert node.run("sh", "-c", ": > /data/x").returncode != 0


def test_the_health_check_says_what_is_wrong(network: Network, image: str) -> None:
    """With the sentence of the agent, and with code 1."""
    network.coordinator.stop()
    with running(network.node(image)) as node:
        node.wait_until("the agent", node.stats)
        health = node.run("python3", "-m", "agent.health")
        assert health.returncode == 1
        assert "coordinator" in health.stdout


def test_the_image_of_rtmp_relay_relays_as_well(network: Network, relay_image: str) -> None:
    """Built by the same stage from the stand-in's repository; without nginx."""
    with running(publisher(network.ingest.rtmp_port)), running(network.node(relay_image)) as node:
        assert node.wait_state("live")["relay"]["engine"] == "rtmp_relay"
        assert probe(node.rtmp_port)["h264"]
        node.wait_until("bytes", lambda: node.stats()["stream"]["bytes_out"] > 10_000)
        assert node.run("sh", "-c", "command -v nginx").returncode != 0
        assert inspect(relay_image)["Size"] <= UNPACKED_BYTES_MAX
        node.process.terminate()
        assert node.wait() == 0, node.output


def test_the_default_image_holds_no_other_engine(network: Network, image: str) -> None:
    """And says what to do when it is asked for one."""
    settings = {"STREAM_ID": STREAM_ID, "RELAY_ENGINE": "rtmp_relay"}
    node = ContainerAgent(network.volume, network.coordinator.url, image, **settings)
    with running(node):
        down = node.wait_until("trouble", lambda: node.events("relay_down"))
        assert "--build-arg RELAY_ENGINE=rtmp_relay" in down[0]["reason"]

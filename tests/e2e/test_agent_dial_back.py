"""Dial-back, from end to end: the agent asks the real api, which calls the agent back.

The api is the function itself on functions-framework, with Google's Firestore emulator behind it.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulator.demo import cast
from emulator.demo.first_sponsor import enter_sponsor
from emulator.firestore_emulator import FirestoreEmulator
from emulator.processes.ports import Ports
from tests.e2e.agents import AgentProcess
from tests.e2e.ffmpeg import publisher
from tests.e2e.watched import HOST, Watched, running, wait_for
from tests.ports import free_port

WISH = {
    "name": "Main stage",
    "token_balance": "1000",
    "reward_per_node_hour": "60",
    "max_paid_nodes": 10,
}
START_S_MAX = 60.0
NOT_GIVEN = {k: v for k, v in os.environ.items() if k != "FIRESTORE_EMULATOR_HOST"}
"""An emulator of one's own: this test's port is in the api's settings."""
DOCTOR_S_MAX = 60.0
"""It asks to be called back twice, 11 s apart, if it was called back a moment ago."""


@dataclass(frozen=True)
class Network:
    """The api with one stream, which is live."""

    stage: cast.Staging
    stream_id: str
    folder: Path

    def agent(self, name: str, *command: str, **settings: str) -> AgentProcess:
        """A node of this network, or a command of its image."""
        own = {"STREAM_ID": self.stream_id, **settings}
        return AgentProcess(self.folder / name, self.stage.api_url, *command, **own)

    def examine(self, name: str, **settings: str) -> tuple[int, str]:
        """The doctor's exit code, and all that it printed."""
        with running(self.agent(name, "doctor", **settings)) as doctor:
            return doctor.wait(DOCTOR_S_MAX), doctor.output


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Started as the demo starts it, but without what dial-back does not need."""
    folder = tmp_path_factory.mktemp("network")
    with ExitStack() as stack:
        reserved = stack.enter_context(closing(Ports()))
        ports = cast.ports_for(reserved, free_port())
        firestore = FirestoreEmulator(port=ports["firestore"], environment=NOT_GIVEN)
        stack.callback(lambda: asyncio.run(firestore.stop()))
        asyncio.run(firestore.start())
        stage = cast.Staging(folder, folder, ports, ())
        asyncio.run(enter_sponsor(stage))
        command = cast.function(stage, "api")
        # Nothing is scheduled here, so there is nothing to switch.
        env = {k: v for k, v in command.env.items() if not k.startswith("SCHEDULER_")}
        api = stack.enter_context(running(Watched(list(command.argv), env)))
        wait_for("the api", lambda: _is_up(stage.api_url), lambda: api.output, START_S_MAX)
        registered = _register(stage)
        ingest = stack.enter_context(running(_ingest(stage)))
        ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
        stream_id = registered["stream_id"]
        key = registered["publish_url"].partition("?key=")[2]
        stack.enter_context(running(publisher(ports["ingest"], key, stream_id)))
        ingest.wait_state("live")
        yield Network(stage, stream_id, folder)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _register(stage: cast.Staging) -> dict[str, Any]:
    """The stream, as its sponsor makes it."""
    key = {"authorization": f"Bearer {stage.keys.sponsor}"}
    url = f"{stage.api_url}/streams"
    # The emulator's first transaction: httpx's own 5 s are few for a busy machine.
    answer = httpx.post(url, json=WISH, headers=key, trust_env=False, timeout=START_S_MAX)
    registered: dict[str, Any] = answer.raise_for_status().json()
    return registered


def _ingest(stage: cast.Staging) -> AgentProcess:
    settings = {
        "ROLE": "ingest",
        "INGEST_KEY": stage.keys.ingest,
        "RTMP_PORT": str(stage.ports["ingest"]),
        "STATS_PORT": str(stage.ports["ingest-stats"]),
    }
    return AgentProcess(stage.folder / "ingest", stage.api_url, **settings)


def test_both_ports_are_reached_before_anything_is_announced(network: Network) -> None:
    """The api finds the node of the doctor, which nobody has heard of."""
    code, said = network.examine("found")
    assert code == 0, said
    assert f"Both ports are reached at {HOST}." in said
    assert "ok       playback" in said
    assert httpx.get(f"{network.stage.api_url}/nodes", trust_env=False).json()["nodes"] == []


@pytest.mark.parametrize("name", ["PUBLIC_RTMP_PORT", "PUBLIC_STATS_PORT"])
def test_a_closed_port_ends_in_the_rule_to_set(network: Network, name: str) -> None:
    """In the words of the real api, and of the port that it really tried."""
    closed = str(free_port())
    code, said = network.examine(f"closed-{name}", **{name: closed})
    assert code == 19, said
    assert f"Port {closed} of {HOST} is closed: forward it." in said
    assert f"forward TCP {closed} (which" in said.splitlines()[-1]


def test_a_port_that_leads_to_another_node_is_not_taken_for_ours(network: Network) -> None:
    """Its stats answer, but as somebody else."""
    with running(network.agent("other")) as other:
        other.wait_until("the other node", other.stats)
        code, said = network.examine("ours", PUBLIC_STATS_PORT=str(other.stats_port))
    assert code == 19, said
    assert "Another node answers at this address." in said


def test_a_node_is_called_back_at_its_first_heartbeat_and_examined_again(
    network: Network,
) -> None:
    """Its log says at once what is closed; its own look waits until it is called back again."""
    closed = str(free_port())
    with running(network.agent("first", PUBLIC_RTMP_PORT=closed)) as node:
        told = node.wait_until("the first answer", lambda: node.events("standing"))[0]
        assert told["reason"] == "unreachable"
        assert told["says"] == f"Port {closed} of {HOST} is closed: forward it."
        over = node.wait_until(
            "the end of the first look", lambda: node.events("examination_over"), DOCTOR_S_MAX
        )[0]
    assert over["says"].startswith(f"Fix: In your router, forward TCP {closed} (which")

"""An ingest and a node of real agents: the key goes from one to the other by the coordinator."""

from pathlib import Path

from agent.node_key import MARK_KEY_FILE, is_key
from tests.e2e.agents import AgentProcess, examined
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import publisher
from tests.e2e.watched import HOST, running
from tests.ports import free_port


def _marks(node: AgentProcess) -> object:
    return (node.stats().get("stream") or {}).get("marks")


def _is_verified(node: AgentProcess) -> bool:
    marks = _marks(node)
    return isinstance(marks, dict) and marks["state"] == "verified"


def test_a_node_that_was_told_a_wrong_key_asks_and_goes_on(tmp_path: Path) -> None:
    """As when the ingest has a new one, and this instance of the api does not know it yet."""
    port = free_port()
    coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{port}/live/{STREAM_ID}")
    coordinator.sweep_s = 1.0
    coordinator.start()
    url, role = coordinator.url, {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY}
    try:
        with (
            running(AgentProcess(tmp_path / "ingest", url, RTMP_PORT=str(port), **role)) as ingest,
            running(AgentProcess(examined(tmp_path / "node"), url, STREAM_ID=STREAM_ID)) as node,
        ):
            ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
            with running(publisher(port)):
                node.wait_until("verified", lambda: _is_verified(node))
                assert is_key(coordinator.ingest_public_key or "")
                secret = tmp_path / "ingest" / MARK_KEY_FILE
                assert secret.stat().st_mode & 0o777 == 0o600
                assert secret.read_text().strip() not in ingest.output + node.output
                assert not (tmp_path / "node" / MARK_KEY_FILE).exists()
                coordinator.told = {"ingest_public_key": "A" * 43}
                node.wait_until("a doubt", lambda: _doubts(coordinator))
                coordinator.told = {}
                node.wait_until("verified again", lambda: _is_verified(node))
                assert node.events("upstream_left")
    finally:
        coordinator.stop()


def _doubts(coordinator: CoordinatorStandIn) -> bool:
    return any(beat.get("doubts_ingest_key") for beat in coordinator.beats())

"""An ingest and a node of real agents with the engine `restream`, and the engine's own state."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rtmp.addresses import RtmpAddress
from tests.e2e.agents import AgentProcess, examined
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.watched import HOST, is_listening, running
from tests.ports import free_port

ENGINE = {"RELAY_ENGINE": "restream"}


@dataclass(frozen=True, slots=True)
class Relays:
    """Two agents, each with its engine."""

    ingest: AgentProcess
    node: AgentProcess

    @property
    def agents(self) -> dict[str, AgentProcess]:
        """By role."""
        return {"ingest": self.ingest, "node": self.node}

    def address(self, role: str, name: str = STREAM_ID) -> RtmpAddress:
        """A stream at one of them."""
        return RtmpAddress(HOST, self.agents[role].rtmp_port, "live", name)

    def crashes(self) -> list[str]:
        """Ends of an engine, and whatever it did not catch."""
        return [
            f"{role}: {line[:2000]}"
            for role, agent in self.agents.items()
            for line in agent.output.splitlines()
            if "relay_down" in line or "Traceback" in line
        ] + [
            f"{role}: started {n} times"
            for role, agent in self.agents.items()
            if (n := len(agent.events("relay_started"))) != 1
        ]

    def peak_mb(self, role: str) -> float:
        """The most memory that its engine ever had."""
        status = Path(f"/proc/{self.agents[role].relay_pid()}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000


@contextmanager
def relays_in(folder: Path, streams: Sequence[str] = ()) -> Iterator[Relays]:
    """Both are up; nobody publishes yet. `streams` may be published beside the one."""
    port = free_port()
    coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{port}/live/{STREAM_ID}")
    coordinator.others = [{"stream_id": name} for name in streams]
    coordinator.start()
    ingest = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, "RTMP_PORT": str(port)}
    node = {"STREAM_ID": STREAM_ID}
    try:
        with (
            running(AgentProcess(folder / "ingest", coordinator.url, **ingest, **ENGINE)) as first,
            running(
                AgentProcess(examined(folder / "node"), coordinator.url, **node, **ENGINE)
            ) as second,
        ):
            for agent in (first, second):
                agent.wait_until("a relay that listens", partial(is_listening, agent.rtmp_port))
            first.wait_until("ingest up", lambda: first.get("/healthz")[0] == 200)
            yield Relays(first, second)
    finally:
        coordinator.stop()

"""Machines of one's own, as `make demo` and compose run them: the public record alone is asked.

Jobs are called by their own schedule there. What they did is published by the api like anywhere.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emulator.demo.options import ROOT
from emulator.processes.ports import LOOPBACK, Ports
from tools.smoke.api_client import ApiClient
from tools.smoke.children import running
from tools.smoke.ground import Call, CalledFunction, CloudMachine, Database, ScheduledJob

MINUTE_S = 60
"""Of a network that has not published its settings yet."""


@dataclass(frozen=True)
class RecordedCall:
    """What a function has published since an instant."""

    network: ApiClient
    job: ScheduledJob
    called_s: float

    def has_come_through(self) -> bool:
        """A sweep or a run that began since, or settings, which the payout writes at first."""
        current = self.network.get("/config")["current"]
        lengths = current or {"sweep_seconds": MINUTE_S, "check_seconds": MINUTE_S}
        if self.job.function is CalledFunction.PAYOUT:
            return current is not None
        kind, of, length = (
            ("sweeps", "tick", int(lengths["sweep_seconds"]))
            if self.job.function is CalledFunction.COLLECTOR
            else ("runs", "draw", int(lengths["check_seconds"]))
        )
        first = int(self.called_s) // length + 1
        found = self.network.get(
            f"/{kind}", **{f"from_{of}": first, f"until_{of}": first + FOLLOWING}
        )
        return bool(found[kind])

    def failure(self) -> str:
        """Nothing here tells: what does not come is missed in the end."""
        return ""


FOLLOWING = 100
"""Sweeps or runs that are looked through: no wait is longer."""


class Local:
    """A network on this machine, or on any other that is no cloud known here."""

    def __init__(self, network: ApiClient, clock: Callable[[], float]) -> None:
        self._network, self._clock = network, clock

    def jobs(self) -> Sequence[ScheduledJob]:
        """One of each function: how many there are is not published."""
        return [ScheduledJob(function, function) for function in CalledFunction]

    def call(self, job: ScheduledJob) -> Call:
        """Its schedule calls it within a minute, the payout's within ten."""
        return RecordedCall(self._network, job, self._clock())

    def doors(self) -> Mapping[str, int]:
        """What keeps callers out is whoever runs the containers."""
        return {}

    def databases(self) -> Sequence[Database]:
        """There are no identities."""
        return ()

    def machines(self) -> Sequence[CloudMachine]:
        """Whatever runs the ingest, it is no machine that somebody could be asked about."""
        return ()

    @contextmanager
    def relaying(self, stream_id: str) -> Iterator[None]:
        """The node image's agent, from this checkout: a demo's nodes have a stream already."""
        ports = Ports()
        try:
            with tempfile.TemporaryDirectory(prefix="smoke-") as scratch:
                env = {
                    "PATH": os.environ.get("PATH", os.defpath),
                    "PYTHONPATH": f"{ROOT / 'node_image'}{os.pathsep}{ROOT}",
                    "COORDINATOR_URL": self._network.api,
                    "STREAM_ID": stream_id,
                    "BIND_ADDRESS": LOOPBACK,
                    "RTMP_PORT": str(ports.any()),
                    "STATS_PORT": str(ports.any()),
                    "DATA_DIR": str(Path(scratch) / "data"),
                    "WORK_DIR": str(Path(scratch) / "work"),
                }
                with running((sys.executable, "-m", "agent"), env, Path(scratch) / "log"):
                    yield
        finally:
            ports.close()

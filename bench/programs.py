"""The programs of a stage: children of a supervisor, started alike."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report import ROOT
from emulator.processes.ports import LOOPBACK
from emulator.processes.supervisor import Command, Supervisor

LISTENING_SECONDS_MAX = 20.0
ENTERING_SECONDS_MAX = 60.0


def enter_sponsor(env: Mapping[str, str], name: str, key: str) -> None:
    """By `make sponsor`, where the api of that environment looks. Raises SubprocessError."""
    sha256 = hashlib.sha256(key.encode()).hexdigest()
    argv = (sys.executable, "-m", "tools.sponsor", "new", "--name", name, "--hash", sha256)
    project = ("--project", env["GOOGLE_CLOUD_PROJECT"])
    subprocess.run(
        (*argv, *project),
        env=dict(env),
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=ENTERING_SECONDS_MAX,
    )


@dataclass(frozen=True, slots=True)
class Programs:
    """Whatever is started is gone with the supervisor."""

    supervisor: Supervisor
    folder: Path
    """For their files; it goes with them."""

    async def start(
        self,
        name: str,
        argv: tuple[str, ...],
        own: dict[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> None:
        """`own` is added to its environment. Raises OSError if the program is not there."""
        env = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "TMPDIR": str(self.folder)}
        env |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
        await self.supervisor.start(Command(name, argv, env | (own or {}), cwd, layer=1))

    def deaths(self) -> str:
        """What ended although nobody asked it to, with its last words; empty if nothing did."""
        return "\n".join(
            "\n".join([str(death), *(f"  {line}" for line in death.output[-5:])])
            for death in self.supervisor.deaths
        )


async def listening(port: int, host: str = LOOPBACK) -> None:
    """Returns when somebody listens there. Raises TimeoutError."""
    async with asyncio.timeout(LISTENING_SECONDS_MAX):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return

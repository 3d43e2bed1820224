"""The whole network on this machine: started in order, and looked at from outside."""

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from emulator import publisher
from emulator.demo import cast
from emulator.demo.cast import Member, Staging
from emulator.demo.first_sponsor import enter_sponsor
from emulator.demo.options import Options
from emulator.demo.public_api import ApiError, PublicApi, PublicNode, PublicStatement, PublicStream
from emulator.processes.ports import LOOPBACK, Ports
from emulator.processes.supervisor import Child, Command, Death, Supervisor

START_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
TROUBLE_SECONDS = 20.0
BOOKS_TRIES_MAX = 30
DEPOSIT = "1000"
WISH = {
    "name": "Test picture",
    "token_balance": DEPOSIT,
    "reward_per_node_hour": "60",
    "max_paid_nodes": 10,
}


SCRATCH_BASES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - mkdtemp makes them private
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._-]{1,39}")


class StartError(Exception):
    """A part did not get ready; what it said last is in the message or was told as its death."""


@dataclass(frozen=True, slots=True)
class View:
    """What the network looks like at one moment, from outside."""

    at_s: float
    stream: PublicStream | None
    nodes: dict[str, PublicNode]
    """By node id, as the api tells them."""
    trouble: tuple[str, ...]
    """What does not work at the moment, in sentences."""


class LocalNetwork:
    """A running demo. Made by `opened`."""

    def __init__(
        self,
        stage: Staging,
        supervisor: Supervisor,
        say: Callable[[str], None],
        wish: Mapping[str, Any] = WISH,
    ) -> None:
        """`wish`: what its stream is registered with."""
        self.stage = stage
        self.supervisor = supervisor
        self._wish = wish
        self.api = PublicApi(stage.api_url)
        self.stream_id = ""
        self._say = say
        self._stream: PublicStream | None = None
        self._nodes: dict[str, PublicNode] = {}
        self._http = httpx.AsyncClient(timeout=2.0, trust_env=False)

    @property
    def members(self) -> tuple[Member, ...]:
        return self.stage.members

    @property
    def deaths(self) -> list[Death]:
        return self.supervisor.deaths

    async def close(self) -> None:
        await self.api.close()
        await self._http.aclose()

    async def start(self) -> None:
        """Starts everything in order. Raises StartError, ApiError, OSError, EmulatorError."""
        stage = self.stage
        self._say("starting the Firestore emulator")
        await self._ready(cast.firestore_emulator(stage), self._answers(stage.firestore_host))
        self._say("starting api, collector, prober, payout and the scheduler")
        await asyncio.gather(
            enter_sponsor(stage),
            self._ready(cast.function(stage, "api"), self.api.healthy),
            *(
                self._ready(cast.function(stage, name), self._listens(name))
                for name in cast.FUNCTIONS[1:]
            ),
        )
        await self.supervisor.start(cast.scheduler(stage))
        self._say("registering the stream, as a sponsor would")
        registration = await self.api.register(stage.keys.sponsor, dict(self._wish))
        self.stream_id = registration.stream_id
        self._say(f"starting the ingest and publishing stream {self.stream_id}")
        await self._ready(cast.ingest(stage), self._listens("ingest"))
        await self.supervisor.start(cast.publish(registration.publish_url, stage, _clock_font()))
        if self.members:
            self._say("starting nodes: " + ", ".join(member.name for member in self.members))
        for member in self.members:
            if member.program is None:
                cast.give_key(stage, member)
            await self.supervisor.start(cast.node(stage, member, self.stream_id))

    async def view(self) -> View:
        """Looks at everything once; what cannot be seen becomes trouble, never an exception."""
        trouble = self._scheduler_trouble()
        try:
            self._stream = await self.api.stream(self.stream_id)
            self._nodes = {node.node_id: node for node in await self.api.nodes()}
        except ApiError as error:
            trouble.append(f"the api gives no answer, so this is how it was: {error}")
        return View(time.time(), self._stream, self._nodes, tuple(trouble))

    async def books(self) -> tuple[PublicStream, list[PublicStatement]]:
        """The stream and all its statements, both from between the same two settlements if they
        ever agree; the api's pages may be some seconds apart. Raises ApiError."""
        for _ in range(BOOKS_TRIES_MAX):
            statements = await self.api.statements(self.stream_id)
            stream = await self.api.stream(self.stream_id)
            if statements and statements[-1].balance_after_micros == stream.balance_micros:
                break
            await asyncio.sleep(1)
        return stream, statements

    def _scheduler_trouble(self) -> list[str]:
        """What the scheduler complained about just now."""
        outputs = [c.output for c in self.supervisor.children if c.name == "scheduler"]
        if not outputs or time.time() - (output := outputs[-1]).last_at_s > TROUBLE_SECONDS:
            return []
        troubles = [line for line in output.tail() if not line.startswith("listening")]
        return [f"the scheduler says: {line}" for line in troubles[-1:]]

    async def _ready(self, command: Command, is_ready: Callable[[], Awaitable[bool]]) -> None:
        child = await self.supervisor.start(command)
        deadline_s = time.monotonic() + START_SECONDS_MAX
        while not await is_ready():
            if child.death is not None:
                raise StartError(f"{child.death} while starting; its last output is above")
            if time.monotonic() > deadline_s:
                says = f"{child.name} did not get ready within {START_SECONDS_MAX:g} s"
                raise StartError(with_output(says, child))
            await asyncio.sleep(POLL_SECONDS)

    def _listens(self, part: str) -> Callable[[], Awaitable[bool]]:
        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, self.stage.ports[part])
            except OSError:
                return False
            writer.close()
            return True

        return listens

    def _answers(self, host: str) -> Callable[[], Awaitable[bool]]:
        async def answers() -> bool:
            try:
                return (await self._http.get(f"http://{host}/")).is_success
            except httpx.HTTPError:
                return False

        return answers


@contextlib.asynccontextmanager
async def opened(
    options: Options, say: Callable[[str], None], on_death: Callable[[Death], None]
) -> AsyncIterator[LocalNetwork]:
    """A network with its folders and ports, not started yet; leaves nothing behind.

    Raises PortTakenError."""
    ports = Ports()
    scratch = made_scratch()
    try:
        numbers = cast.ports_for(ports, options.port)
        members = cast.members_for(
            ports,
            options.nodes,
            options.cheats,
            controls=options.controls,
            engines=options.engines,
        )
        # Every run is a new network: nodes with old keys would be strangers in it anyway.
        for old in ("data", "logs"):
            shutil.rmtree(options.folder / old, ignore_errors=True)
        stage = Staging(options.folder, scratch, numbers, members)
        async with Supervisor(options.folder / "logs", on_death, scratch) as supervisor:
            network = LocalNetwork(stage, supervisor, say)
            try:
                yield network
            finally:
                await network.close()
    finally:
        ports.close()
        shutil.rmtree(scratch, ignore_errors=True)


def made_scratch(tempdir: str | None = None) -> Path:
    """A new folder for temporary files. Raises StartError if no place is good for one.

    Unix sockets are made in it, whose names are short for the kernel, and it stands in
    configurations of programs that read some characters as their own."""
    asked = tempdir or tempfile.gettempdir()
    for base in (asked, *SCRATCH_BASES):
        if PLAIN_PATH.fullmatch(base) and os.access(base, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="restream-demo-", dir=base))
    raise StartError(
        f"The folder for temporary files cannot be used ({asked}): set TMPDIR to one whose name "
        "is at most 40 letters and digits, and that you may write to."
    )


def with_output(says: str, child: Child) -> str:
    """A sentence, and the last output of the child it is about."""
    return "\n".join([says, *(f"  {child.name}| {line}" for line in child.output.tail())])


def _clock_font() -> Path | None:
    font = publisher.font()
    return font if font is not None and publisher.can_draw_text() else None

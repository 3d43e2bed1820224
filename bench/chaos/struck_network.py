"""The whole network, each part on a machine of its own, started again whenever it dies.

What takes a dead part's place in the cloud and in homes (Cloud Run, a container's restart policy)
is a pause of RESTART_S here.
"""

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos.namespaces import Machines, mounted
from bench.programs import listening
from bench.report import BUILD, NotMeasurableError, say
from emulator.demo import cast
from emulator.demo.cast import Pace, Staging
from emulator.demo.first_sponsor import enter_sponsor
from emulator.demo.network import WISH
from emulator.demo.public_api import ApiError, PublicApi, Registration
from emulator.processes.ports import Ports
from emulator.processes.proctable import kill_marked, marked
from emulator.processes.supervisor import Child, Command, Death, Supervisor

HONEST, BYSTANDERS = 4, ("node-3", "node-4")
"""Honest nodes, and those that are never struck: what is held against these is our fault."""
GIVE_UP = {"publisher", cast.CONTROL_BAD}
"""They are not ours, and end with their connection; whoever runs them starts them again."""
PACE = Pace(grace_s=60)
"""A minute takes 5 s. Evidence is waited for longer than any part is away here, as in the cloud."""
RESTART_S = 1.0
LOOK_S = 0.1
API_PORT = 8080
START_SECONDS_MAX = 120.0
FOLDER = BUILD / "chaos"
"""Of logs, and of what the Firestore emulator held."""
DISK, DISK_SIZE = Path("/run/disk"), "48m"
"""Of the disk that everybody's temporary files and keys are on."""
STREAM = WISH | {"token_balance": "100000"}


@dataclass
class StruckNetwork:
    """A running network. Made by `opened`."""

    stage: Staging
    machines: Machines
    supervisor: Supervisor
    api: PublicApi
    stream_id: str = ""
    struck: set[str] = field(default_factory=set)
    """Parts that are being struck: their deaths surprise nobody."""
    absent: set[str] = field(default_factory=set)
    """Parts that are not started again yet."""
    surprises: list[Death] = field(default_factory=list)
    """Deaths of parts that nobody struck."""
    _commands: dict[str, Command] = field(default_factory=dict)
    _children: dict[str, Child] = field(default_factory=dict)
    _counted: set[Child] = field(default_factory=set)

    @property
    def honest(self) -> list[str]:
        """Names of all honest nodes."""
        return [one.name for one in self.stage.members if one.kind == "honest"]

    def node_id(self, name: str) -> str:
        """Of a node by its name."""
        return next(one.node_id for one in self.stage.members if one.name == name)

    def rtmp_port(self, name: str) -> int:
        """Of a node by its name."""
        return next(one.rtmp_port for one in self.stage.members if one.name == name)

    @property
    def parts(self) -> list[str]:
        """Names of all that runs."""
        return list(self._children)

    async def start(self) -> None:
        """Everything, in order. NotMeasurableError if a part does not come."""
        stage = self.stage
        await self._run(cast.firestore_emulator(stage), stage.ports["firestore"])
        try:
            await enter_sponsor(stage)
        except ChildProcessError as error:
            raise NotMeasurableError(str(error)) from error
        for name in cast.FUNCTIONS:
            await self._run(cast.function(stage, name))
        for name in cast.FUNCTIONS:
            await self._listening(name, stage.ports[name])
        await self._run(cast.scheduler(stage))
        registration = await self._registered()
        self.stream_id = registration.stream_id
        await self._run(cast.ingest(stage), stage.ports["ingest"])
        await self._run(cast.publish(registration.publish_url, stage, None))
        for member in stage.members:
            cast.give_key(stage, member)
            await self._run(cast.node(stage, member, self.stream_id))

    async def _registered(self) -> Registration:
        """The api's first answers may take longer than anybody waits, where all start at once."""
        until_s = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                return await self.api.register(self.stage.keys.sponsor, STREAM)
            except ApiError as error:
                if time.monotonic() > until_s:
                    raise NotMeasurableError(f"no stream can be registered: {error}") from error

    async def keep(self) -> None:
        """Starts again what has died, until cancelled."""
        while True:
            for name, child in list(self._children.items()):
                if child.death is None:
                    continue
                if child not in self._counted:
                    self._counted.add(child)
                    self._notice(child.death)
                due_s = child.death.at_s + RESTART_S
                if name not in self.absent and time.time() >= due_s:
                    self._children[name] = await self.supervisor.start(child.command)
            await asyncio.sleep(LOOK_S)

    def _notice(self, death: Death) -> None:
        if death.name not in self.struck | GIVE_UP:
            say(f"{death}, and nobody struck it\n" + "\n".join(death.output[-8:]))
            self.surprises.append(death)

    async def kill(self, name: str) -> None:
        """With -9, with all that it has started; returns when it is gone."""
        child = self._children[name]
        await asyncio.to_thread(kill_marked, child.mark)
        while child.death is None:  # noqa: ASYNC110 - the supervisor sets no event
            await asyncio.sleep(LOOK_S)

    def signal_all(self, name: str, number: signal.Signals) -> None:
        """To a part and all its descendants, as if its machine did it."""
        for pid in marked(self._children[name].mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_descendants(self, name: str) -> None:
        """Whatever a part has started: an agent's relay."""
        child = self._children[name]
        for pid in marked(child.mark):
            if pid != child.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def run_with(self, name: str, **env: str) -> None:
        """Ends a part, and starts it with more variables (in place of those given before)."""
        command = self._commands[name]
        changed = dataclasses.replace(command, env={**command.env, **env})
        self.absent.add(name)
        await self.kill(name)
        self._children[name] = await self.supervisor.start(changed)
        self.absent.discard(name)

    async def run_twin(self, command: Command, suffix: str, port: int = 0) -> None:
        """One more of a part, on a machine that was added for it; `end` ends it."""
        await self._run(dataclasses.replace(command, name=f"{command.name}{suffix}"), port)

    async def end(self, name: str) -> None:
        """Ends a part for good, if it was started."""
        if name in self._children:
            self.struck.add(name)
            self.absent.add(name)
            await self.kill(name)
            del self._children[name], self._commands[name]

    async def start_again(self, name: str) -> None:
        """One that has ended, as it was started first."""
        self._children[name] = await self.supervisor.start(self._commands[name])

    async def _run(self, command: Command, port: int = 0) -> None:
        argv = (*self.machines.wrapper(command.name), *command.argv)
        command = dataclasses.replace(command, argv=argv)
        self._commands[command.name] = command
        self._children[command.name] = await self.supervisor.start(command)
        if port:
            await self._listening(command.name, port)

    async def _listening(self, name: str, port: int) -> None:
        until_s = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                await listening(port, self.machines.address(name))
                return
            except TimeoutError:
                if time.monotonic() < until_s:
                    continue
                told = "\n".join(self._children[name].output.tail())
                raise NotMeasurableError(f"{name} does not listen on {port}\n{told}") from None


@contextlib.asynccontextmanager
async def opened(nodes: int = HONEST) -> AsyncIterator[StruckNetwork]:
    """A network that runs; nothing of it is left but its logs. NotMeasurableError."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    mounted(DISK, DISK_SIZE)
    ports, machines = Ports(), Machines()
    try:
        numbers = cast.ports_for(ports, API_PORT)
        members = cast.members_for(ports, nodes, (), controls=True)
        parts = ("firestore", *cast.FUNCTIONS, "scheduler", "ingest", "publisher")
        hosts = {name: machines.add(name) for name in (*parts, *(one.name for one in members))}
        stage = Staging(DISK, DISK, numbers, members, pace=PACE, hosts=hosts)
        async with Supervisor(FOLDER / "logs") as supervisor:
            network = StruckNetwork(stage, machines, supervisor, PublicApi(stage.api_url))
            await network.start()
            keeping = asyncio.create_task(network.keep())
            try:
                yield network
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
                await network.api.close()
    finally:
        ports.close()

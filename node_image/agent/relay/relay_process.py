"""One running relay: started tied to the agent, listened to, and stopped for certain."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable

from agent.log import AgentEvent, log
from agent.relay.engine_log import LineFolder
from agent.relay.engines.engine import Engine
from agent.tether import tether

STOP_S_MAX = 1.5
_LAST_WORDS_S_MAX = 1.0
_LINE_BYTES_MAX = 16_384


class RelayProcess:
    """A relay's process; what it writes becomes lines of the agent's log."""

    def __init__(self, engine: Engine, process: Process, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._process = process
        self._clock = clock
        self._last_line = ""
        self._reader = asyncio.create_task(self._pass_on())

    @classmethod
    async def start(cls, engine: Engine, clock: Callable[[], float]) -> "RelayProcess":
        """Start the engine in its folder. Raises EngineMissingError or OSError."""
        process = await asyncio.create_subprocess_exec(
            *engine.command(),
            cwd=engine.work_dir,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            limit=_LINE_BYTES_MAX,
            preexec_fn=tether(),  # it calls nothing but prctl: see there
        )
        return cls(engine, process, clock)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Its exit code, when it has one."""
        return await self._process.wait()

    async def ending(self) -> str:
        """How it ended, with its last words. Only for one that has ended."""
        await asyncio.wait({self._reader}, timeout=_LAST_WORDS_S_MAX)
        code = await self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        said = f": {self._last_line}" if self._last_line else ""
        return f"{self._engine.name} {how}{said}"

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self) -> None:
        """End it, kindly at first; returns when it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(STOP_S_MAX):
                    await self._process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        self._reader.cancel()

    async def _pass_on(self) -> None:
        output = self._process.stderr
        folder = LineFolder()
        while output is not None:
            try:
                raw = await output.readline()
            except ValueError:  # a line beyond the limit; asyncio has dropped it
                continue
            if not raw:
                return
            line = raw.decode("utf-8", errors="replace").strip()
            if line and (folded := folder.fold(line, self._clock())):
                self._last_line, held_back = folded
                extra = {"held_back": held_back} if held_back else {}
                log(
                    AgentEvent.RELAY_SAYS,
                    self._engine.level_of(line),
                    line=self._last_line,
                    **extra,
                )

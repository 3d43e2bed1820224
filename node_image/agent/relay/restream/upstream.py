"""A node's source: pulls the stream from its ingest, and comes back whatever happens to it."""

import asyncio
import contextlib
from collections.abc import Callable

from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.messages import Message, MessageKind
from rtmp.player import PlayEnd, Player

RETRY_FIRST_S = 1.0
RETRY_S_MAX = 15.0
"""A thousand nodes come back to an ingest within it, each at a moment of its own."""
ANSWER_S_MAX = 5.0
FROZEN_S = 8.0
"""An upstream that sends nothing for so long has frozen."""
_READ_BYTES = 262_144


class Upstream:
    """Pulls until it is cancelled."""

    def __init__(
        self,
        address: RtmpAddress,
        ip: str,
        take: Callable[[Message], None],
        chance: Callable[[], float],
        log: Callable[[str], None],
    ) -> None:
        """`ip` is where to connect; `address` is what to ask for. `chance` gives 0 to 1."""
        self._address, self._ip = address, ip
        self._take, self._chance, self._log = take, chance, log
        self._wanted = asyncio.Event()
        self._had_media = False

    def hurry(self) -> None:
        """The stream is said to be live: do not wait any longer."""
        self._wanted.set()

    async def run(self) -> None:
        """Pull, and pull again."""
        failures = 0
        while True:
            self._had_media = False
            why = await self._pull()
            failures = 0 if self._had_media else failures + 1
            self._log(f"the upstream is gone: {why}")
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s(failures, self._chance())):
                    await self._wanted.wait()

    async def _pull(self) -> str:
        """One connection, to its end; gives why it ended."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection(self._ip, self._address.port)
        except (OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        try:
            return await self._play(reader, writer)
        except (OSError, RtmpError) as error:
            return str(error) or type(error).__name__
        except TimeoutError:
            return f"nothing came for {FROZEN_S:.0f} s"
        finally:
            writer.transport.abort()

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        player = Player(self._address)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(FROZEN_S) as frozen:
            while True:
                writer.write(player.answers())
                data = await reader.read(_READ_BYTES)
                if not data:
                    return "it closed the connection"
                player.feed(data)
                while (event := player.next_event()) is not None:
                    if isinstance(event, PlayEnd):
                        return event.code or event.says
                    if event.kind != MessageKind.DATA:
                        self._had_media = True
                        frozen.reschedule(loop.time() + FROZEN_S)
                    self._take(event)


def wait_s(failures: int, chance: float) -> float:
    """How long to wait after so many failures in a row: longer and longer, and never in step."""
    longest_s = min(RETRY_S_MAX, RETRY_FIRST_S * 2.0 ** min(failures, 8))
    return RETRY_FIRST_S + (longest_s - RETRY_FIRST_S) * chance

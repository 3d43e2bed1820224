"""A node's source: pulls the stream from its ingest, and comes back whatever happens to it."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.messages import Message, MessageKind
from rtmp.player import PlayEnd, Player

LOST_S = (1.0, 15.0)
"""After media came, one tries again within this."""
AGAIN_S = (14.0, 15.0)
"""And after each try that brought none: about as long as the first tries are spread over, so that
second tries follow the first and do not meet them. A thousand nodes whose ingest is back are then
below a hundred connections a second, and all are there in half a minute."""
ANSWER_S_MAX = 5.0
FROZEN_S = 8.0
"""An upstream that sends nothing for so long, not even a ping, has frozen."""
_READ_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Source:
    """Where to connect, and what to ask for there."""

    address: RtmpAddress
    ip: str


class Upstream:
    """Pulls until it is cancelled."""

    def __init__(
        self,
        source: Source,
        begin: Callable[[], None],
        take: Callable[[Message], None],
        chance: Callable[[], float],
        log: Callable[[str], None],
    ) -> None:
        """`begin` is called before the first message of each connection; `chance` gives 0 to 1."""
        self._address, self._ip = source.address, source.ip
        self._begin, self._take = begin, take
        self._chance, self._log = chance, log
        self._wanted = asyncio.Event()
        self._had_media = False

    def hurry(self) -> None:
        """The stream is said to be live: do not wait any longer."""
        self._wanted.set()

    async def run(self) -> None:
        """Pull, and pull again."""
        while True:
            self._had_media = False
            self._wanted.clear()
            why = await self._pull()
            self._log(f"the upstream is gone: {why}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s(self._had_media, self._chance())):
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
        self._begin()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(FROZEN_S) as frozen:
            while True:
                writer.write(player.answers())
                data = await reader.read(_READ_BYTES)
                if not data:
                    return "it closed the connection"
                frozen.reschedule(loop.time() + FROZEN_S)
                player.feed(data)
                while (event := player.next_event()) is not None:
                    if isinstance(event, PlayEnd):
                        return event.code or event.says
                    self._had_media |= event.kind != MessageKind.DATA
                    self._take(event)


def wait_s(had_media: bool, chance: float) -> float:
    """How long to wait before the next try, never in step with others. Pure."""
    first_s, last_s = LOST_S if had_media else AGAIN_S
    return first_s + (last_s - first_s) * chance

"""Publishers in one process, until it is ended.

`python -m bench.kinds.recorded_publishers PORT NAME…`: each sends what its script says, over a
connection of its own, as a program like OBS would.
"""

import asyncio
import itertools
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from bench.kinds.scripts import PUBLISHERS, Act, Publisher, acts_of, filled
from rtmp.amf import Value
from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.handshake import ClientHandshake
from rtmp.media import fan_out_bytes
from rtmp.messages import U32_END, Message, MessageKind, command, parse_command
from rtmp.player import PLAYER_LIMITS

HOST = "127.0.0.1"
CHUNK_BYTES = 4_096
STREAM_ID = 1
ANSWER_SECONDS_MAX = 20.0
PAUSE_S = 1.0
"""Between two sessions of a publisher that is started anew."""
BATCH_S = 0.02
SHAKE_S, STALL_S, STALL_EVERY_S = 0.2, 1.0, 8.0
READ_BYTES = 65_536


class Uplink:
    """How late a publisher's line brings things; a good one never."""

    def __init__(self, rng: random.Random, *, is_shaky: bool) -> None:
        self._rng, self._is_shaky = rng, is_shaky
        self._stands_until_s, self._stalls_s = 0.0, time.monotonic() + STALL_EVERY_S

    def late_s(self, now_s: float) -> float:
        """For what is sent now."""
        if not self._is_shaky:
            return 0.0
        if now_s > self._stalls_s:
            self._stands_until_s = now_s + self._rng.uniform(0, STALL_S)
            self._stalls_s = now_s + self._rng.uniform(0.5, 1.5) * STALL_EVERY_S
        return max(self._rng.uniform(0, SHAKE_S), self._stands_until_s - now_s)


async def publish(port: int, name: str, publisher: Publisher, own: list[Act]) -> None:
    """Until cancelled: whoever loses the ingest comes back. Raises RtmpError."""
    acts = itertools.cycle(own)
    line = Uplink(random.Random(name), is_shaky=publisher.is_shaky)
    while True:
        try:
            async with accepted(port, name) as writer:
                await _send(writer, acts, publisher, line)
        except (OSError, EOFError) as error:
            print(f"{name}: {error or type(error).__name__}", flush=True)
        await asyncio.sleep(PAUSE_S)


async def _send(
    writer: asyncio.StreamWriter, acts: Iterator[Act], publisher: Publisher, line: Uplink
) -> None:
    """One session, which may have no end."""
    at_s, first_ms = time.monotonic(), publisher.first_ms
    for act in acts:
        await _play(writer, dated(act, first_ms, publisher), at_s, line)
        at_s += act.length_ms / 1000
        first_ms += act.length_ms
        if publisher.session_s is not None:
            break


def dated(act: Act, first_ms: int, publisher: Publisher) -> Iterator[tuple[float, Message]]:
    """Each message as it is sent, and how many seconds after the act's beginning."""
    for message in act.messages:
        time_ms = (first_ms + message.timestamp_ms) % U32_END
        whole = filled(message, publisher.picture_bytes)
        yield message.timestamp_ms / 1000, whole._replace(timestamp_ms=time_ms)


async def _play(
    writer: asyncio.StreamWriter,
    messages: Iterator[tuple[float, Message]],
    at_s: float,
    line: Uplink,
) -> None:
    """One act, in real time; what is due within BATCH_S goes together."""
    for after_s, message in messages:
        due_s = at_s + after_s
        if due_s > time.monotonic() + BATCH_S:
            await writer.drain()
            await asyncio.sleep(due_s - time.monotonic())
            await asyncio.sleep(line.late_s(time.monotonic()))
        writer.write(fan_out_bytes(message, STREAM_ID, CHUNK_BYTES))


@asynccontextmanager
async def accepted(port: int, name: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection over which something may be published."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await _ask(reader, writer, port, name)
        reading = asyncio.create_task(_leave_unread(reader))
        try:
            yield writer
        finally:
            reading.cancel()
    finally:
        writer.close()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, name: str
) -> None:
    """Returns when the server has said yes. Raises EOFError if it says no."""
    handshake, chunks, answers = ClientHandshake(), ChunkWriter(), ChunkReader(PLAYER_LIMITS)
    writer.write(handshake.greeting)
    while not handshake.is_done:
        writer.write(handshake.feed(await _some(reader)))
    at: Value = {"app": "live", "type": "nonprivate", "tcUrl": f"rtmp://{HOST}:{port}/live"}
    writer.write(chunks.resize(CHUNK_BYTES))
    for asked in (
        command("connect", 1.0, at),
        command("createStream", 2.0, None),
        command("publish", 3.0, None, name, "live", stream_id=STREAM_ID),
    ):
        writer.write(chunks.write(3, asked))
    answers.feed(handshake.rest)
    while True:
        while (message := answers.next_message()) is not None:
            if _is_yes(message):
                return
        answers.feed(await _some(reader))


def _is_yes(message: Message) -> bool:
    if message.kind != MessageKind.COMMAND:
        return False
    info = parse_command(message).argument(1)
    code = info.get("code") if isinstance(info, dict) else None
    if code == "NetStream.Publish.BadName":
        raise EOFError("the server refuses the publisher")
    return code == "NetStream.Publish.Start"


async def _some(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(READ_BYTES)
    if not data:
        raise EOFError("the server closed the connection")
    return data


async def _leave_unread(reader: asyncio.StreamReader) -> None:
    while await reader.read(READ_BYTES):
        pass


async def main(port: int, names: list[str]) -> None:
    """Publishes all of them; none begins before everything is read, which keeps others waiting."""
    acts = {name: acts_of(PUBLISHERS[name]) for name in names}
    async with asyncio.TaskGroup() as group:
        for name, own in acts.items():
            group.create_task(publish(port, name, PUBLISHERS[name], own))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))

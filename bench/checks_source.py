"""The ingest and every node of `make bench-checks`: a recording that is live for ever.

A process of its own, so that what it costs is not counted: `python -m bench.checks_source FLV`
prints its port. Every player gets the same messages at the same times, from the last key frame on.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rtmp.flv import PayloadKind, payload_of
from rtmp.media import fan_out_bytes
from rtmp.messages import Message, MessageKind
from tests.played_sessions import CHUNK_BYTES, STREAM_ID, opening

BATCH_S = 0.05
"""As long as restream gathers messages for one write."""
BEHIND_BYTES_MAX = 4_000_000
_TAG_BYTES, _TAIL_BYTES, _FILE_BYTES = 11, 4, 13


def messages_of(flv: bytes) -> Iterator[Message]:
    """Every tag of a file."""
    at = _FILE_BYTES
    while at + _TAG_BYTES <= len(flv):
        length = int.from_bytes(flv[at + 1 : at + 4], "big")
        time_ms = flv[at + 7] << 24 | int.from_bytes(flv[at + 4 : at + 7], "big")
        yield Message(flv[at], STREAM_ID, time_ms, flv[at + _TAG_BYTES : at + _TAG_BYTES + length])
        at += _TAG_BYTES + length + _TAIL_BYTES


class LiveRecording:
    """Plays its messages again and again, dated on, to whoever is there."""

    def __init__(self, messages: list[Message]) -> None:
        self._frames: list[Message] = []
        self._headers = b""
        for message in messages:
            payload = payload_of(message)
            if message.kind == MessageKind.DATA or (
                payload is not None and payload.kind is PayloadKind.HEADER
            ):
                self._headers += fan_out_bytes(message, STREAM_ID, CHUNK_BYTES)
            elif payload is not None and payload.kind is PayloadKind.FRAMES:
                self._frames.append(message)
        self._group = bytearray()
        self._players: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One player, until it leaves."""
        with contextlib.suppress(OSError):
            writer.write(opening() + self._headers + self._group)
            self._players.add(writer)
            while await reader.read(65_536):
                pass
        self._players.discard(writer)
        writer.close()

    async def play(self) -> None:
        """For ever, a batch at a time."""
        began_s, shift_ms, batch = time.monotonic(), 0, bytearray()
        length_ms = self._frames[-1].timestamp_ms + 40
        while True:
            for frame in self._frames:
                dated = frame._replace(timestamp_ms=frame.timestamp_ms + shift_ms)
                due_s = began_s + dated.timestamp_ms / 1000
                if due_s > time.monotonic() + BATCH_S:
                    self._send(bytes(batch))
                    batch.clear()
                    await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                data = fan_out_bytes(dated, STREAM_ID, CHUNK_BYTES)
                payload = payload_of(frame)
                if payload is not None and payload.is_key and frame.kind == MessageKind.VIDEO:
                    self._send(bytes(batch))
                    batch.clear()
                    self._group.clear()
                batch += data
                self._group += data
            shift_ms += length_ms

    def _send(self, batch: bytes) -> None:
        for writer in list(self._players):
            if writer.transport.get_write_buffer_size() < BEHIND_BYTES_MAX:
                writer.write(batch)


async def main(flv: bytes) -> None:
    """Serves until it is ended."""
    live = LiveRecording(list(messages_of(flv)))
    server = await asyncio.start_server(live.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await live.play()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_bytes()))

"""Counts the calls of Firestore's clients: a forwarder that looks at the headers of HTTP/2 frames.

Each call of gRPC begins with one frame of the kind HEADERS from the client. Nothing else of what
passes is looked at, and nothing is changed.
"""

import asyncio
import contextlib

PREFACE_BYTES = 24
FRAME_HEADER_BYTES = 9
_HEADERS = 1
READ_BYTES = 65_536

Address = tuple[str, int]


class FrameReader:
    """What one client sends, in pieces of any size."""

    def __init__(self) -> None:
        self._skip = PREFACE_BYTES
        self._header = bytearray()

    def feed(self, data: bytes) -> int:
        """How many calls begin in it."""
        calls, at = 0, 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
            else:
                step = min(FRAME_HEADER_BYTES - len(self._header), len(data) - at)
                self._header += data[at : at + step]
                if len(self._header) == FRAME_HEADER_BYTES:
                    calls += self._header[3] == _HEADERS
                    self._skip = int.from_bytes(self._header[:3])
                    self._header.clear()
            at += step
        return calls


class CallCounter:
    """Stands between the functions and Firestore."""

    def __init__(self, upstream: Address) -> None:
        self._upstream = upstream
        self.calls = 0
        self.sent_bytes = 0

    async def serve(self, at: Address) -> None:
        """Until cancelled. Raises OSError if the port is taken."""
        async with await asyncio.start_server(self._accept, *at) as server:
            await server.serve_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection(*self._upstream)
            try:
                await asyncio.gather(self._counted(reader, up_writer), _carried(up_reader, writer))
            finally:
                up_writer.close()
        writer.close()

    async def _counted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        while data := await reader.read(READ_BYTES):
            self.calls += frames.feed(data)
            self.sent_bytes += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()


async def _carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    writer.close()

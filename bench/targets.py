"""Ten thousand nodes in one process: every address of 127/8 answers, on two ports.

`python -m bench.targets FAST SLOW HOSTILE` prints `ready`, then answers each line on its input with
the number of responses so far. FAST answers at once, SLOW after 100 ms, and every twentieth host of
SLOW accepts connections and never answers. HOSTILE answers after 100 ms with 60 kB of the worst.
"""

import asyncio
import sys
from ipaddress import IPv4Address
from typing import cast

import uvloop

from tests.hostile_bodies import HOSTILE

DELAY_S = 0.1
DEAD_EVERY = 20
FIRST_HOST = int(IPv4Address("127.16.0.1"))
STREAM_ID = "k3v9m2x7q4ab"


def host_of(index: int) -> str:
    """The address of one target."""
    return str(IPv4Address(FIRST_HOST + index))


def node_id_of(host: str) -> str:
    """The id that the node at an address goes by, as long as real ones."""
    return f"n{int(IPv4Address(host)) - FIRST_HOST:019d}"


STATS = (
    '{"schema":"restream-node/1","node_id":"%s","generated_at":"2026-11-22T14:00:00.123Z",'
    '"agent":{"version":"0.1.0","uptime_s":123.4},'
    '"relay":{"engine":"restream","state":"running","uptime_s":120.2,"restarts":0},'
    '"stream":{"id":"%s","state":"live","live_s":100.1,"viewers":2,'
    '"bytes_in":%d,"bytes_out":456789,'
    '"video":{"codec":"H264","width":1280,"height":720,"frame_rate":30.0,"bitrate":2500000,'
    '"profile":"high","level":"3.1"},'
    '"audio":{"codec":"AAC","sample_rate":48000,"channels":2,"bitrate":128000}},'
    '"host":{"load":[0.12,0.34,0.56],"memory_bytes":134217728,"bytes_sent":1234567890123}}'
)
METRICS = (
    "# TYPE relay_up gauge\nrelay_up 1\n"
    "# TYPE relay_uptime_seconds gauge\nrelay_uptime_seconds 120.2\n"
    "# TYPE relay_restarts_total counter\nrelay_restarts_total 0\n"
    '# TYPE stream_live gauge\nstream_live{stream="k3v9m2x7q4ab"} 1\n'
    '# TYPE stream_viewers gauge\nstream_viewers{stream="k3v9m2x7q4ab"} 2\n'
    '# TYPE stream_bytes_in_total counter\nstream_bytes_in_total{stream="k3v9m2x7q4ab"} %d\n'
    '# TYPE stream_bytes_out_total counter\nstream_bytes_out_total{stream="k3v9m2x7q4ab"} 456789\n'
    '# TYPE video_frame_rate gauge\nvideo_frame_rate{stream="k3v9m2x7q4ab"} 30\n'
    '# TYPE audio_sample_rate gauge\naudio_sample_rate{stream="k3v9m2x7q4ab"} 48000\n'
)


class Counter:
    """Responses so far; also the byte counter that every relay claims."""

    sent = 0


class Target(asyncio.Protocol):
    """One connection."""

    delay_s = 0.0
    has_dead = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        host = str(self._transport.get_extra_info("sockname")[0])
        self._node_id = node_id_of(host)

    def data_received(self, data: bytes) -> None:
        if not data.endswith(b"\r\n\r\n"):
            return
        if self.has_dead and int(self._node_id[1:]) % DEAD_EVERY == 0:
            return
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._answer, data)
        else:
            self._answer(data)

    def _answer(self, request: bytes) -> None:
        Counter.sent += 1
        if request.startswith(b"GET /metrics"):
            body = METRICS % Counter.sent
            kind = "text/plain; version=0.0.4"
        else:
            body = STATS % (self._node_id, STREAM_ID, Counter.sent)
            kind = "application/json"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        if self._transport.is_closing():
            return
        self._transport.write((head + body).encode())
        if b"Connection: close" in request:
            self._transport.close()


class HostileTarget(Target):
    """One connection to a far-away node that answers what takes the longest to refuse."""

    delay_s = DELAY_S
    body = HOSTILE["right but in mid-handshake"]

    def _answer(self, request: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.body)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + self.body)


class SlowTarget(Target):
    """One connection to a far-away node."""

    delay_s = DELAY_S
    has_dead = True


async def serve(*ports: int) -> None:
    """Serves until the input ends."""
    loop = asyncio.get_running_loop()
    for protocol, port in zip((Target, SlowTarget, HostileTarget), ports, strict=True):
        await loop.create_server(protocol, "0.0.0.0", port, backlog=4096)  # noqa: S104 - all of 127/8
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while await reader.readline():
        print(Counter.sent, flush=True)


if __name__ == "__main__":
    uvloop.run(serve(*map(int, sys.argv[1:])))

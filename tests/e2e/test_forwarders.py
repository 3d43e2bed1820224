"""What an ingest can see of a node that is only a TCP forwarder: the address its viewers asked for.

RTMP's `connect` carries the URL that the player was given (`tcUrl`), and a forwarder hands it on as
it is. No canary is needed, which a node could tell a check by. Nobody else's node can be harmed:
the ingest only ever refuses the very connection that asks for another address.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from coordinator.adapters.rtmp_probe import RtmpProbe
from emulator.link import Link
from tests.e2e.media import MODULE, Media, at, free_port, media

INGEST = """
daemon off; master_process off; error_log stderr notice; pid nginx.pid;
load_module {module};
events {{ worker_connections 64; }}
rtmp {{ access_log off; server {{
    listen 127.0.0.1:{port};
    application live {{ live on; on_play http://127.0.0.1:{hook}/play; }}
}} }}
"""


@dataclass
class Doorman:
    """Lets in who asked for the ingest itself, and remembers what everybody asked for."""

    own_url: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """nginx-rtmp's question about one player."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        said = parse_qs((await reader.readexactly(length)).decode())
        self.asked += said["tcurl"]
        status = b"200 OK" if said["tcurl"] == [self.own_url] else b"403 Forbidden"
        writer.write(b"HTTP/1.0 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def _ingest(one: Media) -> AsyncIterator[tuple[Doorman, int]]:
    """An ingest with a doorman, and its port."""
    doorman, port = Doorman(), free_port()
    doorman.own_url = f"rtmp://127.0.0.1:{port}/live"
    server = await asyncio.start_server(doorman.answer, "127.0.0.1", 0)
    hook = server.sockets[0].getsockname()[1]
    (one.folder / "c.conf").write_text(INGEST.format(module=MODULE, port=port, hook=hook))
    one.start("ingest", ["nginx", "-p", f"{one.folder}/", "-c", "c.conf", "-e", "stderr"])
    async with server:
        yield doorman, port


async def test_a_forwarder_is_refused_by_the_address_its_viewers_asked_for() -> None:
    """The relay pulls and serves; the forwarder gets nothing to forward, and is named."""
    async with media() as one, _ingest(one) as (doorman, port):
        source, probe = at(port, "show"), RtmpProbe(now=time.time)
        one.publish(source)
        _, relay_port = one.server("relay", pull=source)
        forwarder_port = free_port()
        link = Link(("127.0.0.1", port)).serve(("127.0.0.1", forwarder_port))
        forwarding = asyncio.create_task(link)
        try:
            async with asyncio.timeout(40):
                while not (await probe.capture(at(relay_port, "show"), 1.5)).packets:
                    assert one.children[-1].is_running, one.children[-1].output()
            forwarded = await probe.capture(at(forwarder_port, "show"), 2)
        finally:
            forwarding.cancel()
            await asyncio.gather(forwarding, return_exceptions=True)
    assert forwarded.packets == ()
    assert set(doorman.asked) == {doorman.own_url, f"rtmp://127.0.0.1:{forwarder_port}/live"}

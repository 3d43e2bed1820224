"""The least of a coordinator that nodes need to start: where streams are, who else is there.

It believes every heartbeat, as the real one does, and keeps what each said last.
"""

import asyncio
import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

REQUEST_SECONDS_MAX = 5.0
BODY_BYTES_MAX = 10_000


def node_id_of(public_key: bytes) -> str:
    """The id of a node, by docs/architecture.md."""
    digest = hashlib.sha256(public_key).digest()
    return "n" + base64.b32encode(digest).decode("ascii").lower()[:19]


@dataclass
class Directory:
    """Answers on loopback until cancelled."""

    streams: dict[str, str]
    """Ingest URL by stream id."""
    listed_rtmp_ports: list[int] = field(default_factory=list)
    """Which nodes `GET /nodes` shows, by what they announced."""
    beats: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last heartbeat of each node id."""

    async def serve(self, port: int) -> None:
        """Raises OSError if the port is taken."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", port)
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                headers = {name.lower(): value for name, value in fields.items()}
                length = min(int(headers.get("content-length", "0")), BODY_BYTES_MAX)
                body = await reader.readexactly(length)
                said = self._say(head.split(" ")[1], headers, body)
                status = "200 OK" if said is not None else "404 Not Found"
                text = json.dumps(said or {}).encode()
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n".encode())
                writer.write(b"Content-Type: application/json\r\nConnection: close\r\n\r\n" + text)
                await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _say(self, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
        if path == "/nodes/heartbeat":
            key = headers["signature-input"].partition('keyid="')[2].partition('"')[0]
            self.beats[node_id_of(base64.b64decode(key))] = json.loads(body)
            return {"next_heartbeat_seconds": 30, "polled_every_seconds": 60}
        if path == "/nodes":
            return {"nodes": self._nodes(), "next_page_token": None}
        rows = [{"stream_id": name, "ingest_url": url} for name, url in self.streams.items()]
        if path == "/streams":
            return {"streams": rows, "next_page_token": None}
        return next((row for row in rows if path == f"/streams/{row['stream_id']}"), None)

    def _nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "node_id": node_id,
                "stream_id": beat["stream_id"],
                "status": "healthy",
                "stats_url": stats_url_of(beat),
                "rtmp_url": f"rtmp://127.0.0.1:{beat['rtmp_port']}/live/{beat['stream_id']}",
            }
            for node_id, beat in self.beats.items()
            if beat["rtmp_port"] in self.listed_rtmp_ports and "stats_port" in beat
        ]


def stats_url_of(beat: dict[str, Any]) -> str:
    """Where a heartbeat says that the statistics are."""
    return str(beat.get("stats_url") or f"http://127.0.0.1:{beat['stats_port']}/stats.json")

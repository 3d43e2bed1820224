"""What relays on a stage ask their agents, and what these would answer in a real network."""

import asyncio
import base64
import os
from dataclasses import dataclass
from pathlib import Path

from agent.relay.restream.signatures import MarkKey

ASKED_BYTES_MAX = 65_536


def made_mark_key(file: Path) -> MarkKey:
    """A new one, as an ingest's agent makes it: the ingest signs its streams by it."""
    file.write_text(base64.urlsafe_b64encode(os.urandom(32)).decode("ascii").rstrip("="))
    return MarkKey.read(file)


@dataclass(frozen=True, slots=True)
class StageAgents:
    """One for all relays: whoever asks may play and publish, and is told the ingest's key."""

    mark_key: MarkKey

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question."""
        asked = await reader.read(ASKED_BYTES_MAX)
        if asked.startswith(b"POST /mark-key "):
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + self.mark_key.text.encode())
        else:
            writer.write(b"HTTP/1.0 204 No Content\r\n\r\n")
        writer.close()

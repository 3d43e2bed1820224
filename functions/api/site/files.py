"""Files that pages are made of: read when somebody asks, packed once for all who take that."""

import asyncio
import gzip
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import Request
from starlette.responses import Response

PACKED_BYTES_MIN = 16_384
"""Smaller ones fit into a few packets as they are."""
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class File:
    """One file; `kept_s` is how long a browser may keep it without asking."""

    path: Path
    kept_s: int = 300

    async def answer(self, request: Request) -> Response:
        """The file, packed where that is worth it and the caller takes it."""
        headers = {"Cache-Control": f"public, max-age={self.kept_s}"}
        content = self._content
        if len(content) >= PACKED_BYTES_MIN:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
                content = await asyncio.to_thread(lambda: self._packed)
        return Response(content, media_type=_KINDS[self.path.suffix], headers=headers)

    @cached_property
    def _content(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def _packed(self) -> bytes:
        return gzip.compress(self._content, 6, mtime=0)

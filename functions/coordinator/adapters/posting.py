"""One HTTP POST on one connection, of whose answer nothing is read but the status.

The process that posts may also move tokens, so what a stranger answers meets no parser: the first
line is matched, and the connection ends there, however much more there would be.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import cast

from coordinator.adapters.exchange import Cut
from coordinator.adapters.talk import Talk
from coordinator.reasons import Reason
from coordinator.strangers.addresses import HttpAddress

STATUS_LINE_BYTES_MAX = 256
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")


class Posting(Talk[int | Cut]):
    """One request and the status of its response. `answer` is that, or why there is none."""

    def __init__(
        self,
        address: HttpAddress,
        headers: Mapping[str, str],
        body: bytes,
        answer: "asyncio.Future[int | Cut]",
    ) -> None:
        super().__init__(answer)
        lines = [
            f"POST {address.path} HTTP/1.1",
            f"Host: {address.authority}",
            "User-Agent: restream-coordinator",
            "Connection: close",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._request = "\r\n".join([*lines, "", ""]).encode("ascii") + body
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data[:STATUS_LINE_BYTES_MAX]
        if found := _STATUS.match(self._received):
            self.end(int(found[1]))
        elif b"\n" in self._received or len(self._received) >= STATUS_LINE_BYTES_MAX:
            self.end(Cut(Reason.STATS_BAD_HTTP, "the answer does not begin as HTTP/1.1 does"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(Cut(Reason.STATS_BAD_HTTP, "the connection ended without an answer"))

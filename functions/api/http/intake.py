"""One connection's bytes, cut into requests before anything parses them. Pure: no sockets.

The server's parser is fast, and written in C. It is handed nothing but whole heads that fit the
grammar below, and bodies that are as long as their heads say (ADR 63). So no stranger's byte is
the first thing that it reads, and what it keeps has a limit.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

REQUEST_LINE_BYTES_MAX = 2048
"""The longest address that the api answers has 300."""
HEAD_BYTES_MAX = 16 * 1024
"""A browser's has 1 kB, and Google's front end adds 500 bytes."""
HEADERS_MAX = 64
WAITED_BYTES_MAX = 4 * 1024
"""So long a body, or a shorter one, is waited for before anybody works for its request: whoever
sends half of it costs nothing. A heartbeat has 400 bytes. More is not kept of strangers."""
CHUNK_LINE_BYTES_MAX = 256
"""A chunk's size, with extensions that nobody reads."""

_HEAD = re.compile(
    rb"[A-Z]{1,20} [\x21-\x7e]+ HTTP/1\.[01]\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
)
_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|host|upgrade|expect):"
    rb"[ \t]*([^\r]*?)[ \t]*(?=\r\n)",
    re.IGNORECASE,
)
_TOLD_ONCE = re.compile(
    rb"\r\n(authorization|content-type|content-digest|idempotency-key|signature|signature-input):",
    re.IGNORECASE,
)
"""Read in several places: of two, one might count the first and another the last."""
_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]*")
"""It stands in links of ours, so it is to be one of a machine."""
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)
"""What a client would rather speak. It may be passed over, and a parser stops at it."""
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class RequestRefused(Exception):  # noqa: N818 - an outcome with a status, not a fault
    """Bytes that are no request, or too long a one: what the answer says."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(f"{status}: {says}")
        self.status, self.says = status, says


class Awaited(Enum):
    """What comes next on a connection."""

    HEAD = auto()
    BODY = auto()
    CHUNK_LINE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    LAST_LINE = auto()
    NOTHING = auto()
    """The request is whole: what follows waits for `begin`."""


class Intake:
    """Takes in the bytes of one connection, and hands on those of one request at a time."""

    __slots__ = ("_bytes", "_left", "_looked", "may_wait", "part")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._looked = 0
        """So far there is no end of the head."""
        self._left = 0
        self.part = Awaited.HEAD
        self.may_wait = True
        """Whether nothing of the request is needed before it is whole: it is short, and its client
        waits for no word before it sends the rest."""

    @property
    def waiting_bytes(self) -> int:
        """How many have come that are not handed on."""
        return len(self._bytes)

    def begin(self) -> None:
        """The next request may come."""
        self.part, self._looked = Awaited.HEAD, 0

    def take(self, data: bytes) -> None:
        """More bytes; RequestRefused if too many come while an earlier request is answered."""
        self._bytes += data
        if self.part is Awaited.NOTHING and len(self._bytes) > HEAD_BYTES_MAX:
            raise RequestRefused(400, "Wait for an answer before you send more requests.")

    def pieces(self) -> Iterator[bytes]:
        """What the parser may have; RequestRefused where no request goes on like this."""
        while (piece := self._next()) is not None:
            if piece:
                yield piece

    def _next(self) -> bytes | None:
        piece: bytes | None = None
        match self.part:
            case Awaited.HEAD:
                piece = self._head()
            case Awaited.BODY:
                piece = self._counted(Awaited.NOTHING)
            case Awaited.CHUNK_LINE:
                piece = self._chunk_line()
            case Awaited.CHUNK:
                piece = self._counted(Awaited.CHUNK_END)
            case Awaited.CHUNK_END:
                piece = self._line_end(Awaited.CHUNK_LINE)
            case Awaited.LAST_LINE:
                piece = self._line_end(Awaited.NOTHING)
        return piece

    def _head(self) -> bytes | None:
        while self._bytes.startswith(b"\r\n"):  # RFC 9112 2.2: some clients send one too many
            del self._bytes[:2]
        end = self._bytes.find(b"\r\n\r\n", max(0, self._looked - 3))
        self._looked = len(self._bytes)
        length = self._looked if end < 0 else end + 4
        line_end = self._bytes.find(b"\r\n", 0, REQUEST_LINE_BYTES_MAX)
        if line_end < 0 and length >= REQUEST_LINE_BYTES_MAX:
            says = f"A request line has at most {REQUEST_LINE_BYTES_MAX} bytes."
            raise RequestRefused(414, says)
        if length > HEAD_BYTES_MAX:
            raise RequestRefused(431, f"The headers have at most {HEAD_BYTES_MAX} bytes in all.")
        if end < 0:
            return None
        return self._judged(self._cut(length))

    def _judged(self, head: bytes) -> bytes:
        if head.count(b"\r\n") > HEADERS_MAX + 2:
            raise RequestRefused(431, f"A request has at most {HEADERS_MAX} headers.")
        if _HEAD.fullmatch(head) is None:
            raise RequestRefused(400, "This is no request of HTTP/1.1: see RFC 9112.")
        found: dict[bytes, bytes] = {}
        for cased, value in _FRAMING.findall(head):
            name = cased.lower()
            if name in found and name not in (b"upgrade", b"expect"):
                raise RequestRefused(400, f"Send one {name.decode()} header.")
            found[name] = value
        is_old = head.find(b" HTTP/1.0\r\n", 0, REQUEST_LINE_BYTES_MAX) > 0
        if b"host" not in found and not is_old:
            raise RequestRefused(400, "Send a Host header.")
        if _HOST.fullmatch(found.get(b"host", b"")) is None:
            raise RequestRefused(400, "The Host is no machine's name or address.")
        told = [name.lower() for name in _TOLD_ONCE.findall(head)]
        if len(told) != len(set(told)):
            raise RequestRefused(400, "Send each header once.")
        self.may_wait = b"expect" not in found
        self._frame(found.get(b"content-length"), found.get(b"transfer-encoding"), is_old)
        return _UPGRADE.sub(b"", head) if b"upgrade" in found else head

    def _frame(self, length: bytes | None, coding: bytes | None, is_old: bool) -> None:
        """How the body ends: by its length, or by its last chunk; never by both."""
        if coding is not None:
            if length is not None or is_old or coding.lower() != b"chunked":
                raise RequestRefused(400, "Send a Content-Length, or Transfer-Encoding: chunked.")
            self.part = Awaited.CHUNK_LINE
            return
        if length is not None and _LENGTH.fullmatch(length) is None:
            raise RequestRefused(400, "The Content-Length is not a number of bytes.")
        self._left = int(length or 0)
        self.may_wait &= self._left <= WAITED_BYTES_MAX
        self.part = Awaited.BODY if self._left else Awaited.NOTHING

    def _counted(self, following: Awaited) -> bytes | None:
        """As much as has come of what has a known length."""
        piece = self._cut(min(self._left, len(self._bytes)))
        self._left -= len(piece)
        if not self._left:
            self.part = following
        return piece or None

    def _chunk_line(self) -> bytes | None:
        end = self._bytes.find(b"\r\n", 0, CHUNK_LINE_BYTES_MAX)
        if end < 0:
            if len(self._bytes) >= CHUNK_LINE_BYTES_MAX:
                raise RequestRefused(400, "A chunk's size is too long.")
            return None
        size = _CHUNK.fullmatch(self._cut(end + 2))
        if size is None:
            raise RequestRefused(400, "A chunk does not begin with its size.")
        count = int(size[1], 16)
        self._left = count
        self.part = Awaited.CHUNK if count else Awaited.LAST_LINE
        return b"%x\r\n" % count

    def _line_end(self, following: Awaited) -> bytes | None:
        """Behind a chunk, and behind the last one: fields may follow it, and nobody reads them."""
        if len(self._bytes) < 2:
            return None
        if not self._bytes.startswith(b"\r\n"):
            raise RequestRefused(400, "A chunk ends where its size says, and nothing follows.")
        self.part = following
        return self._cut(2)

    def _cut(self, count: int) -> bytes:
        piece = bytes(self._bytes[:count])
        del self._bytes[:count]
        return piece

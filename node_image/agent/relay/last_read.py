"""What the relay read last, in a file of its own: it outlives the relay, and names its crash.

The relay writes down each read before it looks into it; the agent reads the file when the relay
has ended. Both map the same few pages, so a read costs a copy of its bytes and no call of the
system. What crashes a relay again can so be recognised: by its bytes' digest, and by who sent it.
"""

import hashlib
import mmap
import os
import struct
from pathlib import Path
from typing import NamedTuple

KEPT_BYTES_MAX = 65_536
"""Of one read, its last bytes: a message that players or attackers send is shorter."""
DIGEST_CHARS = 16
"""Of SHA-256, in hexadecimal: enough to tell cases apart."""
_HEADER = struct.Struct("!64sIQ")
"""Host, how many bytes are kept, and how many were read."""
_FILE_BYTES = _HEADER.size + KEPT_BYTES_MAX


class LastRead(NamedTuple):
    """From whom, how many bytes, and the digest of the last KEPT_BYTES_MAX of them."""

    host: str
    bytes: int
    sha256: str


class LastReadWriter:
    """The relay's side."""

    def __init__(self, path: Path) -> None:
        """Raises OSError; all the room is taken now, since a full disk would end us later."""
        with path.open("w+b") as file:
            os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
            self._map = mmap.mmap(file.fileno(), _FILE_BYTES)

    def note(self, host: str, data: bytes) -> None:
        """These bytes are looked into next."""
        kept = data[-KEPT_BYTES_MAX:]
        _HEADER.pack_into(self._map, 0, host.encode(), len(kept), len(data))
        self._map[_HEADER.size : _HEADER.size + len(kept)] = kept


def last_read(path: Path) -> LastRead | None:
    """The agent's side. None where nothing was read, or the file is not there."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES)
    except OSError:
        return None
    if len(data) < _HEADER.size:
        return None
    host, kept, count = _HEADER.unpack_from(data)
    if not count:
        return None
    digest = hashlib.sha256(data[_HEADER.size :][:kept]).hexdigest()
    return LastRead(host.rstrip(b"\0").decode("ascii", "replace"), count, digest[:DIGEST_CHARS])

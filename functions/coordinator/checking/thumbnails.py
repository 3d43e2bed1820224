"""Small pictures beside checks: what was to be seen when one passed, or what a cheat showed.

A node that passed served the ingest's own packets, so the ingest's picture of that time stands for
it: one per stream and ten draws. Of a node that served something else its own picture is kept, as
evidence. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from coordinator.checking.checks import Check
from coordinator.documents.codec import Codec, Stored

DRAWS_A_PICTURE = 10
"""The ingest's picture is taken once in so many draws."""
NODE_PICTURES_A_RUN_MAX = 4
NODE_PICTURES_KEPT_MAX = 16
"""So many wait in memory for their run's record: runs overlap."""
BYTES_MAX = 65_536
WIDTH, HEIGHT = 320, 180
DAYS = 30
"""How long pictures are kept."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The document `thumbnails/{id}`."""

    id: str
    taken_s: float
    jpeg: Annotated[bytes, Stored.AS_IS]


THUMBNAILS = Codec(Thumbnail, "thumbnails")


def of_stream(stream_id: str, draw: int) -> str:
    """The id of the ingest's picture for a draw."""
    return f"{stream_id}.{draw // DRAWS_A_PICTURE}"


def of_check(check: Check) -> str:
    """The id of the node's own picture for a check that proved its content wrong."""
    return f"{check.node_id}.{check.draw}"


def newest_of(stream_id: str, ids: Iterable[str | None]) -> str | None:
    """The newest of the ingest's pictures of a stream among these."""
    found = {name for name in ids if name and name.rpartition(".")[0] == stream_id}
    return max(found, key=lambda name: int(name.rpartition(".")[2]), default=None)


def is_jpeg(data: bytes) -> bool:
    """Whether this is one whole small JPEG."""
    whole = data.startswith(b"\xff\xd8\xff") and data.endswith(b"\xff\xd9")
    return whole and len(data) <= BYTES_MAX

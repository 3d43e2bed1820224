"""Several captures that one start of ffmpeg reads, each from memory of its own.

To start takes six times as long as to read. But what one capture does to the tool, it does to all
that are read beside it. So what is found together can only clear: whoever is not found to play is
read again, alone.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from coordinator.adapters.media.media_process import ProcessLimits, readable, run_tool
from coordinator.adapters.media.rtmp_reader import FOOTAGE_MAX
from coordinator.adapters.media.second_reader import (
    SAID_BYTES_MAX,
    TOOL,
    parse_reading,
    picture_argv,
    shown_of,
    source_argv,
)
from coordinator.checking.thumbnails import BYTES_MAX
from coordinator.proof.second_opinion import Reading
from rtmp.flv_file import flv_file
from rtmp.messages import Message, MessageKind

GATHER_S = 3.0
"""So long a capture waits for others. A verdict is stored within 30 s of its attempt."""
SECONDS_MAX = 1.75
LIMITS = ProcessLimits(cpu_s=1)
"""For all of them: three times what as much honest footage takes."""
TOGETHER_MAX = 8
"""Together they have no more bytes than one capture may have: so their limits need not grow."""
_TRACKS = (MessageKind.VIDEO, b"v"), (MessageKind.AUDIO, b"a")
_LINE = re.compile(rb"^(#[a-z_]{1,40} |)([0-9]{1,2})([:,].*)$", re.MULTILINE)
NOTHING = Reading()


class JointReader:
    """Gathers captures for a few seconds, and reads them together."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._open: _Gathering | None = None

    async def reading_of(self, messages: list[Message]) -> Reading:
        """What was found of it; nothing where nobody came beside it, or anything went wrong."""
        shown = shown_of(messages)
        if not tracks_of(shown):
            return NOTHING
        gathering = self._open
        if gathering is None or not gathering.has_room_for(shown):
            gathering = self._open = _Gathering()
            gathering.task = asyncio.create_task(self._read(gathering))
        place = len(gathering.pieces)
        gathering.pieces.append(shown)
        # Whoever is given up takes nobody along.
        readings = await asyncio.shield(gathering.task)
        return readings[place]

    async def _read(self, gathering: "_Gathering") -> list[Reading]:
        await self._sleep(GATHER_S)
        if self._open is gathering:
            self._open = None
        pieces = gathering.pieces
        if len(pieces) == 1:
            return [NOTHING]
        try:
            return await readings_of(pieces)
        except OSError:  # no process, or no memory, was free: so it says nothing
            return [NOTHING] * len(pieces)


@dataclass(slots=True)
class _Gathering:
    pieces: list[list[Message]] = field(default_factory=list)
    task: "asyncio.Task[list[Reading]]" = field(init=False)

    def has_room_for(self, piece: Sequence[Message]) -> bool:
        size = sum(len(m.body) for one in (*self.pieces, piece) for m in one)
        return len(self.pieces) < TOGETHER_MAX and size <= FOOTAGE_MAX.size


async def readings_of(
    pieces: Sequence[list[Message]], seconds_max: float = SECONDS_MAX
) -> list[Reading]:
    """What one start finds in each, all of which have tracks; nothing if it comes to no good end.

    Raises OSError if it cannot be started."""
    said, tracks = bytearray(), [tracks_of(piece) for piece in pieces]

    def take(data: bytes) -> bool:
        said.extend(data)
        return len(said) <= len(pieces) * SAID_BYTES_MAX

    with ExitStack() as stack:
        given = [stack.enter_context(readable(flv_file(piece))).fileno() for piece in pieces]
        shots = [stack.enter_context(_pipe()) for _ in pieces]
        ends = [into for _, into in shots]
        ended = await run_tool(
            ffmpeg_argv(given, tracks, ends),
            limits=LIMITS,
            seconds_max=seconds_max,
            on_data=take,
            passed=(*given, *ends),
        )
        if ended.is_overdue:
            return [NOTHING] * len(pieces)
        pictures = [_taken(out) for out, _ in shots]
    told = told_of(bytes(said), [len(one) for one in tracks])
    return [parse_reading(lines + shot) for lines, shot in zip(told, pictures, strict=True)]


def tracks_of(piece: Sequence[Message]) -> bytes:
    """`va`, `v`, `a` or nothing: what the tool is to find in it, in its order."""
    kinds = {message.kind for message in piece}
    return b"".join(letter for kind, letter in _TRACKS if kind in kinds)


def ffmpeg_argv(given: Sequence[int], tracks: Sequence[bytes], ends: Sequence[int]) -> list[str]:
    """The command that writes a line for each packet of all captures, and each one's picture.

    By itself it hands over a few packets at a time, which costs more than to read them."""
    argv = [*TOOL]
    for descriptor in given:
        argv += [*source_argv(f"pipe:{descriptor}", queue=True)]
    for piece, letters in enumerate(tracks):
        for letter in letters.decode():
            argv += ["-map", f"{piece}:{letter}:0"]
    argv += ["-c", "copy", "-copyinkf", "-f", "framehash", "-hash", "sha256", "pipe:1"]
    for piece, (letters, end) in enumerate(zip(tracks, ends, strict=True)):
        if b"v" in letters:
            argv += picture_argv(piece, f"pipe:{end}")
    return argv


def told_of(said: bytes, counts: Sequence[int]) -> list[bytes]:
    """The lines of each capture, as if it were alone: its first track is 0 again."""
    owners = [(piece, track) for piece, count in enumerate(counts) for track in range(count)]
    told: list[list[bytes]] = [[] for _ in counts]
    for head, number, rest in _LINE.findall(said):
        if int(number) < len(owners):
            piece, track = owners[int(number)]
            told[piece].append(b"%s%d%s\n" % (head, track, rest))
    return [b"".join(lines) for lines in told]


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """It holds a picture without being read: one that is larger is none."""
    out, into = os.pipe()
    os.set_blocking(out, False)
    try:
        yield out, into
    finally:
        os.close(out)
        os.close(into)


def _taken(out: int) -> bytes:
    try:
        return os.read(out, BYTES_MAX)
    except BlockingIOError:
        return b""

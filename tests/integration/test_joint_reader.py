"""Several captures read by one start: each is told its own, and nobody is accused by it."""

import asyncio
import os
from collections.abc import Sequence

import pytest

from coordinator.adapters.media.joint_reader import (
    GATHER_S,
    NOTHING,
    TOGETHER_MAX,
    JointReader,
    readings_of,
    told_of,
)
from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.rtmp_reader import FOOTAGE_MAX, Footage
from coordinator.adapters.media.second_reader import reading_of
from coordinator.proof.captures import Capture
from coordinator.proof.second_opinion import Opinion, Reading
from prober.evidence import second_opinion
from rtmp.messages import Message, MessageKind
from tests.e2e.media import children_of_this_process
from tests.integration.short_shows import short_show

DESCRIPTORS = 40
"""More than the tool may open: a prober has hundreds of connections."""


@pytest.fixture(scope="module")
def show() -> list[Message]:
    """Two seconds of a picture and a tone."""
    return short_show()


def heard(show: Sequence[Message]) -> list[Message]:
    """Its sound alone."""
    return [m for m in show if m.kind != MessageKind.VIDEO]


def seen(show: Sequence[Message]) -> list[Message]:
    """Its picture alone."""
    return [m for m in show if m.kind != MessageKind.AUDIO]


def headless(show: Sequence[Message]) -> list[Message]:
    """Right packets that no player shows."""
    return [m for m in show if m.kind == MessageKind.DATA or m.body[1] != 0]


def noise(show: Sequence[Message]) -> list[Message]:
    """Zeros behind headers."""
    return [m._replace(body=m.body[:2] + bytes(len(m.body) - 2)) for m in show if len(m.body) > 2]


def joint() -> JointReader:
    """One that waits for whoever comes in the same turn of the loop."""
    return JointReader(lambda _: asyncio.sleep(0))


async def opinions(pieces: Sequence[list[Message]], reader: JointReader) -> list[Opinion | None]:
    """What is found of captures that end at the same time."""

    async def of(messages: list[Message]) -> Opinion | None:
        footage = Footage()
        for message in messages:
            footage.keep(message, len(packets_of(message, 1.0)))
        packets = tuple(p for m in messages for p in packets_of(m, 1.0))
        return (await second_opinion(Capture(0.0, 2.0, packets), footage, reader))[0]

    return list(await asyncio.gather(*map(of, pieces)))


async def test_each_is_told_what_it_would_be_told_alone(show: list[Message]) -> None:
    """Packets, codecs, size and picture, whatever stands beside; no process and no file stays."""
    late = [m for m in show if not 0 < m.timestamp_ms < 500]
    pieces = [heard(show), show, seen(show), late]
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(DESCRIPTORS)]
    try:
        before = os.listdir("/proc/self/fd")
        together = await readings_of(pieces)
        assert len(os.listdir("/proc/self/fd")) == len(before)
    finally:
        for descriptor in held:
            os.close(descriptor)
    for reading, piece in zip(together, pieces, strict=True):
        alone = await reading_of(piece)
        assert sorted(reading.packets) == sorted(alone.packets)
        assert (reading.codecs, reading.width, reading.height) == (
            alone.codecs,
            alone.width,
            alone.height,
        )
        assert reading.picture == alone.picture
    assert not {"ffmpeg", "prlimit"} & children_of_this_process()


async def test_captures_that_end_soon_after_each_other_are_read_together(
    show: list[Message],
) -> None:
    """One that nobody came beside is left to be read alone."""
    reader = joint()
    first, second = await asyncio.gather(reader.reading_of(show), reader.reading_of(heard(show)))
    assert first.picture is not None
    assert (second.codecs, second.picture) == (("aac",), None)
    assert await reader.reading_of(show) == NOTHING
    assert await reader.reading_of([m for m in show if m.kind == MessageKind.DATA]) == NOTHING


async def test_what_one_serves_decides_of_nobody_else(show: list[Message]) -> None:
    """Beside noise, and beside what no player shows, right packets play: they are read again."""
    told = await opinions([show, noise(show), headless(show), heard(show)], joint())
    assert told == [Opinion.PLAYS, Opinion.UNPLAYABLE, Opinion.UNPLAYABLE, Opinion.PLAYS]


async def test_another_capture_of_the_same_packets_proves_nothing(show: list[Message]) -> None:
    """They are found in each by itself: of a camera without a header nobody sees a thing."""
    dark = [m for m in show if m.kind != MessageKind.VIDEO or m.body[1] != 0]
    told = await opinions([show, dark, show], joint())
    assert told == [Opinion.PLAYS, Opinion.UNPLAYABLE, Opinion.PLAYS]


async def test_together_they_have_no_more_bytes_than_one_may_have() -> None:
    """Whoever would exceed that is gathered with others."""
    large = [Message(MessageKind.VIDEO, 1, 0, b"\x17\x01" + bytes(FOOTAGE_MAX.size // 2))]
    small = [Message(MessageKind.VIDEO, 1, 0, b"\x17\x01" + bytes(9))]
    waited = list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    reader = JointReader(sleep)
    for many, starts in (
        ([large, small], 1),
        ([large, large, small], 2),
        ([small] * TOGETHER_MAX, 1),
        ([small] * (TOGETHER_MAX + 1), 2),
    ):
        await asyncio.gather(*map(reader.reading_of, many))
        assert waited == [GATHER_S] * starts
        waited.clear()


async def test_who_is_given_up_takes_nobody_along(show: list[Message]) -> None:
    """A run that is cancelled may hold one of those that are read."""
    reader = JointReader(lambda _: asyncio.sleep(0.05))
    given_up = asyncio.create_task(reader.reading_of(show))
    others = [asyncio.create_task(reader.reading_of(show)) for _ in range(2)]
    await asyncio.sleep(0)
    given_up.cancel()
    assert all(reading.picture for reading in await asyncio.gather(*others))
    assert given_up.cancelled()


async def test_a_start_that_is_overdue_says_nothing_of_anybody(show: list[Message]) -> None:
    """Whose fault it was shows when each is read alone."""
    assert await readings_of([show, show], seconds_max=0.0) == [NOTHING, NOTHING]


def test_lines_belong_to_the_capture_whose_track_they_name() -> None:
    """As if each were alone; what names no track of anybody is left out."""
    said = b"#media_type 0: video\n#media_type 2: audio\n2, 0, 0, 1, 7, ab\n0, x\n9, y\n#tb: 1\n"
    assert told_of(said, [2, 0, 1]) == [
        b"#media_type 0: video\n0, x\n",
        b"",
        b"#media_type 0: audio\n0, 0, 0, 1, 7, ab\n",
    ]
    assert Reading() == NOTHING

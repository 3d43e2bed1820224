"""How much a connection may make us read: what any viewer of the stream may have been sent."""

import pytest

from coordinator.adapters.media.reference_window import ReferenceWindow
from coordinator.adapters.media.rtmp_probe import RtmpProbe, analyse_s
from coordinator.adapters.media.rtmp_reader import ROOM, RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.checking.lengths import VERY_LONG_S
from coordinator.proof.captures import Capture
from coordinator.proof.packets import MediaKind, Packet, Part
from prober.captor import RECENT_S, ROOM_MIN, Captor, room_of
from rtmp.addresses import RtmpAddress
from tests.generated_streams import Pictures, Publisher, Sounds
from tests.packet_streams import T0

STEP_S = 1 / 30
BURST_S = 20.0
"""What servers keep for newcomers."""


def extended(window: ReferenceWindow, since_s: float, until_s: float, mbit: float) -> int:
    """The ingest serves so much for so long; gives the bytes."""
    size = round(mbit * 1e6 / 8 * STEP_S)
    count = round((until_s - since_s) / STEP_S)
    for n in range(count):
        at_s = since_s + n * STEP_S
        window.take(Packet(at_s, MediaKind.VIDEO, round(at_s * 1000) % 2**32, size, f"{at_s}"))
    return size * count


def test_a_viewer_of_an_old_stream_may_be_sent_all_of_it() -> None:
    """The codec header came hours ago with the connection; the stream is as rich as ever."""
    window = ReferenceWindow()
    window.take(Packet(T0 - 36_000, MediaKind.VIDEO, 0, 40, "header", part=Part.HEADER))
    burst = extended(window, T0 - BURST_S, T0, 4.0)
    before = extended(window, T0, T0 + 60, 4.0)
    assert room_of(window, T0 - RECENT_S).size > burst + before
    extended(window, T0 + 60, T0 + VERY_LONG_S, 4.0)
    assert room_of(window, T0 - RECENT_S).size > burst + 2 * before
    assert room_of(window, T0 - RECENT_S).messages > (BURST_S + VERY_LONG_S) / STEP_S


def test_a_still_picture_may_turn_into_a_film() -> None:
    """What comes then is more than what there was; the ingest has served it, so it is no flood."""
    window = ReferenceWindow()
    extended(window, T0 - 100, T0, 0.05)
    still = room_of(window, T0 - RECENT_S)
    assert still.size < ROOM_MIN.size + 1_000_000
    film = extended(window, T0, T0 + 14, 20.0)
    assert room_of(window, T0 - RECENT_S).size > film + ROOM_MIN.size


def test_a_flood_is_bounded_by_the_stream() -> None:
    """Whoever sends three times what there is has no room for it, a short burst aside."""
    window = ReferenceWindow()
    all_of_it = extended(window, T0 - RECENT_S, T0 + 14, 4.0)
    assert room_of(window, T0 - RECENT_S).size <= 3 * all_of_it - ROOM_MIN.size


def test_nobody_knows_what_came_before_a_young_reference() -> None:
    """A node may have kept more of it than we have seen: then it is what any stream may have."""
    window = ReferenceWindow()
    assert room_of(window, T0 - RECENT_S) == ROOM
    extended(window, T0, T0 + 5, 4.0)
    assert room_of(window, T0 - RECENT_S).size > ROOM.size


class Noting(RtmpProbe):
    """Runs no tool: it notes whether it was told to wait for no second track."""

    def __init__(self) -> None:
        super().__init__(now=lambda: T0)
        self.noted: list[bool] = []

    async def capture(
        self, address: RtmpAddress, seconds: float, *, has_one_track: bool = False
    ) -> Capture:
        self.noted.append(has_one_track)
        return Capture(T0, T0 + seconds)


@pytest.mark.parametrize(
    ("tracks", "is_alone"),
    [
        ((Pictures(), Sounds()), False),
        ((Pictures(),), True),
        ((Sounds(),), True),
        ((Pictures(), Sounds(ends_s=99.0)), False),
        ((Pictures(), Sounds(ends_s=89.0)), True),
        ((Sounds(), Sounds()), True),
    ],
    ids=["both", "no sound", "no picture", "ended just now", "ended a while ago", "two sounds"],
)
async def test_ffprobe_waits_for_no_track_that_there_is_not(
    tracks: tuple[Pictures | Sounds, ...], *, is_alone: bool
) -> None:
    """It prints nothing meanwhile, and a server that waits for a key frame begins late."""
    address = RtmpAddress("127.0.0.1", 1935, "live", "show")
    reference = Reference(address, now=lambda: T0 + 100)
    for packet in Publisher(tracks).stream(100.0):
        reference.window.take(packet)
    probe = Noting()
    captor = Captor(RtmpReader(now=lambda: T0 + 100), probe, lambda: T0 + 100)
    await captor.probed(address, 4.3, reference)
    assert probe.noted == [is_alone]
    assert analyse_s(4.3, has_one_track=True) < 1 < analyse_s(4.3, has_one_track=False) < 4.3

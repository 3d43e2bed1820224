"""What honest publishers do: decided before the first byte, so it can be looked at here."""

import pytest

from bench.kinds.honest_kinds import HONEST_KINDS, LIVE, NODES_OF, kinds_like
from bench.kinds.recorded_publishers import dated
from bench.kinds.recordings import RECIPES
from bench.kinds.scripts import (
    CORNERS,
    CROSSES_AFTER_MS,
    LATE_S,
    MINUTE_MS,
    PUBLISHERS,
    Act,
    cut,
    filled,
    late,
    piece,
)
from rtmp.messages import U32_END, Message, MessageKind
from tests.numbered_media import STEP_MS, headers, number_of, numbered

MEDIA = [*headers(), *map(numbered, range(2 * MINUTE_MS // STEP_MS))]
WHOLE = piece(MEDIA, 0, 2 * MINUTE_MS)


def numbers(act: Act) -> list[int]:
    """Of its pictures and sounds."""
    found = [number_of(m) for m in act.messages if m.kind != MessageKind.DATA]
    return [number for number in found if number is not None]


def test_pieces_are_the_whole_and_each_can_be_played() -> None:
    """Headers first, and a clock that begins at zero."""
    pieces = cut(WHOLE, 40_000)
    assert [one.length_ms for one in pieces] == [40_000] * 3
    assert [n for one in pieces for n in numbers(one)] == list(range(2 * MINUTE_MS // STEP_MS))
    for one in pieces:
        assert one.messages[: len(headers())] == WHOLE.messages[: len(headers())]
        frames = one.messages[len(headers()) :]
        assert [frames[0].timestamp_ms, frames[-1].timestamp_ms] == [0, 40_000 - STEP_MS]


@pytest.mark.parametrize("kind", [MessageKind.VIDEO, MessageKind.AUDIO])
def test_a_late_track_begins_with_its_header_and_a_key_frame(kind: MessageKind) -> None:
    """And nothing of the other one is missing."""
    act = late(cut(WHOLE, MINUTE_MS)[0], kind)
    own = [m for m in act.messages if m.kind == kind]
    assert number_of(own[0]) is None
    assert own[0].timestamp_ms == own[1].timestamp_ms >= LATE_S * 1000
    assert own[1].timestamp_ms < LATE_S * 1000 + 2_000
    assert kind == MessageKind.AUDIO or own[1].body[0] == 0x17
    others = [m for m in act.messages if m.kind not in (kind, MessageKind.DATA)]
    assert len(others) == MINUTE_MS // STEP_MS // 2 + 1
    times = [m.timestamp_ms for m in act.messages]
    assert times == sorted(times)


def test_pictures_are_filled_up_and_sounds_are_not() -> None:
    """By a unit that decoders leave out; a picture that is large already stays as it is."""
    picture, sound = numbered(2), numbered(1)
    whole = filled(picture, 50_000)
    assert len(whole.body) == 50_000
    assert whole.body.startswith(picture.body)
    unit = whole.body[len(picture.body) :]
    assert int.from_bytes(unit[:4], "big") == len(unit) - 4
    assert (unit[4], unit[-1], set(unit[5:-1])) == (12, 0x80, {0xFF})
    assert filled(sound, 50_000) == sound
    assert filled(picture, 100) == picture
    assert filled(headers()[0], 50_000) == headers()[0]


@pytest.mark.parametrize("name", sorted(CORNERS))
def test_a_clock_passes_its_corner_when_it_is_looked_at(name: str) -> None:
    """2^31 is where a signed number ends, 2^32 where all of them do."""
    publisher = PUBLISHERS[name]
    at_corner = Message(MessageKind.AUDIO, 1, CROSSES_AFTER_MS, b"\xaf\x01")
    ((after_s, message),) = dated(Act((at_corner,), 1), publisher.first_ms, publisher)
    assert after_s == CROSSES_AFTER_MS / 1000
    assert publisher.corner_ms is not None
    assert message.timestamp_ms == publisher.corner_ms % U32_END


def test_every_publisher_is_served_and_recorded() -> None:
    """Forty kinds and more, each under a name of its own."""
    assert NODES_OF.keys() - {LIVE} == PUBLISHERS.keys()
    assert {medium for one in PUBLISHERS.values() for medium in one.media} == RECIPES.keys()
    assert len({kind.name for kind in HONEST_KINDS}) == len(HONEST_KINDS) >= 40
    assert kinds_like(["hevc by 1"]) == tuple(k for k in HONEST_KINDS if k.name == "hevc by 1 hop")
    assert kinds_like([]) == HONEST_KINDS

"""What the soak's figures are made of."""

import pytest

from bench.soak.call_counter import PREFACE_BYTES, FrameReader
from bench.soak.process_samples import written
from bench.soak.soak import allowed
from bench.soak.trends import second_half

DATA, HEADERS = 0, 1


def frame(kind: int, size: int) -> bytes:
    return size.to_bytes(3) + bytes([kind]) + bytes(5) + bytes([HEADERS] * size)


SENT = bytes(PREFACE_BYTES) + frame(HEADERS, 7) + frame(DATA, 300) + frame(HEADERS, 0) + frame(4, 5)


@pytest.mark.parametrize("piece", [1, 2, 11, len(SENT)])
def test_calls_are_counted_however_their_frames_are_cut(piece: int) -> None:
    """Whatever bytes they carry."""
    reader = FrameReader()
    pieces = [SENT[at : at + piece] for at in range(0, len(SENT), piece)]
    assert sum(map(reader.feed, pieces)) == 2


def test_a_line_is_drawn_of_the_second_half_alone() -> None:
    points = [(float(at), 500.0) for at in range(10)]
    points += [(float(at), 100.0 + 3.0 * (at - 10)) for at in range(10, 21)]
    trend = second_half(points)
    assert trend.rise == pytest.approx(30.0)
    assert trend.level == pytest.approx(115.0)
    assert trend.noise == pytest.approx(0.0, abs=1e-9)
    assert trend.rise_an_hour == pytest.approx(3.0 * 3_600)


def test_what_grows_steadily_is_not_flat() -> None:
    growing = second_half([(at * 10.0, 80.0 + at * 0.1 + at % 2) for at in range(60)])
    assert growing.rise > allowed("memory", growing)


def test_what_wavers_is_flat() -> None:
    wavering = second_half([(at * 10.0, 80.0 + at % 5) for at in range(60)])
    assert wavering.rise <= allowed("memory", wavering)


def test_memory_is_what_was_written() -> None:
    """In memory or swapped out; a library's pages come and go with the machine's cache."""
    rollup = "55-7f ---p 00 00:00 0 [rollup]\nRss: 90 kB\nPss: 70 kB\nPss_Dirty: 11 kB\n"
    rollup += "Pss_Anon:   31 kB\nPss_File: 39 kB\nSwap: 9 kB\nSwapPss: 7 kB\n"
    assert written(rollup) == 38


def test_too_few_measurements_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        second_half([(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)])

"""Times on a circle, and one endless line through publishers' restarts."""

import pytest

from rtmp.clock import JUMP_MS, STEP_MS, EndlessClock, difference_ms

END = 2**32


@pytest.mark.parametrize(
    ("later", "earlier", "difference"),
    [
        (5, 3, 2),
        (3, 5, -2),
        (2, END - 3, 5),
        (END - 3, 2, -5),
        (END // 2 - 1, 0, END // 2 - 1),
        (END // 2, 0, -(END // 2)),
    ],
)
def test_a_difference_goes_the_shorter_way_round(later: int, earlier: int, difference: int) -> None:
    assert difference_ms(later, earlier) == difference


def read_all(clock: EndlessClock, *times_ms: int) -> list[int]:
    """Each time's place on the line."""
    return [clock.read(time_ms) for time_ms in times_ms]


def test_an_ordinary_publisher_s_times_stay_as_they_are() -> None:
    """Also sound that comes a little behind its picture, and a start that is not zero."""
    times = [700, 740, 733, 780, 756, 820]
    assert read_all(EndlessClock(), *times) == times


def test_times_go_round_without_a_jump() -> None:
    times = [END - 50, END - 10, 30, 70]
    assert read_all(EndlessClock(), *times) == times


def test_the_next_publisher_goes_on_behind_the_last() -> None:
    clock = EndlessClock()
    read_all(clock, 0, 40, 5000)
    clock.restart()
    assert read_all(clock, 0, 23, 40) == [5000 + STEP_MS, 5023 + STEP_MS, 5040 + STEP_MS]


def test_the_next_publisher_s_pause_passes_on_the_line_too() -> None:
    clock = EndlessClock()
    clock.read(5000)
    clock.restart()
    assert clock.read(9, pause_ms=7000) == 12_000
    assert clock.read(49, pause_ms=40) == 12_040


@pytest.mark.parametrize("to_ms", [0, 25_000 + JUMP_MS + 1, END // 2, END - 100])
def test_a_jump_is_a_new_clock(to_ms: int) -> None:
    """An encoder that starts its clock anew ends no viewer's playback."""
    clock = EndlessClock()
    clock.read(25_000)
    assert clock.read(to_ms) == 25_000 + STEP_MS
    assert clock.read(to_ms + 33) == 25_000 + STEP_MS + 33


@pytest.mark.parametrize("step_ms", [JUMP_MS, -JUMP_MS])
def test_a_step_up_to_the_bound_is_none(step_ms: int) -> None:
    clock = EndlessClock()
    clock.read(100_000)
    assert clock.read(100_000 + step_ms) == 100_000 + step_ms


def test_a_step_back_does_not_move_the_line_s_end() -> None:
    """Else the next publisher would begin inside of what was sent."""
    clock = EndlessClock()
    read_all(clock, 100_000, 95_000)
    clock.restart()
    assert clock.read(0) == 100_000 + STEP_MS


def test_a_shifted_time_tells_the_line_nothing() -> None:
    clock = EndlessClock()
    read_all(clock, 5000)
    clock.restart()
    clock.read(0)
    assert clock.shifted(0) == 5000 + STEP_MS
    assert clock.shifted(400_000) == 405_000 + STEP_MS
    assert clock.read(40) == 5040 + STEP_MS

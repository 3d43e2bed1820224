"""A sweep, readably."""

import pytest

from coordinator.adapters.records import Measurements
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.memory import MemoryStore
from tools.show_sweep import lines_of, main, show

SLOTS = tuple(Slot(f"n{i}", "s3", "http://192.0.2.5/", "192.0.2.5", 1935, 7, 1.0) for i in range(7))


def test_trouble_comes_first_and_the_rest_is_counted() -> None:
    """With the roster that the slots are of."""
    polls = {at: Poll(Outcome.UP, Reason.OK, 13, 11, since_tick=5) for at in range(7)}
    polls[5] = Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 13, 2, misses=2, since_tick=17)
    lines = lines_of(Sweep(WHOLE, 18, 1, polls, 3), Roster(WHOLE, 1, 0.0, SLOTS), 60, most=2)
    assert lines[0] == "sweep-0of1-000000000018: shard 0of1, tick 18 (1970-01-01T00:18:00+00:00)"
    assert lines[1] == "roster 0of1-1, revision 3: 7 of 7 slots polled: 6 up, 1 down"
    assert lines[4].split()[:5] == ["5", "n5", "s3", "down", "connect_failed"]
    assert lines[5].split()[:4] == ["0", "n0", "s3", "up"]
    assert lines[-1].startswith("… and 5 more")


async def _swept() -> Measurements:
    measurements = Measurements(MemoryStore())
    await measurements.put_roster(Roster(WHOLE, 1, 0.0, SLOTS))
    polls = {at: Poll(Outcome.UP, Reason.OK, 13, 11, since_tick=5) for at in range(7)}
    for tick in (17, 18):
        await measurements.create_sweep(Sweep(WHOLE, tick, 1, polls, 3), 60.0 * tick)
    return measurements


@pytest.mark.parametrize(
    ("asked", "found"), [("latest", "000000000018"), ("sweep-0of1-000000000017", "000000000017")]
)
async def test_a_sweep_is_found_by_its_id_or_as_the_latest(asked: str, found: str) -> None:
    """In the store."""
    lines = await show(await _swept(), asked, 60)
    assert lines[0].startswith(f"sweep-0of1-{found}: ")


@pytest.mark.parametrize(
    ("asked", "why"),
    [("sweep-0of1-000000000016", "called sweep-0of1-000000000016"), ("latest", "none")],
)
async def test_what_is_not_there_is_said_to_be_missing(asked: str, why: str) -> None:
    """And not shown as an empty sweep."""
    measurements = Measurements(MemoryStore()) if asked == "latest" else await _swept()
    with pytest.raises(LookupError, match=why):
        await show(measurements, asked, 60)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["x y"], "'x y' is not latest, and a sweep is named like"),
        (["--lines", "abc"], "invalid int value: 'abc'"),
        ([], "set GOOGLE_CLOUD_PROJECT"),
    ],
)
def test_a_wrong_call_is_refused_with_what_to_write(
    arguments: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the exit status of wrong usage."""
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err

"""Who says goodbye before a draw is not drawn; who does in it fails as `left`.

Whoever takes another stream says goodbye to the one that it had."""

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Outcome
from tests.unit.functions.night import FIRST, NODES, Night, Patient

DRAW = FIRST + 5
BEGINS_S = DRAW * 60.0
LEAVER = NODES[1]


@pytest.fixture
async def night() -> Night:
    """All nodes are up, and each of them is due in each draw."""
    night = Night()
    await night.is_swept(range(FIRST, FIRST + 5), Outcome.UP)
    return night


async def _says(night: Night, *said: tuple[str, float], stream_id: str = "s3") -> None:
    """What the leaver says, and when; `stream_id`: which stream it has by then."""
    await _put(night, "running", BEGINS_S - 3_600, "s3")
    for state, at_s in said:
        await _put(night, state, at_s, stream_id)


async def _put(night: Night, state: str, at_s: float, stream_id: str) -> None:
    node = Node.model_validate(
        {
            "node_id": LEAVER,
            "stream_id": stream_id,
            "stats_url": "http://192.0.2.5/",
            "rtmp_host": "192.0.2.5",
            "rtmp_port": 1935,
            "agent": "",
            "engine": "",
            "state": state,
            "joined_s": 1.0,
            "changed_s": at_s,
            "signed_s": int(at_s),
        }
    )
    await night.measurements.put_node(node)


async def _checks(night: Night, reason: Reason = Reason.NO_STREAM) -> dict[str, Check]:
    """Those of the draw, in which the leaver's connection finds this."""
    prober = night.prober()
    prober.checker = Patient(prober.checker, "", {LEAVER: reason})
    await night.runs(prober, DRAW)
    (run,) = await night.measurements.runs(range(DRAW, DRAW + 1))
    return {check.node_id: check for check in run.checks}


async def test_who_said_goodbye_before_the_draw_is_not_in_it(night: Night) -> None:
    """Nobody fails for having left; all others are checked."""
    await _says(night, ("leaving", BEGINS_S - 0.5))
    assert set(await _checks(night)) == {*NODES} - {LEAVER}


async def test_who_is_back_before_the_draw_is_in_it(night: Night) -> None:
    """A goodbye alone would else be a way out of any check."""
    await _says(night, ("leaving", BEGINS_S - 0.5), ("running", BEGINS_S - 0.25))
    checks = await _checks(night)
    assert (checks[LEAVER].verdict, checks[LEAVER].reason) == (Verdict.FAIL, Reason.NO_STREAM)


async def test_who_says_goodbye_in_the_draw_fails_as_left(night: Night) -> None:
    """The check names the instant, and the others are checked as ever."""
    await _says(night, ("leaving", BEGINS_S + 0.125))
    checks = await _checks(night)
    left = checks[LEAVER]
    assert (left.verdict, left.reason, left.left_s) == (Verdict.FAIL, Reason.LEFT, BEGINS_S + 0.125)
    assert {checks[name].reason for name in NODES if name != LEAVER} == {Reason.PASSED}


async def test_who_took_another_stream_before_the_draw_is_not_in_it(night: Night) -> None:
    """Nobody fails for having moved, as whoever may choose its stream does."""
    await _says(night, ("running", BEGINS_S - 0.5), stream_id="s5")
    assert set(await _checks(night)) == {*NODES} - {LEAVER}


async def test_who_is_back_on_its_stream_before_the_draw_is_in_it(night: Night) -> None:
    """To move for a moment is no way out of any check."""
    await _says(night, ("running", BEGINS_S - 0.5), stream_id="s5")
    await _put(night, "running", BEGINS_S - 0.25, "s3")
    assert (await _checks(night))[LEAVER].reason is Reason.NO_STREAM


async def test_who_takes_another_stream_in_the_draw_fails_as_left(night: Night) -> None:
    """That flags nothing, and takes it off no list; it names the instant."""
    await _says(night, ("running", BEGINS_S + 0.125), stream_id="s5")
    left = (await _checks(night))[LEAVER]
    assert (left.verdict, left.reason, left.left_s) == (Verdict.FAIL, Reason.LEFT, BEGINS_S + 0.125)


async def test_who_moves_twice_within_minutes_is_spared_once(night: Night) -> None:
    """No roster may have taken the first move in, and each that spares a check has to be on one."""
    await _says(night, ("running", BEGINS_S - 100), stream_id="s5")
    await _put(night, "running", BEGINS_S - 90, "s3")
    await _put(night, "running", BEGINS_S - 0.5, "s5")
    assert (await _checks(night))[LEAVER].left_s == BEGINS_S - 0.5


async def test_a_goodbye_after_the_failure_explains_nothing(night: Night) -> None:
    """Nor does one of who is back, or what was served wrongly."""
    await _says(night, ("leaving", BEGINS_S + 90))
    assert (await _checks(night))[LEAVER].reason is Reason.NO_STREAM


async def test_a_goodbye_excuses_no_wrong_content(night: Night) -> None:
    """Whoever serves a recording has served it."""
    await _says(night, ("leaving", BEGINS_S + 0.125))
    assert (await _checks(night, Reason.REPLAYED))[LEAVER].reason is Reason.REPLAYED


async def test_a_second_goodbye_within_minutes_spares_nothing(night: Night) -> None:
    """No roster may have taken the first one in, and each that spares a check has to be on one."""
    await _says(
        night,
        ("leaving", BEGINS_S - 100),
        ("running", BEGINS_S - 90),
        ("leaving", BEGINS_S - 0.5),
    )
    left = (await _checks(night))[LEAVER]
    assert (left.reason, left.left_s) == (Reason.LEFT, BEGINS_S - 0.5)


async def test_a_check_that_passes_after_a_goodbye_has_passed(night: Night) -> None:
    """Who lets its viewers finish has served."""
    await _says(night, ("leaving", BEGINS_S + 0.125))
    assert (await _checks(night, Reason.PASSED))[LEAVER].verdict is Verdict.PASS

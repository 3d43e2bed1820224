"""How long a call of the prober lasts: only while it is called does it have a processor."""

from dataclasses import dataclass

import pytest
from starlette.requests import Request

from coordinator.adapters.clock import system_clock
from coordinator.adapters.media.rtmp_reference import ReferencePool
from coordinator.adapters.settings import ProberSettings
from coordinator.sweeping.polls import Outcome
from prober.prober import Prober
from prober.wiring import build_on
from tests.doubles.memory import MemoryStore
from tests.unit.functions.night import FIRST, Night, Patient, a_night

ENDS_S = (FIRST + 1) * 60.0
NEXT_CALL_S = ENDS_S + 5


@dataclass
class Hearing(ReferencePool):
    """References that hear their stream until it ends."""

    night: Night
    until_s: float

    def __post_init__(self) -> None:
        super().__init__(now=lambda: self.night.now_s)

    def is_hearing(self) -> bool:
        return self.night.now_s < self.until_s


async def _night(outcome: Outcome) -> tuple[Night, Prober]:
    night = Night()
    await night.is_swept(range(FIRST - 2, FIRST + 1), outcome)
    prober = night.prober()
    prober.checker = patient = Patient(prober.checker, "n3")
    patient.go_on.set()
    return night, prober


@pytest.mark.parametrize("outcome", [Outcome.IDLE, Outcome.DOWN])
async def test_a_run_in_which_nobody_may_be_up_is_over_at_once(outcome: Outcome) -> None:
    """While no stream is published a call lasts a moment of its minute, and costs that."""
    night, prober = await _night(outcome)
    await night.runs(prober, FIRST)
    await prober.attend(FIRST)
    assert night.now_s < FIRST * 60 + 1
    (run,) = await night.measurements.runs(range(FIRST, FIRST + 1))
    assert (run.streams, run.checks) == ({}, ())


async def test_a_run_with_candidates_lasts_as_long_as_its_draw() -> None:
    """It says how each stream was at the ingest when the draw ended."""
    night, prober = await _night(Outcome.UP)
    await night.runs(prober, FIRST)
    await prober.references.close()
    assert ENDS_S <= night.now_s < ENDS_S + 1


@pytest.mark.parametrize(
    ("heard_until_s", "answered_s"),
    [(0.0, ENDS_S - 30), (ENDS_S - 12, ENDS_S - 10), (ENDS_S + 999, NEXT_CALL_S)],
)
async def test_a_call_bridges_the_time_to_the_next_while_a_stream_is_heard(
    heard_until_s: float, answered_s: float
) -> None:
    """Else packets would wait unread in between, and be late for nobody's fault but ours."""
    night, prober = await _night(Outcome.UP)
    prober.references = Hearing(night, heard_until_s)
    night.now_s = ENDS_S - 30
    await prober.attend(FIRST)
    assert night.now_s == answered_s


async def test_a_call_waits_for_checks_that_are_put_off_until_the_next_has_come() -> None:
    """They go on over calls of several draws; each has a processor for them."""
    night, _ = await a_night(FIRST + 3)
    prober = night.prober()
    prober.checker = patient = Patient(prober.checker, "n3")
    await night.runs(prober, FIRST)
    night.now_s = ENDS_S
    await prober.attend(FIRST)
    assert night.now_s == NEXT_CALL_S
    patient.go_on.set()
    await prober.finished()
    await prober.references.close()
    night.now_s = ENDS_S
    await prober.attend(FIRST)
    assert night.now_s == ENDS_S


class AlwaysHearing(ReferencePool):
    """A stream that does not end."""

    def is_hearing(self) -> bool:
        return True


async def test_the_scheduler_is_answered_when_nothing_goes_on_any_more() -> None:
    """A draw of a second: while its stream is heard the call does not end before it."""
    environ = {
        "GOOGLE_CLOUD_PROJECT": "tests",
        "INGEST_URL": "rtmp://203.0.113.5/live",
        "LOTTERY_KEY": "k" * 32,
        "CHECK_SECONDS": "1",
        "CONTROL_GOOD_NODES": "n2",
    }
    settings = ProberSettings.from_env(environ)
    answer = build_on(MemoryStore(), settings, references=AlwaysHearing(now=system_clock))
    draw = settings.calendar.draw_at(system_clock())
    call = {"type": "http", "method": "POST", "query_string": b"", "headers": []}
    answered = await answer(Request(call))
    assert answered.status_code == 200
    assert system_clock() >= draw + 1

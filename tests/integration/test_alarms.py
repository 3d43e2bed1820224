"""Alarms hang on lines of the log: each one is named by the code, and really written by it.

The filters of terraform/metrics.tf are read here and held against what the functions' handlers
print, field by field; a filter without a test that provokes its line fails.
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import collector.wiring
import payout.wiring
import prober.wiring
from agent.log import AgentEvent
from coordinator.adapters.log import LogEvent
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.settings import CollectorSettings, PayoutSettings, ProberSettings
from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Ref, StoreError
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import GRACE_SECONDS, RECORD_AFTER_S
from coordinator.checking.sealed_days import LotteryDay, days_around
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.roster_room import NEARLY_FULL_PERCENT, SLOTS_MAX
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.capacity import Capacity
from tests.builders import a_stream
from tests.doubles.jobs import MemoryScheduler
from tests.doubles.memory import MemoryStore
from tests.e2e.media import Media, at
from tests.ports import free_port
from tests.unit.functions.night import FIRST, Night, Patient

TERRAFORM = Path(__file__).resolve().parents[2] / "terraform"
METRICS, ALERTS = (TERRAFORM / name for name in ("metrics.tf", "alerts.tf"))
ENVIRON = {"GOOGLE_CLOUD_PROJECT": "tests"}
SEVERITIES = ("DEBUG", "INFO", "WARNING", "ERROR")
CALENDAR = Calendar()
STREAM = a_stream(stream_id="show", created_s=11 * 3600.0)
AFTER_S = 12.0 * 3600 + GRACE_SECONDS
"""When the stream's first epoch is due."""
CHECK_SECONDS, DRAWS_MAX = 5, 12
NEARLY_FULL_SLOTS = SLOTS_MAX * NEARLY_FULL_PERCENT // 100

Answer = Callable[[Request], Awaitable[Response]]
Provoke = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Metric:
    """One entry of metrics.tf: whose lines it counts, and which."""

    of: str
    filter: str

    @property
    def events(self) -> set[str]:
        """The events that it names."""
        return set(re.findall(r'jsonPayload\.message="(\w+)"', self.filter))

    def counts(self, line: dict[str, Any]) -> bool:
        """Whether Cloud Logging would, by the comparisons that our filters are made of."""
        return self.of in ("functions", line["service"]) and all(
            _holds(comparison, line) for comparison in self.filter.split(" AND ")
        )


def _holds(comparison: str, line: dict[str, Any]) -> bool:
    found = re.fullmatch(r'(?:jsonPayload\.)?(\w+)(=|!=|>=)"?([\w-]+)"?', comparison)
    assert found, f"this test cannot read {comparison}"
    name, how, wanted = found.groups()
    if how == ">=":
        return SEVERITIES.index(line[name]) >= SEVERITIES.index(wanted)
    return name in line and (line[name] == wanted) is (how == "=")


def _metrics() -> dict[str, Metric]:
    entries = re.findall(
        r'^ +(\w+) += \{ of = "(\w+)", filter = "((?:[^"\\]|\\.)*)"',
        METRICS.read_text(),
        re.MULTILINE,
    )
    return {name: Metric(of, text.replace('\\"', '"')) for name, of, text in entries}


ALL_METRICS = _metrics()
ELSEWHERE = {"calls", "crashes"}
"""Lines of Cloud Scheduler itself, and of an agent: tests/e2e/test_agent.py sees one of these."""
METRICS_BY_NAME = {name: each for name, each in ALL_METRICS.items() if name not in ELSEWHERE}
RECORDED = json.loads((TERRAFORM.parent / "tests" / "log_lines.json").read_text())
"""One line for each metric, by which tests/terraform tries the alerts."""


async def _post(answer: Answer) -> None:
    """One call of a function's handler, as the scheduler makes it."""
    transport = httpx.ASGITransport(app=Starlette(routes=[Route("/", answer, methods=["POST"])]))
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
        await client.post("/", timeout=3 * CHECK_SECONDS)


async def _sweep() -> None:
    await _sweep_on(MemoryStore())


async def _sweep_a_roster_that_is_nearly_full() -> None:
    """Nobody of it is asked yet: they join later."""
    tick = CALENDAR.tick_at(AFTER_S)
    slot = Slot("n2", "show", "http://192.0.2.2:8080/stats.json", "192.0.2.2", 1935, tick + 5, 1.0)
    slots = tuple(replace(slot, node_id=f"n{number}") for number in range(NEARLY_FULL_SLOTS))
    store = MemoryStore()
    await Measurements(store).put_roster(Roster(WHOLE, tick - 1, 1.0, slots))
    await Measurements(store).create_sweep(Sweep(WHOLE, tick - 1, tick - 1, {}), AFTER_S - 60)
    await _sweep_on(store)


async def _sweep_on(store: MemoryStore) -> None:
    settings = CollectorSettings.from_env(ENVIRON)
    await _post(collector.wiring.build_on(store, settings, lambda: AFTER_S))


async def _check_a_good_node_that_is_away() -> None:
    """Nobody listens at its port while the ingest serves: it fails once the reference is warm."""
    with Media() as media:
        _, port = media.server("ingest")
        media.publish(at(port, "show"))
        await _check_a_good_node(port, free_port())


async def _check_a_good_node(ingest: int, node: int) -> None:
    """Until it failed; both are named by their ports."""
    await _check_the_control(ingest, node, lambda check: check.verdict is Verdict.FAIL)


async def _check_where_no_place_is_left() -> None:
    """A prober without a processor has none: a control node is due in every draw."""
    no_place = Reason.UNKNOWN_CAPACITY
    await _check_the_control(free_port(), 1, lambda check: check.reason is no_place, Capacity(0.0))


async def _check_the_control(
    ingest: int, node: int, is_awaited: Callable[[Check], bool], capacity: Capacity | None = None
) -> None:
    """The good one, in draw after draw, until a check is the awaited one."""
    environ = ENVIRON | {
        "INGEST_URL": f"rtmp://127.0.0.1:{ingest}/live",
        "LOTTERY_KEY": "k" * 32,
        "CHECK_SECONDS": str(CHECK_SECONDS),
        "ALLOW_PRIVATE_ADDRESSES": "true",
        "CONTROL_GOOD_NODES": "n-good",
    }
    settings = ProberSettings.from_env(environ)
    store, now_s = MemoryStore(), time.time()
    tick = settings.calendar.tick_at(now_s)
    slot = Slot("n-good", "show", f"http://127.0.0.1:{node}/", "127.0.0.1", node, tick, 1.0)
    await Measurements(store).put_roster(Roster(WHOLE, 1, 1.0, (slot,)))
    up = Poll(Outcome.UP, Reason.OK, 1, 1)
    answer = prober.wiring.build_on(store, settings, capacity)
    for _ in range(DRAWS_MAX):
        # Nobody is drawn by an old one, and these draws may take long.
        swept = settings.calendar.tick_at(time.time()) - 1
        await Measurements(store).create_sweep(Sweep(WHOLE, swept, 1, {0: up}), time.time())
        await _post(answer)
        draw = settings.calendar.draw_at(time.time())
        runs = await Measurements(store).runs(range(draw - 2, draw + 1))
        if any(is_awaited(check) for run in runs for check in run.checks):
            return


class _LateStore(MemoryStore):
    """Fails to record what comes late."""

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        if any(ref.id.endswith("-late") for ref in refs):
            raise StoreError("the store is down")
        return await super().transact(refs, decide, new, seen)


async def _check_what_readers_do_not_agree_on() -> None:
    """Or record nothing that is late: one check lasts longer than its draw."""
    night = Night(_LateStore())
    await night.is_swept(range(FIRST - 2, FIRST), Outcome.UP)
    prober = night.prober()
    prober.checker = patient = Patient(prober.checker, "n3", {"n5": Reason.UNKNOWN_READERS})
    begun_s = iter([FIRST * 60 + 0.25])
    # Once it runs, its draw is over, and what is not over in 50 ms more is put off.
    prober.clock = lambda: next(begun_s, (FIRST + 1) * 60 + RECORD_AFTER_S - 0.05)
    await prober.run()
    patient.go_on.set()
    await prober.finished()
    await prober.references.close()


async def _settle() -> None:
    await _pay(MemoryStore())


async def _review_nobody() -> None:
    """Of a network without a stream, at noon of a day that is sealed like the next one."""
    measured = MemoryStore()
    for day in days_around(AFTER_S)[1:]:
        await Measurements(measured).seal(LotteryDay(day, "0" * 64, 60, 4, AFTER_S))
    await _pay_on(measured, MemoryStore())


async def _settle_on_damaged_days() -> None:
    damaged = {Ref("schedule_days", day.isoformat()): {"day": "?"} for day in days_around(AFTER_S)}
    await _pay(MemoryStore(damaged))


async def _pay(measured: MemoryStore) -> None:
    money = MemoryStore()
    await Measurements(measured).create_stream(STREAM)
    await Ledger(money).open(opening_balance(STREAM, 10**9, CALENDAR))
    await _pay_on(measured, money)


async def _pay_on(measured: MemoryStore, money: MemoryStore) -> None:
    job = "projects/tests/locations/here/jobs/prober"
    settings = PayoutSettings.from_env(ENVIRON | {"SCHEDULER_SWITCHED": job})
    await _post(
        payout.wiring.build_on(measured, money, settings, lambda: AFTER_S, MemoryScheduler())
    )


PROVOKED: dict[str, Provoke] = {
    "sweeps": _sweep,
    "roster": _sweep_a_roster_that_is_nearly_full,
    "runs": _check_a_good_node_that_is_away,
    "controls": _check_a_good_node_that_is_away,
    "capacity": _check_where_no_place_is_left,
    "readers": _check_what_readers_do_not_agree_on,
    "late": _check_what_readers_do_not_agree_on,
    "payouts": _settle,
    "resting": _review_nobody,
    "settled": _settle,
    "errors": _settle_on_damaged_days,
}
"""How the line that each metric counts comes about."""


def test_every_filter_is_read_and_names_events_that_the_code_knows() -> None:
    """No entry of metrics.tf is missed by these tests, and none waits for a line of no name."""
    assert len(ALL_METRICS) == len(re.findall(r", filter = \"", METRICS.read_text()))
    assert METRICS_BY_NAME.keys() == PROVOKED.keys()
    named = set().union(*(metric.events for metric in METRICS_BY_NAME.values()))
    assert named
    assert named <= set(LogEvent)
    assert re.findall(r'jsonPayload\.event="(\w+)"', ALL_METRICS["crashes"].filter) == [
        AgentEvent.RELAY_CRASHED
    ]


def test_what_ops_are_told_to_look_for_exists() -> None:
    """An alert's first step names lines of the log."""
    told = set(re.findall(r"(?:log for|lines?) `(\w+)`", ALERTS.read_text()))
    assert {LogEvent.JOBS_NOT_REVIEWED, LogEvent.ROSTER_NEARLY_FULL, "relay_crashed"} <= told
    assert told <= {*LogEvent, *AgentEvent}


def test_a_prober_without_control_nodes_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    """When it starts; with a good one it says nothing."""
    environ = ENVIRON | {"INGEST_URL": "rtmp://127.0.0.1:1/live", "LOTTERY_KEY": "k" * 32}
    for given, told in (({}, 1), ({"CONTROL_GOOD_NODES": "n-good"}, 0)):
        prober.wiring.build_on(MemoryStore(), ProberSettings.from_env(environ | given))
        lines = capfd.readouterr().out
        assert lines.count(f'"{LogEvent.NO_CONTROL_NODES}"') == told


def test_every_alert_on_the_log_hangs_on_a_metric() -> None:
    """By its name in metrics.tf."""
    named = set(re.findall(r"local\.(?:series|lines)\.(\w+)", ALERTS.read_text()))
    assert named
    assert named <= ALL_METRICS.keys()


@pytest.fixture(scope="module")
def lines_of() -> dict[Provoke, list[dict[str, Any]]]:
    """What each call of a handler has printed, made once."""
    return {}


@pytest.mark.parametrize("name", METRICS_BY_NAME)
async def test_the_line_that_a_metric_counts_is_written(
    name: str,
    lines_of: dict[Provoke, list[dict[str, Any]]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By the function's own handler, with the fields that the filter asks for."""
    provoke = PROVOKED[name]
    if provoke not in lines_of:
        await provoke()
        lines_of[provoke] = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    counted = [line for line in lines_of[provoke] if METRICS_BY_NAME[name].counts(line)]
    assert counted, lines_of[provoke]
    assert {*RECORDED[name]} in [{*line} for line in counted], counted
    assert METRICS_BY_NAME[name].counts(RECORDED[name])

"""How the measuring itself fares: sweeps, checks, control nodes, payouts, jobs. In plain words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.services.snapshots import Snapshot
from coordinator.checking.checks import Control, Verdict
from coordinator.checking.controls import ControlCount
from coordinator.epochs import Calendar
from coordinator.projections.network_view import NetworkView
from coordinator.streams import StreamStatus
from coordinator.sweeping.demand import JobState

LATE_SWEEPS, LATE_DRAWS = 3, 4
"""So many intervals without news are late."""
JOB_SLACK_S = 60
"""A call is made within seconds, and what is known of jobs is a few seconds old."""
SHOWN_S = 10
"""So long a page is shown before it renews itself (live.js)."""
PAYOUT_SLACK_S = 20 * 60
"""The payout is called every ten minutes; once may fail."""


class State(StrEnum):
    """How one part fares."""

    WELL = "well"
    LATE = "late"
    WRONG = "wrong"
    RESTING = "resting"
    NONE = "none"
    """There is nothing to tell yet."""


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One line of the table."""

    name: str
    state: State
    says: str
    at_s: float | None = None
    """When it last gave run."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job of the scheduler."""

    id: str
    state: State
    says: str
    last_s: float | None
    at_s: float | None
    """What `says` ends in: when its next call is due, or was."""


@dataclass(frozen=True, slots=True)
class Health:
    """All of it at one instant."""

    parts: Sequence[HealthLine]
    jobs: Sequence[JobLine]
    is_resting: bool
    """The jobs that measure are paused, because there is nobody to be measured."""

    @property
    def troubles(self) -> list[HealthLine]:
        """What makes everything else on the page doubtful."""
        return [part for part in self.parts if part.state in (State.LATE, State.WRONG)]


def health_of(
    snapshot: Snapshot, calendar: Calendar, jobs: Iterable[JobState], now_s: float
) -> Health:
    """What the snapshot tells, and the jobs as far as they are known by now."""
    known = list(jobs)
    resting = any(job.is_paused and job.is_switched for job in known)
    network, read_s = snapshot.network, snapshot.read_s
    parts = [
        *_sweeps(network, read_s, calendar, resting=resting),
        _checks(network, read_s, calendar, resting=resting),
        *_controls(network),
        _payouts(snapshot, calendar),
    ]
    return Health(parts, [job_line(job, now_s) for job in known], resting)


def job_line(job: JobState, now_s: float) -> JobLine:
    """A job at an instant: what was to be called by now was called, or is late."""
    since_s = None if job.next_s is None else now_s - job.next_s
    state, says, next_s = State.WELL, "", job.next_s
    if job.is_paused:
        state, next_s = State.RESTING, None
    elif since_s is not None and since_s > JOB_SLACK_S:
        state, says = State.LATE, "It was to be called"
    elif since_s is not None and since_s >= -SHOWN_S:
        says, next_s = "It is called about now.", None
    elif next_s is not None:
        says = "Next call"
    if job.failure:
        state, says = State.WRONG, f"{job.failure} {says}".strip()
    return JobLine(job.id, state, says, job.last_s, next_s)


def _state(age_s: float, late_s: float, *, resting: bool) -> State:
    if age_s <= late_s:
        return State.WELL
    return State.RESTING if resting else State.LATE


def _sweeps(
    network: NetworkView, now_s: float, calendar: Calendar, *, resting: bool
) -> list[HealthLine]:
    parts = []
    for document in network.documents:
        name = f"Sweeps of shard {document.shard.number}" if document.shard.count > 1 else "Sweeps"
        if not document.tick:
            parts.append(HealthLine(name, State.NONE, "No sweep has run yet."))
            continue
        at_s = document.tick * calendar.sweep_seconds
        state = _state(now_s - at_s, LATE_SWEEPS * calendar.sweep_seconds, resting=resting)
        took = f" in {document.swept_seconds:.1f} s" if document.swept_seconds else ""
        nodes = _counted(len(document.polls), "node")
        says = f"{nodes} polled{took}, once every {calendar.sweep_seconds} s."
        parts.append(HealthLine(name, state, says, at_s))
    return parts


def _checks(network: NetworkView, now_s: float, calendar: Calendar, *, resting: bool) -> HealthLine:
    run = network.prober
    if run.draw < 0:
        return HealthLine("Checks", State.NONE, "No check has been made yet.")
    told = [f"{n} {_VERDICTS[v]}" for v in Verdict if (n := run.verdicts.get(v.value, 0))]
    made = _counted(sum(run.verdicts.values()), "check")
    state = _state(now_s - run.ended_s, LATE_DRAWS * calendar.check_seconds, resting=resting)
    says = f"{made} in the last run{': ' + ', '.join(told) if told else ''}."
    return HealthLine("Checks", state, says, run.ended_s)


_VERDICTS = {
    Verdict.PASS: "passed",
    Verdict.DEGRADED: "passed at the second attempt",
    Verdict.FAIL: "failed",
    Verdict.UNKNOWN: "unknown by our own fault",
}


def _controls(network: NetworkView) -> list[HealthLine]:
    counts = network.prober.counts
    return [
        _control("Known-good control nodes", counts.get(Control.GOOD), "false alarm"),
        _control("Known-bad control nodes", counts.get(Control.BAD), "miss", "misses"),
    ]


def _control(name: str, count: ControlCount | None, wrong: str, many: str = "") -> HealthLine:
    if count is None:
        return HealthLine(name, State.NONE, "None is set up: the checking is not checked.")
    state = State.WRONG if count.wrong else State.WELL
    unknown = f", {count.unknown} unknown by our own fault" if count.unknown else ""
    says = f"{_counted(count.wrong, wrong, many)} in {_counted(count.checks, 'check')}{unknown}."
    return HealthLine(name, state, says)


def _payouts(snapshot: Snapshot, calendar: Calendar) -> HealthLine:
    now_s = snapshot.read_s
    open_epochs = [
        balance.next_epoch
        for stream in snapshot.streams
        if (balance := snapshot.balances.get(stream.stream_id))
        and balance.due_epoch is not None
        and snapshot.status_of(stream, now_s) is not StreamStatus.CLOSED
    ]
    if not open_epochs:
        return HealthLine("Payouts", State.NONE, "No stream is open.")
    settled_s = calendar.epoch_bounds_s(min(open_epochs))[0]
    due_s = calendar.epoch_seconds + calendar.grace_seconds + PAYOUT_SLACK_S
    state = State.WELL if now_s - settled_s <= due_s else State.LATE
    length = f"{calendar.epoch_seconds // 60} min"
    says = f"Every stream is settled up to then, {length} at a time."
    return HealthLine("Payouts", state, says, settled_s)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"

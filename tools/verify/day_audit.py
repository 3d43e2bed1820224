"""Holding a day's published checks against its published lottery. Pure.

A finding is one sentence that names what is missing, what was added, and where. No findings:
every check that was due was made or has an `unknown` reason, and no other was made. Longer than
other modules, so that all that a draw is held against is seen in one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from coordinator.checking.checks import Check, Control, Run, TrustChange, Verdict
from coordinator.checking.delistings import RETESTED_AFTER
from coordinator.checking.lottery import Lottery
from coordinator.checking.partitions import UNDIVIDED, Partition, partitions_of
from coordinator.checking.sealed_days import LotteryDay
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, SweepBits, drawable, sweep_id
from tools.verify.check_audit import put_off_findings
from tools.verify.check_lengths import OVERLAP_DRAWS, Lengths
from tools.verify.goodbye_audit import GoodbyeAudit

DUE_TOLERANCE_S = 0.002


@dataclass
class DayAudit:
    """Walks through a day's runs in order; `flagged` are nodes under retest when it begins."""

    day: LotteryDay
    sweep_seconds: int
    sweeps: Mapping[str, SweepBits]
    """By id: those of the day and a few ticks before it."""
    rosters: Mapping[tuple[Shard, int], Roster]
    flagged: dict[str, float] = field(default_factory=dict)
    """Due instants of the checks that flagged them."""
    frauds: dict[str, float] = field(default_factory=dict)
    """Due instants of the checks that confirmed nodes as frauds before it began."""
    checks: int = 0
    unknown: int = 0
    _cleared: dict[str, tuple[float, int]] = field(default_factory=dict)
    """What flagged a node whose flag is gone, and the draw that took it."""
    failed: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """Failed checks of each node: when they were due, and their draws."""
    lengths: Lengths = field(default_factory=Lengths)
    """Of the checks before it."""
    _goodbyes: GoodbyeAudit = field(init=False)

    def __post_init__(self) -> None:
        self._goodbyes = GoodbyeAudit(self.rosters, self.sweep_seconds)

    def findings(self, runs: Iterable[Run], draws: range) -> Iterator[str]:
        """Everything in the draws that does not agree."""
        lottery = self.day.lottery()
        by_draw: dict[int, list[Run]] = {}
        made = list(runs)
        yield from put_off_findings(made)
        for run in _wholes(made):
            by_draw.setdefault(run.draw, []).append(run)
        for draw in draws:
            of_draw = by_draw.get(draw, [])
            for run in of_draw:
                yield from self._run(run, lottery)
            if not of_draw and self._could_be_due(draw):
                yield f"draw {draw}: there is no record of it"
            yield from _parts_missing(draw, of_draw)

    def _run(self, run: Run, lottery: Lottery) -> Iterator[str]:
        yield from self._sweeps(run)
        swept = self._candidates(run)
        made = {check.node_id: check for check in run.checks}
        ticks = [self.sweeps[name].tick for name in run.sweep_ids if name in self.sweeps]
        begins_s = float(run.draw * self.day.check_seconds)
        spared = self._goodbyes.had_left(swept.keys() - made, begins_s, min(ticks, default=0))
        candidates = {name: swept[name] for name in swept if name not in spared}
        yield from self._controls(run, swept, candidates)
        if len(made) != len(run.checks):
            yield f"draw {run.draw}: a node was checked twice"
        for node_id, confirmed_s in run.excluded.items():
            if self.frauds.get(node_id) != confirmed_s:
                yield f"draw {run.draw}: {node_id} was left out and is no confirmed fraud"
        for node_id in sorted(candidates.keys() - run.excluded.keys()):
            first_s = self._first_s(candidates[node_id])
            if lottery.is_due(node_id, run.draw, first_s) and node_id not in made:
                yield f"draw {run.draw}: {node_id} was due and was not checked"
        yield from self._retests_missing(run, candidates, made)
        controls = self.sealed_controls(run)
        streams = {n: slot.stream_id for n, slot in candidates.items() if n not in controls}
        for check in run.checks:
            yield from self._lasts(check, run, lottery, streams)
            yield from self._check(check, run, lottery, candidates)
            self._follow(check)

    def _retests_missing(
        self, run: Run, candidates: Iterable[str], made: Iterable[str]
    ) -> Iterator[str]:
        """Flagged nodes are retested in every draw, as soon as its run can know of the flag."""
        for node_id in sorted(self.flagged.keys() & set(candidates) - set(made)):
            if self._is_known(self.flagged[node_id], run):
                yield f"draw {run.draw}: {node_id} is flagged and was not retested"

    def _is_known(self, due_s: float, run: Run) -> bool:
        """Whether a run can know what a check found: one before may be on record after it began."""
        return run.draw - int(due_s // self.day.check_seconds) > OVERLAP_DRAWS

    def _could_be_due(self, draw: int) -> bool:
        """Whether anybody was swept shortly before: while a network rests, nobody is."""
        tick = draw * self.day.check_seconds // self.sweep_seconds
        return any(s.tick in range(tick - SWEEP_AGE_TICKS_MAX, tick) for s in self.sweeps.values())

    def _sweeps(self, run: Run) -> Iterator[str]:
        """A run must go by sweeps that were the latest when it began."""
        tick = int(run.draw * self.day.check_seconds // self.sweep_seconds)
        for name in run.sweep_ids:
            sweep = self.sweeps.get(name)
            if sweep is None:
                yield f"draw {run.draw}: it went by {name}, which is not published"
            elif not tick - SWEEP_AGE_TICKS_MAX <= sweep.tick <= self._last_tick(run):
                yield f"draw {run.draw}: it went by {name}, which was not of its time"
            elif newer := self._newer(sweep, tick):
                yield f"draw {run.draw}: it went by {name} although {newer} was there"

    def _last_tick(self, run: Run) -> int:
        return int(run.started_s // self.sweep_seconds)

    def _newer(self, sweep: SweepBits, tick: int) -> str | None:
        """A sweep of the same shard that had ended a whole tick before the run began."""
        names = (sweep_id(sweep.shard, later) for later in range(sweep.tick + 1, tick - 1))
        return next((name for name in names if name in self.sweeps), None)

    def _candidates(self, run: Run) -> dict[str, Slot]:
        """Their places, by node id."""
        found = {}
        sweeps = [self.sweeps[name] for name in run.sweep_ids if name in self.sweeps]
        controls = self.sealed_controls(run)
        for sweep in sorted(sweeps, key=lambda sweep: sweep.tick):
            roster = self.rosters[sweep.shard, sweep.roster_version]
            drawn_from = drawable(sweep, roster)
            for at, slot in enumerate(roster.slots):
                is_theirs = run.part.holds(slot.node_id) or slot.node_id in controls
                if drawn_from >> at & 1 and is_theirs:
                    found[slot.node_id] = slot
        return found

    def _first_s(self, slot: Slot) -> int:
        """When (Unix seconds) the key was first heard of."""
        return slot.first_seen_tick * self.sweep_seconds

    def sealed_controls(self, run: Run) -> Mapping[str, Control]:
        """The day's control nodes; a run's own word where the day was sealed without."""
        return run.controls if self.day.controls is None else self.day.controls

    def _controls(
        self, run: Run, candidates: Iterable[str], drawn_from: Collection[str]
    ) -> Iterator[str]:
        """A run must name the control nodes among its candidates, and check them, and no others."""
        sealed, checked = self.sealed_controls(run), {check.node_id for check in run.checks}
        there = {name: sealed[name] for name in candidates if name in sealed}
        for name, kind in sorted(run.controls.items() - there.items()):
            yield f"draw {run.draw}: {name} is called a {kind} control, and was not sealed as one"
        for name, kind in sorted(there.items() - run.controls.items()):
            yield f"draw {run.draw}: {name} is not called the {kind} control that it is"
        for name in sorted((there.keys() & set(drawn_from)) - checked - run.excluded.keys()):
            yield f"draw {run.draw}: the control {name} was not checked"

    def _lasts(
        self, check: Check, run: Run, lottery: Lottery, streams: Mapping[str, str]
    ) -> Iterator[str]:
        """Whether it lasted as long as it had to; `streams` are its candidates', but controls'."""
        where = f"draw {run.draw}: {check.node_id}"
        is_control = check.node_id in self.sealed_controls(run)
        drawn = partial(lottery.length, check.node_id, run.draw)
        for said in self.lengths.findings(check, drawn, streams, is_control=is_control):
            yield f"{where} was made for {said}"
        for said in self.lengths.watch_findings(check, streams, is_control=is_control):
            yield f"{where} {said}"
        if check.attempts and _seconds(check) < check.length.at_least_s - DUE_TOLERANCE_S:
            yield f"{where} was over before its time"

    def _check(
        self, check: Check, run: Run, lottery: Lottery, candidates: Mapping[str, Slot]
    ) -> Iterator[str]:
        self.checks += 1
        self.unknown += not check.verdict.counts
        where = f"draw {run.draw}: {check.node_id}"
        if check.node_id not in candidates:
            yield f"{where} was checked and was no candidate"
        if abs(check.due_s - lottery.due_s(check.node_id, run.draw)) > DUE_TOLERANCE_S:
            yield f"{where} was checked at another second than was drawn"
        is_control = check.node_id in self.sealed_controls(run)
        confirmed_s = self.frauds.get(check.node_id)
        if confirmed_s is not None and self._is_known(confirmed_s, run):
            yield f"{where} is a confirmed fraud, and was checked"
        slot = candidates.get(check.node_id)
        first_s = 0 if slot is None else self._first_s(slot)
        if lottery.is_due(check.node_id, run.draw, first_s) or is_control:
            if check.caused_by_s is not None:
                yield f"{where} was drawn, and is called a retest"
            return
        if check.caused_by_s is None:
            yield f"{where} was checked and was not drawn"
        elif check.caused_by_s not in self._flags_at(check.node_id, run.draw):
            yield f"{where} was retested for a check that neither flagged it nor just failed"

    def _flags_at(self, node_id: str, draw: int) -> list[float]:
        """Due instants of the checks that a retest in a draw may name."""
        failed = self.failed.get(node_id, ())
        found = [due_s for due_s, failed_in in failed if draw - failed_in in RETESTED_AFTER]
        found += [self.flagged[node_id]] if node_id in self.flagged else []
        flagged_s, cleared = self._cleared.get(node_id, (0.0, draw - OVERLAP_DRAWS - 1))
        return [*found, flagged_s] if cleared >= draw - OVERLAP_DRAWS else found

    def _follow(self, check: Check) -> None:
        if check.verdict is Verdict.FAIL:
            self.failed.setdefault(check.node_id, []).append((check.due_s, check.draw))
        self.lengths.follow(check)
        if check.event is TrustChange.FLAGGED:
            self.flagged[check.node_id] = check.due_s
        elif check.event in (TrustChange.CLEARED, TrustChange.SUSPENDED, TrustChange.CONFIRMED):
            flagged_s = self.flagged.pop(check.node_id, None)
            if flagged_s is not None:
                self._cleared[check.node_id] = flagged_s, check.draw
        if check.event is TrustChange.CONFIRMED:
            self.frauds[check.node_id] = check.due_s


def _parts_missing(draw: int, runs: Iterable[Run]) -> Iterator[str]:
    """Parts of the prober that left a draw out which others of the same division have."""
    parts = {run.part for run in runs}
    if UNDIVIDED in parts:  # the prober was divided anew in this draw: all of it is on record
        return
    whole = {each for part in parts for each in partitions_of(part.count)}
    complete = [p for p in parts if set(partitions_of(p.count)) <= parts]
    if not complete:
        yield from (
            f"draw {draw}: part {part.number} of {part.count} is not on record"
            for part in sorted(whole - parts)
        )


def _wholes(runs: Iterable[Run]) -> Iterator[Run]:
    """Each run with the checks that it put off, which later records have."""
    made = list(runs)
    late: dict[tuple[int, Partition], list[Check]] = {}
    for run in made:
        for check in run.checks:
            if not run.is_first_of(check):
                late.setdefault((check.draw, run.part), []).append(check)
    for run in made:
        if run.is_late:
            continue
        own, checks = filter(run.is_first_of, run.checks), late.get((run.draw, run.part), ())
        controls = {n: k for n, k in run.controls.items() if not _is_of_others(n, run)}
        yield replace(run, checks=(*own, *checks), controls=controls)


def _is_of_others(node_id: str, run: Run) -> bool:
    """Whether a record names the node for a check of another draw alone."""
    draws = {run.is_first_of(check) for check in run.checks if check.node_id == node_id}
    return draws == {False}


def _seconds(check: Check) -> float:
    """How long its first connection was judged; for ever where nobody accepted one."""
    first = check.attempts[0]
    is_closed = first.get("reason") == Reason.UNREACHABLE or first.get("address") is None
    return float("inf") if is_closed else float(first.get("seconds", 0.0))

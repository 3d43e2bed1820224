"""What a run and its checks say of themselves that cannot be, whatever was drawn. Pure.

A verdict follows from the connections that were made, and those carry their numbers. So a label
that was changed afterwards contradicts its own evidence, unless all of that is forged as well.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from coordinator.checking.checks import Check, Run, TrustChange, Verdict
from coordinator.checking.controls import in_doubt
from coordinator.checking.departures import explained
from coordinator.checking.doubts import Doubts
from coordinator.checking.lengths import AROUND_S_MAX, LATE_S_MAX, Length, is_cut
from coordinator.checking.partitions import Partition
from coordinator.checking.put_off import by_draw, may_carry
from coordinator.epochs import Calendar
from coordinator.proof.parameters import ProofParameters
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard

PUBLISHED = ProofParameters()
CLOCK_S = 1.0
"""By which instants of one program may be rounded."""
UNMADE = frozenset({Reason.UNKNOWN_CAPACITY, Reason.UNKNOWN_NOT_RUN})
"""Of these no connection is made."""
SELDOM_MADE = UNMADE | {Reason.UNKNOWN_LATE, Reason.UNKNOWN_INTERNAL}
"""All others are said of a connection."""
BEGINS_WITHIN_S = LATE_S_MAX + AROUND_S_MAX
"""After its drawn second a check has its place, the node's name resolved, and its connection."""
FELL = frozenset({TrustChange.SUSPENDED, TrustChange.CONFIRMED})
DOUBTED = frozenset({Verdict.FAIL, Verdict.DEGRADED})
"""What controls void."""
Rosters = Mapping[tuple[Shard, int], Roster]
Where = tuple[int, Partition]
"""A draw, and a part of the prober."""


def run_findings(runs: Iterable[Run], rosters: Rosters, calendar: Calendar) -> Iterator[str]:
    """Everything in the runs that contradicts itself; their `controls` are the sealed ones."""
    made = list(runs)
    hosts = _hosts_of(rosters)
    doubted, certainly = _doubted(made)
    for run in made:
        where = f"draw {run.draw}"
        ends = [attempt["started_s"] + attempt["seconds"] for attempt in _attempts(run)]
        if any(end_s > run.ended_s + CLOCK_S for end_s in ends):
            yield f"{where}: it ended before its last connection"
        for check in run.checks:
            is_late = run.ended_s > calendar.evidence_until_s(calendar.epoch_at(check.due_s))
            is_doubted = (check.draw, run.part) in doubted and check.node_id not in run.controls
            if not may_carry(run.draw, check, calendar):
                yield f"{where}: {check.node_id} has a check of another epoch, which no payout sees"
            for said in _contradictions(check, is_late=is_late, is_doubted=is_doubted):
                yield f"{where}: {check.node_id} {said}"
            is_failure = check.verdict in DOUBTED and check.node_id not in run.controls
            if is_failure and run.is_first_of(check) and run.id in certainly:
                yield f"{where}: {check.node_id} failed, in a run that its controls put in doubt"
            yield from (
                f"{where}: {check.node_id} was reached at {address}, and announced none such"
                for address in _foreign(check, hosts.get(check.node_id, frozenset()))
            )


def put_off_findings(runs: Iterable[Run]) -> Iterator[str]:
    """Checks that were put off, and are in no later record of these; or in one, and were not."""
    made = list(runs)
    put_off = {(run.draw, run.part, node_id) for run in made for node_id in run.put_off}
    found = Counter(
        (check.draw, run.part, check.node_id)
        for run in made
        for check in run.checks
        if not run.is_first_of(check)
    )
    for draw, _, node_id in sorted(put_off - found.keys(), key=_by_draw):
        yield f"draw {draw}: {node_id} was put off, and is not recorded"
    for (draw, part, node_id), times in sorted(found.items(), key=lambda each: _by_draw(each[0])):
        if times > 1 or (draw, part, node_id) not in put_off:
            yield f"draw {draw}: {node_id} is recorded late, and was not put off, or is so twice"


def _by_draw(found: tuple[int, Partition, str]) -> tuple[int, str]:
    return found[0], found[2]


def _doubted(runs: Iterable[Run]) -> tuple[set[Where], set[str]]:
    """Where failures may not count, since known-good nodes failed and none passed; and the records
    in which they must not. How many in a row there were before these runs nobody can tell."""
    may: set[Where] = set()
    must: set[str] = set()
    doubts: dict[Partition, Doubts] = {}
    passed: set[Partition] = set()
    for run in sorted(runs, key=lambda run: run.ended_s):
        for checks in by_draw(run.checks):
            doubts[run.part] = doubts.get(run.part, Doubts()).after(checks, run.controls)
            doubt = in_doubt(checks, run.controls)
            if doubt is False:
                passed.add(run.part)
            if doubts[run.part].hold(checks):
                may.add((checks[0].draw, run.part))
                must |= {run.id} if doubt and run.part in passed else set()
    return may, must


def _attempts(run: Run) -> Iterator[Mapping[str, Any]]:
    for check in run.checks:
        yield from (a for a in check.attempts if "started_s" in a and "seconds" in a)


def _contradictions(check: Check, *, is_late: bool, is_doubted: bool) -> Iterator[str]:
    """What a check says of itself that its connections do not bear out."""
    if check.event and not check.verdict.counts:
        yield f"was {check.event} by a check that says nothing"
    if check.event in FELL and check.verdict is Verdict.PASS:
        yield f"was {check.event} by a check that passed"
    if check.event is TrustChange.CLEARED and check.verdict is not Verdict.PASS:
        yield "was cleared by a check that did not pass"
    if is_late and check.verdict.counts:
        yield "counts, in a record that is dated after its epoch's evidence was closed"
    if check.reason.is_ours is not (check.verdict is Verdict.UNKNOWN):
        yield f"is {check.verdict} for {check.reason}"
    if not check.attempts:
        if check.reason not in SELDOM_MADE:
            yield f"says {check.reason}, and has no connection to show for it"
        return
    if check.reason in UNMADE:
        yield f"says {check.reason}, and a connection was made"
        return
    begins_s = check.attempts[0].get("started_s", check.due_s) - check.due_s
    if not -CLOCK_S <= begins_s <= BEGINS_WITHIN_S:
        yield f"has a first connection {begins_s:.0f} s after its drawn second"
    if check.reason is Reason.UNKNOWN_LATE and is_late:
        return
    if check.reason is Reason.UNKNOWN_CONTROL and is_doubted:
        return
    verdict, reason = _decided(check)
    if (verdict, reason) != (check.verdict, check.reason):
        yield f"says {check.reason}, and its connections {reason}"
    yield from _numbers(check)


def _decided(check: Check) -> tuple[Verdict, Reason]:
    """What the connections come to: the last decides, and a pass after a failure is degraded."""
    verdicts = [Verdict(attempt["verdict"]) for attempt in check.attempts]
    if verdicts[-1] is Verdict.PASS and Verdict.FAIL in verdicts:
        failed = [each for each in check.attempts if each["verdict"] == Verdict.FAIL]
        was_cut = any(is_cut(attempt.get("lasted_s")) for attempt in failed)
        return Verdict.DEGRADED, Reason.CUT if was_cut else Reason.DEGRADED
    bare = replace(check, verdict=verdicts[-1], reason=Reason(check.attempts[-1]["reason"]))
    told = bare if check.left_s is None else explained(bare, check.left_s)
    return told.verdict, told.reason


def _numbers(check: Check) -> Iterator[str]:
    """A connection that passed has brought what a pass takes."""
    for attempt in check.attempts:
        if attempt["verdict"] != Verdict.PASS:
            continue
        share = min(attempt["byte_ratio"], attempt["packet_ratio"])
        if share < PUBLISHED.share_min or attempt["matched"] < PUBLISHED.packets_min:
            yield f"passed with {attempt['matched']} packets and a share of {share}"
        if attempt.get("strangers") and check.length is not Length.VERY_LONG:
            yield f"passed with {attempt['strangers']} packets that are not the stream's"


def _hosts_of(rosters: Rosters) -> dict[str, frozenset[str]]:
    """Under which hosts each node stood on a roster."""
    found: dict[str, frozenset[str]] = {}
    for roster in rosters.values():
        for slot in roster.slots:
            host = slot.rtmp_host.strip("[]")
            found[slot.node_id] = found.get(slot.node_id, frozenset()) | {host}
    return found


def _foreign(check: Check, hosts: frozenset[str]) -> Iterator[str]:
    """Addresses that were reached and not announced; a name may stand for any."""
    if not hosts or not all(map(_is_literal, hosts)):
        return
    announced = {ip_address(host) for host in hosts}
    for attempt in check.attempts:
        address = attempt.get("address")
        if address and _is_literal(address) and ip_address(address) not in announced:
            yield address


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

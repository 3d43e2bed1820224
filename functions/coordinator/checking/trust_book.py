"""What is known of every node from its checks: the document `suspicions/{shard}`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from coordinator.checking.checks import Check, Control, Run
from coordinator.checking.controls import ControlCount, voided
from coordinator.checking.delistings import (
    FailCount,
    failed_by_many,
    fails_counted,
    is_excused,
    is_listed,
    listed_after,
)
from coordinator.checking.doubts import Doubts
from coordinator.checking.last_run import LastRun, runs_together
from coordinator.checking.partitions import Partition
from coordinator.checking.put_off import PutOff, awaited, by_draw, put_off_after
from coordinator.checking.stakes import marked, staked_after
from coordinator.checking.suspicion import (
    NOBODY,
    PUBLISHED,
    SuspicionParameters,
    TrustState,
    observe,
)
from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table

NODES_KEPT_MAX = 16_000
"""What a document holds, with room for the last run. Keys cost nothing: who was not checked
for longest is forgotten, and begins anew."""


@dataclass(frozen=True, slots=True)
class TrustBook:
    """Trust by node id: a fold over all checks, so it can be rebuilt from them."""

    states: Annotated[Mapping[str, TrustState], Table()] = field(default_factory=dict)
    controls: Mapping[Control, ControlCount] = field(default_factory=dict)
    """What the checks of control nodes have come to, by kind."""
    last_run: LastRun = field(default_factory=LastRun)
    """Of the last run: who reads the book need not read the run."""

    fail_counts: tuple[FailCount, ...] = ()
    """What the last draws' checks of listed nodes have come to."""

    doubts: Doubts = field(default_factory=Doubts)
    """Runs whose failures the control nodes voided."""

    put_off: tuple[PutOff, ...] = ()
    """Checks that are made, and not on record yet."""

    next_count: int = 0
    """Into how many parts the prober is divided after this book; 0 while it is in force."""
    division: int = 0
    """How often the prober had been divided anew before: of two books the later one counts."""

    def of(self, node_id: str) -> TrustState:
        """The node's state; a new node's if it was never checked."""
        return self.states.get(node_id, NOBODY)

    def recording(self, run: Run) -> tuple["TrustBook", Run] | None:
        """The book after a run's record, and that record: with the events that its checks caused,
        and without what another record has already. None if nothing is left of it."""
        left = awaited(run, self.put_off)
        if run.is_late and not left.checks:
            return None
        after, checks = self.observing(left.checks, left.controls)
        marked = replace(left, checks=checks)
        last_run = after.last_run.after(marked)
        return replace(after, last_run=last_run, put_off=put_off_after(self.put_off, left)), marked

    def observing(
        self,
        checks: Iterable[Check],
        controls: Mapping[str, Control] | None = None,
        parameters: SuspicionParameters = PUBLISHED,
    ) -> tuple["TrustBook", tuple[Check, ...]]:
        """The book after some checks, and the checks with the events that they caused.

        `controls` are the control nodes among them, by node id."""
        book, made = self, list[Check]()
        for of_draw in by_draw(checks):
            book, marked_ones = book._observing(of_draw, controls or {}, parameters)
            made += marked_ones
        return book, tuple(made)

    def _observing(
        self,
        ordered: Sequence[Check],
        known: Mapping[str, Control],
        parameters: SuspicionParameters,
    ) -> tuple["TrustBook", list[Check]]:
        """After one draw's, in the order in which they were due."""
        states, counts, made = dict(self.states), dict(self.controls), list[Check]()
        doubts = self.doubts.after(ordered, known)
        counting = voided(ordered, known) if doubts.hold(ordered) else tuple(ordered)
        others = (check for check in counting if check.node_id not in known)
        fail_counts = fails_counted(self.fail_counts, others, self.states)
        many = failed_by_many(fail_counts)
        for check in counting:
            if kind := known.get(check.node_id):
                counts[kind] = counts.get(kind, ControlCount()).counting(check, kind)
                made.append(check)
                continue
            before = states.get(check.node_id, NOBODY)
            excused = is_excused(before, check)
            after, event = observe(before, check, parameters, is_excused=excused)
            with_many = (check.draw, check.stream_id) in many
            listed = listed_after(after, check, with_many=with_many)
            states[check.node_id] = staked_after(listed, check)
            made.append(marked(check, event, before, after))
        book = replace(
            self,
            states=_lately_checked(states),
            controls=counts,
            fail_counts=fail_counts,
            doubts=doubts,
        )
        return book, made

    def relisted_since(self, before: "TrustBook") -> dict[str, TrustState]:
        """The nodes that joined lists or left them since, as they are now."""
        return {
            node_id: state
            for node_id, state in self.states.items()
            if state is not before.states.get(node_id)
            and is_listed(state) != is_listed(before.of(node_id))
        }

    def part(self, partition: Partition) -> "TrustBook":
        """What a part of the prober begins with: its nodes, and the first one all that is counted
        of everybody. What several parts kept may be more than one document holds."""
        states = _lately_checked({n: s for n, s in self.states.items() if partition.holds(n)})
        if partition.number:
            return TrustBook(states, last_run=LastRun(self.last_run.draw), division=self.division)
        return replace(self, states=states, fail_counts=(), next_count=0, put_off=())


def together(books: Iterable[TrustBook]) -> TrustBook:
    """What all parts know, as one book."""
    found = list(books)
    if len(found) == 1:
        return found[0]
    states: dict[str, TrustState] = {}
    controls: dict[Control, ControlCount] = {}
    for book in found:
        states |= book.states
        for kind, count in book.controls.items():
            controls[kind] = controls.get(kind, ControlCount()).plus(count)
    last_run = runs_together(book.last_run for book in found)
    division = max((book.division for book in found), default=0)
    return TrustBook(states, controls, last_run, division=division)


TRUST_BOOKS = Codec(TrustBook, "suspicions")


def _lately_checked(states: dict[str, TrustState]) -> dict[str, TrustState]:
    """At most NODES_KEPT_MAX of them."""
    if len(states) <= NODES_KEPT_MAX:
        return states
    newest = sorted(states.items(), key=lambda known: known[1].last_check_s or 0.0, reverse=True)
    return dict(newest[:NODES_KEPT_MAX])

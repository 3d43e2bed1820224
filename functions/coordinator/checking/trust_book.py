"""What is known of every node from its checks: the document `suspicions/{shard}`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from coordinator.checking.checks import Check, Control
from coordinator.checking.controls import ControlCount, voided
from coordinator.checking.last_run import LastRun
from coordinator.checking.suspicion import (
    NOBODY,
    PUBLISHED,
    SuspicionParameters,
    TrustState,
    observe,
)
from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table

NODES_KEPT_MAX = 18_000
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

    def of(self, node_id: str) -> TrustState:
        """The node's state; a new node's if it was never checked."""
        return self.states.get(node_id, NOBODY)

    def observing(
        self,
        checks: Iterable[Check],
        controls: Mapping[str, Control] | None = None,
        parameters: SuspicionParameters = PUBLISHED,
    ) -> tuple["TrustBook", tuple[Check, ...]]:
        """The book after one run's checks, and the checks with the events that they caused.

        `controls` are the control nodes among them, by node id."""
        known = controls or {}
        states, counts, marked = dict(self.states), dict(self.controls), []
        ordered = sorted(checks, key=lambda check: (check.due_s, check.node_id))
        for check in voided(ordered, known):
            if kind := known.get(check.node_id):
                counts[kind] = counts.get(kind, ControlCount()).counting(check, kind)
                marked.append(check)
                continue
            states[check.node_id], event = observe(
                states.get(check.node_id, NOBODY), check, parameters
            )
            marked.append(replace(check, event=event))
        return TrustBook(_lately_checked(states), counts, self.last_run), tuple(marked)


TRUST_BOOKS = Codec(TrustBook, "suspicions")


def _lately_checked(states: dict[str, TrustState]) -> dict[str, TrustState]:
    """At most NODES_KEPT_MAX of them."""
    if len(states) <= NODES_KEPT_MAX:
        return states
    newest = sorted(states.items(), key=lambda known: known[1].last_check_s or 0.0, reverse=True)
    return dict(newest[:NODES_KEPT_MAX])

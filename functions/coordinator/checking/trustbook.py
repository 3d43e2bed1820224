"""What is known of every node from its checks: the document `suspicions/{shard}`."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from coordinator.checking.checks import Check, Control
from coordinator.checking.controls import ControlCount, voided
from coordinator.checking.prober_news import ProberNews
from coordinator.checking.suspicion import (
    NOBODY,
    PUBLISHED,
    SuspicionParameters,
    TrustState,
    observe,
)
from coordinator.documents.packing import pack, unpack

NODES_KEPT_MAX = 18_000
"""What a document holds, with room for the news of a run. Keys cost nothing: who was not checked
for longest is forgotten, and begins anew."""


@dataclass(frozen=True, slots=True)
class TrustBook:
    """Trust by node id: a fold over all checks, so it can be rebuilt from them."""

    states: dict[str, TrustState] = field(default_factory=dict)
    controls: dict[Control, ControlCount] = field(default_factory=dict)
    """What the checks of control nodes have come to, by kind."""
    news: ProberNews = field(default_factory=ProberNews)
    """Of the last run: who reads the book need not read the run."""
    rows: Mapping[str, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    """What the states were read from, by node id."""

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
        return TrustBook(_lately_checked(states), counts, self.news), tuple(marked)

    def to_fields(self) -> dict[str, Any]:
        """The document's fields."""
        return {
            "nodes": pack({node_id: s.to_row() for node_id, s in self.states.items()}),
            "controls": {kind.value: list(astuple(count)) for kind, count in self.controls.items()},
            "news": self.news.to_fields(),
        }

    @classmethod
    def from_fields(
        cls, fields: dict[str, Any] | None, before: "TrustBook | None" = None
    ) -> "TrustBook":
        """The book that `to_fields` wrote; an empty one for None.

        States that are as in the book that was read `before` are taken from there."""
        if fields is None:
            return cls()
        rows, known = unpack(fields["nodes"]), before or cls()
        counts = fields["controls"].items()
        return cls(
            {
                node_id: known.states[node_id]
                if known.rows.get(node_id) == row
                else TrustState.from_row(row)
                for node_id, row in rows.items()
            },
            {Control(kind): ControlCount(*count) for kind, count in counts},
            ProberNews.from_fields(fields["news"]) if "news" in fields else ProberNews(),
            rows,
        )


def _lately_checked(states: dict[str, TrustState]) -> dict[str, TrustState]:
    """At most NODES_KEPT_MAX of them."""
    if len(states) <= NODES_KEPT_MAX:
        return states
    newest = sorted(states.items(), key=lambda known: known[1].last_check_s or 0.0, reverse=True)
    return dict(newest[:NODES_KEPT_MAX])

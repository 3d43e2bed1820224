"""Who joined lists or left them lately: the document `projections/listings-{number}`.

A network document follows once a minute, with its sweep. This one is written by the prober, while
a run lasts and with its record, and only when a check moves somebody on or off a list. Readers
look at it several times a minute.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from coordinator.checking.suspicion import TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table

KEPT_S = 600.0
"""By then network documents have told it, several times."""
NODES_MAX = 5_000
"""The last ones to change; whoever is beyond them waits for the next network document."""


@dataclass(frozen=True, slots=True)
class ListingNews:
    """What checks have lately made of those whose place on lists they changed."""

    written_s: float = 0.0
    states: Annotated[Mapping[str, TrustState], Table()] = field(default_factory=dict)
    """By node id."""

    def adding(self, changed: Mapping[str, TrustState], now_s: float) -> "ListingNews":
        """With those that changed at `now_s`, and without what is old."""
        return self._keeping({**self.states, **changed}, now_s)

    def recorded(
        self,
        changed: Mapping[str, TrustState],
        told: Collection[str] | None,
        book: TrustBook,
        last_due_s: float,
        now_s: float,
    ) -> "ListingNews":
        """With those that a run on record has changed; its last check was due at `last_due_s`.

        What it `told` before its end is as in the book after it: some of that was taken back.
        None: whatever is here may be of that run. What a later run has told already stays, since
        runs overlap."""
        again = self.states.keys() if told is None else self.states.keys() & set(told)
        known = {node_id: book.of(node_id) for node_id in again}
        later = {
            node_id: state
            for node_id, state in self.states.items()
            if (state.last_check_s or 0.0) > last_due_s
        }
        return self._keeping({**self.states, **known, **changed, **later}, now_s)

    def untold_at(self, swept_s: float | None) -> Mapping[str, TrustState]:
        """Those that a network document of that time may not tell of yet. Nothing is written
        while nobody changes, so the others may stay here for days."""
        since_s = (swept_s or 0.0) - KEPT_S
        return {
            node_id: state
            for node_id, state in self.states.items()
            if (state.last_check_s or 0.0) >= since_s
        }

    def _keeping(self, known: Mapping[str, TrustState], now_s: float) -> "ListingNews":
        recent = [
            (state.last_check_s or 0.0, node_id)
            for node_id, state in known.items()
            if (state.last_check_s or 0.0) >= now_s - KEPT_S
        ]
        newest = sorted(recent, reverse=True)[:NODES_MAX]
        return ListingNews(now_s, {node_id: known[node_id] for _, node_id in newest})


LISTING_NEWS = Codec(ListingNews, "projections/listings")


def listing_news_id(number: int) -> str:
    """Names the document of a part of the prober."""
    return f"listings-{number}"

"""What pages show of one shard: everything that changes with a sweep, in one document.

The collector writes it after each sweep out of what it holds anyway, so that a reader needs
nothing else. It is for people: nothing is paid by it, and it can be made again at any time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from coordinator.checking.last_run import LastRun
from coordinator.checking.suspicion import NOBODY, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.documents.codec import Codec, Stored
from coordinator.documents.columns import FAST, SMALL, packed_columns, unpacked_columns
from coordinator.projections.history import History
from coordinator.projections.network_columns import (
    ShownPast,
    ShownPoll,
    history_of,
    past_columns,
    poll_columns,
    polls_of,
    slot_columns,
    slots_of,
    thumbnails_of,
    trust_columns,
    trust_of,
)
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import told_status
from coordinator.sweeping.polls import Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import Sweep

PACKED_BYTES_MAX = 1_000_000
"""Of the packed columns together, so that the document stays below a store's 1 MiB."""
Packed = Annotated[Mapping[str, bytes], Stored.AS_IS]


@dataclass(frozen=True, slots=True)
class NetworkDocument:
    """One shard as it was after a sweep: the document `projections/network-{number}`.

    The id leaves out how many there are: when SHARDS is changed, new ones replace the old."""

    shard: Shard
    tick: int
    """Of the sweep; 0 before the first."""
    swept_seconds: float = 0.0
    """How long the sweep took."""
    slots: tuple[Slot, ...] = ()
    """`changed_s` is kept for those that are not polled any more."""
    polls: Mapping[int, Poll] = field(default_factory=dict)
    """By slot. What only the next sweep needs is left out: byte counters."""
    trust: Mapping[str, TrustState] = field(default_factory=dict)
    """By node id, instants in whole seconds; nodes without a check are absent."""
    history: History = field(default_factory=lambda: History(0))
    thumbnails: Mapping[str, str] = field(default_factory=dict)
    """The picture that belongs to the last check, by node id; of a run that no sweep saw before
    another followed it, it is the one before."""
    prober: LastRun = field(default_factory=LastRun)

    @property
    def id(self) -> str:
        """The document's id."""
        return network_document_id(self.shard.number)

    def told_reasons(self) -> dict[str, Reason]:
        """By node id: the reason that a heartbeat is answered with while this is the newest.

        A node that changed its stream has two slots; the newer counts, as in `network_of`."""
        return {
            slot.node_id: told_status(
                slot, self.polls.get(at), self.trust.get(slot.node_id, NOBODY)
            )[1]
            for at, slot in enumerate(self.slots)
        }

    def following(
        self, sweep: Sweep, roster: Roster, given: "ProjectionInput"
    ) -> "NetworkDocument":
        """The document after the next sweep."""
        here, book = {slot.node_id for slot in roster.slots}, given.book
        newer = {name: picture for name, picture in book.last_run.pictures.items() if picture}
        shown = {**self.thumbnails, **newer}  # a check without a picture takes none away
        return NetworkDocument(
            sweep.shard,
            sweep.tick,
            given.swept_seconds,
            roster.slots,
            sweep.polls,
            {name: book.states[name] for name in here if name in book.states},
            given.history or self.history,
            {name: picture for name, picture in shown.items() if name in here},
            replace(book.last_run, counts=book.controls, pictures={}),
        )


@dataclass(frozen=True, slots=True)
class PackedNetwork:
    """A network document as it is stored: its columns are packed by themselves."""

    shard: Shard
    tick: int
    swept_seconds: float
    until_hour: int
    prober: LastRun
    slot_count: int
    slots: Packed
    """Of `Slot`."""
    polls: Packed
    """Of `ShownPoll`."""
    trust: Packed
    """Of `TrustState`."""
    past: Packed
    """Of `ShownPast`; empty where all would be too large."""

    @classmethod
    def of(cls, document: NetworkDocument) -> "PackedNetwork":
        """The document; without a past where all would be too large.

        That takes ten thousand nodes with long addresses and no two hours alike."""
        made = {
            "slots": (Slot, slot_columns(document.slots)),
            "polls": (ShownPoll, poll_columns(document.slots, document.polls, document.tick)),
            "trust": (TrustState, trust_columns(document.slots, document.trust)),
            "past": (
                ShownPast,
                past_columns(document.slots, document.history.nodes, document.thumbnails),
            ),
        }
        packed: dict[str, dict[str, bytes]] = {}
        for level in (FAST, SMALL):  # it is done every minute
            packed = {name: packed_columns(*one, level) for name, one in made.items()}
            if sum(len(c) for group in packed.values() for c in group.values()) <= PACKED_BYTES_MAX:
                break
        else:
            packed["past"] = {}
        until_hour, count = document.history.until_hour, len(document.slots)
        seconds = document.swept_seconds
        return cls(
            document.shard, document.tick, seconds, until_hour, document.prober, count, **packed
        )

    def unpacked(self) -> NetworkDocument:
        """What was packed."""
        count = self.slot_count
        slots = slots_of(unpacked_columns(Slot, self.slots, count))
        past = unpacked_columns(ShownPast, self.past, count) if self.past else None
        return NetworkDocument(
            self.shard,
            self.tick,
            self.swept_seconds,
            slots,
            polls_of(unpacked_columns(ShownPoll, self.polls, count), self.tick),
            trust_of(slots, unpacked_columns(TrustState, self.trust, count)),
            History(self.until_hour, history_of(slots, past) if past else {}),
            thumbnails_of(slots, past) if past else {},
            self.prober,
        )


NETWORK_DOCUMENTS = Codec(PackedNetwork, "projections/network")


@dataclass(frozen=True, slots=True)
class ProjectionInput:
    """What a document takes in besides its sweep."""

    book: TrustBook
    history: History | None = None
    """None if no hour has ended since."""
    swept_seconds: float = 0.0


def bare_document(roster: Roster, sweep: Sweep | None, book: TrustBook) -> NetworkDocument:
    """A document without a past, for a reader that finds none written."""
    swept = sweep or Sweep(roster.shard, 0, roster.version, {})
    return NetworkDocument(roster.shard, swept.tick).following(swept, roster, ProjectionInput(book))


def newest_documents(found: Iterable[NetworkDocument]) -> list[NetworkDocument]:
    """Those of as many shards as the newest one is of, in order."""
    documents = sorted(found, key=lambda document: document.shard)
    newest = max(documents, key=lambda document: document.tick, default=None)
    return [
        document for document in documents if newest and document.shard.count == newest.shard.count
    ]


def network_document_id(number: int) -> str:
    """Names the network document of a shard."""
    return f"network-{number}"

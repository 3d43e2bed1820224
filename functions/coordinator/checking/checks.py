"""Spot checks as they are recorded: one document holds every check of one prober run.

Evidence is immutable and public: payout, dashboard and anyone who recomputes a statement
read the same rows.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any

from coordinator.checking.lengths import Length
from coordinator.checking.partitions import UNDIVIDED, Partition
from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.reasons import Reason


class Verdict(StrEnum):
    """How a check ended. `degraded` decides nothing; `unknown` is our fault and counts nowhere."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DEGRADED = "degraded"
    FAIL = "fail"
    UNKNOWN = "unknown"

    @property
    def counts(self) -> bool:
        """Whether it says anything about the node."""
        return self is not Verdict.UNKNOWN


class TrustChange(StrEnum):
    """What a check set in motion for its node."""

    FLAGGED = "flagged"
    CLEARED = "cleared"
    SUSPENDED = "suspended"
    """Retests found the node absent: what is parked is void, what it earned stays."""
    CONFIRMED = "confirmed"
    """Content was proven wrong: a fraud, which also loses what is pending."""


@dataclass(frozen=True, slots=True)
class Check:
    """One spot check, its retest included."""

    node_id: str
    stream_id: str
    draw: int
    due_s: float
    """The drawn instant, Unix seconds."""
    verdict: Verdict
    reason: Reason
    caused_by_s: float | None = None
    """For a retest of a flagged node, which the lottery did not draw: the due instant of the
    check that flagged it."""
    event: TrustChange | None = None
    attempts: tuple[dict[str, Any], ...] = ()
    """Per connection: started_s, seconds, reason and the proof's numbers; on the last one,
    if there is a picture that belongs to the check, its id as `thumbnail`."""
    length: Length = Length.SHORT
    """As it was drawn, or as the check that it repeats."""
    voids_from_s: int | None = None
    """Of a failed one: it voids what was earned after this instant, at which the node last passed
    a check of that length or a longer one, at the first connection; 0 if it never did. A very
    long one voids five hours at least, and one hour where its node was watched. None in records
    of before there was this: it voids what waits. Of one that was cut: as of a failed one. Of
    another degraded one that raised a flag: ten hours before it."""
    is_watched: bool = False
    """Whether its node stood beside one that keeps its word: so all its checks are very long, and
    one that fails voids less (`coordinator.checking.stakes`)."""
    owes: int = 0
    """How many degraded checks its node, that one included, had beyond those that its passes have
    earned (`coordinator.checking.credit`). Of a passed or degraded one; else 0."""

    @property
    def is_cut(self) -> bool:
        """Whether its first connection began and did not last, and the second passed.

        For flags and lists that is a degraded check. For pay it failed: what only a very long
        connection sees no new one makes good."""
        return self.reason is Reason.CUT

    @property
    def is_failed_for_pay(self) -> bool:
        """Whether it voids what a failed check of its length does."""
        return self.verdict is Verdict.FAIL or self.is_cut

    @property
    def voids(self) -> bool:
        """Whether it voids anything: it failed, or was one degraded check too many."""
        return self.verdict is Verdict.FAIL or self.voids_from_s is not None

    @property
    def holds(self) -> bool:
        """Whether it holds pay back: it was degraded, and its node had earned none."""
        return self.verdict is Verdict.DEGRADED and self.owes > 0 and not self.voids

    @property
    def may_pay(self) -> bool:
        """Whether minutes may be paid by it: drawn, and passed at the first connection.

        Who was checked a moment ago knows that the next connection is ours: a retest, or a second
        one after a failed one, shows what the node does when it knows."""
        return self.verdict is Verdict.PASS and self.caused_by_s is None

    @property
    def has_left(self) -> bool:
        """Whether it failed since its node had said goodbye: that says nothing of how it serves."""
        return self.reason is Reason.LEFT

    @property
    def left_s(self) -> float | None:
        """When its node said goodbye, if it has left."""
        found = self.attempts[-1].get("left_s") if self.attempts else None
        return found if isinstance(found, float | int) else None

    @property
    def address(self) -> str | None:
        """The address that the last connection reached the node at."""
        address = self.attempts[-1].get("address") if self.attempts else None
        return address if isinstance(address, str) else None

    @property
    def thumbnail(self) -> str | None:
        """The id of the picture that belongs to it (`coordinator.checking.thumbnails`)."""
        found = self.attempts[-1].get("thumbnail") if self.attempts else None
        return found if isinstance(found, str) else None

    def showing(self, thumbnail: str) -> "Check":
        """The check with its picture; one that made no connection shows nothing."""
        if not self.attempts:
            return self
        return self._noting("thumbnail", thumbnail)

    def stored_at(self, stored_s: float) -> "Check":
        """The check with the instant at which its verdict was stored."""
        return self._noting("stored_s", stored_s) if self.attempts else self

    def leaving_at(self, left_s: float) -> "Check":
        """The check of a node that had said goodbye then."""
        return replace(self._noting("left_s", left_s), reason=Reason.LEFT)

    def _noting(self, name: str, value: str | float) -> "Check":
        last = {**self.attempts[-1], name: value}
        return replace(self, attempts=(*self.attempts[:-1], last))


class Control(StrEnum):
    """What a control node is known to be."""

    GOOD = "good"
    BAD = "bad"


class IngestState(StrEnum):
    """Whether a stream could be read at the ingest during a run."""

    LIVE = "live"
    DOWN = "down"
    UNKNOWN = "unknown"


RETURN_S = 30.0
"""So long after an interruption nodes may still be on their way back: an ingest gives a thousand of
them turns of 15 s."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, which covers one draw and one part of the prober: `probe_results/checks-{draw}`.

    What is not over soon after the draw is put off: very long checks, and retests that were drawn
    to come later. The next record of the same epoch that finds them over takes them along. What is
    left then has a record of its own, `checks-{draw}-late`. Nobody's verdict waits for them."""

    draw: int
    started_s: float
    ended_s: float
    sweep_ids: tuple[str, ...]
    """The sweeps whose nodes that may count as up were the candidates."""
    streams: dict[str, IngestState]
    checks: Annotated[tuple[Check, ...], Table()]
    excluded: dict[str, float] = field(default_factory=dict)
    """Candidates that are not checked any more: confirmed frauds, and when the check that
    confirmed each was due."""
    controls: dict[str, Control] = field(default_factory=dict)
    """Control nodes among the candidates: checked in every draw, neither trusted nor paid."""
    partition: int = 0
    """Which part of the prober it is of, and of how many; that part's nodes were the candidates."""
    partitions: int = 1
    is_late: bool = False
    """Whether it has nothing but checks that were put off, and that no other record took along."""
    put_off: tuple[str, ...] = ()
    """Node ids: checks that were not over, and are in a later record."""
    interrupted: tuple[str, ...] = ()
    """Streams that could not be read all the time, from RETURN_S before the draw until its end."""

    @property
    def part(self) -> Partition:
        """Whose it is."""
        return Partition(self.partition, self.partitions)

    @property
    def id(self) -> str:
        """The document's id."""
        return run_id(self.draw, self.part, is_late=self.is_late)

    def has_read_through(self, stream_id: str) -> bool:
        """Whether a stream was live at the ingest all the time."""
        is_live = self.streams.get(stream_id) is IngestState.LIVE
        return is_live and stream_id not in self.interrupted

    def is_first_of(self, check: Check) -> bool:
        """Whether the check is of its own draw, and was not put off."""
        return check.draw == self.draw and not self.is_late

    @property
    def last_due_s(self) -> float:
        """When its last check was due; those of later runs were due later."""
        return max((check.due_s for check in self.checks), default=self.started_s)


def run_id(draw: int, partition: Partition = UNDIVIDED, *, is_late: bool = False) -> str:
    """Fixed width, so that ids sort like draws."""
    return f"checks-{draw:012d}{partition.suffix}" + ("-late" if is_late else "")


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that was begun, which must not be begun again: the document `claims/{run's id}`."""

    started_s: float
    sweep_ids: tuple[str, ...] = ()
    """Those that the run goes by."""
    made: Annotated[tuple[Check, ...], Table()] = ()
    """What it has made and not recorded yet. Whose check it has put off: `unknown:not_run`."""


CLAIMS = Codec(Claim, "claims")
RUNS = Codec(Run, "probe_results/checks", keys=lambda run: {"check_draw": run.draw})

"""What the prober did last, in a few numbers: beside the trust book, for pages to show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from coordinator.checking.checks import Check, Control, IngestState, Run, Verdict
from coordinator.checking.controls import ControlCount
from coordinator.documents.columns import Table
from coordinator.reasons import Reason

UNVERIFIED_SECONDS_MAX = 600
"""What cannot be verified for longer is said: from one undecided check to another."""
UNVERIFIED_KEPT_SECONDS = 3_600
"""After the last undecided check at least, and else for twice as long as that had lasted then.
Nobody may be left to be checked: then somebody may try again, after pauses that grow threefold."""
UNVERIFIED_FORGOTTEN_SECONDS = 86_400
"""After it, at the most: streams end, and nobody says so here."""
UNDECIDED = frozenset({Reason.UNKNOWN_REFERENCE, Reason.UNKNOWN_READERS})
"""What is published cannot be told from others, or we cannot read it at the ingest itself."""
UNVERIFIED_SAYS = (
    "No check of this stream could be decided since then, because of what is published. A picture "
    "and sound that change, with a key frame every two seconds, can be told from any other stream. "
    "Minutes wait until a check passes."
)
BEHIND_DRAWS_MAX = 2
"""So many draws a part may be behind the one that is furthest: they run side by side."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """Of its last run; `draw` is -1 before the first."""

    draw: int = -1
    started_s: float = 0.0
    ended_s: float = 0.0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    """How many checks of the run ended so, by verdict."""
    streams: Mapping[str, IngestState] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)
    """Control nodes, by node id."""
    counts: Mapping[Control, ControlCount] = field(default_factory=dict)
    """What the checks of control nodes have come to, by kind, since the beginning."""
    pictures: Annotated[Mapping[str, str | None], Table()] = field(default_factory=dict)
    """The picture of each node's check in the run, by node id; None for a check without one."""
    unverified: Mapping[str, int] = field(default_factory=dict)
    """By stream: since when (Unix seconds) no check of it passed, and some could not be decided
    because of what is published."""
    undecided: Mapping[str, int] = field(default_factory=dict)
    """By stream: when the last of those was due."""
    passed: Mapping[str, int] = field(default_factory=dict)
    """By stream: when the last check that passed was due, for a day: as long as another part of the
    prober may say that nobody can be verified."""

    def after(self, run: Run) -> "LastRun":
        """With a run; an older one than the last changes nothing, but for what it had put off.

        Shown is what was made in its own draw. What can be verified all its checks tell: of nodes
        that have little to lose nearly all are put off."""
        if run.draw <= self.draw:
            return self._judging(run.checks, run.started_s) if run.is_late else self
        down = {name for name, state in run.streams.items() if state is IngestState.DOWN}
        first = {name: at_s for name, at_s in self.unverified.items() if name not in down}
        told = replace(self, unverified=first)._judging(run.checks, run.started_s)
        run = replace(run, checks=tuple(filter(run.is_first_of, run.checks)))
        verdicts: dict[str, int] = {}
        for check in run.checks:
            verdicts[check.verdict.value] = verdicts.get(check.verdict.value, 0) + 1
        return replace(
            told,
            draw=run.draw,
            started_s=run.started_s,
            ended_s=run.ended_s,
            verdicts=verdicts,
            streams=dict(run.streams),
            controls=dict(run.controls),
            pictures={c.node_id: c.thumbnail for c in run.checks if c.verdict.counts},
        )

    def unverified_since(
        self, stream_id: str, now_s: float, published_s: float | None = None
    ) -> int | None:
        """Since when a stream cannot be verified, once that is long enough to be said.

        `published_s`: when what is published was another thing last."""
        since_s = self.unverified.get(stream_id)
        if since_s is None:
            return None
        last_s = self.undecided.get(stream_id, since_s)
        lasted_s = last_s - since_s
        kept_s = max(UNVERIFIED_KEPT_SECONDS, min(2 * lasted_s, UNVERIFIED_FORGOTTEN_SECONDS))
        is_over = now_s >= last_s + kept_s or (published_s or 0.0) > last_s
        return None if is_over or lasted_s < UNVERIFIED_SECONDS_MAX else since_s

    def all_unverified(self, now_s: float) -> dict[str, int]:
        """The streams of which that can be said, and since when."""
        found = {name: self.unverified_since(name, now_s) for name in self.unverified}
        return {name: since_s for name, since_s in found.items() if since_s is not None}

    def _judging(self, checks: Iterable[Check], now_s: float) -> "LastRun":
        """With what can be verified: a pass ends that nobody can be.

        Checks count in the order in which they were due: very long ones are on record late."""
        known_s = now_s - UNVERIFIED_FORGOTTEN_SECONDS
        last = {n: s for n, s in {**self.unverified, **self.undecided}.items() if s >= known_s}
        first = {n: s for n, s in self.unverified.items() if n in last}
        passed = dict(self.passed)
        for check in sorted(checks, key=lambda check: check.due_s):
            name, due_s = check.stream_id, int(check.due_s)
            if check.verdict is Verdict.PASS:
                passed[name] = max(due_s, passed.get(name, 0))
                if due_s >= first.get(name, due_s):
                    first.pop(name, None)
            elif check.reason in UNDECIDED and due_s > passed.get(name, -1):
                first[name] = min(due_s, first.get(name, due_s))
                last[name] = max(due_s, last.get(name, due_s))
        return replace(
            self,
            unverified=first,
            undecided={name: at_s for name, at_s in last.items() if name in first},
            passed={name: at_s for name, at_s in passed.items() if at_s >= known_s},
        )


def runs_together(runs: Iterable[LastRun]) -> LastRun:
    """The last runs of all parts of the prober as one; a part that is behind is not shown."""
    found = sorted(runs, key=lambda run: run.draw)
    if not found:
        return LastRun()
    newest = found[-1]
    recent = [run for run in found if run.draw >= newest.draw - BEHIND_DRAWS_MAX]
    verdicts: dict[str, int] = {}
    streams: dict[str, IngestState] = {}
    for run in recent:
        for verdict, count in run.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + count
        for name, state in run.streams.items():
            is_live = streams.get(name) is IngestState.LIVE
            streams[name] = IngestState.LIVE if is_live else state
    passed = _latest(run.passed for run in recent)
    undecided = _latest(run.undecided for run in recent)
    first: dict[str, int] = {}
    for run in recent:
        for name, at_s in run.unverified.items():
            first[name] = min(at_s, first.get(name, at_s))
    return replace(
        newest,
        verdicts=verdicts,
        streams=streams,
        controls={name: kind for run in recent for name, kind in run.controls.items()},
        # What one part saw pass can be verified, however the checks of another end.
        unverified={name: max(at_s, passed.get(name, at_s)) for name, at_s in first.items()},
        undecided=undecided,
        passed=passed,
        pictures={name: picture for run in recent for name, picture in run.pictures.items()},
    )


def _latest(found: Iterable[Mapping[str, int]]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for one in found:
        for name, at_s in one.items():
            latest[name] = max(at_s, latest.get(name, at_s))
    return latest

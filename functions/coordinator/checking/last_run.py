"""What the prober did last, in a few numbers: beside the trust book, for pages to show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from coordinator.checking.checks import Control, IngestState, Run, Verdict
from coordinator.checking.controls import ControlCount
from coordinator.documents.columns import Table
from coordinator.reasons import Reason

UNVERIFIED_SECONDS_MAX = 600
"""What cannot be verified for longer is said: two or three checks of a node, on average."""
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

    def after(self, run: Run) -> "LastRun":
        """With a run; an older one than the last changes nothing."""
        if run.draw <= self.draw:
            return self
        verdicts: dict[str, int] = {}
        for check in run.checks:
            verdicts[check.verdict.value] = verdicts.get(check.verdict.value, 0) + 1
        return replace(
            self,
            draw=run.draw,
            started_s=run.started_s,
            ended_s=run.ended_s,
            verdicts=verdicts,
            streams=dict(run.streams),
            controls=dict(run.controls),
            unverified=unverified_after(self.unverified, run),
            pictures={c.node_id: c.thumbnail for c in run.checks if c.verdict.counts},
        )

    def unverified_since(self, stream_id: str, now_s: float) -> int | None:
        """Since when a stream cannot be verified, once that is long enough to be said."""
        since_s = self.unverified.get(stream_id)
        is_long = since_s is not None and now_s >= since_s + UNVERIFIED_SECONDS_MAX
        return since_s if is_long else None


def unverified_after(before: Mapping[str, int], run: Run) -> dict[str, int]:
    """With a run's checks. A pass ends it, and so does a publisher who stops."""
    found = {n: s for n, s in before.items() if run.streams.get(n) is not IngestState.DOWN}
    for check in sorted(run.checks, key=lambda check: check.due_s):
        if check.verdict in (Verdict.PASS, Verdict.DEGRADED):
            found.pop(check.stream_id, None)
        elif check.reason is Reason.UNKNOWN_REFERENCE:
            found.setdefault(check.stream_id, int(check.due_s))
    return found


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
    return replace(
        newest,
        verdicts=verdicts,
        streams=streams,
        controls={name: kind for run in recent for name, kind in run.controls.items()},
        unverified={name: at_s for run in recent for name, at_s in run.unverified.items()},
        pictures={name: picture for run in recent for name, picture in run.pictures.items()},
    )

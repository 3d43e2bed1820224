"""Every check of a node with its numbers, newest first.

Settled epochs come out of the node's bucket. What is newer, and what is older than a bucket keeps,
comes out of the runs themselves, a window of draws at a time.
"""

from dataclasses import dataclass

from api.http.problems import Problem, ProblemKind
from api.services.services import Services, if_possible
from api.wire.checks import AttemptOut, CheckOut, ChecksOut
from api.wire.common import timestamp
from coordinator.checking.checks import Check
from coordinator.checking.lengths import LAST_RECORD_S_MAX
from coordinator.epochs import EVIDENCE_DAYS
from coordinator.projections.node_buckets import NodeEpoch

DRAWS_A_PAGE_MAX = 100
"""Runs are documents: a page reads at most so many."""
LOOKED_AT_BYTES_MAX = 500_000
"""As they are packed, with the checks of all other nodes: some hundredths of a second of work. A
page of a large network looks at fewer draws."""
_DRAWS_FIRST = 4
DAY_S = 86_400


@dataclass(frozen=True)
class NodeChecks:
    """Finds a node's checks, newest first."""

    services: Services

    async def page(self, node_id: str, before: int | None, size: int) -> ChecksOut:
        """Up to `size` checks of draws before one."""
        calendar, now_s = self.services.calendar, self.services.clock()
        since_s = max(await self._joined_s(node_id), now_s - EVIDENCE_DAYS * DAY_S)
        first = calendar.draw_at(since_s)
        latest = calendar.draw_at(now_s) + 1
        stop = latest if before is None else min(before, latest)
        epochs = (await self.services.projections.bucket(node_id)).epochs_of(node_id)
        settled = _settled_draws(epochs, calendar.check_seconds)
        if stop - 1 in settled:
            draws = range(max(first, settled.start), stop)
            checks = [check for each in epochs for check in each.checks]
        else:
            floor = settled.stop if stop > settled.stop else first
            draws = range(max(first, floor, stop - DRAWS_A_PAGE_MAX), stop)
            checks, draws = await self._in_runs(node_id, draws, latest, size)
        found = sorted((c for c in checks if c.draw in draws), key=lambda check: -check.draw)
        following = found[size - 1].draw if len(found) > size else draws.start
        return ChecksOut(
            node_id=node_id,
            checks=[check_out(check) for check in found[:size]],
            next_page_token=str(following) if draws and following > first else None,
        )

    async def _in_runs(
        self, node_id: str, draws: range, latest: int, size: int
    ) -> tuple[list[Check], range]:
        """(a node's checks in the newest of the draws, which those are): enough for a page.

        A check that outlasts its draw is in the record of a later one."""
        found: list[Check] = []
        late = int(LAST_RECORD_S_MAX // self.services.calendar.check_seconds) + 1
        begin, batch, looked_bytes = min(draws.stop + late, latest), _DRAWS_FIRST, 0
        while (
            draws
            and begin > draws.start
            and (begin >= draws.stop or (len(found) <= size and looked_bytes < LOOKED_AT_BYTES_MAX))
        ):
            some = range(max(draws.start, begin - batch), begin)
            checks, size_bytes = await self.services.measurements.checks_of(node_id, some)
            found, begin = found + [c for c in checks if c.draw in draws], some.start
            looked_bytes += size_bytes
            left_bytes = LOOKED_AT_BYTES_MAX - looked_bytes
            batch = max(1, min(2 * len(some), left_bytes * len(some) // max(1, size_bytes)))
        return found, range(begin, draws.stop) if draws else draws

    async def _joined_s(self, node_id: str) -> float:
        """When the node first announced itself; a problem if it never did."""
        node = await if_possible(self.services.measurements.node(node_id))
        if node is None:
            raise Problem(ProblemKind.UNKNOWN_NODE, f"No node is called {node_id[:64]}.")
        return node.joined_s


def _settled_draws(epochs: list[NodeEpoch], check_seconds: int) -> range:
    """Draws that lie wholly in epochs whose checks are all in the bucket; without a gap."""
    stop = first = None
    for each in epochs:
        if not each.has_all_checks or (first is not None and each.ends_s != first):
            break
        stop = each.ends_s if stop is None else stop
        first = each.starts_s
    if first is None or stop is None:
        return range(0)
    return range(-(-first // check_seconds), stop // check_seconds)


def check_out(check: Check) -> CheckOut:
    """A check on the wire."""
    caused = check.caused_by_s
    return CheckOut(
        draw=check.draw,
        due_at=timestamp(check.due_s),
        due_s=check.due_s,
        stream_id=check.stream_id,
        verdict=check.verdict,
        reason=check.reason.value,
        says=check.reason.says,
        fix=check.reason.fix,
        caused_by_at=timestamp(caused) if caused is not None else None,
        event=check.event,
        attempts=[
            AttemptOut(**{name: value for name, value in attempt.items() if value is not None})
            for attempt in check.attempts
        ],
    )

"""`make show SWEEP=latest`: one sweep's document, readably.

`python -m show SWEEP` takes a sweep's id (`sweep-0-000029921760`) or `latest`. The
database is the project of GOOGLE_CLOUD_PROJECT, or the emulator of FIRESTORE_EMULATOR_HOST.
"""

import asyncio
import os
import re
import sys
from collections import Counter
from datetime import UTC, datetime

from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.records import Measurements
from coordinator.rosters import Roster
from coordinator.sweeps import Poll, Sweep

_ID = re.compile(r"sweep-([0-9]{1,3})-([0-9]{1,12})")
LINES = 40


def lines_of(sweep: Sweep, roster: Roster, sweep_seconds: int, most: int = LINES) -> list[str]:
    """The sweep as text: what it is, how many of each outcome, then `most` of its rows."""
    at = datetime.fromtimestamp(sweep.tick * sweep_seconds, UTC).isoformat()
    counts = Counter(poll.outcome.value for poll in sweep.polls.values())
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()) or "nobody"
    lines = [
        f"{sweep.id}: shard {sweep.shard}, tick {sweep.tick} ({at})",
        f"roster {roster.id}, revision {sweep.roster_revision}: "
        f"{len(sweep.polls)} of {len(roster.slots)} slots polled: {told}",
        "",
        f"{'slot':>5}  {'node':<20}  {'stream':<12}  {'outcome':<8}  {'reason':<18}  "
        f"{'up':>6} / {'due':<6}  {'misses':>6}  {'viewers':>7}  since tick",
    ]
    # Trouble first: whoever looks at a sweep mostly wants to know who is not up.
    rows = sorted(sweep.polls.items(), key=lambda row: (row[1].outcome == "up", row[0]))
    lines += [_row(at, poll, roster) for at, poll in rows[:most]]
    if len(rows) > most:
        lines.append(f"… and {len(rows) - most} more (LINES={len(rows)} shows all)")
    return lines


def _row(at: int, poll: Poll, roster: Roster) -> str:
    slot = roster.slots[at]
    return (
        f"{at:>5}  {slot.node_id:<20}  {slot.stream_id:<12}  {poll.outcome.value:<8}  "
        f"{poll.reason.value:<18}  {poll.minutes_up:>6} / {poll.minutes_due:<6}  "
        f"{poll.misses:>6}  {poll.viewers:>7}  {poll.since_tick}"
    )


async def show(sweep_id: str, most: int) -> list[str]:
    """The lines, or one sentence that says why there are none."""
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        return ["Set GOOGLE_CLOUD_PROJECT (and FIRESTORE_EMULATOR_HOST for the emulator's)."]
    store = FirestoreStore(project, os.environ.get("MEASUREMENT_DATABASE", "(default)"))
    try:
        measurements = Measurements(store)
        sweep = await _found(measurements, sweep_id)
        if sweep is None:
            return [f"There is no sweep {sweep_id} in {project}: name one, or `latest`."]
        roster = await measurements.roster(sweep.shard, sweep.roster_version)
        return lines_of(sweep, roster, int(os.environ.get("SWEEP_SECONDS", "60")), most)
    finally:
        await store.close()


async def _found(measurements: Measurements, sweep_id: str) -> Sweep | None:
    if sweep_id == "latest":
        return next(iter(await measurements.latest_sweeps()), None)
    parts = _ID.fullmatch(sweep_id)
    if parts is None:
        return None
    tick = int(parts[2])
    return await measurements.last_sweep_of(int(parts[1]), range(tick, tick + 1))


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else "latest"
    print("\n".join(asyncio.run(show(asked, int(os.environ.get("LINES", LINES))))))

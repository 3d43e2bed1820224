"""`make show SWEEP=latest`: one sweep's document, readably.

`python -m tools.show_sweep SWEEP` takes a sweep's id (`sweep-0of1-000029921760`) or `latest`. The
database is the project of GOOGLE_CLOUD_PROJECT, or the emulator of FIRESTORE_EMULATOR_HOST.
Exit status: 0 shown, 1 no such sweep or no store, 2 called wrongly.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from datetime import UTC, datetime

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import StoreError
from coordinator.sweeping.polls import Poll
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.sweeps import Sweep, sweep_id, sweep_key
from emulator.unread import quiet_when_unread

LINES = 40
LATEST = "latest"


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


async def show(
    measurements: Measurements, name: str, sweep_seconds: int, most: int = LINES
) -> list[str]:
    """The lines; LookupError with a sentence if there is no such sweep."""
    if name == LATEST:
        sweep = next(iter(await measurements.latest_sweeps()), None)
    else:
        shard, tick = sweep_key(name)
        sweep = await measurements.last_sweep_of(shard, range(tick, tick + 1))
    if sweep is None:
        raise LookupError(f"no sweep is called {name}" if name != LATEST else "none yet")
    roster = await measurements.roster(sweep.shard, sweep.roster_version)
    return lines_of(sweep, roster, sweep_seconds, most)


async def _show(project: str, asked: argparse.Namespace) -> list[str]:
    store = FirestoreStore(project, os.environ.get("MEASUREMENT_DATABASE", "(default)"))
    try:
        return await show(Measurements(store), asked.SWEEP, asked.sweep_seconds, asked.lines)
    finally:
        await store.close()


def _sweep_id(text: str) -> str:
    try:
        return text if text == LATEST else sweep_id(*sweep_key(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {LATEST}, and {error}") from error


def main(arguments: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser("make show", description="Prints one sweep, trouble first.")
    parser.add_argument(
        "SWEEP", nargs="?", type=_sweep_id, default=LATEST, help="its id, or latest"
    )
    # A default in text is read as if it had been typed, so a wrong one is refused like it.
    parser.add_argument(
        "--lines",
        type=int,
        default=os.environ.get("LINES", str(LINES)),
        help="rows at most, trouble first (LINES)",
    )
    parser.add_argument(
        "--sweep-seconds",
        type=int,
        default=os.environ.get("SWEEP_SECONDS", "60"),
        help="the coordinator's SWEEP_SECONDS",
    )
    asked = parser.parse_args(arguments)
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        parser.error("set GOOGLE_CLOUD_PROJECT, and FIRESTORE_EMULATOR_HOST for the emulator's")
    try:
        print("\n".join(asyncio.run(_show(project, asked))))
    except (LookupError, StoreError) as error:
        print(f"{project}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))

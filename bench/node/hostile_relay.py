"""`make hostile-relay`: what strangers' bytes do to the relay, and to nginx-rtmp in the same run.

The whole catalogue of misbehaviours and SESSIONS mutated sessions of real clients meet an ingest
and its node, while an honest publisher sends and an honest viewer of each watches. The peer gets
the same sessions, and is started again whenever it ends.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.report import Figure, hand_in
from emulator.unread import quiet_when_unread
from rtmp.addresses import RtmpAddress
from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY
from tests.e2e.media import Child, Media
from tests.e2e.watched import HOST
from tests.integration.fuzzing import FUZZED, SESSIONS, Tally, fuzz
from tests.integration.hostile_catalogue import CASES, HOSTILE_STREAMS, misbehave
from tests.integration.hostile_clients import ROLES
from tests.integration.recorded_sessions import recorded
from tests.integration.relays import Relays, relays_in
from tests.numbered_media import MESSAGES_A_GOP, Seen, publishing, until_seen, watched

_LOOK_S = 0.01
_EVERY = 500
"""Sessions between two looks at the honest viewers."""


@dataclass(slots=True)
class AttackResult:
    """What came of it."""

    tally: Tally
    unexpected: Counter[str]
    seen: list[Seen]
    hangs: int = 0


async def _attack(relays: Relays) -> tuple[AttackResult, list[bytes]]:
    """The catalogue, then the sessions."""
    there = relays.address("ingest", FUZZED), relays.address("node", STREAM_ID)
    async with publishing(relays.address("ingest"), STREAM_KEY):
        async with watched(*(relays.address(role) for role in ROLES)) as seen:
            happened = await misbehave(relays)
            unexpected = Counter(f"{k[0]} at {k[1]}: {how}" for k, how in happened.items() if how)
            outcome = AttackResult(Tally(), unexpected, seen)
            kinds = await recorded(*there, STREAM_KEY)
            sessions = kinds["publishers"] + kinds["players"]
            for first in range(0, SESSIONS, _EVERY):
                seeds = range(first, min(first + _EVERY, SESSIONS))
                await fuzz(there[first // _EVERY % 2], sessions, seeds, outcome.tally)
                outcome.hangs += await _hangs(seen)
        return outcome, sessions


async def _hangs(seen: list[Seen]) -> int:
    """Whether honest viewers get media no more."""
    try:
        await until_seen(seen, MESSAGES_A_GOP // 4)
    except TimeoutError:
        return 1
    return 0


class _Peer:
    """nginx-rtmp on one port, started again whenever it ends."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._child, self._port = media.server("peer-0")
        self.crashes = 0

    @property
    def address(self) -> RtmpAddress:
        """The honest stream there."""
        return RtmpAddress(HOST, self._port, "live", STREAM_ID)

    async def keep_up(self) -> None:
        """Until cancelled."""
        while True:
            if not self._child.is_running:
                self.crashes += 1
                self._child = self._start()
            await asyncio.sleep(_LOOK_S)

    async def keep_live(self) -> None:
        """Numbered media, from the start again whenever the peer ends; until cancelled."""
        while True:
            with contextlib.suppress(OSError, EOFError, AssertionError):
                async with publishing(self.address, STREAM_KEY) as sending:
                    await asyncio.wait((sending,))
            await asyncio.sleep(_LOOK_S)

    def _start(self) -> Child:
        return self._media.server(f"peer-{self.crashes}", port=self._port)[0]


@asynccontextmanager
async def _peer(media: Media) -> AsyncIterator[_Peer]:
    peer = _Peer(media)
    tasks = [asyncio.create_task(peer.keep_up()), asyncio.create_task(peer.keep_live())]
    try:
        yield peer
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _attack_peer(sessions: list[bytes]) -> tuple[int, Tally]:
    """The same sessions; those that found nobody are not counted."""
    tally = Tally()
    with Media() as media:
        async with _peer(media) as peer:
            await fuzz(peer.address, sessions, range(SESSIONS), tally)
            await asyncio.sleep(1.0)
            return peer.crashes, tally


def main() -> None:
    """Attack, count, print."""
    with (
        tempfile.TemporaryDirectory(prefix="hostile-relay-") as folder,
        relays_in(Path(folder), [*HOSTILE_STREAMS, FUZZED]) as relays,
    ):
        outcome, sessions = asyncio.run(_attack(relays))
        crashes = relays.crashes()
        peak_mb = max(relays.peak_mb(role) for role in ROLES)
    peer_crashes, peer_tally = asyncio.run(_attack_peer(sessions))
    for line in (*crashes, *outcome.unexpected, *(f"hung: seed {n}" for n in outcome.tally.hung)):
        print(line)
    reached = peer_tally.sessions - peer_tally.ends["refused"]
    peer = f"nginx-rtmp: {peer_crashes} in {reached} sessions"
    faults = [sum(n for n in (s.missed, s.repeated, s.changed)) for s in outcome.seen]
    gap_s = max(each.longest_wait_s for each in outcome.seen)
    ended = sum(bool(each.ended) for each in outcome.seen)
    hangs = outcome.hangs + len(outcome.tally.hung)
    hand_in(
        "hostile-relay",
        [
            Figure("misbehaviours at ingest and node", len(CASES), "", ">= 80"),
            Figure("of them with another outcome", len(outcome.unexpected), "", "<= 0"),
            Figure("mutated sessions", outcome.tally.sessions, "", f">= {SESSIONS}"),
            Figure("sessions that the relay ended", outcome.tally.ends["closed"], ""),
            Figure("crashes", len(crashes), "", "<= 0", peer),
            Figure("hangs", hangs, "", "<= 0"),
            Figure("packets that honest viewers missed", sum(faults), "", "<= 0"),
            Figure("honest viewers who were thrown out", ended, "", "<= 0"),
            Figure("longest wait of an honest viewer", round(gap_s, 2), "s"),
            Figure("memory of the relay, at most", round(peak_mb, 1), "MB", "<= 250"),
        ],
    )


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))

"""`make chaos`: a whole network is struck in every way, and what was promised is looked for.

The whole network on network namespaces of our own: the Firestore emulator, the four functions, the
scheduler, an ingest, a publisher, four honest nodes and two controls, at the demo's pace (a minute
takes 5 s). After each strike the clock runs from the end of its cause until heartbeats are
answered, every honest node is watchable, and a new sweep and the playlist have them all. Sponsors
and newcomers go on meanwhile (`promises.py`); in the end all is audited (`aftermath.py`).
PAIRS, FREEZE, CUT, HOLD (seconds) and SEED choose how much; ONLY names the parts of a campaign.
"""

import asyncio
import sys
import time

from bench.chaos import namespaces
from bench.chaos.aftermath import Aftermath, audited, until_settled
from bench.chaos.chaos_parts import chosen
from bench.chaos.promises import PENDING_SECONDS_MAX, Promises
from bench.chaos.recovery import Looker
from bench.chaos.strike_series import Campaign
from bench.chaos.struck_network import opened
from bench.report import Figure, hand_in, say
from emulator.unread import quiet_when_unread

LIMIT_S = 3_600.0
"""Of all of it: an idle machine takes a quarter of that."""
FINDINGS_SHOWN_MAX = 20


def main() -> None:
    """Strikes, measures, prints."""
    namespaces.enter("bench.chaos.chaos")
    hand_in("chaos", asyncio.run(_measured()))


async def _measured() -> list[Figure]:
    async with asyncio.timeout(LIMIT_S), opened() as network:
        begun_s = time.time()
        looker, promises = Looker(network), Promises(network)
        promising = asyncio.create_task(promises.run())
        campaign = Campaign(network, looker)
        say(f"the network runs: {await looker.recovery(time.monotonic())}")
        try:
            for name, part in chosen().items():
                say(f"-- {name}")
                await part(campaign)
            promises.end()
            async with asyncio.timeout(PENDING_SECONDS_MAX):
                await promising
        finally:
            promising.cancel()
            await asyncio.gather(promising, return_exceptions=True)
            await looker.close()
        await until_settled(network)
        books = await audited(network, list(promises.streams), begun_s)
        return [
            *campaign.figures,
            *await _kept(promises),
            *_audited(books),
            Figure("deaths of parts that nobody struck", len(network.surprises), "", "<= 0"),
            Figure("the whole run", round(time.time() - begun_s), "s"),
        ]


async def _kept(promises: Promises) -> list[Figure]:
    made = {
        "registrations": len(promises.streams),
        "deposits": promises.deposits,
        "first contacts": len(promises.contacts),
        "statements": len(promises.statements),
    }
    lost = await promises.lost()
    for found in (one for each in lost.values() for one in each):
        say(f"lost: {found}")
    figures = [
        Figure(f"acknowledged {kind} lost", len(lost[kind]), "", "<= 0", f"of {count}")
        for kind, count in made.items()
    ]
    return [*figures, Figure("requests that had to be repeated", promises.repeated, "")]


def _audited(books: Aftermath) -> list[Figure]:
    for found in books.findings[:FINDINGS_SHOWN_MAX]:
        say(f"finding: {found}")
    for said in books.untold[:FINDINGS_SHOWN_MAX]:
        say(f"cannot be told: {said}")
    say(f"of bystanders: failed checks {dict(books.failed)}, unpaid minutes {dict(books.unpaid)}")
    untouched = "of nodes that nobody struck"
    return [
        Figure("statements recomputed", books.statements, "", ">= 1"),
        Figure("findings of the audit", len(books.findings), "", "<= 0"),
        Figure("statements that cannot be told", len(books.untold), "", "<= 0"),
        Figure(f"flags {untouched}", books.flags, "", "<= 0"),
        Figure(f"failed checks {untouched}", books.failed.total(), "", "<= 0"),
        Figure(f"minutes unpaid {untouched}", books.unjust, "", "<= 0", f"of {books.due} due"),
        Figure(f"minutes paid {untouched}", books.paid, ""),
    ]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))

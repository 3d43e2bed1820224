"""Degraded checks that a node may have, and what each one beyond them holds back.

A check that passes at its second connection only is nobody's fault, three times in a hundred. It is
also what whoever turns viewers away comes to. Each pass earns a part of one, so that an honest line
has earned as many as it has. Who has more owes passes: pay of a check interval is held for each
until passes have made up for it. So whatever is done, and whoever counts, no more of such checks
are paid than passes have earned (docs/adr/0094). Pure.
"""

from coordinator.checking.checks import Check, Verdict

PASS_EARNS = 37
"""Thousandths of a degraded check. Where 3 % of connections fail there are 30 for each pass."""
DEGRADED_TAKES = 1_000
CREDIT_MAX = 12_000
"""Nobody has more than twelve in reserve."""
HOLDS_S = 900
"""What each one beyond them holds: a check interval, at four checks an hour. Whoever turns viewers
away is called once in so long, and has gained so much by then on average."""


def credit_after(credit: int, check: Check) -> int:
    """Thousandths of degraded checks that a node may still have; below zero it owes passes.

    A retest was seen coming, so it earns nothing and takes nothing. A failed check voids pay by
    itself, and so does one that was cut."""
    if check.caused_by_s is not None or check.is_cut:
        return credit
    if check.verdict is Verdict.PASS:
        return min(CREDIT_MAX, credit + PASS_EARNS)
    return credit - DEGRADED_TAKES if check.verdict is Verdict.DEGRADED else credit


def owed_after(check: Check, credit: int) -> int:
    """How many degraded checks are not made up for, by what its node has after a check."""
    tells = check.verdict in (Verdict.PASS, Verdict.DEGRADED)
    return -min(0, credit // 1_000) if tells else 0


def held_from_s(check: Check) -> int | None:
    """Pay for minutes after this instant is held by a check; None if it holds none."""
    return int(check.due_s) - HOLDS_S if check.holds else None

"""Scenarios whose statements were computed by hand, settled by the real handlers.

Rate 7.2 tokens an hour (0.12 a minute), epochs of 60 minutes, a balance of 100, at most 50 nodes
paid; nodes are always up and each has a network of its own, if nothing else is said. `p10` is a
check that passes at 10:30; `f` fails with `no_stream`, `w` with `wrong_content`; `q` is a very long
one that passes, `v` one that fails with `stalled`, `x` the same of a watched node, `c` one that was
cut and passed when repeated; `r` is a retest that passes, which another check caused; `d` is
degraded; `u` could not be decided because of what is published; 60 begins the second epoch. Where a
rule has changed a figure, its ADR has the new computation.
"""

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.checking.checks import Check, Run, Verdict
from coordinator.checking.lengths import Length
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.money import format_tokens, parse_tokens
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from payout.settler import Settler
from tests.builders import a_check, a_slot, a_stream
from tests.doubles.memory import MemoryStore

CALENDAR = Calendar()
EPOCH = 498_700
START_S = EPOCH * 3600
_VERDICTS = {
    "p": (Verdict.PASS, Reason.PASSED),
    "q": (Verdict.PASS, Reason.PASSED),
    "r": (Verdict.PASS, Reason.PASSED),
    "d": (Verdict.DEGRADED, Reason.DEGRADED),
    "f": (Verdict.FAIL, Reason.NO_STREAM),
    "w": (Verdict.FAIL, Reason.WRONG_CONTENT),
    "v": (Verdict.FAIL, Reason.STALLED),
    "x": (Verdict.FAIL, Reason.STALLED),
    "c": (Verdict.DEGRADED, Reason.CUT),
    "u": (Verdict.UNKNOWN, Reason.UNKNOWN_REFERENCE),
}


@dataclass(frozen=True)
class Served:
    """What a node does on a stream."""

    checks: str
    stream_id: str = "s3"
    since: int = 0
    until: int | None = None
    address: str | None = None


def _minutes(checks: str) -> Iterable[tuple[int, str]]:
    """`p10 w13-14` -> (10, p), (13, w), (14, w)."""
    for word in checks.split():
        first, _, last = word[1:].partition("-")
        yield from ((minute, word[0]) for minute in range(int(first), int(last or first) + 1))


Does = str | list[Served]
"""Checks of the usual stream, or all that a node does."""


@dataclass
class Network:
    """Streams, nodes and their evidence, in memory."""

    nodes: Mapping[str, list[Served]]
    epochs: int = 2
    unswept: Container[int] = ()
    unmeasured: Container[int] = ()
    idle: Container[int] = ()
    """Minutes in which nobody publishes."""
    recorded_s: Mapping[int, float] = field(default_factory=dict)
    """Minutes whose run was recorded at another second than soon after."""
    measured: MemoryStore = field(default_factory=MemoryStore)
    money: MemoryStore = field(default_factory=MemoryStore)

    async def register(self, balance: str = "100", rate: str = "7.2", **more: Any) -> None:
        """A stream with its balance."""
        usual = {"max_paid_nodes": 50, "created_s": START_S}
        stream = a_stream(reward_micros_per_hour=parse_tokens(rate), **usual | more)
        await Measurements(self.measured).create_stream(stream)
        opening = opening_balance(stream, parse_tokens(balance), CALENDAR)
        await Ledger(self.money).open(opening)

    def _slots(self) -> tuple[Slot, ...]:
        first = START_S // 60
        return tuple(
            replace(
                a_slot(
                    node_id,
                    part.stream_id,
                    joined_tick=first + part.since,
                    left_tick=None if part.until is None else first + part.until,
                ),
                first_tick=1,
            )
            for node_id, parts in sorted(self.nodes.items())
            for part in parts
        )

    async def measure(self) -> None:
        """Everything that is on record of it."""
        slots = self._slots()
        measurements = Measurements(self.measured)
        await measurements.put_roster(Roster(WHOLE, 1, 1.0, slots))
        first = START_S // 60
        for minute in range(60 * self.epochs):
            if minute not in self.unswept:
                outcome = Outcome.UNKNOWN if minute in self.unmeasured else Outcome.UP
                outcome = Outcome.IDLE if minute in self.idle else outcome
                polled = [at for at, one in enumerate(slots) if one.is_polled_at(first + minute)]
                sweep = Sweep(
                    WHOLE, first + minute, 1, dict.fromkeys(polled, Poll(outcome, Reason.OK, 1, 1))
                )
                await measurements.create_sweep(sweep, START_S + minute * 60.0 + 7)
        by_minute: dict[int, list[Check]] = {}
        for at, (node_id, parts) in enumerate(sorted(self.nodes.items())):
            for part in parts:
                address = part.address or f"51.{at // 250}.{at % 250}.7"
                for minute, letter in _minutes(part.checks):
                    check = a_check(
                        START_S + minute * 60.0 + 30, *_VERDICTS[letter], node_id=node_id,
                        stream_id=part.stream_id, attempts=({"address": address},),
                        length=Length.VERY_LONG if letter in "qvxc" else Length.SHORT,
                        is_watched=letter == "x",
                        caused_by_s=START_S if letter == "r" else None,
                    )  # fmt: skip
                    by_minute.setdefault(minute, []).append(check)
        for minute, checks in sorted(by_minute.items()):
            ended_s = self.recorded_s.get(minute, START_S + minute * 60.0 + 58)
            run = Run(first + minute, START_S + minute * 60.0, ended_s, (), {}, tuple(checks))
            await measurements.record_run(run, ended_s)

    async def settle(self, at_minute: float = 0.0) -> list[Any]:
        """One call of the payout, when all epochs are to be settled or earlier; what it settled."""
        now_s = START_S + (at_minute or 60.0 * self.epochs) * 60 + CALENDAR.grace_seconds
        settler = Settler(
            Measurements(self.measured), Ledger(self.money), CALENDAR, 24, lambda: now_s,
            Log("payout", "ERROR"),
        )  # fmt: skip
        summary = await settler.settle_due()
        assert not summary["failed"]
        settled: list[Any] = summary["settled"]
        return settled

    async def statement(self, epoch: int, stream_id: str = "s3") -> Statement:
        """Of an epoch, counted from the first."""
        found = await Ledger(self.money).statement(stream_id, EPOCH + epoch)
        assert found is not None
        return found


async def settled(
    nodes: Mapping[str, Does], *, epochs: int = 2, stream: Any = None, **more: Any
) -> Network:
    """A network of one stream, with everything settled."""
    served = {name: [Served(one)] if isinstance(one, str) else one for name, one in nodes.items()}
    network = Network(served, epochs, **more)
    await network.register(**(stream or {}))
    await network.measure()
    await network.settle()
    return network


def said(statement: Statement, node_id: str = "n2") -> dict[str, int]:
    """Where a node's minutes have gone; `paid` among them."""
    (row,) = (row for row in statement.rows if row.node_id == node_id)
    gone = {reason.value: minutes for reason, minutes in row.unpaid}
    return gone | ({"paid": row.minutes_paid} if row.minutes_paid else {})


def earned(statement: Statement) -> dict[str, str]:
    """Who has earned anything, in tokens."""
    return {r.node_id: format_tokens(r.earned_micros) for r in statement.rows if r.earned_micros}


async def test_h1_and_h2_what_waits_is_paid_in_the_next_epoch() -> None:
    """p10 p20 p50 p63."""
    network = await settled({"n2": "p10 p20 p50 p63"})
    first, second = await network.statement(0), await network.statement(1)
    assert said(first) == {"before_first_pass": 11, "paid": 40, "awaiting_check": 9}
    assert said(second) == {"paid": 13, "awaiting_check": 56}
    assert (earned(first), earned(second)) == ({"n2": "4.8"}, {"n2": "1.56"})
    assert format_tokens(second.balance_after_micros) == "93.64"


async def test_a_very_long_failure_voids_what_shorter_checks_have_paid() -> None:
    """p10 p20 p30 p40 p50 p60 v70 (ADR 57): the first statement stays, 4.8 tokens come back."""
    network = await settled({"n2": "p10 p20 p30 p40 p50 p60 v70"})
    first, second = await network.statement(0), await network.statement(1)
    assert said(first) == {"before_first_pass": 11, "paid": 40, "awaiting_check": 9}
    assert said(second) == {"voided": 20, "after_failure": 49}
    assert (format_tokens(second.forfeited_micros), earned(second)) == ("4.8", {})
    assert format_tokens(second.balance_after_micros) == "100"
    (row,) = second.rows
    assert (row.minutes_forfeited, row.forfeited_from_s) == (40, 0)
    entries = await Ledger(network.money).entries("s3")
    assert [(one.kind.value, one.amount_micros) for one in entries[1:]] == [("forfeit", 4_800_000)]
    account = (await Ledger(network.money).accounts()).nodes["n2"]
    assert (account.earned_micros, account.forfeited_micros) == (0, 4_800_000)


async def test_a_very_long_failure_voids_five_hours_whatever_passed_since() -> None:
    """p10 p20 p50 q60 p65 v70 (ADR 62): 60 passed, and what was paid before it is void too."""
    second = await (await settled({"n2": "p10 p20 p50 q60 p65 v70"})).statement(1)
    assert said(second) == {"voided": 20, "after_failure": 49}
    assert (format_tokens(second.forfeited_micros), earned(second)) == ("4.8", {})
    assert format_tokens(second.balance_after_micros) == "100"


async def test_beside_a_neighbour_a_very_long_failure_voids_an_hour() -> None:
    """p10 p20 p50 q60 p110 q120 p125 x130 (ADR 91): since 70, where an unwatched one voids all."""
    checks = "p10 p20 p50 q60 p110 q120 p125"
    third = await (await settled({"n2": f"{checks} x130"}, epochs=3)).statement(2)
    assert said(third) == {"voided": 20, "after_failure": 49}
    assert format_tokens(third.forfeited_micros) == "4.8"
    unwatched = await (await settled({"n2": f"{checks} v130"}, epochs=3)).statement(2)
    assert said(unwatched) == {"voided": 20, "after_failure": 49}
    assert format_tokens(unwatched.forfeited_micros) == "12"


async def test_a_very_long_check_that_was_cut_voids_as_if_its_retest_had_failed() -> None:
    """p10 p20 p50 q60 p65 c70 p80 p90 (ADR 85): as v70 (ADR 62), and pay begins again at 80."""
    second = await (await settled({"n2": "p10 p20 p50 q60 p65 c70 p80 p90"})).statement(1)
    assert said(second) == {"voided": 20, "after_failure": 10, "paid": 10, "awaiting_check": 29}
    assert (format_tokens(second.forfeited_micros), earned(second)) == ("4.8", {"n2": "1.2"})
    (row,) = second.rows
    assert [(one.minutes, one.reason) for one in row.voided_by] == [(20, Reason.CUT)]
    degraded = await (await settled({"n2": "p10 p20 p50 q60 p65 d70 p80 p90"})).statement(1)
    # 9 came along. Not earned by four passes (ADR 94): it holds 56 to 70.
    assert said(degraded) == {"paid": 25, "owing": 15, "awaiting_check": 29}


async def test_a_degraded_check_that_is_not_earned_holds_a_quarter_of_an_hour() -> None:
    """p10 p20 p50 p62 d66 p80 p90, then passes in 100, 110 ... (ADR 94). e0 pays 21 to 50, after
    11 to 20; 9 wait. d66 holds 52 to 66: 7 minutes of e1 and 8 of the 9 that came along."""
    words = "p10 p20 p50 p62 d66 p80 p90"
    network = await settled({"n2": words})
    first, second = await network.statement(0), await network.statement(1)
    assert said(first) == {"before_first_pass": 11, "paid": 40, "awaiting_check": 9}
    assert said(second) == {"paid": 1 + 24, "owing": 15, "awaiting_check": 29}
    assert (earned(second), second.forfeited_micros) == ({"n2": "3"}, 0)
    (row,) = second.rows
    assert (row.carried.held, row.carried.waiting, row.minutes_held_back) == (15, 29, 0)


async def test_what_is_held_is_paid_once_passes_have_made_up_for_it() -> None:
    """p10 p20 p50 p62 d66, and passes every two minutes from 70 on. Four passes of 37 came before:
    after 24 more there are 28, and 36 thousandths are left. That is at 116."""
    words = "p10 p20 p50 p62 d66 " + " ".join(f"p{at}" for at in range(70, 120, 2))
    second = await (await settled({"n2": words})).statement(1)
    assert said(second) == {"paid": 9 + 59, "awaiting_check": 1}
    short = await (await settled({"n2": words.partition(" p116")[0]})).statement(1)
    assert said(short) == {"paid": 1 + 48, "owing": 15, "awaiting_check": 5}


async def test_what_was_paid_before_is_held_out_of_the_statement_that_paid_it() -> None:
    """p10 p20 p59 d61 (ADR 94): 47 to 61 are held. e0 has paid 13 of them, 1.56 tokens, which come
    back; 60 and 61 had waited. Passes give all 15 back in the third hour: 1.8 tokens."""
    words = "p10 p20 p59 d61 " + " ".join(f"p{at}" for at in range(121, 175, 2))
    network = await settled({"n2": words}, epochs=3)
    first, second = await network.statement(0), await network.statement(1)
    assert said(first) == {"before_first_pass": 11, "paid": 49}
    assert said(second) == {"owing": 15, "awaiting_check": 58}
    (row,) = second.rows
    assert (row.minutes_forfeited, row.minutes_held_back) == (13, 13)
    assert format_tokens(second.forfeited_micros) == "1.56"
    third = await network.statement(2)
    assert said(third) == {"paid": 15 + 58 + 54, "awaiting_check": 6}


async def test_what_is_held_lapses_when_its_node_stays_away() -> None:
    """p10 p20 p50 p62 d66, and it has left with the second hour."""
    network = await settled({"n2": [Served("p10 p20 p50 p62 d66", until=120)]}, epochs=3)
    assert said(await network.statement(1))["owing"] == 15
    assert said(await network.statement(2)) == {"lapsed": 15 + 53}


async def test_a_failure_voids_what_is_held_as_well() -> None:
    """p10 p20 p50 p62 d66 p70 v80: a very long one voids five hours, 52 to 66 among them."""
    network = await settled({"n2": "p10 p20 p50 p62 d66 p70 v80"})
    second = await network.statement(1)
    assert said(second) == {"voided": 9 + 21, "after_failure": 39}


async def test_a_flag_by_degraded_checks_voids_what_came_before_it() -> None:
    """p10 p20 p30 d40-48 (ADR 71): the eighth in a row flags (ADR 74), at 47, and what 20 and 30
    paid is void as well."""
    first = await (await settled({"n2": "p10 p20 p30 d40-48"})).statement(0)
    assert said(first) == {"before_first_pass": 11, "voided": 37, "after_failure": 12}
    assert earned(first) == {}


async def test_h3_a_failure_voids_back_and_on_to_the_next_pass() -> None:
    """p59 p65 f80 p95 p110."""
    second = await (await settled({"n2": "p59 p65 f80 p95 p110"})).statement(1)
    assert said(second) == {"paid": 21, "voided": 15, "after_failure": 15, "awaiting_check": 9}
    assert earned(second) == {"n2": "2.52"}


async def test_h4_six_clean_retests_clear_a_flag() -> None:
    """p59 f65 f70 f75 r76-81 p100 p110: retests clear it, and 100 begins pay again."""
    second = await (await settled({"n2": "p59 f65 f70 f75 r76-81 p100 p110"})).statement(1)
    assert said(second) == {"paid": 10, "voided": 16, "after_failure": 25, "awaiting_check": 9}
    assert earned(second) == {"n2": "1.2"}


async def test_h5_a_fraud_loses_what_is_pending() -> None:
    """p5 p59 w65 p68 w70 r71-72 f73-75: 6.48 back, 93.52 becomes 100."""
    network = await settled({"n2": "p5 p59 w65 p68 w70 r71-72 f73-75"})
    first, second = await network.statement(0), await network.statement(1)
    assert said(second) == {"voided": 13, "after_failure": 3, "fraud": 44}
    assert format_tokens(second.forfeited_micros) == "6.48"
    balances = first.balance_after_micros, second.balance_after_micros
    assert [format_tokens(micros) for micros in balances] == ["93.52", "100"]


async def test_h6_a_short_balance_is_shared_out() -> None:
    """Rate 7, balance 5; p10 with p50, p40 and p30."""
    nodes = {"n2": "p10 p50", "n3": "p10 p40", "n5": "p10 p30"}
    first = await (await settled(nodes, stream={"balance": "5", "rate": "7"})).statement(0)
    assert earned(first) == {"n2": "2.222222", "n3": "1.666667", "n5": "1.111111"}
    told = [said(first, node_id) for node_id in nodes]
    assert [one["paid"] for one in told] == [19, 14, 9]
    assert [one["balance_exhausted"] for one in told] == [21, 16, 11]


async def test_h7_two_places_go_to_the_longest_service() -> None:
    """C p1, B p3, A p5; all p30. What waits has its places too, so A's 29 minutes have none."""
    nodes = {"c": "p1 p30", "b": "p3 p30", "a": "p5 p30"}
    first = await (await settled(nodes, stream={"max_paid_nodes": 2})).statement(0)
    assert earned(first) == {"c": "3.48", "b": "3.24"}
    assert said(first, "a") == {"before_first_pass": 6, "beyond_max_paid_nodes": 25 + 29}
    assert said(first, "b") == {"before_first_pass": 4, "paid": 27, "awaiting_check": 29}


def _neighbours(count: int) -> dict[str, Does]:
    """Of one /24: the first passes in minute 1, the next in minute 2; all in minute 30."""
    return {f"n{n}": [Served(f"p{n} p30", address=f"203.0.114.{n}")] for n in range(1, count + 1)}


async def test_h8_three_of_one_network_are_paid_alone() -> None:
    """The oldest three of five."""
    first = await (await settled(_neighbours(5))).statement(0)
    assert earned(first) == {"n1": "3.48", "n2": "3.36", "n3": "3.24"}
    assert said(first, "n4") == {"before_first_pass": 5, "network_share": 26 + 29}


@pytest.mark.parametrize(("most", "of_network", "others"), [(50, 5, 20), (10, 3, 7)])
async def test_h8_a_networks_share_grows_with_those_that_are_paid_elsewhere(
    most: int, of_network: int, others: int
) -> None:
    """Seven of one /24 and 20 others (p12 p30): 5 + 20, and 3 + 7 where ten are paid.

    The others are paid from minute 13 on, so before it only three of the network have a place."""
    elsewhere: dict[str, Does] = {f"o{n:02}": "p12 p30" for n in range(20)}
    network = await settled(_neighbours(7) | elsewhere, stream={"max_paid_nodes": most})
    first = await network.statement(0)
    paid = earned(first)
    assert sum(name.startswith("n") for name in paid) == of_network
    assert sum(name.startswith("o") for name in paid) == others
    assert (paid["n3"], paid["o00"]) == ("3.24", "2.16")
    if of_network == 5:
        assert said(first, "n4") == {
            "before_first_pass": 5, "network_share": 8, "paid": 18, "awaiting_check": 29
        }  # fmt: skip
        assert said(first, "n6") == {"before_first_pass": 7, "network_share": 24 + 29}


async def test_h9_one_address_is_one_place_and_of_the_newest_it_is_the_last() -> None:
    """A p3 p30, B p9 p30. B holds what waits as well, so none of A's minutes wait."""
    at = "203.0.114.7"
    nodes = {"a": [Served("p3 p30", address=at)], "b": [Served("p9 p30", address=at)]}
    first = await (await settled(nodes)).statement(0)
    assert said(first, "b") == {"before_first_pass": 10, "paid": 21, "awaiting_check": 29}
    assert said(first, "a") == {"before_first_pass": 4, "same_address": 27 + 29}
    assert earned(first) == {"b": "2.52"}


SECOND = "p15 p40 p62 p80 p100 p115"


def _at_one_address(*first: Served) -> dict[str, Does]:
    """A comes first, and is there as it likes; B is always up."""
    at = "203.0.114.7"
    return {
        "a": [replace(part, address=at) for part in first],
        "b": [Served(SECOND, address=at)],
    }


async def test_who_was_away_for_longer_than_a_restart_goes_behind_its_neighbour() -> None:
    """A p3 p30 p60 p65, away from 70 to 89, p95 p110. It has its turn until then: 29 + 10 minutes.
    B is paid for what A leaves, and then for what both are up: 20 + 26."""
    nodes = _at_one_address(Served("p3 p30 p60 p65", until=70), Served("p95 p110", since=90))
    network = await settled(nodes)
    assert said(await network.statement(0), "b") == {"before_first_pass": 16, "same_address": 44}
    second = await network.statement(1)
    assert said(second, "a") == {"paid": 29 + 10, "same_address": 30}
    assert said(second, "b") == {"same_address": 10, "paid": 20 + 26, "awaiting_check": 4}
    assert earned(second) == {"a": "4.68", "b": "5.52"}


async def test_who_is_back_within_five_minutes_keeps_its_turn() -> None:
    """A is away from 70 to 74 only: 29 + 10 + 36 minutes, and B gets those five."""
    nodes = _at_one_address(Served("p3 p30 p60 p65", until=70), Served("p95 p110", since=75))
    second = await (await settled(nodes)).statement(1)
    assert said(second, "a") == {"paid": 29 + 10 + 36, "awaiting_check": 9}
    assert said(second, "b") == {"paid": 5, "same_address": 10 + 45}


async def test_what_we_failed_to_measure_costs_nobody_its_turn() -> None:
    """Twenty minutes, of both: they count like the one before."""
    nodes = _at_one_address(Served("p3 p30 p60 p65 p95 p110"))
    second = await (await settled(nodes, unmeasured=range(70, 90))).statement(1)
    assert said(second, "a") == {"paid": 29 + 51, "awaiting_check": 9}
    assert said(second, "b") == {"same_address": 60}


async def test_nobody_loses_its_turn_while_nobody_publishes() -> None:
    """From 66 to 89. A is away for it, and comes again with the stream."""
    nodes = _at_one_address(Served("p3 p30 p60 p65", until=70), Served("p95 p110", since=90))
    second = await (await settled(nodes, idle=range(66, 90))).statement(1)
    assert said(second, "a") == {"paid": 29 + 6 + 21, "stream_idle": 4, "awaiting_check": 9}
    assert said(second, "b") == {"same_address": 6 + 30, "stream_idle": 24}


async def test_who_passes_at_its_second_connection_only_goes_behind_its_neighbour() -> None:
    """A d65: its turn was until then, 29 + 6 minutes, of which it holds 51 to 65 (ADR 94). B goes
    on at once: nothing has failed, and what is held keeps its place."""
    nodes = _at_one_address(Served("p3 p30 p60 d65 p95 p110"))
    second = await (await settled(nodes)).statement(1)
    assert said(second, "a") == {"paid": 29 + 6 - 15, "owing": 15, "same_address": 54}
    assert said(second, "b") == {"same_address": 6, "paid": 50, "awaiting_check": 4}


async def test_a_turn_is_lost_for_longer_than_an_epoch() -> None:
    """A is away from 50 on, and back in 118. Its next check passes in the third hour."""
    nodes = _at_one_address(Served("p3 p30 p45", until=50), Served("p130", since=118))
    nodes["b"] = [Served(f"{SECOND} p150", address="203.0.114.7")]
    network = await settled(nodes, epochs=3)
    rows = {row.node_id: row for row in (await network.statement(1)).rows}
    assert (rows["a"].carried.lost_turn, rows["b"].carried.lost_turn) == (True, False)
    third = await network.statement(2)
    assert said(third, "a") == {"paid": 4, "same_address": 60}
    assert said(third, "b") == {"paid": 35, "awaiting_check": 29}
    (row,) = (row for row in third.rows if row.node_id == "a")
    assert (row.carried.lost_turn, row.carried.kept_since_s) == (False, START_S + 130.5 * 60)


async def test_who_is_proven_later_in_an_epoch_takes_nothing_of_the_first() -> None:
    """A p3 p30, B p45: they did not begin within ten minutes."""
    at = "203.0.114.7"
    nodes: dict[str, Does] = {
        "a": [Served("p3 p30", address=at)], "b": [Served("p45", address=at)]
    }  # fmt: skip
    first = await (await settled(nodes)).statement(0)
    assert said(first, "a") == {"before_first_pass": 4, "paid": 27, "awaiting_check": 29}
    assert said(first, "b") == {"before_first_pass": 46, "same_address": 14}


async def test_h10_a_stream_that_ends_pays_what_was_verified() -> None:
    """Ends at 90:00; p59 p70 p85."""
    ends_s = START_S + 90 * 60.0
    second = await (await settled({"n2": "p59 p70 p85"}, stream={"ends_s": ends_s})).statement(1)
    assert said(second) == {"paid": 26, "lapsed": 4}
    assert earned(second) == {"n2": "3.12"}
    assert format_tokens(second.refunded_micros) == "96.88"


ENDS = {"ends_s": START_S + 120 * 60.0}


async def test_a_sponsor_who_pauses_for_good_saves_a_quarter_of_an_hour_at_most() -> None:
    """p10 p20, nobody publishes from 50 on, ends at 120 (ADR 59): 29 wait, 15 lapse, 14 = 1.68."""
    network = await settled({"n2": "p10 p20"}, stream=ENDS, idle=range(50, 120))
    first, second = await network.statement(0), await network.statement(1)
    assert said(first) == {
        "before_first_pass": 11, "paid": 10, "awaiting_check": 29, "stream_idle": 10
    }  # fmt: skip
    assert said(second) == {"paid": 14, "lapsed": 15, "stream_idle": 60}
    assert (earned(second), format_tokens(second.refunded_micros)) == ({"n2": "1.68"}, "97.12")


async def test_publishing_again_just_before_the_end_changes_nothing_of_that() -> None:
    """The same, but published from 111 on: the 9 minutes since lapse too, and no others."""
    network = await settled({"n2": "p10 p20"}, stream=ENDS, idle=range(50, 111))
    assert said(await network.statement(1)) == {"paid": 14, "lapsed": 24, "stream_idle": 51}


async def test_neither_does_publishing_what_nobody_can_be_verified_on() -> None:
    """p10 p20 u40 u50, ends at 120: it was told in minute 50, and 29 minutes are from before."""
    network = await settled({"n2": "p10 p20 u40 u50"}, stream=ENDS)
    assert said(await network.statement(1)) == {"paid": 14, "lapsed": 15 + 70}
    nobody_told = await settled({"n2": "p10 p20 u41 u50"}, stream=ENDS)
    assert said(await nobody_told.statement(1)) == {"lapsed": 99}


async def test_whoever_leaves_in_a_pause_loses_no_more_either() -> None:
    """p10 p20, a pause from 50 on, gone at 70: the third epoch is the first without it."""
    nodes: dict[str, Does] = {"n2": [Served("p10 p20", until=70)]}
    network = await settled(nodes, epochs=3, idle=range(50, 180))
    assert said(await network.statement(1)) == {"awaiting_check": 29, "stream_idle": 10}
    assert said(await network.statement(2)) == {"paid": 14, "lapsed": 15}


async def test_a_pause_that_ends_costs_nobody_anything() -> None:
    """p10 p20, a pause from 50 to 70, p80: what waited is paid with what came after it."""
    second = await (await settled({"n2": "p10 p20 p80"}, idle=range(50, 71))).statement(1)
    assert said(second) == {"paid": 29 + 10, "awaiting_check": 39, "stream_idle": 11}


@pytest.mark.parametrize("fault", ["unswept", "unmeasured"])
async def test_h11_and_h12_an_hour_that_nobody_measured_counts_as_before(fault: str) -> None:
    """p5 p59 p130, and no sweep, or everybody unknown, in the second hour."""
    hour: dict[str, Any] = {fault: range(60, 120)}
    network = await settled({"n2": "p5 p59 p130"}, epochs=3, **hour)
    assert said(await network.statement(1)) == {"awaiting_check": 60}
    third = await network.statement(2)
    assert said(third) == {"paid": 71, "awaiting_check": 49}
    assert earned(third) == {"n2": "8.52"}


@pytest.mark.parametrize(("late_s", "pay"), [(109, (None, "6.24")), (107, ("4.8", "1.44"))])
async def test_h13_evidence_counts_until_twelve_seconds_before_settling(
    late_s: int, pay: tuple[str | None, str]
) -> None:
    """p10 p50 p62; the run of minute 50 is recorded 107 or 109 s after the epoch's end."""
    late = {50: START_S + 3600.0 + late_s}
    network = await settled({"n2": "p10 p50 p62"}, recorded_s=late)
    found = [earned(await network.statement(epoch)).get("n2") for epoch in (0, 1)]
    assert tuple(found) == pay


async def test_h14_another_stream_is_a_new_start() -> None:
    """s3: p5 p20; from minute 30 on s5: p35 p50. 15 minutes each."""
    moves = [Served("p5 p20", until=30), Served("p35 p50", "s5", since=30)]
    network = Network({"n2": moves})
    await network.register()
    await network.register(stream_id="s5")
    await network.measure()
    await network.settle()
    first, there = await network.statement(0), await network.statement(0, "s5")
    assert said(first) == {"before_first_pass": 6, "paid": 15, "awaiting_check": 9}
    assert said(await network.statement(1)) == {"lapsed": 9}
    assert said(there) == {"before_first_pass": 6, "paid": 15, "awaiting_check": 9}
    assert (earned(first), earned(there)) == ({"n2": "1.8"}, {"n2": "1.8"})


async def test_h15_what_is_added_before_settling_pays() -> None:
    """Balance 1, 9 added in minute 30; p10 p50."""
    network = Network({"n2": [Served("p10 p50")]})
    await network.register(balance="1")
    await network.measure()
    await Ledger(network.money).top_up("s3", parse_tokens("9"), START_S + 1800.0, "k")
    await network.settle()
    first = await network.statement(0)
    amounts = first.balance_before_micros, first.paid_micros, first.balance_after_micros
    assert [format_tokens(micros) for micros in amounts] == ["10", "4.8", "5.2"]


async def test_h16_less_than_a_micro_token_is_not_paid() -> None:
    """Rate 0.000001: 40 minutes earn nothing, an hour of the other one micro-token."""
    network = await settled({"n2": "p10 p50", "n3": "p0 p59 p119"}, stream={"rate": "0.000001"})
    assert said(await network.statement(0))["paid"] == 40
    assert earned(await network.statement(0)) == {}
    assert earned(await network.statement(1)) == {"n3": "0.000001"}


def test_h17_one_micro_token_for_ten_thousand_goes_to_the_lowest_lot() -> None:
    """Balance 0.000001; n0-n9999 p58 p59."""
    nodes = [f"n{n}" for n in range(10_000)]
    up = Minutes((1 << 60) - 1, (1 << 60) - 1)
    checks = [
        a_check(START_S + minute * 60.0 + 30, node_id=node_id)
        for node_id in nodes
        for minute in (58, 59)
    ]
    terms = Terms(parse_tokens("7.2"), 10_000, 60)
    evidence = EpochInput(
        "s3", EPOCH, START_S, START_S + 3600, terms, dict.fromkeys(nodes, up), checks
    )
    lots = {n: hashlib.sha256(f"s3|{EPOCH}|{n}".encode()).digest()[:8] for n in nodes}
    assert min(nodes, key=lots.__getitem__) == "n3095"
    assert earned(settle(evidence, 1)) == {"n3095": "0.000001"}


async def test_h18_three_days_late_everything_is_settled_by_one_call() -> None:
    """Balance 500, p59 p119 …: 0, 69 x 7.2, 3.2, 0, 0.

    One minute of ten is swept; the others count like it."""
    epochs = 73
    checks = " ".join(f"p{60 * epoch + 59}" for epoch in range(epochs))
    unswept = {minute for minute in range(60 * epochs) if minute % 10}
    network = Network({"n2": [Served(checks)]}, epochs, unswept)
    await network.register(balance="500")
    await network.measure()
    lines = await network.settle()
    paid = [format_tokens(line["paid_micros"]) for line in lines]
    assert paid == ["0", *["7.2"] * 69, "3.2", "0", "0"]


def test_h19_the_first_epoch_is_the_one_that_a_stream_was_created_in() -> None:
    """A millisecond before the hour is the old one, at the hour the new one."""
    found = [
        opening_balance(a_stream(created_s=START_S + at_s), 1, CALENDAR).next_epoch
        for at_s in (-0.001, 0.0)
    ]
    assert found == [EPOCH - 1, EPOCH]


async def test_h20_and_h21_pay_is_held_for_a_day_and_who_is_gone_loses_what_waits() -> None:
    """p59 p119: pending after e24, free after e25. p10 p50, gone at 60: lapsed 9."""
    nodes: dict[str, Does] = {"n2": "p59 p119", "n3": [Served("p10 p50", until=60)]}
    network = await settled(nodes, epochs=25)
    assert said(await network.statement(1), "n3") == {"lapsed": 9}
    account = (await Ledger(network.money).accounts()).nodes["n2"]
    assert format_tokens(account.pending_micros) == "7.2"
    network.epochs = 26
    await network.settle()
    account = (await Ledger(network.money).accounts()).nodes["n2"]
    assert (account.pending_micros, format_tokens(account.available_micros)) == (0, "7.2")


async def test_h22_a_fraud_elsewhere_pays_back_a_stream_that_has_ended() -> None:
    """p0 p59, ends at 60; s5: p240 w241-2 f243-5. e4 forfeits and refunds 7.08."""
    moves = [Served("p0 p59", until=60), Served("p240 w241-242 f243-245", "s5", since=240)]
    network = Network({"n2": moves}, epochs=5)
    await network.register(ends_s=START_S + 3600.0)
    await network.register(stream_id="s5")
    await network.measure()
    await network.settle()
    first, last = await network.statement(0), await network.statement(4)
    assert (earned(first), format_tokens(first.refunded_micros)) == ({"n2": "7.08"}, "92.92")
    assert [format_tokens(m) for m in (last.forfeited_micros, last.refunded_micros)] == ["7.08"] * 2


async def test_h23_a_fraud_elsewhere_is_paid_nothing_here() -> None:
    """p0 p59 p75; from 80 on s5 p81 w82-83 f84-86."""
    moves = [
        Served("p0 p59 p75", until=80),
        Served("p81 w82-83 f84-86", "s5", since=80),
    ]
    network = Network({"n2": moves})
    await network.register()
    await network.register(stream_id="s5")
    await network.measure()
    await network.settle()
    second = await network.statement(1)
    assert said(second) == {"fraud": 20}
    assert format_tokens(second.forfeited_micros) == "7.08"


async def test_h24_what_a_fraud_gives_back_pays_nobody_in_the_same_epoch() -> None:
    """Balance 7.48; p5 p59 w65 p68 w70 f71-3; b joins at 60: p70 p110."""
    nodes: dict[str, Does] = {
        "n2": "p5 p59 w65 p68 w70 f71-73",
        "b": [Served("p70 p110", since=60)],
    }
    second = await (await settled(nodes, stream={"balance": "7.48"})).statement(1)
    assert format_tokens(second.balance_before_micros) == "1"
    assert earned(second) == {"b": "1"}
    assert format_tokens(second.balance_after_micros) == "6.48"

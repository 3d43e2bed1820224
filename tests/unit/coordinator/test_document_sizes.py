"""At the largest network that one shard may be, every document stays below a store's limit.

Numbers and names are at random, so that nothing compresses but digits and letters. Rosters and
projections have tests of their own (test_network_document, test_node_buckets,
test_money_projection, test_suspicion).
"""

import random
from dataclasses import replace

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import DOCUMENT_BYTES_MAX, Ref
from coordinator.checking.checks import RUNS, Check, Verdict
from coordinator.keys import shard_of
from coordinator.ledger.accounts import (
    ACCOUNT_SHARDS,
    ACCOUNTS,
    Account,
    Accounts,
    Held,
    Service,
)
from coordinator.ledger.rows import Row
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rollups import ROLLUPS, NodeHour, Rollup
from coordinator.sweeping.roster_room import SLOTS_MAX
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SWEEPS, Sweep
from tests.stored_records import CARRIED, RUN, STATEMENT

NODES = 10_000
CHANCE = random.Random(7)
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def _node_id() -> str:
    return "n" + "".join(CHANCE.choices(LETTERS, k=19))


def _below(limit: int) -> int:
    return CHANCE.randrange(limit)


def _address() -> str:
    return ".".join(str(_below(256)) for _ in range(4))


def test_a_sweep_of_a_full_roster_fits() -> None:
    """With every poll another one, and a tenth of the slots changed."""
    polls = {
        at: Poll(
            CHANCE.choice(list(Outcome)), CHANCE.choice(list(Reason)),
            _below(10**6), _below(10**6), _below(4), _below(9), _below(1_000), _below(10**13),
            29_000_000 + _below(10**6),
        )
        for at in range(SLOTS_MAX)
    }  # fmt: skip
    changes = {
        at: Slot(_node_id(), _node_id(), f"http://{_address()}:8080/stats.json", _address(),
                 _below(65_536), _below(10**8), CHANCE.random() * 10**9)
        for at in range(SLOTS_MAX // 10)
    }  # fmt: skip
    sweep = Sweep(WHOLE, 29_921_760, 29_921_760, polls, 7, 1.5, changes)
    assert check_document(Ref("probe_results", sweep.id), SWEEPS.encode(sweep)) < DOCUMENT_BYTES_MAX


def test_a_run_that_checks_every_seventh_node_fits() -> None:
    """That is six times the usual, as after the start of a network: newcomers are drawn often."""
    checks = []
    for _ in range(NODES // 7):
        due_s = 1_795_305_600 + round(CHANCE.uniform(0, 60), 3)
        attempt = {
            "started_s": round(due_s + CHANCE.random(), 3), "seconds": round(CHANCE.random(), 3),
            "verdict": "pass", "reason": "passed", "received": _below(2_000),
            "eligible": _below(2_000), "matched": _below(2_000),
            "lag_s": round(CHANCE.random(), 3), "delay_s": round(CHANCE.random(), 3),
            "bytes": _below(10**7), "cpu_s": round(CHANCE.random(), 3),
            "address": _address(), "thumbnail": f"s3.{_below(10**7)}",
        }  # fmt: skip
        checks.append(
            Check(_node_id(), "s3", 7, due_s, Verdict.PASS, Reason.PASSED, attempts=(attempt,) * 2)
        )
    run = replace(RUN, checks=tuple(checks))
    assert check_document(Ref("probe_results", run.id), RUNS.encode(run)) < DOCUMENT_BYTES_MAX


def test_each_document_of_a_large_statement_fits() -> None:
    """Rows of ten thousand nodes, no two alike."""
    rows = []
    for _ in range(NODES):
        first_pass_s = round(CHANCE.uniform(1e9, 2e9), 3)
        unpaid = tuple((reason, _below(61)) for reason in CHANCE.sample(list(Reason), 4))
        carried = replace(CARRIED, first_pass_s=first_pass_s, address=_address())
        rows.append(
            Row(
                _node_id(), _below(61), _below(61), _below(61), _below(61), _below(61), _below(61),
                unpaid, _below(10**9), _below(10**9), _below(10**9), Reason.DOWN, (), carried,
            )
        )  # fmt: skip
    documents = replace(STATEMENT, rows=tuple(rows)).to_documents()
    assert len(documents) == 5
    for number, fields in enumerate(documents):
        size = check_document(Ref("statements", str(number)), fields)
        assert size < DOCUMENT_BYTES_MAX / 4  # of ten thousand nodes one stream has all


def test_a_shard_of_accounts_fits() -> None:
    """Each node has a day of pending epochs in two streams."""
    accounts: list[dict[str, Account]] = [{} for _ in range(ACCOUNT_SHARDS)]
    for _ in range(NODES):
        node_id = _node_id()
        services = {
            name: Service(1, 498_700, tuple(Held(n, _below(10**9), n + 24) for n in range(24)))
            for name in ("s3", "s5")
        }
        account = Account(services, _below(10**12), _below(10**12))
        accounts[shard_of(node_id, ACCOUNT_SHARDS)][node_id] = account
    largest = Accounts({"s3": 498_700}, max(accounts, key=len))
    assert check_document(Ref("accounts", "0"), ACCOUNTS.encode(largest)) < DOCUMENT_BYTES_MAX / 4


def test_an_hours_rollup_fits() -> None:
    """Every slot is another node of another stream."""
    nodes = {
        (_node_id(), _node_id()): NodeHour(*(_below(61) for _ in range(4)))
        for _ in range(SLOTS_MAX)
    }
    fields = ROLLUPS.encode(Rollup(WHOLE, 498_700, nodes))
    assert check_document(Ref("rollups", "any"), fields) < DOCUMENT_BYTES_MAX

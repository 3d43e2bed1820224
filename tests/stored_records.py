"""One example of every record that is stored, and stored documents in a form that can be read.

No field of an example has its default, so that each is seen to be stored.
"""

import json
import pkgutil
from datetime import date
from importlib import import_module
from typing import Any

import coordinator
from coordinator.adapters.records.call_back_turns import TAKEN_TURNS, CallBackTurn
from coordinator.adapters.scheduling.switch import NOTES, Note
from coordinator.checking.checks import (
    CLAIMS,
    RUNS,
    Check,
    Claim,
    Control,
    IngestState,
    Run,
    TrustChange,
    Verdict,
)
from coordinator.checking.controls import ControlCount
from coordinator.checking.delistings import FailCount
from coordinator.checking.doubts import Doubts
from coordinator.checking.last_run import LastRun
from coordinator.checking.lengths import Length
from coordinator.checking.put_off import PutOff
from coordinator.checking.sealed_days import SCHEDULE_DAYS, LotteryDay
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.thumbnails import THUMBNAILS, Thumbnail
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.documents.codec import Codec
from coordinator.documents.packing import deflated, inflated
from coordinator.ledger.accounts import (
    ACCOUNTS,
    APPLIED,
    Account,
    Accounts,
    Applied,
    Held,
    Service,
)
from coordinator.ledger.balances import BALANCES, Balance
from coordinator.ledger.entries import ENTRIES, Entry, EntryKind
from coordinator.ledger.published_settings import PUBLISHED_SETTINGS, PublishedSettings
from coordinator.ledger.rows import Carried, Row, Voided
from coordinator.ledger.statements import MORE_ROWS, STATEMENTS, MoreRows, Statement
from coordinator.ledger.terms import Terms
from coordinator.ledger.webhooks import WEBHOOKS, Webhook
from coordinator.projections.history import History, NodeHistory
from coordinator.projections.incidents import INCIDENTS, Incident, Incidents
from coordinator.projections.listing_news import LISTING_NEWS, ListingNews
from coordinator.projections.money_projection import MONEY_PROJECTIONS, MoneyProjection, Tokens
from coordinator.projections.network_document import (
    NETWORK_DOCUMENTS,
    NetworkDocument,
    PackedNetwork,
)
from coordinator.projections.node_buckets import (
    NODE_BUCKETS,
    PACKED_EPOCHS,
    Bucket,
    BucketEpoch,
    NodeLine,
    PackedEpoch,
)
from coordinator.projections.stream_projection import (
    STREAM_PROJECTIONS,
    StreamHour,
    StreamProjection,
)
from coordinator.published_media import PublishedMedia
from coordinator.reasons import Reason
from coordinator.sponsor_book import SPONSOR_BOOKS, IssuedKey, SponsorBook, SponsorEntry
from coordinator.streams import STREAMS, Stream
from coordinator.sweeping.nodes import NODES, Node
from coordinator.sweeping.packed_rosters import ROSTERS, PackedRoster
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rollups import ROLLUPS, NodeHour, Rollup
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SWEEPS, Sweep

AT_S = 1_795_305_637.123
CHECK = Check(
    "n2", "s3", 29_921_760, AT_S, Verdict.FAIL, Reason.WRONG_CONTENT,
    AT_S - 60.5, TrustChange.FLAGGED,
    (
        {"started_s": AT_S + 0.007, "seconds": 8.017, "reason": "lagging", "lag_s": None},
        {"started_s": AT_S + 9.011, "matched": 601, "address": "51.7.3.2", "thumbnail": "s3.7"},
    ),
    Length.VERY_LONG, 1_795_300_007, True, 2,
)  # fmt: skip
PASSED = Check("n3", "s3", 29_921_760, AT_S + 7, Verdict.PASS, Reason.PASSED)
RUN = Run(
    29_921_760, AT_S, AT_S + 58.25, ("sweep-0-000029921760",), {"s3": IngestState.LIVE},
    (CHECK, PASSED), {"n5": 1_795_305_037.5}, {"n7": Control.GOOD, "n11": Control.BAD}, 2, 3,
    True, ("n13",), ("s5",),
)  # fmt: skip
NEWS = LastRun(
    29_921_760, AT_S, AT_S + 58.25, {"fail": 1, "pass": 2}, {"s3": IngestState.DOWN},
    {"n7": Control.GOOD}, {Control.GOOD: ControlCount(13, 2, 3)}, {"n2": "s3.7", "n3": None},
    {"s3": 1_795_305_000}, {"s3": 1_795_305_607}, {"s5": 1_795_305_011},
)  # fmt: skip
TRUST = TrustState(
    Trust.FLAGGED,
    6_236,
    17,
    3,
    2,
    5,
    1,
    7,
    11,
    AT_S,
    AT_S - 900,
    "wrong_content",
    AT_S - 60,
    5 << 33,
    AT_S - 30,
    AT_S - 45,
    Length.VERY_LONG,
    1_795_305_001,
    1_795_300_007,
    1_795_200_011,
    1_795_100_003,
    4_488_264,
    1 << 44 | 5,
    3_405_803_783,
    -1_964,
)
CARRIED = Carried(
    AT_S, 13, True, True, True, 7, 2, "51.7.3.2", True, 3, 11, AT_S + 7, True, True, 29
)
ROWS = (
    Row(
        "n2", 60, 53, 3, 2, 5, 41, ((Reason.AWAITING_CHECK, 13), (Reason.DOWN, 11)), 1_000_003,
        17, 19, Reason.DOWN, (Voided(29_921_760, AT_S, 7, Reason.LAGGING),), CARRIED,
        0b1011 << 13, AT_S - 3_600, 23, 11,
    ),
    Row("n3", 60, 60, 0, 0, 0, 60, (), 1_500_007, 0, 0, Reason.OK, ()),
)  # fmt: skip
BALANCE = Balance(
    stream_id="s3", deposited_micros=10**15, balance_micros=7_000_003, paid_micros=11_000_017,
    next_epoch=498_701, due_epoch=498_702, follow_epoch=498_700, returned_micros=19,
    refunded_micros=23, entries=5, is_closed=True, waiting_minutes=29, used_up_s=1_795_309_200,
)  # fmt: skip
SETTINGS = PublishedSettings(
    number=3, since_s=AT_S, sweep_seconds=20, check_seconds=30, epoch_seconds=600,
    grace_seconds=404, checks_per_hour=7, holding_epochs=5, network_percent=11,
    network_nodes_free=2, unknown_minutes_max=2, rules=13,
)  # fmt: skip
STREAM = Stream(
    stream_id="s3", name="Główna scena 🎸", sponsor="ada", reward_micros_per_hour=1_500_000,
    max_paid_nodes=7, created_s=AT_S, ends_s=AT_S + 7_200, key_hash="0a", request_hash="0b",
    media=PublishedMedia("H264", "MP3", 12_000, AT_S + 60), ingest_public_key="A" * 43,
)  # fmt: skip
MONEY = MoneyProjection(
    3, AT_S, {"s3": STREAM}, {"s3": BALANCE}, {"n2": Tokens(2, 3, 5, 498_724), "n3": Tokens(7)},
    {"s3": 498_700},
)  # fmt: skip
HOUR = StreamHour(
    498_700, 1_795_320_000, 1_795_323_600, 60, 2, 101, {Reason.DOWN: 11, Reason.AWAITING_CHECK: 7},
    2_500_010, 19, 23, 10_000_000, 7_000_003, {Verdict.PASS: 5, Verdict.FAIL: 1},
)  # fmt: skip
LINES = {row.node_id: {"s3": NodeLine("s3", 1_500_000, 24, "uuud?", row)} for row in ROWS}
BUCKET_EPOCH = BucketEpoch(
    498_700, 1_795_305_600, 1_795_309_200, 60, LINES, (CHECK, PASSED), {"n5": (1_795_305_720.0,)}
)
STATEMENT = Statement(
    "s3", 498_700, 1_795_320_000, 1_795_323_600, Terms(1_500_000, 7, 60, 23, 19, 5, 2), ROWS,
    2_500_010, 19, 23, 10_000_000, 7_000_003, True, 59, AT_S, ("0-29921760",),
)  # fmt: skip

SHARD = Shard(2, 3)
LEFT = Slot("n2", "s3", "http://51.7.3.2:8080/stats.json", "51.7.3.2", 1935, 29_921_760, AT_S,
            29_921_761, "left", 29_921_753, 7, 5, True)  # fmt: skip
STAYS = Slot("n3", "s5", "http://a.example/s", "a.example", 1936, 29_921_761, AT_S + 1)
POLL = Poll(Outcome.STALLED, Reason.STALLED, 7, 5, 1, 2, 3, 10**12, 29_921_759)
UNMEASURED = Poll(Outcome.UNKNOWN, Reason.UNKNOWN_INTERNAL, 7, 5, was_up=False)
WAITS = Poll(Outcome.DOWN, Reason.UPSTREAM_DOWN, 7, 5, waited=0b101)
HISTORY = History(498_701, {"n2": NodeHistory("0d~-", "ab", NodeHour(60, 53, 2, 3))})
NETWORK = NetworkDocument(
    SHARD, 29_921_762, 7.25, (LEFT, STAYS), {0: POLL}, {"n2": TRUST}, HISTORY, {"n3": "s5.7"}, NEWS
)

RECORDS: list[tuple[Codec[Any], Any]] = [
    (ACCOUNTS, Accounts({"s3": 498_700}, {
        "n2": Account({"s3": Service(7, 11, (Held(7, 13, 31), Held(11, 17, 35)))}, 19, 23),
        "n3": Account({"s3": Service(2, 3), "s5": Service(5, 7, (Held(5, 29, 31),))}),
    })),
    (APPLIED, Applied({"s3": 498_700, "s5": 498_699})),
    (BALANCES, BALANCE),
    (PUBLISHED_SETTINGS, SETTINGS),
    (NODE_BUCKETS, Bucket(Bucket().with_epoch(BUCKET_EPOCH).epochs, MONEY)),
    (TAKEN_TURNS, CallBackTurn(AT_S)),
    (CLAIMS, Claim(AT_S, ("sweep-0of1-7",), RUN.checks)),
    (ENTRIES, Entry(
        stream_id="s3", number=5, kind=EntryKind.FORFEIT, amount_micros=19, at_s=AT_S,
        balance_after_micros=7_000_003, epoch=498_700, request="again",
    )),
    (INCIDENTS, Incidents(498_700, (
        Incident("fraud/n2/1795305637", AT_S, "A fraud was confirmed: n2", "Its <why>.", "/n/n2"),
    ))),
    (MONEY_PROJECTIONS, MONEY),
    (NOTES, Note(False, AT_S)),
    (MORE_ROWS, MoreRows(ROWS)),
    (NETWORK_DOCUMENTS, PackedNetwork.of(NETWORK)),
    (NODES, Node(
        node_id="n2", stream_id="s3", stats_url="http://51.7.3.2:8080/stats.json",
        rtmp_host="51.7.3.2", rtmp_port=1935, agent="agent/7", engine="restream",
        state="leaving", joined_s=AT_S - 7, changed_s=AT_S, signed_s=int(AT_S) - 1,
        minutes_due=7, minutes_up=5, away_tick=29_921_761, left_s=AT_S - 3,
        calls_from_there=True,
    )),
    (PACKED_EPOCHS, PackedEpoch.of(BUCKET_EPOCH)),
    (ROLLUPS, Rollup(SHARD, 498_700, {
        ("n2", "s3"): NodeHour(60, 53, 2, 3), ("n2", "s5"): NodeHour(1, 1, 0)
    })),
    (ROSTERS, PackedRoster.of(Roster(SHARD, 29_921_760, AT_S, (LEFT, STAYS), 29_921_765, 7))),
    (RUNS, RUN),
    (SCHEDULE_DAYS, LotteryDay(
        date(2026, 11, 22), "c0de", 59, 7, AT_S, bytes(range(7)),
        {"n3": Control.GOOD, "n5": Control.BAD},
    )),
    (SPONSOR_BOOKS, SponsorBook(sponsors=[SponsorEntry(
        name="city-radio", keys=[IssuedKey(sha256="5e" * 32, issued_s=1_795_305_600)],
        since_s=1_795_219_200, revoked_s=1_795_302_000,
    )])),
    (STATEMENTS, STATEMENT),
    (STREAMS, STREAM),
    (SWEEPS, Sweep(
        SHARD, 29_921_762, 29_921_760,
        {0: POLL, 3: UNMEASURED, 5: WAITS, 17: Poll(Outcome.UP, Reason.OK, 1, 1)},
        7, AT_S, {17: STAYS}, 29_921_755,
    )),
    (STREAM_PROJECTIONS, StreamProjection((HOUR,), "s3.7", MONEY)),
    (THUMBNAILS, Thumbnail("s3.7", AT_S, b"\xff\xd8\xff\xd9")),
    (TRUST_BOOKS, TrustBook(
        {"n2": TRUST}, {Control.BAD: ControlCount(5, 1, 2)}, NEWS, (FailCount(7, "s3", 11, 2),),
        Doubts(2, (29_921_759, 29_921_760)), (PutOff(29_921_759, ("n2", "n3")),), next_count=3,
        division=5,
    )),
    (LISTING_NEWS, ListingNews(AT_S, {"n2": TRUST})),
    (WEBHOOKS, Webhook(
        stream_id="s3", url="https://example.org/hook", secret="whsec_AAAA", next_epoch=498_701,
        taken=2, unverified_s=1_795_305_000, is_low=True, failures=3, due_s=AT_S,
        last_error="It answered 500.", last_success_s=AT_S - 60, requests=["again https://example.org/hook"],
    )),
]  # fmt: skip
"""Every codec, with a record of it."""


def codecs() -> set[str]:
    """What every codec in the rules and the adapters stores."""
    found = set()
    for module in pkgutil.walk_packages(coordinator.__path__, "coordinator."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, Codec):
                found.add(value.kind)
    return found


def opened(stored: Any) -> Any:
    """A document, or a value in it, as JSON: with its tables unpacked and its bytes in hex."""
    if isinstance(stored, dict) and isinstance(stored.get("#"), bytes):
        return {"table": {name: json.loads(inflated(each)) for name, each in stored.items()}}
    if isinstance(stored, dict):
        return {name: opened(each) for name, each in stored.items()}
    return {"bytes": stored.hex()} if isinstance(stored, bytes) else stored


def closed(readable: Any) -> Any:
    """The document again."""
    if not isinstance(readable, dict):
        return readable
    if readable.keys() == {"table"}:
        columns = readable["table"].items()
        return {name: deflated(json.dumps(each).encode()) for name, each in columns}
    if readable.keys() == {"bytes"}:
        return bytes.fromhex(readable["bytes"])
    return {name: closed(each) for name, each in readable.items()}

"""The document that pages show tokens from."""

import random
from dataclasses import replace

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import DOCUMENT_BYTES_MAX, Ref
from coordinator.epochs import Calendar
from coordinator.ledger.accounts import Account, Accounts, Held, Service
from coordinator.ledger.balances import opening_balance
from coordinator.money import AMOUNT_MICROS_MAX
from coordinator.projections.money_projection import (
    MONEY_PROJECTIONS,
    NODES_SHOWN_MAX,
    STREAMS_EXCERPT_MAX,
    STREAMS_SHOWN_MAX,
    MoneyProjection,
    Tokens,
)
from coordinator.published_media import CODEC_CHARS_MAX, PublishedMedia
from tests.builders import a_stream

STREAM = a_stream(created_s=11.5)
BALANCE = opening_balance(STREAM, 1_000, Calendar())
ACCOUNT = Account({"s3": Service(7, 11, (Held(11, 13, 35),))}, 17, 19)


def test_a_page_survives_its_document() -> None:
    """To the last micro-token."""
    projection = MoneyProjection(3, 7.5).with_streams([(STREAM, BALANCE)])
    projection = projection.with_accounts(Accounts({"s3": 11}, {"n2": ACCOUNT}))
    assert projection.tokens == {"n2": Tokens(13, 17, 19, 35)}
    assert MONEY_PROJECTIONS.decode(MONEY_PROJECTIONS.encode(projection)) == projection
    assert (
        MONEY_PROJECTIONS.decode(MONEY_PROJECTIONS.encode(MoneyProjection())) == MoneyProjection()
    )


def test_a_stream_is_replaced_and_the_others_stay() -> None:
    """With its balance; without one it has none."""
    other = STREAM.model_copy(update={"stream_id": "s5"})
    projection = MoneyProjection().with_streams([(STREAM, BALANCE), (other, None)])
    ended = STREAM.model_copy(update={"ends_s": 99.0})
    richer = BALANCE.model_copy(update={"balance_micros": 2_000})
    projection = projection.with_streams([(ended, richer)])
    assert projection.streams == {"s3": ended, "s5": other}
    assert projection.balances == {"s3": richer}


def test_the_oldest_streams_go_first() -> None:
    """Their statements stay where they are."""
    streams = [
        STREAM.model_copy(update={"stream_id": f"s{n}", "created_s": float(n)})
        for n in range(STREAMS_SHOWN_MAX + 7)
    ]
    projection = MoneyProjection().with_streams([(each, BALANCE) for each in streams])
    assert projection.streams.keys() == {f"s{n}" for n in range(7, STREAMS_SHOWN_MAX + 7)}
    assert projection.balances.keys() == projection.streams.keys()


def test_a_stream_that_still_runs_is_shown_before_newer_ones_that_ended() -> None:
    """Its nodes would be told that it is exhausted."""
    running = BALANCE.model_copy(update={"stream_id": "s0", "due_epoch": 7})
    settled = BALANCE.model_copy(update={"due_epoch": None})
    streams = [
        STREAM.model_copy(update={"stream_id": f"s{n}", "created_s": float(n)})
        for n in range(STREAMS_SHOWN_MAX + 7)
    ]
    projection = MoneyProjection().with_streams([(each, settled) for each in streams[1:]])
    projection = projection.with_streams([(streams[0], running)])
    assert projection.running == {"s0"}
    assert projection.streams.keys() == {"s0", *(f"s{n}" for n in range(8, STREAMS_SHOWN_MAX + 7))}


def test_the_nodes_that_were_settled_last_are_shown() -> None:
    """Accounts keep everybody for ever, a page cannot."""
    gone = {f"n{at}": replace(ACCOUNT, services={"s3": Service(1, 2)}) for at in range(7)}
    here = {f"m{at}": ACCOUNT for at in range(NODES_SHOWN_MAX)}
    projection = MoneyProjection().with_accounts(Accounts({}, gone | here))
    assert projection.tokens.keys() == here.keys()


def test_the_fullest_page_fits() -> None:
    """Long names in any script, the largest amounts, every number at random."""
    chance = random.Random(7)
    letters = "".join(chr(code) for code in range(0x4E00, 0x9000))
    digits = "0123456789abcdef"

    def micros() -> int:
        return chance.randrange(AMOUNT_MICROS_MAX)

    def codec() -> str:
        return "".join(chance.choices(digits, k=CODEC_CHARS_MAX))

    found = []
    for n in range(STREAMS_SHOWN_MAX):
        stream = STREAM.model_copy(
            update={
                "stream_id": "".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=12)),
                "name": "".join(chance.choices(letters, k=100)),
                "created_s": chance.random() * 10**9,
                "key_hash": "".join(chance.choices(digits, k=64)),
                "request_hash": "".join(chance.choices(digits, k=64)),
                "media": PublishedMedia(codec(), codec(), chance.randrange(10**6), chance.random()),
            }
        )
        amounts = ("deposited_micros", "balance_micros", "paid_micros", "returned_micros")
        changed = {name: micros() for name in amounts}
        balance = BALANCE.model_copy(
            update={"stream_id": stream.stream_id, **changed, "entries": n}
        )
        found.append((stream, balance))
    projection = MoneyProjection(1, 1.0).with_streams(found)
    nodes = {
        "n" + "".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=19)): Account(
            {"s3": Service(1, 2, (Held(1, micros(), 498_696 + chance.randrange(48)),))},
            micros(),
            micros(),
        )
        for _ in range(NODES_SHOWN_MAX)
    }
    projection = projection.with_accounts(
        Accounts(dict.fromkeys(projection.streams, 498_696), nodes)
    )
    size = check_document(Ref("projections", "money"), MONEY_PROJECTIONS.encode(projection))
    # An eighth stays free, for the next field.
    assert size <= DOCUMENT_BYTES_MAX * 7 // 8


def test_another_page_carries_its_part_of_it() -> None:
    """The streams and nodes that are asked for, the newest streams if they are many; no hashes."""
    streams = [
        STREAM.model_copy(update={"stream_id": f"s{n}", "created_s": float(n)}) for n in range(107)
    ]
    projection = MoneyProjection(3, 7.5).with_streams([(each, BALANCE) for each in streams])
    projection = projection.with_accounts(Accounts({"s3": 11}, {"n2": ACCOUNT, "n3": ACCOUNT}))
    few = projection.excerpt(["s3", "s404"], ["n3", "n404"])
    assert few.streams.keys() == few.balances.keys() == {"s3"}
    assert few.tokens.keys() == {"n3"}
    assert (few.written_s, few.revision) == (7.5, 0)
    assert (few.streams["s3"].key_hash, few.streams["s3"].name) == ("", "Main stage")
    many = projection.excerpt(projection.streams.keys(), ())
    assert many.streams.keys() == {f"s{n}" for n in range(107 - STREAMS_EXCERPT_MAX, 107)}


def test_of_two_projections_the_newer_one_is_believed() -> None:
    """And what only one of them knows is kept."""
    other = STREAM.model_copy(update={"stream_id": "s5"})
    richer = BALANCE.model_copy(update={"balance_micros": 2_000})
    old = MoneyProjection(1, 7.0).with_streams([(STREAM, BALANCE), (other, BALANCE)])
    new = MoneyProjection(0, 11.0).with_streams([(STREAM, richer)])
    for both in (old.newer_of(new), new.newer_of(old)):
        assert both.written_s == 11.0
        assert both.streams.keys() == {"s3", "s5"}
        assert both.balances == {"s3": richer, "s5": BALANCE}


def test_a_stream_runs_until_its_last_statement() -> None:
    """Its nodes may still be waiting for tokens."""
    over = BALANCE.model_copy(update={"due_epoch": None})
    other = STREAM.model_copy(update={"stream_id": "s5"})
    assert MoneyProjection().with_streams([(STREAM, BALANCE), (other, over)]).running == {"s3"}

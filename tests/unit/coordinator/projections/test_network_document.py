"""The document that pages of the network are made of: what it keeps, and that it always fits."""

import random
import string
from dataclasses import replace
from functools import cache

import pytest

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import DOCUMENT_BYTES_MAX, Ref
from coordinator.checking.checks import Check, Control, IngestState, Run, Verdict
from coordinator.checking.controls import ControlCount
from coordinator.checking.last_run import LastRun
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.projections.history import LEVELS, History, NodeHistory
from coordinator.projections.money_projection import Tokens
from coordinator.projections.network_document import (
    NETWORK_DOCUMENTS,
    NetworkDocument,
    PackedNetwork,
    ProjectionInput,
    bare_document,
)
from coordinator.projections.network_view import network_of
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import NodeStatus
from coordinator.sweeping.packed_rosters import ROSTERS, PackedRoster
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rollups import NodeHour
from coordinator.sweeping.rosters import Announcement, Roster, Slot
from coordinator.sweeping.shards import WHOLE, Shard
from coordinator.sweeping.sweeps import Sweep
from tests.populated import network_document

NOW_S = 1_795_305_637.0
TICK = int(NOW_S // 60)
SLOT = Slot("n2", "s3", "http://192.0.2.5:8080/stats.json", "192.0.2.5", 1935, 7, 0)
LEFT = replace(SLOT, node_id="n5", changed_s=11.125, left_tick=17, left_reason="left")
POLL = Poll(Outcome.UP, Reason.OK, 700, 693, misses=1, viewers=11, since_tick=13)
STATE = TrustState(
    Trust.PROVEN, passed=7, last_check_s=99.9, last_pass_s=88.8, last_reason="passed"
)


def _document(**more: object) -> NetworkDocument:
    history = History(7, {"n2": NodeHistory("d", "", NodeHour(60, 60, 0, 0))})
    news = LastRun(
        3, 1.5, 2.5, {"pass": 7}, {"s3": IngestState.LIVE}, {"n2": Control.GOOD},
        {Control.GOOD: ControlCount(7, 0, 1)},
    )  # fmt: skip
    document = NetworkDocument(
        WHOLE, 19, 4.25, (SLOT, LEFT), {0: POLL}, {"n2": STATE}, history, {"n2": "p7"}, news
    )
    return replace(document, **more)  # type: ignore[arg-type]  # by name


def _read_again(document: NetworkDocument) -> NetworkDocument:
    fields = NETWORK_DOCUMENTS.encode(PackedNetwork.of(document))
    return NETWORK_DOCUMENTS.decode(fields).unpacked()


def test_a_page_survives_its_document() -> None:
    """But for fractions of seconds, which people are not shown."""
    document = _document()
    whole = replace(STATE, last_check_s=99, last_pass_s=88)
    assert _read_again(document) == replace(document, trust={"n2": whole})


def test_a_column_may_be_missing_or_unknown() -> None:
    """Of before there was the field, or of a newer program."""
    fields = NETWORK_DOCUMENTS.encode(PackedNetwork.of(_document()))
    for group, name in (("slots", "left_reason"), ("trust", "wrong_content")):
        del fields[group][name]
        fields[group]["later"] = b"who knows"
    document = NETWORK_DOCUMENTS.decode(fields).unpacked()
    assert [slot.left_reason for slot in document.slots] == [None, None]
    assert document.trust["n2"].wrong_content == 0
    assert document.polls == {0: POLL}


def test_an_empty_page_survives_its_document() -> None:
    """The first sweep may find nobody."""
    document = NetworkDocument(WHOLE, 19)
    assert _read_again(document) == document


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[2001:db8::7]:8080/stats.json", "2001:db8::7"),
        ("http://a.example/a.example/a.example", "a.example"),
        ("http://b.example:81/?a.example", "a.example"),
    ],
)
def test_every_address_survives(url: str, host: str) -> None:
    """Whatever stands in it, and wherever the host occurs."""
    slot = replace(SLOT, stats_url=url, rtmp_host=host)
    document = _document(slots=(slot, LEFT))
    assert _read_again(document).slots[0] == slot


def test_the_next_sweep_makes_the_next_page() -> None:
    """What was known before and is still on the roster is kept, the rest goes."""
    roster = Roster(WHOLE, 1, 0.0, (SLOT,))
    checks = (
        Check("n2", "s3", 4, 7.0, Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY),
        Check("n9", "s3", 4, 7.0, Verdict.FAIL, Reason.NO_STREAM),
    )
    run = Run(4, 3.0, 5.0, (), {"s3": IngestState.DOWN}, checks)
    count = {Control.BAD: ControlCount(2, 1, 0)}
    news = ProjectionInput(TrustBook({"n9": STATE}, count, LastRun().after(run)), None, 7.5)
    document = _document().following(Sweep(WHOLE, 20, 1, {0: POLL}), roster, news)
    assert (document.tick, document.swept_seconds, document.slots) == (20, 7.5, (SLOT,))
    assert (document.trust, document.thumbnails) == ({}, {"n2": "p7"})
    assert document.prober == LastRun(
        4, 3.0, 5.0, {"unknown": 1, "fail": 1}, {"s3": IngestState.DOWN}, {}, count
    )


def test_a_picture_stays_until_a_newer_one_comes() -> None:
    """A check without one takes it away from nobody."""
    roster, sweep = Roster(WHOLE, 1, 0.0, (SLOT,)), Sweep(WHOLE, 20, 1, {0: POLL})
    seen = Check("n2", "s3", 4, 7.0, Verdict.PASS, Reason.PASSED, attempts=({},)).showing("s3.0")
    blind = replace(seen, draw=5, attempts=())
    newer = replace(seen, draw=12, attempts=({},)).showing("s3.1")
    document, shown = _document(), []
    for check in (seen, blind, newer):
        run = Run(check.draw, 3.0, 5.0, (), {}, (check,))
        book = TrustBook(last_run=LastRun().after(run))
        document = document.following(sweep, roster, ProjectionInput(book))
        shown.append(document.thumbnails)
    assert shown == [{"n2": "s3.0"}, {"n2": "s3.0"}, {"n2": "s3.1"}]
    gone = document.following(sweep, Roster(WHOLE, 2, 0.0, ()), ProjectionInput(TrustBook()))
    assert gone.thumbnails == {}


def test_an_old_run_changes_nothing_but_the_counts() -> None:
    """Runs that were missed are recorded later."""
    before = _document().prober
    assert before.after(Run(3, 0.0, 0.0, (), {}, ())) is before


def test_a_page_becomes_views_with_everything_on_them() -> None:
    """Status, past, tokens, and what a control node is."""
    network = network_of([_document()], {"n2": Tokens(2, 5)}, 60)
    node = network.nodes["n2"]
    assert (node.status, node.control, node.thumbnail) == (NodeStatus.HEALTHY, Control.GOOD, "p7")
    assert node.reason is Reason.CONTROL_GOOD
    assert (node.account.earned_micros, node.history.hours, node.until_hour) == (7, "d", 7)
    assert network.nodes["n5"].status is NodeStatus.LEFT
    assert (network.swept_s, network.is_whole, network.prober.draw) == (19 * 60, True, 3)


def test_pages_of_another_count_of_shards_are_not_shown() -> None:
    """And nobody is missed as long as a shard's document of the new one is not there."""
    first = _document(shard=Shard(0, 2), slots=(SLOT,))
    old = _document(shard=Shard(1, 3), tick=18, slots=(replace(SLOT, node_id="n7"),))
    network = network_of([first, old], {}, 60)
    assert (set(network.nodes), network.is_whole) == ({"n2"}, False)
    whole = network_of([first, replace(old, shard=Shard(1, 2))], {}, 60)
    assert (set(whole.nodes), whole.is_whole) == ({"n2", "n7"}, True)


def test_without_a_page_nothing_is_whole() -> None:
    """Nor swept."""
    assert not network_of([], {}, 60).is_whole


def test_a_bare_page_shows_who_is_there() -> None:
    """Before the collector wrote the first one."""
    document = bare_document(Roster(WHOLE, 1, 0.0, (SLOT,)), None, TrustBook())
    network = network_of([document], {}, 60)
    assert network.nodes["n2"].reason is Reason.NOT_YET_SWEPT
    assert (network.swept_s, network.is_whole) == (None, True)


# -- sizes -----------------------------------------------------------------------------------

_IDS = "abcdefghijklmnopqrstuvwxyz234567"
_IN_HOSTS = string.ascii_lowercase + string.digits
_IN_PATHS = string.ascii_letters + string.digits + "._~!$&'()*+,;=:@-"


def _word(characters: str, length: int, chance: random.Random) -> str:
    """Of any of these characters."""
    return chance.randbytes(length).translate(_any_of(characters)).decode("ascii")


@cache
def _any_of(characters: str) -> bytes:
    return bytes(ord(characters[byte % len(characters)]) for byte in range(256))


def _crowd(nodes: int, host: int, path: int, chance: random.Random) -> Roster:
    """As many of `nodes` as a roster takes, with random addresses of these lengths."""
    streams = [_word(_IDS, 12, chance) for _ in range(500)]

    def announced() -> Announcement:
        name = _word(_IN_HOSTS, host, chance)
        end = _word(_IN_PATHS, path, chance)
        return Announcement(
            "n" + _word(_IDS, 19, chance),
            chance.choice(streams),
            f"http://{name}:{chance.randrange(1024, 65_536)}/{end}",
            name,
            chance.randrange(1024, 65_536),
            is_leaving=False,
            changed_s=round(NOW_S - chance.random() * 10**6, 3),
        )

    return Roster(WHOLE, 1, 0.0).taking_in([announced() for _ in range(nodes)], TICK)


def _all_at_random(roster: Roster, chance: random.Random) -> NetworkDocument:
    """No two numbers alike: nothing that compresses."""
    past = "".join([*LEVELS, "~", "-"])
    outcomes, reasons, trusts = list(Outcome), list(Reason), list(Trust)

    def number(below: int) -> int:
        return int(chance.random() * below)

    polls = {
        at: Poll(
            chance.choice(outcomes), chance.choice(reasons), due := number(10**6) + 1,
            number(due), number(3), viewers=number(1_000), since_tick=TICK - number(10**6),
        )
        for at in range(len(roster.slots))
    }  # fmt: skip
    trust, history = {}, {}
    for slot in roster.slots:
        at_s = NOW_S - number(10**5)
        trust[slot.node_id] = TrustState(
            chance.choice(trusts), number(18_000), number(10**5), number(100), number(1_000),
            number(1_000), number(2), number(6), number(3), at_s, at_s - number(10**5),
            chance.choice(reasons).value,
        )  # fmt: skip
        history[slot.node_id] = NodeHistory(
            _word(past, 24, chance),
            _word(past, 30, chance),
            NodeHour(*(number(1_440) for _ in range(4))),
        )
    slots = tuple(replace(slot, joined_tick=TICK - number(10**6)) for slot in roster.slots)
    pictures = {slot.node_id: _word(_IDS, 16, chance) for slot in slots}
    streams = {_word(_IDS, 12, chance): IngestState.UNKNOWN for _ in range(500)}
    news = LastRun(TICK, NOW_S, NOW_S, streams=streams)
    past_of_all = History(1, history)
    return NetworkDocument(WHOLE, TICK, 1.0, slots, polls, trust, past_of_all, pictures, news)


@pytest.mark.parametrize(("host", "path"), [(12, 1), (30, 10), (10, 25), (10, 470), (250, 10)])
def test_a_full_roster_and_its_page_fit_whatever_is_in_them(host: int, path: int) -> None:
    """Long names, long paths, every number at random: both stay below what a store takes."""
    chance = random.Random(7)
    roster = _crowd(12_500, host, path, chance)
    assert len(roster.slots) < 12_500  # it is full
    stored = ROSTERS.encode(PackedRoster.of(roster))
    assert check_document(Ref("rosters", roster.id), stored) < DOCUMENT_BYTES_MAX
    document = _all_at_random(roster, chance)
    shown = NETWORK_DOCUMENTS.encode(PackedNetwork.of(document))
    assert check_document(Ref("projections", document.id), shown) < DOCUMENT_BYTES_MAX


def test_ten_thousand_nodes_with_host_names_of_thirty_characters_have_a_place() -> None:
    """At the usual port and path."""
    chance = random.Random(7)
    roster = _crowd(10_000, 30, len("stats.json"), chance)
    assert len(roster.slots) == 10_000


def test_ten_thousand_nodes_are_shown_with_all_of_their_past() -> None:
    """As a network is: half of a document."""
    document = network_document(10_000, NOW_S)
    fields = NETWORK_DOCUMENTS.encode(PackedNetwork.of(document))
    assert check_document(Ref("projections", document.id), fields) < 700_000
    assert NETWORK_DOCUMENTS.decode(fields).unpacked().history == document.history

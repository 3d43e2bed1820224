"""The page at `/`: what an operator looks at."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import agent.relay.restream
import agent.shown
from agent.client.answers import ToldFacts
from agent.client.heartbeats import CoordinatorView
from agent.relay.engines.engine import Audio, Delivery, Marks, Video
from agent.shown.sections import REFUSALS
from agent.shown.status_page import POLICY, status_page
from agent.shown.traffic import Traffic
from tests.unit.agent.told import AGENT, ANSWER, PAGE_S, RELAY, STREAM, page_facts


def shown(coordinator: CoordinatorView | None, **facts: Any) -> str:
    """The page of a node that was told this."""
    return status_page(page_facts(coordinator, **facts))


def title_of(page: str) -> str:
    """The answer to the first question."""
    found = re.search(r'<h2 id="answer">.*?</span> (.*?)</h2>', page)
    assert found
    return unescape(found[1])


def test_a_healthy_node_reads_that_it_earns_and_how_much() -> None:
    page = shown(CoordinatorView(ANSWER, ""))
    assert title_of(page) == "This node is earning"
    assert "<dt>Earned</dt><dd>12.25 <" in page
    assert "7.1 MB" in page


@pytest.mark.parametrize("status", ["unhealthy", "offline", "something-new"])
def test_a_node_that_does_not_earn_reads_why_and_what_to_do(status: str) -> None:
    answer = replace(ANSWER, status=status, says="Nothing accepts <it>.", fix="Forward the port.")
    page = shown(CoordinatorView(answer, ""))
    assert title_of(page) == "This node is not earning"
    assert "<p>Nothing accepts &lt;it&gt;.</p>" in page
    assert "<p><strong>To do:</strong> Forward the port.</p>" in page


def test_a_well_node_that_is_not_paid_does_not_read_that_it_earns() -> None:
    unproven = replace(ANSWER, reason="unproven", says="No check has passed yet.")
    page = shown(CoordinatorView(unproven, ""))
    assert title_of(page) == "This node is well and waits for its first passed check"
    failed = replace(
        ANSWER, status="unhealthy", reason="check_failed", says="The last check failed."
    )
    page = shown(CoordinatorView(failed, ""))
    assert title_of(page) == "This node earns nothing until a check passes"
    exhausted = replace(ANSWER, stream=replace(ANSWER.stream, status="exhausted"))
    page = shown(CoordinatorView(exhausted, ""))
    assert title_of(page) == "This node is well, but the stream's tokens are used up"
    assert "is earning" not in page
    unverified = replace(ANSWER, stream=replace(ANSWER.stream, is_unverified=True))
    page = shown(CoordinatorView(unverified, ""))
    title = "This node is well, but nobody can be verified on its stream now"
    assert title_of(page) == title
    assert "Its minutes wait until a check passes, and it keeps its place." in page


def test_before_the_first_answer_the_page_says_what_is_waited_for() -> None:
    page = shown(CoordinatorView())
    assert "not earning yet" in page
    assert "The coordinator has not answered yet." in page


def test_an_absent_coordinator_is_said_and_nothing_is_claimed_for_it() -> None:
    page = shown(CoordinatorView(ANSWER, "It cannot be asked."))
    assert "does not reach the coordinator" in page
    assert "It cannot be asked." in page
    assert "is earning" not in page
    assert "healthy" not in page


def test_a_relay_that_does_not_run_is_said_in_place_of_what_it_looks_like_from_outside() -> None:
    """A taken port looks closed from outside: to forward it would repair nothing."""
    closed = replace(ANSWER, status="unhealthy", says="Nothing accepts.", fix="Forward the port.")
    page = shown(CoordinatorView(closed, ""), ailment="Stop what uses the port.")
    assert title_of(page) == "This node is not earning: its relay does not run"
    assert "<p>Stop what uses the port.</p>" in page
    assert "Forward" not in page


def test_one_trouble_is_told_once() -> None:
    waiting = CoordinatorView()
    page = shown(waiting, ailment=waiting.trouble)
    assert page.count(waiting.trouble) == 1


def test_an_ingest_earns_nothing() -> None:
    assert "This is an ingest" in shown(None)


# -- what the coordinator said ---------------------------------------------------------------


def test_tokens_checks_and_the_next_release_are_told() -> None:
    """As the coordinator's last answer has them, with links to its pages of node and stream."""
    page = shown(CoordinatorView(ANSWER, "", answered_s=PAGE_S - 7))
    assert "<dt>Pending</dt><dd>1.475 <" in page
    assert "<dt>Available</dt><dd>10.775 <" in page
    assert "<dt>Next release</dt><dd>23 Nov 15:02 UTC</dd>" in page
    assert '<dt>Last check</dt><dd>passed <span class="quiet">at</span> 22 Nov 14:52 UTC' in page
    assert '<a href="https://api.example.org/n/n4w7d2">Public page</a>' in page
    assert '<a href="https://api.example.org/s/k3v9m2x7q4ab">Main stage</a>' in page
    assert '<span class="tag">7 s ago</span>' in page


def test_before_anything_was_earned_or_checked_the_page_says_so() -> None:
    """A coordinator that tells of tokens tells of checks, too."""
    told = ToldFacts(pending="0", available="0")
    page = shown(CoordinatorView(replace(ANSWER, told=told), ""))
    assert "nothing is pending" in page
    unknown = replace(ANSWER, told=replace(told, pending="7"))  # when, that is
    assert "Next release" not in shown(CoordinatorView(unknown, ""))
    assert "<dt>Last check</dt><dd>none yet</dd>" in page


def test_an_older_coordinator_says_less_and_the_page_claims_nothing() -> None:
    """Neither that nothing is pending, nor that there was no check."""
    page = shown(CoordinatorView(replace(ANSWER, told=ToldFacts()), ""))
    assert title_of(page) == "This node is earning"
    for name in ("Pending", "Available", "Next release", "Last check", "notice"):
        assert f"{name}</dt>" not in page
    assert '>k3v9m2x7q4ab</a> <span class="quiet">active' in page


def test_what_was_said_last_stays_with_its_age_while_the_coordinator_is_away() -> None:
    """Tokens, reason and what to do, as they were then."""
    answer = replace(ANSWER, says="Nothing accepts.", fix="Forward the port.")
    away = CoordinatorView(answer, "It cannot be asked.", answered_s=PAGE_S - 725)
    page = shown(away)
    assert "<p>It cannot be asked.</p>\n<p>12 min ago it said: Nothing accepts.</p>" in page
    assert "Forward the port." in page
    assert '<span class="tag">12 min ago</span>' in page
    assert "<dt>Pending</dt><dd>1.475 <" in page


@pytest.mark.parametrize(
    ("theirs", "is_told"),
    [
        ("0.1.1", True),
        ("0.10.0", True),
        ("1.0.0", True),
        ("0.1.0", False),
        ("0.0.9", False),
        ("0.1", False),
        ("", False),
        ("9.9.9 <b>", False),
        ("9" * 300 + ".0.0", False),
    ],
)
def test_an_older_agent_is_told_to_be_renewed(theirs: str, is_told: bool) -> None:
    """And no other one; what is no version says nothing."""
    answer = replace(ANSWER, told=replace(ANSWER.told, newest_agent=theirs))
    page = shown(CoordinatorView(answer, ""))
    assert ('class="notice"' in page) == is_told
    assert ("git pull" in page) == is_told


def test_a_node_that_waits_for_a_stream_is_not_said_to_fail() -> None:
    """Nobody has to repair anything."""
    page = shown(CoordinatorView(None, "No stream is active now.", is_waiting=True))
    assert 'class="answer waits"' in page
    assert 'class="answer no"' in shown(CoordinatorView(None, "It cannot be asked."))


@pytest.mark.parametrize(
    ("status", "kind"), [("healthy", "yes"), ("idle", "waits"), ("pending", "waits"), ("new", "no")]
)
def test_the_answer_has_a_mark_and_a_colour(status: str, kind: str) -> None:
    """The mark is no word: it is hidden from who listens."""
    page = shown(CoordinatorView(replace(ANSWER, status=status), ""))
    assert f'class="answer {kind}"' in page


# -- what the node sees of itself ------------------------------------------------------------


def test_whom_the_relay_turned_away_is_told_by_reason() -> None:
    """The most frequent first, known codes in words; an engine that does not say has no table."""
    relay = replace(RELAY, refused={"no_stream": 3, "of_tomorrow": 1_011, "full": 7})
    page = shown(CoordinatorView(ANSWER, ""), relay=relay)
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="number">([\d,]+)</td>', page)
    assert rows == [
        ("of tomorrow", "1,011"),
        ("the relay was full", "7"),
        ("a stream that is not relayed here", "3"),
    ]
    assert "Turned away" not in shown(CoordinatorView(ANSWER, ""))


def test_every_reason_of_the_engine_is_told_in_words() -> None:
    """Codes are found in its source, so that a new one is not forgotten."""
    source = Path(agent.relay.restream.__file__).parent
    text = "".join(path.read_text() for path in source.glob("*.py"))
    codes = set(re.findall(r'refused?\("([a-z_]+)"', text))
    admission = (source / "admission.py").read_text()
    codes |= set(re.findall(r'(?:return|else) "([a-z_]+)"', admission))
    assert {"protocol", "no_stream", "full"} <= codes
    assert codes - REFUSALS.keys() == set()


def test_how_far_apart_key_frames_are_is_told_where_the_engine_tells() -> None:
    """A viewer waits so long for a picture elsewhere."""
    stream = replace(STREAM, delivery=Delivery(key_interval_ms=2_000))
    assert "a key frame every 2.0 s" in shown(CoordinatorView(ANSWER, ""), stream=stream)
    assert "key frame" not in shown(CoordinatorView(ANSWER, ""))


def test_the_table_of_refusals_is_bounded() -> None:
    """Whatever an engine makes up."""
    relay = replace(RELAY, refused={f"reason_{n}": n for n in range(500)})
    assert shown(CoordinatorView(ANSWER, ""), relay=relay).count('<th scope="row">') == 20


def test_the_charts_show_what_was_seen() -> None:
    """In words, too: the most at once, what was sent, and since when."""
    traffic = Traffic()
    for at_s, viewers, sent in ((0.0, 3, 0), (10.0, 11, 5_000_000), (20.0, 7, 7_500_000)):
        stream = replace(STREAM, viewers=viewers, bytes_out=sent)
        traffic.sample(PAGE_S - 20 + at_s, stream)
    page = shown(CoordinatorView(ANSWER, ""), traffic=traffic)
    assert page.count("At most 11 at once, 2 now.") == 4  # two figures, and for who listens
    assert page.count("7.5 MB sent; 3.0 Mbit/s in the busiest minute.") == 2
    assert page.count("7.5 MB sent; 3.0 Mbit/s in the busiest 15 minutes.") == 2
    assert "they begin with the agent's start, 2 min ago." in page


def test_an_ingest_has_no_tokens_and_no_public_page() -> None:
    """It relays nothing; its publishers' codecs are shown."""
    video, audio = Video("<H264>", 1280, 720, 30.0), Audio("AAC", 48_000, 2)
    page = shown(None, stream=replace(STREAM, video=video, audio=audio))
    assert "<h1>Ingest <code>" in page
    assert "Public page" not in page
    assert "Pending" not in page
    assert "&lt;H264&gt;, AAC" in page
    assert "Media from publishers" in page
    assert "This ingest</h2>" in page


# -- the document ----------------------------------------------------------------------------

HOSTILE = "</style><script>alert('x')</script>\"'><img src=x onerror=alert(1)> & "


class _Elements(HTMLParser):
    """The elements of a page, and each of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs


def _hostile_page(text: str) -> str:
    told = replace(ANSWER.told, stream_name=text, newest_agent=text, pending=text, available=text,
                   check_reason=text)  # fmt: skip
    stream = replace(ANSWER.stream, stream_id=text, status=text)
    answer = replace(ANSWER, stream=stream, status=text, reason=text, says=text, fix=text,
                     earned=text, told=told)  # fmt: skip
    return shown(
        CoordinatorView(answer, text),
        coordinator_url=f"https://api.example.org/{text}",
        agent=replace(AGENT, node_id=text, stream_id=text),
        relay=replace(RELAY, engine=text, state=text, refused={text: 7}),
        stream=replace(STREAM, video=Video(text, 1, 1, 1.0), audio=Audio(text, 1, 1)),
    )


def test_nothing_that_strangers_say_becomes_markup() -> None:
    """A page of hostile texts has the elements of one of plain texts, and no attribute more."""
    plain, hostile = _Elements(_hostile_page("plain")), _Elements(_hostile_page(HOSTILE))
    assert hostile.names == plain.names
    assert [name for name, _ in hostile.attributes] == [name for name, _ in plain.attributes]
    assert hostile.names.count("script") == 1


def test_a_page_stays_small_whatever_it_is_told() -> None:
    """Texts are cut: an answer of the coordinator may have 64 kB, and be repeated."""
    long = "&" * 60_000
    refused = {f"{n}{long}": n for n in range(20)}
    answer = replace(ANSWER, says=long, fix=long, earned=long, status=long)
    away = CoordinatorView(answer, long)
    assert len(shown(away, relay=replace(RELAY, refused=refused))) < 150_000
    assert len(shown(CoordinatorView(ANSWER, ""))) < 16_000


def test_the_page_brings_all_that_it_needs_and_its_policy_lets_nothing_else_in() -> None:
    """Style and script are named by their hashes: inline ones of anybody else do not run."""
    page = shown(CoordinatorView(ANSWER, ""))
    for kind in ("style", "script"):
        (inside,) = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = b64encode(sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in POLICY
    assert "unsafe" not in POLICY
    for part in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert f"{part} 'none'" in POLICY
    assert not re.findall(r'(?:src|href)="(?!https://api\.example\.org|/|data:)', page)
    assert "style=" not in page


def test_the_look_is_the_coordinators() -> None:
    """Every line of the first part of the style sheet is one of its own."""
    own = (Path(agent.shown.__file__).with_name("page.css")).read_text()
    shared, marker, _ = own.partition("\n/* Of this page alone. */\n")
    root = Path(__file__).resolve().parents[4]
    theirs = (root / "functions/api/site/templates/style.css").read_text().splitlines()
    assert marker
    assert [line for line in shared.splitlines()[1:] if line not in theirs] == []


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        (Marks(), "none: this stream&#x27;s ingest signs nothing"),
        (Marks("waiting"), "not verified yet"),
        (Marks("verified"), "verified: what comes is what the ingest signed"),
        (Marks("waiting", {"differs": 2, "<b>": 1}), "2 × something came that the ingest did not"),
    ],
)
def test_whether_what_is_relayed_is_signed_stands_there_in_words(marks: Marks, says: str) -> None:
    page = shown(CoordinatorView(ANSWER, ""), stream=replace(STREAM, marks=marks))
    assert says in page
    assert "<b>" not in page
    assert "Signature" not in shown(CoordinatorView(ANSWER, ""), stream=STREAM)

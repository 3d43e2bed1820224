"""The operator's own page, as a node serves it: narrow and wide, light and dark."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from agent.client.heartbeats import CoordinatorView
from agent.relay.engines.engine import Audio, Delivery, Video
from agent.shown.http_server import make_app, make_server, open_socket
from agent.shown.page_facts import PageFacts
from agent.shown.status_page import status_page
from agent.shown.traffic import SAMPLE_EVERY_S, Traffic
from tests.browser.conftest import SIZES, examine
from tests.unit.agent.told import ANSWER, PAGE_S, RELAY, STREAM, page_facts

HOSTILE = "<script>alert('stage')</script> & friends"
DAY_S = 86_400


def _traffic(seconds: int) -> Traffic:
    """A wave of viewers and one break, up to now."""
    traffic, sent = Traffic(), 0
    for at in range(-seconds, 1, int(SAMPLE_EVERY_S)):
        viewers = 40 + (at // 600 * 7) % 31 + at // 3_600
        sent += 600_000 // 8 * viewers * int(SAMPLE_EVERY_S)
        if not -7_200 < at < -5_400:
            stream = replace(STREAM, viewers=viewers, bytes_out=sent)
            traffic.sample(PAGE_S + DAY_S + at, stream)
    return traffic


def _earning() -> PageFacts:
    facts = page_facts(CoordinatorView(ANSWER, "", answered_s=PAGE_S + DAY_S - 12))
    video, audio = Video("H264", 1280, 720, 30.0), Audio("AAC", 48_000, 2)
    stream = replace(
        STREAM,
        viewers=47,
        bytes_out=41_000_000_000,
        video=video,
        audio=audio,
        delivery=Delivery(key_interval_ms=2_000),
    )
    refused = {"no_stream": 11, "too_often": 1_203, "protocol": 7, "of_tomorrow": 2}
    return replace(
        facts,
        now_s=PAGE_S + DAY_S,
        agent=replace(facts.agent, node_id="n4w7d2k9x3m5p8q1r6t0", uptime_s=3.0 * DAY_S),
        relay=replace(RELAY, refused=refused),
        stream=stream,
        traffic=_traffic(DAY_S),
    )


def _failing() -> PageFacts:
    told = replace(ANSWER.told, stream_name=HOSTILE, newest_agent="0.2.0", release_s=None)
    answer = replace(
        ANSWER,
        status="unhealthy",
        says="Nothing accepts connections on port 1935 of 203.0.113.7.",
        fix="Forward the RTMP port to this machine.",
        told=told,
    )
    return replace(_earning(), coordinator=CoordinatorView(answer, "", answered_s=PAGE_S))


def _away() -> PageFacts:
    trouble = (
        "The coordinator cannot be asked: ConnectError: all connection attempts failed. Check that "
        "COORDINATOR_URL is right and that this machine reaches the internet; if both are, wait."
    )
    view = CoordinatorView(ANSWER, trouble, answered_s=PAGE_S + DAY_S - 4_000)
    return replace(_earning(), coordinator=view)


def _new() -> PageFacts:
    return page_facts(CoordinatorView())


def _ingest() -> PageFacts:
    return replace(_earning(), coordinator=None)


PAGES = {
    "earning": _earning,
    "failing": _failing,
    "away": _away,
    "new": _new,
    "ingest": _ingest,
}


class _Shown:
    """What the node's server shows."""

    def __init__(self, facts: Callable[[], PageFacts]) -> None:
        self.facts = facts

    def polled(self, reason: str) -> None:
        """Nobody polls it here."""

    def stats(self) -> dict[str, object]:
        return {}

    def metrics(self) -> str:
        return ""

    def status_page(self) -> str:
        return status_page(self.facts())

    def health(self) -> tuple[bool, str]:
        return True, ""


@contextmanager
def _node(facts: Callable[[], PageFacts]) -> Iterator[str]:
    """The node's own server over these facts."""
    sock = open_socket("127.0.0.1", 0)
    server = make_server(make_app(_Shown(facts)))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_operators_page_is_accessible_quiet_and_fits(
    chromium: Browser, name: str, theme: str, size: str
) -> None:
    """axe finds nothing, the console is silent, no other host is asked, nothing is cut off."""
    with _node(PAGES[name]) as url:
        examine(chromium, url, f"operator-{name}", theme, size)


@pytest.mark.parametrize("name", PAGES)
def test_the_operators_page_says_the_same_without_scripts(chromium: Browser, name: str) -> None:
    """A script only keeps it up to date."""
    texts = []
    with _node(PAGES[name]) as url:
        for scripts in (True, False):
            context = chromium.new_context(java_script_enabled=scripts)
            page = context.new_page()
            page.goto(url)
            texts.append(page.locator("main").inner_text())
            context.close()
    assert texts[0] == texts[1]
    assert "Viewers and upload" in texts[0]


def test_a_streams_hostile_name_stays_text_on_the_node(chromium: Browser) -> None:
    """It is shown as it was written, and nothing of it runs."""
    page = chromium.new_page()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    with _node(_failing) as url:
        page.goto(url)
        assert page.get_by_role("link", name=HOSTILE).inner_text() == HOSTILE
    assert alerts == []
    page.close()


def test_the_policy_stops_what_is_not_the_pages_own(chromium: Browser) -> None:
    """Should an escape ever be forgotten: another script, style or picture does nothing."""
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with _node(_earning) as url:
        page.goto(url)
        page.evaluate(
            "for (const [name, text] of [['script', 'window.run = 1'], ['style', 'h1{top:7px}']]) {"
            "  const part = document.createElement(name); part.textContent = text;"
            "  document.body.append(part); }"
            "document.body.append(Object.assign(new Image(), {src: 'http://203.0.113.9/x.png'}))"
        )
        assert page.evaluate("window.run") is None
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).top") == "auto"
    assert sum("Content Security Policy" in each for each in said) == 3
    page.close()


def test_the_page_keeps_itself_up_to_date(chromium: Browser) -> None:
    """The title too; and whoever goes through it by keyboard stays where they were."""
    facts = [_new()]
    page = chromium.new_page()
    page.clock.install()
    with _node(lambda: facts[-1]) as url:
        page.goto(url)
        assert page.title() == "This node is not earning yet"
        facts.append(_earning())
        page.clock.run_for(10_500)
        expect(page).to_have_title("This node is earning")
        assert page.get_by_role("heading", name="This node is earning").is_visible()
        link = page.get_by_role("link", name="Main stage")
        link.focus()
        facts.append(_away())
        page.clock.run_for(10_500)
        expect(page).to_have_title(re.compile("does not reach"))
        assert page.evaluate("document.activeElement.textContent") == "Main stage"
    page.close()


def test_the_page_stays_when_the_node_does_not_answer(chromium: Browser) -> None:
    """A restart must not leave an operator with an empty window, nor with a shouting console."""
    page = chromium.new_page()
    page.clock.install()
    with _node(_earning) as url:
        page.goto(url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with page.expect_event("requestfailed"):
        page.clock.run_for(10_500)
    assert page.get_by_role("heading", name="This node is earning").is_visible()
    assert errors == []
    page.close()

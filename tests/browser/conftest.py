"""The real api on a port of its own, over a small network in memory, and a real Chromium."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from api.wiring import build_on
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Store
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.memory import MemoryStore
from tests.lived import Lived
from tests.unit.functions.conftest import settings

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOW_S = 1_795_305_637.0
SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
NODES = {
    "n-healthy": Poll(Outcome.UP, Reason.OK, 700, 693, viewers=11),
    "n-idle": Poll(Outcome.IDLE, Reason.STREAM_IDLE, 700, 10),
    "n-closed": Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 7, 0, misses=1),
    "n-unproven": Poll(Outcome.UP, Reason.OK, 3, 3),
    "n-fraud": Poll(Outcome.UP, Reason.OK, 70, 70, viewers=99),
}


async def _seed(store: MemoryStore) -> None:
    """One stream with a hostile name, and a node for every kind of news."""
    measurements = Measurements(store)
    await measurements.create_stream(
        Stream(
            stream_id="s3",
            name="<script>alert('stage')</script> & friends",
            sponsor="ada",
            reward_micros_per_hour=1_500_000,
            max_paid_nodes=5,
            created_s=NOW_S - 1_000,
            key_hash="0" * 64,
            request_hash="0" * 64,
        )
    )
    slots = tuple(
        Slot(name, "s3", f"http://203.0.114.{i}:8080/stats.json", f"203.0.114.{i}", 1935, 1, 1.0)
        for i, name in enumerate(NODES)
    )
    await measurements.put_roster(Roster(WHOLE, 1, 1.0, slots))
    tick = int(NOW_S // 60)
    await measurements.create_sweep(Sweep(WHOLE, tick, 1, dict(enumerate(NODES.values()))), NOW_S)
    for draw in range(tick - 7, tick):
        at_s = draw * 60.0 + 7
        checks = (
            Check("n-healthy", "s3", draw, at_s, Verdict.PASS, Reason.PASSED),
            Check("n-fraud", "s3", draw, at_s, Verdict.FAIL, Reason.REPLAYED),
        )
        run = Run(draw, at_s, at_s + 5, (), {"s3": IngestState.LIVE}, checks)
        await measurements.record_run(run, NOW_S)


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The URL of the running api."""
    store = MemoryStore()
    aside(_seed(store))
    with served(store, MemoryStore(), NOW_S) as url:
        yield url


@pytest.fixture(scope="session")
def lived_site() -> Iterator[str]:
    """The same over a network that has lived for a day; no pictures, since no camera ran."""
    lived = Lived(26, pictures=False)
    aside(lived.live())
    with served(lived.measured, lived.money, lived.now_s) as url:
        yield url


def aside(work: Coroutine[Any, Any, object]) -> None:
    """Runs it in a thread of its own: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextmanager
def served(measured: Store, money: Store, now_s: float) -> Iterator[str]:
    """The api on a port of its own, at an instant."""
    app = build_on(measured, money, settings(REQUESTS_PER_SECOND="1000"), lambda: now_s)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless; a machine without it fails here, with its name."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


SIZES = {"narrow": (360, 740), "wide": (1440, 900)}


def examine(
    chromium: Browser, url: str, name: str, theme: str, size: str, *, shows: str = "main"
) -> None:
    """Photographs a page and fails unless axe finds nothing, with everything unfolded too; the
    console is silent, no other host is asked, and nothing is cut off."""
    width, height = SIZES[size]
    page = chromium.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    said: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: hosts.add(urlparse(request.url).netloc))
    page.goto(url)
    page.wait_for_selector(shows)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{size}.png", full_page=True)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    assert hosts == {urlparse(url).netloc}
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()

"""The server's routes, and who may ask which."""

import asyncio

import httpx
import pytest

from agent.shown import http_server
from agent.shown.http_server import make_app, make_hooks_app, make_server
from agent.shown.status_page import POLICY


async def answer_hook(body: bytes) -> tuple[int, str]:
    """Says yes, with what was asked."""
    return 200, body.decode()


class Shown:
    """What the server is given to show."""

    def __init__(self, is_well: bool) -> None:
        self._is_well = is_well
        self.heard: list[str] = []

    def polled(self, reason: str) -> None:
        self.heard.append(reason)

    def stats(self) -> dict[str, object]:
        return {"schema": "restream-node/1"}

    def metrics(self) -> str:
        return "restream_viewers 2\n"

    def status_page(self) -> str:
        return "<h1>This node is earning</h1>"

    def health(self) -> tuple[bool, str]:
        return self._is_well, "The relay runs."


def client(is_well: bool = True) -> httpx.AsyncClient:
    """A stranger."""
    transport = httpx.ASGITransport(make_app(Shown(is_well)))
    return httpx.AsyncClient(transport=transport, base_url="http://192.0.2.1:8080")


def asking() -> httpx.AsyncClient:
    """The relay beside the agent."""
    transport = httpx.ASGITransport(make_hooks_app({"play": answer_hook}))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:40001")


async def test_anybody_may_read_the_statistics() -> None:
    async with client() as http:
        answer = await http.get("/stats.json")
    assert answer.json() == {"schema": "restream-node/1"}
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("headers", "heard"),
    [
        ([("Restream-Reason", "check_failed")], "check_failed"),
        ([("restream-reason", "unknown:internal"), ("x-other", "ok")], "unknown:internal"),
        ([], ""),
        ([("Restream-Reason", "")], ""),
        ([("Restream-Reason", "ok"), ("Restream-Reason", "fraud")], "ok"),
        ([("Restream-Reason", "\u00e9" * 4_000)], "\u00e9" * 4_000),
    ],
    ids=["reason", "any case", "none", "empty", "twice", "anything"],
)
async def test_a_poll_s_hint_is_passed_on_and_nothing_of_it_is_answered(
    headers: list[tuple[str, str]], heard: str
) -> None:
    """Whoever wrote it: the answer is the same, and no other page takes one."""
    shown = Shown(True)
    transport = httpx.ASGITransport(make_app(shown))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    async with httpx.AsyncClient(transport=transport, base_url="http://192.0.2.1:8080") as http:
        answer = await http.get("/stats.json", headers=raw)
        for path in ("/", "/metrics", "/healthz"):
            await http.get(path, headers=raw)
    assert answer.json() == {"schema": "restream-node/1"}
    assert shown.heard == [heard]


async def test_metrics_and_the_status_page_have_their_types() -> None:
    async with client() as http:
        metrics, page = await http.get("/metrics"), await http.get("/")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(("is_well", "status"), [(True, 200), (False, 503)])
async def test_health_is_told_by_status_and_reason(is_well: bool, status: int) -> None:
    async with client(is_well=is_well) as http:
        answer = await http.get("/healthz")
    assert answer.status_code == status
    assert answer.json()["reason"] == "The relay runs."


async def test_questions_are_answered_by_their_name_and_nowhere_else() -> None:
    async with asking() as http:
        answer = await http.post("/play", content="x")
        assert (answer.status_code, answer.text) == (200, "x")
        assert (await http.post("/publish", content="x")).status_code == 404
        assert (await http.get("/play")).status_code == 405
        assert (await http.get("/stats.json")).status_code == 404
    async with client() as http:
        assert (await http.post("/play", content="x")).status_code == 404


async def test_a_question_that_is_too_long_is_refused() -> None:
    async with asking() as http:
        assert (await http.post("/play", content=b"x" * 9000)).status_code == 413


async def test_other_paths_and_methods_are_refused() -> None:
    async with client() as http:
        assert (await http.get("/etc/passwd")).status_code == 404
        assert (await http.post("/stats.json")).status_code == 405


async def test_a_server_ends_when_it_is_told_and_not_at_its_next_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Told before it runs, it does not begin to wait."""
    monkeypatch.setattr(http_server, "DATE_S", 3600.0)
    for ticks in (0, 1):
        own = make_server(make_app(Shown(True)))
        running = asyncio.create_task(own.main_loop())
        for _ in range(ticks):
            await asyncio.sleep(0)
        own.stop()
        async with asyncio.timeout(10):
            await running

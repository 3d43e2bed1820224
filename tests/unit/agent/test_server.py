"""The server's routes, and who may ask which."""

import httpx
import pytest

from agent.server import make_app


async def answer_hook(body: bytes) -> tuple[int, str]:
    """Says yes, with what was asked."""
    return 200, body.decode()


class Shown:
    """What the server is given to show."""

    def __init__(self, is_well: bool) -> None:
        self._is_well = is_well

    def stats(self) -> dict[str, object]:
        return {"schema": "restream-node/1"}

    def metrics(self) -> str:
        return "restream_viewers 2\n"

    def status_page(self) -> str:
        return "<h1>This node is earning</h1>"

    def health(self) -> tuple[bool, str]:
        return self._is_well, "The relay runs."


def client(
    peer: str = "203.0.113.9", is_well: bool = True, ingest: bool = True
) -> httpx.AsyncClient:
    """Somebody who asks the server from `peer`."""
    app = make_app(Shown(is_well), answer_hook if ingest else None)
    transport = httpx.ASGITransport(app, client=(peer, 5003))
    return httpx.AsyncClient(transport=transport, base_url="http://192.0.2.1:8080")


async def test_anybody_may_read_the_statistics() -> None:
    async with client() as http:
        answer = await http.get("/stats.json")
    assert answer.json() == {"schema": "restream-node/1"}
    assert answer.headers["connection"] == "close"


async def test_metrics_and_the_status_page_have_their_types() -> None:
    async with client() as http:
        metrics, page = await http.get("/metrics"), await http.get("/")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(("is_well", "status"), [(True, 200), (False, 503)])
async def test_health_is_told_by_status_and_reason(is_well: bool, status: int) -> None:
    async with client(is_well=is_well) as http:
        answer = await http.get("/healthz")
    assert answer.status_code == status
    assert answer.json()["reason"] == "The relay runs."


@pytest.mark.parametrize(
    ("peer", "ingest", "status"),
    [
        ("127.0.0.1", True, 200),
        ("127.0.0.5", True, 200),
        ("203.0.113.9", True, 404),
        ("127.0.0.1", False, 404),
    ],
)
async def test_only_the_ingest_s_own_relay_may_ask_about_publishers(
    peer: str, ingest: bool, status: int
) -> None:
    async with client(peer, ingest=ingest) as http:
        answer = await http.post(
            "/hooks/publish", content="x", headers={"x-forwarded-for": "127.0.0.1"}
        )
    assert answer.status_code == status


async def test_a_question_that_is_too_long_is_refused() -> None:
    async with client("127.0.0.1") as http:
        answer = await http.post("/hooks/publish", content=b"x" * 9000)
    assert answer.status_code == 413


async def test_other_paths_and_methods_are_refused() -> None:
    async with client("127.0.0.1") as http:
        assert (await http.get("/etc/passwd")).status_code == 404
        assert (await http.post("/stats.json")).status_code == 405
        assert (await http.get("/hooks/publish")).status_code == 405

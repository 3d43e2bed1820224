"""Messages are posted to strangers of every kind: nothing of their answers is read but a status."""

import asyncio
import json
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import Failed, OutboundLimits, Posted
from coordinator.reasons import Reason
from coordinator.strangers.addresses import HttpAddress, parse_webhook_url
from tests.e2e.certificates import certificate, served_with
from tests.integration import hostile
from tests.integration.hostile import Script, repeating, resetting, saying, saying_and_staying

PATIENT = OutboundLimits(resolve_seconds=30.0, connect_seconds=30.0, total_seconds=30.0)
HASTY = OutboundLimits(resolve_seconds=0.4, connect_seconds=0.4, total_seconds=0.4)
"""Each as long as the whole: loopback connects at once, if this process gets a processor."""
BODY = json.dumps({"type": "statement.ready", "data": {"paid": "7"}}).encode()
HEADERS = {"Content-Type": "application/json", "webhook-id": "s3-11-statement-ready"}
NAME = "hooks.example.org"


pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def post(script: Script, limits: OutboundLimits = PATIENT) -> Posted | Failed:
    """What comes of posting to one such server."""
    async with hostile.serving(script) as server:
        client = HttpClient(Guard(allow_private=True), limits)
        return await client.post(server.address, HEADERS, BODY)


async def test_the_message_arrives_whole() -> None:
    """One POST with its own length, to the path that was named."""
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await hostile.read_head(reader)
        heard.extend((head, await reader.readexactly(len(BODY))))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with hostile.serving(script) as server:
        found = await HttpClient(Guard(allow_private=True)).post(server.address, HEADERS, BODY)
        assert isinstance(found, Posted)
        assert (found.status, found.peer) == (204, "127.0.0.1")
        lines = heard[0].decode().split("\r\n")
        assert lines[0] == "POST /stats.json HTTP/1.1"
        assert f"Host: 127.0.0.1:{server.port}" in lines
        assert f"Content-Length: {len(BODY)}" in lines
        assert "webhook-id: s3-11-statement-ready" in lines
    assert heard[1] == BODY


STATUSES = {
    b"HTTP/1.1 200 OK\r\n\r\n": 200,
    b"HTTP/1.0 202 \r\n\r\n": 202,
    b"HTTP/1.1 200\r\n\r\n": 200,
    b"HTTP/1.1 200 OK\nServer: odd\n\n": 200,
    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n": 302,
    b"HTTP/1.1 410 Gone\r\n\r\n": 410,
    b"HTTP/1.1 500 Oh\r\n\r\n": 500,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n": 204,
    b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n": 302,
    b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nSet-Cookie: =;\xff\r\n\r\n": 302,
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnonsense": 200,
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n": 200,
}


@pytest.mark.parametrize("answer", STATUSES, ids=range(len(STATUSES)))
async def test_any_status_is_told_as_it_is(answer: bytes) -> None:
    """Redirects are an answer like others, and what follows the headers is not looked at."""
    found = await post(saying_and_staying(answer))
    assert isinstance(found, Posted), found
    assert found.status == STATUSES[answer]


async def test_a_redirect_is_not_followed() -> None:
    """The place it names is asked nothing."""
    async with hostile.serving(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as elsewhere:
        place = b"http://127.0.0.1:%d/" % elsewhere.port
        for status in (301, 302, 303, 307, 308):
            answer = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\n\r\n" % (status, place)
            found = await post(saying(answer))
            assert isinstance(found, Posted)
            assert found.status == status
        assert elsewhere.accepted == 0


NO_HTTP = {
    "nothing": saying(b""),
    "a greeting": saying(b"220 mail.example.org ESMTP\r\n"),
    "another version": saying(b"HTTP/2 200\r\n\r\n"),
    "a status of four digits": saying(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "a status of letters": saying(b"HTTP/1.1 OK\r\n\r\n"),
    "an empty line first": saying(b"\r\nHTTP/1.1 200 OK\r\n\r\n"),
    "a first line without end": saying(b"HTTP/1.1 200 " + b"x" * 10_000),
    "a header without end": repeating(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1_000),
    "headers without end": repeating(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 100),
    "continue without end": repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    "a framing that is none": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \0nonsense\r\n\r\n"),
    "bytes": saying(bytes(range(256)) * 100),
    "a reset": resetting(b""),
    "hanging up": hostile.hang_up_at_once,
    "reading and hanging up": hostile.read_and_hang_up,
}


NO_ANSWER = (Reason.STATS_BAD_HTTP, Reason.STATS_TOO_LARGE, Reason.CONNECT_FAILED)


@pytest.mark.parametrize("case", NO_HTTP)
async def test_what_is_not_http_is_a_failure(case: str) -> None:
    """With a sentence for the log, and never an exception."""
    found = await post(NO_HTTP[case])
    assert isinstance(found, Failed)
    assert found.reason in NO_ANSWER
    assert found.detail


SLOW = {
    "silence": saying_and_staying(b""),
    "half a line": saying_and_staying(b"HTTP/1.1 20"),
    "continue and no more": saying_and_staying(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a drip of headers": repeating(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", pause_s=0.05),
    "a drip": repeating(b"HTTP/1.1 200 ", b"x", pause_s=0.05),
}


@pytest.mark.parametrize("case", SLOW)
async def test_who_is_slow_is_left(case: str) -> None:
    """After the time that there is, whatever was sent by then."""
    started = asyncio.get_running_loop().time()
    found = await post(SLOW[case], HASTY)
    assert isinstance(found, Failed)
    assert found.reason is Reason.STATS_TIMEOUT
    assert asyncio.get_running_loop().time() - started < 10


async def test_a_huge_answer_costs_its_headers() -> None:
    """The connection is ended there: the sender cannot even get rid of what it has."""
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await hostile.read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    found = await post(flood)
    assert isinstance(found, Posted)
    assert sent < 50_000_000


async def test_nothing_is_kept_for_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookie, no connection; and no proxy of the environment hears of it."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    heads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await hostile.read_head(reader))
        writer.write(b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b; Path=/\r\n\r\n")
        await reader.read()

    async with hostile.serving(script) as server:
        client = HttpClient(Guard(allow_private=True), PATIENT)
        for _ in range(2):
            assert isinstance(await client.post(server.address, HEADERS, BODY), Posted)
            await hostile.until(lambda: server.open == 0)
        assert server.accepted == 2
    assert b"cookie" not in heads[1].lower()


async def test_a_name_that_no_library_can_decode_is_a_name_like_others() -> None:
    """Punycode may be nonsense; the resolver says what it stands for."""
    async with hostile.serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        client = HttpClient(Guard(allow_private=True, resolve=_loopback), PATIENT)
        for host in ("xn--a.example.org", "xn--0.example.org", "a_b.example.org"):
            address = HttpAddress(host, server.port, "/hook")
            assert isinstance(await client.post(address, HEADERS, BODY), Posted)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:8080/hook", Reason.ADDRESS_BLOCKED),
        ("https://10.0.0.1/hook", Reason.ADDRESS_BLOCKED),
        ("https://169.254.169.254/latest", Reason.ADDRESS_BLOCKED),
        ("http://[::1]:8080/", Reason.ADDRESS_BLOCKED),
        ("https://inside.example.org/", Reason.ADDRESS_BLOCKED),
        ("https://nowhere.example.org/", Reason.NAME_UNRESOLVED),
    ],
)
async def test_inside_addresses_are_never_posted_to(url: str, reason: Reason) -> None:
    """Whether they are written or resolved to; nothing is connected to."""

    async def resolve(host: str) -> Sequence[str]:
        if host.startswith("nowhere"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return ["203.0.114.7", "192.168.0.7"]

    client = HttpClient(Guard(allow_private=False, resolve=resolve), PATIENT)
    found = await client.post(parse_webhook_url(url), HEADERS, BODY)
    assert isinstance(found, Failed)
    assert found.reason is reason


def _trusting(
    file: Path, resolved: str = "127.0.0.1", limits: OutboundLimits = PATIENT
) -> HttpClient:
    """An adapter that believes this certificate, and whose names all lead to one address."""

    async def resolve(_: str) -> Sequence[str]:
        return [resolved]

    tls = ssl.create_default_context(cafile=str(file))
    return HttpClient(Guard(allow_private=True, resolve=resolve), limits, tls)


async def test_tls_goes_to_the_judged_address_and_asks_for_the_name(tmp_path: Path) -> None:
    """The certificate is the name's, although the connection is to an address."""
    file = certificate(tmp_path, host=NAME)
    server_tls, asked = served_with(file), []
    server_tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    answer = saying_and_staying(b"HTTP/1.1 200 OK\r\n\r\n")
    async with hostile.serving(answer, tls=server_tls) as server:
        address = HttpAddress(NAME, server.port, "/hook", is_tls=True)
        found = await _trusting(file).post(address, HEADERS, BODY)
    assert isinstance(found, Posted), found
    assert (found.status, found.peer) == (200, "127.0.0.1")
    assert asked == [NAME]


async def test_a_certificate_of_an_address_is_verified_as_well(tmp_path: Path) -> None:
    """An https URL may name an address."""
    file = certificate(tmp_path)
    async with hostile.serving(
        saying_and_staying(b"HTTP/1.1 200 OK\r\n\r\n"), tls=served_with(file)
    ) as server:
        address = parse_webhook_url(f"https://127.0.0.1:{server.port}/hook")
        assert isinstance(await _trusting(file).post(address, HEADERS, BODY), Posted)


async def test_another_certificate_is_a_failure(tmp_path: Path) -> None:
    """Of another name, or of an authority that nobody trusts: no byte of the message is sent."""
    mine, other = certificate(tmp_path / "a", host=NAME), certificate(tmp_path / "b", host=NAME)
    heard = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(1))

    async with hostile.serving(script, tls=served_with(mine)) as server:
        for client, host in (
            (_trusting(mine), "other.example.org"),
            (_trusting(other), NAME),
            (HttpClient(Guard(allow_private=True, resolve=_loopback), PATIENT), NAME),
        ):
            address = HttpAddress(host, server.port, "/hook", is_tls=True)
            found = await client.post(address, HEADERS, BODY)
            assert isinstance(found, Failed)
            assert found.reason is Reason.CONNECT_FAILED
            assert "CERTIFICATE_VERIFY_FAILED" in found.detail
    assert heard == b""


async def _loopback(_: str) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("stays", [True, False])
async def test_a_handshake_that_never_ends_is_left(tmp_path: Path, stays: bool) -> None:
    """A port that takes connections and speaks no TLS holds up nobody."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (reader.read() if stays else reader.read(1))

    async with hostile.serving(mute) as server:
        address = HttpAddress("127.0.0.1", server.port, "/hook", is_tls=True)
        client = _trusting(certificate(tmp_path), limits=HASTY)
        found = await client.post(address, HEADERS, BODY)
    assert isinstance(found, Failed)
    assert found.reason in (Reason.CONNECT_FAILED, Reason.STATS_TIMEOUT)

"""Strangers of every kind are asked by both clients: none raises, stays, or holds up another."""

import asyncio
import errno
import gzip
import json
import resource
import socket
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Protocol

import pytest

from collector.poller import Poller
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.control_names import CONTROL_NAMES, ControlNames, Resolve
from coordinator.adapters.outbound.guard import (
    RESOLVERS_MAX,
    Guard,
    is_ours,
    system_resolve,
)
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import LIMITS, Failed, Fetched, OutboundLimits
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress
from coordinator.sweeping.rosters import Slot
from tests.integration import hostile
from tests.integration.hostile import Script, repeating, resetting, saying, saying_and_staying

PATIENT = OutboundLimits(resolve_seconds=30.0, connect_seconds=30.0, total_seconds=30.0)
"""So that only what is meant to be cut off by the clock is."""
HASTY = OutboundLimits(resolve_seconds=0.4, connect_seconds=0.4, total_seconds=0.4)
"""Each as long as the whole: loopback connects at once, if this process gets a processor."""

SECONDS_MAX = 20.0
"""Whatever does not come by then is not coming."""

STATS = json.dumps({"schema": "restream-node/1"}).encode()
GZIPPED = gzip.compress(STATS, mtime=0)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BODY_MAX = PATIENT.body_bytes


def sized(body: bytes, *headers: bytes) -> bytes:
    """A proper answer."""
    length = b"Content-Length: %d" % len(body)
    return OK + b"\r\n".join([length, *headers]) + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    """An answer in chunks, without the last one."""
    frames = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return CHUNKED + frames


pytestmark = pytest.mark.usefixtures("nothing_is_left")


class ClientOf(Protocol):
    """Makes one of the two clients."""

    def __call__(
        self,
        *,
        allow_private: bool,
        limits: OutboundLimits = LIMITS,
        resolve: Resolve = system_resolve,
    ) -> PollClient | HttpClient:
        """It stands behind a guard of its own."""
        ...


@pytest.fixture(params=[PollClient, HttpClient], ids=["polls", "httpx"])
def client_of(request: pytest.FixtureRequest) -> ClientOf:
    """Whoever asks for it is run with both."""
    kind: type[PollClient] | type[HttpClient] = request.param

    def client(
        *,
        allow_private: bool,
        limits: OutboundLimits = LIMITS,
        resolve: Resolve = system_resolve,
    ) -> PollClient | HttpClient:
        return kind(Guard(allow_private=allow_private, resolve=resolve), limits)

    return client


async def get(
    client_of: ClientOf, script: Script, limits: OutboundLimits = PATIENT
) -> Fetched | Failed:
    """What comes of asking one such server."""
    async with hostile.serving(script) as server:
        return await client_of(allow_private=True, limits=limits).get(server.address)


async def test_an_address_that_was_judged_is_asked_wherever_its_name_leads_now(
    client_of: ClientOf,
) -> None:
    """A name may lead elsewhere a moment later: it is not looked up again."""
    looked_up: list[str] = []

    async def elsewhere(host: str) -> Sequence[str]:
        looked_up.append(host)
        return ["203.0.113.9"]

    async with hostile.serving(saying(sized(STATS))) as server:
        named = HttpAddress("node.example.org", server.port, "/stats.json")
        client = client_of(allow_private=True, limits=PATIENT, resolve=elsewhere)
        assert await client.get(named, at="127.0.0.1") == Fetched(STATS, "127.0.0.1")
    assert looked_up == []


ACCEPTED: dict[str, tuple[bytes, bytes]] = {
    "a length": (sized(STATS), STATS),
    "identity said": (sized(STATS, b"Content-Encoding: identity"), STATS),
    "an empty encoding": (sized(STATS, b"Content-Encoding:"), STATS),
    "chunks": (chunked(STATS[:5], STATS[5:]) + b"0\r\n\r\n", STATS),
    "chunks with extensions": (
        CHUNKED + b"2;a=b\r\n{}\r\n0;c\r\n\r\n",
        b"{}",
    ),
    "trailers": (chunked(STATS) + b"0\r\nX-Sum: 7\r\n\r\n", STATS),
    "HTTP/1.0 until the end": (b"HTTP/1.0 200 OK\r\n\r\n" + STATS, STATS),
    "HTTP/1.1 until the end": (OK + b"\r\n" + STATS, STATS),
    "no reason phrase": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "another reason phrase": (b"HTTP/1.1 200 Fine By Me\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "many headers": (sized(STATS, *[b"X-%d: 1" % i for i in range(99)]), STATS),
    "the largest body": (sized(b"x" * BODY_MAX), b"x" * BODY_MAX),
    "an empty body": (sized(b""), b""),
    "an empty body until the end": (OK + b"\r\n", b""),
    "invalid JSON": (sized(b'{"a": nan,}'), b'{"a": nan,}'),
    "binary": (sized(bytes(range(256))), bytes(range(256))),
    "gzip that is not declared": (sized(GZIPPED), GZIPPED),
    "a length that is too short": (OK + b"Content-Length: 2\r\n\r\n{}" + STATS, b"{}"),
    "a second answer": (sized(STATS) + sized(b"other"), STATS),
    "junk afterwards": (sized(STATS) + b"\0" * 1_000, STATS),
    "a wish to stay": (sized(STATS, b"Connection: keep-alive"), STATS),
    "an upgrade on offer": (sized(STATS, b"Upgrade: h2c"), STATS),
    "RTSP that says 200": (b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "cookies": (sized(STATS, b"Set-Cookie: a=b"), STATS),
    "cookies that are none": (sized(STATS, b"Set-Cookie: =;;\xff=\xfe; expires=never"), STATS),
    "a location with 200": (sized(STATS, b"Location: http://169.254.169.254/"), STATS),
}  # fmt: skip


HTTPX_READS_OTHERWISE: dict[str, bytes | Reason] = {
    "RTSP that says 200": Reason.STATS_BAD_HTTP,
    "continue and no more": Reason.STATS_TIMEOUT,
    "continue first": STATS,
    "early hints": STATS,
    "length and chunks": b"",
    "two equal lengths": b"{}",
    "HTTP/9.9": b"{}",
    "endless empty lines": Reason.STATS_BAD_HTTP,
    "dripping empty lines": Reason.STATS_BAD_HTTP,
}
"""Two parsers: where they differ, neither takes more than it may, and all ends in its time."""


async def found(
    client_of: ClientOf, case: str, script: Script, limits: OutboundLimits = PATIENT
) -> bytes | Reason:
    """The body, or the reason why there is none."""
    answer = await get(client_of, script, limits)
    if isinstance(answer, Failed):
        assert answer.detail, case
        return answer.reason
    assert answer.peer == "127.0.0.1"
    return answer.body


def expected(client_of: ClientOf, case: str, usual: bytes | Reason) -> bytes | Reason:
    """What this client finds."""
    is_httpx = isinstance(client_of(allow_private=True), HttpClient)
    return HTTPX_READS_OTHERWISE.get(case, usual) if is_httpx else usual


@pytest.mark.parametrize("case", ACCEPTED)
async def test_a_complete_answer_is_fetched_as_it_is(client_of: ClientOf, case: str) -> None:
    """Parsing it is another's work."""
    answer, body = ACCEPTED[case]
    assert await found(client_of, case, saying(answer)) == expected(client_of, case, body)


@pytest.mark.parametrize("case", ["a length", "chunks", "an empty body"])
async def test_an_answer_is_complete_when_it_says_so_and_not_at_the_end_of_the_connection(
    client_of: ClientOf, case: str
) -> None:
    """A server that keeps the connection open delays nobody."""
    answer, body = ACCEPTED[case]
    fetched = await get(client_of, saying_and_staying(answer))
    assert isinstance(fetched, Fetched)
    assert fetched.body == body


async def test_an_answer_in_single_bytes_is_put_together(client_of: ClientOf) -> None:
    """Wherever the network cuts it."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hostile.read_head(reader)
        for byte in chunked(STATS) + b"0\r\n\r\n":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)

    fetched = await get(client_of, script)
    assert isinstance(fetched, Fetched)
    assert fetched.body == STATS


def redirect(status: int, place: bytes) -> bytes:
    """Off to somewhere else."""
    return b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, place)


def status(line: bytes) -> bytes:
    """A whole answer with that status."""
    return b"HTTP/1.1 " + line + b"\r\nContent-Length: 2\r\n\r\n{}"


BAD_HTTP: dict[str, Script] = {
    "a redirect to metadata": saying(redirect(302, b"http://169.254.169.254/latest/meta-data/")),
    "a redirect to loopback": saying(redirect(301, b"http://127.0.0.1:22/")),
    "a redirect to itself": saying(redirect(307, b"/stats.json")),
    "a redirect to a file": saying(redirect(303, b"file:///etc/passwd")),
    "a redirect to no URL": saying(redirect(302, b"http://[::1")),
    "a redirect to bytes": saying(redirect(302, b"\xff\xfe://\x80")),
    "a redirect to many places": saying(redirect(302, b"/\r\nLocation: http://[") ),
    "a redirect to TLS": saying(redirect(308, b"https://relay.example.org/")),
    "a choice": saying(redirect(300, b"/")),
    "not modified": saying(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "created": saying(status(b"201 Created")),
    "no content": saying(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "partial content": saying(status(b"206 Partial Content")),
    "not found": saying(status(b"404 Not Found")),
    "a login": saying(status(b"401 Unauthorized")),
    "a proxy's login": saying(status(b"407 Proxy Authentication Required")),
    "an error": saying(status(b"500 Internal Server Error")),
    "status 0": saying(status(b"0 Nothing")),
    "status 20": saying(status(b"20 Short")),
    "status 2000": saying(status(b"2000 Long")),
    "status -200": saying(status(b"-200 Minus")),
    "status 200.0": saying(status(b"200.0 Point")),
    "a status in letters": saying(status(b"OK 200")),
    "continue and no more": saying_and_staying(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "continue first": saying(b"HTTP/1.1 100 Continue\r\n\r\n" + sized(STATS)),
    "early hints": saying(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + sized(STATS)),
    "another protocol": saying(b"HTTP/1.1 101 So\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "gzip": saying(sized(GZIPPED, b"Content-Encoding: gzip")),
    "a gzip bomb": saying(sized(gzip.compress(b"\0" * 10**7), b"Content-Encoding: gzip")),
    "deflate": saying(sized(b"x", b"Content-Encoding: deflate")),
    "brotli": saying(sized(b"x", b"Content-Encoding: br")),
    "encoded twice": saying(sized(b"x", b"Content-Encoding: identity, gzip")),
    "encoded in another header": saying(sized(b"x", b"Content-Encoding:", b"content-encoding: BR")),
    "an unknown encoding": saying(sized(b"x", b"Content-Encoding: \xff")),
    "gzip for the transfer": saying(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n"),
    "gzip for the transfer until the end": saying(OK + b"Transfer-Encoding: gzip\r\n\r\nx"),
    "chunked twice": saying(OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "length and chunks": saying(OK + b"Content-Length: 2\r\n" + CHUNKED[len(OK) :] + b"0\r\n\r\n"),
    "two lengths": saying(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
    "two equal lengths": saying(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    "two lengths in one": saying(OK + b"Content-Length: 2, 3\r\n\r\n{}x"),
    "a negative length": saying(OK + b"Content-Length: -1\r\n\r\n{}"),
    "a signed length": saying(OK + b"Content-Length: +2\r\n\r\n{}"),
    "a hexadecimal length": saying(OK + b"Content-Length: 0x2\r\n\r\n{}"),
    "no length after all": saying(OK + b"Content-Length:\r\n\r\n{}"),
    "a length in words": saying(OK + b"Content-Length: two\r\n\r\n{}"),
    "a length that is too long": saying(OK + b"Content-Length: 100\r\n\r\n" + STATS),
    "a length and no body": saying(OK + b"Content-Length: 100\r\n\r\n"),
    "a chunk size that is none": saying(CHUNKED + b"xyz\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": saying(CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": saying(CHUNKED + b"2\r\n{...}\r\n0\r\n\r\n"),
    "a chunk that is shorter than it says": saying(CHUNKED + b"ff\r\n{}\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bit": saying(CHUNKED + b"f" * 17 + b"\r\n{}"),
    "no last chunk": saying(chunked(STATS)),
    "a header without a colon": saying(OK + b"nonsense\r\n\r\n{}"),
    "a header without a name": saying(OK + b": x\r\n\r\n{}"),
    "a header with a space before the colon": saying(OK + b"Content-Length : 2\r\n\r\n{}"),
    "a NUL in a header": saying(OK + b"X: a\0b\r\n\r\n{}"),
    "half a header": saying(OK + b"Content-Len"),
    "half a status line": saying(b"HTTP/1.1 2"),
    "HTTP/0.9": saying(STATS),
    "a page of HTTP/0.9": saying(b"<html><body>hello</body></html>\n"),
    "HTTP/2": saying(b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18),
    "HTTP/9.9": saying(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "a request": saying(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "RTSP": saying(b"RTSP/1.0 454 Session Not Found\r\nCSeq: 1\r\n\r\n"),
    "SHOUTcast": saying(b"ICY 200 OK\r\n\r\n" + b"\xff\xfb" * 100),
    "SSH": saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "SMTP": saying(b"220 mail.example.org ESMTP\r\n"),
    "redis": saying(b"-ERR unknown command\r\n"),
    "a TLS alert": saying(b"\x15\x03\x01\x00\x02\x02\x46"),
    "RTMP": saying(b"\x03" + bytes(1_536)),
    "zeros": saying(b"\0" * 1_000),
    "random bytes": saying(bytes((i * 7919) % 251 for i in range(5_000))),
    "line feeds": saying(b"\r\n" * 100),
    "nothing": hostile.read_and_hang_up,
    "nothing, not even listening": hostile.hang_up_at_once,
    "a reset": resetting(b""),
    "a reset in the header": resetting(OK + b"Content-"),
    "a reset in the body": resetting(OK + b"Content-Length: 100\r\n\r\n" + STATS),
    "a reset in a body until the end": resetting(OK + b"\r\n" + STATS),
}  # fmt: skip

TOO_LARGE: dict[str, Script] = {
    "10 MB": saying(sized(b"x" * 10**7)),
    "10 MB until the end": saying(OK + b"\r\n" + b"x" * 10**7),
    "10 MB in one chunk": saying(chunked(b"x" * 10**7) + b"0\r\n\r\n"),
    "an endless body": repeating(OK + b"\r\n", b"x" * 1_000),
    "endless chunks": repeating(CHUNKED, b"1\r\nx\r\n" * 100),
    "endless chunk extensions": repeating(CHUNKED + b"1;", b"a" * 1_000),
    "endless trailers": repeating(chunked(b"{}") + b"0\r\n", b"X-A: b\r\n" * 100),
    "one byte too many": saying(sized(b"x" * (BODY_MAX + 1))),
    "one byte too many until the end": saying(OK + b"\r\n" + b"x" * (BODY_MAX + 1)),
    "a length that is only said": saying_and_staying(OK + b"Content-Length: 65537\r\n\r\n"),
    "a length of an exabyte": saying_and_staying(OK + b"Content-Length: 1%018d\r\n\r\n" % 0),
    "an endless header": repeating(OK + b"X: ", b"x" * 1_000),
    "endless headers": repeating(OK, b"X-A: b\r\n" * 100),
    "an endless header name": repeating(OK, b"x" * 1_000),
    "an endless reason": repeating(b"HTTP/1.1 200 ", b"x" * 1_000),
    "a header of 9 kB at once": saying(sized(STATS, b"X: " + b"x" * 9_000)),
    "headers of 9 kB at once": saying(sized(STATS, *[b"X: " + b"x" * 90] * 100)),
    "endless empty lines": repeating(b"", b"\r\n" * 500),
}  # fmt: skip

TIMEOUT: dict[str, Script] = {
    "silence": saying_and_staying(b""),
    "silence in the status line": saying_and_staying(b"HTTP/1.1 20"),
    "silence in the header": saying_and_staying(OK + b"X: "),
    "silence before the body": saying_and_staying(OK + b"Content-Length: 2\r\n\r\n"),
    "silence in the body": saying_and_staying(OK + b"Content-Length: 100\r\n\r\n" + STATS),
    "silence before the last chunk": saying_and_staying(chunked(STATS)),
    "silence in a body until the end": saying_and_staying(OK + b"\r\n" + STATS),
    "a dripping header": repeating(OK + b"X: ", b"x", pause_s=0.01),
    "a dripping body": repeating(OK + b"Content-Length: 60000\r\n\r\n", b"x", pause_s=0.01),
    "dripping chunks": repeating(CHUNKED, b"1\r\nx\r\n", pause_s=0.01),
    "dripping empty lines": repeating(b"", b"\r\n", pause_s=0.01),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_HTTP)
async def test_what_is_not_a_plain_200_is_refused(client_of: ClientOf, case: str) -> None:
    """Whatever else it may be."""
    wanted = expected(client_of, case, Reason.STATS_BAD_HTTP)
    limits = HASTY if wanted is Reason.STATS_TIMEOUT else PATIENT
    assert await found(client_of, case, BAD_HTTP[case], limits) == wanted


@pytest.mark.parametrize("case", TOO_LARGE)
async def test_what_is_too_large_is_cut_off(client_of: ClientOf, case: str) -> None:
    """By the bytes that came, not by those announced alone."""
    wanted = expected(client_of, case, Reason.STATS_TOO_LARGE)
    assert await found(client_of, case, TOO_LARGE[case]) == wanted


@pytest.mark.parametrize("case", TIMEOUT)
async def test_what_takes_too_long_is_cut_off(client_of: ClientOf, case: str) -> None:
    """However often a byte comes."""
    wanted = expected(client_of, case, Reason.STATS_TIMEOUT)
    assert await found(client_of, case, TIMEOUT[case], HASTY) == wanted


async def test_a_redirect_is_not_followed(client_of: ClientOf) -> None:
    """Its target is not so much as connected to."""
    async with hostile.serving(saying(sized(STATS))) as target:
        failed = await get(client_of, saying(redirect(302, str(target.address).encode())))
        assert isinstance(failed, Failed)
        assert target.accepted == 0


async def test_the_request_is_small_and_plain(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes straight there: proxies of the environment are for others."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    heads = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await hostile.read_head(reader))
        writer.write(sized(STATS))

    async with hostile.serving(script) as server:
        client = client_of(allow_private=True, limits=PATIENT, resolve=answers("127.0.0.1"))
        address = HttpAddress("relay.example.org", server.port, "/a/../stats.json?a='b'")
        assert isinstance(await client.get(address), Fetched)
    (head,) = heads
    first, *headers = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "GET /a/../stats.json?a='b' HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        "Connection: close",
        f"Host: relay.example.org:{server.port}",
        "User-Agent: restream-coordinator",
    ]


async def test_polls_speak_no_tls_rather_than_none_that_is_asked_for() -> None:
    """Statistics are served over http; an https address was never parsed as one of them."""
    async with hostile.serving(saying(sized(STATS))) as server:
        client = PollClient(Guard(allow_private=True), PATIENT)
        with pytest.raises(ValueError, match="TLS"):
            await client.get(HttpAddress("127.0.0.1", server.port, "/", is_tls=True))
        assert server.accepted == 0


async def test_whatever_bytes_are_wrong_nothing_is_raised(client_of: ClientOf) -> None:
    """Proper answers, each with a few bytes changed, taken away or put in."""
    rng = Random(7)
    answers = [saying(_spoiled(rng, rng.choice(list(ACCEPTED.values()))[0])) for _ in range(200)]
    given = iter(answers)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(given)(reader, writer)

    async with hostile.serving(script) as server:
        client = client_of(allow_private=True, limits=PATIENT)
        found = [await client.get(server.address) for _ in answers]
    assert {type(one) for one in found} == {Fetched, Failed}
    reasons = {one.reason for one in found if isinstance(one, Failed)}
    assert reasons <= {Reason.STATS_BAD_HTTP, Reason.STATS_TOO_LARGE}


def _spoiled(rng: Random, answer: bytes) -> bytes:
    spoiled = bytearray(answer)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(spoiled), 200))
        spoiled[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
    return bytes(spoiled)


class TestConnecting:
    """Before anything is said."""

    async def test_a_closed_port_fails_to_connect(self, client_of: ClientOf) -> None:
        """Refused by the other machine."""
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = HttpAddress("127.0.0.1", closed.getsockname()[1], "/")
            failed = await client_of(allow_private=True, limits=PATIENT).get(address)
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.CONNECT_FAILED

    async def test_a_port_that_drops_everything_fails_to_connect(self, client_of: ClientOf) -> None:
        """As behind a firewall: here a queue that is full."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            callers = [socket.socket() for _ in range(5)]
            for caller in callers:
                caller.setblocking(False)
                assert caller.connect_ex(full.getsockname()) == errno.EINPROGRESS
            address = HttpAddress("127.0.0.1", full.getsockname()[1], "/")
            limits = OutboundLimits(connect_seconds=0.2, total_seconds=SECONDS_MAX * 2)
            async with asyncio.timeout(SECONDS_MAX):
                failed = await client_of(allow_private=True, limits=limits).get(address)
            for caller in callers:
                caller.close()
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.CONNECT_FAILED

    async def test_waiting_for_a_place_to_look_up_a_name_is_not_the_nodes_fault(self) -> None:
        """Others took all of them; who gets one late has all of the time for its own part."""
        answered = asyncio.Event()

        async def resolve(host: str) -> Sequence[str]:
            if host.startswith("slow"):
                await answered.wait()
            return ["8.8.4.4"]  # to control names too

        guard = Guard(allow_private=False, resolve=resolve)
        slow = [
            asyncio.create_task(guard.resolve(f"slow{n}.example.org", HASTY))
            for n in range(RESOLVERS_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(AddressRefused) as found:
            await guard.resolve("waits.example.org", HASTY)
        assert found.value.reason is Reason.UNKNOWN_INTERNAL
        refused = await asyncio.gather(*slow, return_exceptions=True)
        assert {one.reason for one in refused if isinstance(one, AddressRefused)} == {
            Reason.NAME_UNRESOLVED
        }
        waits = asyncio.create_task(guard.way_to("waits.example.org", PATIENT))
        await asyncio.sleep(0.05)
        got_a_place_s = asyncio.get_running_loop().time()
        answered.set()  # only now do those that were given up hand back their places
        way = await waits
        assert way.peer == "8.8.4.4"
        assert way.last_deadline >= got_a_place_s + PATIENT.total_seconds

    async def test_a_lack_of_our_own_is_not_the_nodes_fault(self, client_of: ClientOf) -> None:
        """No descriptor is left for a socket."""
        async with hostile.serving(saying(sized(STATS))) as server:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                failed = await client_of(allow_private=True, limits=PATIENT).get(server.address)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert isinstance(failed, Failed), failed
        assert failed.reason is Reason.UNKNOWN_INTERNAL

    @pytest.mark.parametrize(
        ("number", "peer", "ours"),
        [
            (errno.ECONNREFUSED, "8.8.8.8", False),
            (errno.EHOSTUNREACH, "8.8.8.8", False),
            (errno.ETIMEDOUT, "8.8.8.8", False),
            (errno.EADDRNOTAVAIL, "8.8.8.8", True),
            (errno.ENETUNREACH, "8.8.8.8", True),
            (errno.ENETUNREACH, "127.0.0.1", False),
            (errno.ENETUNREACH, "2606:4700:4700::1111", False),
        ],
    )
    def test_being_cut_off_ourselves_is_told_apart(
        self, number: int, peer: str, ours: bool
    ) -> None:
        """By the kernel's error; and by the own table of routes, which holds for one of them."""
        assert is_ours(OSError(number, "x"), peer, "127.0.0.1".__eq__) is ours

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "0.0.0.0"])
    async def test_an_address_that_is_not_public_is_not_connected_to(
        self, client_of: ClientOf, host: str
    ) -> None:
        """Unless a setting says so."""
        failed = await client_of(allow_private=False).get(HttpAddress(host, 8080, "/"))
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.ADDRESS_BLOCKED

    @pytest.mark.parametrize(
        "host", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "::ffff:127.0.0.1"]
    )
    async def test_some_addresses_are_never_connected_to(
        self, client_of: ClientOf, host: str
    ) -> None:
        """Whatever the setting."""
        failed = await client_of(allow_private=True).get(HttpAddress(host, 8080, "/"))
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.ADDRESS_BLOCKED

    async def test_a_node_may_be_reached_over_ipv6(self, client_of: ClientOf) -> None:
        """And is named in brackets."""
        async with hostile.serving(saying(sized(STATS)), "::1") as server:
            fetched = await client_of(allow_private=True, limits=PATIENT).get(server.address)
        assert isinstance(fetched, Fetched), fetched
        assert fetched.peer == "::1"


class Answers:
    """A name server that gives the next of its answers each time; exceptions are raised."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answers(*ips: str) -> Answers:
    """One answer with these addresses."""
    return Answers(ips)


class TestResolving:
    """Names and what they stand for."""

    @pytest.mark.parametrize(
        "ips",
        [
            ["127.0.0.1"],
            ["8.8.8.8", "127.0.0.1"],
            ["127.0.0.1", "8.8.8.8"],
            ["8.8.8.8", "1.1.1.1", "10.0.0.1"],
            ["8.8.8.8", "169.254.169.254"],
            ["2606:4700:4700::1111", "::1"],
            ["8.8.8.8", "::ffff:8.8.8.8"],
            ["8.8.8.8", "64:ff9b::7f00:1"],
            ["8.8.8.8", "2002:7f00:1::1"],
            ["8.8.8.8", "2001::1"],
            ["8.8.8.8", "fe80::1%2"],
            ["fd00:ec2::254"],
            ["100.64.0.1"],
            ["0.0.0.0"],
            ["255.255.255.255"],
            ["8.8.8.8", "junk"],
        ],
        ids=" ".join,
    )
    async def test_one_address_that_is_not_allowed_refuses_the_name(
        self, client_of: ClientOf, ips: list[str]
    ) -> None:
        """Nothing is connected to."""
        resolve = Answers(ips)
        client = client_of(allow_private=False, resolve=resolve)
        failed = await client.get(HttpAddress("relay.example.org", 8080, "/"))
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.ADDRESS_BLOCKED
        assert resolve.asked == ["relay.example.org"]

    @pytest.mark.parametrize(
        "answer",
        [
            [],
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"),
            UnicodeError("label too long"),
        ],
        ids=repr,
    )
    async def test_a_name_without_an_address_does_not_resolve(
        self, client_of: ClientOf, answer: Sequence[str] | Exception
    ) -> None:
        """In every way in which a resolver says so. No other name is asked for."""
        resolve = Answers(answer)
        client = client_of(allow_private=True, resolve=resolve)
        failed = await client.get(HttpAddress("relay.example.org", 8080, "/"))
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.NAME_UNRESOLVED
        assert resolve.asked == ["relay.example.org"]

    @pytest.mark.parametrize(
        "error",
        [
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution"),
            OSError(errno.EIO, "broken"),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize(
        ("resolving", "reason"),
        [
            (CONTROL_NAMES, Reason.NAME_UNRESOLVED),
            (CONTROL_NAMES[1:], Reason.NAME_UNRESOLVED),
            (CONTROL_NAMES[:1], Reason.UNKNOWN_RESOLVER),
            ((), Reason.UNKNOWN_RESOLVER),
        ],
        ids=len,
    )
    async def test_a_resolver_that_fails_is_held_against_the_name_if_most_controls_resolve(
        self, client_of: ClientOf, error: Exception, resolving: Sequence[str], reason: Reason
    ) -> None:
        """One of ours that is down makes nobody's minutes `unknown`."""

        async def resolve(host: str) -> Sequence[str]:
            if host in resolving:
                return ["203.0.113.7"]
            raise error

        client = client_of(allow_private=True, resolve=resolve)
        failed = await client.get(HttpAddress("relay.example.net.example", 8080, "/"))
        assert isinstance(failed, Failed)
        assert failed.reason is reason

    async def test_a_name_server_that_says_nothing_has_a_deadline_of_its_own(
        self, client_of: ClientOf
    ) -> None:
        """Shorter than that of the whole."""

        given_up = asyncio.Event()

        async def resolve(host: str) -> Sequence[str]:
            if host in CONTROL_NAMES:
                return ["203.0.113.7"]
            await given_up.wait()
            raise OSError("no answer")

        limits = OutboundLimits(resolve_seconds=0.05, total_seconds=30.0)
        client = client_of(allow_private=True, limits=limits, resolve=resolve)
        failed = await client.get(HttpAddress("relay.example.org", 8080, "/"))
        given_up.set()
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.NAME_UNRESOLVED

    async def test_controls_that_resolved_before_prove_nothing_about_later(self) -> None:
        """The resolver may have failed in between; who failed before a round is told by it."""
        is_broken, asked = False, 0

        async def resolve(_: str) -> Sequence[str]:
            nonlocal asked
            asked += 1
            if is_broken:
                raise OSError("broken")
            return ["203.0.113.7"]

        controls = ControlNames(CONTROL_NAMES, resolve)
        before_s = asyncio.get_running_loop().time()
        told = await asyncio.gather(*(controls.hold(before_s, 30.0) for _ in range(20)))
        assert (set(told), asked) == ({True}, len(CONTROL_NAMES))
        is_broken = True
        assert await controls.hold(before_s, 30.0)
        assert not await controls.hold(before_s + 60.0, 30.0)

    async def test_a_name_is_resolved_once_and_connected_to_by_that_answer(
        self, client_of: ClientOf
    ) -> None:
        """What it resolves to the second time is judged the second time."""
        async with hostile.serving(saying(sized(STATS))) as server:
            resolve = Answers(["127.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["127.0.0.1"])
            client = client_of(allow_private=True, limits=PATIENT, resolve=resolve)
            address = HttpAddress("relay.example.org", server.port, "/")
            first = await client.get(address)
            assert (len(resolve.asked), server.accepted) == (1, 1)
            second = await client.get(address)
            assert (len(resolve.asked), server.accepted) == (2, 1)
        assert isinstance(first, Fetched)
        assert isinstance(second, Failed)
        assert second.reason is Reason.ADDRESS_BLOCKED

    @pytest.mark.parametrize(
        "host", ["127.1", "0x7f.0.0.1", "2130706433", "relay.example.org.", ""]
    )
    async def test_a_spelling_that_resolvers_read_differently_is_refused(
        self, client_of: ClientOf, host: str
    ) -> None:
        """Even if the address was made by hand, and without asking a resolver."""
        resolve = answers("8.8.8.8")
        failed = await client_of(allow_private=True, resolve=resolve).get(
            HttpAddress(host, 80, "/")
        )
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.URL_INVALID
        assert resolve.asked == []

    async def test_the_prober_gets_one_allowed_address_or_the_reason(self) -> None:
        """The same guard for RTMP."""
        guard = Guard(allow_private=False, resolve=Answers(["8.8.8.8"], ["10.0.0.1"]))
        assert await guard.resolve("relay.example.org") == "8.8.8.8"
        assert await guard.resolve("1.1.1.1") == "1.1.1.1"
        with pytest.raises(AddressRefused):
            await guard.resolve("relay.example.org")
        with pytest.raises(AddressRefused):
            await guard.resolve("127.0.0.1")

    async def test_the_systems_resolver_knows_localhost_and_refuses_nonsense(self) -> None:
        """Both without leaving the machine."""
        assert "127.0.0.1" in await system_resolve("localhost")
        with pytest.raises((OSError, UnicodeError)):
            await system_resolve("a" * 300)


def polled(
    addresses: Sequence[HttpAddress], at_once: int, told: Callable[[int], None]
) -> Coroutine[None, None, None]:
    """Polls them as the collector does, and tells the place of each answer."""
    slots = [Slot(f"n{at}", "s3", str(a), a.host, 1935, 1, 1.0) for at, a in enumerate(addresses)]
    poller = Poller(PollClient(Guard(allow_private=True), PATIENT), Log("tests", "ERROR"), at_once)
    return poller.poll(enumerate(slots), lambda at, _: told(at), seconds_max=60.0)


class TestManyAtOnce:
    """A sweep."""

    async def test_a_node_that_hangs_delays_no_other(self) -> None:
        """It answers only when all others have been told, and so comes last."""
        release = asyncio.Event()

        async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await hostile.read_head(reader)
            await release.wait()
            writer.write(sized(STATS))

        order: list[int] = []

        def told(place: int) -> None:
            order.append(place)
            if len(order) == 12:
                release.set()

        async with hostile.serving(hanging) as slow, hostile.serving(saying(sized(STATS))) as quick:
            addresses = [slow.address] + [quick.address] * 12
            await polled(addresses, 2, told)
        assert order[-1] == 0
        assert sorted(order) == list(range(13))

    async def test_no_more_than_so_many_are_asked_at_once(self) -> None:
        """The server sees it."""
        most = 0

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal most
            await hostile.read_head(reader)
            most = max(most, server.open)
            writer.write(sized(STATS))

        found: list[int] = []
        async with hostile.serving(script) as server:
            await polled([server.address] * 31, 5, found.append)
        assert sorted(found) == list(range(31))
        assert 1 <= most <= 5 + 1  # the server may notice an end after the next beginning

    async def test_a_sweep_that_is_cancelled_leaves_nothing_open(self) -> None:
        """Neither here nor there."""
        async with hostile.serving(saying_and_staying(OK)) as server:
            sweep = asyncio.create_task(polled([server.address] * 7, 7, lambda _: None))
            await hostile.until(lambda: server.open == 7)
            sweep.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sweep

    async def test_a_poll_that_is_cancelled_while_it_connects_leaves_nothing_open(
        self, client_of: ClientOf
    ) -> None:
        """At every step of the loop that a connection takes."""
        async with hostile.serving(saying_and_staying(OK)) as server:
            for steps in range(10):
                client = client_of(allow_private=True, limits=PATIENT)
                poll = asyncio.create_task(client.get(server.address))
                for _ in range(steps):
                    await asyncio.sleep(0)
                poll.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await poll

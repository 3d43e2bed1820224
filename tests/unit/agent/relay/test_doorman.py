"""Who may play: everybody but those whom a forwarder handed on."""

import asyncio

import pytest

from agent.endpoints import AddressError
from agent.relay.doorman import Doorman, asked_place

ASKED = (
    b"app=live&flashver=LNX%209,0,124,2&swfurl=&tcurl=rtmp://198.51.100.7:1935/live&pageurl="
    b"&addr=192.0.2.9&clientid=3&call=play&name=k3v9m2x7q4ab&start=4294966296&duration=0&reset=0"
)


async def _resolve(host: str) -> list[str]:
    """Literals are themselves; one name leads to a public address."""
    names = {"relay.example.org": ["8.8.4.4"]}
    if host == "away.example.org":
        raise AddressError("it does not resolve")
    return names.get(host, [host])


def _asking(tc_url: str) -> bytes:
    return ASKED.replace(b"rtmp://198.51.100.7:1935/live", tc_url.encode())


def _doorman(*own: tuple[str, int]) -> Doorman:
    doorman = Doorman(_resolve, lambda: 17.0)
    doorman.know(*own)
    return doorman


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (ASKED, ("198.51.100.7", 1935)),
        (_asking("rtmp://198.51.100.7/live"), ("198.51.100.7", 1935)),
        (_asking("rtmp%3A%2F%2F198.51.100.7%3A1940%2Flive"), ("198.51.100.7", 1940)),
        (ASKED + b"&tcurl=rtmp://192.0.2.1/live", ("198.51.100.7", 1935)),
        (_asking("rtmp://relay.example.org:1935/live"), None),
        (_asking("rtmp://0x7f.1:1935/live"), None),
        (_asking("rtmp://198.51.100.7:99999/live"), None),
        (_asking("rtmp://[2001:db8::7]:1935/live"), None),
        (_asking("rtmp://[/live"), None),
        (_asking(""), None),
        (b"\xff", None),
        (b"&a=1" * 100, None),
        (b"", None),
    ],
)
def test_the_place_is_read_from_what_the_player_said(
    body: bytes, place: tuple[str, int] | None
) -> None:
    assert asked_place(body) == place


@pytest.mark.parametrize(
    ("tc_url", "own", "status"),
    [
        ("rtmp://8.8.4.4:1935/live", ("8.8.4.4", 1935), 204),
        ("rtmp://8.8.4.4:1935/live", ("relay.example.org", 1935), 204),
        ("rtmp://8.8.8.8:1935/live", ("8.8.4.4", 1935), 403),
        ("rtmp://8.8.8.8:1935/live", ("relay.example.org", 1935), 403),
        ("rtmp://8.8.4.4:1940/live", ("8.8.4.4", 1935), 403),
        ("rtmp://8.8.4.4:1940/live", ("relay.example.org", 1935), 403),
        ("rtmp://other.example.org/live", ("8.8.4.4", 1935), 204),
        ("rtmp://192.168.1.7:1935/live", ("8.8.4.4", 1935), 204),
        ("rtmp://127.0.0.1:1935/live", ("relay.example.org", 1935), 204),
        ("rtmp://127.0.0.1:1940/live", ("127.0.0.1", 1935), 403),
        ("rtmp://8.8.8.8:1935/live", ("away.example.org", 1935), 204),
        ("", ("8.8.4.4", 1935), 204),
    ],
)
async def test_only_another_public_place_is_refused(
    tc_url: str, own: tuple[str, int], status: int
) -> None:
    assert (await _doorman(own).answer(_asking(tc_url)))[0] == status


async def test_a_relay_with_several_places_is_asked_for_at_any() -> None:
    doorman = _doorman(("8.8.4.4", 1935), ("127.0.0.1", 1936))
    assert (await doorman.answer(_asking("rtmp://127.0.0.1:1936/live")))[0] == 204
    assert (await doorman.answer(_asking("rtmp://8.8.4.4/live")))[0] == 204
    assert (await doorman.answer(_asking("rtmp://8.8.8.8/live")))[0] == 403


async def test_everybody_is_let_in_until_the_place_is_known() -> None:
    assert await _doorman().answer(ASKED) == (204, "")


async def test_a_name_is_asked_for_once_a_minute() -> None:
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["8.8.4.4"]

    now = [0.0]
    doorman = Doorman(resolve, lambda: now[0])
    doorman.know(("relay.example.org", 1935))
    for _ in range(3):
        assert (await doorman.answer(_asking("rtmp://8.8.8.8/live")))[0] == 403
    now[0] = 61.0
    await doorman.answer(_asking("rtmp://8.8.8.8/live"))
    assert asked == ["relay.example.org"] * 2


async def test_every_name_of_a_relay_is_asked_for_once_a_minute() -> None:
    """An ingest is known by a name and by what it listens on."""
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return await _resolve(host)

    doorman = Doorman(resolve, lambda: 17.0)
    for _ in range(3):
        doorman.know(("relay.example.org", 1935), ("127.0.0.1", 1935))
        assert (await doorman.answer(_asking("rtmp://8.8.8.8/live")))[0] == 403
    assert sorted(asked) == ["127.0.0.1", "relay.example.org"]


async def test_a_crowd_that_comes_while_a_name_is_asked_for_asks_no_more() -> None:
    """They are judged by what was known, and let in where nothing was."""
    asked, may_answer, now = [0], asyncio.Event(), [0.0]

    async def resolve(_: str) -> list[str]:
        asked[0] += 1
        await may_answer.wait()
        return ["8.8.4.4"]

    doorman = Doorman(resolve, lambda: now[0])
    doorman.know(("relay.example.org", 1935))

    async def crowd() -> set[int]:
        first = asyncio.create_task(doorman.answer(_asking("rtmp://8.8.8.8/live")))
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            said = {(await doorman.answer(_asking("rtmp://8.8.8.8/live")))[0] for _ in range(100)}
        may_answer.set()
        assert (await first)[0] == 403
        return said

    assert await crowd() == {204}
    now[0], may_answer = 61.0, asyncio.Event()
    assert await crowd() == {403}
    assert asked == [2]


async def test_who_asks_again_and_again_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    doorman = Doorman(_resolve, lambda: now[0])
    doorman.know(("8.8.4.4", 1935))
    for now[0] in (0.0, 1.0, 59.0, 60.0, 61.0):
        assert (await doorman.answer(_asking("rtmp://8.8.8.8/live")))[0] == 403
    assert [record.message for record in caplog.records] == ["player_forwarded"] * 2

"""An overrun port is remembered, a hiccup is not."""

from collections.abc import Callable

from agent.relay.own_port import REMEMBERED_S, OwnPort


def _port(opens: list[bool]) -> tuple[OwnPort, Callable[[float], None]]:
    now = [100.0]

    async def knock() -> bool:
        return opens.pop(0)

    def at(now_s: float) -> None:
        now[0] = now_s

    return OwnPort(knock, lambda: now[0]), at


async def test_one_silence_is_a_hiccup_and_two_are_a_flood() -> None:
    port, _ = _port([True, False, True, False, False])
    for _ in range(4):
        await port.look(is_running=True)
        assert not port.is_overrun
    await port.look(is_running=True)
    assert port.is_overrun


async def test_a_flood_in_pulses_is_remembered_until_the_next_poll() -> None:
    port, at = _port([False, False, True])
    for _ in range(3):
        await port.look(is_running=True)
    assert port.is_overrun
    at(100.0 + REMEMBERED_S)
    assert not port.is_overrun


async def test_a_relay_that_is_being_started_is_not_overrun() -> None:
    port, _ = _port([])
    for _ in range(5):
        await port.look(is_running=False)
    assert not port.is_overrun

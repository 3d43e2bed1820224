"""RTMP clients that misbehave, one entry each: what strangers may do to a relay.

An entry does its worst over one connection or several, and says what has to come of it: it is
closed, refused with a code, or tolerated, which a ping shows that is answered behind it. The set
`MISBEHAVIOURS` is filled by the catalogues; a new one is one function or one line of bytes there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rtmp.addresses import RtmpAddress
from tests.integration.hostile_peer import AT_ONCE_S, Peer

ROLES = ("ingest", "node")
DEADLINE_S = 13.0
"""The relay's own deadline for `play` or `publish`, and its pace of looking."""
LOST_S = 45.0
"""For a viewer that reads nothing: its queue has to fill first."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`what` is closed, refused or tolerated; a refusal has a code."""

    what: str
    within_s: float = AT_ONCE_S
    code: str = ""


CLOSED = Expectation("closed")
CLOSED_LATE = Expectation("closed", DEADLINE_S)
CLOSED_AS_LOST = Expectation("closed", LOST_S)
TOLERATED = Expectation("tolerated")


def refused(code: str) -> Expectation:
    """A status or an error of this code, and then the end."""
    return Expectation("refused", code=code)


Act = Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What is done, and what has to come of it, at these roles."""

    act: Act
    expected: Expectation
    roles: tuple[str, ...]
    small_window: bool = False


MISBEHAVIOURS: dict[str, Misbehaviour] = {}


def misbehaviour(
    expected: Expectation, *roles: str, small_window: bool = False
) -> Callable[[Act], Act]:
    """Enters a function into the catalogue, under its own name."""

    def enter(act: Act) -> Act:
        name = getattr(act, "__name__", "")
        _enter(name, Misbehaviour(act, expected, roles or ROLES, small_window))
        return act

    return enter


def bytes_behind_greeting(name: str, expected: Expectation, data: bytes) -> None:
    """Enters bytes that follow a right handshake."""

    async def act(peer: Peer) -> None:
        await peer.greet()
        await peer.send(data)

    _enter(name, Misbehaviour(act, expected, ROLES))


def _enter(name: str, entry: Misbehaviour) -> None:
    if name in MISBEHAVIOURS:
        raise ValueError(f"two misbehaviours are called {name}")
    MISBEHAVIOURS[name] = entry


async def happened(entry: Misbehaviour, address: RtmpAddress) -> str:
    """Misbehave once; empty if that came of it which was expected, else what did."""
    peer, expected = Peer(address, small_window=entry.small_window), entry.expected
    try:
        await peer.dial()
        await entry.act(peer)
        return await _judge(peer, expected)
    except (OSError, EOFError, TimeoutError) as error:
        return f"{type(error).__name__} in mid-act: {error}; told {peer.codes}"
    finally:
        peer.hang_up()


async def _judge(peer: Peer, expected: Expectation) -> str:
    if expected.what == "tolerated":
        return "" if await peer.ping() else f"no answer behind it; told {peer.codes}"
    if expected is CLOSED_AS_LOST:
        return "" if await peer.until_cut_off(expected.within_s) else "it was never cut off"
    if not await peer.until_closed(expected.within_s):
        return f"it is open after {expected.within_s:g} s; told {peer.codes}"
    if expected.what == "refused" and expected.code not in peer.codes:
        return f"closed, but told {peer.codes}"
    return ""

"""Whether a player asked for this very relay, or a forwarder handed on what was asked of it.

RTMP's `connect` carries the URL that the player was given (`tcUrl`). A node that is only a TCP
forwarder hands it on as it is, with its own address in it, and a relay that refuses such plays
leaves it with nothing to serve. Checks connect to literal addresses, so only those are judged:
a host name, a player that says nothing, and whatever cannot be read are let in, and so is who
came by a private address to a public relay. Nothing is held against the address that is named.
"""

import ipaddress
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from agent.endpoints import AddressError
from agent.log import AgentEvent, log

Place = tuple[str, int]
"""A host, by name or IPv4 address, and a port."""
Resolve = Callable[[str], Awaitable[list[str]]]
RTMP_PORT = 1935
RESOLVED_S = 60.0
"""So long a name is not asked for again: a thousand viewers may come at once."""
LOG_EVERY_S = 60.0


def asked_place(body: bytes) -> Place | None:
    """The literal IPv4 address and port in the `tcurl` of the relay's question. Pure."""
    try:
        said = dict(reversed(parse_qsl(body.decode("ascii"), max_num_fields=64)))
        url = urlsplit(said.get("tcurl", ""))
        return str(ipaddress.IPv4Address(url.hostname or "")), url.port or RTMP_PORT
    except ValueError:  # whatever cannot be read accuses nobody
        return None


class Doorman:
    """Lets players in, except those who asked for another public place."""

    def __init__(self, resolve: Resolve, clock: Callable[[], float]) -> None:
        """`clock` in seconds that only grow."""
        self._resolve = resolve
        self._clock = clock
        self._own: set[Place] = set()
        self._resolved: dict[str, tuple[float, list[str]]] = {}
        self._logged_s: float | None = None

    def know(self, *places: Place) -> None:
        """Where this relay is reached; until it is told, everybody is let in."""
        self._own = set(places)
        hosts = {host for host, _ in places}
        self._resolved = {host: r for host, r in self._resolved.items() if host in hosts}

    async def answer(self, body: bytes) -> tuple[int, str]:
        """The HTTP status for the relay (204 lets the player in) and the reason."""
        asked = asked_place(body)
        if asked is None or await self._is_own(asked):
            return 204, ""
        now_s = self._clock()
        if self._logged_s is None or now_s >= self._logged_s + LOG_EVERY_S:
            self._logged_s = now_s
            log(AgentEvent.PLAYER_FORWARDED, logging.WARNING, asked_for=f"{asked[0]}:{asked[1]}")
        return 403, "Play from the address that you were given: this relay serves no forwarder."

    async def _is_own(self, asked: Place) -> bool:
        """True also where it cannot be told."""
        host, port = asked
        if not self._own or asked in self._own:
            return True
        found: set[str] = set()
        for own_host, own_port in self._own:
            addresses = await self._addresses(own_host)
            if not addresses or (own_port == port and host in addresses):
                return True
            found.update(addresses)
        is_public = any(ipaddress.ip_address(address).is_global for address in found)
        return is_public and not ipaddress.ip_address(host).is_global

    async def _addresses(self, host: str) -> list[str]:
        now_s = self._clock()
        until_s, addresses = self._resolved.get(host, (now_s, []))
        if now_s >= until_s:
            # Whoever comes meanwhile is judged by what was known before.
            self._resolved[host] = (now_s + RESOLVED_S, addresses)
            try:
                addresses = await self._resolve(host)
            except AddressError:
                addresses = []
            self._resolved[host] = (now_s + RESOLVED_S, addresses)
        return addresses

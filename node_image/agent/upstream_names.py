"""Where an ingest's name leads: never into a network of the operator's own.

Whoever runs a coordinator names the ingest that all its nodes connect to. It shall not have them
knock at what only they can reach: their router, their neighbours, their cloud's metadata server.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from agent.endpoints import AddressError, resolve_ipv4

_SHARED = ipaddress.ip_network("100.64.0.0/10")
_UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")
Resolve = Callable[[str], Awaitable[list[str]]]


class UpstreamNames:
    """Resolves an ingest's name, and judges every address of it."""

    def __init__(self, coordinator_url: str, resolve: Resolve = resolve_ipv4) -> None:
        self._coordinator = urlsplit(coordinator_url).hostname or ""
        self._resolve = resolve

    async def resolve(self, host: str) -> list[str]:
        """All IPv4 addresses of `host`, at least one; AddressError if one may not be called.

        A private one may where the coordinator is private too: a network at home, or of a test."""
        found = await self._resolve(host)
        refused = [one for one in found if not _is_public(one)]
        if not refused:
            return found
        if all(_is_private(one) for one in refused) and await self._coordinator_is_private():
            return found
        raise AddressError(
            f"The ingest's name {host} leads to {refused[0]}, which is not on the internet. "
            f"Nothing is pulled from there on the word of {self._coordinator}: tell whoever runs "
            "it to set INGEST_URL to a public address."
        )

    async def _coordinator_is_private(self) -> bool:
        try:
            literal = ipaddress.ip_address(self._coordinator)
        except ValueError:
            try:
                found = await self._resolve(self._coordinator)
            except AddressError:
                return False
        else:
            found = [str(literal)]
        return all(_is_private(one) for one in found)


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_global and not parsed.is_multicast


def _is_private(address: str) -> bool:
    """Inside of a network or a machine; never link-local, where clouds keep their secrets."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return parsed.is_loopback or parsed in _UNIQUE_LOCAL
    is_inside = parsed.is_private or parsed in _SHARED
    return is_inside and not (
        parsed.is_link_local or parsed.is_reserved or parsed.is_unspecified or parsed.is_multicast
    )

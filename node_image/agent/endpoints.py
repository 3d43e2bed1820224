"""Host names to IPv4, and whether a port is free: asked before the relay stumbles over it."""

import asyncio
import errno
import socket

EVERYWHERE = "0.0.0.0"  # noqa: S104 -- strangers are meant to come
_RESOLVE_S_MAX = 10.0


class AddressError(Exception):
    """A name or a port can't be used now. The message says what to do."""


async def resolve_ipv4(host: str) -> list[str]:
    """All IPv4 addresses of `host`, at least one. Raises AddressError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_S_MAX):
            found = await loop.getaddrinfo(
                host, None, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError, TimeoutError) as e:
        raise AddressError(
            f"The ingest's name {host} does not resolve to an IPv4 address "
            f"({str(e) or 'timeout'}): check this machine's DNS; the agent keeps trying."
        ) from e
    return [str(address[0]) for *_, address in found]


def check_port_free(address: str, port: int, variable: str) -> None:
    """Raises AddressError if nobody could listen there now."""
    with stream_socket(address) as probe:
        bind(probe, address, port, variable)


def stream_socket(address: str) -> socket.socket:
    """To be bound to this address; for all of IPv4 it takes IPv6 too, where the machine has it."""
    if address != EVERYWHERE or not socket.has_dualstack_ipv6():
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    return sock


def bind(sock: socket.socket, address: str, port: int, variable: str) -> None:
    """Bind, and say what to do if it can't be done. Raises AddressError."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("::" if sock.family == socket.AF_INET6 else address, port))
    except OSError as e:
        fix = f"stop what uses the port, or set {variable} to a free one"
        if e.errno == errno.EADDRNOTAVAIL:
            fix = "set BIND_ADDRESS to an address of this machine, or leave it out"
        elif e.errno in (errno.EACCES, errno.EPERM):
            fix = f"set {variable} to a port above 1023"
        raise AddressError(
            f"The agent cannot listen on {address}:{port} ({e.strerror}): {fix}."
        ) from e

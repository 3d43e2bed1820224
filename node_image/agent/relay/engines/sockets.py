"""What the kernel counted on a process's TCP connections: exact bytes, without any privilege.

Some relays do not count what they send. `/proc/PID/io` leaves sockets out, so the counters come
from the kernel's own socket table (inet_diag, what `ss -ti` shows), and `/proc/PID/fd` tells which
sockets are the relay's: other programs may talk to the same ingest.
"""

import os
import socket
import struct
from dataclasses import dataclass

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_INET_DIAG_INFO = 2
_ESTABLISHED = 1 << 1
_HEAD = struct.Struct("=IHHII")
_ADDRESSES = struct.Struct("!HH4s12x4s12x")
_SOCKET_BYTES = 72
_COUNTERS = struct.Struct("=QQ")
_COUNTERS_AT = 120  # tcpi_bytes_acked, tcpi_bytes_received
_ANSWER_S_MAX = 1.0
_CHUNK_BYTES = 262_144


class CountersError(Exception):
    """The kernel does not tell the counters. The message says what to do."""


@dataclass(frozen=True)
class TcpSocket:
    """One established connection. `cookie` is never used twice while the machine runs."""

    cookie: int
    inode: int
    local_port: int
    peer: str  # address:port
    bytes_received: int
    bytes_sent: int  # acknowledged by the peer


def sockets_of(pid: int) -> list[TcpSocket]:
    """The established IPv4 connections of a process of ours. Raises CountersError."""
    try:
        owned = _inodes(pid)
        return [s for s in _dump() if s.inode in owned]
    except OSError as e:
        raise CountersError(
            f"the kernel does not tell the relay's byte counters ({e}): run the container with the "
            "default runtime and seccomp profile, or use RELAY_ENGINE=restream"
        ) from e


def parse_dump(answer: bytes) -> tuple[list[TcpSocket], bool]:
    """The sockets in one piece of the kernel's answer, and whether it was the last. Pure.

    Raises CountersError.
    """
    found: list[TcpSocket] = []
    at = 0
    while at + _HEAD.size <= len(answer):
        size, kind, *_ = _HEAD.unpack_from(answer, at)
        if kind == _NLMSG_DONE:
            return found, True
        if kind == _NLMSG_ERROR or size < _HEAD.size:
            raise CountersError("the kernel refuses to list sockets: use RELAY_ENGINE=restream")
        if sock := _parse_socket(answer[at + _HEAD.size : at + size]):
            found.append(sock)
        at += (size + 3) & ~3
    return found, False


def _parse_socket(body: bytes) -> TcpSocket | None:
    if len(body) < _SOCKET_BYTES:
        return None
    local_port, peer_port, _, peer_ip = _ADDRESSES.unpack_from(body, 4)
    (cookie,) = struct.unpack_from("=Q", body, 44)
    (inode,) = struct.unpack_from("=I", body, 68)
    at = _SOCKET_BYTES
    while at + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, at)
        if kind == _INET_DIAG_INFO and size >= 4 + _COUNTERS_AT + _COUNTERS.size:
            sent, received = _COUNTERS.unpack_from(body, at + 4 + _COUNTERS_AT)
            peer = f"{socket.inet_ntoa(peer_ip)}:{peer_port}"
            return TcpSocket(cookie, inode, local_port, peer, received, sent)
        at += max(4, (size + 3) & ~3)
    return None


def _inodes(pid: int) -> set[int]:
    owned = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue  # closed since it was listed
        if target.startswith("socket:["):
            owned.add(int(target[8:-1]))
    return owned


def _dump() -> list[TcpSocket]:
    request = struct.pack(
        "=BBBBI48x", socket.AF_INET, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), 0, _ESTABLISHED
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_ANSWER_S_MAX)
        head = _HEAD.pack(_HEAD.size + len(request), _SOCK_DIAG_BY_FAMILY, _DUMP, 1, 0)
        kernel.send(head + request)
        found: list[TcpSocket] = []
        while True:
            some, is_last = parse_dump(kernel.recv(_CHUNK_BYTES))
            found += some
            if is_last:
                return found

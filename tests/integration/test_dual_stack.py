"""The agent's own server is reached by IPv4 and IPv6, and counts strangers by what one line has."""

import errno
import socket

import pytest

from agent.endpoints import AddressError, check_port_free
from agent.shown.http_server import open_socket
from tests.ports import free_port


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_everywhere_means_both(family: socket.AddressFamily) -> None:
    port = free_port()
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with open_socket("0.0.0.0", port), socket.socket(family) as stranger:
        stranger.settimeout(5)
        stranger.connect((host, port))
        assert stranger.getpeername()[:2] == (host, port)


def test_one_address_means_that_one() -> None:
    port = free_port()
    with open_socket("127.0.0.1", port), socket.socket(socket.AF_INET6) as stranger:
        assert stranger.connect_ex(("::1", port)) == errno.ECONNREFUSED


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
def test_a_port_that_is_taken_is_named(address: str) -> None:
    port = free_port()
    says = f"listen on {address}:{port} .*set RTMP_PORT"
    with open_socket(address, port), pytest.raises(AddressError, match=says):
        check_port_free(address, port, "RTMP_PORT")
    check_port_free(address, port, "RTMP_PORT")

"""Unit tests open no socket: what needs one belongs to integration or e2e."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)  # asyncio's own self-pipe
    yield
    enable_socket()
